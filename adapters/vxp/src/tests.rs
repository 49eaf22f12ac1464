//! The test vectors of the protocol, and the rules of the wire one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use lienthong_contract::Instant;
use lienthong_contract::system::{Secret, System};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::wire::answer::{Answer, Data, folded};
use crate::wire::body::{Body, Fault};
use crate::wire::hash::{hex, is_of, unpadded};
use crate::wire::sign::{NotSigned, Signed, sign};
use crate::wire::stamp;

fn system(id: &str, secrets: &[&str]) -> System {
    let secrets = secrets.iter().map(|secret| Secret::new(secret.as_bytes())).collect();
    System { id: id.to_owned(), secrets, agencies: Vec::new(), networks: Vec::new() }
}

/// Key list, signed text, signature, secret.
const VECTORS: [(&str, &str, &str, &str); 6] = [
    (
        "systemid;timestamp;Content-Type",
        r#"{"XroadVnpt-systemid":"000.00.13.H53","XroadVnpt-timestamp":"22112026T043826+0346","XroadVnpt-Content-Type":"application/json"}"#,
        "0d2c5509cbdb10500b030ea030fa25494d2566d459655ad5bcf75b6873cc6dda",
        "test-secret-not-real",
    ),
    (
        "systemid;AgencyCode;timestamp;Content-Type",
        r#"{"XroadVnpt-systemid":"000.00.13.H53","XroadVnpt-AgencyCode":"99.99.99.G21","XroadVnpt-timestamp":"22112026T043826+0346","XroadVnpt-Content-Type":"application/json"}"#,
        "4bca666326ef3522b663a334b917a2b463847d38b91d926f9ee9925c869780ad",
        "test-secret-not-real",
    ),
    (
        "systemid;level;AgencyCode;timestamp;Content-Type",
        r#"{"XroadVnpt-systemid":"000.00.13.H53","XroadVnpt-level":"1","XroadVnpt-AgencyCode":"99.99.99.G21","XroadVnpt-timestamp":"22112026T043826+0346","XroadVnpt-Content-Type":"application/json"}"#,
        "41f2789c3ecbfaec37c048d95d3b5314d5f85241d8744dfabd31f921d5bb9c25",
        "test-secret-not-real",
    ),
    (
        "timestamp;systemid;Content-Type;servicetype;messagetype",
        r#"{"XroadVnpt-timestamp":"22112026T041500+0123","XroadVnpt-systemid":"DEMO.SYSTEM","XroadVnpt-Content-Type":"application/json","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc"}"#,
        "cdc6bf1623717c09f0242a3c80a45587d727e5e35865103fb592a7317b77d3e5",
        "demo-secret",
    ),
    (
        "systemid;servicetype;messagetype;hash-file;from;to;timestamp;Content-Type",
        r#"{"XroadVnpt-systemid":"H37.02","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc","XroadVnpt-hash-file":"c3d433dd6c7540c9bd22e63415476154c11997d73480d0a97ef96cc89a","XroadVnpt-from":"H37.02","XroadVnpt-to":"[\"H53.02\",\"000.00.01.H27\"]","XroadVnpt-timestamp":"01102026T080000+0007","XroadVnpt-Content-Type":"application/octet-stream"}"#,
        "6ce2489ac9e3ff8b047fd0c6eac1a70da9872e616c5813f7c6c4b02ded5b4a83",
        "demo-secret",
    ),
    (
        "systemid;servicetype;messagetype;hash-file;docId;docid;filePath;from;timestamp;Content-Type;status",
        r#"{"XroadVnpt-systemid":"H37.02","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc","XroadVnpt-hash-file":"c3d433dd6c7540c9bd22e63415476154c11997d73480d0a97ef96cc89a","XroadVnpt-docId":"0123456789abcdef01234567","XroadVnpt-docid":"fedcba9876543210fedcba98","XroadVnpt-filePath":"./store","XroadVnpt-from":"H37.02","XroadVnpt-timestamp":"01102026T080000+0007","XroadVnpt-Content-Type":"application/json","XroadVnpt-status":"done"}"#,
        "bb641d97f335b13817ba26bb79b163f1af79854a45ae2b073e9bcf4581f6be29",
        "demo-secret",
    ),
];

