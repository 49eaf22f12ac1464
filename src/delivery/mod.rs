//! The one way out: for every neighbour an urgent lane, a normal lane and a receipt lane; for every outlet an urgent and a
//! normal lane.
//!
//! A lane reads the store's outbox in order, keeps a bounded number of packets under way, and lets go of one only when
//! the next hop's signed receipt is stored (the intake of receipts tells it through [`Delivery::settled`]). What was
//! sent and not answered in time is sent again; what cannot be sent waits with growing pauses, and the store keeps the
//! reason. One neighbour's trouble never slows another's lane.
//!
//! Failure story: a lane holds nothing that the store does not hold. After a crash it begins at the outbox's start and
//! sends again what was under way; the next hop recognises it.

mod anew;
mod deadlines;
pub mod findings;
pub(crate) mod given_back;
mod lane;
pub mod outlets;
mod pause;
mod receipts;
mod turns;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use lienthong_contract::{Clock, Digest, HopName, Instant as Moment};

pub use deadlines::Deadlines;
pub use outlets::WayOut;

use crate::custody::Batch;
use crate::link::Link;
use crate::receipts::Signer;
use crate::store::{Blobs, Store};
use crate::traces::Traces;
use lane::{Carrier, Lane};

/// The most pieces of news (of settled entries, of stored receipts) that wait for a lane. What does not fit is dropped:
/// news that is lost costs a repetition, which brings it again.
const TOLD: usize = 4096;
/// The most confirmations of stored receipts under way to one neighbour; the same holds for them.
const CONFIRMING: usize = 64;

/// How a lane works. Times are counted by the runtime's timer.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most packets of a normal lane under way at once.
    pub window: usize,
    /// The same for an urgent lane: its own places, so that a flood of normal packets cannot take them.
    pub urgent_window: usize,
    /// The most receipts under way to a neighbour.
    pub receipt_window: usize,
    /// A packet is sent again when the next hop's receipt is not stored by then; doubled at each try.
    pub acceptance_timeout: Duration,
    /// The first pause after a failed attempt; doubled at each further one.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long receipts gather before a batch leaves when there are few.
    pub linger: Duration,
    /// The most packets of an outlet's normal lane under way at once, and of its urgent lane.
    pub outlet_window: usize,
    pub outlet_urgent_window: usize,
    /// When an outlet has not said by then what came of a send, nothing is known of it.
    pub outlet_timeout: Duration,
    pub deadlines: Deadlines,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: 256,
            urgent_window: 64,
            receipt_window: 2048,
            acceptance_timeout: Duration::from_secs(60),
            pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(30),
            linger: Duration::from_millis(20),
            outlet_window: 8,
            outlet_urgent_window: 4,
            outlet_timeout: Duration::from_secs(1800),
            deadlines: Deadlines::default(),
        }
    }
}

/// How one neighbour is doing, for the console and for health.
#[derive(Debug, Clone, Default)]
pub struct DestinationState {
    pub normal: LaneState,
    pub urgent: LaneState,
    /// What went wrong last, until something goes well.
    pub last_error: Option<String>,
    /// When something last went wrong, and when the destination last took something, since the start.
    pub failed_at: Option<Moment>,
    pub succeeded_at: Option<Moment>,
    /// Packets that it took since the start.
    pub taken: u64,
    /// Somebody closed it: nothing is sent until it is opened.
    pub closed: bool,
}

/// How one lane is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneState {
    /// Packets sent, or being sent, whose receipt is not here yet.
    pub under_way: usize,
    /// Failed attempts since the last success.
    pub failures: u32,
}

/// What every lane needs.
pub(crate) struct Shared {
    pub hop: HopName,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
    pub states: Mutex<HashMap<HopName, DestinationState>>,
    /// Taken by whoever writes a large packet anew: one at a time, so that disk and cores stay with the rest.
    pub writing: Arc<Semaphore>,
    pub bells: HashMap<HopName, Bells>,
    /// Destinations that somebody closed.
    pub closed: RwLock<HashSet<HopName>>,
    /// Recipients that are called by themselves and do not answer.
    pub turns: Mutex<turns::Turns>,
    pub traces: Traces,
}

/// What wakes the lanes of one neighbour.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bells {
    normal: Arc<Notify>,
    urgent: Arc<Notify>,
    receipts: Arc<Notify>,
    /// How often somebody asked that nothing wait for its pause.
    hurried: Arc<AtomicU64>,
}

