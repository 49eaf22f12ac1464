//! What is done to a tree. Each step changes how something is said and never what.

use jiff::civil::{Date, DateTime};
use lienthong_contract::{Instant, Kind, Text};
use lienthong_schemas::findings as xsd;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::tree::{Node, Part};
use super::{
    ATTRIBUTE, BREAKS, COMPOSED, CONTENT_ID, DATE, DUMMY, EMPTY, Log, MADE, MOVED, NAME, ORDER, PREFIX, Place, SPACE,
    START, STATUS, TIME, UNSIGNED, emit, order,
};
use crate::edxml::dates::{read_date, read_time, write_date, write_time};
use crate::edxml::findings as edx;
use crate::edxml::model::{Packet, PacketSignature, StatusCode};
use crate::edxml::{Limits, Split, document_types, parse, split_bytes};
use crate::trust::xmldsig::findings as signature;

/// Mends a whole packet.
pub fn repair(root: &mut Node, split: &Split, log: &mut Log) {
    let whole = Place { path: "edXML", line: 1, column: 1 };
    if !split.skeleton.bytes.starts_with(b"<") {
        log.add(&edx::SPACE_BEFORE_XML, &START, whole, (None, None));
    }
    // Whether it is a status packet is told by names too.
    for _ in 0..2 {
        let is_status = is_status(root);
        right_case(root, "", "", is_status, log);
    }
    move_attachments(root, log);
    let mut prefixes = None;
    let is_status = is_status(root);
    element(root, "", "", is_status, log, &mut prefixes);
    if let Some((line, column, was)) = prefixes {
        let place = Place { path: "edXML", line, column };
        log.add(&edx::PREFIX_ASSUMED, &PREFIX, place, (Some(was.as_str()), None));
    }
    if split.bodies.iter().any(|body| broken_lines(split, body.cut, body.decoded_len)) {
        let place = Place { path: "AttachmentEncoded/Attachment/ContentTransferEncoded", line: 1, column: 1 };
        log.add(&xsd::BAD_FORM, &BREAKS, place, (None, None));
    }
    complete(root, log);
}

pub fn is_status(root: &Node) -> bool {
    let header = root.find(&["edXMLEnvelope", "edXMLHeader"]);
    header.is_some_and(|header| {
        header.children().any(|child| child.name == "Status" || child.find(&["StatusCode"]).is_some())
    })
}

/// Whether a content holds more than its base64.
fn broken_lines(split: &Split, cut: usize, decoded: u64) -> bool {
    split.skeleton.cuts.get(cut).is_some_and(|cut| cut.source_len != decoded.div_ceil(3) * 4)
}

/// Puts the list of attachments where the standard has it.
pub fn move_attachments(root: &mut Node, log: &mut Log) {
    let mut moved = Vec::new();
    for path in [&["edXMLEnvelope"][..], &["edXMLEnvelope", "edXMLBody"]] {
        let Some(holder) = root.find_mut(path) else { continue };
        let is_list = |part: &Part| matches!(part, Part::Child(child) if child.name == "AttachmentEncoded");
        let (lists, rest) = std::mem::take(&mut holder.parts).into_iter().partition(is_list);
        holder.parts = rest;
        let lists: Vec<Part> = lists;
        moved.extend(lists);
    }
    for part in &moved {
        if let Part::Child(Node { line, column, .. }) = part {
            let place = Place { path: "AttachmentEncoded", line: *line, column: *column };
            log.add(&xsd::UNEXPECTED, &MOVED, place, (None, None));
        }
    }
    root.parts.extend(moved);
}

/// Names that differ from the standard's in small and capital letters alone get the standard's, before all else: every other
/// mend knows elements by their names. One that stands beside its own rightly written self is left alone.
fn right_case(node: &mut Node, parent: &str, above: &str, status: bool, log: &mut Log) {
    let path = path(above, &node.name);
    let Some(known) = order::children(parent, &node.name, status) else { return };
    let there: Vec<String> = node.children().map(|child| child.name.clone()).collect();
    for child in node.children_mut().filter(|child| !known.contains(&&*child.name)) {
        let mut meant = known.iter().filter(|name| name.eq_ignore_ascii_case(&child.name));
        let (Some(standard), None) = (meant.next(), meant.next()) else { continue };
        if there.iter().any(|name| name == standard) {
            continue;
        }
        let place = Place { path: &path, line: child.line, column: child.column };
        log.add(&edx::CORRECT_SPELLING, &NAME, place, (Some(&child.name), Some(standard)));
        (*standard).clone_into(&mut child.name);
    }
    let name = node.name.clone();
    node.children_mut().for_each(|child| right_case(child, &name, &path, status, log));
}

