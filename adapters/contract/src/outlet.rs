//! Out of the network and into it: systems that sign no receipts, such as the national axis.
//!
//! ```text
//!   gateway ── Outlet::send ─────────► adapter ─────► the system outside
//!   gateway ◄── Reports::report ────── adapter ◄───── what became of it there
//!   gateway ◄── Entrance::enter ────── adapter ◄───── packets for agencies here
//! ```
//!
//! An adapter crate implements [`Outlet`] and calls the other two. The gateway keeps the queue, the pauses, the deadlines
//! and the receipts; the adapter knows the wire and nothing else, and holds nothing that it could lose.
//!
//! **The one rule of [`Outlet::send`]: when in doubt, [`Outcome::Unknown`].** A time-out, a broken connection, a page of HTML,
//! an answer that lacks its fields: whether the packet arrived is not known then, and it is sent again under the same names
//! until there is an answer or the deadline comes. What was sent twice must be one document at the far end, so the adapter
//! sends the same bytes under the same names each time.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::door::{ConsignmentRef, Refusal, Submission, Upload};
use crate::{AgencyCode, Digest, DocId, HopName};

/// The bytes of a packet that leaves: small ones in memory, others in a file that stays as it is while it is sent.
#[derive(Debug, Clone)]
pub enum Body {
    Bytes(Bytes),
    File(PathBuf),
}

/// A packet on its way out of the network, to one or several recipients there.
#[derive(Debug, Clone)]
pub struct OutgoingPacket {
    pub doc_id: DocId,
    /// SHA-256 of the packet as its sender handed it in.
    pub digest: Digest,
    /// SHA-256 of `body`, where the gateway wrote the packet anew for this system; see [`OutgoingPacket::sent_digest`].
    pub sent: Option<Digest>,
    /// Size of `body` in bytes.
    pub size: u64,
    /// It is a status message, not a document.
    pub is_status: bool,
    pub document_id: Option<String>,
    /// 0 new, 1 revoke, 2 update, 3 replace.
    pub business_type: u8,
    pub from: AgencyCode,
    pub recipients: Vec<ConsignmentRef>,
    pub urgent: bool,
    /// It may have been sent before, without an answer that counts.
    pub again: bool,
    pub body: Body,
}

impl OutgoingPacket {
    /// SHA-256 of the bytes to be sent.
    #[must_use]
    pub fn sent_digest(&self) -> Digest {
        self.sent.unwrap_or(self.digest)
    }
}

/// What came of a send, as far as the system's own answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It answered that it has the packet, and by which name.
    Taken(Taken),
    /// It answered that it will not have it, and that will not change by asking again.
    Refused(TurnedAway),
    /// Nothing can have arrived, and nothing else would either: no connection, or it answered that it cannot now.
    NotSent { why: String },
    /// Nothing can have arrived, and that is a matter of this packet's sender or recipients: an account that is not let in, a
    /// server of theirs that is away. Others may go meanwhile.
    NotNow { why: String },
    /// It may have arrived, or not.
    Unknown { why: String },
}

/// The system has the packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Its own name of it.
    pub id: String,
    /// SHA-256 of what was sent, when that were other bytes than those of [`OutgoingPacket::body`].
    pub sent: Option<Digest>,
    /// Its answer, in its own words.
    pub answer: Option<String>,
}

/// The system will not have the packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurnedAway {
    /// Its code.
    pub code: String,
    pub words: String,
    /// Those of the recipients that were at fault; none when it was the packet. The others are sent again, without them.
    pub recipients: Vec<AgencyCode>,
}

/// What an adapter brings things in by.
#[derive(Clone)]
pub struct Inside {
    /// The gateway's name for the system.
    pub outlet: HopName,
    pub reports: Arc<dyn Reports>,
    pub entrance: Arc<dyn Entrance>,
    pub roll: Arc<dyn Roll>,
    pub watch: Arc<dyn Watch>,
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside").field("outlet", &self.outlet).finish_non_exhaustive()
    }
}

/// The way out to one system, and in from it.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Sends a packet once. It is asked again for whatever did not get a final answer.
    async fn send(&self, packet: OutgoingPacket) -> Outcome;

    /// Whether each recipient is reached by a call of its own. Then a packet comes with one recipient at a time, what one of
    /// them answers is kept before others have, and one that is away stops nobody else.
    fn one_by_one(&self) -> bool {
        false
    }

    /// Brings in what the system has for agencies here, and what it says of what it took: asks it again and again, or waits for
    /// it. Runs beside [`Outlet::send`] for as long as the gateway does, which drops it when it stops, wherever it waits just
    /// then. Where nothing ever comes from the system, it ends at once.
    async fn attend(&self, inside: Inside) {
        drop(inside);
    }

    /// A file that its section names has changed: reads them again. May block.
    ///
    /// # Errors
    /// What cannot be used, for people; then what was read before stays in force.
    fn reload(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What the system says became of what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// The recipient's system has it.
    Received,
    /// The recipient will not have it.
    Refused,
    /// It cannot be given to the recipient.
    Undeliverable,
}

