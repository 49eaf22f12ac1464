//! Everything that can be said of a packet by looking at it: its model, its findings, who signed it.

use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, Digest, Finding, Instant, Severity};

use super::receive::{PacketBytes, Received};
use super::{Parts, findings};
use crate::directory::{Agency, AgencyKey, Requirement, Snapshot};
use crate::edxml::{Packet, Split, parse};
use crate::receipts::{Checks, Fact};
use crate::routing::Routes;
use crate::rules::schema::Schemas;
use crate::rules::{self, Door, Outcome, Recipient, Routable, Side, secrecy};
use crate::store::Route;
use crate::trust::xmldsig::{Bodies, CutRef, Signed, Spliced, Verdict, verify};
use crate::trust::{Purpose, TrustStore, xmldsig};

/// Most findings that are told of one packet.
const MAX_FINDINGS: usize = 200;

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
    /// A system outside the network, which vouches for nobody. `signed`: the directory's policy for the sender is asked for;
    /// otherwise what a signature is worth is told and asks for nothing.
    Outside { signed: bool },
    /// Nobody: we are asked what we would say.
    Preview,
}

/// What a packet is held against.
pub struct Against<'a> {
    pub directory: &'a Snapshot,
    pub routable: &'a dyn Routable,
    /// Whom packet signatures are traced to; none: that is not asked, and told as not checked.
    pub signers: Option<Arc<TrustStore>>,
    pub schemas: Option<Schemas<'a>>,
    pub forward_to_successor: bool,
}

impl fmt::Debug for Against<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Against").field("directory", &self.directory.digest()).finish_non_exhaustive()
    }
}

/// What is seen of a packet.
#[derive(Debug)]
pub struct Seen {
    /// Absent when the packet could not be read so far.
    pub packet: Option<Packet>,
    pub sender: Option<AgencyKey>,
    pub recipients: Vec<Recipient>,
    pub checks: Checks,
    pub findings: Vec<Finding>,
}

/// Looks at a packet. Computes and reads the spool; call it where blocking is allowed when the packet is spooled.
///
/// # Errors
/// Our own disk failed; then nothing is said about the packet.
pub(super) fn examine(parts: &Parts, received: Received, bearer: &Bearer, now: Instant) -> io::Result<Examined> {
    let Received { bytes, split } = received;
    let directory = parts.directory.snapshot();
    let routable = |code: &AgencyCode| routable(&directory, &parts.routes, code);
    let against = Against {
        directory: &directory,
        routable: &routable,
        signers: Some(parts.trust()),
        schemas: Some(Schemas { pool: &parts.schemas, strictness: parts.strictness }),
        forward_to_successor: parts.forward_to_successor,
    };
    let seen = look(&against, &split, &mut bytes.bodies()?, bearer, now)?;
    let Seen { packet, sender, recipients, checks, findings } = seen;
    Ok(Examined { bytes, digest: split.digest, size: split.size, packet, sender, recipients, checks, findings })
}

/// Whether a code that the directory does not list may be somebody's whom another gateway knows. Below an agency that is
/// served here, nobody else could know it: it is a slip of the pen, and the default route would only carry it round.
/// A link or an outlet that has just this branch as its prefix says otherwise.
pub fn routable(directory: &Snapshot, routes: &Routes, code: &AgencyCode) -> bool {
    !below_ours(directory, routes, code) && routes.route(code, None, None) != Route::Refused
}

/// Whether an unlisted code lies below an agency that is served here, and no link or outlet has that branch.
pub(super) fn below_ours(directory: &Snapshot, routes: &Routes, code: &AgencyCode) -> bool {
    let ours = directory.nearest_above(code).filter(|above| above.hop.as_ref() == Some(&routes.hop));
    let branched_off = |above: &Agency| {
        let prefixes = routes.links.iter().flat_map(|link| &link.prefixes);
        let prefixes = prefixes.chain(routes.outlets.iter().flat_map(|outlet| &outlet.prefixes));
        let within = |prefix: AgencyCode| code.to_new_form().is_under(&prefix) && prefix.is_under(above.key.code());
        prefixes.filter_map(|prefix| AgencyCode::parse(prefix).ok()).any(within)
    };
    !ours.is_none_or(branched_off)
}

/// Says everything that can be said of a packet: the one judgement behind every door, and behind `lienthong check`.
///
/// # Errors
/// The bodies could not be read; then nothing is said about the packet.
pub fn look(
    against: &Against<'_>,
    split: &Split,
    bodies: &mut dyn Bodies,
    bearer: &Bearer,
    now: Instant,
) -> io::Result<Seen> {
    let mut seen = look_at_all(against, split, bodies, bearer, now)?;
    if !seen.findings.is_empty() {
        rules::one_for_each_cause(&mut seen.findings);
        limit(&mut seen.findings);
    }
    Ok(seen)
}

