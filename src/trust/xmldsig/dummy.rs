//! Signature elements that are no signatures: what the sample code of the field leaves in packets.
//!
//! Calling a Signature a dummy gives it no more weight than none at all, so a mistake here cannot make a forged
//! packet count; it may only hide why an honest one does not. Hence the marks below are narrow.

use super::document::{DSIG_NS, Document, Node, UNDECLARED};
use super::signature::View;

/// Digest in the sample Signature of the official library.
const SAMPLE_DIGEST: &str = "FwgIqsSYJshUS2+wlOM61L+q7Aw=";
/// First letters of its certificate. They encode only the length of the certificate, so others share them.
const SAMPLE_CERTIFICATE: &str = "MIIFqTCCBJG";
/// Subject of its certificate.
const SAMPLE_SUBJECT: &str = "CN=user05";

/// Why a Signature element is taken for a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DummyWhy {
    /// `<Signature/>`.
    Empty,
    /// It is not in the XML-DSig namespace, so it is no XML signature.
    WrongNamespace,
    /// The sample of the official library.
    Placeholder,
    /// `KeyInfo` holds an agency code and a token: access control of one product. The token is never kept.
    AccessToken,
}

/// What a Signature element stands for; `None` when it has to be verified.
pub(super) fn judge(document: &Document<'_>, id: u32) -> Option<DummyWhy> {
    let element = document.element(id)?;
    let genuine = document.uri(element) == DSIG_NS;
    let blank = |node: &Node<'_>| matches!(node, Node::Text(t) if super::attribute::trim_start(t).is_empty());
    if document.content(element).iter().all(|node| blank(node) || *node == Node::Comment) {
        return Some(DummyWhy::Empty);
    }
    let view = View { document };
    let (mut digest, mut subject, mut certificate, mut token, mut sha1) = (false, false, false, false, false);
    for node in document.content(element) {
        let Node::Start(inner) = node else { continue };
        let text = || view.text(*inner).map(|t| t.trim().to_owned()).unwrap_or_default();
        match view.local(*inner) {
            "DigestValue" => digest |= text() == SAMPLE_DIGEST,
            "X509SubjectName" => subject |= text().split(',').any(|part| part.trim() == SAMPLE_SUBJECT),
            "X509Certificate" => certificate |= text().starts_with(SAMPLE_CERTIFICATE),
            "SignatureMethod" => sha1 |= uses_sha1(document, *inner),
            "Token" => token = true,
            _ => {}
        }
    }
    // Beside a modern signature method the certificate's length proves nothing.
    if digest || subject || (certificate && (sha1 || !genuine)) {
        return Some(DummyWhy::Placeholder);
    }
    match (genuine, token) {
        (true, _) => None,
        (false, true) => Some(DummyWhy::AccessToken),
        (false, false) => Some(DummyWhy::WrongNamespace),
    }
}

fn uses_sha1(document: &Document<'_>, id: u32) -> bool {
    document.element(id).is_some_and(|e| document.attributes(e).iter().any(|a| a.raw.ends_with("sha1")))
}

/// A Signature element outside the XML-DSig namespace, where packets carry theirs.
pub(super) fn outside_namespace(document: &Document<'_>) -> Option<u32> {
    let found = document.elements.iter().position(|element| {
        let parent = element.parent.and_then(|id| document.element(id));
        element.local == "Signature"
            && document.uri(element) != DSIG_NS
            && parent.is_some_and(|parent| parent.local == "edXMLHeader" || parent.parent.is_none())
    });
    found.and_then(|index| u32::try_from(index).ok())
}

/// True when the prefix of this element is declared, or is the one that packets are known to leave undeclared.
pub(super) fn has_namespace(document: &Document<'_>, id: u32) -> bool {
    document.element(id).is_some_and(|e| document.uri(e) != UNDECLARED)
}
