//! `lienthong verify`: offline proof of what became of a document. It needs no gateway.
//!
//! Nothing in the file is believed but what a hop signed: the outcome is read from the receipts, never from the states
//! written beside them, and a state that claims an end which no receipt proves makes the file invalid. Each receipt is
//! judged by its own certificate chain at its own time. A bundle is judged by [`crate::bundle`].

mod anchors;
mod bundle;
mod evidence;
mod told;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;
use lienthong_contract::digest::Hasher;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, HopName, Instant};
use serde::Serialize;

use super::connection::load_manifest;
use super::{Outcome, Verdict, show};
use crate::bundle::{outcome, print};
use crate::receipts::chain::order;
use crate::receipts::{ChainFault, Event, HopKeys, Outside, Sealed, open, verify_chain};
use crate::trust::TrustStore;
use crate::trust::hops::{HopTrust, Pins};
use evidence::{Evidence, Strand};

/// A trace of thousands of consignments is far below.
const MAX_EVIDENCE_BYTES: u64 = 256 << 20;

/// Kiểm chứng biên nhận, không cần trục — offline proof of what became of a document.
#[derive(Debug, Args)]
pub struct Verify {
    /// Tệp do `proof` hoặc `trace -o` lưu, hoặc biên nhận (JWS) — a bundle, a file saved by `trace -o`, or receipts.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Thư mục chứng thư gốc, có thể kèm danh sách thu hồi và pins.toml; nếu bỏ trống thì dùng FILE.trust —
    /// a folder of trusted roots (PEM or DER); FILE.trust when left out.
    #[arg(long, value_name = "DIR", env = "LIENTHONG_TRUST")]
    trust: Option<PathBuf>,
    /// Chứng thư gốc của các trục — roots that the hops' certificates must lead to.
    #[arg(long, value_name = "PEM", num_args = 1..)]
    roots: Vec<PathBuf>,
    /// Chứng thư CA trung gian — authorities below the roots.
    #[arg(long, value_name = "PEM", num_args = 1..)]
    intermediates: Vec<PathBuf>,
    /// Danh sách thu hồi — revocation lists.
    #[arg(long, value_name = "PEM", num_args = 1..)]
    crls: Vec<PathBuf>,
    /// Thư mục do `lienthong certs` tạo, khi không có --roots — a folder made by `lienthong certs`, without --roots.
    #[arg(long, value_name = "DIR", env = "LIENTHONG_CERTS")]
    certs: Option<PathBuf>,
    /// Đối chiếu với gói tin này — hold this packet against the receipts.
    #[arg(long, value_name = "FILE")]
    packet: Option<PathBuf>,
    /// Ghi câu trả lời thành trang HTML để in — write the answer to a bundle as a page to print.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Ghi câu trả lời thành PDF — write the answer to a bundle as a PDF.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The whole answer.
#[derive(Debug, Serialize)]
struct Report {
    verdict: &'static str,
    /// The first thing that does not hold, by its place in the file.
    part: Option<String>,
    reason: Option<String>,
    outcome: &'static str,
    packet: Option<Digest>,
    /// Whether the packet given is the one that the receipts speak of.
    packet_matches: Option<bool>,
    /// Who sent it, by the receipts that hold.
    #[serde(skip)]
    from: Option<AgencyCode>,
    receipts: usize,
    receipts_verified: usize,
    consignments: Vec<Told>,
}

/// One consignment.
#[derive(Debug, Serialize)]
struct Told {
    id: Option<ConsignmentId>,
    recipient: Option<AgencyCode>,
    verdict: &'static str,
    part: Option<String>,
    reason: Option<String>,
    outcome: &'static str,
    receipts: Vec<Line>,
}

/// One receipt.
#[derive(Debug, Serialize)]
struct Line {
    event: Option<Event>,
    hop: Option<HopName>,
    time: Option<Instant>,
    verified: bool,
    problem: Option<String>,
    /// Of a negative one.
    reason: Option<String>,
    /// The system outside this network that it speaks of, on whose word.
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<Outside>,
}

impl Verify {
    pub fn run(mut self) -> Outcome {
        let bytes = read(&self.file)?;
        if self.trust.is_none() && self.certs.is_none() && self.roots.is_empty() {
            self.trust = Some(self.beside()?);
        }
        if let Some(file) = self.trust.as_deref().filter(|trust| trust.is_file()) {
            let (vi, en) = (
                "--trust cần một thư mục; một tệp PEM thì dùng --roots",
                "--trust wants a folder; for a PEM file use --roots",
            );
            anyhow::bail!("{}: {vi} — {en}", file.display());
        }
        if bundle::is_one(&bytes) {
            return self.run_bundle(&bytes);
        }
        let only = "--html, --pdf: chỉ cho tệp chứng minh — for bundles only";
        ensure!(self.html.is_none() && self.pdf.is_none(), only);
        let keys = self.keys()?;
        let text = String::from_utf8(bytes).with_context(|| self.file.display().to_string())?;
        let evidence = Evidence::read(&text)
            .with_context(|| format!("{} không phải tệp biên nhận — holds no receipts", self.file.display()))?;
        let digest = self.packet.as_deref().map(digest_of).transpose()?;
        let report = judge(&evidence, &keys, digest);
        if self.json {
            show::json(&report)?;
        } else {
            told::tell(&report, self.packet.as_deref());
        }
        Ok(if report.verdict == "valid" { Verdict::Yes } else { Verdict::No })
    }

