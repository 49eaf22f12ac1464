//! Outlets before a system outside whose answers are lost, late, doubled, or refuse.

use std::collections::BTreeMap;

use lienthong_contract::AgencyCode;
use lienthong_contract::door::ConsignmentState as State;
use lienthong_contract::outlet::{Body, News, Outcome, OutgoingPacket, Outlet, Report, Reports, Taken, TurnedAway};
use tokio::sync::Semaphore;

use super::*;
use crate::edxml::tests::fixtures;
use crate::edxml::{self, Limits};
use crate::mend::reform::says_the_same;
use crate::receipts::Receipt;
use crate::store::sqlite::tests::support::{agency, letter_of, relayed};
use crate::store::{Held, OutletStore};

/// What the system outside does with one call.
#[derive(Clone)]
enum Does {
    /// Takes it and says so.
    Takes,
    /// Takes it, and the answer is lost.
    TakesUnheard,
    /// Nothing is heard of it, and it has nothing.
    IsSilent,
    IsDown,
    /// The recipient's own server is away.
    IsAway,
    Refuses,
    RefusesFor(AgencyCode),
    /// Takes it, and answers when it is told to.
    TakesSlowly,
    TakesWithoutName,
    /// Takes it, and its adapter says that it sent other bytes.
    TakesAs(Digest),
}

type Manner = Box<dyn Fn(&OutgoingPacket, usize) -> Does + Send + Sync>;

/// A system that knows a packet by its bytes, as the axis does.
struct System {
    manner: Manner,
    /// What it has, with its recipients.
    has: Mutex<BTreeMap<Digest, Vec<AgencyCode>>>,
    calls: Mutex<Vec<(Digest, bool)>>,
    /// What came with each call.
    came: Mutex<Vec<(OutgoingPacket, Vec<u8>)>>,
    go_on: Semaphore,
    at_once: Mutex<(usize, usize)>,
    /// Each recipient is called by itself.
    alone: bool,
}

impl System {
    fn new(manner: impl Fn(&OutgoingPacket, usize) -> Does + Send + Sync + 'static) -> Arc<Self> {
        let (has, calls, came, at_once) = (Mutex::default(), Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { manner: Box::new(manner), has, calls, came, go_on: Semaphore::new(0), at_once, alone: false })
    }

    fn one_by_one(manner: impl Fn(&OutgoingPacket, usize) -> Does + Send + Sync + 'static) -> Arc<Self> {
        let system = Arc::into_inner(Self::new(manner)).unwrap();
        Arc::new(Self { alone: true, ..system })
    }

    /// How often this recipient was called.
    fn calls_of(&self, code: &str) -> usize {
        let came = self.came.lock().unwrap();
        came.iter().filter(|(packet, _)| packet.recipients.iter().any(|one| one.recipient == agency(code))).count()
    }

    fn calls(&self, digest: Digest) -> Vec<bool> {
        self.calls.lock().unwrap().iter().filter(|(called, _)| *called == digest).map(|(_, again)| *again).collect()
    }

    /// The bytes of each call, which are what the call says they are.
    fn bytes(&self, digest: Digest) -> Vec<Vec<u8>> {
        let came = self.came.lock().unwrap();
        let calls = came.iter().filter(|(packet, _)| packet.digest == digest);
        let calls = calls.inspect(|(packet, bytes)| {
            assert_eq!((packet.sent_digest(), packet.size), (Digest::of(bytes), bytes.len() as u64));
        });
        calls.map(|(_, bytes)| bytes.clone()).collect()
    }

    fn take(&self, packet: &OutgoingPacket) -> Outcome {
        let mut has = self.has.lock().unwrap();
        let to = packet.recipients.iter().map(|one| one.recipient.clone());
        has.entry(packet.digest).or_default().extend(to);
        Outcome::Taken(Taken { id: name(packet.digest), sent: None, answer: Some("Thanh\ncong".to_owned()) })
    }
}

fn name(digest: Digest) -> String {
    digest.to_string().chars().skip(7).take(24).collect()
}

#[async_trait]
impl Outlet for System {
    fn one_by_one(&self) -> bool {
        self.alone
    }

