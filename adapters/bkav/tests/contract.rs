//! The door by its bytes: requests as the SDK writes them, on a socket, and the answers to the letter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod double;

use double::{Behind, NUMBER, Open};
use lienthong_contract::Digest;
use serde_json::json;

const AUTH: &str = "organId: H37.02\r\nAuthorization: demo-secret\r\nuser_agent: EdocClient/Bkav\r\n";

fn call(verb: &str, operation: &str, head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{verb} /EdocService/{operation} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn send(file: &str, more: &str) -> Vec<u8> {
    let head = format!("{AUTH}Content-Type: application/octet-stream\r\n{more}");
    call("POST", "sendDocument", &head, &format!("{file}\r\n"))
}

#[tokio::test]
async fn a_packet_comes_in_without_the_line_break_and_gets_a_number() {
    let open = Open::with(Behind::default()).await;
    for file in ["<edXML/>", "<edXML/>\r\n"] {
        let hash = Digest::of(file.as_bytes()).hex();
        let answer = open.ask(&send(file, &format!("type: EDOC\r\nhash-edoc: {hash}\r\n"))).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let body = format!(r#"{{"status":"Success","code":"0","errors":[],"docId":{NUMBER}}}"#);
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
        assert_eq!(open.asked(), [format!("system H37.02 as H37.02: {file}")]);
    }
    // The hash of an earlier call is nothing against a packet; the organ in its old spelling is the same organ.
    let old = send("<edXML/>", "type: STATUS\r\nhash-edoc: 00\r\n");
    let old = String::from_utf8(old).unwrap().replace("organId: H37.02", "organId: 000.00.02.H37");
    assert!(open.ask(old.as_bytes()).await.contains("Success"));
    assert_eq!(open.asked(), ["system H37.02 as H37.02: <edXML/>"]);
}

#[tokio::test]
async fn what_is_refused_says_why_in_the_words_of_the_protocol() {
    let open = Open::with(Behind::default()).await;
    for (request, status, code) in [
        (send("<edXML/>", ""), "Fail", "BadRequest"),
        (send("<edXML/>", "type: LETTER\r\n"), "Fail", "BadRequest"),
        (send("again", "type: EDOC\r\n"), "Fail", "ExistDoc"),
        (send("refuse me", "type: EDOC\r\n"), "Fail", "SendDocument"),
        (send("not now", "type: EDOC\r\n"), "Error", "InternalServer"),
        (call("POST", "getDocument", AUTH, ""), "Fail", "DocID"),
        (call("POST", "getDocument", &format!("{AUTH}docId: last\r\n"), ""), "Fail", "DocID"),
        (call("POST", "getDocument", &format!("{AUTH}docId: 1\r\n"), ""), "Fail", "DocID"),
        (call("POST", "confirmReceived", AUTH, ""), "Fail", "DocID"),
        (call("GET", "getPendingDocIds", &format!("{AUTH}type: X\r\n"), ""), "Fail", "BadRequest"),
        (call("POST", "checkExistDocument", AUTH, "<xml/>"), "Fail", "BadRequest"),
        (call("GET", "sendDocument", AUTH, ""), "Fail", "BadRequest"),
    ] {
        let (http, json) = open.json(&request).await;
        let told = (http, json["status"].as_str().unwrap(), json["code"].as_str().unwrap());
        assert_eq!(told, (200, status, "9999"), "{json}");
        assert_eq!(json["errors"][0]["code"], code, "{json}");
        assert!(!json["errors"][0]["description"].as_str().unwrap().is_empty());
    }
    assert_eq!(open.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_does_not_prove_himself_gets_one_and_the_same_401() {
    let open = Open::with(Behind::default()).await;
    let without_date = |answer: &str| -> Vec<String> {
        answer.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect()
    };
    let one = without_date(&open.ask(&call("GET", "getPendingDocIds", "", "")).await);
    assert_eq!(one[0], "HTTP/1.1 401 Unauthorized");
    assert!(one.last().unwrap().starts_with(r#"{"status":"False","code":"9999","errors":[{"#), "{one:?}");
    for head in [
        "organId: H37.02\r\n",
        "organId: H37.02\r\nAuthorization: wrong\r\n",
        "organId: H37.02\r\nAuthorization: Bearer demo-secret\r\n",
        "organId: nobody\r\nAuthorization: demo-secret\r\n",
        "organId: H37.03\r\nAuthorization: demo-secret\r\n",
        "Authorization: demo-secret\r\n",
    ] {
        let answer = open.ask(&call("GET", "getPendingDocIds", head, "")).await;
        assert_eq!(without_date(&answer), one, "{head}");
    }
}

#[tokio::test]
async fn only_what_was_read_is_confirmed_and_only_once() {
    let content: Vec<u8> = (0..1000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let open = Open::with(Behind { content: content.clone(), ..Behind::default() }).await;
    let list = format!(
        r#"{{"status":"Success","code":"0","errors":[],"data":[{{"docId":{NUMBER},"organId":"H37.02"}}],"docIDs":[{NUMBER}]}}"#
    );
    for (kind, asked) in [("", "Document"), ("type: edoc\r\n", "Document"), ("type: STATUS\r\n", "Status")] {
        let answer = open.ask(&call("GET", "getPendingDocIds", &format!("{AUTH}{kind}"), "")).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{list}")), "{answer}");
        assert_eq!(open.asked(), [format!("received Some({asked})")]);
    }
    let named = format!("{AUTH}docId: {NUMBER}\r\n");
    let confirm = call("POST", "confirmReceived", &named, "");
    let read = call("POST", "getDocument", &named, "");
    let done = r#"{"status":"Success","code":"0","errors":[]}"#;
    // It waits and was not read since the door opened: success would tell the client that it was taken over.
    let answer = open.ask(&confirm).await;
    assert!(answer.contains(r#""status":"Error""#) && answer.contains("InternalServer"), "{answer}");
    assert_eq!(open.asked(), ["received None"], "nothing was marked");
    let answer = open.ask(&read).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(base64_simd::STANDARD.decode_to_vec(json["data"].as_str().unwrap()).unwrap(), content);
    assert_eq!(open.asked(), Vec::<String>::new());
    for told in ["mark Done", "received None"] {
        assert!(open.ask(&confirm).await.ends_with(done));
        assert_eq!(open.asked(), [told]);
    }
    let other = format!("{AUTH}docId: 1\r\n");
    assert!(open.ask(&call("POST", "confirmReceived", &other, "")).await.ends_with(done));
    assert_eq!(open.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn organizations_and_what_exists_already_are_told() {
    let open = Open::with(Behind::default()).await;
    let (_, json) = open.json(&call("GET", "getOrganizations", AUTH, "")).await;
    assert_eq!(json["organizations"].as_array().unwrap().len(), 1200);
    let first = json!({"organId": "H37.0000", "organizationInCharge": "H37", "organName": "Cơ quan 0", "organAdd": "",
        "email": "", "telephone": "", "fax": "", "website": ""});
    assert_eq!(json["organizations"][0], first);
    let (_, json) = open.json(&call("GET", "getOrganizations?organId=H37.0700", AUTH, "")).await;
    assert_eq!(json["organizations"].as_array().unwrap().len(), 1);
    for (from, to, code, found) in [
        ("H37.03", "000.00.02.H37", "1/CV", true),
        ("H37.03", "H37.02", "2/CV", false),
        ("H37.04", "H37.02", "1/CV", false),
        ("H37.03", "H37.99", "1/CV", false),
    ] {
        let body = json!({"fromOrgan": from, "toOrgan": to, "docCode": code}).to_string();
        let (_, json) = open.json(&call("POST", "checkExistDocument", AUTH, &body)).await;
        assert_eq!((&json["result"], &json["isExist"], &json["code"]), (&found.into(), &found.into(), &"200".into()));
    }
}
