//! Tests of what the crate carries inside itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::Path;

use lienthong_contract::Digest;

use crate::catalogue::{Catalogue, Day, EMBEDDED, PacketKind, Profile};
use crate::findings;

fn on_disk(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Every `.xsd` below a folder, relative to the crate.
fn schema_files(folder: &str, out: &mut BTreeSet<String>) {
    for found in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let found = found.unwrap();
        let name = format!("{folder}/{}", found.file_name().to_str().unwrap());
        if found.file_type().unwrap().is_dir() {
            schema_files(&name, out);
        } else if name.ends_with(".xsd") {
            out.insert(name);
        }
    }
}

#[test]
fn the_digests_of_the_catalogue_are_those_of_the_files() {
    let toml: toml::Table = toml::from_str(&on_disk("catalogue.toml")).unwrap();
    let rows = ["schema", "part"].iter().flat_map(|kind| toml[*kind].as_array().unwrap());
    let mut listed = BTreeSet::new();
    for row in rows {
        let file = row["file"].as_str().unwrap();
        let text = on_disk(file);
        assert_eq!(row["sha256"].as_str().unwrap(), Digest::of(text.as_bytes()).hex(), "{file}");
        let embedded = EMBEDDED.iter().find(|(name, _)| *name == file).map(|(_, text)| *text);
        assert_eq!(embedded, Some(text.as_str()), "{file} in the binary");
        listed.insert(file.to_owned());
    }
    let mut files = BTreeSet::new();
    schema_files("edxml", &mut files);
    assert_eq!(listed, files, "every schema file is listed, and nothing else");
    assert_eq!(EMBEDDED.len(), files.len());
}

#[test]
fn the_day_decides_which_version_counts() {
    let catalogue = Catalogue::builtin().unwrap();
    let id = |kind, profile, day: &str| {
        catalogue.select(kind, profile, day.parse::<Day>().unwrap()).map(|entry| entry.id.as_str())
    };
    assert_eq!(id(PacketKind::Document, Profile::Strict, "2016-03-31"), None);
    assert_eq!(id(PacketKind::Document, Profile::Strict, "2016-04-01"), Some("edxml-document-2016-strict"));
    assert_eq!(id(PacketKind::Document, Profile::Strict, "2022-09-14"), Some("edxml-document-2016-strict"));
    assert_eq!(id(PacketKind::Document, Profile::Strict, "2022-09-15"), Some("edxml-document-2022-strict"));
    assert_eq!(id(PacketKind::Document, Profile::Tolerant, "2026-03-02"), Some("edxml-document-2022-tolerant"));
    assert_eq!(id(PacketKind::Status, Profile::Strict, "2020-01-01"), Some("edxml-status-2016-strict"));
    assert_eq!(id(PacketKind::Status, Profile::Strict, "2026-03-02"), Some("edxml-status-2022-strict"));
    assert_eq!(id(PacketKind::Status, Profile::Tolerant, "2020-01-01"), Some("edxml-status-tolerant"));
    assert_eq!(id(PacketKind::Status, Profile::Tolerant, "2026-03-02"), Some("edxml-status-tolerant"));
}

#[test]
fn a_day_is_read_strictly() {
    assert_eq!("2026-03-02".parse::<Day>(), Day::new(2026, 3, 2));
    for bad in [
        "2026/03/02",
        "2026-3-2",
        "2026-13-01",
        "2026-00-01",
        "2026-01-32",
        "26-01-01",
        "2026-01-01-01",
        "",
        "+026-01-01",
    ] {
        assert!(bad.parse::<Day>().is_err(), "{bad}");
    }
}

#[test]
fn every_finding_has_its_own_number_and_both_languages() {
    for (index, kind) in findings::ALL.iter().enumerate() {
        assert_eq!(kind.code, format!("LT-XSD-{:04}", index + 1));
        for text in [kind.title, kind.fix] {
            assert!(!text.vi.is_empty() && !text.en.is_empty() && text.vi != text.en, "{}", kind.code);
            // Vietnamese in NFC holds no combining marks.
            assert!(!text.vi.chars().any(|c| ('\u{300}'..='\u{36F}').contains(&c)), "{}", kind.code);
        }
    }
}
