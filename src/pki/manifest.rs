//! What is where in an example PKI, by role.
//!
//! The file `manifest.toml` holds paths relative to its own folder, so that the folder may be moved; a [`Manifest`]
//! in memory gives them joined to the folder it was loaded from.

use std::path::{Path, PathBuf};

use lienthong_contract::Instant;
use serde::{Deserialize, Serialize};

use super::{Error, file_error, write_file};

/// The manifest's own name.
pub const MANIFEST_FILE: &str = "manifest.toml";
/// The directory that fits the certificates.
pub const DIRECTORY_FILE: &str = "agencies.toml";
pub(super) const README_FILE: &str = "README.txt";
/// Larger than any manifest that [`super::generate`] writes.
const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;

/// The files of an example PKI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    #[serde(skip)]
    root: PathBuf,
    /// The `now` it was made for: the good certificates are valid at this moment.
    pub made_for: Instant,
    pub(super) ca: CaFiles,
    pub(super) broker: ServerPair,
    pub(super) hops: Vec<HopFiles>,
    pub(super) agencies: Vec<AgencyFiles>,
    pub(super) bad: Vec<BadFiles>,
}

/// The authorities: certificates, keys and revocation lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaFiles {
    pub root: PathBuf,
    pub root_key: PathBuf,
    pub sub: PathBuf,
    pub sub_key: PathBuf,
    /// The sub-authority's list; it names the certificates of the case `revoked`.
    pub crl: PathBuf,
    /// The root's list, empty.
    pub root_crl: PathBuf,
    /// A list of the sub-authority that is long out of date and names nobody.
    pub stale_crl: PathBuf,
    /// A root that nothing here is to trust: the issuer of the case `other-ca`.
    pub other_root: PathBuf,
}

impl CaFiles {
    /// The lists that are in force.
    #[must_use]
    pub fn crls(&self) -> Vec<PathBuf> {
        vec![self.crl.clone(), self.root_crl.clone()]
    }
}

/// A TLS server's chain and key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServerPair {
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// One gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopFiles {
    pub name: String,
    /// Serves on localhost, and opens connections to the broker and to other hops.
    pub tls_chain: PathBuf,
    pub tls_key: PathBuf,
    /// Signs receipts and checkpoints: ECDSA P-256.
    pub receipts_chain: PathBuf,
    pub receipts_key: PathBuf,
}

/// One agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyFiles {
    pub code: String,
    pub client_chain: PathBuf,
    pub client_key: PathBuf,
    pub sign_chain: PathBuf,
    pub sign_key: PathBuf,
}

/// Certificates that must be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadFiles {
    pub case: String,
    /// The code of the finding that the client certificate's path gives; none when its path is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_finding: Option<String>,
    /// The same of the signing certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_finding: Option<String>,
    pub files: AgencyFiles,
}

impl BadFiles {
    pub(super) fn new(case: &str, files: AgencyFiles, client: Option<&str>, sign: Option<&str>) -> Self {
        let owned = |code: Option<&str>| code.map(str::to_owned);
        Self { case: case.to_owned(), client_finding: owned(client), sign_finding: owned(sign), files }
    }
}

impl AgencyFiles {
    fn under(&self, root: &Path) -> Self {
        Self {
            code: self.code.clone(),
            client_chain: root.join(&self.client_chain),
            client_key: root.join(&self.client_key),
            sign_chain: root.join(&self.sign_chain),
            sign_key: root.join(&self.sign_key),
        }
    }
}

impl Manifest {
    pub(super) fn empty(root: &Path, made_for: Instant) -> Self {
        Self {
            root: root.to_owned(),
            made_for,
            ca: CaFiles::default(),
            broker: ServerPair::default(),
            hops: Vec::new(),
            agencies: Vec::new(),
            bad: Vec::new(),
        }
    }

    pub(super) fn path_in(folder: &Path) -> PathBuf {
        folder.join(MANIFEST_FILE)
    }

