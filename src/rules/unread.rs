//! What can be said of a packet that its reader refused, so that the sender hears of everything at once and not of one
//! fault after the other.
//!
//! There is no model of such a packet, but its skeleton is well-formed XML: the schemas can be asked, and who sends it,
//! whom it is for and its date can be looked up where they are written once and clearly. What needs the model is told
//! as not judged. Nothing here can make a packet acceptable: it has been refused.

use lienthong_contract::{Finding, Kind};
use lienthong_schemas::PacketKind;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::findings::NOT_JUDGED;
use super::{Context, Recipient, document, recipients, sender};
use crate::directory::AgencyKey;
use crate::edxml::dates::read_date;
use crate::edxml::findings as reading;
use crate::edxml::model::TextAt;
use crate::edxml::{Skeleton, Split};

/// Faults after which the rest of the packet means nothing.
static HOPELESS: &[&Kind] = &[
    &reading::MALFORMED,
    &reading::DECLARED_ENCODING,
    &reading::NOT_EDXML,
    &reading::FOREIGN_NAMESPACE,
    &reading::LEGACY_FORM,
    &reading::UNDECLARED_PREFIX,
];

/// A side from which a packet is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Schema,
    Sender,
    Recipients,
    Signature,
    /// Placeholders, business types and their targets, names used before: all that needs the whole model.
    Business,
}

impl Side {
    /// Every side, in the order in which a gateway looks.
    pub const ALL: [Self; 5] = [Self::Schema, Self::Sender, Self::Recipients, Self::Signature, Self::Business];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Schema => ("lược đồ của quy chuẩn", "schema"),
            Self::Sender => ("nơi gửi", "sender"),
            Self::Recipients => ("nơi nhận", "recipients"),
            Self::Signature => ("chữ ký số", "signature"),
            Self::Business => ("quy tắc nghiệp vụ và trùng lặp", "business rules and duplicates"),
        }
    }
}

/// What was found in spite of all.
#[derive(Debug, Default)]
pub struct Unread {
    pub findings: Vec<Finding>,
    pub sender: Option<AgencyKey>,
    /// What nothing can be said about.
    pub not_judged: Vec<Side>,
}

/// Says that these sides were not looked at, because of what the packet was refused for.
#[must_use]
pub fn not_judged(sides: &[Side]) -> Finding {
    let words = |pick: fn((&'static str, &'static str)) -> &'static str| {
        sides.iter().map(|side| pick(side.words())).collect::<Vec<_>>().join(", ")
    };
    if sides.len() == Side::ALL.len() {
        return Finding::of(&NOT_JUDGED).found("mọi nội dung khác của gói tin — everything else in the packet");
    }
    Finding::of(&NOT_JUDGED).found(format!("{} — {}", words(|(vi, _)| vi), words(|(_, en)| en)))
}

/// Looks at a packet that was refused for the findings `told`.
#[must_use]
pub fn check_unread(ctx: &Context<'_>, split: &Split, told: &[Finding]) -> Unread {
    let mut unread = Unread::default();
    if told.iter().any(|finding| finding.refuses() && HOPELESS.iter().any(|kind| finding.code == kind.code)) {
        unread.not_judged = Side::ALL.to_vec();
        return unread;
    }
    let written = Written::read(&split.skeleton);
    let kind = if written.is_status { PacketKind::Status } else { PacketKind::Document };
    if let Some(schemas) = ctx.schemas {
        unread.findings.extend(schemas.check(split, kind, ctx.today()));
    }
    match written.from.as_slice() {
        [from] => unread.sender = sender::check_written(ctx, from, None, &mut unread.findings),
        _ => unread.not_judged.push(Side::Sender),
    }
    let to = if written.is_status { &written.response_for } else { &written.to };
    if to.is_empty() {
        unread.not_judged.push(Side::Recipients);
    }
    // They are judged for what is found there; nothing is delivered to them.
    let _: Vec<Recipient> = match written.is_status {
        true => recipients::of_replies(ctx, to, &mut unread.findings),
        false => recipients::of_codes(ctx, to.iter(), &mut unread.findings),
    };
    if let [date] = written.dates.as_slice()
        && let Some(read) = read_date(&date.value)
    {
        document::check_date(ctx, &date.clone().map(|_| read.value), &mut unread.findings);
    }
    if unread.sender.is_none() {
        // Whether this sender has to sign, and with which certificate, depends on who it is.
        unread.not_judged.push(Side::Signature);
    }
    unread.not_judged.push(Side::Business);
    unread
}

/// The fields that can be judged each by itself, as they were written.
#[derive(Debug, Default)]
struct Written {
    is_status: bool,
    from: Vec<TextAt>,
    to: Vec<TextAt>,
    response_for: Vec<TextAt>,
    dates: Vec<TextAt>,
}

impl Written {
    fn read(skeleton: &Skeleton) -> Self {
        let mut written = Self::default();
        let text = skeleton.text();
        let whole = text.strip_prefix('\u{feff}').unwrap_or(text);
        let shift = text.len() - whole.len();
        let mut reader = Reader::from_str(whole);
        // The splitter has checked the nesting.
        reader.config_mut().check_end_names = false;
        let mut places = skeleton.places();
        let mut open: Vec<(String, usize)> = Vec::new();
        let mut value = String::new();
        loop {
            let offset = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).saturating_add(shift);
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    open.push((start.local_name().into_inner().to_owned(), offset));
                    value.clear();
                }
                Ok(Event::End(_)) => {
                    written.take(&open, value.trim(), |offset| places.place(offset));
                    open.pop();
                    value.clear();
                }
                Ok(Event::Text(text)) => value.push_str(&text.xml10_content()),
                Ok(Event::CData(text)) => value.push_str(&text.xml10_content()),
                Ok(Event::Eof) | Err(_) => return written,
                Ok(_) => {}
            }
        }
    }

    /// Keeps the text of the innermost open element, where it is one of the fields.
    fn take(&mut self, open: &[(String, usize)], value: &str, place: impl FnOnce(usize) -> (u32, u32)) {
        let [.., (_, offset)] = open else { return };
        let names: Vec<&str> = open.iter().rev().take(3).map(|(name, _)| name.as_str()).collect();
        self.is_status |=
            matches!(names.as_slice(), ["StatusCode", "MessageHeader", ..] | ["Status", "edXMLHeader", ..]);
        if value.is_empty() {
            return;
        }
        let list = match names.as_slice() {
            ["OrganId", "From", "MessageHeader" | "Status"] => &mut self.from,
            ["OrganId", "To", "MessageHeader"] => &mut self.to,
            ["OrganId", "ResponseFor", "MessageHeader" | "Status"] => &mut self.response_for,
            ["PromulgationDate", "PromulgationInfo", "MessageHeader"] => &mut self.dates,
            _ => return,
        };
        let (line, column) = place(*offset);
        list.push(TextAt::at(value.to_owned(), line, column));
    }
}
