//! A form becomes a packet and a packet a form, and nothing is lost on the way.

use std::io::Read;

use proptest::prelude::*;

use crate::edxml::model::{Document, Packet, StatusReport};
use crate::edxml::tests::properties::{any_document, any_status};
use crate::edxml::{Limits, parse, split_bytes};
use crate::form::{self, Attached, Form};

fn packet_of(form: &Form, bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = Vec::new();
    form.write(&mut packet, bodies.iter().map(Vec::as_slice)).unwrap();
    packet
}

/// The packet's model and the form that it becomes.
fn opened(packet: &[u8]) -> (Packet, Vec<Vec<u8>>) {
    let split = split_bytes(packet, &Limits::default()).unwrap();
    let read = parse(&split).unwrap().packet;
    let bodies = split.bodies.iter().map(|body| {
        let mut content = Vec::new();
        let cut = &split.skeleton.cuts[body.cut];
        crate::edxml::body_reader(std::io::Cursor::new(packet), cut).unwrap().read_to_end(&mut content).unwrap();
        content
    });
    (read, bodies.collect())
}

fn read(text: &str) -> Form {
    let (form, mistakes) = form::read(text);
    assert!(mistakes.is_empty(), "{mistakes:#?}\n{text}");
    form.unwrap()
}

fn there_and_back(packet: Packet, bodies: &[Vec<u8>]) {
    let text = form::write(&packet, &[]).unwrap();
    let made = packet_of(&read(&text), bodies);
    let (again, contents) = opened(&made);
    assert_eq!(again, packet, "{text}");
    assert_eq!(contents, bodies);
    // The form that comes back is the form that went in.
    assert_eq!(form::write(&again, &[]).unwrap(), text);
    // And what was filled in once stays as it is.
    let mut completed = read(&text);
    completed.complete(lienthong_contract::Instant::from_millis(1_790_000_000_123));
    let mut twice = completed.clone();
    twice.complete(lienthong_contract::Instant::from_millis(1_800_000_000_123));
    assert_eq!(completed, twice);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_keeps_every_field_on_its_way_through_the_form((document, bodies) in any_document()) {
        there_and_back(Packet::Document(Box::new(document)), &bodies);
    }

    #[test]
    fn a_status_keeps_every_field_on_its_way_through_the_form(status in any_status()) {
        there_and_back(Packet::Status(Box::new(status)), &[]);
    }

    #[test]
    fn no_text_makes_the_reader_panic(pieces in proptest::collection::vec(prop_oneof![
        Just("{".to_owned()), Just("}".to_owned()), Just("[".to_owned()), Just("]".to_owned()), Just(",".to_owned()),
        Just(":".to_owned()), Just("\"kind\":\"document\"".to_owned()), Just("\"to\"".to_owned()), Just("\"date\"".to_owned()),
        Just("\"kind\":\"status\"".to_owned()), Just("null".to_owned()), Just("1e999".to_owned()), Just("-1".to_owned()),
        Just("\"\\u0000\"".to_owned()), Just("\"2026-02-30\"".to_owned()), Just("\"9999-12-31T23:59:59-23:00\"".to_owned()),
        Just("\"time\"".to_owned()), "[ -~]{0,6}",
    ], 0..30)) {
        let _ = form::read(&pieces.concat());
        let _ = form::read(&format!("{{\"kind\":\"document\",{}}}", pieces.concat()));
    }
}

#[test]
fn the_files_of_a_form_stay_with_their_attachments() {
    let (mut document, _) = any_sample();
    let file = |name: &str| Attached {
        file: Some(crate::edxml::Located::made(name.to_owned())),
        sha256: Some(crate::edxml::Located::made("00".repeat(32))),
        ..Attached::default()
    };
    let meta = document.attachments[0].clone();
    document.attachments = vec![meta.clone(), meta];
    let text = form::write(&Packet::Document(Box::new(document)), &[file("a.pdf"), file("b.pdf")]).unwrap();
    let form = read(&text);
    let files: Vec<&str> = form.attached.iter().map(|one| one.file.as_ref().unwrap().value.as_str()).collect();
    assert_eq!(files, ["a.pdf", "b.pdf"]);
    assert_eq!(form::write(&form.packet, &form.attached).unwrap(), text);
}

fn any_sample() -> (Document, StatusReport) {
    use crate::edxml::tests::fixtures;
    (fixtures::document(fixtures::d1()), fixtures::status(fixtures::STATUS))
}

#[test]
fn real_dialects_become_forms_that_make_the_same_packet_again() {
    use crate::edxml::tests::fixtures::{D2, PDF, STATUS, base64, d1};
    for packet in [d1(), D2.replace("@BODY@", &base64(PDF)), STATUS.to_owned()] {
        let (read_once, bodies) = opened(packet.as_bytes());
        let made = packet_of(&read(&form::write(&read_once, &[]).unwrap()), &bodies);
        let (again, contents) = opened(&made);
        assert_eq!(contents, bodies);
        assert_eq!(form::write(&again, &[]).unwrap(), form::write(&read_once, &[]).unwrap());
    }
}
