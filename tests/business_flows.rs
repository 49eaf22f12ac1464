//! Taking a document back, over three gateways: asked by the sender, agreed or refused by the recipient, and after an
//! agreement gone from every gateway while the receipts still prove what became of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use lienthong::clock::SystemClock;
use lienthong::edxml::model::Urgency;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene::{self, HOPS, Letter};
use lienthong_contract::{Clock, DocId};

/// How long anything may take that happens between gateways.
const DEADLINE: Duration = Duration::from_secs(60);
/// Across two links from the sender.
const FAR: &str = "H49.90";

struct World {
    gateways: Vec<Gateway>,
    folder: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn open(folder: &Path) -> Self {
        let certs = folder.join("certs");
        assert_eq!(json(&["certs", "--out", certs.to_str().unwrap(), "--json"]).0, 0);
        let manifest = Manifest::load(&certs).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let hub = Hub::new();
        let start = |hop: &str| {
            let config = scene::configuration(&manifest, hop, &folder.join(hop), None).unwrap();
            runtime.block_on(Gateway::start(&config, &hub, Arc::new(SystemClock))).unwrap()
        };
        Self { gateways: HOPS.into_iter().map(start).collect(), folder: folder.to_owned(), runtime }
    }

    /// A command of this agency at this hop, answered in JSON.
    fn at(&self, hop: &str, agency: &str, args: &[&str]) -> (i32, Value) {
        let gateway = self.gateways.iter().find(|gateway| gateway.hop.as_str() == hop).unwrap();
        let (address, certs) = (format!("https://localhost:{}", gateway.address.port()), self.folder.join("certs"));
        let tail = ["--gateway", &address, "--as", agency, "--certs", certs.to_str().unwrap(), "--json"];
        json(&[args, &tail].concat())
    }

    fn until(&self, hop: &str, agency: &str, args: &[&str], good: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let (_, answer) = self.at(hop, agency, args);
            if good(&answer) {
                return answer;
            }
            assert!(start.elapsed() < DEADLINE, "{args:?} as {agency}: {answer:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends a letter to the far agency and lets it be taken over there; gives its docId and its consignment's id.
    fn delivered(&self, number: u32, size: usize) -> (String, String) {
        let letter = Letter {
            from: scene::SENDER,
            to: &[FAR],
            number,
            date: SystemClock.now().in_vietnam().date(),
            subject: "Về việc lấy lại văn bản",
            urgency: Urgency::Normal,
            attachment: &scene::example_pdf(size),
        };
        let file = self.folder.join(format!("{number}.edxml"));
        std::fs::write(&file, letter.packet().unwrap()).unwrap();
        let (code, sent) = self.at("province-a", scene::SENDER, &["send", file.to_str().unwrap()]);
        assert_eq!(code, 0, "{sent:#}");
        let doc_id = sent["results"][0]["doc_id"].as_str().unwrap().to_owned();
        let page = self.until("province-b", FAR, &["inbox"], |page| listed(page, &doc_id).is_some());
        let id = listed(&page, &doc_id).unwrap()["id"].as_str().unwrap().to_owned();
        assert_eq!(self.at("province-b", FAR, &["ack", &id]).0, 0);
        (doc_id, id)
    }

    /// Packets that stand as files at any gateway.
    fn files(&self) -> usize {
        let shelves =
            HOPS.into_iter().flat_map(|hop| std::fs::read_dir(self.folder.join(hop).join("packets")).unwrap());
        shelves.map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap().count()).sum()
    }

    /// At how many gateways the content of this document is destroyed.
    fn destroyed(&self, doc_id: &str) -> usize {
        let doc_id: DocId = doc_id.parse().unwrap();
        let gone = |gateway: &&Gateway| {
            self.runtime.block_on(gateway.store.trace(doc_id)).unwrap().unwrap().destroyed_at.is_some()
        };
        self.gateways.iter().filter(gone).count()
    }
}

fn json(args: &[&str]) -> (i32, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lienthong"));
    for name in ["LIENTHONG_GATEWAY", "LIENTHONG_AS", "LIENTHONG_CERTS"] {
        command.env_remove(name);
    }
    let output = command.args(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}\n{stderr}"));
    (output.status.code().unwrap(), value)
}

fn listed<'a>(page: &'a Value, doc_id: &str) -> Option<&'a Value> {
    page["items"].as_array().unwrap().iter().find(|item| item["doc_id"] == doc_id)
}

