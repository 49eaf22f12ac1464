//! Who is calling which gateway with which keys: the options that every command towards a gateway shares.
//!
//! Keys come from a folder that `lienthong certs` made (`--certs` with `--as`), or from single files. Nothing of a key
//! is ever printed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use lienthong_contract::AgencyCode;

use crate::client::Client;
use crate::clock::SystemClock;
use crate::pki::{AgencyFiles, Manifest};
use crate::signing::load_signer;
use crate::trust::tls::{ClientFiles, client_config};
use crate::trust::xmldsig::KeySigner;

/// Where the gateway is, and who calls.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kết nối — connection")]
pub struct Connection {
    /// Địa chỉ trục — the gateway, e.g. `https://localhost:8443`.
    #[arg(long, value_name = "URL", env = "LIENTHONG_GATEWAY")]
    gateway: Option<String>,
    /// Mã cơ quan thực hiện — the agency to act as, e.g. `H37.90`.
    #[arg(long = "as", value_name = "CODE", env = "LIENTHONG_AS")]
    agency: Option<AgencyCode>,
    /// Thư mục khóa do `lienthong certs` tạo — a folder made by `lienthong certs`.
    #[arg(long, value_name = "DIR", env = "LIENTHONG_CERTS")]
    certs: Option<PathBuf>,
    /// Chứng thư kết nối (PEM, kèm CA trung gian) — client certificate chain, instead of --certs.
    #[arg(long, value_name = "PEM", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Khóa của chứng thư kết nối — its private key.
    #[arg(long, value_name = "PEM", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Chứng thư gốc của trục — root certificates that the gateway's certificate leads to.
    #[arg(long, value_name = "PEM")]
    ca: Vec<PathBuf>,
}

/// The key that packets are signed with.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Ký số — signing")]
pub struct SigningKey {
    /// Chứng thư ký số — signing certificate chain, instead of the one in --certs.
    #[arg(long, value_name = "PEM", requires = "sign_key")]
    sign_cert: Option<PathBuf>,
    /// Khóa ký số (PKCS#8 PEM) — its private key.
    #[arg(long, value_name = "PEM", requires = "sign_cert")]
    sign_key: Option<PathBuf>,
    /// Không ký — leave packets as they are.
    #[arg(long)]
    no_sign: bool,
}

impl Connection {
    /// The agency to act as, where it was named.
    pub fn agency(&self) -> Option<&AgencyCode> {
        self.agency.as_ref()
    }

    /// The agency to act as.
    pub fn named_agency(&self) -> anyhow::Result<&AgencyCode> {
        self.agency.as_ref().context("chưa cho biết mã cơ quan: dùng --as — say who you are with --as CODE")
    }

    /// A client that shows the caller's certificate.
    pub fn client(&self) -> anyhow::Result<Client> {
        let gateway = self.gateway.as_deref();
        let gateway = gateway.context("chưa cho biết địa chỉ trục: dùng --gateway — say where with --gateway URL")?;
        let tls = ClientFiles { roots: self.roots()?, crls: Vec::new(), identity: Some(self.identity()?), http: true };
        let tls = client_config(&tls, Arc::new(SystemClock))?;
        Ok(Client::new(gateway, &tls)?)
    }

    fn roots(&self) -> anyhow::Result<Vec<PathBuf>> {
        if !self.ca.is_empty() {
            return Ok(self.ca.clone());
        }
        match self.manifest()? {
            Some(manifest) => Ok(vec![manifest.ca().root]),
            None => bail!("chưa có chứng thư gốc: dùng --ca hoặc --certs — name the roots with --ca or --certs"),
        }
    }

    fn identity(&self) -> anyhow::Result<(PathBuf, PathBuf)> {
        if let (Some(chain), Some(key)) = (&self.client_cert, &self.client_key) {
            return Ok((chain.clone(), key.clone()));
        }
        let files = self.example_files()?.context(
            "chưa có chứng thư kết nối: dùng --certs cùng --as, hoặc --client-cert cùng --client-key — \
             name a client certificate with --certs and --as, or --client-cert and --client-key",
        )?;
        Ok((files.client_chain, files.client_key))
    }

    fn manifest(&self) -> anyhow::Result<Option<Manifest>> {
        self.certs.as_deref().map(load_manifest).transpose()
    }

    /// The agency's files in the example folder.
    fn example_files(&self) -> anyhow::Result<Option<AgencyFiles>> {
        let Some(manifest) = self.manifest()? else { return Ok(None) };
        let code = self.named_agency()?.to_new_form();
        let files = manifest.agency(code.as_str());
        let known = || manifest.agency_codes().collect::<Vec<_>>().join(", ");
        files.map(Some).with_context(|| format!("{code} không có trong --certs — is not among: {}", known()))
    }
}

impl SigningKey {
    /// The signer, when a signing key is known and packets are to be signed.
    pub fn signer(&self, connection: &Connection) -> anyhow::Result<Option<KeySigner>> {
        if self.no_sign {
            return Ok(None);
        }
        if let (Some(chain), Some(key)) = (&self.sign_cert, &self.sign_key) {
            return Ok(Some(load_signer(key, chain)?));
        }
        // Client files given one by one: --certs then says nothing of who signs, unless an agency is named in it.
        if connection.agency.is_none() {
            return Ok(None);
        }
        let files = connection.example_files()?;
        Ok(files.map(|files| load_signer(&files.sign_key, &files.sign_chain)).transpose()?)
    }
}

/// The manifest of a folder that `lienthong certs` made.
pub fn load_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    Manifest::load(folder).with_context(|| {
        format!("{} không phải thư mục do `lienthong certs` tạo — was not made by `lienthong certs`", folder.display())
    })
}
