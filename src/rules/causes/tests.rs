//! Which findings have one cause, and what is left of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lienthong_contract::Severity;

use super::*;

fn at(kind: &'static Kind, element: &str, line: u32, column: u32) -> Finding {
    Finding::of(kind).element(element).at(line, column)
}

fn left(findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = findings.into_iter().collect();
    one_for_each_cause(&mut findings);
    findings
}

fn warning(mut finding: Finding) -> Finding {
    finding.severity = Severity::Warning;
    finding
}

#[test]
fn a_missing_element_is_told_once_with_the_severest_word_and_the_number_of_the_field() {
    let mut of_schema = warning(at(&xsd::MISSING, "MessageHeader/Subject", 5, 3));
    of_schema.clause = Some("QCVN 102:2016/BTTTT, 1.6".to_owned());
    let left = left([at(&edx::MISSING, "MessageHeader/Subject", 5, 3), of_schema]);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((left[0].code.as_str(), left[0].severity), ("LT-EDX-0034", Severity::Refuse));
    assert_eq!(left[0].clause.as_deref(), Some("QCVN 102:2016/BTTTT, 1.6"));
    assert_eq!(left[0].title_vi, "Thiếu trường bắt buộc: trích yếu (Subject)");
}

#[test]
fn an_empty_element_is_the_missing_one_and_each_only_once() {
    let empty = |column| warning(at(&xsd::EMPTY, "MessageHeader/To/OrganId", 7, column)).found("");
    let missing = |column| at(&edx::MISSING, "MessageHeader/To/OrganId", 7, column);
    let left = left([missing(10), missing(50), empty(14), empty(54)]);
    let places: Vec<_> = left.iter().map(|finding| (finding.code.as_str(), finding.column)).collect();
    assert_eq!(places, [("LT-EDX-0034", Some(14)), ("LT-EDX-0034", Some(54))]);
}

#[test]
fn what_the_schema_says_more_exactly_takes_the_place_of_a_vague_remark() {
    let remark = at(&edx::RECOMMENDED, "MessageHeader/To/OrganName", 2, 1);
    let exact = |line| warning(at(&xsd::MISSING, "MessageHeader/To/OrganName", line, 3));
    let left = left([remark, exact(4), exact(9)]);
    let places: Vec<_> = left.iter().map(|finding| (finding.code.as_str(), finding.line)).collect();
    assert_eq!(places, [("LT-XSD-0002", Some(4)), ("LT-XSD-0002", Some(9))]);
}

#[test]
fn a_slip_in_a_name_is_the_missing_element() {
    let mut rename = warning(at(&xsd::UNEXPECTED, "MessageHeader/Subjct", 9, 3)).found("Subjct");
    rename.fix_vi = "Đổi tên phần tử".to_owned();
    let findings = [
        at(&edx::UNKNOWN_ELEMENT, "MessageHeader/Subjct", 9, 3).found("Subjct"),
        at(&edx::MISSING, "MessageHeader/Subject", 2, 1),
        rename,
    ];
    let left = left(findings);
    assert_eq!(left.len(), 1, "{left:?}");
    let one = &left[0];
    assert_eq!((one.code.as_str(), one.severity, one.line), ("LT-EDX-0034", Severity::Refuse, Some(9)));
    assert_eq!((one.found.as_deref(), one.fix_vi.as_str()), (Some("Subjct"), "Đổi tên phần tử"));
}

#[test]
fn different_faults_of_one_element_and_one_fault_of_different_elements_stay_apart() {
    let findings = [
        at(&xsd::TOO_LONG, "MessageHeader/Subject", 5, 3),
        at(&rule::SECRECY_MARK, "MessageHeader/Subject", 5, 3),
        at(&rule::FOREIGN_LETTER, "MessageHeader/Subject", 5, 3),
        at(&edx::BAD_DATE, "MessageHeader/DueDate", 8, 3),
        at(&xsd::BAD_DATE, "MessageHeader/DueDate", 9, 3),
        at(&edx::MISSING, "MessageHeader/From/OrganId", 3, 1),
        at(&xsd::MISSING, "MessageHeader/To/OrganId", 3, 1),
        Finding::of(&rule::SENDER_UNKNOWN),
    ];
    assert_eq!(left(findings).len(), 8);
}

#[test]
fn what_refuses_still_refuses_whichever_comes_first() {
    for (one, two) in [(&edx::UNLISTED_CODE, &xsd::OUT_OF_RANGE), (&edx::UNKNOWN_ELEMENT, &xsd::UNEXPECTED)] {
        let (one, two) = (at(one, "MessageHeader/X", 4, 4), at(two, "MessageHeader/X", 4, 4));
        assert!(!one.refuses() && two.refuses());
        for order in [[one.clone(), two.clone()], [two, one]] {
            let left = left(order);
            assert!(left.len() == 1 && left[0].refuses(), "{left:?}");
        }
    }
}
