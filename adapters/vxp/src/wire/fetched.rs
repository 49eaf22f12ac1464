//! The answer to `getEdoc` while it comes in: the packet's bytes out of the base64 text within the JSON.
//!
//! The packet passes through and is never held. What stands around it is kept, without it, up to a limit, and read at the
//! end as any other answer is: only then it is known whether the packet was one, so what came through before is not to be
//! believed until [`Fetched::finish`] says so.

use base64_simd::STANDARD;
use bytes::Bytes;

use super::client::{Said, Unclear, read};

/// What may stand around the packet.
const MAX_AROUND: usize = 64 << 10;

/// Why an answer is not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the packet's text is no base64")]
    NotBase64,
    #[error("too much around the packet")]
    TooMuch,
    #[error(transparent)]
    Unclear(#[from] Unclear),
}

/// An answer while it comes in.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The JSON without the packet's text.
    around: Vec<u8>,
    at: Place,
    depth: usize,
    /// Whether a text at depth 1 would be a name, and the last one that was.
    naming: bool,
    name: Vec<u8>,
    packet: Base64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Between,
    /// Within a text; true behind a backslash.
    Text(bool),
    /// Within the packet's text.
    Packet,
    /// Behind a backslash there.
    Escape,
    /// Within `\uXXXX`: digits so far, and what they come to.
    Unicode(u8, u32),
}

/// Base64 digits that do not make a group yet, and whether the padding was seen.
#[derive(Debug, Default)]
struct Base64 {
    digits: Vec<u8>,
    ended: bool,
    /// Whether there was any.
    seen: bool,
}

impl Base64 {
    fn take(&mut self, text: &[u8]) -> Result<(), Fault> {
        let before = self.digits.len();
        self.digits.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
        self.seen |= self.digits.len() > before;
        // Digits behind a padding that was decoded already.
        if self.ended && self.digits.len() > before { Err(Fault::NotBase64) } else { Ok(()) }
    }

    /// Decodes what makes whole groups.
    fn decode(&mut self) -> Result<Bytes, Fault> {
        let (groups, rest) = self.digits.split_at_checked(self.digits.len() / 4 * 4).ok_or(Fault::NotBase64)?;
        self.ended |= groups.last() == Some(&b'=');
        let decoded = STANDARD.decode_to_vec(groups).map_err(|_| Fault::NotBase64)?;
        self.digits = rest.to_vec();
        Ok(decoded.into())
    }
}

impl Fetched {
    /// Takes the next piece of the answer, and gives what of the packet it held.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<Bytes, Fault> {
        while let Some((byte, rest)) = piece.split_first() {
            piece = match self.at {
                Place::Packet => {
                    let end = piece.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(piece.len());
                    let (digits, rest) = piece.split_at_checked(end).ok_or(Fault::NotBase64)?;
                    self.packet.take(digits)?;
                    match rest.split_first() {
                        Some((b'"', rest)) => {
                            self.around.push(b'"');
                            self.at = Place::Between;
                            rest
                        }
                        Some((_, rest)) => {
                            self.at = Place::Escape;
                            rest
                        }
                        None => rest,
                    }
                }
                Place::Escape => {
                    self.escaped(*byte)?;
                    rest
                }
                Place::Unicode(digits, value) => {
                    self.unicode(*byte, digits, value)?;
                    rest
                }
                Place::Between | Place::Text(_) => {
                    self.outside(*byte)?;
                    rest
                }
            };
        }
        self.packet.decode()
    }

    /// What some writers escape although they need not: `\/`, line breaks.
    fn escaped(&mut self, byte: u8) -> Result<(), Fault> {
        self.at = Place::Packet;
        match byte {
            b'/' => self.packet.take(b"/"),
            b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                self.at = Place::Unicode(0, 0);
                Ok(())
            }
            _ => Err(Fault::NotBase64),
        }
    }

    /// `\u003d`, as others write the padding.
    fn unicode(&mut self, byte: u8, digits: u8, value: u32) -> Result<(), Fault> {
        let digit = char::from(byte).to_digit(16).ok_or(Fault::NotBase64)?;
        let (digits, value) = (digits.saturating_add(1), value << 4 | digit);
        if digits < 4 {
            self.at = Place::Unicode(digits, value);
            return Ok(());
        }
        self.at = Place::Packet;
        self.packet.take(&[u8::try_from(value).map_err(|_| Fault::NotBase64)?])
    }

    /// A byte of what stands around the packet.
    fn outside(&mut self, byte: u8) -> Result<(), Fault> {
        if self.around.len() >= MAX_AROUND {
            return Err(Fault::TooMuch);
        }
        self.around.push(byte);
        self.at = match (self.at, byte) {
            (Place::Text(true), _) => Place::Text(false),
            (Place::Text(false), b'\\') => Place::Text(true),
            (Place::Text(false), b'"') => Place::Between,
            (Place::Text(false), _) => {
                if self.naming && self.depth == 1 {
                    self.name.push(byte);
                }
                Place::Text(false)
            }
            (_, b'"') => {
                let value = self.depth == 1 && !self.naming;
                if value && self.name == b"data" {
                    Place::Packet
                } else {
                    if !value {
                        self.name.clear();
                    }
                    Place::Text(false)
                }
            }
            (at, byte) => {
                match byte {
                    b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if self.depth == 1 && matches!(byte, b'{' | b',' | b':') {
                    self.naming = byte != b':';
                }
                at
            }
        };
        Ok(())
    }

    /// What the answer said, once all of it has come. When it is well, the packet that came through is the packet.
    ///
    /// # Errors
    /// [`Fault`]: also when it says that all is well, and there was no packet or half a one.
    pub fn finish(self, status: u16) -> Result<Said, Fault> {
        let said = read(status, &self.around)?;
        if said.is_ok() && !self.packet.seen {
            return Err(Unclear::Without("data").into());
        }
        if said.is_ok() && !self.packet.digits.is_empty() {
            return Err(Fault::NotBase64);
        }
        Ok(said)
    }
}
