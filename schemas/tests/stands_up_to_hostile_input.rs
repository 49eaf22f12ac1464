//! Bytes meant to break the validator end in an error or a bounded answer, quickly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fmt::Write;
use std::sync::Arc;

use common::*;
use lienthong_schemas::{Catalogue, Error, Limits, ValidatorPool, ViolationKind, error_to_finding};

const OPEN: &str = "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">";

fn refusal(packet: &[u8]) -> Error {
    let error = pool().validate(TOLERANT, packet).expect_err("it was taken");
    assert!(error.is_senders() && error_to_finding(&error).is_some(), "{error}");
    error
}

#[test]
fn what_is_no_xml_is_an_error_with_its_place() {
    let cases: &[(&str, (u32, u32))] =
        &[("", (1, 1)), ("   \n ", (2, 2)), ("rác", (1, 1)), ("<edXML", (1, 1)), ("%PDF-1.7", (1, 1))];
    for (packet, place) in cases {
        match refusal(packet.as_bytes()) {
            Error::NotWellFormed { line, column, .. } => assert_eq!((line, column), *place, "{packet:?}"),
            other => panic!("{packet:?}: {other}"),
        }
    }
    for inner in [
        "<a></b>",
        "<a>",
        "</a>",
        "&nbsp;",
        "&#0;",
        "&#xD800;",
        "&",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a b=1/>",
        "]]>",
        "<a b='&x;'/>",
        "<a:b:c/>",
        "<1/>",
        "<a 1='2'/>",
        "\u{1}",
        "<?xml version='1.0'?>",
        "<!-- -- -->",
        "<a",
        "<![CDATA[",
    ] {
        let error = refusal(format!("{OPEN}{inner}</edXML>").as_bytes());
        assert!(matches!(error, Error::NotWellFormed { line: 1, .. }), "{inner:?}: {error}");
    }
    for (bytes, offset) in [(&b"<edXML>\xFF</edXML>"[..], 7), (b"\xFF\xFE<\0", 0)] {
        assert!(matches!(refusal(bytes), Error::NotWellFormed { offset: at, .. } if at == offset));
    }
    for after in ["<edXML/>", "rác", "&amp;"] {
        assert!(matches!(refusal(format!("{OPEN}</edXML>{after}").as_bytes()), Error::NotWellFormed { .. }), "{after}");
    }
}

#[test]
fn a_document_type_is_refused_wherever_it_stands() {
    let bomb = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE edXML [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>{OPEN}&b;</edXML>"
    );
    assert!(matches!(refusal(bomb.as_bytes()), Error::Doctype { line: 2, column: 1, .. }));
    assert!(matches!(
        refusal(format!("{OPEN}<!DOCTYPE x></edXML>").as_bytes()),
        Error::Doctype { .. } | Error::NotWellFormed { .. }
    ));
}

#[test]
fn every_limit_is_reached_and_named() {
    let limits = Limits::default();
    let deep = |levels: usize| format!("{OPEN}{}{}</edXML>", "<a>".repeat(levels), "</a>".repeat(levels));
    assert_eq!(validate(TOLERANT, &deep(limits.max_depth - 1)), []);
    let attributes = |count: usize| {
        let mut list = String::new();
        for index in 0..count {
            write!(list, " a{index}='1'").unwrap();
        }
        format!("{OPEN}<a{list}/></edXML>")
    };
    assert_eq!(validate(TOLERANT, &attributes(limits.max_attributes)), []);
    let name = |len: usize| format!("{OPEN}<{}/></edXML>", "a".repeat(len));
    assert_eq!(validate(TOLERANT, &name(limits.max_name)), []);
    let text = |len: usize| format!("{OPEN}<Subject>{}</Subject></edXML>", "a".repeat(len));
    assert_eq!(validate(TOLERANT, &text(limits.max_text)), []);
    for (packet, named) in [
        (deep(limits.max_depth), "levels of nesting"),
        (deep(100_000), "levels of nesting"),
        (attributes(limits.max_attributes + 1), "attributes of one element"),
        (name(limits.max_name + 1), "bytes in a name"),
        (text(limits.max_text + 1), "bytes in one text"),
        (format!("{OPEN}{}</edXML>", "<a/>".repeat(limits.max_elements)), "elements"),
        (format!("{OPEN}{}</edXML>", " ".repeat(limits.max_bytes)), "bytes"),
    ] {
        assert!(matches!(refusal(packet.as_bytes()), Error::Limit { what, .. } if what == named), "{named}");
    }
}

