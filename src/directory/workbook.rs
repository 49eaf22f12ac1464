//! The directory's table as a workbook of a spreadsheet program (Office Open XML, `.xlsx`).
//!
//! A workbook from outside is an archive, and a small archive may hold much: how much is measured before anything is
//! read, and the table is read cell by cell, so that one cell at the far end of a sheet asks for no memory up to there.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, sink};

use bytes::Bytes;
use calamine::{Data, ExcelDateTime, Reader, Xlsx};
use rust_xlsxwriter::{Format, Workbook};
use zip::ZipArchive;

use super::sheet::{MAX_ROWS, Sheet};

/// The most that a workbook may hold when it is unpacked, in bytes, and of how many parts.
const MAX_UNPACKED: u64 = 64 << 20;
const MAX_PARTS: usize = 1000;
/// Columns that are looked at, from the first that holds something.
const MAX_COLUMNS: u32 = 64;

/// What a workbook begins with, as every archive of its kind.
#[must_use]
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
}

/// The table on the first sheet; nothing when it is no workbook, or one that holds too much.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Sheet> {
    if !is_bounded(bytes) {
        return None;
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).ok()?;
    let first = book.sheet_names().first()?.clone();
    let mut cells = book.worksheet_cells_reader(&first).ok()?;
    let mut rows: BTreeMap<u32, BTreeMap<u32, String>> = BTreeMap::new();
    while let Some(cell) = cells.next_cell().ok()? {
        let ((row, column), text) = (cell.get_position(), text(&Data::from(cell.get_value().clone())));
        if text.trim().is_empty() {
            continue;
        }
        let above = rows.keys().next().copied().unwrap_or(row);
        rows.entry(row).or_default().insert(column, text);
        // One row more than may be, so that somebody is told that there are too many.
        if row.saturating_sub(above) as usize > MAX_ROWS {
            break;
        }
    }
    let left = rows.values().filter_map(|cells| cells.keys().next()).min().copied().unwrap_or(0);
    let (above, last) = (*rows.keys().next()?, *rows.keys().next_back()?);
    let cells_of = |row: u32| {
        let cells = rows.get(&row)?;
        let wide = cells.keys().next_back()?.saturating_sub(left).min(MAX_COLUMNS - 1);
        Some((left..=left + wide).map(|column| cells.get(&column).cloned().unwrap_or_default()).collect())
    };
    // What stands further from the first row than may be is told of, whatever is between.
    let end = above.saturating_add(u32::try_from(MAX_ROWS).unwrap_or(u32::MAX)).saturating_add(1);
    let near = (above..=last.min(end)).chain((last > end).then_some(last));
    let rows = near.map(|row| cells_of(row).unwrap_or_default()).collect();
    Some(Sheet::from_rows(above as usize, rows))
}

/// As a workbook with one sheet; nothing when the library cannot write it.
#[must_use]
pub fn write(sheet: &Sheet) -> Option<Bytes> {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    let bold = Format::new().set_bold();
    for (column, name) in (0_u16..).zip(&sheet.header) {
        page.write_string_with_format(0, column, name, &bold).ok()?;
    }
    for (row, cells) in (1_u32..).zip(&sheet.rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            page.write_string(row, column, cell).ok()?;
        }
    }
    page.set_freeze_panes(1, 1).ok()?;
    book.save_to_buffer().ok().map(Bytes::from)
}

/// Unpacks every part into nothing. What an archive says of its own size is not believed.
fn is_bounded(bytes: &[u8]) -> bool {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return false };
    if archive.len() > MAX_PARTS {
        return false;
    }
    let mut left = MAX_UNPACKED;
    for number in 0..archive.len() {
        let Ok(part) = archive.by_index(number) else { return false };
        match std::io::copy(&mut part.take(left + 1), &mut sink()) {
            Ok(read) if read <= left => left -= read,
            _ => return false,
        }
    }
    true
}

fn text(cell: &Data) -> String {
    match cell {
        Data::Float(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Data::DateTime(date) => day(date),
        Data::Empty => String::new(),
        other => other.to_string(),
    }
}

fn day(date: &ExcelDateTime) -> String {
    let (year, month, day, ..) = date.to_ymd_hms_milli();
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn rows(all: &[&[&str]]) -> Sheet {
        let owned = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
        Sheet::from_rows(0, all.iter().map(owned).collect())
    }

    /// A workbook in which each cell stands at its place.
    fn placed(cells: &[(u32, u16, &str)]) -> Bytes {
        let mut book = Workbook::new();
        let page = book.add_worksheet();
        for (row, column, text) in cells {
            page.write_string(*row, *column, *text).unwrap();
        }
        book.save_to_buffer().unwrap().into()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let sheet = rows(&[&["code", "name"], &["H37.95", "Chi cục Thí dụ"], &["H37.96", "Trạm Thí dụ"]]);
        assert_eq!(read(&write(&sheet).unwrap()), Some(sheet));
        assert_eq!(read(b"PK\x03\x04 not a workbook"), None);
    }

    #[test]
    fn a_table_may_stand_anywhere_and_keeps_its_row_numbers() {
        let book = placed(&[(3, 2, "Code"), (3, 3, "name"), (4, 2, "H37.95"), (7, 3, "Không mã")]);
        let sheet = read(&book).unwrap();
        assert_eq!(sheet.header, ["code", "name"]);
        let faults = sheet.merge_into("").unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), [Some(8)], "the row that the clerk sees");
    }

    #[test]
    fn a_cell_at_the_far_end_asks_for_no_memory_up_to_there() {
        let far = placed(&[(0, 0, "code"), (0, 16_383, "xa"), (1_048_575, 0, "H37.95"), (1_048_575, 16_383, "xa")]);
        let sheet = read(&far).unwrap();
        assert!(sheet.rows.len() > MAX_ROWS && sheet.header.len() == MAX_COLUMNS as usize);
        assert!(sheet.merge_into("").is_err(), "too many rows");
    }

    #[test]
    fn a_small_archive_that_holds_much_is_no_workbook() {
        let mut archive = ZipWriter::new_append(Cursor::new(placed(&[(0, 0, "code")]).to_vec())).unwrap();
        archive.start_file("xl/media/image1.bin", SimpleFileOptions::default()).unwrap();
        let mebibyte = vec![0; 1 << 20];
        (0..=(MAX_UNPACKED >> 20)).for_each(|_| archive.write_all(&mebibyte).unwrap());
        let book = archive.finish().unwrap().into_inner();
        assert!(book.len() < 1 << 20, "{} bytes", book.len());
        assert_eq!(read(&book), None);
    }
}
