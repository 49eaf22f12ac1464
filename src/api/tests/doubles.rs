//! What stands behind the doors in these tests: a desk that takes packets and remembers what happened to it.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use lienthong_contract::door::*;
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, Finding, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::tls::sender_fingerprint;
use crate::api::{Health, Identities, PublicLog, Readiness, findings};

/// What the desk saw.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The first bytes of an upload came.
    Began,
    /// An upload ended without an error after so many bytes.
    Whole(usize),
    /// An upload ended with an error.
    Broken(io::ErrorKind),
    Listed(String),
    Acknowledged(Acknowledgement),
    /// A download's stream was dropped.
    LetGo,
}

pub struct Desk {
    taken: Mutex<HashMap<Digest, DocId>>,
    pub registered: AtomicBool,
    pub ready: AtomicBool,
    events: UnboundedSender<Event>,
    seen: tokio::sync::Mutex<UnboundedReceiver<Event>>,
}

pub fn code(text: &str) -> AgencyCode {
    AgencyCode::parse(text).unwrap()
}

/// A consignment of this kind, see [`Desk::content`].
pub fn consignment(kind: u8) -> ConsignmentId {
    ConsignmentId::from_bytes([kind; 16])
}

pub const PLAIN: u8 = 1;
/// Announces another digest than its bytes have.
pub const DAMAGED: u8 = 2;
/// Breaks off.
pub const CUT: u8 = 3;
/// Never ends.
pub const ENDLESS: u8 = 4;
pub const CONTENT: &[u8] = b"<edXML>\r\n\xff\x00</edXML>";

impl Desk {
    pub fn new() -> Self {
        let (events, seen) = unbounded_channel();
        let (registered, ready) = (AtomicBool::new(true), AtomicBool::new(true));
        Self { taken: Mutex::default(), registered, ready, events, seen: tokio::sync::Mutex::new(seen) }
    }

    fn note(&self, event: Event) {
        self.events.send(event).unwrap();
    }

    pub async fn event(&self) -> Event {
        super::soon("an event at the desk", async { self.seen.lock().await.recv().await.unwrap() }).await
    }

    /// What has happened up to now and was not asked for yet.
    pub fn events(&self) -> Vec<Event> {
        let mut seen = self.seen.try_lock().unwrap();
        std::iter::from_fn(|| seen.try_recv().ok()).collect()
    }
}

fn refusal(cause: RefusalCause) -> Refusal {
    Refusal { cause, findings: vec![Finding::of(&findings::BAD_ID).element("MessageHeader/To")], receipt: None }
}

#[async_trait]
impl Intake for Desk {
    async fn submit_on(&self, caller: &Identity, terms: &Terms, mut upload: Upload) -> Result<Submission, Refusal> {
        assert_eq!(*terms, Terms::default());
        assert_eq!((caller.agency.as_str(), caller.door.as_str()), ("H37.02", "native"));
        let mut bytes = Vec::new();
        while let Some(chunk) = upload.next().await {
            if bytes.is_empty() {
                self.note(Event::Began);
            }
            match chunk {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) => {
                    self.note(Event::Broken(error.kind()));
                    return Err(Refusal { cause: RefusalCause::Incomplete, findings: vec![], receipt: None });
                }
            }
        }
        self.note(Event::Whole(bytes.len()));
        let cause = match bytes.as_slice() {
            b"bad" => {
                let receipt = Some("rejection".to_owned());
                return Err(Refusal { receipt, ..refusal(RefusalCause::BadPacket) });
            }
            b"forbidden" => Some(RefusalCause::Forbidden),
            b"conflict" => Some(RefusalCause::Conflict),
            b"large" => Some(RefusalCause::TooLarge),
            b"incomplete" => Some(RefusalCause::Incomplete),
            b"down" => Some(RefusalCause::Unavailable),
            b"panic" => panic!("a defect behind the door"),
            _ => None,
        };
        if let Some(cause) = cause {
            return Err(refusal(cause));
        }
        let digest = Digest::of(&bytes);
        let mut taken = self.taken.lock().unwrap();
        let duplicate = taken.contains_key(&digest);
        let doc_id = *taken.entry(digest).or_insert_with(DocId::fresh);
        let consignments = vec![ConsignmentRef { id: consignment(PLAIN), recipient: code("H01") }];
        let findings = vec![Finding::of(&findings::BAD_ID).at(3, 7)];
        Ok(Submission { doc_id, digest, receipt: "a.b.c".into(), consignments, findings, duplicate })
    }
}

