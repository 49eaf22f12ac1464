//! What is no signature, what is one that cannot count, and what a valid one tells.

use std::collections::BTreeSet;

use rcgen::{CertificateParams, Issuer, KeyPair, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm};
use rsa::pkcs1::EncodeRsaPublicKey;

use super::super::c14n::{Canonicalization, Subset, canonicalize};
use super::super::document::Document;
use super::super::key::Signer;
use super::super::verify::verify_within;
use super::super::{DummyWhy, Error, KeySigner, Limits, NoBodies, Options, Reason, RsaScheme, Spliced, Verdict};
use super::super::{findings, insertion_point, sign, verify_bytes};
use super::support::{is_valid, p256, packet, problem, reason, rsa, signature_of, signed, signed_with, with};

const HEADER_END: &str = "</edXML:edXMLHeader>";

fn with_signature(signature: &str) -> String {
    with(&packet(), HEADER_END, &format!("{signature}{HEADER_END}"))
}

fn verdict(packet: &str) -> Verdict {
    verify_bytes(packet.as_bytes())
}

fn dummy(why: DummyWhy) -> Verdict {
    Verdict::Dummy { why }
}

#[test]
fn a_packet_without_a_signature_is_not_signed() {
    assert_eq!(verdict(&packet()), Verdict::Absent);
    // Undeclared prefixes are common in packets of the field and say nothing about a signature.
    let undeclared = packet().replace("<AttachmentEncoded>", "<AttachmentEncoded xlink:href='x'>");
    assert_eq!(verdict(&undeclared), Verdict::Absent);
}

#[test]
fn placeholders_of_the_field_are_told_from_signatures() {
    let sample = "<Signature><SignedInfo><Reference URI=\"\"><DigestValue>FwgIqsSYJshUS2+wlOM61L+q7Aw=</DigestValue>\
                  </Reference></SignedInfo><KeyInfo><X509Data><X509SubjectName>CN=user05, O=x</X509SubjectName>\
                  <X509Certificate>MIIFqTCCBJGgAwIB</X509Certificate></X509Data></KeyInfo></Signature>";
    let dsig = "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"";
    assert_eq!(verdict(&with_signature("<Signature/>")), dummy(DummyWhy::Empty));
    assert_eq!(verdict(&with_signature("<edXML:Signature>\r\n </edXML:Signature>")), dummy(DummyWhy::Empty));
    assert_eq!(verdict(&with_signature(&format!("{dsig}/>"))), dummy(DummyWhy::Empty));
    assert_eq!(verdict(&with_signature(sample)), dummy(DummyWhy::Placeholder));
    assert_eq!(verdict(&with_signature(&sample.replace("<Signature", dsig))), dummy(DummyWhy::Placeholder));
    let other = "<Signature><SignedInfo/><SignatureValue>AAAA</SignatureValue></Signature>";
    assert_eq!(verdict(&with_signature(other)), dummy(DummyWhy::WrongNamespace));
    let token = "<Signature><KeyInfo><OrganId>H27</OrganId><Token>s3cret</Token></KeyInfo></Signature>";
    assert_eq!(verdict(&with_signature(token)), dummy(DummyWhy::AccessToken));
    // With an undeclared edXML prefix it is still known for what it is; under any other it is not excused.
    let undeclared = with(&packet(), "</AttachmentEncoded>", "</AttachmentEncoded><edXML:Signature/>");
    assert_eq!(verdict(&undeclared), dummy(DummyWhy::Empty));
    let undeclared = with(&packet(), "</AttachmentEncoded>", "</AttachmentEncoded><ds:Signature/>");
    assert_eq!(reason(&undeclared), Reason::NotNamespaceWellFormed);
}

#[test]
fn a_dummy_beside_a_signature_does_not_hide_it() {
    let both = signed_with(&with_signature("<Signature/>"), &p256().signer(RsaScheme::Pkcs1), &Options::default());
    assert!(is_valid(&both));
    assert_eq!(reason(&with(&both, "<Signature/>", "<Signature>x</Signature>")), Reason::WrongDigest);
}

