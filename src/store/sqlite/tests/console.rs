//! Acts with their records, accounts and sessions, and documents found by their words.

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{Digest, Instant};

use super::support::{agency, letter, open, to_nation};
use crate::store::console::{Attempt, Change, Effect, Entry, NewAccount, NewProposal, Role, Session};
use crate::store::search::{Query, Side};
use crate::store::{ConsoleStore, Error, LedgerStore, Route, SearchStore, SqliteStore};

const NOW: Instant = Instant::from_millis(1_790_000_000_000);

fn entry(actor: &str, second: Option<&str>, kind: &'static str) -> Entry {
    Entry {
        time: NOW,
        actor: actor.to_owned(),
        second: second.map(str::to_owned),
        kind,
        subject: "thử".to_owned(),
        reason: None,
        documents: Vec::new(),
        statement: format!("header.{kind}.{actor}"),
    }
}

fn log_size(store: &SqliteStore) -> u64 {
    store.log().unwrap().1.borrow().clone().map_or(0, |head| head.checkpoint().size)
}

async fn account(store: &SqliteStore, name: &str) -> i64 {
    let new = NewAccount {
        name: name.to_owned(),
        full_name: name.to_owned(),
        role: Role::Operator,
        agency: None,
        password: "x".to_owned(),
        created_at: NOW,
    };
    let effects = vec![Effect::AddAccount(Box::new(new))];
    store.act(effects, entry("admin", None, "add-account")).await.unwrap().made.unwrap()
}

#[tokio::test]
async fn what_is_done_and_its_record_are_one_and_the_record_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    letter("one", 0, &[("G09.90", to_nation())]).accept(&store).await;
    let before = log_size(&store);
    let close = || {
        let name = "nation".parse().unwrap();
        vec![Effect::CloseDestination { name, reason: "bảo trì".to_owned() }]
    };
    let done = store.act(close(), entry("mot", None, "close")).await.unwrap();
    assert_eq!((done.changed, log_size(&store)), (1, before + 1));
    let again = store.act(close(), entry("mot", None, "close")).await.unwrap();
    assert_eq!((again.changed, again.act, log_size(&store)), (0, None, before + 1), "it was closed already");
    assert_eq!(store.closed_destinations().await.unwrap().len(), 1);
    let records = store.acts(None, 10).await.unwrap();
    assert_eq!((records.len(), records[0].place), (1, Some(before)));
    drop(store);

    let store = open(folder.path());
    assert_eq!(log_size(&store), before + 1, "the log goes on where it was");
    letter("two", 0, &[("G09.90", to_nation())]).accept(&store).await;
    assert_eq!(log_size(&store), before + 2);
    // A record that was altered afterwards is no longer the one in the log.
    let raw = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let logged: [u8; 32] =
        raw.query_row("SELECT digest FROM ledger WHERE number = ?1", [before as i64], |row| row.get(0)).unwrap();
    assert_eq!(Digest::from_bytes(logged), Digest::of(records[0].statement.as_bytes()));
}

#[tokio::test]
async fn nobody_agrees_to_his_own_proposal_nor_twice_nor_too_late() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let propose = async |until: i64| {
        let new = NewProposal {
            kind: "send-again",
            what: "{}".to_owned(),
            documents: 3,
            reason: "thử".to_owned(),
            proposed_at: NOW,
            until: NOW.plus_millis(until),
        };
        store.act(vec![Effect::Propose(Box::new(new))], entry("mot", None, "propose")).await.unwrap().made.unwrap()
    };
    let decide = async |id: i64, second: &str| {
        let effects = vec![Effect::Decide { id, accept: true }];
        store.act(effects, entry("mot", Some(second), "send-again")).await
    };
    let (open, old) = (propose(1000).await, propose(-1).await);
    assert!(matches!(decide(open, "mot").await, Err(Error::Unavailable(_))), "one's own");
    assert!(decide(old, "hai").await.is_err(), "too old");
    assert!(decide(open, "hai").await.is_ok());
    assert!(decide(open, "ba").await.is_err(), "answered already");
    assert_eq!(store.proposal(open).await.unwrap().unwrap().decided_by.as_deref(), Some("hai"));
    assert_eq!(store.acts(None, 10).await.unwrap().len(), 3, "what was not taken has no record");
}

