//! Lists of what came and of what was sent. Each row has every field that any build of the SDK reads, as text.

use std::sync::Arc;

use lienthong_contract::door::{ConsignmentState, Refusal};
use lienthong_contract::exchange::{MailItem, MailKind, MailSearch, SentItem, TransportState, Window};
use lienthong_contract::{DocId, Instant};
use serde::Serialize;

use super::{kind, no_such_document, refused};
use crate::door::{Caller, Door};
use crate::wire::answer::code::INVALID;
use crate::wire::answer::{Answer, folded};
use crate::wire::sign::Parameters;
use crate::wire::stamp::{shown, window_end};

const SERVICE: &str = "eDoc";

const fn message_type(kind: MailKind) -> &'static str {
    match kind {
        MailKind::Document => "edoc",
        MailKind::Status => "status",
    }
}

/// The word of a state, and what it says.
const fn words(state: TransportState) -> (&'static str, &'static str) {
    match state {
        TransportState::Initial => ("initial", "Cho xu ly"),
        TransportState::Processing => ("processing", "Dang xu ly"),
        TransportState::Done => ("done", "Da nhan"),
        TransportState::Fail => ("fail", "Nhan khong thanh cong"),
    }
}

/// The window asked for, both ends of which belong to it.
fn window(parameters: &Parameters) -> Result<Option<Window>, Answer> {
    let end = |name: &str, last: bool| match parameters.get(name) {
        None => Ok(None),
        Some(text) => match window_end(text, last) {
            Some(time) => Ok(Some(time)),
            None => Err(Answer::fail(INVALID, format!("{name} khong dung dang dd/MM/yyyy HH:mm:ss"))),
        },
    };
    Ok(match (end("fromDate", false)?, end("toDate", true)?) {
        (None, None) => None,
        (from, to) => Some(Window {
            from: from.unwrap_or(Instant::from_millis(0)),
            to: to.unwrap_or(Instant::from_millis(i64::MAX)),
        }),
    })
}

#[derive(Serialize)]
struct Received<'a> {
    #[serde(rename = "docId")]
    doc_id: String,
    #[serde(rename = "serviceType")]
    service_type: &'a str,
    #[serde(rename = "messageType")]
    message_type: &'a str,
    created_time: String,
    updated_time: String,
    from: &'a str,
    to: &'a str,
    status: &'a str,
    status_desc: &'a str,
}

impl<'a> From<&'a MailItem> for Received<'a> {
    fn from(item: &'a MailItem) -> Self {
        let (status, status_desc) = words(item.state);
        Self {
            doc_id: item.doc_id.to_string(),
            service_type: SERVICE,
            message_type: message_type(item.kind),
            created_time: shown(item.arrived_at),
            updated_time: shown(item.updated_at),
            from: item.from.as_str(),
            to: item.recipient.as_str(),
            status,
            status_desc,
        }
    }
}

pub async fn received(door: &Arc<Door>, caller: &Caller) -> Answer {
    let search = match (kind(&caller.parameters), window(&caller.parameters)) {
        (Ok(kind), Ok(window)) => MailSearch { kind: Some(kind), window },
        (Err(answer), _) | (_, Err(answer)) => return answer,
    };
    match found(door, caller, &search).await {
        Ok(items) => Answer::list(&items.iter().map(Received::from).collect::<Vec<_>>()),
        Err(refusal) => refused(&refusal),
    }
}

/// What is in mailboxes. Of a window that holds too much, what has ended is left out: cut off anywhere else, the list
/// would hide what still waits.
async fn found(door: &Arc<Door>, caller: &Caller, search: &MailSearch) -> Result<Vec<MailItem>, Refusal> {
    let (exchange, most) = (&door.doors.exchange, door.doors.limits.max_list);
    let Some(window) = search.window else { return exchange.received(&caller.party, search, most).await };
    let within = exchange.received(&caller.party, search, most.saturating_add(1)).await?;
    if within.len() <= most {
        return Ok(within);
    }
    let mut waiting = exchange.received(&caller.party, &MailSearch { window: None, ..*search }, most).await?;
    waiting.retain(|item| (window.from..=window.to).contains(&item.arrived_at));
    Ok(waiting)
}

