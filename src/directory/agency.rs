//! One agency of the directory, and the key by which all rooms mean it.
//!
//! Whatever spelling of a code a packet holds, comparison, routing, duplicate detection and access checks use the
//! [`AgencyKey`]; spellings are kept only to answer a peer in the form it used.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use lienthong_contract::agency::NotACode;
use lienthong_contract::{AgencyCode, Digest, HopName};
use serde::{Deserialize, Serialize};

/// The canonical code of one agency. Made by [`super::Snapshot::resolve`] for a registered agency; for any other
/// code it is provisional: the new form that arithmetic gives.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgencyKey(AgencyCode);

impl AgencyKey {
    /// The key of a code that stands in no directory.
    #[must_use]
    pub fn provisional(code: &AgencyCode) -> Self {
        Self(code.to_new_form())
    }

    /// A code that is known to be canonical.
    pub(super) const fn canonical(code: AgencyCode) -> Self {
        Self(code)
    }

    #[must_use]
    pub const fn code(&self) -> &AgencyCode {
        &self.0
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for AgencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for AgencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Reads back a key that was written by this gateway, for instance from the store.
impl FromStr for AgencyKey {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        AgencyCode::parse(text).map(Self)
    }
}

/// What is demanded of one kind of signature in the packets that an agency hands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    Required,
    Optional,
}

/// The three facts of identity and signature, and which of them an agency's packets must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The connection proves who hands in (client certificate or keyed signature).
    pub transport: Requirement,
    /// The packet itself carries an XML signature.
    pub packet_signature: Requirement,
    /// Every PDF in it carries a signature.
    pub attachment_signature: Requirement,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            transport: Requirement::Required,
            packet_signature: Requirement::Required,
            attachment_signature: Requirement::Optional,
        }
    }
}

/// For whom an identity may hand in besides itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mandate {
    /// One agency.
    Agency(AgencyKey),
    /// A code and everything below it, written `H37.*`: one connection that fronts a whole province or ministry.
    Subtree(AgencyCode),
}

impl Mandate {
    #[must_use]
    pub fn covers(&self, key: &AgencyKey) -> bool {
        match self {
            Self::Agency(agency) => agency == key,
            Self::Subtree(root) => key.code().is_under(root),
        }
    }
}

/// One row of the directory.
#[derive(Debug, Clone)]
pub struct Agency {
    pub key: AgencyKey,
    /// The canonical code, in the new form where the agency has one.
    pub code: AgencyCode,
    pub old_code: Option<AgencyCode>,
    /// Further spellings in use: test ids, shortened and over-long forms, enterprise codes, X-Road ids.
    pub aliases: Vec<AgencyCode>,
    pub name: String,
    pub name_en: Option<String>,
    /// Where people write to it.
    pub mail: Option<String>,
    pub parent: Option<AgencyKey>,
    /// First day of validity; absent: always was.
    pub valid_from: Option<Date>,
    /// Last day of validity; absent: still is.
    pub valid_to: Option<Date>,
    /// Who took over after `valid_to`. One: documents go there. Several: a person must choose.
    pub successors: Vec<AgencyKey>,
    /// Locked by the administrator: neither sends nor receives.
    pub locked: bool,
    /// Nobody's mailbox: what is for it is a test document, and its gateway hands it over at once.
    pub canary: bool,
    /// The gateway whose mailbox serves it; absent: routed by code.
    pub hop: Option<HopName>,
    /// SHA-256 of the certificates it may connect with.
    pub client_certificates: Vec<Digest>,
    /// SHA-256 of the certificates it may sign packets with.
    pub signing_certificates: Vec<Digest>,
    pub speaks_for: Vec<Mandate>,
    pub policy: Policy,
}

/// Where a day lies relative to an agency's period of validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    NotYet,
    Open,
    Closed,
}

impl Agency {
    /// Whether the code is in force on that day; both ends of the period belong to it.
    #[must_use]
    pub fn validity(&self, on: Date) -> Validity {
        if self.valid_to.is_some_and(|last| on > last) {
            Validity::Closed
        } else if self.valid_from.is_some_and(|first| on < first) {
            Validity::NotYet
        } else {
            Validity::Open
        }
    }

    /// Every registered spelling, the canonical one first.
    pub fn spellings(&self) -> impl Iterator<Item = &AgencyCode> {
        std::iter::once(&self.code).chain(&self.old_code).chain(&self.aliases)
    }
}
