//! Taking packets in, mailboxes, opening again.

use std::collections::BTreeSet;

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{ConsignmentId, DocId};

use super::super::SqliteStore;
use super::support::{about, agency, consign, hop, letter, open, relayed, to_nation};
use crate::receipts::Event;
use crate::store::{Accepted, AckOutcome, Delivered, Error, Held, Route, Store};

#[tokio::test]
async fn the_same_bytes_get_the_first_answer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = letter("one", 0, &[("G09.90", to_nation()), ("H37.91", Route::Mailbox)]);
    assert!(matches!(first.accept(&store).await, Accepted::New { .. }));
    let again = letter("one", 0, &[("G09.90", to_nation()), ("H37.91", Route::Mailbox)]);
    let Accepted::Already { doc_id, submission, consignments } = again.accept(&store).await else { panic!() };
    assert_eq!((doc_id, submission), (first.packet.doc_id, Some(first.submission.jws.to_string())));
    let ids: Vec<ConsignmentId> = consignments.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, first.consignments.iter().map(|entry| entry.id).collect::<Vec<_>>());
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.packets, counts.consignments, counts.outbox, counts.receipts), (1, 2, 1, 2));
}

#[tokio::test]
async fn the_same_name_with_other_bytes_conflicts_unless_the_business_type_differs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = letter("one", 0, &[("H37.91", Route::Mailbox)]);
    first.accept(&store).await;
    let mut other = letter("two", 0, &[("H37.91", Route::Mailbox)]);
    other.packet.document_id = first.packet.document_id.clone();
    let Accepted::Conflict { doc_id, digest, .. } = other.accept(&store).await else { panic!() };
    assert_eq!((doc_id, digest), (first.packet.doc_id, first.packet.digest));
    assert_eq!(store.counts().await.unwrap().packets, 1);
    other.packet.business_type = 2;
    assert!(matches!(other.accept(&store).await, Accepted::New { .. }));
}

#[tokio::test]
async fn the_answer_to_one_agency_is_never_given_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = letter("one", 0, &[("H37.91", Route::Mailbox)]);
    first.accept(&store).await;
    let mut other = letter("one", 0, &[("H37.91", Route::Mailbox)]);
    other.packet.sender = agency("H37.92");
    assert!(matches!(other.accept(&store).await, Accepted::Conflict { .. }));
}

#[tokio::test]
async fn bytes_that_only_a_neighbour_brought_are_accepted_anew_from_their_sender() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let elsewhere = letter("one", 0, &[("G09.90", to_nation())]);
    relayed(&elsewhere, "nation", "province-a", &Route::Mailbox).take(&store).await;
    let mut here = letter("one", 0, &[("G22.90", Route::Mailbox)]);
    here.submission = {
        let receipt = crate::receipts::Receipt {
            hop: hop("nation"),
            ..crate::receipts::Receipt::clone(&here.submission.receipt)
        };
        crate::receipts::seal(receipt, &super::support::Stamp).unwrap()
    };
    here.consignments[0].receipts =
        vec![about(&here.packet, here.id(), Event::ContentConsignment, "nation", &here.submission)];
    assert!(matches!(here.accept(&store).await, Accepted::New { .. }));
    for (code, made) in [("G09.90", &elsewhere), ("G22.90", &here)] {
        let (items, _) = store.inbox(&agency(code), None, 10).await.unwrap();
        assert_eq!((items.len(), items[0].doc_id), (1, made.packet.doc_id), "{code}");
        let trace = store.trace(made.packet.doc_id).await.unwrap().unwrap();
        assert_eq!((trace.consignments.len(), trace.consignments[0].id), (1, made.id()));
        assert_eq!(*trace.submission.unwrap().jws, *made.submission.jws);
    }
}

#[tokio::test]
async fn the_same_bytes_under_two_names_travel_on_each_with_its_own_name_and_chain() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let (one, two) = (letter("same", 0, &[("H49.90", to_nation())]), letter("same", 0, &[("H49.91", to_nation())]));
    let on = Route::Link(hop("province-b"));
    relayed(&one, "nation", "province-a", &on).take(&store).await;
    relayed(&two, "nation", "province-a", &on).take(&store).await;
    let due = store.due(&hop("province-b"), false, 0, 10).await.unwrap();
    let names: Vec<DocId> = due.iter().map(|entry| entry.doc_id).collect();
    assert_eq!(names, [one.packet.doc_id, two.packet.doc_id]);
    for (entry, made) in due.iter().zip([&one, &two]) {
        assert_eq!(entry.consignments[0].chain[0], made.submission.jws);
        assert_eq!(entry.consignments[0].chain.len(), 2);
    }
}

