//! Two provinces behind X-Road style security servers, each other's outlet: what one sends, the other's door takes in.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::config::{Arriving, Config, Outlet, System, Xroad};
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene::{self, Agency, status_packet};
use lienthong_contract::Clock;
use lienthong_contract::door::{ConsignmentState, Trace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use support::letters::{Signed, letter, sign};
use support::world::{inbox, keys, traced};
use support::{eventually, folder};

const SECRET: &str = "secret of the security server";

/// A gateway with the other one beyond its outlet, which it calls at this address.
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
        bytes: lienthong::config::SentBytes::Original,
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
    config.check().unwrap();
    config
}

/// The line to a gateway whose address is not known yet. It can lose answers.
async fn line(lose: usize) -> (SocketAddr, tokio::sync::watch::Sender<Option<SocketAddr>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::watch::channel(None::<SocketAddr>);
    tokio::spawn(async move {
        for number in 0.. {
            let (mut near, _) = listener.accept().await.unwrap();
            let Some(far) = *told.borrow() else { continue };
            tokio::spawn(async move {
                let mut far = TcpStream::connect(far).await.unwrap();
                if number < lose {
                    // The request goes through and its answer does not come back.
                    let (mut from, mut to) = near.split();
                    let (mut answer, mut request) = far.split();
                    let mut one = [0];
                    tokio::select! {
                        _ = tokio::io::copy(&mut from, &mut request) => {}
                        _ = answer.read_exact(&mut one) => {}
                    }
                    let _ = to.shutdown().await;
                    return;
                }
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, tell)
}

fn ended(trace: &Trace) -> BTreeMap<String, ConsignmentState> {
    trace.consignments.iter().map(|one| (one.recipient.to_string(), one.state)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_crosses_to_another_organisation_once_and_its_status_comes_back() {
    let folder = folder();
    let manifest = keys(folder.path(), false);
    let (to_b, tell_b) = line(3).await;
    let (to_a, tell_a) = line(1).await;
    let start = async |hop: &str, other| {
        let config = configuration(&manifest, folder.path(), hop, other);
        Gateway::start(&config, &Hub::new(), Arc::new(SystemClock)).await.unwrap()
    };
    let (a, b) = (start("province-a", to_b).await, start("province-b", to_a).await);
    tell_b.send(b.xroad_address).unwrap();
    tell_a.send(a.xroad_address).unwrap();
    let agency = |code: &str, at: &Gateway| -> Agency {
        scene::agency(&manifest, code, at.address, 1, Arc::new(SystemClock)).unwrap()
    };
    let signed = |from: &str, packet: &[u8]| -> Signed { sign(packet, &manifest.agency(from).unwrap()) };
    let (sender, recipient) = (agency("H37.90", &a), agency("H49.90", &b));

    // One recipient there, and one whom nobody there knows.
    let pdf = scene::example_pdf(500_000);
    let packet = signed("H37.90", &letter("H37.90", &["H49.90", "K77.90"], 1, &pdf).packet().unwrap());
    let submission = sender.client.submit(&packet.packet(), None).await.unwrap();
    let item = eventually("the letter", async || inbox(&recipient).await.unwrap().into_iter().next()).await;
    assert_eq!((item.digest, item.from.as_str()), (packet.digest, "H37.90"));
    let mut content = Vec::new();
    recipient.client.content(item.id, &mut content).await.unwrap();
    assert_eq!(content, packet.bytes);
    let trace =
        traced(&sender, submission.doc_id, "its ends", |trace| ended(trace).values().all(|state| state.is_terminal()))
            .await;
    // The other gateway takes a packet for those whom it reaches, so nobody there says of the second that he is unknown.
    let states = ended(&trace);
    assert_eq!(states["H49.90"], ConsignmentState::PassedOutside, "{states:?}");
    let told = trace.consignments.iter().find(|one| one.recipient.as_str() == "H49.90").unwrap();
    let receipt = told.receipts.last().unwrap();
    assert_eq!(receipt.event, "RelayToNonERDS");
    let outside = receipt.outside.clone().unwrap();
    assert_eq!((outside.id, outside.answer.as_deref()), (Some(item.doc_id.to_string()), Some("Thanh cong")));
    let there = recipient.client.trace(item.doc_id).await.unwrap();
    let entered = there.submission.as_ref().unwrap();
    assert_eq!(entered.event, "ReceivedFromNonERDS");
    let words = entered.outside.as_ref().unwrap().answer.clone().unwrap();
    assert_eq!(words, "X-Road-Client CS/GOV/province-a/lienthong; from CS:GOV:H37.90:lienthong");

    let name = trace.document_id.clone().unwrap();
    let status = status_packet("H49.90", "H37.90", &name, "03", None, SystemClock.now()).unwrap();
    recipient.client.submit(&signed("H49.90", &status).packet(), None).await.unwrap();
    traced(&sender, submission.doc_id, "the status", |trace| {
        trace.consignments.iter().any(|one| one.current.as_ref().is_some_and(|status| status.code == "03"))
    })
    .await;
    // Answers were lost on the way, and nothing was doubled.
    assert_eq!(inbox(&recipient).await.unwrap().len(), 1);
    assert_eq!(inbox(&sender).await.unwrap().len(), 1);
    a.stop().await;
    b.stop().await;
}

/// What the door answers to these bytes.
async fn ask(address: SocketAddr, request: &[u8]) -> (u16, serde_json::Value) {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json;charset=UTF-8"), "{head}");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn post(path: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn form(file: &[u8]) -> Vec<u8> {
    let head = "--bd\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.edxml\"\r\n\r\n";
    [head.as_bytes(), file, b"\r\n--bd--\r\n"].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_door_takes_packets_of_our_security_server_alone_and_answers_in_the_familys_form() {
    const NEW: &str = "/api/lienthong/v1/document/edocs/new";
    const FORM: &str = "Content-Type: multipart/form-data; boundary=bd\r\n";
    let folder = folder();
    let manifest = keys(folder.path(), false);
    let nowhere = "127.0.0.1:9".parse().unwrap();
    let mut config = configuration(&manifest, folder.path(), "province-b", nowhere);
    let start = async |config: &Config| Gateway::start(config, &Hub::new(), Arc::new(SystemClock)).await.unwrap();
    let gateway = start(&config).await;
    let address = gateway.xroad_address.unwrap();
    let pdf = scene::example_pdf(4000);
    let packet = letter("H37.90", &["H49.90"], 1, &pdf).packet().unwrap();
    let packet = sign(&packet, &manifest.agency("H37.90").unwrap());
    let whole = form(&packet.bytes);
    let (status, first) = ask(address, &post(NEW, FORM, &whole)).await;
    assert_eq!(
        (status, &first["status"], &first["ErrorCode"], &first["ErrorDesc"]),
        (201, &"OK".into(), &"0".into(), &"Thanh cong".into())
    );
    let again = ask(address, &post(NEW, &format!("X-Road-Id: other\r\n{FORM}"), &whole)).await;
    assert_eq!(again, (201, first), "the same bytes are the same document");

    let changed = String::from_utf8_lossy(&packet.bytes).replace("thí dụ", "thí  dụ").into_bytes();
    let of_ours = letter("H49.90", &["H49.90"], 2, &pdf).packet().unwrap();
    let of_ours = sign(&of_ours, &manifest.agency("H49.90").unwrap());
    let for_nobody = letter("H37.90", &["K77.90"], 3, &pdf).packet().unwrap();
    let for_nobody = sign(&for_nobody, &manifest.agency("H37.90").unwrap());
    let cut = &whole[..whole.len() - 4];
    let refused = [
        (NEW, FORM, form(&changed), 400),
        (NEW, FORM, form(b"no packet"), 400),
        (NEW, FORM, cut.to_vec(), 400),
        (NEW, FORM, form(&for_nobody.bytes), 403),
        (NEW, FORM, form(&of_ours.bytes), 403),
        (NEW, FORM, form(&vec![b'x'; 9 << 20]), 413),
        (NEW, "Content-Type: application/xml\r\n", packet.bytes.to_vec(), 400),
        ("/api/lienthong/v1/document/other/new", FORM, whole.clone(), 404),
        (
            NEW,
            &format!(
                "Authorization: Basic {}\r\n{FORM}",
                base64_simd::STANDARD.encode_to_string("security-server:wrong")
            ),
            whole.clone(),
            401,
        ),
        (NEW, &format!("Authorization: Bearer x\r\n{FORM}"), whole.clone(), 401),
    ]
    .map(|(path, head, body, status)| (post(path, head, &body), status));
    for (request, expected) in refused {
        let (status, json) = ask(address, &request).await;
        assert_eq!((status, &json["status"], &json["ErrorCode"]), (expected, &"FAILED".into(), &"-1".into()), "{json}");
        assert!(json["ErrorDesc"].as_str().is_some_and(|told| !told.is_empty() && told.is_ascii()), "{json}");
    }
    let right = base64_simd::STANDARD.encode_to_string(format!("security-server:{SECRET}"));
    let shown = format!("Authorization: Basic {right}\r\n{FORM}");
    assert_eq!(ask(address, &post(NEW, &shown, &whole)).await.0, 201);
    gateway.stop().await;

    // Without a network of its own nobody is let in by where he calls from; the secret still counts.
    config.system[0].networks.clear();
    let gateway = start(&config).await;
    let address = gateway.xroad_address.unwrap();
    assert_eq!(ask(address, &post(NEW, FORM, &whole)).await.0, 401);
    assert_eq!(ask(address, &post(NEW, &shown, &whole)).await.0, 201);
    gateway.stop().await;
}
