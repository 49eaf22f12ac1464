//! The agencies that the gateway knows, in pages, with an ETag: nobody fetches an unchanged page twice.

use axum::response::{IntoResponse, Response};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap};
use hyper::{StatusCode, Uri};
use lienthong_contract::Digest;
use serde::Deserialize;

use super::inbox::matches_etag;
use super::{Authenticated, State, json, page_size, query, text};
use crate::api::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    search: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/agencies?search=&after=&limit=`.
pub async fn list(
    axum::extract::State(shared): State,
    _who: Authenticated,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Box<Problem>> {
    let asked: Listing = query(&uri, "search, after, limit")?;
    let search = text("search", asked.search.as_ref(), &shared)?;
    let after = text("after", asked.after.as_ref(), &shared)?;
    let limit = page_size(asked.limit, &shared)?;
    let page = shared.api.tracking.agencies(search, after, limit).await.map_err(|refusal| shared.refused(refusal))?;
    let body = json(&page)?;
    let etag = format!("\"{}\"", Digest::of(&body).hex());
    let fields = [(CACHE_CONTROL, "private, no-cache"), (ETAG, etag.as_str())];
    if matches_etag(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    Ok((fields, [(CONTENT_TYPE, "application/json")], body).into_response())
}
