//! The log as files of fixed size (C2SP tlog-tiles): hashes and entries in tiles of 256, which never change once full.
//!
//! A tile of level L holds 256 neighbouring hashes over 256^L entries each; the levels between are hashed again from
//! them. The last tile of a level is partial, and its width stands in its path, so that a path never means two things.

use std::fmt;
use std::str::FromStr;

use lienthong_contract::Digest;

use super::tree::{HashReader, MAX_SIZE, read, stored_index};
use super::{Error, parse_decimal};

/// How many hashes or entries a full tile has (C2SP tlog-tiles, Merkle Tree).
pub const TILE_WIDTH: u16 = 256;

/// Levels of the tree in one tile: 2^8 is [`TILE_WIDTH`].
pub const TILE_HEIGHT: u32 = 8;

/// The longest entry: its length stands in two bytes (C2SP tlog-tiles, Log entries).
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The longest path there can be: the largest index has seven groups.
const MAX_PATH_BYTES: usize = 64;

/// The highest level a path may name (C2SP tlog-tiles, Merkle Tree).
const MAX_LEVEL: u8 = 63;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of this level.
    Hashes(u8),
    /// Entries, in a bundle.
    Entries,
}

/// Which tile: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]` (C2SP tlog-tiles, Merkle Tree and Log entries).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TilePath {
    /// # Errors
    /// [`Error::Malformed`] when the level is above 63 or the width not 1 to 256.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, Error> {
        if matches!(kind, TileKind::Hashes(level) if level > MAX_LEVEL) {
            return Err(malformed_path("the level is above 63"));
        }
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(malformed_path("a tile is 1 to 256 wide"));
        }
        Ok(Self { kind, index, width })
    }

    #[must_use]
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it has.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// True when a log of this size has this tile just so: a full one, or the partial one of that size.
    #[must_use]
    pub fn is_of(&self, size: u64) -> bool {
        let level = match self.kind {
            TileKind::Hashes(level) => level,
            TileKind::Entries => 0,
        };
        self.width == width(size, level, self.index)
    }

    /// True when a log of this size has this tile, or has had it so when it was smaller.
    #[must_use]
    pub fn is_within(&self, size: u64) -> bool {
        let level = match self.kind {
            TileKind::Hashes(level) => level,
            TileKind::Entries => 0,
        };
        self.width <= width(size, level, self.index)
    }
}

/// How wide tile `index` of this level is in a tree of this size (C2SP tlog-tiles, Partial Tiles); 0 if there is none.
pub(super) fn width(size: u64, level: u8, index: u64) -> u16 {
    let hashes = size.checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or(0);
    let first = index.saturating_mul(u64::from(TILE_WIDTH));
    u16::try_from(hashes.saturating_sub(first)).unwrap_or(TILE_WIDTH).min(TILE_WIDTH)
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let groups = self.index.checked_ilog(1000).unwrap_or(0);
        for group in (1..=groups).rev() {
            write!(f, "x{:03}/", self.index / 1000_u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Reads a path that [`fmt::Display`] could have written, and no other: one tile has one name, and a name goes nowhere
/// but into the log.
impl FromStr for TilePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_PATH_BYTES {
            return Err(malformed_path("it is too long"));
        }
        let rest = text.strip_prefix("tile/").ok_or(malformed_path("it does not begin with tile/"))?;
        let (kind, rest) = rest.split_once('/').ok_or(malformed_path("it has no index"))?;
        let kind = if kind == "entries" {
            TileKind::Entries
        } else {
            let level = parse_decimal(kind).and_then(|level| u8::try_from(level).ok());
            TileKind::Hashes(level.ok_or(malformed_path("its level is not a number from 0 to 63"))?)
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((index, width)) => {
                let width = parse_decimal(width).and_then(|width| u16::try_from(width).ok());
                (index, width.ok_or(malformed_path("its width is not a number from 1 to 255"))?)
            }
        };
        let mut number: u64 = 0;
        for group in index.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let value: u64 =
                digits.parse().map_err(|_| malformed_path("its index is not in groups of three digits"))?;
            number = number
                .checked_mul(1000)
                .and_then(|number| number.checked_add(value))
                .ok_or(malformed_path("its index is too large"))?;
        }
        // What was read leniently above has to be written the one way.
        let path = Self::new(kind, number, width)?;
        if path.to_string() == text { Ok(path) } else { Err(malformed_path("it is not written the one way")) }
    }
}

