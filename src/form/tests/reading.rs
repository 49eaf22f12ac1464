//! Mistakes are told by their keys, all at once; templates are forms of which packets are made.

use clap::ValueEnum;
use jiff::civil::date;
use lienthong_contract::{Finding, Instant};
use serde_json::Value;

use crate::edxml::model::Packet;
use crate::form::templates::Template;
use crate::form::{self, Form, names::Names};
use crate::preview::Judge;
use crate::rules::schema::Strictness;

fn now() -> Instant {
    Instant::from_vietnam(date(2026, 3, 3).at(9, 0, 0, 0)).unwrap()
}

fn template(kind: Template) -> String {
    kind.text(date(2026, 3, 2))
}

/// What is told of a form: keys and codes.
fn told(text: &str) -> Vec<(String, String)> {
    let (form, mut mistakes) = form::read(text);
    if let Some(mut form) = form {
        form.complete(now());
        mistakes = form::mistakes(&form, mistakes, &Judge::plain(Strictness::Strict).unwrap(), now()).unwrap();
    }
    let refusing = mistakes.into_iter().filter(Finding::refuses);
    refusing.map(|finding| (finding.element.unwrap_or_default(), finding.code)).collect()
}

fn keys(text: &str) -> Vec<String> {
    told(text).into_iter().map(|(key, _)| key).collect()
}

fn completed(text: &str) -> Form {
    let (form, mistakes) = form::read(text);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    let mut form = form.unwrap();
    form.complete(now());
    form
}

#[test]
fn every_template_makes_a_packet_that_the_strict_schema_takes() {
    let mut kinds = Vec::new();
    for kind in Template::value_variants() {
        assert_eq!(told(&template(*kind)), [], "{kind:?}");
        let form = completed(&template(*kind));
        kinds.push(match &form.packet {
            Packet::Document(document) => document.business_type().code().to_string(),
            Packet::Status(report) => report.status.value.code().to_owned(),
        });
    }
    assert_eq!(kinds, ["0", "0", "1", "2", "3", "03", "13"]);
}

#[test]
fn what_follows_from_the_rest_is_filled_in() {
    let form = completed(&template(Template::Document));
    let Packet::Document(document) = &form.packet else { panic!() };
    assert_eq!(document.document_id.as_ref().unwrap().value, "H37.90,2026/03/02,12/STN-VP");
    let kind = &document.document_type;
    assert_eq!((kind.group.as_ref().unwrap().value, kind.detail.as_ref().unwrap().value), (2, 18));
    assert_eq!(document.trace[0].organ_id.as_ref().unwrap().value, "H37.90");
    assert_eq!(document.trace[0].timestamp.as_ref().unwrap().value, now());
    let meta = &form.attached[0].meta;
    let said = [&meta.content_id, &meta.name, &meta.content_type].map(|text| text.as_ref().unwrap().value.clone());
    assert_eq!(said, ["1", "van-ban.pdf", "application/pdf"]);
}

