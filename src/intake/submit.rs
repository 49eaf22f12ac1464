//! The first hop: a sender hands a packet in.

use async_trait::async_trait;

use lienthong_contract::door::{self, ConsignmentRef, Identity, Refusal, RefusalCause, Submission, Terms, Upload};
use lienthong_contract::{AgencyCode, Blame, ConsignmentId, Digest, DocId, Finding, Instant};

use super::entrance::Came;
use super::examine::{Bearer, Examined, examine};
use super::flows::{Handed, Spoken};
use super::receive::{NotReceived, PacketBytes, Received, receive};
use super::{Intake, Parts, findings, meter, terms};
use crate::canary;
use crate::edxml::Packet;
use crate::edxml::model::StatusCode;
use crate::receipts::{ConsignedTo, Event, Fact, Reason, Receipt, Sealed, seal};
use crate::rules::secrecy;
use crate::statutory::Signed;
use crate::store::{Accepted, Held, Kept, NewConsignment, NewPacket, PacketKind, RefusalRecord, Route, StatusFact};

#[async_trait]
impl door::Intake for Intake {
    async fn submit_on(&self, caller: &Identity, terms: &Terms, upload: Upload) -> Result<Submission, Refusal> {
        let (upload, watched) = meter::watch(upload);
        let watch = self.parts.traces.watch();
        let answer = self.take_in(caller, terms, upload).await;
        self.meter.note(&caller.door, &watched, &answer);
        self.parts.traces.handed_in(watch, &caller.door, &answer);
        answer
    }
}

impl Intake {
    async fn take_in(&self, caller: &Identity, terms: &Terms, upload: Upload) -> Result<Submission, Refusal> {
        let parts = &self.parts;
        let received = receive(upload, &parts.blobs, &parts.limits).await;
        // The packet is judged and dated when it is whole: a slow upload must not make it look earlier.
        let now = parts.clock.now();
        let received = match received {
            Ok(received) => received,
            Err(not) => return Err(self.refuse_unread(caller, not, now).await),
        };
        let mut examined = self.examine(received, Bearer::Agency(caller.agency.clone()), now).await?;
        if !terms::hold_to(terms, &parts.directory.snapshot(), &mut examined, now.in_vietnam().date()) {
            return Err(self.refuse(caller, examined, now).await);
        }
        let spoken = self.judge_spoken(&mut examined, now).await?;
        if examined.refused() {
            return match self.answered_before(&examined).await? {
                Some(first) => Ok(first),
                None => Err(self.refuse(caller, examined, now).await),
            };
        }
        let asked: Vec<AgencyCode> = examined.recipients.iter().map(|one| one.key.code().clone()).collect();
        let submission = self.accept((caller, None), examined, spoken, now).await?;
        terms::all_served(terms, &asked, submission)
    }

    /// Looks at a packet, on a thread that may block when it is large.
    pub(super) async fn examine(&self, received: Received, bearer: Bearer, now: Instant) -> Result<Examined, Refusal> {
        let unavailable = |error: &dyn std::fmt::Display| into_refusal(NotReceived::our_fault(error));
        match received.bytes {
            PacketBytes::Memory(_) => examine(&self.parts, received, &bearer, now).map_err(|error| unavailable(&error)),
            PacketBytes::Spooled(_) => {
                let parts = std::sync::Arc::clone(&self.parts);
                tokio::task::spawn_blocking(move || examine(&parts, received, &bearer, now))
                    .await
                    .map_err(|error| unavailable(&error))?
                    .map_err(|error| unavailable(&error))
            }
        }
    }

