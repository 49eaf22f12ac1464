//! The door by itself, on a socket, against raw bytes: requests as builds of the SDK were seen to send them, letter by
//! letter, and answers letter by letter. Behind the door stand doubles that write down what they were asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use lienthong_contract::catalogue::{Catalogue, ListedAgency, Noted, Registrations, Wish};
use lienthong_contract::door::{Content, Identity, Intake, Refusal, RefusalCause, Submission, Terms, Upload};
use lienthong_contract::exchange::{Exchange, MailItem, MailKind, MailSearch, SentItem, TransportState};
use lienthong_contract::system::{Party, Secret, System, Systems};
use lienthong_contract::{AgencyCode, Clock, ConsignmentId, Digest, DocId, Instant};
use lienthong_vxp::wire::sign::sign;
use lienthong_vxp::{Door, Doors, Limits, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const DOC_ID: &str = "01980000-0000-7000-8000-000000000001";

/// Everything behind the door: takes all, and writes down what it was asked.
#[derive(Debug, Default)]
struct Behind {
    asked: Mutex<Vec<String>>,
    agencies: Vec<ListedAgency>,
    mail: Vec<MailItem>,
    /// From which agency on the list cannot be read.
    breaks_at: Option<usize>,
    /// What every packet holds.
    content: Vec<u8>,
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
    async fn submit_on(&self, caller: &Identity, terms: &Terms, mut upload: Upload) -> Result<Submission, Refusal> {
        let mut file = Vec::new();
        while let Some(piece) = upload.next().await {
            file.extend_from_slice(&piece.map_err(|_| refusal(RefusalCause::Incomplete))?);
        }
        let codes = |codes: &Vec<AgencyCode>| codes.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
        let to = terms.to.as_ref().map(codes).unwrap_or_default();
        let from = terms.from.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = String::from_utf8_lossy(&file).into_owned();
        self.note(format!("{} as {} from {from} to {to}: {text}", caller.credential, caller.agency));
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
    async fn received(&self, _: &Party, search: &MailSearch, limit: usize) -> Result<Vec<MailItem>, Refusal> {
        self.note(format!("received {:?} {:?}", search.kind, search.window));
        let meant = |item: &&MailItem| match search.window {
            Some(window) => (window.from..=window.to).contains(&item.arrived_at),
            None => matches!(item.state, TransportState::Initial | TransportState::Processing),
        };
        Ok(self.mail.iter().filter(meant).take(limit).cloned().collect())
    }
    async fn waiting(&self, _: &Party, kind: MailKind) -> Result<u64, Refusal> {
        Ok(if kind == MailKind::Document { 7 } else { 0 })
    }
    async fn sent(&self, _: &Party, _: Option<DocId>, _: &MailSearch, _: usize) -> Result<Vec<SentItem>, Refusal> {
        Err(refusal(RefusalCause::Unavailable))
    }
    async fn content_of(&self, _: &Party, doc_id: DocId) -> Result<Content, Refusal> {
        self.note(format!("read {doc_id}"));
        let pieces: Vec<_> = self.content.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let (digest, size) = (Digest::of(&self.content), self.content.len() as u64);
        Ok(Content { digest, size, bytes: Box::pin(futures_util::stream::iter(pieces)) })
    }
    async fn mark(&self, _: &Party, doc_id: DocId, state: TransportState) -> Result<(), Refusal> {
        self.note(format!("mark {doc_id} {state:?}"));
        Ok(())
    }
    async fn mark_for(
        &self,
        _: &Party,
        agency: &AgencyCode,
        doc_id: DocId,
        state: TransportState,
    ) -> Result<(), Refusal> {
        self.note(format!("mark {doc_id} {state:?} for {agency}"));
        Ok(())
    }
}

#[async_trait]
impl Catalogue for Behind {
    async fn page(&self, after: Option<&AgencyCode>, limit: usize) -> Result<Vec<ListedAgency>, Refusal> {
        let start = after.map_or(0, |after| self.agencies.partition_point(|agency| agency.code <= *after));
        if self.breaks_at.is_some_and(|at| start >= at) {
            return Err(refusal(RefusalCause::Unavailable));
        }
        Ok(self.agencies[start..].iter().take(limit).cloned().collect())
    }
}

#[async_trait]
impl Registrations for Behind {
    async fn ask(&self, system: &System, from: IpAddr, wish: Wish) -> Result<Noted, Refusal> {
        self.note(format!("{} from {from}: {wish:?}", system.id));
        Ok(Noted::Waiting)
    }
}

struct Known(HashMap<String, Arc<System>>);

impl Systems for Known {
    fn system(&self, id: &str) -> Option<Arc<System>> {
        self.0.get(id).cloned()
    }
    fn agency(&self, system: &System, code: &AgencyCode) -> Option<AgencyCode> {
        system.agencies.iter().find(|own| *own == code).cloned()
    }
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Instant {
        Instant::from_millis(1_790_000_000_000)
    }
}

/// A door that is open, and what stands behind it.
struct Open {
    address: SocketAddr,
    behind: Arc<Behind>,
    stop: CancellationToken,
}

impl Open {
    async fn with(behind: Behind) -> Self {
        Self::with_limits(behind, Limits::default()).await
    }

    async fn with_limits(behind: Behind, limits: Limits) -> Self {
        let behind = Arc::new(behind);
        let system = |id: &str, secret: &str, networks: &[&str]| {
            let agencies = vec![match id {
                "DEMO.SYSTEM" => "H37.02".parse().unwrap(),
                "000.00.13.H53" => "99.99.99.G21".parse().unwrap(),
                code => code.parse().unwrap(),
            }];
            let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
            let secrets = vec![Secret::new(b"older"), Secret::new(secret.as_bytes())];
            (id.to_owned(), Arc::new(System { id: id.to_owned(), secrets, agencies, networks }))
        };
        let systems = HashMap::from([
            system("000.00.13.H53", "test-secret-not-real", &["127.0.0.0/8"]),
            system("DEMO.SYSTEM", "demo-secret", &[]),
            system("H37.02", "demo-secret", &[]),
            system("H37.03", "demo-secret", &["192.0.2.0/24"]),
        ]);
        let doors = Doors {
            intake: Arc::clone(&behind) as _,
            exchange: Arc::clone(&behind) as _,
            systems: Arc::new(Known(systems)),
            catalogue: Arc::clone(&behind) as _,
            registrations: Arc::clone(&behind) as _,
            clock: Arc::new(Stopped),
            paths: vec!["/vxp".to_owned()],
            limits,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(serve(listener, None, Arc::new(Door::new(doors)), stop.clone()));
        Self { address, behind, stop }
    }

    /// All bytes of the answer to these bytes.
    async fn ask(&self, request: &[u8]) -> String {
        let mut tcp = TcpStream::connect(self.address).await.unwrap();
        tcp.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let _ = tcp.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn body(&self, request: &[u8]) -> String {
        let answer = self.ask(request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-type: application/json;charset=UTF-8"), "{head}");
        body.to_owned()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.behind.asked.lock().unwrap())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A request as it stands on the wire.
fn request(operation: &str, keys: &str, text: &str, tag: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let json: Value = serde_json::from_str(text).unwrap();
    let plain: String = json
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap()))
        .collect();
    let head = format!(
        "POST /vxp/{operation} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{plain}\
         XroadVnpt-sign-header-key: {keys}\r\nXroadVnpt-sign-header: {text}\r\nXroadVnpt-hash-header: {tag}\r\n\
         User-Agent: JAVASDKAgent/1.0.0 XRoad/VPCP\r\nXroadVnpt-version: 3.0.201608\r\n{more}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A request that was not seen but is made in the same form, of the system `H37.02`.
fn own(operation: &str, parameters: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let always = [("systemid", "H37.02"), ("timestamp", "01102026T080000+0007"), ("Content-Type", "application/json")];
    let signed = sign(&[&always, parameters].concat(), &Secret::new(b"demo-secret"));
    let fields: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST /vxp/{operation} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const SYNC: (&str, &str, &str) = (
    "systemid;timestamp;Content-Type",
    r#"{"XroadVnpt-systemid":"000.00.13.H53","XroadVnpt-timestamp":"22112026T043826+0346","XroadVnpt-Content-Type":"application/json"}"#,
    "0d2c5509cbdb10500b030ea030fa25494d2566d459655ad5bcf75b6873cc6dda",
);
const DELETE: (&str, &str, &str) = (
    "systemid;AgencyCode;timestamp;Content-Type",
    r#"{"XroadVnpt-systemid":"000.00.13.H53","XroadVnpt-AgencyCode":"99.99.99.G21","XroadVnpt-timestamp":"22112026T043826+0346","XroadVnpt-Content-Type":"application/json"}"#,
    "4bca666326ef3522b663a334b917a2b463847d38b91d926f9ee9925c869780ad",
);
const LEVEL: (&str, &str, &str) = (
    "systemid;level;AgencyCode;timestamp;Content-Type",
    r#"{"XroadVnpt-systemid":"000.00.13.H53","XroadVnpt-level":"1","XroadVnpt-AgencyCode":"99.99.99.G21","XroadVnpt-timestamp":"22112026T043826+0346","XroadVnpt-Content-Type":"application/json"}"#,
    "41f2789c3ecbfaec37c048d95d3b5314d5f85241d8744dfabd31f921d5bb9c25",
);
const LIST: (&str, &str, &str) = (
    "timestamp;systemid;Content-Type;servicetype;messagetype",
    r#"{"XroadVnpt-timestamp":"22112026T041500+0123","XroadVnpt-systemid":"DEMO.SYSTEM","XroadVnpt-Content-Type":"application/json","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc"}"#,
    "cdc6bf1623717c09f0242a3c80a45587d727e5e35865103fb592a7317b77d3e5",
);
const SEND: (&str, &str, &str) = (
    "systemid;servicetype;messagetype;hash-file;from;to;timestamp;Content-Type",
    r#"{"XroadVnpt-systemid":"H37.02","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc","XroadVnpt-hash-file":"c3d433dd6c7540c9bd22e63415476154c11997d73480d0a97ef96cc89a","XroadVnpt-from":"H37.02","XroadVnpt-to":"[\"H53.02\",\"000.00.01.H27\"]","XroadVnpt-timestamp":"01102026T080000+0007","XroadVnpt-Content-Type":"application/octet-stream"}"#,
    "6ce2489ac9e3ff8b047fd0c6eac1a70da9872e616c5813f7c6c4b02ded5b4a83",
);
const MARK: (&str, &str, &str) = (
    "systemid;servicetype;messagetype;hash-file;docId;docid;filePath;from;timestamp;Content-Type;status",
    r#"{"XroadVnpt-systemid":"H37.02","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc","XroadVnpt-hash-file":"c3d433dd6c7540c9bd22e63415476154c11997d73480d0a97ef96cc89a","XroadVnpt-docId":"0123456789abcdef01234567","XroadVnpt-docid":"fedcba9876543210fedcba98","XroadVnpt-filePath":"./store","XroadVnpt-from":"H37.02","XroadVnpt-timestamp":"01102026T080000+0007","XroadVnpt-Content-Type":"application/json","XroadVnpt-status":"done"}"#,
    "bb641d97f335b13817ba26bb79b163f1af79854a45ae2b073e9bcf4581f6be29",
);

fn of(operation: &str, (keys, text, tag): (&str, &str, &str), body: &[u8]) -> Vec<u8> {
    request(operation, keys, text, tag, "", body)
}

fn agency(code: &str, name: &str) -> ListedAgency {
    ListedAgency {
        code: code.parse().unwrap(),
        old_code: None,
        name: name.to_owned(),
        parent: None,
        mail: None,
        closed: false,
        version: 3,
        modified_at: Instant::from_millis(1_790_000_000_000),
    }
}

/// What chunks say, put together.
fn unchunked(mut rest: &str) -> Option<String> {
    let mut whole = String::new();
    while let Some((length, piece)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).ok()?;
        whole.push_str(piece.get(..length)?);
        rest = piece.get(length + 2..)?;
        if length == 0 {
            return Some(whole);
        }
    }
    None
}

const OK: &str = r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"","data":[]}"#;
const NOT_SIGNED: &str = r#"{"status":"FAIL","ErrorCode":"15","ErrorDesc":"Sai ma he thong hoac chu ky (systemid, secret)","DocId":"","data":[]}"#;
const NO_DOCUMENT: &str =
    r#"{"status":"FAIL","ErrorCode":"10","ErrorDesc":"Khong co van ban nay","DocId":"","data":[]}"#;

#[tokio::test]
async fn requests_of_the_sdk_are_answered_letter_by_letter() {
    let agencies = vec![
        ListedAgency {
            old_code: Some("000.00.00.H37".parse().unwrap()),
            mail: Some("a@example.vn".to_owned()),
            ..agency("H37", "UBND tỉnh")
        },
        ListedAgency { closed: true, parent: Some("H37".parse().unwrap()), ..agency("H37.01", "Sở cũ") },
    ];
    let open = Open::with(Behind { agencies, ..Behind::default() }).await;
    // Agencies, in each form; `AgencyCode` of an earlier call means nothing to them.
    let list = |answer: String| unchunked(&answer).unwrap();
    assert_eq!(
        list(open.body(&of("getAgenciesList", SYNC, b"")).await),
        r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"","data":[{"id":"H37","pid":"","code":"H37","name":"UBND t\u1ec9nh","mail":"a@example.vn","oldCode":"000.00.00.H37"}]}"#
    );
    assert_eq!(
        list(open.body(&of("getAgenciesListQD20", LEVEL, b"")).await),
        r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"","data":[{"id":"H37","code":"H37","name":"UBND t\u1ec9nh","mail":"a@example.vn","code102":"000.00.00.H37"}]}"#
    );
    assert_eq!(
        list(open.body(&of("getSynchronizeUnit", DELETE, b"")).await),
        r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"","data":[{"id":"H37","pid":"","code":"H37","name":"UBND t\u1ec9nh","mail":"a@example.vn","version":3,"centerCode":"H37","deleted":false,"modifyDate":"2026/09/21 21:13:20","isAgency":true},{"id":"H37.01","pid":"H37","code":"H37.01","name":"S\u1edf c\u0169","mail":"","version":3,"centerCode":"H37","deleted":true,"modifyDate":"2026/09/21 21:13:20","isAgency":true}]}"#
    );
    let waits = r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Da ghi nhan yeu cau, cho quan tri vien duyet","DocId":"","data":[]}"#;
    assert_eq!(open.body(&of("deleteAgency", DELETE, b"{}")).await, waits);
    assert_eq!(open.asked(), ["000.00.13.H53 from 127.0.0.1: Withdraw(99.99.99.G21)"]);
    // A document: 17 bytes and a line break, to some of its recipients.
    let sent = r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"01980000-0000-7000-8000-000000000001","data":[]}"#;
    assert_eq!(open.body(&of("sendEdoc", SEND, b"<edXML n=\"4893\"/>\r\n")).await, sent);
    assert_eq!(open.asked(), ["system H37.02 as H37.02 from H37.02 to H53.02+000.00.01.H27: <edXML n=\"4893\"/>"]);
    assert_eq!(open.body(&of("getReceivedEdocList", LIST, b"")).await, OK);
    assert_eq!(open.asked(), ["received Some(Document) None"]);
    let counted = r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"","count":7,"data":[]}"#;
    assert_eq!(open.body(&of("countReceiveEdoc", LIST, b"{}")).await, counted);
    // Its documents are not ours: none has such a name.
    assert_eq!(open.body(&of("updateStatus", MARK, b"{}")).await, NO_DOCUMENT);
    assert_eq!(open.body(&of("getEdoc", MARK, b"{}")).await, NO_DOCUMENT.replace("[]", "\"\""));
    assert_eq!(open.asked(), [""; 0]);
    let unavailable =
        r#"{"status":"FAIL","ErrorCode":"20","ErrorDesc":"Goi tin khong duoc tiep nhan","DocId":"","data":[]}"#;
    assert_eq!(open.body(&of("getSentEdocList", LIST, b"")).await, unavailable);
}

