//! The sheet as a PDF on A4: one embedded font, text that can be searched and copied, pages with their numbers.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::font::{FILE, Font};
use super::{Answer, Block, Code, sheet};

/// A4 in points, and the blank edge.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const EDGE: f32 = 50.0;
const BODY: f32 = 9.5;
const SMALL: f32 = 7.5;
/// Where the columns of a receipt begin.
const COLUMNS: [f32; 3] = [EDGE, EDGE + 105.0, EDGE + 180.0];
/// A sheet of all the receipts that a bundle may hold stays below.
const MAX_PAGES: usize = 2000;

const FONT: Name<'static> = Name(b"F0");
const FONT_NAME: Name<'static> = Name(b"LTVIET+DejaVuSans");
const INFO: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The sheet does not fit into a PDF, or the font in the program is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be printed")]
pub struct CannotPrint;

/// The answer as a PDF.
///
/// # Errors
/// [`CannotPrint`].
pub fn pdf(answer: &Answer) -> Result<Vec<u8>, CannotPrint> {
    let mut paper = Paper { font: Font::load().ok_or(CannotPrint)?, pages: vec![Content::new()], y: HEIGHT - EDGE };
    for block in sheet(answer) {
        paper.put(&block);
        if paper.pages.len() > MAX_PAGES {
            return Err(CannotPrint);
        }
    }
    paper.number(&answer.bundle.to_string());
    paper.finish()
}

/// Pages being filled from top to bottom.
struct Paper {
    font: Font,
    pages: Vec<Content>,
    /// The upper edge of what is free on the last page.
    y: f32,
}

impl Paper {
    fn put(&mut self, block: &Block) {
        match block {
            Block::Title { vi, en } => {
                self.text(EDGE, 15.0, true, vi);
                self.text(EDGE, BODY, false, en);
                self.y -= 8.0;
            }
            Block::Verdict { vi, en, .. } => {
                self.line();
                self.text(EDGE, 13.0, true, vi);
                self.text(EDGE, BODY, false, en);
                self.line();
                self.y -= 4.0;
            }
            Block::Heading(text) => {
                // Never alone at the foot of a page.
                self.room(60.0);
                self.y -= 10.0;
                self.text(EDGE, 11.0, true, text);
            }
            Block::Fact(label, fact) => {
                let fact = self.font.wrap(fact, BODY, WIDTH - EDGE - COLUMNS[1] - 40.0);
                for (number, line) in fact.iter().enumerate() {
                    self.room(BODY * 1.4);
                    if number == 0 {
                        self.show(EDGE, self.y - BODY, BODY, false, label);
                    }
                    self.show(COLUMNS[1] + 40.0, self.y - BODY, BODY, false, line);
                    self.y -= BODY * 1.4;
                }
            }
            Block::Row { time, hop, vi, en, more } => {
                self.room(40.0);
                self.y -= 3.0;
                self.show(COLUMNS[0], self.y - BODY, BODY, false, time);
                self.show(COLUMNS[1], self.y - BODY, BODY, false, hop);
                self.text(COLUMNS[2], BODY, false, &format!("{vi} — {en}"));
                more.iter().for_each(|more| self.text(COLUMNS[2], SMALL, false, more));
            }
            Block::Note(text) => {
                self.y -= 5.0;
                self.text(EDGE, SMALL + 0.5, false, text);
            }
            Block::Codes(codes) => self.codes(codes),
        }
    }

    /// A new page, unless so much is free on this one.
    fn room(&mut self, height: f32) {
        if self.y - height < EDGE + 15.0 {
            self.pages.push(Content::new());
            self.y = HEIGHT - EDGE;
        }
    }

    /// Text in lines from `x` to the right edge.
    fn text(&mut self, x: f32, size: f32, bold: bool, text: &str) {
        for line in self.font.wrap(text, size, WIDTH - EDGE - x) {
            self.room(size * 1.4);
            self.show(x, self.y - size, size, bold, &line);
            self.y -= size * 1.4;
        }
    }

    fn show(&mut self, x: f32, y: f32, size: f32, bold: bool, text: &str) {
        let bytes = self.font.encode(&Font::prepared(text));
        let Some(page) = self.pages.last_mut() else { return };
        page.begin_text().set_font(FONT, size).next_line(x, y);
        if bold {
            // The font has one weight; a thin outline makes it the other.
            page.set_line_width(size / 28.0).set_text_rendering_mode(TextRenderingMode::FillStroke);
        } else {
            page.set_text_rendering_mode(TextRenderingMode::Fill);
        }
        page.show(Str(&bytes)).end_text();
    }

