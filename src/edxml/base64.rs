//! Strict base64 in a stream: the standard alphabet with padding, white space allowed between the characters, also
//! written as character references (`&#13;`). Nothing else is taken: a lenient decoder turns a forgotten template
//! into a few bytes of rubbish (quirk Q3). Memory is bounded by the piece that is fed.

use base64_simd::{STANDARD, STANDARD_NO_PAD};

/// The characters allowed in body text that are no base64.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

const fn is_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Longest reference that can stand for white space: `&#x000D;` and a little air.
const MAX_REFERENCE: usize = 12;

/// The first byte that cannot stand where it stands, as an offset into the piece fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadByte {
    pub at: usize,
}

/// A decoder between two pieces of text.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Characters not yet decoded; between two pieces fewer than four, and all of the alphabet.
    pending: Vec<u8>,
    /// An unfinished character reference, from its `&`.
    reference: Vec<u8>,
    /// `=` seen so far.
    pads: usize,
    /// The last group of four is complete with its padding.
    closed: bool,
}

impl Decoder {
    /// Decodes the next piece of text and appends the bytes to `out`.
    ///
    /// # Errors
    /// [`BadByte`]: the text is not base64 from there on.
    pub fn feed(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), BadByte> {
        let done = self.feed_fast(raw, out);
        self.feed_slow(raw, done, out)
    }

    /// Ends the text.
    ///
    /// # Errors
    /// [`BadByte`] at 0: the last group of four characters is not complete.
    pub fn finish(&mut self) -> Result<(), BadByte> {
        let complete = self.pending.is_empty() && self.reference.is_empty() && (self.pads == 0 || self.closed);
        if complete { Ok(()) } else { Err(BadByte { at: 0 }) }
    }

    /// Takes as much of the piece as is plain text in lines and says how much that was; 0 when something in it has
    /// to be looked at closely.
    fn feed_fast(&mut self, raw: &[u8], out: &mut Vec<u8>) -> usize {
        if self.pads > 0 || !self.reference.is_empty() {
            return 0;
        }
        let before = self.pending.len();
        let mut done = 0;
        while let Some(rest) = raw.get(done..).filter(|rest| !rest.is_empty()) {
            let stop = memchr::memchr3(b'\n', b'=', b'&', rest);
            let run = rest.get(..stop.unwrap_or(rest.len())).unwrap_or_default();
            self.pending.extend_from_slice(trim_spaces(run));
            done += run.len();
            match stop.and_then(|stop| rest.get(stop)) {
                Some(b'\n') => done += 1,
                _ => break,
            }
        }
        let whole = self.pending.len() / 4 * 4;
        let (groups, tail) = self.pending.split_at_checked(whole).unwrap_or_default();
        let good = tail.iter().all(|byte| is_alphabet(*byte));
        let length = out.len();
        if good && STANDARD_NO_PAD.decode_append(groups, out).is_ok() {
            self.pending.drain(..whole);
            return done;
        }
        out.truncate(length);
        self.pending.truncate(before);
        0
    }

    /// Takes the rest of the piece byte by byte.
    fn feed_slow(&mut self, raw: &[u8], start: usize, out: &mut Vec<u8>) -> Result<(), BadByte> {
        for (at, byte) in raw.iter().copied().enumerate().skip(start) {
            if !self.reference.is_empty() {
                self.take_reference(byte, at)?;
            } else if is_alphabet(byte) && self.pads == 0 {
                self.pending.push(byte);
            } else if byte == b'&' {
                self.reference.push(byte);
            } else if byte == b'=' {
                self.take_pad(at, out)?;
            } else if !is_space(byte) {
                return Err(BadByte { at });
            }
        }
        self.flush(out, raw.len())
    }

    fn take_reference(&mut self, byte: u8, at: usize) -> Result<(), BadByte> {
        let ampersand = BadByte { at: at.saturating_sub(self.reference.len()) };
        self.reference.push(byte);
        if byte != b';' {
            return if self.reference.len() > MAX_REFERENCE { Err(ampersand) } else { Ok(()) };
        }
        let stands_for_space = is_space_reference(&self.reference);
        self.reference.clear();
        if stands_for_space { Ok(()) } else { Err(ampersand) }
    }

    fn take_pad(&mut self, at: usize, out: &mut Vec<u8>) -> Result<(), BadByte> {
        let used = self.pending.len() % 4;
        if self.closed || used < 2 {
            return Err(BadByte { at });
        }
        self.pads += 1;
        if used + self.pads < 4 {
            return Ok(());
        }
        let bad = |_| BadByte { at };
        self.pending.extend(std::iter::repeat_n(b'=', self.pads));
        STANDARD.decode_append(&self.pending, out).map_err(bad)?;
        self.pending.clear();
        self.closed = true;
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, end: usize) -> Result<(), BadByte> {
        let whole = self.pending.len() / 4 * 4;
        let groups = self.pending.get(..whole).unwrap_or_default();
        STANDARD_NO_PAD.decode_append(groups, out).map_err(|_| BadByte { at: end })?;
        self.pending.drain(..whole);
        Ok(())
    }
}

fn trim_spaces(mut run: &[u8]) -> &[u8] {
    while let [rest @ .., last] = run
        && is_space(*last)
    {
        run = rest;
    }
    while let [first, rest @ ..] = run
        && is_space(*first)
    {
        run = rest;
    }
    run
}

/// True for `&#13;`, `&#xD;` and their like for tab, line feed, carriage return and space.
fn is_space_reference(reference: &[u8]) -> bool {
    let Some(number) = reference.strip_prefix(b"&#").and_then(|rest| rest.strip_suffix(b";")) else { return false };
    let (digits, radix) = match number.strip_prefix(b"x") {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    let value = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'));
    let value = value.and_then(|digits| u8::from_str_radix(digits, radix).ok());
    value.is_some_and(is_space)
}
