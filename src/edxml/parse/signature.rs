//! What stands in the place of the packet signature. Nothing is verified here.

use super::fields::Element;
use super::tree::{Node, Space};
use crate::edxml::findings;
use crate::edxml::model::PacketSignature;

/// Marks of the example signature in the official library's documentation, found in production (quirk Q12).
const DUMMY_DIGEST: &str = "FwgIqsSYJshUS2+wlOM61L+q7Aw=";
const DUMMY_CERTIFICATE: &str = "MIIFqTCCBJG";
const DUMMY_SUBJECT: &str = "CN=user05";

/// Looks in the header, then under the root, where an enveloped signature may also stand.
pub(super) fn find(root: &Element<'_>, header: &Element<'_>) -> PacketSignature {
    let places = [header.node, root.node];
    let mut candidates = places.iter().flat_map(|place| &place.children).filter(|child| child.name == "Signature");
    let Some(first) = candidates.next() else { return PacketSignature::Absent };
    let node = std::iter::once(first).chain(candidates).find(|node| !node.is_empty()).unwrap_or(first);
    if node.is_empty() {
        return PacketSignature::Empty;
    }
    let element = Element::new(node, "edXMLHeader/Signature".to_owned(), header.notes);
    if is_dummy(node) {
        element.note(element.finding(&findings::DUMMY_SIGNATURE));
        return PacketSignature::Dummy;
    }
    if node.space == Space::Dsig {
        return PacketSignature::XmlDsig;
    }
    element.note(element.finding(&findings::SIGNATURE_NAMESPACE));
    PacketSignature::ForeignNamespace
}

fn is_dummy(node: &Node<'_>) -> bool {
    let marked = match node.name {
        "DigestValue" => node.text == DUMMY_DIGEST,
        "X509Certificate" => node.text.starts_with(DUMMY_CERTIFICATE),
        "X509SubjectName" => node.text.contains(DUMMY_SUBJECT),
        _ => false,
    };
    marked || node.children.iter().any(is_dummy)
}
