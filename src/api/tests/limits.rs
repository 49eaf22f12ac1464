//! Every limit is reached, and reaching it is told.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::doubles::{ENDLESS, consignment};
use super::{Event, House, Limits, SHORT, Who, packet, soon};

const ONE: NonZeroU32 = NonZeroU32::MIN;

#[tokio::test]
async fn a_head_that_dribbles_is_ended_with_408_and_an_unused_connection_silently() {
    let house = House::with(Limits { head: SHORT, ..Limits::default() }).await;
    let mut slow = house.dial(Who::Sender).await;
    slow.send(b"GET /v1/inbox HTTP/1.1\r\nhost: l").await;
    let answer = slow.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "LT-API-0008"));

    let mut unused = house.dial(Who::Sender).await;
    assert_eq!(unused.rest().await, b"", "a word here would be taken for the answer to the next request");
}

#[tokio::test]
async fn what_is_not_http_or_has_too_large_a_head_is_told_so() {
    let house = House::with(Limits { max_head_bytes: 2048, max_header_fields: 8, ..Limits::default() }).await;
    let mut rubbish = house.dial(Who::Sender).await;
    rubbish.send(b"\x16\x03\x01 what is this\r\n\r\n").await;
    let answer = rubbish.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "LT-API-0009"));

    let large = house.ask(Who::Sender, &format!("GET /v1/inbox\r\nx-large: {}", "x".repeat(3000)), b"").await;
    assert_eq!((large.status, large.code().as_str()), (431, "LT-API-0009"));
    let many = house.ask(Who::Sender, &format!("GET /v1/inbox{}", "\r\nx-many: 1".repeat(9)), b"").await;
    assert_eq!((many.status, many.code().as_str()), (431, "LT-API-0009"));
    let huge = house.ask(Who::Sender, &format!("GET /v1/inbox\r\nx-large: {}", "x".repeat(100_000)), b"").await;
    assert_eq!((huge.status, huge.code().as_str()), (431, "LT-API-0009"), "the HTTP layer's own limit");
}

#[tokio::test]
async fn a_body_that_stops_is_ended_with_408_and_the_intake_sees_it_broken() {
    let house = House::with(Limits { body_idle: SHORT, ..Limits::default() }).await;
    let mut slow = house.dial(Who::Sender).await;
    slow.head("POST /v1/packets\r\ncontent-length: 100").await;
    slow.send(b"<xml>").await;
    let answer = slow.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "LT-API-0006"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(house.desk.events(), [Event::Began, Event::Broken(ErrorKind::TimedOut)]);

    let mut slow = house.dial(Who::Sender).await;
    slow.head(&format!("POST /v1/inbox/{}/ack\r\ncontent-length: 100", consignment(1))).await;
    assert_eq!(slow.answer().await.status, 408);
}

