//! What is said of documents in the model network: updates, requests to have a document back, and the answers, each in a
//! packet of its own that crashes, doubles and deadlines meet like every other.
//!
//! An answer needs its request in the recipient's mailbox, not the document, which may come later or never. An update that
//! overtakes its document is refused at once here. Left out is what hops that hear words in another order may read
//! differently: a refusal (16) beside an update.

use lienthong_contract::door::{ConsignmentState, ConsignmentTrace, RecallState};
use lienthong_contract::{AgencyCode, ConsignmentId, DocId, Instant};

use super::network::{ROW, SENDERS, World};
use crate::edxml::model::StatusCode;
use crate::flows::{Act, ActKind, Talk};
use crate::receipts::{Event, Receipt, Sealed, seal};
use crate::store::sqlite::tests::support::{Stamp, agency};
use crate::store::{NewPacket, PacketKind, Route, StatusFact, Store};

/// A document for one recipient.
#[derive(Debug, Clone)]
pub struct Document {
    pub at: usize,
    pub name: String,
    pub id: ConsignmentId,
    pub recipient: AgencyCode,
    updated: bool,
    /// When the recipient last refused to give it back.
    refused: Option<u64>,
    /// The recipient agreed, before it had taken the document over or it had ended.
    given_back: bool,
    /// … and before it had come.
    overtaken: bool,
}

impl Document {
    pub fn new(at: usize, name: &str, (id, recipient): (ConsignmentId, AgencyCode)) -> Self {
        Self {
            at,
            name: name.to_owned(),
            id,
            recipient,
            updated: false,
            refused: None,
            given_back: false,
            overtaken: false,
        }
    }
}

/// A 13 that was handed in.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    document: usize,
    id: ConsignmentId,
    when: u64,
    answered: bool,
}

impl World {
    /// Those for whom a packet is refused at this gateway, as `intake::flows` judges; `None` is all of them.
    pub async fn objections(
        &self,
        at: usize,
        packet: &NewPacket,
        to: &[AgencyCode],
        first: bool,
    ) -> Vec<Option<AgencyCode>> {
        let here = |code: &AgencyCode| !first && Self::route(at, code) == Route::Mailbox;
        let same = |one: &AgencyCode, other: &AgencyCode| one == other;
        let talk = Talk { sender: &packet.sender, recipients: to, first, here: &here, acts_for: &same };
        let store = &self.nodes[at].store;
        let objections = if let Some(status) = &packet.status {
            let known = store.known_documents(&status.document_id).await.unwrap();
            talk.about_status(&StatusCode::from_code(&status.code), &status.document_id, &known)
        } else if let Some(act) = packet.acts.first() {
            let known = store.known_documents(act.name()).await.unwrap();
            talk.about_documents(&packet.acts, &|_| known.clone())
        } else {
            return Vec::new();
        };
        objections.into_iter().filter(|one| one.finding.refuses()).map(|one| one.recipient).collect()
    }

    /// The sender changes one of the documents.
    pub async fn update(&mut self, which: usize) {
        let Some(place) = which.checked_rem(self.documents.len()) else { return };
        let document = self.documents[place].clone();
        if document.refused.is_some() {
            return;
        }
        self.documents[place].updated = true;
        let packet = self.packet(document.at, SENDERS[document.at]);
        let acts = vec![Act::of(ActKind::Update, packet.sender.as_str(), &document.name)];
        self.say(document.at, NewPacket { business_type: 2, acts, ..packet }, document.recipient).await;
    }

    /// The sender asks for one of the documents.
    pub async fn ask(&mut self, which: usize) {
        let Some(place) = which.checked_rem(self.documents.len()) else { return };
        let document = self.documents[place].clone();
        let sender = agency(SENDERS[document.at]);
        let packet = self.status(document.at, &sender, &document, "13", &document.recipient);
        if let Some(id) = self.say(document.at, packet, document.recipient).await {
            self.requests.push(Request { document: place, id, when: self.counter, answered: false });
        }
    }

    /// A document is handed in and asked for, the request overtakes it, and the recipient agrees to what it has not seen.
    pub async fn overtake(&mut self, at: usize, to: usize) {
        self.submit(at, 1 << to, false).await;
        let slow = self.papers.last().unwrap().1.digest;
        self.ask(self.documents.len() - 1).await;
        for _ in 0..2 * ROW.len() {
            for at in 0..ROW.len() {
                self.send_packets(at).await;
                self.send_receipts(at).await;
            }
            let on_their_way = std::mem::take(&mut self.network);
            for message in on_their_way {
                if message.carries(slow) {
                    self.network.push(message);
                } else {
                    self.arrive(message, false).await;
                }
            }
        }
        self.reply(self.requests.len() - 1, true).await;
    }

