//! The command line: one file a subcommand.
//!
//! People read text on standard output; programs ask for `--json` and get one JSON object there. Progress and the log
//! go to standard error. Exit codes: 0 done, 1 the answer is no (refused, invalid, not delivered), 2 the command could
//! not be carried out.

mod demo;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Trục liên thông văn bản điện tử — gateway for signed official documents.
#[derive(Debug, Parser)]
#[command(name = "lienthong", version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
}

/// Result of a command: what its exit code says, or why it could not be carried out.
type Outcome = anyhow::Result<Verdict>;

/// The answer of a command that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    // Chosen once for the whole process; a second choice is refused and means the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Demo(command) => command.run(),
        Command::Serve(command) => command.run(),
    };
    match outcome {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Err(error) => {
            eprintln!("lienthong: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The runtime of a command that talks to others.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Sends the log to standard error.
fn log(level: &str, json: bool) {
    // The AMQP client logs each broken connection once more, below our own account of it.
    let level = if level.contains("lapin") { level.to_owned() } else { format!("{level},lapin=off") };
    let filter = tracing_subscriber::EnvFilter::try_new(level).unwrap_or_default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that is set up already stays.
    let _ = if json { log.json().try_init() } else { log.try_init() };
}
