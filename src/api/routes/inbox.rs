//! Reading mailboxes. Nothing here consumes but the acknowledgement.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hyper::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
};
use hyper::{StatusCode, Uri};
use lienthong_contract::door::Acknowledgement;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest};
use serde::Deserialize;
use tokio::time::timeout;

use super::{Authenticated, Id, State, bad_request, findings, json, page_size, problem, query, text};
use crate::api::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    agency: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/inbox?agency=&after=&limit=`.
pub async fn list(axum::extract::State(shared): State, who: Authenticated, uri: Uri) -> Result<Response, Box<Problem>> {
    let asked: Listing = query(&uri, "agency, after, limit")?;
    let agency = asked.agency.as_deref().map(|code| {
        AgencyCode::parse(code).map_err(|error| bad_request(&findings::BAD_QUERY, code, &error.to_string()))
    });
    let agency = agency.transpose()?;
    let after = text("after", asked.after.as_ref(), &shared)?;
    let limit = page_size(asked.limit, &shared)?;
    let page = shared.api.mailbox.list(&who.identity, agency.as_ref(), after, limit).await;
    let page = page.map_err(|refusal| shared.refused(refusal))?;
    Ok(([(CONTENT_TYPE, "application/json")], json(&page)?).into_response())
}

/// `GET /v1/inbox/{id}/content`: the packet, byte for byte.
pub async fn content(
    axum::extract::State(shared): State,
    who: Authenticated,
    Id(id): Id<ConsignmentId>,
    headers: HeaderMap,
) -> Result<Response, Box<Problem>> {
    let content = shared.api.mailbox.content(&who.identity, id).await.map_err(|refusal| shared.refused(refusal))?;
    let etag = format!("\"{}\"", content.digest);
    if matches_etag(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let mut response = Response::new(Body::from_stream(content.bytes));
    let fields = [
        (CONTENT_TYPE, "application/xml".to_owned()),
        (CONTENT_LENGTH, content.size.to_string()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.edxml\"")),
        (ETAG, etag),
        (REPR_DIGEST, repr_digest(&content.digest)),
    ];
    for (name, value) in fields {
        // Digits, hexadecimal and base64 only: always a header value.
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// What an acknowledgement may be.
const ANSWERS: &str = r#"{"verdict":"accept"} | {"verdict":"refuse","reason":"…"}"#;

/// `POST /v1/inbox/{id}/ack`.
pub async fn acknowledge(
    axum::extract::State(shared): State,
    who: Authenticated,
    Id(id): Id<ConsignmentId>,
    request: Request,
) -> Result<Response, Box<Problem>> {
    let limits = &shared.api.limits;
    let body = match timeout(limits.body_idle, to_bytes(request.into_body(), limits.max_json_bytes)).await {
        Err(_) => return Err(Problem::of(&problem::TOO_SLOW, &findings::SLOW_BODY).closing()),
        // Too long, or broken off; in the second case nobody reads this.
        Ok(Err(_)) => return Err(Problem::of(&problem::TOO_LARGE, &findings::BAD_JSON).closing()),
        Ok(Ok(body)) => body,
    };
    let answer: Acknowledgement = serde_json::from_slice(&body).map_err(|error| {
        let place = format!("dòng {}, cột {} — line and column", error.line(), error.column());
        bad_request(&findings::BAD_JSON, &String::from_utf8_lossy(&body), &format!("{ANSWERS} ({place})"))
    })?;
    let mailbox = Arc::clone(&shared.api.mailbox);
    let acknowledged = shared.whole(async move { mailbox.acknowledge(&who.identity, id, &answer).await }).await?;
    let acknowledged = acknowledged.map_err(|refusal| shared.refused(refusal))?;
    Ok(([(CONTENT_TYPE, "application/json")], json(&acknowledged)?).into_response())
}

/// RFC 9530.
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

fn repr_digest(digest: &Digest) -> String {
    format!("sha-256=:{}:", base64_simd::STANDARD.encode_to_string(digest.as_bytes()))
}

/// Weak comparison (RFC 9110, 13.1.2): any of the tags named, or `*`.
pub(super) fn matches_etag(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
