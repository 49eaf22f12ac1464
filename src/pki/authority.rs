//! Issuing: authorities, the profiles of certificates, revocation lists.

use std::net::IpAddr;
use std::time::Duration;

use lienthong_contract::Instant;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, RevokedCertParams,
    SanType, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};

use super::Error;
use super::bad::Revoked;
use super::keys::SubjectKey;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
const GOOD_DAYS: i64 = 730;
/// userId (RFC 4519 §2.39): the certificate's agency code or hop name, for people who read it.
const USER_ID: &[u64] = &[0, 9, 2342, 19_200_300, 100, 1, 1];

/// An instant in whole seconds as rcgen takes it. A macro, because the type belongs to a crate that is not named here.
macro_rules! moment {
    ($at:expr) => {
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from($at.as_seconds()).unwrap_or(0))
    };
}

/// From when to when something is valid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity {
    pub from: Instant,
    pub to: Instant,
}

impl Validity {
    /// From one day before `now` for two years after it.
    pub fn around(now: Instant) -> Self {
        Self { from: now.plus_millis(-DAY_MILLIS), to: now.plus_millis(GOOD_DAYS * DAY_MILLIS) }
    }

    /// Over since two days before `now`.
    pub fn past(now: Instant) -> Self {
        Self { from: now.plus_millis(-30 * DAY_MILLIS), to: now.plus_millis(-2 * DAY_MILLIS) }
    }

    /// Beginning 30 days after `now`.
    pub fn future(now: Instant) -> Self {
        Self { from: now.plus_millis(30 * DAY_MILLIS), to: now.plus_millis(GOOD_DAYS * DAY_MILLIS) }
    }
}

/// What a certificate says of its subject and uses.
pub(super) struct Profile {
    pub name: String,
    pub id: String,
    pub usages: Vec<KeyUsagePurpose>,
    pub extended: Vec<ExtendedKeyUsagePurpose>,
    pub hosts: Vec<SanType>,
}

impl Profile {
    /// Signs packets or receipts. No extended usage, as in the certificates agencies really have.
    pub fn signing(name: &str, id: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            usages: vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment],
            extended: Vec::new(),
            hosts: Vec::new(),
        }
    }

    /// Opens connections to a gateway.
    pub fn client(name: &str, id: &str) -> Self {
        Self {
            usages: vec![KeyUsagePurpose::DigitalSignature],
            extended: vec![ExtendedKeyUsagePurpose::ClientAuth],
            ..Self::signing(name, id)
        }
    }

    /// Takes connections on this machine and opens them to the broker and to other hops.
    pub fn server_and_client(name: &str, id: &str, more_hosts: &[String]) -> Self {
        let hosts = ["localhost", "127.0.0.1", "::1"].into_iter().chain(more_hosts.iter().map(String::as_str));
        Self {
            usages: vec![KeyUsagePurpose::DigitalSignature],
            extended: vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            hosts: hosts.filter_map(alternative_name).collect(),
            ..Self::signing(name, id)
        }
    }

    fn params(&self, validity: &Validity, random: &SystemRandom) -> Result<CertificateParams, Error> {
        let mut params = CertificateParams::default();
        params.not_before = moment!(validity.from);
        params.not_after = moment!(validity.to);
        params.serial_number = Some(serial(random)?);
        params.distinguished_name = subject(&self.name, Some(&self.id));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages.clone_from(&self.usages);
        params.extended_key_usages.clone_from(&self.extended);
        params.subject_alt_names.clone_from(&self.hosts);
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }
}

fn alternative_name(host: &str) -> Option<SanType> {
    match host.parse::<IpAddr>() {
        Ok(address) => Some(SanType::IpAddress(address)),
        Err(_) => host.try_into().ok().map(SanType::DnsName),
    }
}

/// A certificate with its key, as text for files.
pub(super) struct Issued {
    pub der: Vec<u8>,
    pub serial: SerialNumber,
    /// The certificate and the sub-authority's, the order TLS wants.
    pub chain_pem: String,
    pub key_pem: String,
}

/// A certificate authority.
pub(super) struct Issuer {
    certified: CertifiedIssuer<'static, KeyPair>,
    pem: String,
    is_root: bool,
}

impl Issuer {
    pub fn root(name: &str, validity: &Validity, random: &SystemRandom) -> Result<Self, Error> {
        let params = authority_params(name, BasicConstraints::Constrained(1), validity, random)?;
        let certified = CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)?;
        Ok(Self { pem: certified.pem(), certified, is_root: true })
    }

    /// A subordinate authority that may issue end certificates only.
    pub fn below(&self, name: &str, validity: &Validity, random: &SystemRandom) -> Result<Self, Error> {
        let params = authority_params(name, BasicConstraints::Constrained(0), validity, random)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certified = CertifiedIssuer::signed_by(params, key, &self.certified)?;
        Ok(Self { pem: certified.pem(), certified, is_root: false })
    }

    pub fn issue(
        &self,
        profile: &Profile,
        key: SubjectKey,
        validity: &Validity,
        random: &SystemRandom,
    ) -> Result<Issued, Error> {
        let params = profile.params(validity, random)?;
        let certificate = params.signed_by(&key.public, &self.certified)?;
        let mut chain_pem = certificate.pem();
        if !self.is_root {
            chain_pem.push_str(&self.pem);
        }
        let serial = params.serial_number.ok_or_else(|| Error::Key("no serial number".to_owned()))?;
        Ok(Issued { der: certificate.der().to_vec(), serial, chain_pem, key_pem: key.pem })
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn key_pem(&self) -> String {
        self.certified.key().serialize_pem()
    }

    /// A full revocation list of this authority.
    pub fn crl(&self, revoked: &[Revoked], validity: &Validity) -> Result<String, Error> {
        let params = CertificateRevocationListParams {
            this_update: moment!(validity.from),
            next_update: moment!(validity.to),
            crl_number: SerialNumber::from(u64::try_from(validity.from.as_seconds()).unwrap_or(1)),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.certified)?.pem()?)
    }
}

fn entry(revoked: &Revoked) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: revoked.serial.clone(),
        revocation_time: moment!(revoked.since),
        reason_code: Some(revoked.reason),
        invalidity_date: None,
    }
}

fn authority_params(
    name: &str,
    constraints: BasicConstraints,
    validity: &Validity,
    random: &SystemRandom,
) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.not_before = moment!(validity.from);
    params.not_after = moment!(validity.to);
    params.serial_number = Some(serial(random)?);
    params.distinguished_name = subject(name, None);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn subject(name: &str, id: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CountryName, "VN");
    subject.push(DnType::OrganizationName, "Thí dụ - không phải cơ quan thật");
    subject.push(DnType::CommonName, name);
    if let Some(id) = id {
        subject.push(DnType::from_oid(USER_ID), id);
    }
    subject
}

/// 16 random octets, positive and without a leading zero, so that every tool writes the same digits.
fn serial(random: &SystemRandom) -> Result<SerialNumber, Error> {
    let mut octets = [0_u8; 16];
    random.fill(&mut octets).map_err(|_| Error::Key("the system gave no random numbers".to_owned()))?;
    if let Some(first) = octets.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&octets))
}
