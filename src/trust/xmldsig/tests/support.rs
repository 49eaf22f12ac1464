//! Keys, packets and outside programs for the tests.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};

use super::super::{KeySigner, NoBodies, Options, Problem, Reason, RsaScheme, Signer, Spliced, Verdict};
use super::super::{sign, splice, verify_bytes};

/// A private key (PKCS#8, PEM) and its self-signed certificate.
pub(super) struct Identity {
    pub(super) key_pem: String,
    pub(super) certificate_der: Vec<u8>,
    pub(super) certificate_pem: String,
}

impl Identity {
    pub(super) fn signer(&self, scheme: RsaScheme) -> KeySigner {
        KeySigner::from_pkcs8_pem(&self.key_pem, self.certificate_der.clone(), Vec::new(), scheme).unwrap()
    }
}

fn certified(key: &KeyPair, key_pem: String) -> Identity {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "Sở Thử nghiệm");
    let certificate = params.self_signed(key).unwrap();
    Identity { key_pem, certificate_der: certificate.der().to_vec(), certificate_pem: certificate.pem() }
}

pub(super) fn rsa() -> &'static Identity {
    static RSA: OnceLock<Identity> = OnceLock::new();
    RSA.get_or_init(|| {
        let key = rsa::RsaPrivateKey::new(&mut rand::thread_rng(), 2048).unwrap();
        let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
        certified(&KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).unwrap(), pem)
    })
}

pub(super) fn p256() -> &'static Identity {
    static P256: OnceLock<Identity> = OnceLock::new();
    P256.get_or_init(|| {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let pem = key.serialize_pem();
        certified(&key, pem)
    })
}

pub(super) fn p384() -> Identity {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let pem = key.serialize_pem();
    certified(&key, pem)
}

/// A document packet as the official library writes it, unsigned.
pub(super) fn packet() -> String {
    concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n",
        "<edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\" xml:lang=\"vi\">\r\n",
        "<edXML:edXMLEnvelope xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"><edXML:edXMLHeader>",
        "<edXML:MessageHeader><edXML:From><edXML:OrganId>H27.01</edXML:OrganId></edXML:From>",
        "<edXML:To><edXML:OrganId>G22</edXML:OrganId></edXML:To>",
        "<edXML:Subject>V/v họp &amp; báo cáo</edXML:Subject></edXML:MessageHeader>",
        "<edXML:TraceHeaderList><edXML:TraceHeader><edXML:OrganId>H27.01</edXML:OrganId>",
        "<edXML:Timestamp>2026/03/02 08:00:00</edXML:Timestamp></edXML:TraceHeader></edXML:TraceHeaderList>",
        "</edXML:edXMLHeader><edXML:edXMLBody><edXML:edXMLManifest version='1.0'/></edXML:edXMLBody>",
        "</edXML:edXMLEnvelope>\r\n",
        "<AttachmentEncoded><Attachment><ContentId>cid:1</ContentId>",
        "<edXML:ContentTransferEncoded xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">",
        "JVBERi0xLjQK\r\nJSVFT0YK",
        "</edXML:ContentTransferEncoded></Attachment></AttachmentEncoded>\r\n</edXML>",
    )
    .to_owned()
}

pub(super) fn signed_with(packet: &str, signer: &dyn Signer, options: &Options) -> String {
    let sealed = sign(&Spliced::whole(packet.as_bytes()), &mut NoBodies, signer, options).unwrap();
    let (bytes, _) = splice(packet.as_bytes(), &[], sealed.at, &sealed.signature);
    String::from_utf8(bytes).unwrap()
}

/// The sample packet, signed by the RSA identity.
pub(super) fn signed() -> &'static str {
    static SIGNED: OnceLock<String> = OnceLock::new();
    SIGNED.get_or_init(|| signed_with(&packet(), &rsa().signer(RsaScheme::Pkcs1), &Options::default()))
}

/// The Signature element of [`signed`].
pub(super) fn signature_of(packet: &str) -> &str {
    let start = packet.find("<Signature").unwrap();
    let end = packet.find("</Signature>").unwrap() + "</Signature>".len();
    &packet[start..end]
}

/// Replaces exactly one occurrence.
pub(super) fn with(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "the test wants exactly one {from:?}");
    text.replace(from, to)
}

pub(super) fn problem(packet: &str) -> Problem {
    match verify_bytes(packet.as_bytes()) {
        Verdict::Invalid(problem) => problem,
        other => panic!("expected an invalid signature, got {other:?}"),
    }
}

pub(super) fn reason(packet: &str) -> Reason {
    problem(packet).reason
}

pub(super) fn is_valid(packet: &str) -> bool {
    matches!(verify_bytes(packet.as_bytes()), Verdict::Valid(_))
}

/// Runs an outside program that these tests cannot do without.
pub(super) fn run(program: &str, args: &[&str], directory: &Path) -> (bool, Vec<u8>, String) {
    let output = Command::new(program).args(args).current_dir(directory).output();
    let output = output.unwrap_or_else(|e| {
        panic!("{program} is needed as an independent check; install it (Debian: xmlsec1, libxml2-utils): {e}")
    });
    (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A small generator of numbers with a seed, so that every failure can be repeated.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }

    pub(super) fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.roll(from.len())]
    }

    pub(super) fn chance(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }
}

/// A second P-256 identity.
pub(super) fn p256_stranger() -> &'static Identity {
    static STRANGER: OnceLock<Identity> = OnceLock::new();
    STRANGER.get_or_init(|| {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let pem = key.serialize_pem();
        certified(&key, pem)
    })
}
