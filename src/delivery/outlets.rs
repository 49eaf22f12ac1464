//! Out of the network: one send to a system outside, what its answer makes of the consignments, and what it reports later.
//!
//! Before each attempt it is on disk that the packet may be outside from then on; an answer that counts is one transaction
//! with the receipts made of it. Whatever is no answer leaves the entry in the outbox, where its lane takes it up again.
//!
//! Where each recipient is called by itself, each answer is kept when it comes, and a recipient that does not answer is left
//! alone for a while (`turns`), so that it takes no place from others.
//!
//! For a system that takes the official form alone a packet is written anew before each attempt (`anew`): the same
//! bytes each time. What is kept and receipted as the packet stays the original; the receipt also says what was sent.
//!
//! Failure story: a crash after the system took the packet and before that transaction costs a repetition under the same
//! names, which the system answers as the first time. An answer that comes after the deadline moves nothing and is logged.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use lienthong_contract::door::{ConsignmentRef, Refusal, RefusalCause};
use lienthong_contract::outlet::{
    self, Awaited, Body, News, Outcome, OutgoingPacket, Outlet, Report, Reports, Taken, TurnedAway,
};
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, HopName, Instant, Kind};

use super::anew::{self, Anew};
use super::deadlines::after;
use super::{Delivery, Shared, findings};
use crate::life::Input;
use crate::receipts::{Event, Outside, Reason, Receipt, Sealed, seal};
use crate::store::outlets::{Attested, Leaving};
use crate::store::{Dispatch, Ended, Held, PacketKind};
use crate::traces;

/// Recipients of one packet that are called at once.
const CALLS_AT_ONCE: usize = 4;

/// The way out to one system, as delivery drives it.
#[derive(Clone)]
pub struct WayOut {
    pub name: HopName,
    pub outlet: Arc<dyn Outlet>,
    /// How long the system has to report what becomes of a packet; nothing: it reports nothing.
    pub reports: Option<Duration>,
    /// It gets packets in the official form, written anew, instead of those that the sender signed.
    pub anew: bool,
}

impl std::fmt::Debug for WayOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WayOut").field("name", &self.name).field("reports", &self.reports).finish_non_exhaustive()
    }
}

/// What a send came to.
pub(super) enum Came {
    /// The entry is done with.
    Done,
    /// Some of its recipients were refused; it is sent again at once, without them.
    Again,
    /// No answer that counts; the store knows.
    Nothing(String),
    /// No answer that counts, by the fault of its sender's or recipients' side: others can go; the store knows.
    NotNow(String),
    /// It was not tried, because its recipients do not answer others either.
    NotYet,
    /// This packet was not sent and is itself at fault, others can go; the store knows.
    CannotGo(String),
    /// Our own store or key failed; the store may not know.
    OurFault(String),
}

/// What stands before the reason in the store where others can go.
pub const NOT_NOW: &str = "not now: ";

/// Sends one packet once, and keeps what comes of it: whole, or to each of its recipients by itself.
pub(super) async fn send(shared: Arc<Shared>, way: WayOut, leaving: Leaving) -> Came {
    let id = leaving.dispatch.outbox_id;
    let parts = if way.outlet.one_by_one() { one_by_one(&shared, &way, &leaving) } else { vec![leaving.clone()] };
    if parts.is_empty() {
        return Came::NotYet;
    }
    // Held until the answers are here: its file goes with it.
    let written = if way.anew { anew::write(&shared, &leaving.dispatch).await } else { Ok(None) };
    let written = match written {
        Ok(written) => written,
        Err(fault) => {
            parts.iter().for_each(|part| shared.went(&way, part, false));
            return did_not_leave(&shared, &leaving, fault).await;
        }
    };
    let begun = shared.store.begins_to_leave(id).await;
    if !matches!(begun, Ok(true)) {
        parts.iter().for_each(|part| shared.went(&way, part, false));
    }
    match begun {
        Ok(true) => {}
        // It ended meanwhile, at its deadline or by an administrator: what was attested as not sent is not sent.
        Ok(false) => return Came::Done,
        Err(error) => return Came::OurFault(error.to_string()),
    }
    let left_out = parts.iter().map(|part| part.dispatch.consignments.len()).sum::<usize>();
    let left_out = left_out < leaving.dispatch.consignments.len();
    let calls = parts.into_iter().map(|part| call(&shared, &way, part, written.as_ref()));
    let mut came: Vec<Call> = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
    // What is worst for the path decides how the entry goes on; what was settled is settled.
    came.sort_by_key(Call::weight);
    let perhaps = leaving.perhaps || came.iter().any(|call| matches!(call, Call::Open { perhaps: true, .. }));
    let note = async |why: String| {
        let why = outlet::words(&why);
        shared.store.did_not_leave(id, why.clone(), perhaps).await.map(|()| why).map_err(|error| error.to_string())
    };
    let last = came.pop();
    let (why, came): (String, fn(String) -> Came) = match last {
        Some(Call::OurFault(error)) => return Came::OurFault(error),
        Some(Call::Open { why, path: true, .. }) => (why, Came::Nothing),
        Some(Call::Open { why, path: false, .. }) => (format!("{NOT_NOW}{why}"), Came::NotNow),
        Some(Call::Some) => return Came::Again,
        Some(Call::All) if left_out => (format!("{NOT_NOW}other recipients' servers do not answer"), Came::NotNow),
        Some(Call::All) | None => return Came::Done,
    };
    match note(why).await {
        Ok(why) => came(why),
        Err(error) => Came::OurFault(error),
    }
}

