//! Both ends of a link state what crossed it; what does not agree is named, and alarms when it still does not a day later.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lienthong_contract::{Clock, HopName, Instant};

use super::super::statement::{HORIZON, LinkBooks, Statement, Tell, day_of, enter, number_of};
use super::super::{Account, account};
use super::network::{HOUR, ROW, World};
use crate::custody::Batch;
use crate::store::sqlite::tests::support::hop;
use crate::store::statements::{Crossed, Direction, LinkDifference, MAX_KEPT, StatementStore};

#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// What one end has said, until it is heard.
#[derive(Default)]
struct Said {
    batches: Mutex<Vec<Batch>>,
    cut: Mutex<bool>,
}

#[async_trait]
impl Tell for Said {
    async fn tell(&self, _peer: &HopName, batch: &Batch) -> Result<(), String> {
        if *self.cut.lock().unwrap() {
            return Err("cut".to_owned());
        }
        self.batches.lock().unwrap().push(batch.clone());
        Ok(())
    }
}

/// Province and nation, the first two of the row.
struct Ends {
    world: World,
    books: Vec<LinkBooks>,
    said: Vec<Arc<Said>>,
    clock: Arc<Hand>,
}

impl Ends {
    async fn with(letters: usize) -> Self {
        let mut world = World::new();
        for _ in 0..letters {
            world.submit(0, 0b010, false).await;
        }
        let clock = Arc::new(Hand(AtomicI64::new(world.nodes[0].now)));
        let said: Vec<Arc<Said>> = vec![Arc::default(), Arc::default()];
        let books = (0..2).map(|at| LinkBooks {
            hop: world.nodes[at].name.clone(),
            peers: vec![hop(ROW[1 - at].0)],
            store: Arc::new(world.nodes[at].store.clone()),
            neighbours: Arc::clone(&said[at]) as _,
            clock: Arc::clone(&clock) as _,
            heard: Arc::default(),
        });
        let books = books.collect();
        Self { world, books, said, clock }
    }

    /// The next day: both state, and nobody hears it.
    async fn lost_day(&self) {
        self.clock.0.fetch_add(24 * HOUR, Ordering::Relaxed);
        for (books, said) in self.books.iter().zip(&self.said) {
            books.state().await.unwrap();
            said.batches.lock().unwrap().clear();
        }
    }

    fn today(&self) -> i64 {
        number_of(self.clock.now().in_vietnam().date())
    }

    /// How many days and directions wait at this end for the other to agree.
    async fn open(&self, at: usize) -> u64 {
        let open = self.world.nodes[at].store.open_days((0, self.today() - 3)).await.unwrap();
        open.iter().map(|(_, count)| count).sum()
    }

    /// The next day: both state, and hear each other until nothing is left to say. Gives what was said of statements and
    /// of crossings.
    async fn next_day(&self) -> (usize, usize) {
        self.clock.0.fetch_add(24 * HOUR, Ordering::Relaxed);
        for books in &self.books {
            books.state().await.unwrap();
        }
        let (mut statements, mut crossings) = (0, 0);
        loop {
            let mut silent = true;
            for at in 0..2 {
                let said = std::mem::take(&mut *self.said[at].batches.lock().unwrap());
                for batch in said {
                    silent = false;
                    match batch {
                        Batch::Statement { from_hop, statement, .. } => {
                            statements += 1;
                            self.books[1 - at].heard(&from_hop, &statement).await.unwrap();
                        }
                        Batch::Crossings { from_hop, crossings: told, .. } => {
                            crossings += 1;
                            self.books[1 - at].heard_crossings(&from_hop, &told).await.unwrap();
                        }
                        _ => panic!("nothing else is said"),
                    }
                }
            }
            if silent {
                return (statements, crossings);
            }
        }
    }

    async fn account(&self, at: usize) -> Account {
        let node = &self.world.nodes[at];
        let mut account = account(&node.store, &node.name, None).await.unwrap();
        enter(&node.store, &mut account, None, self.clock.now()).await.unwrap();
        account
    }

