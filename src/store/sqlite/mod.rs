//! The embedded store: SQLite with a write-ahead log and full synchronisation.
//!
//! One connection writes (see [`writer`]), a few read. The log is folded back into the database by a thread of its own,
//! so that no answer waits for it. A power cut loses nothing that was answered.

mod accept;
mod flows;
mod mailbox;
mod outbox;
mod rows;
mod schema;
mod told;
mod trace;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use lienthong_contract::door::{InboxItem, Trace};
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::{
    Accepted, AckOutcome, Consign, Counts, Delivered, Dispatch, Ended, Error, MailboxEntry, NewConsignment, NewPacket,
    Overdue, QueuedReceipt, Recorded, RefusalRecord, Result, Store,
};
use crate::flows::Known;
use crate::receipts::Sealed;
use writer::Writer;

/// Reading connections; each read is short, and there are two cores.
const READERS: usize = 4;
/// How often the log is folded back. Pages that change again meanwhile are folded once.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Pages of the log (4 KiB each) from which writing waits for a moment, so that the log begins again: while packets come
/// without a pause, folding back alone never finds it finished, and it would grow for ever.
const LOG_PAGES: i64 = 32 * 1024;
/// Prepared statements kept by a connection.
const CACHED_STATEMENTS: usize = 128;

/// The store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
}

#[derive(Debug)]
struct Readers {
    free: Mutex<Vec<Connection>>,
    places: Arc<tokio::sync::Semaphore>,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl SqliteStore {
    /// Opens the store of this hop, making or upgrading it as needed.
    ///
    /// # Errors
    /// [`Error::TooNew`], [`Error::OtherHop`], or the disk's refusal.
    pub fn open(file: &Path, hop: &HopName) -> Result<Self> {
        let mut connection = connect(file, OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        schema::prepare(&mut connection, hop.as_str())?;
        let readers =
            (0..READERS).map(|_| connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)).collect::<Result<Vec<_>>>()?;
        let readers =
            Arc::new(Readers { free: Mutex::new(readers), places: Arc::new(tokio::sync::Semaphore::new(READERS)) });
        fold_log_back(connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?, &readers)?;
        Ok(Self { writer: Writer::start(connection)?, readers })
    }

    /// Runs a read on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let readers = Arc::clone(&self.readers);
        let closed = |_| Error::Unavailable("the readers are closed".to_owned());
        let place = Arc::clone(&self.readers.places).acquire_owned().await.map_err(closed)?;
        let run = move || {
            // Given back after the connection, also when nobody waits for the answer any more.
            let _place = place;
            let connection = lock(&readers.free).pop();
            let Some(connection) = connection else {
                return Err(Error::Unavailable("no reading connection is free".to_owned()));
            };
            let result = query(&connection);
            lock(&readers.free).push(connection);
            result
        };
        tokio::task::spawn_blocking(run).await.map_err(|error| Error::Unavailable(error.to_string()))?
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A reader that panicked leaves its connection usable: a query changes nothing.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update(None, "journal_mode", "WAL")?;
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    // Otherwise a statement that a partial index might serve is compiled anew each time a value is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}

/// Folds the write-ahead log back into the database until the store is closed.
fn fold_log_back(connection: Connection, readers: &Arc<Readers>) -> Result<()> {
    let alive = Arc::downgrade(readers);
    let run = move || {
        while alive.strong_count() > 0 {
            std::thread::sleep(CHECKPOINT_EVERY);
            let fold = |mode: &str| {
                connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(1))
            };
            let folded = fold("PASSIVE");
            let folded = folded.and_then(|pages| if pages > LOG_PAGES { fold("RESTART") } else { Ok(pages) });
            if let Err(error) = folded {
                tracing::warn!(%error, "the write-ahead log could not be folded back; it will be tried again");
            }
        }
    };
    let thread = std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(run);
    thread.map(|_| ()).map_err(|error| Error::Unavailable(error.to_string()))
}

#[async_trait]
impl Store for SqliteStore {
    async fn accept(
        &self,
        packet: NewPacket,
        submission: Sealed,
        consignments: Vec<NewConsignment>,
    ) -> Result<Accepted> {
        self.writer.write(move |db| accept::accept(db, &packet, &submission, &consignments)).await
    }

    async fn take_custody(
        &self,
        packet: NewPacket,
        submission: Option<Sealed>,
        consignments: Vec<NewConsignment>,
    ) -> Result<()> {
        self.writer.write(move |db| accept::take_custody(db, &packet, submission.as_ref(), &consignments)).await
    }

    async fn accepted_before(&self, digest: Digest, sender: &AgencyCode) -> Result<Option<Accepted>> {
        let sender = sender.clone();
        self.read(move |db| accept::accepted_before(db, digest, &sender)).await
    }

    async fn known(&self, ids: Vec<ConsignmentId>) -> Result<Vec<ConsignmentId>> {
        self.read(move |db| {
            let mut known = Vec::new();
            let mut query = db.prepare_cached("SELECT 1 FROM consignments WHERE id = ?1")?;
            for id in ids {
                if query.exists(params![id.as_bytes()])? {
                    known.push(id);
                }
            }
            Ok(known)
        })
        .await
    }

