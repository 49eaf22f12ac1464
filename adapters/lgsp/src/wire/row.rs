//! Rows of lists. Each has every field that any generation of clients reads, and none is null.

use lienthong_contract::catalogue::ListedAgency;
use lienthong_contract::door::ConsignmentState;
use lienthong_contract::exchange::{MailItem, MailKind, SentItem, TransportState};
use lienthong_door_kit::stamp::shown;
use serde::Serialize;

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
        TransportState::Initial => ("initial", "Chờ xử lý"),
        TransportState::Processing => ("processing", "Đang xử lý"),
        TransportState::Done => ("done", "Đã nhận"),
        TransportState::Fail => ("fail", "Nhận không thành công"),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    doc_id: String,
    from: String,
    to: String,
    status: &'static str,
    status_desc: &'static str,
    created_time: String,
    updated_time: String,
    service_type: &'static str,
    message_type: &'static str,
    edoc_code: String,
    edoc_abstract: String,
}

impl From<&MailItem> for Received {
    fn from(item: &MailItem) -> Self {
        let (status, status_desc) = words(item.state);
        Self {
            doc_id: item.doc_id.to_string(),
            from: item.from.to_string(),
            to: item.recipient.to_string(),
            status,
            status_desc,
            created_time: shown(item.arrived_at),
            updated_time: shown(item.updated_at),
            service_type: SERVICE,
            message_type: message_type(item.kind),
            edoc_code: item.code.clone().unwrap_or_default(),
            edoc_abstract: item.subject.clone().unwrap_or_default(),
        }
    }
}

/// The fields of both forms of this list that are met.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    doc_id: String,
    sender_doc_id: String,
    receiver_doc_id: String,
    from: String,
    from_code: String,
    to: String,
    to_code: String,
    title: String,
    notation: String,
    sent_time: String,
    received_time: String,
    created_time: String,
    updated_time: String,
    send_status: &'static str,
    send_status_desc: &'static str,
    receive_status: &'static str,
    receive_status_desc: String,
    status: &'static str,
    status_desc: String,
    service_type: &'static str,
    message_type: &'static str,
}

impl From<&SentItem> for Sent {
    fn from(item: &SentItem) -> Self {
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
        let ((send_status, send_status_desc), (receive_status, received)) = (words(sending), words(receiving));
        let reason = item.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let (doc_id, from, to) = (item.doc_id.to_string(), item.from.to_string(), item.recipient.to_string());
        Self {
            sender_doc_id: doc_id.clone(),
            receiver_doc_id: doc_id.clone(),
            doc_id,
            from_code: from.clone(),
            from,
            to_code: to.clone(),
            to,
            title: item.subject.clone().unwrap_or_default(),
            notation: item.code.clone().unwrap_or_default(),
            sent_time: shown(item.sent_at),
            received_time: item.received_at.map(shown).unwrap_or_default(),
            created_time: shown(item.sent_at),
            updated_time: shown(item.updated_at),
            send_status,
            send_status_desc,
            receive_status,
            receive_status_desc: format!("{received}{reason}"),
            status: receive_status,
            status_desc: format!("{received}{reason}"),
            service_type: SERVICE,
            message_type: message_type(item.kind),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Agency {
    org_code: String,
    org_name: String,
    parent_code: String,
    address: &'static str,
    email: String,
    phone: &'static str,
    old_code: String,
}

impl From<&ListedAgency> for Agency {
    fn from(agency: &ListedAgency) -> Self {
        Self {
            org_code: agency.code.to_string(),
            org_name: agency.name.clone(),
            parent_code: agency.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
            address: "",
            email: agency.mail.clone().unwrap_or_default(),
            phone: "",
            old_code: agency.old_code.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}
