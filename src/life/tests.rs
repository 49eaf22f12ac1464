//! The table of states, and the faults that other systems are known for, each as a story.

#![allow(clippy::unwrap_used)]

use lienthong_contract::door::ConsignmentState as State;

use super::{Input, Outcome, Standing, in_custody, step};
use crate::receipts::Event;

const STATES: [State; 9] = [
    State::Offered,
    State::Queued,
    State::Relayed,
    State::Consigned,
    State::HandedOver,
    State::Refused,
    State::Rejected,
    State::Failed,
    State::Withdrawn,
];

pub(super) const EVENTS: [Event; 12] = [
    Event::SubmissionAcceptance,
    Event::SubmissionRejection,
    Event::RelayAcceptance,
    Event::RelayRejection,
    Event::RelayFailure,
    Event::ContentConsignment,
    Event::ContentConsignmentFailure,
    Event::ContentHandover,
    Event::ContentHandoverFailure,
    Event::ConsignmentRejection,
    Event::RelayToNonERDS,
    Event::ReceivedFromNonERDS,
];

fn all() -> impl Iterator<Item = (Standing, Input)> {
    let inputs = [Input::LetGo, Input::Withdrawn, Input::Overdue];
    let answers = [true, false].map(|taken| Input::Answered { taken });
    let inputs: Vec<Input> = inputs.into_iter().chain(answers).chain(EVENTS.map(Input::Said)).collect();
    let places = STATES.into_iter().flat_map(|state| [true, false].map(|ends_here| Standing { state, ends_here }));
    places.flat_map(move |at| inputs.clone().into_iter().map(move |input| (at, input)))
}

/// Follows inputs from a standing; whatever is not a move leaves it where it is.
fn told(mut at: Standing, inputs: &[Input]) -> (State, Vec<Event>) {
    let mut attested = Vec::new();
    for input in inputs {
        if let Outcome::Moves { to, attested: event } = step(at, *input) {
            at.state = to;
            attested.extend(event);
        }
    }
    (at.state, attested)
}

const FIRST: Standing = Standing { state: State::Queued, ends_here: false };
const LAST: Standing = Standing { state: State::Offered, ends_here: true };

#[test]
fn an_end_is_never_left_and_only_custody_makes_one() {
    for (at, input) in all() {
        let outcome = step(at, input);
        if at.state.is_terminal() {
            assert!(!matches!(outcome, Outcome::Moves { .. }), "{at:?} {input:?}");
            assert_eq!(outcome == Outcome::Late, matches!(input, Input::Said(_)), "{at:?} {input:?}");
        }
        if let Outcome::Moves { attested: Some(event), .. } = outcome
            && event.is_terminal()
        {
            assert!(in_custody(at), "{at:?} {input:?}");
        }
        if matches!(input, Input::Overdue) {
            assert_eq!(matches!(outcome, Outcome::Moves { .. }), in_custody(at), "{at:?}");
        }
    }
}

#[test]
fn a_late_receipt_after_the_failure_is_evidence_and_nothing_else() {
    let (state, attested) = told(FIRST, &[Input::Overdue, Input::Said(Event::RelayAcceptance)]);
    assert_eq!((state, attested), (State::Failed, vec![Event::RelayFailure]));
    let failed = Standing { state: State::Failed, ..FIRST };
    assert_eq!(step(failed, Input::Said(Event::ContentHandover)), Outcome::Late);
}

#[test]
fn after_a_receipt_the_deadline_makes_no_non_receipt() {
    let (state, attested) = told(FIRST, &[Input::Said(Event::RelayAcceptance), Input::Overdue]);
    assert_eq!((state, attested), (State::Relayed, vec![]));
    let (state, attested) = told(LAST, &[Input::LetGo, Input::Answered { taken: true }, Input::Overdue]);
    assert_eq!((state, attested), (State::HandedOver, vec![Event::ContentConsignment, Event::ContentHandover]));
}

#[test]
fn what_failed_is_not_handed_over_afterwards() {
    let (state, attested) = told(LAST, &[Input::LetGo, Input::Overdue, Input::Answered { taken: true }]);
    assert_eq!((state, attested), (State::Failed, vec![Event::ContentConsignment, Event::ContentHandoverFailure]));
    let withdrawn = told(LAST, &[Input::Withdrawn, Input::LetGo, Input::Answered { taken: true }]);
    assert_eq!(withdrawn, (State::Withdrawn, vec![]));
}

#[test]
fn nothing_lies_in_a_mailbox_before_its_acceptance_was_stored() {
    let (state, attested) = told(LAST, &[Input::Answered { taken: true }, Input::Overdue]);
    assert_eq!((state, attested), (State::Offered, vec![]));
}
