//! The client's side: what a request holds, and what an answer may be believed to say.
//!
//! Invariants: each request is made from nothing, so no parameter of an earlier call leaks into it; the bytes that are
//! signed are the bytes that are sent; an answer that is not wholly of this protocol (an error page, a missing key, a null,
//! another HTTP status) says nothing about what became of the request, and is never taken for success, nor for an
//! empty list.

use lienthong_contract::Instant;
use lienthong_contract::system::Secret;
use serde_json::{Map, Value};

use super::hash::{hex, unpadded};
use super::sign::sign;
use super::stamp::to_timestamp;

/// How the other side wants a file's digest written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HashForm {
    /// As the SDK does.
    #[default]
    Unpadded,
    Padded,
}

impl HashForm {
    #[must_use]
    pub fn write(self, digest: &[u8]) -> String {
        match self {
            Self::Unpadded => unpadded(digest),
            Self::Padded => hex(digest),
        }
    }
}

/// What is called. Kinds are `edoc` or `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    /// The body is the file and [`AFTER_FILE`].
    Send {
        from: &'a str,
        kind: &'a str,
        /// To all recipients of the packet when empty.
        to: &'a [&'a str],
        hash_file: &'a str,
    },
    Received {
        kind: &'a str,
    },
    Sent {
        doc_id: &'a str,
        kind: &'a str,
    },
    Get {
        doc_id: &'a str,
    },
    Download {
        doc_id: &'a str,
    },
    /// The status is `initial`, `processing`, `done` or `fail`.
    Update {
        doc_id: &'a str,
        status: &'a str,
    },
    CountDocuments,
    CountStatuses,
    Agencies,
    AgenciesQd20 {
        level: &'a str,
    },
    Units,
    /// The body is the agency as JSON.
    Register,
    Delete {
        code: &'a str,
    },
}

/// What stands behind a file in the body of `sendEdoc`. It is not part of what is hashed.
pub const AFTER_FILE: &[u8] = b"\r\n";

/// A request without its body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub method: &'static str,
    /// To be put behind the address that was agreed on.
    pub path: &'static str,
    pub headers: Vec<(String, String)>,
    /// The body, where it is the same for all requests of this kind; with the others it is the caller's.
    pub body: Option<&'static [u8]>,
}

/// A signature is good for days: it is not to stand in a log.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

const JSON: &str = "application/json";
const FILE: &str = "application/octet-stream";

impl Call<'_> {
    const fn path(&self) -> &'static str {
        match self {
            Self::Send { .. } => "/sendEdoc",
            Self::Received { .. } => "/getReceivedEdocList",
            Self::Sent { .. } => "/getSentEdocList",
            Self::Get { .. } => "/getEdoc",
            Self::Download { .. } => "/downloadEdoc",
            Self::Update { .. } => "/updateStatus",
            Self::CountDocuments => "/countReceiveEdoc",
            Self::CountStatuses => "/countReceiveStatus",
            Self::Agencies => "/getAgenciesList",
            Self::AgenciesQd20 { .. } => "/getAgenciesListQD20",
            Self::Units => "/getSynchronizeUnit",
            Self::Register => "/registerAgency",
            Self::Delete { .. } => "/deleteAgency",
        }
    }

    /// The parameters of its own, in a fixed order.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mail = |kind: &str| vec![("servicetype", "eDoc".to_owned()), ("messagetype", kind.to_owned())];
        match *self {
            Self::Send { from, kind, to, hash_file } => {
                let mut parameters = mail(kind);
                parameters.extend([("hash-file", hash_file.to_owned()), ("from", from.to_owned())]);
                if !to.is_empty() {
                    parameters.push(("to", serde_json::to_string(to).unwrap_or_default()));
                }
                parameters
            }
            Self::Received { kind } => mail(kind),
            Self::Sent { doc_id, kind } => [vec![("docId", doc_id.to_owned())], mail(kind)].concat(),
            // The path on the client's disk belongs to the protocol; ours is nobody's business.
            Self::Get { doc_id } | Self::Download { doc_id } => {
                vec![("docId", doc_id.to_owned()), ("filePath", ".".to_owned())]
            }
            Self::Update { doc_id, status } => vec![("status", status.to_owned()), ("docid", doc_id.to_owned())],
            Self::CountDocuments => mail("edoc"),
            Self::CountStatuses => mail("status"),
            Self::AgenciesQd20 { level } => vec![("level", level.to_owned())],
            Self::Delete { code } => vec![("AgencyCode", code.to_owned())],
            Self::Agencies | Self::Units | Self::Register => Vec::new(),
        }
    }

    /// The request of a system, signed.
    #[must_use]
    pub fn request(&self, system: &str, secret: &Secret, now: Instant) -> Request {
        let media_type = if matches!(self, Self::Send { .. }) { FILE } else { JSON };
        let own = self.parameters();
        let timestamp = to_timestamp(now);
        let mut parameters = vec![("systemid", system)];
        parameters.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
        parameters.extend([("timestamp", timestamp.as_str()), ("Content-Type", media_type)]);
        let mut headers = vec![("Content-Type".to_owned(), media_type.to_owned())];
        headers.extend(sign(&parameters, secret));
        headers.push(("XroadVnpt-version".to_owned(), "3.0.201608".to_owned()));
        let method = if matches!(self, Self::Download { .. }) { "GET" } else { "POST" };
        let body: Option<&[u8]> = match self {
            Self::Send { .. } | Self::Register => None,
            Self::Get { .. }
            | Self::Update { .. }
            | Self::Delete { .. }
            | Self::CountDocuments
            | Self::CountStatuses => Some(b"{}"),
            _ => Some(b""),
        };
        Request { method, path: self.path(), headers, body }
    }
}

