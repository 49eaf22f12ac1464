//! Judging a bundle: what it proves, offline, as of the time of each signature.
//!
//! A receipt counts when the certificate behind it led to a trusted root at the receipt's own time and was not revoked
//! by then, whatever became of certificate and key since. The seal is judged the same way. Nothing is concluded from a
//! bundle of which one part does not hold.

use std::collections::{HashMap, HashSet};

use lienthong_contract::{ConsignmentId, Digest};

use super::answer::{Answer, Contradiction, Line, Logged as Place, Told, outcome};
use super::ledger::Ledgers;
use super::{Bundle, Document, Fault, Logged};
use crate::receipts::chain::{contradicted, follows, order};
use crate::receipts::{ChainFault, ConsignedTo, Event, HopKeys, Sealed, open, verify_chain};
use crate::trust::hops::Pins;
use crate::trust::past::PastTrust;
use crate::trust::{Fault as TrustFault, TrustStore};

/// What the verifier trusts, in DER; it comes from anywhere but the bundle.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    pub roots: Vec<Vec<u8>>,
    /// Authorities below the roots, besides those in the bundle.
    pub intermediates: Vec<Vec<u8>>,
    /// Revocation lists, besides those in the bundle.
    pub crls: Vec<Vec<u8>>,
    pub pins: Pins,
}

/// Judges a file. `given` is the digest of the packet that is held against it.
#[must_use]
pub fn verify(file: &[u8], anchors: &Anchors, given: Option<Digest>) -> Answer {
    let mut answer = Answer::unproven(Digest::of(file));
    let fault = match judge(file, anchors, &mut answer) {
        Ok(()) => other_packet(&answer, given),
        Err(fault) => {
            answer = Answer::unproven(answer.bundle);
            Some(fault)
        }
    };
    answer.packet_matches = given.filter(|_| answer.packet.is_some()).map(|given| Some(given) == answer.packet);
    match fault {
        None => answer.verdict = "valid",
        Some(fault) => (answer.part, answer.reason) = (Some(fault.part), Some(fault.reason)),
    }
    answer
}

fn other_packet(answer: &Answer, given: Option<Digest>) -> Option<Fault> {
    given.filter(|given| Some(*given) != answer.packet)?;
    let what = "the packet given is not the one that the receipts speak of";
    Some(Fault::new("packet", "gói tin đưa ra không phải là gói tin trong biên nhận", what))
}

fn judge(file: &[u8], anchors: &Anchors, answer: &mut Answer) -> Result<(), Fault> {
    let bundle = Bundle::read(file)?;
    let keys = PastTrust::new(trust(&bundle, anchors)?, anchors.pins.clone());
    bundle.sealed_by_believed(&keys)?;
    packet(&bundle)?;
    let ledgers = Ledgers::open(&bundle, &keys)?;
    let opened = open_all("receipts", &bundle.receipts, &bundle.document, &ledgers, &keys)?;
    let late = open_all("late", &bundle.late, &bundle.document, &ledgers, &keys)?;
    distinct(opened.iter().chain(&late))?;

    answer.consignments = consignments(&bundle.document, &opened)?;
    let submitted = opened.iter().filter(|one| one.sealed.receipt.consignment.is_none());
    answer.consignments_submitted = submitted.map(|one| one.sealed.receipt.consignments.len()).max().unwrap_or(0);
    answer.contradictions = tell_late(&mut answer.consignments, &opened, &late)?;
    answer.count_outcomes();
    answer.receipts = opened.len().saturating_add(late.len());
    answer.receipts_verified = answer.receipts;
    let places = opened.iter().chain(&late);
    answer.receipts_logged = places.clone().filter(|one| one.place.is_some()).count();
    answer.unwitnessed = places.filter(|one| !one.is_witnessed()).map(|one| one.part.clone()).collect();
    answer.receipts_witnessed = answer.receipts.saturating_sub(answer.unwitnessed.len());
    answer.sealed_by = Some(bundle.hop);
    answer.sealed_at = Some(bundle.time);
    answer.revocation_taken = Some(bundle.taken);
    answer.revocation_not_checked = keys.not_checked();
    answer.packet_inside = bundle.packet.is_some();
    answer.doc_id = Some(bundle.document.doc_id);
    answer.document_id = bundle.document.document_id;
    answer.from = Some(bundle.document.from);
    answer.subject = bundle.document.subject;
    answer.packet = Some(bundle.document.digest);
    answer.size = Some(bundle.document.size);
    Ok(())
}

