//! The loop of a client of the vendor's SDK.

use std::net::SocketAddr;

use lienthong_contract::Digest;
use lienthong_contract::door::ConsignmentState;
use serde_json::{Value, json};

use super::support::world::inbox;
use super::town::{SYSTEMS, Town};
use super::wire::ask;

pub struct Client {
    address: SocketAddr,
    fields: Vec<String>,
}

impl Client {
    pub fn new(address: SocketAddr, system: &str) -> Self {
        let (id, secret, _) = SYSTEMS.iter().find(|(id, ..)| *id == system).unwrap();
        let fields =
            [format!("organId: {id}"), format!("Authorization: {secret}"), "user_agent: EdocClient/Bkav".into()];
        Self { address, fields: fields.to_vec() }
    }

    pub async fn call(&self, verb: &str, operation: &str, more: &[String], body: &[u8]) -> Value {
        let fields = [self.fields.as_slice(), more].concat();
        let answer = ask(self.address, verb, &format!("/EdocService/{operation}"), &fields, body).await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    pub async fn send(&self, file: &[u8], kind: &str) -> Value {
        let more = [format!("type: {kind}"), format!("hash-edoc: {}", Digest::of(file).hex())];
        self.call("POST", "sendDocument", &more, &[file, b"\r\n"].concat()).await
    }

    pub async fn pending(&self, kind: &str) -> Value {
        let json = self.call("GET", "getPendingDocIds", &[format!("type: {kind}")], b"").await;
        assert_eq!((&json["status"], &json["code"]), (&"Success".into(), &"0".into()), "{json}");
        json["docIDs"].clone()
    }

    pub async fn of(&self, operation: &str, number: i64) -> Value {
        self.call("POST", operation, &[format!("docId: {number}")], b"").await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_goes_round_by_its_number_and_is_confirmed_once_it_was_read() {
    let town = Town::start().await;
    let address = town.province().bkav_address.unwrap();
    let (one, two) = (Client::new(address, "H37.90"), Client::new(address, "H37.91"));
    let letter = town.letter("H37.90", &["H37.91"], 1);
    let sent = one.send(&letter.bytes, "EDOC").await;
    assert_eq!(sent["status"], "Success", "{sent}");
    let number = sent["docId"].as_i64().unwrap();
    assert_eq!(one.send(&letter.bytes, "EDOC").await, sent, "the same bytes are the same document");
    let changed = town.letter("H37.90", &["H37.91"], 1);
    if changed.bytes != letter.bytes {
        let again = one.send(&changed.bytes, "EDOC").await;
        assert_eq!((&again["status"], &again["errors"][0]["code"]), (&"Fail".into(), &"ExistDoc".into()), "{again}");
    }
    let foreign = one.send(&town.letter("H37.91", &["H37.90"], 2).bytes, "EDOC").await;
    assert_eq!(foreign["status"], "Fail", "{foreign}");

    assert_eq!(two.pending("EDOC").await, json!([number]));
    assert_eq!(two.pending("STATUS").await, json!([]));
    assert_eq!(one.pending("EDOC").await, json!([]));
    assert_eq!(two.of("confirmReceived", number).await["errors"][0]["code"], "InternalServer");
    assert_eq!(two.pending("EDOC").await, json!([number]), "what was not read is not confirmed");
    for _ in 0..2 {
        let json = two.of("getDocument", number).await;
        let file = base64_simd::STANDARD.decode_to_vec(json["data"].as_str().unwrap()).unwrap();
        assert_eq!(file, letter.bytes);
    }
    assert_eq!(two.pending("EDOC").await, json!([number]), "reading never consumes");
    let native = town.native("H37.91");
    assert_eq!(inbox(&native).await.unwrap().len(), 1, "the native door sees the same mailbox");
    let doc_id = inbox(&native).await.unwrap()[0].doc_id;
    for _ in 0..2 {
        assert_eq!(two.of("confirmReceived", number).await["status"], "Success");
        assert_eq!(two.pending("EDOC").await, json!([]));
    }
    let trace = town.native("H37.90").client.trace(doc_id).await.unwrap();
    assert_eq!(trace.consignments[0].state, ConsignmentState::HandedOver);
    // A number is no secret, and no key either.
    let other = town.letter("H37.91", &["H37"], 3);
    let hidden = two.send(&other.bytes, "EDOC").await["docId"].as_i64().unwrap();
    let (hidden, none) = (one.of("getDocument", hidden).await, one.of("getDocument", 123_456).await);
    assert_eq!((&hidden["errors"][0]["code"], &hidden), (&"DocID".into(), &none));
    let exists = json!({"fromOrgan": "000.00.90.H37", "toOrgan": "H37.91", "docCode": trace.code.unwrap()}).to_string();
    assert_eq!(one.call("POST", "checkExistDocument", &[], exists.as_bytes()).await["isExist"], true);
    let organizations = one.call("GET", "getOrganizations?organId=H37.91", &[], b"").await;
    assert_eq!(organizations["organizations"][0]["organId"], "H37.91", "{organizations}");
    town.stop().await;
}
