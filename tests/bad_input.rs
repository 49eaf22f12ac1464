//! Bad input over HTTPS against a running gateway process: each gets its own clear refusal, in both languages, with its
//! place where there is one, and nothing of it is kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::Path;
use std::sync::Arc;

use lienthong::api::Problem;
use lienthong::client::{Client, ClientError, Packet};
use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::edxml::model::Urgency;
use lienthong::pki::Manifest;
use lienthong::receipts::{Event, open};
use lienthong::scene::{self, Agency, Letter, SENDER, example_pdf};
use lienthong_contract::Finding;
use support::gateway::Gateway;
use support::letters::{Signed, letter, sign};
use support::raw::Raw;
use support::world::{hop_keys, inbox, keys, probe};
use support::{eventually, folder};
use tempfile::TempDir;

/// In the same province as the sender.
const LOCAL: &str = "H37.91";
/// Reached over a link that is never up here.
const FAR: &str = "H49.90";

/// One gateway without its neighbours.
struct Alone {
    gateway: Gateway,
    manifest: Manifest,
    sender: Agency,
    recipient: Agency,
    _folder: TempDir,
}

impl Alone {
    async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let folder = folder();
        let manifest = keys(folder.path(), false);
        let data = folder.path().join("province-a");
        let mut config = scene::configuration(&manifest, "province-a", &data, None).unwrap();
        // No default route: what no prefix covers is known to be nowhere.
        config.link[0].default = false;
        config.link[0].prefixes = vec!["H49".to_owned(), "G".to_owned()];
        change(&mut config);
        let mut gateway = Gateway::start(folder.path(), config, |address| probe(&manifest, address));
        gateway.ready().await;
        let agency = |code| scene::agency(&manifest, code, gateway.address, 2, Arc::new(SystemClock)).unwrap();
        Self { sender: agency(SENDER), recipient: agency(LOCAL), gateway, manifest, _folder: folder }
    }

    fn signed(&self, letter: &Letter<'_>) -> Signed {
        sign(&letter.packet().unwrap(), &self.sender.files)
    }

    /// Hands bytes in that must be refused with this finding, and looks whether anything stayed.
    async fn refused(&self, bytes: impl Into<bytes::Bytes>, status: u16, code: &str) -> Finding {
        let answer = self.sender.client.submit(&Packet::Bytes(bytes.into()), None).await;
        let problem = refusal(answer.expect_err("a refusal"));
        let finding = clear(&problem, status, code);
        if let Some(jws) = &problem.receipt {
            let receipt = open(jws, &hop_keys(&self.manifest)).unwrap().receipt;
            assert_eq!(receipt.event, Event::SubmissionRejection);
            assert!(!receipt.reason.as_ref().unwrap().text.is_empty());
            let trace = self.sender.client.trace(receipt.doc_id).await.unwrap_err();
            assert_eq!(refusal(trace).status, 404, "a refused packet has no way to follow");
        }
        self.nothing_stored().await;
        finding
    }

    async fn nothing_stored(&self) {
        assert!(inbox(&self.recipient).await.unwrap().is_empty());
        for held in ["packets", "spool", "arriving"] {
            let files = files_below(&self.gateway.data.join(held));
            assert!(files.is_empty(), "{files:?}");
        }
    }

    async fn accepted(&self, signed: &Signed) -> lienthong_contract::door::Submission {
        self.sender.client.submit(&signed.packet(), None).await.unwrap()
    }
}

fn refusal(error: ClientError) -> Problem {
    match error {
        ClientError::Refused(problem) => *problem,
        other => panic!("no refusal but {other}: {other:?}"),
    }
}

/// The finding of this code, after a look at everything that a person reads of the problem.
fn clear(problem: &Problem, status: u16, code: &str) -> Finding {
    let codes: Vec<&str> = problem.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(problem.status, status, "{codes:?}");
    for text in [&problem.title, &problem.title_en, &problem.detail, &problem.detail_en] {
        assert!(!text.is_empty());
    }
    for finding in &problem.findings {
        for text in [&finding.title_vi, &finding.title_en, &finding.fix_vi, &finding.fix_en] {
            assert!(!text.is_empty(), "{}", finding.code);
        }
        assert_ne!(finding.title_vi, finding.title_en);
    }
    let finding = problem.findings.iter().find(|finding| finding.code == code);
    let finding = finding.unwrap_or_else(|| panic!("no {code} among {codes:?}")).clone();
    assert!(finding.refuses());
    // Details may follow in the same sentence, before its full stop.
    assert!(
        problem.detail.contains(finding.title_vi.trim_end_matches('.')),
        "the detail tells the cause: {}",
        problem.detail
    );
    finding
}

