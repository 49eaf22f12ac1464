//! One running gateway: the rooms put together.
//!
//! Start order: store, keys and trust, directory, links (not yet taking anything), delivery, intake, and last the
//! door, so that nothing is accepted before everything it needs stands. Stop order is the reverse: the door finishes
//! the requests in progress, links end, lanes end, the store closes. A gateway that is killed instead loses nothing
//! that it answered for.

mod alarms;
mod books;
mod console;
mod doors;
mod health;
mod housekeeping;
mod links;
mod machine;
mod metrics;
mod news;
pub mod outlets;
mod preview;
pub mod rehearsal;
mod retention;
mod settings;
mod systems;
mod traces;

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use lienthong_contract::door::Identity;
use lienthong_contract::outlet::Roll;
use lienthong_contract::{Clock, Digest, HopName};
use lienthong_door_kit::outbound::BadAddress;
use lienthong_schemas::ValidatorPool;

use crate::acts::Desk;
use crate::alarms::herald::Herald;
use crate::api::{self, Api};
use crate::books::LinkBooks;
use crate::canary::Canary;
use crate::canary::runs::Runs;
use crate::certificates;
use crate::config::{self, Config};
use crate::console::board::Board;
use crate::delivery::{self, Delivery};
use crate::directory::Directory;
use crate::edxml;
use crate::intake::{Intake, Parts};
use crate::link::amqp::AmqpLink;
use crate::link::inprocess::Hub;
use crate::logkeeper::outside::{self, Opening, Refused};
use crate::logkeeper::{self, Keeper};
use crate::mailbox::{Exchanges, Mailboxes};
use crate::numbers::Numbered;
use crate::proof::{LedgerView, NoLedger, Proofs, WITH_PACKET};
use crate::receipts::{HopKeys, Signer};
use crate::registry::Outsiders;
use crate::reporting::Reports;
use crate::statistics::{self, Statistics};
use crate::store::{Blobs, ConsoleStore, LedgerStore, QueueStore, SqliteStore, Store};
use crate::traces::Traces;
use crate::trust::HopKey;
use crate::trust::hops::HopTrust;
use crate::trust::tls::ReloadableServerConfig;

pub use alarms::{Ways, alert_rules};
use health::HealthView;
use links::{LateSink, broker_settings, broker_url, certificates_of, links, links_of, set_aside};
pub use news::subscribers;
pub use outlets::Adapters;
pub use settings::routes;
use settings::{api_limits, canary_settings, catalogue, delivery_settings, hop_trust, server_files, signer_trust};

/// Longest wait for tasks to end when stopping.
const STOP_WITHIN: Duration = Duration::from_secs(40);