/// The verifier's roots, with the authorities and lists of the bundle below them.
fn trust(bundle: &Bundle, anchors: &Anchors) -> Result<TrustStore, Fault> {
    let join = |inside: &[Vec<u8>], outside: &[Vec<u8>]| [inside, outside].concat();
    let intermediates = join(&bundle.certificates, &anchors.intermediates);
    let crls = join(&bundle.crls, &anchors.crls);
    TrustStore::from_der(&anchors.roots, &intermediates, &crls).map_err(|error| {
        let inside = |name: &str, index: usize, count: usize| {
            let place = index.checked_sub(1).filter(|place| *place < count);
            place.map_or_else(|| "trust".to_owned(), |place| format!("{name}[{place}]"))
        };
        let part = match error.fault {
            TrustFault::BadCertificate { index, .. } if error.file == "intermediates" => {
                inside("certificates", index, bundle.certificates.len())
            }
            TrustFault::BadCrl { index, .. } | TrustFault::ForeignCrl { index, .. } => {
                inside("crls", index, bundle.crls.len())
            }
            _ => "trust".to_owned(),
        };
        Fault::new(part, "chứng thư hoặc danh sách thu hồi không dùng được", error)
    })
}

fn packet(bundle: &Bundle) -> Result<(), Fault> {
    let Some(packet) = &bundle.packet else { return Ok(()) };
    let document = &bundle.document;
    let fits = Digest::of(packet) == document.digest && u64::try_from(packet.len()).ok() == Some(document.size);
    let what = "the packet inside is not the one that the receipts speak of";
    if fits {
        Ok(())
    } else {
        Err(Fault::new("packet", "gói tin kèm theo không phải gói tin trong biên nhận", what))
    }
}

/// A receipt that holds by itself.
struct Opened {
    part: String,
    sealed: Sealed,
    place: Option<Place>,
}

impl Opened {
    fn line(&self) -> Line {
        Line::of(self.part.clone(), &self.sealed, self.place.clone())
    }

    fn is_witnessed(&self) -> bool {
        self.place.as_ref().is_some_and(|place| !place.witnesses.is_empty())
    }
}

fn open_all(
    name: &str,
    receipts: &[Logged],
    document: &Document,
    ledgers: &Ledgers,
    keys: &dyn HopKeys,
) -> Result<Vec<Opened>, Fault> {
    let mut opened = Vec::with_capacity(receipts.len());
    for (index, logged) in receipts.iter().enumerate() {
        let part = format!("{name}[{index}]");
        let sealed = open(&logged.jws, keys)
            .map_err(|error| Fault::new(part.clone(), "biên nhận không xác minh được", error))?;
        about(&part, &sealed, document)?;
        let place = logged.entry.as_ref().map(|entry| ledgers.find(&part, &sealed, entry)).transpose()?;
        opened.push(Opened { part, sealed, place });
    }
    Ok(opened)
}

/// Every receipt says of the document what the bundle says.
fn about(part: &str, sealed: &Sealed, document: &Document) -> Result<(), Fault> {
    let receipt = &sealed.receipt;
    let same = receipt.doc_id == document.doc_id
        && receipt.packet == document.digest
        && receipt.size == document.size
        && receipt.from == document.from
        && receipt.document_id.as_ref().is_none_or(|id| document.document_id.as_ref() == Some(id));
    let what = "the receipt is about another document";
    if same { Ok(()) } else { Err(Fault::new(part, "biên nhận thuộc văn bản khác", what)) }
}