#[test]
fn all_mistakes_are_told_at_once_each_by_its_key() {
    let text = template(Template::Document)
        .replace("\"date\": \"2026-03-02\"", "\"date\": \"02/03/2026\"")
        .replace("\"name\": \"Sở Thí dụ tỉnh Khác\", ", "")
        .replace("\"subject\"", "\"subjct\"")
        .replace("\"pages\": 2", "\"pages\": \"hai\"")
        .replace("\"notation\": \"STN-VP\"", &format!("\"notation\": \"{}\"", "X".repeat(31)))
        .replace("\"paper\": false", "\"paper\": \"không\"")
        .replace("\"place\": \"Mẫu\"", "\"place\": \"a\\u0007b\", \"number\": \"13\"");
    let told = told(&text);
    let expected = [
        ("number", "LT-FRM-0005"),
        ("place", "LT-FRM-0010"),
        ("date", "LT-FRM-0007"),
        ("pages", "LT-FRM-0006"),
        ("business.paper", "LT-FRM-0006"),
        ("subjct", "LT-FRM-0004"),
        ("to[1].name", "LT-XSD-0002"),
        ("notation", "LT-XSD-0007"),
        ("subject", "LT-EDX-0034"),
    ];
    for (key, code) in expected {
        assert!(told.contains(&(key.to_owned(), code.to_owned())), "{key} {code} is not among {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

#[test]
fn a_fault_inside_lists_of_lists_is_told_with_both_numbers() {
    let text = template(Template::Replace)
        .replace("[\"G09.90\", \"000.00.90.H49\"]", &format!("[\"G09.90\", \"{}\"]", "H".repeat(40)));
    assert_eq!(keys(&text), ["business.replaces[0].codes[1]"]);
    let text = template(Template::Document).replace("\"Lưu: VT\"", &format!("\"{}\"", "V".repeat(151)));
    assert_eq!(keys(&text), ["to_places[1]"]);
    let text = template(Template::Document).replace("\"email\": \"ttm@mau.gov.vn\"", "\"email\": \"không có\"");
    assert_eq!(keys(&text), ["business.staff.email"]);
    let text = template(Template::Revoke).replacen("\"document_id\": \"H37.90,2026/03/02,12/STN-VP\", ", "", 1);
    assert_eq!(keys(&text), ["response_for[0].document_id"]);
    let text = template(Template::Status).replace("\"status\": \"03\"", "\"status\": \"07\"");
    assert_eq!(keys(&text), ["status"]);
}

#[test]
fn what_is_no_form_is_told_as_such() {
    assert_eq!(told("{\"kind\": \"document\",")[0].1, "LT-FRM-0001");
    assert_eq!(told("[]")[0].1, "LT-FRM-0001");
    assert_eq!(told("{}"), [("kind".to_owned(), "LT-FRM-0003".to_owned())]);
    assert_eq!(told("{\"kind\": \"letter\"}"), [("kind".to_owned(), "LT-FRM-0003".to_owned())]);
    assert_eq!(told(&" ".repeat(form::MAX_BYTES + 1))[0].1, "LT-FRM-0002");
    assert_eq!(told(&"[".repeat(100_000))[0].1, "LT-FRM-0001");
    let empty = keys("{\"kind\": \"document\"}");
    for key in ["date", "from.code", "to[].code", "subject"] {
        assert!(
            empty.iter().any(|told| told == key || told.starts_with(key.split('.').next().unwrap())),
            "{key}: {empty:?}"
        );
    }
}

/// The keys of a JSON Schema, with references followed.
fn schema_keys(root: &Value, node: &Value, path: &str, out: &mut Vec<String>) {
    let node = match node["$ref"].as_str() {
        Some(to) => root.pointer(to.trim_start_matches('#')).unwrap(),
        None => node,
    };
    if node["type"] == "array" {
        return schema_keys(root, &node["items"], &format!("{path}[]"), out);
    }
    let Some(members) = node["properties"].as_object() else {
        assert!(
            node.get("type").is_some() || node.get("const").is_some() || node.get("enum").is_some(),
            "{path}: {node}"
        );
        return out.push(path.to_owned());
    };
    assert_eq!(node["additionalProperties"], false, "{path}");
    for (key, member) in members.iter().filter(|(key, _)| !key.starts_with('$')) {
        assert!(!member["description"].as_str().unwrap_or_default().is_empty(), "{path}.{key} is not explained");
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        schema_keys(root, member, &path, out);
    }
}

#[test]
fn the_schema_of_the_form_names_exactly_the_fields_that_are_read() {
    let schema: Value = serde_json::from_str(include_str!("../../../schemas/form.schema.json")).unwrap();
    for (definition, names) in [("document", Names::of_document()), ("status", Names::of_status())] {
        let mut described = Vec::new();
        schema_keys(&schema, &schema["$defs"][definition], "", &mut described);
        described.retain(|key| key != "kind");
        let mut read: Vec<String> = names.all.iter().map(|name| name.key.clone()).collect();
        // A group stands for itself only where it has fields.
        read.retain(|key| {
            !names
                .all
                .iter()
                .any(|other| other.key.starts_with(&format!("{key}.")) || other.key.starts_with(&format!("{key}[].")))
        });
        described.sort();
        read.sort();
        assert_eq!(described, read, "{definition}");
    }
}
