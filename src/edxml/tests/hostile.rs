//! Broken and hostile XML is refused with its place.

use super::fixtures::*;

/// Code, line and column of the refusal.
fn place(packet: impl AsRef<[u8]>) -> (String, u32, u32) {
    let (code, vxp, line, column) = refusal(packet);
    assert_eq!(vxp, 22, "{code}");
    (code, line, column)
}

fn malformed(line: u32, column: u32) -> (String, u32, u32) {
    ("LT-EDX-0008".to_owned(), line, column)
}

#[test]
fn what_is_not_well_formed_is_refused_at_its_place() {
    assert_eq!(place("<a>\n < b/></a>"), malformed(2, 2));
    assert_eq!(place("<a x=1/>"), malformed(1, 6));
    assert_eq!(place("<a x/>"), malformed(1, 5));
    assert_eq!(place("<a x='1'y='2'/>"), malformed(1, 9));
    assert_eq!(place("<a x='1' x='2'/>"), malformed(1, 10));
    assert_eq!(place("<a x='<'/>"), malformed(1, 7));
    assert_eq!(place("<a x='&b;'/>"), malformed(1, 7));
    assert_eq!(place("<a/ >"), malformed(1, 4));
    assert_eq!(place("<a:b:c/>"), malformed(1, 2));
    assert_eq!(place("<a></ a>"), malformed(1, 6));
    assert_eq!(place("<a></a b>"), malformed(1, 8));
    assert_eq!(place("<a/>\n<b/>"), malformed(2, 1));
    assert_eq!(place("<a/>đuôi"), malformed(1, 5));
    assert_eq!(place("<a><!-x></a>"), malformed(1, 4));
    assert_eq!(place("<a><!-- x -- y --></a>"), malformed(1, 11));
    assert_eq!(place("<a><!-- x ---></a>"), malformed(1, 11));
    assert_eq!(place("<![CDATA[a]]><a/>"), malformed(1, 1));
    assert_eq!(place("<a><? x?></a>"), malformed(1, 6));
    assert_eq!(place("<a>đ\u{1}</a>"), malformed(1, 5));
    assert_eq!(place("<a>\u{FFFF}</a>"), malformed(1, 4));
    assert_eq!(place("</a>"), ("LT-EDX-0006".into(), 1, 1));
    assert_eq!(place("<a><b></a></b>"), ("LT-EDX-0006".into(), 1, 7));
}

