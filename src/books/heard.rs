//! How much of a neighbour's statements is taken in a day.
//!
//! Comparing costs a look at everything that crossed on a day, and naming what differs costs messages and rows. An honest
//! neighbour states a day at most a few times; what goes beyond the limits is dropped and counted, and the next day may bring
//! it again. Kept in memory: a crash forgets it, which gives a neighbour as much as a new day does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lienthong_contract::HopName;

use crate::store::statements::{Crossed, Direction};

/// Statements of one day and direction that are compared in a day: twice as many as ever are needed.
const MAX_STATEMENTS: u32 = 8;
/// Messages with crossings, of ours and of the neighbour's, in a day.
const MAX_PAGES: u32 = 800;

/// What was heard today.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Today>);

#[derive(Debug, Default)]
struct Today {
    day: i64,
    statements: HashMap<(HopName, Direction, i64), u32>,
    pages: HashMap<HopName, u32>,
    /// Since the start, not of today alone.
    dropped: HashMap<HopName, u64>,
}

impl Heard {
    /// True when one more statement about this may be compared today.
    pub fn statement(&self, today: i64, about: &Crossed) -> bool {
        let key = (about.peer.clone(), about.direction, about.day);
        self.counted(today, &about.peer, |heard| (heard.statements.entry(key).or_default(), MAX_STATEMENTS))
    }

    /// True when one more message with crossings may be exchanged with this neighbour today.
    pub fn page(&self, today: i64, peer: &HopName) -> bool {
        self.counted(today, peer, |heard| (heard.pages.entry(peer.clone()).or_default(), MAX_PAGES))
    }

    /// How much of this neighbour's was dropped since the start.
    #[must_use]
    pub fn dropped(&self, peer: &HopName) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).dropped.get(peer).copied().unwrap_or(0)
    }

    fn counted(&self, today: i64, peer: &HopName, place: impl FnOnce(&mut Today) -> (&mut u32, u32)) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.day != today {
            heard.day = today;
            heard.statements.clear();
            heard.pages.clear();
        }
        let (count, most) = place(&mut heard);
        *count = count.saturating_add(1);
        let (fits, first) = (*count <= most, *count == most.saturating_add(1));
        if first {
            tracing::error!(%peer, "a neighbour states more than there can be; the rest of today's is dropped");
        }
        if !fits {
            *heard.dropped.entry(peer.clone()).or_default() += 1;
        }
        fits
    }
}