    /// The folder of roots that lies beside the file, as `demo --proof` leaves it. It proves as much as one trusts the place.
    fn beside(&self) -> anyhow::Result<PathBuf> {
        let folder = super::beside(&self.file);
        let (vi, en) = (
            "chưa chỉ ra chứng thư gốc, cạnh tệp cũng không có: dùng --trust, --roots hoặc --certs",
            "no roots, and none beside the file: --trust, --roots or --certs",
        );
        ensure!(folder.is_dir(), "{vi} — {en} ({})", folder.display());
        eprintln!(
            "Dùng chứng thư gốc cạnh tệp; chỉ tin khi chính bạn đặt ở đó — roots beside the file, believe them only if they are yours: {}",
            folder.display()
        );
        Ok(folder)
    }

    fn run_bundle(&self, file: &[u8]) -> Outcome {
        let digest = self.packet.as_deref().map(digest_of).transpose()?;
        let answer = crate::bundle::verify(file, &self.anchors()?, digest);
        if let Some(file) = &self.html {
            std::fs::write(file, print::html(&answer)).with_context(|| file.display().to_string())?;
        }
        if let Some(file) = &self.pdf {
            std::fs::write(file, print::pdf(&answer)?).with_context(|| file.display().to_string())?;
        }
        if self.json {
            show::json(&answer)?;
        } else {
            bundle::tell(&answer);
        }
        Ok(if answer.is_valid() { Verdict::Yes } else { Verdict::No })
    }

