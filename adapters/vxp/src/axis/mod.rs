//! The client of the national axis: packets leave through it, and it brings in what the axis has for agencies here.
//!
//! ```text
//!   send      Outlet::send ── sendEdoc ─────────────────────────────────────► axis
//!   arriving  Entrance::enter ◄── getReceivedEdocList, getEdoc ── updateStatus ─► axis   for each system, documents and statuses apart
//!   reports   Reports::report ◄── getSentEdocList ────────────────────────── axis
//!   roll      Roll::list ◄── getSynchronizeUnit ──────────────────────────── axis
//! ```
//!
//! Invariants:
//! * a request is made from nothing each time: no parameter of an earlier call, a timestamp of now;
//! * an answer counts only when it is wholly of the protocol. A page of HTML, a null, a missing key say nothing of what became
//!   of a packet, and are never an empty list;
//! * `done` is said when packet and receipt are on disk here, `fail` only of what is no packet whoever looks at it, and of
//!   what bears a secrecy mark; whatever else went wrong stays unacknowledged, so the axis goes on having it.
//!
//! Failure story: nothing here must outlive the process. What was sent without an answer is sent again by the gateway with the
//! same bytes; what was taken in and not acknowledged is listed again, and gets the first answer.

mod arriving;
mod attend;
mod reports;
mod roll;
mod send;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lienthong_contract::outlet::{Inside, Outcome, OutgoingPacket, Outlet};
use lienthong_contract::system::Secret;
use lienthong_contract::{AgencyCode, Clock, Digest};
use lienthong_door_kit::outbound::{Answer, Ask, Caller, Failed, Load};

use self::attend::Bearing;
use crate::wire::answer::code;
use crate::wire::client::{Call, HashForm, Retry, Said, Unclear, read};

/// The longest answer that is a list and read row by row, that tells what became of one document, and that says what came of
/// a call. What these hold takes many times its size in memory while it is read.
const MAX_ROWS: usize = 32 << 20;
const MAX_LIST: usize = 4 << 20;
const MAX_ANSWER: usize = 256 << 10;
/// Longest time for such an answer to come to its end.
const WHOLE_WITHIN: Duration = Duration::from_secs(300);

/// Reads an answer, by its HTTP status and its body.
type Read<D> = fn(u16, &[u8]) -> Result<Said<D>, Unclear>;

/// As whom the gateway calls.
#[derive(Debug)]
pub struct Account {
    /// The system id that the axis knows.
    id: String,
    /// Two while one is exchanged for the other.
    secrets: Vec<Secret>,
    /// Whose packets it sends, in any spelling; everybody else's when empty.
    agencies: Vec<AgencyCode>,
    /// Where its secrets are kept, for people.
    place: String,
    /// The place of the secret that is tried first.
    first: AtomicUsize,
}

impl Account {
    #[must_use]
    pub const fn new(id: String, secrets: Vec<Secret>, agencies: Vec<AgencyCode>) -> Self {
        Self { id, secrets, agencies, place: String::new(), first: AtomicUsize::new(0) }
    }

    /// The same with the place where its secrets are kept, which is told when the axis does not take them.
    #[must_use]
    pub fn kept_in(self, place: String) -> Self {
        Self { place, ..self }
    }

    /// The secret that is tried first.
    fn secret(&self) -> Option<&Secret> {
        let place = self.first.load(Ordering::Relaxed);
        self.secrets.get(place).or_else(|| self.secrets.first())
    }

    /// The axis did not take it: the other one is tried from now on. False when there is none.
    fn other_secret(&self) -> bool {
        let count = self.secrets.len().max(1);
        self.first.store(self.first.load(Ordering::Relaxed).saturating_add(1) % count, Ordering::Relaxed);
        count > 1
    }
}

/// How the axis is reached, and as whom.
#[derive(Debug)]
pub struct Way {
    pub caller: Caller,
    pub accounts: Vec<Arc<Account>>,
}

/// Reads the files that a way is made of.
///
/// # Errors
/// What cannot be used, for people.
pub type Make = Arc<dyn Fn() -> Result<Way, String> + Send + Sync>;

/// How the axis is dealt with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub hash: HashForm,
    /// Pauses between looking for documents, for statuses, for what became of what was sent, and for the list of agencies.
    pub documents_every: Duration,
    pub statuses_every: Duration,
    pub reports_every: Duration,
    /// Without it the list is not asked for.
    pub agencies_every: Option<Duration>,
}

/// The national axis as an outlet.
pub struct Axis(Arc<Parts>);

pub(crate) struct Parts {
    make: Make,
    way: RwLock<Arc<Way>>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    /// How often the axis could not process a packet (code 21).
    not_processed: Mutex<HashMap<Digest, u32>>,
}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axis").field("way", &self.0.way()).finish_non_exhaustive()
    }
}

