//! From the text of a directory file to a [`Snapshot`]: rows are read by themselves first, then checked against each
//! other. All faults are collected, so that one look at the report is enough to mend the file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use lienthong_contract::{AgencyCode, Digest, Finding};
use toml::de::{DeTable, DeValue};

use super::agency::{Agency, AgencyKey, Mandate};
use super::findings::{
    CODE_TAKEN, FINGERPRINT_TAKEN, NOT_TOML, PARENT_IS_SELF, PERIOD_REVERSED, SUCCESSOR_LOOP, TOO_LARGE, UNKNOWN_KEY,
    UNKNOWN_MANDATOR, UNKNOWN_SUCCESSOR, WRONG_TYPE,
};
use super::rows::{self, Placed, Problems, Row, Spoken};
use super::{Error, Snapshot};

/// Most faults that are reported one by one.
pub const MAX_PROBLEMS: usize = 1_000;
/// Most agencies of one directory; the national catalogue has some 123,000 rows.
pub const MAX_AGENCIES: usize = 500_000;

/// Everything that is wrong with a file.
#[derive(Debug)]
pub(super) struct Faults {
    pub findings: Vec<Finding>,
    more: usize,
}

impl Faults {
    pub fn into_error(self, path: &Path) -> Error {
        Error::Invalid { path: path.to_owned(), findings: self.findings, more: self.more }
    }
}

impl From<Problems<'_>> for Faults {
    fn from(mut problems: Problems<'_>) -> Self {
        problems.found.sort_by_key(|finding| (finding.line, finding.column));
        Self { findings: problems.found, more: problems.more }
    }
}

pub(super) fn parse(text: &str) -> Result<Snapshot, Faults> {
    let mut problems = Problems::new(text, MAX_PROBLEMS);
    let mut rows = read_rows(text, &mut problems);
    // Faults of single rows would echo as unknown successors elsewhere: told first, alone.
    if !problems.is_empty() {
        return Err(problems.into());
    }
    rows.sort_by(|a, b| a.code.value.cmp(&b.code.value));
    let spellings = index_spellings(&rows, &mut problems);
    check_certificates(&rows, &mut problems);
    let agencies: Vec<Agency> =
        rows.iter().map(|row| link(row, &Spellings { rows: &rows, index: &spellings }, &mut problems)).collect();
    check_succession(&rows, &agencies, &mut problems);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let spellings = with_derived(spellings, &agencies);
    Ok(Snapshot::index(agencies, spellings, Digest::of(text.as_bytes())))
}

fn read_rows(text: &str, problems: &mut Problems<'_>) -> Vec<Row> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        problems.add(&NOT_TOML, at, String::new(), |finding| finding.expected(error.message()));
    }
    if !errors.is_empty() {
        // What recovery made of a broken text would only mislead.
        return Vec::new();
    }
    let mut rows = Vec::new();
    for (key, value) in document.get_ref() {
        let at = key.span().start;
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("agency", DeValue::Array(list)) if list.len() > MAX_AGENCIES => {
                problems.add(&TOO_LARGE, at, "agency".into(), |f| f.expected(format!("≤ {MAX_AGENCIES}")));
            }
            ("agency", DeValue::Array(list)) => {
                rows = (1..).zip(list.iter()).filter_map(|(number, row)| rows::read(number, row, problems)).collect();
            }
            ("agency", _) => problems.add(&WRONG_TYPE, at, "agency".into(), |f| f.expected("[[agency]]")),
            (other, _) => problems.add(&UNKNOWN_KEY, at, other.to_owned(), |finding| finding.found(other)),
        }
    }
    rows
}

/// Every registered spelling and the place of its row. A spelling may stand twice in one row, never in two.
fn index_spellings(rows: &[Row], problems: &mut Problems<'_>) -> HashMap<AgencyCode, usize> {
    let mut index: HashMap<AgencyCode, (usize, &Placed<AgencyCode>)> = HashMap::with_capacity(rows.len() * 2);
    // All canonical codes first: an alias that clashes with a code is then the one that is reported.
    let canonical = rows.iter().enumerate().map(|(at, row)| (at, &row.code));
    let others = rows
        .iter()
        .enumerate()
        .flat_map(|(at, row)| row.old_code.iter().chain(&row.aliases).map(move |spelling| (at, spelling)));
    for (at, spelling) in canonical.chain(others) {
        match index.entry(spelling.value.clone()) {
            Entry::Vacant(free) => {
                free.insert((at, spelling));
            }
            Entry::Occupied(taken) if taken.get().0 == at => {}
            Entry::Occupied(taken) => {
                let first = taken.get().1;
                let (line, _) = problems.position(first.at);
                problems.add(&CODE_TAKEN, spelling.at, spelling.path.clone(), |finding| {
                    finding.found(spelling.value.as_str()).expected(format!("≠ {} (line {line})", first.path))
                });
            }
        }
    }
    index.into_iter().map(|(code, (at, _))| (code, at)).collect()
}

/// A row that is registered under an old code only is also meant by the new form that arithmetic gives, unless some
/// row claims that spelling.
fn with_derived(mut index: HashMap<AgencyCode, usize>, agencies: &[Agency]) -> HashMap<AgencyCode, usize> {
    for (at, agency) in agencies.iter().enumerate() {
        if agency.code.is_old_form() {
            index.entry(agency.code.to_new_form()).or_insert(at);
        }
    }
    index
}

