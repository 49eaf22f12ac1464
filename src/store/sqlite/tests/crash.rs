//! A gateway that is killed: what was answered is there. A child process, this test itself, accepts packets and says
//! each name after the answer; it is killed in the middle and the store is opened again.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use lienthong_contract::DocId;

use super::support::{hop, letter, open, to_nation};
use crate::receipts::Event;
use crate::store::{Route, Store};

const FOLDER: &str = "LIENTHONG_TEST_STORE_OF_CHILD";
const ME: &str = "store::sqlite::tests::crash::what_was_answered_before_a_kill_is_there_after_it";
const ROUNDS: u64 = 10;

#[test]
fn what_was_answered_before_a_kill_is_there_after_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    if let Ok(folder) = std::env::var(FOLDER) {
        runtime.block_on(accept_until_killed(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut answered: Vec<DocId> = Vec::new();
    for round in 0..ROUNDS {
        let before = answered.len();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", ME, "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let enough = before + 20 + usize::try_from(round * 37 % 90).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            answered.extend(line.strip_prefix("answered ").map(|name| name.parse::<DocId>().unwrap()));
            if answered.len() == enough {
                // SIGKILL. What the child says until it is dead is still read.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(answered.len() >= enough, "the child ended by itself in round {round}");
        runtime.block_on(all_there(folder.path(), &answered));
    }
}

async fn accept_until_killed(folder: &Path) -> ! {
    let store = open(folder);
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        while tasks.len() < 16 {
            let store = store.clone();
            tasks.spawn(async move {
                let name = DocId::fresh().to_string();
                let made = letter(&name, 0, &[("G09.90", to_nation()), ("H37.91", Route::Mailbox)]);
                made.accept(&store).await;
                say(made.packet.doc_id);
                let relay = made.way(Event::ContentHandover).remove(0);
                store.record_receipts(&hop("nation"), vec![relay]).await.unwrap();
            });
        }
        tasks.join_next().await.unwrap().unwrap();
    }
}

fn say(doc_id: DocId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "answered {doc_id}").unwrap();
    out.flush().unwrap();
}

async fn all_there(folder: &Path, answered: &[DocId]) {
    let store = open(folder);
    for doc_id in answered {
        let trace = store.trace(*doc_id).await.unwrap().unwrap_or_else(|| panic!("{doc_id} is lost"));
        assert_eq!(trace.consignments.len(), 2);
        for consignment in &trace.consignments {
            assert!(trace.chain(consignment).count() > 0, "{doc_id} has lost its receipts");
        }
    }
    let raw = rusqlite::Connection::open(folder.join("store.db")).unwrap();
    let one = |query: &str| raw.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
    let verdict: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    assert_eq!(one("SELECT count(*) FROM packets WHERE id NOT IN (SELECT packet FROM consignments)"), 0);
    assert_eq!(
        one("SELECT count(*) FROM outbox WHERE id NOT IN (SELECT outbox_id FROM consignments WHERE outbox_id > 0)"),
        0
    );
    assert_eq!(one("SELECT count(*) FROM consignments WHERE (state = 'queued') <> (outbox_id IS NOT NULL)"), 0);
    assert_eq!(one("SELECT count(*) FROM consignments WHERE head NOT IN (SELECT digest FROM receipts)"), 0);
    // The store was opened with its log, so that fits together; and every receipt of ours stands in it, once.
    assert_eq!(one("SELECT count(*) FROM receipts WHERE own = 1 AND seq NOT IN (SELECT receipt FROM ledger)"), 0);
    assert_eq!(one("SELECT count(*) FROM ledger"), one("SELECT count(*) FROM receipts WHERE own = 1"));
}
