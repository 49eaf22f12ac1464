//! Small packets to one queue share a message while the broker is busy with the one before.
//!
//! What a message costs the broker hardly depends on its length while it is short: each is an entry of the queue's
//! log, a confirm, a delivery and an acknowledgement. So one message a queue is under way; what is handed in meanwhile
//! waits and goes together when that one is confirmed, or as soon as there is enough for a full pack. Nothing waits
//! for a clock, and nothing waits while the queue is idle.
//!
//! Invariant: packets wait only behind a message whose outcome will be told, and no longer than a confirm may take; the
//! outcome of a pack is that of each packet in it. A packet that is sent again, or is urgent, shares no message.

use std::collections::{HashMap, VecDeque};

use std::time::Duration;

use lapin::types::ShortString;
use tokio::time::Instant;

use super::publish::{Fate, Job};
use super::wire;

/// The longest body that shares a message.
pub(super) const PACKABLE_BYTES: usize = 32 << 10;
/// A pack has room for so many bytes of bodies.
const PACK_BYTES: usize = 256 << 10;

/// One message for the broker.
#[derive(Debug)]
pub(super) struct Message {
    pub queue: ShortString,
    pub body: Vec<u8>,
    pub properties: lapin::BasicProperties,
    pub fates: Vec<Fate>,
    /// Others wait for its outcome.
    pub awaited: bool,
}

impl Message {
    /// A job by itself.
    pub(super) fn of(job: Job) -> Self {
        let Job { queue, body, properties, fate, .. } = job;
        Self { queue, body, properties, fates: vec![fate], awaited: false }
    }
}

/// What waits, by queue. There are as many queues as neighbours.
#[derive(Debug)]
pub(super) struct Packs {
    queues: HashMap<ShortString, Waiting>,
    most_bytes: usize,
    /// After so long the message before is no longer waited for.
    patience: Duration,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    under_way: usize,
    /// When the last one left.
    left_at: Option<Instant>,
}

impl Packs {
    /// `largest`: bytes of the largest content that the link puts into one message.
    pub(super) fn new(largest: usize, patience: Duration) -> Self {
        Self { queues: HashMap::new(), most_bytes: PACK_BYTES.min(largest), patience }
    }

    pub(super) fn wait(&mut self, job: Job) {
        let waiting = self.queues.entry(job.queue.clone()).or_default();
        waiting.bytes += job.body.len();
        waiting.jobs.push_back(job);
    }

    /// An awaited message of this queue has its outcome.
    pub(super) fn landed(&mut self, queue: &ShortString) {
        if let Some(waiting) = self.queues.get_mut(queue) {
            waiting.under_way = waiting.under_way.saturating_sub(1);
        }
    }

    /// What goes now.
    pub(super) fn ready(&mut self, now: Instant) -> Vec<Message> {
        let mut ready = Vec::new();
        for waiting in self.queues.values_mut() {
            while waiting.is_free(now, self.patience)
                || waiting.bytes >= self.most_bytes
                || waiting.jobs.len() >= wire::MAX_PACKED
            {
                let Some(message) = waiting.next(self.most_bytes, now) else { break };
                ready.push(message);
            }
        }
        ready
    }
}

impl Waiting {
    fn is_free(&self, now: Instant, patience: Duration) -> bool {
        self.under_way == 0 || self.left_at.is_none_or(|left| now.duration_since(left) >= patience)
    }

    fn next(&mut self, most_bytes: usize, now: Instant) -> Option<Message> {
        let (mut jobs, mut bytes) = (Vec::new(), 0);
        while let Some(job) = self.jobs.front()
            && jobs.len() < wire::MAX_PACKED
            && (jobs.is_empty() || bytes + job.body.len() <= most_bytes)
        {
            let Some(job) = self.jobs.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(job.body.len());
            // Its caller has given up, and will send it again.
            if !job.fate.is_forsaken() {
                bytes += job.body.len();
                jobs.push(job);
            }
        }
        if jobs.is_empty() {
            return None;
        }
        self.under_way += 1;
        self.left_at = Some(now);
        Some(together(jobs, bytes))
    }
}

