//! Roots and proofs: as the RFC defines them, at every kind of size; nothing spoiled passes.

use super::naive::Naive;
use super::tree::{MAX_SIZE, split_stored_index, stored_count, stored_hashes, stored_index};
use super::*;

fn flipped(hash: Digest, bit: usize) -> Digest {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Digest::from_bytes(bytes)
}

/// Builds, compares and checks: entry `index` in the tree of `size`, and the tree of `old` in that of `size`.
fn agrees(log: &Log, naive: &Naive<'_>, size: u64, index: u64, old: u64) {
    let reader = log.stored.as_slice();
    let root_now = log.root(size);
    assert_eq!(root_now, naive.mth(0, size as usize), "root of {size}");
    let path = prove_inclusion(index, size, reader).unwrap();
    assert_eq!(path, naive.path(index as usize, size as usize), "{index} in {size}");
    let leaf = log.leaves[index as usize];
    assert_eq!(check_inclusion(&path, index, &leaf, size, &root_now), Ok(()), "{index} in {size}");

    let proof = prove_consistency(old, size, reader).unwrap();
    assert_eq!(proof, naive.proof(old as usize, size as usize), "{old} in {size}");
    assert_eq!(check_consistency(&proof, (old, &log.root(old)), (size, &root_now)), Ok(()), "{old} in {size}");
}

#[test]
fn every_pair_of_small_sizes_agrees_with_the_definitions() {
    let log = Log::grown(70);
    let naive = Naive::new(&log.leaves);
    for size in 1..=70 {
        for other in 1..=size {
            agrees(&log, &naive, size, other - 1, other);
        }
    }
}

#[test]
fn sizes_around_tiles_and_a_thousand_others_agree_with_the_definitions() {
    let log = Log::grown(5_000);
    let naive = Naive::new(&log.leaves);
    for size in [1, 2, 3, 255, 256, 257, 511, 512, 513, 4096, 4097] {
        for other in [1, 2, 3, 128, 254, 255, 256, 257, 512, 4096, size / 2 + 1, size.max(2) - 1, size] {
            if other <= size {
                agrees(&log, &naive, size, other - 1, other);
            }
        }
    }
    let mut below = numbers(6962);
    for _ in 0..1_000 {
        let size = 1 + below(5_000);
        agrees(&log, &naive, size, below(size), 1 + below(size));
    }
}

#[test]
fn a_log_of_65_536_entries_agrees_with_the_definitions() {
    let log = Log::grown(65_536);
    let naive = Naive::new(&log.leaves);
    for (index, old) in [(0, 1), (255, 256), (256, 257), (40_000, 40_001), (65_534, 65_535), (65_535, 65_536)] {
        agrees(&log, &naive, 65_536, index, old);
        agrees(&log, &naive, 65_535, index.min(65_534), old.min(65_535));
    }
}

#[test]
fn no_spoiled_proof_passes() {
    let log = Log::grown(300);
    let reader = log.stored.as_slice();
    for (size, index, old) in [(300, 0, 1), (300, 255, 256), (300, 299, 299), (257, 256, 255), (7, 6, 3), (8, 5, 6)] {
        let (now, before) = (log.root(size), log.root(old));
        let leaf = log.leaves[index as usize];
        let path = prove_inclusion(index, size, reader).unwrap();
        let proof = prove_consistency(old, size, reader).unwrap();
        let included = |path: &[Digest]| check_inclusion(path, index, &leaf, size, &now).is_ok();
        let consistent = |proof: &[Digest]| check_consistency(proof, (old, &before), (size, &now)).is_ok();
        assert!(included(&path) && consistent(&proof));
        for (intact, passes) in [(&path, &included as &dyn Fn(&[Digest]) -> bool), (&proof, &consistent)] {
            for at in 0..intact.len() {
                for bit in 0..256 {
                    let mut spoiled = intact.clone();
                    spoiled[at] = flipped(spoiled[at], bit);
                    assert!(!passes(&spoiled), "bit {bit} of hash {at} in {size}");
                }
                let mut shorter = intact.clone();
                shorter.remove(at);
                assert!(!passes(&shorter), "without hash {at} in {size}");
                let mut longer = intact.clone();
                longer.insert(at, intact[at]);
                assert!(!passes(&longer), "hash {at} twice in {size}");
            }
            let longer = [intact.as_slice(), &[now]].concat();
            assert!(!passes(&longer));
            assert!(!passes(&vec![now; 64]));
        }
        for bit in 0..256 {
            assert!(check_inclusion(&path, index, &flipped(leaf, bit), size, &now).is_err());
            assert!(check_inclusion(&path, index, &leaf, size, &flipped(now, bit)).is_err());
            assert!(check_consistency(&proof, (old, &flipped(before, bit)), (size, &now)).is_err());
            assert!(check_consistency(&proof, (old, &before), (size, &flipped(now, bit))).is_err());
        }
        for other in (0..size).filter(|other| *other != index) {
            assert!(check_inclusion(&path, other, &leaf, size, &now).is_err(), "{index} passed as {other} of {size}");
        }
    }
}

