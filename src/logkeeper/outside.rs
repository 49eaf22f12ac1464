//! What of the log stands outside the store: its key, and its last checkpoint.
//!
//! The checkpoint is written within a second of the commit it was signed in, and when the gateway stops, into a new
//! file that takes the old one's place. So the store may be ahead of it, and never behind: a store that is behind was
//! restored from an older copy, or has lost its end, and the gateway does not start with it. Whoever accepts the loss
//! closes the log; its last checkpoint stays beside the new one's as evidence.

use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use tokio_util::sync::CancellationToken;

use lienthong_contract::{HopName, Instant, Kind};

use super::findings;
use crate::ledger::{Checkpoint, Note, PrivateKey};
use crate::store::ledger::{Broken, Heads, epoch_of};
use crate::store::{Error, LedgerSetup, LedgerStore, SqliteStore};

/// The shortest time between two checkpoints that are written.
const APART: Duration = Duration::from_millis(500);

/// Where key and checkpoint are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub key: PathBuf,
    pub checkpoint: PathBuf,
}

/// The log is not the one that was signed: the gateway does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub kind: &'static Kind,
    /// What is missing or wrong, in Vietnamese and in English.
    pub vi: String,
    pub en: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kind { code, title, fix, .. } = self.kind;
        write!(f, "{code}: {}\n  {}\n  → {}\n", title.vi, self.vi, fix.vi)?;
        write!(f, "{code}: {}\n  {}\n  → {}", title.en, self.en, fix.en)
    }
}

impl std::error::Error for Refused {}

impl Refused {
    fn new(kind: &'static Kind, vi: String, en: String) -> Self {
        Self { kind, vi, en }
    }

    fn file(kind: &'static Kind, file: &Path, fault: &dyn fmt::Display) -> Self {
        let text = format!("{}: {fault}", file.display());
        Self::new(kind, text.clone(), text)
    }

    fn of(broken: &Broken, files: &Files) -> Self {
        let file = files.checkpoint.display();
        let signed = written_at(&files.checkpoint).map_or_else(|| "?".to_owned(), |time| time.to_string());
        match broken {
            Broken::Shortened { origin, had, has, last } => {
                let missing = had.saturating_sub(*has);
                let last = last.map_or_else(|| "–".to_owned(), |last| last.to_string());
                Self::new(
                    &findings::SHORTENED,
                    format!(
                        "Sổ {origin}: thiếu {missing} mục. Điểm kiểm trong {file} (ghi lúc {signed}) có {had} mục, kho chỉ có {has}; biên nhận cuối còn trong kho lập lúc {last}."
                    ),
                    format!(
                        "Log {origin}: {missing} entries are missing. The checkpoint in {file} (written {signed}) has {had}, the store has {has}; the last receipt that is here was made {last}."
                    ),
                )
            }
            Broken::OlderLog { here, signed: newer } => Self::new(
                &findings::SHORTENED,
                format!("Kho có sổ {here}, nhưng điểm kiểm trong {file} (ghi lúc {signed}) đã là của sổ {newer}."),
                format!("The store has the log {here}, but the checkpoint in {file} (written {signed}) is of {newer}."),
            ),
            Broken::Rewritten { origin, size } => Self::new(
                &findings::REWRITTEN,
                format!("Sổ {origin}: {size} mục đầu không cho ra gốc đã ký trong {file} (ghi lúc {signed})."),
                format!("Log {origin}: its first {size} entries do not give the root in {file} (written {signed})."),
            ),
            Broken::OtherKey(origin) => Self::new(
                &findings::OTHER_KEY,
                format!("Sổ {origin}, khóa {}.", files.key.display()),
                format!("Log {origin}, key {}.", files.key.display()),
            ),
            Broken::Inside(why) => Self::new(&findings::DAMAGED, why.clone(), why.clone()),
            Broken::Outside(why) => Self::file(&findings::OUTSIDE, &files.checkpoint, why),
        }
    }

    /// The database itself cannot be read any more.
    fn damaged(why: &str, files: &Files, outside: Option<&[u8]>) -> Self {
        let Some(claimed) = outside.and_then(claimed) else {
            return Self::new(&findings::DAMAGED, why.to_owned(), why.to_owned());
        };
        let signed = written_at(&files.checkpoint).map_or_else(|| "?".to_owned(), |time| time.to_string());
        let (origin, size) = (claimed.origin, claimed.size);
        Self::new(
            &findings::DAMAGED,
            format!("{why}. Sổ {origin} có {size} mục khi điểm kiểm ngoài kho được ghi lần cuối, lúc {signed}."),
            format!(
                "{why}. The log {origin} had {size} entries when its checkpoint outside was last written, {signed}."
            ),
        )
    }
}

fn written_at(file: &Path) -> Option<Instant> {
    let modified = std::fs::metadata(file).ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Instant::from_millis)
}

fn claimed(note: &[u8]) -> Option<Checkpoint> {
    Note::parse(note).ok()?.text().parse().ok()
}

