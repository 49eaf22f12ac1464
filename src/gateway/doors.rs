//! The doors beside the native one: their listeners, their certificates, and looking after the files that may change.
//!
//! Everything is got ready before anything is accepted, so that a mistake shows at start. A changed file that cannot be
//! used leaves the old state in force, and is told.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lienthong_contract::Clock;
use lienthong_vxp::{Door, Doors, Limits};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::systems::{KnownSystems, secrets};
use crate::config::{self, Config};
use crate::directory::Directory;
use crate::registry::{self, Told, Wishes};
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
    let files = config.vxp.as_ref().and_then(tls_files);
    if let Some(Err(error)) = files.map(|files| server_config(&files, Arc::clone(clock))) {
        found.push(("vxp.certificate".to_owned(), error.to_string()));
    }
    found
}

/// The files of the door's TLS, if it has one.
fn tls_files(settings: &config::Vxp) -> Option<ServerFiles> {
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
pub struct Ready {
    listener: TcpListener,
    pub address: SocketAddr,
    tls: Option<Arc<ReloadableServerConfig>>,
    settings: config::Vxp,
    systems: Arc<KnownSystems>,
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
    let Some(settings) = &config.vxp else { return Ok(None) };
    let systems = Arc::new(KnownSystems::load(&config.system, Arc::clone(directory), store).await?);
    systems.tell_unknown();
    let tls = tls_files(settings).map(|files| ReloadableServerConfig::load(files, Arc::clone(clock)));
    let tls = tls.transpose()?.map(Arc::new);
    let listen = |source| StartError::Listen { address: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok(Some(Ready { listener, address, tls, settings: settings.clone(), systems }))
}

/// The rooms that doors open to.
pub struct Rooms {
    pub intake: Arc<dyn lienthong_contract::door::Intake>,
    pub exchange: Arc<dyn lienthong_contract::exchange::Exchange>,
    pub clock: Arc<dyn Clock>,
}

impl Ready {
    /// Opens the door, and looks after its files until `stop`. It closes when `door` is cancelled.
    pub fn open(
        self,
        rooms: Rooms,
        every: Duration,
        (doors, door): (&TaskTracker, CancellationToken),
        (tasks, stop): (&TaskTracker, CancellationToken),
    ) {
        let limits = limits(&self.settings);
        let store = Arc::clone(&self.systems.store);
        let wishes = Wishes { store: Arc::clone(&store), clock: Arc::clone(&rooms.clock), door: lienthong_vxp::DOOR };
        let directory = Arc::clone(&self.systems.directory);
        let keep = registry::keep(Arc::clone(&store), directory, Arc::clone(&rooms.clock), every, stop.clone());
        tasks.spawn(keep);
        let made = Doors {
            intake: rooms.intake,
            exchange: rooms.exchange,
            systems: Arc::clone(&self.systems) as _,
            catalogue: Arc::new(Told(store)),
            registrations: Arc::new(wishes),
            clock: rooms.clock,
            paths: self.settings.paths.clone(),
            limits,
        };
        let provider = self.tls.clone().map(|tls| {
            let provider: lienthong_vxp::TlsProvider = Arc::new(move || {
                let mut config = tls.current().as_ref().clone();
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Arc::new(config)
            });
            provider
        });
        let (listener, address) = (self.listener, self.address);
        doors.spawn(async move {
            if let Err(error) = lienthong_vxp::serve(listener, provider, Arc::new(Door::new(made)), door).await {
                tracing::error!(%error, "the VXP door ended");
            }
        });
        tasks.spawn(watch(self.systems, self.settings, self.tls, every, stop));
        tracing::info!(%address, "the VXP door is open");
    }
}

fn limits(settings: &config::Vxp) -> Limits {
    let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Limits {
        max_packet_bytes: settings.max_packet_mib << 20,
        requests_per_second: at_least_one(settings.requests_per_second),
        request_burst: at_least_one(settings.request_burst),
        requests_at_once: settings.requests_at_once.max(1),
        max_age: settings.max_age_seconds.map(Duration::from_secs),
        ..Limits::default()
    }
}

type Stamp = Vec<Option<(SystemTime, u64)>>;

fn stamp<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Stamp {
    files.map(|file| std::fs::metadata(file).ok().and_then(|seen| Some((seen.modified().ok()?, seen.len())))).collect()
}

async fn watch(
    systems: Arc<KnownSystems>,
    settings: config::Vxp,
    tls: Option<Arc<ReloadableServerConfig>>,
    every: Duration,
    stop: CancellationToken,
) {
    let of_tls = move || stamp(settings.certificate.iter().chain(&settings.key));
    let (mut secrets_seen, mut tls_seen) = (stamp(systems.files()), of_tls());
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
        let now = of_tls();
        if let Some(tls) = tls.as_ref().filter(|_| now != tls_seen) {
            tls_seen = now;
            match tls.reload() {
                Ok(()) => tracing::info!("the VXP door's certificate was read again"),
                Err(error) => tracing::error!(%error, "the VXP door's changed certificate is not taken"),
            }
        }
    }
}
