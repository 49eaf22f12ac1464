//! Deliveries in: one consumer a queue, each on a channel of its own, so that no lane waits for another.
//!
//! Each delivery is handled by a task of its own, at most `prefetch` at once; the outcome is told to the broker by
//! [`settle`], which turns runs of acknowledgements into one. A delivery the sink cannot take *now* is held and
//! offered again after growing pauses, because every return to the queue counts against its delivery limit, and a
//! full disk must not turn good packets into dead letters.
//!
//! Failure story: a delivery that was not settled before the generation ended comes again. A sink call under way
//! then is not interrupted.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use super::connect::lost;
use super::publish::in_time;
use super::supervise::{Backoff, Life, Shared};
use super::topology;
use super::wire::{self, FrameHead, Key};
use crate::link::{Arrived, Coming, Error, SinkError, findings};
use crate::traces::Context;

/// Outcomes gathered into one word to the broker.
const BATCH: usize = 256;

/// What a queue carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Packets { urgent: bool },
    Frames,
    Receipts,
}

/// What becomes of a delivery; the graver the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Ack,
    DeadLetter,
    Requeue,
}

/// Opens all consumers of this hop, all at once; gives the queues to which none could be attached in time. Those that
/// could be work meanwhile, since what they were given counts as delivered.
pub(super) async fn start(
    shared: &Arc<Shared>,
    life: &Arc<Life>,
    tasks: &TaskTracker,
    normal: &Connection,
    urgent: &Connection,
) -> Result<Vec<ShortString>, Error> {
    let (me, limits) = (&shared.broker.me, &shared.broker.limits);
    let lanes = [
        (urgent, topology::receipts(me), Lane::Receipts, limits.prefetch_urgent),
        (urgent, topology::packets(me, true), Lane::Packets { urgent: true }, limits.prefetch_urgent),
        (urgent, topology::frames(me, true), Lane::Frames, limits.frames_in_flight),
        (normal, topology::packets(me, false), Lane::Packets { urgent: false }, limits.prefetch),
        (normal, topology::frames(me, false), Lane::Frames, limits.frames_in_flight),
    ];
    let opening = lanes.map(async |(connection, queue, lane, prefetch)| {
        let Some((channel, consumer)) = open(shared, connection, queue.clone(), prefetch).await? else {
            return Ok(Some(queue));
        };
        let (verdicts, told) = mpsc::unbounded_channel();
        tasks.spawn(settle(channel.clone(), told, Arc::clone(life), limits.rpc()));
        let in_hand = Semaphore::new(usize::from(prefetch));
        let worker = Worker { shared: Arc::clone(shared), life: Arc::clone(life), lane, in_hand };
        tasks.spawn(consume(worker, channel, consumer, verdicts, tasks.clone()));
        Ok(None)
    });
    let silent = futures_util::future::try_join_all(opening).await?;
    Ok(silent.into_iter().flatten().collect())
}

/// None when attaching the consumer, and nothing else, was met with silence.
async fn open(
    shared: &Shared,
    connection: &Connection,
    queue: ShortString,
    prefetch: u16,
) -> Result<Option<(Channel, Consumer)>, Error> {
    let broker = &shared.broker;
    let channel = topology::open_channel(broker, connection).await?;
    let qos = channel.basic_qos(prefetch, BasicQosOptions::default());
    in_time(broker.limits.rpc(), "the prefetch", qos).await?.map_err(|error| lost(broker, &error))?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let consuming = channel.basic_consume(queue, ShortString::default(), options, arguments);
    match in_time(broker.limits.attach(), "a consumer", consuming).await {
        Ok(consumer) => Ok(Some((channel, consumer.map_err(|error| lost(broker, &error))?))),
        Err(_) => Ok(None),
    }
}

/// Takes deliveries until the generation ends or the link is stopping.
async fn consume(
    worker: Worker,
    channel: Channel,
    mut consumer: Consumer,
    verdicts: mpsc::UnboundedSender<(u64, Verdict)>,
    tasks: TaskTracker,
) {
    let worker = Arc::new(worker);
    let stopping = worker.shared.stopping.clone();
    loop {
        let delivery = tokio::select! {
            biased;
            () = worker.life.over() => return,
            () = stopping.cancelled() => {
                let cancel = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
                let _ = in_time(worker.shared.broker.limits.rpc(), "cancelling a consumer", cancel).await;
                return;
            }
            delivery = consumer.next() => delivery,
        };
        match delivery {
            Some(Ok(delivery)) => {
                let (worker, verdicts) = (Arc::clone(&worker), verdicts.clone());
                tasks.spawn(async move {
                    let tag = delivery.delivery_tag;
                    let verdict = worker.handle(delivery).await;
                    // The settling task is gone when the generation is: the delivery comes again.
                    let _ = verdicts.send((tag, verdict));
                });
            }
            Some(Err(error)) => return worker.life.end(&error.to_string()),
            None => return worker.life.end("the broker cancelled a consumer (was its queue deleted?)"),
        }
    }
}

