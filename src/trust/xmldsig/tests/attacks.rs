//! Attacks on XML signatures, each refused with its own reason.

use std::fs;

use super::super::{Options, Reason, RsaScheme, Verdict, verify_bytes};
use super::support::{is_valid, p256, packet, problem, reason, rsa, run, signature_of, signed, signed_with, with};

const HEADER_END: &str = "</edXML:edXMLHeader>";
const OPENED: &str = "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\" xml:lang=\"vi\">";

/// The signed packet with a change inside its Signature.
fn changed(from: &str, to: &str) -> String {
    let signature = signature_of(signed());
    signed().replace(signature, &with(signature, from, to))
}

#[test]
fn the_untouched_packet_is_valid() {
    assert!(is_valid(signed()));
}

#[test]
fn text_that_was_altered_gives_another_digest() {
    assert_eq!(reason(&with(signed(), "họp", "hợp")), Reason::WrongDigest);
    assert_eq!(reason(&with(signed(), "JVBERi0xLjQK", "JVBERi0xLjUK")), Reason::WrongDigest);
    assert_eq!(reason(&with(signed(), "version='1.0'", "version='1.1'")), Reason::WrongDigest);
    // White space of the document is signed too; line ends are not told apart.
    assert_eq!(reason(&with(signed(), "</edXML:To>", "</edXML:To> ")), Reason::WrongDigest);
    assert!(is_valid(&signed().replace("\r\n", "\n")));
}

#[test]
fn a_signed_original_wrapped_into_forged_content_does_not_count() {
    let original = &signed()[signed().find(OPENED).unwrap()..];
    let forged = packet().replace("họp", "giả").replacen(
        "</edXML:edXMLEnvelope>",
        &format!("</edXML:edXMLEnvelope><Wrapped>{original}</Wrapped>"),
        1,
    );
    let refused = problem(&forged);
    assert_eq!(refused.reason, Reason::WrongPlace);
    assert_eq!(refused.found.as_deref(), Some("edXMLHeader"));
    // With its Signature lifted into the forged header the digest no longer fits.
    let signature = signature_of(signed());
    let bare = original.replace(signature, "");
    let lifted = with(&packet().replace("họp", "giả"), HEADER_END, &format!("{signature}{HEADER_END}"));
    let lifted = with(&lifted, "<AttachmentEncoded>", &format!("<Wrapped>{bare}</Wrapped><AttachmentEncoded>"));
    assert_eq!(reason(&lifted), Reason::WrongDigest);
}

#[test]
fn a_signature_in_another_place_does_not_count() {
    let signature = signature_of(signed());
    let bare = signed().replace(signature, "");
    for place in ["</Attachment>", "</edXML:edXMLBody>", "</edXML:MessageHeader>", "</edXML:edXMLEnvelope>"] {
        assert_eq!(reason(&with(&bare, place, &format!("{signature}{place}"))), Reason::WrongPlace, "{place}");
    }
    // A header of another namespace, or one that is not in the envelope, is not the header.
    let renamed = with(signed(), "<edXML:edXMLHeader>", "<edXML:edXMLHeader xmlns:edXML=\"urn:x\">");
    assert_eq!(reason(&renamed), Reason::WrongPlace);
    // Directly under the root is a place of the profile; there it is the digest that decides.
    assert!(is_valid(&with(&bare, "</AttachmentEncoded>", &format!("</AttachmentEncoded>{signature}"))));
}

#[test]
fn two_signatures_do_not_count() {
    let signature = signature_of(signed());
    assert_eq!(reason(&signed().replace(signature, &signature.repeat(2))), Reason::SeveralSignatures);
    let hidden = changed("</KeyInfo>", &format!("</KeyInfo><Object>{signature}</Object>"));
    assert_eq!(reason(&hidden), Reason::SeveralSignatures);
}