/// What one call came to.
#[derive(Debug)]
enum Call {
    /// All whom it was for are settled.
    All,
    /// Some of them are; the others are sent again at once.
    Some,
    /// No answer that counts.
    Open {
        why: String,
        /// It may have arrived.
        perhaps: bool,
        /// The way is at fault, not the packet's sender or recipients.
        path: bool,
    },
    OurFault(String),
}

impl Call {
    const fn weight(&self) -> u8 {
        match self {
            Self::All => 0,
            Self::Some => 1,
            Self::Open { path: false, .. } => 2,
            Self::Open { path: true, .. } => 3,
            Self::OurFault(_) => 4,
        }
    }
}

/// The packet once for each recipient whose turn it is.
fn one_by_one(shared: &Shared, way: &WayOut, leaving: &Leaving) -> Vec<Leaving> {
    let consignments = leaving.dispatch.consignments.iter().zip(&leaving.heads);
    let parts = consignments.filter(|(one, _)| shared.may_go(&way.name, &one.recipient)).map(|(one, head)| Leaving {
        dispatch: Dispatch { consignments: vec![one.clone()], ..leaving.dispatch.clone() },
        heads: vec![head.clone()],
        ..leaving.clone()
    });
    parts.collect()
}

/// Makes one call, and keeps what it came to.
async fn call(shared: &Shared, way: &WayOut, part: Leaving, written: Option<&Anew>) -> Call {
    let watch = shared.traces.watch();
    let sent = way.outlet.send(packet(shared, &part, written));
    let outcome = match tokio::time::timeout(shared.settings.outlet_timeout, sent).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::Unknown { why: "no answer in time".to_owned() },
    };
    shared.traces.sent_outside(watch, part.dispatch.doc_id, &way.name, class(&outcome));
    let alone = way.outlet.one_by_one();
    shared.went(way, &part, matches!(outcome, Outcome::NotNow { .. } | Outcome::Unknown { .. }));
    match outcome {
        Outcome::Taken(mut taken) => {
            taken.sent = taken.sent.or(written.map(|anew| anew.digest));
            keep(shared, way, &part, &taken).await
        }
        Outcome::Refused(turned) => turn_away(shared, way, &part, (&turned, written.map(|anew| anew.digest))).await,
        // Of an earlier attempt nothing is known by this one.
        Outcome::NotSent { why } => Call::Open { why, perhaps: false, path: true },
        Outcome::NotNow { why } => Call::Open { why, perhaps: false, path: false },
        Outcome::Unknown { why } => Call::Open { why, perhaps: true, path: !alone },
    }
}

const fn class(outcome: &Outcome) -> traces::Outside {
    match outcome {
        Outcome::Taken(_) => traces::Outside::Taken,
        Outcome::Refused(_) => traces::Outside::Refused,
        Outcome::NotSent { .. } => traces::Outside::NotSent,
        Outcome::NotNow { .. } => traces::Outside::NotNow,
        Outcome::Unknown { .. } => traces::Outside::Unknown,
    }
}

/// A packet that could not be written anew stays here, where it is seen, until its deadline: it is not sent as it is to a
/// system that is said not to take it so.
async fn did_not_leave(shared: &Shared, leaving: &Leaving, fault: anew::Fault) -> Came {
    let (why, came): (String, fn(String) -> Came) = match fault {
        anew::Fault::Packet(why) => (why, Came::CannotGo),
        anew::Fault::Machine(why) => (why, Came::Nothing),
    };
    let why = outlet::words(&why);
    match shared.store.did_not_leave(leaving.dispatch.outbox_id, why.clone(), leaving.perhaps).await {
        Ok(()) => came(why),
        Err(error) => Came::OurFault(format!("{why}; {error}")),
    }
}

