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
];

/// An element that is open while the scan passes.
struct Open {
    name: String,
    /// Index into [`SCANNED`].
    scanned: Option<usize>,
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
        let collecting = open.iter_mut().rev().find(|element| element.scanned.is_some());
        match event {
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_owned();
                let scanned = SCANNED.iter().position(|(scanned, _)| scanned.eq_ignore_ascii_case(&name));
                open.push(Open { name, scanned, offset, text: String::new() });
            }
            Event::End(_) => {
                let Some(closed) = open.pop() else { continue };
                if closed.scanned.and_then(|at| SCANNED.get(at)).is_some_and(|(_, is_name)| {
                    if *is_name { name_carries_mark(&closed.text) } else { carries_mark(&closed.text) }
                }) {
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