/// The jobs are for one queue.
fn together(mut jobs: Vec<Job>, bytes: usize) -> Message {
    if jobs.len() == 1
        && let Some(job) = jobs.pop()
    {
        return Message { awaited: true, ..Message::of(job) };
    }
    let mut body = Vec::with_capacity(bytes + jobs.len() * wire::PREFIX);
    let mut fates = Vec::with_capacity(jobs.len());
    let (mut queue, mut properties) = (ShortString::default(), lapin::BasicProperties::default());
    let mut traces = Vec::with_capacity(jobs.len());
    for job in jobs {
        traces.push(wire::trace(&job.properties));
        wire::append(&mut body, &job.body);
        fates.push(job.fate);
        (queue, properties) = (job.queue, job.properties);
    }
    let properties = wire::traced_together(properties.with_type(wire::PACK.into()), &traces);
    Message { queue, body, properties, fates, awaited: true }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn packs() -> Packs {
        Packs::new(512 << 10, PATIENCE)
    }

    /// The outcomes are kept: a job whose caller is gone would not be sent.
    #[derive(Default)]
    struct Callers(Vec<super::super::publish::Outcome>);

    impl Callers {
        fn job(&mut self, queue: &str, body: &[u8]) -> Job {
            let properties = wire::properties(wire::PACKET, &"h27".parse().unwrap());
            let (job, outcome) = Job::shared(queue, body.to_vec(), properties);
            self.0.push(outcome);
            job
        }
    }

    fn packed(message: &Message) -> usize {
        message.fates.len()
    }

    #[test]
    fn the_first_goes_at_once_and_what_waits_behind_it_goes_together() {
        let (mut packs, mut callers, now) = (packs(), Callers::default(), Instant::now());
        packs.wait(callers.job("a", b"1"));
        let first = packs.ready(now);
        assert_eq!(first.iter().map(packed).collect::<Vec<_>>(), [1]);
        assert_eq!(wire::kind_of(&first[0].properties), wire::PACKET);
        assert_eq!(first[0].body, b"1");
        for body in [b"2", b"3", b"4"] {
            packs.wait(callers.job("a", body));
        }
        packs.wait(callers.job("b", b"5"));
        let other = packs.ready(now);
        assert_eq!((other.len(), other[0].queue.as_str()), (1, "b"), "a queue waits for itself only");
        packs.landed(&first[0].queue);
        let together = packs.ready(now);
        assert_eq!((together.len(), packed(&together[0])), (1, 3));
        assert_eq!(wire::kind_of(&together[0].properties), wire::PACK);
        let parts = wire::unpack(together[0].body.clone()).unwrap();
        assert_eq!(parts, [&b"2"[..], b"3", b"4"]);
        packs.landed(&first[0].queue);
        assert!(packs.ready(now).is_empty(), "nothing waits");
    }

    #[test]
    fn each_packet_of_a_pack_keeps_its_place_in_its_trace() {
        let (mut packs, mut callers, now) = (packs(), Callers::default(), Instant::now());
        let trace =
            |n: u8| format!("00-{}-{}-01", format!("{n:02x}").repeat(16), format!("{n:02x}").repeat(8)).parse().ok();
        let places = [None, trace(1), None, trace(2)];
        for (body, place) in [b"0", b"1", b"2", b"3"].into_iter().zip(places) {
            let mut job = callers.job("a", body);
            job.properties = wire::traced(job.properties, place);
            packs.wait(job);
            if body == b"0" {
                assert_eq!(wire::trace(&packs.ready(now)[0].properties), None);
            }
        }
        packs.landed(&"a".into());
        let together = packs.ready(now);
        assert_eq!(wire::traces(&together[0].properties), places[1..]);
        assert_eq!(wire::trace(&together[0].properties), None, "a pack as a whole stands in none");
        let mut alone = callers.job("b", b"4");
        alone.properties = wire::traced(alone.properties, places[3]);
        packs.wait(alone);
        assert_eq!(wire::trace(&packs.ready(now)[0].properties), places[3]);
    }

    #[test]
    fn a_full_pack_waits_for_nobody() {
        let (mut packs, mut callers, now) = (packs(), Callers::default(), Instant::now());
        packs.wait(callers.job("a", b"1"));
        assert_eq!(packs.ready(now).len(), 1);
        let large = vec![0; PACKABLE_BYTES];
        for _ in 0..2 * PACK_BYTES / PACKABLE_BYTES {
            packs.wait(callers.job("a", &large));
        }
        let full = packs.ready(now);
        assert_eq!(full.iter().map(packed).collect::<Vec<_>>(), [8, 8]);
        for _ in 0..=wire::MAX_PACKED {
            packs.wait(callers.job("a", b""));
        }
        assert_eq!(packs.ready(now).iter().map(packed).collect::<Vec<_>>(), [wire::MAX_PACKED]);
        for _ in 0..4 {
            packs.landed(&full[0].queue);
        }
        assert_eq!(packs.ready(now).iter().map(packed).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_confirm_that_never_comes_holds_up_no_other_for_ever() {
        let (mut packs, mut callers, now) = (packs(), Callers::default(), Instant::now());
        packs.wait(callers.job("a", b"1"));
        assert_eq!(packs.ready(now).len(), 1);
        packs.wait(callers.job("a", b"2"));
        assert!(packs.ready(now + PATIENCE / 2).is_empty());
        assert_eq!(packs.ready(now + PATIENCE).len(), 1);
    }

    #[test]
    fn what_nobody_waits_for_is_not_sent() {
        let (mut packs, mut callers, now) = (packs(), Callers::default(), Instant::now());
        packs.wait(callers.job("a", b"1"));
        packs.wait(callers.job("a", b"2"));
        callers.0.remove(0);
        let ready = packs.ready(now);
        assert_eq!((ready.len(), &ready[0].body[..]), (1, &b"2"[..]));
        packs.wait(callers.job("b", b"3"));
        callers.0.pop();
        assert!(packs.ready(now).is_empty());
    }
}
