//! A packet in the official form, for a system outside that takes no other: made of the stored one before each attempt, and
//! gone after it.
//!
//! A packet that the store holds in memory is written there; a larger one into the spool, with its contents streamed from
//! the stored file. What was written is read once more before anything is sent: it must say what the original says, with
//! the same files. Failure story: nothing here changes what is stored. Two attempts give the same bytes, so nothing has to be
//! kept between them; a crash leaves a file in the spool, which the next start sweeps.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use lienthong_contract::Digest;
use lienthong_contract::outlet::Body;

use super::Shared;
use crate::edxml::{Limits, Split, SplitError, split};
use crate::mend::reform;
use crate::store::{Blobs, Dispatch, Held, SpoolFile};

/// A packet as it was written anew.
#[derive(Debug)]
pub(super) struct Anew {
    pub digest: Digest,
    pub size: u64,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Memory(Bytes),
    /// Removed when it is dropped.
    Spool(SpoolFile),
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It cannot be written in that form, or what is stored of it is not what was taken in. Others can go.
    Packet(String),
    /// Our disk.
    Machine(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Machine(format!("chưa viết lại được gói tin — the packet cannot be written anew now: {error}"))
    }
}

impl Anew {
    pub(super) fn body(&self) -> Body {
        match &self.kept {
            Kept::Memory(bytes) => Body::Bytes(bytes.clone()),
            Kept::Spool(file) => Body::File(file.path().to_owned()),
        }
    }
}

/// Writes a stored packet anew; nothing when it is of that form already, byte by byte.
///
/// # Errors
/// [`Fault`].
pub(super) async fn write(shared: &Shared, dispatch: &Dispatch) -> Result<Option<Anew>, Fault> {
    let digest = dispatch.digest;
    let (place, stored) = match &dispatch.held {
        Held::Inline(bytes) => (None, Stored::Memory(bytes.clone())),
        Held::File | Held::Dropped | Held::Destroyed => {
            let place =
                Arc::clone(&shared.writing).acquire_owned().await.map_err(|error| Fault::Machine(error.to_string()))?;
            (Some(place), Stored::File(shared.blobs.path(digest), shared.blobs.clone()))
        }
    };
    // The place goes along: work that is under way goes on although nobody waits for it any more.
    let written = tokio::task::spawn_blocking(move || (stored.anew(digest), place).0).await;
    let anew = written.map_err(|error| Fault::Machine(error.to_string()))??;
    Ok(Some(anew).filter(|anew| anew.digest != digest))
}

enum Stored {
    Memory(Bytes),
    File(PathBuf, Blobs),
}

impl Stored {
    fn anew(self, digest: Digest) -> Result<Anew, Fault> {
        match self {
            Self::Memory(bytes) => {
                let mut out = Vec::with_capacity(bytes.len());
                let original = written(&mut Cursor::new(&bytes), digest, &mut out)?;
                let anew = checked(&original, out.as_slice())?;
                Ok(Anew { digest: anew.digest, size: anew.size, kept: Kept::Memory(out.into()) })
            }
            Self::File(path, blobs) => {
                let mut file = blobs.spool()?;
                let mut stored = File::open(path).map_err(|error| {
                    Fault::Packet(format!(
                        "không mở được gói tin trong kho — the stored packet cannot be opened: {error}"
                    ))
                })?;
                let original = written(&mut stored, digest, file.file())?;
                let anew = checked(&original, file.reopen()?)?;
                Ok(Anew { digest: anew.digest, size: anew.size, kept: Kept::Spool(file) })
            }
        }
    }
}

/// Writes the packet of this digest anew.
fn written(source: &mut (impl Read + Seek), digest: Digest, out: impl Write) -> Result<Split, Fault> {
    source.rewind()?;
    let split = split(&mut *source, &limits()).map_err(|error| unreadable(&error))?;
    if split.digest != digest {
        return Err(Fault::Packet(format!("kho giữ byte khác gói tin đã nhận — what is stored is {}", split.digest)));
    }
    let cannot =
        || Fault::Packet("gói tin không viết lại được theo dạng SDK — not to be written as the SDK does".into());
    reform(&split).ok_or_else(cannot)?.write(source, &split, out)?;
    Ok(split)
}

/// What was written, when it says what the original says.
fn checked(original: &Split, written: impl Read) -> Result<Split, Fault> {
    let anew = split(written, &limits()).map_err(|error| unreadable(&error))?;
    if !reform::says_the_same(original, &anew) {
        let why =
            "gói tin viết lại theo dạng SDK sẽ nói khác bản gốc — written as the SDK does it would say something else";
        return Err(Fault::Packet(why.to_owned()));
    }
    Ok(anew)
}

/// What was taken in met the limits of its day. Prefixes, escapes and names of references make it somewhat longer.
fn limits() -> Limits {
    let usual = Limits::default();
    Limits {
        max_total: u64::MAX,
        max_skeleton: usual.max_skeleton * 8,
        max_elements: usual.max_elements * 2,
        max_tag: usual.max_tag * 8,
        max_text: usual.max_text * 8,
        ..usual
    }
}

fn unreadable(error: &SplitError) -> Fault {
    match error {
        SplitError::Refused(findings) => {
            let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).take(3).collect();
            let codes = codes.join(", ");
            Fault::Packet(format!("gói tin không đọc lại được — the packet cannot be read again: {codes}"))
        }
        SplitError::Io(error) => Fault::from(io::Error::new(error.kind(), error.to_string())),
    }
}
