//! `lienthong admin export`: the documents of some days as a plain archive.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use jiff::civil::Date;
use lienthong_contract::Clock as _;
use serde_json::json;

use super::{Place, day};
use crate::books::archive::Archive;
use crate::books::export;
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::store::Blobs;
use crate::store::sqlite::Access;

/// Xuất văn bản, biên nhận ra gói lưu trữ — writes documents and receipts into a plain archive, and marks them as exported.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    place: Place,
    /// Từ ngày, giờ Việt Nam — the first day, in Vietnam.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    from: Date,
    /// Đến hết ngày — the last day.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    to: Date,
    /// Thư mục trống hoặc tệp .tar — an empty folder, or a file whose name ends in .tar.
    #[arg(long, value_name = "DIR|FILE.tar")]
    out: PathBuf,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub fn run(self) -> Outcome {
        if self.from > self.to {
            bail!("--from {} đứng sau --to {} — comes after it", self.from, self.to);
        }
        let exported = runtime()?.block_on(async {
            let (config, store) = self.place.open(Access::Write)?;
            let archive = Archive::create(&self.out).with_context(|| self.out.display().to_string())?;
            let blobs = Blobs::beside(&config.hop.data);
            let from = (&store as _, &blobs, &config.hop.name);
            anyhow::Ok(export::export(from, (self.from, self.to), archive, SystemClock.now()).await?)
        })?;
        if self.json {
            show::json(&json!({ "out": self.out, "from": self.from, "to": self.to, "exported": exported }))?;
            return Ok(Verdict::Yes);
        }
        say!("Đã xuất — exported: {}", self.out.display());
        say!(
            "{} văn bản — documents, {} có nội dung — with their bytes ({}), {} biên nhận — receipts",
            exported.documents,
            exported.bodies,
            show::size(exported.bytes),
            exported.receipts
        );
        say!("Kiểm tra — to verify, in there: sha256sum -c SHA256SUMS");
        Ok(Verdict::Yes)
    }
}
