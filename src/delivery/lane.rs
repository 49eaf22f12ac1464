//! One lane: the packets of one urgency due to one neighbour or outlet.
//!
//! New entries are taken in the outbox's order; entries that have to be sent again stand in a queue of their own. The
//! two take turns, so that neither a flood of new packets nor a heap of troublesome old ones stops the other. An entry
//! that could not be sent waits by itself and takes no place in the window. All of it is memory of a few bytes an
//! entry and may be lost: the outbox knows every entry.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use lienthong_contract::HopName;

use super::outlets::{self, Came, WayOut};
use super::pause::Breaker;
use super::{LaneState, Shared};
use crate::custody::TransferHeader;
use crate::link::{Content, Link, Transfer};
use crate::store::outlets::Leaving;
use crate::store::{Dispatch, Held};

/// How long a lane rests when nothing wakes it: a safety net, every change wakes it.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Longest wait for a receipt, whatever the number of tries.
const LONGEST_ACCEPTANCE_TIMEOUT: Duration = Duration::from_secs(600);
/// A packet that others do not wait for rests at most so many longest pauses.
const TURN_RESTS: u32 = 4;
/// So often a packet rests for want of consignments that are to leave with it: with the usual pauses some four minutes.
const GATHERS: u32 = 10;
/// The most packets read from the store at once: each may hold some tens of KB.
const READ_AT_ONCE: usize = 64;

pub struct Lane {
    shared: Arc<Shared>,
    peer: HopName,
    carrier: Carrier,
    urgent: bool,
    wake: Arc<Notify>,
    settled: mpsc::Receiver<Vec<i64>>,
    /// What is under way: by outbox id, with the moment from which it is sent again (none while it is being sent).
    under_way: HashMap<i64, Option<Instant>>,
    /// What could not be sent, with the moment from which it is tried again.
    resting: HashMap<i64, Resting>,
    /// What is to be sent again now.
    again: VecDeque<i64>,
    /// Whose turn it is.
    turn_of_again: bool,
    tries: HashMap<i64, u32>,
    /// Entries up to here have been looked at.
    cursor: i64,
    /// There may be entries after them.
    more: bool,
    breaker: Breaker,
    /// How often somebody had asked that nothing wait, when this lane last looked.
    hurried: u64,
}

struct Resting {
    until: Instant,
    fault: Fault,
}

/// What was at fault when a packet did not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The way: the lane pauses, and nothing waits any longer when it is good again.
    Path,
    /// Its sender's or recipients' side: others go on.
    Turn,
    /// The packet: it waits long.
    Packet,
}

/// What takes a lane's packets.
#[derive(Clone)]
pub enum Carrier {
    Link(Arc<dyn Link>),
    Outlet(WayOut),
}

/// A packet that is due.
enum Due {
    ToHop(Dispatch),
    Outside(Leaving),
}

impl Due {
    const fn dispatch(&self) -> &Dispatch {
        match self {
            Self::ToHop(dispatch) => dispatch,
            Self::Outside(leaving) => &leaving.dispatch,
        }
    }
}

struct Sent {
    outbox_id: i64,
    result: Result<Next, (Fault, String)>,
    /// The store knows of a failed attempt already.
    noted: bool,
}

/// What is next, after a packet was sent.
#[derive(Clone, Copy)]
enum Next {
    /// The next hop's receipt.
    Receipt,
    /// Nothing: the answer was the end of it.
    Settled,
    /// What is left of the entry.
    Rest,
    /// It was not tried: it rests.
    NotYet,
}

impl Lane {
    pub fn new(
        shared: Arc<Shared>,
        peer: HopName,
        carrier: Carrier,
        urgent: bool,
        wake: Arc<Notify>,
        settled: mpsc::Receiver<Vec<i64>>,
    ) -> Self {
        let breaker = Breaker::new(shared.settings.pause, shared.settings.longest_pause);
        let (under_way, resting, tries) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (again, turn_of_again, cursor, more) = (VecDeque::new(), false, 0, true);
        Self {
            shared,
            peer,
            carrier,
            urgent,
            wake,
            settled,
            under_way,
            resting,
            again,
            turn_of_again,
            tries,
            cursor,
            more,
            breaker,
            hurried: 0,
        }
    }

