//! What came of packets that were handed in: counted since the start, for [`crate::metrics`].
//!
//! Invariants: the number of counts is bounded by the doors, the outcomes and the codes of `docs/errors.md`, whatever comes
//! from outside; nothing of a packet, its sender or its recipients is kept. Losing it at a restart costs nothing: counters
//! of Prometheus may begin anew.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use lienthong_contract::door::{Refusal, RefusalCause, Submission, Upload};
use tokio::time::Instant;

/// Whom packets come through: the doors for senders, test documents, systems outside.
pub const DOORS: [&str; 8] = ["native", "vxp", "lgsp", "bkav", "xroad", "canary", OUTLET, OTHER];
/// Packets that adapters bring in from systems outside.
pub const OUTLET: &str = "outlet";
/// What is of no known door or code.
pub const OTHER: &str = "other";
/// What becomes of a packet.
pub const OUTCOMES: [&str; 10] = [
    "accepted",
    "duplicate",
    "bad-packet",
    "forbidden",
    "conflict",
    "too-large",
    "incomplete",
    "unavailable",
    "not-found",
    "gone",
];
/// Upper bounds of the buckets, in microseconds: a group commit takes some milliseconds, a packet of 300 MB seconds.
pub const BOUNDS_MICROS: [u64; 10] =
    [5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 30_000_000];

/// What came through one door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Door {
    /// By outcome, in the order of [`OUTCOMES`].
    pub outcomes: [u64; OUTCOMES.len()],
    /// Bytes of packets accepted for the first time.
    pub bytes: u64,
    /// Answers "accepted" by the bucket they fall into; the last is of those beyond every bound.
    pub buckets: [u64; BOUNDS_MICROS.len() + 1],
    /// All their times together.
    pub micros: u64,
}

/// All counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// In the order of [`DOORS`].
    pub doors: [Door; DOORS.len()],
    /// Refused packets by the first code that refused them; those that happened, and [`OTHER`].
    pub refusals: BTreeMap<&'static str, u64>,
}

/// Counts what becomes of packets.
#[derive(Debug)]
pub struct Meter {
    counts: Mutex<Counts>,
    codes: BTreeMap<&'static str, &'static str>,
}

impl Default for Meter {
    fn default() -> Self {
        let kinds = crate::findings::rooms().into_iter().flat_map(|room| room.kinds.iter());
        let codes = kinds.map(|kind| (kind.code, kind.code)).collect();
        let counts = Counts { doors: Default::default(), refusals: BTreeMap::from([(OTHER, 0)]) };
        Self { counts: Mutex::new(counts), codes }
    }
}

/// What was seen of an upload while it came.
#[derive(Debug)]
pub struct Watched {
    begun: Instant,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    bytes: AtomicU64,
    /// When the last bytes came, since the beginning.
    micros: AtomicU64,
}

/// Watches an upload: how much comes, and when the last of it.
pub fn watch(upload: Upload) -> (Upload, Watched) {
    let (begun, seen) = (Instant::now(), Arc::new(Seen::default()));
    let watched = Watched { begun, seen: Arc::clone(&seen) };
    let upload = upload.inspect(move |chunk| {
        let length = chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
        seen.bytes.fetch_add(length, Ordering::Relaxed);
        seen.micros.store(micros(begun), Ordering::Relaxed);
    });
    (Box::pin(upload), watched)
}

impl Meter {
    /// Notes the answer to a packet that came through a door.
    pub fn note(&self, door: &str, watched: &Watched, answer: &Result<Submission, Refusal>) {
        let took = micros(watched.begun).saturating_sub(watched.seen.micros.load(Ordering::Relaxed));
        let bytes = watched.seen.bytes.load(Ordering::Relaxed);
        self.count(door, (took, bytes), answer);
    }

