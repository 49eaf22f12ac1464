//! The list of agencies as systems read it: the directory, with the change in which each row last changed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use tokio_util::sync::CancellationToken;

use lienthong_contract::catalogue::{Catalogue, ListedAgency};
use lienthong_contract::door::Refusal;
use lienthong_contract::{AgencyCode, Clock, Digest};

use super::unavailable;
use crate::directory::{Agency, Directory, Snapshot, Validity};
use crate::store::registry::AgencyNow;
use crate::store::{RegistryStore, Result};

/// What was told of agencies.
#[derive(Clone)]
pub struct Told(pub Arc<dyn RegistryStore>);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

#[async_trait]
impl Catalogue for Told {
    async fn page(&self, after: Option<&AgencyCode>, limit: usize) -> std::result::Result<Vec<ListedAgency>, Refusal> {
        let page = self.0.listed(after.cloned(), limit).await.map_err(|error| unavailable(&error))?;
        // Before the first list was written; nobody is to take that for a country without agencies.
        if after.is_none() && page.is_empty() { Err(unavailable(&"no list was written yet")) } else { Ok(page) }
    }
}

/// The agencies that are or were in force on a day.
fn agencies(directory: &Snapshot, on: Date) -> Vec<AgencyNow> {
    let validity = |agency: &Agency| agency.validity(on);
    let begun = directory.iter().filter(|agency| validity(agency) != Validity::NotYet);
    let agency = |agency: &Agency| AgencyNow {
        code: agency.key.code().clone(),
        old_code: agency.old_code.clone(),
        name: agency.name.clone(),
        parent: agency.parent.as_ref().map(|parent| parent.code().clone()),
        mail: agency.mail.clone(),
        closed: validity(agency) == Validity::Closed,
    };
    begun.map(agency).collect()
}

/// What was looked at last: a list changes with the directory, and with the day.
type Seen = Option<(Digest, Date)>;

async fn look(store: &dyn RegistryStore, directory: &Directory, clock: &dyn Clock, seen: &mut Seen) -> Result<()> {
    let (snapshot, now) = (directory.snapshot(), clock.now());
    let today = now.in_vietnam().date();
    let found = Some((snapshot.digest(), today));
    if *seen == found {
        return Ok(());
    }
    let changed = store.list_agencies(agencies(&snapshot, today), now).await?;
    if changed > 0 {
        tracing::info!(changed, "the list of agencies that systems read has changed");
    }
    *seen = found;
    Ok(())
}

/// Keeps the list up with the directory until stopped.
pub async fn keep(
    store: Arc<dyn RegistryStore>,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    every: Duration,
    stop: CancellationToken,
) {
    let mut seen = None;
    loop {
        if let Err(error) = look(store.as_ref(), &directory, clock.as_ref(), &mut seen).await {
            tracing::error!(%error, "the list of agencies that systems read cannot be written");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}
