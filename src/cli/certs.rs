//! `lienthong certs`: the example keys and certificates, configurations that fit, and a letter to send.

use std::path::PathBuf;

use clap::Args;
use lienthong_contract::Clock;
use serde_json::json;

use super::show::say;
use super::{Outcome, Verdict, show};
use crate::clock::SystemClock;
use crate::pki::{self, Manifest, Options};
use crate::scene::SENDER;
use crate::scene::trial::{self, Trial};

/// Tạo khóa và chứng thư thí dụ — makes example keys and certificates, never for production.
#[derive(Debug, Args)]
pub struct Certs {
    /// Thư mục ghi kết quả — the folder to write to.
    #[arg(long, value_name = "DIR", default_value = "certs-example/out")]
    out: PathBuf,
    /// Tên máy, địa chỉ của trục — names and addresses that the gateways are reached by, besides localhost.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Thay bộ đã có — replace what an earlier run made there.
    #[arg(long)]
    overwrite: bool,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Certs {
    pub fn run(self) -> Outcome {
        let options = Options { overwrite: self.overwrite, hosts: self.hosts.clone(), ..Options::default() };
        let manifest = match pki::generate(&self.out, &options, SystemClock.now(), &mut |step| eprintln!("  {step}")) {
            Err(pki::Error::Exists(folder)) => anyhow::bail!(
                "{} đã có khóa thí dụ; dùng --overwrite để thay — already holds example keys; --overwrite replaces them",
                folder.display()
            ),
            made => made?,
        };
        let trial = trial::write(&manifest, SystemClock.now())?;
        let agencies: Vec<&str> = manifest.agency_codes().collect();
        let hops: Vec<&str> = manifest.hop_names().collect();
        if self.json {
            show::json(&json!({
                "folder": manifest.root(),
                "root": manifest.ca().root,
                "directory": manifest.directory_file(),
                "hops": hops,
                "gateways": trial.gateways,
                "letter": trial.letter,
                "agencies": agencies,
                "bad": manifest.bad_cases().collect::<Vec<_>>(),
            }))?;
        } else {
            say!("Đã ghi — written: {}", manifest.root().display());
            say!("  gateway: {}", hops.join(", "));
            say!("  cơ quan — agencies: {}", agencies.join(", "));
            say!("  danh mục — directory: {}", manifest.directory_file().display());
            say!("  thư thí dụ — a letter to send: {}", trial.letter.display());
            go_on(&manifest, &trial);
        }
        Ok(Verdict::Yes)
    }
}

/// The way from here to a document in a mailbox, as commands to copy.
fn go_on(manifest: &Manifest, trial: &Trial) {
    let Some(gateway) = trial.gateways.first() else { return };
    let (program, certs) = (show::this_program(), show::for_shell(manifest.root()));
    let at = format!("--gateway {}", gateway.address);
    let (configuration, letter) = (show::for_shell(&gateway.configuration), show::for_shell(&trial.letter));
    say!("\nChạy một trục (để nguyên cửa sổ này) — run a gateway (leave it running):");
    say!("  {program} serve --config {configuration}");
    say!("Ở cửa sổ khác, gửi rồi xem hộp thư — in another window, send, then look into the mailbox:");
    say!("  {program} send {letter} {at} --as {SENDER} --certs {certs}");
    say!("  {program} inbox {at} --as {} --certs {certs}", trial::NEIGHBOUR);
    say!("Tiếp theo — and on: fetch, ack, trace, verify; README.vi.md, README.md");
}
