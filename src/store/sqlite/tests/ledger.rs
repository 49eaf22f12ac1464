//! The log in the store: every receipt of this hop in it, nothing else, in order, whatever fails in between; and a store
//! that is not the one it was is noticed when it is opened.

use std::path::{Path, PathBuf};

use lienthong_contract::{Digest, Instant};

use super::support::{agency, hop, letter, open, setup, to_nation};
use crate::ledger::tile::{parse_bundle, parse_tile};
use crate::ledger::{Frontier, PrivateKey, TilePath, check_consistency, check_inclusion, leaf_hash};
use crate::receipts::Event;
use crate::store::ledger::Broken;
use crate::store::{Error, LedgerSetup, LedgerStore, RefusalRecord, Route, SqliteStore, Store};

/// What the tables say must be in the log, in order.
fn own_receipts(folder: &Path) -> Vec<Digest> {
    let raw = rusqlite::Connection::open(folder.join("store.db")).unwrap();
    let mut query = raw.prepare("SELECT digest FROM receipts WHERE own = 1 ORDER BY seq").unwrap();
    query.query_map([], |row| Ok(Digest::from_bytes(row.get(0)?))).unwrap().map(Result::unwrap).collect()
}

fn root_of(entries: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    for entry in entries {
        frontier.push(leaf_hash(entry.as_bytes())).unwrap();
    }
    frontier.root()
}

/// Size and root of the checkpoint of the last commit, and the note.
fn head(store: &SqliteStore) -> (u64, Digest, Vec<u8>) {
    let head = store.log().unwrap().1.borrow().clone().unwrap();
    (head.checkpoint().size, head.checkpoint().root, head.to_string().into_bytes())
}

async fn accept(store: &SqliteStore, names: impl IntoIterator<Item = String>) {
    for name in names {
        letter(&name, 0, &[("G09.90", to_nation()), ("H37.91", Route::Mailbox)]).accept(store).await;
    }
}

fn names(kind: &'static str, count: u32) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{kind} {number}"))
}

/// Everything is in the one file afterwards.
fn fold(folder: &Path) {
    let raw = rusqlite::Connection::open(folder.join("store.db")).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn opened(file: &Path, outside: &[u8]) -> Result<SqliteStore, Error> {
    SqliteStore::open_with(file, &hop("province-a"), Some(&setup(Some(outside.to_vec()))))
}

#[tokio::test]
async fn every_own_receipt_is_in_the_log_and_can_be_proved() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    accept(&store, names("many", 160)).await;
    let made = letter("followed", 0, &[("G09.90", to_nation())]);
    made.accept(&store).await;
    store.record_receipts(&hop("nation"), made.way(Event::ContentHandover)).await.unwrap();

    let entries = own_receipts(folder.path());
    let (size, root, _) = head(&store);
    assert_eq!((size, root), (321, root_of(&entries)), "two of each of 160, one of the last; none of the neighbour's");
    assert_eq!(entries.last(), Some(&made.submission.digest));
    for size in [1, 2, 3, 255, 256, 257, 320, 321] {
        assert_eq!(store.root_at(size).await.unwrap(), root_of(&entries[..size as usize]), "{size}");
        let proof = store.consistency(size, 321).await.unwrap();
        let old = root_of(&entries[..size as usize]);
        check_consistency(&proof, (size, &old), (321, &root)).unwrap();
    }
    let proofs = store.own_entries(vec![made.id()], size).await.unwrap();
    assert_eq!(proofs.iter().map(|proof| (proof.number, proof.receipt)).collect::<Vec<_>>(), [(320, entries[320])]);
    check_inclusion(&proofs[0].hashes, 320, &leaf_hash(entries[320].as_bytes()), size, &root).unwrap();
    assert!(store.own_entries(vec![made.id()], 320).await.unwrap().is_empty(), "it came after that checkpoint");

    let tile = |path: &str| store.tile(path.parse::<TilePath>().unwrap(), size);
    let leaves: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry.as_bytes())).collect();
    let hashes = |content: Option<Vec<u8>>, width| parse_tile(&content.unwrap(), width).unwrap();
    assert_eq!(hashes(tile("tile/0/000").await.unwrap(), 256), leaves[..256]);
    assert_eq!(hashes(tile("tile/0/001.p/65").await.unwrap(), 65), leaves[256..]);
    assert_eq!(hashes(tile("tile/1/000.p/1").await.unwrap(), 1), [root_of(&entries[..256])]);
    let bundle = tile("tile/entries/001.p/65").await.unwrap().unwrap();
    assert_eq!(parse_bundle(&bundle, 65).unwrap()[64], entries[320].as_bytes());
    assert_eq!(tile("tile/0/001.p/66").await.unwrap(), None);

    let again = open(folder.path());
    assert_eq!(head(&again), head(&store), "the log goes on where it was");
    accept(&again, names("later", 1)).await;
    assert_eq!(head(&again).1, root_of(&own_receipts(folder.path())));
}

