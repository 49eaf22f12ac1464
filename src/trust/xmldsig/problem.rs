//! Why a signature is not valid: one reason each, and its finding.

use std::fmt;

use lienthong_contract::{Finding, Kind};

use super::{CutRef, findings};

/// Why a signature that is there does not count. Each has a row in [`findings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    WrongDigest,
    WrongSignatureValue,
    SeveralSignatures,
    WrongPlace,
    Malformed,
    Doctype,
    CommentInText,
    NotNamespaceWellFormed,
    WeakHash,
    WeakKey,
    Hmac,
    UnknownAlgorithm,
    UnknownTransform,
    WrongTransformUri,
    ActiveTransform,
    CommentsKept,
    NotEnveloped,
    ExtraReference,
    ReferenceById,
    ReferenceExternal,
    UnexpectedContent,
    NoCertificate,
    KeyValueOnly,
    KeyElsewhere,
    BadCertificate,
    KeyMismatch,
    UnsupportedKey,
    BadBase64,
    TooLarge,
    BadBody,
}

impl Reason {
    /// The row of the table that tells it.
    #[must_use]
    pub fn kind(self) -> &'static Kind {
        match self {
            Self::WrongDigest => &findings::WRONG_DIGEST,
            Self::WrongSignatureValue => &findings::WRONG_SIGNATURE_VALUE,
            Self::SeveralSignatures => &findings::SEVERAL_SIGNATURES,
            Self::WrongPlace => &findings::WRONG_PLACE,
            Self::Malformed => &findings::MALFORMED,
            Self::Doctype => &findings::DOCTYPE,
            Self::CommentInText => &findings::COMMENT_IN_TEXT,
            Self::NotNamespaceWellFormed => &findings::NOT_NAMESPACE_WELL_FORMED,
            Self::WeakHash => &findings::WEAK_HASH,
            Self::WeakKey => &findings::WEAK_KEY,
            Self::Hmac => &findings::HMAC,
            Self::UnknownAlgorithm => &findings::UNKNOWN_ALGORITHM,
            Self::UnknownTransform => &findings::UNKNOWN_TRANSFORM,
            Self::WrongTransformUri => &findings::WRONG_TRANSFORM_URI,
            Self::ActiveTransform => &findings::ACTIVE_TRANSFORM,
            Self::CommentsKept => &findings::COMMENTS_KEPT,
            Self::NotEnveloped => &findings::NOT_ENVELOPED,
            Self::ExtraReference => &findings::EXTRA_REFERENCE,
            Self::ReferenceById => &findings::REFERENCE_BY_ID,
            Self::ReferenceExternal => &findings::REFERENCE_EXTERNAL,
            Self::UnexpectedContent => &findings::UNEXPECTED_CONTENT,
            Self::NoCertificate => &findings::NO_CERTIFICATE,
            Self::KeyValueOnly => &findings::KEY_VALUE_ONLY,
            Self::KeyElsewhere => &findings::KEY_ELSEWHERE,
            Self::BadCertificate => &findings::BAD_CERTIFICATE,
            Self::KeyMismatch => &findings::KEY_MISMATCH,
            Self::UnsupportedKey => &findings::UNSUPPORTED_KEY,
            Self::BadBase64 => &findings::BAD_BASE64,
            Self::TooLarge => &findings::TOO_LARGE,
            Self::BadBody => &findings::BAD_BODY,
        }
    }
}

/// A reason, what was found, and where in the packet (line and column from 1), if that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub reason: Reason,
    pub found: Option<String>,
    pub place: Option<(u32, u32)>,
}

/// Longest piece of the sender's text that is kept.
const MAX_FOUND_CHARS: usize = 200;

impl Problem {
    pub(super) const fn of(reason: Reason) -> Self {
        Self { reason, found: None, place: None }
    }

    pub(super) fn malformed(what: &'static str) -> Self {
        Self::of(Reason::Malformed).found(what)
    }

    pub(super) fn limit(what: &'static str) -> Self {
        Self::of(Reason::TooLarge).found(what)
    }

    pub(super) fn found(mut self, text: &str) -> Self {
        self.found = Some(text.chars().take(MAX_FOUND_CHARS).collect());
        self
    }

    /// Sets the place by a byte of the skeleton, unless it is set. Behind a cut the lines are not known.
    pub(super) fn at(mut self, skeleton: &[u8], cuts: &[CutRef], offset: usize) -> Self {
        if self.place.is_none() && cuts.first().is_none_or(|cut| offset <= cut.at) {
            let before = skeleton.get(..offset).unwrap_or(skeleton);
            let line = before.split(|b| *b == b'\n').count();
            let last = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
            let column = String::from_utf8_lossy(last).chars().count() + 1;
            self.place = u32::try_from(line).ok().zip(u32::try_from(column).ok());
        }
        self
    }

    /// The finding for the sender.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let mut finding = Finding::of(self.reason.kind()).element("Signature");
        if let Some(found) = &self.found {
            finding = finding.found(found);
        }
        if let Some((line, column)) = self.place {
            finding = finding.at(line, column);
        }
        finding
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason.kind().title.en)?;
        self.found.as_ref().map_or(Ok(()), |found| write!(f, " ({found:?})"))
    }
}
