//! People who use the console, and what they do there.
//!
//! A trait of its own, beside [`Store`](super::Store). What somebody does and the record of it are one transaction: there is
//! no effect without its record, and no record of what had no effect. Records are statements that this hop signed; they are
//! never changed or deleted, and each enters the log of receipts ([`super::ledger`]) in the same transaction.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::{Ended, Result};
use crate::life::Standing;
use crate::receipts::Sealed;

/// What an account is for. Each can do what its row in `docs/console.md` says, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees; of one agency's documents only when the account is bound to one.
    Viewer,
    /// Mends what is stuck.
    Operator,
    /// Also accounts, agencies, credentials.
    Administrator,
    /// Sees everything, the record of acts too, and changes nothing.
    Auditor,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Administrator, Self::Auditor];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// What is typed to sign in.
    pub name: String,
    pub full_name: String,
    pub role: Role,
    /// Sees only the documents of this agency.
    pub agency: Option<AgencyCode>,
    /// Argon2id, PHC form.
    pub password: String,
    pub created_at: Instant,
}

/// Somebody who may sign in.
#[derive(Clone)]
pub struct Account {
    pub id: i64,
    pub name: String,
    pub full_name: String,
    pub role: Role,
    pub agency: Option<AgencyCode>,
    pub password: String,
    /// The secret of RFC 6238; none until it is set up.
    pub totp: Option<Vec<u8>>,
    /// The last step whose number was taken.
    pub totp_step: i64,
    /// The password was given by somebody else.
    pub must_change: bool,
    pub disabled: bool,
    /// Failed attempts since the last good one.
    pub failures: u32,
    pub locked_until: Option<Instant>,
    pub created_at: Instant,
    pub signed_in_at: Option<Instant>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

/// What of an account is changed. What is absent stays.
#[derive(Clone, Default)]
pub struct Change {
    /// The new password, and whether it must be changed at the next sign-in.
    pub password: Option<(String, bool)>,
    /// The secret, or none any more.
    pub totp: Option<Option<Vec<u8>>>,
    pub role: Option<(Role, Option<AgencyCode>)>,
    pub disabled: Option<bool>,
    pub full_name: Option<String>,
    /// Failed attempts are forgotten.
    pub unlock: bool,
    /// All its sessions end.
    pub end_sessions: bool,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change").field("role", &self.role).field("disabled", &self.disabled).finish_non_exhaustive()
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// SHA-256 of what the browser holds.
    pub token: Digest,
    pub account: i64,
    /// What each form of the session repeats.
    pub csrf: String,
    pub created_at: Instant,
    pub seen_at: Instant,
    pub until: Instant,
    pub address: String,
}

/// How an attempt to sign in ended, for the account's counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// With the step of the number that was taken, where there was one.
    Good { step: Option<i64> },
    /// From `most` on the account is locked until then.
    Bad { most: u32, locked_until: Instant },
}

/// The record of what somebody did.
#[derive(Debug, Clone)]
pub struct Entry {
    pub time: Instant,
    pub actor: String,
    /// Who agreed, where two are needed.
    pub second: Option<String>,
    /// From the closed list of [`crate::acts::Kind`].
    pub kind: &'static str,
    /// On what.
    pub subject: String,
    pub reason: Option<String>,
    /// The documents on whose timelines it stands.
    pub documents: Vec<DocId>,
    /// JWS in compact form.
    pub statement: String,
}

/// A record as it is read.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub id: i64,
    pub time: Instant,
    pub actor: String,
    pub second: Option<String>,
    pub kind: String,
    pub subject: String,
    pub reason: Option<String>,
    pub documents: u64,
    pub statement: String,
    /// Its place in the log; none where no log is kept.
    pub place: Option<u64>,
}

/// A document that goes out again: a new submission of the same bytes, to some of those whom it did not reach.
#[derive(Debug, Clone)]
pub struct Again {
    /// The name that the sending has: a new one.
    pub doc_id: DocId,
    pub packet: Digest,
    pub submission: Sealed,
    pub consignments: Vec<super::NewConsignment>,
    /// The consignments instead of which they are; each must have ended and not been sent again.
    pub instead_of: Vec<ConsignmentId>,
}

