//! The systems that call with an id and a secret: who they are, and whom they speak for.
//!
//! A system's secret stands in a file of its own and is read again when the file changes; a file that cannot be used
//! leaves the secret before in force, and is told. Whom a system speaks for is looked up in the directory at every request;
//! what an administrator accepted beside the configuration (see [`crate::registry`]) counts a few seconds later.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use lienthong_contract::AgencyCode;
use lienthong_contract::system::{Secret, System, Systems};

use super::StartError;
use crate::config;
use crate::directory::Directory;
use crate::registry::speaks_for;
use crate::store::RegistryStore;
use crate::store::registry::Grant;

/// Longest secret, in bytes.
const MAX_SECRET: usize = 4096;
/// A shorter one can be found by trying, by whoever overhears one request.
const SHORT_SECRET: usize = 16;

/// The systems of a configuration.
pub struct KnownSystems {
    listed: Vec<config::System>,
    pub directory: Arc<Directory>,
    pub store: Arc<dyn RegistryStore>,
    /// What was accepted beside the configuration.
    grants: ArcSwap<Vec<Grant>>,
    systems: ArcSwap<HashMap<String, Arc<System>>>,
}

impl KnownSystems {
    /// # Errors
    /// The first file of a secret that cannot be used; the store's.
    pub async fn load(
        listed: &[config::System],
        directory: Arc<Directory>,
        store: Arc<dyn RegistryStore>,
    ) -> Result<Self, StartError> {
        let grants = ArcSwap::from_pointee(store.grants().await?);
        let known = Self { listed: listed.to_vec(), directory, store, grants, systems: ArcSwap::default() };
        let mut systems = HashMap::new();
        for system in &known.listed {
            let secrets = secrets(system).map_err(|(file, source)| StartError::Secret { file, source })?;
            systems.insert(system.id.clone(), Arc::new(known.made(system, secrets)));
        }
        known.systems.store(Arc::new(systems));
        Ok(known)
    }

    fn made(&self, system: &config::System, secrets: Vec<Secret>) -> System {
        let networks = system.networks.iter().filter_map(|network| network.parse().ok()).collect();
        let directory = self.directory.snapshot();
        let agencies = speaks_for(&system.id, &system.agencies, &self.grants.load(), &directory);
        System { id: system.id.clone(), secrets, agencies, networks }
    }

    /// Looks what was accepted since; true when it was something.
    pub async fn look_for_grants(&self) -> bool {
        match self.store.grants().await {
            Ok(grants) if grants == **self.grants.load() => false,
            Ok(grants) => {
                self.grants.store(Arc::new(grants));
                true
            }
            Err(error) => {
                tracing::error!(%error, "whom systems may speak for cannot be read; what was known stays in force");
                false
            }
        }
    }

    /// Reads all secrets again; what cannot be read stays as it is.
    pub fn reload(&self) {
        let before = self.systems.load();
        let mut systems = HashMap::new();
        for system in &self.listed {
            let made = match secrets(system) {
                Ok(secrets) => Some(Arc::new(self.made(system, secrets))),
                Err((file, error)) => {
                    tracing::error!(system = %system.id, file = %file.display(), %error,
                        "a system's changed secret is not taken; the one before stays in force");
                    before.get(&system.id).cloned()
                }
            };
            systems.extend(made.map(|made| (system.id.clone(), made)));
        }
        self.systems.store(Arc::new(systems));
    }

    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.listed.iter().flat_map(config::System::files)
    }

    /// Agencies that a system is to speak for and that the directory does not list: said at start, and after a change.
    pub fn tell_unknown(&self) {
        let directory = self.directory.snapshot();
        for system in self.systems.load().values() {
            for code in system.agencies.iter().filter(|code| directory.lookup(code).is_none()) {
                tracing::warn!(system = %system.id, agency = %code, "a system speaks for an agency that is in no directory");
            }
        }
    }
}

impl Systems for KnownSystems {
    fn system(&self, id: &str) -> Option<Arc<System>> {
        self.systems.load().get(id).cloned()
    }

    fn agency(&self, system: &System, code: &AgencyCode) -> Option<AgencyCode> {
        let directory = self.directory.snapshot();
        let meant = directory.lookup(code)?;
        let own = |own: &AgencyCode| directory.lookup(own).is_some_and(|own| own.key == meant.key);
        system.agencies.iter().any(own).then(|| meant.key.code().clone())
    }
}

/// The secrets of a system; the file is named when one cannot be used.
pub fn secrets(system: &config::System) -> Result<Vec<Secret>, (PathBuf, io::Error)> {
    system.files().map(|file| secret(file).map_err(|error| (file.clone(), error))).collect()
}

/// The secret in a file.
pub fn secret(file: &Path) -> io::Result<Secret> {
    let fault = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text);
    let text = crate::secrets::read(file)?;
    let text = text.trim();
    if text.len() > MAX_SECRET {
        return Err(fault("too long for a secret"));
    }
    // An empty key would let anybody sign.
    if text.is_empty() || text.contains(['\n', '\r']) {
        Err(fault("a secret is one line"))
    } else {
        if text.len() < SHORT_SECRET {
            tracing::warn!(file = %file.display(), "a secret is shorter than {SHORT_SECRET} characters");
        }
        Ok(Secret::new(text.as_bytes()))
    }
}
