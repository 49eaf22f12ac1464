//! What can go wrong on a link, whose fault it is, and whether the same call may succeed later.

use std::io;

use lienthong_contract::{Blame, Finding, HopName, Kind};

use super::findings;

/// Why a link could not take or carry something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("no queue takes messages for hop {peer}: {detail}")]
    Unroutable { peer: HopName, detail: String },
    #[error("not connected to broker {broker}: {detail}")]
    NotConnected { broker: String, detail: String },
    #[error("no answer within {millis} ms while waiting for {step}")]
    Timeout { step: &'static str, millis: u64 },
    #[error("no consumer could be attached within {millis} ms to {queues}")]
    Silent { queues: String, millis: u64 },
    #[error("the broker refused the message for hop {peer} (queue full, or it could not store it)")]
    Nacked { peer: HopName },
    #[error("the {what} has {len} bytes; at most {max} are taken")]
    TooLarge { what: &'static str, len: u64, max: u64 },
    #[error("queue {queue} exists with other properties than this gateway's: {detail}")]
    PreconditionFailed { queue: String, detail: String },
    #[error("the broker denied access: {0}")]
    AccessRefused(String),
    #[error("a transfer id is 1 to 64 ASCII letters, digits, '-', '_' and '.': {0:?}")]
    TransferId(String),
    #[error("hop {peer} asks for another try later: {why}")]
    PeerBusy { peer: HopName, why: String },
    #[error("hop {peer} cannot take this transfer: {why}")]
    PeerRefused { peer: HopName, why: String },
    #[error("the link's configuration is wrong: {0}")]
    Config(String),
    #[error("reading or writing {what}: {source}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    #[error("AMQP: {0}")]
    Protocol(String),
}

impl Error {
    /// True when the same call may succeed later without anybody changing anything in the transfer.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::TooLarge { .. } | Self::TransferId(_) | Self::PeerRefused { .. } | Self::Config(_))
    }

    /// The row of the room's table that explains this error.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        match self {
            Self::Unroutable { .. } => &findings::UNROUTABLE,
            Self::NotConnected { .. } => &findings::NOT_CONNECTED,
            Self::Timeout { .. } | Self::Silent { .. } => &findings::TIMEOUT,
            Self::Nacked { .. } => &findings::NACKED,
            Self::TooLarge { .. } => &findings::TOO_LARGE,
            Self::PreconditionFailed { .. } => &findings::PRECONDITION_FAILED,
            Self::AccessRefused(_) => &findings::ACCESS_REFUSED,
            Self::TransferId(_) => &findings::TRANSFER_ID,
            Self::PeerBusy { .. } => &findings::PEER_BUSY,
            Self::PeerRefused { .. } => &findings::PEER_REFUSED,
            Self::Config(_) => &findings::CONFIG,
            Self::Io { .. } => &findings::SPOOL,
            Self::Protocol(_) => &findings::PROTOCOL,
        }
    }

    /// Whose turn it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.kind().blame
    }

    /// This occurrence, explained in both languages.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding::of(self.kind()).found(self.to_string())
    }

    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what: what.into(), source }
    }
}

/// Why a sink did not take what arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Nothing is wrong with it; this hop cannot take it now.
    #[error("not now: {why}")]
    Retry { why: String },
    /// It will never be taken; it is set aside for a person to look at.
    #[error("never: {why}")]
    Poison { why: String },
}
