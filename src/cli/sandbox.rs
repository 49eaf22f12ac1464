//! `lienthong sandbox`: a small national axis on this machine for trying client software, which misbehaves on demand.

use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use lienthong_contract::{AgencyCode, Clock};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::show::say;
use super::{Outcome, Verdict, log, runtime, show};
use crate::clock::SystemClock;
use crate::sandbox::{self, Faults, MadeSystem, PATHS, SecretFrom, Setup, System, Tally};
use crate::scene::{SENDER, trial};

/// The systems when none are named: a province and a ministry.
const EXAMPLES: [(&str, &[&str]); 2] =
    [("sandbox.tinh", &[SENDER, "H37.91", "H37"]), ("sandbox.bo", &[MINISTRY, "G22.90"])];
/// To whom the example packet goes.
const MINISTRY: &str = "G09.90";

/// Chạy một trục thử trên máy này, cố ý lỗi khi được yêu cầu — a trial axis on this machine that misbehaves on demand.
///
/// Nói giao thức VXP của trục quốc gia qua HTTP: nhận, lưu, liệt kê, trả văn bản, ghi nhận trạng thái như trục thật. Mặc định
/// không có lỗi nào. Chạy đến khi bấm Ctrl-C, rồi in số yêu cầu đã gặp từng loại lỗi. Xem docs/sandbox.md. — Speaks the VXP
/// protocol of the national axis over HTTP and does what the real one does; without faults unless asked for. Runs until
/// Ctrl-C, then tells how many requests met which fault.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// Địa chỉ và cổng cho phần mềm gọi tới; cổng 0 là cổng trống bất kỳ — where clients call; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7080")]
    listen: SocketAddr,
    /// Thư mục giữ dữ liệu, dùng lại ở lần chạy sau; không nêu thì dùng thư mục tạm — keep the data here for later runs.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Hệ thống được gọi: mã, tệp khóa, các cơ quan — a system that may call. Nêu được nhiều lần — may be repeated.
    ///
    /// Cơ quan chưa có trong danh mục thí dụ thì được thêm vào. Không nêu thì có sẵn hai hệ thống thí dụ. — Agencies that the
    /// example directory does not list are added; by default there are two example systems.
    #[arg(long = "system", value_name = "ID=SECRET_FILE:CODE,CODE…", value_parser = system)]
    systems: Vec<System>,
    /// Tỷ lệ (%) thực hiện xong rồi ngắt, không trả lời — carried out, then closed without an answer.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    lost: f64,
    /// Tỷ lệ (%) thực hiện hai lần, trả câu trả lời thứ hai — carried out twice, the second answer is given.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    doubled: f64,
    /// Tỷ lệ (%) trả trang HTML mã 502; khoảng một nửa đã được thực hiện — an HTML page with status 502; about half were carried out.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    html: f64,
    /// Tỷ lệ (%) thực hiện xong rồi trả JSON toàn null — carried out, then answered with JSON of nulls.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    nulls: f64,
    /// Tỷ lệ (%) thực hiện xong rồi trả lời chậm — carried out, then answered late.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    slow: f64,
    /// Chậm bao nhiêu mili giây — how late, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    slow_ms: u64,
    /// Ngừng phục vụ từ yêu cầu thứ FROM đến hết thứ TO, đếm từ 1 — nothing is carried out from one request to another.
    /// Nêu được nhiều lần — may be repeated.
    #[arg(long = "outage", value_name = "FROM..TO", value_parser = outage)]
    outages: Vec<RangeInclusive<u64>>,
    /// Cùng số này thì lỗi rơi vào cùng những yêu cầu — the same seed, the same requests meet a fault.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// In một đối tượng JSON lúc bắt đầu và một lúc dừng — print one JSON object at start and one at the end.
    #[arg(long)]
    json: bool,
}

