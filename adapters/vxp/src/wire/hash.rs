//! `hash-file`: SHA-256 of a file, as the SDK writes it: each byte in hexadecimal *without* a leading zero. The text
//! does not lead back to the digest, so it is made from the file and compared.

use std::fmt::Write;

/// Lower-case hexadecimal, two digits a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The form of the SDK.
#[must_use]
pub fn unpadded(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:x}");
        text
    })
}

/// Whether the text stands for this digest, in either form.
#[must_use]
pub fn is_of(claimed: &str, digest: &[u8]) -> bool {
    let claimed = claimed.trim();
    claimed.eq_ignore_ascii_case(&unpadded(digest)) || claimed.eq_ignore_ascii_case(&hex(digest))
}
