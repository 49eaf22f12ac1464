//! Reads a packet and feeds it to the schema library, element by element.
//!
//! Our own reader stands here instead of the library's, because it must keep the byte offset of everything it blames,
//! know `edXML:` and `xlink:` where a packet forgets to declare them, and explain a content model's refusal with all
//! the children of the parent in hand. Values are blamed on their element's start, stray text on itself.
//!
//! Invariants: the library sees no element below one it refused (what stands there is governed by nothing, and its
//! complaints would be echoes); every loop is over the input once; depth, counts and sizes are bounded by [`Limits`].

use std::cell::RefCell;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use xsd_schema::validation::{ValidationRuntime, ValidationSink, ValidationWarning};
use xsd_schema::{InstanceValidationError, NameId, SchemaSet, TypeKey};

use crate::catalogue::Profile;
use crate::error::Error;
use crate::names::{Scope, XSI_NAMESPACE, qualified, split};
use crate::place::{BOM, Places};
use crate::structure::{Child, Models};
use crate::values;
use crate::violation::{Violation, ViolationKind};
use crate::{QCVN_NAMESPACE, ROOT};

/// How much of anything a skeleton may hold. The packet's reader has limits of its own and stricter ones; these only
/// see to it that this crate stands by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the skeleton.
    pub max_bytes: usize,
    /// Nesting; the standard has 9 levels.
    pub max_depth: usize,
    /// Elements; some 2,000 recipients with all their fields.
    pub max_elements: usize,
    /// Attributes and declarations of one element; the standard has 4.
    pub max_attributes: usize,
    /// Bytes of a name; the longest of the standard has 22.
    pub max_name: usize,
    /// Bytes of one text; a certificate is the longest that is legitimate. Patterns are matched against it.
    pub max_text: usize,
    /// Violations returned; more tell a clerk nothing new.
    pub max_violations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 20,
            max_depth: 256,
            max_elements: 50_000,
            max_attributes: 64,
            max_name: 256,
            max_text: 256 << 10,
            max_violations: 50,
        }
    }
}

/// What the library said about the event just given to it.
#[derive(Debug)]
struct Complaint {
    constraint: &'static str,
    message: String,
}

struct Sink<'s>(&'s RefCell<Vec<Complaint>>);

impl ValidationSink for Sink<'_> {
    fn on_error(&mut self, error: InstanceValidationError) {
        self.0.borrow_mut().push(Complaint { constraint: error.constraint, message: error.message });
    }

    fn on_warning(&mut self, _warning: ValidationWarning) {}
}

/// An open element.
#[derive(Debug)]
struct Frame<'x> {
    name: &'x str,
    offset: usize,
    type_key: Option<TypeKey>,
    /// Where its children begin in the list of children.
    first_child: usize,
    /// Bindings in scope before it opened.
    scope_depth: usize,
    /// The library refused one of its children, or missed one.
    misfit: bool,
}

/// An attribute that is no declaration.
#[derive(Debug)]
struct Attribute {
    name: String,
    value: String,
}

struct Run<'v, 'x> {
    models: &'v Models<'v>,
    set: &'v SchemaSet,
    runtime: ValidationRuntime<'v, Sink<'v>>,
    complaints: &'v RefCell<Vec<Complaint>>,
    limits: &'v Limits,
    profile: Profile,
    xml: &'x str,
    /// Whether line ends must be made one, and whether text must be looked through for an end of CDATA: most packets
    /// have neither, and need no second look at every text.
    has_returns: bool,
    has_cdata_ends: bool,
    scope: Scope,
    frames: Vec<Frame<'x>>,
    children: Vec<Child<'x>>,
    elements: usize,
    /// Text of the innermost element since its last tag, and where it begins.
    text: String,
    /// There is nothing but white space in it.
    text_blank: bool,
    text_offset: usize,
    /// Depth of the element the library refused: what stands in it is not validated.
    muted: Option<usize>,
    reported_prefixes: Vec<String>,
    violations: Vec<Violation>,
    root_seen: bool,
    /// Nothing more can be said about this packet.
    done: bool,
}

