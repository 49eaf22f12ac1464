//! A province before an axis that loses answers, carries requests out twice, answers with pages of HTML and has two outages:
//! what was accepted at either end arrives at the other exactly once, and the books of both balance.
//!
//! `LIENTHONG_TEST_DOCUMENTS` sets how many documents there are (2,000 unless told otherwise).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures_util::{StreamExt, stream};
use lienthong::clock::SystemClock;
use lienthong::config::{Config, Outlet, OutletSystem};
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::sandbox::{Faults, Sandbox, SecretFrom, Setup, System, Tally};
use lienthong::scene::{self, Agency};
use lienthong_contract::door::{Acknowledgement, ConsignmentState, InboxItem};
use lienthong_contract::{ConsignmentId, Digest, DocId};
use serde_json::Value;

use support::letters::{Signed, many};
use support::program::json;
use support::world::{inbox, keys, submit_stubbornly, traced};
use support::{alone, eventually, folder};

const SECRET: &str = "secret of the province";
/// Documents that a sending system has under way at once.
const AT_ONCE: usize = 16;
/// Requests of each outage.
const OUTAGE: u64 = 40;
/// Documents whose recipient takes them over at the axis, so that the province hears of it.
const TAKEN_OVER: usize = 200;

fn documents() -> usize {
    let asked = std::env::var("LIENTHONG_TEST_DOCUMENTS").ok();
    asked.map_or(2000, |asked| asked.parse().expect("LIENTHONG_TEST_DOCUMENTS is a number"))
}

fn faults(documents: u64) -> Faults {
    // Sending makes one request a document and more where it has to be repeated, so both outages are in the midst of it.
    let outage = |from: u64| from..=from + OUTAGE - 1;
    Faults {
        lost: 5.0,
        doubled: 5.0,
        html: 2.0,
        outages: vec![outage(documents / 4), outage(documents / 2)],
        seed: 4893,
        ..Faults::default()
    }
}

async fn axis(manifest: &Manifest, folder: &Path, faults: Faults) -> Sandbox {
    let system = System {
        id: "lgsp.h37".to_owned(),
        secret: SecretFrom::Text(SECRET.to_owned()),
        agencies: ["H37.90", "H37.91"].map(|code| code.parse().unwrap()).to_vec(),
    };
    let setup = Setup {
        listen: "127.0.0.1:0".parse().unwrap(),
        folder: folder.join("sandbox"),
        keys: Some(manifest.clone()),
        systems: vec![system],
        faults,
    };
    Sandbox::start(setup, Arc::new(SystemClock)).await.unwrap()
}

/// The province: everybody but its own agencies is reached by the axis.
fn province(manifest: &Manifest, folder: &Path, axis: &Sandbox) -> Config {
    let mut config = scene::configuration(manifest, "province-a", &folder.join("province"), None).unwrap();
    config.link.clear();
    let mut directory: toml::Table = std::fs::read_to_string(manifest.directory_file()).unwrap().parse().unwrap();
    for agency in directory["agency"].as_array_mut().unwrap() {
        if agency["hop"].as_str() != Some("province-a") {
            agency["hop"] = "axis".into();
        }
    }
    config.directory.file = folder.join("province-agencies.toml");
    std::fs::write(&config.directory.file, toml::to_string(&directory).unwrap()).unwrap();
    config.delivery.longest_pause_seconds = 1;
    let secret_file = folder.join("of-axis.secret");
    std::fs::write(&secret_file, SECRET).unwrap();
    let settings = [
        ("address", format!("http://{}", axis.address())),
        ("documents_seconds", "1".to_owned()),
        ("statuses_seconds", "1".to_owned()),
        ("reports_seconds", "1".to_owned()),
    ];
    config.outlet = vec![Outlet {
        name: "axis".parse().unwrap(),
        adapter: "vxp".to_owned(),
        settings: settings.map(|(key, value)| (key.to_owned(), value)).into(),
        system: vec![OutletSystem {
            id: "lgsp.h37".to_owned(),
            secret_file,
            second_secret_file: None,
            agencies: Vec::new(),
        }],
        bytes: lienthong::config::SentBytes::Original,
        prefixes: Vec::new(),
        default: true,
        report_days: Some(30),
        relay_hours: None,
        urgent_relay_hours: None,
        arriving: lienthong::config::Arriving::Signed,
    }];
    config.check().unwrap();
    config
}

/// Hands everything in, many at once. The door here behaves.
async fn send(sender: &Agency, signed: Vec<Signed>) -> HashMap<Digest, DocId> {
    let failures = AtomicUsize::new(0);
    let sent = stream::iter(signed).map(async |signed| {
        let submission = submit_stubbornly(&sender.client, &signed, &failures).await;
        (signed.digest, submission.doc_id)
    });
    sent.buffer_unordered(AT_ONCE).collect().await
}

/// Waits until everything is in the mailbox, and looks that each is there once with its bytes.
async fn each_arrived_once(agency: &Agency, sent: &HashMap<Digest, DocId>) -> Vec<InboxItem> {
    let what = format!("everything in the mailbox of {}", agency.files.code);
    let items = eventually(&what, async || {
        let items = inbox(agency).await.unwrap();
        (items.len() >= sent.len()).then_some(items)
    })
    .await;
    let digests: HashSet<Digest> = items.iter().map(|item| item.digest).collect();
    assert_eq!((items.len(), digests.len()), (sent.len(), sent.len()), "each once");
    assert!(digests.iter().all(|digest| sent.contains_key(digest)));
    // A sample of the bytes; the digests are those that the gateways found in them.
    for item in items.iter().step_by(97) {
        let content = agency.client.content(item.id, &mut tokio::io::sink()).await.unwrap();
        assert_eq!(content.digest, item.digest);
    }
    items
}