/// The headers of a vector, plain ones too, with names as HTTP libraries hand them on.
fn headers(keys: &str, text: &str, tag: &str) -> Vec<(String, Vec<u8>)> {
    let json: Value = serde_json::from_str(text).unwrap();
    let plain = json.as_object().unwrap().iter();
    let mut headers: Vec<(String, Vec<u8>)> =
        plain.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().unwrap().into())).collect();
    for (name, value) in [("sign-header", text), ("sign-header-key", keys), ("hash-header", tag)] {
        headers.push((format!("xroadvnpt-{name}"), value.into()));
    }
    headers.push(("xroadvnpt-version".to_owned(), b"3.0.201608".to_vec()));
    headers.push(("user-agent".to_owned(), b"JAVASDKAgent/1.0.0 XRoad/VPCP".to_vec()));
    headers
}

fn read(headers: &[(String, Vec<u8>)]) -> Result<Signed, NotSigned> {
    Signed::read(headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())))
}

#[test]
fn every_vector_is_verified_and_any_change_of_it_is_not() {
    for (keys, text, tag, secret) in VECTORS {
        let right = read(&headers(keys, text, tag)).unwrap();
        let id = right.system().unwrap().to_owned();
        assert!(right.by(Some(&system(&id, &[secret]))).is_some(), "{text}");
        let by = |secrets: &[&str]| read(&headers(keys, text, tag)).unwrap().by(Some(&system(&id, secrets))).is_some();
        assert!(by(&["older", secret]) && by(&[secret, "newer"]), "either secret of a rotation");
        assert!(!by(&["older", "newer"]) && !by(&[]));
        assert!(read(&headers(keys, text, tag)).unwrap().by(None).is_none());
        let spaced = text.replacen(':', ": ", 1);
        assert!(read(&headers(keys, &spaced, tag)).unwrap().by(Some(&system(&id, &[secret]))).is_none());
        for other in ["", "00", &tag[2..], "not hexadecimal"] {
            assert!(read(&headers(keys, text, other)).unwrap().by(Some(&system(&id, &[secret]))).is_none());
        }
    }
}

#[test]
fn what_a_client_signs_is_what_the_vectors_have() {
    for (keys, text, tag, secret) in VECTORS {
        let json: Value = serde_json::from_str(text).unwrap();
        let value = |name: &str| json[format!("XroadVnpt-{name}")].as_str().unwrap().to_owned();
        let pairs: Vec<(&str, String)> = keys.split(';').map(|name| (name, value(name))).collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let made = sign(&pairs, &Secret::new(secret.as_bytes()));
        let of = |name: &str| &made.iter().find(|(header, _)| header == name).unwrap().1;
        assert_eq!((of("XroadVnpt-sign-header").as_str(), of("XroadVnpt-hash-header").as_str()), (text, tag));
        assert_eq!(of("XroadVnpt-sign-header-key"), keys);
    }
}

#[test]
fn both_spellings_of_a_document_mean_what_each_operation_takes_them_for() {
    let (keys, text, tag, secret) = VECTORS[5];
    let parameters = read(&headers(keys, text, tag)).unwrap().by(Some(&system("H37.02", &[secret]))).unwrap();
    assert_eq!(parameters.document_to_mark(), Some("fedcba9876543210fedcba98"));
    assert_eq!(parameters.document_to_read(), Some("0123456789abcdef01234567"));
    assert_eq!(parameters.get("DOCID"), None, "either may be meant");
    assert_eq!(parameters.get("FILEPATH"), Some("./store"));
    assert!(!format!("{parameters:?}").contains("./store"));
}

