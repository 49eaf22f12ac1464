//! Everything that can be said of a packet by looking at it: its model, its findings, who signed it.

use lienthong_contract::{AgencyCode, Digest, Finding, Instant, Severity};

use super::receive::{PacketBytes, Received};
use super::{Parts, findings};
use crate::directory::{Agency, AgencyKey, Requirement, Snapshot};
use crate::edxml::{Packet, Split, parse};
use crate::receipts::{Checks, Fact};
use crate::rules::schema::Schemas;
use crate::rules::{self, Door, Recipient, Routable, secrecy};
use crate::store::Route;
use crate::trust::xmldsig::{CutRef, Signed, Spliced, Verdict, verify};
use crate::trust::{Purpose, xmldsig};

/// A packet that was looked at from all sides.
#[derive(Debug)]
pub struct Examined {
    pub bytes: PacketBytes,
    pub digest: Digest,
    pub size: u64,
    /// Absent when the packet could not be read so far.
    pub packet: Option<Packet>,
    pub sender: Option<AgencyKey>,
    pub recipients: Vec<Recipient>,
    pub checks: Checks,
    pub findings: Vec<Finding>,
}

impl Examined {
    pub fn refused(&self) -> bool {
        self.packet.is_none() || self.findings.iter().any(Finding::refuses)
    }
}

/// Who hands the packet over.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// A sender whose credential belongs to this agency.
    Agency(AgencyCode),
    /// A neighbouring hop, which has vouched for the sender in its own receipt.
    Hop,
}

/// Looks at a packet. Computes and reads the spool; call it where blocking is allowed when the packet is spooled.
///
/// # Errors
/// Our own disk failed; then nothing is said about the packet.
pub fn examine(parts: &Parts, received: Received, bearer: &Bearer, now: Instant) -> std::io::Result<Examined> {
    let Received { bytes, split } = received;
    let directory = parts.directory.snapshot();
    let mut examined = Examined {
        bytes,
        digest: split.digest,
        size: split.size,
        packet: None,
        sender: None,
        recipients: Vec::new(),
        checks: Checks {
            transport: Fact::Absent,
            packet_signature: Fact::NotChecked,
            attachment_signatures: Fact::NotChecked,
            signed_by: None,
        },
        findings: split.warnings.clone(),
    };
    let parsed = match parse(&split) {
        Ok(parsed) => parsed,
        Err(findings) => {
            examined.findings.extend(findings);
            secrecy::guard(&split.skeleton, &mut examined.findings);
            return Ok(examined);
        }
    };
    let first_hop = matches!(bearer, Bearer::Agency(_));
    let routable = |code: &AgencyCode| parts.routes.route(code, None, None) != Route::Refused;
    let outcome = rules::check(&context(parts, &directory, &routable, bearer, now), &split, &parsed);
    let mut warnings = parsed.warnings.clone();
    if outcome.secret {
        secrecy::redact(&mut warnings);
        secrecy::redact(&mut examined.findings);
    }
    examined.findings.extend(warnings);
    examined.findings.extend(outcome.findings);
    examined.recipients = outcome.recipients;
    examined.sender = outcome.sender;
    judge_signature(parts, &directory, &split, &mut examined, first_hop, now)?;
    judge_transport(&directory, bearer, &mut examined);
    examined.packet = Some(parsed.packet);
    Ok(examined)
}

fn context<'a>(
    parts: &'a Parts,
    directory: &'a Snapshot,
    routable: &'a dyn Routable,
    bearer: &Bearer,
    now: Instant,
) -> rules::Context<'a> {
    let door = match bearer {
        Bearer::Agency(code) => match directory.lookup(code) {
            Some(agency) => Door::Agency(agency.key.clone()),
            None => Door::Stranger,
        },
        Bearer::Hop => Door::Relay,
    };
    rules::Context {
        directory,
        now,
        door,
        forward_to_successor: parts.forward_to_successor,
        routable,
        schemas: Some(Schemas { pool: &parts.schemas, strictness: parts.strictness }),
        limits: rules::Limits::default(),
    }
}