#[tokio::test]
async fn a_body_that_keeps_dribbling_is_ended_too() {
    let house = House::with(Limits {
        body_grace: SHORT,
        min_bytes_per_second: u32::MAX,
        max_packet_bytes: 1 << 40,
        ..Limits::default()
    })
    .await;
    let slow = house.dial(Who::Sender).await;
    let (mut read, mut write) = tokio::io::split(slow.0);
    let head = b"POST /v1/packets HTTP/1.1\r\nhost: l\r\ncontent-length: 1000000000\r\n\r\n";
    write.write_all(head).await.unwrap();
    let dribble = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() && write.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut status = [0; 12];
    soon("the refusal", read.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 408");
    dribble.abort();
}

#[tokio::test]
async fn a_packet_above_the_limit_is_refused_before_or_while_it_is_read() {
    let house = House::with(Limits { max_packet_bytes: 10, ..Limits::default() }).await;
    let mut raw = house.dial(Who::Sender).await;
    raw.head("POST /v1/packets\r\nexpect: 100-continue\r\ncontent-length: 11").await;
    let announced = raw.answer().await;
    assert_eq!((announced.status, announced.code().as_str()), (413, "LT-API-0005"));
    assert!(house.desk.events().is_empty(), "not a byte was asked for");

    let chunked = "POST /v1/packets\r\ntransfer-encoding: chunked";
    let grown = house.ask(Who::Sender, chunked, b"6\r\n<xml/>\r\n6\r\n<xml/>\r\n0\r\n\r\n").await;
    assert_eq!((grown.status, grown.code().as_str()), (413, "LT-API-0005"));
    assert_eq!(house.desk.events().last(), Some(&Event::Broken(ErrorKind::FileTooLarge)));
    let fits = house.ask(Who::Sender, chunked, b"a\r\n<xml></xml\r\n0\r\n\r\n").await;
    assert_eq!(fits.status, 201);

    let reason = format!("{{\"verdict\":\"refuse\",\"reason\":\"{}\"}}", "x".repeat(17_000));
    let head = format!("POST /v1/inbox/{}/ack\r\ncontent-length: {}", consignment(1), reason.len());
    assert_eq!(house.ask(Who::Sender, &head, reason.as_bytes()).await.status, 413);
}

#[tokio::test]
async fn a_refusal_reaches_a_sender_that_reads_only_after_it_has_sent_everything() {
    let house = House::with(Limits { max_packet_bytes: 10, ..Limits::default() }).await;
    let mut raw = house.dial(Who::Sender).await;
    raw.head("POST /v1/packets\r\ncontent-length: 8000000").await;
    raw.send(&vec![b'x'; 8_000_000]).await;
    assert_eq!(raw.answer().await.status, 413);
}

#[tokio::test]
async fn a_broken_upload_reaches_the_intake_as_an_error() {
    let house = House::open().await;
    for end in ["content-length: 100\r\n\r\n<xml>", "transfer-encoding: chunked\r\n\r\n5\r\n<xml>\r\n"] {
        let mut raw = house.dial(Who::Sender).await;
        raw.send(format!("POST /v1/packets HTTP/1.1\r\nhost: l\r\n{end}").as_bytes()).await;
        assert_eq!(house.desk.event().await, Event::Began);
        drop(raw);
        assert_eq!(house.desk.event().await, Event::Broken(ErrorKind::UnexpectedEof));
    }
}

#[tokio::test]
async fn a_caller_above_its_rate_is_told_when_to_come_back() {
    let limits = Limits { requests_per_second: ONE, request_burst: ONE.saturating_add(1), ..Limits::default() };
    let house = House::with(limits).await;
    let client = house.client();
    let mut refused = None;
    for _ in 0..50 {
        refused = refused.or(client.inbox(None, None, None).await.err());
    }
    let error = refused.expect("fifty requests at once are more than two");
    assert_eq!(
        error.problem().map(|problem| (problem.status, problem.findings[0].code.as_str())),
        Some((429, "LT-API-0003"))
    );
    assert!(error.retry_after().is_some_and(|wait| wait >= Duration::from_secs(1)));
    assert_eq!(house.ask(Who::Nobody, "GET /health/live", b"").await.status, 200);
}

#[tokio::test]
async fn a_caller_has_only_so_many_uploads_at_once() {
    let house = House::with(Limits { uploads_per_caller: 1, ..Limits::default() }).await;
    let mut first = house.dial(Who::Sender).await;
    first.head("POST /v1/packets\r\nconnection: close\r\ncontent-length: 6").await;
    first.send(b"<xml").await;
    assert_eq!(house.desk.event().await, Event::Began);
    let second = house.client().submit(&packet("<b/>"), None).await.unwrap_err();
    assert_eq!(second.problem().map(|problem| problem.findings[0].code.as_str()), Some("LT-API-0004"));
    first.send(b"/>").await;
    assert_eq!(first.answer().await.status, 201);
    house.client().submit(&packet("<b/>"), None).await.unwrap();
}

#[tokio::test]
async fn more_certificates_than_can_be_accounted_for_are_asked_to_wait() {
    let house = House::with(Limits { max_callers: 0, ..Limits::default() }).await;
    let answer = house.ask(Who::Sender, "GET /v1/inbox", b"").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "LT-API-0017"));
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_let_go() {
    let house = House::with(Limits { handshake: SHORT, ..Limits::default() }).await;
    let mut silent = TcpStream::connect(house.address).await.unwrap();
    assert_eq!(soon("the end", silent.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_let_go() {
    let house = House::with(Limits { write_stall: SHORT, ..Limits::default() }).await;
    let mut raw = house.dial(Who::Sender).await;
    raw.head(&format!("GET /v1/inbox/{}/content", consignment(ENDLESS))).await;
    assert_eq!(house.desk.event().await, Event::LetGo);
}

#[tokio::test]
async fn connections_above_the_limit_wait_for_a_place() {
    let house = House::with(Limits { max_connections: 1, ..Limits::default() }).await;
    let first = house.dial(Who::Sender).await;
    let mut second = TcpStream::connect(house.address).await.unwrap();
    let waits = tokio::time::timeout(SHORT, second.read(&mut [0])).await;
    assert!(waits.is_err(), "it is not refused, and nothing is said to it");
    assert_eq!(house.met.load(std::sync::atomic::Ordering::SeqCst), 1);
    drop((first, second));
    assert_eq!(house.ask(Who::Nobody, "GET /health/live", b"").await.status, 200);
}
