//! Large packets on their way in: frames are written straight to their place in a spool file.
//!
//! Invariants
//! * Each frame of a file is written once, by whoever claimed it; a duplicate is acknowledged and thrown away. So
//!   nothing writes to a file once it is complete, whatever a peer sends afterwards.
//! * A file is complete when all its frames are written; it is synced then, once, and only then offered to the sink.
//!   The sink gets a second name of it; the first stays until the sink took it, so that "not now" costs no resend.
//!
//! Failure story: frames are acknowledged when written, not when synced. A crash loses the partial files; the final
//! message then finds no frames, is given up after the lane was quiet for a while, and the sender, who has custody,
//! sends all of it again.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lienthong_contract::{Clock, Instant};
use tokio::sync::watch;

use super::config::Limits;
use super::wire::{FrameHead, Key};
use crate::link::ArrivedFile;
use crate::link::spool::Spool;

/// The large packets of one link on their way in.
pub(super) struct Assembler {
    spool: Spool,
    clock: Arc<dyn Clock>,
    max_partials: usize,
    held: Mutex<HashMap<Key, Held>>,
    /// Counts frames dealt with; waiters see by it that the lane is not quiet.
    progress: watch::Sender<u64>,
    /// Frames delivered and not yet dealt with.
    in_hand: AtomicUsize,
}

/// One large packet, partial or whole.
struct Held {
    stage: Stage,
    count: u32,
    total: u64,
    touched: Instant,
    /// Deletes the spool file when the last user lets go.
    place: Arc<Place>,
}

enum Stage {
    Partial { claimed: Vec<u64>, missing: u32 },
    Whole,
}

/// A file in the spool, deleted on drop.
struct Place {
    file: File,
    path: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a spool file could not be removed");
        }
    }
}

impl Assembler {
    pub(super) fn new(spool: Spool, clock: Arc<dyn Clock>, limits: &Limits) -> Self {
        Self {
            spool,
            clock,
            max_partials: limits.max_partials,
            held: Mutex::default(),
            progress: watch::Sender::new(0),
            in_hand: AtomicUsize::new(0),
        }
    }

    /// Writes one frame to its place. `Ok` when it is written, or is not needed any more.
    ///
    /// # Errors
    /// When the disk does not take it; the frame may be offered again.
    pub(super) async fn frame(self: &Arc<Self>, key: Key, head: FrameHead, body: Bytes) -> io::Result<()> {
        let assembler = Arc::clone(self);
        self.in_hand.fetch_add(1, Ordering::SeqCst);
        let written = tokio::task::spawn_blocking(move || assembler.write(&key, &head, &body)).await;
        self.in_hand.fetch_sub(1, Ordering::SeqCst);
        self.progress.send_modify(|count| *count += 1);
        written.map_err(io::Error::other)?
    }

    fn write(&self, key: &Key, head: &FrameHead, body: &[u8]) -> io::Result<()> {
        let Some(place) = self.claim(key, head)? else { return Ok(()) };
        if let Err(error) = place.file.write_all_at(body, head.offset) {
            self.unclaim(key, &place, head.index);
            return Err(error);
        }
        if self.is_last(key, &place) {
            if let Err(error) = place.file.sync_all() {
                // What was written may be gone: nothing of this file counts any more.
                self.forget(key);
                return Err(error);
            }
            if let Some(held) = self.held().get_mut(key).filter(|held| Arc::ptr_eq(&held.place, &place)) {
                held.stage = Stage::Whole;
            }
        }
        Ok(())
    }

