//! The OpenAPI document says what the interface does: every address, every status, every member.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use lienthong_contract::door::Acknowledgement;
use serde_json::{Value, json};

use super::doubles::consignment;
use super::{House, Who};
use crate::api::problem::CAUSES;
use crate::api::routes::ROUTES;

fn document() -> Value {
    serde_json::from_str(crate::api::OPENAPI).unwrap()
}

fn resolve<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect(reference),
        None => node,
    }
}

/// A validator for the part of JSON Schema that the document uses. Unknown members are faults here, so that an
/// answer cannot have more than is described.
fn fault(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = resolve(document, schema);
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let faults: Vec<_> = choices.iter().map(|one| fault(document, one, value, at)).collect();
            return if faults.contains(&None) { None } else { Some(format!("{at}: {faults:?}")) };
        }
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Some(format!("{at}: {value} is none of the words"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return Some(format!("{at}: {value} is not the constant"));
    }
    let fits = match schema["type"].as_str().expect("a type") {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => {
            let items = value.as_array()?;
            return items.iter().find_map(|item| fault(document, &schema["items"], item, at));
        }
        "object" => return object_fault(document, schema, value, at),
        other => panic!("the validator does not know {other}"),
    };
    (!fits).then(|| format!("{at}: {value} is no {}", schema["type"]))
}

fn object_fault(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let Some(members) = value.as_object() else { return Some(format!("{at}: {value} is no object")) };
    let properties = schema["properties"].as_object().unwrap();
    if let Some(missing) =
        schema["required"].as_array().unwrap().iter().find(|r| !members.contains_key(r.as_str().unwrap()))
    {
        return Some(format!("{at}: {missing} is missing"));
    }
    members.iter().find_map(|(name, member)| match properties.get(name) {
        None => Some(format!("{at}: {name} is not described")),
        Some(schema) => fault(document, schema, member, &format!("{at}/{name}")),
    })
}

#[test]
fn exactly_the_routes_are_described() {
    let document = document();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())))
        .collect();
    let routed = ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, routed);
}

#[tokio::test]
async fn every_described_address_is_routed() {
    let house = House::open().await;
    for (method, path) in ROUTES {
        let head = format!("{} {}", method.to_uppercase(), path.replace("{id}", "x"));
        let answer = house.ask(Who::Nobody, &format!("{head}\r\ncontent-length: 0"), b"").await;
        assert!(![404, 405].contains(&answer.status), "{head}: {answer:?}");
    }
}

#[test]
fn every_reference_resolves_and_every_problem_has_its_answer() {
    let document = document();
    fn walk(document: &Value, node: &Value) {
        resolve(document, node);
        match node {
            Value::Object(members) => members.values().for_each(|member| walk(document, member)),
            Value::Array(items) => items.iter().for_each(|item| walk(document, item)),
            _ => {}
        }
    }
    walk(&document, &document);
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .flat_map(|operation| operation["responses"].as_object().unwrap().keys().cloned())
        .collect();
    for cause in CAUSES {
        let status = cause.status().as_u16();
        // What is refused before an address is looked at belongs to no address.
        assert!([405, 431].contains(&status) || described.contains(&status.to_string()), "{status}");
    }
}

#[tokio::test]
async fn every_answer_is_as_described() {
    let house = House::open().await;
    let document = document();
    let check = |path: &str, method: &str, answer: &super::Answer| {
        let responses = &document["paths"][path][method]["responses"];
        let response = resolve(&document, &responses[answer.status.to_string()]);
        let media = answer.header("content-type").unwrap().to_owned();
        let schema = &response["content"][&media]["schema"];
        assert!(!schema.is_null(), "{method} {path} {} {media} is not described", answer.status);
        let value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(fault(&document, schema, &value, path), None);
        value
    };
    let post = "POST /v1/packets\r\ncontent-length:";
    let first = check("/v1/packets", "post", &house.ask(Who::Sender, &format!("{post} 5"), b"<xml>").await);
    check("/v1/packets", "post", &house.ask(Who::Sender, &format!("{post} 5"), b"<xml>").await);
    for (body, length) in [("bad", 3), ("down", 4), ("conflict", 8), ("panic", 5), ("large", 5)] {
        check("/v1/packets", "post", &house.ask(Who::Sender, &format!("{post} {length}"), body.as_bytes()).await);
    }
    let trace = format!("GET /v1/packets/{}", first["doc_id"].as_str().unwrap());
    check("/v1/packets/{id}", "get", &house.ask(Who::Sender, &trace, b"").await);
    check("/v1/packets/{id}", "get", &house.ask(Who::Sender, "GET /v1/packets/7", b"").await);
    check("/v1/packets/{id}/proof", "get", &house.ask(Who::Sender, &format!("{trace}/proof"), b"").await);
    check("/v1/inbox", "get", &house.ask(Who::Sender, "GET /v1/inbox", b"").await);
    check("/v1/inbox", "get", &house.ask(Who::Stranger, "GET /v1/inbox", b"").await);
    check("/v1/agencies", "get", &house.ask(Who::Sender, "GET /v1/agencies", b"").await);
    check("/health/live", "get", &house.ask(Who::Nobody, "GET /health/live", b"").await);
    check("/health/ready", "get", &house.ask(Who::Nobody, "GET /health/ready", b"").await);
    house.desk.ready.store(false, Ordering::SeqCst);
    check("/health/ready", "get", &house.ask(Who::Nobody, "GET /health/ready", b"").await);
    for answer in [Acknowledgement::Accept, Acknowledgement::Refuse { reason: "nhầm".into() }] {
        let value = serde_json::to_value(&answer).unwrap();
        assert_eq!(fault(&document, &document["components"]["schemas"]["Acknowledgement"], &value, "ack"), None);
        let body = value.to_string();
        let head = format!("POST /v1/inbox/{}/ack\r\ncontent-length: {}", consignment(1), body.len());
        check("/v1/inbox/{id}/ack", "post", &house.ask(Who::Sender, &head, body.as_bytes()).await);
    }
}

#[test]
fn the_validator_finds_faults() {
    let document = document();
    let schema = &document["components"]["schemas"]["ConsignmentRef"];
    let good = json!({ "id": "x", "recipient": "H01" });
    assert_eq!(fault(&document, schema, &good, ""), None);
    for bad in
        [json!({ "id": "x" }), json!({ "id": 1, "recipient": "H01" }), json!({ "id": "x", "recipient": "H", "z": 1 })]
    {
        assert!(fault(&document, schema, &bad, "").is_some(), "{bad}");
    }
}
