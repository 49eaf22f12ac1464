//! The page is what a scraper can read, and the table of the docs is the page's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use unicode_normalization::is_nfc;

use super::*;

#[test]
fn the_documented_table_and_the_exposition_name_the_same_metrics() {
    let docs = include_str!("../../docs/metrics.md");
    assert!(docs.contains(&table()), "docs/metrics.md must hold this table:\n{}", table());
    let documented: BTreeSet<&str> =
        docs.lines().filter_map(|line| line.strip_prefix("| `lienthong_")?.split_once('`')).map(|row| row.0).collect();
    let text = Page::default().text();
    let exposed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE lienthong_")?.split_once(' '))
        .map(|found| found.0)
        .collect();
    assert_eq!(documented, exposed);
    assert_eq!(exposed.len(), ALL.len(), "each name is used once");
}

#[test]
fn names_follow_prometheus_conventions_and_meanings_stand_in_both_languages() {
    for family in ALL {
        let Family { name, kind, vi, en, labels } = family;
        let good = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(good(name) && name.starts_with("lienthong_"), "{name}");
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
        assert!(labels.iter().all(|label| good(label)), "{name}");
        assert!(is_nfc(vi) && !vi.is_empty() && !en.is_empty() && en.is_ascii(), "{name}");
    }
}

#[test]
fn a_histogram_counts_up_to_each_bound_and_ends_with_all() {
    let mut page = Page::default();
    page.histogram(&families::INTAKE_SECONDS, &["vxp"], &[0.005, 1.0], &[2, 0, 3], 40.5);
    let text = page.text();
    let expected = "# TYPE lienthong_intake_seconds histogram\n\
                    lienthong_intake_seconds_bucket{door=\"vxp\",le=\"0.005\"} 2\n\
                    lienthong_intake_seconds_bucket{door=\"vxp\",le=\"1\"} 2\n\
                    lienthong_intake_seconds_bucket{door=\"vxp\",le=\"+Inf\"} 5\n\
                    lienthong_intake_seconds_sum{door=\"vxp\"} 40.5\n\
                    lienthong_intake_seconds_count{door=\"vxp\"} 5\n#";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_page_is_lines_of_samples_under_their_help_and_type() {
    let mut page = Page::default();
    page.count(&families::ACCEPTED, &[], 3);
    page.put(&families::OLDEST, &["link", "na\"ti\\on\n"], 1.5);
    page.put(&families::OLDEST, &["mailbox", ""], 0.0);
    let text = page.text();
    let at = text.find("# TYPE lienthong_oldest_waiting_seconds gauge\n").unwrap();
    let expected = "# TYPE lienthong_oldest_waiting_seconds gauge\n\
                    lienthong_oldest_waiting_seconds{kind=\"link\",destination=\"na\\\"ti\\\\on\\n\"} 1.5\n\
                    lienthong_oldest_waiting_seconds{kind=\"mailbox\"} 0\n# HELP";
    assert!(text[at..].starts_with(expected), "{}", &text[at..]);
    assert!(text.contains("\nlienthong_books_accepted_total 3\n") && text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
    }
}