/// Handles the deliveries of one queue.
struct Worker {
    shared: Arc<Shared>,
    life: Arc<Life>,
    lane: Lane,
    /// Bounds what the sink has in hand at once: a message may hold many packets.
    in_hand: Semaphore,
}

impl Worker {
    async fn handle(self: &Arc<Self>, delivery: Delivery) -> Verdict {
        let kind = wire::kind_of(&delivery.properties);
        let coming = |urgent, again| Coming { urgent, again, trace: wire::trace(&delivery.properties) };
        match (self.lane, kind) {
            // What is sent again travels alone.
            (Lane::Packets { urgent }, wire::PACKET) => {
                let coming = coming(urgent, true);
                self.packet(delivery.data.into(), coming).await
            }
            (Lane::Packets { urgent }, wire::PACK) => {
                let (coming, traces) = (coming(urgent, delivery.redelivered), wire::traces(&delivery.properties));
                self.pack(delivery.data, coming, traces).await
            }
            (Lane::Packets { urgent }, wire::FRAMED) => {
                let coming = coming(urgent, true);
                self.framed(delivery, coming).await
            }
            (Lane::Frames, wire::FRAME) => self.frame(delivery).await,
            (Lane::Receipts, wire::RECEIPTS) => self.receipts(delivery.data).await,
            _ => self.poison(&format!("a message of type {kind:?} is not for this queue")),
        }
    }

    /// Packets that share a message share its verdict: the worst. Those that were taken are known when they come again.
    async fn pack(self: &Arc<Self>, body: Vec<u8>, coming: Coming, traces: Vec<Option<Context>>) -> Verdict {
        let bodies = match wire::unpack(body) {
            Ok(bodies) => bodies,
            Err(why) => return self.poison(&why),
        };
        let (packets, mut handling, mut worst) = (bodies.len(), JoinSet::new(), Verdict::Ack);
        for (index, body) in bodies.into_iter().enumerate() {
            let worker = Arc::clone(self);
            let coming = Coming { trace: traces.get(index).copied().flatten(), ..coming };
            handling.spawn(async move { (index + 1, worker.packet(body, coming).await) });
        }
        while let Some(handled) = handling.join_next().await {
            let (packet, verdict) = handled.unwrap_or((0, Verdict::Requeue));
            if verdict != Verdict::Ack {
                tracing::warn!(packet, packets, ?verdict, "the message goes with this one of its packets");
            }
            worst = worst.max(verdict);
        }
        worst
    }

    async fn packet(&self, body: Bytes, coming: Coming) -> Verdict {
        let (header, content) = match wire::split(body) {
            Ok(parts) => parts,
            Err(why) => return self.poison(&why),
        };
        self.offer(|| {
            let (header, content) = (header.clone(), Arrived::Bytes(content.clone()));
            self.shared.sink.transfer(header, content, coming)
        })
        .await
    }

    async fn receipts(&self, body: Vec<u8>) -> Verdict {
        let batch = Bytes::from(body);
        self.offer(|| self.shared.sink.receipts(batch.clone())).await
    }

    async fn frame(&self, delivery: Delivery) -> Verdict {
        let len = delivery.data.len() as u64;
        let max = self.shared.broker.limits.max_content_bytes;
        let (key, head) = match FrameHead::parse(&delivery.properties, Some(len), max) {
            Ok(parsed) => parsed,
            Err(why) => return self.poison(&why),
        };
        let body = Bytes::from(delivery.data);
        self.offer(|| async {
            let written = self.shared.assembler.frame(key.clone(), head.clone(), body.clone()).await;
            written.map_err(|error| SinkError::Retry { why: format!("writing a frame: {error}") })
        })
        .await
    }

