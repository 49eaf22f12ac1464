//! Keeping the link up: generations of connections, one after the other, until the link is stopped.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::StreamExt;
use lapin::protocol::AMQPErrorKind;
use lapin::types::ShortString;
use lapin::uri::AMQPUri;
use lapin::{Connection, ErrorKind, Event};
use lienthong_contract::{Clock, HopName};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::assemble::Assembler;
use super::config::{Broker, Limits};
use super::mend::{self, Suspects};
use super::publish::{Publisher, in_time};
use super::{connect, consume, dead, topology};
use crate::link::spool::Spool;
use crate::link::{Error, LinkState, Sink};

/// How often connections are looked at beside what they tell by themselves, and the spool is swept.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// How often it is counted what was set aside.
const COUNT_EVERY: Duration = Duration::from_secs(30);
/// Large packets under way at once in a lane.
const LARGE_AT_ONCE: usize = 4;

/// What all parts of one link share.
pub(super) struct Shared {
    pub broker: Broker,
    pub sink: Arc<dyn Sink>,
    pub assembler: Arc<Assembler>,
    /// The link is to end.
    pub stopping: CancellationToken,
    /// Queues of this hop that seem dead.
    pub suspects: Suspects,
    uri: AMQPUri,
    clock: Arc<dyn Clock>,
    current: ArcSwapOption<Generation>,
    state: watch::Sender<LinkState>,
    /// The supervisor has ended.
    ended: CancellationToken,
}

/// One set of connections and channels.
pub(super) struct Generation {
    pub life: Arc<Life>,
    pub normal: Lane,
    pub urgent: Lane,
    pub receipts: Publisher,
    connections: Vec<Connection>,
    /// Peers whose queues this hop may not declare.
    theirs: HashSet<HopName>,
    /// Consumers, and the deliveries they have in hand.
    tasks: TaskTracker,
}

/// The publishing side of one lane.
pub(super) struct Lane {
    pub packets: Publisher,
    pub frames: Publisher,
    /// Turns of large packets: many begun at once would only finish together, and the far side assembles so many.
    pub large: Semaphore,
}

/// Whether a generation still lives, and what ended it.
#[derive(Debug)]
pub(super) struct Life {
    broker: String,
    token: CancellationToken,
    why: OnceLock<String>,
    blocked: Mutex<Option<String>>,
}

impl Life {
    fn new(broker: &Broker) -> Self {
        Self {
            broker: broker.name.clone(),
            token: CancellationToken::new(),
            why: OnceLock::new(),
            blocked: Mutex::new(None),
        }
    }

    /// Ends the generation; the first reason is the one that counts.
    pub(super) fn end(&self, why: &str) {
        let _ = self.why.set(why.to_owned());
        self.token.cancel();
    }

    pub(super) async fn over(&self) {
        self.token.cancelled().await;
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn why(&self) -> String {
        self.why.get().cloned().unwrap_or_else(|| "the connection ended".to_owned())
    }

    /// What a caller that was cut off is told.
    pub(super) fn error(&self) -> Error {
        Error::NotConnected { broker: self.broker.clone(), detail: self.why() }
    }
}

/// Starts the supervisor and the sweeper of the spool.
pub(super) fn spawn(shared: &Arc<Shared>) {
    let sweeping = Arc::clone(shared);
    tokio::spawn(async move {
        while sweeping.pause(SWEEP_EVERY).await {
            let since = sweeping.clock.now().plus_millis(-millis(sweeping.broker.limits.stale_millis));
            sweeping.assembler.sweep(since);
        }
    });
    tokio::spawn(Arc::clone(shared).run());
}

impl Shared {
    pub(super) fn new(broker: Broker, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let uri = broker.checked()?;
        let spool = Spool::open(&broker.spool)?;
        let state = LinkState {
            connected: false,
            since: clock.now(),
            blocked: None,
            last_error: None,
            queues_renewed: 0,
            set_aside: None,
        };
        Ok(Self {
            sink,
            assembler: Arc::new(Assembler::new(spool, Arc::clone(&clock), &broker.limits)),
            stopping: CancellationToken::new(),
            suspects: Suspects::default(),
            uri,
            clock,
            current: ArcSwapOption::empty(),
            state: watch::Sender::new(state),
            ended: CancellationToken::new(),
            broker,
        })
    }

    /// The living generation.
    pub(super) fn generation(&self) -> Result<Arc<Generation>, Error> {
        self.current.load_full().ok_or_else(|| self.not_connected())
    }

    pub(super) fn state(&self) -> LinkState {
        let mut state = self.state.borrow().clone();
        if let Some(generation) = self.current.load_full() {
            state.blocked = generation.life.blocked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        }
        state
    }

    pub(super) async fn wait_connected(&self, millis: u64) -> Result<(), Error> {
        let mut state = self.state.subscribe();
        let connected = state.wait_for(|state| state.connected);
        match tokio::time::timeout(Duration::from_millis(millis), connected).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(self.not_connected()),
        }
    }

