//! Mailboxes and traces: what an agency may read, and how it ends a consignment.
//!
//! Reading never consumes: a consignment is listed until it is acknowledged. An acknowledgement is answered with its
//! receipt only when the receipt is on disk; asked again, the same answer is given.

use std::fmt;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tokio::io::AsyncReadExt;

use lienthong_contract::door::{
    self, Acknowledged, Acknowledgement, AgencyItem, AgencyPage, ConsignmentState, Content, Identity, InboxPage, Link,
    ReceiptView, Refusal, RefusalCause, Relation, Trace, Upload,
};
use lienthong_contract::{AgencyCode, Clock, ConsignmentId, Digest, DocId, Finding, HopName, Instant, Kind};

use crate::books::findings::BODY_DELETED;
use crate::delivery::Delivery;
use crate::directory::{Agency, AgencyKey, Directory};
use crate::flows;
use crate::intake::{findings, recipients_reason};
use crate::receipts::{Event, Receipt, Signer, seal};
use crate::store::{AckOutcome, Blobs, Held, MailboxEntry, Store};
use crate::traces::Traces;

/// Longest reason of a refusal, in characters (QĐ 28 practice of a ministry's system).
const MAX_REASON_CHARS: usize = 1000;
/// What who sent or gets a document reads of an attempt to pass it on that failed.
pub const NOT_SENT_YET: &str = "Lần gửi trước chưa được; trục tự gửi lại, quản trị trục xem được nguyên nhân. (The last \
                                attempt failed; the gateway tries again, and its administrators can see why.)";
/// Bytes read from a packet's file at a time.
const CHUNK: usize = 128 << 10;

/// The mailboxes of one gateway.
#[derive(Clone)]
pub struct Mailboxes {
    pub hop: HopName,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub directory: Arc<Directory>,
    pub delivery: Arc<Delivery>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    pub traces: Traces,
}

impl fmt::Debug for Mailboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailboxes").field("hop", &self.hop).finish_non_exhaustive()
    }
}

fn refusal(cause: RefusalCause, kind: &'static Kind) -> Refusal {
    Refusal { cause, findings: vec![Finding::of(kind)], receipt: None }
}

fn not_found() -> Refusal {
    refusal(RefusalCause::NotFound, &findings::NOT_FOUND)
}

fn unavailable(error: &dyn fmt::Display) -> Refusal {
    tracing::error!(%error, "a mailbox cannot be served");
    refusal(RefusalCause::Unavailable, &findings::UNAVAILABLE)
}

fn locked() -> Refusal {
    refusal(RefusalCause::Forbidden, &findings::MAILBOX_LOCKED)
}

/// It failed at its deadline; its sender must not hear that, and the recipient have it all the same.
fn too_late() -> Refusal {
    refusal(RefusalCause::Conflict, &findings::COLLECTED_TOO_LATE)
}

/// It was here, and its time is over; the receipts still are.
fn deleted(at: Instant) -> Refusal {
    let finding = Finding::of(&BODY_DELETED).found(at.to_string());
    Refusal { cause: RefusalCause::Gone, findings: vec![finding], receipt: None }
}

/// Its recipient has agreed to give it back.
fn given_back() -> Refusal {
    refusal(RefusalCause::Conflict, &flows::findings::GIVEN_BACK)
}

/// Leaves of a packet's ties what is the caller's business: who has no part in the other packet learns no more of it than
/// this packet says itself.
fn restrict(links: &mut Vec<Link>, may: impl Fn(&AgencyCode) -> bool) {
    links.retain_mut(|link| {
        let sender = link.from.as_ref().is_some_and(&may);
        let part = sender || link.recipients.iter().any(|one| may(&one.recipient));
        if !part {
            (link.doc_id, link.time) = (None, None);
        }
        if !sender {
            link.recipients.retain(|one| may(&one.recipient));
            link.added.retain(&may);
            link.removed.retain(&may);
        }
        part || matches!(link.relation, Relation::Revokes | Relation::Updates | Relation::Replaces | Relation::Answers)
    });
}

