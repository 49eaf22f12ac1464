//! The agencies as doors list them, and what systems ask to have changed about them.
//!
//! A list may have more than a hundred thousand rows, so it is read in pages and never held whole. Each row says in which
//! change it last changed: numbers only grow, so a reader that remembers the greatest one it saw knows what is new to it.
//! What a system asks ([`Wish`]) is written down and changes nothing until an administrator says so.

use std::net::IpAddr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::door::Refusal;
use crate::system::System;
use crate::{AgencyCode, Instant};

/// One agency. One that is not in force yet is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAgency {
    /// As the directory spells it.
    pub code: AgencyCode,
    pub old_code: Option<AgencyCode>,
    pub name: String,
    pub parent: Option<AgencyCode>,
    pub mail: Option<String>,
    /// Out of force, or no longer in the directory.
    pub closed: bool,
    /// The number of the change in which it last changed.
    pub version: u32,
    /// When that was.
    pub modified_at: Instant,
}

/// The agencies that this gateway knows.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// Up to `limit` agencies after this one, in order of code.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn page(&self, after: Option<&AgencyCode>, limit: usize) -> Result<Vec<ListedAgency>, Refusal>;
}

/// What a system says of an agency that it wants to speak for. Nothing of it is proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAgency {
    pub code: AgencyCode,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AgencyCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fax: Option<String>,
}

/// What a system asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To speak for this agency from now on.
    Register(NewAgency),
    /// To speak for this agency no more.
    Withdraw(AgencyCode),
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It waits for an administrator. The same wish again is the same one.
    Waiting,
    /// Too many of this system's wait.
    TooMany,
}

/// Takes down what systems ask for.
#[async_trait]
pub trait Registrations: Send + Sync {
    /// Takes a wish down; `from` is where the request came from.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn ask(&self, system: &System, from: IpAddr, wish: Wish) -> Result<Noted, Refusal>;
}
