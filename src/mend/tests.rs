//! What is mended and what is left alone. Agencies, people and numbers are invented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Cursor;

use jiff::civil::date;
use lienthong_contract::Instant;
use proptest::prelude::*;

use super::mend;
use crate::edxml::model::Packet;
use crate::edxml::tests::fixtures::{self, D2, PDF, STATUS, base64, d1, d1_but, status_but};
use crate::edxml::tests::properties::any_document;
use crate::edxml::write::write_document;
use crate::edxml::{Limits, parse, split_bytes};
use crate::preview::Judge;
use crate::rules::schema::Strictness;

/// The mended packet and the codes of what was done; none when there was nothing to do.
fn mended(packet: &str) -> Option<(String, Vec<(String, String)>)> {
    let split = split_bytes(packet.as_bytes(), &Limits::default()).unwrap();
    let mended = mend(&split)?;
    let mut out = Vec::new();
    mended.write(&mut Cursor::new(packet), &split, &mut out).unwrap();
    let done = mended.mends.iter().map(|mend| (mend.code.to_owned(), mend.element.clone())).collect();
    Some((String::from_utf8(out).unwrap(), done))
}

fn model(packet: &str) -> Packet {
    parse(&split_bytes(packet.as_bytes(), &Limits::default()).unwrap()).unwrap().packet
}

/// What the strict schema still refuses.
fn refused(packet: &str) -> Vec<String> {
    let split = split_bytes(packet.as_bytes(), &Limits::default()).unwrap();
    let now = Instant::from_vietnam(date(2026, 3, 5).at(9, 0, 0, 0)).unwrap();
    let found = Judge::plain(Strictness::Strict).unwrap().judge_split(&split, &mut packet.as_bytes(), now).unwrap();
    found
        .into_iter()
        .filter(|finding| finding.refuses())
        .map(|finding| format!("{} {:?}", finding.code, finding.element))
        .collect()
}

#[test]
fn a_packet_of_the_official_form_has_nothing_to_mend() {
    assert_eq!(mended(&d1()).map(|(_, done)| done), None);
    assert_eq!(mended(STATUS).map(|(_, done)| done), None);
}

#[test]
fn what_the_dotnet_serializer_writes_becomes_what_the_strict_schema_takes() {
    let packet = D2.replace("@BODY@", &base64(PDF));
    assert!(!refused(&packet).is_empty());
    let (again, done) = mended(&packet).unwrap();
    assert_eq!(refused(&again), [] as [String; 0], "{again}\n{done:#?}");
    // It says what it said: nothing of the model is another, but for what the manifest now says in an element.
    let (Packet::Document(mut before), Packet::Document(mut after)) = (model(&packet), model(&again)) else { panic!() };
    assert_eq!(before.references[0].content_id, after.references[0].content_id);
    (before.references, after.references) = Default::default();
    assert_eq!(after, before);
    assert_eq!(mended(&again).map(|(_, done)| done), None, "nothing is left to mend");
}

#[test]
fn names_in_other_letters_are_righted_first_so_that_one_pass_is_enough() {
    let mut packet = d1();
    for (right, wrong) in [
        ("edXMLHeader>", "edXMLheader>"),
        ("MessageHeader>", "messageheader>"),
        ("DocumentId>", "Documentid>"),
        ("PromulgationDate>", "promulgationDate>"),
        ("Attachment>", "attachment>"),
        ("ContentTransferEncoded", "contentTransferEncoded"),
    ] {
        assert!(packet.contains(right), "{right}");
        packet = packet.replace(right, wrong);
    }
    let (again, done) = mended(&packet).unwrap();
    assert_eq!(refused(&again), [] as [String; 0], "{again}\n{done:#?}");
    assert_eq!(model(&again), model(&d1()));
    assert_eq!(mended(&again).map(|(_, done)| done), None, "nothing is left to mend");
    // Beside its rightly written self nobody knows which one is meant.
    let packet = d1_but("</edXML:Subject>", "</edXML:Subject><edXML:subject>khác</edXML:subject>");
    assert!(mended(&packet).is_none_or(|(again, _)| again.contains("subject>khác")));
}

#[test]
fn dates_are_mended_where_they_can_mean_one_day_only() {
    for (written, meant) in [
        ("30/10/2025", Some("2025/10/30")),
        ("2026-03-02", Some("2026/03/02")),
        ("2026/3/2", Some("2026/03/02")),
        ("2.2.2026", Some("2026/02/02")),
        ("03/02/2026", None),
        ("30/02/2026", None),
        ("hôm nay", None),
    ] {
        let packet = d1_but(
            "<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>\n</edXML:PromulgationInfo>",
            &format!("<edXML:PromulgationDate>{written}</edXML:PromulgationDate>\n</edXML:PromulgationInfo>"),
        );
        match (mended(&packet), meant) {
            (Some((again, done)), Some(meant)) => {
                assert!(again.contains(&format!("<edXML:PromulgationDate>{meant}</")), "{again}");
                assert_eq!(done.len(), 1, "{done:?}");
            }
            (None, None) => {}
            (other, _) => panic!("{written}: {other:?}"),
        }
    }
}

