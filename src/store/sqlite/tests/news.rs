//! What is news to whom: once each, in the order in which it came together.

use lienthong_contract::Instant;
use lienthong_contract::door::ConsignmentState;

use super::support::{about, agency, hop, letter, open, relayed, to_nation};
use crate::news::{Item, What};
use crate::receipts::{Event, Sealed};
use crate::store::news::{Gathered, Subscription};
use crate::store::{NewsStore, Route, SqliteStore, Store};

const NOW: Instant = Instant::from_millis(1_790_000_100_000);

fn wants(name: &str, agencies: &[&str]) -> Subscription {
    Subscription { name: name.to_owned(), agencies: agencies.iter().map(|code| agency(code)).collect() }
}

async fn subscribe(store: &SqliteStore, names: &[&str]) {
    store.subscribe(names.iter().map(|&name| name.to_owned()).collect()).await.unwrap();
}

async fn gather(store: &SqliteStore, subscriptions: &[Subscription]) -> Gathered {
    store.gather(subscriptions.to_vec(), NOW, 100).await.unwrap()
}

async fn items(store: &SqliteStore, name: &str) -> Vec<Item> {
    store.news(name, 100).await.unwrap().into_iter().map(|(_, item)| item).collect()
}

async fn record(store: &SqliteStore, receipts: &[&Sealed]) {
    let receipts = receipts.iter().map(|&receipt| receipt.clone()).collect();
    store.record_receipts(&hop("nation"), receipts).await.unwrap();
}

#[tokio::test]
async fn an_arrival_is_news_to_those_who_want_the_recipients_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    subscribe(&store, &["one", "two", "sender"]).await;
    let wanted = [wants("one", &["H37.91"]), wants("two", &["H37.92", "H37.91"]), wants("sender", &["H37.90"])];
    letter("a", 2, &[("H37.91", Route::Mailbox), ("H37.92", Route::Mailbox), ("H37.93", Route::Mailbox)])
        .accept(&store)
        .await;
    assert_eq!(gather(&store, &wanted).await, Gathered { found: 3, more: false });
    assert_eq!(gather(&store, &wanted).await, Gathered::default(), "each receipt is looked at once");
    let one = items(&store, "one").await;
    assert_eq!(one.len(), 1);
    assert_eq!((one[0].event, one[0].recipient.as_str(), one[0].urgency), (What::Arrived, "H37.91", 2));
    assert_eq!((one[0].from.as_str(), one[0].code.as_deref(), one[0].state), ("H37.90", Some("12/TD-VP"), None));
    let two = items(&store, "two").await;
    assert_eq!(two.iter().map(|item| item.recipient.as_str()).collect::<Vec<_>>(), ["H37.91", "H37.92"]);
    assert_eq!(two[0].id, one[0].id, "the same news has the same name for everybody");
    assert!(items(&store, "sender").await.is_empty(), "nothing has ended");
}

#[tokio::test]
async fn what_only_passes_through_or_is_not_let_go_of_is_no_arrival() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    subscribe(&store, &["all"]).await;
    let wanted = [wants("all", &["G09.90", "H49.90"])];
    let onwards = letter("on", 0, &[("H49.90", to_nation())]);
    relayed(&onwards, "nation", "province-a", &Route::Link(hop("province-b"))).take(&store).await;
    let here = relayed(&letter("in", 0, &[("G09.90", to_nation())]), "nation", "province-a", &Route::Mailbox);
    here.offer(&store).await;
    assert_eq!(gather(&store, &wanted).await.found, 0, "the hop before still has it");
    here.let_go(&store).await;
    assert_eq!(gather(&store, &wanted).await.found, 1);
    assert_eq!(items(&store, "all").await[0].consignment, here.id());
}

#[tokio::test]
async fn an_end_is_news_to_the_sender_once_in_whatever_order_the_receipts_come() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        subscribe(&store, &["sender"]).await;
        let wanted = [wants("sender", &["H37.90"])];
        let made = letter("out", 0, &[("G09.90", to_nation())]);
        made.accept(&store).await;
        let way = made.way(Event::ConsignmentRejection);
        let mut found = Vec::new();
        for place in order {
            record(&store, &[&way[place]]).await;
            found.push(gather(&store, &wanted).await.found);
        }
        assert_eq!(found, [0, 0, 1], "{order:?}");
        let told = items(&store, "sender").await;
        assert_eq!((told[0].event, told[0].state), (What::Ended, Some(ConsignmentState::Refused)));
        assert_eq!((told[0].id, told[0].reason.as_deref()), (way[2].digest, Some("không đúng")));
        // What comes after the end moves nothing, and is no news.
        record(&store, &[&about(&made.packet, made.id(), Event::RelayFailure, "nation", &way[0])]).await;
        assert_eq!(gather(&store, &wanted).await.found, 0);
    }
}

#[tokio::test]
async fn what_was_told_is_forgotten_and_the_rest_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = [wants("one", &["H37.91"])];
    {
        let store = open(folder.path());
        subscribe(&store, &["one"]).await;
        for text in ["a", "b", "c"] {
            letter(text, 0, &[("H37.91", Route::Mailbox)]).accept(&store).await;
        }
        let first = store.gather(wanted.to_vec(), NOW, 3).await.unwrap();
        assert_eq!((first.found, first.more), (1, true), "a submission and an arrival each, in steps");
        while gather(&store, &wanted).await.more {}
        let news = store.news("one", 2).await.unwrap();
        store.told("one", news[1].0).await.unwrap();
    }
    let store = open(folder.path());
    subscribe(&store, &["one"]).await;
    gather(&store, &wanted).await;
    let left = items(&store, "one").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].document_id.as_deref(), Some("H37.90,2026/09/21,c"));
    let untold = store.untold().await.unwrap();
    assert_eq!((untold[0].0.as_str(), untold[0].1.count, untold[0].1.oldest), ("one", 1, Some(NOW)));
}

#[tokio::test]
async fn somebody_new_hears_of_what_comes_from_then_on_and_who_left_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let send = async |text| letter(text, 0, &[("H37.91", Route::Mailbox)]).accept(&store).await;
    send("before anybody").await;
    subscribe(&store, &["one"]).await;
    let (one, two) = (wants("one", &["H37.91"]), wants("two", &["H37.91"]));
    assert_eq!(gather(&store, std::slice::from_ref(&one)).await.found, 0);
    send("for one").await;
    // Not looked at yet when the second one comes.
    subscribe(&store, &["one", "two"]).await;
    assert_eq!(gather(&store, &[one.clone(), two.clone()]).await.found, 1);
    send("for both").await;
    assert_eq!(gather(&store, &[one, two.clone()]).await.found, 2);
    subscribe(&store, &["two"]).await;
    assert!(items(&store, "one").await.is_empty());
    assert_eq!(items(&store, "two").await.len(), 1);
    subscribe(&store, &[]).await;
    send("for nobody").await;
    subscribe(&store, &["two"]).await;
    assert_eq!(gather(&store, &[two]).await.found, 0, "nobody wanted it when it came");
}
