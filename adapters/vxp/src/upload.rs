//! A request's body: as a stream for the intake, as a few bytes, or thrown away.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use lienthong_contract::door::Upload;
use tokio::time::{Instant, timeout};

use crate::usage::Limits;
use crate::wire::body::{self, Body};

/// Why a body was not taken to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    TooLarge,
    TooSlow,
    Broken,
    Form(body::Fault),
}

/// What became of an upload, for the handler that waits for the intake's answer.
#[derive(Clone, Default)]
pub struct Outcome(Arc<Ended>);

#[derive(Default)]
struct Ended {
    fault: OnceLock<Fault>,
    /// The body, when the intake has let go of it.
    rest: Mutex<Option<Paced>>,
}

impl Outcome {
    pub fn fault(&self) -> Option<Fault> {
        self.0.fault.get().copied()
    }

    /// Reads what the intake did not want, so that the sender comes to read the answer.
    pub async fn throw_away_rest(&self) {
        let rest = self.0.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(rest) = rest {
            rest.throw_away().await;
        }
    }
}

/// A body as it comes, counted and paced.
pub struct Paced {
    body: Incoming,
    max_bytes: u64,
    idle: Duration,
    grace: Duration,
    bytes_per_second: u64,
    received: u64,
    waited: Duration,
}

impl Paced {
    pub fn new(body: Incoming, max_bytes: u64, limits: &Limits) -> Self {
        Self {
            body,
            max_bytes,
            idle: limits.body_idle,
            grace: limits.body_grace,
            bytes_per_second: u64::from(limits.min_bytes_per_second.max(1)),
            received: 0,
            waited: Duration::ZERO,
        }
    }

    /// The next piece; nothing at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let earned = Duration::from_secs(self.received / self.bytes_per_second);
            let patience = self.grace.saturating_add(earned).saturating_sub(self.waited).min(self.idle);
            let since = Instant::now();
            let frame = timeout(patience, self.body.frame()).await.map_err(|_| Fault::TooSlow)?;
            self.waited = self.waited.saturating_add(since.elapsed());
            let Some(frame) = frame else { return Ok(None) };
            let Ok(piece) = frame.map_err(|_| Fault::Broken)?.into_data() else { continue };
            self.received = self.received.saturating_add(piece.len() as u64);
            if self.received > self.max_bytes {
                return Err(Fault::TooLarge);
            }
            return Ok(Some(piece));
        }
    }

    /// All of it, when it is small.
    pub async fn whole(mut self) -> Result<Vec<u8>, Fault> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    /// Reads on to the end without keeping anything: many clients write all of a body before they read an answer.
    pub async fn throw_away(mut self) {
        self.max_bytes = self.max_bytes.saturating_mul(4);
        while let Ok(Some(_)) = self.next().await {}
    }
}

/// The file in a body, as the intake takes it.
pub fn file(paced: Paced, claimed: &str) -> (Upload, Outcome) {
    let outcome = Outcome::default();
    let body = Some(Body::new(claimed));
    let passing = Passing { paced: Some(paced), body, ready: Vec::new(), outcome: outcome.clone() };
    let upload = stream::unfold(Some(passing), |passing| async move {
        let mut passing = passing?;
        match passing.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(passing))),
            Ok(None) => None,
            Err(fault) => {
                let _ = passing.outcome.0.fault.set(fault);
                Some((Err(io::Error::new(io::ErrorKind::InvalidData, format!("{fault:?}"))), None))
            }
        }
    });
    (Box::pin(upload), outcome)
}

struct Passing {
    paced: Option<Paced>,
    body: Option<Body>,
    /// Pieces to be given out, last one first.
    ready: Vec<Bytes>,
    outcome: Outcome,
}

impl Passing {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(piece) = self.ready.pop() {
                return Ok(Some(piece));
            }
            let (Some(body), Some(paced)) = (&mut self.body, &mut self.paced) else { return Ok(None) };
            match paced.next().await? {
                Some(piece) => {
                    self.ready = body.feed(piece).map_err(Fault::Form)?;
                    self.ready.reverse();
                }
                None => {
                    let rest = self.body.take().map_or_else(|| Ok(Bytes::new()), Body::finish);
                    self.ready = vec![rest.map_err(Fault::Form)?];
                    self.ready.retain(|piece| !piece.is_empty());
                }
            }
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        *self.outcome.0.rest.lock().unwrap_or_else(PoisonError::into_inner) = self.paced.take();
    }
}