    fn count(&self, door: &str, (took, bytes): (u64, u64), answer: &Result<Submission, Refusal>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { doors, refusals } = &mut *counts;
        let at = DOORS.iter().position(|known| *known == door).unwrap_or(DOORS.len() - 1);
        let Some(of) = doors.get_mut(at) else { return };
        add(of.outcomes.get_mut(outcome(answer)), 1);
        match answer {
            Ok(submission) if !submission.duplicate => {
                add(Some(&mut of.bytes), bytes);
                add(Some(&mut of.micros), took);
                add(of.buckets.get_mut(BOUNDS_MICROS.partition_point(|bound| *bound < took)), 1);
            }
            Ok(_) => {}
            Err(refusal) => {
                let refused = |one: &&lienthong_contract::Finding| one.severity == lienthong_contract::Severity::Refuse;
                let first = refusal.findings.iter().find(refused).or(refusal.findings.first());
                let code = first.and_then(|one| self.codes.get(one.code.as_str())).copied().unwrap_or(OTHER);
                add(Some(refusals.entry(code).or_default()), 1);
            }
        }
    }

    /// What was counted until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Its place in [`OUTCOMES`].
const fn outcome(answer: &Result<Submission, Refusal>) -> usize {
    match answer {
        Ok(submission) => submission.duplicate as usize,
        Err(refusal) => match refusal.cause {
            RefusalCause::BadPacket => 2,
            RefusalCause::Forbidden => 3,
            RefusalCause::Conflict => 4,
            RefusalCause::TooLarge => 5,
            RefusalCause::Incomplete => 6,
            RefusalCause::Unavailable => 7,
            RefusalCause::NotFound => 8,
            RefusalCause::Gone => 9,
        },
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn add(to: Option<&mut u64>, more: u64) {
    if let Some(to) = to {
        *to = to.saturating_add(more);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use lienthong_contract::{Digest, Finding};

    use super::super::findings;
    use super::*;

    fn accepted(duplicate: bool) -> Result<Submission, Refusal> {
        Ok(Submission {
            doc_id: "01890000-0000-7000-8000-000000000000".parse().unwrap(),
            digest: Digest::of(b"packet"),
            receipt: String::new(),
            consignments: Vec::new(),
            findings: Vec::new(),
            duplicate,
        })
    }

    fn refused(cause: RefusalCause, finding: Option<Finding>) -> Result<Submission, Refusal> {
        Err(Refusal { cause, findings: finding.into_iter().collect(), receipt: None })
    }

    #[test]
    fn each_answer_is_counted_once_by_door_and_outcome_and_what_is_unknown_as_other() {
        let meter = Meter::default();
        meter.count("native", (5_000, 100), &accepted(false));
        meter.count("native", (5_001, 30), &accepted(false));
        meter.count("native", (60_000_000, 7), &accepted(false));
        meter.count("native", (1, 100), &accepted(true));
        let known = Finding::of(&findings::UNAVAILABLE);
        meter.count("vxp", (1, 9), &refused(RefusalCause::Unavailable, Some(known.clone())));
        let unknown = Finding { code: "H37.02 wrote this".to_owned(), ..known };
        meter.count("H37.02", (1, 9), &refused(RefusalCause::BadPacket, Some(unknown)));
        meter.count(OUTLET, (1, 9), &refused(RefusalCause::Gone, None));

        let Counts { doors, refusals } = meter.counts();
        let of = |name: &str| doors[DOORS.iter().position(|door| *door == name).unwrap()].clone();
        assert_eq!(of("native").outcomes, [3, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((of("native").bytes, of("native").micros), (137, 60_010_001));
        assert_eq!(of("native").buckets, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let one = |name: &str, what: &str| of(name).outcomes[OUTCOMES.iter().position(|one| *one == what).unwrap()];
        assert_eq!((one("vxp", "unavailable"), one(OTHER, "bad-packet"), one(OUTLET, "gone")), (1, 1, 1));
        assert_eq!(refusals, BTreeMap::from([(findings::UNAVAILABLE.code, 1), (OTHER, 2)]));
    }

    #[tokio::test]
    async fn bytes_are_counted_as_they_come_and_each_time_falls_into_one_bucket() {
        let chunks = [&b"abc"[..], b"de"].map(|chunk| Ok(bytes::Bytes::from_static(chunk)));
        let (mut upload, watched) = watch(Box::pin(futures_util::stream::iter(chunks)));
        let mut came = Vec::new();
        while let Some(chunk) = upload.next().await {
            came.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(came, b"abcde");
        let meter = Meter::default();
        meter.note("lgsp", &watched, &accepted(false));
        let lgsp = meter.counts().doors[2].clone();
        assert_eq!((lgsp.bytes, lgsp.buckets.iter().sum::<u64>()), (5, 1));
    }
}
