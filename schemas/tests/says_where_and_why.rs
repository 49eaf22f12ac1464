//! A violation names the place, the element, what stood there and what should.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::*;
use lienthong_contract::finding::Finding;
use lienthong_schemas::{Violation, ViolationKind, to_finding};

/// The only violation, with the place of `needle` in the packet.
fn only(schema: &str, packet: &str, needle: &str) -> Violation {
    let mut violations = validate(schema, packet);
    assert_eq!(violations.len(), 1, "{violations:#?}");
    let violation = violations.remove(0);
    assert_eq!((violation.line, violation.column), place(packet, needle), "{violation:#?}");
    assert_eq!(violation.offset, packet.find(needle).unwrap(), "{violation:#?}");
    violation
}

const HEADER: &str = "edXML/edXMLEnvelope/edXMLHeader/MessageHeader";

#[test]
fn a_wrong_date() {
    let packet = change(DOCUMENT, &[("<edXML:PromulgationDate>2026/03/02", "<edXML:PromulgationDate>30/10/2020")]);
    for schema in [TOLERANT, STRICT] {
        let violation = only(schema, &packet, "<edXML:PromulgationDate>");
        assert_eq!((violation.line, violation.column), (32, 11));
        assert_eq!(violation.element_path, format!("{HEADER}/PromulgationInfo/PromulgationDate"));
        assert_eq!(violation.rule, ViolationKind::Pattern);
        assert_eq!(violation.found.as_deref(), Some("30/10/2020"));
        assert_eq!(violation.expected.as_deref(), Some("yyyy/MM/dd"));
    }
}

#[test]
fn columns_count_characters_after_vietnamese_text() {
    let packet = change(
        DOCUMENT,
        &[
            ("<edXML:Place>Tỉnh Mẫu</edXML:Place>\n          ", "<edXML:Place>Tỉnh Mẫu</edXML:Place>"),
            ("<edXML:PromulgationDate>2026/03/02", "<edXML:PromulgationDate>mai"),
        ],
    );
    let violation = only(TOLERANT, &packet, "<edXML:PromulgationDate>");
    assert_eq!((violation.line, violation.column), (31, 46));
}

#[test]
fn a_missing_element_is_named_and_not_the_one_after_it() {
    let packet =
        change(DOCUMENT, &[("<edXML:Subject>Về việc thử nghiệm liên thông văn bản điện tử</edXML:Subject>", "")]);
    let violation = only(STRICT, &packet, "<edXML:MessageHeader>");
    assert_eq!(violation.rule, ViolationKind::MissingElement);
    assert_eq!(violation.element_path, HEADER);
    assert_eq!(violation.expected.as_deref(), Some("Subject"));
    assert_eq!(validate(TOLERANT, &packet), []);
}

#[test]
fn everything_missing_is_told_at_once() {
    let packet = change(
        DOCUMENT,
        &[
            ("<edXML:CodeNumber>55</edXML:CodeNumber>", ""),
            ("<edXML:CodeNotation>STN-VP</edXML:CodeNotation>", ""),
            ("<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>", ""),
        ],
    );
    let told: Vec<_> =
        validate(STRICT, &packet).into_iter().map(|v| (v.rule, v.element().to_owned(), v.expected.unwrap())).collect();
    assert_eq!(
        told,
        [
            (ViolationKind::MissingElement, "Code".to_owned(), "CodeNumber".to_owned()),
            (ViolationKind::MissingElement, "Code".to_owned(), "CodeNotation".to_owned()),
            (ViolationKind::MissingElement, "PromulgationInfo".to_owned(), "PromulgationDate".to_owned()),
        ]
    );
}

#[test]
fn a_wrong_order_names_the_late_element_and_the_official_order() {
    let packet = change(
        DOCUMENT,
        &[(
            "<edXML:Type>2</edXML:Type>\n          <edXML:TypeDetail>18</edXML:TypeDetail>\n          <edXML:TypeName>Công văn</edXML:TypeName>",
            "<edXML:Type>2</edXML:Type>\n          <edXML:TypeName>Công văn</edXML:TypeName>\n          <edXML:TypeDetail>18</edXML:TypeDetail>",
        )],
    );
    let violation = only(STRICT, &packet, "<edXML:TypeDetail>");
    assert_eq!((violation.line, violation.column), (37, 11));
    assert_eq!(violation.rule, ViolationKind::WrongOrder);
    assert_eq!(violation.found.as_deref(), Some("TypeDetail"));
    assert_eq!(violation.expected.as_deref(), Some("Type, TypeDetail, TypeName"));
    assert_eq!(validate(TOLERANT, &packet), []);
}

