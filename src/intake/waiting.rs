//! Packets that came before the document they speak of: a revocation, update or replacement that overtook it.
//!
//! The recipient's hop does not answer such a consignment for a while. Nothing of it is stored; it stays in the custody of
//! the hop before, which sends it again, and each time it is judged anew: once the document is here, even if only
//! offered, it is taken and tied to it by name. When the time is over it is refused, as never got.
//!
//! Bounded three ways: [`LONGEST`] since it was handed in; half of the time until it expires, so that the refusal comes
//! before the hop before gives up; and [`MOST`] at once, since each takes a place in the window of the hop before, of
//! one sender [`MOST_OF_ONE`].
//! After a crash who waits is forgotten, and waits again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lienthong_contract::{AgencyCode, ConsignmentId, Instant};

/// The most consignments that wait at once; what comes then is refused at once.
const MOST: usize = 64;
/// The most of one sender, so that nobody takes the places of all.
const MOST_OF_ONE: usize = 4;
/// The longest time since it was handed in.
const LONGEST: i64 = 2 * 3_600_000;
/// How far the clock of the hop that took it in may be ahead.
const SKEW: i64 = 10 * 60_000;

/// Who waits, and until when.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<HashMap<ConsignmentId, (AgencyCode, Instant)>>);

impl Waiting {
    /// True when a consignment that was handed in then may wait for the document that it speaks of.
    pub fn may_wait(
        &self,
        (id, sender): (ConsignmentId, &AgencyCode),
        handed_in: Instant,
        expires: Option<Instant>,
        now: Instant,
    ) -> bool {
        let given = expires.map_or(LONGEST, |expires| expires.as_millis().saturating_sub(handed_in.as_millis()) / 2);
        let until = handed_in.plus_millis(given.clamp(0, LONGEST));
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (_, until)| *until > now);
        let of_one = waiting.values().filter(|(other, _)| other == sender).count();
        let full = waiting.len() >= MOST || of_one >= MOST_OF_ONE;
        // By a clock that is far ahead of ours it would wait for longer than anybody meant.
        if until <= now || handed_in > now.plus_millis(SKEW) || (full && !waiting.contains_key(&id)) {
            return false;
        }
        waiting.insert(id, (sender.clone(), until));
        true
    }

    /// It has its answer.
    pub fn done(&self, id: ConsignmentId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hour: i64) -> Instant {
        Instant::from_millis(1_790_000_000_000 + hour * HOUR)
    }

    #[test]
    fn it_waits_two_hours_or_half_of_its_time_and_no_longer() {
        let (waiting, id) = (Waiting::default(), ConsignmentId::fresh());
        for (expires, hours) in [(None, 2), (Some(at(48)), 2), (Some(at(2)), 1), (Some(at(-1)), 0)] {
            for hour in 0..5 {
                assert_eq!(
                    waiting.may_wait((id, &sender(0)), at(0), expires, at(hour)),
                    hour < hours,
                    "{expires:?} {hour}"
                );
            }
        }
        assert!(
            waiting.may_wait((id, &sender(0)), at(0).plus_millis(SKEW), None, at(0)),
            "by a clock that is a little ahead"
        );
        assert!(!waiting.may_wait((id, &sender(0)), at(5), None, at(0)), "handed in in the future");
    }

    fn sender(number: usize) -> AgencyCode {
        format!("H{:02}.01", number + 1).parse().unwrap()
    }

    #[test]
    fn one_sender_takes_a_few_places_and_leaves_the_others() {
        let (waiting, one, other) = (Waiting::default(), sender(0), sender(1));
        for _ in 0..MOST_OF_ONE {
            assert!(waiting.may_wait((ConsignmentId::fresh(), &one), at(0), None, at(1)));
        }
        assert!(!waiting.may_wait((ConsignmentId::fresh(), &one), at(0), None, at(1)));
        assert!(waiting.may_wait((ConsignmentId::fresh(), &other), at(0), None, at(1)));
    }

    #[test]
    fn so_many_wait_at_once_and_the_next_when_one_is_done() {
        let waiting = Waiting::default();
        let first = ConsignmentId::fresh();
        let ids = std::iter::once(first).chain((1..MOST).map(|_| ConsignmentId::fresh()));
        for (number, id) in ids.enumerate() {
            assert!(waiting.may_wait((id, &sender(number / MOST_OF_ONE)), at(0), None, at(1)));
        }
        let next = ConsignmentId::fresh();
        assert!(
            !waiting.may_wait((next, &sender(99)), at(0), None, at(1))
                && waiting.may_wait((first, &sender(0)), at(0), None, at(1))
        );
        waiting.done(first);
        assert!(
            waiting.may_wait((next, &sender(99)), at(0), None, at(1))
                && !waiting.may_wait((first, &sender(0)), at(0), None, at(1))
        );
        // Those whose time is over take no place.
        assert!(waiting.may_wait((first, &sender(0)), at(2), None, at(3)));
    }
}
