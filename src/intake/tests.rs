//! Two gateways' intakes with real keys, and between them a link that loses, repeats, delays and lies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use lienthong_contract::door::{Identity, Intake as _, Refusal, RefusalCause, Submission};
use lienthong_contract::{Digest, Instant};
use lienthong_schemas::Catalogue;

use super::*;
use crate::custody::{Batch, MAX_CHAIN, TransferHeader};
use crate::delivery::{self, Settings};
use crate::edxml::model::Urgency;
use crate::link::{Arrived, Coming, Content, Error, Link, LinkState, Sink, SinkError, Transfer};
use crate::pki::tests::{Example, NOW, example};
use crate::receipts::{Event, Sealed, jws::read_unverified, open, seal, verify_chain};
use crate::scene::{self, Letter, example_pdf};
use crate::store::SqliteStore;
use crate::trust::HopKey;
use crate::trust::hops::HopTrust;

/// Stands still until somebody moves it.
#[derive(Debug, Default)]
struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Instant {
        NOW.plus_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Chance from a seed: the same faults at each run, as far as tasks come in the same order.
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let step = |x: u64| x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(step(x))).unwrap();
        (before >> 33) % sides
    }
}

/// The way to one gateway.
struct Bad {
    to: Arc<OnceLock<super::Intake>>,
    /// No faults at all when absent.
    dice: Option<Dice>,
    sent: Mutex<Vec<(Vec<u8>, Bytes)>>,
    /// Packets that are lost each time.
    stuck: Mutex<HashSet<Digest>>,
}

impl fmt::Debug for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bad")
    }
}

enum Parcel {
    Packet(Vec<u8>, Bytes, Coming),
    Batch(Bytes),
}

impl Bad {
    async fn hand_over(to: &super::Intake, parcel: &Parcel) -> Result<(), SinkError> {
        match parcel {
            Parcel::Packet(header, bytes, coming) => {
                to.transfer(header.clone(), Arrived::Bytes(bytes.clone()), *coming).await
            }
            Parcel::Batch(batch) => to.receipts(batch.clone()).await,
        }
    }

    async fn carry(&self, parcel: Parcel) -> Result<(), Error> {
        let cut = || Error::NotConnected { broker: "bad".to_owned(), detail: "cut".to_owned() };
        let to = self.to.get().unwrap().clone();
        let lot = self.dice.as_ref().map_or(9, |dice| dice.roll(10));
        match lot {
            // Lost, and the sender believes that it arrived.
            0 => return Ok(()),
            1 => return Err(cut()),
            // Arrived, and the sender believes that it did not.
            2 => {
                Self::hand_over(&to, &parcel).await.unwrap();
                return Err(cut());
            }
            3 => Self::hand_over(&to, &parcel).await.unwrap(),
            // Overtaken by what comes after.
            4 => {
                let late = Duration::from_millis(self.dice.as_ref().unwrap().roll(200));
                tokio::spawn(async move {
                    tokio::time::sleep(late).await;
                    Self::hand_over(&to, &parcel).await.unwrap();
                });
                return Ok(());
            }
            _ => {}
        }
        Self::hand_over(&to, &parcel).await.map_err(|error| Error::Protocol(error.to_string()))
    }
}

#[async_trait]
impl Link for Bad {
    async fn send(&self, _peer: &HopName, transfer: Transfer) -> Result<(), Error> {
        let Content::Bytes(bytes) = transfer.content else { panic!("small packets only") };
        self.sent.lock().unwrap().push((transfer.header.clone(), bytes.clone()));
        if self.stuck.lock().unwrap().contains(&Digest::of(&bytes)) {
            return Ok(());
        }
        let coming = Coming { urgent: transfer.urgent, again: transfer.again, trace: transfer.trace };
        self.carry(Parcel::Packet(transfer.header, bytes, coming)).await
    }

    async fn send_receipts(&self, _peer: &HopName, batch: Bytes) -> Result<(), Error> {
        self.carry(Parcel::Batch(batch)).await
    }

    fn state(&self) -> LinkState {
        LinkState { connected: true, since: NOW, blocked: None, last_error: None, queues_renewed: 0, set_aside: None }
    }
}

pub(crate) struct House {
    pub(crate) intake: super::Intake,
    pub(crate) store: Arc<SqliteStore>,
    link: Arc<Bad>,
    keys: Arc<HopTrust>,
    key: Arc<HopKey>,
    _folder: tempfile::TempDir,
}

