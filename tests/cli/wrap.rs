//! `lienthong wrap` and `unwrap`: from a form to a packet and back.

use std::path::Path;

use lienthong::scene;
use serde_json::Value;

use crate::support::program::{json, lienthong, text};
use crate::{Desk, codes};

const PDF: &[u8] = b"%PDF-1.4\n% van ban thi du\n%%EOF\n";

/// The template, as a form in the desk's folder with its file beside it.
fn form(desk: &Desk, kind: &str, change: impl Fn(String) -> String) -> std::path::PathBuf {
    let printed = lienthong(&["wrap", "--template", kind]);
    assert_eq!(printed.status.code(), Some(0));
    desk.write("van-ban.pdf", PDF);
    desk.write(&format!("{kind}.json"), change(String::from_utf8(printed.stdout).unwrap()))
}

#[test]
fn a_template_becomes_a_packet_that_passes_the_strict_check_and_comes_back_as_it_was() {
    let desk = Desk::with_quick_keys();
    for kind in ["document", "reply", "revoke", "update", "replace", "status", "take-back"] {
        let form = form(&desk, kind, |form| form);
        let (code, made) = json(&["wrap", text(&form), "--json"]);
        assert_eq!((code, &made["verdict"], &made["signed"]), (0, &"accept".into(), &false.into()), "{made:#}");
        let packet = desk.folder.path().join(format!("{kind}.edxml"));
        assert_eq!(made["packet"], text(&packet));
        let (code, report) = json(&["check", text(&packet), "--strictness", "strict", "--json"]);
        assert_eq!((code, &report["verdict"]), (0, &"accept".into()), "{kind}: {report:#}");
        let told = report["findings"].as_array().unwrap();
        let remarks: Vec<_> = told.iter().filter(|one| one["severity"] == "warning").map(|one| &one["code"]).collect();
        assert!(remarks.iter().all(|code| *code == "LT-CLI-0005"), "{kind}: {remarks:?}");
        // Taken apart and put together again it is the same packet.
        let (code, opened) = json(&["unwrap", text(&packet), "--json"]);
        assert_eq!(code, 0, "{opened:#}");
        let folder = desk.folder.path().join(kind);
        assert_eq!(opened["folder"], text(&folder));
        let again = desk.folder.path().join(format!("{kind}-again.edxml"));
        let (code, made) = json(&["wrap", text(&folder.join("form.json")), "-o", text(&again), "--json"]);
        assert_eq!(code, 0, "{made:#}");
        assert!(std::fs::read(&packet).unwrap() == std::fs::read(&again).unwrap(), "{kind}");
        // Nothing is written over, and nothing is left over.
        let output = lienthong(&["wrap", text(&form)]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert_eq!(lienthong(&["unwrap", text(&packet)]).status.code(), Some(2));
    }
    let left = std::fs::read_dir(desk.folder.path()).unwrap();
    let names: Vec<String> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 2 + 7 * 4, "{names:?}");
}

#[test]
fn a_form_is_signed_at_once_and_a_gateway_would_take_it() {
    let desk = Desk::with_quick_keys();
    let certs = desk.manifest.root().to_owned();
    let only = |form: String| {
        let mut form: Value = serde_json::from_str(&form).unwrap();
        form["to"] = serde_json::json!([{ "code": "H37.91", "name": "Cơ quan thí dụ" }]);
        form.to_string()
    };
    let file = form(&desk, "document", only);
    let (code, made) = json(&["wrap", text(&file), "--certs", text(&certs), "--json"]);
    assert_eq!((code, &made["signed"]), (0, &true.into()), "{made:#}");
    let (code, report) = desk.check(Path::new(made["packet"].as_str().unwrap()));
    assert_eq!((code, &report["verdict"]), (0, &"accept".into()), "{report:#}");
    assert!(codes(&report["findings"]).contains(&"LT-CLI-0003".to_owned()), "{report:#}");
    let files = desk.manifest.agency(scene::SENDER).unwrap();
    let by_file = ["--certificate", text(&files.sign_chain), "--key", text(&files.sign_key)];
    let other = desk.folder.path().join("other.edxml");
    let (code, made) = json(&[&["wrap", text(&file), "-o", text(&other), "--json"], &by_file[..]].concat());
    assert_eq!((code, &made["signed"]), (0, &true.into()), "{made:#}");
    assert_eq!(desk.check(&other).0, 0);
}