#[test]
fn the_xml_declaration_has_one_form() {
    for good in
        ["version='1.0'", r#"version = "1.0" encoding="UTF-8" standalone="yes" "#, r#"version="1.0" standalone='no'"#]
    {
        assert!(split_bytes(format!("<?xml {good}?><a/>")).is_ok(), "{good}");
    }
    for (bad, column) in [
        ("", 7),
        ("encoding=\"UTF-8\"", 7),
        ("version=\"1.1\"", 7),
        ("version=1.0", 15),
        ("version=\"1.0\" version=\"1.0\"", 21),
        ("version=\"1.0\" standalone=\"maybe\"", 21),
        ("version=\"1.0\"encoding=\"UTF-8\"", 20),
        ("version=\"1.0\" standalone=\"no\" encoding=\"UTF-8\"", 37),
        ("version=\"1.0\" encoding=\"\"", 21),
    ] {
        assert_eq!(place(format!("<?xml {bad}?><a/>")), malformed(1, column), "{bad}");
    }
    assert_eq!(place("<a><?b;c?></a>"), malformed(1, 7));
    assert_eq!(place("<a><?b:c?></a>"), malformed(1, 6));
}

#[test]
fn references_to_characters_that_xml_forbids_are_refused() {
    for reference in ["&#0;", "&#x1;", "&#xFFFF;", "&#x110000;", "&#;", "&;", "&", "&#xD800;"] {
        let packet = d1_but("V/v kiểm tra", &format!("{reference} kiểm tra"));
        let (line, column) = place_of(&packet, &format!("{reference} kiểm"));
        let (code, at_line, _) = place(&packet);
        assert_eq!((code.as_str(), at_line), ("LT-EDX-0008", line), "{reference} at {line},{column}");
    }
    let packet = d1_but("V/v kiểm tra", "a &amp; b &#60;c&#x3E; kiểm tra");
    assert_eq!(document(packet).subject.value, "a & b <c> kiểm tra liên thông");
}

#[test]
fn an_ampersand_that_begins_nothing_is_told_in_plain_words() {
    for (text, found) in [
        ("R&D", "&D kiểm tra liên thông"),
        ("R & D", "& D kiểm tra liên thông"),
        ("a&nbsp;b", "&nbsp;b kiểm tra liên thông"),
    ] {
        let packet = d1_but("V/v kiểm tra", &format!("{text} kiểm tra"));
        let (line, column) = place_of(&packet, found);
        assert_eq!(place(&packet), malformed(line, column), "{text}");
        let finding = refusals(&packet).remove(0);
        assert_eq!(finding.found.as_deref(), Some(found));
        assert!(finding.expected.unwrap().starts_with("ký tự & trong nội dung phải viết thành &amp;"));
    }
    let finding = refusals(d1_but("V/v kiểm tra", "&#0; kiểm tra")).remove(0);
    assert_eq!((finding.found.as_deref(), finding.expected), (Some("&#0;"), None));
}

#[test]
fn what_only_a_strict_reader_minds_is_refused_too() {
    let packet = d1_but("V/v kiểm tra", "V/v ]]> kiểm tra");
    assert_eq!(place(&packet).0, "LT-EDX-0008");
    let packet = d1_but("<edXML:DueDate>", r#"<edXML:DueDate xmlns:x="">"#);
    let (line, column) = place_of(&packet, "<edXML:DueDate");
    assert_eq!(place(packet), malformed(line, column));
}

#[test]
fn a_packet_cut_anywhere_is_refused_never_read() {
    let packet = d1();
    let last = packet.rfind('>').unwrap();
    for length in (1..=last).step_by(7) {
        let all = refusals(&packet.as_bytes()[..length]);
        assert!(!all.is_empty(), "cut at {length}");
    }
    let cut = packet.split_once("</edXML:Subject>").unwrap().0;
    let finding = refusals(cut).remove(0);
    assert_eq!((finding.code.as_str(), finding.vxp), ("LT-EDX-0007", 22));
    assert_eq!(finding.expected.as_deref(), Some("</edXML:Subject>"));
    assert_eq!((finding.line, finding.column), (Some(38), Some(39)));
    let in_body = packet.split_once("</edXML:ContentTransferEncoded>").unwrap().0;
    assert_eq!(place(in_body).0, "LT-EDX-0007");
}

#[test]
fn bytes_that_are_no_utf8_are_refused_at_their_place() {
    let mut packet = d1().into_bytes();
    let at = d1().find("V/v").unwrap();
    packet[at + 1] = 0xE2;
    let (line, column) = place_of(&d1(), "/v kiểm");
    assert_eq!(place(packet), ("LT-EDX-0005".into(), line, column));
    let utf16: Vec<u8> = d1().encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(place(&utf16).0, "LT-EDX-0005");
    assert_eq!(place([&[0xFF, 0xFE], utf16.as_slice()].concat()).0, "LT-EDX-0005");
    let big: Vec<u8> = d1().encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(place([&[0xFE, 0xFF], big.as_slice()].concat()).0, "LT-EDX-0005");
}

#[test]
fn a_proxy_s_error_page_is_never_a_packet() {
    assert!(!refusals("<!DOCTYPE html>\n<html><body>504</body></html>").is_empty());
    assert!(!refusals("<html><body><p>504<br></body></html>").is_empty());
}

#[test]
fn markup_inside_a_body_is_refused() {
    let body = |inner: &str| D1.replace("@BODY@", inner);
    for inner in ["QUJD<b/>", "<b/>QUJD", "QUJD<!-- x -->REVG", "<![CDATA[QUJD]]>REVG", "QUJD<![CDATA[REVG]]>"] {
        let (code, vxp, line, column) = refusal(body(inner));
        assert_eq!((code.as_str(), vxp, line), ("LT-EDX-0023", 21, 104), "{inner}");
        assert!(column >= 85, "{inner} at {column}");
    }
}

#[test]
fn a_body_may_stand_in_cdata_or_between_comments() {
    for inner in ["<![CDATA[QUJD]]>", " <![CDATA[ QU\nJD ]]> ", "<!-- a -->QUJD", "QUJD<!-- a -->", "\n QUJD \n"] {
        let packet = D1.replace("@BODY@", inner);
        let split = split_bytes(&packet).unwrap();
        assert_eq!(split.bodies[0].decoded_len, 3, "{inner}");
        assert_eq!(split.bodies[0].digest, lienthong_contract::Digest::of(b"ABC"), "{inner}");
        assert_eq!(document(&packet).attachments[0].body, Some(0), "{inner}");
    }
    for inner in ["", " \n ", "<![CDATA[]]>", "<![CDATA[ ]]>", "<!-- a -->"] {
        let packet = D1.replace("@BODY@", inner);
        assert_eq!(split_bytes(&packet).unwrap().bodies, vec![], "{inner}");
        assert_eq!(document(&packet).attachments[0].body, None, "{inner}");
        assert_eq!(warning(&packet, "LT-EDX-0066").0, 99, "{inner}");
    }
}

#[test]
fn base64_is_read_strictly() {
    let body = |inner: &str| D1.replace("@BODY@", inner);
    // The column of the first character of the body.
    let start = place_of(D1, "@BODY@").1;
    for (inner, line, column) in [
        ("QUJ", 104, start + 3),        // no padding
        ("QUI=QUI=", 104, start + 4),   // goes on after its end
        ("QUI=REVG", 104, start + 4),   // the same
        ("Q===", 104, start + 1),       // padding too early
        ("QUI==", 104, start + 4),      // too much of it
        ("====", 104, start),           // nothing but padding
        ("QUJD\nQU-D", 105, 3),         // the other alphabet
        ("QUJD\nREVG\n  Z_Zh", 106, 4), // the same, further on
        ("QUJD&amp;", 104, start + 4),  // a reference that is no space
        ("QUJD&#65;", 104, start + 4),  // the same
        ("QR==", 104, start + 3),       // bits left over
        ("QUJD\u{a0}", 104, start + 4), // a space that XML does not know
        ("Q&#13", 104, start + 5),      // an unfinished reference
    ] {
        assert_eq!(refusal(body(inner)), ("LT-EDX-0020".into(), 21, line, column), "{inner:?}");
    }
    for inner in ["QUJD", "QU JD", "QU\r\nJD", "QUJD&#13;\n", "QUJD&#xD;&#xa;&#9;&#x20;", "Q\tU\nJ\n\n\nD", "QU&#13;JD"]
    {
        assert_eq!(split_bytes(body(inner)).unwrap().bodies[0].decoded_len, 3, "{inner:?}");
    }
}

#[test]
fn every_broken_body_is_told_of() {
    let one = r#"<Attachment><ContentTransferEncoded>$</ContentTransferEncoded></Attachment>"#;
    let packet = d1_but("<AttachmentEncoded>", &format!("<AttachmentEncoded>\n{one}\n{one}\n"));
    let places: Vec<_> = refusals(packet).iter().map(|finding| (finding.line, finding.column)).collect();
    assert_eq!(places, [(Some(99), Some(37)), (Some(100), Some(37))]);
}