    /// Looks at what the packet says of others; what is found there is told with the rest.
    async fn judge_spoken(&self, examined: &mut Examined, now: Instant) -> Result<Spoken, Refusal> {
        let (false, Some(packet), Some(sender)) = (examined.refused(), &examined.packet, &examined.sender) else {
            return Ok(Spoken::default());
        };
        let recipients: Vec<AgencyCode> = examined.recipients.iter().map(|one| one.key.code().clone()).collect();
        let to_mailbox = |one: &&crate::rules::Recipient| {
            self.parts.routes.route(one.key.code(), one.hop.as_ref(), None) == Route::Mailbox
        };
        let here: Vec<AgencyCode> =
            examined.recipients.iter().filter(to_mailbox).map(|one| one.key.code().clone()).collect();
        let (sender, first) = (sender.code(), true);
        let handed = Handed { packet, sender, recipients: &recipients, here: &here, first, now };
        let spoken = self.spoken(&handed).await.map_err(|error| into_refusal(NotReceived::our_fault(&error)))?;
        examined.findings.extend(spoken.findings().cloned());
        Ok(spoken)
    }

    /// The first answer to bytes that were accepted once and would be refused today: a recipient closed since, a
    /// certificate that ran out. What was promised stays promised.
    async fn answered_before(&self, examined: &Examined) -> Result<Option<Submission>, Refusal> {
        let Some(sender) = examined.sender.as_ref().filter(|_| examined.checks.transport == Fact::Valid) else {
            return Ok(None);
        };
        let before = self.parts.store.accepted_before(examined.digest, sender.code()).await;
        match before.map_err(|error| into_refusal(NotReceived::our_fault(&error)))? {
            Some(Accepted::Already { doc_id, submission: Some(receipt), consignments }) => Ok(Some(Submission {
                doc_id,
                digest: examined.digest,
                receipt,
                consignments,
                findings: Vec::new(),
                duplicate: true,
            })),
            _ => Ok(None),
        }
    }

