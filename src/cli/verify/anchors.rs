//! What the verifier trusts: a folder of certificates, or single files.
//!
//! Of a folder, certificates that issued themselves are roots, others are authorities below them; revocation lists add
//! to those in a bundle, and `pins.toml` registers certificates for hops. PEM and DER are told apart by content; keys
//! and other files are left alone.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Deserialize;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::super::connection::load_manifest;
use super::Verify;
use crate::bundle::Anchors;
use crate::config::Pin;
use crate::pki::manifest::MANIFEST_FILE;
use crate::trust::Certificate;

/// A folder of roots has a few dozen files.
const MAX_FILES: usize = 256;
/// A revocation list of a national authority may have some hundred thousand entries of about 40 bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// The file that registers certificates for hops, as `[[pin]]` does in a gateway's configuration.
const PINS: &str = "pins.toml";
/// What certificates and lists are called.
const ENDINGS: [&str; 5] = ["pem", "crt", "cer", "der", "crl"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinFile {
    pin: Vec<Pin>,
}

impl Verify {
    /// All that the options name.
    pub(super) fn anchors(&self) -> anyhow::Result<Anchors> {
        let mut anchors = Anchors::default();
        if let Some(folder) = &self.trust {
            take_folder(&mut anchors, folder)?;
        }
        for file in &self.roots {
            let all = der_of(file)?;
            anchors.roots.extend(all.certificates);
        }
        for file in &self.intermediates {
            anchors.intermediates.extend(der_of(file)?.certificates);
        }
        for file in &self.crls {
            anchors.crls.extend(der_of(file)?.lists);
        }
        if anchors.roots.is_empty()
            && let Some(folder) = &self.certs
        {
            take_example(&mut anchors, folder)?;
        }
        ensure!(!anchors.roots.is_empty(), "không có chứng thư gốc nào — there is no root certificate");
        Ok(anchors)
    }
}

fn take_folder(anchors: &mut Anchors, folder: &Path) -> anyhow::Result<()> {
    if folder.join(MANIFEST_FILE).is_file() {
        return take_example(anchors, folder);
    }
    let shown = || folder.display().to_string();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(shown)?
        .take(MAX_FILES + 1)
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(shown)?;
    ensure!(files.len() <= MAX_FILES, "{}: quá nhiều tệp — more than {MAX_FILES} files", shown());
    files.sort();
    for file in files.iter().filter(|file| file.is_file()) {
        if file.file_name().is_some_and(|name| name == PINS) {
            let text = String::from_utf8(read(file)?).with_context(|| file.display().to_string())?;
            let pins: PinFile = toml::from_str(&text).with_context(|| file.display().to_string())?;
            for pin in pins.pin {
                anchors.pins.entry(pin.hop).or_default().extend(pin.certificates);
            }
            continue;
        }
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        if !ENDINGS.contains(&ending.as_str()) {
            continue;
        }
        let all = der_of(file)?;
        for der in all.certificates {
            if issued_itself(&der) { anchors.roots.push(der) } else { anchors.intermediates.push(der) }
        }
        anchors.crls.extend(all.lists);
    }
    ensure!(!anchors.roots.is_empty(), "{}: không có chứng thư gốc nào — holds no root certificate", shown());
    Ok(())
}

fn take_example(anchors: &mut Anchors, folder: &Path) -> anyhow::Result<()> {
    let ca = load_manifest(folder)?.ca();
    anchors.roots.extend(der_of(&ca.root)?.certificates);
    anchors.intermediates.extend(der_of(&ca.sub)?.certificates);
    for list in ca.crls() {
        anchors.crls.extend(der_of(&list)?.lists);
    }
    Ok(())
}

#[derive(Default)]
struct Ders {
    certificates: Vec<Vec<u8>>,
    lists: Vec<Vec<u8>>,
}

fn der_of(file: &Path) -> anyhow::Result<Ders> {
    let bytes = read(file)?;
    let shown = || file.display().to_string();
    if bytes.first() == Some(&0x30) {
        return Ok(if Certificate::from_der(&bytes).is_ok() {
            Ders { certificates: vec![bytes], lists: Vec::new() }
        } else {
            Ders { certificates: Vec::new(), lists: vec![bytes] }
        });
    }
    let certificates = CertificateDer::pem_slice_iter(&bytes).map(|item| item.map(|der| der.as_ref().to_vec()));
    let lists = CertificateRevocationListDer::pem_slice_iter(&bytes).map(|item| item.map(|der| der.as_ref().to_vec()));
    let ders = Ders {
        certificates: certificates.collect::<Result<_, _>>().with_context(shown)?,
        lists: lists.collect::<Result<_, _>>().with_context(shown)?,
    };
    if ders.certificates.is_empty() && ders.lists.is_empty() {
        bail!("{}: không có chứng thư hay danh sách thu hồi — holds no certificate and no revocation list", shown());
    }
    Ok(ders)
}

fn issued_itself(der: &[u8]) -> bool {
    let parsed = X509Certificate::from_der(der);
    parsed.is_ok_and(|(_, parsed)| parsed.subject().as_raw() == parsed.issuer().as_raw())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = || file.display().to_string();
    let mut bytes = Vec::new();
    File::open(file).with_context(shown)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).with_context(shown)?;
    ensure!(u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_FILE_BYTES), "{}: quá lớn — too large", shown());
    Ok(bytes)
}
