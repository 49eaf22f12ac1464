//! End to end over three gateway processes and a real broker: what a sender and its recipients see, with the receipts
//! of every hop.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use lienthong::bundle::{Anchors, verify};
use lienthong::edxml::model::Urgency;
use lienthong::scene::{self, Agency, RECIPIENTS, SENDER};
use lienthong_contract::door::{Acknowledgement, ConsignmentState, ConsignmentTrace, Trace};
use lienthong_contract::{Clock, Digest, DocId};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use support::eventually;
use support::letters::{Signed, letter, many, sign};
use support::world::{Setup, World, arrived, inbox, traced};

/// More than the window of the way out, so that some wait at the broker and some in the sending gateway.
const BACKLOG: u32 = 800;
/// What two gateways on the way may have in hand at once (the prefetch of their normal lanes): nothing overtakes that.
const IN_HAND: usize = 2 * 128;

fn consignment<'a>(trace: &'a Trace, recipient: &str) -> &'a ConsignmentTrace {
    trace.consignments.iter().find(|consignment| consignment.recipient.as_str() == recipient).unwrap()
}

async fn submit(agency: &Agency, signed: &Signed) -> DocId {
    let submission = agency.client.submit(&signed.packet(), None).await.unwrap();
    assert_eq!(submission.digest, signed.digest);
    assert!(!submission.duplicate);
    submission.doc_id
}

/// Sends a status packet of this agency about a document, and gives the bytes that the sender fetches of it.
async fn tell_status(from: &Agency, to: &Agency, document_id: &str, code: &str, description: Option<&str>) {
    let now = lienthong::clock::SystemClock.now();
    let (me, sender) = (&from.files.code, &to.files.code);
    let packet = scene::status_packet(me, sender, document_id, code, description, now).unwrap();
    let signed = sign(&packet, &from.files);
    let doc_id = submit(from, &signed).await;
    let item = arrived(to, doc_id).await;
    assert_eq!((item.kind.as_str(), item.from.as_str()), ("status", me.as_str()));
    assert_eq!(fetch(to, &item.id).await, signed.digest);
    to.client.acknowledge(item.id, &Acknowledgement::Accept).await.unwrap();
    traced(from, doc_id, "the status is handed over", |trace| {
        trace.consignments.iter().all(|consignment| consignment.state == ConsignmentState::HandedOver)
    })
    .await;
}

