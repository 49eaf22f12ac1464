//! The rules over whole packets, from raw bytes to findings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use jiff::civil::datetime;
use lienthong_contract::Severity;
use lienthong_schemas::{Catalogue, ValidatorPool};

use super::*;
use crate::edxml;

const AGENCIES: &str = r#"
[[agency]]
code = "H37.90"
old_code = "000.00.90.H37"
aliases = ["vxp.saas.03"]
name = "Sở Thí dụ Một"
hop = "province-a"
[[agency]]
code = "H37"
name = "Tỉnh Thí dụ"
speaks_for = ["H37.*"]
[[agency]]
code = "H37.91"
name = "Sở Thí dụ Hai"
hop = "province-a"
[[agency]]
code = "H37.92"
name = "Sở bị khoá"
locked = true
[[agency]]
code = "H17"
name = "Đà Nẵng"
hop = "da-nang"
[[agency]]
code = "H47"
name = "Quảng Nam"
valid_to = "2025-06-30"
successors = ["H17"]
[[agency]]
code = "G07"
name = "Bộ Thí dụ"
valid_to = "2025-03-01"
successors = ["H17", "H37"]
[[agency]]
code = "G25"
name = "Cơ quan giải thể"
valid_to = "2025-03-01"
[[agency]]
code = "H37.99"
name = "Sở tương lai"
valid_from = "2030-01-01"
"#;

/// A document packet whose parts a case replaces.
struct Case {
    from: &'static str,
    to: &'static [&'static str],
    header: &'static str,
    subject: &'static str,
    date: &'static str,
    business: &'static str,
    attachment: &'static str,
    door: Option<&'static str>,
    relay: bool,
    forward: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            from: "H37.90",
            to: &["H37.91"],
            header: "",
            subject: "V/v triển khai kế hoạch năm 2026",
            date: "2026/11/20",
            business: "<Bussiness><BussinessDocType>0</BussinessDocType></Bussiness>",
            attachment: "cong van.pdf",
            door: Some("H37.90"),
            relay: false,
            forward: true,
        }
    }
}

impl Case {
    fn xml(&self) -> String {
        let to: String = self.to.iter().map(|code| format!("<To><OrganId>{code}</OrganId></To>\n")).collect();
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{from}</OrganId></From>
{to}<DocumentId>H37.90,2026/11/20,12/VP-TH</DocumentId>
<Code><CodeNumber>12</CodeNumber><CodeNotation>VP-TH</CodeNotation></Code>
<PromulgationInfo><Place>Lạng Sơn</Place><PromulgationDate>{date}</PromulgationDate></PromulgationInfo>
<Subject>{subject}</Subject>
{header}
</MessageHeader><TraceHeaderList>{business}</TraceHeaderList></edXMLHeader>
<edXMLBody><edXMLManifest version="1.0"/></edXMLBody></edXMLEnvelope>
<AttachmentEncoded><Attachment><ContentId>cid:1</ContentId><AttachmentName>{attachment}</AttachmentName>
<ContentTransferEncoded>JVBERi0xLjQK</ContentTransferEncoded></Attachment></AttachmentEncoded></edXML>"#,
            from = self.from,
            date = self.date,
            subject = self.subject,
            header = self.header,
            business = self.business,
            attachment = self.attachment,
        )
    }

    fn outcome(&self) -> Outcome {
        outcome(&self.xml(), self.door, self.relay, self.forward)
    }
}

fn now() -> Instant {
    Instant::from_vietnam(datetime(2026, 11, 20, 9, 0, 0, 0)).unwrap()
}

