//! The console of a running gateway: what it is made from, its listener, and the tasks that look things up for it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lienthong_contract::{Clock, Digest, HopName, Instant};
use lienthong_door_kit::{Limits, TlsProvider, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::books::Kept;
use super::health::HealthView;
use crate::api::Health;
use crate::books::kept;
use crate::books::statement::number_of;
use crate::config::{self, Config};
use crate::console::board::{Board, Glance, Line, Lookout};
use crate::console::oidc::Oidc;
use crate::console::oidc::provider::{Client, Provider};
use crate::console::outgoing::{FeedDoor, Rules};
use crate::console::{Console, Settings};
use crate::delivery::Delivery;
use crate::link::Link;
use crate::link::amqp::AmqpLink;
use crate::secrets;
use crate::statistics::Statistics;
use crate::store::books::Amounts;
use crate::store::queues::{Queues, Waiting};
use crate::store::watch::Failing;
use crate::store::{CanaryStore, QueueStore, SearchStore, SqliteStore, WatchStore};
use crate::stuck::{At, Cause, Group, LinkTrouble, Place};
use crate::trust::tls::{ClientFiles, ReloadableServerConfig, ServerFiles, client_config};

/// How often the board is made anew.
const EVERY: Duration = Duration::from_secs(3);
/// Every so many times the mailboxes are looked at: each consignment that waits is read then.
const MAILBOXES: u64 = 20;
/// Consignments and receipts that are taken up at once by what follows them.
const AT_ONCE: usize = 256;
/// Until what follows looks again, when there was nothing.
const REST: Duration = Duration::from_secs(2);
/// Mailboxes that are listed.
const LISTED: usize = 500;
/// Over so many glances the pace of a destination is told.
const GLANCES: u32 = 20;
/// Characters of the shortest token of the feed.
const SHORTEST_TOKEN: usize = 24;
/// Failed attempts from which a packet counts as one that fails by itself.
const POISONED: u32 = 3;

/// A console that is ready to be opened.
pub struct Ready {
    listener: TcpListener,
    pub address: SocketAddr,
    /// None: in the clear.
    pub tls: Option<Arc<ReloadableServerConfig>>,
    pub settings: Settings,
    pub oidc: Option<Arc<Oidc>>,
    pub outgoing: Rules,
}

/// The figures of a day are of people's documents. The books are of a moment earlier, so that a figure might go below zero.
fn without(today: &mut Amounts, tests: Amounts) {
    for (figure, of_tests) in [
        (&mut today.accepted, tests.accepted),
        (&mut today.handed_over, tests.handed_over),
        (&mut today.refused, tests.refused),
        (&mut today.failed, tests.failed),
        (&mut today.passed_outside, tests.passed_outside),
        (&mut today.in_flight, tests.in_flight),
    ] {
        *figure = figure.saturating_sub(of_tests).max(0);
    }
}

/// Gets the console ready, so that a mistake shows before anything is accepted.
///
/// # Errors
/// [`StartError`].
pub async fn ready(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Ready>, StartError> {
    let Some(console) = &config.console else { return Ok(None) };
    let tls = match console.plain_http {
        true => None,
        false => Some(Arc::new(ReloadableServerConfig::load(server_files(config, console), Arc::clone(clock))?)),
    };
    let listen = |source| StartError::Listen { address: console.listen, source };
    let listener = TcpListener::bind(console.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let settings = Settings {
        limits: Limits { max_connections: 256, ..Limits::default() },
        plain_http: console.plain_http,
        require_totp: console.require_totp,
        idle: Duration::from_secs(u64::from(console.idle_minutes) * 60),
        session: Duration::from_secs(u64::from(console.session_hours) * 3600),
        canary_limit: config.canary.as_ref().map(config::Canary::limit),
        not_taken_hours: config.alerts.not_taken_hours,
    };
    let oidc = console.oidc.as_ref().map(|oidc| provider(oidc, clock)).transpose()?.map(Arc::new);
    Ok(Some(Ready { listener, address, tls, settings, oidc, outgoing: outgoing(config)? }))
}

/// The provider through which people may sign in; its files are read, it is not asked.
///
/// # Errors
/// [`StartError`].
pub fn provider(oidc: &config::Oidc, clock: &Arc<dyn Clock>) -> Result<Oidc, StartError> {
    let tls = match oidc.roots.as_slice() {
        [] => None,
        roots => {
            let files = ClientFiles { roots: roots.to_vec(), crls: Vec::new(), identity: None, http: false };
            Some(client_config(&files, Arc::clone(clock))?.as_ref().clone())
        }
    };
    if let Some(file) = &oidc.client_secret_file {
        secrets::read(file).map_err(|source| StartError::Secret { file: file.clone(), source })?;
    }
    let client = Client {
        issuer: oidc.issuer.clone(),
        id: oidc.client_id.clone(),
        secret: oidc.client_secret_file.clone(),
        back: oidc.back(),
    };
    let provider = Provider::new(client, tls, Arc::clone(clock));
    Ok(Oidc::new(provider, oidc.claim.clone(), oidc.label.clone()))
}

/// What of the statistics goes out.
///
/// # Errors
/// [`StartError::Secret`].
pub fn outgoing(config: &Config) -> Result<Rules, StartError> {
    let statistics = &config.statistics;
    let door = |feed: &config::Feed| {
        let tokens =
            feed.files().map(|file| token(file).map_err(|source| StartError::Secret { file: file.clone(), source }));
        Ok::<_, StartError>(FeedDoor { header: feed.header.clone(), tokens: tokens.collect::<Result<_, _>>()? })
    };
    Ok(Rules {
        public_least: statistics.public.then(|| u64::from(statistics.public_least)),
        feed: statistics.feed.as_ref().map(door).transpose()?,
    })
}

/// The digest of the token in a file.
fn token(file: &Path) -> std::io::Result<Digest> {
    let text = secrets::read(file)?;
    let token = text.trim();
    if token.len() < SHORTEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = format!("a token has at least {SHORTEST_TOKEN} characters, all of them visible ASCII");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
    }
    Ok(Digest::of(token.as_bytes()))
}

/// The certificate shown to browsers; nobody is asked for one.
pub fn server_files(config: &Config, console: &config::Console) -> ServerFiles {
    let own = console.certificate.clone().zip(console.key.clone());
    let (chain, key) = own.unwrap_or_else(|| (config.api.certificate.clone(), config.api.key.clone()));
    ServerFiles {
        chain,
        key,
        client_roots: Vec::new(),
        client_intermediates: Vec::new(),
        client_crls: Vec::new(),
        ..super::server_files(&config.api)
    }
}

impl Ready {
    /// Opens the console. It closes when `door` is cancelled.
    pub fn open(self, console: Console, doors: &TaskTracker, door: CancellationToken) {
        let provider = self.tls.map(|tls| {
            let provider: TlsProvider = Arc::new(move || {
                let mut config = tls.current().as_ref().clone();
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Arc::new(config)
            });
            provider
        });
        let (listener, address) = (self.listener, self.address);
        doors.spawn(async move {
            if let Err(error) = serve(listener, provider, Arc::new(console), door).await {
                tracing::error!(%error, "the console ended");
            }
        });
        tracing::info!(%address, "the console is open");
    }
}

/// Looks at the gateway for the board.
pub struct View {
    pub hop: HopName,
    pub store: Arc<SqliteStore>,
    pub clock: Arc<dyn Clock>,
    pub delivery: Arc<Delivery>,
    pub health: Arc<HealthView>,
    pub books: Arc<Kept>,
    pub statistics: Arc<Statistics>,
    /// The broker of each neighbour that has one.
    pub links: HashMap<HopName, Arc<AmqpLink>>,
    pub outlets: Vec<HopName>,
    /// Days left of the certificate towards each destination, as it was when the gateway started.
    pub certificates: HashMap<HopName, Instant>,
    pub brokers: Vec<Arc<AmqpLink>>,
    /// See [`Settings::not_taken_hours`].
    pub not_taken_hours: u32,
    pub remembered: Mutex<Remembered>,
}

/// What is remembered from one glance to the next.
#[derive(Debug, Default)]
pub struct Remembered {
    /// How many packets each destination had taken, some glances ago.
    taken: HashMap<HopName, Vec<(Instant, u64)>>,
    mailboxes: Option<Waiting>,
    not_collected: Vec<Place>,
    round: u64,
}

#[async_trait]
impl Lookout for View {
    async fn look(&self) -> Glance {
        let now = self.clock.now();
        match self.look_up(now).await {
            Ok(glance) => glance,
            Err(error) => {
                tracing::warn!(%error, "the board cannot be made; it will be tried again");
                let blind = Some(format!("Không đọc được kho — the store cannot be read: {error}"));
                Glance { at: Some(now), parts: self.health.readiness().parts, blind, ..Glance::default() }
            }
        }
    }
}

impl View {
    async fn look_up(&self, now: Instant) -> crate::store::Result<Glance> {
        let store = self.store.as_ref();
        kept::catch_up(store, &self.hop).await?;
        let day = now.in_vietnam().date();
        let mut today = store.figures_of(Some(number_of(day))).await?;
        let mut total = store.figures_of(None).await?;
        let midnight = Instant::from_vietnam(day.at(0, 0, 0, 0)).unwrap_or(now);
        let tests = store.canaries_counted(midnight).await?;
        without(&mut today, tests);
        total.in_flight = total.in_flight.saturating_sub(tests.in_flight).max(0);
        let refused_at_submission = store.refusals_since(midnight).await?;
        let queues = store.queues(now).await?;
        let (mailboxes, not_collected) = self.mailboxes(now).await?;
        let destinations = self.destinations(&queues, now);
        let mut places = Vec::new();
        for line in &destinations {
            places.extend(self.place(line).await?);
        }
        places.extend(not_collected.into_iter().map(|place| (Cause::NotCollected, place)));
        let failed = store.failures().await?;
        let failed = failed.into_iter().filter_map(|one| Some((Cause::parse(&one.cause)?, one.count, one.oldest)));
        let last = self.books.last();
        Ok(Glance {
            at: Some(now),
            today,
            total,
            balanced: last.as_ref().is_none_or(|last| last.total.balanced) && total.faults == 0,
            differences: last.as_ref().map_or(0, |last| last.differences),
            refused_at_submission,
            in_mailboxes: mailboxes.count,
            oldest_in_mailbox: mailboxes.oldest,
            stuck: Group::of_places(places, failed.collect()),
            set_aside: super::set_aside(&self.brokers),
            destinations,
            parts: self.health.readiness().parts,
            pending: self.statistics.pending(None, now).await?,
            blind: None,
        })
    }

    /// What lies in mailboxes, looked at now and then.
    async fn mailboxes(&self, now: Instant) -> crate::store::Result<(Waiting, Vec<Place>)> {
        let (round, known) = {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            remembered.round += 1;
            (remembered.round - 1, remembered.mailboxes.map(|waiting| (waiting, remembered.not_collected.clone())))
        };
        if let Some(known) = known.filter(|_| !round.is_multiple_of(MAILBOXES)) {
            return Ok(known);
        }
        let waiting = QueueStore::mailboxes(self.store.as_ref()).await?;
        let before = self.statistics.terms.calendar.hours_before(now, self.not_taken_hours);
        let places = self.store.not_collected(before, LISTED).await?.into_iter().map(|(agency, waiting)| Place {
            at: At::Mailbox(agency),
            count: waiting.count,
            since: waiting.oldest,
            error: None,
        });
        let places: Vec<Place> = places.collect();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        (remembered.mailboxes, remembered.not_collected) = (Some(waiting), places.clone());
        Ok((waiting, places))
    }

    fn destinations(&self, queues: &Queues, now: Instant) -> Vec<Line> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = self.delivery.states().into_iter().map(|(name, state)| {
            let waiting = |urgent: bool| {
                let found = queues.outbox.iter().find(|(hop, is_urgent, _)| *hop == name && *is_urgent == urgent);
                found.map_or_else(Waiting::default, |(.., waiting)| *waiting)
            };
            let (normal, urgent) = (waiting(false), waiting(true));
            let link = self.links.get(&name).map(|link| link.state());
            let link = link.map(|state| LinkTrouble {
                connected: state.connected,
                blocked: state.blocked.is_some(),
                error: state.blocked.or(state.last_error),
            });
            let trouble = Cause::of_destination(&state, link.as_ref());
            let pasts = remembered.taken.entry(name.clone()).or_default();
            pasts.push((now, state.taken));
            if pasts.len() > GLANCES as usize {
                pasts.remove(0);
            }
            let (since, before) = pasts.first().copied().unwrap_or((now, state.taken));
            let minutes = (now.as_millis() - since.as_millis()).max(1) as f64 / 60_000.0;
            let error = link.and_then(|link| link.error).filter(|_| trouble.is_some()).or(state.last_error);
            Line {
                outside: self.outlets.contains(&name),
                trouble,
                error,
                waiting: normal.count + urgent.count,
                urgent: urgent.count,
                oldest: [normal.oldest, urgent.oldest].into_iter().flatten().min(),
                under_way: state.normal.under_way + state.urgent.under_way,
                per_minute: state.taken.saturating_sub(before) as f64 / minutes,
                succeeded_at: state.succeeded_at,
                failed_at: state.failed_at,
                closed: state.closed,
                certificate_days: self
                    .certificates
                    .get(&name)
                    .map(|end| (end.as_millis() - now.as_millis()) / 86_400_000),
                name,
            }
        });
        lines.collect()
    }

    /// What is stuck at a destination: all that waits when it is in trouble, else what fails by itself.
    async fn place(&self, line: &Line) -> crate::store::Result<Vec<(Cause, Place)>> {
        let at = At::Destination(line.name.clone());
        if let Some(cause) = line.trouble {
            let place = Place { at, count: line.waiting, since: line.oldest, error: line.error.clone() };
            return Ok(vec![(cause, place)]);
        }
        if line.waiting == 0 {
            return Ok(Vec::new());
        }
        let failing = self.store.failing(&line.name, POISONED).await?.into_iter();
        let place = |one: Failing| {
            let cause = match &one.error {
                Some(error) if one.not_now => Cause::of_trouble(error),
                _ => Cause::Poison,
            };
            let error = one.error.filter(|_| one.not_now);
            (cause, Place { at: at.clone(), count: one.waiting.count, since: one.waiting.oldest, error })
        };
        Ok(failing.map(place).collect())
    }
}

/// Makes the board anew until stopped.
pub async fn watch(view: Arc<dyn Lookout>, board: Arc<Board>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            glance = view.look() => board.put(glance),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Keeps the list of what failed, and with a console the index of words, up with the store, until stopped.
pub async fn follow(store: Arc<SqliteStore>, with_words: bool, stop: CancellationToken) {
    loop {
        let more = tokio::select! {
            () = stop.cancelled() => return,
            more = step(&store, with_words) => more,
        };
        if more {
            // What comes in goes first.
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(REST) => {}
        }
    }
}

async fn step(store: &SqliteStore, with_words: bool) -> bool {
    let found = store.find_failures(AT_ONCE * 8).await;
    let indexed = if with_words { store.index(AT_ONCE).await } else { Ok(false) };
    match (indexed, found) {
        (Ok(indexed), Ok(found)) => indexed || found,
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "what was stored cannot be followed; it will be tried again");
            false
        }
    }
}

/// When the certificate in a file ends; nothing when it cannot be read, which the start has told.
pub fn ends(file: &Path) -> Option<Instant> {
    use rustls_pki_types::pem::PemObject;
    let der = rustls_pki_types::CertificateDer::from_pem_file(file).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    Some(Instant::from_millis(certificate.validity().not_after.timestamp().saturating_mul(1000)))
}