    pub(super) async fn stop(&self) {
        self.stopping.cancel();
        self.ended.cancelled().await;
    }

    pub(super) fn abandon(&self) {
        self.stopping.cancel();
    }

    /// Declares a peer's queues once more, after a message to it came back.
    pub(super) async fn redeclare(&self, generation: &Generation, peer: &HopName) {
        if let Some(connection) = generation.connections.first()
            && self.broker.peers.contains(peer)
            && !generation.theirs.contains(peer)
            && let Err(error) = topology::declare_peer(&self.broker, connection, peer).await
        {
            tracing::warn!(broker = self.broker.name, %peer, %error, "a peer's queues could not be declared again");
        }
    }

    /// Counts what was set aside. What cannot be counted now stays as it was last seen.
    pub(super) async fn look_aside(&self, generation: &Generation) {
        let Ok(connection) = generation.connection() else { return };
        match dead::count(&self.broker, connection).await {
            Ok(count) => {
                self.state.send_modify(|state| state.set_aside = Some(count));
            }
            Err(error) => tracing::debug!(broker = self.broker.name, %error, "what was set aside cannot be counted"),
        }
    }

    async fn count_aside(&self, generation: &Generation) {
        loop {
            self.look_aside(generation).await;
            tokio::time::sleep(COUNT_EVERY).await;
        }
    }

    /// Counts a queue that was made anew.
    pub(super) fn renewed(&self) {
        self.state.send_modify(|state| state.queues_renewed += 1);
    }

    fn not_connected(&self) -> Error {
        let detail = self.state.borrow().last_error.clone().unwrap_or_else(|| "not yet connected".to_owned());
        Error::NotConnected { broker: self.broker.name.clone(), detail }
    }

    async fn run(self: Arc<Self>) {
        let limits = &self.broker.limits;
        let mut backoff = Backoff::new(limits);
        loop {
            let established = tokio::select! {
                biased;
                () = self.stopping.cancelled() => break,
                established = Generation::establish(&self) => established,
            };
            match established {
                Ok(generation) => {
                    self.suspects.clear();
                    let born = self.clock.now();
                    self.live(generation).await;
                    // A generation that dies at birth must not make the link hammer the broker.
                    if self.clock.now() > born.plus_millis(millis(limits.backoff_max_millis)) {
                        backoff = Backoff::new(limits);
                    }
                }
                Err(error) => {
                    tracing::warn!(broker = self.broker.name, %error, code = error.kind().code, "cannot connect");
                    // What failed in another way says nothing about queues: their silence counts anew.
                    if !matches!(error, Error::Silent { .. }) {
                        self.suspects.clear();
                    }
                    self.state.send_modify(|state| state.last_error = Some(error.to_string()));
                }
            }
            if !self.pause(backoff.next(rand::random())).await {
                break;
            }
        }
        self.ended.cancel();
    }

    /// From the moment a generation is usable until it is closed.
    async fn live(&self, generation: Generation) {
        let generation = Arc::new(generation);
        self.current.store(Some(Arc::clone(&generation)));
        self.change(true, None);
        tracing::info!(broker = self.broker.name, me = %self.broker.me, "link connected");
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => generation.finish(&self.broker.limits).await,
            () = generation.life.over() => {
                tracing::warn!(broker = self.broker.name, why = generation.life.why(), "link lost");
            }
            () = self.count_aside(&generation) => {}
        }
        self.current.store(None);
        self.change(false, Some(generation.life.why()));
        generation.close(&self.broker.limits).await;
    }

    fn change(&self, connected: bool, error: Option<String>) {
        let since = self.clock.now();
        self.state.send_modify(|state| {
            state.connected = connected;
            state.since = since;
            if error.is_some() {
                state.last_error = error;
            }
        });
    }

    /// False when the link is to end.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.stopping.cancelled()).await.is_err()
    }
}

impl Generation {
    async fn establish(shared: &Arc<Shared>) -> Result<Self, Error> {
        let (broker, uri) = (&shared.broker, &shared.uri);
        let (out, fast_out, into, fast_in) = tokio::try_join!(
            connect::open(broker, uri, "publish"),
            connect::open(broker, uri, "publish urgent"),
            connect::open(broker, uri, "consume"),
            connect::open(broker, uri, "consume urgent"),
        )?;
        let theirs = topology::declare(broker, &out).await?;
        let life = Arc::new(Life::new(broker));
        let mut generation = Self {
            normal: Lane::open(broker, &out, &life).await?,
            urgent: Lane::open(broker, &fast_out, &life).await?,
            receipts: Publisher::open(broker, &fast_out, &life, broker.limits.window_bytes).await?,
            tasks: TaskTracker::new(),
            connections: Vec::new(),
            theirs,
            life,
        };
        let consuming = generation.consume(shared, &out, &into, &fast_in).await;
        generation.connections = vec![out, fast_out, into, fast_in];
        if let Err(error) = consuming {
            generation.life.end(&error.to_string());
            // A request that is still unanswered would keep its connection open; the next try does not wait for that.
            let limits = broker.limits.clone();
            tokio::spawn(async move { generation.close(&limits).await });
            return Err(error);
        }
        for connection in &generation.connections {
            tokio::spawn(attend(
                connection.status().clone(),
                connection.events_listener(),
                Arc::clone(&generation.life),
            ));
        }
        Ok(generation)
    }

