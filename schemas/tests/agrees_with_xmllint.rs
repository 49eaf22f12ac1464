//! The same packets and the same schema files given to libxml2: both must accept and refuse the same ones, and the
//! ones that were expected to be.
//!
//! Left out, because the validator means to differ: undeclared `edXML:` and `xlink:` prefixes (tolerated on purpose),
//! a root element that is another global element of the tolerant schema (refused on purpose), and white space around
//! an xs:int (libxml2 2.9 refuses it against XML Schema Part 2, 4.3.6).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::*;

/// Label, packet, changes, accepted by (tolerant, strict).
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], (bool, bool));

const LONG_ORGAN: &str = "H37.90.01.02.03.04";
const SUBJECT: &str = "<edXML:Subject>Về việc thử nghiệm liên thông văn bản điện tử</edXML:Subject>";
const CONTENT: &str = "<edXML:Content>Về việc thử nghiệm liên thông văn bản điện tử</edXML:Content>";

const DOCUMENTS: &[Case] = &[
    ("as the SDK writes it", DOCUMENT, &[], (true, true)),
    ("as the .NET serialiser writes it", DOT_NET, &[], (true, false)),
    ("no Subject", DOCUMENT, &[(SUBJECT, "")], (true, false)),
    (
        "Content before Subject",
        DOCUMENT,
        &[(SUBJECT, ""), (CONTENT, "<edXML:Content>b</edXML:Content><edXML:Subject>a</edXML:Subject>")],
        (true, false),
    ),
    (
        "two Subjects",
        DOCUMENT,
        &[(SUBJECT, "<edXML:Subject>a</edXML:Subject><edXML:Subject>b</edXML:Subject>")],
        (true, false),
    ),
    ("an empty Subject", DOCUMENT, &[(SUBJECT, "<edXML:Subject/>")], (true, false)),
    ("an empty Content", DOCUMENT, &[(CONTENT, "<edXML:Content/>")], (true, true)),
    ("no Content", DOCUMENT, &[(CONTENT, "")], (true, true)),
    ("elements in Subject", DOCUMENT, &[(SUBJECT, "<edXML:Subject><b>x</b></edXML:Subject>")], (false, false)),
    (
        "a day-first date",
        DOCUMENT,
        &[("<edXML:PromulgationDate>2026/03/02", "<edXML:PromulgationDate>02/03/2026")],
        (false, false),
    ),
    ("month and day swapped", DOCUMENT, &[("<edXML:DueDate>2026/03/20", "<edXML:DueDate>2026/20/03")], (false, false)),
    ("a date with dashes", DOCUMENT, &[("<edXML:DueDate>2026/03/20", "<edXML:DueDate>2026-03-20")], (false, false)),
    (
        "a date with one-digit parts",
        DOCUMENT,
        &[("<edXML:DueDate>2026/03/20", "<edXML:DueDate>2026/3/2")],
        (true, false),
    ),
    (
        "a date with spaces around it",
        DOCUMENT,
        &[("<edXML:DueDate>2026/03/20", "<edXML:DueDate> 2026/03/20\n")],
        (true, false),
    ),
    ("an empty date", DOCUMENT, &[("<edXML:DueDate>2026/03/20", "<edXML:DueDate>")], (true, false)),
    ("a time without seconds", DOCUMENT, &[("2026/03/02 08:30:00", "2026/03/02 08:30")], (false, false)),
    ("a time of the 25th hour", DOCUMENT, &[("2026/03/02 08:30:00", "2026/03/02 25:30:00")], (false, false)),
    ("a time of ISO 8601", DOCUMENT, &[("2026/03/02 08:30:00", "2026-03-02T08:30:00+07:00")], (false, false)),
    (
        "words for the number of pages",
        DOCUMENT,
        &[("<edXML:PageAmount>2", "<edXML:PageAmount>số trang văn bản")],
        (false, false),
    ),
    ("too many pages for 16 bits", DOCUMENT, &[("<edXML:PageAmount>2", "<edXML:PageAmount>70000")], (true, false)),
    ("an empty number", DOCUMENT, &[("<edXML:PageAmount>2", "<edXML:PageAmount>")], (true, false)),
    ("a type of words", DOCUMENT, &[("<edXML:Type>2", "<edXML:Type>Công văn")], (false, false)),
    ("a type no list has", DOCUMENT, &[("<edXML:Type>2", "<edXML:Type>71")], (true, true)),
    ("a fraction", DOCUMENT, &[("<edXML:Type>2", "<edXML:Type>2.0")], (false, false)),
    ("an unknown priority", DOCUMENT, &[("<edXML:Priority>1", "<edXML:Priority>7")], (true, false)),
    ("an unknown business", DOCUMENT, &[("<edXML:BussinessDocType>0", "<edXML:BussinessDocType>9")], (true, false)),
    ("Business spelt right", DOCUMENT, &[("BussinessDocType", "BusinessDocType")], (true, false)),
    (
        "Business spelt right, with words for its number",
        DOCUMENT,
        &[("BussinessDocType", "BusinessDocType"), ("DocType>0", "DocType>mới")],
        (false, false),
    ),
    ("no business at all", DOCUMENT, &[("<edXML:Bussiness>", "<!--"), ("</edXML:Bussiness>", "-->")], (true, true)),
    ("a long code number", DOCUMENT, &[("<edXML:CodeNumber>55", "<edXML:CodeNumber>123456789012")], (true, false)),
    (
        "a long agency code of the new form",
        DOCUMENT,
        &[("<edXML:OrganId>H37.90", "<edXML:OrganId>H37.90.01.02.03.04")],
        (true, true),
    ),
    (
        "an agency code of 36 characters",
        DOCUMENT,
        &[("<edXML:OrganId>H37.90", "<edXML:OrganId>H37.901234567890123456789012345678901")],
        (false, false),
    ),
    ("an empty agency code", DOCUMENT, &[("<edXML:OrganId>H37.90", "<edXML:OrganId>")], (true, false)),
    ("no OrganName", DOCUMENT, &[("<edXML:OrganName>Chi cục Mẫu</edXML:OrganName>", "")], (true, false)),
    ("a wrong e-mail address", DOCUMENT, &[("vanthu@thunghiem.example.vn", "vanthu tại thunghiem")], (true, false)),
    ("an unknown element of QCVN", DOCUMENT, &[(CONTENT, "<edXML:Secret>1</edXML:Secret>")], (true, false)),
    ("an element of another namespace", DOCUMENT, &[(CONTENT, "<x:y xmlns:x='urn:x'>1</x:y>")], (true, false)),
    (
        "a date inside an unknown element",
        DOCUMENT,
        &[(CONTENT, "<x:y xmlns:x='urn:x'><edXML:DueDate>mai</edXML:DueDate></x:y>")],
        (false, false),
    ),
    (
        "the extensions of the SDK",
        DOCUMENT,
        &[(
            "<edXML:Direction>false</edXML:Direction>",
            "<edXML:ReplyFors><edXML:ReplyFor>1</edXML:ReplyFor></edXML:ReplyFors><edXML:Direction>true</edXML:Direction><edXML:ReferenceCodes/>",
        )],
        (true, true),
    ),
    ("no Signature", DOCUMENT, &[("<Signature>", "<!--"), ("</Signature>", "-->")], (true, true)),
    ("an empty Signature", DOCUMENT, &[("<Signature>", "<Signature/><!--"), ("</Signature>", "-->")], (true, true)),
    (
        "a Signature of XML-DSig",
        DOCUMENT,
        &[("<Signature>", "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\">")],
        (true, true),
    ),
    ("a Signature of neither", DOCUMENT, &[("<Signature>", "<Signature xmlns=\"urn:x\">")], (true, false)),
    (
        "a dummy Signature holding an odd date",
        DOCUMENT,
        &[("<SignatureValue>AAAA", "<DueDate>x</DueDate><SignatureValue>AAAA")],
        (true, true),
    ),
    ("a manifest without version", DOCUMENT, &[(" version=\"1.0\">", ">")], (true, false)),
    (
        "a manifest of version 2.0",
        DOCUMENT,
        &[("Manifest version=\"1.0\">", "Manifest version=\"2.0\">")],
        (true, false),
    ),
    (
        "a manifest with another attribute",
        DOCUMENT,
        &[("Manifest version=\"1.0\">", "Manifest version=\"1.0\" id=\"x\">")],
        (true, false),
    ),
    ("text between elements", DOCUMENT, &[("<edXML:Code>", "rác<edXML:Code>")], (true, false)),
    ("a content id without cid:", DOCUMENT, &[("<ContentId>cid:", "<ContentId>")], (true, false)),
    ("no attachments", DOCUMENT, &[("<AttachmentEncoded>", "<!--"), ("</AttachmentEncoded>", "-->")], (true, false)),
    (
        "a notation of 30 characters of two bytes",
        DOCUMENT,
        &[("<edXML:CodeNotation>STN-VP", "<edXML:CodeNotation>ăăăăăăăăăăăăăăăăăăăăăăăăăăăăăă")],
        (true, true),
    ),
    (
        "a notation of 31 characters",
        DOCUMENT,
        &[("<edXML:CodeNotation>STN-VP", "<edXML:CodeNotation>ăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăb")],
        (true, false),
    ),
    (
        "xsi:nil where nothing stands",
        DOCUMENT,
        &[(
            "<edXML:DueDate>2026/03/20</edXML:DueDate>",
            "<edXML:DueDate xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"/>",
        )],
        (true, false),
    ),
    (
        "xsi:nil where something stands",
        DOCUMENT,
        &[("<edXML:DueDate>", "<edXML:DueDate xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\">")],
        (false, false),
    ),
];