    /// Reserves one frame for the caller to write; none when it is written, or being written, already.
    fn claim(&self, key: &Key, head: &FrameHead) -> io::Result<Option<Arc<Place>>> {
        let now = self.clock.now();
        let mut all = self.held();
        let same = |held: &Held| held.count == head.count && held.total == head.total;
        if !all.get(key).is_some_and(same) {
            self.make_way(&mut all);
            let (file, path) = self.spool.create()?;
            let words = usize::try_from(head.count.div_ceil(64)).unwrap_or(usize::MAX);
            let stage = Stage::Partial { claimed: vec![0; words], missing: head.count };
            let place = Arc::new(Place { file, path });
            all.insert(key.clone(), Held { stage, count: head.count, total: head.total, touched: now, place });
        }
        let Some(held) = all.get_mut(key) else { return Ok(None) };
        held.touched = now;
        let Stage::Partial { claimed, .. } = &mut held.stage else { return Ok(None) };
        let (word, bit) = place_of(head.index);
        match claimed.get_mut(word) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                Ok(Some(Arc::clone(&held.place)))
            }
            _ => Ok(None),
        }
    }

    fn unclaim(&self, key: &Key, place: &Arc<Place>, index: u32) {
        let (word, bit) = place_of(index);
        if let Some(held) = self.held().get_mut(key)
            && Arc::ptr_eq(&held.place, place)
            && let Stage::Partial { claimed, .. } = &mut held.stage
            && let Some(word) = claimed.get_mut(word)
        {
            *word &= !bit;
        }
    }

    /// Counts one frame as written; true for the one that completes the file.
    fn is_last(&self, key: &Key, place: &Arc<Place>) -> bool {
        let mut all = self.held();
        let held = all.get_mut(key).filter(|held| Arc::ptr_eq(&held.place, place));
        match held.map(|held| &mut held.stage) {
            Some(Stage::Partial { missing, .. }) => {
                *missing = missing.saturating_sub(1);
                *missing == 0
            }
            _ => false,
        }
    }

    /// Keeps the number of files bounded: the one untouched longest gives way.
    fn make_way(&self, all: &mut HashMap<Key, Held>) {
        if all.len() < self.max_partials {
            return;
        }
        let oldest = all.iter().min_by_key(|(_, held)| held.touched).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            tracing::warn!(
                from = key.from,
                transfer = key.transfer_id,
                "too many large packets at once: one gives way"
            );
            all.remove(&key);
        }
    }

    /// Waits until the packet is whole: none when its frames lane has been quiet for `quiet` and frames are missing.
    /// The caller bounds the whole wait.
    pub(super) async fn whole(&self, key: &Key, head: &FrameHead, quiet: Duration) -> Option<()> {
        let mut progress = self.progress.subscribe();
        loop {
            progress.borrow_and_update();
            if self.is_whole(key, head) {
                return Some(());
            }
            let moved = tokio::time::timeout(quiet, progress.changed()).await;
            if moved.is_err() && self.in_hand.load(Ordering::SeqCst) == 0 {
                return self.is_whole(key, head).then_some(());
            }
        }
    }

    fn is_whole(&self, key: &Key, head: &FrameHead) -> bool {
        self.held().get(key).is_some_and(|held| {
            held.count == head.count && held.total == head.total && matches!(held.stage, Stage::Whole)
        })
    }

    /// A name of the whole packet's file for the sink; none when it is gone.
    pub(super) async fn hand_over(&self, key: &Key) -> io::Result<Option<ArrivedFile>> {
        let found = self.held().get_mut(key).map(|held| {
            held.touched = self.clock.now();
            (Arc::clone(&held.place), held.total)
        });
        let Some((place, total)) = found else { return Ok(None) };
        let spool = self.spool.clone();
        let linked = tokio::task::spawn_blocking(move || {
            checked_len(&place.file, &place.path, total)?;
            spool.hand_over(&place.path, total)
        });
        linked.await.map_err(io::Error::other)?.map(Some)
    }

    /// The sink has dealt with this packet, for good or ill.
    pub(super) fn forget(&self, key: &Key) {
        let gone = self.held().remove(key);
        drop(gone);
    }

    /// Removes what nobody has touched since then.
    pub(super) fn sweep(&self, since: Instant) {
        let mut stale = Vec::new();
        self.held().retain(|key, held| {
            let keep = held.touched >= since;
            if !keep {
                stale.push((key.clone(), Arc::clone(&held.place)));
            }
            keep
        });
        for (key, place) in stale {
            tracing::warn!(from = key.from, transfer = key.transfer_id, "a large packet never completed: removed");
            drop(place);
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place_of(index: u32) -> (usize, u64) {
    (usize::try_from(index / 64).unwrap_or(usize::MAX), 1 << (index % 64))
}

/// Frames that all came and yet do not cover the file would leave holes; they are not a packet.
fn checked_len(file: &File, path: &Path, total: u64) -> io::Result<()> {
    let len = file.metadata()?.len();
    if len == total {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: {len} bytes of {total}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    #[derive(Debug, Default)]
    struct HandClock(AtomicI64);

    impl Clock for HandClock {
        fn now(&self) -> Instant {
            Instant::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    fn assembler(folder: &Path, max_partials: usize) -> (Arc<Assembler>, Arc<HandClock>) {
        let clock = Arc::new(HandClock::default());
        let limits = Limits { max_partials, ..Limits::default() };
        (Arc::new(Assembler::new(Spool::open(folder).unwrap(), clock.clone(), &limits)), clock)
    }

    fn key(id: &str) -> Key {
        Key { from: "h27".to_owned(), transfer_id: id.to_owned() }
    }

    /// Frame `index` of a packet of three frames of ten bytes.
    fn frame(id: &str, index: u32) -> FrameHead {
        FrameHead { transfer_id: id.to_owned(), index, count: 3, offset: u64::from(index) * 10, total: 30 }
    }

    async fn put(assembler: &Arc<Assembler>, id: &str, index: u32, byte: u8) {
        assembler.frame(key(id), frame(id, index), Bytes::from(vec![byte; 10])).await.unwrap();
    }

    const QUIET: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn the_first_word_on_each_frame_counts_and_a_whole_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (assembler, _) = assembler(folder.path(), 4);
        for (index, byte) in [(2, b'c'), (0, b'a'), (0, b'X'), (2, b'X')] {
            put(&assembler, "t", index, byte).await;
        }
        assert_eq!(assembler.whole(&key("t"), &frame("t", 3), QUIET).await, None);
        put(&assembler, "t", 1, b'b').await;
        assert_eq!(assembler.whole(&key("t"), &frame("t", 3), QUIET).await, Some(()));
        let other = FrameHead { total: 31, ..frame("t", 3) };
        assert_eq!(assembler.whole(&key("t"), &other, QUIET).await, None, "another packet of that name is not whole");
        put(&assembler, "t", 1, b'X').await;

        let file = assembler.hand_over(&key("t")).await.unwrap().unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), b"aaaaaaaaaabbbbbbbbbbcccccccccc");
        let kept = file.keep();
        assembler.forget(&key("t"));
        assert!(assembler.hand_over(&key("t")).await.unwrap().is_none());
        put(&assembler, "t", 0, b'Y').await;
        assert_eq!(std::fs::read(&kept).unwrap().first(), Some(&b'a'), "a late frame writes elsewhere");
        let left: Vec<PathBuf> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|p| *p != kept)
            .collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[tokio::test]
    async fn holes_are_no_packet() {
        let folder = tempfile::tempdir().unwrap();
        let (assembler, _) = assembler(folder.path(), 4);
        for index in 0..3 {
            let head = FrameHead { offset: 0, ..frame("t", index) };
            assembler.frame(key("t"), head, Bytes::from_static(b"0123456789")).await.unwrap();
        }
        let error = assembler.hand_over(&key("t")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn files_are_bounded_in_number_and_age() {
        let folder = tempfile::tempdir().unwrap();
        let (assembler, clock) = assembler(folder.path(), 2);
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        for (at, id) in [(0, "a"), (1, "b"), (2, "a"), (3, "c")] {
            clock.0.store(at, Ordering::SeqCst);
            put(&assembler, id, 0, b'x').await;
        }
        assert_eq!(files(), 2);
        assert!(!assembler.held().contains_key(&key("b")), "the one untouched longest gave way");
        assembler.sweep(Instant::from_millis(3));
        assert_eq!(files(), 1);
        assert!(assembler.held().contains_key(&key("c")));
    }
}