/// An answer of this protocol; of what kind its data are depends on the call.
#[derive(Debug, Clone, PartialEq)]
pub struct Said<D = Value> {
    /// 0 when it was done.
    pub code: u32,
    pub description: String,
    /// Empty when there is none.
    pub doc_id: String,
    pub data: D,
    pub count: Option<u64>,
}

/// The answer is none of this protocol: what became of the request is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    #[error("HTTP status {0}")]
    Status(u16),
    #[error("no JSON object")]
    NotJson,
    #[error("{0} is missing or of another kind")]
    Without(&'static str),
}

/// What to do after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same again, later.
    Later,
    /// A few times.
    Few,
    /// Not before somebody mended something.
    Never,
}

impl<D> Said<D> {
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.code == 0
    }

    /// What its code means for the request.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self.code {
            20 | 100 => Retry::Later,
            21 => Retry::Few,
            _ => Retry::Never,
        }
    }
}

impl Said {
    /// The rows of a list.
    ///
    /// # Errors
    /// [`Unclear::Without`] when there is no list: that is not an empty one.
    pub fn rows(&self) -> Result<&[Value], Unclear> {
        self.data.as_array().map(Vec::as_slice).ok_or(Unclear::Without("data"))
    }
}

/// The code of an answer, from its two marks of success.
pub(super) fn code(status: &str, code: &str) -> Result<u32, Unclear> {
    let good = ["OK", "SUCCESS"].iter().any(|good| status.eq_ignore_ascii_case(good));
    match (good, code.parse().map_err(|_| Unclear::Without("ErrorCode"))?) {
        // The two contradict each other: it is not to be believed that it was done, nor why it was not.
        (true, 1..) | (false, 0) => Err(Unclear::Without("status")),
        (_, code) => Ok(code),
    }
}

/// Reads an answer.
///
/// # Errors
/// [`Unclear`].
pub fn read(status: u16, body: &[u8]) -> Result<Said, Unclear> {
    if !matches!(status, 200 | 201) {
        return Err(Unclear::Status(status));
    }
    // The order mark that some frameworks put before their JSON.
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Unclear::NotJson)?;
    let text = |value: Option<&Value>, name| match value {
        Some(Value::String(text)) => Ok(text.trim().to_owned()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(Unclear::Without(name)),
    };
    let status = text(fields.get("status"), "status")?;
    let code = code(&status, &text(fields.get("ErrorCode"), "ErrorCode")?)?;
    let description = fields.get("ErrorDesc").and_then(Value::as_str).unwrap_or_default().to_owned();
    let doc_id = fields.get("DocId").filter(|value| !value.is_null());
    let doc_id = doc_id.map(|value| text(Some(value), "DocId")).transpose()?.unwrap_or_default();
    let count = fields.get("count").and_then(Value::as_u64);
    Ok(Said { code, description, doc_id, data: fields.remove("data").unwrap_or(Value::Null), count })
}
