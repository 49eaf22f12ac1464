//! `lienthong admin …`: what an operator asks of a gateway's own store, on the gateway's machine.
//!
//! The store is opened beside the gateway, which may be running or not.

mod account;
mod agencies;
mod alert_test;
mod certificates;
mod export;
mod news;
mod registrations;
mod seal;
mod settle;
mod users;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::Outcome;
use crate::config::Config;
use crate::store::SqliteStore;
use crate::store::sqlite::Access;

/// Việc của quản trị trục — what an operator does on the gateway's own machine.
#[derive(Debug, Args)]
pub struct Admin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Account(account::Account),
    Agencies(agencies::Agencies),
    AlertTest(alert_test::AlertTest),
    Certificates(certificates::Certificates),
    Export(export::Export),
    News(news::News),
    Registrations(registrations::Registrations),
    Seal(seal::Seal),
    Settle(settle::Settle),
    Users(users::Users),
}

impl Admin {
    pub fn run(self) -> Outcome {
        match self.command {
            Command::Account(command) => command.run(),
            Command::Agencies(command) => command.run(),
            Command::AlertTest(command) => command.run(),
            Command::Certificates(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::News(command) => command.run(),
            Command::Registrations(command) => command.run(),
            Command::Seal(command) => command.run(),
            Command::Settle(command) => command.run(),
            Command::Users(command) => command.run(),
        }
    }
}

/// Which gateway's store.
#[derive(Debug, Args)]
struct Place {
    /// Tệp cấu hình của trục — the gateway's configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Thay một khóa — override one key: `--set hop.data=…`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl Place {
    fn config(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config, &self.overrides)?)
    }

    fn open(&self, access: Access) -> anyhow::Result<(Config, SqliteStore)> {
        let config = self.config()?;
        let file = config.hop.data.join("store.db");
        let store = SqliteStore::attach(&file, &config.hop.name, access).with_context(|| file.display().to_string())?;
        Ok((config, store))
    }
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "ngày có dạng YYYY-MM-DD — a day has the form YYYY-MM-DD".to_owned())
}
