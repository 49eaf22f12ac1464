//! The loops that clients turn: list, fetch, tell the state; send, and see what became of it.

use lienthong::scene::status_packet;
use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{Clock, DocId};
use lienthong_vxp::wire::hash::unpadded;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::support::eventually;
use super::support::world::{inbox, traced};
use super::town::Town;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_agencies_of_a_system_the_one_that_is_named_answers_for_itself_alone() {
    let town = Town::start().await;
    let (mut two, mut one) = (town.sdk("H37.91"), town.sdk("H37.90"));
    let send = async |two: &mut super::sdk::Sdk, number| {
        let letter = town.letter("H37.91", &["H37.90", "H37.90.05"], number);
        two.send("H37.91", "edoc", &letter.bytes, &[]).await.json()["DocId"].as_str().unwrap().to_owned()
    };
    let whose = async |one: &mut super::sdk::Sdk| -> Vec<String> {
        let mut rows: Vec<_> =
            one.list("edoc").await.iter().map(|row| row["to"].as_str().unwrap().to_owned()).collect();
        rows.sort();
        rows
    };
    let doc_id = send(&mut two, 1).await;
    assert_eq!(whose(&mut one).await, ["H37.90", "H37.90.05"]);
    let tell = async |status: &str, named: &[(&str, &str)]| {
        town.sdk("H37.90").call("updateStatus", &[&[("docid", &*doc_id), ("status", status)], named].concat()).await
    };
    // Another's agency, one that is none of the recipients, and no code at all: nothing is done.
    assert_eq!(tell("done", &[("to", "H37.91")]).await.code(), "19");
    assert_eq!(tell("done", &[("to", r#"["H37.99"]"#)]).await.code(), "19");
    assert_eq!(tell("done", &[("AgencyCode", "?")]).await.code(), "18");
    assert_eq!(whose(&mut one).await, ["H37.90", "H37.90.05"]);
    // H37.90 may act for its commune, and ends its own alone.
    assert_eq!(tell("done", &[("to", "000.00.90.H37")]).await.code(), "0");
    assert_eq!(whose(&mut one).await, ["H37.90.05"]);
    assert_eq!(tell("fail", &[("AgencyCode", "H37.90.05")]).await.code(), "0");
    assert_eq!(whose(&mut one).await, [""; 0]);
    assert_eq!(tell("done", &[("to", "H37.90")]).await.code(), "0", "the same again");
    let sent = two.call("getSentEdocList", &[("docId", &doc_id)]).await.json();
    let states = |row: &Value| (row["toCode"].as_str().unwrap().to_owned(), row["receiveStatus"].clone());
    let mut states: Vec<_> = sent["data"].as_array().unwrap().iter().map(states).collect();
    states.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(states, [("H37.90".to_owned(), "done".into()), ("H37.90.05".to_owned(), "fail".into())]);

    // Clients of the SDK still carry the recipients of what they sent: that names nobody, and all are meant.
    let doc_id = send(&mut two, 2).await;
    let own = town.letter("H37.90", &["H37.91", "H37"], 3);
    assert_eq!(one.send("H37.90", "edoc", &own.bytes, &[("to", r#"["H37.91"]"#)]).await.code(), "0");
    assert_eq!(one.update("done", &doc_id).await.code(), "0");
    assert_eq!(whose(&mut one).await, [""; 0]);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_goes_in_and_out_through_the_door_and_its_states_and_statuses_come_back() {
    let town = Town::start().await;
    let (mut one, mut two) = (town.sdk("H37.90"), town.sdk("H37.91"));
    let letter = town.letter("H37.90", &["H37.91"], 1);
    let sent = one.send("H37.90", "edoc", &letter.bytes, &[]).await;
    assert_eq!(sent.status, 200);
    let sent = sent.json();
    assert_eq!(
        (&sent["status"], &sent["ErrorDesc"], &sent["data"]),
        (&"OK".into(), &"Thanh cong".into(), &Value::Array(vec![]))
    );
    let doc_id = sent["DocId"].as_str().unwrap().to_owned();

    let listed = two.list("edoc").await;
    assert_eq!(listed.len(), 1);
    let item = &listed[0];
    let expected = [
        ("docId", doc_id.as_str()),
        ("serviceType", "eDoc"),
        ("messageType", "edoc"),
        ("from", "H37.90"),
        ("to", "H37.91"),
        ("status", "initial"),
        ("status_desc", "Cho xu ly"),
    ];
    for (key, value) in expected {
        assert_eq!(item[key], value, "{item}");
    }
    for key in ["created_time", "updated_time"] {
        let time = item[key].as_str().unwrap();
        assert!(time.len() == 19 && time.as_bytes()[4] == b'/' && time.as_bytes()[10] == b' ', "{time}");
    }
    assert_eq!(item.as_object().unwrap().len(), 9);
    // Reading never consumes, and never changes a state.
    for _ in 0..2 {
        assert_eq!(two.get(&doc_id).await, letter.bytes);
        let raw = two.call("downloadEdoc", &[("docId", &doc_id)]).await;
        assert_eq!((raw.status, raw.body.as_slice()), (200, letter.bytes.as_ref()));
    }
    assert_eq!(two.list("edoc").await, listed);
    assert_eq!(two.call("countReceiveEdoc", &[]).await.json()["count"], 1);
    assert_eq!(two.call("countReceiveStatus", &[]).await.json()["count"], 0);

    assert_eq!(two.update("PROCESSING", &doc_id).await.code(), "0");
    let working = two.list("edoc").await;
    assert_eq!((&working[0]["status"], &working[0]["created_time"]), (&"processing".into(), &item["created_time"]));
    assert_eq!(two.update("processing", &doc_id).await.code(), "0");
    assert_eq!(two.list("edoc").await, working, "the first word counts");
    assert_eq!(two.update("initial", &doc_id).await.code(), "0");
    assert_eq!(two.list("edoc").await[0]["status"], "initial");
    let done = two.update("done", &doc_id).await.json();
    assert_eq!((&done["ErrorCode"], &done["data"]), (&"0".into(), &Value::Array(vec![])));
    assert_eq!(two.list("edoc").await, Vec::<Value>::new());
    assert_eq!(two.update("done", &doc_id).await.code(), "0", "the same again");
    for other in ["fail", "processing", "initial"] {
        assert_eq!(two.update(other, &doc_id).await.code(), "10", "done is final: {other}");
    }
    for wrong in ["01", "03", "", "finished"] {
        assert_eq!(two.update(wrong, &doc_id).await.code(), "10", "{wrong}");
    }
    // The bytes stay, for both.
    assert_eq!(two.get(&doc_id).await, letter.bytes);
    assert_eq!(one.get(&doc_id).await, letter.bytes);

    // The sender sees it at this door and at the native one, with the receipts.
    let rows = one.call("getSentEdocList", &[("docId", &doc_id)]).await.json();
    let row = &rows["data"][0];
    let expected = [
        ("docId", doc_id.as_str()),
        ("senderDocId", &doc_id),
        ("receiverDocId", &doc_id),
        ("fromCode", "H37.90"),
        ("toCode", "H37.91"),
        ("from", "H37.90"),
        ("to", "H37.91"),
        ("serviceType", "eDoc"),
        ("messageType", "edoc"),
        ("sendStatus", "done"),
        ("receiveStatus", "done"),
        ("status", "done"),
        ("notation", "1/TD-VP"),
        ("title", "Về việc liên thông văn bản điện tử (thí dụ)"),
    ];
    for (key, value) in expected {
        assert_eq!(row[key], value, "{key} of {row}");
    }
    for key in [
        "sentTime",
        "receivedTime",
        "created_time",
        "updated_time",
        "sendStatusDesc",
        "receiveStatusDesc",
        "status_desc",
    ] {
        assert!(!row[key].as_str().unwrap().is_empty(), "{key} of {row}");
    }
    let native = town.native("H37.90", "province-a");
    let trace = native.client.trace(doc_id.parse().unwrap()).await.unwrap();
    assert_eq!(trace.consignments[0].state, ConsignmentState::HandedOver);

    // A status comes back the same way, as a packet of its own.
    let name = trace.document_id.clone().unwrap();
    let status = status_packet("H37.91", "H37.90", &name, "03", None, lienthong::clock::SystemClock.now()).unwrap();
    let status = town.signed("H37.91", &status);
    let answer = two.send("000.00.91.H37", "status", &status.bytes, &[]).await.json();
    let status_id = answer["DocId"].as_str().unwrap().to_owned();
    assert_eq!(answer["ErrorCode"], "0", "{answer}");
    assert_eq!(one.list("edoc").await, Vec::<Value>::new());
    let item = &one.list("status").await[0];
    assert_eq!((&item["docId"], &item["messageType"]), (&status_id.as_str().into(), &"status".into()));
    assert_eq!(one.get(&status_id).await, status.bytes);
    assert_eq!(one.update("done", &status_id).await.code(), "0");
    let trace = native.client.trace(doc_id.parse().unwrap()).await.unwrap();
    assert_eq!(trace.consignments[0].current.as_ref().unwrap().code, "03");
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_through_one_door_is_received_through_the_other_over_a_link_too() {
    let town = Town::start().await;
    let (mut one, mut ministry) = (town.sdk("H37.90"), town.sdk("vxp.bo.09"));
    let native = town.native("H37.90", "province-a");
    // VXP to VXP and native, over a link and here.
    let letter = town.letter("H37.90", &["G09.90", "G22.90", "H37.91"], 1);
    let doc_id = one.send("H37.90", "edoc", &letter.bytes, &[]).await.json()["DocId"].as_str().unwrap().to_owned();
    let id: DocId = doc_id.parse().unwrap();
    town.arrived(&mut ministry, "edoc", &doc_id).await;
    let both = ministry.list("edoc").await;
    assert_eq!(both.iter().map(|item| item["to"].as_str().unwrap()).collect::<Vec<_>>(), ["G09.90", "G22.90"]);
    assert_eq!(ministry.get(&doc_id).await, letter.bytes);
    assert_eq!(ministry.update("fail", &doc_id).await.code(), "0");
    assert_eq!(ministry.list("edoc").await, Vec::<Value>::new(), "of both agencies that the system speaks for");
    let two = town.native("H37.91", "province-a");
    assert_eq!(inbox(&two).await.unwrap()[0].doc_id, id);
    let refused = |trace: &lienthong_contract::door::Trace| {
        trace.consignments.iter().filter(|one| one.state == ConsignmentState::Refused).count() == 2
    };
    let trace = traced(&native, id, "both refusals", refused).await;
    let reason = trace.consignments[0].receipts.last().unwrap().reason.clone().unwrap();
    assert!(reason.contains("fail"), "{reason}");
    let rows = one.call("getSentEdocList", &[("docId", &doc_id)]).await.json();
    let states: Vec<&str> =
        rows["data"].as_array().unwrap().iter().map(|row| row["receiveStatus"].as_str().unwrap()).collect();
    assert_eq!(states, ["fail", "fail", "initial"]);
    // Native to VXP.
    let letter = town.letter("H37.90", &["G09.90"], 2);
    let submission = native.client.submit(&letter.packet(), None).await.unwrap();
    let doc_id = submission.doc_id.to_string();
    town.arrived(&mut ministry, "edoc", &doc_id).await;
    assert_eq!(ministry.get(&doc_id).await, letter.bytes);
    assert_eq!(ministry.update("done", &doc_id).await.code(), "0");
    traced(&native, submission.doc_id, "the last receipt", |trace| {
        trace.consignments[0].state == ConsignmentState::HandedOver
    })
    .await;
    // The same bytes through the other door are the same document.
    let again = one.send("H37.90", "edoc", &letter.bytes, &[]).await.json();
    assert_eq!((&again["ErrorCode"], &again["DocId"]), (&"0".into(), &doc_id.as_str().into()));
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_lost_answer_the_same_bytes_get_the_same_document() {
    let town = Town::start().await;
    let (mut one, mut two) = (town.sdk("H37.90"), town.sdk("H37.91"));
    let letter = town.letter("H37.90", &["H37.91"], 1);
    let hash = unpadded(digest(&SHA256, &letter.bytes).as_ref());
    let parameters = [("from", "H37.90"), ("servicetype", "eDoc"), ("messagetype", "edoc"), ("hash-file", &hash)];
    let length = format!("Content-Length: {}\r\n", letter.bytes.len() + 2);
    let head = one.head("POST", "sendEdoc", &parameters, "application/octet-stream", &length);
    // All of the request goes out, and nobody waits for the answer.
    let mut tcp = TcpStream::connect(one.address).await.unwrap();
    for piece in [head.as_slice(), &letter.bytes, b"\r\n"] {
        tcp.write_all(piece).await.unwrap();
    }
    drop(tcp);
    let listed = eventually("the document in the list", async || two.list("edoc").await.pop()).await;
    // Half a request leaves nothing behind.
    let other = town.letter("H37.90", &["H37.91"], 2);
    let hash = unpadded(digest(&SHA256, &other.bytes).as_ref());
    let parameters = [("hash-file", hash.as_str())];
    let length = format!("Content-Length: {}\r\n", other.bytes.len() + 2);
    let half = one.head("POST", "sendEdoc", &parameters, "application/octet-stream", &length);
    let mut tcp = TcpStream::connect(one.address).await.unwrap();
    tcp.write_all(&half).await.unwrap();
    tcp.write_all(&other.bytes[..other.bytes.len() / 2]).await.unwrap();
    drop(tcp);
    for _ in 0..3 {
        let again = one.send("H37.90", "edoc", &letter.bytes, &[]).await.json();
        assert_eq!((&again["ErrorCode"], &again["DocId"]), (&"0".into(), &listed["docId"]));
    }
    assert_eq!(two.list("edoc").await, [listed], "once");
    // The state told again changes nothing more either.
    let doc_id = two.list("edoc").await[0]["docId"].as_str().unwrap().to_owned();
    let first = two.update("done", &doc_id).await.body;
    assert_eq!(two.update("done", &doc_id).await.body, first);
    let native = town.native("H37.90", "province-a");
    let trace = native.client.trace(doc_id.parse().unwrap()).await.unwrap();
    let ends = trace.consignments[0].receipts.iter().filter(|receipt| receipt.event == "ContentHandover").count();
    assert_eq!((trace.consignments.len(), ends), (1, 1));
    town.stop().await;
}
