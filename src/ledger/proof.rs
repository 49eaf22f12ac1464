//! Proofs: that an entry stands in a tree (RFC 6962 §2.1.1) and that one tree begins with another (§2.1.2).
//!
//! Every hash of a proof is the hash over one range of entries. A [`Plan`] is those ranges; it says which stored hashes
//! it needs, all at once, and folds them into the proof. Whoever has the hashes behind an asynchronous door asks for
//! [`Plan::needs`] and calls [`Plan::fold`]; whoever has a [`HashReader`] calls [`prove_inclusion`] and
//! [`prove_consistency`].
//!
//! Checking follows RFC 9162 §2.1.3.2 and §2.1.4.2, which spell out how proofs of this form are verified. It is other
//! code than building on purpose: a mistake in one is found by the other.

use lienthong_contract::Digest;

use super::Error;
use super::tree::{HashReader, MAX_SIZE, empty_root, fold, node_hash, other_number, read, stored_index, subtrees};

/// The most hashes a proof can have; a witness does not read more (C2SP tlog-witness, add-checkpoint).
pub const MAX_PROOF_HASHES: usize = 63;

/// Ranges of entries whose hashes, in this order, are a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(Vec<(u64, u64)>);

impl Plan {
    /// The audit path of entry `index` in the tree of `size` entries (RFC 6962 §2.1.1, PATH).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when there is no such entry, or no such tree.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, Error> {
        if index >= size || size > MAX_SIZE {
            return Err(Error::OutOfRange { asked: index, size });
        }
        let (mut start, mut end, mut ranges) = (0, size, Vec::new());
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                ranges.push((middle, end));
                end = middle;
            } else {
                ranges.push((start, middle));
                start = middle;
            }
        }
        ranges.reverse();
        Ok(Self(ranges))
    }

    /// The consistency proof between the trees of `old` and of `new` entries (RFC 6962 §2.1.2, PROOF). From the empty
    /// tree, and between a tree and itself, it is empty (C2SP tlog-witness, add-checkpoint).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when `old` is larger, or there is no such tree.
    pub fn consistency(old: u64, new: u64) -> Result<Self, Error> {
        if old > new || new > MAX_SIZE {
            return Err(Error::OutOfRange { asked: old, size: new });
        }
        let (mut start, mut end, mut ranges) = (0, new, Vec::new());
        if old == 0 {
            return Ok(Self(ranges));
        }
        while old != end {
            let middle = start + split(end - start);
            if old <= middle {
                ranges.push((middle, end));
                end = middle;
            } else {
                ranges.push((start, middle));
                start = middle;
            }
        }
        // What is left is common to both trees. If it is the whole old tree, its root is known to who checks.
        if start != 0 {
            ranges.push((start, end));
        }
        ranges.reverse();
        Ok(Self(ranges))
    }

    /// Numbers of the stored hashes that [`Plan::fold`] takes, in its order.
    #[must_use]
    pub fn needs(&self) -> Vec<u64> {
        let parts = self.0.iter().flat_map(|(start, end)| subtrees(*start, *end));
        parts.filter_map(|(level, index)| stored_index(level, index)).collect()
    }

    /// The proof, from the hashes that [`Plan::needs`] names.
    ///
    /// # Errors
    /// [`Error::Read`] when there are fewer or more of them.
    pub fn fold(&self, hashes: &[Digest]) -> Result<Vec<Digest>, Error> {
        let fault = || other_number(hashes.len(), self.needs().len());
        let (mut rest, mut proof) = (hashes, Vec::with_capacity(self.0.len()));
        for (start, end) in &self.0 {
            let (mine, others) = rest.split_at_checked(subtrees(*start, *end).len()).ok_or_else(fault)?;
            proof.push(fold(mine).ok_or_else(fault)?);
            rest = others;
        }
        if rest.is_empty() { Ok(proof) } else { Err(fault()) }
    }
}

