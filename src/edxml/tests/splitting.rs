//! What the splitter leaves of a packet, and the ways back to the original.

use std::io::{self, Cursor, Read};

use lienthong_contract::Digest;

use super::fixtures::*;
use crate::edxml::{Limits, SplitError, body_reader, encoded_reader, split};

/// The original bytes put together again from a skeleton and the cut text.
pub fn reassembled(packet: &[u8]) -> Vec<u8> {
    let split = split_bytes(packet).unwrap();
    let mut out = Vec::new();
    let mut at = 0;
    for cut in &split.skeleton.cuts {
        out.extend_from_slice(&split.skeleton.bytes[at..cut.skeleton_offset]);
        let mut text = Vec::new();
        encoded_reader(Cursor::new(packet), cut).unwrap().read_to_end(&mut text).unwrap();
        out.extend_from_slice(&text);
        at = cut.skeleton_offset;
    }
    out.extend_from_slice(&split.skeleton.bytes[at..]);
    out
}

/// Two attachments, one of them in lines.
fn two_bodies() -> (String, Vec<u8>) {
    let large: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let lines: Vec<String> =
        base64(&large).as_bytes().chunks(76).map(|l| String::from_utf8(l.to_vec()).unwrap()).collect();
    let second = format!(
        "<Attachment>\n<ContentId>cid:b2</ContentId>\n<AttachmentName>số liệu.bin</AttachmentName>\n\
         <ContentTransferEncoded>\r\n{}\r\n</ContentTransferEncoded> <!-- đuôi --></Attachment></AttachmentEncoded>",
        lines.join("\r\n")
    );
    (d1_but("</AttachmentEncoded>", &second), large)
}

#[test]
fn the_skeleton_is_small_and_the_bodies_are_described() {
    let (packet, large) = two_bodies();
    let split = split_bytes(&packet).unwrap();
    assert!(split.skeleton.bytes.len() < 6_000);
    assert_eq!((split.digest, split.size), (Digest::of(packet.as_bytes()), packet.len() as u64));
    let [first, second] = split.bodies.as_slice() else { panic!() };
    assert_eq!((first.digest, first.decoded_len), (Digest::of(PDF), PDF.len() as u64));
    assert_eq!((second.digest, second.decoded_len), (Digest::of(&large), large.len() as u64));
    assert_eq!((first.line, first.column), place_of(&packet, "JVBER"));
    assert_eq!(reassembled(packet.as_bytes()), packet.as_bytes());
}

#[test]
fn a_body_reads_back_decoded_and_encoded() {
    let (packet, large) = two_bodies();
    let split = split_bytes(&packet).unwrap();
    let cut = &split.skeleton.cuts[1];
    let mut decoded = Vec::new();
    body_reader(Cursor::new(&packet), cut).unwrap().read_to_end(&mut decoded).unwrap();
    assert!(decoded == large);
    let mut encoded = String::new();
    encoded_reader(Cursor::new(&packet), cut).unwrap().read_to_string(&mut encoded).unwrap();
    assert_eq!(packet.find(&encoded).map(|at| at as u64), Some(cut.source_offset));
    let mut changed = packet.into_bytes();
    changed[usize::try_from(cut.source_offset).unwrap() + 100_001] = b'$';
    let error = body_reader(Cursor::new(&changed), cut).unwrap().read_to_end(&mut decoded).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn places_are_those_of_the_original_before_between_and_after_the_bodies() {
    let (packet, _) = two_bodies();
    let split = split_bytes(&packet).unwrap();
    let skeleton = split.skeleton.text();
    for piece in [
        "<edXML:Subject>",
        "</Attachment>",
        "<ContentId>cid:b2",
        "số liệu",
        "<!-- đuôi",
        "</Attachment></Att",
        "</edXML>",
    ] {
        let offset = skeleton.find(piece).unwrap();
        assert_eq!(split.skeleton.position(offset), place_of(&packet, piece), "{piece}");
        assert_eq!(split.skeleton.source_offset(offset), packet.find(piece).unwrap() as u64, "{piece}");
    }
    let second = split.skeleton.cuts[1];
    let (line, _) = place_of(&packet, "<!-- đuôi");
    assert_eq!(second.line_feeds, line - split.bodies[1].line);
    assert_eq!(split.skeleton.position(usize::MAX), split.skeleton.position(skeleton.len()));
}

#[test]
fn findings_after_a_body_name_the_lines_of_the_original() {
    let (packet, _) = two_bodies();
    let packet = packet.replace("</edXML>", "</edXMl>");
    let (line, column) = place_of(&packet, "</edXMl>");
    assert!(line > 1_000);
    assert_eq!(refusal(&packet), ("LT-EDX-0006".into(), 22, line, column));
}

#[test]
fn a_fault_deep_in_a_body_is_found_at_its_line_and_column() {
    let (packet, _) = two_bodies();
    let lines: Vec<&str> = packet.split("\r\n").collect();
    let middle = lines.len() / 2;
    let broken = packet.replacen(lines[middle], &format!("{}*{}", &lines[middle][..40], &lines[middle][41..]), 1);
    let (line, column) = place_of(&broken, "*");
    assert_eq!(refusal(&broken), ("LT-EDX-0020".into(), 21, line, column));
}

#[test]
fn a_source_that_fails_is_no_fault_of_the_packet() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk"))
        }
    }
    let packet = d1();
    let source = Cursor::new(&packet.as_bytes()[..1_000]).chain(Failing);
    assert!(matches!(split(source, &Limits::default()), Err(SplitError::Io(_))));
}

#[test]
fn a_zip_longer_than_the_kept_tail_is_judged_by_its_end() {
    let mut long = zip();
    let record = long.split_off(long.len() - 22);
    let directory_start = u32::from_le_bytes(record[16..20].try_into().unwrap());
    let mut data = long[..30].to_vec();
    data.extend(std::iter::repeat_n(b'x', 500_000));
    let moved = u32::try_from(data.len()).unwrap();
    data.extend_from_slice(&long[directory_start as usize..]);
    data.extend_from_slice(&record);
    let at = data.len() - 6;
    data[at..at + 4].copy_from_slice(&moved.to_le_bytes());
    assert!(split_bytes(d1_with(&data)).is_ok());
    data.truncate(data.len() - 1);
    assert_eq!(refusal(d1_with(&data)).0, "LT-EDX-0022");
}
