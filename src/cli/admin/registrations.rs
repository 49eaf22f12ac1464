//! `lienthong admin registrations`: what systems ask for, and an administrator's answer.
//!
//! A registration comes in a body that nobody signed. Accepting one lets its system speak for an agency; one that the
//! directory does not have is put into the directory file, which the gateway reads again when it changes. The file is
//! written before the answer is: what is broken off between the two is asked again.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use lienthong_contract::catalogue::NewAgency;
use lienthong_contract::{AgencyCode, Clock as _};
use serde_json::{Value, json};

use super::Place;
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::directory::{Directory, Snapshot};
use crate::registry::speaks_for;
use crate::store::RegistryStore;
use crate::store::registry::{Action, Grant, Registration};
use crate::store::sqlite::Access;

/// Yêu cầu đăng ký của các hệ thống — what systems ask for (registerAgency, deleteAgency), and the answer to it.
#[derive(Debug, Args)]
pub struct Registrations {
    #[command(flatten)]
    place: Place,
    /// Liệt kê cả yêu cầu đã trả lời — list the answered ones too.
    #[arg(long, conflicts_with_all = ["accept", "reject"])]
    all: bool,
    /// Chấp nhận yêu cầu số N — accept number N.
    #[arg(long, value_name = "N", conflicts_with = "reject")]
    accept: Option<u64>,
    /// Từ chối yêu cầu số N — reject number N.
    #[arg(long, value_name = "N")]
    reject: Option<u64>,
    /// Vì sao, ai xác nhận; được lưu lại — why, and who confirmed it; it is kept.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Không ghi vào tệp danh bạ — leave the directory file alone; the agency must stand there already.
    #[arg(long, requires = "accept")]
    keep_directory: bool,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The longest reason, in characters.
const MAX_REASON: usize = 1000;

impl Registrations {
    pub fn run(self) -> Outcome {
        if self.reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON) {
            bail!("--reason: ≤ {MAX_REASON} ký tự — characters");
        }
        let runtime = runtime()?;
        match (self.accept, self.reject) {
            (Some(id), _) => runtime.block_on(self.decide(id, true)),
            (_, Some(id)) => runtime.block_on(self.decide(id, false)),
            _ => runtime.block_on(self.list()),
        }
    }

    async fn list(&self) -> Outcome {
        let (config, store) = self.place.open(Access::Read)?;
        let directory = Directory::open(&config.directory.file)?.snapshot();
        let (list, grants) = (store.registrations(self.all).await?, store.grants().await?);
        let told: Vec<Told<'_>> = list.iter().map(|one| Told::of(one, &config, &grants, &directory)).collect();
        if self.json {
            show::json(&json!({ "registrations": told.iter().map(Told::json).collect::<Vec<_>>() }))?;
        } else if list.is_empty() {
            say!("Không có yêu cầu nào đang chờ — nothing waits");
        } else {
            told.iter().for_each(Told::say);
            say!("\nTrả lời — answer: lienthong admin registrations --config … --accept N | --reject N [--reason …]");
        }
        Ok(Verdict::Yes)
    }

    async fn decide(&self, id: u64, accept: bool) -> Outcome {
        let (config, store) = self.place.open(Access::Write)?;
        let waiting = store.registrations(false).await?.into_iter().find(|one| one.id == id);
        let Some(waiting) = waiting else {
            if self.json {
                show::json(&json!({ "id": id, "decided": false }))?;
            } else {
                say!("Không có yêu cầu số {id} đang chờ — number {id} does not wait");
            }
            return Ok(Verdict::No);
        };
        let mut listed = false;
        if accept && waiting.asked.action == Action::Register {
            if !config.system.iter().any(|system| system.id == waiting.asked.system) {
                bail!(
                    "[[system]] {:?}: không còn trong cấu hình — is no longer in the configuration",
                    waiting.asked.system
                );
            }
            listed = self.enter_into_directory(&config, &waiting)?;
        }
        let reason = self.reason.clone().map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        let decided = store.decide(id, accept, reason, SystemClock.now()).await?;
        let asked = &waiting.asked;
        if self.json {
            show::json(&json!({ "id": id, "decided": decided, "accepted": accept, "entered_into_directory": listed }))?;
        } else if accept {
            let what = if asked.action == Action::Register {
                "nay thay mặt — speaks for"
            } else {
                "thôi thay mặt — no longer speaks for"
            };
            say!("Hệ thống — system {} {what} {}", asked.system, asked.code);
            if listed {
                say!("Đã thêm vào danh bạ — entered into {}", config.directory.file.display());
            }
            if asked.action == Action::Withdraw {
                say!(
                    "Danh bạ không đổi; đặt valid_to nếu cơ quan giải thể — the directory is as it was; set valid_to if the agency is closed"
                );
            }
        } else {
            say!("Đã từ chối — rejected: {} {}", asked.system, asked.code);
        }
        Ok(if decided { Verdict::Yes } else { Verdict::No })
    }

