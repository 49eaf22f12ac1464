//! The link between two hops over a real RabbitMQ: what is confirmed arrives, whatever happens to the broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/rabbitmq.rs"]
mod rabbitmq;
#[path = "support/sink.rs"]
mod sink;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use lienthong::clock::SystemClock;
use lienthong::link::amqp::{AmqpLink, Broker, Limits, Moved, TlsFiles};
use lienthong::link::{Content, Error, Link, Sink, SinkError, Transfer};
use lienthong_contract::{Digest, HopName};
use rabbitmq::{Options, PrivateBroker, ServerTls};
use sink::{Memory, SOON, Taken};
use tempfile::TempDir;

fn hop(name: &str) -> HopName {
    name.parse().unwrap()
}

fn transfer(header: &str, content: &[u8]) -> Transfer {
    let content = Content::Bytes(Bytes::copy_from_slice(content));
    Transfer {
        header: header.as_bytes().to_vec(),
        content,
        urgent: false,
        again: false,
        transfer_id: header.to_owned(),
        trace: None,
    }
}

/// The province `h27` and the nation `vn` know each other; each has a spool below `folder`.
fn broker(url: &str, folder: &Path, me: &str, peer: &str) -> Broker {
    let mut broker = Broker::new("test", url, hop(me), vec![hop(peer)], folder.join(format!("spool-{me}")));
    broker.limits = Limits { frames_quiet_millis: 1500, retry_min_millis: 20, ..Limits::default() };
    broker
}

async fn start(broker: Broker, sink: &Arc<Memory>) -> AmqpLink {
    let sink: Arc<dyn Sink> = sink.clone();
    let link = AmqpLink::start(broker, sink, Arc::new(SystemClock)).unwrap();
    link.wait_connected(60_000).await.unwrap();
    link
}

