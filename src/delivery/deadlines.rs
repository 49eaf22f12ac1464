//! Deadlines: what this hop has in custody and could not pass on, or what nobody collected, ends here with a signed
//! receipt that says why, whose turn it is, and what was tried.
//!
//! The look is cheap (one index) and comes often; whether the consignment is still where it was is decided by the store
//! in the transaction that ends it. A gateway that was down at the moment ends it at its next start.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use lienthong_contract::{ConsignmentId, HopName, Instant, Kind};

use super::{Delivery, Shared, findings};
use crate::life::Way;
use crate::receipts::{Event, Outside, Reason, Receipt, Sealed, seal};
use crate::store::{Consign, LetGo, Overdue};

/// The most consignments ended in one look.
const AT_ONCE: usize = 256;

/// How long consignments have.
#[derive(Debug, Clone)]
pub struct Deadlines {
    /// From the moment a packet is taken in until it lies in a mailbox, by urgency.
    pub relay: Duration,
    pub relay_urgent: Duration,
    /// From lying in a mailbox until it is collected.
    pub collect: Duration,
    /// Neighbours that are given another time, normal and urgent.
    pub by_link: Vec<(HopName, Duration, Duration)>,
    /// How often is looked.
    pub look: Duration,
}

const HOUR: Duration = Duration::from_secs(3600);

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            relay: HOUR * 48,
            relay_urgent: HOUR * 4,
            collect: HOUR * 24 * 30,
            by_link: Vec::new(),
            look: Duration::from_secs(5),
        }
    }
}

impl Deadlines {
    /// When a consignment that is taken in now has to be with its recipient's gateway.
    #[must_use]
    pub fn to_relay(&self, now: Instant, next: &HopName, urgent: bool) -> Instant {
        let of_link = self.by_link.iter().find(|(hop, ..)| hop == next);
        let (normal, hurried) =
            of_link.map_or((self.relay, self.relay_urgent), |(_, normal, urgent)| (*normal, *urgent));
        after(now, if urgent { hurried } else { normal })
    }

    /// When a consignment that lies in a mailbox from now on has to be collected.
    #[must_use]
    pub fn to_collect(&self, now: Instant) -> Instant {
        after(now, self.collect)
    }
}