#[test]
fn a_certificate_of_the_samples_length_is_not_taken_for_the_sample() {
    // Its first eleven letters say only how long it is.
    let mine = base64_simd::STANDARD.encode_to_string(&rsa().certificate_der);
    let same_length = format!("MIIFqTCCBJG{}", &mine[11..]);
    assert_eq!(reason(&with(signed(), &mine, &same_length)), Reason::BadCertificate);
}

#[test]
fn a_valid_signature_tells_what_it_covers() {
    let Verdict::Valid(found) = verdict(signed()) else { panic!("{:?}", verdict(signed())) };
    assert_eq!(found.certificate_der, rsa().certificate_der);
    assert_eq!(&signed()[found.coverage.excluded.clone()], signature_of(signed()));
    assert!(!found.coverage.covers(signed().find("<SignedInfo>").unwrap()));
    assert!(found.coverage.covers(signed().find("họp").unwrap()));
    assert_eq!(found.coverage.digest.len(), 32);
}

#[test]
fn a_signature_needs_a_certificate() {
    let signature = signature_of(signed());
    let start = signature.find("<X509Data>").unwrap();
    let end = signature.find("</KeyInfo>").unwrap();
    let change = |to: &str| signed().replace(&signature[start..end], to);
    assert_eq!(reason(&change("")), Reason::NoCertificate);
    assert_eq!(reason(&change("<X509Data><X509SubjectName>CN=A</X509SubjectName></X509Data>")), Reason::NoCertificate);
    assert_eq!(reason(&change("<KeyValue><RSAKeyValue/></KeyValue>")), Reason::KeyValueOnly);
    let bad = "<X509Data><X509Certificate>AAAA</X509Certificate></X509Data>";
    assert_eq!(reason(&change(bad)), Reason::BadCertificate);
    assert_eq!(reason(&change(&bad.replace("AAAA", "A*AA"))), Reason::BadBase64);
    assert_eq!(reason(&change(&bad.replace("AAAA", ""))), Reason::BadBase64);
    // A key beside the certificate is not used, so it is no fault.
    let both = with(signed(), "<X509Data>", "<KeyValue><RSAKeyValue/></KeyValue><X509Data>");
    assert!(is_valid(&both));
}

/// A public key that somebody else certifies.
struct Certified(Vec<u8>);

impl PublicKeyData for Certified {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn replace_certificate(der: &[u8]) -> String {
    let mine = base64_simd::STANDARD.encode_to_string(&rsa().certificate_der);
    with(signed(), &mine, &base64_simd::STANDARD.encode_to_string(der))
}

#[test]
fn an_rsa_key_below_2048_bits_does_not_count() {
    let issuer_key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(CertificateParams::new(Vec::new()).unwrap(), issuer_key);
    for (bits, expected) in [(1024, Reason::WeakKey), (2040, Reason::WeakKey), (2048, Reason::WrongSignatureValue)] {
        let key = rsa::RsaPrivateKey::new(&mut rand::thread_rng(), bits).unwrap();
        let public = Certified(key.to_public_key().to_pkcs1_der().unwrap().as_bytes().to_vec());
        let certificate = CertificateParams::new(Vec::new()).unwrap().signed_by(&public, &issuer).unwrap();
        assert_eq!(reason(&replace_certificate(certificate.der())), expected, "{bits}");
    }
}

#[test]
fn a_key_of_another_kind_does_not_count() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    assert_eq!(reason(&replace_certificate(certificate.der())), Reason::UnsupportedKey);
}

