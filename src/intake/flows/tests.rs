//! Packets about other packets, through two gateways: taking back, revoking, updating, replacing, answering.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lienthong_contract::door::{
    Acknowledgement, ConsignmentState, ConsignmentTrace, Identity, Link, Mailbox as _, RecallState, Refusal,
    RefusalCause, Relation, Submission, Trace, Tracking as _,
};
use lienthong_contract::{ConsignmentId, DocId};

use crate::edxml::Document;
use crate::edxml::model::{
    Business, BusinessType, Change, ChangedReceiver, Located, ReplacementInfo, ResponseFor, TextAt, UpdateInfo, Urgency,
};
use crate::intake::tests::{House, World, until};
use crate::link::{Arrived, Coming, Sink as _};
use crate::pki::tests::NOW;
use crate::scene::{self, Letter, example_pdf};
use crate::store::{Held, Store as _};

const S: &str = scene::SENDER;
const R: &str = "G09.90";
const OTHER: &str = "G22.90";

fn text(value: &str) -> TextAt {
    Located::made(value.to_owned())
}

fn name(number: u32) -> String {
    format!("{S},2026/09/21,{number}/TD-VP")
}

fn caller(code: &str) -> Identity {
    Identity { agency: code.parse().unwrap(), credential: format!("certificate of {code}"), door: "native".to_owned() }
}

/// A signed letter from `from`, changed before it is signed.
fn letter(world: &World, from: &str, number: u32, to: &[&str], change: impl FnOnce(&mut Document)) -> Vec<u8> {
    let attachment = example_pdf(3000);
    let date = jiff::civil::date(2026, 9, 21);
    let letter =
        Letter {
            from, to, number, date, subject: "Về việc thí dụ", urgency: Urgency::Normal, attachment: &attachment
        };
    let mut document = letter.document();
    change(&mut document);
    world.signed(from, &letter.packet_of(&document).unwrap())
}

fn business(kind: BusinessType) -> Business {
    Business { kind: Located::made(kind), reason: Some(text("sửa sai sót")), ..Business::default() }
}

fn answers(document: &mut Document, to: &str, of: &str) {
    let answered = ResponseFor { organ_id: Some(text(to)), document_id: Some(text(of)), ..ResponseFor::default() };
    document.response_for = vec![answered];
}

fn revokes(document: &mut Document, of: &str) {
    document.business = Some(business(BusinessType::Revoke));
    answers(document, R, of);
}

fn updates(document: &mut Document, of: &str, receivers: &[(&str, Change)]) {
    let receivers = receivers
        .iter()
        .map(|(code, change)| ChangedReceiver { organ_id: text(code), change: Some(Located::made(*change)) });
    let update = UpdateInfo {
        document: Some(Located::made(true)),
        receivers_changed: Some(Located::made(true)),
        receivers: receivers.collect(),
    };
    let update = Some(update);
    document.business = Some(Business { document_id: Some(text(of)), update, ..business(BusinessType::Update) });
}

/// A status of `code`, said `minutes` after the beginning.
async fn says(
    world: &World,
    at: &House,
    from: &str,
    to: &str,
    of: &str,
    code: &str,
    minutes: i64,
) -> Result<Submission, Refusal> {
    let time = NOW.plus_millis((minutes - 60) * 60_000);
    let packet = scene::status_packet(from, to, of, code, Some("vì lý do thí dụ"), time).unwrap();
    world.hand_in(at, from, world.signed(from, &packet)).await
}

fn refused_for(refusal: Refusal) -> String {
    refusal.findings.into_iter().find(lienthong_contract::Finding::refuses).unwrap().code
}

async fn trace(at: &House, doc_id: DocId) -> Trace {
    at.store.trace(doc_id).await.unwrap().unwrap()
}

fn to<'a>(trace: &'a Trace, recipient: &str) -> &'a ConsignmentTrace {
    trace.consignments.iter().find(|one| one.recipient.as_str() == recipient).unwrap()
}

