//! The page `/check` of a running gateway: it judges as the gateway's own intake would at that moment.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use lienthong_contract::{AgencyCode, Clock};
use lienthong_door_kit::{Limits, TlsProvider, serve};
use lienthong_schemas::ValidatorPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{StartError, routes};
use crate::config::{self, Config};
use crate::directory::{Directory, Snapshot};
use crate::edxml;
use crate::intake::routable;
use crate::preview::page::{Page, Settings};
use crate::preview::{Judge, MayBeElsewhere};
use crate::trust::TrustStore;
use crate::trust::tls::{ReloadableServerConfig, ServerFiles};

/// Packets coming in to the page at once: so many of the largest may lie on the disk for a moment.
const COMING_IN: usize = 8;

/// A page that is ready to be opened.
pub struct Ready {
    listener: TcpListener,
    pub address: SocketAddr,
    /// None: in the clear.
    pub tls: Option<Arc<ReloadableServerConfig>>,
    page: Page,
}

/// What the page judges with.
pub struct Rooms {
    pub directory: Arc<Directory>,
    pub signers: Arc<RwLock<Arc<TrustStore>>>,
    pub schemas: Arc<ValidatorPool>,
    pub clock: Arc<dyn Clock>,
}

/// Gets the page ready, so that a mistake shows before anything is accepted.
///
/// # Errors
/// [`StartError`].
pub async fn ready(config: &Config, rooms: Rooms) -> Result<Option<Ready>, StartError> {
    let Some(settings) = &config.preview else { return Ok(None) };
    let tls = match settings.plain_http {
        true => None,
        false => Some(Arc::new(ReloadableServerConfig::load(server_files(&config.api), Arc::clone(&rooms.clock))?)),
    };
    let spool = config.hop.data.join("preview");
    std::fs::create_dir_all(&spool).map_err(|source| StartError::Data { folder: spool.clone(), source })?;
    let settings_of_page = Settings {
        limits: Limits { max_packet_bytes: settings.max_packet_mib << 20, max_connections: 64, ..Limits::default() },
        spool,
        coming_in: COMING_IN,
        at_once: settings.at_once,
        per_minute: settings.per_minute,
    };
    let clock = Arc::clone(&rooms.clock);
    let page = Page::new(Box::new(judge(config, rooms)), clock, settings_of_page);
    let listen = |source| StartError::Listen { address: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok(Some(Ready { listener, address, tls, page }))
}

/// A judge of this moment: directory, roots and schemas are those in force.
fn judge(config: &Config, rooms: Rooms) -> impl Fn() -> Judge + Send + Sync + use<> {
    let strictness = config.schemas.strictness.into();
    let forward_to_successor = config.directory.forward_to_successor;
    let limits = edxml::Limits { max_total: config.api.max_packet_mib << 20, ..edxml::Limits::default() };
    let routes = routes(config);
    let elsewhere: MayBeElsewhere =
        Arc::new(move |directory: &Snapshot, code: &AgencyCode| routable(directory, &routes, code));
    move || Judge {
        directory: Some(Arc::clone(&rooms.directory)),
        elsewhere: Some(Arc::clone(&elsewhere)),
        signers: Some(Arc::clone(&rooms.signers.read().unwrap_or_else(PoisonError::into_inner))),
        forward_to_successor,
        limits: limits.clone(),
        ..Judge::with(Arc::clone(&rooms.schemas), strictness)
    }
}

/// The certificate of the interface, for callers without one.
fn server_files(api: &config::Api) -> ServerFiles {
    ServerFiles {
        client_roots: Vec::new(),
        client_intermediates: Vec::new(),
        client_crls: Vec::new(),
        ..super::server_files(api)
    }
}

impl Ready {
    /// Opens the page. It closes when `door` is cancelled.
    pub fn open(self, doors: &TaskTracker, door: CancellationToken) {
        let provider = self.tls.map(|tls| {
            let provider: TlsProvider = Arc::new(move || {
                let mut config = tls.current().as_ref().clone();
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Arc::new(config)
            });
            provider
        });
        let (listener, page, address) = (self.listener, Arc::new(self.page), self.address);
        doors.spawn(async move {
            if let Err(error) = serve(listener, provider, page, door).await {
                tracing::error!(%error, "the page /check ended");
            }
        });
        tracing::info!(%address, "the page /check is open");
    }
}
