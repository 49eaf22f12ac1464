//! `lienthong config check`: every mistake of a configuration, before a gateway is started with it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::show::say;
use super::{Outcome, Verdict, show};
use crate::clock::SystemClock;
use crate::config;
use crate::gateway::rehearsal;

/// Kiểm tra cấu hình — looks at a gateway's configuration.
#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
}

/// Nêu mọi lỗi cấu hình kèm tên khóa — names every mistake with its key; starts nothing.
#[derive(Debug, Args)]
struct Check {
    /// Tệp cấu hình (TOML) — the configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Thay một khóa — override one key: `--set api.listen=0.0.0.0:8443`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Config {
    pub fn run(self) -> Outcome {
        let Command::Check(check) = self.command;
        let (mistakes, remarks) = match config::Config::load(&check.config, &check.overrides) {
            Ok(config) => (rehearsal::mistakes(&config, std::sync::Arc::new(SystemClock)), rehearsal::remarks(&config)),
            Err(config::Mistakes(mistakes)) => (mistakes, Vec::new()),
        };
        let good = mistakes.is_empty();
        if check.json {
            show::json(
                &json!({ "verdict": if good { "valid" } else { "invalid" }, "mistakes": mistakes, "remarks": remarks }),
            )?;
            return Ok(if good { Verdict::Yes } else { Verdict::No });
        }
        for remark in &remarks {
            say!("! {}\n    {}\n    {}", remark.key, remark.vi, remark.en);
        }
        if good {
            say!("Cấu hình dùng được — the configuration can be used: {}", check.config.display());
        } else {
            for mistake in &mistakes {
                say!("✗ {}\n    {}\n    {}", mistake.key, mistake.vi, mistake.en);
            }
            say!("{} lỗi — mistakes", mistakes.len());
        }
        Ok(if good { Verdict::Yes } else { Verdict::No })
    }
}
