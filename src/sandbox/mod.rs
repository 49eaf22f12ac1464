//! A small national axis for trials: it stores, lists and acknowledges, and misbehaves on demand.
//!
//! ```text
//!   client under trial ──HTTP──► front ──HTTP──► VXP door of a real gateway, on this machine
//!                                 └ faults: draws for each request what goes wrong on the way
//! ```
//!
//! Behind the front stands a gateway as it is anywhere (`world.rs`), so there is one implementation of the protocol and not
//! two. The front (`front.rs`) passes requests and answers on byte by byte; [`faults`] says which of them meet a fault.
//!
//! Invariants: what the front does to a request it says in its [`Tally`]; without faults every answer is the door's; during an
//! outage nothing reaches the door.

pub mod faults;
mod front;
mod tally;
mod world;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use lienthong_contract::{AgencyCode, Clock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::gateway::{Gateway, StartError};
use crate::pki::{self, Manifest};
use crate::{config, directory, scene};

pub use faults::{Fault, Faults, Unfit};
pub use tally::Tally;
pub use world::PATHS;

use front::Front;
use world::World;

/// A sandbox as it is to be.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where clients call; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Keys, store and secrets; what an earlier run left there is used again.
    pub folder: PathBuf,
    /// The example PKI whose signatures count; one of its own when absent.
    pub keys: Option<Manifest>,
    pub systems: Vec<System>,
    pub faults: Faults,
}

/// A system that may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    pub id: String,
    pub secret: SecretFrom,
    /// Agencies that it speaks for, the first one its own. What the example directory does not list is added to it.
    pub agencies: Vec<AgencyCode>,
}

/// Where a system's secret comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretFrom {
    /// This text.
    Text(String),
    /// A file with one line.
    File(PathBuf),
    /// One that is made, or was made by an earlier run in the folder.
    Made,
}

/// Secrets do not stand in logs.
impl std::fmt::Debug for SecretFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text"),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Made => f.write_str("Made"),
        }
    }
}

/// A system as the sandbox knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSystem {
    pub id: String,
    pub secret_file: PathBuf,
    /// Its secret is good for this sandbox alone.
    pub made_here: bool,
    pub agencies: Vec<AgencyCode>,
}

/// The sandbox could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Faults(#[from] Unfit),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the machine gives no random numbers for a secret")]
    NoSecret,
    #[error("the gateway has no VXP door")]
    NoDoor,
    #[error(transparent)]
    Keys(#[from] pki::Error),
    #[error(transparent)]
    Scene(#[from] scene::Error),
    #[error(transparent)]
    Directory(#[from] directory::Error),
    #[error(transparent)]
    Config(#[from] config::Mistakes),
    #[error(transparent)]
    Gateway(#[from] StartError),
    #[error("the address {address} cannot be listened on: {source}")]
    Listen { address: SocketAddr, source: io::Error },
}

/// A sandbox that is running.
pub struct Sandbox {
    address: SocketAddr,
    front: Arc<Front>,
    world: World,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.address)
            .field("door", &self.world.door)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts the gateway behind, then the front.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start(setup: Setup, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        setup.faults.check()?;
        let listen = |source| Error::Listen { address: setup.listen, source };
        let listener = TcpListener::bind(setup.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let world = Box::pin(World::start(&setup, clock)).await?;
        let front = Arc::new(Front::new(world.door, setup.faults));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(front::serve(listener, Arc::clone(&front), stop.clone()));
        Ok(Self { address, front, world, stop, serving })
    }

    /// Where clients call.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The door behind the front, where nothing goes wrong.
    #[must_use]
    pub const fn door(&self) -> SocketAddr {
        self.world.door
    }

    /// The gateway behind.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway {
        &self.world.gateway
    }

    /// The example PKI whose signatures count.
    #[must_use]
    pub const fn keys(&self) -> &Manifest {
        &self.world.manifest
    }

    #[must_use]
    pub fn systems(&self) -> &[MadeSystem] {
        &self.world.systems
    }

    /// What was done to requests so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.front.tally()
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.front.faults()
    }

    /// Other faults from the next request on. Requests are counted on, so an outage of those numbers that have passed
    /// is over.
    ///
    /// # Errors
    /// [`Unfit`]; then those before stay in force.
    pub fn set_faults(&self, faults: Faults) -> Result<(), Unfit> {
        faults.check()?;
        self.front.set_faults(faults);
        Ok(())
    }

    /// Ends the requests in progress, then stops the gateway. Gives what was done in all.
    pub async fn stop(self) -> Tally {
        self.stop.cancel();
        // It panics nowhere; a front that did would have answered nothing more.
        let _ = self.serving.await;
        self.world.gateway.stop().await;
        self.front.tally()
    }
}