pub(super) fn after(now: Instant, time: Duration) -> Instant {
    Instant::from_millis(now.as_millis().saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

impl Shared {
    /// Makes the receipts of what the hop before let go of.
    pub(super) fn consign(self: &Arc<Self>) -> Consign {
        let shared = Arc::clone(self);
        Arc::new(move |offered: &LetGo| {
            let now = shared.clock.now();
            let receipt = Receipt {
                event: offered.event,
                time: now,
                previous: Some(offered.before.digest),
                checks: None,
                outside: None,
                reason: offered.event.is_negative().then(super::given_back::reason),
                ..Receipt::clone(&offered.before.receipt)
            };
            let sealed = seal(receipt, shared.signer.as_ref()).map_err(|error| error.to_string())?;
            Ok((sealed, Some(shared.settings.deadlines.to_collect(now))))
        })
    }
}

impl Delivery {
    /// Ends what is overdue, until stopped.
    pub(super) async fn watch_deadlines(self: Arc<Self>, stop: CancellationToken) {
        let every = self.shared.settings.deadlines.look;
        let mut given_back = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            // As long as a look is full there may be more.
            while self.end_overdue().await == AT_ONCE && !stop.is_cancelled() {}
            // What was under way when its recipient gave it back, and what a crash left.
            given_back = self.destroy_given_back_after(given_back).await;
        }
    }

    /// Ends what is overdue now; gives how many were.
    async fn end_overdue(&self) -> usize {
        let shared = &self.shared;
        let overdue = match shared.store.overdue(shared.clock.now(), AT_ONCE).await {
            Ok(overdue) => overdue,
            Err(error) => {
                tracing::error!(%error, "what is overdue cannot be read; it will be tried again");
                return 0;
            }
        };
        let mut ended = 0;
        for entry in overdue {
            let (id, recipient) = (entry.id, entry.recipient.clone());
            let event = match entry.way {
                Way::Mailbox => Event::ContentHandoverFailure,
                Way::Link => Event::RelayFailure,
                Way::Outlet if entry.abroad => Event::ContentHandoverFailure,
                Way::Outlet => Event::RelayToNonERDSFailure,
            };
            let watch = shared.traces.watch();
            let sealed = match seal(failure(&shared.hop, event, entry, shared.clock.now()), shared.signer.as_ref()) {
                Ok(sealed) => sealed,
                Err(error) => {
                    tracing::error!(%error, "a failure cannot be signed; it will be tried again");
                    return 0;
                }
            };
            let receipt = Arc::clone(&sealed.receipt);
            match self.end(id, sealed).await {
                Ok(true) => {
                    shared.traces.ended(watch, "deadline", &receipt, Some("deadline"));
                    ended += 1;
                    tracing::warn!(%id, %recipient, event = event.as_str(), "a consignment has ended at its deadline");
                }
                Ok(false) => {}
                // The others have a right to their end all the same.
                Err(error) => {
                    tracing::error!(%error, %id, "an overdue consignment could not be ended; it will be tried again");
                }
            }
        }
        ended
    }

    async fn end(&self, id: ConsignmentId, sealed: Sealed) -> crate::store::Result<bool> {
        let Some(ended) = self.shared.store.fail(id, sealed).await? else { return Ok(false) };
        self.settled(ended.settled.as_slice());
        if let Some(previous) = &ended.previous_hop {
            self.receipts_wait(previous);
        }
        Ok(true)
    }
}

fn failure(hop: &HopName, event: Event, entry: Overdue, now: Instant) -> Receipt {
    let (kind, tried) = match &entry.next_hop {
        None => (&findings::NOT_COLLECTED, entry.recipient.to_string()),
        Some(next) => match entry.way {
            Way::Outlet if entry.abroad => (&findings::NO_NEWS, format!("{next}: {}", entry.recipient)),
            Way::Outlet if entry.perhaps => (&findings::PERHAPS_OUTSIDE, tried(next, &entry)),
            Way::Outlet => (&findings::NOT_PASSED_OUT, tried(next, &entry)),
            Way::Mailbox | Way::Link => (&findings::NOT_RELAYED, tried(next, &entry)),
        },
    };
    let before = entry.head.receipt.outside.as_ref().filter(|_| entry.abroad);
    let outside = entry.next_hop.clone().filter(|_| entry.way == Way::Outlet).map(|system| Outside {
        system,
        id: before.and_then(|outside| outside.id.clone()),
        sent: None,
        answer: None,
        reports: false,
    });
    Receipt {
        event,
        hop: hop.clone(),
        time: now,
        consignment: Some(entry.id),
        recipient: Some(entry.recipient),
        consignments: Vec::new(),
        previous: Some(entry.head.digest),
        credential: None,
        checks: None,
        reason: Some(reason(kind, entry.due, &tried)),
        outside,
        ..Receipt::clone(&entry.head.receipt)
    }
}

/// The errors themselves stay in the log: they may name what the sender has no business to know.
fn tried(next: &HopName, entry: &Overdue) -> String {
    match entry.attempts {
        0 if entry.way == Way::Outlet && !entry.perhaps => format!("{next}: chưa gửi lần nào — not sent yet"),
        0 if entry.way == Way::Outlet => format!("{next}: đã gửi, chưa có trả lời — sent, no answer"),
        0 => format!("{next}: đã gửi, chưa có biên nhận — sent, no receipt"),
        attempts => format!("{next}: {attempts} lần gửi lỗi — failed attempts"),
    }
}

fn reason(kind: &'static Kind, due: Instant, tried: &str) -> Reason {
    Reason {
        code: kind.code.to_owned(),
        text: format!("{} {} (hạn {due}; {tried})", kind.title.vi, kind.fix.vi),
        text_en: Some(format!("{} {} (due {due}; {tried})", kind.title.en, kind.fix.en)),
        whose_turn: kind.blame,
    }
}