    /// Works until stopped. What is under way then is sent again at the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut sends: JoinSet<Sent> = JoinSet::new();
        loop {
            self.hurry();
            self.fill(&mut sends).await;
            let next_look = self.next_look();
            tokio::select! {
                () = stop.cancelled() => return,
                Some(sent) = sends.join_next(), if !sends.is_empty() => {
                    self.finished(sent).await;
                    while let Some(sent) = sends.try_join_next() {
                        self.finished(sent).await;
                    }
                }
                Some(ids) = self.settled.recv() => {
                    self.let_go(&ids);
                    while let Ok(ids) = self.settled.try_recv() {
                        self.let_go(&ids);
                    }
                }
                () = self.wake.notified() => self.more = true,
                () = tokio::time::sleep_until(next_look) => self.more = true,
            }
            self.overdue();
            self.tell();
        }
    }

    /// When somebody asked for it, nothing rests any longer.
    fn hurry(&mut self) {
        let hurried = self.shared.hurried(&self.peer);
        if std::mem::replace(&mut self.hurried, hurried) == hurried {
            return;
        }
        self.breaker.succeeded();
        self.shared.no_more_waiting(&self.peer);
        let mut rested: Vec<i64> = self.resting.drain().map(|(id, _)| id).collect();
        rested.sort_unstable();
        self.again.extend(rested);
        self.more = true;
    }

    fn tell(&self) {
        let now = LaneState { under_way: self.under_way.len(), failures: self.breaker.failures() };
        let urgent = self.urgent;
        self.shared.note(&self.peer, |state| if urgent { state.urgent = now } else { state.normal = now });
    }

    fn window(&self) -> usize {
        let settings = &self.shared.settings;
        match (&self.carrier, self.urgent) {
            (Carrier::Link(_), false) => settings.window,
            (Carrier::Link(_), true) => settings.urgent_window,
            (Carrier::Outlet(_), false) => settings.outlet_window,
            (Carrier::Outlet(_), true) => settings.outlet_urgent_window,
        }
    }

    /// Begins as many sends as there is room for.
    async fn fill(&mut self, sends: &mut JoinSet<Sent>) {
        if self.shared.is_closed(&self.peer) {
            return;
        }
        loop {
            let room = self.window().saturating_sub(self.under_way.len());
            let room = self.breaker.allows(Instant::now(), room, sends.len()).min(READ_AT_ONCE);
            if room == 0 {
                return;
            }
            let due = match self.next_due(room).await {
                Ok(Some(due)) => due,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, peer = %self.peer, "the outbox cannot be read; it will be tried again");
                    self.breaker.failed(Instant::now());
                    return;
                }
            };
            for due in due {
                let id = due.dispatch().outbox_id;
                if self.under_way.contains_key(&id) || self.resting.contains_key(&id) {
                    continue;
                }
                self.under_way.insert(id, None);
                let again = self.tries.contains_key(&id) || due.dispatch().attempts > 0;
                let shared = Arc::clone(&self.shared);
                match (due, &self.carrier) {
                    (Due::ToHop(dispatch), Carrier::Link(link)) => {
                        sends.spawn(send(shared, Arc::clone(link), self.peer.clone(), dispatch, again));
                    }
                    (Due::Outside(leaving), Carrier::Outlet(way)) if self.waits_for_others(&leaving, way) => {
                        self.rest(id, Fault::Turn);
                    }
                    (Due::Outside(leaving), Carrier::Outlet(way)) => {
                        sends.spawn(send_out(shared, way.clone(), leaving));
                    }
                    // What is due is read by the carrier.
                    (Due::ToHop(_), Carrier::Outlet(_)) | (Due::Outside(_), Carrier::Link(_)) => {}
                }
            }
        }
    }

    /// Whether consignments that are with the hop before are to leave in the same call. What waits for them takes a new
    /// place in the outbox when they come, and leaves without them when they do not.
    fn waits_for_others(&self, leaving: &Leaving, way: &WayOut) -> bool {
        let rested = self.tries.get(&leaving.dispatch.outbox_id).copied().unwrap_or_default();
        let waits = leaving.gathers && !leaving.perhaps && !way.outlet.one_by_one();
        if waits && rested == GATHERS {
            let doc_id = leaving.dispatch.doc_id;
            tracing::warn!(peer = %self.peer, %doc_id, "a packet leaves without consignments that are with the hop before");
        }
        waits && rested < GATHERS
    }

    /// Up to `room` entries, from whichever side's turn it is; nothing when both sides are empty.
    async fn next_due(&mut self, room: usize) -> crate::store::Result<Option<Vec<Due>>> {
        self.turn_of_again = !self.turn_of_again && !self.again.is_empty();
        if !self.turn_of_again && self.more {
            let due = self.due(self.cursor, room).await?;
            self.more = due.len() == room;
            if let Some(last) = due.last() {
                self.cursor = last.dispatch().outbox_id;
                return Ok(Some(due));
            }
        }
        let mut due = Vec::new();
        while due.len() < room.div_ceil(2)
            && let Some(id) = self.again.front().copied()
        {
            let found = match self.due(id.saturating_sub(1), 1).await {
                Ok(found) => found,
                Err(error) if due.is_empty() => return Err(error),
                // What was found is sent; the one that could not be read is still the first.
                Err(_) => break,
            };
            self.again.pop_front();
            // Another one there: this one was settled meanwhile.
            if found.first().is_none_or(|entry| entry.dispatch().outbox_id != id) {
                self.tries.remove(&id);
            }
            due.extend(found.into_iter().filter(|entry| entry.dispatch().outbox_id == id));
        }
        Ok(if due.is_empty() && self.again.is_empty() && !self.turn_of_again { None } else { Some(due) })
    }

    async fn due(&self, after: i64, limit: usize) -> crate::store::Result<Vec<Due>> {
        let (store, to, urgent) = (&self.shared.store, &self.peer, self.urgent);
        Ok(match &self.carrier {
            Carrier::Link(_) => store.due(to, urgent, after, limit).await?.into_iter().map(Due::ToHop).collect(),
            Carrier::Outlet(_) => {
                store.due_outside(to, urgent, after, limit).await?.into_iter().map(Due::Outside).collect()
            }
        })
    }

    async fn finished(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        let sent = match sent {
            Ok(sent) => sent,
            Err(error) => {
                // Which entry it was is lost with the task; what is overdue is sent again.
                tracing::error!(%error, peer = %self.peer, "a send ended abnormally");
                self.forget_all();
                return;
            }
        };
        match sent.result {
            Ok(Next::NotYet) => self.rest(sent.outbox_id, Fault::Turn),
            Ok(next) => {
                if self.breaker.failures() > 1 {
                    self.path_is_good_again();
                }
                let (well_before, now) = (self.breaker.failures() == 0, self.shared.clock.now());
                self.shared.note(&self.peer, |state| {
                    if !well_before {
                        state.last_error = None;
                    }
                    state.succeeded_at = Some(now);
                    state.taken = state.taken.saturating_add(1);
                });
                self.breaker.succeeded();
                match next {
                    Next::Receipt | Next::NotYet => {}
                    Next::Settled => return self.let_go(&[sent.outbox_id]),
                    Next::Rest => {
                        self.let_go(&[sent.outbox_id]);
                        return self.again.push_back(sent.outbox_id);
                    }
                }
                // Settled meanwhile: the receipt was faster than the broker's confirm.
                if let Some(place) = self.under_way.get_mut(&sent.outbox_id) {
                    let tries = self.tries.entry(sent.outbox_id).or_insert(0);
                    let wait = self.shared.settings.acceptance_timeout.saturating_mul(1 << (*tries).min(10));
                    *tries = tries.saturating_add(1);
                    *place = Some(Instant::now() + wait.min(LONGEST_ACCEPTANCE_TIMEOUT));
                }
            }
            Err((fault, error)) => self.failed((sent.outbox_id, sent.noted), error, fault).await,
        }
    }

    async fn failed(&mut self, (outbox_id, noted): (i64, bool), error: String, fault: Fault) {
        tracing::warn!(peer = %self.peer, outbox_id, %error, "a packet could not be sent; it stays queued");
        let now = self.shared.clock.now();
        self.shared.note(&self.peer, |state| {
            state.last_error = Some(error.clone());
            state.failed_at = Some(now);
        });
        if !noted && let Err(error) = self.shared.store.attempt_failed(outbox_id, error).await {
            tracing::error!(%error, outbox_id, "the failed attempt could not be noted");
        }
        if fault == Fault::Path {
            self.breaker.failed(Instant::now());
        }
        self.rest(outbox_id, fault);
    }

    /// Lets a packet that did not go wait by itself.
    fn rest(&mut self, outbox_id: i64, fault: Fault) {
        // Settled meanwhile: it arrived although the link did not say so.
        if self.under_way.remove(&outbox_id).is_none() {
            return;
        }
        let settings = &self.shared.settings;
        let tries = self.tries.entry(outbox_id).or_insert(0);
        let growing = settings.pause.saturating_mul(1 << (*tries).min(16));
        *tries = tries.saturating_add(1);
        let longest = settings.longest_pause;
        let pause = match fault {
            Fault::Path => growing.min(longest),
            // There may be very many of them, and each try takes a place from others.
            Fault::Turn => growing.min(longest.saturating_mul(TURN_RESTS)),
            Fault::Packet => longest,
        };
        self.resting.insert(outbox_id, Resting { until: Instant::now() + pause, fault });
    }

    fn let_go(&mut self, outbox_ids: &[i64]) {
        for id in outbox_ids {
            self.under_way.remove(id);
            self.resting.remove(id);
            self.tries.remove(id);
        }
    }

    /// Lets what was not answered in time, and what has rested, be sent again.
    fn overdue(&mut self) {
        let now = Instant::now();
        let (peer, again) = (&self.peer, &mut self.again);
        self.under_way.retain(|id, until| {
            let late = until.is_some_and(|until| until <= now);
            if late {
                tracing::warn!(%peer, outbox_id = id, "no receipt in time; the packet is sent again");
                again.push_back(*id);
            }
            !late
        });
        self.resting.retain(|id, resting| {
            let rested = resting.until <= now;
            if rested {
                again.push_back(*id);
            }
            !rested
        });
    }

    /// After an outage nothing waits for its own pause.
    fn path_is_good_again(&mut self) {
        let mut ready: Vec<i64> =
            (self.resting.iter()).filter_map(|(id, resting)| (resting.fault == Fault::Path).then_some(*id)).collect();
        ready.sort_unstable();
        self.resting.retain(|_, resting| resting.fault != Fault::Path);
        self.again.extend(ready);
    }

    fn forget_all(&mut self) {
        self.under_way.retain(|_, again| again.is_some());
        self.resting.clear();
        self.again.clear();
        (self.cursor, self.more) = (0, true);
        self.breaker.failed(Instant::now());
    }

    fn next_look(&self) -> Instant {
        let now = Instant::now();
        let overdue = self.under_way.values().flatten().min().copied();
        let rested = self.resting.values().map(|resting| resting.until).min();
        // A breaker that is half open already is no reason to look: a send that ends is.
        let breaker = self.breaker.open_until().filter(|until| *until > now);
        [overdue, rested, breaker].into_iter().flatten().fold(now + LOOK_AGAIN, Instant::min)
    }
}

