//! The byte stream under one connection, watched.
//!
//! * A peer that does not take what is written ends the connection after [`Limits::write_stall`].
//! * What the HTTP layer wants to say before the first request has reached us can only be its own bare refusal of
//!   something that is not HTTP; it is held back, and the server says the same as a problem instead.
//!
//! [`Limits::write_stall`]: super::Limits::write_stall

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What happens on one connection, shared by its stream, its service and its supervisor.
#[derive(Debug, Default)]
pub struct Activity {
    begun: AtomicU64,
    open: AtomicUsize,
    early: AtomicBool,
}

impl Activity {
    /// A request has come in; it is open until the guard is dropped.
    pub fn begin(self: &Arc<Self>) -> Open {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Requests ever seen here.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Nobody is working for this connection.
    pub fn idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }

    /// Something was answered that the peer may still be sending for.
    pub fn answered_early(&self) {
        self.early.store(true, Ordering::Relaxed);
    }

    pub fn has_answered_early(&self) -> bool {
        self.early.load(Ordering::Relaxed)
    }
}

/// A request in progress.
#[derive(Debug)]
pub struct Open(Arc<Activity>);

impl Open {
    /// It was refused, perhaps before its body was read.
    pub fn refused(&self) {
        self.0.answered_early();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See the module.
#[derive(Debug)]
pub struct Watched<T> {
    io: T,
    stall: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Present on HTTP/1 until the first request has come in.
    unmet: Option<Arc<Activity>>,
    /// The status line that was held back.
    refused: Option<[u8; 12]>,
}

impl<T> Watched<T> {
    pub fn new(io: T, stall: Duration, hold_back_until_met: Option<Arc<Activity>>) -> Self {
        Self { io, stall, timer: None, unmet: hold_back_until_met, refused: None }
    }

    /// The stream again, and the status that the HTTP layer wanted to answer with, if it did.
    pub fn into_inner(self) -> (T, Option<u16>) {
        let status = self.refused.and_then(|line| std::str::from_utf8(&line).ok()?.get(9..)?.parse().ok());
        (self.io, status)
    }

    /// Whether these bytes are the HTTP layer's own.
    fn held_back(&mut self, buf: &[u8]) -> bool {
        match &self.unmet {
            None => false,
            Some(activity) if activity.begun() > 0 => {
                self.unmet = None;
                false
            }
            Some(_) => {
                if self.refused.is_none() {
                    self.refused = buf.first_chunk().copied();
                }
                true
            }
        }
    }

    /// Lets a write that waits fail once it has waited too long.
    fn overdue<R>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.timer = None;
            return outcome;
        }
        let stall = self.stall;
        ready!(self.timer.get_or_insert_with(|| Box::pin(sleep(stall))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not take what is sent")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.held_back(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        let outcome = Pin::new(&mut this.io).poll_write(cx, buf);
        this.overdue(cx, outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_flush(cx);
        this.overdue(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_shutdown(cx);
        this.overdue(cx, outcome)
    }
}
