//! The gateway's page of metrics.
//!
//! What only the store knows is read every [`EVERY`], the mailboxes and books every five minutes; a scrape adds what is in
//! memory. So it costs the same however often it is asked and however many documents there were.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lienthong_contract::{Clock, HopName, Instant};
use tokio_util::sync::CancellationToken;

use super::books::Kept;
use super::health::HealthView;
use super::machine::Machine;
use super::outlets::sights::{Looked, Sights};
use crate::api::{self, Health};
use crate::books::Heard;
use crate::canary::runs::{Level, Runs};
use crate::delivery::{Delivery, LaneState};
use crate::link::Link;
use crate::link::amqp::AmqpLink;
use crate::logkeeper::Keeper;
use crate::metrics::{Page, families};
use crate::news::News;
use crate::store::canary::Sent;
use crate::store::queues::{Queues, Waiting};
use crate::store::{NewsStore, QueueStore};
use crate::traces::{Counts, Traces};

/// How often the store is looked at.
const EVERY: Duration = Duration::from_secs(15);
/// Every so many times the mailboxes are looked at, too.
const MAILBOXES: u64 = 20;

/// Names of the two lanes of a link.
const fn lane(urgent: bool) -> &'static str {
    if urgent { "urgent" } else { "normal" }
}

/// What the page is made from.
pub struct Gauges {
    pub hop: HopName,
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn QueueStore>,
    pub untold: Arc<dyn NewsStore>,
    pub news: Arc<News>,
    pub delivery: Arc<Delivery>,
    pub keeper: Option<Arc<Keeper>>,
    pub books: Arc<Kept>,
    pub health: Arc<HealthView>,
    pub links: Vec<HopName>,
    pub outlets: Vec<HopName>,
    pub sights: Arc<Sights>,
    /// What became of test documents, and milliseconds within which one is to be handed over.
    pub canary: (Arc<Runs>, Option<i64>),
    pub heard: Arc<Heard>,
    /// What waited when it was last looked at; nothing when that failed.
    pub queues: RwLock<Option<Queues>>,
    pub traces: Traces,
    pub brokers: Vec<Arc<AmqpLink>>,
    pub machine: Machine,
}

impl Gauges {
    /// Looks at the store; at the mailboxes only when told so.
    pub async fn refresh(&self, with_mailboxes: bool) {
        let queues = self.look(with_mailboxes).await;
        if let Err(error) = &queues {
            tracing::warn!(%error, "what waits cannot be counted; it will be tried again");
        }
        *self.queues.write().unwrap_or_else(PoisonError::into_inner) = queues.ok();
    }

    async fn look(&self, with_mailboxes: bool) -> crate::store::Result<Queues> {
        let before = self.queues.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|last| last.mailboxes);
        let mut queues = self.store.queues(self.clock.now()).await?;
        queues.mailboxes = match before.filter(|_| !with_mailboxes) {
            Some(before) => before,
            None => self.store.mailboxes().await?,
        };
        queues.untold = self.untold.untold().await?;
        Ok(queues)
    }

    fn books(&self, page: &mut Page) {
        let Some(last) = self.books.last() else { return };
        page.count(&families::ACCEPTED, &[], last.total.accepted);
        page.count(&families::HANDED_OVER, &[], last.total.handed_over);
        page.count(&families::REFUSED, &[], last.total.refused);
        page.count(&families::FAILED, &[], last.total.failed);
        page.count(&families::PASSED_OUTSIDE, &[], last.total.passed_outside);
        for (kind, destination, in_flight) in &last.in_flight {
            page.count(&families::IN_FLIGHT, &[kind, destination], *in_flight);
        }
        page.count(&families::BALANCED, &[], u64::from(last.total.balanced));
        page.count(&families::DIFFERENCES, &[], last.differences);
        page.put(&families::ACCOUNTED_AT, &[], seconds(last.at.as_millis()));
    }

    fn canaries(&self, page: &mut Page) {
        let (runs, limit) = &self.canary;
        let missing = limit.map_or(0, |limit| runs.missing(limit, self.clock.now()).len());
        page.count(&families::CANARY_MISSING, &[], missing as u64);
        let last: Vec<Sent> = runs.last().into_iter().filter_map(|(_, run)| run).collect();
        let level = Level::of(&last, i64::MAX, self.clock.now());
        for (statistic, trip) in [("median", level.median), ("worst", level.worst)] {
            let trip = trip.map(|millis| i64::try_from(millis).unwrap_or(i64::MAX));
            if let Some(trip) = trip {
                page.put(&families::CANARY_ROUND_TRIP, &[statistic], seconds(trip));
            }
        }
    }

    fn waits(&self, page: &mut Page) {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let Some(queues) = queues.as_ref() else { return };
        let now = self.clock.now();
        for outlet in &self.outlets {
            let both = outbox(page, queues, outlet);
            wait(page, ("outlet", outlet.as_str()), both, now);
        }
        for link in &self.links {
            let name = link.as_str();
            let both = outbox(page, queues, link);
            wait(page, ("link", name), both, now);
            let of = |list: &[(HopName, u64)]| list.iter().find(|(hop, _)| hop == link).map_or(0, |found| found.1);
            page.count(&families::RECEIPTS_WAITING, &[name], of(&queues.receipts));
            page.count(&families::LINK_DIFFERENCES, &[name], of(&queues.differences));
            page.count(&families::LINK_DAYS_OPEN, &[name], of(&queues.days_open));
            page.count(&families::LINK_DROPPED, &[name], self.heard.dropped(link));
            page.count(&families::STRAYS, &[name], of(&queues.strays));
        }
        wait(page, ("mailbox", ""), queues.mailboxes, now);
        for (subscriber, waiting) in &queues.untold {
            wait(page, ("news", subscriber), *waiting, now);
        }
        if self.keeper.is_some() {
            page.count(&families::LEDGER_COSIGNED, &[], queues.cosigned);
        }
    }

    fn lanes(&self, page: &mut Page) {
        let states = self.delivery.states();
        for link in self.links.iter().chain(&self.outlets) {
            let state = states.iter().find(|(hop, _)| hop == link).map(|(_, state)| state);
            for urgent in [false, true] {
                let of = |state: &crate::delivery::DestinationState| if urgent { state.urgent } else { state.normal };
                let LaneState { under_way, failures } = state.map(of).unwrap_or_default();
                let labels = [link.as_str(), lane(urgent)];
                page.count(&families::UNDER_WAY, &labels, under_way as u64);
                page.count(&families::BREAKER, &labels, u64::from(failures > 0));
                page.count(&families::FAILURES, &labels, u64::from(failures));
            }
        }
    }
}

