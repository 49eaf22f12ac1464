//! `lienthong ledger accept-loss`: the way on after receipts were lost for good.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::show::say;
use super::{Outcome, Verdict};
use crate::config::Config;
use crate::logkeeper::outside;

/// Sổ biên nhận — the log of receipts.
#[derive(Debug, Args)]
pub struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    AcceptLoss(AcceptLoss),
}

/// Đóng sổ cũ, mở sổ mới mang tên khác — closes the log and begins one of another name, when receipts are lost for good.
///
/// The gateway must be stopped. The last checkpoint of the old log is kept beside its file as evidence; the new log begins
/// with every receipt that the store still has. Neighbours are told by the new name.
#[derive(Debug, Args)]
struct AcceptLoss {
    /// Tệp cấu hình (TOML) — the configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Thay một khóa — override one key.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl Ledger {
    pub fn run(self) -> Outcome {
        let Command::AcceptLoss(command) = self.command;
        let config = Config::load(&command.config, &command.overrides)?;
        let data = &config.hop.data;
        let lock = File::create(data.join("lock")).with_context(|| data.display().to_string())?;
        lock.try_lock().context("trục đang chạy, hãy dừng trước — the gateway is running; stop it first")?;
        let (old, new, kept) = outside::accept_loss(&data.join("store.db"), &config.hop.name, &config.ledger_files())?;
        say!("Đã đóng sổ — closed: {old}");
        if let Some(kept) = kept {
            say!("Bằng chứng — evidence: {}", kept.display());
        }
        say!("Sổ mới — the new log: {new}");
        Ok(Verdict::Yes)
    }
}
