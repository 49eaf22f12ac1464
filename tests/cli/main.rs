//! The command line as people and scripts use it: the real binary, run as a process, against gateways in this one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::edxml::model::Urgency;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::{self, Manifest};
use lienthong::scene::{self, HOPS, Letter, trial};
use lienthong_contract::{Clock, Digest};

/// How long anything may take that happens between gateways.
const DEADLINE: Duration = Duration::from_secs(60);

/// The binary with these arguments, and no settings of the caller's own.
fn lienthong(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lienthong"));
    for name in ["LIENTHONG_GATEWAY", "LIENTHONG_AS", "LIENTHONG_CERTS", "LIENTHONG_TRUST"] {
        command.env_remove(name);
    }
    command.args(args).output().unwrap()
}

/// The exit code and the one JSON object on standard output.
fn json(args: &[&str]) -> (i32, Value) {
    let output = lienthong(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}\n{stderr}"));
    (output.status.code().unwrap(), value)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A letter of today, unsigned.
fn letter(to: &[&str], number: u32) -> Vec<u8> {
    let letter = Letter {
        from: scene::SENDER,
        to,
        number,
        date: SystemClock.now().in_vietnam().date(),
        subject: "Về việc kiểm thử dòng lệnh",
        urgency: Urgency::Normal,
        attachment: &scene::example_pdf(2048),
    };
    letter.packet().unwrap()
}

fn document_id(number: u32) -> String {
    let date = SystemClock.now().in_vietnam().date();
    format!("{},{},{number}/TD-VP", scene::SENDER, date.strftime("%Y/%m/%d"))
}

/// A folder with keys and some files.
struct Desk {
    folder: tempfile::TempDir,
    manifest: Manifest,
}

impl Desk {
    fn with_quick_keys() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = pki::Options { rsa: false, ..pki::Options::default() };
        let manifest = pki::generate(&folder.path().join("certs"), &options, SystemClock.now(), &mut |_| {}).unwrap();
        Self { folder, manifest }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `check --json` with the example directory and roots.
    fn check(&self, file: &Path) -> (i32, Value) {
        let (ca, directory) = (self.manifest.ca(), self.manifest.directory_file());
        let files = [text(file), text(&directory), text(&ca.root), text(&ca.sub)];
        let [file, directory, root, sub] = files;
        json(&["check", file, "--directory", directory, "--roots", root, "--intermediates", sub, "--json"])
    }
}

/// Three running gateways and the way to them.
struct World {
    gateways: Vec<Gateway>,
    certs: String,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn open(folder: &Path) -> Self {
        let certs = folder.join("certs");
        let (code, made) = json(&["certs", "--out", text(&certs), "--json"]);
        assert_eq!(code, 0);
        assert_eq!(made["hops"], serde_json::json!(HOPS));
        assert_eq!(made["gateways"][0]["address"], "https://localhost:8443");
        assert!(Path::new(made["letter"].as_str().unwrap()).exists());
        let manifest = Manifest::load(&certs).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let hub = Hub::new();
        let start = |hop: &str| {
            let config = scene::configuration(&manifest, hop, &folder.join(hop), None).unwrap();
            runtime.block_on(Gateway::start(&config, &hub, Arc::new(SystemClock))).unwrap()
        };
        let gateways = HOPS.into_iter().map(start).collect();
        Self { gateways, certs: text(&certs).to_owned(), runtime }
    }

    /// A command of this agency at this hop, answered in JSON.
    fn at(&self, hop: &str, agency: &str, args: &[&str]) -> (i32, Value) {
        let gateway = self.gateways.iter().find(|gateway| gateway.hop.as_str() == hop).unwrap();
        let address = format!("https://localhost:{}", gateway.address.port());
        let tail = ["--gateway", &address, "--as", agency, "--certs", &self.certs, "--json"];
        json(&[args, &tail].concat())
    }

    /// Asks until the answer is the one waited for.
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

    fn waiting(&self, hop: &str, agency: &str, count: usize) -> Vec<Value> {
        let page = self.until(hop, agency, &["inbox"], |page| page["items"].as_array().unwrap().len() == count);
        page["items"].as_array().unwrap().clone()
    }

    fn close(self) {
        for gateway in self.gateways {
            self.runtime.block_on(gateway.stop());
        }
    }
}

fn verify(world: &World, file: &Path, more: &[&str]) -> (i32, Value) {
    json(&[&["verify", text(file), "--certs", &world.certs, "--json"], more].concat())
}

/// Changes one letter in the middle of a text.
fn flipped(text: &str) -> String {
    let (before, after) = text.split_at(text.len() / 2);
    let other = if after.starts_with('A') { 'B' } else { 'A' };
    format!("{before}{other}{}", &after[1..])
}

#[test]
fn a_document_is_sent_fetched_answered_traced_and_proved() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("letter.edxml"), letter(&["H37.91", "G09.90", "H49.90"], 7)).unwrap();

    // Sent, and signed on the way.
    let (receipt, file) = (at("receipt.jws"), at("letter.edxml"));
    let (code, sent) = world.at("province-a", scene::SENDER, &["send", text(&file), "--receipt", text(&receipt)]);
    let sent = &sent["results"][0];
    assert_eq!((code, &sent["verdict"], &sent["signed"]), (0, &"accept".into(), &true.into()), "{sent:#}");
    assert_eq!(sent["consignments"].as_array().unwrap().len(), 3);
    assert_eq!(std::fs::read_to_string(&receipt).unwrap(), sent["receipt"].as_str().unwrap());

    // Sent once more, as after a lost answer: the same signed packet, the same document, the same receipt.
    let (code, again) = world.at("province-a", scene::SENDER, &["send", text(&file)]);
    let again = &again["results"][0];
    assert_eq!((code, &again["duplicate"], &again["signed_before"]), (0, &true.into(), &true.into()), "{again:#}");
    assert_eq!((&again["doc_id"], &again["receipt"]), (&sent["doc_id"], &sent["receipt"]));
    assert_eq!(again["signed_packet"], text(&at("letter.H37.90.signed.edxml")));

    // Fetched: the bytes are those that were signed and sent.
    let item = &world.waiting("nation", "G09.90", 1)[0];
    let (id, fetched) = (item["id"].as_str().unwrap(), at("fetched.edxml"));
    let (code, _) = world.at("nation", "G09.90", &["fetch", id, "-o", text(&fetched)]);
    assert_eq!(code, 0);
    let bytes = std::fs::read(&fetched).unwrap();
    assert_eq!(Digest::of(&bytes).to_string(), sent["digest"].as_str().unwrap());
    // A second time nothing is overwritten.
    let again = lienthong(&["fetch", id, "-o", text(&fetched)]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(std::fs::read(&fetched).unwrap(), bytes);

    // Answered: two take it over, one gives it back; the business statuses reach the sender.
    let (code, done) = world.at("nation", "G09.90", &["ack", id, "--status", "01,03"]);
    assert_eq!((code, done["statuses"].as_array().unwrap().len()), (0, 2), "{done:#}");
    let item = &world.waiting("province-a", "H37.91", 1)[0];
    assert_eq!(world.at("province-a", "H37.91", &["ack", item["doc_id"].as_str().unwrap()]).0, 0);
    let item = &world.waiting("province-b", "H49.90", 1)[0];
    let refuse = ["ack", item["id"].as_str().unwrap(), "--refuse", "Không thuộc thẩm quyền", "--status", "02"];
    assert_eq!(world.at("province-b", "H49.90", &refuse).0, 0);
    let document = document_id(7);
    let later = ["status", "06", "--document", &document, "--to", scene::SENDER];
    assert_eq!(world.at("nation", "G09.90", &later).0, 0);
    let statuses = world.waiting("province-a", scene::SENDER, 4);
    assert!(statuses.iter().all(|status| status["kind"] == "status"), "{statuses:#?}");

    // Traced to the end, with what the recipients said.
    let (doc_id, saved) = (sent["doc_id"].as_str().unwrap(), at("trace.json"));
    let ended = |trace: &Value| {
        let mut states: Vec<&str> =
            trace["consignments"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
        states.sort_unstable();
        states == ["handed-over", "handed-over", "refused"]
    };
    let trace = world.until("province-a", scene::SENDER, &["trace", doc_id, "-o", text(&saved)], ended);
    let to_ministry =
        trace["consignments"].as_array().unwrap().iter().find(|one| one["recipient"] == "G09.90").unwrap();
    assert_eq!(to_ministry["statuses"].as_array().unwrap().len(), 3);

    // The sender has the proof of all, a recipient that of its own part, a stranger none.
    let (proof, part) = (at("proof.json"), at("part.json"));
    let (code, made) = world.at("province-a", scene::SENDER, &["proof", doc_id, "-o", text(&proof)]);
    assert_eq!((code, &made["sealed_by"]), (0, &"province-a".into()), "{made:#}");
    assert_eq!(world.at("nation", "G09.90", &["proof", doc_id, "-o", text(&part)]).0, 0);
    let (code, refused) = world.at("province-b", "H49.91", &["proof", doc_id, "-o", text(&at("none"))]);
    assert_eq!((code, &refused["status"]), (1, &404.into()), "{refused:#}");

    // Proved without any gateway.
    let directory = world.at("nation", "G09.90", &["agencies", "--search", "thi du hai"]).1;
    world.close_and(|world| {
        let (code, report) = verify(world, &saved, &["--packet", text(&fetched)]);
        assert_eq!((code, &report["verdict"], &report["outcome"]), (0, &"valid".into(), &"mixed".into()), "{report:#}");
        assert_eq!(report["receipts"], report["receipts_verified"]);
        assert_eq!(report["packet_matches"], true);
        let (code, report) = verify(world, &receipt, &[]);
        assert_eq!((code, &report["verdict"], &report["outcome"]), (0, &"valid".into(), &"in-flight".into()));
        let own = trace["consignments"].as_array().unwrap().iter().flat_map(receipts_of);
        let list: Vec<&Value> = std::iter::once(&trace["submission"]["jws"]).chain(own).collect();
        std::fs::write(at("list.json"), serde_json::to_string(&list).unwrap()).unwrap();
        let (code, again) = verify(world, &at("list.json"), &[]);
        // The submission begins the chain of each of the three.
        assert_eq!((code, &again["receipts_verified"]), (0, &(list.len() + 2).into()), "{again:#}");
        let (code, report) = verify(world, &saved, &["--packet", text(&file)]);
        assert_eq!((code, &report["part"]), (1, &"packet".into()));
        // People are told of the receipts and of the file apart, and where the packet is that was sent.
        let shown = lienthong(&["verify", text(&saved), "--certs", &world.certs, "--packet", text(&file)]);
        let (code, shown) = (shown.status.code(), String::from_utf8(shown.stdout).unwrap());
        assert!(code == Some(1) && shown.contains("the receipts are VALID") && !shown.contains("INVALID"), "{shown}");
        assert!(
            shown.contains("this file is NOT the packet") && shown.contains("letter.H37.90.signed.edxml"),
            "{shown}"
        );
        forged(world, &trace, &at("forged.json"));
        bundles(world, &proof, &part, &fetched);
    });
    assert!(directory["items"].as_array().unwrap().iter().any(|row| row["code"] == "H37.91"), "{directory:#}");
}

/// Bundles are judged by a folder of roots, and their answer can be printed.
fn bundles(world: &World, proof: &Path, part: &Path, packet: &Path) {
    let trust = Path::new(&world.certs).join("ca");
    let judge =
        |file: &Path, more: &[&str]| json(&[&["verify", text(file), "--trust", text(&trust), "--json"], more].concat());
    let (code, answer) = judge(proof, &["--packet", text(packet)]);
    assert_eq!((code, &answer["verdict"], &answer["outcome"]), (0, &"valid".into(), &"mixed".into()), "{answer:#}");
    assert_eq!((&answer["part"], &answer["reason"]), (&Value::Null, &Value::Null));
    assert_eq!(answer["outcomes"], serde_json::json!({ "handed-over": 2, "refused": 1 }));
    assert_eq!((&answer["packet_matches"], &answer["revocation_not_checked"]), (&true.into(), &serde_json::json!([])));
    let (code, own) = judge(part, &[]);
    assert_eq!((code, own["consignments"].as_array().unwrap().len(), &own["sealed_by"]), (0, 1, &"nation".into()));
    // One letter of a part, of the frame, and the very first byte.
    let file = std::fs::read(proof).unwrap();
    let place = |text: &str| file.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
    for (at, part) in
        [(place("\"jws\":\"") + 40, "receipts[0]"), (place("lienthong-bundle"), "container"), (0, "container")]
    {
        let mut altered = file.clone();
        altered[at] ^= 4;
        let other = proof.with_extension("altered");
        std::fs::write(&other, &altered).unwrap();
        let (code, answer) = judge(&other, &[]);
        assert_eq!((code, &answer["verdict"], &answer["part"]), (1, &"invalid".into(), &part.into()), "{answer:#}");
    }
    let (page, paper) = (proof.with_extension("html"), proof.with_extension("pdf"));
    assert_eq!(judge(proof, &["--html", text(&page), "--pdf", text(&paper)]).0, 0);
    assert!(std::fs::read_to_string(page).unwrap().contains("bên nhận trả lại"));
    assert!(std::fs::read(paper).unwrap().starts_with(b"%PDF"));
    let told = String::from_utf8(lienthong(&["verify", text(proof), "--trust", text(&trust)]).stdout).unwrap();
    assert!(
        told.contains("HỢP LỆ") && told.contains("bên nhận trả lại") && told.contains("Không thuộc thẩm quyền"),
        "{told}"
    );
}

fn receipts_of(consignment: &Value) -> impl Iterator<Item = &Value> {
    consignment["receipts"].as_array().unwrap().iter().map(|receipt| &receipt["jws"])
}

/// Every forgery of a trace is found, and its place told.
fn forged(world: &World, trace: &Value, file: &Path) {
    let index = trace["consignments"].as_array().unwrap().iter().position(|one| one["state"] == "handed-over").unwrap();
    let judge = |change: &dyn Fn(&mut Value)| {
        let mut trace = trace.clone();
        change(&mut trace);
        std::fs::write(file, trace.to_string()).unwrap();
        let (code, report) = verify(world, file, &[]);
        assert_eq!((code, &report["verdict"]), (1, &"invalid".into()), "{report:#}");
        assert!(!report["reason"].as_str().unwrap().is_empty());
        report["part"].as_str().unwrap().to_owned()
    };
    let part = |name: &str| format!("consignments[{index}].{name}");
    // One letter of a receipt.
    let flip = |trace: &mut Value| {
        let jws = &mut trace["consignments"][index]["receipts"][1]["jws"];
        *jws = flipped(jws.as_str().unwrap()).into();
    };
    assert_eq!(judge(&flip), part("receipts[1]"));
    // The end is taken away, and claimed all the same.
    let cut = |trace: &mut Value| {
        trace["consignments"][index]["receipts"].as_array_mut().unwrap().pop();
    };
    assert_eq!(judge(&cut), part("state"));
    // A receipt in the middle is left out.
    let gap = |trace: &mut Value| {
        trace["consignments"][index]["receipts"].as_array_mut().unwrap().remove(0);
    };
    assert_eq!(judge(&gap), part("receipts"));
    // Another recipient is said to have it.
    let other = |trace: &mut Value| trace["consignments"][index]["recipient"] = "H37".into();
    assert_eq!(judge(&other), part("recipient"));
    // Another packet is said to be the one.
    let digest = |trace: &mut Value| trace["digest"] = Digest::of(b"another").to_string().into();
    assert_eq!(judge(&digest), "consignments[0].receipts");
}

impl World {
    /// Stops the gateways, then goes on with what needs none.
    fn close_and(mut self, then: impl FnOnce(&Self)) {
        let gateways = std::mem::take(&mut self.gateways);
        for gateway in gateways {
            self.runtime.block_on(gateway.stop());
        }
        then(&self);
        self.close();
    }
}

#[test]
fn what_a_gateway_refuses_is_told_with_its_findings() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let file = folder.path().join("doctype.edxml");
    let packet = String::from_utf8(letter(&["H37.91"], 1)).unwrap();
    std::fs::write(&file, with_doctype(&packet)).unwrap();
    let (code, answer) = world.at("province-a", scene::SENDER, &["send", text(&file), "--no-sign"]);
    let result = &answer["results"][0];
    assert_eq!((code, &result["verdict"], &result["doc_id"]), (1, &"refuse".into(), &Value::Null));
    assert!(codes(&result["findings"]).contains(&"LT-EDX-0004".to_owned()), "{result:#}");
    // One bad file does not keep the others back.
    let good = folder.path().join("good.edxml");
    std::fs::write(&good, packet).unwrap();
    let (code, answer) = world.at("province-a", scene::SENDER, &["send", text(&file), text(&good)]);
    let verdicts: Vec<&Value> = answer["results"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!((code, verdicts), (1, vec![&"refuse".into(), &"accept".into()]), "{answer:#}");
    // Whose mailbox it is not, learns so.
    let nobody = "0198c0de-0000-7000-8000-000000000000";
    let (code, problem) = world.at("province-a", "H37.91", &["ack", nobody]);
    assert_eq!((code, &problem["status"]), (1, &404.into()), "{problem:#}");
    world.close();
}

fn with_doctype(packet: &str) -> String {
    let at = packet.find("?>").map_or(0, |at| at + 2);
    format!("{}<!DOCTYPE edXML [<!ENTITY a \"b\">]>{}", &packet[..at], &packet[at..])
}

fn codes(findings: &Value) -> Vec<String> {
    findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn check_says_what_a_gateway_would_say() {
    let desk = Desk::with_quick_keys();
    let files = desk.manifest.agency(scene::SENDER).unwrap();
    let signer = lienthong::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
    let signed = |packet: &[u8]| lienthong::signing::sign_bytes(packet, &signer).unwrap();

    let good = signed(&letter(&["H37.91"], 1));
    let (code, report) = desk.check(&desk.write("good.edxml", &good));
    assert_eq!((code, &report["verdict"]), (0, &"accept".into()), "{report:#}");
    assert!(codes(&report["findings"]).contains(&"LT-CLI-0003".to_owned()), "the signature is reported: {report:#}");
    let mut keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["findings", "verdict"]);

    let refused = |name: &str, packet: &[u8], expected: &str| {
        let (code, report) = desk.check(&desk.write(name, packet));
        assert_eq!((code, &report["verdict"]), (1, &"refuse".into()), "{name}: {report:#}");
        let all = report["findings"].as_array().unwrap();
        let finding = all.iter().find(|finding| finding["code"] == expected);
        finding.unwrap_or_else(|| panic!("{name}: {expected} is not among {report:#}")).clone()
    };
    let plain = String::from_utf8(letter(&["H37.91"], 2)).unwrap();
    let doctype = refused("doctype.edxml", with_doctype(&plain).as_bytes(), "LT-EDX-0004");
    for key in ["code", "severity", "line", "column", "element", "found", "expected", "fix_vi", "fix_en", "clause"] {
        assert!(doctype.get(key).is_some(), "{key} is missing: {doctype:#}");
    }
    assert_eq!(doctype["line"], 1);
    refused("nobody.edxml", &signed(&letter(&["H37.77"], 3)), "LT-RUL-0001");
    refused("unsigned.edxml", plain.as_bytes(), "LT-INT-0003");
    let secret = plain.replace("dòng lệnh", "dòng lệnh (TUYỆT MẬT)");
    refused("secret.edxml", &signed(secret.as_bytes()), "LT-RUL-0060");
    let changed = String::from_utf8(good).unwrap().replace("kiểm thử", "kiểm soát");
    refused("changed.edxml", changed.as_bytes(), "LT-TRU-0101");
}

#[test]
fn check_without_a_directory_says_what_was_not_looked_at() {
    let desk = Desk::with_quick_keys();
    let file = desk.write("letter.edxml", letter(&["H37.77"], 1));
    let (code, report) = json(&["check", text(&file), "--json"]);
    assert_eq!((code, &report["verdict"]), (0, &"accept".into()), "{report:#}");
    assert!(codes(&report["findings"]).contains(&"LT-CLI-0001".to_owned()), "{report:#}");
    let shown = String::from_utf8(lienthong(&["check", text(&file)]).stdout).unwrap();
    assert!(shown.contains("NO FAULT FOUND") && !shown.contains("ACCEPT"), "{shown}");
    assert!(shown.contains("add --directory") && shown.contains("add --roots"), "{shown}");
    // With both, the word is a gateway's.
    let (ca, directory) = (desk.manifest.ca(), desk.manifest.directory_file());
    let by_roots = ["--roots", text(&ca.root), "--intermediates", text(&ca.sub)];
    let shown = lienthong(&[&["check", text(&file)], &by_roots[..]].concat());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("add --directory") && !shown.contains("add --roots"), "{shown}");
    let files = desk.manifest.agency(scene::SENDER).unwrap();
    let signer = lienthong::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
    let good = lienthong::signing::sign_bytes(&letter(&["H37.91"], 1), &signer).unwrap();
    let good = desk.write("good.edxml", good);
    let shown = lienthong(&[&["check", text(&good), "--directory", text(&directory)], &by_roots[..]].concat());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.ends_with("TIẾP NHẬN — ACCEPT\n"), "{shown}");
    // A file that is not there is no answer: nothing on standard output.
    let missing = lienthong(&["check", "no-such-file.edxml", "--json"]);
    assert_eq!((missing.status.code(), missing.stdout.len()), (Some(2), 0));
    assert!(!missing.stderr.is_empty());
}

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
        let mut command = Command::new(env!("CARGO_BIN_EXE_lienthong"));
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