#[test]
fn an_unknown_element_and_nothing_about_what_stands_in_it() {
    let packet = change(
        DOCUMENT,
        &[(
            "<edXML:DueDate>2026/03/20</edXML:DueDate>",
            "<edXML:Secrecy><edXML:DueDate>x</edXML:DueDate>rác</edXML:Secrecy>",
        )],
    );
    let violation = only(STRICT, &packet, "<edXML:Secrecy>");
    assert_eq!(violation.rule, ViolationKind::UnexpectedElement);
    assert_eq!(violation.element_path, format!("{HEADER}/Secrecy"));
    assert_eq!(violation.found.as_deref(), Some("Secrecy"));
    assert!(violation.expected.unwrap().starts_with("From, To, DocumentId, Code, "));
}

#[test]
fn one_too_many() {
    let packet = change(
        DOCUMENT,
        &[(
            "<edXML:Type>2</edXML:Type>",
            "<edXML:Type>2</edXML:Type><edXML:Type>3</edXML:Type><edXML:Type>4</edXML:Type>",
        )],
    );
    let violation = only(STRICT, &packet, "<edXML:Type>3");
    assert_eq!((violation.rule, violation.expected.as_deref()), (ViolationKind::TooMany, Some("≤ 1")));
}

#[test]
fn values_say_what_was_wanted() {
    for (from, to, rule, found, expected) in [
        ("<edXML:Type>2", "<edXML:Type>hai", ViolationKind::BadValue, "hai", "xs:int"),
        ("<edXML:PageAmount>2", "<edXML:PageAmount>-1", ViolationKind::BadValue, "-1", "xs:unsignedShort"),
        ("<edXML:Priority>1", "<edXML:Priority>9", ViolationKind::OutOfRange, "9", "0..4"),
        ("<edXML:CodeNumber>55", "<edXML:CodeNumber>123456789012", ViolationKind::TooLong, "123456789012", "≤ 11"),
        ("<edXML:CodeNumber>55", "<edXML:CodeNumber>", ViolationKind::TooShort, "", "≥ 1"),
        (
            "<edXML:Timestamp>2026/03/02 08:30:00",
            "<edXML:Timestamp>sáng nay",
            ViolationKind::Pattern,
            "sáng nay",
            "yyyy/MM/dd HH:mm:ss",
        ),
        (
            "<edXML:Mobile>0900 000 000",
            "<edXML:Mobile>0900 000 000 hoặc 0900 000 001 &amp; khác",
            ViolationKind::TooLong,
            "0900 000 000 hoặc 0900 000 001 & khác",
            "≤ 30",
        ),
    ] {
        let packet = change(DOCUMENT, &[(from, to)]);
        let violation = only(STRICT, &packet, to);
        assert_eq!(violation.rule, rule, "{to}");
        assert_eq!(violation.found.as_deref(), Some(found), "{to}");
        assert_eq!(violation.expected.as_deref(), Some(expected), "{to}");
    }
    let packet = change(STATUS, &[("<edXML:StatusCode>03", "<edXML:StatusCode>07")]);
    let violation = only(STATUS_STRICT, &packet, "<edXML:StatusCode>");
    assert_eq!(violation.rule, ViolationKind::NotListed);
    assert_eq!(violation.expected.as_deref(), Some("01, 02, 03, 04, 05, 06, 13, 15, 16"));
}

#[test]
fn stray_text_is_blamed_on_itself() {
    let packet = change(DOCUMENT, &[("<edXML:Code>", "\n  rác &lt; <edXML:Code>")]);
    let violation = only(STRICT, &packet, "rác");
    assert_eq!(violation.rule, ViolationKind::UnexpectedText);
    assert_eq!(violation.found.as_deref(), Some("rác <"));
    assert_eq!(violation.element_path, HEADER);
}

#[test]
fn attributes() {
    let packet = change(DOCUMENT, &[(" version=\"1.0\">", ">")]);
    let violation = only(STRICT, &packet, "<edXML:edXMLManifest");
    assert_eq!((violation.rule, violation.expected.as_deref()), (ViolationKind::BadAttribute, Some("version")));
    let packet = change(DOCUMENT, &[("<edXML:TraceHeaderList>", "<edXML:TraceHeaderList mustUnderstand=\"1\">")]);
    let violation = only(STRICT, &packet, "<edXML:TraceHeaderList");
    assert_eq!(
        (violation.rule, violation.found.as_deref()),
        (ViolationKind::BadAttribute, Some("mustUnderstand=\"1\""))
    );
    assert_eq!(validate(TOLERANT, &packet), []);
}