#[test]
fn a_proof_has_just_the_length_of_its_way_though_its_hashes_fit() {
    let log = Log::grown(4);
    let (leaves, roots) = (&log.leaves, [1, 2, 3, 4].map(|size| log.root(size)));
    // The second of two entries, said to be the only one.
    assert!(check_inclusion(&leaves[..1], 0, &leaves[1], 1, &roots[1]).is_err());
    // A node said to be an entry of a smaller tree.
    assert!(check_inclusion(&[], 0, &roots[1], 2, &roots[1]).is_err());
    // One root for two sizes.
    assert!(check_consistency(&[], (2, &roots[1]), (3, &roots[1])).is_err());
    // Two larger trees, said to be of the sizes of the trees inside them.
    let [old, new] = [roots[2], roots[3]].map(|root| node_hash(&leaves[0], &root));
    let proof = [leaves[2], leaves[3], roots[1], leaves[0]];
    assert_eq!(check_consistency(&proof[..3], (3, &roots[2]), (4, &roots[3])), Ok(()));
    assert!(check_consistency(&proof, (3, &old), (4, &new)).is_err());
}

#[test]
fn every_tree_begins_with_the_empty_one_and_with_itself() {
    let log = Log::grown(5);
    let (empty, five) = (tree::empty_root(), log.root(5));
    assert_eq!(prove_consistency(0, 5, log.stored.as_slice()), Ok(vec![]));
    assert_eq!(check_consistency(&[], (0, &empty), (5, &five)), Ok(()));
    assert_eq!(check_consistency(&[], (5, &five), (5, &five)), Ok(()));
    assert!(check_consistency(&[], (0, &five), (5, &five)).is_err());
    assert!(check_consistency(&[], (5, &log.root(4)), (5, &five)).is_err());
    assert!(check_consistency(&[five], (5, &five), (5, &five)).is_err());
    assert!(check_consistency(&[five], (0, &empty), (5, &five)).is_err());
    assert!(check_consistency(&[], (3, &log.root(3)), (5, &five)).is_err());
}

#[test]
fn what_is_out_of_range_is_refused() {
    let log = Log::grown(5);
    let (reader, root) = (log.stored.as_slice(), log.root(5));
    assert!(prove_inclusion(5, 5, reader).is_err());
    assert!(prove_inclusion(0, 0, reader).is_err());
    assert!(prove_consistency(6, 5, reader).is_err());
    assert!(check_inclusion(&[], 5, &root, 5, &root).is_err());
    assert!(check_inclusion(&[], 0, &root, u64::MAX, &root).is_err());
    assert!(check_consistency(&[], (6, &root), (5, &root)).is_err());
    assert!(check_consistency(&[], (u64::MAX, &root), (u64::MAX, &root)).is_err());
    assert_eq!(super::root(6, reader), Err(Error::MissingHash(9)));
    assert!(super::root(u64::MAX, reader).is_err());
    assert!(stored_hashes(u64::MAX, root, reader).is_err());
    assert!(Frontier::of(3, vec![root]).is_err());
    assert!(Plan::inclusion(0, 4).unwrap().fold(&[root]).is_err());
    assert!(Plan::inclusion(0, 4).unwrap().fold(&[root; 3]).is_err());
}

#[test]
fn appending_stores_each_subtree_once_where_its_number_says() {
    let log = Log::grown(600);
    let naive = Naive::new(&log.leaves);
    for (stored, hash) in log.stored.iter().enumerate() {
        let (level, index) = split_stored_index(stored as u64).unwrap();
        assert_eq!(stored_index(level, index), Some(stored as u64));
        let (from, to) = ((index as usize) << level, (index as usize + 1) << level);
        assert_eq!(*hash, naive.mth(from, to));
    }
    for index in 0..600 {
        let from = stored_count(index) as usize;
        let to = stored_count(index + 1) as usize;
        let hashes = stored_hashes(index, log.leaves[index as usize], log.stored.as_slice()).unwrap();
        assert_eq!(hashes, log.stored[from..to]);
    }
    // An edge that was read goes on like one that grew.
    let mut frontier = Frontier::load(333, log.stored.as_slice()).unwrap();
    frontier.push(log.leaves[333]).unwrap();
    assert_eq!(frontier, Frontier::load(334, log.stored.as_slice()).unwrap());
    assert_eq!(frontier.root(), log.root(334));
}

#[test]
fn numbers_of_stored_hashes_go_up_to_the_largest_tree() {
    assert_eq!(stored_index(62, 0), Some(stored_count(MAX_SIZE) - 1));
    assert_eq!(stored_index(0, MAX_SIZE - 1), Some(stored_count(MAX_SIZE) - 63));
    assert_eq!(split_stored_index(stored_count(MAX_SIZE) - 1), Some((62, 0)));
    for (level, index) in [(0, MAX_SIZE), (0, u64::MAX), (62, 1), (63, 0), (64, 0), (u32::MAX, u64::MAX)] {
        assert_eq!(stored_index(level, index), None);
    }
    assert_eq!(split_stored_index(stored_count(MAX_SIZE)), None);
    assert_eq!(split_stored_index(u64::MAX), None);
    let mut below = numbers(1);
    for _ in 0..2_000 {
        let level = u32::try_from(below(62)).unwrap();
        let index = below(MAX_SIZE >> level);
        let stored = stored_index(level, index).unwrap();
        assert_eq!(split_stored_index(stored), Some((level, index)));
    }
}
