//! Answers as the SDK can read them.
//!
//! Its readers are brittle: an answer that is not HTTP 200, lacks a key, holds a null or an accented text becomes a
//! result of nulls, and an error page an empty inbox. So every answer has the five keys, none is null, and the
//! description is ASCII and never empty.

use bytes::Bytes;
use serde::Serialize;

pub use lienthong_door_kit::codes::code;
pub use lienthong_door_kit::text::{array, folded};

pub const MEDIA_TYPE: &str = "application/json;charset=UTF-8";
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 1000;

/// What stands under `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// `[]`
    None,
    /// `""`: a failed `getEdoc`.
    EmptyText,
    /// A JSON array, written already.
    List(Bytes),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub code: u8,
    pub description: String,
    pub doc_id: String,
    pub data: Data,
    pub count: Option<u64>,
}

impl Answer {
    #[must_use]
    pub fn ok() -> Self {
        Self {
            code: code::OK,
            description: "Thanh cong".to_owned(),
            doc_id: String::new(),
            data: Data::None,
            count: None,
        }
    }

    #[must_use]
    pub fn fail(code: u8, description: impl AsRef<str>) -> Self {
        Self { code, description: description.as_ref().to_owned(), ..Self::ok() }
    }

    #[must_use]
    pub fn with_data(self, data: Data) -> Self {
        Self { data, ..self }
    }

    /// A list.
    #[must_use]
    pub fn list<T: Serialize>(items: &[T]) -> Self {
        Self::ok().with_data(Data::List(array(items)))
    }

    /// What stands before the value of `data`.
    #[must_use]
    pub fn head(&self) -> String {
        let status = if self.code == code::OK { "OK" } else { "FAIL" };
        let text = |text: &str| serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
        let mut description: String = folded(&self.description).chars().take(MAX_DESCRIPTION).collect();
        if description.trim().is_empty() {
            "Khong ro nguyen nhan".clone_into(&mut description);
        }
        let count = self.count.map(|count| format!("\"count\":{count},")).unwrap_or_default();
        format!(
            "{{\"status\":\"{status}\",\"ErrorCode\":\"{}\",\"ErrorDesc\":{},\"DocId\":{},{count}\"data\":",
            self.code,
            text(&description),
            text(&self.doc_id)
        )
    }

    /// The whole answer.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        let mut json = self.head().into_bytes();
        match &self.data {
            Data::None => json.extend_from_slice(b"[]"),
            Data::EmptyText => json.extend_from_slice(b"\"\""),
            Data::List(list) => json.extend_from_slice(list),
        }
        json.push(b'}');
        json.into()
    }
}
