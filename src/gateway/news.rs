//! Who hears of news, from the configuration.
//!
//! The secret of a webhook is read at each notice, so that a changed file counts at once; notices are few.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lienthong_contract::{Clock, HopName};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{StartError, broker_settings};
use crate::config::{self, Config};
use crate::directory::Directory;
use crate::news::queue::Queue;
use crate::news::signature::Secret;
use crate::news::webhook::{Address, Webhook};
use crate::news::{FIRST_PAUSE, News, Parts, Subscriber};
use crate::store::SqliteStore;
use crate::trust::tls::{ClientFiles, client_config};

/// Longest secret, in bytes.
const MAX_SECRET: usize = 4096;

/// All subscribers, ready to be told.
///
/// # Errors
/// [`StartError`], by the first file or address that cannot be used.
pub fn subscribers(config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Subscriber>, StartError> {
    let mut subscribers = Vec::new();
    for listed in &config.webhook {
        let channel = Arc::new(webhook(listed, clock)?);
        subscribers.push(Subscriber { name: listed.name.clone(), agencies: listed.agencies.clone(), channel });
    }
    for listed in &config.news_queue {
        // The check of the configuration has seen to it that there is one.
        let Some(broker) = config.broker.iter().find(|broker| broker.name == listed.broker) else { continue };
        let channel =
            Arc::new(Queue::new(broker_settings(config, broker, Vec::new())?, &listed.queue(&config.hop.name)));
        subscribers.push(Subscriber { name: listed.name.clone(), agencies: listed.agencies.clone(), channel });
    }
    Ok(subscribers)
}

/// The way to one webhook; its files are read.
///
/// # Errors
/// [`StartError`].
pub fn webhook(listed: &config::Webhook, clock: &Arc<dyn Clock>) -> Result<Webhook, StartError> {
    let bad = |_| StartError::WebhookAddress { name: listed.name.clone(), url: listed.url.clone() };
    let address = Address::read(&listed.url).map_err(bad)?;
    let identity = listed.certificate.clone().zip(listed.key.clone());
    let files = ClientFiles { roots: listed.roots.clone(), crls: Vec::new(), identity, http: false };
    let tls = client_config(&files, Arc::clone(clock))?;
    let files: Vec<PathBuf> = listed.files().cloned().collect();
    for file in &files {
        let fault = |source| StartError::WebhookSecret { name: listed.name.clone(), file: file.clone(), source };
        secret(file).map_err(fault)?;
    }
    let name = listed.name.clone();
    let secrets = Box::new(move || {
        let read = |file: &PathBuf| {
            let tell = |error: &io::Error| {
                tracing::error!(webhook = name, file = %file.display(), %error, "a secret cannot be read");
            };
            secret(file).inspect_err(tell).ok()
        };
        files.iter().filter_map(read).collect()
    });
    Ok(Webhook { address, tls, secrets, clock: Arc::clone(clock) })
}

fn secret(file: &Path) -> io::Result<Secret> {
    let fault = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text);
    let text = crate::secrets::read(file)?;
    if text.len() > MAX_SECRET {
        return Err(fault("too long for a secret"));
    }
    Secret::read(&text).ok_or_else(|| fault("a secret is whsec_ and base64, or one line of at least 16 bytes"))
}

/// Begins to tell.
///
/// # Errors
/// The store's.
pub async fn start(
    hop: HopName,
    (store, directory, clock): (&Arc<SqliteStore>, &Arc<Directory>, &Arc<dyn Clock>),
    subscribers: Vec<Subscriber>,
    (tasks, stop): (&TaskTracker, &CancellationToken),
) -> Result<Arc<News>, StartError> {
    let (store, directory, clock) = (Arc::clone(store) as _, Arc::clone(directory), Arc::clone(clock));
    Ok(News::start(Parts { hop, store, directory, clock, subscribers, first_pause: FIRST_PAUSE }, tasks, stop).await?)
}
