//! The skeleton as a flat list of nodes that point into its bytes: what is verified and canonicalised. It is made in one
//! strict pass, see [`read`].
//!
//! Invariants: node ranges of elements nest; attributes of an element are sorted by namespace and local name,
//! namespace declarations by prefix, as canonical form wants them; memory is bounded by [`Limits`].

mod read;

use std::ops::Range;

use super::problem::Problem;
use super::{CutRef, Spliced};

pub(super) const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";
pub(super) const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";
pub(super) const DSIG_NS: &str = "http://www.w3.org/2000/09/xmldsig#";
const QCVN_NS: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
/// Places in the list of namespace names that every document has.
const UNKNOWN: u32 = 2;
const QCVN: u32 = 3;
/// Stands for "a prefix that nothing declares"; no document can contain it.
pub(super) const UNDECLARED: &str = "\0";

/// What a document may be at most. A packet of this trade stays far below.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open elements: edXML nests eight deep; deeper is an attack on recursive readers.
    pub depth: usize,
    /// Markup and text pieces: 300 000 serve some 15 000 recipients, and take about 35 MB.
    pub nodes: usize,
    /// Attributes of one element, namespace declarations included: duplicates are sought among all of them.
    pub attributes: usize,
    /// Namespace declarations in force at one place: each lookup goes through them.
    pub namespaces: usize,
    /// Different namespace names in one document.
    pub namespace_names: usize,
    /// Bytes of the Signature element: certificates are small.
    pub signature_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            nodes: 300_000,
            attributes: 64,
            namespaces: 64,
            namespace_names: 64,
            signature_bytes: 64 * 1024,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node<'a> {
    Start(u32),
    End(u32),
    /// Raw text without references.
    Text(&'a str),
    /// A CDATA section; several pieces where a body was cut out of it.
    CData {
        raw: &'a str,
        first: bool,
        last: bool,
    },
    Ref(char),
    Pi {
        target: &'a str,
        data: &'a str,
    },
    Comment,
    /// Text that is not in the skeleton. Inside a CDATA section a reference is no reference.
    Cut {
        cut: CutRef,
        in_cdata: bool,
    },
}

#[derive(Debug)]
pub(super) struct Element<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    uri: u32,
    pub(super) parent: Option<u32>,
    attributes: Range<usize>,
    declarations: Range<usize>,
    /// From `<` of the start tag to `>` of the end tag.
    pub(super) bytes: Range<usize>,
    /// Where its end tag begins; an empty-element tag has none.
    pub(super) end_tag: Option<usize>,
    /// From its start node to behind its end node.
    pub(super) nodes: Range<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    uri: u32,
    /// As written between the quotes.
    pub(super) raw: &'a str,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Declaration<'a> {
    pub(super) prefix: &'a str,
    uri: u32,
}

#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) elements: Vec<Element<'a>>,
    attributes: Vec<Attribute<'a>>,
    declarations: Vec<Declaration<'a>>,
    uris: Vec<String>,
    /// The first fault of namespaces.
    pub(super) namespace_fault: Option<Problem>,
    /// The first comment inside an element that also has text.
    pub(super) comment_in_text: Option<Problem>,
}

impl<'a> Document<'a> {
    /// Reads a skeleton.
    ///
    /// # Errors
    /// The first fault that makes it no XML document, or one that exceeds a limit.
    pub(super) fn parse(input: &Spliced<'a>, limits: &Limits) -> Result<Self, Problem> {
        read::document(input, limits)
    }

    pub(super) fn element(&self, id: u32) -> Option<&Element<'a>> {
        self.elements.get(id as usize)
    }

    pub(super) fn uri(&self, element: &Element<'_>) -> &str {
        self.uri_of(element.uri)
    }

    fn uri_of(&self, id: u32) -> &str {
        self.uris.get(id as usize).map_or("", String::as_str)
    }

    /// Attributes in canonical order.
    pub(super) fn attributes(&self, element: &Element<'_>) -> &[Attribute<'a>] {
        self.attributes.get(element.attributes.clone()).unwrap_or_default()
    }

    /// Namespace declarations on this element, sorted by prefix, with their names.
    pub(super) fn declarations(&self, element: &Element<'_>) -> impl Iterator<Item = (&'a str, &str)> {
        let own = self.declarations.get(element.declarations.clone()).unwrap_or_default();
        own.iter().map(|d| (d.prefix, self.uri_of(d.uri)))
    }

    pub(super) fn attribute_uri(&self, attribute: &Attribute<'_>) -> &str {
        self.uri_of(attribute.uri)
    }

    pub(super) fn is(&self, element: &Element<'_>, uri: &str, local: &str) -> bool {
        element.local == local && self.uri(element) == uri
    }

    /// The nodes between the start and the end tag.
    pub(super) fn content(&self, element: &Element<'_>) -> &[Node<'a>] {
        let inner = element.nodes.start.saturating_add(1)..element.nodes.end.saturating_sub(1);
        self.nodes.get(inner).unwrap_or_default()
    }

    /// The elements directly below this one.
    pub(super) fn children<'s>(&'s self, id: u32) -> impl Iterator<Item = u32> + 's {
        let nodes = self.element(id).map(|e| self.content(e)).unwrap_or_default();
        nodes.iter().filter_map(move |node| match node {
            Node::Start(child) if self.element(*child).is_some_and(|e| e.parent == Some(id)) => Some(*child),
            _ => None,
        })
    }
}