/// The gateway knows a hop for everything under G22, and for nothing else.
fn outcome(xml: &str, door: Option<&str>, relay: bool, forward: bool) -> Outcome {
    let directory = Snapshot::from_toml(AGENCIES).unwrap();
    let split = edxml::split(xml.as_bytes(), &edxml::Limits::default()).unwrap();
    let parsed = edxml::parse(&split).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let ministry = AgencyCode::parse("G22").unwrap();
    let routable = |code: &AgencyCode| code.is_under(&ministry);
    let door = match door {
        _ if relay => Door::Relay,
        Some(code) => Door::Agency(code.parse().unwrap()),
        None => Door::Stranger,
    };
    let ctx = Context {
        directory: &directory,
        now: now(),
        door,
        forward_to_successor: forward,
        routable: &routable,
        limits: Limits::default(),
        schemas: None,
    };
    check(&ctx, &split, &parsed)
}

/// Code, VXP answer and what was expected, of every finding.
fn told(outcome: &Outcome) -> Vec<(&str, u8, &str)> {
    outcome.findings.iter().map(|f| (&f.code[7..], f.vxp, f.expected.as_deref().unwrap_or(""))).collect()
}

fn keys(outcome: &Outcome) -> Vec<&str> {
    outcome.recipients.iter().map(|recipient| recipient.key.as_str()).collect()
}

#[test]
fn an_ordinary_packet_passes_without_a_word() {
    let outcome = Case::default().outcome();
    assert_eq!(told(&outcome), []);
    assert_eq!((keys(&outcome), outcome.sender.as_ref().unwrap().as_str()), (vec!["H37.91"], "H37.90"));
    assert_eq!(outcome.recipients[0].hop.as_ref().unwrap().as_str(), "province-a");
}

#[test]
fn recipients_are_known_routable_or_refused_with_18_or_23() {
    for (to, expected) in [
        ("H37.91", vec![]),
        ("vxp.SAAS.03", vec![]),
        ("G22.01", vec![]),
        ("000.00.01.G22", vec![]),
        ("H99", vec![("0001", 18, "")]),
        ("null", vec![("0002", 18, "")]),
        ("H37/91", vec![("0002", 18, "")]),
        ("H47", vec![("0003", 0, "H17 (Đà Nẵng)")]),
        ("G07", vec![("0004", 18, "H17 (Đà Nẵng); H37 (Tỉnh Thí dụ)")]),
        ("G25", vec![("0004", 18, "")]),
        ("H37.99", vec![("0005", 18, "≥ 2030-01-01")]),
        ("H37.92", vec![("0006", 23, "")]),
    ] {
        let outcome = Case { to: Box::leak(Box::new([to])), ..Case::default() }.outcome();
        assert_eq!(told(&outcome), expected, "{to}");
        for finding in outcome.findings.iter() {
            assert_eq!(finding.element.as_deref(), Some("MessageHeader/To/OrganId"), "{to}");
            assert_eq!((finding.line, finding.found.as_deref()), (Some(4), Some(to)), "{to}");
        }
    }
}

#[test]
fn every_recipient_that_cannot_be_delivered_to_is_named_at_once() {
    let outcome = Case { to: &["H98", "H37.91", "H99"], ..Case::default() }.outcome();
    let found: Vec<_> = outcome.findings.iter().map(|f| (f.found.as_deref().unwrap(), f.line.unwrap())).collect();
    assert_eq!(found, [("H98", 4), ("H99", 6)]);
    assert!(outcome.refuses());
}

#[test]
fn old_and_new_code_of_one_agency_are_one_recipient() {
    let outcome =
        Case { from: "H37.91", door: Some("H37.91"), to: &["H37.90", "000.00.90.H37", "h37.90"], ..Case::default() }
            .outcome();
    assert_eq!(keys(&outcome), ["H37.90"]);
    assert_eq!(outcome.recipients[0].written, ["H37.90", "000.00.90.H37", "h37.90"]);
    assert!(outcome.findings.iter().all(|f| f.code == "LT-RUL-0007" && f.severity == Severity::Note));
}

#[test]
fn a_closed_agency_and_its_successor_are_one_recipient_in_its_own_right() {
    let forwarded = Case { to: &["H47"], ..Case::default() }.outcome();
    assert_eq!(forwarded.recipients[0].successor_of.as_ref().unwrap().as_str(), "H47");
    let both = Case { to: &["H47", "H17"], ..Case::default() }.outcome();
    assert_eq!((keys(&both), both.recipients[0].successor_of.clone()), (vec!["H17"], None));
}