    /// A recipient that has a request in its mailbox answers it.
    pub async fn reply(&mut self, which: usize, agrees: bool) {
        let Some(place) = which.checked_rem(self.requests.len()) else { return };
        let request = self.requests[place];
        let document = self.documents[request.document].clone();
        let home = Self::home(&document.recipient);
        let seen = self.mailbox_state(home, request.id).await.is_some();
        let stale = document.refused.is_some_and(|refused| request.when < refused);
        if !seen || stale || request.answered || !agrees && document.updated {
            return;
        }
        let sender = agency(SENDERS[document.at]);
        let mut packet = self.status(home, &document.recipient, &document, if agrees { "15" } else { "16" }, &sender);
        let before = self.mailbox_state(home, document.id).await;
        if agrees {
            packet.gives_back = self.ends(home, &sender, &document).await;
        }
        self.say(home, packet, sender).await.expect("who was asked may answer");
        self.requests[place].answered = true;
        let now = self.counter;
        let document = &mut self.documents[request.document];
        if agrees {
            document.given_back |= before.is_none_or(|state| !state.is_terminal());
            document.overtaken |= before.is_none();
        } else {
            document.refused = Some(now);
        }
    }

    pub fn is_given_back(&self, id: ConsignmentId) -> bool {
        self.documents.iter().any(|document| document.id == id && document.given_back)
    }

    async fn mailbox_state(&self, at: usize, id: ConsignmentId) -> Option<ConsignmentState> {
        self.nodes[at].store.mailbox_entry(id).await.unwrap().map(|entry| entry.state)
    }

    fn status(&mut self, at: usize, from: &AgencyCode, of: &Document, code: &str, about: &AgencyCode) -> NewPacket {
        let (document_id, about, code) = (of.name.clone(), about.clone(), code.to_owned());
        let status = Some(StatusFact { document_id, about, code, description: None, time: None });
        NewPacket { kind: PacketKind::Status, document_id: None, status, ..self.packet(at, from.as_str()) }
    }

    /// What ends in the mailbox with an agreement, as `intake::flows` makes it.
    async fn ends(&self, at: usize, sender: &AgencyCode, of: &Document) -> Vec<Sealed> {
        let node = &self.nodes[at];
        let mut ends = Vec::new();
        for id in node.store.in_mailbox(sender, &of.name, &of.recipient).await.unwrap() {
            let entry = node.store.mailbox_entry(id).await.unwrap().unwrap();
            let end = entry.end(&node.name, Event::ConsignmentRejection, Instant::from_millis(node.now));
            let reason = Some(crate::delivery::given_back::reason());
            ends.push(seal(Receipt { reason, ..end }, &Stamp).unwrap());
        }
        ends
    }

    /// Hands a packet in, unless the gateway refuses it.
    async fn say(&mut self, at: usize, packet: NewPacket, to: AgencyCode) -> Option<ConsignmentId> {
        if !self.objections(at, &packet, std::slice::from_ref(&to), true).await.is_empty() {
            return None;
        }
        self.hand_in_new(at, packet, vec![to]).await.pop()
    }

    /// What `delivery` does at each look.
    pub async fn destroy(&self, at: usize) {
        let node = &self.nodes[at];
        for digest in node.store.given_back(1000).await.unwrap() {
            node.store.destroy(digest, Instant::from_millis(node.now)).await.unwrap();
        }
    }

    /// When everything has ended: what was given back was handed to nobody, no hop shows as given back what its recipient
    /// did not, and its content is gone from every hop where nobody else needs it. Gives how many were given back before
    /// they were taken over, how many of these came only then, and how many copies were destroyed.
    pub async fn recalled(&self) -> [u64; 3] {
        for at in 0..ROW.len() {
            self.destroy(at).await;
        }
        let (mut given_back, mut overtaken, mut destroyed) = (0, 0, 0);
        for document in &self.documents {
            let (_, doc_id, _) = *self.handed_in.iter().find(|(_, _, id)| *id == document.id).unwrap();
            if document.given_back {
                given_back += 1;
                // It ended as that, or never came.
                let state = self.mailbox_state(Self::home(&document.recipient), document.id).await;
                assert!(matches!(state, None | Some(ConsignmentState::Refused)), "{document:?} is {state:?}");
                overtaken += u64::from(document.overtaken && state.is_some());
            }
            for at in 0..ROW.len() {
                destroyed += u64::from(self.destroyed(at, document, doc_id).await);
            }
        }
        [given_back, overtaken, destroyed]
    }

    async fn destroyed(&self, at: usize, document: &Document, doc_id: DocId) -> bool {
        let Some(trace) = self.nodes[at].store.trace(doc_id).await.unwrap() else { return false };
        let agreed =
            |one: &ConsignmentTrace| one.recall.as_ref().is_some_and(|recall| recall.state == RecallState::Agreed);
        let Some(this) = trace.consignments.iter().find(|one| one.id == document.id) else { return false };
        if !agreed(this) || matches!(this.state, ConsignmentState::Rejected | ConsignmentState::Withdrawn) {
            return false;
        }
        assert!(self.was_agreed(document), "{at} shows {document:?} as given back");
        let needed = trace
            .consignments
            .iter()
            .any(|one| Self::home(&one.recipient) == at && one.state == ConsignmentState::HandedOver && !agreed(one));
        assert_eq!(trace.destroyed_at.is_some(), !needed, "{document:?} at {at}: {trace:#?}");
        !needed
    }

    /// A 15 about it was handed in.
    fn was_agreed(&self, document: &Document) -> bool {
        self.papers.iter().any(|(_, packet, ..)| {
            let says = packet.status.as_ref().filter(|_| packet.sender == document.recipient);
            says.is_some_and(|status| status.code == "15" && status.document_id == document.name)
        })
    }
}
