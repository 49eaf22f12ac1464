//! Names and namespaces of a packet while it is read.
//!
//! `edXML` and `xlink` are bound before the root opens, because packets that use them without declaring them are in
//! circulation and the national axis takes them. A use of such a binding is reported as undeclared, so that the strict
//! profile can refuse it. A prefix that nothing binds stands for a namespace nobody knows.

use xsd_schema::NameId;
use xsd_schema::namespace::NameTable;
use xsd_schema::namespace::context::NamespaceContextSnapshot;

use crate::{QCVN_NAMESPACE, XLINK_NAMESPACE};

pub(crate) const XSI_NAMESPACE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// A prefix bound to a namespace.
#[derive(Debug)]
struct Binding {
    prefix: String,
    namespace: String,
    /// `None` for no namespace.
    id: Option<NameId>,
    declared: bool,
}

/// What a prefix stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) id: Option<NameId>,
    /// False when the packet does not declare the prefix itself.
    pub(crate) declared: bool,
}

/// Bindings in scope, innermost last.
#[derive(Debug)]
pub(crate) struct Scope {
    bindings: Vec<Binding>,
    /// The bindings as the validator wants them; made anew only when they change.
    snapshot: NamespaceContextSnapshot,
}

impl Scope {
    pub(crate) fn new(names: &NameTable) -> Self {
        let bind = |prefix: &str, namespace: &str, declared| Binding {
            prefix: prefix.to_owned(),
            namespace: namespace.to_owned(),
            id: Some(names.add(namespace)),
            declared,
        };
        let bindings = vec![
            bind("xml", XML_NAMESPACE, true),
            bind("edXML", QCVN_NAMESPACE, false),
            bind("xlink", XLINK_NAMESPACE, false),
        ];
        let mut scope = Self { bindings, snapshot: NamespaceContextSnapshot::default() };
        scope.renew(names);
        scope
    }

    pub(crate) fn depth(&self) -> usize {
        self.bindings.len()
    }

    pub(crate) fn declare(&mut self, prefix: &str, namespace: String, names: &NameTable) {
        let id = (!namespace.is_empty()).then(|| names.add(&namespace));
        self.bindings.push(Binding { prefix: prefix.to_owned(), namespace, id, declared: true });
    }

    /// Forgets what was declared beyond `depth`.
    pub(crate) fn leave(&mut self, depth: usize, names: &NameTable) {
        if depth < self.bindings.len() {
            self.bindings.truncate(depth);
            self.renew(names);
        }
    }

    /// To be called once after the declarations of an element.
    pub(crate) fn renew(&mut self, names: &NameTable) {
        self.snapshot.bindings.clear();
        self.snapshot.default_ns = None;
        let mut seen: Vec<&str> = Vec::with_capacity(self.bindings.len());
        for binding in self.bindings.iter().rev() {
            if seen.contains(&binding.prefix.as_str()) {
                continue;
            }
            seen.push(&binding.prefix);
            match (binding.prefix.as_str(), binding.id) {
                ("", id) => self.snapshot.default_ns = id,
                ("xml", _) | (_, None) => {}
                (prefix, Some(id)) => self.snapshot.bindings.push((names.add(prefix), id)),
            }
        }
    }

    pub(crate) fn snapshot(&self) -> &NamespaceContextSnapshot {
        &self.snapshot
    }

    /// What a prefix stands for; `None` when nothing binds it. No prefix and no default namespace is no namespace.
    pub(crate) fn lookup(&self, prefix: &str) -> Option<Bound<'_>> {
        let found = self.bindings.iter().rev().find(|binding| binding.prefix == prefix);
        match found {
            Some(binding) => Some(Bound { namespace: &binding.namespace, id: binding.id, declared: binding.declared }),
            None if prefix.is_empty() => Some(Bound { namespace: "", id: None, declared: true }),
            None => None,
        }
    }
}

/// Splits `prefix:local`; the prefix is empty when there is none.
pub(crate) fn split(name: &str) -> (&str, &str) {
    // Names are short: looking at each byte is cheaper than a search that prepares itself.
    match name.bytes().position(|byte| byte == b':') {
        Some(at) => (name.get(..at).unwrap_or_default(), name.get(at.saturating_add(1)..).unwrap_or_default()),
        None => ("", name),
    }
}

/// What a byte may be in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Neither,
    /// At the start and anywhere else.
    First,
    /// Anywhere but at the start.
    Later,
    Colon,
}

fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xFF => Class::First,
        b'0'..=b'9' | b'-' | b'.' => Class::Later,
        b':' => Class::Colon,
        _ => Class::Neither,
    }
}

/// The prefix and the local part of a qualified name of XML, as far as it matters: what is no letter of ASCII is taken
/// as a name character. `None` when it is no such name.
pub(crate) fn qualified(name: &str) -> Option<(&str, &str)> {
    let mut colon = None;
    let mut at_start = true;
    for (at, byte) in name.bytes().enumerate() {
        match class(byte) {
            Class::First => at_start = false,
            Class::Later if !at_start => {}
            Class::Colon if !at_start && colon.is_none() => {
                colon = Some(at);
                at_start = true;
            }
            _ => return None,
        }
    }
    match colon {
        _ if at_start => None,
        None => Some(("", name)),
        Some(at) => Some((name.get(..at)?, name.get(at.saturating_add(1)..)?)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn inner_declarations_hide_outer_ones_until_they_are_left() {
        let names = NameTable::new();
        let mut scope = Scope::new(&names);
        assert!(!scope.lookup("edXML").unwrap().declared);
        assert_eq!(scope.lookup("edXML").unwrap().namespace, QCVN_NAMESPACE);
        assert_eq!(scope.lookup("foo"), None);
        assert_eq!(scope.lookup("").unwrap().id, None);
        let depth = scope.depth();
        scope.declare("edXML", "urn:x".to_owned(), &names);
        scope.declare("", "urn:y".to_owned(), &names);
        scope.renew(&names);
        assert!(scope.lookup("edXML").unwrap().declared);
        assert_eq!(scope.lookup("edXML").unwrap().namespace, "urn:x");
        assert_eq!(scope.snapshot().default_ns, names.get("urn:y"));
        scope.leave(depth, &names);
        assert_eq!(scope.lookup("edXML").unwrap().namespace, QCVN_NAMESPACE);
        assert_eq!(scope.snapshot().default_ns, None);
    }

    #[test]
    fn names_are_told_from_rubbish() {
        for good in ["edXML", "edXML:From", "_a-b.c", "tênVănBản"] {
            assert_eq!(qualified(good), Some(split(good)), "{good}");
        }
        for bad in ["", ":", "a:", ":a", "a:b:c", "1a", "a\"b", "-a", "a:1"] {
            assert_eq!(qualified(bad), None, "{bad}");
        }
    }
}
