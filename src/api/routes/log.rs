//! The log of receipts, by the layout of C2SP tlog-tiles. For everybody: whoever has a checkpoint can read what it stands for.
//!
//! A tile is read from the store; a few at a time, so that a crawler does not take the gateway from its senders.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use hyper::Uri;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};

use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::{State, findings, problem};
use crate::api::PublicLog;
use crate::api::problem::Problem;

/// Where the log begins; C2SP calls it the prefix.
const PREFIX: &str = "/ledger/";
/// A full tile never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const NOT_LONG: &str = "public, max-age=5";
const BYTES: &str = "application/octet-stream";
/// Longest wait for a place.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /ledger/checkpoint`.
pub async fn checkpoint(axum::extract::State(shared): State) -> Result<Response, Box<Problem>> {
    let log = log(&shared)?;
    let _place = place(&shared).await?;
    let note = log.checkpoint().await.map_err(|error| trouble(&shared, &error))?;
    let note = note.ok_or_else(nothing)?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, NOT_LONG)], note).into_response())
}

/// `GET /ledger/key`.
pub async fn key(axum::extract::State(shared): State) -> Result<Response, Box<Problem>> {
    let log = log(&shared)?;
    Ok(([(CONTENT_TYPE, "application/jwt"), (CACHE_CONTROL, NOT_LONG)], log.key()).into_response())
}

/// `GET /ledger/tile/<L>/<N>[.p/<W>]` and `GET /ledger/tile/entries/<N>[.p/<W>]`.
pub async fn tile(axum::extract::State(shared): State, uri: Uri) -> Result<Response, Box<Problem>> {
    let log = log(&shared)?;
    let path = uri.path().strip_prefix(PREFIX).ok_or_else(nothing)?;
    let _place = place(&shared).await?;
    let content = log.tile(path).await.map_err(|error| trouble(&shared, &error))?;
    let content = content.ok_or_else(nothing)?;
    Ok(([(CONTENT_TYPE, BYTES), (CACHE_CONTROL, FOR_EVER)], content).into_response())
}

/// Anybody may ask, so only a few are served at once; the others wait for a moment.
async fn place(shared: &super::Shared) -> Result<SemaphorePermit<'_>, Box<Problem>> {
    match timeout(PATIENCE, shared.tiles.acquire()).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) | Err(_) => Err(trouble(shared, &"too many ask for it")),
    }
}

fn log(shared: &super::Shared) -> Result<Arc<dyn PublicLog>, Box<Problem>> {
    shared.api.log.clone().ok_or_else(nothing)
}

fn nothing() -> Box<Problem> {
    Problem::of(&problem::NOT_FOUND, &findings::NO_ROUTE)
}

fn trouble(shared: &super::Shared, error: &dyn std::fmt::Display) -> Box<Problem> {
    tracing::warn!(%error, "the log of receipts could not be read");
    Problem::of(&problem::UNAVAILABLE, &findings::FULL).retry_after(shared.api.limits.retry_after)
}