async fn traced(at: &House, doc_id: DocId, what: &str, good: impl Fn(&Trace) -> bool) -> Trace {
    until(what, async || good(&trace(at, doc_id).await)).await;
    trace(at, doc_id).await
}

async fn content(at: &House, agency: &str, id: ConsignmentId) -> Result<u64, String> {
    let content = at.mailboxes().content(&caller(agency), id).await;
    content.map(|content| content.size).map_err(refused_for)
}

/// Waits until the nation has laid a packet into its mailboxes.
async fn arrived(world: &World, packet: &Submission) {
    until("it lies in the mailbox", async || {
        let trace = world.nation.store.trace(packet.doc_id).await.unwrap();
        trace.is_some_and(|trace| trace.consignments.iter().all(|one| one.state != ConsignmentState::Offered))
    })
    .await;
}

/// The content is in no row of this store.
async fn destroyed(at: &House, doc_id: DocId, id: ConsignmentId) -> bool {
    let gone = trace(at, doc_id).await.destroyed_at.is_some();
    let entry = at.store.mailbox_entry(id).await.unwrap();
    assert!(entry.is_none_or(|entry| gone == matches!(entry.held, Held::Destroyed)));
    gone
}

#[tokio::test]
async fn what_is_given_back_is_destroyed_at_both_hops_and_its_receipts_still_verify() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let packet = letter(&world, S, 1, &[R], |_| {});
    let sent = world.submit(packet.clone()).await;
    let (doc_id, id) = (sent.doc_id, sent.consignments[0].id);
    arrived(&world, &sent).await;
    far.mailboxes().acknowledge(&caller(R), id, &Acknowledgement::Accept).await.unwrap();
    says(&world, near, S, R, &name(1), "13", 1).await.unwrap();
    let asked = traced(far, doc_id, "it is asked for", |trace| trace.consignments[0].recall.is_some()).await;
    let recall = asked.consignments[0].recall.clone().unwrap();
    assert_eq!((recall.state, recall.reason.as_deref()), (RecallState::Asked, Some("vì lý do thí dụ")));
    assert!(content(far, R, id).await.is_ok(), "asking destroys nothing");
    says(&world, far, R, S, &name(1), "15", 2).await.unwrap();
    assert!(destroyed(far, doc_id, id).await);
    let seen = traced(near, doc_id, "the sender's hop knows", |trace| trace.destroyed_at.is_some()).await;
    assert!(destroyed(near, doc_id, id).await);
    for (house, seen) in [(near, seen), (far, trace(far, doc_id).await)] {
        house.verify(&seen);
        let consignment = &seen.consignments[0];
        assert_eq!(consignment.state, ConsignmentState::HandedOver, "words move no consignment");
        let recall = consignment.recall.as_ref().unwrap();
        assert_eq!((recall.state, recall.destroyed_at), (RecallState::Agreed, seen.destroyed_at));
        assert_eq!(consignment.current.as_ref().unwrap().code, "15");
        assert_eq!(seen.subject.as_deref(), Some("Về việc thí dụ"), "what is told of it stays");
    }
    assert_eq!(content(far, R, id).await, Err("LT-FLW-0025".to_owned()));
    // The same bytes again get the first answer, and nothing comes back; nor by a transfer that comes a second time.
    assert!(world.submit(packet).await.duplicate);
    assert!(destroyed(near, doc_id, id).await);
    let (header, bytes) = near.sent().remove(0);
    let coming = Coming { urgent: false, again: false, trace: None };
    far.intake.transfer(header, Arrived::Bytes(bytes), coming).await.unwrap();
    assert!(destroyed(far, doc_id, id).await);
    world.end().await;
}

