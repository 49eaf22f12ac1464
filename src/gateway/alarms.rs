//! Alarms of a running gateway: looks at the other rooms, and the ways on which notices go.
//!
//! What cannot be looked at just now is taken as it was last seen, so that no alarm ends because nobody could look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lienthong_contract::{Clock, HopName, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::books::Kept;
use super::health::HealthView;
use super::metrics::Gauges;
use super::outlets::sights::{Looked, Sights};
use super::{StartError, news};
use crate::alarms::herald::{Herald, Lookout, Parts, Way};
use crate::alarms::judge::{Destination, Facts, Limits, Room, judge};
use crate::alarms::quiet::Quiet;
use crate::alarms::rules::{Notice, Recipient, Route, Rules};
use crate::alarms::{Alarm, Board, letter, mail};
use crate::api::Health;
use crate::canary::runs::Runs;
use crate::certificates::{self, InUse, Sources, calendar};
use crate::config::{Alerts, Config, MailServer, Webhook as Listed};
use crate::delivery::Delivery;
use crate::directory::Directory;
use crate::link::Link;
use crate::link::amqp::AmqpLink;
use crate::logkeeper::Keeper;
use crate::news::webhook::Webhook;
use crate::news::{Channel, Notice as News};
use crate::statutory::Terms;
use crate::statutory::calendar::Calendar;
use crate::store::queues::{Queues, Waiting};
use crate::store::{AlarmStore, SqliteStore, WatchStore};
use crate::stuck::{Cause, LinkTrouble};

/// Every so many looks what changes slowly is looked at: mailboxes, refusals, certificates.
const SLOW: u64 = 10;
/// Mailboxes that are looked at, the fullest first.
const MAILBOXES: usize = 500;
/// Receipts that are looked at for failures at once, and how often in one look.
const AT_ONCE: usize = 256;
const ROUNDS: usize = 40;
/// Refusals for a secrecy mark are told of for a day.
const DAY: i64 = 86_400_000;
/// That the clock was moved is told of for an hour.
const HOUR: i64 = 3_600_000;

/// What is looked at.
pub struct View {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub store: Arc<SqliteStore>,
    pub delivery: Arc<Delivery>,
    pub links: Vec<(HopName, Arc<dyn Link>)>,
    pub directory: Arc<Directory>,
    pub health: Arc<HealthView>,
    pub gauges: Arc<Gauges>,
    pub sights: Arc<Sights>,
    /// What became of test documents.
    pub runs: Arc<Runs>,
    pub books: Arc<Kept>,
    pub keeper: Option<Arc<Keeper>>,
    /// The working calendar.
    pub terms: Arc<Terms>,
    /// Where the list of certificates is put.
    pub certificates: Arc<certificates::Last>,
    pub brokers: Vec<Arc<AmqpLink>>,
    pub last: Mutex<Last>,
}

/// What was seen last.
#[derive(Debug, Default)]
pub struct Last {
    round: u64,
    queues: Queues,
    slow: Slow,
    failed: Vec<(Cause, Waiting)>,
    /// The clock of the last look, and a watch that nobody sets.
    clock: Option<(Instant, tokio::time::Instant)>,
    moved: Option<(Instant, i64)>,
}

#[derive(Debug, Default, Clone)]
struct Slow {
    not_taken: Vec<(lienthong_contract::AgencyCode, Waiting)>,
    secrets: Waiting,
    certificates: Vec<InUse>,
}

impl View {
    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn slow(&self, now: Instant) -> crate::store::Result<Slow> {
        let alerts = &self.config.alerts;
        let before = self.terms.calendar.hours_before(now, alerts.not_taken_hours);
        let not_taken = self.store.not_collected(before, MAILBOXES).await?;
        let secrets = self.store.secrets_refused(now.plus_millis(-DAY)).await?;
        Ok(Slow { not_taken, secrets, certificates: self.list(now).await? })
    }

    /// Every certificate in use.
    async fn list(&self, now: Instant) -> crate::store::Result<Vec<InUse>> {
        let headers = self.store.signature_headers().await?;
        let (config, directory) = (self.config.clone(), self.directory.snapshot());
        let soon_days = config.alerts.certificate_days;
        let list =
            move || calendar(&Sources { config: &config, directory: &directory, headers: &headers, soon_days }, now);
        Ok(tokio::task::spawn_blocking(list).await.unwrap_or_default())
    }

    async fn failures(&self) -> crate::store::Result<Vec<(Cause, Waiting)>> {
        for _ in 0..ROUNDS {
            if !self.store.find_failures(AT_ONCE).await? {
                break;
            }
        }
        let waiting = |count, oldest| Waiting { count, oldest };
        let failed = self.store.failures().await?.into_iter();
        Ok(failed.filter_map(|one| Some((Cause::parse(&one.cause)?, waiting(one.count, one.oldest)))).collect())
    }

