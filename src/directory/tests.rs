//! The directory as its users meet it: a file is read, a code is looked up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;

use jiff::civil::{Date, date};
use lienthong_contract::{AgencyCode, Digest, Finding};
use proptest::prelude::*;

use super::*;

const TODAY: Date = date(2026, 11, 20);

const SAMPLE: &str = r#"
[[agency]]
code = "H37"
name = "Uỷ ban nhân dân tỉnh Lạng Sơn"
speaks_for = ["H37.*", "vxp.test"]
client_certificates = ["sha256:0101010101010101010101010101010101010101010101010101010101010101"]

[[agency]]
code = "H37.90"
old_code = "000.00.15.H37"
aliases = ["vxp.saas.03", "15.H37"]
name = "Sở Thí dụ Một"
name_en = "Example Department One"
parent = "000.00.00.H37"
hop = "province-a"
signing_certificates = ["02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02"]
[agency.policy]
packet_signature = "optional"

[[agency]]
code = "000.00.07.H37"
name = "Sở chỉ có mã cũ"

[[agency]]
code = "vxp.test"
name = "Hệ thống thử nghiệm"
locked = true

[[agency]]
code = "H17"
name = "Đà Nẵng"

[[agency]]
code = "H47"
name = "Quảng Nam"
valid_to = 2025-06-30
successors = ["000.00.00.H17"]

[[agency]]
code = "H47.09"
name = "Sở cũ của Quảng Nam"
valid_to = "2020-12-31"
successors = ["H47"]

[[agency]]
code = "G07"
name = "Bộ Lao động"
valid_to = "2025-03-01"
successors = ["H17", "H37"]

[[agency]]
code = "G25"
name = "Cơ quan đã giải thể"
valid_to = "2025-03-01"

[[agency]]
code = "H99"
name = "Chưa thành lập"
valid_from = "2030-01-01"
"#;

fn sample() -> Snapshot {
    Snapshot::from_toml(SAMPLE).unwrap()
}

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse(text).unwrap()
}

/// What a code means, in words a table can hold.
fn meaning(snapshot: &Snapshot, text: &str, on: Date) -> String {
    match snapshot.resolve(&code(text), on) {
        Resolution::Known(agency) => format!("known {}", agency.key),
        Resolution::Successor { from, to } => format!("{} → {}", from.key, to.key),
        Resolution::Split { from, candidates } => {
            format!("{} split {}", from.key, candidates.iter().map(|a| a.key.as_str()).collect::<Vec<_>>().join(" "))
        }
        Resolution::Closed(agency) => format!("closed {}", agency.key),
        Resolution::NotYet(agency) => format!("not yet {}", agency.key),
        Resolution::Locked(agency) => format!("locked {}", agency.key),
        Resolution::Unknown { key } => format!("unknown {key}"),
    }
}

#[test]
fn a_code_means_what_the_directory_says_on_that_day() {
    let snapshot = sample();
    for (written, on, expected) in [
        ("H37.90", TODAY, "known H37.90"),
        ("000.00.15.H37", TODAY, "known H37.90"),
        ("Vxp.Saas.03", TODAY, "known H37.90"),
        (" h37.90 ", TODAY, "known H37.90"),
        ("15.h37", TODAY, "known H37.90"),
        ("000.00.00.H37", TODAY, "known H37"),
        ("H37.07", TODAY, "known 000.00.07.H37"),
        ("vxp.test", TODAY, "locked VXP.TEST"),
        ("H47", date(2025, 6, 30), "known H47"),
        ("H47", date(2025, 7, 1), "H47 → H17"),
        ("000.00.00.H47", TODAY, "H47 → H17"),
        ("H47.09", TODAY, "H47.09 → H17"),
        ("H47.09", date(2022, 1, 1), "H47.09 → H47"),
        ("G07", TODAY, "G07 split H17 H37"),
        ("G25", TODAY, "closed G25"),
        ("H99", TODAY, "not yet H99"),
        ("H99", date(2030, 1, 1), "known H99"),
        ("000.00.01.H27", TODAY, "unknown H27.01"),
        ("001.00.20.TT2", TODAY, "unknown 001.00.20.TT2"),
    ] {
        assert_eq!(meaning(&snapshot, written, on), expected, "{written} on {on}");
    }
}

