//! The load: documents that were signed before the clock started, handed in over kept connections.
//!
//! A closed loop: so many documents are under way at once, and a new one is handed in only when the evidence of another
//! has come. So the rate is that of the slowest step, and no backlog hides it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use jiff::civil::Date;
use tokio::sync::{Semaphore, mpsc};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{Digest, DocId};

use super::evidence::{self, Evidence};
use super::hops::{Hops, RECIPIENT};
use super::{CpuShares, Plan, Stage, Tell, process};
use crate::client::{Client, Packet};
use crate::edxml::model::Urgency;
use crate::receipts::open;
use crate::scene::{self, Letter, SENDER};
use crate::signing::{load_signer, sign_bytes};
use crate::trust::TrustStore;
use crate::trust::hops::{HopTrust, Pins};
use crate::trust::xmldsig::KeySigner;

/// Documents a second that are signed in advance; a gateway that is faster ends the run early.
const EXPECTED_PER_SECOND: u64 = 2000;
/// Memory for documents signed in advance.
const MAX_BYTES: usize = 256 << 20;
/// The fewest documents that a rate is taken from.
const FEWEST: usize = 32;
/// The share of the documents, one in so many, after which the warm-up ends however short it was.
const WARM_UP_SHARE: usize = 4;
/// The share of the documents, one in so many, that may be under way at once: the rate is that of documents that went
/// all the way, not of a heap that was handed in.
const UNDER_WAY_SHARE: usize = 8;
/// How long the last documents may take after the last one was handed in.
const DRAIN_WITHIN: Duration = Duration::from_secs(60);
/// Documents whose receipts are read back and verified at the end.
const LOOKED_AT: usize = 20;

/// Signed documents, each another one.
#[derive(Debug, Clone)]
pub struct Documents(Vec<(Bytes, Digest)>);

impl Documents {
    /// Signs enough documents of this size for the run.
    ///
    /// # Errors
    /// The example PKI lacks something.
    pub fn signed(stage: &Stage<'_>, size: usize, seconds: u64, tell: Tell<'_>) -> anyhow::Result<Self> {
        let wanted = usize::try_from(seconds.saturating_mul(EXPECTED_PER_SECOND)).unwrap_or(usize::MAX);
        let count = wanted.min(MAX_BYTES / size.max(1)).max(FEWEST);
        let files = stage.manifest.agency(SENDER).context("the example PKI has no sender")?;
        let date = stage.clock.now().in_vietnam().date();
        let signer = load_signer(&files.sign_key, &files.sign_chain)?;
        // What the packet weighs beside its attachment, which base64 makes a third larger.
        let bare = document(&signer, 1, date, 0)?.len();
        let attachment = size.saturating_sub(bare) / 4 * 3;
        let next = AtomicUsize::new(1);
        let work = || -> anyhow::Result<Vec<(Bytes, Digest)>> {
            let mut signed = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > count {
                    return Ok(signed);
                }
                let packet = document(&signer, u32::try_from(number)?, date, attachment)?;
                let digest = Digest::of(&packet);
                signed.push((packet.into(), digest));
                tell("ký — signing", number as u64, count as u64);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let parts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join()).collect::<Vec<_>>()
        });
        let mut all = Vec::with_capacity(count);
        for part in parts {
            match part {
                Ok(part) => all.extend(part?),
                Err(_) => bail!("a thread that signs has panicked"),
            }
        }
        Ok(Self(all))
    }

    /// One document's bytes, for the raw rate.
    #[must_use]
    pub fn example(&self) -> Bytes {
        self.0.first().map(|(bytes, _)| bytes.clone()).unwrap_or_default()
    }
}

fn document(signer: &KeySigner, number: u32, date: Date, attachment: usize) -> anyhow::Result<Vec<u8>> {
    signed_letter(signer, number, date, attachment, RECIPIENT)
}

/// A signed letter to this agency with an attachment of so many bytes.
pub fn signed_letter(
    signer: &KeySigner,
    number: u32,
    date: Date,
    attachment: usize,
    to: &str,
) -> anyhow::Result<Vec<u8>> {
    let letter = Letter {
        from: SENDER,
        to: &[to],
        number,
        date,
        subject: "Về việc đo hiệu năng liên thông (thí dụ)",
        urgency: Urgency::Normal,
        attachment: &scene::example_pdf(attachment),
    };
    Ok(sign_bytes(&letter.packet()?, signer)?)
}

