//! The one way in. Bytes and an identity become a receipt or a refusal.
//!
//! ```text
//!   receive ─► examine (edxml, schemas, rules, signature) ─► flows ─► decide ─► store ─► answer
//!   Entrance::enter ─► examine ─► sender and recipients ─► flows ─► store ─► answer
//!   link::Sink::transfer ─► chain verified ─► examine ─► route ─► store ─► receipts back
//! ```
//!
//! [`Intake`] serves all ends: senders at the first hop (`submit`), neighbouring gateways at later ones (`arrival`), systems
//! outside the network (`entrance`).
//!
//! Invariants: "accepted" is said only after packet, consignments and receipt are on disk; nothing is accepted that
//! the rules refuse, whatever door it came through; the same bytes give the same answer.
//!
//! Failure story: until the store's commit nothing is promised and a crash leaves at most a file in the spool, swept at
//! start; after it the answer may be lost on the wire, and the caller's repetition gets it again.

mod arrival;
mod entrance;
mod examine;
pub mod findings;
mod flows;
pub mod meter;
pub mod receive;
mod submit;
mod terms;
mod waiting;

pub use examine::{Against, Bearer, Seen, look, look_at_words, routable};
pub(crate) use submit::recipients_reason;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use lienthong_contract::{Clock, HopName};
use lienthong_schemas::ValidatorPool;

use crate::books::LinkBooks;
use crate::delivery::Delivery;
use crate::directory::Directory;
use crate::edxml::Limits;
use crate::logkeeper::Keeper;
use crate::receipts::{HopKeys, Signer};
use crate::routing::Routes;
use crate::rules::schema::Strictness;
use crate::store::{Blobs, Store};
use crate::traces::Traces;
use crate::trust::TrustStore;
use waiting::Waiting;

/// What the intake is built from.
pub struct Parts {
    pub hop: HopName,
    pub directory: Arc<Directory>,
    pub routes: Routes,
    /// Whom packet signatures are traced to; replaced when its files change.
    pub signers: Arc<RwLock<Arc<TrustStore>>>,
    /// Whom receipts of other hops are traced to.
    pub hops: Arc<dyn HopKeys>,
    pub signer: Arc<dyn Signer>,
    pub store: Arc<dyn Store>,
    pub blobs: Blobs,
    pub delivery: Arc<Delivery>,
    pub schemas: Arc<ValidatorPool>,
    pub strictness: Strictness,
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    /// Deliver to the successor of a closed agency when there is exactly one.
    pub forward_to_successor: bool,
    /// Hears the neighbours' daily statements.
    pub link_books: Option<LinkBooks>,
    /// Takes what neighbours say of logs; absent when this gateway keeps none.
    pub keeper: Option<Arc<Keeper>>,
    /// Systems outside that packets come from; true: their senders have to sign as the directory says.
    pub entrances: HashMap<HopName, bool>,
    pub traces: Traces,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("hop", &self.hop).finish_non_exhaustive()
    }
}

/// The intake; cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {
    parts: Arc<Parts>,
    waiting: Arc<Waiting>,
    meter: Arc<meter::Meter>,
}

impl Intake {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), waiting: Arc::default(), meter: Arc::default() }
    }

    /// Counts what becomes of packets that are handed in.
    #[must_use]
    pub fn meter(&self) -> Arc<meter::Meter> {
        Arc::clone(&self.meter)
    }
}

impl Parts {
    fn trust(&self) -> Arc<TrustStore> {
        Arc::clone(&self.signers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
pub(crate) mod tests;