#[tokio::test]
async fn an_update_that_was_sent_after_the_request_is_not_what_was_asked_for() {
    let world = World::new(None);
    let far = &world.nation;
    let sent = world.submit(letter(&world, S, 1, &[R], |_| {})).await;
    arrived(&world, &sent).await;
    let asked = says(&world, &world.province, S, R, &name(1), "13", 1).await.unwrap();
    arrived(&world, &asked).await;
    let update = world.submit(letter(&world, S, 2, &[R], |document| updates(document, &name(1), &[]))).await;
    arrived(&world, &update).await;
    let ids = [sent.consignments[0].id, update.consignments[0].id];
    says(&world, far, R, S, &name(1), "15", 2).await.unwrap();
    assert!(destroyed(far, sent.doc_id, ids[0]).await);
    assert!(!destroyed(far, update.doc_id, ids[1]).await);
    // The same word later, of the update perhaps, takes nothing back.
    says(&world, far, R, S, &name(1), "15", 3).await.unwrap();
    assert!(!destroyed(far, update.doc_id, ids[1]).await);
    assert!(content(far, R, ids[1]).await.is_ok());
    world.end().await;
}

#[tokio::test]
async fn what_was_not_taken_over_yet_ends_with_the_agreement() {
    let world = World::new(None);
    let sent = world.submit(letter(&world, S, 1, &[R], |_| {})).await;
    let id = sent.consignments[0].id;
    arrived(&world, &sent).await;
    let asked = says(&world, &world.province, S, R, &name(1), "13", 1).await.unwrap();
    arrived(&world, &asked).await;
    says(&world, &world.nation, R, S, &name(1), "15", 2).await.unwrap();
    let seen = traced(&world.province, sent.doc_id, "the sender's hop has the end", |trace| {
        trace.consignments[0].state == ConsignmentState::Refused && trace.destroyed_at.is_some()
    })
    .await;
    world.province.verify(&seen);
    let end = seen.consignments[0].receipts.last().unwrap();
    assert!(end.reason.as_ref().unwrap().contains("(15)"));
    let accept = world.nation.mailboxes().acknowledge(&caller(R), id, &Acknowledgement::Accept).await;
    assert_eq!(accept.unwrap_err().cause, RefusalCause::Conflict);
    world.end().await;
}

#[tokio::test]
async fn a_document_that_is_overtaken_by_its_own_recall_is_delivered_nowhere_and_ends_as_given_back() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let packet = letter(&world, S, 1, &[R], |_| {});
    near.stall(&packet);
    let sent = world.submit(packet).await;
    let (doc_id, id) = (sent.doc_id, sent.consignments[0].id);
    let asked = says(&world, near, S, R, &name(1), "13", 1).await.unwrap();
    arrived(&world, &asked).await;
    // It has only the request, and agrees to what it never saw.
    says(&world, far, R, S, &name(1), "15", 2).await.unwrap();
    let agreed =
        |trace: &Trace| trace.consignments[0].recall.as_ref().is_some_and(|recall| recall.state == RecallState::Agreed);
    traced(near, doc_id, "the sender's hop shows it as given back", agreed).await;
    near.release();
    let seen = traced(near, doc_id, "it ends", |trace| trace.consignments[0].state == ConsignmentState::Refused).await;
    near.verify(&seen);
    assert!(seen.consignments[0].receipts.last().unwrap().reason.as_ref().unwrap().contains("(15)"));
    let (items, _) = far.store.inbox(&R.parse().unwrap(), None, 10).await.unwrap();
    assert!(items.iter().all(|item| item.doc_id != doc_id));
    assert_eq!(content(far, R, id).await, Err("LT-FLW-0025".to_owned()));
    for house in [near, far] {
        until("its content is destroyed", async || destroyed(house, doc_id, id).await).await;
    }
    world.end().await;
}