#[test]
fn every_mistake_of_a_form_and_its_files_is_told_at_once_and_no_packet_is_made() {
    let desk = Desk::with_quick_keys();
    let file = form(&desk, "document", |form| {
        let mut form: Value = serde_json::from_str(&form).unwrap();
        form["date"] = "hôm nay".into();
        form["to"][1]["name"] = Value::Null;
        form["sbject"] = form["subject"].take();
        let one = |file: &str| serde_json::json!({ "file": file });
        form["attachments"] =
            [one("van-ban.pdf"), one("../van-ban.pdf"), one("/etc/passwd"), one("khong-co.pdf")].into();
        form["attachments"][0]["sha256"] = "00".repeat(32).into();
        form.to_string()
    });
    let (code, made) = json(&["wrap", text(&file), "--json"]);
    assert_eq!((code, &made["verdict"], &made["packet"]), (1, &"refuse".into(), &Value::Null));
    let told: Vec<(&str, &str)> = made["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["severity"] == "refuse")
        .map(|one| (one["element"].as_str().unwrap(), one["code"].as_str().unwrap()))
        .collect();
    let expected = [
        ("date", "LT-FRM-0007"),
        ("sbject", "LT-FRM-0004"),
        ("subject", "LT-EDX-0034"),
        ("to[1].name", "LT-XSD-0002"),
        ("attachments[0].file", "LT-FRM-0015"),
        ("attachments[1].file", "LT-FRM-0013"),
        ("attachments[2].file", "LT-FRM-0013"),
        ("attachments[3].file", "LT-FRM-0012"),
    ];
    for one in expected {
        assert!(told.contains(&one), "{one:?} is not among {told:?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:?}");
    assert!(!desk.folder.path().join("document.edxml").exists());
    let shown = String::from_utf8(lienthong(&["wrap", text(&file)]).stdout).unwrap();
    assert!(shown.contains("CHƯA LẬP được gói tin") && shown.contains("2026-03-02"), "{shown}");
}

#[test]
fn files_are_named_on_the_command_line_and_come_out_under_safe_names() {
    let desk = Desk::with_quick_keys();
    let file = form(&desk, "document", |form| {
        let mut form: Value = serde_json::from_str(&form).unwrap();
        form["attachments"] = serde_json::json!([{ "file": "van-ban.pdf", "name": "..\\..\\Công văn: số 12?.pdf" }]);
        form.to_string()
    });
    std::fs::create_dir(desk.folder.path().join("other")).unwrap();
    let appendix = desk.write("other/form.json", "{}");
    let (code, made) = json(&["wrap", text(&file), text(&appendix), "--json"]);
    assert_eq!(code, 0, "{made:#}");
    let (code, opened) = json(&["unwrap", made["packet"].as_str().unwrap(), "--json"]);
    assert_eq!(code, 0, "{opened:#}");
    assert_eq!(opened["files"], serde_json::json!(["form.json", "Công văn_ số 12_.pdf", "form (2).json"]));
    let folder = Path::new(opened["folder"].as_str().unwrap());
    assert_eq!(std::fs::read(folder.join("Công văn_ số 12_.pdf")).unwrap(), PDF);
    let form: Value = serde_json::from_slice(&std::fs::read(folder.join("form.json")).unwrap()).unwrap();
    assert_eq!(form["attachments"][0]["name"], "..\\..\\Công văn: số 12?.pdf", "the form keeps the name as it was");
}
