//! What a file of receipts may look like, read into strands of one consignment each.
//!
//! Three forms: the trace that `lienthong trace -o` saves, one receipt in compact JWS form, a JSON list of receipts
//! (texts, or objects with the text under `jws`). Nothing is verified here.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, ensure};
use lienthong_contract::door::Trace;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId};
use serde::Deserialize;

use crate::receipts::jws::read_unverified;

/// Everything in the file that speaks of receipts.
#[derive(Debug, Default)]
pub struct Evidence {
    pub doc_id: Option<DocId>,
    pub packet: Option<Digest>,
    pub from: Option<AgencyCode>,
    pub strands: Vec<Strand>,
}

/// The receipts of one consignment.
#[derive(Debug)]
pub struct Strand {
    /// Its place in the file.
    pub part: String,
    pub id: Option<ConsignmentId>,
    pub recipient: Option<AgencyCode>,
    /// The file says that the consignment has come to its end.
    pub claims_end: bool,
    /// The receipts are meant to be all there are; a single one proves itself only.
    pub whole: bool,
    /// Place and text of each.
    pub receipts: Vec<(String, String)>,
}

/// One entry of a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Text(String),
    Object { jws: String },
}

impl Evidence {
    /// Reads any of the three forms.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        match text.chars().next() {
            Some('{') => Ok(Self::of_trace(serde_json::from_str(text).context("trace")?)),
            Some('[') => Self::of_list(serde_json::from_str(text).context("list")?),
            Some('"') => Ok(Self::of_one(serde_json::from_str(text).context("text")?)),
            _ => {
                ensure!(text.split('.').count() == 3, "no JSON, and no JWS of three parts");
                Ok(Self::of_one(text.to_owned()))
            }
        }
    }

    fn of_one(jws: String) -> Self {
        let receipts = vec![("receipt".to_owned(), jws)];
        let strand =
            Strand { part: "receipt".to_owned(), id: None, recipient: None, claims_end: false, whole: false, receipts };
        Self { strands: vec![strand], ..Self::default() }
    }

    fn of_trace(trace: Trace) -> Self {
        let submission = trace.submission.map(|view| ("submission".to_owned(), view.jws));
        let mut strands = Vec::new();
        for (index, consignment) in trace.consignments.into_iter().enumerate() {
            let part = format!("consignments[{index}]");
            let mut receipts: Vec<(String, String)> = (consignment.receipts.into_iter().enumerate())
                .map(|(at, view)| (format!("{part}.receipts[{at}]"), view.jws))
                .collect();
            if let Some((place, jws)) = &submission
                && !receipts.iter().any(|(_, other)| other == jws)
            {
                receipts.insert(0, (place.clone(), jws.clone()));
            }
            strands.push(Strand {
                part,
                id: Some(consignment.id),
                recipient: Some(consignment.recipient),
                claims_end: consignment.state.is_terminal(),
                whole: true,
                receipts,
            });
        }
        Self { doc_id: Some(trace.doc_id), packet: Some(trace.digest), from: Some(trace.from), strands }
    }

    /// Sorts receipts by the consignment they claim to be about; those about several belong to each.
    fn of_list(entries: Vec<Entry>) -> anyhow::Result<Self> {
        let (mut of, mut shared, mut unread) = (BTreeMap::<String, Strand>::new(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let (Entry::Text(jws) | Entry::Object { jws }) = entry;
            // The receipts of several consignments, put together, repeat the submission they share.
            if !seen.insert(Digest::of(jws.as_bytes())) {
                continue;
            }
            let part = format!("[{index}]");
            match read_unverified(&jws).ok().map(|sealed| sealed.receipt.consignment) {
                Some(Some(id)) => {
                    let new = || Strand {
                        part: format!("consignment {id}"),
                        id: Some(id),
                        recipient: None,
                        claims_end: false,
                        whole: true,
                        receipts: Vec::new(),
                    };
                    of.entry(id.to_string()).or_insert_with(new).receipts.push((part, jws));
                }
                Some(None) => shared.push((part, jws)),
                None => unread.push((part, jws)),
            }
        }
        ensure!(!(of.is_empty() && shared.is_empty() && unread.is_empty()), "the list is empty");
        let mut strands: Vec<Strand> = of.into_values().collect();
        let alone = strands.is_empty();
        for strand in &mut strands {
            strand.receipts.splice(0..0, shared.iter().cloned());
        }
        // What names no consignment, or cannot be read, is judged by itself.
        for (part, jws) in unread.into_iter().chain(shared.into_iter().filter(|_| alone)) {
            let receipts = vec![(part.clone(), jws)];
            strands.push(Strand { part, id: None, recipient: None, claims_end: false, whole: false, receipts });
        }
        Ok(Self { strands, ..Self::default() })
    }
}