    fn line(&mut self) {
        self.room(8.0);
        self.y -= 4.0;
        let y = self.y;
        if let Some(page) = self.pages.last_mut() {
            page.set_line_width(0.6).move_to(EDGE, y).line_to(WIDTH - EDGE, y).stroke();
        }
        self.y -= 2.0;
    }

    fn codes(&mut self, codes: &[Code]) {
        const SIDE: f32 = 120.0;
        const APART: f32 = 250.0;
        self.room(SIDE + 70.0);
        self.y -= 14.0;
        let top = self.y;
        let mut lowest = top;
        for (place, code) in codes.iter().enumerate() {
            let x = EDGE + APART * if place == 0 { 0.0 } else { 1.0 };
            let module = SIDE / to_f32(code.side.max(1));
            if let Some(page) = self.pages.last_mut() {
                for (column, row, length) in code.runs() {
                    let (left, under) = (x + to_f32(column) * module, top - to_f32(row + 1) * module);
                    page.rect(left, under, to_f32(length) * module, module);
                }
                page.fill_nonzero();
            }
            self.y = top - SIDE - 6.0;
            for text in [code.label, &code.text] {
                for line in self.font.wrap(text, SMALL, APART - 30.0) {
                    self.show(x, self.y - SMALL, SMALL, false, &line);
                    self.y -= SMALL * 1.4;
                }
            }
            lowest = lowest.min(self.y);
        }
        self.y = lowest;
    }

    /// The foot of every page.
    fn number(&mut self, bundle: &str) {
        let count = self.pages.len();
        let pages = std::mem::take(&mut self.pages);
        let mut done = Vec::with_capacity(count);
        for (page, number) in pages.into_iter().zip(1_usize..) {
            self.pages.push(page);
            self.show(EDGE, EDGE - 20.0, SMALL - 1.0, false, &format!("{bundle} · trang — page {number}/{count}"));
            done.append(&mut self.pages);
        }
        self.pages = done;
    }

    fn finish(self) -> Result<Vec<u8>, CannotPrint> {
        let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
        let (font, first) = (Ref::new(4), 9_i32);
        let count = i32::try_from(self.pages.len()).map_err(|_| CannotPrint)?;
        let ids = |place: i32| (Ref::new(first + 2 * place), Ref::new(first + 2 * place + 1));
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree).lang(TextStr("vi"));
        pdf.document_info(info)
            .title(TextStr("Chứng minh đường đi của văn bản điện tử"))
            .producer(TextStr("lienthong"));
        pdf.pages(tree).kids((0..count).map(|place| ids(place).0)).count(count);
        for (content, place) in self.pages.into_iter().zip(0..) {
            let (page_id, content_id) = ids(place);
            let mut page = pdf.page(page_id);
            page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(content_id);
            page.resources().fonts().pair(FONT, font);
            page.finish();
            pdf.stream(content_id, &content.finish());
        }
        embed(&mut pdf, &self.font, font);
        Ok(pdf.finish())
    }
}

/// The font as PDF wants it for letters beyond Latin-1: glyph numbers in the text, and a table back to letters.
fn embed(pdf: &mut Pdf, font: &Font, id: Ref) {
    let (cid, descriptor, file, letters) = (Ref::new(5), Ref::new(6), Ref::new(7), Ref::new(8));
    pdf.type0_font(id)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(letters);
    let mut cid_font = pdf.cid_font(cid);
    cid_font.subtype(CidFontType::Type2).base_font(FONT_NAME).system_info(INFO).font_descriptor(descriptor);
    cid_font.default_width(600.0).cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = cid_font.widths();
    for glyph in font.used.keys() {
        widths.consecutive(*glyph, [font.advance(*glyph)]);
    }
    widths.finish();
    cid_font.finish();
    let face = font.face();
    let scale = 1000.0 / f32::from(face.units_per_em().max(1));
    let of = |value: i16| f32::from(value) * scale;
    let bounds = face.global_bounding_box();
    pdf.font_descriptor(descriptor)
        .name(FONT_NAME)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(of(bounds.x_min), of(bounds.y_min), of(bounds.x_max), of(bounds.y_max)))
        .italic_angle(0.0)
        .ascent(of(face.ascender()))
        .descent(of(face.descender()))
        .cap_height(of(face.capital_height().unwrap_or(1493)))
        .stem_v(80.0)
        .font_file2(file);
    pdf.stream(file, FILE);
    let mut table: UnicodeCmap = UnicodeCmap::new(Name(b"LTViet"), INFO);
    for (glyph, letter) in &font.used {
        table.pair(*glyph, *letter);
    }
    pdf.cmap(letters, &table.finish());
}

/// A small count as a length.
fn to_f32(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}