#[tokio::test]
async fn what_another_recipient_needs_is_kept_until_that_one_gives_it_back_too() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let sent = world.submit(letter(&world, S, 1, &[R, OTHER], |_| {})).await;
    let id = |code: &str| sent.consignments.iter().find(|one| one.recipient.as_str() == code).unwrap().id;
    arrived(&world, &sent).await;
    for recipient in [R, OTHER] {
        far.mailboxes().acknowledge(&caller(recipient), id(recipient), &Acknowledgement::Accept).await.unwrap();
        let asked = says(&world, near, S, recipient, &name(1), "13", 1).await.unwrap();
        arrived(&world, &asked).await;
    }
    says(&world, far, R, S, &name(1), "15", 2).await.unwrap();
    assert!(!destroyed(far, sent.doc_id, id(OTHER)).await);
    assert_eq!(content(far, R, id(R)).await, Err("LT-FLW-0025".to_owned()));
    assert!(content(far, OTHER, id(OTHER)).await.is_ok());
    says(&world, far, OTHER, S, &name(1), "15", 3).await.unwrap();
    assert!(destroyed(far, sent.doc_id, id(OTHER)).await);
    world.end().await;
}

#[tokio::test]
async fn a_refused_request_leaves_everything_until_the_recipient_changes_its_mind() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let sent = world.submit(letter(&world, S, 1, &[R], |_| {})).await;
    let id = sent.consignments[0].id;
    arrived(&world, &sent).await;
    let asked = says(&world, near, S, R, &name(1), "13", 1).await.unwrap();
    arrived(&world, &asked).await;
    says(&world, far, R, S, &name(1), "16", 2).await.unwrap();
    let state = |trace: &Trace| trace.consignments[0].recall.as_ref().map(|recall| recall.state);
    let seen =
        traced(near, sent.doc_id, "the refusal is here", |trace| state(trace) == Some(RecallState::Refused)).await;
    assert_eq!((seen.destroyed_at, seen.consignments[0].current.as_ref()), (None, None));
    assert!(content(far, R, id).await.is_ok());
    says(&world, far, R, S, &name(1), "15", 3).await.unwrap();
    assert!(destroyed(far, sent.doc_id, id).await);
    world.end().await;
}

#[tokio::test]
async fn after_a_refusal_an_update_is_what_the_next_agreement_answers() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let sent = world.submit(letter(&world, S, 1, &[R], |_| {})).await;
    arrived(&world, &sent).await;
    let asked = says(&world, near, S, R, &name(1), "13", 1).await.unwrap();
    arrived(&world, &asked).await;
    says(&world, far, R, S, &name(1), "16", 2).await.unwrap();
    let update = world.submit(letter(&world, S, 2, &[R], |document| updates(document, &name(1), &[]))).await;
    arrived(&world, &update).await;
    says(&world, far, R, S, &name(1), "15", 3).await.unwrap();
    assert!(!destroyed(far, sent.doc_id, sent.consignments[0].id).await);
    world.end().await;
}

#[tokio::test]
async fn only_who_sent_a_document_asks_for_it_and_only_who_was_asked_answers() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let sent = world.submit(letter(&world, S, 1, &[R, "H37.91"], |_| {})).await;
    arrived(&world, &sent).await;
    let code = async |at: &House, from: &str, to: &str, code: &str| {
        refused_for(says(&world, at, from, to, &name(1), code, 1).await.unwrap_err())
    };
    assert_eq!(code(far, R, S, "15").await, "LT-FLW-0024", "nobody asked");
    assert_eq!(code(far, OTHER, S, "03").await, "LT-FLW-0020", "no recipient");
    assert_eq!(code(near, "H37.91", R, "13").await, "LT-FLW-0022", "not its document");
    assert_eq!(code(near, S, OTHER, "13").await, "LT-FLW-0023", "not sent there");
    says(&world, near, S, "H37.91", &name(1), "13", 1).await.unwrap();
    assert_eq!(code(far, R, S, "15").await, "LT-FLW-0024", "another was asked");
    says(&world, near, "H37.91", S, &name(1), "15", 1).await.unwrap();
    let seen = trace(near, sent.doc_id).await;
    assert!(to(&seen, R).recall.is_none());
    assert_eq!(to(&seen, "H37.91").recall.as_ref().unwrap().state, RecallState::Agreed);
    // The body went on to the ministry before; nobody else here needs it.
    assert!(seen.destroyed_at.is_some());
    // What is not known here is passed on with a remark.
    let orphan = says(&world, far, R, S, "một văn bản khác", "03", 1).await.unwrap();
    assert!(orphan.findings.iter().any(|finding| finding.code == "LT-FLW-0021"));
    until("the sender has it", async || {
        let (items, _) = near.store.inbox(&S.parse().unwrap(), None, 10).await.unwrap();
        items.iter().any(|item| item.about.as_ref().is_some_and(|about| about.document_id == "một văn bản khác"))
    })
    .await;
    world.end().await;
}

