//! `lienthong admin settle`: an operator holds a day of a link for settled although the two ends do not agree on it.

use anyhow::bail;
use clap::Args;
use jiff::civil::Date;
use lienthong_contract::{Clock as _, HopName};
use serde_json::json;

use super::{Place, day};
use crate::books::statement::number_of;
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::store::sqlite::Access;
use crate::store::statements::StatementStore;

/// Coi một ngày của tuyến nối là đã xử lý — holds a day of a link for settled; the differences stay on record.
#[derive(Debug, Args)]
pub struct Settle {
    #[command(flatten)]
    place: Place,
    /// Trục kế cận — the neighbour.
    #[arg(long, value_name = "HOP")]
    link: HopName,
    /// Ngày, giờ Việt Nam — the day, in Vietnam.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    day: Date,
    /// Vì sao, ai xác nhận; được lưu lại — why, and who confirmed it; it is kept.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The longest reason, in characters.
const MAX_REASON: usize = 1000;

impl Settle {
    pub fn run(self) -> Outcome {
        let length = self.reason.trim().chars().count();
        if length == 0 || length > MAX_REASON {
            bail!("--reason: 1…{MAX_REASON} ký tự — characters");
        }
        let settled = runtime()?.block_on(async {
            let (_, store) = self.place.open(Access::Write)?;
            let why = self.reason.trim().to_owned();
            anyhow::Ok(store.settle(&self.link, number_of(self.day), SystemClock.now(), why).await?)
        })?;
        let (link, day) = (&self.link, self.day);
        if self.json {
            show::json(&json!({ "link": link, "day": day.to_string(), "settled": settled }))?;
        } else if settled == 0 {
            say!("Ngày {day} với {link} không có gì chưa khớp — nothing of {day} with {link} is open");
        } else {
            say!("Đã ghi nhận — settled: {link}, {day}, {settled} chiều — directions");
        }
        Ok(if settled > 0 { Verdict::Yes } else { Verdict::No })
    }
}
