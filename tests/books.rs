//! The books of real gateways, as an operator draws them up with the real binary, and what retention leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use lienthong::client::{ClientError, Packet};
use lienthong::clock::SystemClock;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki;
use lienthong::scene::{self, Agency, HOPS, SENDER};
use lienthong_contract::door::Acknowledgement;
use lienthong_contract::{Clock, ConsignmentId};
use serde_json::Value;

use support::eventually;
use support::house::{House, letter};
use support::program::{answered, json, lienthong};

/// What this test does with the three gateways.
impl House {
    /// The gateways, and the configuration of each as a file.
    fn with_files(folder: &Path) -> Self {
        let options = pki::Options { rsa: false, ..pki::Options::default() };
        let manifest = pki::generate(&folder.join("certs"), &options, SystemClock.now(), &mut |_| {}).unwrap();
        let house = House::of(manifest, folder);
        for (hop, config) in HOPS.into_iter().zip(&house.configs) {
            std::fs::write(folder.join(format!("{hop}.toml")), toml::to_string(config).unwrap()).unwrap();
        }
        house
    }

    fn agency(&self, code: &str, at: &Gateway) -> Agency {
        scene::agency(&self.manifest, code, at.address, 1, Arc::new(SystemClock)).unwrap()
    }

    /// One letter to the three recipients; the first two take it over, the third has not looked yet.
    async fn letter(&self) -> Vec<ConsignmentId> {
        let recipients = scene::RECIPIENTS.map(|(code, _)| code);
        let sender = self.agency(SENDER, &self.gateways[0]);
        let packet = sender.sign(&letter(&recipients, 1, "Về việc đối chiếu sổ", 300_000)).unwrap();
        let submission = sender.client.submit(&Packet::Bytes(packet.into()), None).await.unwrap();
        let mut ids = Vec::new();
        for (gateway, code) in self.gateways.iter().zip(recipients) {
            let recipient = self.agency(code, gateway);
            let client = &recipient.client;
            let arrived = format!("{code} has got it");
            let item = eventually(&arrived, async || client.inbox(None, None, None).await.unwrap().items.pop()).await;
            assert_eq!(item.doc_id, submission.doc_id);
            if code != "H49.90" {
                recipient.client.acknowledge(item.id, &Acknowledgement::Accept).await.unwrap();
            }
            ids.push(item.id);
        }
        ids
    }
}

/// Waits for an account that is as told.
fn account(config: &str, good: impl Fn(&Value) -> bool) -> Value {
    let ask = || {
        let (code, account) = json(&["admin", "account", "--config", config, "--json"]);
        assert_eq!(code == 0, account["total"]["balanced"] == true, "{account:#}");
        account
    };
    answered("the account", ask, good)
}

fn figures(account: &Value) -> [u64; 5] {
    ["accepted", "handed_over", "refused", "failed", "in_flight"].map(|key| account["total"][key].as_u64().unwrap())
}

