//! A packet written anew as the official library writes one: its elements in that order and with those literal prefixes,
//! its names spelt as there, its base64 in one line. What the elements say is left as it is, faults included.
//!
//! ```text
//!  split skeleton ─► tree ─► order, names ─► without the packet's signature ─► emit, bodies copied from the original
//! ```
//!
//! For receivers that take no other form. The signature of the packet is left out: over other bytes it does not hold. What
//! the attachments decode to stays, so signatures in them hold as before; elements that nobody knows are kept, and empty ones.
//! Invariants: the same packet gives the same bytes each time; what was written anew gives itself; [`says_the_same`] holds
//! between a packet and what it became, and whoever hands those bytes on asks it first. Pure but for reading the bodies.

use std::io::{self, Read, Seek, Write};

use super::tree::{self, Node, Part};
use super::{Log, Place, emit, order, repair};
use crate::edxml::model::{Document, Packet, PacketSignature};
use crate::edxml::{Split, parse};

/// A packet in the official form, not yet written.
#[derive(Debug)]
pub struct Reformed {
    root: Node,
}

/// Puts a packet into the official form; none when it is no packet that is understood.
#[must_use]
pub fn reform(split: &Split) -> Option<Reformed> {
    let mut root = tree::read(&split.skeleton)?;
    repair::move_attachments(&mut root, &mut Log::default());
    let is_status = repair::is_status(&root);
    element(&mut root, "", is_status);
    without_signatures(&mut root);
    can_be_written(&root).then_some(Reformed { root })
}

impl Reformed {
    /// Writes the packet; the contents of its attachments are read from the one that was split.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub fn write<R: Read + Seek>(&self, source: &mut R, split: &Split, out: impl Write) -> io::Result<()> {
        emit::packet(&self.root, out, |cut, out| emit::body(source, split, cut, out))
    }
}

fn element(node: &mut Node, parent: &str, is_status: bool) {
    let Some(known) = order::children(parent, &node.name, is_status) else {
        if node.parts.iter().any(|part| matches!(part, Part::Body(_))) {
            without_layout(node);
        }
        return;
    };
    if node.name == "Reference" {
        repair::name_in_an_element(node);
    }
    let name = node.name.clone();
    for child in node.children_mut() {
        if let Some(standard) = order::spelt(&name, &child.name) {
            standard.clone_into(&mut child.name);
        }
    }
    without_layout(node);
    repair::sort(node, Place { path: &name, line: node.line, column: node.column }, known, &mut Log::default());
    // What an element that nobody knows holds is its own business.
    let of_standard = node.children_mut().filter(|child| known.contains(&&*child.name));
    of_standard.for_each(|child| element(child, &name, is_status));
}

/// White space between elements, or around a content, says nothing.
fn without_layout(node: &mut Node) {
    node.parts.retain(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
}

/// Leaves out whatever stands where the packet's signature is looked for: in the header, and under the root.
fn without_signatures(root: &mut Node) {
    let remove = |node: &mut Node| node.parts.retain(|part| !is_signature(part));
    remove(root);
    let envelopes = root.children_mut().filter(|child| child.name == "edXMLEnvelope");
    let headers = envelopes.flat_map(Node::children_mut).filter(|child| child.name == "edXMLHeader");
    headers.for_each(remove);
}

fn is_signature(part: &Part) -> bool {
    match part {
        Part::Child(child) => child.name == "Signature",
        Part::Foreign(_, true) => true,
        // The name counts, whatever its namespace: so do those who look for one.
        Part::Foreign(raw, false) => {
            let name = raw.trim_start_matches('<').split(['>', '/', ' ', '\n', '\t', '\r']).next().unwrap_or_default();
            name.rsplit(':').next() == Some("Signature")
        }
        Part::Text(_) | Part::Body(_) => false,
    }
}

fn can_be_written(node: &Node) -> bool {
    node.attributes.iter().all(|(name, _)| emit::can_be_written(node, name)) && node.children().all(can_be_written)
}

/// True when what was written anew can be read, says what the original says, bears no signature, and its attachments are
/// the same files in the same order.
#[must_use]
pub fn says_the_same(original: &Split, anew: &Split) -> bool {
    let (Ok(before), Ok(after)) = (parse(original), parse(anew)) else { return false };
    match (before.packet, after.packet) {
        (Packet::Document(mut before), Packet::Document(mut after)) => {
            let unsigned = after.signature == PacketSignature::Absent;
            let same_files = files(&before, original) == files(&after, anew);
            before.signature = after.signature;
            // Compared by their files: a list that stood elsewhere had other places.
            (before.attachments.iter_mut().chain(&mut after.attachments)).for_each(|attachment| attachment.body = None);
            unsigned && same_files && before == after
        }
        (Packet::Status(before), Packet::Status(after)) => {
            let digests = |split: &Split| split.bodies.iter().map(|body| body.digest).collect::<Vec<_>>();
            before == after && digests(original) == digests(anew)
        }
        (Packet::Document(_) | Packet::Status(_), _) => false,
    }
}

fn files(document: &Document, split: &Split) -> Vec<Option<lienthong_contract::Digest>> {
    let bodies = document.attachments.iter().map(|attachment| split.bodies.get(attachment.body?));
    bodies.map(|body| body.map(|body| body.digest)).collect()
}

#[cfg(test)]
mod tests;
