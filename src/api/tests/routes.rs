//! Each address: what it takes, what it answers, what it refuses.

use std::sync::atomic::Ordering;

use lienthong_contract::DocId;
use lienthong_contract::door::Acknowledgement;

use super::doubles::{CONTENT, PLAIN, code, consignment};
use super::tls::stranger_fingerprint;
use super::{Event, House, Who, packet};

const POST: &str = "POST /v1/packets";

#[tokio::test]
async fn the_same_bytes_get_the_same_answer() {
    let house = House::open().await;
    let first = house.ask(Who::Sender, &format!("{POST}\r\ncontent-length: 5"), b"<xml>").await;
    assert_eq!(first.status, 201);
    let id = first.json()["doc_id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), Some(format!("/v1/packets/{id}").as_str()));
    assert_eq!(first.header("cache-control"), Some("no-store"));

    let second = house.ask(Who::Sender, &format!("{POST}\r\ncontent-length: 5"), b"<xml>").await;
    assert_eq!(second.status, 200);
    assert_eq!(second.json()["duplicate"], true);
    assert_eq!(
        (&second.json()["doc_id"], &second.json()["receipt"]),
        (&first.json()["doc_id"], &first.json()["receipt"])
    );
    let other = house.ask(Who::Sender, &format!("{POST}\r\ncontent-length: 5"), b"<XML>").await;
    assert_ne!(other.json()["doc_id"], first.json()["doc_id"]);
}

#[tokio::test]
async fn a_packet_is_followed_listed_fetched_and_taken_over() {
    let house = House::open().await;
    let client = house.client();
    let submission = client.submit(&packet("<xml>"), None).await.unwrap();
    assert_eq!(client.trace(submission.doc_id).await.unwrap().from, code("H37.02"));

    let page = client.inbox(Some(&code("h01")), Some("a b&c"), Some(7)).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (1, Some("n")));
    client.inbox(None, None, None).await.unwrap();
    let mut bytes = Vec::new();
    client.content(consignment(PLAIN), &mut bytes).await.unwrap();
    assert_eq!(bytes, CONTENT, "byte for byte");
    let refuse = Acknowledgement::Refuse { reason: "Gửi nhầm".into() };
    assert_eq!(client.acknowledge(consignment(PLAIN), &refuse).await.unwrap().id, consignment(PLAIN));
    client.acknowledge(consignment(PLAIN), &Acknowledgement::Accept).await.unwrap();
    assert_eq!(client.agencies(Some("tài"), None, None).await.unwrap().items[0].name, "Sở Tài chính");

    let seen = house.desk.events();
    for expected in [
        Event::Listed(format!("{:?} Some(\"a b&c\") 7", Some(code("H01")))),
        Event::Listed("None None 100".into()),
        Event::Acknowledged(refuse),
        Event::Acknowledged(Acknowledgement::Accept),
        Event::Listed("Some(\"tài\") None 100".into()),
    ] {
        assert!(seen.contains(&expected), "{expected:?} in {seen:?}");
    }
}

