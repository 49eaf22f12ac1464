//! The syntax of one tag: its name, its attributes, and what is wrong with it.

use lienthong_contract::finding::Kind;

use super::base64::is_space;
use super::findings;
use super::limits::Limits;

/// A start tag, by offsets from its `<`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StartTag {
    /// Bytes of the name, which begins at offset 1.
    pub name_len: usize,
    pub self_closing: bool,
}

/// What is wrong with a tag, and at which offset from its `<`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrong {
    pub kind: &'static Kind,
    pub at: usize,
    pub expected: &'static str,
}

const fn wrong(kind: &'static Kind, at: usize, expected: &'static str) -> Wrong {
    Wrong { kind, at, expected }
}

/// True for a byte that may begin a name.
pub(super) const fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || byte >= 0x80
}

const fn in_name(byte: u8) -> bool {
    starts_name(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}

/// The part of a name after its prefix.
pub(super) fn local_name(name: &[u8]) -> &[u8] {
    memchr::memrchr(b':', name).and_then(|colon| name.get(colon + 1..)).unwrap_or(name)
}

/// Reads `<name attribute="value" …>` or `<name … />`.
pub(super) fn start_tag(tag: &[u8], limits: &Limits) -> Result<StartTag, Wrong> {
    let mut cursor = Cursor { tag, at: 1 };
    let name_len = cursor.name(limits)?.len();
    let mut seen: Vec<&[u8]> = Vec::new();
    loop {
        let spaced = cursor.skip_spaces();
        match cursor.peek() {
            Some(b'>') if cursor.is_last() => return Ok(StartTag { name_len, self_closing: false }),
            Some(b'/') => {
                cursor.at += 1;
                return match cursor.peek() {
                    Some(b'>') if cursor.is_last() => Ok(StartTag { name_len, self_closing: true }),
                    _ => Err(wrong(&findings::MALFORMED, cursor.at, ">")),
                };
            }
            _ if !spaced => return Err(wrong(&findings::MALFORMED, cursor.at, "white space or >")),
            _ => {}
        }
        let at = cursor.at;
        let (name, _) = cursor.attribute(limits)?;
        if seen.contains(&name) {
            return Err(wrong(&findings::MALFORMED, at, "each attribute once"));
        }
        seen.push(name);
        if seen.len() > limits.max_attributes {
            return Err(wrong(&findings::TOO_MANY_ATTRIBUTES, at, ""));
        }
    }
}

/// Reads the name of `<?name …?>`.
pub(super) fn instruction<'a>(instruction: &'a [u8], limits: &Limits) -> Result<&'a [u8], Wrong> {
    let mut cursor = Cursor { tag: instruction, at: 2 };
    let name = cursor.name(limits)?;
    if name.contains(&b':') {
        return Err(wrong(&findings::MALFORMED, 2, "a name without :"));
    }
    let ended = cursor.skip_spaces() || instruction.get(cursor.at..) == Some(b"?>");
    if ended { Ok(name) } else { Err(wrong(&findings::MALFORMED, cursor.at, "white space or ?>")) }
}

/// Checks `<?xml version="1.0" encoding="…" standalone="…"?>`; which encoding it names is looked at elsewhere.
pub(super) fn declaration(declaration: &[u8], limits: &Limits) -> Result<(), Wrong> {
    const FORM: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    let mut cursor = Cursor { tag: declaration, at: b"<?xml".len() };
    let mut still_allowed: &[&[u8]] = &[b"version", b"encoding", b"standalone"];
    let mut versioned = false;
    loop {
        let spaced = cursor.skip_spaces();
        if versioned && declaration.get(cursor.at..) == Some(b"?>") {
            return Ok(());
        }
        let at = cursor.at;
        let (name, value) = cursor.attribute(limits)?;
        let place = still_allowed.iter().position(|candidate| *candidate == name);
        let Some(place) = place.filter(|_| spaced && versioned != (name == b"version")) else {
            return Err(wrong(&findings::MALFORMED, at, FORM));
        };
        let good = match name {
            b"version" => value == b"1.0",
            b"standalone" => matches!(value, b"yes" | b"no"),
            _ => value.first().is_some_and(u8::is_ascii_alphabetic),
        };
        if !good {
            return Err(wrong(&findings::MALFORMED, at, FORM));
        }
        versioned = true;
        still_allowed = still_allowed.get(place + 1..).unwrap_or_default();
    }
}

