//! Each limit is reached by a packet just within it and broken by one just beyond.

use super::fixtures::*;
use crate::edxml::Limits;

const ROOMY: Limits = Limits {
    max_total: 10_000,
    max_skeleton: 5_000,
    max_depth: 5,
    max_elements: 10,
    max_name: 8,
    max_attributes: 3,
    max_tag: 100,
    max_text: 200,
    max_bodies: 2,
};

/// The code of the refusal, with its place; empty when the packet passes.
fn verdict(packet: &str) -> (String, u32, u32) {
    match split_within(packet, &ROOMY) {
        Ok(_) => (String::new(), 0, 0),
        Err(findings) => {
            let [only] = findings.as_slice() else { panic!("{findings:#?}") };
            assert!([21, 22].contains(&only.vxp));
            (only.code.clone(), only.line.unwrap_or(0), only.column.unwrap_or(0))
        }
    }
}

fn passes(packet: &str) -> bool {
    verdict(packet).0.is_empty()
}

#[test]
fn depth() {
    assert!(passes("<a><a><a><a><a/></a></a></a></a>"));
    assert_eq!(verdict("<a><a><a><a>\n<a><a/></a></a></a></a></a>"), ("LT-EDX-0011".into(), 2, 4));
    assert_eq!(verdict("<a><a><a><a>\n<a> <a></a></a></a></a></a></a>"), ("LT-EDX-0011".into(), 2, 5));
}

#[test]
fn depth_of_a_hundred_thousand_is_refused_by_the_default_too() {
    let packet = "<a>".repeat(100_000);
    let findings = split_bytes(packet).unwrap_err();
    assert_eq!((findings[0].code.as_str(), findings[0].column), ("LT-EDX-0011", Some(256 * 3 + 1)));
}

#[test]
fn elements() {
    assert!(passes(&format!("<a>{}</a>", "<b/>".repeat(9))));
    assert_eq!(verdict(&format!("<a>{}\n<b/></a>", "<b/>".repeat(9))), ("LT-EDX-0012".into(), 2, 1));
}

#[test]
fn names() {
    assert!(passes("<abcdefgh ijklmnop='1'/>"));
    assert_eq!(verdict("<abcdefghi/>"), ("LT-EDX-0013".into(), 1, 2));
    assert_eq!(verdict("<a abcdefghi='1'/>"), ("LT-EDX-0013".into(), 1, 4));
}

#[test]
fn attributes() {
    assert!(passes("<a b='' c='' d=''/>"));
    assert_eq!(verdict("<a b='' c='' d=''\ne=''/>"), ("LT-EDX-0014".into(), 2, 1));
}

#[test]
fn tags_comments_and_instructions() {
    let long = |count: usize| "x".repeat(count);
    assert!(passes(&format!("<a b='{}'/>", long(91))));
    assert_eq!(verdict(&format!("<a b='{}'/>", long(92))), ("LT-EDX-0016".into(), 1, 1));
    assert_eq!(verdict(&format!("<a>\n<!--{}--></a>", long(100))), ("LT-EDX-0016".into(), 2, 1));
    assert_eq!(verdict(&format!("<a>\n<?p {}?></a>", long(100))), ("LT-EDX-0016".into(), 2, 1));
}

#[test]
fn text_outside_bodies() {
    assert!(passes(&format!("<a>{}</a>", "x".repeat(200))));
    assert_eq!(verdict(&format!("<a>{}</a>", "x".repeat(201))), ("LT-EDX-0015".into(), 1, 4));
    let cdata = format!("<a><![CDATA[{}]]></a>", "x".repeat(300));
    assert_eq!(verdict(&cdata), ("LT-EDX-0015".into(), 1, 4));
}

#[test]
fn skeleton() {
    let spaces = |lines: usize| format!("<a>{}</a>", format!("{}<!---->", " ".repeat(150)).repeat(lines));
    assert!(passes(&spaces(31)));
    assert_eq!(verdict(&spaces(32)).0, "LT-EDX-0009");
}

#[test]
fn a_header_of_four_megabytes_is_refused_by_the_default() {
    let place = "<edXML:Place>nơi nhận</edXML:Place>\n";
    let many = d1_but("<edXML:ToPlaces>", &format!("<edXML:ToPlaces>{}", place.repeat((4 << 20) / place.len())));
    let findings = split_bytes(many).unwrap_err();
    assert_eq!(findings[0].code, "LT-EDX-0012", "a limit says so at once");
    let wordy = d1_but("V/v kiểm tra", &"rất dài ".repeat(1 << 19));
    let findings = split_bytes(wordy).unwrap_err();
    assert_eq!((findings[0].code.as_str(), findings[0].line), ("LT-EDX-0015", Some(38)));
    let comment = format!("<!--{}-->", "x".repeat(10_000));
    let commented = d1_but("<edXML:ToPlaces>", &format!("{}<edXML:ToPlaces>", comment.repeat(400)));
    let findings = split_bytes(commented).unwrap_err();
    assert_eq!((findings[0].code.as_str(), findings[0].vxp), ("LT-EDX-0009", 22));
    assert_eq!(findings[0].expected.as_deref(), Some("≤ 1048576 bytes"));
}

#[test]
fn total_size() {
    let of = |count: usize| format!("<a><ContentTransferEncoded>{}</ContentTransferEncoded></a>", "QUJD".repeat(count));
    let roomy = Limits { max_name: 30, ..ROOMY };
    assert!(split_within(of(2_000), &roomy).is_ok());
    let findings = split_within(of(2_500), &roomy).unwrap_err();
    assert_eq!(findings[0].code, "LT-EDX-0010");
}

#[test]
fn bodies() {
    let of =
        |count: usize| format!("<a>{}</a>", "<ContentTransferEncoded>QUJD</ContentTransferEncoded>\n".repeat(count));
    let roomy = Limits { max_name: 30, ..ROOMY };
    assert_eq!(split_within(of(2), &roomy).unwrap().bodies.len(), 2);
    let findings = split_within(of(3), &roomy).unwrap_err();
    assert_eq!((findings[0].code.as_str(), findings[0].line), ("LT-EDX-0017", Some(3)));
}
