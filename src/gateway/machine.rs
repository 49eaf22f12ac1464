//! The part of the page of metrics that tells of the machine, the intake, alarms and certificates: all of it in memory, or
//! one question to the file system.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::alarms::judge::Room;
use crate::alarms::{Board, Kind};
use crate::certificates::{Last, Use};
use crate::intake::meter::{BOUNDS_MICROS, Counts, DOORS, Meter, OUTCOMES};
use crate::metrics::{Page, families};
use crate::store::SqliteStore;

/// What is looked at.
pub struct Machine {
    /// The folder of the store.
    pub data: PathBuf,
    pub store: Arc<SqliteStore>,
    pub meter: Arc<Meter>,
    pub certificates: Arc<Last>,
    /// Alarms, once somebody looks for them.
    pub alarms: OnceLock<Arc<Board>>,
}

impl Machine {
    /// Puts down what is known; a disk that cannot be asked has no sample.
    pub fn put(&self, page: &mut Page) {
        if let Some(board) = self.alarms.get() {
            let alarms = board.all();
            for kind in Kind::ALL {
                let count = alarms.iter().filter(|alarm| alarm.kind == *kind).count();
                page.count(&families::ALARMS, &[kind.as_str()], count as u64);
            }
        }
        intake(page, &self.meter.counts());
        let certificates = self.certificates.all();
        for used in Use::ALL {
            let left = certificates.iter().filter(|one| one.what == *used).filter_map(|one| one.days_left).min();
            if let Some(days) = left {
                #[allow(clippy::cast_precision_loss)] // Days.
                page.put(&families::CERTIFICATE_DAYS, &[used.as_str()], days as f64);
            }
        }
        if let Some(Room { free, total }) = room(&self.data) {
            page.count(&families::DISK_FREE, &[], free);
            page.count(&families::DISK_SIZE, &[], total);
        }
        for (name, file) in [("database", "store.db"), ("log", "store.db-wal")] {
            if let Ok(file) = std::fs::metadata(self.data.join(file)) {
                page.count(&families::STORE_SIZE, &[name], file.len());
            }
        }
        page.count(&families::STORE_CALLS, &[], self.store.writes_waiting() as u64);
    }
}

fn intake(page: &mut Page, Counts { doors, refusals }: &Counts) {
    let bounds = BOUNDS_MICROS.map(seconds);
    for (door, of) in DOORS.iter().zip(doors) {
        for (outcome, count) in OUTCOMES.iter().zip(of.outcomes) {
            page.count(&families::INTAKE_PACKETS, &[door, outcome], count);
        }
        page.count(&families::INTAKE_BYTES, &[door], of.bytes);
        page.histogram(&families::INTAKE_SECONDS, &[door], &bounds, &of.buckets, seconds(of.micros));
    }
    for (code, count) in refusals {
        page.count(&families::INTAKE_REFUSALS, &[code], *count);
    }
}

/// Microseconds as seconds.
#[allow(clippy::cast_precision_loss)] // Exact for three hundred years.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1_000_000.0
}

/// Room on the disk of a folder; nothing when it cannot be asked.
pub fn room(data: &Path) -> Option<Room> {
    let stat = rustix::fs::statvfs(data).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Room { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
}
