//! Deadlines, offers that were given up, and what comes too late.

use lienthong_contract::Instant;
use lienthong_contract::door::ConsignmentState;

use super::super::SqliteStore;
use super::support::{DUE, Made, Stamp, about, consign, hop, letter, open, relayed, to_nation};
use crate::receipts::{Event, Sealed};
use crate::store::{Ended, Overdue, Route, Store};

fn nation(folder: &std::path::Path) -> SqliteStore {
    SqliteStore::open(&folder.join("nation.db"), &hop("nation")).unwrap()
}

async fn overdue(store: &SqliteStore) -> Vec<Overdue> {
    store.overdue(DUE, 10).await.unwrap()
}

/// The failure that `by` makes of what is overdue there.
fn failed(made: &Made, by: &str, event: Event, overdue: &Overdue) -> Sealed {
    about(&made.packet, overdue.id, event, by, &overdue.head)
}

async fn state(store: &SqliteStore, made: &Made) -> (ConsignmentState, usize, usize) {
    let trace = store.trace(made.packet.doc_id).await.unwrap().unwrap();
    let [consignment] = &trace.consignments[..] else { panic!("one consignment") };
    (consignment.state, consignment.receipts.len(), consignment.late.len())
}

#[tokio::test]
async fn at_the_deadline_the_one_in_custody_ends_it_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (province, nation) = (open(folder.path()), nation(folder.path()));
    let made = letter("late", 0, &[("G09.90", to_nation())]);
    made.accept(&province).await;
    let at_nation = relayed(&made, "nation", "province-a", &Route::Mailbox);
    at_nation.offer(&nation).await;
    assert!(overdue(&nation).await.is_empty(), "what is only offered is not ours to end");
    assert!(province.overdue(Instant::from_millis(DUE.as_millis() - 1), 10).await.unwrap().is_empty());

    let found = overdue(&province).await;
    assert_eq!((found.len(), found[0].id, found[0].next_hop.clone()), (1, made.id(), Some(hop("nation"))));
    let failure = failed(&made, "province-a", Event::RelayFailure, &found[0]);
    let wrong = failed(&made, "province-a", Event::ContentHandoverFailure, &found[0]);
    assert!(province.fail(made.id(), wrong).await.unwrap().is_none());
    let ended = province.fail(made.id(), failure.clone()).await.unwrap().unwrap();
    assert!(ended.settled.is_some() && ended.previous_hop.is_none());
    assert!(province.fail(made.id(), failure.clone()).await.unwrap().is_none(), "it ends once");
    assert!(overdue(&province).await.is_empty());
    assert_eq!(state(&province, &made).await, (ConsignmentState::Failed, 1, 0));

    // The acceptance comes too late: kept, not confirmed, and answered with the failure; each time it comes.
    let acceptance = &at_nation.consignments[0].receipts[0];
    for _ in 0..2 {
        let recorded = province.record_receipts(&hop("nation"), vec![acceptance.clone()]).await.unwrap();
        assert!(recorded.stored.is_empty() && recorded.forward);
    }
    let (told, _) = province.queued_receipts(&hop("nation"), 0, 10).await.unwrap();
    assert_eq!(told.iter().map(|receipt| receipt.digest).collect::<Vec<_>>(), [failure.digest]);
    assert_eq!(state(&province, &made).await, (ConsignmentState::Failed, 1, 1));

    // The nation drops what it was offered, and needs not repeat its acceptance.
    for _ in 0..2 {
        let recorded = nation.record_receipts(&hop("province-a"), vec![failure.clone()]).await.unwrap();
        assert_eq!(recorded.stored, [failure.digest]);
    }
    assert_eq!(state(&nation, &at_nation).await, (ConsignmentState::Withdrawn, 1, 1));
    assert_eq!(nation.counts().await.unwrap().receipts_waiting, 0);
    // A copy of the transfer that was still on its way brings nothing up again.
    at_nation.offer(&nation).await;
    assert_eq!(nation.counts().await.unwrap().receipts_waiting, 0);
    let delivered = at_nation.let_go(&nation).await;
    assert!(delivered.queued.is_empty() && !delivered.answers, "a withdrawn offer stays withdrawn");
    assert!(nation.mailbox_entry(made.id()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_ours_is_not_taken_back_by_the_hop_before() {
    let folder = tempfile::tempdir().unwrap();
    let nation = nation(folder.path());
    let made = letter("mine", 0, &[("G09.90", to_nation())]);
    let at_nation = relayed(&made, "nation", "province-a", &Route::Mailbox);
    at_nation.take(&nation).await;
    let failure = about(&made.packet, made.id(), Event::RelayFailure, "province-a", &made.submission);
    let recorded = nation.record_receipts(&hop("province-a"), vec![failure.clone()]).await.unwrap();
    // It is kept as evidence, so that it need not come again, and moves nothing.
    assert_eq!((recorded.stored, recorded.forward), (vec![failure.digest], false));
    assert_eq!(state(&nation, &at_nation).await.0, ConsignmentState::Consigned);
}

#[tokio::test]
async fn what_nobody_collects_fails_and_is_not_handed_over_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let nation = nation(folder.path());
    let made = letter("dusty", 0, &[("G09.90", to_nation())]);
    let at_nation = relayed(&made, "nation", "province-a", &Route::Mailbox);
    at_nation.take(&nation).await;
    let found = overdue(&nation).await;
    assert_eq!((found.len(), found[0].next_hop.clone()), (1, None));
    let failure = failed(&at_nation, "nation", Event::ContentHandoverFailure, &found[0]);
    // The recipient was faster.
    let entry = nation.mailbox_entry(made.id()).await.unwrap().unwrap();
    assert_eq!(entry.head, found[0].head.digest);
    let ended = nation.fail(made.id(), failure.clone()).await.unwrap().unwrap();
    assert_eq!(ended, Ended { settled: None, previous_hop: Some(hop("province-a")) });
    let handover = failed(&at_nation, "nation", Event::ContentHandover, &found[0]);
    let answer = nation.acknowledge(made.id(), handover).await.unwrap();
    assert!(matches!(answer, crate::store::AckOutcome::Ended { state: ConsignmentState::Failed, .. }), "{answer:?}");
    let (up, _) = nation.queued_receipts(&hop("province-a"), 0, 10).await.unwrap();
    assert_eq!(up.last().map(|receipt| receipt.digest), Some(failure.digest));
}

#[tokio::test]
async fn an_offer_for_a_further_hop_goes_on_only_when_it_is_ours() {
    let folder = tempfile::tempdir().unwrap();
    let nation = nation(folder.path());
    let made = letter("on", 2, &[("H49.90", to_nation()), ("H49.91", to_nation())]);
    let on = hop("province-b");
    let at_nation = relayed(&made, "nation", "province-a", &Route::Link(on.clone()));
    at_nation.offer(&nation).await;
    assert!(nation.due(&on, true, 0, 10).await.unwrap().is_empty());
    let acceptances: Vec<_> = at_nation.consignments.iter().map(|consignment| consignment.receipts[0].digest).collect();
    // Somebody else's word lets go of nothing.
    let nothing = nation.receipts_delivered(&hop("province-b"), acceptances.clone(), consign()).await.unwrap();
    assert!(nothing.queued.is_empty());
    let delivered = nation.receipts_delivered(&hop("province-a"), acceptances, consign()).await.unwrap();
    assert_eq!((delivered.queued, delivered.answers), (vec![(on.clone(), true)], false));
    let due = nation.due(&on, true, 0, 10).await.unwrap();
    assert_eq!(due.iter().map(|dispatch| dispatch.consignments.len()).collect::<Vec<_>>(), [2], "they travel together");
    assert!(due[0].consignments.iter().all(|consignment| consignment.due == Some(DUE)));
}

#[tokio::test]
async fn only_an_acceptance_that_counts_is_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let province = open(folder.path());
    let made = letter("twice", 0, &[("G09.90", to_nation())]);
    made.accept(&province).await;
    let acceptance = about(&made.packet, made.id(), Event::RelayAcceptance, "nation", &made.submission);
    for _ in 0..2 {
        let recorded = province.record_receipts(&hop("nation"), vec![acceptance.clone()]).await.unwrap();
        assert_eq!(recorded.stored, [acceptance.digest]);
    }
    // The nation, restored from an older copy, accepts a late copy of the transfer once more.
    let again = crate::receipts::Receipt { time: DUE, ..crate::receipts::Receipt::clone(&acceptance.receipt) };
    let again = crate::receipts::seal(again, &Stamp).unwrap();
    assert_ne!(again.digest, acceptance.digest);
    for _ in 0..2 {
        let recorded = province.record_receipts(&hop("nation"), vec![again.clone()]).await.unwrap();
        assert!(recorded.stored.is_empty(), "it would deliver a second time");
    }
    assert_eq!(state(&province, &made).await, (ConsignmentState::Relayed, 1, 1));
}
