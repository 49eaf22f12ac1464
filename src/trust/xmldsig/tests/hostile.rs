//! Broken and hostile documents: refused, never a panic.

use super::super::{Bodies, CutRef, NoBodies, Reason, Spliced, Verdict, verify, verify_bytes};
use super::support::{Dice, problem, reason, signed, with};

#[test]
fn what_is_not_well_formed_is_refused() {
    for bad in [
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a/>&amp;",
        "<a/><![CDATA[]]>",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a b='&x;'/>",
        "<a b='1'c='2'/>",
        "<a xmlns:p='urn:x' xmlns:p='urn:y'/>",
        "<1/>",
        "<a:/>",
        "<:a/>",
        "<a:b:c xmlns:a='urn:x'/>",
        "< a/>",
        "<a></ a>",
        "<a></a b='1'>",
        "<a>&x;</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&amp</a>",
        "<a>&</a>",
        "<a>]]></a>",
        "<a>\u{1}</a>",
        "<a>\u{fffe}</a>",
        "<a b='\u{0}'/>",
        "<a><!-- -- --></a>",
        "<a><!-- ---></a>",
        "<a><!--></a>",
        "<a><!x></a>",
        "<a><![cdata[x]]></a>",
        "<a><??></a>",
        "<a><?xml version='1.0'?></a>",
        "<a><?XML x?></a>",
        "<a><?a:b?></a>",
        "<?xml version='1.1'?><a/>",
        "<?xml version='1.0' encoding='UTF-16'?><a/>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml?><a/>",
        "<?xml version='1.0' other='x'?><a/>",
        "<!-- --><?xml version='1.0'?><a/>",
        "\u{feff}\u{feff}<a/>",
        " \u{feff}<a/>",
    ] {
        assert_eq!(reason(bad), Reason::Malformed, "{bad:?}");
    }
    assert!(matches!(verify_bytes(b"<a>\xff</a>"), Verdict::Invalid(p) if p.place == Some((1, 4))));
    for good in
        ["\u{feff}<a/>", "\r\n <?xml version=\"1.0\" standalone='yes'?><a/>", "<a/> <?x?><!-- x -->", "<a b = '>'/>"]
    {
        assert_eq!(verify_bytes(good.as_bytes()), Verdict::Absent, "{good}");
    }
}

#[test]
fn a_fault_is_told_with_its_place() {
    assert_eq!(problem("<a>\n <b>\n</a>").place, Some((3, 1)));
    assert_eq!(problem("<a>\nđđ&x;</a>").place, Some((2, 3)));
}

/// Damages the signed packet at random places: it must never come out valid with other content, and never panic.
#[test]
fn random_damage_never_makes_a_valid_packet() {
    let Verdict::Valid(original) = verify_bytes(signed().as_bytes()) else { panic!("the sample is not valid") };
    let mut dice = Dice(42);
    let mut refused = 0;
    for _ in 0..1500 {
        let mut bytes = signed().as_bytes().to_vec();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            match dice.roll(4) {
                0 => bytes[at] ^= 1 << dice.roll(8),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"<>&'\"/!? \r\n-]x"[dice.roll(14)]),
                _ => bytes.truncate(at + 1),
            }
        }
        match verify_bytes(&bytes) {
            // Damage to what is not signed (inside ignorable white space of a tag, in the certificate's base64 white
            // space) may leave it valid; then the canonical form is unchanged.
            Verdict::Valid(found) => assert_eq!(found.coverage.digest, original.coverage.digest),
            _ => refused += 1,
        }
    }
    assert!(refused > 1000, "{refused}");
}

/// A store that fails.
struct Broken;

impl Bodies for Broken {
    fn open(&mut self, _offset: u64, _len: u64) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }
}

#[test]
fn a_body_that_cannot_be_read_says_nothing_about_the_signature() {
    let body = "JVBERi0xLjQK\r\nJSVFT0YK";
    let at = signed().find(body).unwrap();
    let skeleton = with(signed(), body, "");
    let cuts = [CutRef { at, source_offset: 0, source_len: body.len() as u64 }];
    let input = Spliced { skeleton: skeleton.as_bytes(), cuts: &cuts };
    assert!(verify(&input, &mut Broken).is_err());
    assert!(verify(&input, &mut NoBodies).is_err());
    assert!(verify(&input, &mut &b"short"[..]).is_err());
    assert!(matches!(verify(&input, &mut body.as_bytes()), Ok(Verdict::Valid(_))));
    // Markup in a body would be text here and markup in the file that leaves.
    for bad in [
        "JVBERi0xLjQK<!---->JSVFT",
        "JVBERi0xLjQK\r\n&x;FT0YKA",
        "JVBERi0xLjQK\r\n\u{e1}VFT0Y",
        "JVBERi0xLjQK\r\nJSVFT0&#",
    ] {
        let mut source = bad.as_bytes();
        let cuts = [CutRef { at, source_offset: 0, source_len: bad.len() as u64 }];
        let verdict = verify(&Spliced { skeleton: skeleton.as_bytes(), cuts: &cuts }, &mut source);
        assert!(matches!(&verdict, Ok(Verdict::Invalid(p)) if p.reason == Reason::BadBody), "{bad}: {verdict:?}");
    }
}

#[test]
fn cuts_in_impossible_places_are_refused() {
    let cut = |at| CutRef { at, source_offset: 0, source_len: 1 };
    let section = "<a><![CDATA[]]></a>";
    for at in 3..section.len() {
        let input = Spliced { skeleton: section.as_bytes(), cuts: &[cut(at)] };
        let fine = matches!(at, 3 | 12 | 15);
        assert_eq!(matches!(verify(&input, &mut &b"x"[..]), Ok(Verdict::Absent)), fine, "{at}");
    }
    for cuts in [vec![cut(0)], vec![cut(1)], vec![cut(7)], vec![cut(99)], vec![cut(4), cut(3)], vec![cut(5)]] {
        let input = Spliced { skeleton: "<a>đ</a>".as_bytes(), cuts: &cuts };
        let verdict = verify(&input, &mut &b"x"[..]);
        // A cut at 3 or 5 stands in the text: around the letter, not inside it.
        let fine = cuts.len() == 1 && matches!(cuts[0].at, 3 | 5);
        assert_eq!(matches!(verdict, Ok(Verdict::Absent)), fine, "{cuts:?}: {verdict:?}");
    }
}
