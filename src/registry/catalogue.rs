//! The list of agencies as systems read it: the directory, with the change in which each row last changed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use tokio_util::sync::CancellationToken;

use lienthong_contract::catalogue::{Catalogue, ListedAgency};
use lienthong_contract::door::Refusal;
use lienthong_contract::outlet::{OutsideAgency, Roll, Rolled};
use lienthong_contract::{AgencyCode, Clock, Digest, HopName, Instant};

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

/// Keeps what systems outside list.
#[derive(Clone)]
pub struct Outsiders {
    pub store: Arc<dyn RegistryStore>,
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Outsiders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outsiders").finish_non_exhaustive()
    }
}

#[async_trait]
impl Roll for Outsiders {
    async fn list(&self, outlet: &HopName, agencies: Vec<OutsideAgency>) -> std::result::Result<Rolled, Refusal> {
        let now = |agency: OutsideAgency| {
            let OutsideAgency { code, old_code, name, parent, mail, closed } = agency;
            (code.clone(), AgencyNow { code, old_code, name, parent, mail, closed })
        };
        let sorted: BTreeMap<AgencyCode, AgencyNow> = agencies.into_iter().map(now).collect();
        let listed = self.store.list_outside(outlet, sorted.into_values().collect(), self.clock.now()).await;
        listed.map_err(|error| unavailable(&error))
    }
}

/// The agencies that are or were in force on a day, without those for test documents.
fn agencies(directory: &Snapshot, on: Date) -> Vec<AgencyNow> {
    let validity = |agency: &Agency| agency.validity(on);
    let begun = directory.iter().filter(|agency| validity(agency) != Validity::NotYet && !agency.canary);
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

/// The agencies on a list of a system outside that this directory does not have: what it says of the others goes before.
async fn of_outside(store: &dyn RegistryStore, directory: &Snapshot, outlet: &HopName) -> Result<Vec<AgencyNow>> {
    let listed = store.outside(outlet).await?;
    let unknown = listed.into_iter().filter(|agency| {
        let spellings = std::iter::once(&agency.code).chain(&agency.old_code);
        spellings.into_iter().all(|code| directory.lookup(code).is_none())
    });
    let agency = |agency: ListedAgency| {
        let ListedAgency { code, old_code, name, parent, mail, closed, .. } = agency;
        AgencyNow { code, old_code, name, parent, mail, closed }
    };
    Ok(unknown.map(agency).collect())
}

/// What was looked at last: a list changes with the directory, with the day, and with the lists of systems outside.
pub(super) type Seen = Option<(Digest, Date, Vec<(HopName, Instant)>)>;

pub(super) async fn look(
    store: &dyn RegistryStore,
    directory: &Directory,
    clock: &dyn Clock,
    seen: &mut Seen,
) -> Result<()> {
    let (snapshot, now) = (directory.snapshot(), clock.now());
    let today = now.in_vietnam().date();
    let found = Some((snapshot.digest(), today, store.outside_taken().await?));
    if *seen == found {
        return Ok(());
    }
    let own = agencies(&snapshot, today).into_iter().map(|agency| (agency.code.clone(), agency));
    let mut all: BTreeMap<AgencyCode, AgencyNow> = own.collect();
    for (outlet, _) in found.iter().flat_map(|(.., lists)| lists) {
        for agency in of_outside(store, &snapshot, outlet).await? {
            all.entry(agency.code.clone()).or_insert(agency);
        }
    }
    let changed = store.list_agencies(all.into_values().collect(), now).await?;
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
