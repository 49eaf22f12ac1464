//! What a body turns out to be while its bytes pass: digest, length, kind, and whether it arrived whole.
//!
//! At most the last 64 KiB of a ZIP are kept; of anything else nothing.

use lienthong_contract::Digest;
use lienthong_contract::digest::Hasher;
use lienthong_contract::finding::Kind;

use super::findings;

/// What the first bytes of a body say it is. `ContentType` often lies (quirk Q13), bytes do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sniffed {
    /// `%PDF`.
    Pdf,
    /// `PK\x03\x04`: an archive, or an office document.
    Zip,
    Other,
}

/// A record of the end of a ZIP: 22 bytes and a comment of at most 65,535.
const END_RECORD: usize = 22;
const TAIL: usize = END_RECORD + 0xFFFF;
const REPLACEMENT: &[u8] = b"\xEF\xBF\xBD";

/// Looks at a body as it passes.
#[derive(Debug, Default)]
pub(super) struct Examiner {
    hasher: Hasher,
    len: u64,
    head: Vec<u8>,
    kind: Option<Sniffed>,
    damage: DamageScan,
    tail: Vec<u8>,
}

/// What was learnt of a whole body.
#[derive(Debug)]
pub(super) struct Examined {
    pub digest: Digest,
    pub len: u64,
    pub kind: Sniffed,
    /// What is wrong with it, when something is.
    pub fault: Option<&'static Kind>,
}

impl Examiner {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.len = self.len.saturating_add(bytes.len() as u64);
        if self.kind.is_none() && self.head.len() < 4 {
            let missing = 4 - self.head.len();
            self.head.extend(bytes.iter().take(missing));
            if self.head.len() == 4 {
                self.kind = Some(sniff(&self.head));
            }
        }
        // Which of the two checks applies is known only from the fourth byte on: until then both run.
        if self.kind.is_none_or(|kind| kind == Sniffed::Pdf) {
            self.damage.take(bytes);
        }
        if self.kind.is_none_or(|kind| kind == Sniffed::Zip) {
            self.keep_tail(bytes);
        }
    }

    pub(super) fn finish(self) -> Examined {
        let kind = self.kind.unwrap_or(Sniffed::Other);
        let fault = match kind {
            Sniffed::Pdf if self.damage.is_damaged() => Some(&findings::UTF8_DAMAGE),
            Sniffed::Zip if !zip_ends_whole(&self.tail, self.len) => Some(&findings::ZIP_CUT_SHORT),
            _ => None,
        };
        Examined { digest: self.hasher.finish(), len: self.len, kind, fault }
    }

    fn keep_tail(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 4 * TAIL {
            let surplus = self.tail.len() - TAIL;
            self.tail.drain(..surplus);
        }
    }
}

fn sniff(head: &[u8]) -> Sniffed {
    match head {
        b"%PDF" => Sniffed::Pdf,
        b"PK\x03\x04" => Sniffed::Zip,
        _ => Sniffed::Other,
    }
}

/// Notices bytes that once were binary and went through a conversion to UTF-8: everything that was no UTF-8 has
/// become U+FFFD, so the whole is valid UTF-8 *and* holds U+FFFD. The three bytes alone prove nothing, they
/// stand in one healthy compressed stream of a few megabytes in three.
#[derive(Debug, Default)]
struct DamageScan {
    not_utf8: bool,
    replaced: bool,
    /// The unfinished character at the end of the last piece.
    carry: Vec<u8>,
}

impl DamageScan {
    fn take(&mut self, bytes: &[u8]) {
        if self.not_utf8 {
            return;
        }
        let mut rest = bytes;
        while !self.carry.is_empty() {
            let Some((next, after)) = rest.split_first() else { return };
            self.carry.push(*next);
            rest = after;
            match std::str::from_utf8(&self.carry) {
                Ok(_) => {
                    self.replaced |= self.carry == REPLACEMENT;
                    self.carry.clear();
                }
                Err(error) if error.error_len().is_some() => {
                    self.not_utf8 = true;
                    return;
                }
                Err(_) => {}
            }
        }
        if let Err(error) = std::str::from_utf8(rest) {
            if error.error_len().is_some() {
                self.not_utf8 = true;
                return;
            }
            let (whole, cut) = rest.split_at_checked(error.valid_up_to()).unwrap_or_default();
            self.carry.extend_from_slice(cut);
            rest = whole;
        }
        self.replaced = self.replaced || memchr::memmem::find(rest, REPLACEMENT).is_some();
    }

    fn is_damaged(&self) -> bool {
        self.replaced && !self.not_utf8 && self.carry.is_empty()
    }
}

/// True when the end of central directory is there and what it says agrees with the length of the file.
fn zip_ends_whole(tail: &[u8], len: u64) -> bool {
    let tail_start = len.saturating_sub(tail.len() as u64);
    let latest_first = memchr::memmem::rfind_iter(tail, b"PK\x05\x06");
    latest_first.take(64).any(|at| end_record_agrees(tail, at, tail_start))
}

fn end_record_agrees(tail: &[u8], at: usize, tail_start: u64) -> bool {
    let Some(record) = tail.get(at..).filter(|record| record.len() >= END_RECORD) else { return false };
    let u16_at = |offset: usize| record.get(offset..offset + 2).map_or(0, |b| b.iter().rev().fold(0, shift_in));
    let u32_at = |offset: usize| record.get(offset..offset + 4).map_or(0, |b| b.iter().rev().fold(0, shift_in));
    let comment = u16_at(20);
    if record.len() as u64 != END_RECORD as u64 + comment {
        return false;
    }
    let (entries, size, start) = (u16_at(10), u32_at(12), u32_at(16));
    let record_start = tail_start + at as u64;
    if start == 0xFFFF_FFFF || size == 0xFFFF_FFFF || entries == 0xFFFF {
        // ZIP64: the true figures stand in another record, whose locator comes right before this one.
        return at.checked_sub(20).and_then(|l| tail.get(l..)).is_some_and(|l| l.starts_with(b"PK\x06\x07"));
    }
    let directory = start.checked_sub(tail_start).and_then(|offset| usize::try_from(offset).ok());
    let begins_right = match directory.and_then(|offset| tail.get(offset..)) {
        Some(directory) => entries == 0 || directory.starts_with(b"PK\x01\x02"),
        None => true, // it begins before the part that was kept
    };
    begins_right && start + size <= record_start
}

fn shift_in(value: u64, byte: &u8) -> u64 {
    value << 8 | u64::from(*byte)
}