fn packet(shared: &Shared, leaving: &Leaving, written: Option<&Anew>) -> OutgoingPacket {
    let dispatch = &leaving.dispatch;
    let recipients = dispatch.consignments.iter();
    OutgoingPacket {
        doc_id: dispatch.doc_id,
        digest: dispatch.digest,
        sent: written.map(|anew| anew.digest),
        size: written.map_or(dispatch.size, |anew| anew.size),
        is_status: leaving.kind == PacketKind::Status,
        document_id: leaving.document_id.clone(),
        business_type: leaving.business_type,
        from: leaving.sender.clone(),
        recipients: recipients.map(|one| ConsignmentRef { id: one.id, recipient: one.recipient.clone() }).collect(),
        urgent: dispatch.urgent,
        again: leaving.perhaps || dispatch.attempts > 0,
        body: match (written, &dispatch.held) {
            (Some(anew), _) => anew.body(),
            (None, Held::Inline(bytes)) => Body::Bytes(bytes.clone()),
            (None, Held::File | Held::Dropped | Held::Destroyed) => Body::File(shared.blobs.path(dispatch.digest)),
        },
    }
}

/// The system has it.
async fn keep(shared: &Shared, way: &WayOut, leaving: &Leaving, taken: &Taken) -> Call {
    let now = shared.clock.now();
    let id = outlet::words(&taken.id);
    if id.is_empty() {
        // Without a name there is nothing to ask the system by, nor to hold it to.
        let path = !way.outlet.one_by_one();
        return Call::Open { why: "the answer names no document".to_owned(), perhaps: true, path };
    }
    let outside = Outside {
        system: way.name.clone(),
        id: Some(id),
        sent: taken.sent,
        answer: taken.answer.as_deref().map(outlet::words),
        reports: way.reports.is_some(),
    };
    let input = Input::Taken { follows: way.reports.is_some() };
    let due = way.reports.map(|time| after(now, time));
    let all = |_: &AgencyCode| true;
    match attest(shared, leaving, &all, (input, due), |entry| {
        says(shared, Event::RelayToNonERDS, entry, &outside, None, now)
    })
    .await
    {
        Ok(()) => Call::All,
        Err(error) => Call::OurFault(error),
    }
}

/// The system will not have it, or not for some of the recipients.
async fn turn_away(
    shared: &Shared,
    way: &WayOut,
    leaving: &Leaving,
    (turned, sent): (&TurnedAway, Option<Digest>),
) -> Call {
    let now = shared.clock.now();
    let here: Vec<&AgencyCode> = leaving.dispatch.consignments.iter().map(|one| &one.recipient).collect();
    let named = turned.recipients.iter().any(|code| here.contains(&code));
    // Nobody that we know of: it is the packet as a whole.
    let meant = |code: &AgencyCode| !named || turned.recipients.contains(code);
    let words = outlet::words(&format!("{} {}", turned.code, turned.words));
    tracing::warn!(outlet = %way.name, doc_id = %leaving.dispatch.doc_id, answer = %words, "a system outside refuses a document");
    let outside = Outside { system: way.name.clone(), id: None, sent, answer: Some(words.clone()), reports: false };
    let reason = Some(reason(&findings::TURNED_AWAY, &way.name, &words));
    let receipt = |entry: Entry<'_>| says(shared, Event::RelayToNonERDSFailure, entry, &outside, reason.clone(), now);
    match attest(shared, leaving, &meant, (Input::TurnedAway, None), receipt).await {
        Ok(()) if here.into_iter().all(meant) => Call::All,
        Ok(()) => Call::Some,
        Err(error) => Call::OurFault(error),
    }
}

/// A consignment and the last receipt of its chain.
type Entry<'a> = (ConsignmentId, &'a AgencyCode, &'a Sealed);

