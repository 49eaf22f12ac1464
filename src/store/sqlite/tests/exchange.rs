//! Lists for doors whose callers know documents by their docId.

use lienthong_contract::Instant;

use super::support::{about, agency, letter, open};
use crate::receipts::Event;
use crate::store::exchange::{ExchangeStore, Sought};
use crate::store::{Route, Store};

#[tokio::test]
async fn a_list_that_is_too_long_leaves_out_what_has_ended_and_never_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut sent = Vec::new();
    for (number, code) in ["H37.91", "H37.92", "H37.91", "H37.92", "H37.91", "H37.92"].into_iter().enumerate() {
        let mut made = letter(&format!("letter {number}"), 0, &[(code, Route::Mailbox)]);
        made.packet.received_at = made.packet.received_at.plus_millis(i64::try_from(number).unwrap());
        made.accept(&store).await;
        sent.push(made);
    }
    // The four that came first were collected.
    for made in sent.iter().take(4) {
        let before = made.consignments[0].receipts.last().unwrap();
        let handover = about(&made.packet, made.id(), Event::ContentHandover, "province-a", before);
        store.acknowledge(made.id(), handover).await.unwrap();
    }
    let window = Some((Instant::from_millis(0), Instant::from_millis(i64::MAX)));
    let sought = Sought { agencies: vec![agency("H37.91"), agency("H37.92")], kind: None, window };
    let names = |found: &[lienthong_contract::exchange::MailItem]| {
        found.iter().map(|item| sent.iter().position(|made| made.id() == item.id).unwrap()).collect::<Vec<_>>()
    };
    let all = store.received(sought.clone(), 10).await.unwrap();
    assert_eq!(names(&all), [0, 1, 2, 3, 4, 5], "in order of arrival");
    assert_eq!(names(&store.received(sought.clone(), 3).await.unwrap()), [0, 4, 5]);
    assert_eq!(names(&store.received(sought.clone(), 2).await.unwrap()), [4, 5]);
    let open = Sought { window: None, ..sought };
    assert_eq!(names(&store.received(open, 10).await.unwrap()), [4, 5]);
}