#[test]
fn without_forwarding_a_closed_recipient_is_refused_and_its_successor_named() {
    let outcome = Case { to: &["H47"], forward: false, ..Case::default() }.outcome();
    assert_eq!(told(&outcome), [("0004", 18, "H17 (Đà Nẵng)")]);
    assert_eq!(keys(&outcome), ["H47"]);
}

#[test]
fn a_packet_to_oneself_is_accepted() {
    let outcome = Case { to: &["000.00.90.H37"], ..Case::default() }.outcome();
    assert_eq!((told(&outcome), keys(&outcome)), (vec![], vec!["H37.90"]));
}

#[test]
fn too_many_recipients_are_refused_before_they_are_looked_up() {
    let to: Vec<&'static str> = vec!["H37.91"; 501];
    let outcome = Case { to: to.leak(), ..Case::default() }.outcome();
    assert_eq!((told(&outcome), outcome.recipients.len()), (vec![("0008", 22, "≤ 500")], 0));
}

#[test]
fn nobody_sends_for_an_agency_that_is_not_theirs() {
    for (from, door, date, expected) in [
        ("H37.90", Some("H37.90"), "2026/11/20", vec![]),
        ("000.00.90.h37", Some("H37.90"), "2026/11/20", vec![]),
        ("H37.90", Some("H37"), "2026/11/20", vec![]),
        ("H37.90", Some("H37.91"), "2026/11/20", vec![("0022", 19, "H37.91")]),
        ("H37", Some("H37.90"), "2026/11/20", vec![("0022", 19, "H37.90")]),
        ("H37.90", None, "2026/11/20", vec![("0023", 19, "")]),
        ("H37.90", Some("H98"), "2026/11/20", vec![("0023", 19, "")]),
        ("H37.91", Some("H37.92"), "2026/11/20", vec![("0024", 19, "")]),
        ("H37.92", Some("H37.92"), "2026/11/20", vec![("0024", 19, ""), ("0024", 19, "")]),
        ("H99", Some("H37.90"), "2026/11/20", vec![("0020", 19, "")]),
        ("H37.55", Some("H37"), "2026/11/20", vec![("0020", 19, "")]),
        ("null", Some("H37.90"), "2026/11/20", vec![("0021", 19, "")]),
        ("H47", Some("H17"), "2026/11/20", vec![("0026", 0, "H17")]),
        ("H47", Some("H47"), "2026/11/20", vec![("0026", 0, "H17")]),
        ("H47", Some("H37"), "2026/11/20", vec![("0026", 0, "H17"), ("0022", 19, "H37")]),
        ("G07", Some("G07"), "2026/11/20", vec![("0025", 19, "")]),
        ("G07", Some("G07"), "2025/02/28", vec![("0026", 0, "")]),
        ("H37.99", Some("H37"), "2026/11/20", vec![("0025", 19, "")]),
    ] {
        let outcome = Case { from, door, date, ..Case::default() }.outcome();
        assert_eq!(told(&outcome), expected, "{from} through {door:?} on {date}");
    }
}

#[test]
fn a_relay_blocks_only_its_own_consignments_and_repeats_no_check_of_the_first_hop() {
    let case = Case {
        from: "H98",
        to: &["H37.91", "H37.92", "H99", "H47"],
        date: "2027/01/01",
        subject: "N/A",
        door: None,
        relay: true,
        ..Case::default()
    };
    let outcome = case.outcome();
    assert_eq!(told(&outcome), [("0003", 0, "H17 (Đà Nẵng)")]);
    let blocked: Vec<_> = outcome.recipients.iter().map(|r| r.blocked.as_ref().map(|f| f.vxp)).collect();
    assert_eq!(blocked, [None, Some(23), Some(18), None]);
    assert_eq!(outcome.sender.unwrap().as_str(), "H98");
}

