//! `lienthong check`: what a gateway would say, and what was not looked at.

use lienthong::scene;

use serde_json::Value;

use crate::support::program::{json, lienthong, text};
use crate::{Desk, codes, letter, with_doctype};

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
    let last = report["findings"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["code"], &last["severity"]), (&"LT-CLI-0006".into(), &"note".into()), "what sending alone tells");
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
    let (_, report) = desk.check(&desk.write("changed.edxml", &changed));
    assert!(!codes(&report["findings"]).contains(&"LT-CLI-0006".to_owned()), "a refusal is a gateway's: {report:#}");
    refused("changed.edxml", changed.as_bytes(), "LT-TRU-0101");
}

#[test]
fn a_signed_status_packet_is_nothing_to_remark_unless_the_standard_is_wanted_to_the_letter() {
    let desk = Desk::with_quick_keys();
    let template = lienthong(&["wrap", "--template", "status"]).stdout;
    let (form, packet) = (desk.write("status.json", template), desk.folder.path().join("status.edxml"));
    let certs = desk.manifest.root();
    assert_eq!(json(&["wrap", text(&form), "--certs", text(certs), "-o", text(&packet), "--json"]).0, 0);
    let told = |strictness: &str| json(&["check", text(&packet), "--strictness", strictness, "--json"]);
    let (code, report) = told("advise");
    assert!(code == 0 && !codes(&report["findings"]).contains(&"LT-XSD-0003".to_owned()), "{report:#}");
    let (code, report) = told("strict");
    assert!(code == 1 && codes(&report["findings"]).contains(&"LT-XSD-0003".to_owned()), "{report:#}");
}

#[test]
fn check_without_a_directory_says_what_was_not_looked_at() {
    let desk = Desk::with_quick_keys();
    let file = desk.write("letter.edxml", letter(&["H37.77"], 1));
    let (code, report) = json(&["check", text(&file), "--json"]);
    assert_eq!((code, &report["verdict"]), (0, &"accept".into()), "{report:#}");
    assert!(codes(&report["findings"]).contains(&"LT-CLI-0001".to_owned()), "{report:#}");
    let shown = String::from_utf8(lienthong(&["check", text(&file)]).stdout).unwrap();
    assert!(shown.contains("Not looked at here: whether the gateway has a route"), "{shown}");
    let unsigned = report["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == "warning");
    let unsigned: Vec<&Value> = unsigned.map(|one| &one["code"]).collect();
    assert_eq!(unsigned, ["LT-CLI-0005"], "whether it must be signed nobody said");
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
fn a_packet_with_many_faults_is_told_all_of_them_at_once() {
    let desk = Desk::with_quick_keys();
    let plain = String::from_utf8(letter(&["H37.91", "H37.77"], 1)).unwrap();
    let start = plain.find("<edXML:Subject>").unwrap();
    let end = plain.find("</edXML:Subject>").unwrap() + "</edXML:Subject>".len();
    let without_subject = format!("{}{}", &plain[..start], &plain[end..]);
    let refusing = |name: &str, packet: &str| {
        let (code, report) = desk.check(&desk.write(name, packet));
        assert_eq!((code, &report["verdict"]), (1, &"refuse".into()), "{report:#}");
        let all = report["findings"].as_array().unwrap();
        assert!(all.iter().any(|finding| finding["code"] == "LT-RUL-0071"), "what was not judged is told: {report:#}");
        let refusing = all.iter().filter(|finding| finding["severity"] == "refuse");
        refusing.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let told = refusing("many.edxml", &without_subject);
    assert_eq!(told, ["LT-EDX-0034", "LT-RUL-0001", "LT-INT-0003"]);
    // A damaged attachment hides nothing of the rest but the signature.
    let damaged = without_subject.replace("JVBERi0", "${FILE}");
    assert_ne!(damaged, without_subject);
    assert_eq!(refusing("damaged.edxml", &damaged), ["LT-EDX-0020", "LT-EDX-0034", "LT-RUL-0001"]);
}

#[test]
fn a_corrected_packet_is_written_beside_and_says_what_was_done() {
    let desk = Desk::with_quick_keys();
    let letter = String::from_utf8(letter(&["H37.91"], 1)).unwrap();
    // How a .NET serializer writes it, and a date as clerks write it.
    let faulty = letter.replace("edXML:edXML", "@").replace("edXML:", "").replace('@', "edXML:edXML");
    let file = desk.write("faulty.edxml", faulty.replace("<Subject>", "<Subject>  ").as_bytes());
    let to = desk.folder.path().join("corrected.edxml");
    let check = |strict: bool| {
        let strictness = if strict { "strict" } else { "advise" };
        json(&["check", text(&file), "--corrected", text(&to), "--strictness", strictness, "--json"])
    };
    let (_, told) = check(true);
    let corrected = &told["corrected"];
    assert_eq!((&corrected["verdict"], &corrected["sign_again"]), (&"accept".into(), &false.into()), "{told:#}");
    let mends = corrected["mends"].as_array().unwrap();
    assert!(
        mends.iter().any(|mend| mend["code"] == "LT-XSD-0014" && mend["element"] == "MessageHeader/Subject"),
        "{told:#}"
    );
    assert!(mends.iter().all(|mend| mend["line"].as_u64() >= Some(1) && mend["done_vi"].is_string()), "{told:#}");
    // It is a packet of the official form, and what is there is never written over.
    let (code, again) = json(&["check", text(&to), "--strictness", "strict", "--json"]);
    assert_eq!((code, &again["verdict"]), (0, &"accept".into()), "{again:#}");
    let output = lienthong(&["check", text(&file), "--corrected", text(&to)]);
    assert_eq!(output.status.code(), Some(2));
    // Nothing to mend: nothing is written.
    let none = desk.folder.path().join("none.edxml");
    let (_, told) = json(&["check", text(&to), "--corrected", text(&none), "--json"]);
    assert!(told["corrected"].is_null() && !none.exists(), "{told:#}");
}
