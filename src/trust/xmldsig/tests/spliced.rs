//! A packet whose bodies are cut out gives the same canonical bytes and the same verdict as in one piece.

use std::io::{self, Read, Write};

use super::super::c14n::{Subset, canonicalize};
use super::super::document::{Document, Limits};
use super::super::{Bodies, Canonicalization, CutRef, NoBodies, Options, RsaScheme, Spliced, Verdict};
use super::super::{sign, splice, verify, verify_bytes};
use super::support::{Dice, p256, packet, with};

/// A source that hands out its bytes in uneven pieces.
struct Uneven<'a> {
    bytes: &'a [u8],
    dice: Dice,
}

impl Bodies for Uneven<'_> {
    fn open(&mut self, offset: u64, len: u64) -> io::Result<Box<dyn Read + '_>> {
        let start = usize::try_from(offset).unwrap();
        let rest = &self.bytes[start..start + usize::try_from(len).unwrap()];
        Ok(Box::new(Pieces { rest, dice: &mut self.dice }))
    }
}

struct Pieces<'a> {
    rest: &'a [u8],
    dice: &'a mut Dice,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (1 + self.dice.roll(7)).min(self.rest.len()).min(buffer.len());
        let (now, later) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.rest = later;
        Ok(count)
    }
}

fn base64_text(dice: &mut Dice) -> String {
    let pieces =
        ["JVBERi0xLjQK", "A", "+/==", "\r\n", "\r", "\n", " ", "\t", "&#13;", "&#10;", "&#xA;", "&#xD;", "\r&#10;"];
    (0..dice.roll(40)).map(|_| dice.pick(&pieces)).collect()
}

/// Cuts the text between each pair of marks out of a document, and the marks away.
fn cut(marked: &str) -> (String, Vec<u8>, Vec<CutRef>) {
    let (mut whole, mut skeleton, mut cuts) = (String::new(), Vec::new(), Vec::new());
    for (index, part) in marked.split('|').enumerate() {
        if index % 2 == 1 {
            let (at, source_offset, source_len) = (skeleton.len(), whole.len() as u64, part.len() as u64);
            cuts.push(CutRef { at, source_offset, source_len });
        } else {
            skeleton.extend_from_slice(part.as_bytes());
        }
        whole.push_str(part);
    }
    (whole, skeleton, cuts)
}

fn marked_document(dice: &mut Dice) -> String {
    let mut document = String::from("<r xmlns='urn:x'>\r\n");
    for _ in 0..1 + dice.roll(4) {
        let around = |dice: &mut Dice| {
            dice.pick(&["", "", "\r", "\n", "\r\n", "x", "&amp;", "<?p?>", "<![CDATA[\r]]>"]).to_owned()
        };
        let (before, body, after) = (around(dice), base64_text(dice), around(dice));
        if dice.chance(4) {
            // In a CDATA section there are no references, and a body may be cut out of it as well.
            let body = body.replace(['&', '#', ';'], "");
            let (inside, behind) = (dice.pick(&["", "\r", "\r\n", "\n", "]"]), dice.pick(&["", "\n", "\r"]));
            document.push_str(&format!("<c>{before}<![CDATA[{inside}|{body}|{behind}]]>{after}</c>\r\n"));
            continue;
        }
        document.push_str(&format!("<c>{before}|{body}|{after}</c>\r\n"));
    }
    document.push_str("</r>");
    document
}

#[test]
fn canonical_form_does_not_depend_on_the_cuts() {
    let mut dice = Dice(7);
    let mut bodies = 0;
    for round in 0..800 {
        let (whole, skeleton, cuts) = cut(&marked_document(&mut dice));
        bodies += cuts.len();
        for method in [Canonicalization::Inclusive, Canonicalization::Exclusive { prefixes: Vec::new() }] {
            let canonical = |input: &Spliced<'_>, bodies: &mut dyn Bodies| {
                let document = Document::parse(input, &Limits::default()).unwrap();
                let mut out = Vec::new();
                canonicalize(&document, Subset::DocumentWithout(None), &method, bodies, &mut out).unwrap();
                String::from_utf8(out).unwrap()
            };
            let expected = canonical(&Spliced::whole(whole.as_bytes()), &mut NoBodies);
            let mut source = Uneven { bytes: whole.as_bytes(), dice: Dice(round + 1) };
            let found = canonical(&Spliced { skeleton: &skeleton, cuts: &cuts }, &mut source);
            assert_eq!(found, expected, "{whole:?}");
        }
    }
    assert!(bodies > 1500);
}

#[test]
fn a_packet_is_signed_and_verified_in_pieces_and_in_one_piece() {
    let mut dice = Dice(99);
    let signer = p256().signer(RsaScheme::Pkcs1);
    for _ in 0..20 {
        let body = base64_text(&mut dice);
        let marked = with(&packet(), "JVBERi0xLjQK\r\nJSVFT0YK", &format!("|{body}|"));
        let (whole, skeleton, cuts) = cut(&marked);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(whole.as_bytes()).unwrap();
        let input = Spliced { skeleton: &skeleton, cuts: &cuts };
        let sealed = sign(&input, &mut file, &signer, &Options::default()).unwrap();
        let (signed_skeleton, signed_cuts) = splice(&skeleton, &cuts, sealed.at, &sealed.signature);
        let in_pieces = verdict(&signed_skeleton, &signed_cuts, &mut file);
        let (signed_whole, _) = splice(whole.as_bytes(), &[], sealed.at, &sealed.signature);
        let in_one = verify_bytes(&signed_whole);
        assert!(matches!(in_one, Verdict::Valid(_)), "{in_one:?}");
        assert_eq!(in_pieces, in_one);
        let mut altered = tempfile::tempfile().unwrap();
        altered.write_all(whole.replace('A', "B").as_bytes()).unwrap();
        let expected = !body.contains('A');
        let found = verdict(&signed_skeleton, &signed_cuts, &mut altered);
        assert_eq!(matches!(found, Verdict::Valid(_)), expected, "{found:?}");
    }
}

fn verdict(skeleton: &[u8], cuts: &[CutRef], bodies: &mut dyn Bodies) -> Verdict {
    verify(&Spliced { skeleton, cuts }, bodies).unwrap()
}
