//! The files that operators and integrators copy from: example configurations and the schema of receipts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::gateway::rehearsal;
use lienthong::pki;
use lienthong::receipts::{Checks, ConsignedTo, Event, Fact, Outside, Reason, Receipt};
use lienthong_contract::{Blame, Clock, ConsignmentId, Digest, DocId, Instant};
use serde_json::{Value, json};

#[test]
fn the_example_configurations_have_no_mistake_but_the_files_an_operator_must_bring() {
    for name in ["province.toml", "nation.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
        let mistakes = Config::load(&path, &[]).expect_err("the key files are not in the tree").0;
        assert!(!mistakes.is_empty());
        for mistake in mistakes {
            assert!(mistake.en.starts_with("no such file: "), "{name}: {mistake}");
        }
    }
}

#[test]
fn the_files_of_the_example_pki_fit_the_example_configurations_as_the_guide_says() {
    let folder = tempfile::tempdir().unwrap();
    let (certs, system) = (folder.path().join("certs"), folder.path().join("system"));
    let options = pki::Options { rsa: false, ..pki::Options::default() };
    pki::generate(&certs, &options, SystemClock.now(), &mut |_| {}).unwrap();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let guide = fs::read_to_string(deploy.join("README.md")).unwrap();
    for (configuration, hop) in [("province.toml", "province-a"), ("nation.toml", "nation")] {
        let rows = guide.lines().filter_map(|line| {
            let (from, to) = line.strip_prefix("| `")?.split_once("` | `/etc/")?;
            Some((certs.join(from.replace("province-a", hop)), system.join(to.split('`').next()?)))
        });
        for (from, to) in rows {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        }
        let file = system.join("lienthong/lienthong.toml");
        fs::copy(deploy.join(configuration), &file).unwrap();
        let config = Config::load(&file, &[]).unwrap();
        assert_eq!(rehearsal::mistakes(&config, Arc::new(SystemClock)), Vec::new(), "{configuration}");
        // The same with the VXP door.
        let door = fs::read_to_string(deploy.join("vxp.toml")).unwrap();
        let with_door = system.join("lienthong/with-vxp.toml");
        fs::write(&with_door, fs::read_to_string(&file).unwrap() + "\n" + &door).unwrap();
        let secret = system.join("lienthong/systems/H37.90.secret");
        fs::create_dir_all(secret.parent().unwrap()).unwrap();
        let load = |text: &str| {
            fs::write(&secret, text).unwrap();
            Config::load(&with_door, &[]).map(|config| rehearsal::mistakes(&config, Arc::new(SystemClock))).unwrap()
        };
        assert_eq!(load("a secret\n"), Vec::new(), "{configuration}");
        let outlet = fs::read_to_string(deploy.join("outlet-vxp.toml")).unwrap();
        let with_outlet = system.join("lienthong/with-outlet.toml");
        fs::write(&with_outlet, fs::read_to_string(&file).unwrap() + "\n" + &outlet).unwrap();
        fs::write(system.join("lienthong/systems/axis-H37.secret"), "a secret of some length\n").unwrap();
        fs::copy(certs.join("ca/root.pem"), system.join("lienthong/trust/axis-root.pem")).unwrap();
        let config = Config::load(&with_outlet, &[]).unwrap();
        assert_eq!(rehearsal::mistakes(&config, Arc::new(SystemClock)), Vec::new(), "{configuration}");
        for (change, to, key) in [
            ("\naddress = \"https://", "\naddress = \"https://user@", "settings.address"),
            ("ca_file =", "# ca_file =", "settings.ca_file"),
            ("documents_seconds = \"60\"", "documents_seconds = \"0\"", "settings.documents_seconds"),
            ("statuses_seconds =", "hash = \"sha1\"\nstatuses_seconds =", "settings.hash"),
            ("statuses_seconds =", "key_file = \"tls.key\"\nstatuses_seconds =", "settings.key_file"),
            ("reports_seconds =", "report_seconds =", "settings.report_seconds"),
        ] {
            let text = fs::read_to_string(&file).unwrap() + "\n" + &outlet;
            assert!(text.contains(change), "{change}");
            fs::write(&with_outlet, text.replacen(change, to, 1)).unwrap();
            let config = Config::load(&with_outlet, &[]).unwrap();
            let found = rehearsal::mistakes(&config, Arc::new(SystemClock));
            let keys: Vec<&str> = found.iter().map(|mistake| mistake.key.as_str()).collect();
            assert_eq!(keys, [format!("outlet[0].{key}")], "{found:?}");
        }
        let xroad = fs::read_to_string(deploy.join("xroad.toml")).unwrap();
        let with_xroad = system.join("lienthong/with-xroad.toml");
        fs::write(system.join("lienthong/systems/security-server.secret"), "a secret of some length\n").unwrap();
        let judged = |text: &str| -> Vec<String> {
            fs::write(&with_xroad, fs::read_to_string(&file).unwrap() + "\n" + text).unwrap();
            let found = match Config::load(&with_xroad, &[]) {
                Ok(config) => rehearsal::mistakes(&config, Arc::new(SystemClock)),
                Err(mistakes) => mistakes.0,
            };
            found.into_iter().map(|mistake| mistake.key).collect()
        };
        assert_eq!(judged(&xroad), Vec::<String>::new(), "{configuration}");
        for (change, to, keys) in [
            ("service = \"/r1", "service = \"r1", &["outlet[0].settings.service"][..]),
            ("client = ", "# client = ", &["outlet[0].settings.client"]),
            ("organ = \"CS:", "organ = \"C S:", &["outlet[0].settings.organ"]),
            ("adapter = \"xroad\"", "adapter = \"xroad\"\nreport_days = 3", &["outlet[0].report_days"]),
            ("outlet = \"xroad\"", "outlet = \"other\"", &["xroad.outlet"]),
            ("system = \"security-server\"", "system = \"other\"", &["xroad.system"]),
            ("listen = \"0.0.0.0:8448\"", "listen = \"0.0.0.0:8448\"\nplain_http = true", &["xroad.plain_http"]),
        ] {
            assert!(xroad.contains(change), "{change}");
            assert_eq!(judged(&xroad.replacen(change, to, 1)), keys, "{change}");
        }
        let others = fs::read_to_string(deploy.join("facades.toml")).unwrap();
        let secret = system.join("lienthong/systems/H37.91.secret");
        fs::write(&secret, "a secret\n").unwrap();
        let with_others = system.join("lienthong/with-facades.toml");
        fs::write(&with_others, fs::read_to_string(&file).unwrap() + "\n" + &others).unwrap();
        let config = Config::load(&with_others, &[]).unwrap();
        assert_eq!(rehearsal::mistakes(&config, Arc::new(SystemClock)), Vec::new(), "{configuration}");
        // Beside the other door too: no system and no port stands in both.
        let both = system.join("lienthong/with-both.toml");
        fs::write(&both, fs::read_to_string(&with_door).unwrap() + "\n" + &others).unwrap();
        let config = Config::load(&both, &[]).unwrap();
        assert_eq!(rehearsal::mistakes(&config, Arc::new(SystemClock)), Vec::new(), "{configuration}");
        for bad in ["", " \n", "two\nlines"] {
            assert_eq!(
                load(bad).iter().map(|mistake| mistake.key.as_str()).collect::<Vec<_>>(),
                ["system[0].secret_file"]
            );
        }
    }
    let broker = fs::read_to_string(deploy.join("rabbitmq/rabbitmq.conf")).unwrap();
    for file in broker.lines().filter_map(|line| Some(line.split_once(" /etc/")?.1)) {
        assert!(system.join(file).exists(), "the guide does not tell where {file} comes from");
    }
}

