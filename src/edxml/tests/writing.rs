//! What we write is what the official library writes, and reads back to the same model.

use std::io::{self, Read};

use super::fixtures::*;
use crate::edxml::model::{AttachmentMeta, Document, Located, StatusReport};
use crate::edxml::write::{write_document, write_status};

pub fn written(document: &Document, bodies: &[&[u8]]) -> String {
    let attachments = document.attachments.iter().zip(bodies).map(|(attachment, body)| {
        let said = |text: &Option<Located<String>>| text.as_ref().map(|text| text.value.clone());
        let meta = AttachmentMeta {
            content_id: said(&attachment.content_id).unwrap_or_default(),
            name: said(&attachment.name).unwrap_or_default(),
            description: said(&attachment.description),
            content_type: said(&attachment.content_type).unwrap_or_default(),
        };
        (meta, *body)
    });
    let mut out = Vec::new();
    write_document(&mut out, document, attachments).unwrap();
    String::from_utf8(out).unwrap()
}

pub fn written_status(status: &StatusReport) -> String {
    let mut out = Vec::new();
    write_status(&mut out, status).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_packet_in_the_official_form_is_written_again_tag_by_tag() {
    let packet = d1();
    let plain = |text: &str| text.replace('\n', "");
    assert_eq!(plain(&written(&document(&packet), &[PDF])), plain(&packet));
    assert_eq!(plain(&written_status(&status(STATUS))), plain(STATUS));
}

#[test]
fn empty_elements_are_left_out() {
    let packet = d1_but("<edXML:DueDate>2026/03/20</edXML:DueDate>", "<edXML:DueDate/>");
    let mut document = document(packet);
    document.other = Default::default();
    document.signer = Default::default();
    document.attachments.clear();
    document.references.clear();
    let text = written(&document, &[]);
    for absent in ["DueDate", "OtherInfo", "SignerInfo", "AttachmentEncoded", "Reference", "ErrorList", "/>"] {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
    assert_eq!(super::fixtures::document(text), document);
}

#[test]
fn the_manifest_is_made_from_the_attachments_when_there_is_none() {
    let mut document = document(d1());
    document.references.clear();
    let again = super::fixtures::document(written(&document, &[PDF]));
    assert_eq!(again.references[0].content_id.as_ref().unwrap().value, "a1");
    assert_eq!(again.references[0].name.as_ref().unwrap().value, "cong van.pdf");
}

#[test]
fn an_attachment_of_any_length_is_one_line_of_base64_and_the_same_bytes() {
    let document = document(d1());
    for length in [1, 2, 3, 49_151, 49_152, 49_153, 200_000] {
        let body: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        let text = written(&document, &[&body]);
        let line = text.split("QCVN_102_2016\">").last().unwrap().split('<').next().unwrap();
        assert_eq!(line, base64(&body));
        assert_eq!(split_bytes(&text).unwrap().bodies[0].digest, lienthong_contract::Digest::of(&body));
    }
}

#[test]
fn a_character_that_xml_cannot_carry_is_an_error_and_a_failing_attachment_too() {
    let mut document = document(d1());
    document.subject.value = "a\u{0}b".to_owned();
    let error = write_document(Vec::new(), &document, Vec::<(AttachmentMeta, &[u8])>::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk"))
        }
    }
    document.subject.value = "a".to_owned();
    assert!(write_document(Vec::new(), &document, [(AttachmentMeta::default(), Failing)]).is_err());
}