impl Sandbox {
    pub fn run(self) -> Outcome {
        log("warn", false);
        let faults = self.faults();
        faults.check()?;
        let temporary = match self.data {
            Some(_) => None,
            None => Some(tempfile::tempdir().context("no temporary folder")?),
        };
        let folder = self.data.as_deref().or(temporary.as_ref().map(tempfile::TempDir::path)).context("no folder")?;
        let folder = std::path::absolute(folder).with_context(|| folder.display().to_string())?;
        runtime()?.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let systems = if self.systems.is_empty() { examples()? } else { self.systems.clone() };
            let setup = Setup { listen: self.listen, folder: folder.clone(), keys: None, systems, faults };
            let running = sandbox::Sandbox::start(setup, Arc::new(SystemClock)).await?;
            let letter = self.letter(&folder)?;
            if self.json {
                show::json(&started(&running, &folder, letter.as_deref()))?;
            } else {
                self.invite(&running, &folder, letter.as_deref())?;
            }
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            let tally = running.stop().await;
            if self.json {
                show::json(&json!({ "tally": tally }))?;
            } else {
                told(&tally);
            }
            Ok(Verdict::Yes)
        })
    }

    fn faults(&self) -> Faults {
        Faults {
            lost: self.lost,
            doubled: self.doubled,
            html: self.html,
            nulls: self.nulls,
            slow: self.slow,
            slow_by: Duration::from_millis(self.slow_ms),
            outages: self.outages.clone(),
            seed: self.seed,
        }
    }

    /// A packet to send, where the example systems are.
    fn letter(&self, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
        if !self.systems.is_empty() {
            return Ok(None);
        }
        let file = folder.join(trial::LETTER);
        trial::write_letter(&file, &[MINISTRY], SystemClock.now())?;
        Ok(Some(file))
    }

    fn invite(&self, running: &sandbox::Sandbox, folder: &Path, letter: Option<&Path>) -> anyhow::Result<()> {
        let address = running.address();
        say!("Trục thử — the sandbox: http://{address}  (đường dẫn gốc — base paths: {})", PATHS.join(", "));
        if !address.ip().is_loopback() {
            say!("  ! HTTP không mã hóa và máy khác gọi được: chỉ để thử — in the clear, for trials only");
        }
        say!("Hệ thống — systems:");
        for system in running.systems() {
            say!("  {}  cơ quan — agencies: {}", system.id, codes(system).join(", "));
            say!("    tệp khóa — secret file: {}", show::for_shell(&system.secret_file));
        }
        say!("Dữ liệu — data: {}", show::for_shell(folder));
        say!("{}", plan(&running.faults()));
        if let Some(system) = running.systems().first() {
            say!("\nThử với SDK của trục quốc gia — with the SDK of the national axis:");
            say!("  client.protocol=http");
            say!("  service.endpoint=http://{address}");
            say!("  systemid={}", system.id);
            let file = &system.secret_file;
            match system.made_here {
                true => {
                    let secret = fs::read_to_string(file).with_context(|| file.display().to_string())?;
                    say!("  secret={}", secret.trim_end());
                }
                false => say!("  secret=(nội dung tệp khóa — the text of the secret file)"),
            }
        }
        if let Some(letter) = letter {
            say!("  gói tin để gửi thử, từ {SENDER} tới {MINISTRY} — a packet to send: {}", show::for_shell(letter));
        }
        if self.data.is_some() {
            say!("Ctrl-C để dừng; dữ liệu được giữ lại — stops it; the data stays.");
        } else {
            say!("Ctrl-C để dừng; thư mục dữ liệu bị xoá — stops it and removes the data (--data FOLDER keeps it).");
        }
        Ok(())
    }
}

fn started(running: &sandbox::Sandbox, folder: &Path, letter: Option<&Path>) -> serde_json::Value {
    let system =
        |system: &MadeSystem| json!({ "id": system.id, "secret_file": system.secret_file, "agencies": codes(system) });
    json!({
        "address": format!("http://{}", running.address()),
        "paths": PATHS,
        "data": folder,
        "systems": running.systems().iter().map(system).collect::<Vec<_>>(),
        "letter": letter,
    })
}

fn codes(system: &MadeSystem) -> Vec<&str> {
    system.agencies.iter().map(AgencyCode::as_str).collect()
}

