//! The tree as a packet, with the literal prefixes of the official library (a receiver was seen to refuse others).

use std::io::{self, BufWriter, Read, Seek, Write};

use super::tree::{Node, Part};
use crate::edxml::{QCVN_NAMESPACE, Split, encoded_reader};

/// Bytes of a content read at a time.
const BUFFER: usize = 64 << 10;

/// The prefix that an element is written with.
pub fn prefix(parent: &str, name: &str) -> &'static str {
    match (parent, name) {
        (_, "ContentTransferEncoded") => "edXML",
        ("", _) | ("edXML", "AttachmentEncoded") | ("AttachmentEncoded" | "Attachment", _) => "",
        ("edXMLHeader", "Signature") => "",
        _ => "edXML",
    }
}

/// Writes a packet; `content` writes the content of an attachment.
pub fn packet<W: Write>(
    root: &Node,
    out: W,
    mut content: impl FnMut(usize, &mut BufWriter<W>) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, out);
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    node(root, "", true, &mut out, &mut content)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn node<W: Write>(
    it: &Node,
    parent: &str,
    prefixed: bool,
    out: &mut BufWriter<W>,
    content: &mut impl FnMut(usize, &mut BufWriter<W>) -> io::Result<()>,
) -> io::Result<()> {
    // Below an unprefixed Signature nothing has a prefix either.
    let prefixed = prefixed && !(parent == "edXMLHeader" && it.name == "Signature");
    let name = match if prefixed { prefix(parent, &it.name) } else { "" } {
        "" => it.name.clone(),
        prefix => format!("{prefix}:{}", it.name),
    };
    write!(out, "<{name}")?;
    if parent.is_empty() {
        write!(out, " xmlns=\"{QCVN_NAMESPACE}\"")?;
    }
    // Declared where the prefix begins to be used; everything else with a prefix stands inside the envelope.
    if name.contains(':') && (parent == "edXML" || it.name == "ContentTransferEncoded") {
        write!(out, " xmlns:edXML=\"{QCVN_NAMESPACE}\"")?;
    }
    for (name, value) in it.attributes.iter().filter(|(name, _)| !name.contains(':')) {
        write!(out, " {name}=\"{}\"", escaped(value, true))?;
    }
    out.write_all(b">")?;
    for part in &it.parts {
        match part {
            Part::Text(text) => out.write_all(escaped(text, false).as_bytes())?,
            Part::Child(child) => node(child, &it.name, prefixed, out, content)?,
            Part::Body(cut) => content(*cut, out)?,
            Part::Foreign(raw, _) => out.write_all(raw.as_bytes())?,
        }
    }
    write!(out, "</{name}>")
}

/// Copies the base64 of an attachment without the white space in it.
pub fn body<R: Read + Seek>(source: &mut R, split: &Split, cut: usize, out: &mut impl Write) -> io::Result<()> {
    let Some(cut) = split.skeleton.cuts.get(cut) else { return Ok(()) };
    let mut from = encoded_reader(source, cut)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..read).unwrap_or_default();
        for run in piece.split(u8::is_ascii_whitespace) {
            out.write_all(run)?;
        }
    }
}

/// Text as XML carries it.
pub fn escaped(text: &str, attribute: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '"' if attribute => out.push_str("&quot;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            c => out.push(c),
        }
    }
    out
}
