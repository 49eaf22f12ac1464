//! What stands behind a link in its tests: a sink that remembers what it was given.
//!
//! `#[path = "support/sink.rs"] mod sink;`

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lienthong::link::{Arrived, Coming, Sink, SinkError};
use lienthong_contract::Digest;
use tokio::sync::watch;

/// Longest wait for what has to come.
pub const SOON: Duration = Duration::from_secs(60);

/// What a hop was given, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub header: String,
    pub digest: Digest,
    pub as_file: bool,
    pub urgent: bool,
}

pub type Answer = Box<dyn Fn(&str, usize) -> Result<(), SinkError> + Send + Sync>;

/// A sink that remembers. Its answer may depend on the header and on how often it was asked about it.
pub struct Memory {
    pub taken: watch::Sender<Vec<Taken>>,
    pub receipts: watch::Sender<Vec<Bytes>>,
    asked: Mutex<HashMap<String, usize>>,
    answer: Answer,
    pause: Duration,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Self::answering(Duration::ZERO, |_, _| Ok(()))
    }

    pub fn answering(
        pause: Duration,
        answer: impl Fn(&str, usize) -> Result<(), SinkError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (taken, receipts) = (watch::Sender::default(), watch::Sender::default());
        Arc::new(Self { taken, receipts, asked: Mutex::default(), answer: Box::new(answer), pause })
    }

    /// Waits until what was taken satisfies the condition.
    pub async fn until(&self, what: &str, condition: impl FnMut(&Vec<Taken>) -> bool) -> Vec<Taken> {
        let mut taken = self.taken.subscribe();
        let met = tokio::time::timeout(SOON, taken.wait_for(condition)).await;
        met.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}")).unwrap().clone()
    }

    pub fn asked(&self, header: &str) -> usize {
        self.asked.lock().unwrap().get(header).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Sink for Memory {
    async fn transfer(&self, header: Vec<u8>, content: Arrived, coming: Coming) -> Result<(), SinkError> {
        let header = String::from_utf8(header).unwrap();
        let times = {
            let mut asked = self.asked.lock().unwrap();
            let times = asked.entry(header.clone()).or_default();
            *times += 1;
            *times
        };
        tokio::time::sleep(self.pause).await;
        (self.answer)(&header, times)?;
        let (digest, as_file) = match content {
            Arrived::Bytes(bytes) => (Digest::of(&bytes), false),
            Arrived::File(file) => {
                let bytes = fs::read(file.path()).unwrap();
                assert_eq!(bytes.len() as u64, file.len());
                (Digest::of(&bytes), true)
            }
        };
        self.taken.send_modify(|taken| taken.push(Taken { header, digest, as_file, urgent: coming.urgent }));
        Ok(())
    }

    async fn receipts(&self, batch: Bytes) -> Result<(), SinkError> {
        self.receipts.send_modify(|receipts| receipts.push(batch));
        Ok(())
    }
}
