//! Configurations: mistakes are named, and what `lienthong certs` writes works.

use std::io::BufRead;
use std::path::Path;

use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::scene::{self, HOPS, trial};
use lienthong_contract::Clock;
use serde_json::Value;

use crate::Desk;
use crate::support::program::{json, lienthong, program, text};

#[test]
fn config_check_names_every_mistake_with_its_key() {
    let desk = Desk::with_quick_keys();
    let data = desk.folder.path().join("data");
    let good = scene::configuration(&desk.manifest, "province-a", &data, None).unwrap();
    let good = toml::to_string(&good).unwrap();
    let check = |name: &str, text: &str| {
        let file = desk.write(name, text);
        let (code, report) = json(&["config", "check", "--config", file.to_str().unwrap(), "--json"]);
        let keys: Vec<String> =
            report["mistakes"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_owned()).collect();
        (code, keys)
    };
    assert_eq!(check("good.toml", &good), (0, Vec::new()));
    assert!(!data.exists(), "a rehearsal writes nothing");

    // Keys that cannot be read: of a wrong type, unknown, missing.
    let unreadable = good
        .replace("reload_seconds = 1", "reload_seconds = \"soon\"")
        .replace("level = ", "levle = ")
        .replace("name = \"province-a\"\n", "");
    assert_eq!(
        check("unreadable.toml", &unreadable),
        (1, to_strings(&["directory.reload_seconds", "hop.name", "log.levle"]))
    );

    // Keys that can be read and make no sense.
    let files = desk.manifest.hop("nation").unwrap();
    let senseless = good
        .replace("peer = \"nation\"", "peer = \"province-a\"\nbroker = \"none\"")
        .replace(text(&desk.manifest.directory_file()), "no-such-directory.toml");
    let (code, mut keys) = check("senseless.toml", &senseless);
    keys.sort();
    assert_eq!((code, keys), (1, to_strings(&["directory.file", "link[0].broker", "link[0].peer"])));

    // Files that are there and cannot be used: another hop's key, no directory, no schemas.
    let own = desk.manifest.hop("province-a").unwrap();
    let empty = desk.write("empty.toml", "[[agency]]\ncode = 5\n");
    let mixed = good
        .replace(text(&own.receipts_key), text(&files.receipts_key))
        .replace(text(&desk.manifest.directory_file()), text(&empty))
        .replace("[schemas]\n", &format!("[schemas]\nfolder = {:?}\n", desk.folder.path()));
    let (code, mut keys) = check("mixed.toml", &mixed);
    keys.sort();
    assert_eq!((code, keys), (1, to_strings(&["directory.file", "hop.key", "schemas.folder"])));
    let shown = lienthong(&["config", "check", "--config", text(&desk.folder.path().join("mixed.toml"))]);
    let secret = std::fs::read_to_string(&files.receipts_key).unwrap();
    let line = secret.lines().nth(1).unwrap();
    assert!(!String::from_utf8_lossy(&shown.stdout).contains(line), "a key is shown");
}

/// A gateway of its own process; it ends with this value.
struct Serving {
    child: std::process::Child,
    address: String,
}

impl Serving {
    fn start(config: &Path) -> Self {
        let mut command = program();
        // The port that is written in the file may be another's on this machine.
        command.args(["serve", "--config", text(config), "--set", "api.listen=127.0.0.1:0"]);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit_once(':').unwrap_or_else(|| panic!("{line:?}")).1.to_owned();
        Self { child, address: format!("https://localhost:{port}") }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_certs_writes_leads_to_a_document_in_a_mailbox() {
    let desk = Desk::with_quick_keys();
    let trial = trial::write(&desk.manifest, SystemClock.now()).unwrap();
    // Nothing in the files depends on where the folder lies.
    let moved = desk.folder.path().join("moved");
    std::fs::rename(desk.manifest.root(), &moved).unwrap();
    let now_at = |file: &Path| moved.join(file.strip_prefix(desk.manifest.root()).unwrap());
    let mut ports: Vec<&str> = trial.gateways.iter().map(|one| one.address.rsplit_once(':').unwrap().1).collect();
    ports.dedup();
    assert_eq!(ports.len(), HOPS.len());
    for gateway in &trial.gateways {
        let file = now_at(&gateway.configuration);
        let (code, report) = json(&["config", "check", "--config", text(&file), "--json"]);
        assert_eq!((code, &report["verdict"]), (0, &"valid".into()), "{}: {report:#}", gateway.hop);
        let written = std::fs::read_to_string(&file).unwrap();
        assert!(written.contains(&gateway.address.replace("https://localhost", "127.0.0.1")), "{written}");
        // With the comment marks away it is linked to the others.
        let linked = written.replace("# [[", "[[").lines().map(uncommented).collect::<Vec<_>>().join("\n");
        std::fs::write(file.with_file_name("linked.toml"), &linked).unwrap();
        let linked = text(&file.with_file_name("linked.toml")).to_owned();
        let (code, report) = json(&["config", "check", "--config", &linked, "--json"]);
        assert_eq!((code, &report["verdict"]), (0, &"valid".into()), "{}: {report:#}", gateway.hop);
        let config = Config::load(Path::new(&linked), &[]).unwrap();
        assert!(config.broker.len() == 1 && !config.link.is_empty());
    }
    let serving = Serving::start(&now_at(&trial.gateways[0].configuration));
    let at = |agency: &str, args: &[&str]| {
        json(&[args, &["--gateway", &serving.address, "--as", agency, "--certs", text(&moved), "--json"]].concat())
    };
    let letter = now_at(&trial.letter);
    let (code, sent) = at(scene::SENDER, &["send", text(&letter)]);
    let sent = &sent["results"][0];
    assert_eq!((code, &sent["signed"], &sent["findings"]), (0, &true.into(), &Value::Array(vec![])), "{sent:#}");
    let (_, inbox) = at(trial::NEIGHBOUR, &["inbox"]);
    assert_eq!(inbox["items"][0]["doc_id"], sent["doc_id"], "{inbox:#}");
}

/// A line of the configuration that was commented out, as it is meant.
fn uncommented(line: &str) -> &str {
    line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line)
}

fn to_strings(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}
