//! Packets from a system outside: in once, onward to whom this network reaches, and nothing in anybody else's name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use futures_util::stream;
use lienthong_contract::door::{Refusal, RefusalCause, Submission};
use lienthong_contract::outlet::{Entrance as _, Fetched};

use crate::edxml::model::Urgency;
use crate::intake::tests::{World, until};
use crate::receipts::{Event, jws::read_unverified};
use crate::scene::{self, Letter, example_pdf};
use crate::store::Store as _;

/// A letter that nobody signed.
fn letter(from: &str, number: u32, to: &[&str]) -> Vec<u8> {
    let (attachment, date) = (example_pdf(2000), jiff::civil::date(2026, 9, 21));
    let subject = "Về việc thí dụ";
    Letter { from, to, number, date, subject, urgency: Urgency::Normal, attachment: &attachment }.packet().unwrap()
}

async fn enter(world: &World, outlet: &str, id: &str, packet: &[u8]) -> Result<Submission, Refusal> {
    let words = Some("Thanh\ncong".to_owned());
    let fetched = Fetched { id: id.to_owned(), credential: "system H37.02".to_owned(), words };
    let upload = Box::pin(stream::iter([Ok(Bytes::copy_from_slice(packet))]));
    world.province.intake.enter(&outlet.parse().unwrap(), fetched, upload).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_from_outside_enters_once_and_goes_on_with_a_receipt_that_names_the_system() {
    let world = World::new(None);
    // The last one is reached by the system outside itself.
    let packet = letter("K01.90", 1, &["H37.91", "G09.90", "K02.90"]);
    let (one, other) = tokio::join!(enter(&world, "axis", "a1", &packet), enter(&world, "axis", "a1", &packet));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.doc_id, &one.receipt), (other.doc_id, &other.receipt));
    assert!(one.duplicate != other.duplicate, "one of the two was first");
    let to: Vec<&str> = one.consignments.iter().map(|entry| entry.recipient.as_str()).collect();
    assert_eq!(to, ["H37.91", "G09.90"]);
    let receipt = read_unverified(&one.receipt).unwrap().receipt;
    let outside = receipt.outside.clone().unwrap();
    assert_eq!((receipt.event, outside.system.as_str()), (Event::ReceivedFromNonERDS, "axis"));
    assert_eq!((outside.id.as_deref(), outside.answer.as_deref()), (Some("a1"), Some("Thanh cong")));
    assert_eq!(receipt.credential.as_deref(), Some("system H37.02"));

    // The acknowledgement was lost; and a system that lists by recipient has a second name for it.
    for name in ["a1", "a1-of-another-recipient"] {
        let again = enter(&world, "axis", name, &packet).await.unwrap();
        assert!(again.duplicate && again.receipt == one.receipt, "{name}");
    }
    let second = enter(&world, "axis", "a1", &letter("K01.90", 2, &["H37.91"])).await.unwrap_err();
    assert_eq!((second.cause, second.findings[0].code.as_str()), (RefusalCause::Conflict, "LT-INT-0024"));

    until("both have it", async || {
        let near = world.province.store.counts().await.unwrap();
        near.consigned == 2 && near.outbox == 0
    })
    .await;
    for house in [&world.province, &world.nation] {
        let trace = house.store.trace(one.doc_id).await.unwrap().unwrap();
        house.verify(&trace);
        assert_eq!(trace.submission.as_ref().unwrap().event, "ReceivedFromNonERDS");
    }
    let counts = world.province.store.counts().await.unwrap();
    assert_eq!((counts.packets, counts.consignments, counts.refusals), (1, 2, 1));
    let account = crate::books::account(&*world.province.store, &"province-a".parse().unwrap(), None).await.unwrap();
    assert!(account.total.balanced && account.differences.is_empty(), "{account:?}");
    assert_eq!((account.total.accepted, account.total.in_flight), (2, 2));
    world.end().await;
}

#[tokio::test]
async fn nobody_of_this_network_is_spoken_for_from_outside_and_what_is_refused_is_on_record() {
    let world = World::new(None);
    let refused = async |outlet: &str, id: &str, packet: &[u8]| {
        let refusal = enter(&world, outlet, id, packet).await.unwrap_err();
        assert!(refusal.receipt.is_none());
        let why = refusal.findings.into_iter().find(lienthong_contract::Finding::refuses);
        (refusal.cause, why.map(|finding| finding.code).unwrap_or_default())
    };
    let to = &["H37.91"][..];
    // Ours, a slip below one of ours, and one that another gateway serves.
    for (number, from) in (1..).zip([scene::SENDER, "H37.91.77", "G09.90"]) {
        let answer = refused("axis", from, &letter(from, number, to)).await;
        assert_eq!(answer, (RefusalCause::Forbidden, "LT-INT-0025".to_owned()), "{from}");
    }
    let nobody = refused("axis", "n1", &letter("K01.90", 4, &["K02.90"])).await;
    assert_eq!(nobody, (RefusalCause::Forbidden, "LT-INT-0026".to_owned()));
    let unsigned = refused("strict", "s1", &letter("K01.90", 5, to)).await;
    assert_eq!(unsigned, (RefusalCause::Forbidden, "LT-INT-0003".to_owned()));
    assert_eq!(refused("axis", "x1", b"<html>502 Bad Gateway</html>").await.0, RefusalCause::BadPacket);
    assert_eq!(world.province.store.counts().await.unwrap().refusals, 6);
    // What cannot be tied to anything is not on record.
    assert_eq!(refused("nation", "n1", &letter("K01.90", 6, to)).await.0, RefusalCause::NotFound);
    assert_eq!(refused("axis", " \n", &letter("K01.90", 7, to)).await.1, "LT-INT-0023");
    let counts = world.province.store.counts().await.unwrap();
    assert_eq!((counts.packets, counts.consignments, counts.refusals), (0, 0, 6));
    // None of these names is used up.
    assert!(!enter(&world, "axis", "n1", &letter("K01.90", 8, to)).await.unwrap().duplicate);
    world.end().await;
}

#[tokio::test]
async fn a_recipient_that_is_not_here_any_more_is_told_and_does_not_keep_it_from_the_others() {
    let world = World::new(None);
    let taken = enter(&world, "axis", "a1", &letter("K01.90", 1, &["H37.91", "H37.91.77"])).await.unwrap();
    let to: Vec<&str> = taken.consignments.iter().map(|entry| entry.recipient.as_str()).collect();
    assert_eq!(to, ["H37.91"]);
    let told = taken.findings.iter().find(|finding| finding.found.as_deref() == Some("H37.91.77")).unwrap();
    assert!(!told.refuses(), "{told:?}");
    world.end().await;
}

#[tokio::test]
async fn what_was_handed_in_here_and_comes_back_gets_its_first_answer() {
    let world = World::new(None);
    let packet = world.packet(1, &["H37.91", "K02.90"]);
    let first = world.submit(packet.clone()).await;
    let back = enter(&world, "axis", "a1", &packet).await.unwrap();
    assert!(back.duplicate && back.doc_id == first.doc_id);
    assert_eq!(world.province.store.counts().await.unwrap().consignments, 2);
    world.end().await;
}
