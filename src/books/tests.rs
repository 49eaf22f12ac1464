//! Books over real stores: they balance by the receipts, and whatever is changed behind their back is named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod kept_books;
mod network;
mod property;
mod statements;
mod talk;

use std::path::Path;

use lienthong_contract::{ConsignmentId, Instant};

use super::*;
use crate::receipts::{Event, Receipt, seal};
use crate::store::sqlite::Access;
use crate::store::sqlite::tests::support::{DUE, Made, Stamp, about, consign, hop, letter, open, relayed, to_nation};
use crate::store::{Route, SqliteStore, Store};

async fn books(store: &SqliteStore, of: &str) -> Account {
    account(store, &hop(of), None).await.unwrap()
}

fn figures(account: &Account) -> [u64; 5] {
    let total = account.total;
    [total.accepted, total.handed_over, total.refused, total.failed, total.in_flight]
}

/// Changes the database behind the store's back.
fn tamper(folder: &Path, sql: &str) {
    let changed = rusqlite::Connection::open(folder.join("store.db")).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "{sql} changed nothing");
}

/// A letter to three: one handed over by the nation, one failed on its way there, one in a mailbox here.
async fn three(store: &SqliteStore) -> Made {
    let made = letter("three", 0, &[("G09.90", to_nation()), ("G10.90", to_nation()), ("H37.91", Route::Mailbox)]);
    made.accept(store).await;
    store.record_receipts(&hop("nation"), made.way(Event::ContentHandover)).await.unwrap();
    let overdue = store.overdue(DUE, 10).await.unwrap();
    let late = overdue.iter().find(|entry| entry.recipient.as_str() == "G10.90").unwrap();
    let failure = about(&made.packet, late.id, Event::RelayFailure, "province-a", &late.head);
    store.fail(late.id, failure).await.unwrap().unwrap();
    made
}

#[tokio::test]
async fn accepted_is_handed_over_refused_failed_and_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!(figures(&books(&store, "province-a").await), [0; 5]);
    let made = three(&store).await;
    let account = books(&store, "province-a").await;
    assert_eq!(figures(&account), [3, 1, 0, 1, 1]);
    assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");
    assert_eq!(account.agencies.len(), 1);
    assert_eq!(account.agencies[0].figures, account.total);
    let places: Vec<(&str, &str, u64)> = (account.destinations.iter())
        .map(|place| (&*place.kind, &*place.destination, place.figures.accepted))
        .collect();
    assert_eq!(places, [("link", "nation", 2), ("mailbox", "H37.91", 1)]);

    // Given back by its recipient, and the acceptance that came too late is evidence that moves nothing.
    let entry = store.mailbox_entry(made.consignments[2].id).await.unwrap().unwrap();
    let head = made.consignments[2].receipts.last().unwrap();
    assert_eq!(entry.head, head.digest);
    let end = about(&made.packet, made.consignments[2].id, Event::ConsignmentRejection, "province-a", head);
    store.acknowledge(made.consignments[2].id, end).await.unwrap();
    let late = about(&made.packet, made.consignments[1].id, Event::RelayAcceptance, "nation", &made.submission);
    store.record_receipts(&hop("nation"), vec![late]).await.unwrap();
    let account = books(&store, "province-a").await;
    assert_eq!(figures(&account), [3, 1, 1, 1, 0]);
    assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");
}

