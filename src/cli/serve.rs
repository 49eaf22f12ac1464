//! `lienthong serve`: one gateway, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::show::say;
use super::{Outcome, Verdict, log, runtime};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::link::inprocess::Hub;

/// Runs one gateway.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Overrides one key: `--set api.listen=0.0.0.0:8443`. May be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl Serve {
    pub fn run(self) -> Outcome {
        let config = Config::load(&self.config, &self.overrides)?;
        log(&config.log.level, config.log.json);
        runtime()?.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let gateway = Gateway::start(&config, &Hub::new(), Arc::new(SystemClock)).await?;
            say!("{} https://{}", gateway.hop, gateway.address);
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping");
            gateway.stop().await;
            Ok(Verdict::Yes)
        })
    }
}
