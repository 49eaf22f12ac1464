//! Headers carry each receipt once; batches are signed by the hop they name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::pki::tests::{NOW, example};
use crate::store::sqlite::tests::support::{hop, letter, to_nation};
use crate::store::{DispatchedConsignment, Held};
use crate::trust::hops::HopTrust;
use crate::trust::{HopKey, TrustStore};

fn key(name: &str) -> HopKey {
    let example = example();
    let files = example.manifest.hop(name).unwrap();
    HopKey::load(&files.receipts_key, &files.receipts_chain).unwrap()
}

fn trust() -> HopTrust {
    let example = example();
    let ca = example.manifest.ca();
    let crls = ca.crls();
    let store = TrustStore::from_pem_files(&[ca.root], &[ca.sub], &crls).unwrap();
    HopTrust::new(std::sync::Arc::new(store), std::collections::HashMap::new())
}

#[test]
fn a_receipt_that_many_chains_share_travels_once() {
    let made = letter("one", 0, &[("G09.90", to_nation()), ("G22.90", to_nation())]);
    let entry = |place: usize, own: &str| DispatchedConsignment {
        due: None,
        id: made.consignments[place].id,
        recipient: made.consignments[place].recipient.clone(),
        chain: vec![made.submission.jws.clone(), own.into()],
    };
    let dispatch = Dispatch {
        outbox_id: 1,
        doc_id: made.packet.doc_id,
        digest: made.packet.digest,
        size: made.packet.size,
        urgent: false,
        attempts: 0,
        held: Held::Dropped,
        consignments: vec![entry(0, "a"), entry(1, "b")],
        together: None,
    };
    let header = TransferHeader::of(&hop("province-a"), &dispatch);
    assert_eq!(header.receipts, [&*made.submission.jws, "a", "b"]);
    let chains: Vec<&[usize]> = header.consignments.iter().map(|one| one.chain.as_slice()).collect();
    assert_eq!(chains, [[0, 1], [0, 2]]);
    let read: TransferHeader = serde_json::from_slice(&serde_json::to_vec(&header).unwrap()).unwrap();
    assert_eq!(read, header);
}

#[test]
fn a_batch_opens_for_the_hop_that_it_names_and_no_other() {
    // All keys of this test come from the same example.
    let _held = example();
    let batch = Batch::Stored { from_hop: hop("nation"), time: NOW, digests: vec![Digest::of(b"receipt")] };
    let signed = batch.sign(&key("nation")).unwrap();
    assert_eq!(Batch::open(&signed, &trust()).unwrap(), batch);
    assert!(matches!(Batch::open(&batch.sign(&key("province-b")).unwrap(), &trust()), Err(Error::Untrusted { .. })));
    let mut altered = signed.clone();
    let place = altered.iter().rposition(|byte| *byte == b'.').unwrap() - 5;
    altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
    assert!(Batch::open(&altered, &trust()).is_err());
    assert!(matches!(Batch::open(&[0xff, 0xfe], &trust()), Err(Error::Malformed(_))));
}

#[test]
fn a_receipt_is_no_batch_and_a_batch_no_receipt() {
    // All keys of this test come from the same example.
    let _held = example();
    let made = letter("one", 0, &[("G09.90", to_nation())]);
    let sealed =
        crate::receipts::seal(crate::receipts::Receipt::clone(&made.submission.receipt), &key("province-a")).unwrap();
    assert!(matches!(Batch::open(sealed.jws.as_bytes(), &trust()), Err(Error::Malformed("typ is another one"))));
    let batch = Batch::Receipts { from_hop: hop("nation"), time: NOW, receipts: Vec::new() };
    let signed = String::from_utf8(batch.sign(&key("nation")).unwrap()).unwrap();
    assert!(matches!(crate::receipts::open(&signed, &trust()), Err(Error::Malformed("typ is another one"))));
}
