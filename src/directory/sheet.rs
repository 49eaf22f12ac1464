//! The directory as a table: what a spreadsheet holds, and how it goes into the file.
//!
//! A table has the keys of `[[agency]]` as its columns, in any order; a list is written with blanks or commas between its
//! parts. A row is put in by its code: an agency that is there is changed in the columns that the table has, another one is
//! added, and who does not stand in the table stays as he is. An empty cell takes the key away.
//!
//! Pure. The result is judged as the file is when it is read, and each fault is told by the table's row and column.

use std::collections::HashMap;
use std::fmt::Write as _;

use lienthong_contract::{AgencyCode, Finding};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::load;
use super::snapshot::Snapshot;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 15] = [
    "code",
    "old_code",
    "aliases",
    "name",
    "name_en",
    "mail",
    "parent",
    "valid_from",
    "valid_to",
    "successors",
    "locked",
    "canary",
    "hop",
    "client_certificates",
    "signing_certificates",
];

/// Rows of one table, and letters of one cell.
pub const MAX_ROWS: usize = 20_000;
const MAX_CELL: usize = 20_000;

/// A table: its header, and its rows as they were written, empty ones among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// How many rows stand above the header.
    #[serde(default)]
    pub above: usize,
}

/// What is wrong, and where; rows count from 1, as a spreadsheet program counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub row: Option<usize>,
    pub column: Option<String>,
    pub found: Option<String>,
    pub vi: String,
    pub en: String,
}

/// What putting a table in would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The new file.
    pub text: String,
    pub added: Vec<String>,
    pub changed: Vec<String>,
}

impl Sheet {
    /// Reads comma- or semicolon-separated text (RFC 4180).
    #[must_use]
    pub fn from_csv(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let first = text.lines().next().unwrap_or_default();
        let mark = if first.matches(';').count() > first.matches(',').count() { ';' } else { ',' };
        let mut rows = csv(text, mark);
        let above = rows.iter().take_while(|row| is_empty(row)).count();
        Self::from_rows(above, rows.split_off(above))
    }

    /// Makes a table of rows, the first of which is the header, with so many above it.
    #[must_use]
    pub fn from_rows(above: usize, rows: Vec<Vec<String>>) -> Self {
        let mut rows = rows.into_iter();
        let header = rows.next().unwrap_or_default().into_iter().map(|name| name.trim().to_lowercase()).collect();
        let mut rows: Vec<_> = rows.collect();
        let filled = rows.iter().rposition(|row| !is_empty(row)).map_or(0, |last| last + 1);
        rows.truncate(filled);
        Self { header, rows, above }
    }

    /// All agencies of a directory.
    #[must_use]
    pub fn of(directory: &Snapshot) -> Self {
        let codes = |codes: &[AgencyCode]| codes.iter().map(AgencyCode::as_str).collect::<Vec<_>>().join(" ");
        let row = |agency: &super::Agency| {
            let text = |value: &dyn std::fmt::Display| value.to_string();
            let flag = |set: bool| if set { "true".to_owned() } else { String::new() };
            let digests =
                |all: &[lienthong_contract::Digest]| all.iter().map(|one| text(one)).collect::<Vec<_>>().join(" ");
            vec![
                text(&agency.code),
                agency.old_code.as_ref().map(|code| text(code)).unwrap_or_default(),
                codes(&agency.aliases),
                agency.name.clone(),
                agency.name_en.clone().unwrap_or_default(),
                agency.mail.clone().unwrap_or_default(),
                agency.parent.as_ref().map(|key| key.as_str().to_owned()).unwrap_or_default(),
                agency.valid_from.map(|day| text(&day)).unwrap_or_default(),
                agency.valid_to.map(|day| text(&day)).unwrap_or_default(),
                agency.successors.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(" "),
                flag(agency.locked),
                flag(agency.canary),
                agency.hop.as_ref().map(|hop| text(hop)).unwrap_or_default(),
                digests(&agency.client_certificates),
                digests(&agency.signing_certificates),
            ]
        };
        Self { header: COLUMNS.map(str::to_owned).to_vec(), rows: directory.iter().map(row).collect(), above: 0 }
    }

