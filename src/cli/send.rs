//! `lienthong send`: signs packets and hands them in.
//!
//! The file itself is never changed: the signed packet is written beside nothing of the caller's, into a temporary
//! folder, and read from there while it is sent. Sending again is harmless: the same bytes get the same answer. An
//! ECDSA or RSA-PSS signature differs from run to run, so a packet that may have to be repeated is best signed once.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lienthong_contract::door::{ConsignmentRef, Submission};
use lienthong_contract::{Digest, DocId, Finding};
use serde::Serialize;

use super::connection::{Connection, SigningKey};
use super::show::say;
use super::{Outcome, Verdict, runtime, show};
use crate::api::Problem;
use crate::client::{Client, Packet, Progress};
use crate::edxml::SplitError;
use crate::signing::{self, sign_file};
use crate::trust::xmldsig::{self, KeySigner};

/// Packets from this size on show how far they are.
const WORTH_A_BAR: u64 = 4 << 20;

/// Ký và gửi gói tin — signs packets and hands them in.
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
    doc_id: Option<DocId>,
    digest: Option<Digest>,
    duplicate: bool,
    consignments: Vec<ConsignmentRef>,
    findings: Vec<Finding>,
    receipt: Option<String>,
}

/// The packet as it will be sent.
enum Prepared {
    AsItIs(PathBuf),
    Signed(PathBuf),
    /// Not a packet that could be signed, and why.
    Refused(Vec<Finding>),
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
        let (path, signed) = match prepare(file, signer, &scratch.join("signed.edxml"))? {
            Prepared::AsItIs(path) => (path, false),
            Prepared::Signed(path) => (path, true),
            Prepared::Refused(findings) => return Ok(Sent::unread(file, findings)),
        };
        let bar = bar(&path)?;
        let shown = bar.clone();
        let progress: Progress = Arc::new(move |sent, _| shown.set_position(sent));
        let answer = client.submit(&Packet::File(path), Some(progress)).await;
        bar.finish_and_clear();
        let sent = match answer {
            Ok(submission) => Sent::accepted(file, signed, submission),
            Err(error) => match error.problem() {
                Some(problem) => Sent::refused(file, signed, problem),
                None => return Err(error.into()),
            },
        };
        if let (Some(to), Some(receipt)) = (&self.receipt, &sent.receipt) {
            std::fs::write(to, receipt).with_context(|| to.display().to_string())?;
        }
        Ok(sent)
    }
}

fn prepare(file: &Path, signer: Option<&KeySigner>, to: &Path) -> anyhow::Result<Prepared> {
    let Some(signer) = signer else { return Ok(Prepared::AsItIs(file.to_owned())) };
    match sign_file(file, to, signer) {
        Ok(()) => Ok(Prepared::Signed(to.to_owned())),
        // Somebody has signed it: that signature is the sender's word, and ours would not add to it.
        Err(signing::Error::Signature(xmldsig::Error::AlreadySigned)) => Ok(Prepared::AsItIs(file.to_owned())),
        Err(signing::Error::Signature(xmldsig::Error::CannotSign(problem))) => {
            Ok(Prepared::Refused(vec![problem.finding()]))
        }
        Err(signing::Error::Packet(SplitError::Refused(findings))) => Ok(Prepared::Refused(findings)),
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
    fn accepted(file: &Path, signed: bool, submission: Submission) -> Self {
        Self {
            file: file.to_owned(),
            verdict: "accept",
            signed,
            doc_id: Some(submission.doc_id),
            digest: Some(submission.digest),
            duplicate: submission.duplicate,
            consignments: submission.consignments,
            findings: submission.findings,
            receipt: Some(submission.receipt),
        }
    }

    fn refused(file: &Path, signed: bool, problem: &Problem) -> Self {
        Self { signed, receipt: problem.receipt.clone(), ..Self::unread(file, problem.findings.clone()) }
    }

    fn unread(file: &Path, findings: Vec<Finding>) -> Self {
        Self {
            file: file.to_owned(),
            verdict: "refuse",
            signed: false,
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
    show::findings(&sent.findings);
}