fn full_receipt() -> Receipt {
    let recipient = "G09.90".parse().unwrap();
    Receipt {
        v: 1,
        event: Event::ConsignmentRejection,
        hop: "nation".parse().unwrap(),
        time: Instant::from_millis(1_790_000_000_000),
        doc_id: DocId::fresh(),
        packet: Digest::of(b"packet"),
        size: 6,
        from: "H37.90".parse().unwrap(),
        document_id: Some("H37.90,2026/03/02,12/TD-VP".to_owned()),
        consignment: Some(ConsignmentId::fresh()),
        recipient: Some("G09.90".parse().unwrap()),
        consignments: vec![ConsignedTo { consignment: ConsignmentId::fresh(), recipient }],
        previous: Some(Digest::of(b"before")),
        credential: Some("certificate sha256:00".to_owned()),
        checks: Some(Checks {
            transport: Fact::Valid,
            packet_signature: Fact::Valid,
            attachment_signatures: Fact::NotChecked,
            signed_by: Some(Digest::of(b"certificate")),
        }),
        reason: Some(Reason {
            code: "recipient".to_owned(),
            text: "Gửi sai nơi nhận".to_owned(),
            text_en: Some("Sent to the wrong place".to_owned()),
            whose_turn: Blame::Sender,
        }),
        outside: Some(Outside {
            system: "axis".parse().unwrap(),
            id: Some("0123456789abcdef01234567".to_owned()),
            sent: Some(Digest::of(b"other bytes")),
            answer: Some("Thanh cong".to_owned()),
            reports: true,
        }),
    }
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_schema_of_receipts_names_exactly_the_members_that_receipts_have() {
    let schema: Value = serde_json::from_str(include_str!("../schemas/receipt.schema.json")).unwrap();
    let receipt = serde_json::to_value(full_receipt()).unwrap();
    let members = &schema["properties"];
    assert_eq!(keys(members), keys(&receipt));
    for nested in ["checks", "reason"] {
        assert_eq!(keys(&members[nested]["properties"]), keys(&receipt[nested]), "{nested}");
    }
    assert_eq!(keys(&members["consignments"]["items"]["properties"]), keys(&receipt["consignments"][0]));
    for required in schema["required"].as_array().unwrap() {
        assert!(receipt.get(required.as_str().unwrap()).is_some(), "{required}");
    }
    let events = members["event"]["enum"].as_array().unwrap();
    for event in events {
        let parsed: Event = serde_json::from_value(event.clone()).unwrap();
        assert_eq!(json!(parsed.as_str()), *event);
    }
    let negative = schema["allOf"][0]["if"]["properties"]["event"]["enum"].as_array().unwrap();
    for event in events {
        let parsed: Event = serde_json::from_value(event.clone()).unwrap();
        assert_eq!(parsed.is_negative(), negative.contains(event), "{event}");
    }
}
