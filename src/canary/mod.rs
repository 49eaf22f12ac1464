//! Test documents: every few minutes one to each gateway that is willing, to know of a broken way before a clerk does.
//!
//! ```text
//!  here: letter ─► signed ─► intake ─► … the way of every document … ─► mailbox ─► answer: handed over at once (there)
//!  here: runs ◄── state of the consignment ◄─────────── receipts ◄────────────────┘
//! ```
//!
//! Willing is who has an agency in the directory that is marked `canary`: nobody's mailbox. What such an agency sends to
//! another such one is a test document ([`PacketKind::Canary`](crate::store::PacketKind)), by the directory of each gateway
//! that it passes; the first one refuses what would mix them with real agencies, so that no real document becomes invisible.
//! Test documents take every step that others take, are in the ledger and the books, and in nothing that clerks or
//! statistics see.
//!
//! Failure story: one that is under way keeps the next to the same recipient back, so that an outage heaps up nothing; it
//! ends by its own deadline. When one was sent stands in the store; a crash between handing in and writing that down loses
//! one figure of one run.

pub mod letter;
pub mod runs;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use lienthong_contract::door::{Acknowledgement, ConsignmentState, Identity, Intake, Mailbox, Refusal};
use lienthong_contract::{AgencyCode, Clock, Instant};

use crate::directory::{Directory, Snapshot, Validity};
use crate::signing;
use crate::store::CanaryStore;
use crate::store::canary::Sent;
use runs::Runs;

/// Between two looks at what is under way or waits to be answered: as exact as round trips are.
const LOOK: Duration = Duration::from_millis(500);
/// The same where the directory has nobody for test documents.
const IDLE: Duration = Duration::from_secs(15);
/// Test documents that are answered at once.
const AT_ONCE: usize = 100;
/// Days for which runs are remembered.
const KEPT_DAYS: i64 = 92;
const DAY: i64 = 86_400_000;

/// How often test documents are sent, and by whom.
#[derive(Debug, Clone)]
pub struct Settings {
    pub agency: AgencyCode,
    /// The key and the certificates (PEM) that sign them; read anew each time.
    pub key: PathBuf,
    pub certificate: PathBuf,
    pub every: Duration,
}

/// Sends test documents, and answers those of others.
pub struct Canary {
    pub intake: Arc<dyn Intake>,
    pub mailboxes: Arc<dyn Mailbox>,
    pub store: Arc<dyn CanaryStore>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    /// None: only those of others are answered.
    pub settings: Option<Settings>,
    pub runs: Arc<Runs>,
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canary").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether what this agency sends to these is a test document.
#[must_use]
pub fn is_test<'a>(
    directory: &Snapshot,
    sender: &AgencyCode,
    recipients: impl IntoIterator<Item = &'a AgencyCode>,
) -> bool {
    let marked = |code: &AgencyCode| directory.lookup(code).is_some_and(|agency| agency.canary);
    let mut recipients = recipients.into_iter().peekable();
    recipients.peek().is_some() && marked(sender) && recipients.all(marked)
}

/// Why a test document was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error(transparent)]
    Signing(#[from] signing::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("it was not accepted: {0}")]
    Refused(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let codes: Vec<&str> = refusal.findings.iter().map(|finding| finding.code.as_str()).collect();
        Self::Refused(codes.join(", "))
    }
}

