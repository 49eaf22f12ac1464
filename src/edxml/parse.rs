//! From the skeleton to the typed model: what a packet says, whoever made it.
//!
//! Reading does not depend on the order of elements nor on prefixes. What real packets get wrong harmlessly is taken
//! with a warning; what would be read differently by different readers is refused with its place. As many faults as
//! possible are told in one go. Pure: the same skeleton always reads to the same model.

mod attachments;
mod business;
mod document;
mod fields;
mod organization;
mod signature;
mod status;
mod tree;

use lienthong_contract::Finding;

use self::fields::{Element, Notebook};
use self::tree::{Space, Tree};
use super::findings;
use super::model::Packet;
use super::split::Split;

/// A packet that was understood.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub packet: Packet,
    /// Everything noticed while splitting and reading; nothing among them refuses.
    pub warnings: Vec<Finding>,
}

/// Reads a split packet.
///
/// # Errors
/// All findings, at least one of which refuses.
pub fn parse(split: &Split) -> Result<Parsed, Vec<Finding>> {
    let notes = Notebook::default();
    split.warnings.iter().cloned().for_each(|warning| notes.push(warning));
    let mut structural = Vec::new();
    let tree = tree::build(&split.skeleton, &mut structural);
    structural.into_iter().for_each(|finding| notes.push(finding));
    let packet = tree.as_ref().and_then(|tree| read_packet(tree, split, &notes));
    drop(tree);
    let mut all = notes.into_findings();
    match packet {
        Some(packet) if !all.iter().any(Finding::refuses) => Ok(Parsed { packet, warnings: all }),
        _ => {
            if !all.iter().any(Finding::refuses) {
                all.push(Finding::of(&findings::NOT_EDXML).at(1, 1));
            }
            Err(all)
        }
    }
}

fn read_packet<'a>(tree: &'a Tree<'a>, split: &Split, notes: &'a Notebook) -> Option<Packet> {
    if let Some(refusal) = wrong_root(tree) {
        notes.push(refusal);
        return None;
    }
    let root = Element::new(&tree.root, "edXML".to_owned(), notes);
    let Some(envelope) = root.child("edXMLEnvelope") else {
        root.missing(&findings::MISSING, "edXMLEnvelope");
        return None;
    };
    let Some(header) = envelope.child("edXMLHeader") else {
        envelope.missing(&findings::MISSING, "edXMLHeader");
        return None;
    };
    let message = header.child("MessageHeader");
    let status = header.child("Status");
    match (message, status) {
        (Some(_), Some(status)) => {
            header.note(status.finding(&findings::REPEATED).expected("MessageHeader"));
            None
        }
        // An empty status code is still the mark of a status packet.
        (Some(message), None) if message.node.named("StatusCode").next().is_none() => {
            document::read(&root, &envelope, &header, &short(message), split).map(Box::new).map(Packet::Document)
        }
        (Some(message), None) => status::read(&root, &short(message), split).map(Box::new).map(Packet::Status),
        (None, Some(message)) => status::read(&root, &short(message), split).map(Box::new).map(Packet::Status),
        (None, None) => {
            header.missing(&findings::MISSING, "MessageHeader");
            None
        }
    }
}

/// Paths in findings begin at the header that a clerk knows, not at the envelope.
fn short(message: Element<'_>) -> Element<'_> {
    let name = message.node.name.to_owned();
    Element { path: name, ..message }
}

/// Refuses a packet whose root is not that of the standard, and says what it seems to be.
fn wrong_root(tree: &Tree<'_>) -> Option<Finding> {
    let (root, namespace) = (&tree.root, tree.root_namespace.as_str());
    if root.name == "edXML" && root.space == Space::Qcvn {
        return None;
    }
    let legacy = ["e-doc.vn", "inetcloud.vn", "schemas.xmlsoap.org", "www.w3.org/2003/05/soap-envelope"];
    let kind = if root.name == "van-ban-qua-mang" || legacy.iter().any(|part| namespace.contains(part)) {
        &findings::LEGACY_FORM
    } else if root.name.eq_ignore_ascii_case("edXML") || namespace.contains("go.vn") {
        &findings::FOREIGN_NAMESPACE
    } else {
        &findings::NOT_EDXML
    };
    let found = if namespace.is_empty() { root.name.to_owned() } else { format!("{{{namespace}}}{}", root.name) };
    let expected = format!("{{{}}}edXML", super::QCVN_NAMESPACE);
    Some(Finding::of(kind).at(root.line, root.column).element(root.name).found(found).expected(expected))
}