    fn destinations(&self, queues: &Queues) -> Vec<Destination> {
        let waits = |name: &HopName, urgent: bool| {
            let found = queues.outbox.iter().find(|(hop, found, _)| hop == name && *found == urgent);
            found.map_or(Waiting::default(), |found| found.2)
        };
        let of = |(name, state): (HopName, _)| {
            let link = self.links.iter().find(|(peer, _)| *peer == name).map(|(_, link)| link.state());
            Destination {
                normal: waits(&name, false),
                urgent: waits(&name, true),
                away_since: link.as_ref().filter(|link| !link.connected).map(|link| link.since),
                link: link.map(|link| LinkTrouble {
                    connected: link.connected,
                    blocked: link.blocked.is_some(),
                    error: link.blocked.or(link.last_error),
                }),
                name,
                state,
            }
        };
        self.delivery.states().into_iter().map(of).collect()
    }

    /// How far the clock was moved since the last look, for an hour; positive: back.
    fn moved(&self, now: Instant, last: &mut Last) -> Option<i64> {
        let watch = tokio::time::Instant::now();
        if let Some((then, watched)) = last.clock.replace((now, watch)) {
            let passed = i64::try_from(watch.saturating_duration_since(watched).as_millis()).unwrap_or(i64::MAX);
            let moved = then.as_millis().saturating_add(passed).saturating_sub(now.as_millis());
            if moved.saturating_abs() > Limits::default().clock {
                last.moved = Some((now, moved));
            }
        }
        last.moved.filter(|(at, _)| (now.as_millis() - at.as_millis()).abs() < HOUR).map(|(_, moved)| moved)
    }

    /// Who does not get test documents.
    fn missing(&self, now: Instant) -> Vec<(lienthong_contract::AgencyCode, Instant)> {
        self.config.canary.as_ref().map(|canary| self.runs.missing(canary.limit(), now)).unwrap_or_default()
    }

    fn room(&self) -> Option<Room> {
        super::machine::room(&self.config.hop.data)
    }

    /// What would be judged now.
    async fn facts(&self, untold: Vec<(String, Instant, String)>, now: Instant) -> Facts {
        let round = self.last().round;
        let slow = if round.is_multiple_of(SLOW) { Some(self.slow(now).await) } else { None };
        let failed = self.failures().await;
        let queues = self.gauges.queues.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut last = self.last();
        last.round = round.wrapping_add(1);
        match slow {
            Some(Ok(slow)) => {
                self.certificates.put(slow.certificates.clone());
                last.slow = slow;
            }
            Some(Err(error)) => {
                // At the next look again.
                last.round = round;
                tracing::warn!(%error, "what agencies did not collect cannot be looked at; it will be tried again");
            }
            None => {}
        }
        match failed {
            Ok(failed) => last.failed = failed,
            Err(error) => tracing::warn!(%error, "what failed cannot be looked at; it will be tried again"),
        }
        if let Some(queues) = queues {
            last.queues = queues;
        }
        let clock_behind = self.moved(now, &mut last);
        let Slow { not_taken, secrets, certificates } = last.slow.clone();
        Facts {
            parts: self.health.readiness().parts,
            destinations: self.destinations(&last.queues),
            differences: self.books.last().filter(|last| !last.total.balanced).map(|last| last.differences.max(1)),
            ledger_alarms: self.keeper.as_ref().map_or(0, |keeper| keeper.alarms()),
            directory: self.directory.trouble().map(|trouble| trouble.kind().title),
            not_taken,
            failed: last.failed.clone(),
            secrets,
            room: self.room(),
            certificates,
            clock_behind,
            canaries: self.missing(now),
            unseen: self.sights.all().into_iter().filter_map(unseen).collect(),
            aside: self.sights.all().into_iter().filter_map(aside).collect(),
            set_aside: super::set_aside(&self.brokers),
            untold,
        }
    }
}

fn unseen(one: Looked) -> Option<(HopName, String, Instant, String)> {
    Some((one.outlet, one.what, one.since?, one.trouble?))
}

fn aside(one: Looked) -> Option<(HopName, String, usize, Instant)> {
    Some((one.outlet, one.what, one.aside, one.aside_since?))
}

#[async_trait]
impl Lookout for View {
    async fn look(&self, untold: Vec<(String, Instant, String)>) -> Option<Vec<Alarm>> {
        let now = self.clock.now();
        let facts = self.facts(untold, now).await;
        Some(judge(&facts, &limits(&self.config.alerts), now))
    }
}

