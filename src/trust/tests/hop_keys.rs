//! The hop's key signs as JOSE wants it, belongs to its certificate, and keeps quiet.

use std::path::{Path, PathBuf};

use super::openssl::openssl;
use crate::pki::tests::example;
use crate::trust::Fault;
use crate::trust::certificate::{self, KeyKind};
use crate::trust::hop_key::{BadJws, HopKey, verify_jws_signature};

/// Makes a key and a self-signed certificate with OpenSSL; `algorithm` as for `openssl req -newkey`.
fn foreign_pair(folder: &Path, algorithm: &[&str]) -> (PathBuf, PathBuf) {
    let (key, chain) = (folder.join("own.key"), folder.join("own.pem"));
    let mut arguments = vec!["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=hop", "-newkey"];
    arguments.extend(algorithm);
    arguments.extend(["-keyout", key.to_str().unwrap(), "-out", chain.to_str().unwrap()]);
    let (made, said) = openssl(&arguments);
    assert!(made, "{said}");
    (key, chain)
}

/// r and s as the DER that OpenSSL wants.
fn der_signature(fixed: &[u8]) -> Vec<u8> {
    let integer = |octets: &[u8]| {
        let mut number: Vec<u8> = octets.iter().copied().skip_while(|octet| *octet == 0).collect();
        if number.first().is_none_or(|first| first & 0x80 != 0) {
            number.insert(0, 0);
        }
        [vec![2, u8::try_from(number.len()).unwrap()], number].concat()
    };
    let body = [integer(&fixed[..32]), integer(&fixed[32..])].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

#[test]
fn es256_signatures_are_64_octets_and_openssl_accepts_them() {
    let example = example();
    let hop = example.manifest.hop("province-a").unwrap();
    let key = HopKey::load(&hop.receipts_key, &hop.receipts_chain).unwrap();
    assert_eq!((key.alg(), key.chain_der().len(), key.certificate().key()), ("ES256", 2, &KeyKind::P256));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (_, public) = openssl(&["x509", "-in", hop.receipts_chain.to_str().unwrap(), "-noout", "-pubkey"]);
    std::fs::write(at("public"), public).unwrap();
    for round in 0..20_u8 {
        let message = vec![round; 100];
        let signature = key.sign(&message).unwrap();
        assert_eq!(signature.len(), 64);
        verify_jws_signature("ES256", &key.chain_der()[0], &message, &signature).unwrap();
        std::fs::write(at("message"), &message).unwrap();
        std::fs::write(at("signature"), der_signature(&signature)).unwrap();
        let (good, said) =
            openssl(&["dgst", "-sha256", "-verify", &at("public"), "-signature", &at("signature"), &at("message")]);
        assert!(good, "{said}");
    }
}

#[test]
fn an_ed25519_key_made_by_openssl_works_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let (key_path, chain_path) = foreign_pair(folder.path(), &["ed25519"]);
    let key = HopKey::load(&key_path, &chain_path).unwrap();
    assert_eq!((key.alg(), key.public_key().len()), ("EdDSA", 32));
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("message"), b"receipt").unwrap();
    std::fs::write(at("signature"), key.sign(b"receipt").unwrap()).unwrap();
    let certificate = chain_path.to_str().unwrap();
    let (good, said) = openssl(&[
        "pkeyutl",
        "-verify",
        "-rawin",
        "-certin",
        "-inkey",
        certificate,
        "-sigfile",
        &at("signature"),
        "-in",
        &at("message"),
    ]);
    assert!(good, "{said}");
    let private = key_path.to_str().unwrap();
    let (made, said) =
        openssl(&["pkeyutl", "-sign", "-rawin", "-inkey", private, "-in", &at("message"), "-out", &at("theirs")]);
    assert!(made, "{said}");
    let theirs = std::fs::read(at("theirs")).unwrap();
    verify_jws_signature("EdDSA", &key.chain_der()[0], b"receipt", &theirs).unwrap();
}

