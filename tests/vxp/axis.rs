//! The gateway as a client of the national axis: another gateway, of which it knows nothing but its VXP door, over HTTPS.

use std::path::Path;
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::config::{Config, Outlet, OutletSystem, SentBytes, System, Vxp};
use lienthong::edxml;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::mend::reform::says_the_same;
use lienthong::pki::Manifest;
use lienthong::receipts::jws::read_unverified;
use lienthong::scene::{self, Agency, status_packet};
use lienthong_contract::door::{Acknowledgement, ConsignmentState, InboxItem, Trace};
use lienthong_contract::{Clock, Digest};
use tempfile::TempDir;

use super::support::letters::{Signed, letter, sign};
use super::support::program::json;
use super::support::world::{arrived, inbox, keys, traced};
use super::support::{eventually, folder};

const SECRET: &str = "secret of the province";

/// A province whose only way out is the axis, and the axis, which serves everybody else.
struct Country {
    manifest: Manifest,
    province: Config,
    gateway: Option<Gateway>,
    axis: Gateway,
    _folder: TempDir,
}

impl Country {
    async fn start(bytes: SentBytes) -> Self {
        let folder = folder();
        let manifest = keys(folder.path(), false);
        let axis = axis(&manifest, folder.path());
        if bytes == SentBytes::Sdk {
            needs_no_signature(&axis.directory.file);
        }
        axis.check().unwrap();
        let axis = Gateway::start(&axis, &Hub::new(), Arc::new(SystemClock)).await.unwrap();
        let address = format!("https://localhost:{}/vxp", axis.vxp_address.unwrap().port());
        let mut province = province(&manifest, folder.path(), &address);
        province.outlet[0].bytes = bytes;
        province.check().unwrap();
        let mut country = Self { manifest, province, gateway: None, axis, _folder: folder };
        country.run().await;
        country
    }

    async fn run(&mut self) {
        let gateway = Gateway::start(&self.province, &Hub::new(), Arc::new(SystemClock)).await;
        self.gateway = Some(gateway.unwrap());
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// An agency at the gateway that has its mailbox.
    fn agency(&self, code: &str) -> Agency {
        let at = if code.starts_with("H37") { self.gateway() } else { &self.axis };
        scene::agency(&self.manifest, code, at.address, 1, Arc::new(SystemClock)).unwrap()
    }

    fn signed(&self, from: &str, packet: &[u8]) -> Signed {
        sign(packet, &self.manifest.agency(from).unwrap())
    }

    fn letter(&self, from: &str, to: &[&str], number: u32, size: usize) -> Signed {
        let pdf = scene::example_pdf(size);
        self.signed(from, &letter(from, to, number, &pdf).packet().unwrap())
    }
}

/// Another gateway's directory: agencies of other hops than `own` are served by `others`, or all by `own`.
fn directory(manifest: &Manifest, file: &Path, own: &str, others: &str) {
    let mut directory: toml::Table = std::fs::read_to_string(manifest.directory_file()).unwrap().parse().unwrap();
    for agency in directory["agency"].as_array_mut().unwrap() {
        let hop = if agency["hop"].as_str() == Some(own) { own } else { others };
        agency["hop"] = hop.into();
    }
    std::fs::write(file, toml::to_string(&directory).unwrap()).unwrap();
}

/// Takes packets without a signature from everybody.
fn needs_no_signature(file: &Path) {
    let mut directory: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    for agency in directory["agency"].as_array_mut().unwrap() {
        agency["policy"]["packet_signature"] = "optional".into();
    }
    std::fs::write(file, toml::to_string(&directory).unwrap()).unwrap();
}

fn axis(manifest: &Manifest, folder: &Path) -> Config {
    let mut config = scene::configuration(manifest, "nation", &folder.join("axis"), None).unwrap();
    config.link.clear();
    config.directory.file = folder.join("axis-agencies.toml");
    directory(manifest, &config.directory.file, "nation", "nation");
    let secret_file = folder.join("at-axis.secret");
    std::fs::write(&secret_file, SECRET).unwrap();
    config.system = vec![System {
        id: "lgsp.h37".to_owned(),
        secret_file,
        second_secret_file: None,
        agencies: ["H37.90", "H37.91"].map(|code| code.parse().unwrap()).to_vec(),
        networks: Vec::new(),
    }];
    let mut vxp = Vxp::at("127.0.0.1:0".parse().unwrap());
    let files = manifest.hop("nation").unwrap();
    (vxp.certificate, vxp.key) = (Some(files.tls_chain), Some(files.tls_key));
    vxp.paths = vec!["/vxp".to_owned()];
    config.vxp = Some(vxp);
    config
}

fn province(manifest: &Manifest, folder: &Path, address: &str) -> Config {
    let mut config = scene::configuration(manifest, "province-a", &folder.join("province"), None).unwrap();
    config.link.clear();
    config.directory.file = folder.join("province-agencies.toml");
    directory(manifest, &config.directory.file, "province-a", "axis");
    config.delivery.longest_pause_seconds = 1;
    let secret_file = folder.join("of-axis.secret");
    std::fs::write(&secret_file, format!("{SECRET}\n")).unwrap();
    let settings = [
        ("address", address.to_owned()),
        ("ca_file", manifest.ca().root.to_string_lossy().into_owned()),
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
        prefixes: Vec::new(),
        default: true,
        report_days: Some(30),
        relay_hours: None,
        urgent_relay_hours: None,
        arriving: lienthong::config::Arriving::Signed,
        bytes: SentBytes::Original,
    }];
    config
}

