//! Watches the first hop's store for receipts that say: it lies in the mailbox.
//!
//! Read with a connection of our own beside the running gateway, because asking its interface once a document would
//! be a load that no sender makes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use rusqlite::{Connection, OpenFlags, params};
use tokio::sync::mpsc;

use lienthong_contract::Digest;

/// How often the store is looked at; the evidence times are exact to this.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A packet whose evidence was found, and when.
#[derive(Debug, Clone, Copy)]
pub struct Evidence {
    pub packet: Digest,
    pub at: Instant,
}

/// The thread that watches; it ends when this is dropped.
#[derive(Debug)]
pub struct Watch {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts watching a gateway's store; what is found comes out of the channel, which ends when the store cannot be read.
///
/// # Errors
/// The store cannot be opened.
pub fn watch(data: &Path) -> anyhow::Result<(Watch, mpsc::UnboundedReceiver<Evidence>)> {
    let file = data.join("store.db");
    let db = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let db = db.with_context(|| format!("the store {} cannot be read", file.display()))?;
    db.busy_timeout(Duration::from_secs(5))?;
    let (found, findings) = mpsc::unbounded_channel();
    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let run = move || {
        let mut last = 0;
        while !stop.load(Ordering::Acquire) {
            match look(&db, last, &found) {
                Ok(seen) => last = seen,
                Err(error) => {
                    tracing::error!(%error, "the first hop's store cannot be read");
                    return;
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    };
    let thread = std::thread::Builder::new().name("evidence".to_owned()).spawn(run)?;
    Ok((Watch { over, thread: Some(thread) }, findings))
}

fn look(db: &Connection, after: i64, found: &mpsc::UnboundedSender<Evidence>) -> rusqlite::Result<i64> {
    let query = "SELECT r.seq, p.digest, r.event FROM receipts r JOIN packets p ON p.id = r.packet
                 WHERE r.seq > ?1 ORDER BY r.seq";
    let mut query = db.prepare_cached(query)?;
    let mut rows = query.query(params![after])?;
    let (mut last, at) = (after, Instant::now());
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        if row.get_ref(2)?.as_str()? == "ContentConsignment" {
            let packet = Digest::from_bytes(row.get(1)?);
            // Nobody listens any more only when the run is over.
            let _ = found.send(Evidence { packet, at });
        }
    }
    Ok(last)
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
