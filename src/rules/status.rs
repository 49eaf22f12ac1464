//! Whether a status packet makes sense. Done once, by the first hop; a relay repeats none of it. Whether the status
//! follows from what is known of the document (13 from its sender only, no answer without a question) is for those
//! who keep documents: here only the packet itself is seen. Codes of no list are passed on with the reader's warning.

use lienthong_contract::Finding;

use super::findings::{
    REASON_TOO_LONG, REFUSAL_WITHOUT_REASON, STATUS_CLOCK_AHEAD, STATUS_IN_FUTURE, TAKE_BACK_WITHOUT_REASON,
};
use super::{Context, place};
use crate::edxml::StatusReport;
use crate::edxml::model::StatusCode;

const DESCRIPTION: &str = "MessageHeader/Description";
const TIMESTAMP: &str = "MessageHeader/Timestamp";

pub(super) fn check(ctx: &Context<'_>, report: &StatusReport, findings: &mut Vec<Finding>) {
    if !ctx.first_hop() {
        return;
    }
    let status = &report.status;
    match (&report.description, &status.value) {
        (None, StatusCode::Refused) => {
            findings.push(place(Finding::of(&REFUSAL_WITHOUT_REASON), status, DESCRIPTION));
        }
        (None, StatusCode::TakeBackRequested) => {
            findings.push(place(Finding::of(&TAKE_BACK_WITHOUT_REASON), status, DESCRIPTION));
        }
        (Some(text), _) if text.value.chars().count() > ctx.limits.max_reason_chars => {
            let finding = Finding::of(&REASON_TOO_LONG).found(text.value.chars().count().to_string());
            findings.push(place(finding.expected(format!("≤ {}", ctx.limits.max_reason_chars)), text, DESCRIPTION));
        }
        _ => {}
    }
    check_time(ctx, report, findings);
}

fn check_time(ctx: &Context<'_>, report: &StatusReport, findings: &mut Vec<Finding>) {
    // A missing time is remarked by the reader.
    let Some(time) = &report.timestamp else { return };
    let tolerated = ctx.now.plus_millis(ctx.limits.clock_tolerance_millis);
    if time.value <= tolerated {
        return;
    }
    let kind = if time.value.in_vietnam().date() > ctx.today() { &STATUS_IN_FUTURE } else { &STATUS_CLOCK_AHEAD };
    let finding = Finding::of(kind).found(time.value.to_string()).expected(format!("≤ {}", ctx.now));
    findings.push(place(finding, time, TIMESTAMP));
}
