//! Large packets as files beside the database, named by their digest; and the spool where uploads grow.
//!
//! A file is moved into place only when it is whole and flushed: temporary file, fsync, rename, fsync of the folder.
//! So a name under `packets/` always holds the bytes of that digest. What a crash leaves in `spool/` is swept at start, and
//! so are files that the store does not know ([`Blobs::sweep`]).
//!
//! A file that the store then does not take is removed ([`Kept::discard`]), but never while somebody else puts the same
//! bytes in place: two ways in may bring the same packet at once.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::NamedTempFile;

use lienthong_contract::Digest;

/// The folder of large packets and the spool.
#[derive(Debug, Clone)]
pub struct Blobs {
    packets: PathBuf,
    spool: PathBuf,
    /// Who is putting which packet in place just now.
    holders: Arc<Mutex<HashMap<Digest, Holders>>>,
}

#[derive(Debug, Default)]
struct Holders {
    now: usize,
    /// There was more than one since the first came.
    shared: bool,
}

/// A file that stands in its place and that the store has not answered for yet.
#[derive(Debug)]
pub struct Kept {
    blobs: Blobs,
    digest: Digest,
}

/// An upload on its way; deleted when dropped unless it was kept.
#[derive(Debug)]
pub struct SpoolFile(NamedTempFile);

impl Blobs {
    /// Opens the folders under the gateway's data folder and sweeps the spool.
    ///
    /// # Errors
    /// The folders cannot be made or read.
    pub fn open(data: &Path) -> io::Result<Self> {
        let blobs = Self { packets: data.join("packets"), spool: data.join("spool"), holders: Arc::default() };
        fs::create_dir_all(&blobs.packets)?;
        fs::create_dir_all(&blobs.spool)?;
        for entry in fs::read_dir(&blobs.spool)? {
            let path = entry?.path();
            if path.is_file() {
                fs::remove_file(path)?;
            }
        }
        Ok(blobs)
    }

    /// The folders of a gateway that may be running, to read packets from: nothing is made or swept.
    #[must_use]
    pub fn beside(data: &Path) -> Self {
        Self { packets: data.join("packets"), spool: data.join("spool"), holders: Arc::default() }
    }

    /// Holds a packet's file so that it can be discarded; nothing while somebody else is putting the same one in place.
    #[must_use]
    pub fn claim(&self, digest: Digest) -> Option<Kept> {
        let kept = Kept::hold(self, digest);
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = holders.get(&digest).is_some_and(|entry| entry.shared);
        drop(holders);
        (!shared).then_some(kept)
    }

    /// The folder for files that are not whole yet.
    #[must_use]
    pub fn spool_folder(&self) -> &Path {
        &self.spool
    }

    /// A new empty file in the spool.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn spool(&self) -> io::Result<SpoolFile> {
        tempfile::Builder::new().prefix("up-").tempfile_in(&self.spool).map(SpoolFile)
    }

    /// Moves a whole file into place under its digest. Durable when it returns.
    ///
    /// # Errors
    /// The disk refuses; the file is then gone from the spool and not in place.
    pub fn keep(&self, file: SpoolFile, digest: Digest) -> io::Result<Kept> {
        let kept = Kept::hold(self, digest);
        let mut file = file.0;
        file.flush()?;
        file.as_file().sync_all()?;
        let target = self.path(digest);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
            file.persist(&target).map_err(|error| error.error)?;
            File::open(folder)?.sync_all()?;
            File::open(&self.packets)?.sync_all()?;
        }
        Ok(kept)
    }

    /// Holds the place of this packet's file, so that it can be discarded unless somebody puts it in place meanwhile.
    #[must_use]
    pub fn hold(&self, digest: Digest) -> Kept {
        Kept::hold(self, digest)
    }

    /// The packets that stand here as files, for [`Blobs::sweep`].
    ///
    /// # Errors
    /// The folders cannot be read.
    pub fn all(&self) -> io::Result<Vec<Digest>> {
        let mut digests = Vec::new();
        for shelf in fs::read_dir(&self.packets)? {
            for file in fs::read_dir(shelf?.path())? {
                let path = file?.path();
                let name = path.file_stem().and_then(|name| name.to_str());
                digests.extend(name.and_then(|name| format!("sha256:{name}").parse::<Digest>().ok()));
            }
        }
        Ok(digests)
    }

    /// Removes files that the store does not know: a crash came between the file and the store's answer. Only at
    /// start, before anything can come in.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sweep(&self, unknown: &[Digest]) -> io::Result<()> {
        unknown.iter().try_for_each(|digest| fs::remove_file(self.path(*digest)))
    }

    /// Where the packet of this digest lies, if it is held as a file.
    #[must_use]
    pub fn path(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        let (shelf, _) = hex.split_at(2);
        self.packets.join(shelf).join(format!("{hex}.edxml"))
    }
}

impl Kept {
    fn hold(blobs: &Blobs, digest: Digest) -> Self {
        let mut holders = blobs.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = holders.entry(digest).or_default();
        entry.now += 1;
        entry.shared |= entry.now > 1;
        Self { blobs: blobs.clone(), digest }
    }

    /// Removes the file again, unless somebody else has put the same one in place meanwhile.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn discard(self) -> io::Result<()> {
        let holders = self.blobs.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if holders.get(&self.digest).is_some_and(|entry| entry.shared) {
            return Ok(());
        }
        // Under the lock: nobody can put it in place before it is gone.
        fs::remove_file(self.blobs.path(self.digest))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut holders = self.blobs.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = holders.get_mut(&self.digest) {
            entry.now -= 1;
            if entry.now == 0 {
                holders.remove(&self.digest);
            }
        }
    }
}

impl SpoolFile {
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Another handle on the same file, reading from its start.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn reopen(&self) -> io::Result<File> {
        self.0.reopen()
    }

    /// Takes over a file that somebody else put into the spool.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn adopt(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Self(NamedTempFile::from_parts(file, tempfile::TempPath::try_from_path(path)?)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_kept_file_stands_under_its_digest_and_a_dropped_one_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let mut file = blobs.spool().unwrap();
        file.file().write_all(b"packet").unwrap();
        let dropped = blobs.spool().unwrap();
        let left = dropped.path().to_owned();
        drop(dropped);
        assert!(!left.exists());
        let digest = Digest::of(b"packet");
        drop(blobs.keep(file, digest).unwrap());
        assert_eq!(fs::read(blobs.path(digest)).unwrap(), b"packet");
        assert_eq!(fs::read_dir(blobs.spool_folder()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_crash_left_in_the_spool_is_swept_at_start() {
        let folder = tempfile::tempdir().unwrap();
        Blobs::open(folder.path()).unwrap();
        let left = folder.path().join("spool/up-left");
        fs::write(&left, b"half").unwrap();
        Blobs::open(folder.path()).unwrap();
        assert!(!left.exists());
    }
}
