//! `lienthong wrap`: makes a packet of a form and its files.
//!
//! Failure story: what is made stands under another name until it is whole, was checked and is on disk; only then it is
//! moved into place, and never over something that is there. A packet is checked as a gateway would check it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use lienthong_contract::{AgencyCode, Clock, Digest, Finding};
use serde::Serialize;

use super::check::Choice;
use super::connection::load_manifest;
use super::show::say;
use super::unwrap::named;
use super::{Outcome, Verdict, show};
use crate::clock::SystemClock;
use crate::edxml::Packet;
use crate::form::templates::Template;
use crate::form::{self, Form};
use crate::preview;
use crate::rules::schema::Strictness;
use crate::signing::{load_signer, sign_file};
use crate::trust::xmldsig::KeySigner;

/// Lập gói tin edXML từ biểu mẫu JSON và các tệp — makes a packet of a form (JSON) and files.
///
/// Bắt đầu từ mẫu: lienthong wrap --template document > van-ban.json; các trường được giải thích trong
/// docs/integrators.md. Gói tin lập ra đã được kiểm tra như trục kiểm tra. — Begin with a template; the fields are
/// explained in docs/integrators.md. The packet that is made was checked as a gateway checks it.
#[derive(Debug, Args)]
pub struct Wrap {
    /// Biểu mẫu JSON — the form.
    #[arg(value_name = "FORM", required_unless_present_any = ["template", "schema"])]
    form: Option<PathBuf>,
    /// Tệp đính kèm thêm, sau các tệp ghi trong biểu mẫu — files to attach behind those that the form names.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Gói tin cần lập; mặc định cạnh biểu mẫu — the packet to make; beside the form when left out.
    #[arg(short, long, value_name = "EDXML")]
    output: Option<PathBuf>,
    /// In một biểu mẫu mẫu rồi thôi — print a filled-in form and do nothing else.
    #[arg(long, value_enum, value_name = "KIND", conflicts_with_all = ["form", "schema"])]
    template: Option<Template>,
    /// In lược đồ JSON của biểu mẫu rồi thôi — print the JSON Schema of the form and do nothing else.
    #[arg(long, conflicts_with = "form")]
    schema: bool,
    /// Danh mục cơ quan (TOML) — the directory that sender and recipients are looked up in.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Mức áp dụng lược đồ chặt — what the strict schema does.
    #[arg(long, value_enum, default_value = "strict")]
    strictness: Choice,
    /// Chứng thư ký số: ký ngay — signing certificate chain: the packet is signed at once.
    #[arg(long = "sign-cert", visible_alias = "certificate", value_name = "PEM", requires = "sign_key")]
    sign_cert: Option<PathBuf>,
    /// Khóa ký số (PKCS#8 PEM) — its private key.
    #[arg(long = "sign-key", visible_alias = "key", value_name = "PEM", requires = "sign_cert")]
    sign_key: Option<PathBuf>,
    /// Thư mục khóa do `lienthong certs` tạo: ký ngay bằng khóa của nơi gửi — sign with the sender's key in this folder.
    #[arg(long, value_name = "DIR", env = "LIENTHONG_CERTS", conflicts_with = "sign_cert")]
    certs: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Made {
    verdict: &'static str,
    packet: Option<PathBuf>,
    digest: Option<Digest>,
    document_id: Option<String>,
    signed: bool,
    findings: Vec<Finding>,
}

impl Wrap {
    pub fn run(self) -> Outcome {
        let today = SystemClock.now().in_vietnam().date();
        match (&self.form, self.template) {
            (_, Some(template)) => print_text(&template.text(today))?,
            (None, None) => print_text(include_str!("../../schemas/form.schema.json"))?,
            (Some(file), None) => {
                let made = self.make(file)?;
                return self.tell(&made);
            }
        }
        Ok(Verdict::Yes)
    }

