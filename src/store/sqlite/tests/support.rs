//! Packets and receipts made up for the store. It verifies no signature, so none is real here.

use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant};

use crate::ledger::PrivateKey;
use crate::receipts::{ConsignedTo, Error, Event, Outside, Reason, Receipt, Sealed, Signer, seal};
use crate::store::{Consign, Delivered, Held, LedgerSetup, NewConsignment, NewPacket, PacketKind, Route, SqliteStore};

/// Puts sixty-four zeros under everything.
#[derive(Debug)]
pub(crate) struct Stamp;

impl Signer for Stamp {
    fn alg(&self) -> &'static str {
        "ES256"
    }

    fn chain(&self) -> &[Vec<u8>] {
        &[]
    }

    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![0; 64])
    }
}

pub(crate) fn hop(name: &str) -> HopName {
    name.parse().unwrap()
}

pub(crate) fn agency(code: &str) -> AgencyCode {
    code.parse().unwrap()
}

/// What [`crate::store::Store::accept`] and `take_custody` take.
#[derive(Clone)]
pub(crate) struct Made {
    pub packet: NewPacket,
    pub submission: Sealed,
    pub consignments: Vec<NewConsignment>,
}

/// When everything here has to be done with: a day after it came.
pub(crate) const DUE: Instant = Instant::from_millis(1_790_000_000_000 + 86_400_000);

/// A packet handed in at `province-a`.
pub(crate) fn letter(text: &str, urgency: u8, to: &[(&str, Route)]) -> Made {
    letter_of(text, text.as_bytes(), urgency, to)
}

/// The same of these bytes.
pub(crate) fn letter_of(name: &str, bytes: &[u8], urgency: u8, to: &[(&str, Route)]) -> Made {
    let packet = packet(name, bytes, urgency);
    let entries: Vec<ConsignedTo> = (to.iter())
        .map(|(code, _)| ConsignedTo { consignment: ConsignmentId::fresh(), recipient: agency(code) })
        .collect();
    let submission =
        Receipt { consignments: entries.clone(), ..statement(&packet, Event::SubmissionAcceptance, "province-a") };
    let submission = seal(submission, &Stamp).unwrap();
    let consignments = entries.into_iter().zip(to).map(|(entry, (_, route))| NewConsignment {
        id: entry.consignment,
        recipient: entry.recipient,
        route: route.clone(),
        receipts: match route {
            Route::Mailbox => {
                vec![about(&packet, entry.consignment, Event::ContentConsignment, "province-a", &submission)]
            }
            Route::Link(_) | Route::Outlet(_) | Route::Refused => Vec::new(),
        },
        due: Some(DUE),
    });
    let consignments = consignments.collect();
    Made { packet, submission, consignments }
}

/// The same packet as it arrives at the hop `me` from `from`; `me` routes it onwards as told.
pub(crate) fn relayed(first: &Made, me: &str, from: &str, route: &Route) -> Made {
    let mut made = first.clone();
    made.packet.previous_hop = Some(hop(from));
    for consignment in &mut made.consignments {
        let event = if *route == Route::Refused { Event::RelayRejection } else { Event::RelayAcceptance };
        let relay = about(&made.packet, consignment.id, event, me, &made.submission);
        consignment.receipts = vec![relay];
        consignment.route = route.clone();
    }
    if *route == Route::Refused {
        made.packet.held = Held::Dropped;
    }
    made
}

fn packet(text: &str, bytes: &[u8], urgency: u8) -> NewPacket {
    NewPacket {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        doc_id: DocId::fresh(),
        kind: PacketKind::Document,
        document_id: Some(format!("H37.90,2026/09/21,{text}")),
        business_type: 0,
        sender: agency("H37.90"),
        subject: Some(text.to_owned()),
        code: Some("12/TD-VP".to_owned()),
        urgency,
        signed: Some(crate::statutory::Signed::On(jiff::civil::date(2026, 9, 21))),
        received_at: Instant::from_millis(1_790_000_000_000),
        previous_hop: None,
        status: None,
        acts: Vec::new(),
        gives_back: Vec::new(),
        entered: None,
        together: None,
        held: Held::Inline(bytes.to_vec().into()),
    }
}