#[tokio::test]
async fn a_number_counts_once_and_wrong_attempts_lock() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let id = account(&store, "mot").await;
    let good = |step| Attempt::Good { step: Some(step) };
    assert!(store.attempted(id, good(7), NOW).await.unwrap());
    assert!(!store.attempted(id, good(7), NOW).await.unwrap(), "the same number");
    assert!(!store.attempted(id, good(6), NOW).await.unwrap(), "an older one");
    assert!(store.attempted(id, good(8), NOW).await.unwrap());
    let locked_until = NOW.plus_millis(900_000);
    for nr in 1..=3 {
        store.attempted(id, Attempt::Bad { most: 3, locked_until }, NOW).await.unwrap();
        let locked = store.account("mot").await.unwrap().unwrap().locked_until;
        assert_eq!(locked.is_some(), nr == 3);
    }
    assert!(store.attempted(id, Attempt::Good { step: None }, NOW).await.unwrap());
    assert_eq!(store.account("mot").await.unwrap().unwrap().locked_until, None);
}

#[tokio::test]
async fn sessions_end_by_time_by_idleness_by_number_and_with_their_account() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let id = account(&store, "mot").await;
    let token = |nr: i64| Digest::of(&nr.to_be_bytes());
    let begin = async |nr: i64| {
        let at = NOW.plus_millis(nr);
        let session = Session {
            token: token(nr),
            account: id,
            csrf: "c".to_owned(),
            created_at: at,
            seen_at: at,
            until: at.plus_millis(10_000_000),
            address: "::1".to_owned(),
        };
        store.begin_session(session, 2).await.unwrap();
    };
    let runs = async |nr: i64, after: i64| {
        let now = NOW.plus_millis(after);
        store.session(token(nr), now, now.plus_millis(-1_000_000)).await.unwrap().is_some()
    };
    begin(1).await;
    assert!(runs(1, 900_000).await, "it is used in time, and that is noted");
    assert!(runs(1, 1_800_000).await);
    assert!(!runs(1, 2_900_000).await, "unused for too long");
    begin(2).await;
    begin(3).await;
    begin(4).await;
    let alive: Vec<i64> = futures_util::future::join_all((1..=4).map(async |nr| runs(nr, 10).await.then_some(nr)))
        .await
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(alive.len(), 2, "two at most: {alive:?}");
    let disable = Change { disabled: Some(true), ..Change::default() };
    store
        .act(vec![Effect::ChangeAccount(id, Box::new(disable))], entry("admin", None, "change-account"))
        .await
        .unwrap();
    assert!(!runs(4, 10).await, "whose account is disabled is out at once");
}

#[tokio::test]
async fn documents_are_found_by_words_parties_time_and_state() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for (name, subject, to) in [
        ("a", "Về việc mở rộng đường Đắk Thí Dụ", "G09.90"),
        ("b", "Báo cáo tình hình thu ngân sách quý III", "G09.90"),
        ("c", "Về việc nghỉ lễ", "H37.91"),
    ] {
        let route = if to == "H37.91" { Route::Mailbox } else { to_nation() };
        let mut made = letter(name, 0, &[(to, route)]);
        made.packet.subject = Some(subject.to_owned());
        made.accept(&store).await;
    }
    while store.index(2).await.unwrap() {}
    let find = async |query: Query| -> Vec<String> {
        let page = store.search(query, 10).await.unwrap();
        page.found.into_iter().map(|found| found.subject.unwrap()).collect()
    };
    let words = |words: &str| Query { words: words.to_owned(), ..Query::default() };
    for (typed, count) in [
        ("duong dak", 1),
        ("ĐƯỜNG", 1),
        ("đường \" OR", 0),
        ("ngan sach quy iii", 1),
        ("ve viec", 2),
        ("ngh", 1),
        ("words : x", 0),
        ("-", 3),
        ("", 3),
    ] {
        assert_eq!(find(words(typed)).await.len(), count, "{typed:?}");
    }
    let of = |side| Query { agency: Some(agency("G09.90")), side, ..Query::default() };
    assert_eq!(find(of(Some(Side::Received))).await.len(), 2);
    assert_eq!(find(of(Some(Side::Sent))).await.len(), 0);
    assert_eq!(find(Query { states: vec![ConsignmentState::Consigned], ..Query::default() }).await.len(), 1);
    assert_eq!(find(Query { states: vec![ConsignmentState::Failed], ..Query::default() }).await.len(), 0);
    assert_eq!(find(Query { until: Some(Instant::from_millis(0)), ..Query::default() }).await.len(), 0);
    assert_eq!(find(Query { from: Some(Instant::from_millis(0)), ..Query::default() }).await.len(), 3);
    let first = store.search(Query::default(), 2).await.unwrap();
    assert_eq!(first.found.len(), 2);
    let rest = store.search(Query { before: first.next, ..Query::default() }, 2).await.unwrap();
    assert_eq!((rest.found.len(), rest.next), (1, None));
}
