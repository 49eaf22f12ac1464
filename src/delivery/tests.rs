//! Lanes before a link that misbehaves as told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod outlets;

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use lienthong_contract::{Instant as Moment, door::Trace};

use super::*;
use crate::custody::TransferHeader;
use crate::link::{Error, LinkState, Transfer};
use crate::receipts::{Event, jws::read_unverified};
use crate::store::sqlite::tests::support::{DUE, Made, Stamp, hop, letter, open, relayed, to_nation};
use crate::store::{Route, SqliteStore};

/// What the link does with one transfer.
#[derive(Clone, Copy)]
enum Act {
    /// Says that the neighbour has it.
    Confirm,
    /// Never says anything.
    Hang,
    /// The path is broken.
    Break,
    /// This packet will never do.
    Refuse,
}

type Plan = Box<dyn Fn(&TransferHeader, usize) -> Act + Send + Sync>;

struct FakeLink {
    /// By packet and how often it was sent before.
    plan: Plan,
    sent: Mutex<Vec<(Digest, Instant)>>,
    batches: Mutex<Vec<Vec<Digest>>>,
    hanging: Mutex<usize>,
    most_hanging: Mutex<usize>,
}

impl fmt::Debug for FakeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeLink")
    }
}

impl FakeLink {
    fn new(plan: impl Fn(&TransferHeader, usize) -> Act + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            plan: Box::new(plan),
            sent: Mutex::default(),
            batches: Mutex::default(),
            hanging: Mutex::default(),
            most_hanging: Mutex::default(),
        })
    }

    fn times(&self, digest: Digest) -> Vec<Instant> {
        self.sent.lock().unwrap().iter().filter(|(sent, _)| *sent == digest).map(|(_, at)| *at).collect()
    }

    fn distinct(&self) -> usize {
        self.sent.lock().unwrap().iter().map(|(digest, _)| *digest).collect::<HashSet<_>>().len()
    }
}

#[async_trait]
impl Link for FakeLink {
    async fn send(&self, peer: &HopName, transfer: Transfer) -> Result<(), Error> {
        let header: TransferHeader = serde_json::from_slice(&transfer.header).unwrap();
        let before = self.times(header.digest).len();
        self.sent.lock().unwrap().push((header.digest, Instant::now()));
        match (self.plan)(&header, before) {
            Act::Confirm => Ok(()),
            Act::Hang => {
                let now = {
                    let mut hanging = self.hanging.lock().unwrap();
                    *hanging += 1;
                    *hanging
                };
                let most = self.most_hanging.lock().unwrap().max(now);
                *self.most_hanging.lock().unwrap() = most;
                std::future::pending().await
            }
            Act::Break => Err(Error::NotConnected { broker: "fake".to_owned(), detail: "cut".to_owned() }),
            Act::Refuse => Err(Error::PeerRefused { peer: peer.clone(), why: "never".to_owned() }),
        }
    }

    async fn send_receipts(&self, _peer: &HopName, batch: Bytes) -> Result<(), Error> {
        let text = String::from_utf8(batch.to_vec()).unwrap();
        let payload = text.split('.').nth(1).unwrap();
        let json = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap();
        if let Batch::Receipts { receipts, .. } = serde_json::from_slice(&json).unwrap() {
            let digests = receipts.iter().map(|jws| read_unverified(jws).unwrap().digest).collect();
            self.batches.lock().unwrap().push(digests);
        }
        Ok(())
    }

    fn state(&self) -> LinkState {
        LinkState {
            connected: true,
            since: Moment::from_millis(0),
            blocked: None,
            last_error: None,
            queues_renewed: 0,
            set_aside: None,
        }
    }
}