#[test]
fn arithmetic_does_not_lead_to_an_agency_whose_registered_old_code_is_another() {
    // H37.90 is registered with the old code 000.00.15.H37, so 000.00.90.H37 is somebody else.
    assert_eq!(meaning(&sample(), "000.00.90.H37", TODAY), "unknown 000.00.90.H37");
    // And H37.15, the arithmetic form of its old code, is nobody's.
    assert_eq!(meaning(&sample(), "H37.15", TODAY), "unknown H37.15");
}

#[test]
fn identities_speak_only_for_themselves_and_whom_they_were_given() {
    let snapshot = sample();
    let province = snapshot.by_client_certificate(&Digest::from_bytes([1; 32])).unwrap();
    let department = snapshot.by_signing_certificate(&Digest::from_bytes([2; 32])).unwrap();
    assert_eq!((province.key.as_str(), department.key.as_str()), ("H37", "H37.90"));
    assert!(
        snapshot.by_client_certificate(&Digest::from_bytes([2; 32])).is_none(),
        "a signing key opens no connection"
    );
    let key = |text: &str| snapshot.resolve(&code(text), TODAY).key().clone();
    for (who, from, may) in [
        (province, "H37", true),
        (province, "H37.90", true),
        (province, "vxp.test", true),
        (province, "H17", false),
        (province, "H378", false),
        (department, "000.00.15.H37", true),
        (department, "H37", false),
    ] {
        assert_eq!(snapshot.may_act_for(who, &key(from), TODAY), may, "{} as {from}", who.key);
    }
}

#[test]
fn a_successor_acts_for_the_closed_agency_and_only_once_it_is_closed() {
    let snapshot = sample();
    let agency = |text: &str| snapshot.lookup(&code(text)).unwrap();
    for (who, closed, on, may) in [
        ("H17", "H47", TODAY, true),
        ("H17", "H47.09", TODAY, true),
        ("H17", "H47", date(2025, 6, 30), false),
        ("H37.90", "H47", TODAY, false),
        ("H47", "H17", TODAY, false),
        // Two took over: neither is the one.
        ("H17", "G07", TODAY, false),
        ("H17", "G25", TODAY, false),
    ] {
        assert_eq!(snapshot.may_act_for(agency(who), &agency(closed).key, on), may, "{who} for {closed} on {on}");
    }
    assert_eq!(snapshot.nearest_above(&code("000.01.15.H37")).map(|above| above.key.as_str()), Some("H37"));
    assert_eq!(snapshot.nearest_above(&code("H37.90.01.02")).map(|above| above.key.as_str()), Some("H37.90"));
    assert!(snapshot.nearest_above(&code("H37")).is_none() && snapshot.nearest_above(&code("X99.1")).is_none());
}

#[test]
fn policy_and_hop_are_read_and_have_strict_defaults() {
    let snapshot = sample();
    let department = snapshot.agency(&"H37.90".parse().unwrap()).unwrap();
    assert_eq!(department.policy, Policy { packet_signature: Requirement::Optional, ..Policy::default() });
    assert_eq!(department.policy.transport, Requirement::Required);
    assert_eq!(department.hop.as_ref().unwrap().as_str(), "province-a");
    assert_eq!(department.parent.as_ref().unwrap().as_str(), "H37");
}

#[test]
fn policies_that_nothing_acts_upon_are_named() {
    assert_eq!(sample().not_enforced().count(), 0);
    for (key, value) in [("attachment_signature", "required"), ("transport", "optional")] {
        let text =
            format!("[[agency]]\ncode = \"H37.90\"\nname = \"Sở Thí dụ\"\n[agency.policy]\n{key} = \"{value}\"\n");
        let snapshot = Snapshot::from_toml(&text).unwrap();
        let named: Vec<&str> = snapshot.not_enforced().map(|agency| agency.code.as_str()).collect();
        assert_eq!(named, ["H37.90"], "{key}");
    }
}

