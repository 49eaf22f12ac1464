//! Agencies as systems read them, and what systems ask to have changed about them.
//!
//! A trait of its own, beside [`Store`](super::Store). The list of agencies here is what was told, not what is true: the
//! directory is; the store keeps in which change each row last changed. Of registrations nothing is ever deleted: what a
//! system may do beyond its configuration is what was accepted, in the order of the answers.

use async_trait::async_trait;
use serde::Serialize;

use lienthong_contract::catalogue::ListedAgency;
use lienthong_contract::outlet::Rolled;
use lienthong_contract::{AgencyCode, HopName, Instant};

use super::Result;

/// An agency as the directory has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyNow {
    pub code: AgencyCode,
    pub old_code: Option<AgencyCode>,
    pub name: String,
    pub parent: Option<AgencyCode>,
    pub mail: Option<String>,
    pub closed: bool,
}

/// What a system asks for, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub system: String,
    pub door: String,
    /// Where the request came from.
    pub address: String,
    pub action: Action,
    pub code: AgencyCode,
    /// What was said of the agency, as JSON.
    pub details: String,
    pub asked_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// To speak for the agency.
    Register,
    /// To speak for it no more.
    Withdraw,
}

impl Action {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Withdraw => "withdraw",
        }
    }
}

/// A wish with its number and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub id: u64,
    pub asked: Asked,
    /// `waiting`, `accepted` or `rejected`.
    pub state: String,
    pub decided_at: Option<Instant>,
    pub reason: Option<String>,
}

/// An accepted wish: what a system may do other than its configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub system: String,
    pub action: Action,
    pub code: AgencyCode,
}

/// What is known of a list of a system outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideList {
    pub outlet: HopName,
    pub taken_at: Instant,
    pub in_force: usize,
    pub closed: usize,
}

/// Agencies as they were told, and registrations.
#[async_trait]
pub trait RegistryStore: Send + Sync {
    /// Writes down what changed in the directory, under one new number; what is not among these agencies is closed. Gives
    /// how many rows changed. They come in order of code, each once.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn list_agencies(&self, agencies: Vec<AgencyNow>, now: Instant) -> Result<usize>;

    /// Writes down what changed in the list of a system outside; what is not among these agencies is closed. They come in
    /// order of code, each once.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn list_outside(&self, outlet: &HopName, agencies: Vec<AgencyNow>, now: Instant) -> Result<Rolled>;

    /// When each list of a system outside was last taken.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn outside_taken(&self) -> Result<Vec<(HopName, Instant)>>;

    /// The lists of systems outside, counted.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn outside_lists(&self) -> Result<Vec<OutsideList>>;

    /// The agencies on the list of a system outside, in order of code.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn outside(&self, outlet: &HopName) -> Result<Vec<ListedAgency>>;

    /// Up to `limit` agencies after this one, in order of code.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn listed(&self, after: Option<AgencyCode>, limit: usize) -> Result<Vec<ListedAgency>>;

    /// Writes a wish down, unless the same waits already. False when `most` of the system's wait.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn ask(&self, asked: Asked, most: usize) -> Result<bool>;

    /// The wishes that wait, oldest first; with `all` the answered ones too.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn registrations(&self, all: bool) -> Result<Vec<Registration>>;

    /// Answers a wish. False when it does not wait.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn decide(&self, id: u64, accept: bool, reason: Option<String>, now: Instant) -> Result<bool>;

    /// What was accepted, in the order of the answers.
    ///
    /// # Errors
    /// [`Error`](super::Error).
    async fn grants(&self) -> Result<Vec<Grant>>;
}