#[test]
fn violations_are_capped_and_the_first_ones_kept() {
    let packet = format!("{OPEN}{}</edXML>", "<DueDate>mai</DueDate>\n".repeat(1_000));
    let told = validate(TOLERANT, &packet);
    assert_eq!(told.len(), Limits::default().max_violations);
    assert_eq!((told[0].line, told[49].line), (1, 50));
    let packet = format!("{OPEN}{}</edXML>", "<x/>\n".repeat(1_000));
    assert_eq!(validate(STRICT, &packet).len(), Limits::default().max_violations);
}

/// The pattern of e-mail addresses has nested repetitions; a text made for it must not hold the thread. Linear work
/// on the longest text allowed is far below a second; work that grows with its square is far above the deadline.
#[test]
fn a_text_made_for_the_patterns_is_answered_soon() {
    let long = Limits::default().max_text;
    for address in
        ["a.".repeat(long / 2), format!("a@{}", "a.".repeat(long / 2 - 1)), "a".repeat(long), "-".repeat(long)]
    {
        let packet =
            change(DOCUMENT, &[("<edXML:Email>vanthu@thunghiem.example.vn", &format!("<edXML:Email>{address}"))]);
        let (done, waits) = std::sync::mpsc::channel();
        std::thread::spawn(move || done.send(validate(STRICT, &packet)));
        let told = waits.recv_timeout(std::time::Duration::from_secs(30)).expect("the pattern took too long");
        assert!(told.iter().all(|violation| matches!(violation.rule, ViolationKind::TooLong | ViolationKind::Pattern)));
        assert!(!told.is_empty());
    }
}

#[test]
fn made_up_names_wear_a_validator_out_and_honest_packets_never() {
    let pool = ValidatorPool::new(Arc::new(Catalogue::builtin().unwrap()));
    for _ in 0..200 {
        assert_eq!(pool.validate(TOLERANT, DOCUMENT.as_bytes()).unwrap(), []);
    }
    assert_eq!((pool.stats().compiled, pool.stats().discarded), (1, 0));
    for round in 0..40 {
        let mut packet = OPEN.to_owned();
        for index in 0..200 {
            write!(packet, "<n{round}-{index}-{}/>", "x".repeat(100)).unwrap();
        }
        packet.push_str("</edXML>");
        assert_eq!(pool.validate(TOLERANT, packet.as_bytes()).unwrap(), []);
    }
    let stats = pool.stats();
    assert!(stats.discarded >= 2 && stats.discarded <= 10, "{stats:?}");
    assert!(stats.compiled - stats.discarded <= 1, "{stats:?}");
}

#[test]
fn threads_share_the_pool_and_get_their_own_answers() {
    let pool = Arc::new(ValidatorPool::new(Arc::new(Catalogue::builtin().unwrap())));
    std::thread::scope(|scope| {
        for worker in 0..4_u32 {
            let pool = Arc::clone(&pool);
            scope.spawn(move || {
                for round in 0..20_u32 {
                    let bad = (worker + round) % 2 == 0;
                    let date = if bad { "mai" } else { "2026/03/20" };
                    let packet = change(DOCUMENT, &[("<edXML:DueDate>2026/03/20", &format!("<edXML:DueDate>{date}"))]);
                    assert_eq!(pool.validate(STRICT, packet.as_bytes()).unwrap().len(), usize::from(bad));
                }
            });
        }
    });
    let stats = pool.stats();
    assert_eq!(stats.validated, 80);
    assert!(stats.compiled <= 4, "{stats:?}");
    assert!(matches!(pool.validate("unheard-of", b"<a/>"), Err(Error::UnknownSchema(_))));
}

/// Every single byte of a packet changed, cut and doubled: any answer will do, but there must be one.
#[test]
fn no_damage_to_a_packet_breaks_the_validator() {
    let whole = STATUS_D3.as_bytes();
    for index in 0..whole.len() {
        for damage in [b'<', b'&', b'"', 0xFF] {
            let mut packet = whole.to_vec();
            packet[index] = damage;
            let schema = if index % 2 == 0 { STATUS_TOLERANT } else { STATUS_STRICT };
            if let Err(error) = pool().validate(schema, &packet) {
                assert!(error.is_senders(), "{error}");
            }
        }
        if let Err(error) = pool().validate(STATUS_TOLERANT, &whole[..index]) {
            assert!(error.is_senders(), "{error}");
        }
    }
}
