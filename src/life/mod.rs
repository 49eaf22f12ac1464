//! The life of a consignment at one hop: which states there are, what moves it from one to the next, and which receipt
//! this hop makes then. One function, [`step`]; whoever changes a consignment's state asks it.
//!
//! ```text
//!                    the hop before let go
//!  (later hop) Offered ───────────────────┬──────────────► Queued ◄──── submission (first hop)
//!                 │                       │                  │
//!   the hop before│gave up                │(our mailbox)     ├─ next hop: RelayAcceptance ──► Relayed ─┐
//!                 ▼                       ▼                  ├─ next hop: RelayRejection ───► Rejected │ what later
//!             Withdrawn               Consigned              └─ deadline: RelayFailure ─────► Failed   │ hops say:
//!                                         │                                                           │ Consigned,
//!                                         ├─ recipient: ContentHandover ──────► HandedOver ◄───────────┤ then one of
//!                                         ├─ recipient: ConsignmentRejection ─► Refused    ◄───────────┤ the ends
//!                                         └─ deadline: ContentHandoverFailure ► Failed     ◄───────────┘
//!
//!  an outlet:  Queued ─┬─ taken, nothing more will be known: RelayToNonERDS ─► PassedOutside
//!                      ├─ taken, and it reports: RelayToNonERDS ─► Outside ─┬─ received: ContentHandover ──────► HandedOver
//!                      ├─ refused: RelayToNonERDSFailure ► Failed           ├─ refused: ConsignmentRejection ──► Refused
//!                      └─ deadline: RelayToNonERDSFailure ► Failed          └─ else, or deadline:
//!                                                                              ContentHandoverFailure ► Failed
//! ```
//!
//! **Custody passes in three steps.** The next hop stores the packet and says RelayAcceptance, but only *waits* with it
//! ([`Offered`](ConsignmentState::Offered)). The hop before stores that receipt: at this moment, in that hop's store,
//! custody passes. Its confirmation lets the next hop go on. So one store decides between "relayed" and "failed at the
//! deadline", whatever is lost or late on the way and whatever the clocks say: both cannot become true.
//!
//! **An outlet** leads to a system outside this network, which signs nothing. That it took the document is known by its
//! answer alone: an answer that is lost is no answer, and the document stays queued. What it reports later is its word, and
//! the receipt says so; where it reports nothing, RelayToNonERDS is the end.
//!
//! Invariants: a state that [is an end](ConsignmentState::is_terminal) is never left; a hop makes a terminal receipt
//! only for what it holds; nothing that [`step`] refuses changes anything. What comes after the end is evidence: it is
//! kept and shown, and moves nothing.

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::outlet::News;

use crate::receipts::{Event, Receipt};

/// Where it goes from a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// It ends here, in a mailbox.
    Mailbox,
    /// To a next hop.
    Link,
    /// Out of the network, to a system that gives no receipts.
    Outlet,
}

/// Where a consignment stands at one hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Standing {
    pub state: ConsignmentState,
    pub way: Way,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// The hop before has our RelayAcceptance on disk.
    LetGo,
    /// The hop before says RelayFailure: it has given up before it let go.
    Withdrawn,
    /// The next receipt of its chain, from a later hop.
    Said(Event),
    /// The same, where it is RelayToNonERDS: the system outside reports what becomes of it, or does not.
    SaidToHaveLeft { follows: bool },
    /// The recipient takes it, or gives it back.
    Answered { taken: bool },
    /// The system outside has it, by its own answer.
    Taken { follows: bool },
    /// The system outside will not have it, by its own answer.
    TurnedAway,
    /// The system outside tells what became of it.
    Reported(News),
    /// Its time is over.
    Overdue,
}

impl Input {
    /// What this receipt of a later hop says.
    #[must_use]
    pub fn said(receipt: &Receipt) -> Self {
        match receipt.event {
            Event::RelayToNonERDS => Self::SaidToHaveLeft { follows: !receipt.is_terminal() },
            event => Self::Said(event),
        }
    }
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It stands in this state now, and this hop attests the event.
    Moves { to: ConsignmentState, attested: Option<Event> },
    /// It had ended: what was said is kept beside the chain and changes nothing.
    Late,
    /// That cannot happen now, or need not.
    Stays,
}

