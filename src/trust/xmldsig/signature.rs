//! The Signature element, read against the profile and nothing wider. What is not named here is refused, because
//! nothing inside a Signature is covered by it except SignedInfo.

use std::borrow::Cow;

use super::algorithm::{self, DigestAlgorithm, SignatureAlgorithm};
use super::attribute::{self, is_ncname};
use super::c14n::Canonicalization;
use super::document::{DSIG_NS, Document, Element, Node};
use super::problem::{Problem, Reason};

/// Namespace of `RSAPSSParams` (RFC 9231).
const MORE_2007_NS: &str = "http://www.w3.org/2007/05/xmldsig-more#";
const MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#MGF1";
/// A prefix list is as long as the declarations of a document may be.
const MAX_PREFIXES: usize = 64;
/// Leaf, sub-CA and root, and room for a cross certificate.
const MAX_CERTIFICATES: usize = 8;

/// A Signature that keeps to the profile; nothing in it is verified yet.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) signed_info: u32,
    pub(super) canonicalization: Canonicalization,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) reference: Reference,
    pub(super) value: Vec<u8>,
    /// The signer's certificate first.
    pub(super) certificates: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Reference {
    pub(super) canonicalization: Canonicalization,
    pub(super) digest_algorithm: DigestAlgorithm,
    pub(super) digest: Vec<u8>,
}

/// Reads the Signature element `id`.
///
/// # Errors
/// The first departure from the profile, in document order.
pub(super) fn parse(document: &Document<'_>, id: u32) -> Result<Parsed, Problem> {
    let view = View { document };
    view.only_attributes(id, &["Id"])?;
    let children = view.elements(id)?;
    let (&signed_info, rest) = children.split_first().ok_or_else(|| unexpected("Signature"))?;
    view.must_be(signed_info, "SignedInfo")?;
    view.only_attributes(signed_info, &["Id"])?;
    let parts = view.elements(signed_info)?;
    let [canonicalization, method, references @ ..] = parts.as_slice() else { return Err(unexpected("SignedInfo")) };
    view.must_be(*canonicalization, "CanonicalizationMethod")?;
    let canonicalization = view.canonicalization(*canonicalization)?;
    view.must_be(*method, "SignatureMethod")?;
    let algorithm = view.signature_method(*method)?;
    let reference = match references {
        [] => return Err(unexpected("SignedInfo")),
        [reference] => view.reference(*reference)?,
        [_, second, ..] => {
            view.must_be(*second, "Reference")?;
            let uri = view.attribute(*second, "URI").unwrap_or_default();
            return Err(Problem::of(Reason::ExtraReference).found(&uri));
        }
    };
    let (&value, rest) = rest.split_first().ok_or_else(|| unexpected("SignatureValue"))?;
    view.must_be(value, "SignatureValue")?;
    view.only_attributes(value, &["Id"])?;
    let value = view.base64(value)?;
    let certificates = match rest {
        [] => return Err(Problem::of(Reason::NoCertificate)),
        [key_info] => view.key_info(*key_info)?,
        [_, more, ..] => return Err(unexpected(view.local(*more))),
    };
    Ok(Parsed { signed_info, canonicalization, algorithm, reference, value, certificates })
}

fn unexpected(what: &str) -> Problem {
    Problem::of(Reason::UnexpectedContent).found(what)
}

/// Decodes standard base64 in which XML white space may stand.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let dense: Vec<u8> = text.bytes().filter(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')).collect();
    base64_simd::STANDARD.decode_to_vec(dense).ok()
}

/// Reading inside the Signature; comments and processing instructions have no business there.
pub(super) struct View<'d> {
    pub(super) document: &'d Document<'d>,
}

impl<'d> View<'d> {
    fn element(&self, id: u32) -> Result<&'d Element<'d>, Problem> {
        self.document.element(id).ok_or_else(|| unexpected(""))
    }