/// Where RFC 6962 §2.1 cuts a tree of `size` entries, at least 2: the largest power of two below it.
fn split(size: u64) -> u64 {
    1 << size.saturating_sub(1).checked_ilog2().unwrap_or(0)
}

/// Proof that entry `index` is in the tree of `size` entries (RFC 6962 §2.1.1).
///
/// # Errors
/// Those of the reader; [`Error::OutOfRange`].
pub fn prove_inclusion<R: HashReader + ?Sized>(index: u64, size: u64, reader: &R) -> Result<Vec<Digest>, Error> {
    let plan = Plan::inclusion(index, size)?;
    plan.fold(&read(reader, &plan.needs())?)
}

/// Proof that the tree of `new` entries begins with the tree of `old` entries (RFC 6962 §2.1.2).
///
/// # Errors
/// Those of the reader; [`Error::OutOfRange`].
pub fn prove_consistency<R: HashReader + ?Sized>(old: u64, new: u64, reader: &R) -> Result<Vec<Digest>, Error> {
    let plan = Plan::consistency(old, new)?;
    plan.fold(&read(reader, &plan.needs())?)
}

/// Checks that an entry with this leaf hash is entry `index` of the tree with this size and root (RFC 6962 §2.1.1; the
/// steps are those of RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`Error::Proof`], [`Error::OutOfRange`].
pub fn check_inclusion(proof: &[Digest], index: u64, leaf: &Digest, size: u64, root: &Digest) -> Result<(), Error> {
    if index >= size || size > MAX_SIZE {
        return Err(Error::OutOfRange { asked: index, size });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in within_limit(proof)? {
        if last == 0 {
            return Err(Error::Proof("it has more hashes than the way to the root"));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_lone(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(Error::Proof("it has fewer hashes than the way to the root"));
    }
    if hash == *root { Ok(()) } else { Err(Error::Proof("it leads to another root")) }
}

/// Checks that the tree of `new` entries begins with that of `old` entries (RFC 6962 §2.1.2; the steps are those of
/// RFC 9162 §2.1.4.2). Every tree begins with the empty one and with itself; the proof of that has no hashes.
///
/// # Errors
/// [`Error::Proof`], [`Error::OutOfRange`] when `old` is larger.
pub fn check_consistency(
    proof: &[Digest],
    (old, old_root): (u64, &Digest),
    (new, new_root): (u64, &Digest),
) -> Result<(), Error> {
    if old > new || new > MAX_SIZE {
        return Err(Error::OutOfRange { asked: old, size: new });
    }
    let proof = within_limit(proof)?;
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(Error::Proof("it has hashes where none are needed"));
        }
        let must_be = if old == new { *new_root } else { empty_root() };
        return if *old_root == must_be { Ok(()) } else { Err(Error::Proof("it leads to another old root")) };
    }
    let (mut node, mut last) = (old - 1, new - 1);
    let shift = node.trailing_ones();
    (node, last) = (node >> shift, last >> shift);
    // A complete old tree is itself a node of the new one, and the proof leaves it out.
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(Error::Proof("it has no hashes"))?
    };
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(Error::Proof("it has more hashes than the way to the root"));
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            skip_lone(&mut node, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(Error::Proof("it has fewer hashes than the way to the root"));
    }
    if old_hash != *old_root {
        return Err(Error::Proof("it leads to another old root"));
    }
    if new_hash == *new_root { Ok(()) } else { Err(Error::Proof("it leads to another new root")) }
}

/// A last node without a sibling moves up unchanged until it is a right-hand child (RFC 9162 §2.1.3.2, step 4).
fn skip_lone(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        (*node, *last) = (*node >> 1, *last >> 1);
    }
}

fn within_limit(proof: &[Digest]) -> Result<&[Digest], Error> {
    if proof.len() > MAX_PROOF_HASHES {
        Err(Error::Proof("it has more hashes than a proof can have"))
    } else {
        Ok(proof)
    }
}