fn placed(finding: &Finding) -> (u32, u32) {
    (finding.line.expect("a line"), finding.column.expect("a column"))
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Puts other text in the place of some that stands exactly once.
fn replaced(packet: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(packet).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to).into_bytes()
}

/// The base64 of the attachment of [`plain`], as far as no padding comes.
fn body_of(pdf: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(&pdf[..pdf.len() / 3 * 3])
}

fn plain<'a>(number: u32, pdf: &'a [u8]) -> Letter<'a> {
    letter(SENDER, &[LOCAL, FAR], number, pdf)
}

#[tokio::test(flavor = "multi_thread")]
async fn that_is_no_sound_xml() {
    let alone = Alone::start(|_| {}).await;
    let pdf = example_pdf(3000);
    let good = plain(1, &pdf).packet().unwrap();
    let text = String::from_utf8(good.clone()).unwrap();

    alone.refused("Kính gửi: Sở Thí dụ Hai\n", 422, "LT-EDX-0001").await;
    alone.refused(&b""[..], 422, "LT-EDX-0002").await;

    let (declaration, rest) = text.split_at(text.find("?>").unwrap() + 2);
    let doctype = format!("{declaration}\n<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{rest}");
    let finding = alone.refused(doctype, 422, "LT-EDX-0004").await;
    assert_eq!(placed(&finding), (2, 1));

    let deep = replaced(&good, "<edXML:Subject>", &format!("{}<edXML:Subject>", "<a>".repeat(10_000)));
    placed(&alone.refused(deep, 422, "LT-EDX-0011").await);

    // A header of 4 MB: as one text, and as very many elements.
    let long = replaced(&good, "<edXML:Subject>", &format!("<edXML:Subject>{}", "x".repeat(4 << 20)));
    placed(&alone.refused(long, 422, "LT-EDX-0015").await);
    let line = "<edXML:Place>Nơi nhận thí dụ thứ nhất của văn bản</edXML:Place>";
    let much = replaced(&good, "<edXML:ToPlaces>", &format!("<edXML:ToPlaces>{}", line.repeat((4 << 20) / line.len())));
    placed(&alone.refused(much, 422, "LT-EDX-0009").await);

    let cut = &good[..good.len() - 100];
    alone.refused(cut.to_vec(), 422, "LT-EDX-0007").await;

    // The gateway is none the worse.
    let signed = alone.signed(&plain(1, &pdf));
    assert_eq!(alone.accepted(&signed).await.digest, signed.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_attachment() {
    let alone = Alone::start(|_| {}).await;
    let pdf = example_pdf(3000);
    let good = plain(2, &pdf).packet().unwrap();
    let body = body_of(&pdf);

    let broken = replaced(&good, &body, &format!("{}*?*?{}", &body[..400], &body[404..]));
    placed(&alone.refused(sign_broken(&alone, &broken), 422, "LT-EDX-0020").await);

    let zip = example_zip();
    let whole = alone.signed(&plain(3, &zip));
    let cut = plain(4, &zip[..zip.len() - 30]).packet().unwrap();
    placed(&alone.refused(sign_broken(&alone, &cut), 422, "LT-EDX-0022").await);
    let findings = alone.accepted(&whole).await.findings;
    assert!(findings.iter().all(|finding| !finding.refuses()), "{findings:?}");
}

/// What cannot be read cannot be signed by our own signer; the refusal does not wait for a signature.
fn sign_broken(alone: &Alone, packet: &[u8]) -> Vec<u8> {
    let signer = lienthong::signing::load_signer(&alone.sender.files.sign_key, &alone.sender.files.sign_chain).unwrap();
    assert!(lienthong::signing::sign_bytes(packet, &signer).is_err());
    packet.to_vec()
}

/// An archive with one stored file.
fn example_zip() -> Vec<u8> {
    let (name, content) = (b"cong-van.txt", "Văn bản thí dụ của Liên Thông\n".repeat(20).into_bytes());
    let crc = content.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    }) ^ u32::MAX;
    let length = u32::try_from(content.len()).unwrap();
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for number in [crc, length, length, 12] {
        common.extend(number.to_le_bytes());
    }
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&common);
    zip.extend(name);
    zip.extend(content);
    let directory = u32::try_from(zip.len()).unwrap();
    zip.extend(b"PK\x01\x02\x14\0");
    zip.extend(&common);
    zip.extend([0; 10]);
    zip.extend(0_u32.to_le_bytes());
    zip.extend(name);
    let size = u32::try_from(zip.len()).unwrap() - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(size.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

#[tokio::test(flavor = "multi_thread")]
async fn about_who_sends_to_whom() {
    let alone = Alone::start(|config| config.directory.forward_to_successor = false).await;
    let pdf = example_pdf(3000);

    let unknown = alone.signed(&letter(SENDER, &[LOCAL, "X99.01"], 5, &pdf));
    let finding = alone.refused(unknown.bytes, 422, "LT-RUL-0001").await;
    assert_eq!(finding.found.as_deref(), Some("X99.01"));
    placed(&finding);

    let closed = alone.signed(&letter(SENDER, &["H47.90"], 6, &pdf));
    let finding = alone.refused(closed.bytes, 422, "LT-RUL-0004").await;
    assert!(finding.expected.as_deref().unwrap().contains(LOCAL), "it names the successor: {:?}", finding.expected);
    placed(&finding);

    // Signed by the agency it names, but handed in by another.
    let other = alone.manifest.agency(LOCAL).unwrap();
    let theirs = sign(&letter(LOCAL, &[SENDER], 7, &pdf).packet().unwrap(), &other);
    let finding = alone.refused(theirs.bytes, 403, "LT-RUL-0022").await;
    assert_eq!(finding.found.as_deref(), Some(LOCAL));
    placed(&finding);

    let mut tomorrow = plain(8, &pdf);
    tomorrow.date = tomorrow.date.tomorrow().unwrap().tomorrow().unwrap();
    let finding = alone.refused(alone.signed(&tomorrow).bytes, 422, "LT-RUL-0030").await;
    assert_eq!(finding.found, Some(tomorrow.date.strftime("%Y/%m/%d").to_string()));
    placed(&finding);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_agency_is_followed_by_its_successor_where_the_operator_allows() {
    let alone = Alone::start(|config| config.directory.forward_to_successor = true).await;
    let signed = alone.signed(&letter(SENDER, &["H47.90"], 6, &example_pdf(3000)));
    let submission = alone.accepted(&signed).await;
    let warning = submission.findings.iter().find(|finding| finding.code == "LT-RUL-0003").unwrap();
    assert!(!warning.refuses() && warning.expected.as_deref().unwrap().contains(LOCAL), "{warning:?}");
    assert_eq!(submission.consignments[0].recipient.as_str(), LOCAL);
    let items = inbox(&alone.recipient).await.unwrap();
    assert_eq!(items.iter().map(|item| item.doc_id).collect::<Vec<_>>(), [submission.doc_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_signature() {
    let alone = Alone::start(|_| {}).await;
    let pdf = example_pdf(3000);
    let unsigned = plain(9, &pdf).packet().unwrap();

    alone.refused(unsigned.clone(), 422, "LT-INT-0003").await;

    for case in ["expired", "not-yet-valid", "other-ca", "revoked", "wrong-key-usage"] {
        let bad = alone.manifest.bad(case).unwrap();
        let finding = alone.refused(sign(&unsigned, &bad.files).bytes, 422, &bad.sign_finding.unwrap()).await;
        assert!(!finding.found.unwrap().is_empty(), "{case}");
    }
    let other = alone.manifest.bad("other-agency").unwrap();
    let finding = alone.refused(sign(&unsigned, &other.files).bytes, 403, "LT-INT-0005").await;
    assert!(finding.found.unwrap().contains(&other.files.code));

    let signed = sign(&unsigned, &alone.sender.files).bytes;
    let body = body_of(&pdf);
    let tampered = replaced(&signed, &body, &format!("{}AAAA{}", &body[..400], &body[404..]));
    alone.refused(tampered, 422, "LT-TRU-0101").await;
    let subject = replaced(&signed, "<edXML:Subject>Về", "<edXML:Subject>Vì");
    alone.refused(subject, 422, "LT-TRU-0101").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_bears_a_secrecy_mark_is_kept_nowhere() {
    let alone = Alone::start(|_| {}).await;
    // Small enough for memory, and large enough for a file.
    for (number, size) in [(10, 3000), (11, 3 << 20)] {
        let marker = format!("khong-duoc-luu-{number}-{}", std::process::id());
        let mut pdf = example_pdf(size);
        let at = pdf.len() / 2 / 3 * 3;
        pdf.splice(at..at, marker.bytes());
        let subject = format!("TỐI MẬT: {marker} về bố trí lực lượng");
        let secret = Letter { subject: &subject, ..plain(number, &pdf) };
        let signed = alone.signed(&secret);
        let finding = alone.refused(signed.bytes, 422, "LT-RUL-0060").await;
        placed(&finding);
        assert_eq!(finding.found, None, "the refusal repeats nothing of it");

        let in_base64 = base64_simd::STANDARD.encode_to_string(marker.as_bytes());
        for piece in [marker.as_str(), &in_base64[..in_base64.len() - 4]] {
            for file in files_below(&alone.gateway.data) {
                let bytes = std::fs::read(&file).unwrap();
                let found = bytes.windows(piece.len()).any(|window| window == piece.as_bytes());
                assert!(!found, "{piece} stands in {}", file.display());
            }
            assert!(!alone.gateway.log_text().contains(piece));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_twice_or_under_a_name_that_is_taken() {
    let alone = Alone::start(|_| {}).await;
    let pdf = example_pdf(3000);
    let signed = alone.signed(&plain(12, &pdf));
    let first = alone.accepted(&signed).await;
    assert!(!first.duplicate);

    let again = alone.accepted(&signed).await;
    assert!(again.duplicate);
    assert_eq!((again.doc_id, &again.receipt), (first.doc_id, &first.receipt));
    assert_eq!(again.consignments, first.consignments);
    let mut raw = Raw::connect(&alone.manifest, &alone.sender.files, alone.gateway.address).await;
    assert_eq!(raw.post(&signed.bytes).await.status, 200);

    let other = alone.signed(&Letter { urgency: Urgency::Urgent, ..plain(12, &pdf) });
    let answer = alone.sender.client.submit(&other.packet(), None).await;
    let finding = clear(&refusal(answer.unwrap_err()), 409, "LT-INT-0007");
    let expected = finding.expected.unwrap();
    assert!(expected.contains(&first.doc_id.to_string()) && expected.contains(&first.digest.to_string()), "{expected}");
    assert_eq!(inbox(&alone.recipient).await.unwrap().len(), 1, "there is one document");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_connection() {
    let alone = Alone::start(|_| {}).await;
    let connect = || Raw::connect(&alone.manifest, &alone.sender.files, alone.gateway.address);

    // Slow: a part of the packet, and then nothing.
    let good = alone.signed(&plain(13, &example_pdf(3000)));
    let mut slow = connect().await;
    let head = format!(
        "POST /v1/packets HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n",
        good.bytes.len()
    );
    slow.send(head.as_bytes()).await;
    slow.send(&good.bytes[..500]).await;
    let slow = async { clear(&slow.answer().await.problem(), 408, "LT-API-0006") };

    // The head of the request, 4 MB.
    let mut long = connect().await;
    let head = format!("GET /v1/inbox HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(4 << 20));
    let long = async {
        long.send(head.as_bytes()).await;
        clear(&long.answer().await.problem(), 431, "LT-API-0009")
    };
    tokio::join!(slow, long);

    // Broken off in the middle: nobody is there to be answered, and nothing is kept.
    let mut broken = connect().await;
    broken
        .send(
            format!("POST /v1/packets HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", good.bytes.len())
                .as_bytes(),
        )
        .await;
    broken.send(&good.bytes[..good.bytes.len() / 2]).await;
    drop(broken);

    // Without a certificate, and with one that nobody registered.
    let nobody = probe(&alone.manifest, alone.gateway.address);
    clear(&refusal(nobody.submit(&good.packet(), None).await.unwrap_err()), 403, "LT-API-0001");
    let mut files = alone.sender.files.clone();
    let hop = alone.manifest.hop("nation").unwrap();
    (files.client_chain, files.client_key) = (hop.tls_chain, hop.tls_key);
    let stranger = client(&alone, &files);
    clear(&refusal(stranger.submit(&good.packet(), None).await.unwrap_err()), 403, "LT-API-0002");

    alone.nothing_stored().await;
    assert!(!alone.accepted(&good).await.duplicate, "the packet that was broken off was not taken");
}

fn client(alone: &Alone, files: &lienthong::pki::AgencyFiles) -> Client {
    scene::client(&alone.manifest, files, alone.gateway.address, 1, Arc::new(SystemClock)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_client_certificate_that_must_be_refused() {
    let alone = Alone::start(|_| {}).await;
    let good = alone.signed(&plain(14, &example_pdf(3000)));
    for (case, alert) in [
        ("expired", "CertificateExpired"),
        ("not-yet-valid", "CertificateExpired"),
        ("revoked", "CertificateRevoked"),
        ("other-ca", "UnknownCA"),
        ("wrong-key-usage", ""),
        ("not-for-transport", ""),
        ("impostor", ""),
    ] {
        let bad = alone.manifest.bad(case).unwrap();
        let stopped = client(&alone, &bad.files).submit(&good.packet(), None).await.unwrap_err();
        assert!(stopped.problem().is_none(), "{case}: the handshake is refused, not the request");
        // The caller's own TLS tells it why.
        let told = format!("{stopped:?}");
        assert!(told.contains("AlertReceived") && told.contains(alert), "{case}: {told}");
        // The operator reads the cause in the log.
        let code = bad.client_finding.unwrap();
        eventually(&format!("{case} stands in the log"), async || {
            alone.gateway.log_text().contains(&code).then_some(())
        })
        .await;
    }
    alone.nothing_stored().await;
    // The good one still gets in.
    assert!(!alone.accepted(&good).await.duplicate);
}
