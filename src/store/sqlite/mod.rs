//! The embedded store: SQLite with a write-ahead log and full synchronisation.
//!
//! One connection writes (see `writer`), a few read. The log is folded back into the database by a thread of its own,
//! so that no answer waits for it. A power cut loses nothing that was answered.

mod accept;
mod alarms;
mod books;
mod canary;
mod console;
mod evidence;
mod exchange;
mod figures;
mod flows;
mod kept;
mod ledger;
mod mailbox;
mod news;
mod numbers;
mod outbox;
mod outlets;
mod overtaken;
mod proofs;
mod queues;
mod recent;
mod registry;
mod restored;
mod retention;
mod rows;
mod schema;
mod search;
mod statements;
mod statistics;
mod told;
mod trace;
mod watch;
mod whole;
mod witness;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use lienthong_contract::door::{InboxItem, Trace};
use lienthong_contract::outlet::Awaited;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use super::books::{AcceptancePage, BooksStore, Changed, Changes, Cursor, Fold, KeptBooks, Unreceipted};
use super::ledger::{Heads, LedgerSetup};
use super::news::{Gathered, NewsStore, Subscription};
use super::outlets::{Abroad, Attested, Entered, EnteredBefore, Leaving, OutletStore};
use super::queues::{QueueStore, Queues, Waiting};
use super::retention::{DeletionReason, EndedPacket, ExportPacket, RetentionStore};
use super::statements::{Crossed, Crossing, LinkDifference, StatementStore, Sums};
use super::{
    Accepted, AckOutcome, Body, Consign, Counts, Delivered, Dispatch, Ended, Error, MailboxEntry, NewConsignment,
    NewPacket, Overdue, QueuedReceipt, Recorded, RefusalRecord, Result, Store,
};
use crate::flows::Known;
use crate::ledger::Origin;
use crate::news::Item;
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

