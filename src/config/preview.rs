//! `[preview]`: the page `/check`, where an integrator reads what would be said of a packet.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The page `/check`. Over TLS it shows the certificate of `[api]`, and asks callers for none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// Address and port, of its own; port 0 takes a free one.
    pub listen: SocketAddr,
    /// In the clear, behind a proxy that has the TLS.
    #[serde(default)]
    pub plain_http: bool,
    /// Largest packet, in MiB.
    #[serde(default = "sixty_four")]
    pub max_packet_mib: u64,
    /// Packets judged at once; others wait. One leaves the gateway a core of two.
    #[serde(default = "one")]
    pub at_once: usize,
    /// Packets of one address in a minute. Behind a proxy that does not matter: all come from its address.
    #[serde(default = "thirty")]
    pub per_minute: u32,
}

impl Preview {
    /// The page with its usual settings.
    #[must_use]
    pub const fn at(listen: SocketAddr) -> Self {
        Self { listen, plain_http: false, max_packet_mib: sixty_four(), at_once: one(), per_minute: thirty() }
    }
}

/// What the types cannot say.
pub(super) fn check(preview: &Preview, note: &mut dyn FnMut(String, &str, &str)) {
    for (key, value, most) in [
        ("max_packet_mib", preview.max_packet_mib, 1 << 20),
        ("at_once", preview.at_once as u64, 1 << 10),
        ("per_minute", u64::from(preview.per_minute), 1 << 20),
    ] {
        if !(1..=most).contains(&value) {
            let (vi, en) = (format!("phải từ 1 đến {most}"), format!("must be between 1 and {most}"));
            note(format!("preview.{key}"), &vi, &en);
        }
    }
}

const fn sixty_four() -> u64 {
    64
}
const fn one() -> usize {
    1
}
const fn thirty() -> u32 {
    30
}