/// Stands still until it is set.
#[derive(Debug)]
struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Scene {
    folder: tempfile::TempDir,
    store: SqliteStore,
    delivery: Arc<Delivery>,
    clock: Arc<Still>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

fn settings() -> Settings {
    Settings {
        window: 8,
        urgent_window: 4,
        receipt_window: 4,
        acceptance_timeout: Duration::from_millis(150),
        pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(60),
        linger: Duration::from_millis(1),
        outlet_window: 3,
        outlet_urgent_window: 2,
        outlet_timeout: Duration::from_secs(20),
        deadlines: Deadlines { look: Duration::from_millis(10), ..Deadlines::default() },
    }
}

impl Scene {
    fn new(link: &Arc<FakeLink>, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let clock = Arc::new(Still(AtomicI64::new(1_790_000_000_000)));
        let delivery = start(&store, (folder.path(), &clock), link, settings, &tasks, &stop);
        Self { folder, store, delivery, clock, stop, tasks }
    }

    async fn put(&self, name: &str, urgency: u8) -> Made {
        let made = letter(name, urgency, &[("G09.90", to_nation())]);
        made.accept(&self.store).await;
        self.delivery.packet_waits(&hop("nation"), urgency > 0);
        made
    }

    /// The next hop's acceptance arrives.
    async fn accepted(&self, made: &Made) {
        let receipt = made.way(Event::ContentHandover).remove(0);
        let recorded = self.store.record_receipts(&hop("nation"), vec![receipt]).await.unwrap();
        self.delivery.settled(&recorded.settled);
    }

    async fn trace(&self, made: &Made) -> Trace {
        self.store.trace(made.packet.doc_id).await.unwrap().unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(120), self.tasks.wait()).await.expect("a lane does not stop");
    }
}

fn start(
    store: &SqliteStore,
    (folder, clock): (&std::path::Path, &Arc<Still>),
    link: &Arc<FakeLink>,
    settings: Settings,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<Delivery> {
    let parts = Parts {
        hop: hop("province-a"),
        store: Arc::new(store.clone()),
        blobs: Blobs::open(folder).unwrap(),
        signer: Arc::new(Stamp),
        clock: Arc::clone(clock) as _,
        settings,
        outlets: Vec::new(),
        closed: Vec::new(),
        traces: crate::traces::Traces::default(),
    };
    Delivery::start(parts, vec![(hop("nation"), Arc::clone(link) as Arc<dyn Link>)], tasks, stop)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test]
async fn a_packet_without_a_receipt_is_sent_again_after_its_time_and_no_more_after_the_receipt() {
    let link = FakeLink::new(|_, _| Act::Confirm);
    let scene = Scene::new(&link, settings());
    let made = scene.put("silent", 0).await;
    until("it is sent three times", || link.times(made.packet.digest).len() == 3).await;
    let times = link.times(made.packet.digest);
    let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[0] >= Duration::from_millis(150) && gaps[1] >= Duration::from_millis(300), "{gaps:?}");
    scene.accepted(&made).await;
    let other = scene.put("other", 0).await;
    until("the other is sent twice", || link.times(other.packet.digest).len() == 2).await;
    assert_eq!(link.times(made.packet.digest).len(), 3);
    scene.end().await;
}

#[tokio::test]
async fn a_receipt_that_is_faster_than_the_links_answer_settles() {
    let link = FakeLink::new(|_, _| Act::Hang);
    let scene = Scene::new(&link, Settings { window: 1, ..settings() });
    let first = scene.put("first", 0).await;
    until("the first is sent", || link.distinct() == 1).await;
    let second = scene.put("second", 0).await;
    scene.accepted(&first).await;
    // Its place is free although the link has not answered.
    until("the second is sent", || link.times(second.packet.digest).len() == 1).await;
    assert_eq!(link.times(first.packet.digest).len(), 1);
    scene.end().await;
}

#[tokio::test]
async fn a_broken_path_mends_and_everything_arrives() {
    let link = FakeLink::new(|_, before| if before < 4 { Act::Break } else { Act::Confirm });
    let scene = Scene::new(&link, settings());
    let mut all = Vec::new();
    for number in 0..20 {
        all.push(scene.put(&format!("packet {number}"), 0).await);
    }
    let trace = scene.trace(&all[0]).await;
    assert_eq!(trace.consignments[0].waiting_for.as_deref(), Some("nation"));
    for made in &all {
        until("it is through", || link.times(made.packet.digest).len() == 5).await;
        scene.accepted(made).await;
    }
    assert_eq!(scene.store.counts().await.unwrap().outbox, 0);
    let calm = |state: &DestinationState| state.normal == LaneState::default() && state.last_error.is_none();
    until("the path is told as good", || scene.delivery.states().iter().all(|(_, state)| calm(state))).await;
    scene.end().await;
}

