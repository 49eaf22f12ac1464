//! Every form that clients give their requests, and what piles up in them.

use lienthong_vxp::wire::hash::{hex, unpadded};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::sdk::{Sdk, answer, ask};
use super::support::eventually;
use super::town::Town;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_the_same_in_every_form_of_its_body_and_its_hash() {
    let town = Town::start().await;
    let mut one = town.sdk("H37.90");
    let letter = town.letter("H37.90", &["H37.91"], 1);
    let file = letter.bytes.as_ref();
    let text = base64_simd::STANDARD.encode_to_string(file);
    let (of_file, of_text) = (digest(&SHA256, file), digest(&SHA256, text.as_bytes()));
    let mut doc_id = None;
    for (hash, body) in [
        (unpadded(of_file.as_ref()), [file, b"\r\n"].concat()),
        (hex(of_file.as_ref()), [file, b"\r\n"].concat()),
        (hex(of_file.as_ref()), file.to_vec()),
        (unpadded(of_file.as_ref()), text.clone().into_bytes()),
        (unpadded(of_text.as_ref()), [text.as_bytes(), b"\r\n"].concat()),
    ] {
        let sent = one.send_body("H37.90", "edoc", &hash, &body, &[]).await.json();
        assert_eq!(sent["ErrorCode"], "0", "{sent}");
        assert_eq!(doc_id.get_or_insert(sent["DocId"].clone()), &sent["DocId"]);
    }
    // A file that ends in a line break of its own keeps it.
    let letter = town.letter("H37.90", &["H37.91"], 2);
    let file = [letter.bytes.as_ref(), b"\r\n"].concat();
    let sent = one.send("H37.90", "edoc", &file, &[]).await.json();
    assert_eq!(one.get(sent["DocId"].as_str().unwrap()).await, file);
    let again = one.send_body("H37.90", "edoc", &hex(digest(&SHA256, &file).as_ref()), &file, &[]).await.json();
    assert_eq!(again["DocId"], sent["DocId"]);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_taken_in_every_shape_that_http_gives_them() {
    let town = Town::start().await;
    let mut two = town.sdk("H37.91");
    let address = two.address;
    let list = |sdk: &mut Sdk, more: &str| sdk.head("POST", "getReceivedEdocList", &[], "application/json", more);
    let json = list(&mut two, "Content-Length: 2\r\n");
    assert_eq!(ask(address, &[&json, b"{}"]).await.code(), "0");
    let chunked = list(&mut two, "Transfer-Encoding: chunked\r\n");
    assert_eq!(ask(address, &[&chunked, b"2\r\n{}\r\n0\r\n\r\n"]).await.code(), "0");
    // The client waits for a word before it sends.
    let head = list(&mut two, "Content-Length: 2\r\nExpect: 100-continue\r\n");
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(&head).await.unwrap();
    let mut word = vec![0; 25];
    tcp.read_exact(&mut word).await.unwrap();
    assert_eq!(word, b"HTTP/1.1 100 Continue\r\n\r\n");
    tcp.write_all(b"{}").await.unwrap();
    assert_eq!(answer(&mut tcp).await.code(), "0");
    // Several requests on one connection.
    let first =
        String::from_utf8(list(&mut two, "Content-Length: 0\r\n")).unwrap().replace("Connection: close\r\n", "");
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(first.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"[]}") {
        assert!(tcp.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
    }
    tcp.write_all(&list(&mut two, "Content-Length: 0\r\n")).await.unwrap();
    assert_eq!(answer(&mut tcp).await.code(), "0");

    for (base, code) in [
        ("/", "0"),
        ("/XrdAdapter/adapter", "0"),
        ("//XrdAdapter//adapter/", "0"),
        ("/XrdAdapter", "10"),
        ("/vxp", "10"),
    ] {
        two.base = base;
        assert_eq!(two.call("getReceivedEdocList", &[]).await.code(), code, "{base}");
    }
    two.base = "";
    for operation in ["", "getEdocs", "GetEdoc", "getEdoc/1"] {
        let unknown = two.call(operation, &[]).await;
        assert_eq!((unknown.status, unknown.code().as_str()), (200, "10"), "{operation}");
    }
    // An old timestamp is no fault: clients keep theirs for days.
    two.set("timestamp", "01012020T000000+0007");
    assert_eq!(two.call("getReceivedEdocList", &[]).await.code(), "0");
    assert_eq!(
        two.call("getReceivedEdocList", &[("servicetype", "edoc"), ("filePath", "C:\\Tài liệu")]).await.code(),
        "0"
    );
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_earlier_calls_left_in_a_request_means_nothing_to_later_ones() {
    let town = Town::start().await;
    let (mut one, mut two) = (town.sdk("H37.90"), town.sdk("H37.91"));
    let mut sent = Vec::new();
    for number in 1..=3 {
        let letter = town.letter("H37.90", &["H37.91"], number);
        let answer = one.send("H37.90", "edoc", &letter.bytes, &[]).await.json();
        sent.push((answer["DocId"].as_str().unwrap().to_owned(), letter));
    }
    // Left by a sendEdoc: hash-file, from, to; the last one, with one product, as a plain code.
    two.set("hash-file", "c3d433dd6c7540c9bd22e63415476154c11997d73480d0a97ef96cc89a");
    two.set("from", "H37.91");
    two.set("to", "H53.02");
    two.set("AgencyCode", "H37.91");
    // A bridge: getEdoc with docId, updateStatus with docid, on one object; each carries the other's last value.
    for (doc_id, letter) in &sent {
        assert_eq!(two.list("edoc").await[0]["docId"], doc_id.as_str(), "oldest first");
        assert_eq!(two.get(doc_id).await, letter.bytes);
        assert_eq!(two.update("done", doc_id).await.code(), "0");
    }
    assert!(two.kept.iter().any(|(name, _)| name == "docId") && two.kept.iter().any(|(name, _)| name == "docid"));
    assert_eq!(two.list("edoc").await, Vec::<Value>::new());
    // The other habit: docId for both.
    let letter = town.letter("H37.90", &["H37.91"], 4);
    let doc_id = one.send("H37.90", "edoc", &letter.bytes, &[]).await.json()["DocId"].as_str().unwrap().to_owned();
    let mut habit = town.sdk("H37.91");
    assert_eq!(habit.call("updateStatus", &[("status", "done"), ("docId", &doc_id)]).await.code(), "0");

    // Windows: both ends belong to them, and what has ended is in them.
    let shown = |answer: &Value| answer["data"].as_array().unwrap().len();
    let time = one.call("getSentEdocList", &[("docId", &sent[0].0)]).await.json()["data"][0]["sentTime"].clone();
    let time = time.as_str().unwrap();
    let (date, clock) = time.split_once(' ').unwrap();
    let parts: Vec<&str> = date.split('/').collect();
    let date = format!("{}/{}/{}", parts[2], parts[1], parts[0]);
    let window = async |sdk: &mut Sdk, from: &str, to: &str| {
        sdk.call("getReceivedEdocList", &[("messagetype", "edoc"), ("fromDate", from), ("toDate", to)]).await.json()
    };
    let exact = format!("{date} {clock}");
    let within = window(&mut two, &exact, &exact).await;
    let item = within["data"].as_array().unwrap().iter().find(|item| item["docId"] == sent[0].0.as_str()).unwrap();
    assert_eq!((&item["status"], &item["created_time"]), (&"done".into(), &time.into()));
    assert_eq!(shown(&window(&mut two, &date, &date).await), 4);
    assert_eq!(shown(&window(&mut two, "01/01/2020 00:00:00", "31/12/2020 23:59:59").await), 0);
    assert_eq!(window(&mut two, "hôm qua", "").await["ErrorCode"], "10");
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_changes_in_its_file_counts_without_a_restart() {
    let town = Town::start().await;
    let address = town.sdk("H37.91").address;
    let file = town.folder.path().join("H37.91.secret");
    std::fs::write(&file, "").unwrap();
    let works =
        async |secret: &str| Sdk::new(address, "H37.91", secret).call("countReceiveEdoc", &[]).await.code() == "0";
    assert!(works("secret of department two").await, "an empty file is not taken");
    std::fs::write(&file, "a new secret").unwrap();
    eventually("the new secret counts", async || works("a new secret").await.then_some(())).await;
    assert!(!works("secret of department two").await && !works("").await);
    town.stop().await;
}
