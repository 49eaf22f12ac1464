//! Checkpoints, cosignatures, and what a witness says to a log that grows, stands still, shrinks or forks.

use super::*;

/// Made with Python's `cryptography` from the text of C2SP tlog-cosignature; seeds are bytes 0 to 31 and 32 to 63.
const COSIGNED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa H1no9Vbha/V7K+0nOUyOYWY2eeqkJO0R/8eVdJBP1U6klJ63rYHH36AjiNbqMeYZ5wXtNMpYFqOQG4s/igFrnBBp3AU=\n\
    — witness.example.com/w1 lpmAzwAAAABkGFDL6ade/xdmW0GepsICyPher/bBsso0aCocxkD4MgnQ2J3N/61CxrucC0uO4wzUWe3K7XvjkEYtewKXIfP/U7l4Cw==\n";
const LOG_KEY: &str = "example.com/behind-the-sofa+1f59e8f5+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const WITNESS_KEY: &str = "witness.example.com/w1+969980cf+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

fn origin() -> Origin {
    "example.com/behind-the-sofa".parse().unwrap()
}

fn log_key() -> SigningKey {
    SigningKey::from_seed("example.com/behind-the-sofa", &std::array::from_fn::<u8, 32, _>(|at| at as u8)).unwrap()
}

fn witness_key() -> SigningKey {
    SigningKey::from_seed("witness.example.com/w1", &std::array::from_fn::<u8, 32, _>(|at| at as u8 + 32)).unwrap()
}

fn signed(size: u64, root: Digest) -> SignedCheckpoint {
    Checkpoint { origin: origin(), size, root }.sign(&log_key()).unwrap()
}

#[test]
fn a_cosigned_checkpoint_is_made_and_read_as_another_implementation_made_it() {
    let root = parse_hash("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=").unwrap();
    let mut made = signed(20_852_163, root);
    let witness: VerifierKey = WITNESS_KEY.parse().unwrap();
    assert_eq!(witness_key().verifier(SignatureKind::Cosignature).unwrap(), witness);
    made.add(cosign(&witness_key(), &made, 1_679_315_147).unwrap(), &witness).unwrap();
    assert_eq!(made.to_string(), COSIGNED);

    let read = SignedCheckpoint::open(COSIGNED.as_bytes(), &origin(), &[LOG_KEY.parse().unwrap()]).unwrap();
    assert_eq!(read, made);
    assert_eq!(*read.checkpoint(), Checkpoint { origin: origin(), size: 20_852_163, root });
    let by = Cosigned { witness: "witness.example.com/w1".to_owned(), time: 1_679_315_147 };
    assert_eq!(cosignatures(&read, std::slice::from_ref(&witness)), Ok(vec![by]));
    assert_eq!(cosignatures(&read, &[LOG_KEY.parse().unwrap()]), Ok(vec![]));
    // A cosignature is not the log's word, though it covers the same text.
    assert_eq!(SignedCheckpoint::open(COSIGNED.as_bytes(), &origin(), &[witness]), Err(Error::NotSigned));
    let other = SignedCheckpoint::open(COSIGNED.as_bytes(), &"other".parse().unwrap(), &[LOG_KEY.parse().unwrap()]);
    assert!(matches!(other, Err(Error::OtherOrigin { .. })));
}

#[test]
fn a_cosignature_holds_for_its_time_and_text_only() {
    let witness: VerifierKey = WITNESS_KEY.parse().unwrap();
    let (one, two) = (signed(1, Digest::of(b"1")), signed(2, Digest::of(b"2")));
    let cosigned = cosign(&witness_key(), &one, 7).unwrap();
    assert!(one.clone().add(cosigned.clone(), &witness).is_ok());
    assert!(matches!(two.clone().add(cosigned, &witness), Err(Error::BadSignature(_))));
    let own = log_key().sign(one.note().text()).unwrap();
    assert_eq!(one.clone().add(own, &witness), Err(Error::NotSigned));
    let later = COSIGNED.replace("AAAABkGFDL", "AAAABkGFDM");
    let read = SignedCheckpoint::open(later.as_bytes(), &origin(), &[LOG_KEY.parse().unwrap()]).unwrap();
    assert!(matches!(cosignatures(&read, std::slice::from_ref(&witness)), Err(Error::BadSignature(_))));
    assert!(cosign(&witness_key(), &one, u64::MAX).is_err());
    let message = cosign::message(u64::MAX, one.note().text());
    let beyond = witness_key().signature(SignatureKind::Cosignature, &[0xff; 8], &message).unwrap();
    assert!(matches!(one.clone().add(beyond, &witness), Err(Error::BadSignature(_))));
    assert!(cosign(&witness_key(), &one, cosign::MAX_TIME).is_ok());
}

#[test]
fn a_witness_that_cosigned_twice_counts_once() {
    let witness: VerifierKey = WITNESS_KEY.parse().unwrap();
    let one = signed(1, Digest::of(b"1"));
    let lines = [7, 9, 8].map(|time| cosign(&witness_key(), &one, time).unwrap().to_string());
    let text = format!("{one}{}\n", lines.join("\n"));
    let read = SignedCheckpoint::open(text.as_bytes(), &origin(), &[LOG_KEY.parse().unwrap()]).unwrap();
    let by = Cosigned { witness: "witness.example.com/w1".to_owned(), time: 9 };
    assert_eq!(cosignatures(&read, &[witness]), Ok(vec![by]));
}

