//! Answers as the SDK can read them.
//!
//! Its readers are brittle: an answer that is not HTTP 200, lacks a key, holds a null or an accented text becomes a
//! result of nulls, and an error page an empty inbox. So every answer has the five keys, none is null, and the
//! description is ASCII and never empty.

use std::fmt::Write;

use bytes::Bytes;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub const MEDIA_TYPE: &str = "application/json;charset=UTF-8";
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 1000;

/// The codes of the technical guide.
pub mod code {
    pub const OK: u8 = 0;
    pub const INVALID: u8 = 10;
    pub const WRONG_SYSTEM: u8 = 15;
    pub const NO_SUCH_RECIPIENT: u8 = 18;
    pub const SENDER_NOT_REGISTERED: u8 = 19;
    /// The only one that says: try again.
    pub const SYSTEM_ERROR: u8 = 20;
    pub const FILE_ERROR: u8 = 21;
    pub const BAD_FORMAT: u8 = 22;
    pub const RECIPIENT_LOCKED: u8 = 23;
}

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

/// A JSON array in ASCII: what else there is, is escaped, as one of the SDK's readers knows no other letters.
#[must_use]
pub fn array<T: Serialize>(items: &[T]) -> Bytes {
    let list = serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned());
    if list.is_ascii() {
        return list.into();
    }
    let mut ascii = String::with_capacity(list.len() + list.len() / 4);
    for letter in list.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii.into()
}

/// The text in ASCII: letters without their marks, đ as d, and a question mark for what has no other form.
#[must_use]
pub fn folded(text: &str) -> String {
    let plain = text.nfkd().filter(|c| !is_combining_mark(*c)).map(|c| match c {
        'đ' | 'ð' => 'd',
        'Đ' | 'Ð' => 'D',
        '–' | '—' | '−' => '-',
        '‘' | '’' => '\'',
        '“' | '”' | '«' | '»' => '"',
        '≤' => '<',
        '≥' => '>',
        c if c.is_ascii() && !c.is_ascii_control() => c,
        c if c.is_whitespace() || c.is_control() => ' ',
        _ => '?',
    });
    plain.collect()
}
