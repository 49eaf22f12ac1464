//! Letters as old readers know them.

use std::fmt::Write;

use bytes::Bytes;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

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
