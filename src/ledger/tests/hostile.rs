//! Whatever bytes come, they are read or refused; what is read is written again as it came.

use proptest::prelude::*;

use super::tile::{parse_bundle, parse_tile, write_bundle};
use super::*;

const COSIGNED: &str =
    "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n\n— o H1no9VbhaQ==\n— w/1 lpmAzwAAAABkGFDL6ade\n";

fn hash() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

/// A note with something in it replaced.
fn nearly_a_note() -> impl Strategy<Value = Vec<u8>> {
    (0..COSIGNED.len(), 0..4_usize, prop::collection::vec(any::<u8>(), 0..4)).prop_map(|(at, gone, put)| {
        let mut bytes = COSIGNED.as_bytes().to_vec();
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, put);
        bytes
    })
}

fn read_all(bytes: &[u8]) {
    let origin: Origin = "o".parse().unwrap();
    let key = SigningKey::from_seed("o", &[7; 32]).unwrap();
    let keys = [key.verifier(SignatureKind::Ed25519).unwrap(), key.verifier(SignatureKind::Cosignature).unwrap()];
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let _ = note.check(&keys);
    }
    let _ = SignedCheckpoint::open(bytes, &origin, &keys);
    for width in [0, 1, 2, 256, 257, u16::MAX] {
        let _ = parse_tile(bytes, width);
        if let Ok(entries) = parse_bundle(bytes, width) {
            assert_eq!(write_bundle(&entries).unwrap(), bytes);
        }
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(signature) = Signature::parse(&text) {
        assert_eq!(signature.to_string(), text);
    }
    if let Ok(hash) = parse_hash(&text) {
        assert_eq!(hash_text(&hash), text);
    }
    let _ = text.parse::<Checkpoint>();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }

    #[test]
    fn any_nearly_right_bytes_are_read_or_refused(
        note in nearly_a_note(),
        path in "tile/([0-9]{1,3}|entries)/(x[0-9]{3}/){0,8}[0-9]{1,4}(\\.p/[0-9]{0,4})?",
        line in "— [a-z+ ]{0,3} [A-Za-z0-9+/]{0,12}={0,3}",
        key in "[a-z]{0,2}\\+[0-9a-f]{0,9}\\+[A-Za-z0-9+/]{0,46}={0,2}",
    ) {
        for bytes in [note, path.into_bytes(), line.into_bytes(), key.into_bytes()] {
            read_all(&bytes);
        }
    }

    #[test]
    fn every_tile_path_goes_round(level in 0_u8..=63, index: u64, width in 1_u16..=256, entries: bool) {
        let kind = if entries { TileKind::Entries } else { TileKind::Hashes(level) };
        let path = TilePath::new(kind, index, width).unwrap();
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn any_proof_is_checked_without_harm(
        proof in prop::collection::vec(hash(), 0..70),
        (index, size, old) in any::<(u64, u64, u64)>(),
        (one, two) in (hash(), hash()),
        shift in 0_u32..64,
    ) {
        let (index, size, old) = (index >> shift, size >> shift, old >> shift);
        prop_assert!(check_inclusion(&proof, index, &one, size, &two).is_err());
        prop_assert!(check_consistency(&proof, (old, &one), (size, &two)).is_err());
        // Plans are built for every size there can be, without reading a hash.
        for plan in [Plan::inclusion(index, size), Plan::consistency(old, size)].into_iter().flatten() {
            let needs = plan.needs();
            prop_assert!(needs.len() < 4_096);
            prop_assert!(tiles_needed(&needs, size).is_ok());
            prop_assert!(plan.fold(&vec![one; needs.len()]).unwrap().len() <= proof::MAX_PROOF_HASHES);
        }
        let _ = (tiles_needed(&[index, old], size), Frontier::needs(size), tree::stored_hashes(index, one, &[][..]));
    }
}