    fn keys(&self) -> anyhow::Result<HopTrust> {
        if self.trust.is_some() {
            let anchors = self.anchors()?;
            let store = TrustStore::from_der(&anchors.roots, &anchors.intermediates, &anchors.crls)?;
            return Ok(HopTrust::new(Arc::new(store), anchors.pins));
        }
        let mut files = (self.roots.clone(), self.intermediates.clone(), self.crls.clone());
        if self.roots.is_empty()
            && let Some(folder) = &self.certs
        {
            let ca = load_manifest(folder)?.ca();
            files = (vec![ca.root.clone()], vec![ca.sub.clone()], ca.crls());
        }
        let store = TrustStore::from_pem_files(&files.0, &files.1, &files.2)?;
        Ok(HopTrust::new(Arc::new(store), Pins::default()))
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = || path.display().to_string();
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(shown)?;
    file.take(MAX_EVIDENCE_BYTES + 1).read_to_end(&mut bytes).with_context(shown)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_EVIDENCE_BYTES);
    ensure!(fits, "{}: quá lớn — larger than any file of receipts", shown());
    Ok(bytes)
}

fn digest_of(path: &Path) -> anyhow::Result<Digest> {
    let shown = || path.display().to_string();
    let mut file = File::open(path).with_context(shown)?;
    let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 1 << 16]);
    loop {
        let count = file.read(&mut buffer).with_context(shown)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

/// A fault and its place in the file.
type Fault = (String, String);

fn judge(evidence: &Evidence, keys: &dyn HopKeys, given: Option<Digest>) -> Report {
    // The same submission stands in every consignment's chain: it is verified once.
    let mut opened: BTreeMap<&str, Result<Sealed, String>> = BTreeMap::new();
    for (_, jws) in evidence.strands.iter().flat_map(|strand| &strand.receipts) {
        opened.entry(jws).or_insert_with(|| open(jws, keys).map_err(|error| error.to_string()));
    }
    let packet = evidence.packet.or_else(|| opened.values().flatten().next().map(|sealed| sealed.receipt.packet));
    let mut consignments: Vec<Told> =
        evidence.strands.iter().map(|strand| judge_strand(evidence, strand, &opened, packet)).collect();
    consignments.sort_by_key(|told| told.verdict == "valid");
    let packet_matches = given.map(|given| Some(given) == packet);
    let first = consignments.iter().find_map(|told| told.part.clone().zip(told.reason.clone()));
    let other_packet = || {
        let reason = "gói tin không phải là gói tin trong biên nhận — the packet is not the one of the receipts";
        (packet_matches == Some(false)).then(|| ("packet".to_owned(), reason.to_owned()))
    };
    let nothing = || {
        let reason = "không có biên nhận nào — there are no receipts".to_owned();
        opened.is_empty().then(|| ("consignments".to_owned(), reason))
    };
    let fault: Option<Fault> = first.or_else(other_packet).or_else(nothing);
    let lines = || consignments.iter().flat_map(|told| &told.receipts);
    Report {
        verdict: if fault.is_none() { "valid" } else { "invalid" },
        part: fault.as_ref().map(|(part, _)| part.clone()),
        reason: fault.map(|(_, reason)| reason),
        outcome: overall(&consignments),
        packet,
        packet_matches,
        from: opened.values().flatten().next().map(|sealed| sealed.receipt.from.clone()),
        receipts: lines().count(),
        receipts_verified: lines().filter(|line| line.verified).count(),
        consignments,
    }
}

fn judge_strand(
    evidence: &Evidence,
    strand: &Strand,
    opened: &BTreeMap<&str, Result<Sealed, String>>,
    packet: Option<Digest>,
) -> Told {
    let (mut fault, mut good, mut lines) = (None::<Fault>, Vec::new(), Vec::new());
    for (part, jws) in &strand.receipts {
        match opened.get(jws.as_str()) {
            Some(Ok(sealed)) => {
                lines.push(Line::of(sealed));
                good.push(sealed.clone());
            }
            Some(Err(problem)) => {
                lines.push(Line::broken(jws, problem));
                fault.get_or_insert_with(|| (part.clone(), problem.clone()));
            }
            None => {}
        }
    }
    let good = order(good);
    // Nothing is concluded from a chain with a link that does not hold.
    let chain = if strand.whole { chain_fault(evidence, strand, &good, packet) } else { None };
    let fault = fault.or(chain);
    let last = good.last().filter(|_| fault.is_none());
    let outcome = match last {
        Some(last) => outcome(last.receipt.event),
        None => "unproven",
    };
    Told {
        id: strand.id,
        recipient: strand.recipient.clone().or_else(|| good.iter().find_map(|sealed| sealed.receipt.recipient.clone())),
        verdict: if fault.is_none() { "valid" } else { "invalid" },
        part: fault.as_ref().map(|(part, _)| part.clone()),
        reason: fault.map(|(_, reason)| reason),
        outcome,
        receipts: lines,
    }
}

/// What does not hold of receipts that are each good by themselves.
fn chain_fault(evidence: &Evidence, strand: &Strand, chain: &[Sealed], packet: Option<Digest>) -> Option<Fault> {
    let at = |name: &str| format!("{}.{name}", strand.part);
    let (Some(packet), Some(id)) = (packet, strand.id) else {
        return Some((at("receipts"), ChainFault::Empty.to_string()));
    };
    if let Err(fault) = verify_chain(chain, packet, id) {
        return Some((at("receipts"), fault.to_string()));
    }
    let first = chain.first()?;
    if evidence.doc_id.is_some_and(|doc_id| doc_id != first.receipt.doc_id) {
        let reason = format!("biên nhận thuộc docId khác — the receipts are of docId {}", first.receipt.doc_id);
        return Some(("doc_id".to_owned(), reason));
    }
    if evidence.from.as_ref().is_some_and(|from| *from != first.receipt.from) {
        let reason = format!("biên nhận ghi nơi gửi khác — the receipts name another sender: {}", first.receipt.from);
        return Some(("from".to_owned(), reason));
    }
    // The submission says for whom the consignment is; every later receipt must say the same.
    let named = first.receipt.consignments.iter().find(|entry| entry.consignment == id).map(|entry| &entry.recipient);
    let claims = chain.iter().filter_map(|sealed| sealed.receipt.recipient.as_ref()).chain(&strand.recipient);
    if let Some(other) = claims.into_iter().find(|claim| named.is_some_and(|named| named != *claim)) {
        let reason = format!("nơi nhận không khớp — the recipient differs from the submission's: {other}");
        return Some((at("recipient"), reason));
    }
    let ended = chain.last().is_some_and(|last| last.receipt.is_terminal());
    if strand.claims_end && !ended {
        let reason = "trạng thái ghi là đã kết thúc, nhưng không có biên nhận nào chứng minh — \
                      the state claims an end that no receipt proves";
        return Some((at("state"), reason.to_owned()));
    }
    None
}

/// One word for all consignments.
fn overall(consignments: &[Told]) -> &'static str {
    let mut outcomes = consignments.iter().map(|told| told.outcome);
    let Some(first) = outcomes.next() else { return "unproven" };
    if outcomes.all(|other| other == first) { first } else { "mixed" }
}

impl Line {
    fn of(sealed: &Sealed) -> Self {
        let receipt = &sealed.receipt;
        Self {
            event: Some(receipt.event),
            hop: Some(receipt.hop.clone()),
            time: Some(receipt.time),
            verified: true,
            problem: None,
            reason: receipt.reason.as_ref().map(|reason| reason.text.clone()),
            outside: receipt.outside.clone(),
        }
    }

    /// What an unverified receipt claims is shown as a claim only.
    fn broken(jws: &str, problem: &str) -> Self {
        let claim = crate::receipts::jws::read_unverified(jws).ok().map(|sealed| Self::of(&sealed));
        let (event, hop, time) = (None, None, None);
        let empty = Self { event, hop, time, verified: false, problem: None, reason: None, outside: None };
        Self { verified: false, problem: Some(problem.to_owned()), ..claim.unwrap_or(empty) }
    }
}
