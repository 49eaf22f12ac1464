//! What a packet must satisfy before the gateway answers for it: who may send it, whom it is for, whether what it says
//! makes sense, and that it is no state secret.
//!
//! The rules are pure: they look at one packet, one snapshot of the directory and the time they are handed, and give
//! findings and the list of recipients. Invariants: a packet that one finding refuses is taken by no door; one agency
//! is one recipient, whatever spellings the packet used; the check for state secrets runs at every hop and nothing
//! switches it off. Nothing is stored here, so a crash here loses nothing.

mod causes;
mod document;
pub mod findings;
mod marks;
mod recipients;
pub mod schema;
pub mod secrecy;
mod sender;
mod status;
#[cfg(test)]
mod tests;
mod unread;

use std::fmt;

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, Finding, Instant};
use lienthong_schemas::PacketKind;

pub use causes::one_for_each_cause;
pub use recipients::Recipient;
pub use schema::{Schemas, Strictness};
pub use unread::{Side, Unread, check_unread, not_judged};

use crate::directory::{AgencyKey, Snapshot};
use crate::edxml::{Located, Packet, Parsed, Split};

/// Whether some other hop may take what our directory does not know: by code prefix or by default.
pub trait Routable {
    fn routable(&self, code: &AgencyCode) -> bool;
}

impl<F: Fn(&AgencyCode) -> bool> Routable for F {
    fn routable(&self, code: &AgencyCode) -> bool {
        self(code)
    }
}

/// How the packet came to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// Handed in by a system whose identity belongs to this agency: we are the first hop.
    Agency(AgencyKey),
    /// Handed in by a system that belongs to no agency: always refused.
    Stranger,
    /// From another gateway, which has checked the sender and answers for that.
    Relay,
    /// Only asked what we would say; the right to speak for the sender is not looked at.
    Preview,
}

/// How much of anything is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Every recipient is a consignment with receipts of its own; the largest circulars go to all communes of a
    /// province and its departments.
    pub max_recipients: usize,
    /// Longest reason in a status packet, in characters (rule of a ministry product that others follow).
    pub max_reason_chars: usize,
    /// How far a clock may be ahead before the sender is told, in milliseconds.
    pub clock_tolerance_millis: i64,
    /// Age in days from which a document is remarked as very old.
    pub old_days: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_recipients: 500, max_reason_chars: 1_000, clock_tolerance_millis: 10 * 60_000, old_days: 3 * 365 }
    }
}

/// What the rules are told besides the packet.
pub struct Context<'a> {
    pub directory: &'a Snapshot,
    pub now: Instant,
    pub door: Door,
    /// Deliver to the one successor of a closed agency; otherwise refuse and name it.
    pub forward_to_successor: bool,
    pub routable: &'a dyn Routable,
    pub limits: Limits,
    /// The schemas to validate against. A relay does not ask them again; none: they are not asked at all.
    pub schemas: Option<Schemas<'a>>,
}

impl Context<'_> {
    /// The current day in Vietnam.
    fn today(&self) -> Date {
        self.now.in_vietnam().date()
    }

    /// We are the first gateway that sees the packet, or are asked as if we were.
    fn first_hop(&self) -> bool {
        self.door != Door::Relay
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("directory", &self.directory.digest())
            .field("now", &self.now)
            .field("door", &self.door)
            .field("forward_to_successor", &self.forward_to_successor)
            .field("limits", &self.limits)
            .field("schemas", &self.schemas)
            .finish_non_exhaustive()
    }
}

/// What the rules say of a packet. The reader's own warnings ([`Parsed::warnings`]) are not repeated.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub findings: Vec<Finding>,
    /// One for each agency, in the order of the packet; also those that cannot be delivered to.
    pub recipients: Vec<Recipient>,
    /// Who sends it; none when From holds no code.
    pub sender: Option<AgencyKey>,
    /// Carries a secrecy mark: no byte of it may be kept, and the reader's warnings may be told only after
    /// [`secrecy::redact`].
    pub secret: bool,
}

impl Outcome {
    /// True when the packet as a whole must not be taken.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.findings.iter().any(Finding::refuses)
    }
}

/// Checks a packet.
///
/// At the first hop a recipient that cannot be delivered to refuses the whole packet. A relay answers only for the
/// consignments it was given: there such a finding stands in [`Recipient::blocked`] alone.
#[must_use]
pub fn check(ctx: &Context<'_>, split: &Split, parsed: &Parsed) -> Outcome {
    let mut findings = Vec::new();
    if let Some(schemas) = ctx.schemas.filter(|_| ctx.first_hop()) {
        let kind = match parsed.packet {
            Packet::Document(_) => PacketKind::Document,
            Packet::Status(_) => PacketKind::Status,
        };
        findings.extend(schemas.check(split, kind, ctx.today()));
    }
    let sender = sender::check(ctx, &parsed.packet, &mut findings);
    let mut recipients = match &parsed.packet {
        Packet::Document(document) => {
            document::check(ctx, document, split, &mut findings);
            recipients::of_document(ctx, document, &mut findings)
        }
        Packet::Status(report) => {
            status::check(ctx, report, &mut findings);
            recipients::of_status(ctx, report, &mut findings)
        }
    };
    if let Some(sender) = sender.as_ref().filter(|_| ctx.first_hop()) {
        keep_apart(ctx, sender, &recipients, &mut findings);
    }
    let secret = secrecy::guard(&split.skeleton, &mut findings);
    if secret {
        recipients.iter_mut().filter_map(|recipient| recipient.blocked.as_mut()).for_each(|f| f.found = None);
    }
    Outcome { findings, recipients, sender, secret }
}

/// What agencies for tests exchange is hidden from people, so nothing else may be mixed with it.
fn keep_apart(ctx: &Context<'_>, sender: &AgencyKey, recipients: &[Recipient], findings: &mut Vec<Finding>) {
    let marked = |key: &AgencyKey| ctx.directory.agency(key).is_some_and(|agency| agency.canary);
    let test = marked(sender);
    if let Some(other) = recipients.iter().find(|recipient| marked(&recipient.key) != test) {
        let finding = Finding::of(&findings::TEST_AGENCY).element("MessageHeader/To/OrganId");
        findings.push(finding.found(other.code.as_str()).expected(sender.as_str()));
    }
}

/// Puts a finding at the place a value was read from.
fn place<T>(finding: Finding, value: &Located<T>, element: &str) -> Finding {
    let finding = finding.element(element);
    if value.line == 0 { finding } else { finding.at(value.line, value.column) }
}
