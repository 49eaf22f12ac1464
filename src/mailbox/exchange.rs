//! The mailboxes for callers that know documents by their docId and may speak for several agencies.
//!
//! Nothing is decided here that [`Mailboxes`] does not decide: *done* and *fail* are its acknowledgements, content is read
//! as it reads it. A caller acts for a packet as long as one of its agencies may.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use lienthong_contract::door::{
    Acknowledgement, ConsignmentState, ConsignmentTrace, Content, Identity, Mailbox, Refusal, RefusalCause, Trace,
    Upload,
};
use lienthong_contract::exchange::{Exchange, MailItem, MailKind, MailSearch, SentItem, TransportState};
use lienthong_contract::system::Party;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId};

use super::{Mailboxes, Source, Standing, chunks, locked, not_found, refusal, unavailable};
use crate::directory::AgencyKey;
use crate::intake::findings;
use crate::receipts::Event;
use crate::store::exchange::{ExchangeStore, Sought};
use crate::store::{PacketKind, Store};

/// What stands in the receipt when a system says *fail*, which has no place for a reason.
const FAILED: &str = "Hệ thống nhận báo không xử lý được gói tin (fail). / The receiving system reported fail.";
/// The most packets that a list of what was sent tells of.
const MAX_SENT: usize = 500;

/// The mailboxes of one gateway, by docId.
#[derive(Clone)]
pub struct Exchanges {
    pub mailboxes: Arc<Mailboxes>,
    pub store: Arc<dyn ExchangeStore>,
}

impl fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanges").field("mailboxes", &self.mailboxes).finish_non_exhaustive()
    }
}

const fn packet_kind(kind: MailKind) -> PacketKind {
    match kind {
        MailKind::Document => PacketKind::Document,
        MailKind::Status => PacketKind::Status,
    }
}

impl Exchanges {
    /// The agency of the caller that may act for this one.
    fn acting(&self, party: &Party, agency: &AgencyCode) -> Result<Identity, Standing> {
        let mut standing = Standing::Stranger;
        for own in &party.agencies {
            let identity = party.acting_for(own);
            match self.mailboxes.standing(&identity, agency) {
                Standing::Acts => return Ok(identity),
                Standing::Locked => standing = Standing::Locked,
                Standing::Stranger => {}
            }
        }
        Err(standing)
    }

    /// Whose mailboxes these are, as the store knows them.
    fn own(&self, party: &Party) -> Result<Vec<AgencyCode>, Refusal> {
        let directory = self.mailboxes.directory.snapshot();
        // An empty list would look like an empty mailbox.
        if party.agencies.is_empty() {
            return Err(refusal(RefusalCause::Forbidden, &findings::NOT_YOUR_MAILBOX));
        }
        let mut own = Vec::with_capacity(party.agencies.len());
        for agency in &party.agencies {
            match self.mailboxes.standing(&party.acting_for(agency), agency) {
                Standing::Acts => {}
                // One locked agency of many does not shut the others out.
                Standing::Locked if party.agencies.len() > 1 => continue,
                Standing::Locked => return Err(locked()),
                Standing::Stranger => return Err(refusal(RefusalCause::Forbidden, &findings::NOT_YOUR_MAILBOX)),
            }
            let key = directory.lookup(agency).map(|agency| agency.key.code().clone());
            let key = key.unwrap_or_else(|| agency.to_new_form());
            if !own.contains(&key) {
                own.push(key);
            }
        }
        Ok(own)
    }

    fn sought(&self, party: &Party, search: &MailSearch) -> Result<Sought, Refusal> {
        Ok(Sought {
            agencies: self.own(party)?,
            kind: search.kind.map(packet_kind),
            window: search.window.map(|window| (window.from, window.to)),
        })
    }

