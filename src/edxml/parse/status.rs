//! Status packets, in both their forms (`MessageHeader` with a status code, or `Status`).

use lienthong_contract::Finding;

use super::attachments::refuse_strays;
use super::fields::Element;
use super::organization::{organization, responses, staff};
use crate::edxml::findings;
use crate::edxml::model::{Located, ResponseFor, StatusCode, StatusReport};
use crate::edxml::split::Split;

/// Reads a status report; nothing when it cannot say who reports what of which document, which is refused here.
pub(super) fn read(root: &Element<'_>, message: &Element<'_>, split: &Split) -> Option<StatusReport> {
    message.expect_only(&["From", "ResponseFor", "StaffInfo", "StatusCode", "Description", "Timestamp"]);
    // No attachment belongs here, and what nobody looks at is not carried.
    refuse_strays(root, split, &[]);
    let from = message.child("From");
    if from.is_none() {
        message.missing(&findings::MISSING, "From/OrganId");
    }
    let from = from.and_then(|from| organization(&from));
    let response_for = response_for(message);
    let status = status_code(message);
    let (description, timestamp) = (message.text("Description"), message.time("Timestamp"));
    if message.child("Timestamp").is_none() {
        message.missing(&findings::RECOMMENDED, "Timestamp");
    }
    let staff = staff(message);
    Some(StatusReport { from: from?, response_for: response_for?, status: status?, description, timestamp, staff })
}

fn response_for(message: &Element<'_>) -> Option<ResponseFor> {
    let mut all = responses(message);
    if all.len() > 1 {
        let second = message.children("ResponseFor").pop();
        second.iter().for_each(|second| message.note(second.finding(&findings::REPEATED).expected("ResponseFor 1×")));
        return None;
    }
    let named = all.pop().filter(|response| response.document_id.is_some() || response.code.is_some());
    if named.is_none() {
        message.missing(&findings::MISSING, "ResponseFor/DocumentId");
    }
    named
}

fn status_code(message: &Element<'_>) -> Option<Located<StatusCode>> {
    let Some(text) = message.text("StatusCode") else {
        message.missing(&findings::MISSING, "StatusCode");
        return None;
    };
    let note = |kind, expected: &str| {
        let finding = Finding::of(kind).at(text.line, text.column).element(format!("{}/StatusCode", message.path));
        message.note(finding.found(&text.value).expected(expected));
    };
    if !text.value.bytes().all(|byte| byte.is_ascii_digit()) {
        note(&findings::BAD_NUMBER, "01–06, 13, 15, 16");
        return None;
    }
    let status = StatusCode::from_code(&text.value);
    if text.value.len() == 1 {
        note(&findings::STATUS_PADDED, status.code());
    }
    if matches!(status, StatusCode::Other(_)) {
        note(&findings::UNLISTED_CODE, "01–06, 13, 15, 16");
    }
    Some(text.map(|_| status))
}
