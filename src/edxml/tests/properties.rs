//! Properties over random packets: nothing is lost, nothing panics.

use std::io::Read;

use jiff::civil::Date;
use lienthong_contract::Instant;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::fixtures::*;
use super::splitting::reassembled;
use super::writing::{written, written_status};
use crate::edxml::model::*;
use crate::edxml::{Limits, parse, split};

/// Gives its bytes in pieces of the given lengths.
struct Trickle<'a> {
    rest: &'a [u8],
    pieces: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.pieces.next().unwrap_or(1).min(out.len()).min(self.rest.len());
        out[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

fn text() -> impl Strategy<Value = TextAt> {
    // What XML carries, without white space at the ends and line feeds turned as XML turns them.
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9/.,;:()-]{1,12}",
        2 => "[ăâđêôơưàáảãạ“”–Ð]{1,8}",
        1 => Just("<&>\"'".to_owned()),
        1 => Just("a\r\nb\tc".to_owned()),
        1 => Just("]]>".to_owned()),
        1 => Just("\u{1F4C4}".to_owned()),
    ];
    vec(piece, 1..4).prop_map(|pieces| Located::made(pieces.join(" ")))
}

fn maybe() -> impl Strategy<Value = Option<TextAt>> {
    of(text())
}

fn date() -> impl Strategy<Value = Located<Date>> {
    (1950i16..2100, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Located::made(Date::new(y, m, d).unwrap()))
}

fn time() -> impl Strategy<Value = Located<Instant>> {
    (0i64..4_000_000_000).prop_map(|seconds| Located::made(Instant::from_millis(seconds * 1000)))
}

fn token() -> impl Strategy<Value = TextAt> {
    "[a-z0-9]{1,12}".prop_map(Located::made)
}