impl Canary {
    /// Answers and sends until stopped.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) {
        self.recall().await;
        let (mut said, mut due) = (None, self.clock.now());
        loop {
            let marked = self.marked();
            let outcome = self.round(&marked, &mut due).await;
            if let Err(error) = outcome {
                let text = error.to_string();
                if said.as_ref() != Some(&text) {
                    tracing::warn!(error = %text, "test documents cannot be sent or answered; it will be tried again");
                }
                said = Some(text);
            } else {
                said = None;
            }
            let pause = if marked.is_empty() { IDLE } else { LOOK };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Agencies for test documents that are in force.
    fn marked(&self) -> Vec<AgencyCode> {
        let (directory, today) = (self.directory.snapshot(), self.clock.now().in_vietnam().date());
        let open = directory.iter().filter(|agency| agency.canary && !agency.locked);
        open.filter(|agency| agency.validity(today) == Validity::Open).map(|agency| agency.key.code().clone()).collect()
    }

    async fn recall(&self) {
        let since = self.clock.now().plus_millis(-KEPT_DAYS * DAY);
        match self.store.canaries_since(since, runs::MOST).await {
            Ok(sent) => self.runs.put(sent),
            Err(error) => tracing::warn!(%error, "earlier test documents cannot be read"),
        }
    }

    async fn round(&self, marked: &[AgencyCode], due: &mut Instant) -> Result<(), Error> {
        for agency in marked {
            self.answer(agency).await?;
        }
        self.look().await?;
        let Some(settings) = &self.settings else { return Ok(()) };
        let (now, every) = (self.clock.now(), i64::try_from(settings.every.as_millis()).unwrap_or(i64::MAX));
        // A clock that was set back must not silence it.
        *due = (*due).min(now.plus_millis(every));
        if now < *due {
            return Ok(());
        }
        // Also after a failure: a key that cannot be read is not asked for twice a second.
        *due = now.plus_millis(every);
        self.store.forget_canaries(now.plus_millis(-KEPT_DAYS * DAY)).await?;
        let under_way = self.runs.under_way();
        let mut last = Ok(());
        for to in marked.iter().filter(|to| **to != settings.agency && !under_way.contains(to)) {
            // One that cannot be sent keeps no other back.
            if let Err(error) = self.send(settings, to).await {
                last = Err(error);
            }
        }
        last
    }

    /// Hands over at once what waits for an agency of ours that is there for tests.
    async fn answer(&self, agency: &AgencyCode) -> Result<(), Error> {
        for id in self.store.canaries_for(agency, AT_ONCE).await? {
            self.mailboxes.acknowledge(&identity(agency), id, &Acknowledgement::Accept).await?;
        }
        Ok(())
    }

    /// Sees which have come to their end.
    async fn look(&self) -> Result<(), Error> {
        if self.runs.under_way().is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        for (sent, state) in self.store.canaries_under_way().await? {
            let handed_over = match state {
                ConsignmentState::HandedOver => true,
                state if state.is_terminal() => false,
                _ => continue,
            };
            self.store.canary_ended(sent.doc_id, now, handed_over).await?;
            if !handed_over {
                tracing::warn!(doc_id = %sent.doc_id, recipient = %sent.recipient, "a test document did not arrive");
            }
            self.runs.ended(sent.doc_id, now, handed_over);
        }
        Ok(())
    }

    async fn send(&self, settings: &Settings, to: &AgencyCode) -> Result<(), Error> {
        let now = self.clock.now();
        let signer = signing::load_signer(&settings.key, &settings.certificate)?;
        let packet = signing::sign_bytes(&letter::packet(&settings.agency, to, now)?, &signer)?;
        let upload = Box::pin(futures_util::stream::iter([Ok(Bytes::from(packet))]));
        let submission = self.intake.submit(&identity(&settings.agency), upload).await?;
        let Some(consignment) = submission.consignments.first() else { return Ok(()) };
        let sent = Sent {
            doc_id: submission.doc_id,
            consignment: consignment.id,
            recipient: consignment.recipient.clone(),
            sent_at: now,
            ended: None,
        };
        self.store.canary_sent(sent.clone()).await?;
        self.runs.add(sent);
        Ok(())
    }
}

/// The gateway itself, for an agency of its own.
fn identity(agency: &AgencyCode) -> Identity {
    Identity { agency: agency.clone(), credential: "canary".to_owned(), door: "canary".to_owned() }
}
