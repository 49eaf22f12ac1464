//! Whatever happens on the way, the books balance at any time, and in the end every consignment has exactly one
//! terminal receipt on its chain, the same at every hop that had it. What its recipient gave back is handed to nobody
//! after that, whether it was there already, was offered or came later, and its content is destroyed at every hop.
//!
//! `LIENTHONG_TEST_RUNS` sets the number of runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{ConsignmentId, HopName};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::super::{End, Told, account, kept, told};
use super::network::{HOUR, Node, ROW, World};
use crate::receipts::{Event, verify_chain};
use crate::statutory::{Calendar, Hours, Terms};
use crate::store::statements::{Crossed, Direction, StatementStore};
use crate::store::statistics::Wanted;
use crate::store::{BooksStore, statistics};

/// Runs in one world, before a new one begins with empty stores.
const RUNS_IN_A_WORLD: u32 = 8;

#[derive(Debug, Clone)]
enum Action {
    Submit {
        at: usize,
        to: u8,
        urgent: bool,
    },
    SubmitAgain(usize),
    SendPackets(usize),
    SendReceipts(usize),
    Deliver {
        which: usize,
        double: bool,
        refuse: bool,
    },
    Lose(usize),
    Answer {
        which: usize,
        taken: bool,
    },
    /// This clock alone goes on, or back.
    Clock {
        at: usize,
        hours: i64,
    },
    EndOverdue(usize),
    /// The sender changes a document, or asks for it; the recipient answers.
    Update(usize),
    Ask(usize),
    Reply {
        which: usize,
        agrees: bool,
    },
    /// A document is overtaken by its own recall.
    Overtake {
        at: usize,
        to: usize,
    },
    Destroy(usize),
    /// This gateway's clock runs beyond the time to pass documents on, and it ends what it still has.
    GiveUp(usize),
    /// All send, and all that is on its way arrives, the last first.
    Round,
    Crash(usize),
    /// The books are kept on, up to what has come.
    Keep(usize),
}

fn action() -> impl Strategy<Value = Action> {
    let at = || 0..ROW.len();
    let which = || 0..1_000_usize;
    let often = |one_in: u32| prop::bool::weighted(1.0 / f64::from(one_in));
    prop_oneof![
        3 => (at(), 1..8_u8, often(4)).prop_map(|(at, to, urgent)| Action::Submit { at, to, urgent }),
        1 => which().prop_map(Action::SubmitAgain),
        7 => at().prop_map(Action::SendPackets),
        7 => at().prop_map(Action::SendReceipts),
        24 => (which(), often(4), often(20))
            .prop_map(|(which, double, refuse)| Action::Deliver { which, double, refuse }),
        3 => which().prop_map(Action::Lose),
        6 => (which(), often(4)).prop_map(|(which, refused)| Action::Answer { which, taken: !refused }),
        3 => (at(), -2..60_i64).prop_map(|(at, hours)| Action::Clock { at, hours }),
        2 => at().prop_map(Action::EndOverdue),
        2 => at().prop_map(Action::GiveUp),
        5 => Just(Action::Round),
        2 => which().prop_map(Action::Update),
        4 => which().prop_map(Action::Ask),
        6 => (which(), often(6)).prop_map(|(which, refused)| Action::Reply { which, agrees: !refused }),
        1 => (at(), at()).prop_map(|(at, to)| Action::Overtake { at, to }),
        1 => at().prop_map(Action::Destroy),
        1 => at().prop_map(Action::Crash),
        3 => at().prop_map(Action::Keep),
    ]
}

async fn act(world: &mut World, action: Action) {
    match action {
        Action::Submit { at, to, urgent } => world.submit(at, to, urgent).await,
        Action::SubmitAgain(which) => world.submit_again(which).await,
        Action::SendPackets(at) => world.send_packets(at).await,
        Action::SendReceipts(at) => world.send_receipts(at).await,
        Action::Deliver { which, double, refuse } => world.deliver(which, double, refuse).await,
        Action::Lose(which) => world.lose(which),
        Action::Answer { which, taken } => world.answer(which, taken).await,
        Action::Clock { at, hours } => world.nodes[at].now += hours * HOUR,
        Action::Update(which) => world.update(which).await,
        Action::Ask(which) => world.ask(which).await,
        Action::Reply { which, agrees } => world.reply(which, agrees).await,
        Action::Overtake { at, to } => world.overtake(at, to).await,
        Action::Destroy(at) => world.destroy(at).await,
        Action::EndOverdue(at) => {
            world.end_overdue(at).await;
        }
        Action::GiveUp(at) => {
            world.nodes[at].now += 50 * HOUR;
            world.end_overdue(at).await;
        }
        Action::Round => {
            for at in 0..ROW.len() {
                world.send_packets(at).await;
                world.send_receipts(at).await;
            }
            for message in std::mem::take(&mut world.network).into_iter().rev() {
                world.arrive(message, false).await;
            }
        }
        Action::Crash(at) => world.crash(at),
        Action::Keep(at) => kept::catch_up(&world.nodes[at].store, &world.nodes[at].name).await.unwrap(),
    }
}

