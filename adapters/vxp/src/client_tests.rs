//! The client's side against the server's: what one sends the other takes, and no answer is believed that is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64_simd::STANDARD;
use lienthong_contract::Instant;
use lienthong_contract::system::{Secret, System};

use crate::wire::answer::{Answer, Data};
use crate::wire::client::{AFTER_FILE, Call, HashForm, Retry, Said, Unclear, read};
use crate::wire::fetched::{Fault, Fetched};
use crate::wire::sign::Signed;

const NOW: Instant = Instant::from_millis(1_790_000_000_123);

#[test]
fn every_request_is_made_from_nothing_and_is_taken_by_the_server() {
    let secret = Secret::new(b"demo-secret");
    let system =
        System { id: "H37.02".to_owned(), secrets: vec![secret.clone()], agencies: Vec::new(), networks: Vec::new() };
    let to = ["H53.02", "000.00.01.H27"];
    let hash = HashForm::default().write(&[0x0a, 0xff]);
    assert_eq!((hash.as_str(), HashForm::Padded.write(&[0x0a, 0xff]).as_str()), ("aff", "0aff"));
    let calls = [
        (Call::Send { from: "H37.02", kind: "edoc", to: &to, hash_file: &hash }, "sendEdoc", 5),
        (Call::Send { from: "H37.02", kind: "status", to: &[], hash_file: &hash }, "sendEdoc", 4),
        (Call::Received { kind: "edoc" }, "getReceivedEdocList", 2),
        (Call::Sent { doc_id: "1", kind: "edoc" }, "getSentEdocList", 3),
        (Call::Get { doc_id: "1" }, "getEdoc", 2),
        (Call::Download { doc_id: "1" }, "downloadEdoc", 2),
        (Call::Update { doc_id: "1", status: "done" }, "updateStatus", 2),
        (Call::CountDocuments, "countReceiveEdoc", 2),
        (Call::CountStatuses, "countReceiveStatus", 2),
        (Call::Agencies, "getAgenciesList", 0),
        (Call::AgenciesQd20 { level: "1" }, "getAgenciesListQD20", 1),
        (Call::Units, "getSynchronizeUnit", 0),
        (Call::Register, "registerAgency", 0),
        (Call::Delete { code: "H37.02" }, "deleteAgency", 1),
    ];
    for (call, path, own) in calls {
        let request = call.request("H37.02", &secret, NOW);
        assert_eq!((request.path, request.method == "GET"), (format!("/{path}").as_str(), path == "downloadEdoc"));
        let headers: Vec<(String, &str)> =
            request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str())).collect();
        // systemid, timestamp and Content-Type stand in each; plain, and three headers of the signature.
        let ours = headers.iter().filter(|(name, _)| name.starts_with("xroadvnpt-")).count();
        assert_eq!(ours, own + 3 + 3 + 1, "{path}");
        let signed = Signed::read(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))).unwrap();
        let parameters = signed.by(Some(&system)).expect(path);
        assert_eq!(parameters.get("timestamp"), Some("21092026T211320+0123"));
        let document = ["getSentEdocList", "getEdoc", "downloadEdoc", "updateStatus"].contains(&path);
        assert_eq!(parameters.document_to_read().is_some(), document);
        assert!(!format!("{request:?}").contains("hash-header"));
    }
    assert_eq!(AFTER_FILE, b"\r\n");
}