const STATUSES: &[Case] = &[
    ("as the SDK writes it", STATUS, &[], (true, true)),
    ("with Status for MessageHeader", STATUS_D3, &[], (true, false)),
    ("a code of one digit", STATUS, &[("<edXML:StatusCode>03", "<edXML:StatusCode>3")], (true, false)),
    ("a local code", STATUS, &[("<edXML:StatusCode>03", "<edXML:StatusCode>103")], (true, false)),
    ("a code nobody defines", STATUS, &[("<edXML:StatusCode>03", "<edXML:StatusCode>07")], (true, false)),
    ("words for the code", STATUS, &[("<edXML:StatusCode>03", "<edXML:StatusCode>Đã tiếp nhận")], (false, false)),
    ("no code in the element", STATUS, &[("<edXML:StatusCode>03", "<edXML:StatusCode>")], (false, false)),
    ("no Timestamp", STATUS, &[("<edXML:Timestamp>2026/03/02 09:00:00</edXML:Timestamp>", "")], (true, false)),
    ("a wrong Timestamp", STATUS, &[("2026/03/02 09:00:00", "09:00 02/03/2026")], (false, false)),
    (
        "no PromulgationDate",
        STATUS,
        &[("<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>", "")],
        (true, true),
    ),
    ("Email before Mobile", STATUS, &[("<edXML:Mobile>", "<edXML:Email/><edXML:Mobile>")], (true, false)),
    ("a document sent as a status", DOCUMENT, &[], (true, false)),
];

