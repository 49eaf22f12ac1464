//! The Merkle tree: how entries are hashed, which hashes are kept and where, and how the tree grows.
//!
//! Of a tree only complete subtrees are stored: their hashes never change while the tree grows. Each has a number, in
//! the order in which they become known: entry 0, entry 1, their parent, entry 2, entry 3, their parent, its parent …
//! (Crosby and Wallach, "Efficient Data Structures for Tamper-Evident Logging", §3.3; golang.org/x/mod/sumdb/tlog has
//! the same numbers). Storing is therefore appending, and n entries have fewer than 2n stored hashes.

use lienthong_contract::Digest;
use lienthong_contract::digest::Hasher;

use super::Error;

/// The largest tree. Below it every number of a stored hash fits in 63 bits, so no arithmetic here can overflow.
pub const MAX_SIZE: u64 = 1 << 62;

/// Hash of an entry (RFC 6962 §2.1): SHA-256 over `0x00` and the entry.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(&[0x00]);
    hasher.update(entry);
    hasher.finish()
}

/// Hash of an inner node (RFC 6962 §2.1): SHA-256 over `0x01` and its two children.
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(&[0x01]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

/// Root of the tree without entries (RFC 6962 §2.1): SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// Number of the stored hash over entries `index << level` to `(index + 1) << level`; nothing beyond [`MAX_SIZE`].
#[must_use]
pub fn stored_index(level: u32, index: u64) -> Option<u64> {
    let end = index.checked_add(1)?.checked_mul(1_u64.checked_shl(level)?)?;
    // It becomes known with the last of its entries, `level` places after that entry's own hash.
    (end <= MAX_SIZE).then(|| stored_count(end - 1) + u64::from(level))
}

/// Level and index of a stored hash: the way back from [`stored_index`].
#[must_use]
pub fn split_stored_index(stored: u64) -> Option<(u32, u64)> {
    if stored >= stored_count(MAX_SIZE) {
        return None;
    }
    // Entry n stands at 2n less the ones in n, so the entry looked for is at most some 60 further than half.
    let mut entry = stored / 2;
    while stored_count(entry + 1) <= stored {
        entry += 1;
    }
    let level = u32::try_from(stored - stored_count(entry)).ok()?;
    Some((level, entry >> level))
}

/// How many hashes are stored for a tree of `size` entries, which is also the number of the next entry's hash.
/// `size` is at most [`MAX_SIZE`]; a larger one counts as that.
#[must_use]
pub fn stored_count(size: u64) -> u64 {
    // The sum of size / 2^i over all i.
    let size = size.min(MAX_SIZE);
    2 * size - u64::from(size.count_ones())
}

/// Where stored hashes are read from.
pub trait HashReader {
    /// The hashes with these numbers (see [`stored_index`]), in the same order.
    ///
    /// # Errors
    /// [`Error::MissingHash`], [`Error::Read`].
    fn read_hashes(&self, stored: &[u64]) -> Result<Vec<Digest>, Error>;
}

/// Stored hashes in memory, from number 0 on.
impl HashReader for [Digest] {
    fn read_hashes(&self, stored: &[u64]) -> Result<Vec<Digest>, Error> {
        let read = |&number: &u64| usize::try_from(number).ok().and_then(|at| self.get(at)).copied();
        stored.iter().map(|number| read(number).ok_or(Error::MissingHash(*number))).collect()
    }
}

/// The complete subtrees, as level and index, into which entries `start..end` fall, from left to right. `start` is a
/// multiple of the largest of them, as it is for every range that RFC 6962 §2.1 hashes.
pub(super) fn subtrees(start: u64, end: u64) -> Vec<(u32, u64)> {
    let (mut start, mut found) = (start, Vec::new());
    while start < end {
        let level = (end - start).ilog2();
        found.push((level, start >> level));
        start += 1 << level;
    }
    found
}

/// Hash over neighbouring subtrees of falling size (RFC 6962 §2.1: the right-hand side of a tree is hashed first).
pub(super) fn fold(peaks: &[Digest]) -> Option<Digest> {
    let mut from_right = peaks.iter().rev();
    let last = from_right.next()?;
    Some(from_right.fold(*last, |right, left| node_hash(left, &right)))
}

/// Reads hashes and makes sure that as many came as were asked for.
pub(super) fn read<R: HashReader + ?Sized>(reader: &R, stored: &[u64]) -> Result<Vec<Digest>, Error> {
    let hashes = reader.read_hashes(stored)?;
    if hashes.len() == stored.len() { Ok(hashes) } else { Err(other_number(hashes.len(), stored.len())) }
}

pub(super) fn other_number(came: usize, asked: usize) -> Error {
    Error::Read(format!("{came} hashes came where {asked} were asked for"))
}

/// Root of the tree of the first `size` entries (RFC 6962 §2.1, the Merkle Tree Hash).
///
/// # Errors
/// Those of the reader; [`Error::OutOfRange`] beyond [`MAX_SIZE`].
pub fn root<R: HashReader + ?Sized>(size: u64, reader: &R) -> Result<Digest, Error> {
    Ok(Frontier::load(size, reader)?.root())
}

/// Hashes to be stored with entry `index`, from number [`stored_count`]`(index)` on: its own, then those of the
/// subtrees it completes. [`Frontier`] does the same without reading.
///
/// # Errors
/// Those of the reader; [`Error::Full`] at [`MAX_SIZE`].
pub fn stored_hashes<R: HashReader + ?Sized>(index: u64, leaf: Digest, reader: &R) -> Result<Vec<Digest>, Error> {
    if index >= MAX_SIZE {
        return Err(Error::Full { size: index });
    }
    // Each one at the end of `index` in binary stands for a complete subtree to the left that waits for its sibling.
    let left: Vec<u64> =
        (0..index.trailing_ones()).filter_map(|level| stored_index(level, (index >> level) - 1)).collect();
    let mut hashes = vec![leaf];
    let mut hash = leaf;
    for left in read(reader, &left)? {
        hash = node_hash(&left, &hash);
        hashes.push(hash);
    }
    Ok(hashes)
}

/// The growing edge of a tree: the roots of its complete subtrees, at most 62. With it a batch of entries is appended
/// without reading anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// Numbers of the stored hashes that [`Frontier::of`] takes, in its order.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] beyond [`MAX_SIZE`].
    pub fn needs(size: u64) -> Result<Vec<u64>, Error> {
        if size > MAX_SIZE {
            return Err(Error::OutOfRange { asked: size, size: MAX_SIZE });
        }
        Ok(subtrees(0, size).into_iter().filter_map(|(level, index)| stored_index(level, index)).collect())
    }

    /// The edge of the tree of the first `size` entries, from the hashes that [`Frontier::needs`] names.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] beyond [`MAX_SIZE`]; [`Error::Read`] when there are fewer or more hashes.
    pub fn of(size: u64, peaks: Vec<Digest>) -> Result<Self, Error> {
        let needed = Self::needs(size)?.len();
        if peaks.len() == needed { Ok(Self { size, peaks }) } else { Err(other_number(peaks.len(), needed)) }
    }

    /// The edge of the tree of the first `size` entries, from its stored hashes.
    ///
    /// # Errors
    /// Those of the reader; [`Error::OutOfRange`] beyond [`MAX_SIZE`].
    pub fn load<R: HashReader + ?Sized>(size: u64, reader: &R) -> Result<Self, Error> {
        Self::of(size, reader.read_hashes(&Self::needs(size)?)?)
    }

    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree (RFC 6962 §2.1).
    #[must_use]
    pub fn root(&self) -> Digest {
        fold(&self.peaks).unwrap_or_else(empty_root)
    }

    /// Appends an entry. The hashes that come back are to be stored from number [`stored_count`]`(size before)` on.
    ///
    /// # Errors
    /// [`Error::Full`] at [`MAX_SIZE`]; the edge is then as before.
    pub fn push(&mut self, leaf: Digest) -> Result<Vec<Digest>, Error> {
        if self.size >= MAX_SIZE {
            return Err(Error::Full { size: self.size });
        }
        let (mut hash, mut hashes) = (leaf, vec![leaf]);
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
                hashes.push(hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        Ok(hashes)
    }
}