    fn make(&self, file: &Path) -> anyhow::Result<Made> {
        let shown = || file.display().to_string();
        let text = std::fs::read(file).with_context(shown)?;
        let text = String::from_utf8(text)
            .ok()
            .with_context(|| format!("{} không phải UTF-8 — is not UTF-8", file.display()))?;
        let mut judge = preview::open(self.directory.as_deref(), None, self.strictness.into(), (&[], &[], &[]))?;
        let now = SystemClock.now();
        let (form, mut findings) = form::read(&text);
        let Some(mut form) = form else { return Ok(Made::refused(findings)) };
        ensure!(
            self.files.is_empty() || matches!(form.packet, Packet::Document(_)),
            "gói trạng thái không có tệp đính kèm — a status packet carries no files"
        );
        form.attach(&self.files);
        form.complete(now);
        let folder = file.parent().unwrap_or(Path::new("."));
        let opened = form::files::open(&form, folder, &self.files);
        let contents = opened.unwrap_or_else(|mistakes| {
            findings.extend(mistakes);
            Vec::new()
        });
        findings = form::mistakes(&form, findings, &judge, now)?;
        if findings.iter().any(Finding::refuses) {
            return Ok(Made::refused(findings));
        }
        let output = self.output.clone().unwrap_or_else(|| file.with_extension("edxml"));
        ensure!(!output.exists(), "{} đã có — is there already", output.display());
        let beside = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut made = named(0o666).tempfile_in(beside).with_context(|| output.display().to_string())?;
        form.write(BufWriter::new(made.as_file_mut()), contents)?;
        let mut report = judge.judge(made.as_file_mut(), now)?;
        if !report.accepted() {
            return Ok(Made::refused(report.findings));
        }
        let signer = self.signer(&form)?;
        if let Some(signer) = &signer {
            let signed = named(0o666).tempfile_in(beside)?;
            sign_file(made.path(), signed.path(), signer)?;
            made = signed;
            if matches!(form.packet, Packet::Status(_)) && judge.strictness == Strictness::Strict {
                // The schema of status packets has no place for a signature, and gateways take one all the same.
                judge.strictness = Strictness::Advise;
            }
            report = judge.judge(made.as_file_mut(), now)?;
            if !report.accepted() {
                return Ok(Made::refused(report.findings));
            }
        }
        made.as_file().sync_all()?;
        let digest = crate::edxml::split(File::open(made.path())?, &judge.limits)?.digest;
        made.persist_noclobber(&output).with_context(|| output.display().to_string())?;
        Ok(Made {
            verdict: report.verdict,
            packet: Some(output),
            digest: Some(digest),
            document_id: match &form.packet {
                Packet::Document(document) => Some(document.id()),
                Packet::Status(_) => None,
            },
            signed: signer.is_some(),
            findings: report.findings,
        })
    }

    /// Who signs, if anybody is to.
    fn signer(&self, form: &Form) -> anyhow::Result<Option<KeySigner>> {
        if let (Some(chain), Some(key)) = (&self.sign_cert, &self.sign_key) {
            return Ok(Some(load_signer(key, chain)?));
        }
        let Some(folder) = &self.certs else { return Ok(None) };
        let code = AgencyCode::parse(&form.packet.from().organ_id.value)?.to_new_form();
        let manifest = load_manifest(folder)?;
        let Some(files) = manifest.agency(code.as_str()) else {
            bail!(
                "{code} không có trong --certs — is not among: {}",
                manifest.agency_codes().collect::<Vec<_>>().join(", ")
            )
        };
        Ok(Some(load_signer(&files.sign_key, &files.sign_chain)?))
    }

    fn tell(&self, made: &Made) -> Outcome {
        if self.json {
            show::json(made)?;
        } else {
            show::findings(&made.findings);
            match &made.packet {
                Some(packet) => {
                    let signed = if made.signed { "đã ký — signed" } else { "chưa ký — not signed" };
                    say!("✓ {}  ({signed})", packet.display());
                    if let Some(id) = &made.document_id {
                        say!("    DocumentId {id}");
                    }
                }
                None => say!("CHƯA LẬP được gói tin — no packet was made"),
            }
        }
        Ok(if made.packet.is_some() { Verdict::Yes } else { Verdict::No })
    }
}

impl Made {
    const fn refused(findings: Vec<Finding>) -> Self {
        Self { verdict: "refuse", packet: None, digest: None, document_id: None, signed: false, findings }
    }
}

/// Prints text for a file; that nobody reads on is no fault.
fn print_text(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
