//! What was given back is gone from the disk, and a word that came another way destroys nothing.

use lienthong_contract::door::{ConsignmentState, RecallState};
use lienthong_contract::{DocId, Instant};

use super::super::SqliteStore;
use super::support::{Made, about, agency, hop, letter, open, relayed, to_nation};
use crate::flows::{Act, ActKind};
use crate::receipts::{Event, Receipt, seal};
use crate::store::{Held, PacketKind, Route, StatusFact, Store};

const NOW: Instant = Instant::from_millis(1_790_000_100_000);

/// A status packet about the document of `of`, handed in at `at`.
fn word(of: &Made, code: &str, from: &str, to: &str, at: &str, route: Route) -> Made {
    let mut made = letter(&format!("{code} {from} {at}"), 0, &[(to, route)]);
    made.packet.kind = PacketKind::Status;
    made.packet.document_id = None;
    made.packet.sender = agency(from);
    made.packet.status = Some(StatusFact {
        document_id: of.packet.document_id.clone().unwrap(),
        about: agency(to),
        code: code.to_owned(),
        description: None,
        time: None,
    });
    let receipt = Receipt { hop: hop(at), from: agency(from), ..Receipt::clone(&made.submission.receipt) };
    made.submission = seal(receipt, &super::support::Stamp).unwrap();
    made
}

/// Arrives from a neighbour, for the sender's mailbox here.
async fn brings(store: &SqliteStore, made: &Made, from: &str) {
    relayed(made, "province-a", from, &Route::Mailbox).take(store).await;
}

async fn handed_over(store: &SqliteStore, sent: &Made) {
    store.record_receipts(&hop("nation"), sent.way(Event::ContentHandover)).await.unwrap();
}

async fn recall(store: &SqliteStore, doc_id: DocId) -> Option<RecallState> {
    let trace = store.trace(doc_id).await.unwrap().unwrap();
    trace.consignments[0].recall.as_ref().map(|recall| recall.state)
}

fn marked(folder: &std::path::Path, marker: &str) -> bool {
    let connection = rusqlite::Connection::open(folder.join("store.db")).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
    let bytes = std::fs::read(folder.join("store.db")).unwrap();
    bytes.windows(marker.len()).any(|window| window == marker.as_bytes())
}

#[tokio::test]
async fn the_content_of_what_was_given_back_leaves_the_disk_and_everything_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut sent = letter("one", 0, &[("G09.90", to_nation())]);
    let body = "nội dung không ai được đọc nữa ".repeat(400);
    sent.packet.held = Held::Inline(body.clone().into());
    sent.accept(&store).await;
    handed_over(&store, &sent).await;
    word(&sent, "13", "H37.90", "G09.90", "province-a", to_nation()).accept(&store).await;
    assert!(store.given_back(10).await.unwrap().is_empty());
    assert!(!store.destroy(sent.packet.digest, NOW).await.unwrap(), "only asked for");
    brings(&store, &word(&sent, "15", "G09.90", "H37.90", "nation", to_nation()), "nation").await;
    assert_eq!(store.given_back(10).await.unwrap(), [sent.packet.digest]);
    assert!(marked(folder.path(), "không ai được đọc"));
    let before = store.trace(sent.packet.doc_id).await.unwrap().unwrap();
    assert!(store.destroy(sent.packet.digest, NOW).await.unwrap());
    assert!(!marked(folder.path(), "không ai được đọc"));
    assert!(store.given_back(10).await.unwrap().is_empty());
    let after = store.trace(sent.packet.doc_id).await.unwrap().unwrap();
    assert_eq!((before.destroyed_at, after.destroyed_at), (None, Some(NOW)));
    assert_eq!(after.consignments[0].receipts.len(), before.consignments[0].receipts.len());
    assert_eq!((after.subject, after.document_id), (before.subject, before.document_id));
    // To the sweep at start a file of it is nobody's.
    assert!(store.packets_here(vec![sent.packet.digest]).await.unwrap().is_empty());
    // The same bytes for somebody else are content again.
    let again = letter("one", 0, &[("G22.90", Route::Mailbox)]);
    relayed(&again, "province-a", "province-b", &Route::Mailbox).take(&store).await;
    assert_eq!(store.packets_here(vec![sent.packet.digest]).await.unwrap().len(), 1);
    assert!(store.given_back(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_agreement_counts_only_by_the_way_that_the_document_went_and_from_the_recipients_hop() {
    for (at, from) in [("province-b", "province-b"), ("nation", "province-b"), ("province-b", "nation")] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let sent = letter("one", 0, &[("G09.90", to_nation())]);
        sent.accept(&store).await;
        handed_over(&store, &sent).await;
        word(&sent, "13", "H37.90", "G09.90", "province-a", to_nation()).accept(&store).await;
        brings(&store, &word(&sent, "15", "G09.90", "H37.90", at, to_nation()), from).await;
        assert!(store.given_back(10).await.unwrap().is_empty(), "{at} by {from}");
        let trace = store.trace(sent.packet.doc_id).await.unwrap().unwrap();
        assert_eq!(trace.destroyed_at, None);
    }
}

#[tokio::test]
async fn a_body_under_way_is_destroyed_when_its_custody_has_passed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let sent = letter("one", 0, &[("G09.90", to_nation())]);
    sent.accept(&store).await;
    word(&sent, "13", "H37.90", "G09.90", "province-a", to_nation()).accept(&store).await;
    brings(&store, &word(&sent, "15", "G09.90", "H37.90", "nation", to_nation()), "nation").await;
    assert!(store.given_back(10).await.unwrap().is_empty() && !store.destroy(sent.packet.digest, NOW).await.unwrap());
    assert_eq!(store.due(&hop("nation"), false, 0, 10).await.unwrap().len(), 2, "the document and the request");
    handed_over(&store, &sent).await;
    assert_eq!(store.given_back(10).await.unwrap(), [sent.packet.digest]);
}

