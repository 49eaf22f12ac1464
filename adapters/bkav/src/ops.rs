//! The operations, each as the protocol names it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::http::request::Parts as Head;
use hyper::{Method, StatusCode};
use lienthong_contract::catalogue::ListedAgency;
use lienthong_contract::door::Terms;
use lienthong_contract::exchange::{MailKind, MailSearch, TransportState, Window};
use lienthong_contract::{AgencyCode, DocId, Instant};
use lienthong_door_kit::outward::{self, encoded, encoded_length, piece};
use lienthong_door_kit::paths::Query;
use lienthong_door_kit::upload::{self, Fault, Paced};
use serde::Deserialize;

use crate::door::{Caller, Door, Reply, field};
use crate::wire::answer::{self, Failure, ORGANIZATIONS, Organization, PACKET, Pending};
use crate::wire::file::WithLineBreak;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    SendDocument,
    GetPendingDocIds,
    GetDocument,
    ConfirmReceived,
    GetOrganizations,
    CheckExistDocument,
}

impl Operation {
    /// Clients write the names with a small letter, older ones with a capital.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::SendDocument,
            Self::GetPendingDocIds,
            Self::GetDocument,
            Self::ConfirmReceived,
            Self::GetOrganizations,
            Self::CheckExistDocument,
        ];
        all.into_iter().find(|operation| operation.name().eq_ignore_ascii_case(name))
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::SendDocument => "sendDocument",
            Self::GetPendingDocIds => "getPendingDocIds",
            Self::GetDocument => "getDocument",
            Self::ConfirmReceived => "confirmReceived",
            Self::GetOrganizations => "getOrganizations",
            Self::CheckExistDocument => "checkExistDocument",
        }
    }

    pub const fn method(self) -> Method {
        match self {
            Self::GetPendingDocIds | Self::GetOrganizations => Method::GET,
            _ => Method::POST,
        }
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
    if operation == Operation::SendDocument {
        return send(door, caller, head, paced).await;
    }
    let body = paced.whole().await.map_err(|fault| match fault {
        Fault::TooLarge => too_large(door.doors.limits.max_small_body as u64),
        _ => broken(),
    })?;
    match operation {
        Operation::SendDocument => Err(broken()),
        Operation::GetPendingDocIds => pending(door, &caller, head).await,
        Operation::GetDocument => fetch(door, &caller, head).await,
        Operation::ConfirmReceived => confirm(door, caller, head).await,
        Operation::GetOrganizations => organizations(door, &Query::read(head.uri.query())).await,
        Operation::CheckExistDocument => exists(door, &caller, &body).await,
    }
}

pub fn too_large(most: u64) -> Failure {
    Failure::new("SendDocument", format!("Dữ liệu gửi lên vượt quá dung lượng cho phép ({most} byte)"))
}

fn broken() -> Failure {
    Failure::internal("Dữ liệu gửi lên bị ngắt hoặc quá chậm, xin gửi lại")
}

/// The `type` of a call, if it has one.
fn kind(head: &Head) -> Result<Option<MailKind>, Failure> {
    match field(head, "type").map(str::to_ascii_uppercase).as_deref() {
        None => Ok(None),
        Some("EDOC") => Ok(Some(MailKind::Document)),
        Some("STATUS") => Ok(Some(MailKind::Status)),
        Some(_) => Err(Failure::new("BadRequest", "Header type phải là EDOC hoặc STATUS")),
    }
}

/// The number in the header `docId`. There is no other way to say which document is meant.
fn number(head: &Head) -> Result<i64, Failure> {
    let named = field(head, "docid").and_then(|text| text.parse::<i64>().ok());
    named.ok_or_else(|| Failure::new("DocID", "Thiếu header docId, hoặc docId không phải số"))
}

fn no_such_document() -> Failure {
    Failure::new("DocID", "Không có văn bản này")
}

