#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64_simd::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use super::chain::{follows, order};
use super::*;

#[derive(Debug)]
struct TestKey {
    pair: EcdsaKeyPair,
    chain: Vec<Vec<u8>>,
}

impl TestKey {
    fn new() -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &rng).unwrap();
        // Certificates are the business of `HopKeys`; here the "certificate" is the key itself.
        let chain = vec![pair.public_key().as_ref().to_vec()];
        Self { pair, chain }
    }
}

impl Signer for TestKey {
    fn alg(&self) -> &'static str {
        "ES256"
    }

    fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
    }
}

impl HopKeys for TestKey {
    fn public_key(&self, chain: &[Vec<u8>], hop: &HopName, _at: Instant) -> Result<Vec<u8>, Error> {
        if chain != self.chain {
            return Err(Error::Untrusted { hop: hop.to_string(), cause: "another key".to_owned() });
        }
        Ok(chain[0].clone())
    }
}

fn receipt(event: Event, consignment: ConsignmentId, previous: Option<Digest>) -> Receipt {
    let recipient: AgencyCode = "G09.90".parse().unwrap();
    let submission = event == Event::SubmissionAcceptance;
    Receipt {
        v: 1,
        event,
        hop: "province-a".parse().unwrap(),
        time: Instant::from_millis(1_790_000_000_000),
        doc_id: DocId::from_bytes([7; 16]),
        packet: Digest::of(b"packet"),
        size: 6,
        from: "H37.90".parse().unwrap(),
        document_id: None,
        consignment: (!submission).then_some(consignment),
        recipient: (!submission).then(|| recipient.clone()),
        consignments: if submission { vec![ConsignedTo { consignment, recipient }] } else { vec![] },
        previous,
        credential: None,
        checks: None,
        reason: None,
        outside: None,
    }
}

fn chain(key: &TestKey, id: ConsignmentId) -> Vec<Sealed> {
    let mut links: Vec<Sealed> = Vec::new();
    for (event, hop) in [
        (Event::SubmissionAcceptance, "province-a"),
        (Event::RelayAcceptance, "nation"),
        (Event::ContentConsignment, "nation"),
        (Event::ContentHandover, "nation"),
    ] {
        let previous = links.last().map(|link| link.digest);
        links.push(seal(by(hop, receipt(event, id, previous)), key).unwrap());
    }
    links
}

fn by(hop: &str, receipt: Receipt) -> Receipt {
    Receipt { hop: hop.parse().unwrap(), ..receipt }
}

#[test]
fn a_sealed_receipt_opens_and_a_flipped_byte_does_not() {
    let key = TestKey::new();
    let sealed = seal(receipt(Event::SubmissionAcceptance, ConsignmentId::fresh(), None), &key).unwrap();
    assert_eq!(open(&sealed.jws, &key).unwrap(), sealed);
    for position in [0, sealed.jws.len() / 2, sealed.jws.len() - 3] {
        let mut bytes = sealed.jws.to_string().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).unwrap();
        assert!(open(&altered, &key).is_err(), "byte {position}");
    }
    assert!(matches!(open(&sealed.jws, &TestKey::new()), Err(Error::Untrusted { .. })));
}

#[test]
fn a_negative_receipt_without_a_reason_is_not_made() {
    let key = TestKey::new();
    let refusal = receipt(Event::RelayRejection, ConsignmentId::fresh(), None);
    assert_eq!(seal(refusal, &key), Err(Error::NoReason("RelayRejection")));
}

#[test]
fn a_chain_holds_only_in_its_own_order_for_its_own_packet() {
    let key = TestKey::new();
    let id = ConsignmentId::fresh();
    let links = chain(&key, id);
    let packet = Digest::of(b"packet");
    assert_eq!(verify_chain(&links, packet, id), Ok(()));
    assert_eq!(verify_chain::<Sealed>(&[], packet, id), Err(ChainFault::Empty));
    assert!(matches!(verify_chain(&links[1..], packet, id), Err(ChainFault::Beginning(_))));
    assert!(matches!(verify_chain(&links, Digest::of(b"other"), id), Err(ChainFault::OtherPacket { position: 1, .. })));
    assert!(matches!(
        verify_chain(&links, packet, ConsignmentId::fresh()),
        Err(ChainFault::OtherConsignment { position: 1, .. })
    ));
    let gap = [links[0].clone(), links[2].clone()];
    assert!(matches!(verify_chain(&gap, packet, id), Err(ChainFault::Broken { position: 2, .. })));
}

