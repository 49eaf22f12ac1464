//! The tables: codes of findings, code lists, document types.

use lienthong_contract::Severity;
use unicode_normalization::is_nfc;

use crate::edxml::codes::{BusinessType, Change, StatusCode, Urgency};
use crate::edxml::document_types::{all, by_name, folded};
use crate::edxml::findings;

#[test]
fn every_kind_has_its_own_code_and_says_what_to_do_in_both_languages() {
    let mut codes: Vec<&str> = findings::ALL.iter().map(|kind| kind.code).collect();
    let count = codes.len();
    assert!(codes.is_sorted(), "the table is in the order of the codes");
    codes.dedup();
    assert_eq!(codes.len(), count);
    for kind in findings::ALL {
        assert!(kind.code.starts_with("LT-EDX-") && kind.code.len() == 11, "{}", kind.code);
        for text in [kind.title.vi, kind.title.en, kind.fix.vi, kind.fix.en] {
            assert!(text.len() > 10 && is_nfc(text), "{}: {text}", kind.code);
        }
        assert!(kind.fix.vi.ends_with('.') && kind.fix.en.ends_with('.'), "{}", kind.code);
        let answers = if kind.severity == Severity::Refuse { [10, 21, 22].contains(&kind.vxp) } else { kind.vxp == 0 };
        assert!(answers, "{} answers {}", kind.code, kind.vxp);
    }
}

#[test]
fn no_number_is_lost_in_a_code_list() {
    for code in -3..20 {
        assert_eq!(BusinessType::from_code(code).code(), code);
        assert_eq!(Urgency::from_code(code).code(), code);
        assert_eq!(Change::from_code(code).code(), code);
    }
    for code in ["01", "02", "03", "04", "05", "06", "07", "13", "14", "15", "16", "103", "0003"] {
        assert_eq!(StatusCode::from_code(code).code(), code);
    }
    assert_eq!(StatusCode::from_code("7").code(), "07");
    for code in StatusCode::LISTED {
        assert_eq!(StatusCode::from_code(code.code()), code);
        assert!(code.meaning().is_some_and(|text| is_nfc(text.vi)));
    }
    assert!(!Urgency::Normal.is_urgent() && Urgency::Urgent.is_urgent() && Urgency::TimedExpress.is_urgent());
}

#[test]
fn a_document_type_is_found_by_its_name() {
    assert_eq!(all().count(), 45);
    for (name, group, detail) in [
        ("Công văn", 2, 18),
        ("CÔNG VĂN ", 2, 18),
        ("Cong  van", 2, 18),
        ("Co\u{302}ng va\u{306}n", 2, 18),
        ("Quyết định", 2, 2),
        ("Nghị định", 1, 7),
        ("Đề án", 2, 12),
    ] {
        let found = by_name(name).unwrap();
        assert_eq!((found.group, found.detail), (group, detail), "{name}");
    }
    assert_eq!(by_name(""), None);
    assert_eq!(by_name("Công"), None);
    assert_eq!(folded("ĐỀ  Án"), "de an");
}
