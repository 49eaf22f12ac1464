//! No document's content, subject or file names, no password, secret, token or key stands in the log or among the
//! metrics, however much is logged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use lienthong::acts::{Actor, Kind};
use lienthong::clock::SystemClock;
use lienthong::config::{Arriving, Config, Outlet, SentBytes, System, Xroad};
use lienthong::console::access::hashed;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene;
use lienthong::store::console::{Effect, NewAccount, Role};
use lienthong_contract::Clock;
use lienthong_contract::door::ConsignmentState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use support::letters::{Signed, letter, sign};
use support::world::{inbox, keys, traced};
use support::{eventually, folder};

const CONTENT: &str = "DauNoiDung7391";
const SUBJECT: &str = "DauTrichYeu7391";
const FILE: &str = "DauTepTin7391";
const BROKEN: &str = "DauGoiHong7391";
const SECRET: &str = "DauBiMat7391DauBiMat7391";
const WRONG_SECRET: &str = "DauBiMatSai7391";
const TOKEN: &str = "DauTheTruyCap7391";
const PASSWORD: &str = "DauMatKhau7391 cau Long Bien";
const WRONG_PASSWORD: &str = "DauMatKhauSai7391";

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Lays the log into memory.
struct Kept;

impl Write for Kept {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A gateway with a security server before and behind it, and a console.
fn configuration(manifest: &Manifest, folder: &Path, hop: &str, other: SocketAddr) -> Config {
    let mut config = scene::configuration(manifest, hop, &folder.join(hop), None).unwrap();
    config.link.clear();
    let mut directory: toml::Table = std::fs::read_to_string(manifest.directory_file()).unwrap().parse().unwrap();
    for agency in directory["agency"].as_array_mut().unwrap() {
        if agency["hop"].as_str() != Some(hop) {
            agency["hop"] = "beyond".into();
        }
    }
    config.directory.file = folder.join(format!("{hop}-agencies.toml"));
    std::fs::write(&config.directory.file, toml::to_string(&directory).unwrap()).unwrap();
    config.delivery.longest_pause_seconds = 1;
    let secret_file = folder.join(format!("{hop}.secret"));
    std::fs::write(&secret_file, SECRET).unwrap();
    config.system = vec![System {
        id: "security-server".to_owned(),
        secret_file,
        second_secret_file: None,
        agencies: vec!["X00".parse().unwrap()],
        networks: vec!["127.0.0.0/8".to_owned()],
    }];
    let settings = [
        ("address", format!("http://{other}")),
        ("service", "/api/lienthong/v1".to_owned()),
        ("client", format!("CS/GOV/{hop}/lienthong")),
        ("organ", "CS:GOV:{code}:lienthong".to_owned()),
    ];
    config.outlet = vec![Outlet {
        name: "beyond".parse().unwrap(),
        adapter: "xroad".to_owned(),
        settings: settings.map(|(key, value)| (key.to_owned(), value)).into(),
        system: Vec::new(),
        bytes: SentBytes::Original,
        prefixes: Vec::new(),
        default: true,
        report_days: None,
        relay_hours: None,
        urgent_relay_hours: None,
        arriving: Arriving::Signed,
    }];
    config.xroad = Some(Xroad {
        outlet: "beyond".parse().unwrap(),
        system: "security-server".to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        certificate: None,
        key: None,
        plain_http: true,
        paths: vec!["/".to_owned()],
        max_packet_mib: 8,
        requests_per_second: 1000,
        request_burst: 1000,
        requests_at_once: 32,
    });
    config.console = Some(scene::console());
    config.check().unwrap();
    config
}

/// Posts in the clear; gives the answer's status and its whole text.
async fn post(to: SocketAddr, path: &str, head: &str, body: &[u8]) -> (u16, String) {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n{head}Content-Length: {length}\r\n\r\n");
    let mut tcp = TcpStream::connect(to).await.unwrap();
    tcp.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// Somebody signs in: rightly, with a wrong password, and with the password where the name belongs.
async fn signs_in(gateway: &Gateway) {
    let desk = gateway.desk.as_ref().unwrap();
    let new = NewAccount {
        name: "admin".to_owned(),
        full_name: "Người Thí Dụ".to_owned(),
        role: Role::Administrator,
        agency: None,
        password: hashed(PASSWORD).unwrap(),
        created_at: SystemClock.now(),
    };
    let effects = vec![Effect::AddAccount(Box::new(new))];
    desk.record(&Actor::alone("test"), (Kind::AddAccount, "admin"), None, Vec::new(), effects).await.unwrap();
    let tries =
        [("admin", PASSWORD, 303), ("admin", WRONG_PASSWORD, 0), ("nobody", WRONG_PASSWORD, 0), (PASSWORD, "x", 0)];
    for (name, password, expected) in tries {
        let form = [("name", name), ("password", password), ("number", "")];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let at = gateway.console_address.unwrap();
        let (status, page) = post(at, "/sign-in", kind, body.as_bytes()).await;
        assert_eq!(status == 303, expected == 303, "{name}: {page}");
    }
}

/// A marker as it is, as a form and as base64 would carry it.
fn disguises(marker: &str) -> Vec<String> {
    let mut all = vec![marker.to_owned(), marker.replace(' ', "+"), marker.replace(' ', "%20")];
    // What stands before it shifts its bits; the ends, which mix with the neighbours, are cut off.
    for shift in 0..3_usize {
        let text = base64_simd::STANDARD.encode_to_string(format!("{}{marker}", "x".repeat(shift)));
        all.push(text[4..text.len() - 4].to_owned());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_document_and_no_secret_stands_in_the_log_or_the_metrics() {
    const NEW: &str = "/api/lienthong/v1/document/edocs/new";
    let filter = tracing_subscriber::EnvFilter::new("debug,lienthong=trace");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Kept).with_ansi(false).init();

    let folder = folder();
    let manifest = keys(folder.path(), false);
    let start = async |hop: &str, other: SocketAddr| {
        let config = configuration(&manifest, folder.path(), hop, other);
        Gateway::start(&config, &Hub::new(), Arc::new(SystemClock)).await.unwrap()
    };
    let b = start("province-b", "127.0.0.1:9".parse().unwrap()).await;
    let a = start("province-a", b.xroad_address.unwrap()).await;
    let agency =
        |code: &str, at: &Gateway| scene::agency(&manifest, code, at.address, 1, Arc::new(SystemClock)).unwrap();
    let (sender, near, far) = (agency("H37.90", &a), agency("H37.91", &a), agency("H49.90", &b));

    // Accepted, laid into a mailbox, sent through the outlet and taken in beyond it.
    let pdf = format!("%PDF-1.4\n% {CONTENT}\n%%EOF\n");
    let mut letter = letter("H37.90", &["H37.91", "H49.90"], 1, pdf.as_bytes());
    letter.subject = SUBJECT;
    let packet = String::from_utf8(letter.packet().unwrap()).unwrap();
    assert!(packet.contains(".pdf"), "a file has a name");
    let packet = packet.replace(".pdf", &format!("-{FILE}.pdf"));
    let signed: Signed = sign(packet.as_bytes(), &sender.files);
    let submission = sender.client.submit(&signed.packet(), None).await.unwrap();
    for recipient in [&near, &far] {
        let item = eventually("the letter", async || inbox(recipient).await.unwrap().into_iter().next()).await;
        let mut content = Vec::new();
        recipient.client.content(item.id, &mut content).await.unwrap();
        assert_eq!(content, signed.bytes);
    }
    traced(&sender, submission.doc_id, "it went out", |trace| {
        trace.consignments.iter().any(|one| one.state == ConsignmentState::PassedOutside)
    })
    .await;

    // Refused: changed after signing, no XML, a declaration that is not allowed, an unknown element.
    let text = String::from_utf8(signed.bytes.to_vec()).unwrap();
    let refused = [
        text.replace(SUBJECT, &format!("{SUBJECT} {BROKEN}")),
        BROKEN.to_owned(),
        format!("<!DOCTYPE {BROKEN} [<!ENTITY {BROKEN} \"{BROKEN}\">]><a>{BROKEN}</a>"),
        format!("<{BROKEN} {BROKEN}=\"{BROKEN}\">{BROKEN}</{BROKEN}>"),
    ];
    for packet in refused {
        assert!(sender.client.submit(&Signed::new(packet.into_bytes()).packet(), None).await.is_err());
    }
    let door = b.xroad_address.unwrap();
    let form = format!(
        "--bd\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{FILE}.edxml\"\r\n\r\n{BROKEN}\r\n--bd--\r\n"
    );
    let basic = |secret| base64_simd::STANDARD.encode_to_string(format!("security-server:{secret}"));
    let shown = [
        (format!("Authorization: Basic {}\r\n", basic(SECRET)), 400),
        (format!("Authorization: Basic {}\r\n", basic(WRONG_SECRET)), 401),
        (format!("Authorization: Bearer {TOKEN}\r\n"), 401),
    ];
    for (head, expected) in shown {
        let head = format!("{head}Content-Type: multipart/form-data; boundary=bd\r\n");
        let (status, answer) = post(door, NEW, &head, form.as_bytes()).await;
        assert_eq!(status, expected, "{answer}");
    }
    signs_in(&a).await;

    let metrics = [a.metrics.text(), b.metrics.text()].concat();
    assert!(metrics.contains("lienthong_ready"), "{metrics}");
    a.stop().await;
    b.stop().await;
    tracing::trace!(target: "lienthong::probe", "the last line");
    tracing::debug!(target: "elsewhere", "of another crate");
    let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
    for line in ["TRACE lienthong::probe: the last line", "DEBUG elsewhere: of another crate"] {
        assert!(log.contains(line), "everything is logged: {line}");
    }
    // What was done here is told, and by its own names.
    assert!(log.lines().any(|line| line.contains(" lienthong::") && !line.contains("::probe")), "{log}");

    let mut markers: Vec<String> =
        [CONTENT, SUBJECT, FILE, BROKEN, SECRET, WRONG_SECRET, TOKEN, PASSWORD, WRONG_PASSWORD]
            .into_iter()
            .flat_map(disguises)
            .collect();
    for key in [&sender.files.sign_key, &sender.files.client_key] {
        let pem = std::fs::read_to_string(key).unwrap();
        markers.push(pem.lines().nth(1).unwrap().to_owned());
    }
    for marker in markers {
        assert!(marker.len() >= 8, "{marker}");
        let told: Vec<&str> = log.lines().filter(|line| line.contains(&marker)).take(5).collect();
        assert!(told.is_empty(), "{marker} stands in the log: {told:#?}");
        assert!(!metrics.contains(&marker), "{marker} stands among the metrics");
    }
}
