//! Good certificates are good, and each bad one is bad for its own reason.

use lienthong_contract::Digest;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints,
};

use super::{HOUR, NOW, chain, judge, store};
use crate::pki::tests::{example, example_with_rsa};
use crate::trust::path::{PathProblem, Purpose, Revocation, TrustStore};
use crate::trust::{Error, Fault};

#[test]
fn every_good_certificate_leads_to_the_root_and_is_not_revoked() {
    let manifest = &example_with_rsa().manifest;
    let store = store(manifest);
    for code in manifest.agency_codes() {
        let files = manifest.agency(code).unwrap();
        for (path, purpose) in [(&files.client_chain, Purpose::TlsClient), (&files.sign_chain, Purpose::PacketSigning)]
        {
            let facts = judge(&store, path, purpose, NOW).unwrap();
            assert_eq!(facts.revocation, Revocation::Good, "{code}");
            assert_eq!(facts.fingerprint, Digest::of(&chain(path)[0]));
            assert_eq!(facts.root, Digest::of(&chain(&manifest.ca().root)[0]));
            assert_eq!(facts.authorities, [Digest::of(&chain(&manifest.ca().sub)[0])]);
            assert!(facts.subject.contains(code) && facts.findings().is_empty(), "{}", facts.subject);
        }
    }
    for name in manifest.hop_names() {
        let hop = manifest.hop(name).unwrap();
        judge(&store, &hop.tls_chain, Purpose::TlsServer, NOW).unwrap();
        judge(&store, &hop.tls_chain, Purpose::TlsClient, NOW).unwrap();
        judge(&store, &hop.receipts_chain, Purpose::HopReceipts, NOW).unwrap();
    }
    judge(&store, &manifest.broker().chain, Purpose::TlsServer, NOW).unwrap();
}

