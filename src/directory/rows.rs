//! Reading one row of the directory file: every key by its own rule, every fault kept with its place.

use std::cell::OnceCell;
use std::ops::Range;
use std::str::FromStr;

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, Digest, Finding, HopName, Kind};
use toml::Spanned;
use toml::de::DeValue;

use super::agency::{Policy, Requirement};
use super::findings::{BAD_CODE, BAD_DATE, BAD_FINGERPRINT, BAD_HOP, MISSING_KEY, TOO_LARGE, UNKNOWN_KEY, WRONG_TYPE};

/// Longest list in one row: aliases, certificates, agencies to speak for.
const MAX_LIST: usize = 20_000;
/// Longest name of an agency, in characters (twice what a packet may hold in `OrganName`).
const MAX_NAME_CHARS: usize = 400;

/// The faults found so far, up to a limit, and the text they are in.
pub(super) struct Problems<'t> {
    text: &'t str,
    /// Offsets of the line starts; counted when the first fault needs them.
    lines: OnceCell<Vec<usize>>,
    pub found: Vec<Finding>,
    pub more: usize,
    limit: usize,
}

impl<'t> Problems<'t> {
    pub const fn new(text: &'t str, limit: usize) -> Self {
        Self { text, lines: OnceCell::new(), found: Vec::new(), more: 0, limit }
    }

    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Keeps one fault: what, at which byte, at which row and key.
    pub fn add(&mut self, kind: &'static Kind, at: usize, path: String, tell: impl FnOnce(Finding) -> Finding) {
        if self.found.len() >= self.limit {
            self.more += 1;
            return;
        }
        let (line, column) = self.position(at);
        self.found.push(tell(Finding::of(kind).at(line, column).element(path)));
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn position(&self, at: usize) -> (u32, u32) {
        let starts = self.lines.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(newline, _)| newline + 1)).collect()
        });
        let line = starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| starts.get(line)).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// A value with the byte it starts at, for checks that need other rows as well.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub value: T,
    pub at: usize,
    /// Where it stands, e.g. `agency[3].successors[1]`.
    pub path: String,
}

/// A row read by itself; codes in it are not yet looked up.
#[derive(Debug)]
pub(super) struct Row {
    pub code: Placed<AgencyCode>,
    pub old_code: Option<Placed<AgencyCode>>,
    pub aliases: Vec<Placed<AgencyCode>>,
    pub name: String,
    pub name_en: Option<String>,
    pub mail: Option<String>,
    pub parent: Option<Placed<AgencyCode>>,
    pub valid_from: Option<Date>,
    pub valid_to: Option<Placed<Date>>,
    pub successors: Vec<Placed<AgencyCode>>,
    pub locked: bool,
    pub canary: bool,
    pub hop: Option<HopName>,
    pub client_certificates: Vec<Placed<Digest>>,
    pub signing_certificates: Vec<Placed<Digest>>,
    pub speaks_for: Vec<Placed<Spoken>>,
    pub policy: Policy,
}

/// For whom, as written.
#[derive(Debug, Clone)]
pub(super) enum Spoken {
    Agency(AgencyCode),
    Subtree(AgencyCode),
}

/// One value of a table and the path that names it.
struct Cell<'r, 't> {
    value: &'r DeValue<'t>,
    span: Range<usize>,
    path: String,
}

