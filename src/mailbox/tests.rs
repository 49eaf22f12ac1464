//! A mailbox is its agency's alone; reading keeps, acknowledging ends, and the sender is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use futures_util::StreamExt;

use lienthong_contract::door::{Mailbox, Tracking};

use super::*;
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
