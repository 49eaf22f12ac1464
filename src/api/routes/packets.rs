//! Handing packets in, and following them.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use hyper::{StatusCode, Uri};
use lienthong_contract::door::{Refusal, RefusalCause};
use lienthong_contract::{DocId, Finding};
use serde::Deserialize;

use super::{Authenticated, Id, State, bad_request, findings, json, problem, query};
use crate::api::problem::Problem;
use crate::api::upload::{Fault, Paced};
use std::sync::Arc;
use std::time::Duration;

/// An upload's place is free again soon: uploads are short.
const UPLOAD_WAIT: Duration = Duration::from_secs(1);

/// `POST /v1/packets`: the body is the packet. 201 when it is new, 200 when these bytes had been accepted before.
pub async fn submit(
    axum::extract::State(shared): State,
    who: Authenticated,
    request: Request,
) -> Result<Response, Box<Problem>> {
    let limits = &shared.api.limits;
    bare_bytes(request.headers())?;
    if let Some(length) = content_length(request.headers()).filter(|length| *length > limits.max_packet_bytes) {
        return Err(too_large(Some(length), limits.max_packet_bytes));
    }
    let Some(place) = who.caller.upload() else {
        return Err(Problem::of(&problem::RATE_LIMITED, &findings::UPLOADS).retry_after(UPLOAD_WAIT));
    };
    let (upload, outcome) = Paced::new(request.into_body(), limits, place);
    let intake = Arc::clone(&shared.api.intake);
    let identity = who.identity;
    let answer = shared.whole(async move { intake.submit(&identity, Box::pin(upload)).await }).await?;
    let submission = match answer {
        Ok(submission) => submission,
        Err(refusal) => {
            return Err(match outcome.fault() {
                Some(fault) => broken_off(refusal, fault, limits.max_packet_bytes),
                None => shared.refused(refusal),
            });
        }
    };
    let status = if submission.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let location = format!("/v1/packets/{}", submission.doc_id);
    let headers = [(CONTENT_TYPE, "application/json".to_owned()), (LOCATION, location)];
    Ok((status, headers, json(&submission)?).into_response())
}

/// `GET /v1/packets/{id}`.
pub async fn trace(
    axum::extract::State(shared): State,
    who: Authenticated,
    Id(doc_id): Id<DocId>,
) -> Result<Response, Box<Problem>> {
    let trace = shared.api.tracking.trace(&who.identity, doc_id).await.map_err(|refusal| shared.refused(refusal))?;
    Ok(([(CONTENT_TYPE, "application/json")], json(&trace)?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inside {
    packet: Option<u8>,
}

/// `GET /v1/packets/{id}/proof?packet=1`: the answer is the bundle itself, with the packet inside if that is asked for.
pub async fn proof(
    axum::extract::State(shared): State,
    who: Authenticated,
    Id(doc_id): Id<DocId>,
    uri: Uri,
) -> Result<Response, Box<Problem>> {
    let asked: Inside = query(&uri, "packet")?;
    let inside = match asked.packet {
        None | Some(0) => false,
        Some(1) => true,
        Some(other) => return Err(bad_request(&findings::BAD_QUERY, &format!("packet={other}"), "0, 1")),
    };
    let bundle = shared.api.proofs.proof(&who.identity, doc_id, inside).await;
    let bundle = bundle.map_err(|refusal| shared.refused(refusal))?;
    Ok(([(CONTENT_TYPE, "application/json")], bundle).into_response())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A form or a compressed body would be stored as something that is no packet: say so at once.
fn bare_bytes(headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let form = value(CONTENT_TYPE).get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
    let coding = value(CONTENT_ENCODING);
    let coded = !coding.is_empty() && !coding.eq_ignore_ascii_case("identity");
    let found = match (form, coded) {
        (true, _) => value(CONTENT_TYPE),
        (_, true) => coding,
        _ => return Ok(()),
    };
    let finding = Finding::of(&findings::NOT_RAW).found(found).expected("application/xml");
    Err(Problem::new(&problem::NOT_RAW, vec![finding]).closing())
}

fn too_large(found: Option<u64>, most: u64) -> Box<Problem> {
    let mut finding = Finding::of(&findings::TOO_LARGE).expected(format!("≤ {most} byte"));
    if let Some(length) = found {
        finding = finding.found(format!("{length} byte"));
    }
    Problem::new(&problem::TOO_LARGE, vec![finding]).closing()
}

/// The door knows better than the intake why an upload ended early; what was found in the part that came still counts.
fn broken_off(refusal: Refusal, fault: Fault, most: u64) -> Box<Problem> {
    let mut problem = match fault {
        _ if matches!(refusal.cause, RefusalCause::BadPacket | RefusalCause::Forbidden) => {
            return Problem::from_refusal(refusal, Duration::ZERO).closing();
        }
        Fault::TooLarge => too_large(None, most),
        Fault::TooSlow => Problem::of(&problem::TOO_SLOW, &findings::SLOW_BODY),
        Fault::Broken => Problem::of(&problem::INCOMPLETE, &findings::BROKEN_BODY),
    };
    problem.findings.extend(refusal.findings);
    problem.receipt = refusal.receipt;
    problem.closing()
}
