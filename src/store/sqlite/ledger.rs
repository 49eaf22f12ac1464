//! The hop's own log: every transaction that stores receipts of this hop ends by entering them.
//!
//! The growing edge of the tree is in the writer's memory. What a transaction adds is computed on a copy, stored and
//! signed within the transaction, and becomes the edge only when the flush has succeeded: whatever fails in between, the
//! log in memory is the one on disk. New entries are found by number (`receipts.seq`, `refusals.id` and `console_acts.id` only grow), so
//! whoever stores a receipt need not know of the ledger, and an older store enters its receipts when it is opened.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::watch;

use lienthong_contract::{Digest, HopName, Instant};

use super::super::ledger::{Broken, Heads, LedgerSetup, epoch_of, origin_text};
use super::super::{Error, Result};
use super::restored;
use super::rows::{self, integer};
use crate::ledger::tile::{TILE_HEIGHT, TILE_WIDTH};
use crate::ledger::tile_reader::complete;
use crate::ledger::tree::split_stored_index;
use crate::ledger::{
    self, Checkpoint, Frontier, HashReader, Note, Origin, SignatureKind, SignedCheckpoint, SigningKey, leaf_hash, root,
};

/// Receipts and refusals that one transaction looks at while an older store's enter the log.
const CATCH_UP: i64 = 4096;

/// `ledger.receipt` of an act is this number minus the act's: far from all receipts and refusals.
const ACTS: i64 = -(1 << 62);

/// The log, as the writing thread holds it.
#[derive(Debug)]
pub struct Log {
    origin: Origin,
    key: SigningKey,
    edge: Edge,
    heads: watch::Sender<Option<Arc<SignedCheckpoint>>>,
}

/// How far the log has come.
#[derive(Debug, Clone)]
struct Edge {
    frontier: Frontier,
    /// The last `receipts.seq`, `refusals.id` and `console_acts.id` that were looked at.
    receipts: i64,
    refusals: i64,
    acts: i64,
}

/// What a transaction adds, not yet on disk.
#[derive(Debug)]
pub struct Grown {
    edge: Edge,
    head: Option<SignedCheckpoint>,
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        Self::Corrupt(format!("ledger: {error}"))
    }
}

impl Log {
    /// Opens the log: it must fit together, contain the checkpoint that is kept outside, and be signed by this key.
    /// Receipts that are not in it yet enter.
    pub fn open(db: &mut Connection, hop: &HopName, setup: &LedgerSetup) -> Result<Self> {
        let head = Head::read(db)?;
        let origin: Origin = origin_text(hop, head.epoch).parse()?;
        let key = setup.key.named(origin.as_str())?;
        let signed = head.verified(db, &origin, &key)?;
        if let Some(outside) = &setup.outside {
            contains(db, hop, &head, &key, outside)?;
        }
        let frontier = Frontier::load(head.size, &Rows::of(db))?;
        let edge = Edge { frontier, receipts: head.receipts, refusals: head.refusals, acts: head.acts };
        let mut log = Self { origin, key, edge, heads: watch::Sender::new(signed.map(Arc::new)) };
        log.catch_up(db)?;
        Ok(log)
    }

    fn catch_up(&mut self, db: &mut Connection) -> Result<()> {
        loop {
            let transaction = db.transaction()?;
            let grown = self.append(&transaction, CATCH_UP)?;
            transaction.commit()?;
            let done = grown.edge.looked_at() == self.edge.looked_at();
            self.committed(grown);
            if done {
                return Ok(());
            }
        }
    }

