//! The collector of traces, from the configuration.

use std::sync::Arc;

use lienthong_contract::{Clock, HopName};

use super::StartError;
use crate::config;
use crate::traces::collector::Collector;
use crate::trust::tls::{ClientFiles, client_config};

/// The way to the collector; its files are read.
///
/// # Errors
/// [`StartError`].
pub fn collector(listed: &config::Traces, hop: &HopName, clock: &Arc<dyn Clock>) -> Result<Collector, StartError> {
    let tls = match listed.roots.as_slice() {
        [] => None,
        roots => {
            let files = ClientFiles { roots: roots.to_vec(), crls: Vec::new(), identity: None, http: false };
            Some(client_config(&files, Arc::clone(clock))?)
        }
    };
    if let Some(file) = &listed.authorization_file {
        crate::secrets::read(file).map_err(|source| StartError::Secret { file: file.clone(), source })?;
    }
    let authorization = listed.authorization_file.clone();
    Collector::new(hop.clone(), &listed.endpoint, tls.as_deref(), authorization)
        .map_err(|fault| StartError::Traces { endpoint: listed.endpoint.clone(), fault })
}
