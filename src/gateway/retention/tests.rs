//! Bodies go when their time is over or an archive holds them, and nothing else goes with them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};

use lienthong_contract::Digest;

use super::*;
use crate::books::archive::Archive;
use crate::books::export::{Exported, export};
use crate::books::{account, bounds};
use crate::receipts::Event;
use crate::store::sqlite::tests::support::{Made, about, hop, letter, open, relayed, to_nation};
use crate::store::{Held, RefusalRecord, Route, SqliteStore, Store};

/// When everything here comes in.
const START: i64 = 1_790_000_000_000;

#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Scene {
    folder: tempfile::TempDir,
    store: SqliteStore,
    blobs: Blobs,
    clock: Arc<Hand>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, blobs) = (open(folder.path()), Blobs::open(folder.path()).unwrap());
        Self { folder, store, blobs, clock: Arc::new(Hand(AtomicI64::new(START))) }
    }

    fn keeper(&self, rules: Retention) -> Keeper {
        let store = Arc::new(self.store.clone());
        Keeper { store, blobs: self.blobs.clone(), clock: Arc::clone(&self.clock) as _, rules }
    }

    fn days_later(&self, days: i64) {
        self.clock.0.store(START + days * DAY_MILLIS, Ordering::Relaxed);
    }

    fn keep_file(&self, bytes: &[u8]) -> Digest {
        let mut file = self.blobs.spool().unwrap();
        file.file().write_all(bytes).unwrap();
        drop(self.blobs.keep(file, Digest::of(bytes)).unwrap());
        Digest::of(bytes)
    }

    /// A letter in a mailbox here; as a file when told so.
    async fn letter(&self, text: &str, in_file: bool) -> Made {
        let mut made = letter(text, 0, &[("H37.91", Route::Mailbox)]);
        if in_file {
            self.keep_file(text.as_bytes());
            made.packet.held = Held::File;
        }
        made.accept(&self.store).await;
        made
    }

    async fn hand_over(&self, made: &Made) {
        let head = made.consignments[0].receipts.last().unwrap();
        let end = about(&made.packet, made.id(), Event::ContentHandover, "province-a", head);
        self.store.acknowledge(made.id(), end).await.unwrap();
    }

    async fn deleted(&self, made: &Made) -> bool {
        self.store.mailbox_entry(made.id()).await.unwrap().unwrap().body_deleted_at.is_some()
    }

    async fn export(&self, place: &Path) -> Exported {
        let day = self.clock.now().in_vietnam().date();
        let from = (&self.store as _, &self.blobs, &hop("province-a"));
        export(from, (day, day), Archive::create(place).unwrap(), self.clock.now()).await.unwrap()
    }
}

fn after_days(days: u64) -> Retention {
    Retention { bodies_days: Some(days), ..Retention::default() }
}

#[tokio::test]
async fn a_body_goes_so_many_days_after_its_last_consignment_ended_and_the_receipts_stay() {
    let scene = Scene::new();
    let keeper = scene.keeper(after_days(30));
    let (small, large) = (scene.letter("small", false).await, scene.letter("large", true).await);
    let (open, path) = (scene.letter("open", false).await, scene.blobs.path(large.packet.digest));
    scene.hand_over(&small).await;
    scene.hand_over(&large).await;
    scene.days_later(29);
    assert_eq!(keeper.batch(0).await.unwrap(), (None, 0));
    scene.days_later(30);
    scene.clock.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(keeper.batch(0).await.unwrap(), (None, 2));
    assert_eq!(keeper.batch(0).await.unwrap(), (None, 0), "once");
    assert!(scene.deleted(&small).await && scene.deleted(&large).await && !path.exists());
    assert!(!scene.deleted(&open).await, "what has not ended is kept, however old it is");
    let trace = scene.store.trace(small.packet.doc_id).await.unwrap().unwrap();
    assert_eq!(trace.consignments[0].receipts.len(), 2);
    // A start takes no deleted body for one that is here.
    let here = scene.store.packets_here(vec![large.packet.digest, open.packet.digest]).await.unwrap();
    assert_eq!(here, [open.packet.digest]);
    // It shows in the books, on the day on which it was done.
    let day = scene.clock.now().in_vietnam().date();
    let books = account(&scene.store, &hop("province-a"), None).await.unwrap();
    assert!(books.total.balanced && books.bodies_deleted == 2, "{books:#?}");
    let of_day = account(&scene.store, &hop("province-a"), Some(day)).await.unwrap();
    assert_eq!((of_day.days[0].bodies_deleted, of_day.total.accepted), (2, 0));
}