/// The one table of states.
#[must_use]
pub const fn step(at: Standing, input: Input) -> Outcome {
    use ConsignmentState as State;
    let (to, attested) = match (at.state, at.way, input) {
        (State::Offered, Way::Mailbox, Input::LetGo) => (State::Consigned, Some(Event::ContentConsignment)),
        (State::Offered, _, Input::LetGo) => (State::Queued, None),
        (State::Offered, _, Input::Withdrawn) => (State::Withdrawn, None),
        (State::Queued, Way::Outlet, Input::Taken { follows }) => {
            (if follows { State::Outside } else { State::PassedOutside }, Some(Event::RelayToNonERDS))
        }
        (State::Queued, Way::Outlet, Input::TurnedAway | Input::Overdue) => {
            (State::Failed, Some(Event::RelayToNonERDSFailure))
        }
        (State::Queued, Way::Outlet, _) => return Outcome::Stays,
        (State::Queued, _, Input::Said(Event::RelayAcceptance)) => (State::Relayed, None),
        (State::Queued, _, Input::Said(Event::RelayRejection)) => (State::Rejected, None),
        (State::Queued, _, Input::Overdue) => (State::Failed, Some(Event::RelayFailure)),
        // A hop further on; the next one's acceptance was the first.
        (State::Relayed, _, Input::Said(Event::RelayAcceptance)) => (State::Relayed, None),
        (State::Relayed, _, Input::Said(Event::RelayRejection)) => (State::Rejected, None),
        (
            State::Relayed,
            _,
            Input::Said(Event::RelayFailure | Event::RelayToNonERDSFailure | Event::ContentConsignmentFailure),
        ) => (State::Failed, None),
        (State::Relayed, _, Input::Said(Event::ContentConsignment)) => (State::Consigned, None),
        (State::Relayed, _, Input::SaidToHaveLeft { follows: true }) => (State::Outside, None),
        (State::Relayed, _, Input::SaidToHaveLeft { follows: false }) => (State::PassedOutside, None),
        (State::Consigned, Way::Link, Input::Said(event)) | (State::Outside, Way::Link, Input::Said(event)) => {
            match event {
                Event::ContentHandover => (State::HandedOver, None),
                Event::ConsignmentRejection => (State::Refused, None),
                Event::ContentHandoverFailure => (State::Failed, None),
                _ => return Outcome::Stays,
            }
        }
        (State::Consigned, Way::Mailbox, Input::Answered { taken: true })
        | (State::Outside, Way::Outlet, Input::Reported(News::Received)) => {
            (State::HandedOver, Some(Event::ContentHandover))
        }
        (State::Consigned, Way::Mailbox, Input::Answered { taken: false })
        | (State::Outside, Way::Outlet, Input::Reported(News::Refused)) => {
            (State::Refused, Some(Event::ConsignmentRejection))
        }
        (State::Consigned, Way::Mailbox, Input::Overdue)
        | (State::Outside, Way::Outlet, Input::Reported(News::Undeliverable) | Input::Overdue) => {
            (State::Failed, Some(Event::ContentHandoverFailure))
        }
        (state, _, Input::Said(_) | Input::SaidToHaveLeft { .. }) if state.is_terminal() => return Outcome::Late,
        _ => return Outcome::Stays,
    };
    Outcome::Moves { to, attested }
}

/// True while this hop answers for it: nobody else will end it.
#[must_use]
pub const fn in_custody(at: Standing) -> bool {
    match at.state {
        ConsignmentState::Queued => true,
        ConsignmentState::Consigned => matches!(at.way, Way::Mailbox),
        ConsignmentState::Outside => matches!(at.way, Way::Outlet),
        _ => false,
    }
}

/// True while somebody's word that the recipient has it ends it here: it lies where only the recipient is waited for.
#[must_use]
pub const fn may_be_confirmed(at: Standing) -> bool {
    in_custody(at) && !matches!(at.state, ConsignmentState::Queued)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