#[test]
fn a_handover_cannot_follow_a_relay() {
    let key = TestKey::new();
    let id = ConsignmentId::fresh();
    let mut links = chain(&key, id);
    links.truncate(2);
    let previous = links.last().map(|link| link.digest);
    links.push(seal(by("nation", receipt(Event::ContentHandover, id, previous)), &key).unwrap());
    let fault = verify_chain(&links, Digest::of(b"packet"), id);
    assert!(matches!(fault, Err(ChainFault::Order { position: 3, .. })), "{fault:?}");
}

#[test]
fn receipts_that_arrive_in_any_order_are_put_in_chain_order() {
    let key = TestKey::new();
    let links = chain(&key, ConsignmentId::fresh());
    let mixed = vec![links[3].clone(), links[1].clone(), links[0].clone(), links[2].clone()];
    assert_eq!(order(mixed), links);
}

#[test]
fn only_the_hop_that_has_custody_speaks_of_the_mailbox_and_only_another_takes_custody() {
    let key = TestKey::new();
    let id = ConsignmentId::fresh();
    let links = chain(&key, id);
    for (length, event, hop) in [
        (1, Event::RelayAcceptance, "province-a"),
        (2, Event::ContentConsignment, "province-b"),
        (3, Event::ContentHandover, "province-b"),
    ] {
        let mut forged = links[..length].to_vec();
        let next = by(hop, receipt(event, id, forged.last().map(|link| link.digest)));
        forged.push(seal(next, &key).unwrap());
        let fault = verify_chain(&forged, Digest::of(b"packet"), id);
        assert!(matches!(fault, Err(ChainFault::Hop { .. })), "{event:?}: {fault:?}");
        assert!(!follows(&forged[length], &forged[length - 1], id));
    }
    assert!(links.windows(2).all(|pair| follows(&pair[1], &pair[0], id)));
}

#[test]
fn a_header_that_asks_for_more_than_is_understood_is_refused() {
    let key = TestKey::new();
    let sealed = seal(receipt(Event::SubmissionAcceptance, ConsignmentId::fresh(), None), &key).unwrap();
    let (header, rest) = sealed.jws.split_once('.').unwrap();
    let payload = rest.split_once('.').unwrap().0;
    let header: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode_to_vec(header).unwrap()).unwrap();
    // Signed by the very key: only what the header says is amiss.
    let signed_with = |header: &serde_json::Value| {
        let text = format!("{}.{payload}", URL_SAFE_NO_PAD.encode_to_string(header.to_string()));
        let signature = super::jws::lower(key.sign(text.as_bytes()).unwrap());
        open(&format!("{text}.{}", URL_SAFE_NO_PAD.encode_to_string(signature)), &key)
    };
    assert!(signed_with(&header).is_ok());
    for (name, value) in [("crit", serde_json::json!(["exp"])), ("b64", false.into()), ("kid", "1".into())] {
        let mut more = header.clone();
        more[name] = value;
        assert!(matches!(signed_with(&more), Err(Error::Malformed("header"))), "{name}");
    }
}

#[test]
fn a_receipt_has_one_form_and_its_twin_is_refused() {
    let key = TestKey::new();
    // Both halves come up: the signer's own choice is as good as random.
    for _ in 0..16 {
        let submission = receipt(Event::SubmissionAcceptance, ConsignmentId::fresh(), None);
        let sealed = seal(submission, &key).unwrap();
        open(&sealed.jws, &key).unwrap();
        let (signed, signature) = sealed.jws.rsplit_once('.').unwrap();
        let mut signature = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap();
        // n − s, by the same subtraction that a forger has.
        let n = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let mut borrow = 0_i32;
        for place in (0..32).rev() {
            let order = i32::from_str_radix(&n[2 * place..2 * place + 2], 16).unwrap();
            let difference = order - i32::from(signature[32 + place]) - borrow;
            borrow = i32::from(difference < 0);
            signature[32 + place] = u8::try_from(difference.rem_euclid(256)).unwrap();
        }
        let twin = format!("{signed}.{}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(&signature));
        assert!(matches!(open(&twin, &key), Err(Error::Malformed(what)) if what.contains("upper half")));
        // Nor may the last character say more than the bytes do.
        let last = sealed.jws.chars().last().unwrap();
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|c| *c != last) {
            let mut text = sealed.jws[..sealed.jws.len() - 1].to_owned();
            text.push(other);
            assert!(open(&text, &key).is_err(), "{other}");
        }
    }
}