/// What can be said of a packet some of whose attachments are damaged, so that its signature cannot be looked at: `split`
/// is of the packet with the contents of its attachments left blank.
#[must_use]
pub fn look_at_words(against: &Against<'_>, split: &Split, now: Instant) -> Vec<Finding> {
    let ctx = context(against, &Bearer::Preview, now);
    let mut told = match parse(split) {
        Ok(parsed) => {
            let Outcome { findings, secret, .. } = rules::check(&ctx, split, &parsed);
            let mut told = parsed.warnings;
            if secret {
                secrecy::redact(&mut told);
            }
            told.extend(findings);
            told.push(rules::not_judged(&[Side::Signature]));
            told
        }
        Err(mut told) => {
            let mut unread = rules::check_unread(&ctx, split, &told);
            if !unread.not_judged.contains(&Side::Signature) {
                unread.not_judged.push(Side::Signature);
            }
            told.extend(unread.findings);
            secrecy::guard(&split.skeleton, &mut told);
            told.push(rules::not_judged(&unread.not_judged));
            told
        }
    };
    rules::one_for_each_cause(&mut told);
    limit(&mut told);
    told
}

/// A packet with a fault in each of thousands of elements must not make an answer of megabytes. What refuses is kept
/// before what only remarks, so that the verdict stays what it was.
fn limit(told: &mut Vec<Finding>) {
    if told.len() <= MAX_FINDINGS {
        return;
    }
    let more = told.len() - MAX_FINDINGS;
    told.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    told.truncate(MAX_FINDINGS);
    told.push(Finding::of(&findings::MORE_FINDINGS).found(format!("+ {more}")));
}

fn look_at_all(
    against: &Against<'_>,
    split: &Split,
    bodies: &mut dyn Bodies,
    bearer: &Bearer,
    now: Instant,
) -> io::Result<Seen> {
    let mut seen = Seen {
        packet: None,
        sender: None,
        recipients: Vec::new(),
        checks: Checks {
            transport: Fact::Absent,
            packet_signature: Fact::NotChecked,
            attachment_signatures: Fact::NotChecked,
            signed_by: None,
        },
        // What the splitter remarked is among the reader's.
        findings: Vec::new(),
    };
    let parsed = match parse(split) {
        Ok(parsed) => parsed,
        Err(findings) => {
            seen.findings = findings;
            look_at_unread(against, split, bodies, &mut seen, bearer, now)?;
            secrecy::guard(&split.skeleton, &mut seen.findings);
            return Ok(seen);
        }
    };
    let outcome = rules::check(&context(against, bearer, now), split, &parsed);
    let mut warnings = parsed.warnings.clone();
    if outcome.secret {
        secrecy::redact(&mut warnings);
    }
    seen.findings.extend(warnings);
    seen.findings.extend(outcome.findings);
    seen.recipients = outcome.recipients;
    seen.sender = outcome.sender;
    let sender = seen.sender.as_ref().and_then(|key| against.directory.agency(key));
    judge_signature(against, split, bodies, &mut seen, (bearer, sender), now)?;
    judge_transport(against.directory, bearer, &mut seen, now);
    seen.packet = Some(parsed.packet);
    Ok(seen)
}

/// Looks at a packet that its reader refused, so that the sender is told of everything at once. A relay does not: what
/// another gateway has passed on is not mended by its sender's clerk.
fn look_at_unread(
    against: &Against<'_>,
    split: &Split,
    bodies: &mut dyn Bodies,
    seen: &mut Seen,
    bearer: &Bearer,
    now: Instant,
) -> io::Result<()> {
    if matches!(bearer, Bearer::Hop | Bearer::Outside { .. }) {
        return Ok(());
    }
    let unread = rules::check_unread(&context(against, bearer, now), split, &seen.findings);
    seen.findings.extend(unread.findings);
    if let Some(sender) = &unread.sender {
        let sender = against.directory.agency(sender);
        judge_signature(against, split, bodies, seen, (bearer, sender), now)?;
    }
    seen.findings.push(rules::not_judged(&unread.not_judged));
    Ok(())
}

fn context<'a>(against: &Against<'a>, bearer: &Bearer, now: Instant) -> rules::Context<'a> {
    let door = match bearer {
        Bearer::Agency(code) => match against.directory.lookup(code) {
            Some(agency) => Door::Agency(agency.key.clone()),
            None => Door::Stranger,
        },
        // Nobody out there mends a packet that left its sender: it is judged as a neighbour's is.
        Bearer::Hop | Bearer::Outside { .. } => Door::Relay,
        Bearer::Preview => Door::Preview,
    };
    rules::Context {
        directory: against.directory,
        now,
        door,
        forward_to_successor: against.forward_to_successor,
        routable: against.routable,
        schemas: against.schemas,
        limits: rules::Limits::default(),
    }
}

