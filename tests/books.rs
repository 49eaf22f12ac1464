//! The books of real gateways, as an operator draws them up with the real binary, and what retention leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lienthong::client::{ClientError, Packet};
use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::edxml::model::Urgency;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::{self, Manifest};
use lienthong::scene::{self, Agency, HOPS, Letter, SENDER};
use lienthong_contract::door::Acknowledgement;
use lienthong_contract::{Clock, ConsignmentId};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(60);

fn lienthong(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lienthong")).args(args).output().unwrap()
}

fn json(args: &[&str]) -> (i32, Value) {
    let output = lienthong(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}\n{stderr}"));
    (output.status.code().unwrap(), value)
}

struct World {
    manifest: Manifest,
    configs: Vec<Config>,
    gateways: Vec<Gateway>,
}

impl World {
    async fn start(folder: &Path) -> Self {
        let options = pki::Options { rsa: false, ..pki::Options::default() };
        let manifest = pki::generate(&folder.join("certs"), &options, SystemClock.now(), &mut |_| {}).unwrap();
        let (hub, mut configs, mut gateways) = (Hub::new(), Vec::new(), Vec::new());
        for hop in HOPS {
            let config = scene::configuration(&manifest, hop, &folder.join(hop), None).unwrap();
            std::fs::write(folder.join(format!("{hop}.toml")), toml::to_string(&config).unwrap()).unwrap();
            gateways.push(Gateway::start(&config, &hub, Arc::new(SystemClock)).await.unwrap());
            configs.push(config);
        }
        Self { manifest, configs, gateways }
    }

    fn agency(&self, code: &str, at: &Gateway) -> Agency {
        scene::agency(&self.manifest, code, at.address, 1, Arc::new(SystemClock)).unwrap()
    }

    /// One letter to the three recipients; the first two take it over, the third has not looked yet.
    async fn letter(&self) -> Vec<ConsignmentId> {
        let recipients = scene::RECIPIENTS.map(|(code, _)| code);
        let letter = Letter {
            from: SENDER,
            to: &recipients,
            number: 1,
            date: SystemClock.now().in_vietnam().date(),
            subject: "Về việc đối chiếu sổ",
            urgency: Urgency::Normal,
            attachment: &scene::example_pdf(300_000),
        };
        let sender = self.agency(SENDER, &self.gateways[0]);
        let packet = sender.sign(&letter.packet().unwrap()).unwrap();
        let submission = sender.client.submit(&Packet::Bytes(packet.into()), None).await.unwrap();
        let mut ids = Vec::new();
        for (gateway, code) in self.gateways.iter().zip(recipients) {
            let recipient = self.agency(code, gateway);
            let start = Instant::now();
            let item = loop {
                let mut page = recipient.client.inbox(None, None, None).await.unwrap();
                if let Some(item) = page.items.pop() {
                    break item;
                }
                assert!(start.elapsed() < DEADLINE, "{code} has got nothing");
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
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
    let start = Instant::now();
    loop {
        let (code, account) = json(&["admin", "account", "--config", config, "--json"]);
        assert_eq!(code == 0, account["total"]["balanced"] == true, "{account:#}");
        if good(&account) {
            return account;
        }
        assert!(start.elapsed() < DEADLINE, "{account:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn figures(account: &Value) -> [u64; 5] {
    ["accepted", "handed_over", "refused", "failed", "in_flight"].map(|key| account["total"][key].as_u64().unwrap())
}

#[test]
fn an_operator_draws_up_the_books_and_what_is_in_an_archive_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut world = runtime.block_on(World::start(folder.path()));
    let ids = runtime.block_on(world.letter());
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
    runtime.block_on(async {
        let last = world.agency("H49.90", &world.gateways[2]);
        last.client.acknowledge(ids[2], &Acknowledgement::Accept).await.unwrap();
    });
    account(&configs[1], |account| figures(account) == [2, 2, 0, 0, 0]);
    runtime.block_on(async {
        for gateway in std::mem::take(&mut world.gateways) {
            gateway.stop().await;
        }
        let mut config = world.configs[1].clone();
        config.retention.after_export = true;
        let nation = Gateway::start(&config, &Hub::new(), Arc::new(SystemClock)).await.unwrap();
        let ministry = world.agency("G09.90", &nation);
        let start = Instant::now();
        let refusal = loop {
            if let Err(refusal) = ministry.client.content(ids[1], &mut tokio::io::sink()).await {
                break refusal;
            }
            assert!(start.elapsed() < DEADLINE, "the exported body is still there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
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
