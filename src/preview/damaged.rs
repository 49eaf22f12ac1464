//! A packet whose attachments are damaged, read on without them.
//!
//! The contents are blanked byte by byte, so every line and column stays where it was. That needs the packet in memory,
//! which a preview of one file may do and a gateway would not.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use lienthong_contract::{Finding, Kind};

use crate::edxml::{Limits, Split, findings, split_bytes};

/// Faults of an attachment's content, after which everything else can be read all the same.
static OF_CONTENT: &[&Kind] = &[&findings::NOT_BASE64, &findings::UTF8_DAMAGE, &findings::ZIP_CUT_SHORT];

/// Larger packets are not read a second time.
const MAX_BYTES: u64 = 64 << 20;

const BODY: &[u8] = b"ContentTransferEncoded";

/// The packet without the contents of its attachments; none when something else is wrong with its XML.
pub fn without_contents(mut file: &File, told: &[Finding], limits: &Limits) -> Option<Split> {
    let of_content = |finding: &Finding| OF_CONTENT.iter().any(|kind| kind.code == finding.code);
    if !told.iter().filter(|finding| finding.refuses()).all(of_content) {
        return None;
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > MAX_BYTES {
        return None;
    }
    blank(&mut bytes);
    let mut split = split_bytes(&bytes, limits).ok()?;
    split.warnings.clear();
    Some(split)
}

/// Puts a space for every byte between a start tag of a content and the next tag; line ends stay.
fn blank(bytes: &mut [u8]) {
    // The last `<` before what is looked at; each byte is looked at once.
    let (mut from, mut looked, mut before) = (0, 0, None);
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memmem::find(rest, BODY)) {
        let name = from + found;
        let close = bytes.get(name..).and_then(|rest| memchr::memchr(b'>', rest));
        let Some(start) = close.map(|close| name + close + 1) else { return };
        from = start;
        // An end tag, or an element that is empty: what follows is not its content.
        let since = bytes.get(looked..name).and_then(|part| memchr::memrchr(b'<', part));
        before = since.map(|at| looked + at).or(before);
        looked = name;
        let is_end = before.is_some_and(|at| bytes.get(at + 1) == Some(&b'/')) || bytes.get(start - 2) == Some(&b'/');
        if is_end {
            continue;
        }
        let content = bytes.get_mut(start..).unwrap_or_default().iter_mut();
        for byte in content.take_while(|byte| **byte != b'<').filter(|byte| !matches!(**byte, b'\r' | b'\n')) {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_blanked_and_every_other_byte_stays() {
        let text =
            "<a><e:ContentTransferEncoded x='1'>QU\nJD$</e:ContentTransferEncoded>b<ContentTransferEncoded/>c</a>";
        let mut bytes = text.as_bytes().to_vec();
        blank(&mut bytes);
        assert_eq!(String::from_utf8_lossy(&bytes), text.replace("QU\nJD$", "  \n   "));
        // However often its name stands in a content, it is no content of its own.
        let many = format!("<a><![CDATA[{}]]></a>", "ContentTransferEncoded/>".repeat(200_000));
        let mut bytes = many.clone().into_bytes();
        blank(&mut bytes);
        assert!(bytes == many.as_bytes());
        let mut cut = b"<ContentTransferEncoded".to_vec();
        blank(&mut cut);
        assert_eq!(cut, b"<ContentTransferEncoded");
    }
}