fn judge_transport(directory: &Snapshot, bearer: &Bearer, seen: &mut Seen, now: Instant) {
    let Bearer::Agency(code) = bearer else { return };
    let Some(sender) = &seen.sender else { return };
    let may = directory.lookup(code).is_some_and(|agency| directory.may_act_for(agency, sender, day(now)));
    seen.checks.transport = if may { Fact::Valid } else { Fact::Invalid };
}

/// The day in Vietnam.
fn day(now: Instant) -> Date {
    now.in_vietnam().date()
}

fn judge_signature(
    against: &Against<'_>,
    split: &Split,
    bodies: &mut dyn Bodies,
    seen: &mut Seen,
    (bearer, sender): (&Bearer, Option<&Agency>),
    now: Instant,
) -> io::Result<()> {
    let first_hop = !matches!(bearer, Bearer::Hop);
    let cuts: Vec<CutRef> = (split.skeleton.cuts.iter())
        .map(|cut| CutRef { at: cut.skeleton_offset, source_offset: cut.source_offset, source_len: cut.source_len })
        .collect();
    let input = Spliced { skeleton: &split.skeleton.bytes, cuts: &cuts };
    let verdict = match verify(&input, bodies) {
        Ok(verdict) => verdict,
        Err(xmldsig::Error::Body(error)) => return Err(error),
        Err(error) => return Err(io::Error::other(error)),
    };
    let asked = !matches!(bearer, Bearer::Hop | Bearer::Outside { signed: false });
    let required = asked && sender.is_none_or(|agency| agency.policy.packet_signature == Requirement::Required);
    let (fact, signed_by, mut found) = match verdict {
        Verdict::Absent => (Fact::Absent, None, Vec::new()),
        Verdict::Dummy { .. } => (Fact::Placeholder, None, Vec::new()),
        Verdict::Invalid(problem) => (Fact::Invalid, None, vec![problem.finding()]),
        Verdict::Valid(signed) if first_hop => judge_signer(against, &signed, sender, bearer, now),
        Verdict::Valid(signed) => judge_at_relay(against, &signed, now),
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
    seen.checks.packet_signature = fact;
    seen.checks.signed_by = signed_by;
    seen.findings.extend(found);
    Ok(())
}

/// A relay says "valid" of a signature only when its own roots lead to the certificate. Otherwise that is left open:
/// the first hop, which knows the sender, has judged it and answers for that in its receipt.
fn judge_at_relay(against: &Against<'_>, signed: &Signed, now: Instant) -> (Fact, Option<Digest>, Vec<Finding>) {
    let fingerprint = Digest::of(&signed.certificate_der);
    let checked = against
        .signers
        .as_ref()
        .map(|signers| signers.check(&signed.certificate_der, &signed.intermediates, Purpose::PacketSigning, now));
    match checked {
        Some(Ok(facts)) => (Fact::Valid, Some(fingerprint), facts.findings()),
        Some(Err(problem)) => (Fact::Pending, Some(fingerprint), vec![problem.finding()]),
        None => (Fact::Pending, Some(fingerprint), Vec::new()),
    }
}

/// A mathematically valid signature counts only when its certificate is trusted now and belongs to the sender.
fn judge_signer(
    against: &Against<'_>,
    signed: &Signed,
    sender: Option<&Agency>,
    bearer: &Bearer,
    now: Instant,
) -> (Fact, Option<Digest>, Vec<Finding>) {
    let fingerprint = Digest::of(&signed.certificate_der);
    let Some(signers) = &against.signers else { return (Fact::Pending, Some(fingerprint), Vec::new()) };
    let checked = signers.check(&signed.certificate_der, &signed.intermediates, Purpose::PacketSigning, now);
    let facts = match checked {
        Ok(facts) => facts,
        Err(problem) => return (Fact::Invalid, Some(fingerprint), vec![problem.finding()]),
    };
    if matches!(bearer, Bearer::Preview) && against.directory.is_empty() {
        // Asked without a directory: nobody can say whose certificate it is.
        return (Fact::Pending, Some(fingerprint), facts.findings());
    }
    let shown = || format!("{}, {fingerprint}", facts.subject);
    let Some(owner) = against.directory.by_signing_certificate(&fingerprint) else {
        let finding = Finding::of(&findings::SIGNER_UNKNOWN).found(shown());
        // Whose certificates there are outside the network no directory here says: nothing is wrong with the signature.
        let fact = if matches!(bearer, Bearer::Outside { .. }) { Fact::Pending } else { Fact::Invalid };
        return (fact, Some(fingerprint), vec![finding]);
    };
    if !sender.is_some_and(|sender| against.directory.may_act_for(owner, &sender.key, day(now))) {
        let finding = Finding::of(&findings::SIGNER_OTHER).found(format!("{} ({})", owner.code, owner.name));
        return (Fact::Invalid, Some(fingerprint), vec![finding]);
    }
    (Fact::Valid, Some(fingerprint), facts.findings())
}

#[cfg(test)]
mod tests;
