//! Reading a skeleton, once and strictly.
//!
//! quick-xml finds where each piece of markup begins and ends; what it leaves unchecked (names, attributes,
//! references, forbidden characters, one root) is checked here, because a verifier and a later reader must not see two
//! different documents. A fault of namespaces does not stop the reading: unsigned packets with undeclared prefixes
//! are common and must come out as "not signed". Such a document is never canonicalised.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::super::attribute::{self, is_char, is_ncname};
use super::super::problem::{Problem, Reason};
use super::super::{CutRef, Spliced};
use super::{
    Attribute, Declaration, Document, Element, Limits, Node, QCVN, QCVN_NS, UNDECLARED, UNKNOWN, XML_NS, XMLNS_NS,
};

/// See [`Document::parse`].
pub(super) fn document<'a>(input: &Spliced<'a>, limits: &Limits) -> Result<Document<'a>, Problem> {
    let text = simdutf8::compat::from_utf8(input.skeleton)
        .map_err(|e| Problem::malformed("bytes that are not UTF-8").at(input.skeleton, input.cuts, e.valid_up_to()))?;
    if let Some(offset) = forbidden_char(text) {
        return Err(Problem::malformed("a character that XML forbids").at(input.skeleton, input.cuts, offset));
    }
    if input.cuts.iter().zip(input.cuts.iter().skip(1)).any(|(a, b)| a.at > b.at) {
        return Err(Problem::malformed("bodies that are not in order"));
    }
    let mut parser = Parser::new(input, text, limits);
    match parser.run() {
        Ok(()) => Ok(parser.document),
        Err(problem) => Err(problem.at(input.skeleton, input.cuts, parser.position)),
    }
}

