//! The benchmark: how much of the broker's bare speed is left when a gateway checks, stores and proves what it carries.
//!
//! One run on one machine measures both sides, so that the ratio means something whatever the machine: the raw rate of
//! the same bytes through RabbitMQ ([`raw`]), and documents through two gateways ([`load`]), each a process of its own
//! ([`hops`]). A document counts when the first hop has stored the receipt that says it lies in the recipient's mailbox
//! at the second hop ([`evidence`]).
//!
//! What is measured is what an operator runs: the same binary, the same configuration form, full synchronisation to
//! disk, TLS with client certificates, signatures checked, nothing switched off.
//!
//! Failure story: everything lies in a temporary folder; a run that fails or is stopped leaves nothing behind but, on a
//! broker that was given to it, the queues of the two example hops.

pub mod console;
pub mod evidence;
pub mod hops;
pub mod load;
pub mod process;
pub mod raw;
pub mod stock;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use lienthong_contract::Clock;

use crate::pki::Manifest;
use crate::scene::BrokerAt;
use hops::Hops;
use load::{Documents, Load};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long documents are handed in.
    pub seconds: u64,
    /// The beginning that does not count: connections open, caches fill.
    pub warm_up: Duration,
    /// How long the raw rate is measured, before and again after the documents.
    pub raw_seconds: u64,
    /// Callers at once, each on a connection of its own.
    pub clients: usize,
    /// Measure once more with gateways that keep no ledger.
    pub ledger_cost: bool,
}

/// Documents without their evidence yet, for each caller: enough to keep both hops busy while receipts travel.
const UNDER_WAY_PER_CLIENT: usize = 16;

/// What one size gave.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// As it was asked for, e.g. `10k`.
    pub size: String,
    pub documents_per_second: f64,
    pub raw_amqp_per_second: f64,
    /// Documents per second over raw messages per second.
    pub ratio: f64,
    /// From sending the packet to the signed answer.
    pub intake_p99_ms: f64,
    /// From sending the packet to its ContentConsignment receipt on the first hop's disk.
    pub evidence_p99_ms: f64,
    /// Peak resident memory of the larger gateway.
    pub peak_rss_mb: f64,
    /// Documents that the rate was counted over.
    pub documents: usize,
    /// Processor time a document, in milliseconds of one core.
    pub cpu_ms_per_document: CpuShares,
    /// The same without the ledger, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_ledger: Option<WithoutLedger>,
}

/// What the same documents gave when no hop kept a ledger.
#[derive(Debug, Clone, Serialize)]
pub struct WithoutLedger {
    pub documents_per_second: f64,
    pub cpu_ms_per_document: CpuShares,
    /// The part of the documents per second that the ledger takes.
    pub ledger_cost: f64,
}

/// Where the processor time of a document went.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CpuShares {
    pub first_hop: f64,
    pub next_hop: f64,
    /// Absent when the broker is not ours to look at.
    pub broker: Option<f64>,
    pub client: f64,
}

/// The example world of a run.
#[derive(Debug, Clone)]
pub struct Stage<'a> {
    pub manifest: &'a Manifest,
    pub broker: &'a BrokerAt,
    /// Process group of the broker, when it is ours.
    pub broker_group: Option<u32>,
    pub folder: &'a Path,
    pub clock: Arc<dyn Clock>,
}

/// Tells how far the run is: what is being done, and how much of it.
pub type Tell<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// Measures one size.
///
/// # Errors
/// Whatever went wrong: a gateway that does not start, a document that is refused, evidence that does not come.
pub async fn measure(stage: &Stage<'_>, size: &Size, plan: &Plan, tell: Tell<'_>) -> anyhow::Result<Figures> {
    let documents = Documents::signed(stage, size.bytes, plan.seconds, tell).context("the documents")?;
    let body = documents.example();
    let before = raw::rate(&stage.broker.url, &body, plan.raw_seconds, tell).await.context("the raw rate")?;

    let (measured, peak_rss_mb) = through_hops(stage, size, plan, documents.clone(), true, tell).await?;
    let without = match plan.ledger_cost {
        true => Some(through_hops(stage, size, plan, documents, false, tell).await?.0),
        false => None,
    };

    let after = raw::rate(&stage.broker.url, &body, plan.raw_seconds, tell).await.context("the raw rate")?;
    let raw_amqp_per_second = f64::midpoint(before, after);
    Ok(Figures {
        size: size.name.clone(),
        documents_per_second: rounded(measured.per_second, 1),
        raw_amqp_per_second: rounded(raw_amqp_per_second, 1),
        ratio: rounded(measured.per_second / raw_amqp_per_second, 4),
        intake_p99_ms: rounded(measured.intake_p99_ms, 1),
        evidence_p99_ms: rounded(measured.evidence_p99_ms, 1),
        peak_rss_mb: rounded(peak_rss_mb, 1),
        documents: measured.documents,
        cpu_ms_per_document: measured.cpu,
        without_ledger: without.map(|without| WithoutLedger {
            documents_per_second: rounded(without.per_second, 1),
            cpu_ms_per_document: without.cpu,
            ledger_cost: rounded(1.0 - measured.per_second / without.per_second, 3),
        }),
    })
}

/// Sends the documents through two gateways; gives what was measured, and the peak memory of the larger one.
async fn through_hops(
    stage: &Stage<'_>,
    size: &Size,
    plan: &Plan,
    documents: Documents,
    ledger: bool,
    tell: Tell<'_>,
) -> anyhow::Result<(load::Measured, f64)> {
    let folder = stage.folder.join(format!("size-{}", size.name));
    let hops = Hops::start(stage, &folder, ledger).await?;
    let load = Load { clients: plan.clients, under_way: plan.clients * UNDER_WAY_PER_CLIENT, plan: *plan };
    let measured = load.run(stage, &hops, documents, tell).await?;
    let peak_rss_mb = hops.peak_rss_mb()?;
    drop(hops);
    // The disk is wanted by the next run.
    std::fs::remove_dir_all(&folder)?;
    Ok((measured, peak_rss_mb))
}

fn rounded(value: f64, digits: i32) -> f64 {
    let shift = 10_f64.powi(digits);
    (value * shift).round() / shift
}

/// A packet size as it is written: `10k`, `1m`, `4096`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    pub name: String,
    pub bytes: usize,
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_lowercase();
        let (digits, unit) = match name.strip_suffix(['k', 'm']) {
            Some(digits) => (digits, if name.ends_with('k') { 1 << 10 } else { 1 << 20 }),
            None => (name.as_str(), 1),
        };
        let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
        match bytes {
            Some(bytes) if (SMALLEST..=LARGEST).contains(&bytes) => Ok(Self { name, bytes }),
            _ => Err(format!("a packet size from 8k to 64m, such as 10k or 1m, not {text:?}")),
        }
    }
}

/// A signed packet without any attachment is about this large.
const SMALLEST: usize = 8 << 10;
/// Some dozens of documents of this size are held in memory before the clock starts.
const LARGEST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let size = |text: &str| text.parse::<Size>().map(|size| size.bytes);
        assert_eq!(size("10k"), Ok(10_240));
        assert_eq!(size("1M"), Ok(1 << 20));
        assert_eq!(size("9000"), Ok(9000));
        for wrong in ["", "k", "1", "65m", "-1k", "10kb", "99999999999999999999m"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