pub(crate) struct World {
    example: Arc<Example>,
    pub(crate) province: House,
    pub(crate) nation: House,
    clock: Arc<Still>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

fn house(
    example: &Example,
    me: &str,
    peer: &str,
    link: Arc<Bad>,
    clock: &Arc<Still>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> House {
    let folder = tempfile::tempdir().unwrap();
    let manifest = &example.manifest;
    let config = scene::configuration(manifest, me, folder.path(), None).unwrap();
    let trust = Arc::new(
        TrustStore::from_pem_files(&config.trust.roots, &config.trust.intermediates, &config.trust.crls).unwrap(),
    );
    let hop = config.hop.name.clone();
    let store = Arc::new(SqliteStore::open(&folder.path().join("store.db"), &hop).unwrap());
    let blobs = Blobs::open(folder.path()).unwrap();
    let key = Arc::new(HopKey::load(&config.hop.key, &config.hop.certificate).unwrap());
    let keys = Arc::new(HopTrust::new(Arc::clone(&trust), HashMap::new()));
    let settings = Settings {
        acceptance_timeout: Duration::from_millis(400),
        pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(100),
        ..Settings::default()
    };
    let parts = delivery::Parts {
        hop: hop.clone(),
        store: Arc::clone(&store) as _,
        blobs: blobs.clone(),
        signer: Arc::clone(&key) as _,
        clock: Arc::clone(clock) as _,
        settings,
        outlets: Vec::new(),
        closed: Vec::new(),
        traces: crate::traces::Traces::default(),
    };
    let links = vec![(peer.parse().unwrap(), Arc::clone(&link) as Arc<dyn Link>)];
    let delivery = Delivery::start(parts, links, tasks, stop);
    let mut routes = crate::gateway::routes(&config);
    let (name, prefixes) = ("axis".parse().unwrap(), vec!["K".to_owned()]);
    routes.outlets.push(crate::routing::OutletRoute { name, prefixes, default: false });
    let intake = super::Intake::new(Parts {
        hop,
        directory: Arc::new(Directory::open(&manifest.directory_file()).unwrap()),
        routes,
        signers: Arc::new(RwLock::new(trust)),
        hops: Arc::clone(&keys) as _,
        signer: Arc::clone(&key) as _,
        store: Arc::clone(&store) as _,
        blobs,
        delivery,
        schemas: Arc::new(ValidatorPool::new(Arc::new(Catalogue::builtin().unwrap()))),
        strictness: Strictness::Advise,
        clock: Arc::clone(clock) as _,
        limits: Limits::default(),
        link_books: None,
        forward_to_successor: true,
        keeper: None,
        traces: crate::traces::Traces::default(),
        entrances: HashMap::from([("axis".parse().unwrap(), false), ("strict".parse().unwrap(), true)]),
    });
    House { intake, store, link, keys, key, _folder: folder }
}

impl House {
    /// Header and bytes of every transfer that left here.
    pub(crate) fn sent(&self) -> Vec<(Vec<u8>, Bytes)> {
        self.link.sent.lock().unwrap().clone()
    }

    /// From now on these bytes are lost on their way from here, until [`House::release`].
    pub(crate) fn stall(&self, packet: &[u8]) {
        self.link.stuck.lock().unwrap().insert(Digest::of(packet));
    }

    pub(crate) fn release(&self) {
        self.link.stuck.lock().unwrap().clear();
    }

    /// Verifies every chain of a trace.
    pub(crate) fn verify(&self, trace: &lienthong_contract::door::Trace) {
        for consignment in &trace.consignments {
            let chain = trace.chain(consignment);
            let chain: Vec<Sealed> = chain.map(|view| open(&view.jws, self.keys.as_ref()).unwrap()).collect();
            verify_chain(&chain, trace.digest, consignment.id).unwrap();
        }
    }

    /// The mailboxes of this gateway.
    pub(crate) fn mailboxes(&self) -> crate::mailbox::Mailboxes {
        let parts = &self.intake.parts;
        crate::mailbox::Mailboxes {
            hop: parts.hop.clone(),
            store: Arc::clone(&parts.store),
            blobs: parts.blobs.clone(),
            directory: Arc::clone(&parts.directory),
            delivery: Arc::clone(&parts.delivery),
            signer: Arc::clone(&parts.signer),
            clock: Arc::clone(&parts.clock),
            traces: parts.traces.clone(),
        }
    }
}

impl World {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let example = example();
        let (tasks, stop, clock) = (TaskTracker::new(), CancellationToken::new(), Arc::<Still>::default());
        let way = |to: &Arc<OnceLock<super::Intake>>, seed: Option<u64>| {
            let dice = seed.map(|seed| Dice(AtomicU64::new(seed)));
            Arc::new(Bad { to: Arc::clone(to), dice, sent: Mutex::default(), stuck: Mutex::default() })
        };
        let (at_province, at_nation) = (Arc::default(), Arc::default());
        let there = way(&at_nation, seed);
        let back = way(&at_province, seed.map(|seed| seed ^ 0x5a5a));
        let province = house(&example, "province-a", "nation", there, &clock, &tasks, &stop);
        let nation = house(&example, "nation", "province-a", back, &clock, &tasks, &stop);
        at_province.set(province.intake.clone()).unwrap();
        at_nation.set(nation.intake.clone()).unwrap();
        Self { example, province, nation, clock, stop, tasks }
    }

    pub(crate) fn packet(&self, number: u32, to: &[&str]) -> Vec<u8> {
        let attachment = example_pdf(2000);
        let letter = Letter {
            from: scene::SENDER,
            to,
            number,
            date: jiff::civil::date(2026, 9, 21),
            subject: "Về việc thí dụ",
            urgency: if number.is_multiple_of(7) { Urgency::Urgent } else { Urgency::Normal },
            attachment: &attachment,
        };
        let files = self.example.manifest.agency(scene::SENDER).unwrap();
        let signer = crate::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
        crate::signing::sign_bytes(&letter.packet().unwrap(), &signer).unwrap()
    }

    pub(crate) async fn submit(&self, packet: Vec<u8>) -> Submission {
        let submitted = self.hand_in(&self.province, scene::SENDER, packet).await;
        submitted.unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// Hands a signed packet in at a gateway.
    pub(crate) async fn hand_in(&self, at: &House, agency: &str, packet: Vec<u8>) -> Result<Submission, Refusal> {
        let identity = Identity {
            agency: agency.parse().unwrap(),
            credential: "certificate of the test".to_owned(),
            door: "native".to_owned(),
        };
        at.intake.submit(&identity, Box::pin(stream::iter([Ok(Bytes::from(packet))]))).await
    }

    /// Signs a packet with the key of this agency.
    pub(crate) fn signed(&self, agency: &str, packet: &[u8]) -> Vec<u8> {
        let files = self.example.manifest.agency(agency).unwrap();
        let signer = crate::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
        crate::signing::sign_bytes(packet, &signer).unwrap()
    }

    /// All clocks go on.
    pub(crate) fn later(&self, hours: i64) {
        self.clock.0.fetch_add(hours * 3_600_000, Ordering::Relaxed);
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(60), self.tasks.wait()).await.expect("a lane does not stop");
    }
}

/// Waits for a condition on the stores.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(240);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_link_that_loses_repeats_and_reorders_each_consignment_arrives_once_with_all_receipts() {
    const DOCUMENTS: u32 = 200;
    let world = World::new(Some(20_260_921));
    let mut all = Vec::new();
    for number in 1..=DOCUMENTS {
        let packet = world.packet(number, &["G09.90"]);
        let submission = world.submit(packet.clone()).await;
        assert!(!submission.duplicate);
        if number % 10 == 0 {
            // Senders repeat themselves too.
            let again = world.submit(packet.clone()).await;
            assert!(again.duplicate && again.receipt == submission.receipt && again.doc_id == submission.doc_id);
        }
        all.push((submission, packet));
    }
    until("everything is consigned and nothing waits", async || {
        let (near, far) = (world.province.store.counts().await.unwrap(), world.nation.store.counts().await.unwrap());
        near.consigned == u64::from(DOCUMENTS) && near.outbox == 0 && far.receipts_waiting == 0
    })
    .await;
    let far = world.nation.store.counts().await.unwrap();
    assert_eq!((far.packets, far.consignments, far.consigned), (200, 200, 200));
    let (items, next) = world.nation.store.inbox(&"G09.90".parse().unwrap(), None, 1000).await.unwrap();
    assert!(next.is_none());
    assert_eq!(items.iter().map(|item| item.digest).collect::<HashSet<_>>().len(), 200);
    for (submission, packet) in &all {
        let item = items.iter().find(|item| item.doc_id == submission.doc_id).unwrap();
        let entry = world.nation.store.mailbox_entry(item.id).await.unwrap().unwrap();
        assert!(matches!(entry.held, crate::store::Held::Inline(bytes) if bytes == packet));
        let trace = world.province.store.trace(submission.doc_id).await.unwrap().unwrap();
        let chain: Vec<Sealed> = (trace.chain(&trace.consignments[0]))
            .map(|view| open(&view.jws, world.province.keys.as_ref()).unwrap())
            .collect();
        verify_chain(&chain, submission.digest, item.id).unwrap();
        let events: Vec<Event> = chain.iter().map(|sealed| sealed.receipt.event).collect();
        assert_eq!(events, [Event::SubmissionAcceptance, Event::RelayAcceptance, Event::ContentConsignment]);
    }
    world.end().await;
}

