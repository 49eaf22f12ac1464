//! The systems outside that a gateway hands packets to and takes them from: which adapters this program has, and the
//! adapters at work.
//!
//! An adapter is named by `[[outlet]] adapter` and made of that section. A section that names none of them, or that its
//! adapter cannot use, keeps the gateway from starting, with the key that is at fault.
//!
//! Failure story: what an adapter brings in is on disk before it hears so, hence it may be dropped anywhere. One that
//! panics is told and begun again after a pause; packets leave meanwhile as before.

mod axis;
pub mod sights;
pub(super) mod way;
mod xroad;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use lienthong_contract::outlet::{Entrance, Inside, Outlet, Reports, Roll, Watch};
use lienthong_contract::{Clock, HopName};

use self::sights::Sights;
use super::StartError;
use crate::config::{self, Arriving, Config, SentBytes};
use crate::delivery::{Delivery, WayOut};
use crate::intake::Intake;

/// How long an adapter that broke off is left alone.
const PAUSE: Duration = Duration::from_secs(30);

/// What keeps an adapter from being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Of the section `[[outlet]]`: `adapter`, `settings.address`.
    pub key: String,
    pub vi: String,
    pub en: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} — {}", self.key, self.vi, self.en)
    }
}

/// Makes an adapter of its section. It reads what the section names, and calls nobody yet.
pub type Make = Arc<dyn Fn(&config::Outlet, &Arc<dyn Clock>) -> Result<Arc<dyn Outlet>, Fault> + Send + Sync>;

/// Adapters by the names that `[[outlet]] adapter` takes.
#[derive(Clone, Default)]
pub struct Adapters(BTreeMap<String, Make>);

impl fmt::Debug for Adapters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Adapters {
    /// Those that are part of this program.
    #[must_use]
    pub fn of_this_program() -> Self {
        Self::default().with(axis::NAME, axis::make).with(xroad::NAME, xroad::make)
    }

    /// With one more.
    #[must_use]
    pub fn with<M>(mut self, name: &str, make: M) -> Self
    where
        M: Fn(&config::Outlet, &Arc<dyn Clock>) -> Result<Arc<dyn Outlet>, Fault> + Send + Sync + 'static,
    {
        self.0.insert(name.to_owned(), Arc::new(make));
        self
    }

    /// The adapter of one section.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn make(&self, outlet: &config::Outlet, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Outlet>, Fault> {
        match self.0.get(&outlet.adapter) {
            Some(make) => make(outlet, clock),
            None => Err(self.unknown(&outlet.adapter)),
        }
    }

    fn unknown(&self, name: &str) -> Fault {
        let known = self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (vi, en) = if known.is_empty() {
            let vi =
                format!("chương trình này không có bộ nối nào cho hệ thống ngoài mạng, kể cả {name:?}; bỏ mục này");
            (vi, format!("this program has no adapter for systems outside, {name:?} or other; leave the section out"))
        } else {
            let vi = format!("chương trình này không có bộ nối {name:?}; có: {known}");
            (vi, format!("this program has no adapter {name:?}; it has: {known}"))
        };
        Fault { key: "adapter".to_owned(), vi, en }
    }
}

/// The outlets of a configuration, each with its adapter.
///
/// # Errors
/// [`StartError::Outlet`].
pub(super) fn ready(config: &Config, adapters: &Adapters, clock: &Arc<dyn Clock>) -> Result<Vec<WayOut>, StartError> {
    let way = |outlet: &config::Outlet| {
        let name = outlet.name.clone();
        let adapter = adapters.make(outlet, clock);
        let adapter = adapter.map_err(|fault| StartError::Outlet { outlet: name.clone(), fault })?;
        let reports = outlet.report_days.map(|days| Duration::from_secs(days.saturating_mul(86_400)));
        Ok(WayOut { name, outlet: adapter, reports, anew: outlet.bytes == SentBytes::Sdk })
    };
    config.outlet.iter().map(way).collect()
}

/// What is asked of packets from each outlet: whether its senders have to sign.
pub(super) fn entrances(config: &Config) -> HashMap<HopName, bool> {
    config.outlet.iter().map(|outlet| (outlet.name.clone(), outlet.arriving == Arriving::Signed)).collect()
}

/// Lets the adapters bring things in until `door` closes.
pub(super) fn attend(
    ways: Vec<WayOut>,
    delivery: &Arc<Delivery>,
    intake: &Intake,
    (roll, watch): (&Arc<dyn Roll>, &Arc<Sights>),
    (doors, door): (&TaskTracker, &CancellationToken),
) {
    let entrance: Arc<dyn Entrance> = Arc::new(intake.clone());
    for WayOut { name, outlet, .. } in ways {
        let reports: Arc<dyn Reports> = Arc::clone(delivery) as _;
        let watch: Arc<dyn Watch> = Arc::clone(watch) as _;
        let (entrance, roll) = (Arc::clone(&entrance), Arc::clone(roll));
        let inside = Inside { outlet: name, reports, entrance, roll, watch };
        doors.spawn(stand_by(outlet, inside, door.clone()));
    }
}

/// One adapter, begun again when it panics.
async fn stand_by(outlet: Arc<dyn Outlet>, inside: Inside, door: CancellationToken) {
    loop {
        let (adapter, given, closed) = (Arc::clone(&outlet), inside.clone(), door.clone());
        let work = tokio::spawn(async move {
            tokio::select! {
                () = closed.cancelled() => {}
                () = adapter.attend(given) => {}
            }
        });
        let Err(error) = work.await else { return };
        tracing::error!(%error, outlet = %inside.outlet, "an adapter broke off and is begun again after a pause");
        tokio::select! {
            () = door.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
