//! Bodies of `multipart/form-data`, piece by piece.
//!
//! Headers of parts are read leniently: clients write file names as raw UTF-8, without the quoting of any standard. The
//! frame is read strictly: a body without its last boundary was broken off, and nothing of it counts. Pure; what is held is
//! a part's header, or as many bytes as a boundary has.

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use crate::upload::Form;

/// Longest boundary (RFC 2046).
const MAX_BOUNDARY: usize = 70;
/// Longest header of a part: a file name may be as long as a path.
const MAX_HEADER: usize = 8 << 10;
/// The most parts.
const MAX_PARTS: usize = 32;
/// Longest value of a field that is no file.
const MAX_FIELD: usize = 64 << 10;

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is no multipart body, or ends before its last boundary.
    Frame,
    /// A header of a part, a field or the number of parts is beyond every use.
    TooMuch,
    /// There is no part with the file.
    NoFile,
    /// There is a second part with the file.
    TwoFiles,
    /// A field does not say what it may.
    Field,
}

/// The boundary in a `Content-Type`.
#[must_use]
pub fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (1..=MAX_BOUNDARY).contains(&boundary.len()).then_some(boundary)
}

/// The value of a parameter in `a=b; c="d"`. Within quotes a backslash takes the next letter as it is where that is a quote
/// or a backslash; elsewhere it stands for itself, as in the paths that old clients write.
fn parameter(text: &str, sought: &str) -> Option<String> {
    let mut rest = text.trim_start_matches([';', ' ', '\t']);
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, left) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (value, left) = after.split_at_checked(end)?;
                (value.trim().to_owned(), left)
            }
        };
        if name.trim().eq_ignore_ascii_case(sought) {
            return Some(value);
        }
        rest = left.trim_start_matches([';', ' ', '\t']);
    }
    None
}

fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut letters) = (String::new(), text.char_indices().peekable());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => match letters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, next)) => value.push(next),
                None => value.push('\\'),
            },
            letter => value.push(letter),
        }
    }
    (value, "")
}

/// What comes out of a body.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// A part of this name begins.
    Part(String),
    Data(Bytes),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first boundary, or within a part.
    Content,
    /// Behind a boundary.
    Boundary,
    /// Within the headers of a part.
    Header,
    /// Behind the last boundary.
    End,
}

/// Cuts a body into its parts.
#[derive(Debug)]
struct Cutter {
    at: At,
    begun: usize,
    held: BytesMut,
    delimiter: Vec<u8>,
}

impl Cutter {
    fn new(boundary: &str) -> Self {
        // The first boundary has no line before it.
        Self {
            at: At::Content,
            begun: 0,
            held: BytesMut::from(b"\r\n".as_slice()),
            delimiter: format!("\r\n--{boundary}").into_bytes(),
        }
    }

    fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, Fault> {
        let mut events = Vec::new();
        if self.at == At::End {
            return Ok(events);
        }
        self.held.extend_from_slice(piece);
        while self.step(&mut events)? {}
        Ok(events)
    }

