//! Answers as every generation of clients reads them: older ones look at `success`, newer ones at `code`, and a failure has
//! `errorDetail`, which a success never has.

use bytes::Bytes;
use hyper::StatusCode;
use lienthong_door_kit::codes::code::{SYSTEM_ERROR, WRONG_SYSTEM};
use lienthong_door_kit::text::folded;

pub const MEDIA_TYPE: &str = "application/json;charset=UTF-8";
/// Longest text, in characters.
const MAX_TEXT: usize = 1000;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As in the technical guide of the national axis.
    pub error: u8,
    pub text: String,
    /// The call was for a list: its `data` stays one.
    pub of_list: bool,
}

fn text(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

impl Failure {
    #[must_use]
    pub fn new(error: u8, text: impl Into<String>) -> Self {
        Self { error, text: text.into(), of_list: false }
    }

    /// The one answer to a call that does not prove who makes it, whatever of it is wrong.
    #[must_use]
    pub fn not_known() -> Self {
        Self::new(WRONG_SYSTEM, "licenseInfo:invalid")
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.error {
            WRONG_SYSTEM => StatusCode::UNAUTHORIZED,
            SYSTEM_ERROR => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        }
    }

    #[must_use]
    pub fn to_json(&self) -> Bytes {
        let code = match self.status() {
            StatusCode::OK => 400,
            other => other.as_u16(),
        };
        let mut told: String = folded(&self.text).chars().take(MAX_TEXT).collect();
        if told.trim().is_empty() {
            "Khong ro nguyen nhan".clone_into(&mut told);
        }
        let (told, error) = (text(&told), self.error);
        let data = if self.of_list {
            "[]".to_owned()
        } else {
            format!("{{\"docId\":\"\",\"status\":\"FAIL\",\"errorCode\":\"{error}\",\"errorDesc\":{told}}}")
        };
        let json = format!(
            "{{\"success\":false,\"code\":{code},\"message\":{told},\"data\":{data},\"errorDetail\":[{{\"exception\":{told}}}]}}"
        );
        json.into()
    }
}

/// `sendEdoc` and `updateStatus`, done.
#[must_use]
pub fn done(doc_id: &str) -> Bytes {
    let id = text(doc_id);
    let data = format!("{{\"docId\":{id},\"status\":\"OK\",\"errorCode\":\"0\",\"errorDesc\":\"Thanh cong\"}}");
    format!("{{\"success\":true,\"code\":200,\"message\":\"OK\",\"docId\":{id},\"data\":{data}}}").into()
}

/// A login.
#[must_use]
pub fn logged_in(token: &str, system: &str) -> Bytes {
    let (token, id) = (text(token), text(system));
    let data = format!("{{\"token\":{token},\"id\":{id},\"username\":{id},\"name\":{id}}}");
    format!("{{\"success\":true,\"code\":200,\"message\":\"OK\",\"token\":{token},\"data\":{data}}}").into()
}

/// A list, written already.
#[must_use]
pub fn list(count: usize, rows: &Bytes) -> Bytes {
    let head = format!("{{\"success\":true,\"code\":200,\"message\":\"OK\",\"count\":{count},\"data\":");
    [head.as_bytes(), rows, b"}"].concat().into()
}

/// What stands before the rows of a list whose length is not known yet.
pub const LIST_HEAD: &str = "{\"success\":true,\"code\":200,\"message\":\"OK\",\"data\":[";
pub const LIST_TAIL: &str = "]}";

/// What stands around a packet: before it, between its two copies, and behind. The platform answers with `data.data`; its
/// older documentation has `data.edxml` and lists the attachments beside it, which are inside the packet here.
#[must_use]
pub fn around(doc_id: &str) -> [String; 3] {
    let id = text(doc_id);
    [
        format!(
            "{{\"success\":true,\"code\":200,\"message\":\"OK\",\"docId\":{id},\"data\":{{\"docId\":{id},\
             \"status\":\"OK\",\"errorCode\":\"0\",\"errorDesc\":\"Thanh cong\",\"data\":\""
        ),
        "\",\"edxml\":\"".to_owned(),
        "\",\"attachments\":[]}}".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use lienthong_door_kit::codes::code::NO_SUCH_RECIPIENT;
    use serde_json::Value;

    use super::*;

    #[test]
    fn answers_are_the_bytes_that_the_platform_is_known_by() {
        let sent = r#"{"success":true,"code":200,"message":"OK","docId":"d-1","data":{"docId":"d-1","status":"OK","errorCode":"0","errorDesc":"Thanh cong"}}"#;
        assert_eq!(done("d-1").as_ref(), sent.as_bytes());
        let failed = Failure::new(NO_SUCH_RECIPIENT, "Đơn vị nhận không tồn tại");
        let json = r#"{"success":false,"code":400,"message":"Don vi nhan khong ton tai","data":{"docId":"","status":"FAIL","errorCode":"18","errorDesc":"Don vi nhan khong ton tai"},"errorDetail":[{"exception":"Don vi nhan khong ton tai"}]}"#;
        assert_eq!((failed.status(), failed.to_json().as_ref()), (StatusCode::OK, json.as_bytes()));
        let unknown = Failure::not_known();
        let read: Value = serde_json::from_slice(&unknown.to_json()).unwrap();
        assert_eq!((unknown.status(), &read["code"]), (StatusCode::UNAUTHORIZED, &401.into()));
        let later = Failure { of_list: true, ..Failure::new(SYSTEM_ERROR, " ") };
        let read: Value = serde_json::from_slice(&later.to_json()).unwrap();
        assert_eq!(
            (later.status(), &read["code"], &read["data"]),
            (StatusCode::SERVICE_UNAVAILABLE, &503.into(), &serde_json::json!([]))
        );
        let login: Value = serde_json::from_slice(&logged_in("t", "s\"1")).unwrap();
        assert_eq!(
            (&login["token"], &login["data"]["token"], &login["data"]["username"]),
            (&"t".into(), &"t".into(), &"s\"1".into())
        );
        let around = around("d").join("AAAA");
        let read: Value = serde_json::from_str(&around).unwrap();
        assert_eq!((&read["data"]["data"], &read["data"]["edxml"]), (&"AAAA".into(), &"AAAA".into()));
    }
}
