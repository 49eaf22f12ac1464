//! A witness's judgement, with two logs under one name.

use lienthong_contract::{HopName, Instant};

use crate::ledger::{SignatureKind, VerifierKey};
use crate::logkeeper::findings;
use crate::receipts::Event;
use crate::store::ledger::{CheckedProofs, EntryProof, LogProofs, Offer, Verdict, epoch_of, origin_text};
use crate::store::sqlite::tests::support::{about, hop, letter, relayed, setup, to_nation};
use crate::store::{LedgerSetup, LedgerStore, Route, SqliteStore, Store as _};

/// A log of `province-a` and how far it has come.
struct Log {
    store: SqliteStore,
    _folder: tempfile::TempDir,
}

fn store(name: &str) -> Log {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open_with(&folder.path().join("store.db"), &hop(name), Some(&setup(None))).unwrap();
    Log { store, _folder: folder }
}

impl Log {
    async fn grow(&self, kind: &str, count: u32) {
        for number in 0..count {
            letter(&format!("{kind} {number}"), 0, &[("G09.90", to_nation())]).accept(&self.store).await;
        }
    }

    fn key() -> VerifierKey {
        let LedgerSetup { key, .. } = setup(None);
        key.named(&origin_text(&hop("province-a"), 1)).unwrap().verifier(SignatureKind::Ed25519).unwrap()
    }

    /// Offers the log as it stands to this witness, at this time, proved from a size.
    async fn offer(&self, witness: &Log, time: i64, from_size: u64) -> Verdict {
        let (origin, heads) = self.store.log().unwrap();
        let head = heads.borrow().clone().unwrap();
        let size = head.checkpoint().size;
        let proof = self.store.consistency(from_size.min(size), size).await.unwrap();
        let time = Instant::from_millis(time);
        let note = head.to_string().into_bytes();
        let offer = Offer { hop: hop("province-a"), origin, key: Self::key(), note, time, from_size, proof, now: time };
        witness.store.witness(offer).await.unwrap()
    }
}

/// Codes of the alarms, oldest first.
async fn codes(witness: &Log) -> Vec<String> {
    let (mut alarms, count) = witness.store.alarms(100).await.unwrap();
    assert_eq!(alarms.len() as u64, count);
    alarms.reverse();
    alarms.into_iter().map(|alarm| alarm.code).collect()
}

fn cosigned(verdict: &Verdict) -> Option<u64> {
    match verdict {
        Verdict::Cosign(checkpoint) => Some(checkpoint.checkpoint().size),
        _ => None,
    }
}

#[tokio::test]
async fn what_only_grows_is_cosigned_and_what_comes_late_is_no_fault() {
    let (log, witness) = (store("province-a"), store("nation"));
    log.grow("one", 3).await;
    assert_eq!(cosigned(&log.offer(&witness, 1, 0).await), Some(3));
    assert_eq!(cosigned(&log.offer(&witness, 2, 3).await), Some(3), "the same again");
    log.grow("two", 300).await;
    // The proof begins elsewhere: the witness says where it must begin.
    assert!(matches!(log.offer(&witness, 3, 2).await, Verdict::Seen(note) if note.contains("\n3\n")));
    assert_eq!(cosigned(&log.offer(&witness, 4, 3).await), Some(303));
    // A younger message was overtaken.
    let smaller = store("province-a");
    smaller.grow("one", 2).await;
    assert!(matches!(smaller.offer(&witness, 1, 0).await, Verdict::Seen(_)));
    assert!(codes(&witness).await.is_empty());
}

#[tokio::test]
async fn a_fork_and_a_shrink_are_alarms_with_both_checkpoints_once() {
    let (log, other, witness) = (store("province-a"), store("province-a"), store("nation"));
    log.grow("one", 5).await;
    other.grow("another", 5).await;
    assert_eq!(cosigned(&log.offer(&witness, 1, 0).await), Some(5));
    // One size, two roots; the same accusation is no news the second time.
    assert!(matches!(other.offer(&witness, 2, 5).await, Verdict::Alarm { news: true, .. }));
    assert!(matches!(other.offer(&witness, 3, 5).await, Verdict::Alarm { news: false, .. }));
    let (alarms, _) = witness.store.alarms(1).await.unwrap();
    let notes = [&log, &other].map(|log| log.store.log().unwrap().1.borrow().clone().unwrap().to_string());
    assert_eq!([alarms[0].before.clone(), alarms[0].now.clone()], notes);
    // Grown since, from the wrong beginning.
    log.grow("two", 1).await;
    assert_eq!(cosigned(&log.offer(&witness, 4, 5).await), Some(6));
    other.grow("three", 4).await;
    assert!(matches!(other.offer(&witness, 5, 6).await, Verdict::Alarm { news: true, .. }));
    // Shorter than before, and later.
    let short = store("province-a");
    short.grow("one", 2).await;
    assert!(matches!(short.offer(&witness, 6, 0).await, Verdict::Alarm { news: true, .. }));
    let expected = [&findings::FORK, &findings::FORK, &findings::SHRUNK].map(|kind| kind.code);
    assert_eq!(codes(&witness).await, expected);
    // And the log that kept its word is cosigned as before.
    log.grow("four", 1).await;
    assert_eq!(cosigned(&log.offer(&witness, 7, 6).await), Some(7));
}

