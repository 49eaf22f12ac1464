//! Faults in the middle of 2,000 documents: `kill -9` of each gateway and of the broker, and a cut line. Afterwards every
//! document is in the recipient's mailbox exactly once, with its bytes, and its receipts are whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use lienthong::scene::{Agency, SENDER};
use lienthong_contract::door::{ConsignmentState, InboxItem, Submission};
use lienthong_contract::{Digest, DocId};
use tokio::task::JoinSet;

use support::letters::{Signed, many};
use support::world::{Setup, World, inbox, submit_stubbornly, traced};
use support::{alone, eventually};

const DOCUMENTS: usize = 2000;
/// Documents that the sending system has under way at once.
const AT_ONCE: usize = 16;
/// The agency whose mailbox is two hops away.
const RECIPIENT: &str = "H49.90";
const RECEIPTS: [&str; 4] = [
    "SubmissionAcceptance@province-a",
    "RelayAcceptance@nation",
    "RelayAcceptance@province-b",
    "ContentConsignment@province-b",
];

/// The sending system while it works.
struct Sending {
    accepted: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
    workers: JoinSet<Vec<(Submission, Digest)>>,
}

impl Sending {
    fn start(sender: &Agency, signed: Vec<Signed>) -> Self {
        let (accepted, failures) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let waiting = Arc::new(Mutex::new(signed.into_iter()));
        let mut workers = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, waiting) = (sender.client.clone(), Arc::clone(&waiting));
            let (accepted, failures) = (Arc::clone(&accepted), Arc::clone(&failures));
            workers.spawn(async move {
                let mut done = Vec::new();
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some(signed) = next else { return done };
                    let submission = submit_stubbornly(&client, &signed, &failures).await;
                    accepted.fetch_add(1, Ordering::Relaxed);
                    done.push((submission, signed.digest));
                }
            });
        }
        Self { accepted, failures, workers }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    async fn until_accepted(&self, count: usize) {
        eventually("documents are accepted", async || (self.accepted() >= count).then_some(())).await;
    }

    async fn until_failures(&self, count: usize) {
        let failures = || self.failures.load(Ordering::Relaxed);
        eventually("the sender meets the fault", async || (failures() >= count).then_some(())).await;
    }
}

/// Plays one fault: `2000` documents on their way, the fault while a part of them has arrived, and the end.
async fn play(setup: Setup, fault: impl AsyncFnOnce(&mut World, &Sending)) {
    let _turn = alone();
    let mut world = World::start(setup).await;
    let sender = world.agency(SENDER, "province-a", AT_ONCE);
    let recipient = world.agency(RECIPIENT, "province-b", 8);
    let signed = many(&sender.files, &[RECIPIENT], 1, u32::try_from(DOCUMENTS).unwrap());

    let sending = Sending::start(&sender, signed);
    let arrived = eventually("a part has arrived", async || {
        Some(inbox(&recipient).await.unwrap().len()).filter(|count| *count >= DOCUMENTS / 20)
    })
    .await;
    assert!(arrived < DOCUMENTS, "the fault comes in the middle");
    fault(&mut world, &sending).await;

    let submitted = sending.workers.join_all().await.concat();
    let items =
        eventually("all have arrived", async || inbox(&recipient).await.ok().filter(|items| items.len() >= DOCUMENTS))
            .await;
    each_once_with_its_bytes(&recipient, &submitted, &items).await;
    receipts_are_whole(&world, &sender, &submitted).await;

    // Nothing is sent again afterwards, and nothing was set aside.
    assert_eq!(inbox(&recipient).await.unwrap().len(), DOCUMENTS);
    for hop in ["province-a", "nation", "province-b"] {
        assert_eq!(world.messages(&format!("dead.{hop}")), 0, "{hop}");
    }
}