/// Makes the receipts of those meant, and moves them.
async fn attest(
    shared: &Shared,
    leaving: &Leaving,
    meant: &(dyn Fn(&AgencyCode) -> bool + Sync),
    (input, due): (Input, Option<Instant>),
    receipt: impl Fn(Entry<'_>) -> Result<Sealed, String>,
) -> Result<(), String> {
    let mut attested = Vec::new();
    for (one, head) in leaving.dispatch.consignments.iter().zip(&leaving.heads).filter(|(one, _)| meant(&one.recipient))
    {
        attested.push(Attested { id: one.id, input, receipt: receipt((one.id, &one.recipient, head))?, due });
    }
    let asked = attested.len();
    let ended = shared.store.attest(attested).await.map_err(|error| error.to_string())?;
    if ended.len() < asked {
        // Its deadline struck meanwhile. The receipt of that says that it may be outside.
        let (doc_id, late) = (leaving.dispatch.doc_id, asked - ended.len());
        tracing::error!(%doc_id, late, ?input, "an answer came after its consignment had ended here, and moves nothing");
    }
    tell_hops_before(shared, &ended);
    Ok(())
}

fn tell_hops_before(shared: &Shared, ended: &[Ended]) {
    for previous in ended.iter().filter_map(|ended| ended.previous_hop.as_ref()) {
        if let Some(bells) = shared.bells.get(previous) {
            bells.receipts.notify_one();
        }
    }
}

/// This hop's receipt of what a system outside did or said.
fn says(
    shared: &Shared,
    event: Event,
    (id, recipient, head): Entry<'_>,
    outside: &Outside,
    reason: Option<Reason>,
    now: Instant,
) -> Result<Sealed, String> {
    let receipt = Receipt {
        event,
        hop: shared.hop.clone(),
        time: now,
        consignment: Some(id),
        recipient: Some(recipient.clone()),
        consignments: Vec::new(),
        previous: Some(head.digest),
        credential: None,
        checks: None,
        reason,
        outside: Some(outside.clone()),
        ..Receipt::clone(&head.receipt)
    };
    seal(receipt, shared.signer.as_ref()).map_err(|error| error.to_string())
}

fn reason(kind: &'static Kind, system: &HopName, words: &str) -> Reason {
    Reason {
        code: kind.code.to_owned(),
        text: format!("{} {} ({system}: {words})", kind.title.vi, kind.fix.vi),
        text_en: Some(format!("{} {} ({system}: {words})", kind.title.en, kind.fix.en)),
        whose_turn: kind.blame,
    }
}

fn refusal(cause: RefusalCause) -> Refusal {
    Refusal { cause, findings: Vec::new(), receipt: None }
}

#[async_trait]
impl Reports for Delivery {
    async fn awaited(&self, outlet: &HopName, after: i64, limit: usize) -> Result<Vec<Awaited>, Refusal> {
        self.shared.store.awaited(outlet, after, limit).await.map_err(|error| {
            tracing::error!(%error, %outlet, "what a system outside has cannot be read; it is asked later");
            refusal(RefusalCause::Unavailable)
        })
    }

    async fn report(&self, outlet: &HopName, report: Report) -> Result<usize, Refusal> {
        let shared = &self.shared;
        if !self.outlets.contains_key(outlet) {
            return Err(refusal(RefusalCause::NotFound));
        }
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, %outlet, "a report could not be kept; it has to come again");
            refusal(RefusalCause::Unavailable)
        };
        let id = outlet::words(&report.id);
        let abroad = shared.store.abroad(outlet, &id, report.recipient.as_ref()).await;
        let abroad = abroad.map_err(|error| unavailable(&error))?;
        let words = report.words.as_deref().map(outlet::words).unwrap_or_default();
        let (event, reason) = match report.news {
            News::Received => (Event::ContentHandover, None),
            News::Refused => (Event::ConsignmentRejection, Some(reason(&findings::REFUSED_OUTSIDE, outlet, &words))),
            News::Undeliverable => {
                (Event::ContentHandoverFailure, Some(reason(&findings::UNDELIVERABLE_OUTSIDE, outlet, &words)))
            }
        };
        let outside = Outside {
            system: outlet.clone(),
            id: Some(id),
            sent: None,
            answer: Some(words).filter(|words| !words.is_empty()),
            reports: false,
        };
        let (now, input) = (shared.clock.now(), Input::Reported(report.news));
        let (watch, mut told) = (shared.traces.watch(), Vec::new());
        let mut attested = Vec::with_capacity(abroad.len());
        for one in &abroad {
            let receipt = says(shared, event, (one.id, &one.recipient, &one.head), &outside, reason.clone(), now);
            let receipt = receipt.map_err(|error| unavailable(&error))?;
            told.push(Arc::clone(&receipt.receipt));
            attested.push(Attested { id: one.id, input, receipt, due: None });
        }
        let ended = shared.store.attest(attested).await.map_err(|error| unavailable(&error))?;
        let fault = (report.news == News::Undeliverable).then_some("undeliverable");
        told.iter().for_each(|receipt| shared.traces.ended(watch, "report", receipt, fault));
        tell_hops_before(shared, &ended);
        Ok(ended.len())
    }
}
