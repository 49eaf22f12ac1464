//! Reading a log that lies in tiles (C2SP tlog-tiles), here or at another hop.
//!
//! What a tile says is not to be believed before a proof made of it led to the root of a checkpoint.

use std::collections::BTreeMap;

use lienthong_contract::Digest;

use super::Error;
use super::tile::{TILE_HEIGHT, TILE_WIDTH, TileKind, TilePath, parse_tile, width};
use super::tree::{HashReader, node_hash, split_stored_index};

/// Where tiles are read from: a directory, a cache, what was fetched before.
pub trait TileSource {
    /// Content of the tile with just this path.
    ///
    /// # Errors
    /// [`Error::Read`].
    fn read_tile(&self, path: &TilePath) -> Result<Vec<u8>, Error>;
}

/// Tiles in memory.
impl TileSource for BTreeMap<TilePath, Vec<u8>> {
    fn read_tile(&self, path: &TilePath) -> Result<Vec<u8>, Error> {
        self.get(path).cloned().ok_or_else(|| Error::Read(format!("there is no {path}")))
    }
}

/// Reads stored hashes out of the tiles of a log of this size. They are what the tiles say: a proof made of them shows
/// whether that is true.
#[derive(Debug)]
pub struct TileReader<'a, S: ?Sized> {
    source: &'a S,
    size: u64,
}

impl<'a, S: TileSource + ?Sized> TileReader<'a, S> {
    pub const fn new(source: &'a S, size: u64) -> Self {
        Self { source, size }
    }
}

/// The tiles in which these stored hashes are, each once: what to fetch before a [`TileReader`] is asked for them.
///
/// # Errors
/// [`Error::OutOfRange`] when the log has no such hash.
pub fn tiles_needed(stored: &[u64], size: u64) -> Result<Vec<TilePath>, Error> {
    let mut tiles = stored.iter().map(|stored| Ok(place(*stored, size)?.0)).collect::<Result<Vec<_>, Error>>()?;
    tiles.sort_unstable();
    tiles.dedup();
    Ok(tiles)
}

/// In which tile a stored hash is, from which of the tile's hashes on, and over how many of them.
fn place(stored: u64, size: u64) -> Result<(TilePath, usize, usize), Error> {
    let beyond = || Error::OutOfRange { asked: stored, size };
    let (level, index) = split_stored_index(stored).ok_or_else(beyond)?;
    let (tile_level, above) = (u8::try_from(level / TILE_HEIGHT).map_err(|_| beyond())?, level % TILE_HEIGHT);
    // `index << above` counts hashes of the tile's level; it is at most the largest tree's size.
    let (first, span) = (index << above, 1_usize << above);
    let tile = first >> TILE_HEIGHT;
    let offset = usize::try_from(first % u64::from(TILE_WIDTH)).map_err(|_| beyond())?;
    let width = width(size, tile_level, tile);
    if offset + span > usize::from(width) {
        return Err(beyond());
    }
    Ok((TilePath::new(TileKind::Hashes(tile_level), tile, width)?, offset, span))
}

impl<S: TileSource + ?Sized> HashReader for TileReader<'_, S> {
    fn read_hashes(&self, stored: &[u64]) -> Result<Vec<Digest>, Error> {
        let mut tiles = BTreeMap::new();
        for path in tiles_needed(stored, self.size)? {
            tiles.insert(path, parse_tile(&self.source.read_tile(&path)?, path.width())?);
        }
        let read = |&stored: &u64| {
            let (path, offset, span) = place(stored, self.size)?;
            let hashes = tiles.get(&path).and_then(|tile| tile.get(offset..offset + span));
            hashes.and_then(complete).ok_or(Error::MissingHash(stored))
        };
        stored.iter().map(read).collect()
    }
}

/// Hash over a complete subtree, from the hashes of a tile it covers; their number is a power of two.
pub(crate) fn complete(hashes: &[Digest]) -> Option<Digest> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.first().copied()
}
