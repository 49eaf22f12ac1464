//! `xmlsec1` verifies what we sign, and we verify what it signs.

use std::fs;
use std::path::Path;

use super::super::{Canonicalization, DigestAlgorithm, Options, RsaScheme, Verdict, verify_bytes};
use super::oracle_c14n::Generator;
use super::support::{Identity, is_valid, p256, p384, packet, rsa, run, signed_with, with};

const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";

fn exclusive(prefixes: &[&str]) -> Canonicalization {
    Canonicalization::Exclusive { prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect() }
}

fn xmlsec_verifies(directory: &Path, names: &[String]) -> Vec<bool> {
    names
        .iter()
        .map(|name| {
            let (good, _, stderr) = run("xmlsec1", &["--verify", "--insecure", name], directory);
            if !good {
                eprintln!("{name}: {stderr}");
            }
            good
        })
        .collect()
}

#[test]
fn xmlsec1_verifies_what_we_sign_and_refuses_it_altered() {
    let directory = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    let p384 = p384();
    for (label, identity) in [("rsa", rsa()), ("p256", p256()), ("p384", &p384)] {
        for (form, canonicalization) in [
            ("inclusive", Canonicalization::Inclusive),
            ("exclusive", exclusive(&[])),
            ("listed", exclusive(&["", "edXML"])),
        ] {
            for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
                let options = Options { canonicalization: canonicalization.clone(), digest };
                let signed = signed_with(&packet(), &identity.signer(RsaScheme::Pkcs1), &options);
                assert!(is_valid(&signed), "{label} {form}");
                let name = format!("{label}-{form}-{digest:?}.xml");
                fs::write(directory.path().join(&name), &signed).unwrap();
                names.push(name);
            }
        }
    }
    assert_eq!(names.len(), 27);
    assert!(xmlsec_verifies(directory.path(), &names).iter().all(|good| *good));
    let altered = with(&fs::read_to_string(directory.path().join(&names[0])).unwrap(), "họp", "hợp");
    fs::write(directory.path().join("altered.xml"), altered).unwrap();
    assert_eq!(xmlsec_verifies(directory.path(), &["altered.xml".to_owned()]), [false]);
}

#[test]
fn an_rsa_pss_signature_of_ours_verifies() {
    let signed = signed_with(&packet(), &rsa().signer(RsaScheme::Pss), &Options::default());
    assert!(signed.contains("#sha256-rsa-MGF1"));
    assert!(is_valid(&signed));
    let generic = with(&signed, "#sha256-rsa-MGF1", "#rsa-pss");
    // Another name is another SignedInfo.
    assert!(!is_valid(&generic));
}

/// A Signature element for xmlsec1 to fill in.
fn template(prefix: &str, canonicalization: &str, method: &str, transforms: &str, digest: &str) -> String {
    let (p, ns) = if prefix.is_empty() {
        (String::new(), "xmlns".to_owned())
    } else {
        (format!("{prefix}:"), format!("xmlns:{prefix}"))
    };
    format!(
        "<{p}Signature {ns}=\"http://www.w3.org/2000/09/xmldsig#\">\r\n  <{p}SignedInfo>\n\
         <{p}CanonicalizationMethod Algorithm=\"{canonicalization}\"/>\
         <{p}SignatureMethod Algorithm=\"{method}\"/>\n<{p}Reference URI=\"\"><{p}Transforms>\
         <{p}Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>{transforms}</{p}Transforms>\
         <{p}DigestMethod Algorithm=\"{digest}\"/><{p}DigestValue/></{p}Reference></{p}SignedInfo>\n\
         <{p}SignatureValue/><{p}KeyInfo><{p}X509Data/></{p}KeyInfo></{p}Signature>"
    )
}

fn xmlsec_signs(directory: &Path, identity: &Identity, document: &str) -> String {
    fs::write(directory.join("key.pem"), &identity.key_pem).unwrap();
    fs::write(directory.join("cert.pem"), &identity.certificate_pem).unwrap();
    fs::write(directory.join("in.xml"), document).unwrap();
    let args = ["--sign", "--privkey-pem", "key.pem,cert.pem", "--output", "out.xml", "in.xml"];
    let (good, _, stderr) = run("xmlsec1", &args, directory);
    assert!(good, "{stderr}\n{document}");
    fs::read_to_string(directory.join("out.xml")).unwrap()
}

