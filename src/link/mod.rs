//! Hop to hop: what carries consignments and receipts from this gateway to its neighbours and back.
//!
//! Two links speak the same words. [`inprocess`] joins hops of one process and is the embedded default; [`amqp`]
//! joins hops over RabbitMQ. Delivery calls a [`Link`] to push; the gateway hands each link a [`Sink`], which is
//! called for whatever arrives.
//!
//! Invariants
//! * [`Link::send`] is `Ok` only when the far side has it: the broker confirmed it and did not return it, or, in
//!   process, the peer's sink said `Ok`. Anything else is an [`Error`] that says whether trying again can help.
//! * A delivery is acknowledged to the broker only after the sink said `Ok`, so what arrives is stored before it is
//!   let go of. The wire is at-least-once: a sink sees the same transfer twice after a cut, and deduplicates.
//! * Memory is bounded by [`amqp::Limits`], whatever the size of a packet or the length of a queue.
//!
//! Failure story: custody stays with the sender until the next hop's *signed* receipt is stored, which is above this
//! room. So a crash here may cost a resend and never a document; a file in the spool folder is always expendable.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use lienthong_contract::{HopName, Instant};

use crate::traces::Context;

pub mod amqp;
mod error;
pub mod findings;
pub mod inprocess;
pub mod spool;
#[cfg(test)]
mod tests;

pub use error::{Error, SinkError};
pub use spool::ArrivedFile;

/// The longest header of a transfer, in bytes. It is JSON of a few hundred bytes; the rest is room to grow.
pub const MAX_HEADER_BYTES: usize = 1 << 20;

/// The longest transfer id, in ASCII characters.
pub const MAX_TRANSFER_ID: usize = 64;

/// One consignment on its way to a peer.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// What delivery tells the peer about the content; opaque here. At most [`MAX_HEADER_BYTES`].
    pub header: Vec<u8>,
    pub content: Content,
    /// Takes the urgent lane: its own queues, channels and connections.
    pub urgent: bool,
    /// It was sent before and not answered: it shares no message, so that one which is at fault takes no other with it.
    pub again: bool,
    /// Names this transfer among those of this hop: 1 to [`MAX_TRANSFER_ID`] ASCII letters, digits, `-`, `_`, `.`.
    /// A resend uses the same one.
    pub transfer_id: String,
    /// Where in the document's trace it stands.
    pub trace: Option<Context>,
}

/// The packet's bytes, where the sender has them.
#[derive(Debug, Clone)]
pub enum Content {
    Bytes(Bytes),
    /// A file of exactly `len` bytes that stays unchanged until `send` returns. It is streamed, never read whole.
    File {
        path: PathBuf,
        len: u64,
    },
}

impl Content {
    /// Bytes of content.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The packet's bytes, as they came in. Whether they are the right ones the receiver says, by their digest.
#[derive(Debug)]
pub enum Arrived {
    Bytes(Bytes),
    /// A complete file in the spool folder, see [`ArrivedFile`].
    File(ArrivedFile),
}

/// How a transfer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coming {
    /// Through the urgent lane.
    pub urgent: bool,
    /// The sender or the broker hints that it was offered before. A hint: what comes without it may have been, too.
    pub again: bool,
    /// Where in a trace the sender says it stands: a claim like all else that comes, for whoever has verified the rest.
    pub trace: Option<Context>,
}

/// A way to neighbouring hops.
#[async_trait]
pub trait Link: Send + Sync + fmt::Debug {
    /// Pushes one transfer and waits until the far side has it. Many calls may be under way at once.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::is_retryable`] says whether the same call may succeed later.
    async fn send(&self, peer: &HopName, transfer: Transfer) -> Result<(), Error>;

    /// Pushes a batch of receipts, opaque here, and waits until the far side has it. At most [`MAX_HEADER_BYTES`].
    ///
    /// # Errors
    /// As [`Link::send`].
    async fn send_receipts(&self, peer: &HopName, batch: Bytes) -> Result<(), Error>;

    /// How the link is doing, for readiness and the console.
    fn state(&self) -> LinkState;
}

/// How a link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    pub connected: bool,
    /// Since when `connected` has been what it is.
    pub since: Instant,
    /// The broker refuses publishers for now (memory or disk alarm); its reason.
    pub blocked: Option<String>,
    /// What last went wrong with the connection; kept after it is mended.
    pub last_error: Option<String>,
    /// Dead queues of this hop that were deleted and made anew since the link was started.
    pub queues_renewed: u64,
    /// Messages that lie in the dead-letter queue of this hop; nothing until it was looked at.
    pub set_aside: Option<u32>,
}

/// Who takes what arrives.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Takes one transfer. `Ok` means it is on disk and will never be asked for again. A [`Arrived::File`] is
    /// deleted when dropped unless it was kept.
    ///
    /// # Errors
    /// [`SinkError::Retry`]: offered again later. [`SinkError::Poison`]: set aside in the dead-letter queue.
    async fn transfer(&self, header: Vec<u8>, content: Arrived, coming: Coming) -> Result<(), SinkError>;

    /// Takes a batch of receipts.
    ///
    /// # Errors
    /// As [`Sink::transfer`].
    async fn receipts(&self, batch: Bytes) -> Result<(), SinkError>;
}

/// Checks what a caller hands to a link, the same for every kind of link.
fn check(transfer: &Transfer, max_content: u64) -> Result<(), Error> {
    let id = &transfer.transfer_id;
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if id.is_empty() || id.len() > MAX_TRANSFER_ID || !id.bytes().all(good) {
        return Err(Error::TransferId(id.chars().take(MAX_TRANSFER_ID).collect()));
    }
    check_size("header", transfer.header.len() as u64, MAX_HEADER_BYTES as u64)?;
    check_size("content", transfer.content.len(), max_content)
}

fn check_size(what: &'static str, len: u64, max: u64) -> Result<(), Error> {
    if len > max { Err(Error::TooLarge { what, len, max }) } else { Ok(()) }
}