async fn send(door: &Arc<Door>, caller: Caller, head: &Head, paced: Paced) -> Result<Reply, Failure> {
    let said = kind(head)
        .and_then(|kind| kind.ok_or_else(|| Failure::new("BadRequest", "Thiếu header type: EDOC hoặc STATUS")));
    if let Err(failure) = said {
        paced.throw_away().await;
        return Err(failure);
    }
    let (upload, outcome) = upload::file(paced, WithLineBreak::new(field(head, "hash-edoc")));
    let intake = Arc::clone(&door.doors.intake);
    let identity = caller.party.acting_for(&caller.organ);
    // Begun, it is finished, even when the caller hangs up: then its answer waits for the same bytes to come again.
    let submitted = door.work.spawn(async move {
        let _caller = caller;
        intake.submit_on(&identity, &Terms::default(), upload).await
    });
    let submitted = submitted.await;
    outcome.throw_away_rest().await;
    let submission = match (submitted, outcome.fault()) {
        (Ok(Ok(submission)), _) => submission,
        (_, Some(Fault::TooLarge)) => return Err(too_large(door.doors.limits.max_packet_bytes)),
        (_, Some(_)) => return Err(broken()),
        (Ok(Err(refusal)), None) => return Err(Failure::of(&refusal)),
        (Err(_), None) => return Err(Failure::internal("Lỗi hệ thống")),
    };
    let numbers = door.doors.numbers.numbers(&[submission.doc_id]).await.map_err(|refusal| Failure::of(&refusal))?;
    let number = numbers.first().copied().ok_or_else(|| Failure::internal("Lỗi hệ thống"))?;
    Ok(Reply { number: Some(number), ..answer::sent(number).into() })
}

async fn pending(door: &Arc<Door>, caller: &Caller, head: &Head) -> Result<Reply, Failure> {
    let kind = kind(head)?.unwrap_or(MailKind::Document);
    let search = MailSearch { kind: Some(kind), window: None };
    let found = door.doors.exchange.received(&caller.party, &search, door.doors.limits.max_list).await;
    let found = found.map_err(|refusal| Failure::of(&refusal))?;
    let documents: Vec<DocId> = found.iter().map(|item| item.doc_id).collect();
    let numbers = door.doors.numbers.numbers(&documents).await.map_err(|refusal| Failure::of(&refusal))?;
    let pending = found.iter().zip(numbers);
    let pending = pending.map(|(item, doc_id)| Pending { doc_id, organ_id: item.recipient.to_string() });
    Ok(answer::pending(&pending.collect::<Vec<_>>()).into())
}

async fn named(door: &Arc<Door>, number: i64) -> Result<Option<DocId>, Failure> {
    door.doors.numbers.document(number).await.map_err(|refusal| Failure::of(&refusal))
}

async fn fetch(door: &Arc<Door>, caller: &Caller, head: &Head) -> Result<Reply, Failure> {
    kind(head)?;
    let number = number(head)?;
    let doc_id = named(door, number).await?.ok_or_else(no_such_document)?;
    let content = door.doors.exchange.content_of(&caller.party, doc_id).await.map_err(|refusal| {
        let mut failure = Failure::of(&refusal);
        // Not there and not the caller's are one and the same.
        if failure.status == "Fail" {
            failure.errors.iter_mut().for_each(|error| "DocID".clone_into(&mut error.code));
        }
        if refusal.cause == lienthong_contract::door::RefusalCause::NotFound { no_such_document() } else { failure }
    })?;
    let [before, behind] = PACKET;
    let length = encoded_length(content.size).saturating_add((before.len() + behind.len()) as u64);
    let (seen, system) = (Arc::clone(&door.seen), caller.system.id.clone());
    // It counts as read when the last piece is taken.
    let end = stream::once(async move {
        seen.read(&system, doc_id);
        io::Result::Ok(Bytes::from_static(behind.as_bytes()))
    });
    let body = outward::streamed(piece(before).chain(encoded(content.bytes)).chain(end));
    Ok(Reply { number: Some(number), status: StatusCode::OK, body, length: Some(length) })
}

/// A confirmation of what waits and was not read.
const NOT_READ: &str = "Văn bản chưa được đọc hết (getDocument) từ khi trục khởi động; đọc lại rồi xác nhận";

async fn confirm(door: &Arc<Door>, caller: Caller, head: &Head) -> Result<Reply, Failure> {
    let number = number(head)?;
    let answer = || Reply { number: Some(number), ..answer::confirmed().into() };
    let document = named(door, number).await?;
    let read = document.filter(|doc_id| door.seen.has_read(&caller.system.id, *doc_id));
    let Some(doc_id) = read else {
        tracing::warn!(system = %caller.system.id, number,
            "a confirmation has no effect: this document was not read since it was last confirmed");
        // What was read is forgotten at a restart: whoever confirms what still waits is not to believe that it was taken over.
        return match document {
            Some(doc_id) if waits(door, &caller, doc_id).await? => Err(Failure::internal(NOT_READ)),
            _ => Ok(answer()),
        };
    };
    let (exchange, seen) = (Arc::clone(&door.doors.exchange), Arc::clone(&door.seen));
    // Begun, it is finished, even when the caller hangs up.
    let marked = door.work.spawn(async move {
        exchange.mark(&caller.party, doc_id, TransportState::Done).await?;
        seen.confirmed(&caller.system.id, doc_id);
        Ok(())
    });
    match marked.await {
        Ok(Ok(())) => Ok(answer()),
        Ok(Err(refusal)) => Err(Failure::of(&refusal)),
        Err(_) => Err(Failure::internal("Lỗi hệ thống")),
    }
}