/// A nation whose agency G09.90 was asked for a document and gives it back; `comes` is that document, offered before.
async fn nation_that_gives_back(folder: &std::path::Path, sent: &Made, offered: Option<&Made>) -> SqliteStore {
    let nation = SqliteStore::open(&folder.join("store.db"), &hop("nation")).unwrap();
    if let Some(offered) = offered {
        offered.offer(&nation).await;
    }
    let asks = word(sent, "13", "H37.90", "G09.90", "province-a", to_nation());
    relayed(&asks, "nation", "province-a", &Route::Mailbox).take(&nation).await;
    let back = Route::Link(hop("province-a"));
    word(sent, "15", "G09.90", "H37.90", "nation", back).accept(&nation).await;
    nation
}

#[tokio::test]
async fn a_document_that_comes_after_its_recipient_gave_it_back_ends_as_given_back_and_is_never_in_the_mailbox() {
    for offered_before in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let sent = letter("one", 0, &[("G09.90", to_nation())]);
        let comes = relayed(&sent, "nation", "province-a", &Route::Mailbox);
        let nation = nation_that_gives_back(folder.path(), &sent, offered_before.then_some(&comes)).await;
        comes.offer(&nation).await;
        assert!(nation.given_back(10).await.unwrap().is_empty(), "the hop before may still give it up");
        assert!(comes.let_go(&nation).await.answers);
        let (items, _) = nation.inbox(&agency("G09.90"), None, 10).await.unwrap();
        assert!(items.iter().all(|item| item.kind == "status"), "nobody is shown it");
        let seen = nation.trace(sent.packet.doc_id).await.unwrap().unwrap();
        assert_eq!(seen.consignments[0].state, ConsignmentState::Refused);
        assert!(seen.consignments[0].receipts.last().unwrap().reason.as_ref().unwrap().contains("(15)"));
        assert_eq!(nation.given_back(10).await.unwrap(), [sent.packet.digest]);
        assert!(nation.destroy(sent.packet.digest, NOW).await.unwrap());
        // The hop before hears all of it: accepted, consigned, given back.
        let (waiting, _) = nation.queued_receipts(&hop("province-a"), 0, 10).await.unwrap();
        let events: Vec<Event> = (waiting.iter())
            .map(|queued| crate::receipts::jws::read_stored(&queued.jws).unwrap().receipt)
            .filter(|receipt| receipt.doc_id == sent.packet.doc_id)
            .map(|receipt| receipt.event)
            .collect();
        assert_eq!(events, [Event::ContentConsignment, Event::ConsignmentRejection]);
        // What is late says the same again.
        assert!(!comes.let_go(&nation).await.answers);
    }
}

