//! Which schema counts for which packets on which day, and whether its files are the ones meant.
//!
//! The built-in schemas are part of the binary. An operator may add a folder with a `catalogue.toml` of the same form
//! and schema files beside it; it is read at start. Everything in a catalogue has been compiled once before the
//! catalogue exists, so a wrong file is a clear error at start and never a surprise at the first packet.
//!
//! ```toml
//! [[schema]]
//! id = "edxml-document-2022-strict"       # unique over all catalogues
//! version = "2022"                        # of the regulation; for people
//! kind = "document"                       # or "status"
//! profile = "strict"                      # or "tolerant"
//! file = "edxml/document-2022-strict.xsd" # relative to this catalogue
//! sha256 = "…"                            # of the file's bytes
//! valid_from = "2022-09-15"
//! valid_to = "2030-12-31"                 # last day; left out: still valid
//!
//! [[part]]                                # every file that schemas include or import
//! file = "edxml/parts/document-strict.xsd"
//! sha256 = "…"
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Component, Path};
use std::str::FromStr;
use std::sync::Arc;

use lienthong_contract::Digest;
use serde::{Deserialize, Deserializer};

use crate::compile::{Files, Validator};
use crate::drive::Limits;
use crate::error::Error;

/// What a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PacketKind {
    Document,
    Status,
}

/// How much a schema asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// What a receiver accepts. Undeclared `edXML:` and `xlink:` prefixes pass.
    Tolerant,
    /// What a conformant system emits.
    Strict,
}

/// A day of the calendar in Vietnam. Written `2026-03-02`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

/// The text or the numbers are no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a day is written yyyy-mm-dd, for example 2026-03-02")]
pub struct NotADay;

impl Day {
    /// # Errors
    /// Month not 1 to 12, day not 1 to 31, or a year of other than four digits.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, NotADay> {
        let good = (1000..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        good.then_some(Self { year, month, day }).ok_or(NotADay)
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let mut parts = text.split('-');
        let mut part = |len: usize| {
            let digits = parts.next().filter(|part| part.len() == len && part.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|digits| digits.parse::<u16>().ok()).ok_or(NotADay)
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        if parts.next().is_some() {
            return Err(NotADay);
        }
        Self::new(year, u8::try_from(month).map_err(|_| NotADay)?, u8::try_from(day).map_err(|_| NotADay)?)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One schema of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    pub id: String,
    /// Of the regulation: `2016`, or `2022` with Amendment 1.
    pub version: String,
    pub kind: PacketKind,
    pub profile: Profile,
    pub file: String,
    pub sha256: Digest,
    pub valid_from: Day,
    /// The last day.
    pub valid_to: Option<Day>,
    /// Which of the catalogue's sets of files it belongs to.
    source: usize,
}

/// All schemas known to this gateway.
#[derive(Clone)]
pub struct Catalogue {
    entries: Vec<Entry>,
    sources: Vec<Files>,
}

impl fmt::Debug for Catalogue {
    /// The ids; the files themselves would fill the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.id)).finish()
    }
}

/// Bytes of one file of a folder, at the most; the built-in ones have some ten kilobytes.
const MAX_FILE: u64 = 4 << 20;
/// Schemas and parts of one catalogue, at the most. Each schema costs milliseconds at start.
const MAX_ENTRIES: usize = 256;
/// Name of the catalogue in a folder.
const FILE_NAME: &str = "catalogue.toml";
/// What errors call the catalogue inside the binary.
const BUILTIN: &str = "built-in catalogue";

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        pub(crate) const EMBEDDED: &[(&str, &str)] = &[$(($file, include_str!(concat!("../", $file)))),*];
    };
}

embedded![
    "edxml/document-2016-strict.xsd",
    "edxml/document-2016-tolerant.xsd",
    "edxml/document-2022-strict.xsd",
    "edxml/document-2022-tolerant.xsd",
    "edxml/status-2016-strict.xsd",
    "edxml/status-2022-strict.xsd",
    "edxml/status-tolerant.xsd",
    "edxml/parts/document-strict.xsd",
    "edxml/parts/status-strict.xsd",
    "edxml/parts/tolerant.xsd",
    "edxml/parts/types-strict.xsd",
];

