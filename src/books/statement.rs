//! Daily statements: both ends of a link say what crossed it, and compare.
//!
//! ```text
//!   one end                                          the other
//!     Batch::Statement (day, counts, digests) ─────►   compares with its own list; agrees: done
//!     names what differs                      ◄─────   Batch::Crossings (ids of the buckets that differ)
//! ```
//!
//! Each end states every direction of every link on the day after, and once more on the day after that, so each
//! also hears the other's ids and both can name what differs. A receipt that was on its way over midnight makes the first
//! comparison differ and not the second: only what still differs two days back is an alarm.
//!
//! A day that is older and not agreed upon (it differs, or the neighbour was away and never said) is stated again: one a
//! neighbour and turn, each after a longer rest, for [`HORIZON`] days or until an operator settles it. Who hears such a
//! statement answers with its own of that day, once a day, so that both ends learn that they agree.
//!
//! What a neighbour may make us do is bounded ([`Heard`]): statements and crossings beyond the limit of a day are dropped and
//! counted, and the differences of one day and direction have so many places. The latest word counts.
//!
//! Failure story: what was stated and compared is in the store. A statement that is lost is made good by a later one;
//! a list that a crash cut short goes on where it was. How much was heard today is forgotten by a crash.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::civil::Date;
use lienthong_contract::{Clock, ConsignmentId, Digest, HopName, Instant};
use serde::{Deserialize, Serialize};

use super::{Account, Difference, Heard, MAX_DIFFERENCES, findings};
use crate::custody::Batch;
use crate::store::Result;
use crate::store::statements::{BUCKETS, Crossed, Crossing, Direction, LinkDifference, StatementStore, Sums, bucket};

/// Receipts taken into the list in one transaction.
const LISTED_AT_ONCE: usize = 256;
/// The most crossings in one message.
pub const MAX_CROSSINGS: usize = 1000;
/// The most messages with crossings that answer one statement. What does not fit is named after the first is mended.
const MAX_PAGES: usize = 100;
/// Days back that a statement may speak of, and that the list of crossings reaches when all is well.
pub const HORIZON: i64 = 60;
/// Days back that are stated daily; older ones only while they are not agreed upon.
const DAILY: i64 = 2;
/// Crossings taken off the list in one transaction, and how many of those in one turn.
const PRUNED_AT_ONCE: usize = 256;
const PRUNED_A_TURN: usize = 200;
/// Pause between them, for the packets' sake.
const BREATH: std::time::Duration = std::time::Duration::from_millis(20);
/// From this age on, in days, a difference is an alarm.
pub const ALARM_AGE: i64 = 2;
/// The most differences logged of one message.
const MAX_LOGGED: usize = 20;

/// What crossed a link in one direction on one day, as one end says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub v: u8,
    /// In Vietnam.
    pub day: Date,
    /// Seen from the hop that states.
    pub direction: Direction,
    /// Custody passed.
    pub accepted: u64,
    /// Refused by the end that was to take it.
    pub rejected: u64,
    /// See [`Sums`].
    pub digest: Digest,
    /// The first sixteen hexadecimal digits of each bucket's digest; none when nothing crossed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<String>,
}

/// What crossed in some buckets, for the other end to compare one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossings {
    pub day: Date,
    /// Seen from the hop that says it.
    pub direction: Direction,
    pub buckets: Vec<u8>,
    /// Ids after this one, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ConsignmentId>,
    pub crossings: Vec<Crossing>,
    /// There are more after the last one.
    pub more: bool,
}

/// Days since 1970-01-01 in Vietnam.
#[must_use]
pub fn number_of(day: Date) -> i64 {
    let first = Date::constant(1970, 1, 1);
    first.until(day).map_or(0, |span| i64::from(span.get_days()))
}

/// The day of this number.
#[must_use]
pub fn day_of(number: i64) -> Option<Date> {
    let span = jiff::Span::new().try_days(number).ok()?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}

impl Statement {
    fn of(crossed: &Crossed, sums: &Sums) -> Option<Self> {
        let empty = sums.accepted == 0 && sums.rejected == 0;
        Some(Self {
            v: 1,
            day: day_of(crossed.day)?,
            direction: crossed.direction,
            accepted: sums.accepted,
            rejected: sums.rejected,
            digest: sums.digest,
            buckets: if empty { Vec::new() } else { sums.buckets.iter().map(short).collect() },
        })
    }

    fn agrees(&self, sums: &Sums) -> bool {
        (self.accepted, self.rejected, self.digest) == (sums.accepted, sums.rejected, sums.digest)
    }

    /// The buckets in which the other end has something else.
    fn differing(&self, sums: &Sums) -> Vec<u8> {
        let all = sums.buckets.iter().enumerate();
        let differs = all.filter(|(number, digest)| match self.buckets.get(*number) {
            Some(theirs) => *theirs != short(digest),
            // Nothing crossed there: every bucket that has something here differs.
            None => **digest != Digest::of(b""),
        });
        differs.filter_map(|(number, _)| u8::try_from(number).ok()).collect()
    }
}

