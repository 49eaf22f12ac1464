//! Revoked is revoked from its day on; an absent or stale list is neither good nor bad.

use super::{HOUR, NOW, chain, judge, store};
use crate::pki::tests::example;
use crate::trust::path::{NotChecked, PathProblem, Purpose, Reason, Revocation, RevocationPolicy, TrustStore};
use crate::trust::{Error, Fault, certificate};

#[test]
fn a_revoked_certificate_was_good_until_its_revocation() {
    let manifest = &example().manifest;
    let store = store(manifest);
    let revoked = manifest.bad("revoked").unwrap().files.sign_chain;
    let problem = judge(&store, &revoked, Purpose::PacketSigning, NOW).unwrap_err();
    let PathProblem::Revoked { subject, since, reason } = &problem else { panic!("{problem:?}") };
    assert_eq!((*since, *reason), (NOW.plus_millis(-HOUR), Reason::KeyCompromise));
    assert!(subject.contains("H37.90"));
    assert!(problem.finding().found.unwrap().contains("keyCompromise"));
    let before = judge(&store, &revoked, Purpose::PacketSigning, NOW.plus_millis(-2 * HOUR)).unwrap();
    assert_eq!(before.revocation, Revocation::Good);
}

#[test]
fn without_a_list_revocation_is_not_checked() {
    let manifest = &example().manifest;
    let ca = manifest.ca();
    let (roots, subs) = ([ca.root.clone()], [ca.sub.clone()]);
    let without = TrustStore::from_pem_files(&roots, &subs, &[]).unwrap();
    let revoked = manifest.bad("revoked").unwrap().files.sign_chain;
    let facts = judge(&without, &revoked, Purpose::PacketSigning, NOW).unwrap();
    assert!(
        matches!(&facts.revocation, Revocation::NotChecked(NotChecked::NoList { issuer }) if issuer.contains("Sub-CA"))
    );
    let [finding] = facts.findings().try_into().unwrap();
    assert!(finding.code == "LT-TRU-0014" && !finding.refuses());

    let strict = without.with_revocation(RevocationPolicy::Require);
    let problem = judge(&strict, &revoked, Purpose::PacketSigning, NOW).unwrap_err();
    assert!(matches!(problem, PathProblem::RevocationUnknown(NotChecked::NoList { .. })), "{problem:?}");

    // The sub-authority's own standing is part of the answer.
    let half = TrustStore::from_pem_files(&roots, &subs, &[ca.crl]).unwrap();
    let good = manifest.agency("H37.90").unwrap().sign_chain;
    let facts = judge(&half, &good, Purpose::PacketSigning, NOW).unwrap();
    assert!(
        matches!(&facts.revocation, Revocation::NotChecked(NotChecked::NoList { issuer }) if issuer.contains("Root"))
    );
}

#[test]
fn a_stale_list_says_nothing_of_those_it_does_not_name() {
    let manifest = &example().manifest;
    let ca = manifest.ca();
    let (roots, subs) = ([ca.root], [ca.sub]);
    let stale = TrustStore::from_pem_files(&roots, &subs, &[ca.stale_crl, ca.root_crl]).unwrap();
    let good = manifest.agency("H37.90").unwrap().sign_chain;
    let facts = judge(&stale, &good, Purpose::PacketSigning, NOW).unwrap();
    assert!(matches!(facts.revocation, Revocation::NotChecked(NotChecked::StaleList { .. })), "{facts:?}");

    // A listing outlives the list: long after nextUpdate, the revoked stay revoked as long as they would be valid.
    let lists = TrustStore::from_pem_files(&roots, &subs, &[ca.crl]).unwrap();
    let revoked = manifest.bad("revoked").unwrap().files.sign_chain;
    let last_moment = NOW.plus_millis(730 * 24 * HOUR);
    let problem = judge(&lists, &revoked, Purpose::PacketSigning, last_moment).unwrap_err();
    assert!(matches!(problem, PathProblem::Revoked { .. }), "{problem:?}");
}

#[test]
fn a_list_by_a_stranger_or_an_altered_one_is_not_loaded() {
    let manifest = &example().manifest;
    let ca = manifest.ca();
    let other = [ca.other_root];
    let error = TrustStore::from_pem_files(&other, &[], std::slice::from_ref(&ca.crl)).unwrap_err();
    assert!(matches!(&error, Error { fault: Fault::ForeignCrl { index: 1, .. }, .. }), "{error}");
    assert!(error.file.ends_with("crl.pem") && error.to_string().contains("Sub-CA"), "{error}");

    let der = certificate::read_crls(&ca.crl).unwrap().remove(0);
    let (root, sub) = (chain(&ca.root), chain(&ca.sub));
    TrustStore::from_der(&root, &sub, std::slice::from_ref(&der)).unwrap();
    for position in 0..der.len() {
        let mut altered = der.clone();
        altered[position] ^= 1 << (position % 8);
        let verdict = TrustStore::from_der(&root, &sub, &[altered]);
        assert!(
            matches!(verdict, Err(Error { fault: Fault::ForeignCrl { .. } | Fault::BadCrl { .. }, .. })),
            "{position}"
        );
    }
}
