//! `lienthong send`: signs packets and hands them in.
//!
//! The file itself is never changed: the signed packet is put beside it, as `<name>.<CODE>.signed.edxml`. An ECDSA or
//! RSA-PSS signature differs from run to run, so whoever repeats a sending whose answer was lost must repeat the bytes:
//! the packet that stands there is sent again as long as it is the same file with a signature put in. The gateway then
//! gives the answer of the first time, with its receipt.
//!
//! Failure story: the signed packet is written under another name and moved into place when it is whole and on disk,
//! so a crash leaves nothing that would be sent by mistake. Where the folder cannot be written to, the packet is signed
//! in a temporary folder, and the caller is told that it was not kept.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lienthong_contract::door::{ConsignmentRef, Submission};
use lienthong_contract::{AgencyCode, Digest, DocId, Finding};
use serde::Serialize;

use super::connection::{Connection, SigningKey};
use super::kept;
use super::show::say;
use super::{Outcome, Verdict, runtime, show};
use crate::api::Problem;
use crate::client::{Client, Packet, Progress};
use crate::edxml::SplitError;
use crate::intake::findings::SAME_NAME_OTHER_BYTES;
use crate::signing;
use crate::trust::xmldsig::{self, KeySigner};

/// Packets from this size on show how far they are.
const WORTH_A_BAR: u64 = 4 << 20;

/// Ký và gửi gói tin — signs packets and hands them in.
///
/// Gói đã ký được giữ cạnh tệp gốc, tên <TỆP>.<MÃ>.signed.edxml. Gửi lại khi chưa nhận được trả lời: chạy lại đúng lệnh
/// này; chính gói đã ký đó được gửi lại và trục trả lại biên nhận của lần đầu. Xoá tệp .signed.edxml nếu muốn ký lại
/// (đổi chứng thư ký). — The signed packet is kept beside the file as <FILE>.<CODE>.signed.edxml. When an answer was
/// lost, run the same command again: the very same signed packet is sent, and the gateway answers with the receipt of
/// the first time. Delete the .signed.edxml file to sign afresh, e.g. after a change of certificate.
#[derive(Debug, Args)]
pub struct Send {
    /// Gói tin edXML — the packets.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Lưu biên nhận (JWS) vào tệp — save the receipt of one packet.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    signing: SigningKey,
}

/// What became of one file.
#[derive(Debug, Serialize)]
struct Sent {
    file: PathBuf,
    verdict: &'static str,
    /// A signature was added here.
    signed: bool,
    /// The signed packet is the one of an earlier sending.
    signed_before: bool,
    /// Where the signed packet is kept.
    signed_packet: Option<PathBuf>,
    doc_id: Option<DocId>,
    digest: Option<Digest>,
    duplicate: bool,
    consignments: Vec<ConsignmentRef>,
    findings: Vec<Finding>,
    receipt: Option<String>,
}

/// The packet as it will be sent.
struct Ready {
    path: PathBuf,
    signed: bool,
    signed_before: bool,
    kept: bool,
}

impl Send {
    pub fn run(self) -> Outcome {
        ensure!(
            self.receipt.is_none() || self.files.len() == 1,
            "--receipt chỉ dùng khi gửi một tệp — goes with one file only; --json holds every receipt"
        );
        let signer = self.signing.signer(&self.connection)?;
        let client = self.connection.client()?;
        let scratch = tempfile::tempdir().context("no temporary folder")?;
        let mut results = Vec::new();
        let outcome = runtime()?.block_on(async {
            for file in &self.files {
                let sent = self.send(&client, signer.as_ref(), file, scratch.path()).await;
                let sent = sent.with_context(|| file.display().to_string())?;
                if !self.json {
                    tell(&sent);
                }
                results.push(sent);
            }
            anyhow::Ok(())
        });
        // What was sent before a failure is told all the same.
        if self.json {
            show::json(&serde_json::json!({ "results": results }))?;
        }
        outcome?;
        Ok(if results.iter().all(|sent| sent.verdict == "accept") { Verdict::Yes } else { Verdict::No })
    }

    async fn send(
        &self,
        client: &Client,
        signer: Option<&KeySigner>,
        file: &Path,
        scratch: &Path,
    ) -> anyhow::Result<Sent> {
        let ready = match prepare(file, signer, self.connection.agency(), &scratch.join("signed.edxml"))? {
            Ok(ready) => ready,
            Err(findings) => return Ok(Sent::unread(file, findings)),
        };
        let bar = bar(&ready.path)?;
        let shown = bar.clone();
        let progress: Progress = Arc::new(move |sent, _| shown.set_position(sent));
        let answer = client.submit(&Packet::File(ready.path.clone()), Some(progress)).await;
        bar.finish_and_clear();
        let sent = match answer {
            Ok(submission) => Sent::accepted(file, &ready, submission),
            Err(error) => match error.problem() {
                Some(problem) => Sent::refused(file, &ready, problem),
                None if ready.kept => return Err(anyhow::Error::from(error).context(AGAIN)),
                None => return Err(error.into()),
            },
        };
        if let (Some(to), Some(receipt)) = (&self.receipt, &sent.receipt) {
            std::fs::write(to, receipt).with_context(|| to.display().to_string())?;
        }
        Ok(sent)
    }
}

