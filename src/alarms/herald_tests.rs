//! What is to be told stands in the store until it was taken; nothing of it depends on the store or a server being there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lienthong_contract::{Clock, Instant, Text};

use super::herald::{Herald, Lookout, Parts, Way};
use super::rules::{Notice, Reason, Recipient, Route, Rules};
use super::*;
use crate::store::{AlarmStore, SqliteStore};

const MINUTE: i64 = 60_000;

#[derive(Debug, Default)]
struct Hand(AtomicI64);

impl Hand {
    fn on(&self, minutes: i64) {
        self.0.fetch_add(minutes * MINUTE, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_millis(1_790_000_000_000 + self.0.load(Ordering::Relaxed))
    }
}

/// What is wrong, by the test's word.
#[derive(Default)]
struct Scene(Mutex<Vec<Alarm>>);

#[async_trait]
impl Lookout for Scene {
    async fn look(&self, _: Vec<(String, Instant, String)>) -> Option<Vec<Alarm>> {
        Some(self.0.lock().unwrap().clone())
    }
}

/// A server that takes mail or does not.
#[derive(Default)]
struct Post {
    taken: Mutex<Vec<Notice>>,
    answers: Mutex<VecDeque<bool>>,
}

#[async_trait]
impl Way for Post {
    async fn send(&self, notice: &Notice) -> Result<(), String> {
        if self.answers.lock().unwrap().pop_front().unwrap_or(true) {
            self.taken.lock().unwrap().push(notice.clone());
            Ok(())
        } else {
            Err("connection refused".to_owned())
        }
    }
}

struct Play {
    folder: tempfile::TempDir,
    clock: Arc<Hand>,
    scene: Arc<Scene>,
    post: Arc<Post>,
}

impl Play {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, clock: Arc::default(), scene: Arc::default(), post: Arc::default() }
    }

    fn store(&self) -> Arc<SqliteStore> {
        let hop = "province-a".parse().unwrap();
        Arc::new(SqliteStore::open(&self.folder.path().join("store.db"), &hop).unwrap())
    }

    async fn herald(&self, store: &Arc<SqliteStore>) -> Herald {
        let to = vec![Recipient::Mail("a@example.vn".to_owned())];
        let route = Route { name: "it".to_owned(), to, ..Route::default() };
        let (group, clear) = (2 * MINUTE, 10 * MINUTE);
        let parts = Parts {
            hop: "province-a".parse().unwrap(),
            clock: Arc::clone(&self.clock) as _,
            store: Arc::clone(store) as _,
            rules: Rules { routes: vec![route], group, clear, repeat: 24 * 60 * MINUTE, per_hour: 12, quiet: None },
            lookout: Arc::clone(&self.scene) as _,
            way: Arc::clone(&self.post) as _,
            board: Arc::default(),
            every: Duration::from_secs(30),
        };
        Herald::open(parts).await.unwrap()
    }

    fn wrong(&self, kinds: &[Kind]) {
        let what = || Told::new(Text { vi: "hỏng", en: "broken" }, &[]);
        let alarm = |kind: &Kind| Alarm::new(*kind, "", self.clock.now(), what());
        *self.scene.0.lock().unwrap() = kinds.iter().map(alarm).collect();
    }

    fn told(&self) -> Vec<(Reason, usize)> {
        let taken = self.post.taken.lock().unwrap();
        taken.iter().map(|notice| (notice.reason, notice.alarms.len() + notice.ended.len())).collect()
    }
}

#[tokio::test]
async fn a_notice_waits_in_the_store_for_a_server_that_is_away() {
    let play = Play::new();
    let store = play.store();
    let herald = play.herald(&store).await;
    play.wrong(&[Kind::BooksUnbalanced]);
    herald.look().await;
    assert_eq!(herald.board().present()[0].kind, Kind::BooksUnbalanced);
    play.post.answers.lock().unwrap().extend([false, false]);
    assert!(!herald.send().await);
    assert_eq!(herald.untold()[0].0, "mail:a@example.vn");
    assert!(!herald.send().await && play.post.answers.lock().unwrap().len() == 1, "not before its pause is over");
    play.clock.on(1);
    assert!(!herald.send().await);
    play.clock.on(1);
    drop(herald);
    drop(store);

    // The gateway is started again meanwhile.
    let store = play.store();
    let herald = play.herald(&store).await;
    herald.look().await;
    assert_eq!(store.waiting_notices().await.unwrap()[0].1.count, 1, "it is not told anew");
    assert!(herald.send().await && herald.untold().is_empty());
    assert_eq!(play.told(), [(Reason::New, 1)]);
    assert!(!herald.send().await);

    // What somebody acknowledged stays so.
    assert!(herald.acknowledge(Kind::BooksUnbalanced, "", "an").await.unwrap());
    assert!(!herald.acknowledge(Kind::LedgerAlarm, "", "an").await.unwrap());
    drop(herald);
    let herald = play.herald(&store).await;
    assert_eq!(herald.acknowledged().await[0].1, "an");

    // It ends while the gateway looks, and that is told after another restart.
    play.wrong(&[]);
    herald.look().await;
    assert!(herald.board().present().is_empty());
    play.clock.on(10);
    herald.look().await;
    drop(herald);
    let herald = play.herald(&store).await;
    assert!(herald.send().await);
    assert_eq!(play.told(), [(Reason::New, 1), (Reason::Resolved, 1)]);
    let last = store.last_notices(Instant::from_millis(0), 10).await.unwrap();
    assert_eq!(last.len(), 2);
    assert!(last.iter().all(|notice| notice.sent.is_some()));
    store.forget_notices(play.clock.now().plus_millis(1)).await.unwrap();
    assert!(store.last_notices(Instant::from_millis(0), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_notice_is_given_up_after_three_days_and_no_flood_follows() {
    let play = Play::new();
    let store = play.store();
    let herald = play.herald(&store).await;
    play.wrong(&[Kind::BooksUnbalanced]);
    herald.look().await;
    for _ in 0..5 * 24 {
        play.post.answers.lock().unwrap().push_back(false);
        herald.send().await;
        herald.look().await;
        play.clock.on(60);
    }
    let waiting = store.waiting_notices().await.unwrap();
    assert!(waiting[0].1.count <= 5, "a reminder a day at the most");
    play.post.answers.lock().unwrap().clear();
    while herald.send().await {}
    assert!((1..=5).contains(&play.told().len()));
    assert!(store.waiting_notices().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_test_reaches_each_recipient_once() {
    let play = Play::new();
    let store = play.store();
    let herald = play.herald(&store).await;
    assert_eq!(herald.test(None).await, [(Recipient::Mail("a@example.vn".to_owned()), Ok(()))]);
    assert!(herald.test(Some("another")).await.is_empty());
    assert_eq!(play.told(), [(Reason::Test, 0)]);
    assert!(store.last_notices(Instant::from_millis(0), 10).await.unwrap().is_empty(), "it is not kept");
}
