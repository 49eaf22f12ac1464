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
//! ```
//!
//! **Custody passes in three steps.** The next hop stores the packet and says RelayAcceptance, but only *waits* with it
//! ([`Offered`](ConsignmentState::Offered)). The hop before stores that receipt: at this moment, in that hop's store,
//! custody passes. Its confirmation lets the next hop go on. So one store decides between "relayed" and "failed at the
//! deadline", whatever is lost or late on the way and whatever the clocks say: both cannot become true.
//!
//! Invariants: a state that [is an end](ConsignmentState::is_terminal) is never left; a hop makes a terminal receipt
//! only for what it holds; nothing that [`step`] refuses changes anything. What comes after the end is evidence: it is
//! kept and shown, and moves nothing.

use lienthong_contract::door::ConsignmentState;

use crate::receipts::Event;

/// Where a consignment stands at one hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Standing {
    pub state: ConsignmentState,
    /// Its way ends here, in a mailbox; otherwise a next hop is due to get it, or has got it.
    pub ends_here: bool,
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
    /// The recipient takes it, or gives it back.
    Answered { taken: bool },
    /// Its time is over.
    Overdue,
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
    let (to, attested) = match (at.state, input) {
        (State::Offered, Input::LetGo) if at.ends_here => (State::Consigned, Some(Event::ContentConsignment)),
        (State::Offered, Input::LetGo) => (State::Queued, None),
        (State::Offered, Input::Withdrawn) => (State::Withdrawn, None),
        (State::Queued, Input::Said(Event::RelayAcceptance)) => (State::Relayed, None),
        (State::Queued, Input::Said(Event::RelayRejection)) => (State::Rejected, None),
        (State::Queued, Input::Overdue) => (State::Failed, Some(Event::RelayFailure)),
        // A hop further on; the next one's acceptance was the first.
        (State::Relayed, Input::Said(Event::RelayAcceptance)) => (State::Relayed, None),
        (State::Relayed, Input::Said(Event::RelayRejection)) => (State::Rejected, None),
        (State::Relayed, Input::Said(Event::RelayFailure | Event::ContentConsignmentFailure)) => (State::Failed, None),
        (State::Relayed, Input::Said(Event::ContentConsignment)) => (State::Consigned, None),
        (State::Consigned, Input::Said(event)) if !at.ends_here => match event {
            Event::ContentHandover => (State::HandedOver, None),
            Event::ConsignmentRejection => (State::Refused, None),
            Event::ContentHandoverFailure => (State::Failed, None),
            _ => return Outcome::Stays,
        },
        (State::Consigned, Input::Answered { taken: true }) if at.ends_here => {
            (State::HandedOver, Some(Event::ContentHandover))
        }
        (State::Consigned, Input::Answered { taken: false }) if at.ends_here => {
            (State::Refused, Some(Event::ConsignmentRejection))
        }
        (State::Consigned, Input::Overdue) if at.ends_here => (State::Failed, Some(Event::ContentHandoverFailure)),
        (state, Input::Said(_)) if state.is_terminal() => return Outcome::Late,
        _ => return Outcome::Stays,
    };
    Outcome::Moves { to, attested }
}

/// True while this hop answers for it: nobody else will end it.
#[must_use]
pub const fn in_custody(at: Standing) -> bool {
    match at.state {
        ConsignmentState::Queued => true,
        ConsignmentState::Consigned => at.ends_here,
        _ => false,
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
