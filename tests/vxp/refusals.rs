//! What is refused, with which code, and what a caller must not learn from it.

use lienthong_vxp::wire::hash::hex;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::sdk::{Sdk, ask};
use super::support::letters::letter;
use super::town::Town;

/// A packet of an agency that need not sign, changed after it was made.
fn unsigned(number: u32, to: &[&str], change: impl FnOnce(String) -> String) -> Vec<u8> {
    let packet = letter("H37.90.05", to, number, b"%PDF-1.4 thi du").packet().unwrap();
    change(String::from_utf8(packet).unwrap()).into_bytes()
}

fn told(answer: &Value) -> (&str, &str) {
    (answer["ErrorCode"].as_str().unwrap(), answer["ErrorDesc"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_has_its_code_and_names_its_place() {
    let town = Town::start().await;
    let mut one = town.sdk("H37.90");
    let send = async |sdk: &mut Sdk, from: &str, packet: &[u8], more: &[(&str, &str)]| {
        let json = sdk.send(from, "edoc", packet, more).await.json();
        assert_eq!(
            (&json["status"], &json["DocId"], &json["data"]),
            (&"FAIL".into(), &"".into(), &Value::Array(vec![]))
        );
        let (code, text) = told(&json);
        (code.to_owned(), text.to_owned())
    };
    let (code, text) =
        send(&mut one, "H37.90", &town.letter("H37.90", &["H37.91", "H37.99", "H37.98"], 1).bytes, &[]).await;
    assert!(
        code == "18" && text.contains("H37.99") && text.contains("H37.98") && !text.contains("H37.91"),
        "{code} {text}"
    );
    let (code, text) = send(&mut one, "H37.90", &town.letter("H37.90", &["H37.92"], 2).bytes, &[]).await;
    assert!(code == "23" && text.contains("H37.92"), "{code} {text}");
    // A sender that is not the system's, and one that is, with a packet of another.
    let other = town.letter("H37.91", &["H37.90"], 3);
    assert_eq!(
        send(&mut one, "H37.91", &other.bytes, &[]).await,
        ("19".to_owned(), "Don vi gui H37.91 khong dung voi ma da dang ky: H37.90".to_owned())
    );
    assert_eq!(send(&mut one, "H37.90", &other.bytes, &[]).await.0, "19");
    let (code, _) = send(&mut one, "H37.90", &unsigned(4, &["H37.91"], |text| text), &[]).await;
    assert_eq!(code, "19", "H37.90 may speak for its commune, but said that it is itself");
    // The system has proved itself: that its packet is not signed is the packet's fault.
    let bare = letter("H37.90", &["H37.91"], 10, b"%PDF-1.4 thi du").packet().unwrap();
    let (code, text) = send(&mut one, "H37.90", &bare, &[]).await;
    assert!(code == "22" && text.contains("LT-INT-0003"), "{code} {text}");
    let undated = unsigned(5, &["H37.91"], |text| {
        let at = text.find("PromulgationDate>").unwrap() + "PromulgationDate>".len();
        let end = at + text[at..].find('<').unwrap();
        format!("{}hom nay{}", &text[..at], &text[end..])
    });
    let (code, text) = send(&mut one, "H37.90.05", &undated, &[]).await;
    assert!(code == "22" && text.contains("PromulgationInfo/PromulgationDate"), "{code} {text}");
    let damaged = unsigned(6, &["H37.91"], |text| {
        text.replace(&base64_simd::STANDARD.encode_to_string(b"%PDF-1.4 thi du"), "${attachment}")
    });
    assert_eq!(send(&mut one, "H37.90.05", &damaged, &[]).await.0, "21");
    for no_file in [&b"%PDF-1.4 no packet"[..], b"", b"bm8gWE1M", b"{}"] {
        assert_eq!(send(&mut one, "H37.90.05", no_file, &[]).await.0, "10", "{no_file:?}");
    }
    // The body is bound by its hash: another one under an overheard signature is not taken.
    let (good, evil) = (unsigned(7, &["H37.91"], |text| text), unsigned(8, &["H37.91"], |text| text));
    let hash = hex(digest(&SHA256, &good).as_ref());
    assert_eq!(one.send_body("H37.90.05", "edoc", &hash, &evil, &[]).await.code(), "21");
    assert_eq!(one.send_body("H37.90.05", "edoc", "", &good, &[]).await.code(), "21");
    assert_eq!(one.send_body("H37.90.05", "edoc", &hash, &good, &[]).await.code(), "0");
    let large = unsigned(9, &["H37.91"], |text| format!("{text}{}", " ".repeat(9 << 20)));
    assert_eq!(send(&mut one, "H37.90.05", &large, &[]).await.0, "10");
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_recipients_narrows_the_delivery_and_never_loses_anybody() {
    let town = Town::start().await;
    let (mut one, mut two, mut office) = (town.sdk("H37.90"), town.sdk("H37.91"), town.sdk("H37"));
    // H37.99 is nobody: who is not meant does not stand in the way.
    let letter = town.letter("H37.90", &["H37.91", "H37", "H37.99"], 1);
    let to = |codes: &str| [("to".to_owned(), codes.to_owned())];
    let mut send = async |codes: &str| {
        let to = to(codes);
        one.send("H37.90", "edoc", &letter.bytes, &[(&to[0].0, &to[0].1)]).await.json()
    };
    for (codes, named) in [(r#"["H49.90"]"#, "H49.90"), (r#"["H37.91","G09.90"]"#, "G09.90"), (r#"["?"]"#, "?")] {
        let refused = send(codes).await;
        assert!(refused["ErrorCode"] == "18" && told(&refused).1.contains(named), "{refused}");
    }
    assert_eq!(send("[1]").await["ErrorCode"], "10");
    let first = send(r#"["000.00.91.H37"]"#).await;
    assert_eq!(first["ErrorCode"], "0", "{first}");
    assert_eq!((two.list("edoc").await.len(), office.list("edoc").await.len()), (1, 0));
    assert_eq!(send(r#"["H37.91"]"#).await, first, "the same again, in another spelling");
    let more = send(r#"["H37.91","H37"]"#).await;
    assert!(more["ErrorCode"] == "18" && told(&more).1.contains("H37"), "{more}");
    assert_eq!(office.list("edoc").await.len(), 0);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_which_part_of_a_signature_was_wrong_or_which_documents_there_are() {
    let town = Town::start().await;
    let (mut one, mut two, mut office) = (town.sdk("H37.90"), town.sdk("H37.91"), town.sdk("H37"));
    let address = one.address;
    let mut answers = Vec::new();
    for (system, secret) in
        [("H37.90", "wrong"), ("H37.99", "secret of department one"), ("h37.90", "secret of department one"), ("", "")]
    {
        answers.push(Sdk::new(address, system, secret).call("getReceivedEdocList", &[("messagetype", "edoc")]).await);
    }
    let head = |sdk: &mut Sdk| {
        let head = sdk.head("POST", "getReceivedEdocList", &[], "application/json", "Content-Length: 0\r\n");
        String::from_utf8(head).unwrap()
    };
    let right = head(&mut one);
    let without =
        right.lines().filter(|line| !line.starts_with("XroadVnpt-hash-header")).collect::<Vec<_>>().join("\r\n");
    for wrong in [
        right.replacen("XroadVnpt-systemid: H37.90", "XroadVnpt-systemid: H37.91", 1),
        right.replacen("XroadVnpt-sign-header: {", "XroadVnpt-sign-header: { ", 1),
        right.replacen("XroadVnpt-version", "XroadVnpt-docId: 1\r\nXroadVnpt-version", 1),
        format!("{without}\r\n\r\n"),
        "POST /getReceivedEdocList HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            .to_owned(),
    ] {
        answers.push(ask(address, &[wrong.as_bytes()]).await);
    }
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
        assert_eq!(answer.code(), "15");
    }
    assert_eq!(ask(address, &[right.as_bytes()]).await.code(), "0");

    let sent = one.send("H37.90", "edoc", &town.letter("H37.90", &["H37.91"], 1).bytes, &[]).await.json();
    let doc_id = sent["DocId"].as_str().unwrap();
    let unknown = "0123456789abcdef01234567";
    let nobodys = lienthong_contract::DocId::fresh().to_string();
    for operation in ["getEdoc", "downloadEdoc", "getSentEdocList"] {
        let forbidden = office.call(operation, &[("docId", doc_id)]).await;
        for other in [unknown, &nobodys] {
            let other = office.call(operation, &[("docId", other)]).await;
            assert_eq!((other.status, &other.body), (forbidden.status, &forbidden.body), "{operation}");
        }
        assert_eq!(forbidden.code(), "10");
        assert_eq!(forbidden.status, if operation == "downloadEdoc" { 404 } else { 200 });
        assert_eq!(forbidden.json()["data"].is_string(), operation == "getEdoc");
    }
    // Only a recipient tells the state; the sender is none.
    let forbidden = office.update("done", doc_id).await;
    assert_eq!((forbidden.code(), &forbidden.body), ("10".to_owned(), &office.update("done", &nobodys).await.body));
    assert_eq!(one.update("done", doc_id).await.body, forbidden.body);
    assert_eq!(two.call("getSentEdocList", &[("docId", doc_id)]).await.code(), "10", "a recipient is not the sender");
    assert_eq!(two.list("edoc").await.len(), 1);
    // A locked agency reads nothing.
    assert_eq!(town.sdk("H37.92").call("getReceivedEdocList", &[]).await.code(), "19");
    town.stop().await;
}