/// How the documents are handed in.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub clients: usize,
    /// Documents at once between hand-in and evidence; of large ones, of which fewer are held ready, less.
    pub under_way: usize,
    pub plan: Plan,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub per_second: f64,
    pub documents: usize,
    pub intake_p99_ms: f64,
    pub evidence_p99_ms: f64,
    pub cpu: CpuShares,
}

/// What is known of the documents so far.
#[derive(Debug, Default)]
struct Tally {
    handed_in: HashMap<Digest, Instant>,
    /// When it was handed in, and how long the answer took.
    answered: Vec<(Instant, Duration)>,
    /// When it was handed in, and when its evidence was there.
    proved: Vec<(Instant, Instant)>,
    names: Vec<DocId>,
}

/// One run, shared by its callers.
struct Run {
    documents: Vec<(Bytes, Digest)>,
    next: AtomicUsize,
    tally: Mutex<Tally>,
    room: Semaphore,
    until: Instant,
}

impl Run {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One caller: hands in until the time or the documents are over.
    async fn hand_in(&self, client: &Client) -> anyhow::Result<()> {
        loop {
            let room = self.room.acquire().await?;
            let Some((bytes, digest)) = self.documents.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok(());
            };
            let start = Instant::now();
            if start >= self.until {
                return Ok(());
            }
            // Given back with the evidence; whoever hands in nothing any more leaves it to the others.
            room.forget();
            self.tally().handed_in.insert(*digest, start);
            let submission = client.submit(&Packet::Bytes(bytes.clone()), None).await?;
            let mut tally = self.tally();
            tally.answered.push((start, start.elapsed()));
            if tally.names.len() < LOOKED_AT {
                tally.names.push(submission.doc_id);
            }
        }
    }

    /// Takes evidence until the handing in is over and every document has its own.
    async fn prove(&self, mut found: mpsc::UnboundedReceiver<Evidence>, all_in: &Semaphore) -> anyhow::Result<()> {
        let mut over = false;
        loop {
            {
                let tally = self.tally();
                if over && tally.handed_in.is_empty() {
                    return Ok(());
                }
            }
            tokio::select! {
                evidence = found.recv() => {
                    let Some(Evidence { packet, at }) = evidence else { bail!("the first hop's store cannot be read") };
                    let mut tally = self.tally();
                    if let Some(start) = tally.handed_in.remove(&packet) {
                        tally.proved.push((start, at));
                        self.room.add_permits(1);
                    }
                }
                _ = all_in.acquire(), if !over => over = true,
            }
        }
    }
}