/// The faults in force, on one line.
fn plan(faults: &Faults) -> String {
    let percentages = [
        ("lost", faults.lost),
        ("doubled", faults.doubled),
        ("html", faults.html),
        ("nulls", faults.nulls),
        ("slow", faults.slow),
    ];
    let mut parts: Vec<String> = (percentages.iter())
        .filter(|(_, percentage)| *percentage > 0.0)
        .map(|(name, percentage)| format!("{name} {percentage} %"))
        .collect();
    if faults.slow > 0.0 {
        parts.push(format!("{} ms", faults.slow_by.as_millis()));
    }
    parts.extend(faults.outages.iter().map(|outage| format!("outage {}..{}", outage.start(), outage.end())));
    if parts.is_empty() {
        return "Lỗi cố ý — faults: không có — none".to_owned();
    }
    format!("Lỗi cố ý — faults: {} (seed {})", parts.join(", "), faults.seed)
}

/// What was done, for people.
fn told(tally: &Tally) {
    say!("\n{} yêu cầu, {} gặp lỗi cố ý — {0} requests, {1} met a fault", tally.requests, tally.faults());
    for (count, words) in [
        (tally.passed, "passed   chuyển nguyên vẹn — passed on as they were"),
        (tally.lost, "lost     đã thực hiện, mất câu trả lời — carried out, the answer lost"),
        (tally.doubled, "doubled  thực hiện hai lần — carried out twice"),
        (tally.html_done, "html     đã thực hiện, trả trang HTML — carried out, answered with the page"),
        (tally.html_not_done, "html     không thực hiện, trả trang HTML — not carried out, answered with the page"),
        (tally.nulls, "nulls    đã thực hiện, trả toàn null — carried out, answered with nulls"),
        (tally.slow, "slow     đã thực hiện, trả lời chậm — carried out, answered late"),
        (tally.outage, "outage   ngừng phục vụ, không thực hiện — not carried out"),
        (tally.broken, "broken   kết nối đứt không do cố ý — broken off by themselves"),
    ] {
        if count > 0 {
            say!("  {count:>8}  {words}");
        }
    }
}

fn examples() -> anyhow::Result<Vec<System>> {
    let system = |(id, codes): (&str, &[&str])| -> anyhow::Result<System> {
        Ok(System { id: id.to_owned(), secret: SecretFrom::Made, agencies: agencies(codes.iter().copied())? })
    };
    EXAMPLES.into_iter().map(system).collect()
}

fn agencies<'a>(codes: impl Iterator<Item = &'a str>) -> anyhow::Result<Vec<AgencyCode>> {
    let agency = |code: &str| match code.trim() {
        "" => {
            bail!("thiếu mã cơ quan: cần dạng ID=TỆP_KHÓA:MÃ,MÃ — a code is missing: must be ID=SECRET_FILE:CODE,CODE")
        }
        code => code.parse().map_err(|error| anyhow::anyhow!("{code:?}: {error}")),
    };
    codes.map(agency).collect()
}

/// `ID=SECRET_FILE:CODE,CODE…`; a file's name may hold colons.
fn system(text: &str) -> anyhow::Result<System> {
    let parts =
        text.split_once('=').and_then(|(id, rest)| rest.rsplit_once(':').map(|(file, codes)| (id, file, codes)));
    let Some((id, file, codes)) = parts.filter(|(id, file, _)| !id.is_empty() && !file.is_empty()) else {
        bail!("cần dạng ID=TỆP_KHÓA:MÃ,MÃ — must be ID=SECRET_FILE:CODE,CODE");
    };
    let agencies = agencies(codes.split(','))?;
    Ok(System { id: id.to_owned(), secret: SecretFrom::File(PathBuf::from(file)), agencies })
}

/// `FROM..TO`, both included.
fn outage(text: &str) -> anyhow::Result<RangeInclusive<u64>> {
    let (from, to) = text.split_once("..").context("cần dạng TỪ..ĐẾN — must be FROM..TO")?;
    Ok(from.trim().parse()?..=to.trim().trim_start_matches('=').parse()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_system_is_read_whole_and_what_it_lacks_is_said() {
        let read = system("so=keys:a/so.secret:H37.05, H37.06").unwrap();
        assert_eq!((read.id.as_str(), read.agencies.len()), ("so", 2));
        for wrong in ["so=x.secret:", "so=x.secret:H37.05,,", "so=:H37.05", "=x.secret:H37", "so", "so=x.secret:H 37"] {
            let said = system(wrong).unwrap_err().to_string();
            assert!(said.contains("SECRET_FILE") || said.contains("H 37"), "{wrong}: {said}");
        }
    }
}
