//! The teller against a store that is real and subscribers that fail as they are told to.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::VecDeque;

use super::*;
use crate::clock::SystemClock;
use crate::directory::Snapshot;
use crate::store::sqlite::tests::support::{agency, hop, letter, open};
use crate::store::{Route, SqliteStore};

/// Answers from a list, then always well, and remembers what it was told.
#[derive(Default)]
struct Ear {
    answers: Mutex<VecDeque<Result<(), String>>>,
    heard: Mutex<Vec<Notice>>,
    bell: Notify,
}

impl Ear {
    fn failing(times: usize) -> Arc<Self> {
        let answers = (0..times).map(|_| Err("engaged".to_owned())).collect();
        Arc::new(Self { answers: Mutex::new(answers), ..Self::default() })
    }

    async fn heard(&self, calls: usize) -> Vec<Notice> {
        loop {
            let heard = self.heard.lock().unwrap().clone();
            if heard.len() >= calls {
                return heard;
            }
            self.bell.notified().await;
        }
    }
}

#[async_trait]
impl Channel for Ear {
    async fn tell(&self, notice: &Notice) -> Result<(), String> {
        self.heard.lock().unwrap().push(notice.clone());
        self.bell.notify_one();
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()))
    }
}

fn directory() -> Arc<Directory> {
    let text = r#"
        [[agency]]
        code = "H37.90"
        name = "Sở Thí dụ"
        [[agency]]
        code = "H37.91"
        old_code = "000.91.01.H37"
        name = "Sở Thí dụ số Hai"
    "#;
    Arc::new(Directory::fixed(Snapshot::from_toml(text).unwrap()))
}

async fn start(
    store: &Arc<SqliteStore>,
    ears: &[(&str, Arc<Ear>)],
    stop: &CancellationToken,
) -> (Arc<News>, TaskTracker) {
    let subscriber = |(name, ear): &(&str, Arc<Ear>)| Subscriber {
        name: (*name).to_owned(),
        agencies: vec![agency("000.91.01.H37")],
        channel: Arc::clone(ear) as _,
    };
    let parts = Parts {
        hop: hop("province-a"),
        store: Arc::clone(store) as _,
        directory: directory(),
        clock: Arc::new(SystemClock),
        first_pause: Duration::from_millis(5),
        subscribers: ears.iter().map(subscriber).collect(),
    };
    let tasks = TaskTracker::new();
    (News::start(parts, &tasks, stop).await.unwrap(), tasks)
}

async fn send(store: &SqliteStore, text: &str) {
    letter(text, 0, &[("H37.91", Route::Mailbox)]).accept(store).await;
}

fn names(notice: &Notice) -> Vec<String> {
    notice.items.iter().map(|item| item.document_id.clone().unwrap()).collect()
}

#[tokio::test]
async fn a_notice_is_tried_until_it_is_taken_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let (deaf, ear) = (Ear::failing(3), Ear::failing(0));
    let stop = CancellationToken::new();
    let (news, _tasks) = start(&store, &[("deaf", Arc::clone(&deaf)), ("well", Arc::clone(&ear))], &stop).await;
    send(&store, "a").await;
    // The other one's trouble is not this one's.
    assert_eq!(names(&ear.heard(1).await[0]), ["H37.90,2026/09/21,a"]);
    deaf.heard(1).await;
    send(&store, "b").await;
    let heard = deaf.heard(5).await;
    for again in &heard[1..4] {
        assert_eq!((again.id.as_str(), &again.body), (heard[0].id.as_str(), &heard[0].body));
    }
    assert_eq!(names(&heard[4]), ["H37.90,2026/09/21,b"], "in order, and nothing twice");
    assert_ne!(heard[4].id, heard[0].id);
    while news.standings().iter().any(|(_, standing)| *standing != Standing::default()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    while store.untold().await.unwrap().iter().any(|(_, waiting)| waiting.count > 0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_was_not_taken_is_told_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let stop = CancellationToken::new();
    let deaf = Ear::failing(usize::from(u8::MAX));
    let (news, tasks) = start(&store, &[("one", Arc::clone(&deaf))], &stop).await;
    send(&store, "a").await;
    deaf.heard(2).await;
    while news.standings()[0].1.failures < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(news.standings()[0].1.last_error.as_deref(), Some("engaged"));
    stop.cancel();
    tasks.close();
    tasks.wait().await;

    let (stop, ear) = (CancellationToken::new(), Ear::failing(0));
    let (_news, _tasks) = start(&store, &[("one", Arc::clone(&ear))], &stop).await;
    let heard = ear.heard(1).await;
    assert_eq!(heard[0].items, deaf.heard(1).await[0].items);
    let told: serde_json::Value = serde_json::from_slice(&heard[0].body).unwrap();
    assert_eq!((told["type"].as_str(), told["data"]["gateway"].as_str()), (Some("consignments"), Some("province-a")));
    let item = &told["data"]["items"][0];
    assert_eq!((item["event"].as_str(), item["agency"].as_str()), (Some("arrived"), Some("H37.91")));
    assert_eq!(item["id"].as_str(), Some(heard[0].items[0].id.to_string().as_str()));
    assert!(item.get("subject").is_none(), "nothing that a document says");
}

#[test]
fn pauses_grow_and_have_an_end() {
    let pauses: Vec<u64> =
        [1, 2, 3, 9, 40, u32::MAX].into_iter().map(|failures| pause(FIRST_PAUSE, failures).as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 256, 300, 300]);
}
