//! A mailbox is its agency's alone; reading keeps, acknowledging ends, and the sender is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use futures_util::StreamExt;

use lienthong_contract::door::{Mailbox, Tracking};

use super::*;
use crate::directory::Snapshot;
use crate::intake::tests::{World, until};

fn caller(code: &str) -> Identity {
    Identity { agency: code.parse().unwrap(), credential: format!("certificate of {code}"), door: "native".to_owned() }
}

async fn bytes(content: Content) -> Vec<u8> {
    let chunks: Vec<_> = content.bytes.map(|chunk| chunk.unwrap()).collect().await;
    chunks.concat()
}

fn cause<T: fmt::Debug>(answer: Result<T, Refusal>) -> RefusalCause {
    answer.unwrap_err().cause
}

#[tokio::test]
async fn what_is_not_the_callers_does_not_exist_for_it() {
    let world = World::new(None);
    let submission = world.submit(world.packet(1, &["G09.90", "H37.91"])).await;
    let mailboxes = world.province.mailboxes();
    let (owner, stranger) = (caller("H37.91"), caller("H49.90"));
    let item = mailboxes.list(&owner, None, None, 10).await.unwrap().items.remove(0);
    assert_eq!(cause(mailboxes.list(&stranger, Some(&owner.agency), None, 10).await), RefusalCause::Forbidden);
    assert_eq!(cause(mailboxes.content(&stranger, item.id).await), RefusalCause::NotFound);
    let accept = Acknowledgement::Accept;
    assert_eq!(cause(mailboxes.acknowledge(&stranger, item.id, &accept).await), RefusalCause::NotFound);
    assert_eq!(cause(mailboxes.trace(&stranger, submission.doc_id).await), RefusalCause::NotFound);
    assert_eq!(cause(mailboxes.content(&owner, ConsignmentId::fresh()).await), RefusalCause::NotFound);
    // The consignment on its way to the nation is in no mailbox here, not even for its sender.
    let other = submission.consignments.iter().find(|entry| entry.id != item.id).unwrap();
    assert_eq!(cause(mailboxes.content(&caller("H37.90"), other.id).await), RefusalCause::NotFound);
    // The recipient sees its own consignment, the sender sees both.
    assert_eq!(mailboxes.trace(&owner, submission.doc_id).await.unwrap().consignments.len(), 1);
    assert_eq!(mailboxes.trace(&caller("H37.90"), submission.doc_id).await.unwrap().consignments.len(), 2);
    world.end().await;
}

#[tokio::test]
async fn reading_keeps_and_one_answer_ends_for_good_at_every_hop() {
    let world = World::new(None);
    let packet = world.packet(1, &["G09.90"]);
    let submission = world.submit(packet.clone()).await;
    until("it has arrived", async || world.nation.store.counts().await.unwrap().consigned == 1).await;
    let (mailboxes, owner) = (world.nation.mailboxes(), caller("G09.90"));
    for _ in 0..2 {
        let item = mailboxes.list(&owner, None, None, 10).await.unwrap().items.remove(0);
        assert_eq!(bytes(mailboxes.content(&owner, item.id).await.unwrap()).await, packet);
    }
    let id = submission.consignments[0].id;
    let (accept, refuse) = (Acknowledgement::Accept, Acknowledgement::Refuse { reason: "sai nơi nhận".to_owned() });
    for reason in ["", "  ", &"x".repeat(1001)] {
        let empty = Acknowledgement::Refuse { reason: reason.to_owned() };
        assert_eq!(cause(mailboxes.acknowledge(&owner, id, &empty).await), RefusalCause::BadPacket);
    }
    let first = mailboxes.acknowledge(&owner, id, &refuse).await.unwrap();
    let again = mailboxes.acknowledge(&owner, id, &refuse).await.unwrap();
    assert_eq!(first.receipt, again.receipt);
    assert_eq!(cause(mailboxes.acknowledge(&owner, id, &accept).await), RefusalCause::Conflict);
    assert!(mailboxes.list(&owner, None, None, 10).await.unwrap().items.is_empty());
    // What was answered may still be read.
    assert_eq!(bytes(mailboxes.content(&owner, id).await.unwrap()).await, packet);
    until("the sender's gateway knows", async || world.province.store.counts().await.unwrap().refused == 1).await;
    let trace = world.province.mailboxes().trace(&caller("H37.90"), submission.doc_id).await.unwrap();
    let last = trace.consignments[0].receipts.last().unwrap();
    assert_eq!((&last.jws, last.reason.as_deref()), (&first.receipt, Some("sai nơi nhận")));
    world.end().await;
}

