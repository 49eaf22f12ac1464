//! Whether the process lives, whether it can work, and what it measures. For probes, without a certificate.

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use serde_json::json;

use super::State;
use crate::metrics::MEDIA_TYPE;

pub async fn live() -> Response {
    ([(CONTENT_TYPE, "application/json")], r#"{"live":true}"#).into_response()
}

/// 200 when the gateway can sign, store and reach what it must; 503 otherwise, and which part cannot.
pub async fn ready(axum::extract::State(shared): State) -> Response {
    let readiness = shared.api.health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let parts: Vec<_> =
        readiness.parts.iter().map(|(name, ok, detail)| json!({ "name": name, "ok": ok, "detail": detail })).collect();
    let body = json!({ "ready": readiness.ready, "parts": parts }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// `GET /metrics`: for Prometheus and whoever reads its text form.
pub async fn metrics(axum::extract::State(shared): State) -> Response {
    ([(CONTENT_TYPE, MEDIA_TYPE)], shared.api.metrics.text()).into_response()
}
