//! A packet's skeleton as a tree that can be changed. Elements of other namespaces are kept as they were written.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::edxml::{DSIG_NAMESPACE, QCVN_NAMESPACE, Skeleton, XLINK_NAMESPACE};

/// An element of the packet format.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Without prefix.
    pub name: String,
    pub prefix: String,
    /// Without namespace declarations; names as they were written.
    pub attributes: Vec<(String, String)>,
    /// Prefixes of the attributes, each with its namespace.
    pub spaces: Vec<(String, String)>,
    pub parts: Vec<Part>,
    pub line: u32,
    pub column: u32,
}

/// What stands in an element.
#[derive(Debug, Clone)]
pub enum Part {
    Text(String),
    Child(Node),
    /// The content of an attachment: its place among the cuts.
    Body(usize),
    /// An element of another namespace, word for word, with the declarations it needs; true for an XML signature.
    Foreign(String, bool),
}

impl Node {
    /// An element of our own making.
    pub fn made(name: &str, text: Option<&str>) -> Self {
        let parts = text.map(|text| Part::Text(text.to_owned())).into_iter().collect();
        Self { name: name.to_owned(), prefix: "edXML".to_owned(), parts, ..Self::default() }
    }

    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.parts.iter().filter_map(|part| if let Part::Child(child) = part { Some(child) } else { None })
    }

    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.parts.iter_mut().filter_map(|part| if let Part::Child(child) = part { Some(child) } else { None })
    }

    /// The element at the end of a path from here.
    pub fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.children().find(|child| child.name == *name))
    }

    pub fn find_mut(&mut self, path: &[&str]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, name| node.children_mut().find(|child| child.name == *name))
    }

    /// All text directly inside, trimmed.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(&**text) } else { None });
        texts.collect::<String>().trim().to_owned()
    }

    /// True when nothing in it says anything.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Text(text) => text.trim().is_empty(),
            Part::Child(child) => child.is_empty() && !child.attributes.iter().any(|(name, _)| name.ends_with("href")),
            Part::Body(_) | Part::Foreign(..) => false,
        })
    }

    /// True when an attribute has this prefix.
    pub fn uses(&self, prefix: &str) -> bool {
        self.attributes.iter().any(|(name, _)| name.split_once(':').is_some_and(|(used, _)| used == prefix))
    }

    pub fn holds_signature(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Foreign(_, true)))
    }
}

/// A namespace in force: prefix, name, depth of its declaration.
type Binding = (String, String, usize);

/// What stands without a declaration: no prefix is no namespace, and two prefixes that real packets forget to declare.
const TAKEN_FOR_GRANTED: [(&str, &str); 3] = [("", ""), ("edXML", QCVN_NAMESPACE), ("xlink", XLINK_NAMESPACE)];

struct Builder<'a> {
    skeleton: &'a Skeleton,
    text: &'a str,
    open: Vec<Node>,
    bindings: Vec<Binding>,
    /// Start and depth of an element of another namespace that is being passed over.
    foreign: Option<(usize, usize)>,
    depth: usize,
    next_cut: usize,
    done: Option<Node>,
}

