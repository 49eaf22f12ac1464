//! Whose certificate may speak for which hop, and when.

use std::collections::HashMap;
use std::sync::Arc;

use lienthong_contract::{Digest, HopName, Instant};

use super::{HOUR, chain, store};
use crate::pki::tests::{NOW, example};
use crate::receipts::{Error, HopKeys};
use crate::trust::hops::HopTrust;
use crate::trust::{HopKey, TrustStore};

fn hop(name: &str) -> HopName {
    name.parse().unwrap()
}

fn receipts_chain(name: &str) -> Vec<Vec<u8>> {
    chain(&example().manifest.hop(name).unwrap().receipts_chain)
}

fn trust(pins: &[(&str, Vec<Digest>)]) -> HopTrust {
    let pins = pins.iter().map(|(name, list)| (hop(name), list.clone())).collect();
    HopTrust::new(Arc::new(store(&example().manifest)), pins)
}

fn cause(answer: Result<Vec<u8>, Error>) -> String {
    match answer {
        Err(Error::Untrusted { cause, .. }) => cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hop_speaks_with_the_key_of_the_certificate_that_names_it() {
    let example = example();
    let files = example.manifest.hop("nation").unwrap();
    let key = HopKey::load(&files.receipts_key, &files.receipts_chain).unwrap();
    let trust = trust(&[]);
    for _ in 0..2 {
        assert_eq!(trust.public_key(&receipts_chain("nation"), &hop("nation"), NOW).unwrap(), key.public_key());
    }
}

#[test]
fn no_hop_speaks_for_another_whether_asked_before_or_not() {
    // All keys of this test come from the same example.
    let _held = example();
    let trust = trust(&[]);
    trust.public_key(&receipts_chain("nation"), &hop("nation"), NOW).unwrap();
    for name in ["province-a", "province-b", "nation2"] {
        let why = cause(trust.public_key(&receipts_chain("nation"), &hop(name), NOW));
        assert!(why.contains("does not name it"), "{why}");
    }
    assert!(cause(trust.public_key(&[], &hop("nation"), NOW)).contains("no certificate"));
    // Neither does an agency, whose certificate names it just as well.
    let agency = chain(&example().manifest.agency("H37.90").unwrap().sign_chain);
    cause(trust.public_key(&agency, &hop("nation"), NOW));
}

#[test]
fn a_registered_certificate_shuts_out_every_other_even_one_that_names_the_hop() {
    // All keys of this test come from the same example.
    let _held = example();
    let good = receipts_chain("nation");
    let (right, wrong) = (Digest::of(&good[0]), Digest::of(&receipts_chain("province-b")[0]));
    trust(&[("nation", vec![wrong, right])]).public_key(&good, &hop("nation"), NOW).unwrap();
    let pinned_elsewhere = trust(&[("nation", vec![wrong])]);
    let why = cause(pinned_elsewhere.public_key(&good, &hop("nation"), NOW));
    assert!(why.contains("not the certificate registered"), "{why}");
    cause(trust(&[("nation", Vec::new())]).public_key(&good, &hop("nation"), NOW));
    // Registered for it, a certificate with another name will do: the operator said so.
    pinned_elsewhere.public_key(&receipts_chain("province-b"), &hop("nation"), NOW).unwrap();
}

#[test]
fn a_certificate_counts_at_the_receipts_own_time_and_not_a_moment_longer() {
    // All keys of this test come from the same example.
    let _held = example();
    let good = receipts_chain("nation");
    let end = crate::trust::certificate::read_chain(&example().manifest.hop("nation").unwrap().receipts_chain).unwrap()
        [0]
    .not_after();
    let trust = trust(&[]);
    trust.public_key(&good, &hop("nation"), end.plus_millis(-60_000)).unwrap();
    // Minutes after a good verdict, but past the end.
    cause(trust.public_key(&good, &hop("nation"), end.plus_millis(60_000)));
    cause(trust.public_key(&good, &hop("nation"), end.plus_millis(48 * HOUR)));
    cause(trust.public_key(&good, &hop("nation"), Instant::from_millis(0)));
    trust.public_key(&good, &hop("nation"), NOW).unwrap();
}

#[test]
fn roots_that_are_taken_away_count_no_more_at_once() {
    // All keys of this test come from the same example.
    let _held = example();
    let manifest = &example().manifest;
    let trust = trust(&[]);
    trust.public_key(&receipts_chain("nation"), &hop("nation"), NOW).unwrap();
    let other = TrustStore::from_pem_files(&[manifest.ca().other_root], &[], &[]).unwrap();
    trust.replace(Arc::new(other));
    cause(trust.public_key(&receipts_chain("nation"), &hop("nation"), NOW));
    let other = TrustStore::from_pem_files(&[manifest.ca().other_root], &[], &[]).unwrap();
    let pins = HashMap::from([(hop("nation"), vec![Digest::of(&receipts_chain("nation")[0])])]);
    // Registering a certificate does not replace its authority.
    cause(HopTrust::new(Arc::new(other), pins).public_key(&receipts_chain("nation"), &hop("nation"), NOW));
}
