//! One state of the directory, indexed for the three questions asked of every packet: whom does this code mean,
//! whose certificate is this, and may this identity speak for that agency.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::Date;
use lienthong_contract::{AgencyCode, Digest};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::agency::{Agency, AgencyKey, Policy, Requirement, Validity};
use super::{Error, load};

/// A chain of successors longer than this is taken for a loop. Real ones have one or two links.
const MAX_SUCCESSIONS: usize = 16;

/// What a written code means on a given day.
#[derive(Debug, Clone)]
pub enum Resolution<'a> {
    Known(&'a Agency),
    /// The code is closed; exactly one agency took over, possibly through several steps.
    Successor {
        from: &'a Agency,
        to: &'a Agency,
    },
    /// The code is closed and several agencies took over: a person must choose.
    Split {
        from: &'a Agency,
        candidates: Vec<&'a Agency>,
    },
    /// The code is closed and nobody took over.
    Closed(&'a Agency),
    /// The code comes into force on a later day.
    NotYet(&'a Agency),
    Locked(&'a Agency),
    /// No agency of this directory; the key serves to compare and to route by prefix.
    Unknown {
        key: AgencyKey,
    },
}

impl Resolution<'_> {
    /// The key of whoever stands for the code now; for a closed code without one successor its own key.
    #[must_use]
    pub fn key(&self) -> &AgencyKey {
        match self {
            Self::Known(agency) | Self::Closed(agency) | Self::NotYet(agency) | Self::Locked(agency) => &agency.key,
            Self::Successor { to, .. } => &to.key,
            Self::Split { from, .. } => &from.key,
            Self::Unknown { key } => key,
        }
    }
}

/// One page of a listing, in order of key.
#[derive(Debug)]
pub struct Page<'a> {
    pub agencies: Vec<&'a Agency>,
    /// Give this as `after` to get the next page; none on the last one.
    pub next: Option<AgencyKey>,
}

/// The directory as it stood in one file. Immutable.
#[derive(Debug)]
pub struct Snapshot {
    /// Sorted by key.
    agencies: Vec<Agency>,
    /// Names and codes of the agency at the same place, folded for search.
    haystacks: Vec<String>,
    spellings: HashMap<AgencyCode, usize>,
    client_certificates: HashMap<Digest, usize>,
    signing_certificates: HashMap<Digest, usize>,
    digest: Digest,
}

/// The directory that lists nobody.
impl Default for Snapshot {
    fn default() -> Self {
        Self::index(Vec::new(), HashMap::new(), Digest::of(b""))
    }
}

impl Snapshot {
    /// Reads a directory from text.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the text.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        load::parse(text).map_err(|problems| problems.into_error(Path::new("(text)")))
    }

    /// Indexes agencies that were checked: sorted by key, no spelling and no certificate twice.
    pub(super) fn index(agencies: Vec<Agency>, spellings: HashMap<AgencyCode, usize>, digest: Digest) -> Self {
        let certificates = |of: fn(&Agency) -> &Vec<Digest>| -> HashMap<Digest, usize> {
            agencies.iter().enumerate().flat_map(|(at, agency)| of(agency).iter().map(move |d| (*d, at))).collect()
        };
        Self {
            client_certificates: certificates(|agency| &agency.client_certificates),
            signing_certificates: certificates(|agency| &agency.signing_certificates),
            haystacks: agencies.iter().map(haystack).collect(),
            agencies,
            spellings,
            digest,
        }
    }

    /// SHA-256 of the file: the listing's ETag.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.agencies.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.agencies.is_empty()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Agency> {
        self.agencies.iter()
    }

    /// Agencies whose policy says what this version does not act upon: signatures in attachments are not looked at yet,
    /// and no door takes a packet from somebody unknown.
    pub fn not_enforced(&self) -> impl Iterator<Item = &Agency> {
        let asks = |policy: &Policy| {
            policy.attachment_signature == Requirement::Required || policy.transport == Requirement::Optional
        };
        self.agencies.iter().filter(move |agency| asks(&agency.policy))
    }

    /// The agency that a spelling belongs to, whether its code is in force or not. Registered spellings come before
    /// arithmetic: an old code is turned into the new form only where the directory names no other old code for it.
    #[must_use]
    pub fn lookup(&self, code: &AgencyCode) -> Option<&Agency> {
        if let Some(at) = self.spellings.get(code) {
            return self.agencies.get(*at);
        }
        let agency = self.agencies.get(*self.spellings.get(&code.to_new_form())?)?;
        agency.old_code.is_none().then_some(agency)
    }

    #[must_use]
    pub fn agency(&self, key: &AgencyKey) -> Option<&Agency> {
        let at = self.agencies.binary_search_by(|agency| agency.key.cmp(key)).ok()?;
        self.agencies.get(at)
    }

    /// Whom a written code means on a day: successors are followed, locks and periods of validity observed.
    #[must_use]
    pub fn resolve(&self, code: &AgencyCode, on: Date) -> Resolution<'_> {
        let Some(written) = self.lookup(code) else { return Resolution::Unknown { key: self.provisional(code) } };
        let mut agency = written;
        for _ in 0..MAX_SUCCESSIONS {
            if agency.locked {
                return Resolution::Locked(agency);
            }
            match agency.validity(on) {
                Validity::Open if agency.key == written.key => return Resolution::Known(agency),
                Validity::Open => return Resolution::Successor { from: written, to: agency },
                Validity::NotYet => return Resolution::NotYet(agency),
                Validity::Closed => {}
            }
            let mut successors = agency.successors.iter().filter_map(|key| self.agency(key));
            match (successors.next(), successors.next()) {
                (None, _) => return Resolution::Closed(written),
                (Some(only), None) => agency = only,
                (Some(_), Some(_)) => {
                    let candidates = agency.successors.iter().filter_map(|key| self.agency(key)).collect();
                    return Resolution::Split { from: written, candidates };
                }
            }
        }
        Resolution::Closed(written)
    }

    /// The key of a code outside the directory. Arithmetic may lead to a registered agency whose old code is another
    /// one; the two are not the same then, and the code stays as it is written.
    fn provisional(&self, code: &AgencyCode) -> AgencyKey {
        let key = AgencyKey::provisional(code);
        if self.spellings.contains_key(key.code()) { AgencyKey::canonical(code.clone()) } else { key }
    }

    /// Whose client certificate this is, by the SHA-256 of its DER bytes.
    #[must_use]
    pub fn by_client_certificate(&self, fingerprint: &Digest) -> Option<&Agency> {
        self.agencies.get(*self.client_certificates.get(fingerprint)?)
    }

    /// Whose signing certificate this is, by the SHA-256 of its DER bytes.
    #[must_use]
    pub fn by_signing_certificate(&self, fingerprint: &Digest) -> Option<&Agency> {
        self.agencies.get(*self.signing_certificates.get(fingerprint)?)
    }

    /// Whether an agency's identity may act for another on that day, in handing in, signing and reading: as itself,
    /// as whoever it is told to speak for, and in finishing the business of a closed agency whose one successor it is
    /// or speaks for. Whether either is locked is another question.
    #[must_use]
    pub fn may_act_for(&self, who: &Agency, agency: &AgencyKey, on: Date) -> bool {
        let speaks = |key: &AgencyKey| who.key == *key || who.speaks_for.iter().any(|mandate| mandate.covers(key));
        speaks(agency)
            || self.agency(agency).is_some_and(|closed| match self.resolve(&closed.code, on) {
                Resolution::Successor { to, .. } => speaks(&to.key),
                _ => false,
            })
    }

    /// The listed agency with the longest code that this one stands below.
    #[must_use]
    pub fn nearest_above(&self, code: &AgencyCode) -> Option<&Agency> {
        let code = code.to_new_form();
        let mut rest = code.as_str();
        while let Some((above, _)) = rest.rsplit_once('.') {
            if let Some(agency) = AgencyCode::parse(above).ok().and_then(|above| self.lookup(&above)) {
                return Some(agency);
            }
            rest = above;
        }
        None
    }

    /// Agencies whose names and codes hold every word of the query, whatever the case and the diacritics; an empty
    /// query finds all. Reads on until the page is full, so the cost of a rare word is one pass over the directory.
    #[must_use]
    pub fn search(&self, query: &str, after: Option<&AgencyKey>, limit: usize) -> Page<'_> {
        let query = fold(query);
        let words: Vec<&str> = query.split_whitespace().collect();
        let start = after.map_or(0, |key| self.agencies.partition_point(|agency| agency.key <= *key));
        let mut hits = (self.agencies.iter().zip(&self.haystacks).skip(start))
            .filter(|(_, haystack)| words.iter().all(|word| haystack.contains(word)))
            .map(|(agency, _)| agency);
        let agencies: Vec<&Agency> = hits.by_ref().take(limit).collect();
        let next = hits.next().and_then(|_| agencies.last()).map(|agency| agency.key.clone());
        Page { agencies, next }
    }
}

fn haystack(agency: &Agency) -> String {
    let codes = agency.spellings().map(AgencyCode::as_str).collect::<Vec<_>>().join(" ");
    fold(&format!("{} {} {codes}", agency.name, agency.name_en.as_deref().unwrap_or("")))
}

/// Lower-case letters without diacritics, so that `SO NOI VU` finds `Sở Nội vụ`.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if matches!(c, 'đ' | 'ð') { 'd' } else { c })
        .collect()
}
