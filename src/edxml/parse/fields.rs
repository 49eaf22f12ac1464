//! Reading single fields: text, dates, numbers, flags. Each fault becomes a finding and the reading goes on, so that
//! the sender hears of everything at once.

use std::cell::RefCell;

use jiff::civil::Date;
use lienthong_contract::finding::Kind;
use lienthong_contract::{Finding, Instant};

use super::tree::Node;
use crate::edxml::dates;
use crate::edxml::findings;
use crate::edxml::model::{Located, TextAt};

/// Findings of one packet that are told; a packet made to be wrong everywhere says the same thing again and again.
const MAX_FINDINGS: usize = 200;

/// Collects findings while the packet is read.
#[derive(Debug, Default)]
pub(super) struct Notebook(RefCell<Vec<Finding>>);

impl Notebook {
    pub(super) fn push(&self, finding: Finding) {
        let mut all = self.0.borrow_mut();
        if all.len() < MAX_FINDINGS || (finding.refuses() && !all.iter().any(Finding::refuses)) {
            all.push(finding);
        }
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.0.into_inner()
    }
}

/// An element, its path and the notebook.
#[derive(Debug, Clone)]
pub(super) struct Element<'a> {
    pub node: &'a Node<'a>,
    pub path: String,
    pub notes: &'a Notebook,
}

impl<'a> Element<'a> {
    pub(super) const fn new(node: &'a Node<'a>, path: String, notes: &'a Notebook) -> Self {
        Self { node, path, notes }
    }

    /// A finding at this element.
    pub(super) fn finding(&self, kind: &'static Kind) -> Finding {
        Finding::of(kind).at(self.node.line, self.node.column).element(self.path.clone())
    }

    pub(super) fn note(&self, finding: Finding) {
        self.notes.push(finding);
    }

    /// A finding that something is missing in this element.
    pub(super) fn missing(&self, kind: &'static Kind, name: &str) {
        let path = format!("{}/{name}", self.path);
        self.note(Finding::of(kind).at(self.node.line, self.node.column).element(path).expected(name));
    }

    fn wrap(&self, node: &'a Node<'a>) -> Self {
        let mut path = String::with_capacity(self.path.len() + 1 + node.name.len());
        path.push_str(&self.path);
        path.push('/');
        path.push_str(node.name);
        Self::new(node, path, self.notes)
    }

    /// The one child of this name that says something. Several such children contradict each other: a later reader
    /// might take another one than we do.
    pub(super) fn child(&self, name: &'a str) -> Option<Self> {
        let mut speaking = self.node.named(name).filter(|child| !child.is_empty());
        let first = self.wrap(speaking.next()?);
        if let Some(second) = speaking.next() {
            let finding = self.wrap(second).finding(&findings::REPEATED);
            self.note(finding.found(&second.text).expected(format!("{name} 1×")));
        }
        Some(first)
    }

    /// The same for an element that some producers spell as English does (quirk Q5); the standard's name comes first.
    pub(super) fn child_spelt(&self, names: [&'a str; 2]) -> Option<Self> {
        let [standard, correct] = names;
        let other = self.child(correct);
        let found = self.child(standard);
        if let Some(other) = &other {
            let kind = if found.is_some() { &findings::REPEATED } else { &findings::CORRECT_SPELLING };
            self.note(other.finding(kind).found(correct).expected(standard));
        }
        found.or(other)
    }

    /// All children of this name that say something.
    pub(super) fn children(&self, name: &'a str) -> Vec<Self> {
        self.node.named(name).filter(|child| !child.is_empty()).map(|child| self.wrap(child)).collect()
    }

    /// Notes children that the standard does not know here (they are passed on, quirk Q22).
    pub(super) fn expect_only(&self, known: &[&str]) {
        for child in &self.node.children {
            // A real signature is at home in the namespace of XML signatures, not in ours.
            let at_home = child.is_ours() || child.name == "Signature";
            if !at_home || !known.contains(&child.name) {
                self.note(self.wrap(child).finding(&findings::UNKNOWN_ELEMENT).found(child.name));
            }
        }
    }

    /// This element's own text; absent when it is empty.
    pub(super) fn own_text(&self) -> Option<TextAt> {
        let text = self.node.text.as_str();
        (!text.is_empty()).then(|| self.at(text.to_owned()))
    }

    pub(super) fn at<T>(&self, value: T) -> Located<T> {
        Located::at(value, self.node.line, self.node.column)
    }

    pub(super) fn text(&self, name: &'a str) -> Option<TextAt> {
        self.child(name)?.own_text()
    }

    /// The texts of all children of this name.
    pub(super) fn texts(&self, name: &'a str) -> Vec<TextAt> {
        self.children(name).iter().filter_map(Element::own_text).collect()
    }

    /// A field whose filler ("N/A", quirk Q8) means that it is absent.
    fn typed(&self, name: &'a str) -> Option<Self> {
        let child = self.child(name)?;
        let text = child.node.text.as_str();
        let filler = text.is_empty() || ["n/a", "null"].iter().any(|filler| text.eq_ignore_ascii_case(filler));
        (!filler).then_some(child)
    }

    fn refuse<T>(&self, kind: &'static Kind, expected: &str) -> Option<T> {
        self.note(self.finding(kind).found(&self.node.text).expected(expected));
        None
    }

    pub(super) fn date(&self, name: &'a str) -> Option<Located<Date>> {
        let child = self.typed(name)?;
        let Some(read) = dates::read_date(&child.node.text) else {
            return child.refuse(&findings::BAD_DATE, "yyyy/MM/dd");
        };
        if read.short {
            child.note(child.finding(&findings::ONE_DIGIT_DATE).found(&child.node.text).expected("yyyy/MM/dd"));
        }
        Some(child.at(read.value))
    }

    pub(super) fn time(&self, name: &'a str) -> Option<Located<Instant>> {
        let child = self.typed(name)?;
        let expected = "yyyy/MM/dd HH:mm:ss";
        let Some(read) = dates::read_time(&child.node.text) else {
            return child.refuse(&findings::BAD_DATE, expected);
        };
        if read.short {
            child.note(child.finding(&findings::ONE_DIGIT_DATE).found(&child.node.text).expected(expected));
        }
        Some(child.at(read.value))
    }

    pub(super) fn number(&self, name: &'a str) -> Option<Located<i32>> {
        self.typed(name)?.own_number()
    }

    /// This element's text as a number (quirk Q21).
    pub(super) fn own_number(&self) -> Option<Located<i32>> {
        let text = self.node.text.as_str();
        let plain = text.strip_prefix('-').unwrap_or(text);
        let value = if plain.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
        match value {
            Some(value) => Some(self.at(value)),
            None => self.refuse(&findings::BAD_NUMBER, "0–9"),
        }
    }

    /// A count, `unsignedShort` in the standard.
    pub(super) fn count(&self, name: &'a str) -> Option<Located<u32>> {
        let child = self.typed(name)?;
        let number = child.own_number()?;
        match u16::try_from(number.value) {
            Ok(value) => Some(child.at(u32::from(value))),
            Err(_) => child.refuse(&findings::BAD_NUMBER, "0–65535"),
        }
    }

    pub(super) fn flag(&self, name: &'a str) -> Option<Located<bool>> {
        let child = self.typed(name)?;
        match child.node.text.as_str() {
            "0" | "false" => Some(child.at(false)),
            "1" | "true" => Some(child.at(true)),
            _ => child.refuse(&findings::BAD_NUMBER, "0 / 1"),
        }
    }
}