/// Tells the desk when the gateway lets go of a download.
struct Watched(Upload, UnboundedSender<Event>);

impl Stream for Watched {
    type Item = io::Result<Bytes>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.1.send(Event::LetGo);
    }
}

#[async_trait]
impl Mailbox for Desk {
    async fn list(
        &self,
        _: &Identity,
        agency: Option<&AgencyCode>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<InboxPage, Refusal> {
        self.note(Event::Listed(format!("{agency:?} {after:?} {limit}")));
        let item = InboxItem {
            id: consignment(PLAIN),
            doc_id: DocId::from_bytes([9; 16]),
            digest: Digest::of(CONTENT),
            size: CONTENT.len() as u64,
            kind: "document".into(),
            document_id: Some("12/QĐ-UBND".into()),
            from: code("H37"),
            recipient: code("H01"),
            subject: None,
            code: Some("12".into()),
            urgency: 2,
            arrived_at: Instant::from_millis(1_790_000_000_000),
            statuses: vec![status(DocId::from_bytes([9; 16]))],
            current: Some(status(DocId::from_bytes([9; 16]))),
            recall: Some(recall()),
            links: vec![link()],
            about: Some(StatusAbout {
                code: "13".into(),
                meaning: None,
                document_id: "12/QĐ-UBND".into(),
                doc_id: None,
            }),
        };
        Ok(InboxPage { items: vec![item], next: Some("n".into()) })
    }

    async fn content(&self, _: &Identity, id: ConsignmentId) -> Result<Content, Refusal> {
        let chunks = |parts: Vec<io::Result<Bytes>>| Box::pin(stream::iter(parts)) as Upload;
        let (head, tail) = CONTENT.split_at(5);
        let whole = || chunks(vec![Ok(Bytes::from_static(head)), Ok(Bytes::from_static(tail))]);
        let size = CONTENT.len() as u64;
        let (digest, size, bytes) = match id.as_bytes()[0] {
            PLAIN => (Digest::of(CONTENT), size, whole()),
            DAMAGED => (Digest::of(b"other"), size, whole()),
            CUT => {
                (Digest::of(CONTENT), size, chunks(vec![Ok(Bytes::from_static(head)), Err(io::Error::other("disk"))]))
            }
            ENDLESS => {
                let zeros = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 65536])));
                (Digest::of(b""), 1 << 40, Box::pin(zeros) as Upload)
            }
            _ => return Err(refusal(RefusalCause::NotFound)),
        };
        Ok(Content { digest, size, bytes: Box::pin(Watched(bytes, self.events.clone())) })
    }

    async fn acknowledge(
        &self,
        _: &Identity,
        id: ConsignmentId,
        answer: &Acknowledgement,
    ) -> Result<Acknowledged, Refusal> {
        self.note(Event::Acknowledged(answer.clone()));
        Ok(Acknowledged { id, receipt: "h.o.v".into() })
    }
}

fn status(doc_id: DocId) -> StatusView {
    let time = Instant::from_millis(1_790_000_000_000);
    StatusView {
        code: "03".into(),
        description: None,
        time: Some(time),
        doc_id,
        from: Some(code("H01")),
        meaning: Some(Meaning { vi: "tiếp nhận".into(), en: "accepted".into() }),
        received_at: Some(time),
    }
}

fn recall() -> RecallView {
    let time = Instant::from_millis(1_790_000_000_000);
    RecallView {
        state: RecallState::Agreed,
        asked_at: time,
        reason: Some("gửi nhầm".into()),
        answered_at: Some(time),
        answer: None,
        destroyed_at: Some(time),
    }
}

fn link() -> Link {
    Link {
        relation: Relation::UpdatedBy,
        doc_id: Some(DocId::from_bytes([8; 16])),
        document_id: Some("13/QĐ-UBND".into()),
        code: None,
        from: Some(code("H37")),
        time: Some(Instant::from_millis(1_790_000_000_000)),
        reason: None,
        recipients: vec![LinkedRecipient { recipient: code("H01"), state: ConsignmentState::Consigned }],
        added: vec![code("H02")],
        removed: vec![code("H03")],
    }
}

