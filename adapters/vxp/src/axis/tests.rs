#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64_simd::STANDARD;
use futures_util::StreamExt;
use lienthong_contract::door::{ConsignmentRef, Refusal, RefusalCause, Submission, Upload};
use lienthong_contract::outlet::{
    Awaited, Body, Entrance, Fetched, News, OutsideAgency, Report, Reports, Roll, Rolled, Sight, Taken, Watch,
};
use lienthong_contract::{ConsignmentId, DocId, HopName, Instant};
use lienthong_door_kit::outbound::Waits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::arriving::{Arrivals, Mail};
use super::attend::Round;
use super::reports::Asked;
use super::*;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::from_millis(1_790_000_000_000)
    }
}

/// One request as the axis got it.
#[derive(Debug, Clone)]
struct Request {
    operation: String,
    parameters: HashMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(&format!("xroadvnpt-{name}")).map(String::as_str).unwrap_or_default()
    }
}

type Manner = dyn Fn(&Request, usize) -> String + Send + Sync;

/// An axis that answers by a script: it is given a request and how many of its operation came before.
struct Script {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Script {
    async fn new(manner: impl Fn(&Request, usize) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, manner): (Arc<Mutex<Vec<Request>>>, Arc<Manner>) = (Arc::default(), Arc::new(manner));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut tcp, _) = listener.accept().await.unwrap();
                let (requests, manner) = (Arc::clone(&kept), Arc::clone(&manner));
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    while !read.ends_with(b"\r\n\r\n") {
                        read.push(tcp.read_u8().await.unwrap());
                    }
                    let head = String::from_utf8(read).unwrap();
                    let mut lines = head.lines();
                    let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
                    let fields = lines.filter_map(|line| line.split_once(": "));
                    let parameters: HashMap<String, String> =
                        fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
                    let mut body = vec![0; parameters["content-length"].parse().unwrap()];
                    tcp.read_exact(&mut body).await.unwrap();
                    let operation = target.trim_start_matches("/axis/").to_owned();
                    let request = Request { operation, parameters, body };
                    let before = {
                        let mut requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
                        let before = requests.iter().filter(|one| one.operation == request.operation).count();
                        requests.push(request.clone());
                        before
                    };
                    let _ = tcp.write_all(manner(&request, before).as_bytes()).await;
                });
            }
        });
        Self { port, requests }
    }

    fn axis(&self) -> Axis {
        let account = |id: &str, agencies: &[&str]| {
            let secrets = vec![Secret::new(b"new secret"), Secret::new(b"secret")];
            let agencies = agencies.iter().map(|code| code.parse().unwrap()).collect();
            Arc::new(Account::new(id.to_owned(), secrets, agencies).kept_in(format!("secret_file {id}.secret")))
        };
        let settings = Settings {
            hash: HashForm::Unpadded,
            documents_every: Duration::from_millis(10),
            statuses_every: Duration::from_millis(10),
            reports_every: Duration::from_millis(10),
            agencies_every: None,
        };
        let address = format!("http://127.0.0.1:{}/axis", self.port);
        let make = move || {
            let caller = Caller::new(&address, None, Waits::default()).unwrap();
            let accounts = vec![account("H37.02", &["H37.02"]), account("H37", &["000.00.90.H37"])];
            Ok(Way { caller, accounts })
        };
        Axis::new(make().unwrap(), Arc::new(make), settings, Arc::new(Still))
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn count(&self, operation: &str) -> usize {
        self.requests().iter().filter(|request| request.operation == operation).count()
    }

    /// Acknowledgements, in order.
    fn acknowledged(&self) -> Vec<(String, String)> {
        let updates = self.requests().into_iter().filter(|request| request.operation == "updateStatus");
        updates.map(|one| (one.parameter("docid").to_owned(), one.parameter("status").to_owned())).collect()
    }
}

