//! The algorithms of the profile and the names XML gives them. Everything else is refused by name, with a reason
//! that says what kind of thing it is.

use ring::{digest, signature};

use super::problem::{Problem, Reason};

const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const MORE_2001: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const MORE_2007: &str = "http://www.w3.org/2007/05/xmldsig-more#";

pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(super) const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
pub(super) const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Written by programs of the field instead of [`EXC_C14N`]; it names nothing.
const WRONG_EXC_C14N: &str = "http://www.w3.org/TR/xml-exc-c14n#";

/// Digests that count (TT 15/2025/TT-BKHCN, as far as XML has names for them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl DigestAlgorithm {
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    pub(super) fn ring(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    pub(super) fn from_uri(uri: &str) -> Result<Self, Problem> {
        let known = [Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|known| known.uri() == uri);
        known.ok_or_else(|| {
            let weak = matches!(uri.rsplit('#').next(), Some("sha1" | "md5"));
            Problem::of(if weak { Reason::WeakHash } else { Reason::UnknownAlgorithm }).found(uri)
        })
    }
}

/// Signature algorithms that count; ECDSA signatures are of fixed width, as XML wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    RsaPssSha256,
    RsaPssSha384,
    RsaPssSha512,
    EcdsaP256Sha256,
    EcdsaP384Sha384,
}

impl SignatureAlgorithm {
    const ALL: [Self; 8] = [
        Self::RsaSha256,
        Self::RsaSha384,
        Self::RsaSha512,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
    ];

    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::RsaPssSha256 => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
            Self::RsaPssSha384 => "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
            Self::RsaPssSha512 => "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
            Self::EcdsaP256Sha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaP384Sha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        }
    }

    #[must_use]
    pub const fn is_rsa(self) -> bool {
        !matches!(self, Self::EcdsaP256Sha256 | Self::EcdsaP384Sha384)
    }

    /// `rsa-pss` without parameters means SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 9231, 2.3.9).
    pub(super) fn from_uri(uri: &str) -> Result<Self, Problem> {
        if uri.strip_prefix(MORE_2007) == Some("rsa-pss") {
            return Ok(Self::RsaPssSha256);
        }
        if let Some(known) = Self::ALL.into_iter().find(|known| known.uri() == uri) {
            return Ok(known);
        }
        let name = [XMLDSIG, MORE_2001, MORE_2007].into_iter().find_map(|space| uri.strip_prefix(space));
        let reason = match name.unwrap_or_default() {
            name if name.starts_with("hmac-") => Reason::Hmac,
            "rsa-sha1" | "dsa-sha1" | "ecdsa-sha1" | "rsa-md5" | "sha1-rsa-MGF1" | "md5-rsa-MGF1" => Reason::WeakHash,
            _ => Reason::UnknownAlgorithm,
        };
        Err(Problem::of(reason).found(uri))
    }

    /// For `rsa-pss` with parameters.
    pub(super) const fn pss(digest: DigestAlgorithm) -> Self {
        match digest {
            DigestAlgorithm::Sha256 => Self::RsaPssSha256,
            DigestAlgorithm::Sha384 => Self::RsaPssSha384,
            DigestAlgorithm::Sha512 => Self::RsaPssSha512,
        }
    }

    pub(super) fn ring(self) -> &'static dyn signature::VerificationAlgorithm {
        match self {
            Self::RsaSha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::RsaSha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::RsaSha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::RsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::RsaPssSha384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::RsaPssSha512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_FIXED,
        }
    }
}

/// Why a transform (or a canonicalisation) that is not in the profile is refused.
pub(super) fn refused_transform(uri: &str) -> Problem {
    let reason = match uri {
        WRONG_EXC_C14N => Reason::WrongTransformUri,
        "http://www.w3.org/TR/1999/REC-xpath-19991116"
        | "http://www.w3.org/2002/06/xmldsig-filter2"
        | "http://www.w3.org/TR/1999/REC-xslt-19991116"
        | "http://www.w3.org/2001/04/xmldsig-more/xptr" => Reason::ActiveTransform,
        _ if uri.ends_with("#WithComments") => Reason::CommentsKept,
        _ => Reason::UnknownTransform,
    };
    Problem::of(reason).found(uri)
}
