//! TLS for the doors and the links: rustls on ring, TLS 1.2 and 1.3.
//!
//! A client certificate is judged by the same [`TrustStore::check`] as everything else, so that a handshake refuses
//! exactly what the console would call bad, and with the same words in the log.
//!
//! Invariants: no session tickets and no session cache, because a resumed session is not asked for its certificate
//! again; the clock is the gateway's own [`Clock`]; every load error names the file.
//!
//! Failure story: [`ReloadableServerConfig::reload`] replaces the configuration whole or leaves the old one in force.
//! Connections already open keep what they were made with: bound their age.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use lienthong_contract::{Clock, Finding};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, OtherError, RootCertStore, ServerConfig,
    SignatureScheme,
};

use super::path::{PathProblem, Purpose, TrustStore};
use super::{Error, Fault, certificate, crl, findings};

/// What a door of the gateway is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// The server's certificate chain, own certificate first.
    pub chain: PathBuf,
    pub key: PathBuf,
    /// Roots that client certificates must lead to.
    pub client_roots: Vec<PathBuf>,
    /// Authorities below them, for clients that send their own certificate only.
    pub client_intermediates: Vec<PathBuf>,
    pub client_crls: Vec<PathBuf>,
    /// False: a client may come without a certificate (the VXP door knows it by its secret); one that it does show
    /// must be good all the same.
    pub require_client_cert: bool,
}

/// What a connection to a neighbour or a broker is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// Roots that the server's certificate must lead to.
    pub roots: Vec<PathBuf>,
    pub crls: Vec<PathBuf>,
    /// Chain and key to show, where the server asks for them.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Offer HTTP/2 and HTTP/1.1. A broker is offered no protocol.
    pub http: bool,
}

/// The gateway's clock as rustls wants it.
#[derive(Debug)]
struct TlsClock(Arc<dyn Clock>);

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(crl::unix_time(self.0.now()))
    }
}

/// Makes the configuration of a door.
///
/// # Errors
/// [`Error`] names the file and what is wrong with it.
pub fn server_config(files: &ServerFiles, clock: Arc<dyn Clock>) -> Result<Arc<ServerConfig>, Error> {
    let provider = provider();
    let (chain, key) = identity(&files.chain, &files.key, &provider)?;
    let verifier: Arc<dyn ClientCertVerifier> = if files.client_roots.is_empty() && !files.require_client_cert {
        WebPkiClientVerifier::no_client_auth()
    } else {
        let store = TrustStore::from_pem_files(&files.client_roots, &files.client_intermediates, &files.client_crls)?;
        Arc::new(StoreVerifier::new(store, files.require_client_cert, &provider))
    };
    let tls = |error: rustls::Error| Error::at(&files.chain, Fault::Tls(error.to_string()));
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(TlsClock(clock)))
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(tls)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = http_protocols();
    Ok(Arc::new(config))
}

