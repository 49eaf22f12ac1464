//! Receipts of later hops: any order, the right speaker, one end.

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{ConsignmentId, DocId};

use super::super::SqliteStore;
use super::support::{Made, about, hop, letter, open, relayed, to_nation};
use crate::receipts::{Event, Sealed};
use crate::store::{Recorded, Route, Store};

async fn record(store: &SqliteStore, from: &str, receipts: &[&Sealed]) -> Recorded {
    store.record_receipts(&hop(from), receipts.iter().map(|&receipt| receipt.clone()).collect()).await.unwrap()
}

async fn state(store: &SqliteStore, doc_id: DocId) -> (ConsignmentState, usize) {
    let trace = store.trace(doc_id).await.unwrap().unwrap();
    (trace.consignments[0].state, trace.chain(&trace.consignments[0]).count())
}

async fn queued(store: &SqliteStore) -> Made {
    let made = letter(&format!("{}", ConsignmentId::fresh()), 0, &[("G09.90", to_nation())]);
    made.accept(store).await;
    made
}

#[tokio::test]
async fn receipts_in_any_order_end_in_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let made = queued(&store).await;
        let way = made.way(Event::ContentHandover);
        for place in order {
            let recorded = record(&store, "nation", &[&way[place]]).await;
            assert_eq!(recorded.stored, [way[place].digest], "{order:?}");
        }
        assert_eq!(state(&store, made.packet.doc_id).await, (ConsignmentState::HandedOver, 4), "{order:?}");
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.outbox, counts.handed_over), (0, 6));
}

#[tokio::test]
async fn receipts_go_upstream_in_the_order_of_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let made =
        relayed(&letter("on", 0, &[("H49.90", to_nation())]), "nation", "province-a", &Route::Link(hop("province-b")));
    made.take(&store).await;
    let ours = &made.consignments[0].receipts[0];
    let relay = about(&made.packet, made.id(), Event::RelayAcceptance, "province-b", ours);
    let consigned = about(&made.packet, made.id(), Event::ContentConsignment, "province-b", &relay);
    assert!(!record(&store, "province-b", &[&consigned]).await.forward);
    assert!(record(&store, "province-b", &[&relay]).await.forward);
    let (up, _) = store.queued_receipts(&hop("province-a"), 0, 10).await.unwrap();
    let digests: Vec<_> = up.iter().map(|receipt| receipt.digest).collect();
    // Ours was confirmed when the province let go.
    assert_eq!(digests, [relay.digest, consigned.digest]);
}

#[tokio::test]
async fn only_the_next_hops_own_word_empties_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = queued(&store).await;
    let by_stranger = about(&made.packet, made.id(), Event::RelayAcceptance, "province-b", &made.submission);
    // A stranger sends it, and the next hop passes a stranger's word on.
    let from_stranger = record(&store, "province-b", &[&by_stranger]).await;
    assert!(from_stranger.stored.is_empty() && from_stranger.settled.is_empty());
    assert!(record(&store, "nation", &[&by_stranger]).await.settled.is_empty());
    assert_eq!(state(&store, made.packet.doc_id).await, (ConsignmentState::Queued, 1));
    // What is sent again meanwhile bears the good part of the chain alone.
    let due = store.due(&hop("nation"), false, 0, 1).await.unwrap();
    assert_eq!(due[0].consignments[0].chain, std::slice::from_ref(&made.submission.jws));
    let recorded = record(&store, "nation", &[&made.way(Event::ContentHandover)[0]]).await;
    assert_eq!((recorded.settled, recorded.forward), (vec![due[0].outbox_id], false));
    assert_eq!(state(&store, made.packet.doc_id).await, (ConsignmentState::Relayed, 2));
}

#[tokio::test]
async fn an_entry_is_settled_when_its_last_consignment_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = letter("two", 0, &[("G09.90", to_nation()), ("G22.90", to_nation())]);
    made.accept(&store).await;
    let ids: Vec<ConsignmentId> = made.consignments.iter().map(|entry| entry.id).collect();
    let accepted = about(&made.packet, ids[0], Event::RelayAcceptance, "nation", &made.submission);
    assert!(record(&store, "nation", &[&accepted]).await.settled.is_empty());
    let due = store.due(&hop("nation"), false, 0, 1).await.unwrap();
    assert_eq!(due[0].consignments.iter().map(|entry| entry.id).collect::<Vec<_>>(), [ids[1]]);
    let rejected = about(&made.packet, ids[1], Event::RelayRejection, "nation", &made.submission);
    assert_eq!(record(&store, "nation", &[&rejected]).await.settled.len(), 1);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.outbox, counts.relayed, counts.rejected), (0, 1, 1));
}