/// What an act does to the store.
#[derive(Debug, Clone)]
pub enum Effect {
    /// It is only written down.
    Nothing,
    AddAccount(Box<NewAccount>),
    ChangeAccount(i64, Box<Change>),
    CloseDestination {
        name: HopName,
        reason: String,
    },
    OpenDestination(HopName),
    /// Their entries of the outbox count as not yet tried.
    TryAgain(Vec<ConsignmentId>),
    /// Ends a consignment in our custody with this receipt.
    End(ConsignmentId, Box<Sealed>),
    /// Ends a consignment in a mailbox here, or with a system outside that was to report, with this receipt.
    HandOver(ConsignmentId, Box<Sealed>),
    SendAgain(Box<Again>),
    /// What failed is seen to: it is no longer listed as stuck.
    Dismiss(ConsignmentId),
    Propose(Box<NewProposal>),
    /// Answers a proposal; the other effects of the same act are what it does.
    Decide {
        id: i64,
        accept: bool,
    },
}

/// What came of an act.
#[derive(Debug, Clone, Default)]
pub struct Effected {
    /// How many of its effects changed something; with none the act is not recorded.
    pub changed: u64,
    /// The record's number, when there is one.
    pub act: Option<i64>,
    /// The row that was made last: an account, a proposal.
    pub made: Option<i64>,
    pub ended: Vec<Ended>,
}

/// What is to be done once somebody else agrees.
#[derive(Debug, Clone)]
pub struct NewProposal {
    pub kind: &'static str,
    /// The act, in JSON.
    pub what: String,
    pub documents: u64,
    pub reason: String,
    pub proposed_at: Instant,
    pub until: Instant,
}

/// The same as it is read.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub id: i64,
    pub kind: String,
    pub what: String,
    pub documents: u64,
    pub reason: String,
    pub proposed_by: String,
    pub proposed_at: Instant,
    pub until: Instant,
    /// `waiting`, `done` or `rejected`.
    pub state: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<Instant>,
}

/// A destination that is closed.
#[derive(Debug, Clone)]
pub struct Closed {
    pub name: HopName,
    pub since: Instant,
    pub by: String,
    pub reason: String,
}

/// A consignment as an act finds it.
#[derive(Debug, Clone)]
pub struct Stood {
    pub id: ConsignmentId,
    pub doc_id: DocId,
    pub packet: Digest,
    pub recipient: AgencyCode,
    pub at: Standing,
    pub previous_hop: Option<HopName>,
    pub next_hop: Option<HopName>,
    pub urgent: bool,
    /// The last receipt of its chain.
    pub head: Sealed,
    /// The receipt of this hop's by which its packet came in; none at a later hop.
    pub submission: Option<Sealed>,
    /// The bytes are here.
    pub body: bool,
    /// It was sent again, under this name.
    pub sent_again: Option<DocId>,
    /// Its recipient has agreed to give it back.
    pub given_back: bool,
}

/// Accounts, sessions, acts.
#[async_trait]
pub trait ConsoleStore: Send + Sync {
    /// All accounts, by name.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn accounts(&self) -> Result<Vec<Account>>;

    /// The account of this name.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn account(&self, name: &str) -> Result<Option<Account>>;

    /// Notes how an attempt to sign in ended. False when the number was taken before.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn attempted(&self, account: i64, attempt: Attempt, now: Instant) -> Result<bool>;

    /// Begins a session; of more than `most` of the account the oldest end.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn begin_session(&self, session: Session, most: usize) -> Result<()>;

    /// The session of this token and whose it is, if it still runs at `now` and was used since `idle_since`. Notes that it
    /// is used, once a minute.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn session(&self, token: Digest, now: Instant, idle_since: Instant) -> Result<Option<(Session, Account)>>;

    /// Ends a session.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn end_session(&self, token: Digest) -> Result<()>;

    /// Does something and writes it down, both or neither. What changed nothing is not written down.
    ///
    /// # Errors
    /// [`Error`](super::Error); then nothing was done.
    async fn act(&self, effects: Vec<Effect>, entry: Entry) -> Result<Effected>;

    /// Up to `limit` records before this number, the newest first.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn acts(&self, before: Option<i64>, limit: usize) -> Result<Vec<Recorded>>;

    /// The records about a document, oldest first.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn acts_on(&self, doc_id: DocId) -> Result<Vec<Recorded>>;

    /// What waits for a second person, and the last `answered` that do not.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn proposals(&self, answered: usize) -> Result<Vec<Proposal>>;

    /// # Errors
    /// [`Error`](super::Error).
    async fn proposal(&self, id: i64) -> Result<Option<Proposal>>;

    /// These consignments, as far as they are here, in their order.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn stood(&self, ids: Vec<ConsignmentId>) -> Result<Vec<Stood>>;

    /// # Errors
    /// [`Error`](super::Error).
    async fn closed_destinations(&self) -> Result<Vec<Closed>>;
}