    /// One step; false when more bytes are needed.
    fn step(&mut self, events: &mut Vec<Event>) -> Result<bool, Fault> {
        match self.at {
            At::End => {
                self.held.clear();
                Ok(false)
            }
            At::Content => {
                let found = memmem::find(&self.held, &self.delimiter);
                let certain = found.unwrap_or_else(|| (self.held.len() + 1).saturating_sub(self.delimiter.len()));
                let content = self.held.split_to(certain.min(self.held.len())).freeze();
                // What stands before the first boundary is nobody's.
                if self.begun > 0 && !content.is_empty() {
                    events.push(Event::Data(content));
                }
                if found.is_some() {
                    let _ = self.held.split_to(self.delimiter.len().min(self.held.len()));
                    self.at = At::Boundary;
                }
                Ok(found.is_some())
            }
            At::Boundary => {
                if self.held.starts_with(b"--") {
                    self.at = At::End;
                    return Ok(true);
                }
                let Some(end) = memmem::find(&self.held, b"\r\n") else {
                    return if self.held.len() > MAX_BOUNDARY { Err(Fault::Frame) } else { Ok(false) };
                };
                if self.held.iter().take(end).any(|byte| !matches!(byte, b' ' | b'\t')) {
                    return Err(Fault::Frame);
                }
                // The line's end stays, so that a part without headers has its empty line.
                let _ = self.held.split_to(end);
                self.at = At::Header;
                Ok(true)
            }
            At::Header => {
                let Some(end) = memmem::find(&self.held, b"\r\n\r\n") else {
                    return if self.held.len() > MAX_HEADER { Err(Fault::TooMuch) } else { Ok(false) };
                };
                let header = self.held.split_to((end + 4).min(self.held.len()));
                self.begun += 1;
                if self.begun > MAX_PARTS || header.len() > MAX_HEADER {
                    return Err(Fault::TooMuch);
                }
                events.push(Event::Part(name(&header)));
                self.at = At::Content;
                Ok(true)
            }
        }
    }
}

/// The name in a part's headers; nothing when it has none.
fn name(header: &[u8]) -> String {
    let text = match std::str::from_utf8(header) {
        Ok(text) => text.to_owned(),
        Err(_) => header.iter().map(|byte| char::from(*byte)).collect(),
    };
    let disposition = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.to_owned())
    });
    let disposition = disposition.unwrap_or_default();
    let parameters = disposition.split_once(';').map(|(_, parameters)| parameters).unwrap_or_default();
    parameter(parameters, "name").unwrap_or_default()
}

/// What the part that is read is.
#[derive(Debug)]
enum Reading {
    Nothing,
    File,
    /// The value so far.
    Checked(Vec<u8>),
}

/// The file in one part of a multipart body. Other parts are passed over, but for one field whose value is looked at.
#[derive(Debug)]
pub struct FilePart {
    cutter: Cutter,
    file: &'static str,
    field: &'static str,
    allowed: &'static [&'static str],
    reading: Reading,
    seen: bool,
}

impl FilePart {
    /// The part `file`; the field `field` may be left out, and says one of `allowed` in any case.
    #[must_use]
    pub fn new(boundary: &str, file: &'static str, field: &'static str, allowed: &'static [&'static str]) -> Self {
        Self { cutter: Cutter::new(boundary), file, field, allowed, reading: Reading::Nothing, seen: false }
    }

    /// Ends the part before.
    fn ended(&mut self) -> Result<(), Fault> {
        let Reading::Checked(value) = std::mem::replace(&mut self.reading, Reading::Nothing) else { return Ok(()) };
        let value = String::from_utf8_lossy(&value);
        let fine = value.trim().is_empty() || self.allowed.iter().any(|one| value.trim().eq_ignore_ascii_case(one));
        if fine { Ok(()) } else { Err(Fault::Field) }
    }
}

impl Form for FilePart {
    type Fault = Fault;

    fn feed(&mut self, piece: Bytes) -> Result<Vec<Bytes>, Fault> {
        let mut of_file = Vec::new();
        for event in self.cutter.feed(&piece)? {
            match event {
                Event::Part(name) => {
                    self.ended()?;
                    if name == self.file {
                        if std::mem::replace(&mut self.seen, true) {
                            return Err(Fault::TwoFiles);
                        }
                        self.reading = Reading::File;
                    } else if name == self.field {
                        self.reading = Reading::Checked(Vec::new());
                    }
                }
                Event::Data(data) => match &mut self.reading {
                    Reading::Nothing => {}
                    Reading::File => of_file.push(data),
                    Reading::Checked(value) => {
                        value.extend_from_slice(&data);
                        if value.len() > MAX_FIELD {
                            return Err(Fault::TooMuch);
                        }
                    }
                },
            }
        }
        Ok(of_file)
    }

