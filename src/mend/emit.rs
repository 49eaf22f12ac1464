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
    node(root, "", (true, false), &mut out, &mut content)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// `prefixed`: prefixes are written; `declared`: the prefix of the standard is declared further out.
fn node<W: Write>(
    it: &Node,
    parent: &str,
    (prefixed, mut declared): (bool, bool),
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
    // Declared where the prefix begins to be used; the content of an attachment declares it whatever stands around it.
    let uses = name.contains(':') || it.spaces.iter().any(|(prefix, uri)| it.uses(prefix) && is_standard(prefix, uri));
    if uses && (!declared || it.name == "ContentTransferEncoded") {
        write!(out, " xmlns:edXML=\"{QCVN_NAMESPACE}\"")?;
        declared = true;
    }
    for (prefix, uri) in it.spaces.iter().filter(|(prefix, uri)| it.uses(prefix) && is_other(prefix, uri)) {
        write!(out, " xmlns:{prefix}=\"{}\"", escaped(uri, true))?;
    }
    for (name, value) in it.attributes.iter().filter(|(name, _)| can_be_written(it, name)) {
        write!(out, " {name}=\"{}\"", escaped(value, true))?;
    }
    out.write_all(b">")?;
    for part in &it.parts {
        match part {
            Part::Text(text) => out.write_all(escaped(text, false).as_bytes())?,
            Part::Child(child) => node(child, &it.name, (prefixed, declared), out, content)?,
            Part::Body(cut) => content(*cut, out)?,
            Part::Foreign(raw, _) => out.write_all(raw.as_bytes())?,
        }
    }
    write!(out, "</{name}>")
}

fn is_standard(prefix: &str, uri: &str) -> bool {
    prefix == "edXML" && uri == QCVN_NAMESPACE
}

/// A namespace that can be declared beside the standard's.
fn is_other(prefix: &str, uri: &str) -> bool {
    !matches!(prefix, "" | "edXML" | "xml") && !uri.is_empty()
}

/// An attribute whose prefix would mean something else where it is written, or nothing, cannot be.
pub fn can_be_written(node: &Node, attribute: &str) -> bool {
    match attribute.split_once(':') {
        None | Some(("xml", _)) => true,
        Some((used, _)) => node
            .spaces
            .iter()
            .any(|(prefix, uri)| prefix == used && (is_standard(prefix, uri) || is_other(prefix, uri))),
    }
}

/// Copies the base64 of an attachment without the white space in it, however that is written.
pub fn body<R: Read + Seek>(source: &mut R, split: &Split, cut: usize, out: &mut impl Write) -> io::Result<()> {
    let Some(cut) = split.skeleton.cuts.get(cut) else { return Ok(()) };
    let mut from = encoded_reader(source, cut)?;
    let mut buffer = vec![0; BUFFER];
    // The references that the splitter takes in a content all stand for white space.
    let mut in_reference = false;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..read).unwrap_or_default();
        for run in piece.split_inclusive(|byte| matches!(byte, b'&' | b';')) {
            let text = if in_reference { &[] } else { run.strip_suffix(b"&").unwrap_or(run) };
            for part in text.split(u8::is_ascii_whitespace) {
                out.write_all(part)?;
            }
            in_reference = if in_reference { !run.ends_with(b";") } else { run.ends_with(b"&") };
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
