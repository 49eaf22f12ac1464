//! `lienthong admin certificates`: every certificate in use, and what would become of a new one.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use lienthong_contract::Clock;
use serde_json::json;

use super::Place;
use crate::certificates::rollover::{Candidate, Outcome as Rehearsed};
use crate::certificates::{Sources, calendar};
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::directory::Directory;
use crate::gateway::rehearsal;
use crate::store::AlarmStore as _;
use crate::store::sqlite::Access;

/// Các chứng thư đang dùng, còn bao nhiêu ngày; diễn tập thay — certificates in use, days left, a rollover rehearsed.
#[derive(Debug, Args)]
pub struct Certificates {
    #[command(flatten)]
    place: Place,
    /// Diễn tập thay bằng chứng thư này — rehearse a rollover to this chain.
    #[arg(long, value_name = "PEM", requires = "key")]
    rollover: Option<PathBuf>,
    /// Khóa của nó — its key.
    #[arg(long, value_name = "PEM")]
    key: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Certificates {
    pub fn run(self) -> Outcome {
        runtime()?.block_on(async {
            match self.rollover.clone().zip(self.key.clone()) {
                Some((chain, key)) => self.rehearse(&Candidate { chain, key }).await,
                None => self.list().await,
            }
        })
    }

    async fn list(&self) -> Outcome {
        let (config, store) = self.place.open(Access::Read)?;
        let headers = store.signature_headers().await?;
        let directory = Directory::open(&config.directory.file)?.snapshot();
        let soon_days = config.alerts.certificate_days;
        let sources = Sources { config: &config, directory: &directory, headers: &headers, soon_days };
        let all = calendar(&sources, SystemClock.now());
        if self.json {
            show::json(&json!({ "certificates": all }))?;
            return Ok(Verdict::Yes);
        }
        for one in &all {
            let left = one.days_left.map_or_else(|| "—".to_owned(), |days| days.to_string());
            let (state, what) = (one.state.title(), one.what.title());
            say!("{left:>6}  {} — {}  {}  [{}, {}]", state.vi, state.en, one.label(), what.vi, one.place);
        }
        Ok(Verdict::Yes)
    }

    async fn rehearse(&self, candidate: &Candidate) -> Outcome {
        let config = self.place.config()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let tried = rehearsal::rollover(&config, candidate, &clock).await?;
        if self.json {
            show::json(&json!({ "tried": tried }))?;
        } else {
            for one in &tried {
                say!("{}: {} — {}", one.with, one.vi, one.en);
            }
        }
        let bad = tried.iter().any(|one| one.outcome == Rehearsed::Bad);
        Ok(if bad { Verdict::No } else { Verdict::Yes })
    }
}
