//! The body of `sendEdoc`: a file and a line break, or the base64 text of a file.
//!
//! The bytes pass through in pieces and are never held: only what may turn out to be the appended line break waits for
//! what follows. At the end the digest of what passed must be the one that was signed; the last piece is given out only
//! then, so a reader that sees the end sees a file that is what its sender signed.

use base64_simd::STANDARD;
use bytes::{Bytes, BytesMut};
use ring::digest::{Context, SHA256};

use super::hash::is_of;

const LINE_BREAK: &[u8] = b"\r\n";
/// Blank space that may stand before a file.
const MAX_BLANK: usize = 4 << 10;

/// Why a body is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("neither XML nor the base64 text of a file")]
    NotAFile,
    #[error("not the file that was signed")]
    OtherFile,
}

/// A body while it comes in.
pub struct Body {
    claimed: String,
    form: Form,
}

enum Form {
    /// Nothing but blanks so far.
    Unknown(BytesMut),
    Plain(Tail),
    /// The file that was decoded, the text as it came, digits not decoded yet, and whether the padding was seen.
    Base64 {
        file: Tail,
        text: Box<Tail>,
        digits: Vec<u8>,
        ended: bool,
    },
}

impl lienthong_door_kit::upload::Form for Body {
    type Fault = Fault;

    fn feed(&mut self, piece: Bytes) -> Result<Vec<Bytes>, Fault> {
        Self::feed(self, piece)
    }

    fn finish(self) -> Result<Bytes, Fault> {
        Self::finish(self)
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl Body {
    /// A body whose signed `hash-file` is this.
    #[must_use]
    pub fn new(claimed: &str) -> Self {
        Self { claimed: claimed.to_owned(), form: Form::Unknown(BytesMut::new()) }
    }

    /// Takes the next piece, and gives what of the file is certain by now.
    ///
    /// # Errors
    /// [`Fault::NotAFile`].
    pub fn feed(&mut self, piece: Bytes) -> Result<Vec<Bytes>, Fault> {
        let piece = match &mut self.form {
            Form::Unknown(blank) => {
                blank.extend_from_slice(&piece);
                let Some(first) = blank.iter().find(|byte| !byte.is_ascii_whitespace()) else {
                    return if blank.len() > MAX_BLANK { Err(Fault::NotAFile) } else { Ok(Vec::new()) };
                };
                let (first, piece) = (*first, std::mem::take(blank).freeze());
                self.form = match first {
                    // A tag, or the byte order mark of UTF-8 or UTF-16.
                    b'<' | 0xEF | 0xFE | 0xFF => Form::Plain(Tail::new()),
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => Form::Base64 {
                        file: Tail::new(),
                        text: Box::new(Tail::new()),
                        digits: Vec::new(),
                        ended: false,
                    },
                    _ => return Err(Fault::NotAFile),
                };
                piece
            }
            _ => piece,
        };
        match &mut self.form {
            Form::Unknown(_) => Ok(Vec::new()),
            Form::Plain(file) => Ok(file.feed(piece)),
            Form::Base64 { file, text, digits, ended } => {
                let decoded = decode(&piece, digits, ended)?;
                text.feed(piece);
                Ok(file.feed(decoded))
            }
        }
    }

    /// The rest of the file, once nothing more comes.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn finish(self) -> Result<Bytes, Fault> {
        let signed = |digest: &[u8]| is_of(&self.claimed, digest);
        match self.form {
            Form::Unknown(_) => Err(Fault::NotAFile),
            Form::Plain(file) => {
                let (without, with, rest) = file.finish();
                if without.as_ref().is_some_and(|digest| signed(digest.as_ref())) {
                    Ok(Bytes::new())
                } else if signed(with.as_ref()) {
                    Ok(rest)
                } else {
                    Err(Fault::OtherFile)
                }
            }
            Form::Base64 { digits, .. } if !digits.is_empty() => Err(Fault::NotAFile),
            Form::Base64 { file, text, .. } => {
                let (without, with, rest) = file.finish();
                let (text_without, text_with, _) = text.finish();
                let of_text = signed(text_with.as_ref()) || text_without.is_some_and(|digest| signed(digest.as_ref()));
                if signed(with.as_ref()) || of_text {
                    Ok(rest)
                } else if without.is_some_and(|digest| signed(digest.as_ref())) {
                    Ok(Bytes::new())
                } else {
                    Err(Fault::OtherFile)
                }
            }
        }
    }
}

/// Decodes the digits of a piece as far as they make whole groups.
fn decode(piece: &[u8], digits: &mut Vec<u8>, ended: &mut bool) -> Result<Bytes, Fault> {
    let before = digits.len();
    digits.extend(piece.iter().filter(|byte| !byte.is_ascii_whitespace()));
    if *ended && digits.len() > before {
        return Err(Fault::NotAFile);
    }
    let whole = digits.len() / 4 * 4;
    let (groups, rest) = digits.split_at_checked(whole).ok_or(Fault::NotAFile)?;
    *ended = groups.last() == Some(&b'=');
    let decoded = STANDARD.decode_to_vec(groups).map_err(|_| Fault::NotAFile)?;
    *digits = rest.to_vec();
    Ok(decoded.into())
}

/// Passes bytes on, but for a line break at their end, and hashes them.
struct Tail {
    digest: Context,
    held: &'static [u8],
}

type Digests = (Option<ring::digest::Digest>, ring::digest::Digest, Bytes);

impl Tail {
    fn new() -> Self {
        Self { digest: Context::new(&SHA256), held: b"" }
    }

    fn feed(&mut self, piece: Bytes) -> Vec<Bytes> {
        if piece.is_empty() {
            return Vec::new();
        }
        if self.held == b"\r" && piece.as_ref() == b"\n" {
            self.held = LINE_BREAK;
            return Vec::new();
        }
        let before = Bytes::from_static(self.held);
        self.held = match piece.as_ref() {
            [.., b'\r', b'\n'] => LINE_BREAK,
            [.., b'\r'] => b"\r",
            _ => b"",
        };
        let now = piece.slice(..piece.len().saturating_sub(self.held.len()));
        let pieces: Vec<Bytes> = [before, now].into_iter().filter(|piece| !piece.is_empty()).collect();
        pieces.iter().for_each(|piece| self.digest.update(piece));
        pieces
    }

    /// The digest without the line break that is held, if one is, that with everything, and what is held.
    fn finish(mut self) -> Digests {
        let without = (self.held == LINE_BREAK).then(|| self.digest.clone().finish());
        self.digest.update(self.held);
        (without, self.digest.finish(), Bytes::from_static(self.held))
    }
}
