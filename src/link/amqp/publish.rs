//! Publishing with confirms: one task a channel owns every publish from the first byte to its outcome.
//!
//! Why one task. In the client library taking the next confirm number and queueing the frames are two steps; two
//! callers on one channel could take numbers in one order and queue in the other, and an acknowledgement would then
//! vouch for the wrong message. And a returned (unroutable) message is handed by the library to whichever confirm is
//! resolved next, which after a coalesced acknowledgement need not be its own. So each message carries its number as
//! `message_id`, and outcomes are given out only when everything the broker has said so far has been read. Small
//! packets share messages, see [`pack`](super::pack).
//!
//! Invariants: `Ok` means acknowledged and not returned. The room a message takes in the window is given back when
//! its outcome is known, even when the caller has stopped waiting.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::config::Broker;
use super::connect::lost;
use super::pack::{Message, PACKABLE_BYTES, Packs};
use super::supervise::Life;
use super::topology::open_channel;
use crate::link::Error;

/// Jobs taken from callers before the socket is looked at again.
const BATCH: usize = 64;

/// The least a message counts for in the window, which bounds their number.
const LEAST_BYTES: usize = 4 << 10;

/// Why a message is not with the broker.
#[derive(Debug)]
pub(super) enum Failed {
    /// No queue took it.
    Returned(String),
    Nacked,
    Link(Error),
}

/// A caller's end of one publishing channel.
#[derive(Debug)]
pub(super) struct Publisher {
    jobs: mpsc::Sender<Job>,
    window: Arc<Semaphore>,
    window_pages: u32,
    confirm: Duration,
    life: Arc<Life>,
}

/// Room in the window for one message.
#[derive(Debug)]
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
}

/// Where the fate of a message will be told.
pub(super) type Outcome = oneshot::Receiver<Result<(), Failed>>;

/// One message as a caller hands it in.
#[derive(Debug)]
pub(super) struct Job {
    pub queue: ShortString,
    pub body: Vec<u8>,
    pub properties: BasicProperties,
    /// A packet that may share a message with others of its queue.
    pub shares: bool,
    pub fate: Fate,
}

/// Where a caller waits, and the room it takes meanwhile.
#[derive(Debug)]
pub(super) struct Fate {
    done: Option<oneshot::Sender<Result<(), Failed>>>,
    _room: Option<Room>,
}

impl Fate {
    const fn of(room: Room) -> Self {
        Self { done: None, _room: Some(room) }
    }

    /// Nobody waits any more.
    pub(super) fn is_forsaken(&self) -> bool {
        self.done.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn tell(self, outcome: Result<(), Failed>) {
        let Self { done, _room: room } = self;
        drop(room);
        // A caller that stopped waiting was told so already.
        let _ = done.map(|done| done.send(outcome));
    }
}

impl Job {
    /// A message that travels alone.
    pub(super) const fn of(room: Room, queue: ShortString, body: Vec<u8>, properties: BasicProperties) -> Self {
        Self { queue, body, properties, shares: false, fate: Fate::of(room) }
    }

    /// A packet that may share a message with others of its queue when it is small, see [`pack`](super::pack).
    pub(super) fn sharing(self) -> Self {
        Self { shares: self.body.len() <= PACKABLE_BYTES, ..self }
    }

    /// One for tests, and where its outcome is told.
    #[cfg(test)]
    pub(super) fn shared(queue: &str, body: Vec<u8>, properties: BasicProperties) -> (Self, Outcome) {
        let (done, outcome) = oneshot::channel();
        let fate = Fate { done: Some(done), _room: None };
        (Self { queue: queue.into(), body, properties, shares: true, fate }, outcome)
    }
}

impl Publisher {
    /// Opens a channel in confirm mode and starts its task.
    pub(super) async fn open(
        broker: &Broker,
        connection: &Connection,
        life: &Arc<Life>,
        window_bytes: usize,
    ) -> Result<Self, Error> {
        let channel = open_channel(broker, connection).await?;
        let confirm = channel.confirm_select(ConfirmSelectOptions::default());
        in_time(broker.limits.rpc(), "confirm mode", confirm).await?.map_err(|error| lost(broker, &error))?;
        let pages = pages(window_bytes).max(1);
        let (jobs, queue) = mpsc::channel(BATCH);
        let (packs, strays) = (Packs::new(broker.limits.frame_bytes, broker.limits.confirm()), HashMap::new());
        let outbox =
            Outbox { channel, life: Arc::clone(life), silence: broker.limits.confirm(), packs, strays, number: 0 };
        tokio::spawn(outbox.run(queue));
        Ok(Self {
            jobs,
            window: Arc::new(Semaphore::new(usize::try_from(pages).unwrap_or(usize::MAX))),
            window_pages: pages,
            confirm: broker.limits.confirm(),
            life: Arc::clone(life),
        })
    }

    /// Waits for room for a message of so many bytes; first come, first served.
    pub(super) async fn room(&self, bytes: usize) -> Result<Room, Failed> {
        let pages = pages(bytes).min(self.window_pages);
        let room = Arc::clone(&self.window).acquire_many_owned(pages);
        let room = self.alive(in_time(self.confirm, "room in the publish window", room)).await??;
        room.map(|permit| Room { _permit: permit }).map_err(|_| Failed::Link(self.life.error()))
    }

    /// Publishes one message and waits for its outcome.
    pub(super) async fn publish(&self, job: Job) -> Result<(), Failed> {
        let outcome = self.hand_in(job).await?;
        self.outcome(outcome).await
    }

