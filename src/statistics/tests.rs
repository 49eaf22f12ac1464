//! Periods, what the public is shown, and what goes into files.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use jiff::civil::date;

use super::chart::Chart;
use super::feed::for_public;
use super::period::Period;
use super::report::{Both, Report, Row, Urgencies};
use super::{export, level};
use crate::console::words::Lang;
use crate::store::statistics::Figures;

fn row(code: &str, name: &str, sent: u64, received: u64) -> Row {
    let agency = code.parse().unwrap();
    let figures = |documents| Figures { documents, on_time: documents / 2, late: documents / 4, ..Figures::default() };
    let both = Both { sent: figures(sent), received: figures(received) };
    Row { level: level(&agency), agency, name: name.to_owned(), both }
}

fn report(agencies: Vec<Row>) -> Report {
    let total = agencies.iter().fold(Both::default(), |sum, row| sum.plus(&row.both));
    Report {
        period: Period::Quarter(2026, 1),
        urgencies: Urgencies::All,
        scope: None,
        total,
        levels: vec![(Some(1), total), (None, Both::default())],
        times: vec![(date(2026, 1, 1), total)],
        agencies,
        known: true,
    }
}

#[test]
fn a_period_is_read_and_has_its_days() {
    for (text, from, to) in [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
    ] {
        let period: Period = text.parse().unwrap();
        assert_eq!((period.to_string().as_str(), period.days()), (text, (from, to)));
    }
    for text in ["", "26", "2026-13", "2026-0", "2026-Q5", "2026-", "9999", "+026", "2026-Q-1"] {
        assert!(text.parse::<Period>().is_err(), "{text:?}");
    }
}

#[test]
fn the_level_is_read_from_the_code() {
    for (code, expected) in [
        ("H37", Some(1)),
        ("H37.02", Some(2)),
        ("H37.02.02", Some(3)),
        ("H53.12.05.001", Some(4)),
        ("000.00.01.H27", Some(2)),
        ("000.00.00.G22", Some(1)),
        ("020100000000", None),
        ("VXP.TEST", None),
    ] {
        assert_eq!(level(&code.parse().unwrap()), expected, "{code}");
    }
}

#[test]
fn a_small_agency_cannot_be_found_by_subtraction() {
    let codes = |rows: Vec<&Row>| rows.into_iter().map(|row| row.agency.to_string()).collect::<Vec<_>>();
    let shown = |rows: &[Row]| {
        let (shown, rest) = for_public(rows, 10);
        (codes(shown), codes(rest))
    };
    let large = [row("H37.01", "a", 50, 0), row("H37.02", "b", 0, 30)];
    assert_eq!(shown(&large), (vec!["H37.01".to_owned(), "H37.02".to_owned()], vec![]));
    let one_small = [row("H37.01", "a", 50, 0), row("H37.02", "b", 0, 30), row("H37.03", "c", 3, 1)];
    assert_eq!(shown(&one_small), (vec!["H37.01".to_owned()], vec!["H37.03".to_owned(), "H37.02".to_owned()]));
    let two_small =
        [row("H37.01", "a", 50, 0), row("H37.02", "b", 0, 30), row("H37.03", "c", 3, 4), row("H37.04", "d", 5, 0)];
    assert_eq!(shown(&two_small).1.len(), 2, "together they have enough");
    assert_eq!(shown(&[row("H37.03", "c", 3, 1)]), (vec![], vec!["H37.03".to_owned()]));
}

#[test]
fn a_table_is_shown_as_it_is_and_computes_nothing() {
    let report = report(vec![row("H37.01", "=HYPERLINK(\"x\")", 8, 4), row("H37.02", "Sở Nội vụ, \"cũ\"", 2, 0)]);
    let csv = export::csv(&report, Lang::Vi);
    assert!(csv.starts_with("\u{feff}\"Mã\",\"Cơ quan\",\"Cấp\",\"Văn bản gửi\""), "{csv}");
    assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\")\",\"2\",\"8\",\"0\",\"4\",\"2\",\"0\",\"66.6\""), "{csv}");
    assert!(csv.contains("\"Sở Nội vụ, \"\"cũ\"\"\""), "{csv}");
    assert!(csv.lines().last().unwrap().starts_with("\"Tổng\",\"\",\"\",\"10\""), "{csv}");

    let bytes = export::xlsx(&report, Lang::En).unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.as_ref())).unwrap();
    assert_eq!(book.sheet_names(), ["Agencies", "Levels", "Time"]);
    let range = book.worksheet_range("Agencies").unwrap();
    assert_eq!(range.get((1, 1)), Some(&Data::String("=HYPERLINK(\"x\")".to_owned())));
    assert_eq!((range.get((1, 3)), range.get((1, 8))), (Some(&Data::Float(8.0)), Some(&Data::Float(66.6))));
    assert_eq!(range.get((3, 3)), Some(&Data::Float(10.0)));
    assert_eq!(book.worksheet_formula("Agencies").unwrap().used_cells().count(), 0);
    let range = book.worksheet_range("Time").unwrap();
    assert_eq!(range.get((1, 0)), Some(&Data::String("2026-01-01".to_owned())));
}

#[test]
fn a_chart_has_a_title_a_description_and_bars_of_the_right_height() {
    let groups = [("<1>".to_owned(), vec![Some(40), Some(20)]), ("2".to_owned(), vec![Some(0), None])];
    let chart = Chart {
        id: "c",
        title: "Gửi & nhận",
        description: "mô tả",
        series: &["gửi", "nhận"],
        groups: &groups,
        most: None,
    };
    let drawn = chart.draw().into_string();
    for part in [
        "<title id=\"c-title\">Gửi &amp; nhận</title>",
        "aria-labelledby=\"c-title c-desc\"",
        "&lt;1&gt;",
        "height=\"220\"",
        "height=\"110\"",
        "url(#c-hatch)",
    ] {
        assert!(drawn.contains(part), "{part} in {drawn}");
    }
    let shares = Chart { most: Some(100), ..chart }.draw().into_string();
    assert!(shares.contains(">100</text>") && shares.contains("height=\"88\""), "40 of 100: {shares}");
    assert!(!drawn.contains("style="), "the page allows no styles of its own");
}
