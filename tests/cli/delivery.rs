//! A document from hand-in to the proof of what became of it, and what a gateway refuses.

use std::path::Path;

use lienthong::scene;
use lienthong_contract::Digest;
use serde_json::Value;

use crate::support::house::House;
use crate::support::program::{json, lienthong, text};
use crate::{codes, document_id, letter, with_doctype};

fn verify(world: &House, file: &Path, more: &[&str]) -> (i32, Value) {
    json(&[&["verify", text(file), "--certs", world.certs(), "--json"], more].concat())
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
    let mut world = House::open(folder.path());
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
    // By its docId; once more it is the first answer again, and its bytes are there too.
    let named = item["doc_id"].as_str().unwrap();
    let (code, first) = world.at("province-a", "H37.91", &["ack", named]);
    assert_eq!(code, 0, "{first:#}");
    let (code, again) = world.at("province-a", "H37.91", &["ack", named]);
    assert_eq!((code, again), (0, first));
    let copy = at("again.edxml");
    assert_eq!(world.at("province-a", "H37.91", &["fetch", named, "-o", text(&copy)]).0, 0);
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
    world.stop();
    let world = &world;
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
    let shown = lienthong(&["verify", text(&saved), "--certs", world.certs(), "--packet", text(&file)]);
    let (code, shown) = (shown.status.code(), String::from_utf8(shown.stdout).unwrap());
    assert!(code == Some(1) && shown.contains("the receipts are VALID") && !shown.contains("INVALID"), "{shown}");
    assert!(shown.contains("this file is NOT the packet") && shown.contains("letter.H37.90.signed.edxml"), "{shown}");
    forged(world, &trace, &at("forged.json"));
    bundles(world, &proof, &part, &fetched);
    assert!(directory["items"].as_array().unwrap().iter().any(|row| row["code"] == "H37.91"), "{directory:#}");
}

/// Bundles are judged by a folder of roots, and their answer can be printed.
fn bundles(world: &House, proof: &Path, part: &Path, packet: &Path) {
    let trust = Path::new(world.certs()).join("ca");
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
    let told = lienthong(&["verify", text(proof), "--trust", text(proof)]);
    let told = (told.status.code(), String::from_utf8(told.stderr).unwrap());
    assert!(told.0 == Some(2) && told.1.contains("wants a folder"), "{told:?}");
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
fn forged(world: &House, trace: &Value, file: &Path) {
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

#[test]
fn what_a_gateway_refuses_is_told_with_its_findings() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = House::open(folder.path());
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
    world.stop();
}