fn events(trace: &Trace, recipient: &str) -> Vec<String> {
    let one = trace.consignments.iter().find(|one| one.recipient.as_str() == recipient).unwrap();
    one.receipts.iter().map(|receipt| receipt.event.clone()).collect()
}

fn state(trace: &Trace, recipient: &str) -> ConsignmentState {
    trace.consignments.iter().find(|one| one.recipient.as_str() == recipient).unwrap().state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_statuses_and_what_became_of_them_go_through_the_axis_both_ways() {
    let mut country = Box::pin(Country::start(SentBytes::Original)).await;
    let (sender, neighbour) = (country.agency("H37.90"), country.agency("H37.91"));
    let (ministry, province_b) = (country.agency("G09.90"), country.agency("H49.90"));
    // Large enough to leave from a file.
    let letter = country.letter("H37.90", &["H37.91", "G09.90", "H49.90"], 1, 700_000);
    let submission = sender.client.submit(&letter.packet(), None).await.unwrap();
    arrived(&neighbour, submission.doc_id).await;
    let first = async |agency: &Agency| {
        eventually("something in the mailbox", async || inbox(agency).await.unwrap().into_iter().next()).await
    };
    let (at_ministry, at_b) = (first(&ministry).await, first(&province_b).await);
    for item in [&at_ministry, &at_b] {
        assert_eq!((item.digest, item.from.as_str()), (letter.digest, "H37.90"));
    }
    assert_eq!(at_ministry.doc_id, at_b.doc_id, "one document at the axis");
    let outside =
        |trace: &Trace| ["G09.90", "H49.90"].iter().all(|code| state(trace, code) == ConsignmentState::Outside);
    let trace = traced(&sender, submission.doc_id, "both outside", outside).await;
    let told = trace.consignments.iter().find(|one| one.recipient.as_str() == "G09.90").unwrap();
    let told = told.receipts[0].outside.clone().unwrap();
    assert_eq!((told.system.as_str(), told.id), ("axis", Some(at_ministry.doc_id.to_string())));
    assert_eq!(told.answer.as_deref(), Some("0 Thanh cong"));

    // What the recipients do with it is heard of, each by itself.
    ministry.client.acknowledge(at_ministry.id, &Acknowledgement::Accept).await.unwrap();
    let refuse = Acknowledgement::Refuse { reason: "Gửi sai nơi nhận".to_owned() };
    province_b.client.acknowledge(at_b.id, &refuse).await.unwrap();
    let ended = |trace: &Trace| {
        state(trace, "G09.90") == ConsignmentState::HandedOver && state(trace, "H49.90") == ConsignmentState::Refused
    };
    let trace = traced(&sender, submission.doc_id, "both ends", ended).await;
    assert_eq!(events(&trace, "G09.90"), ["RelayToNonERDS", "ContentHandover"]);
    assert_eq!(events(&trace, "H49.90"), ["RelayToNonERDS", "ConsignmentRejection"]);
    let words = |trace: &Trace, code: &str| {
        let one = trace.consignments.iter().find(|one| one.recipient.as_str() == code).unwrap();
        one.receipts.last().unwrap().outside.clone().unwrap().answer.unwrap()
    };
    assert!(words(&trace, "H49.90").starts_with("fail "), "{}", words(&trace, "H49.90"));

    // A status and a letter come the other way.
    let name = trace.document_id.clone().unwrap();
    let status = status_packet("G09.90", "H37.90", &name, "03", None, SystemClock.now()).unwrap();
    let status = country.signed("G09.90", &status);
    ministry.client.submit(&status.packet(), None).await.unwrap();
    traced(&sender, submission.doc_id, "the status", |trace| {
        trace.consignments.iter().any(|one| one.current.as_ref().is_some_and(|status| status.code == "03"))
    })
    .await;
    let back = country.letter("G09.90", &["H37.90", "H37.91"], 2, 300_000);
    let at_axis = ministry.client.submit(&back.packet(), None).await.unwrap();
    for agency in [&sender, &neighbour] {
        let item = eventually("the ministry's letter", async || {
            inbox(agency).await.unwrap().into_iter().find(|item| item.digest == back.digest)
        })
        .await;
        let mut content = Vec::new();
        agency.client.content(item.id, &mut content).await.unwrap();
        assert_eq!(content, back.bytes);
        let trace = agency.client.trace(item.doc_id).await.unwrap();
        let submission = trace.submission.as_ref().unwrap();
        assert_eq!(submission.event, "ReceivedFromNonERDS");
        assert_eq!(submission.outside.as_ref().unwrap().id, Some(at_axis.doc_id.to_string()));
    }
    traced(&ministry, at_axis.doc_id, "the province's acknowledgement", |trace| {
        trace.consignments.iter().all(|one| one.state == ConsignmentState::HandedOver)
    })
    .await;

    // Who there is, is known from the axis too.
    let file = country._folder.path().join("province.toml");
    std::fs::write(&file, toml::to_string(&country.province).unwrap()).unwrap();
    let shown = eventually("the axis' list of agencies", async || {
        let args = ["admin", "agencies", "--config", file.to_str().unwrap(), "--outlet", "axis", "--json"];
        let (code, shown) = json(&args);
        (code == 0).then_some(shown)
    })
    .await;
    let listed = shown["agencies"].as_array().unwrap();
    assert!(listed.iter().any(|agency| agency["code"] == "G09.90" && agency["closed"] == false), "{shown}");
    // A restart repeats nothing, and what comes after it goes on; the secret is no longer in the clear by then.
    let key = country._folder.path().join("sealing.key");
    let seal = ["admin", "seal", "--config", file.to_str().unwrap(), "--key", key.to_str().unwrap(), "--json"];
    assert_eq!(json(&seal).1["sealed"].as_array().unwrap().len(), 1);
    assert_eq!(json(&seal).1["sealed_before"], 1);
    let sealed = std::fs::read_to_string(&country.province.outlet[0].system[0].secret_file).unwrap();
    assert!(!sealed.contains(SECRET), "{sealed}");
    country.gateway.take().unwrap().stop().await;
    country.run().await;
    let sender = country.agency("H37.90");
    let letter = country.letter("H37.90", &["G09.90"], 3, 4000);
    let submission = sender.client.submit(&letter.packet(), None).await.unwrap();
    let item = first(&ministry).await;
    assert_eq!((item.digest, inbox(&ministry).await.unwrap().len()), (letter.digest, 1));
    // Awaited since before another restart.
    traced(&sender, submission.doc_id, "outside", |trace| state(trace, "G09.90") == ConsignmentState::Outside).await;
    country.gateway.take().unwrap().stop().await;
    ministry.client.acknowledge(item.id, &Acknowledgement::Accept).await.unwrap();
    country.run().await;
    let sender = country.agency("H37.90");
    traced(&sender, submission.doc_id, "its end", |trace| state(trace, "G09.90") == ConsignmentState::HandedOver).await;
    let counts = country.gateway().store.counts().await.unwrap();
    assert_eq!((counts.packets, counts.outbox), (4, 0), "two letters out, a status and a letter in");
    country.gateway.take().unwrap().stop().await;
    country.axis.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_axis_refuses_ends_with_its_words_and_a_wrong_secret_holds_everything_back() {
    let mut country = Box::pin(Country::start(SentBytes::Original)).await;
    let sender = country.agency("H37.90");
    // It knows no such agency; the others get it all the same.
    let letter = country.letter("H37.90", &["K77.90", "G09.90"], 1, 4000);
    let submission = sender.client.submit(&letter.packet(), None).await.unwrap();
    let trace = traced(&sender, submission.doc_id, "the refusal", |trace| {
        state(trace, "K77.90") == ConsignmentState::Failed && state(trace, "G09.90") == ConsignmentState::Outside
    })
    .await;
    let refused = trace.consignments.iter().find(|one| one.recipient.as_str() == "K77.90").unwrap();
    let receipt = refused.receipts.last().unwrap();
    assert_eq!(receipt.event, "RelayToNonERDSFailure");
    assert!(receipt.reason.as_ref().unwrap().contains("K77.90"), "{:?}", receipt.reason);

    let secret = country.province.outlet[0].system[0].secret_file.clone();
    std::fs::write(&secret, "another secret altogether").unwrap();
    country.gateway.take().unwrap().stop().await;
    country.run().await;
    let sender = country.agency("H37.90");
    let letter = country.letter("H37.90", &["G09.90"], 2, 4000);
    let submission = sender.client.submit(&letter.packet(), None).await.unwrap();
    let trace =
        traced(&sender, submission.doc_id, "the axis' answer", |trace| trace.consignments[0].last_error.is_some())
            .await;
    let (state, error) = (trace.consignments[0].state, trace.consignments[0].last_error.clone().unwrap());
    assert_eq!((state, error.as_str()), (ConsignmentState::Queued, lienthong::mailbox::NOT_SENT_YET));
    // What the axis said, and of which secret, is for those who look after the gateway.
    let store = rusqlite::Connection::open(country.province.hop.data.join("store.db")).unwrap();
    let kept: String = store.query_row("SELECT last_error FROM outbox", [], |row| row.get(0)).unwrap();
    assert!(kept.starts_with("15 ") && kept.contains("secret"), "{kept}");
    drop(store);
    // Mended, it goes on by itself.
    std::fs::write(&secret, SECRET).unwrap();
    traced(&sender, submission.doc_id, "outside", |trace| trace.consignments[0].state == ConsignmentState::Outside)
        .await;
    country.gateway.take().unwrap().stop().await;
    country.axis.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_axis_gets_in_the_official_form_is_the_same_letter_and_the_original_stays() {
    let mut country = Box::pin(Country::start(SentBytes::Sdk)).await;
    let (sender, neighbour) = (country.agency("H37.90"), country.agency("H37.91"));
    let ministry = country.agency("G09.90");
    let split = |bytes: &[u8]| edxml::split(bytes, &edxml::Limits::default()).unwrap();
    let content = async |agency: &Agency, item: &InboxItem| {
        let mut content = Vec::new();
        agency.client.content(item.id, &mut content).await.unwrap();
        content
    };
    // One that stands in memory, one in a file; neither with the official prefixes.
    for (number, size) in [(1, 4000), (2, 700_000)] {
        let pdf = scene::example_pdf(size);
        let usual = letter("H37.90", &["H37.91", "G09.90"], number, &pdf).packet().unwrap();
        let unusual = String::from_utf8(usual).unwrap().replace("<edXML:", "<").replace("</edXML:", "</");
        let original = country.signed("H37.90", unusual.as_bytes());
        let submission = sender.client.submit(&original.packet(), None).await.unwrap();
        let item =
            eventually("the letter at the ministry", async || inbox(&ministry).await.unwrap().into_iter().next()).await;
        let there = content(&ministry, &item).await;
        assert!(item.digest == Digest::of(&there) && item.digest != original.digest);
        let text = String::from_utf8(there.clone()).unwrap();
        assert!(text.contains("<edXML:MessageHeader><edXML:From>") && !text.contains("Signature"), "{text:.2000}");
        let before = split(&original.bytes);
        assert!(says_the_same(&before, &split(&there)));
        assert_eq!(before.bodies[0].digest, Digest::of(&pdf));
        // Both digests are in the receipt: its packet is the original.
        let trace =
            traced(&sender, submission.doc_id, "outside", |trace| state(trace, "G09.90") == ConsignmentState::Outside)
                .await;
        let told = trace.consignments.iter().find(|one| one.recipient.as_str() == "G09.90").unwrap();
        let receipt = told.receipts.iter().find(|receipt| receipt.event == "RelayToNonERDS").unwrap();
        assert_eq!(receipt.outside.as_ref().unwrap().sent, Some(item.digest));
        assert_eq!(read_unverified(&receipt.jws).unwrap().receipt.packet, original.digest);
        // Whoever is served here gets what was signed.
        let here = eventually("the letter next door", async || {
            inbox(&neighbour).await.unwrap().into_iter().find(|item| item.doc_id == submission.doc_id)
        })
        .await;
        assert_eq!(content(&neighbour, &here).await, original.bytes);
        ministry.client.acknowledge(item.id, &Acknowledgement::Accept).await.unwrap();
        traced(&sender, submission.doc_id, "its end", |trace| state(trace, "G09.90") == ConsignmentState::HandedOver)
            .await;
    }
    // A status goes the same way.
    let question = country.letter("G09.90", &["H37.90"], 3, 4000);
    let asked = ministry.client.submit(&question.packet(), None).await.unwrap();
    let item = eventually("the question", async || {
        inbox(&sender).await.unwrap().into_iter().find(|item| item.digest == question.digest)
    })
    .await;
    let name = item.document_id.clone().unwrap();
    let status = status_packet("H37.90", "G09.90", &name, "03", None, SystemClock.now()).unwrap();
    let status = String::from_utf8(status).unwrap().replace("<edXML:", "<").replace("</edXML:", "</");
    let status = country.signed("H37.90", status.as_bytes());
    let answered = sender.client.submit(&status.packet(), None).await.unwrap();
    traced(&ministry, asked.doc_id, "the status", |trace| {
        trace.consignments.iter().any(|one| one.current.as_ref().is_some_and(|status| status.code == "03"))
    })
    .await;
    let trace = traced(&sender, answered.doc_id, "outside", |trace| !trace.consignments[0].receipts.is_empty()).await;
    let sent = trace.consignments[0].receipts[0].outside.as_ref().unwrap().sent.unwrap();
    assert_ne!(sent, status.digest);
    let spool = std::fs::read_dir(country.province.hop.data.join("spool")).unwrap();
    assert_eq!(spool.count(), 0, "nothing of it is left");
    country.gateway.take().unwrap().stop().await;
    country.axis.stop().await;
}