/// What the receipts at each hop tell of each consignment that it has an acceptance for.
async fn heard(world: &World) -> HashMap<(HopName, ConsignmentId), Told> {
    let mut heard = HashMap::new();
    for node in &world.nodes {
        let mut after = Some(0);
        while let Some(position) = after {
            let page = node.store.acceptances(position, None, 100).await.unwrap();
            assert!(page.unreadable.is_empty());
            for line in page.acceptances.iter().flat_map(|acceptance| &acceptance.lines) {
                let known = line.known.as_ref().expect("what was accepted is here");
                heard.insert((node.name.clone(), line.id), told(&node.name, line.id, &known.receipts));
            }
            after = page.next;
        }
    }
    heard
}

async fn balanced(world: &World) {
    for node in &world.nodes {
        let account = account(&node.store, &node.name, None).await.unwrap();
        assert!(account.total.balanced && account.differences.is_empty(), "{account:#?}");
        assert!(account.agencies.iter().all(|agency| agency.figures.balanced));
        let whole = serde_json::to_value(&account).unwrap();
        let kept = kept::account(&node.store, &node.name, None, true).await.unwrap();
        assert_eq!(serde_json::to_value(&kept).unwrap(), whole, "kept so far, and what has come since");
        for day in account.days.iter().rev().take(2).map(|day| day.day.parse().unwrap()) {
            let whole = super::super::account(&node.store, &node.name, Some(day)).await.unwrap();
            let kept = kept::account(&node.store, &node.name, Some(day), true).await.unwrap();
            assert_eq!(serde_json::to_value(&kept).unwrap(), serde_json::to_value(&whole).unwrap(), "{day}");
        }
    }
}

/// What is kept, kept on to the end, is what all receipts tell.
async fn recounted(world: &World) {
    for node in &world.nodes {
        for kept_on in [false, true] {
            if kept_on {
                kept::catch_up(&node.store, &node.name).await.unwrap();
            }
            let recount = kept::recount(&node.store, &node.name).await.unwrap();
            assert!(recount.sums_compared && recount.wrong == 0, "{:#?}", recount.account);
        }
        let whole = account(&node.store, &node.name, None).await.unwrap();
        let kept = kept::account(&node.store, &node.name, None, true).await.unwrap();
        assert_eq!(serde_json::to_value(&kept).unwrap(), serde_json::to_value(&whole).unwrap());
    }
}

/// What crossed each link is the same at both ends, day by day.
async fn both_ends_agree(world: &World) {
    for node in &world.nodes {
        while node.store.list_crossings(50).await.unwrap() {}
    }
    for (one, other) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let (here, there) = (&world.nodes[one], &world.nodes[other]);
        let days = |at: usize| {
            let db = rusqlite::Connection::open(world.file(at)).unwrap();
            let mut query = db.prepare("SELECT DISTINCT day FROM crossings").unwrap();
            query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect::<BTreeSet<i64>>()
        };
        for day in days(one).union(&days(other)) {
            let crossed = |peer: &HopName, direction| Crossed { peer: peer.clone(), direction, day: *day };
            let given = here.store.sums(&crossed(&there.name, Direction::Given)).await.unwrap();
            let taken = there.store.sums(&crossed(&here.name, Direction::Taken)).await.unwrap();
            assert_eq!((given.accepted, given.rejected), (taken.accepted, taken.rejected), "{} day {day}", here.name);
            assert!(given == taken, "{} → {} day {day}", here.name, there.name);
        }
    }
}

/// The statistics of a run, so that the runs can be seen to reach what they are about.
#[derive(Debug, Default, Clone, Copy)]
struct Reached {
    consignments: u64,
    handed_over: u64,
    refused: u64,
    failed: u64,
    passed_outside: u64,
    late: u64,
    given_back: u64,
    overtaken: u64,
    destroyed: u64,
}