    async fn send(&self, packet: OutgoingPacket) -> Outcome {
        let before = self.calls(packet.digest).len();
        self.calls.lock().unwrap().push((packet.digest, packet.again));
        let bytes = match &packet.body {
            Body::Bytes(bytes) => bytes.to_vec(),
            Body::File(path) => std::fs::read(path).unwrap(),
        };
        self.came.lock().unwrap().push((packet.clone(), bytes));
        let unknown = Outcome::Unknown { why: "<html>502 Bad Gateway</html>".to_owned() };
        let refused = |recipients: Vec<AgencyCode>| {
            let words = "Don vi nhan khong ton tai".to_owned();
            Outcome::Refused(TurnedAway { code: "18".to_owned(), words, recipients })
        };
        match (self.manner)(&packet, before) {
            Does::Takes => self.take(&packet),
            Does::TakesUnheard => {
                self.take(&packet);
                unknown
            }
            Does::IsSilent => unknown,
            Does::IsDown => Outcome::NotSent { why: "connection refused".to_owned() },
            Does::IsAway => Outcome::NotNow { why: "UnknownMember".to_owned() },
            Does::Refuses => refused(Vec::new()),
            Does::RefusesFor(code) if packet.recipients.iter().any(|one| one.recipient == code) => refused(vec![code]),
            Does::RefusesFor(_) => self.take(&packet),
            Does::TakesSlowly => {
                {
                    let mut at_once = self.at_once.lock().unwrap();
                    at_once.0 += 1;
                    at_once.1 = at_once.1.max(at_once.0);
                }
                self.go_on.acquire().await.unwrap().forget();
                self.at_once.lock().unwrap().0 -= 1;
                self.take(&packet)
            }
            Does::TakesAs(sent) => {
                self.take(&packet);
                Outcome::Taken(Taken { id: name(packet.digest), sent: Some(sent), answer: None })
            }
            Does::TakesWithoutName => {
                self.take(&packet);
                Outcome::Taken(Taken { id: " \n".to_owned(), ..Taken::default() })
            }
        }
    }
}

struct Out {
    folder: tempfile::TempDir,
    store: SqliteStore,
    delivery: Arc<Delivery>,
    clock: Arc<Still>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

type Running = (Arc<Delivery>, Arc<Still>, CancellationToken, TaskTracker);

fn begin(
    folder: &std::path::Path,
    store: &SqliteStore,
    system: &Arc<System>,
    (reports, anew, settings): (bool, bool, Settings),
) -> Running {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let clock = Arc::new(Still(AtomicI64::new(1_790_000_000_000)));
    let way = WayOut {
        name: hop("axis"),
        outlet: Arc::clone(system) as _,
        reports: reports.then_some(Duration::from_secs(3600)),
        anew,
    };
    let parts = Parts {
        hop: hop("province-a"),
        store: Arc::new(store.clone()),
        blobs: Blobs::open(folder).unwrap(),
        signer: Arc::new(Stamp),
        clock: Arc::clone(&clock) as _,
        settings,
        outlets: vec![way],
        closed: Vec::new(),
        traces: crate::traces::Traces::default(),
    };
    (Delivery::start(parts, Vec::new(), &tasks, &stop), clock, stop, tasks)
}

impl Out {
    fn new(system: &Arc<System>, reports: bool) -> Self {
        Self::with(system, (reports, false), settings())
    }

    fn with(system: &Arc<System>, (reports, anew): (bool, bool), settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (delivery, clock, stop, tasks) = begin(folder.path(), &store, system, (reports, anew, settings));
        Self { folder, store, delivery, clock, stop, tasks }
    }

    async fn put(&self, name: &str, urgency: u8, to: &[&str]) -> Made {
        self.put_bytes(name, name.as_bytes(), urgency, to).await
    }

    async fn put_bytes(&self, name: &str, bytes: &[u8], urgency: u8, to: &[&str]) -> Made {
        let to: Vec<(&str, Route)> = to.iter().map(|code| (*code, Route::Outlet(hop("axis")))).collect();
        self.put_made(letter_of(name, bytes, urgency, &to)).await
    }

    async fn put_made(&self, made: Made) -> Made {
        let urgency = made.packet.urgency;
        made.accept(&self.store).await;
        self.delivery.packet_waits(&hop("axis"), urgency > 0);
        made
    }