    fn finish(mut self) -> Result<Bytes, Fault> {
        if self.cutter.at != At::End {
            return Err(Fault::Frame);
        }
        self.ended()?;
        if self.seen { Ok(Bytes::new()) } else { Err(Fault::NoFile) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(body: &str, size: usize) -> Result<String, Fault> {
        let mut form = FilePart::new("B", "edocFile", "messageType", &["edoc", "status"]);
        let mut file = Vec::new();
        for piece in body.as_bytes().chunks(size) {
            form.feed(Bytes::copy_from_slice(piece))?.iter().for_each(|piece| file.extend_from_slice(piece));
        }
        form.finish()?;
        Ok(String::from_utf8(file).unwrap())
    }

    const FILE: &str = "Content-Disposition: form-data; name=\"edocFile\"; filename=\"45_CV-ĐTXD.edxml\"\r\nContent-Type: application/xml\r\n\r\n";
    const KIND: &str = "Content-Disposition: form-data; name=\"messageType\"\r\n\r\n";

    #[test]
    fn the_file_comes_out_as_it_is_wherever_the_pieces_are_cut() {
        for content in ["<a/>", "", "\r\n", "\r\n--", "\r\n--b\r\n--A\r\n-", "<a>\r\n\r\n--\r\n</a>\r\n", "Đơn vị"]
        {
            for body in [
                format!("--B\r\n{FILE}{content}\r\n--B\r\n{KIND}edoc\r\n--B--\r\n"),
                format!("--B\r\n{KIND}STATUS\r\n--B\r\n{FILE}{content}\r\n--B--"),
                format!("before\r\n--B \r\n{FILE}{content}\r\n--B--after"),
                format!("--B\r\n\r\nnameless\r\n--B\r\n{FILE}{content}\r\n--B--\r\n"),
            ] {
                for size in [1, 2, 3, 7, 1000] {
                    assert_eq!(file(&body, size).as_deref(), Ok(content), "{body:?} {size}");
                }
            }
        }
    }

    #[test]
    fn a_body_that_is_not_whole_or_says_something_else_gives_no_file() {
        for (body, fault) in [
            (String::new(), Fault::Frame),
            ("<edXML/>".to_owned(), Fault::Frame),
            (format!("--B\r\n{FILE}<a/>"), Fault::Frame),
            (format!("--B\r\n{FILE}<a/>\r\n--B"), Fault::Frame),
            (format!("--B\r\n{FILE}<a/>\r\n--B\r\n"), Fault::Frame),
            (format!("--Bx\r\n{FILE}<a/>\r\n--B--"), Fault::Frame),
            (format!("--B\r\n{KIND}edoc\r\n--B--"), Fault::NoFile),
            (format!("--B\r\n{FILE}<a/>\r\n--B\r\n{FILE}<b/>\r\n--B--"), Fault::TwoFiles),
            (format!("--B\r\n{FILE}<a/>\r\n--B\r\n{KIND}other\r\n--B--"), Fault::Field),
            (format!("--B\r\nX: {}\r\n\r\n", "x".repeat(9000)), Fault::TooMuch),
            ("--B\r\n\r\n\r\n".repeat(40), Fault::TooMuch),
        ] {
            for size in [1, 1000, 100_000] {
                assert_eq!(file(&body, size), Err(fault), "{body:?} {size}");
            }
        }
    }

    #[test]
    fn a_boundary_is_found_in_every_usual_spelling() {
        for (text, found) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data;charset=utf-8;boundary=\"a b;c\"", Some("a b;c")),
            ("multipart/form-data; Boundary=----x ; y=z", Some("----x")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("application/json; boundary=abc", None),
        ] {
            assert_eq!(boundary(text).as_deref(), found, "{text}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
        assert_eq!(parameter("filename=\"C:\\x\\y\\\"z\"; name=\"n\"", "name").as_deref(), Some("n"));
    }
}