#[tokio::test]
async fn what_is_offered_twice_is_stored_once_and_answered_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let made = relayed(&letter("one", 0, &[("G09.90", to_nation())]), "nation", "province-a", &Route::Mailbox);
    made.offer(&store).await;
    let (mut queued, _) = store.queued_receipts(&hop("province-a"), 0, 10).await.unwrap();
    assert_eq!(queued.len(), 1, "an offer is answered, and lies in no mailbox");
    assert!(store.inbox(&agency("G09.90"), None, 10).await.unwrap().0.is_empty());
    assert!(store.mailbox_entry(made.id()).await.unwrap().is_none());
    assert!(made.let_go(&store).await.answers);
    assert_eq!(made.let_go(&store).await, Delivered::default(), "said twice");
    assert_eq!(store.inbox(&agency("G09.90"), None, 10).await.unwrap().0.len(), 1);
    let (more, last) = store.queued_receipts(&hop("province-a"), 0, 10).await.unwrap();
    assert_eq!(more.len(), 1);
    queued.extend(more);
    let digests = queued.iter().map(|receipt| receipt.digest).collect();
    store.receipts_delivered(&hop("province-a"), digests, consign()).await.unwrap();
    assert_eq!(store.counts().await.unwrap().receipts_waiting, 0);
    // Sealed anew at the second arrival: the first answer stands.
    relayed(&made, "nation", "province-a", &Route::Mailbox).offer(&store).await;
    let (again, _) = store.queued_receipts(&hop("province-a"), last, 10).await.unwrap();
    let texts = |list: &[crate::store::QueuedReceipt]| list.iter().map(|one| one.jws.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&again), texts(&queued));
    assert_eq!(store.counts().await.unwrap().consignments, 1);
}

#[tokio::test]
async fn a_packet_refused_in_one_transfer_is_whole_when_another_brings_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let first = letter("body", 0, &[("G09.90", to_nation())]);
    relayed(&first, "nation", "province-a", &Route::Refused).take(&store).await;
    let second = letter("body", 2, &[("G22.90", to_nation())]);
    relayed(&second, "nation", "province-b", &Route::Mailbox).take(&store).await;
    let entry = store.mailbox_entry(second.id()).await.unwrap().unwrap();
    let Held::Inline(bytes) = entry.held else { panic!("the content is lost") };
    assert_eq!((&bytes[..], entry.item.urgency), (&b"body"[..], 2));
    assert!(store.mailbox_entry(first.id()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_acknowledgement_ends_once_and_is_answered_the_same_ever_after() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = letter("one", 0, &[("H37.91", Route::Mailbox)]);
    made.accept(&store).await;
    let head = &made.consignments[0].receipts[0];
    let handover = about(&made.packet, made.id(), Event::ContentHandover, "province-a", head);
    let refusal = about(&made.packet, made.id(), Event::ConsignmentRejection, "province-a", head);
    let AckOutcome::Done { jws } = store.acknowledge(made.id(), handover.clone()).await.unwrap() else { panic!() };
    for later in [handover, refusal] {
        let AckOutcome::Ended { state, jws: same } = store.acknowledge(made.id(), later).await.unwrap() else {
            panic!()
        };
        assert_eq!((state, &same), (ConsignmentState::HandedOver, &jws));
    }
    let stranger = ConsignmentId::fresh();
    let nobody = about(&made.packet, stranger, Event::ContentHandover, "province-a", head);
    assert!(matches!(store.acknowledge(stranger, nobody).await.unwrap(), AckOutcome::NotFound));
}

#[tokio::test]
async fn a_mailbox_is_read_urgent_first_with_none_lost_or_doubled_while_packets_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let arrive = async |name: &str, urgency: u8| {
        let made = letter(name, urgency, &[("H37.91", Route::Mailbox)]);
        made.accept(&store).await;
        made.id()
    };
    let mut before = BTreeSet::new();
    for number in 0..25_u8 {
        before.insert(arrive(&format!("before {number}"), u8::from(number % 3 == 0)).await);
    }
    let (mut seen, mut after, mut urgencies) = (Vec::new(), None, Vec::new());
    loop {
        let (items, next) = store.inbox(&agency("H37.91"), after.as_deref(), 4).await.unwrap();
        assert!(items.len() <= 4);
        urgencies.extend(items.iter().map(|item| item.urgency));
        seen.extend(items.iter().map(|item| item.id));
        if let Some(id) = seen.last().copied().filter(|_| seen.len() == 8) {
            // Reading consumes nothing, and what is ended meanwhile takes no other with it.
            let entry = store.mailbox_entry(id).await.unwrap().unwrap();
            assert_eq!(entry.state, ConsignmentState::Consigned);
        }
        arrive(&format!("meanwhile {}", seen.len()), u8::from(seen.len() % 8 == 0)).await;
        match next.filter(|_| seen.len() < 60) {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let distinct: BTreeSet<ConsignmentId> = seen.iter().copied().collect();
    assert_eq!(distinct.len(), seen.len(), "an item was listed twice");
    assert!(before.is_subset(&distinct), "an item that was there before the first page was not listed");
    assert!(urgencies.windows(2).all(|pair| pair[0] >= pair[1]), "{urgencies:?}");
}

#[tokio::test]
async fn two_thousand_at_once_are_all_answered_and_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..2000 {
        let store = store.clone();
        tasks.spawn(async move {
            let made = letter(&format!("crowd {number}"), 0, &[("G09.90", to_nation())]);
            assert!(matches!(made.accept(&store).await, Accepted::New { .. }));
            made.packet.doc_id
        });
    }
    let names = tasks.join_all().await;
    drop(store);
    let store = open(folder.path());
    for doc_id in names {
        let trace = store.trace(doc_id).await.unwrap().unwrap();
        assert_eq!(trace.chain(&trace.consignments[0]).count(), 1);
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.packets, counts.queued, counts.outbox), (2000, 2000, 2000));
}