    async fn consume(
        &self,
        shared: &Arc<Shared>,
        out: &Connection,
        normal: &Connection,
        urgent: &Connection,
    ) -> Result<(), Error> {
        let silent = consume::start(shared, &self.life, &self.tasks, normal, urgent).await?;
        if silent.is_empty() {
            return Ok(());
        }
        mend::silence(shared, out, &silent).await?;
        let queues = silent.iter().map(ShortString::as_str).collect::<Vec<_>>().join(", ");
        Err(Error::Silent { queues, millis: shared.broker.limits.attach_millis })
    }

    /// A connection to ask for something on.
    pub(super) fn connection(&self) -> Result<&Connection, Error> {
        self.connections.first().ok_or_else(|| self.life.error())
    }

    /// Lets what is in hand come to its end; consumers stop by themselves when the link is stopping.
    async fn finish(&self, limits: &Limits) {
        self.tasks.close();
        let _ = tokio::time::timeout(Duration::from_millis(limits.close_millis), self.tasks.wait()).await;
    }

    async fn close(&self, limits: &Limits) {
        self.life.end("closed");
        let closing = self.connections.iter().map(|connection| connection.close(200, "bye".into()));
        let deadline = Duration::from_millis(limits.close_millis);
        // One that does not close in time, or is broken already, goes with its socket.
        let _ = in_time(deadline, "closing", futures_util::future::join_all(closing)).await;
    }
}

impl Lane {
    async fn open(broker: &Broker, connection: &Connection, life: &Arc<Life>) -> Result<Self, Error> {
        let limits = &broker.limits;
        let frames_window = limits.frame_bytes.saturating_mul(usize::from(limits.frames_in_flight));
        Ok(Self {
            packets: Publisher::open(broker, connection, life, limits.window_bytes).await?,
            frames: Publisher::open(broker, connection, life, frames_window).await?,
            large: Semaphore::new(LARGE_AT_ONCE),
        })
    }
}

/// Watches one connection: what it tells, and, since that was seen to fail, also what it is.
async fn attend(
    status: lapin::ConnectionStatus,
    events: impl futures_util::Stream<Item = Event> + Send + 'static,
    life: Arc<Life>,
) {
    let mut events = std::pin::pin!(events);
    let blocked = |reason: Option<String>| {
        if let Some(reason) = &reason {
            tracing::warn!(broker = life.broker, reason, "the broker blocks publishers");
        }
        *life.blocked.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    };
    loop {
        tokio::select! {
            () = life.over() => return,
            event = events.next() => match event {
                Some(Event::Error(error)) if closes_a_channel(&error) => {
                    tracing::debug!(broker = life.broker, %error, "a channel was closed");
                }
                Some(Event::Error(error)) => life.end(&error.to_string()),
                Some(Event::ConnectionBlocked(reason)) => blocked(Some(reason)),
                Some(Event::ConnectionUnblocked) => blocked(None),
                Some(_) => {}
                None => life.end("the connection ended"),
            },
            () = tokio::time::sleep(LOOK_EVERY) => if !status.connected() {
                life.end("the connection ended");
            },
        }
    }
}

/// True for an error that ends one channel (AMQP 0-9-1, "soft"): whoever uses that channel meets it there, and a channel
/// that was opened to ask for something is no loss.
fn closes_a_channel(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(said) if matches!(said.kind(), AMQPErrorKind::Soft(_)))
}

/// Pauses that double up to a limit; each is shortened by up to half, so that many hops do not come back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    next_millis: u64,
    max_millis: u64,
}

impl Backoff {
    fn new(limits: &Limits) -> Self {
        Self::between(limits.backoff_min_millis, limits.backoff_max_millis)
    }

    pub(super) fn between(min_millis: u64, max_millis: u64) -> Self {
        Self { next_millis: min_millis.min(max_millis), max_millis }
    }

    /// The next pause; `chance` is a random number.
    pub(super) fn next(&mut self, chance: u64) -> Duration {
        let millis = self.next_millis;
        self.next_millis = millis.saturating_mul(2).min(self.max_millis);
        let half = millis / 2;
        Duration::from_millis(millis - half + chance % (half + 1))
    }
}

fn millis(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_their_limit_and_keep_at_least_half() {
        let mut least = Backoff::between(100, 1000);
        let mut most = Backoff::between(100, 1000);
        let low: Vec<u128> = (0..6).map(|_| least.next(0).as_millis()).collect();
        assert_eq!(low, [50, 100, 200, 400, 500, 500]);
        let high: Vec<u128> = [50, 100, 200, 400, 500, 500].map(|chance| most.next(chance).as_millis()).into();
        assert_eq!(high, [100, 200, 400, 800, 1000, 1000]);
    }
}