/// Whether it is among what waits for the caller.
async fn waits(door: &Arc<Door>, caller: &Caller, doc_id: DocId) -> Result<bool, Failure> {
    let (search, most) = (MailSearch::default(), door.doors.limits.max_list);
    let here = door.doors.exchange.received(&caller.party, &search, most).await;
    let here = here.map_err(|refusal| Failure::of(&refusal))?;
    Ok(here.iter().any(|item| item.doc_id == doc_id))
}

async fn organizations(door: &Arc<Door>, query: &Query) -> Result<Reply, Failure> {
    let sought: Option<AgencyCode> = match query.get("organId") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Failure::new("BadRequest", "organId không phải mã cơ quan"))?),
    };
    let form = move |page: &[ListedAgency]| {
        let meant = |agency: &&ListedAgency| {
            let same = |code: &AgencyCode| agency.code == *code || agency.old_code.as_ref() == Some(code);
            !agency.closed && sought.as_ref().is_none_or(same)
        };
        let rows: Vec<Organization<'_>> = page.iter().filter(meant).map(Organization::from).collect();
        let list = serde_json::to_vec(&rows).unwrap_or_else(|_| b"[]".to_vec());
        Bytes::from(list.strip_prefix(b"[").and_then(|list| list.strip_suffix(b"]")).unwrap_or_default().to_vec())
    };
    let rows = outward::agencies(Arc::clone(&door.doors.catalogue), form).await;
    let rows = rows.map_err(|refusal| Failure::of(&refusal))?;
    let [before, behind] = ORGANIZATIONS;
    let body = outward::streamed(piece(before).chain(rows).chain(piece(behind)));
    Ok(Reply { number: None, status: StatusCode::OK, body, length: None })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sought {
    #[serde(default)]
    from_organ: String,
    #[serde(default)]
    to_organ: String,
    #[serde(default)]
    doc_code: String,
}

/// `checkExistDocument`: among the newest that the caller sent, and what is in its mailboxes. Of others' documents it says
/// no, and what it overlooks the intake recognises all the same.
async fn exists(door: &Arc<Door>, caller: &Caller, body: &[u8]) -> Result<Reply, Failure> {
    let bad = |_| Failure::new("BadRequest", "Nội dung không phải JSON {fromOrgan, toOrgan, docCode}");
    let sought: Sought = serde_json::from_slice(body).map_err(bad)?;
    let (Ok(from), Ok(to)) = (sought.from_organ.parse::<AgencyCode>(), sought.to_organ.parse::<AgencyCode>()) else {
        return Err(Failure::new("BadRequest", "fromOrgan hoặc toOrgan không phải mã cơ quan"));
    };
    let (systems, exchange, most) = (&door.doors.systems, &door.doors.exchange, door.doors.limits.max_list);
    let same = |one: &AgencyCode, other: &AgencyCode| one.to_new_form() == other.to_new_form();
    let code = sought.doc_code.trim();
    let mut found = false;
    if systems.agency(&caller.system, &from).is_some() {
        let search = MailSearch { kind: Some(MailKind::Document), window: None };
        let sent = exchange.sent(&caller.party, None, &search, most).await.map_err(|refusal| Failure::of(&refusal))?;
        found = sent
            .iter()
            .any(|item| same(&item.from, &from) && same(&item.recipient, &to) && item.code.as_deref() == Some(code));
    }
    if !found && systems.agency(&caller.system, &to).is_some() {
        let always = Window { from: Instant::from_millis(0), to: Instant::from_millis(i64::MAX) };
        let search = MailSearch { kind: Some(MailKind::Document), window: Some(always) };
        let here = exchange.received(&caller.party, &search, most).await.map_err(|refusal| Failure::of(&refusal))?;
        found = here
            .iter()
            .any(|item| same(&item.from, &from) && same(&item.recipient, &to) && item.code.as_deref() == Some(code));
    }
    Ok(answer::exists(found).into())
}