#[tokio::test]
async fn a_status_of_a_stranger_is_refused_where_the_document_is_known() {
    let world = World::new(None);
    let sent = world.submit(letter(&world, S, 1, &["H37.91"], |_| {})).await;
    // The nation never saw the document, so it lets the word pass.
    let word = says(&world, &world.nation, OTHER, S, &name(1), "03", 1).await.unwrap();
    let seen = traced(&world.nation, word.doc_id, "it is rejected", |trace| {
        trace.consignments[0].state == ConsignmentState::Rejected
    })
    .await;
    let reason = seen.consignments[0].receipts.last().unwrap().reason.clone().unwrap();
    assert!(reason.contains("không phải là nơi nhận"), "{reason}");
    assert!(trace(&world.province, sent.doc_id).await.consignments[0].statuses.is_empty());
    world.end().await;
}

#[tokio::test]
async fn statuses_are_kept_in_their_own_order_and_once_and_move_nothing() {
    let world = World::new(None);
    let sent = world.submit(letter(&world, S, 1, &["H37.91"], |_| {})).await;
    let near = &world.province;
    for (code, minutes) in [("05", 30), ("01", 10), ("05", 30), ("03", 20), ("03", 20)] {
        says(&world, near, "H37.91", S, &name(1), code, minutes).await.unwrap();
    }
    // The same word in other bytes.
    let time = NOW.plus_millis(-30 * 60_000);
    let packet = scene::status_packet("H37.91", S, &name(1), "05", Some("vì lý do thí dụ"), time).unwrap();
    let packet = String::from_utf8(packet).unwrap().replacen("><", ">\n<", 1);
    world.hand_in(near, "H37.91", world.signed("H37.91", packet.as_bytes())).await.unwrap();
    let seen = trace(near, sent.doc_id).await;
    let consignment = &seen.consignments[0];
    let codes: Vec<&str> = consignment.statuses.iter().map(|status| status.code.as_str()).collect();
    assert_eq!(codes, ["01", "03", "05"]);
    assert_eq!(consignment.current.as_ref().unwrap().code, "05");
    assert_eq!(consignment.current.as_ref().unwrap().meaning.as_ref().unwrap().vi, "đang xử lý");
    assert_eq!(consignment.state, ConsignmentState::Consigned, "a status is no delivery");
    let (items, _) = near.store.inbox(&"H37.91".parse().unwrap(), None, 10).await.unwrap();
    assert_eq!((items[0].statuses.len(), items[0].current.as_ref().unwrap().code.as_str()), (3, "05"));
    world.end().await;
}

fn relations(links: &[Link]) -> Vec<(Relation, Option<DocId>)> {
    links.iter().map(|link| (link.relation, link.doc_id)).collect()
}