/// The tree of a packet whose root is that of the standard.
pub fn read(skeleton: &Skeleton) -> Option<Node> {
    let text = skeleton.text();
    let start = text.find('<')?;
    let mut reader = Reader::from_str(text.get(start..)?);
    let mut builder = Builder {
        skeleton,
        text,
        open: Vec::new(),
        bindings: TAKEN_FOR_GRANTED.map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned(), 0)).to_vec(),
        foreign: None,
        depth: 0,
        next_cut: 0,
        done: None,
    };
    let position = |reader: &Reader<&[u8]>| start + usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    loop {
        let at = position(&reader);
        match reader.read_event().ok()? {
            Event::Eof => break,
            Event::Start(tag) => builder.begin(&tag, at)?,
            Event::Empty(tag) => {
                builder.begin(&tag, at)?;
                let end = position(&reader);
                builder.end(at, end)?;
            }
            Event::End(_) => {
                let end = position(&reader);
                builder.end(at, end)?;
            }
            Event::Text(text) => builder.add(&text.xml10_content()),
            Event::CData(text) => builder.add(&text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => builder.add(character.encode_utf8(&mut [0; 4])),
                None => builder.add(resolve_predefined_entity(&reference)?),
            },
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    builder.done.filter(|root| root.name == "edXML" && builder.next_cut == skeleton.cuts.len())
}

impl Builder<'_> {
    fn begin(&mut self, tag: &BytesStart<'_>, at: usize) -> Option<()> {
        self.depth += 1;
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
            let name = attribute.key.into_inner();
            match name.split_once(':') {
                None if name == "xmlns" => self.bindings.push((String::new(), value, self.depth)),
                Some(("xmlns", prefix)) => self.bindings.push((prefix.to_owned(), value, self.depth)),
                _ => attributes.push((name.to_owned(), value)),
            }
        }
        if self.foreign.is_some() {
            return Some(());
        }
        let name = tag.name().into_inner();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if !self.bound(prefix).is_some_and(|uri| uri == QCVN_NAMESPACE || uri.is_empty()) {
            self.foreign = Some((at, self.depth));
            return Some(());
        }
        let (line, column) = self.skeleton.position(at);
        let (name, prefix) = (local.to_owned(), prefix.to_owned());
        let mut spaces: Vec<(String, String)> = Vec::new();
        for (prefix, _) in attributes.iter().filter_map(|(name, _)| name.split_once(':')) {
            if let Some(uri) = self.bound(prefix).filter(|_| !spaces.iter().any(|(known, _)| known == prefix)) {
                spaces.push((prefix.to_owned(), uri.to_owned()));
            }
        }
        self.open.push(Node { name, prefix, attributes, spaces, parts: Vec::new(), line, column });
        Some(())
    }

    /// The namespace that a prefix stands for here.
    fn bound(&self, prefix: &str) -> Option<&str> {
        self.bindings.iter().rev().find(|(bound, ..)| bound == prefix).map(|(_, uri, _)| uri.as_str())
    }

    fn add(&mut self, text: &str) {
        if self.foreign.is_some() {
            return;
        }
        let Some(node) = self.open.last_mut() else { return };
        match node.parts.last_mut() {
            Some(Part::Text(before)) => before.push_str(text),
            _ => node.parts.push(Part::Text(text.to_owned())),
        }
    }

    /// `at` is where the end tag begins, `end` where it ends.
    fn end(&mut self, at: usize, end: usize) -> Option<()> {
        let depth = self.depth;
        self.depth -= 1;
        match self.foreign {
            Some((start, outer)) if outer == depth => {
                let raw = self.verbatim(start, end)?;
                let signature = self.is_signature(start);
                self.foreign = None;
                self.bindings.retain(|(.., declared)| *declared < depth);
                self.open.last_mut()?.parts.push(Part::Foreign(raw, signature));
                return Some(());
            }
            Some(_) => return Some(()),
            None => self.bindings.retain(|(.., declared)| *declared < depth),
        }
        let mut node = self.open.pop()?;
        while self.skeleton.cuts.get(self.next_cut).is_some_and(|cut| cut.skeleton_offset <= at) {
            node.parts.push(Part::Body(self.next_cut));
            self.next_cut += 1;
        }
        match self.open.last_mut() {
            Some(parent) => parent.parts.push(Part::Child(node)),
            None => self.done = Some(node),
        }
        Some(())
    }

    fn is_signature(&self, start: usize) -> bool {
        let name: &str = self
            .text
            .get(start + 1..)
            .and_then(|rest| rest.split(['>', '/', ' ', '\n', '\t', '\r']).next())
            .unwrap_or_default();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        // Declarations further in are not in force at its start tag.
        let mut known = self.bindings.iter().rev().filter(|(.., depth)| *depth <= self.foreign_depth());
        let bound = known.find(|(bound, ..)| bound == prefix);
        local == "Signature" && bound.is_some_and(|(_, uri, _)| uri == DSIG_NAMESPACE)
    }

    /// An element as it was written, with the declarations that stood outside it. No content may have been cut from it.
    fn verbatim(&self, start: usize, end: usize) -> Option<String> {
        let cut = |at: usize| at > start && at < end;
        if self.skeleton.cuts.iter().any(|one| cut(one.skeleton_offset)) {
            return None;
        }
        let raw = self.text.get(start..end)?;
        let name_end = raw.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
        let (name, rest) = raw.split_at(name_end);
        let own = self.bindings.iter().filter(|(.., depth)| *depth == self.foreign_depth());
        let mut seen: Vec<&str> = own.map(|(prefix, ..)| prefix.as_str()).collect();
        let mut declared = String::new();
        for (prefix, uri, _) in self.bindings.iter().rev().filter(|(.., depth)| *depth < self.foreign_depth()) {
            let attribute = if prefix.is_empty() { "xmlns=".to_owned() } else { format!("xmlns:{prefix}=") };
            let used = prefix.is_empty() || raw.contains(&format!("{prefix}:"));
            if seen.contains(&prefix.as_str()) || !used {
                continue;
            }
            seen.push(prefix);
            declared.push_str(&format!(" {attribute}\"{}\"", super::emit::escaped(uri, true)));
        }
        Some(format!("{name}{declared}{rest}"))
    }

    fn foreign_depth(&self) -> usize {
        self.foreign.map_or(0, |(_, depth)| depth)
    }
}