#[test]
fn dates_are_measured_by_the_vietnamese_day() {
    for (date, expected) in [
        ("2026/11/20", vec![]),
        ("2026/11/21", vec![("0030", 22, "≤ 2026/11/20")]),
        ("2023/12/01", vec![]),
        ("2023/11/01", vec![("0031", 0, "")]),
    ] {
        assert_eq!(told(&Case { date, ..Case::default() }.outcome()), expected, "{date}");
    }
}

#[test]
fn a_packet_that_acts_on_another_document_must_name_it() {
    let response = "<ResponseFor><OrganId>H37.91</OrganId><Code>12/VP</Code></ResponseFor>";
    for (kind, header, inside, expected) in [
        (0, "", "", vec![]),
        (1, "", "", vec![("0034", 22, ""), ("0035", 0, "")]),
        (1, response, "<BussinessDocReason>Sai</BussinessDocReason>", vec![]),
        (2, response, "<BussinessDocReason>Sai</BussinessDocReason>", vec![("0034", 22, "")]),
        (2, "", "<DocumentId>x</DocumentId>", vec![("0035", 0, "")]),
        (3, "", "<DocumentId>x</DocumentId><BussinessDocReason>Sai</BussinessDocReason>", vec![("0034", 22, "")]),
        (
            3,
            "",
            "<BussinessDocReason>Sai</BussinessDocReason><ReplacementInfoList><ReplacementInfo>\
             <DocumentId>x</DocumentId></ReplacementInfo></ReplacementInfoList>",
            vec![],
        ),
    ] {
        let business = format!("<Bussiness><BussinessDocType>{kind}</BussinessDocType>{inside}</Bussiness>").leak();
        let outcome = Case { business, header, ..Case::default() }.outcome();
        assert_eq!(told(&outcome), expected, "{kind} {inside}");
    }
}

#[test]
fn fillers_and_look_alike_letters_are_remarked() {
    let outcome = Case { subject: "${trichYeu}", ..Case::default() }.outcome();
    assert_eq!(told(&outcome), [("0032", 0, "")]);
    let outcome = Case { subject: "QUYẾT \u{d0}ỊNH", ..Case::default() }.outcome();
    assert_eq!(told(&outcome), [("0036", 0, "")]);
    let outcome = Case { subject: "QUYẾT ĐỊNH", ..Case::default() }.outcome();
    assert_eq!(told(&outcome), []);
}

#[test]
fn a_secrecy_mark_is_refused_wherever_it_stands_and_nothing_of_it_is_repeated() {
    let cases = [
        (Case { subject: "Kế hoạch 7749 (TỐI MẬT)", ..Case::default() }, "MessageHeader/Subject", 8),
        (Case { subject: "M&#7852;T: kế hoạch 7749", ..Case::default() }, "MessageHeader/Subject", 8),
        (Case { subject: "<![CDATA[Mật]]><!-- --> - kế hoạch 7749", ..Case::default() }, "MessageHeader/Subject", 8),
        (
            Case {
                header: "<DocumentType><TypeName>Quyết định mật</TypeName></DocumentType>", ..Case::default()
            },
            "MessageHeader/DocumentType/TypeName",
            9,
        ),
        (
            Case {
                header: "<OtherInfo><SphereOfPromulgation>TUYỆT MẬT</SphereOfPromulgation></OtherInfo>",
                ..Case::default()
            },
            "MessageHeader/OtherInfo/SphereOfPromulgation",
            9,
        ),
        (Case { header: "<Content>7749 - MẬT</Content>", ..Case::default() }, "MessageHeader/Content", 9),
        (Case { attachment: "Mật.pdf", ..Case::default() }, "AttachmentEncoded/Attachment/AttachmentName", 12),
        // Where a system of its own writes it.
        (Case { header: "<DoMat>TỐI MẬT</DoMat>", ..Case::default() }, "MessageHeader/DoMat", 9),
        (
            Case { header: "<Them><x:Muc xmlns:x='urn:x'><Gia>Mật</Gia></x:Muc></Them>", ..Case::default() },
            "MessageHeader/Them/Muc/Gia",
            9,
        ),
        (
            Case {
                business: "<Bussiness><BussinessDocType>0</BussinessDocType>\
                           <BussinessDocReason>Gửi kèm 7749 (MẬT)</BussinessDocReason></Bussiness>",
                ..Case::default()
            },
            "TraceHeaderList/Bussiness/BussinessDocReason",
            10,
        ),
    ];
    for (case, element, line) in cases {
        for relay in [false, true] {
            let outcome = outcome(&case.xml(), case.door, relay, true);
            let [finding] = outcome.findings.as_slice() else { panic!("{element}: {:?}", outcome.findings) };
            assert_eq!((finding.code.as_str(), finding.severity), ("LT-RUL-0060", Severity::Refuse));
            assert_eq!((finding.element.as_deref(), finding.line), (Some(element), Some(line)));
            assert_eq!((&finding.found, &finding.expected), (&None, &None));
            assert!(!serde_json::to_string(finding).unwrap().contains("7749"));
        }
    }
}