#[tokio::test]
async fn a_revocation_is_tied_to_its_document_and_refused_to_strangers_and_for_who_never_got_it() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let sent = world.submit(letter(&world, S, 1, &[R, "H37.91"], |_| {})).await;
    arrived(&world, &sent).await;
    let by_stranger = letter(&world, "H37.91", 2, &[R], |document| revokes(document, &name(1)));
    assert_eq!(refused_for(world.hand_in(near, "H37.91", by_stranger).await.unwrap_err()), "LT-FLW-0001");
    let to_other = letter(&world, S, 2, &[OTHER], |document| revokes(document, &name(1)));
    assert_eq!(refused_for(world.hand_in(near, S, to_other).await.unwrap_err()), "LT-FLW-0002");
    // A document that nobody here knows: the recipient's hop answers.
    let unknown = letter(&world, S, 3, &[R], |document| revokes(document, "chưa từng gửi"));
    let unknown = world.submit(unknown).await;
    world.later(3);
    assert!(unknown.findings.iter().any(|finding| finding.code == "LT-FLW-0003"));
    let rejected = |trace: &Trace| trace.consignments[0].state == ConsignmentState::Rejected;
    let seen = traced(near, unknown.doc_id, "the recipient's hop refuses", rejected).await;
    assert!(seen.consignments[0].receipts.last().unwrap().reason.as_ref().unwrap().contains("chưa từng nhận"));
    // To one of two: a remark names the other.
    let notice = world.submit(letter(&world, S, 2, &[R], |document| revokes(document, &name(1)))).await;
    let incomplete = notice.findings.iter().find(|finding| finding.code == "LT-FLW-0005").unwrap();
    assert_eq!(incomplete.found.as_deref(), Some("H37.91"));
    arrived(&world, &notice).await;
    for house in [near, far] {
        let (target, own) = (trace(house, sent.doc_id).await, trace(house, notice.doc_id).await);
        assert_eq!(relations(&target.links), [(Relation::RevokedBy, Some(notice.doc_id))]);
        assert_eq!(target.links[0].reason.as_deref(), Some("sửa sai sót"));
        assert_eq!(relations(&own.links), [(Relation::Revokes, Some(sent.doc_id))]);
        assert_eq!((target.business_type, own.business_type, target.destroyed_at), (0, 1, None));
    }
    // Who got the document and not the notice learns nothing of it.
    let local = near.mailboxes().trace(&caller("H37.91"), sent.doc_id).await.unwrap();
    assert!(local.links.is_empty());
    let (items, _) = far.store.inbox(&R.parse().unwrap(), None, 10).await.unwrap();
    assert_eq!(relations(&items[0].links), [(Relation::RevokedBy, Some(notice.doc_id))]);
    world.end().await;
}

#[tokio::test]
async fn a_revocation_that_overtakes_its_document_waits_for_it_and_is_tied_to_it() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let packet = letter(&world, S, 1, &[R, OTHER], |_| {});
    near.stall(&packet);
    let sent = world.submit(packet).await;
    let notice = world.submit(letter(&world, S, 2, &[R, OTHER], |document| revokes(document, &name(1)))).await;
    let times_sent = || {
        let headers = near.sent().into_iter().map(|(header, _)| header);
        let headers = headers.map(|header| serde_json::from_slice::<crate::custody::TransferHeader>(&header).unwrap());
        headers.filter(|header| header.doc_id == notice.doc_id).count()
    };
    until("it was sent again, and had no answer", async || times_sent() >= 2).await;
    assert!(far.store.trace(notice.doc_id).await.unwrap().is_none(), "nothing of it is kept");
    assert_eq!(trace(near, notice.doc_id).await.consignments[0].state, ConsignmentState::Queued);
    near.release();
    let consigned = |trace: &Trace| trace.consignments.iter().all(|one| one.state == ConsignmentState::Consigned);
    for packet in [&sent, &notice] {
        let seen = traced(near, packet.doc_id, "both arrive", consigned).await;
        near.verify(&seen);
    }
    for house in [near, far] {
        let target = trace(house, sent.doc_id).await;
        assert_eq!(relations(&target.links), [(Relation::RevokedBy, Some(notice.doc_id))]);
    }
    world.end().await;
}

