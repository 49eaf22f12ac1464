//! News: agencies' systems hear of what has come for them, and of what became of what they sent, without asking.
//!
//! ```text
//!   receipts in the store ── herald ──► news not told yet ──► one teller for each subscriber ──► webhook, or AMQP queue
//! ```
//!
//! A herald looks at each new receipt once and keeps what is news to somebody in the store, in one transaction with how far
//! it looked. A teller for each subscriber tells what is kept for it, in order, and forgets it when the subscriber has said
//! that it has it. News is a hint and no delivery: it names documents and never holds any of their text, and whoever
//! misses it finds the same in the mailbox.
//!
//! Invariants: what is in a mailbox was told or is kept to be told; one subscriber's trouble never slows another's; what a
//! subscriber is told twice bears the same [`Item::id`].
//!
//! Failure story: a subscriber that does not answer is tried again with growing pauses, for as long as it is configured;
//! after a crash everything that was not confirmed is told again.

pub mod queue;
pub mod signature;
pub mod webhook;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, Clock, ConsignmentId, Digest, DocId, HopName, Instant};

use crate::directory::Directory;
use crate::store::news::{NewsStore, Subscription};

/// Receipts looked at in one transaction.
const LOOK_AT: usize = 500;
/// News told at once.
const AT_ONCE: usize = 100;
/// How often the store is asked whether there are new receipts.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The first pause after a failure; doubled at each further one.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A packet lies in the agency's mailbox.
    Arrived,
    /// Something that the agency sent came to its end with one recipient.
    Ended,
}

impl What {
    pub const ALL: [Self; 2] = [Self::Arrived, Self::Ended];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Ended => "ended",
        }
    }
}

/// One piece of news. It holds nothing of what a document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Digest of the receipt that is the news. Told twice it is the same.
    pub id: Digest,
    pub event: What,
    /// Whose news it is.
    pub agency: AgencyCode,
    /// When it happened, by the receipt.
    pub time: Instant,
    pub consignment: ConsignmentId,
    pub doc_id: DocId,
    /// `document` or `status`.
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// Number and notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub from: AgencyCode,
    pub recipient: AgencyCode,
    /// 0 normal … 4 express at a set hour.
    pub urgency: u8,
    /// Of the packet, in bytes.
    pub size: u64,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ConsignmentState>,
    /// Why it ended badly, Vietnamese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Some news on the way to a subscriber.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The same each time this notice is tried.
    pub id: String,
    pub body: Bytes,
    pub items: Vec<Item>,
}

/// A notice as it is written.
#[derive(Debug, Serialize)]
struct Written<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Instant,
    data: Data<'a>,
}

#[derive(Debug, Serialize)]
struct Data<'a> {
    gateway: &'a HopName,
    items: &'a [Item],
}

impl Notice {
    /// News of this gateway.
    #[must_use]
    pub fn of(gateway: &HopName, items: Vec<Item>, now: Instant) -> Self {
        Self::written("consignments", gateway, items, now)
    }

    /// No news: whoever takes it could be told some.
    #[must_use]
    pub fn trial(gateway: &HopName, now: Instant) -> Self {
        Self::written("trial", gateway, Vec::new(), now)
    }

    fn written(kind: &'static str, gateway: &HopName, items: Vec<Item>, now: Instant) -> Self {
        let written = Written { kind, timestamp: now, data: Data { gateway, items: &items } };
        let body = serde_json::to_vec(&written).unwrap_or_default();
        let digest = Digest::of(&body).to_string();
        let id = format!("news_{}", digest.trim_start_matches("sha256:").chars().take(32).collect::<String>());
        Self { id, body: body.into(), items }
    }
}

/// The way to one subscriber.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Tells it once.
    ///
    /// # Errors
    /// Why it is not certain that the subscriber has it. Then the same notice is told again.
    async fn tell(&self, notice: &Notice) -> Result<(), String>;
}

/// Who is told, of whom, and how.
#[derive(Clone)]
pub struct Subscriber {
    /// Unique; the store knows it by this.
    pub name: String,
    /// In any spelling.
    pub agencies: Vec<AgencyCode>,
    pub channel: Arc<dyn Channel>,
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("name", &self.name).field("agencies", &self.agencies).finish_non_exhaustive()
    }
}

/// How it goes with one subscriber.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Failures since the last success.
    pub failures: u32,
    /// The last one, until something goes well.
    pub last_error: Option<String>,
}

/// What news are made of.
pub struct Parts {
    pub hop: HopName,
    pub store: Arc<dyn NewsStore>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    pub subscribers: Vec<Subscriber>,
    /// Usually [`FIRST_PAUSE`].
    pub first_pause: Duration,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("hop", &self.hop).field("subscribers", &self.subscribers).finish_non_exhaustive()
    }
}

/// Looks for news and tells them.
pub struct News {
    hop: HopName,
    store: Arc<dyn NewsStore>,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    told: Vec<Told>,
    first_pause: Duration,
}

/// A subscriber and what its teller needs.
struct Told {
    subscriber: Subscriber,
    bell: Arc<Notify>,
    standing: Mutex<Standing>,
}

impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("News").field("hop", &self.hop).field("subscribers", &self.told.len()).finish_non_exhaustive()
    }
}

impl News {
    /// Begins to tell, until `stop`. Who is new hears of what happens from now on.
    ///
    /// # Errors
    /// The store's.
    pub async fn start(parts: Parts, tasks: &TaskTracker, stop: &CancellationToken) -> crate::store::Result<Arc<Self>> {
        let names = parts.subscribers.iter().map(|subscriber| subscriber.name.clone()).collect();
        parts.store.subscribe(names).await?;
        let told = |subscriber| Told { subscriber, bell: Arc::default(), standing: Mutex::default() };
        let news = Arc::new(Self {
            hop: parts.hop,
            store: parts.store,
            directory: parts.directory,
            clock: parts.clock,
            told: parts.subscribers.into_iter().map(told).collect(),
            first_pause: parts.first_pause,
        });
        news.tell_unknown();
        if !news.told.is_empty() {
            tasks.spawn(Arc::clone(&news).herald(stop.clone()));
        }
        for place in 0..news.told.len() {
            tasks.spawn(Arc::clone(&news).teller(place, stop.clone()));
        }
        Ok(news)
    }

    /// How it goes with each subscriber.
    #[must_use]
    pub fn standings(&self) -> Vec<(String, Standing)> {
        let standing = |told: &Told| told.standing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.told.iter().map(|told| (told.subscriber.name.clone(), standing(told))).collect()
    }

    /// Agencies that the directory does not list have no news: said at start.
    fn tell_unknown(&self) {
        let directory = self.directory.snapshot();
        for Told { subscriber, .. } in &self.told {
            for code in subscriber.agencies.iter().filter(|code| directory.lookup(code).is_none()) {
                tracing::warn!(subscriber = %subscriber.name, agency = %code, "news is wanted of an agency that is in no directory");
            }
        }
    }

    /// Whose news each subscriber wants, by the directory as it is now.
    fn subscriptions(&self) -> Vec<Subscription> {
        let directory = self.directory.snapshot();
        let spelled = |code: &AgencyCode| directory.lookup(code).map(|agency| agency.key.code().clone());
        let of = |told: &Told| Subscription {
            name: told.subscriber.name.clone(),
            agencies: told.subscriber.agencies.iter().filter_map(spelled).collect(),
        };
        self.told.iter().map(of).collect()
    }

    async fn herald(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let gathered = self.store.gather(self.subscriptions(), self.clock.now(), LOOK_AT).await;
            match gathered {
                Ok(gathered) => {
                    if gathered.found > 0 {
                        self.told.iter().for_each(|told| told.bell.notify_one());
                    }
                    if gathered.more && !stop.is_cancelled() {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(%error, "news could not be looked for; it will be tried again"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn teller(self: Arc<Self>, place: usize, stop: CancellationToken) {
        let Some(told) = self.told.get(place) else { return };
        let mut trying = None;
        loop {
            let some = tokio::select! {
                () = stop.cancelled() => return,
                some = self.tell_some(told, &mut trying) => some,
            };
            let pause = match some {
                Ok(true) => continue,
                Ok(false) => None,
                Err(failures) => Some(pause(self.first_pause, failures)),
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = told.bell.notified(), if pause.is_none() => {}
                () = tokio::time::sleep(pause.unwrap_or(LONGEST_PAUSE)) => {}
            }
        }
    }

    /// Tries one notice, which stays in `trying` until it was taken; true when there may be more, otherwise how often it
    /// has failed.
    async fn tell_some(&self, told: &Told, trying: &mut Option<(i64, Notice)>) -> Result<bool, u32> {
        let name = told.subscriber.name.as_str();
        let of_store = |error: crate::store::Error| told.failed(&format!("the store: {error}"));
        if trying.is_none() {
            let news = self.store.news(name, AT_ONCE).await.map_err(of_store)?;
            let Some((last, _)) = news.last() else { return Ok(false) };
            let last = *last;
            let items = news.into_iter().map(|(_, item)| item).collect();
            *trying = Some((last, Notice::of(&self.hop, items, self.clock.now())));
        }
        let Some((last, notice)) = trying else { return Ok(true) };
        told.subscriber.channel.tell(notice).await.map_err(|why| told.failed(&why))?;
        self.store.told(name, *last).await.map_err(of_store)?;
        *trying = None;
        told.succeeded();
        Ok(true)
    }
}

/// The pause after so many failures.
fn pause(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

impl Told {
    fn failed(&self, why: &str) -> u32 {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.failures = standing.failures.saturating_add(1);
        standing.last_error = Some(why.to_owned());
        let (name, failures) = (&self.subscriber.name, standing.failures);
        tracing::warn!(subscriber = %name, failures, why, "a subscriber was not told; it will be tried again");
        failures
    }

    fn succeeded(&self) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.failures > 0 {
            tracing::info!(subscriber = %self.subscriber.name, failures = standing.failures, "a subscriber takes news again");
        }
        *standing = Standing::default();
    }
}
