//! `lienthong check`: what a gateway would say of a packet, without sending it.
//!
//! The judgement is the intake's own ([`crate::intake::look`]); only what the caller did not give (the directory, the
//! roots) is left out, and that is said. The file is read in a stream and nothing of it is kept.

mod damaged;

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use lienthong_contract::{AgencyCode, Clock, Finding, Severity};
use lienthong_schemas::{Catalogue, ValidatorPool};
use serde::Serialize;

use super::show::say;
use super::{Outcome, Verdict, findings, show};
use crate::clock::SystemClock;
use crate::directory::{Directory, Snapshot};
use crate::edxml::findings::EMPTY_ATTACHMENT;
use crate::edxml::{Limits, SplitError, split};
use crate::intake::findings::SIGNATURE_REQUIRED;
use crate::intake::{Against, Bearer, Seen, look, look_at_words};
use crate::receipts::Fact;
use crate::rules::findings::{SECRECY_MARK, SENDER_UNKNOWN};
use crate::rules::schema::{Schemas, Strictness};
use crate::rules::{Side, not_judged, secrecy};
use crate::trust::TrustStore;

/// Kiểm tra gói tin mà không gửi — what a gateway would say of a packet, without sending it.
#[derive(Debug, Args)]
pub struct Check {
    /// Gói tin edXML — the packet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Danh mục cơ quan (TOML) — the directory that sender and recipients are looked up in.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Thư mục lược đồ riêng — a folder with a catalogue.toml and schemas of your own.
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// Mức áp dụng lược đồ chặt — what the strict schema does.
    #[arg(long, value_enum, default_value = "advise")]
    strictness: Choice,
    /// Chứng thư gốc của chữ ký số — roots that signing certificates must lead to.
    #[arg(long, value_name = "PEM", num_args = 1..)]
    roots: Vec<PathBuf>,
    /// Chứng thư CA trung gian — authorities below the roots.
    #[arg(long, value_name = "PEM", num_args = 1.., requires = "roots")]
    intermediates: Vec<PathBuf>,
    /// Danh sách thu hồi — revocation lists.
    #[arg(long, value_name = "PEM", num_args = 1.., requires = "roots")]
    crls: Vec<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Choice {
    /// Không dùng — it is not asked.
    Tolerant,
    /// Cảnh báo — it warns.
    Advise,
    /// Từ chối — it refuses.
    Strict,
}

#[derive(Debug, Serialize)]
struct Report {
    verdict: &'static str,
    findings: Vec<Finding>,
}

impl Check {
    pub fn run(self) -> Outcome {
        let findings = self.findings()?;
        let accepted = !findings.iter().any(Finding::refuses);
        let report = Report { verdict: if accepted { "accept" } else { "refuse" }, findings };
        if self.json {
            show::json(&report)?;
        } else {
            show::findings(&report.findings);
            self.conclude(accepted);
        }
        Ok(if accepted { Verdict::Yes } else { Verdict::No })
    }

    /// The last line. A gateway's word is only given when all was looked at that a gateway looks at.
    fn conclude(&self, accepted: bool) {
        let (no_directory, no_roots) = (self.directory.is_none(), self.roots.is_empty());
        if !accepted {
            return say!("TỪ CHỐI — REFUSE");
        }
        if !no_directory && !no_roots {
            return say!("TIẾP NHẬN — ACCEPT");
        }
        say!("CHƯA THẤY LỖI trong phần đã kiểm tra — NO FAULT FOUND as far as was looked");
        if no_directory {
            say!(
                "    chưa đối chiếu danh mục cơ quan, thêm --directory — \
                 the directory of agencies was not consulted, add --directory"
            );
        }
        if no_roots {
            say!(
                "    chưa kiểm tra chứng thư người ký, thêm --roots (và --intermediates, --crls) — \
                 the signer's certificate was not checked, add --roots (and --intermediates, --crls)"
            );
        }
    }

    fn findings(&self) -> anyhow::Result<Vec<Finding>> {
        let shown = || self.file.display().to_string();
        let catalogue = match &self.schemas {
            Some(folder) => Catalogue::with_folder(folder)?,
            None => Catalogue::builtin()?,
        };
        let pool = ValidatorPool::new(Arc::new(catalogue));
        let directory = match &self.directory {
            Some(file) => Directory::open(file)?,
            None => Directory::fixed(Snapshot::from_toml("")?),
        };
        let snapshot = directory.snapshot();
        let signers = (!self.roots.is_empty())
            .then(|| TrustStore::from_pem_files(&self.roots, &self.intermediates, &self.crls).map(Arc::new))
            .transpose()?;
        // With a directory, a recipient that it does not know is refused; without one nobody is looked up.
        let routable = |_: &AgencyCode| self.directory.is_none();
        let against = Against {
            directory: &snapshot,
            routable: &routable,
            signers,
            schemas: Some(Schemas { pool: &pool, strictness: self.strictness.into() }),
            forward_to_successor: true,
        };
        let mut file = File::open(&self.file).with_context(shown)?;
        let split = match split(&file, &Limits::default()) {
            Ok(split) => split,
            Err(SplitError::Refused(findings)) => return Ok(self.read_on(&against, findings)),
            Err(error) => return Err(error).with_context(shown),
        };
        file.seek(SeekFrom::Start(0))?;
        let mut seen = look(&against, &split, &mut file, &Bearer::Preview, SystemClock.now()).with_context(shown)?;
        self.tell_what_was_left_out(&mut seen);
        Ok(seen.findings)
    }

    /// What else can be said of a packet whose bytes are at fault.
    fn read_on(&self, against: &Against<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
        let Some(split) = damaged::without_contents(&self.file, &findings) else {
            findings.push(not_judged(&Side::ALL));
            return findings;
        };
        let mut more = look_at_words(against, &split, SystemClock.now());
        // They are empty because they were blanked.
        more.retain(|finding| finding.code != EMPTY_ATTACHMENT.code);
        if self.directory.is_none() {
            more.retain(|finding| finding.code != SENDER_UNKNOWN.code);
        }
        // What a packet with a secrecy mark says is told nowhere.
        if more.iter().any(|finding| finding.code == SECRECY_MARK.code) {
            secrecy::redact(&mut findings);
        }
        findings.extend(more);
        findings
    }

    fn tell_what_was_left_out(&self, seen: &mut Seen) {
        if self.directory.is_none() {
            seen.findings.retain(|finding| finding.code != SENDER_UNKNOWN.code);
            // Whether this sender has to sign stands in the directory.
            let of_policy = seen.findings.iter_mut().filter(|finding| finding.code == SIGNATURE_REQUIRED.code);
            of_policy.for_each(|finding| finding.severity = Severity::Warning);
            seen.findings.push(Finding::of(&findings::NO_DIRECTORY));
        }
        if seen.packet.is_none() {
            return;
        }
        let kind = match seen.checks.packet_signature {
            Fact::Valid => &findings::SIGNATURE_VALID,
            Fact::Pending if self.roots.is_empty() => &findings::NO_ROOTS,
            Fact::Pending => &findings::SIGNATURE_VALID,
            Fact::Absent => &findings::SIGNATURE_ABSENT,
            Fact::Invalid | Fact::Placeholder | Fact::NotChecked => return,
        };
        let mut note = Finding::of(kind).element("edXMLHeader/Signature");
        if let Some(certificate) = seen.checks.signed_by {
            note = note.found(certificate.to_string());
        }
        seen.findings.push(note);
    }
}

impl From<Choice> for Strictness {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Tolerant => Self::Tolerant,
            Choice::Advise => Self::Advise,
            Choice::Strict => Self::Strict,
        }
    }
}