#[test]
fn beside_a_mark_no_other_finding_quotes_the_packet() {
    let mut outcome =
        Case { subject: "M\u{d0} ${7749} (MẬT)", to: &["H99"], date: "2027/01/01", ..Case::default() }.outcome();
    assert!(outcome.secret && outcome.findings.len() > 3, "{:?}", outcome.findings);
    assert_eq!(outcome.findings[0].code, "LT-RUL-0060");
    outcome.findings.extend(outcome.recipients[0].blocked.clone());
    assert!(outcome.findings.iter().all(|finding| finding.found.is_none()));
}

#[test]
fn ordinary_words_with_the_letters_of_a_mark_pass() {
    for subject in ["Quy hoạch mật độ xây dựng", "QUY CHẾ BẢO MẬT THÔNG TIN", "Bảo vệ bí mật kinh doanh"]
    {
        assert_eq!(
            told(&Case { subject, attachment: "Quy chế bảo mật.pdf", ..Case::default() }.outcome()),
            [],
            "{subject}"
        );
    }
}

#[test]
fn a_description_is_looked_at_where_it_speaks_of_a_file() {
    let described = "</AttachmentName><Description>Phụ lục (TỐI MẬT)</Description>";
    let reference =
        "<edXMLManifest version=\"1.0\"><Reference><Description>TỐI MẬT</Description></Reference></edXMLManifest>";
    for (old, new, element) in [
        ("</AttachmentName>", described, "AttachmentEncoded/Attachment/Description"),
        ("<edXMLManifest version=\"1.0\"/>", reference, "edXMLManifest/Reference/Description"),
    ] {
        let outcome = outcome(&Case::default().xml().replace(old, new), Some("H37.90"), false, true);
        assert!(outcome.secret);
        assert_eq!(outcome.findings[0].element.as_deref(), Some(element));
    }
    // The answer of a recipient: a secret was sent to it, and it says so.
    let answer = "<Timestamp>2026/11/20 08:59:00</Timestamp><Description>Không nhận: VĂN BẢN MẬT</Description>";
    let outcome = status("02", "<OrganId>H37.91</OrganId>", answer);
    assert_eq!((told(&outcome), outcome.secret), (vec![], false));
}

#[test]
fn encoded_bytes_and_the_elements_of_the_standard_are_no_marks() {
    let encoded = format!("<Anh>{}/MAT/{}</Anh>", "QUJD".repeat(20), "QUJD".repeat(20));
    let cases = [
        format!("{encoded}<SignerInfo><FullName>Mật</FullName></SignerInfo>"),
        "<SoTrang>12</SoTrang><GhiChu>Quy chế bảo mật</GhiChu>".to_owned(),
    ];
    for header in cases {
        let outcome = Case { header: header.leak(), ..Case::default() }.outcome();
        assert!(!outcome.secret, "{:?}", outcome.findings);
    }
    // A signature that some tool wrote holds names of its own.
    let signed = Case::default()
        .xml()
        .replace("</TraceHeaderList>", "</TraceHeaderList><Signature><Object><Ghi>MẬT</Ghi></Object></Signature>");
    let split = edxml::split(signed.as_bytes(), &edxml::Limits::default()).unwrap();
    assert_eq!(secrecy::scan(&split.skeleton), []);
}