    async fn answer_again(&self, ids: Vec<ConsignmentId>) -> Result<()> {
        self.writer.write(move |db| ids.iter().try_for_each(|id| accept::answer_again(db, *id))).await
    }

    async fn record_receipts(&self, from: &HopName, receipts: Vec<Sealed>) -> Result<Recorded> {
        let from = from.clone();
        self.writer.write(move |db| outbox::record_receipts(db, &from, &receipts)).await
    }

    async fn due(&self, hop: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Dispatch>> {
        let hop = hop.clone();
        self.read(move |db| outbox::due(db, &hop, urgent, after, limit)).await
    }

    async fn attempt_failed(&self, outbox_id: i64, error: String) -> Result<()> {
        self.writer
            .write(move |db| {
                let note = "UPDATE outbox SET attempts = attempts + 1, last_error = ?2 WHERE id = ?1";
                db.prepare_cached(note)?.execute(params![outbox_id, error])?;
                Ok(())
            })
            .await
    }

    async fn queued_receipts(&self, hop: &HopName, after: i64, limit: usize) -> Result<(Vec<QueuedReceipt>, i64)> {
        let hop = hop.clone();
        self.read(move |db| outbox::queued_receipts(db, &hop, after, limit)).await
    }

    async fn receipts_delivered(&self, hop: &HopName, digests: Vec<Digest>, consign: Consign) -> Result<Delivered> {
        let hop = hop.clone();
        self.writer.write(move |db| outbox::receipts_delivered(db, &hop, &digests, &consign)).await
    }

    async fn overdue(&self, now: Instant, limit: usize) -> Result<Vec<Overdue>> {
        self.read(move |db| outbox::overdue(db, now, limit)).await
    }

    async fn fail(&self, id: ConsignmentId, terminal: Sealed) -> Result<Option<Ended>> {
        self.writer.write(move |db| outbox::fail(db, id, &terminal)).await
    }

    async fn inbox(
        &self,
        agency: &AgencyCode,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<InboxItem>, Option<String>)> {
        let (agency, after) = (agency.clone(), after.map(str::to_owned));
        self.read(move |db| mailbox::inbox(db, &agency, after.as_deref(), limit)).await
    }

    async fn mailbox_entry(&self, id: ConsignmentId) -> Result<Option<MailboxEntry>> {
        self.read(move |db| mailbox::entry(db, id)).await
    }

    async fn acknowledge(&self, id: ConsignmentId, terminal: Sealed) -> Result<AckOutcome> {
        self.writer.write(move |db| mailbox::acknowledge(db, id, &terminal)).await
    }

    async fn trace(&self, doc_id: DocId) -> Result<Option<Trace>> {
        self.read(move |db| trace::trace(db, doc_id)).await
    }

    async fn known_documents(&self, name: &str) -> Result<Vec<Known>> {
        let name = name.to_owned();
        self.read(move |db| flows::known_documents(db, &name)).await
    }

    async fn name_of_code(&self, sender: &AgencyCode, code: &str) -> Result<Option<String>> {
        let (sender, code) = (sender.clone(), code.to_owned());
        self.read(move |db| flows::name_of_code(db, &sender, &code)).await
    }

    async fn in_mailbox(&self, sender: &AgencyCode, name: &str, recipient: &AgencyCode) -> Result<Vec<ConsignmentId>> {
        let (sender, name, recipient) = (sender.clone(), name.to_owned(), recipient.clone());
        self.read(move |db| flows::in_mailbox(db, &sender, &name, &recipient)).await
    }

    async fn given_back(&self, limit: usize) -> Result<Vec<Digest>> {
        self.read(move |db| flows::given_back(db, limit)).await
    }

    async fn destroy(&self, digest: Digest, now: Instant) -> Result<bool> {
        self.writer.write(move |db| flows::destroy(db, digest, now)).await
    }

    async fn refused(&self, record: RefusalRecord) -> Result<()> {
        self.writer.write(move |db| accept::refused(db, &record)).await
    }

    async fn counts(&self) -> Result<Counts> {
        self.read(trace::counts).await
    }

    async fn probe(&self) -> Result<()> {
        if self.writer.is_stopped() {
            return Err(Error::Stopped("an earlier write to disk failed".to_owned()));
        }
        let touch = "INSERT INTO meta (key, value) VALUES ('probe', '1') ON CONFLICT (key) DO UPDATE SET value = '1'";
        self.writer.write(move |db| Ok(db.prepare_cached(touch)?.execute([]).map(|_| ())?)).await
    }

    async fn packets_here(&self, mut digests: Vec<Digest>) -> Result<Vec<Digest>> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT 1 FROM packets WHERE digest = ?1 AND destroyed_at IS NULL")?;
            let mut failed = None;
            digests.retain(|digest| {
                query.exists(params![digest.as_bytes()]).unwrap_or_else(|error| {
                    failed = Some(error);
                    true
                })
            });
            failed.map_or(Ok(digests), |error| Err(error.into()))
        })
        .await
    }
}

#[cfg(test)]
pub(crate) mod tests;