impl Catalogue {
    /// The schemas that come with the gateway.
    ///
    /// # Errors
    /// None that a released binary can meet; its tests would have met it first.
    pub fn builtin() -> Result<Self, Error> {
        let mut catalogue = Self { entries: Vec::new(), sources: Vec::new() };
        catalogue.add(BUILTIN, include_str!("../catalogue.toml"), &|file| {
            let found = EMBEDDED.iter().find(|(name, _)| *name == file);
            found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| Error::Catalogue {
                catalogue: BUILTIN.to_owned(),
                message: format!("{file} is not part of the binary"),
            })
        })?;
        Ok(catalogue)
    }

    /// The built-in schemas and those of a folder. Where both are valid for a packet on a day, the one that became
    /// valid later counts, and of two that became valid the same day the folder's.
    ///
    /// # Errors
    /// The folder's catalogue or one of its files cannot be read, is not what its digest says, or is no schema.
    pub fn with_folder(folder: &Path) -> Result<Self, Error> {
        let mut catalogue = Self::builtin()?;
        let path = folder.join(FILE_NAME);
        let text = read(&path)?;
        catalogue.add(&path.display().to_string(), &text, &|file| read(&folder.join(file)))?;
        Ok(catalogue)
    }

    /// In the order of the catalogues.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    #[must_use]
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The schema that counts for packets of this kind on this day.
    #[must_use]
    pub fn select(&self, kind: PacketKind, profile: Profile, on: Day) -> Option<&Entry> {
        let fits = |entry: &&Entry| {
            entry.kind == kind
                && entry.profile == profile
                && entry.valid_from <= on
                && entry.valid_to.is_none_or(|last| on <= last)
        };
        // Of equals `max_by_key` takes the last, which is the folder's.
        self.entries.iter().filter(fits).max_by_key(|entry| entry.valid_from)
    }

    /// Compiles a schema for one thread at a time.
    ///
    /// # Errors
    /// [`Error::UnknownSchema`]; the others were met when the catalogue was made.
    pub fn compile(&self, id: &str, limits: Limits) -> Result<Validator, Error> {
        let unknown = || Error::UnknownSchema(id.to_owned());
        let entry = self.entry(id).ok_or_else(unknown)?;
        Validator::compile(entry, self.sources.get(entry.source).ok_or_else(unknown)?, limits)
    }

    /// Adds a catalogue. `name` stands in errors.
    fn add(&mut self, name: &str, toml: &str, load: &dyn Fn(&str) -> Result<String, Error>) -> Result<(), Error> {
        let document: Document = toml::from_str(toml).map_err(|error| Error::Catalogue {
            catalogue: name.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        for (what, count) in [("schemas", document.schema.len()), ("parts", document.part.len())] {
            if count > MAX_ENTRIES {
                return Err(Error::CatalogueTooLarge { catalogue: name.to_owned(), what, max: MAX_ENTRIES });
            }
        }
        let source = self.sources.len();
        let listed = document.schema.iter().map(|row| (&row.file, row.sha256));
        let listed = listed.chain(document.part.iter().map(|row| (&row.file, row.sha256)));
        let mut files = BTreeMap::new();
        for (file, sha256) in listed {
            files.insert(file.clone(), checked(name, file, sha256, load)?);
        }
        self.sources.push(Arc::new(files));
        let mut ids: BTreeSet<String> = self.entries.iter().map(|entry| entry.id.clone()).collect();
        for row in document.schema {
            if !ids.insert(row.id.clone()) {
                return Err(Error::DuplicateId { catalogue: name.to_owned(), id: row.id });
            }
            let entry = row.into_entry(name, source)?;
            if let Some(files) = self.sources.get(source) {
                Validator::compile(&entry, files, Limits::default())?;
            }
            self.entries.push(entry);
        }
        Ok(())
    }
}

/// Loads a file and holds it against its digest.
fn checked(
    catalogue: &str,
    file: &str,
    expected: Digest,
    load: &dyn Fn(&str) -> Result<String, Error>,
) -> Result<String, Error> {
    let plain = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || file.is_empty() || file.contains('\\') {
        return Err(Error::BadFileName { catalogue: catalogue.to_owned(), file: file.to_owned() });
    }
    let text = load(file)?;
    let found = Digest::of(text.as_bytes());
    if found != expected {
        return Err(Error::HashMismatch {
            catalogue: catalogue.to_owned(),
            file: file.to_owned(),
            expected: expected.hex(),
            found: found.hex(),
        });
    }
    Ok(text)
}

/// Reads a file of UTF-8 text that is not too large.
fn read(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        return Err(failed(std::io::Error::other(format!("larger than {MAX_FILE} bytes"))));
    }
    Ok(text)
}

/// `catalogue.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    schema: Vec<SchemaRow>,
    #[serde(default)]
    part: Vec<PartRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaRow {
    id: String,
    version: String,
    kind: PacketKind,
    profile: Profile,
    file: String,
    sha256: Digest,
    valid_from: DayText,
    valid_to: Option<DayText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartRow {
    file: String,
    sha256: Digest,
}

/// A day as text, so that a wrong one is reported with the schema's id.
#[derive(Debug)]
struct DayText(String);

impl<'de> Deserialize<'de> for DayText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl SchemaRow {
    fn into_entry(self, catalogue: &str, source: usize) -> Result<Entry, Error> {
        let day = |text: &DayText| {
            text.0.parse::<Day>().map_err(|source| Error::BadDay {
                catalogue: catalogue.to_owned(),
                id: self.id.clone(),
                source,
            })
        };
        let valid_from = day(&self.valid_from)?;
        let valid_to = self.valid_to.as_ref().map(day).transpose()?;
        if valid_to.is_some_and(|last| last < valid_from) {
            return Err(Error::EmptyPeriod { catalogue: catalogue.to_owned(), id: self.id });
        }
        Ok(Entry {
            id: self.id,
            version: self.version,
            kind: self.kind,
            profile: self.profile,
            file: self.file,
            sha256: self.sha256,
            valid_from,
            valid_to,
            source,
        })
    }
}