/// A certificate names one agency, per use: who connects and who signed must have one answer.
fn check_certificates(rows: &[Row], problems: &mut Problems<'_>) {
    for of in [|row: &Row| row.client_certificates.clone(), |row: &Row| row.signing_certificates.clone()] {
        let mut owners: HashMap<Digest, (usize, Placed<Digest>)> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            for fingerprint in of(row) {
                match owners.entry(fingerprint.value) {
                    Entry::Vacant(free) => {
                        free.insert((at, fingerprint));
                    }
                    Entry::Occupied(taken) if taken.get().0 == at => {}
                    Entry::Occupied(taken) => {
                        let first = &taken.get().1;
                        let (line, _) = problems.position(first.at);
                        problems.add(&FINGERPRINT_TAKEN, fingerprint.at, fingerprint.path, |finding| {
                            let found = fingerprint.value.to_string();
                            finding.found(found).expected(format!("≠ {} (line {line})", first.path))
                        });
                    }
                }
            }
        }
    }
}

/// The rows and where each spelling leads.
struct Spellings<'r> {
    rows: &'r [Row],
    index: &'r HashMap<AgencyCode, usize>,
}

impl Spellings<'_> {
    fn key(&self, code: &AgencyCode) -> Option<AgencyKey> {
        let at = self.index.get(code).or_else(|| self.index.get(&code.to_new_form()))?;
        self.rows.get(*at).map(|row| AgencyKey::canonical(row.code.value.clone()))
    }
}

/// Turns a row into an agency by looking up the codes it names.
fn link(row: &Row, spellings: &Spellings<'_>, problems: &mut Problems<'_>) -> Agency {
    let code = row.code.value.clone();
    let key = AgencyKey::canonical(code.clone());
    // A catalogue may be an excerpt, so a parent outside it is no fault.
    let parent = row.parent.as_ref().map(|parent| {
        let parent_key = spellings.key(&parent.value).unwrap_or_else(|| AgencyKey::provisional(&parent.value));
        if parent_key == key {
            problems.add(&PARENT_IS_SELF, parent.at, parent.path.clone(), |f| f.found(parent.value.as_str()));
        }
        parent_key
    });
    if let (Some(from), Some(to)) = (row.valid_from, &row.valid_to)
        && to.value < from
    {
        problems.add(&PERIOD_REVERSED, to.at, to.path.clone(), |finding| {
            finding.found(to.value.to_string()).expected(format!("≥ {from}"))
        });
    }
    let mut known = |code: &Placed<AgencyCode>| {
        let key = spellings.key(&code.value);
        if key.is_none() {
            problems.add(&UNKNOWN_SUCCESSOR, code.at, code.path.clone(), |f| f.found(code.value.as_str()));
        }
        key
    };
    let mut successors: Vec<AgencyKey> = Vec::new();
    for successor in row.successors.iter().filter_map(&mut known) {
        if !successors.contains(&successor) {
            successors.push(successor);
        }
    }
    Agency {
        key,
        old_code: row.old_code.as_ref().map(|code| code.value.clone()),
        aliases: row.aliases.iter().map(|alias| alias.value.clone()).collect(),
        code,
        name: row.name.clone(),
        name_en: row.name_en.clone(),
        mail: row.mail.clone(),
        parent,
        valid_from: row.valid_from,
        valid_to: row.valid_to.as_ref().map(|date| date.value),
        successors,
        locked: row.locked,
        canary: row.canary,
        hop: row.hop.clone(),
        client_certificates: row.client_certificates.iter().map(|digest| digest.value).collect(),
        signing_certificates: row.signing_certificates.iter().map(|digest| digest.value).collect(),
        speaks_for: row.speaks_for.iter().filter_map(|spoken| mandate(spoken, spellings, problems)).collect(),
        policy: row.policy,
    }
}

fn mandate(spoken: &Placed<Spoken>, spellings: &Spellings<'_>, problems: &mut Problems<'_>) -> Option<Mandate> {
    match &spoken.value {
        Spoken::Subtree(root) => Some(Mandate::Subtree(root.to_new_form())),
        Spoken::Agency(code) => {
            let key = spellings.key(code);
            if key.is_none() {
                problems.add(&UNKNOWN_MANDATOR, spoken.at, spoken.path.clone(), |f| f.found(code.as_str()));
            }
            key.map(Mandate::Agency)
        }
    }
}

/// Reports each loop of successors once, at the row of it that comes first.
fn check_succession(rows: &[Row], agencies: &[Agency], problems: &mut Problems<'_>) {
    let place = |key: &AgencyKey| agencies.binary_search_by(|agency| agency.key.cmp(key)).ok();
    let mut state = vec![Visit::Fresh; agencies.len()];
    for start in 0..agencies.len() {
        // Depth first with a stack of our own: a chain of any length must not exhaust the thread's.
        let mut stack = vec![(start, 0)];
        while let Some((at, child)) = stack.pop() {
            let Some(agency) = agencies.get(at) else { continue };
            let Some(visit) = state.get_mut(at) else { continue };
            if child == 0 && *visit != Visit::Fresh {
                continue;
            }
            let Some(next) = agency.successors.get(child) else {
                *visit = Visit::Done;
                continue;
            };
            *visit = Visit::Open;
            stack.push((at, child + 1));
            let Some(next) = place(next) else { continue };
            match state.get(next) {
                Some(Visit::Fresh) => stack.push((next, 0)),
                Some(Visit::Open) => {
                    let written = rows.get(at).and_then(|row| row.successors.get(child));
                    if let Some(written) = written {
                        problems.add(&SUCCESSOR_LOOP, written.at, written.path.clone(), |finding| {
                            finding.found(format!("{} → {}", agency.code, written.value))
                        });
                    }
                }
                _ => {}
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Fresh,
    Open,
    Done,
}