#[tokio::test]
async fn a_locked_agency_is_shut_out_and_loses_nothing() {
    let world = World::new(None);
    let submission = world.submit(world.packet(1, &["H37.91"])).await;
    let (mailboxes, owner) = (world.province.mailboxes(), caller("H37.91"));
    let id = mailboxes.list(&owner, None, None, 10).await.unwrap().items.remove(0).id;
    let agencies = |locked: bool| {
        format!(
            "[[agency]]\ncode = 'H37.91'\nname = 'a'\nlocked = {locked}\n\
             [[agency]]\ncode = 'H37.90'\nname = 'b'\nspeaks_for = ['H37.91']\n"
        )
    };
    let under = |locked: bool| {
        let directory = Arc::new(Directory::fixed(Snapshot::from_toml(&agencies(locked)).unwrap()));
        Mailboxes { directory, ..world.province.mailboxes() }
    };
    let locked = under(true);
    let accept = Acknowledgement::Accept;
    let told = |refusal: Refusal| (refusal.cause, refusal.findings[0].code.clone());
    let shut_out = (RefusalCause::Forbidden, "LT-INT-0014".to_owned());
    // Neither by itself nor through somebody who speaks for it.
    for who in [&owner, &caller("H37.90")] {
        assert_eq!(told(locked.list(who, Some(&owner.agency), None, 10).await.unwrap_err()), shut_out);
        assert_eq!(told(locked.content(who, id).await.err().unwrap()), shut_out);
        assert_eq!(told(locked.acknowledge(who, id, &accept).await.unwrap_err()), shut_out);
    }
    assert_eq!(told(locked.trace(&owner, submission.doc_id).await.unwrap_err()), shut_out);
    // Strangers learn nothing of it, and the sender goes on seeing what it sent.
    assert_eq!(cause(locked.content(&caller("H49.90"), id).await), RefusalCause::NotFound);
    assert!(locked.trace(&caller("H37.90"), submission.doc_id).await.is_ok());
    // Unlocked again, it finds what came.
    assert_eq!(under(false).list(&owner, None, None, 10).await.unwrap().items[0].id, id);
    world.end().await;
}

#[tokio::test]
async fn a_successor_reads_the_mailbox_of_the_agency_it_took_over() {
    let world = World::new(None);
    let mailboxes = world.province.mailboxes();
    let closed = "H47.90".parse().unwrap();
    assert!(mailboxes.list(&caller("H37.91"), Some(&closed), None, 10).await.unwrap().items.is_empty());
    assert_eq!(cause(mailboxes.list(&caller("H37.90"), Some(&closed), None, 10).await), RefusalCause::Forbidden);
    world.end().await;
}

#[tokio::test]
async fn a_position_that_was_never_given_is_refused() {
    let world = World::new(None);
    for number in 1..=3 {
        world.submit(world.packet(number, &["H37.91"])).await;
    }
    let (mailboxes, owner) = (world.province.mailboxes(), caller("H37.91"));
    for bad in ["garbage", "1", "1.", ".1", "1.x", "1.2.3", "-1.2", "1.99999999999999999999", " 1.2"] {
        let refusal = mailboxes.list(&owner, None, Some(bad), 10).await.unwrap_err();
        assert_eq!(
            (refusal.cause, refusal.findings[0].code.as_str()),
            (RefusalCause::BadPacket, "LT-INT-0015"),
            "{bad}"
        );
        assert_eq!(refusal.findings[0].found.as_deref(), Some(bad));
    }
    for bad in [" !!", "H37.90/1", &"H".repeat(36)] {
        assert_eq!(cause(mailboxes.agencies(None, Some(bad), 10).await), RefusalCause::BadPacket, "{bad}");
    }
    // Positions that were given lead through everything once.
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = mailboxes.list(&owner, None, after.as_deref(), 1).await.unwrap();
        seen.extend(page.items.iter().map(|item| item.id));
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert_eq!(seen.len(), 3);
    let first = mailboxes.agencies(None, None, 2).await.unwrap();
    let second = mailboxes.agencies(None, first.next.as_deref(), 2).await.unwrap();
    assert!(first.items[1].code < second.items[0].code);
    world.end().await;
}
