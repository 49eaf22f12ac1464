//! Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, both without comments, as a stream of bytes.
//!
//! Two subsets are enough for packets: the whole document without one element (the enveloped Signature), and one
//! element as it stands in its document (SignedInfo). `xmllint` and `xmlsec1` are the oracles in the tests.
//!
//! Invariant: only a document without a fault of namespaces comes here; the result for a cut document is the result
//! for the same document in one piece.

use std::io::{self, Read};

use super::attribute;
use super::document::{Document, Element, Node, XML_NS};
use super::escape::{self, Sink};
use super::{Bodies, CutRef};

/// How a document is written before it is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canonicalization {
    /// `http://www.w3.org/TR/2001/REC-xml-c14n-20010315`
    Inclusive,
    /// `http://www.w3.org/2001/10/xml-exc-c14n#`; the prefixes (`""` is the default namespace) are treated as the
    /// inclusive form does.
    Exclusive { prefixes: Vec<String> },
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subset {
    /// The document, without this element.
    DocumentWithout(Option<u32>),
    Element(u32),
}

/// Why canonical form could not be written to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    Io(io::Error),
    /// The text of a cut holds something that base64 text does not.
    Body,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the canonical form of a subset.
///
/// # Errors
/// [`Trouble`] with a body; the skeleton itself is known to be good.
pub(super) fn canonicalize<S: Sink>(
    document: &Document<'_>,
    subset: Subset,
    method: &Canonicalization,
    bodies: &mut dyn Bodies,
    sink: &mut S,
) -> Result<(), Trouble> {
    Writer::new(document, method, sink).run(subset, bodies)
}

struct Writer<'d, 's, S> {
    document: &'d Document<'d>,
    method: &'d Canonicalization,
    sink: &'s mut S,
    /// Namespaces in force, innermost last.
    scope: Vec<(&'d str, &'d str)>,
    /// Namespaces that the output already declares at this place, innermost last.
    rendered: Vec<(&'d str, &'d str)>,
    /// Lengths of both lists outside each open element.
    marks: Vec<(usize, usize)>,
    after_cr: bool,
}

impl<'d, 's, S: Sink> Writer<'d, 's, S> {
    fn new(document: &'d Document<'d>, method: &'d Canonicalization, sink: &'s mut S) -> Self {
        let (scope, rendered, marks) = (Vec::new(), Vec::new(), Vec::new());
        Self { document, method, sink, scope, rendered, marks, after_cr: false }
    }

    fn run(mut self, subset: Subset, bodies: &mut dyn Bodies) -> Result<(), Trouble> {
        let all = 0..self.document.nodes.len();
        let (range, without) = match subset {
            Subset::Element(id) => (self.document.element(id).map_or(0..0, |e| e.nodes.clone()), 0..0),
            Subset::DocumentWithout(id) => {
                (all, id.and_then(|id| self.document.element(id)).map_or(0..0, |e| e.nodes.clone()))
            }
        };
        let mut root_done = false;
        let mut apex = matches!(subset, Subset::Element(_));
        for (index, node) in self.document.nodes.iter().enumerate().take(range.end).skip(range.start) {
            if without.contains(&index) {
                self.after_cr = false;
                continue;
            }
            // A line end is never divided by markup, only by a cut.
            if !matches!(node, Node::Text(_) | Node::Cut { .. } | Node::CData { first: false, .. }) {
                self.after_cr = false;
            }
            match node {
                Node::Start(id) => {
                    if let Some(element) = self.document.element(*id) {
                        self.start(element, std::mem::take(&mut apex));
                    }
                }
                Node::End(id) => {
                    if let Some(element) = self.document.element(*id) {
                        self.end(element);
                    }
                    root_done = self.marks.is_empty();
                }
                Node::Text(raw) => escape::text(self.sink, raw.as_bytes(), &mut self.after_cr),
                Node::CData { raw, last, .. } => {
                    escape::text(self.sink, raw.as_bytes(), &mut self.after_cr);
                    self.after_cr &= !last;
                }
                Node::Ref(c) => escape::text_char(self.sink, *c),
                Node::Pi { target, data } => self.instruction(target, data, root_done),
                Node::Comment => {}
                Node::Cut { cut, in_cdata } => self.body(*cut, *in_cdata, bodies)?,
            }
        }
        Ok(())
    }