#[test]
fn every_limit_is_reached_and_refused() {
    let standard = Limits::default();
    let attributes: String = (0..70).map(|n| format!(" a{n}='1'")).collect();
    let declarations: String = (0..63).map(|n| format!(" xmlns:p{n}='urn:x'")).collect();
    let names = |from: usize| (from..from + 40).map(|n| format!(" xmlns:p='urn:{n}'")).collect::<Vec<_>>();
    let siblings: String = names(0).iter().chain(&names(40)).map(|d| format!("<e{d}/>")).collect();
    for (document, limit) in [
        (format!("{}{}", "<e>".repeat(65), "</e>".repeat(65)), "depth"),
        (format!("<e{attributes}/>"), "attributes"),
        (format!("<e{declarations}><e xmlns:q='urn:x' xmlns:r='urn:x'/></e>"), "namespace declarations"),
        (format!("<e>{siblings}</e>"), "namespace names"),
    ] {
        let refused = problem(&document);
        assert_eq!((refused.reason, refused.found.as_deref()), (Reason::TooLarge, Some(limit)), "{document}");
    }
    let check = |limits: &Limits| verify_within(&Spliced::whole(signed().as_bytes()), &mut NoBodies, limits).unwrap();
    assert!(matches!(check(&standard), Verdict::Valid(_)));
    for limits in [Limits { nodes: 40, ..standard }, Limits { signature_bytes: 100, ..standard }] {
        let Verdict::Invalid(refused) = check(&limits) else { panic!("{limits:?} is not reached") };
        assert_eq!(refused.reason, Reason::TooLarge);
    }
}

#[test]
fn what_cannot_be_verified_is_not_signed_either() {
    let signer = p256().signer(RsaScheme::Pkcs1);
    let attempt = |packet: &str| sign(&Spliced::whole(packet.as_bytes()), &mut NoBodies, &signer, &Options::default());
    assert!(matches!(attempt(signed()), Err(Error::AlreadySigned)));
    assert!(matches!(attempt("<edXML/>"), Err(Error::NoPlace)));
    let no_header = "<edXML><edXMLEnvelope><edXMLHeader/></edXMLEnvelope></edXML>";
    assert!(matches!(attempt(no_header), Err(Error::NoPlace)));
    for (bad, expected) in [
        (with(&packet(), "họp", "họ<!-- -->p"), Reason::CommentInText),
        (with(&packet(), "<AttachmentEncoded>", "<x:AttachmentEncoded>"), Reason::Malformed),
        (with(&packet(), "<AttachmentEncoded>", "<AttachmentEncoded x:y=''>"), Reason::NotNamespaceWellFormed),
    ] {
        let Err(Error::CannotSign(problem)) = attempt(&bad) else { panic!("{bad} was signed") };
        assert_eq!(problem.reason, expected);
    }
    let foreign = KeySigner::from_pkcs8_pem(&p256().key_pem, rsa().certificate_der.clone(), vec![], RsaScheme::Pkcs1);
    assert!(matches!(foreign, Err(Error::Key(_))));
}

#[test]
fn the_signature_goes_behind_the_trace_headers_or_to_the_end_of_the_header() {
    let at = |packet: &str| insertion_point(&Spliced::whole(packet.as_bytes())).unwrap();
    let errors = with(&packet(), HEADER_END, &format!("<edXML:ErrorList/>{HEADER_END}"));
    assert!(errors[at(&errors)..].starts_with("<edXML:ErrorList/>"));
    let status = "<edXML><edXMLEnvelope><edXMLHeader><MessageHeader/> </edXMLHeader></edXMLEnvelope></edXML>";
    assert!(status[at(status)..].starts_with("</edXMLHeader>"));
}

#[test]
fn every_reason_has_a_finding_of_its_own_in_both_languages() {
    let codes: BTreeSet<&str> = findings::ALL.iter().map(|kind| kind.code).collect();
    assert_eq!(codes.len(), findings::ALL.len());
    for kind in findings::ALL {
        assert!(kind.code.starts_with("LT-TRU-01") && kind.code.len() == 11, "{}", kind.code);
        for text in [kind.title, kind.fix] {
            assert!(text.vi.len() > 20 && text.en.len() > 20 && text.vi != text.en, "{}", kind.code);
        }
    }
    let finding = problem(&with(signed(), "họp", "hợp")).finding();
    assert_eq!(finding.code, "LT-TRU-0101");
    assert!(finding.refuses() && finding.title_vi.contains("thay đổi"));
    assert_eq!((finding.line, finding.vxp), (Some(3), 22));
}

