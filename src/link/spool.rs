//! The spool folder: where large packets wait on disk until the sink takes them.
//!
//! Invariants: a folder belongs to one link of one process. Every name in it is made here, from digests and counters,
//! never from what a peer wrote. Nothing in it is custody: it is emptied at start.
//!
//! Failure story: after a crash the folder may hold partial files; [`Spool::open`] removes them, and the sender, who
//! still has custody, sends again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;

/// Endings of the files made here, and of nothing else: still being written, or complete.
const PART: &str = "part";
const ARRIVED: &str = "arrived";

/// A complete file that has arrived. Its data is on disk (fsynced); its name is not (the folder is not fsynced), so
/// whoever keeps it renames it and syncs the folder it goes to. It is deleted on drop unless it was kept.
#[derive(Debug)]
pub struct ArrivedFile {
    path: PathBuf,
    len: u64,
    kept: bool,
}

impl ArrivedFile {
    /// Takes over a complete, synced file.
    pub(super) fn new(path: PathBuf, len: u64) -> Self {
        Self { path, len, kept: false }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Opens it for reading from the start. It may be opened many times.
    ///
    /// # Errors
    /// As [`File::open`].
    pub fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Moves the file to its place by a rename, which must be on the same file system. On failure the file is still
    /// here and is deleted.
    ///
    /// # Errors
    /// As [`fs::rename`]; `CrossesDevices` when the spool folder is on another file system than `to`.
    pub fn persist(mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.kept = true;
        Ok(())
    }

    /// Leaves the file where it is; the caller owns it from now on.
    #[must_use]
    pub fn keep(mut self) -> PathBuf {
        self.kept = true;
        std::mem::take(&mut self.path)
    }
}

impl Drop for ArrivedFile {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a spool file could not be removed");
        }
    }
}

/// One link's spool folder.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    made: Arc<AtomicU64>,
}

impl Spool {
    /// Makes the folder, or empties it of what an earlier run left.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be made, read or emptied.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let named = |source| Error::Io { what: folder.display().to_string(), source };
        fs::create_dir_all(folder).map_err(named)?;
        for entry in fs::read_dir(folder).map_err(named)? {
            let path = entry.map_err(named)?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if matches!(ending, Some(PART | ARRIVED)) {
                fs::remove_file(&path).map_err(named)?;
            }
        }
        Ok(Self { folder: folder.to_owned(), made: Arc::default() })
    }

    /// A new empty file and its path.
    pub(super) fn create(&self) -> io::Result<(File, PathBuf)> {
        let path = self.fresh(PART);
        let file = File::options().create_new(true).read(true).write(true).open(&path)?;
        Ok((file, path))
    }

    /// A second name for a complete file, for the sink to keep or drop; the bytes are not copied where the file
    /// system can link, and are where it cannot.
    pub(super) fn hand_over(&self, whole: &Path, len: u64) -> io::Result<ArrivedFile> {
        let path = self.fresh(ARRIVED);
        if fs::hard_link(whole, &path).is_ok() {
            return Ok(ArrivedFile::new(path, len));
        }
        self.copy_of(whole, len)
    }

    /// A synced copy of a file that stays its owner's.
    pub(super) fn copy_of(&self, original: &Path, len: u64) -> io::Result<ArrivedFile> {
        let arrived = ArrivedFile::new(self.fresh(ARRIVED), len);
        let mut to = File::options().create_new(true).write(true).open(arrived.path())?;
        let copied = io::copy(&mut File::open(original)?, &mut to)?;
        if copied != len {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{copied} bytes where {len} were said")));
        }
        to.sync_all()?;
        Ok(arrived)
    }

    fn fresh(&self, ending: &str) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{number:016x}.{ending}"))
    }
}