    /// Enters what is new, at most so many; called last in a transaction. What comes back is handed to
    /// [`Log::committed`] once the transaction is on disk, and dropped if it is not.
    pub fn append(&self, db: &Connection, limit: i64) -> Result<Grown> {
        let mut edge = self.edge.clone();
        let query = "SELECT seq, own, digest FROM receipts WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut query = db.prepare_cached(query)?;
        let mut found = query.query(params![self.edge.receipts, limit])?;
        while let Some(row) = found.next()? {
            edge.receipts = row.get(0)?;
            if row.get(1)? {
                let receipt = edge.receipts;
                edge.push(db, rows::digest(row, 2)?, receipt)?;
            }
        }
        let query = "SELECT id, receipt FROM refusals WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut query = db.prepare_cached(query)?;
        let mut found = query.query(params![self.edge.refusals, limit])?;
        while let Some(row) = found.next()? {
            edge.refusals = row.get(0)?;
            if let Some(jws) = row.get_ref(1)?.as_str_or_null().map_err(|error| Error::Corrupt(error.to_string()))? {
                let receipt = -edge.refusals;
                edge.push(db, Digest::of(jws.as_bytes()), receipt)?;
            }
        }
        let query = "SELECT id, statement FROM console_acts WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut query = db.prepare_cached(query)?;
        let mut found = query.query(params![self.edge.acts, limit])?;
        while let Some(row) = found.next()? {
            edge.acts = row.get(0)?;
            let statement = row.get_ref(1)?.as_str().map_err(|error| Error::Corrupt(error.to_string()))?;
            let receipt = ACTS - edge.acts;
            edge.push(db, Digest::of(statement.as_bytes()), receipt)?;
        }
        let size = edge.frontier.size();
        if size == self.edge.frontier.size() {
            return Ok(Grown { edge, head: None });
        }
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root: edge.frontier.root() };
        let head = checkpoint.sign(&self.key)?;
        let update =
            "UPDATE ledger_head SET receipts = ?1, refusals = ?2, size = ?3, note = ?4, acts = ?5 WHERE id = 1";
        let (size, head_text) = (integer(size), head.to_string());
        db.prepare_cached(update)?.execute(params![edge.receipts, edge.refusals, size, head_text, edge.acts])?;
        Ok(Grown { edge, head: Some(head) })
    }

    /// The transaction is on disk.
    pub fn committed(&mut self, grown: Grown) {
        self.edge = grown.edge;
        if let Some(head) = grown.head {
            self.heads.send_replace(Some(Arc::new(head)));
        }
    }

    pub fn watched(&self) -> (Origin, Heads) {
        (self.origin.clone(), self.heads.subscribe())
    }
}

impl Edge {
    const fn looked_at(&self) -> (i64, i64, i64) {
        (self.receipts, self.refusals, self.acts)
    }

    fn push(&mut self, db: &Connection, digest: Digest, receipt: i64) -> Result<()> {
        let number = self.frontier.size();
        let insert = "INSERT INTO ledger (number, digest, receipt) VALUES (?1, ?2, ?3)";
        db.prepare_cached(insert)?.execute(params![integer(number), digest.as_bytes(), receipt])?;
        let hashes = self.frontier.push(leaf_hash(digest.as_bytes()))?;
        for (level, hash) in (0_u32..).zip(&hashes).filter(|(level, _)| *level > 0 && level % TILE_HEIGHT == 0) {
            let insert = "INSERT INTO ledger_roots (level, place, hash) VALUES (?1, ?2, ?3)";
            db.prepare_cached(insert)?.execute(params![level, integer(number >> level), hash.as_bytes()])?;
        }
        Ok(())
    }
}

/// The row of `ledger_head`.
struct Head {
    epoch: u32,
    receipts: i64,
    refusals: i64,
    acts: i64,
    size: u64,
    note: Option<String>,
}

impl Head {
    fn read(db: &Connection) -> Result<Self> {
        let query = "SELECT epoch, receipts, refusals, size, note, acts FROM ledger_head WHERE id = 1";
        let mut query = db.prepare(query)?;
        let mut found = query.query([])?;
        let Some(row) = found.next()? else { return Err(inside("its head is gone")) };
        Ok(Self {
            epoch: row.get(0)?,
            receipts: row.get(1)?,
            refusals: row.get(2)?,
            size: rows::size(row, 3)?,
            note: row.get(4)?,
            acts: row.get(5)?,
        })
    }

