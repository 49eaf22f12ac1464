//! An operator adds schemas without rebuilding; what is wrong with them is said when the gateway starts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{DOCUMENT, change};
use lienthong_contract::Digest;
use lienthong_schemas::{Catalogue, Error, PacketKind, Profile, ValidatorPool};

const HEAD: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"
    targetNamespace="http://www.mic.gov.vn/TBT/QCVN_102_2016" elementFormDefault="qualified">"#;

/// A schema that wants a new element right under the root.
fn schema() -> String {
    format!(
        r#"{HEAD}
  <xs:include schemaLocation="parts/common.xsd"/>
  <xs:element name="edXML">
    <xs:complexType mixed="true"><xs:sequence><xs:element name="Edition" type="Edition"/></xs:sequence></xs:complexType>
  </xs:element>
</xs:schema>"#
    )
}

fn part() -> String {
    format!(r#"{HEAD}<xs:simpleType name="Edition"><xs:restriction base="xs:int"/></xs:simpleType></xs:schema>"#)
}

fn catalogue(schema_digest: &str, part_digest: &str, extra: &str) -> String {
    format!(
        r#"
[[schema]]
id = "next"
version = "2030"
kind = "document"
profile = "strict"
file = "next.xsd"
sha256 = "{schema_digest}"
valid_from = "2030-01-01"
{extra}
[[part]]
file = "parts/common.xsd"
sha256 = "{part_digest}"
"#
    )
}

/// A folder with these files; digests of the files it really has.
fn folder(schema: &str, part: &str, extra: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "next.xsd", schema);
    write(folder.path(), "parts/common.xsd", part);
    let digest = |text: &str| Digest::of(text.as_bytes()).hex();
    write(folder.path(), "catalogue.toml", &catalogue(&digest(schema), &digest(part), extra));
    folder
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn refused(folder: &tempfile::TempDir) -> Error {
    Catalogue::with_folder(folder.path()).expect_err("the folder was taken")
}

#[test]
fn a_new_schema_counts_from_its_day_on() {
    let folder = folder(&schema(), &part(), "");
    let catalogue = Catalogue::with_folder(folder.path()).unwrap();
    let id =
        |day: &str| catalogue.select(PacketKind::Document, Profile::Strict, day.parse().unwrap()).unwrap().id.clone();
    assert_eq!(id("2029-12-31"), "edxml-document-2022-strict");
    assert_eq!(id("2030-01-01"), "next");
    let pool = ValidatorPool::new(Arc::new(catalogue.clone()));
    let good = "<edXML xmlns='http://www.mic.gov.vn/TBT/QCVN_102_2016'><Edition>2</Edition></edXML>";
    assert_eq!(pool.validate("next", good.as_bytes()).unwrap(), []);
    let bad = change(good, &[(">2<", ">hai<")]);
    assert_eq!(pool.validate("next", bad.as_bytes()).unwrap().len(), 1);
    assert_eq!(pool.validate("edxml-document-2022-strict", DOCUMENT.as_bytes()).unwrap(), []);
}

#[test]
fn of_two_that_begin_the_same_day_the_folders_counts() {
    let folder = folder(&schema(), &part(), "");
    let text = std::fs::read_to_string(folder.path().join("catalogue.toml")).unwrap();
    write(folder.path(), "catalogue.toml", &change(&text, &[("2030-01-01", "2022-09-15")]));
    let catalogue = Catalogue::with_folder(folder.path()).unwrap();
    let day = "2026-03-02".parse().unwrap();
    assert_eq!(catalogue.select(PacketKind::Document, Profile::Strict, day).unwrap().id, "next");
}

#[test]
fn a_changed_file_is_told_by_its_digest() {
    for file in ["next.xsd", "parts/common.xsd"] {
        let folder = folder(&schema(), &part(), "");
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        write(folder.path(), file, &format!("{text} "));
        let error = refused(&folder);
        assert!(matches!(&error, Error::HashMismatch { file: named, .. } if named == file), "{error}");
    }
}

#[test]
fn an_include_the_catalogue_does_not_list_is_missing() {
    // Used or not, on the disk or not: what is not listed is not read.
    for schema in [schema(), change(&schema(), &[("type=\"Edition\"", "type=\"xs:int\"")])] {
        for location in ["parts/other.xsd", "http://example.invalid/other.xsd", "/etc/hostname", "../../elsewhere.xsd"]
        {
            let folder = folder(&change(&schema, &[("parts/common.xsd", location)]), &part(), "");
            let error = refused(&folder);
            let text = error.to_string();
            assert!(text.contains("next"), "{text}");
            match &error {
                Error::MissingImport { location: named, .. } => assert_eq!(named, location),
                // A name is wanted from the file: the error names both.
                Error::Schema { message, .. } => {
                    assert!(
                        message.contains("Edition") && message.contains(location.trim_start_matches(['.', '/'])),
                        "{message}"
                    );
                }
                other => panic!("{other}"),
            }
        }
    }
}

#[test]
fn what_is_no_schema_is_refused() {
    for (schema, why) in [
        ("<xs:schema".to_owned(), "next"),
        (change(&schema(), &[("xs:sequence", "xs:sequenze")]), "sequenze"),
        (change(&schema(), &[("type=\"Edition\"", "type=\"Auflage\"")]), "Auflage"),
        (change(&schema(), &[("name=\"edXML\"", "name=\"other\"")]), "edXML"),
    ] {
        let error = refused(&folder(&schema, &part(), ""));
        assert!(matches!(&error, Error::Schema { id, .. } if id == "next"), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_wrong_catalogue_is_refused() {
    let error = refused(&folder(&schema(), &part(), "colour = \"red\""));
    assert!(error.to_string().contains("colour"), "{error}");
    let error = refused(&folder(&schema(), &part(), "valid_to = \"2029-12-31\""));
    assert!(matches!(error, Error::EmptyPeriod { .. }), "{error}");
    let error = refused(&folder(&schema(), &part(), "valid_to = \"31/12/2031\""));
    assert!(matches!(error, Error::BadDay { .. }), "{error}");
    let edit = |from: &str, to: &str| {
        let folder = folder(&schema(), &part(), "");
        let text = std::fs::read_to_string(folder.path().join("catalogue.toml")).unwrap();
        write(folder.path(), "catalogue.toml", &change(&text, &[(from, to)]));
        refused(&folder)
    };
    assert!(matches!(edit("id = \"next\"", "id = \"edxml-status-tolerant\""), Error::DuplicateId { .. }));
    for name in ["../next.xsd", "/etc/hostname", "", "a\\\\b.xsd", "./next.xsd"] {
        let error = edit("\"next.xsd\"", &format!("\"{name}\""));
        assert!(matches!(&error, Error::BadFileName { .. }), "{name}: {error}");
    }
    assert!(matches!(edit("\"next.xsd\"", "\"absent.xsd\""), Error::Read { .. }));
    assert!(matches!(edit("[[schema]]", "[[schema"), Error::Catalogue { .. }));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(refused(&empty), Error::Read { .. }));
}