fn bad_cursor(found: &str) -> Refusal {
    let finding = Finding::of(&findings::BAD_CURSOR).element("after").found(found);
    Refusal { cause: RefusalCause::BadPacket, findings: vec![finding], receipt: None }
}

/// What a caller is to an agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// May act for it.
    Acts,
    /// Might, were neither of the two locked: a locked agency neither sends nor receives.
    Locked,
    Stranger,
}

impl Mailboxes {
    /// What the caller is to the agency, today.
    fn standing(&self, caller: &Identity, agency: &AgencyCode) -> Standing {
        let directory = self.directory.snapshot();
        let Some(who) = directory.lookup(&caller.agency) else { return Standing::Stranger };
        let listed = directory.lookup(agency);
        let key = listed.map_or_else(|| AgencyKey::provisional(agency), |agency| agency.key.clone());
        if !directory.may_act_for(who, &key, self.clock.now().in_vietnam().date()) {
            Standing::Stranger
        } else if who.locked || listed.is_some_and(|agency| agency.locked) {
            Standing::Locked
        } else {
            Standing::Acts
        }
    }

    async fn entry(&self, caller: &Identity, id: ConsignmentId) -> Result<MailboxEntry, Refusal> {
        let entry = self.store.mailbox_entry(id).await.map_err(|error| unavailable(&error))?.ok_or_else(not_found)?;
        match self.standing(caller, &entry.item.recipient) {
            Standing::Acts => Ok(entry),
            Standing::Locked => Err(locked()),
            // Whose it is not, does not learn that it exists.
            Standing::Stranger => Err(not_found()),
        }
    }

    fn terminal(&self, entry: &MailboxEntry, caller: &Identity, answer: &Acknowledgement) -> Receipt {
        let (event, reason) = match answer {
            Acknowledgement::Accept => (Event::ContentHandover, None),
            Acknowledgement::Refuse { reason } => (Event::ConsignmentRejection, Some(recipients_reason(reason))),
        };
        let credential = Some(caller.credential.clone());
        Receipt { credential, reason, ..entry.end(&self.hop, event, self.clock.now()) }
    }
}

/// Where the bytes of a packet are read from.
#[derive(Debug, Clone)]
pub enum Source {
    Inline(Bytes),
    File(PathBuf),
}

impl Mailboxes {
    /// What is told of a packet that was refused at its submission: the receipt that says so. It is told to its sender.
    ///
    /// # Errors
    /// As [`door::Tracking::trace`].
    pub async fn refused(&self, caller: &Identity, doc_id: DocId) -> Result<Trace, Refusal> {
        let sealed = self.store.refusal(doc_id).await.map_err(|error| unavailable(&error))?.ok_or_else(not_found)?;
        let receipt = &sealed.receipt;
        match self.standing(caller, &receipt.from) {
            Standing::Acts => {}
            Standing::Locked => return Err(locked()),
            Standing::Stranger => return Err(not_found()),
        }
        let submission = ReceiptView {
            event: receipt.event.as_str().to_owned(),
            hop: receipt.hop.clone(),
            time: receipt.time,
            reason: receipt.reason.as_ref().map(|reason| reason.text.clone()),
            jws: sealed.jws.to_string(),
            contradicts: None,
            outside: None,
        };
        Ok(Trace {
            doc_id,
            digest: receipt.packet,
            size: receipt.size,
            kind: String::new(),
            document_id: receipt.document_id.clone(),
            from: receipt.from.clone(),
            subject: None,
            code: None,
            urgency: 0,
            received_at: receipt.time,
            business_type: 0,
            links: Vec::new(),
            destroyed_at: None,
            submission: Some(submission),
            consignments: Vec::new(),
        })
    }

    /// The bytes of a packet that the caller may trace: for its sender as long as they are here, for a recipient as long as
    /// it may fetch them.
    ///
    /// # Errors
    /// As [`door::Mailbox::content`].
    pub async fn source(&self, caller: &Identity, trace: &Trace) -> Result<Source, Refusal> {
        if self.standing(caller, &trace.from) != Standing::Acts {
            let mut refusal = not_found();
            for consignment in &trace.consignments {
                match self.fetchable(caller, consignment.id).await {
                    Ok(entry) => return self.source_of(entry.item.digest, entry.held).await,
                    Err(other) => refusal = other,
                }
            }
            return Err(refusal);
        }
        let body = self.store.body(trace.doc_id).await.map_err(|error| unavailable(&error))?.ok_or_else(not_found)?;
        match body.deleted_at {
            Some(at) => Err(deleted(at)),
            None => self.source_of(body.digest, body.held).await,
        }
    }

