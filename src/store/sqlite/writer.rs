//! One thread writes. It takes every call that waits, runs them in one transaction, flushes once, and answers all:
//! group commit. Under load a flush to disk is shared by dozens of documents.
//!
//! Calls hardly ever fail, so they share the transaction as it is. When one does, the transaction is undone and every
//! call runs again inside a savepoint of its own, so that the one does not take its neighbours with it. When the flush
//! itself fails nobody is told "done"; when it failed for a reason that leaves the disk's content unknown, the store
//! stops taking calls.
//!
//! Just before each commit the receipts that it stores enter the ledger (see [`super::ledger`]), in the same transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::super::{Error, Result};
use super::ledger::Log;

/// The most calls in one transaction.
const MAX_BATCH: usize = 256;
/// How long calls gather before a transaction when they come in numbers: each transaction writes every page it touched
/// again, so fewer and larger ones are what a loaded disk and processor want. A lone caller does not wait.
const GATHER: Duration = Duration::from_millis(16);
/// The most calls waiting; beyond that callers wait, which is what slows senders down when the disk does.
const MAX_WAITING: usize = 4096;

/// A call that waits for its transaction.
trait Call: Send {
    /// Runs the call, possibly again; true when it succeeded so far.
    fn run(&mut self, transaction: &Connection) -> bool;
    /// Gives the answer: of the last run, or why nothing came of it.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

struct Waiting<T, F> {
    call: F,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnMut(&Connection) -> Result<T> + Send> Call for Waiting<T, F> {
    fn run(&mut self, transaction: &Connection) -> bool {
        self.result.insert((self.call)(transaction)).is_ok()
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { result, reply, .. } = *self;
        let never_ran = || Err(Error::Unavailable("no transaction could be begun".to_owned()));
        // A caller that went away does not need its answer.
        let _ = reply.send(outcome.and_then(|()| result.unwrap_or_else(never_ran)));
    }
}

/// Handle on the writing thread.
#[derive(Debug, Clone)]
pub struct Writer {
    calls: tokio::sync::mpsc::Sender<CallBox>,
    stopped: Arc<AtomicBool>,
}

struct CallBox(Box<dyn Call>);

impl std::fmt::Debug for CallBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Call")
    }
}

impl Writer {
    /// Starts the thread. It ends when the last handle is dropped.
    pub fn start(connection: Connection, log: Option<Log>) -> Result<Self> {
        let (calls, waiting) = tokio::sync::mpsc::channel(MAX_WAITING);
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, log, waiting, &flag))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { calls, stopped })
    }

    /// Runs `call` in the next transaction; the answer comes after the flush. A call may run twice, and what the first
    /// run did to the store is undone then.
    pub async fn write<T: Send + 'static>(
        &self,
        call: impl FnMut(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(stopped_earlier());
        }
        let (reply, answer) = oneshot::channel();
        let waiting = Box::new(Waiting { call, result: None, reply });
        self.calls.send(CallBox(waiting)).await.map_err(|_| Error::Stopped("the writer has ended".to_owned()))?;
        answer.await.map_err(|_| Error::Stopped("the writer has ended".to_owned()))?
    }

    /// Calls that wait for their transaction.
    pub fn waiting(&self) -> usize {
        self.calls.max_capacity().saturating_sub(self.calls.capacity())
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

fn run(
    connection: &Connection,
    mut log: Option<Log>,
    mut waiting: tokio::sync::mpsc::Receiver<CallBox>,
    stopped: &AtomicBool,
) {
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
        if stopped.load(Ordering::Acquire) {
            batch.drain(..).for_each(|call| call.0.answer(Err(stopped_earlier())));
            continue;
        }
        let outcome = match together(connection, &mut log, &mut batch) {
            Ok(true) => Ok(()),
            Ok(false) => one_by_one(connection, &mut log, &mut batch),
            Err(error) => Err(error),
        };
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
        for call in batch.drain(..) {
            call.0.answer(outcome.clone().map_err(Error::Unavailable));
        }
    }
}

/// Runs all calls in one transaction. False when one of them failed, and nothing was stored.
fn together(connection: &Connection, log: &mut Option<Log>, batch: &mut [CallBox]) -> rusqlite::Result<bool> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    // A full disk makes SQLite undo the whole transaction inside a call; what comes after must not run outside one.
    let good = batch.iter_mut().all(|call| !connection.is_autocommit() && call.0.run(connection));
    if good && !connection.is_autocommit() {
        commit(connection, log)?;
        return Ok(true);
    }
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    Ok(false)
}

/// Runs all calls in one transaction, and undoes those that fail.
fn one_by_one(connection: &Connection, log: &mut Option<Log>, batch: &mut [CallBox]) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for call in batch.iter_mut() {
        if connection.is_autocommit() {
            return Err(undone());
        }
        connection.execute_batch("SAVEPOINT call")?;
        if !call.0.run(connection) && !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK TO call")?;
        }
        if !connection.is_autocommit() {
            connection.execute_batch("RELEASE call")?;
        }
    }
    if connection.is_autocommit() { Err(undone()) } else { commit(connection, log) }
}

/// Enters the new receipts into the ledger and commits both.
fn commit(connection: &Connection, log: &mut Option<Log>) -> rusqlite::Result<()> {
    let Some(log) = log else { return connection.execute_batch("COMMIT") };
    // Without a word of its own in the driver, "the log cannot be continued" travels as a value that cannot be stored.
    let refused = |error: Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    let grown = log.append(connection, -1).map_err(refused)?;
    if connection.is_autocommit() {
        return Err(undone());
    }
    connection.execute_batch("COMMIT")?;
    log.committed(grown);
    Ok(())
}

/// SQLite gave the transaction up inside a call: the disk is full, most likely.
fn undone() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
        Some("the transaction was undone; is the disk full?".to_owned()),
    )
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