#[tokio::test]
async fn of_two_spellings_each_operation_takes_its_own() {
    let open = Open::with(Behind { content: b"<edXML/>".to_vec(), ..Behind::default() }).await;
    let (new, old) = ("01980000-0000-7000-8000-00000000000a", "01980000-0000-7000-8000-00000000000b");
    let ids = |operation: &str| own(operation, &[("docId", new), ("docid", old), ("status", "DONE")], b"{}");
    assert_eq!(
        open.body(&ids("getEdoc")).await,
        r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"01980000-0000-7000-8000-00000000000a","data":"PGVkWE1MLz4="}"#
    );
    assert_eq!(open.body(&ids("updateStatus")).await, OK);
    let raw = String::from_utf8(ids("downloadEdoc")).unwrap().replacen("POST", "GET", 1);
    let raw = open.ask(raw.as_bytes()).await;
    assert!(raw.starts_with("HTTP/1.1 200 OK\r\n") && raw.ends_with("\r\n\r\n<edXML/>"), "{raw}");
    let failed = own("downloadEdoc", &[("docId", "none")], b"");
    let failed = open.ask(String::from_utf8(failed).unwrap().replacen("POST", "GET", 1).as_bytes()).await;
    assert!(failed.starts_with("HTTP/1.1 404") && failed.ends_with(NO_DOCUMENT), "nobody stores the answer: {failed}");
    assert_eq!(open.asked(), [format!("read {new}"), format!("mark {old} Done"), format!("read {new}")]);
}

