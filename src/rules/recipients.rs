//! Whom a packet is for: every spelling of `To` read to one recipient for each agency.

use std::collections::HashMap;

use lienthong_contract::{AgencyCode, Finding, HopName, Kind};

use super::findings::{
    RECIPIENT_CLOSED, RECIPIENT_LOCKED, RECIPIENT_NOT_A_CODE, RECIPIENT_NOT_YET, RECIPIENT_SUCCEEDED,
    RECIPIENT_UNKNOWN, RECIPIENTS_MERGED, RESPONSE_FOR_MISSING, TOO_MANY_RECIPIENTS,
};
use super::{Context, place};
use crate::directory::{AgencyKey, Resolution};
use crate::edxml::model::TextAt;
use crate::edxml::{Document, StatusReport};

const TO: &str = "MessageHeader/To/OrganId";
const RESPONSE_FOR: &str = "MessageHeader/ResponseFor/OrganId";

/// One agency that a packet is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub key: AgencyKey,
    /// The code to route by: the canonical one of a known agency, otherwise the one written, in the new form.
    pub code: AgencyCode,
    /// Every spelling the packet used, to answer each peer in its own.
    pub written: Vec<String>,
    /// The closed agency that was addressed, when this one stands in for it.
    pub successor_of: Option<AgencyCode>,
    /// Stands in our directory.
    pub known: bool,
    /// The gateway whose mailbox serves it, where the directory says so.
    pub hop: Option<HopName>,
    /// Why it cannot be delivered to.
    pub blocked: Option<Finding>,
}

/// The recipients of a document: its `To`.
pub(super) fn of_document(ctx: &Context<'_>, document: &Document, findings: &mut Vec<Finding>) -> Vec<Recipient> {
    of_codes(ctx, document.to.iter().map(|organization| &organization.organ_id), findings)
}

/// The recipients that these codes of `To` name.
pub(super) fn of_codes<'a>(
    ctx: &Context<'_>,
    codes: impl ExactSizeIterator<Item = &'a TextAt>,
    findings: &mut Vec<Finding>,
) -> Vec<Recipient> {
    if codes.len() > ctx.limits.max_recipients {
        let finding = Finding::of(&TOO_MANY_RECIPIENTS).found(codes.len().to_string());
        findings.push(finding.element("MessageHeader/To").expected(format!("≤ {}", ctx.limits.max_recipients)));
        return Vec::new();
    }
    let mut recipients: Vec<Recipient> = Vec::new();
    let mut places: HashMap<AgencyKey, usize> = HashMap::new();
    for organ_id in codes {
        let Some(recipient) = read(ctx, organ_id, TO, findings) else { continue };
        let Some(first) = places.get(&recipient.key).and_then(|at| recipients.get_mut(*at)) else {
            places.insert(recipient.key.clone(), recipients.len());
            recipients.push(recipient);
            continue;
        };
        // The same spelling twice is remarked by the reader.
        if !first.written.contains(&organ_id.value) {
            let finding = Finding::of(&RECIPIENTS_MERGED).found(&organ_id.value).expected(first.written.join(", "));
            findings.push(place(finding, organ_id, TO));
            first.written.push(organ_id.value.clone());
        }
        // Addressed by a code in force as well: nobody stands in for anybody.
        if recipient.successor_of.is_none() {
            first.successor_of = None;
        }
    }
    recipients
}

/// The recipient of a status: the other party named in `ResponseFor`.
pub(super) fn of_status(ctx: &Context<'_>, report: &StatusReport, findings: &mut Vec<Finding>) -> Vec<Recipient> {
    match &report.response_for.organ_id {
        Some(organ_id) => read(ctx, organ_id, RESPONSE_FOR, findings).into_iter().collect(),
        None => {
            findings.push(place(Finding::of(&RESPONSE_FOR_MISSING), &report.status, RESPONSE_FOR));
            Vec::new()
        }
    }
}

/// The same where only these codes of `ResponseFor` are known.
pub(super) fn of_replies(ctx: &Context<'_>, codes: &[TextAt], findings: &mut Vec<Finding>) -> Vec<Recipient> {
    codes.iter().filter_map(|code| read(ctx, code, RESPONSE_FOR, findings)).collect()
}

/// One written code as a recipient. None when it is no code at all.
fn read(ctx: &Context<'_>, organ_id: &TextAt, element: &str, findings: &mut Vec<Finding>) -> Option<Recipient> {
    let told = |kind: &'static Kind| place(Finding::of(kind).found(&organ_id.value), organ_id, element);
    let Ok(code) = AgencyCode::parse(&organ_id.value) else {
        // A relay was given consignments for the others; this one is nobody's.
        if ctx.first_hop() {
            findings.push(told(&RECIPIENT_NOT_A_CODE));
        }
        return None;
    };
    let resolution = ctx.directory.resolve(&code, ctx.today());
    let key = resolution.key().clone();
    let mut recipient = Recipient {
        code: key.code().clone(),
        key,
        written: vec![organ_id.value.clone()],
        successor_of: None,
        known: true,
        hop: None,
        blocked: None,
    };
    match resolution {
        Resolution::Known(agency) => recipient.hop.clone_from(&agency.hop),
        Resolution::Successor { from, to } if ctx.forward_to_successor => {
            recipient.hop.clone_from(&to.hop);
            recipient.successor_of = Some(from.code.clone());
            findings.push(told(&RECIPIENT_SUCCEEDED).expected(named(&to.code, &to.name)));
        }
        Resolution::Successor { from, to } => {
            recipient.key = from.key.clone();
            recipient.code = from.code.clone();
            recipient.blocked = Some(told(&RECIPIENT_CLOSED).expected(named(&to.code, &to.name)));
        }
        Resolution::Split { candidates, .. } => {
            let names: Vec<String> = candidates.iter().map(|agency| named(&agency.code, &agency.name)).collect();
            recipient.blocked = Some(told(&RECIPIENT_CLOSED).expected(names.join("; ")));
        }
        Resolution::Closed(_) => recipient.blocked = Some(told(&RECIPIENT_CLOSED)),
        Resolution::NotYet(agency) => {
            let from = agency.valid_from.map(|date| format!("≥ {date}"));
            recipient.blocked = Some(told(&RECIPIENT_NOT_YET).expected(from.unwrap_or_default()));
        }
        Resolution::Locked(_) => recipient.blocked = Some(told(&RECIPIENT_LOCKED)),
        Resolution::Unknown { .. } => {
            recipient.known = false;
            if !ctx.routable.routable(&recipient.code) {
                recipient.blocked = Some(told(&RECIPIENT_UNKNOWN));
            }
        }
    }
    if ctx.first_hop() {
        findings.extend(recipient.blocked.clone());
    }
    Some(recipient)
}

/// An agency as a clerk knows it.
fn named(code: &AgencyCode, name: &str) -> String {
    format!("{code} ({name})")
}
