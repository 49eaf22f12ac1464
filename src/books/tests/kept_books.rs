//! Keeping the books on costs what has come, and what is kept is what a recount gives.

use super::super::{Account, account, kept};
use super::{figures, three};
use crate::receipts::Event;
use crate::store::books::{Cursor, Fold, Position};
use crate::store::sqlite::tests::support::{about, hop, letter, open, to_nation};
use crate::store::{BooksStore, Route, SqliteStore, Store};

async fn both(store: &SqliteStore, of: &str) -> (Account, Account) {
    let kept = kept::account(store, &hop(of), None, true).await.unwrap();
    (account(store, &hop(of), None).await.unwrap(), kept)
}

fn same((whole, kept): &(Account, Account)) {
    assert_eq!(serde_json::to_value(whole).unwrap(), serde_json::to_value(kept).unwrap());
}

#[tokio::test]
async fn only_what_has_come_since_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let me = hop("province-a");
    three(&store).await;
    let before = store.changes(Cursor::default(), 100).await.unwrap();
    assert_eq!(before.lines.len(), 3);
    kept::catch_up(&store, &me).await.unwrap();
    let at = store.kept_books(None, 10).await.unwrap();
    assert_eq!((at.at.receipts, at.faults_in_all), (at.newest, 0));
    let since = Cursor { at: at.at, offered: None };
    let nothing = store.changes(since, 100).await.unwrap();
    assert!(nothing.lines.is_empty() && !nothing.more && nothing.to == since);
    // Again and again without anything new: nothing is written.
    kept::catch_up(&store, &me).await.unwrap();
    assert_eq!(store.kept_books(None, 10).await.unwrap().folds, at.folds);

    let made = letter("one more", 0, &[("G09.90", to_nation()), ("H37.91", Route::Mailbox)]);
    made.accept(&store).await;
    assert_eq!(store.changes(since, 100).await.unwrap().lines.len(), 2);
    same(&both(&store, "province-a").await);
    assert_eq!(figures(&both(&store, "province-a").await.1), [5, 1, 0, 1, 3]);
}

#[tokio::test]
async fn evidence_that_comes_late_and_what_is_given_back_move_the_kept_sums() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let me = hop("province-a");
    let made = three(&store).await;
    kept::catch_up(&store, &me).await.unwrap();
    let head = made.consignments[2].receipts.last().unwrap();
    let end = about(&made.packet, made.consignments[2].id, Event::ConsignmentRejection, "province-a", head);
    store.acknowledge(made.consignments[2].id, end).await.unwrap();
    let late = about(&made.packet, made.consignments[1].id, Event::RelayAcceptance, "nation", &made.submission);
    store.record_receipts(&hop("nation"), vec![late]).await.unwrap();
    same(&both(&store, "province-a").await);
    kept::catch_up(&store, &me).await.unwrap();
    same(&both(&store, "province-a").await);
    assert_eq!(figures(&both(&store, "province-a").await.1), [3, 1, 1, 1, 0]);
    let recount = kept::recount(&store, &me).await.unwrap();
    assert!(recount.wrong == 0 && recount.sums_compared, "{recount:#?}");
}

#[tokio::test]
async fn what_was_computed_from_an_older_state_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    three(&store).await;
    kept::catch_up(&store, &hop("province-a")).await.unwrap();
    let before = store.kept_books(None, 10).await.unwrap();
    let older = Fold { folds: before.folds - 1, to: Position::default(), ..Fold::default() };
    assert!(!store.fold(older).await.unwrap());
    assert_eq!(store.kept_books(None, 10).await.unwrap().at, before.at);
}

#[tokio::test]
async fn kept_sums_that_are_wrong_are_found_by_a_recount_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let me = hop("province-a");
    three(&store).await;
    for change in [
        "UPDATE books_figures SET handed_over = handed_over + 1, accepted = accepted + 1 WHERE part = 'agency'",
        "UPDATE books_lines SET figure = 5 WHERE figure = 3",
        "DELETE FROM books_lines WHERE figure = 2",
    ] {
        kept::catch_up(&store, &me).await.unwrap();
        super::tamper(folder.path(), change);
        let recount = kept::recount(&store, &me).await.unwrap();
        assert!(recount.wrong > 0 && !recount.account.total.balanced, "{change}");
        assert!(recount.account.differences.iter().all(|found| found.code == "LT-BOK-0007"), "{change}");
        assert_eq!(figures(&recount.account), [3, 1, 0, 1, 1], "the receipts count");
        kept::forget(&store).await.unwrap();
        kept::catch_up(&store, &me).await.unwrap();
        assert_eq!(kept::recount(&store, &me).await.unwrap().wrong, 0, "{change}");
        same(&both(&store, "province-a").await);
    }
}