    /// The final message of a large packet.
    async fn framed(&self, delivery: Delivery, coming: Coming) -> Verdict {
        let limits = &self.shared.broker.limits;
        let parsed = FrameHead::parse(&delivery.properties, None, limits.max_content_bytes);
        let (key, head) = match parsed {
            Ok(parsed) => parsed,
            Err(why) => return self.poison(&why),
        };
        let header = match wire::split(delivery.data.into()) {
            Ok((header, rest)) if rest.is_empty() => header,
            Ok(_) => return self.poison("the final message of a large packet has content"),
            Err(why) => return self.poison(&why),
        };
        let quiet = Duration::from_millis(limits.frames_quiet_millis);
        let waiting = self.shared.assembler.whole(&key, &head, quiet);
        tokio::select! {
            whole = tokio::time::timeout(Duration::from_millis(limits.hold_millis), waiting) => match whole {
                Ok(Some(())) => {}
                Ok(None) => return self.give_up(&key),
                Err(_) => return Verdict::Requeue,
            },
            () = self.life.over() => return Verdict::Requeue,
        }
        let verdict = self.offer(|| self.offer_file(&key, &header, coming)).await;
        if verdict != Verdict::Requeue {
            self.shared.assembler.forget(&key);
        }
        verdict
    }

    async fn offer_file(&self, key: &Key, header: &[u8], coming: Coming) -> Result<(), SinkError> {
        let file = match self.shared.assembler.hand_over(key).await {
            Ok(Some(file)) => file,
            Ok(None) => return Err(SinkError::Poison { why: "the large packet's file is gone".to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(SinkError::Poison { why: error.to_string() });
            }
            Err(error) => return Err(SinkError::Retry { why: error.to_string() }),
        };
        self.shared.sink.transfer(header.to_vec(), Arrived::File(file), coming).await
    }

    /// Frames are missing and will not come: the sender, who has custody, sends all of it again.
    fn give_up(&self, key: &Key) -> Verdict {
        let kind = &findings::FRAMES_MISSING;
        tracing::warn!(code = kind.code, from = key.from, transfer = key.transfer_id, "{}", kind.title.en);
        Verdict::Ack
    }

    fn poison(&self, why: &str) -> Verdict {
        let broker = &self.shared.broker.name;
        tracing::warn!(code = findings::POISON.code, broker, lane = ?self.lane, why, "{}", findings::POISON.title.en);
        Verdict::DeadLetter
    }

    /// Asks the sink until it says yes or never, or the delivery has been held long enough.
    async fn offer<F>(&self, mut ask: impl FnMut() -> F) -> Verdict
    where
        F: Future<Output = Result<(), SinkError>>,
    {
        let limits = &self.shared.broker.limits;
        let hold = Duration::from_millis(limits.hold_millis);
        let mut pauses = Backoff::between(limits.retry_min_millis, limits.retry_max_millis);
        let mut held = Duration::ZERO;
        loop {
            // The semaphore is never closed. A delivery that pauses gives its place to others.
            let place = self.in_hand.acquire().await;
            let answer = tokio::time::timeout(hold, AssertUnwindSafe(ask()).catch_unwind()).await;
            drop(place);
            let why = match answer {
                Ok(Ok(Ok(()))) => return Verdict::Ack,
                Ok(Ok(Err(SinkError::Poison { why }))) => return self.poison(&why),
                Ok(Ok(Err(SinkError::Retry { why }))) => why,
                // A panic counts against the delivery limit, so that a packet that always panics ends as a dead letter.
                Ok(Err(_)) => return self.requeue("handling it panicked", pauses.next(0)).await,
                Err(_) => return self.requeue("handling it took too long", pauses.next(0)).await,
            };
            let pause = pauses.next(rand::random());
            if held > hold {
                return self.requeue(&why, pause).await;
            }
            tracing::debug!(lane = ?self.lane, why, "a delivery is held");
            tokio::select! {
                () = tokio::time::sleep(pause) => held += pause,
                () = self.life.over() => return Verdict::Requeue,
            }
        }
    }

    async fn requeue(&self, why: &str, pause: Duration) -> Verdict {
        tracing::warn!(broker = self.shared.broker.name, lane = ?self.lane, why, "a delivery goes back to its queue");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.life.over() => {}
        }
        Verdict::Requeue
    }
}

