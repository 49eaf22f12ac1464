#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;

/// A server that reads a request's head and body and does as told with the n-th one; gives what it read.
async fn server(
    does: impl Fn(usize) -> Does + Copy + Send + 'static,
) -> (u16, Arc<Mutex<Vec<Vec<u8>>>>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (requests, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (kept, counted) = (Arc::clone(&requests), Arc::clone(&connections));
    tokio::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let requests = Arc::clone(&kept);
            tokio::spawn(async move {
                while let Some(request) = request(&mut tcp).await {
                    let number = {
                        let mut requests = requests.lock().unwrap();
                        requests.push(request);
                        requests.len()
                    };
                    match does(number) {
                        Does::Answers(text) => tcp.write_all(text.as_bytes()).await.unwrap(),
                        Does::AnswersAndCloses(text) => return tcp.write_all(text.as_bytes()).await.unwrap(),
                        Does::Closes => return,
                    }
                }
            });
        }
    });
    (port, requests, connections)
}

enum Does {
    Answers(&'static str),
    AnswersAndCloses(&'static str),
    Closes,
}

async fn request(tcp: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(b"\r\n\r\n") {
        if tcp.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        read.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&read).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    tcp.read_exact(&mut body).await.ok()?;
    read.extend(body);
    Some(read)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn ask(load: Load) -> Ask<'static> {
    Ask { method: "POST", path: "/sendEdoc", headers: &[], load }
}

fn bytes(text: &'static str) -> Load {
    Load::Bytes(Bytes::from_static(text.as_bytes()))
}

fn caller(port: u16, waits: Waits) -> Caller {
    Caller::new(&format!("http://127.0.0.1:{port}/base/"), None, waits).unwrap()
}

#[tokio::test]
async fn calls_share_a_connection_and_say_the_length_of_a_file_with_what_stands_behind() {
    let (port, requests, connections) = server(|_| Does::Answers(OK)).await;
    let caller = caller(port, Waits::default());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = "x".repeat(CHUNK + 10);
    file.write_all(text.as_bytes()).unwrap();
    let load = Load::File {
        before: Bytes::from_static(b"<"),
        path: file.path().to_owned(),
        size: text.len() as u64,
        behind: Bytes::from_static(b"\r\n"),
    };
    for load in [bytes("{}"), load, bytes("")] {
        let answer = caller.call(ask(load)).await.unwrap();
        assert_eq!((answer.status, answer.whole(2).await.unwrap()), (200, Bytes::from_static(b"{}")));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let requests = requests.lock().unwrap();
    let second = String::from_utf8_lossy(&requests[1]);
    assert!(second.starts_with("POST /base/sendEdoc HTTP/1.1\r\nhost: 127.0.0.1:"), "{second:.80}");
    assert!(second.contains(&format!("content-length: {}\r\n", text.len() + 3)), "{second:.200}");
    assert!(second.ends_with("xx\r\n") && !second.contains("transfer-encoding"));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_no_call() {
    let (port, requests, connections) = server(|_| Does::AnswersAndCloses(OK)).await;
    let caller = caller(port, Waits::default());
    for _ in 0..20 {
        let answer = caller.call(ask(bytes("{}"))).await;
        // Where its end was not seen yet when the next call began, nobody can know; nothing else may come.
        match answer {
            Ok(answer) => drop(answer.whole(2).await.unwrap()),
            Err(failed) => assert!(matches!(failed, Failed::Unknown(_)), "{failed}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(connections.load(Ordering::SeqCst) >= requests.lock().unwrap().len());
}

#[tokio::test]
async fn what_was_not_sent_and_what_may_have_been_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let nobody = caller(closed, Waits::default()).call(ask(bytes("{}"))).await;
    assert!(matches!(nobody, Err(Failed::NotSent(_))), "{nobody:?}");

    let (port, requests, _) = server(|_| Does::Closes).await;
    let lost = caller(port, Waits::default()).call(ask(bytes("{}"))).await;
    assert!(matches!(lost, Err(Failed::Unknown(_))), "{lost:?}");
    assert_eq!(requests.lock().unwrap().len(), 1, "never sent again by itself");

    let (port, ..) = server(|_| Does::Answers("")).await;
    let waits = Waits { answer: Duration::from_millis(20), ..Waits::default() };
    let silent = caller(port, waits).call(ask(bytes("{}"))).await;
    assert!(matches!(&silent, Err(Failed::Unknown(why)) if why == "no answer in time"), "{silent:?}");

    let missing = Load::File { before: Bytes::new(), path: "/nonexistent".into(), size: 9, behind: Bytes::new() };
    let (port, ..) = server(|_| Does::Answers(OK)).await;
    assert!(caller(port, Waits::default()).call(ask(missing)).await.is_err());
}

#[tokio::test]
async fn an_answer_that_stalls_breaks_off_or_never_ends_is_an_error() {
    for (text, why) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf", "the answer stalls"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n123456789012345678901234567890", "the answer is too long"),
    ] {
        let (port, ..) = server(move |_| Does::Answers(text)).await;
        let waits = Waits { piece: Duration::from_millis(20), ..Waits::default() };
        let answer = caller(port, waits).call(ask(bytes("{}"))).await.unwrap();
        assert_eq!(answer.whole(25).await.unwrap_err().to_string(), why, "{text}");
    }
    let (port, ..) = server(|_| Does::AnswersAndCloses("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf")).await;
    let answer = caller(port, Waits::default()).call(ask(bytes("{}"))).await.unwrap();
    assert!(answer.whole(100).await.is_err());
}

#[test]
fn addresses_of_other_forms_are_refused() {
    let made = |address: &str| Caller::new(address, None, Waits::default()).map(|_| ());
    assert_eq!(made("http://axis.example:8080/XrdAdapter/adapter"), Ok(()));
    assert_eq!(made("http://[::1]:8080"), Ok(()));
    for bad in
        ["axis.example", "ftp://axis.example", "http://a@axis.example", "http://axis.example/?a=1", "http://x/#y", ""]
    {
        assert_eq!(made(bad), Err(BadAddress::Form), "{bad}");
    }
    assert_eq!(made("https://axis.example"), Err(BadAddress::WithoutRoots));
}
