//! The two gateways of a run: processes of this same binary, as an operator runs them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::{Stage, process};
use crate::scene::{self, Agency, SENDER};

/// How long a gateway may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Where documents are handed in, and where they end.
const FIRST: &str = "province-a";
const NEXT: &str = "nation";
/// A ministry that the second hop serves.
pub const RECIPIENT: &str = "G09.90";

/// Two running gateways; killed when dropped.
#[derive(Debug)]
pub struct Hops {
    pub first: Hop,
    pub next: Hop,
}

/// One of them.
#[derive(Debug)]
pub struct Hop {
    pub address: SocketAddr,
    pub data: PathBuf,
    child: Child,
}

impl Hops {
    /// Starts both and waits until they are ready: they can sign and store, and the broker is connected.
    ///
    /// # Errors
    /// With the end of the log of the gateway that did not start.
    pub async fn start(stage: &Stage<'_>, folder: &Path, ledger: bool) -> anyhow::Result<Self> {
        let next = Hop::start(stage, folder, NEXT, ledger).await?;
        let first = Hop::start(stage, folder, FIRST, ledger).await?;
        for hop in [&next, &first] {
            hop.ready(stage).await?;
        }
        Ok(Self { first, next })
    }

    /// Peak memory of the larger one, in MiB.
    ///
    /// # Errors
    /// One of them has ended.
    pub fn peak_rss_mb(&self) -> anyhow::Result<f64> {
        Ok(process::peak_rss_mb(self.first.pid())?.max(process::peak_rss_mb(self.next.pid())?))
    }

    /// The sender, as a caller of the first hop with so many connections.
    ///
    /// # Errors
    /// The example PKI lacks something.
    pub fn sender(&self, stage: &Stage<'_>, connections: usize) -> anyhow::Result<Agency> {
        let clock = std::sync::Arc::clone(&stage.clock);
        Ok(scene::agency(stage.manifest, SENDER, self.first.address, connections, clock)?)
    }
}

impl Hop {
    async fn start(stage: &Stage<'_>, folder: &Path, name: &'static str, ledger: bool) -> anyhow::Result<Self> {
        let data = folder.join(name);
        fs::create_dir_all(&data)?;
        let mut config = scene::configuration(stage.manifest, name, &data, Some(stage.broker))?;
        // The third hop of the example world does not play.
        config.link.retain(|link| [FIRST, NEXT].contains(&link.peer.as_str()));
        config.log.level = "warn".to_owned();
        config.ledger.enabled = ledger;
        let file = data.join("gateway.toml");
        fs::write(&file, toml::to_string(&config)?)?;
        let log = File::create(data.join("gateway.log"))?;
        let binary = std::env::current_exe().context("where this program lies")?;
        let mut child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("a gateway cannot be started")?;
        let Some(said) = child.stdout.take() else { bail!("a gateway without output") };
        let first_line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(said).read_line(&mut line).map(|_| line)
        });
        // From here on the process ends with this value.
        let mut hop = Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), data, child };
        let line = tokio::time::timeout(READY_WITHIN, first_line).await.context(hop.log_tail())???;
        let address = line.trim().rsplit_once("https://").and_then(|(_, address)| address.parse().ok());
        let Some(address) = address else { bail!("gateway {name} did not start:\n{}", hop.log_tail()) };
        hop.address = address;
        Ok(hop)
    }

    async fn ready(&self, stage: &Stage<'_>) -> anyhow::Result<()> {
        let clock = std::sync::Arc::clone(&stage.clock);
        let asker = scene::agency(stage.manifest, SENDER, self.address, 1, clock)?;
        let asking = async {
            while !asker.client.ready().await.is_ok_and(|readiness| readiness.ready) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let ready = tokio::time::timeout(READY_WITHIN, asking).await;
        ensure!(ready.is_ok(), "a gateway is not ready within {READY_WITHIN:?}:\n{}", self.log_tail());
        Ok(())
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The end of the gateway's log, to explain a failure.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.data.join("gateway.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
