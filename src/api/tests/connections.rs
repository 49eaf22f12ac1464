//! HTTP/2 beside HTTP/1.1, the age of connections, and the orderly stop.

use std::io::ErrorKind;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{Event, House, Limits, Problem, SHORT, Who, soon};

type Sender = SendRequest<Full<Bytes>>;

async fn h2(house: &House) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let tls = house.connect(Who::Sender, b"h2").await;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn request(method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    let uri = format!("https://localhost{path}");
    Request::builder().method(method).uri(uri).body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
}

async fn ask(sender: &mut Sender, method: &str, path: &str, body: &'static str) -> (Response<()>, Bytes) {
    let answer = soon("an answer", sender.send_request(request(method, path, body))).await.unwrap();
    let (parts, body) = answer.into_parts();
    (Response::from_parts(parts, ()), body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn http2_gives_the_same_answers() {
    let house = House::open().await;
    let (mut sender, _connection) = h2(&house).await;
    let (accepted, body) = ask(&mut sender, "POST", "/v1/packets", "<xml>").await;
    assert_eq!(accepted.status(), 201);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["duplicate"], false);
    assert_eq!(ask(&mut sender, "POST", "/v1/packets", "<xml>").await.0.status(), 200);
    for (method, path, status) in [("GET", "/nowhere", 404), ("DELETE", "/v1/inbox", 405), ("POST", "/v1/packets", 422)]
    {
        let (refused, body) = ask(&mut sender, method, path, "bad").await;
        assert_eq!(refused.status(), status);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        assert_eq!(serde_json::from_slice::<Problem>(&body).unwrap().instance, path);
    }
    let both = tokio::join!(sender.clone().send_request(request("GET", "/v1/inbox", "")), async {
        sender.clone().send_request(request("GET", "/v1/agencies", "")).await
    });
    assert_eq!((both.0.unwrap().status(), both.1.unwrap().status()), (hyper::StatusCode::OK, hyper::StatusCode::OK));
}

#[tokio::test]
async fn one_http2_connection_has_only_so_many_requests_at_once() {
    let house = House::with(Limits { max_streams: 1, ..Limits::default() }).await;
    let tls = house.connect(Who::Sender, b"h2").await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    let (feed, body) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let frames = futures_util::stream::unfold(body, |mut body| async move {
        let bytes = body.recv().await?;
        Some((Ok::<_, std::io::Error>(hyper::body::Frame::data(bytes)), body))
    });
    let post = Request::post("https://localhost/v1/packets");
    let upload = post.body(http_body_util::StreamBody::new(frames).boxed_unsync()).unwrap();
    let upload = tokio::spawn(sender.send_request(upload));
    feed.send(Bytes::from_static(b"<xml/>")).unwrap();
    assert_eq!(house.desk.event().await, Event::Began);
    let get = Request::get("https://localhost/v1/inbox");
    let none = http_body_util::Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
    let second = tokio::spawn(sender.send_request(get.body(none).unwrap()));
    tokio::time::sleep(SHORT).await;
    drop(feed);
    assert_eq!(soon("the first answer", upload).await.unwrap().unwrap().status(), 201);
    assert_eq!(soon("the second answer", second).await.unwrap().unwrap().status(), 200);
    let seen = house.desk.events();
    assert!(matches!(seen.as_slice(), [Event::Whole(6), Event::Listed(_)]), "{seen:?}");
}

#[tokio::test]
async fn an_http2_head_that_is_too_large_is_a_problem_too() {
    let house = House::with(Limits { max_head_bytes: 2048, ..Limits::default() }).await;
    let (mut sender, _connection) = h2(&house).await;
    let mut large = request("GET", "/v1/inbox", "");
    large.headers_mut().insert("x-large", "x".repeat(3000).parse().unwrap());
    let answer = soon("an answer", sender.send_request(large)).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (431, &"application/problem+json".parse().unwrap())
    );
}