#[test]
fn each_slip_is_mended_and_told_with_the_code_of_its_finding() {
    let cases = [
        (
            d1_but("<edXML:DocumentId>H37.90,2026/03/02,12/STN-VP</edXML:DocumentId>\n<edXML:Code>", "<edXML:Code>"),
            "LT-EDX-0067",
        ),
        (d1_but("<edXML:Content>V/v kiểm tra liên thông</edXML:Content>", "<edXML:Content/>"), "LT-XSD-0008"),
        (
            d1_but("edXML:TyperNotation>NVM</edXML:TyperNotation", "edXML:TypistNotation>NVM</edXML:TypistNotation"),
            "LT-EDX-0054",
        ),
        (d1_but("<edXML:Subject>V/v", "<edXML:Subject>  V/v"), "LT-XSD-0014"),
        (d1_but("<edXML:Subject>V/v kiểm", "<edXML:Subject>V/v kie\u{0302}\u{0309}m"), "LT-EDX-0069"),
        (d1_but("<ContentId>cid:a1", "<ContentId>cid:cid:a1"), "LT-EDX-0070"),
        (d1_but("<edXML:Type>2</edXML:Type>\n<edXML:TypeDetail>18</edXML:TypeDetail>\n", ""), "LT-XSD-0002"),
        (d1_but("<edXML:edXMLManifest version=\"1.0\">", "<edXML:edXMLManifest>"), "LT-XSD-0016"),
        (d1_but("<edXML:TraceHeaderList>", "<edXML:TraceHeaderList id=\"1\">"), "LT-XSD-0016"),
        (d1_but("<?xml", "\u{FEFF}<?xml"), "LT-EDX-0050"),
        (status_but(">03<", ">3<"), "LT-EDX-0063"),
        (status_but("2026/03/02 09:00:00", "2026-03-02T09:00:00+07:00"), "LT-EDX-0035"),
    ];
    for (packet, code) in cases {
        let (again, done) = mended(&packet).unwrap_or_else(|| panic!("{code}: {packet}"));
        assert_eq!(done.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), [code]);
        assert_eq!(refused(&again), [] as [String; 0], "{code}: {again}");
        assert_eq!(mended(&again).map(|(_, done)| done), None, "{code}");
    }
}

#[test]
fn base64_in_lines_is_joined_and_the_file_is_the_same() {
    let body = base64(&[PDF, &[7; 500]].concat());
    let lines: Vec<&str> = body.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let (again, _) = mended(&fixtures::D1.replace("@BODY@", &format!("\r\n{}\r\n", lines.join("\r\n")))).unwrap();
    assert!(again.contains(&format!(">{body}</edXML:ContentTransferEncoded>")), "{again}");
}

#[test]
fn what_nobody_knows_is_kept_word_for_word() {
    let packet = d1_but(
        "<edXML:Subject>",
        "<edXML:Secretary b=\"1\"> <edXML:Name>Lan</edXML:Name></edXML:Secretary><x:a xmlns:x=\"urn:x\"><x:b>1 &amp; 2</x:b></x:a><edXML:Subject>",
    );
    let (again, done) = mended(&packet).unwrap();
    assert!(again.contains("<edXML:Secretary b=\"1\"> <edXML:Name>Lan</edXML:Name></edXML:Secretary>"), "{again}");
    assert!(again.contains("<x:b>1 &amp; 2</x:b></x:a>"), "{again}");
    assert!(done.iter().all(|(code, _)| code == "LT-XSD-0004"), "{done:?}");
    assert_eq!(model(&again), model(&packet));
}

#[test]
fn a_signature_is_never_taken_away_without_a_word() {
    let example = crate::pki::tests::example();
    let files = example.manifest.agency(crate::scene::SENDER).unwrap();
    let signer = crate::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
    let sign =
        |packet: &str| String::from_utf8(crate::signing::sign_bytes(packet.as_bytes(), &signer).unwrap()).unwrap();
    let good = sign(&d1());
    assert!(mended(&good).is_none());
    // The same XML in other words is no reason to break it.
    assert!(mended(&sign(&d1().replace("edXML:Subject", "Subject"))).is_none());
    let faulty = sign(&d1_but("cid:a1</ContentId>", " cid:a1</ContentId>"));
    let split = split_bytes(faulty.as_bytes(), &Limits::default()).unwrap();
    let it = mend(&split).unwrap();
    assert!(it.sign_again && it.mends.last().unwrap().done_en.contains("SIGNED AGAIN"));
    let (again, _) = mended(&faulty).unwrap();
    assert!(!again.contains("SignatureValue"));
    // It can be signed again.
    sign(&again);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_mended_says_what_it_said((document, bodies) in any_document()) {
        let mut packet = Vec::new();
        let metas = document.attachments.iter().map(|one| crate::edxml::model::AttachmentMeta {
            content_id: one.content_id.as_ref().unwrap().value.clone(),
            name: one.name.as_ref().unwrap().value.clone(),
            description: one.description.as_ref().map(|text| text.value.clone()),
            content_type: one.content_type.as_ref().unwrap().value.clone(),
        });
        write_document(&mut packet, &document, metas.zip(bodies.iter().map(Vec::as_slice))).unwrap();
        let unordered = String::from_utf8(packet).unwrap().replace("edXML:", "").replace("<From>", "<DueDate/><From>");
        if let Some((again, _)) = mended(&unordered) {
            let Packet::Document(mut after) = model(&again) else { panic!() };
            let mut before = document.clone();
            // What follows from the rest is put in.
            if before.document_id.is_none() { after.document_id = None; }
            if before.business.is_none() { after.business = None; }
            if before.document_type.group.is_none() { after.document_type.group = None; }
            before.signature = after.signature;
            prop_assert_eq!(*after, before);
            prop_assert!(mended(&again).is_none());
        }
    }
}