    /// The consignments of a packet in mailboxes of the caller's, each with who the caller is to it.
    async fn mine(&self, party: &Party, doc_id: DocId) -> Result<Vec<(ConsignmentId, Identity)>, Refusal> {
        let here = self.store.in_mailboxes(doc_id).await.map_err(|error| unavailable(&error))?;
        let (mut mine, mut shut_out) = (Vec::new(), false);
        for (id, recipient) in here {
            match self.acting(party, &recipient) {
                Ok(identity) => mine.push((id, identity)),
                Err(standing) => shut_out |= standing == Standing::Locked,
            }
        }
        match (mine.is_empty(), shut_out) {
            (false, _) => Ok(mine),
            (true, true) => Err(locked()),
            (true, false) => Err(not_found()),
        }
    }

    /// Those of them that came for this agency, however either is spelt.
    async fn mine_for(
        &self,
        party: &Party,
        agency: &AgencyCode,
        doc_id: DocId,
    ) -> Result<Vec<(ConsignmentId, Identity)>, Refusal> {
        let identity = self.acting(party, agency).map_err(|standing| match standing {
            Standing::Locked => locked(),
            _ => refusal(RefusalCause::Forbidden, &findings::NOT_YOUR_MAILBOX),
        })?;
        let directory = self.mailboxes.directory.snapshot();
        let key = |code: &AgencyCode| {
            directory.lookup(code).map_or_else(|| AgencyKey::provisional(code), |agency| agency.key.clone())
        };
        let here = self.store.in_mailboxes(doc_id).await.map_err(|error| unavailable(&error))?;
        let meant = key(agency);
        let of_agency = here.into_iter().filter(|(_, recipient)| key(recipient) == meant);
        let mine: Vec<_> = of_agency.map(|(id, _)| (id, identity.clone())).collect();
        if mine.is_empty() { Err(not_found()) } else { Ok(mine) }
    }

    /// A packet in the caller's mailboxes, and for each of them who the caller is to it.
    ///
    /// # Errors
    /// `NotFound` unless the caller is a recipient; `Unavailable`.
    pub async fn in_hand(
        &self,
        party: &Party,
        doc_id: DocId,
    ) -> Result<(Trace, Vec<(ConsignmentId, Identity)>), Refusal> {
        let mine = self.mine(party, doc_id).await?;
        Ok((self.trace(doc_id).await?, mine))
    }

    /// What cannot be is told after the others are done.
    async fn mark_all(&self, mine: Vec<(ConsignmentId, Identity)>, state: TransportState) -> Result<(), Refusal> {
        let mut outcome = Ok(());
        for (id, caller) in mine {
            outcome = outcome.and(self.mark_one(&caller, id, state).await);
        }
        outcome
    }

    async fn mark_one(&self, caller: &Identity, id: ConsignmentId, state: TransportState) -> Result<(), Refusal> {
        let since = match state {
            TransportState::Done => {
                return self.mailboxes.acknowledge(caller, id, &Acknowledgement::Accept).await.map(|_| ());
            }
            TransportState::Fail => {
                let answer = Acknowledgement::Refuse { reason: FAILED.to_owned() };
                return self.mailboxes.acknowledge(caller, id, &answer).await.map(|_| ());
            }
            TransportState::Initial => None,
            TransportState::Processing => Some(self.mailboxes.clock.now()),
        };
        if self.store.works_on(id, since).await.map_err(|error| unavailable(&error))? {
            return Ok(());
        }
        Err(refusal(RefusalCause::Conflict, &findings::ANSWERED_OTHERWISE))
    }

    async fn trace(&self, doc_id: DocId) -> Result<Trace, Refusal> {
        let store: &Arc<dyn Store> = &self.mailboxes.store;
        store.trace(doc_id).await.map_err(|error| unavailable(&error))?.ok_or_else(not_found)
    }
}

#[async_trait]
impl Exchange for Exchanges {
    async fn received(&self, party: &Party, search: &MailSearch, limit: usize) -> Result<Vec<MailItem>, Refusal> {
        let sought = self.sought(party, search)?;
        self.store.received(sought, limit).await.map_err(|error| unavailable(&error))
    }

