//! Overlaps and ends, with certificates of the example PKI.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::rollover::{Candidate, Outcome, signing};
use super::*;
use crate::config::{Config, Pin};
use crate::directory::Directory;
use crate::pki::tests::{NOW, example};
use crate::scene;
use crate::trust::path::TrustStore;

fn listed(config: &Config, now: Instant) -> Vec<InUse> {
    let directory: Arc<crate::directory::Snapshot> = Directory::open(&config.directory.file).unwrap().snapshot();
    calendar(&Sources { config, directory: &directory, headers: &[], soon_days: 30 }, now)
}

#[test]
fn every_certificate_is_listed_by_its_end_and_what_is_not_known_is_said() {
    let (example, folder) = (example(), tempfile::tempdir().unwrap());
    let mut config = scene::configuration(&example.manifest, "province-a", folder.path(), None).unwrap();
    let pinned = Digest::of(b"a certificate that nobody here has");
    config.trust.pin.push(Pin { hop: "nation".parse().unwrap(), certificates: vec![pinned] });
    let all = listed(&config, NOW);
    let ours = all.iter().find(|one| one.what == Use::HopSigning).unwrap();
    assert_eq!((ours.state, &ours.owner, ours.place.as_str()), (State::Good, &Owner::Us, "hop.certificate"));
    let pin = all.iter().find(|one| one.what == Use::PeerPin).unwrap();
    assert_eq!((pin.state, pin.fingerprint, pin.days_left), (State::NotKnown, Some(pinned), None));
    assert!(all.iter().any(|one| matches!(one.owner, Owner::Agency(_)) && one.state == State::NotKnown));
    let lists = all.iter().filter(|one| one.what == Use::RevocationList);
    assert!(lists.clone().count() >= 1 && lists.clone().all(|one| one.state == State::Good));
    assert!(all.iter().map(|one| one.days_left).filter(Option::is_some).is_sorted());
    assert!(
        all.iter().skip_while(|one| one.days_left.is_some()).all(|one| one.days_left.is_none()),
        "unknown ones last"
    );

    // Ten days before its end it ends soon; after it, it is over.
    let end = ours.not_after.unwrap();
    let of = |now: Instant| listed(&config, now).into_iter().find(|one| one.what == Use::HopSigning).unwrap();
    let soon = of(end.plus_millis(-10 * DAY));
    assert_eq!((soon.state, soon.days_left), (State::Expiring, Some(10)));
    let over = of(end.plus_millis(1));
    assert_eq!((over.state, over.days_left), (State::Expired, Some(-1)));
    assert_eq!(of(ours.not_before.unwrap().plus_millis(-DAY)).state, State::NotYetValid);
    assert_eq!(soon.name(), over.name(), "an alarm about it keeps its name");

    config.hop.certificate = folder.path().join("is-not-there.pem");
    let all = listed(&config, NOW);
    let ours = all.iter().find(|one| one.what == Use::HopSigning).unwrap();
    assert_eq!(ours.state, State::Unreadable);
    assert!(ours.error.is_some());
}

#[test]
fn a_rollover_is_judged_as_a_neighbour_would() {
    let example = example();
    let own = example.manifest.hop("province-a").unwrap();
    let other = example.manifest.hop("province-b").unwrap();
    let ca = example.manifest.ca();
    let trust = |root| TrustStore::from_pem_files(&[root], std::slice::from_ref(&ca.sub), &[]).unwrap();
    let (hop, peers) = ("province-a".parse().unwrap(), ["nation".parse().unwrap()]);
    let judged = |chain: &std::path::Path, key: &std::path::Path, trust: &TrustStore| {
        let candidate = Candidate { chain: chain.to_owned(), key: key.to_owned() };
        let tried = signing((&hop, &own.receipts_chain, &candidate), &peers, trust, NOW);
        assert_eq!((tried.len(), tried[0].with.as_str()), (1, "nation"));
        (tried[0].outcome, tried[0].en.clone())
    };
    let good = trust(ca.root.clone());
    assert_eq!(judged(&own.receipts_chain, &own.receipts_key, &good).0, Outcome::Ask);
    let (outcome, why) = judged(&other.receipts_chain, &other.receipts_key, &good);
    assert!(outcome == Outcome::Ask && why.contains("must register"), "another's name: {why}");
    assert_eq!(judged(&own.receipts_chain, &other.receipts_key, &good).0, Outcome::Bad, "not its key");
    let (outcome, why) = judged(&own.receipts_chain, &own.receipts_key, &trust(ca.other_root.clone()));
    assert!(outcome == Outcome::Bad && why.contains("would not trust"), "{why}");
}