    /// Puts the agency into the directory unless it is there; true when the file was written.
    fn enter_into_directory(&self, config: &Config, waiting: &Registration) -> anyhow::Result<bool> {
        let file = &config.directory.file;
        if Directory::open(file)?.snapshot().lookup(&waiting.asked.code).is_some() {
            return Ok(false);
        }
        let agency: NewAgency = serde_json::from_str(&waiting.asked.details).context("details")?;
        let row = row(&agency, config.hop.name.as_str());
        if self.keep_directory {
            bail!("danh bạ chưa có cơ quan này, thêm dòng sau — not in the directory yet, add:\n{row}");
        }
        append(file, &row).with_context(|| file.display().to_string())?;
        Ok(true)
    }
}

/// The agency's row, served here.
fn row(agency: &NewAgency, hop: &str) -> String {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut row = format!("\n[[agency]]\ncode = {}\nname = {}\n", text(agency.code.as_str()), text(&agency.name));
    for (key, value) in [("parent", agency.parent.as_ref().map(ToString::to_string)), ("mail", agency.mail.clone())] {
        row.extend(value.map(|value| format!("{key} = {}\n", text(&value))));
    }
    row + &format!("hop = {}\n", text(hop))
}

/// Puts a row behind a directory file that is still one with it. Whoever reads the file sees the old one or the new one.
fn append(file: &Path, row: &str) -> anyhow::Result<()> {
    // A link stays a link.
    let file = std::fs::canonicalize(file)?;
    let before = std::fs::read_to_string(&file)?;
    let after = format!("{}\n{row}", before.trim_end());
    Snapshot::from_toml(&after)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    let mut writing = File::create(&new)?;
    writing.set_permissions(std::fs::metadata(&file)?.permissions())?;
    writing.write_all(after.as_bytes())?;
    writing.sync_all()?;
    std::fs::rename(&new, &file)?;
    File::open(file.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    Ok(())
}

/// A registration with what an administrator should know of it.
struct Told<'a> {
    one: &'a Registration,
    /// As the directory names the agency.
    name: Option<String>,
    /// Systems that speak for it already.
    spoken_for_by: Vec<&'a str>,
}

impl<'a> Told<'a> {
    fn of(one: &'a Registration, config: &'a Config, grants: &[Grant], directory: &Snapshot) -> Self {
        let code = &one.asked.code;
        let known = directory.lookup(code);
        let means = |own: &AgencyCode| match directory.lookup(own) {
            Some(own) => known.is_some_and(|known| known.key == own.key),
            None => own == code,
        };
        let agencies = |system: &config::System| speaks_for(&system.id, &system.agencies, grants, directory);
        let speaks = config.system.iter().filter(|system| agencies(system).iter().any(means));
        let spoken_for_by = speaks.map(|system| system.id.as_str()).collect();
        Self { one, name: known.map(|agency| agency.name.clone()), spoken_for_by }
    }

    fn json(&self) -> Value {
        let (one, asked) = (self.one, &self.one.asked);
        json!({
            "id": one.id, "state": one.state, "system": asked.system, "door": asked.door, "address": asked.address,
            "action": asked.action, "code": asked.code, "asked_at": asked.asked_at,
            "details": serde_json::from_str::<Value>(&asked.details).unwrap_or_default(),
            "in_directory": self.name, "spoken_for_by": self.spoken_for_by,
            "decided_at": one.decided_at, "reason": one.reason,
        })
    }

    fn say(&self) {
        let (one, asked) = (self.one, &self.one.asked);
        let action = match asked.action {
            Action::Register => "đăng ký — register",
            Action::Withdraw => "thôi đăng ký — withdraw",
        };
        say!("{}  {}  {action} {}  ({}, {})", one.id, asked.system, asked.code, asked.asked_at, asked.address);
        let details: Value = serde_json::from_str(&asked.details).unwrap_or_default();
        for (key, value) in details.as_object().into_iter().flatten().filter(|(key, _)| *key != "code") {
            say!("     {key}: {}", value.as_str().unwrap_or_default());
        }
        match &self.name {
            Some(name) => say!("     danh bạ — directory: {name}"),
            None => say!("     danh bạ — directory: chưa có — not there yet"),
        }
        if !self.spoken_for_by.is_empty() {
            say!("     đang được thay mặt bởi — spoken for by: {}", self.spoken_for_by.join(", "));
        }
        if one.state != "waiting" {
            let time = one.decided_at.map(|time| time.to_string()).unwrap_or_default();
            say!("     {} {time} {}", one.state, one.reason.as_deref().unwrap_or_default());
        }
    }
}