#[test]
fn a_reference_by_id_does_not_count() {
    let refused = changed("<Reference URI=\"\">", "<Reference URI=\"#body\">");
    let refused = with(&refused, "<edXML:edXMLBody>", "<edXML:edXMLBody Id=\"body\" xml:id=\"body\">");
    assert_eq!(reason(&refused), Reason::ReferenceById);
    assert_eq!(reason(&changed("URI=\"\"", "URI=\"#xpointer(/)\"")), Reason::ReferenceById);
}

#[test]
fn a_second_reference_does_not_count() {
    let signature = signature_of(signed());
    let start = signature.find("<Reference").unwrap();
    let end = signature.find("</SignedInfo>").unwrap();
    let extra = signature[start..end].replace("URI=\"\"", "URI=\"cid:1\"");
    let refused = problem(&changed("</SignedInfo>", &format!("{extra}</SignedInfo>")));
    assert_eq!((refused.reason, refused.found.as_deref()), (Reason::ExtraReference, Some("cid:1")));
}

#[test]
fn nothing_outside_the_packet_is_referred_to() {
    for uri in ["cid:1", "file:///etc/passwd", "http://a.example/x.xml", "other.xml"] {
        assert_eq!(reason(&changed("URI=\"\"", &format!("URI=\"{uri}\""))), Reason::ReferenceExternal);
    }
    assert_eq!(reason(&changed(" URI=\"\"", "")), Reason::ReferenceExternal);
    let fetched = changed("<X509Data>", "<RetrievalMethod URI=\"http://a.example/key\"/><X509Data>");
    assert_eq!(reason(&fetched), Reason::KeyElsewhere);
}

#[test]
fn an_injected_transform_does_not_count() {
    let end = "</Transforms>";
    let inject = |uri: &str| changed(end, &format!("<Transform Algorithm=\"{uri}\"/>{end}"));
    for (uri, expected) in [
        ("http://www.w3.org/TR/1999/REC-xpath-19991116", Reason::ActiveTransform),
        ("http://www.w3.org/2002/06/xmldsig-filter2", Reason::ActiveTransform),
        ("http://www.w3.org/TR/1999/REC-xslt-19991116", Reason::ActiveTransform),
        ("http://www.w3.org/TR/xml-exc-c14n#", Reason::WrongTransformUri),
        ("http://www.w3.org/2000/09/xmldsig#base64", Reason::UnknownTransform),
        ("http://www.w3.org/2001/10/xml-exc-c14n#", Reason::UnknownTransform),
        ("http://www.w3.org/2000/09/xmldsig#enveloped-signature", Reason::UnknownTransform),
        ("http://www.w3.org/2001/10/xml-exc-c14n#WithComments", Reason::CommentsKept),
        ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments", Reason::CommentsKept),
    ] {
        assert_eq!(reason(&inject(uri)), expected, "{uri}");
    }
    let enveloped = "<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    assert_eq!(reason(&changed(enveloped, "")), Reason::NotEnveloped);
    let inside = changed(enveloped, &enveloped.replace("/>", "><XPath>1</XPath></Transform>"));
    assert_eq!(reason(&inside), Reason::UnexpectedContent);
}

#[test]
fn an_altered_signed_info_fails_before_the_document_is_read() {
    // Another digest for altered text: the signature value is what fails, not the digest.
    let signature = signature_of(signed());
    let start = signature.find("<DigestValue>").unwrap() + "<DigestValue>".len();
    let digest = &signature[start..start + 44];
    let other = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(reason(&with(&changed(digest, other), "họp", "hợp")), Reason::WrongSignatureValue);
    let sha512 = changed("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmlenc#sha512");
    assert_eq!(reason(&sha512), Reason::WrongSignatureValue);
    assert_eq!(reason(&changed("<SignedInfo>", "<SignedInfo Id=\"x\">")), Reason::WrongSignatureValue);
}