impl Shared {
    pub(crate) fn is_closed(&self, name: &HopName) -> bool {
        self.closed.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// How often somebody asked that nothing of this destination wait for its pause.
    pub(crate) fn hurried(&self, name: &HopName) -> u64 {
        self.bells.get(name).map_or(0, |bells| bells.hurried.load(Ordering::Relaxed))
    }

    /// There is something new for this neighbour.
    pub(crate) fn packet_waits(&self, peer: &HopName, urgent: bool) {
        if let Some(bells) = self.bells.get(peer) {
            if urgent { bells.urgent.notify_one() } else { bells.normal.notify_one() }
        }
    }

    pub(crate) fn note(&self, peer: &HopName, change: impl FnOnce(&mut DestinationState)) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        change(states.entry(peer.clone()).or_default());
    }
}

/// What the lanes of one neighbour are told.
struct Door {
    settled: Settled,
    stored: mpsc::Sender<Vec<Digest>>,
    /// Places for confirmations under way.
    confirming: Arc<Semaphore>,
    link: Arc<dyn Link>,
}

/// Tells the two lanes of one destination which entries are settled.
type Settled = [mpsc::Sender<Vec<i64>>; 2];

/// Handle on all lanes.
pub struct Delivery {
    shared: Arc<Shared>,
    doors: HashMap<HopName, Door>,
    outlets: HashMap<HopName, Settled>,
    tasks: TaskTracker,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("neighbours", &self.doors.keys()).finish_non_exhaustive()
    }
}

impl Delivery {
    /// Starts the lanes of every neighbour.
    #[must_use]
    pub fn start(
        parts: Parts,
        links: Vec<(HopName, Arc<dyn Link>)>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let Parts { hop, store, blobs, signer, clock, settings, outlets, closed, traces } = parts;
        let names = links.iter().map(|(peer, _)| peer).chain(outlets.iter().map(|way| &way.name));
        let bells = names.map(|name| (name.clone(), Bells::default())).collect();
        let (states, writing) = (Mutex::default(), Arc::new(Semaphore::new(1)));
        let closed = RwLock::new(closed.into_iter().collect());
        let turns = Mutex::default();
        let shared = Arc::new(Shared {
            hop,
            store,
            blobs,
            signer,
            clock,
            settings,
            states,
            writing,
            bells,
            closed,
            turns,
            traces,
        });
        let mut doors = HashMap::new();
        for (peer, link) in links {
            let Bells { receipts, .. } = shared.bells.get(&peer).cloned().unwrap_or_default();
            let settled = lanes(&shared, &peer, &Carrier::Link(Arc::clone(&link)), tasks, stop);
            let (stored, stored_at) = mpsc::channel(TOLD);
            let receipt_lane = receipts::ReceiptLane::new(
                Arc::clone(&shared),
                peer.clone(),
                Arc::clone(&link),
                Arc::clone(&receipts),
                stored_at,
            );
            tasks.spawn(receipt_lane.run(stop.clone()));
            let confirming = Arc::new(Semaphore::new(CONFIRMING));
            doors.insert(peer, Door { settled, stored, confirming, link });
        }
        let outlets = outlets.into_iter().map(|way| {
            let name = way.name.clone();
            (name.clone(), lanes(&shared, &name, &Carrier::Outlet(way), tasks, stop))
        });
        let outlets = outlets.collect();
        let delivery = Arc::new(Self { shared, doors, outlets, tasks: tasks.clone() });
        tasks.spawn(Arc::clone(&delivery).watch_deadlines(stop.clone()));
        delivery
    }

    /// There is something new for this neighbour.
    pub fn packet_waits(&self, peer: &HopName, urgent: bool) {
        self.shared.packet_waits(peer, urgent);
    }

    /// There is something new for some destination; which one, the store knows.
    pub fn packet_waits_anywhere(&self, urgent: bool) {
        for bells in self.shared.bells.values() {
            if urgent { bells.urgent.notify_one() } else { bells.normal.notify_one() }
        }
    }

    /// There are receipts for this neighbour.
    pub fn receipts_wait(&self, peer: &HopName) {
        if let Some(bells) = self.shared.bells.get(peer) {
            bells.receipts.notify_one();
        }
    }

    /// Receipts were queued for hops before us; which ones, the store knows.
    pub fn receipts_wait_anywhere(&self) {
        for bells in self.shared.bells.values() {
            bells.receipts.notify_one();
        }
    }

    /// How long consignments have.
    #[must_use]
    pub fn deadlines(&self) -> &Deadlines {
        &self.shared.settings.deadlines
    }