#[tokio::test]
async fn what_was_undone_is_not_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    accept(&store, names("before", 3)).await;
    // They share a transaction with calls that store a receipt and fail then.
    let fails = |name: String| {
        let made = letter(&name, 0, &[("G09.90", to_nation())]);
        store.writer.write(move |db| {
            super::super::accept::accept(db, &made.packet, &made.submission, &made.consignments)?;
            Err::<(), _>(Error::Unavailable("on purpose".to_owned()))
        })
    };
    let bad = futures_util::future::join_all(names("bad", 20).map(fails));
    let (outcomes, ()) = tokio::join!(bad, accept(&store, names("good", 20)));
    assert!(outcomes.iter().all(Result::is_err));
    let entries = own_receipts(folder.path());
    assert_eq!((entries.len(), head(&store).0, head(&store).1), (46, 46, root_of(&entries)));
    assert_eq!(head(&open(folder.path())), head(&store));
}

#[tokio::test]
async fn a_refusals_receipt_is_logged_and_a_refusal_without_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let refusal = |receipt: Option<&str>| RefusalRecord {
        time: Instant::from_millis(1_790_000_000_000),
        agency: Some(agency("H37.90")),
        credential: "certificate".to_owned(),
        digest: None,
        size: 3,
        findings: "[]".to_owned(),
        receipt: receipt.map(str::to_owned),
    };
    for receipt in [Some("a.b.c"), None, Some("d.e.f")] {
        store.refused(refusal(receipt)).await.unwrap();
    }
    let entries = [Digest::of(b"a.b.c"), Digest::of(b"d.e.f")];
    assert_eq!((head(&store).0, head(&store).1), (2, root_of(&entries)));
    assert_eq!(head(&open(folder.path())).1, root_of(&entries));
}

#[tokio::test]
async fn the_receipts_of_a_store_without_a_log_enter_it_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("province-a")).unwrap();
    accept(&store, names("old", 30)).await;
    assert!(store.log().is_none());
    drop(store);
    let store = open(folder.path());
    let entries = own_receipts(folder.path());
    assert_eq!((head(&store).0, head(&store).1), (60, root_of(&entries)));
}

/// A store of six entries, a copy of it, and the checkpoint of when it had ten.
async fn older_copy(folder: &Path) -> (PathBuf, Vec<u8>) {
    let store = open(folder);
    accept(&store, names("early", 3)).await;
    fold(folder);
    let copy = folder.join("copy.db");
    std::fs::copy(folder.join("store.db"), &copy).unwrap();
    accept(&store, names("late", 2)).await;
    (copy, head(&store).2)
}

#[tokio::test]
async fn an_older_copy_is_named_with_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, outside) = older_copy(folder.path()).await;
    let Err(Error::Ledger(Broken::Shortened { had, has, last, .. })) = opened(&copy, &outside) else { panic!() };
    assert_eq!((had, has, last), (10, 6, Some(Instant::from_millis(1_790_000_000_000))));
    opened(&folder.path().join("store.db"), &outside).unwrap();
    // One that has since grown as far, with other receipts.
    let store = SqliteStore::open_with(&copy, &hop("province-a"), Some(&setup(None))).unwrap();
    accept(&store, names("other", 2)).await;
    drop(store);
    assert!(matches!(opened(&copy, &outside), Err(Error::Ledger(Broken::Rewritten { size: 10, .. }))));
}

#[tokio::test]
async fn a_lost_write_ahead_log_and_a_new_store_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    accept(&store, names("early", 3)).await;
    fold(folder.path());
    // While somebody reads what is in the file, nothing is folded into it.
    let reader = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM ledger;").unwrap();
    accept(&store, names("late", 2)).await;
    let outside = head(&store).2;
    let copy = folder.path().join("without-wal.db");
    std::fs::copy(folder.path().join("store.db"), &copy).unwrap();
    let found = opened(&copy, &outside);
    assert!(matches!(found, Err(Error::Ledger(Broken::Shortened { had: 10, has: 6, .. }))), "{found:?}");
    let empty = opened(&folder.path().join("new.db"), &outside);
    assert!(matches!(empty, Err(Error::Ledger(Broken::Shortened { had: 10, has: 0, last: None, .. }))));
}

#[tokio::test]
async fn tables_that_do_not_fit_and_another_key_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, outside) = older_copy(folder.path()).await;
    let key = PrivateKey::fresh().unwrap();
    let other = LedgerSetup { key, outside: Some(outside) };
    let found = SqliteStore::open_with(&folder.path().join("store.db"), &hop("province-a"), Some(&other));
    assert!(matches!(found, Err(Error::Ledger(Broken::OtherKey(_)))));
    let raw = rusqlite::Connection::open(&copy).unwrap();
    raw.execute("UPDATE ledger SET digest = zeroblob(32) WHERE number = 2", []).unwrap();
    let found = SqliteStore::open_with(&copy, &hop("province-a"), Some(&setup(None)));
    assert!(matches!(found, Err(Error::Ledger(Broken::Inside(_)))));
    raw.execute("DELETE FROM ledger WHERE number = 5", []).unwrap();
    let found = SqliteStore::open_with(&copy, &hop("province-a"), Some(&setup(None)));
    assert!(matches!(found, Err(Error::Ledger(Broken::Inside(_)))));
}

