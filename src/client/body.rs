//! What a request carries: nothing, bytes, or a file read while it is sent.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use hyper::body::{Body, Frame, SizeHint};
use lienthong_contract::Digest;
use lienthong_contract::digest::Hasher;
use tokio::io::AsyncReadExt;

/// Bytes read from a file, or shown as progress, at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A packet to hand in.
#[derive(Clone)]
pub enum Packet {
    Bytes(Bytes),
    /// Read while it is sent, so of any size. It must not change meanwhile.
    File(PathBuf),
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Packet({} bytes)", bytes.len()),
            Self::File(path) => write!(f, "Packet({})", path.display()),
        }
    }
}

/// Called with the bytes sent so far and the size of the packet.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// A body on its way out.
pub struct Outgoing {
    source: Source,
    size: u64,
    sent: Sent,
    progress: Option<Progress>,
}

enum Source {
    Bytes(Bytes),
    File(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

/// How far a body has come, seen from outside.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    bytes: Arc<AtomicU64>,
    hasher: Arc<Mutex<Hasher>>,
}

impl Sent {
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Digest of what was sent so far.
    pub fn digest(&self) -> Digest {
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).clone().finish()
    }
}

impl Outgoing {
    pub fn bytes(bytes: Bytes) -> Self {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self { source: Source::Bytes(bytes), size, sent: Sent::default(), progress: None }
    }

    pub async fn packet(packet: &Packet, progress: Option<Progress>) -> io::Result<Self> {
        let mut body = match packet {
            Packet::Bytes(bytes) => Self::bytes(bytes.clone()),
            Packet::File(path) => {
                let file = tokio::fs::File::open(path).await?;
                let size = file.metadata().await?.len();
                let read = stream::try_unfold(file.take(size), |mut file| async move {
                    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                    let count = file.read_buf(&mut chunk).await?;
                    Ok((count > 0).then(|| (chunk.freeze(), file)))
                });
                Self { source: Source::File(Box::pin(read)), size, sent: Sent::default(), progress: None }
            }
        };
        body.progress = progress;
        Ok(body)
    }

    pub fn sent(&self) -> Sent {
        self.sent.clone()
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    fn count(&self, chunk: &Bytes) {
        let more = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let so_far = self.sent.bytes.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        self.sent.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
        if let Some(progress) = &self.progress {
            progress(so_far, self.size);
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let chunk = match &mut this.source {
            Source::Bytes(rest) if rest.is_empty() => return Poll::Ready(None),
            Source::Bytes(rest) => rest.split_to(rest.len().min(CHUNK_BYTES)),
            Source::File(read) => match ready!(read.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            },
        };
        this.count(&chunk);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.source, Source::Bytes(rest) if rest.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size.saturating_sub(self.sent.bytes()))
    }
}
