//! After a loss that was noticed: what was here then may have gone on long ago, and this store does not know.
//!
//! So its deadline alone does not end it. The outbox sends it again, and whoever has it answers with the receipts that it
//! was answered with before; who never had it takes it, or refuses what is overdue. Either way it moves on by receipts
//! ([`crate::life`] shows what would go wrong otherwise: a failure signed here of what was handed over there). Only when the
//! next hop has said nothing for [`WAIT_MILLIS`] after the deadline, it ends here: each consignment has its end.
//!
//! The word in `meta` is the last row that was here. It is written in the transaction that closes the old log, or that keeps
//! the alarm about this hop's own log, and survives every crash after that.

use rusqlite::{Connection, OptionalExtension};

use super::super::{Error, Result};

/// How much longer than its deadline a consignment has that was here when the loss was noticed: a week.
pub const WAIT_MILLIS: i64 = 7 * 24 * 3_600_000;

const KEY: &str = "held-back";

/// From now on all that is here is held back.
pub fn hold_back(db: &Connection) -> Result<()> {
    let hold = "INSERT INTO meta (key, value) SELECT ?1, coalesce(max(seq), 0) FROM consignments WHERE true
                ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    db.execute(hold, [KEY])?;
    Ok(())
}

/// The last row that is held back; 0 when nothing was ever lost.
pub fn held_back(db: &Connection) -> Result<i64> {
    let held = "SELECT value FROM meta WHERE key = ?1";
    let held: Option<String> = db.prepare_cached(held)?.query_row([KEY], |row| row.get(0)).optional()?;
    let Some(held) = held else { return Ok(0) };
    held.parse().map_err(|_| Error::Corrupt(format!("{held:?} is no row of what is held back")))
}
