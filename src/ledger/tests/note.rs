//! Signed notes: the vectors of golang.org/x/mod/sumdb/note, and what must be refused.

use super::*;

const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
/// What follows the kind's byte in `PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz`.
const PETER_SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER_LINE: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
const ENOCH_LINE: &str =
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn note(lines: &[&str]) -> Result<Note, Error> {
    Note::parse(format!("{TEXT}\n{}\n", lines.join("\n")).as_bytes())
}

fn peter() -> SigningKey {
    let seed = base64_simd::STANDARD.decode_to_vec(PETER_SEED).unwrap();
    SigningKey::from_seed("PeterNeumann", &seed[1..]).unwrap()
}

#[test]
fn the_note_of_the_reference_implementation_is_made_and_verified() {
    let signer = peter();
    assert_eq!(signer.verifier(SignatureKind::Ed25519).unwrap().to_string(), PETER);
    let made = Note::new(TEXT, signer.sign(TEXT).unwrap()).unwrap();
    assert_eq!(made.to_string(), format!("{TEXT}\n{PETER_LINE}\n"));
    let read = note(&[PETER_LINE]).unwrap();
    assert_eq!(read, made);
    assert_eq!(read.text(), TEXT);
    let keys = [key(PETER)];
    let verified = read.verify(&keys).unwrap();
    assert_eq!(verified.iter().map(|signature| signature.key.name()).collect::<Vec<_>>(), ["PeterNeumann"]);
    let mut again = read.clone();
    again.add(peter().sign(TEXT).unwrap()).unwrap();
    assert_eq!(again, read);
}

#[test]
fn unknown_signatures_say_nothing_and_a_bad_known_one_condemns() {
    let both = note(&[PETER_LINE, ENOCH_LINE]).unwrap();
    assert_eq!(both.verify(&[key(PETER), key(ENOCH)]).unwrap().len(), 2);
    assert_eq!(both.verify(&[key(ENOCH)]).unwrap().len(), 1);
    assert_eq!(both.verify(&[]), Err(Error::NotSigned));
    assert_eq!(both.check(&[]), Ok(vec![]));
    assert_eq!(note(&[PETER_LINE; 3]).unwrap().verify(&[key(PETER)]).unwrap().len(), 1);

    let bad = PETER_LINE.replace("ZJku", "ZJkv");
    let spoiled = note(&[ENOCH_LINE, &bad]).unwrap();
    assert_eq!(spoiled.verify(&[key(ENOCH), key(PETER)]), Err(Error::BadSignature(PETER.to_owned())));
    assert!(spoiled.verify(&[key(ENOCH)]).is_ok());
    // The name or the id alone is not the key's.
    for line in [PETER_LINE.replace("PeterNeumann", "PeterNeuman"), PETER_LINE.replace("x08g", "x18g")] {
        assert_eq!(note(&[&line]).unwrap().verify(&[key(PETER)]), Err(Error::NotSigned));
    }
    let other = format!("{TEXT}And more.\n\n{PETER_LINE}\n");
    assert!(matches!(Note::parse(other.as_bytes()).unwrap().verify(&[key(PETER)]), Err(Error::BadSignature(_))));
    let short = note(&["— PeterNeumann x08go/ZJ"]).unwrap();
    assert!(matches!(short.verify(&[key(PETER)]), Err(Error::BadSignature(_))));
}

#[test]
fn text_may_have_empty_lines_and_the_last_one_parts_it_from_the_signatures() {
    let text = "a\n\nb\n\n";
    let made = Note::new(text, peter().sign(text).unwrap()).unwrap();
    let read = Note::parse(made.to_string().as_bytes()).unwrap();
    assert_eq!(read.text(), text);
    assert!(read.verify(&[key(PETER)]).is_ok());
}

#[test]
fn what_is_no_note_is_refused() {
    let line = PETER_LINE;
    for text in [
        String::new(),
        "\n".to_owned(),
        "\n\n".to_owned(),
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}\n{line}"),
        format!("{TEXT}{line}\n"),
        format!("\u{1}{TEXT}\n{line}\n"),
        format!("{TEXT}\r\n\n{line}\n"),
        format!("{TEXT}\n{line}\nUnexpected line.\n"),
        format!("{TEXT}\n{line}\n\n"),
        format!("{TEXT}\n{}\n", line.replace("PeterNeumann", "Bad Name")),
        format!("{TEXT}\n{}\n", line.replace("PeterNeumann", "Bad+Name")),
        format!("{TEXT}\n{}\n", line.replace("PeterNeumann", "Bad\u{a0}Name")),
        format!("{TEXT}\n{}\n", line.replace("PeterNeumann", "")),
        format!("{TEXT}\n{}\n", line.replace('—', "-")),
        format!("{TEXT}\n{}\n", line.replace("nAM=", "nAM")),
        // The spare bits of the last character.
        format!("{TEXT}\n{}\n", line.replace("nAM=", "nAN=")),
        format!("{TEXT}\n— PeterNeumann x08gow==\n"),
        format!("{TEXT}\n— PeterNeumann \n"),
        format!("{TEXT}\n{}", format!("{line}\n").repeat(101)),
        format!("{}\n{line}\n", "a\n".repeat(200_000)),
    ] {
        assert!(Note::parse(text.as_bytes()).is_err(), "{:?}", text.chars().take(300).collect::<String>());
    }
    assert!(Note::parse(format!("{TEXT}\n{}", format!("{line}\n").repeat(100)).as_bytes()).is_ok());
    assert!(Note::parse(&[TEXT.as_bytes(), b"\xff\n\n", line.as_bytes(), b"\n"].concat()).is_err());
    for text in ["", "abc", "a\tb\n", "cosignature/v1\ntime 1\no\n"] {
        assert!(peter().sign(text).is_err());
    }
}

#[test]
fn keys_go_round_and_mangled_ones_are_refused() {
    for text in [PETER, ENOCH, "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"] {
        assert_eq!(key(text).to_string(), text);
        for (start, end) in (0..text.len()).flat_map(|start| (start..=text.len()).map(move |end| (start, end))) {
            assert_eq!(text[start..end].parse::<VerifierKey>().is_ok(), (start, end) == (0, text.len()));
        }
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] += 1;
            assert!(String::from_utf8(bytes).unwrap().parse::<VerifierKey>().is_err(), "{text} at {at}");
        }
    }
    for text in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
    }
    assert!(SigningKey::from_seed("a b", &[1; 32]).is_err());
    assert!(SigningKey::from_seed("a", &[1; 31]).is_err());
    assert!(SigningKey::from_pkcs8("a", b"not a key").is_err());
    let made = ring::signature::Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    assert!(SigningKey::from_pkcs8("a", made.as_ref()).is_ok());
}