#[test]
fn the_listing_is_paged_and_searched_without_diacritics() {
    let snapshot = sample();
    let names = |query: &str| {
        snapshot.search(query, None, 10).agencies.iter().map(|agency| agency.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("DA nang"), ["H17"]);
    assert_eq!(names("so thi du"), ["H37.90"]);
    assert_eq!(names("vxp.saas"), ["H37.90"]);
    assert_eq!(names("không có"), Vec::<String>::new());

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = snapshot.search("", after.as_ref(), 3);
        seen.extend(page.agencies.iter().map(|agency| agency.key.clone()));
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(seen, snapshot.iter().map(|agency| agency.key.clone()).collect::<Vec<_>>());
}

fn faults(text: &str) -> Vec<Finding> {
    match Snapshot::from_toml(text) {
        Err(Error::Invalid { findings, .. }) => findings,
        other => panic!("taken, or another error: {other:?}"),
    }
}

fn told(text: &str) -> Vec<(String, u32, String)> {
    faults(text).into_iter().map(|f| (f.code, f.line.unwrap(), f.element.unwrap())).collect()
}

#[test]
fn every_fault_within_rows_is_told_at_once_with_row_and_key() {
    let text = r#"[[agency]]
code = "H37/1"
name = ""
[[agency]]
code = "H38"
name = "Hai"
valid_to = "30/06/2025"
locked = "yes"
hop = "Tỉnh"
colour = 1
client_certificates = ["sha256:00", 7]
[agency.policy]
transport = "maybe"
[[agency]]
aliases = "H40"
"#;
    let expected = [
        ("LT-DIR-0005", 2, "agency[1].code"),
        ("LT-DIR-0004", 3, "agency[1].name"),
        ("LT-DIR-0011", 7, "agency[2].valid_to"),
        ("LT-DIR-0003", 8, "agency[2].locked"),
        ("LT-DIR-0013", 9, "agency[2].hop"),
        ("LT-DIR-0002", 10, "agency[2].colour"),
        ("LT-DIR-0009", 11, "agency[2].client_certificates[1]"),
        ("LT-DIR-0003", 11, "agency[2].client_certificates[2]"),
        ("LT-DIR-0003", 13, "agency[2].policy.transport"),
        ("LT-DIR-0004", 14, "agency[3].code"),
        ("LT-DIR-0004", 14, "agency[3].name"),
        ("LT-DIR-0003", 15, "agency[3].aliases"),
    ];
    let expected: Vec<_> = expected.iter().map(|(c, line, key)| ((*c).to_owned(), *line, (*key).to_owned())).collect();
    assert_eq!(told(text), expected);
}

#[test]
fn every_fault_between_rows_is_told_at_once_with_row_and_key() {
    let one = "sha256:0101010101010101010101010101010101010101010101010101010101010101";
    let text = format!(
        r#"[[agency]]
code = "H37"
name = "Một"
aliases = ["H38"]
client_certificates = ["{one}"]
[[agency]]
code = "H38"
name = "Hai"
old_code = "000.00.00.H37"
aliases = ["000.00.00.h37"]
client_certificates = ["{one}"]
signing_certificates = ["{one}"]
[[agency]]
code = "h37"
name = "Ba"
[[agency]]
code = "H40"
name = "Bốn"
parent = "H40"
valid_from = "2025-07-01"
valid_to = "2025-06-30"
successors = ["H41", "H77"]
speaks_for = ["H78", "H79.*"]
[[agency]]
code = "H41"
name = "Năm"
successors = ["H40"]
"#
    );
    let expected = [
        ("LT-DIR-0006", 4, "agency[1].aliases[1]"),
        ("LT-DIR-0010", 11, "agency[2].client_certificates[1]"),
        ("LT-DIR-0006", 14, "agency[3].code"),
        ("LT-DIR-0015", 19, "agency[4].parent"),
        ("LT-DIR-0012", 21, "agency[4].valid_to"),
        ("LT-DIR-0007", 22, "agency[4].successors[2]"),
        ("LT-DIR-0014", 23, "agency[4].speaks_for[1]"),
        ("LT-DIR-0008", 27, "agency[5].successors[1]"),
    ];
    let expected: Vec<_> = expected.iter().map(|(c, line, key)| ((*c).to_owned(), *line, (*key).to_owned())).collect();
    assert_eq!(told(&text), expected);
}

#[test]
fn syntax_errors_are_told_with_their_line() {
    let findings = faults("[[agency]]\ncode = \"H37\"\nname = \"Một\n");
    assert_eq!((findings[0].code.as_str(), findings[0].line), ("LT-DIR-0001", Some(3)));
}

#[test]
fn a_flood_of_faults_is_counted_beyond_the_limit() {
    let text = "[[agency]]\n".repeat(800);
    let Err(Error::Invalid { findings, more, .. }) = Snapshot::from_toml(&text) else { panic!("taken") };
    assert_eq!((findings.len(), more), (1000, 600));
}

#[test]
fn a_changed_file_comes_into_force_and_a_bad_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agencies.toml");
    let row = |code: &str| format!("[[agency]]\ncode = \"{code}\"\nname = \"Một\"\n");
    let known = |directory: &Directory, text: &str| directory.snapshot().lookup(&code(text)).is_some();
    // Editors replace files by renaming; a new inode makes the change visible whatever the clock's resolution.
    let replace = |text: &str| {
        let new = folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    };

    assert!(matches!(Directory::open(&path), Err(Error::Unreadable { .. })));
    replace(&row("H37"));
    let directory = Directory::open(&path).unwrap();
    assert!(known(&directory, "H37"));
    assert!(!directory.reload_if_changed().unwrap());

    replace(&row("H38"));
    assert!(directory.reload_if_changed().unwrap());
    assert!(known(&directory, "H38") && !known(&directory, "H37"));

    replace("[[agency]]\nname = \"không mã\"\n");
    let error = directory.reload_if_changed().unwrap_err();
    assert!(error.to_string().contains("line 1, agency[1].code: LT-DIR-0004"), "{error}");
    assert!(!directory.reload_if_changed().unwrap(), "told once");
    assert!(directory.trouble().is_some(), "but remembered");
    assert!(known(&directory, "H38"), "the old directory stays in force");

    std::fs::remove_file(&path).unwrap();
    assert!(directory.reload_if_changed().is_err());
    assert!(!directory.reload_if_changed().unwrap());
    assert!(directory.trouble().is_some() && known(&directory, "H38"));

    // Back with the content in force: no change, and the trouble is over.
    replace(&row("H38"));
    assert!(!directory.reload_if_changed().unwrap());
    assert!(directory.trouble().is_none());
}