/// Validates one skeleton.
pub(crate) fn run(
    models: &Models<'_>,
    set: &SchemaSet,
    profile: Profile,
    limits: &Limits,
    bytes: &[u8],
) -> Result<Vec<Violation>, Error> {
    let xml = as_text(bytes, limits)?;
    let complaints = RefCell::new(Vec::new());
    let mut run = Run {
        models,
        set,
        runtime: models.validator.start_run(Sink(&complaints)),
        complaints: &complaints,
        limits,
        profile,
        xml,
        has_returns: xml.as_bytes().contains(&b'\r'),
        has_cdata_ends: xml.contains("]]>"),
        scope: Scope::new(&set.name_table),
        frames: Vec::with_capacity(16),
        children: Vec::with_capacity(64),
        elements: 0,
        text: String::new(),
        text_blank: true,
        text_offset: 0,
        muted: None,
        reported_prefixes: Vec::new(),
        violations: Vec::new(),
        root_seen: false,
        done: false,
    };
    run.read()?;
    let mut violations = std::mem::take(&mut run.violations);
    violations.sort_by_key(|violation| violation.offset);
    violations.truncate(limits.max_violations);
    let mut places = Places::new(bytes);
    for violation in &mut violations {
        (violation.line, violation.column) = places.of(violation.offset);
    }
    Ok(violations)
}

/// The bytes as text, when they are few enough, UTF-8, and free of control characters.
fn as_text<'x>(bytes: &'x [u8], limits: &Limits) -> Result<&'x str, Error> {
    if bytes.len() > limits.max_bytes {
        return Err(limit(bytes, "bytes", limits.max_bytes, limits.max_bytes));
    }
    let text =
        simdutf8::compat::from_utf8(bytes).map_err(|error| malformed(bytes, error.valid_up_to(), "not UTF-8"))?;
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Without an early end the loop looks at many bytes at once; the place is wanted only of a packet that is refused.
    let controls = bytes.iter().fold(false, |seen, byte| seen | is_control(byte));
    match controls.then(|| bytes.iter().position(is_control)).flatten() {
        Some(offset) => Err(malformed(bytes, offset, "a control character")),
        None => Ok(text),
    }
}

fn malformed(bytes: &[u8], offset: usize, message: impl Into<String>) -> Error {
    let (line, column) = Places::new(bytes).of(offset);
    Error::NotWellFormed { offset, line, column, message: message.into() }
}

fn limit(bytes: &[u8], what: &'static str, max: usize, offset: usize) -> Error {
    let (line, column) = Places::new(bytes).of(offset);
    Error::Limit { what, max, offset, line, column }
}

impl<'v, 'x> Run<'v, 'x> {
    fn malformed(&self, offset: usize, message: impl Into<String>) -> Error {
        malformed(self.xml.as_bytes(), offset, message)
    }

    fn limit(&self, what: &'static str, max: usize, offset: usize) -> Error {
        limit(self.xml.as_bytes(), what, max, offset)
    }