async fn run(world: &mut World, actions: Vec<Action>) -> Reached {
    world.begin();
    for (nr, action) in actions.into_iter().enumerate() {
        act(world, action).await;
        if nr % 8 == 0 {
            let node = &world.nodes[nr / 8 % world.nodes.len()];
            statistics::StatisticsStore::fold(&node.store, terms(30), 3).await.unwrap();
        }
    }
    balanced(world).await;
    world.settle().await;
    world.run_out().await;
    balanced(world).await;
    recounted(world).await;
    statistics_recounted(world).await;
    both_ends_agree(world).await;
    let [given_back, overtaken, destroyed] = world.recalled().await;
    let heard = heard(world).await;
    let mut reached = Reached { given_back, overtaken, destroyed, ..Reached::default() };
    for (at, doc_id, id) in &world.handed_in {
        let first = &heard[&(world.nodes[*at].name.clone(), *id)];
        let end = one_end(first, *id);
        reached.consignments += 1;
        match end {
            End::HandedOver => reached.handed_over += 1,
            End::Refused => reached.refused += 1,
            End::Failed => reached.failed += 1,
            End::PassedOutside => reached.passed_outside += 1,
        }
        let taken = world.given.iter().filter(|given| *given == id).count();
        assert_eq!(taken, usize::from(end == End::HandedOver), "what is handed over was taken, once");
        let mut signed = 0;
        for node in world.nodes.iter() {
            let Some(there) = heard.get(&(node.name.clone(), *id)) else { continue };
            signed += there.own_ends;
            if there.accepted.is_some() {
                assert_eq!(one_end(there, *id), end);
                assert_eq!(there.chain.last().unwrap().digest, first.chain.last().unwrap().digest, "{}", node.name);
            } else {
                reached.late += 1;
                let state = world.state(&node.name, *doc_id, *id).await;
                assert_eq!(state, Some(ConsignmentState::Withdrawn), "{}", node.name);
            }
        }
        let rejection = first.chain.last().unwrap().receipt.event == Event::RelayRejection;
        // A hop that refuses has no acceptance, and is not among those that were heard.
        assert_eq!(signed, usize::from(!rejection), "one hop ended it, once");
    }
    reached
}

/// Each hop's statistics, followed in portions on the way, are those that are made anew at once.
async fn statistics_recounted(world: &World) {
    let all = Wanted { from: 0, to: 100_000, by_agency: true, by_day: true, ..Wanted::default() };
    for node in &world.nodes {
        follow(node, 30, 5).await;
        let kept = statistics::StatisticsStore::sums(&node.store, all.clone()).await.unwrap();
        follow(node, 31, 10_000).await;
        follow(node, 30, 10_000).await;
        assert_eq!(statistics::StatisticsStore::sums(&node.store, all.clone()).await.unwrap(), kept, "{}", node.name);
    }
}

/// Follows all receipts and statuses in portions of this size, by these terms.
async fn follow(node: &Node, urgent_minutes: u32, limit: usize) {
    while statistics::StatisticsStore::fold(&node.store, terms(urgent_minutes), limit).await.unwrap() {}
}

fn terms(minutes: u32) -> Arc<Terms> {
    let calendar = Calendar::read(&[], Hours::default()).unwrap();
    Arc::new(Terms { calendar, urgent_send_minutes: minutes, urgent_acknowledge_minutes: minutes })
}

/// Its chain is whole, and has one end.
fn one_end(told: &Told, id: ConsignmentId) -> End {
    let last = told.chain.last().unwrap();
    verify_chain(&told.chain, last.receipt.packet, id).unwrap();
    assert_eq!(told.chain.iter().filter(|sealed| sealed.receipt.event.is_terminal()).count(), 1);
    told.end.expect("it has ended")
}

#[test]
fn the_books_balance_and_each_consignment_ends_once_whatever_happens_on_the_way() {
    let default = if cfg!(debug_assertions) { 300 } else { 2000 };
    let cases = std::env::var("LIENTHONG_TEST_RUNS").ok().map_or(default, |runs| runs.parse().unwrap());
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (world, reached) = (Mutex::new(None::<(World, u32)>), Mutex::new(Reached::default()));
    let tested = TestRunner::new(config).run(&prop::collection::vec(action(), 1..60), |actions| {
        let (mut old, runs) = world.lock().unwrap().take().unwrap_or_else(|| (World::new(), 0));
        // A run that fails leaves no world: the smaller ones that are then tried begin with a new one.
        let of_run = runtime.block_on(run(&mut old, actions));
        let mut all = reached.lock().unwrap();
        all.consignments += of_run.consignments;
        all.handed_over += of_run.handed_over;
        all.refused += of_run.refused;
        all.failed += of_run.failed;
        all.late += of_run.late;
        all.given_back += of_run.given_back;
        all.overtaken += of_run.overtaken;
        all.destroyed += of_run.destroyed;
        *world.lock().unwrap() = Some((old, runs + 1)).filter(|_| runs + 1 < RUNS_IN_A_WORLD);
        Ok(())
    });
    if let Err(failed) = tested {
        panic!("{failed}");
    }
    let all = *reached.lock().unwrap();
    println!("{cases} runs: {all:?}");
    // A network that is never used, or never at fault, would satisfy everything.
    if cases >= 100 {
        assert!(all.handed_over > 0 && all.refused > 0 && all.failed > 0 && all.late > 0, "{all:?}");
        assert!(all.given_back > all.overtaken && all.overtaken > 0 && all.destroyed > 0, "{all:?}");
    }
}