async fn each_once_with_its_bytes(recipient: &Agency, submitted: &[(Submission, Digest)], items: &[InboxItem]) {
    let sent: HashMap<DocId, Digest> =
        submitted.iter().map(|(submission, digest)| (submission.doc_id, *digest)).collect();
    assert_eq!(sent.len(), DOCUMENTS, "no two packets under one id");
    assert_eq!(items.len(), DOCUMENTS);
    let distinct: HashSet<DocId> = items.iter().map(|item| item.doc_id).collect();
    assert_eq!(distinct.len(), DOCUMENTS, "each is there once");
    stream::iter(items)
        .for_each_concurrent(8, async |item| {
            let expected = sent[&item.doc_id];
            let fetched = recipient.client.content(item.id, &mut tokio::io::sink()).await.unwrap();
            assert_eq!((item.digest, fetched.digest), (expected, expected), "{}", item.doc_id);
        })
        .await;
}

async fn receipts_are_whole(world: &World, sender: &Agency, submitted: &[(Submission, Digest)]) {
    for (submission, _) in submitted {
        let trace = traced(sender, submission.doc_id, "the first hop knows that it is in the mailbox", |trace| {
            trace.consignments.iter().all(|consignment| consignment.state == ConsignmentState::Consigned)
        })
        .await;
        let [consignment] = &trace.consignments[..] else { panic!("{} consignments", trace.consignments.len()) };
        assert_eq!(world.verified(&trace, consignment), RECEIPTS, "{}", submission.doc_id);
        assert_eq!(trace.submission.as_ref().unwrap().jws, submission.receipt, "the receipt that the sender was given");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_first_gateway() {
    play(Setup::default(), async |world, sending| {
        sending.until_accepted(DOCUMENTS / 10).await;
        world.gateway("province-a").kill_dash_nine();
        assert!(sending.accepted() < DOCUMENTS);
        sending.until_failures(AT_ONCE).await;
        world.gateway("province-a").run();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_gateway_in_the_middle() {
    play(Setup::default(), async |world, sending| {
        world.gateway("nation").kill_dash_nine();
        // The sender does not notice: its own gateway goes on accepting.
        sending.until_accepted((sending.accepted() + DOCUMENTS / 10).min(DOCUMENTS)).await;
        world.gateway("nation").run();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_last_gateway() {
    play(Setup::default(), async |world, sending| {
        world.gateway("province-b").kill_dash_nine();
        sending.until_accepted((sending.accepted() + DOCUMENTS / 10).min(DOCUMENTS)).await;
        world.gateway("province-b").run();
        world.gateway("province-b").ready().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_broker() {
    play(Setup::default(), async |world, sending| {
        world.broker.kill_dash_nine();
        sending.until_accepted((sending.accepted() + DOCUMENTS / 10).min(DOCUMENTS)).await;
        world.broker.restart();
    })
    .await;
}

/// A broker that was killed soon after its queues were declared can lose them whole, with all they held.
#[tokio::test(flavor = "multi_thread")]
async fn of_the_broker_and_with_it_all_queues_of_a_gateway() {
    play(Setup::default(), async |world, sending| {
        for queue in ["packets.nation", "packets.nation.urgent", "receipts.nation"] {
            world.broker.forget_queue("lienthong", queue);
        }
        world.broker.kill_dash_nine();
        sending.until_accepted((sending.accepted() + DOCUMENTS / 10).min(DOCUMENTS)).await;
        world.broker.restart();
        let nation = world.gateway("nation");
        let renewed = || nation.log_text().matches("LT-LNK-0016").count();
        eventually("the queues are made anew", async || (renewed() == 3).then_some(())).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_to_the_broker() {
    play(Setup { proxied: Some("nation"), ..Setup::default() }, async |world, sending| {
        let proxy = world.proxy.as_ref().unwrap();
        assert!(proxy.open() > 0, "the gateway uses the line");
        proxy.cut();
        eventually("the line is dead", async || (proxy.open() == 0).then_some(())).await;
        sending.until_accepted((sending.accepted() + DOCUMENTS / 10).min(DOCUMENTS)).await;
        proxy.mend();
    })
    .await;
}
