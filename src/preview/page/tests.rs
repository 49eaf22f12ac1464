//! The page over real connections, by the bytes of its answers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::SystemClock;
use crate::edxml::tests::fixtures::{D2, PDF, base64, d1, d1_but};
use crate::rules::schema::Strictness;

struct World {
    address: SocketAddr,
    folder: tempfile::TempDir,
    stop: CancellationToken,
}

/// What came back: status, headers in lower case, body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl World {
    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { max_packet_bytes: 1 << 20, ..Limits::default() };
        let mut settings =
            Settings { limits, spool: folder.path().to_owned(), coming_in: 2, at_once: 1, per_minute: 1000 };
        change(&mut settings);
        let judge = Box::new(|| Judge::plain(Strictness::Strict).unwrap());
        let page = Arc::new(Page::new(judge, Arc::new(SystemClock), settings));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(lienthong_door_kit::serve(listener, None, page, stop.clone()));
        Self { address, folder, stop }
    }

    async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        Answer { status: head[9..12].parse().unwrap(), head, body: body.to_owned() }
    }

    async fn get(&self, target: &str, more: &str) -> Answer {
        self.raw(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n").as_bytes()).await
    }

    async fn post(&self, target: &str, more: &str, body: &str) -> Answer {
        let length = body.len();
        let head =
            format!("POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n");
        self.raw(&[head.as_bytes(), body.as_bytes()].concat()).await
    }

    /// Nothing of any packet is left.
    fn end(self) {
        assert_eq!(std::fs::read_dir(self.folder.path()).unwrap().count(), 0);
        self.stop.cancel();
    }
}

fn form_of(packet: &str) -> String {
    format!(
        "--x\r\nContent-Disposition: form-data; name=\"packet\"; filename=\"văn bản.edxml\"\r\n\
         Content-Type: application/xml\r\n\r\n{packet}\r\n--x--\r\n"
    )
}

const MULTIPART: &str = "Content-Type: multipart/form-data; boundary=x\r\n";
const JSON: &str = "Accept: application/json\r\n";