fn distinct<'a>(opened: impl Iterator<Item = &'a Opened>) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    for one in opened {
        if !seen.insert(one.sealed.digest) {
            return Err(Fault::new(one.part.clone(), "biên nhận lặp lại", "the receipt is there twice"));
        }
    }
    Ok(())
}

/// The chain of each consignment: one beginning, no branch, at most one end.
fn consignments(document: &Document, opened: &[Opened]) -> Result<Vec<Told>, Fault> {
    let mut beginnings = opened.iter().filter(|one| one.sealed.receipt.consignment.is_none());
    let missing = || Fault::new("receipts", "không có biên nhận tiếp nhận", "there is no receipt of the submission");
    let first = beginnings.next().ok_or_else(missing)?;
    if let Some(second) = beginnings.next() {
        let what = "there are two beginnings";
        return Err(Fault::new(second.part.clone(), "có hai biên nhận khởi đầu", what));
    }
    if first.sealed.receipt.event == Event::SubmissionRejection {
        return refused_at_submission(document, first, opened);
    }
    if document.consignments.is_empty() {
        return Err(Fault::new("document", "không nêu nơi nhận nào", "it names no consignment"));
    }
    let mut of: HashMap<ConsignmentId, Vec<&Opened>> = HashMap::new();
    for one in opened {
        if let Some(id) = one.sealed.receipt.consignment {
            of.entry(id).or_default().push(one);
        }
    }
    let mut told = Vec::with_capacity(document.consignments.len());
    let mut seen = HashSet::new();
    for consigned in &document.consignments {
        if !seen.insert(consigned.consignment) {
            return Err(Fault::new("document", "nêu một lượt gửi hai lần", "it names a consignment twice"));
        }
        let own = of.remove(&consigned.consignment).unwrap_or_default();
        told.push(one_consignment(document, consigned, first, own)?);
    }
    match opened.iter().find(|one| one.sealed.receipt.consignment.is_some_and(|id| of.contains_key(&id))) {
        None => Ok(told),
        Some(stray) => {
            let what = "it is about a consignment that the bundle does not name";
            Err(Fault::new(stray.part.clone(), "thuộc lượt gửi mà tệp không nêu", what))
        }
    }
}

fn refused_at_submission(document: &Document, first: &Opened, opened: &[Opened]) -> Result<Vec<Told>, Fault> {
    if opened.len() != 1 || !document.consignments.is_empty() || first.sealed.receipt.previous.is_some() {
        let what = "a refused submission has no further receipts";
        return Err(Fault::new(first.part.clone(), "văn bản bị từ chối mà còn biên nhận khác", what));
    }
    let outcome = outcome(Event::SubmissionRejection);
    Ok(vec![Told { id: None, recipient: None, outcome, receipts: vec![first.line()], late: Vec::new() }])
}

