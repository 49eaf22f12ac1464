//! `lienthong admin alert-test`: whether everybody who is to hear of alarms can be reached.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use lienthong_contract::Clock;
use serde_json::json;

use super::Place;
use crate::alarms::herald::test;
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::gateway::{Ways, alert_rules};

/// Gửi thử thông báo báo động — send a test to whom alarms are told.
#[derive(Debug, Args)]
pub struct AlertTest {
    #[command(flatten)]
    place: Place,
    /// Chỉ một tuyến — only this route's recipients.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl AlertTest {
    pub fn run(self) -> Outcome {
        runtime()?.block_on(async {
            let config = self.place.config()?;
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let rules = alert_rules(&config.alerts, &config.statutory.terms()?.calendar);
            let ways = Ways::new(&config, &clock)?;
            let sent = test(&rules, &ways, self.route.as_deref(), clock.now()).await;
            if sent.is_empty() {
                bail!("không có nơi nhận báo động nào — nobody is told of alarms");
            }
            if self.json {
                let row = |(to, told): &(_, Result<(), String>)| json!({ "to": to, "taken": told.is_ok(), "why": told.as_ref().err() });
                show::json(&json!({ "recipients": sent.iter().map(row).collect::<Vec<_>>() }))?;
            } else {
                for (to, told) in &sent {
                    match told {
                        Ok(()) => say!("{}: đã nhận — taken", to.name()),
                        Err(why) => say!("{}: chưa nhận — not taken: {why}", to.name()),
                    }
                }
            }
            Ok(if sent.iter().all(|(_, told)| told.is_ok()) { Verdict::Yes } else { Verdict::No })
        })
    }
}