#[tokio::test]
async fn a_day_is_one_in_vietnam_and_begins_seven_hours_before_greenwich() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    // 2026-09-21, the last moment and the first of the next day.
    let midnight = bounds("2026-09-21".parse().unwrap()).unwrap().1;
    for (name, time) in [("before", midnight.plus_millis(-1)), ("after", midnight)] {
        let mut made = letter(name, 0, &[("H37.91", Route::Mailbox)]);
        let receipt = Receipt { time, ..Receipt::clone(&made.submission.receipt) };
        made.submission = seal(receipt, &Stamp).unwrap();
        let id = made.id();
        made.consignments[0].receipts =
            vec![about(&made.packet, id, Event::ContentConsignment, "province-a", &made.submission)];
        made.accept(&store).await;
    }
    let all = books(&store, "province-a").await;
    assert_eq!(all.days.iter().map(|day| &*day.day).collect::<Vec<_>>(), ["2026-09-21", "2026-09-22"]);
    for (day, accepted) in [("2026-09-20", 0), ("2026-09-21", 1), ("2026-09-22", 1), ("2026-09-23", 0)] {
        let of_day = account(&store, &hop("province-a"), Some(day.parse().unwrap())).await.unwrap();
        assert_eq!((of_day.total.accepted, of_day.total.in_flight), (accepted, accepted), "{day}");
        assert!(of_day.total.balanced);
    }
}

#[tokio::test]
async fn what_is_only_offered_or_was_withdrawn_is_not_this_hops() {
    let folder = tempfile::tempdir().unwrap();
    let nation = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let (kept, given_up) = (letter("kept", 0, &[("G09.90", to_nation())]), letter("up", 0, &[("G09.90", to_nation())]));
    for made in [&kept, &given_up] {
        relayed(made, "nation", "province-a", &Route::Mailbox).offer(&nation).await;
    }
    assert_eq!(figures(&books(&nation, "nation").await), [0; 5]);
    let failure = about(&given_up.packet, given_up.id(), Event::RelayFailure, "province-a", &given_up.submission);
    nation.record_receipts(&hop("province-a"), vec![failure]).await.unwrap();
    let digests = vec![nation.queued_receipts(&hop("province-a"), 0, 9).await.unwrap().0[0].digest];
    nation.receipts_delivered(&hop("province-a"), digests, consign()).await.unwrap();
    let refused = letter("refused", 0, &[("G09.90", to_nation())]);
    relayed(&refused, "nation", "province-a", &Route::Refused).offer(&nation).await;
    let account = books(&nation, "nation").await;
    assert_eq!(figures(&account), [1, 0, 0, 0, 1]);
    assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");

    // Put back to "offered" behind the store's back, it is ours all the same, and told.
    tamper(folder.path(), "UPDATE consignments SET state = 'offered' WHERE state = 'consigned'");
    let account = books(&nation, "nation").await;
    assert_eq!((figures(&account), account.total.balanced), ([1, 0, 0, 0, 1], false));
    assert_eq!(account.differences[0].consignment, Some(kept.id()));
}

#[tokio::test]
async fn what_a_neighbour_signs_against_its_own_word_is_named_and_unbalances_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let nation = hop("nation");
    // Left for a system without receipts after it was laid into the mailbox; failed after the handover; given back after it; and
    // what came before that which it contradicts.
    let (left, failed, both, early) = (
        letter("left", 0, &[("G09.90", to_nation())]),
        letter("failed", 0, &[("G09.90", to_nation())]),
        letter("both", 0, &[("G09.90", to_nation())]),
        letter("early", 0, &[("G09.90", to_nation())]),
    );
    for made in [&left, &failed, &both, &early] {
        made.accept(&store).await;
    }
    let against = |made: &Made, event, place: usize| {
        about(&made.packet, made.id(), event, "nation", &made.way(Event::ContentHandover)[place])
    };
    let record = async |receipts: Vec<crate::receipts::Sealed>| {
        let recorded = store.record_receipts(&nation, receipts.clone()).await.unwrap();
        assert_eq!(recorded.stored.len(), receipts.len(), "it need not come again");
    };
    let way = left.way(Event::ContentHandover);
    record(vec![way[0].clone(), way[1].clone(), against(&left, Event::RelayToNonERDS, 0)]).await;
    record(failed.way(Event::ContentHandover)).await;
    record(vec![against(&failed, Event::RelayFailure, 0), against(&failed, Event::RelayFailure, 2)]).await;
    record(both.way(Event::ContentHandover)).await;
    record(vec![against(&both, Event::ConsignmentRejection, 1)]).await;
    let way = early.way(Event::ContentHandover);
    record(vec![way[1].clone(), against(&early, Event::RelayFailure, 0), way[0].clone(), way[2].clone()]).await;

    let account = books(&store, "province-a").await;
    assert_eq!(figures(&account), [4, 3, 0, 0, 1]);
    assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");
    assert_eq!((account.contradictions.len(), account.contradictions_in_all), (4, 4), "{account:#?}");
    for (made, count) in [(&left, 1), (&failed, 2), (&both, 1), (&early, 1)] {
        let named = account.contradictions.iter().filter(|found| found.consignment == Some(made.id()));
        assert_eq!(named.clone().count(), 1);
        for found in named {
            assert_eq!((&*found.code, found.doc_id), ("LT-BOK-0008", Some(made.packet.doc_id)));
            assert!(
                found.why_en.matches("nation ").count() == 2 * count
                    && found.why.matches("sha256:").count() == 2 * count,
                "{found:?}"
            );
        }
    }
    let gave_back = account.contradictions.iter().find(|found| found.consignment == Some(both.id())).unwrap();
    let receipt = against(&both, Event::ConsignmentRejection, 1).digest.to_string();
    assert!(gave_back.why.contains(&receipt) && gave_back.why.contains("≠ nation ContentHandover"), "{gave_back:?}");
}

