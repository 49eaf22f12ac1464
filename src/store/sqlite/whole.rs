//! Whether the database file is as long as it says it is.
//!
//! SQLite reads what a cut file lacks as empty pages as long as a write-ahead log lies beside it, and finds out when it
//! needs one of them. So this is looked at before the store is opened: each page must be in the file or in the log.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::{Error, Result};

/// Length of a frame's head in the write-ahead log, and of the log's own (SQLite file format §4.1).
const FRAME_HEAD: u64 = 24;
/// Where the lock bytes stand, in the file that reaches so far.
const LOCK_BYTES: u64 = 0x4000_0000;
const LOG_HEAD: u64 = 32;

/// Refuses a file that lacks pages.
pub fn check(file: &Path) -> Result<()> {
    match missing(file) {
        Ok(None) => Ok(()),
        Ok(Some((has, of))) => {
            Err(Error::Corrupt(format!("the file {} was cut off: it has {has} of {of} pages", file.display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::Unavailable(format!("{}: {error}", file.display()))),
    }
}

/// How many pages there are and should be, when some are nowhere.
fn missing(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut head = [0; 100];
    if file.read_exact_at(&mut head, 0).is_err() {
        // A new file, or one that SQLite itself refuses.
        return Ok(None);
    }
    let page = match u64::from(number::<2>(&head, 16)) {
        1 => 65_536,
        other => other,
    };
    // The count in the head holds only when whoever changed the file last kept it (§1.3.7).
    let counted = number::<4>(&head, 24) == number::<4>(&head, 92);
    if page < 512 || !counted {
        return Ok(None);
    }
    let has = length / page;
    let (logged, committed) = logged(path, page)?;
    let of = committed.unwrap_or_else(|| u64::from(number::<4>(&head, 28)));
    // The page of the lock bytes is never written (§1.4).
    let locks = LOCK_BYTES / page + 1;
    let lacking = (has.saturating_add(1)..=of).any(|page| page != locks && !logged.contains(&page));
    Ok(lacking.then_some((has, of)))
}

/// The pages in the write-ahead log, and the number of pages after its last commit.
fn logged(path: &Path, page: u64) -> io::Result<(HashSet<u64>, Option<u64>)> {
    let (mut pages, mut pending, mut committed) = (HashSet::new(), Vec::new(), None);
    let log = match File::open(PathBuf::from(format!("{}-wal", path.display()))) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((pages, None)),
        Err(error) => return Err(error),
    };
    let mut head = [0; 32];
    if log.read_exact_at(&mut head, 0).is_err() {
        return Ok((pages, None));
    }
    let mut frame = [0; 24];
    let mut at = LOG_HEAD;
    // Frames of an earlier round bear other salts.
    while log.read_exact_at(&mut frame, at).is_ok() && frame.get(8..16) == head.get(16..24) {
        pending.push(u64::from(number::<4>(&frame, 0)));
        let after = number::<4>(&frame, 4);
        if after > 0 {
            committed = Some(u64::from(after));
            pages.extend(pending.drain(..));
        }
        at = at.saturating_add(FRAME_HEAD).saturating_add(page);
    }
    Ok((pages, committed))
}

/// A big-endian number of so many bytes.
fn number<const N: usize>(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..at.saturating_add(N)).unwrap_or_default();
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