/// Opens the store with its log, which must contain the checkpoint outside. A key is made when there was none, nor
/// anything signed by one.
///
/// # Errors
/// [`Error`] of the store for what does not concern the log.
pub fn open(file: &Path, hop: &HopName, files: &Files) -> Result<(SqliteStore, LedgerSetup), Opening> {
    let outside = read(&files.checkpoint)?;
    let unchecked = outside.is_none() && files.key.exists();
    let key = key(&files.key, outside.is_some())?;
    let setup = LedgerSetup { key, outside };
    let store = SqliteStore::open_with(file, hop, Some(&setup)).map_err(|error| match error {
        Error::Ledger(broken) => Opening::Refused(Box::new(Refused::of(&broken, files))),
        Error::Corrupt(why) => Opening::Refused(Box::new(Refused::damaged(&why, files, setup.outside.as_deref()))),
        other => Opening::Store(other),
    })?;
    let log = LedgerStore::log(&store);
    if unchecked && log.as_ref().is_some_and(|(_, heads)| heads.borrow().is_some()) {
        let (code, file) = (findings::OUTSIDE.code, files.checkpoint.display());
        tracing::warn!(code, %file, "there is no checkpoint outside the store: whether receipts are missing cannot be told");
    }
    // The loss was accepted, and the crash came before the old checkpoint was put aside.
    if let (Some(claimed), Some((origin, _))) = (setup.outside.as_deref().and_then(claimed), log)
        && claimed.origin != origin
    {
        put_aside(hop, &files.checkpoint)?;
    }
    Ok((store, setup))
}

/// Why a store with a log was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Opening {
    #[error(transparent)]
    Refused(#[from] Box<Refused>),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Closes the log of a gateway that does not run and begins another; the last checkpoint outside is kept beside. Gives
/// the old name, the new one, and where the evidence lies.
///
/// # Errors
/// [`Opening`].
pub fn accept_loss(file: &Path, hop: &HopName, files: &Files) -> Result<(String, String, Option<PathBuf>), Opening> {
    let outside = read(&files.checkpoint)?;
    let signed = outside.as_deref().and_then(claimed).and_then(|claimed| epoch_of(hop, claimed.origin.as_str()));
    let (old, new) = SqliteStore::begin_log_anew(file, hop, signed)?;
    let kept = if outside.is_some() { Some(put_aside(hop, &files.checkpoint)?) } else { None };
    Ok((old, new, kept))
}

/// Moves the checkpoint of a closed log out of the way, to a name that is free.
fn put_aside(hop: &HopName, file: &Path) -> Result<PathBuf, Opening> {
    let epoch = read(file)?.as_deref().and_then(claimed).and_then(|it| epoch_of(hop, it.origin.as_str())).unwrap_or(0);
    let beside = |number: u32| {
        let suffix = if number == 0 { String::new() } else { format!(".{number}") };
        PathBuf::from(format!("{}.closed-{epoch}{suffix}", file.display()))
    };
    let free = (0..1000).map(beside).find(|path| !path.exists()).unwrap_or_else(|| beside(1000));
    std::fs::rename(file, &free).map_err(|fault| Refused::file(&findings::OUTSIDE, file, &fault)).map_err(Box::new)?;
    Ok(free)
}

fn read(file: &Path) -> Result<Option<Vec<u8>>, Box<Refused>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Box::new(Refused::file(&findings::OUTSIDE, file, &error))),
    }
}

/// The key in the file, PKCS #8 in PEM; a new one when there is no file, unless something was signed already.
fn key(file: &Path, signed: bool) -> Result<PrivateKey, Box<Refused>> {
    let refused = |fault: &dyn fmt::Display| Box::new(Refused::file(&findings::OTHER_KEY, file, fault));
    match std::fs::read(file) {
        Ok(pem) => {
            let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|fault| refused(&fault))?;
            PrivateKey::from_pkcs8(der.secret_pkcs8_der()).map_err(|fault| refused(&fault))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !signed => {
            let key = PrivateKey::fresh().map_err(|fault| refused(&fault))?;
            replace(file, pem(key.as_pkcs8()).as_bytes()).map_err(|fault| refused(&fault))?;
            tracing::info!(file = %file.display(), "a key for the log of receipts was made; keep a copy of it");
            Ok(key)
        }
        Err(error) => Err(refused(&error)),
    }
}

fn pem(der: &[u8]) -> String {
    let text = base64_simd::STANDARD.encode_to_string(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// Writes a file that only its owner reads, whole or not at all, through to the disk.
fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let new = PathBuf::from(format!("{}.new", file.display()));
    let _ = std::fs::remove_file(&new);
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    out.write_all(content)?;
    out.sync_all()?;
    std::fs::rename(&new, file)?;
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Writes each new checkpoint until stopped, and the last one then.
pub async fn keep(file: PathBuf, mut heads: Heads, stop: CancellationToken) {
    let mut failed = false;
    loop {
        let head = heads.borrow_and_update().clone();
        if let Some(head) = head {
            let file = file.clone();
            let written = tokio::task::spawn_blocking(move || replace(&file, head.to_string().as_bytes())).await;
            let fault = match written {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(error) = &fault {
                let (code, title) = (findings::OUTSIDE.code, findings::OUTSIDE.title.en);
                tracing::error!(code, error, "{title}");
            }
            failed = fault.is_some();
        }
        if stop.is_cancelled() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => continue,
            () = tokio::time::sleep(APART) => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            changed = heads.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(APART), if failed => {}
        }
    }
}