async fn raw_channel(rabbit: &PrivateBroker) -> (Connection, Channel) {
    let connection = Connection::connect(&rabbit.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// Messages that are ready or in somebody's hands, by queue.
fn messages(rabbit: &PrivateBroker, queue: &str) -> u64 {
    let listed = rabbit.ctl(&["list_queues", "name", "messages", "--no-table-headers"]);
    let line = listed.lines().find(|line| line.split('\t').next() == Some(queue));
    line.and_then(|line| line.split('\t').nth(1)).and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| {
        panic!("no queue {queue} in\n{listed}");
    })
}

async fn wait_for_messages(rabbit: &PrivateBroker, queue: &str, count: u64) {
    let looking = async {
        while messages(rabbit, queue) != count {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(SOON, looking).await.unwrap_or_else(|_| panic!("{queue} never held {count} messages"));
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn spool_files(folder: &Path, me: &str) -> usize {
    fs::read_dir(folder.join(format!("spool-{me}"))).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_small_transfers_arrive_each_way_and_receipts_too() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    let (at_h27, at_vn) = (Memory::new(), Memory::new());
    // Start order does not matter: h27 sends before vn was ever there.
    let h27 = start(broker(&rabbit.url(), folder.path(), "h27", "vn"), &at_h27).await;
    h27.send(&hop("vn"), transfer("early", b"bird")).await.unwrap();
    let vn = start(broker(&rabbit.url(), folder.path(), "vn", "h27"), &at_vn).await;

    let content = noise(10_000);
    let ways = [(&h27, hop("vn")), (&vn, hop("h27"))];
    let all = ways.iter().flat_map(|(link, peer)| (0..1000).map(move |n| (link, peer, n)));
    let mut sends = futures_util::stream::iter(all)
        .map(|(link, peer, n)| link.send(peer, transfer(&format!("t-{n}"), &[&content[..], &[n as u8]].concat())))
        .buffer_unordered(256);
    while let Some(sent) = sends.next().await {
        sent.unwrap();
    }
    drop(sends);
    h27.send_receipts(&hop("vn"), Bytes::from_static(b"batch 1")).await.unwrap();

    for (memory, count) in [(&at_vn, 1001), (&at_h27, 1000)] {
        let taken = memory.until("all transfers", |taken| taken.len() >= count).await;
        let expected: HashSet<(String, Digest)> =
            (0..1000).map(|n| (format!("t-{n}"), Digest::of(&[&content[..], &[n as u8]].concat()))).collect();
        let got: HashSet<(String, Digest)> =
            taken.iter().filter(|t| t.header != "early").map(|t| (t.header.clone(), t.digest)).collect();
        assert_eq!(taken.len(), count, "an undisturbed link delivers once");
        assert!(got == expected && taken.iter().all(|t| !t.as_file && !t.urgent));
    }
    let mut receipts = at_vn.receipts.subscribe();
    tokio::time::timeout(SOON, receipts.wait_for(|all| !all.is_empty())).await.unwrap().unwrap();
    assert_eq!(at_vn.receipts.borrow()[..], [Bytes::from_static(b"batch 1")]);
    h27.stop().await;
    vn.stop().await;
    assert!(!h27.state().connected);
    for queue in ["packets.vn", "packets.h27", "receipts.vn", "dead.vn"] {
        wait_for_messages(&rabbit, queue, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_messages_without_a_queue_are_unroutable_even_among_others() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    let (at_h27, at_vn) = (Memory::new(), Memory::new());
    let h27 = start(broker(&rabbit.url(), folder.path(), "h27", "vn"), &at_h27).await;
    let vn = start(broker(&rabbit.url(), folder.path(), "vn", "h27"), &at_vn).await;

    // Few at once and fast, so that the broker answers for several, routed and not, in one acknowledgement.
    let mut sends = futures_util::stream::iter(0..6000)
        .map(|n| {
            let peer = hop(if n % 3 == 0 { "nowhere" } else { "vn" });
            let h27 = &h27;
            async move { (n, h27.send(&peer, transfer(&format!("t-{n}"), b"x")).await) }
        })
        .buffer_unordered(24);
    while let Some((n, sent)) = sends.next().await {
        match sent {
            Ok(()) => assert_ne!(n % 3, 0, "t-{n} went nowhere and was called sent"),
            Err(error @ Error::Unroutable { .. }) => {
                assert_eq!(n % 3, 0, "t-{n}: {error}");
                assert!(error.is_retryable());
            }
            Err(error) => panic!("t-{n}: {error}"),
        }
    }
    drop(sends);
    at_vn.until("the others", |taken| taken.len() == 4000).await;

    // An operator deletes the queue of a known peer: told once, mended, and the next try succeeds.
    vn.stop().await;
    let (_connection, channel) = raw_channel(&rabbit).await;
    channel.queue_delete("packets.vn".into(), QueueDeleteOptions::default()).await.unwrap();
    let told = h27.send(&hop("vn"), transfer("again", b"x")).await;
    assert!(matches!(told, Err(Error::Unroutable { .. })), "{told:?}");
    h27.send(&hop("vn"), transfer("again", b"x")).await.unwrap();

    // A queue of ours with other properties is named, and nothing pretends to be connected.
    let mut other = broker(&rabbit.url(), folder.path(), "h27", "vn");
    other.limits.delivery_limit = 7;
    other.spool = folder.path().join("other");
    let link = AmqpLink::start(other, at_h27.clone(), Arc::new(SystemClock)).unwrap();
    let error = link.wait_connected(3_000).await.unwrap_err().to_string();
    assert!(error.contains("packets.h27") && error.contains("x-delivery-limit"), "{error}");
}

/// Waits until each faulty one was offered so often.
async fn at_vn_asked(at_vn: &Memory, times: usize) {
    let looking = async {
        while ["bad-1", "bad-2"].iter().any(|name| at_vn.asked(name) < times) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, looking).await.expect("they are offered again");
}

/// What the link says was set aside.
async fn until_aside(link: &AmqpLink, count: u32) {
    let looking = async {
        while link.state().set_aside != Some(count) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(SOON, looking).await.unwrap_or_else(|_| panic!("{count} were never set aside"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_put_back_and_taken_once_it_can_be_or_is_let_go_of() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    let mended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&mended);
    let at_vn = Memory::answering(Duration::ZERO, move |header, _| match header {
        _ if seen.load(Ordering::Relaxed) => Ok(()),
        "good" => Ok(()),
        _ => Err(SinkError::Poison { why: "a hop that is not known".to_owned() }),
    });
    let at_h27 = Memory::new();
    let h27 = start(broker(&rabbit.url(), folder.path(), "h27", "vn"), &at_h27).await;
    let vn = start(broker(&rabbit.url(), folder.path(), "vn", "h27"), &at_vn).await;
    let content = noise(700_000);
    for (name, urgent) in [("good", false), ("bad-1", false), ("bad-2", true)] {
        h27.send(&hop("vn"), Transfer { urgent, ..transfer(name, b"x") }).await.unwrap();
    }
    // Not by a gateway: nobody can say where it belongs.
    let (_connection, channel) = raw_channel(&rabbit).await;
    let publish = async |queue: &str, body: &[u8]| {
        let (nobody, options) = (ShortString::default(), BasicPublishOptions::default());
        channel.basic_publish(nobody, queue.into(), options, body, BasicProperties::default()).await.unwrap();
    };
    publish("dead.vn", b"stray").await;
    publish("packets.vn", &content).await;
    wait_for_messages(&rabbit, "dead.vn", 4).await;
    assert_eq!(at_vn.taken.borrow().len(), 1);

    // Put back too early they come again; the stray one stays where it is.
    assert_eq!(vn.put_back(100).await.unwrap(), Moved { moved: 3, left: 1 });
    at_vn_asked(&at_vn, 2).await;
    mended.store(true, Ordering::Relaxed);
    // On their way back they are for a while in no queue, and the broker's counts come late.
    let mut looks = 0;
    while at_vn.taken.borrow().len() < 3 {
        assert!(vn.put_back(100).await.unwrap().left <= 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        looks += 1;
        assert!(looks < 200, "what was mended is taken");
    }
    let taken = at_vn.taken.borrow().clone();
    let taken: HashSet<(&str, bool)> = taken.iter().map(|one| (one.header.as_str(), one.urgent)).collect();
    assert_eq!(taken, HashSet::from([("good", false), ("bad-1", false), ("bad-2", true)]));
    // The stray one, and what is no message of a gateway: never taken, and let go of one after the other.
    let (mut gone, mut looks) = (0, 0);
    while gone < 2 {
        let moved = vn.let_go(1).await.unwrap();
        assert!(moved.moved <= 1 && moved.left == 0, "{moved:?}");
        gone += moved.moved;
        tokio::time::sleep(Duration::from_millis(300)).await;
        looks += 1;
        assert!(looks < 200, "both are let go of");
    }
    wait_for_messages(&rabbit, "dead.vn", 0).await;
    until_aside(&vn, 0).await;
    assert_eq!(vn.put_back(100).await.unwrap(), Moved::default());
    assert_eq!(h27.state().set_aside, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_never_was_there_disturbs_no_other() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    let (at_h27, at_vn) = (Memory::new(), Memory::new());
    start(broker(&rabbit.url(), folder.path(), "vn", "h27"), &at_vn).await.stop().await;
    // An account as a deployed one: it declares its own queues and writes to the others.
    rabbit.ctl(&["add_user", "h27", "h27"]);
    let own = r"^((packets|receipts|frames)\.h27(\.urgent)?|dead\.h27|lienthong\.dead)$";
    rabbit.ctl(&["set_permissions", "-p", "/", "h27", own, ".*", ".*"]);
    let mut strict = broker(&format!("amqp://h27:h27@127.0.0.1:{}", rabbit.port()), folder.path(), "h27", "vn");
    strict.peers.push(hop("away"));
    let h27 = start(strict, &at_h27).await;
    for n in 0..30 {
        let to_nobody = h27.send(&hop("away"), transfer(&format!("nobody-{n}"), b"x")).await;
        assert!(matches!(to_nobody, Err(Error::Unroutable { .. })), "{to_nobody:?}");
        h27.send(&hop("vn"), transfer(&format!("nation-{n}"), b"x")).await.unwrap();
    }
    assert_eq!(h27.state().last_error, None);
    // When it comes, what was refused is taken.
    let (at_away, mut away) = (Memory::new(), broker(&rabbit.url(), folder.path(), "away", "h27"));
    away.spool = folder.path().join("spool-away");
    let _away = start(away, &at_away).await;
    h27.send(&hop("away"), transfer("at-last", b"x")).await.unwrap();
    at_away.until("the neighbour", |taken| taken.len() == 1).await;
}

/// A frame as the sender's link makes it.
async fn publish_frame(channel: &Channel, id: &str, index: usize, count: usize, bytes: &[u8], whole: &[u8]) {
    let mut headers = FieldTable::default();
    headers.insert("transfer_id".into(), AMQPValue::LongString(id.into()));
    let offset = index * (512 << 10);
    for (name, number) in [("index", index), ("count", count), ("offset", offset), ("total", whole.len())] {
        headers.insert(name.into(), AMQPValue::LongLongInt(number as i64));
    }
    let properties =
        BasicProperties::default().with_type("lt.frame".into()).with_app_id("h27".into()).with_headers(headers);
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "frames.vn".into(), options, bytes, properties).await.unwrap().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_megabytes_travel_in_frames_whatever_is_doubled_or_forged() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    // "Not now" twice: the file must still be there the third time.
    let at_vn = Memory::answering(Duration::ZERO, |_, times| match times {
        1 | 2 => Err(SinkError::Retry { why: "busy".to_owned() }),
        _ => Ok(()),
    });
    let h27 = start(broker(&rabbit.url(), folder.path(), "h27", "vn"), &Memory::new()).await;
    let vn = start(broker(&rabbit.url(), folder.path(), "vn", "h27"), &at_vn).await;
    let whole = noise(30 * 1_000_000 + 17);
    let path = folder.path().join("big");
    fs::write(&path, &whole).unwrap();
    let frame_bytes = 512 << 10;
    let count = whole.len().div_ceil(frame_bytes);
    let frame = |index: usize| &whole[index * frame_bytes..whole.len().min((index + 1) * frame_bytes)];

    // Some frames are there before, out of order and doubled, as after a cut.
    let (_connection, channel) = raw_channel(&rabbit).await;
    for index in [count - 1, 3, 3, 0, 3] {
        publish_frame(&channel, "big", index, count, frame(index), &whole).await;
    }
    let big = Transfer {
        header: b"big".to_vec(),
        content: Content::File { path, len: whole.len() as u64 },
        urgent: false,
        again: false,
        transfer_id: "big".to_owned(),
        trace: None,
    };
    h27.send(&hop("vn"), big.clone()).await.unwrap();
    // The same frames with other bytes must not change what was accepted.
    publish_frame(&channel, "big", 3, count, &noise(frame_bytes)[..], &whole).await;
    let taken = at_vn.until("the large packet", |taken| !taken.is_empty()).await;
    let expected = Taken { header: "big".to_owned(), digest: Digest::of(&whole), as_file: true, urgent: false };
    assert_eq!(taken.as_slice(), std::slice::from_ref(&expected));
    assert_eq!(at_vn.asked("big"), 3);

    // A resend, this time from memory and urgent, is whole again.
    let again = Transfer {
        content: Content::Bytes(Bytes::from(whole.clone())),
        urgent: true,
        transfer_id: "again".to_owned(),
        ..big
    };
    h27.send(&hop("vn"), again).await.unwrap();
    let taken = at_vn.until("the resend", |taken| taken.len() == 2).await;
    assert_eq!(taken[1], Taken { urgent: true, ..expected });

    // A final message whose frames never come is let go of; bad frames become dead letters.
    publish_frame(&channel, "bad", 9, 3, b"beyond", &whole).await;
    let mut headers = FieldTable::default();
    headers.insert("transfer_id".into(), AMQPValue::LongString("lost".into()));
    for (name, number) in [("index", 3), ("count", 3), ("offset", 3000), ("total", 3000)] {
        headers.insert(name.into(), AMQPValue::LongLongInt(number));
    }
    let properties =
        BasicProperties::default().with_type("lt.framed".into()).with_app_id("h27".into()).with_headers(headers);
    let options = BasicPublishOptions::default();
    let body = [0, 0, 0, 1, b'h'];
    channel.basic_publish("".into(), "packets.vn".into(), options, &body, properties).await.unwrap().await.unwrap();
    for (queue, count) in [("packets.vn", 0), ("frames.vn", 0), ("frames.vn.urgent", 0), ("dead.vn", 1)] {
        wait_for_messages(&rabbit, queue, count).await;
    }
    vn.stop().await;
    // Only the forged late frame may have begun a new, never completed file.
    assert!(spool_files(folder.path(), "vn") <= 1);
    drop(start(broker(&rabbit.url(), folder.path(), "vn", "h27"), &at_vn).await);
    assert_eq!(spool_files(folder.path(), "vn"), 0, "a start empties the spool");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_arrives_though_the_broker_is_killed() {
    let folder = TempDir::new().unwrap();
    let mut rabbit = PrivateBroker::start(folder.path(), Options::default());
    let at_vn = Memory::new();
    let mut sending = broker(&rabbit.url(), folder.path(), "h27", "vn");
    // So far off that the test would not wait for it: what is pending must fail with the connection.
    sending.limits.confirm_millis = 3_600_000;
    let h27 = Arc::new(start(sending, &Memory::new()).await);
    let vn = start(broker(&rabbit.url(), folder.path(), "vn", "h27"), &at_vn).await;

    let confirmed = Arc::new(Mutex::new(HashSet::new()));
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let senders: Vec<_> = (0..64)
        .map(|sender| {
            let (h27, confirmed, stop) = (h27.clone(), confirmed.clone(), stop.clone());
            tokio::spawn(async move {
                let mut failures = 0;
                for n in 0.. {
                    if stop.load(std::sync::atomic::Ordering::SeqCst) {
                        break;
                    }
                    let header = format!("t-{sender}-{n}");
                    match h27.send(&hop("vn"), transfer(&header, &noise(5000))).await {
                        Ok(()) => drop(confirmed.lock().unwrap().insert(header)),
                        Err(error) => {
                            assert!(error.is_retryable(), "{error}");
                            failures += 1;
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    }
                }
                failures
            })
        })
        .collect();
    at_vn.until("traffic", |taken| taken.len() > 500).await;
    // A queue that came back dead would have lost what was confirmed: looked at in another test.
    rabbit.keep_new_queues();
    for _ in 0..2 {
        let before = at_vn.taken.borrow().len();
        rabbit.kill_dash_nine();
        let down = async {
            while h27.state().connected || vn.state().connected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(SOON, down).await.expect("the cut is noticed");
        assert!(matches!(h27.send(&hop("vn"), transfer("down", b"x")).await, Err(Error::NotConnected { .. })));
        rabbit.restart();
        at_vn.until("traffic after the restart", |taken| taken.len() > before + 500).await;
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut all_failures = 0;
    for sender in senders {
        let ended = tokio::time::timeout(SOON, sender).await.expect("what was pending fails with the connection");
        all_failures += ended.unwrap();
    }
    assert!(all_failures > 0, "the broker was killed amid sending");
    let mut missing = confirmed.lock().unwrap().clone();
    let everything = async {
        while !missing.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            for taken in at_vn.taken.borrow().iter() {
                missing.remove(&taken.header);
            }
        }
    };
    if tokio::time::timeout(5 * SOON, everything).await.is_err() {
        let queues = rabbit.ctl(&["list_queues", "name", "state", "messages_ready", "messages_unacknowledged"]);
        panic!(
            "{} confirmed did not arrive, as {:?}; {queues}; {:?}",
            missing.len(),
            missing.iter().next(),
            vn.state()
        );
    }
    h27.wait_connected(60_000).await.unwrap();
    assert!(h27.state().last_error.is_some());
}

/// Publishes something that nobody reads.
async fn lay_into(rabbit: &PrivateBroker, queue: &str) {
    let (_connection, channel) = raw_channel(rabbit).await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (options, durable) = (BasicPublishOptions::default(), BasicProperties::default().with_delivery_mode(2));
    channel.basic_publish("".into(), queue.into(), options, b"kept", durable).await.unwrap().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_that_came_back_dead_are_made_anew_by_their_owner_and_no_other_is() {
    let folder = TempDir::new().unwrap();
    let mut rabbit = PrivateBroker::start(folder.path(), Options::default());
    let (url, at_vn) = (rabbit.url(), Memory::new());
    let quick = |me: &str, peer: &str, renew_after: u32| {
        let mut broker = broker(&url, folder.path(), me, peer);
        broker.limits = Limits { attach_millis: 2_000, renew_after, confirm_millis: 5_000, ..broker.limits };
        broker
    };
    let h27 = start(quick("h27", "vn", 3), &Memory::new()).await;
    start(quick("vn", "h27", 3), &at_vn).await.stop().await;
    h27.send_receipts(&hop("vn"), Bytes::from_static(b"waits")).await.unwrap();
    lay_into(&rabbit, "dead.vn").await;
    for queue in ["packets.vn", "packets.vn.urgent"] {
        rabbit.forget_queue("/", queue);
    }
    rabbit.kill_dash_nine();
    rabbit.restart();

    // Its neighbour cannot send, and does not touch it. Its owner, told never to make a queue anew, names it.
    h27.wait_connected(60_000).await.unwrap();
    let error = h27.send(&hop("vn"), transfer("after", b"x")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let never = AmqpLink::start(quick("vn", "h27", 0), at_vn.clone(), Arc::new(SystemClock)).unwrap();
    let error = never.wait_connected(12_000).await.unwrap_err().to_string();
    assert!(error.contains("no consumer") && error.contains("packets.vn.urgent, packets.vn"), "{error}");
    never.stop().await;

    let vn = start(quick("vn", "h27", 3), &at_vn).await;
    assert_eq!((vn.state().queues_renewed, h27.state().queues_renewed, never.state().queues_renewed), (2, 0, 0));
    for urgent in [false, true] {
        let sending = async {
            while let Err(error) = h27.send(&hop("vn"), Transfer { urgent, ..transfer("again", b"x") }).await {
                assert!(error.is_retryable(), "{error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(SOON, sending).await.expect("the sender gets through again");
        at_vn.until("what was sent again", |taken| taken.iter().any(|t| t.urgent == urgent)).await;
    }
    // What lay in the queues that were sound is still there.
    let mut receipts = at_vn.receipts.subscribe();
    let arrived = tokio::time::timeout(SOON, receipts.wait_for(|all| !all.is_empty()));
    assert_eq!(arrived.await.unwrap().unwrap()[..], [Bytes::from_static(b"waits")]);
    wait_for_messages(&rabbit, "dead.vn", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_transfer_overtakes_a_backlog() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    let at_vn = Memory::answering(Duration::from_millis(50), |_, _| Ok(()));
    let h27 = start(broker(&rabbit.url(), folder.path(), "h27", "vn"), &Memory::new()).await;
    let mut slow = broker(&rabbit.url(), folder.path(), "vn", "h27");
    slow.limits.prefetch = 4;
    let vn = start(slow, &at_vn).await;
    let content = noise(20_000);
    let peer = hop("vn");
    let backlog: FuturesUnordered<_> =
        (0..1000).map(|n| h27.send(&peer, transfer(&format!("n-{n}"), &content))).collect();
    assert!(backlog.all(|sent| async move { sent.is_ok() }).await);
    let urgent = Transfer { urgent: true, ..transfer("urgent", &content) };
    h27.send(&hop("vn"), urgent).await.unwrap();
    let taken = at_vn.until("the urgent one", |taken| taken.iter().any(|t| t.urgent)).await;
    assert!(taken.len() < 900, "{} normal ones came first", taken.len());
    drop(vn);
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_set_aside_and_the_rest_goes_on() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    let at_vn = Memory::answering(Duration::ZERO, |header, times| match header {
        "poison" => Err(SinkError::Poison { why: "not JSON".to_owned() }),
        "panic" => panic!("a defect in the sink"),
        "later" if times < 4 => Err(SinkError::Retry { why: "disk full".to_owned() }),
        _ => Ok(()),
    });
    let limits = |mut broker: Broker| {
        broker.limits.delivery_limit = 2;
        broker
    };
    let h27 = start(limits(broker(&rabbit.url(), folder.path(), "h27", "vn")), &Memory::new()).await;
    let vn = start(limits(broker(&rabbit.url(), folder.path(), "vn", "h27")), &at_vn).await;
    for header in ["poison", "panic", "later", "good"] {
        h27.send(&hop("vn"), transfer(header, b"x")).await.unwrap();
    }
    // Something else publishes nonsense.
    let (_connection, channel) = raw_channel(&rabbit).await;
    let nonsense = BasicProperties::default().with_type("lt.packet".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "packets.vn".into(), options, b"\0", nonsense).await.unwrap().await.unwrap();

    wait_for_messages(&rabbit, "dead.vn", 3).await;
    let taken = at_vn.until("the good ones", |taken| taken.len() == 2).await;
    let headers: HashSet<&str> = taken.iter().map(|t| t.header.as_str()).collect();
    assert_eq!(headers, HashSet::from(["good", "later"]));
    assert_eq!(at_vn.asked("later"), 4, "held and offered again, beyond the delivery limit of the queue");
    assert_eq!(at_vn.asked("poison"), 1);
    assert_eq!(at_vn.asked("panic"), 3, "delivered, and twice again");
    wait_for_messages(&rabbit, "packets.vn", 0).await;
    drop(vn);
}

/// Packets in one message, as a busy link sends them.
fn pack(headers: &[&str]) -> Vec<u8> {
    let mut pack = Vec::new();
    for header in headers {
        let body = [&(header.len() as u32).to_be_bytes()[..], header.as_bytes(), b"x"].concat();
        pack.extend_from_slice(&(body.len() as u32).to_be_bytes());
        pack.extend_from_slice(&body);
    }
    pack
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_that_shares_a_message_is_none_the_worse_for_its_neighbours() {
    let folder = TempDir::new().unwrap();
    let rabbit = PrivateBroker::start(folder.path(), Options::default());
    let at_vn = Memory::answering(Duration::ZERO, |header, times| match header {
        "poison" => Err(SinkError::Poison { why: "not JSON".to_owned() }),
        "panic" => panic!("a defect in the sink"),
        "later" if times < 3 => Err(SinkError::Retry { why: "disk full".to_owned() }),
        _ => Ok(()),
    });
    let mut limited = broker(&rabbit.url(), folder.path(), "vn", "h27");
    limited.limits.delivery_limit = 2;
    let vn = start(limited, &at_vn).await;
    let (_connection, channel) = raw_channel(&rabbit).await;
    let publish = async |body: &[u8]| {
        let properties = BasicProperties::default().with_type("lt.pack".into()).with_delivery_mode(2);
        let publish =
            channel.basic_publish("".into(), "packets.vn".into(), BasicPublishOptions::default(), body, properties);
        publish.await.unwrap().await.unwrap();
    };
    publish(&pack(&["one", "later", "two"])).await;
    publish(&pack(&["three", "poison", "four"])).await;
    publish(&pack(&["five", "panic"])).await;
    let whole = pack(&["six", "seven"]);
    publish(&whole[..whole.len() - 1]).await;
    publish(b"").await;

    wait_for_messages(&rabbit, "dead.vn", 4).await;
    wait_for_messages(&rabbit, "packets.vn", 0).await;
    for header in ["one", "two", "three", "four"] {
        assert_eq!(at_vn.asked(header), 1, "{header}");
    }
    assert_eq!((at_vn.asked("later"), at_vn.asked("poison")), (3, 1));
    assert_eq!((at_vn.asked("five"), at_vn.asked("panic")), (3, 3), "delivered, and twice again");
    assert_eq!(at_vn.asked("six"), 0, "a pack that is cut short is not taken in part");
    let taken: HashSet<String> = at_vn.taken.borrow().iter().map(|taken| taken.header.clone()).collect();
    assert_eq!(taken, ["one", "later", "two", "three", "four", "five"].map(str::to_owned).into());
    drop(vn);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_client_certificate_is_the_login() {
    let folder = TempDir::new().unwrap();
    let pki = |name: &str| folder.path().join(name);
    let ours = Pki::new(&folder, "ours");
    let (cert, key) = ours.issue(&folder, "server", "localhost");
    let client = ours.issue(&folder, "client", "guest");
    let strangers = Pki::new(&folder, "strangers").issue(&folder, "stranger", "guest");
    let tls = ServerTls { ca: pki("ours.pem"), cert, key };
    let rabbit = PrivateBroker::start(folder.path(), Options { tls: Some(tls), ..Options::default() });

    let secure = |me: &str, peer: &str, ca: &str, (cert, key): &(std::path::PathBuf, std::path::PathBuf)| {
        let mut broker = broker(&rabbit.tls_url(), folder.path(), me, peer);
        broker.tls = Some(TlsFiles { ca: pki(ca), cert: cert.clone(), key: key.clone() });
        broker
    };
    let at_vn = Memory::new();
    let h27 = start(secure("h27", "vn", "ours.pem", &client), &Memory::new()).await;
    let _vn = start(secure("vn", "h27", "ours.pem", &client), &at_vn).await;
    h27.send(&hop("vn"), transfer("secret", b"x")).await.unwrap();
    at_vn.until("the transfer", |taken| taken.len() == 1).await;

    for (ca, identity) in [("ours.pem", &strangers), ("strangers.pem", &client)] {
        let link = AmqpLink::start(secure("h28", "vn", ca, identity), at_vn.clone(), Arc::new(SystemClock)).unwrap();
        let error = link.wait_connected(3_000).await.unwrap_err();
        assert!(matches!(error, Error::NotConnected { .. }), "{error}");
        assert!(!error.to_string().contains("not yet connected"), "the reason is told: {error}");
    }
}

/// A certification authority of the test.
struct Pki(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

impl Pki {
    fn new(folder: &TempDir, name: &str) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.path().join(format!("{name}.pem")), issuer.pem()).unwrap();
        Self(issuer)
    }

    fn issue(&self, folder: &TempDir, file: &str, name: &str) -> (std::path::PathBuf, std::path::PathBuf) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let cert = params.signed_by(&key, &self.0).unwrap();
        let path = |ending: &str| folder.path().join(format!("{file}.{ending}"));
        fs::write(path("pem"), cert.pem()).unwrap();
        fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("pem"), path("key"))
    }
}