#[test]
fn we_verify_what_xmlsec1_signs() {
    let directory = tempfile::tempdir().unwrap();
    let end = "</edXML:edXMLHeader>";
    for (identity, method) in [
        (rsa(), "rsa-sha256"),
        (rsa(), "rsa-sha384"),
        (rsa(), "rsa-sha512"),
        (p256(), "ecdsa-sha256"),
        (&p384(), "ecdsa-sha384"),
    ] {
        for canonicalization in [C14N, EXC] {
            for transforms in [
                String::new(),
                format!("<ds:Transform Algorithm=\"{C14N}\"/>"),
                format!("<ds:Transform Algorithm=\"{EXC}\"/>"),
            ] {
                let method = format!("{MORE}{method}");
                let digest = "http://www.w3.org/2001/04/xmlenc#sha512";
                let signature = template("ds", canonicalization, &method, &transforms, digest);
                let signed =
                    xmlsec_signs(directory.path(), identity, &with(&packet(), end, &format!("{signature}{end}")));
                let Verdict::Valid(found) = verify_bytes(signed.as_bytes()) else {
                    panic!("{:?}\n{signed}", verify_bytes(signed.as_bytes()))
                };
                assert_eq!(found.certificate_der, identity.certificate_der);
                assert_eq!(found.algorithm.uri(), method);
                assert_eq!(found.digest_algorithm, DigestAlgorithm::Sha512);
                let excluded = &signed[found.coverage.excluded];
                assert!(excluded.starts_with("<ds:Signature") && excluded.ends_with("</ds:Signature>"));
            }
        }
    }
}

#[test]
fn we_verify_what_xmlsec1_signs_in_generated_documents() {
    let directory = tempfile::tempdir().unwrap();
    for seed in 0..60 {
        let mut generator = Generator::new(10_000 + seed);
        generator.element(0, &[("", "http://a.example/"), ("b", "urn:x:b")]);
        let list = format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"{EXC}\" PrefixList=\"{}\"/>",
            generator.dice.pick(&["a", "b", "a edXML", "#default b", "nothing", ""])
        );
        let canonicalization = generator.dice.pick(&[C14N, EXC]);
        let prefix = generator.dice.pick(&["", "ds", "a"]);
        let transforms = match generator.dice.roll(4) {
            0 => String::new(),
            1 => format!("<Transform xmlns=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"{C14N}\"/>"),
            2 => format!("<Transform xmlns=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"{EXC}\"/>"),
            _ => format!(
                "<Transform xmlns=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"{EXC}\">{list}</Transform>"
            ),
        };
        let digest = "http://www.w3.org/2001/04/xmlenc#sha256";
        let mut signature = template(prefix, canonicalization, &format!("{MORE}ecdsa-sha256"), &transforms, digest);
        if canonicalization == EXC && generator.dice.chance(2) {
            let p = if prefix.is_empty() { String::new() } else { format!("{prefix}:") };
            let empty = format!("<{p}CanonicalizationMethod Algorithm=\"{EXC}\"/>");
            let full = format!("<{p}CanonicalizationMethod Algorithm=\"{EXC}\">{list}</{p}CanonicalizationMethod>");
            signature = with(&signature, &empty, &full);
        }
        let lang = generator.dice.pick(&["", " xml:lang='vi'", " xml:space='preserve' xml:lang=\"\""]);
        // Without the comments: those in text are refused, and none is signed anyway.
        let document = format!(
            "<root xmlns='http://a.example/' xmlns:b='urn:x:b' xmlns:u='urn:unused'{lang}>{}\r\n{signature} tail </root>",
            generator.without
        );
        let signed = xmlsec_signs(directory.path(), p256(), &document);
        assert!(is_valid(&signed), "seed {seed}: {:?}\n{signed}", verify_bytes(signed.as_bytes()));
        let altered = with(&signed, " tail ", " tail");
        assert!(!is_valid(&altered), "seed {seed}");
    }
}
