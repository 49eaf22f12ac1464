//! `TraceHeaderList`: the hops a packet came through, and what is to be done with it.

use super::fields::Element;
use super::organization::{is_null, staff};
use crate::edxml::findings;
use crate::edxml::model::{
    Business, BusinessType, Change, ChangedReceiver, Located, ReplacementInfo, TraceHeader, UpdateInfo,
};

/// Reads the list; an absent `Bussiness` means a new document.
pub(super) fn trace_list(list: &Element<'_>) -> (Vec<TraceHeader>, Option<Business>) {
    list.expect_only(&["TraceHeader", "Bussiness", "Business"]);
    let hops = list.children("TraceHeader").iter().map(hop).collect();
    (hops, list.child_spelt(["Bussiness", "Business"]).map(|element| business(&element)))
}

fn hop(element: &Element<'_>) -> TraceHeader {
    element.expect_only(&["OrganId", "Timestamp"]);
    let organ_id = element.text("OrganId").filter(|organ| !is_null(organ));
    if organ_id.is_none() {
        element.note(element.finding(&findings::UNKNOWN_HOP));
    }
    TraceHeader { organ_id, timestamp: element.time("Timestamp") }
}

fn business(element: &Element<'_>) -> Business {
    element.expect_only(&[
        "DocumentId",
        "BussinessDocType",
        "BusinessDocType",
        "BussinessDocReason",
        "BusinessDocReason",
        "Paper",
        "BussinessDocumentInfo",
        "BusinessDocumentInfo",
        "ReplacementInfoList",
        "StaffInfo",
    ]);
    let kind = match element.child_spelt(["BussinessDocType", "BusinessDocType"]) {
        Some(kind) => kind.own_number().map(|number| number.map(BusinessType::from_code)),
        None => {
            element.missing(&findings::RECOMMENDED, "BussinessDocType");
            None
        }
    };
    if let Some(Located { value: BusinessType::Other(code), line, column }) = kind {
        let path = format!("{}/BussinessDocType", element.path);
        let finding = element.finding(&findings::UNLISTED_CODE).at(line, column).element(path);
        element.note(finding.found(code.to_string()).expected("0–3"));
    }
    let reason = element.child_spelt(["BussinessDocReason", "BusinessDocReason"]);
    let info = element.child_spelt(["BussinessDocumentInfo", "BusinessDocumentInfo"]);
    let replaced = element.child("ReplacementInfoList").map(|list| list.children("ReplacementInfo"));
    Business {
        kind: kind.unwrap_or_else(|| element.at(BusinessType::New)),
        reason: reason.and_then(|reason| reason.own_text()),
        document_id: element.text("DocumentId"),
        paper: element.flag("Paper"),
        update: info.map(|info| update(&info)),
        replacements: replaced.unwrap_or_default().iter().map(replacement).collect(),
        staff: staff(element),
    }
}

fn update(element: &Element<'_>) -> UpdateInfo {
    element.expect_only(&["DocumentInfo", "DocumentReceiver", "ReceiverList"]);
    let receivers = element.child("ReceiverList").map(|list| list.children("Receiver")).unwrap_or_default();
    UpdateInfo {
        document: element.flag("DocumentInfo"),
        receivers_changed: element.flag("DocumentReceiver"),
        receivers: receivers.iter().filter_map(receiver).collect(),
    }
}

fn receiver(element: &Element<'_>) -> Option<ChangedReceiver> {
    let Some(organ_id) = element.text("OrganId") else {
        element.missing(&findings::MISSING, "OrganId");
        return None;
    };
    let change = element.number("ReceiverType").map(|number| number.map(Change::from_code));
    if let Some(Located { value: Change::Other(code), line, column }) = change {
        let path = format!("{}/ReceiverType", element.path);
        let finding = element.finding(&findings::UNLISTED_CODE).at(line, column).element(path);
        element.note(finding.found(code.to_string()).expected("0 / 1"));
    }
    Some(ChangedReceiver { organ_id, change })
}

fn replacement(element: &Element<'_>) -> ReplacementInfo {
    let organ_ids = element.child("OrganIdList").map(|list| list.texts("OrganId"));
    ReplacementInfo { document_id: element.text("DocumentId"), organ_ids: organ_ids.unwrap_or_default() }
}
