//! The form: what a clerk's program knows of a document, as JSON, and the packet that it becomes and comes from.
//!
//! ```text
//!  form.json ─► read ─► complete (names, numbers, trace) ─► judged in the form's own keys ─► edxml::write ─► packet
//!  form.json, files ◄─ write ◄──────────────────────────────────────────────── edxml::parse ◄─ packet
//! ```
//!
//! Invariants: a form that was read without mistakes and written again says the same, and so does a packet that
//! becomes a form and a packet again, field by field of the model. A mistake is told by its key, all of them at once;
//! a packet is only written when there is none. The room opens the files that a form names ([`files`]) and is pure
//! otherwise. `schemas/form.schema.json` describes the form, `docs/integrators.md` tells how it is used.

mod complete;
mod fields;
pub mod files;
pub mod findings;
mod json;
mod judge;
mod names;
mod names_of_files;
mod reader;
pub mod templates;
#[cfg(test)]
mod tests;
mod writer;

use jiff::civil::Date;
use lienthong_contract::Finding;

pub use fields::Attached;
pub use judge::mistakes;
pub use names_of_files::FileNames;

use crate::edxml::model::{
    Document, Located, OtherInfo, Packet, PacketSignature, PromulgationInfo, Reference, StatusCode, StatusReport,
};
use fields::{DATE, KIND};
use json::Node;
use reader::{Notes, Reader};
use writer::Writer;

/// Bytes of a form; more than a packet's descriptive part may have.
pub const MAX_BYTES: usize = 4 << 20;

/// A form that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub packet: Packet,
    /// The attachments of a document, in its order: the model's own list is made from them.
    pub attached: Vec<Attached>,
}

/// Reads a form. Where it holds mistakes, the rest is there all the same, so that more can be said of it.
#[must_use]
pub fn read(text: &str) -> (Option<Form>, Vec<Finding>) {
    let notes = Notes::default();
    let form = read_with(text, &notes);
    (form, notes.into_findings())
}

fn read_with(text: &str, notes: &Notes) -> Option<Form> {
    if text.len() > MAX_BYTES {
        notes.push(&findings::TOO_LARGE, "", &text.len().to_string(), &format!("≤ {MAX_BYTES}"));
        return None;
    }
    let node: Node = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(node) => node,
        Err(error) => {
            let place = format!(
                "dòng {line}, cột {column} — line {line}, column {column}",
                line = error.line(),
                column = error.column()
            );
            notes.push(&findings::NOT_JSON, &place, &error.to_string(), "");
            return None;
        }
    };
    let Node::Object(members) = &node else {
        notes.push(&findings::NOT_JSON, "", node.kind(), "nhóm — object { }");
        return None;
    };
    let mut reader = Reader::new(members, String::new(), notes);
    let form = match reader.member(KIND) {
        Some(Node::Text(kind)) if kind == "document" => read_document(&mut reader, notes),
        Some(Node::Text(kind)) if kind == "status" => {
            let mut report = blank_status();
            fields::status(&mut reader, &mut report);
            Form { packet: Packet::Status(Box::new(report)), attached: Vec::new() }
        }
        other => {
            let found = match other {
                Some(Node::Text(kind)) => kind.as_str(),
                Some(other) => other.kind(),
                None => "",
            };
            notes.push(&findings::KIND_UNKNOWN, KIND.0, found, "document / status");
            return None;
        }
    };
    reader.finish();
    Some(form)
}

fn read_document(reader: &mut Reader<'_>, notes: &Notes) -> Form {
    let (mut document, mut attached) = (blank_document(), Vec::new());
    if reader.member(DATE).is_none() {
        notes.push(&findings::MISSING, DATE.0, "", "2026-03-02");
    }
    fields::document(reader, &mut document, &mut attached);
    document.attachments = attached.iter().map(|one| one.meta.clone()).collect();
    Form { packet: Packet::Document(Box::new(document)), attached }
}

/// The form of a packet, as text. `attached` names the file of each attachment; those that it does not reach have none.
///
/// # Errors
/// Never for a model that was read; the JSON writer's otherwise.
pub fn write(packet: &Packet, attached: &[Attached]) -> Result<String, serde_json::Error> {
    let mut writer = Writer::default();
    match packet {
        Packet::Document(document) => {
            writer.0.push((KIND.0.to_owned(), Node::Text("document".to_owned())));
            let mut document = Document::clone(document);
            let mut all: Vec<Attached> = document
                .attachments
                .iter()
                .enumerate()
                .map(|(at, meta)| {
                    let known = attached.get(at).cloned().unwrap_or_default();
                    Attached { meta: meta.clone(), ..known }
                })
                .collect();
            // What the manifest says of the attachments need not be said twice.
            if document.references == manifest(&all) {
                document.references.clear();
            }
            fields::document(&mut writer, &mut document, &mut all);
        }
        Packet::Status(report) => {
            writer.0.push((KIND.0.to_owned(), Node::Text("status".to_owned())));
            fields::status(&mut writer, &mut StatusReport::clone(report));
        }
    }
    let mut text = serde_json::to_string_pretty(&Node::Object(writer.0))?;
    text.push('\n');
    Ok(text)
}

/// The manifest that says of the attachments what they say themselves.
fn manifest(attached: &[Attached]) -> Vec<Reference> {
    let reference = |one: &Attached| Reference {
        content_id: one.meta.content_id.clone(),
        content_type: one.meta.content_type.clone(),
        description: one.meta.description.clone(),
        name: one.meta.name.clone(),
    };
    attached.iter().map(reference).collect()
}

/// A document that says nothing yet. It is no packet: what is required is still missing.
fn blank_document() -> Document {
    Document {
        from: Default::default(),
        to: Vec::new(),
        document_id: None,
        code: Default::default(),
        promulgation: PromulgationInfo { place: None, date: Located::made(Date::default()) },
        document_type: Default::default(),
        subject: Default::default(),
        content: None,
        signer: Default::default(),
        due_date: None,
        to_places: Vec::new(),
        other: OtherInfo::default(),
        response_for: Vec::new(),
        steering_type: None,
        application_type: None,
        tasks: Vec::new(),
        business: None,
        trace: Vec::new(),
        references: Vec::new(),
        attachments: Vec::new(),
        errors: Vec::new(),
        signature: PacketSignature::Absent,
    }
}

/// A status report that says nothing yet.
fn blank_status() -> StatusReport {
    StatusReport {
        from: Default::default(),
        response_for: Default::default(),
        status: Located::made(StatusCode::Other(String::new())),
        description: None,
        timestamp: None,
        staff: Default::default(),
    }
}
