//! The example PKI: everything the demo and the tests need to act as a province, a nation, a second province and a
//! dozen invented agencies. It is no certification authority and its keys protect nothing.
//!
//! Invariants: what is made depends on the options and on `now` only, except the keys and serial numbers; good
//! certificates are valid from one day before `now` for two years; every private key file is readable by its owner
//! only; every file is found through the [`Manifest`], never by guessing its path.
//!
//! Failure story: the manifest is written last. A folder without one holds the rest of an interrupted run and may be
//! made again; a folder with one is not touched unless the options say so.

mod authority;
mod bad;
mod cast;
mod directory;
mod keys;
pub mod manifest;

#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};

use lienthong_contract::{Digest, Instant};
use ring::rand::SystemRandom;

pub use manifest::{AgencyFiles, BadFiles, CaFiles, HopFiles, Manifest, ServerPair};

use authority::{Issued, Issuer, Profile, Validity};
use keys::KeyStock;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Replace what an earlier run made in the same folder.
    pub overwrite: bool,
    /// Names and addresses that the gateways' and the broker's TLS certificates are good for, besides `localhost`,
    /// `127.0.0.1` and `::1`.
    pub hosts: Vec<String>,
    /// False: P-256 everywhere, done in an instant. True: half of the signing keys are RSA-2048, as in the field.
    pub rsa: bool,
    /// Threads that make RSA keys.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { overwrite: false, hosts: Vec::new(), rsa: true, threads: 2 }
    }
}

/// The example PKI could not be made or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{} already holds an example PKI; say so if it is to be replaced", .0.display())]
    Exists(PathBuf),
    #[error("{} is no manifest of an example PKI: {detail}", .path.display())]
    Manifest { path: PathBuf, detail: String },
    #[error("a key could not be made: {0}")]
    Key(String),
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// Makes the example PKI below `out` and tells its progress step by step.
///
/// # Errors
/// [`Error`], by its first cause; the folder then has no manifest.
pub fn generate(
    out: &Path,
    options: &Options,
    now: Instant,
    progress: &mut dyn FnMut(&str),
) -> Result<Manifest, Error> {
    if Manifest::path_in(out).exists() {
        if !options.overwrite {
            return Err(Error::Exists(out.to_owned()));
        }
        std::fs::remove_file(Manifest::path_in(out)).map_err(|source| file_error(&Manifest::path_in(out), source))?;
    }
    let mut studio = Studio {
        out: out.to_owned(),
        hosts: options.hosts.clone(),
        good: Validity::around(now),
        now,
        keys: if options.rsa {
            KeyStock::with_rsa(cast::rsa_keys_needed(), options.threads, progress)?
        } else {
            KeyStock::p256_only()
        },
        random: SystemRandom::new(),
    };
    progress("certificate authorities");
    let root = Issuer::root("Liên Thông Example Root CA", &studio.good, &studio.random)?;
    let sub = root.below(SUB_NAME, &studio.good, &studio.random)?;
    let mut manifest = Manifest::empty(out, now);
    for hop in cast::HOPS {
        progress(&format!("gateway {hop}"));
        manifest.hops.push(studio.hop(&sub, hop)?);
    }
    progress("broker");
    manifest.broker = studio.broker(&sub)?;
    let mut rows = Vec::new();
    for member in cast::AGENCIES {
        progress(&format!("agency {}", member.code));
        let (files, fingerprints) = studio.agency(&sub, member)?;
        manifest.agencies.push(files);
        rows.push(directory::row(member, fingerprints));
    }
    progress("certificates that must be refused");
    let revoked = bad::make(&studio, &sub, &mut manifest)?;
    studio.authorities(&root, &sub, &revoked, &mut manifest.ca)?;
    studio.write(Path::new(manifest::DIRECTORY_FILE), directory::write(rows)?.as_bytes(), false)?;
    studio.write(Path::new(manifest::README_FILE), README.as_bytes(), false)?;
    manifest.save()?;
    progress("done");
    Ok(manifest)
}

/// The sub-authority that issues everything good.
const SUB_NAME: &str = "Liên Thông Example Sub-CA";

const README: &str = "\
Example keys and certificates for Liên Thông, made by `lienthong certs`. For demos and tests only: never use them in\n\
production. What is what stands in manifest.toml; agencies.toml is a directory that fits.\n\
hops/<name>/lienthong.toml starts a gateway: lienthong serve --config hops/province-a/lienthong.toml\n\
example.edxml is a letter from H37.90 to H37.91 for lienthong send.\n\
\n\
Khoá và chứng thư thí dụ, chỉ dùng để trình diễn và kiểm thử; không bao giờ dùng trong vận hành thật.\n";

