//! The file as bytes: JSON in the one form of RFC 8785, and where each part begins and ends.
//!
//! The scanner takes nothing but that form (no space, members in order and none twice, the shortest escapes, whole
//! numbers), to a small depth and with a limit on every list. So two files that mean the same are the same, and a byte
//! that was flipped is found where it is: the part that the scanner was in is named.

use std::ops::Range;

use super::{Fault, MAX_BYTES, MAX_CERTIFICATES, MAX_LATE, MAX_LOGS, MAX_RECEIPTS};

/// The deepest nesting of the form is 4.
const MAX_DEPTH: usize = 6;
/// The most members or elements of anything within a part.
const MAX_ELEMENTS: usize = 8192;
/// The name for what belongs to no part: punctuation, names of members, format and version.
pub const CONTAINER: &str = "container";
/// The name of the seal, which is no part of itself.
pub const SEAL: &str = "seal";

/// What stands under a member of the file.
#[derive(Clone, Copy)]
enum Holds {
    /// Elements that are parts, at most so many.
    Parts(usize),
    Part,
    /// The seal, format and version: not in the manifest.
    Frame,
}

/// The members, in order; the second says whether it may be absent.
const MEMBERS: [(&str, bool, Holds); 12] = [
    ("certificates", false, Holds::Parts(MAX_CERTIFICATES)),
    ("crls", false, Holds::Parts(MAX_CERTIFICATES)),
    ("document", false, Holds::Part),
    ("format", false, Holds::Frame),
    ("late", false, Holds::Parts(MAX_LATE)),
    ("logs", false, Holds::Parts(MAX_LOGS)),
    ("packet", true, Holds::Part),
    ("receipts", false, Holds::Parts(MAX_RECEIPTS)),
    ("revocation", false, Holds::Part),
    (SEAL, false, Holds::Frame),
    ("v", false, Holds::Frame),
    ("witnesses", false, Holds::Parts(MAX_LOGS)),
];

/// A part and where its value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub at: Range<usize>,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// In the order of the file, which is that of the manifest.
    pub parts: Vec<Part>,
    /// The seal's text, without its quotes.
    pub seal: Range<usize>,
}

impl Layout {
    /// Finds the parts of a file.
    ///
    /// # Errors
    /// [`Fault`] with the part in which the text leaves the form.
    pub fn of(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > MAX_BYTES {
            return Err(malformed(CONTAINER, "larger than a bundle may be"));
        }
        let mut scanner = Scanner { bytes, at: 0, place: CONTAINER.to_owned() };
        scanner.file().map_err(|what| malformed(&scanner.place, &format!("{what}, at byte {}", scanner.at)))
    }

    /// The part in which a byte stands.
    pub fn name_at(&self, byte: usize) -> &str {
        let part = self.parts.iter().find(|part| part.at.contains(&byte));
        part.map_or(CONTAINER, |part| part.name.as_str())
    }
}

fn malformed(part: &str, what: &str) -> Fault {
    Fault::new(part, "không đúng dạng của tệp chứng minh", format_args!("not the form of a bundle: {what}"))
}

type Scan<T = ()> = Result<T, &'static str>;

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The part being read.
    place: String,
}