/// The gateway could not start. Nothing was changed but folders that did not exist before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    #[error("the data folder {}: {source}", .folder.display())]
    Data { folder: PathBuf, source: io::Error },
    #[error("the data folder {} is in use by another gateway", .0.display())]
    InUse(PathBuf),
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// Receipts that were given out are gone or altered.
    #[error(transparent)]
    Ledger(#[from] Box<Refused>),
    #[error(transparent)]
    Keeper(#[from] logkeeper::Error),
    #[error(transparent)]
    Trust(#[from] crate::trust::Error),
    #[error(transparent)]
    Directory(#[from] crate::directory::Error),
    /// The working calendar cannot be used.
    #[error("the working calendar: {0}")]
    Calendar(#[from] crate::statutory::calendar::Fault),
    #[error(transparent)]
    Schemas(#[from] lienthong_schemas::Error),
    #[error(transparent)]
    Link(#[from] crate::link::Error),
    #[error("broker {name}: its address file {}: {source}", .file.display())]
    BrokerAddress { name: String, file: PathBuf, source: io::Error },
    #[error("outlet {outlet}: {fault}")]
    Outlet { outlet: HopName, fault: outlets::Fault },
    #[error("the secret in {}: {source}", .file.display())]
    Secret { file: PathBuf, source: io::Error },
    #[error("webhook {name}: its secret file {}: {source}", .file.display())]
    WebhookSecret { name: String, file: PathBuf, source: io::Error },
    #[error("webhook {name}: its address {url:?} cannot be used")]
    WebhookAddress { name: String, url: String },
    #[error("traces: the collector's address {endpoint:?}: {fault}")]
    Traces { endpoint: String, fault: BadAddress },
    #[error("the address {address} cannot be listened on: {source}")]
    Listen { address: SocketAddr, source: io::Error },
}

impl From<Opening> for StartError {
    fn from(error: Opening) -> Self {
        match error {
            Opening::Refused(refused) => Self::Ledger(refused),
            Opening::Store(error) => Self::Store(error),
        }
    }
}

/// A gateway that is running.
pub struct Gateway {
    pub hop: HopName,
    /// Where its interface listens.
    pub address: SocketAddr,
    /// Where its VXP door listens, if it has one.
    pub vxp_address: Option<SocketAddr>,
    /// Where its LGSP door listens, if it has one.
    pub lgsp_address: Option<SocketAddr>,
    /// Where the page `/check` listens, if there is one.
    pub preview_address: Option<SocketAddr>,
    /// Where its console listens, if there is one.
    pub console_address: Option<SocketAddr>,
    /// Where its Bkav door listens, if it has one.
    pub bkav_address: Option<SocketAddr>,
    /// Where its X-Road door listens, if it has one.
    pub xroad_address: Option<SocketAddr>,
    pub store: Arc<dyn Store>,
    /// Where the acts of its console are done; none without a console.
    pub desk: Option<Desk>,
    pub delivery: Arc<Delivery>,
    pub metrics: Arc<dyn api::Metrics>,
    /// Absent when it keeps no log.
    pub keeper: Option<Arc<Keeper>>,
    /// What is wrong now, and who is told.
    pub alarms: Arc<Herald>,
    /// Every certificate in use.
    pub certificates: Arc<certificates::Last>,
    links: Vec<Arc<AmqpLink>>,
    hub: Hub,
    door: CancellationToken,
    stop: CancellationToken,
    doors: TaskTracker,
    tasks: TaskTracker,
    _lock: File,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("hop", &self.hop).field("address", &self.address).finish_non_exhaustive()
    }
}

/// Which agency a client certificate belongs to.
struct Certificates(Arc<Directory>);

impl api::Identities for Certificates {
    fn by_certificate(&self, fingerprint: &Digest) -> Option<Identity> {
        let directory = self.0.snapshot();
        let agency = directory.by_client_certificate(fingerprint)?;
        Some(Identity {
            agency: agency.key.code().clone(),
            credential: format!("certificate {fingerprint}"),
            door: "native".to_owned(),
        })
    }
}

impl Gateway {
    /// Starts the gateway of this configuration. Neighbours without a broker are looked for on `hub`.
    ///
    /// # Errors
    /// [`StartError`], by the first fault.
    pub async fn start(config: &Config, hub: &Hub, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::start_with(config, hub, clock, &Adapters::of_this_program()).await
    }

    /// Starts the gateway of this configuration with these adapters for its outlets.
    ///
    /// # Errors
    /// [`StartError`], by the first fault.
    pub async fn start_with(
        config: &Config,
        hub: &Hub,
        clock: Arc<dyn Clock>,
        adapters: &Adapters,
    ) -> Result<Self, StartError> {
        let ways_out = outlets::ready(config, adapters, &clock)?;
        let terms = Arc::new(config.statutory.terms()?);
        let data = |source| StartError::Data { folder: config.hop.data.clone(), source };
        std::fs::create_dir_all(&config.hop.data).map_err(data)?;
        let lock = File::create(config.hop.data.join("lock")).map_err(data)?;
        lock.try_lock().map_err(|_| StartError::InUse(config.hop.data.clone()))?;
        let blobs = Blobs::open(&config.hop.data).map_err(data)?;
        let hop = config.hop.name.clone();
        let file = config.hop.data.join("store.db");
        let (opened, setup) = if config.ledger.enabled {
            let (opened, setup) = outside::open(&file, &hop, &config.ledger_files())?;
            (Arc::new(opened), Some(setup))
        } else {
            (Arc::new(SqliteStore::open(&file, &hop)?), None)
        };
        let store: Arc<dyn Store> = Arc::clone(&opened) as _;

        sweep(&blobs, store.as_ref()).await?;

        let key = Arc::new(HopKey::load(&config.hop.key, &config.hop.certificate)?);
        let signers = Arc::new(RwLock::new(Arc::new(signer_trust(&config.trust)?)));
        let pins = config.trust.pin.iter().map(|pin| (pin.hop.clone(), pin.certificates.clone())).collect();
        let hops = Arc::new(HopTrust::new(Arc::new(hop_trust(&config.trust)?), pins));
        let directory = Arc::new(Directory::open(&config.directory.file)?);
        housekeeping::tell_not_enforced(&directory);
        let schemas = Arc::new(ValidatorPool::new(Arc::new(catalogue(&config.schemas)?)));
        let tls = Arc::new(ReloadableServerConfig::load(server_files(&config.api), Arc::clone(&clock))?);

        let listen = |source| StartError::Listen { address: config.api.listen, source };
        let listener = TcpListener::bind(config.api.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let rooms_of_preview = preview::Rooms {
            directory: Arc::clone(&directory),
            signers: Arc::clone(&signers),
            schemas: Arc::clone(&schemas),
            clock: Arc::clone(&clock),
        };
        let preview = preview::ready(config, rooms_of_preview).await?;
        let preview_address = preview.as_ref().map(|ready| ready.address);
        let pages = console::ready(config, &clock).await?;
        let console_address = pages.as_ref().map(|ready| ready.address);
        let others = doors::ready(config, &directory, &clock, Arc::clone(&opened) as _).await?;
        let addresses = others.as_ref().map(doors::Ready::addresses).unwrap_or_default();

        let late = Arc::new(LateSink::default());
        let (links, neighbours) = links(config, hub, &late, &clock)?;
        let (tasks, doors) = (TaskTracker::new(), TaskTracker::new());
        let (stop, door) = (CancellationToken::new(), CancellationToken::new());
        // What was started ends again when the start does not succeed.
        let unless_started = stop.clone().drop_guard();
        let traces = match &config.traces {
            Some(listed) => {
                let collector = traces::collector(listed, &hop, &clock)?;
                Traces::start((hop.clone(), Arc::clone(&clock)), collector, listed.ratio, (&tasks, &stop))
            }
            None => Traces::default(),
        };
        let closed = ConsoleStore::closed_destinations(opened.as_ref()).await?;
        let closed = closed.into_iter().map(|closed| closed.name).collect();
        let parts = delivery::Parts {
            hop: hop.clone(),
            store: Arc::clone(&store),
            blobs: blobs.clone(),
            signer: Arc::clone(&key) as _,
            clock: Arc::clone(&clock),
            settings: delivery_settings(&config.delivery, config),
            outlets: ways_out.clone(),
            closed,
            traces: traces.clone(),
        };
        let roll: Arc<dyn Roll> = Arc::new(Outsiders { store: Arc::clone(&opened) as _, clock: Arc::clone(&clock) });
        let log = Arc::clone(&opened) as Arc<dyn LedgerStore>;
        let keeper = match log.log().zip(setup) {
            Some(((origin, heads), setup)) => {
                let parts = logkeeper::Parts {
                    hop: hop.clone(),
                    store: log,
                    key: setup.key.named(origin.as_str()).map_err(logkeeper::Error::from)?,
                    signer: Arc::clone(&key) as _,
                    hops: Arc::clone(&hops) as _,
                    clock: Arc::clone(&clock),
                    links: neighbours.clone(),
                    every: Duration::from_secs(config.ledger.witness_seconds.max(1)),
                };
                tasks.spawn(outside::keep(config.ledger_files().checkpoint, heads, stop.clone()));
                Some(Keeper::start(parts, &tasks, &stop).await?)
            }
            None => None,
        };
        tell_stranded(config, opened.as_ref(), clock.now()).await?;
        let neighbours_links = neighbours.clone();
        let delivery = Delivery::start(parts, neighbours, &tasks, &stop);
        let link_books = LinkBooks {
            hop: hop.clone(),
            peers: config.link.iter().map(|link| link.peer.clone()).collect(),
            store: Arc::clone(&opened) as _,
            neighbours: Arc::clone(&delivery) as _,
            clock: Arc::clone(&clock),
            heard: Arc::default(),
        };
        let heard = Arc::clone(&link_books.heard);
        tasks.spawn(books::state(link_books.clone(), stop.clone()));
        let intake = Intake::new(Parts {
            hop: hop.clone(),
            directory: Arc::clone(&directory),
            routes: routes(config),
            signers: Arc::clone(&signers),
            hops: Arc::clone(&hops) as _,
            signer: Arc::clone(&key) as _,
            store: Arc::clone(&store),
            blobs: blobs.clone(),
            delivery: Arc::clone(&delivery),
            schemas,
            strictness: config.schemas.strictness.into(),
            clock: Arc::clone(&clock),
            limits: edxml::Limits { max_total: config.api.max_packet_mib << 20, ..edxml::Limits::default() },
            forward_to_successor: config.directory.forward_to_successor,
            link_books: Some(link_books),
            keeper: keeper.clone(),
            entrances: outlets::entrances(config),
            traces: traces.clone(),
        });
        let mailboxes = Arc::new(Mailboxes {
            hop: hop.clone(),
            store: Arc::clone(&store),
            blobs: blobs.clone(),
            directory: Arc::clone(&directory),
            delivery: Arc::clone(&delivery),
            signer: Arc::clone(&key) as _,
            clock: Arc::clone(&clock),
            traces: traces.clone(),
        });
        let places: Arc<dyn LedgerView> = match &keeper {
            Some(keeper) => Arc::clone(keeper) as _,
            None => Arc::new(NoLedger),
        };
        let proofs = Arc::new(Proofs {
            hop: hop.clone(),
            mailboxes: Arc::clone(&mailboxes),
            ledger: places,
            trust: Arc::clone(&hops),
            signer: Arc::clone(&key) as _,
            clock: Arc::clone(&clock),
            with_packet: Arc::new(Semaphore::new(WITH_PACKET)),
        });
        let janitor = retention::Keeper {
            store: Arc::clone(&opened) as _,
            blobs: blobs.clone(),
            clock: Arc::clone(&clock),
            rules: config.retention.clone(),
        };
        tasks.spawn(retention::watch(janitor, stop.clone()));
        let kept = Arc::new(books::Kept::new(hop.clone(), Arc::clone(&opened), Arc::clone(&clock)));
        tasks.spawn(books::keep(Arc::clone(&kept), stop.clone()));
        let (in_store, of_books) = (Arc::clone(&store), Arc::clone(&kept));
        let subscribers = news::subscribers(config, &clock)?;
        let ways_of_notices = alarms::Ways::new(config, &clock)?;
        let news = news::start(hop.clone(), (&opened, &directory, &clock), subscribers, (&tasks, &stop)).await?;
        let signer_of_acts = Arc::clone(&key) as Arc<dyn Signer>;
        let health = HealthView::new(in_store, key, links.clone(), Arc::clone(&directory), of_books, keeper.clone());
        let health = Arc::new(health);
        health.refresh().await;
        tasks.spawn(health::watch(Arc::clone(&health), stop.clone()));
        let exchange = Exchanges { mailboxes: Arc::clone(&mailboxes), store: Arc::clone(&opened) as _ };
        let (exchange, at_door) = (Arc::new(exchange), Arc::new(intake.clone()));
        let reporting = Reports { exchanges: Arc::clone(&exchange), intake: Arc::clone(&at_door) as _ };
        let reporting = Arc::new(reporting);
        let numbers = Arc::new(Numbered(Arc::clone(&opened) as _));
        let entrance = Arc::new(intake.clone());
        let rooms = doors::Rooms { intake: at_door, exchange, reporting, numbers, entrance, clock: Arc::clone(&clock) };
        let board = Arc::new(Board::default());
        let statistics = Arc::new(Statistics::new(Arc::clone(&opened) as _, Arc::clone(&terms)));
        if pages.is_some() {
            let view = console::View {
                hop: hop.clone(),
                store: Arc::clone(&opened),
                clock: Arc::clone(&clock),
                delivery: Arc::clone(&delivery),
                health: Arc::clone(&health),
                books: Arc::clone(&kept),
                statistics: Arc::clone(&statistics),
                links: links_of(config, &links),
                outlets: config.outlet.iter().map(|outlet| outlet.name.clone()).collect(),
                certificates: certificates_of(config),
                brokers: links.clone(),
                not_taken_hours: config.alerts.not_taken_hours,
                remembered: Mutex::default(),
            };
            tasks.spawn(console::watch(Arc::new(view), Arc::clone(&board), stop.clone()));
        }
        tasks.spawn(console::follow(Arc::clone(&opened), pages.is_some(), stop.clone()));
        tasks.spawn(statistics::follow(Arc::clone(&statistics), Arc::clone(&clock), stop.clone()));
        let in_console = Arc::clone(&opened);
        let console_clock = Arc::clone(&clock);
        let sights = Arc::new(outlets::sights::Sights::new(Arc::clone(&clock)));
        let runs = Arc::new(Runs::default());
        let certificates = Arc::new(certificates::Last::default());
        let gauges = Arc::new(metrics::Gauges {
            sights: Arc::clone(&sights),
            canary: (Arc::clone(&runs), config.canary.as_ref().map(config::Canary::limit)),
            hop: hop.clone(),
            clock: Arc::clone(&clock),
            store: Arc::clone(&opened) as _,
            untold: Arc::clone(&opened) as _,
            news,
            delivery: Arc::clone(&delivery),
            keeper: keeper.clone(),
            books: Arc::clone(&kept),
            health: Arc::clone(&health),
            links: config.link.iter().map(|link| link.peer.clone()).collect(),
            outlets: config.outlet.iter().map(|outlet| outlet.name.clone()).collect(),
            heard,
            queues: RwLock::default(),
            traces,
            brokers: links.clone(),
            machine: machine::Machine {
                data: config.hop.data.clone(),
                store: Arc::clone(&opened),
                meter: intake.meter(),
                certificates: Arc::clone(&certificates),
                alarms: OnceLock::new(),
            },
        });
        tasks.spawn(metrics::watch(Arc::clone(&gauges), stop.clone()));
        let (proofs_of_console, hops_of_console) = (Arc::clone(&proofs), Arc::clone(&hops) as Arc<dyn HopKeys>);
        let view = alarms::View {
            config: config.clone(),
            clock,
            store: opened,
            delivery: Arc::clone(&delivery),
            links: neighbours_links,
            directory: Arc::clone(&directory),
            health: Arc::clone(&health),
            gauges: Arc::clone(&gauges),
            sights: Arc::clone(&sights),
            runs: Arc::clone(&runs),
            books: kept,
            keeper: keeper.clone(),
            terms: Arc::clone(&terms),
            certificates: Arc::clone(&certificates),
            brokers: links.clone(),
            last: Mutex::default(),
        };
        let alarms = alarms::start(view, ways_of_notices, (&tasks, &stop)).await?;
        health.tells(&alarms);
        let _ = gauges.machine.alarms.set(alarms.board());
        let watched = housekeeping::Watched {
            config: config.clone(),
            directory: Arc::clone(&directory),
            signers,
            hops,
            tls: (std::iter::once(&tls))
                .chain(preview.as_ref().and_then(|page| page.tls.as_ref()))
                .chain(pages.as_ref().and_then(|pages| pages.tls.as_ref()))
                .cloned()
                .collect(),
            outlets: ways_out.clone(),
        };
        tasks.spawn(housekeeping::watch(watched, stop.clone()));

        // From here on neighbours and senders may come.
        let _ = late.0.set(intake.clone());
        if config.link.iter().any(|link| link.broker.is_none()) {
            hub.join(hop.clone(), late, &config.hop.data.join("arriving"))?;
        }
        outlets::attend(ways_out, &delivery, &intake, (&roll, &sights), (&doors, &door));
        let canary = Canary {
            intake: Arc::new(intake.clone()),
            mailboxes: Arc::clone(&mailboxes) as _,
            store: Arc::clone(&in_console) as _,
            directory: Arc::clone(&directory),
            clock: Arc::clone(&console_clock),
            settings: config.canary.as_ref().map(canary_settings),
            runs: Arc::clone(&runs),
        };
        tasks.spawn(Arc::new(canary).keep(stop.clone()));
        let directory_of_console = Arc::clone(&directory);
        let identities = Arc::new(Certificates(directory));
        let limits = api_limits(&config.api);
        let api = Api {
            intake: Arc::new(intake),
            mailbox: Arc::clone(&mailboxes) as _,
            tracking: mailboxes,
            proofs,
            identities,
            health,
            metrics: Arc::clone(&gauges) as _,
            log: keeper.clone().map(|keeper| keeper as _),
            limits,
        };
        let provider: api::TlsProvider = Arc::new(move || tls.current());
        let shutdown = door.clone();
        doors.spawn(async move {
            if let Err(error) = api::serve(listener, provider, api, shutdown).await {
                tracing::error!(%error, "the interface ended");
            }
        });
        if let Some(preview) = preview {
            preview.open(&doors, door.clone());
        }
        let mut desk_of_console = None;
        if let Some(pages) = pages {
            let desk = Desk {
                hop: hop.clone(),
                store: Arc::clone(&in_console) as _,
                signer: signer_of_acts,
                clock: Arc::clone(&console_clock),
                delivery: Arc::clone(&delivery),
                directory: Arc::clone(&directory_of_console),
                routes: routes(config),
                brokers: links.clone(),
                systems: config.system.clone().into(),
            };
            desk_of_console = Some(desk.clone());
            let parts = crate::console::Parts {
                store: in_console,
                desk,
                directory: directory_of_console,
                board,
                alarms: Arc::clone(&alarms),
                certificates: Arc::clone(&certificates),
                proofs: proofs_of_console,
                keys: hops_of_console,
                blobs: blobs.clone(),
                clock: console_clock,
                statistics,
                runs,
                settings: pages.settings.clone(),
                oidc: pages.oidc.clone(),
                outgoing: pages.outgoing.clone(),
            };
            pages.open(crate::console::Console::new(parts), &doors, door.clone());
        }
        if let Some(others) = others {
            let every = Duration::from_secs(config.directory.reload_seconds.max(1));
            others.open(&rooms, every, (&doors, &door), (&tasks, &stop));
        }
        unless_started.disarm();
        tracing::info!(hop = %hop, %address, "the gateway is running");
        Ok(Self {
            hop,
            address,
            vxp_address: address_of(&addresses, doors::Kind::Vxp),
            lgsp_address: address_of(&addresses, doors::Kind::Lgsp),
            preview_address,
            console_address,
            bkav_address: address_of(&addresses, doors::Kind::Bkav),
            xroad_address: address_of(&addresses, doors::Kind::Xroad),
            store,
            desk: desk_of_console,
            delivery,
            metrics: gauges,
            keeper,
            alarms,
            certificates,
            links,
            hub: hub.clone(),
            door,
            stop,
            doors,
            tasks,
            _lock: lock,
        })
    }

    /// Waits until every broker is connected.
    ///
    /// # Errors
    /// The first link that is not within the time.
    pub async fn connected(&self, within: Duration) -> Result<(), crate::link::Error> {
        for link in &self.links {
            link.wait_connected(u64::try_from(within.as_millis()).unwrap_or(u64::MAX)).await?;
        }
        Ok(())
    }

    /// Stops gracefully: what is in progress is finished, what is queued stays queued.
    pub async fn stop(self) {
        self.door.cancel();
        self.doors.close();
        let in_time = tokio::time::timeout(STOP_WITHIN, self.doors.wait()).await;
        self.hub.leave(&self.hop);
        for link in &self.links {
            link.stop().await;
        }
        self.stop.cancel();
        self.tasks.close();
        if in_time.is_err() || tokio::time::timeout(STOP_WITHIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(hop = %self.hop, "some work did not end in time and is taken up at the next start");
        }
    }
}

fn address_of(addresses: &doors::Addresses, kind: doors::Kind) -> Option<SocketAddr> {
    addresses.iter().find(|(one, _)| *one == kind).map(|(_, address)| *address)
}

/// What waits for a destination that the configuration names no more waits until its deadline: somebody must know.
async fn tell_stranded(
    config: &Config,
    store: &SqliteStore,
    now: lienthong_contract::Instant,
) -> Result<(), crate::store::Error> {
    let known: HashSet<&HopName> =
        config.link.iter().map(|link| &link.peer).chain(config.outlet.iter().map(|outlet| &outlet.name)).collect();
    for (name, _, waiting) in QueueStore::queues(store, now).await?.outbox {
        if !known.contains(&name) {
            let count = waiting.count;
            tracing::error!(
                destination = %name, count,
                "documents wait for a destination that no [[link]] or [[outlet]] names; give it its old name back"
            );
        }
    }
    Ok(())
}

/// Removes packets' files that the store does not know: a crash came before its answer.
async fn sweep(blobs: &Blobs, store: &dyn Store) -> Result<(), StartError> {
    let mut unknown =
        blobs.all().map_err(|source| StartError::Data { folder: blobs.spool_folder().to_owned(), source })?;
    let known: HashSet<Digest> = store.packets_here(unknown.clone()).await?.into_iter().collect();
    unknown.retain(|digest| !known.contains(digest));
    if !unknown.is_empty() {
        tracing::info!(files = unknown.len(), "files of packets that were never accepted are removed");
    }
    blobs.sweep(&unknown).map_err(|source| StartError::Data { folder: blobs.spool_folder().to_owned(), source })
}

#[cfg(test)]
mod tests;
