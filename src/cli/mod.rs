//! The command line: one file a subcommand.
//!
//! People read text on standard output; programs ask for `--json` and get one JSON object there. Progress and the log
//! go to standard error. Exit codes: 0 done, 1 the answer is no (refused, invalid, not delivered), 2 the command could
//! not be carried out.

mod ack;
mod admin;
mod bench;
mod certs;
mod check;
mod config;
mod connection;
mod demo;
mod errors;
mod inbox;
mod kept;
mod ledger;
mod os;
mod proof;
mod recall;
mod sandbox;
mod send;
mod serve;
mod show;
mod trace;
mod unwrap;
mod verify;
mod wrap;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lienthong_contract::Clock as _;

use crate::clock::SystemClock;

/// Trục liên thông văn bản điện tử — gateway for signed official documents.
#[derive(Debug, Parser)]
#[command(name = "lienthong", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Đo số văn bản mỗi giây qua hai chặng — documents per second through two hops, beside the broker's own rate.
    Bench(bench::Bench),
    /// Trình diễn trọn một lượt gửi nhận — plays the whole scene: three gateways, a document, every receipt verified.
    Demo(demo::Demo),
    /// Chạy một trục — runs one gateway.
    Serve(serve::Serve),
    Sandbox(sandbox::Sandbox),
    Certs(certs::Certs),
    Check(check::Check),
    Wrap(wrap::Wrap),
    Unwrap(unwrap::Unwrap),
    Send(send::Send),
    Inbox(inbox::Inbox),
    Fetch(inbox::Fetch),
    Ack(ack::Ack),
    Status(ack::Status),
    Recall(recall::Recall),
    Trace(trace::Trace),
    Proof(proof::Proof),
    Verify(verify::Verify),
    Agencies(trace::Agencies),
    Admin(admin::Admin),
    Config(config::Config),
    Ledger(ledger::Ledger),
    Errors(errors::Errors),
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
        Command::Bench(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Sandbox(command) => command.run(),
        Command::Certs(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Wrap(command) => command.run(),
        Command::Unwrap(command) => command.run(),
        Command::Send(command) => command.run(),
        Command::Inbox(command) => command.run(),
        Command::Fetch(command) => command.run(),
        Command::Ack(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Recall(command) => command.run(),
        Command::Trace(command) => command.run(),
        Command::Proof(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Agencies(command) => command.run(),
        Command::Admin(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Ledger(command) => command.run(),
        Command::Errors(command) => command.run(),
    };
    match outcome {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Err(error) => {
            eprintln!("lienthong: {}", told(&error));
            if let Some(sentence) = os::explained(&error) {
                eprintln!("    → {sentence}");
            }
            ExitCode::from(2)
        }
    }
}

/// An error with its causes. What one of them says already, in its own sentence, is not said again.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told.push_str(": ");
            told.push_str(&cause);
        }
    }
    told
}

/// The folder beside a bundle with the roots that it rests on.
fn beside(bundle: &Path) -> PathBuf {
    let mut name = bundle.as_os_str().to_owned();
    name.push(".trust");
    PathBuf::from(name)
}

/// The runtime of a command that talks to others.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// The time of a log line: Vietnam's, with its offset, as everywhere else.
struct VietnamTime;

impl tracing_subscriber::fmt::time::FormatTime for VietnamTime {
    fn format_time(&self, out: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(out, "{}", SystemClock.now())
    }
}

/// Sends the log to standard error.
fn log(level: &str, json: bool) {
    // The AMQP client logs each broken connection once more, below our own account of it.
    let level = if level.contains("lapin") { level.to_owned() } else { format!("{level},lapin=off") };
    let filter = tracing_subscriber::EnvFilter::try_new(level).unwrap_or_default();
    // In a file or a journal, colours are noise; https://no-color.org is honoured on a terminal too.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let log = log.with_timer(VietnamTime);
    // A log that is set up already stays.
    let _ = if json { log.json().try_init() } else { log.try_init() };
}
