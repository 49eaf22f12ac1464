//! What systems read of agencies, and what they ask to have changed: the list with its changes, and registrations.
//!
//! The directory says which agencies there are; `catalogue` keeps, in the store, in which change each row last changed,
//! so that a system may read what is new to it. A system's wish to speak for another agency, or for one no more, is
//! written down here and takes effect when an administrator accepts it (`lienthong admin registrations`): from then on
//! [`speaks_for`] says other than the configuration does.
//!
//! Failure story: the list is behind the directory for the seconds between two looks, never ahead of it; a crash while it
//! is written leaves the old one. A wish that was answered is in the store.

mod catalogue;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;

use lienthong_contract::catalogue::{Noted, Registrations, Wish};
use lienthong_contract::door::{Refusal, RefusalCause};
use lienthong_contract::system::System;
use lienthong_contract::{AgencyCode, Clock, Finding};

use crate::directory::Snapshot;
use crate::intake::findings::UNAVAILABLE;
use crate::store::RegistryStore;
use crate::store::registry::{Action, Asked, Grant};

pub use catalogue::{Outsiders, Told, keep};

/// The most wishes of one system that wait.
const MAX_WAITING: usize = 500;

/// Takes wishes down.
#[derive(Clone)]
pub struct Wishes {
    pub store: Arc<dyn RegistryStore>,
    pub clock: Arc<dyn Clock>,
    /// The door that they come through.
    pub door: &'static str,
}

impl fmt::Debug for Wishes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wishes").field("door", &self.door).finish_non_exhaustive()
    }
}

fn unavailable(error: &dyn fmt::Display) -> Refusal {
    tracing::error!(%error, "the list of agencies or of registrations cannot be reached");
    Refusal { cause: RefusalCause::Unavailable, findings: vec![Finding::of(&UNAVAILABLE)], receipt: None }
}

#[async_trait]
impl Registrations for Wishes {
    async fn ask(&self, system: &System, from: IpAddr, wish: Wish) -> Result<Noted, Refusal> {
        let (action, code, details) = match wish {
            Wish::Register(agency) => {
                let details = serde_json::to_string(&agency).map_err(|error| unavailable(&error))?;
                (Action::Register, agency.code, details)
            }
            Wish::Withdraw(code) => (Action::Withdraw, code, "{}".to_owned()),
        };
        tracing::warn!(system = %system.id, agency = %code, action = action.as_str(), %from,
            "a registration waits for an administrator: lienthong admin registrations");
        let asked = Asked {
            system: system.id.clone(),
            door: self.door.to_owned(),
            address: from.to_string(),
            action,
            code,
            details,
            asked_at: self.clock.now(),
        };
        let taken = self.store.ask(asked, MAX_WAITING).await.map_err(|error| unavailable(&error))?;
        Ok(if taken { Noted::Waiting } else { Noted::TooMany })
    }
}

/// Whom a system speaks for: what the configuration says, as changed by what was accepted since, in that order.
#[must_use]
pub fn speaks_for(system: &str, configured: &[AgencyCode], grants: &[Grant], directory: &Snapshot) -> Vec<AgencyCode> {
    let key =
        |code: &AgencyCode| directory.lookup(code).map_or_else(|| code.to_new_form(), |own| own.key.code().clone());
    let mut agencies = configured.to_vec();
    for grant in grants.iter().filter(|grant| grant.system == system) {
        let meant = key(&grant.code);
        match grant.action {
            Action::Register if agencies.iter().any(|own| key(own) == meant) => {}
            Action::Register => agencies.push(grant.code.clone()),
            Action::Withdraw => agencies.retain(|own| key(own) != meant),
        }
    }
    agencies
}