/// Makes the configuration of an outgoing connection.
///
/// # Errors
/// [`Error`] names the file and what is wrong with it.
pub fn client_config(files: &ClientFiles, clock: Arc<dyn Clock>) -> Result<Arc<ClientConfig>, Error> {
    let provider = provider();
    let verifier = server_verifier(files, &provider)?;
    let builder = ClientConfig::builder_with_details(Arc::clone(&provider), Arc::new(TlsClock(clock)))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new("TLS", Fault::Tls(error.to_string())))?
        .with_webpki_verifier(verifier);
    let mut config = match &files.identity {
        Some((chain_path, key_path)) => {
            let (chain, key) = identity(chain_path, key_path, &provider)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| Error::at(chain_path, Fault::Tls(error.to_string())))?
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    if files.http {
        config.alpn_protocols = http_protocols();
    }
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn http_protocols() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

fn server_verifier(files: &ClientFiles, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for path in &files.roots {
        for (index, root) in (1..).zip(certificate::read_chain(path)?) {
            roots
                .add(CertificateDer::from(root.der().to_vec()))
                .map_err(|error| Error::at(path, Fault::BadCertificate { index, detail: error.to_string() }))?;
        }
    }
    if roots.is_empty() {
        return Err(Error::new("TLS", Fault::NoRoots));
    }
    let lists: Vec<Vec<u8>> =
        files.crls.iter().map(|path| certificate::read_crls(path)).collect::<Result<Vec<_>, _>>()?.concat();
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(lists.into_iter().map(CertificateRevocationListDer::from))
        .allow_unknown_revocation_status()
        .build()
        .map_err(|error| {
            let files: Vec<String> = files.crls.iter().map(|path| path.display().to_string()).collect();
            Error::new(files.join(", "), Fault::Tls(error.to_string()))
        })
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads chain and key and proves that they are a pair, so that the mistake shows at start.
fn identity(chain_path: &Path, key_path: &Path, provider: &Arc<CryptoProvider>) -> Result<Identity, Error> {
    let chain: Vec<CertificateDer<'static>> = certificate::read_chain(chain_path)?
        .iter()
        .map(|certificate| CertificateDer::from(certificate.der().to_vec()))
        .collect();
    let key = certificate::read_key(key_path)?;
    let signer = provider
        .key_provider
        .load_private_key(key.clone_key())
        .map_err(|error| Error::at(key_path, Fault::UnusableKey(error.to_string())))?;
    match rustls::sign::CertifiedKey::new(chain.clone(), signer).keys_match() {
        Ok(()) => Ok((chain, key)),
        Err(_) => Err(Error::at(key_path, Fault::KeyMismatch { certificate: chain_path.display().to_string() })),
    }
}

/// Judges client certificates by a [`TrustStore`].
#[derive(Debug)]
struct StoreVerifier {
    store: TrustStore,
    mandatory: bool,
    /// The subjects of the roots, told to the client so that it picks the right certificate.
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl StoreVerifier {
    fn new(store: TrustStore, mandatory: bool, provider: &CryptoProvider) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(store.roots().iter().map(|root| CertificateDer::from(root.der())));
        let algorithms = provider.signature_verification_algorithms;
        Self { store, mandatory, hints: roots.subjects(), algorithms }
    }
}

impl ClientCertVerifier for StoreVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let extra: Vec<Vec<u8>> = intermediates
            .iter()
            .take(super::path::MAX_EXTRA_INTERMEDIATES)
            .map(|certificate| certificate.as_ref().to_vec())
            .collect();
        self.store
            .check(end_entity.as_ref(), &extra, Purpose::TlsClient, crl::instant(now))
            .map(|_| ClientCertVerified::assertion())
            .map_err(|problem| alert(problem, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The problem as the TLS alert that comes nearest. Causes that have no alert of their own travel as `Other`, so that
/// [`handshake_finding`] still finds the whole [`PathProblem`].
fn alert(problem: PathProblem, now: UnixTime) -> rustls::Error {
    let nearest = match &problem {
        PathProblem::Expired { not_after, .. } => {
            CertificateError::ExpiredContext { time: now, not_after: crl::unix_time(*not_after) }
        }
        PathProblem::NotYetValid { not_before, .. } => {
            CertificateError::NotValidYetContext { time: now, not_before: crl::unix_time(*not_before) }
        }
        PathProblem::UnknownIssuer { .. } => CertificateError::UnknownIssuer,
        PathProblem::Revoked { .. } => CertificateError::Revoked,
        PathProblem::RevocationUnknown(_) => CertificateError::UnknownRevocationStatus,
        PathProblem::BadSignature => CertificateError::BadSignature,
        PathProblem::Malformed(_) => CertificateError::BadEncoding,
        _ => CertificateError::Other(OtherError(Arc::new(problem))),
    };
    rustls::Error::InvalidCertificate(nearest)
}

/// Why an accepted connection failed its handshake, when the reason was the client's certificate. `error` is what the
/// TLS acceptor gave.
#[must_use]
pub fn handshake_finding(error: &std::io::Error) -> Option<Finding> {
    let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(certificate) = cause else { return None };
    let kind =
        match certificate {
            CertificateError::ExpiredContext { .. } => &findings::EXPIRED,
            CertificateError::NotValidYetContext { .. } => &findings::NOT_YET_VALID,
            CertificateError::UnknownIssuer => &findings::UNKNOWN_ISSUER,
            CertificateError::Revoked => &findings::REVOKED,
            CertificateError::UnknownRevocationStatus => &findings::REVOCATION_REQUIRED,
            CertificateError::BadSignature => &findings::BAD_SIGNATURE,
            CertificateError::BadEncoding => &findings::MALFORMED,
            CertificateError::Other(other) => {
                return Some(other.0.downcast_ref::<PathProblem>().map_or_else(
                    || Finding::of(&findings::PATH_OTHER).found(other.0.to_string()),
                    PathProblem::finding,
                ));
            }
            _ => &findings::PATH_OTHER,
        };
    Some(Finding::of(kind).found(certificate.to_string()))
}

/// A door's configuration that can be replaced while connections run. It watches nothing: somebody calls
/// [`ReloadableServerConfig::reload`].
#[derive(Debug)]
pub struct ReloadableServerConfig {
    files: ServerFiles,
    clock: Arc<dyn Clock>,
    current: ArcSwap<ServerConfig>,
}

impl ReloadableServerConfig {
    /// # Errors
    /// As [`server_config`].
    pub fn load(files: ServerFiles, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let current = ArcSwap::new(server_config(&files, Arc::clone(&clock))?);
        Ok(Self { files, clock, current })
    }

    /// The configuration for the next connection.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Reads the same files again.
    ///
    /// # Errors
    /// As [`server_config`]; the old configuration then stays in force.
    pub fn reload(&self) -> Result<(), Error> {
        self.current.store(server_config(&self.files, Arc::clone(&self.clock))?);
        Ok(())
    }
}
