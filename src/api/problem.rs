//! Refusals as RFC 9457 problems: one shape for everything this interface says no with.
//!
//! A handler returns a [`Problem`]; the door fills in `instance` and writes it (see `routes::Door`), so that no answer
//! leaves in another shape.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use lienthong_contract::door::{Refusal, RefusalCause};
use lienthong_contract::{Finding, Kind, Text};
use serde::{Deserialize, Serialize};

/// The media type of every refusal.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A refusal, as it stands in the body of the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:lienthong:problem:` and the cause.
    #[serde(rename = "type")]
    pub kind: String,
    /// The cause in a few words, Vietnamese.
    pub title: String,
    pub title_en: String,
    pub status: u16,
    /// What happened and what to do, Vietnamese.
    pub detail: String,
    pub detail_en: String,
    /// The address that was asked for.
    pub instance: String,
    pub findings: Vec<Finding>,
    /// The SubmissionRejection receipt, JWS in compact form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The same as the `Retry-After` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// The connection cannot be used again: the rest of the request was not read.
    #[serde(skip)]
    pub(super) closing: bool,
}

/// One `type` of problem.
#[derive(Debug)]
pub(super) struct Cause {
    slug: &'static str,
    status: StatusCode,
    title: Text,
}

macro_rules! causes {
    ($($name:ident $slug:literal $status:ident $vi:literal $en:literal;)+) => {
        $(pub(super) static $name: Cause =
            Cause { slug: $slug, status: StatusCode::$status, title: Text { vi: $vi, en: $en } };)+
        #[cfg(test)]
        pub(super) static CAUSES: &[&Cause] = &[$(&$name),+];
    };
}

causes! {
    BAD_PACKET "bad-packet" UNPROCESSABLE_ENTITY "Gói tin không đạt quy định" "The packet breaks a rule";
    FORBIDDEN "forbidden" FORBIDDEN "Không được phép" "Not allowed";
    CONFLICT "conflict" CONFLICT "Trái với kết quả đã ghi nhận trước đó" "Contradicts what was recorded before";
    TOO_LARGE "too-large" PAYLOAD_TOO_LARGE "Gói tin quá lớn" "The packet is too large";
    INCOMPLETE "incomplete" BAD_REQUEST "Gói tin chưa đến đủ" "The packet did not arrive whole";
    TOO_SLOW "too-slow" REQUEST_TIMEOUT "Yêu cầu đến quá chậm" "The request arrived too slowly";
    UNAVAILABLE "unavailable" SERVICE_UNAVAILABLE "Trục tạm thời chưa tiếp nhận được" "The gateway cannot take this just now";
    NOT_FOUND "not-found" NOT_FOUND "Không tìm thấy" "Not found";
    GONE "gone" GONE "Nội dung đã được xóa" "The content was deleted";
    BAD_REQUEST "bad-request" BAD_REQUEST "Yêu cầu không hợp lệ" "The request is not valid";
    RATE_LIMITED "rate-limited" TOO_MANY_REQUESTS "Gọi quá nhiều" "Too many requests";
    WRONG_METHOD "method-not-allowed" METHOD_NOT_ALLOWED "Sai phương thức HTTP" "Wrong HTTP method";
    HEAD_TOO_LARGE "head-too-large" REQUEST_HEADER_FIELDS_TOO_LARGE "Phần đầu yêu cầu quá lớn" "The head of the request is too large";
    NOT_RAW "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "Sai cách đóng gói nội dung" "The body is wrapped in a wrong way";
    INTERNAL "internal" INTERNAL_SERVER_ERROR "Lỗi nội bộ" "Internal error";
}

/// What a refusal without findings is told with.
const NOTHING_MORE: Text = Text {
    vi: "Không có chi tiết; báo quản trị trục kèm thời điểm và địa chỉ đã gọi.",
    en: "There is no further detail; tell the gateway's administrator the time and the address.",
};

#[cfg(test)]
impl Cause {
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }
}

impl Problem {
    /// A refusal of this cause for these findings; the first that refuses is told in the detail.
    pub(super) fn new(cause: &Cause, findings: Vec<Finding>) -> Box<Self> {
        let first = findings.iter().find(|finding| finding.refuses()).or(findings.first());
        let (detail, detail_en) = match first {
            Some(finding) => (sentence_vi(finding), sentence_en(finding)),
            None => (NOTHING_MORE.vi.to_owned(), NOTHING_MORE.en.to_owned()),
        };
        Box::new(Self {
            kind: format!("urn:lienthong:problem:{}", cause.slug),
            title: cause.title.vi.to_owned(),
            title_en: cause.title.en.to_owned(),
            status: cause.status.as_u16(),
            detail,
            detail_en,
            instance: String::new(),
            findings,
            receipt: None,
            retry_after_seconds: None,
            closing: false,
        })
    }

