//! `lienthong unwrap`: the form and the files of a packet, the way back of `lienthong wrap`.
//!
//! Failure story: everything is put into a folder under another name, which is moved into place when all of it is there;
//! a folder that exists is never written into.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use lienthong_contract::Finding;
use serde::Serialize;

use super::show::say;
use super::{Outcome, Verdict, show};
use crate::edxml::model::PacketSignature;
use crate::edxml::{Limits, Located, Packet, Sniffed, Split, SplitError, body_reader, parse, split};
use crate::form::{self, Attached, FileNames};

/// The form in the folder.
const FORM: &str = "form.json";

/// Mở gói tin edXML thành biểu mẫu JSON và các tệp — takes a packet apart into a form (JSON) and files.
///
/// Thư mục gồm form.json và các tệp đính kèm; lienthong wrap lập lại gói tin từ đó, không kèm chữ ký cũ. Chữ ký và nội
/// dung không được kiểm tra ở đây: dùng lienthong check. — The folder holds form.json and the attachments; `lienthong
/// wrap` makes a packet of them again, without the old signature. Nothing is verified here: see `lienthong check`.
#[derive(Debug, Args)]
pub struct Unwrap {
    /// Gói tin edXML — the packet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Thư mục mới để ghi vào; mặc định cạnh gói tin — the folder to make; beside the packet when left out.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Opened {
    verdict: &'static str,
    folder: Option<PathBuf>,
    files: Vec<String>,
    findings: Vec<Finding>,
}

impl Unwrap {
    pub fn run(self) -> Outcome {
        let shown = || self.file.display().to_string();
        let source = File::open(&self.file).with_context(shown)?;
        let (split, packet, mut opened) = match read(&source).with_context(shown)? {
            Ok((split, packet, warnings)) => {
                (split, packet, Opened { verdict: "accept", folder: None, files: Vec::new(), findings: warnings })
            }
            Err(findings) => {
                let refused = Opened { verdict: "refuse", folder: None, files: Vec::new(), findings };
                self.tell(&refused, false)?;
                return Ok(Verdict::No);
            }
        };
        let folder = self.output.clone().unwrap_or_else(|| self.file.with_extension(""));
        ensure!(folder != self.file && !folder.exists(), "{} đã có — is there already", folder.display());
        let beside = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let scratch = named(0o777).tempdir_in(beside).with_context(|| beside.display().to_string())?;
        opened.files = put(scratch.path(), source, &split, &packet)?;
        // Made first, so that nobody else's folder is taken; an empty one is replaced in one step.
        std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        std::fs::rename(scratch.path(), &folder).with_context(|| folder.display().to_string())?;
        opened.folder = Some(folder);
        let signed = matches!(&packet, Packet::Document(it) if it.signature == PacketSignature::XmlDsig);
        self.tell(&opened, signed)?;
        Ok(Verdict::Yes)
    }

    fn tell(&self, opened: &Opened, signed: bool) -> anyhow::Result<()> {
        if self.json {
            return show::json(opened);
        }
        show::findings(&opened.findings);
        let Some(folder) = &opened.folder else {
            say!("CHƯA MỞ được gói tin — the packet could not be taken apart");
            return Ok(());
        };
        say!("✓ {}", folder.display());
        opened.files.iter().for_each(|file| say!("    {file}"));
        if signed {
            say!(
                "    chữ ký của gói tin không nằm trong biểu mẫu và chưa được kiểm tra; giữ gói tin gốc làm chứng cứ — \
                 the packet's signature is not in the form and was not verified; keep the packet as evidence"
            );
        }
        Ok(())
    }
}

/// A name that nobody has, for what is put in its place later: then it may be read by whoever may read the caller's
/// other files, unlike other temporary files.
pub fn named(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

type Read = Result<(Split, Packet, Vec<Finding>), Vec<Finding>>;

fn read(source: &File) -> io::Result<Read> {
    let split = match split(source, &Limits::default()) {
        Ok(split) => split,
        Err(SplitError::Refused(findings)) => return Ok(Err(findings)),
        Err(SplitError::Io(error)) => return Err(error),
    };
    Ok(parse(&split).map(|parsed| (split, parsed.packet, parsed.warnings)))
}

/// Puts the form and the files into a folder, and says what they are called.
fn put(folder: &Path, mut source: File, split: &Split, packet: &Packet) -> anyhow::Result<Vec<String>> {
    let mut names = FileNames::without(&[FORM]);
    let mut attached = Vec::new();
    if let Packet::Document(document) = packet {
        for one in &document.attachments {
            let body = one.body.and_then(|body| split.bodies.get(body));
            let cut = body.and_then(|body| split.skeleton.cuts.get(body.cut).map(|cut| (body, cut)));
            let Some((body, cut)) = cut else {
                attached.push(Attached::default());
                continue;
            };
            let end = match body.kind {
                Sniffed::Pdf => "pdf",
                Sniffed::Zip => "zip",
                Sniffed::Other => "bin",
            };
            let name = names.name(one.name.as_ref().map_or("", |name| &name.value), end);
            let mut file = File::create_new(folder.join(&name)).with_context(|| name.clone())?;
            source.seek(SeekFrom::Start(0))?;
            io::copy(&mut body_reader(&mut source, cut)?, &mut file)?;
            file.sync_all()?;
            let sha256 = Some(Located::made(body.digest.hex()));
            attached.push(Attached { file: Some(Located::made(name)), sha256, ..Attached::default() });
        }
    }
    let mut file = File::create_new(folder.join(FORM))?;
    file.write_all(form::write(packet, &attached)?.as_bytes())?;
    file.sync_all()?;
    let own = attached.into_iter().filter_map(|one| one.file).map(|file| file.value);
    Ok(std::iter::once(FORM.to_owned()).chain(own).collect())
}