fn limits(alerts: &Alerts) -> Limits {
    let minutes = |minutes: u32| i64::from(minutes).saturating_mul(60_000);
    Limits {
        down: minutes(alerts.down_minutes),
        urgent: minutes(alerts.urgent_minutes),
        not_taken_hours: alerts.not_taken_hours,
        free_percent: alerts.disk_free_percent,
        free_bytes: alerts.disk_free_gib.saturating_mul(1 << 30),
        ..Limits::default()
    }
}

/// The rules of a configuration, with the days on which agencies work.
#[must_use]
pub fn alert_rules(alerts: &Alerts, working: &Calendar) -> Rules {
    let seconds = |seconds: u32| i64::from(seconds).saturating_mul(1000);
    let escalated: Vec<&String> = alerts.route.iter().filter_map(|route| route.escalate_to.as_ref()).collect();
    let route = |listed: &crate::config::AlertRoute| {
        let mail = listed.mail.iter().cloned().map(Recipient::Mail);
        let to: Vec<Recipient> = mail.chain(listed.webhook.iter().cloned().map(Recipient::Webhook)).collect();
        let minutes = listed.escalate_minutes.map(|minutes| seconds(minutes).saturating_mul(60));
        Route {
            name: listed.name.clone(),
            kinds: listed.kinds.clone(),
            least: listed.least,
            to,
            quiet: !listed.always,
            escalates: minutes.zip(listed.escalate_to.clone()),
            // Who is named by others and says nothing of its own hears of what others escalate, and of nothing else.
            only_escalated: escalated.contains(&&listed.name) && listed.kinds.is_empty() && listed.least.is_none(),
        }
    };
    Rules {
        routes: alerts.route.iter().map(route).collect(),
        group: seconds(alerts.group_seconds),
        clear: seconds(alerts.clear_seconds),
        repeat: seconds(alerts.repeat_hours).saturating_mul(3600),
        per_hour: usize::try_from(alerts.per_hour).unwrap_or(usize::MAX),
        quiet: alerts.quiet.as_ref().map(|quiet| Quiet {
            from: quiet.from,
            to: quiet.to,
            working: quiet.weekends.then(|| Arc::new(working.clone())),
            except: quiet.except,
        }),
    }
}

/// The ways to all recipients.
#[derive(Debug)]
pub struct Ways {
    hop: HopName,
    mail: Option<MailServer>,
    webhooks: HashMap<String, Webhook>,
}

impl Ways {
    /// Gets them ready; files are read.
    ///
    /// # Errors
    /// [`StartError`], by the first webhook that cannot be used.
    pub fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, StartError> {
        let mut webhooks = HashMap::new();
        for hook in &config.alerts.webhook {
            let listed = Listed {
                name: hook.name.clone(),
                agencies: Vec::new(),
                url: hook.url.clone(),
                secret_file: hook.secret_file.clone(),
                second_secret_file: hook.second_secret_file.clone(),
                roots: hook.roots.clone(),
                certificate: hook.certificate.clone(),
                key: hook.key.clone(),
            };
            webhooks.insert(hook.name.clone(), news::webhook(&listed, clock)?);
        }
        Ok(Self { hop: config.hop.name.clone(), mail: config.alerts.mail.clone(), webhooks })
    }
}

#[async_trait]
impl Way for Ways {
    async fn send(&self, notice: &Notice) -> Result<(), String> {
        match &notice.to {
            Recipient::Mail(address) => {
                let server = self.mail.as_ref().ok_or("no mail server is configured")?;
                mail::send(server, &self.hop, (&notice.id, address), &letter::letter(notice, &self.hop)).await
            }
            Recipient::Webhook(name) => {
                let hook = self.webhooks.get(name).ok_or("no webhook of this name is configured")?;
                let body = letter::json(notice, &self.hop);
                hook.tell(&News { id: notice.id.clone(), body, items: Vec::new() }).await
            }
        }
    }
}

/// Begins to watch and to tell.
///
/// # Errors
/// [`StartError`].
pub async fn start(
    view: View,
    ways: Ways,
    (tasks, stop): (&TaskTracker, &CancellationToken),
) -> Result<Arc<Herald>, StartError> {
    let alerts = &view.config.alerts;
    let parts = Parts {
        hop: view.config.hop.name.clone(),
        clock: Arc::clone(&view.clock),
        store: Arc::clone(&view.store) as _,
        rules: alert_rules(alerts, &view.config.statutory.terms()?.calendar),
        every: Duration::from_secs(alerts.every_seconds.max(1)),
        way: Arc::new(ways),
        board: Arc::new(Board::default()),
        lookout: Arc::new(view),
    };
    let herald = Arc::new(Herald::open(parts).await?);
    tasks.spawn(Arc::clone(&herald).watch(stop.clone()));
    tasks.spawn(Arc::clone(&herald).tell(stop.clone()));
    Ok(herald)
}