    async fn waiting(&self, party: &Party, kind: MailKind) -> Result<u64, Refusal> {
        let own = self.own(party)?;
        self.store.waiting(own, packet_kind(kind)).await.map_err(|error| unavailable(&error))
    }

    async fn sent(
        &self,
        party: &Party,
        doc_id: Option<DocId>,
        search: &MailSearch,
        limit: usize,
    ) -> Result<Vec<SentItem>, Refusal> {
        if let Some(doc_id) = doc_id {
            let trace = self.trace(doc_id).await?;
            return match self.acting(party, &trace.from) {
                Ok(_) => Ok(sent_items(&trace)),
                Err(Standing::Locked) => Err(locked()),
                Err(_) => Err(not_found()),
            };
        }
        let sought = self.sought(party, search)?;
        let newest = self.store.sent(sought, limit.min(MAX_SENT)).await.map_err(|error| unavailable(&error))?;
        let mut items = Vec::new();
        for doc_id in newest {
            items.extend(sent_items(&self.trace(doc_id).await?));
            if items.len() >= limit {
                break;
            }
        }
        items.truncate(limit);
        Ok(items)
    }

    async fn content_of(&self, party: &Party, doc_id: DocId) -> Result<Content, Refusal> {
        let trace = self.trace(doc_id).await?;
        let agencies = std::iter::once(&trace.from).chain(trace.consignments.iter().map(|one| &one.recipient));
        let mut last = not_found();
        for agency in agencies {
            let caller = match self.acting(party, agency) {
                Ok(caller) => caller,
                Err(Standing::Locked) => {
                    last = locked();
                    continue;
                }
                Err(_) => continue,
            };
            match self.mailboxes.source(&caller, &trace).await {
                Ok(source) => return self.open(&trace, source).await,
                Err(other) => last = other,
            }
        }
        Err(last)
    }

    async fn mark(&self, party: &Party, doc_id: DocId, state: TransportState) -> Result<(), Refusal> {
        // Of a packet for several of the caller's agencies all are meant.
        self.mark_all(self.mine(party, doc_id).await?, state).await
    }

    async fn mark_for(
        &self,
        party: &Party,
        agency: &AgencyCode,
        doc_id: DocId,
        state: TransportState,
    ) -> Result<(), Refusal> {
        self.mark_all(self.mine_for(party, agency, doc_id).await?, state).await
    }
}

impl Exchanges {
    async fn open(&self, trace: &Trace, source: Source) -> Result<Content, Refusal> {
        let bytes: Upload = match source {
            Source::Inline(bytes) => Box::pin(futures_util::stream::iter([Ok(bytes)])),
            Source::File(path) => {
                let file = tokio::fs::File::open(path).await;
                Box::pin(chunks(file.map_err(|error| unavailable(&error))?))
            }
        };
        Ok(Content { digest: trace.digest, size: trace.size, bytes })
    }
}

fn sent_items(trace: &Trace) -> Vec<SentItem> {
    let kind = if trace.kind == PacketKind::Status.as_str() { MailKind::Status } else { MailKind::Document };
    let item = |consignment: &ConsignmentTrace| {
        let arrived = consignment.receipts.iter().find(|receipt| receipt.event == Event::ContentConsignment.as_str());
        let last = consignment.receipts.last();
        let ended = matches!(
            consignment.state,
            ConsignmentState::Refused | ConsignmentState::Rejected | ConsignmentState::Failed
        );
        SentItem {
            doc_id: trace.doc_id,
            id: consignment.id,
            kind,
            document_id: trace.document_id.clone(),
            from: trace.from.clone(),
            recipient: consignment.recipient.clone(),
            subject: trace.subject.clone(),
            code: trace.code.clone(),
            sent_at: trace.received_at,
            received_at: arrived.map(|receipt| receipt.time),
            updated_at: last.map_or(trace.received_at, |receipt| receipt.time),
            state: consignment.state,
            reason: last.filter(|_| ended).and_then(|receipt| receipt.reason.clone()),
        }
    };
    trace.consignments.iter().map(item).collect()
}