    /// The checkpoint signed last, when it is this key's and the tables give the same root.
    fn verified(&self, db: &Connection, origin: &Origin, key: &SigningKey) -> Result<Option<SignedCheckpoint>> {
        let entries: Option<i64> = db.query_row("SELECT max(number) FROM ledger", [], |row| row.get(0))?;
        let entries = entries.map_or(0, |last| u64::try_from(last).unwrap_or(0).saturating_add(1));
        if entries != self.size {
            return Err(inside(format!("it has {entries} entries, its head names {}", self.size)));
        }
        let Some(note) = &self.note else {
            return if entries == 0 { Ok(None) } else { Err(inside("its checkpoint is gone")) };
        };
        let keys = [key.verifier(SignatureKind::Ed25519)?];
        let signed = SignedCheckpoint::open(note.as_bytes(), origin, &keys).map_err(|error| by_key(error, origin))?;
        let here = root(self.size, &Rows::of(db)).map_err(inside)?;
        if signed.checkpoint().size != self.size || signed.checkpoint().root != here {
            return Err(inside("its entries do not give the root that was signed"));
        }
        Ok(Some(signed))
    }
}

fn inside(why: impl ToString) -> Error {
    Broken::Inside(why.to_string()).into()
}

/// A note of this log that none of the key's signatures stands under was signed by another key.
fn by_key(error: ledger::Error, origin: &Origin) -> Error {
    match error {
        ledger::Error::NotSigned | ledger::Error::BadSignature(_) => Broken::OtherKey(origin.to_string()).into(),
        other => Broken::Outside(other.to_string()).into(),
    }
}

/// The log here must contain what was signed before.
fn contains(db: &Connection, hop: &HopName, head: &Head, key: &SigningKey, outside: &[u8]) -> Result<()> {
    let unreadable = |error: ledger::Error| Error::from(Broken::Outside(error.to_string()));
    let claimed: Checkpoint = Note::parse(outside).map_err(unreadable)?.text().parse().map_err(unreadable)?;
    let here = origin_text(hop, head.epoch);
    match epoch_of(hop, claimed.origin.as_str()) {
        None => return Err(Broken::Outside(format!("it is of {}", claimed.origin)).into()),
        // A log that was closed: evidence, which whoever writes the new one puts aside.
        Some(epoch) if epoch < head.epoch => return Ok(()),
        Some(epoch) if epoch > head.epoch => {
            return Err(Broken::OlderLog { here, signed: claimed.origin.to_string() }.into());
        }
        Some(_) => {}
    }
    let keys = [key.verifier(SignatureKind::Ed25519)?];
    SignedCheckpoint::open(outside, &claimed.origin, &keys).map_err(|error| by_key(error, &claimed.origin))?;
    if claimed.size > head.size {
        let last = last_receipt(db)?;
        return Err(Broken::Shortened { origin: here, had: claimed.size, has: head.size, last }.into());
    }
    if root(claimed.size, &Rows::of(db)).map_err(inside)? != claimed.root {
        return Err(Broken::Rewritten { origin: here, size: claimed.size }.into());
    }
    Ok(())
}

/// When the last receipt was made that is here.
fn last_receipt(db: &Connection) -> Result<Option<Instant>> {
    let query = "SELECT jws FROM sealed WHERE own = 1 ORDER BY seq DESC LIMIT 1";
    let jws: Option<String> = db.query_row(query, [], |row| row.get(0)).optional()?;
    Ok(jws.and_then(|jws| rows::read(&jws).ok()).map(|sealed| sealed.receipt.time))
}

