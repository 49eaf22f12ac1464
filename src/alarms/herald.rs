//! Looks every so often, remembers, and sends what is to be told.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use lienthong_contract::{Clock, HopName, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::rules::{Kept, Name, Notice, Reason, Recipient, Rules, State};
use super::{Alarm, Board, Kind};
use crate::store::AlarmStore;
use crate::store::alarms::Queued;

/// The first pause after a notice could not be sent; doubled at each further one.
const FIRST_PAUSE: i64 = 30_000;
/// The longest.
const LONGEST_PAUSE: i64 = 3_600_000;
/// What could not be sent within three days says nothing any more.
const GIVEN_UP: i64 = 3 * 86_400_000;
/// How long notices that were sent are kept, to be looked up.
const KEPT: i64 = 30 * 86_400_000;
/// Every so many rounds of sending older ones are deleted.
const CLEARED_EVERY: u64 = 1000;
const HOUR: i64 = 3_600_000;
/// The most alarms in one look; the most harmful stay.
const MOST: usize = 2_000;
/// The most notices of the last hour that are read at the start.
const MOST_SENT: usize = 10_000;
/// How often what is due again is looked for.
const SEND_EVERY: Duration = Duration::from_secs(15);

/// Gathers what is wrong now.
#[async_trait]
pub trait Lookout: Send + Sync {
    /// `untold` are the recipients that cannot be reached, since when and why. Nothing when it could not be looked.
    async fn look(&self, untold: Vec<(String, Instant, String)>) -> Option<Vec<Alarm>>;
}

/// Sends a notice.
#[async_trait]
pub trait Way: Send + Sync {
    /// # Errors
    /// Why it is not certain that it was taken.
    async fn send(&self, notice: &Notice) -> Result<(), String>;
}

/// What the herald is made from.
pub struct Parts {
    pub hop: HopName,
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn AlarmStore>,
    pub rules: Rules,
    pub lookout: Arc<dyn Lookout>,
    pub way: Arc<dyn Way>,
    pub board: Arc<Board>,
    pub every: Duration,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("hop", &self.hop).field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Watches and tells.
#[derive(Debug)]
pub struct Herald {
    parts: Parts,
    state: tokio::sync::Mutex<Remembered>,
    /// Recipients that could not be reached last time, since when and why.
    failing: Mutex<HashMap<String, (Instant, String)>>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Remembered {
    state: State,
    /// What the store could not be told yet.
    unsaved: HashMap<Name, Option<Kept>>,
}

impl Herald {
    /// Reads what is remembered.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(parts: Parts) -> crate::store::Result<Self> {
        let now = parts.clock.now();
        let kept = parts.store.remembered().await?;
        let mut state = State::default();
        for kept in kept {
            state.alarms.insert((kept.alarm.kind, kept.alarm.subject.clone()), kept);
        }
        for made in parts.store.last_notices(now.plus_millis(-HOUR), MOST_SENT).await? {
            state.sent.entry(made.notice.to).or_default().push(made.notice.at);
        }
        let state = tokio::sync::Mutex::new(Remembered { state, unsaved: HashMap::new() });
        Ok(Self { parts, state, failing: Mutex::default(), bell: Notify::new() })
    }

    /// What is wrong now.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.parts.board)
    }