#[tokio::test]
async fn what_the_hop_before_says_against_its_own_word_is_kept_and_takes_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let nation = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    for (name, route) in [("here", Route::Mailbox), ("on", Route::Link(hop("province-b")))] {
        let made = letter(name, 0, &[("G09.90", to_nation())]);
        relayed(&made, "nation", "province-a", &route).take(&nation).await;
        let failure = about(&made.packet, made.id(), Event::RelayFailure, "province-a", &made.submission);
        let recorded = nation.record_receipts(&hop("province-a"), vec![failure.clone()]).await.unwrap();
        assert_eq!(recorded.stored, [failure.digest]);
        let trace = nation.trace(made.packet.doc_id).await.unwrap().unwrap();
        let (here, late) = (&trace.consignments[0], &trace.consignments[0].late[0]);
        assert_eq!((late.jws.as_str(), here.late.len()), (&*failure.jws, 1));
        assert_eq!(late.contradicts, Some(lienthong_contract::Digest::of(here.receipts[0].jws.as_bytes())));
        assert!(!here.state.is_terminal());
    }
    let account = books(&nation, "nation").await;
    assert_eq!(figures(&account), [2, 0, 0, 0, 2]);
    assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");
}

#[tokio::test]
async fn whatever_is_changed_behind_the_stores_back_is_named() {
    let changes: [(&str, &str); 6] = [
        ("UPDATE consignments SET state = 'handed-over' WHERE recipient = 'H37.91'", "LT-BOK-0002"),
        ("UPDATE consignments SET head = zeroblob(32) WHERE recipient = 'H37.91'", "LT-BOK-0002"),
        ("DELETE FROM consignments WHERE recipient = 'H37.91'", "LT-BOK-0001"),
        ("DELETE FROM receipts WHERE event = 'ContentConsignment' AND own = 1", "LT-BOK-0002"),
        ("UPDATE receipts SET rest = 'x' || rest WHERE event = 'ContentConsignment' AND own = 1", "LT-BOK-0004"),
        ("DELETE FROM receipts WHERE event = 'SubmissionAcceptance'", "LT-BOK-0005"),
    ];
    for (change, code) in changes {
        let folder = tempfile::tempdir().unwrap();
        let running = open(folder.path());
        let made = three(&running).await;
        kept::catch_up(&running, &hop("province-a")).await.unwrap();
        drop(running);
        tamper(folder.path(), change);
        let store = SqliteStore::attach(&folder.path().join("store.db"), &hop("province-a"), Access::Read).unwrap();
        let account = books(&store, "province-a").await;
        assert!(!account.total.balanced, "{change}");
        let named: Vec<_> = account.differences.iter().filter(|found| found.code == code).collect();
        let here: Option<ConsignmentId> = Some(made.consignments[2].id);
        assert!(named.iter().any(|found| found.consignment == here), "{change}: {:#?}", account.differences);
        assert!(named.iter().all(|found| found.doc_id == Some(made.packet.doc_id)), "{change}");
        let lost = code == "LT-BOK-0001";
        assert_eq!(account.agencies.iter().all(|agency| agency.figures.balanced), code == "LT-BOK-0005", "{change}");
        let [accepted, handed_over, refused, failed, in_flight] = figures(&account);
        assert_eq!(accepted - handed_over - refused - failed - in_flight, u64::from(lost), "{change}");

        // What is kept was true; a look at the states finds what contradicts it there, a recount everything.
        let recount = kept::recount(&store, &hop("province-a")).await.unwrap().account;
        assert!(!recount.total.balanced);
        assert!(account.differences.iter().all(|found| recount.differences.contains(found)), "{change}: {recount:#?}");
        let unseen = kept::account(&store, &hop("province-a"), None, false).await.unwrap();
        assert!(unseen.total.balanced, "{change}: no receipt has come since");
        let compared = kept::account(&store, &hop("province-a"), None, true).await.unwrap();
        let of_state = change.starts_with("UPDATE consignments SET state") || lost;
        assert_eq!(compared.differences.iter().any(|found| found.code == code && found.consignment == here), of_state);
        assert_eq!(compared.total.balanced, !of_state, "{change}");
    }
}