    async fn source_of(&self, digest: Digest, held: Held) -> Result<Source, Refusal> {
        match held {
            Held::Inline(bytes) => Ok(Source::Inline(bytes)),
            Held::File => {
                let path = self.blobs.path(digest);
                // What every recipient's hop refused was not kept.
                let here = tokio::fs::try_exists(&path).await.map_err(|error| unavailable(&error))?;
                if here { Ok(Source::File(path)) } else { Err(not_found()) }
            }
            Held::Destroyed => Err(given_back()),
            Held::Dropped => Err(not_found()),
        }
    }

    /// A consignment in a mailbox of the caller's whose content it may have.
    async fn fetchable(&self, caller: &Identity, id: ConsignmentId) -> Result<MailboxEntry, Refusal> {
        let entry = self.entry(caller, id).await?;
        if entry.state == ConsignmentState::Failed {
            return Err(too_late());
        }
        if entry.given_back || matches!(entry.held, Held::Destroyed) {
            return Err(given_back());
        }
        match entry.body_deleted_at {
            Some(at) => Err(deleted(at)),
            None => Ok(entry),
        }
    }
}

#[async_trait]
impl door::Mailbox for Mailboxes {
    async fn list(
        &self,
        caller: &Identity,
        agency: Option<&AgencyCode>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<InboxPage, Refusal> {
        let agency = agency.unwrap_or(&caller.agency);
        match self.standing(caller, agency) {
            Standing::Acts => {}
            Standing::Locked => return Err(locked()),
            Standing::Stranger => return Err(refusal(RefusalCause::Forbidden, &findings::NOT_YOUR_MAILBOX)),
        }
        // Read as "from the start", a damaged position would make a caller turn in circles.
        if let Some(after) = after.filter(|after| !after.is_empty() && !is_position(after)) {
            return Err(bad_cursor(after));
        }
        let key = self.directory.snapshot().lookup(agency).map(|agency| agency.key.code().clone());
        let key = key.unwrap_or_else(|| agency.to_new_form());
        let (mut items, next) = self.store.inbox(&key, after, limit).await.map_err(|error| unavailable(&error))?;
        for item in &mut items {
            let recipient = item.recipient.clone();
            restrict(&mut item.links, |code| *code == recipient);
        }
        Ok(InboxPage { items, next })
    }

    async fn content(&self, caller: &Identity, id: ConsignmentId) -> Result<Content, Refusal> {
        let entry = self.fetchable(caller, id).await?;
        let (digest, size) = (entry.item.digest, entry.item.size);
        let bytes: Upload = match entry.held {
            Held::Inline(bytes) => Box::pin(stream::iter([Ok(bytes)])),
            Held::File => {
                let file = tokio::fs::File::open(self.blobs.path(digest)).await;
                Box::pin(chunks(file.map_err(|error| unavailable(&error))?))
            }
            Held::Dropped => Box::pin(chunks(Cursor::new(Vec::new()))),
            Held::Destroyed => return Err(given_back()),
        };
        Ok(Content { digest, size, bytes })
    }

    async fn acknowledge(
        &self,
        caller: &Identity,
        id: ConsignmentId,
        answer: &Acknowledgement,
    ) -> Result<Acknowledged, Refusal> {
        if let Acknowledgement::Refuse { reason } = answer
            && (reason.trim().is_empty() || reason.chars().count() > MAX_REASON_CHARS)
        {
            return Err(refusal(RefusalCause::BadPacket, &findings::REASON_NEEDED));
        }
        let watch = self.traces.watch();
        let entry = self.entry(caller, id).await?;
        let terminal = seal(self.terminal(&entry, caller, answer), self.signer.as_ref());
        let terminal = terminal.map_err(|error| unavailable(&error))?;
        let receipt = Arc::clone(&terminal.receipt);
        let wanted = match answer {
            Acknowledgement::Accept => ConsignmentState::HandedOver,
            Acknowledgement::Refuse { .. } => ConsignmentState::Refused,
        };
        match self.store.acknowledge(id, terminal).await.map_err(|error| unavailable(&error))? {
            AckOutcome::Done { jws } => {
                self.traces.ended(watch, "hand over", &receipt, None);
                if let Some(previous) = &entry.previous_hop {
                    self.delivery.receipts_wait(previous);
                }
                Ok(Acknowledged { id, receipt: jws })
            }
            AckOutcome::Ended { state: ConsignmentState::Failed, .. } => Err(too_late()),
            AckOutcome::Ended { state, jws } if state == wanted => Ok(Acknowledged { id, receipt: jws }),
            AckOutcome::Ended { .. } => Err(refusal(RefusalCause::Conflict, &findings::ANSWERED_OTHERWISE)),
            AckOutcome::GivenBack => Err(given_back()),
            AckOutcome::NotFound => Err(not_found()),
        }
    }
}

/// True for what [`InboxPage::next`] may hold: `urgent.arrival` of the last entry.
fn is_position(text: &str) -> bool {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<i64>().is_ok();
    text.split_once('.').is_some_and(|(urgent, arrival)| number(urgent) && number(arrival))
}

pub(crate) fn chunks(
    file: impl tokio::io::AsyncRead + Send + Unpin + 'static,
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold(file, |mut file| async move {
        let mut buffer = vec![0; CHUNK];
        let read = file.read(&mut buffer).await?;
        buffer.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(buffer), file)))
    })
}

