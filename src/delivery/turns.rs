//! Recipients that are called by themselves: a breaker for each, so that one whose server is away stops nobody else.
//!
//! Memory of those in trouble alone, which may be lost: then each is tried once more.

use std::collections::HashMap;
use std::sync::PoisonError;

use lienthong_contract::{AgencyCode, HopName};
use tokio::time::Instant;

use super::Shared;
use super::outlets::WayOut;
use super::pause::Breaker;
use crate::store::outlets::Leaving;

/// Recipients in trouble that are remembered; beyond that all are tried once more.
const REMEMBERED: usize = 10_000;

/// How it goes with one recipient.
#[derive(Debug)]
pub struct Turn {
    breaker: Breaker,
    /// When the one call that decides was begun, while it is under way.
    trying: Option<Instant>,
}

/// By outlet and recipient.
pub type Turns = HashMap<(HopName, AgencyCode), Turn>;

impl Shared {
    /// Whether a call to this recipient may be begun now. One that may is under way until [`Shared::went`].
    pub(super) fn may_go(&self, outlet: &HopName, recipient: &AgencyCode) -> bool {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(turn) = turns.get_mut(&(outlet.clone(), recipient.clone())) else { return true };
        let now = Instant::now();
        // A call whose end nobody told does not keep others from being made for ever.
        turn.trying = turn.trying.filter(|began| now.duration_since(*began) < self.settings.outlet_timeout);
        let may = turn.breaker.allows(now, 1, usize::from(turn.trying.is_some())) > 0;
        if may {
            turn.trying = Some(now);
        }
        may
    }

    /// Takes note of how a call for one recipient ended: whether that recipient's side was at fault.
    pub(super) fn went(&self, way: &WayOut, part: &Leaving, at_fault: bool) {
        if !way.outlet.one_by_one() {
            return;
        }
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        for one in &part.dispatch.consignments {
            let of = (way.name.clone(), one.recipient.clone());
            if !at_fault {
                turns.remove(&of);
                continue;
            }
            if turns.len() >= REMEMBERED {
                turns.clear();
            }
            let (first, longest) = (self.settings.pause, self.settings.longest_pause);
            let turn = turns.entry(of).or_insert_with(|| Turn { breaker: Breaker::new(first, longest), trying: None });
            turn.trying = None;
            turn.breaker.failed(Instant::now());
        }
    }

    /// Lets everybody be called at once.
    pub(super) fn no_more_waiting(&self, outlet: &HopName) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|(of, _), _| of != outlet);
    }
}