fn short(digest: &Digest) -> String {
    digest.hex().chars().take(16).collect()
}

/// Says something to a neighbour.
#[async_trait]
pub trait Tell: Send + Sync {
    /// # Errors
    /// Why it could not be said.
    async fn tell(&self, peer: &HopName, batch: &Batch) -> std::result::Result<(), String>;
}

/// The statements of one hop with its neighbours.
#[derive(Clone)]
pub struct LinkBooks {
    pub hop: HopName,
    pub peers: Vec<HopName>,
    pub store: Arc<dyn StatementStore>,
    pub neighbours: Arc<dyn Tell>,
    pub clock: Arc<dyn Clock>,
    pub heard: Arc<Heard>,
}

impl std::fmt::Debug for LinkBooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkBooks").field("hop", &self.hop).finish_non_exhaustive()
    }
}

impl LinkBooks {
    fn today(&self) -> i64 {
        number_of(self.clock.now().in_vietnam().date())
    }

    /// Takes new receipts into the list.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self) -> Result<()> {
        while self.store.list_crossings(LISTED_AT_ONCE).await? {
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }

    /// States to every neighbour what crossed yesterday and the day before, unless that was done today, and the one older
    /// day that has waited longest for it to agree.
    ///
    /// # Errors
    /// The store's. A neighbour that cannot be reached is tried again at the next call.
    pub async fn state(&self) -> Result<()> {
        self.list().await?;
        let today = self.today();
        for peer in &self.peers {
            let mut due = Vec::new();
            for day in (1..=DAILY).map(|back| today - back) {
                for direction in [Direction::Given, Direction::Taken] {
                    let crossed = Crossed { peer: peer.clone(), direction, day };
                    if !self.store.was_stated(&crossed, today).await? {
                        due.push((crossed, false));
                    }
                }
            }
            let open = self.store.open_day(peer, (today - HORIZON, today - DAILY - 1), today).await?;
            due.extend(open.map(|crossed| (crossed, true)));
            for (crossed, again) in due {
                if !self.say(&crossed, today, again).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Says to a neighbour what crossed; false when it could not be said.
    async fn say(&self, crossed: &Crossed, today: i64, again: bool) -> Result<bool> {
        let Some(statement) = Statement::of(crossed, &self.store.sums(crossed).await?) else { return Ok(true) };
        let (from_hop, time, peer) = (self.hop.clone(), self.clock.now(), &crossed.peer);
        if let Err(error) = self.neighbours.tell(peer, &Batch::Statement { from_hop, time, statement }).await {
            tracing::warn!(%error, %peer, "a daily statement could not be sent; it will be tried again");
            return Ok(false);
        }
        self.store.stated(crossed, today, again).await?;
        Ok(true)
    }

    /// Takes crossings off the list that are older than anything is compared, and on which both ends agree.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self) -> Result<()> {
        let before = self.today() - HORIZON;
        for _ in 0..PRUNED_A_TURN {
            if !self.store.prune_crossings(before, PRUNED_AT_ONCE).await? {
                return Ok(());
            }
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }

    /// A neighbour's statement: compared, and answered with our ids where it differs.
    ///
    /// # Errors
    /// The store's.
    pub async fn heard(&self, peer: &HopName, statement: &Statement) -> Result<()> {
        let Some(crossed) = self.meant(peer, statement.day, statement.direction) else { return Ok(()) };
        let today = self.today();
        if !self.heard.statement(today, &crossed) {
            return Ok(());
        }
        let sums = self.store.sums(&crossed).await?;
        let agrees = statement.agrees(&sums);
        self.store.compared(&crossed, agrees).await?;
        // The neighbour asks about a day that it does not hold for agreed upon.
        if crossed.day < today - DAILY && !self.store.was_stated(&crossed, today).await? {
            self.say(&crossed, today, false).await?;
        }
        if agrees {
            return Ok(());
        }
        tracing::warn!(%peer, day = %statement.day, direction = crossed.direction.as_str(),
            here = sums.accepted + sums.rejected, there = statement.accepted + statement.rejected,
            "the two ends of a link have counted differently; the documents are being compared");
        let buckets = statement.differing(&sums);
        let mut after = None;
        for _ in 0..MAX_PAGES {
            if !self.heard.page(today, peer) {
                return Ok(());
            }
            let crossings = self.store.crossings(&crossed, buckets.clone(), after, MAX_CROSSINGS).await?;
            let (more, last) = (crossings.len() == MAX_CROSSINGS, crossings.last().map(|crossing| crossing.id));
            let (day, direction) = (statement.day, crossed.direction);
            let crossings = Crossings { day, direction, buckets: buckets.clone(), after, crossings, more };
            let (from_hop, time) = (self.hop.clone(), self.clock.now());
            if let Err(error) = self.neighbours.tell(peer, &Batch::Crossings { from_hop, time, crossings }).await {
                tracing::warn!(%error, %peer, "what crossed could not be told; the next statement brings it again");
                return Ok(());
            }
            after = last;
            if !more {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What crossed by the neighbour's word: the documents that differ are named.
    ///
    /// # Errors
    /// The store's.
    pub async fn heard_crossings(&self, peer: &HopName, theirs: &Crossings) -> Result<()> {
        let Some(crossed) = self.meant(peer, theirs.day, theirs.direction) else { return Ok(()) };
        if theirs.crossings.len() > MAX_CROSSINGS || theirs.buckets.len() > BUCKETS {
            tracing::error!(%peer, "more crossings in one message than there may be");
            return Ok(());
        }
        if !self.heard.page(self.today(), peer) {
            return Ok(());
        }
        let most = 2 * MAX_CROSSINGS;
        let ours = self.store.crossings(&crossed, theirs.buckets.clone(), theirs.after, most).await?;
        // The same stretch of ids: as far as both lists go.
        let last = |list: &[Crossing], cut: bool| list.last().filter(|_| cut).map(|crossing| crossing.id);
        let ends = [last(&theirs.crossings, theirs.more), last(&ours, ours.len() == most)];
        let found = differences(&crossed, &ours, theirs, ends.into_iter().flatten().min());
        let buckets = if theirs.after.is_none() { theirs.buckets.clone() } else { Vec::new() };
        let dropped = self.store.put_differences(&crossed, buckets, found.clone()).await?;
        if dropped > 0 {
            tracing::error!(%peer, day = %theirs.day, dropped, "more differences than are kept; they are counted");
        }
        if crossed.day <= self.today() - ALARM_AGE {
            for difference in found.iter().take(MAX_LOGGED) {
                let code = findings::LINK_DIFFERS.code;
                tracing::error!(%code, %peer, day = %theirs.day, consignment = %difference.id,
                    here = ?difference.here, there = ?difference.there, "{}", findings::LINK_DIFFERS.title.en);
            }
        }
        Ok(())
    }

    /// What a neighbour's words are about, seen from here; nothing when that day is not over or long past.
    fn meant(&self, peer: &HopName, day: Date, direction: Direction) -> Option<Crossed> {
        let (number, today) = (number_of(day), self.today());
        if !(today - HORIZON..today).contains(&number) || !self.peers.contains(peer) {
            tracing::warn!(%peer, %day, "a statement of a day that is not to be compared now, or of no neighbour");
            return None;
        }
        Some(Crossed { peer: peer.clone(), direction: direction.from_there(), day: number })
    }
}

/// Compares one by one. Both lists are in the order of the ids and begin after the same one.
fn differences(
    crossed: &Crossed,
    ours: &[Crossing],
    theirs: &Crossings,
    up_to: Option<ConsignmentId>,
) -> Vec<LinkDifference> {
    let within = |id: &ConsignmentId| up_to.is_none_or(|last| *id <= last);
    let difference = |id, here, there| LinkDifference { crossed: crossed.clone(), id, doc_id: None, here, there };
    let mut found = Vec::new();
    for crossing in ours.iter().filter(|crossing| within(&crossing.id)) {
        let there = theirs.crossings.iter().find(|other| other.id == crossing.id).map(|other| other.accepted);
        if there != Some(crossing.accepted) {
            found.push(difference(crossing.id, Some(crossing.accepted), there));
        }
    }
    let asked = |id: &ConsignmentId| theirs.buckets.contains(&bucket(id));
    let unknown = |id: &ConsignmentId| ours.iter().all(|crossing| crossing.id != *id);
    let theirs_alone = |crossing: &&Crossing| within(&crossing.id) && asked(&crossing.id) && unknown(&crossing.id);
    let only_there = theirs.crossings.iter().filter(theirs_alone);
    found.extend(only_there.map(|crossing| difference(crossing.id, None, Some(crossing.accepted))));
    found
}

/// Puts what differs with neighbours into an account: of its day, or of all days; only what is old enough.
///
/// # Errors
/// The store's.
pub async fn enter(store: &dyn StatementStore, account: &mut Account, day: Option<Date>, now: Instant) -> Result<()> {
    let up_to = number_of(now.in_vietnam().date()) - ALARM_AGE;
    let (named, unnamed) = store.differences(up_to, MAX_DIFFERENCES).await?;
    let meant = |crossed: &Crossed| day.is_none_or(|day| number_of(day) == crossed.day);
    let place = |crossed: &Crossed| {
        let day = day_of(crossed.day).map(|day| day.to_string()).unwrap_or_default();
        format!("{} {} {day}", crossed.direction.as_str(), crossed.peer)
    };
    for difference in named.iter().filter(|difference| meant(&difference.crossed)) {
        let word = |crossed: Option<bool>| match crossed {
            None => "–",
            Some(true) => "RelayAcceptance",
            Some(false) => "RelayRejection",
        };
        let (here, there) = (word(difference.here), word(difference.there));
        let found = format!("{}: {here} ≠ {there}", place(&difference.crossed));
        account.differs(Difference::new(&findings::LINK_DIFFERS, difference.doc_id, Some(difference.id), &found));
    }
    for crossed in unnamed.iter().filter(|crossed| meant(crossed)) {
        account.differs(Difference::new(&findings::LINK_DIFFERS, None, None, &place(crossed)));
    }
    Ok(())
}
