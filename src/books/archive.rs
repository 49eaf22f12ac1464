//! A plain archive: files in a folder or in one tar file, and the SHA-256 of each in `SHA256SUMS`.
//!
//! Invariants: a tar file stands under its name only when it is whole and flushed; [`Archive::finish`] returns after
//! the flush. What a crash leaves is a file with `.part` at its end, or a folder without `SHA256SUMS`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lienthong_contract::{Digest, digest::Hasher};

/// Bytes copied at a time, and the block of a tar file.
const CHUNK: usize = 128 << 10;
const BLOCK: usize = 512;
/// The largest file that the ustar form can hold.
const MAX_TAR_FILE: u64 = (8 << 30) - 1;

/// An archive that is being written.
pub struct Archive {
    out: Out,
    /// The lines of `SHA256SUMS` so far, on disk: there may be millions.
    sums: File,
}

enum Out {
    Folder(PathBuf),
    Tar { file: BufWriter<File>, part: PathBuf, whole: PathBuf },
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Archive")
    }
}

impl Archive {
    /// Begins an archive: a tar file when the name ends so, otherwise a folder. What exists is never written over.
    ///
    /// # Errors
    /// Something is there already, or the disk refuses.
    pub fn create(place: &Path) -> io::Result<Self> {
        let exists = || io::Error::new(io::ErrorKind::AlreadyExists, format!("{} exists already", place.display()));
        let out = if place.extension().is_some_and(|extension| extension == "tar") {
            if place.exists() {
                return Err(exists());
            }
            let mut part = place.as_os_str().to_owned();
            part.push(".part");
            let part = PathBuf::from(part);
            Out::Tar { file: BufWriter::new(File::create(&part)?), part, whole: place.to_owned() }
        } else {
            fs::create_dir_all(place)?;
            if fs::read_dir(place)?.next().is_some() {
                return Err(exists());
            }
            Out::Folder(place.to_owned())
        };
        Ok(Self { out, sums: tempfile::tempfile()? })
    }

    /// Adds a file of exactly `size` bytes; `seconds` since 1970 is the time that it is given in a tar file.
    ///
    /// # Errors
    /// There are fewer or more bytes, or the disk refuses.
    pub fn add(&mut self, path: &str, size: u64, seconds: i64, from: &mut dyn Read) -> io::Result<Digest> {
        let digest = self.write(path, size, seconds, from)?;
        writeln!(self.sums, "{}  {path}", digest.hex())?;
        Ok(digest)
    }

    fn write(&mut self, path: &str, size: u64, seconds: i64, from: &mut dyn Read) -> io::Result<Digest> {
        match &mut self.out {
            Out::Folder(folder) => {
                let file = folder.join(path);
                let parent = file.parent().unwrap_or(folder);
                fs::create_dir_all(parent)?;
                let mut out = File::create(&file)?;
                let digest = copy(from, &mut out, size)?;
                out.sync_all()?;
                Ok(digest)
            }
            Out::Tar { file, .. } => {
                file.write_all(&header(path, size, seconds)?)?;
                let digest = copy(from, file, size)?;
                let rest = usize::try_from(size % BLOCK as u64).unwrap_or(0);
                if rest > 0 {
                    file.write_all([0; BLOCK].get(rest..).unwrap_or_default())?;
                }
                Ok(digest)
            }
        }
    }

    /// Writes `SHA256SUMS` and flushes everything to disk.
    ///
    /// # Errors
    /// The disk refuses; then the archive is not to be relied on.
    pub fn finish(mut self, seconds: i64) -> io::Result<()> {
        let mut sums = self.sums.try_clone()?;
        let size = sums.metadata()?.len();
        sums.seek(SeekFrom::Start(0))?;
        self.write("SHA256SUMS", size, seconds, &mut sums)?;
        match self.out {
            Out::Folder(folder) => flush_folders(&folder),
            Out::Tar { mut file, part, whole } => {
                // Two empty blocks end it.
                file.write_all(&[0; 2 * BLOCK])?;
                file.flush()?;
                file.get_ref().sync_all()?;
                fs::rename(&part, &whole)?;
                let folder = whole.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
            }
        }
    }
}

/// Names are on disk when their folder is: days, documents, receipts.
fn flush_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            flush_folders(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

fn copy(from: &mut dyn Read, to: &mut dyn Write, size: u64) -> io::Result<Digest> {
    let (mut hasher, mut buffer, mut copied) = (Hasher::default(), vec![0; CHUNK], 0);
    loop {
        let read = from.read(&mut buffer)?;
        let chunk = buffer.get(..read).unwrap_or_default();
        copied += read as u64;
        if copied > size || (read == 0 && copied < size) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not as long as it should be"));
        }
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(chunk);
        to.write_all(chunk)?;
    }
}

/// The header of one file in the ustar form (POSIX.1-1988).
fn header(path: &str, size: u64, seconds: i64) -> io::Result<[u8; BLOCK]> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{path}: {what}"));
    if size > MAX_TAR_FILE {
        return Err(invalid("larger than a tar file can hold; export into a folder"));
    }
    let (prefix, name) = if path.len() <= 100 { ("", path) } else { path.rsplit_once('/').unwrap_or(("", path)) };
    if name.len() > 100 || prefix.len() > 155 {
        return Err(invalid("too long a name for a tar file"));
    }
    let mut block = [0_u8; BLOCK];
    let mut put = |at: usize, text: &[u8]| {
        if let Some(place) = block.get_mut(at..at + text.len()) {
            place.copy_from_slice(text);
        }
    };
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, format!("{:011o}\0", seconds.clamp(0, 0o77_777_777_777)).as_bytes());
    // The sum is counted with spaces in its own place.
    put(148, b"        ");
    // An ordinary file.
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(place) = block.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    Ok(block)
}
