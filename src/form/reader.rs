//! A form as a packet's model. Every mistake becomes a finding that names its key, and the reading goes on, so that
//! whoever filled in the form hears of all of them at once.

use std::cell::RefCell;

use jiff::civil::{Date, DateTime};
use lienthong_contract::{Finding, Instant, Kind};
use lienthong_schemas::words::resembles;

use super::fields::{Key, Port};
use super::findings;
use super::json::Node;
use crate::edxml::is_xml_char;
use crate::edxml::model::{Located, TextAt};

/// Mistakes of one form that are told.
const MAX_MISTAKES: usize = 200;
/// Entries of one list; more recipients than any packet may have, and fewer than would fill the memory.
const MAX_ENTRIES: usize = 5_000;

/// What was noticed so far.
#[derive(Debug, Default)]
pub struct Notes(RefCell<Vec<Finding>>);

impl Notes {
    pub fn push(&self, kind: &'static Kind, key: &str, found: &str, expected: &str) {
        let mut all = self.0.borrow_mut();
        if all.len() >= MAX_MISTAKES {
            return;
        }
        let mut finding = Finding::of(kind).element(key);
        if !found.is_empty() {
            finding = finding.found(found);
        }
        if !expected.is_empty() {
            finding = finding.expected(expected);
        }
        all.push(finding);
    }

    pub fn into_findings(self) -> Vec<Finding> {
        self.0.into_inner()
    }
}

/// Reads the members of one group.
#[derive(Debug)]
pub struct Reader<'a> {
    members: &'a [(String, Node)],
    path: String,
    known: Vec<&'static str>,
    notes: &'a Notes,
}

impl<'a> Reader<'a> {
    pub fn new(members: &'a [(String, Node)], path: String, notes: &'a Notes) -> Self {
        for (at, (key, _)) in members.iter().enumerate() {
            if members.iter().take(at).any(|(before, _)| before == key) {
                notes.push(&findings::KEY_TWICE, &joined(&path, key), "", "");
            }
        }
        Self { members, path, known: Vec::new(), notes }
    }

    /// Says which members no field has asked for. Keys that begin with `$` or `_` are the writer's own notes.
    pub fn finish(self) {
        for (key, _) in self.members {
            if key.starts_with(['$', '_']) || self.known.contains(&key.as_str()) {
                continue;
            }
            let meant = self.known.iter().find(|known| resembles(key, known));
            let expected = meant.map_or_else(|| self.known.join(", "), |meant| (*meant).to_owned());
            self.notes.push(&findings::UNKNOWN_KEY, &joined(&self.path, key), key, &expected);
        }
    }

    pub fn path(&self, key: Key) -> String {
        joined(&self.path, key.0)
    }