#[tokio::test]
async fn a_stranger_cannot_end_a_consignment_in_a_mailbox_here() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = letter("mine", 0, &[("H37.91", Route::Mailbox)]);
    made.accept(&store).await;
    let head = &made.consignments[0].receipts[0];
    for by in ["province-b", "province-a"] {
        let forged = about(&made.packet, made.id(), Event::ContentHandover, by, head);
        assert!(record(&store, "nation", &[&forged]).await.stored.is_empty());
    }
    assert_eq!(state(&store, made.packet.doc_id).await, (ConsignmentState::Consigned, 2));
    let entry = store.mailbox_entry(made.id()).await.unwrap().unwrap();
    assert_eq!(entry.head, head.digest);
}

#[tokio::test]
async fn a_hop_without_custody_cannot_move_a_consignment_even_through_the_next_hop() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = queued(&store).await;
    let way = made.way(Event::ContentHandover);
    record(&store, "nation", &[&way[0]]).await;
    let forged = about(&made.packet, made.id(), Event::ContentConsignment, "province-b", &way[0]);
    record(&store, "nation", &[&forged]).await;
    assert_eq!(state(&store, made.packet.doc_id).await, (ConsignmentState::Relayed, 2));
    // The true one still counts.
    record(&store, "nation", &[&way[1]]).await;
    assert_eq!(state(&store, made.packet.doc_id).await, (ConsignmentState::Consigned, 3));
}

#[tokio::test]
async fn what_has_ended_never_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for (end, expected) in [
        (Event::ContentHandover, ConsignmentState::HandedOver),
        (Event::ConsignmentRejection, ConsignmentState::Refused),
        (Event::RelayRejection, ConsignmentState::Rejected),
    ] {
        let made = queued(&store).await;
        let way = made.way(Event::ContentHandover);
        let terminal = match end {
            Event::RelayRejection => about(&made.packet, made.id(), end, "nation", &made.submission),
            _ => {
                record(&store, "nation", &[&way[0], &way[1]]).await;
                about(&made.packet, made.id(), end, "nation", &way[1])
            }
        };
        record(&store, "nation", &[&terminal]).await;
        for event in [Event::RelayAcceptance, Event::ContentConsignment, Event::ContentHandover, Event::RelayFailure] {
            for before in [&made.submission, &way[0], &way[1], &terminal] {
                record(&store, "nation", &[&about(&made.packet, made.id(), event, "nation", before)]).await;
            }
        }
        assert_eq!(state(&store, made.packet.doc_id).await.0, expected);
    }
    assert_eq!(store.counts().await.unwrap().outbox, 0);
}

#[tokio::test]
async fn a_receipt_that_comes_twice_is_stored_once_and_confirmed_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = queued(&store).await;
    let way = made.way(Event::ContentHandover);
    let first = record(&store, "nation", &[&way[0], &way[0]]).await;
    let second = record(&store, "nation", &[&way[0]]).await;
    assert_eq!((first.stored.len(), first.settled.len()), (2, 1));
    assert_eq!((second.stored.len(), second.settled.len(), second.forward), (1, 0, false));
    assert_eq!(store.counts().await.unwrap().receipts, 2);
}

#[tokio::test]
async fn a_receipt_about_nothing_here_is_kept_aside_so_that_it_need_not_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let elsewhere = letter("elsewhere", 0, &[("G09.90", to_nation())]);
    let stray = &elsewhere.way(Event::ContentHandover)[0];
    for _ in 0..2 {
        let recorded = record(&store, "nation", &[stray]).await;
        assert_eq!((recorded.stored, recorded.forward), (vec![stray.digest], false));
    }
    let raw = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let kept: String = raw.query_row("SELECT jws FROM stray_receipts", [], |row| row.get(0)).unwrap();
    assert_eq!(*kept, *stray.jws);
    // When the consignment comes after all, the receipt counts as if it had not come before.
    elsewhere.accept(&store).await;
    record(&store, "nation", &[stray]).await;
    assert_eq!(state(&store, elsewhere.packet.doc_id).await, (ConsignmentState::Relayed, 2));
}

#[tokio::test]
async fn when_there_is_no_place_to_keep_a_receipt_aside_it_stays_with_its_hop() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let strays: Vec<Sealed> = ["one", "two", "three"]
        .map(|text| letter(text, 0, &[("G09.90", to_nation())]).way(Event::ContentHandover)[0].clone())
        .into();
    assert_eq!(record(&store, "nation", &[&strays[0]]).await.stored, [strays[0].digest]);
    let raw = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    raw.execute("UPDATE stray_counts SET bytes = (2 << 30) - ?1", [i64::try_from(strays[1].jws.len()).unwrap()])
        .unwrap();
    let all: Vec<&Sealed> = strays.iter().collect();
    // What is here is confirmed again, one more has a place, and what has none is not confirmed.
    assert_eq!(record(&store, "nation", &all).await.stored, [strays[0].digest, strays[1].digest]);
    assert_eq!(record(&store, "province-b", &[&strays[2]]).await.stored, [strays[2].digest], "a place of its own");
}