    /// Takes a packet in, for good. `came` says from where, when that is outside the network.
    pub(super) async fn accept(
        &self,
        (caller, came): (&Identity, Option<&Came>),
        examined: Examined,
        spoken: Spoken,
        now: Instant,
    ) -> Result<Submission, Refusal> {
        let parts = &self.parts;
        let Examined { bytes, digest, size, packet, sender, recipients, checks, mut findings } = examined;
        let (Some(packet), Some(sender)) = (packet, sender) else {
            return Err(into_refusal(NotReceived::our_fault(&"an accepted packet has no sender")));
        };
        let doc_id = DocId::fresh();
        let facts = PacketFacts { digest, size, doc_id, sender: sender.code().clone(), now };
        let consigned: Vec<ConsignedTo> = (recipients.iter())
            .map(|recipient| ConsignedTo {
                consignment: ConsignmentId::fresh(),
                recipient: recipient.key.code().clone(),
            })
            .collect();
        let submission = Receipt {
            consignments: consigned.clone(),
            credential: Some(caller.credential.clone()),
            checks: Some(checks),
            outside: came.map(|came| came.outside.clone()),
            ..facts.receipt(parts, came.map_or(Event::SubmissionAcceptance, |_| Event::ReceivedFromNonERDS), &packet)
        };
        let submission = self.seal(submission)?;
        let urgent = is_urgent(&packet);
        let mut consignments = Vec::with_capacity(recipients.len());
        for (entry, recipient) in consigned.iter().zip(&recipients) {
            let came_from = came.map(|came| &came.outside.system);
            let route = parts.routes.route(&entry.recipient, recipient.hop.as_ref(), came_from);
            let deadlines = parts.delivery.deadlines();
            let (receipts, due) = match &route {
                Route::Mailbox => {
                    let consigned = self.seal(facts.consigned(parts, &packet, entry, &submission))?;
                    (vec![consigned], deadlines.to_collect(now))
                }
                Route::Link(next) | Route::Outlet(next) => (Vec::new(), deadlines.to_relay(now, next, urgent)),
                Route::Refused => {
                    let finding = Finding::of(&findings::NO_ROUTE).found(entry.recipient.as_str());
                    return Err(Refusal { cause: RefusalCause::BadPacket, findings: vec![finding], receipt: None });
                }
            };
            consignments.push(NewConsignment {
                id: entry.consignment,
                recipient: entry.recipient.clone(),
                route,
                receipts,
                due: Some(due),
            });
        }
        let links: Vec<_> = consignments.iter().filter_map(|c| link_of(&c.route)).collect();
        let (held, kept) = self.hold(bytes, digest).await?;
        let to: Vec<AgencyCode> = consigned.iter().map(|entry| entry.recipient.clone()).collect();
        let handed = Handed { packet: &packet, sender: &facts.sender, recipients: &to, here: &[], first: true, now };
        let ends = self.given_back(&handed, spoken.name.as_deref()).await;
        let ends = ends.map_err(|error| into_refusal(NotReceived::our_fault(&error)))?;
        let mut row = new_packet(&facts, &packet, to.first(), spoken, held);
        row.entered = came.map(|came| came.entered.clone());
        self.mark_test(&mut row, to.iter());
        row.gives_back = ends.iter().map(|(end, _)| end.clone()).collect();
        let gives_back = is_given_back(&row);
        let accepted = parts.store.accept(row, submission.clone(), consignments).await;
        match accepted.map_err(|error| into_refusal(NotReceived::our_fault(&error)))? {
            Accepted::New { same_code } => {
                let remark = |first: DocId| {
                    Finding::of(&findings::SAME_CODE).element("MessageHeader/Code").found(first.to_string())
                };
                findings.extend(same_code.map(remark));
                links.iter().for_each(|peer| parts.delivery.packet_waits(peer, urgent));
                ends.iter().filter_map(|(_, entry)| entry.previous_hop.as_ref()).for_each(|peer| {
                    parts.delivery.receipts_wait(peer);
                });
                if gives_back {
                    parts.delivery.destroy_given_back().await;
                }
                let consignments = consigned
                    .into_iter()
                    .map(|entry| ConsignmentRef { id: entry.consignment, recipient: entry.recipient })
                    .collect();
                let receipt = submission.jws.to_string();
                Ok(Submission { doc_id, digest, receipt, consignments, findings, duplicate: false })
            }
            Accepted::Already { doc_id, submission: Some(receipt), consignments } => {
                // Its content may have been destroyed or deleted since; then it stays so.
                self.drop_content(kept, digest).await;
                Ok(Submission { doc_id, digest, receipt, consignments, findings, duplicate: true })
            }
            Accepted::Already { submission: None, .. } => {
                Err(into_refusal(NotReceived::our_fault(&"a stored packet has no submission receipt")))
            }
            Accepted::Conflict { doc_id: first, digest: other, received_at } => {
                self.drop_content(kept, digest).await;
                let finding = Finding::of(&findings::SAME_NAME_OTHER_BYTES)
                    .element("MessageHeader/DocumentId")
                    .found(digest.to_string())
                    .expected(format!("{other} ({first}, {received_at})"));
                let findings = vec![finding];
                self.record(caller, Some(digest), size, &findings, None, now).await;
                Err(Refusal { cause: RefusalCause::Conflict, findings, receipt: None })
            }
        }
    }