/// Signs the SignedInfo of a packet anew, however it was changed.
fn signed_anew(packet: &str, signer: &KeySigner) -> String {
    let input = Spliced::whole(packet.as_bytes());
    let document = Document::parse(&input, &Limits::default()).unwrap();
    let id = document.elements.iter().position(|e| e.local == "SignedInfo").unwrap();
    let mut bytes = Vec::new();
    let method = Canonicalization::Exclusive { prefixes: Vec::new() };
    canonicalize(&document, Subset::Element(u32::try_from(id).unwrap()), &method, &mut NoBodies, &mut bytes).unwrap();
    let value = base64_simd::STANDARD.encode_to_string(signer.sign(&bytes).unwrap());
    let start = packet.find("<SignatureValue>").unwrap() + "<SignatureValue>".len();
    let end = packet.find("</SignatureValue>").unwrap();
    format!("{}{value}{}", &packet[..start], &packet[end..])
}

#[test]
fn parameters_of_rsa_pss_must_be_those_that_are_verified() {
    let signer = rsa().signer(RsaScheme::Pss);
    let signed = signed_with(&packet(), &signer, &Options::default());
    let method = format!("<SignatureMethod Algorithm=\"{}\"/>", signer.algorithm().uri());
    let generic = |params: &str| {
        let uri = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss";
        let other = format!("<SignatureMethod Algorithm=\"{uri}\">{params}</SignatureMethod>");
        signed_anew(&with(&signed, &method, &other), &signer)
    };
    let params = "<p:RSAPSSParams xmlns:p=\"http://www.w3.org/2007/05/xmldsig-more#\">\
                  <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
                  <p:MaskGenerationFunction Algorithm=\"http://www.w3.org/2007/05/xmldsig-more#MGF1\">\
                  <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/></p:MaskGenerationFunction>\
                  <p:SaltLength>32</p:SaltLength><p:TrailerField>1</p:TrailerField></p:RSAPSSParams>";
    assert!(is_valid(&generic("")));
    assert!(is_valid(&generic(params)));
    assert_eq!(reason(&generic(&params.replace(">32<", ">20<"))), Reason::UnknownAlgorithm);
    assert_eq!(reason(&generic(&params.replace("MGF1", "MGF2"))), Reason::UnknownAlgorithm);
    assert_eq!(reason(&generic(&params.replace(">1<", ">2<"))), Reason::UnknownAlgorithm);
    assert_eq!(reason(&generic(&params.replacen("xmlenc#sha256", "xmlenc#sha512", 1))), Reason::UnknownAlgorithm);
    let sha1 = params.replacen("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1", 1);
    assert_eq!(reason(&generic(&sha1)), Reason::WeakHash);
}

#[test]
fn what_a_signer_signs_outside_the_profile_does_not_count_either() {
    let signer = rsa().signer(RsaScheme::Pkcs1);
    let end = "</Transforms>";
    let exclusive = "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></Transform>";
    // The same transforms in the other order would leave the Signature in what is hashed.
    let enveloped = "<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let swapped = with(&with(signed(), enveloped, ""), end, &format!("{enveloped}{end}"));
    assert!(swapped.contains(exclusive));
    assert_eq!(reason(&signed_anew(&swapped, &signer)), Reason::NotEnveloped);
    let none = signed_anew(&with(signed(), "<Reference URI=\"\">", "<Reference URI=\"#x\">"), &signer);
    assert_eq!(reason(&none), Reason::ReferenceById);
    assert!(is_valid(&signed_anew(signed(), &signer)));
}
