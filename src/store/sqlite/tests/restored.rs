//! A store that was restored from an older copy fails nothing that has gone on since, and everything else in the end.

use std::path::{Path, PathBuf};

use lienthong_contract::door::ConsignmentState;

use super::super::SqliteStore;
use super::super::restored::WAIT_MILLIS;
use super::support::{DUE, Made, hop, letter, open, relayed, setup, to_nation};
use crate::receipts::Event;
use crate::store::ledger::{Alarm, LedgerStore};
use crate::store::{Route, Store};

/// A copy of the store as it is now.
fn copied(folder: &Path) -> PathBuf {
    let raw = rusqlite::Connection::open(folder.join("store.db")).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let copy = folder.join("copy.db");
    std::fs::copy(folder.join("store.db"), &copy).unwrap();
    copy
}

async fn state(store: &SqliteStore, of: &Made) -> ConsignmentState {
    store.trace(of.packet.doc_id).await.unwrap().unwrap().consignments[0].state
}

#[tokio::test]
async fn after_an_accepted_loss_nothing_is_failed_before_its_next_hop_had_time_to_say_that_it_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (province, nation) = (open(folder.path()), folder.path().join("nation.db"));
    let nation = SqliteStore::open(&nation, &hop("nation")).unwrap();
    let (gone_on, stuck) =
        (letter("on", 0, &[("G09.90", to_nation())]), letter("stuck", 0, &[("G09.90", to_nation())]));
    let here = letter("here", 0, &[("H37.91", Route::Mailbox)]);
    for made in [&gone_on, &stuck, &here] {
        made.accept(&province).await;
    }
    let copy = copied(folder.path());
    // After the copy was made, the nation takes one of them, and custody passes.
    let there = relayed(&gone_on, "nation", "province-a", &Route::Mailbox);
    there.offer(&nation).await;
    let acceptance = there.consignments[0].receipts.clone();
    assert_eq!(province.record_receipts(&hop("nation"), acceptance).await.unwrap().stored.len(), 1);
    there.let_go(&nation).await;
    drop(province);

    SqliteStore::begin_log_anew(&copy, &hop("province-a"), Some(1)).unwrap();
    let province = SqliteStore::open_with(&copy, &hop("province-a"), Some(&setup(None))).unwrap();
    assert_eq!(state(&province, &gone_on).await, ConsignmentState::Queued);
    let later = letter("later", 0, &[("G09.90", to_nation())]);
    later.accept(&province).await;
    let overdue = province.overdue(DUE, 10).await.unwrap();
    assert_eq!(
        overdue.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        [later.id()],
        "what came since has its own time"
    );

    // It is sent again; who has it answers as before, and the consignment goes the way it had gone.
    assert_eq!(province.due(&hop("nation"), false, 0, 10).await.unwrap().len(), 3);
    nation.answer_again(vec![gone_on.id()]).await.unwrap();
    let (again, _) = nation.queued_receipts(&hop("province-a"), 0, 10).await.unwrap();
    let again = again.iter().map(|queued| crate::receipts::jws::read_stored(&queued.jws).unwrap()).collect();
    province.record_receipts(&hop("nation"), again).await.unwrap();
    assert_eq!(state(&province, &gone_on).await, ConsignmentState::Consigned);
    let long_after = DUE.plus_millis(WAIT_MILLIS);
    let overdue = province.overdue(long_after, 10).await.unwrap();
    let overdue: Vec<_> = overdue.iter().map(|entry| entry.id).collect();
    assert!(overdue.contains(&stuck.id()) && overdue.contains(&here.id()), "nobody is left without an end");
    assert!(!overdue.contains(&gone_on.id()));
}

#[tokio::test]
async fn a_neighbour_that_remembers_more_of_this_log_holds_deadlines_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let province = open(folder.path());
    letter("one", 0, &[("G09.90", to_nation())]).accept(&province).await;
    let alarm = |of: &str| Alarm {
        time: DUE,
        hop: hop(of),
        origin: format!("{of}/lienthong-ledger"),
        code: "LT-LED-0011".to_owned(),
        before: "a longer log".to_owned(),
        now: "ours".to_owned(),
    };
    assert!(province.alarm(alarm("nation")).await.unwrap());
    assert_eq!(province.overdue(DUE, 10).await.unwrap().len(), 1, "somebody else's loss is not ours");
    assert!(province.alarm(alarm("province-a")).await.unwrap());
    assert!(province.overdue(DUE, 10).await.unwrap().is_empty());
    let made = letter("two", 0, &[("G09.90", to_nation())]);
    made.accept(&province).await;
    let overdue = province.overdue(DUE, 10).await.unwrap();
    assert_eq!((overdue.len(), overdue[0].id), (1, made.id()));
    let failure = super::support::about(&made.packet, made.id(), Event::RelayFailure, "province-a", &overdue[0].head);
    assert!(province.fail(made.id(), failure).await.unwrap().is_some());
}
