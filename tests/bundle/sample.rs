//! A document from one department to three recipients, through three hops, with ledgers and witnesses: what the tests
//! take bundles from.

use std::collections::BTreeMap;

use lienthong::bundle::{Anchors, Document, Entry, Input, Log, Logged, make};
use lienthong::custody::logs::KeyStatement;
use lienthong::ledger::{self, Checkpoint, SignatureKind, SignedCheckpoint, SigningKey};
use lienthong::receipts::{ConsignedTo, Event, Outside, Reason, Receipt, Sealed, seal};
use lienthong_contract::{AgencyCode, Blame, ConsignmentId, Digest, DocId, Instant};
use ring::digest::{SHA256, digest as ring_digest};

use super::pki::{DAY, Key, NOW, Pki};

pub const HOPS: [&str; 3] = ["province-a", "nation", "province-b"];
pub const PACKET: &[u8] = "<edXML>công văn thí dụ</edXML>".as_bytes();
pub const FROM: &str = "H37.90";
pub const TO: [&str; 3] = ["H37.91", "G09.90", "H49.90"];

pub struct Sample {
    pub pki: Pki,
    pub keys: BTreeMap<String, Key>,
    pub input: Input,
}

pub fn code(text: &str) -> AgencyCode {
    text.parse().unwrap()
}

pub fn consignment(number: usize) -> ConsignmentId {
    ConsignmentId::from_bytes([number as u8 + 1; 16])
}

pub fn at(seconds: i64) -> Instant {
    NOW.plus_millis(seconds * 1000)
}

fn blank(event: Event, hop: &str, seconds: i64) -> Receipt {
    Receipt {
        v: 1,
        event,
        hop: hop.parse().unwrap(),
        time: at(seconds),
        doc_id: DocId::from_bytes([7; 16]),
        packet: Digest::of(PACKET),
        size: PACKET.len() as u64,
        from: code(FROM),
        document_id: Some("H37.90,2026/09/21,1/TD-VP".to_owned()),
        consignment: None,
        recipient: None,
        consignments: Vec::new(),
        previous: None,
        credential: None,
        checks: None,
        reason: None,
        outside: event.is_outside().then(|| outside(false)),
    }
}

/// A system outside the network.
pub fn outside(reports: bool) -> Outside {
    let (id, answer) = (Some("0123456789abcdef01234567".to_owned()), Some("Thanh cong <OK>".to_owned()));
    Outside { system: "axis".parse().unwrap(), id, sent: Some(Digest::of(b"other bytes")), answer, reports }
}

pub fn submission(key: &Key) -> Sealed {
    let to = |(number, to): (usize, &&str)| ConsignedTo { consignment: consignment(number), recipient: code(to) };
    let consignments = TO.iter().enumerate().map(to).collect();
    seal(Receipt { consignments, ..blank(Event::SubmissionAcceptance, &key.name, 0) }, key).unwrap()
}

/// What the sender of a refused packet gets.
pub fn rejection(key: &Key) -> Sealed {
    let reason = Some(Reason {
        code: "LT-RUL-0001".to_owned(),
        text: "Thiếu nơi nhận".to_owned(),
        text_en: None,
        whose_turn: Blame::Sender,
    });
    let rejected = Receipt { reason, document_id: None, ..blank(Event::SubmissionRejection, &key.name, 0) };
    seal(rejected, key).unwrap()
}

/// The next receipt of a consignment.
pub fn next(event: Event, key: &Key, number: usize, before: &Sealed, seconds: i64) -> Sealed {
    let reason = event.is_negative().then(|| Reason {
        code: "recipient".to_owned(),
        text: "Gửi nhầm <nơi nhận> & \"thí dụ\"".to_owned(),
        text_en: Some("Sent to the wrong place".to_owned()),
        whose_turn: Blame::Sender,
    });
    let receipt = Receipt {
        consignment: Some(consignment(number)),
        recipient: Some(code(TO[number])),
        previous: Some(before.digest),
        reason,
        ..blank(event, &key.name, seconds)
    };
    seal(receipt, key).unwrap()
}

/// One handed over in the same province, one given back at the nation, one handed over in another province.
pub fn receipts(keys: &BTreeMap<String, Key>) -> Vec<Sealed> {
    let [a, n, b] = HOPS.map(|hop| &keys[hop]);
    let first = submission(a);
    let mut all = vec![first.clone()];
    let ways: [&[(Event, &Key)]; 3] = [
        &[(Event::ContentConsignment, a), (Event::ContentHandover, a)],
        &[(Event::RelayAcceptance, n), (Event::ContentConsignment, n), (Event::ConsignmentRejection, n)],
        &[
            (Event::RelayAcceptance, n),
            (Event::RelayAcceptance, b),
            (Event::ContentConsignment, b),
            (Event::ContentHandover, b),
        ],
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let mut before = first.clone();
        for (step, (event, key)) in way.iter().enumerate() {
            before = next(*event, key, number, &before, 10 * (step as i64 + 1));
            all.push(before.clone());
        }
    }
    all
}

impl Sample {
    /// Everything as it should be.
    pub fn new() -> Self {
        let pki = Pki::new();
        let keys = HOPS.iter().zip(3..).map(|(hop, serial)| ((*hop).to_owned(), pki.usual(hop, serial))).collect();
        Self::with(pki, keys)
    }

    pub fn with(pki: Pki, keys: BTreeMap<String, Key>) -> Self {
        let receipts = receipts(&keys);
        let input = input(&pki, &keys, &receipts);
        Self { pki, keys, input }
    }