#[test]
fn a_document_that_is_given_back_is_gone_from_every_gateway_and_its_receipts_still_prove_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    // Large enough to be held as files.
    let (doc_id, id) = world.delivered(1, 600_000);
    assert_eq!((world.files(), world.destroyed(&doc_id)), (3, 0));
    let ask = ["recall", &doc_id, "--reason", "Gửi nhầm nơi nhận"];
    let (code, asked) = world.at("province-a", scene::SENDER, &ask);
    assert_eq!((code, asked["statuses"].as_array().unwrap().len()), (0, 1), "{asked:#}");
    // The recipient sees what is asked, and of which document.
    let request = |page: &Value| page["items"].as_array().unwrap().iter().any(|item| item["about"]["code"] == "13");
    let page = world.until("province-b", FAR, &["inbox"], request);
    let request = page["items"].as_array().unwrap().iter().find(|item| item["about"]["code"] == "13").unwrap();
    assert_eq!(
        (&request["about"]["doc_id"], &request["subject"]),
        (&doc_id.as_str().into(), &"Gửi nhầm nơi nhận".into())
    );
    assert_eq!(world.destroyed(&doc_id), 0);
    // A gateway on the way lets nobody else answer.
    let stranger = world.at("nation", "G09.90", &["recall", &doc_id, "--answer", "agree"]);
    assert_eq!(stranger.0, 1);
    let (code, answered) = world.at("province-b", FAR, &["recall", &doc_id, "--answer", "agree"]);
    assert_eq!(code, 0, "{answered:#}");
    let trace = world.folder.join("trace.json");
    let follow = ["trace", &doc_id, "-o", trace.to_str().unwrap()];
    let seen = world.until("province-a", scene::SENDER, &follow, |seen| seen["destroyed_at"].is_string());
    let consignment = &seen["consignments"][0];
    assert_eq!((&consignment["state"], &consignment["recall"]["state"]), (&"handed-over".into(), &"agreed".into()));
    assert_eq!(consignment["current"]["meaning"]["vi"], "đồng ý cập nhật hoặc lấy lại");
    assert_eq!((world.files(), world.destroyed(&doc_id)), (0, 3));
    let copy = world.folder.join("copy.edxml");
    let (code, fetched) = world.at("province-b", FAR, &["fetch", &id, "-o", copy.to_str().unwrap()]);
    assert_eq!((code, &fetched["findings"][0]["code"]), (1, &"LT-FLW-0025".into()), "{fetched:#}");
    assert!(!copy.exists());
    let certs = world.folder.join("certs");
    let (code, proof) = json(&["verify", trace.to_str().unwrap(), "--certs", certs.to_str().unwrap(), "--json"]);
    assert_eq!((code, &proof["verdict"]), (0, &"valid".into()), "{proof:#}");
    assert_eq!(proof["receipts"], proof["receipts_verified"]);

    // Another one is kept by its recipient.
    let (kept, id) = world.delivered(2, 3_000);
    let ask = ["recall", &kept, "--reason", "Cần sửa"];
    assert_eq!(world.at("province-a", scene::SENDER, &ask).0, 0);
    let asked = |seen: &Value| seen["consignments"][0]["recall"]["state"] == "asked";
    world.until("province-b", FAR, &["trace", &kept], asked);
    let refuse = ["recall", &kept, "--answer", "refuse", "--reason", "Đã xử lý xong"];
    assert_eq!(world.at("province-b", FAR, &refuse).0, 0);
    let refused = |seen: &Value| seen["consignments"][0]["recall"]["state"] == "refused";
    let seen = world.until("province-a", scene::SENDER, &["trace", &kept], refused);
    assert_eq!(seen["consignments"][0]["recall"]["answer"], "Đã xử lý xong");
    assert_eq!(world.destroyed(&kept), 0);
    assert_eq!(world.at("province-b", FAR, &["fetch", &id, "-o", copy.to_str().unwrap()]).0, 0);
    for gateway in world.gateways {
        world.runtime.block_on(gateway.stop());
    }
}
