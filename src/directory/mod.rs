//! The directory: which agencies there are, under which codes, since when and until when, who took over from whom,
//! where each is served and what its identity may do.
//!
//! The directory is one TOML file, read whole into an immutable [`Snapshot`]. Every check of one packet uses one
//! snapshot, so a reload in the middle of it changes nothing for that packet.
//!
//! Invariants: any spelling of an agency (old code, new code, alias, any case) resolves to one [`AgencyKey`]; no
//! spelling and no certificate belongs to two agencies; every successor exists and no chain of successors loops.
//!
//! Failure story: a file that breaks an invariant is refused as a whole, with every fault in it named by row and
//! key, and the snapshot in force stays in force; [`Directory::trouble`] keeps saying so until the file is mended.
//! At start there is no earlier snapshot, so [`Directory::open`] fails. Nothing here writes.

mod agency;
pub mod findings;
mod load;
mod rows;
pub mod sheet;
mod snapshot;
#[cfg(test)]
mod tests;
pub mod workbook;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use lienthong_contract::{Digest, Finding, Kind};

pub use agency::{Agency, AgencyKey, Mandate, Policy, Requirement, Validity};
pub use snapshot::{Page, Resolution, Snapshot, fold};

/// The largest directory file that is read. 120,000 agencies with all keys set take about 60 MB.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Why a directory file was not taken.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{}: the agency directory {} cannot be read: {cause}", findings::UNREADABLE.code, .path.display())]
    Unreadable { path: PathBuf, cause: String },
    #[error("{}: the agency directory {} is not taken:{}", findings::NOT_TAKEN.code, .path.display(), Listed(.findings, *.more))]
    Invalid {
        path: PathBuf,
        /// Every fault, by line; at most 1,000.
        findings: Vec<Finding>,
        /// Faults beyond those listed.
        more: usize,
    },
}

/// The faults one a line, as an operator reads them in a log.
struct Listed<'a>(&'a [Finding], usize);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.0 {
            let line = finding.line.unwrap_or(0);
            let key = finding.element.as_deref().unwrap_or("");
            write!(f, "\n  line {line}, {key}: {} {}", finding.code, finding.title_en)?;
            if let Some(found) = &finding.found {
                write!(f, ": {found:?}")?;
            }
            if let Some(expected) = &finding.expected {
                write!(f, " (expected: {expected})")?;
            }
        }
        if self.1 > 0 {
            write!(f, "\n  and {} more", self.1)?;
        }
        Ok(())
    }
}

impl Error {
    /// The row of the table of findings.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        match self {
            Self::Unreadable { .. } => &findings::UNREADABLE,
            Self::Invalid { .. } => &findings::NOT_TAKEN,
        }
    }
}

/// What is cheap to ask of a file; a change in any of it makes the file worth reading.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    inode: u64,
}

/// What the last look at the file told.
#[derive(Debug)]
struct Seen {
    stamp: Option<Stamp>,
    digest: Digest,
    trouble: Option<Error>,
}

/// The directory in force and the file it came from.
#[derive(Debug)]
pub struct Directory {
    /// None for a directory that was given, not read.
    path: Option<PathBuf>,
    snapshot: ArcSwap<Snapshot>,
    seen: Mutex<Seen>,
}

impl Directory {
    /// Reads the file. Blocks on the disk.
    ///
    /// # Errors
    /// [`Error`]; nothing is in force then.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // The stamp is taken before the content: a write in between is noticed at the next look.
        let stamp = stamp_of(path)?;
        let text = read(path)?;
        let snapshot = parse(&text, path)?;
        let seen = Seen { stamp: Some(stamp), digest: Digest::of(text.as_bytes()), trouble: None };
        Ok(Self { path: Some(path.to_owned()), snapshot: ArcSwap::from_pointee(snapshot), seen: Mutex::new(seen) })
    }

    /// A directory that no file stands behind; it never changes.
    #[must_use]
    pub fn fixed(snapshot: Snapshot) -> Self {
        let seen = Seen { stamp: None, digest: snapshot.digest(), trouble: None };
        Self { path: None, snapshot: ArcSwap::from_pointee(snapshot), seen: Mutex::new(seen) }
    }

    /// The file that it was read from; none for a directory that was given.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The snapshot in force now. Hold it for as long as one packet is worked on, not longer.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Why the file as it stands now is not in force, if it is not: for readiness and the console.
    #[must_use]
    pub fn trouble(&self) -> Option<Error> {
        self.seen().trouble.clone()
    }

    /// Looks at the file and takes it if its content changed; true when a new snapshot came into force. Cheap when
    /// nothing changed (one `stat`), otherwise it blocks on the disk and on parsing: call it off the event loop.
    ///
    /// # Errors
    /// [`Error`] once for each state of the file that could not be taken; the old snapshot stays in force, later
    /// looks at the same file answer false and [`Self::trouble`] keeps the reason.
    pub fn reload_if_changed(&self) -> Result<bool, Error> {
        let Some(path) = &self.path else { return Ok(false) };
        let mut seen = self.seen();
        let stamp = match stamp_of(path) {
            Ok(stamp) if seen.stamp.as_ref() == Some(&stamp) => return Ok(false),
            Ok(stamp) => stamp,
            Err(error) => {
                // A vanished file is told once, then looked for again until it is back.
                let told = seen.stamp.take().is_none() && seen.trouble.is_some();
                seen.trouble = Some(error.clone());
                return if told { Ok(false) } else { Err(error) };
            }
        };
        seen.stamp = Some(stamp);
        match self.take(path, seen.digest) {
            Ok(taken) => {
                seen.trouble = None;
                if let Some(digest) = taken {
                    seen.digest = digest;
                }
                Ok(taken.is_some())
            }
            Err(error) => {
                seen.trouble = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Reads the file and puts it into force unless its content is what is in force already.
    fn take(&self, path: &Path, in_force: Digest) -> Result<Option<Digest>, Error> {
        let text = read(path)?;
        let digest = Digest::of(text.as_bytes());
        if digest == in_force {
            return Ok(None);
        }
        self.snapshot.store(Arc::new(parse(&text, path)?));
        Ok(Some(digest))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing is left half-changed by a panic while it is held, so a poisoned lock is as good as any.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(text: &str, path: &Path) -> Result<Snapshot, Error> {
    load::parse(text).map_err(|problems| problems.into_error(path))
}

fn unreadable(path: &Path, cause: &impl fmt::Display) -> Error {
    Error::Unreadable { path: path.to_owned(), cause: cause.to_string() }
}

fn stamp_of(path: &Path) -> Result<Stamp, Error> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Ok(Stamp { modified: metadata.modified().ok(), len: metadata.len(), inode })
}

fn read(path: &Path) -> Result<String, Error> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut text = String::new();
    // One byte more than allowed tells "too large" from "exactly full", even for a file that grows while it is read.
    let read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(unreadable(path, &format_args!("larger than {} MB", MAX_FILE_BYTES >> 20)));
    }
    Ok(text)
}