fn statement(packet: &NewPacket, event: Event, by: &str) -> Receipt {
    Receipt {
        v: 1,
        event,
        hop: hop(by),
        time: packet.received_at,
        doc_id: packet.doc_id,
        packet: packet.digest,
        size: packet.size,
        from: packet.sender.clone(),
        document_id: packet.document_id.clone(),
        consignment: None,
        recipient: None,
        consignments: Vec::new(),
        previous: None,
        credential: None,
        checks: None,
        reason: event.is_negative().then(|| Reason {
            code: "recipient".to_owned(),
            text: "không đúng".to_owned(),
            text_en: None,
            whose_turn: lienthong_contract::Blame::Sender,
        }),
        outside: event.is_outside().then(|| outside(false)),
    }
}

/// A system outside the network.
pub(crate) fn outside(reports: bool) -> Outside {
    let id = Some("0123456789abcdef01234567".to_owned());
    Outside { system: hop("axis"), id, sent: None, answer: Some("Thanh cong".to_owned()), reports }
}

/// A receipt of this hop about one consignment, after `before`.
pub(crate) fn about(packet: &NewPacket, id: ConsignmentId, event: Event, by: &str, before: &Sealed) -> Sealed {
    let receipt = Receipt { consignment: Some(id), previous: Some(before.digest), ..statement(packet, event, by) };
    seal(receipt, &Stamp).unwrap()
}

impl Made {
    /// The only consignment.
    pub(crate) fn id(&self) -> ConsignmentId {
        self.consignments[0].id
    }

    /// What the hops after `province-a` say of the only consignment until its recipient at `nation` ends it.
    pub(crate) fn way(&self, end: Event) -> Vec<Sealed> {
        let mut way: Vec<Sealed> = Vec::new();
        for event in [Event::RelayAcceptance, Event::ContentConsignment, end] {
            let before = way.last().unwrap_or(&self.submission);
            way.push(about(&self.packet, self.id(), event, "nation", before));
        }
        way
    }

    pub(crate) async fn accept(&self, store: &SqliteStore) -> crate::store::Accepted {
        use crate::store::Store as _;
        store.accept(self.packet.clone(), self.submission.clone(), self.consignments.clone()).await.unwrap()
    }

    /// Arrives, and the hop before lets go of it at once.
    pub(crate) async fn take(&self, store: &SqliteStore) {
        self.offer(store).await;
        self.let_go(store).await;
    }

    /// Arrives from the hop before, which keeps it for now.
    pub(crate) async fn offer(&self, store: &SqliteStore) {
        use crate::store::Store as _;
        let (packet, submission) = (self.packet.clone(), Some(self.submission.clone()));
        store.take_custody(packet, submission, self.consignments.clone()).await.unwrap();
    }

    /// The hop before says that it has our receipts.
    pub(crate) async fn let_go(&self, store: &SqliteStore) -> Delivered {
        use crate::store::Store as _;
        let previous = self.packet.previous_hop.clone().unwrap();
        let digests = self.consignments.iter().flat_map(|consignment| &consignment.receipts);
        let digests = digests.map(|sealed| sealed.digest).collect();
        store.receipts_delivered(&previous, digests, consign()).await.unwrap()
    }
}

/// Makes the ContentConsignment receipt, as delivery does.
pub(crate) fn consign() -> Consign {
    std::sync::Arc::new(|offered| {
        let (event, before) = (offered.event, &offered.before);
        let reason = event.is_negative().then(crate::delivery::given_back::reason);
        let receipt = Receipt { event, reason, previous: Some(before.digest), ..Receipt::clone(&before.receipt) };
        Ok((seal(receipt, &Stamp).unwrap(), Some(DUE)))
    })
}

/// A store of `province-a` in this folder, with its log.
pub(crate) fn open(folder: &std::path::Path) -> SqliteStore {
    SqliteStore::open_with(&folder.join("store.db"), &hop("province-a"), Some(&setup(None))).unwrap()
}

/// A log under a key that is the same each time.
pub(crate) fn setup(outside: Option<Vec<u8>>) -> LedgerSetup {
    // PKCS #8 around thirty-two sevens.
    let head = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let key = PrivateKey::from_pkcs8(&[&head[..], &[7; 32]].concat()).unwrap();
    LedgerSetup { key, outside }
}

pub(crate) fn to_nation() -> Route {
    Route::Link(hop("nation"))
}