/// A transfer as the province sends it, after it has arrived at the nation.
async fn one_transfer(world: &World) -> (TransferHeader, Bytes) {
    let packet = world.packet(1, &["G09.90", "G22.90"]);
    world.submit(packet).await;
    until("it has arrived", async || world.nation.store.counts().await.unwrap().consigned == 2).await;
    let (header, bytes) = world.province.link.sent.lock().unwrap()[0].clone();
    (serde_json::from_slice(&header).unwrap(), bytes)
}

async fn offer(world: &World, header: &TransferHeader, bytes: &[u8]) -> Result<(), SinkError> {
    let content = Arrived::Bytes(Bytes::copy_from_slice(bytes));
    world
        .nation
        .intake
        .transfer(serde_json::to_vec(header).unwrap(), content, Coming { urgent: false, again: false, trace: None })
        .await
}

/// The same transfer with a submission by the province in the name of another agency that it serves.
fn another_sender(world: &World, good: &TransferHeader) -> TransferHeader {
    resubmitted(world, good, |receipt| receipt.from = "H37.91".parse().unwrap())
}

/// The same packet as if it had been handed in once more.
fn another_submission(world: &World, good: &TransferHeader) -> TransferHeader {
    resubmitted(world, good, |_| {})
}

fn resubmitted(
    world: &World,
    good: &TransferHeader,
    change: impl FnOnce(&mut crate::receipts::Receipt),
) -> TransferHeader {
    let first = read_unverified(&good.receipts[0]).unwrap().receipt;
    let mut receipt = crate::receipts::Receipt::clone(&first);
    change(&mut receipt);
    receipt.doc_id = lienthong_contract::DocId::fresh();
    for entry in &mut receipt.consignments {
        entry.consignment = lienthong_contract::ConsignmentId::fresh();
    }
    let mut header = good.clone();
    header.doc_id = receipt.doc_id;
    for (consignment, entry) in header.consignments.iter_mut().zip(&receipt.consignments) {
        consignment.id = entry.consignment;
    }
    header.receipts[0] = seal(receipt, world.province.key.as_ref()).unwrap().jws.to_string();
    header
}