#[test]
fn a_mark_is_seen_in_a_packet_that_cannot_be_read_as_a_document() {
    let xml = Case { subject: "MẬT", date: "30/10/2026", ..Case::default() }.xml();
    let split = edxml::split(xml.as_bytes(), &edxml::Limits::default()).unwrap();
    let mut findings = edxml::parse(&split).unwrap_err();
    assert!(secrecy::guard(&split.skeleton, &mut findings));
    assert_eq!(findings[0].code, "LT-RUL-0060");
    assert!(findings.iter().all(|finding| finding.found.is_none()));
}

fn status(code: &str, response_for: &str, rest: &str) -> Outcome {
    let xml = format!(
        r#"<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>H37.90</OrganId></From><ResponseFor>{response_for}<DocumentId>x</DocumentId></ResponseFor>
<StatusCode>{code}</StatusCode>{rest}</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"#
    );
    outcome(&xml, Some("H37.90"), false, true)
}

#[test]
fn a_status_goes_to_the_other_party_and_gives_its_reason() {
    let time = "<Timestamp>2026/11/20 08:59:00</Timestamp>";
    let to = "<OrganId>000.00.91.H37</OrganId>";
    let outcome = status("01", to, time);
    assert_eq!((told(&outcome), keys(&outcome)), (vec![], vec!["H37.91"]));

    let long = format!("{time}<Description>{}</Description>", "ạ".repeat(1001));
    let full = format!("{time}<Description>{}</Description>", "ạ".repeat(1000));
    for (code, to, rest, expected) in [
        ("01", "", time, vec![("0050", 22, "")]),
        ("01", "<OrganId>H99</OrganId>", time, vec![("0001", 18, "")]),
        ("01", "<OrganId>G22</OrganId>", time, vec![]),
        ("02", to, time, vec![("0051", 22, "")]),
        ("02", to, full.as_str(), vec![]),
        ("02", to, long.as_str(), vec![("0052", 22, "≤ 1000")]),
        ("13", to, time, vec![("0053", 0, "")]),
        ("103", to, time, vec![]),
        ("01", to, "<Timestamp>2026/11/20 09:10:00</Timestamp>", vec![]),
    ] {
        assert_eq!(told(&status(code, to, rest)), expected, "{code} {to}");
    }
}

#[test]
fn a_status_from_the_future_is_refused_and_a_fast_clock_remarked() {
    let to = "<OrganId>H37.91</OrganId>";
    for (time, code) in [("2026/11/20 09:11:00", "LT-RUL-0055"), ("2026/11/21 00:00:00", "LT-RUL-0054")] {
        let outcome = status("01", to, &format!("<Timestamp>{time}</Timestamp>"));
        let codes: Vec<_> = outcome.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, [code], "{time}");
    }
}

/// The same case with the schemas asked.
fn validated(case: &Case, strictness: Strictness, relay: bool) -> Vec<(String, Severity)> {
    static POOL: std::sync::LazyLock<ValidatorPool> =
        std::sync::LazyLock::new(|| ValidatorPool::new(Catalogue::builtin().unwrap().into()));
    let directory = Snapshot::from_toml(AGENCIES).unwrap();
    let xml = case.xml();
    let split = edxml::split(xml.as_bytes(), &edxml::Limits::default()).unwrap();
    let ctx = Context {
        directory: &directory,
        now: now(),
        door: if relay { Door::Relay } else { Door::Preview },
        forward_to_successor: true,
        routable: &|_: &AgencyCode| false,
        limits: Limits::default(),
        schemas: Some(Schemas { pool: &POOL, strictness }),
    };
    let outcome = check(&ctx, &split, &edxml::parse(&split).unwrap());
    let lines = xml.lines().count();
    assert!(
        outcome.findings.iter().all(|f| f.line.is_some_and(|line| line as usize <= lines)),
        "{:?}",
        outcome.findings
    );
    outcome.findings.into_iter().map(|finding| (finding.code, finding.severity)).collect()
}