impl Scanner<'_> {
    fn file(&mut self) -> Scan<Layout> {
        let mut layout = Layout { parts: Vec::new(), seal: 0..0 };
        self.take(b'{')?;
        let mut first = true;
        for (name, optional, holds) in MEMBERS {
            let mark = if first { "" } else { "," };
            let start = format!("{mark}\"{name}\":");
            if !self.rest().starts_with(start.as_bytes()) {
                if optional {
                    continue;
                }
                // A text whose quote was altered ends where the next one begins: then it is that part's fault.
                if first || self.rest().starts_with(b",\"") {
                    CONTAINER.clone_into(&mut self.place);
                }
                return Err("a member is missing, unknown or out of order");
            }
            self.at += start.len();
            first = false;
            CONTAINER.clone_into(&mut self.place);
            self.member(name, holds, &mut layout)?;
        }
        self.take(b'}')?;
        CONTAINER.clone_into(&mut self.place);
        if self.at == self.bytes.len() { Ok(layout) } else { Err("something follows the end") }
    }

    fn member(&mut self, name: &str, holds: Holds, layout: &mut Layout) -> Scan {
        match holds {
            Holds::Parts(most) => {
                self.take(b'[')?;
                for index in 0.. {
                    if self.skip(b']') {
                        break;
                    }
                    if index > 0 {
                        self.take(b',')?;
                    }
                    if index >= most {
                        CONTAINER.clone_into(&mut self.place);
                        return Err("it has more elements than are allowed");
                    }
                    self.place = format!("{name}[{index}]");
                    self.part(layout)?;
                }
                Ok(())
            }
            Holds::Part => {
                name.clone_into(&mut self.place);
                self.part(layout)
            }
            Holds::Frame if name == SEAL => {
                SEAL.clone_into(&mut self.place);
                let start = self.at;
                self.string()?;
                layout.seal = start.saturating_add(1)..self.at.saturating_sub(1);
                Ok(())
            }
            Holds::Frame => self.value(0),
        }
    }

    fn part(&mut self, layout: &mut Layout) -> Scan {
        let start = self.at;
        self.value(0)?;
        layout.parts.push(Part { name: self.place.clone(), at: start..self.at });
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Scan {
        if depth > MAX_DEPTH {
            return Err("nested too deep");
        }
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'0'..=b'9') => self.number(),
            _ => Err("no string, whole number, list or object"),
        }
    }

    fn array(&mut self, depth: usize) -> Scan {
        self.take(b'[')?;
        let mut count = 0;
        while !self.skip(b']') {
            if count > 0 {
                self.take(b',')?;
            }
            count = within(count)?;
            self.value(depth + 1)?;
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Scan {
        self.take(b'{')?;
        let mut count = 0;
        let mut before: Option<Range<usize>> = None;
        while !self.skip(b'}') {
            if count > 0 {
                self.take(b',')?;
            }
            count = within(count)?;
            let start = self.at;
            self.string()?;
            let name = start..self.at;
            // Names have no escapes, so their order is that of their bytes.
            if before.is_some_and(|before| self.bytes.get(before) >= self.bytes.get(name.clone())) {
                return Err("members are out of order or there twice");
            }
            before = Some(name);
            self.take(b':')?;
            self.value(depth + 1)?;
        }
        Ok(())
    }

    /// A whole number without sign and leading zero, exact in every JSON library: below 10^15.
    fn number(&mut self) -> Scan {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let zero = self.peek() == Some(b'0');
        if digits == 0 || digits > 15 || (zero && digits > 1) {
            return Err("a number is not in the shortest form, or too large");
        }
        self.at += digits;
        Ok(())
    }

    fn string(&mut self) -> Scan {
        self.take(b'"')?;
        let start = self.at;
        loop {
            // Runs of plain text, of which a file mostly consists, are skipped at once.
            let plain = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            self.at += plain.ok_or("a text does not end")?;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err("a control character stands in a text"),
            }
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        self.at += 1;
        std::str::from_utf8(text).map(|_| ()).map_err(|_| "a text is not UTF-8")
    }

    /// The escapes that RFC 8785 §3.2.2.2 prescribes, and no others.
    fn escape(&mut self) -> Scan {
        let wrong = "an escape is not the one prescribed";
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(wrong)?;
                let code = match digits {
                    [b'0', b'0', b'0', low @ (b'0'..=b'9' | b'a'..=b'f')] => char::from(*low).to_digit(16),
                    [b'0', b'0', b'1', low @ (b'0'..=b'9' | b'a'..=b'f')] => {
                        char::from(*low).to_digit(16).map(|low| low + 16)
                    }
                    _ => None,
                };
                // 8, 9, 10, 12 and 13 have escapes of their own.
                if code.is_none_or(|code| matches!(code, 8 | 9 | 10 | 12 | 13)) {
                    return Err(wrong);
                }
                self.at += 6;
            }
            _ => return Err(wrong),
        }
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn take(&mut self, byte: u8) -> Scan {
        if self.skip(byte) { Ok(()) } else { Err("punctuation is missing") }
    }
}

fn within(count: usize) -> Scan<usize> {
    if count < MAX_ELEMENTS { Ok(count + 1) } else { Err("it has more elements than are allowed") }
}