type Prefixes = Option<(u32, u32, String)>;

fn element(node: &mut Node, parent: &str, above: &str, status: bool, log: &mut Log, prefixes: &mut Prefixes) {
    let path = path(above, &node.name);
    let place = Place { path: &path, line: node.line, column: node.column };
    let expected = emit::prefix(parent, &node.name);
    if node.line > 0 && node.prefix != expected && prefixes.is_none() {
        *prefixes = Some((node.line, node.column, format!("{}:{}", node.prefix, node.name)));
    }
    if parent == "edXMLHeader" && node.name == "Signature" {
        return;
    }
    let known = order::children(parent, &node.name, status);
    attributes(node, place, known.is_some(), log);
    let Some(known) = known else { return value(node, parent, place, log) };
    for child in node.children_mut() {
        if let Some(standard) = order::spelt(place_name(&path), &child.name) {
            let place = Place { path: &path, line: child.line, column: child.column };
            log.add(&edx::CORRECT_SPELLING, &NAME, place, (Some(&child.name), Some(standard)));
            standard.clone_into(&mut child.name);
        }
    }
    drop_empty(node, &path, log);
    sort(node, place, known, log);
    let name = node.name.clone();
    // What an element that nobody knows holds is its own business.
    let of_standard = node.children_mut().filter(|child| known.contains(&&*child.name));
    of_standard.for_each(|child| element(child, &name, &path, status, log, prefixes));
}

fn place_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Paths as findings have them: without the wrappers of every packet.
fn path(above: &str, name: &str) -> String {
    match above {
        "" | "edXML" | "edXMLEnvelope" | "edXMLHeader" | "edXMLBody" => name.to_owned(),
        above => format!("{above}/{name}"),
    }
}

/// The manifest's version is the one attribute of the standard.
fn attributes(node: &mut Node, place: Place<'_>, known: bool, log: &mut Log) {
    let of_standard = |name: &str| (place_name(place.path), name) == ("edXMLManifest", "version");
    if place_name(place.path) == "Reference" {
        name_in_an_element(node);
    }
    if !known && !node.parts.iter().any(|part| matches!(part, Part::Body(_))) && node.attributes.is_empty() {
        return;
    }
    let dropped = node.attributes.iter().find(|(name, _)| !of_standard(name)).map(|(name, _)| name.clone());
    if let Some(name) = dropped {
        log.add(&xsd::BAD_ATTRIBUTE, &ATTRIBUTE, place, (Some(&name), None));
        node.attributes.retain(|(name, _)| of_standard(name));
    }
    if place_name(place.path) == "edXMLManifest" && node.attributes.is_empty() {
        node.attributes.push(("version".to_owned(), "1.0".to_owned()));
        log.add(&xsd::BAD_ATTRIBUTE, &MADE, place, (None, Some("version=\"1.0\"")));
    }
}

/// A reference that names its attachment in an attribute alone names it in an element too.
pub fn name_in_an_element(reference: &mut Node) {
    if reference.children().filter(|child| child.name == "ContentId").all(Node::is_empty) {
        let is_href = |name: &str| name.rsplit(':').next() == Some("href");
        let href = reference.attributes.iter().find(|(name, value)| is_href(name) && !value.trim().is_empty());
        if let Some((_, value)) = href.cloned() {
            reference.parts.push(Part::Child(Node::made("ContentId", Some(value.trim()))));
        }
    }
}

/// An empty element is an absent one, also where nobody knows it.
fn drop_empty(node: &mut Node, path: &str, log: &mut Log) {
    node.parts.retain(|part| match part {
        Part::Child(child) => {
            let href = child.attributes.iter().any(|(name, _)| name.ends_with("href"));
            let kept = !child.is_empty() || href || matches!(&*child.name, "edXMLManifest" | "edXMLBody");
            if !kept {
                let path = self::path(path, &child.name);
                let place = Place { path: &path, line: child.line, column: child.column };
                log.add(&xsd::EMPTY, &EMPTY, place, (None, None));
            }
            kept
        }
        // Between elements only white space is without meaning.
        Part::Text(text) => !text.trim().is_empty(),
        Part::Body(_) | Part::Foreign(..) => true,
    });
}

pub fn sort(node: &mut Node, place: Place<'_>, known: &[&str], log: &mut Log) {
    let rank = |part: &Part| match part {
        Part::Child(child) => known.iter().position(|name| *name == child.name).unwrap_or(known.len()),
        Part::Foreign(_, true) => known.iter().position(|name| *name == "Signature").unwrap_or(known.len()),
        Part::Foreign(_, false) => known.len(),
        Part::Text(_) | Part::Body(_) => 0,
    };
    if !node.parts.is_sorted_by_key(rank) {
        node.parts.sort_by_key(rank);
        log.add(&xsd::WRONG_ORDER, &ORDER, place, (None, None));
    }
}