    /// The receipt that each consignment of the packet has come to, once all have come to one.
    async fn came(&self, made: &Made, state: State) -> Vec<Receipt> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let trace = self.store.trace(made.packet.doc_id).await.unwrap().unwrap();
            if trace.consignments.iter().all(|one| one.state == state) {
                let last = trace.consignments.iter().map(|one| one.receipts.last().unwrap());
                return last.map(|view| Receipt::clone(&read_unverified(&view.jws).unwrap().receipt)).collect();
            }
            assert!(Instant::now() < deadline, "waited in vain for {state:?}: {:?}", trace.consignments);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(20), self.tasks.wait()).await.expect("a lane does not stop");
    }
}

fn reason(receipt: &Receipt) -> (&str, &str) {
    let reason = receipt.reason.as_ref().unwrap();
    (&reason.code, &reason.text)
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_answer_and_the_next_one_names_the_same_document() {
    let system = System::new(|_, before| if before < 2 { Does::TakesUnheard } else { Does::Takes });
    let out = Out::new(&system, false);
    let made = out.put("lost", 0, &["G09.90", "G10.90"]).await;
    for receipt in out.came(&made, State::PassedOutside).await {
        let outside = receipt.outside.clone().unwrap();
        assert_eq!((receipt.event, outside.system.as_str()), (Event::RelayToNonERDS, "axis"));
        assert_eq!((outside.id, outside.answer.as_deref()), (Some(name(made.packet.digest)), Some("Thanh cong")));
        assert!(receipt.is_terminal() && receipt.reason.is_none());
    }
    // It went by the name of a repetition, and both recipients travelled together each time.
    assert_eq!(system.calls(made.packet.digest), [false, true, true]);
    until("nothing is under way", || out.delivery.states().iter().all(|(_, state)| state.normal.under_way == 0)).await;
    assert_eq!(out.store.counts().await.unwrap().outbox, 0);
    out.end().await;
}

#[tokio::test]
async fn a_refusal_ends_those_it_names_and_the_others_go_without_them() {
    let system = System::new(|packet, _| match packet.document_id.as_deref() {
        Some(id) if id.ends_with("some") => Does::RefusesFor(agency("G10.90")),
        _ => Does::Refuses,
    });
    let out = Out::new(&system, false);
    let (all, some) = (out.put("all", 0, &["G09.90", "G10.90"]).await, out.put("some", 0, &["G09.90", "G10.90"]).await);
    for receipt in out.came(&all, State::Failed).await {
        assert_eq!(receipt.event, Event::RelayToNonERDSFailure);
        let (code, text) = reason(&receipt);
        assert!(code == "LT-DLV-0005" && text.contains("18 Don vi nhan khong ton tai"), "{code} {text}");
    }
    until("the rest has gone", || system.has.lock().unwrap().contains_key(&some.packet.digest)).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    let states = loop {
        let trace = out.store.trace(some.packet.doc_id).await.unwrap().unwrap();
        let states: Vec<State> = trace.consignments.iter().map(|one| one.state).collect();
        if states.iter().all(|state| state.is_terminal()) {
            break states;
        }
        assert!(Instant::now() < deadline, "{states:?}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    };
    assert_eq!(states, [State::PassedOutside, State::Failed]);
    assert_eq!(system.has.lock().unwrap()[&some.packet.digest], [agency("G09.90")]);
    assert!(!system.has.lock().unwrap().contains_key(&all.packet.digest));
    out.end().await;
}

#[tokio::test]
async fn consignments_that_the_hop_before_lets_go_of_one_after_the_other_leave_in_one_call() {
    let system = System::new(|_, _| Does::Takes);
    let out = Out::new(&system, false);
    let to = ["G09.90", "G10.90"].map(|code| (code, Route::Outlet(hop("axis"))));
    let relay = |name: &str| relayed(&letter_of(name, name.as_bytes(), 0, &to), "province-a", "district", &to[0].1);
    let part =
        |whole: &Made, place: usize| Made { consignments: vec![whole.consignments[place].clone()], ..whole.clone() };
    let waits = async |whole: &Made| {
        whole.offer(&out.store).await;
        part(whole, 0).let_go(&out.store).await;
        out.delivery.packet_waits(&hop("axis"), false);
    };
    // The second comes while the first rests.
    let whole = relay("one after the other");
    waits(&whole).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    part(&whole, 1).let_go(&out.store).await;
    out.delivery.packet_waits(&hop("axis"), false);
    out.came(&whole, State::PassedOutside).await;
    assert_eq!(system.has.lock().unwrap()[&whole.packet.digest].len(), 2);
    // The second does not come: the first does not wait for ever.
    let half = relay("one alone");
    waits(&half).await;
    until("it leaves alone", || system.has.lock().unwrap().contains_key(&half.packet.digest)).await;
    assert_eq!(system.has.lock().unwrap()[&half.packet.digest], [agency("G09.90")]);
    out.end().await;
}

#[tokio::test]
async fn the_failure_at_the_deadline_says_whether_it_may_be_outside() {
    let system = System::new(|packet, _| match packet.document_id.as_deref() {
        Some(id) if id.ends_with("silent") => Does::IsSilent,
        Some(id) if id.ends_with("nameless") => Does::TakesWithoutName,
        Some(id) if id.ends_with("slow") => Does::TakesSlowly,
        _ => Does::IsDown,
    });
    let out = Out::new(&system, false);
    let mut made = Vec::new();
    for (name, code) in
        [("down", "LT-DLV-0003"), ("silent", "LT-DLV-0004"), ("nameless", "LT-DLV-0004"), ("slow", "LT-DLV-0004")]
    {
        made.push((out.put(name, 0, &["G09.90"]).await, code));
        let digest = made.last().unwrap().0.packet.digest;
        until("it was tried", || !system.calls(digest).is_empty()).await;
    }
    // The answers of the first attempts are on disk; the slow one is still under way.
    tokio::time::sleep(Duration::from_millis(50)).await;
    out.clock.0.store(DUE.as_millis() + 1, Ordering::Relaxed);
    for (made, expected) in &made {
        let [receipt] = &out.came(made, State::Failed).await[..] else { panic!("one consignment") };
        assert_eq!((receipt.event, reason(receipt).0), (Event::RelayToNonERDSFailure, *expected));
        assert_eq!(receipt.outside.as_ref().unwrap().system, hop("axis"));
    }
    // Its answer comes now, and changes nothing.
    system.go_on.add_permits(10);
    let slow = &made[3].0;
    until("the slow one has taken it", || system.has.lock().unwrap().contains_key(&slow.packet.digest)).await;
    until("nothing is under way", || out.delivery.states().iter().all(|(_, state)| state.normal.under_way == 0)).await;
    assert_eq!(out.came(slow, State::Failed).await[0].event, Event::RelayToNonERDSFailure);
    assert_eq!(out.store.counts().await.unwrap().outbox, 0);
    out.end().await;
}

#[tokio::test]
async fn a_report_ends_what_left_and_one_that_comes_too_early_or_twice_does_nothing() {
    let system = System::new(|_, _| Does::TakesSlowly);
    let out = Out::new(&system, true);
    let made = out.put("reported", 0, &["G09.90", "G10.90"]).await;
    let report = |recipient: Option<&str>, news| Report {
        id: name(made.packet.digest),
        recipient: recipient.map(agency),
        news,
        words: Some("done".to_owned()),
    };
    let tell = async |report| out.delivery.report(&hop("axis"), report).await.unwrap();
    assert_eq!(tell(report(None, News::Received)).await, 0, "the answer has not come yet");
    system.go_on.add_permits(1);
    let left = out.came(&made, State::Outside).await;
    assert!(left.iter().all(|receipt| !receipt.is_terminal()));
    assert_eq!(tell(report(Some("H49.90"), News::Received)).await, 0);
    assert_eq!(tell(report(Some("G10.90"), News::Refused)).await, 1);
    assert_eq!(tell(report(None, News::Received)).await, 1, "the one that is left");
    assert_eq!(tell(report(None, News::Undeliverable)).await, 0, "it has ended");
    let trace = out.trace(&made).await;
    let told: Vec<(State, String)> =
        trace.consignments.iter().map(|one| (one.state, one.receipts.last().unwrap().event.clone())).collect();
    let expected = [(State::HandedOver, "ContentHandover"), (State::Refused, "ConsignmentRejection")];
    assert_eq!(told, expected.map(|(state, event)| (state, event.to_owned())));
    let handover = trace.consignments[0].receipts.last().unwrap();
    assert_eq!(handover.outside.as_ref().and_then(|outside| outside.answer.as_deref()), Some("done"));
    assert!(read_unverified(&handover.jws).unwrap().receipt.credential.is_none(), "nobody here saw the recipient");
    assert!(out.delivery.report(&hop("nation"), report(None, News::Received)).await.is_err());

    // Of another one nothing is heard in time.
    let unheard = out.put("unheard", 0, &["G09.90"]).await;
    system.go_on.add_permits(1);
    out.came(&unheard, State::Outside).await;
    out.clock.0.fetch_add(3_600_001, Ordering::Relaxed);
    let [receipt] = &out.came(&unheard, State::Failed).await[..] else { panic!("one consignment") };
    assert_eq!((receipt.event, reason(receipt).0), (Event::ContentHandoverFailure, "LT-DLV-0006"));
    assert_eq!(receipt.outside.as_ref().unwrap().id, Some(name(unheard.packet.digest)));
    out.end().await;
}

impl Out {
    async fn trace(&self, made: &Made) -> Trace {
        self.store.trace(made.packet.doc_id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn an_outlet_has_a_bounded_number_under_way_urgent_ones_have_their_own_places_and_a_restart_loses_nothing() {
    let system = System::new(|_, _| Does::TakesSlowly);
    let out = Out::new(&system, false);
    let mut made = Vec::new();
    for number in 0..12 {
        made.push(out.put(&format!("normal {number}"), 0, &["G09.90"]).await);
    }
    until("the normal lane is full", || system.at_once.lock().unwrap().0 == 3).await;
    let urgent = out.put("urgent", 2, &["G09.90"]).await;
    until("the urgent one is under way", || !system.calls(urgent.packet.digest).is_empty()).await;
    assert_eq!(system.at_once.lock().unwrap().1, 4);
    let Out { folder, store, stop, tasks, .. } = out;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    // What was under way is unknown, and is sent again by those who start anew.
    let (delivery, clock, stop, tasks) = begin(folder.path(), &store, &system, (false, false, settings()));
    let out = Out { folder, store, delivery, clock, stop, tasks };
    system.go_on.add_permits(100);
    for made in made.iter().chain([&urgent]) {
        out.came(made, State::PassedOutside).await;
    }
    assert_eq!(system.calls(urgent.packet.digest), [false, true]);
    out.end().await;
}

#[tokio::test]
async fn a_system_that_never_answers_holds_no_place_for_ever() {
    let system = System::new(|_, before| if before < 2 { Does::TakesSlowly } else { Does::Takes });
    let out = Out::with(&system, (false, false), Settings { outlet_timeout: Duration::from_millis(20), ..settings() });
    let made = out.put("never answered", 0, &["G09.90"]).await;
    out.came(&made, State::PassedOutside).await;
    assert_eq!(system.calls(made.packet.digest), [false, true, true]);
    out.end().await;
}

#[tokio::test]
async fn of_many_whose_answers_are_lost_refused_or_never_given_each_comes_to_its_one_end() {
    // By a number drawn from the packet's bytes, so that every run is the same.
    let drawn = |digest: Digest, before: usize| (usize::from(digest.as_bytes()[0]) + 7 * before) % 20;
    let system = System::new(move |packet, before| match drawn(packet.digest, before) {
        0 | 1 => Does::TakesUnheard,
        2 | 3 => Does::IsSilent,
        4 => Does::IsDown,
        5 if before == 0 => Does::Refuses,
        _ => Does::Takes,
    });
    let out = Out::new(&system, false);
    let mut made = Vec::new();
    for number in 0..150 {
        made.push(out.put(&format!("one of many {number}"), 0, &["G09.90"]).await);
    }
    let mut unheard = 0;
    for made in &made {
        let digest = made.packet.digest;
        let refused = drawn(digest, 0) == 5;
        let state = if refused { State::Failed } else { State::PassedOutside };
        assert_eq!(out.came(made, state).await.len(), 1);
        unheard += usize::from(system.calls(digest).len() > 1);
        // Said to be outside, and there; refused, and not there.
        assert_eq!(system.has.lock().unwrap().contains_key(&digest), !refused);
    }
    assert!(unheard > 10, "the system misbehaved too little: {unheard}");
    let account = crate::books::account(&out.store, &hop("province-a"), None).await.unwrap();
    let total = account.total;
    assert!(total.balanced && account.differences.is_empty(), "{account:?}");
    assert_eq!((total.accepted, total.passed_outside + total.failed, total.in_flight), (150, 150, 0));
    out.end().await;
}

/// A packet of this name, not in the official form; its attachment has this size.
fn unusual(name: &str, size: usize) -> String {
    let body = fixtures::base64(&vec![7; size]);
    fixtures::D2.replace("@BODY@", &body).replace("Báo cáo", &format!("Báo cáo {name}"))
}

#[tokio::test]
async fn what_is_written_anew_is_the_same_each_time_and_both_digests_are_receipted() {
    let system = System::new(|packet, before| match packet.document_id.as_deref() {
        Some(id) if id.ends_with("refused") => Does::Refuses,
        Some(id) if id.ends_with("as told") => Does::TakesAs(Digest::of(b"told")),
        _ if before < 2 => Does::TakesUnheard,
        _ => Does::Takes,
    });
    let out = Out::with(&system, (false, true), settings());
    let blobs = Blobs::beside(out.folder.path());
    let spooled = || std::fs::read_dir(blobs.spool_folder()).unwrap().count();
    for (name, in_file) in [("small", false), ("large", true)] {
        let text = unusual(name, if in_file { 3 << 20 } else { 3000 });
        let to = ["G09.90", "G10.90"].map(|code| (code, Route::Outlet(hop("axis"))));
        let mut made = letter_of(name, text.as_bytes(), 0, &to);
        let original = made.packet.digest;
        if in_file {
            let mut file = blobs.spool().unwrap();
            std::io::Write::write_all(file.file(), text.as_bytes()).unwrap();
            drop(blobs.keep(file, original).unwrap());
            made.packet.held = Held::File;
        }
        let made = out.put_made(made).await;
        for receipt in out.came(&made, State::PassedOutside).await {
            let sent = receipt.outside.clone().unwrap().sent.unwrap();
            assert!(receipt.packet == original && sent != original);
            let [first, second, third] = &system.bytes(original)[..] else { panic!("three calls") };
            assert!(first == second && second == third && Digest::of(first) == sent);
            let [before, after] =
                [text.as_bytes(), first].map(|bytes| edxml::split(bytes, &Limits::default()).unwrap());
            assert!(says_the_same(&before, &after));
        }
        let call = system.came.lock().unwrap().iter().rfind(|(packet, _)| packet.digest == original).unwrap().0.clone();
        assert_eq!(matches!(call.body, Body::File(_)), in_file);
        until("its file is gone", || spooled() == 0).await;
        if in_file {
            assert_eq!(std::fs::read(blobs.path(original)).unwrap(), text.as_bytes(), "the original stays");
        }
    }
    let refused = out.put_bytes("refused", unusual("refused", 10).as_bytes(), 0, &["G09.90"]).await;
    let [receipt] = &out.came(&refused, State::Failed).await[..] else { panic!("one consignment") };
    let sent = Digest::of(&system.bytes(refused.packet.digest)[0]);
    assert_eq!(receipt.outside.clone().unwrap().sent, Some(sent), "those bytes were refused");
    let told = out.put_bytes("as told", unusual("as told", 10).as_bytes(), 0, &["G09.90"]).await;
    let [receipt] = &out.came(&told, State::PassedOutside).await[..] else { panic!("one consignment") };
    assert_eq!(receipt.outside.clone().unwrap().sent, Some(Digest::of(b"told")), "the adapter knows best");
    // What is in that form already goes as it is, and nothing else is said of it.
    let text = String::from_utf8(system.bytes(told.packet.digest).remove(0)).unwrap().replace("as told", "usual");
    let usual = out.put_bytes("usual", text.as_bytes(), 0, &["G09.90"]).await;
    let [receipt] = &out.came(&usual, State::PassedOutside).await[..] else { panic!("one consignment") };
    assert_eq!(receipt.outside.clone().unwrap().sent, None);
    assert_eq!(system.bytes(usual.packet.digest)[2], text.as_bytes());
    out.end().await;
}

#[tokio::test]
async fn what_cannot_be_written_anew_is_not_sent_otherwise_is_told_and_holds_nobody_up() {
    let system = System::new(|_, _| Does::Takes);
    let out = Out::with(&system, (false, true), settings());
    let odd = out.put("no packet at all", 0, &["G09.90"]).await;
    let mut lost = letter_of("lost", unusual("lost", 10).as_bytes(), 0, &[("G09.90", Route::Outlet(hop("axis")))]);
    lost.packet.held = Held::File;
    let lost = out.put_made(lost).await;
    let told = async |made: &Made| {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let one = out.trace(made).await.consignments.remove(0);
            if let Some(error) = one.last_error {
                return (one.state, error);
            }
            assert!(Instant::now() < deadline, "nothing is told");
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let (state, why) = told(&odd).await;
    assert!(state == State::Queued && why.contains("the packet cannot be read again: LT-EDX"), "{why}");
    let (state, why) = told(&lost).await;
    assert!(state == State::Queued && why.contains("the stored packet cannot be opened"), "{why}");
    // The path is as good as before, and the others have nothing to wait for.
    let axis = hop("axis");
    let attempts = async || {
        let due = out.store.due_outside(&axis, false, 0, 10).await.unwrap();
        due.iter().map(|leaving| leaving.dispatch.attempts).min()
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while attempts().await < Some(3) {
        assert!(Instant::now() < deadline, "they are not tried again");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert_eq!(out.delivery.states()[0].1.normal.failures, 0);
    let good = out.put_bytes("good", unusual("good", 10).as_bytes(), 0, &["G09.90"]).await;
    out.came(&good, State::PassedOutside).await;
    assert!(system.calls(odd.packet.digest).is_empty() && system.calls(lost.packet.digest).is_empty());
    out.clock.0.store(DUE.as_millis() + 1, Ordering::Relaxed);
    for made in [&odd, &lost] {
        let [receipt] = &out.came(made, State::Failed).await[..] else { panic!("one consignment") };
        assert_eq!((receipt.event, reason(receipt).0), (Event::RelayToNonERDSFailure, "LT-DLV-0003"), "it never left");
    }
    out.end().await;
}

#[tokio::test]
async fn recipients_that_are_called_by_themselves_end_by_themselves() {
    let of = |packet: &OutgoingPacket| packet.recipients[0].recipient.clone();
    let system = System::one_by_one(move |packet, _| {
        assert_eq!(packet.recipients.len(), 1);
        match of(packet).as_str() {
            "G10.90" => Does::IsAway,
            "G11.90" => Does::Refuses,
            "G12.90" => Does::IsSilent,
            _ => Does::Takes,
        }
    });
    let out = Out::new(&system, false);
    let made = out.put("four", 0, &["G09.90", "G10.90", "G11.90", "G12.90"]).await;
    let states = async || {
        let trace = out.trace(&made).await;
        trace.consignments.iter().map(|one| one.state).collect::<Vec<State>>()
    };
    let expected = [State::PassedOutside, State::Queued, State::Failed, State::Queued];
    let deadline = Instant::now() + Duration::from_secs(30);
    while states().await != expected {
        assert!(Instant::now() < deadline, "{:?}", states().await);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    // The others are tried again, and who has answered is not called any more.
    until("the rest is tried again", || system.calls_of("G10.90") > 2 && system.calls_of("G12.90") > 2).await;
    assert_eq!((system.calls_of("G09.90"), system.calls_of("G11.90")), (1, 1));
    assert_eq!(states().await, expected);
    out.end().await;
}

#[tokio::test]
async fn a_recipient_that_is_away_keeps_nobody_elses_documents() {
    let system = System::one_by_one(|packet, _| match packet.recipients[0].recipient.as_str() {
        "G10.90" => Does::IsAway,
        _ => Does::Takes,
    });
    // A long pause: what waited for the dead one's sake would not be out in time.
    let settings = Settings { pause: Duration::from_secs(600), longest_pause: Duration::from_secs(600), ..settings() };
    let out = Out::with(&system, (false, false), settings);
    for number in 0..40 {
        out.put(&format!("dead{number}"), 0, &["G10.90"]).await;
    }
    until("the dead one was called", || system.calls_of("G10.90") > 0).await;
    let mut others = Vec::new();
    for number in 0..5 {
        others.push(out.put(&format!("alive{number}"), 0, &["G09.90"]).await);
    }
    for made in &others {
        out.came(made, State::PassedOutside).await;
    }
    let window = Settings::default().outlet_window;
    assert!(system.calls_of("G10.90") <= window, "{} calls of a server that is away", system.calls_of("G10.90"));
    let state = out.delivery.states().into_iter().next().unwrap().1;
    assert_eq!(state.normal.failures, 0, "the way itself is good");
    // Somebody says that it is back: nothing waits.
    let called = system.calls_of("G10.90");
    out.delivery.hurry(&hop("axis"));
    until("it is called again", || system.calls_of("G10.90") > called).await;
    out.end().await;
}