/// The bench at which one run works: where files go, which keys are left, when the good certificates are valid.
struct Studio {
    out: PathBuf,
    hosts: Vec<String>,
    good: Validity,
    now: Instant,
    keys: KeyStock,
    random: SystemRandom,
}

/// Fingerprints of an agency's certificates, for the directory.
struct Fingerprints {
    client: Digest,
    signing: Digest,
}

impl Studio {
    fn hop(&mut self, sub: &Issuer, name: &str) -> Result<HopFiles, Error> {
        let folder = PathBuf::from("hops").join(name);
        let subject = format!("Liên Thông example gateway {name}");
        // A broker that takes the certificate for the login takes its common name for the user.
        let tls = Profile::server_and_client(name, name, &self.hosts);
        let tls = sub.issue(&tls, keys::p256()?, &self.good, &self.random)?;
        let receipts = Profile::signing(&format!("{subject}, receipts"), name);
        let receipts = sub.issue(&receipts, keys::p256()?, &self.good, &self.random)?;
        let (tls_chain, tls_key) = self.pair(&folder, "tls", &tls)?;
        let (receipts_chain, receipts_key) = self.pair(&folder, "receipts", &receipts)?;
        Ok(HopFiles { name: name.to_owned(), tls_chain, tls_key, receipts_chain, receipts_key })
    }

    fn broker(&mut self, sub: &Issuer) -> Result<ServerPair, Error> {
        let profile = Profile::server_and_client("Liên Thông example broker", "rabbitmq", &self.hosts);
        let issued = sub.issue(&profile, keys::p256()?, &self.good, &self.random)?;
        let (chain, key) = self.pair(Path::new("broker"), "tls", &issued)?;
        Ok(ServerPair { chain, key })
    }

    fn agency(&mut self, sub: &Issuer, member: &cast::Member) -> Result<(AgencyFiles, Fingerprints), Error> {
        let folder = PathBuf::from("agencies").join(member.code);
        let client_key = self.keys.take(member.client_key)?;
        let client = sub.issue(&Profile::client(member.name, member.code), client_key, &self.good, &self.random)?;
        let signing_key = self.keys.take(member.signing_key)?;
        let signing = sub.issue(&Profile::signing(member.name, member.code), signing_key, &self.good, &self.random)?;
        let (client_chain, client_key) = self.pair(&folder, "client", &client)?;
        let (sign_chain, sign_key) = self.pair(&folder, "sign", &signing)?;
        let files = AgencyFiles { code: member.code.to_owned(), client_chain, client_key, sign_chain, sign_key };
        Ok((files, Fingerprints { client: Digest::of(&client.der), signing: Digest::of(&signing.der) }))
    }

    /// Writes the authorities' own certificates, keys and revocation lists.
    fn authorities(
        &self,
        root: &Issuer,
        sub: &Issuer,
        revoked: &[bad::Revoked],
        ca: &mut CaFiles,
    ) -> Result<(), Error> {
        let put = |name: &str, text: &str, secret: bool| {
            let path = Path::new("ca").join(name);
            self.write(&path, text.as_bytes(), secret).map(|()| path)
        };
        ca.root = put("root.pem", root.pem(), false)?;
        ca.root_key = put("root.key", &root.key_pem(), true)?;
        ca.sub = put("sub.pem", sub.pem(), false)?;
        ca.sub_key = put("sub.key", &sub.key_pem(), true)?;
        ca.crl = put("crl.pem", &sub.crl(revoked, &self.good)?, false)?;
        ca.root_crl = put("root-crl.pem", &root.crl(&[], &self.good)?, false)?;
        ca.stale_crl = put("crl-stale.pem", &sub.crl(&[], &Validity::past(self.now))?, false)?;
        Ok(())
    }

    /// Writes `<name>.pem` (the chain) and `<name>.key`; gives the paths relative to the output folder.
    fn pair(&self, folder: &Path, name: &str, issued: &Issued) -> Result<(PathBuf, PathBuf), Error> {
        let chain = folder.join(format!("{name}.pem"));
        let key = folder.join(format!("{name}.key"));
        self.write(&chain, issued.chain_pem.as_bytes(), false)?;
        self.write(&key, issued.key_pem.as_bytes(), true)?;
        Ok((chain, key))
    }

    /// Writes one file below the output folder. A secret one is made anew, so that it never inherits open rights.
    fn write(&self, relative: &Path, bytes: &[u8], secret: bool) -> Result<(), Error> {
        write_file(&self.out.join(relative), bytes, secret)
    }
}

fn write_file(path: &Path, bytes: &[u8], secret: bool) -> Result<(), Error> {
    use std::io::Write;
    let attempt = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
        options.open(path)?.write_all(bytes)
    };
    attempt().map_err(|source| file_error(path, source))
}

fn file_error(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.to_owned(), source }
}
