//! What a form may leave out because it follows from the rest: the document's name, the number of its type, the first
//! line of its trace, and what an attachment is called.

use lienthong_contract::Instant;

use super::Form;
use crate::edxml::document_types;
use crate::edxml::model::{Business, Document, Located, Packet, TextAt, TraceHeader};

impl Form {
    /// Fills in what follows. Nothing that the form says is changed; done twice it changes nothing more.
    pub fn complete(&mut self, now: Instant) {
        match &mut self.packet {
            Packet::Status(report) => {
                report.timestamp.get_or_insert_with(|| whole_seconds(now));
            }
            Packet::Document(document) => {
                self.attached.iter_mut().for_each(name_attachment);
                number_attachments(&mut self.attached);
                document.attachments = self.attached.iter().map(|one| one.meta.clone()).collect();
                complete_document(document, now);
            }
        }
    }
}

fn complete_document(document: &mut Document, now: Instant) {
    if document.document_id.is_none() && document.code != Default::default() {
        document.document_id = Some(Located::made(document.id()));
    }
    document.business.get_or_insert_with(Business::default);
    if document.trace.is_empty() && !document.from.organ_id.value.is_empty() {
        let hop = TraceHeader { organ_id: Some(document.from.organ_id.clone()), timestamp: Some(whole_seconds(now)) };
        document.trace.push(hop);
    }
    let kind = &mut document.document_type;
    match (&kind.name, &kind.group, &kind.detail) {
        (Some(name), None, None) => {
            let official = document_types::by_name(&name.value);
            kind.group = official.as_ref().map(|official| Located::made(official.group));
            kind.detail = official.map(|official| Located::made(official.detail));
        }
        (None, Some(group), Some(detail)) => {
            let named = |it: &document_types::OfficialType| it.group == group.value && it.detail == detail.value;
            kind.name = document_types::all().find(named).map(|official| text(official.name));
        }
        _ => {}
    }
}

/// A packet's times have no part of a second.
fn whole_seconds(now: Instant) -> Located<Instant> {
    Located::made(Instant::from_millis(now.as_seconds().saturating_mul(1000)))
}

fn name_attachment(one: &mut super::Attached) {
    let meta = &mut one.meta;
    if meta.name.is_none() {
        let file = one.file.as_ref().and_then(|file| file.value.rsplit(['/', '\\']).next());
        meta.name = file.filter(|name| !name.is_empty()).map(text);
    }
    if meta.content_type.is_none() {
        meta.content_type = meta.name.as_ref().map(|name| text(content_type(&name.value)));
    }
}

/// Each attachment has a ContentId of its own; one that the form does not give is a number.
fn number_attachments(attached: &mut [super::Attached]) {
    let taken: Vec<String> =
        attached.iter().filter_map(|one| Some(one.meta.content_id.as_ref()?.value.clone())).collect();
    let mut free = (1_u32..).map(|number| number.to_string()).filter(|number| !taken.contains(number));
    for one in attached.iter_mut().filter(|one| one.meta.content_id.is_none()) {
        one.meta.content_id = free.next().map(Located::made);
    }
}

/// Types by the end of the name; receivers decide by content, so what is not listed is a file like any other.
const TYPES: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("rtf", "application/rtf"),
    ("zip", "application/zip"),
    ("rar", "application/vnd.rar"),
    ("7z", "application/x-7z-compressed"),
    ("xml", "application/xml"),
    ("json", "application/json"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
];

pub fn content_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == end).map_or("application/octet-stream", |(_, of)| of)
}

fn text(value: &str) -> TextAt {
    Located::made(value.to_owned())
}