#[tokio::test]
async fn a_transfer_is_believed_only_as_far_as_its_signatures_reach() {
    // The nation of another world knows none of these consignments.
    let (world, fresh) = (World::new(None), World::new(None));
    let (good, bytes) = one_transfer(&world).await;
    let poisoned = async |change: &dyn Fn(&mut TransferHeader)| {
        let mut header = good.clone();
        change(&mut header);
        let answer = offer(&fresh, &header, &bytes).await;
        assert!(matches!(answer, Err(SinkError::Poison { .. })), "{answer:?}");
    };
    poisoned(&|header| header.v = 1).await;
    poisoned(&|header| header.consignments.clear()).await;
    poisoned(&|header| header.from_hop = "province-b".parse().unwrap()).await;
    poisoned(&|header| header.doc_id = lienthong_contract::DocId::fresh()).await;
    poisoned(&|header| header.digest = Digest::of(b"other")).await;
    poisoned(&|header| header.consignments[0].recipient = "H49.90".parse().unwrap()).await;
    poisoned(&|header| header.consignments[0].id = lienthong_contract::ConsignmentId::fresh()).await;
    poisoned(&|header| header.consignments[1] = header.consignments[0].clone()).await;
    poisoned(&|header| header.consignments[0].chain = vec![7]).await;
    poisoned(&|header| header.consignments[0].chain.clear()).await;
    poisoned(&|header| header.consignments[0].chain = vec![0; MAX_CHAIN + 1]).await;
    poisoned(&|header| header.receipts[0].truncate(200)).await;
    // A hop that answers for another sender than the packet names: told to the hop before, not stored for anybody.
    let other = another_sender(&world, &good);
    offer(&fresh, &other, &bytes).await.unwrap();
    let counts = fresh.nation.store.counts().await.unwrap();
    assert_eq!((counts.consigned, counts.rejected), (0, 2));
    // Bytes damaged on the way are no reason to reject the packet for good.
    for damaged in [&bytes[..bytes.len() - 10], &b"<"[..], &[&bytes[..], b" "].concat()[..]] {
        let answer = offer(&fresh, &good, damaged).await;
        assert!(matches!(answer, Err(SinkError::Poison { .. })), "{answer:?}");
    }
    assert_eq!(fresh.nation.store.counts().await.unwrap().consignments, 2);
    offer(&fresh, &good, &bytes).await.unwrap();
    // Nobody has let go of it: it is offered, and in no mailbox.
    let counts = fresh.nation.store.counts().await.unwrap();
    assert_eq!((counts.offered, counts.consigned), (2, 0));
    // What comes after its time is refused, and the hop before is told.
    let mut late = another_submission(&world, &good);
    late.consignments.iter_mut().for_each(|consignment| consignment.expires = Some(Instant::from_millis(1)));
    offer(&fresh, &late, &bytes).await.unwrap();
    let counts = fresh.nation.store.counts().await.unwrap();
    assert_eq!((counts.offered, counts.rejected), (2, 4));
    world.end().await;
    fresh.end().await;
}