/// News of a packet that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The system's name of it, see [`Taken::id`].
    pub id: String,
    /// Of this recipient; of all when the system does not say.
    pub recipient: Option<AgencyCode>,
    pub news: News,
    /// In its own words.
    pub words: Option<String>,
}

/// Something that the system took for one recipient, and of which it has not reported the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The system's name of it, see [`Taken::id`].
    pub id: String,
    pub from: AgencyCode,
    pub recipient: AgencyCode,
    /// How many recipients the system has under this name, those whose end it has reported included.
    pub recipients: usize,
    /// It is a status message, not a document.
    pub is_status: bool,
    /// Its place in the order in which they left; [`Reports::awaited`] reads on behind it.
    pub place: i64,
}

/// Takes what systems outside report. Asked again with the same, it changes nothing.
#[async_trait]
pub trait Reports: Send + Sync {
    /// What the system took and has not reported the end of, behind this place, at most `limit`: for adapters that ask their
    /// system what became of each.
    ///
    /// # Errors
    /// [`Refusal`]: the gateway cannot say just now.
    async fn awaited(&self, outlet: &HopName, after: i64, limit: usize) -> Result<Vec<Awaited>, Refusal>;

    /// Gives how many consignments ended by it. None where they had ended, and where nothing of that name is known (yet: the
    /// answer to the send may still be on its way), so that the adapter asks again later.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing was changed, and the same may be reported again.
    async fn report(&self, outlet: &HopName, report: Report) -> Result<usize, Refusal>;
}

/// How it went when something was looked for outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Why it could not be looked at; nothing when it could.
    pub trouble: Option<String>,
    /// Packets that lie outside and are not taken, because they are not for this gateway as things stand. Each was told of.
    pub aside: usize,
}

/// Hears how it goes with what adapters bring in, so that somebody is told when nothing comes because nobody can look.
pub trait Watch: Send + Sync {
    /// An adapter has looked for `what`, such as `edoc of H37.02`.
    fn looked(&self, outlet: &HopName, what: &str, sight: Sight);
}

/// A packet that the system outside has for agencies here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The system's name of it; the same name is the same packet.
    pub id: String,
    /// What was shown to the system to get it: `system H37.02`. Never a secret.
    pub credential: String,
    /// What the system says of it, in its own words.
    pub words: Option<String>,
}

/// Takes packets in from systems outside.
#[async_trait]
pub trait Entrance: Send + Sync {
    /// Takes one packet; it may be acknowledged to the system once this answered. The same name, and the same bytes of the same
    /// sender, get the first answer again. Of its recipients those are served whom the gateway reaches on another way than back.
    ///
    /// # Errors
    /// A [`Refusal`], which is on record here. With `BadPacket` it is the packet's own fault for ever, whatever this gateway knows
    /// or is set to, so its sender may be told so. With `TooLarge`, `Forbidden` or `Conflict` it is not taken as things stand:
    /// a list of agencies, a revocation list or a setting may be at fault, and be mended. The same name with other bytes is a
    /// `Conflict`.
    async fn enter(&self, outlet: &HopName, fetched: Fetched, upload: Upload) -> Result<Submission, Refusal>;
}

/// An agency as a system outside lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideAgency {
    pub code: AgencyCode,
    pub old_code: Option<AgencyCode>,
    pub name: String,
    pub parent: Option<AgencyCode>,
    pub mail: Option<String>,
    /// It is said to be no more.
    pub closed: bool,
}

/// What a list came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rolled {
    /// It is kept; so many rows were new or other than before.
    Kept { changed: usize },
    /// It has hardly any of what the one before had, so it is no list of the country; the one before stays.
    Doubtful { before: usize, now: usize },
}

/// Keeps the lists of agencies that systems outside have.
#[async_trait]
pub trait Roll: Send + Sync {
    /// Takes the whole list of this system; who was on it and is no more is closed.
    ///
    /// # Errors
    /// [`Refusal`]; then the list before stays.
    async fn list(&self, outlet: &HopName, agencies: Vec<OutsideAgency>) -> Result<Rolled, Refusal>;
}

/// The most characters of an outside system's own words that are kept.
pub const MAX_WORDS: usize = 500;

/// Words of an outside system, without control characters and cut to [`MAX_WORDS`].
#[must_use]
pub fn words(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(MAX_WORDS).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outside_systems_words_are_one_line_of_limited_length() {
        assert_eq!(words(" loi\r\n18\u{7} "), "loi  18");
        assert_eq!(words(&"ỗ".repeat(2000)).chars().count(), MAX_WORDS);
    }
}