impl Axis {
    /// `way` is what `make` gives at first; it is asked again when files have changed.
    #[must_use]
    pub fn new(way: Way, make: Make, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let way = RwLock::new(Arc::new(way));
        Self(Arc::new(Parts { make, way, settings, clock, not_processed: Mutex::default() }))
    }
}

#[async_trait]
impl Outlet for Axis {
    async fn send(&self, packet: OutgoingPacket) -> Outcome {
        send::send(&self.0, packet).await
    }

    async fn attend(&self, inside: Inside) {
        attend::attend(&self.0, &inside).await;
    }

    fn reload(&self) -> Result<(), String> {
        let way = (self.0.make)()?;
        *self.0.way.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(way);
        Ok(())
    }
}

/// Whether two codes are spellings of one by arithmetic alone.
fn same(one: &AgencyCode, other: &AgencyCode) -> bool {
    one.to_new_form() == other.to_new_form()
}

impl Parts {
    fn way(&self) -> Arc<Way> {
        Arc::clone(&self.way.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn accounts(&self) -> Vec<Arc<Account>> {
        self.way().accounts.clone()
    }

    /// Who speaks for an agency.
    fn account(&self, agency: &AgencyCode) -> Option<Arc<Account>> {
        let accounts = self.accounts();
        let own = accounts.iter().find(|account| account.agencies.iter().any(|one| same(one, agency)));
        own.or_else(|| accounts.iter().find(|account| account.agencies.is_empty())).cloned()
    }

    /// The account of this id, as it is now.
    fn account_of(&self, id: &str) -> Option<Arc<Account>> {
        self.accounts().into_iter().find(|account| account.id == id)
    }

    /// Makes a call once; without a load the body is that of its kind.
    async fn call(&self, account: &Account, call: Call<'_>, load: Option<Load>) -> Result<Answer, Failed> {
        let secret = account.secret().ok_or_else(|| Failed::NotSent(format!("{} has no secret", account.id)))?;
        let request = call.request(&account.id, secret, self.clock.now());
        let load = load.unwrap_or(Load::Bytes(Bytes::from_static(request.body.unwrap_or_default())));
        let (method, path) = (request.method, request.path);
        self.way().caller.call(Ask { method, path, headers: &request.headers, load }).await
    }

    /// Makes a call that may be made any number of times, until its answer counts: it was done, or never will be.
    async fn ask_again(&self, account: &Account, call: Call<'_>) -> Result<Said, String> {
        self.ask_again_for(account, call, read).await
    }

    /// The same for an answer that is read so.
    async fn ask_again_for<D>(&self, account: &Account, call: Call<'_>, read: Read<D>) -> Result<Said<D>, String> {
        let mut bearing = Bearing::default();
        loop {
            let why = match self.ask_for(account, call, None, read).await {
                Ok(said) if said.is_ok() || said.retry() == Retry::Never => return Ok(said),
                Ok(said) => format!("{} {}", said.code, said.description),
                Err(failed) => failed.to_string(),
            };
            bearing.after(why).await?;
        }
    }

    /// Makes a call without a packet in its answer: once, or once with each secret while the axis takes none.
    async fn ask(&self, account: &Account, call: Call<'_>, load: Option<Load>) -> Result<Said, Failed> {
        self.ask_for(account, call, load, read).await
    }

    async fn ask_for<D>(
        &self,
        account: &Account,
        call: Call<'_>,
        load: Option<Load>,
        read: Read<D>,
    ) -> Result<Said<D>, Failed> {
        let mut said = self.ask_once(account, call, load.clone(), read).await?;
        if said.code == u32::from(code::WRONG_SYSTEM) && account.other_secret() {
            said = self.ask_once(account, call, load, read).await?;
        }
        // Whoever reads that is to know which secret it is.
        if said.code == u32::from(code::WRONG_SYSTEM) && !account.place.is_empty() {
            said.description = format!("{} (systemid {}, {})", said.description, account.id, account.place);
        }
        Ok(said)
    }

    async fn ask_once<D>(
        &self,
        account: &Account,
        call: Call<'_>,
        load: Option<Load>,
        read: Read<D>,
    ) -> Result<Said<D>, Failed> {
        let answer = self.call(account, call, load).await?;
        let status = answer.status;
        let most = match call {
            Call::Agencies | Call::AgenciesQd20 { .. } | Call::Units | Call::Received { .. } => MAX_ROWS,
            Call::Sent { .. } => MAX_LIST,
            _ => MAX_ANSWER,
        };
        let whole = tokio::time::timeout(WHOLE_WITHIN, answer.whole(most)).await;
        let body = whole.map_err(|_| Failed::Unknown("the answer does not come to its end".to_owned()))?;
        let body = body.map_err(|error| Failed::Unknown(error.to_string()))?;
        read(status, &body).map_err(|unclear| Failed::Unknown(format!("no answer of the axis: {unclear}")))
    }
}

#[cfg(test)]
mod tests;