    fn start(&mut self, element: &'d Element<'d>, apex: bool) {
        self.marks.push((self.scope.len(), self.rendered.len()));
        if apex {
            self.scope = inherited(self.document, element);
        }
        self.scope.extend(self.document.declarations(element));
        self.sink.put(b"<");
        self.name(element);
        let first = self.rendered.len();
        self.choose_namespaces(element, apex);
        let document = self.document;
        let new = self.rendered.get_mut(first..).unwrap_or_default();
        new.sort_unstable_by_key(|(prefix, _)| *prefix);
        for (prefix, uri) in new.iter() {
            self.sink.put(if prefix.is_empty() { b" xmlns" } else { b" xmlns:" });
            self.sink.put(prefix.as_bytes());
            self.sink.put(b"=\"");
            escape::attribute_value(self.sink, uri);
            self.sink.put(b"\"");
        }
        if apex && *self.method == Canonicalization::Inclusive {
            self.apex_attributes(element);
        } else {
            for attribute in document.attributes(element) {
                self.attribute(attribute.prefix, attribute.local, attribute.raw);
            }
        }
        self.sink.put(b">");
    }

    fn end(&mut self, element: &'d Element<'d>) {
        self.sink.put(b"</");
        self.name(element);
        self.sink.put(b">");
        if let Some((scope, rendered)) = self.marks.pop() {
            self.scope.truncate(scope);
            self.rendered.truncate(rendered);
        }
    }

    fn name(&mut self, element: &Element<'_>) {
        if !element.prefix.is_empty() {
            self.sink.put(element.prefix.as_bytes());
            self.sink.put(b":");
        }
        self.sink.put(element.local.as_bytes());
    }

    fn attribute(&mut self, prefix: &str, local: &str, raw: &str) {
        self.sink.put(b" ");
        if !prefix.is_empty() {
            self.sink.put(prefix.as_bytes());
            self.sink.put(b":");
        }
        self.sink.put(local.as_bytes());
        self.sink.put(b"=\"");
        escape::attribute(self.sink, raw);
        self.sink.put(b"\"");
    }

    /// Adds to `rendered` what this element must declare.
    fn choose_namespaces(&mut self, element: &'d Element<'d>, apex: bool) {
        let document = self.document;
        match self.method {
            Canonicalization::Inclusive if apex => {
                for index in 0..self.scope.len() {
                    let Some((prefix, _)) = self.scope.get(index).copied() else { continue };
                    self.render(prefix, self.lookup(prefix));
                }
            }
            Canonicalization::Inclusive => {
                document.declarations(element).for_each(|(prefix, uri)| self.render(prefix, uri));
            }
            Canonicalization::Exclusive { prefixes } => {
                self.render(element.prefix, document.uri(element));
                for attribute in document.attributes(element).iter().filter(|a| !a.prefix.is_empty()) {
                    self.render(attribute.prefix, document.attribute_uri(attribute));
                }
                for prefix in prefixes {
                    self.render(prefix, self.lookup(prefix));
                }
            }
        }
    }

