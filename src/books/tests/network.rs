//! A model network over real stores: three gateways in a row, and between them a network that loses, doubles and
//! reorders, whose gateways are killed, refuse, and have clocks of their own.
//!
//! Real are the stores, the states ([`crate::life`]), the transfer's header, the receipts' chain and the batches'
//! content, and who may say what of which document ([`crate::flows`]); made up are the packets (what they say is looked up
//! by their digest), the signatures and the links. What a gateway does with a message follows `intake::arrival` and
//! `delivery` line by line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};
use tempfile::TempDir;

use super::talk::{Document, Request};
use crate::custody::{Batch, TransferHeader};
use crate::receipts::jws::read_stored;
use crate::receipts::{ConsignedTo, Event, Reason, Receipt, Sealed, seal, verify_chain};
use crate::store::sqlite::tests::support::{Stamp, agency, hop, outside};
use crate::store::{
    Accepted, AckOutcome, Consign, Held, LetGo, NewConsignment, NewPacket, PacketKind, Route, SqliteStore, Store,
};

/// The gateways in a row, and who has a mailbox at each.
pub const ROW: [(&str, &str); 3] = [("province-a", "H37.91"), ("nation", "G09.90"), ("province-b", "H49.90")];
/// Who sends documents at each, and has a mailbox there for what is said of them.
pub const SENDERS: [&str; 3] = ["H37.90", "G09.91", "H49.91"];
const START: i64 = 1_790_000_000_000;
pub const HOUR: i64 = 3_600_000;
const RELAY: i64 = 48 * HOUR;
const COLLECT: i64 = 30 * 24 * HOUR;

#[derive(Debug, Clone)]
pub enum Payload {
    Transfer(Box<TransferHeader>, Arc<[u8]>),
    Batch(Batch),
}

#[derive(Debug, Clone)]
pub struct Message {
    from: usize,
    to: usize,
    payload: Payload,
}

impl Message {
    /// It is the transfer of this packet.
    pub fn carries(&self, packet: Digest) -> bool {
        matches!(&self.payload, Payload::Transfer(header, _) if header.digest == packet)
    }
}

pub struct Node {
    pub name: HopName,
    pub store: SqliteStore,
    file: String,
    pub now: i64,
}

pub struct World {
    folder: TempDir,
    pub nodes: Vec<Node>,
    pub network: Vec<Message>,
    /// Every consignment of this run, with the gateway where it was handed in.
    pub handed_in: Vec<(usize, DocId, ConsignmentId)>,
    /// What recipients took over, by the receipt that they got.
    pub given: Vec<ConsignmentId>,
    pub papers: Vec<(usize, NewPacket, Sealed, Vec<NewConsignment>)>,
    pub documents: Vec<Document>,
    pub requests: Vec<Request>,
    pub counter: u64,
}

fn open(folder: &Path, file: &str, name: &HopName) -> SqliteStore {
    SqliteStore::open(&folder.join(file), name).unwrap()
}

