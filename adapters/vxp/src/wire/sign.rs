//! The signed parameters of a request.
//!
//! Every parameter travels twice: as a plain header `XroadVnpt-<name>`, and in the JSON object of
//! `XroadVnpt-sign-header`, whose literal bytes are signed with HMAC-SHA256. Invariants: the signature is checked over
//! the bytes as they came, never over JSON that was written again; values are taken from that JSON alone; a plain
//! header that says something else spoils the request, so that nothing in front of this door can have acted on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lienthong_contract::system::{Secret, System};
use serde::de::{Deserializer, MapAccess, Visitor};

use super::hash::hex;

/// What names of headers begin with, in the case that clients sign.
pub const PREFIX: &str = "XroadVnpt-";
pub const SIGN_HEADER: &str = "sign-header";
pub const SIGN_HEADER_KEY: &str = "sign-header-key";
pub const HASH_HEADER: &str = "hash-header";
pub const VERSION: &str = "version";
pub const SYSTEM_ID: &str = "systemid";

/// The most parameters of one request; a dozen are usual.
const MAX_PARAMETERS: usize = 64;

/// Why a request is not signed as it should be. For the log: the caller is not told which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    #[error("a header of the signature is missing or there twice")]
    Missing,
    #[error("the signed text is no flat JSON object of texts, or names something twice")]
    NotFlat,
    #[error("the list of names is not that of the signed text")]
    OtherNames,
    #[error("a plain header is not what was signed")]
    OtherValue,
    #[error("no system is named")]
    NoSystem,
}

/// The parameters that were signed: names without their prefix, in the order of the client.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of this name; an empty one is none. Written in other letters, as names of HTTP headers may be, a name
    /// counts where it is the only one of its kind: `docId` and `docid` are two.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut alike = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let only = alike.next().filter(|_| alike.next().is_none());
        let found = self.0.iter().find(|(known, _)| known == name).or(only);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The document that is meant where the request is to read one. Clients that loop over one object leave the
    /// document before in the other spelling.
    #[must_use]
    pub fn document_to_read(&self) -> Option<&str> {
        self.get("docId").or_else(|| self.get("docid"))
    }

    /// The document whose state is told.
    #[must_use]
    pub fn document_to_mark(&self) -> Option<&str> {
        self.get("docid").or_else(|| self.get("docId"))
    }

    /// The agencies for which a state is told, as the client writes them. A `to` beside a `hash-file` is left over from the
    /// `sendEdoc` before: it names that packet's recipients and nobody here.
    #[must_use]
    pub fn agencies_to_mark(&self) -> Option<&str> {
        let left_over = self.get("hash-file").is_some();
        self.get("AgencyCode").or_else(|| self.get("to").filter(|_| !left_over))
    }
}

/// Values are none of the log's business: a path on the client's disk is among them.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A request's signed text, its signature, and what it says. Not verified before [`Signed::by`] said so.
#[derive(Debug)]
pub struct Signed {
    text: Vec<u8>,
    tag: Vec<u8>,
    parameters: Parameters,
}

impl Signed {
    /// Reads the headers of a request: names in lower case, values as their bytes.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn read<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Self, NotSigned> {
        let (mut text, mut names, mut tag) = (None, None, None);
        let mut plain: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, value) in headers {
            let Some(name) = without_prefix(name) else { continue };
            let slot = match name {
                SIGN_HEADER => &mut text,
                SIGN_HEADER_KEY => &mut names,
                HASH_HEADER => &mut tag,
                VERSION => continue,
                _ => {
                    plain.entry(name.to_owned()).or_default().insert(as_text(value));
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return Err(NotSigned::Missing);
            }
        }
        let (Some(text), Some(names), Some(tag)) = (text, names, tag) else { return Err(NotSigned::Missing) };
        let parameters = flat(&as_text(text))?;
        let listed: BTreeSet<String> = as_text(names).split(';').map(|name| name.trim().to_owned()).collect();
        let signed: BTreeSet<&str> = parameters.0.iter().map(|(name, _)| name.as_str()).collect();
        if !listed.iter().map(String::as_str).filter(|name| !name.is_empty()).eq(signed.iter().copied()) {
            return Err(NotSigned::OtherNames);
        }
        let mut folded: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in &parameters.0 {
            folded.entry(name.to_ascii_lowercase()).or_default().insert(value.trim());
        }
        let same = |(name, values): (&String, &BTreeSet<String>)| {
            folded.get(name).is_some_and(|signed| signed.iter().copied().eq(values.iter().map(String::as_str)))
        };
        if !plain.iter().all(same) {
            return Err(NotSigned::OtherValue);
        }
        Ok(Self { text: text.to_vec(), tag: unhex(tag).unwrap_or_default(), parameters })
    }

    /// The system that the request says it comes from.
    ///
    /// # Errors
    /// [`NotSigned::NoSystem`].
    pub fn system(&self) -> Result<&str, NotSigned> {
        self.parameters.get(SYSTEM_ID).ok_or(NotSigned::NoSystem)
    }

    /// The signature, to recognise a request that comes again.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// What was signed, if it was this system that signed it. For none the same work is done.
    #[must_use]
    pub fn by(self, system: Option<&System>) -> Option<Parameters> {
        let mut right = match system {
            Some(system) => system.signed(&self.text, &self.tag),
            None => {
                let _ = Secret::new(b"nobody's").verifies(&self.text, &self.tag);
                false
            }
        };
        if let (false, Some(system), Err(_)) = (right, system, std::str::from_utf8(&self.text)) {
            // Sent as Latin-1, while the client signed it as UTF-8.
            right = system.signed(as_text(&self.text).as_bytes(), &self.tag);
        }
        right.then_some(self.parameters)
    }
}

fn without_prefix(name: &str) -> Option<&str> {
    let (prefix, rest) = name.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

/// Header bytes as text: UTF-8, and else Latin-1.
fn as_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().trim().to_owned(),
    }
}

fn flat(text: &str) -> Result<Parameters, NotSigned> {
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_map(Flat).and_then(|read| json.end().map(|()| read));
    read.map_err(|_| NotSigned::NotFlat)
}

/// Reads a JSON object of texts, each name once.
struct Flat;

impl<'de> Visitor<'de> for Flat {
    type Value = Parameters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flat object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
        let mut read: Vec<(String, String)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            let name =
                name.strip_prefix(PREFIX).ok_or_else(|| serde::de::Error::custom("a name without its prefix"))?;
            if read.len() == MAX_PARAMETERS || read.iter().any(|(known, _)| known == name) {
                return Err(serde::de::Error::custom("too many names, or one twice"));
            }
            read.push((name.to_owned(), value));
        }
        Ok(Parameters(read))
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The headers of a request with these parameters, signed: what a client sends. Names without prefix; the order is
/// the client's own.
#[must_use]
pub fn sign(parameters: &[(&str, &str)], secret: &Secret) -> Vec<(String, String)> {
    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}:{}", text(&format!("{PREFIX}{name}")), text(value)))
        .collect();
    let signed = format!("{{{}}}", pairs.join(","));
    let names: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
    let tag = hex(secret.sign(signed.as_bytes()).as_ref());
    let plain = parameters.iter().map(|(name, value)| (format!("{PREFIX}{name}"), (*value).to_owned()));
    plain
        .chain([
            (format!("{PREFIX}{SIGN_HEADER_KEY}"), names.join(";")),
            (format!("{PREFIX}{SIGN_HEADER}"), signed),
            (format!("{PREFIX}{HASH_HEADER}"), tag),
        ])
        .collect()
}