#[tokio::test]
async fn bytes_that_come_again_are_kept_again() {
    let scene = Scene::new();
    let keeper = scene.keeper(after_days(1));
    // Handed over long ago, and now a neighbour brings the same bytes to another recipient.
    let made = scene.letter("again", true).await;
    scene.hand_over(&made).await;
    scene.days_later(9);
    let path = scene.blobs.path(made.packet.digest);
    {
        let mut file = scene.blobs.spool().unwrap();
        file.file().write_all(b"again").unwrap();
        let _bringing = scene.blobs.keep(file, made.packet.digest).unwrap();
        assert_eq!(keeper.batch(0).await.unwrap().1, 0, "somebody is just bringing it");
    }
    assert_eq!(keeper.batch(0).await.unwrap().1, 1);
    assert!(!path.exists());
    scene.keep_file(b"again");
    let mut other = letter("again", 0, &[("H37.91", to_nation())]);
    other.packet.held = Held::File;
    relayed(&other, "province-a", "nation", &Route::Mailbox).take(&scene.store).await;
    assert_eq!(keeper.batch(0).await.unwrap().1, 0, "it is under way again");
    assert!(path.exists() && !scene.deleted(&other).await);
    assert_eq!(scene.store.packets_here(vec![made.packet.digest]).await.unwrap().len(), 1);
}

/// A refusal so many days after the start.
fn refusal(days: i64, receipt: Option<&str>) -> RefusalRecord {
    RefusalRecord {
        time: Instant::from_millis(START + days * DAY_MILLIS),
        agency: None,
        credential: "x".to_owned(),
        digest: None,
        size: 0,
        findings: "[]".to_owned(),
        receipt: receipt.map(str::to_owned),
    }
}

#[tokio::test]
async fn what_was_refused_as_a_whole_has_no_body_to_delete_and_old_refusals_go() {
    let scene = Scene::new();
    let rules = Retention { refusals_days: Some(10), ..after_days(1) };
    let keeper = scene.keeper(rules);
    let refused = letter("refused", 0, &[("G09.90", to_nation())]);
    relayed(&refused, "province-a", "nation", &Route::Refused).offer(&scene.store).await;
    for days in [0, 1, 15] {
        scene.store.refused(refusal(days, None)).await.unwrap();
    }
    scene.days_later(20);
    assert_eq!(keeper.batch(0).await.unwrap(), (None, 0));
    assert_eq!((keeper.prune().await.unwrap(), keeper.prune().await.unwrap()), (2, 0));
    assert_eq!(scene.store.counts().await.unwrap().refusals, 1);
}

#[tokio::test]
async fn refusals_that_go_while_no_log_is_kept_are_counted_by_their_day() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let before = Instant::from_millis(START + 10 * DAY_MILLIS);
    let unlogged = SqliteStore::open(&file, &hop("province-a")).unwrap();
    for (days, receipt) in [(0, Some("a.b.c")), (0, None), (0, Some("d.e.f")), (2, Some("g.h.i")), (15, Some("j.k.l"))]
    {
        unlogged.refused(refusal(days, receipt)).await.unwrap();
    }
    assert_eq!(unlogged.prune_refusals(before, 2).await.unwrap(), 2);
    assert_eq!(unlogged.prune_refusals(before, 2).await.unwrap(), 2);
    let told = |account: &crate::books::Account| -> Vec<(String, u64)> {
        let of = |day: &crate::books::DayFigures| (day.day.clone(), day.refusals_unlogged);
        account.days.iter().map(of).collect()
    };
    let expected = vec![("2026-09-21".to_owned(), 2), ("2026-09-23".to_owned(), 1)];
    let books = account(&unlogged, &hop("province-a"), None).await.unwrap();
    assert_eq!((told(&books), books.refusals_unlogged, books.total.balanced), (expected.clone(), 3, true));
    drop(unlogged);
    // With a log, what is there enters it, and from then on nothing is counted.
    let logged = open(folder.path());
    logged.refused(refusal(16, Some("m.n.o"))).await.unwrap();
    logged.refused(refusal(30, None)).await.unwrap();
    let before = Instant::from_millis(START + 20 * DAY_MILLIS);
    assert_eq!(logged.prune_refusals(before, 9).await.unwrap(), 2);
    let books = account(&logged, &hop("province-a"), None).await.unwrap();
    assert_eq!((told(&books), books.refusals_unlogged), (expected, 3));
}