#[test]
fn each_bad_certificate_gives_its_own_problem() {
    let manifest = &example().manifest;
    let store = store(manifest);
    let mut seen = std::collections::BTreeSet::new();
    for case in manifest.bad_cases() {
        let bad = manifest.bad(case).unwrap();
        for (path, purpose, expected) in [
            (&bad.files.client_chain, Purpose::TlsClient, &bad.client_finding),
            (&bad.files.sign_chain, Purpose::PacketSigning, &bad.sign_finding),
        ] {
            let found = judge(&store, path, purpose, NOW).err().map(|problem| problem.finding());
            assert_eq!(found.as_ref().map(|finding| &finding.code), expected.as_ref(), "{case}: {found:?}");
            seen.extend(found.map(|finding| finding.code));
        }
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[test]
fn a_certificate_is_judged_as_of_the_moment_asked_for() {
    let manifest = &example().manifest;
    let store = store(manifest);
    let expired = manifest.bad("expired").unwrap().files.sign_chain;
    judge(&store, &expired, Purpose::PacketSigning, NOW).unwrap_err();
    // The authority is only valid from one day before NOW, so a moment inside the certificate's life is too early for it.
    let early = judge(&store, &expired, Purpose::PacketSigning, NOW.plus_millis(-72 * HOUR)).unwrap_err();
    assert!(matches!(early, PathProblem::NotYetValid { is_authority: true, .. }), "{early:?}");
    let good = manifest.agency("H37.90").unwrap().sign_chain;
    let late = judge(&store, &good, Purpose::PacketSigning, NOW.plus_millis(731 * 24 * HOUR)).unwrap_err();
    let not_after = NOW.plus_millis(730 * 24 * HOUR);
    assert_eq!(late, PathProblem::Expired { not_after, is_authority: false });
    assert!(late.finding().found.unwrap().contains(&not_after.to_string()));
    judge(&store, &good, Purpose::PacketSigning, not_after).unwrap();
}

#[test]
fn a_certificate_for_one_purpose_is_not_good_for_another() {
    let manifest = &example().manifest;
    let store = store(manifest);
    let agency = manifest.agency("H37.91").unwrap();
    let client = judge(&store, &agency.client_chain, Purpose::TlsServer, NOW).unwrap_err();
    assert_eq!(client, PathProblem::NotForTransport { needed: "serverAuth" });
    let signing = judge(&store, &agency.sign_chain, Purpose::TlsClient, NOW).unwrap_err();
    assert_eq!(signing, PathProblem::NotForTransport { needed: "clientAuth" });
    let authority = judge(&store, &manifest.ca().sub, Purpose::PacketSigning, NOW).unwrap_err();
    assert!(matches!(authority, PathProblem::WrongKeyUsage { .. }), "{authority:?}");
}

#[test]
fn a_leaf_alone_is_completed_from_the_configured_authorities() {
    let manifest = &example().manifest;
    let leaf = chain(&manifest.agency("H37.90").unwrap().sign_chain).remove(0);
    store(manifest).check(&leaf, &[], Purpose::PacketSigning, NOW).unwrap();
    let bare = TrustStore::from_pem_files(&[manifest.ca().root], &[], &[]).unwrap();
    let alone = bare.check(&leaf, &[], Purpose::PacketSigning, NOW).unwrap_err();
    assert!(matches!(&alone, PathProblem::UnknownIssuer { issuer } if issuer.contains("Sub-CA")), "{alone:?}");
    let junk = vec![vec![0x30; 10], chain(&manifest.ca().sub).remove(0)];
    bare.check(&leaf, &junk, Purpose::PacketSigning, NOW).unwrap();
}

#[test]
fn an_altered_certificate_is_never_accepted_and_never_a_panic() {
    let manifest = &example().manifest;
    let store = store(manifest);
    let leaf = chain(&manifest.agency("H37.91").unwrap().sign_chain).remove(0);
    for position in 0..leaf.len() {
        let mut altered = leaf.clone();
        altered[position] ^= 1 << (position % 8);
        let verdict = store.check(&altered, &[], Purpose::PacketSigning, NOW);
        assert!(verdict.is_err(), "octet {position}: {verdict:?}");
        let cut = store.check(&leaf[..position], &[], Purpose::PacketSigning, NOW).unwrap_err();
        assert!(matches!(cut, PathProblem::Malformed(_)), "{cut:?}");
    }
    let mut longer = leaf;
    longer.push(0);
    let verdict = store.check(&longer, &[], Purpose::PacketSigning, NOW).unwrap_err();
    assert!(matches!(verdict, PathProblem::Malformed(_)), "{verdict:?}");
}

/// A little hierarchy of its own: an authority with these constraints and keyUsage, and one leaf below it.
fn hierarchy(usages: Vec<KeyUsagePurpose>, constraints: Option<NameConstraints>) -> (TrustStore, Vec<u8>) {
    let day = |year| rcgen::date_time_ymd(year, 1, 1);
    let params = |name: &str| {
        let mut params = CertificateParams::new(vec!["10.9.8.7".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        (params.not_before, params.not_after) = (day(2025), day(2035));
        params
    };
    let authority = |name: &str| {
        let mut params = params(name);
        params.subject_alt_names.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = CertifiedIssuer::self_signed(authority("root"), KeyPair::generate().unwrap()).unwrap();
    let mut sub = authority("sub");
    (sub.key_usages, sub.name_constraints) = (usages, constraints);
    let sub = CertifiedIssuer::signed_by(sub, KeyPair::generate().unwrap(), &root).unwrap();
    let leaf = params("leaf").signed_by(&KeyPair::generate().unwrap(), &sub).unwrap();
    let store = TrustStore::from_der(&[root.der().to_vec()], &[sub.der().to_vec()], &[]).unwrap();
    (store, leaf.der().to_vec())
}

#[test]
fn an_authority_stays_within_its_own_limits() {
    let signs = vec![KeyUsagePurpose::KeyCertSign];
    let (store, leaf) = hierarchy(signs.clone(), None);
    store.check(&leaf, &[], Purpose::PacketSigning, NOW).unwrap();

    let (store, leaf) = hierarchy(vec![KeyUsagePurpose::DigitalSignature], None);
    let problem = store.check(&leaf, &[], Purpose::PacketSigning, NOW).unwrap_err();
    assert!(matches!(problem, PathProblem::WrongKeyUsage { needed: "keyCertSign", .. }), "{problem:?}");

    let elsewhere = GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([192, 168, 0, 0], 16));
    let only = NameConstraints { permitted_subtrees: vec![elsewhere], excluded_subtrees: Vec::new() };
    let (store, leaf) = hierarchy(signs, Some(only));
    assert_eq!(store.check(&leaf, &[], Purpose::PacketSigning, NOW).unwrap_err(), PathProblem::NameConstraints);
}

#[test]
fn a_store_without_roots_or_with_a_wrong_file_says_so() {
    let example = example();
    let ca = example.manifest.ca();
    assert!(matches!(TrustStore::from_der(&[], &[], &[]), Err(Error { fault: Fault::NoRoots, .. })));
    let error = TrustStore::from_pem_files(std::slice::from_ref(&ca.root_key), &[], &[]).unwrap_err();
    assert_eq!(error.file, ca.root_key.display().to_string());
    assert!(error.to_string().contains("PRIVATE KEY"), "{error}");
    let missing = example.manifest.root().join("nowhere.pem");
    let error = TrustStore::from_pem_files(&[missing], &[], &[]).unwrap_err();
    assert!(error.to_string().contains("nowhere.pem") && error.finding().code == "LT-TRU-0020", "{error}");
    let error = TrustStore::from_pem_files(std::slice::from_ref(&ca.root), &[], std::slice::from_ref(&ca.sub));
    assert!(error.unwrap_err().to_string().contains("holds no revocation list"));
}

#[test]
fn a_remembered_verdict_does_not_outlive_the_certificate_or_change_its_purpose() {
    let manifest = &example().manifest;
    let store = store(manifest);
    let files = manifest.agency("H37.91").unwrap();
    let facts = judge(&store, &files.sign_chain, Purpose::PacketSigning, NOW).unwrap();
    let at = |millis: i64| lienthong_contract::Instant::from_millis(facts.not_after.as_millis() + millis);
    // Asked a second before its end, and again within the minute: the answer given before must not be given again.
    let judged = |at| judge(&store, &files.sign_chain, Purpose::PacketSigning, at);
    assert_eq!(judged(at(-1000)).unwrap().fingerprint, facts.fingerprint);
    assert_eq!(judged(at(-1000)).unwrap().fingerprint, facts.fingerprint);
    assert!(matches!(judged(at(2000)), Err(PathProblem::Expired { .. })));
    // And not for a moment before it was made.
    let before = lienthong_contract::Instant::from_millis(facts.not_before.as_millis() - 1000);
    assert!(matches!(judged(before), Err(PathProblem::NotYetValid { .. })));
    assert!(judge(&store, &files.sign_chain, Purpose::TlsClient, NOW).is_err(), "a signing certificate opens no door");
}
