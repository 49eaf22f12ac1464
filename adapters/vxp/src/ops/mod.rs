//! The operations, each as the protocol names it.

mod agencies;
mod fetch;
mod list;
mod register;
mod send;

use std::sync::Arc;

use hyper::Method;
use lienthong_contract::DocId;
use lienthong_contract::door::Refusal;
use lienthong_contract::exchange::{MailKind, TransportState};

use crate::door::{Caller, Door, Reply, Said};
use crate::wire::answer::Answer;
use crate::wire::answer::code::{INVALID, SYSTEM_ERROR};
use crate::wire::sign::Parameters;
use lienthong_door_kit::codes::{self, NO_SUCH_DOCUMENT};
use lienthong_door_kit::upload::{Fault, Paced};

macro_rules! operations {
    ($($variant:ident $name:literal)*) => {
        /// What can be asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Operation { $($variant),* }

        impl Operation {
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

operations! {
    SendEdoc "sendEdoc"
    GetReceivedEdocList "getReceivedEdocList"
    GetSentEdocList "getSentEdocList"
    GetEdoc "getEdoc"
    DownloadEdoc "downloadEdoc"
    UpdateStatus "updateStatus"
    CountReceiveEdoc "countReceiveEdoc"
    CountReceiveStatus "countReceiveStatus"
    GetAgenciesList "getAgenciesList"
    GetAgenciesListQd20 "getAgenciesListQD20"
    GetSynchronizeUnit "getSynchronizeUnit"
    RegisterAgency "registerAgency"
    DeleteAgency "deleteAgency"
}

impl Operation {
    pub fn method(self) -> Method {
        if self == Self::DownloadEdoc { Method::GET } else { Method::POST }
    }
}

/// Does what was asked.
pub async fn run(door: &Arc<Door>, operation: Operation, caller: Caller, paced: Paced) -> Reply {
    if operation == Operation::SendEdoc {
        return said(send::send(door, caller, paced).await);
    }
    // Most bodies mean nothing, and are read all the same: some clients wait for a word before they send theirs.
    let body = match paced.whole().await {
        Ok(body) => body,
        Err(Fault::TooLarge) => return said(too_large(door.doors.limits.max_small_body as u64)),
        Err(_) => return said(broken()),
    };
    match operation {
        Operation::SendEdoc => said(broken()),
        Operation::GetReceivedEdocList => said(list::received(door, &caller).await),
        Operation::GetSentEdocList => said(list::sent(door, &caller).await),
        Operation::CountReceiveEdoc => said(list::count(door, &caller, MailKind::Document).await),
        Operation::CountReceiveStatus => said(list::count(door, &caller, MailKind::Status).await),
        Operation::GetEdoc => fetch::base64(door, &caller).await,
        Operation::DownloadEdoc => fetch::raw(door, &caller).await,
        Operation::UpdateStatus => update(door, caller).await,
        Operation::GetAgenciesList => agencies::list(door, agencies::Form::All).await,
        Operation::GetAgenciesListQd20 => agencies::by_level(door, &caller).await,
        Operation::GetSynchronizeUnit => agencies::list(door, agencies::Form::Changes).await,
        Operation::RegisterAgency => said(register::register(door, caller, &body).await),
        Operation::DeleteAgency => said(register::withdraw(door, caller).await),
    }
}

fn said(answer: Answer) -> Reply {
    let doc_id = Some(answer.doc_id.clone()).filter(|id| !id.is_empty());
    Reply { system: None, doc_id, code: answer.code, content: Said::Json(answer) }
}

/// An answer about one document.
fn said_of(doc_id: &str, answer: Answer) -> Reply {
    Reply { doc_id: Some(doc_id.to_owned()), ..said(answer) }
}

pub fn too_large(most: u64) -> Answer {
    Answer::fail(INVALID, format!("Du lieu gui len vuot qua dung luong cho phep ({most} byte)"))
}

fn broken() -> Answer {
    Answer::fail(SYSTEM_ERROR, "Du lieu gui len bi ngat hoac qua cham, xin gui lai")
}

fn refused(refusal: &Refusal) -> Answer {
    let (code, description) = codes::of_refusal(refusal);
    Answer::fail(code, description)
}

fn no_such_document() -> Answer {
    Answer::fail(INVALID, NO_SUCH_DOCUMENT)
}

/// The kind of packet that a list is asked for.
fn kind(parameters: &Parameters) -> Result<MailKind, Answer> {
    match parameters.get("messagetype").map(str::to_ascii_lowercase).as_deref() {
        None | Some("edoc") => Ok(MailKind::Document),
        Some("status") => Ok(MailKind::Status),
        Some(other) => Err(Answer::fail(INVALID, format!("Khong co messagetype {other}: dung edoc hoac status"))),
    }
}

/// `updateStatus`: the recipient says how far it has come. A system that speaks for several recipients of a packet names
/// the one that is meant; when it names none all of them are, as the protocol has it.
async fn update(door: &Arc<Door>, caller: Caller) -> Reply {
    let state = caller.parameters.get("status").map(str::to_ascii_lowercase);
    let state = match state.as_deref() {
        Some("initial") => TransportState::Initial,
        Some("processing") => TransportState::Processing,
        Some("done") => TransportState::Done,
        Some("fail") => TransportState::Fail,
        _ => return said(Answer::fail(INVALID, "Trang thai (status) phai la initial, processing, done hoac fail")),
    };
    let named = caller.parameters.document_to_mark().unwrap_or_default().to_owned();
    let Ok(doc_id) = named.parse::<DocId>() else { return said(no_such_document()) };
    let agencies = match caller.parameters.agencies_to_mark().map(send::recipients).transpose() {
        Ok(agencies) => agencies.unwrap_or_default(),
        Err(answer) => return said_of(&doc_id.to_string(), answer),
    };
    let exchange = Arc::clone(&door.doors.exchange);
    // Begun, it is finished, even when the caller hangs up.
    let marking = async move {
        if agencies.is_empty() {
            return exchange.mark(&caller.party, doc_id, state).await;
        }
        let mut outcome = Ok(());
        for agency in &agencies {
            outcome = outcome.and(exchange.mark_for(&caller.party, agency, doc_id, state).await);
        }
        outcome
    };
    let marked = door.work.spawn(marking).await;
    let answer = match marked {
        Ok(Ok(())) => Answer::ok(),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => Answer::fail(SYSTEM_ERROR, "Loi he thong"),
    };
    said_of(&doc_id.to_string(), answer)
}
