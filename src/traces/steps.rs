//! The steps of a document's way, each one span.

use lienthong_contract::door::{Refusal, RefusalCause, Submission};
use lienthong_contract::{DocId, HopName};

use super::context::Context;
use super::otlp::Kind;
use super::{Note, Traces, Watch};
use crate::link::SinkError;
use crate::receipts::Receipt;

/// What is known of a transfer once its chains are verified.
#[derive(Debug, Clone)]
pub struct Seen {
    pub doc_id: DocId,
    pub from: HopName,
    pub size: u64,
    pub consignments: usize,
}

/// What became of a send to a system outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    Taken,
    Refused,
    NotSent,
    NotNow,
    Unknown,
}

impl Outside {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::NotSent => "not-sent",
            Self::NotNow => "not-now",
            Self::Unknown => "unknown",
        }
    }
}

impl Traces {
    /// A packet was handed in at a door, or brought by an outlet.
    pub fn handed_in(&self, watch: Option<Watch>, door: &str, answer: &Result<Submission, Refusal>) {
        self.note(watch, |inner| match answer {
            Ok(submission) => {
                let mut note = Note::new("accept", Kind::Server, submission.doc_id)
                    .with("lienthong.door", door)
                    .with("lienthong.outcome", if submission.duplicate { "duplicate" } else { "accepted" })
                    .with("lienthong.consignments", submission.consignments.len());
                let entry = inner.entry(submission.doc_id);
                // Handing the same packet in again is one more thing that befell it.
                (note.id, note.parent) = if submission.duplicate { (None, Some(entry)) } else { (Some(entry), None) };
                note
            }
            Err(refusal) => {
                // It was never given a docId that its sender knows; the code says why.
                let code = refusal.findings.iter().find(|finding| finding.refuses()).or(refusal.findings.first());
                let mut note = Note::new("accept", Kind::Server, DocId::fresh())
                    .with("lienthong.door", door)
                    .with("lienthong.outcome", "refused")
                    .with("lienthong.code", code.map_or("", |finding| finding.code.as_str()));
                note.fault = (refusal.cause == RefusalCause::Unavailable).then_some("unavailable");
                note
            }
        });
    }

    /// A packet was given to the link, or could not be.
    pub fn published(
        &self,
        watch: Option<Watch>,
        (context, doc_id): (Option<Context>, DocId),
        (peer, size, again): (&HopName, u64, bool),
        fault: Option<&'static str>,
    ) {
        self.note(watch, |inner| {
            let mut note = Note::new(format!("publish {peer}"), Kind::Producer, doc_id)
                .with("messaging.operation.type", "send")
                .with("messaging.destination.name", peer.as_str())
                .with("messaging.message.body.size", size)
                .with("lienthong.again", again);
            (note.id, note.parent, note.fault) =
                (context.map(|context| context.span), Some(inner.entry(doc_id)), fault);
            note
        });
    }

    /// A neighbour's transfer came; `seen` once it was verified.
    pub fn received(
        &self,
        watch: Option<Watch>,
        seen: Option<&Seen>,
        came: Option<Context>,
        result: &Result<(), SinkError>,
    ) {
        let Some(seen) = seen else { return };
        self.note(watch, |inner| {
            let mut note = Note::new("receive", Kind::Consumer, seen.doc_id)
                .with("messaging.operation.type", "process")
                .with("messaging.message.body.size", seen.size)
                .with("lienthong.from_hop", seen.from.as_str())
                .with("lienthong.consignments", seen.consignments);
            note.parent = came.filter(|came| came.trace == super::TraceId::of(seen.doc_id)).map(|came| came.span);
            note.fault = match result {
                Ok(()) => None,
                Err(SinkError::Retry { .. }) => Some("retry"),
                Err(SinkError::Poison { .. }) => Some("poison"),
            };
            if note.fault.is_none() {
                note.id = Some(inner.entry(seen.doc_id));
            }
            note
        });
    }

    /// A neighbour's receipt is stored.
    pub fn receipt_stored(&self, watch: Option<Watch>, (doc_id, event, hop): (DocId, &'static str, &HopName)) {
        self.note(watch, |inner| {
            let note = Note::new(format!("receipt {event}"), Kind::Consumer, doc_id)
                .with("messaging.operation.type", "process")
                .with("lienthong.event", event)
                .with("lienthong.receipt.hop", hop.as_str());
            Note { parent: Some(inner.entry(doc_id)), ..note }
        });
    }

    /// A consignment ended here: its recipient answered, or its time was over, which is a fault.
    pub fn ended(&self, watch: Option<Watch>, name: &'static str, receipt: &Receipt, fault: Option<&'static str>) {
        self.note(watch, |inner| {
            let kind = if fault.is_some() { Kind::Internal } else { Kind::Server };
            let consignment = receipt.consignment.map(|id| id.to_string()).unwrap_or_default();
            let note = Note::new(name, kind, receipt.doc_id)
                .with("lienthong.event", receipt.event.as_str())
                .with("lienthong.consignment", consignment);
            Note { parent: Some(inner.entry(receipt.doc_id)), fault, ..note }
        });
    }

    /// A system outside was called once.
    pub fn sent_outside(&self, watch: Option<Watch>, doc_id: DocId, system: &HopName, came: Outside) {
        self.note(watch, |inner| {
            let note = Note::new(format!("send outside {system}"), Kind::Client, doc_id)
                .with("lienthong.system", system.as_str())
                .with("lienthong.outcome", came.as_str());
            let fault = (came != Outside::Taken).then(|| came.as_str());
            Note { parent: Some(inner.entry(doc_id)), fault, ..note }
        });
    }
}
