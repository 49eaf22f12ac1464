//! The manifest and the attachments, and which body belongs to which.

use lienthong_contract::Finding;

use super::fields::Element;
use crate::edxml::findings;
use crate::edxml::model::{Attachment, Reference, TextAt};
use crate::edxml::split::{Body, Sniffed, Split};

/// Reads `edXMLManifest/Reference` of the body.
pub(super) fn references(envelope: &Element<'_>) -> Vec<Reference> {
    // An element without text may still name its attachment in `xlink:href`.
    let bodies = envelope.node.named("edXMLBody");
    let all = bodies.flat_map(|body| body.named("edXMLManifest")).flat_map(|manifest| manifest.named("Reference"));
    let all = all.map(|node| Element::new(node, "edXMLManifest/Reference".to_owned(), envelope.notes));
    all.map(|element| reference(&element)).filter(|reference| *reference != Reference::default()).collect()
}

fn reference(element: &Element<'_>) -> Reference {
    element.expect_only(&["ContentId", "ContentType", "Description", "AttachmentName"]);
    let href = || {
        let (_, value) = element.node.attributes.iter().find(|(name, _)| *name == "href")?;
        let value = value.trim();
        (!value.is_empty()).then(|| element.at(value.to_owned()))
    };
    Reference {
        content_id: element.text("ContentId").or_else(href).and_then(|id| content_id(element, id)),
        content_type: element.text("ContentType"),
        description: element.text("Description"),
        name: element.text("AttachmentName"),
    }
}

/// Reads the attachments wherever a producer puts their list: beside the envelope, in it, or in the body.
pub(super) fn attachments(root: &Element<'_>, envelope: &Element<'_>, split: &Split) -> Vec<Attachment> {
    let body = envelope.node.named("edXMLBody").next();
    let places = [Some(root.node), Some(envelope.node), body];
    let lists = places.into_iter().flatten().flat_map(|place| place.named("AttachmentEncoded"));
    let path = "AttachmentEncoded/Attachment";
    let elements = lists.flat_map(|list| list.named("Attachment"));
    let elements = elements.map(|node| Element::new(node, path.to_owned(), root.notes));
    let attachments: Vec<Attachment> = elements.map(|element| attachment(&element, split)).collect();
    check_ids(root, &attachments);
    refuse_strays(root, split, &attachments);
    attachments
}

fn attachment(element: &Element<'_>, split: &Split) -> Attachment {
    element.expect_only(&[
        "ContentId",
        "AttachmentName",
        "Description",
        "FieldName",
        "MimeType",
        "Format",
        "ContentType",
        "ContentTransferEncoded",
    ]);
    let encoded = element.child("ContentTransferEncoded");
    let cut = encoded.and_then(|encoded| encoded.node.cut);
    let body = cut.and_then(|cut| split.bodies.iter().position(|body| body.cut == cut));
    let attachment = Attachment {
        content_id: element.text("ContentId").and_then(|id| content_id(element, id)),
        name: element.text("AttachmentName"),
        description: element.text("Description"),
        content_type: element.text("ContentType"),
        body,
        line: element.node.line,
        column: element.node.column,
    };
    match body.and_then(|index| split.bodies.get(index)) {
        Some(body) => check_type(element, &attachment, body),
        None => element.note(element.finding(&findings::EMPTY_ATTACHMENT)),
    }
    if attachment.name.is_none() {
        element.missing(&findings::RECOMMENDED, "AttachmentName");
    }
    attachment
}

/// Takes off every leading `cid:` (quirk Q15).
fn content_id(element: &Element<'_>, id: TextAt) -> Option<TextAt> {
    let mut rest = id.value.as_str();
    let mut prefixes = 0;
    while let Some((head, tail)) = rest.split_at_checked(4).filter(|(head, _)| head.eq_ignore_ascii_case("cid:")) {
        let _ = head;
        rest = tail.trim_start();
        prefixes += 1;
    }
    if prefixes > 1 || rest.is_empty() {
        let finding = Finding::of(&findings::ODD_CONTENT_ID).at(id.line, id.column);
        element.note(finding.element(format!("{}/ContentId", element.path)).found(&id.value).expected("cid:…"));
    }
    let rest = rest.to_owned();
    (!rest.is_empty()).then(|| id.map(|_| rest))
}

fn check_type(element: &Element<'_>, attachment: &Attachment, body: &Body) {
    let Some(declared) = &attachment.content_type else { return };
    let lower = declared.value.to_ascii_lowercase();
    let truth = match body.kind {
        Sniffed::Pdf if !lower.contains("pdf") => "application/pdf",
        Sniffed::Zip if lower.contains("pdf") || lower.starts_with("text/") => "application/zip",
        Sniffed::Other if lower == "application/pdf" || lower == "application/zip" => "application/octet-stream",
        _ => return,
    };
    let finding = Finding::of(&findings::LYING_CONTENT_TYPE).at(declared.line, declared.column);
    element.note(finding.element(format!("{}/ContentType", element.path)).found(&declared.value).expected(truth));
}

fn check_ids(root: &Element<'_>, attachments: &[Attachment]) {
    let mut seen: Vec<&str> = Vec::new();
    for id in attachments.iter().filter_map(|attachment| attachment.content_id.as_ref()) {
        if seen.contains(&id.value.as_str()) {
            let finding = Finding::of(&findings::CONTENT_ID_TWICE).at(id.line, id.column);
            root.note(finding.element("AttachmentEncoded/Attachment/ContentId").found(&id.value));
        }
        seen.push(&id.value);
    }
}

/// Warns when manifest and attachments do not name the same things (quirk Q13).
pub(super) fn compare(root: &Element<'_>, references: &[Reference], attachments: &[Attachment]) {
    let named = |id: &Option<TextAt>| id.as_ref().map(|id| id.value.clone());
    let listed: Vec<_> = references.iter().filter_map(|reference| named(&reference.content_id)).collect();
    let carried: Vec<_> = attachments.iter().filter_map(|attachment| named(&attachment.content_id)).collect();
    let alone = |ids: &[String], others: &[String]| ids.iter().find(|id| !others.contains(id)).cloned();
    let odd = alone(&listed, &carried).or_else(|| alone(&carried, &listed));
    if let Some(odd) = odd.filter(|_| !listed.is_empty()) {
        let attachment = attachments.iter().find(|a| a.content_id.as_ref().is_some_and(|id| id.value == odd));
        let reference = references.iter().find_map(|r| r.content_id.as_ref().filter(|id| id.value == odd));
        let place = attachment.map(|a| (a.line, a.column)).or_else(|| reference.map(|r| (r.line, r.column)));
        let (line, column) = place.unwrap_or((root.node.line, root.node.column));
        let finding = Finding::of(&findings::MANIFEST_DISAGREES).at(line, column);
        root.note(finding.element("edXMLManifest/Reference").found(odd));
    }
}

/// A body that no attachment claims would be carried along unexamined.
pub(super) fn refuse_strays(root: &Element<'_>, split: &Split, attachments: &[Attachment]) {
    for (index, body) in split.bodies.iter().enumerate() {
        if !attachments.iter().any(|attachment| attachment.body == Some(index)) {
            let finding = Finding::of(&findings::STRAY_BODY).at(body.line, body.column);
            root.note(finding.element("ContentTransferEncoded").expected("AttachmentEncoded/Attachment"));
        }
    }
}