#[test]
fn undeclared_prefixes_pass_where_receivers_are_lenient_and_move_nothing() {
    let packet = change(
        DOCUMENT,
        &[
            (" xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"", ""),
            ("<edXML:Reference>", "<edXML:Reference xlink:href=\"cid:1\">"),
        ],
    );
    assert_eq!(validate(TOLERANT, &packet), []);
    let told = validate(STRICT, &packet);
    let rules: Vec<_> = told.iter().map(|v| (v.rule, v.found.as_deref().unwrap(), v.line)).collect();
    assert_eq!(
        rules,
        [
            (ViolationKind::UndeclaredPrefix, "edXML", 3),
            (ViolationKind::UndeclaredPrefix, "xlink", place(&packet, "<edXML:Reference xlink").0),
            (ViolationKind::BadAttribute, "xlink:href=\"cid:1\"", place(&packet, "<edXML:Reference xlink").0),
        ]
    );
    let packet = change(&packet, &[("<edXML:PageAmount>2", "<edXML:PageAmount>hai")]);
    let violation = only(TOLERANT, &packet, "<edXML:PageAmount>");
    assert_eq!(violation.rule, ViolationKind::Pattern);
}

#[test]
fn a_prefix_bound_to_nothing_is_refused_by_both() {
    let packet = change(DOCUMENT, &[("<edXML:Code>", "<la:Code>"), ("</edXML:Code>", "</la:Code>")]);
    let violation = only(TOLERANT, &packet, "<la:Code>");
    assert_eq!((violation.rule, violation.found.as_deref()), (ViolationKind::UndeclaredPrefix, Some("la")));
    assert!(validate(STRICT, &packet).iter().any(|v| v.rule == ViolationKind::UndeclaredPrefix));
}

#[test]
fn a_prefix_rebound_to_something_else_is_what_the_packet_says() {
    let packet = change(
        DOCUMENT,
        &[(
            "xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"",
            "xmlns:edXML=\"http://schemas.xmlsoap.org/soap/envelope/\"",
        )],
    );
    assert!(!validate(STRICT, &packet).is_empty());
}

#[test]
fn another_root_is_refused_and_nothing_else_said() {
    for (packet, found) in [
        (
            "<Subject xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">x</Subject>",
            "Subject (http://www.mic.gov.vn/TBT/QCVN_102_2016)",
        ),
        ("<edXML xmlns=\"http://www.go.vn/eDoc\"><a/></edXML>", "edXML (http://www.go.vn/eDoc)"),
        ("<edXML/>", "edXML ()"),
    ] {
        for schema in [TOLERANT, STRICT, STATUS_TOLERANT] {
            let violation = only(schema, packet, "<");
            assert_eq!((violation.rule, violation.found.as_deref()), (ViolationKind::WrongRoot, Some(found)));
        }
    }
}

#[test]
fn a_byte_order_mark_takes_bytes_and_no_column() {
    let packet = "\u{FEFF}<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"><DueDate>mai</DueDate></edXML>";
    let violation = validate(TOLERANT, packet).remove(0);
    assert_eq!(violation.offset, packet.find("<DueDate>").unwrap());
    assert_eq!((violation.line, violation.column), (1, 56));
}

#[test]
fn a_finding_speaks_to_the_clerk() {
    let entry = pool().catalogue().entry(STRICT).unwrap();
    let packet = change(DOCUMENT, &[("<edXML:PageAmount>2", "<edXML:PageAmount>hai trang")]);
    let finding = to_finding(&validate(STRICT, &packet)[0], entry);
    assert_eq!(finding.code, "LT-XSD-0011");
    assert_eq!(finding.element.as_deref(), Some("MessageHeader/OtherInfo/PageAmount"));
    assert_eq!(finding.clause.as_deref(), Some("QCVN 102:2016/BTTTT, 1.11.5"));
    assert_eq!(finding.found.as_deref(), Some("hai trang"));
    assert_eq!(finding.vxp, 22);
    assert_eq!((finding.line, finding.column), (Some(place(&packet, "<edXML:PageAmount>").0), Some(11)));

    let packet =
        change(DOCUMENT, &[("<edXML:Subject>Về việc thử nghiệm liên thông văn bản điện tử</edXML:Subject>", "")]);
    let finding = to_finding(&validate(STRICT, &packet)[0], entry);
    assert_eq!(finding.code, "LT-XSD-0002");
    assert_eq!(finding.element.as_deref(), Some("MessageHeader/Subject"));
    assert_eq!(finding.clause.as_deref(), Some("QCVN 102:2016/BTTTT, 1.6"));

    let packet = change(DOCUMENT, &[("<edXML:OrganId>H37.90", "<edXML:OrganId>H37.901234567890123456789012345678901")]);
    let finding = to_finding(&validate(STRICT, &packet)[0], entry);
    assert_eq!(finding.code, "LT-XSD-0007");
    assert_eq!(finding.expected.as_deref(), Some("tối đa 35 ký tự — at most 35 characters"));
    assert_eq!(finding.clause.as_deref(), Some("QCVN 102:2016/BTTTT, 1.2; Sửa đổi 1:2022 QCVN 102:2016/BTTTT"));
}

/// The finding for the only violation of a changed document.
fn told(schema: &str, packet: &str, changes: &[(&str, &str)]) -> Finding {
    let entry = pool().catalogue().entry(schema).unwrap();
    let violations = validate(schema, &change(packet, changes));
    assert_eq!(violations.len(), 1, "{violations:#?}");
    to_finding(&violations[0], entry)
}

#[test]
fn a_finding_names_the_field_in_vietnamese_and_says_what_to_change() {
    let late = told(
        STRICT,
        DOCUMENT,
        &[(
            "<edXML:Type>2</edXML:Type>\n          <edXML:TypeDetail>18</edXML:TypeDetail>",
            "<edXML:TypeDetail>18</edXML:TypeDetail><edXML:Type>2</edXML:Type>",
        )],
    );
    assert_eq!(
        late.title_vi,
        "Phần tử đứng sai thứ tự: nhóm loại văn bản (Type) phải đứng trước số thứ tự loại văn bản trong nhóm (TypeDetail)"
    );
    assert_eq!(late.title_en, "An element stands in the wrong order: Type must stand before TypeDetail");
    assert!(late.fix_vi.starts_with("Chuyển <Type> lên trước <TypeDetail>"), "{}", late.fix_vi);
    assert_eq!(late.expected.as_deref(), Some("Type, TypeDetail, TypeName"));

    let long = told(STRICT, DOCUMENT, &[("Tỉnh Mẫu</edXML:Place>", &format!("{}</edXML:Place>", "ă".repeat(130)))]);
    assert_eq!(long.title_vi, "Nội dung dài hơn mức cho phép: nơi ban hành (Place)");
    assert_eq!(long.fix_vi, "Rút gọn nơi ban hành (Place) còn tối đa 50 ký tự (hiện có 130).");

    let range = told(STRICT, DOCUMENT, &[("<edXML:Priority>1", "<edXML:Priority>9")]);
    assert_eq!(range.title_vi, "Giá trị số nằm ngoài khoảng cho phép: mức độ khẩn (Priority)");
    assert_eq!(range.expected.as_deref(), Some("0 thường, 1 khẩn, 2 thượng khẩn, 3 hoả tốc, 4 hoả tốc hẹn giờ"));

    let attribute = told(STRICT, DOCUMENT, &[(" version=\"1.0\">", ">")]);
    assert_eq!(attribute.fix_vi, "Bổ sung thuộc tính version cho <edXMLManifest>.");
    let status = told(STATUS_STRICT, STATUS, &[("<edXML:StatusCode>03", "<edXML:StatusCode>07")]);
    assert!(status.expected.as_deref().unwrap().starts_with("01 đã đến, 02 từ chối"), "{status:?}");
}

#[test]
fn nobody_is_told_to_remove_a_signature() {
    let signature = "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/></edXML:edXMLHeader>";
    let finding = told(STATUS_STRICT, STATUS, &[("</edXML:edXMLHeader>", signature)]);
    assert_eq!(finding.code, "LT-XSD-0003");
    assert!(finding.fix_vi.starts_with("Giữ nguyên chữ ký số."), "{}", finding.fix_vi);
    assert!(finding.fix_en.starts_with("Keep the signature."), "{}", finding.fix_en);
}

#[test]
fn a_misspelt_element_is_one_fault_and_told_its_right_name() {
    let finding =
        told(STRICT, DOCUMENT, &[("<edXML:Subject>", "<edXML:Subjct>"), ("</edXML:Subject>", "</edXML:Subjct>")]);
    assert_eq!(finding.code, "LT-XSD-0003");
    assert_eq!(finding.expected.as_deref(), Some("<Subject>"));
    assert_eq!(finding.fix_vi, "Đổi tên phần tử <Subjct> thành <Subject> (trích yếu); phân biệt chữ hoa, chữ thường.");
}

#[test]
fn what_the_sender_wrote_stands_in_no_title_nor_advice() {
    // A packet that bears a secrecy mark is not quoted: only `found` is blanked for it.
    let secret = "0123456789-bí-mật";
    for element in ["CodeNumber", "Priority", "PromulgationDate", "PageAmount", "Type"] {
        let from = DOCUMENT.find(&format!("<edXML:{element}>")).unwrap() + element.len() + 8;
        let to = from + DOCUMENT[from..].find('<').unwrap();
        let packet = format!("{}{secret}{}", &DOCUMENT[..from], &DOCUMENT[to..]);
        for violation in validate(STRICT, &packet) {
            let finding = to_finding(&violation, pool().catalogue().entry(STRICT).unwrap());
            assert_eq!(finding.found.as_deref(), Some(secret));
            let told = [finding.title_vi, finding.title_en, finding.fix_vi, finding.fix_en, finding.expected.unwrap()];
            assert!(told.iter().all(|text| !text.contains(secret)), "{told:?}");
        }
    }
}