fn forbidden_char(text: &str) -> Option<usize> {
    // One cheap pass settles nearly every document: control characters and the noncharacters U+FFFE, U+FFFF
    // (EF BF BE, EF BF BF) are rare.
    let suspicious = |b: &u8| (*b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || *b == 0xef;
    if !text.as_bytes().chunks(256).any(|block| block.iter().fold(false, |any, b| any | suspicious(b))) {
        return None;
    }
    text.char_indices().find(|(_, c)| !is_char(*c)).map(|(offset, _)| offset)
}

/// An element that is not closed yet.
struct Open {
    element: u32,
    scope_len: usize,
    has_text: bool,
    comment: Option<usize>,
}

struct Parser<'a, 'l> {
    skeleton: &'a [u8],
    text: &'a str,
    all_cuts: &'a [CutRef],
    cuts: std::iter::Peekable<std::iter::Copied<std::slice::Iter<'a, CutRef>>>,
    limits: &'l Limits,
    document: Document<'a>,
    open: Vec<Open>,
    scope: Vec<Declaration<'a>>,
    /// Byte of the skeleton that a fault is reported at.
    position: usize,
    root_seen: bool,
}

type Step = Result<(), Problem>;

impl<'a, 'l> Parser<'a, 'l> {
    fn new(input: &Spliced<'a>, text: &'a str, limits: &'l Limits) -> Self {
        let document = Document {
            nodes: Vec::with_capacity((text.len() / 16).min(16_384)),
            elements: Vec::new(),
            attributes: Vec::new(),
            declarations: Vec::new(),
            uris: vec![String::new(), XML_NS.to_owned(), UNDECLARED.to_owned(), QCVN_NS.to_owned()],
            namespace_fault: None,
            comment_in_text: None,
        };
        Self {
            skeleton: input.skeleton,
            text,
            all_cuts: input.cuts,
            cuts: input.cuts.iter().copied().peekable(),
            limits,
            document,
            open: Vec::new(),
            scope: vec![Declaration { prefix: "xml", uri: 1 }],
            position: 0,
            root_seen: false,
        }
    }

    fn run(&mut self) -> Step {
        // Other readers of this trade skip a byte order mark and white space before the declaration; neither is
        // part of the canonical form.
        let after_mark = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        let body = attribute::trim_start(after_mark);
        if body.starts_with('\u{feff}') {
            return Err(Problem::malformed("a byte order mark that is not at the start"));
        }
        let base = self.text.len() - body.len();
        let mut reader = Reader::from_str(body);
        reader.config_mut().check_comments = true;
        loop {
            let start = base + usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX - base);
            self.position = start;
            let event = reader.read_event().map_err(|_| Problem::malformed("markup that is not well-formed"))?;
            let end = base + usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX - base);
            let raw = self.text.get(start..end).unwrap_or_default();
            if let Event::Text(_) = event {
                self.text_piece(start, raw)?;
                continue;
            }
            self.cuts_up_to(start)?;
            if let Event::CData(_) = event {
                self.cdata(start, raw)?;
                continue;
            }
            if self.cuts.peek().is_some_and(|cut| cut.at < end) {
                return Err(Problem::malformed("a body that was cut out of markup"));
            }
            match event {
                Event::Start(_) => self.start(raw, start, end, false)?,
                Event::Empty(_) => self.start(raw, start, end, true)?,
                Event::End(_) => self.end(Some(start), end)?,
                Event::GeneralRef(_) => self.reference(raw)?,
                Event::Comment(_) => self.comment(raw, start)?,
                Event::PI(_) => self.instruction(raw)?,
                Event::Decl(_) => self.xml_declaration(raw, start == base)?,
                Event::DocType(_) => return Err(Problem::of(Reason::Doctype)),
                Event::Text(_) | Event::CData(_) => {}
                Event::Eof => break,
            }
        }
        if self.cuts.peek().is_some() {
            return Err(Problem::malformed("a body outside the root element"));
        }
        match (self.root_seen, self.open.is_empty()) {
            (true, true) => Ok(()),
            (false, _) => Err(Problem::malformed("no root element")),
            _ => Err(Problem::malformed("an element that is not closed")),
        }
    }

    fn push(&mut self, node: Node<'a>) -> Step {
        if self.document.nodes.len() >= self.limits.nodes {
            return Err(Problem::limit("nodes"));
        }
        self.document.nodes.push(node);
        Ok(())
    }

    /// Puts in the cuts that stand at or before this byte.
    fn cuts_up_to(&mut self, offset: usize) -> Step {
        self.take_cuts(offset, false)
    }

    fn take_cuts(&mut self, offset: usize, in_cdata: bool) -> Step {
        while let Some(cut) = self.cuts.next_if(|cut| cut.at <= offset) {
            let open = self.open.last_mut().ok_or_else(|| Problem::malformed("a body outside the root element"))?;
            open.has_text |= cut.source_len > 0;
            self.push(Node::Cut { cut, in_cdata })?;
        }
        Ok(())
    }

    fn text_piece(&mut self, start: usize, raw: &'a str) -> Step {
        self.cuts_up_to(start)?;
        let (mut start, mut raw) = (start, raw);
        while let Some(at) = self.cuts.peek().map(|cut| cut.at).filter(|at| *at < start + raw.len()) {
            let (before, after) = raw
                .split_at_checked(at - start)
                .ok_or_else(|| Problem::malformed("a body that was cut out of a character"))?;
            self.plain_text(before)?;
            self.cuts_up_to(at)?;
            (start, raw) = (at, after);
        }
        self.plain_text(raw)
    }

    fn plain_text(&mut self, raw: &'a str) -> Step {
        let blank = attribute::trim_start(raw).is_empty();
        match self.open.last_mut() {
            Some(_) if raw.is_empty() => return Ok(()),
            None if blank => return Ok(()),
            None => return Err(Problem::malformed("text outside the root element")),
            Some(open) => open.has_text |= !blank,
        }
        if !blank && raw.contains("]]>") {
            return Err(Problem::malformed("]]> in text"));
        }
        self.push(Node::Text(raw))
    }

    fn cdata(&mut self, start: usize, raw: &'a str) -> Step {
        const OPENING: &str = "<![CDATA[";
        let inner = raw.strip_prefix(OPENING).and_then(|raw| raw.strip_suffix("]]>"));
        let mut rest = inner.ok_or_else(|| Problem::malformed("a CDATA section"))?;
        let open = self.open.last_mut().ok_or_else(|| Problem::malformed("text outside the root element"))?;
        open.has_text = true;
        let (mut at, end) = (start + OPENING.len(), start + raw.len());
        let mut first = true;
        while let Some(cut_at) = self.cuts.peek().map(|cut| cut.at).filter(|cut_at| *cut_at < end) {
            let split = cut_at.checked_sub(at).and_then(|length| rest.split_at_checked(length));
            let (before, after) = split.ok_or_else(|| Problem::malformed("a body that was cut out of markup"))?;
            self.push(Node::CData { raw: before, first, last: false })?;
            self.take_cuts(cut_at, true)?;
            (at, rest, first) = (cut_at, after, false);
        }
        self.push(Node::CData { raw: rest, first, last: true })
    }

    fn reference(&mut self, raw: &'a str) -> Step {
        let name = raw.strip_prefix('&').and_then(|raw| raw.strip_suffix(';')).unwrap_or_default();
        let c = attribute::resolve(name)
            .ok_or_else(|| Problem::malformed("a reference to an undeclared entity or a forbidden character"))?;
        let open = self.open.last_mut().ok_or_else(|| Problem::malformed("text outside the root element"))?;
        open.has_text = true;
        self.push(Node::Ref(c))
    }

    fn comment(&mut self, raw: &'a str, start: usize) -> Step {
        let inner = raw.strip_prefix("<!--").and_then(|raw| raw.strip_suffix("-->"));
        let inner = inner.ok_or_else(|| Problem::malformed("a comment"))?;
        if inner.contains("--") || inner.ends_with('-') {
            return Err(Problem::malformed("-- in a comment"));
        }
        match self.open.last_mut() {
            Some(open) => {
                open.comment.get_or_insert(start);
                self.push(Node::Comment)
            }
            None => Ok(()),
        }
    }

    fn instruction(&mut self, raw: &'a str) -> Step {
        let inner = raw.strip_prefix("<?").and_then(|raw| raw.strip_suffix("?>"));
        let inner = inner.ok_or_else(|| Problem::malformed("a processing instruction"))?;
        let (target, data) = inner.split_at(inner.find([' ', '\t', '\n', '\r']).unwrap_or(inner.len()));
        if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            return Err(Problem::malformed("the target of a processing instruction"));
        }
        self.push(Node::Pi { target, data: attribute::trim_start(data) })
    }

    fn xml_declaration(&mut self, raw: &'a str, first: bool) -> Step {
        let inner = raw.strip_prefix("<?xml").and_then(|raw| raw.strip_suffix("?>")).filter(|_| first);
        let inner = inner.ok_or_else(|| Problem::malformed("an XML declaration that is not at the start"))?;
        let mut order = 0;
        let mut each = |(name, value): attribute::RawAttribute<'_>| {
            let (place, good) = match name {
                "version" => (1, value == "1.0"),
                "encoding" => (2, value.eq_ignore_ascii_case("utf-8")),
                "standalone" => (3, matches!(value, "yes" | "no")),
                _ => (0, false),
            };
            let in_order = place > order && (order > 0 || place == 1);
            order = place;
            if good && in_order { Ok(()) } else { Err("an XML declaration other than version 1.0 and UTF-8") }
        };
        attribute::split(inner, &mut each).map_err(Problem::malformed)?;
        if order == 0 {
            return Err(Problem::malformed("an XML declaration without a version"));
        }
        Ok(())
    }

    fn start(&mut self, raw: &'a str, start: usize, end: usize, empty: bool) -> Step {
        let inner = raw.strip_prefix('<').and_then(|raw| raw.strip_suffix(if empty { "/>" } else { ">" }));
        let inner = inner.ok_or_else(|| Problem::malformed("a start tag"))?;
        if self.open.is_empty() && std::mem::replace(&mut self.root_seen, true) {
            return Err(Problem::malformed("a second root element"));
        }
        if self.open.len() >= self.limits.depth {
            return Err(Problem::limit("depth"));
        }
        let id = u32::try_from(self.document.elements.len()).map_err(|_| Problem::limit("elements"))?;
        let scope_len = self.scope.len();
        let (name, rest) = inner.split_at(inner.find([' ', '\t', '\n', '\r']).unwrap_or(inner.len()));
        let (attributes, declarations) = self.attributes(rest)?;
        let (prefix, local) = self.qualified(name)?;
        let uri = self.resolve(prefix, true);
        let nodes = self.document.nodes.len()..self.document.nodes.len() + 1;
        let parent = self.open.last().map(|open| open.element);
        let bytes = start..end;
        self.document.elements.push(Element {
            prefix,
            local,
            uri,
            parent,
            attributes,
            declarations,
            bytes,
            end_tag: None,
            nodes,
        });
        self.push(Node::Start(id))?;
        self.open.push(Open { element: id, scope_len, has_text: false, comment: None });
        if empty { self.end(None, end) } else { Ok(()) }
    }

    fn end(&mut self, tag: Option<usize>, end: usize) -> Step {
        let open = self.open.pop().ok_or_else(|| Problem::malformed("an end tag without a start tag"))?;
        self.scope.truncate(open.scope_len);
        self.push(Node::End(open.element))?;
        let nodes_end = self.document.nodes.len();
        if let Some(element) = self.document.elements.get_mut(open.element as usize) {
            element.bytes.end = end;
            element.end_tag = tag;
            element.nodes.end = nodes_end;
            if let Some(at) = open.comment.filter(|_| open.has_text && self.document.comment_in_text.is_none()) {
                let problem = Problem::of(Reason::CommentInText).found(element.local);
                self.document.comment_in_text = Some(problem.at(self.skeleton, self.all_cuts, at));
            }
        }
        Ok(())
    }

    /// Reads attributes and declarations; leaves both sorted.
    fn attributes(&mut self, rest: &'a str) -> Result<(Range<usize>, Range<usize>), Problem> {
        let (first, first_declaration) = (self.document.attributes.len(), self.document.declarations.len());
        if rest.is_empty() {
            return Ok((first..first, first_declaration..first_declaration));
        }
        let mut raw = Vec::new();
        attribute::split(rest, |attribute| {
            raw.push(attribute);
            Ok(())
        })
        .map_err(Problem::malformed)?;
        if raw.len() > self.limits.attributes {
            return Err(Problem::limit("attributes"));
        }
        // Declarations hold for the element that carries them, wherever they stand among its attributes.
        for (name, value) in &raw {
            match name.strip_prefix("xmlns") {
                Some("") => self.declare("", value)?,
                Some(rest) if rest.starts_with(':') => self.declare(rest.get(1..).unwrap_or_default(), value)?,
                _ => {}
            }
        }
        for (name, value) in raw {
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let (prefix, local) = self.qualified(name)?;
            let uri = self.resolve(prefix, false);
            self.document.attributes.push(Attribute { prefix, local, uri, raw: value });
        }
        self.sort(first, first_declaration)?;
        Ok((first..self.document.attributes.len(), first_declaration..self.document.declarations.len()))
    }

    fn sort(&mut self, first: usize, first_declaration: usize) -> Step {
        let Document { attributes, declarations, uris, .. } = &mut self.document;
        let uri = |id: u32| uris.get(id as usize).map_or("", String::as_str);
        let own = attributes.get_mut(first..).unwrap_or_default();
        own.sort_unstable_by(|a, b| (uri(a.uri), a.local, a.prefix).cmp(&(uri(b.uri), b.local, b.prefix)));
        let twins = |a: &Attribute<'_>, b: &Attribute<'_>| a.uri == b.uri && a.local == b.local;
        let pairs = || own.iter().zip(own.iter().skip(1)).filter(|(a, b)| twins(a, b));
        if pairs().any(|(a, b)| a.prefix == b.prefix) {
            return Err(Problem::malformed("an attribute that stands twice on one element"));
        }
        let double = pairs().next().is_some();
        let own = declarations.get_mut(first_declaration..).unwrap_or_default();
        own.sort_unstable_by_key(|declaration| declaration.prefix);
        if own.iter().zip(own.iter().skip(1)).any(|(a, b)| a.prefix == b.prefix) {
            return Err(Problem::malformed("a namespace that is declared twice on one element"));
        }
        if double {
            self.namespace_fault("an attribute that stands twice on one element under two prefixes");
        }
        Ok(())
    }

    fn declare(&mut self, prefix: &'a str, raw: &'a str) -> Step {
        let value = attribute::normalized(raw);
        let known = self.document.uris.iter().position(|uri| *uri == *value);
        let index = match known {
            Some(index) => index,
            None if self.document.uris.len() >= self.limits.namespace_names => {
                return Err(Problem::limit("namespace names"));
            }
            None => {
                self.document.uris.push(value.clone().into_owned());
                self.document.uris.len() - 1
            }
        };
        if self.scope.len() >= self.limits.namespaces {
            return Err(Problem::limit("namespace declarations"));
        }
        if !prefix.is_empty() && !is_ncname(prefix) {
            return Err(Problem::malformed("the prefix of a namespace declaration"));
        }
        if let Some(fault) = bad_declaration(prefix, &value) {
            self.namespace_fault(fault);
        }
        let declaration = Declaration { prefix, uri: u32::try_from(index).unwrap_or_default() };
        self.scope.push(declaration);
        if prefix != "xml" {
            self.document.declarations.push(declaration);
        }
        Ok(())
    }

    /// Splits a name into prefix and local part.
    fn qualified(&mut self, name: &'a str) -> Result<(&'a str, &'a str), Problem> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let good = is_ncname(local) && (name.len() == local.len() || is_ncname(prefix));
        if !good {
            return Err(Problem::malformed("the name of an element or an attribute"));
        }
        Ok((prefix, local))
    }

    fn resolve(&mut self, prefix: &'a str, element: bool) -> u32 {
        if prefix.is_empty() && !element {
            return 0;
        }
        if let Some(found) = self.scope.iter().rev().find(|d| d.prefix == prefix) {
            return found.uri;
        }
        if prefix.is_empty() {
            return 0;
        }
        self.namespace_fault(prefix);
        // Real packets leave out this one declaration (or put it where it does not reach); what is meant is clear.
        if prefix == "edXML" { QCVN } else { UNKNOWN }
    }

    fn namespace_fault(&mut self, found: &str) {
        if self.document.namespace_fault.is_none() {
            let problem = Problem::of(Reason::NotNamespaceWellFormed).found(found);
            self.document.namespace_fault = Some(problem.at(self.skeleton, self.all_cuts, self.position));
        }
    }
}

/// What Namespaces in XML 1.0 (section 3) and Canonical XML (section 1.3, relative names) forbid.
fn bad_declaration(prefix: &str, value: &str) -> Option<&'static str> {
    let absolute = value.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    match prefix {
        "xml" if value == XML_NS => None,
        "xml" | "xmlns" => Some("a reserved prefix that is declared anew"),
        _ if value == XML_NS || value == XMLNS_NS => Some("a reserved namespace under another prefix"),
        "" if value.is_empty() => None,
        _ if value.is_empty() => Some("a prefix that is declared as nothing"),
        _ if absolute => None,
        _ => Some("a namespace name that is relative"),
    }
}
