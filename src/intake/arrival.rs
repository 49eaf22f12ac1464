//! Later hops: a neighbour hands custody over, or sends receipts.
//!
//! A transfer is believed only as far as signatures reach: the packet's digest must be the one that the first hop's
//! receipt names, each consignment must stand in that receipt with that recipient, and the last receipt of its chain
//! must be the sending hop's own. What fails there is set aside for a person; what the rules refuse is answered with a
//! RelayRejection, so that the sender is told.

use std::collections::HashSet;
use std::io::Read;

use async_trait::async_trait;
use bytes::Bytes;

use lienthong_contract::digest::Hasher;
use lienthong_contract::{AgencyCode, Digest, Finding, HopName, Instant};

use super::examine::{Bearer, Examined};
use super::flows::{Handed, Spoken};
use super::receive::{NotReceived, Received, from_memory, from_spool};
use super::submit::{PacketFacts, is_given_back, is_urgent, link_of, new_packet, reason_of};
use super::{Intake, findings};
use crate::custody::{Batch, MAX_CHAIN, MAX_CONSIGNMENTS, TransferHeader, Transferred, VERSION};
use crate::flows::findings::TARGET_NOT_RECEIVED;
use crate::link::{Arrived, Coming, Sink, SinkError};
use crate::receipts::jws::MAX_RECEIPT_BYTES;
use crate::receipts::{ConsignedTo, Event, Reason, Receipt, Sealed, open, verify_chain};
use crate::store::{Held, NewConsignment, Route, SpoolFile};
use crate::traces::Seen;

/// A consignment whose chain was verified.
struct Verified {
    entry: ConsignedTo,
    chain: Vec<Sealed>,
    expires: Option<Instant>,
}

fn retry(why: impl std::fmt::Display) -> SinkError {
    SinkError::Retry { why: why.to_string() }
}

fn poison(why: impl std::fmt::Display) -> SinkError {
    SinkError::Poison { why: why.to_string() }
}

/// Why the store did not take a transfer.
fn not_taken(error: crate::store::Error) -> SinkError {
    if matches!(error, crate::store::Error::OtherDocument(_)) { poison(error) } else { retry(error) }
}

#[async_trait]
impl Sink for Intake {
    async fn transfer(&self, header: Vec<u8>, content: Arrived, coming: Coming) -> Result<(), SinkError> {
        let (traces, mut seen) = (&self.parts.traces, None);
        let watch = traces.watch();
        let result = self.take_over(header, content, coming, &mut seen).await;
        traces.received(watch, seen.as_ref(), coming.trace, &result);
        result
    }

    async fn receipts(&self, batch: Bytes) -> Result<(), SinkError> {
        match Batch::open(&batch, self.parts.hops.as_ref()).map_err(poison)? {
            Batch::Stored { from_hop, digests, .. } => self.parts.delivery.stored(&from_hop, digests),
            Batch::Receipts { from_hop, receipts, .. } => self.store_receipts(&from_hop, &receipts).await?,
            Batch::Statement { from_hop, statement, .. } => {
                let Some(books) = &self.parts.link_books else { return Ok(()) };
                books.heard(&from_hop, &statement).await.map_err(retry)?;
            }
            Batch::Crossings { from_hop, crossings, .. } => {
                let Some(books) = &self.parts.link_books else { return Ok(()) };
                books.heard_crossings(&from_hop, &crossings).await.map_err(retry)?;
            }
            about_logs => {
                if let Some(keeper) = &self.parts.keeper {
                    keeper.take(about_logs);
                }
            }
        }
        Ok(())
    }
}

