//! The skeleton as a small tree: elements with their namespace, text, place and body. Names are compared without
//! their prefixes; which namespace a prefix means is settled here, with the two prefixes that real packets forget
//! to declare taken for granted (quirk Q1).

use lienthong_contract::Finding;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use crate::edxml::findings;
use crate::edxml::skeleton::{Places, Skeleton};
use crate::edxml::tags::is_xml_char;
use crate::edxml::{DSIG_NAMESPACE, QCVN_NAMESPACE};

/// Which namespace an element is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Of QCVN 102:2016.
    Qcvn,
    /// Of XML signatures.
    Dsig,
    /// In none: no prefix, and no default namespace in force.
    None,
    Other,
}

#[derive(Debug)]
pub(super) struct Node<'a> {
    /// Without prefix.
    pub name: &'a str,
    pub space: Space,
    /// Names without prefix; namespace declarations are left out.
    pub attributes: Vec<(&'a str, String)>,
    /// All text directly inside, trimmed.
    pub text: String,
    pub children: Vec<Node<'a>>,
    pub line: u32,
    pub column: u32,
    /// The cut that stands in it.
    pub cut: Option<usize>,
}

impl<'a> Node<'a> {
    /// True for an element of the packet format; those without any namespace are taken for such (with a warning).
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.space, Space::Qcvn | Space::None)
    }

    /// Children of this name in the packet's namespace.
    pub(super) fn named<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node<'a>> {
        self.children.iter().filter(move |child| child.is_ours() && child.name == name)
    }

    /// True when neither it nor anything in it says anything (quirk Q8).
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.cut.is_none() && self.children.iter().all(Node::is_empty)
    }
}

/// A whole skeleton.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub root: Node<'a>,
    /// Namespace of the root as it is declared; empty when there is none.
    pub root_namespace: String,
}

/// A namespace binding in force.
struct Binding<'a> {
    prefix: &'a str,
    uri: String,
    /// What the name means; of `xmlns=""`, that there is none.
    space: Space,
    depth: usize,
}

impl<'a> Binding<'a> {
    fn new(prefix: &'a str, uri: String, depth: usize) -> Self {
        let space = match uri.as_str() {
            QCVN_NAMESPACE => Space::Qcvn,
            DSIG_NAMESPACE => Space::Dsig,
            "" => Space::None,
            _ => Space::Other,
        };
        Self { prefix, uri, space, depth }
    }
}

struct Builder<'a, 'f> {
    text: &'a str,
    skeleton: &'a Skeleton,
    places: Places<'a>,
    bindings: Vec<Binding<'a>>,
    open: Vec<Node<'a>>,
    done: Option<Node<'a>>,
    root_namespace: String,
    next_cut: usize,
    warned_prefix: bool,
    warned_none: bool,
    findings: &'f mut Vec<Finding>,
}

/// What is expected where a `&` begins nothing that XML knows.
const AMPERSAND: &str = "ký tự & trong nội dung phải viết thành &amp; — a & in text is written &amp;";
/// As much of the text after it as shows the place.
const AMPERSAND_CHARS: usize = 30;

/// Builds the tree; nothing when the skeleton is no tree at all (then a finding says so).
pub(super) fn build<'a>(skeleton: &'a Skeleton, findings: &mut Vec<Finding>) -> Option<Tree<'a>> {
    let whole = skeleton.text();
    // The XML reader wants the declaration in front; what may stand before it was settled by the splitter.
    let start = whole.find('<').unwrap_or(whole.len());
    let text = whole.get(start..).unwrap_or_default();
    let mut reader = Reader::from_str(text);
    let mut builder = Builder {
        text: whole,
        skeleton,
        places: skeleton.places(),
        bindings: Vec::new(),
        open: Vec::new(),
        done: None,
        root_namespace: String::new(),
        next_cut: 0,
        warned_prefix: false,
        warned_none: false,
        findings,
    };
    loop {
        let at = start + usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => builder.take(&event, at),
            Err(_) if whole.get(at..).is_some_and(|rest| rest.starts_with('&')) => {
                builder.bare_ampersand(at);
                return None;
            }
            Err(error) => {
                builder.malformed(at, &error.to_string());
                return None;
            }
        }
    }
    let root = builder.done?;
    Some(Tree { root, root_namespace: builder.root_namespace })
}