/// Closes the log, whatever state it is in, and begins one of the next epoch; the receipts that are here enter it when
/// it is opened. `at_least` is an epoch that was signed for already. Gives the names of both.
pub fn begin_anew(db: &mut Connection, hop: &HopName, at_least: u32) -> Result<(String, String)> {
    let epoch: u32 = db.query_row("SELECT epoch FROM ledger_head WHERE id = 1", [], |row| row.get(0))?;
    let (old, new) = (epoch.max(at_least), epoch.max(at_least).saturating_add(1));
    let transaction = db.transaction()?;
    transaction.execute_batch(
        "DELETE FROM ledger; DELETE FROM ledger_roots; DELETE FROM ledger_shown; DELETE FROM ledger_witnesses;",
    )?;
    let update = "UPDATE ledger_head SET epoch = ?1, receipts = 0, refusals = 0, acts = 0, size = 0, note = NULL
                  WHERE id = 1";
    transaction.execute(update, [new])?;
    restored::hold_back(&transaction)?;
    transaction.commit()?;
    Ok((origin_text(hop, old), origin_text(hop, new)))
}

/// Reads the tree's hashes out of the tables, a tile at a time: the hashes of one proof, and of its neighbours, lie in
/// few tiles.
pub struct Rows<'a> {
    db: &'a Connection,
    tiles: RefCell<Tiles>,
}

/// Tiles by level of the tree and place.
type Tiles = HashMap<(u32, u64), Rc<[Digest]>>;

/// The most tiles kept while reading, 8 KiB each.
const MAX_TILES: usize = 128;

impl HashReader for Rows<'_> {
    fn read_hashes(&self, stored: &[u64]) -> std::result::Result<Vec<Digest>, ledger::Error> {
        stored.iter().map(|stored| self.hash(*stored)).collect()
    }
}

impl<'a> Rows<'a> {
    pub fn of(db: &'a Connection) -> Self {
        Self { db, tiles: RefCell::default() }
    }

    fn hash(&self, stored: u64) -> std::result::Result<Digest, ledger::Error> {
        let missing = ledger::Error::MissingHash(stored);
        let (level, index) = split_stored_index(stored).ok_or(missing.clone())?;
        let (above, base) = (level % TILE_HEIGHT, level - level % TILE_HEIGHT);
        let first = index << above;
        let tile = self.tile(base, first >> TILE_HEIGHT).map_err(|error| ledger::Error::Read(error.to_string()))?;
        let at = usize::try_from(first % u64::from(TILE_WIDTH)).map_err(|_| missing.clone())?;
        tile.get(at..at.saturating_add(1 << above)).and_then(complete).ok_or(missing)
    }

    /// What there is of a tile, from its beginning and without a gap.
    fn tile(&self, level: u32, tile: u64) -> Result<Rc<[Digest]>> {
        if let Some(known) = self.tiles.borrow().get(&(level, tile)) {
            return Ok(Rc::clone(known));
        }
        let hashes: Rc<[Digest]> = self.read(level, tile << TILE_HEIGHT)?.into();
        let mut tiles = self.tiles.borrow_mut();
        if tiles.len() >= MAX_TILES {
            tiles.clear();
        }
        tiles.insert((level, tile), Rc::clone(&hashes));
        Ok(hashes)
    }

    fn read(&self, level: u32, first: u64) -> Result<Vec<Digest>> {
        let query = if level == 0 {
            "SELECT number, digest FROM ledger WHERE ?3 = 0 AND number >= ?1 AND number < ?2 ORDER BY number"
        } else {
            "SELECT place, hash FROM ledger_roots WHERE level = ?3 AND place >= ?1 AND place < ?2 ORDER BY place"
        };
        let mut query = self.db.prepare_cached(query)?;
        let (from, to) = (integer(first), integer(first.saturating_add(u64::from(TILE_WIDTH))));
        let mut found = query.query(params![from, to, level])?;
        let mut hashes = Vec::new();
        for expected in from..to {
            let Some(row) = found.next()? else { break };
            if row.get::<_, i64>(0)? != expected {
                break;
            }
            let digest = rows::digest(row, 1)?;
            hashes.push(if level == 0 { leaf_hash(digest.as_bytes()) } else { digest });
        }
        Ok(hashes)
    }
}