#[tokio::test]
async fn the_form_is_vietnamese_english_on_demand_and_loads_nothing_from_elsewhere() {
    let world = World::with(|_| {}).await;
    let vi = world.get("/check", "").await;
    assert_eq!(vi.status, 200);
    assert!(
        vi.body.contains("<html lang=\"vi\">") && vi.body.contains("<label for=\"packet\">Tệp gói tin"),
        "{}",
        vi.body
    );
    for (target, more) in [("/check?lang=en", ""), ("/check", "Accept-Language: en-US,vi;q=0.5\r\n")] {
        assert!(world.get(target, more).await.body.contains("<html lang=\"en\">"), "{target}");
    }
    assert!(world.get("/check?lang=vi", "Accept-Language: en\r\n").await.body.contains("<html lang=\"vi\">"));
    for header in
        ["content-security-policy: default-src 'none'", "cache-control: no-store", "x-content-type-options: nosniff"]
    {
        assert!(vi.head.contains(header), "{}", vi.head);
    }
    assert!(!vi.body.contains("http://") && !vi.body.contains("https://") && !vi.body.contains("<script"));
    assert!(world.get("/check/style.css", "").await.head.contains("text/css"));
    assert_eq!(world.get("/", "").await.status, 303);
    assert_eq!(world.get("/v1/packets", "").await.status, 404);
    assert_eq!(world.raw(b"DELETE /check HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.status, 405);
    world.end();
}

#[tokio::test]
async fn a_packet_is_judged_as_a_form_and_as_a_body_for_people_and_for_machines() {
    let world = World::with(|_| {}).await;
    let faulty = D2.replace("@BODY@", &base64(PDF));
    let page = world.post("/check", MULTIPART, &form_of(&faulty)).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("class=\"verdict refuse\"") && page.body.contains("dòng "), "{}", page.body);
    assert!(page.body.contains("Sửa tự động được") && page.body.contains("href=\"data:application/xml;base64,"));
    let told = world.post("/check", JSON, &faulty).await;
    assert!(told.head.contains("content-type: application/json"), "{}", told.head);
    let told: serde_json::Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!((&told["verdict"], &told["corrected"]["verdict"]), (&"refuse".into(), &"accept".into()));
    assert!(told["findings"][0]["fix_vi"].is_string() && told["corrected"]["mends"][0]["line"].is_number());
    let good = world.post("/check?lang=en", MULTIPART, &form_of(&d1())).await;
    assert!(good.body.contains("class=\"verdict accept\"") && good.body.contains("ACCEPT"), "{}", good.body);
    assert!(good.body.contains("Not looked at here") && good.body.contains("LT-INT-0008"), "{}", good.body);
    world.end();
}

#[tokio::test]
async fn the_corrected_packet_is_a_file_and_there_is_none_where_nothing_can_be_mended() {
    let world = World::with(|_| {}).await;
    let faulty = D2.replace("@BODY@", &base64(PDF));
    for (more, body) in [(MULTIPART, form_of(&faulty)), ("", faulty.clone())] {
        let file = world.post("/check/corrected", more, &body).await;
        assert_eq!(file.status, 200);
        assert!(file.head.contains("attachment; filename=\"corrected.edxml\""), "{}", file.head);
        let again = world.post("/check", JSON, &dechunked(&file)).await;
        let again: serde_json::Value = serde_json::from_str(&again.body).unwrap();
        assert_eq!((&again["verdict"], again["corrected"].is_null()), (&"accept".into(), true), "{again:#}");
    }
    assert_eq!(world.post("/check/corrected", "", &d1()).await.status, 422);
    world.end();
}

/// The body without the frame of chunks.
fn dechunked(answer: &Answer) -> String {
    if !answer.head.contains("transfer-encoding: chunked") {
        return answer.body.clone();
    }
    let (mut rest, mut whole) = (answer.body.as_bytes(), Vec::new());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return String::from_utf8(whole).unwrap();
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

#[tokio::test]
async fn what_a_packet_says_cannot_become_part_of_the_page() {
    let world = World::with(|_| {}).await;
    let sly = d1_but(
        "<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>\n</edXML:PromulgationInfo>",
        "<edXML:PromulgationDate>&lt;script&gt;alert(1)&lt;/script&gt;\"'</edXML:PromulgationDate>\n</edXML:PromulgationInfo>",
    );
    let page = world.post("/check", MULTIPART, &form_of(&sly)).await;
    assert!(page.body.contains("&lt;script&gt;alert(1)"), "{}", page.body);
    assert!(!page.body.contains("<script"), "{}", page.body);
    world.end();
}

#[tokio::test]
async fn secrets_are_refused_and_nothing_of_them_is_given_back() {
    let world = World::with(|_| {}).await;
    let secret = d1_but("<edXML:Subject>V/v", "<edXML:Subject>TUYỆT MẬT khu vực ba")
        .replace("edXML:Content>", "edXML:Content>  ");
    for more in [JSON, ""] {
        let told = world.post("/check", more, &secret).await;
        assert!(told.body.contains("LT-RUL-0060") && !told.body.contains("khu vực ba"), "{}", told.body);
        assert!(!told.body.contains("data:application/xml"));
    }
    assert_eq!(world.post("/check/corrected", "", &secret).await.status, 422);
    world.end();
}

#[tokio::test]
async fn every_limit_has_its_own_words() {
    let world = World::with(|settings| settings.limits.max_packet_bytes = 2000).await;
    let large = "x".repeat(3000);
    for (more, body, status) in [
        ("", large.as_str(), 413),
        ("", "", 400),
        (MULTIPART, "--x--\r\n", 400),
        (MULTIPART, "no form at all", 400),
        ("Content-Type: multipart/form-data\r\n", "<a/>", 400),
    ] {
        let page = world.post("/check", more, body).await;
        assert_eq!(page.status, status, "{more}{body}");
        assert!(page.body.contains("role=\"alert\""), "{}", page.body);
        let told = world.post("/check", &format!("{more}{JSON}"), body).await;
        let told: serde_json::Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!(told["status"], status);
    }
    // It is no XML: that is a judgement, and no fault of the request.
    assert_eq!(world.post("/check", "", "what is this").await.status, 200);
    world.end();

    let world = World::with(|settings| settings.per_minute = 1).await;
    let statuses = [
        world.post("/check", "", "<a/>").await.status,
        world.post("/check", "", "<a/>").await.status,
        world.post("/check", "", "<a/>").await.status,
    ];
    // A minute may have ended in between, once.
    assert!(statuses[0] == 200 && statuses[1..].contains(&429), "{statuses:?}");
    world.end();

    let world = World::with(|settings| settings.coming_in = 0).await;
    let busy = world.post("/check", "", "<a/>").await;
    assert_eq!((busy.status, busy.head.contains("retry-after: 60")), (503, true));
    world.end();
}
