//! State secrets never enter: a packet that carries a secrecy mark is refused, and the refusal repeats nothing of it.
//!
//! The scan reads the skeleton itself and not the typed model, so that a packet which is refused for another fault as
//! well is still known to carry a mark, and its bytes are kept nowhere. There is no switch that turns it off
//! (Luật 117/2025/QH15; QĐ 28/2018/QĐ-TTg Điều 1.2, 5.1).

use lienthong_contract::Finding;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::findings::SECRECY_MARK;
use super::marks::{carries_mark, name_carries_mark};
use crate::edxml::Skeleton;

/// Elements whose text may carry a mark, and whether that text is the name of a file.
const SCANNED: &[(&str, bool)] = &[
    ("TypeName", false),
    ("Subject", false),
    ("SphereOfPromulgation", false),
    ("Content", false),
    ("Appendix", false),
    ("AttachmentName", true),
    ("BussinessDocReason", false),
    ("BusinessDocReason", false),
];

/// Elements whose `Description` says what a file is. In a status packet it is the answer to a document: *không nhận
/// văn bản mật* is what it is there to say.
const DESCRIBED: &[&str] = &["Attachment", "Reference"];

/// The other elements of the standard: they hold codes, dates, names of agencies and people. An element that stands in
/// neither list is somebody's own, and may well be where their system writes the level of secrecy.
const PLAIN: &[&str] = &[
    "Appendixes",
    "ApplicationType",
    "Attachment",
    "AttachmentEncoded",
    "Business",
    "BusinessDocType",
    "BusinessDocumentInfo",
    "Bussiness",
    "BussinessDocType",
    "BussinessDocumentInfo",
    "Code",
    "CodeNotation",
    "CodeNumber",
    "Competence",
    "ContentId",
    "ContentTransferEncoded",
    "ContentType",
    "Department",
    "DepartmentId",
    "Description",
    "Direction",
    "DocumentId",
    "DocumentInfo",
    "DocumentReceiver",
    "DocumentType",
    "DueDate",
    "edXML",
    "edXMLBody",
    "edXMLEnvelope",
    "edXMLHeader",
    "edXMLManifest",
    "Email",
    "Error",
    "ErrorList",
    "Fax",
    "FieldName",
    "Format",
    "From",
    "FullName",
    "MessageHeader",
    "MimeType",
    "Mobile",
    "OrganAdd",
    "OrganId",
    "OrganIdList",
    "OrganizationInCharge",
    "OrganName",
    "OtherInfo",
    "PageAmount",
    "Paper",
    "Place",
    "Position",
    "Priority",
    "PromulgationAmount",
    "PromulgationDate",
    "PromulgationInfo",
    "Receiver",
    "ReceiverList",
    "ReceiverType",
    "Reference",
    "ReferenceCodes",
    "ReplacementInfo",
    "ReplacementInfoList",
    "ReplyFors",
    "ResponseFor",
    "ResponseForTask",
    "SignerInfo",
    "Staff",
    "StaffId",
    "StaffInfo",
    "Status",
    "StatusCode",
    "SteeringType",
    "TaskCode",
    "Telephone",
    "Timestamp",
    "To",
    "ToPlaces",
    "TraceHeader",
    "TraceHeaderList",
    "Type",
    "TypeDetail",
    "TyperNotation",
    "TypistNotation",
    "Website",
];

/// Elements that hold a signature, and nothing that a person wrote.
const SIGNATURES: &[&str] = &["Signature", "DigitalSignature"];

/// A run of base64 characters from this length on is encoded bytes, not words.
const ENCODED_RUN: usize = 64;

/// How the text of an element is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Text,
    FileName,
    /// Text of an element that the standard does not know.
    Foreign,
    /// Not looked at.
    Plain,
    /// Not looked at, nor is anything in it.
    Signature,
}

impl Reading {
    fn of(name: &str, parents: &[Open]) -> Self {
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        let parent = parents.last();
        if parent.is_some_and(|parent| parent.reading == Self::Signature) {
            return Self::Signature;
        }
        if is_plain(name) {
            let described = |parent: &Open| DESCRIBED.iter().any(|known| known.eq_ignore_ascii_case(&parent.name));
            let describes = name.eq_ignore_ascii_case("Description") && parent.is_some_and(described);
            return if describes { Self::Text } else { Self::Plain };
        }
        if SIGNATURES.iter().any(is) {
            return Self::Signature;
        }
        if let Some((_, is_name)) = SCANNED.iter().find(|(known, _)| is(known)) {
            return if *is_name { Self::FileName } else { Self::Text };
        }
        Self::Foreign
    }

