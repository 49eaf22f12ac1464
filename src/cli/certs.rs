//! `lienthong certs`: the example keys and certificates.

use std::path::PathBuf;

use clap::Args;
use lienthong_contract::Clock;
use serde_json::json;

use super::show::say;
use super::{Outcome, Verdict, show};
use crate::clock::SystemClock;
use crate::pki::{self, Options};

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
        let agencies: Vec<&str> = manifest.agency_codes().collect();
        let hops: Vec<&str> = manifest.hop_names().collect();
        if self.json {
            show::json(&json!({
                "folder": manifest.root(),
                "root": manifest.ca().root,
                "directory": manifest.directory_file(),
                "hops": hops,
                "agencies": agencies,
                "bad": manifest.bad_cases().collect::<Vec<_>>(),
            }))?;
        } else {
            say!("Đã ghi — written: {}", manifest.root().display());
            say!("  gateway: {}", hops.join(", "));
            say!("  cơ quan — agencies: {}", agencies.join(", "));
            say!("  danh mục — directory: {}", manifest.directory_file().display());
        }
        Ok(Verdict::Yes)
    }
}
