//! Certificates for the tests: an authority, a gateway, a registered sender and a stranger.

use std::sync::{Arc, LazyLock};

use lienthong_contract::Digest;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Who dials.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Sender,
    Stranger,
    Nobody,
}

struct Party {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Party {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

struct Pki {
    roots: Arc<RootCertStore>,
    gateway: Party,
    sender: Party,
    stranger: Party,
}

static PKI: LazyLock<Pki> = LazyLock::new(|| {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().der().clone();
    let issuer = Issuer::new(params, key);
    let party = |name: &str, usage| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        Party { certificate: params.signed_by(&key, &issuer).unwrap().der().clone(), key: key.serialize_der() }
    };
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    Pki {
        roots: Arc::new(roots),
        gateway: party("localhost", ExtendedKeyUsagePurpose::ServerAuth),
        sender: party("sender.example", ExtendedKeyUsagePurpose::ClientAuth),
        stranger: party("stranger.example", ExtendedKeyUsagePurpose::ClientAuth),
    }
});

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub fn sender_fingerprint() -> Digest {
    Digest::of(&PKI.sender.certificate)
}

pub fn stranger_fingerprint() -> Digest {
    Digest::of(&PKI.stranger.certificate)
}

pub fn server() -> Arc<ServerConfig> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&PKI.roots), provider())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![PKI.gateway.certificate.clone()], PKI.gateway.key())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Arc::new(config)
}

pub fn client(who: Who, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(Arc::clone(&PKI.roots));
    let mut config = match who {
        Who::Nobody => config.with_no_client_auth(),
        Who::Sender => config.with_client_auth_cert(vec![PKI.sender.certificate.clone()], PKI.sender.key()).unwrap(),
        Who::Stranger => {
            config.with_client_auth_cert(vec![PKI.stranger.certificate.clone()], PKI.stranger.key()).unwrap()
        }
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}