    fn tamper(&self, at: usize, sql: &str) {
        let changed = rusqlite::Connection::open(self.world.file(at)).unwrap().execute(sql, []).unwrap();
        assert_eq!(changed, 1, "{sql}");
    }
}

#[tokio::test]
async fn both_ends_agree_and_say_so_twice() {
    let mut ends = Ends::with(5).await;
    ends.world.settle().await;
    // Of each of two days both directions, by both ends.
    assert_eq!(ends.next_day().await, (8, 0));
    for books in &ends.books {
        books.state().await.unwrap();
    }
    assert!(ends.said.iter().all(|said| said.batches.lock().unwrap().is_empty()), "once a day");
    assert_eq!(ends.next_day().await, (8, 0));
    for at in 0..2 {
        let account = ends.account(at).await;
        assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");
    }
}

#[tokio::test]
async fn a_statement_that_could_not_be_sent_is_sent_later_that_day() {
    let mut ends = Ends::with(1).await;
    ends.world.settle().await;
    *ends.said[0].cut.lock().unwrap() = true;
    assert_eq!(ends.next_day().await, (4, 0));
    *ends.said[0].cut.lock().unwrap() = false;
    ends.books[0].state().await.unwrap();
    assert_eq!(ends.said[0].batches.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_document_that_one_end_has_lost_is_named_at_both_after_two_days() {
    let mut ends = Ends::with(300).await;
    ends.world.settle().await;
    let (_, doc_id, id) = ends.world.handed_in[7];
    let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    ends.tamper(1, &format!("DELETE FROM consignments WHERE id = x'{hex}'"));
    let (_, crossings) = ends.next_day().await;
    assert_eq!(crossings, 2, "each tells the other what it has in the one bucket");
    assert!(ends.account(0).await.total.balanced, "it may be on its way");
    ends.next_day().await;
    let account = ends.account(0).await;
    assert!(!account.total.balanced);
    let [difference] = &account.differences[..] else { panic!("{account:#?}") };
    assert_eq!((difference.consignment, difference.doc_id), (Some(id), Some(doc_id)));
    assert_eq!(difference.code, "LT-BOK-0006");
    // There its own books tell too that it is gone.
    let there = ends.account(1).await;
    assert!(there.differences.iter().all(|difference| difference.consignment == Some(id)), "{there:#?}");
    assert!(there.differences.iter().any(|difference| difference.code == "LT-BOK-0006"), "{there:#?}");
}

#[tokio::test]
async fn a_receipt_that_comes_a_day_late_makes_no_alarm() {
    let mut ends = Ends::with(3).await;
    // The nation accepts, and its receipts do not come through.
    ends.world.send_packets(0).await;
    for message in std::mem::take(&mut ends.world.network) {
        ends.world.arrive(message, false).await;
    }
    let of_day = number_of(Instant::from_millis(ends.world.nodes[1].now).in_vietnam().date());
    ends.next_day().await;
    ends.world.settle().await;
    ends.next_day().await;
    for at in 0..2 {
        let account = ends.account(at).await;
        assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");
        let crossed = crate::store::statements::Crossed {
            peer: hop(ROW[1 - at].0),
            direction: if at == 0 { Direction::Given } else { Direction::Taken },
            day: of_day,
        };
        // The day is that of the receipt, not of its arrival.
        assert_eq!(ends.world.nodes[at].store.sums(&crossed).await.unwrap().accepted, 3);
    }
}

#[tokio::test]
async fn what_differs_and_agrees_later_is_settled_and_what_no_neighbour_says_is_not_heard() {
    let mut ends = Ends::with(2).await;
    ends.world.settle().await;
    let id = ends.world.handed_in[0].2;
    let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    // The sending end alone holds it for under way again.
    ends.tamper(0, &format!("UPDATE consignments SET state = 'queued' WHERE id = x'{hex}'"));
    ends.next_day().await;
    let named = |ends: &Ends| {
        let store = ends.world.nodes[1].store.clone();
        async move { store.differences(i64::MAX, 10).await.unwrap().0 }
    };
    let found = named(&ends).await;
    assert_eq!((found.len(), found[0].id, found[0].here, found[0].there), (1, id, Some(true), None));
    ends.tamper(0, &format!("UPDATE consignments SET state = 'consigned' WHERE id = x'{hex}'"));
    ends.next_day().await;
    assert!(named(&ends).await.is_empty());

    let mut spoken = Vec::new();
    ends.clock.0.fetch_add(24 * HOUR, Ordering::Relaxed);
    ends.books[0].state().await.unwrap();
    spoken.append(&mut ends.said[0].batches.lock().unwrap());
    let Batch::Statement { statement, .. } = &spoken[0] else { panic!("a statement") };
    ends.books[1].heard(&hop("province-b"), statement).await.unwrap();
    let future =
        crate::books::statement::Statement { day: day_of(number_of(statement.day) + 9).unwrap(), ..statement.clone() };
    ends.books[1].heard(&hop("province-a"), &future).await.unwrap();
    assert!(ends.said[1].batches.lock().unwrap().is_empty());
}

fn hex(id: lienthong_contract::ConsignmentId) -> String {
    id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn days_on_which_the_neighbour_was_away_are_stated_again_one_a_turn_until_both_agree() {
    let mut ends = Ends::with(3).await;
    ends.world.settle().await;
    for _ in 0..5 {
        ends.lost_day().await;
    }
    assert!(ends.open(0).await > 0 && ends.open(1).await > 0);
    let mut days = 0;
    while ends.open(0).await + ends.open(1).await > 0 {
        let (statements, crossings) = ends.next_day().await;
        // The daily ones, one older of each end, and the answers to those.
        assert!(statements <= 12 && crossings == 0, "{statements} {crossings}");
        days += 1;
        assert!(days < 30, "they never agree");
    }
    assert!(ends.account(0).await.total.balanced && ends.account(1).await.total.balanced);
    // Nothing is left to say beyond what is said daily.
    ends.next_day().await;
    assert_eq!(ends.next_day().await, (8, 0));
}

#[tokio::test]
async fn a_difference_that_is_mended_after_both_daily_statements_is_cleared() {
    let mut ends = Ends::with(2).await;
    ends.world.settle().await;
    let id = hex(ends.world.handed_in[0].2);
    ends.tamper(0, &format!("UPDATE consignments SET state = 'queued' WHERE id = x'{id}'"));
    for _ in 0..4 {
        ends.next_day().await;
    }
    assert!(!ends.account(1).await.total.balanced);
    ends.tamper(0, &format!("UPDATE consignments SET state = 'consigned' WHERE id = x'{id}'"));
    let mut days = 0;
    while !ends.account(1).await.total.balanced {
        ends.next_day().await;
        days += 1;
        assert!(days < 20, "it stays for ever");
    }
    assert_eq!(ends.open(0).await + ends.open(1).await, 0);
}

#[tokio::test]
async fn what_an_operator_settled_is_no_alarm_and_is_not_stated_again_and_stays_on_record() {
    let mut ends = Ends::with(2).await;
    ends.world.settle().await;
    let of_day = ends.today();
    let id = hex(ends.world.handed_in[0].2);
    ends.tamper(0, &format!("UPDATE consignments SET state = 'queued' WHERE id = x'{id}'"));
    for _ in 0..3 {
        ends.next_day().await;
    }
    assert!(!ends.account(1).await.total.balanced && ends.open(1).await == 1);
    let (store, peer) = (&ends.world.nodes[1].store, hop("province-a"));
    let why = "hai bên đã đối chiếu biên nhận".to_owned();
    assert_eq!(store.settle(&peer, of_day, ends.clock.now(), why.clone()).await.unwrap(), 1);
    assert_eq!(store.settle(&peer, of_day, ends.clock.now(), why).await.unwrap(), 0);
    for _ in 0..10 {
        ends.next_day().await;
        assert!(ends.account(1).await.total.balanced && ends.open(1).await == 0);
    }
    let db = rusqlite::Connection::open(ends.world.file(1)).unwrap();
    let kept = "SELECT count(*) FROM link_differences";
    assert_eq!(db.query_row(kept, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[tokio::test]
async fn a_neighbour_that_states_falsely_again_and_again_is_heard_only_so_often_a_day() {
    let mut ends = Ends::with(2).await;
    ends.world.settle().await;
    ends.next_day().await;
    let [peer, other] = [hop("province-a"), hop("nation")];
    let false_one = Statement {
        v: 1,
        day: day_of(ends.today() - 1).unwrap(),
        direction: Direction::Given,
        accepted: 7,
        rejected: 0,
        digest: lienthong_contract::Digest::of(b"false"),
        buckets: vec!["0".repeat(16); 256],
    };
    for _ in 0..100 {
        ends.books[1].heard(&peer, &false_one).await.unwrap();
    }
    let answers = ends.said[1].batches.lock().unwrap().len();
    assert!(answers > 0 && answers < 10, "{answers}");
    let dropped = ends.books[1].heard.dropped(&peer);
    assert!(dropped > 90 && ends.books[1].heard.dropped(&other) == 0, "{dropped}");
    // Another day is heard all the same, and the next day hears this one again.
    let older = Statement { day: day_of(ends.today() - 2).unwrap(), ..false_one.clone() };
    ends.books[1].heard(&peer, &older).await.unwrap();
    ends.clock.0.fetch_add(24 * HOUR, Ordering::Relaxed);
    ends.books[1].heard(&peer, &false_one).await.unwrap();
    assert_eq!(ends.books[1].heard.dropped(&peer), dropped);
}

#[tokio::test]
async fn differences_of_a_day_have_so_many_places_and_the_rest_is_counted() {
    let ends = Ends::with(0).await;
    let store = &ends.world.nodes[1].store;
    let crossed = Crossed { peer: hop("province-a"), direction: Direction::Taken, day: 1000 };
    let made_up = |_| LinkDifference {
        crossed: crossed.clone(),
        id: lienthong_contract::ConsignmentId::fresh(),
        doc_id: None,
        here: None,
        there: Some(true),
    };
    let found: Vec<LinkDifference> = (0..MAX_KEPT + 5).map(made_up).collect();
    store.compared(&crossed, false).await.unwrap();
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(store.put_differences(&crossed, all.clone(), found.clone()).await.unwrap(), 5);
    assert_eq!(store.put_differences(&crossed, Vec::new(), found[..3].to_vec()).await.unwrap(), 3);
    let (named, unnamed) = store.differences(1000, 2 * MAX_KEPT).await.unwrap();
    assert_eq!((named.len(), unnamed), (MAX_KEPT, vec![crossed.clone()]), "that there are more is told");
    // The latest word counts.
    assert_eq!(store.put_differences(&crossed, all, found[..1].to_vec()).await.unwrap(), 0);
    let (named, unnamed) = store.differences(1000, 10).await.unwrap();
    assert!(named.len() == 1 && unnamed.is_empty(), "{unnamed:?}");
}

#[tokio::test]
async fn the_list_of_crossings_forgets_what_both_ends_agreed_on_and_nothing_else() {
    let mut ends = Ends::with(3).await;
    ends.world.settle().await;
    let of_day = ends.today();
    let listed = |ends: &Ends, at: usize| {
        let db = rusqlite::Connection::open(ends.world.file(at)).unwrap();
        db.query_row("SELECT count(*) FROM crossings", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    ends.next_day().await;
    ends.clock.0.fetch_add(HORIZON * 24 * HOUR, Ordering::Relaxed);
    let crossed = Crossed { peer: hop("nation"), direction: Direction::Given, day: of_day };
    let differing = ends.world.nodes[0].store.clone();
    differing.compared(&crossed, false).await.unwrap();
    assert!(listed(&ends, 0) > 0 && listed(&ends, 1) > 0);
    for books in &ends.books {
        books.prune().await.unwrap();
    }
    assert_eq!((listed(&ends, 0), listed(&ends, 1)), (3, 0), "what is not agreed upon stays");
    differing.settle(&crossed.peer, of_day, ends.clock.now(), "x".to_owned()).await.unwrap();
    ends.books[0].prune().await.unwrap();
    assert_eq!(listed(&ends, 0), 0);
    // Receipts are what the books are made of.
    assert!(ends.account(0).await.total.balanced && ends.account(0).await.total.accepted == 3);
}
