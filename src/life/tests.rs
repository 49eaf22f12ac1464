//! The table of states, and the faults that other systems are known for, each as a story.

#![allow(clippy::unwrap_used)]

use lienthong_contract::door::ConsignmentState as State;

use lienthong_contract::outlet::News;

use super::{Input, Outcome, Standing, Way, in_custody, step};
use crate::receipts::Event;

const STATES: [State; 11] = [
    State::Offered,
    State::Queued,
    State::Relayed,
    State::Consigned,
    State::HandedOver,
    State::Refused,
    State::Rejected,
    State::Failed,
    State::Withdrawn,
    State::Outside,
    State::PassedOutside,
];

pub(super) const EVENTS: [Event; 13] = [
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
    Event::RelayToNonERDSFailure,
];

fn all() -> impl Iterator<Item = (Standing, Input)> {
    let inputs = [Input::LetGo, Input::Withdrawn, Input::Overdue];
    let answers = [true, false].map(|taken| Input::Answered { taken });
    let outside = [true, false].map(|follows| [Input::Taken { follows }, Input::SaidToHaveLeft { follows }]);
    let reports = [News::Received, News::Refused, News::Undeliverable].map(Input::Reported);
    let inputs: Vec<Input> = (inputs.into_iter().chain(answers).chain(EVENTS.map(Input::Said)))
        .chain(outside.into_iter().flatten())
        .chain(reports)
        .chain([Input::TurnedAway])
        .collect();
    let ways = [Way::Mailbox, Way::Link, Way::Outlet];
    let places = STATES.into_iter().flat_map(move |state| ways.map(|way| Standing { state, way }));
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

const FIRST: Standing = Standing { state: State::Queued, way: Way::Link };
const LAST: Standing = Standing { state: State::Offered, way: Way::Mailbox };

#[test]
fn an_end_is_never_left_and_only_custody_makes_one() {
    for (at, input) in all() {
        let outcome = step(at, input);
        if at.state.is_terminal() {
            assert!(!matches!(outcome, Outcome::Moves { .. }), "{at:?} {input:?}");
            let said = matches!(input, Input::Said(_) | Input::SaidToHaveLeft { .. });
            assert_eq!(outcome == Outcome::Late, said, "{at:?} {input:?}");
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

const OUT: Standing = Standing { state: State::Queued, way: Way::Outlet };

#[test]
fn what_left_is_never_called_handed_over_unless_the_system_outside_says_so() {
    let taken = |follows| Input::Taken { follows };
    assert_eq!(told(OUT, &[taken(false), Input::Overdue]), (State::PassedOutside, vec![Event::RelayToNonERDS]));
    let (state, attested) = told(OUT, &[taken(true), Input::Overdue]);
    assert_eq!((state, attested), (State::Failed, vec![Event::RelayToNonERDS, Event::ContentHandoverFailure]));
    for (news, state, event) in [
        (News::Received, State::HandedOver, Event::ContentHandover),
        (News::Refused, State::Refused, Event::ConsignmentRejection),
        (News::Undeliverable, State::Failed, Event::ContentHandoverFailure),
    ] {
        let told_at = told(OUT, &[Input::Reported(news), taken(true), Input::Reported(news), Input::Overdue]);
        assert_eq!(told_at, (state, vec![Event::RelayToNonERDS, event]));
        // The hops before hear the same, in the same order.
        let before = Standing { state: State::Relayed, way: Way::Link };
        assert_eq!(told(before, &[Input::SaidToHaveLeft { follows: true }, Input::Said(event)]), (state, vec![]));
    }
}

#[test]
fn only_the_answer_of_the_system_outside_tells_that_it_was_taken_or_refused() {
    assert_eq!(told(OUT, &[Input::TurnedAway, Input::Taken { follows: false }]).0, State::Failed);
    assert_eq!(told(OUT, &[Input::Overdue, Input::Taken { follows: false }]).0, State::Failed);
    // No neighbour has a say in it, and nothing leaves where there is no outlet.
    for event in EVENTS {
        assert_eq!(step(OUT, Input::Said(event)), Outcome::Stays);
    }
    assert_eq!(step(FIRST, Input::Taken { follows: false }), Outcome::Stays);
    assert_eq!(step(FIRST, Input::TurnedAway), Outcome::Stays);
}
