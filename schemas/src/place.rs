//! Lines and columns of byte offsets.

/// The byte order mark of UTF-8; it takes bytes but no column.
pub(crate) const BOM: &str = "\u{FEFF}";

/// Walks a text once and tells the place of ascending offsets; an offset before the last one starts again.
#[derive(Debug)]
pub(crate) struct Places<'x> {
    xml: &'x [u8],
    at: usize,
    line: u32,
    column: u32,
}

impl<'x> Places<'x> {
    pub(crate) fn new(xml: &'x [u8]) -> Self {
        let at = if xml.starts_with(BOM.as_bytes()) { BOM.len() } else { 0 };
        Self { xml, at, line: 1, column: 1 }
    }

    /// Line and column, both from 1, columns in characters. Lines end at line feeds.
    pub(crate) fn of(&mut self, offset: usize) -> (u32, u32) {
        if offset < self.at {
            *self = Self::new(self.xml);
        }
        let end = offset.min(self.xml.len());
        for &byte in self.xml.get(self.at..end).unwrap_or_default() {
            match byte {
                b'\n' => {
                    self.line = self.line.saturating_add(1);
                    self.column = 1;
                }
                // A continuation byte of UTF-8 belongs to the character before.
                0x80..=0xBF => {}
                _ => self.column = self.column.saturating_add(1),
            }
        }
        self.at = self.at.max(end);
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_line_ends_count_once() {
        let text = "\u{FEFF}<ă>\r\nđê<b>\n<c>\n";
        let mut places = Places::new(text.as_bytes());
        let offset = |needle: &str| text.find(needle).unwrap_or_default();
        assert_eq!(places.of(offset("<ă>")), (1, 1));
        assert_eq!(places.of(offset("đ")), (2, 1));
        assert_eq!(places.of(offset("<b>")), (2, 3));
        assert_eq!(places.of(offset("<c>")), (3, 1));
        assert_eq!(places.of(offset("<b>")), (2, 3), "going back starts again");
        assert_eq!(places.of(usize::MAX), (4, 1));
    }
}
