//! What was said of one consignment by status packets, whatever order it came in: the list, where it stands, and the
//! conversation about taking it back.
//!
//! ```text
//!   sender: 13 ──► asked ──┬─ recipient: 15 ──► agreed (for good; the content is destroyed)
//!                          └─ recipient: 16 ──► refused ── sender: 13 ──► asked
//! ```
//!
//! A recipient that refused may still agree, as long as nothing else was asked of it since: after an update (or a
//! revocation) that reached it later than the last 13, a 15 answers that one. Which word came first is told by the
//! order of arrival at this hop: a request always passes before its answer.

use lienthong_contract::door::RecallState;
use lienthong_contract::{DocId, Instant};

use crate::edxml::model::StatusCode;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub code: String,
    pub description: Option<String>,
    /// As the packet says.
    pub time: Option<Instant>,
    pub received_at: Instant,
    /// The status packet.
    pub doc_id: DocId,
}

impl Said {
    fn at(&self) -> Instant {
        self.time.unwrap_or(self.received_at)
    }
}

/// What came to this hop about one consignment, in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// By the document's sender (13).
    Sender(Said),
    /// By the sender, and it did not reach the recipient's hop, or was refused there: told, without effect.
    Unheard(Said),
    /// By its recipient.
    Recipient(Said),
    /// An update or a revocation of the document, for the same recipient.
    Changed,
}

/// The request to have a document back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    pub state: RecallState,
    pub asked: Said,
    pub answer: Option<Said>,
    /// Something else was asked since.
    changed_since: bool,
}

impl Recall {
    /// Folds one more event in.
    fn after(before: Option<Self>, event: &Event) -> Option<Self> {
        use RecallState::{Agreed, Asked, Refused};
        let asked = |said: &Said| Self { state: Asked, asked: said.clone(), answer: None, changed_since: false };
        let answered = |recall: Self, state, said: &Said| Self { state, answer: Some(said.clone()), ..recall };
        match (before, event) {
            (None, Event::Sender(said)) if is(said, &StatusCode::TakeBackRequested) => Some(asked(said)),
            (Some(recall), Event::Sender(said)) if recall.state == Refused => {
                if is(said, &StatusCode::TakeBackRequested) { Some(asked(said)) } else { Some(recall) }
            }
            (Some(recall), Event::Recipient(said)) => {
                let open = recall.state == Asked;
                if is(said, &StatusCode::TakeBackAgreed) && (open || recall.state == Refused && !recall.changed_since) {
                    Some(answered(recall, Agreed, said))
                } else if is(said, &StatusCode::TakeBackRefused) && open {
                    Some(answered(recall, Refused, said))
                } else {
                    Some(recall)
                }
            }
            (Some(recall), Event::Changed) => Some(Self { changed_since: true, ..recall }),
            (before, _) => before,
        }
    }
}

fn is(said: &Said, code: &StatusCode) -> bool {
    said.code == code.code()
}

/// What is told of a consignment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// By the time that the words bear; true: said by the document's sender. The same word twice stands here once.
    pub words: Vec<(Said, bool)>,
    /// Index into `words`.
    pub current: Option<usize>,
    pub recall: Option<Recall>,
}

impl Story {
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let recall = events.iter().fold(None, Recall::after);
        let mut words: Vec<(Said, bool)> = Vec::new();
        for event in events {
            let (said, sender) = match event {
                Event::Sender(said) | Event::Unheard(said) => (said, true),
                Event::Recipient(said) => (said, false),
                Event::Changed => continue,
            };
            let same = |(other, by_sender): &(Said, bool)| {
                *by_sender == sender
                    && (&other.code, &other.description, other.time) == (&said.code, &said.description, said.time)
            };
            if !words.iter().any(same) {
                words.push((said.clone(), sender));
            }
        }
        words.sort_by_key(|(said, _)| (said.at(), rank(&said.code)));
        let current = current(&words, recall.as_ref());
        Self { words, current, recall }
    }

    /// True when the recipient gives the document back.
    #[must_use]
    pub fn given_back(&self) -> bool {
        self.recall.as_ref().is_some_and(|recall| recall.state == RecallState::Agreed)
    }
}

/// How far along a document is by a word of its recipient; 0 for what tells nothing of that.
fn rank(code: &str) -> u8 {
    match StatusCode::from_code(code) {
        StatusCode::Arrived => 1,
        StatusCode::Accepted => 2,
        StatusCode::Assigned => 3,
        StatusCode::InProcess => 4,
        StatusCode::Completed => 5,
        StatusCode::Refused => 6,
        _ => 0,
    }
}

fn current(words: &[(Said, bool)], recall: Option<&Recall>) -> Option<usize> {
    if let Some(agreed) = recall.filter(|recall| recall.state == RecallState::Agreed) {
        let answer = agreed.answer.as_ref();
        let is_it = |(said, sender): &(Said, bool)| {
            !sender && answer.is_some_and(|answer| (&answer.code, answer.time) == (&said.code, said.time))
        };
        return words.iter().position(is_it);
    }
    // They stand in the order of time and rank already.
    words.iter().rposition(|(said, sender)| !sender && rank(&said.code) > 0)
}