    pub(super) fn save(&self) -> Result<(), Error> {
        let path = Self::path_in(&self.root);
        let text =
            toml::to_string(self).map_err(|error| Error::Manifest { path: path.clone(), detail: error.to_string() })?;
        write_file(&path, text.as_bytes(), false)
    }

    /// Reads the manifest of a folder that [`super::generate`] made.
    ///
    /// # Errors
    /// [`Error::File`] when there is none, [`Error::Manifest`] when it cannot be understood.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let path = Self::path_in(folder);
        let size = std::fs::metadata(&path).map_err(|source| file_error(&path, source))?.len();
        if size > MAX_MANIFEST_BYTES {
            return Err(Error::Manifest { path, detail: format!("larger than {MAX_MANIFEST_BYTES} bytes") });
        }
        let text = std::fs::read_to_string(&path).map_err(|source| file_error(&path, source))?;
        let mut manifest: Self =
            toml::from_str(&text).map_err(|error| Error::Manifest { path, detail: error.to_string() })?;
        manifest.root = folder.to_owned();
        Ok(manifest)
    }

    /// The folder everything lies in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The same files, for a reader to whom the folder lies there.
    #[must_use]
    pub fn seen_from(&self, root: &Path) -> Self {
        Self { root: root.to_owned(), ..self.clone() }
    }

    /// The directory of agencies that fits the certificates.
    #[must_use]
    pub fn directory_file(&self) -> PathBuf {
        self.root.join(DIRECTORY_FILE)
    }

    #[must_use]
    pub fn ca(&self) -> CaFiles {
        let at = |path: &Path| self.root.join(path);
        CaFiles {
            root: at(&self.ca.root),
            root_key: at(&self.ca.root_key),
            sub: at(&self.ca.sub),
            sub_key: at(&self.ca.sub_key),
            crl: at(&self.ca.crl),
            root_crl: at(&self.ca.root_crl),
            stale_crl: at(&self.ca.stale_crl),
            other_root: at(&self.ca.other_root),
        }
    }

    #[must_use]
    pub fn broker(&self) -> ServerPair {
        ServerPair { chain: self.root.join(&self.broker.chain), key: self.root.join(&self.broker.key) }
    }

    /// A gateway by its name: `province-a`, `nation`, `province-b`.
    #[must_use]
    pub fn hop(&self, name: &str) -> Option<HopFiles> {
        self.hops.iter().find(|hop| hop.name == name).map(|hop| HopFiles {
            name: hop.name.clone(),
            tls_chain: self.root.join(&hop.tls_chain),
            tls_key: self.root.join(&hop.tls_key),
            receipts_chain: self.root.join(&hop.receipts_chain),
            receipts_key: self.root.join(&hop.receipts_key),
        })
    }

    /// An agency by its code in the new form.
    #[must_use]
    pub fn agency(&self, code: &str) -> Option<AgencyFiles> {
        self.agencies.iter().find(|agency| agency.code == code).map(|agency| agency.under(&self.root))
    }

    /// Certificates that must be refused, by case: `expired`, `not-yet-valid`, `revoked`, `wrong-key-usage`,
    /// `not-for-transport`, `weak-key`, `other-ca`, `impostor`, `other-agency`.
    #[must_use]
    pub fn bad(&self, case: &str) -> Option<BadFiles> {
        let under = |bad: &BadFiles| BadFiles { files: bad.files.under(&self.root), ..bad.clone() };
        self.bad.iter().find(|bad| bad.case == case).map(under)
    }

    pub fn hop_names(&self) -> impl Iterator<Item = &str> {
        self.hops.iter().map(|hop| hop.name.as_str())
    }

    pub fn agency_codes(&self) -> impl Iterator<Item = &str> {
        self.agencies.iter().map(|agency| agency.code.as_str())
    }

    pub fn bad_cases(&self) -> impl Iterator<Item = &str> {
        self.bad.iter().map(|bad| bad.case.as_str())
    }
}