#[tokio::test]
async fn an_archive_verifies_with_other_peoples_tools_and_only_what_it_holds_may_go() {
    let scene = Scene::new();
    let keeper = scene.keeper(Retention { after_export: true, ..Retention::default() });
    let (ended, large) = (scene.letter("ended", false).await, scene.letter(&"large".repeat(99_999), true).await);
    let (open, late) = (scene.letter("open", false).await, letter("late", 0, &[("G09.90", to_nation())]));
    scene.hand_over(&ended).await;
    scene.hand_over(&large).await;
    scene.clock.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(keeper.batch(0).await.unwrap().1, 0, "nothing is in an archive yet");

    let tar = scene.folder.path().join("days.tar");
    let exported = scene.export(&tar).await;
    assert_eq!((exported.documents, exported.bodies, exported.receipts), (3, 3, 8));
    assert!(Archive::create(&tar).is_err(), "what exists is not written over");
    let unpacked = scene.folder.path().join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    assert!(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&unpacked).status().unwrap().success());
    let sums = |folder: &Path| {
        let check = Command::new("sha256sum").args(["-c", "--strict", "SHA256SUMS"]).current_dir(folder).output();
        let check = check.unwrap();
        check.status.success().then(|| String::from_utf8(check.stdout).unwrap().lines().count())
    };
    assert_eq!(sums(&unpacked), Some(3 + 3 + 8));
    let day = bounds("2026-09-21".parse().unwrap()).unwrap().0.in_vietnam().date();
    let of = |made: &Made| unpacked.join(format!("{day}/{}", made.packet.doc_id));
    assert_eq!(std::fs::read(of(&large).join("packet.edxml")).unwrap(), "large".repeat(99_999).as_bytes());
    let metadata = std::fs::read(of(&ended).join("metadata.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(metadata["consignments"][0]["state"], "handed-over");
    let last = metadata["consignments"][0]["receipts"][1].as_str().unwrap();
    assert!(last.ends_with("ContentHandover-province-a.jws"), "{last}");
    assert!(of(&ended).join(last).exists() && of(&open).join("packet.edxml").exists());
    std::fs::write(of(&ended).join("packet.edxml"), b"changed").unwrap();
    assert_eq!(sums(&unpacked), None);

    // What came after the export is in no archive.
    late.accept(&scene.store).await;
    scene.store.record_receipts(&hop("nation"), late.way(Event::ContentHandover)).await.unwrap();
    assert_eq!(keeper.batch(0).await.unwrap().1, 2);
    assert!(scene.deleted(&ended).await && scene.deleted(&large).await && !scene.deleted(&open).await);

    // A second archive says what is no longer here; a folder holds the same as a tar file.
    let folder = scene.folder.path().join("again");
    let again = scene.export(&folder).await;
    assert_eq!((again.documents, again.bodies), (4, 2));
    assert!(sums(&folder).is_some());
    let metadata = std::fs::read(folder.join(format!("{day}/{}/metadata.json", ended.packet.doc_id))).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).unwrap();
    assert!(metadata["body"].is_null() && metadata["body_deleted_reason"] == "exported", "{metadata:#}");
}

#[tokio::test]
async fn a_damaged_body_ends_an_export_and_nothing_is_marked() {
    let scene = Scene::new();
    let made = scene.letter("whole", true).await;
    scene.hand_over(&made).await;
    scene.clock.0.fetch_add(1, Ordering::Relaxed);
    std::fs::write(scene.blobs.path(made.packet.digest), b"whorl").unwrap();
    let (day, tar) = (scene.clock.now().in_vietnam().date(), scene.folder.path().join("damaged.tar"));
    let from = (&scene.store as _, &scene.blobs, &hop("province-a"));
    let ended = export(from, (day, day), Archive::create(&tar).unwrap(), scene.clock.now()).await;
    assert!(matches!(ended, Err(crate::books::export::Error::Damaged(id)) if id == made.packet.doc_id));
    assert!(!tar.exists());
    let keeper = scene.keeper(Retention { after_export: true, ..Retention::default() });
    assert_eq!(keeper.batch(0).await.unwrap().1, 0);
}