#[test]
fn another_certificate_does_not_verify_the_signature() {
    let other = super::support::signature_of(signed());
    let mine = base64_simd::STANDARD.encode_to_string(&rsa().certificate_der);
    let theirs = base64_simd::STANDARD.encode_to_string(&p256().certificate_der);
    assert_eq!(other.matches(&mine).count(), 1);
    assert_eq!(reason(&changed(&mine, &theirs)), Reason::KeyMismatch);
    // A stranger's certificate put first is judged as the signer's.
    let ecdsa = signed_with(&packet(), &p256().signer(RsaScheme::Pkcs1), &Options::default());
    let stranger = base64_simd::STANDARD.encode_to_string(&super::support::p256_stranger().certificate_der);
    let first = with(&ecdsa, "<X509Data>", &format!("<X509Data><X509Certificate>{stranger}</X509Certificate>"));
    assert_eq!(reason(&first), Reason::WrongSignatureValue);
    let last = with(&ecdsa, "</X509Data>", &format!("<X509Certificate>{stranger}</X509Certificate></X509Data>"));
    let Verdict::Valid(valid) = verify_bytes(last.as_bytes()) else { panic!("a further certificate is no fault") };
    assert_eq!(valid.certificate_der, p256().certificate_der);
    assert_eq!(valid.intermediates, [super::support::p256_stranger().certificate_der.clone()]);
}

#[test]
fn a_comment_inside_a_value_does_not_count() {
    // The canonical form is the same, so that xmlsec1 finds it valid; a reader that takes the first piece of text
    // sees another value.
    let commented =
        with(signed(), "H27.01</edXML:OrganId></edXML:From>", "H27<!-- -->.01</edXML:OrganId></edXML:From>");
    let refused = problem(&commented);
    assert_eq!((refused.reason, refused.found.as_deref()), (Reason::CommentInText, Some("OrganId")));
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("c.xml"), &commented).unwrap();
    assert!(run("xmlsec1", &["--verify", "--insecure", "c.xml"], directory.path()).0);
    // Between elements a comment can change no value.
    assert!(is_valid(&with(signed(), "<AttachmentEncoded>", "<!-- x --><AttachmentEncoded>")));
    // In the values of the Signature itself none is read over.
    assert_eq!(reason(&changed("<DigestValue>", "<DigestValue><!-- -->")), Reason::CommentInText);
    assert_eq!(reason(&changed("<SignedInfo>", "<SignedInfo><!-- -->")), Reason::UnexpectedContent);
}

#[test]
fn namespaces_cannot_be_redefined_under_the_signature() {
    let redefined = with(signed(), "<edXML:To>", "<edXML:To xmlns:edXML=\"urn:forged\">");
    assert_eq!(reason(&redefined), Reason::WrongDigest);
    // A Signature pulled out of its namespace is no XML signature at all.
    let renamed =
        changed("xmlns=\"http://www.w3.org/2000/09/xmldsig#\"", "xmlns=\"http://www.w3.org/2000/09/xmldsig\"");
    assert!(matches!(verify_bytes(renamed.as_bytes()), Verdict::Dummy { .. }));
    // Undeclared or reserved prefixes stop the check.
    for (from, to) in [
        ("<AttachmentEncoded>", "<AttachmentEncoded xlink:href='x'>"),
        ("<AttachmentEncoded>", "<AttachmentEncoded xmlns:p=''>"),
        ("<AttachmentEncoded>", "<AttachmentEncoded xmlns:xml='urn:x'>"),
        ("<AttachmentEncoded>", "<AttachmentEncoded xmlns:p='relative'>"),
        ("<AttachmentEncoded>", "<AttachmentEncoded xmlns:p='urn:p' xmlns:q='urn:p' p:a='1' q:a='2'>"),
    ] {
        assert_eq!(reason(&with(signed(), from, to)), Reason::NotNamespaceWellFormed, "{to}");
    }
}

