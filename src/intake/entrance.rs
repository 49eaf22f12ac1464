//! From outside the network: a packet that a system without receipts has for agencies here.
//!
//! This hop is the first that signs anything of it, so the chain begins here, with ReceivedFromNonERDS: which system, by
//! what name, with what words. What that system checked is not known; its packets are judged as a neighbour's are, and
//! who sent them is believed only as far as it cannot be somebody of this network.
//!
//! Invariants: an answer is given only when packet, consignments and receipt are on disk, so the adapter may acknowledge
//! then; the same name gives the same answer; a recipient that the outside system reaches by itself gets nothing from here.
//!
//! Failure story: a crash before the commit leaves nothing, and the system outside still has the packet; one after it costs
//! a repetition, which gets the first answer. A refusal is recorded before it is given.

use async_trait::async_trait;

use lienthong_contract::door::{Identity, Refusal, RefusalCause, Submission, Terms, Upload};
use lienthong_contract::outlet::{self, Entrance, Fetched, MAX_WORDS};
use lienthong_contract::{AgencyCode, Digest, Finding, HopName, Instant, Severity};

use super::examine::{Bearer, Examined, below_ours};
use super::flows::{Handed, Spoken};
use super::receive::{NotReceived, receive};
use super::submit::into_refusal;
use super::{Intake, findings, meter, terms};
use crate::flows::findings::TARGET_NOT_RECEIVED;
use crate::receipts::Outside;
use crate::rules::findings::SECRECY_MARK;
use crate::rules::secrecy;
use crate::store::outlets::Entered;
use crate::store::{Accepted, RefusalRecord, Route};
use crate::trust::xmldsig::findings::{WRONG_DIGEST, WRONG_SIGNATURE_VALUE};

/// Where a packet came from, when that is outside the network.
#[derive(Debug)]
pub(super) struct Came {
    pub outside: Outside,
    pub entered: Entered,
    credential: String,
}

impl Came {
    /// None when the system gave it no name that can be kept.
    fn new(system: &HopName, fetched: &Fetched) -> Option<Self> {
        let name = outlet::words(&fetched.id);
        if name.is_empty() || fetched.id.chars().count() > MAX_WORDS {
            return None;
        }
        let outside = Outside {
            system: system.clone(),
            id: Some(name.clone()),
            sent: None,
            answer: fetched.words.as_deref().map(outlet::words).filter(|words| !words.is_empty()),
            reports: false,
        };
        let entered = Entered { outlet: system.clone(), name };
        Some(Self { outside, entered, credential: outlet::words(&fetched.credential) })
    }
}

/// What is told of a packet that is not taken.
struct Told {
    cause: RefusalCause,
    sender: Option<AgencyCode>,
    digest: Option<Digest>,
    size: u64,
    findings: Vec<Finding>,
}

impl Told {
    fn of(examined: &Examined, cause: RefusalCause, findings: Vec<Finding>) -> Self {
        let sender = examined.sender.as_ref().map(|key| key.code().clone());
        Self { cause, sender, digest: Some(examined.digest), size: examined.size, findings }
    }
}

#[async_trait]
impl Entrance for Intake {
    async fn enter(&self, outlet: &HopName, fetched: Fetched, upload: Upload) -> Result<Submission, Refusal> {
        let (upload, watched) = meter::watch(upload);
        let watch = self.parts.traces.watch();
        let answer = self.come_in(outlet, fetched, upload).await;
        self.meter.note(meter::OUTLET, &watched, &answer);
        self.parts.traces.handed_in(watch, meter::OUTLET, &answer);
        answer
    }
}

impl Intake {
    async fn come_in(&self, outlet: &HopName, fetched: Fetched, upload: Upload) -> Result<Submission, Refusal> {
        let parts = &self.parts;
        let Some(signed) = parts.entrances.get(outlet).copied() else {
            return Err(Refusal { cause: RefusalCause::NotFound, findings: Vec::new(), receipt: None });
        };
        let Some(came) = Came::new(outlet, &fetched) else {
            let finding = Finding::of(&findings::OUTSIDE_WITHOUT_NAME).found(outlet.as_str());
            return Err(Refusal { cause: RefusalCause::Forbidden, findings: vec![finding], receipt: None });
        };
        let received = receive(upload, &parts.blobs, &parts.limits).await;
        let now = parts.clock.now();
        let received = match received {
            Ok(received) => received,
            Err(not) => return Err(self.turn_away_unread(&came, not, now).await),
        };
        let (digest, size) = (received.split.digest, received.split.size);
        if let Some(before) = parts.store.entered(&came.entered).await.map_err(|error| our_fault(&error))? {
            if before.digest == digest {
                let first = self.first_answer(digest, &before.sender).await?;
                return first.ok_or_else(|| our_fault(&"a packet from outside has no receipt of its entry"));
            }
            let finding = Finding::of(&findings::OUTSIDE_SAME_NAME).found(digest.to_string());
            let findings = vec![finding.expected(format!("{} ({})", before.digest, before.doc_id))];
            let told = Told { cause: RefusalCause::Conflict, sender: None, digest: Some(digest), size, findings };
            return Err(self.turn_away(&came, told, now).await);
        }
        let examined = self.examine(received, Bearer::Outside { signed }, now).await?;
        self.let_in(&came, examined, now).await
    }