#[test]
fn a_signature_counts_for_its_text_its_key_and_its_algorithm_only() {
    let manifest = &example().manifest;
    let (one, two) = (manifest.hop("province-a").unwrap(), manifest.hop("nation").unwrap());
    let one = HopKey::load(&one.receipts_key, &one.receipts_chain).unwrap();
    let two = HopKey::load(&two.receipts_key, &two.receipts_chain).unwrap();
    let signature = one.sign(b"text").unwrap();
    let verify = |alg: &str, key: &HopKey, text: &[u8], signature: &[u8]| {
        verify_jws_signature(alg, &key.chain_der()[0], text, signature).unwrap_err()
    };
    assert_eq!(verify("ES256", &one, b"texT", &signature), BadJws::Signature);
    assert_eq!(verify("ES256", &two, b"text", &signature), BadJws::Signature);
    assert_eq!(verify("ES256", &one, b"text", &der_signature(&signature)), BadJws::Signature);
    assert_eq!(verify("ES256", &one, b"text", &[]), BadJws::Signature);
    assert_eq!(verify("EdDSA", &one, b"text", &signature), BadJws::KeyKind { alg: "EdDSA", key: KeyKind::P256 });
    for alg in ["none", "HS256", "es256", "RS256", ""] {
        assert_eq!(verify(alg, &one, b"text", &signature), BadJws::Algorithm(alg.to_owned()));
    }
    let not_a_certificate = verify_jws_signature("ES256", b"x", b"text", &signature).unwrap_err();
    assert!(matches!(not_a_certificate, BadJws::Certificate(_)));
}

#[test]
fn a_key_that_is_not_the_certificates_own_is_refused_by_name() {
    let manifest = &example().manifest;
    let (one, two) = (manifest.hop("province-a").unwrap(), manifest.hop("nation").unwrap());
    let error = HopKey::load(&one.receipts_key, &two.receipts_chain).unwrap_err();
    assert_eq!(error.file, one.receipts_key.display().to_string());
    assert!(error.to_string().contains("nation") && error.finding().code == "LT-TRU-0028", "{error}");
}

#[test]
fn keys_of_other_forms_are_refused_with_the_reason() {
    let manifest = &example().manifest;
    let hop = manifest.hop("nation").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let source = hop.receipts_key.to_str().unwrap();
    let convert = |arguments: &[&str], name: &str| {
        let path = at(name);
        let (made, said) = openssl(&[arguments, &["-in", source, "-out", path.to_str().unwrap()]].concat());
        assert!(made, "{said}");
        path
    };
    let sec1 = convert(&["ec"], "sec1");
    let locked = convert(&["pkcs8", "-topk8", "-passout", "pass:secret"], "locked");
    let der = convert(&["pkcs8", "-topk8", "-nocrypt", "-outform", "der"], "der");
    std::fs::write(at("empty"), b"").unwrap();
    std::fs::write(at("broken"), b"-----BEGIN PRIVATE KEY-----\n*?\n-----END PRIVATE KEY-----\n").unwrap();
    std::fs::write(at("huge"), vec![b'x'; 5 * 1024 * 1024]).unwrap();
    for (path, words) in [
        (sec1, "SEC1"),
        (locked, "ENCRYPTED PRIVATE KEY"),
        (der, "DER"),
        (at("empty"), "nothing"),
        (at("broken"), "broken"),
        (at("huge"), "larger"),
        (at("missing"), "cannot be read"),
        (manifest.bad("weak-key").unwrap().files.sign_key, "no ECDSA P-256"),
    ] {
        let error = HopKey::load(&path, &hop.receipts_chain).unwrap_err();
        assert_eq!(error.file, path.display().to_string());
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    let error = HopKey::load(&hop.receipts_key, &hop.receipts_key).unwrap_err();
    assert!(matches!(error.fault, Fault::Missing { wanted: "certificate", .. }), "{error}");
}

#[test]
fn debug_output_never_shows_the_private_key() {
    let example = example();
    let hop = example.manifest.hop("nation").unwrap();
    let key = HopKey::load(&hop.receipts_key, &hop.receipts_chain).unwrap();
    let shown = format!("{key:?} {key:#?}");
    let secret: String = std::fs::read_to_string(&hop.receipts_key).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(shown.contains("not shown") && !shown.contains(&secret), "{shown}");
    let expected = certificate::read_chain(&hop.receipts_chain).unwrap()[0].fingerprint().to_string();
    assert!(shown.contains(&expected));
}