/// Reads one `[[agency]]`. None when the row has no usable code; its other faults are kept all the same.
pub(super) fn read(number: usize, row: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Option<Row> {
    let base = format!("agency[{number}]");
    let start = row.span().start;
    let DeValue::Table(table) = row.get_ref() else {
        problems.add(&WRONG_TYPE, start, base, |finding| finding.expected("[[agency]]"));
        return None;
    };
    let mut draft = Draft::default();
    for (key, value) in table {
        let cell = Cell { value: value.get_ref(), span: value.span(), path: format!("{base}.{}", key.get_ref()) };
        if !draft.set(key.get_ref(), &cell, problems) {
            problems.add(&UNKNOWN_KEY, key.span().start, cell.path, |finding| finding.found(key.get_ref()));
        }
    }
    for (key, missing) in [("code", !table.contains_key("code")), ("name", !table.contains_key("name"))] {
        if missing {
            problems.add(&MISSING_KEY, start, format!("{base}.{key}"), |finding| finding);
        }
    }
    draft.finish()
}

/// A row while its keys come in, in any order.
#[derive(Default)]
struct Draft {
    code: Option<Placed<AgencyCode>>,
    old_code: Option<Placed<AgencyCode>>,
    aliases: Vec<Placed<AgencyCode>>,
    name: Option<String>,
    name_en: Option<String>,
    mail: Option<String>,
    parent: Option<Placed<AgencyCode>>,
    valid_from: Option<Placed<Date>>,
    valid_to: Option<Placed<Date>>,
    successors: Vec<Placed<AgencyCode>>,
    locked: bool,
    canary: bool,
    hop: Option<HopName>,
    client_certificates: Vec<Placed<Digest>>,
    signing_certificates: Vec<Placed<Digest>>,
    speaks_for: Vec<Placed<Spoken>>,
    policy: Policy,
}

impl Draft {
    /// False when there is no such key.
    fn set(&mut self, key: &str, cell: &Cell<'_, '_>, problems: &mut Problems<'_>) -> bool {
        match key {
            "code" => self.code = cell.code(problems),
            "old_code" => self.old_code = cell.code(problems),
            "aliases" => self.aliases = cell.each(problems, Cell::code),
            "name" => self.name = cell.name(problems),
            "name_en" => self.name_en = cell.name(problems),
            "mail" => self.mail = cell.name(problems),
            "parent" => self.parent = cell.code(problems),
            "valid_from" => self.valid_from = cell.date(problems),
            "valid_to" => self.valid_to = cell.date(problems),
            "successors" => self.successors = cell.each(problems, Cell::code),
            "locked" => self.locked = cell.flag(problems),
            "canary" => self.canary = cell.flag(problems),
            "hop" => self.hop = cell.parsed(&BAD_HOP, problems).map(|hop| hop.value),
            "client_certificates" => self.client_certificates = cell.each(problems, Cell::fingerprint),
            "signing_certificates" => self.signing_certificates = cell.each(problems, Cell::fingerprint),
            "speaks_for" => self.speaks_for = cell.each(problems, Cell::spoken),
            "policy" => self.policy = cell.policy(problems),
            _ => return false,
        }
        true
    }

    fn finish(self) -> Option<Row> {
        Some(Row {
            code: self.code?,
            old_code: self.old_code,
            aliases: self.aliases,
            name: self.name.unwrap_or_default(),
            name_en: self.name_en,
            mail: self.mail,
            parent: self.parent,
            valid_from: self.valid_from.map(|date| date.value),
            valid_to: self.valid_to,
            successors: self.successors,
            locked: self.locked,
            canary: self.canary,
            hop: self.hop,
            client_certificates: self.client_certificates,
            signing_certificates: self.signing_certificates,
            speaks_for: self.speaks_for,
            policy: self.policy,
        })
    }
}

impl<'r, 't> Cell<'r, 't> {
    fn placed<T>(&self, value: T) -> Placed<T> {
        Placed { value, at: self.span.start, path: self.path.clone() }
    }

    fn problem(&self, kind: &'static Kind, problems: &mut Problems<'_>, tell: impl FnOnce(Finding) -> Finding) {
        problems.add(kind, self.span.start, self.path.clone(), tell);
    }

    fn text(&self, problems: &mut Problems<'_>) -> Option<&'r str> {
        if let DeValue::String(text) = self.value {
            return Some(text);
        }
        self.problem(&WRONG_TYPE, problems, |finding| finding.found(self.value.type_str()).expected("\"…\""));
        None
    }

    /// A text read as `T`; a text that is none is a fault of this kind.
    fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        kind: &'static Kind,
        problems: &mut Problems<'_>,
    ) -> Option<Placed<T>> {
        let text = self.text(problems)?;
        match text.parse() {
            Ok(value) => Some(self.placed(value)),
            Err(error) => {
                self.problem(kind, problems, |finding| finding.found(text).expected(error.to_string()));
                None
            }
        }
    }

    fn code(&self, problems: &mut Problems<'_>) -> Option<Placed<AgencyCode>> {
        self.parsed(&BAD_CODE, problems)
    }

    fn name(&self, problems: &mut Problems<'_>) -> Option<String> {
        let text = self.text(problems)?.trim();
        if text.chars().count() > MAX_NAME_CHARS {
            self.problem(&TOO_LARGE, problems, |f| f.found(text).expected(format!("≤ {MAX_NAME_CHARS}")));
            return None;
        }
        if text.is_empty() {
            self.problem(&MISSING_KEY, problems, |finding| finding);
            return None;
        }
        Some(text.to_owned())
    }

    /// A date of TOML, or a text of the same form.
    fn date(&self, problems: &mut Problems<'_>) -> Option<Placed<Date>> {
        let text = match self.value {
            DeValue::Datetime(date) => date.to_string(),
            _ => self.text(problems)?.to_owned(),
        };
        // jiff reads more than a plain date; only the plain form is unmistakable.
        if let (10, Ok(date)) = (text.len(), text.parse()) {
            return Some(self.placed(date));
        }
        self.problem(&BAD_DATE, problems, |finding| finding.found(text).expected("2025-06-30"));
        None
    }

    fn flag(&self, problems: &mut Problems<'_>) -> bool {
        if let DeValue::Boolean(flag) = self.value {
            return *flag;
        }
        self.problem(&WRONG_TYPE, problems, |f| f.found(self.value.type_str()).expected("true | false"));
        false
    }

    /// `sha256:` and hexadecimal digits; the colons and capitals of openssl's print are read too.
    fn fingerprint(&self, problems: &mut Problems<'_>) -> Option<Placed<Digest>> {
        let text = self.text(problems)?;
        let digits: String = text.trim().trim_start_matches("sha256:").chars().filter(|c| *c != ':').collect();
        if let Ok(digest) = digits.parse() {
            return Some(self.placed(digest));
        }
        self.problem(&BAD_FINGERPRINT, problems, |finding| finding.found(text).expected("sha256: + 64 hex"));
        None
    }

    fn spoken(&self, problems: &mut Problems<'_>) -> Option<Placed<Spoken>> {
        let text = self.text(problems)?.trim();
        let (code, subtree) = text.strip_suffix(".*").map_or((text, false), |code| (code, true));
        match AgencyCode::parse(code) {
            Ok(code) if subtree => Some(self.placed(Spoken::Subtree(code))),
            Ok(code) => Some(self.placed(Spoken::Agency(code))),
            Err(error) => {
                self.problem(&BAD_CODE, problems, |finding| finding.found(text).expected(error.to_string()));
                None
            }
        }
    }

    fn each<T>(
        &self,
        problems: &mut Problems<'_>,
        read: impl Fn(&Cell<'r, 't>, &mut Problems<'_>) -> Option<T>,
    ) -> Vec<T> {
        let DeValue::Array(values) = self.value else {
            self.problem(&WRONG_TYPE, problems, |finding| finding.found(self.value.type_str()).expected("[…]"));
            return Vec::new();
        };
        if values.len() > MAX_LIST {
            self.problem(&TOO_LARGE, problems, |finding| finding.expected(format!("≤ {MAX_LIST}")));
            return Vec::new();
        }
        (1_usize..)
            .zip(values.iter())
            .filter_map(|(number, value)| {
                let path = format!("{}[{number}]", self.path);
                read(&Cell { value: value.get_ref(), span: value.span(), path }, problems)
            })
            .collect()
    }

    fn policy(&self, problems: &mut Problems<'_>) -> Policy {
        let mut policy = Policy::default();
        let DeValue::Table(table) = self.value else {
            self.problem(&WRONG_TYPE, problems, |f| f.found(self.value.type_str()).expected("[agency.policy]"));
            return policy;
        };
        for (key, value) in table {
            let path = format!("{}.{}", self.path, key.get_ref());
            let cell = Cell { value: value.get_ref(), span: value.span(), path };
            let slot = match key.get_ref().as_ref() {
                "transport" => &mut policy.transport,
                "packet_signature" => &mut policy.packet_signature,
                "attachment_signature" => &mut policy.attachment_signature,
                other => {
                    problems.add(&UNKNOWN_KEY, key.span().start, cell.path, |finding| finding.found(other));
                    continue;
                }
            };
            match cell.text(problems) {
                Some("required") => *slot = Requirement::Required,
                Some("optional") => *slot = Requirement::Optional,
                Some(other) => {
                    cell.problem(&WRONG_TYPE, problems, |f| f.found(other).expected("required | optional"));
                }
                None => {}
            }
        }
        policy
    }
}