/// Tells the broker what became of deliveries; ends with the generation or the last handler.
async fn settle(
    channel: Channel,
    mut verdicts: mpsc::UnboundedReceiver<(u64, Verdict)>,
    life: Arc<Life>,
    deadline: Duration,
) {
    let mut ledger = Settled::default();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let taken = tokio::select! {
            biased;
            () = life.over() => return,
            taken = verdicts.recv_many(&mut batch, BATCH) => taken,
        };
        if taken == 0 {
            return;
        }
        for word in ledger.words(batch.drain(..)) {
            let saying = say(&channel, word);
            match in_time(deadline, "settling a delivery", saying).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return life.end(&error.to_string()),
                Err(error) => return life.end(&error.to_string()),
            }
        }
    }
}

async fn say(channel: &Channel, word: Word) -> lapin::Result<()> {
    match word {
        Word::Ack { tag, multiple } => channel.basic_ack(tag, BasicAckOptions { multiple }).await,
        Word::Requeue(tag) => channel.basic_nack(tag, BasicNackOptions { multiple: false, requeue: true }).await,
        Word::DeadLetter(tag) => channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await,
    }
}

/// One message to the broker about deliveries.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Ack { tag: u64, multiple: bool },
    Requeue(u64),
    DeadLetter(u64),
}

/// Which deliveries of one channel are settled; tags count from 1 without gaps.
#[derive(Debug, Default)]
struct Settled {
    /// All tags up to this one are settled, and the broker knows.
    below: u64,
    /// Settled tags above, and whether the broker has been told.
    above: BTreeMap<u64, bool>,
}

impl Settled {
    /// Takes in outcomes and gives what to say. An acknowledgement of several covers only a run without gaps that
    /// begins at the oldest, and names one that the broker still holds, as the protocol demands.
    fn words(&mut self, verdicts: impl Iterator<Item = (u64, Verdict)>) -> Vec<Word> {
        let mut words = Vec::new();
        for (tag, verdict) in verdicts {
            match verdict {
                Verdict::Ack => {}
                Verdict::Requeue => words.push(Word::Requeue(tag)),
                Verdict::DeadLetter => words.push(Word::DeadLetter(tag)),
            }
            self.above.insert(tag, verdict != Verdict::Ack);
        }
        let (mut untold, mut last) = (0, 0);
        while let Some(told) = self.above.remove(&(self.below + 1)) {
            self.below += 1;
            if !told {
                (untold, last) = (untold + 1, self.below);
            }
        }
        if untold > 0 {
            words.push(Word::Ack { tag: last, multiple: untold > 1 });
        }
        for (tag, told) in &mut self.above {
            if !std::mem::replace(told, true) {
                words.push(Word::Ack { tag: *tag, multiple: false });
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A broker's view of one channel: what it still holds.
    fn tell(held: &mut BTreeSet<u64>, word: &Word) {
        match word {
            Word::Ack { tag, multiple: true } => {
                assert!(held.contains(tag), "the broker refuses a tag it does not hold: {word:?}");
                held.retain(|other| other > tag);
            }
            Word::Ack { tag, .. } | Word::Requeue(tag) | Word::DeadLetter(tag) => {
                assert!(held.remove(tag), "the broker refuses a tag it does not hold: {word:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn exactly_the_settled_deliveries_are_told(order in Just((1_u64..40).collect::<Vec<_>>()).prop_shuffle(),
                                                   kinds in proptest::collection::vec(0..4_u8, 40),
                                                   cut in 1..40_usize, chunk in 1..8_usize) {
            let mut held: BTreeSet<u64> = (1..40).collect();
            let mut ledger = Settled::default();
            let settled = &order[..cut.min(order.len())];
            for part in settled.chunks(chunk) {
                let verdicts = part.iter().map(|tag| {
                    let verdict = match kinds[usize::try_from(*tag).unwrap()] {
                        0 => Verdict::Requeue,
                        1 => Verdict::DeadLetter,
                        _ => Verdict::Ack,
                    };
                    (*tag, verdict)
                });
                for word in ledger.words(verdicts) {
                    tell(&mut held, &word);
                }
            }
            let left: BTreeSet<u64> = (1..40).filter(|tag| !settled.contains(tag)).collect();
            prop_assert_eq!(held, left);
        }
    }

    #[test]
    fn a_run_is_one_word() {
        let mut ledger = Settled::default();
        assert_eq!(ledger.words([(2, Verdict::Ack)].into_iter()), [Word::Ack { tag: 2, multiple: false }]);
        let run = [1, 3, 4].map(|tag| (tag, Verdict::Ack));
        assert_eq!(ledger.words(run.into_iter()), [Word::Ack { tag: 4, multiple: true }]);
        assert_eq!(ledger.below, 4);
    }
}
