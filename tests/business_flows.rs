//! Taking a document back, over three gateways: asked by the sender, agreed or refused by the recipient, and after an
//! agreement gone from every gateway while the receipts still prove what became of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::Value;

use lienthong::gateway::Gateway;
use lienthong::scene::{self, HOPS};
use lienthong_contract::DocId;

use support::house::{House, letter};
use support::program::{items, json, text};

/// Across two links from the sender.
const FAR: &str = "H49.90";

/// What this test does with the three gateways.
impl House {
    /// Sends a letter to the far agency and lets it be taken over there; gives its docId and its consignment's id.
    fn delivered(&self, number: u32, size: usize) -> (String, String) {
        let file = self.folder.join(format!("{number}.edxml"));
        std::fs::write(&file, letter(&[FAR], number, "Về việc lấy lại văn bản", size)).unwrap();
        let (code, sent) = self.at("province-a", scene::SENDER, &["send", text(&file)]);
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

fn listed<'a>(page: &'a Value, doc_id: &str) -> Option<&'a Value> {
    items(page).iter().find(|item| item["doc_id"] == doc_id)
}

#[test]
fn a_document_that_is_given_back_is_gone_from_every_gateway_and_its_receipts_still_prove_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = House::open(folder.path());
    // Large enough to be held as files.
    let (doc_id, id) = world.delivered(1, 600_000);
    assert_eq!((world.files(), world.destroyed(&doc_id)), (3, 0));
    let ask = ["recall", &doc_id, "--reason", "Gửi nhầm nơi nhận"];
    let (code, asked) = world.at("province-a", scene::SENDER, &ask);
    assert_eq!((code, asked["statuses"].as_array().unwrap().len()), (0, 1), "{asked:#}");
    // The recipient sees what is asked, and of which document.
    let request = |page: &Value| items(page).iter().any(|item| item["about"]["code"] == "13");
    let page = world.until("province-b", FAR, &["inbox"], request);
    let request = items(&page).iter().find(|item| item["about"]["code"] == "13").unwrap();
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
    let follow = ["trace", &doc_id, "-o", text(&trace)];
    let seen = world.until("province-a", scene::SENDER, &follow, |seen| seen["destroyed_at"].is_string());
    let consignment = &seen["consignments"][0];
    assert_eq!((&consignment["state"], &consignment["recall"]["state"]), (&"handed-over".into(), &"agreed".into()));
    assert_eq!(consignment["current"]["meaning"]["vi"], "đồng ý cập nhật hoặc lấy lại");
    assert_eq!((world.files(), world.destroyed(&doc_id)), (0, 3));
    let copy = world.folder.join("copy.edxml");
    let (code, fetched) = world.at("province-b", FAR, &["fetch", &id, "-o", text(&copy)]);
    assert_eq!((code, &fetched["findings"][0]["code"]), (1, &"LT-FLW-0025".into()), "{fetched:#}");
    assert!(!copy.exists());
    let (code, proof) = json(&["verify", text(&trace), "--certs", world.certs(), "--json"]);
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
    assert_eq!(world.at("province-b", FAR, &["fetch", &id, "-o", text(&copy)]).0, 0);
    world.stop();
}