/// What libxml2 says of each packet.
fn xmllint(schema: &str, packets: &BTreeMap<String, String>) -> BTreeMap<String, bool> {
    let folder = tempfile::tempdir().unwrap();
    for (name, packet) in packets {
        std::fs::write(folder.path().join(name), packet).unwrap();
    }
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("edxml").join(schema);
    let answer = Command::new("xmllint")
        .current_dir(folder.path())
        .args(["--nonet", "--noout", "--schema"])
        .arg(&schema)
        .args(packets.keys())
        .output()
        .unwrap_or_else(|error| panic!("xmllint is needed as an independent judge (package libxml2-utils): {error}"));
    let text = String::from_utf8(answer.stderr).unwrap();
    let said = |line: String| text.lines().any(|found| found == line);
    packets
        .keys()
        .map(|name| {
            let (good, bad) = (said(format!("{name} validates")), said(format!("{name} fails to validate")));
            assert!(good != bad, "xmllint gave no verdict on {name} with {}:\n{text}", schema.display());
            (name.clone(), good)
        })
        .collect()
}

fn agree(cases: &[Case], schema: &str, file: &str, expected: impl Fn(&Case) -> bool) {
    let packets: BTreeMap<String, String> =
        cases.iter().enumerate().map(|(index, case)| (format!("{index:02}.edxml"), change(case.1, case.2))).collect();
    let verdicts = xmllint(file, &packets);
    for (case, (name, packet)) in cases.iter().zip(&packets) {
        let ours = validate(schema, packet);
        assert_eq!(verdicts[name], expected(case), "xmllint, {file}: {}", case.0);
        assert_eq!(ours.is_empty(), expected(case), "{schema}: {}: {ours:#?}", case.0);
    }
}

#[test]
fn documents_against_the_tolerant_schemas() {
    agree(DOCUMENTS, TOLERANT, "document-2022-tolerant.xsd", |case| case.3.0);
    agree(DOCUMENTS, "edxml-document-2016-tolerant", "document-2016-tolerant.xsd", |case| case.3.0);
}

#[test]
fn documents_against_the_strict_schemas() {
    assert!(DOCUMENTS.len() >= 30);
    agree(DOCUMENTS, STRICT, "document-2022-strict.xsd", |case| case.3.1);
    // The versions differ in the length of an agency code and in nothing else.
    agree(DOCUMENTS, STRICT_2016, "document-2016-strict.xsd", |case| {
        case.3.1 && !change(case.1, case.2).contains(LONG_ORGAN)
    });
}

#[test]
fn statuses_against_all_schemas() {
    agree(STATUSES, STATUS_TOLERANT, "status-tolerant.xsd", |case| case.3.0);
    agree(STATUSES, STATUS_STRICT, "status-2022-strict.xsd", |case| case.3.1);
    // Its agency codes have 13 characters.
    agree(STATUSES, "edxml-status-2016-strict", "status-2016-strict.xsd", |case| case.3.1);
}