#[test]
fn checkpoint_texts_have_one_form_and_may_have_extensions() {
    let root = hash_text(&Digest::of(b"root"));
    let text = format!("example.com/log\n12\n{root}\n");
    let read: Checkpoint = text.parse().unwrap();
    assert_eq!(read.to_string(), text);
    assert_eq!(format!("{text}one\ntwo words\n").parse(), Ok(read));
    assert!(format!("o\n0\n{}\n", hash_text(&tree::empty_root())).parse::<Checkpoint>().is_ok());
    for text in [
        String::new(),
        "\n\n\n".to_owned(),
        format!("o\n12\n{root}"),
        format!("o\n12\n{root}\n\n"),
        format!("o\n12\n{root}\nmore\n\nmore\n"),
        format!("\n12\n{root}\n"),
        format!("o\n012\n{root}\n"),
        format!("o\n+12\n{root}\n"),
        format!("o\n-1\n{root}\n"),
        format!("o\n 12\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("o\n0\n{root}\n"),
        format!("o\n4611686018427387905\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n12\n{}\n", &root[1..]),
        format!("o\n12\n{}\n", root.replace('=', "")),
        // The spare bits of the last character.
        "o\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n".to_owned(),
        format!("o\n12\nAAAA{root}\n"),
        format!("cosignature/v1\n12\n{root}\n"),
        format!("{}\n12\n{root}\n", "o".repeat(256)),
        format!("o\n12\n{root}\n{}\n", "x".repeat(4096)),
    ] {
        assert!(text.parse::<Checkpoint>().is_err(), "{text:?}");
    }
    for (size, root) in [(0, Digest::of(b"root")), (u64::MAX, Digest::of(b"root"))] {
        assert!(Checkpoint { origin: origin(), size, root }.sign(&log_key()).is_err());
    }
}

#[test]
fn a_log_that_grows_is_consistent() {
    let log = Log::grown(300);
    let at = |size| signed(size, log.root(size));
    assert_eq!(judge(None, at(7), &[]), Ok(Judgement::First(Box::new(at(7)))));
    let pair = |before, now| Box::new(Pair { before, now });
    for (old, new) in [(0, 7), (1, 2), (7, 300), (256, 257), (299, 300)] {
        let proof = prove_consistency(old, new, log.stored.as_slice()).unwrap();
        let judged = judge(Some(at(old)), at(new), &proof).unwrap();
        assert!(judged.may_cosign() && !judged.is_alarm());
        assert_eq!(judged, Judgement::Consistent(pair(at(old), at(new))));
        let judged = judge(Some(at(new)), at(old), &proof).unwrap();
        assert!(!judged.may_cosign() && !judged.is_alarm());
        assert_eq!(judged, Judgement::Older(pair(at(new), at(old))));
    }
    let judged = judge(Some(at(9)), at(9), &[]).unwrap();
    assert!(judged.may_cosign());
    assert_eq!(judged, Judgement::Same(pair(at(9), at(9))));
    assert!(judge(None, at(7), &[log.root(1)]).is_err());
    assert!(judge(Some(at(9)), at(9), &[log.root(1)]).is_err());
}

#[test]
fn a_log_that_forks_or_shrinks_is_caught_with_both_checkpoints() {
    let (log, other) = (Log::grown(300), Log::of((0..300_u32).map(|number| number.to_le_bytes().to_vec())));
    let proof = prove_consistency(100, 300, other.stored.as_slice()).unwrap();
    let (seen, lie) = (signed(100, log.root(100)), signed(300, other.root(300)));
    let judged = judge(Some(seen.clone()), lie.clone(), &proof).unwrap();
    assert!(judged.is_alarm() && !judged.may_cosign());
    let Judgement::Fork(pair, Fork::BadProof(Error::Proof(_))) = judged else { panic!("{judged:?}") };
    assert_eq!(*pair, Pair { before: seen.clone(), now: lie });

    let lie = signed(100, other.root(100));
    for proof in [&[][..], &proof] {
        let judged = judge(Some(seen.clone()), lie.clone(), proof).unwrap();
        let pair = Box::new(Pair { before: seen.clone(), now: lie.clone() });
        assert!(judged.is_alarm());
        assert_eq!(judged, Judgement::Fork(pair, Fork::OtherRoot));
    }
    // What is kept as evidence still verifies for who was not there.
    let keys = [LOG_KEY.parse().unwrap()];
    for kept in [&seen, &lie] {
        assert_eq!(SignedCheckpoint::open(kept.to_string().as_bytes(), &origin(), &keys).as_ref(), Ok(kept));
    }

    let small = signed(50, other.root(50));
    let proof = prove_consistency(50, 100, log.stored.as_slice()).unwrap();
    for proof in [&[][..], &proof] {
        let judged = judge(Some(seen.clone()), small.clone(), proof).unwrap();
        assert!(judged.is_alarm() && !judged.may_cosign());
        assert_eq!(judged, Judgement::Shrunk(Box::new(Pair { before: seen.clone(), now: small.clone() })));
    }
    let stranger = Checkpoint { origin: "other".parse().unwrap(), size: 100, root: log.root(100) };
    let stranger = stranger.sign(&log_key()).unwrap();
    assert!(matches!(judge(Some(seen), stranger, &[]), Err(Error::OtherOrigin { .. })));
}
