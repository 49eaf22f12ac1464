//! `[console]`: the pages for the people who watch the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The console, on a listener of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// In the clear, for a proxy on this machine that has the TLS. Only at a loopback address.
    #[serde(default)]
    pub plain_http: bool,
    /// Certificate and key shown to browsers, PEM; those of `[api]` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Everybody sets up a second factor (RFC 6238) at the first sign-in.
    #[serde(default = "yes")]
    pub require_totp: bool,
    /// Minutes after which an unused session ends, and hours after which any does.
    #[serde(default = "thirty")]
    pub idle_minutes: u32,
    #[serde(default = "twelve")]
    pub session_hours: u32,
}

impl Console {
    /// The console with its usual settings.
    #[must_use]
    pub const fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            plain_http: false,
            certificate: None,
            key: None,
            require_totp: true,
            idle_minutes: thirty(),
            session_hours: twelve(),
        }
    }
}

/// What the types cannot say.
pub(super) fn check(console: &Console, note: &mut dyn FnMut(String, &str, &str)) {
    if console.plain_http && !console.listen.ip().is_loopback() {
        note(
            "console.plain_http".to_owned(),
            "chỉ được dùng ở địa chỉ của chính máy (127.0.0.1), sau một proxy có TLS",
            "is only for a loopback address, behind a proxy that has the TLS",
        );
    }
    if console.certificate.is_some() != console.key.is_some() {
        note(
            "console.certificate".to_owned(),
            "certificate và key phải cùng có hoặc cùng không",
            "certificate and key are set together or not at all",
        );
    }
    for (key, value, most) in
        [("idle_minutes", console.idle_minutes, 1440), ("session_hours", console.session_hours, 168)]
    {
        if !(1..=most).contains(&value) {
            let (vi, en) = (format!("phải từ 1 đến {most}"), format!("must be between 1 and {most}"));
            note(format!("console.{key}"), &vi, &en);
        }
    }
}

const fn yes() -> bool {
    true
}
const fn thirty() -> u32 {
    30
}
const fn twelve() -> u32 {
    12
}