    /// A document from and for agencies that are there for tests is no clerk's.
    pub(super) fn mark_test<'a>(&self, row: &mut NewPacket, recipients: impl IntoIterator<Item = &'a AgencyCode>) {
        let directory = self.parts.directory.snapshot();
        if row.kind == PacketKind::Document && canary::is_test(&directory, &row.sender, recipients) {
            row.kind = PacketKind::Canary;
        }
    }

    pub(super) fn seal(&self, receipt: Receipt) -> Result<Sealed, Refusal> {
        seal(receipt, self.parts.signer.as_ref()).map_err(|error| into_refusal(NotReceived::our_fault(&error)))
    }

    /// Puts the bytes where they will stay. A file is durable before the store hears of it; what comes with it is held
    /// until the store has answered.
    pub(super) async fn hold(&self, bytes: PacketBytes, digest: Digest) -> Result<(Held, Option<Kept>), Refusal> {
        let file = match bytes {
            PacketBytes::Memory(bytes) => return Ok((Held::Inline(bytes), None)),
            PacketBytes::Spooled(file) => file,
        };
        let blobs = self.parts.blobs.clone();
        let kept = tokio::task::spawn_blocking(move || blobs.keep(file, digest)).await;
        let unavailable = |error: &dyn std::fmt::Display| into_refusal(NotReceived::our_fault(error));
        let kept = kept.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))?;
        Ok((Held::File, Some(kept)))
    }

    /// Removes a large packet's file again when the store did not take the packet, unless these bytes are here for
    /// another reason.
    pub(super) async fn drop_content(&self, kept: Option<Kept>, digest: Digest) {
        let Some(kept) = kept else { return };
        let removed = match self.parts.store.packets_here(vec![digest]).await {
            Ok(here) if here.is_empty() => kept.discard().map_err(|error| error.to_string()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = removed {
            tracing::warn!(%error, %digest, "a refused packet's file stays until the next start");
        }
    }

    async fn refuse_unread(&self, caller: &Identity, not: NotReceived, now: Instant) -> Refusal {
        if not.cause == RefusalCause::BadPacket {
            // Nobody could look whether it bears a secrecy mark, so nothing that it says is kept.
            let mut kept = not.findings.clone();
            secrecy::redact(&mut kept);
            self.record(caller, None, 0, &kept, None, now).await;
        }
        into_refusal(not)
    }

    /// Refuses a packet with a signed receipt. Its content is not kept.
    async fn refuse(&self, caller: &Identity, examined: Examined, now: Instant) -> Refusal {
        let Examined { digest, size, findings, checks, .. } = examined;
        let reason = findings.iter().find(|finding| finding.refuses()).map(reason_of);
        let receipt = Receipt {
            v: 1,
            event: Event::SubmissionRejection,
            hop: self.parts.hop.clone(),
            time: now,
            doc_id: DocId::fresh(),
            packet: digest,
            size,
            from: caller.agency.clone(),
            document_id: None,
            consignment: None,
            recipient: None,
            consignments: Vec::new(),
            previous: None,
            credential: Some(caller.credential.clone()),
            checks: Some(checks),
            reason,
            outside: None,
        };
        let receipt = self.seal(receipt).ok().map(|sealed| sealed.jws.to_string());
        self.record(caller, Some(digest), size, &findings, receipt.clone(), now).await;
        let forbidden = findings.iter().filter(|finding| finding.refuses()).all(|finding| finding.vxp == 19);
        let cause = if forbidden { RefusalCause::Forbidden } else { RefusalCause::BadPacket };
        Refusal { cause, findings, receipt }
    }

    async fn record(
        &self,
        caller: &Identity,
        digest: Option<Digest>,
        size: u64,
        findings: &[Finding],
        receipt: Option<String>,
        time: Instant,
    ) {
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        tracing::info!(agency = %caller.agency, ?codes, "packet refused");
        let findings = serde_json::to_string(findings).unwrap_or_default();
        let (agency, credential) = (Some(caller.agency.clone()), caller.credential.clone());
        let record = RefusalRecord { time, agency, credential, digest, size, findings, receipt };
        if let Err(error) = self.parts.store.refused(record).await {
            tracing::error!(%error, agency = %caller.agency, "a refusal could not be recorded");
        }
    }
}

/// What every receipt and row of one packet has in common.
#[derive(Debug, Clone)]
pub(super) struct PacketFacts {
    pub digest: Digest,
    pub size: u64,
    pub doc_id: DocId,
    pub sender: AgencyCode,
    pub now: Instant,
}

impl PacketFacts {
    /// A receipt of our hop about this packet, nothing special in it yet.
    pub fn receipt(&self, parts: &Parts, event: Event, packet: &Packet) -> Receipt {
        Receipt {
            v: 1,
            event,
            hop: parts.hop.clone(),
            time: self.now,
            doc_id: self.doc_id,
            packet: self.digest,
            size: self.size,
            from: self.sender.clone(),
            document_id: document_id(packet),
            consignment: None,
            recipient: None,
            consignments: Vec::new(),
            previous: None,
            credential: None,
            checks: None,
            reason: None,
            outside: None,
        }
    }

    /// The receipt that the packet lies in a mailbox here.
    pub fn consigned(&self, parts: &Parts, packet: &Packet, entry: &ConsignedTo, before: &Sealed) -> Receipt {
        Receipt {
            consignment: Some(entry.consignment),
            recipient: Some(entry.recipient.clone()),
            previous: Some(before.digest),
            ..self.receipt(parts, Event::ContentConsignment, packet)
        }
    }
}

fn document_id(packet: &Packet) -> Option<String> {
    match packet {
        Packet::Document(document) => Some(document.id()),
        Packet::Status(_) => None,
    }
}

/// The stored form of a packet.
///
/// `recipient` is the first one; for a status it is the other party: whom the document spoken of came from, or, of a
/// request to have it back, who is asked.
pub(super) fn new_packet(
    facts: &PacketFacts,
    packet: &Packet,
    recipient: Option<&AgencyCode>,
    spoken: Spoken,
    held: Held,
) -> NewPacket {
    let mut row = NewPacket {
        digest: facts.digest,
        size: facts.size,
        doc_id: facts.doc_id,
        kind: PacketKind::Document,
        document_id: document_id(packet),
        business_type: 0,
        sender: facts.sender.clone(),
        subject: None,
        code: None,
        urgency: 0,
        signed: None,
        received_at: facts.now,
        previous_hop: None,
        status: None,
        acts: spoken.acts,
        gives_back: Vec::new(),
        held,
        entered: None,
        together: None,
    };
    match packet {
        Packet::Document(document) => {
            row.business_type = u8::try_from(document.business_type().code()).unwrap_or_default();
            row.subject = Some(document.subject.value.clone());
            row.code = Some(document.code.text()).filter(|code| !code.is_empty());
            row.urgency = u8::try_from(document.urgency().code()).unwrap_or_default();
            row.signed = Some(Signed::On(document.promulgation.date.value));
        }
        Packet::Status(status) => {
            row.kind = PacketKind::Status;
            row.subject = status.description.as_ref().map(|text| text.value.clone());
            row.code = status.response_for.code.as_ref().map(|text| text.value.clone());
            row.status = spoken.name.zip(recipient).map(|(document_id, about)| StatusFact {
                document_id,
                about: about.clone(),
                code: status.status.value.code().to_owned(),
                description: status.description.as_ref().map(|text| text.value.clone()),
                time: status.timestamp.as_ref().map(|stamp| stamp.value),
            });
        }
    }
    row
}

/// The recipient of a document agrees to give it back.
pub(super) fn is_given_back(packet: &NewPacket) -> bool {
    packet.status.as_ref().is_some_and(|status| status.code == StatusCode::TakeBackAgreed.code())
}

/// Urgent packets have lanes of their own and less time.
pub(super) fn is_urgent(packet: &Packet) -> bool {
    match packet {
        Packet::Document(document) => document.urgency().code() > 0,
        Packet::Status(_) => false,
    }
}

/// A finding as the reason of a negative receipt.
pub(super) fn reason_of(finding: &Finding) -> Reason {
    Reason {
        code: finding.code.clone(),
        text: finding.title_vi.clone(),
        text_en: Some(finding.title_en.clone()),
        whose_turn: finding.blame,
    }
}

/// The recipient's own reason.
pub(crate) fn recipients_reason(text: &str) -> Reason {
    Reason { code: "recipient".to_owned(), text: text.to_owned(), text_en: None, whose_turn: Blame::Sender }
}

pub(super) fn link_of(route: &Route) -> Option<lienthong_contract::HopName> {
    match route {
        Route::Link(peer) | Route::Outlet(peer) => Some(peer.clone()),
        Route::Mailbox | Route::Refused => None,
    }
}

pub(super) fn into_refusal(not: NotReceived) -> Refusal {
    Refusal { cause: not.cause, findings: not.findings, receipt: None }
}
