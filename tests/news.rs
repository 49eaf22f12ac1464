//! Systems hear of what has come and of what became of it without asking: over HTTPS from a running gateway, and from a
//! queue of a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use lienthong::clock::SystemClock;
use lienthong::config::{NewsQueue, Webhook};
use lienthong::link::amqp::Broker;
use lienthong::news::queue::Queue;
use lienthong::news::{Channel, Item, Notice, What};
use lienthong::scene::{RECIPIENTS, SENDER};
use lienthong_contract::Clock;
use lienthong_contract::door::{Acknowledgement, ConsignmentState};
use support::hook::{FIRST_ANSWERS, Hook, NEXT_SECRET, SECRET};
use support::letters::{letter, sign};
use support::program::{json, text};
use support::rabbitmq::{Options, PrivateBroker};
use support::world::{Setup, World, arrived};
use support::{eventually, folder};

/// What it was told after it had turned away the first calls.
fn items(hook: &Hook) -> Vec<Item> {
    let calls = hook.calls.lock().unwrap();
    let taken = calls.iter().skip(FIRST_ANSWERS.len());
    taken.flat_map(|call| serde_json::from_value::<Vec<Item>>(call.body["data"]["items"].clone()).unwrap()).collect()
}

fn secret_file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_and_a_queue_hear_what_a_document_comes_to() {
    let [(local, _), (ministry, _), _] = RECIPIENTS;
    let (hook, listener) = Hook::listen(FIRST_ANSWERS).await;
    let mut waiting = Some(listener);
    let world = World::configured(Setup::default(), |folder, config| match config.hop.name.as_str() {
        "province-a" => {
            config.webhook.push(Webhook {
                name: "van-ban".to_owned(),
                agencies: vec![local.parse().unwrap(), SENDER.parse().unwrap()],
                url: format!("https://localhost:{}/lien-thong", hook.port),
                secret_file: secret_file(folder, "webhook", &format!("{SECRET}\n")),
                second_secret_file: Some(secret_file(folder, "webhook.next", NEXT_SECRET)),
                roots: config.api.client_roots.clone(),
                certificate: None,
                key: None,
            });
        }
        "nation" => {
            let broker = config.broker[0].name.clone();
            let agencies = vec![ministry.parse().unwrap()];
            config.news_queue.push(NewsQueue { name: "bo".to_owned(), agencies, broker, queue: None });
        }
        _ => {}
    })
    .await;
    hook.serve(waiting.take().unwrap(), &world.manifest);

    let sender = world.agency(SENDER, "province-a", 2);
    let to = [local, ministry];
    let letter = letter(SENDER, &to, 12, b"%PDF-1.4 vi du");
    let signed = sign(&letter.packet().unwrap(), &sender.files);
    let doc_id = sender.client.submit(&signed.packet(), None).await.unwrap().doc_id;
    let here = eventually("the webhook hears of the arrival", async || items(&hook).into_iter().next()).await;
    assert_eq!((here.event, here.agency.as_str(), here.doc_id), (What::Arrived, local, doc_id));
    assert_eq!((here.from.as_str(), here.document_id.as_deref()), (SENDER, Some(letter.document_id().as_str())));

    // It is the consignment that can be fetched and answered; the sender hears what became of it.
    let recipient = world.agency(local, "province-a", 2);
    recipient.client.acknowledge(here.consignment, &Acknowledgement::Accept).await.unwrap();
    let far = world.agency(ministry, "nation", 2);
    eventually("the queue holds the news", async || (world.messages("news.nation.bo") == 1).then_some(())).await;
    let there = arrived(&far, doc_id).await;
    let reason = "Văn bản gửi nhầm cơ quan.";
    far.client.acknowledge(there.id, &Acknowledgement::Refuse { reason: reason.to_owned() }).await.unwrap();
    let items =
        eventually("the sender hears of both ends", async || Some(items(&hook)).filter(|items| items.len() == 3)).await;
    let ends: HashSet<_> = items[1..]
        .iter()
        .map(|item| (item.event, item.recipient.as_str(), item.state, item.reason.as_deref()))
        .collect();
    assert_eq!(
        ends,
        HashSet::from([
            (What::Ended, local, Some(ConsignmentState::HandedOver), None),
            (What::Ended, ministry, Some(ConsignmentState::Refused), Some(reason)),
        ])
    );

    // An operator tries the way by hand, and one that nobody listens on.
    let config = world.folder.path().join("province-a.toml");
    let admin = |more: &[&str]| json(&[&["admin", "news", "--config", text(&config), "--json"], more].concat());
    let (code, tried) = admin(&["--try", "van-ban"]);
    assert_eq!((code, tried["taken"].as_bool()), (0, Some(true)), "{tried}");
    let (code, tried) = admin(&["--try", "van-ban", "--set", "webhook[0].url=https://localhost:1/lien-thong"]);
    assert_eq!((code, tried["taken"].as_bool()), (1, Some(false)), "{tried}");
    let (code, listed) = admin(&[]);
    assert_eq!((code, listed["subscribers"][0]["waiting"].as_u64()), (0, Some(0)), "{listed}");

    let calls = hook.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|call| call.signed_by == [true, true]), "{calls:?}");
    assert!(calls[..=FIRST_ANSWERS.len()].iter().all(|call| call.id == calls[0].id && call.body == calls[0].body));
    let last = calls.last().unwrap();
    assert_eq!(
        (last.body["type"].as_str(), last.body["data"]["items"].as_array().map(Vec::len)),
        (Some("trial"), Some(0))
    );
    assert!(!calls[0].body.to_string().contains("Trích yếu"), "{}", calls[0].body);
}