async fn send(shared: Arc<Shared>, link: Arc<dyn Link>, peer: HopName, dispatch: Dispatch, again: bool) -> Sent {
    let (outbox_id, doc_id, size) = (dispatch.outbox_id, dispatch.doc_id, dispatch.size);
    let (watch, trace) = (shared.traces.watch(), shared.traces.departs(doc_id));
    let header = match serde_json::to_vec(&TransferHeader::of(&shared.hop, &dispatch)) {
        Ok(header) => header,
        Err(error) => return Sent { outbox_id, result: Err((Fault::Packet, error.to_string())), noted: false },
    };
    let content = match dispatch.held {
        Held::Inline(bytes) => Content::Bytes(bytes),
        Held::File | Held::Dropped | Held::Destroyed => {
            Content::File { path: shared.blobs.path(dispatch.digest), len: dispatch.size }
        }
    };
    // One name for one entry, so that frames of a repeated transfer fall into place at the far end.
    let transfer_id = format!("{}-{outbox_id}", shared.hop);
    let transfer = Transfer { header, content, urgent: dispatch.urgent, again, transfer_id, trace };
    let sent = link.send(&peer, transfer).await;
    let fault = sent.as_ref().err().map(|error| error.kind().code);
    shared.traces.published(watch, (trace, doc_id), (&peer, size, again), fault);
    match sent {
        Ok(()) => Sent { outbox_id, result: Ok(Next::Receipt), noted: false },
        Err(error) => {
            let fault = if error.is_retryable() { Fault::Path } else { Fault::Packet };
            Sent { outbox_id, result: Err((fault, error.to_string())), noted: false }
        }
    }
}

