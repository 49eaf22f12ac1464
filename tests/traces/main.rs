//! A document's way over three gateways and a real broker, as a collector of OpenTelemetry hears it; and that no document
//! waits for a collector that does not hear.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod collector;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use collector::{Collector, Told};
use lienthong::clock::SystemClock;
use lienthong::config::Traces;
use lienthong::edxml::model::Urgency;
use lienthong::scene::{self, RECIPIENTS, SENDER};
use lienthong::trust::tls::{ClientFiles, client_config};
use lienthong_contract::door::{Acknowledgement, ConsignmentState};
use lienthong_contract::{DocId, HopName};
use lienthong_door_kit::outbound::{Ask, Caller, Load, Waits};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use support::eventually;
use support::letters::{Signed, letter, many, sign};
use support::world::{Setup, World, arrived, inbox, traced};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SUBJECT: &str = "Về việc dấu vết của một văn bản (thí dụ)";

fn told_to(endpoint: String, ratio: f64) -> Traces {
    Traces { endpoint, roots: Vec::new(), authorization_file: None, ratio }
}

/// Calls a gateway as a monitoring system does.
fn caller(world: &World, address: SocketAddr) -> Caller {
    let files = ClientFiles { roots: vec![world.manifest.ca().root], crls: Vec::new(), identity: None, http: true };
    let tls = client_config(&files, Arc::new(SystemClock)).unwrap();
    Caller::new(&format!("https://localhost:{}", address.port()), Some(&tls), Waits::default()).unwrap()
}

async fn metrics(gateway: &Caller) -> String {
    let ask = Ask { method: "GET", path: "/metrics", headers: &[], load: Load::Bytes(Bytes::new()) };
    let answer = gateway.call(ask).await.unwrap();
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.whole(1 << 20).await.unwrap().to_vec()).unwrap()
}

fn of(spans: &[Told], doc_id: DocId) -> Vec<Told> {
    let trace = doc_id.to_string().replace('-', "");
    spans.iter().filter(|told| told.trace() == trace).cloned().collect()
}

/// Each span as `hop: name < hop: name of its parent`, with how often it stands there.
fn tree(spans: &[Told]) -> BTreeMap<String, usize> {
    let named = |told: &Told| format!("{}: {}", told.hop, told.span.name);
    let by_id: BTreeMap<&[u8], &Told> = spans.iter().map(|told| (&told.span.span_id[..], told)).collect();
    assert_eq!(by_id.len(), spans.len(), "each span has an id of its own");
    let mut tree = BTreeMap::new();
    for told in spans {
        let parent = match &told.span.parent_span_id[..] {
            [] => "nothing".to_owned(),
            id => by_id.get(id).map_or_else(|| "a span that is not there".to_owned(), |parent| named(parent)),
        };
        *tree.entry(format!("{} < {parent}", named(told))).or_insert(0) += 1;
    }
    tree
}

