//! A request's body on its way to the intake: counted, paced, and honest about its end.
//!
//! The stream ends with an error when the body is too large, stalls, is slower than allowed, or breaks off; it ends
//! without one only when the sender has sent everything. What the door saw is kept beside it, so that the answer can
//! name the cause even where the intake only knows that the upload broke.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

/// Why the door ended an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    TooLarge,
    TooSlow,
    Broken,
}

/// What became of an upload, for the handler that waits for the intake's answer.
#[derive(Debug, Clone, Default)]
pub struct Outcome(Arc<OnceLock<Fault>>);

impl Outcome {
    pub fn fault(&self) -> Option<Fault> {
        self.0.get().copied()
    }
}

/// The body as an [`Upload`](lienthong_contract::door::Upload).
pub struct Paced {
    body: BodyDataStream,
    limits: Pace,
    outcome: Outcome,
    received: u64,
    /// Time spent waiting for the sender, without the wait in progress.
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    done: bool,
    /// Held until the intake lets go of the stream.
    _place: OwnedSemaphorePermit,
}

struct Pace {
    max_bytes: u64,
    idle: Duration,
    grace: Duration,
    bytes_per_second: u32,
}

impl Paced {
    pub fn new(body: Body, limits: &Limits, place: OwnedSemaphorePermit) -> (Self, Outcome) {
        let outcome = Outcome::default();
        let pace = Pace {
            max_bytes: limits.max_packet_bytes,
            idle: limits.body_idle,
            grace: limits.body_grace,
            bytes_per_second: limits.min_bytes_per_second.max(1),
        };
        let paced = Self {
            body: body.into_data_stream(),
            limits: pace,
            outcome: outcome.clone(),
            received: 0,
            waited: Duration::ZERO,
            waiting: None,
            done: false,
            _place: place,
        };
        (paced, outcome)
    }

    fn end(&mut self, fault: Fault, kind: io::ErrorKind, text: String) -> Poll<Option<io::Result<Bytes>>> {
        self.done = true;
        let _ = self.outcome.0.set(fault);
        Poll::Ready(Some(Err(io::Error::new(kind, text))))
    }

    /// How much longer the sender may keep us waiting: the silence allowed, and what its average leaves.
    fn patience(&self) -> Duration {
        let earned = Duration::from_secs(self.received / u64::from(self.limits.bytes_per_second));
        let left = self.limits.grace.saturating_add(earned).saturating_sub(self.waited);
        left.min(self.limits.idle)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let patience = self.patience();
        let (_, timer) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(patience))));
        ready!(timer.as_mut().poll(cx));
        self.end(Fault::TooSlow, io::ErrorKind::TimedOut, "the packet arrives too slowly".to_owned())
    }
}

impl Stream for Paced {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        let Poll::Ready(item) = Pin::new(&mut this.body).poll_next(cx) else { return this.wait(cx) };
        if let Some((since, _)) = this.waiting.take() {
            this.waited = this.waited.saturating_add(since.elapsed());
        }
        match item {
            None => {
                this.done = true;
                Poll::Ready(None)
            }
            Some(Err(error)) => this.end(
                Fault::Broken,
                io::ErrorKind::UnexpectedEof,
                format!("the connection broke while the packet was arriving: {error}"),
            ),
            Some(Ok(bytes)) => {
                this.received = this.received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                if this.received > this.limits.max_bytes {
                    let text = format!("the packet is larger than {} bytes", this.limits.max_bytes);
                    return this.end(Fault::TooLarge, io::ErrorKind::FileTooLarge, text);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
        }
    }
}