/// What cannot be asked for at an outlet, and what lies there.
fn outlet(page: &mut Page, name: &HopName, looked: &[Looked]) {
    let of = || looked.iter().filter(|one| one.outlet == *name);
    page.count(&families::OUTLET_UNSEEN, &[name.as_str()], of().filter(|one| one.failures > 0).count() as u64);
    page.count(&families::OUTLET_ASIDE, &[name.as_str()], of().map(|one| one.aside as u64).sum());
    let worst = of().map(|one| one.failures).max().unwrap_or(0);
    page.count(&families::OUTLET_FAILURES, &[name.as_str()], u64::from(worst));
    if let Some(at) = of().filter_map(|one| one.succeeded_at).min() {
        page.put(&families::OUTLET_SUCCEEDED, &[name.as_str()], seconds(at.as_millis()));
    }
}

/// What waits for one neighbour or outlet, both lanes together.
fn outbox(page: &mut Page, queues: &Queues, to: &HopName) -> Waiting {
    let mut both = Waiting::default();
    for urgent in [false, true] {
        let found = queues.outbox.iter().find(|(hop, found, _)| hop == to && *found == urgent);
        let waiting = found.map_or(Waiting::default(), |found| found.2);
        page.count(&families::OUTBOX, &[to.as_str(), lane(urgent)], waiting.count);
        both.count += waiting.count;
        both.oldest = [both.oldest, waiting.oldest].into_iter().flatten().min();
    }
    both
}

fn wait(page: &mut Page, (kind, destination): (&str, &str), waiting: Waiting, now: Instant) {
    page.count(&families::WAITING, &[kind, destination], waiting.count);
    let age = waiting.oldest.map_or(0, |oldest| now.as_millis().saturating_sub(oldest.as_millis()).max(0));
    page.put(&families::OLDEST, &[kind, destination], seconds(age));
}

/// Milliseconds as seconds.
#[allow(clippy::cast_precision_loss)] // Exact for the next two hundred thousand years.
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

impl api::Metrics for Gauges {
    fn text(&self) -> String {
        let mut page = Page::default();
        page.put(&families::BUILD, &[env!("CARGO_PKG_VERSION"), self.hop.as_str()], 1.0);
        let readiness = self.health.readiness();
        page.count(&families::READY, &[], u64::from(readiness.ready));
        for (part, good, _) in &readiness.parts {
            page.count(&families::PART, &[part], u64::from(*good));
        }
        self.books(&mut page);
        self.waits(&mut page);
        self.lanes(&mut page);
        self.canaries(&mut page);
        let looked = self.sights.all();
        self.outlets.iter().for_each(|name| outlet(&mut page, name, &looked));
        for (subscriber, standing) in self.news.standings() {
            page.count(&families::NEWS_FAILURES, &[&subscriber], u64::from(standing.failures));
        }
        if let Some(keeper) = &self.keeper {
            let size = keeper.head().map_or(0, |head| head.checkpoint().size);
            page.count(&families::LEDGER_SIZE, &[], size);
            page.count(&families::LEDGER_ALARMS, &[], keeper.alarms());
        }
        for broker in &self.brokers {
            if let Some(count) = broker.state().set_aside {
                page.count(&families::DEAD_LETTERS, &[broker.name()], u64::from(count));
            }
        }
        let counts = self.traces.counts();
        let of = |count: fn(&Counts) -> &AtomicU64| counts.map_or(0, |all| count(all).load(Ordering::Relaxed));
        page.count(&families::SPANS, &["told"], of(|counts| &counts.told));
        page.count(&families::SPANS, &["dropped"], of(|counts| &counts.dropped));
        self.machine.put(&mut page);
        page.text()
    }
}

/// Looks at the store until stopped.
pub async fn watch(gauges: Arc<Gauges>, stop: CancellationToken) {
    for round in 0_u64.. {
        tokio::select! {
            () = stop.cancelled() => return,
            () = gauges.refresh(round.is_multiple_of(MAILBOXES)) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