/// Names that other documents call this one by are compared letter by letter, so they stay as they are.
const OPAQUE: &[&str] = &["DocumentId", "OrganId", "ContentId", "TaskCode"];

fn value(node: &mut Node, parent: &str, place: Place<'_>, log: &mut Log) {
    if parent == "ResponseFor" && node.name == "Code" && node.children().next().is_some() {
        let both = ["CodeNumber", "CodeNotation"].map(|name| node.find(&[name]).map(Node::text).unwrap_or_default());
        let text = both.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/");
        log.add(&xsd::UNEXPECTED, &NAME, place, (None, Some(&text)));
        node.parts = vec![Part::Text(text)];
    }
    if node.parts.iter().any(|part| matches!(part, Part::Body(_))) {
        // White space around a content says nothing.
        node.parts.retain(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
        return;
    }
    let [Part::Text(text)] = node.parts.as_mut_slice() else { return };
    let mut set = |kind: &'static Kind, done: &Text, text: &mut String, new: String| {
        if *text != new {
            log.add(kind, done, place, (Some(text.as_str()), Some(&new)));
            *text = new;
        }
    };
    let trimmed = text.trim().to_owned();
    set(&xsd::BAD_FORM, &SPACE, text, trimmed);
    if !OPAQUE.contains(&&*node.name) && !is_nfc(text) {
        let composed = text.nfc().collect();
        set(&edx::NOT_COMPOSED, &COMPOSED, text, composed);
    }
    match &*node.name {
        "PromulgationDate" | "DueDate" => {
            if let Some(date) = date(text) {
                set(&edx::BAD_DATE, &DATE, text, write_date(date));
            }
        }
        "Timestamp" => {
            if let Some(time) = time(text) {
                set(&edx::BAD_DATE, &TIME, text, write_time(time));
            }
        }
        "StatusCode" if text.len() == 1 => {
            let code = StatusCode::from_code(text).code().to_owned();
            set(&edx::STATUS_PADDED, &STATUS, text, code);
        }
        "ContentId" => {
            let mut token = text.as_str();
            while let Some((_, rest)) = token.split_at_checked(4).filter(|(head, _)| head.eq_ignore_ascii_case("cid:"))
            {
                token = rest.trim_start();
            }
            let new = format!("cid:{token}");
            if !token.is_empty() {
                set(&edx::ODD_CONTENT_ID, &CONTENT_ID, text, new);
            }
        }
        _ => {}
    }
}

/// A date in whatever form, where it can mean one day only: `30/10/2020` can, `03/02/2026` cannot.
fn date(text: &str) -> Option<Date> {
    if let Some(read) = read_date(text) {
        return Some(read.value);
    }
    let parts: Vec<&str> = text.split(['/', '-', '.']).collect();
    let number = |part: &str, most: usize| {
        let digits = !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i16>().ok()).flatten()
    };
    let [one, two, three] = parts.as_slice() else { return None };
    let (year, month, day) = if one.len() == 4 {
        (number(one, 4)?, number(two, 2)?, number(three, 2)?)
    } else if three.len() == 4 {
        let (day, month) = (number(one, 2)?, number(two, 2)?);
        if day <= 12 && day != month {
            return None;
        }
        (number(three, 4)?, month, day)
    } else {
        return None;
    };
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok().filter(|date| date.year() > 0)
}

fn time(text: &str) -> Option<Instant> {
    if let Some(read) = read_time(text) {
        return Some(read.value);
    }
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(Instant::from_millis(stamp.as_millisecond()));
    }
    let (day, clock) = text.split_once(['T', ' '])?;
    let day = date(day)?;
    let clock: jiff::civil::Time = clock.trim().parse().ok()?;
    Instant::from_vietnam(DateTime::from_parts(day, clock))
}