impl<'a> Builder<'a, '_> {
    fn take(&mut self, event: &Event<'a>, at: usize) {
        match event {
            Event::Start(start) => self.begin(start, at),
            Event::Empty(start) => {
                self.begin(start, at);
                self.end(at);
            }
            Event::End(_) => self.end(at),
            Event::Text(text) => {
                if text.contains("]]>") {
                    self.malformed(at, "]]>");
                }
                self.add(&text.xml10_content());
            }
            Event::CData(text) => self.add(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(reference, at),
            Event::Decl(declaration) => self.declaration(declaration, at),
            Event::DocType(_) => self.malformed(at, "DOCTYPE"),
            Event::PI(_) | Event::Comment(_) | Event::Eof => {}
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>, at: usize) {
        let (line, column) = self.places.place(at);
        let depth = self.open.len();
        let mut attributes = Vec::new();
        let mut from = at + 1;
        for attribute in start.attributes() {
            let Ok(attribute) = attribute else {
                self.malformed(at, "attribute");
                continue;
            };
            let key = self.slice_of(attribute.key.into_inner(), &mut from);
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map(|value| value.into_owned());
            let value = value.unwrap_or_else(|_| attribute.value.clone().into_owned());
            match key.split_once(':') {
                None if key == "xmlns" => self.bindings.push(Binding::new("", value, depth)),
                Some(("xmlns", prefix)) if value.is_empty() => self.malformed(at, &format!("xmlns:{prefix}=\"\"")),
                Some(("xmlns", prefix)) => self.bindings.push(Binding::new(prefix, value, depth)),
                prefixed => attributes.push((prefixed, key, value)),
            }
        }
        let mut from = at + 1;
        let name = self.slice_of(start.name().into_inner(), &mut from);
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        for (prefixed, _, _) in &attributes {
            if let Some((prefix, _)) = prefixed {
                self.namespace(prefix, (line, column));
            }
        }
        let space = self.namespace(prefix, (line, column));
        let attributes =
            attributes.into_iter().map(|(prefixed, key, value)| (prefixed.map_or(key, |(_, local)| local), value));
        let attributes = attributes.collect();
        let (text, children, cut) = (String::new(), Vec::new(), None);
        self.open.push(Node { name: local, space, attributes, text, children, line, column, cut });
    }

    /// The same name as a slice of the skeleton, which outlives the event.
    fn slice_of(&self, name: &str, from: &mut usize) -> &'a str {
        let rest = self.text.get(*from..).unwrap_or_default();
        // It stands right there, or after white space; the search is for what else may stand between attributes.
        let blank = rest.len() - rest.trim_ascii_start().len();
        let here = rest.get(blank..).is_some_and(|rest| rest.starts_with(name));
        let Some(at) = (if here { Some(blank) } else { rest.find(name) }) else { return "" };
        *from += at + name.len();
        rest.get(at..at + name.len()).unwrap_or_default()
    }

    /// What a prefix stands for; a forgotten declaration of `edXML` or `xlink` is put in its place.
    fn namespace(&mut self, prefix: &str, (line, column): (u32, u32)) -> Space {
        let bound = self.bindings.iter().rev().find(|binding| binding.prefix == prefix);
        if self.open.is_empty()
            && let Some(binding) = bound
        {
            binding.uri.clone_into(&mut self.root_namespace);
        }
        match (bound.map(|binding| binding.space), prefix) {
            (Some(Space::None) | None, "") => {
                self.warn_none(line, column);
                Space::None
            }
            (Some(Space::None), _) | (None, "xml") => Space::Other,
            (Some(space), _) => space,
            (None, "edXML" | "xlink") => {
                if !std::mem::replace(&mut self.warned_prefix, true) {
                    let finding = Finding::of(&findings::PREFIX_ASSUMED).at(line, column).found(prefix);
                    self.findings.push(finding);
                }
                if prefix == "edXML" { Space::Qcvn } else { Space::Other }
            }
            (None, _) => {
                self.findings.push(Finding::of(&findings::UNDECLARED_PREFIX).at(line, column).found(prefix));
                Space::Other
            }
        }
    }

    fn warn_none(&mut self, line: u32, column: u32) {
        // The root has a refusal of its own when it is in no namespace.
        if !self.open.is_empty() && !std::mem::replace(&mut self.warned_none, true) {
            self.findings.push(Finding::of(&findings::NO_NAMESPACE).at(line, column).expected(QCVN_NAMESPACE));
        }
    }

    fn end(&mut self, at: usize) {
        let Some(mut node) = self.open.pop() else { return };
        let depth = self.open.len();
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
        while self.skeleton.cuts.get(self.next_cut).is_some_and(|cut| cut.skeleton_offset <= at) {
            node.cut = Some(self.next_cut);
            self.next_cut += 1;
        }
        let trimmed = node.text.trim();
        if trimmed.len() < node.text.len() {
            node.text = trimmed.to_owned();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => self.done = Some(node),
        }
    }

    fn add(&mut self, text: &str) {
        if let Some(node) = self.open.last_mut() {
            // White space between children is layout; it would only pile up in the containers.
            if node.text.is_empty() { node.text.push_str(text.trim_start()) } else { node.text.push_str(text) }
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>, at: usize) {
        let character = reference.resolve_char_ref().ok().flatten().filter(|c| is_xml_char(*c));
        let mut buffer = [0; 4];
        let resolved = match character {
            Some(c) => Some(&*c.encode_utf8(&mut buffer)),
            None => resolve_predefined_entity(reference),
        };
        match resolved {
            Some(text) => {
                if let Some(node) = self.open.last_mut() {
                    node.text.push_str(text);
                }
            }
            None if reference.starts_with('#') => self.malformed(at, &format!("&{};", &**reference)),
            None => self.bare_ampersand(at),
        }
    }

    /// By far the commonest fault of packets that are glued together from text, so it is told in plain words.
    fn bare_ampersand(&mut self, at: usize) {
        let (line, column) = self.places.place(at);
        let rest = self.text.get(at..).unwrap_or_default();
        let found: String = rest.chars().take_while(|c| !matches!(c, '<' | '\n')).take(AMPERSAND_CHARS).collect();
        self.findings.push(Finding::of(&findings::MALFORMED).at(line, column).found(found).expected(AMPERSAND));
    }

    fn declaration(&mut self, declaration: &BytesDecl<'_>, at: usize) {
        let Some(encoding) = declaration.encoding() else { return };
        let name = encoding.map(|name| name.into_owned()).unwrap_or_default();
        if !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("utf8") {
            let (line, column) = self.places.place(at);
            let finding = Finding::of(&findings::DECLARED_ENCODING).at(line, column).found(name);
            self.findings.push(finding.expected("UTF-8"));
        }
    }

    fn malformed(&mut self, at: usize, found: &str) {
        let (line, column) = self.places.place(at);
        self.findings.push(Finding::of(&findings::MALFORMED).at(line, column).found(found));
    }
}
