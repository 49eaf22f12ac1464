//! A request's body: as a stream for the intake, as a few bytes, or thrown away.

use std::convert::Infallible;
use std::fmt;
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

/// Why a body was not taken to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault<F = Infallible> {
    TooLarge,
    TooSlow,
    Broken,
    /// It is not what the protocol has it to be.
    Form(F),
}

/// Takes the file out of a body, piece by piece.
pub trait Form: Send + 'static {
    type Fault: fmt::Debug + Clone + Send + Sync + 'static;

    /// What is certain to be of the file.
    ///
    /// # Errors
    /// The body has not the form it should have.
    fn feed(&mut self, piece: Bytes) -> Result<Vec<Bytes>, Self::Fault>;

    /// The rest of the file.
    ///
    /// # Errors
    /// The body has not the form it should have.
    fn finish(self) -> Result<Bytes, Self::Fault>;
}

/// What became of an upload, for the handler that waits for the intake's answer.
pub struct Outcome<F>(Arc<Ended<F>>);

impl<F> Clone for Outcome<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> fmt::Debug for Outcome<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").finish_non_exhaustive()
    }
}

struct Ended<F> {
    fault: OnceLock<Fault<F>>,
    /// The body, when the intake has let go of it.
    rest: Mutex<Option<Paced>>,
}

impl<F: Clone> Outcome<F> {
    #[must_use]
    pub fn fault(&self) -> Option<Fault<F>> {
        self.0.fault.get().cloned()
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

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced").field("received", &self.received).finish_non_exhaustive()
    }
}

impl Paced {
    #[must_use]
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
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn next<F>(&mut self) -> Result<Option<Bytes>, Fault<F>> {
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
    ///
    /// # Errors
    /// [`Fault`].
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
        while let Ok(Some(_)) = self.next::<Infallible>().await {}
    }
}

/// The file in a body, as the intake takes it.
pub fn file<B: Form>(paced: Paced, body: B) -> (Upload, Outcome<B::Fault>) {
    let outcome = Outcome(Arc::new(Ended { fault: OnceLock::new(), rest: Mutex::new(None) }));
    let passing = Passing { paced: Some(paced), body: Some(body), ready: Vec::new(), outcome: outcome.clone() };
    let upload = stream::unfold(Some(passing), |passing| async move {
        let mut passing = passing?;
        match passing.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(passing))),
            Ok(None) => None,
            Err(fault) => {
                let error = io::Error::new(io::ErrorKind::InvalidData, format!("{fault:?}"));
                let _ = passing.outcome.0.fault.set(fault);
                Some((Err(error), None))
            }
        }
    });
    (Box::pin(upload), outcome)
}

struct Passing<B: Form> {
    paced: Option<Paced>,
    body: Option<B>,
    /// Pieces to be given out, last one first.
    ready: Vec<Bytes>,
    outcome: Outcome<B::Fault>,
}

impl<B: Form> Passing<B> {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault<B::Fault>> {
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
                    let rest = self.body.take().map_or_else(|| Ok(Bytes::new()), B::finish);
                    self.ready = vec![rest.map_err(Fault::Form)?];
                    self.ready.retain(|piece| !piece.is_empty());
                }
            }
        }
    }
}

impl<B: Form> Drop for Passing<B> {
    fn drop(&mut self) {
        *self.outcome.0.rest.lock().unwrap_or_else(PoisonError::into_inner) = self.paced.take();
    }
}
