//! Whether a sender may say this of that document, by what this hop knows of it.
//!
//! Two hops judge, each by what it knows best. The **first hop** of the packet knows what its sender has sent: it refuses
//! the whole packet when the target is somebody else's. The hop **of the recipient's mailbox** knows what the recipient
//! got: it refuses that one consignment. Hops in between judge nothing.
//!
//! | | first hop | the recipient's hop |
//! |---|---|---|
//! | revoke, update, replace of another's document | refused | refused |
//! | … for a recipient that never got it | refused | refused |
//! | … of a document unknown here | warned | refused: never got |
//! | status by an agency that was no recipient | refused | refused |
//! | status about an unknown document | warned | taken |
//! | 13 by another than the sender | refused | refused |
//! | 15, 16 without a request | refused | taken |
//!
//! What "never got" is told of may only have overtaken its document: the recipient's hop lets it wait for a while first
//! (`intake::waiting`).
//!
//! A recipient that an update adds, or that a replacement's own list leaves out, is new to the document and needs not
//! have got it.

use lienthong_contract::{AgencyCode, Finding};

use super::act::{Act, ActKind, MAX_ACTS};
use super::findings;
use crate::edxml::model::StatusCode;

/// A document with a name that is spoken of, as this hop knows it; with what its updates added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub sender: AgencyCode,
    /// Everybody it was sent to, as the first hop's receipt says.
    pub recipients: Vec<AgencyCode>,
    /// Those whose consignment came through here.
    pub passed: Vec<AgencyCode>,
    /// Those who were asked for it back, or got an update or a revocation of it.
    pub asked: Vec<AgencyCode>,
}

/// A finding about the whole packet, or about one of its recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    pub recipient: Option<AgencyCode>,
    pub finding: Finding,
}

/// Who speaks to whom, and what is asked of the directory.
pub struct Talk<'a> {
    pub sender: &'a AgencyCode,
    pub recipients: &'a [AgencyCode],
    /// We are the first hop.
    pub first: bool,
    /// The recipient's mailbox is here.
    pub here: &'a (dyn Fn(&AgencyCode) -> bool + Sync),
    /// The first may act for the second: it is the same, or has taken over from it.
    pub acts_for: &'a (dyn Fn(&AgencyCode, &AgencyCode) -> bool + Sync),
}

impl std::fmt::Debug for Talk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Talk").field("sender", self.sender).field("first", &self.first).finish_non_exhaustive()
    }
}