#[tokio::test]
async fn another_root_for_any_size_that_was_seen_is_a_fork_however_late_it_comes() {
    let (log, other, witness) = (store("province-a"), store("province-a"), store("nation"));
    log.grow("one", 5).await;
    other.grow("another", 5).await;
    assert_eq!(cosigned(&log.offer(&witness, 1, 0).await), Some(5));
    let before = log.store.log().unwrap().1.borrow().clone().unwrap().to_string();
    log.grow("two", 4).await;
    assert_eq!(cosigned(&log.offer(&witness, 2, 5).await), Some(9));
    // Older than the last one by its time, smaller by its size, and of a proof that begins elsewhere: for all that, it
    // cannot be true together with the first.
    let verdict = other.offer(&witness, 1, 3).await;
    assert_eq!(verdict, Verdict::Alarm { before: before.clone(), news: true });
    let now = other.store.log().unwrap().1.borrow().clone().unwrap().to_string();
    let (alarms, _) = witness.store.alarms(9).await.unwrap();
    assert_eq!((alarms.len(), &alarms[0].before, &alarms[0].now), (1, &before, &now));
    assert_eq!(alarms[0].code, findings::FORK.code);
    // What was seen is no news.
    assert!(matches!(log.offer(&witness, 3, 9).await, Verdict::Cosign(_)));
}

#[tokio::test]
async fn a_proof_by_another_root_than_the_one_seen_is_an_alarm_and_is_not_kept() {
    let (log, other, witness) = (store("province-a"), store("province-a"), store("nation"));
    log.grow("one", 5).await;
    other.grow("another", 5).await;
    assert_eq!(cosigned(&log.offer(&witness, 1, 0).await), Some(5));
    // A consignment that the nation sent to the province, and the province's receipt of it.
    let made = letter("sent", 0, &[("H37.91", to_nation())]);
    let mut made = relayed(&made, "nation", "province-b", &Route::Link(hop("province-a")));
    made.take(&witness.store).await;
    let ours = made.consignments.remove(0).receipts.remove(0);
    let id = ours.receipt.consignment.unwrap();
    let relay = about(&made.packet, id, Event::RelayAcceptance, "province-a", &ours);
    witness.store.record_receipts(&hop("province-a"), vec![relay.clone()]).await.unwrap();
    let proofs = |log: &Log| {
        let head = log.store.log().unwrap().1.borrow().clone().unwrap();
        let entries = vec![EntryProof { receipt: relay.digest, number: 0, hashes: Vec::new() }];
        let (checkpoint, statement) = (head.to_string(), "a.b.c".to_owned());
        let (origin, size) = (head.checkpoint().origin.to_string(), head.checkpoint().size);
        let proofs = LogProofs { hop: hop("province-a"), statement, checkpoint, witnesses: Vec::new(), entries };
        vec![CheckedProofs { origin, size, cosigned: false, proofs }]
    };
    let now = Instant::from_millis(9);
    let keep = async |log: &Log| {
        witness.store.keep_proofs(&hop("province-a"), vec![id], proofs(log), now).await.unwrap();
        witness.store.known_proofs(vec![id]).await.unwrap().logs.len()
    };
    assert_eq!((keep(&other).await, codes(&witness).await), (0, vec![findings::FORK.code.to_owned()]));
    let (alarms, _) = witness.store.alarms(1).await.unwrap();
    let notes = [&log, &other].map(|log| log.store.log().unwrap().1.borrow().clone().unwrap().to_string());
    assert_eq!([alarms[0].before.clone(), alarms[0].now.clone()], notes);
    assert_eq!((keep(&log).await, codes(&witness).await.len()), (1, 1));
}

#[test]
fn a_log_is_called_after_its_hop() {
    let me: HopName = "province-a".parse().unwrap();
    for epoch in [1, 2, 10] {
        assert_eq!(epoch_of(&me, &origin_text(&me, epoch)), Some(epoch));
    }
    for other in
        ["province-a", "province-a/lienthong-ledger/1", "province-a/lienthong-ledger/02", "nation/lienthong-ledger"]
    {
        assert_eq!(epoch_of(&me, other), None, "{other}");
    }
}
