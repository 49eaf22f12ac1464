//! OpenSSL as the second opinion: it agrees with our verdicts, and makes what our own tools refuse to make.

use std::path::Path;
use std::process::Command;

use super::{NOW, chain, judge, store};
use crate::pki::Manifest;
use crate::pki::tests::{example, example_with_rsa};
use crate::trust::certificate;
use crate::trust::path::{PathProblem, Purpose};

/// Runs `openssl`; its output, and whether it ended well.
pub(super) fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("these tests need the program `openssl` (Debian: apt install openssl)");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn verify(manifest: &Manifest, chain: &Path, purpose: &str) -> (bool, String) {
    let ca = manifest.ca();
    let time = NOW.as_seconds().to_string();
    let (root, sub) = (path_text(&ca.root).to_owned(), path_text(&ca.sub).to_owned());
    let (crl, root_crl) = (path_text(&ca.crl).to_owned(), path_text(&ca.root_crl).to_owned());
    openssl(&[
        "verify",
        "-x509_strict",
        "-attime",
        &time,
        "-CAfile",
        &root,
        "-untrusted",
        &sub,
        "-crl_check_all",
        "-CRLfile",
        &crl,
        "-CRLfile",
        &root_crl,
        "-purpose",
        purpose,
        path_text(chain),
    ])
}

#[test]
fn openssl_agrees_about_good_and_bad_certificates() {
    let manifest = &example_with_rsa().manifest;
    let store = store(manifest);
    for code in manifest.agency_codes() {
        let files = manifest.agency(code).unwrap();
        let (good, said) = verify(manifest, &files.client_chain, "sslclient");
        assert!(good, "{code}: {said}");
        let (good, said) = verify(manifest, &files.sign_chain, "any");
        assert!(good, "{code}: {said}");
    }
    let hop = manifest.hop("nation").unwrap();
    let (good, said) = verify(manifest, &hop.tls_chain, "sslserver");
    assert!(good, "{said}");
    for (case, words) in [
        ("expired", "certificate has expired"),
        ("not-yet-valid", "certificate is not yet valid"),
        ("other-ca", "unable to get local issuer certificate"),
        ("revoked", "certificate revoked"),
        ("wrong-key-usage", "unsuitable certificate purpose"),
        ("not-for-transport", "unsuitable certificate purpose"),
        ("impostor", ""),
    ] {
        let client = manifest.bad(case).unwrap().files.client_chain;
        let (good, said) = verify(manifest, &client, "sslclient");
        assert!(!good && said.contains(words), "{case}: {said}");
        judge(&store, &client, Purpose::TlsClient, NOW).unwrap_err();
    }
}

#[test]
fn names_and_serial_numbers_are_read_as_openssl_reads_them() {
    let manifest = &example().manifest;
    let path = manifest.agency("G09.90").unwrap().sign_chain;
    let ours = &certificate::read_chain(&path).unwrap()[0];
    let (_, serial) = openssl(&["x509", "-in", path_text(&path), "-noout", "-serial"]);
    assert_eq!(serial.trim().strip_prefix("serial=").unwrap().to_lowercase(), ours.serial());
    let (_, print) = openssl(&["x509", "-in", path_text(&path), "-noout", "-fingerprint", "-sha256"]);
    assert_eq!(print.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase(), ours.fingerprint().hex());
    let (_, subject) =
        openssl(&["x509", "-in", path_text(&path), "-noout", "-subject", "-nameopt", "utf8,sep_comma_plus_space"]);
    assert!(subject.contains("CN=Cục Thí dụ (Bộ)") && ours.subject().contains("CN=Cục Thí dụ (Bộ)"), "{subject}");
    assert_eq!(ours.common_name(), Some("Cục Thí dụ (Bộ)"));
}

/// A certificate signed by the example sub-authority with the digest asked for, valid at [`NOW`]. `openssl ca` is the
/// one command of OpenSSL 3.0 that takes the dates as arguments.
fn signed_with(digest: &str, manifest: &Manifest) -> Vec<u8> {
    const RULES: &str = "[ca]\ndefault_ca = a\n[a]\ndatabase = index\nnew_certs_dir = .\npolicy = p\n\
                         x509_extensions = e\nrand_serial = yes\n[p]\ncommonName = supplied\n\
                         [e]\nkeyUsage = digitalSignature\n";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path_text(&folder.path().join(name)).to_owned();
    std::fs::write(at("index"), "").unwrap();
    std::fs::write(
        at("rules"),
        RULES.replace("= index", &format!("= {}", at("index"))).replace("= .", &format!("= {}", at(""))),
    )
    .unwrap();
    let (made, said) = openssl(&[
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        &at("key"),
        "-out",
        &at("request"),
        "-subj",
        "/CN=old",
    ]);
    assert!(made, "{said}");
    let ca = manifest.ca();
    let (made, said) = openssl(&[
        "ca",
        "-batch",
        "-notext",
        "-config",
        &at("rules"),
        "-in",
        &at("request"),
        "-md",
        digest,
        "-cert",
        path_text(&ca.sub),
        "-keyfile",
        path_text(&ca.sub_key),
        "-startdate",
        "20260920000000Z",
        "-enddate",
        "20280101000000Z",
        "-out",
        &at("certificate"),
    ]);
    assert!(made, "{said}");
    chain(&folder.path().join("certificate")).remove(0)
}

#[test]
fn a_certificate_signed_with_sha_1_is_weak_and_never_good() {
    let manifest = &example().manifest;
    let store = store(manifest);
    let check = |digest| store.check(&signed_with(digest, manifest), &[], Purpose::PacketSigning, NOW);
    check("sha256").unwrap();
    let problem = check("sha1").unwrap_err();
    assert_eq!(problem, PathProblem::WeakSignature { algorithm: "ECDSA with SHA-1".to_owned() });
    assert_eq!(problem.finding().code, "LT-TRU-0008");
}
