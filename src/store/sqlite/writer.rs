//! One thread writes. It takes every call that waits, runs them in one transaction, flushes once, and answers all:
//! group commit. Under load a flush to disk is shared by dozens of documents.
//!
//! Each call runs inside a savepoint, so that one that fails does not take its neighbours with it. When the flush
//! itself fails nobody is told "done"; when it failed for a reason that leaves the disk's content unknown, the store
//! stops taking calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::super::{Error, Result};

/// The most calls in one transaction.
const MAX_BATCH: usize = 256;
/// How long calls gather before a transaction when they come in numbers: each transaction writes every page it touched
/// again, so fewer and larger ones are what a loaded disk and processor want. A lone caller does not wait.
const GATHER: Duration = Duration::from_millis(3);
/// The most calls waiting; beyond that callers wait, which is what slows senders down when the disk does.
const MAX_WAITING: usize = 4096;

type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// A call is given the open transaction, or nothing when there is none; it then answers with the failure alone.
type Call = Box<dyn FnOnce(Option<&Connection>) -> Answer + Send>;

/// Handle on the writing thread.
#[derive(Debug, Clone)]
pub struct Writer {
    calls: tokio::sync::mpsc::Sender<CallBox>,
    stopped: Arc<AtomicBool>,
}

struct CallBox(Call);

impl std::fmt::Debug for CallBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Call")
    }
}

impl Writer {
    /// Starts the thread. It ends when the last handle is dropped.
    pub fn start(connection: Connection) -> Result<Self> {
        let (calls, waiting) = tokio::sync::mpsc::channel(MAX_WAITING);
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, waiting, &flag))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { calls, stopped })
    }

    /// Runs `call` in the next transaction; the answer comes after the flush.
    pub async fn write<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(stopped_earlier());
        }
        let (reply, answer) = oneshot::channel();
        let boxed: Call = Box::new(move |connection| {
            let result = match connection {
                Some(connection) => in_savepoint(connection, call),
                None => Err(Error::Unavailable("no transaction could be begun".to_owned())),
            };
            Box::new(move |committed| {
                // A caller that went away does not need its answer.
                let _ = reply.send(committed.and(result));
            })
        });
        self.calls.send(CallBox(boxed)).await.map_err(|_| Error::Stopped("the writer has ended".to_owned()))?;
        answer.await.map_err(|_| Error::Stopped("the writer has ended".to_owned()))?
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

fn in_savepoint<T>(connection: &Connection, call: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.prepare_cached("SAVEPOINT call")?.execute([])?;
    let result = call(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO call")?.execute([])?;
    }
    connection.prepare_cached("RELEASE call")?.execute([])?;
    result
}

fn run(connection: &Connection, mut waiting: tokio::sync::mpsc::Receiver<CallBox>, stopped: &AtomicBool) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    let mut busy = false;
    while waiting.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
        if busy && batch.len() < MAX_BATCH {
            std::thread::sleep(GATHER);
            while batch.len() < MAX_BATCH
                && let Ok(call) = waiting.try_recv()
            {
                batch.push(call);
            }
        }
        busy = batch.len() > 1;
        let calls = batch.drain(..);
        let outcome = if stopped.load(Ordering::Acquire) {
            calls.map(|call| (call.0)(None)).for_each(|answer| answer(Err(stopped_earlier())));
            continue;
        } else {
            connection.execute_batch("BEGIN IMMEDIATE")
        };
        // A full disk makes SQLite undo the whole transaction inside a call; what comes after it must not run outside one.
        let transaction = || Some(connection).filter(|connection| !connection.is_autocommit());
        let answers: Vec<Answer> = calls.map(|call| (call.0)(transaction())).collect();
        let outcome = outcome.and_then(|()| connection.execute_batch("COMMIT"));
        if let Err(error) = &outcome {
            if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
                stopped.store(true, Ordering::Release);
            }
            if leaves_disk_unknown(error) {
                stopped.store(true, Ordering::Release);
            }
            tracing::error!(%error, stopped = stopped.load(Ordering::Acquire), "a transaction did not reach the disk");
        }
        let outcome = outcome.map_err(|error| error.to_string());
        for answer in answers {
            answer(outcome.clone().map_err(Error::Unavailable));
        }
    }
}

fn stopped_earlier() -> Error {
    Error::Stopped("an earlier write to disk failed".to_owned())
}

fn leaves_disk_unknown(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
