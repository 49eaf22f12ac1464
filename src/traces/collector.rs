//! The collector that spans are told to: OTLP over HTTP, in batches.
//!
//! What it cannot take now is offered again with growing pauses, for about half a minute; meanwhile others wait, as many as
//! there is room for. What it refuses is dropped.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lienthong_contract::HopName;
use lienthong_door_kit::outbound::{Ask, BadAddress, Caller, Failed, Load, Waits};
use tokio::sync::mpsc;
use tokio_rustls::rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

use super::Counts;
use super::otlp::{self, Span};

/// The most spans in one request.
const AT_ONCE: usize = 512;
/// How long spans gather when there are few.
const LINGER: Duration = Duration::from_millis(500);
/// Pauses between the attempts to tell a batch; after the last it is dropped.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 16];
/// The longest answer that is read, in bytes.
const MOST: usize = 64 << 10;
/// When the gateway stops, what waits is told for so long.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How to reach it.
#[derive(Debug)]
pub struct Collector {
    hop: HopName,
    caller: Caller,
    /// File of what the header `Authorization` says; read each time, so that a changed one counts at once.
    authorization: Option<PathBuf>,
}

/// What came of an attempt.
enum Told {
    Yes,
    /// Not now.
    Later(String),
    /// Not ever.
    No(String),
}

impl Collector {
    /// The collector of this hop at `http[s]://name[:port][/path]`.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn new(
        hop: HopName,
        endpoint: &str,
        tls: Option<&ClientConfig>,
        authorization: Option<PathBuf>,
    ) -> Result<Self, BadAddress> {
        let seconds = Duration::from_secs;
        let waits = Waits { connect: seconds(5), answer: seconds(10), piece: seconds(5), ..Waits::default() };
        Ok(Self { hop, caller: Caller::new(endpoint, tls, waits)?, authorization })
    }

    /// Tells what comes, until stopped.
    pub(super) async fn tell(self, mut taking: mpsc::Receiver<Span>, counts: Arc<Counts>, stop: CancellationToken) {
        let mut well = true;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                () = stop.cancelled() => break,
                count = taking.recv_many(&mut batch, AT_ONCE) => if count == 0 { return },
            }
            if batch.len() < AT_ONCE {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(LINGER) => fill(&mut batch, &mut taking),
                }
            }
            let told = self.insist(&batch, &counts, &stop).await;
            match &told {
                Ok(()) if !well => tracing::info!("the collector of traces takes spans again"),
                Err(why) if well => tracing::warn!(%why, "the collector of traces takes no spans; they are dropped"),
                _ => {}
            }
            well = told.is_ok();
        }
        let last = async {
            loop {
                let mut batch = Vec::new();
                fill(&mut batch, &mut taking);
                if batch.is_empty() || !matches!(self.once(&batch, &counts).await, Told::Yes) {
                    return;
                }
            }
        };
        // What it does not hear now is lost.
        let _ = tokio::time::timeout(LAST_WORDS, last).await;
    }

    /// Tells a batch, or drops it and gives the reason.
    async fn insist(&self, batch: &[Span], counts: &Counts, stop: &CancellationToken) -> Result<(), String> {
        let mut reason = String::new();
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            match self.once(batch, counts).await {
                Told::Yes => return Ok(()),
                Told::Later(why) => reason = why,
                Told::No(why) => {
                    reason = why;
                    break;
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_secs(pause.unwrap_or(0))) => {}
            }
        }
        counts.drop_all(batch.len() as u64);
        Err(reason)
    }

    async fn once(&self, batch: &[Span], counts: &Counts) -> Told {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(file) = &self.authorization {
            match crate::secrets::read(file) {
                Ok(secret) => headers.push(("authorization".to_owned(), secret.trim().to_owned())),
                Err(error) => return Told::Later(format!("{}: {error}", file.display())),
            }
        }
        let body = otlp::request(self.hop.as_str(), batch).to_string();
        let load = Load::Bytes(body.into());
        let answer = self.caller.call(Ask { method: "POST", path: "/v1/traces", headers: &headers, load }).await;
        let answer = match answer {
            Ok(answer) => answer,
            // Told twice, a span is the same span.
            Err(Failed::NotSent(why) | Failed::Unknown(why)) => return Told::Later(why),
        };
        let status = answer.status;
        match status {
            200..=299 => {
                let rejected = answer.whole(MOST).await.map_or(0, |body| otlp::rejected(&body));
                let all = batch.len() as u64;
                counts.drop_all(rejected.min(all));
                counts.told.fetch_add(all.saturating_sub(rejected), Ordering::Relaxed);
                Told::Yes
            }
            429 | 502 | 503 | 504 => Told::Later(format!("HTTP status {status}")),
            _ => Told::No(format!("HTTP status {status}")),
        }
    }
}

fn fill(batch: &mut Vec<Span>, taking: &mut mpsc::Receiver<Span>) {
    while batch.len() < AT_ONCE
        && let Ok(span) = taking.try_recv()
    {
        batch.push(span);
    }
}
