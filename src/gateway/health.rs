//! Whether the gateway can do its work: sign, store, reach its brokers.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::alarms::herald::Herald;
use crate::api::{Health, Readiness};
use crate::directory::Directory;
use crate::link::Link;
use crate::link::amqp::AmqpLink;
use crate::logkeeper::Keeper;
use crate::store::Store;
use crate::trust::HopKey;

use super::books::Kept;

/// How often the store and the key are tried.
const EVERY: Duration = Duration::from_secs(2);

pub struct HealthView {
    store: Arc<dyn Store>,
    key: Arc<HopKey>,
    links: Vec<Arc<AmqpLink>>,
    directory: Arc<Directory>,
    books: Arc<Kept>,
    keeper: Option<Arc<Keeper>>,
    /// Who tells of alarms, once it stands.
    herald: OnceLock<Arc<Herald>>,
    /// What the last try of the slow parts told.
    tried: RwLock<Vec<(String, bool, String)>>,
}

impl HealthView {
    pub fn new(
        store: Arc<dyn Store>,
        key: Arc<HopKey>,
        links: Vec<Arc<AmqpLink>>,
        directory: Arc<Directory>,
        books: Arc<Kept>,
        keeper: Option<Arc<Keeper>>,
    ) -> Self {
        Self { store, key, links, directory, books, keeper, herald: OnceLock::new(), tried: RwLock::default() }
    }

    /// From now on it is part of readiness whether notices about alarms can be sent.
    pub fn tells(&self, herald: &Arc<Herald>) {
        let _ = self.herald.set(Arc::clone(herald));
    }

    /// Tries to store and to sign.
    pub async fn refresh(&self) {
        let stored = self.store.probe().await;
        let signed = self.key.sign(b"lienthong readiness");
        let tell = |error: Option<String>| (error.is_none(), error.unwrap_or_default());
        let (store_ok, store_text) = tell(stored.err().map(|error| error.to_string()));
        let (key_ok, key_text) = tell(signed.err().map(|error| error.to_string()));
        let tried = vec![("store".to_owned(), store_ok, store_text), ("signing-key".to_owned(), key_ok, key_text)];
        *self.tried.write().unwrap_or_else(PoisonError::into_inner) = tried;
    }
}

impl Health for HealthView {
    fn readiness(&self) -> Readiness {
        let mut parts = self.tried.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (index, link) in self.links.iter().enumerate() {
            let state = link.state();
            let text = state.blocked.clone().or(state.last_error).unwrap_or_default();
            let good = state.connected && state.blocked.is_none();
            parts.push((format!("broker-{index}"), good, if good { String::new() } else { text }));
        }
        let ready = parts.iter().all(|(_, good, _)| *good);
        // The directory in force is still good when a newer file is faulty: told, but no reason to take nothing.
        if let Some(trouble) = self.directory.trouble() {
            parts.push(("directory-file".to_owned(), false, trouble.kind().title.en.to_owned()));
        }
        // Books that do not balance are for a person to look at; what comes in is no less safe.
        parts.extend(self.books.part());
        // A log that contradicts itself is for people to look at; documents go on.
        if let Some(alarms) = self.keeper.as_ref().map(|keeper| keeper.alarms()).filter(|alarms| *alarms > 0) {
            parts.push((
                "ledger-alarms".to_owned(),
                false,
                format!("{alarms} — see the log, codes LT-LED-0010 to 0013"),
            ));
        }
        // Who hears of no alarm does not know that there is one; documents go on.
        let untold = self.herald.get().map_or(0, |herald| herald.untold().len());
        if untold > 0 {
            parts.push(("notices".to_owned(), false, format!("{untold} recipients of alarms cannot be reached")));
        }
        Readiness { ready, parts }
    }
}

/// Tries the parts until stopped.
pub async fn watch(health: Arc<HealthView>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => health.refresh().await,
        }
    }
}