    pub(super) fn local(&self, id: u32) -> &'d str {
        self.document.element(id).map_or("", |e| e.local)
    }

    fn must_be(&self, id: u32, local: &'static str) -> Result<(), Problem> {
        let found = self.element(id)?;
        if self.document.is(found, DSIG_NS, local) { Ok(()) } else { Err(unexpected(found.local)) }
    }

    /// Child elements of an element that holds nothing else but white space.
    fn elements(&self, id: u32) -> Result<Vec<u32>, Problem> {
        let element = self.element(id)?;
        let mut depth = 0_usize;
        let mut children = Vec::new();
        for node in self.document.content(element) {
            match node {
                Node::Start(child) => {
                    if depth == 0 {
                        children.push(*child);
                    }
                    depth += 1;
                }
                Node::End(_) => depth = depth.saturating_sub(1),
                Node::Text(raw) if depth > 0 || attribute::trim_start(raw).is_empty() => {}
                _ if depth > 0 => {}
                _ => return Err(unexpected(element.local)),
            }
        }
        Ok(children)
    }

    /// The text of an element that holds nothing else.
    pub(super) fn text(&self, id: u32) -> Result<String, Problem> {
        let element = self.element(id)?;
        let mut text = String::new();
        for node in self.document.content(element) {
            match node {
                Node::Text(raw) | Node::CData { raw, .. } => text.push_str(raw),
                Node::Ref(c) => text.push(*c),
                _ => return Err(unexpected(element.local)),
            }
        }
        Ok(text)
    }

    fn base64(&self, id: u32) -> Result<Vec<u8>, Problem> {
        let decoded = decode_base64(&self.text(id)?).filter(|bytes| !bytes.is_empty());
        decoded.ok_or_else(|| Problem::of(Reason::BadBase64).found(self.local(id)))
    }

    /// The normalised value of an attribute without a namespace.
    fn attribute(&self, id: u32, name: &str) -> Option<Cow<'d, str>> {
        let element = self.document.element(id)?;
        let found = self.document.attributes(element).iter().find(|a| a.prefix.is_empty() && a.local == name);
        found.map(|a| attribute::normalized(a.raw))
    }

    fn only_attributes(&self, id: u32, allowed: &[&str]) -> Result<(), Problem> {
        let element = self.element(id)?;
        let other = |a: &&super::document::Attribute<'_>| !a.prefix.is_empty() || !allowed.contains(&a.local);
        match self.document.attributes(element).iter().find(other) {
            Some(attribute) => Err(unexpected(attribute.local)),
            None => Ok(()),
        }
    }

    fn algorithm(&self, id: u32) -> Result<Cow<'d, str>, Problem> {
        self.only_attributes(id, &["Algorithm"])?;
        self.attribute(id, "Algorithm").ok_or_else(|| unexpected(self.local(id)))
    }

    /// Nothing inside but white space.
    fn no_children(&self, id: u32) -> Result<(), Problem> {
        match self.elements(id)?.first() {
            Some(child) => Err(unexpected(self.local(*child))),
            None => Ok(()),
        }
    }

    fn canonicalization(&self, id: u32) -> Result<Canonicalization, Problem> {
        let uri = self.algorithm(id)?;
        match &*uri {
            algorithm::C14N => {
                self.no_children(id)?;
                Ok(Canonicalization::Inclusive)
            }
            algorithm::EXC_C14N => match self.elements(id)?.as_slice() {
                [] => Ok(Canonicalization::Exclusive { prefixes: Vec::new() }),
                [list] => Ok(Canonicalization::Exclusive { prefixes: self.prefix_list(*list)? }),
                [_, more, ..] => Err(unexpected(self.local(*more))),
            },
            other => Err(algorithm::refused_transform(other)),
        }
    }

    fn prefix_list(&self, id: u32) -> Result<Vec<String>, Problem> {
        let element = self.element(id)?;
        if !self.document.is(element, algorithm::EXC_C14N, "InclusiveNamespaces") {
            return Err(unexpected(element.local));
        }
        self.only_attributes(id, &["PrefixList"])?;
        self.no_children(id)?;
        let list = self.attribute(id, "PrefixList").unwrap_or_default();
        let prefixes: Vec<String> = list
            .split([' ', '\t', '\n', '\r'])
            .filter(|prefix| !prefix.is_empty())
            .map(|prefix| if prefix == "#default" { String::new() } else { prefix.to_owned() })
            .take(MAX_PREFIXES + 1)
            .collect();
        let good = prefixes.len() <= MAX_PREFIXES && prefixes.iter().all(|p| p.is_empty() || is_ncname(p));
        if good { Ok(prefixes) } else { Err(unexpected("PrefixList")) }
    }

    fn signature_method(&self, id: u32) -> Result<SignatureAlgorithm, Problem> {
        let uri = self.algorithm(id)?;
        let algorithm = SignatureAlgorithm::from_uri(&uri)?;
        match self.elements(id)?.as_slice() {
            [] => Ok(algorithm),
            [params] if uri.ends_with("#rsa-pss") => self.pss_parameters(*params),
            [child, ..] => Err(unexpected(self.local(*child))),
        }
    }

    /// Only the parameters that ring verifies: MGF1 with the same digest, a salt as long as the digest, trailer 1.
    fn pss_parameters(&self, id: u32) -> Result<SignatureAlgorithm, Problem> {
        let params = self.element(id)?;
        if !self.document.is(params, MORE_2007_NS, "RSAPSSParams") {
            return Err(unexpected(params.local));
        }
        let refused = || Problem::of(Reason::UnknownAlgorithm).found("RSAPSSParams");
        let mut digest = DigestAlgorithm::Sha256;
        let mut mask = None;
        let mut salt = None;
        for child in self.elements(id)? {
            let element = self.element(child)?;
            match (self.document.uri(element), element.local) {
                (DSIG_NS, "DigestMethod") => digest = DigestAlgorithm::from_uri(&self.algorithm(child)?)?,
                (MORE_2007_NS, "MaskGenerationFunction") => {
                    let inner = self.elements(child)?;
                    let [method] = inner.as_slice() else { return Err(refused()) };
                    self.must_be(*method, "DigestMethod")?;
                    if self.algorithm(child)? != MGF1 {
                        return Err(refused());
                    }
                    mask = Some(DigestAlgorithm::from_uri(&self.algorithm(*method)?)?);
                }
                (MORE_2007_NS, "SaltLength") => salt = Some(attribute::trim(&self.text(child)?).to_owned()),
                (MORE_2007_NS, "TrailerField") if attribute::trim(&self.text(child)?) == "1" => {}
                _ => return Err(refused()),
            }
        }
        let length = digest.ring().output_len().to_string();
        let fits = mask.is_none_or(|mask| mask == digest) && salt.is_none_or(|salt| salt == length);
        if fits { Ok(SignatureAlgorithm::pss(digest)) } else { Err(refused()) }
    }

    fn reference(&self, id: u32) -> Result<Reference, Problem> {
        self.must_be(id, "Reference")?;
        match self.attribute(id, "URI").as_deref() {
            Some("") => {}
            Some(uri) if uri.starts_with('#') => return Err(Problem::of(Reason::ReferenceById).found(uri)),
            Some(uri) => return Err(Problem::of(Reason::ReferenceExternal).found(uri)),
            None => return Err(Problem::of(Reason::ReferenceExternal).found("Reference")),
        }
        self.only_attributes(id, &["Id", "URI"])?;
        let parts = self.elements(id)?;
        let (transforms, method, value) = match parts.as_slice() {
            [transforms, method, value] => (*transforms, *method, *value),
            [method, _] if self.local(*method) == "DigestMethod" => return Err(Problem::of(Reason::NotEnveloped)),
            _ => return Err(unexpected("Reference")),
        };
        self.must_be(transforms, "Transforms")?;
        let canonicalization = self.transforms(transforms)?;
        self.must_be(method, "DigestMethod")?;
        let digest_algorithm = DigestAlgorithm::from_uri(&self.algorithm(method)?)?;
        self.no_children(method)?;
        self.must_be(value, "DigestValue")?;
        self.only_attributes(value, &[])?;
        Ok(Reference { canonicalization, digest_algorithm, digest: self.base64(value)? })
    }

    /// The enveloped transform, then at most one canonicalisation; without it the inclusive form applies
    /// (XML-DSig 4.4.3.2).
    fn transforms(&self, id: u32) -> Result<Canonicalization, Problem> {
        self.only_attributes(id, &[])?;
        let all = self.elements(id)?;
        // Any one that is not known is named, wherever it stands in the list.
        for transform in &all {
            self.must_be(*transform, "Transform")?;
            if self.algorithm(*transform)? != algorithm::ENVELOPED {
                self.canonicalization(*transform)?;
            }
        }
        let enveloped = |id: u32| Ok::<_, Problem>(self.algorithm(id)? == algorithm::ENVELOPED);
        match all.as_slice() {
            [first, rest @ ..] if enveloped(*first)? => {
                self.no_children(*first)?;
                match rest {
                    [] => Ok(Canonicalization::Inclusive),
                    [second] if !enveloped(*second)? => self.canonicalization(*second),
                    _ => Err(Problem::of(Reason::UnknownTransform).found("Transforms")),
                }
            }
            _ => Err(Problem::of(Reason::NotEnveloped)),
        }
    }

    fn key_info(&self, id: u32) -> Result<Vec<Vec<u8>>, Problem> {
        self.must_be(id, "KeyInfo")?;
        let mut data = None;
        let mut bare_key = false;
        for child in self.elements(id)? {
            let element = self.element(child)?;
            match (self.document.uri(element), element.local) {
                (DSIG_NS, "X509Data") if data.is_none() => data = Some(child),
                (DSIG_NS, "KeyValue") => bare_key = true,
                (DSIG_NS, "KeyName") => {}
                (DSIG_NS, "RetrievalMethod") => return Err(Problem::of(Reason::KeyElsewhere)),
                _ => return Err(unexpected(element.local)),
            }
        }
        let certificates = data.map(|data| self.certificates(data)).transpose()?.unwrap_or_default();
        if certificates.is_empty() {
            return Err(Problem::of(if bare_key { Reason::KeyValueOnly } else { Reason::NoCertificate }));
        }
        Ok(certificates)
    }

    fn certificates(&self, id: u32) -> Result<Vec<Vec<u8>>, Problem> {
        let mut certificates = Vec::new();
        for child in self.elements(id)? {
            let element = self.element(child)?;
            match (self.document.uri(element), element.local) {
                (DSIG_NS, "X509Certificate") if certificates.len() < MAX_CERTIFICATES => {
                    certificates.push(self.base64(child)?);
                }
                (DSIG_NS, "X509SubjectName" | "X509IssuerSerial" | "X509SKI") => {}
                _ => return Err(unexpected(element.local)),
            }
        }
        Ok(certificates)
    }
}
