//! `sendEdoc`: a packet comes in. Documents and status packets alike: what it is, it says itself.

use std::sync::Arc;

use lienthong_contract::AgencyCode;
use lienthong_contract::door::Terms;
use lienthong_door_kit::upload::{self, Fault, Paced};

use super::{broken, refused, too_large};
use crate::door::{Caller, Door};
use crate::wire::answer::Answer;
use crate::wire::answer::code::{FILE_ERROR, INVALID, NO_SUCH_RECIPIENT, SENDER_NOT_REGISTERED, SYSTEM_ERROR};
use crate::wire::body;

pub async fn send(door: &Arc<Door>, caller: Caller, paced: Paced) -> Answer {
    let (identity, terms, claimed) = match terms(door, &caller) {
        Ok(read) => read,
        Err(answer) => {
            paced.throw_away().await;
            return answer;
        }
    };
    let (upload, outcome) = upload::file(paced, body::Body::new(&claimed));
    let intake = Arc::clone(&door.doors.intake);
    // Begun, it is finished, even when the caller hangs up: then its answer waits for the same bytes to come again.
    let submitted = door.work.spawn(async move { intake.submit_on(&identity, &terms, upload).await }).await;
    outcome.throw_away_rest().await;
    match (submitted, outcome.fault()) {
        (Ok(Ok(submission)), _) => Answer { doc_id: submission.doc_id.to_string(), ..Answer::ok() },
        (_, Some(Fault::TooLarge)) => too_large(door.doors.limits.max_packet_bytes),
        (_, Some(Fault::TooSlow | Fault::Broken)) => broken(),
        (_, Some(Fault::Form(body::Fault::NotAFile))) => {
            Answer::fail(INVALID, "Tep khong hop le: khong phai XML, cung khong phai base64 cua mot tep XML")
        }
        (_, Some(Fault::Form(body::Fault::OtherFile))) => {
            Answer::fail(FILE_ERROR, "Ma bam hash-file khong khop voi tep nhan duoc")
        }
        (Ok(Err(refusal)), None) => refused(&refusal),
        (Err(_), None) => Answer::fail(SYSTEM_ERROR, "Loi he thong"),
    }
}

type Read = (lienthong_contract::door::Identity, Terms, String);

/// Who sends, to whom, and which file was signed.
fn terms(door: &Door, caller: &Caller) -> Result<Read, Answer> {
    let parameters = &caller.parameters;
    let Some(claimed) = parameters.get("hash-file") else {
        return Err(Answer::fail(FILE_ERROR, "Thieu ma bam hash-file cua tep"));
    };
    let from = match parameters.get("from") {
        None => None,
        Some(text) => {
            let own = text.parse().ok().and_then(|code: AgencyCode| door.doors.systems.agency(&caller.system, &code));
            let Some(own) = own else {
                let system = &caller.system.id;
                let told = format!("Don vi gui {} khong dung voi ma da dang ky: {system}", short(text));
                return Err(Answer::fail(SENDER_NOT_REGISTERED, told));
            };
            Some(own)
        }
    };
    let Some(agency) = from.as_ref().or_else(|| caller.party.agencies.first()) else {
        return Err(Answer::fail(SENDER_NOT_REGISTERED, "He thong chua duoc gan voi don vi nao"));
    };
    let identity = caller.party.acting_for(agency);
    let to = parameters.get("to").map(recipients).transpose()?.filter(|codes| !codes.is_empty());
    Ok((identity, Terms { from, to }, claimed.to_owned()))
}

/// A JSON array of codes, or one code by itself.
pub(super) fn recipients(text: &str) -> Result<Vec<AgencyCode>, Answer> {
    let text = text.trim();
    let codes: Vec<String> = if text.starts_with('[') {
        let unreadable = |_| Answer::fail(INVALID, "Danh sach noi nhan (to) khong phai la mang JSON cac ma");
        serde_json::from_str(text).map_err(unreadable)?
    } else {
        vec![text.to_owned()]
    };
    let code = |text: &String| {
        let none = |_| Answer::fail(NO_SUCH_RECIPIENT, format!("Don vi nhan khong ton tai: {}", short(text)));
        text.parse::<AgencyCode>().map_err(none)
    };
    codes.iter().map(code).collect()
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
