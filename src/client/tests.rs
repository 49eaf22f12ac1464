//! The client against the real interface, and against things that only look like one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;
use crate::api::Limits;
use crate::api::tests::doubles::{CUT, DAMAGED, PLAIN, consignment};
use crate::api::tests::{Event, House, SHORT, Who, packet, soon, tls};

type Served = TlsStream<TcpStream>;

/// Listens like a gateway; the test says what it answers, connection by connection.
async fn impostor<F, R>(answer: F) -> String
where
    F: Fn(usize, Served) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for number in 0.. {
            let (tcp, _) = listener.accept().await.unwrap();
            let stream = TlsAcceptor::from(tls::server()).accept(tcp).await.unwrap();
            tokio::spawn(answer(number, stream));
        }
    });
    format!("https://localhost:{port}")
}

async fn read_head(stream: &mut Served) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

async fn say(stream: &mut Served, media_type: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

fn to(address: &str, connections: usize) -> Client {
    let deadlines = Deadlines { stall: SHORT, ..Deadlines::default() };
    Client::with(address, &tls::client(Who::Sender, &[]), connections, deadlines).unwrap()
}

const EMPTY: &str = r#"{"items":[],"next":null}"#;

#[test]
fn only_the_address_of_a_gateway_is_taken() {
    let tls = tls::client(Who::Sender, &[]);
    for address in [
        "http://a.example",
        "https://",
        "a.example:443",
        "https://a.example/v1",
        "https://u:p@a.example",
        "https://a/?b",
    ] {
        assert!(matches!(Client::new(address, &tls), Err(ClientError::BadAddress(_))), "{address}");
    }
    for address in ["https://a.example", "https://127.0.0.1:8443/", "https://[::1]:8443"] {
        assert!(Client::new(address, &tls).is_ok(), "{address}");
    }
}

#[tokio::test]
async fn a_file_is_sent_whole_and_its_progress_is_told() {
    let house = House::open().await;
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let progress: Progress = {
        let told = Arc::clone(&told);
        Arc::new(move |sent, size| told.lock().unwrap().push((sent, size)))
    };
    let packet = Packet::File(file.path().to_owned());
    let submission = house.client().submit(&packet, Some(progress)).await.unwrap();
    assert_eq!(submission.digest, Digest::of(&bytes));
    let missing = Packet::File("/nonexistent".into());
    assert!(matches!(house.client().submit(&missing, None).await, Err(ClientError::Read(_))));
    let told = told.lock().unwrap();
    assert!(told.len() > 1 && told.is_sorted() && told.last() == Some(&(1_000_000, 1_000_000)), "{told:?}");
}

#[tokio::test]
async fn a_refusal_arrives_while_a_large_packet_is_still_being_sent() {
    let house = House::with(Limits { max_packet_bytes: 1000, ..Limits::default() }).await;
    let large = Packet::Bytes(Bytes::from(vec![b'x'; 32 * 1024 * 1024]));
    let refused = house.client().submit(&large, None).await.unwrap_err();
    assert_eq!(refused.problem().map(|problem| problem.findings[0].code.as_str()), Some("LT-API-0005"), "{refused:?}");
    assert_eq!(refused.retry_after(), None, "the same packet will not fit later");
}

#[tokio::test]
async fn many_requests_share_few_connections() {
    let house = House::open().await;
    let client = to(&house.url(), 3);
    let calls = (0..60).map(|number| {
        let client = client.clone();
        tokio::spawn(async move { client.submit(&packet(&format!("<p{number}/>")), None).await.unwrap().doc_id })
    });
    let mut ids = std::collections::HashSet::new();
    for call in calls.collect::<Vec<_>>() {
        ids.insert(call.await.unwrap());
    }
    assert_eq!(ids.len(), 60);
    assert!(house.met.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn a_call_on_a_kept_connection_that_broke_is_made_once_more() {
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let address = impostor(move |number, mut stream| {
        let count = Arc::clone(&count);
        async move {
            read_head(&mut stream).await;
            count.fetch_add(1, Ordering::SeqCst);
            if number < 2 {
                say(&mut stream, "application/json", EMPTY).await;
                read_head(&mut stream).await; // and closes without an answer
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let client = to(&address, 1);
    client.inbox(None, None, None).await.unwrap();
    client.inbox(None, None, None).await.unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 3, "the second call was made twice, the second time on a new connection");
    let error = client.inbox(None, None, None).await.unwrap_err();
    assert!(matches!(error, ClientError::Broken { step: Step::Sending, .. }), "{error:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 5, "once more, and no further");
}

#[tokio::test]
async fn an_empty_list_is_believed_from_a_gateway_only() {
    for (media_type, body) in [
        ("text/html", "<html>Bảo trì</html>"),
        ("text/html", EMPTY),
        ("application/json", "{}"),
        ("application/json", ""),
    ] {
        let address = impostor(move |_, mut stream| async move {
            read_head(&mut stream).await;
            say(&mut stream, media_type, body).await;
        })
        .await;
        let error = to(&address, 1).inbox(None, None, None).await.unwrap_err();
        assert!(matches!(error, ClientError::NotAGateway { status: 200, .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_says_nothing_is_not_waited_for() {
    let address = impostor(|_, mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let error = soon("the deadline", to(&address, 1).inbox(None, None, None)).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { step: Step::Sending, .. }), "{error:?}");

    let address = impostor(|_, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await.unwrap();
        stream.flush().await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let error = soon("the deadline", to(&address, 1).inbox(None, None, None)).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { step: Step::Receiving, .. }), "{error:?}");
    let nobody = to("https://localhost:1", 1).ready().await.unwrap_err();
    assert!(matches!(nobody, ClientError::Connect { .. }), "{nobody:?}");
}

#[tokio::test]
async fn a_damaged_or_cut_packet_is_never_taken_for_whole() {
    let house = House::open().await;
    let client = house.client();
    let mut bytes = Vec::new();
    let damaged = client.content(consignment(DAMAGED), &mut bytes).await.unwrap_err();
    assert!(matches!(damaged, ClientError::Damaged { .. }), "{damaged:?}");
    let cut = client.content(consignment(CUT), &mut bytes).await.unwrap_err();
    assert!(matches!(cut, ClientError::Broken { .. }), "{cut:?}");
    let missing = client.content(consignment(99), &mut bytes).await.unwrap_err();
    assert_eq!(missing.problem().map(|problem| problem.status), Some(404));
    bytes.clear();
    let whole = client.content(consignment(PLAIN), &mut bytes).await.unwrap();
    assert_eq!((whole.digest, whole.size), (Digest::of(&bytes), bytes.len() as u64));
}

#[tokio::test]
async fn an_acceptance_of_other_bytes_is_no_acceptance() {
    let house = House::open().await;
    let right = house.client().submit(&packet("<a/>"), None).await.unwrap();
    let answer = serde_json::to_string(&right).unwrap();
    let address = impostor(move |_, mut stream| {
        let answer = answer.clone();
        async move {
            read_head(&mut stream).await;
            stream.read_exact(&mut [0; 4]).await.unwrap();
            say(&mut stream, "application/json", &answer).await;
        }
    })
    .await;
    assert_eq!(to(&address, 1).submit(&packet("<a/>"), None).await.unwrap().doc_id, right.doc_id);
    let error = to(&address, 1).submit(&packet("<b/>"), None).await.unwrap_err();
    assert!(matches!(error, ClientError::Damaged { .. }), "{error:?}");
    assert_eq!(house.desk.event().await, Event::Began);
}