pub async fn count(door: &Arc<Door>, caller: &Caller, kind: MailKind) -> Answer {
    match door.doors.exchange.waiting(&caller.party, kind).await {
        Ok(count) => Answer { count: Some(count), ..Answer::ok() },
        Err(refusal) => refused(&refusal),
    }
}

/// The fields of the builds since 2.0.0, and of that of 2018.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    service_type: &'a str,
    message_type: &'a str,
    receiver_doc_id: String,
    sender_doc_id: String,
    from_code: &'a str,
    to_code: &'a str,
    title: &'a str,
    notation: &'a str,
    sent_time: String,
    received_time: String,
    send_status: &'a str,
    send_status_desc: &'a str,
    receive_status: &'a str,
    receive_status_desc: String,
    doc_id: String,
    #[serde(rename = "created_time")]
    created_time: String,
    #[serde(rename = "updated_time")]
    updated_time: String,
    from: &'a str,
    to: &'a str,
    status: &'a str,
    #[serde(rename = "status_desc")]
    status_desc: String,
}

impl<'a> From<&'a SentItem> for Sent<'a> {
    fn from(item: &'a SentItem) -> Self {
        // Sending ends where the document lies in the recipient's mailbox; receiving begins there.
        let (sending, receiving) = match item.state {
            ConsignmentState::Offered
            | ConsignmentState::Queued
            | ConsignmentState::Relayed
            | ConsignmentState::Outside => (TransportState::Processing, TransportState::Initial),
            // Outside the network it can be known no further than that it was sent.
            ConsignmentState::Consigned | ConsignmentState::PassedOutside => {
                (TransportState::Done, TransportState::Initial)
            }
            ConsignmentState::HandedOver => (TransportState::Done, TransportState::Done),
            ConsignmentState::Refused => (TransportState::Done, TransportState::Fail),
            ConsignmentState::Rejected | ConsignmentState::Failed | ConsignmentState::Withdrawn => {
                (TransportState::Fail, TransportState::Fail)
            }
        };
        let reason = item.reason.as_ref().map(|reason| format!(": {}", folded(reason))).unwrap_or_default();
        let ((send_status, send_status_desc), (receive_status, received)) = (words(sending), words(receiving));
        let receive_status_desc = format!("{received}{reason}");
        let doc_id = item.doc_id.to_string();
        Self {
            service_type: SERVICE,
            message_type: message_type(item.kind),
            receiver_doc_id: doc_id.clone(),
            sender_doc_id: doc_id.clone(),
            from_code: item.from.as_str(),
            to_code: item.recipient.as_str(),
            title: item.subject.as_deref().unwrap_or_default(),
            notation: item.code.as_deref().unwrap_or_default(),
            sent_time: shown(item.sent_at),
            received_time: item.received_at.map(shown).unwrap_or_default(),
            send_status,
            send_status_desc,
            receive_status,
            doc_id,
            created_time: shown(item.sent_at),
            updated_time: shown(item.updated_at),
            from: item.from.as_str(),
            to: item.recipient.as_str(),
            status: receive_status,
            status_desc: receive_status_desc.clone(),
            receive_status_desc,
        }
    }
}

pub async fn sent(door: &Arc<Door>, caller: &Caller) -> Answer {
    let search = match (kind(&caller.parameters), window(&caller.parameters)) {
        (Ok(kind), Ok(window)) => MailSearch { kind: Some(kind), window },
        (Err(answer), _) | (_, Err(answer)) => return answer,
    };
    let doc_id = match caller.parameters.document_to_read().map(str::parse::<DocId>) {
        None => None,
        Some(Ok(doc_id)) => Some(doc_id),
        Some(Err(_)) => return no_such_document(),
    };
    match door.doors.exchange.sent(&caller.party, doc_id, &search, door.doors.limits.max_list).await {
        Ok(items) => Answer::list(&items.iter().map(Sent::from).collect::<Vec<_>>()),
        Err(refusal) => refused(&refusal),
    }
}
