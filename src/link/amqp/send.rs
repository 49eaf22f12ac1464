//! One transfer out: in one message, or, when it is large, in frames and a final message.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lienthong_contract::HopName;

use super::publish::{Failed, Job};
use super::supervise::{Generation, Lane, Shared};
use super::topology;
use super::wire::{self, FrameHead};
use crate::link::{Content, Error, Transfer};

/// Sends one checked transfer.
pub(super) async fn transfer(
    shared: &Shared,
    generation: &Generation,
    peer: &HopName,
    transfer: Transfer,
) -> Result<(), Error> {
    let frame_bytes = shared.broker.limits.frame_bytes;
    let lane = if transfer.urgent { &generation.urgent } else { &generation.normal };
    let sent = if transfer.content.len() <= frame_bytes as u64 {
        inline(shared, lane, peer, &transfer).await
    } else {
        framed(shared, lane, peer, &transfer, frame_bytes).await
    };
    outcome(shared, generation, peer, sent).await
}

/// Sends one checked batch of receipts.
pub(super) async fn receipts(
    shared: &Shared,
    generation: &Generation,
    peer: &HopName,
    batch: Bytes,
) -> Result<(), Error> {
    let properties = wire::properties(wire::RECEIPTS, &shared.broker.me);
    let publisher = &generation.receipts;
    let sent = async {
        let room = publisher.room(batch.len()).await?;
        publisher.publish(Job::of(room, topology::receipts(peer), batch.to_vec(), properties)).await
    };
    let sent = sent.await;
    outcome(shared, generation, peer, sent).await
}

async fn outcome(
    shared: &Shared,
    generation: &Generation,
    peer: &HopName,
    sent: Result<(), Failed>,
) -> Result<(), Error> {
    match sent {
        Ok(()) => Ok(()),
        Err(Failed::Link(error)) => Err(error),
        Err(Failed::Nacked) => Err(Error::Nacked { peer: peer.clone() }),
        Err(Failed::Returned(detail)) => {
            shared.redeclare(generation, peer).await;
            Err(Error::Unroutable { peer: peer.clone(), detail })
        }
    }
}

async fn inline(shared: &Shared, lane: &Lane, peer: &HopName, transfer: &Transfer) -> Result<(), Failed> {
    let len = usize::try_from(transfer.content.len()).unwrap_or(usize::MAX);
    let room = lane.packets.room(wire::PREFIX + transfer.header.len() + len).await?;
    let body = match &transfer.content {
        Content::Bytes(content) => wire::body(&transfer.header, content),
        Content::File { .. } => {
            let content = Source::open(&transfer.content).await?.read(0, len).await?;
            wire::body(&transfer.header, &content)
        }
    };
    let properties = wire::traced(wire::properties(wire::PACKET, &shared.broker.me), transfer.trace);
    let queue = topology::packets(peer, transfer.urgent);
    let job = Job::of(room, queue, body, properties);
    lane.packets.publish(if transfer.urgent || transfer.again { job } else { job.sharing() }).await
}

/// Frames first; the final message only when the broker has them all, so that the far side need not wait long.
async fn framed(
    shared: &Shared,
    lane: &Lane,
    peer: &HopName,
    transfer: &Transfer,
    frame_bytes: usize,
) -> Result<(), Failed> {
    // The semaphore is never closed; without a turn the frames would still be right, only more at once.
    let _turn = lane.large.acquire().await;
    let total = transfer.content.len();
    let count = u32::try_from(total.div_ceil(frame_bytes as u64)).unwrap_or(u32::MAX);
    let head =
        |index: u32, offset: u64| FrameHead { transfer_id: transfer.transfer_id.clone(), index, count, offset, total };
    let source = Source::open(&transfer.content).await?;
    let queue = topology::frames(peer, transfer.urgent);
    let mut flying = FuturesUnordered::new();
    for index in 0..count {
        let offset = u64::from(index) * frame_bytes as u64;
        let len = usize::try_from(total - offset).unwrap_or(usize::MAX).min(frame_bytes);
        // Room before reading: memory holds no more frames than the window.
        let room = lane.frames.room(len).await?;
        let body = source.read(offset, len).await?;
        let properties = wire::properties(wire::FRAME, &shared.broker.me).with_headers(head(index, offset).headers());
        // Handed in before the next wait: a future that nobody polls must not sit on its room.
        let outcome = lane.frames.hand_in(Job::of(room, queue.clone(), body, properties)).await?;
        flying.push(lane.frames.outcome(outcome));
        while let Some(Some(sent)) = flying.next().now_or_never() {
            sent?;
        }
    }
    while let Some(sent) = flying.next().await {
        sent?;
    }
    let body = wire::body(&transfer.header, &[]);
    let properties = wire::properties(wire::FRAMED, &shared.broker.me).with_headers(head(count, total).headers());
    let properties = wire::traced(properties, transfer.trace);
    let room = lane.packets.room(body.len()).await?;
    lane.packets.publish(Job::of(room, topology::packets(peer, transfer.urgent), body, properties)).await
}

/// Content that is read piece by piece.
enum Source {
    Bytes(Bytes),
    File { file: Arc<File>, name: String },
}

impl Source {
    async fn open(content: &Content) -> Result<Self, Error> {
        match content {
            Content::Bytes(bytes) => Ok(Self::Bytes(bytes.clone())),
            Content::File { path, len } => {
                let (path, len) = (path.clone(), *len);
                let name = path.display().to_string();
                let opened = tokio::task::spawn_blocking(move || {
                    let file = File::open(path)?;
                    let found = file.metadata()?.len();
                    if found == len { Ok(file) } else { Err(other_length(found, len)) }
                });
                let file = opened.await.map_err(|died| Error::Protocol(died.to_string()))?;
                Ok(Self::File { file: Arc::new(file.map_err(Error::io(name.clone()))?), name })
            }
        }
    }

    async fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        match self {
            Self::Bytes(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let piece = bytes.get(from..from.saturating_add(len));
                piece.map(<[u8]>::to_vec).ok_or_else(|| Error::Protocol("a frame beyond the content".to_owned()))
            }
            Self::File { file, name } => {
                let file = Arc::clone(file);
                let read = tokio::task::spawn_blocking(move || {
                    let mut piece = vec![0; len];
                    file.read_exact_at(&mut piece, offset).map(|()| piece)
                });
                let piece = read.await.map_err(|died| Error::Protocol(died.to_string()))?;
                piece.map_err(Error::io(name.clone()))
            }
        }
    }
}

fn other_length(found: u64, said: u64) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("{found} bytes where {said} were said"))
}