#[tokio::test]
async fn a_call_that_fails_takes_none_of_its_neighbours_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let shared = letter("first", 0, &[("G09.90", to_nation())]);
    shared.accept(&store).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200_u32 {
        let (store, taken) = (store.clone(), shared.consignments.clone());
        tasks.spawn(async move {
            let mut made = letter(&format!("neighbour {number}"), 0, &[("G09.90", to_nation())]);
            if number % 5 == 0 {
                // Its consignment's name is taken: the call fails after it has written the packet.
                made.consignments = taken;
            }
            let result = store.accept(made.packet.clone(), made.submission, made.consignments).await;
            (number, made.packet.digest, result.is_ok())
        });
    }
    for (number, digest, accepted) in tasks.join_all().await {
        assert_eq!(accepted, number % 5 != 0, "{number}");
        assert_eq!(store.packets_here(vec![digest]).await.unwrap().len(), usize::from(accepted), "{number}");
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.packets, counts.outbox, counts.receipts), (161, 161, 161));
}

#[tokio::test]
async fn a_large_packet_is_found_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut made = letter("large", 0, &[("G09.90", to_nation()), ("H37.91", Route::Mailbox)]);
    made.packet.held = Held::File;
    made.accept(&store).await;
    let due = store.due(&hop("nation"), false, 0, 1).await.unwrap();
    assert!(matches!(due[0].held, Held::File));
    let entry = store.mailbox_entry(made.consignments[1].id).await.unwrap().unwrap();
    assert!(matches!(entry.held, Held::File));
}

#[tokio::test]
async fn a_name_that_belongs_to_other_bytes_is_not_taken_and_what_is_known_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = relayed(&letter("one", 0, &[("H37.91", Route::Mailbox)]), "province-a", "nation", &Route::Mailbox);
    first.take(&store).await;
    let again = store.take_custody(first.packet.clone(), Some(first.submission.clone()), first.consignments.clone());
    assert!(!again.await.unwrap(), "all of it is here");
    let mut other = letter("two", 0, &[("H37.91", Route::Mailbox)]);
    other.packet.doc_id = first.packet.doc_id;
    let other = relayed(&other, "province-a", "nation", &Route::Mailbox);
    let taken = store.take_custody(other.packet, Some(other.submission), other.consignments).await;
    assert!(matches!(taken, Err(Error::OtherDocument(name)) if name == first.packet.doc_id), "{taken:?}");
    assert_eq!(store.trace(first.packet.doc_id).await.unwrap().unwrap().consignments.len(), 1);
}

#[tokio::test]
async fn a_store_of_another_hop_or_of_another_form_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    drop(open(folder.path()));
    let other = SqliteStore::open(&file, &hop("nation"));
    assert!(matches!(other, Err(Error::OtherHop { found, expected }) if found == "province-a" && expected == "nation"));
    let pretend = |version: i64| {
        rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", version).unwrap();
    };
    pretend(99);
    let newer = SqliteStore::open(&file, &hop("province-a"));
    assert!(matches!(newer, Err(Error::TooNew { found: 99, .. })), "{newer:?}");
    pretend(1);
    let older = SqliteStore::open(&file, &hop("province-a"));
    assert!(matches!(older, Err(Error::TooOld { found: 1, .. })), "{older:?}");
}

#[tokio::test]
async fn reading_finds_what_was_written_before_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let made = letter("kept", 1, &[("G09.90", to_nation()), ("H37.91", Route::Mailbox)]);
    {
        let store = open(folder.path());
        made.accept(&store).await;
        store.attempt_failed(1, "no way there".to_owned()).await.unwrap();
    }
    let store = open(folder.path());
    let due = store.due(&hop("nation"), true, 0, 10).await.unwrap();
    assert_eq!((due.len(), due[0].attempts, due[0].digest), (1, 1, made.packet.digest));
    assert!(store.due(&hop("nation"), false, 0, 10).await.unwrap().is_empty());
    let trace = store.trace(made.packet.doc_id).await.unwrap().unwrap();
    assert_eq!(trace.consignments[0].last_error.as_deref(), Some("no way there"));
    assert_eq!(store.inbox(&agency("H37.91"), None, 10).await.unwrap().0.len(), 1);
}
