//! The doors beside the native one: their listeners, their certificates, and looking after the files that may change.
//!
//! Everything is got ready before anything is accepted, so that a mistake shows at start. A changed file that cannot be
//! used leaves the old state in force, and is told.

mod made;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lienthong_contract::Clock;
use lienthong_contract::numbers::Numbers;
use lienthong_contract::outlet::Entrance;
use lienthong_contract::reporting::Reporting;
use lienthong_door_kit::{HttpDoor, Limits, TlsProvider};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::systems::{KnownSystems, secrets};
use crate::config::{self, Config};
use crate::directory::Directory;
use crate::registry;
use crate::store::RegistryStore;
use crate::trust::tls::{ReloadableServerConfig, ServerFiles, server_config};

/// What would keep the door from being opened, by key.
pub fn rehearse(config: &Config, clock: &Arc<dyn Clock>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (index, system) in config.system.iter().enumerate() {
        if let Err((file, error)) = secrets(system) {
            let second = system.second_secret_file.as_ref() == Some(&file);
            let key = if second { "second_secret_file" } else { "secret_file" };
            found.push((format!("system[{index}].{key}"), error.to_string()));
        }
    }
    for (kind, settings) in listed(config) {
        if let Some(Err(error)) = tls_files(&settings).map(|files| server_config(&files, Arc::clone(clock))) {
            found.push((format!("{}.certificate", kind.name()), error.to_string()));
        }
    }
    found
}

/// The doors that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Vxp,
    Lgsp,
    Bkav,
    Xroad,
}

impl Kind {
    /// Its section of the configuration, and its name in the log.
    const fn name(self) -> &'static str {
        match self {
            Self::Vxp => lienthong_vxp::DOOR,
            Self::Lgsp => lienthong_lgsp::DOOR,
            Self::Bkav => lienthong_bkav::DOOR,
            Self::Xroad => lienthong_xroad::DOOR,
        }
    }
}

/// The doors that a configuration asks for.
fn listed(config: &Config) -> Vec<(Kind, config::Facade)> {
    let vxp = config.vxp.iter().map(|vxp| (Kind::Vxp, config::Facade::from(vxp)));
    let lgsp = config.lgsp.iter().map(|door| (Kind::Lgsp, door.clone()));
    let bkav = config.bkav.iter().map(|door| (Kind::Bkav, door.clone()));
    let xroad = config.xroad.iter().map(|door| (Kind::Xroad, config::Facade::from(door)));
    vxp.chain(lgsp).chain(bkav).chain(xroad).collect()
}

/// The files of a door's TLS, if it has one.
fn tls_files(settings: &config::Facade) -> Option<ServerFiles> {
    let (chain, key) = (settings.certificate.clone()?, settings.key.clone()?);
    Some(ServerFiles {
        chain,
        key,
        client_roots: Vec::new(),
        client_intermediates: Vec::new(),
        client_crls: Vec::new(),
        require_client_cert: false,
    })
}

/// A door that is ready to be opened.
struct Prepared {
    kind: Kind,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ReloadableServerConfig>>,
    settings: config::Facade,
}

/// All doors that are ready to be opened.
pub struct Ready {
    doors: Vec<Prepared>,
    systems: Arc<KnownSystems>,
    /// Oldest timestamp at the VXP door.
    max_age: Option<Duration>,
    /// Whose packets come in at the X-Road door, and who brings them.
    xroad: Option<config::Xroad>,
}

/// Gets ready what the configuration asks for, so that a mistake shows before anything is accepted.
///
/// # Errors
/// [`StartError`].
pub async fn ready(
    config: &Config,
    directory: &Arc<Directory>,
    clock: &Arc<dyn Clock>,
    store: Arc<dyn RegistryStore>,
) -> Result<Option<Ready>, StartError> {
    let listed = listed(config);
    if listed.is_empty() {
        return Ok(None);
    }
    let systems = Arc::new(KnownSystems::load(&config.system, Arc::clone(directory), store).await?);
    systems.tell_unknown();
    let mut doors = Vec::new();
    for (kind, settings) in listed {
        let tls = tls_files(&settings).map(|files| ReloadableServerConfig::load(files, Arc::clone(clock)));
        let tls = tls.transpose()?.map(Arc::new);
        let listen = |source| StartError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        doors.push(Prepared { kind, listener, address, tls, settings });
    }
    let max_age = config.vxp.as_ref().and_then(|vxp| vxp.max_age_seconds).map(Duration::from_secs);
    Ok(Some(Ready { doors, systems, max_age, xroad: config.xroad.clone() }))
}

