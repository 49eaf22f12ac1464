//! A witness: how it judges a log's next checkpoint, and how it signs the one it saw (C2SP tlog-cosignature).
//!
//! A witness keeps of each log the last checkpoint it cosigned, and cosigns another only when a proof shows that the
//! log has only grown. Two hops that were shown different logs under one name find out as soon as their checkpoints
//! meet at one witness; the judgement then holds both, signed, and that is evidence no log can talk its way out of.

use lienthong_contract::Digest;

use super::Error;
use super::checkpoint::SignedCheckpoint;
use super::key::{SignatureKind, SigningKey, VerifierKey};
use super::note::Signature;
use super::proof::check_consistency;

/// First line of what a witness signs: no checkpoint can begin so (C2SP tlog-cosignature, Ed25519 signed message).
pub const HEADER: &str = "cosignature/v1";

/// The latest time a cosignature may bear, in seconds since 1970 (C2SP tlog-cosignature, Format).
pub const MAX_TIME: u64 = i64::MAX.unsigned_abs();

/// What is signed: two lines, then the checkpoint's text (C2SP tlog-cosignature, Ed25519 signed message).
pub(super) fn message(time: u64, text: &str) -> String {
    format!("{HEADER}\ntime {time}\n{text}")
}

/// Time and signature in a cosignature (C2SP tlog-cosignature, Format: `timestamped_signature`).
pub(super) fn split(signature: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = signature.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (time <= MAX_TIME && signature.len() == 64).then_some((time, signature))
}

/// Cosigns a checkpoint, `time` in seconds since 1970. Whoever calls this has a [`Judgement`] that allows it, and has
/// stored the checkpoint as the last one seen. A key that cosigns should do nothing else, for no other name.
///
/// # Errors
/// [`Error::Malformed`] when the time is beyond [`MAX_TIME`].
pub fn cosign(key: &SigningKey, checkpoint: &SignedCheckpoint, time: u64) -> Result<Signature, Error> {
    if time > MAX_TIME {
        return Err(Error::Malformed { what: "cosignature", why: "its time is beyond 2^63 - 1" });
    }
    let message = message(time, checkpoint.note().text());
    key.signature(SignatureKind::Cosignature, &time.to_be_bytes(), &message)
}

/// A witness's word for a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    pub witness: String,
    /// Seconds since 1970. Whether it lies in the future is for who has a clock.
    pub time: u64,
}

/// Which of these witnesses cosigned the checkpoint, each once, with its latest time. What a log needs is a quorum of
/// them; its own signature is none.
///
/// # Errors
/// [`Error::BadSignature`], [`Error::Ambiguous`].
pub fn cosignatures(checkpoint: &SignedCheckpoint, witnesses: &[VerifierKey]) -> Result<Vec<Cosigned>, Error> {
    let mut found: Vec<Cosigned> = Vec::new();
    for signature in checkpoint.note().check(witnesses)? {
        let Some(time) = signature.time else { continue };
        match found.iter_mut().find(|cosigned| cosigned.witness == signature.key.name()) {
            Some(cosigned) => cosigned.time = cosigned.time.max(time),
            None => found.push(Cosigned { witness: signature.key.name().to_owned(), time }),
        }
    }
    Ok(found)
}

/// The last checkpoint seen of a log and the one that was judged, each as its log signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub before: SignedCheckpoint,
    pub now: SignedCheckpoint,
}

/// What is wrong between two checkpoints of which the second does not continue the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fork {
    /// One size, two roots. The two signatures alone convict the log.
    OtherRoot,
    /// The later one was not shown to begin with the earlier one. A spoiled proof does that too: the log is asked for
    /// another before it is accused.
    BadProof(Error),
}

/// How a checkpoint stands to the last one seen of the same log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The first of this log that was ever seen.
    First(Box<SignedCheckpoint>),
    /// Same size, same root.
    Same(Box<Pair>),
    /// Larger, and shown to begin with the last one.
    Consistent(Box<Pair>),
    /// Smaller, and shown to be a beginning of the last one: a late message, no fault.
    Older(Box<Pair>),
    /// Another log under the same name.
    Fork(Box<Pair>, Fork),
    /// Smaller, and not shown to be a beginning of the last one: the log lost entries, or it forked.
    Shrunk(Box<Pair>),
}

impl Judgement {
    /// True when a witness may cosign the checkpoint that was judged and keep it as the last one seen.
    #[must_use]
    pub const fn may_cosign(&self) -> bool {
        matches!(self, Self::First(_) | Self::Same(_) | Self::Consistent(_))
    }

    /// True when both checkpoints should be kept and shown to a person.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        matches!(self, Self::Fork(..) | Self::Shrunk(_))
    }
}

/// Judges a checkpoint by the last one seen of the same log and the consistency proof between the two, from the smaller
/// to the larger (RFC 6962 §2.1.2; C2SP tlog-witness, add-checkpoint). When none was seen, or sizes are the same, the
/// proof has no hashes.
///
/// # Errors
/// [`Error::OtherOrigin`] when they are of two logs; [`Error::Proof`] when hashes come where none are needed.
pub fn judge(last: Option<SignedCheckpoint>, now: SignedCheckpoint, proof: &[Digest]) -> Result<Judgement, Error> {
    let Some(before) = last else {
        unneeded(proof)?;
        return Ok(Judgement::First(Box::new(now)));
    };
    let (earlier, later) = (before.checkpoint().clone(), now.checkpoint().clone());
    if earlier.origin != later.origin {
        let (expected, found) = (earlier.origin.to_string(), later.origin.to_string());
        return Err(Error::OtherOrigin { expected, found });
    }
    let (old, new) = ((earlier.size, &earlier.root), (later.size, &later.root));
    let pair = Box::new(Pair { before, now });
    if old.0 == new.0 {
        // Two roots of one size are a fork whatever came as a proof.
        if old.1 != new.1 {
            return Ok(Judgement::Fork(pair, Fork::OtherRoot));
        }
        unneeded(proof)?;
        return Ok(Judgement::Same(pair));
    }
    if new.0 < old.0 {
        let older = check_consistency(proof, new, old).is_ok();
        return Ok(if older { Judgement::Older(pair) } else { Judgement::Shrunk(pair) });
    }
    Ok(match check_consistency(proof, old, new) {
        Ok(()) => Judgement::Consistent(pair),
        Err(fault) => Judgement::Fork(pair, Fork::BadProof(fault)),
    })
}

fn unneeded(proof: &[Digest]) -> Result<(), Error> {
    if proof.is_empty() { Ok(()) } else { Err(Error::Proof("it has hashes where none are needed")) }
}
