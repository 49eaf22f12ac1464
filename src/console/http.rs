//! Requests and answers of the console.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use hyper::http::request::Parts as Head;
use hyper::{Response, StatusCode};
use lienthong_contract::Text;
use lienthong_door_kit::outward::{OutBody, whole};
use maud::Markup;

/// The most fields of a form.
const MAX_FIELDS: usize = 6_000;

/// No script but ours, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A cookie's value.
#[must_use]
pub fn cookie<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    let all = head.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// What a form sent, or what stands in a query.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).take(MAX_FIELDS).map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value without the blanks around it; an empty one is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The value as it was typed.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }
}

/// What a page answers with.
pub enum Reply {
    /// A page: its title and what stands in it.
    Page(String, Markup),
    /// A part of a page.
    Part(Markup),
    /// Go there.
    Seen(String),
    /// Go there, with this cookie.
    SeenWith(String, String),
    /// A file: its type, its name, its bytes.
    File(&'static str, String, Bytes),
    /// A file that is read while it is sent.
    Stream(&'static str, String, OutBody),
    /// All of it, with its headers.
    Whole(Response<OutBody>),
    /// For a machine.
    Json(Vec<u8>),
}

/// Why there is no page.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    pub text: Text,
    /// What was found, as somebody outside may read it.
    pub more: Option<String>,
}

impl Problem {
    #[must_use]
    pub const fn new(status: StatusCode, text: Text) -> Self {
        Self { status, text, more: None }
    }

    #[must_use]
    pub fn with(mut self, more: impl Into<String>) -> Self {
        self.more = Some(more.into());
        self
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reply")
    }
}

pub type Answer = Result<Reply, Problem>;

macro_rules! problems {
    ($($name:ident $status:ident $vi:literal / $en:literal)*) => {
        $(pub const $name: Problem = Problem::new(StatusCode::$status, Text { vi: $vi, en: $en });)*
    };
}

problems! {
    NOT_FOUND NOT_FOUND "Không có trang hoặc văn bản này." / "There is no such page or document."
    FORBIDDEN FORBIDDEN "Tài khoản này không có quyền làm việc này." / "This account may not do that."
    METHOD METHOD_NOT_ALLOWED "Trang này không nhận yêu cầu dạng đó." / "This page does not take that kind of request."
    EXPIRED FORBIDDEN "Biểu mẫu đã cũ hoặc không đến từ trang này. Mở lại trang rồi làm lại." /
        "The form is too old or did not come from this page. Open the page again and repeat it."
    TOO_LARGE PAYLOAD_TOO_LARGE "Dữ liệu gửi lên quá lớn." / "What was sent is too large."
    BAD_FORM BAD_REQUEST "Biểu mẫu thiếu hoặc sai dữ liệu." / "The form lacks something, or something in it is wrong."
    NO_REASON BAD_REQUEST "Phải ghi lý do (không quá 1000 ký tự)." / "A reason is needed, of at most 1000 characters."
    STORE SERVICE_UNAVAILABLE "Kho dữ liệu đang không trả lời. Thử lại sau ít phút." /
        "The store does not answer just now. Try again in a few minutes."
    DEFECT INTERNAL_SERVER_ERROR "Trang này gặp lỗi; nhật ký của trục ghi lại nguyên nhân." /
        "This page failed; the gateway's log has the cause."
    TOO_OFTEN TOO_MANY_REQUESTS "Địa chỉ này đăng nhập quá nhiều lần trong một phút. Chờ rồi thử lại." /
        "This address has tried to sign in too often within a minute. Wait and try again."
}

impl From<crate::store::Error> for Problem {
    fn from(error: crate::store::Error) -> Self {
        tracing::error!(%error, "a page of the console cannot read the store");
        STORE
    }
}

/// An answer with the headers that all have.
#[must_use]
pub fn response(status: StatusCode, kind: &'static str, body: OutBody) -> Response<OutBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-security-policy", POLICY),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// A page or a part of one.
#[must_use]
pub fn html(status: StatusCode, text: String) -> Response<OutBody> {
    response(status, "text/html; charset=utf-8", whole(text.into()))
}

/// Sends the browser elsewhere, with a cookie perhaps.
#[must_use]
pub fn elsewhere(to: &str, cookie: Option<&str>) -> Response<OutBody> {
    let mut answer = response(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", whole(Bytes::new()));
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    answer.headers_mut().insert(LOCATION, to);
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(cookie).ok()) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

/// A path of this console, whatever was asked for.
#[must_use]
pub fn own_path(asked: Option<&str>) -> &str {
    let own = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    asked.filter(own).unwrap_or("/overview")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_place() {
        for outside in ["//evil.example", "https://evil.example", "/\\evil.example", "", "javascript:1", "/a b"] {
            assert_eq!(own_path(Some(outside)), "/overview", "{outside}");
        }
        assert_eq!(own_path(Some("/documents?q=a%20b")), "/documents?q=a%20b");
    }
}