fn organization() -> impl Strategy<Value = Organization> {
    (text(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe()).prop_map(
        |(organ_id, in_charge, name, address, email, telephone, fax, website)| Organization {
            organ_id,
            in_charge,
            name,
            address,
            email,
            telephone,
            fax,
            website,
        },
    )
}

fn staff() -> impl Strategy<Value = StaffInfo> {
    (maybe(), maybe(), maybe(), maybe(), maybe(), maybe()).prop_map(
        |(department, department_id, staff, staff_id, email, mobile)| StaffInfo {
            department,
            department_id,
            staff,
            staff_id,
            email,
            mobile,
        },
    )
}

fn response() -> impl Strategy<Value = ResponseFor> {
    (maybe(), maybe(), text(), of(date())).prop_map(|(organ_id, code, id, promulgation_date)| ResponseFor {
        organ_id,
        code,
        document_id: Some(id),
        promulgation_date,
    })
}

fn business() -> impl Strategy<Value = Business> {
    let flag = || of(any::<bool>().prop_map(Located::made));
    let receiver = (text(), of((0i32..3).prop_map(|code| Located::made(Change::from_code(code)))))
        .prop_map(|(organ_id, change)| ChangedReceiver { organ_id, change });
    let update = (any::<bool>(), flag(), vec(receiver, 0..3)).prop_map(|(document, receivers_changed, receivers)| {
        UpdateInfo { document: Some(Located::made(document)), receivers_changed, receivers }
    });
    let replaced =
        (text(), vec(text(), 0..3)).prop_map(|(id, organ_ids)| ReplacementInfo { document_id: Some(id), organ_ids });
    (0i32..5, maybe(), maybe(), flag(), of(update), vec(replaced, 0..3), staff()).prop_map(
        |(kind, reason, document_id, paper, update, replacements, staff)| Business {
            kind: Located::made(BusinessType::from_code(kind)),
            reason,
            document_id,
            paper,
            update,
            replacements,
            staff,
        },
    )
}

fn other() -> impl Strategy<Value = OtherInfo> {
    let count = || of((0u32..=65_535).prop_map(Located::made));
    (of(-1i32..9), maybe(), maybe(), count(), count(), maybe(), vec(text(), 0..3)).prop_map(
        |(priority, sphere, typer_notation, promulgation_amount, page_amount, direction, appendixes)| OtherInfo {
            priority: priority.map(|code| Located::made(Urgency::from_code(code))),
            sphere,
            typer_notation,
            promulgation_amount,
            page_amount,
            direction,
            appendixes,
        },
    )
}

type Attached = (Vec<Attachment>, Vec<Reference>, Vec<Vec<u8>>);

fn attached() -> impl Strategy<Value = Attached> {
    let one = (token(), text(), maybe(), text(), vec(any::<u8>(), 1..300));
    vec(one, 0..4).prop_map(|all| {
        let (mut attachments, mut references, mut bodies) = Attached::default();
        for (index, (id, name, description, content_type, mut body)) in all.into_iter().enumerate() {
            body[0] = b'x'; // neither PDF nor ZIP, which would be looked into
            let (content_id, name, content_type) = (Some(id), Some(name), Some(content_type));
            references.push(Reference {
                content_id: content_id.clone(),
                content_type: content_type.clone(),
                description: description.clone(),
                name: name.clone(),
            });
            let body_index = Some(index);
            attachments.push(Attachment {
                content_id,
                name,
                description,
                content_type,
                body: body_index,
                line: 0,
                column: 0,
            });
            bodies.push(body);
        }
        (attachments, references, bodies)
    })
}

pub(crate) fn any_document() -> impl Strategy<Value = (Document, Vec<Vec<u8>>)> {
    let parties = (organization(), vec(organization(), 1..4), of(text()), text(), maybe());
    let about = (maybe(), date(), of(-5i32..100), of(-5i32..100), maybe(), text(), maybe());
    let signer = (maybe(), maybe(), maybe());
    let lists = (vec(text(), 0..3), vec(response(), 0..3), vec(text(), 0..3), of(-1i32..5), maybe(), of(date()));
    let hop = (maybe(), time()).prop_map(|(organ_id, at)| TraceHeader { organ_id, timestamp: Some(at) });
    let error = (text(), maybe()).prop_map(|(code, description)| ErrorEntry { code: Some(code), description });
    let rest = (other(), of(business()), vec(hop, 0..3), attached(), vec(error, 0..3));
    (parties, about, signer, lists, rest).prop_map(|(parties, about, signer, lists, rest)| {
        let (from, to, document_id, number, notation) = parties;
        let (place, date, group, detail, type_name, subject, content) = about;
        let (to_places, response_for, tasks, steering, application_type, due_date) = lists;
        let (other, business, trace, (attachments, references, bodies), errors) = rest;
        let document = Document {
            from,
            to,
            document_id,
            code: Code { number: Some(number), notation },
            promulgation: PromulgationInfo { place, date },
            document_type: DocumentType {
                group: group.map(Located::made),
                detail: detail.map(Located::made),
                name: type_name,
            },
            subject,
            content,
            signer: SignerInfo { competence: signer.0, position: signer.1, full_name: signer.2 },
            due_date,
            to_places,
            other,
            response_for,
            steering_type: steering.map(|code| Located::made(SteeringType(code))),
            application_type,
            tasks,
            business,
            trace,
            references,
            attachments,
            errors,
            signature: PacketSignature::Absent,
        };
        (document, bodies)
    })
}

pub(crate) fn any_status() -> impl Strategy<Value = StatusReport> {
    (organization(), response(), "[0-9]{2,3}", maybe(), of(time()), staff()).prop_map(
        |(from, response_for, code, description, timestamp, staff)| {
            let status = Located::made(StatusCode::from_code(&code));
            StatusReport { from, response_for, status, description, timestamp, staff }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_document_reads_back_to_the_same_model((document, bodies) in any_document()) {
        let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let text = written(&document, &bodies);
        prop_assert_eq!(reassembled(text.as_bytes()), text.as_bytes());
        prop_assert_eq!(super::fixtures::document(&text), document);
    }

    #[test]
    fn a_written_status_reads_back_to_the_same_model(report in any_status()) {
        prop_assert_eq!(super::fixtures::status(written_status(&report)), report);
    }

    #[test]
    fn the_pieces_in_which_a_packet_arrives_change_nothing(
        pieces in vec(1usize..5_000, 1..20), body in vec(any::<u8>(), 1..2_000), repeat in 1usize..100, line in 1usize..200, feed in any::<bool>(),
    ) {
        let body = body.repeat(repeat);
        let feed = if feed { "\r\n" } else { "\n " };
        let encoded = base64(&body);
        let lines: Vec<&str> = encoded.as_bytes().chunks(line).map(|l| std::str::from_utf8(l).unwrap()).collect();
        let packet = D1.replace("@BODY@", &lines.join(feed));
        let source = Trickle { rest: packet.as_bytes(), pieces: pieces.into_iter().cycle() };
        let trickled = split(source, &Limits::default()).map_err(|error| format!("{error:?}"));
        let whole = split(packet.as_bytes(), &Limits::default()).map_err(|error| format!("{error:?}"));
        match (trickled, whole) {
            (Ok(trickled), Ok(whole)) => {
                prop_assert_eq!(&trickled.skeleton, &whole.skeleton);
                prop_assert_eq!(&trickled.bodies, &whole.bodies);
                prop_assert_eq!(trickled.digest, lienthong_contract::Digest::of(packet.as_bytes()));
                prop_assert_eq!(trickled.bodies[0].digest, lienthong_contract::Digest::of(&body));
                prop_assert_eq!(reassembled(packet.as_bytes()), packet.as_bytes());
            }
            (trickled, whole) => prop_assert_eq!(trickled.err(), whole.err()),
        }
    }

    #[test]
    fn places_agree_with_a_plain_count(offset in 0usize..6_000, body in vec(any::<u8>(), 1..2_000), line in 1usize..100) {
        let encoded = base64(&body);
        let lines: Vec<&str> = encoded.as_bytes().chunks(line).map(|l| std::str::from_utf8(l).unwrap()).collect();
        let packet = D1.replace("@BODY@", &lines.join("\n"));
        let Ok(split) = split_bytes(&packet) else { return Ok(()) };
        let offset = offset.min(split.skeleton.bytes.len() - 1);
        let source = usize::try_from(split.skeleton.source_offset(offset)).unwrap();
        prop_assert_eq!(packet.as_bytes()[source], split.skeleton.bytes[offset]);
        let before = &packet.as_bytes()[..source];
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = before[start..].iter().filter(|byte| (**byte & 0xC0) != 0x80).count() + 1;
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        prop_assert_eq!(split.skeleton.position(offset), (u32::try_from(line).unwrap(), u32::try_from(column).unwrap()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_refused_and_never_panic(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn random_markup_never_panics(pieces in vec(prop_oneof![
        "<[a-z/!?:-]{0,4}", Just("<edXML xmlns='http://www.mic.gov.vn/TBT/QCVN_102_2016'>".to_owned()),
        Just("<ContentTransferEncoded>".to_owned()), Just("</ContentTransferEncoded>".to_owned()),
        Just("<![CDATA[".to_owned()), Just("]]>".to_owned()), Just("<!--".to_owned()), Just("-->".to_owned()),
        Just("QUJD".to_owned()), Just("&#13;".to_owned()), Just("&".to_owned()), Just("<a b='c'>".to_owned()),
        Just("</a>".to_owned()), Just("<a/>".to_owned()), Just("\u{FEFF}".to_owned()), Just(">".to_owned()),
        "[ -~đ\n=]{0,5}",
    ], 0..25)) {
        let _ = read(pieces.concat());
    }

    #[test]
    fn a_mutated_packet_never_panics_and_a_read_one_was_whole(
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6), status in any::<bool>(),
    ) {
        let mut packet = if status { STATUS.to_owned() } else { d1() }.into_bytes();
        for (at, byte, kind) in changes {
            let at = at.index(packet.len());
            match kind {
                0 => packet[at] = byte,
                1 => packet.insert(at, byte),
                _ => drop(packet.remove(at)),
            }
        }
        if let Ok(split) = split_bytes(&packet) {
            prop_assert_eq!(reassembled(&packet), packet);
            match parse(&split) {
                Ok(parsed) => prop_assert!(!parsed.warnings.iter().any(|finding| finding.refuses())),
                Err(findings) => prop_assert!(findings.iter().any(|finding| finding.refuses())),
            }
        }
    }
}