    /// A refusal by the door itself.
    pub(super) fn of(cause: &Cause, kind: &'static Kind) -> Box<Self> {
        Self::new(cause, vec![Finding::of(kind)])
    }

    /// A refusal from behind the door.
    pub(super) fn from_refusal(refusal: Refusal, retry_after: Duration) -> Box<Self> {
        let cause = match refusal.cause {
            RefusalCause::BadPacket => &BAD_PACKET,
            RefusalCause::Forbidden => &FORBIDDEN,
            RefusalCause::Conflict => &CONFLICT,
            RefusalCause::TooLarge => &TOO_LARGE,
            RefusalCause::Incomplete => &INCOMPLETE,
            RefusalCause::Unavailable => &UNAVAILABLE,
            RefusalCause::NotFound => &NOT_FOUND,
            RefusalCause::Gone => &GONE,
        };
        let mut problem = Self::new(cause, refusal.findings);
        problem.receipt = refusal.receipt;
        if refusal.cause == RefusalCause::Unavailable { problem.retry_after(retry_after) } else { problem }
    }

    pub(super) fn retry_after(mut self: Box<Self>, wait: Duration) -> Box<Self> {
        self.retry_after_seconds = Some(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1));
        self
    }

    pub(super) fn closing(mut self: Box<Self>) -> Box<Self> {
        self.closing = true;
        self
    }

    /// The body of the answer.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Strings and numbers only: writing them into memory has no way to fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The whole answer.
    pub(super) fn into_answer(mut self: Box<Self>, path: &str, http1: bool) -> Response {
        path.clone_into(&mut self.instance);
        let mut response = Response::new(axum::body::Body::from(self.to_json()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closing && http1 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Hands the problem to the door, which writes it.
impl IntoResponse for Box<Problem> {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self);
        response
    }
}

fn sentence_vi(finding: &Finding) -> String {
    let found = finding.found.as_ref().map(|text| format!("; nhận được: {text}")).unwrap_or_default();
    let expected = finding.expected.as_ref().map(|text| format!("; cần: {text}")).unwrap_or_default();
    format!("{}{found}{expected}. {}", finding.title_vi.trim_end_matches('.'), finding.fix_vi)
}

fn sentence_en(finding: &Finding) -> String {
    let found = finding.found.as_ref().map(|text| format!("; found: {text}")).unwrap_or_default();
    let expected = finding.expected.as_ref().map(|text| format!("; expected: {text}")).unwrap_or_default();
    format!("{}{found}{expected}. {}", finding.title_en.trim_end_matches('.'), finding.fix_en)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_cause_of_a_refusal_has_its_status() {
        let status = |cause| Problem::from_refusal(Refusal { cause, findings: vec![], receipt: None }, Duration::ZERO);
        for (cause, expected) in [
            (RefusalCause::BadPacket, 422),
            (RefusalCause::Forbidden, 403),
            (RefusalCause::Conflict, 409),
            (RefusalCause::TooLarge, 413),
            (RefusalCause::Incomplete, 400),
            (RefusalCause::Unavailable, 503),
            (RefusalCause::NotFound, 404),
            (RefusalCause::Gone, 410),
        ] {
            let problem = status(cause);
            assert_eq!(problem.status, expected);
            assert_eq!(problem.retry_after_seconds, (expected == 503).then_some(1));
            assert!(!problem.detail.is_empty() && !problem.detail_en.is_empty());
        }
    }

    #[test]
    fn the_detail_tells_the_finding_that_refuses_and_reads_back() {
        let mut warning = Finding::of(&super::super::findings::BAD_ID);
        warning.severity = lienthong_contract::Severity::Warning;
        let refusing = Finding::of(&super::super::findings::TOO_LARGE).found("9").expected("≤ 5");
        let problem = Problem::new(&TOO_LARGE, vec![warning, refusing]).retry_after(Duration::from_millis(1200));
        assert!(problem.detail.contains("vượt quá") && problem.detail.contains("nhận được: 9; cần: ≤ 5"));
        let back: Problem = serde_json::from_slice(&problem.to_json()).unwrap();
        assert_eq!((back.retry_after_seconds, back.findings), (Some(2), problem.findings));
    }
}
