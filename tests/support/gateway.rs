//! One gateway as a process of the real binary.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lienthong::api::Readiness;
use lienthong::client::Client;
use lienthong::config::Config;

use super::eventually;

#[derive(Debug)]
pub struct Gateway {
    pub name: String,
    pub address: SocketAddr,
    /// Folder of its store.
    pub data: PathBuf,
    config: PathBuf,
    log: PathBuf,
    process: Option<Child>,
    /// Calls it without a certificate, as a probe does.
    probe: Client,
}

impl Gateway {
    /// Writes its configuration file and starts it. `probe` makes a caller without a certificate.
    pub fn start(folder: &Path, mut config: Config, probe: impl FnOnce(SocketAddr) -> Client) -> Self {
        let name = config.hop.name.to_string();
        config.api.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let file = folder.join(format!("{name}.toml"));
        fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        let mut gateway = Self {
            address: config.api.listen,
            data: config.hop.data.clone(),
            config: file,
            log: folder.join(format!("{name}.log")),
            process: None,
            probe: probe(config.api.listen),
            name,
        };
        gateway.run();
        gateway
    }

    /// Starts the process, on the same data and port as before.
    pub fn run(&mut self) {
        assert!(self.process.is_none(), "{} runs already", self.name);
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lienthong"));
        command.arg("serve").arg("--config").arg(&self.config);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
    }

    /// Waits until it says that it can work.
    pub async fn ready(&mut self) {
        eventually(&format!("{} is ready", self.name), async || {
            self.lives();
            self.readiness().await.filter(|readiness| readiness.ready)
        })
        .await;
    }

    /// What it says of itself, if it answers.
    pub async fn readiness(&self) -> Option<Readiness> {
        self.probe.ready().await.ok()
    }

    fn lives(&mut self) {
        if let Some(Ok(Some(status))) = self.process.as_mut().map(Child::try_wait) {
            panic!("{} ended by itself with {status}:\n{}", self.name, self.log_tail());
        }
    }

    /// Kills it as a power cut would.
    pub fn kill_dash_nine(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        let asked = Command::new("kill").args(["-s", "TERM", &process.id().to_string()]).status();
        assert!(asked.unwrap().success());
        let status = eventually("a graceful stop", async || process.try_wait().unwrap()).await;
        assert!(status.success(), "{} stopped with {status}:\n{}", self.name, self.log_tail());
    }

    /// Peak of its resident memory in bytes, from the kernel.
    pub fn peak_memory(&self) -> u64 {
        let id = self.process.as_ref().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix("kB").unwrap().trim().parse::<u64>().unwrap() * 1024
    }

    pub fn log_text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn log_tail(&self) -> String {
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.name, self.log_tail());
        }
    }
}

/// A port that is free, below the range that the system hands out by itself, so that it stays free while a gateway is
/// down.
fn free_port() -> u16 {
    loop {
        let chance = RandomState::new().build_hasher().finish();
        let port = 11_000 + u16::try_from(chance % 9_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
