//! A small PKI of the tests' own: a root, an authority below it, certificates of hops, revocation lists.

use std::time::Duration;

use lienthong::receipts::{Error, Signer};
use lienthong_contract::Instant;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, RevocationReason, RevokedCertParams,
    SerialNumber,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

/// When the documents of these tests are on their way.
pub const NOW: Instant = Instant::from_millis(1_790_000_000_000);
pub const DAY: i64 = 24 * 60 * 60 * 1000;

macro_rules! moment {
    ($at:expr) => {
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs($at.as_seconds() as u64)
    };
}

pub struct Pki {
    root: CertifiedIssuer<'static, KeyPair>,
    sub: CertifiedIssuer<'static, KeyPair>,
}

/// A hop's key and chain.
#[derive(Debug)]
pub struct Key {
    pub name: String,
    pub pair: EcdsaKeyPair,
    pub chain: Vec<Vec<u8>>,
    pub serial: Vec<u8>,
}

impl Signer for Key {
    fn alg(&self) -> &'static str {
        "ES256"
    }

    fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
    }
}

fn authority(name: &str, below: u8, serial: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = moment!(NOW.plus_millis(-400 * DAY));
    params.not_after = moment!(NOW.plus_millis(4000 * DAY));
    params.serial_number = Some(SerialNumber::from_slice(&[serial]));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Pki {
    pub fn new() -> Self {
        let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let root = CertifiedIssuer::self_signed(authority("Test root", 1, 1), key()).unwrap();
        let sub = CertifiedIssuer::signed_by(authority("Test authority", 0, 2), key(), &root).unwrap();
        Self { root, sub }
    }

    pub fn root_der(&self) -> Vec<u8> {
        self.root.der().to_vec()
    }

    pub fn sub_der(&self) -> Vec<u8> {
        self.sub.der().to_vec()
    }

    /// A hop's signing key with a certificate valid between these moments.
    pub fn hop(&self, name: &str, serial: u8, from: Instant, to: Instant) -> Key {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = moment!(from);
        params.not_after = moment!(to);
        params.serial_number = Some(SerialNumber::from_slice(&[serial]));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("Trục {name}"));
        params.distinguished_name.push(DnType::from_oid(&[0, 9, 2342, 19_200_300, 100, 1, 1]), name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let certificate = params.signed_by(&key, &self.sub).unwrap();
        let pkcs8 = key.serialize_der();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).unwrap();
        let chain = vec![certificate.der().to_vec(), self.sub_der()];
        Key { name: name.to_owned(), pair, chain, serial: vec![serial] }
    }

    /// A hop's key, valid from the day before [`NOW`] for a year.
    pub fn usual(&self, name: &str, serial: u8) -> Key {
        self.hop(name, serial, NOW.plus_millis(-DAY), NOW.plus_millis(365 * DAY))
    }

    /// The authority's revocation list as of some days after [`NOW`].
    pub fn crl(&self, revoked: &[(&[u8], Instant)]) -> Vec<u8> {
        Self::list(&self.sub, revoked)
    }

    /// The root's, which names nobody.
    pub fn root_crl(&self) -> Vec<u8> {
        Self::list(&self.root, &[])
    }

    fn list(issuer: &CertifiedIssuer<'static, KeyPair>, revoked: &[(&[u8], Instant)]) -> Vec<u8> {
        let entry = |(serial, since): &(&[u8], Instant)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: moment!(since),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: moment!(NOW.plus_millis(-DAY)),
            next_update: moment!(NOW.plus_millis(30 * DAY)),
            crl_number: SerialNumber::from_slice(&[7]),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(issuer).unwrap().der().to_vec()
    }
}