/// Reads `</name>` and gives the name.
pub(super) fn end_tag<'a>(tag: &'a [u8], limits: &Limits) -> Result<&'a [u8], Wrong> {
    let mut cursor = Cursor { tag, at: 2 };
    let name = cursor.name(limits)?;
    cursor.skip_spaces();
    match cursor.peek() {
        Some(b'>') if cursor.is_last() => Ok(name),
        _ => Err(wrong(&findings::MALFORMED, cursor.at, ">")),
    }
}

struct Cursor<'a> {
    tag: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.tag.get(self.at).copied()
    }

    const fn is_last(&self) -> bool {
        self.at + 1 == self.tag.len()
    }

    fn skip_spaces(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.at > start
    }

    fn name(&mut self, limits: &Limits) -> Result<&'a [u8], Wrong> {
        let start = self.at;
        if !self.peek().is_some_and(starts_name) {
            return Err(wrong(&findings::MALFORMED, start, "a name"));
        }
        while self.peek().is_some_and(in_name) {
            self.at += 1;
        }
        let name = self.tag.get(start..self.at).unwrap_or_default();
        if name.len() > limits.max_name {
            return Err(wrong(&findings::NAME_TOO_LONG, start, ""));
        }
        // `a:b:c`, `:a` and `a:` have no meaning once namespaces are looked at.
        let colons = memchr::memchr_iter(b':', name).count();
        let misplaced = name.starts_with(b":") || name.ends_with(b":");
        if colons > 1 || misplaced {
            return Err(wrong(&findings::MALFORMED, start, "prefix:name"));
        }
        Ok(name)
    }

    /// Name and value, the value as it is written.
    fn attribute(&mut self, limits: &Limits) -> Result<(&'a [u8], &'a [u8]), Wrong> {
        let name = self.name(limits)?;
        self.skip_spaces();
        if self.peek() != Some(b'=') {
            return Err(wrong(&findings::MALFORMED, self.at, "="));
        }
        self.at += 1;
        self.skip_spaces();
        let Some(quote) = self.peek().filter(|byte| matches!(byte, b'"' | b'\'')) else {
            return Err(wrong(&findings::MALFORMED, self.at, "\""));
        };
        self.at += 1;
        let rest = self.tag.get(self.at..).unwrap_or_default();
        let end = memchr::memchr(quote, rest).unwrap_or(rest.len());
        let value = rest.get(..end).unwrap_or_default();
        if let Some(at) = memchr::memchr(b'<', value) {
            return Err(wrong(&findings::MALFORMED, self.at + at, "&lt;"));
        }
        if let Some(at) = bad_reference(value) {
            return Err(wrong(&findings::MALFORMED, self.at + at, "&amp;"));
        }
        self.at += end + 1;
        Ok((name, value))
    }
}

/// Offset of the first `&` that begins no reference every XML reader knows.
pub(super) fn bad_reference(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'&', text).find(|at| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let name = rest.iter().take(12).position(|byte| *byte == b';').and_then(|end| rest.get(..end));
        !name.is_some_and(is_known_reference)
    })
}

fn is_known_reference(name: &[u8]) -> bool {
    if matches!(name, b"amp" | b"lt" | b"gt" | b"quot" | b"apos") {
        return true;
    }
    let Some(number) = name.strip_prefix(b"#") else { return false };
    let (digits, radix) = match number.strip_prefix(b"x") {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'));
    let value = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()).and_then(char::from_u32);
    value.is_some_and(is_xml_char)
}

/// True for a character that XML 1.0 allows.
pub(crate) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
