//! What is written anew gives itself, says the same and carries the same files. Agencies, people and numbers are invented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{Cursor, SeekFrom};

use lienthong_contract::Digest;
use lienthong_contract::digest::Hasher;
use proptest::prelude::*;

use super::*;
use crate::edxml::model::AttachmentMeta;
use crate::edxml::tests::fixtures::{D1, D2, PDF, STATUS, accepted, base64, d1, d1_but, split_bytes, status_but};
use crate::edxml::tests::properties::{any_document, any_status};
use crate::edxml::write::{write_document, write_status};
use crate::edxml::{Limits, QCVN_NAMESPACE};

fn written(packet: &str) -> String {
    let split = split_bytes(packet).unwrap();
    let mut out = Vec::new();
    reform(&split).expect("it is understood").write(&mut Cursor::new(packet), &split, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Written anew, with all that is promised of that.
fn anew(packet: &str) -> String {
    accepted(packet);
    let again = written(packet);
    accepted(&again);
    assert!(says_the_same(&split_bytes(packet).unwrap(), &split_bytes(&again).unwrap()), "{packet}\n{again}");
    assert_eq!(written(&again), again, "it gives itself");
    assert_eq!(written(packet), again, "and the same each time");
    again
}

/// The names of the elements in order, as they are written.
fn names(packet: &str) -> Vec<&str> {
    packet
        .split('<')
        .skip(2)
        .filter(|tag| !tag.starts_with('/'))
        .map(|tag| tag.split([' ', '>']).next().unwrap())
        .collect()
}

fn packets() -> Vec<String> {
    let in_lines = |feed: &str| {
        let body = base64(&[PDF, &[7; 5000]].concat());
        let lines: Vec<&str> = body.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        D1.replace("@BODY@", &format!("{feed}{}{feed}", lines.join(feed)))
    };
    let attachments = |packet: &str| {
        let (envelope, rest) = packet.split_once("<AttachmentEncoded>").unwrap();
        let (list, end) = rest.split_once("</AttachmentEncoded>").unwrap();
        (envelope.to_owned(), format!("<AttachmentEncoded>{list}</AttachmentEncoded>"), end.to_owned())
    };
    let (envelope, list, end) = attachments(&d1());
    let moved = envelope.replace("</edXML:edXMLBody>", &format!("</edXML:edXMLBody>{list}")) + &end;
    let second = list.replace("a1", "a2").replace(&base64(PDF), &base64(b"the other"));
    let twice = envelope.replace("</edXML:edXMLBody>", &format!("{second}</edXML:edXMLBody>")) + &list + &end;
    vec![
        d1(),
        d1().replace("edXML:", "").replace(" xmlns:edXML=", " xmlns:unused="),
        d1().replace("edXML:", "q:").replace("xmlns:edXML", "xmlns:q"),
        d1().replace(&format!(" xmlns:edXML=\"{QCVN_NAMESPACE}\""), ""),
        d1().replace('\n', "\r\n"),
        format!("\u{FEFF}{}", d1()),
        D2.replace("@BODY@", &base64(PDF)),
        STATUS.to_owned(),
        STATUS.replace("MessageHeader", "Status").replace("edXML:", ""),
        status_but(">03<", ">3<"),
        status_but(
            "<edXML:StatusCode>03</edXML:StatusCode>\n<edXML:Description>Đã vào sổ</edXML:Description>",
            "<edXML:Description/><edXML:StatusCode>03</edXML:StatusCode>",
        ),
        in_lines("\n"),
        in_lines("&#13;\n"),
        in_lines("&#xD;&#xA;"),
        D1.replace("@BODY@", &format!("<!-- here --> <![CDATA[\n{}\n]]>", base64(PDF))),
        moved,
        twice,
        d1().replace("Bussiness", "Business").replace("TyperNotation", "TypistNotation"),
        // Faults that are not its to mend.
        d1_but("<edXML:Subject>V/v", "<edXML:Subject>  V/v kie\u{0302}\u{0309}m"),
        d1_but("<ContentId>cid:a1", "<ContentId>cid:cid:a1"),
        d1_but("<edXML:TraceHeaderList>", "<edXML:TraceHeaderList id=\"1\" b='a&gt;\"&#10;>'>"),
        d1_but("<edXML:edXMLManifest version=\"1.0\">", "<edXML:edXMLManifest>"),
        d1_but("<edXML:DueDate>2026/03/20</edXML:DueDate>", "<edXML:DueDate/>"),
        d1_but("<edXML:Subject>V/v", "<edXML:Subject><![CDATA[<b> & ]]>&#13;&lt;/b> ]]&gt; &quot;V/v"),
        d1_but("<edXML:MessageHeader>", "<edXML:MessageHeader><!-- a --><?b c?>"),
        // What nobody knows, here and there.
        d1_but(
            "<edXML:Subject>",
            "<edXML:Secretary b=\"1\"> <edXML:Name>Lan</edXML:Name> </edXML:Secretary><edXML:Subject>",
        ),
        d1_but("<AttachmentName>", "<Odd><Odder>1</Odder></Odd><AttachmentName>"),
        d1_but(
            "<edXML:Subject>",
            "<x:a xmlns:x=\"urn:x\" b=\"1>0 xmlns:edXML=\"><x:b>edXML: 1 &amp; 2</x:b><c/></x:a><edXML:Subject>",
        ),
        d1().replace("<edXML xmlns=", "<edXML:edXML xmlns:edXML=")
            .replace("</edXML>", "</edXML:edXML>")
            .replace("Attachment", "edXML:Attachment")
            .replace("edXML:edXML:", "edXML:")
            .replace("AttachmentedXML:Name", "AttachmentName")
            .replace("<edXML:Subject>", "<x:a xmlns:x=\"urn:x\"><c>1</c></x:a><edXML:Subject>"),
        d1_but("<edXML:Subject>", "<edXML:Subject xml:lang=\"vi\" y:c=\"&lt;\" edXML:d=\"2\" xmlns:y=\"urn:y&amp;\">"),
        d1_but("<AttachmentName>", "<AttachmentName edXML:d=\"2\">"),
        d1_but(
            "<edXML:Reference>",
            "<edXML:Reference xlink:href=\"cid:a1\" xlink:type=\"simple\"><x:a xmlns:x=\"u\">xlink:</x:a>",
        ),
    ]
}

#[test]
fn whatever_way_a_packet_is_written_it_gives_the_official_form_and_that_gives_itself() {
    let usual = anew(&d1());
    for (number, packet) in packets().into_iter().enumerate() {
        let again = anew(&packet);
        assert!(!again.contains("-->") && !again.contains('\r'), "{number}: {again}");
        // These are the same packet in other words.
        if (1..=5).contains(&number) {
            assert_eq!(again, usual, "{number}");
        }
    }
}

#[test]
fn elements_stand_in_the_official_order_with_the_official_prefixes() {
    let again = anew(&D2.replace("@BODY@", &base64(PDF)));
    let header: Vec<&str> = names(&again).into_iter().take_while(|name| *name != "edXML:Subject").collect();
    assert_eq!(
        header,
        [
            "edXML",
            "edXML:edXMLEnvelope",
            "edXML:edXMLHeader",
            "edXML:MessageHeader",
            "edXML:From",
            "edXML:OrganId",
            "edXML:OrganName",
            "edXML:To",
            "edXML:OrganId",
            "edXML:OrganName",
            "edXML:Website",
            "edXML:DocumentId",
            "edXML:Code",
            "edXML:CodeNumber",
            "edXML:CodeNotation",
            "edXML:PromulgationInfo",
            "edXML:Place",
            "edXML:PromulgationDate",
            "edXML:DocumentType",
            "edXML:Type",
            "edXML:TypeDetail",
            "edXML:TypeName"
        ]
    );
    let attachment = &again[again.find("<AttachmentEncoded>").unwrap()..];
    assert!(attachment.starts_with(&format!(
        "<AttachmentEncoded><Attachment><ContentId>77</ContentId><AttachmentName>bao cao.pdf</AttachmentName>\
         <Description>Báo cáo</Description><ContentType>application/pdf</ContentType><edXML:ContentTransferEncoded \
         xmlns:edXML=\"{QCVN_NAMESPACE}\">{}</edXML:ContentTransferEncoded></Attachment></AttachmentEncoded>",
        base64(PDF)
    )));
    assert!(again.contains("<edXML:ContentId>cid:77</edXML:ContentId></edXML:Reference>"), "{again}");
    // What is sent again must be the same bytes, also by a later version of this program.
    let form = Digest::of(again.as_bytes()).to_string();
    assert_eq!(form, "sha256:658105d390f0ae4acd6435bf38b41e312c39416f30afc29a8a592bcb3e2ecd90");
    assert_eq!(
        Digest::of(anew(STATUS).as_bytes()).to_string(),
        "sha256:1eb8b35828067573e066e9acdb15c10e57973fe9d132c4dfe976ce25acd02d7e"
    );
}

#[test]
fn faults_of_content_stay_as_they_were() {
    let again = anew(&d1_but("<edXML:Subject>V/v", "<edXML:Subject>  V/v kie\u{0302}\u{0309}m"));
    assert!(again.contains("<edXML:Subject>  V/v kie\u{0302}\u{0309}m"));
    assert!(anew(&d1_but("<ContentId>cid:a1", "<ContentId>cid:cid:a1")).contains("<ContentId>cid:cid:a1<"));
    assert!(anew(&status_but(">03<", ">3<")).contains("<edXML:StatusCode>3<"));
    let odd = "<edXML:Secretary b=\"1\"> <edXML:Name>Lan</edXML:Name> </edXML:Secretary>";
    assert!(anew(&d1_but("<edXML:Subject>", &format!("{odd}<edXML:Subject>"))).contains(odd));
}

#[test]
fn the_packets_signature_is_left_out_wherever_it_stands() {
    let example = crate::pki::tests::example();
    let files = example.manifest.agency(crate::scene::SENDER).unwrap();
    let signer = crate::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
    let signed =
        |packet: &str| String::from_utf8(crate::signing::sign_bytes(packet.as_bytes(), &signer).unwrap()).unwrap();
    for packet in [d1(), STATUS.to_owned()] {
        let once = signed(&packet);
        assert!(once.contains("SignatureValue"));
        assert_eq!(anew(&once), anew(&packet), "as if it had never been signed");
    }
    let signature = |namespace: &str| {
        format!("<ds:Signature{namespace}><ds:SignedInfo><a xmlns:ds=\"urn:other\"/>1</ds:SignedInfo></ds:Signature>")
    };
    let real = signature(" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"");
    let of_toolkit = "<Signature><SignedInfo>1</SignedInfo></Signature>";
    let other = signature(" xmlns:ds=\"urn:ds\"");
    for signature in [real.as_str(), of_toolkit, &other, "<Signature/>"] {
        for place in ["<edXML:ErrorList/></edXML:edXMLHeader>", "</edXML:edXMLHeader>", "</edXML>"] {
            let whole = d1_but(place.trim_start_matches("<edXML:ErrorList/>"), &format!("{signature}{place}"));
            let again = anew(&whole);
            assert!(!again.contains("Signature"), "{again}");
        }
    }
}

#[test]
fn what_says_something_else_is_told() {
    let original = split_bytes(d1()).unwrap();
    let same = |packet: &str| says_the_same(&original, &split_bytes(packet).unwrap());
    assert!(same(&anew(&d1())));
    let again = anew(&d1());
    assert!(!same(&again.replace("liên thông", "liên  thông")));
    assert!(!same(&again.replace(&base64(PDF), &base64(&[PDF, b"\n"].concat()))));
    assert!(!same(&again.replace(
        "<edXML:OrganId>G09.90</edXML:OrganId><edXML:OrganName>",
        "<edXML:OrganId>G09.91</edXML:OrganId><edXML:OrganName>"
    )));
    assert!(!same(&again.replace("</edXML:edXMLHeader>", "<Signature><a>1</a></Signature></edXML:edXMLHeader>")));
    assert!(!same(&anew(STATUS)));
    assert!(!same("<edXML/>"));
}

#[test]
fn what_is_no_packet_is_not_written() {
    for text in ["<a/>", "<edXML xmlns=\"urn:x\"><edXMLEnvelope/></edXML>"] {
        assert!(reform(&split_bytes(text).unwrap()).is_none(), "{text}");
    }
    // An attribute that would mean something else beside the official prefix.
    let taken = d1_but("<AttachmentName>", "<AttachmentName xmlns:edXML=\"urn:z\" edXML:d=\"2\">");
    assert!(reform(&split_bytes(&taken).unwrap()).is_none());
}

/// A packet whose one attachment is so large that nobody would hold it: zeros, made as they are read.
struct Large {
    head: Vec<u8>,
    len: u64,
    tail: Vec<u8>,
    at: u64,
}

/// The most that is asked for, and handed on, at once.
const PIECE: usize = 64 << 10;

impl Large {
    fn new(len: u64) -> Self {
        let (head, tail) = D1.split_once("@BODY@").unwrap();
        Self { head: head.replace("edXML:", "").into(), len, tail: tail.replace("edXML:", "").into(), at: 0 }
    }
}

impl Read for Large {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        assert!(out.len() <= PIECE, "{} bytes at once", out.len());
        let head = self.head.len() as u64;
        let mut take = |from: &[u8], at: u64| {
            let rest = &from[usize::try_from(at).unwrap()..];
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
            count
        };
        let count = if self.at < head {
            take(&self.head, self.at)
        } else if self.at < head + self.len {
            let left = usize::try_from(head + self.len - self.at).unwrap();
            take(&vec![b'A'; left.min(PIECE)], 0)
        } else {
            take(&self.tail, self.at - head - self.len)
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Large {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { panic!("{to:?}") };
        self.at = at;
        Ok(at)
    }
}

/// Keeps no more than what it is told at once.
#[derive(Default)]
struct Passing {
    digest: Hasher,
    len: u64,
}

impl Write for Passing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(bytes.len() <= PIECE, "{} bytes at once", bytes.len());
        self.digest.update(bytes);
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_large_attachment_passes_through_in_pieces() {
    let length = 96 << 20;
    let mut source = Large::new(length);
    let split = crate::edxml::split(&mut source, &Limits::default()).unwrap();
    let mut out = Passing::default();
    reform(&split).unwrap().write(&mut source, &split, &mut out).unwrap();
    // The same around it as around a small one.
    let small = anew(&D1.replace("@BODY@", "AAAA"));
    let (head, tail) = small.split_once("AAAA").unwrap();
    assert_eq!(out.len, head.len() as u64 + length + tail.len() as u64);
    let mut expected = Hasher::default();
    expected.update(head.as_bytes());
    let zeros = vec![b'A'; 1 << 20];
    (0..length >> 20).for_each(|_| expected.update(&zeros));
    expected.update(tail.as_bytes());
    assert_eq!(out.digest.finish(), expected.finish());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_packet_of_our_own_writer_is_in_the_official_form_however_it_is_turned((document, bodies) in any_document()) {
        let metas = document.attachments.iter().map(|one| AttachmentMeta {
            content_id: one.content_id.as_ref().unwrap().value.clone(),
            name: one.name.as_ref().unwrap().value.clone(),
            description: one.description.as_ref().map(|text| text.value.clone()),
            content_type: one.content_type.as_ref().unwrap().value.clone(),
        });
        let mut packet = Vec::new();
        write_document(&mut packet, &document, metas.zip(bodies.iter().map(Vec::as_slice))).unwrap();
        let packet = String::from_utf8(packet).unwrap();
        // Two writers that know nothing of each other.
        prop_assert_eq!(&anew(&packet), &format!("{packet}\n"));
        let turned = packet.replace("<edXML:", "<").replace("</edXML:", "</");
        let (from, rest) = turned.split_once("<From>").unwrap().1.split_once("</From>").unwrap();
        let whole = format!("<From>{from}</From>");
        let turned = turned.replacen(&whole, "", 1).replacen("</MessageHeader>", &format!("{whole}</MessageHeader>"), 1);
        prop_assert!(turned.contains("</MessageHeader>") && !rest.is_empty());
        prop_assert_eq!(&anew(&turned), &format!("{packet}\n"));
    }

    #[test]
    fn so_is_a_status(report in any_status()) {
        let mut packet = Vec::new();
        write_status(&mut packet, &report).unwrap();
        let packet = String::from_utf8(packet).unwrap();
        prop_assert_eq!(anew(&packet.replace("<edXML:", "<").replace("</edXML:", "</")), format!("{packet}\n"));
    }
}
