//! What can come of a call instead of an answer.

use std::io;
use std::time::Duration;

use lienthong_contract::Digest;

use crate::api::Problem;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The gateway said no, and why.
    #[error("{} {}: {}", .0.status, .0.title_en, .0.detail_en)]
    Refused(Box<Problem>),
    #[error("not an address of a gateway (https://name:port expected): {0}")]
    BadAddress(String),
    #[error("cannot connect to {address}")]
    Connect { address: String, source: io::Error },
    #[error("no progress for {} s while {step}", .after.as_secs_f32())]
    Timeout { step: Step, after: Duration },
    #[error("the connection broke while {step}")]
    Broken { step: Step, source: hyper::Error },
    /// Something answered that does not speak like a gateway: a proxy's page, a cut answer. Never an empty list.
    #[error("not the answer of a gateway (status {status}): {beginning:?}")]
    NotAGateway { status: u16, beginning: String },
    /// What arrived, here or there, is not what was sent.
    #[error("the packet was damaged on the way: {expected} was sent, {found} arrived")]
    Damaged { expected: Digest, found: Digest },
    #[error("cannot read the packet to send")]
    Read(#[source] io::Error),
    #[error("cannot write the packet received")]
    Write(#[source] io::Error),
}

/// Where a call was when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Connecting,
    Sending,
    Receiving,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Sending => "sending the request",
            Self::Receiving => "receiving the answer",
        })
    }
}

impl Error {
    /// The gateway's refusal, where it is one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without a change, and how long to wait if the gateway said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after_seconds.map(Duration::from_secs),
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } | Self::NotAGateway { .. } => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }
}