#[tokio::test]
async fn one_packet_that_always_breaks_the_path_does_not_stop_the_others() {
    let bad = Digest::of(b"bad");
    let link = FakeLink::new(move |header, _| if header.digest == bad { Act::Break } else { Act::Confirm });
    let scene = Scene::new(&link, settings());
    let first = scene.put("bad", 0).await;
    for number in 0..30 {
        let made = scene.put(&format!("good {number}"), 0).await;
        until("it is sent", || !link.times(made.packet.digest).is_empty()).await;
        scene.accepted(&made).await;
    }
    until("the bad one is tried on", || link.times(bad).len() > 2).await;
    assert!(scene.trace(&first).await.consignments[0].last_error.as_deref().unwrap().contains("cut"));
    scene.end().await;
}

#[tokio::test]
async fn refused_packets_take_no_place_from_the_others() {
    let link = FakeLink::new(|header, _| {
        let refused = header.receipts.iter().any(|jws| {
            read_unverified(jws).unwrap().receipt.document_id.as_ref().is_some_and(|name| name.contains("refused"))
        });
        if refused { Act::Refuse } else { Act::Confirm }
    });
    let scene = Scene::new(&link, settings());
    for number in 0..40 {
        scene.put(&format!("refused {number}"), 0).await;
    }
    let good = scene.put("good", 0).await;
    until("the good one is sent", || !link.times(good.packet.digest).is_empty()).await;
    until("the refused ones are tried again", || link.sent.lock().unwrap().len() > 82).await;
    scene.end().await;
}

#[tokio::test]
async fn packets_that_are_never_answered_do_not_stop_those_behind_them() {
    let link = FakeLink::new(|_, _| Act::Confirm);
    let scene = Scene::new(&link, settings());
    let mut all = Vec::new();
    for number in 0..30 {
        all.push(scene.put(&format!("silent {number}"), 0).await);
    }
    // The window holds eight; none is ever answered.
    until("each was sent", || link.distinct() == 30).await;
    for made in &all {
        scene.accepted(made).await;
    }
    assert_eq!(scene.store.counts().await.unwrap().outbox, 0);
    scene.end().await;
}

#[tokio::test]
async fn the_window_holds_and_the_urgent_lane_has_its_own() {
    let link = FakeLink::new(|_, _| Act::Hang);
    let scene = Scene::new(&link, settings());
    for number in 0..50 {
        scene.put(&format!("normal {number}"), 0).await;
    }
    until("the window is full", || *link.hanging.lock().unwrap() == 8).await;
    let mut urgent = Vec::new();
    for number in 0..10 {
        urgent.push(scene.put(&format!("urgent {number}"), 1).await);
    }
    until("the urgent window is full", || *link.hanging.lock().unwrap() == 12).await;
    assert!(!link.times(urgent[0].packet.digest).is_empty());
    scene.accepted(&urgent[0]).await;
    until("its place is taken", || *link.hanging.lock().unwrap() == 13).await;
    assert_eq!(link.distinct(), 13);
    let under_way =
        || scene.delivery.states().first().map(|(_, state)| (state.normal.under_way, state.urgent.under_way));
    until("the state tells both windows", || under_way() == Some((8, 4))).await;
    scene.end().await;
}

#[tokio::test]
async fn after_a_restart_what_was_under_way_is_sent_again() {
    let link = FakeLink::new(|_, _| Act::Hang);
    let scene = Scene::new(&link, settings());
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(scene.put(&format!("packet {number}"), 0).await);
    }
    until("all are under way", || link.distinct() == 5).await;
    let (folder, store) = (scene.folder.path().to_owned(), scene.store.clone());
    scene.stop.cancel();
    let again = FakeLink::new(|_, _| Act::Confirm);
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let clock = Arc::new(Still(AtomicI64::new(1_790_000_000_000)));
    let _delivery = start(&store, (&folder, &clock), &again, settings(), &tasks, &stop);
    until("all are sent again", || all.iter().all(|made| !again.times(made.packet.digest).is_empty())).await;
    stop.cancel();
    scene.end().await;
}

