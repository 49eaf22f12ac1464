//! The operations, each as the protocol names it.

mod send;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use hyper::http::request::Parts as Head;
use hyper::{Method, StatusCode};
use lienthong_contract::DocId;
use lienthong_contract::door::Refusal;
use lienthong_contract::exchange::{MailKind, MailSearch, TransportState};
use lienthong_door_kit::codes::code::{INVALID, SYSTEM_ERROR};
use lienthong_door_kit::codes::{self, NO_SUCH_DOCUMENT};
use lienthong_door_kit::outward::{self, encoded, encoded_length, piece};
use lienthong_door_kit::paths::Query;
use lienthong_door_kit::secret;
use lienthong_door_kit::stamp::window;
use lienthong_door_kit::upload::{Fault, Paced};
use serde::{Deserialize, Serialize};

use crate::door::{Caller, Door, Reply};
use crate::wire::answer::{self, Failure, LIST_HEAD, LIST_TAIL};
use crate::wire::row;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Login,
    SendEdoc,
    GetReceivedEdocList,
    GetSentEdocList,
    GetEdoc,
    UpdateStatus,
    GetAgenciesList,
}

impl Operation {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sendEdoc" => Some(Self::SendEdoc),
            "syncReceivedEdocList" | "getReceivedEdocList" => Some(Self::GetReceivedEdocList),
            "syncSentEdocList" | "getSentEdocList" => Some(Self::GetSentEdocList),
            "getEdoc" => Some(Self::GetEdoc),
            "updateStatus" => Some(Self::UpdateStatus),
            "getAgenciesList" => Some(Self::GetAgenciesList),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SendEdoc => "sendEdoc",
            Self::GetReceivedEdocList => "getReceivedEdocList",
            Self::GetSentEdocList => "getSentEdocList",
            Self::GetEdoc => "getEdoc",
            Self::UpdateStatus => "updateStatus",
            Self::GetAgenciesList => "getAgenciesList",
        }
    }

    pub const fn method(self) -> Method {
        match self {
            Self::Login | Self::SendEdoc | Self::UpdateStatus => Method::POST,
            _ => Method::GET,
        }
    }

    pub const fn is_list(self) -> bool {
        matches!(self, Self::GetReceivedEdocList | Self::GetSentEdocList | Self::GetAgenciesList)
    }
}

/// Does what was asked.
pub async fn run(
    door: &Arc<Door>,
    operation: Operation,
    caller: Caller,
    head: &Head,
    paced: Paced,
) -> Result<Reply, Failure> {
    if operation == Operation::SendEdoc {
        return send::send(door, caller, head, paced).await;
    }
    let body = small(door, paced).await?;
    let query = Query::read(head.uri.query());
    match operation {
        Operation::SendEdoc | Operation::Login => Err(broken()),
        Operation::GetReceivedEdocList => received(door, &caller, &query).await,
        Operation::GetSentEdocList => sent(door, &caller, &query).await,
        Operation::GetEdoc => fetch(door, &caller, &query).await,
        Operation::UpdateStatus => update(door, caller, &body).await,
        Operation::GetAgenciesList => agencies(door).await,
    }
}

async fn small(door: &Door, paced: Paced) -> Result<Vec<u8>, Failure> {
    paced.whole().await.map_err(|fault| match fault {
        Fault::TooLarge => too_large(door.doors.limits.max_small_body as u64),
        _ => broken(),
    })
}

pub fn too_large(most: u64) -> Failure {
    Failure::new(INVALID, format!("Du lieu gui len vuot qua dung luong cho phep ({most} byte)"))
}

fn broken() -> Failure {
    Failure::new(SYSTEM_ERROR, "Du lieu gui len bi ngat hoac qua cham, xin gui lai")
}

fn refused(refusal: &Refusal) -> Failure {
    let (code, description) = codes::of_refusal(refusal);
    Failure::new(code, description)
}