#[test]
fn a_plain_header_that_says_otherwise_spoils_the_request() {
    let (keys, text, tag, _) = VECTORS[4];
    let with = |name: &str, value: &[u8]| {
        let mut headers = headers(keys, text, tag);
        headers.push((name.to_owned(), value.to_vec()));
        read(&headers).err()
    };
    assert_eq!(with("xroadvnpt-status", b"done"), Some(NotSigned::OtherValue), "not among what was signed");
    assert_eq!(with("xroadvnpt-from", b"H37.03"), Some(NotSigned::OtherValue));
    assert_eq!(with("xroadvnpt-hash-header", tag.as_bytes()), Some(NotSigned::Missing), "there twice");
    assert_eq!(with("xroadvnpt-to", br#"["H53.02","000.00.01.H27"]"#), None, "the same twice is the same");
    assert_eq!(with("x-forwarded-for", b"192.0.2.1"), None);
    let mut less = headers(keys, text, tag);
    less.retain(|(name, _)| name != "xroadvnpt-from");
    assert!(read(&less).is_ok(), "values come from the signed text alone");
    for missing in ["sign-header", "sign-header-key", "hash-header"] {
        let mut less = headers(keys, text, tag);
        less.retain(|(name, _)| *name != format!("xroadvnpt-{missing}"));
        assert_eq!(read(&less).err(), Some(NotSigned::Missing));
    }
}

#[test]
fn the_signed_text_is_a_flat_object_of_texts_with_each_name_once() {
    let of = |keys: &str, text: &str| {
        let all = [("sign-header", text), ("sign-header-key", keys), ("hash-header", "00")];
        let all = all.map(|(name, value)| (format!("xroadvnpt-{name}"), value.as_bytes().to_vec()));
        read(&all).err()
    };
    let good = r#"{"XroadVnpt-systemid":"a","XroadVnpt-b":"c"}"#;
    assert_eq!(of("systemid;b", good), None);
    assert_eq!(of("b;systemid", good), None, "a list of names is a set");
    for keys in ["systemid", "systemid;b;c", "systemid;B", "XroadVnpt-systemid;b"] {
        assert_eq!(of(keys, good), Some(NotSigned::OtherNames), "{keys}");
    }
    for text in [
        "",
        "null",
        "[]",
        "{",
        "{}x",
        r#"{"XroadVnpt-a":1}"#,
        r#"{"XroadVnpt-a":null}"#,
        r#"{"XroadVnpt-a":{}}"#,
        r#"{"XroadVnpt-a":"1","XroadVnpt-a":"1"}"#,
        r#"{"xroadvnpt-a":"1"}"#,
        r#"{"a":"1"}"#,
        r#"{"XroadVnpt-a":"1"} {"XroadVnpt-a":"1"}"#,
    ] {
        assert_eq!(of("a", text), Some(NotSigned::NotFlat), "{text}");
    }
    assert!(
        read(&headers(
            "docId;docid;systemid",
            r#"{"XroadVnpt-docId":"1","XroadVnpt-docid":"2","XroadVnpt-systemid":"s"}"#,
            "00"
        ))
        .is_ok()
    );
}

#[test]
fn vietnamese_in_a_header_is_read_as_utf8_and_else_as_latin1() {
    let text = r#"{"XroadVnpt-systemid":"s","XroadVnpt-filePath":"C:\\Tài liệu"}"#;
    let secret = Secret::new(b"k");
    let tag = hex(secret.sign(text.as_bytes()).as_ref());
    let mut all = headers("systemid;filePath", text, &tag);
    assert!(read(&all).unwrap().by(Some(&system("s", &["k"]))).is_some());
    let text = r#"{"XroadVnpt-systemid":"s","XroadVnpt-filePath":"C:\\Tài"}"#;
    let latin1 = |text: &str| -> Vec<u8> { text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect() };
    let tag = hex(secret.sign(text.as_bytes()).as_ref());
    all = headers("systemid;filePath", text, &tag);
    for (name, value) in &mut all {
        if name.ends_with("filepath") || name.ends_with("sign-header") {
            *value = latin1(std::str::from_utf8(value).unwrap());
        }
    }
    assert!(read(&all).unwrap().by(Some(&system("s", &["k"]))).is_some());
}

#[test]
fn a_hash_of_a_file_is_taken_in_both_forms() {
    for (file, padded, short) in [
        (
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "ba7816bf8f1cfea414140de5dae2223b0361a396177a9cb410ff61f2015ad",
        ),
        (
            "<edXML/>",
            "8d55f6c7bf7cd534cf027a10e1bb5731c68279c3cb991c0f4844774c685b3758",
            "8d55f6c7bf7cd534cf27a10e1bb5731c68279c3cb991cf4844774c685b3758",
        ),
        (
            "<edXML n=\"4893\"/>",
            "0c3d433dd6c75400c9bd22e6340154076154c11997d73480d0a97ef96c0c890a",
            "c3d433dd6c7540c9bd22e63415476154c11997d73480d0a97ef96cc89a",
        ),
        (
            "",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
    ] {
        let made = digest(&SHA256, file.as_bytes());
        assert_eq!((hex(made.as_ref()).as_str(), unpadded(made.as_ref()).as_str()), (padded, short));
        assert!(
            is_of(padded, made.as_ref()) && is_of(short, made.as_ref()) && is_of(&padded.to_uppercase(), made.as_ref())
        );
        assert!(!is_of(&short[1..], made.as_ref()) && !is_of("", made.as_ref()));
    }
}

/// What a body comes to, cut into pieces of this size.
fn taken(claimed: &str, body: &[u8], size: usize) -> Result<Vec<u8>, Fault> {
    let (mut reading, mut file) = (Body::new(claimed), Vec::new());
    for piece in body.chunks(size) {
        for certain in reading.feed(Bytes::copy_from_slice(piece))? {
            file.extend_from_slice(&certain);
        }
    }
    file.extend_from_slice(&reading.finish()?);
    Ok(file)
}

#[test]
fn exactly_one_line_break_is_taken_off_unless_the_file_was_signed_with_it() {
    for file in ["<a/>", "<a/>\r\n", "<a/>\r\n\r\n", "<a>\r\n\r</a>\r", "<a/>\n", " \r\n<a/>", "\u{feff}<a/>"] {
        for form in [hex, unpadded] {
            let claimed = form(digest(&SHA256, file.as_bytes()).as_ref());
            for size in [1, 2, 3, 1000] {
                let sent = format!("{file}\r\n");
                assert_eq!(taken(&claimed, sent.as_bytes(), size).as_deref(), Ok(file.as_bytes()), "{file:?} {size}");
                assert_eq!(taken(&claimed, file.as_bytes(), size).as_deref(), Ok(file.as_bytes()), "{file:?} {size}");
                let other = format!("{file} \r\n");
                assert_eq!(taken(&claimed, other.as_bytes(), size), Err(Fault::OtherFile));
            }
        }
    }
}

#[test]
fn a_file_in_base64_is_decoded_and_may_be_signed_as_file_or_as_text() {
    for file in ["<a/>", "<ab/>", "<abc/>\r\n", "\u{feff}<abcd/>"] {
        let text = base64_simd::STANDARD.encode_to_string(file.as_bytes());
        let broken: String =
            text.as_bytes().chunks(5).map(|line| format!("{}\r\n", std::str::from_utf8(line).unwrap())).collect();
        let of = |text: &str| unpadded(digest(&SHA256, text.as_bytes()).as_ref());
        for size in [1, 3, 7, 1000] {
            for sent in [text.clone(), format!("{text}\r\n"), format!("\r\n {text}\n"), broken.clone()] {
                assert_eq!(taken(&of(file), sent.as_bytes(), size).as_deref(), Ok(file.as_bytes()), "{sent:?}");
            }
            assert_eq!(taken(&of(&text), format!("{text}\r\n").as_bytes(), size).as_deref(), Ok(file.as_bytes()));
            assert_eq!(taken(&of("other"), text.as_bytes(), size), Err(Fault::OtherFile));
        }
    }
    let claimed = hex(digest(&SHA256, b"<a/>").as_ref());
    for bad in ["", " \r\n", "{}", "PGEvP", "PGEvPg==PGEv", "PG!vPg==", "%PDF-1.4"] {
        for size in [1, 4, 1000] {
            assert_eq!(taken(&claimed, bad.as_bytes(), size), Err(Fault::NotAFile), "{bad:?}");
        }
    }
    assert_eq!(taken(&claimed, &[b' '; 5000], 100), Err(Fault::NotAFile));
}

#[test]
fn times_are_read_and_written_as_the_sdk_has_them() {
    let time = stamp::timestamp("22112026T043826+0346").unwrap();
    assert_eq!(time.to_string(), "2026-11-22T04:38:26.346+07:00");
    assert_eq!(stamp::to_timestamp(time), "22112026T043826+0346");
    for bad in [
        "",
        "22112026T043826",
        "22112026T043826+1000",
        "22112026T043826+-001",
        "2026-11-22T04:38:26+0700",
        "31022026T000000+0000",
    ] {
        assert_eq!(stamp::timestamp(bad), None, "{bad}");
    }
    let shown = |text, last| stamp::window_end(text, last).map(|time: Instant| time.to_string());
    assert_eq!(shown("22/11/2026 04:38:26", false).as_deref(), Some("2026-11-22T04:38:26.000+07:00"));
    assert_eq!(shown("22/11/2026 04:38:26", true).as_deref(), Some("2026-11-22T04:38:26.999+07:00"));
    assert_eq!(shown("22/11/2026", true).as_deref(), Some("2026-11-22T23:59:59.999+07:00"));
    assert_eq!(shown("11-22-2026", true), None);
    assert_eq!(stamp::shown(time), "2026/11/22 04:38:26");
}

#[test]
fn every_answer_has_five_keys_none_is_null_and_all_of_it_is_ascii() {
    let list = Answer::list(&[serde_json::json!({"title": "Về việc 😀"})]);
    for (answer, data) in [
        (Answer::ok(), serde_json::json!([])),
        (Answer::fail(18, "Đơn vị nhận không tồn tại: H99"), serde_json::json!([])),
        (Answer::fail(20, " "), serde_json::json!([])),
        (Answer::fail(10, "x").with_data(Data::EmptyText), serde_json::json!("")),
        (list, serde_json::json!([{"title": "Về việc 😀"}])),
    ] {
        let json = answer.to_json();
        assert!(json.is_ascii());
        let read: Value = serde_json::from_slice(&json).unwrap();
        let keys: std::collections::BTreeSet<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["DocId", "ErrorCode", "ErrorDesc", "data", "status"].into());
        assert_eq!(read["data"], data);
        assert_eq!(read["ErrorCode"], answer.code.to_string());
        assert_eq!(read["status"], if answer.code == 0 { "OK" } else { "FAIL" });
        assert!(!read["ErrorDesc"].as_str().unwrap().trim().is_empty() && read["DocId"].is_string());
    }
    assert_eq!(
        Answer::fail(18, "Don vi nhan khong ton tai: H99").to_json().as_ref(),
        br#"{"status":"FAIL","ErrorCode":"18","ErrorDesc":"Don vi nhan khong ton tai: H99","DocId":"","data":[]}"#
    );
    assert_eq!(folded("Đường “Ðặng Thùy” – ≤ 5…"), "Duong \"Dang Thuy\" - < 5...");
}