fn http(status: &str, media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn json(body: &str) -> String {
    http("200 OK", "application/json;charset=UTF-8", body)
}

fn said(code: u8, words: &str, doc_id: &str) -> String {
    let status = if code == 0 { "OK" } else { "FAIL" };
    json(&format!(r#"{{"status":"{status}","ErrorCode":"{code}","ErrorDesc":"{words}","DocId":"{doc_id}","data":[]}}"#))
}

fn html() -> String {
    http("502 Bad Gateway", "text/html", "<html><h1>502 Bad Gateway</h1></html>")
}

fn nulls() -> String {
    json(r#"{"status":null,"ErrorCode":null,"ErrorDesc":null,"DocId":null,"data":null}"#)
}

const PACKET: &[u8] = b"<edXML n=\"4893\"/>";

fn packet(from: &str) -> OutgoingPacket {
    let recipient = |code: &str| ConsignmentRef { id: ConsignmentId::fresh(), recipient: code.parse().unwrap() };
    OutgoingPacket {
        doc_id: DocId::fresh(),
        digest: Digest::of(PACKET),
        sent: None,
        size: PACKET.len() as u64,
        is_status: false,
        document_id: None,
        business_type: 0,
        from: from.parse().unwrap(),
        recipients: vec![recipient("H53.02"), recipient("H27.01")],
        urgent: false,
        again: false,
        body: Body::Bytes(Bytes::from_static(PACKET)),
    }
}

#[tokio::test]
async fn a_packet_is_sent_as_the_sdk_sends_it_and_by_who_speaks_for_its_sender() {
    let script = Script::new(|_, _| said(0, "Thanh cong", "0123456789abcdef01234567")).await;
    let axis = script.axis();
    let taken =
        Taken { id: "0123456789abcdef01234567".to_owned(), sent: None, answer: Some("0 Thanh cong".to_owned()) };
    assert_eq!(axis.send(packet("H37.90")).await, Outcome::Taken(taken));
    let requests = script.requests();
    let request = &requests[0];
    assert_eq!(
        (request.operation.as_str(), request.body.as_slice()),
        ("sendEdoc", [PACKET, b"\r\n"].concat().as_slice())
    );
    for (name, value) in [
        ("systemid", "H37"),
        ("from", "H37.90"),
        ("messagetype", "edoc"),
        ("to", r#"["H53.02","H27.01"]"#),
        // The form without leading zeros, of the bytes without what stands behind them.
        ("hash-file", "c3d433dd6c7540c9bd22e63415476154c11997d73480d0a97ef96cc89a"),
    ] {
        assert_eq!(request.parameter(name), value, "{name}");
    }
    assert!(request.parameter("sign-header").contains(r#""XroadVnpt-from":"H37.90""#));
    // Of what is sent, where the gateway wrote the packet anew.
    let (digest, sent) = (Digest::of(b"the original"), Some(Digest::of(PACKET)));
    axis.send(OutgoingPacket { digest, sent, ..packet("H37.90") }).await;
    assert_eq!(script.requests()[1].parameter("hash-file"), request.parameter("hash-file"));

    let nobody = axis.send(packet("H37.91")).await;
    assert!(matches!(&nobody, Outcome::NotNow { why } if why.contains("H37.91")), "{nobody:?}");
    assert_eq!(script.count("sendEdoc"), 2);
}

#[tokio::test]
async fn only_a_whole_answer_says_what_became_of_a_packet() {
    use Outcome::{NotNow, NotSent, Refused, Unknown};
    let answers = [
        html(),
        nulls(),
        json("{}"),
        json(r#"{"status":"OK","ErrorCode":"20","ErrorDesc":"?","DocId":"x","data":[]}"#),
        http(
            "202 Accepted",
            "application/json",
            r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"x","data":[]}"#,
        ),
        "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"status\":".to_owned(),
        String::new(),
        said(20, "Loi he thong", ""),
        said(99, "gi do", ""),
    ];
    let unclear = answers.len();
    let more = [
        // Asked with each of both secrets.
        said(15, "Sai systemid", ""),
        said(15, "Sai systemid", ""),
        // A wrong base path is an administrator's business, a wrong request the packet's.
        said(10, "Khong co chuc nang nay", ""),
        said(10, "Goi tin khong hop le", ""),
        said(18, "Don vi nhan khong ton tai: 000.00.01.H27.", ""),
        said(23, "Don vi nhan bi khoa", ""),
        said(19, "Don vi gui H37.02 khong dung", ""),
        said(22, "khong dung QCVN", ""),
    ];
    let script = Script::new(move |_, before| answers.iter().chain(&more).nth(before).unwrap().clone()).await;
    let axis = script.axis();
    for number in 0..unclear {
        let outcome = axis.send(packet("H37.02")).await;
        assert!(matches!(outcome, Unknown { .. }), "{number}: {outcome:?}");
    }
    // One account is not let in; there is another one, which may be.
    assert!(matches!(axis.send(packet("H37.02")).await, NotNow { .. }));
    assert!(matches!(axis.send(packet("H37.02")).await, NotSent { .. }));
    assert!(matches!(axis.send(packet("H37.02")).await, Refused(_)));
    let mut refused = Vec::new();
    for _ in 0..4 {
        let Refused(turned) = axis.send(packet("H37.02")).await else { panic!("refused") };
        let recipients: Vec<String> = turned.recipients.iter().map(ToString::to_string).collect();
        refused.push((turned.code, recipients.concat()));
    }
    let expected = [("18", "H27.01"), ("23", ""), ("19", ""), ("22", "")];
    assert_eq!(refused, expected.map(|(code, recipients)| (code.to_owned(), recipients.to_owned())));
}

#[tokio::test]
async fn that_a_repeated_packet_is_there_already_does_not_say_that_it_was_refused() {
    let script = Script::new(|_, before| match before % 2 {
        0 => said(22, "DocumentId da ton tai voi noi dung khac [LT-INT-0007]", ""),
        _ => said(22, "khong dung QCVN", ""),
    })
    .await;
    let axis = script.axis();
    for (again, named_unknown) in [(true, true), (true, false), (false, false)] {
        let outcome = axis.send(OutgoingPacket { again, ..packet("H37.02") }).await;
        assert_eq!(matches!(outcome, Outcome::Unknown { .. }), named_unknown, "{again} {outcome:?}");
    }
}

#[tokio::test]
async fn a_packet_that_the_axis_cannot_process_is_tried_five_times() {
    let script = Script::new(|_, _| said(21, "Loi xu ly file", "")).await;
    let axis = script.axis();
    for _ in 0..2 {
        for _ in 0..4 {
            assert!(matches!(axis.send(packet("H37.02")).await, Outcome::Unknown { .. }));
        }
        assert!(matches!(axis.send(packet("H37.02")).await, Outcome::Refused(_)));
    }
}

/// A gateway that takes what is a packet.
#[derive(Default)]
struct Gateway {
    taken: Mutex<Vec<(String, Vec<u8>)>>,
    awaited: Mutex<Vec<Awaited>>,
    reported: Mutex<Vec<Report>>,
    listed: Mutex<Vec<OutsideAgency>>,
    seen: Mutex<Vec<(String, Sight)>>,
}

#[async_trait]
impl Roll for Gateway {
    async fn list(&self, _: &HopName, agencies: Vec<OutsideAgency>) -> Result<Rolled, Refusal> {
        let changed = agencies.len();
        *self.listed.lock().unwrap() = agencies;
        Ok(Rolled::Kept { changed })
    }
}

#[async_trait]
impl Entrance for Gateway {
    async fn enter(&self, _: &HopName, fetched: Fetched, mut upload: Upload) -> Result<Submission, Refusal> {
        let refused = |cause| Err(Refusal { cause, findings: Vec::new(), receipt: None });
        let mut bytes = Vec::new();
        while let Some(piece) = upload.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(_) => return refused(RefusalCause::Incomplete),
            }
            // Known to be none before all of it is here.
            if bytes.starts_with(b"!") {
                return refused(RefusalCause::BadPacket);
            }
        }
        match bytes.as_slice() {
            b"<unlisted/>" => return refused(RefusalCause::Forbidden),
            b"<huge/>" => return refused(RefusalCause::TooLarge),
            b"<conflict/>" => return refused(RefusalCause::Conflict),
            bytes if !bytes.starts_with(b"<") => return refused(RefusalCause::BadPacket),
            _ => {}
        }
        let digest = Digest::of(&bytes);
        self.taken.lock().unwrap().push((fetched.id, bytes));
        let (receipt, consignments, findings) = (String::new(), Vec::new(), Vec::new());
        Ok(Submission { doc_id: DocId::fresh(), digest, receipt, consignments, findings, duplicate: false })
    }
}

#[async_trait]
impl Reports for Gateway {
    async fn awaited(&self, _: &HopName, after: i64, limit: usize) -> Result<Vec<Awaited>, Refusal> {
        let awaited = self.awaited.lock().unwrap();
        Ok(awaited.iter().filter(|one| one.place > after).take(limit).cloned().collect())
    }

    async fn report(&self, _: &HopName, report: Report) -> Result<usize, Refusal> {
        self.awaited
            .lock()
            .unwrap()
            .retain(|one| one.id != report.id || Some(&one.recipient) != report.recipient.as_ref());
        self.reported.lock().unwrap().push(report);
        Ok(1)
    }
}

impl Watch for Gateway {
    fn looked(&self, _: &HopName, what: &str, sight: Sight) {
        self.seen.lock().unwrap().push((what.to_owned(), sight));
    }
}

fn inside(gateway: &Arc<Gateway>) -> Inside {
    let (reports, entrance, roll) = (Arc::clone(gateway) as _, Arc::clone(gateway) as _, Arc::clone(gateway) as _);
    let watch = Arc::clone(gateway) as _;
    Inside { outlet: "axis".parse().unwrap(), reports, entrance, roll, watch }
}

fn list(rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(doc_id, status)| {
        format!(r#"{{"docId":"{doc_id}","from":"G09","to":"H37.02","created_time":"2026/10/01 08:00:00","status":"{status}"}}"#)
    });
    let rows = rows.collect::<Vec<_>>().join(",");
    json(&format!(r#"{{"status":"SUCCESS","ErrorCode":0,"ErrorDesc":"Thanh cong","DocId":"","data":[{rows}]}}"#))
}

fn content(bytes: &[u8]) -> String {
    content_of("", bytes)
}

fn content_of(doc_id: &str, bytes: &[u8]) -> String {
    let data = STANDARD.encode_to_string(bytes);
    json(&format!(r#"{{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","DocId":"{doc_id}","data":"{data}"}}"#))
}

#[tokio::test]
async fn what_the_axis_has_is_acknowledged_when_it_is_here_and_given_back_when_it_can_never_be() {
    let script = Script::new(|request, before| match (request.operation.as_str(), request.parameter("docid")) {
        ("getReceivedEdocList", _) => list(&[
            ("gone", "done"),
            ("a", "initial"),
            ("a", "initial"),
            ("bad", "INITIAL"),
            ("clash", ""),
            ("c", "processing"),
        ]),
        // Once an error page, once an answer without its packet.
        ("getEdoc", "a") if before == 0 => html(),
        ("getEdoc", "a") if before == 1 => nulls(),
        ("getEdoc", "bad") => content(b"no packet"),
        ("getEdoc", "clash") => content(b"<conflict/>"),
        ("getEdoc", _) => content(PACKET),
        ("updateStatus", "c") => said(10, "khong duoc", ""),
        _ => said(0, "Thanh cong", ""),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    let mut arrivals = Arrivals::new(&axis.0, &inside, "H37.02".to_owned(), Mail::Documents);
    assert_eq!(arrivals.round().await, Round::More);
    let told = |words: &[(&str, &str)]| {
        words.iter().map(|(doc_id, status)| ((*doc_id).to_owned(), (*status).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(script.acknowledged(), told(&[("a", "done"), ("bad", "fail"), ("c", "done")]));
    let taken = |id: &str| (id.to_owned(), PACKET.to_vec());
    assert_eq!(*gateway.taken.lock().unwrap(), [taken("a"), taken("c")]);
    // The axis goes on listing them: they are told again and not fetched again, and what clashed is left alone.
    let fetches = script.count("getEdoc");
    assert_eq!(arrivals.round().await, Round::Finished);
    assert_eq!((script.count("getEdoc"), script.acknowledged().len()), (fetches, 6));
}

#[tokio::test]
async fn a_list_of_very_many_documents_is_read_and_an_answer_about_another_of_them_is_none() {
    let script = Script::new(|request, _| match (request.operation.as_str(), request.parameter("docid")) {
        ("getReceivedEdocList", _) => {
            let names: Vec<String> = (0..50_000).map(|number| format!("0123456789abcdef{number:08}")).collect();
            let ended = names.iter().map(|name| (name.as_str(), "done"));
            let rows: Vec<(&str, &str)> = ended.chain([("a", "initial"), ("b", "initial"), ("c", "initial")]).collect();
            let list = list(&rows);
            assert!(list.len() > MAX_LIST);
            list
        }
        // The axis gives an id of its own to each answer, or mixes two documents up.
        ("getEdoc", "a") => content_of("4893", PACKET),
        ("getEdoc", "b") => content_of("c", PACKET),
        ("getEdoc", _) => content(PACKET),
        _ => said(0, "Thanh cong", ""),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    let mut arrivals = Arrivals::new(&axis.0, &inside, "H37.02".to_owned(), Mail::Documents);
    assert_eq!(arrivals.round().await, Round::More);
    let told = [("a", "done"), ("c", "done")].map(|(doc_id, status)| (doc_id.to_owned(), status.to_owned()));
    assert_eq!(script.acknowledged(), told);
    let taken: Vec<String> = gateway.taken.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(taken, ["a", "c"]);
}

#[tokio::test]
async fn only_the_packets_own_fault_is_told_for_good_and_only_of_a_whole_answer() {
    let half = |bytes: &[u8]| {
        let data = STANDARD.encode_to_string(bytes);
        let begun = format!(r#"{{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":"{data}"#);
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{begun}")
    };
    let script = Script::new(move |request, _| match (request.operation.as_str(), request.parameter("docid")) {
        ("getReceivedEdocList", _) => {
            list(&["unlisted", "early", "half", "a", "huge"].map(|doc_id| (doc_id, "initial")))
        }
        ("getEdoc", "early") => content(b"! no packet at all"),
        // The same, but the line breaks.
        ("getEdoc", "half") => half(b"! no packet at all"),
        ("getEdoc", "unlisted") => content(b"<unlisted/>"),
        ("getEdoc", "huge") => content(b"<huge/>"),
        ("getEdoc", _) => content(PACKET),
        _ => said(0, "Thanh cong", ""),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    let mut arrivals = Arrivals::new(&axis.0, &inside, "H37.02".to_owned(), Mail::Documents);
    assert_eq!(arrivals.round().await, Round::More);
    let told = [("early", "fail"), ("a", "done")].map(|(doc_id, status)| (doc_id.to_owned(), status.to_owned()));
    assert_eq!(script.acknowledged(), told);
    assert_eq!(arrivals.left(), 2, "what is not taken as things stand stays outside and is counted");
    assert_eq!(arrivals.round().await, Round::Finished);
    assert_eq!(arrivals.left(), 2);
}

#[tokio::test]
async fn who_looks_after_the_gateway_hears_how_each_look_went() {
    let looks = AtomicUsize::new(0);
    let script = Script::new(move |request, _| match (request.operation.as_str(), request.parameter("messagetype")) {
        ("getReceivedEdocList", "edoc")
            if request.parameter("systemid") == "H37.02" && looks.fetch_add(1, Ordering::Relaxed) < 3 =>
        {
            said(15, "Sai khoa", "")
        }
        ("getReceivedEdocList", _) => list(&[]),
        _ => json(r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":[]}"#),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    let seen = async {
        loop {
            let seen = gateway.seen.lock().unwrap().clone();
            let of = |what: &str| {
                seen.iter().filter(|(of, _)| of == what).map(|(_, sight)| sight.clone()).collect::<Vec<_>>()
            };
            let (documents, statuses) = (of("edoc of H37.02"), of("status of H37.02"));
            if documents.iter().any(|sight| sight.trouble.is_none()) && !statuses.is_empty() {
                return (documents, statuses);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (documents, statuses) = tokio::select! {
        () = super::attend::attend(&axis.0, &inside) => panic!("it ended"),
        seen = seen => seen,
    };
    assert!(
        documents[0]
            .trouble
            .as_deref()
            .is_some_and(|why| why.contains("15 Sai khoa (systemid H37.02, secret_file H37.02.secret)")),
        "{documents:?}"
    );
    assert_eq!(documents.last(), Some(&Sight::default()));
    assert_eq!(statuses[0], Sight::default());
}

#[tokio::test]
async fn an_outage_is_no_empty_mailbox_and_nothing_is_acknowledged_in_it() {
    let several = [("a", "initial"), ("b", "initial"), ("c", "initial"), ("d", "initial")];
    for (answer, operation) in [
        (html(), "getReceivedEdocList"),
        (nulls(), "getReceivedEdocList"),
        (said(20, "Loi he thong", ""), "getReceivedEdocList"),
        (said(15, "Sai khoa", ""), "getReceivedEdocList"),
        (json(r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":""}"#), "getReceivedEdocList"),
        (html(), "getEdoc"),
        (said(20, "Loi he thong", ""), "getEdoc"),
        (json(r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":""}"#), "getEdoc"),
        (json(r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":"PGVk"#), "getEdoc"),
    ] {
        let shown = format!("{operation}: {answer}");
        let script =
            Script::new(move |request, _| if request.operation == operation { answer.clone() } else { list(&several) })
                .await;
        let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
        let inside = inside(&gateway);
        let mut arrivals = Arrivals::new(&axis.0, &inside, "H37.02".to_owned(), Mail::Statuses);
        assert!(matches!(arrivals.round().await, Round::BrokeOff(_)), "{shown}");
        assert!(gateway.taken.lock().unwrap().is_empty() && script.acknowledged().is_empty(), "{shown}");
        let list = &script.requests()[0];
        assert_eq!((list.parameter("messagetype"), list.parameter("systemid")), ("status", "H37.02"));
    }
}

#[tokio::test]
async fn what_became_of_each_recipients_copy_is_reported_once() {
    let script = Script::new(|request, _| match request.parameter("docid") {
        "one" => json(
            r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":[
            {"docId":"one","toCode":"H53.02","sendStatus":"done","receiveStatus":"done","receiveStatusDesc":"Da nhan"},
            {"docId":"one","toCode":"000.00.01.H27","sendStatus":"done","receiveStatus":"fail","receiveStatusDesc":"sai"},
            {"docId":"one","toCode":"G09.01","sendStatus":"done","receiveStatus":"initial"}]}"#,
        ),
        "unknown" => said(10, "Khong co van ban nay", ""),
        _ => json(r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":[{"to":"","sendStatus":"FAIL"}]}"#),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let awaited = |id: &str, from: &str, recipient: &str, place| {
        let (from, recipient) = (from.parse().unwrap(), recipient.parse().unwrap());
        let recipients = if id == "one" { 3 } else { 1 };
        Awaited { id: id.to_owned(), from, recipient, recipients, is_status: place == 6, place }
    };
    *gateway.awaited.lock().unwrap() = vec![
        awaited("one", "H37.02", "H53.02", 1),
        awaited("one", "H37.02", "H27.01", 2),
        awaited("one", "H37.02", "G09.01", 3),
        awaited("unknown", "H37.90", "G09.01", 4),
        awaited("nobody's", "H37.77", "G09.01", 5),
        awaited("lost", "H37.90", "G09.01", 6),
    ];
    let inside = inside(&gateway);
    let mut asked = Asked::new(&axis.0, &inside);
    for _ in 0..2 {
        assert_eq!(asked.round().await, Round::Finished);
    }
    let reported = gateway.reported.lock().unwrap();
    let reported: Vec<(&str, &str, News)> = reported
        .iter()
        .map(|report| (report.id.as_str(), report.recipient.as_ref().unwrap().as_str(), report.news))
        .collect();
    let expected =
        [("one", "H53.02", News::Received), ("one", "H27.01", News::Refused), ("lost", "G09.01", News::Undeliverable)];
    assert_eq!(reported, expected);
    let requests = script.requests();
    let of = |doc_id: &str| requests.iter().filter(|one| one.parameter("docid") == doc_id).collect::<Vec<_>>();
    assert_eq!((of("one").len(), of("nobody's").len(), of("lost").len()), (2, 0, 1));
    assert_eq!((of("lost")[0].parameter("messagetype"), of("lost")[0].parameter("systemid")), ("status", "H37"));
}

#[tokio::test]
async fn a_document_that_nothing_can_be_done_about_stops_no_other() {
    let script = Script::new(|request, _| match (request.operation.as_str(), request.parameter("docid")) {
        ("getReceivedEdocList", _) => list(&["stuck", "a", "stuck too", "b", "unheard", "c"].map(|id| (id, "initial"))),
        ("getEdoc", "stuck") => html(),
        ("updateStatus", "unheard") => nulls(),
        ("getEdoc", _) => content(PACKET),
        ("getSentEdocList", "x" | "z") => html(),
        ("getSentEdocList", _) => json(
            r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":[{"to":"","receiveStatus":"done"}]}"#,
        ),
        _ => said(0, "Thanh cong", ""),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    let mut arrivals = Arrivals::new(&axis.0, &inside, "H37.02".to_owned(), Mail::Documents);
    assert_eq!(arrivals.round().await, Round::More);
    let taken: Vec<String> = gateway.taken.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
    // "stuck too" is no name.
    assert_eq!(taken, ["a", "b", "unheard", "c"]);

    let awaited = |id: &str, place| Awaited {
        id: id.to_owned(),
        from: "H37.02".parse().unwrap(),
        recipient: "G09".parse().unwrap(),
        recipients: 1,
        is_status: false,
        place,
    };
    *gateway.awaited.lock().unwrap() = vec![awaited("x", 1), awaited("y", 2), awaited("z", 3), awaited("w", 4)];
    let mut asked = Asked::new(&axis.0, &inside);
    assert_eq!(asked.round().await, Round::Finished);
    let reported: Vec<String> = gateway.reported.lock().unwrap().iter().map(|report| report.id.clone()).collect();
    assert_eq!(reported, ["y", "w"]);
    // Where nothing can be done about anything, the round ends.
    let all = (1..=5).map(|place| Awaited {
        from: "H37.90".parse().unwrap(),
        ..awaited(if place % 2 == 0 { "x" } else { "z" }, place)
    });
    *gateway.awaited.lock().unwrap() = all.collect();
    assert!(matches!(Asked::new(&axis.0, &inside).round().await, Round::BrokeOff(_)));
}

#[tokio::test]
async fn while_a_secret_is_exchanged_the_one_that_the_axis_takes_is_used() {
    let script = Script::new(|request, _| {
        let tag = Secret::new(b"secret").sign(request.parameter("sign-header").as_bytes());
        let good = request.parameter("hash-header") == crate::wire::hash::hex(tag.as_ref());
        match request.operation.as_str() {
            _ if !good => said(15, "Sai systemid hoac secret", ""),
            "getReceivedEdocList" => list(&[("a", "initial")]),
            "getEdoc" => content(PACKET),
            _ => said(0, "Thanh cong", "0123456789abcdef01234567"),
        }
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    for _ in 0..2 {
        assert!(matches!(axis.send(packet("H37.02")).await, Outcome::Taken(_)));
    }
    assert_eq!(script.count("sendEdoc"), 3, "the second call begins with what was taken");
    // Read again, the first one is tried first; also where the answer is a stream.
    axis.reload().unwrap();
    let inside = inside(&gateway);
    let mut arrivals = Arrivals::new(&axis.0, &inside, "H37.02".to_owned(), Mail::Documents);
    let item = arrivals.round().await;
    assert_eq!((item, gateway.taken.lock().unwrap().len()), (Round::More, 1));
}

#[tokio::test]
async fn the_list_of_agencies_is_the_one_that_the_axis_has_and_never_half_of_it() {
    let rows = r#"[{"id":"1","code":"G09","name":"a"},{"id":"2","code":"H49","name":"b"}]"#;
    let whole = format!(r#"{{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":{rows}}}"#);
    let answers = [said(10, "khong co chuc nang", ""), html(), nulls(), html()];
    let script = Script::new(move |request, before| match request.operation.as_str() {
        // It knows the old list alone, and the first calls of that fail.
        "getSynchronizeUnit" => answers[0].clone(),
        _ => answers.get(before + 1).cloned().unwrap_or_else(|| json(&whole)),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    assert!(matches!(roll::round(&axis.0, &inside).await, Round::BrokeOff(_)));
    assert!(gateway.listed.lock().unwrap().is_empty());
    assert_eq!(roll::round(&axis.0, &inside).await, Round::Finished);
    assert_eq!(gateway.listed.lock().unwrap().len(), 2);
    assert_eq!((script.count("getSynchronizeUnit"), script.count("getAgenciesList")), (2, 4));
}

#[tokio::test]
async fn a_few_that_nothing_can_be_done_about_stand_before_the_rest_once() {
    let script = Script::new(|request, _| match (request.operation.as_str(), request.parameter("docid")) {
        ("getReceivedEdocList", _) => list(&["p1", "p2", "p3", "good"].map(|id| (id, "initial"))),
        ("getEdoc", "p1" | "p2" | "p3") => said(21, "Loi xu ly file", ""),
        ("getEdoc", _) => content(PACKET),
        _ => said(0, "Thanh cong", ""),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    let mut arrivals = Arrivals::new(&axis.0, &inside, "H37.02".to_owned(), Mail::Documents);
    for _ in 0..2 {
        assert!(matches!(arrivals.round().await, Round::BrokeOff(_)));
    }
    assert_eq!(gateway.taken.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_that_is_not_let_in_keeps_no_other_from_being_asked() {
    let script = Script::new(|request, _| match (request.operation.as_str(), request.parameter("systemid")) {
        ("getSentEdocList", "H37.02") => said(15, "Sai systemid hoac secret", ""),
        _ => json(
            r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":[{"to":"","receiveStatus":"done"}]}"#,
        ),
    })
    .await;
    let (axis, gateway) = (script.axis(), Arc::new(Gateway::default()));
    let inside = inside(&gateway);
    *gateway.awaited.lock().unwrap() = (1..=31)
        .map(|place| Awaited {
            id: format!("d{place}"),
            from: if place == 31 { "H37.90" } else { "H37.02" }.parse().unwrap(),
            recipient: "G09".parse().unwrap(),
            recipients: 1,
            is_status: false,
            place,
        })
        .collect();
    assert_eq!(Asked::new(&axis.0, &inside).round().await, Round::Finished);
    assert_eq!(gateway.reported.lock().unwrap().len(), 1);
}
