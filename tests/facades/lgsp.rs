//! The loop of a client of the provincial platform.

use std::net::SocketAddr;

use lienthong::clock::SystemClock;
use lienthong::scene::status_packet;
use lienthong_contract::Clock;
use lienthong_contract::door::ConsignmentState;
use serde_json::{Value, json};

use super::support::world::inbox;
use super::town::{SYSTEMS, Town};
use super::wire::{Answer, ask};

pub struct Client {
    address: SocketAddr,
    fields: Vec<String>,
}

impl Client {
    pub async fn login(address: SocketAddr, system: &str) -> Self {
        let (id, secret, _) = SYSTEMS.iter().find(|(id, ..)| *id == system).unwrap();
        let body = json!({"username": id, "password": secret, "applicationCode": "QLVB", "otp": null}).to_string();
        let answer = ask(address, "POST", "/v1/auth/login?allow_anonymous=true", &[], body.as_bytes()).await;
        assert_eq!(answer.status, 200);
        let token = answer.json()["data"]["token"].as_str().unwrap().to_owned();
        let fields =
            [format!("Authorization: Bearer {token}"), format!("X-SystemId: {id}"), format!("X-SecretKey: {secret}")];
        Self { address, fields: fields.to_vec() }
    }

    pub async fn send(&self, file: &[u8]) -> Answer {
        let mut fields = self.fields.clone();
        fields.push("Content-Type: multipart/form-data; boundary=bd".to_owned());
        let head = "--bd\r\nContent-Disposition: form-data; name=\"edocFile\"; filename=\"45_CV-ĐTXD.edxml\"\r\nContent-Type: application/xml\r\n\r\n";
        let tail = "\r\n--bd\r\nContent-Disposition: form-data; name=\"messageType\"\r\n\r\nedoc\r\n--bd--\r\n";
        let body = [head.as_bytes(), file, tail.as_bytes()].concat();
        ask(self.address, "POST", "/v1/sendEdoc", &fields, &body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        ask(self.address, "GET", path, &self.fields, b"").await.json()
    }

    pub async fn list(&self, kind: &str) -> Vec<Value> {
        let today = SystemClock.now().in_vietnam().strftime("%Y%%2F%m%%2F%d").to_string();
        let path = format!("/v1/syncReceivedEdocList?messageType={kind}&fromDate={today}&toDate={today}");
        let json = self.get(&path).await;
        assert_eq!(json["code"], 200, "{json}");
        json["data"].as_array().unwrap().clone()
    }

    pub async fn update(&self, doc_id: &str, status: &str) -> Value {
        let body = json!({"docId": doc_id, "status": status}).to_string();
        ask(self.address, "POST", "/v1/updateStatus", &self.fields, body.as_bytes()).await.json()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_goes_round_and_its_states_and_statuses_come_back() {
    let town = Town::start().await;
    let address = town.province().lgsp_address.unwrap();
    let (one, two) = (Client::login(address, "H37.90").await, Client::login(address, "H37.91").await);
    let letter = town.letter("H37.90", &["H37.91"], 1);
    let sent = one.send(&letter.bytes).await.json();
    assert_eq!((&sent["success"], &sent["code"]), (&true.into(), &200.into()), "{sent}");
    let doc_id = sent["docId"].as_str().unwrap().to_owned();
    assert_eq!(one.send(&letter.bytes).await.json(), sent, "the same bytes are the same document");
    // Of the system's second agency, which the packet names. It may send by its directory entry or not; it is itself.
    let other = town.letter("H37.91", &["H37.90"], 2);
    let refused = one.send(&other.bytes).await.json();
    assert_eq!((&refused["success"], refused["data"]["status"].as_str()), (&false.into(), Some("FAIL")), "{refused}");

    let listed = two.list("edoc").await;
    assert_eq!(
        (listed.len(), &listed[0]["docId"], &listed[0]["status"]),
        (1, &doc_id.as_str().into(), &"initial".into())
    );
    for _ in 0..2 {
        let json = two.get(&format!("/v1/getEdoc?docId={doc_id}")).await;
        for form in ["data", "edxml"] {
            let file = base64_simd::STANDARD.decode_to_vec(json["data"][form].as_str().unwrap()).unwrap();
            assert_eq!(file, letter.bytes, "{form}");
        }
    }
    assert_eq!(two.list("edoc").await, listed, "reading never consumes");
    // A status by its code alone cannot be signed for an agency that must sign.
    let unsigned = two.update(&doc_id, "03").await;
    assert_eq!((&unsigned["success"], &two.list("edoc").await), (&false.into(), &listed), "{unsigned}");
    for state in ["processing", "done", "done"] {
        let told = two.update(&doc_id, state).await;
        assert_eq!((&told["code"], &told["data"]["status"]), (&200.into(), &"OK".into()), "{told}");
    }
    assert_eq!(two.list("edoc").await[0]["status"], "done", "within a window also what has ended");
    let native = town.native("H37.90");
    let trace = native.client.trace(doc_id.parse().unwrap()).await.unwrap();
    assert_eq!(trace.consignments[0].state, ConsignmentState::HandedOver);
    let rows = one.get(&format!("/v1/getSentEdocList?docId={doc_id}")).await;
    assert_eq!((&rows["data"][0]["receiveStatus"], &rows["data"][0]["toCode"]), (&"done".into(), &"H37.91".into()));

    // A status as a signed packet, through the same form.
    let name = trace.document_id.unwrap();
    let status = status_packet("H37.91", "H37.90", &name, "03", None, SystemClock.now()).unwrap();
    let status = town.signed("H37.91", &status);
    let told = two.send(&status.bytes).await.json();
    assert_eq!(told["code"], 200, "{told}");
    assert_eq!(one.list("status").await[0]["docId"], told["docId"]);
    assert_eq!(inbox(&native).await.unwrap().len(), 1, "the native door sees the same mailbox");
    // Of an agency that need not sign: said by its code, once however often it is repeated.
    let letter = town.letter("H37.91", &["H37.90.05"], 3);
    let doc_id = two.send(&letter.bytes).await.json()["docId"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let told = one.update(&doc_id, "03").await;
        assert_eq!(told["code"], 200, "{told}");
    }
    let said = two.list("status").await;
    assert_eq!((said.len(), &said[0]["from"], &said[0]["to"]), (1, &"H37.90.05".into(), &"H37.91".into()));
    let trace = town.native("H37.91").client.trace(doc_id.parse().unwrap()).await.unwrap();
    assert_eq!(trace.consignments[0].current.as_ref().unwrap().code, "03");
    assert_eq!(trace.consignments[0].state, ConsignmentState::HandedOver);
    let agencies = one.get("/v1/getAgenciesList").await;
    assert!(agencies["data"].as_array().unwrap().iter().any(|agency| agency["orgCode"] == "H37.91"), "{agencies}");
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_packet_goes_through_whole_and_one_that_is_too_large_is_told_so() {
    let town = Town::start().await;
    let address = town.province().lgsp_address.unwrap();
    let (one, two) = (Client::login(address, "H37.90").await, Client::login(address, "H37.91").await);
    let letter = town.letter_of("H37.90", &["H37.91"], 1, 5 << 20);
    let sent = one.send(&letter.bytes).await.json();
    assert_eq!(sent["code"], 200, "{sent}");
    let json = two.get(&format!("/v1/getEdoc?docId={}", sent["docId"].as_str().unwrap())).await;
    let file = base64_simd::STANDARD.decode_to_vec(json["data"]["data"].as_str().unwrap()).unwrap();
    assert!(file == letter.bytes, "every byte of it");
    let letter = town.letter_of("H37.90", &["H37.91"], 2, 9 << 20);
    let refused = one.send(&letter.bytes).await;
    assert_eq!((refused.status, &refused.json()["data"]["errorCode"]), (200, &"10".into()));
    assert_eq!(two.list("edoc").await.len(), 1);
    town.stop().await;
}
