//! Systems: callers that prove themselves by an id and a secret instead of a certificate.
//!
//! A system may speak for several agencies, and may have two secrets at a time, so that one can be changed while the
//! other still counts. Which systems there are is the gateway's business ([`Systems`]); a door checks what its protocol
//! signs, and names the system in an [`Identity`] without a secret in it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ring::hmac;

use crate::AgencyCode;
use crate::door::Identity;

/// A secret shared with a system. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// HMAC-SHA256 of the message under this secret.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), message)
    }

    /// Whether the tag is the message's HMAC-SHA256 under this secret; in constant time.
    #[must_use]
    pub fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), message, tag).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A range of addresses: `10.20.0.0/16`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text is no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address, or an address and a number of bits: 10.20.0.0/16")]
pub struct NotANetwork;

impl Network {
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                same_bits(u128::from(mine.to_bits()) << 96, u128::from(other.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => same_bits(mine.to_bits(), other.to_bits(), self.bits),
            _ => false,
        }
    }
}

const fn same_bits(one: u128, other: u128, bits: u8) -> bool {
    bits == 0 || (one ^ other) >> (128 - bits as u32) == 0
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse::<u8>).map_err(|_| NotANetwork)?;
        if bits > most { Err(NotANetwork) } else { Ok(Self { address, bits }) }
    }
}

/// One system.
#[derive(Debug, Clone)]
pub struct System {
    /// As it writes itself; compared letter by letter.
    pub id: String,
    /// Any of them counts.
    pub secrets: Vec<Secret>,
    /// Whom it speaks for, as the directory spells them; the first is its own agency.
    pub agencies: Vec<AgencyCode>,
    /// Where it may call from; from anywhere when empty.
    pub networks: Vec<Network>,
}

impl System {
    #[must_use]
    pub fn may_call_from(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }

    /// Whether one of its secrets made this tag of the message.
    #[must_use]
    pub fn signed(&self, message: &[u8], tag: &[u8]) -> bool {
        // All are tried: the time does not tell which one it was.
        self.secrets.iter().fold(false, |found, secret| found | secret.verifies(message, tag))
    }
}

/// The systems that a gateway knows. Asked at every request, so quick and without blocking.
pub trait Systems: Send + Sync {
    fn system(&self, id: &str) -> Option<Arc<System>>;

    /// The agency that a code means, as the directory spells it, when this system speaks for it.
    fn agency(&self, system: &System, code: &AgencyCode) -> Option<AgencyCode>;
}

/// A caller that may act for several agencies at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// At least one.
    pub agencies: Vec<AgencyCode>,
    /// What was shown, as in [`Identity::credential`].
    pub credential: String,
    pub door: String,
}

impl Party {
    /// The caller as one of its agencies.
    #[must_use]
    pub fn acting_for(&self, agency: &AgencyCode) -> Identity {
        Identity { agency: agency.clone(), credential: self.credential.clone(), door: self.door.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_and_no_others() {
        let holds =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("10.20.0.0/16", "10.20.255.1"));
        assert!(holds("10.20.0.0/16", "::ffff:10.20.255.1"), "an IPv4 caller on a socket for both");
        assert!(!holds("10.20.0.0/16", "10.21.0.1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("2001:db8::/32", "2001:db8:9::1") && !holds("2001:db8::/32", "2001:db9::1"));
        for bad in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "host", "::/129", "10.0.0.0/-1"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::new(b"hush")), "Secret(…)");
    }
}
