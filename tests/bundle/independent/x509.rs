//! Certificates and revocation lists (RFC 5280), as far as hops use them.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_parser::oid_registry::asn1_rs::oid;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};
use x509_parser::x509::AlgorithmIdentifier;

use super::{Check, demand};

/// One root, authorities that may lead to it, and their lists.
pub struct Trust {
    root: Vec<u8>,
    pool: Vec<Vec<u8>>,
    lists: Vec<Vec<u8>>,
}

fn parsed(der: &[u8]) -> Check<X509Certificate<'_>> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
    demand(rest.is_empty(), "something follows a certificate")?;
    Ok(certificate)
}

pub fn public_key(der: &[u8]) -> Check<Vec<u8>> {
    Ok(parsed(der)?.public_key().subject_public_key.data.to_vec())
}

pub fn verify_jws(alg: &str, key: &[u8], message: &[u8], signature: &[u8]) -> Check {
    let algorithm: &dyn VerificationAlgorithm = match alg {
        "ES256" => &ECDSA_P256_SHA256_FIXED,
        "EdDSA" => &ED25519,
        other => return Err(format!("algorithm {other}")),
    };
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| "a JWS signature".to_owned())
}

fn signed_by(message: &[u8], how: &AlgorithmIdentifier<'_>, signature: &[u8], issuer: &X509Certificate<'_>) -> bool {
    let algorithm: &dyn VerificationAlgorithm = if how.algorithm == oid!(1.2.840.10045.4.3.2) {
        &ECDSA_P256_SHA256_ASN1
    } else if how.algorithm == oid!(1.2.840.113549.1.1.11) {
        &RSA_PKCS1_2048_8192_SHA256
    } else {
        return false;
    };
    let key = &issuer.public_key().subject_public_key.data;
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

fn issued_by(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    let (message, signature) = (certificate.tbs_certificate.as_ref(), &certificate.signature_value.data);
    certificate.issuer().as_raw() == issuer.subject().as_raw()
        && signed_by(message, &certificate.signature_algorithm, signature, issuer)
}

fn valid_at(certificate: &X509Certificate<'_>, at: i64) -> Check {
    let validity = certificate.validity();
    let within = validity.not_before.timestamp() <= at && at <= validity.not_after.timestamp();
    demand(within, "a certificate outside its time")
}

fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    let constraints = certificate.basic_constraints().ok().flatten();
    let usage = certificate.key_usage().ok().flatten();
    constraints.is_some_and(|found| found.value.ca) && usage.is_none_or(|found| found.value.key_cert_sign())
}

impl Trust {
    pub fn new(root: &[u8], pool: Vec<Vec<u8>>, lists: Vec<Vec<u8>>) -> Check<Self> {
        let trust = Self { root: root.to_vec(), pool, lists };
        trust.pool.iter().try_for_each(|der| parsed(der).map(|_| ()))?;
        for list in &trust.lists {
            let (_, list) = CertificateRevocationList::from_der(list).map_err(|error| error.to_string())?;
            let known =
                trust.pool.iter().chain([&trust.root]).any(|der| trust.is_list_of(&list, &parsed(der).unwrap()));
            demand(known, "a revocation list by a stranger")?;
        }
        Ok(trust)
    }

    fn is_list_of(&self, list: &CertificateRevocationList<'_>, issuer: &X509Certificate<'_>) -> bool {
        let (message, signature) = (list.tbs_cert_list.as_ref(), &list.signature_value.data);
        list.issuer().as_raw() == issuer.subject().as_raw()
            && signed_by(message, &list.signature_algorithm, signature, issuer)
    }

    /// The chain proves a key of this hop, at this time (seconds since 1970).
    pub fn believes(&self, chain: &[Vec<u8>], hop: &str, at: i64) -> Check {
        let leaf = parsed(chain.first().ok_or("no certificate")?)?;
        let user_id = oid!(0.9.2342.19200300.100.1.1);
        let ids: Vec<_> = leaf.subject().iter_by_oid(&user_id).filter_map(|id| id.as_str().ok()).collect();
        demand(ids == [hop], "the certificate is another hop's")?;
        let usage = leaf.key_usage().map_err(|error| error.to_string())?;
        let may_sign = usage.is_none_or(|found| found.value.digital_signature() || found.value.non_repudiation());
        demand(may_sign, "the key is not for signing")?;
        let root = parsed(&self.root)?;
        let mut certificate = leaf;
        for _ in 0..6 {
            valid_at(&certificate, at)?;
            let others = chain.iter().skip(1).chain(&self.pool).filter_map(|der| parsed(der).ok());
            let issuer = [root.clone()].into_iter().chain(others).find(|other| issued_by(&certificate, other));
            let issuer = issuer.ok_or("no way to the root")?;
            demand(is_authority(&issuer), "issued by no authority")?;
            self.not_revoked(&certificate, &issuer, at)?;
            if issuer.tbs_certificate.as_ref() == root.tbs_certificate.as_ref() {
                return Ok(());
            }
            certificate = issuer;
        }
        Err("the way to the root is too long".to_owned())
    }

    fn not_revoked(&self, certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>, at: i64) -> Check {
        for list in &self.lists {
            let (_, list) = CertificateRevocationList::from_der(list).map_err(|error| error.to_string())?;
            if !self.is_list_of(&list, issuer) {
                continue;
            }
            let mut listed = list.iter_revoked_certificates();
            let revoked = listed
                .any(|entry| entry.raw_serial() == certificate.raw_serial() && entry.revocation_date.timestamp() <= at);
            demand(!revoked, "a certificate that was revoked")?;
        }
        Ok(())
    }
}
