//! Tiles: one path each, and the same hashes in them as in the store.

use std::collections::BTreeMap;

use super::tile::{MAX_ENTRY_BYTES, new_bundles, new_tiles, parse_bundle, parse_tile, tile_content, write_bundle};
use super::*;

fn tiles_of(log: &Log, size: u64) -> BTreeMap<TilePath, Vec<u8>> {
    new_tiles(0, size).map(|path| (path, tile_content(&path, log.stored.as_slice()).unwrap())).collect()
}

#[test]
fn a_log_read_from_tiles_is_the_log_itself() {
    let log = Log::grown(70_000);
    let direct = log.stored.as_slice();
    let mut below = numbers(8);
    for size in [1, 2, 255, 256, 257, 5_000, 65_535, 65_536, 65_537, 70_000] {
        let tiles = tiles_of(&log, size);
        let reader = TileReader::new(&tiles, size);
        assert_eq!(root(size, &reader), root(size, direct));
        for _ in 0..20 {
            let (index, old) = (below(size), 1 + below(size));
            assert_eq!(prove_inclusion(index, size, &reader), prove_inclusion(index, size, direct));
            assert_eq!(prove_consistency(old, size, &reader), prove_consistency(old, size, direct));
        }
    }
}

#[test]
fn only_the_tiles_that_are_needed_are_read() {
    let log = Log::grown(70_000);
    let plan = Plan::inclusion(40_000, 70_000).unwrap();
    let needed = tiles_needed(&plan.needs(), 70_000).unwrap();
    let names: Vec<_> = needed.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["tile/0/156", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17"]);
    let tiles = needed.iter().map(|path| (*path, tile_content(path, log.stored.as_slice()).unwrap()));
    let tiles: BTreeMap<_, _> = tiles.collect();
    let path = prove_inclusion(40_000, 70_000, &TileReader::new(&tiles, 70_000)).unwrap();
    assert_eq!(check_inclusion(&path, 40_000, &log.leaves[40_000], 70_000, &log.root(70_000)), Ok(()));
    let nothing = BTreeMap::new();
    assert!(matches!(root(70_000, &TileReader::new(&nothing, 70_000)), Err(Error::Read(_))));
    // A hash of a later log is not in this one's tiles.
    assert!(tiles_needed(&[tree::stored_count(70_000)], 70_000).is_err());
    assert!(tiles_needed(&[u64::MAX], 70_000).is_err());
}

#[test]
fn a_proof_from_a_changed_tile_does_not_lead_to_the_root() {
    let log = Log::grown(1_000);
    let (intact, root) = (tiles_of(&log, 1_000), log.root(1_000));
    for path in intact.keys() {
        let (mut tiles, index) = (intact.clone(), path.index() * 256);
        let passes = |tiles: &BTreeMap<TilePath, Vec<u8>>| {
            let proof = prove_inclusion(index, 1_000, &TileReader::new(tiles, 1_000));
            proof.and_then(|proof| check_inclusion(&proof, index, &log.leaves[index as usize], 1_000, &root))
        };
        assert_eq!(passes(&tiles), Ok(()));
        for byte in tiles.get_mut(path).unwrap().iter_mut() {
            *byte ^= 1;
        }
        assert_eq!(passes(&tiles), Err(Error::Proof("it leads to another root")), "{path}");
        tiles.get_mut(path).unwrap().pop();
        assert!(matches!(passes(&tiles), Err(Error::Malformed { .. })), "{path}");
    }
}

#[test]
fn the_example_of_the_specification_has_its_tiles() {
    // "a tree of size 70,000 will be represented by …" (C2SP tlog-tiles, Partial Tiles).
    let tiles: Vec<_> = new_tiles(0, 70_000).collect();
    let of = |level, full| {
        let of_level = tiles.iter().filter(|path| path.kind() == TileKind::Hashes(level));
        of_level.filter(|path| (path.width() == 256) == full).map(TilePath::width).collect::<Vec<_>>()
    };
    assert_eq!((of(0, true).len(), of(0, false)), (273, vec![112]));
    assert_eq!((of(1, true).len(), of(1, false)), (1, vec![17]));
    assert_eq!((of(2, true).len(), of(2, false)), (0, vec![1]));
    assert_eq!(tiles.len(), 277);
    let names = |old, new| new_tiles(old, new).map(|path| path.to_string()).collect::<Vec<_>>();
    assert_eq!(names(0, 256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(names(256, 257), ["tile/0/001.p/1"]);
    assert_eq!(names(250, 257), ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]);
    assert_eq!(names(257, 257), [""; 0]);
    assert_eq!(names(257, 3), [""; 0]);
    let bundles: Vec<_> = new_bundles(250, 257).map(|path| path.to_string()).collect();
    assert_eq!(bundles, ["tile/entries/000", "tile/entries/001.p/1"]);
    assert_eq!(new_tiles(u64::MAX - 1, u64::MAX).count(), 1);
    assert!(new_tiles(0, 70_000).chain(new_bundles(0, 70_000)).all(|path| path.is_of(70_000)));
    let path = |text: &str| text.parse::<TilePath>().unwrap();
    assert!(path("tile/0/272").is_of(70_000) && !path("tile/0/272.p/3").is_of(70_000));
    assert!(!path("tile/0/273").is_of(70_000) && !path("tile/0/273.p/111").is_of(70_000));
    assert!(!path("tile/0/274.p/1").is_of(70_000) && !path("tile/63/000.p/1").is_of(70_000));
    assert!(path("tile/entries/273.p/112").is_of(70_000));
    assert!(!TilePath::new(TileKind::Hashes(0), 1 << 56, 256).unwrap().is_of(70_000));
}

#[test]
fn paths_go_round_and_others_are_refused() {
    for (kind, index, width, text) in [
        (TileKind::Hashes(0), 1_234_067, 256, "tile/0/x001/x234/067"),
        (TileKind::Hashes(63), 0, 1, "tile/63/000.p/1"),
        (TileKind::Entries, 1_000, 255, "tile/entries/x001/000.p/255"),
        (TileKind::Entries, 999, 256, "tile/entries/999"),
        (TileKind::Hashes(7), u64::MAX, 3, "tile/7/x018/x446/x744/x073/x709/x551/615.p/3"),
    ] {
        let path = TilePath::new(kind, index, width).unwrap();
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse(), Ok(path));
        assert_eq!((path.kind(), path.index(), path.width()), (kind, index, width));
    }
    for text in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/x01/002",
        "tile/0/X001/002",
        "tile/0/xx01/002",
        "tile/0//001",
        "tile/0/001/",
        "/tile/0/001",
        "tile/0/+01",
        "tile/0/-01",
        "tile/0/ 01",
        "tile/0/001 ",
        "tile/0/001\n",
        "tile/00/001",
        "tile/01/001",
        "tile/64/001",
        "tile/256/001",
        "tile/-1/001",
        "tile/+1/001",
        "tile/x/001",
        "tile/Entries/001",
        "tile/data/001",
        "tile/entries",
        "tile/entries/",
        "tile/8/0/001",
        "tile/0/001.p",
        "tile/0/001.p/",
        "tile/0/001.p/0",
        "tile/0/001.p/01",
        "tile/0/001.p/+1",
        "tile/0/001.p/256",
        "tile/0/001.p/65537",
        "tile/0/001.p/1/",
        "tile/0/001.p/1.p/1",
        "tile/0/.p/1",
        "tile/0/../../../etc/passwd",
        "tile/0/٠٠١",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
    ] {
        assert!(text.parse::<TilePath>().is_err(), "{text:?}");
    }
    assert!(TilePath::new(TileKind::Hashes(64), 0, 1).is_err());
    assert!(TilePath::new(TileKind::Entries, 0, 0).is_err());
    assert!(TilePath::new(TileKind::Entries, 0, 257).is_err());
    let far = TilePath::new(TileKind::Hashes(63), u64::MAX, 256).unwrap();
    assert!(tile_content(&far, Log::grown(1).stored.as_slice()).is_err());
}