    /// The namespace that a prefix stands for here; empty where there is none.
    fn lookup(&self, prefix: &str) -> &'d str {
        self.scope.iter().rev().find(|(p, _)| *p == prefix).map_or("", |(_, uri)| uri)
    }

    fn render(&mut self, prefix: &'d str, uri: &'d str) {
        let already = self.rendered.iter().rev().find(|(p, _)| *p == prefix).map_or("", |(_, uri)| uri);
        // Only the default namespace can be empty; a listed prefix that nothing declares is passed over.
        if prefix != "xml" && already != uri && (prefix.is_empty() || !uri.is_empty()) {
            self.rendered.push((prefix, uri));
        }
    }

    /// In the inclusive form an element without its ancestors takes over their `xml:` attributes (section 2.4).
    fn apex_attributes(&mut self, element: &'d Element<'d>) {
        let document = self.document;
        let mut all: Vec<_> = document.attributes(element).iter().collect();
        let mut parent = element.parent;
        while let Some(ancestor) = parent.and_then(|id| document.element(id)) {
            for attribute in document.attributes(ancestor).iter().filter(|a| document.attribute_uri(a) == XML_NS) {
                let known = |a: &&super::document::Attribute<'_>| {
                    a.local == attribute.local && document.attribute_uri(a) == XML_NS
                };
                if !all.iter().any(known) {
                    all.push(attribute);
                }
            }
            parent = ancestor.parent;
        }
        all.sort_by_key(|a| (document.attribute_uri(a), a.local));
        all.iter().for_each(|a| self.attribute(a.prefix, a.local, a.raw));
    }

    fn instruction(&mut self, target: &str, data: &str, root_done: bool) {
        let outside = self.marks.is_empty();
        if outside && root_done {
            self.sink.put(b"\n");
        }
        self.sink.put(b"<?");
        self.sink.put(target.as_bytes());
        if !data.is_empty() {
            self.sink.put(b" ");
            self.sink.put(line_ends(data).as_bytes());
        }
        self.sink.put(b"?>");
        if outside && !root_done {
            self.sink.put(b"\n");
        }
    }

    /// Streams the text of a cut: base64 letters, white space, and references to white space.
    fn body(&mut self, cut: CutRef, in_cdata: bool, bodies: &mut dyn Bodies) -> Result<(), Trouble> {
        let mut source = bodies.open(cut.source_offset, cut.source_len)?.take(cut.source_len);
        let mut left = cut.source_len;
        let mut buffer = vec![0; BODY_BUFFER_BYTES];
        let mut reference: Option<String> = None;
        while left > 0 {
            let count = match source.read(&mut buffer) {
                Ok(0) => return Err(Trouble::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Trouble::Io(e)),
            };
            left = left.saturating_sub(count as u64);
            let piece = buffer.get(..count).unwrap_or_default();
            if in_cdata && piece.contains(&b'&') {
                return Err(Trouble::Body);
            }
            self.body_piece(piece, &mut reference).ok_or(Trouble::Body)?;
        }
        if reference.is_some() { Err(Trouble::Body) } else { Ok(()) }
    }

    fn body_piece(&mut self, piece: &[u8], reference: &mut Option<String>) -> Option<()> {
        if !piece.chunks(64).all(|block| block.iter().fold(true, |all, b| all & is_body_byte(*b))) {
            return None;
        }
        let mut rest = piece;
        while !rest.is_empty() {
            if let Some(name) = reference {
                let (byte, after) = rest.split_first()?;
                rest = after;
                match byte {
                    b';' => {
                        let c = attribute::resolve(name)?;
                        self.after_cr = false;
                        escape::text_char(self.sink, c);
                        *reference = None;
                    }
                    _ if name.len() >= MAX_REFERENCE_BYTES => return None,
                    _ => name.push(char::from(*byte)),
                }
                continue;
            }
            let plain = rest.iter().position(|b| *b == b'&').unwrap_or(rest.len());
            let (before, after) = rest.split_at_checked(plain)?;
            escape::text(self.sink, before, &mut self.after_cr);
            rest = after;
            if let Some((_, after)) = after.split_first() {
                *reference = Some(String::new());
                rest = after;
            }
        }
        Some(())
    }
}

/// How much of a body is in memory at once.
const BODY_BUFFER_BYTES: usize = 64 * 1024;
/// `#1114111` is the longest reference without leading zeros.
const MAX_REFERENCE_BYTES: usize = 10;

const fn is_body_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b';' | b'=' | b'?'..=b'~')
}

fn line_ends(raw: &str) -> std::borrow::Cow<'_, str> {
    if raw.contains('\r') { raw.replace("\r\n", "\n").replace('\r', "\n").into() } else { raw.into() }
}

/// The namespaces in force around an element, outermost first.
fn inherited<'d>(document: &'d Document<'d>, element: &Element<'_>) -> Vec<(&'d str, &'d str)> {
    let mut chain = Vec::new();
    let mut parent = element.parent;
    while let Some(ancestor) = parent.and_then(|id| document.element(id)) {
        chain.push(ancestor);
        parent = ancestor.parent;
    }
    chain.into_iter().rev().flat_map(|ancestor| document.declarations(ancestor)).collect()
}