impl Intake {
    /// Takes a transfer over; `seen` is set as soon as it is known whose it is.
    async fn take_over(
        &self,
        header: Vec<u8>,
        content: Arrived,
        coming: Coming,
        seen: &mut Option<Seen>,
    ) -> Result<(), SinkError> {
        let header: TransferHeader = serde_json::from_slice(&header).map_err(poison)?;
        if header.v != VERSION || header.consignments.is_empty() || header.consignments.len() > MAX_CONSIGNMENTS {
            return Err(poison("the header of the transfer is of no known form"));
        }
        let ids: Vec<_> = header.consignments.iter().map(|consignment| consignment.id).collect();
        if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
            return Err(poison("the header of the transfer names a consignment twice"));
        }
        // Without a hint it is new, nearly always, and looking it up would be in vain. If it is not, the store finds out
        // when it takes custody, and the work until then was in vain.
        if coming.again && self.parts.store.known(ids.clone()).await.map_err(retry)?.len() == ids.len() {
            self.parts.store.answer_again(ids).await.map_err(retry)?;
            self.parts.delivery.receipts_wait(&header.from_hop);
            return Ok(());
        }
        let consignments = self.verified(&header)?;
        let (doc_id, from, size) = (header.doc_id, header.from_hop.clone(), header.size);
        *seen = Some(Seen { doc_id, from, size, consignments: consignments.len() });
        let now = self.parts.clock.now();
        let received = match self.take(content).await {
            Ok(received) => received,
            Err((not, _)) if not.findings.iter().any(|finding| finding.code == findings::UNAVAILABLE.code) => {
                return Err(retry("the packet cannot be stored now"));
            }
            // Damaged on the way: that says nothing about the packet, which the hop before us still has.
            Err((_, digest)) if digest != Some(header.digest) => {
                return Err(poison("the bytes that arrived are not the packet that was announced"));
            }
            // The hop before us should have refused this; our limits are tighter, or its rules are older.
            Err((not, _)) => return self.reject_unread(&header, consignments, &not.findings, now).await,
        };
        if received.split.digest != header.digest {
            return Err(poison(format!("the packet is {}, announced was {}", received.split.digest, header.digest)));
        }
        let examined =
            self.examine(received, Bearer::Hop, now).await.map_err(|_| retry("the packet cannot be examined now"))?;
        self.take_custody(&header, consignments, examined, now).await
    }

    /// Reads what arrived; a packet that cannot be read is returned as the fault and the digest of its bytes.
    async fn take(&self, content: Arrived) -> Result<Received, (NotReceived, Option<Digest>)> {
        let limits = self.parts.limits.clone();
        match content {
            Arrived::Bytes(bytes) => from_memory(bytes.clone(), &limits).map_err(|not| (not, Some(Digest::of(&bytes)))),
            Arrived::File(file) => {
                let fault = |error: &dyn std::fmt::Display| (NotReceived::our_fault(error), None);
                let read = move || {
                    let file = SpoolFile::adopt(&file.keep()).map_err(|error| fault(&error))?;
                    let mut same = file.reopen().map_err(|error| fault(&error))?;
                    from_spool(file, &limits).map_err(|not| (not, digest_of(&mut same).ok()))
                };
                tokio::task::spawn_blocking(read).await.map_err(|error| fault(&error))?
            }
        }
    }

    /// Verifies the chains of a transfer.
    fn verified(&self, header: &TransferHeader) -> Result<Vec<Verified>, SinkError> {
        let keys = self.parts.hops.as_ref();
        let opened: Vec<Sealed> =
            header.receipts.iter().map(|jws| open(jws, keys)).collect::<Result<_, _>>().map_err(poison)?;
        let all: Vec<Verified> = (header.consignments.iter())
            .map(|consignment| verified_chain(header, consignment, &opened))
            .collect::<Result<_, _>>()?;
        let submission = |verified: &Verified| verified.chain.first().map(|link| link.digest);
        if all.windows(2).any(|pair| matches!(pair, [one, other] if submission(one) != submission(other))) {
            return Err(poison("the consignments of one transfer come from more than one submission"));
        }
        if let Some(first) = all.first().and_then(|verified| verified.chain.first()) {
            self.may_have_submitted(first)?;
        }
        Ok(all)
    }

    /// A hop answers for the senders that it serves, not for another hop's.
    fn may_have_submitted(&self, submission: &Sealed) -> Result<(), SinkError> {
        let directory = self.parts.directory.snapshot();
        let served_by = directory.lookup(&submission.receipt.from).and_then(|agency| agency.hop.clone());
        match served_by {
            Some(hop) if hop != submission.receipt.hop => Err(poison(format!(
                "{} is served by {hop}, and {} has accepted in its name",
                submission.receipt.from, submission.receipt.hop
            ))),
            _ => Ok(()),
        }
    }

    async fn take_custody(
        &self,
        header: &TransferHeader,
        consignments: Vec<Verified>,
        examined: Examined,
        now: Instant,
    ) -> Result<(), SinkError> {
        let parts = &self.parts;
        let refused = examined.findings.iter().find(|finding| finding.refuses()).map(reason_of);
        let sender = consignments.first().map(|first| first.chain.first().map(|link| link.receipt.from.clone()));
        let (Some(Some(sender)), Some(packet)) = (sender, &examined.packet) else {
            return self.reject_unread(header, consignments, &examined.findings, now).await;
        };
        let refusal = refused.or_else(|| self.other_sender(&examined, &sender).as_ref().map(reason_of));
        let facts = PacketFacts { digest: header.digest, size: examined.size, doc_id: header.doc_id, sender, now };
        let (mut rows, mut submission) = (Vec::with_capacity(consignments.len()), None);
        let urgent = is_urgent(packet);
        let spoken = match &refusal {
            Some(_) => Spoken::default(),
            None => self.spoken_on_the_way(packet, &facts, &consignments, &header.from_hop).await.map_err(retry)?,
        };
        for Verified { entry, mut chain, expires } in consignments {
            let served_by = parts.directory.snapshot().lookup(&entry.recipient).and_then(|agency| agency.hop.clone());
            let blocked = examined.recipients.iter().find(|recipient| *recipient.key.code() == entry.recipient);
            let blocked = blocked.and_then(|recipient| recipient.blocked.as_ref()).map(reason_of);
            let late = expires.filter(|expires| *expires < now).map(|expires| {
                let finding = Finding::of(&findings::EXPIRED).found(now.to_string()).expected(expires.to_string());
                reason_of(&finding)
            });
            let (refusal, objection) = (refusal.clone().or(blocked).or(late), spoken.refusal(&entry.recipient));
            if refusal.is_none() && self.overtakes(&entry, &chain, expires, objection, now) {
                tracing::info!(id = %entry.consignment, "what it speaks of has not come yet; it is answered later");
                continue;
            }
            let refusal = refusal.or(objection.map(reason_of));
            let route = match &refusal {
                Some(_) => Route::Refused,
                None => parts.routes.route(&entry.recipient, served_by.as_ref(), Some(&header.from_hop)),
            };
            let Some(before) = chain.last() else { continue };
            let relay = Receipt {
                consignment: Some(entry.consignment),
                recipient: Some(entry.recipient.clone()),
                previous: Some(before.digest),
                checks: Some(examined.checks.clone()),
                ..facts.receipt(parts, Event::RelayAcceptance, packet)
            };
            let mut own = vec![match &route {
                Route::Refused => {
                    let reason = refusal.unwrap_or_else(|| reason_of(&Finding::of(&findings::NO_ROUTE)));
                    self.seal_or_retry(Receipt { event: Event::RelayRejection, reason: Some(reason), ..relay })?
                }
                Route::Mailbox | Route::Link(_) | Route::Outlet(_) => self.seal_or_retry(relay)?,
            }];
            submission.get_or_insert_with(|| chain.remove(0));
            chain.retain(|link| link.receipt.consignment.is_some());
            chain.append(&mut own);
            let (id, recipient) = (entry.consignment, entry.recipient);
            // What the hop before allows, and never longer than this hop does.
            let own = link_of(&route).map(|next| parts.delivery.deadlines().to_relay(now, &next, urgent));
            let due = own.map(|own| expires.map_or(own, |expires| expires.min(own)));
            rows.push(NewConsignment { id, recipient, route, receipts: chain, due });
        }
        if rows.is_empty() {
            return Ok(());
        }
        let dropped = rows.iter().all(|row| row.route == Route::Refused);
        let first = rows.first().map(|row| row.recipient.clone());
        let mut row = new_packet(&facts, packet, first.as_ref(), spoken, Held::Dropped);
        if dropped {
            // Of what is refused as a whole nothing is kept that it says: it may be a secret.
            (row.subject, row.code, row.status, row.acts) = (None, None, None, Vec::new());
        }
        let all = submission.as_ref().map(|submission| submission.receipt.consignments.as_slice()).unwrap_or_default();
        self.mark_test(&mut row, all.iter().map(|entry| &entry.recipient));
        let gives_back = is_given_back(&row);
        row.previous_hop = Some(header.from_hop.clone());
        row.together = header.together;
        let mut kept = None;
        if !dropped {
            let held = self.hold(examined.bytes, header.digest).await;
            (row.held, kept) = held.map_err(|_| retry("the packet cannot be stored now"))?;
        }
        match parts.store.take_custody(row, submission, rows).await {
            Ok(true) => {}
            // It had come before, and its content may have been destroyed or deleted since.
            Ok(false) => self.drop_content(kept, header.digest).await,
            Err(error) => {
                self.drop_content(kept, header.digest).await;
                return Err(not_taken(error));
            }
        }
        parts.delivery.receipts_wait(&header.from_hop);
        if gives_back {
            parts.delivery.destroy_given_back().await;
        }
        Ok(())
    }

    /// It speaks of a document that may still be on its way. The hop before keeps it, and sends it again.
    fn overtakes(
        &self,
        entry: &ConsignedTo,
        chain: &[Sealed],
        expires: Option<Instant>,
        objection: Option<&Finding>,
        now: Instant,
    ) -> bool {
        let never_got = objection.is_some_and(|finding| finding.code == TARGET_NOT_RECEIVED.code);
        let waits = chain.first().filter(|_| never_got).is_some_and(|submission| {
            let (sender, handed_in) = (&submission.receipt.from, submission.receipt.time);
            self.waiting.may_wait((entry.consignment, sender), handed_in, expires, now)
        });
        if !waits {
            self.waiting.done(entry.consignment);
        }
        waits
    }

    /// What the packet says of others; judged for the recipients whose mailbox is here.
    async fn spoken_on_the_way(
        &self,
        packet: &crate::edxml::Packet,
        facts: &PacketFacts,
        consignments: &[Verified],
        from_hop: &HopName,
    ) -> crate::store::Result<Spoken> {
        let directory = self.parts.directory.snapshot();
        let to: Vec<AgencyCode> = consignments.iter().map(|one| one.entry.recipient.clone()).collect();
        let in_mailbox = |code: &&AgencyCode| {
            let served_by = directory.lookup(code).and_then(|agency| agency.hop.clone());
            self.parts.routes.route(code, served_by.as_ref(), Some(from_hop)) == Route::Mailbox
        };
        let here: Vec<AgencyCode> = to.iter().filter(in_mailbox).cloned().collect();
        let (sender, now) = (&facts.sender, facts.now);
        self.spoken(&Handed { packet, sender, recipients: &to, here: &here, first: false, now }).await
    }

    /// The first hop answers in its receipt for the sender that it names; what the packet itself says must be the same
    /// agency, whichever of its codes stands there.
    fn other_sender(&self, examined: &Examined, of_receipt: &AgencyCode) -> Option<Finding> {
        let written = examined.sender.as_ref()?;
        let directory = self.parts.directory.snapshot();
        let known = directory.lookup(of_receipt).map(|agency| agency.key.clone());
        let same = match &known {
            Some(key) => key == written,
            None => of_receipt.to_new_form() == written.code().to_new_form(),
        };
        let told = || Finding::of(&findings::SENDER_NOT_OF_RECEIPT).element("MessageHeader/From/OrganId");
        (!same).then(|| told().found(written.as_str()).expected(of_receipt.as_str()))
    }

    /// Answers a packet that could not be read with a rejection of each consignment.
    async fn reject_unread(
        &self,
        header: &TransferHeader,
        consignments: Vec<Verified>,
        findings: &[Finding],
        now: Instant,
    ) -> Result<(), SinkError> {
        let reason = findings.iter().find(|finding| finding.refuses()).map(reason_of).unwrap_or(Reason {
            code: findings::BROKEN_OFF.code.to_owned(),
            text: findings::BROKEN_OFF.title.vi.to_owned(),
            text_en: Some(findings::BROKEN_OFF.title.en.to_owned()),
            whose_turn: lienthong_contract::Blame::Peer,
        });
        let (mut rows, mut first) = (Vec::new(), None);
        for Verified { entry, mut chain, .. } in consignments {
            let Some(before) = chain.last() else { continue };
            let rejection = Receipt {
                event: Event::RelayRejection,
                hop: self.parts.hop.clone(),
                time: now,
                consignment: Some(entry.consignment),
                recipient: Some(entry.recipient.clone()),
                consignments: Vec::new(),
                previous: Some(before.digest),
                credential: None,
                checks: None,
                reason: Some(reason.clone()),
                outside: None,
                ..Receipt::clone(&before.receipt)
            };
            chain.push(self.seal_or_retry(rejection)?);
            let submission = chain.remove(0);
            first.get_or_insert(submission);
            let (id, recipient) = (entry.consignment, entry.recipient);
            rows.push(NewConsignment { id, recipient, route: Route::Refused, receipts: chain, due: None });
        }
        let Some(submission) = first else { return Err(poison("a transfer without a submission receipt")) };
        let row = crate::store::NewPacket {
            digest: header.digest,
            size: header.size,
            doc_id: header.doc_id,
            kind: crate::store::PacketKind::Document,
            document_id: submission.receipt.document_id.clone(),
            business_type: 0,
            sender: submission.receipt.from.clone(),
            subject: None,
            code: None,
            urgency: 0,
            signed: None,
            received_at: now,
            previous_hop: Some(header.from_hop.clone()),
            status: None,
            acts: Vec::new(),
            gives_back: Vec::new(),
            held: Held::Dropped,
            entered: None,
            together: None,
        };
        self.parts.store.take_custody(row, Some(submission), rows).await.map_err(not_taken)?;
        self.parts.delivery.receipts_wait(&header.from_hop);
        Ok(())
    }

    fn seal_or_retry(&self, receipt: Receipt) -> Result<Sealed, SinkError> {
        crate::receipts::seal(receipt, self.parts.signer.as_ref()).map_err(retry)
    }

    /// Stores a neighbour's receipts and says so.
    async fn store_receipts(&self, from_hop: &HopName, receipts: &[String]) -> Result<(), SinkError> {
        let parts = &self.parts;
        let mut opened = Vec::with_capacity(receipts.len());
        for jws in receipts {
            if jws.len() > MAX_RECEIPT_BYTES {
                tracing::error!(hop = %from_hop, bytes = jws.len(), "a receipt of this size is not one about a consignment");
                continue;
            }
            match open(jws, parts.hops.as_ref()) {
                Ok(sealed) => opened.push(sealed),
                // One bad receipt must not hold up its neighbours; it is not confirmed, so its hop keeps it.
                Err(error) => tracing::error!(%error, hop = %from_hop, "a receipt cannot be believed"),
            }
        }
        let watch = parts.traces.watch();
        let about =
            |sealed: &Sealed| (sealed.receipt.doc_id, sealed.receipt.event.as_str(), sealed.receipt.hop.clone());
        let told: Vec<_> = opened.iter().filter(|_| watch.is_some()).map(about).collect();
        let recorded = parts.store.record_receipts(from_hop, opened).await.map_err(retry)?;
        told.iter().for_each(|(doc_id, event, hop)| parts.traces.receipt_stored(watch, (*doc_id, event, hop)));
        parts.delivery.settled(&recorded.settled);
        if recorded.forward {
            parts.delivery.receipts_wait_anywhere();
        }
        parts.delivery.confirm_stored(from_hop.clone(), recorded.stored);
        Ok(())
    }
}

