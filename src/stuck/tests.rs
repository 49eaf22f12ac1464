#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::delivery::LaneState;

#[test]
fn what_an_error_says_is_the_cause() {
    for (error, cause) in [
        ("connection refused (os error 111)", Cause::EndpointDown),
        ("no answer in time", Cause::EndpointDown),
        ("invalid peer certificate: Expired", Cause::CertificateExpired),
        ("invalid peer certificate: UnknownIssuer", Cause::CertificateExpired),
        ("invalid peer certificate: NotValidYet", Cause::ClockOrRevocation),
        ("invalid peer certificate: UnknownRevocationStatus", Cause::ClockOrRevocation),
        ("ACCESS_REFUSED - access to queue refused", Cause::CredentialsRefused),
        ("HTTP 401", Cause::CredentialsRefused),
        ("15 Sai systemid", Cause::CredentialsRefused),
        ("no [[outlet.system]] speaks for H37.91", Cause::CredentialsRefused),
        ("H37.02: Server.ClientProxy.UnknownMember no", Cause::RecipientUnknown),
        ("the broker is blocked: low on disk", Cause::Quota),
        ("the broker nacked it", Cause::Quota),
    ] {
        assert_eq!(Cause::of_trouble(error), cause, "{error}");
    }
}

#[test]
fn a_destination_that_takes_what_comes_has_no_cause() {
    let mut state = DestinationState::default();
    assert_eq!(Cause::of_destination(&state, None), None);
    state.normal = LaneState { under_way: 0, failures: 2 };
    state.last_error = Some("connection refused".to_owned());
    assert_eq!(Cause::of_destination(&state, None), Some(Cause::EndpointDown));
    let blocked = LinkTrouble { connected: true, blocked: true, error: None };
    assert_eq!(Cause::of_destination(&state, Some(&blocked)), Some(Cause::Quota));
    state.closed = true;
    assert_eq!(Cause::of_destination(&state, Some(&blocked)), Some(Cause::ClosedByHand));
}

#[test]
fn a_dead_destination_is_one_line_however_much_waits() {
    let place = |name: &str, count, since| Place {
        at: At::Destination(name.parse().unwrap()),
        count,
        since: Some(Instant::from_millis(since)),
        error: None,
    };
    let groups = Group::of_places(
        vec![(Cause::EndpointDown, place("nation", 100_000, 5)), (Cause::EndpointDown, place("province-b", 1, 3))],
        vec![(Cause::NotCollected, 7, None), (Cause::Schema, 0, None)],
    );
    let told: Vec<_> = groups.iter().map(|group| (group.cause, group.count, group.places.len())).collect();
    assert_eq!(told, [(Cause::EndpointDown, 100_001, 2), (Cause::NotCollected, 7, 0)]);
    assert_eq!(groups[0].since, Some(Instant::from_millis(3)));
}

#[test]
fn each_cause_has_a_word_of_its_own_and_all_its_words() {
    assert_eq!(Cause::ALL.len(), 10);
    for cause in Cause::ALL {
        assert_eq!(Cause::parse(cause.as_str()), Some(*cause));
        for text in [cause.title(), cause.owner(), cause.next()] {
            assert!(!text.vi.is_empty() && !text.en.is_empty());
        }
    }
}