impl World {
    pub fn new() -> Self {
        // In memory where there is such a folder: a flush costs nothing there, and no power is cut here.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let nodes = ROW.map(|(name, _)| {
            let (name, file) = (hop(name), format!("{name}-0.db"));
            Node { store: open(folder.path(), &file, &name), name, file, now: START }
        });
        let nodes = nodes.into_iter().collect();
        let (network, handed_in, given, papers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (documents, requests) = (Vec::new(), Vec::new());
        Self { folder, nodes, network, handed_in, given, papers, documents, requests, counter: 0 }
    }

    /// Forgets the documents of the run before; the stores keep them.
    pub fn begin(&mut self) {
        self.network.clear();
        self.handed_in.clear();
        self.given.clear();
        self.papers.clear();
        self.documents.clear();
        self.requests.clear();
    }

    fn index(&self, name: &HopName) -> usize {
        self.nodes.iter().position(|node| node.name == *name).unwrap()
    }

    /// The gateway of an agency's mailbox.
    pub fn home(code: &AgencyCode) -> usize {
        let mut places = ROW.iter().zip(SENDERS);
        places.position(|((_, recipient), sender)| [*recipient, sender].contains(&code.as_str())).unwrap()
    }

    /// Towards a recipient: a mailbox here, or the neighbour on its side.
    pub fn route(at: usize, recipient: &AgencyCode) -> Route {
        match Self::home(recipient).cmp(&at) {
            std::cmp::Ordering::Equal => Route::Mailbox,
            std::cmp::Ordering::Less => Route::Link(hop(ROW[at - 1].0)),
            std::cmp::Ordering::Greater => Route::Link(hop(ROW[at + 1].0)),
        }
    }

    fn neighbours(at: usize) -> impl Iterator<Item = usize> {
        [at.checked_sub(1), (at + 1 < ROW.len()).then_some(at + 1)].into_iter().flatten()
    }

    /// A new document handed in at a gateway, to some of the three recipients.
    pub async fn submit(&mut self, at: usize, to: u8, urgent: bool) {
        let recipients = ROW.iter().enumerate().filter(|(index, _)| to & (1 << index) != 0);
        let recipients: Vec<AgencyCode> = recipients.map(|(_, (_, code))| agency(code)).collect();
        let packet = NewPacket { urgency: u8::from(urgent), ..self.packet(at, SENDERS[at]) };
        let name = packet.document_id.clone().unwrap();
        for id in self.hand_in_new(at, packet, recipients.clone()).await.into_iter().zip(recipients) {
            self.documents.push(Document::new(at, &name, id));
        }
    }

    /// A packet with a name of its own.
    pub fn packet(&mut self, at: usize, sender: &str) -> NewPacket {
        self.counter += 1;
        let text = format!("document {} of {:?}", self.counter, self.folder.path());
        NewPacket {
            digest: Digest::of(text.as_bytes()),
            size: text.len() as u64,
            doc_id: DocId::fresh(),
            kind: PacketKind::Document,
            document_id: Some(text.clone()),
            business_type: 0,
            sender: agency(sender),
            subject: None,
            code: None,
            urgency: 0,
            signed: None,
            received_at: Instant::from_millis(self.nodes[at].now),
            previous_hop: None,
            status: None,
            acts: Vec::new(),
            gives_back: Vec::new(),
            entered: None,
            together: None,
            held: Held::Inline(text.into_bytes().into()),
        }
    }

    /// Hands a packet in; gives its consignments, one for each recipient.
    pub async fn hand_in_new(&mut self, at: usize, packet: NewPacket, to: Vec<AgencyCode>) -> Vec<ConsignmentId> {
        let now = packet.received_at;
        let entries = to.into_iter().map(|recipient| ConsignedTo { consignment: ConsignmentId::fresh(), recipient });
        let entries: Vec<ConsignedTo> = entries.collect();
        let first = statement(&packet, Event::SubmissionAcceptance, &self.nodes[at].name, now);
        let submission = seal(Receipt { consignments: entries.clone(), ..first }, &Stamp).unwrap();
        let consignments = entries.into_iter().map(|entry| {
            let route = Self::route(at, &entry.recipient);
            let (mut receipts, mut due) = (Vec::new(), now.plus_millis(RELAY));
            if route == Route::Mailbox {
                let by = &self.nodes[at].name;
                receipts.push(after(&submission, Some(entry.consignment), Event::ContentConsignment, by, now));
                due = now.plus_millis(COLLECT);
            }
            NewConsignment { id: entry.consignment, recipient: entry.recipient, route, receipts, due: Some(due) }
        });
        let consignments: Vec<NewConsignment> = consignments.collect();
        let ids: Vec<ConsignmentId> = consignments.iter().map(|consignment| consignment.id).collect();
        self.handed_in.extend(ids.iter().map(|id| (at, packet.doc_id, *id)));
        self.papers.push((at, packet, submission, consignments));
        self.hand_in(self.papers.len() - 1, true).await;
        ids
    }

    /// The same bytes once more.
    pub async fn submit_again(&mut self, which: usize) {
        if !self.papers.is_empty() {
            self.hand_in(which % self.papers.len(), false).await;
        }
    }

    async fn hand_in(&mut self, which: usize, new: bool) {
        let (at, packet, submission, consignments) = self.papers[which].clone();
        let answer = self.nodes[at].store.accept(packet, submission, consignments).await.unwrap();
        assert_eq!(matches!(answer, Accepted::New { .. }), new);
    }

    /// All that is due to neighbours is put on its way, once.
    pub async fn send_packets(&mut self, at: usize) {
        let node = &self.nodes[at];
        for to in Self::neighbours(at) {
            for urgent in [true, false] {
                for dispatch in node.store.due(&hop(ROW[to].0), urgent, 0, 100).await.unwrap() {
                    let Held::Inline(bytes) = &dispatch.held else { panic!("the packets here are small") };
                    let header = Box::new(TransferHeader::of(&node.name, &dispatch));
                    let payload = Payload::Transfer(header, bytes.to_vec().into());
                    self.network.push(Message { from: at, to, payload });
                }
            }
        }
    }

    /// All receipts that wait for neighbours are put on their way, once.
    pub async fn send_receipts(&mut self, at: usize) {
        let node = &self.nodes[at];
        for to in Self::neighbours(at) {
            let (queued, _) = node.store.queued_receipts(&hop(ROW[to].0), 0, 128).await.unwrap();
            if !queued.is_empty() {
                let receipts = queued.into_iter().map(|receipt| receipt.jws).collect();
                let time = Instant::from_millis(node.now);
                let batch = Batch::Receipts { from_hop: node.name.clone(), time, receipts };
                self.network.push(Message { from: at, to, payload: Payload::Batch(batch) });
            }
        }
    }

    /// Delivers a message, whichever it is, and perhaps leaves a double of it on its way.
    pub async fn deliver(&mut self, which: usize, double: bool, refuse: bool) {
        if self.network.is_empty() {
            return;
        }
        let place = which % self.network.len();
        let message = if double { self.network[place].clone() } else { self.network.swap_remove(place) };
        self.arrive(message, refuse).await;
    }

    pub fn lose(&mut self, which: usize) {
        if !self.network.is_empty() {
            let place = which % self.network.len();
            self.network.swap_remove(place);
        }
    }

    pub async fn arrive(&mut self, message: Message, refuse: bool) {
        let Message { from, to, payload } = message;
        match payload {
            Payload::Transfer(header, bytes) => self.take(to, *header, &bytes, refuse).await,
            Payload::Batch(Batch::Receipts { receipts, .. }) => {
                let receipts = receipts.iter().map(|jws| read_stored(jws).unwrap()).collect();
                let recorded = self.nodes[to].store.record_receipts(&hop(ROW[from].0), receipts).await.unwrap();
                if !recorded.stored.is_empty() {
                    let (from_hop, time) = (self.nodes[to].name.clone(), Instant::from_millis(self.nodes[to].now));
                    let payload = Payload::Batch(Batch::Stored { from_hop, time, digests: recorded.stored });
                    self.network.push(Message { from: to, to: from, payload });
                }
            }
            Payload::Batch(Batch::Stored { digests, .. }) => {
                let node = &self.nodes[to];
                let consign = consign(&node.name, Instant::from_millis(node.now));
                node.store.receipts_delivered(&hop(ROW[from].0), digests, consign).await.unwrap();
            }
            Payload::Batch(other) => panic!("nobody says this here: {other:?}"),
        }
    }

    async fn take(&mut self, at: usize, header: TransferHeader, bytes: &[u8], refuse: bool) {
        let (node, now) = (&self.nodes[at], Instant::from_millis(self.nodes[at].now));
        let ids: Vec<ConsignmentId> = header.consignments.iter().map(|consignment| consignment.id).collect();
        let known = node.store.known(ids.clone()).await.unwrap();
        if known.len() == ids.len() {
            return node.store.answer_again(ids).await.unwrap();
        }
        let opened: Vec<Sealed> = header.receipts.iter().map(|jws| read_stored(jws).unwrap()).collect();
        let paper = self.papers.iter().find(|(_, packet, ..)| packet.digest == header.digest).unwrap().1.clone();
        let to: Vec<AgencyCode> = header.consignments.iter().map(|one| one.recipient.clone()).collect();
        let objections = self.objections(at, &paper, &to, false).await;
        let (mut rows, mut submission) = (Vec::new(), None);
        for consignment in &header.consignments {
            let mut chain: Vec<Sealed> = consignment.chain.iter().map(|place| opened[*place].clone()).collect();
            verify_chain(&chain, header.digest, consignment.id).unwrap();
            let late = consignment.expires.is_some_and(|expires| expires < now);
            let refuse =
                refuse || objections.iter().any(|one| one.as_ref().is_none_or(|r| *r == consignment.recipient));
            let route = if refuse || late { Route::Refused } else { Self::route(at, &consignment.recipient) };
            let event = if route == Route::Refused { Event::RelayRejection } else { Event::RelayAcceptance };
            let relay = after(chain.last().unwrap(), Some(consignment.id), event, &node.name, now);
            submission.get_or_insert(chain.remove(0));
            chain.push(relay);
            let own = now.plus_millis(RELAY);
            let due = consignment.expires.map_or(own, |expires| expires.min(own));
            let due = matches!(route, Route::Link(_)).then_some(due);
            let recipient = consignment.recipient.clone();
            rows.push(NewConsignment { id: consignment.id, recipient, route, receipts: chain, due });
        }
        let submission = submission.unwrap();
        let dropped = rows.iter().all(|row| row.route == Route::Refused);
        let mut packet = NewPacket {
            received_at: now,
            previous_hop: Some(header.from_hop.clone()),
            gives_back: Vec::new(),
            held: if dropped { Held::Dropped } else { Held::Inline(bytes.to_vec().into()) },
            ..paper
        };
        if dropped {
            (packet.status, packet.acts) = (None, Vec::new());
        }
        node.store.take_custody(packet, Some(submission), rows).await.unwrap();
    }

    /// Ends what is overdue by this gateway's clock; gives how many were.
    pub async fn end_overdue(&mut self, at: usize) -> usize {
        let (node, now) = (&self.nodes[at], Instant::from_millis(self.nodes[at].now));
        let overdue = node.store.overdue(now, 1000).await.unwrap();
        for entry in &overdue {
            let event = if entry.next_hop.is_some() { Event::RelayFailure } else { Event::ContentHandoverFailure };
            let failure = after(&entry.head, Some(entry.id), event, &node.name, now);
            let failure = Receipt { recipient: Some(entry.recipient.clone()), ..Receipt::clone(&failure.receipt) };
            node.store.fail(entry.id, seal(failure, &Stamp).unwrap()).await.unwrap();
        }
        overdue.len()
    }

    /// The recipient answers one of those that this run handed in, whether it waits or has ended.
    pub async fn answer(&mut self, which: usize, taken: bool) {
        if self.handed_in.is_empty() {
            return;
        }
        let (_, _, id) = self.handed_in[which % self.handed_in.len()];
        for node in &self.nodes {
            let Some(entry) = node.store.mailbox_entry(id).await.unwrap() else { continue };
            let event = if taken { Event::ContentHandover } else { Event::ConsignmentRejection };
            let base = Receipt {
                document_id: entry.item.document_id.clone(),
                consignment: Some(id),
                recipient: Some(entry.item.recipient.clone()),
                previous: Some(entry.head),
                from: entry.item.from.clone(),
                ..statement_of(entry.item.doc_id, entry.item.digest, entry.item.size, event, &node.name)
            };
            let receipt = Receipt { time: Instant::from_millis(node.now), ..base };
            let outcome = node.store.acknowledge(id, seal(receipt, &Stamp).unwrap()).await.unwrap();
            if matches!(outcome, AckOutcome::Done { .. }) && taken {
                assert!(!self.is_given_back(id), "nobody gets what was given back");
                self.given.push(id);
            }
        }
    }

    /// The gateway is killed, and what was on its disk is opened again: copies, since nothing was closed.
    pub fn crash(&mut self, at: usize) {
        self.counter += 1;
        let node = &mut self.nodes[at];
        let file = format!("{}-{}.db", node.name, self.counter);
        for part in ["", "-wal"] {
            let (old, new) = (format!("{}{part}", node.file), format!("{file}{part}"));
            std::fs::copy(self.folder.path().join(old), self.folder.path().join(new)).unwrap();
        }
        let before = std::mem::replace(&mut node.store, open(self.folder.path(), &file, &node.name));
        drop(before);
        for part in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("{}{part}", node.file)));
        }
        node.file = file;
    }

    /// The network has no faults any more: all that can still be said is said.
    pub async fn settle(&mut self) {
        for _ in 0..100 {
            for at in 0..ROW.len() {
                self.send_packets(at).await;
                self.send_receipts(at).await;
            }
            if self.network.is_empty() {
                return;
            }
            while !self.network.is_empty() {
                for message in std::mem::take(&mut self.network) {
                    self.arrive(message, false).await;
                }
            }
        }
        panic!("the gateways do not come to rest");
    }

    /// Every deadline passes.
    pub async fn run_out(&mut self) {
        for _ in 0..2 * ROW.len() {
            for node in &mut self.nodes {
                node.now += COLLECT + RELAY;
            }
            let mut ended = 0;
            for at in 0..ROW.len() {
                ended += self.end_overdue(at).await;
            }
            self.settle().await;
            if ended == 0 {
                return;
            }
        }
        panic!("there is always something overdue");
    }

    /// The database of a gateway.
    pub fn file(&self, at: usize) -> PathBuf {
        self.folder.path().join(&self.nodes[at].file)
    }

    /// The state of a consignment at a gateway.
    pub async fn state(&self, at: &HopName, doc_id: DocId, id: ConsignmentId) -> Option<ConsignmentState> {
        let trace = self.nodes[self.index(at)].store.trace(doc_id).await.unwrap()?;
        trace.consignments.iter().find(|consignment| consignment.id == id).map(|consignment| consignment.state)
    }
}

