//! The form of answers, both sides. Pure.

use bytes::Bytes;
use lienthong_door_kit::text::folded;
use serde_json::{Value, json};

pub const MEDIA_TYPE: &str = "application/json;charset=UTF-8";
/// Longest text, in characters.
const MAX_TEXT: usize = 1000;

/// The answer to a packet that was taken.
#[must_use]
pub fn taken(doc_id: &str) -> Bytes {
    json!({ "data": { "docId": doc_id }, "ErrorDesc": "Thanh cong", "ErrorCode": "0", "status": "OK" })
        .to_string()
        .into()
}

/// The answer to one that was not. Clients of the family show the description in ASCII.
#[must_use]
pub fn failed(description: &str) -> Bytes {
    let told: String = folded(description).chars().take(MAX_TEXT).collect();
    let told = if told.trim().is_empty() { "That bai".to_owned() } else { told };
    json!({ "data": "", "ErrorDesc": told, "ErrorCode": "-1", "status": "FAILED" }).to_string().into()
}

/// What an answer says of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is there; by this name, where one is told.
    Taken { doc_id: Option<String>, words: String },
    /// It will not be had.
    Refused { code: String, words: String },
    /// There is no such organisation or service on the way: a setting or a catalogue is at fault, not the packet.
    NoSuchService { words: String },
    /// Nothing that counts.
    Nothing(String),
}

/// Reads the answer of an adapter, or of the security server before it. `again`: the packet may be there already.
#[must_use]
pub fn read(status: u16, body: &[u8], again: bool) -> Said {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) else {
        if status == 404 {
            return Said::NoSuchService { words: "HTTP status 404".to_owned() };
        }
        return Said::Nothing(format!("HTTP status {status} without the family's JSON"));
    };
    let text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => Some(text.trim().to_owned()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    // The form of the security servers' own faults.
    if let (Some(kind), None) = (text("type"), text("ErrorCode")) {
        let words = format!("{kind} {}", text("message").unwrap_or_default());
        let unknown = ["UnknownMember", "UnknownService"].iter().any(|known| kind.ends_with(known));
        return if unknown { Said::NoSuchService { words } } else { Said::Nothing(words) };
    }
    let (Some(code), Some(said)) = (text("ErrorCode"), text("status")) else {
        return Said::Nothing(format!("HTTP status {status}, an answer without ErrorCode or status"));
    };
    let words = text("ErrorDesc").unwrap_or_default();
    let good = ["OK", "SUCCESS"].iter().any(|good| said.eq_ignore_ascii_case(good));
    match (status, good, code.as_str()) {
        (200 | 201, true, "0") => {
            let name = |value: &Value| match value {
                Value::String(text) => Some(text.trim().to_owned()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            let data = fields.get("data");
            let inner = data.and_then(|data| data.get("docId").or_else(|| data.get("DocId")));
            let doc_id = inner.or(data).and_then(name).filter(|name| !name.is_empty());
            Said::Taken { doc_id, words }
        }
        // The packet is at fault: saying it again says nothing else.
        (400 | 413 | 415 | 422, false, other) if other != "0" => Said::Refused { code: other.to_owned(), words },
        // It has another packet of that name, which is this one when that may have arrived.
        (409, false, other) if other != "0" && !again => Said::Refused { code: other.to_owned(), words },
        (404, false, _) => Said::NoSuchService { words: format!("HTTP status 404 {words}") },
        // -1 with a good status is all the family has for whatever went wrong, its database included.
        _ => Said::Nothing(format!("HTTP status {status} {said} {code} {words}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_a_whole_answer_of_the_family_counts() {
        let said = |status, body: &str| read(status, body.as_bytes(), false);
        let taken_as =
            |doc_id: Option<&str>| Said::Taken { doc_id: doc_id.map(str::to_owned), words: "Thanh cong".to_owned() };
        assert_eq!(read(201, &taken("d-1"), true), taken_as(Some("d-1")));
        for (data, doc_id) in [
            ("\"d-2\"", Some("d-2")),
            ("7", Some("7")),
            ("null", None),
            ("{\"DocId\":\"x\"}", Some("x")),
            ("\"\"", None),
        ] {
            let body = format!(r#"{{"data":{data},"ErrorDesc":"Thanh cong","ErrorCode":0,"status":"Success"}}"#);
            assert_eq!(said(201, &body), taken_as(doc_id), "{data}");
        }
        let refused = Said::Refused { code: "-1".to_owned(), words: "Goi tin sai".to_owned() };
        for status in [400, 413, 415, 422] {
            assert_eq!(read(status, &failed("Gói tin sai"), true), refused, "{status}");
        }
        assert_eq!(read(409, &failed("Gói tin sai"), false), refused);
        // It may be this packet that it has.
        assert!(matches!(read(409, &failed("Gói tin sai"), true), Said::Nothing(_)));
        let unknown = r#"{"type":"Server.ClientProxy.UnknownMember","message":"no","detail":"x"}"#;
        let not_found = String::from_utf8(failed("khong co").to_vec()).unwrap();
        for (status, body) in [(500, unknown), (404, "<html/>"), (404, ""), (404, &not_found)] {
            assert!(matches!(said(status, body), Said::NoSuchService { .. }), "{status} {body}");
        }
        for (status, body) in [
            (500, r#"{"type":"Server.ServerProxy.NetworkError","message":"no"}"#),
            (503, r#"{"data":"","ErrorDesc":"x","ErrorCode":"-1","status":"FAILED"}"#),
            (401, r#"{"data":"","ErrorDesc":"x","ErrorCode":"-1","status":"FAILED"}"#),
            (201, r#"{"data":"","ErrorDesc":"x","ErrorCode":"0","status":"FAILED"}"#),
            (201, r#"{"data":"","ErrorDesc":"x","ErrorCode":"-1","status":"FAILED"}"#),
            (200, r#"{"data":"","ErrorDesc":"x","ErrorCode":"-1","status":"FAILED"}"#),
            (201, r#"{"data":"","ErrorDesc":"x","ErrorCode":"-1","status":"OK"}"#),
            (202, r#"{"data":"d","ErrorDesc":"x","ErrorCode":"0","status":"OK"}"#),
            (201, r#"{"data":"d","ErrorDesc":null,"ErrorCode":null,"status":null}"#),
            (201, "<html/>"),
            (201, ""),
            (201, "[]"),
        ] {
            assert!(matches!(said(status, body), Said::Nothing(_)), "{status} {body}");
        }
    }
}
