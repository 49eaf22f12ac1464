//! `lienthong admin news`: who is told of news, what waits for them, and whether they can be reached.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use lienthong_contract::Clock;
use serde_json::json;

use super::Place;
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::gateway::subscribers;
use crate::news::Notice;
use crate::store::NewsStore as _;
use crate::store::sqlite::Access;

/// Ai được báo tin, còn bao nhiêu tin chưa báo — who is told of news, and what was not told yet.
#[derive(Debug, Args)]
pub struct News {
    #[command(flatten)]
    place: Place,
    /// Gửi thử một tin rỗng — send an empty notice to this one.
    #[arg(long = "try", value_name = "NAME")]
    trial: Option<String>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl News {
    pub fn run(self) -> Outcome {
        runtime()?.block_on(async {
            match &self.trial {
                Some(name) => self.try_once(name).await,
                None => self.list().await,
            }
        })
    }

    async fn list(&self) -> Outcome {
        let (_, store) = self.place.open(Access::Read)?;
        let untold = store.untold().await?;
        if self.json {
            let row = |(name, waiting): &(String, crate::store::queues::Waiting)| json!({ "subscriber": name, "waiting": waiting.count, "oldest": waiting.oldest });
            show::json(&json!({ "subscribers": untold.iter().map(row).collect::<Vec<_>>() }))?;
        } else if untold.is_empty() {
            say!("Chưa có nơi nhận tin nào — nobody is told of news");
        } else {
            for (name, waiting) in &untold {
                let since = waiting.oldest.map(|oldest| format!(", từ — since {oldest}")).unwrap_or_default();
                say!("{name}: {} tin chưa báo — not told yet{since}", waiting.count);
            }
        }
        Ok(Verdict::Yes)
    }

    async fn try_once(&self, name: &str) -> Outcome {
        let config = self.place.config()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let all = subscribers(&config, &clock)?;
        let Some(subscriber) = all.iter().find(|subscriber| subscriber.name == name) else {
            bail!("không có nơi nhận tin nào mang tên {name:?} — nobody of that name is told of news");
        };
        let told = subscriber.channel.tell(&Notice::trial(&config.hop.name, clock.now())).await;
        if self.json {
            show::json(&json!({ "subscriber": name, "taken": told.is_ok(), "why": told.as_ref().err() }))?;
        } else {
            match &told {
                Ok(()) => say!("{name} đã nhận — took it"),
                Err(why) => say!("{name} chưa nhận — did not take it: {why}"),
            }
        }
        Ok(if told.is_ok() { Verdict::Yes } else { Verdict::No })
    }
}
