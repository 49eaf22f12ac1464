//! Who sends the packet, and whether the connection it came through may send it for them.

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, Finding, Kind};

use super::findings::{
    IDENTITY_UNKNOWN, NOT_YOUR_AGENCY, SENDER_CLOSED, SENDER_LOCKED, SENDER_NOT_A_CODE, SENDER_SUCCEEDED,
    SENDER_UNKNOWN,
};
use super::{Context, Door, place};
use crate::directory::{AgencyKey, Resolution, Validity};
use crate::edxml::Packet;
use crate::edxml::model::TextAt;

const ELEMENT: &str = "MessageHeader/From/OrganId";

/// Checks `From`. A relay only reads it: the first hop has checked it against its own directory.
pub(super) fn check(ctx: &Context<'_>, packet: &Packet, findings: &mut Vec<Finding>) -> Option<AgencyKey> {
    check_written(ctx, &packet.from().organ_id, day_of(packet), findings)
}

/// The same for a code of which only this is known: as it was written, and the day the packet speaks of.
pub(super) fn check_written(
    ctx: &Context<'_>,
    written: &TextAt,
    issued: Option<Date>,
    findings: &mut Vec<Finding>,
) -> Option<AgencyKey> {
    let told = |kind: &'static Kind| place(Finding::of(kind).found(&written.value), written, ELEMENT);
    let Ok(code) = AgencyCode::parse(&written.value) else {
        if ctx.first_hop() {
            findings.push(told(&SENDER_NOT_A_CODE));
        }
        return None;
    };
    let resolution = ctx.directory.resolve(&code, ctx.today());
    let key = ctx.directory.lookup(&code).map_or_else(|| resolution.key().clone(), |agency| agency.key.clone());
    if !ctx.first_hop() {
        return Some(key);
    }
    let issued = issued.unwrap_or_else(|| ctx.today());
    match &resolution {
        Resolution::Known(_) => {}
        Resolution::Successor { to, .. } => findings.push(told(&SENDER_SUCCEEDED).expected(to.code.as_str())),
        // Closed without one successor: what it issued in its time may still be on its way.
        Resolution::Split { from, .. } | Resolution::Closed(from) if from.validity(issued) == Validity::Open => {
            findings.push(told(&SENDER_SUCCEEDED));
        }
        Resolution::Split { .. } | Resolution::Closed(_) | Resolution::NotYet(_) => {
            findings.push(told(&SENDER_CLOSED));
        }
        Resolution::Locked(_) => findings.push(told(&SENDER_LOCKED)),
        Resolution::Unknown { .. } => {
            findings.push(told(&SENDER_UNKNOWN));
            return Some(key);
        }
    }
    match &ctx.door {
        Door::Stranger => findings.push(told(&IDENTITY_UNKNOWN)),
        Door::Agency(identity) => match ctx.directory.agency(identity) {
            None => findings.push(told(&IDENTITY_UNKNOWN)),
            Some(who) if who.locked => findings.push(told(&SENDER_LOCKED).found(who.code.as_str())),
            // A successor finishes the business of the agency it took over.
            Some(who) if ctx.directory.may_act_for(who, &key, ctx.today()) => {}
            Some(who) => findings.push(told(&NOT_YOUR_AGENCY).expected(who.code.as_str())),
        },
        Door::Relay | Door::Preview => {}
    }
    Some(key)
}

/// The day the packet speaks of.
fn day_of(packet: &Packet) -> Option<Date> {
    match packet {
        Packet::Document(document) => Some(document.promulgation.date.value),
        Packet::Status(report) => report.timestamp.as_ref().map(|time| time.value.in_vietnam().date()),
    }
}