fn item(number: u8) -> Item {
    Item {
        id: lienthong_contract::Digest::of(&[number]),
        event: What::Arrived,
        agency: "H37.91".parse().unwrap(),
        time: SystemClock.now(),
        consignment: lienthong_contract::ConsignmentId::fresh(),
        doc_id: lienthong_contract::DocId::fresh(),
        kind: "document".to_owned(),
        document_id: None,
        code: None,
        from: "H37.90".parse().unwrap(),
        recipient: "H37.91".parse().unwrap(),
        urgency: 0,
        size: 10,
        state: None,
        reason: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_keeps_news_over_a_restart_of_its_broker() {
    let folder = folder();
    let mut rabbit = PrivateBroker::start(folder.path(), Options::default());
    let me: lienthong_contract::HopName = "province-a".parse().unwrap();
    let broker = |rabbit: &PrivateBroker| {
        Broker::new("test", &rabbit.url(), me.clone(), Vec::new(), folder.path().join("spool"))
    };
    let channel = Queue::new(broker(&rabbit), "news.province-a.one");
    let first = Notice::of(&me, vec![item(1), item(2)], SystemClock.now());
    channel.tell(&first).await.unwrap();
    rabbit.keep_new_queues();
    rabbit.restart();
    let second = Notice::of(&me, vec![item(3)], SystemClock.now());
    // Its connection is gone: it says so, and the next try opens another.
    eventually("the broker takes news again", async || channel.tell(&second).await.ok()).await;

    let connection = Connection::connect(&rabbit.url(), ConnectionProperties::default()).await.unwrap();
    let consuming = connection.create_channel().await.unwrap();
    let options = BasicConsumeOptions::default();
    let queue = "news.province-a.one".into();
    let mut consumer = consuming.basic_consume(queue, "reader".into(), options, FieldTable::default()).await.unwrap();
    for number in [1, 2, 3] {
        let delivery = consumer.next().await.unwrap().unwrap();
        let told: Item = serde_json::from_slice(&delivery.data).unwrap();
        let properties = &delivery.properties;
        assert_eq!(told.id, item(number).id);
        assert_eq!(properties.message_id().as_ref().unwrap().as_str(), told.id.to_string());
        assert_eq!((properties.delivery_mode(), properties.kind().as_ref().unwrap().as_str()), (&Some(2), "arrived"));
        delivery.ack(BasicAckOptions::default()).await.unwrap();
    }
    rabbit.stop();
}