#[tokio::test]
async fn of_the_updates_that_come_after_the_agreement_those_sent_before_the_request_are_given_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let sent = letter("one", 0, &[("G09.90", to_nation())]);
    let nation = nation_that_gives_back(folder.path(), &sent, None).await;
    for (text, millis, end) in [("early", -1, ConsignmentState::Refused), ("late", 1, ConsignmentState::Consigned)] {
        let mut update = letter(text, 0, &[("G09.90", to_nation())]);
        update.packet.business_type = 2;
        update.packet.acts = vec![Act::of(ActKind::Update, "H37.90", sent.packet.document_id.as_deref().unwrap())];
        let time = update.packet.received_at.plus_millis(millis);
        let submission = Receipt { time, ..Receipt::clone(&update.submission.receipt) };
        update.submission = seal(submission, &super::support::Stamp).unwrap();
        relayed(&update, "nation", "province-a", &Route::Mailbox).take(&nation).await;
        let seen = nation.trace(update.packet.doc_id).await.unwrap().unwrap();
        assert_eq!(seen.consignments[0].state, end, "{text}");
    }
}

#[tokio::test]
async fn a_hop_that_passes_on_what_was_given_back_keeps_its_body_no_longer_than_that() {
    let folder = tempfile::tempdir().unwrap();
    let nation = SqliteStore::open(&folder.path().join("store.db"), &hop("nation")).unwrap();
    let sent = letter("one", 0, &[("H49.90", to_nation())]);
    let (there, back) = (Route::Link(hop("province-b")), Route::Link(hop("province-a")));
    let asks = word(&sent, "13", "H37.90", "H49.90", "province-a", to_nation());
    relayed(&asks, "nation", "province-a", &there).take(&nation).await;
    let agrees = word(&sent, "15", "H49.90", "H37.90", "province-b", back.clone());
    relayed(&agrees, "nation", "province-b", &back).take(&nation).await;
    let comes = relayed(&sent, "nation", "province-a", &there);
    comes.take(&nation).await;
    assert!(nation.given_back(10).await.unwrap().is_empty(), "it is still to be passed on");
    let relay = comes.consignments[0].receipts.last().unwrap();
    let accepted = super::support::about(&sent.packet, sent.id(), Event::RelayAcceptance, "province-b", relay);
    nation.record_receipts(&hop("province-b"), vec![accepted]).await.unwrap();
    assert_eq!(nation.given_back(10).await.unwrap(), [sent.packet.digest]);
}