impl Talk<'_> {
    fn is_one_of(&self, who: &AgencyCode, list: &[AgencyCode]) -> bool {
        list.iter().any(|one| one == who || (self.acts_for)(who, one))
    }

    fn own<'k>(&self, known: &'k [Known], sender: &AgencyCode) -> Vec<&'k Known> {
        known.iter().filter(|one| one.sender == *sender || (self.acts_for)(sender, &one.sender)).collect()
    }

    /// Judges what a document does to others; `known` gives what is known of each target.
    #[must_use]
    pub fn about_documents(&self, acts: &[Act], known: &dyn Fn(&Act) -> Vec<Known>) -> Vec<Objection> {
        let changing: Vec<&Act> = acts.iter().filter(|act| act.changes()).collect();
        if self.first && changing.len() > MAX_ACTS {
            let finding = Finding::of(&findings::TOO_MANY_TARGETS).expected(format!("≤ {MAX_ACTS}"));
            return vec![Objection { recipient: None, finding }];
        }
        let mut objections = Vec::new();
        for act in changing {
            self.about_target(act, &known(act), &mut objections);
        }
        objections
    }

    fn about_target(&self, act: &Act, known: &[Known], objections: &mut Vec<Objection>) {
        let told = |kind| Finding::of(kind).element(act.kind.element()).found(act.name());
        let mut whole = |finding| objections.push(Objection { recipient: None, finding });
        let own = self.own(known, self.sender);
        if self.first {
            match (own.is_empty(), known.is_empty()) {
                (true, false) => return whole(told(&findings::TARGET_NOT_YOURS)),
                (true, true) => whole(told(&findings::TARGET_UNKNOWN)),
                (false, _) => {}
            }
            let silent = act.removed.iter().filter(|removed| !self.recipients.contains(removed));
            let silent: Vec<&str> = silent.map(AgencyCode::as_str).collect();
            if !silent.is_empty() {
                whole(Finding::of(&findings::REMOVED_NOT_TOLD).element(RECEIVERS).found(silent.join(", ")));
            }
            let missed = own.iter().flat_map(|one| &one.recipients).filter(|got| !self.is_one_of(got, self.recipients));
            let mut missed: Vec<&str> = missed.map(AgencyCode::as_str).collect();
            missed.dedup();
            if act.kind == ActKind::Revoke && !missed.is_empty() {
                whole(Finding::of(&findings::REVOCATION_INCOMPLETE).element(TO).found(missed.join(", ")));
            }
        }
        for recipient in self.recipients.iter().filter(|recipient| !act.is_new_to(recipient)) {
            let sent_to = self.first && own.iter().any(|one| self.is_one_of(recipient, &one.recipients));
            let judged = (self.here)(recipient) || self.first && !own.is_empty();
            let got = |of: &&Known| self.is_one_of(recipient, &of.passed);
            if !judged || sent_to || own.iter().any(got) {
                continue;
            }
            // What others sent is told apart only to whom got it.
            let others = known.iter().any(|one| got(&one));
            let kind = if others { &findings::TARGET_NOT_YOURS } else { &findings::TARGET_NOT_RECEIVED };
            let finding = told(kind).expected(recipient.as_str());
            objections.push(Objection { recipient: Some(recipient.clone()), finding });
        }
    }

    /// Judges a status packet about a document of this name.
    #[must_use]
    pub fn about_status(&self, code: &StatusCode, name: &str, known: &[Known]) -> Vec<Objection> {
        let Some(recipient) = self.recipients.first() else { return Vec::new() };
        if !self.first && !(self.here)(recipient) {
            return Vec::new();
        }
        let told = |kind| {
            let finding = Finding::of(kind).element("MessageHeader/ResponseFor").found(name);
            vec![Objection { recipient: None, finding }]
        };
        let unknown = || if self.first { told(&findings::STATUS_UNKNOWN_DOCUMENT) } else { Vec::new() };
        if *code == StatusCode::TakeBackRequested {
            let own = self.own(known, self.sender);
            let sent_to = own.iter().any(|one| self.is_one_of(recipient, &one.recipients));
            // Short names (12, 345) are in use twice: later hops go by what the recipient got.
            let others = known.iter().any(|one| self.first || self.is_one_of(recipient, &one.passed));
            return match (own.is_empty(), others) {
                (true, false) => unknown(),
                (true, true) => told(&findings::TAKE_BACK_BY_STRANGER),
                (false, _) if !sent_to => told(&findings::TAKE_BACK_NOT_SENT_TO),
                (false, _) => Vec::new(),
            };
        }
        // Of several documents of that name the one that the other party sent is meant.
        let theirs = self.own(known, recipient);
        if theirs.is_empty() {
            return unknown();
        }
        let mine: Vec<&&Known> = theirs.iter().filter(|one| self.is_one_of(self.sender, &one.recipients)).collect();
        if mine.is_empty() {
            return told(&findings::STATUS_NOT_RECIPIENT);
        }
        let answers = matches!(code, StatusCode::TakeBackAgreed | StatusCode::TakeBackRefused);
        if answers && self.first && !mine.iter().any(|one| self.is_one_of(self.sender, &one.asked)) {
            return told(&findings::ANSWER_NOT_ASKED);
        }
        Vec::new()
    }
}

const RECEIVERS: &str = "TraceHeaderList/Bussiness/BussinessDocumentInfo/ReceiverList/Receiver";
const TO: &str = "MessageHeader/To";