#[test]
fn bundles_go_round_and_their_entries_hash_to_the_tile() {
    let entries: Vec<Vec<u8>> = (0..256_usize).map(|length| vec![7; length]).collect();
    let log = Log::of(entries.clone());
    let bundle = write_bundle(&entries).unwrap();
    assert_eq!(bundle[..5], [0, 0, 0, 1, 7]);
    let read = parse_bundle(&bundle, 256).unwrap();
    assert_eq!(read, entries);
    let tile = tile_content(&"tile/0/000".parse().unwrap(), log.stored.as_slice()).unwrap();
    let hashed: Vec<_> = read.into_iter().map(leaf_hash).collect();
    assert_eq!(parse_tile(&tile, 256), Ok(hashed));

    assert!(write_bundle::<&[u8]>(&[]).is_err());
    assert!(write_bundle(&[b""; 257]).is_err());
    assert!(write_bundle(&[vec![0; MAX_ENTRY_BYTES]]).is_ok());
    assert!(write_bundle(&[vec![0; MAX_ENTRY_BYTES + 1]]).is_err());
    for (content, width) in [(&bundle[..], 255), (&bundle, 257), (&bundle, 0), (&bundle[1..], 256), (&[], 1), (&[0], 1)]
    {
        assert!(parse_bundle(content, width).is_err());
    }
    assert!(parse_bundle(&bundle[..bundle.len() - 1], 256).is_err());
    assert!(parse_tile(&tile, 255).is_err() && parse_tile(&tile[1..], 256).is_err());
}
