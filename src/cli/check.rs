//! `lienthong check`: what a gateway would say of a packet, without sending it ([`crate::preview`]).

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use lienthong_contract::{Clock, Finding};

use super::show::say;
use super::{Outcome, Verdict, show};
use crate::clock::SystemClock;
use crate::preview;
use crate::rules::schema::Strictness;

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
pub enum Choice {
    /// Không dùng — it is not asked.
    Tolerant,
    /// Cảnh báo — it warns.
    Advise,
    /// Từ chối — it refuses.
    Strict,
}

impl Check {
    pub fn run(self) -> Outcome {
        let directory = self.directory.as_deref();
        let trust = (&*self.roots, &*self.intermediates, &*self.crls);
        let judge = preview::open(directory, self.schemas.as_deref(), self.strictness.into(), trust)?;
        let shown = || self.file.display().to_string();
        let report = judge.judge(&self.file, SystemClock.now()).with_context(shown)?;
        let accepted = !report.findings.iter().any(Finding::refuses);
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