#[tokio::test]
async fn a_next_hop_cannot_fill_the_disk_with_receipts_of_one_consignment() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = queued(&store).await;
    let mut before = made.way(Event::ContentHandover)[1].clone();
    let mut stored = 0;
    for _ in 0..100 {
        before = about(&made.packet, made.id(), Event::ContentConsignment, "nation", &before);
        stored += record(&store, "nation", &[&before]).await.stored.len();
    }
    assert_eq!(stored, 64);
    assert_eq!(state(&store, made.packet.doc_id).await, (ConsignmentState::Queued, 1));
}

#[tokio::test]
async fn what_contradicts_the_chain_is_told_beside_it_and_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = queued(&store).await;
    let way = made.way(Event::ContentHandover);
    let say = |event, by, before| about(&made.packet, made.id(), event, by, before);
    let told = async || {
        let trace = store.trace(made.packet.doc_id).await.unwrap().unwrap();
        let late =
            trace.consignments[0].late.iter().map(|view| (view.event.clone(), view.contradicts)).collect::<Vec<_>>();
        (trace.consignments[0].state, late)
    };
    // An acceptance by a hop that was offered nothing: as long as it could be mistaken for the next one, it is not shown.
    let stranger = say(Event::RelayAcceptance, "province-b", &made.submission);
    assert_eq!(record(&store, "nation", &[&stranger]).await.stored, [stranger.digest]);
    assert_eq!(told().await, (ConsignmentState::Queued, Vec::new()));
    record(&store, "nation", &[&way[0]]).await;
    let relayed = (Event::RelayAcceptance.as_str().to_owned(), Some(way[0].digest));
    assert_eq!(told().await, (ConsignmentState::Relayed, vec![relayed.clone()]));

    // Said to have left after it was said to lie in the mailbox.
    let left = say(Event::RelayToNonERDS, "nation", &way[0]);
    record(&store, "nation", &[&way[1]]).await;
    assert_eq!(record(&store, "nation", &[&left]).await.stored, [left.digest]);
    assert_eq!(told().await.1[0], (left.receipt.event.as_str().to_owned(), Some(way[1].digest)));
    record(&store, "nation", &[&way[2]]).await;
    let failure = say(Event::ContentHandoverFailure, "nation", &way[1]);
    let unknown = say(Event::ConsignmentRejection, "nation", &left);
    let recorded = record(&store, "nation", &[&failure, &unknown]).await;
    assert_eq!((recorded.stored.len(), recorded.forward), (2, false));
    let (state, late) = told().await;
    assert_eq!((state, late.len()), (ConsignmentState::HandedOver, 4));
    let against = |sealed: &Sealed| late.iter().find(|(event, _)| *event == sealed.receipt.event.as_str()).unwrap().1;
    assert_eq!(against(&left), Some(way[1].digest), "it tells otherwise what came next");
    assert_eq!((against(&failure), against(&unknown)), (Some(way[2].digest), Some(way[2].digest)), "a second end");
    assert_eq!(late.last(), Some(&relayed));
    // What says something else of the document itself is not about it: evidence that is kept, and told of nothing.
    let other = crate::receipts::Receipt {
        recipient: Some("G22.90".parse().unwrap()),
        ..crate::receipts::Receipt::clone(&failure.receipt)
    };
    let other = crate::receipts::seal(other, &super::support::Stamp).unwrap();
    assert_eq!(record(&store, "nation", &[&other]).await.stored, [other.digest]);
    assert_eq!(told().await, (ConsignmentState::HandedOver, late));
}

#[tokio::test]
async fn what_the_hop_before_signed_does_not_come_from_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let made = letter("on", 0, &[("G09.90", to_nation())]);
    relayed(&made, "nation", "province-a", &Route::Link(hop("province-b"))).take(&store).await;
    let before = state(&store, made.packet.doc_id).await;
    let failure = about(&made.packet, made.id(), Event::RelayFailure, "province-a", &made.submission);
    assert_eq!(record(&store, "province-b", &[&failure]).await.stored, [failure.digest]);
    assert_eq!(state(&store, made.packet.doc_id).await, before);
    assert_eq!(store.counts().await.unwrap().receipts, 2, "it is not among those that the books read");
}
