//! What a gateway would say of the packet that a form becomes, told in the keys of the form.
//!
//! The packet is written without the contents of its attachments and judged as any other; each finding is then led back
//! from its element and place to the key that the element was written from.

use std::io::{self, Read};

use lienthong_contract::{Finding, Instant};

use super::names::{Name, Names};
use super::{Attached, Form};
use crate::edxml::findings::EMPTY_ATTACHMENT;
use crate::edxml::model::{AttachmentMeta, Packet, TextAt};
use crate::edxml::write::{write_document, write_status};
use crate::edxml::{Limits, split_bytes};
use crate::preview::{self, Judge};
use crate::rules::findings::NOT_JUDGED;

/// Every mistake in a completed form: those that were told when it was read, and what the judge finds besides.
///
/// # Errors
/// The judge cannot work.
pub fn mistakes(form: &Form, mut told: Vec<Finding>, judge: &Judge, now: Instant) -> io::Result<Vec<Finding>> {
    let mut packet = Vec::new();
    form.write(&mut packet, form.attached.iter().map(|_| io::empty()))?;
    let found = match split_bytes(&packet, &Limits::default()) {
        Ok(split) => judge.judge_split(&split, &mut packet.as_slice(), now)?,
        Err(found) => found,
    };
    let names = match form.packet {
        Packet::Document(_) => Names::of_document(),
        Packet::Status(_) => Names::of_status(),
    };
    let text = String::from_utf8_lossy(&packet);
    let of_signature = |finding: &Finding| finding.element.as_deref() == Some("edXMLHeader/Signature");
    let of_packet = [&EMPTY_ATTACHMENT, &NOT_JUDGED, &preview::findings::NO_DIRECTORY];
    for mut finding in found {
        // What comes later (contents, signature), or is said of the preview and not of the form.
        if of_signature(&finding) || of_packet.iter().any(|kind| kind.code == finding.code) {
            continue;
        }
        if let Some(element) = &finding.element {
            let element = element.replace("edXMLManifest/Reference", "AttachmentEncoded/Attachment");
            if let Some(name) = names.of_element(&element) {
                finding.element = Some(keyed(name, &text, offset(&text, &finding)));
            }
        }
        (finding.line, finding.column) = (None, None);
        let about = |other: &Finding| covers(other.element.as_deref(), finding.element.as_deref());
        let known = |other: &Finding| {
            (other.refuses() && about(other)) || (other.code == finding.code && other.element == finding.element)
        };
        if !told.iter().any(known) {
            told.push(finding);
        }
    }
    Ok(told)
}

impl Form {
    /// Writes the packet; `contents` are those of the attachments, in their order.
    ///
    /// # Errors
    /// Reading a content or writing fails.
    pub fn write<R: Read>(&self, out: impl io::Write, contents: impl IntoIterator<Item = R>) -> io::Result<()> {
        let meta = |one: &Attached| {
            let said = |text: &Option<TextAt>| text.as_ref().map(|text| text.value.clone());
            AttachmentMeta {
                content_id: said(&one.meta.content_id).unwrap_or_default(),
                name: said(&one.meta.name).unwrap_or_default(),
                description: said(&one.meta.description),
                content_type: said(&one.meta.content_type).unwrap_or_default(),
            }
        };
        match &self.packet {
            Packet::Document(document) => write_document(out, document, self.attached.iter().map(meta).zip(contents)),
            Packet::Status(report) => write_status(out, report),
        }
    }
}

/// What was said of one key speaks of the other too: they are the same, or one is a group that holds the other.
fn covers(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    let within = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    !one.is_empty() && (within(one, other) || within(other, one))
}

/// Where in the packet's text a finding's place is.
fn offset(text: &str, finding: &Finding) -> usize {
    let (Some(line), Some(column)) = (finding.line, finding.column) else { return 0 };
    let skip = |count: u32| usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = text.split_inclusive('\n').take(skip(line)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(skip(column)).map_or(rest.len(), |(at, _)| at)
}

/// The key with the numbers of the entries that the place lies in.
fn keyed(name: &Name, text: &str, offset: usize) -> String {
    let mut key = String::new();
    let mut parts = name.key.split("[]");
    key.push_str(parts.next().unwrap_or_default());
    let numbers = entries(name, text, offset);
    let mut numbers = numbers.iter();
    for part in parts {
        match numbers.next() {
            Some(Some(number)) => key.push_str(&format!("[{number}]")),
            _ => key.push_str("[]"),
        }
        key.push_str(part);
    }
    key
}

/// For each list on the way to the element, which entry holds the place; none when the place lies before the first.
fn entries(name: &Name, text: &str, offset: usize) -> Vec<Option<usize>> {
    let mut numbers = Vec::new();
    let (mut from, mut length) = (0, 0);
    // An element that begins at the place counts.
    let to = text.get(offset..).and_then(|rest| rest.find('>')).map_or(text.len(), |end| offset + end + 1);
    for step in name.element.split('/') {
        length += step.len() + usize::from(length > 0);
        let region = text.get(from..to).unwrap_or_default();
        let tags = [format!("<edXML:{step}>"), format!("<{step}>")];
        let starts: Vec<usize> =
            tags.iter().flat_map(|tag| region.match_indices(tag.as_str())).map(|(at, _)| at).collect();
        if name.lists.contains(&length) {
            numbers.push(starts.len().checked_sub(1));
        }
        if let Some(last) = starts.iter().max() {
            from += last + 1;
        }
    }
    numbers
}
