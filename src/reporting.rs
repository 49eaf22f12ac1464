//! Status packets made by the gateway, for systems whose protocol says a status by its code alone.
//!
//! What is made here goes in through the intake like anything else: in the name of the recipient that the caller speaks for,
//! judged by the same rules, answered with a receipt. It bears no signature, as the gateway signs for nobody; an agency whose
//! policy demands signed packets is told so, and its system has to send signed status packets instead.
//!
//! Invariant: a word that is still the recipient's last one is not said again, so that a call which is repeated after a lost
//! answer makes no second packet. Failure story: of several recipients that the caller speaks for some may have been
//! reported when one is refused; the call fails, and said again it does the rest.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use lienthong_contract::door::{ConsignmentTrace, Identity, Intake, Refusal, RefusalCause, Trace};
use lienthong_contract::reporting::Reporting;
use lienthong_contract::system::Party;
use lienthong_contract::{AgencyCode, DocId, Instant};

use crate::edxml::StatusReport;
use crate::edxml::model::{Located, Organization, ResponseFor, StaffInfo, StatusCode, TextAt};
use crate::edxml::write::write_status;
use crate::mailbox::Exchanges;

/// Says statuses for systems.
#[derive(Clone)]
pub struct Reports {
    pub exchanges: Arc<Exchanges>,
    pub intake: Arc<dyn Intake>,
}

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reports").field("exchanges", &self.exchanges).finish_non_exhaustive()
    }
}

#[async_trait]
impl Reporting for Reports {
    async fn report(&self, party: &Party, doc_id: DocId, code: &str) -> Result<(), Refusal> {
        let (trace, mine) = self.exchanges.in_hand(party, doc_id).await?;
        for (id, caller) in mine {
            let Some(consignment) = trace.consignments.iter().find(|one| one.id == id) else { continue };
            if !is_last_word(consignment, code) {
                self.say(&trace, consignment, &caller, code).await?;
            }
        }
        Ok(())
    }
}

/// Whether the recipient said this last.
fn is_last_word(consignment: &ConsignmentTrace, code: &str) -> bool {
    let by_recipient = |from: Option<&AgencyCode>| from.is_none_or(|from| *from == consignment.recipient);
    let last = consignment.statuses.iter().rev().find(|status| by_recipient(status.from.as_ref()));
    last.is_some_and(|status| status.code == code)
}

impl Reports {
    async fn say(
        &self,
        trace: &Trace,
        consignment: &ConsignmentTrace,
        caller: &Identity,
        code: &str,
    ) -> Result<(), Refusal> {
        let mailboxes = &self.exchanges.mailboxes;
        let listed = mailboxes.directory.snapshot();
        let name = listed.lookup(&consignment.recipient).map(|agency| agency.name.clone());
        let packet = packet(trace, &consignment.recipient, name, code, mailboxes.clock.now());
        let packet = packet.map_err(|error| {
            tracing::error!(%error, "a status packet cannot be written");
            Refusal { cause: RefusalCause::Unavailable, findings: Vec::new(), receipt: None }
        })?;
        let upload = futures_util::stream::iter([Ok(Bytes::from(packet))]);
        let submission = self.intake.submit(caller, Box::pin(upload)).await?;
        tracing::info!(document = %trace.doc_id, status = code, packet = %submission.doc_id, "a status was said for a system");
        Ok(())
    }
}

fn packet(
    trace: &Trace,
    from: &AgencyCode,
    name: Option<String>,
    code: &str,
    now: Instant,
) -> std::io::Result<Vec<u8>> {
    let text = |value: &str| -> TextAt { Located::made(value.to_owned()) };
    let from =
        Organization { organ_id: text(from.as_str()), name: name.as_deref().map(text), ..Organization::default() };
    let report = StatusReport {
        from,
        response_for: ResponseFor {
            organ_id: Some(text(trace.from.as_str())),
            code: trace.code.as_deref().map(text),
            document_id: trace.document_id.as_deref().map(text),
            promulgation_date: None,
        },
        status: Located::made(StatusCode::from_code(code)),
        description: None,
        timestamp: Some(Located::made(now)),
        staff: StaffInfo::default(),
    };
    let mut out = Vec::new();
    write_status(&mut out, &report)?;
    Ok(out)
}