#[async_trait]
impl door::Tracking for Mailboxes {
    async fn trace(&self, caller: &Identity, doc_id: DocId) -> Result<Trace, Refusal> {
        let trace = self.store.trace(doc_id).await.map_err(|error| unavailable(&error))?.ok_or_else(not_found)?;
        let mut trace = trace;
        // What a neighbour or a system outside answers names places and accounts of the gateway: its administrators read it.
        for tried in trace.consignments.iter_mut().filter_map(|one| one.last_error.as_mut()) {
            NOT_SENT_YET.clone_into(tried);
        }
        restrict(&mut trace.links, |code| self.standing(caller, code) == Standing::Acts);
        let sender = self.standing(caller, &trace.from);
        if sender == Standing::Acts {
            return Ok(trace);
        }
        let mut shut_out = sender == Standing::Locked;
        // A recipient sees its own consignments, not the sender's other ones.
        trace.consignments.retain(|consignment| {
            let standing = self.standing(caller, &consignment.recipient);
            shut_out |= standing == Standing::Locked;
            standing == Standing::Acts
        });
        match (trace.consignments.is_empty(), shut_out) {
            (false, _) => Ok(trace),
            (true, true) => Err(locked()),
            (true, false) => Err(not_found()),
        }
    }

    async fn agencies(&self, search: Option<&str>, after: Option<&str>, limit: usize) -> Result<AgencyPage, Refusal> {
        let directory = self.directory.snapshot();
        let after = after.filter(|text| !text.is_empty());
        let after = after.map(|text| text.parse().map_err(|_| bad_cursor(text))).transpose()?;
        let page = directory.search(search.unwrap_or(""), after.as_ref(), limit);
        let items = page.agencies.iter().map(|agency| item(agency)).collect();
        Ok(AgencyPage { items, next: page.next.map(|key| key.to_string()) })
    }
}

fn item(agency: &Agency) -> AgencyItem {
    AgencyItem {
        code: agency.code.clone(),
        old_code: agency.old_code.clone(),
        name: agency.name.clone(),
        parent: agency.parent.as_ref().map(|key| key.code().clone()),
        valid_from: agency.valid_from.map(|day| day.to_string()),
        valid_to: agency.valid_to.map(|day| day.to_string()),
        successors: agency.successors.iter().map(|key| key.code().clone()).collect(),
        locked: agency.locked,
        hop: agency.hop.clone(),
    }
}

mod exchange;
#[cfg(test)]
mod tests;

pub use exchange::Exchanges;