/// Refused here, so that one receipt waits and no other follows it.
fn receipts_for_nation(number: usize) -> Made {
    relayed(
        &letter(&format!("from nation {number}"), 0, &[("H37.91", to_nation())]),
        "province-a",
        "nation",
        &Route::Refused,
    )
}

impl FakeLink {
    fn receipts_sent(&self) -> Vec<Digest> {
        self.batches.lock().unwrap().concat()
    }
}

#[tokio::test]
async fn receipts_that_are_never_confirmed_do_not_stop_those_behind_them() {
    let link = FakeLink::new(|_, _| Act::Confirm);
    let scene = Scene::new(&link, settings());
    for number in 0..40 {
        receipts_for_nation(number).offer(&scene.store).await;
    }
    scene.delivery.receipts_wait_anywhere();
    // The window holds four of forty.
    until("each was sent", || link.receipts_sent().iter().collect::<HashSet<_>>().len() == 40).await;
    until("some were sent again", || link.receipts_sent().len() > 50).await;
    assert_eq!(scene.store.counts().await.unwrap().receipts_waiting, 40);
    scene.end().await;
}

#[tokio::test]
async fn confirmed_receipts_are_not_sent_again_until_they_are_asked_for_again() {
    let link = FakeLink::new(|_, _| Act::Confirm);
    let scene = Scene::new(&link, Settings { receipt_window: 100, ..settings() });
    let made = [0, 1].map(receipts_for_nation);
    for one in &made {
        one.offer(&scene.store).await;
    }
    scene.delivery.receipts_wait(&hop("nation"));
    until("both were sent", || link.receipts_sent().len() == 2).await;
    // Somebody else's word does not count.
    scene.delivery.stored(&hop("province-b"), link.receipts_sent());
    scene.delivery.stored(&hop("nation"), link.receipts_sent());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(link.receipts_sent().len(), 2);
    assert_eq!(scene.store.counts().await.unwrap().receipts_waiting, 0);
    for one in &made {
        one.offer(&scene.store).await;
    }
    scene.delivery.receipts_wait(&hop("nation"));
    until("both were sent again", || link.receipts_sent().len() == 4).await;
    scene.end().await;
}

#[tokio::test]
async fn at_its_deadline_a_consignment_ends_with_a_receipt_that_says_what_was_tried() {
    let link = FakeLink::new(|_, _| Act::Break);
    let scene = Scene::new(&link, settings());
    let made = scene.put("nobody there", 0).await;
    until("it was tried", || scene.delivery.states().iter().any(|(_, state)| state.last_error.is_some())).await;
    scene.clock.0.store(DUE.as_millis() - 1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(scene.store.counts().await.unwrap().failed, 0);
    scene.clock.0.store(DUE.as_millis(), Ordering::Relaxed);
    let deadline = Instant::now() + Duration::from_secs(30);
    while scene.store.counts().await.unwrap().failed == 0 {
        assert!(Instant::now() < deadline, "it never ends");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(scene.store.counts().await.unwrap().outbox, 0);
    let trace = scene.trace(&made).await;
    let [failure] = &trace.consignments[0].receipts[..] else { panic!("one receipt, the failure") };
    let failure = read_unverified(&failure.jws).unwrap().receipt;
    let reason = failure.reason.clone().unwrap();
    assert_eq!((failure.event, failure.time), (Event::RelayFailure, DUE));
    assert_eq!(
        (reason.code.as_str(), reason.whose_turn),
        (findings::NOT_RELAYED.code, lienthong_contract::Blame::Peer)
    );
    assert!(reason.text.contains("nation: ") && reason.text.contains("2026-"), "{}", reason.text);
    // A late acceptance is answered with the failure.
    let acceptance = made.way(Event::ContentHandover).remove(0);
    assert!(scene.store.record_receipts(&hop("nation"), vec![acceptance]).await.unwrap().forward);
    scene.delivery.receipts_wait_anywhere();
    let told = trace.consignments[0].receipts[0].jws.clone();
    let told = read_unverified(&told).unwrap().digest;
    until("the next hop is told", || link.receipts_sent().contains(&told)).await;
    scene.end().await;
}