/// Said when the answer did not come.
const AGAIN: &str = "chưa có trả lời; chạy lại đúng lệnh này, gói đã ký sẽ được gửi lại nguyên vẹn — \
                     no answer; run the same command again, the same signed packet will be sent";

/// The packet to send, or why it cannot be signed.
fn prepare(
    file: &Path,
    signer: Option<&KeySigner>,
    agency: Option<&AgencyCode>,
    scratch: &Path,
) -> anyhow::Result<Result<Ready, Vec<Finding>>> {
    let as_it_is = || Ready { path: file.to_owned(), signed: false, signed_before: false, kept: false };
    let Some(signer) = signer else { return Ok(Ok(as_it_is())) };
    match kept::sign(file, agency, scratch, signer) {
        Ok(kept::Signed { path, before, kept }) => Ok(Ok(Ready { path, signed: true, signed_before: before, kept })),
        // Somebody has signed it: that signature is the sender's word, and ours would not add to it.
        Err(signing::Error::Signature(xmldsig::Error::AlreadySigned)) => Ok(Ok(as_it_is())),
        Err(signing::Error::Signature(xmldsig::Error::CannotSign(problem))) => Ok(Err(vec![problem.finding()])),
        Err(signing::Error::Packet(SplitError::Refused(findings))) => Ok(Err(findings)),
        Err(error) => Err(error.into()),
    }
}

fn bar(path: &Path) -> anyhow::Result<ProgressBar> {
    let size = std::fs::metadata(path)?.len();
    if size < WORTH_A_BAR || !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} ({bytes_per_sec}, còn {eta})")?;
    Ok(ProgressBar::new(size).with_style(style))
}

impl Sent {
    fn accepted(file: &Path, ready: &Ready, submission: Submission) -> Self {
        Self {
            file: file.to_owned(),
            verdict: "accept",
            signed: ready.signed,
            signed_before: ready.signed_before,
            signed_packet: ready.kept.then(|| ready.path.clone()),
            doc_id: Some(submission.doc_id),
            digest: Some(submission.digest),
            duplicate: submission.duplicate,
            consignments: submission.consignments,
            findings: submission.findings,
            receipt: Some(submission.receipt),
        }
    }

    fn refused(file: &Path, ready: &Ready, problem: &Problem) -> Self {
        Self {
            signed: ready.signed,
            signed_before: ready.signed_before,
            signed_packet: ready.kept.then(|| ready.path.clone()),
            receipt: problem.receipt.clone(),
            ..Self::unread(file, problem.findings.clone())
        }
    }

    fn unread(file: &Path, findings: Vec<Finding>) -> Self {
        Self {
            file: file.to_owned(),
            verdict: "refuse",
            signed: false,
            signed_before: false,
            signed_packet: None,
            doc_id: None,
            digest: None,
            duplicate: false,
            consignments: Vec::new(),
            findings,
            receipt: None,
        }
    }
}

fn tell(sent: &Sent) {
    let file = sent.file.display();
    match sent.doc_id {
        Some(doc_id) => {
            let before = if sent.duplicate { "  (đã nhận trước đó — accepted before)" } else { "" };
            say!("✓ {file}  docId {doc_id}{before}");
            for consignment in &sent.consignments {
                say!("    → {}  {}", consignment.recipient, consignment.id);
            }
        }
        None => say!("✗ {file}  TỪ CHỐI — REFUSED"),
    }
    if let Some(path) = &sent.signed_packet {
        let path = path.display();
        if sent.signed_before {
            say!("    gửi lại gói đã ký trước đó — the packet signed before was sent again: {path}");
        } else {
            say!("    gói đã ký, giữ lại để gửi lại khi cần — the signed packet, kept for sending again: {path}");
        }
    } else if sent.signed {
        say!(
            "    không lưu được gói đã ký cạnh tệp gốc; gửi lại sẽ ký lại — \
             the signed packet could not be kept beside the file; sending again would sign anew"
        );
    }
    show::findings(&sent.findings);
    if sent.doc_id.is_none() && sent.findings.iter().any(|finding| finding.code == SAME_NAME_OTHER_BYTES.code) {
        say!(
            "    docId của lần gửi đầu nằm trong ngoặc ở mục \"cần\" trên đây; xem bằng `lienthong trace <docId>` — \
             the docId of the first sending stands in brackets under \"expected\"; see `lienthong trace`"
        );
    }
}