impl Load {
    /// Hands the documents in and waits for the evidence of all of them.
    ///
    /// # Errors
    /// A document is refused, or its evidence does not come, or does not verify.
    pub async fn run(
        self,
        stage: &Stage<'_>,
        hops: &Hops,
        documents: Documents,
        tell: Tell<'_>,
    ) -> anyhow::Result<Measured> {
        let sender = hops.sender(stage, self.clients)?;
        let (_watch, found) = evidence::watch(&hops.first.data)?;
        let start = Instant::now();
        let plan = self.plan;
        let under_way = self.under_way.min(documents.0.len().div_ceil(UNDER_WAY_SHARE));
        let run = Run {
            documents: documents.0,
            next: AtomicUsize::new(0),
            tally: Mutex::default(),
            room: Semaphore::new(under_way),
            until: start + plan.warm_up + Duration::from_secs(plan.seconds),
        };
        // Gets its permit when the last document was handed in.
        let all_in = Semaphore::new(0);
        let handing = async {
            let callers = (0..self.clients).map(|_| run.hand_in(&sender.client));
            try_join_all(callers).await?;
            let end = Instant::now();
            let cpu = cpu(stage, hops)?;
            all_in.add_permits(1);
            anyhow::Ok((end, cpu))
        };
        let warming = async {
            // Of large documents few are held ready: the clock starts before they are used up.
            let enough = run.documents.len() / WARM_UP_SHARE;
            while start.elapsed() < plan.warm_up && run.next.load(Ordering::Relaxed) < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let begun = (Instant::now(), cpu(stage, hops)?);
            anyhow::Ok(begun)
        };
        let telling = async {
            loop {
                tell("văn bản — documents", start.elapsed().as_secs().min(plan.seconds), plan.seconds);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        let limit = plan.warm_up + Duration::from_secs(plan.seconds) + DRAIN_WITHIN;
        let work = async { tokio::try_join!(warming, handing, run.prove(found, &all_in)) };
        let done = tokio::select! {
            done = tokio::time::timeout(limit, work) => done,
            () = telling => bail!("unreachable: the progress never ends"),
        };
        let left = || format!("{} documents without evidence\n{}", run.tally().handed_in.len(), hops.first.log_tail());
        let ((from, cpu_from), (end, cpu_end), ()) = done.with_context(left)??;
        let names = run.tally().names.clone();
        looked_at(stage, &sender.client, &names).await?;
        let tally = run.tally();
        summed(&tally, (from, end.min(run.until)), cpu_end.since(&cpu_from))
    }
}

/// Reads some documents back as their sender does and verifies every receipt.
async fn looked_at(stage: &Stage<'_>, client: &Client, names: &[DocId]) -> anyhow::Result<()> {
    let ca = stage.manifest.ca();
    let store = TrustStore::from_pem_files(std::slice::from_ref(&ca.root), std::slice::from_ref(&ca.sub), &ca.crls())?;
    let keys = HopTrust::new(Arc::new(store), Pins::default());
    for name in names {
        let trace = client.trace(*name).await?;
        for consignment in &trace.consignments {
            ensure!(consignment.state == ConsignmentState::Consigned, "{name} is {:?}", consignment.state);
            let chain = trace.chain(consignment).count();
            ensure!(chain == 3, "{name} has {chain} receipts");
            for view in trace.chain(consignment) {
                open(&view.jws, &keys).with_context(|| format!("{name}: {} does not verify", view.event))?;
            }
        }
    }
    Ok(())
}

fn cpu(stage: &Stage<'_>, hops: &Hops) -> anyhow::Result<CpuShares> {
    Ok(CpuShares {
        first_hop: process::cpu_seconds(hops.first.pid())?,
        next_hop: process::cpu_seconds(hops.next.pid())?,
        broker: stage.broker_group.map(process::group_cpu_seconds),
        client: process::cpu_seconds(std::process::id())?,
    })
}

impl CpuShares {
    fn since(&self, before: &Self) -> Self {
        let broker = self.broker.zip(before.broker).map(|(now, then)| now - then);
        Self {
            first_hop: self.first_hop - before.first_hop,
            next_hop: self.next_hop - before.next_hop,
            broker,
            client: self.client - before.client,
        }
    }

    /// Seconds in all to milliseconds a document.
    fn each(&self, documents: f64) -> Self {
        let each = |seconds: f64| super::rounded(seconds * 1000.0 / documents, 3);
        Self {
            first_hop: each(self.first_hop),
            next_hop: each(self.next_hop),
            broker: self.broker.map(each),
            client: each(self.client),
        }
    }
}

fn summed(tally: &Tally, (from, end): (Instant, Instant), cpu: CpuShares) -> anyhow::Result<Measured> {
    let counted = |at: &Instant| *at >= from && *at < end;
    let documents = tally.proved.iter().filter(|(_, at)| counted(at)).count();
    let mut intake: Vec<Duration> =
        tally.answered.iter().filter(|(at, _)| counted(at)).map(|(_, took)| *took).collect();
    let mut proof: Vec<Duration> =
        tally.proved.iter().filter(|(at, _)| counted(at)).map(|(start, at)| *at - *start).collect();
    ensure!(documents >= FEWEST / 2 && !proof.is_empty(), "only {documents} documents came through: measure longer");
    let seconds = (end - from).as_secs_f64();
    #[allow(clippy::cast_precision_loss)] // far below 2^52 documents
    let number = documents as f64;
    Ok(Measured {
        per_second: number / seconds,
        documents,
        intake_p99_ms: p99_ms(&mut intake),
        evidence_p99_ms: p99_ms(&mut proof),
        cpu: cpu.each(number),
    })
}

/// The 99th percentile, nearest rank.
fn p99_ms(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    let rank = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(rank).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_percentile_is_a_value_that_was_measured() {
        let millis = |numbers: std::ops::RangeInclusive<u64>| -> Vec<Duration> {
            numbers.rev().map(Duration::from_millis).collect()
        };
        assert!((p99_ms(&mut millis(1..=100)) - 99.0).abs() < f64::EPSILON);
        assert!((p99_ms(&mut millis(1..=1000)) - 990.0).abs() < f64::EPSILON);
        assert!((p99_ms(&mut millis(7..=7)) - 7.0).abs() < f64::EPSILON);
        assert!(p99_ms(&mut []).abs() < f64::EPSILON);
    }
}