#[tokio::test]
async fn a_state_is_told_for_the_agency_that_is_named_and_not_for_those_of_an_earlier_packet() {
    let open = Open::with(Behind::default()).await;
    let (sent, of_sending) = ([("to", r#"["H53.02"]"#), ("from", "H37.02")], ("hash-file", "c3d4"));
    for (named, meant) in [
        (&[][..], ""),
        (&[("to", "H37.02")], " for H37.02"),
        (&[("TO", r#"["H37.02","H37.03"]"#)], " for H37.02 for H37.03"),
        (&[("AgencyCode", "H37.02")], " for H37.02"),
        (&[sent[0], sent[1], of_sending], ""),
        (&[sent[0], of_sending, ("AgencyCode", "H37.02")], " for H37.02"),
    ] {
        let parameters = [&[("docId", DOC_ID), ("status", "done")], named].concat();
        assert_eq!(open.body(&own("updateStatus", &parameters, b"{}")).await, OK, "{named:?}");
        let marks = meant.split(" for ").skip(1).map(|agency| format!("mark {DOC_ID} Done for {agency}"));
        let marks: Vec<String> = marks.collect();
        let all = vec![format!("mark {DOC_ID} Done")];
        assert_eq!(open.asked(), if marks.is_empty() { all } else { marks }, "{named:?}");
    }
    let unreadable = open.body(&own("updateStatus", &[("docId", DOC_ID), ("status", "done"), ("to", "?")], b"")).await;
    assert!(unreadable.contains(r#""ErrorCode":"18""#), "{unreadable}");
    assert_eq!(open.asked(), [""; 0]);
}

/// The log of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_which_part_of_a_callers_proof_was_wrong_and_the_answer_does_not() {
    let (log, limits) =
        (Log::default(), Limits { max_age: Some(std::time::Duration::from_secs(600)), ..Limits::default() });
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || written.clone()).with_ansi(false).finish();
    let _until_the_end = tracing::subscriber::set_default(subscriber);
    let open = Open::with_limits(Behind::default(), limits).await;
    let call = |system: &str, secret: &[u8], timestamp: &str| {
        let signed = sign(&[("systemid", system), ("timestamp", timestamp)], &Secret::new(secret));
        let fields: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("POST /vxp/countReceiveEdoc HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n")
    };
    let now = "21092026T211320+0000";
    let unsigned = call("H37.02", b"demo-secret", now).replace("XroadVnpt-hash-header", "X-other");
    let nameless = call("", b"demo-secret", now);
    for (request, answer, system, why) in [
        (unsigned, NOT_SIGNED, "", "not rightly signed: a header of the signature is missing"),
        (nameless, NOT_SIGNED, "", "not rightly signed: no system is named"),
        (call("H37.99", b"demo-secret", now), NOT_SIGNED, "H37.99", "unknown system"),
        (call("H37.02", b"other", now), NOT_SIGNED, "H37.02", "wrong signature"),
        (call("H37.03", b"demo-secret", now), NOT_SIGNED, "H37.03", "address not allowed"),
        (call("H37.02", b"demo-secret", "01102026T080000+0007"), "", "H37.02", "stale"),
        (call("H37.02", b"demo-secret", ""), "", "H37.02", "stale"),
    ] {
        let answered = open.body(request.as_bytes()).await;
        assert!(answered.contains(r#""ErrorCode":"15""#) && (answer.is_empty() || answered == answer), "{answered}");
        let lines = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
        let told: Vec<&str> = lines.lines().filter(|line| line.contains("answered with code 15")).collect();
        assert_eq!(told.len(), 1, "{lines}");
        assert!(told[0].contains(&format!("why={why}")) && told[0].contains(&format!("system={system:?}")), "{lines}");
        assert!(told[0].contains("operation=\"countReceiveEdoc\"") && !lines.contains("demo-secret"), "{lines}");
    }
    assert!(open.body(call("H37.02", b"demo-secret", now).as_bytes()).await.contains(r#""count":7"#));
}

#[tokio::test]
async fn what_is_not_rightly_signed_or_comes_from_elsewhere_does_nothing_and_is_answered_alike() {
    let open = Open::with(Behind::default()).await;
    let (keys, text, tag) = SEND;
    let file = b"<edXML n=\"4893\"/>\r\n";
    let wrong = |keys: &str, text: &str, tag: &str, more: &str| request("sendEdoc", keys, text, tag, more, file);
    for (request, why) in [
        (wrong(keys, text, &tag.replace('6', "7"), ""), "another signature"),
        (wrong(keys, text, "", ""), "none"),
        (wrong(keys, &text.replace("H37.02", "H37.03"), tag, ""), "another system"),
        (wrong(keys, &text.replace(",\"X", ", \"X"), tag, ""), "written again"),
        (wrong("systemid", text, tag, ""), "another list of names"),
        (wrong(keys, text, tag, "XroadVnpt-to: [\"H53.02\"]\r\n"), "another plain header"),
        (wrong(keys, text, tag, "XroadVnpt-status: done\r\n"), "one more plain header"),
        (
            b"POST /vxp/sendEdoc HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            "no headers",
        ),
    ] {
        assert_eq!(open.body(&request).await, NOT_SIGNED, "{why}");
    }
    let elsewhere = sign(&[("systemid", "H37.03")], &Secret::new(b"demo-secret"));
    let fields: String = elsewhere.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("POST /vxp/getReceivedEdocList HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
    assert_eq!(open.body(request.as_bytes()).await, NOT_SIGNED, "an address that is not its own");
    // The rightly signed request with another body.
    let other = open.body(&of("sendEdoc", SEND, b"<edXML n=\"4894\"/>\r\n")).await;
    assert!(other.starts_with(r#"{"status":"FAIL","ErrorCode":"21","#), "{other}");
    assert_eq!(open.asked(), [""; 0]);
    // What is no request of this protocol at all is told so in its form.
    for path in ["/", "/vxp", "/vxp/", "/other/sendEdoc", "/vxp/GetEdoc"] {
        let answer =
            open.body(format!("POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(answer, NO_DOCUMENT.replace("Khong co van ban nay", "Khong co chuc nang nay"), "{path}");
    }
}

#[tokio::test]
async fn a_request_that_comes_again_for_days_is_answered_again_unless_an_operator_wants_otherwise() {
    let open = Open::with(Behind::default()).await;
    for _ in 0..3 {
        assert_eq!(open.body(&of("getReceivedEdocList", LIST, b"")).await, OK);
    }
    let limits = Limits { max_age: Some(std::time::Duration::from_secs(600)), ..Limits::default() };
    let strict = Open::with_limits(Behind::default(), limits).await;
    let old = strict.body(&of("getReceivedEdocList", LIST, b"")).await;
    assert!(old.contains(r#""ErrorCode":"15""#) && old.contains("timestamp"), "{old}");
    let parameters = [("systemid", "H37.02"), ("timestamp", "21092026T211500+0000")];
    let signed = sign(&parameters, &Secret::new(b"older"));
    let fields: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("POST //vxp//getReceivedEdocList HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
    assert_eq!(strict.body(request.as_bytes()).await, OK);
}

#[tokio::test]
async fn a_long_list_of_agencies_comes_whole_or_not_at_all() {
    let codes: Vec<ListedAgency> = (10_000..11_234).map(|number| agency(&format!("H37.{number}"), "Thí dụ")).collect();
    let open = Open::with(Behind { agencies: codes.clone(), ..Behind::default() }).await;
    let answer = unchunked(&open.body(&of("getSynchronizeUnit", SYNC, b"")).await).unwrap();
    assert!(answer.is_ascii());
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let listed: Vec<&str> =
        answer["data"].as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(listed, codes.iter().map(|agency| agency.code.as_str()).collect::<Vec<_>>());
    // Pages of which nothing is shown leave no comma behind.
    let none = unchunked(&open.body(&of("getAgenciesListQD20", LEVEL, b"")).await).unwrap();
    assert_eq!(none, OK);
    let broken = Open::with(Behind { agencies: codes, breaks_at: Some(500), ..Behind::default() }).await;
    let answer = broken.ask(&of("getSynchronizeUnit", SYNC, b"")).await;
    let body = answer.split_once("\r\n\r\n").and_then(|(_, body)| unchunked(body));
    assert_eq!(body, None, "half a list is none");
    let broken = Open::with(Behind { breaks_at: Some(0), ..Behind::default() }).await;
    let answer = broken.body(&of("getSynchronizeUnit", SYNC, b"")).await;
    assert!(answer.starts_with(r#"{"status":"FAIL","ErrorCode":"20","#), "{answer}");
}

#[tokio::test]
async fn a_window_that_holds_too_much_shows_what_waits_and_not_what_came_first() {
    let item = |minute: i64, state| MailItem {
        id: ConsignmentId::fresh(),
        doc_id: DocId::fresh(),
        kind: MailKind::Document,
        document_id: None,
        from: "H37".parse().unwrap(),
        recipient: "H37.02".parse().unwrap(),
        subject: None,
        code: None,
        // 21/09/2026 21:13:20 in Vietnam.
        arrived_at: Instant::from_millis(1_790_000_000_000 + minute * 60_000),
        updated_at: Instant::from_millis(1_790_000_000_000),
        state,
    };
    let (done, waits) = (TransportState::Done, TransportState::Initial);
    let mail = vec![item(0, done), item(1, done), item(2, waits), item(3, done), item(4, waits), item(60, waits)];
    let open =
        Open::with_limits(Behind { mail, ..Behind::default() }, Limits { max_list: 4, ..Limits::default() }).await;
    let times = async |from: &str, to: &str| -> Vec<String> {
        // Headers have names without regard to letters: what a client signs as it likes is not a list without a window.
        let window = [("messagetype", "edoc"), ("fromdate", from), ("ToDate", to)];
        let answer: Value = serde_json::from_str(&open.body(&own("getReceivedEdocList", &window, b"")).await).unwrap();
        answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["created_time"].as_str().unwrap()[11..].to_owned())
            .collect()
    };
    assert_eq!(times("21/09/2026 21:13:20", "21/09/2026 21:15:20").await, ["21:13:20", "21:14:20", "21:15:20"]);
    assert_eq!(times("21/09/2026 21:13:20", "21/09/2026 21:17:20").await, ["21:15:20", "21:17:20"]);
    assert_eq!(times("21/09/2026", "").await, ["21:15:20", "21:17:20", "22:13:20"]);
}
