//! Starting: one gateway a folder, nothing left behind by a start that fails, orphans swept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::pki::tests::{Example, NOW, example};
use crate::scene;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> lienthong_contract::Instant {
        NOW
    }
}

fn config(example: &Example, data: &Path) -> Config {
    scene::configuration(&example.manifest, "province-a", data, None).unwrap()
}

async fn start(config: &Config) -> Result<Gateway, StartError> {
    Gateway::start(config, &Hub::new(), Arc::new(Still)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_is_one_gateways_alone_and_free_again_after_it_stopped() {
    let (example, folder) = (example(), tempfile::tempdir().unwrap());
    let first = start(&config(&example, folder.path())).await.unwrap();
    assert!(matches!(start(&config(&example, folder.path())).await, Err(StartError::InUse(_))));
    first.stop().await;
    start(&config(&example, folder.path())).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_leaves_the_folder_free() {
    let (example, folder) = (example(), tempfile::tempdir().unwrap());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut blocked = config(&example, folder.path());
    blocked.api.listen = taken.local_addr().unwrap();
    assert!(matches!(start(&blocked).await, Err(StartError::Listen { .. })));
    let mut other = config(&example, folder.path());
    other.hop.key = other.api.key.clone();
    assert!(matches!(start(&other).await, Err(StartError::Trust(_))));
    start(&config(&example, folder.path())).await.unwrap().stop().await;
    other = config(&example, folder.path());
    other.hop.name = "nation".parse().unwrap();
    assert!(matches!(start(&other).await, Err(StartError::Store(crate::store::Error::OtherHop { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_a_crash_left_before_the_stores_answer_is_swept_at_start() {
    let (example, folder) = (example(), tempfile::tempdir().unwrap());
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut file = blobs.spool().unwrap();
    file.file().write_all(b"never accepted").unwrap();
    let digest = Digest::of(b"never accepted");
    drop(blobs.keep(file, digest).unwrap());
    assert!(blobs.path(digest).exists());
    let gateway = start(&config(&example, folder.path())).await.unwrap();
    assert!(!blobs.path(digest).exists());
    gateway.stop().await;
}

/// Two agencies here are for tests, and one of them sends.
fn canary(example: &crate::pki::Manifest, config: &mut Config, folder: &Path) -> crate::config::Canary {
    let directory = std::fs::read_to_string(&config.directory.file).unwrap();
    let mut directory: toml::Table = directory.parse().unwrap();
    for agency in directory["agency"].as_array_mut().unwrap() {
        let agency = agency.as_table_mut().unwrap();
        if matches!(agency["code"].as_str(), Some("H37.90" | "H37.91")) {
            agency.insert("canary".to_owned(), true.into());
        }
    }
    config.directory.file = folder.join("canaries.toml");
    std::fs::write(&config.directory.file, directory.to_string()).unwrap();
    let files = example.agency("H37.90").unwrap();
    crate::config::Canary {
        agency: "H37.90".parse().unwrap(),
        key: files.sign_key,
        certificate: files.sign_chain,
        every_minutes: 1,
        late_minutes: 5,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateways_metrics_tell_its_books_its_queues_and_its_log() {
    let (example, folder) = (example(), tempfile::tempdir().unwrap());
    let mut config = config(&example, folder.path());
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "0123456789abcdef").unwrap();
    config.webhook.push(crate::config::Webhook {
        name: "one".to_owned(),
        agencies: vec!["H37.91".parse().unwrap()],
        url: "https://localhost:1/".to_owned(),
        secret_file,
        second_secret_file: None,
        roots: config.trust.roots.clone(),
        certificate: None,
        key: None,
    });
    config.outlet = vec![outlet("axis", "K")];
    config.canary = Some(canary(&example.manifest, &mut config, folder.path()));
    let adapters = Adapters::of_this_program().with("scripted", |_, _| Ok(Arc::new(Scripted::default()) as _));
    let gateway = Gateway::start_with(&config, &Hub::new(), Arc::new(Still), &adapters).await.unwrap();
    let all_there = async {
        loop {
            let text = gateway.metrics.text();
            if text.contains("\nlienthong_books_balanced 1\n")
                && text.contains("\nlienthong_waiting{")
                && text.contains("\nlienthong_canary_round_trip_seconds{")
                && text.contains("\nlienthong_alarms{")
                && text.contains("\nlienthong_certificate_days_left{")
            {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(60), all_there).await.unwrap();
    for line in [
        "lienthong_canary_missing 0",
        "lienthong_books_in_flight{kind=\"mailbox\"} 0",
        "lienthong_outbox_packets{link=\"nation\",lane=\"urgent\"} 0",
        "lienthong_oldest_waiting_seconds{kind=\"link\",destination=\"nation\"} 0",
        "lienthong_link_breaker_open{link=\"nation\",lane=\"normal\"} 0",
        "lienthong_link_days_open{link=\"nation\"} 0",
        "lienthong_waiting{kind=\"news\",destination=\"one\"} 0",
        "lienthong_news_failures{subscriber=\"one\"} 0",
        "lienthong_part_ok{part=\"store\"} 1",
        "lienthong_outlet_unseen{outlet=\"axis\"} 0",
        "lienthong_outlet_aside_packets{outlet=\"axis\"} 0",
        "lienthong_outlet_failures{outlet=\"axis\"} 0",
        "lienthong_alarms{kind=\"books-unbalanced\"} 0",
        "lienthong_intake_packets_total{door=\"native\",outcome=\"accepted\"} 0",
        "lienthong_intake_seconds_bucket{door=\"native\",le=\"+Inf\"} 0",
        "lienthong_intake_refusals_total{code=\"other\"} 0",
        "lienthong_ledger_alarms 0",
        "lienthong_ready 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let at = format!("lienthong_books_account_timestamp_seconds {}", NOW.as_seconds());
    assert!(text.lines().any(|line| line.starts_with(&at)), "{at}\n{text}");
    let samples: std::collections::BTreeSet<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split([' ', '{']).next()).collect();
    for family in crate::metrics::ALL {
        let there = samples.contains(family.name) || samples.contains(format!("{}_count", family.name).as_str());
        // The outlet here was asked for nothing yet, and there is no broker.
        let expected = !matches!(family.name, "lienthong_outlet_success_timestamp_seconds" | "lienthong_dead_letters");
        assert_eq!(there, expected, "{}: {samples:?}", family.name);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_judges_by_the_gateways_own_directory_and_asks_for_no_certificate() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (example, folder) = (example(), tempfile::tempdir().unwrap());
    let mut config = config(&example, folder.path());
    config.preview = Some(crate::config::Preview::at(([127, 0, 0, 1], 0).into()));
    let gateway = start(&config).await.unwrap();
    let files = crate::trust::tls::ClientFiles {
        roots: config.trust.roots.clone(),
        crls: Vec::new(),
        identity: None,
        http: false,
    };
    let tls = crate::trust::tls::client_config(&files, Arc::new(Still)).unwrap();
    let ask = async |to: &str| {
        let letter = crate::scene::trial::letter_packet(crate::scene::trial::Use::Waiting, &[to], NOW).unwrap();
        let tcp = tokio::net::TcpStream::connect(gateway.preview_address.unwrap()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(Arc::clone(&tls)).connect(name, tcp).await.unwrap();
        let head = format!(
            "POST /check HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            letter.len()
        );
        stream.write_all(&[head.as_bytes(), &letter].concat()).await.unwrap();
        let mut answer = Vec::new();
        // The other end may close without a farewell.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let (known, unknown) = (ask("H37.91").await, ask("H37.77").await);
    assert!(!known.contains("LT-RUL-0001") && known.contains("\"verdict\""), "{known}");
    assert!(unknown.contains("LT-RUL-0001") && unknown.contains("\"verdict\":\"refuse\""), "{unknown}");
    gateway.stop().await;
}

/// A system outside that has one packet for an agency here and one beyond another system outside, to which nothing gets
/// through at first.
#[derive(Default)]
struct Scripted {
    /// Packets that it has for us, by its names.
    has: Vec<(String, Vec<u8>)>,
    taken: std::sync::Mutex<Vec<(Digest, bool)>>,
    answers: std::sync::Mutex<Vec<bool>>,
}

#[async_trait]
impl lienthong_contract::outlet::Outlet for Scripted {
    async fn send(&self, packet: lienthong_contract::outlet::OutgoingPacket) -> lienthong_contract::outlet::Outcome {
        use lienthong_contract::outlet::{Outcome, Taken};
        self.taken.lock().unwrap().push((packet.digest, packet.again));
        if self.taken.lock().unwrap().len() == 1 {
            return Outcome::Unknown { why: "<html>504</html>".to_owned() };
        }
        Outcome::Taken(Taken { id: "far-1".to_owned(), ..Taken::default() })
    }

    async fn attend(&self, inside: lienthong_contract::outlet::Inside) {
        use lienthong_contract::outlet::{Fetched, News, Report};
        for (id, packet) in &self.has {
            let fetched = Fetched { id: id.clone(), credential: "system H37.02".to_owned(), words: None };
            let upload = Box::pin(futures_util::stream::iter([Ok(Bytes::from(packet.clone()))]));
            let entered = inside.entrance.enter(&inside.outlet, fetched, upload).await.unwrap();
            self.answers.lock().unwrap().push(entered.duplicate);
        }
        loop {
            let report = Report { id: "far-1".to_owned(), recipient: None, news: News::Received, words: None };
            inside.reports.report(&inside.outlet, report).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn outlet(name: &str, prefix: &str) -> crate::config::Outlet {
    crate::config::Outlet {
        name: name.parse().unwrap(),
        adapter: "scripted".to_owned(),
        settings: std::iter::once(("name".to_owned(), name.to_owned())).collect(),
        system: Vec::new(),
        prefixes: vec![prefix.to_owned()],
        default: false,
        report_days: Some(30),
        relay_hours: None,
        urgent_relay_hours: None,
        arriving: crate::config::Arriving::Tolerant,
        bytes: crate::config::SentBytes::Original,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packet_enters_by_one_adapter_and_leaves_by_another_once_whatever_is_repeated() {
    let (example, folder) = (example(), tempfile::tempdir().unwrap());
    let mut config = config(&example, folder.path());
    config.outlet = vec![outlet("axis", "K"), outlet("other", "A")];
    assert!(matches!(start(&config).await, Err(StartError::Outlet { fault, .. }) if fault.key == "adapter"));
    let keys: Vec<String> =
        rehearsal::mistakes(&config, Arc::new(Still)).into_iter().map(|mistake| mistake.key).collect();
    assert_eq!(keys, ["outlet[0].adapter", "outlet[1].adapter"]);

    let attachment = scene::example_pdf(2000);
    let letter = scene::Letter {
        from: "K01.90",
        to: &["H37.91", "A01.90"],
        number: 1,
        date: jiff::civil::date(2026, 9, 21),
        subject: "Về việc thí dụ",
        urgency: edxml::model::Urgency::Normal,
        attachment: &attachment,
    };
    let has = vec![("near-1".to_owned(), letter.packet().unwrap())];
    let near = Arc::new(Scripted { has, ..Scripted::default() });
    let far = Arc::new(Scripted::default());
    let (at_axis, at_other) = (Arc::clone(&near), Arc::clone(&far));
    let adapters = Adapters::of_this_program().with("scripted", move |outlet, _| {
        let system = if outlet.settings["name"] == "axis" { &at_axis } else { &at_other };
        Ok(Arc::clone(system) as _)
    });
    // The second time is after a stop that the system outside knows nothing of.
    for round in 1..=2 {
        let gateway = Gateway::start_with(&config, &Hub::new(), Arc::new(Still), &adapters).await.unwrap();
        let ended = async {
            loop {
                let counts = gateway.store.counts().await.unwrap();
                if counts.handed_over == 1 && near.answers.lock().unwrap().len() == round {
                    return counts;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let counts = tokio::time::timeout(Duration::from_secs(120), ended).await.unwrap();
        assert_eq!((counts.packets, counts.consignments, counts.consigned, counts.outbox), (1, 2, 1, 0));
        gateway.stop().await;
    }
    assert_eq!(*near.answers.lock().unwrap(), [false, true]);
    let sent: Vec<bool> = far.taken.lock().unwrap().iter().map(|(_, again)| *again).collect();
    assert_eq!(sent, [false, true], "sent again until it was answered, and then no more");
    assert!(near.taken.lock().unwrap().is_empty(), "nothing goes back where it came from");
}