#[tokio::test]
async fn receipts_count_from_the_next_hop_and_its_word_of_storing_only_from_itself() {
    let world = World::new(None);
    let (header, _) = one_transfer(&world).await;
    let stranger = world.example.manifest.hop("province-b").unwrap();
    let stranger = HopKey::load(&stranger.receipts_key, &stranger.receipts_chain).unwrap();
    let trace = world.province.store.trace(header.doc_id).await.unwrap().unwrap();
    until("the receipts are here", async || world.province.store.counts().await.unwrap().consigned == 2).await;
    // A real hop with a real key, which has no part in this consignment, ends it.
    let last = world.province.store.trace(header.doc_id).await.unwrap().unwrap().consignments[0].receipts.clone();
    let head = read_unverified(&last.last().unwrap().jws).unwrap();
    let forged = seal(
        crate::receipts::Receipt {
            event: Event::ContentHandover,
            hop: "province-b".parse().unwrap(),
            previous: Some(head.digest),
            ..crate::receipts::Receipt::clone(&head.receipt)
        },
        &stranger,
    )
    .unwrap();
    let by = |hop: &str, key: &HopKey| {
        let receipts = vec![forged.jws.to_string()];
        Batch::Receipts { from_hop: hop.parse().unwrap(), time: NOW, receipts }.sign(key)
    };
    world.province.intake.receipts(by("province-b", &stranger).unwrap().into()).await.unwrap();
    world.province.intake.receipts(by("nation", &world.nation.key).unwrap().into()).await.unwrap();
    assert_eq!(world.province.store.counts().await.unwrap().consigned, 2);
    // In the name of the nation, by a key that is not the nation's.
    let lie = by("nation", &stranger).unwrap();
    assert!(matches!(world.province.intake.receipts(lie.into()).await, Err(SinkError::Poison { .. })));
    let stored = Batch::Stored { from_hop: "province-a".parse().unwrap(), time: NOW, digests: vec![forged.digest] };
    let lie = stored.sign(&stranger).unwrap();
    assert!(matches!(world.nation.intake.receipts(lie.into()).await, Err(SinkError::Poison { .. })));
    assert_eq!(trace.doc_id, header.doc_id);
    world.end().await;
}

#[tokio::test]
async fn a_large_packet_that_is_refused_by_name_leaves_no_file() {
    let world = World::new(None);
    let large = |number: u32, size: usize| {
        let attachment = example_pdf(size);
        let letter = Letter {
            from: scene::SENDER,
            to: &["H37.91"],
            number,
            date: jiff::civil::date(2026, 9, 21),
            subject: "Về việc thí dụ",
            urgency: Urgency::Normal,
            attachment: &attachment,
        };
        let files = world.example.manifest.agency(scene::SENDER).unwrap();
        let signer = crate::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
        crate::signing::sign_bytes(&letter.packet().unwrap(), &signer).unwrap()
    };
    let packet = large(1, 400_000);
    let first = world.submit(packet.clone()).await;
    let blobs = &world.province.intake.parts.blobs;
    assert_eq!(blobs.all().unwrap(), [first.digest]);
    let identity = Identity {
        agency: scene::SENDER.parse().unwrap(),
        credential: "certificate of the test".to_owned(),
        door: "native".to_owned(),
    };
    let upload = Box::pin(stream::iter([Ok(Bytes::from(large(1, 500_000)))]));
    let refusal = world.province.intake.submit(&identity, upload).await.unwrap_err();
    assert_eq!(refusal.cause, RefusalCause::Conflict);
    assert_eq!(blobs.all().unwrap(), [first.digest]);
    // The same bytes again: the file that is here stays.
    assert!(world.submit(packet).await.duplicate);
    assert_eq!(blobs.all().unwrap(), [first.digest]);
    world.end().await;
}