#[test]
fn errors_explains_a_code_in_both_languages() {
    let shown = lienthong(&["errors", "lt-rul-0001"]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.status.code(), Some(0));
    assert!(text.contains("Cơ quan nhận không có trong danh mục") && text.contains("The recipient is in no directory"));
    let unknown = lienthong(&["errors", "LT-XYZ-0001"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8(unknown.stdout).unwrap().contains("không có mã này — no such code"));
}

#[test]
fn arguments_that_cannot_be_meant_are_refused_before_anything_is_sent() {
    let refused = |args: &[&str]| {
        let output = lienthong(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    // Nobody listens there: were it asked, the words would be others.
    let gateway = ["--gateway", "https://localhost:9"];
    for code in ["07", "99", "1", "103", ""] {
        let words = refused(&[&["status", code, "--document", "d", "--to", "H37.90"], &gateway[..]].concat());
        assert!(words.contains("01  đã đến — arrived") && words.contains("16  từ chối cập nhật"), "{words}");
    }
    let words = refused(&[&["trace", &document_id(7)], &gateway[..]].concat());
    assert!(words.contains("không phải DocumentId ghi trong gói tin") && words.contains("`send` printed"), "{words}");
    let help = String::from_utf8(lienthong(&["status", "--help"]).stdout).unwrap();
    for code in ["01  đã đến", "06  hoàn thành xử lý", "13  bên gửi yêu cầu lấy lại", "15  đồng ý"]
    {
        assert!(help.contains(code), "{help}");
    }
}