    fn finds_mark(self, text: &str) -> bool {
        match self {
            Self::Text => carries_mark(text),
            Self::FileName => name_carries_mark(text),
            Self::Foreign => !is_encoded(text) && carries_mark(text),
            Self::Plain | Self::Signature => false,
        }
    }
}

fn is_plain(name: &str) -> bool {
    let letters = |text: &'static str| text.bytes().map(|byte| byte.to_ascii_lowercase());
    PLAIN.binary_search_by(|known| letters(known).cmp(name.bytes().map(|byte| byte.to_ascii_lowercase()))).is_ok()
}

/// True for base64: letters that stand side by side there mean nothing.
fn is_encoded(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    text.bytes().all(|byte| is_base64(byte) || byte.is_ascii_whitespace())
        && text.split_ascii_whitespace().any(|run| run.len() >= ENCODED_RUN)
}

/// An element that is open while the scan passes.
struct Open {
    name: String,
    reading: Reading,
    offset: usize,
    text: String,
}

/// Looks for secrecy marks. One finding for each element that carries one: the place, never the text.
#[must_use]
pub fn scan(skeleton: &Skeleton) -> Vec<Finding> {
    let text = skeleton.text();
    let whole = text.strip_prefix('\u{feff}').unwrap_or(text);
    let shift = text.len() - whole.len();
    let mut reader = Reader::from_str(whole);
    // The splitter has checked the nesting; a second opinion here could only end the scan early.
    reader.config_mut().check_end_names = false;
    let mut open: Vec<Open> = Vec::new();
    let mut found: Vec<(usize, String)> = Vec::new();
    loop {
        let offset = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).saturating_add(shift);
        let Ok(event) = reader.read_event() else { break };
        let collecting = collecting(&mut open);
        match event {
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_owned();
                let reading = Reading::of(&name, &open);
                open.push(Open { name, reading, offset, text: String::new() });
            }
            Event::End(_) => {
                let Some(closed) = open.pop() else { continue };
                if closed.reading.finds_mark(&closed.text) {
                    found.push((closed.offset, path(&open, &closed.name)));
                }
            }
            Event::Text(text) => push(collecting, &text.xml10_content()),
            Event::CData(text) => push(collecting, &text.xml10_content()),
            // Of the named entities none is a letter.
            Event::GeneralRef(reference) => {
                let char = reference.resolve_char_ref().ok().flatten().unwrap_or(' ');
                push(collecting, char.encode_utf8(&mut [0; 4]));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let mut places = skeleton.places();
    found.sort_unstable();
    found
        .into_iter()
        .map(|(offset, path)| {
            let (line, column) = places.place(offset);
            Finding::of(&SECRECY_MARK).at(line, column).element(path)
        })
        .collect()
}

/// Scans a packet that is refused for other faults, or whose findings come from elsewhere: adds a finding for every
/// mark and, where there is one, blanks what the others quote. True when the packet carries a mark, so that neither
/// its bytes nor anything it says may be kept.
pub fn guard(skeleton: &Skeleton, findings: &mut Vec<Finding>) -> bool {
    let marks = scan(skeleton);
    let marked = !marks.is_empty();
    if marked {
        redact(findings);
        findings.splice(0..0, marks);
    }
    marked
}

/// Blanks what findings quote of the sender's text.
pub fn redact(findings: &mut [Finding]) {
    for finding in findings {
        finding.found = None;
    }
}

/// The element that text belongs to: the innermost one that is looked at. A signature's text belongs to none.
fn collecting(open: &mut [Open]) -> Option<&mut Open> {
    if open.last().is_some_and(|element| element.reading == Reading::Signature) {
        return None;
    }
    open.iter_mut().rev().find(|element| element.reading != Reading::Plain)
}

fn push(collecting: Option<&mut Open>, text: &str) {
    if let Some(element) = collecting {
        element.text.push_str(text);
    }
}

/// The path of an element as findings give it: from below the header, the body or the root.
fn path(parents: &[Open], name: &str) -> String {
    const FRAME: &[&str] = &["edXML", "edXMLEnvelope", "edXMLHeader", "edXMLBody"];
    let parents = parents.iter().map(|parent| parent.name.as_str()).skip_while(|name| FRAME.contains(name));
    parents.chain(std::iter::once(name)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::{PLAIN, is_plain};

    #[test]
    fn every_plain_name_is_found_in_its_place() {
        assert!(PLAIN.iter().all(|name| is_plain(name) && is_plain(&name.to_uppercase())));
        assert!(["", "edXM", "Websites", "Subject", "DoMat"].into_iter().all(|name| !is_plain(name)));
    }
}