fn one_consignment(
    document: &Document,
    consigned: &ConsignedTo,
    first: &Opened,
    own: Vec<&Opened>,
) -> Result<Told, Fault> {
    let id = consigned.consignment;
    let whole: HashMap<Digest, &Opened> =
        std::iter::once(first).chain(own).map(|one| (one.sealed.digest, one)).collect();
    let chain = order(whole.values().map(|one| one.sealed.clone()).collect());
    let part_of = |place: usize| {
        let link = place.checked_sub(1).and_then(|place| chain.get(place)).or(chain.last());
        link.and_then(|link| whole.get(&link.digest)).map_or_else(|| first.part.clone(), |one| one.part.clone())
    };
    if let Err(fault) = verify_chain(&chain, document.digest, id) {
        let place = match fault {
            ChainFault::OtherPacket { position, .. }
            | ChainFault::OtherConsignment { position, .. }
            | ChainFault::Broken { position, .. }
            | ChainFault::Order { position, .. }
            | ChainFault::Hop { position, .. } => position,
            _ => 1,
        };
        return Err(Fault::new(part_of(place), "chuỗi biên nhận không liền mạch", fault));
    }
    let named = first.sealed.receipt.consignments.iter().find(|entry| entry.consignment == id);
    if named.is_none_or(|named| named.recipient != consigned.recipient) {
        let what = "the submission names another recipient for the consignment";
        return Err(Fault::new("document", "nơi nhận khác với biên nhận tiếp nhận", what));
    }
    let other = |link: &&Sealed| link.receipt.recipient.as_ref().is_some_and(|to| *to != consigned.recipient);
    if let Some(other) = chain.iter().find(other) {
        let part = whole.get(&other.digest).map_or_else(|| first.part.clone(), |one| one.part.clone());
        return Err(Fault::new(part, "nơi nhận không khớp", "it names another recipient than the submission"));
    }
    let last = chain.last().map_or(Event::SubmissionAcceptance, |last| last.receipt.event);
    Ok(Told {
        id: Some(id),
        recipient: Some(consigned.recipient.clone()),
        outcome: outcome(last),
        receipts: chain.iter().filter_map(|link| whole.get(&link.digest)).map(|one| one.line()).collect(),
        late: Vec::new(),
    })
}

/// Evidence that moved nothing is told beside the chain. What would continue a chain is not late: left out of it, it
/// could hide an end. A hop that gave a consignment up before the next one was confirmed as its holder ended it, though
/// the next hop, whose bundle this may be, knows its own acceptance first. What cannot be true together with the chain
/// speaks against the hop that signed it, and changes nothing: it is told, and by whom.
fn tell_late(told: &mut [Told], opened: &[Opened], late: &[Opened]) -> Result<Vec<Contradiction>, Fault> {
    let by_part: HashMap<&str, &Opened> = opened.iter().map(|one| (one.part.as_str(), one)).collect();
    let mut contradictions = Vec::new();
    for one in late {
        let id = one.sealed.receipt.consignment;
        let place = told.iter_mut().find(|told| told.id == id && id.is_some());
        let (Some(place), Some(id)) = (place, id) else {
            let what = "it is about a consignment that the bundle does not name";
            return Err(Fault::new(one.part.clone(), "thuộc lượt gửi mà tệp không nêu", what));
        };
        let chain: Vec<&Opened> = place.receipts.iter().filter_map(|line| by_part.get(&*line.part).copied()).collect();
        let links: Vec<Sealed> = chain.iter().map(|one| one.sealed.clone()).collect();
        let continues = links.last().is_some_and(|last| follows(&one.sealed, last, id));
        if continues {
            let what = "it continues the chain and is not late";
            return Err(Fault::new(one.part.clone(), "nối tiếp chuỗi nên không phải chứng cứ muộn", what));
        }
        if gave_up(&one.sealed, &links, id) {
            place.outcome = outcome(Event::RelayFailure);
        }
        let mut line = one.line();
        let against = contradicted(&links, &one.sealed).map(|link| link.digest);
        if let Some(against) = chain.iter().find(|opened| Some(opened.sealed.digest) == against) {
            line.contradicts = Some(against.part.clone());
            contradictions.push(Contradiction::of(&line, &against.line(), id));
        }
        place.late.push(line);
    }
    Ok(contradictions)
}

/// The holder ended what the next hop, last of the chain, took too late to count.
fn gave_up(one: &Sealed, chain: &[Sealed], id: ConsignmentId) -> bool {
    let mut back = chain.iter().rev();
    let (last, before) = (back.next(), back.next());
    one.receipt.event == Event::RelayFailure
        && last.is_some_and(|last| last.receipt.event == Event::RelayAcceptance)
        && before.is_some_and(|before| follows(one, before, id))
}
