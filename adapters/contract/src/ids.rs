//! Names that the gateways give: of a submission, of a consignment, of a hop.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The transport name of a packet, given by the hop that first accepted it and kept by every later one.
/// The same bytes from the same sender always have the same one. UUID (version 7), lower-case with dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocId(Uuid);

/// The name of one packet on its way to one recipient; the same at every hop, and what receivers deduplicate by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsignmentId(Uuid);

macro_rules! uuid_name {
    ($name:ident) => {
        impl $name {
            /// A new name; its first bits are the time, so that names sort in order of arrival.
            #[must_use]
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }

            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_name!(DocId);
uuid_name!(ConsignmentId);

/// The name of a gateway among its neighbours: 1 to 40 lower-case letters, digits and dashes.
/// It stands in queue names and receipts.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HopName(String);

/// The text cannot name a hop.
#[derive(Debug, thiserror::Error)]
#[error("a hop's name is 1 to 40 lower-case letters, digits and dashes: {0:?}")]
pub struct NotAHopName(String);

impl HopName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HopName {
    type Err = NotAHopName;

    fn from_str(text: &str) -> Result<Self, NotAHopName> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 40 || !text.bytes().all(good) {
            return Err(NotAHopName(text.chars().take(60).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for HopName {
    type Error = NotAHopName;

    fn try_from(text: String) -> Result<Self, NotAHopName> {
        text.parse()
    }
}

impl From<HopName> for String {
    fn from(name: HopName) -> Self {
        name.0
    }
}

impl fmt::Display for HopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
