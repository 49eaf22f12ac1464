//! `lienthong bench`: documents a second through two hops, beside what the broker alone can do.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};

use super::show::say;
use super::{Outcome, Verdict, log, runtime};
use crate::bench::{Figures, Plan, Size, Stage, console, measure};
use crate::clock::SystemClock;
use crate::pki::{self, Manifest};
use crate::scene::BrokerAt;
use crate::scene::broker::{Options, PrivateBroker};

/// Queues of the two hops; a broker that is given to the benchmark must have nothing in them.
const QUEUES: [&str; 4] = ["packets.nation", "receipts.nation", "packets.province-a", "receipts.province-a"];

/// Measures documents per second through two gateways over RabbitMQ, and RabbitMQ alone with the same bytes.
#[derive(Debug, Args)]
pub struct Bench {
    /// Measure over this RabbitMQ; otherwise a private one is started and ended with the run.
    #[arg(long, value_name = "URL")]
    amqp: Option<String>,
    /// End within a minute: packets of 10k only, a shorter time.
    #[arg(long)]
    quick: bool,
    /// Print a JSON array with one object a size.
    #[arg(long)]
    json: bool,
    /// Sizes of the whole signed packet.
    #[arg(long, value_delimiter = ',', default_value = "10k,100k,1m", value_name = "SIZE,…")]
    sizes: Vec<Size>,
    /// How long documents are handed in, for each size.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=3600))]
    seconds: u64,
    /// Measure once more without the ledger, and print what it costs.
    #[arg(long)]
    ledger_cost: bool,
    /// Trang điều hành trên kho lớn, thay cho các phép đo khác — the console over a large store, instead of the other measurements.
    #[arg(long, conflicts_with_all = ["amqp", "quick", "sizes", "ledger_cost", "clients"])]
    console: bool,
    /// With --console: documents that the store holds beforehand.
    #[arg(long, default_value_t = 1_000_000, requires = "console", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    documents: u64,
    /// Callers at once, each on a kept connection.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
}

impl Bench {
    pub fn run(self) -> Outcome {
        log("warn", false);
        let temporary = tempfile::Builder::new().prefix("lienthong-bench-").tempdir().context("no temporary folder")?;
        let clock = Arc::new(SystemClock);
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{spinner} {bar:30} {pos}/{len} {msg}")?);
        bar.set_message("máy chủ AMQP — broker");
        bar.enable_steady_tick(Duration::from_millis(200));
        let private = match &self.amqp {
            _ if self.console => None,
            Some(_) => None,
            None => Some(PrivateBroker::start(&temporary.path().join("broker"), &Options::default())?),
        };
        let url = self.amqp.clone().or_else(|| private.as_ref().map(PrivateBroker::url)).unwrap_or_default();
        let broker = BrokerAt { url, tls: false };
        bar.set_message("khóa thí dụ — example keys");
        let certs = temporary.path().join("certs");
        let manifest: Manifest = pki::generate(
            &certs,
            &pki::Options::default(),
            lienthong_contract::Clock::now(clock.as_ref()),
            &mut |_| {},
        )?;
        let stage = Stage {
            manifest: &manifest,
            broker: &broker,
            broker_group: private.as_ref().and_then(PrivateBroker::pid),
            folder: temporary.path(),
            clock,
        };
        if self.console {
            let plan = console::Plan { documents: self.documents, seconds: self.seconds };
            let tell = |what: &str, done: u64, of: u64| {
                bar.set_length(of);
                bar.set_position(done);
                bar.set_message(what.to_owned());
            };
            let figures = runtime()?.block_on(console::measure(&stage, plan, &tell))?;
            bar.finish_and_clear();
            say!("{}", serde_json::to_string_pretty(&figures)?);
            return Ok(Verdict::Yes);
        }
        let (plan, sizes) = self.plan()?;
        let mut all = Vec::with_capacity(sizes.len());
        runtime()?.block_on(async {
            if self.amqp.is_some() {
                nothing_waits(&stage.broker.url).await?;
            }
            for size in &sizes {
                let tell = |what: &str, done: u64, of: u64| {
                    bar.set_length(of);
                    bar.set_position(done);
                    bar.set_message(format!("{} · {what}", size.name));
                };
                all.push(measure(&stage, size, &plan, &tell).await?);
            }
            anyhow::Ok(())
        })?;
        bar.finish_and_clear();
        if self.json {
            say!("{}", serde_json::to_string_pretty(&all)?);
        } else {
            table(&all);
        }
        Ok(Verdict::Yes)
    }

    fn plan(&self) -> anyhow::Result<(Plan, Vec<Size>)> {
        ensure!(!self.sizes.is_empty(), "no size to measure");
        let clients = usize::from(self.clients);
        Ok(if self.quick {
            let sizes = vec!["10k".parse().map_err(anyhow::Error::msg)?];
            (
                Plan {
                    seconds: 8,
                    warm_up: Duration::from_secs(2),
                    raw_seconds: 3,
                    clients,
                    ledger_cost: self.ledger_cost,
                },
                sizes,
            )
        } else {
            let (seconds, warm_up) = (self.seconds, Duration::from_secs(3));
            (Plan { seconds, warm_up, raw_seconds: 5, clients, ledger_cost: self.ledger_cost }, self.sizes.clone())
        })
    }
}

/// A broker that somebody uses for these hops is not for measuring.
async fn nothing_waits(url: &str) -> anyhow::Result<()> {
    let connecting = Connection::connect(url, ConnectionProperties::default());
    let connection = tokio::time::timeout(Duration::from_secs(15), connecting).await;
    let connection = connection.context("the broker does not answer")?.context("the broker cannot be reached")?;
    for queue in QUEUES {
        // Asking for a queue that is not there closes the channel.
        let channel = connection.create_channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        if let Ok(found) = channel.queue_declare(queue.into(), passive, FieldTable::default()).await {
            let waiting = found.message_count();
            ensure!(waiting == 0, "{waiting} messages wait in {queue} on this broker: use a virtual host of its own");
            ensure!(
                found.consumer_count() == 0,
                "somebody consumes {queue} on this broker: use a virtual host of its own"
            );
        }
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}

fn table(all: &[Figures]) {
    say!(
        "{:>6} {:>12} {:>12} {:>7} {:>12} {:>14} {:>10}   CPU ms/document: first, next, broker, client",
        "size",
        "documents/s",
        "raw AMQP/s",
        "ratio",
        "intake p99",
        "evidence p99",
        "peak RSS"
    );
    for figures in all {
        let cpu = &figures.cpu_ms_per_document;
        let broker = cpu.broker.map_or("–".to_owned(), |broker| format!("{broker:.2}"));
        say!(
            "{:>6} {:>12.1} {:>12.1} {:>7.4} {:>9.1} ms {:>11.1} ms {:>7.1} MB   {:.2}, {:.2}, {broker}, {:.2}",
            figures.size,
            figures.documents_per_second,
            figures.raw_amqp_per_second,
            figures.ratio,
            figures.intake_p99_ms,
            figures.evidence_p99_ms,
            figures.peak_rss_mb,
            cpu.first_hop,
            cpu.next_hop,
            cpu.client,
        );
        if let Some(without) = &figures.without_ledger {
            let (rate, cost) = (without.documents_per_second, without.ledger_cost * 100.0);
            say!("{:>6} {rate:>12.1} without the ledger, which takes {cost:.1} %", figures.size);
        }
    }
}