    /// Takes what was looked at, for those whom this gateway reaches.
    async fn let_in(&self, came: &Came, mut examined: Examined, now: Instant) -> Result<Submission, Refusal> {
        if examined.refused() {
            let findings = std::mem::take(&mut examined.findings);
            let told = Told::of(&examined, blame(&examined, &findings), findings);
            return Err(self.turn_away(came, told, now).await);
        }
        let sender = match self.sender_outside(&examined, &came.outside.system) {
            Ok(sender) => sender,
            Err(finding) => {
                // What was handed in here comes back from a system that brings it to everybody it names.
                if let Some(first) = self.handed_in_here(&mut examined, &came.outside.system).await? {
                    return Ok(first);
                }
                let told = Told::of(&examined, RefusalCause::Forbidden, vec![*finding]);
                return Err(self.turn_away(came, told, now).await);
            }
        };
        let left_out = self.only_reached(&mut examined, &came.outside.system);
        examined.findings.extend(left_out);
        let spoken = self.spoken_outside(&mut examined, &sender, &came.outside.system, now).await?;
        let whole = spoken.objections.iter().filter(|objection| objection.recipient.is_none());
        let refused =
            whole.map(|objection| &objection.finding).find(|finding| finding.refuses() && !never_got(finding));
        if let Some(finding) = refused {
            let told = Told::of(&examined, RefusalCause::Forbidden, vec![finding.clone()]);
            return Err(self.turn_away(came, told, now).await);
        }
        if examined.recipients.is_empty() {
            let mut findings = vec![Finding::of(&findings::OUTSIDE_FOR_NOBODY).element("MessageHeader/To")];
            findings.append(&mut examined.findings);
            let told = Told::of(&examined, RefusalCause::Forbidden, findings);
            return Err(self.turn_away(came, told, now).await);
        }
        let asked: Vec<AgencyCode> = examined.recipients.iter().map(|one| one.key.code().clone()).collect();
        let (agency, door) = (sender, came.outside.system.to_string());
        let caller = Identity { agency, credential: came.credential.clone(), door };
        let submission = self.accept((&caller, Some(came)), examined, spoken, now).await?;
        let terms = Terms { from: None, to: Some(asked.clone()) };
        terms::all_served(&terms, &asked, submission)
    }

    /// Who sent it: somebody whom no gateway of this network serves.
    fn sender_outside(&self, examined: &Examined, system: &HopName) -> Result<AgencyCode, Box<Finding>> {
        let told = || Finding::of(&findings::OUTSIDE_SENDER).element("MessageHeader/From/OrganId");
        let Some(key) = &examined.sender else { return Err(Box::new(told())) };
        let directory = self.parts.directory.snapshot();
        let serves = directory.agency(key).and_then(|agency| agency.hop.clone());
        let elsewhere = match &serves {
            Some(hop) => hop == system,
            None => !below_ours(&directory, &self.parts.routes, key.code()),
        };
        if elsewhere {
            return Ok(key.code().clone());
        }
        let by = serves.map_or_else(|| self.parts.hop.to_string(), |hop| hop.to_string());
        Err(Box::new(told().found(key.code().as_str()).expected(by)))
    }

    /// The first answer to what a sender of this gateway handed in here, when it serves everybody whom this gateway reaches.
    async fn handed_in_here(&self, examined: &mut Examined, system: &HopName) -> Result<Option<Submission>, Refusal> {
        let Some(sender) = &examined.sender else { return Ok(None) };
        let first = self.first_answer(examined.digest, sender.code()).await?;
        self.only_reached(examined, system);
        let serves =
            |first: &Submission, code: &AgencyCode| first.consignments.iter().any(|one| one.recipient == *code);
        let all = |first: &Submission| examined.recipients.iter().all(|one| serves(first, one.key.code()));
        Ok(first.filter(all))
    }

    /// Leaves the recipients whom this gateway reaches on another way than back. What is told are those that it would have to
    /// reach and cannot; whoever is left out else is reached by the system outside.
    fn only_reached(&self, examined: &mut Examined, system: &HopName) -> Vec<Finding> {
        let parts = &self.parts;
        let directory = parts.directory.snapshot();
        let mut left_out = Vec::new();
        examined.recipients.retain_mut(|recipient| {
            let code = recipient.key.code();
            let Some(blocked) = recipient.blocked.take() else {
                return parts.routes.route(code, recipient.hop.as_ref(), Some(system)) != Route::Refused;
            };
            let listed = directory.agency(&recipient.key);
            let ours = match listed {
                Some(agency) => agency.hop.as_ref() == Some(&parts.hop),
                None => below_ours(&directory, &parts.routes, code),
            };
            if ours {
                left_out.push(Finding { severity: Severity::Warning, ..blocked });
            }
            false
        });
        for finding in &left_out {
            tracing::warn!(%system, code = finding.code, found = ?finding.found, "a recipient here gets nothing from outside");
        }
        left_out
    }