#[test]
fn what_only_the_strict_schema_finds_is_remarked_or_refused_as_the_operator_wants() {
    // The case lacks DocumentType and OrganName, which receivers do without and the regulation does not.
    let case = Case::default();
    let missing = |severity| ("LT-XSD-0002".to_owned(), severity);
    let advice = validated(&case, Strictness::Advise, false);
    assert!(advice.contains(&missing(Severity::Warning)), "{advice:?}");
    assert!(advice.iter().all(|(_, severity)| *severity == Severity::Warning), "{advice:?}");
    assert!(validated(&case, Strictness::Strict, false).contains(&missing(Severity::Refuse)));
    assert_eq!(validated(&case, Strictness::Tolerant, false), []);
    assert_eq!(validated(&case, Strictness::Strict, true), [], "the first hop has asked");
}

/// What is told of a packet that the reader refuses.
fn unread(xml: &str) -> (Vec<String>, Vec<Side>) {
    let directory = Snapshot::from_toml(AGENCIES).unwrap();
    let split = edxml::split(xml.as_bytes(), &edxml::Limits::default()).unwrap();
    let told = edxml::parse(&split).expect_err("the reader refuses it");
    let ctx = Context {
        directory: &directory,
        now: now(),
        door: Door::Preview,
        forward_to_successor: true,
        routable: &|_: &AgencyCode| false,
        limits: Limits::default(),
        schemas: None,
    };
    let unread = check_unread(&ctx, &split, &told);
    (unread.findings.into_iter().map(|finding| finding.code).collect(), unread.not_judged)
}

#[test]
fn of_a_packet_that_cannot_be_read_all_that_stands_there_clearly_is_judged() {
    let case = Case { from: "H99", to: &["H37.91", "H37.92", "X.1"], date: "2026/12/24", ..Case::default() };
    let xml = case.xml().replace("Subject>", "Chu-de>");
    let (codes, not_judged) = unread(&xml);
    assert_eq!(codes, ["LT-RUL-0020", "LT-RUL-0006", "LT-RUL-0001", "LT-RUL-0030"]);
    assert_eq!(not_judged, [Side::Business]);

    let nobody = xml.replace("<From><OrganId>H99</OrganId></From>", "<From/>");
    let (codes, not_judged) = unread(&nobody);
    assert_eq!(codes, ["LT-RUL-0006", "LT-RUL-0001", "LT-RUL-0030"]);
    assert_eq!(not_judged, [Side::Sender, Side::Signature, Side::Business]);

    // Two senders contradict each other: nobody can say which of them is meant.
    let two = xml.replace("<From>", "<From><OrganId>H37.90</OrganId></From><From>");
    assert!(unread(&two).1.contains(&Side::Sender));

    let malformed = xml.replace("Lạng Sơn", "Lạng Sơn & Cao Bằng");
    assert_eq!(unread(&malformed), (Vec::new(), Side::ALL.to_vec()));
}

#[test]
fn codes_of_the_tables_are_unique_and_explained_in_both_languages() {
    use unicode_normalization::UnicodeNormalization;
    let mut seen = std::collections::HashSet::new();
    for kind in findings::ALL.iter().chain(crate::directory::findings::ALL) {
        assert!(seen.insert(kind.code), "{} twice", kind.code);
        for text in [kind.title, kind.fix] {
            assert!(!text.vi.is_empty() && !text.en.is_empty(), "{}", kind.code);
            assert!(text.vi.nfc().eq(text.vi.chars()), "{} is not NFC", kind.code);
        }
        let answers = kind.severity == Severity::Refuse && kind.code.starts_with("LT-RUL");
        assert_eq!(answers, kind.vxp != 0, "{}", kind.code);
    }
}
