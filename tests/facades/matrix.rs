//! Through every door in, through every door out, on one gateway: the same document, and its status back to the sender.

use lienthong::client::Packet;
use lienthong::clock::SystemClock;
use lienthong::scene::{Agency, status_packet};
use lienthong_contract::Clock;
use lienthong_contract::door::{Acknowledgement, ConsignmentState};

use super::sdk::Sdk;
use super::support::world::inbox;
use super::town::Town;
use super::{bkav, lgsp};

const SENDER: &str = "H37.90";
const RECIPIENT: &str = "H37.91";
const DOORS: [&str; 4] = ["native", "vxp", "lgsp", "bkav"];

/// An agency at one of the doors.
enum Client {
    Native(Agency),
    Vxp(Sdk),
    Lgsp(lgsp::Client),
    Bkav(bkav::Client),
}

impl Client {
    async fn at(town: &Town, door: &str, agency: &str) -> Self {
        let province = town.province();
        match door {
            "native" => Self::Native(town.native(agency)),
            "vxp" => Self::Vxp(town.sdk(agency)),
            "lgsp" => Self::Lgsp(lgsp::Client::login(province.lgsp_address.unwrap(), agency).await),
            "bkav" => Self::Bkav(bkav::Client::new(province.bkav_address.unwrap(), agency)),
            other => panic!("no door {other}"),
        }
    }

    /// Sends a packet of this agency, and again as if the answer had been lost: it is the same document.
    async fn send(&mut self, agency: &str, packet: &[u8], status: bool) {
        let kind = if status { "status" } else { "edoc" };
        match self {
            Self::Native(native) => {
                let packet = Packet::Bytes(packet.to_vec().into());
                let first = native.client.submit(&packet, None).await.unwrap();
                let again = native.client.submit(&packet, None).await.unwrap();
                assert_eq!((first.doc_id, again.duplicate), (again.doc_id, true));
            }
            Self::Vxp(sdk) => {
                let first = sdk.send(agency, kind, packet, &[]).await.json();
                assert_eq!(first["status"], "OK", "{first}");
                assert_eq!(sdk.send(agency, kind, packet, &[]).await.json(), first);
            }
            Self::Lgsp(client) => {
                let first = client.send(packet).await.json();
                assert_eq!(first["code"], 200, "{first}");
                assert_eq!(client.send(packet).await.json(), first);
            }
            Self::Bkav(client) => {
                let kind = if status { "STATUS" } else { "EDOC" };
                let first = client.send(packet, kind).await;
                assert_eq!(first["status"], "Success", "{first}");
                assert_eq!(client.send(packet, kind).await, first);
            }
        }
    }

    /// Takes over the one packet of this kind that waits, and gives its bytes.
    async fn take(&mut self, status: bool) -> Vec<u8> {
        let kind = if status { "status" } else { "edoc" };
        match self {
            Self::Native(native) => {
                let items = inbox(native).await.unwrap();
                assert_eq!(items.len(), 1, "{items:#?}");
                assert_eq!(items[0].kind == "status", status);
                let mut bytes = Vec::new();
                native.client.content(items[0].id, &mut bytes).await.unwrap();
                native.client.acknowledge(items[0].id, &Acknowledgement::Accept).await.unwrap();
                bytes
            }
            Self::Vxp(sdk) => {
                let listed = sdk.list(kind).await;
                assert_eq!(listed.len(), 1, "{listed:#?}");
                let doc_id = listed[0]["docId"].as_str().unwrap().to_owned();
                let bytes = sdk.get(&doc_id).await;
                assert_eq!(sdk.update("done", &doc_id).await.code(), "0");
                bytes
            }
            Self::Lgsp(client) => {
                let mut listed = client.list(kind).await;
                listed.retain(|item| item["status"] == "initial");
                assert_eq!(listed.len(), 1, "{listed:#?}");
                let doc_id = listed[0]["docId"].as_str().unwrap().to_owned();
                let json = client.get(&format!("/v1/getEdoc?docId={doc_id}")).await;
                assert_eq!(client.update(&doc_id, "done").await["code"], 200);
                base64_simd::STANDARD.decode_to_vec(json["data"]["data"].as_str().unwrap()).unwrap()
            }
            Self::Bkav(client) => {
                let pending = client.pending(if status { "STATUS" } else { "EDOC" }).await;
                assert_eq!(pending.as_array().unwrap().len(), 1, "{pending}");
                let number = pending[0].as_i64().unwrap();
                let json = client.of("getDocument", number).await;
                assert_eq!(client.of("confirmReceived", number).await["status"], "Success");
                base64_simd::STANDARD.decode_to_vec(json["data"].as_str().unwrap()).unwrap()
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_through_any_door_is_received_through_any_other_and_its_status_comes_back() {
    let town = Town::start().await;
    let (sender, recipient) = (town.native(SENDER), town.native(RECIPIENT));
    let mut number = 0;
    for sends in DOORS {
        for receives in DOORS {
            number += 1;
            let way = format!("{sends} → {receives}");
            let mut one = Client::at(&town, sends, SENDER).await;
            let mut two = Client::at(&town, receives, RECIPIENT).await;
            let letter = town.letter(SENDER, &[RECIPIENT], number);
            one.send(SENDER, &letter.bytes, false).await;
            let doc_id = inbox(&recipient).await.unwrap()[0].doc_id;
            assert_eq!(two.take(false).await, letter.bytes, "{way}");
            assert!(inbox(&recipient).await.unwrap().is_empty(), "{way}: taken over, once");

            let trace = sender.client.trace(doc_id).await.unwrap();
            assert_eq!(trace.consignments[0].state, ConsignmentState::HandedOver, "{way}");
            let name = trace.document_id.unwrap();
            let status = status_packet(RECIPIENT, SENDER, &name, "03", None, SystemClock.now()).unwrap();
            let status = town.signed(RECIPIENT, &status);
            two.send(RECIPIENT, &status.bytes, true).await;
            assert_eq!(one.take(true).await, status.bytes, "{way}");
            assert!(inbox(&sender).await.unwrap().is_empty(), "{way}");
            let trace = sender.client.trace(doc_id).await.unwrap();
            assert_eq!(trace.consignments[0].current.as_ref().unwrap().code, "03", "{way}");
        }
    }
    town.stop().await;
}