const fn malformed_path(why: &'static str) -> Error {
    Error::Malformed { what: "tile path", why }
}

/// The tiles of hashes that came or widened when the tree grew from `old` to `new` entries: what to write then.
pub fn new_tiles(old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    (0..=MAX_LEVEL).flat_map(move |level| new_of_kind(TileKind::Hashes(level), level, old, new))
}

/// The bundles of entries that came or widened when the tree grew from `old` to `new` entries.
pub fn new_bundles(old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    new_of_kind(TileKind::Entries, 0, old, new)
}

fn new_of_kind(kind: TileKind, level: u8, old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    let shift = u32::from(level) * TILE_HEIGHT;
    let (old, hashes) = (old.checked_shr(shift).unwrap_or(0), new.checked_shr(shift).unwrap_or(0));
    let tiles = if old < hashes { old >> TILE_HEIGHT..hashes.div_ceil(u64::from(TILE_WIDTH)) } else { 0..0 };
    tiles.map(move |index| TilePath { kind, index, width: width(new, level, index) })
}

/// Content of a tile of hashes, from the stored hashes (C2SP tlog-tiles, Merkle Tree).
///
/// # Errors
/// Those of the reader; [`Error::Malformed`] for a bundle's path, [`Error::OutOfRange`] beyond the largest tree.
pub fn tile_content<R: HashReader + ?Sized>(path: &TilePath, reader: &R) -> Result<Vec<u8>, Error> {
    let TileKind::Hashes(level) = path.kind else { return Err(malformed_path("it is a bundle's, not a tile's")) };
    let beyond = Error::OutOfRange { asked: path.index, size: MAX_SIZE };
    let first = path.index.checked_mul(u64::from(TILE_WIDTH)).ok_or(beyond.clone())?;
    let stored: Option<Vec<u64>> = (0..u64::from(path.width))
        .map(|offset| stored_index(u32::from(level) * TILE_HEIGHT, first.checked_add(offset)?))
        .collect();
    let hashes = read(reader, &stored.ok_or(beyond)?)?;
    Ok(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
}

/// The hashes in a tile of this width.
///
/// # Errors
/// [`Error::Malformed`] when it is shorter or longer.
pub fn parse_tile(content: &[u8], width: u16) -> Result<Vec<Digest>, Error> {
    let (hashes, rest) = content.as_chunks::<32>();
    if hashes.len() != usize::from(width) || !rest.is_empty() {
        return Err(Error::Malformed { what: "tile", why: "its length is not that of its hashes" });
    }
    Ok(hashes.iter().map(|hash| Digest::from_bytes(*hash)).collect())
}

/// A bundle of entries: each after its length in two bytes, big-endian (C2SP tlog-tiles, Log entries).
///
/// # Errors
/// [`Error::Malformed`] when there are none or more than 256, or one is longer than [`MAX_ENTRY_BYTES`].
pub fn write_bundle<T: AsRef<[u8]>>(entries: &[T]) -> Result<Vec<u8>, Error> {
    if entries.is_empty() || entries.len() > usize::from(TILE_WIDTH) {
        return Err(malformed_bundle("a bundle has 1 to 256 entries"));
    }
    let mut content = Vec::new();
    for entry in entries.iter().map(AsRef::as_ref) {
        let length =
            u16::try_from(entry.len()).map_err(|_| malformed_bundle("an entry is longer than 65,535 bytes"))?;
        content.extend_from_slice(&length.to_be_bytes());
        content.extend_from_slice(entry);
    }
    Ok(content)
}

/// The entries of a bundle of this width.
///
/// # Errors
/// [`Error::Malformed`] when it holds fewer, or anything after the last one.
pub fn parse_bundle(content: &[u8], width: u16) -> Result<Vec<&[u8]>, Error> {
    if !(1..=TILE_WIDTH).contains(&width) {
        return Err(malformed_bundle("a bundle has 1 to 256 entries"));
    }
    let (mut rest, mut entries) = (content, Vec::with_capacity(usize::from(width)));
    for _ in 0..width {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(malformed_bundle("it ends before its last entry"))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(malformed_bundle("it ends inside an entry"))?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(malformed_bundle("something follows its last entry")) }
}

const fn malformed_bundle(why: &'static str) -> Error {
    Error::Malformed { what: "entry bundle", why }
}
