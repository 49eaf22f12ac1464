//! A report as CSV and as a spreadsheet.
//!
//! CSV begins with a byte order mark, so that Excel shows Vietnamese, and no cell can be taken for a formula. A spreadsheet holds texts as
//! texts and numbers as numbers.

use std::fmt::Write as _;

use bytes::Bytes;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::report::{Both, Report};
use crate::console::words::Lang;
use crate::store::statistics::Figures;

/// The columns of figures in both languages.
pub const COLUMNS: [(&str, &str); 15] = [
    ("Văn bản gửi", "Sent"),
    ("Lượt nơi nhận", "Recipients"),
    ("Gửi đúng hạn", "Sent on time"),
    ("Gửi trễ", "Sent late"),
    ("Không đo được", "Not measured"),
    ("Tỷ lệ gửi đúng hạn (%)", "Sent on time (%)"),
    ("Không đến được", "Not delivered"),
    ("Bị trả lại", "Given back to it"),
    ("Văn bản nhận", "Received"),
    ("Xác nhận đúng hạn", "Acknowledged on time"),
    ("Xác nhận trễ", "Acknowledged late"),
    ("Chưa xác nhận", "Not acknowledged yet"),
    ("Tỷ lệ xác nhận đúng hạn (%)", "Acknowledged on time (%)"),
    ("Không lấy", "Never collected"),
    ("Đã trả lại", "Gave back"),
];

/// A figure: a number, or a share in tenths of a percent, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Count(u64),
    PerMille(Option<u64>),
}

/// The figures in the order of [`COLUMNS`].
#[must_use]
pub fn cells(both: &Both) -> [Cell; 15] {
    let Both { sent, received } = both;
    let share = |figures: &Figures| Cell::PerMille(figures.per_mille_on_time());
    [
        Cell::Count(sent.documents),
        Cell::Count(sent.recipients),
        Cell::Count(sent.on_time),
        Cell::Count(sent.late),
        Cell::Count(sent.not_measured),
        share(sent),
        Cell::Count(sent.failed),
        Cell::Count(sent.given_back),
        Cell::Count(received.documents),
        Cell::Count(received.on_time),
        Cell::Count(received.late),
        Cell::Count(received.waiting()),
        share(received),
        Cell::Count(received.failed),
        Cell::Count(received.given_back),
    ]
}

/// `99.5`, as a decimal number of percent.
#[must_use]
pub fn percent(per_mille: u64) -> String {
    format!("{}.{}", per_mille / 10, per_mille % 10)
}

fn level_name(lang: Lang, level: Option<u8>) -> String {
    match level {
        Some(level) => format!("{} {level}", lang.of_two("Cấp", "Level")),
        None => lang.of_two("Khác", "Other").to_owned(),
    }
}

/// The agencies of a report, one a line, and their total.
#[must_use]
pub fn csv(report: &Report, lang: Lang) -> String {
    let mut text = String::from("\u{feff}");
    let heads = [lang.of_two("Mã", "Code"), lang.of_two("Cơ quan", "Agency"), lang.of_two("Cấp", "Level")];
    let heads = heads.into_iter().chain(COLUMNS.iter().map(|(vi, en)| lang.of_two(vi, en)));
    line(&mut text, heads.map(str::to_owned));
    for row in &report.agencies {
        let head = [row.agency.to_string(), row.name.clone(), row.level.map(|at| at.to_string()).unwrap_or_default()];
        line(&mut text, head.into_iter().chain(cells(&row.both).map(written)));
    }
    let head = [lang.of_two("Tổng", "Total").to_owned(), String::new(), String::new()];
    line(&mut text, head.into_iter().chain(cells(&report.total).map(written)));
    text
}

fn written(cell: Cell) -> String {
    match cell {
        Cell::Count(count) => count.to_string(),
        Cell::PerMille(share) => share.map(percent).unwrap_or_default(),
    }
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        let before = if at > 0 { "," } else { "" };
        // A spreadsheet takes what begins so for a formula.
        let quote = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        let _ = write!(text, "{before}\"{quote}{}\"", cell.replace('"', "\"\""));
    }
    text.push_str("\r\n");
}

/// The same as a spreadsheet with three pages: agencies, levels, and the course of time.
///
/// # Errors
/// It has more rows than a spreadsheet takes.
pub fn xlsx(report: &Report, lang: Lang) -> Result<Bytes, XlsxError> {
    let mut book = Workbook::new();
    let agencies = report.agencies.iter().map(|row| {
        let level = row.level.map(|at| at.to_string()).unwrap_or_default();
        (vec![row.agency.to_string(), row.name.clone(), level], row.both)
    });
    let total = (vec![lang.of_two("Tổng", "Total").to_owned(), String::new(), String::new()], report.total);
    let heads = [lang.of_two("Mã", "Code"), lang.of_two("Cơ quan", "Agency"), lang.of_two("Cấp", "Level")];
    let page = book.add_worksheet().set_name(lang.of_two("Cơ quan", "Agencies"))?;
    table(page, lang, &heads, agencies.chain([total]))?;
    let levels = report.levels.iter().map(|(level, both)| (vec![level_name(lang, *level)], *both));
    let page = book.add_worksheet().set_name(lang.of_two("Cấp", "Levels"))?;
    table(page, lang, &[lang.of_two("Cấp", "Level")], levels)?;
    let times = report.times.iter().map(|(day, both)| (vec![day.to_string()], *both));
    let page = book.add_worksheet().set_name(lang.of_two("Thời gian", "Time"))?;
    table(page, lang, &[lang.of_two("Từ ngày", "From")], times)?;
    book.save_to_buffer().map(Bytes::from)
}

fn table(
    page: &mut Worksheet,
    lang: Lang,
    heads: &[&str],
    rows: impl Iterator<Item = (Vec<String>, Both)>,
) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let names = heads.iter().copied().chain(COLUMNS.iter().map(|(vi, en)| lang.of_two(vi, en)));
    for (column, name) in (0_u16..).zip(names) {
        page.write_string_with_format(0, column, name, &bold)?;
    }
    for (at, (texts, both)) in (1_u32..).zip(rows) {
        for (column, text) in (0_u16..).zip(&texts) {
            page.write_string(at, column, text)?;
        }
        let after = u16::try_from(texts.len()).unwrap_or_default();
        for (column, cell) in (after..).zip(cells(&both)) {
            match cell {
                // Exact up to 2^53.
                Cell::Count(count) => page.write_number(at, column, count as f64)?,
                Cell::PerMille(Some(share)) => page.write_number(at, column, share as f64 / 10.0)?,
                Cell::PerMille(None) => page.write_string(at, column, "")?,
            };
        }
    }
    page.set_freeze_panes(1, u16::try_from(heads.len()).unwrap_or_default())?;
    Ok(())
}