#[test]
fn a_weaker_algorithm_does_not_count() {
    let method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let digest = "http://www.w3.org/2001/04/xmlenc#sha256";
    for (from, to, expected) in [
        (method, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", Reason::WeakHash),
        (method, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", Reason::WeakHash),
        (method, "http://www.w3.org/2000/09/xmldsig#dsa-sha1", Reason::WeakHash),
        (digest, "http://www.w3.org/2000/09/xmldsig#sha1", Reason::WeakHash),
        (method, "http://www.w3.org/2000/09/xmldsig#hmac-sha1", Reason::Hmac),
        (method, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", Reason::Hmac),
        (method, "none", Reason::UnknownAlgorithm),
        (digest, "http://www.w3.org/2001/04/xmldsig-more#sha224", Reason::UnknownAlgorithm),
        (method, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", Reason::KeyMismatch),
    ] {
        assert_eq!(reason(&changed(from, to)), expected, "{to}");
    }
}

#[test]
fn a_real_sha1_signature_and_a_real_hmac_do_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("key.pem"), &rsa().key_pem).unwrap();
    fs::write(at("cert.pem"), &rsa().certificate_pem).unwrap();
    // The secret of the HMAC is the public certificate, which everyone has.
    fs::write(at("secret.bin"), &rsa().certificate_der).unwrap();
    for (method, key, expected) in [
        ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", ["--privkey-pem", "key.pem,cert.pem"], Reason::WeakHash),
        ("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", ["--hmackey", "secret.bin"], Reason::Hmac),
    ] {
        let signature = signature_of(signed());
        let emptied = |text: &str, name: &str| {
            let start = text.find(&format!("<{name}>")).unwrap() + name.len() + 2;
            let end = text.find(&format!("</{name}>")).unwrap();
            format!("{}{}", &text[..start], &text[end..])
        };
        let template = emptied(&emptied(signature, "SignatureValue"), "DigestValue");
        let template = with(&template, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", method);
        fs::write(at("in.xml"), signed().replace(signature, &template)).unwrap();
        let args = ["--sign", key[0], key[1], "--output", "out.xml", "in.xml"];
        let (good, _, stderr) = run("xmlsec1", &args, directory.path());
        assert!(good, "{stderr}");
        assert_eq!(reason(&fs::read_to_string(at("out.xml")).unwrap()), expected);
    }
}

#[test]
fn a_doctype_does_not_count_whatever_it_declares() {
    let attribute = "<!DOCTYPE edXML [<!ATTLIST edXML Id CDATA 'x'>]>\r\n<edXML xmlns";
    assert_eq!(reason(&with(signed(), "<edXML xmlns", attribute)), Reason::Doctype);
    let entity = "<!DOCTYPE edXML [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>\r\n<edXML xmlns";
    assert_eq!(reason(&with(signed(), "<edXML xmlns", entity)), Reason::Doctype);
    assert_eq!(reason(&with(signed(), "<edXML xmlns", "<!DOCTYPE edXML>\r\n<edXML xmlns")), Reason::Doctype);
}

#[test]
fn nothing_hides_inside_the_signature() {
    for (from, to) in [
        ("</KeyInfo>", "</KeyInfo><Object>x</Object>"),
        ("</KeyInfo>", "</KeyInfo>text"),
        ("<SignatureValue>", "<edXML:Subject>giả</edXML:Subject><SignatureValue>"),
        ("<X509Data>", "<KeyInfoReference/><X509Data>"),
        ("<X509Data>", "<X509Data><X509CRL/>"),
        ("<SignedInfo>", "<SignedInfo>text"),
        ("<SignedInfo>", "<SignedInfo a=\"1\">"),
        ("<SignedInfo>", "<SignedInfo><?x?>"),
        ("<Reference URI=\"\">", "<Reference URI=\"\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\">"),
    ] {
        let to = to.replace("edXML:", "");
        assert_eq!(reason(&changed(from, &to)), Reason::UnexpectedContent, "{to}");
    }
}
