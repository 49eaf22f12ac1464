//! The client of the national axis: packets leave through it, and it brings in what the axis has for agencies here.
//!
//! ```text
//!   send      Outlet::send ── sendEdoc ─────────────────────────────────────► axis
//!   arriving  Entrance::enter ◄── getReceivedEdocList, getEdoc ── updateStatus ─► axis   for each system, documents and statuses apart
//!   reports   Reports::report ◄── getSentEdocList ────────────────────────── axis
//! ```
//!
//! Invariants:
//! * a request is made from nothing each time: no parameter of an earlier call, a timestamp of now;
//! * an answer counts only when it is wholly of the protocol. A page of HTML, a null, a missing key say nothing of what became
//!   of a packet, and are never an empty list;
//! * `done` is said when packet and receipt are on disk here, `fail` only of what can never be taken; whatever else went wrong
//!   stays unacknowledged, so the axis goes on having it.
//!
//! Failure story: nothing here must outlive the process. What was sent without an answer is sent again by the gateway with the
//! same bytes; what was taken in and not acknowledged is listed again, and gets the first answer.

mod arriving;
mod attend;
mod reports;
mod send;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lienthong_contract::outlet::{Inside, Outcome, OutgoingPacket, Outlet};
use lienthong_contract::system::Secret;
use lienthong_contract::{AgencyCode, Clock, Digest};
use lienthong_door_kit::outbound::{Answer, Ask, Caller, Failed, Load};

use crate::wire::client::{Call, HashForm, Retry, Said, read};
use attend::Bearing;

/// The longest answer that holds no packet. A list of many thousand rows is far below.
const MAX_ANSWER: usize = 32 << 20;

/// As whom the gateway calls.
#[derive(Debug, Clone)]
pub struct Account {
    /// The system id that the axis knows.
    pub id: String,
    pub secret: Secret,
    /// Whose packets it sends, in any spelling; everybody else's when empty.
    pub agencies: Vec<AgencyCode>,
}

/// How the axis is dealt with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub accounts: Vec<Account>,
    pub hash: HashForm,
    /// Pauses between looking for documents, for statuses, and for what became of what was sent.
    pub documents_every: Duration,
    pub statuses_every: Duration,
    pub reports_every: Duration,
}

/// The way to the axis.
pub struct Axis(Arc<Parts>);

pub(crate) struct Parts {
    caller: Caller,
    settings: Settings,
    clock: Arc<dyn Clock>,
    /// How often the axis could not process a packet (code 21).
    not_processed: Mutex<HashMap<Digest, u32>>,
}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axis").field("caller", &self.0.caller).finish_non_exhaustive()
    }
}

impl Axis {
    #[must_use]
    pub fn new(caller: Caller, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Parts { caller, settings, clock, not_processed: Mutex::default() }))
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
}

/// Whether two codes are spellings of one by arithmetic alone.
fn same(one: &AgencyCode, other: &AgencyCode) -> bool {
    one.to_new_form() == other.to_new_form()
}

impl Parts {
    /// Who speaks for an agency.
    fn account(&self, agency: &AgencyCode) -> Option<&Account> {
        let accounts = &self.settings.accounts;
        let own = accounts.iter().find(|account| account.agencies.iter().any(|one| same(one, agency)));
        own.or_else(|| accounts.iter().find(|account| account.agencies.is_empty()))
    }

    /// Makes a call once; without a load the body is that of its kind.
    async fn call(&self, account: &Account, call: Call<'_>, load: Option<Load>) -> Result<Answer, Failed> {
        let request = call.request(&account.id, &account.secret, self.clock.now());
        let load = load.unwrap_or(Load::Bytes(Bytes::from_static(request.body.unwrap_or_default())));
        let (method, path) = (request.method, request.path);
        self.caller.call(Ask { method, path, headers: &request.headers, load }).await
    }

    /// Makes a call that may be made any number of times, until its answer counts: it was done, or never will be.
    async fn ask_again(&self, account: &Account, call: Call<'_>) -> Result<Said, String> {
        let mut bearing = Bearing::default();
        loop {
            let why = match self.ask(account, call, None).await {
                Ok(said) if said.is_ok() || said.retry() == Retry::Never => return Ok(said),
                Ok(said) => format!("{} {}", said.code, said.description),
                Err(failed) => failed.to_string(),
            };
            bearing.after(why).await?;
        }
    }

    /// Makes a call without a packet in its answer, once.
    async fn ask(&self, account: &Account, call: Call<'_>, load: Option<Load>) -> Result<Said, Failed> {
        let answer = self.call(account, call, load).await?;
        let status = answer.status;
        let body = answer.whole(MAX_ANSWER).await.map_err(|error| Failed::Unknown(error.to_string()))?;
        read(status, &body).map_err(|unclear| Failed::Unknown(format!("no answer of the axis: {unclear}")))
    }
}

#[cfg(test)]
mod tests;
