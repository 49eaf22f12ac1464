//! Files that change while the gateway runs: the directory, certificates, revocation lists.
//!
//! A changed file is read and taken whole; one that cannot be used leaves the old state in force and is told.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::{hop_trust, signer_trust};
use crate::config::{self, Config};
use crate::delivery::WayOut;
use crate::directory::Directory;
use crate::directory::findings::NOT_ENFORCED;
use crate::trust::TrustStore;
use crate::trust::hops::HopTrust;
use crate::trust::tls::ReloadableServerConfig;

/// What is looked after.
pub struct Watched {
    pub config: Config,
    pub directory: Arc<Directory>,
    pub signers: Arc<RwLock<Arc<TrustStore>>>,
    pub hops: Arc<HopTrust>,
    /// Of the interface, and of the page /check.
    pub tls: Vec<Arc<ReloadableServerConfig>>,
    pub outlets: Vec<WayOut>,
}

type Stamp = Vec<Option<(SystemTime, u64)>>;

impl Watched {
    fn stamp(&self) -> Stamp {
        let (trust, api) = (&self.config.trust, &self.config.api);
        let lists: [&[PathBuf]; 7] = [
            &trust.roots,
            &trust.intermediates,
            &trust.crls,
            &trust.hop_roots,
            &api.client_roots,
            &api.client_intermediates,
            &api.client_crls,
        ];
        let files = lists.into_iter().flatten().chain([&api.certificate, &api.key]);
        files
            .map(|file| std::fs::metadata(file).ok().and_then(|seen| Some((seen.modified().ok()?, seen.len()))))
            .collect()
    }

    /// Of the files that outlets name.
    fn stamp_of_outlets(&self) -> Stamp {
        let files = self.config.outlet.iter().flat_map(config::Outlet::files);
        files
            .map(|file| std::fs::metadata(file).ok().and_then(|seen| Some((seen.modified().ok()?, seen.len()))))
            .collect()
    }

    fn look_at_outlets(&self, stamp: &mut Stamp) {
        let now = self.stamp_of_outlets();
        if now == *stamp {
            return;
        }
        *stamp = now;
        for way in &self.outlets {
            match way.outlet.reload() {
                Ok(()) => tracing::info!(outlet = %way.name, "the files of an outlet were read again"),
                Err(error) => {
                    tracing::error!(outlet = %way.name, %error, "the changed files of an outlet are not taken; the old ones stay in force");
                }
            }
        }
    }

    fn look(&self, stamp: &mut Stamp) {
        match self.directory.reload_if_changed() {
            Ok(true) => {
                tracing::info!("the agency directory was read again");
                tell_not_enforced(&self.directory);
            }
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the changed agency directory is not taken"),
        }
        let now = self.stamp();
        if now == *stamp {
            return;
        }
        *stamp = now;
        if let Err(error) = self.reload_trust() {
            tracing::error!(%error, "changed certificate files are not taken; the old ones stay in force");
        } else {
            tracing::info!("certificate files were read again");
        }
    }

    fn reload_trust(&self) -> Result<(), crate::trust::Error> {
        let signers = Arc::new(signer_trust(&self.config.trust)?);
        let hops = Arc::new(hop_trust(&self.config.trust)?);
        self.tls.iter().try_for_each(|tls| tls.reload())?;
        *self.signers.write().unwrap_or_else(PoisonError::into_inner) = signers;
        self.hops.replace(hops);
        Ok(())
    }
}

/// Looks after the files until stopped.
pub async fn watch(watched: Watched, stop: CancellationToken) {
    let every = Duration::from_secs(watched.config.directory.reload_seconds.max(1));
    let watched = Arc::new(watched);
    let mut stamps = (watched.stamp(), watched.stamp_of_outlets());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let (files, mut seen) = (Arc::clone(&watched), stamps.clone());
        // Reading files blocks.
        let looked = tokio::task::spawn_blocking(move || {
            files.look(&mut seen.0);
            files.look_at_outlets(&mut seen.1);
            seen
        });
        match looked.await {
            Ok(seen) => stamps = seen,
            Err(error) => tracing::error!(%error, "looking after files failed; it is tried again"),
        }
    }
}

/// Policies that the directory sets and this version does not act upon are said at each reading.
pub fn tell_not_enforced(directory: &Directory) {
    let snapshot = directory.snapshot();
    let mut agencies = snapshot.not_enforced();
    if let Some(first) = agencies.next() {
        let (kind, others) = (&NOT_ENFORCED, agencies.count());
        tracing::warn!(code = kind.code, agency = %first.code, others, "{}", kind.title.en);
    }
}