    fn read(&mut self) -> Result<(), Error> {
        let base = if self.xml.starts_with(BOM) { BOM.len() } else { 0 };
        let mut reader = Reader::from_str(self.xml.get(base..).unwrap_or_default());
        reader.config_mut().enable_all_checks(true);
        let position = |at: u64| base.saturating_add(usize::try_from(at).unwrap_or(usize::MAX));
        while !self.done {
            let offset = position(reader.buffer_position());
            match reader.read_event() {
                Ok(Event::Start(tag)) => self.open(&tag, offset)?,
                Ok(Event::Empty(tag)) => {
                    self.open(&tag, offset)?;
                    self.close()?;
                }
                Ok(Event::End(_)) => self.close()?,
                Ok(Event::Text(text)) => {
                    if self.has_cdata_ends && text.contains("]]>") {
                        return Err(self.malformed(offset, "']]>' in text"));
                    }
                    match self.has_returns {
                        true => self.add_text(&text.xml10_content(), offset)?,
                        false => self.add_text(&text, offset)?,
                    }
                }
                Ok(Event::CData(text)) => self.add_text(&text.xml10_content(), offset)?,
                Ok(Event::GeneralRef(name)) => {
                    let character = self.reference(&name, offset)?;
                    self.add_text(character.encode_utf8(&mut [0; 4]), offset)?;
                }
                Ok(Event::DocType(_)) => {
                    let (line, column) = Places::new(self.xml.as_bytes()).of(offset);
                    return Err(Error::Doctype { offset, line, column });
                }
                Ok(Event::Decl(_)) if offset != base => {
                    return Err(self.malformed(offset, "an XML declaration that is not at the start"));
                }
                Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_)) => {}
                Ok(Event::Eof) => return self.end(offset),
                Err(error) => return Err(self.malformed(position(reader.error_position()), error.to_string())),
            }
        }
        Ok(())
    }

    /// The end of the input.
    fn end(&mut self, offset: usize) -> Result<(), Error> {
        if let Some(frame) = self.frames.last() {
            return Err(self.malformed(offset, format!("the input ends inside {}", frame.name)));
        }
        if !self.root_seen {
            return Err(self.malformed(offset, "there is no element"));
        }
        self.runtime.end_validation().map_err(|error| Error::Broken(error.to_string()))?;
        for complaint in self.complaints.take() {
            self.blame(ViolationKind::Other, 0, ROOT.to_owned(), &complaint);
        }
        Ok(())
    }

    fn path(&self) -> String {
        let mut path = String::with_capacity(96);
        for frame in &self.frames {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(frame.name);
        }
        path
    }

    fn push(&mut self, violation: Violation) {
        self.violations.push(violation);
        // Structural faults of an outer element come after those of inner ones, so a few more than asked are
        // gathered before they are sorted and cut.
        self.done |= self.violations.len() >= self.limits.max_violations.saturating_mul(2);
    }

    fn blame(&mut self, kind: ViolationKind, offset: usize, path: String, complaint: &Complaint) {
        self.push(Violation::new(kind, offset, path, complaint.message.clone()));
    }

    /// The part of the input a piece of a tag stands in, so that it outlives the event.
    fn slice(&self, start: usize, len: usize) -> &'x str {
        self.xml.get(start..start.saturating_add(len)).unwrap_or_default()
    }

    // ── Elements ────────────────────────────────────────────────────────────────────────────────────────────────

    fn open(&mut self, tag: &BytesStart<'_>, offset: usize) -> Result<(), Error> {
        self.flush_text();
        self.clear_text();
        if self.frames.is_empty() && self.root_seen {
            return Err(self.malformed(offset, "a second outermost element"));
        }
        self.elements += 1;
        if self.elements > self.limits.max_elements {
            return Err(self.limit("elements", self.limits.max_elements, offset));
        }
        if self.frames.len() >= self.limits.max_depth {
            return Err(self.limit("levels of nesting", self.limits.max_depth, offset));
        }
        let name = self.slice(offset.saturating_add(1), tag.name().0.len());
        let (prefix, local) = self.check_name(name, offset)?;
        let scope_depth = self.scope.depth();
        let attributes = match tag.len() == name.len() {
            true => Vec::new(),
            false => self.attributes(tag, offset)?,
        };
        if !self.root_seen && !self.is_root(prefix, local, name, offset) {
            return Ok(());
        }
        self.root_seen = true;
        if !self.frames.is_empty() {
            self.children.push(Child { name: local, offset });
        }
        let first_child = self.children.len();
        self.frames.push(Frame { name: local, offset, type_key: None, first_child, scope_depth, misfit: false });
        self.check_prefix(prefix, offset);
        if self.muted.is_none() {
            self.offer_element(prefix, local, &attributes, offset);
        }
        if self.muted.is_none() {
            self.offer_attributes(&attributes, offset);
        }
        Ok(())
    }

    /// Names the wrong root, after which nothing else is worth saying.
    fn is_root(&mut self, prefix: &str, local: &str, name: &str, offset: usize) -> bool {
        let namespace = self.scope.lookup(prefix).map(|bound| bound.namespace);
        if local == ROOT && namespace == Some(QCVN_NAMESPACE) {
            return true;
        }
        let found = format!("{name} ({})", namespace.unwrap_or_default());
        let message = format!("the outermost element is not {ROOT} of {QCVN_NAMESPACE}");
        let violation = Violation::new(ViolationKind::WrongRoot, offset, local.to_owned(), message).found(&found);
        self.push(violation.expected(Some(format!("{ROOT} ({QCVN_NAMESPACE})"))));
        self.done = true;
        false
    }

    /// The prefix and the local part of a name.
    fn check_name<'n>(&self, name: &'n str, offset: usize) -> Result<(&'n str, &'n str), Error> {
        if name.len() > self.limits.max_name {
            return Err(self.limit("bytes in a name", self.limits.max_name, offset));
        }
        qualified(name).ok_or_else(|| self.malformed(offset, format!("{name:?} is no name")))
    }

    /// Takes the declarations of a tag into scope and returns its other attributes.
    fn attributes(&mut self, tag: &BytesStart<'_>, offset: usize) -> Result<Vec<Attribute>, Error> {
        let mut attributes = Vec::new();
        let mut declared = false;
        for (count, attribute) in tag.attributes().enumerate() {
            let attribute = attribute.map_err(|error| self.malformed(offset, error.to_string()))?;
            if count >= self.limits.max_attributes {
                return Err(self.limit("attributes of one element", self.limits.max_attributes, offset));
            }
            let name = attribute.key.0;
            let parts = self.check_name(name, offset)?;
            if attribute.value.contains('<') {
                return Err(self.malformed(offset, format!("'<' in the attribute {name}")));
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| self.malformed(offset, error.to_string()))?.into_owned();
            match parts {
                ("", "xmlns") => self.scope.declare("", value, &self.set.name_table),
                ("xmlns", prefix) => self.scope.declare(prefix, value, &self.set.name_table),
                _ => {
                    attributes.push(Attribute { name: name.to_owned(), value });
                    continue;
                }
            }
            declared = true;
        }
        if declared {
            self.scope.renew(&self.set.name_table);
        }
        Ok(attributes)
    }

    /// Reports a prefix nothing declares: once, and the two everybody knows only where strictness is asked for.
    fn check_prefix(&mut self, prefix: &str, offset: usize) {
        let known = match self.scope.lookup(prefix) {
            Some(bound) => bound.declared || self.profile == Profile::Tolerant,
            None => false,
        };
        if known || self.reported_prefixes.iter().any(|reported| reported == prefix) {
            return;
        }
        self.reported_prefixes.push(prefix.to_owned());
        let message = format!("the prefix {prefix} is not declared");
        let violation = Violation::new(ViolationKind::UndeclaredPrefix, offset, self.path(), message).found(prefix);
        self.push(violation.expected(Some(format!("xmlns:{prefix}=\"…\""))));
    }

    fn namespace(&self, prefix: &str) -> Option<NameId> {
        match self.scope.lookup(prefix) {
            Some(bound) => bound.id,
            // A prefix bound to nothing must not look like QCVN's own namespace, nor like none.
            None => Some(self.set.name_table.add("urn:undeclared")),
        }
    }

    /// Gives the library the start of an element.
    fn offer_element(&mut self, prefix: &str, local: &'x str, attributes: &[Attribute], offset: usize) {
        let namespace = self.namespace(prefix);
        let name = self.set.name_table.add(local);
        let of_instance = |wanted: &str| {
            let found = attributes.iter().find(|attribute| {
                let (prefix, local) = split(&attribute.name);
                local == wanted && !prefix.is_empty() && self.is_instance_namespace(prefix)
            });
            found.map(|attribute| attribute.value.as_str())
        };
        let (xsi_type, xsi_nil) = (of_instance("type"), of_instance("nil"));
        let info = self.runtime.validate_element_by_id(name, namespace, xsi_type, xsi_nil, self.scope.snapshot());
        if let Some(frame) = self.frames.last_mut() {
            frame.type_key = info.schema_type;
        }
        let complaints = self.complaints.take();
        if complaints.is_empty() {
            return;
        }
        // The parent's content model refused this element: the parent is asked about all its children when it closes.
        if complaints.iter().any(|complaint| complaint.constraint == "cvc-complex-type.2.4") {
            let parent = self.frames.len().checked_sub(2);
            if let Some(frame) = parent.and_then(|index| self.frames.get_mut(index)) {
                frame.misfit = true;
            }
            self.muted = Some(self.frames.len());
            self.runtime.validate_end_of_attributes_novalue();
            self.complaints.take();
            return;
        }
        for complaint in &complaints {
            self.blame(values::kind_of(complaint.constraint), offset, self.path(), complaint);
        }
    }

    fn is_instance_namespace(&self, prefix: &str) -> bool {
        self.scope.lookup(prefix).is_some_and(|bound| bound.namespace == XSI_NAMESPACE)
    }

    /// Gives the library the attributes of the element it has just taken.
    fn offer_attributes(&mut self, attributes: &[Attribute], offset: usize) {
        for attribute in attributes {
            let (prefix, local) = split(&attribute.name);
            // An attribute without a prefix is in no namespace, whatever the default is.
            let namespace = match prefix {
                "" => "",
                _ => {
                    self.check_prefix(prefix, offset);
                    match self.scope.lookup(prefix) {
                        Some(bound) => bound.namespace,
                        None => continue,
                    }
                }
            };
            self.runtime.validate_attribute(local, namespace, &attribute.value);
            for complaint in self.complaints.take() {
                let found = format!("{}=\"{}\"", attribute.name, attribute.value);
                let violation =
                    Violation::new(ViolationKind::BadAttribute, offset, self.path(), complaint.message).found(&found);
                self.push(violation);
            }
        }
        self.runtime.validate_end_of_attributes_novalue();
        for complaint in self.complaints.take() {
            // "Required attribute 'version' is missing"
            let name = complaint.message.split('\'').nth(1).map(str::to_owned);
            let kind = values::kind_of(complaint.constraint);
            self.push(Violation::new(kind, offset, self.path(), complaint.message).expected(name));
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.done {
            return Ok(());
        }
        self.flush_text();
        let depth = self.frames.len();
        if self.muted.is_none_or(|muted| muted >= depth) {
            self.runtime.validate_end_element_novalue();
            let complaints = self.complaints.take();
            if self.muted.is_none() {
                self.blame_end(complaints);
            }
        }
        if self.muted == Some(depth) {
            self.muted = None;
        }
        self.clear_text();
        if let Some(frame) = self.frames.pop() {
            self.children.truncate(frame.first_child);
            self.scope.leave(frame.scope_depth, &self.set.name_table);
        }
        Ok(())
    }

    /// What the library says when an element closes: about its value, and about children that are not there.
    fn blame_end(&mut self, complaints: Vec<Complaint>) {
        let Some(frame) = self.frames.last() else { return };
        let (offset, type_key, first_child) = (frame.offset, frame.type_key, frame.first_child);
        let mut misfit = frame.misfit;
        for complaint in complaints {
            if complaint.constraint == "cvc-complex-type.2.4" {
                misfit = true;
                continue;
            }
            let kind = values::kind_of(complaint.constraint);
            let expected = values::expectation(kind, type_key, self.set);
            let violation = Violation::new(kind, offset, self.path(), complaint.message).found(self.text.trim());
            self.push(violation.expected(expected));
        }
        if !misfit {
            return;
        }
        let path = self.path();
        let children = self.children.get(first_child..).unwrap_or_default();
        let model = type_key.and_then(|key| self.models.explain(key.as_complex()?));
        let mut faults = model.map(|model| model.faults(&path, offset, children)).unwrap_or_default();
        if faults.is_empty() {
            faults.push(Violation::new(ViolationKind::Other, offset, path, "the children do not fit the schema"));
        }
        for fault in faults {
            self.push(fault);
        }
    }

    // ── Text ────────────────────────────────────────────────────────────────────────────────────────────────────

    fn add_text(&mut self, text: &str, offset: usize) -> Result<(), Error> {
        if self.frames.is_empty() {
            return match text.trim().is_empty() {
                true => Ok(()),
                false => Err(self.malformed(offset, "text outside the outermost element")),
            };
        }
        if self.text_blank {
            // Nearly all of it is ASCII, which is faster to trim.
            let rest = text.trim_ascii_start().trim_start();
            self.text_offset = offset.saturating_add(text.len() - rest.len());
            self.text_blank = rest.is_empty();
        }
        self.text.push_str(text);
        if self.text.len() > self.limits.max_text {
            return Err(self.limit("bytes in one text", self.limits.max_text, offset));
        }
        Ok(())
    }

    fn clear_text(&mut self) {
        self.text.clear();
        self.text_blank = true;
    }

    /// `&amp;` and its four companions, and numbers; nothing else can be declared without a document type.
    fn reference(&self, name: &BytesRef<'_>, offset: usize) -> Result<char, Error> {
        let bad = || self.malformed(offset, "a reference to an undeclared entity");
        if let Some(character) = name.resolve_char_ref().map_err(|error| self.malformed(offset, error.to_string()))? {
            let allowed = matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}')
                || character >= '\u{10000}';
            return if allowed { Ok(character) } else { Err(bad()) };
        }
        match name.xml10_content().as_ref() {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => Err(bad()),
        }
    }

    /// Gives the library the text gathered since the last tag. The text stays for the report of a bad value.
    fn flush_text(&mut self) {
        if self.text.is_empty() {
            return;
        }
        if self.muted.is_none() {
            if self.text_blank {
                self.runtime.validate_whitespace(&self.text);
            } else {
                self.runtime.validate_text(&self.text);
            }
            for complaint in self.complaints.take() {
                let kind = values::kind_of(complaint.constraint);
                let violation = Violation::new(kind, self.text_offset, self.path(), complaint.message);
                self.push(violation.found(self.text.trim()));
            }
        }
    }
}
