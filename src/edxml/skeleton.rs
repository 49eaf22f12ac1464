//! The packet without its bodies, and the way back to the places of the original.
//!
//! Invariant: putting each cut run back at its offset gives the original bytes, no byte more or less.

/// A run of body text that was cut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Where it belongs in the skeleton.
    pub skeleton_offset: usize,
    /// Where it stood in the original.
    pub source_offset: u64,
    /// Its length in bytes.
    pub source_len: u64,
    /// Line feeds inside it.
    pub line_feeds: u32,
    /// Characters after its last line feed (all of them when it has none).
    pub last_line: u32,
}

/// The original bytes with the cut runs removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skeleton {
    pub bytes: Vec<u8>,
    /// In order.
    pub cuts: Vec<Cut>,
}

impl Skeleton {
    /// Line and column, counted from 1 and in characters, that this skeleton byte has in the original. A leading
    /// byte order mark is no character. An offset past the end is taken as the end.
    #[must_use]
    pub fn position(&self, skeleton_offset: usize) -> (u32, u32) {
        self.places().place(skeleton_offset)
    }

    /// Where this skeleton byte stood in the original. At a cut it is the byte after the cut.
    #[must_use]
    pub fn source_offset(&self, skeleton_offset: usize) -> u64 {
        let before = self.cuts.iter().take_while(|cut| cut.skeleton_offset <= skeleton_offset);
        before.fold(skeleton_offset as u64, |offset, cut| offset.saturating_add(cut.source_len))
    }

    /// The bytes as text. The splitter has checked that they are UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        simdutf8::basic::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// A walker that gives the places of ascending offsets in one pass.
    #[must_use]
    pub fn places(&self) -> Places<'_> {
        let start = if self.bytes.starts_with(BOM) { BOM.len() } else { 0 };
        Places { skeleton: self, start, offset: start, line: 1, column: 1, next_cut: 0 }
    }
}

/// The byte order mark of UTF-8.
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Gives places of a skeleton; cheap as long as offsets ascend.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    skeleton: &'a Skeleton,
    start: usize,
    offset: usize,
    line: u32,
    column: u32,
    next_cut: usize,
}

impl Places<'_> {
    /// Line and column of a skeleton byte in the original.
    pub fn place(&mut self, offset: usize) -> (u32, u32) {
        let target = offset.min(self.skeleton.bytes.len());
        if target < self.offset {
            *self = self.skeleton.places();
        }
        while let Some(cut) = self.skeleton.cuts.get(self.next_cut).filter(|cut| cut.skeleton_offset <= target) {
            self.walk_to(cut.skeleton_offset);
            self.jump(cut);
            self.next_cut += 1;
        }
        self.walk_to(target);
        (self.line, self.column)
    }

    fn walk_to(&mut self, target: usize) {
        let passed = self.skeleton.bytes.get(self.offset..target.max(self.start)).unwrap_or_default();
        (self.line, self.column) = advance((self.line, self.column), passed);
        self.offset = target.max(self.start);
    }

    fn jump(&mut self, cut: &Cut) {
        self.column = if cut.line_feeds == 0 { self.column.saturating_add(cut.last_line) } else { cut.last_line + 1 };
        self.line = self.line.saturating_add(cut.line_feeds);
    }
}

/// The place after these bytes when they start at `place`.
pub(super) fn advance(place: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let (feeds, tail) = lines(bytes);
    step(place, feeds, count(tail, |byte| (byte & 0xC0) != 0x80))
}

/// The same for text known to be ASCII, which a body is; there every byte counts, in both senses.
pub(super) fn advance_ascii(place: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let (feeds, tail) = lines(bytes);
    step(place, feeds, tail.len())
}

/// Number of line feeds, and what stands after the last.
fn lines(bytes: &[u8]) -> (usize, &[u8]) {
    match memchr::memrchr(b'\n', bytes) {
        Some(last) => (count(bytes, |byte| byte == b'\n'), bytes.get(last + 1..).unwrap_or_default()),
        None => (0, bytes),
    }
}

/// Counts in runs so short that a byte holds the sum: the loop then looks at many bytes at once.
fn count(bytes: &[u8], counts: impl Fn(u8) -> bool) -> usize {
    bytes
        .chunks(255)
        .map(|run| usize::from(run.iter().fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(counts(*byte))))))
        .sum()
}

fn step((line, column): (u32, u32), feeds: usize, chars: usize) -> (u32, u32) {
    let chars = u32::try_from(chars).unwrap_or(u32::MAX);
    let feeds = u32::try_from(feeds).unwrap_or(u32::MAX);
    if feeds == 0 {
        (line, column.saturating_add(chars))
    } else {
        (line.saturating_add(feeds), chars.saturating_add(1))
    }
}