    pub fn bundle(&self) -> Vec<u8> {
        self.bundle_of(self.input.clone())
    }

    /// A bundle of other parts, sealed as properly as any.
    pub fn bundle_of(&self, input: Input) -> Vec<u8> {
        make(input, &HOPS[0].parse().unwrap(), &self.keys[HOPS[0]], at(3600)).unwrap()
    }

    pub fn anchors(&self) -> Anchors {
        Anchors { roots: vec![self.pki.root_der()], ..Anchors::default() }
    }
}

pub fn input(pki: &Pki, keys: &BTreeMap<String, Key>, receipts: &[Sealed]) -> Input {
    let (entries, logs, witnesses) = ledgers(keys, receipts);
    let logged = |sealed: &Sealed| Logged { entry: entries.get(&sealed.digest).cloned(), jws: sealed.jws.to_string() };
    let to = |(number, to): (usize, &&str)| ConsignedTo { consignment: consignment(number), recipient: code(to) };
    Input {
        document: Document {
            consignments: TO.iter().enumerate().map(to).collect(),
            digest: Digest::of(PACKET),
            doc_id: DocId::from_bytes([7; 16]),
            document_id: Some("H37.90,2026/09/21,1/TD-VP".to_owned()),
            from: code(FROM),
            size: PACKET.len() as u64,
            subject: Some("Về việc <thí dụ> & \"kiểm thử\"\tđủ dấu".to_owned()),
        },
        receipts: receipts.iter().map(logged).collect(),
        late: Vec::new(),
        logs,
        witnesses,
        certificates: vec![pki.sub_der(), pki.root_der()],
        crls: vec![pki.crl(&[]), pki.root_crl()],
        taken: NOW.plus_millis(DAY),
        packet: None,
    }
}

type Ledgers = (BTreeMap<Digest, Entry>, Vec<Log>, Vec<String>);

/// The ledger of each hop, cosigned by the two others. The trees are built from the definitions of RFC 6962 §2.1.
fn ledgers(keys: &BTreeMap<String, Key>, receipts: &[Sealed]) -> Ledgers {
    let (mut entries, mut logs) = (BTreeMap::new(), Vec::new());
    for (place, hop) in HOPS.iter().enumerate() {
        let origin = format!("{hop}/lienthong-ledger");
        let own: Vec<&Sealed> = receipts.iter().filter(|one| one.receipt.hop.as_str() == *hop).collect();
        // Receipts of other documents stand before, between and after.
        let mut leaves: Vec<[u8; 32]> = Vec::new();
        let mut places = Vec::new();
        for (number, sealed) in own.iter().enumerate() {
            for filler in 0..3 {
                leaves.push(leaf(&[number as u8, filler, place as u8]));
            }
            places.push((leaves.len(), sealed.digest));
            leaves.push(leaf(sealed.digest.as_bytes()));
        }
        leaves.push(leaf(b"last"));
        for (number, digest) in places {
            let proof = path(number, &leaves).into_iter().map(|hash| ledger::hash_text(&Digest::from_bytes(hash)));
            let proof = proof.collect();
            let entry = Entry { number: number as u64, origin: origin.clone(), proof, size: leaves.len() as u64 };
            entries.insert(digest, entry);
        }
        let key = SigningKey::from_seed(&origin, &[place as u8; 32]).unwrap();
        let checkpoint = Checkpoint {
            origin: origin.parse().unwrap(),
            size: leaves.len() as u64,
            root: Digest::from_bytes(tree(&leaves)),
        };
        let mut signed = checkpoint.sign(&key).unwrap();
        for other in HOPS.iter().filter(|other| *other != hop) {
            cosign(&mut signed, other);
        }
        logs.push(Log { checkpoints: vec![signed.to_string()], key: statement(&keys[*hop], &key), origin });
    }
    let witnesses = HOPS.iter().map(|hop| statement(&keys[*hop], &witness(hop))).collect();
    (entries, logs, witnesses)
}

fn witness(hop: &str) -> SigningKey {
    let place = HOPS.iter().position(|other| *other == hop).unwrap() as u8;
    SigningKey::from_seed(&format!("{hop}/lienthong-ledger/2"), &[100 + place; 32]).unwrap()
}

fn cosign(signed: &mut SignedCheckpoint, hop: &str) {
    let key = witness(hop);
    let cosignature = ledger::cosign(&key, signed, at(60).as_seconds() as u64).unwrap();
    signed.add(cosignature, &key.verifier(SignatureKind::Cosignature).unwrap()).unwrap();
}

pub fn statement(hop: &Key, key: &SigningKey) -> String {
    KeyStatement::sign(&hop.name.parse().unwrap(), key, at(-60), hop).unwrap()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    ring_digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

fn leaf(data: &[u8]) -> [u8; 32] {
    hash(&[&[0], data].concat())
}

fn cut(size: usize) -> usize {
    size.next_power_of_two() / 2
}

/// MTH of RFC 6962 §2.1.
fn tree(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(cut(leaves.len()));
            hash(&[&[1][..], &tree(left), &tree(right)].concat())
        }
    }
}

/// PATH of RFC 6962 §2.1.1.
fn path(number: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(cut(leaves.len()));
    let (mut way, other) = if number < left.len() {
        (path(number, left), tree(right))
    } else {
        (path(number - left.len(), right), tree(left))
    };
    way.push(other);
    way
}