#[tokio::test]
async fn an_update_adds_and_removes_recipients() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let sent = world.submit(letter(&world, S, 1, &[R, "H37.91"], |_| {})).await;
    arrived(&world, &sent).await;
    let change = |receivers: &[(&str, Change)], to: &[&str], number| {
        letter(&world, S, number, to, |document| updates(document, &name(1), receivers))
    };
    // Somebody new has to be told as added.
    let silent = change(&[], &[R, OTHER], 2);
    assert_eq!(refused_for(world.hand_in(near, S, silent).await.unwrap_err()), "LT-FLW-0002");
    let added = [(OTHER, Change::Added), ("H37.91", Change::Removed)];
    let untold = world.submit(change(&added, &[OTHER], 3)).await;
    assert!(untold.findings.iter().any(|finding| finding.code == "LT-FLW-0004"));
    let update = world.submit(change(&added, &[R, OTHER, "H37.91"], 4)).await;
    assert!(!update.findings.iter().any(|finding| finding.code == "LT-FLW-0004"));
    arrived(&world, &update).await;
    let target = trace(near, sent.doc_id).await;
    let links = [(Relation::UpdatedBy, Some(untold.doc_id)), (Relation::UpdatedBy, Some(update.doc_id))];
    assert_eq!(relations(&target.links), links);
    assert_eq!(relations(&trace(far, update.doc_id).await.links), [(Relation::Updates, Some(sent.doc_id))]);
    // The one taken off sees it in its mailbox, with the document it is about.
    let page = near.mailboxes().list(&caller("H37.91"), None, None, 10).await.unwrap();
    let notice = page.items.iter().find(|item| item.doc_id == update.doc_id).unwrap();
    assert_eq!(notice.links[0].removed, ["H37.91".parse().unwrap()]);
    assert_eq!((notice.links[0].relation, notice.links[0].doc_id), (Relation::Updates, Some(sent.doc_id)));
    // The one added may speak of the document, also by its first name.
    says(&world, far, OTHER, S, &name(1), "03", 1).await.unwrap();
    let said = |trace: &Trace| !to(trace, OTHER).statuses.is_empty();
    traced(near, update.doc_id, "the word of the one added is here", said).await;
    world.end().await;
}

#[tokio::test]
async fn a_replacement_and_a_reply_are_tied_both_ways() {
    let world = World::new(None);
    let (near, far) = (&world.province, &world.nation);
    let sent = world.submit(letter(&world, S, 1, &[R], |_| {})).await;
    arrived(&world, &sent).await;
    let replaces = |document: &mut Document| {
        let info = ReplacementInfo { document_id: Some(text(&name(1))), organ_ids: vec![text("000.00.90.G09")] };
        document.business = Some(Business { replacements: vec![info], ..business(BusinessType::Replace) });
    };
    // The ministry that the list leaves out gets it as a new document.
    let replacement = world.submit(letter(&world, S, 2, &[R, OTHER], replaces)).await;
    arrived(&world, &replacement).await;
    let reply = letter(&world, R, 5, &[S], |document| answers(document, "000.00.90.H37", &name(1)));
    let reply = world.hand_in(far, R, reply).await.unwrap();
    traced(near, sent.doc_id, "the reply is here", |trace| trace.links.len() == 2).await;
    for house in [near, far] {
        let links = [(Relation::ReplacedBy, Some(replacement.doc_id)), (Relation::AnsweredBy, Some(reply.doc_id))];
        assert_eq!(relations(&trace(house, sent.doc_id).await.links), links);
        assert_eq!(relations(&trace(house, replacement.doc_id).await.links), [(Relation::Replaces, Some(sent.doc_id))]);
        assert_eq!(relations(&trace(house, reply.doc_id).await.links), [(Relation::Answers, Some(sent.doc_id))]);
    }
    // The other ministry sees that something is replaced, and has no part in that.
    let seen = far.mailboxes().trace(&caller(OTHER), replacement.doc_id).await.unwrap();
    assert_eq!(relations(&seen.links), [(Relation::Replaces, None)]);
    world.end().await;
}