async fn fetch(agency: &Agency, id: &lienthong_contract::ConsignmentId) -> Digest {
    let mut bytes = Vec::new();
    agency.client.content(*id, &mut bytes).await.unwrap();
    Digest::of(&bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_reaches_three_recipients_and_their_answers_come_back() {
    let world = World::start(Setup { rsa: true, ..Setup::default() }).await;
    let sender = world.agency(SENDER, "province-a", 2);
    let recipients = RECIPIENTS.map(|(code, hop)| world.agency(code, hop, 2));
    let codes = RECIPIENTS.map(|(code, _)| code);
    let pdf = scene::example_pdf(40_000);
    let letter = letter(SENDER, &codes, 12, &pdf);
    let signed = sign(&letter.packet().unwrap(), &sender.files);
    let doc_id = submit(&sender, &signed).await;

    // The bytes are those that were sent; two take the document over, the third gives it back.
    let reason = "Văn bản gửi nhầm cơ quan, đề nghị gửi Sở Thí dụ số Hai.";
    for recipient in &recipients {
        let item = arrived(recipient, doc_id).await;
        assert_eq!((item.kind.as_str(), item.from.as_str()), ("document", SENDER));
        assert_eq!(item.document_id, Some(letter.document_id()));
        assert_eq!(fetch(recipient, &item.id).await, signed.digest);
        let answer = match recipient.files.code.as_str() {
            "H49.90" => Acknowledgement::Refuse { reason: reason.to_owned() },
            _ => Acknowledgement::Accept,
        };
        let first = recipient.client.acknowledge(item.id, &answer).await.unwrap();
        let again = recipient.client.acknowledge(item.id, &answer).await.unwrap();
        assert_eq!(first.receipt, again.receipt, "the same answer, however often it is given");
        assert!(inbox(recipient).await.unwrap().is_empty(), "what was answered is not listed");
    }

    // What the agencies say of the document travels as packets of their own.
    let [local, ministry, far] = &recipients;
    for who in [local, ministry] {
        tell_status(who, &sender, &letter.document_id(), "01", None).await;
        tell_status(who, &sender, &letter.document_id(), "03", Some("Đã tiếp nhận")).await;
    }
    tell_status(far, &sender, &letter.document_id(), "02", Some(reason)).await;

    let trace = traced(&sender, doc_id, "every consignment has ended and told its statuses", |trace| {
        trace.consignments.iter().all(|consignment| {
            let statuses = if consignment.recipient.as_str() == "H49.90" { 1 } else { 2 };
            consignment.state.is_terminal() && consignment.statuses.len() == statuses
        })
    })
    .await;
    assert_eq!((trace.consignments.len(), trace.digest), (3, signed.digest));
    for (code, receipts) in [
        (
            "H37.91",
            &["SubmissionAcceptance@province-a", "ContentConsignment@province-a", "ContentHandover@province-a"][..],
        ),
        (
            "G09.90",
            &[
                "SubmissionAcceptance@province-a",
                "RelayAcceptance@nation",
                "ContentConsignment@nation",
                "ContentHandover@nation",
            ],
        ),
        (
            "H49.90",
            &[
                "SubmissionAcceptance@province-a",
                "RelayAcceptance@nation",
                "RelayAcceptance@province-b",
                "ContentConsignment@province-b",
                "ConsignmentRejection@province-b",
            ],
        ),
    ] {
        let consignment = consignment(&trace, code);
        assert_eq!(world.verified(&trace, consignment), receipts, "{code}");
        let statuses: Vec<&str> = consignment.statuses.iter().map(|status| status.code.as_str()).collect();
        if code == "H49.90" {
            assert_eq!(consignment.state, ConsignmentState::Refused);
            assert_eq!(statuses, ["02"]);
            assert_eq!(consignment.statuses[0].description.as_deref(), Some(reason));
            assert_eq!(consignment.receipts.last().unwrap().reason.as_deref(), Some(reason));
        } else {
            assert_eq!(consignment.state, ConsignmentState::HandedOver);
            assert_eq!(statuses, ["01", "03"]);
        }
    }

    // Each of these receipts stands in its hop's log, which the neighbours witness.
    let root = CertificateDer::from_pem_file(world.manifest.ca().root).unwrap();
    let anchors = Anchors { roots: vec![root.to_vec()], ..Anchors::default() };
    eventually("a proof of every receipt in a cosigned log", async || {
        let answer = verify(&sender.client.proof(doc_id).await.unwrap(), &anchors, None);
        assert_eq!(answer.verdict, "valid", "{:?} {:?}", answer.part, answer.reason);
        assert!(answer.receipts_logged >= answer.receipts_witnessed && answer.receipts_logged <= 1 + 2 + 3 + 4);
        (answer.receipts_witnessed == 1 + 2 + 3 + 4).then_some(())
    })
    .await;

    // A recipient sees its own part, a stranger nothing.
    let seen = ministry.client.trace(doc_id).await.unwrap();
    assert_eq!(seen.consignments.iter().map(|c| c.recipient.as_str()).collect::<Vec<_>>(), ["G09.90"]);
    let stranger = world.agency("G22.90", "nation", 1);
    let refused = stranger.client.trace(doc_id).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_document_overtakes_a_backlog() {
    let mut world = World::start(Setup::default()).await;
    let sender = world.agency(SENDER, "province-a", 8);
    let recipient = world.agency("H49.90", "province-b", 2);
    let backlog = many(&sender.files, &["H49.90"], 1, BACKLOG);
    let pdf = scene::example_pdf(6 * 1024);
    let mut urgent = letter(SENDER, &["H49.90"], BACKLOG + 1, &pdf);
    urgent.urgency = Urgency::Express;
    let urgent = sign(&urgent.packet().unwrap(), &sender.files);

    // The next hop is away: what is handed in stays accepted and waits.
    world.gateway("nation").stop().await;
    for signed in &backlog {
        submit(&sender, signed).await;
    }
    let urgent = submit(&sender, &urgent).await;
    let waiting = sender.client.trace(urgent).await.unwrap();
    assert_eq!(waiting.consignments[0].state, ConsignmentState::Queued);
    assert_eq!(waiting.consignments[0].waiting_for.as_deref(), Some("nation"));

    world.gateway("nation").run();
    world.gateway("nation").ready().await;
    let items = eventually("everything has arrived", async || {
        Some(inbox(&recipient).await.unwrap()).filter(|items| items.len() > BACKLOG as usize)
    })
    .await;
    assert_eq!(items.len(), BACKLOG as usize + 1);
    let mine = items.iter().find(|item| item.doc_id == urgent).unwrap();
    assert_eq!(mine.urgency, 3);
    let before = items.iter().filter(|item| item.arrived_at < mine.arrived_at).count();
    assert!(before <= IN_HAND, "{before} of {BACKLOG} arrived before the urgent one");
    assert_eq!(items[0].doc_id, urgent, "the mailbox lists it first");

    // Every receipt of every one.
    for item in &items {
        let trace = traced(&sender, item.doc_id, "the last receipt is back", |trace| {
            trace.consignments[0].state == ConsignmentState::Consigned
        })
        .await;
        let receipts = world.verified(&trace, &trace.consignments[0]);
        assert_eq!(
            receipts,
            [
                "SubmissionAcceptance@province-a",
                "RelayAcceptance@nation",
                "RelayAcceptance@province-b",
                "ContentConsignment@province-b"
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_only_a_later_hop_can_know_is_refused_there_and_the_sender_is_told() {
    let world = World::start(Setup::default()).await;
    let sender = world.agency(SENDER, "province-a", 2);
    let ministry = world.agency("G09.90", "nation", 1);
    // The province has a default route; only the nation knows that there is no such agency.
    let signed = sign(&letter(SENDER, &["X99.01", "G09.90"], 1, b"%PDF-1.4\n%%EOF\n").packet().unwrap(), &sender.files);
    let doc_id = submit(&sender, &signed).await;
    arrived(&ministry, doc_id).await;
    let trace = traced(&sender, doc_id, "both consignments are settled", |trace| {
        trace
            .consignments
            .iter()
            .all(|consignment| matches!(consignment.state, ConsignmentState::Consigned | ConsignmentState::Rejected))
    })
    .await;
    let unknown = consignment(&trace, "X99.01");
    assert_eq!(unknown.state, ConsignmentState::Rejected);
    assert_eq!(world.verified(&trace, unknown), ["SubmissionAcceptance@province-a", "RelayRejection@nation"]);
    assert!(!unknown.receipts[0].reason.as_deref().unwrap().is_empty());
    let known = consignment(&trace, "G09.90");
    assert_eq!(known.state, ConsignmentState::Consigned, "one wrong recipient stops no other");
}
