//! The table of findings keeps its promises.

use std::collections::BTreeSet;

use crate::trust::findings::ALL;

#[test]
fn codes_are_unique_ordered_and_every_text_is_there_in_both_languages() {
    let codes: Vec<&str> = ALL.iter().map(|kind| kind.code).collect();
    let ordered: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(codes, ordered.into_iter().collect::<Vec<_>>());
    for kind in ALL {
        assert!(kind.code.starts_with("LT-TRU-00") && kind.code.len() == 11, "{}", kind.code);
        for text in [kind.title, kind.fix] {
            assert!(text.vi.ends_with('.') && text.en.ends_with('.') && text.vi != text.en, "{}", kind.code);
            assert!(!text.vi.contains("  ") && !text.en.contains("  "), "{}", kind.code);
            assert!(!text.vi.chars().any(|c| ('\u{300}'..='\u{36f}').contains(&c)), "{} is not NFC", kind.code);
        }
    }
}
