#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::canary::runs::Level;
use lienthong_contract::{ConsignmentId, DocId, Instant};

const MINUTE: i64 = 60_000;

fn sent(to: &str, at: i64, ended: Option<(i64, bool)>) -> Sent {
    Sent {
        doc_id: DocId::fresh(),
        consignment: ConsignmentId::fresh(),
        recipient: to.parse().unwrap(),
        sent_at: Instant::from_millis(at),
        ended: ended.map(|(at, handed_over)| (Instant::from_millis(at), handed_over)),
    }
}

#[test]
fn who_is_missed_is_who_got_nothing_in_time_last_time() {
    let (now, limit) = (Instant::from_millis(100 * MINUTE), 5 * MINUTE);
    let runs = Runs::default();
    runs.put(vec![
        // Well, and the next has just set out.
        sent("G01.99", 80 * MINUTE, Some((80 * MINUTE + 700, true))),
        sent("G01.99", 97 * MINUTE, None),
        // The one before did not arrive, and the next has just set out.
        sent("G02.99", 80 * MINUTE, Some((90 * MINUTE, false))),
        sent("G02.99", 97 * MINUTE, None),
        // Overdue.
        sent("G03.99", 70 * MINUTE, Some((70 * MINUTE + 700, true))),
        sent("G03.99", 90 * MINUTE, None),
        // Late, but it is there.
        sent("G04.99", 80 * MINUTE, Some((99 * MINUTE, true))),
        // The first of all.
        sent("G05.99", 99 * MINUTE, None),
    ]);
    let missing: Vec<_> =
        runs.missing(limit, now).into_iter().map(|(code, since)| (code.to_string(), since.as_millis())).collect();
    assert_eq!(missing, [("G02.99".to_owned(), 80 * MINUTE), ("G03.99".to_owned(), 90 * MINUTE)]);
    let under_way: Vec<String> = runs.under_way().iter().map(ToString::to_string).collect();
    assert_eq!(under_way, ["G01.99", "G02.99", "G03.99", "G05.99"]);
    let (_, third) = runs.since(Instant::from_millis(0)).swap_remove(2);
    runs.ended(third.last().unwrap().doc_id, now, true);
    assert_eq!(runs.missing(limit, now).len(), 1);
}

#[test]
fn a_level_counts_what_ended_and_what_is_overdue() {
    let now = Instant::from_millis(1_000_000);
    let trips = [100, 200, 300, 400, 900, 2_000];
    let mut runs: Vec<Sent> =
        trips.iter().enumerate().map(|(nr, trip)| sent("G01.99", nr as i64, Some((nr as i64 + trip, true)))).collect();
    runs.push(sent("G01.99", 10, Some((20, false))));
    runs.push(sent("G01.99", 10, None));
    // Not judged yet.
    runs.push(sent("G01.99", 999_500, None));
    let level = Level::of(&runs, 1_000, now);
    assert_eq!((level.judged, level.in_time, level.per_mille()), (8, 5, Some(625)));
    assert_eq!((level.median, level.p95, level.worst), (Some(300), Some(2_000), Some(2_000)));
    assert_eq!(Level::of(&[], 1_000, now).per_mille(), None);
}

#[test]
fn what_is_remembered_has_an_end() {
    let runs = Runs::default();
    runs.put((0..runs::MOST as i64).map(|at| sent("G01.99", at, Some((at + 1, true)))).collect());
    runs.add(sent("G02.99", 5, None));
    let all = runs.since(Instant::from_millis(0));
    assert_eq!(all.iter().map(|(_, runs)| runs.len()).sum::<usize>(), runs::MOST);
    assert_eq!(all[0].1[0].sent_at.as_millis(), 1);
}
