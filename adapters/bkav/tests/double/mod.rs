//! Everything behind the door: takes all, and writes down what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use lienthong_bkav::{Door, Doors, Limits, serve};
use lienthong_contract::catalogue::{Catalogue, ListedAgency};
use lienthong_contract::door::{Content, Identity, Intake, Refusal, RefusalCause, Submission, Terms, Upload};
use lienthong_contract::exchange::{Exchange, MailItem, MailKind, MailSearch, SentItem, TransportState};
use lienthong_contract::numbers::Numbers;
use lienthong_contract::system::{Party, Secret, System, Systems};
use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, Instant};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const DOC_ID: &str = "01980000-0000-7000-8000-000000000001";
pub const NUMBER: i64 = 9_007_199_254_740_993;

#[derive(Debug, Default)]
pub struct Behind {
    pub asked: Mutex<Vec<String>>,
    /// What every packet holds.
    pub content: Vec<u8>,
    /// It was taken over.
    pub ended: Mutex<bool>,
}

impl Behind {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

fn refusal(cause: RefusalCause) -> Refusal {
    Refusal { cause, findings: Vec::new(), receipt: None }
}

#[async_trait]
impl Intake for Behind {
    async fn submit_on(&self, caller: &Identity, _: &Terms, mut upload: Upload) -> Result<Submission, Refusal> {
        let mut file = Vec::new();
        while let Some(piece) = upload.next().await {
            file.extend_from_slice(&piece.map_err(|_| refusal(RefusalCause::Incomplete))?);
        }
        match file.as_slice() {
            b"refuse me" => return Err(refusal(RefusalCause::BadPacket)),
            b"again" => return Err(refusal(RefusalCause::Conflict)),
            b"not now" => return Err(refusal(RefusalCause::Unavailable)),
            _ => {}
        }
        let text = String::from_utf8_lossy(&file).into_owned();
        self.note(format!("{} as {}: {text}", caller.credential, caller.agency));
        Ok(Submission {
            doc_id: DOC_ID.parse().unwrap(),
            digest: Digest::of(&file),
            receipt: String::new(),
            consignments: Vec::new(),
            findings: Vec::new(),
            duplicate: false,
        })
    }
}

#[async_trait]
impl Exchange for Behind {
    async fn received(&self, _: &Party, search: &MailSearch, _: usize) -> Result<Vec<MailItem>, Refusal> {
        self.note(format!("received {:?}", search.kind));
        if *self.ended.lock().unwrap() {
            return Ok(Vec::new());
        }
        let hour = |hour: i8| Instant::from_vietnam(jiff::civil::date(2026, 10, 1).at(hour, 0, 0, 0)).unwrap();
        Ok(vec![MailItem {
            id: ConsignmentId::fresh(),
            doc_id: DOC_ID.parse().unwrap(),
            kind: MailKind::Document,
            document_id: None,
            from: "H37.03".parse().unwrap(),
            recipient: "H37.02".parse().unwrap(),
            subject: Some("Về việc".to_owned()),
            code: Some("1/CV".to_owned()),
            arrived_at: hour(8),
            updated_at: hour(9),
            state: TransportState::Processing,
        }])
    }
    async fn waiting(&self, _: &Party, _: MailKind) -> Result<u64, Refusal> {
        Ok(0)
    }
    async fn sent(&self, _: &Party, _: Option<DocId>, _: &MailSearch, _: usize) -> Result<Vec<SentItem>, Refusal> {
        Ok(Vec::new())
    }
    async fn content_of(&self, _: &Party, _: DocId) -> Result<Content, Refusal> {
        let pieces: Vec<_> = self.content.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let (digest, size) = (Digest::of(&self.content), self.content.len() as u64);
        Ok(Content { digest, size, bytes: Box::pin(futures_util::stream::iter(pieces)) })
    }
    async fn mark(&self, _: &Party, _: DocId, state: TransportState) -> Result<(), Refusal> {
        self.note(format!("mark {state:?}"));
        *self.ended.lock().unwrap() |= state == TransportState::Done;
        Ok(())
    }
}

#[async_trait]
impl Numbers for Behind {
    async fn numbers(&self, documents: &[DocId]) -> Result<Vec<i64>, Refusal> {
        Ok(documents.iter().map(|_| NUMBER).collect())
    }
    async fn document(&self, number: i64) -> Result<Option<DocId>, Refusal> {
        Ok((number == NUMBER).then(|| DOC_ID.parse().unwrap()))
    }
}

#[async_trait]
impl Catalogue for Behind {
    async fn page(&self, after: Option<&AgencyCode>, limit: usize) -> Result<Vec<ListedAgency>, Refusal> {
        let agency = |number: usize| ListedAgency {
            code: format!("H37.{number:04}").parse().unwrap(),
            old_code: None,
            name: format!("Cơ quan {number}"),
            parent: "H37".parse().ok(),
            mail: None,
            closed: false,
            version: 1,
            modified_at: Instant::from_millis(0),
        };
        let all = (0..1200).map(agency).filter(|agency| after.is_none_or(|after| agency.code > *after));
        Ok(all.take(limit).collect())
    }
}

struct Known(HashMap<String, Arc<System>>);

impl Systems for Known {
    fn system(&self, id: &str) -> Option<Arc<System>> {
        self.0.get(id).cloned()
    }
    fn agency(&self, system: &System, code: &AgencyCode) -> Option<AgencyCode> {
        system.agencies.iter().find(|own| **own == code.to_new_form()).cloned()
    }
}

/// A door that is open, and what stands behind it.
pub struct Open {
    address: SocketAddr,
    pub behind: Arc<Behind>,
    stop: CancellationToken,
}

impl Open {
    pub async fn with(behind: Behind) -> Self {
        let behind = Arc::new(behind);
        let system = |id: &str, agencies: &[&str], networks: &[&str]| {
            let agencies = agencies.iter().map(|code| code.parse().unwrap()).collect();
            let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
            let secrets = vec![Secret::new(b"older"), Secret::new(b"demo-secret")];
            (id.to_owned(), Arc::new(System { id: id.to_owned(), secrets, agencies, networks }))
        };
        let systems = HashMap::from([
            system("H37.02", &["H37.02", "H37.05"], &["127.0.0.0/8"]),
            system("H37.03", &["H37.03"], &["192.0.2.0/24"]),
        ]);
        let doors = Doors {
            intake: Arc::clone(&behind) as _,
            exchange: Arc::clone(&behind) as _,
            numbers: Arc::clone(&behind) as _,
            systems: Arc::new(Known(systems)),
            catalogue: Arc::clone(&behind) as _,
            paths: vec!["/EdocService".to_owned()],
            limits: Limits::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(serve(listener, None, Arc::new(Door::new(doors)), stop.clone()));
        Self { address, behind, stop }
    }

    /// All bytes of the answer to these bytes.
    pub async fn ask(&self, request: &[u8]) -> String {
        let mut tcp = TcpStream::connect(self.address).await.unwrap();
        tcp.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let _ = tcp.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    /// The status of an answer, and its JSON.
    pub async fn json(&self, request: &[u8]) -> (u16, Value) {
        let answer = self.ask(request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/json;charset=UTF-8"), "{head}");
        let chunked = head.contains("transfer-encoding: chunked");
        let body = if chunked { unchunked(body) } else { body.to_owned() };
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(&body).unwrap())
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.behind.asked.lock().unwrap())
    }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        body.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
    body
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
