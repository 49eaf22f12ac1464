//! What a caller says beside its packet: who sends it, and to which of its recipients only.
//!
//! Both narrow, neither adds: a claim that the packet does not bear out refuses it. Bytes that were accepted once for
//! some recipients are not accepted again for others, and the caller hears that: an answer that looks like success while
//! somebody gets nothing would be a lost document.

use jiff::civil::Date;
use lienthong_contract::door::{Refusal, RefusalCause, Submission, Terms};
use lienthong_contract::{AgencyCode, Finding};

use super::examine::Examined;
use super::findings::{ACCEPTED_FOR_OTHERS, NOT_A_RECIPIENT, OTHER_SENDER_CLAIMED};
use crate::directory::{AgencyKey, Snapshot};
use crate::rules::Recipient;

/// Holds a packet to its caller's terms: leaves the recipients that are meant, with what was found about them. False when
/// it does not bear them out; the findings say why.
pub(super) fn hold_to(terms: &Terms, directory: &Snapshot, examined: &mut Examined, today: Date) -> bool {
    let mut borne_out = true;
    if let (Some(claimed), Some(sender)) = (&terms.from, &examined.sender) {
        let listed = directory.lookup(claimed).map(|agency| agency.key.clone());
        if listed.unwrap_or_else(|| AgencyKey::provisional(claimed)) != *sender {
            let finding = Finding::of(&OTHER_SENDER_CLAIMED).element("MessageHeader/From/OrganId");
            examined.findings.push(finding.found(claimed.as_str()).expected(sender.as_str()));
            borne_out = false;
        }
    }
    // Of a packet that could not be read so far, the recipients are not known.
    let Some(to) = terms.to.as_ref().filter(|_| examined.packet.is_some()) else { return borne_out };
    let means = |code: &AgencyCode, recipient: &Recipient| {
        recipient.written.iter().any(|written| AgencyCode::parse(written).is_ok_and(|written| written == *code))
            || *directory.resolve(code, today).key() == recipient.key
            || directory.lookup(code).is_some_and(|agency| agency.key == recipient.key)
    };
    for code in to.iter().filter(|code| !examined.recipients.iter().any(|recipient| means(code, recipient))) {
        let finding = Finding::of(&NOT_A_RECIPIENT).element("MessageHeader/To");
        examined.findings.push(finding.found(code.as_str()));
        borne_out = false;
    }
    let meant = |recipient: &Recipient| to.iter().any(|code| means(code, recipient));
    let (meant, others): (Vec<_>, Vec<_>) = examined.recipients.drain(..).partition(meant);
    let of_others: Vec<Finding> = others.into_iter().filter_map(|recipient| recipient.blocked).collect();
    examined.findings.retain(|finding| !of_others.contains(finding));
    examined.recipients = meant;
    borne_out
}

/// Looks whether an answer that was given before serves everybody asked for now.
pub(super) fn all_served(terms: &Terms, asked: &[AgencyCode], answer: Submission) -> Result<Submission, Refusal> {
    // Without terms the recipients are the packet's own, and the first answer stands however the directory has changed
    // since; only one that was narrowed then leaves somebody out.
    let narrowed = terms.to.is_some() || answer.consignments.len() < asked.len();
    if !answer.duplicate || !narrowed {
        return Ok(answer);
    }
    let left_out = |code: &&AgencyCode| !answer.consignments.iter().any(|served| served.recipient == **code);
    let finding = |code: &AgencyCode| {
        let finding = Finding::of(&ACCEPTED_FOR_OTHERS).element("MessageHeader/To").found(code.as_str());
        finding.expected(answer.doc_id.to_string())
    };
    let findings: Vec<Finding> = asked.iter().filter(left_out).map(finding).collect();
    if findings.is_empty() {
        return Ok(answer);
    }
    Err(Refusal { cause: RefusalCause::Conflict, findings, receipt: None })
}
