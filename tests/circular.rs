//! A circular to hundreds of agencies passes every hop, each recipient with receipts of its own, in bounded memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use lienthong::client::Packet;
use lienthong::clock::SystemClock;
use lienthong::edxml::model::Urgency;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki;
use lienthong::receipts::jws::read_unverified;
use lienthong::receipts::verify_chain;
use lienthong::scene::{self, HOPS, Letter};
use lienthong_contract::Clock;
use lienthong_contract::door::{ConsignmentState, Trace};

/// The most that the rules take.
const RECIPIENTS: usize = 500;
/// Generous: a hang, not slowness, is what it ends.
const DEADLINE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_circular_to_five_hundred_agencies_of_another_province_reaches_each_of_them() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = pki::Options { rsa: false, ..pki::Options::default() };
    let manifest = pki::generate(&folder.path().join("certs"), &options, clock.now(), &mut |_| {}).unwrap();
    let codes: Vec<String> = (0..RECIPIENTS).map(|number| format!("H49.C{number:03}")).collect();
    let mut directory = std::fs::read_to_string(manifest.directory_file()).unwrap();
    for code in &codes {
        write!(directory, "\n[[agency]]\ncode = \"{code}\"\nname = \"Xã thí dụ {code}\"\nhop = \"province-b\"\n")
            .unwrap();
    }
    std::fs::write(manifest.directory_file(), directory).unwrap();

    let hub = Hub::new();
    let mut gateways = Vec::new();
    for hop in HOPS {
        let config = scene::configuration(&manifest, hop, &folder.path().join(hop), None).unwrap();
        gateways.push(Gateway::start(&config, &hub, Arc::clone(&clock)).await.unwrap());
    }
    let sender = scene::agency(&manifest, "H37.91", gateways[0].address, 1, Arc::clone(&clock)).unwrap();
    let to: Vec<&str> = codes.iter().map(String::as_str).collect();
    let letter = Letter {
        from: "H37.91",
        to: &to,
        number: 7,
        date: clock.now().in_vietnam().date(),
        subject: "Thông báo gửi các xã (thí dụ)",
        urgency: Urgency::Normal,
        attachment: &scene::example_pdf(100 * 1024),
    };
    let packet = sender.sign(&letter.packet().unwrap()).unwrap();
    let submission = sender.client.submit(&Packet::Bytes(packet.into()), None).await.unwrap();
    assert_eq!(submission.consignments.len(), RECIPIENTS);

    let store = Arc::clone(&gateways[0].store);
    let arrived = async {
        while store.counts().await.unwrap().consigned < RECIPIENTS as u64 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(DEADLINE, arrived).await.expect("every consignment reaches its mailbox");
    let trace = sender.client.trace(submission.doc_id).await.unwrap();
    every_chain_is_whole(&trace);
    assert_eq!(gateways[2].store.counts().await.unwrap().consigned, RECIPIENTS as u64);
    for gateway in gateways {
        gateway.stop().await;
    }
}

fn every_chain_is_whole(trace: &Trace) {
    assert_eq!(trace.consignments.len(), RECIPIENTS);
    for consignment in &trace.consignments {
        assert_eq!(consignment.state, ConsignmentState::Consigned, "{}", consignment.recipient);
        let chain: Vec<_> = trace.chain(consignment).map(|view| read_unverified(&view.jws).unwrap()).collect();
        let events: Vec<&str> = chain.iter().map(|sealed| sealed.receipt.event.as_str()).collect();
        assert_eq!(events, ["SubmissionAcceptance", "RelayAcceptance", "RelayAcceptance", "ContentConsignment"]);
        verify_chain(&chain, trace.digest, consignment.id).unwrap();
    }
}