fn no_such_document() -> Failure {
    Failure::new(INVALID, NO_SUCH_DOCUMENT)
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// `auth/login`: the id of a system as the name, its secret as the password.
pub async fn login(door: &Arc<Door>, paced: Paced, from: IpAddr) -> Result<Reply, Failure> {
    let body = small(door, paced).await?;
    let login: Login =
        serde_json::from_slice(&body).map_err(|_| Failure::new(INVALID, "Noi dung dang nhap khong phai JSON"))?;
    let system = door.doors.systems.system(login.username.trim());
    let right = secret::is_shown(system.as_deref(), &login.password);
    let Some(system) = system.filter(|system| right && system.may_call_from(from)) else {
        let name: String = login.username.chars().take(64).collect();
        tracing::warn!(system = ?name, %from, "a login by an unknown system, or with a wrong password");
        return Err(Failure::not_known());
    };
    let caller = door.enter(system)?;
    let token = door.tokens.issue(&caller.system.id, door.doors.clock.now());
    Ok(answer::logged_in(&token, &caller.system.id).into())
}

/// What a list is asked for.
fn search(query: &Query) -> Result<MailSearch, Failure> {
    let kind = match query.get("messageType").map(str::to_ascii_lowercase).as_deref() {
        None | Some("edoc") => MailKind::Document,
        Some("status") => MailKind::Status,
        Some(_) => return Err(Failure::new(INVALID, "messageType phai la edoc hoac status")),
    };
    let window = window(("fromDate", query.get("fromDate")), ("toDate", query.get("toDate")))
        .map_err(|name| Failure::new(INVALID, format!("{name} khong dung dang yyyy/MM/dd")))?;
    Ok(MailSearch { kind: Some(kind), window })
}

fn rows<T: Serialize>(rows: &[T]) -> Reply {
    let list = serde_json::to_vec(rows).unwrap_or_else(|_| b"[]".to_vec());
    answer::list(rows.len(), &list.into()).into()
}

async fn received(door: &Arc<Door>, caller: &Caller, query: &Query) -> Result<Reply, Failure> {
    let search = search(query)?;
    let found = door.doors.exchange.received(&caller.party, &search, door.doors.limits.max_list).await;
    let found = found.map_err(|refusal| refused(&refusal))?;
    Ok(rows(&found.iter().map(row::Received::from).collect::<Vec<_>>()))
}

async fn sent(door: &Arc<Door>, caller: &Caller, query: &Query) -> Result<Reply, Failure> {
    let search = search(query)?;
    let doc_id = query.get("docId").map(str::parse::<DocId>).transpose().map_err(|_| no_such_document())?;
    let found = door.doors.exchange.sent(&caller.party, doc_id, &search, door.doors.limits.max_list).await;
    let found = found.map_err(|refusal| refused(&refusal))?;
    Ok(rows(&found.iter().map(row::Sent::from).collect::<Vec<_>>()))
}

/// `getEdoc`: the packet twice, as the platform gives it and as its documentation has it; each is read when its turn comes.
async fn fetch(door: &Arc<Door>, caller: &Caller, query: &Query) -> Result<Reply, Failure> {
    let doc_id: DocId = query.get("docId").unwrap_or_default().parse().map_err(|_| no_such_document())?;
    let exchange = Arc::clone(&door.doors.exchange);
    let party = caller.party.clone();
    let first = exchange.content_of(&party, doc_id).await.map_err(|refusal| refused(&refusal))?;
    let [before, between, behind] = answer::around(&doc_id.to_string());
    let frame = [&before, &between, &behind].iter().map(|text| text.len() as u64).sum::<u64>();
    let length = encoded_length(first.size).saturating_mul(2).saturating_add(frame);
    let second = async move {
        let again = exchange.content_of(&party, doc_id).await;
        match again {
            Ok(content) => encoded(content.bytes).boxed(),
            Err(_) => outward::broken("the packet cannot be read again").boxed(),
        }
    };
    let second = futures_util::stream::once(second).flatten();
    let body = piece(before).chain(encoded(first.bytes)).chain(piece(between)).chain(second).chain(piece(behind));
    let doc_id = Some(doc_id.to_string());
    Ok(Reply { doc_id, status: StatusCode::OK, body: outward::streamed(body), length: Some(length) })
}

#[derive(Deserialize)]
struct Update {
    #[serde(rename = "docId", alias = "docid", default)]
    doc_id: String,
    #[serde(default)]
    status: String,
}

/// `updateStatus`: how far the recipient has come with it, or what it says of it.
async fn update(door: &Arc<Door>, caller: Caller, body: &[u8]) -> Result<Reply, Failure> {
    let update: Update =
        serde_json::from_slice(body).map_err(|_| Failure::new(INVALID, "Noi dung khong phai JSON {docId, status}"))?;
    let doc_id: DocId = update.doc_id.trim().parse().map_err(|_| no_such_document())?;
    let said = update.status.trim().to_ascii_lowercase();
    let (state, business) = match said.as_str() {
        "initial" => (TransportState::Initial, None),
        "processing" => (TransportState::Processing, None),
        "done" | "success" | "ok" => (TransportState::Done, None),
        "fail" => (TransportState::Fail, None),
        // Who says something of a document has it: also who refuses it as an agency.
        "01" | "02" | "03" | "04" | "05" | "06" | "13" | "15" | "16" => (TransportState::Done, Some(said.clone())),
        _ => {
            let told = "status phai la initial, processing, done, fail hoac ma 01, 02, 03, 04, 05, 06, 13, 15, 16";
            return Err(Failure::new(INVALID, told));
        }
    };
    let (exchange, reporting) = (Arc::clone(&door.doors.exchange), Arc::clone(&door.doors.reporting));
    // Begun, it is finished, even when the caller hangs up.
    let marked = door.work.spawn(async move {
        if let Some(code) = business {
            reporting.report(&caller.party, doc_id, &code).await?;
        }
        exchange.mark(&caller.party, doc_id, state).await
    });
    match marked.await {
        Ok(Ok(())) => Ok(Reply { doc_id: Some(doc_id.to_string()), ..answer::done(&doc_id.to_string()).into() }),
        Ok(Err(refusal)) => Err(refused(&refusal)),
        Err(_) => Err(Failure::new(SYSTEM_ERROR, "Loi he thong")),
    }
}

async fn agencies(door: &Arc<Door>) -> Result<Reply, Failure> {
    let form = |page: &[lienthong_contract::catalogue::ListedAgency]| {
        let rows: Vec<row::Agency> = page.iter().filter(|agency| !agency.closed).map(row::Agency::from).collect();
        let list = Bytes::from(serde_json::to_vec(&rows).unwrap_or_default());
        list.slice(1.min(list.len())..list.len().saturating_sub(1).max(1.min(list.len())))
    };
    let rows = outward::agencies(Arc::clone(&door.doors.catalogue), form).await;
    let rows = rows.map_err(|refusal| refused(&refusal))?;
    let body = outward::streamed(piece(LIST_HEAD).chain(rows).chain(piece(LIST_TAIL)));
    Ok(Reply { doc_id: None, status: StatusCode::OK, body, length: None })
}