#[tokio::test]
async fn a_request_that_was_refused_on_its_way_was_never_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let sent = letter("one", 0, &[("G09.90", to_nation())]);
    sent.accept(&store).await;
    handed_over(&store, &sent).await;
    let asks = word(&sent, "13", "H37.90", "G09.90", "province-a", to_nation());
    asks.accept(&store).await;
    assert_eq!(recall(&store, sent.packet.doc_id).await, Some(RecallState::Asked));
    let refused = super::support::about(&asks.packet, asks.id(), Event::RelayRejection, "nation", &asks.submission);
    store.record_receipts(&hop("nation"), vec![refused]).await.unwrap();
    assert_eq!(recall(&store, sent.packet.doc_id).await, None);
    brings(&store, &word(&sent, "15", "G09.90", "H37.90", "nation", to_nation()), "nation").await;
    assert!(store.given_back(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn ties_are_found_whichever_end_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let target = letter("one", 0, &[("H37.91", Route::Mailbox)]);
    let mut later = letter("two", 0, &[("H37.91", Route::Mailbox)]);
    later.packet.business_type = 3;
    later.packet.acts = vec![Act::of(ActKind::Replace, "H37.90", target.packet.document_id.as_deref().unwrap())];
    later.accept(&store).await;
    let alone = store.trace(later.packet.doc_id).await.unwrap().unwrap();
    assert_eq!((alone.links.len(), alone.links[0].doc_id), (1, None));
    target.accept(&store).await;
    let tied = store.trace(later.packet.doc_id).await.unwrap().unwrap();
    assert_eq!(tied.links[0].doc_id, Some(target.packet.doc_id));
    let back = store.trace(target.packet.doc_id).await.unwrap().unwrap();
    assert_eq!(back.links[0].doc_id, Some(later.packet.doc_id));
    assert_eq!(back.links[0].recipients[0].recipient, agency("H37.91"));
    let known = store.known_documents(target.packet.document_id.as_deref().unwrap()).await.unwrap();
    assert_eq!((known.len(), known[0].recipients.clone()), (1, vec![agency("H37.91")]));
    assert_eq!(store.name_of_code(&agency("H37.90"), "12/TD-VP").await.unwrap(), target.packet.document_id);
    assert_eq!(store.name_of_code(&agency("H37.91"), "12/TD-VP").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_given_back_and_still_needed_is_read_a_page_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut needed = Vec::new();
    for number in 0..5 {
        let sent = letter(&format!("sent {number}"), 0, &[("G09.90", to_nation()), ("G22.90", to_nation())]);
        sent.accept(&store).await;
        handed_over(&store, &sent).await;
        let mut asked = word(&sent, "13", "H37.90", "G09.90", "province-a", to_nation());
        let mut agreed = word(&sent, "15", "G09.90", "H37.90", "nation", to_nation());
        for (made, text) in [(&mut asked, "asked"), (&mut agreed, "agreed")] {
            made.packet.digest = lienthong_contract::Digest::of(format!("{text} {number}").as_bytes());
        }
        asked.accept(&store).await;
        brings(&store, &agreed, "nation").await;
        needed.push(sent);
    }
    // The other recipient's copy has not left: nothing goes, and the pages end.
    assert!(store.given_back(10).await.unwrap().is_empty());
    let (mut after, mut pages) = (0, 0);
    loop {
        let (digests, next) = store.given_back_after(after, 2).await.unwrap();
        assert!(digests.is_empty());
        pages += 1;
        let Some(next) = next else { break };
        after = next;
    }
    assert_eq!(pages, 3);
    let other =
        about(&needed[3].packet, needed[3].consignments[1].id, Event::RelayAcceptance, "nation", &needed[3].submission);
    store.record_receipts(&hop("nation"), vec![other]).await.unwrap();
    assert_eq!(store.given_back_after(0, 2).await.unwrap().0.len(), 0);
    let second = store.given_back_after(0, 2).await.unwrap().1.unwrap();
    assert_eq!(store.given_back_after(second, 2).await.unwrap().0, [needed[3].packet.digest]);
    assert_eq!(
        (store.given_back(2).await.unwrap(), store.given_back(1).await.unwrap().len()),
        (vec![needed[3].packet.digest], 0)
    );
}

#[tokio::test]
async fn a_flood_of_words_neither_grows_the_story_nor_hides_the_agreement() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let sent = letter("one", 0, &[("G09.90", to_nation())]);
    sent.accept(&store).await;
    handed_over(&store, &sent).await;
    word(&sent, "13", "H37.90", "G09.90", "province-a", to_nation()).accept(&store).await;
    brings(&store, &word(&sent, "15", "G09.90", "H37.90", "nation", to_nation()), "nation").await;
    for (code, count) in [("03", 300), ("16", 300)] {
        let made: Vec<Made> = (0..count)
            .map(|number| {
                let mut made = word(&sent, code, "G09.90", "H37.90", "nation", to_nation());
                made.packet.digest = lienthong_contract::Digest::of(format!("{code} {number}").as_bytes());
                made.packet.status.as_mut().unwrap().time = Some(NOW.plus_millis(number));
                relayed(&made, "province-a", "nation", &Route::Mailbox)
            })
            .collect();
        futures_util::future::join_all(made.iter().map(|made| made.take(&store))).await;
    }
    let trace = store.trace(sent.packet.doc_id).await.unwrap().unwrap();
    assert_eq!(trace.consignments[0].statuses.len(), 256 + 256 + 1, "each side's words, the sender's one");
    assert_eq!(recall(&store, sent.packet.doc_id).await, Some(RecallState::Agreed));
}