#[async_trait]
impl Proofs for Desk {
    async fn proof(&self, caller: &Identity, doc_id: DocId, packet: bool) -> Result<Bytes, Refusal> {
        self.trace(caller, doc_id).await?;
        let packet = if packet { r#""packet":"AA==","# } else { "" };
        let document = format!(r#"{{"consignments":[],"digest":"d","doc_id":"{doc_id}","from":"H37.02","size":4}}"#);
        let (format, taken) = (r#""format":"lienthong-bundle""#, r#""2026-09-21T21:13:20.000+07:00""#);
        let lists = r#""certificates":[],"crls":[],"late":[],"logs":[],"receipts":[{"jws":"a.b.c"}],"witnesses":[]"#;
        let frame = format!(r#"{packet}{format},"revocation":{{"taken":{taken}}},"seal":"a.b.c","v":1"#);
        Ok(format!(r#"{{"document":{document},{frame},{lists}}}"#).into())
    }
}

#[async_trait]
impl Tracking for Desk {
    async fn trace(&self, caller: &Identity, doc_id: DocId) -> Result<Trace, Refusal> {
        if !self.taken.lock().unwrap().values().any(|taken| *taken == doc_id) {
            return Err(refusal(RefusalCause::NotFound));
        }
        let time = Instant::from_millis(1_790_000_000_000);
        let view = ReceiptView {
            event: "SubmissionAcceptance".into(),
            hop: "tinh".parse().unwrap(),
            time,
            reason: None,
            jws: "a.b.c".into(),
            contradicts: None,
            outside: None,
        };
        let consignment = ConsignmentTrace {
            id: consignment(PLAIN),
            recipient: code("H01"),
            state: ConsignmentState::HandedOver,
            waiting_for: None,
            last_error: Some("lỗi".into()),
            receipts: vec![view.clone()],
            late: Vec::new(),
            statuses: vec![status(doc_id)],
            current: Some(status(doc_id)),
            recall: Some(recall()),
        };
        Ok(Trace {
            doc_id,
            digest: Digest::of(CONTENT),
            size: 4,
            kind: "document".into(),
            document_id: None,
            from: caller.agency.clone(),
            subject: Some("Về việc".into()),
            code: None,
            urgency: 0,
            received_at: time,
            business_type: 2,
            links: vec![link()],
            destroyed_at: Some(time),
            submission: Some(view),
            consignments: vec![consignment],
        })
    }

    async fn agencies(&self, search: Option<&str>, after: Option<&str>, limit: usize) -> Result<AgencyPage, Refusal> {
        self.note(Event::Listed(format!("{search:?} {after:?} {limit}")));
        let item = AgencyItem {
            code: code("H37.02"),
            old_code: Some(code("000.00.02.H37")),
            name: "Sở Tài chính".into(),
            parent: Some(code("H37")),
            valid_from: Some("2025-07-01".into()),
            valid_to: None,
            successors: vec![code("H17")],
            locked: false,
            hop: Some("tinh".parse().unwrap()),
        };
        Ok(AgencyPage { items: vec![item], next: None })
    }
}

#[async_trait]
impl PublicLog for Desk {
    async fn checkpoint(&self) -> Result<Option<String>, String> {
        Ok(Some("tinh/lienthong-ledger\n".into()))
    }

    async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        match path {
            "tile/0/x001/234.p/7" => Ok(Some(vec![7; 7 * 32])),
            "tile/0/{index}" | "tile/{level}/{index}" => Ok(Some(Vec::new())),
            "tile/0/001" => Err("the disk".into()),
            _ => Ok(None),
        }
    }

    fn key(&self) -> String {
        "s.t.a".into()
    }
}

impl Identities for Desk {
    fn by_certificate(&self, fingerprint: &Digest) -> Option<Identity> {
        let known = *fingerprint == sender_fingerprint() && self.registered.load(Ordering::SeqCst);
        let credential = format!("certificate {fingerprint}");
        known.then(|| Identity { agency: code("H37.02"), credential, door: "native".into() })
    }
}

impl Health for Desk {
    fn readiness(&self) -> Readiness {
        let ready = self.ready.load(Ordering::SeqCst);
        Readiness {
            ready,
            parts: vec![("store".into(), ready, String::new()), ("signer".into(), true, "ES256".into())],
        }
    }
}

impl crate::api::Metrics for Desk {
    fn text(&self) -> String {
        crate::metrics::Page::default().text()
    }
}
