//! The file in a body: the SDK writes a line break behind it.
//!
//! `hash-edoc` tells whether that line break is the file's own. It is not held against anybody: the SDK may send the
//! headers of an earlier call again, and whether the packet is whole is told by its length, its end and its signature.

use bytes::Bytes;
use lienthong_contract::Digest;
use lienthong_contract::digest::Hasher;
use lienthong_door_kit::upload::Form;

const LINE_BREAK: &[u8] = b"\r\n";

/// A body on its way to the intake.
#[derive(Debug)]
pub struct WithLineBreak {
    claimed: Option<Digest>,
    hasher: Hasher,
    held: &'static [u8],
}

impl WithLineBreak {
    /// A body whose file has this SHA-256, in hexadecimal, if it is said.
    #[must_use]
    pub fn new(claimed: Option<&str>) -> Self {
        let claimed = claimed.and_then(|text| text.trim().to_ascii_lowercase().parse().ok());
        Self { claimed, hasher: Hasher::default(), held: b"" }
    }
}

impl Form for WithLineBreak {
    type Fault = std::convert::Infallible;

    fn feed(&mut self, piece: Bytes) -> Result<Vec<Bytes>, Self::Fault> {
        if piece.is_empty() {
            return Ok(Vec::new());
        }
        if self.held == b"\r" && piece.as_ref() == b"\n" {
            self.held = LINE_BREAK;
            return Ok(Vec::new());
        }
        let before = Bytes::from_static(self.held);
        self.held = match piece.as_ref() {
            [.., b'\r', b'\n'] => LINE_BREAK,
            [.., b'\r'] => b"\r",
            _ => b"",
        };
        let now = piece.slice(..piece.len().saturating_sub(self.held.len()));
        let pieces: Vec<Bytes> = [before, now].into_iter().filter(|piece| !piece.is_empty()).collect();
        pieces.iter().for_each(|piece| self.hasher.update(piece));
        Ok(pieces)
    }

    fn finish(self) -> Result<Bytes, Self::Fault> {
        let mut with = self.hasher;
        with.update(self.held);
        let own = self.held != LINE_BREAK || self.claimed == Some(with.finish());
        Ok(if own { Bytes::from_static(self.held) } else { Bytes::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(claimed: Option<&str>, body: &str, size: usize) -> String {
        let mut form = WithLineBreak::new(claimed);
        let mut file = Vec::new();
        for piece in body.as_bytes().chunks(size) {
            for piece in form.feed(Bytes::copy_from_slice(piece)).unwrap_or_default() {
                file.extend_from_slice(&piece);
            }
        }
        file.extend_from_slice(&form.finish().unwrap_or_default());
        String::from_utf8(file).unwrap_or_default()
    }

    #[test]
    fn exactly_one_line_break_is_taken_off_unless_the_hash_says_that_it_is_the_files_own() {
        for file in ["<a/>", "<a/>\r\n", "<a/>\r\n\r\n", "<a>\r\n\r</a>\r", "<a/>\n"] {
            for size in [1, 2, 3, 100] {
                let hash = Digest::of(file.as_bytes()).hex();
                for claimed in [Some(hash.as_str()), Some(&hash.to_uppercase()), None, Some("00"), Some("stale")] {
                    assert_eq!(taken(claimed, &format!("{file}\r\n"), size), file, "{file:?} {size}");
                }
                assert_eq!(taken(Some(&hash), file, size), file, "sent without a line break of its own");
            }
        }
    }
}
