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
    /// People may sign in through a provider as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
}

/// `[console.oidc]`: signing in through a provider of OpenID Connect, by the code flow with PKCE.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The provider's name as it writes it, to the letter: `https://name[/path]`. Its discovery document stands under
    /// `/.well-known/openid-configuration` behind it.
    pub issuer: String,
    /// As whom the console is registered there.
    pub client_id: String,
    /// File of the client's secret; without one the client is a public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// How browsers reach the console, `https://name[:port]`. The provider is told to send people back to
    /// `/sign-in/oidc/back` behind it.
    pub own_address: String,
    /// Roots that the provider's certificate must lead to; needed with `https`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<PathBuf>,
    /// The claim of the ID token whose value is the account's name here.
    #[serde(default = "preferred_username")]
    pub claim: String,
    /// What people call the provider; stands on the button.
    pub label: String,
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

impl Oidc {
    /// Where the provider sends people back to.
    #[must_use]
    pub fn back(&self) -> String {
        format!("{}{BACK}", self.own_address.trim_end_matches('/'))
    }
}

/// The page that takes people back.
pub const BACK: &str = "/sign-in/oidc/back";

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
            oidc: None,
        }
    }
}

/// Every file, with its key.
pub(super) fn paths(console: &mut Console, each: &mut impl FnMut(String, &mut PathBuf)) {
    for (key, path) in [("certificate", &mut console.certificate), ("key", &mut console.key)] {
        path.iter_mut().for_each(|path| each(format!("console.{key}"), path));
    }
    if let Some(oidc) = &mut console.oidc {
        oidc.client_secret_file.iter_mut().for_each(|path| each("console.oidc.client_secret_file".to_owned(), path));
        oidc.roots.iter_mut().enumerate().for_each(|(at, root)| each(format!("console.oidc.roots[{at}]"), root));
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
    if let Some(oidc) = &console.oidc {
        check_oidc(oidc, &mut |key, vi, en| note(format!("console.oidc.{key}"), vi, en));
    }
}

fn check_oidc(oidc: &Oidc, note: &mut dyn FnMut(&str, &str, &str)) {
    for (key, value) in
        [("client_id", &oidc.client_id), ("claim", &oidc.claim), ("label", &oidc.label), ("issuer", &oidc.issuer)]
    {
        if value.trim().is_empty() || value.chars().any(char::is_control) {
            note(
                key,
                "không được để trống, không chứa ký tự điều khiển",
                "must not be empty nor hold control characters",
            );
        }
    }
    for (key, value) in [("issuer", &oidc.issuer), ("own_address", &oidc.own_address)] {
        if !is_address(value) {
            note(
                key,
                "phải là https://tên[:cổng][/đường dẫn], không có ? và #; http chỉ cho chính máy này",
                "must be https://name[:port][/path] without ? and #; http is for this machine alone",
            );
        }
    }
    let own: Option<hyper::Uri> = oidc.own_address.trim().parse().ok();
    if own.is_some_and(|own| !matches!(own.path(), "" | "/")) {
        note("own_address", "chỉ gồm tên và cổng, không có đường dẫn", "has a name and a port and no path");
    }
    if oidc.issuer.starts_with("https:") && oidc.roots.is_empty() {
        note(
            "roots",
            "https cần ít nhất một tệp chứng thư gốc mà chứng thư của nhà cung cấp dẫn tới",
            "https needs at least one root that the provider's certificate leads to",
        );
    }
}

/// Over TLS, or in the clear to this machine; without query and fragment.
fn is_address(text: &str) -> bool {
    !text.contains(['?', '#', '@']) && text.trim() == text && crate::console::oidc::provider::may_be_called(text)
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
