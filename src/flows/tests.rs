//! The story of a consignment, whatever order its words come in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lienthong_contract::door::RecallState;
use lienthong_contract::{DocId, Instant};

use super::{Event, Said, Story};

fn said(code: &str, minute: i64) -> Said {
    Said {
        code: code.to_owned(),
        description: None,
        time: (minute >= 0).then(|| Instant::from_millis(minute * 60_000)),
        received_at: Instant::from_millis(1_000 * 60_000),
        doc_id: DocId::fresh(),
    }
}

fn recipient(code: &str, minute: i64) -> Event {
    Event::Recipient(said(code, minute))
}

fn asks(minute: i64) -> Event {
    Event::Sender(said("13", minute))
}

fn current(events: &[Event]) -> Option<String> {
    let story = Story::of(events);
    story.current.map(|at| story.words[at].0.code.clone())
}

fn recall(events: &[Event]) -> Option<RecallState> {
    Story::of(events).recall.map(|recall| recall.state)
}

#[test]
fn the_current_word_is_the_latest_one_in_whatever_order_they_come() {
    let words = [recipient("01", 1), recipient("03", 2), recipient("04", 3), recipient("06", 9)];
    for turn in 0..words.len() {
        let mut words = words.to_vec();
        words.rotate_left(turn);
        assert_eq!(current(&words).as_deref(), Some("06"));
        let codes: Vec<String> = Story::of(&words).words.into_iter().map(|(said, _)| said.code).collect();
        assert_eq!(codes, ["01", "03", "04", "06"]);
    }
    // Taken up again after it was completed.
    assert_eq!(current(&[recipient("06", 5), recipient("05", 6)]).as_deref(), Some("05"));
    // Said in the same second: the one further along; a refusal stands above all.
    assert_eq!(current(&[recipient("05", 5), recipient("03", 5)]).as_deref(), Some("05"));
    assert_eq!(current(&[recipient("02", 5), recipient("06", 5)]).as_deref(), Some("02"));
    // A code of no list, and the word of no time of its own.
    assert_eq!(current(&[recipient("07", 5)]), None);
    assert_eq!(current(&[recipient("03", 5), recipient("04", -1)]).as_deref(), Some("04"));
}

#[test]
fn the_same_word_twice_changes_nothing() {
    let once = Story::of(&[recipient("03", 2)]);
    let twice = Story::of(&[recipient("03", 2), recipient("03", 2)]);
    assert_eq!((twice.words.len(), once.current), (1, twice.current));
    assert_eq!(Story::of(&[recipient("03", 2), recipient("03", 3)]).words.len(), 2, "said again later");
}

#[test]
fn taking_back_is_asked_answered_and_asked_again() {
    assert_eq!(recall(&[recipient("15", 1)]), None, "nobody asked");
    assert_eq!(recall(&[recipient("13", 1), recipient("15", 2)]), None, "not the recipient's word");
    assert_eq!(recall(&[asks(1)]), Some(RecallState::Asked));
    assert_eq!(recall(&[asks(1), recipient("15", 2)]), Some(RecallState::Agreed));
    assert_eq!(recall(&[asks(1), recipient("16", 2)]), Some(RecallState::Refused));
    assert_eq!(recall(&[asks(1), recipient("16", 2), asks(3)]), Some(RecallState::Asked));
    assert_eq!(recall(&[asks(1), recipient("16", 2), recipient("15", 3)]), Some(RecallState::Agreed));
    let gone = [asks(1), recipient("15", 2), recipient("16", 3), asks(4), recipient("16", 5)];
    assert_eq!(recall(&gone), Some(RecallState::Agreed), "what is given back is gone");
    assert_eq!(recall(&[Event::Unheard(said("13", 1)), recipient("15", 2)]), None, "the request did not arrive");
}

#[test]
fn an_agreement_after_an_update_answers_the_request_only_while_that_is_open() {
    assert_eq!(recall(&[asks(1), Event::Changed, recipient("15", 2)]), Some(RecallState::Agreed));
    let later = [asks(1), recipient("16", 2), Event::Changed, recipient("15", 3)];
    assert_eq!(recall(&later), Some(RecallState::Refused));
}

#[test]
fn what_is_given_back_is_its_last_word() {
    let events = [asks(1), recipient("15", 2), recipient("06", 3)];
    assert_eq!(current(&events).as_deref(), Some("15"));
    assert_eq!(current(&[recipient("03", 1), asks(2), recipient("16", 3)]).as_deref(), Some("03"));
}