#[test]
fn an_answer_is_believed_only_when_it_is_wholly_one() {
    let ok = |text: &str| read(200, text.as_bytes());
    let plain = Said {
        code: 0,
        description: "Thanh cong".to_owned(),
        doc_id: "abc".to_owned(),
        data: serde_json::json!([]),
        count: None,
    };
    let good = r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"abc","data":[]}"#;
    assert_eq!(ok(good), Ok(plain.clone()));
    assert_eq!(read(201, good.as_bytes()), Ok(plain.clone()));
    assert_eq!(ok(&good.replace("OK", "success").replace("\"0\"", "0")), Ok(plain.clone()));
    assert_eq!(ok(&format!("\u{feff}{good}")), Ok(plain));
    assert_eq!(ok(&good.replace("\"abc\"", "null")).unwrap().doc_id, "");
    for status in [202, 204, 301, 401, 404, 500, 502] {
        assert_eq!(read(status, good.as_bytes()), Err(Unclear::Status(status)));
    }
    for page in ["", "<html>502 Bad Gateway</html>", "null", "[]", "{", "\"OK\""] {
        assert_eq!(ok(page), Err(Unclear::NotJson), "{page}");
    }
    for (text, missing) in [
        ("{}", "status"),
        (r#"{"status":null,"ErrorCode":"0"}"#, "status"),
        (r#"{"status":"OK"}"#, "ErrorCode"),
        (r#"{"status":"OK","errorCode":"0"}"#, "ErrorCode"),
        (r#"{"status":"OK","ErrorCode":"x"}"#, "ErrorCode"),
        (r#"{"status":"FAIL","ErrorCode":"0"}"#, "status"),
        (r#"{"status":"OK","ErrorCode":"18"}"#, "status"),
        (r#"{"status":"OK","ErrorCode":"0","DocId":{}}"#, "DocId"),
    ] {
        assert_eq!(ok(text), Err(Unclear::Without(missing)), "{text}");
    }
    // No list is not an empty list.
    for data in ["", r#","data":null"#, r#","data":"""#, r#","data":{}"#] {
        let said = ok(&format!(r#"{{"status":"OK","ErrorCode":"0"{data}}}"#)).unwrap();
        assert_eq!(said.rows(), Err(Unclear::Without("data")), "{data}");
    }
    for (code, retry) in [
        (10, Retry::Never),
        (15, Retry::Never),
        (18, Retry::Never),
        (20, Retry::Later),
        (21, Retry::Few),
        (22, Retry::Never),
        (100, Retry::Later),
    ] {
        let answer = Answer::fail(20, "x").to_json();
        let answer = String::from_utf8(answer.to_vec()).unwrap().replace("\"20\"", &format!("\"{code}\""));
        let said = ok(&answer).unwrap();
        assert_eq!((said.is_ok(), said.retry()), (false, retry));
    }
}

/// What comes out of an answer that comes in pieces of this size.
fn fetched(answer: &[u8], size: usize) -> Result<(Vec<u8>, Said), Fault> {
    let (mut fetched, mut packet) = (Fetched::default(), Vec::new());
    for piece in answer.chunks(size) {
        packet.extend_from_slice(&fetched.feed(piece)?);
    }
    fetched.finish(200).map(|said| (packet, said))
}

#[test]
fn a_packet_is_read_out_of_its_answer_in_every_way_that_writers_have_to_write_it() {
    let packet: Vec<u8> = (0..=255).cycle().take(1000).chain(*b"?>>").collect();
    let text = STANDARD.encode_to_string(&packet);
    assert!(text.contains('/') && text.ends_with('='));
    let answer = |data: &str| {
        let head = Answer { doc_id: "\"data\":\"x\\".to_owned(), ..Answer::ok() }.head();
        format!("{head}\"{data}\"}}")
    };
    let lines = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>();
    for data in [
        text.clone(),
        text.replace('/', "\\/"),
        text.replace('=', "\\u003d").replace('+', "\\u002B"),
        lines.join("\\r\\n"),
    ] {
        let first = format!(r#" {{ "data" : "{data}" , "other":[{{"data":"no"}}], "status":"OK","ErrorCode":0}}"#);
        for size in [1, 2, 3, 7, 100, 1 << 20] {
            for answer in [answer(&data), first.clone()] {
                let (read, said) = fetched(answer.as_bytes(), size).unwrap();
                assert!(read == packet && said.is_ok(), "{size}: {answer}");
            }
        }
    }
    for size in [1, 5, 1000] {
        // A refusal with and without an empty text.
        for refusal in [Answer::fail(10, "x").with_data(Data::EmptyText), Answer::fail(10, "x")] {
            let (read, said) = fetched(&refusal.to_json(), size).unwrap();
            assert_eq!((read.len(), said.code), (0, 10));
        }
        // Said to be well, and there is no packet.
        let without = Fault::Unclear(Unclear::Without("data"));
        assert_eq!(fetched(&Answer::ok().to_json(), size), Err(without.clone()));
        assert_eq!(fetched(answer("").as_bytes(), size), Err(without));
        assert_eq!(fetched(b"<html>", size), Err(Fault::Unclear(Unclear::NotJson)));
        let whole = answer(&text);
        assert_eq!(fetched(&whole.as_bytes()[..whole.len() - 9], size), Err(Fault::Unclear(Unclear::NotJson)));
        for bad in [&text[..text.len() - 1], "PGEv!", "PGEvPg==PGEv", "PGEv\\u0", "PGEv\\b", "\\u1234"] {
            assert_eq!(fetched(answer(bad).as_bytes(), size), Err(Fault::NotBase64), "{bad}");
        }
        let around = format!("{{\"a\":\"{}\"}}", "a".repeat(70 << 10));
        assert_eq!(fetched(around.as_bytes(), size), Err(Fault::TooMuch));
    }
}
