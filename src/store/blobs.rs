//! Large packets as files beside the database, named by their digest; and the spool where uploads grow.
//!
//! A file is moved into place only when it is whole and flushed: temporary file, fsync, rename, fsync of the folder.
//! So a name under `packets/` always holds the bytes of that digest. What a crash leaves in `spool/` is swept at start.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use lienthong_contract::Digest;

/// The folder of large packets and the spool.
#[derive(Debug, Clone)]
pub struct Blobs {
    packets: PathBuf,
    spool: PathBuf,
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
        let blobs = Self { packets: data.join("packets"), spool: data.join("spool") };
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
    pub fn keep(&self, file: SpoolFile, digest: Digest) -> io::Result<()> {
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
        Ok(())
    }

    /// Where the packet of this digest lies, if it is held as a file.
    #[must_use]
    pub fn path(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        let (shelf, _) = hex.split_at(2);
        self.packets.join(shelf).join(format!("{hex}.edxml"))
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
        blobs.keep(file, digest).unwrap();
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