#[tokio::test(flavor = "multi_thread")]
async fn a_documents_way_is_one_trace_over_three_gateways() {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let world =
        World::configured(Setup::default(), |_, config| config.traces = Some(told_to(endpoint.clone(), 1.0))).await;
    let sender = world.agency(SENDER, "province-a", 4);
    let recipients = RECIPIENTS.map(|(code, hop)| world.agency(code, hop, 2));
    let codes = RECIPIENTS.map(|(code, _)| code);

    // One in frames, one through the urgent lane, and many that share messages.
    let (large, small) = (scene::example_pdf(3 << 20), scene::example_pdf(4096));
    let mut urgent = letter(SENDER, &codes, 2, &small);
    urgent.urgency = Urgency::Express;
    let mut framed = letter(SENDER, &codes, 1, &large);
    framed.subject = SUBJECT;
    let mut sent: Vec<Signed> = Vec::new();
    for letter in [framed, urgent] {
        sent.push(sign(&letter.packet().unwrap(), &sender.files));
    }
    sent.extend(many(&sender.files, &codes, 3, 60));
    let submitting = sent.iter().map(async |signed| sender.client.submit(&signed.packet(), None).await);
    let documents: Vec<DocId> =
        futures_util::future::join_all(submitting).await.into_iter().map(|s| s.unwrap().doc_id).collect();
    for recipient in &recipients {
        for doc_id in &documents {
            let item = arrived(recipient, *doc_id).await;
            recipient.client.acknowledge(item.id, &Acknowledgement::Accept).await.unwrap();
        }
    }
    for doc_id in &documents {
        traced(&sender, *doc_id, "all is handed over", |trace| {
            trace.consignments.iter().all(|one| one.state == ConsignmentState::HandedOver)
        })
        .await;
    }

    let expected = [
        ("province-a: accept < nothing", 1),
        ("province-a: publish nation < province-a: accept", 1),
        ("nation: receive < province-a: publish nation", 1),
        ("nation: publish province-b < nation: receive", 1),
        ("province-b: receive < nation: publish province-b", 1),
        ("province-a: hand over < province-a: accept", 1),
        ("nation: hand over < nation: receive", 1),
        ("province-b: hand over < province-b: receive", 1),
        // Of two consignments by the nation, of one by the province beyond.
        ("province-a: receipt RelayAcceptance < province-a: accept", 3),
        ("province-a: receipt ContentConsignment < province-a: accept", 2),
        ("province-a: receipt ContentHandover < province-a: accept", 2),
        ("nation: receipt RelayAcceptance < nation: receive", 1),
        ("nation: receipt ContentConsignment < nation: receive", 1),
        ("nation: receipt ContentHandover < nation: receive", 1),
    ];
    let expected: BTreeMap<String, usize> = expected.map(|(step, times)| (step.to_owned(), times)).into();
    for doc_id in &documents {
        let mut now = BTreeMap::new();
        // What is missing is waited for, what is there too much is a fault.
        eventually(&format!("the whole trace of {doc_id}"), async || {
            now = tree(&of(&collector.spans(), *doc_id));
            (now.values().sum::<usize>() >= expected.values().sum()).then_some(())
        })
        .await;
        assert_eq!(now, expected);
    }

    let spans = collector.spans();
    for told in &spans {
        let span = &told.span;
        assert!(span.start_time_unix_nano > 0 && span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
        assert_eq!(told.text("lienthong.doc_id").replace('-', ""), told.trace());
    }
    let first = of(&spans, documents[0]);
    let one = |name: &str| first.iter().find(|told| told.span.name == name).unwrap();
    assert_eq!(one("accept").span.kind(), SpanKind::Server);
    assert_eq!(one("accept").text("lienthong.door"), "native");
    assert_eq!(one("publish nation").span.kind(), SpanKind::Producer);
    assert_eq!(one("receive").span.kind(), SpanKind::Consumer);
    assert_eq!(one("publish nation").text("messaging.message.body.size"), sent[0].bytes.len().to_string());

    // Nothing that a document says, nobody who wrote or got it.
    let words = [SUBJECT, "Về việc", "THI-DU", "H37", "G09", "H49", "Sở", "Ủy ban"];
    for body in collector.bodies() {
        for word in words {
            assert!(!body.contains(word), "{word} in {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_document_waits_for_a_collector_that_does_not_hear() {
    let refusing = Collector::start();
    refusing.answers(400);
    // A port where nobody listens.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = refusing.endpoint();
    let mut world = World::configured(Setup::default(), |_, config| {
        let endpoint =
            if config.hop.name.as_str() == "province-a" { format!("http://{nobody}") } else { endpoint.clone() };
        config.traces = Some(told_to(endpoint, 1.0));
    })
    .await;
    let sender = world.agency(SENDER, "province-a", 4);
    let recipient = world.agency("H49.90", "province-b", 2);
    let sent = many(&sender.files, &["H49.90"], 1, 50);
    let mut documents = BTreeSet::new();
    for signed in &sent {
        documents.insert(sender.client.submit(&signed.packet(), None).await.unwrap().doc_id);
    }
    eventually("everything has arrived", async || {
        let items = inbox(&recipient).await.unwrap();
        (items.iter().map(|item| item.doc_id).collect::<BTreeSet<_>>() == documents).then_some(())
    })
    .await;
    let address = world.gateway("nation").address;
    let nation = caller(&world, address);
    let sample = |page: &str, outcome: &str| {
        let name = format!("lienthong_spans_total{{outcome=\"{outcome}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap()
    };
    let page = eventually("what is refused is dropped and counted", async || {
        let page = metrics(&nation).await;
        (sample(&page, "dropped") >= 100).then_some(page)
    })
    .await;
    assert_eq!(sample(&page, "told"), 0);
    assert!(refusing.bodies().is_empty());

    // It hears again, and is told.
    refusing.answers(0);
    let again = many(&sender.files, &["H49.90"], 51, 1);
    let doc_id = sender.client.submit(&again[0].packet(), None).await.unwrap().doc_id;
    eventually("the collector hears of the next one", async || {
        of(&refusing.spans(), doc_id).iter().any(|told| told.span.name == "receive").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_asks_for_a_secret_gets_the_one_of_the_moment() {
    let (collector, folder) = (Collector::start(), support::folder());
    let file = folder.path().join("collector.secret");
    std::fs::write(&file, "Bearer first\n").unwrap();
    let (hop, clock) = ("province-a".parse::<HopName>().unwrap(), Arc::new(SystemClock));
    let told =
        lienthong::traces::collector::Collector::new(hop.clone(), &collector.endpoint(), None, Some(file.clone()));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let traces = lienthong::traces::Traces::start((hop.clone(), clock), told.unwrap(), 1.0, (&tasks, &stop));
    for secret in ["Bearer first", "Bearer second"] {
        std::fs::write(&file, secret).unwrap();
        let doc_id = DocId::fresh();
        traces.receipt_stored(traces.watch(), (doc_id, "RelayAcceptance", &hop));
        eventually("it is told", async || (!of(&collector.spans(), doc_id).is_empty()).then_some(())).await;
        assert_eq!(collector.authorizations().last().unwrap().as_deref(), Some(secret));
    }
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