    /// The member, unless it is absent or says nothing.
    pub fn member(&mut self, key: Key) -> Option<&'a Node> {
        self.known.push(key.0);
        let (_, node) = self.members.iter().find(|(name, _)| name == key.0)?;
        (*node != Node::Null).then_some(node)
    }

    fn wrong<T>(&self, key: &str, node: &Node, expected: &str) -> Option<T> {
        self.notes.push(&findings::WRONG_KIND, key, node.kind(), expected);
        None
    }

    /// A text without white space at its ends; an empty one is an absent one, as in a packet.
    fn read_text(&self, key: &str, node: &Node) -> Option<TextAt> {
        let text = match node {
            Node::Text(text) => text.trim().to_owned(),
            // A number is a text that needs no quotation marks.
            Node::Number(number) => number.to_string(),
            _ => return self.wrong(key, node, "chuỗi — text \"…\""),
        };
        if let Some(bad) = text.chars().find(|c| !is_xml_char(*c)) {
            self.notes.push(&findings::NOT_A_CHARACTER, key, &format!("U+{:04X}", u32::from(bad)), "");
            return None;
        }
        (!text.is_empty()).then(|| Located::made(text))
    }

    fn text_of(&mut self, key: Key) -> Option<(String, TextAt)> {
        let node = self.member(key)?;
        let path = self.path(key);
        self.read_text(&path, node).map(|text| (path, text))
    }

    fn whole(&mut self, key: Key, least: i64, most: i64) -> Option<i64> {
        let node = self.member(key)?;
        let path = self.path(key);
        let number = match node {
            Node::Number(number) => *number,
            Node::Text(text) if text.trim().is_empty() => return None,
            Node::Text(text) => match text.trim().parse() {
                Ok(number) => number,
                Err(_) => return self.wrong(&path, node, "số nguyên — a whole number"),
            },
            _ => return self.wrong(&path, node, "số nguyên — a whole number"),
        };
        if !(least..=most).contains(&number) {
            self.notes.push(&findings::OUT_OF_RANGE, &path, &number.to_string(), &format!("{least}–{most}"));
            return None;
        }
        Some(number)
    }

    fn inside<T: Default>(&self, node: &'a Node, path: String, fields: fn(&mut Self, &mut T)) -> Option<T> {
        let Node::Object(members) = node else { return self.wrong(&path, node, "nhóm — object { }") };
        let mut inner = Reader::new(members, path, self.notes);
        let mut value = T::default();
        fields(&mut inner, &mut value);
        inner.finish();
        Some(value)
    }

    fn entries(&mut self, key: Key) -> &'a [Node] {
        let Some(node) = self.member(key) else { return &[] };
        let path = self.path(key);
        match node {
            Node::List(list) if list.len() > MAX_ENTRIES => {
                let most = format!("≤ {MAX_ENTRIES}");
                self.notes.push(&findings::OUT_OF_RANGE, &path, &list.len().to_string(), &most);
                &[]
            }
            Node::List(list) => list,
            // One entry needs no list.
            Node::Object(_) | Node::Text(_) => std::slice::from_ref(node),
            _ => {
                let _: Option<()> = self.wrong(&path, node, "danh sách — list [ ]");
                &[]
            }
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// `2026-03-02`, and nothing like it.
fn read_date(text: &str) -> Option<Date> {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) && *year != "0000" => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// `2026-03-02T08:30:00+07:00`, with `Z` or with no zone, which is Vietnam's time. A packet knows whole seconds.
fn read_time(text: &str) -> Option<Instant> {
    let (date, _) = text.split_once(['T', 't', ' '])?;
    read_date(date)?;
    let instant = match text.parse::<jiff::Timestamp>() {
        Ok(stamp) => Instant::from_millis(stamp.as_millisecond()),
        Err(_) => Instant::from_vietnam(text.parse::<DateTime>().ok()?)?,
    };
    let instant = Instant::from_millis(instant.as_seconds().saturating_mul(1000));
    // What a packet writes has a year of four digits, also in Vietnam.
    (1..=9999).contains(&instant.in_vietnam().year()).then_some(instant)
}

impl Port for Reader<'_> {
    fn text(&mut self, key: Key, slot: &mut Option<TextAt>) {
        *slot = self.text_of(key).map(|(_, text)| text);
    }

    fn number(&mut self, key: Key, slot: &mut Option<Located<i32>>) {
        let number = self.whole(key, i32::MIN.into(), i32::MAX.into());
        *slot = number.and_then(|number| i32::try_from(number).ok()).map(Located::made);
    }

    fn count(&mut self, key: Key, slot: &mut Option<Located<u32>>) {
        let number = self.whole(key, 0, u16::MAX.into());
        *slot = number.and_then(|number| u32::try_from(number).ok()).map(Located::made);
    }

    fn flag(&mut self, key: Key, slot: &mut Option<Located<bool>>) {
        *slot = None;
        let Some(node) = self.member(key) else { return };
        *slot = match node {
            Node::Flag(flag) => Some(Located::made(*flag)),
            Node::Number(number @ 0..=1) => Some(Located::made(*number == 1)),
            _ => self.wrong(&self.path(key), node, "true / false"),
        };
    }

    fn date(&mut self, key: Key, slot: &mut Option<Located<Date>>) {
        *slot = self.text_of(key).and_then(|(path, text)| {
            let date = read_date(&text.value);
            if date.is_none() {
                self.notes.push(&findings::BAD_DATE, &path, &text.value, "2026-03-02");
            }
            date.map(Located::made)
        });
    }

    fn time(&mut self, key: Key, slot: &mut Option<Located<Instant>>) {
        *slot = self.text_of(key).and_then(|(path, text)| {
            let time = read_time(&text.value);
            if time.is_none() {
                self.notes.push(&findings::BAD_TIME, &path, &text.value, "2026-03-02T08:30:00+07:00");
            }
            time.map(Located::made)
        });
    }

    fn texts(&mut self, key: Key, slot: &mut Vec<TextAt>) {
        let entries = self.entries(key).iter().enumerate();
        *slot = entries.filter_map(|(at, node)| self.read_text(&format!("{}[{at}]", self.path(key)), node)).collect();
    }

    fn group<T: Default + PartialEq>(&mut self, key: Key, slot: &mut T, fields: fn(&mut Self, &mut T)) {
        let node = self.member(key);
        *slot = node.and_then(|node| self.inside(node, self.path(key), fields)).unwrap_or_default();
    }

    fn option<T: Default>(&mut self, key: Key, slot: &mut Option<T>, fields: fn(&mut Self, &mut T)) {
        let node = self.member(key);
        *slot = node.and_then(|node| self.inside(node, self.path(key), fields));
    }

    fn list<T: Default>(&mut self, key: Key, slot: &mut Vec<T>, fields: fn(&mut Self, &mut T)) {
        let entries = self.entries(key).iter().enumerate();
        *slot =
            entries.filter_map(|(at, node)| self.inside(node, format!("{}[{at}]", self.path(key)), fields)).collect();
    }
}