#[tokio::test]
async fn a_fetched_packet_names_its_digest_and_is_not_sent_twice() {
    let house = House::open().await;
    let target = format!("GET /v1/inbox/{}/content", consignment(PLAIN));
    let answer = house.ask(Who::Sender, &target, b"").await;
    assert_eq!((answer.status, &answer.body[..]), (200, CONTENT));
    assert_eq!(answer.header("content-length"), Some(CONTENT.len().to_string().as_str()));
    assert!(answer.header("repr-digest").unwrap().starts_with("sha-256=:"));
    let etag = answer.header("etag").unwrap();
    let again = house.ask(Who::Sender, &format!("{target}\r\nif-none-match: \"x\", W/{etag}"), b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn an_unchanged_page_of_agencies_is_not_sent_twice() {
    let house = House::open().await;
    let answer = house.ask(Who::Sender, "GET /v1/agencies?limit=3", b"").await;
    assert_eq!(answer.json()["items"][0]["locked"], false);
    let etag = answer.header("etag").unwrap();
    let again = house.ask(Who::Sender, &format!("GET /v1/agencies?limit=3\r\nif-none-match: {etag}"), b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = house.ask(Who::Sender, "GET /v1/agencies\r\nif-none-match: \"0\"", b"").await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn every_refusal_from_behind_the_door_is_a_problem_with_its_findings() {
    let house = House::open().await;
    for (body, status) in
        [("bad", 422), ("forbidden", 403), ("conflict", 409), ("large", 413), ("incomplete", 400), ("down", 503)]
    {
        let head = format!("{POST}\r\ncontent-length: {}", body.len());
        let answer = house.ask(Who::Sender, &head, body.as_bytes()).await;
        let problem = answer.problem();
        assert_eq!((problem.status, problem.instance.as_str()), (status, "/v1/packets"), "{body}");
        assert_eq!(problem.findings[0].element.as_deref(), Some("MessageHeader/To"));
        assert_eq!(problem.retry_after_seconds.is_some(), status == 503);
        assert_eq!(problem.receipt.as_deref(), (body == "bad").then_some("rejection"));
    }
    let missing = house.ask(Who::Sender, &format!("GET /v1/packets/{}", DocId::fresh()), b"").await;
    assert_eq!(missing.problem().kind, "urn:lienthong:problem:not-found");
}

#[tokio::test]
async fn what_the_door_itself_refuses_is_a_problem_too() {
    let house = House::open().await;
    let long = "x".repeat(300);
    let cases = [
        ("GET /", 404, "LT-API-0013", ""),
        ("GET /v1/packets/", 404, "LT-API-0013", ""),
        ("DELETE /v1/packets", 405, "LT-API-0014", ""),
        ("GET /v1/packets/7", 400, "LT-API-0010", ""),
        ("GET /v1/inbox/%FF/content", 400, "LT-API-0010", ""),
        ("GET /v1/inbox?agancy=H01", 400, "LT-API-0011", ""),
        ("GET /v1/inbox?agency=H%201", 400, "LT-API-0011", ""),
        ("GET /v1/inbox?limit=0", 400, "LT-API-0011", ""),
        ("GET /v1/agencies?limit=501", 400, "LT-API-0011", ""),
        (&format!("GET /v1/agencies?search={long}"), 400, "LT-API-0011", ""),
        (&format!("GET /v1/inbox?after={long}"), 400, "LT-API-0011", ""),
        (&format!("POST /v1/inbox/{}/ack\r\ncontent-length: 6", consignment(1)), 400, "LT-API-0012", "accept"),
        (
            "POST /v1/packets\r\ncontent-length: 1\r\ncontent-type: Multipart/form-data; boundary=b",
            415,
            "LT-API-0015",
            "x",
        ),
        ("POST /v1/packets\r\ncontent-length: 1\r\ncontent-encoding: gzip", 415, "LT-API-0015", "x"),
        ("POST /v1/packets\r\ncontent-length: 5", 500, "LT-API-0016", "panic"),
    ];
    for (head, status, code, body) in cases {
        let answer = house.ask(Who::Sender, head, body.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{head}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{head}");
    }
}

#[tokio::test]
async fn only_a_registered_certificate_comes_in_and_a_removed_one_stops_at_once() {
    let house = House::open().await;
    let nobody = house.ask(Who::Nobody, "GET /v1/inbox", b"").await;
    assert_eq!((nobody.status, nobody.code().as_str()), (403, "LT-API-0001"));
    let stranger = house.ask(Who::Stranger, "GET /v1/inbox", b"").await;
    assert_eq!((stranger.status, stranger.code().as_str()), (403, "LT-API-0002"));
    assert!(stranger.problem().detail.contains(&stranger_fingerprint().to_string()), "what to register is told");
    assert!(house.desk.events().is_empty(), "neither reached the mailbox");

    let client = house.client();
    client.inbox(None, None, None).await.unwrap();
    house.desk.registered.store(false, Ordering::SeqCst);
    let refused = client.inbox(None, None, None).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().status, 403);
}

#[tokio::test]
async fn probes_need_no_certificate_and_name_the_part_that_fails() {
    let house = House::open().await;
    assert_eq!(house.ask(Who::Nobody, "GET /health/live", b"").await.json()["live"], true);
    assert_eq!(house.ask(Who::Nobody, "GET /v1/openapi.json", b"").await.json()["openapi"], "3.1.0");
    assert_eq!(house.ask(Who::Nobody, "GET /health/ready", b"").await.status, 200);
    assert!(house.client().ready().await.unwrap().ready);
    house.desk.ready.store(false, Ordering::SeqCst);
    let down = house.ask(Who::Nobody, "GET /health/ready", b"").await;
    assert_eq!((down.status, &down.json()["parts"][0]["ok"]), (503, &serde_json::Value::Bool(false)));
    let told = house.client().ready().await.unwrap();
    assert!(!told.ready && told.parts[0] == ("store".into(), false, String::new()));
}

#[tokio::test]
async fn metrics_are_read_without_a_certificate_as_health_is() {
    let house = House::open().await;
    let page = house.ask(Who::Nobody, "GET /metrics", b"").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/plain; version=0.0.4; charset=utf-8")));
    assert!(page.body.starts_with(b"# HELP lienthong_build_info "));
    assert_eq!(house.ask(Who::Nobody, "POST /metrics\r\ncontent-length: 0", b"").await.status, 405);
}

#[tokio::test]
async fn the_log_is_read_without_a_certificate_and_a_tile_may_be_kept_for_ever() {
    let house = House::open().await;
    let checkpoint = house.ask(Who::Nobody, "GET /ledger/checkpoint", b"").await;
    assert_eq!((checkpoint.status, checkpoint.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert_eq!(house.ask(Who::Nobody, "GET /ledger/key", b"").await.body.as_ref(), b"s.t.a");
    let tile = house.ask(Who::Nobody, "GET /ledger/tile/0/x001/234.p/7", b"").await;
    assert_eq!(
        (tile.status, tile.body.len(), tile.header("content-type")),
        (200, 224, Some("application/octet-stream"))
    );
    assert!(tile.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(house.ask(Who::Nobody, "GET /ledger/tile/0/002", b"").await.status, 404);
    assert_eq!(house.ask(Who::Nobody, "GET /ledger/tile/0/001", b"").await.status, 503);
    assert_eq!(house.ask(Who::Nobody, "GET /ledger/tile/../../v1/inbox", b"").await.status, 404);
}