    /// Names of the routes, each with whom it tells.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &[Recipient])> {
        self.parts.rules.routes.iter().map(|route| (route.name.as_str(), route.to.as_slice()))
    }

    /// Recipients that could not be reached last time, since when and why.
    #[must_use]
    pub fn untold(&self) -> Vec<(String, Instant, String)> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = failing.iter().map(|(name, (since, why))| (name.clone(), *since, why.clone())).collect();
        all.sort();
        all
    }

    /// Somebody knows of an alarm: it is not repeated and nobody else is called. False when there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn acknowledge(&self, kind: Kind, subject: &str, by: &str) -> crate::store::Result<bool> {
        let name = (kind, subject.to_owned());
        let mut remembered = self.state.lock().await;
        let Remembered { state, .. } = &mut *remembered;
        let before = state.alarms.get(&name).cloned();
        if !state.acknowledge(&name, by, self.parts.clock.now()) {
            return Ok(false);
        }
        let kept = state.alarms.get(&name).cloned();
        let stored = self.parts.store.remember(vec![(name.clone(), kept)], Vec::new()).await;
        if let (Err(_), Some(before)) = (&stored, before) {
            state.alarms.insert(name, before);
        }
        stored.map(|()| true)
    }

    /// Who acknowledged which alarms that are there.
    pub async fn acknowledged(&self) -> Vec<(Name, String, Instant)> {
        let remembered = self.state.lock().await;
        let there = remembered.state.alarms.iter().filter(|(_, kept)| kept.ended.is_none());
        there.filter_map(|(name, kept)| kept.acknowledged.clone().map(|(by, at)| (name.clone(), by, at))).collect()
    }

    /// Sends a test to everybody of a route, or of all; says of each whether it was taken.
    pub async fn test(&self, route: Option<&str>) -> Vec<(Recipient, Result<(), String>)> {
        test(&self.parts.rules, self.parts.way.as_ref(), route, self.parts.clock.now()).await
    }

    /// Looks once, and keeps what is to be told.
    pub async fn look(&self) {
        let Some(mut present) = self.parts.lookout.look(self.untold()).await else { return };
        super::sort(&mut present);
        present.truncate(MOST);
        let now = self.parts.clock.now();
        let waiting: HashMap<String, usize> = match self.parts.store.waiting_notices().await {
            Ok(waiting) => {
                let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
                waiting.into_iter().map(|(name, waiting)| (name, number(waiting.count))).collect()
            }
            Err(_) => HashMap::new(),
        };
        let mut remembered = self.state.lock().await;
        let Remembered { state, unsaved } = &mut *remembered;
        state.date(&mut present);
        self.parts.board.put(present.clone());
        let count = |to: &Recipient| waiting.get(&to.name()).copied().unwrap_or(0);
        let step = self.parts.rules.step(state, present, &count, now);
        unsaved.extend(step.changed);
        if unsaved.is_empty() && step.notices.is_empty() {
            return;
        }
        let changed: Vec<(Name, Option<Kept>)> =
            unsaved.iter().map(|(name, kept)| (name.clone(), kept.clone())).collect();
        match self.parts.store.remember(changed, step.notices.clone()).await {
            Ok(()) => unsaved.clear(),
            Err(error) => {
                drop(remembered);
                tracing::error!(%error, "alarms cannot be stored; they are told without that");
                self.tell_unstored(step.notices).await;
                return;
            }
        }
        drop(remembered);
        self.bell.notify_one();
    }

    /// When the store does not work, it is the more important to say so: once, and without a second try.
    async fn tell_unstored(&self, notices: Vec<Notice>) {
        join_all(notices.iter().map(|notice| async move {
            if let Err(error) = self.parts.way.send(notice).await {
                tracing::error!(to = %notice.to.name(), %error, "a notice cannot be sent");
            }
        }))
        .await;
    }

    /// Sends what is due, to all recipients at once and to each one after the other. True when anything was sent.
    pub async fn send(&self) -> bool {
        let due = match self.parts.store.due_notices(self.parts.clock.now()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "notices cannot be read; it will be tried again");
                return false;
            }
        };
        join_all(due.iter().map(|queued| self.send_one(queued))).await.into_iter().any(|sent| sent)
    }

    async fn send_one(&self, queued: &Queued) -> bool {
        let Queued { row, notice, attempts, .. } = queued;
        let to = notice.to.name();
        let sent = self.parts.way.send(notice).await;
        let now = self.parts.clock.now();
        let noted = match &sent {
            Ok(()) => {
                self.failing.lock().unwrap_or_else(PoisonError::into_inner).remove(&to);
                self.parts.store.notice_done(*row, Some(now)).await
            }
            Err(why) => {
                tracing::warn!(%to, %why, "a notice cannot be sent; it will be tried again");
                self.note_failure(&to, why, now);
                if now.as_millis().saturating_sub(notice.at.as_millis()) > GIVEN_UP {
                    tracing::error!(%to, "a notice is given up after three days");
                    self.parts.store.notice_done(*row, None).await
                } else {
                    let pause = FIRST_PAUSE.saturating_mul(1 << (*attempts).min(10)).min(LONGEST_PAUSE);
                    self.parts.store.notice_failed(*row, super::one_line(why), now.plus_millis(pause)).await
                }
            }
        };
        if let Err(error) = &noted {
            tracing::error!(%to, %error, "it cannot be noted what became of a notice");
        }
        sent.is_ok() && noted.is_ok()
    }

    fn note_failure(&self, to: &str, why: &str, now: Instant) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.entry(to.to_owned()).or_insert_with(|| (now, String::new())).1 = super::one_line(why);
    }

    /// Looks until stopped.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.look() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.parts.every) => {}
            }
        }
    }

    /// Sends until stopped.
    pub async fn tell(self: Arc<Self>, stop: CancellationToken) {
        for round in 0_u64.. {
            let sent = tokio::select! {
                () = stop.cancelled() => return,
                sent = self.send() => sent,
            };
            if sent {
                continue;
            }
            if round.is_multiple_of(CLEARED_EVERY) {
                let before = self.parts.clock.now().plus_millis(-KEPT);
                if let Err(error) = self.parts.store.forget_notices(before).await {
                    tracing::warn!(%error, "old notices cannot be deleted; it will be tried again");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.bell.notified() => {}
                () = tokio::time::sleep(SEND_EVERY) => {}
            }
        }
    }
}

/// Sends a test to everybody of a route, or of all, each once.
pub async fn test(
    rules: &Rules,
    way: &dyn Way,
    route: Option<&str>,
    now: Instant,
) -> Vec<(Recipient, Result<(), String>)> {
    let routes = rules.routes.iter().filter(|one| route.is_none_or(|route| one.name == route));
    let mut notices: Vec<Notice> = Vec::new();
    for (route, to) in routes.flat_map(|route| route.to.iter().map(move |to| (route, to))) {
        if notices.iter().any(|notice| notice.to == *to) {
            continue;
        }
        notices.push(Notice {
            id: format!("test_{}_{}", now.as_millis(), notices.len()),
            to: to.clone(),
            route: route.name.clone(),
            reason: Reason::Test,
            at: now,
            alarms: Vec::new(),
            ended: Vec::new(),
            more: 0,
        });
    }
    let sent = join_all(notices.iter().map(|notice| way.send(notice))).await;
    notices.into_iter().map(|notice| notice.to).zip(sent).collect()
}