#[tokio::test]
async fn an_accepted_loss_closes_the_log_and_begins_one_of_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, outside) = older_copy(folder.path()).await;
    let names = SqliteStore::begin_log_anew(&copy, &hop("province-a"), Some(1)).unwrap();
    assert_eq!(names, ("province-a/lienthong-ledger".to_owned(), "province-a/lienthong-ledger/2".to_owned()));
    let store = opened(&copy, &outside).unwrap();
    let (origin, _) = store.log().unwrap();
    assert_eq!((origin.as_str(), head(&store).0), ("province-a/lienthong-ledger/2", 6));
    // And the store of before the loss was accepted is no way back.
    let newer = head(&store).2;
    let back = opened(&folder.path().join("store.db"), &newer);
    assert!(matches!(back, Err(Error::Ledger(Broken::OlderLog { .. }))));
}

#[tokio::test]
async fn a_log_of_more_than_256_tiles_is_proved_by_the_roots_that_are_kept() {
    const SIZE: u64 = 66_000;
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(&folder.path().join("store.db"), &hop("province-a")).unwrap());
    let mut raw = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let transaction = raw.transaction().unwrap();
    let (mut frontier, mut roots) = (Frontier::default(), std::collections::HashMap::new());
    let wanted = [1, 2, 3, 255, 256, 257, 65_535, 65_536, 65_537, 65_793, SIZE];
    let text = |number: u64| format!("{number}.b.c");
    for number in 0..SIZE {
        let insert = "INSERT INTO refusals (time, credential, size, findings, receipt) VALUES (0, '', 0, '[]', ?1)";
        transaction.prepare_cached(insert).unwrap().execute([text(number)]).unwrap();
        frontier.push(leaf_hash(Digest::of(text(number).as_bytes()).as_bytes())).unwrap();
        if wanted.contains(&(number + 1)) {
            roots.insert(number + 1, frontier.root());
        }
    }
    transaction.commit().unwrap();
    let store = open(folder.path());
    assert_eq!((head(&store).0, head(&store).1), (SIZE, frontier.root()));
    for size in wanted {
        assert_eq!(store.root_at(size).await.unwrap(), roots[&size], "{size}");
        let proof = store.consistency(size, SIZE).await.unwrap();
        check_consistency(&proof, (size, &roots[&size]), (SIZE, &frontier.root())).unwrap();
    }
    for number in [0, 255, 256, 65_535, 65_536, SIZE - 1] {
        let proof = store
            .read(move |db| Ok(crate::ledger::prove_inclusion(number, SIZE, &super::super::ledger::Rows::of(db))?));
        let leaf = leaf_hash(Digest::of(text(number).as_bytes()).as_bytes());
        check_inclusion(&proof.await.unwrap(), number, &leaf, SIZE, &frontier.root()).unwrap();
    }
    let tile = store.tile("tile/2/000.p/1".parse().unwrap(), SIZE).await.unwrap().unwrap();
    assert_eq!(parse_tile(&tile, 1).unwrap(), [roots[&65_536]]);
}

#[tokio::test]
async fn a_file_that_was_cut_is_named_and_one_whose_end_is_in_the_write_ahead_log_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    accept(&store, names("early", 40)).await;
    fold(folder.path());
    let reader = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM ledger;").unwrap();
    // From here on the file grows in the log alone.
    accept(&store, names("late", 40)).await;
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let from = folder.path().join(format!("store.db{end}"));
        std::fs::copy(from, format!("{}{end}", copy.display())).unwrap();
    }
    let whole = std::fs::read(&copy).unwrap();
    let log = std::fs::read(folder.path().join("copy.db-wal")).unwrap();
    let mut cut = 0;
    for pages in 1..(whole.len() / 4096).min(24) {
        std::fs::write(&copy, &whole[..whole.len() - pages * 4096]).unwrap();
        std::fs::write(folder.path().join("copy.db-wal"), &log).unwrap();
        match SqliteStore::open_with(&copy, &hop("province-a"), Some(&setup(None))) {
            Err(Error::Corrupt(why)) => {
                assert!(why.contains("cut off"), "{why}");
                cut += 1;
            }
            // Each page that the file lacks stands in the log.
            Ok(store) => assert_eq!(head(&store).0, 160),
            Err(other) => panic!("{other}"),
        }
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("copy.db{end}")));
        }
    }
    assert!(cut > 0);
}