#[tokio::test]
async fn an_http2_upload_that_stops_is_ended_with_408() {
    let house = House::with(Limits { body_idle: SHORT, ..Limits::default() }).await;
    let tls = house.connect(Who::Sender, b"h2").await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    let first =
        futures_util::stream::iter([Ok::<_, std::io::Error>(hyper::body::Frame::data(Bytes::from_static(b"<xml>")))]);
    let body = http_body_util::StreamBody::new(futures_util::StreamExt::chain(first, futures_util::stream::pending()));
    let upload = Request::post("https://localhost/v1/packets").body(body).unwrap();
    let answer = soon("the refusal", sender.send_request(upload)).await.unwrap();
    assert_eq!(answer.status(), 408);
    assert_eq!(house.desk.events(), [Event::Began, Event::Broken(ErrorKind::TimedOut)]);
}

#[tokio::test]
async fn an_old_connection_is_asked_to_end_after_its_requests() {
    let house = House::with(Limits { max_connection_age: SHORT, ..Limits::default() }).await;
    let (mut sender, connection) = h2(&house).await;
    assert_eq!(ask(&mut sender, "GET", "/v1/inbox", "").await.0.status(), 200);
    soon("the end of the h2 connection", connection).await.unwrap().unwrap();

    let mut upload = house.dial(Who::Sender).await;
    upload.head("POST /v1/packets\r\ncontent-length: 6").await;
    upload.send(b"<xml").await;
    while house.desk.event().await != Event::Began {}
    tokio::time::sleep(SHORT * 2).await;
    upload.send(b"/>").await;
    assert_eq!(upload.answer().await.status, 201, "and then the gateway closed, though it was not asked to");
}

#[tokio::test]
async fn a_request_on_an_old_connection_ends_some_time() {
    let house = House::with(Limits { max_connection_age: SHORT, longest_request: SHORT, ..Limits::default() }).await;
    let mut upload = house.dial(Who::Sender).await;
    upload.head("POST /v1/packets\r\ncontent-length: 6").await;
    upload.send(b"<xml").await;
    assert_eq!(house.desk.event().await, Event::Began);
    assert_eq!(house.desk.event().await, Event::Broken(ErrorKind::UnexpectedEof));
}

#[tokio::test]
async fn an_http2_connection_without_use_is_ended() {
    let house = House::with(Limits { head: SHORT, linger: SHORT, ..Limits::default() }).await;
    let (mut sender, connection) = h2(&house).await;
    assert_eq!(ask(&mut sender, "GET", "/v1/inbox", "").await.0.status(), 200);
    soon("the end of the connection", connection).await.unwrap().unwrap();
    // One that negotiates HTTP/2 and then says nothing at all.
    let mut silent = house.connect(Who::Sender, b"h2").await;
    soon("the end of the silent one", async { while silent.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {} })
        .await;
}

#[tokio::test]
async fn a_stop_lets_an_upload_in_progress_finish() {
    let house = House::open().await;
    let idle = house.dial(Who::Sender).await;
    let mut upload = house.dial(Who::Sender).await;
    upload.head("POST /v1/packets\r\ncontent-length: 6").await;
    upload.send(b"<xml").await;
    assert_eq!(house.desk.event().await, Event::Began);
    house.stop.cancel();
    soon("the listener's end", async {
        while TcpStream::connect(house.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    upload.send(b"/>").await;
    assert_eq!(upload.answer().await.status, 201);
    soon("the end of serving", house.served).await.unwrap().unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let house = House::with(Limits { drain: SHORT, ..Limits::default() }).await;
    let mut upload = house.dial(Who::Sender).await;
    upload.head("POST /v1/packets\r\ncontent-length: 6").await;
    upload.send(b"<xml").await;
    assert_eq!(house.desk.event().await, Event::Began);
    house.stop.cancel();
    soon("the end of serving", house.served).await.unwrap().unwrap();
    assert_eq!(house.desk.event().await, Event::Broken(ErrorKind::UnexpectedEof), "cut off is not accepted");
}

#[tokio::test]
async fn every_connection_asks_for_the_tls_configuration_in_force() {
    let house = House::open().await;
    for expected in 1..=3 {
        assert_eq!(house.ask(Who::Nobody, "GET /health/live", b"").await.status, 200);
        assert_eq!(house.met.load(std::sync::atomic::Ordering::SeqCst), expected);
    }
}