    /// Hands one message to the channel's task; from then on it needs no more polling by the caller.
    pub(super) async fn hand_in(&self, mut job: Job) -> Result<Outcome, Failed> {
        let (done, outcome) = oneshot::channel();
        job.fate.done = Some(done);
        let handing = in_time(self.confirm, "the publishing channel", self.jobs.send(job));
        self.alive(handing).await??.map_err(|_| self.life.error())?;
        Ok(outcome)
    }

    pub(super) async fn outcome(&self, outcome: Outcome) -> Result<(), Failed> {
        self.alive(in_time(self.confirm, "the broker's confirm", outcome)).await??.map_err(|_| self.life.error())?
    }

    /// Waits no longer than the generation lives.
    async fn alive<T>(&self, waiting: impl Future<Output = T>) -> Result<T, Failed> {
        tokio::select! {
            biased;
            value = waiting => Ok(value),
            () = self.life.over() => Err(Failed::Link(self.life.error())),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Link(error)
    }
}

/// Waits no longer than `limit` for `step`.
pub(super) async fn in_time<T>(
    limit: Duration,
    step: &'static str,
    waiting: impl Future<Output = T>,
) -> Result<T, Error> {
    let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    tokio::time::timeout(limit, waiting).await.map_err(|_| Error::Timeout { step, millis })
}

fn pages(bytes: usize) -> u32 {
    u32::try_from(bytes.max(LEAST_BYTES).div_ceil(1 << 10)).unwrap_or(u32::MAX)
}

/// The task behind a [`Publisher`].
struct Outbox {
    channel: Channel,
    life: Arc<Life>,
    /// How long nothing at all may be confirmed while something is under way.
    silence: Duration,
    packs: Packs,
    /// Messages known to be returned, by number, whose own confirm has not been seen yet.
    strays: HashMap<u64, String>,
    /// The number of the message published last.
    number: u64,
}

/// One message whose fate the broker has told.
struct Landed {
    number: u64,
    outcome: lapin::Result<Confirmation>,
    fates: Vec<Fate>,
    /// The queue at which others wait for this outcome.
    awaited_at: Option<ShortString>,
}

impl Outbox {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut flying = FuturesUnordered::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut landed: Vec<Landed> = Vec::with_capacity(BATCH);
        let mut silence = pin!(tokio::time::sleep(self.silence));
        loop {
            tokio::select! {
                biased;
                () = self.life.over() => return,
                Some(first) = flying.next() => {
                    landed.push(first);
                    while let Some(Some(next)) = flying.next().now_or_never() {
                        landed.push(next);
                    }
                    self.read_all();
                    while let Some(Some(next)) = flying.next().now_or_never() {
                        landed.push(next);
                    }
                    self.tell(&mut landed);
                    for message in self.packs.ready(Instant::now()) {
                        flying.push(self.fly(message));
                    }
                    silence.set(tokio::time::sleep(self.silence));
                }
                taken = jobs.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                    if flying.is_empty() {
                        silence.set(tokio::time::sleep(self.silence));
                    }
                    for job in batch.drain(..) {
                        if job.shares {
                            self.packs.wait(job);
                        } else {
                            flying.push(self.fly(Message::of(job)));
                        }
                    }
                    for message in self.packs.ready(Instant::now()) {
                        flying.push(self.fly(message));
                    }
                }
                () = &mut silence, if !flying.is_empty() => {
                    if !self.life.is_blocked() {
                        self.life.end("the broker confirms nothing any more");
                    }
                    silence.set(tokio::time::sleep(self.silence));
                }
            }
        }
    }

    /// Waits out the library's thread while it is in the middle of an acknowledgement for several messages: starting
    /// (and abandoning) this wait takes the lock that the thread holds meanwhile.
    fn read_all(&self) {
        let _ = self.channel.wait_for_confirms().now_or_never();
    }

    fn tell(&mut self, landed: &mut Vec<Landed>) {
        for Landed { outcome, .. } in landed.iter() {
            if let Ok(Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned))) = outcome
                && let Some(number) = number_of(&returned.properties)
            {
                self.strays.insert(number, returned.reply_text.to_string());
            }
        }
        for Landed { number, outcome, fates, awaited_at } in landed.drain(..) {
            let returned = self.strays.remove(&number);
            if let Some(queue) = awaited_at {
                self.packs.landed(&queue);
            }
            if let Err(error) = &outcome {
                self.life.end(&error.to_string());
            }
            for fate in fates {
                let outcome = match (&outcome, &returned) {
                    (Ok(_), Some(why)) => Err(Failed::Returned(why.clone())),
                    (Ok(Confirmation::Ack(_)), None) => Ok(()),
                    (Ok(Confirmation::Nack(_) | Confirmation::NotRequested), None) => Err(Failed::Nacked),
                    (Err(_), _) => Err(Failed::Link(self.life.error())),
                };
                fate.tell(outcome);
            }
        }
    }

    /// Gives a message its number and what follows it to its outcome.
    fn fly(&mut self, message: Message) -> impl Future<Output = Landed> + use<> {
        self.number += 1;
        fly(self.channel.clone(), self.number, message)
    }
}

async fn fly(channel: Channel, number: u64, message: Message) -> Landed {
    let Message { queue, body, properties, fates, awaited } = message;
    let awaited_at = awaited.then(|| queue.clone());
    let outcome = async {
        let properties = properties.with_message_id(number.to_string().as_str().into());
        let mandatory = BasicPublishOptions { mandatory: true, immediate: false };
        let confirm = channel.basic_publish(ShortString::default(), queue, mandatory, &body, properties).await?;
        drop(body);
        confirm.await
    };
    let outcome = outcome.await;
    Landed { number, outcome, fates, awaited_at }
}

fn number_of(properties: &BasicProperties) -> Option<u64> {
    properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok())
}