    /// What it says of other packets. That a recipient never got what is spoken of is only told: it may have got it on another
    /// way, before there was this one.
    async fn spoken_outside(
        &self,
        examined: &mut Examined,
        sender: &AgencyCode,
        system: &HopName,
        now: Instant,
    ) -> Result<Spoken, Refusal> {
        let Some(packet) = &examined.packet else { return Ok(Spoken::default()) };
        let recipients: Vec<AgencyCode> = examined.recipients.iter().map(|one| one.key.code().clone()).collect();
        let in_mailbox = |one: &&crate::rules::Recipient| {
            self.parts.routes.route(one.key.code(), one.hop.as_ref(), Some(system)) == Route::Mailbox
        };
        let here: Vec<AgencyCode> =
            examined.recipients.iter().filter(in_mailbox).map(|one| one.key.code().clone()).collect();
        let handed = Handed { packet, sender, recipients: &recipients, here: &here, first: false, now };
        let spoken = self.spoken(&handed).await.map_err(|error| our_fault(&error))?;
        for objection in &spoken.objections {
            let finding = &objection.finding;
            if let Some(code) = objection.recipient.as_ref().filter(|_| finding.refuses() && !never_got(finding)) {
                examined.recipients.retain(|one| one.key.code() != code);
            }
            let severity = finding.severity.min(Severity::Warning);
            examined.findings.push(Finding { severity, ..finding.clone() });
        }
        Ok(spoken)
    }

    async fn turn_away_unread(&self, came: &Came, not: NotReceived, now: Instant) -> Refusal {
        if !matches!(not.cause, RefusalCause::BadPacket | RefusalCause::TooLarge) {
            return into_refusal(not);
        }
        // Nobody could look whether it bears a secrecy mark, so nothing that it says is kept.
        let mut kept = not.findings.clone();
        secrecy::redact(&mut kept);
        let told = Told { cause: not.cause, sender: None, digest: None, size: 0, findings: kept };
        Refusal { findings: not.findings, ..self.turn_away(came, told, now).await }
    }

    /// Records a refusal and makes the answer. There is no receipt: nobody who reads receipts handed it in.
    async fn turn_away(&self, came: &Came, told: Told, now: Instant) -> Refusal {
        let Told { cause, sender, digest, size, findings } = told;
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        tracing::warn!(system = %came.outside.system, name = came.entered.name, ?codes, "a packet from outside is refused");
        let record = RefusalRecord {
            time: now,
            agency: sender,
            credential: format!("{} {}: {}", came.outside.system, came.entered.name, came.credential),
            digest,
            size,
            findings: serde_json::to_string(&findings).unwrap_or_default(),
            receipt: None,
        };
        if let Err(error) = self.parts.store.refused(record).await {
            // Without the record nobody would look for it, so it is not refused yet.
            return our_fault(&error);
        }
        Refusal { cause, findings, receipt: None }
    }

    /// The answer that was given to these bytes.
    async fn first_answer(&self, digest: Digest, sender: &AgencyCode) -> Result<Option<Submission>, Refusal> {
        let before = self.parts.store.accepted_before(digest, sender).await.map_err(|error| our_fault(&error))?;
        let Some(Accepted::Already { doc_id, submission: Some(receipt), consignments }) = before else {
            return Ok(None);
        };
        Ok(Some(Submission { doc_id, digest, receipt, consignments, findings: Vec::new(), duplicate: true }))
    }
}

/// Whose fault it is that a packet is refused: its own when it cannot be read, was changed after it was signed or bears a
/// secrecy mark, which stays so for ever.
/// What else there is against it rests on what is known and set here: a list of agencies, revocation lists, the clock.
fn blame(examined: &Examined, findings: &[Finding]) -> RefusalCause {
    let its_own = [&SECRECY_MARK, &WRONG_DIGEST, &WRONG_SIGNATURE_VALUE];
    let for_ever = |finding: &Finding| finding.refuses() && its_own.iter().any(|kind| finding.code == kind.code);
    if examined.packet.is_none() || findings.iter().any(for_ever) {
        RefusalCause::BadPacket
    } else {
        RefusalCause::Forbidden
    }
}

fn never_got(finding: &Finding) -> bool {
    finding.code == TARGET_NOT_RECEIVED.code
}

fn our_fault(error: &dyn std::fmt::Display) -> Refusal {
    into_refusal(NotReceived::our_fault(error))
}

#[cfg(test)]
mod tests;
