//! The one font of the PDF: DejaVu Sans, cut down to Latin letters with all Vietnamese marks, 35 KiB.
//!
//! Its licence allows that and stands beside it (`font/LICENSE-DejaVu.txt`). Texts are composed (NFC) first, because the
//! font has the composed letters; what it has no letter for is shown as an empty box.

use std::collections::BTreeMap;

use ttf_parser::Face;
use unicode_normalization::UnicodeNormalization;

/// The file as it is put into the PDF.
pub const FILE: &[u8] = include_bytes!("font/DejaVuSans-Vietnamese.ttf");

/// The font, and which of its letters were used.
pub struct Font {
    face: Face<'static>,
    /// Glyph to letter.
    pub used: BTreeMap<u16, char>,
}

impl Font {
    pub fn load() -> Option<Self> {
        Some(Self { face: Face::parse(FILE, 0).ok()?, used: BTreeMap::new() })
    }

    pub const fn face(&self) -> &Face<'static> {
        &self.face
    }

    /// Text as the letters that can be shown: composed, in one line.
    pub fn prepared(text: &str) -> String {
        text.nfc().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
    }

    fn glyph(&self, letter: char) -> u16 {
        self.face.glyph_index(letter).map_or(0, |glyph| glyph.0)
    }

    /// In thousandths of the font's size.
    pub fn advance(&self, glyph: u16) -> f32 {
        let units = f32::from(self.face.units_per_em().max(1));
        f32::from(self.face.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or_default()) * 1000.0 / units
    }

    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|letter| self.advance(self.glyph(letter))).sum::<f32>() * size / 1000.0
    }

    /// Glyph numbers, two bytes each.
    pub fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len().saturating_mul(2));
        for letter in text.chars() {
            let glyph = self.glyph(letter);
            self.used.entry(glyph).or_insert(letter);
            bytes.extend_from_slice(&glyph.to_be_bytes());
        }
        bytes
    }

    /// Lines no wider than this; a word that is wider alone is cut.
    pub fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in Self::prepared(text).split(' ').filter(|word| !word.is_empty()) {
            let Some(line) = lines.last_mut() else { break };
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&joined, size) <= width {
                *line = joined;
                continue;
            }
            let mut rest = String::new();
            for letter in word.chars() {
                rest.push(letter);
                if self.width(&rest, size) > width && rest.chars().count() > 1 {
                    rest.pop();
                    place(&mut lines, std::mem::replace(&mut rest, letter.to_string()));
                }
            }
            place(&mut lines, rest);
        }
        lines
    }
}

/// Puts a line at the end, or into the empty one that is there.
fn place(lines: &mut Vec<String>, line: String) {
    match lines.last_mut() {
        Some(last) if last.is_empty() => *last = line,
        _ => lines.push(line),
    }
}
