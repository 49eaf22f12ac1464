//! What the gateway's refusals are called in the protocols of the national axis' family.
//!
//! A finding has a code of its own; this table says which of the protocol's few it is answered with. Where a packet has
//! several faults, one answer must do: who may not call or send comes first, then whom it is for, then the file, and
//! what a second try may mend comes last.

use lienthong_contract::Finding;
use lienthong_contract::door::{Refusal, RefusalCause};

use self::code::{
    BAD_FORMAT, FILE_ERROR, INVALID, NO_SUCH_RECIPIENT, RECIPIENT_LOCKED, SENDER_NOT_REGISTERED, SYSTEM_ERROR,
    WRONG_SYSTEM,
};

/// The codes of the technical guide.
pub mod code {
    pub const OK: u8 = 0;
    pub const INVALID: u8 = 10;
    pub const WRONG_SYSTEM: u8 = 15;
    pub const NO_SUCH_RECIPIENT: u8 = 18;
    pub const SENDER_NOT_REGISTERED: u8 = 19;
    /// The only one that says: try again.
    pub const SYSTEM_ERROR: u8 = 20;
    pub const FILE_ERROR: u8 = 21;
    pub const BAD_FORMAT: u8 = 22;
    pub const RECIPIENT_LOCKED: u8 = 23;
}

/// The one text for a document that is not there, or not the caller's.
pub const NO_SUCH_DOCUMENT: &str = "Khong co van ban nay";

/// Findings, by code, that are answered otherwise than their room says, and every finding that a door meets
/// whose room says nothing.
const TABLE: &[(&str, u8)] = &[
    // Broken off, or not stored: the same bytes may come again.
    ("LT-INT-0001", SYSTEM_ERROR),
    ("LT-INT-0002", SYSTEM_ERROR),
    ("LT-RUL-0070", SYSTEM_ERROR),
    // No document, and no position.
    ("LT-INT-0009", INVALID),
    ("LT-INT-0015", INVALID),
    // A mailbox that is closed to the caller.
    ("LT-INT-0010", SENDER_NOT_REGISTERED),
    ("LT-INT-0014", SENDER_NOT_REGISTERED),
    // It has ended: otherwise, too late, given back, deleted.
    ("LT-INT-0011", INVALID),
    ("LT-INT-0012", INVALID),
    ("LT-INT-0019", INVALID),
    ("LT-FLW-0025", INVALID),
    ("LT-BOK-0010", INVALID),
];

/// The order in which one of several codes is chosen.
const ORDER: [u8; 8] = [
    WRONG_SYSTEM,
    SENDER_NOT_REGISTERED,
    NO_SUCH_RECIPIENT,
    RECIPIENT_LOCKED,
    INVALID,
    FILE_ERROR,
    BAD_FORMAT,
    SYSTEM_ERROR,
];

/// The protocol's code for a finding that refuses.
#[must_use]
pub fn of_finding(finding: &Finding, cause: RefusalCause) -> u8 {
    let listed = TABLE.iter().find(|(code, _)| *code == finding.code).map(|(_, code)| *code);
    listed.or_else(|| Some(finding.vxp).filter(|code| ORDER.contains(code))).unwrap_or_else(|| of_cause(cause))
}

const fn of_cause(cause: RefusalCause) -> u8 {
    match cause {
        RefusalCause::BadPacket => BAD_FORMAT,
        RefusalCause::Forbidden => SENDER_NOT_REGISTERED,
        RefusalCause::Conflict => BAD_FORMAT,
        RefusalCause::TooLarge | RefusalCause::NotFound | RefusalCause::Gone => INVALID,
        RefusalCause::Incomplete | RefusalCause::Unavailable => SYSTEM_ERROR,
    }
}

/// The code and the description of a refusal.
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> (u8, String) {
    if refusal.cause == RefusalCause::NotFound {
        return (INVALID, NO_SUCH_DOCUMENT.to_owned());
    }
    let coded = refusal.findings.iter().filter(|finding| finding.refuses());
    let coded: Vec<(u8, &Finding)> = coded.map(|finding| (of_finding(finding, refusal.cause), finding)).collect();
    let chosen = ORDER.into_iter().find(|code| coded.iter().any(|(other, _)| other == code));
    let Some(chosen) = chosen else {
        return (of_cause(refusal.cause), "Goi tin khong duoc tiep nhan".to_owned());
    };
    let mut told: Vec<(&Finding, Vec<String>)> = Vec::new();
    for (_, finding) in coded.iter().filter(|(code, _)| *code == chosen) {
        let place = place(finding);
        match told.iter_mut().find(|(first, _)| first.code == finding.code) {
            Some((_, places)) => places.extend(place),
            None => told.push((finding, place.into_iter().collect())),
        }
    }
    let sentences = told.iter().map(|(finding, places)| {
        let title = finding.title_vi.trim_end_matches('.');
        let places = if places.is_empty() { String::new() } else { format!(": {}", places.join(", ")) };
        format!("{title}{places} [{}]", finding.code)
    });
    (chosen, sentences.collect::<Vec<_>>().join("; "))
}

/// Where and what: the field, its place in the file, what stood there and what was expected.
fn place(finding: &Finding) -> Option<String> {
    let named = matches!(finding.vxp, NO_SUCH_RECIPIENT | SENDER_NOT_REGISTERED | RECIPIENT_LOCKED);
    if let (true, Some(found)) = (named, &finding.found) {
        let expected = finding.expected.as_ref().map(|expected| format!(" (can: {expected})")).unwrap_or_default();
        return Some(format!("{found}{expected}"));
    }
    let line = finding.line.map(|line| format!(" (dong {line})"));
    let element = finding.element.as_ref().map(|path| format!("{path}{}", line.clone().unwrap_or_default()));
    let found = finding.found.as_ref().map(|found| format!("= {found}"));
    let expected = finding.expected.as_ref().map(|expected| format!("can: {expected}"));
    let parts: Vec<String> = [element.or(line), found, expected].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
