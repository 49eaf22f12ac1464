//! A rollover before it is done: what would become of each neighbour if this certificate took the place of ours.
//!
//! Nothing is changed. A certificate that signs receipts is judged as a neighbour with our roots would judge it, by its own
//! name and day; what a neighbour has pinned only that neighbour knows. Each broker and each system outside that is shown a
//! certificate is really called with it, once, and left again.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use lienthong_contract::{HopName, Instant, Text};
use lienthong_door_kit::outbound::{Ask, Caller, Load};
use serde::Serialize;

use super::days;
use crate::link::amqp::{Broker, TlsFiles, try_once};
use crate::trust::certificate::read_chain;
use crate::trust::path::{Purpose, TrustStore};
use crate::trust::{HopKey, hops};

/// How it would go with one neighbour or broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Good,
    /// It would work here; the other side has to do something first, or should.
    Ask,
    Bad,
}

/// One line of the rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// A neighbour's or a broker's name.
    pub with: String,
    pub outcome: Outcome,
    pub vi: String,
    pub en: String,
}

impl Tried {
    fn new(with: &str, outcome: Outcome, text: Text, error: Option<&str>) -> Self {
        let tell = |text: &str| error.map_or_else(|| text.to_owned(), |error| format!("{text}: {error}"));
        Self { with: with.to_owned(), outcome, vi: tell(text.vi), en: tell(text.en) }
    }
}

/// A certificate that might take the place of ours.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

const NOT_USABLE: Text = Text {
    vi: "chứng thư hoặc khóa mới không dùng được",
    en: "the new certificate or key cannot be used",
};
const NOT_NAMED: Text = Text {
    vi: "chứng thư mới không mang tên trục (userId); láng giềng phải đăng ký dấu vân tay trước",
    en: "the new certificate does not bear this hop's name (userId); the neighbour must register its fingerprint first",
};
const NOT_TRUSTED: Text = Text {
    vi: "với chứng thư gốc đang dùng, láng giềng không tin chứng thư mới",
    en: "with the roots in force a neighbour would not trust the new certificate",
};
const GAP: Text = Text {
    vi: "chứng thư mới bắt đầu sau khi chứng thư cũ hết hạn",
    en: "the new certificate begins after the old one has ended",
};
const MAY_BE_PINNED: Text = Text {
    vi: "dùng được; nếu láng giềng đã đăng ký dấu vân tay chứng thư cũ thì phải thêm chứng thư mới trước",
    en: "it would do; a neighbour that pinned the old certificate must add the new one first",
};
const LET_IN: Text =
    Text { vi: "máy chủ AMQP cho vào với chứng thư mới", en: "the broker lets the new certificate in" };
const NOT_LET_IN: Text = Text {
    vi: "máy chủ AMQP không cho vào với chứng thư mới",
    en: "the broker does not let the new certificate in",
};
const PLAIN: Text = Text {
    vi: "máy chủ AMQP này không dùng chứng thư của trục",
    en: "this broker is shown no certificate of ours",
};

const SYSTEM_LETS_IN: Text = Text {
    vi: "hệ thống ngoài trả lời khi được gọi với chứng thư mới",
    en: "the system outside answers when it is called with the new certificate",
};
const SYSTEM_REFUSES: Text = Text {
    vi: "hệ thống ngoài không cho vào với chứng thư mới",
    en: "the system outside does not let the new certificate in",
};
const SYSTEM_PLAIN: Text = Text {
    vi: "hệ thống ngoài này không dùng chứng thư của trục",
    en: "this system outside is shown no certificate of ours",
};

/// What each neighbour would make of receipts signed with the candidate. `current` is our present chain's file.
#[must_use]
pub fn signing(
    (hop, current, candidate): (&HopName, &Path, &Candidate),
    peers: &[HopName],
    trust: &TrustStore,
    now: Instant,
) -> Vec<Tried> {
    let all = |outcome, text: Text, error: Option<&str>| -> Vec<Tried> {
        peers.iter().map(|peer| Tried::new(peer.as_str(), outcome, text, error)).collect()
    };
    if let Err(error) = HopKey::load(&candidate.key, &candidate.chain) {
        return all(Outcome::Bad, NOT_USABLE, Some(&error.to_string()));
    }
    let chain = match read_chain(&candidate.chain) {
        Ok(chain) => chain,
        Err(error) => return all(Outcome::Bad, NOT_USABLE, Some(&error.to_string())),
    };
    let Some((leaf, issuers)) = chain.split_first() else { return all(Outcome::Bad, NOT_USABLE, None) };
    // It may begin tomorrow: it is judged as of its first moment then.
    let at = now.max(leaf.not_before());
    let extra: Vec<Vec<u8>> = issuers.iter().map(|issuer| issuer.der().to_vec()).collect();
    if let Err(problem) = trust.check(leaf.der(), &extra, Purpose::HopReceipts, at) {
        return all(Outcome::Bad, NOT_TRUSTED, Some(&problem.to_string()));
    }
    let ends = read_chain(current).ok().and_then(|chain| chain.first().map(|leaf| leaf.not_after()));
    if let Some(ends) = ends.filter(|ends| days(leaf.not_before(), *ends) < 0) {
        return all(Outcome::Bad, GAP, Some(&format!("{} > {ends}", leaf.not_before())));
    }
    if !hops::names(leaf.der(), hop) {
        return all(Outcome::Ask, NOT_NAMED, None);
    }
    all(Outcome::Ask, MAY_BE_PINNED, None)
}

/// Calls each broker once with the candidate in place of the certificate that it is shown now.
pub async fn brokers(brokers: Vec<Broker>, candidate: &Candidate) -> Vec<Tried> {
    let mut tried = Vec::new();
    for mut broker in brokers {
        let Some(files) = &broker.tls else {
            tried.push(Tried::new(&broker.name, Outcome::Good, PLAIN, None));
            continue;
        };
        broker.tls = Some(TlsFiles { ca: files.ca.clone(), cert: candidate.chain.clone(), key: candidate.key.clone() });
        tried.push(match try_once(&broker).await {
            Ok(()) => Tried::new(&broker.name, Outcome::Good, LET_IN, None),
            Err(error) => Tried::new(&broker.name, Outcome::Bad, NOT_LET_IN, Some(&error.to_string())),
        });
    }
    tried
}

/// Calls a system outside once on the way that shows it the candidate; there is none where it is shown no certificate. It
/// is asked for nothing in particular: whatever it answers, save that one may not come in, it has let the candidate in.
pub async fn system(name: &str, caller: Option<Result<Caller, String>>) -> Tried {
    let caller = match caller {
        None => return Tried::new(name, Outcome::Good, SYSTEM_PLAIN, None),
        Some(Ok(caller)) => caller,
        Some(Err(why)) => return Tried::new(name, Outcome::Bad, NOT_USABLE, Some(&why)),
    };
    let ask = Ask { method: "GET", path: "/", headers: &[], load: Load::Bytes(Bytes::new()) };
    match caller.call(ask).await {
        Ok(answer) if matches!(answer.status, 401 | 403) => {
            Tried::new(name, Outcome::Bad, SYSTEM_REFUSES, Some(&format!("HTTP status {}", answer.status)))
        }
        Ok(_) => Tried::new(name, Outcome::Good, SYSTEM_LETS_IN, None),
        Err(failed) => Tried::new(name, Outcome::Bad, SYSTEM_REFUSES, Some(&failed.to_string())),
    }
}