#[test]
fn an_operator_draws_up_the_books_and_what_is_in_an_archive_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = House::with_files(folder.path());
    let ids = world.runtime.block_on(world.letter());
    let configs = HOPS.map(|hop| folder.path().join(format!("{hop}.toml")).to_str().unwrap().to_owned());

    // Beside the running gateways, from their stores: who passed on what balances at every hop.
    let first = account(&configs[0], |account| figures(account) == [3, 2, 0, 0, 1]);
    assert_eq!((&first["hop"], &first["day"]), (&"province-a".into(), &Value::Null));
    assert_eq!(first["agencies"][0]["agency"], SENDER);
    account(&configs[1], |account| figures(account) == [2, 1, 0, 0, 1]);
    account(&configs[2], |account| figures(account) == [1, 0, 0, 0, 1]);
    let today = SystemClock.now().in_vietnam().date().to_string();
    let of_day = |day: &str| json(&["admin", "account", "--config", &configs[0], "--day", day, "--json"]);
    assert_eq!((figures(&of_day(&today).1), figures(&of_day("2020-02-29").1)), ([3, 2, 0, 0, 1], [0; 5]));
    let no_day = lienthong(&["admin", "account", "--config", &configs[0], "--day", "2020-02-30"]);
    assert_eq!(no_day.status.code(), Some(2));
    let table = lienthong(&["admin", "account", "--config", &configs[0]]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("KHỚP") && table.contains("trục nation") && table.contains(&today), "{table}");

    // An archive of today, at the ministry's hop: everything has ended there but what province-b still has.
    let tar = folder.path().join("today.tar");
    let range = ["--from", &today, "--to", &today, "--out", tar.to_str().unwrap(), "--json"];
    let (code, exported) = json(&[&["admin", "export", "--config", &configs[1]], &range[..]].concat());
    assert_eq!((code, &exported["exported"]["documents"]), (0, &1.into()), "{exported:#}");
    assert_eq!(lienthong(&[&["admin", "export", "--config", &configs[1]], &range[..]].concat()).status.code(), Some(2));
    let unpacked = folder.path().join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    assert!(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&unpacked).status().unwrap().success());
    let check = Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(&unpacked).status();
    assert!(check.unwrap().success());

    // The third takes it over too, so all has ended; a gateway that may delete what was exported does so.
    world.runtime.block_on(async {
        let last = world.agency("H49.90", &world.gateways[2]);
        last.client.acknowledge(ids[2], &Acknowledgement::Accept).await.unwrap();
    });
    account(&configs[1], |account| figures(account) == [2, 2, 0, 0, 0]);
    world.stop();
    world.runtime.block_on(async {
        let mut config = world.configs[1].clone();
        config.retention.after_export = true;
        let nation = Gateway::start(&config, &Hub::new(), Arc::new(SystemClock)).await.unwrap();
        let ministry = world.agency("G09.90", &nation);
        let client = &ministry.client;
        let deleted = async || client.content(ids[1], &mut tokio::io::sink()).await.err();
        let refusal = eventually("the exported body is deleted", deleted).await;
        let problem = ClientError::problem(&refusal).expect("an answer").clone();
        assert_eq!((problem.status, problem.kind.as_str()), (410, "urn:lienthong:problem:gone"));
        assert_eq!(problem.findings[0].code, "LT-BOK-0010");
        nation.stop().await;
    });
    let after = account(&configs[1], |account| account["bodies_deleted"] == 1);
    assert_eq!(figures(&after), [2, 2, 0, 0, 0]);

    // A recount of all receipts agrees with what was kept; a link on which nothing is open needs no settling.
    let (code, recounted) = json(&["admin", "account", "--config", &configs[1], "--recount", "--json"]);
    assert_eq!((code, figures(&recounted), &recounted["bodies_deleted"]), (0, [2, 2, 0, 0, 0], &1.into()));
    let settle = ["admin", "settle", "--config", &configs[1], "--link", "province-a", "--day", "2020-02-29", "--json"];
    assert_eq!(lienthong(&settle).status.code(), Some(2), "a reason is due");
    let (code, settled) = json(&[&settle[..], &["--reason", "x"]].concat());
    assert_eq!((code, &settled["settled"]), (1, &0.into()));

    // A stopped gateway's store, changed behind its back: exit code 1, and the document is named.
    let store = rusqlite::Connection::open(folder.path().join("province-a/store.db")).unwrap();
    store.execute("DELETE FROM consignments WHERE recipient = 'H37.91'", []).unwrap();
    drop(store);
    let (code, account) = json(&["admin", "account", "--config", &configs[0], "--json"]);
    assert_eq!((code, &account["total"]["balanced"]), (1, &false.into()), "{account:#}");
    assert_eq!(account["differences"][0]["consignment"], ids[0].to_string());
    assert_eq!(account["differences"][0]["code"], "LT-BOK-0001");
}