fn judge_transport(directory: &Snapshot, bearer: &Bearer, examined: &mut Examined) {
    let Bearer::Agency(code) = bearer else { return };
    let Some(sender) = &examined.sender else { return };
    let may = directory.lookup(code).is_some_and(|agency| directory.may_speak_for(agency, sender));
    examined.checks.transport = if may { Fact::Valid } else { Fact::Invalid };
}

fn judge_signature(
    parts: &Parts,
    directory: &Snapshot,
    split: &Split,
    examined: &mut Examined,
    first_hop: bool,
    now: Instant,
) -> std::io::Result<()> {
    let cuts: Vec<CutRef> = (split.skeleton.cuts.iter())
        .map(|cut| CutRef { at: cut.skeleton_offset, source_offset: cut.source_offset, source_len: cut.source_len })
        .collect();
    let input = Spliced { skeleton: &split.skeleton.bytes, cuts: &cuts };
    let verdict = match verify(&input, &mut examined.bytes.bodies()?) {
        Ok(verdict) => verdict,
        Err(xmldsig::Error::Body(error)) => return Err(error),
        Err(error) => return Err(std::io::Error::other(error)),
    };
    let sender = examined.sender.as_ref().and_then(|key| directory.agency(key));
    let required = first_hop && sender.is_none_or(|agency| agency.policy.packet_signature == Requirement::Required);
    let (fact, signed_by, mut found) = match verdict {
        Verdict::Absent => (Fact::Absent, None, Vec::new()),
        Verdict::Dummy { .. } => (Fact::Placeholder, None, Vec::new()),
        Verdict::Invalid(problem) => (Fact::Invalid, None, vec![problem.finding()]),
        Verdict::Valid(signed) if first_hop => judge_signer(parts, directory, &signed, sender, now),
        Verdict::Valid(signed) => (Fact::Valid, Some(Digest::of(&signed.certificate_der)), Vec::new()),
    };
    if required && matches!(fact, Fact::Absent | Fact::Placeholder) {
        found.push(Finding::of(&findings::SIGNATURE_REQUIRED).element("edXMLHeader/Signature"));
    }
    if required && fact == Fact::Invalid {
        // What is only remarked elsewhere stops a sender that has to sign.
        found.iter_mut().for_each(|finding| finding.severity = Severity::Refuse);
    }
    if !required {
        // Nobody asked for a signature: a faulty one is told and recorded, and does not stop the document.
        let faulty = found.iter().any(Finding::refuses);
        found.iter_mut().for_each(|finding| finding.severity = Severity::Warning);
        if faulty {
            found.push(Finding::of(&findings::SIGNATURE_NOT_COUNTED).element("edXMLHeader/Signature"));
        }
    }
    examined.checks.packet_signature = fact;
    examined.checks.signed_by = signed_by;
    examined.findings.extend(found);
    Ok(())
}

/// A mathematically valid signature counts only when its certificate is trusted now and belongs to the sender.
fn judge_signer(
    parts: &Parts,
    directory: &Snapshot,
    signed: &Signed,
    sender: Option<&Agency>,
    now: Instant,
) -> (Fact, Option<Digest>, Vec<Finding>) {
    let fingerprint = Digest::of(&signed.certificate_der);
    let facts = match parts.trust().check(&signed.certificate_der, &signed.intermediates, Purpose::PacketSigning, now) {
        Ok(facts) => facts,
        Err(problem) => return (Fact::Invalid, Some(fingerprint), vec![problem.finding()]),
    };
    let shown = || format!("{}, {fingerprint}", facts.subject);
    let Some(owner) = directory.by_signing_certificate(&fingerprint) else {
        let finding = Finding::of(&findings::SIGNER_UNKNOWN).found(shown());
        return (Fact::Invalid, Some(fingerprint), vec![finding]);
    };
    if !sender.is_some_and(|sender| directory.may_speak_for(owner, &sender.key)) {
        let finding = Finding::of(&findings::SIGNER_OTHER).found(format!("{} ({})", owner.code, owner.name));
        return (Fact::Invalid, Some(fingerprint), vec![finding]);
    }
    (Fact::Valid, Some(fingerprint), facts.findings())
}