#[test]
fn the_national_catalogue_loads_and_resolves_in_seconds() {
    let mut text = String::new();
    for province in 1..=60 {
        for agency in 0..2000 {
            let (two, three) = (agency / 100, agency % 100);
            let certificate = Digest::of(format!("{province} {agency}").as_bytes());
            write!(
                text,
                "[[agency]]\ncode = \"H{province:02}.{two:02}.{three:02}\"\nold_code = \"9{two:02}.{three:02}.00.H{province:02}\"\n\
                 name = \"Đơn vị {agency} của tỉnh {province}\"\nclient_certificates = [\"{certificate}\"]\n"
            )
            .unwrap();
        }
    }
    let snapshot = Snapshot::from_toml(&text).unwrap();
    assert_eq!(snapshot.len(), 120_000);
    for province in 1..=60 {
        for agency in 0..2000 {
            let (two, three) = (agency / 100, agency % 100);
            let old = code(&format!("9{two:02}.{three:02}.00.h{province:02}"));
            assert_eq!(snapshot.resolve(&old, TODAY).key().as_str(), format!("H{province:02}.{two:02}.{three:02}"));
        }
    }
}

/// A code of the new form with two or three levels, and the old form of it.
fn pair() -> impl Strategy<Value = (String, String)> {
    (prop::char::range('A', 'K'), 1..100_u8, 1..100_u8, 0..100_u8).prop_map(|(letter, one, two, three)| {
        let low = if three == 0 { String::new() } else { format!(".{three:02}") };
        (format!("{letter}{one:02}.{two:02}{low}"), format!("000.{three:02}.{two:02}.{letter}{one:02}"))
    })
}

proptest! {
    #[test]
    fn any_spelling_of_one_agency_resolves_to_one_key(
        (new, old) in pair(),
        alias in "[a-z]{2,6}\\.[a-z0-9]{1,8}",
        registered in prop::bool::ANY,
        canonical_is_old in prop::bool::ANY,
        lower in prop::bool::ANY,
        blanks in "[ \t]{0,3}",
    ) {
        let (canonical, other) = if canonical_is_old { (&old, &new) } else { (&new, &old) };
        let other_row = if registered && !canonical_is_old { format!("old_code = \"{other}\"") } else { String::new() };
        let text = format!("[[agency]]\ncode = \"{canonical}\"\nname = \"Một\"\naliases = [\"{alias}\"]\n{other_row}\n");
        let snapshot = Snapshot::from_toml(&text).unwrap();
        for spelling in [&new, &old, &alias] {
            let cased = if lower { spelling.to_lowercase() } else { spelling.to_uppercase() };
            let written = format!("{blanks}{cased}{blanks}");
            let resolution = snapshot.resolve(&code(&written), TODAY);
            prop_assert!(matches!(resolution, Resolution::Known(_)), "{written}: {resolution:?}");
            prop_assert_eq!(resolution.key().as_str(), canonical.as_str());
        }
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in "(\\[\\[agency\\]\\]|code = |name = |\"H37\"|\"|\n|=|\\[|\\]|successors|[a-zđ.]|2025-06-30){0,40}") {
        let _ = Snapshot::from_toml(&text);
    }
}