/// What [`SqliteStore::attach`] may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// The store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    log: Option<(Origin, Heads)>,
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
    /// Opens the store of this hop, making or upgrading it as needed. It keeps no log of its receipts.
    ///
    /// # Errors
    /// [`Error::TooNew`], [`Error::OtherHop`], or the disk's refusal.
    pub fn open(file: &Path, hop: &HopName) -> Result<Self> {
        Self::open_with(file, hop, None)
    }

    /// Opens the store of this hop and, if so set up, its log, which must contain everything that was signed before.
    ///
    /// # Errors
    /// [`Error::Ledger`], [`Error::TooNew`], [`Error::OtherHop`], or the disk's refusal.
    pub fn open_with(file: &Path, hop: &HopName, setup: Option<&LedgerSetup>) -> Result<Self> {
        let mut connection = prepared(file, hop)?;
        let log = setup.map(|setup| ledger::Log::open(&mut connection, hop, setup)).transpose()?;
        let readers =
            (0..READERS).map(|_| connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)).collect::<Result<Vec<_>>>()?;
        let readers =
            Arc::new(Readers { free: Mutex::new(readers), places: Arc::new(tokio::sync::Semaphore::new(READERS)) });
        fold_log_back(connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?, &readers)?;
        let watched = log.as_ref().map(ledger::Log::watched);
        Ok(Self { writer: Writer::start(connection, log)?, readers, log: watched })
    }

    /// Closes the log of a store that no gateway has open, and begins the next one with the receipts that are here.
    /// `signed` is the epoch of the last checkpoint outside, if there is one. Gives the names of the old and the new.
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn begin_log_anew(file: &Path, hop: &HopName, signed: Option<u32>) -> Result<(String, String)> {
        ledger::begin_anew(&mut prepared(file, hop)?, hop, signed.unwrap_or(0))
    }

    /// Opens the store of a gateway from beside it, whether that is running or not. Nothing is made or upgraded, and
    /// the log is left to the gateway; with [`Access::Read`] every write is refused.
    ///
    /// # Errors
    /// [`Error::TooNew`], [`Error::NotUpgraded`], [`Error::OtherHop`], or the disk's refusal.
    pub fn attach(file: &Path, hop: &HopName, access: Access) -> Result<Self> {
        let flags = match access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let connection = connect(file, flags)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        schema::recognise(&connection, hop.as_str())?;
        let readers =
            (0..READERS).map(|_| connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)).collect::<Result<Vec<_>>>()?;
        let readers =
            Arc::new(Readers { free: Mutex::new(readers), places: Arc::new(tokio::sync::Semaphore::new(READERS)) });
        Ok(Self { writer: Writer::start(connection, None)?, readers, log: None })
    }

    /// Writes that wait for their turn.
    #[must_use]
    pub fn writes_waiting(&self) -> usize {
        self.writer.waiting()
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

/// The writing connection of a store that has the newest form.
fn prepared(file: &Path, hop: &HopName) -> Result<Connection> {
    whole::check(file)?;
    let mut connection = connect(file, OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    schema::prepare(&mut connection, hop.as_str())?;
    Ok(connection)
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
impl OutletStore for SqliteStore {
    async fn due_outside(&self, outlet: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Leaving>> {
        let outlet = outlet.clone();
        self.read(move |db| outlets::due(db, &outlet, urgent, after, limit)).await
    }

    async fn begins_to_leave(&self, outbox_id: i64) -> Result<bool> {
        self.writer.write(move |db| outlets::begins_to_leave(db, outbox_id)).await
    }

    async fn did_not_leave(&self, outbox_id: i64, error: String, perhaps: bool) -> Result<()> {
        self.writer.write(move |db| outlets::did_not_leave(db, outbox_id, &error, perhaps)).await
    }

    async fn attest(&self, attested: Vec<Attested>) -> Result<Vec<Ended>> {
        self.writer.write(move |db| outlets::attest(db, &attested)).await
    }

    async fn abroad(&self, outlet: &HopName, name: &str, recipient: Option<&AgencyCode>) -> Result<Vec<Abroad>> {
        let (outlet, name, recipient) = (outlet.clone(), name.to_owned(), recipient.cloned());
        self.read(move |db| outlets::abroad(db, &outlet, &name, recipient.as_ref())).await
    }

    async fn awaited(&self, outlet: &HopName, after: i64, limit: usize) -> Result<Vec<Awaited>> {
        let outlet = outlet.clone();
        self.read(move |db| outlets::awaited(db, &outlet, after, limit)).await
    }

    async fn entered(&self, entered: &Entered) -> Result<Option<EnteredBefore>> {
        let entered = entered.clone();
        self.read(move |db| outlets::entered(db, &entered)).await
    }
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
    ) -> Result<bool> {
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

    async fn given_back_after(&self, after: i64, limit: usize) -> Result<(Vec<Digest>, Option<i64>)> {
        self.read(move |db| flows::given_back_after(db, after, limit)).await
    }

    async fn destroy(&self, digest: Digest, now: Instant) -> Result<bool> {
        self.writer.write(move |db| flows::destroy(db, digest, now)).await
    }

    async fn refusal(&self, doc_id: DocId) -> Result<Option<Sealed>> {
        self.read(move |db| accept::refusal(db, doc_id)).await
    }

    async fn body(&self, doc_id: DocId) -> Result<Option<Body>> {
        self.read(move |db| retention::body(db, doc_id)).await
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
            let here = "SELECT 1 FROM packets WHERE digest = ?1 AND body_deleted_at IS NULL AND destroyed_at IS NULL";
            let mut query = db.prepare_cached(here)?;
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

#[async_trait]
impl BooksStore for SqliteStore {
    async fn acceptances(
        &self,
        after: i64,
        within: Option<(Instant, Instant)>,
        limit: usize,
    ) -> Result<AcceptancePage> {
        self.read(move |db| books::acceptances(db, after, within, limit)).await
    }

    async fn unreceipted(&self, after: i64, limit: usize) -> Result<(Vec<Unreceipted>, Option<i64>)> {
        self.read(move |db| books::unreceipted(db, after, limit)).await
    }

    async fn refusals_unlogged(&self) -> Result<Vec<(i64, u64)>> {
        self.read(retention::refusals_unlogged).await
    }

    async fn bodies_deleted(&self) -> Result<Vec<(i64, u64)>> {
        self.read(retention::bodies_deleted).await
    }

    async fn kept_books(&self, day: Option<i64>, limit: usize) -> Result<KeptBooks> {
        self.read(move |db| kept::kept_books(db, day, limit)).await
    }

    async fn changes(&self, since: Cursor, limit: usize) -> Result<Changes> {
        self.read(move |db| kept::changes(db, since, limit)).await
    }

    async fn fold(&self, fold: Fold) -> Result<bool> {
        self.writer.write(move |db| kept::fold(db, &fold)).await
    }

    async fn suspects(
        &self,
        after: Option<ConsignmentId>,
        limit: usize,
    ) -> Result<(Vec<Changed>, Option<ConsignmentId>)> {
        self.read(move |db| kept::suspects(db, after, limit)).await
    }

    async fn forget_books(&self, limit: usize) -> Result<bool> {
        self.writer.write(move |db| kept::forget_books(db, limit)).await
    }
}

#[async_trait]
impl QueueStore for SqliteStore {
    async fn queues(&self, now: Instant) -> Result<Queues> {
        self.read(move |db| queues::queues(db, now)).await
    }

    async fn mailboxes(&self) -> Result<Waiting> {
        self.read(queues::mailboxes).await
    }
}

#[async_trait]
impl NewsStore for SqliteStore {
    async fn subscribe(&self, names: Vec<String>) -> Result<()> {
        self.writer.write(move |db| news::subscribe(db, &names)).await
    }

    async fn gather(&self, subscriptions: Vec<Subscription>, now: Instant, limit: usize) -> Result<Gathered> {
        // Asked often, so that nothing is written while nothing is new.
        if !self.read(news::anything_new).await? {
            return Ok(Gathered::default());
        }
        self.writer.write(move |db| news::gather(db, &subscriptions, now, limit)).await
    }

    async fn news(&self, name: &str, limit: usize) -> Result<Vec<(i64, Item)>> {
        let name = name.to_owned();
        self.read(move |db| news::news(db, &name, limit)).await
    }

    async fn told(&self, name: &str, up_to: i64) -> Result<()> {
        let name = name.to_owned();
        self.writer.write(move |db| news::told(db, &name, up_to)).await
    }

    async fn untold(&self) -> Result<Vec<(String, Waiting)>> {
        self.read(news::untold).await
    }
}

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn ended_packets(
        &self,
        after: i64,
        before: Instant,
        limit: usize,
    ) -> Result<(Vec<EndedPacket>, Option<i64>)> {
        self.read(move |db| retention::ended_packets(db, after, before, limit)).await
    }

    async fn delete_body(&self, row: i64, reason: DeletionReason, at: Instant) -> Result<bool> {
        self.writer.write(move |db| retention::delete_body(db, row, reason, at)).await
    }

    async fn mark_exported(&self, rows: Vec<i64>, at: Instant) -> Result<()> {
        self.writer.write(move |db| retention::mark_exported(db, &rows, at)).await
    }

    async fn packets_to_export(
        &self,
        after: i64,
        within: (Instant, Instant),
        limit: usize,
    ) -> Result<Vec<ExportPacket>> {
        self.read(move |db| retention::packets_to_export(db, after, within, limit)).await
    }

    async fn prune_refusals(&self, before: Instant, limit: usize) -> Result<usize> {
        self.writer.write(move |db| retention::prune_refusals(db, before, limit)).await
    }
}

#[async_trait]
impl StatementStore for SqliteStore {
    async fn list_crossings(&self, limit: usize) -> Result<bool> {
        self.writer.write(move |db| statements::list_crossings(db, limit)).await
    }

    async fn sums(&self, crossed: &Crossed) -> Result<Sums> {
        let crossed = crossed.clone();
        self.read(move |db| statements::sums(db, &crossed)).await
    }

    async fn crossings(
        &self,
        crossed: &Crossed,
        buckets: Vec<u8>,
        after: Option<ConsignmentId>,
        limit: usize,
    ) -> Result<Vec<Crossing>> {
        let crossed = crossed.clone();
        self.read(move |db| statements::crossings(db, &crossed, &buckets, after, limit)).await
    }

    async fn was_stated(&self, crossed: &Crossed, today: i64) -> Result<bool> {
        let crossed = crossed.clone();
        self.read(move |db| statements::was_stated(db, &crossed, today)).await
    }

    async fn stated(&self, crossed: &Crossed, today: i64, again: bool) -> Result<()> {
        let crossed = crossed.clone();
        self.writer.write(move |db| statements::stated(db, &crossed, today, again)).await
    }

    async fn open_day(&self, peer: &HopName, within: (i64, i64), today: i64) -> Result<Option<Crossed>> {
        let peer = peer.clone();
        self.read(move |db| statements::open_day(db, &peer, within, today)).await
    }

    async fn open_days(&self, within: (i64, i64)) -> Result<Vec<(HopName, u64)>> {
        self.read(move |db| statements::open_days(db, within)).await
    }

    async fn settle(&self, peer: &HopName, day: i64, at: Instant, why: String) -> Result<usize> {
        let peer = peer.clone();
        self.writer.write(move |db| statements::settle(db, &peer, day, at, &why)).await
    }

    async fn prune_crossings(&self, before: i64, limit: usize) -> Result<bool> {
        self.writer.write(move |db| statements::prune_crossings(db, before, limit)).await
    }

    async fn compared(&self, crossed: &Crossed, agrees: bool) -> Result<()> {
        let crossed = crossed.clone();
        self.writer.write(move |db| statements::compared(db, &crossed, agrees)).await
    }

    async fn put_differences(&self, crossed: &Crossed, buckets: Vec<u8>, found: Vec<LinkDifference>) -> Result<u64> {
        let crossed = crossed.clone();
        self.writer.write(move |db| statements::put_differences(db, &crossed, &buckets, &found)).await
    }

    async fn differences(&self, up_to: i64, limit: usize) -> Result<(Vec<LinkDifference>, Vec<Crossed>)> {
        self.read(move |db| statements::differences(db, up_to, limit)).await
    }
}

#[cfg(test)]
pub(crate) mod tests;