fn statement(packet: &NewPacket, event: Event, by: &HopName, time: Instant) -> Receipt {
    let base = statement_of(packet.doc_id, packet.digest, packet.size, event, by);
    Receipt { time, document_id: packet.document_id.clone(), from: packet.sender.clone(), ..base }
}

fn statement_of(doc_id: DocId, packet: Digest, size: u64, event: Event, by: &HopName) -> Receipt {
    Receipt {
        v: 1,
        event,
        hop: by.clone(),
        time: Instant::from_millis(START),
        doc_id,
        packet,
        size,
        from: agency(SENDERS[0]),
        document_id: None,
        consignment: None,
        recipient: None,
        consignments: Vec::new(),
        previous: None,
        credential: None,
        checks: None,
        reason: event.is_negative().then(|| Reason {
            code: "LT-DLV-0001".to_owned(),
            text: "không đúng".to_owned(),
            text_en: None,
            whose_turn: lienthong_contract::Blame::Sender,
        }),
        outside: event.is_outside().then(|| outside(false)),
    }
}

/// The receipt of `by` that follows another.
fn after(before: &Sealed, id: Option<ConsignmentId>, event: Event, by: &HopName, time: Instant) -> Sealed {
    let before_it = &before.receipt;
    let recipient = before_it.consignments.iter().find(|entry| Some(entry.consignment) == id);
    let recipient = recipient.map(|entry| entry.recipient.clone()).or_else(|| before_it.recipient.clone());
    let base = statement_of(before_it.doc_id, before_it.packet, before_it.size, event, by);
    let document_id = before_it.document_id.clone();
    let previous = Some(before.digest);
    let from = before_it.from.clone();
    seal(Receipt { time, document_id, from, consignment: id, recipient, previous, ..base }, &Stamp).unwrap()
}

fn consign(by: &HopName, now: Instant) -> Consign {
    let by = by.clone();
    Arc::new(move |offered: &LetGo| {
        let sealed = after(&offered.before, Some(offered.id), offered.event, &by, now);
        Ok((sealed, Some(now.plus_millis(COLLECT))))
    })
}
