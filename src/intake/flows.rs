//! What a packet says of other packets, held against what this hop knows of them. The judgement itself is in
//! [`crate::flows`]; here the store and the directory are asked.

use std::collections::HashMap;

use lienthong_contract::{AgencyCode, Finding, Instant};

use super::{Intake, Parts};
use crate::directory::{Resolution, Snapshot};
use crate::edxml::model::{StatusCode, StatusReport};
use crate::edxml::{Document, Packet};
use crate::flows::{Act, Known, Objection, Talk, acts_of};
use crate::receipts::{Event, Receipt, Sealed, seal};
use crate::store::{Error, Held, MailboxEntry, Result};

/// What a packet says of others.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    pub acts: Vec<Act>,
    /// The document that a status is about.
    pub name: Option<String>,
    pub objections: Vec<Objection>,
}

impl Spoken {
    /// What is told of the packet as a whole.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.objections.iter().map(|objection| &objection.finding)
    }

    /// Why a recipient does not get it.
    pub fn refusal(&self, recipient: &AgencyCode) -> Option<&Finding> {
        let meant = |objection: &&Objection| objection.recipient.as_ref().is_none_or(|one| one == recipient);
        self.objections.iter().filter(meant).map(|objection| &objection.finding).find(|finding| finding.refuses())
    }
}

/// Who hands what to whom.
pub(super) struct Handed<'a> {
    pub packet: &'a Packet,
    pub sender: &'a AgencyCode,
    pub recipients: &'a [AgencyCode],
    /// Those whose mailbox is here.
    pub here: &'a [AgencyCode],
    pub first: bool,
    pub now: Instant,
}

impl Intake {
    /// Looks up what the packet speaks of, and judges it.
    pub(super) async fn spoken(&self, handed: &Handed<'_>) -> Result<Spoken> {
        let directory = self.parts.directory.snapshot();
        let acts_for = |who: &AgencyCode, of: &AgencyCode| took_over(&directory, who, of, handed.now);
        let here = |code: &AgencyCode| handed.here.contains(code);
        let talk = Talk {
            sender: handed.sender,
            recipients: handed.recipients,
            first: handed.first,
            here: &here,
            acts_for: &acts_for,
        };
        match handed.packet {
            Packet::Document(document) => {
                let (acts, known) = self.acts(document, handed, &directory).await?;
                let of = |act: &Act| known.get(act.name()).cloned().unwrap_or_default();
                let objections = talk.about_documents(&acts, &of);
                Ok(Spoken { acts, name: None, objections })
            }
            Packet::Status(report) => {
                let name = self.name_of(report, handed).await?;
                let shown = name.as_deref().unwrap_or_default();
                let known = match &name {
                    Some(name) => self.parts.store.known_documents(name).await?,
                    None => Vec::new(),
                };
                let objections = talk.about_status(&report.status.value, shown, &known);
                Ok(Spoken { acts: Vec::new(), name, objections })
            }
        }
    }

    /// What a document does to others, with the name of each target where only its number was given, and what is known.
    async fn acts(
        &self,
        document: &Document,
        handed: &Handed<'_>,
        directory: &Snapshot,
    ) -> Result<(Vec<Act>, HashMap<String, Vec<Known>>)> {
        let store = &self.parts.store;
        let key = |written: &str| {
            let code = AgencyCode::parse(written).ok()?;
            let listed = directory.lookup(&code).map(|agency| agency.key.code().clone());
            Some(listed.unwrap_or_else(|| code.to_new_form()))
        };
        let mut acts = acts_of(document, handed.sender, &key);
        let mut known = HashMap::new();
        for act in &mut acts {
            if let (None, Some(owner), Some(code)) = (&act.document_id, &act.owner, &act.code) {
                act.document_id = store.name_of_code(owner, code).await?;
            }
            if let Some(name) = act.document_id.as_ref().filter(|_| act.changes())
                && !known.contains_key(name)
            {
                known.insert(name.clone(), store.known_documents(name).await?);
            }
        }
        Ok((acts, known))
    }

    /// The name of the document that a status is about: as written, or of the number and notation that it gives.
    async fn name_of(&self, report: &StatusReport, handed: &Handed<'_>) -> Result<Option<String>> {
        if let Some(name) = &report.response_for.document_id {
            return Ok(Some(name.value.clone()));
        }
        let asks = report.status.value == StatusCode::TakeBackRequested;
        let owner = if asks { Some(handed.sender) } else { handed.recipients.first() };
        match (owner, &report.response_for.code) {
            (Some(owner), Some(code)) => self.parts.store.name_of_code(owner, &code.value).await,
            _ => Ok(None),
        }
    }

    /// The receipts that end what the recipient gives back before it took it over, and the hops that are to hear of it.
    pub(super) async fn given_back(
        &self,
        handed: &Handed<'_>,
        name: Option<&str>,
    ) -> Result<Vec<(Sealed, MailboxEntry)>> {
        let store = &self.parts.store;
        let (Packet::Status(report), Some(name), Some(owner)) = (handed.packet, name, handed.recipients.first()) else {
            return Ok(Vec::new());
        };
        if report.status.value != StatusCode::TakeBackAgreed {
            return Ok(Vec::new());
        }
        let mut ends = Vec::new();
        for id in store.in_mailbox(owner, name, handed.sender).await? {
            let Some(mut entry) = store.mailbox_entry(id).await? else { continue };
            let end = seal(end(&self.parts, &entry, handed.now), self.parts.signer.as_ref());
            // Not needed here, and not small.
            entry.held = Held::Dropped;
            ends.push((end.map_err(|error| Error::Unavailable(error.to_string()))?, entry));
        }
        Ok(ends)
    }
}

fn end(parts: &Parts, entry: &MailboxEntry, now: Instant) -> Receipt {
    Receipt {
        reason: Some(crate::delivery::given_back::reason()),
        ..entry.end(&parts.hop, Event::ConsignmentRejection, now)
    }
}

/// The first is the second, or has taken over from it.
fn took_over(directory: &Snapshot, who: &AgencyCode, of: &AgencyCode, now: Instant) -> bool {
    who == of
        || matches!(directory.resolve(of, now.in_vietnam().date()),
                    Resolution::Successor { to, .. } if to.key.code() == who)
}

#[cfg(test)]
mod tests;