async fn take_over(agency: &Agency, consignments: Vec<ConsignmentId>) {
    stream::iter(consignments)
        .for_each_concurrent(8, async |id| {
            agency.client.acknowledge(id, &Acknowledgement::Accept).await.unwrap();
        })
        .await;
}

/// The books of the province, counted anew from all receipts.
fn account(config: &Path) -> Value {
    let (code, account) = json(&["admin", "account", "--config", config.to_str().unwrap(), "--recount", "--json"]);
    assert_eq!((code, &account["total"]["balanced"]), (0, &Value::Bool(true)), "{account:#}");
    account["total"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_before_an_axis_that_misbehaves() {
    let _turn = alone();
    let documents = documents();
    assert!(documents >= 2 * TAKEN_OVER, "too few documents to tell");
    let folder = folder();
    let manifest = keys(folder.path(), false);
    let axis = axis(&manifest, folder.path(), faults(documents as u64)).await;
    let config = province(&manifest, folder.path(), &axis);
    let file = folder.path().join("province.toml");
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    let gateway = Gateway::start(&config, &Hub::new(), Arc::new(SystemClock)).await.unwrap();
    let agency = |code: &str, at| scene::agency(&manifest, code, at, AT_ONCE, Arc::new(SystemClock)).unwrap();
    let (one, two) = (agency("H37.90", gateway.address), agency("H37.91", gateway.address));
    let ministry = agency("G09.90", axis.gateway().address);

    // Four fifths go out, one fifth comes in, at the same time.
    let (out, back) = (documents * 4 / 5, documents / 5);
    let count = |count: usize| u32::try_from(count).unwrap();
    let letters = many(&one.files, &["G09.90"], 1, count(out));
    let answers = many(&ministry.files, &["H37.91"], 1, count(back));
    let (sent, answered) = tokio::join!(send(&one, letters), send(&ministry, answers));
    assert_eq!((sent.len(), answered.len()), (out, back), "no two packets under one digest");
    let (at_ministry, at_two) = tokio::join!(each_arrived_once(&ministry, &sent), each_arrived_once(&two, &answered));

    // Nothing is under way any more, and each knows its copy at the axis by the axis' own name.
    eventually("everything has its answer", async || {
        let counts = gateway.store.counts().await.unwrap();
        (counts.outbox == 0 && counts.outside == out as u64).then_some(())
    })
    .await;
    let item = &at_ministry[out / 2];
    let trace = one.client.trace(sent[&item.digest]).await.unwrap();
    let outside = trace.consignments[0].receipts.last().unwrap().outside.clone().unwrap();
    assert_eq!(outside.id, Some(item.doc_id.to_string()));
    // What came in was acknowledged there.
    eventually("every acknowledgement has arrived", async || {
        (axis.gateway().store.counts().await.unwrap().handed_over == back as u64).then_some(())
    })
    .await;

    // What becomes of some of it there is heard here, through the same faults.
    let some: Vec<ConsignmentId> = at_ministry.iter().take(TAKEN_OVER).map(|item| item.id).collect();
    let some_here: Vec<DocId> = at_ministry.iter().take(TAKEN_OVER).map(|item| sent[&item.digest]).collect();
    take_over(&ministry, some).await;
    take_over(&two, at_two.iter().map(|item| item.id).collect()).await;
    for doc_id in [some_here[0], some_here[TAKEN_OVER / 2], some_here[TAKEN_OVER - 1]] {
        traced(&one, doc_id, "its end", |trace| trace.consignments[0].state == ConsignmentState::HandedOver).await;
    }
    let ended = (TAKEN_OVER + back) as u64;
    eventually("every report is here", async || {
        (gateway.store.counts().await.unwrap().handed_over == ended).then_some(())
    })
    .await;
    // Nothing came twice meanwhile.
    assert_eq!(inbox(&ministry).await.unwrap().len(), out - TAKEN_OVER);
    assert_eq!(inbox(&two).await.unwrap().len(), 0);
    let (here, there) = (gateway.store.counts().await.unwrap(), axis.gateway().store.counts().await.unwrap());
    assert_eq!((here.packets, there.packets), (documents as u64, documents as u64));
    assert_eq!((here.failed, here.refused, here.refusals, there.refusals), (0, 0, 0, 0));
    gateway.stop().await;
    let books = account(&file);
    let figure = |key: &str| books[key].as_u64().unwrap();
    assert_eq!((figure("accepted"), figure("handed_over")), (documents as u64, ended), "{books:#}");
    assert_eq!(figure("in_flight"), (out - TAKEN_OVER) as u64);

    let tally: Tally = axis.stop().await;
    println!("{}", serde_json::to_string(&tally).unwrap());
    // It did misbehave.
    assert_eq!(tally.outage, 2 * OUTAGE, "{tally:?}");
    assert!(tally.lost > 0 && tally.doubled > 0 && tally.html_done > 0 && tally.html_not_done > 0, "{tally:?}");
}