    /// As comma-separated text that spreadsheet programs open as it is: a mark of UTF-8 first, and no cell that they would
    /// take for a formula.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("\u{feff}");
        for row in std::iter::once(&self.header).chain(&self.rows) {
            for (at, cell) in row.iter().enumerate() {
                let before = if at > 0 { "," } else { "" };
                let quote = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
                let _ = write!(text, "{before}\"{quote}{}\"", cell.replace('"', "\"\""));
            }
            text.push_str("\r\n");
        }
        text
    }

    /// Puts the table into the text of a directory file.
    ///
    /// # Errors
    /// Every fault of the table, and those that the new file would have.
    pub fn merge_into(&self, text: &str) -> Result<Merged, Vec<Fault>> {
        let mut faults = self.faults_of_header();
        if self.rows.len() > MAX_ROWS {
            faults.push(Fault::at(None, None, "quá nhiều dòng", "too many rows"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let unreadable = |_| {
            vec![Fault::at(
                None,
                None,
                "tệp danh mục hiện nay không đọc được",
                "the present directory file cannot be read",
            )]
        };
        let mut file: Table = text.parse().map_err(unreadable)?;
        let agencies = file.entry("agency").or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(agencies) = agencies else {
            return Err(vec![Fault::at(
                None,
                None,
                "tệp danh mục hiện nay không đúng dạng",
                "the present directory file has another form",
            )]);
        };
        let mut at: HashMap<String, usize> = HashMap::new();
        for (number, agency) in agencies.iter().enumerate() {
            if let Some(code) = agency.get("code").and_then(Value::as_str) {
                at.insert(canonical(code), number);
            }
        }
        // Which agency of the file each row went into, to tell faults by rows.
        let mut rows: HashMap<usize, usize> = HashMap::new();
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for (row, cells) in (self.above + 2..).zip(&self.rows).filter(|(_, cells)| !is_empty(cells)) {
            let cell =
                |name: &str| self.column(name).and_then(|column| cells.get(column)).map_or("", |cell| cell.trim());
            let code = cell("code");
            if code.is_empty() {
                faults.push(Fault::at(Some(row), Some("code"), "thiếu mã cơ quan", "the code is missing"));
                continue;
            }
            let number = at.get(&canonical(code)).copied();
            if number.is_some_and(|number| rows.contains_key(&number)) {
                faults.push(
                    Fault::at(Some(row), Some("code"), "mã này đã có ở dòng trên", "this code stands in a row above")
                        .found(code),
                );
                continue;
            }
            let number = number.unwrap_or(agencies.len());
            let mut agency = agencies.get(number).and_then(Value::as_table).cloned().unwrap_or_default();
            let before = agency.clone();
            for (column, name) in self.header.iter().enumerate() {
                let value = cells.get(column).map_or("", |cell| cell.trim());
                if let Err(fault) = put(&mut agency, name, value, row) {
                    faults.push(fault);
                }
            }
            rows.insert(number, row);
            if number == agencies.len() {
                at.insert(canonical(code), number);
                agencies.push(Value::Table(agency));
                added.push(code.to_owned());
            } else if agency != before {
                if let Some(place) = agencies.get_mut(number) {
                    *place = Value::Table(agency);
                }
                changed.push(code.to_owned());
            }
        }
        let text = file.to_string();
        if faults.is_empty()
            && let Err(problems) = load::parse(&text)
        {
            faults.extend(problems.findings.iter().map(|finding| Fault::of(finding, &rows)));
        }
        if faults.is_empty() { Ok(Merged { text, added, changed }) } else { Err(faults) }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|known| known == name)
    }

    fn faults_of_header(&self) -> Vec<Fault> {
        let (mut faults, row) = (Vec::new(), Some(self.above + 1));
        for needed in ["code"] {
            if self.column(needed).is_none() {
                faults.push(Fault::at(row, Some(needed), "thiếu cột", "the column is missing"));
            }
        }
        for (at, name) in self.header.iter().enumerate() {
            if !COLUMNS.contains(&name.as_str()) {
                let expected = COLUMNS.join(", ");
                let (vi, en) = (
                    format!("không có cột này; các cột: {expected}"),
                    format!("no such column; the columns: {expected}"),
                );
                faults.push(Fault::at(row, Some(name), &vi, &en).found(name));
            } else if self.header.iter().take(at).any(|before| before == name) {
                faults.push(Fault::at(row, Some(name), "cột có hai lần", "the column stands twice"));
            }
        }
        faults
    }
}

impl Fault {
    fn at(row: Option<usize>, column: Option<&str>, vi: &str, en: &str) -> Self {
        Self { row, column: column.map(str::to_owned), found: None, vi: vi.to_owned(), en: en.to_owned() }
    }

    fn found(mut self, found: &str) -> Self {
        self.found = Some(found.chars().take(80).collect());
        self
    }

    /// A fault of the new file (`agency[3].hop`), by the row that the agency came from.
    fn of(finding: &Finding, rows: &HashMap<usize, usize>) -> Self {
        let element = finding.element.as_deref().unwrap_or_default();
        let number = element
            .strip_prefix("agency[")
            .and_then(|rest| rest.split(']').next())
            .and_then(|n| n.parse::<usize>().ok());
        let row = number.and_then(|number| number.checked_sub(1)).and_then(|number| rows.get(&number)).copied();
        let column = element.split('.').nth(1).map(|key| key.split('[').next().unwrap_or(key).to_owned());
        let join = |title: &str, fix: &str| format!("{title} {fix}");
        Self {
            row,
            column,
            found: finding.found.clone(),
            vi: join(&finding.title_vi, &finding.fix_vi),
            en: join(&finding.title_en, &finding.fix_en),
        }
    }
}

/// Nothing stands in it.
fn is_empty(row: &[String]) -> bool {
    row.iter().all(|cell| cell.trim().is_empty())
}

/// Codes are compared in the form in which the directory knows them.
fn canonical(code: &str) -> String {
    AgencyCode::parse(code).map_or_else(|_| code.to_uppercase(), |code| code.to_new_form().to_string())
}

fn put(agency: &mut Table, name: &str, value: &str, row: usize) -> Result<(), Fault> {
    // What our own export put before a cell that looks like a formula.
    let value = value.strip_prefix('\'').unwrap_or(value);
    if value.chars().count() > MAX_CELL {
        return Err(Fault::at(Some(row), Some(name), "ô quá dài", "the cell is too long"));
    }
    if value.is_empty() {
        agency.remove(name);
        return Ok(());
    }
    let list = || {
        let parts = value.split([' ', ',', ';', '\n', '\t']).map(str::trim).filter(|part| !part.is_empty());
        Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
    };
    let value = match name {
        "aliases" | "successors" | "client_certificates" | "signing_certificates" => list(),
        "locked" | "canary" => match value.to_lowercase().as_str() {
            "true" | "1" | "x" | "có" | "co" | "yes" => Value::Boolean(true),
            "false" | "0" | "không" | "khong" | "no" => {
                agency.remove(name);
                return Ok(());
            }
            _ => {
                return Err(Fault::at(Some(row), Some(name), "ghi true hoặc để trống", "write true or leave it empty")
                    .found(value));
            }
        },
        _ => Value::String(value.to_owned()),
    };
    agency.insert(name.to_owned(), value);
    Ok(())
}

fn csv(text: &str, mark: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter if letter == mark && !quoted => row.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const FILE: &str = "[[agency]]\ncode = \"H37.90\"\nname = \"Sở Thí dụ\"\nhop = \"province-a\"\nspeaks_for = [\"H37.91\"]\n\n\
                        [[agency]]\ncode = \"H37.91\"\nname = \"Sở Khác\"\n";

    #[test]
    fn rows_are_put_in_by_their_code_and_the_rest_stays() {
        let sheet = Sheet::from_csv("code;name;locked\nH37.90;\"Sở \"\"Mới\"\"; thử\";có\n H37.92 ;Chi cục Thêm;\n");
        let merged = sheet.merge_into(FILE).unwrap();
        assert_eq!((merged.added, merged.changed), (vec!["H37.92".to_owned()], vec!["H37.90".to_owned()]));
        let directory = Snapshot::from_toml(&merged.text).unwrap();
        let changed = directory.lookup(&"H37.90".parse().unwrap()).unwrap();
        assert_eq!((changed.name.as_str(), changed.locked, changed.speaks_for.len()), ("Sở \"Mới\"; thử", true, 1));
        assert_eq!(changed.hop.as_ref().unwrap().as_str(), "province-a");
        assert_eq!(directory.len(), 3);
        assert!(sheet.merge_into(&merged.text).unwrap().changed.is_empty(), "putting it in again changes nothing");
    }

    #[test]
    fn each_fault_has_its_row_and_column() {
        let sheet = Sheet::from_csv(
            "code,name,hop,valid_to\nH37.93,Một,PROVINCE A!,\n,Không mã,,\nH37.94,Hai,,31/12/2026\nH37.94,Ba,,\n",
        );
        let faults = sheet.merge_into(FILE).unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| (fault.row, fault.column.as_deref())).collect();
        assert_eq!(places, [(Some(3), Some("code")), (Some(5), Some("code"))]);
        let sheet = Sheet::from_csv("code,name,hop,valid_to\nH37.93,Một,PROVINCE A!,\nH37.94,Hai,,31/12/2026\n");
        let gaps = Sheet::from_csv("\n,\ncode,name\n,\n\n,Không mã\n\n");
        assert_eq!(gaps.merge_into(FILE).unwrap_err().first().unwrap().row, Some(6), "empty rows are counted");
        let faults = sheet.merge_into(FILE).unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| (fault.row, fault.column.as_deref())).collect();
        assert_eq!(places, [(Some(2), Some("hop")), (Some(3), Some("valid_to"))]);
        let faults = Sheet::from_csv("mã,name\nH37.93,Một\n").merge_into(FILE).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let directory = Snapshot::from_toml(FILE).unwrap();
        let sheet = Sheet::of(&directory);
        assert_eq!(Sheet::from_csv(&sheet.to_csv()), sheet);
        let evil = Sheet { header: vec!["name".to_owned()], rows: vec![vec!["=1+1".to_owned()]], above: 0 };
        assert!(evil.to_csv().contains("\"'=1+1\""), "no spreadsheet takes it for a formula");
    }
}
