//! `sendEdoc`: a packet comes in as one part of a form. Documents and status packets alike: what it is, it says itself.

use std::sync::Arc;

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts as Head;
use lienthong_contract::door::Terms;
use lienthong_door_kit::codes::code::{INVALID, SENDER_NOT_REGISTERED, SYSTEM_ERROR};
use lienthong_door_kit::multipart::{self, FilePart, boundary};
use lienthong_door_kit::sender::peeked;
use lienthong_door_kit::upload::{self, Fault, Paced};

use super::{broken, refused, too_large};
use crate::door::{Caller, Door, Reply};
use crate::wire::answer::{self, Failure};

const FILE: &str = "edocFile";
const KIND: &str = "messageType";

pub async fn send(door: &Arc<Door>, caller: Caller, head: &Head, paced: Paced) -> Result<Reply, Failure> {
    let media_type = head.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let Some(boundary) = media_type.as_deref().and_then(boundary) else {
        paced.throw_away().await;
        return Err(Failure::new(INVALID, "Can multipart/form-data voi tep edocFile"));
    };
    let (upload, outcome) = upload::file(paced, FilePart::new(&boundary, FILE, KIND, &["edoc", "status"]));
    let (intake, systems) = (Arc::clone(&door.doors.intake), Arc::clone(&door.doors.systems));
    // Begun, it is finished, even when the caller hangs up: then its answer waits for the same bytes to come again.
    let submitted = door.work.spawn(async move {
        let (named, upload) = if caller.party.agencies.len() > 1 { peeked(upload).await } else { (None, upload) };
        let own = named.and_then(|code| systems.agency(&caller.system, &code));
        let agency = own.or_else(|| caller.party.agencies.first().cloned())?;
        Some(intake.submit_on(&caller.party.acting_for(&agency), &Terms::default(), upload).await)
    });
    let submitted = submitted.await;
    outcome.throw_away_rest().await;
    match (submitted, outcome.fault()) {
        (Ok(Some(Ok(submission))), _) => {
            let doc_id = submission.doc_id.to_string();
            Ok(Reply { doc_id: Some(doc_id.clone()), ..answer::done(&doc_id).into() })
        }
        (_, Some(Fault::TooLarge)) => Err(too_large(door.doors.limits.max_packet_bytes)),
        (_, Some(Fault::TooSlow | Fault::Broken)) => Err(broken()),
        (_, Some(Fault::Form(fault))) => Err(Failure::new(
            INVALID,
            match fault {
                multipart::Fault::Frame => "Noi dung khong phai bieu mau multipart hoan chinh",
                multipart::Fault::NoFile => "Thieu tep edocFile",
                multipart::Fault::TwoFiles => "Chi gui mot tep edocFile moi lan",
                multipart::Fault::Field => "messageType phai la edoc hoac status",
                multipart::Fault::TooMuch => "Bieu mau multipart vuot qua gioi han",
            },
        )),
        (Ok(Some(Err(refusal))), None) => Err(refused(&refusal)),
        (Ok(None), None) => Err(Failure::new(SENDER_NOT_REGISTERED, "He thong chua duoc gan voi don vi nao")),
        (Err(_), None) => Err(Failure::new(SYSTEM_ERROR, "Loi he thong")),
    }
}