    /// These outbox entries need not be sent again.
    pub fn settled(&self, outbox_ids: &[i64]) {
        if outbox_ids.is_empty() {
            return;
        }
        for lane in self.doors.values().map(|door| &door.settled).chain(self.outlets.values()).flatten() {
            // A lane that has stopped, or has more news than it can take, finds the entry gone when it looks.
            let _ = lane.try_send(outbox_ids.to_vec());
        }
    }

    /// The neighbour has these receipts on disk.
    pub fn stored(&self, peer: &HopName, digests: Vec<Digest>) {
        if let Some(door) = self.doors.get(peer) {
            // News that is lost comes again: the receipts are sent once more and confirmed once more.
            let _ = door.stored.try_send(digests);
        }
    }

    /// Tells a neighbour that its receipts are on disk here. When the word is lost the neighbour sends them again.
    pub fn confirm_stored(&self, peer: HopName, digests: Vec<Digest>) {
        let Some(door) = self.doors.get(&peer).filter(|_| !digests.is_empty()) else { return };
        let Ok(place) = Arc::clone(&door.confirming).try_acquire_owned() else {
            tracing::warn!(%peer, "too many confirmations wait; the receipts will come again");
            return;
        };
        let link = Arc::clone(&door.link);
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            let _place = place;
            let batch = Batch::Stored { from_hop: shared.hop.clone(), time: shared.clock.now(), digests };
            let told = match batch.sign(shared.signer.as_ref()) {
                Ok(bytes) => link.send_receipts(&peer, bytes.into()).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = told {
                tracing::warn!(%error, %peer, "stored receipts could not be confirmed; they will come again");
            }
        });
    }

    /// Says something to a neighbour, once.
    ///
    /// # Errors
    /// There is no such neighbour, it cannot be signed, or the link does not take it.
    pub async fn tell(&self, peer: &HopName, batch: &Batch) -> Result<(), String> {
        let door = self.doors.get(peer).ok_or_else(|| format!("{peer} is no neighbour"))?;
        let bytes = batch.sign(self.shared.signer.as_ref()).map_err(|error| error.to_string())?;
        door.link.send_receipts(peer, bytes.into()).await.map_err(|error| error.to_string())
    }

    /// How every destination is doing, those too of which nothing is known yet.
    #[must_use]
    pub fn states(&self) -> Vec<(HopName, DestinationState)> {
        let states = self.shared.states.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &HopName| DestinationState {
            closed: self.shared.is_closed(name),
            ..states.get(name).cloned().unwrap_or_default()
        };
        let mut all: Vec<_> = self.shared.bells.keys().map(|name| (name.clone(), of(name))).collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// Whether there is a destination of this name.
    #[must_use]
    pub fn knows(&self, name: &HopName) -> bool {
        self.shared.bells.contains_key(name)
    }

    /// Closes a destination, or opens it: while it is closed nothing is sent there, and what is due waits. The store keeps
    /// who wanted it so.
    pub fn set_closed(&self, name: &HopName, closed: bool) {
        let mut all = self.shared.closed.write().unwrap_or_else(PoisonError::into_inner);
        let changed = if closed { all.insert(name.clone()) } else { all.remove(name) };
        drop(all);
        if changed {
            self.hurry(name);
        }
    }

    /// Nothing of this destination waits for its pause any more.
    pub fn hurry(&self, name: &HopName) {
        let Some(bells) = self.shared.bells.get(name) else { return };
        bells.hurried.fetch_add(1, Ordering::Relaxed);
        bells.normal.notify_one();
        bells.urgent.notify_one();
    }
}

/// Starts the normal and the urgent lane of one destination.
fn lanes(
    shared: &Arc<Shared>,
    name: &HopName,
    carrier: &Carrier,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Settled {
    let Bells { normal, urgent, .. } = shared.bells.get(name).cloned().unwrap_or_default();
    [(false, normal), (true, urgent)].map(|(is_urgent, wake)| {
        let (settled, settled_at) = mpsc::channel(TOLD);
        let lane = Lane::new(Arc::clone(shared), name.clone(), carrier.clone(), is_urgent, wake, settled_at);
        tasks.spawn(lane.run(stop.clone()));
        settled
    })
}

/// What delivery is built from.
pub struct Parts {
    pub hop: HopName,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
    /// Systems outside the network.
    pub outlets: Vec<WayOut>,
    /// Destinations that were closed.
    pub closed: Vec<HopName>,
    pub traces: Traces,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("hop", &self.hop).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
