//! Every certificate in use, and the day on which it ends: ours, our neighbours', the agencies' as far as they are known, the
//! authorities', and the revocation lists with the day of their next issue.
//!
//! What is read: the files that the configuration names, the certificates that stand in receipts of neighbours, and the
//! fingerprints that the directory and the pins register. Of a certificate that is known by its fingerprint only, the days are
//! not known, and that is said.
//!
//! Failure story: a file that cannot be read is in the list as such; the others are listed all the same.

mod calendar;
pub mod rollover;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use lienthong_contract::{AgencyCode, Digest, HopName, Instant, Text};
use serde::Serialize;

pub use calendar::{Sources, calendar};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

macro_rules! uses {
    ($($name:ident $word:literal $vi:literal / $en:literal)*) => {
        /// What a certificate is used for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Use { $($name),* }

        impl Use {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            #[must_use]
            pub const fn title(self) -> Text {
                match self { $(Self::$name => Text { vi: $vi, en: $en }),* }
            }
        }
    };
}

uses! {
    HopSigning "hop-signing" "Ký biên nhận của trục này" / "Signs this gateway's receipts"
    Server "server" "Máy chủ của trục này" / "This gateway's servers"
    BrokerClient "broker-client" "Kết nối tới máy chủ AMQP" / "Shown to a broker"
    OutletClient "outlet-client" "Kết nối tới hệ thống ngoài" / "Shown to a system outside"
    WebhookClient "webhook-client" "Kết nối tới webhook" / "Shown to a webhook"
    PeerSigning "peer-signing" "Ký biên nhận của trục láng giềng" / "Signs a neighbour's receipts"
    PeerPin "peer-pin" "Chứng thư đã đăng ký của trục láng giềng" / "Registered for a neighbour"
    AgencyClient "agency-client" "Cơ quan dùng để kết nối" / "An agency connects with it"
    AgencySigning "agency-signing" "Cơ quan dùng để ký gói tin" / "An agency signs packets with it"
    Root "root" "Chứng thư gốc" / "Root"
    Intermediate "intermediate" "Chứng thư trung gian" / "Intermediate authority"
    RevocationList "revocation-list" "Danh sách thu hồi (lần cấp tiếp theo)" / "Revocation list (its next issue)"
}

/// Whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    Us,
    Peer(HopName),
    Agency(AgencyCode),
    Authority,
}

impl Owner {
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Us | Self::Authority => "",
            Self::Peer(hop) => hop.as_str(),
            Self::Agency(agency) => agency.as_str(),
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Good,
    /// It ends within the days that count as soon.
    Expiring,
    Expired,
    NotYetValid,
    /// Only its fingerprint is known.
    NotKnown,
    /// Its file cannot be read.
    Unreadable,
}

impl State {
    #[must_use]
    pub const fn title(self) -> Text {
        match self {
            Self::Good => Text { vi: "Còn hạn", en: "Good" },
            Self::Expiring => Text { vi: "Sắp hết hạn", en: "Ends soon" },
            Self::Expired => Text { vi: "Đã hết hạn", en: "Expired" },
            Self::NotYetValid => Text { vi: "Chưa tới ngày có hiệu lực", en: "Not valid yet" },
            Self::NotKnown => Text { vi: "Chỉ biết dấu vân tay", en: "Only its fingerprint is known" },
            Self::Unreadable => Text { vi: "Không đọc được tệp", en: "Its file cannot be read" },
        }
    }
}

/// The one that comes after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Successor {
    pub fingerprint: Digest,
    pub not_before: Instant,
    pub not_after: Instant,
    /// Both are valid for so many days; less than none: there is a gap.
    pub overlap_days: i64,
}

/// One certificate, or one revocation list, in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InUse {
    pub what: Use,
    /// Key of the configuration, or where else it was found.
    pub place: String,
    pub owner: Owner,
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    pub fingerprint: Option<Digest>,
    pub not_before: Option<Instant>,
    /// Of a revocation list the day of the next issue.
    pub not_after: Option<Instant>,
    /// Whole days; negative when it is over.
    pub days_left: Option<i64>,
    pub state: State,
    pub overlap: Option<Successor>,
    /// Why its file cannot be read.
    pub error: Option<String>,
}

impl InUse {
    /// What an alarm about it is called: it stays the same while this very certificate is in use.
    #[must_use]
    pub fn name(&self) -> String {
        let of = self
            .fingerprint
            .map(|digest| digest.to_string().trim_start_matches("sha256:").chars().take(16).collect::<String>());
        let of = of.unwrap_or_else(|| self.place.clone());
        format!("{}:{of}", self.what.as_str())
    }

    /// How people call it.
    #[must_use]
    pub fn label(&self) -> String {
        let owner = self.owner.name();
        let subject = if self.subject.is_empty() { self.place.as_str() } else { self.subject.as_str() };
        if owner.is_empty() { subject.to_owned() } else { format!("{owner}: {subject}") }
    }
}

/// The list as it was made last, for everybody who looks.
#[derive(Debug, Default)]
pub struct Last(RwLock<Arc<Vec<InUse>>>);

impl Last {
    #[must_use]
    pub fn all(&self) -> Arc<Vec<InUse>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn put(&self, all: Vec<InUse>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }
}

/// Whole days from one moment to another, towards the past.
fn days(from: Instant, to: Instant) -> i64 {
    to.as_millis().saturating_sub(from.as_millis()).div_euclid(DAY)
}