/// Puts in what follows from the rest of the packet, as far as the mended packet can be read.
fn complete(root: &mut Node, log: &mut Log) {
    let mut skeleton = Vec::new();
    if emit::packet(root, &mut skeleton, |_, _| Ok(())).is_err() {
        return;
    }
    let Some(read) = split_bytes(&skeleton, &Limits::default()).ok().and_then(|split| parse(&split).ok()) else {
        return;
    };
    complete_manifest(root, log);
    let Packet::Document(document) = read.packet else { return };
    let place = |path: &'static str| Place { path, line: 1, column: 1 };
    if document.document_id.is_none()
        && let Some(header) = root.find_mut(&["edXMLEnvelope", "edXMLHeader", "MessageHeader"])
    {
        let id = document.id();
        insert(header, "MessageHeader", "edXMLHeader", Node::made("DocumentId", Some(&id)));
        log.add(&edx::ID_MADE, &MADE, place("MessageHeader/DocumentId"), (None, Some(&id)));
    }
    let kind = &document.document_type;
    if let (Some(name), None) = (&kind.name, &kind.group)
        && let Some(official) = document_types::by_name(&name.value)
        && let Some(node) = root.find_mut(&["edXMLEnvelope", "edXMLHeader", "MessageHeader", "DocumentType"])
    {
        let group = official.group.to_string();
        insert(node, "DocumentType", "MessageHeader", Node::made("Type", Some(&group)));
        log.add(&xsd::MISSING, &MADE, place("MessageHeader/DocumentType/Type"), (None, Some(&group)));
    }
    if document.business.is_none()
        && let Some(list) = root.find_mut(&["edXMLEnvelope", "edXMLHeader", "TraceHeaderList"])
    {
        let mut business = Node::made("Bussiness", None);
        business.parts.push(Part::Child(Node::made("BussinessDocType", Some("0"))));
        insert(list, "TraceHeaderList", "edXMLHeader", business);
        log.add(&edx::RECOMMENDED, &MADE, place("TraceHeaderList/Bussiness"), (None, Some("BussinessDocType 0")));
    }
    if document.signature == PacketSignature::Dummy
        && let Some(header) = root.find_mut(&["edXMLEnvelope", "edXMLHeader"])
    {
        header.parts.retain(|part| !is_signature(part));
        log.add(&edx::DUMMY_SIGNATURE, &DUMMY, place("edXMLHeader/Signature"), (None, None));
    }
}

/// A reference of the manifest that only names its attachment says what the attachment says of itself.
fn complete_manifest(root: &mut Node, log: &mut Log) {
    let id_of = |node: &Node| node.find(&["ContentId"]).map(Node::text).filter(|id| !id.is_empty());
    let attachments: Vec<(String, Vec<(&'static str, String)>)> = (root.find(&["AttachmentEncoded"]).into_iter())
        .flat_map(Node::children)
        .filter_map(|attachment| {
            let said = |name: &'static str| Some((name, attachment.find(&[name])?.text()));
            let says = ["ContentType", "AttachmentName"].into_iter().filter_map(said);
            Some((id_of(attachment)?, says.filter(|(_, text)| !text.is_empty()).collect()))
        })
        .collect();
    let Some(manifest) = root.find_mut(&["edXMLEnvelope", "edXMLBody", "edXMLManifest"]) else { return };
    for reference in manifest.children_mut().filter(|child| child.name == "Reference") {
        let Some(id) = id_of(reference) else { continue };
        let mut meant = attachments.iter().filter(|(other, _)| *other == id);
        let (Some((_, says)), None) = (meant.next(), meant.next()) else { continue };
        for (name, text) in says {
            if reference.find(&[name]).is_some() {
                continue;
            }
            let path = format!("edXMLManifest/Reference/{name}");
            let place = Place { path: &path, line: reference.line, column: reference.column };
            log.add(&xsd::MISSING, &MADE, place, (None, Some(text)));
            insert(reference, "Reference", "edXMLManifest", Node::made(name, Some(text)));
        }
    }
}

fn is_signature(part: &Part) -> bool {
    matches!(part, Part::Foreign(_, true)) || matches!(part, Part::Child(child) if child.name == "Signature")
}

/// Puts a child where it belongs.
fn insert(node: &mut Node, name: &str, parent: &str, child: Node) {
    let Some(known) = order::children(parent, name, false) else { return };
    let rank = |name: &str| known.iter().position(|known| *known == name).unwrap_or(known.len());
    let own = rank(&child.name);
    let behind = |part: &Part| !matches!(part, Part::Child(other) if rank(&other.name) <= own);
    let at = node.parts.iter().position(behind).unwrap_or(node.parts.len());
    node.parts.insert(at, Part::Child(child));
}

/// The signature of a packet that was changed speaks of other bytes.
pub fn remove_signature(root: &mut Node, log: &mut Log) {
    if let Some(header) = root.find_mut(&["edXMLEnvelope", "edXMLHeader"]) {
        header.parts.retain(|part| !matches!(part, Part::Foreign(_, true)));
        let place = Place { path: "edXMLHeader/Signature", line: 1, column: 1 };
        log.add(&signature::WRONG_DIGEST, &UNSIGNED, place, (None, None));
    }
}
