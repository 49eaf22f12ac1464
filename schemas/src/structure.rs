//! Why the children of an element do not fit its content model, said as a clerk would say it.
//!
//! The library stops at the first child that does not fit ("not allowed at this position"), which blames `Content` for
//! a missing `Subject`. Here the children of the faulty parent are held against the model as its author wrote it, and
//! everything unknown, missing, repeated or misplaced is told at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use xsd_schema::ComplexTypeKey;
use xsd_schema::compiler::inspect::{AuthoredKind, AuthoredNode, ContentModelReport};
use xsd_schema::validation::SchemaValidator;

use crate::violation::{Violation, ViolationKind};
use crate::words::resembles;

/// A child element as it stood in the packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Child<'x> {
    pub(crate) name: &'x str,
    pub(crate) offset: usize,
}

/// An element the model names.
#[derive(Debug, PartialEq, Eq)]
struct Term {
    name: String,
    required: bool,
    /// `None`: any number.
    most: Option<u32>,
}

/// A content model, flattened.
#[derive(Debug)]
pub(crate) struct Model {
    terms: Vec<Term>,
    /// Names it does not know may stand there too.
    open: bool,
    /// The order of the terms is the order of the children.
    ordered: bool,
}

/// The content models of a schema: as the library runs them, and as they are explained. An explanation is written out
/// when the first packet needs it; there are never more than the schema has types.
pub(crate) struct Models<'a> {
    pub(crate) validator: SchemaValidator<'a>,
    explained: RefCell<BTreeMap<ComplexTypeKey, Rc<Model>>>,
}

impl<'a> Models<'a> {
    pub(crate) fn of(validator: SchemaValidator<'a>) -> Self {
        Self { validator, explained: RefCell::default() }
    }

    /// `None` for a type of another schema.
    pub(crate) fn explain(&self, key: ComplexTypeKey) -> Option<Rc<Model>> {
        if let Some(known) = self.explained.try_borrow().ok().and_then(|explained| explained.get(&key).cloned()) {
            return Some(known);
        }
        let model = Rc::new(Model::of(&self.validator.describe_content_model(key)?));
        if let Ok(mut explained) = self.explained.try_borrow_mut() {
            explained.insert(key, Rc::clone(&model));
        }
        Some(model)
    }
}

/// Where in the model a node stands.
#[derive(Debug, Clone, Copy)]
struct Around {
    required: bool,
    once: bool,
}

/// Names listed in an expectation, at the most.
const MAX_LISTED: usize = 20;

impl Model {
    fn of(report: &ContentModelReport) -> Self {
        let mut model = Self { terms: Vec::new(), open: false, ordered: true };
        for root in report.authored.sections.iter().filter_map(|section| section.root.as_ref()) {
            model.add(root, Around { required: true, once: true });
        }
        model
    }

    /// Depth is bounded: the library refuses schemas nested deeper than 128.
    fn add(&mut self, node: &AuthoredNode, around: Around) {
        let here = Around { required: around.required && node.min_occurs > 0, once: around.once };
        match &node.kind {
            AuthoredKind::Element(term) => {
                let name = term.name.rsplit('}').next().unwrap_or_default().to_owned();
                let most = if around.once { node.max_occurs } else { None };
                self.terms.push(Term { name, required: here.required, most });
            }
            AuthoredKind::Wildcard(_) => self.open = true,
            kind => {
                let repeats = node.max_occurs != Some(1);
                let choice = matches!(kind, AuthoredKind::Choice);
                if repeats || matches!(kind, AuthoredKind::All) {
                    self.ordered = false;
                }
                let inside = Around { required: here.required && !choice, once: here.once && !repeats };
                for child in &node.children {
                    self.add(child, inside);
                }
            }
        }
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.terms.iter().position(|term| term.name == name)
    }

    fn names(&self) -> Option<String> {
        let mut listed: Vec<&str> = Vec::new();
        for term in &self.terms {
            if !listed.contains(&term.name.as_str()) {
                listed.push(&term.name);
            }
        }
        let more = listed.len() > MAX_LISTED;
        listed.truncate(MAX_LISTED);
        let mut text = listed.join(", ");
        if more {
            text.push_str(", …");
        }
        (!text.is_empty()).then_some(text)
    }

    /// Everything wrong with these children. `path` and `offset` are the parent's. Empty when the flattened model
    /// sees nothing wrong (the fault then lies in how choices combine).
    pub(crate) fn faults(&self, path: &str, offset: usize, children: &[Child<'_>]) -> Vec<Violation> {
        let mut out = Vec::new();
        let below = |child: &Child<'_>| format!("{path}/{}", child.name);
        let mut counts = vec![0_u32; self.terms.len()];
        let mut furthest = 0;
        let mut misplaced = false;
        for child in children {
            let Some(index) = self.index(child.name) else {
                if !self.open {
                    let text = format!("element {} is not provided for here", child.name);
                    let fault = Violation::new(ViolationKind::UnexpectedElement, child.offset, below(child), text);
                    out.push(fault.found(child.name).expected(self.names()));
                }
                continue;
            };
            let count = counts.get_mut(index).map_or(0, |count| {
                *count = count.saturating_add(1);
                *count
            });
            let most = self.terms.get(index).and_then(|term| term.most);
            // Told once: at the first one too many.
            if most.is_some_and(|most| count == most.saturating_add(1)) {
                let text = format!("element {} stands too often", child.name);
                let fault = Violation::new(ViolationKind::TooMany, child.offset, below(child), text);
                out.push(fault.found(child.name).expected(most.map(|most| format!("≤ {most}"))));
            } else if self.ordered && index < furthest && !misplaced && most.is_none_or(|most| count <= most) {
                misplaced = true;
                let text = format!("element {} stands too late", child.name);
                let fault = Violation::new(ViolationKind::WrongOrder, child.offset, below(child), text);
                let late = children.iter().take_while(|other| other.offset < child.offset);
                let before = late.into_iter().find(|other| self.index(other.name).is_some_and(|other| other > index));
                out.push(fault.found(child.name).expected(self.names()).before(before.map(|other| other.name)));
            }
            furthest = furthest.max(index);
        }
        for (term, count) in self.terms.iter().zip(&counts) {
            if term.required && *count == 0 && !misspelt(&mut out, &term.name) {
                let text = format!("element {} is missing", term.name);
                let fault = Violation::new(ViolationKind::MissingElement, offset, path.to_owned(), text);
                out.push(fault.expected(Some(term.name.clone())));
            }
        }
        out
    }
}

/// Whether a required element is missing only because its name is misspelt; then the misspelt one is told what it
/// should be, and that is all there is to say.
fn misspelt(faults: &mut [Violation], required: &str) -> bool {
    let like = |fault: &&mut Violation| {
        fault.rule == ViolationKind::UnexpectedElement
            && fault.instead.is_none()
            && fault.found.as_deref().is_some_and(|found| resembles(found, required))
    };
    let Some(fault) = faults.iter_mut().find(like) else { return false };
    fault.instead = Some(required.to_owned());
    true
}