fn digest_of(file: &mut std::fs::File) -> std::io::Result<Digest> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 128 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

fn verified_chain(
    header: &TransferHeader,
    consignment: &Transferred,
    opened: &[Sealed],
) -> Result<Verified, SinkError> {
    if consignment.chain.len() > MAX_CHAIN {
        return Err(poison("a chain has more receipts than a way can have hops"));
    }
    let chain: Option<Vec<Sealed>> = consignment.chain.iter().map(|position| opened.get(*position).cloned()).collect();
    let chain = chain.ok_or_else(|| poison("a chain points at a receipt that is not there"))?;
    verify_chain(&chain, header.digest, consignment.id).map_err(poison)?;
    let (Some(first), Some(last)) = (chain.first(), chain.last()) else { return Err(poison("an empty chain")) };
    if last.receipt.hop != header.from_hop {
        return Err(poison(format!("the last receipt is by {}, not by {}", last.receipt.hop, header.from_hop)));
    }
    if first.receipt.doc_id != header.doc_id {
        return Err(poison("the receipts name another docId"));
    }
    let entry = ConsignedTo { consignment: consignment.id, recipient: consignment.recipient.clone() };
    if !first.receipt.consignments.contains(&entry) {
        return Err(poison(format!("the submission does not name recipient {}", entry.recipient)));
    }
    Ok(Verified { entry, chain, expires: consignment.expires })
}