async fn send_out(shared: Arc<Shared>, way: WayOut, leaving: Leaving) -> Sent {
    let outbox_id = leaving.dispatch.outbox_id;
    let (result, noted) = match outlets::send(shared, way, leaving).await {
        Came::Done => (Ok(Next::Settled), true),
        Came::Again => (Ok(Next::Rest), true),
        Came::Nothing(why) => (Err((Fault::Path, why)), true),
        Came::NotNow(why) => (Err((Fault::Turn, why)), true),
        Came::NotYet => (Ok(Next::NotYet), true),
        Came::CannotGo(why) => (Err((Fault::Packet, why)), true),
        Came::OurFault(error) => (Err((Fault::Path, error)), false),
    };
    Sent { outbox_id, result, noted }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::Settings;
    use super::*;
    use crate::store::Blobs;
    use crate::store::sqlite::tests::support::{Stamp, hop, open};

    #[tokio::test]
    async fn a_lane_with_nothing_to_send_after_a_failure_rests() {
        let folder = tempfile::tempdir().unwrap();
        let pause = Duration::from_millis(1);
        let shared = Arc::new(Shared {
            hop: hop("province-a"),
            store: Arc::new(open(folder.path())),
            blobs: Blobs::open(folder.path()).unwrap(),
            signer: Arc::new(Stamp),
            clock: Arc::new(crate::clock::SystemClock),
            settings: Settings { pause, longest_pause: pause, ..Settings::default() },
            states: std::sync::Mutex::default(),
            writing: Arc::new(tokio::sync::Semaphore::new(1)),
            bells: HashMap::new(),
            closed: std::sync::RwLock::default(),
            turns: std::sync::Mutex::default(),
            traces: crate::traces::Traces::default(),
        });
        let hub = crate::link::inprocess::Hub::new().link(1, lienthong_contract::Instant::from_millis(0));
        let (_news, settled) = mpsc::channel(1);
        let mut lane = Lane::new(shared, hop("nation"), Carrier::Link(Arc::new(hub)), false, Arc::default(), settled);
        lane.breaker.failed(Instant::now());
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut sends = JoinSet::new();
        lane.fill(&mut sends).await;
        // The pause is over and nothing is due: looking again at once would be a loop that never rests.
        assert!(sends.is_empty() && lane.next_look() > Instant::now() + LOOK_AGAIN / 2);
    }
}