#[tokio::test]
async fn a_store_is_attached_for_reading_only_and_never_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    assert!(SqliteStore::attach(&file, &hop("province-a"), Access::Read).is_err(), "nothing is made");
    assert!(!file.exists());
    let running = open(folder.path());
    let made = three(&running).await;
    let beside = SqliteStore::attach(&file, &hop("province-a"), Access::Read).unwrap();
    assert_eq!(books(&beside, "province-a").await.total, books(&running, "province-a").await.total);
    assert!(beside.attempt_failed(1, "no".to_owned()).await.is_err(), "it is not written to");
    assert!(beside.trace(made.packet.doc_id).await.unwrap().is_some());
    assert!(SqliteStore::attach(&file, &hop("nation"), Access::Read).is_err());
    drop((beside, running));
    tamper_version(&file, 2);
    assert!(SqliteStore::attach(&file, &hop("province-a"), Access::Read).is_err());
    tamper_version(&file, 999);
    assert!(SqliteStore::attach(&file, &hop("province-a"), Access::Write).is_err());
}

fn tamper_version(file: &Path, version: i64) {
    rusqlite::Connection::open(file).unwrap().pragma_update(None, "user_version", version).unwrap();
}

#[test]
fn the_json_of_an_account_is_what_scripts_are_promised() {
    let account = Account {
        day: None,
        hop: hop("nation"),
        total: Figures::default(),
        agencies: vec![AgencyFigures { agency: "H37.90".parse().unwrap(), figures: Figures::default() }],
        destinations: Vec::new(),
        days: Vec::new(),
        bodies_deleted: 0,
        refusals_unlogged: 0,
        differences: vec![Difference::new(&findings::LOST, None, None, "x")],
        differences_in_all: 1,
        contradictions: Vec::new(),
        contradictions_in_all: 0,
    };
    let json = serde_json::to_value(&account).unwrap();
    assert!(json["day"].is_null());
    for key in ["accepted", "handed_over", "refused", "failed", "in_flight", "balanced"] {
        assert!(!json["total"][key].is_null() && !json["agencies"][0][key].is_null(), "{json:#}");
    }
    assert!(json["differences"][0].get("doc_id").is_some() && json["differences"][0]["why"].is_string());
    let _: Instant = bounds("2026-01-01".parse().unwrap()).unwrap().0;
}
