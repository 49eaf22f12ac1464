//! `lienthong check`: what a gateway would say of a packet, without sending it ([`crate::preview`]).

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use lienthong_contract::Clock;
use serde::Serialize;

use super::show::say;
use super::unwrap::named;
use super::{Outcome, Verdict, show};
use crate::clock::SystemClock;
use crate::preview::{self, Corrected, Judge, Report};
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
    /// Ghi gói tin đã sửa các lỗi hình thức vào tệp mới — write the packet with its mechanical faults mended.
    ///
    /// Chỉ sửa cách viết (thứ tự phần tử, tiền tố, dạng ngày…), không đổi nội dung. Gói đã ký phải ký lại. — Only how
    /// things are said is mended, never what is said. A packet that was signed must be signed again.
    #[arg(long, value_name = "EDXML")]
    corrected: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    report: Report,
    /// With --corrected: what was mended, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<Option<Corrected>>,
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
        let now = SystemClock.now();
        let mut file = File::open(&self.file).with_context(shown)?;
        let report = judge.judge(&mut file, now).with_context(shown)?;
        let corrected = self.corrected.as_deref().map(|to| correct(&judge, &mut file, to)).transpose()?;
        let accepted = report.accepted();
        if self.json {
            show::json(&Told { report, corrected })?;
        } else {
            show::findings(&report.findings);
            self.conclude(accepted);
            if let (Some(to), Some(corrected)) = (&self.corrected, &corrected) {
                tell_mends(to, corrected.as_ref());
            }
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

/// Writes the mended packet, if there is anything to mend. What is there already is never written over.
fn correct(judge: &Judge, file: &mut File, to: &Path) -> anyhow::Result<Option<Corrected>> {
    ensure!(!to.exists(), "{} đã có — is there already", to.display());
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = || to.display().to_string();
    let mut out = named(0o666).tempfile_in(folder).with_context(shown)?;
    let corrected = judge.correct(file, out.as_file_mut(), SystemClock.now()).with_context(shown)?;
    if corrected.is_some() {
        out.as_file().sync_all()?;
        out.persist_noclobber(to).with_context(shown)?;
    }
    Ok(corrected)
}

fn tell_mends(to: &Path, corrected: Option<&Corrected>) {
    let Some(corrected) = corrected else {
        return say!(
            "\nKHÔNG có lỗi hình thức nào sửa được, chưa ghi tệp — nothing mechanical to mend, no file was written"
        );
    };
    say!("\nĐÃ SỬA {} chỗ — {} mends: {}", corrected.mends.len(), corrected.mends.len(), to.display());
    for mend in &corrected.mends {
        say!("+ {}  dòng {}, cột {}  {}", mend.code, mend.line, mend.column, mend.element);
        if mend.was.is_some() || mend.now.is_some() {
            say!("    {} → {}", mend.was.as_deref().unwrap_or("∅"), mend.now.as_deref().unwrap_or("∅"));
        }
        say!("    {} — {}", mend.done_vi, mend.done_en);
    }
    if corrected.sign_again {
        say!("PHẢI KÝ LẠI gói đã sửa trước khi gửi — the mended packet MUST BE SIGNED AGAIN before it is sent");
    }
    if !corrected.findings.is_empty() {
        say!("\nCòn lại trong gói đã sửa — what is left in the mended packet:");
        show::findings(&corrected.findings);
    }
    say!(
        "{}",
        if corrected.verdict == "accept" {
            "GÓI ĐÃ SỬA: chưa thấy lỗi — NO FAULT LEFT"
        } else {
            "GÓI ĐÃ SỬA: TỪ CHỐI — STILL REFUSED"
        }
    );
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