/// The rooms that doors open to.
#[derive(Clone)]
pub struct Rooms {
    pub intake: Arc<dyn lienthong_contract::door::Intake>,
    pub exchange: Arc<dyn lienthong_contract::exchange::Exchange>,
    pub reporting: Arc<dyn Reporting>,
    pub numbers: Arc<dyn Numbers>,
    pub entrance: Arc<dyn Entrance>,
    pub clock: Arc<dyn Clock>,
}

/// Where a gateway's doors are.
pub type Addresses = Vec<(Kind, SocketAddr)>;

impl Ready {
    /// Where they listen.
    pub fn addresses(&self) -> Addresses {
        self.doors.iter().map(|door| (door.kind, door.address)).collect()
    }

    /// Opens the doors, and looks after their files until `stop`. They close when `door` is cancelled.
    pub fn open(
        self,
        rooms: &Rooms,
        every: Duration,
        (doors, door): (&TaskTracker, &CancellationToken),
        (tasks, stop): (&TaskTracker, &CancellationToken),
    ) {
        let (store, directory) = (Arc::clone(&self.systems.store), Arc::clone(&self.systems.directory));
        tasks.spawn(registry::keep(store, directory, Arc::clone(&rooms.clock), every, stop.clone()));
        for prepared in self.doors {
            let Prepared { kind, listener, address, tls, settings } = prepared;
            let limits = Limits { max_age: self.max_age, ..made::limits(&settings) };
            let hall = Hall { listener, tls: tls.clone().map(provider), tasks: doors, shutdown: door.clone(), kind };
            let paths = settings.paths.clone();
            match kind {
                Kind::Xroad => {
                    let Some(door) = &self.xroad else { continue };
                    hall.open(made::xroad(rooms, &self.systems, door, limits));
                }
                Kind::Vxp => hall.open(made::vxp(rooms, &self.systems, paths, limits)),
                Kind::Bkav => hall.open(made::bkav(rooms, &self.systems, paths, limits)),
                Kind::Lgsp => match made::lgsp(rooms, &self.systems, paths, limits) {
                    Some(made) => hall.open(made),
                    None => tracing::error!("the LGSP door stays closed: this machine has no randomness"),
                },
            }
            tasks.spawn(watch_tls(kind, settings, tls, every, stop.clone()));
            tracing::info!(%address, door = kind.name(), "a door is open");
        }
        tasks.spawn(watch(self.systems, every, stop.clone()));
    }
}

fn provider(tls: Arc<ReloadableServerConfig>) -> TlsProvider {
    Arc::new(move || {
        let mut config = tls.current().as_ref().clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    })
}

/// A listener that waits for its door.
struct Hall<'a> {
    listener: TcpListener,
    tls: Option<TlsProvider>,
    tasks: &'a TaskTracker,
    shutdown: CancellationToken,
    kind: Kind,
}

impl Hall<'_> {
    fn open<D: HttpDoor>(self, door: D) {
        let Self { listener, tls, tasks, shutdown, kind } = self;
        tasks.spawn(async move {
            if let Err(error) = lienthong_door_kit::serve(listener, tls, Arc::new(door), shutdown).await {
                tracing::error!(%error, door = kind.name(), "a door ended");
            }
        });
    }
}

type Stamp = Vec<Option<(SystemTime, u64)>>;

fn stamp<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Stamp {
    files.map(|file| std::fs::metadata(file).ok().and_then(|seen| Some((seen.modified().ok()?, seen.len())))).collect()
}

async fn watch(systems: Arc<KnownSystems>, every: Duration, stop: CancellationToken) {
    let mut secrets_seen = stamp(systems.files());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let secrets = stamp(systems.files());
        let granted = systems.look_for_grants().await;
        if granted || secrets != secrets_seen {
            secrets_seen = secrets;
            let again = Arc::clone(&systems);
            if tokio::task::spawn_blocking(move || again.reload()).await.is_ok() {
                systems.tell_unknown();
                tracing::info!("systems were read again: their secrets, and whom they may speak for");
            }
        }
    }
}

async fn watch_tls(
    kind: Kind,
    settings: config::Facade,
    tls: Option<Arc<ReloadableServerConfig>>,
    every: Duration,
    stop: CancellationToken,
) {
    let Some(tls) = tls else { return };
    let of_tls = move || stamp(settings.certificate.iter().chain(&settings.key));
    let mut seen = of_tls();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let now = of_tls();
        if now != seen {
            seen = now;
            match tls.reload() {
                Ok(()) => tracing::info!(door = kind.name(), "a door's certificate was read again"),
                Err(error) => tracing::error!(%error, door = kind.name(), "a door's changed certificate is not taken"),
            }
        }
    }
}
