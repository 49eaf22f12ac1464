//! What waits is counted, with the time of the one that waits longest.

use lienthong_contract::Instant;

use super::support::{hop, letter, open, relayed, to_nation};
use crate::store::queues::Waiting;
use crate::store::{QueueStore, Route};

#[tokio::test]
async fn what_waits_is_told_by_place_with_its_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let now = Instant::from_millis(1_790_000_000_000);
    let nothing = store.queues(now).await.unwrap();
    assert!(nothing.outbox.is_empty() && nothing.receipts.is_empty() && nothing.days_open.is_empty());
    assert_eq!(store.mailboxes().await.unwrap(), Waiting::default());
    for (text, urgency, minutes, to) in [
        ("late", 0, 5, ("G09.90", to_nation())),
        ("first", 0, 1, ("G09.90", to_nation())),
        ("urgent", 1, 2, ("G09.90", to_nation())),
        ("box", 0, 3, ("H37.91", Route::Mailbox)),
        ("box again", 0, 4, ("H37.92", Route::Mailbox)),
    ] {
        let mut made = letter(text, urgency, &[to]);
        made.packet.received_at = now.plus_millis(minutes * 60_000);
        made.accept(&store).await;
    }
    let mut offered =
        relayed(&letter("offered", 0, &[("H37.91", Route::Mailbox)]), "province-a", "nation", &Route::Mailbox);
    offered.packet.previous_hop = Some(hop("nation"));
    offered.offer(&store).await;

    let queues = store.queues(now).await.unwrap();
    let waiting = |count, minutes: i64| Waiting { count, oldest: Some(now.plus_millis(minutes * 60_000)) };
    // The first in the queue is the one that came first, whatever its time says.
    assert_eq!(queues.outbox, [(hop("nation"), false, waiting(2, 5)), (hop("nation"), true, waiting(1, 2))]);
    assert_eq!(queues.receipts, [(hop("nation"), 1)]);
    assert_eq!(store.mailboxes().await.unwrap(), waiting(2, 3), "what is only offered lies in no mailbox");
}
