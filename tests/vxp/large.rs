//! A packet of 50 MB goes in and comes out, as base64 within JSON too, while the gateway's memory stays flat.

use std::net::TcpListener;

use lienthong::config::{System, Vxp};
use lienthong::scene;

use super::sdk::Sdk;
use super::support::gateway::Gateway;
use super::support::letters::letter;
use super::support::world::{keys, probe};
use super::support::{alone, folder};

/// Of the attachment, before it becomes base64.
const BYTES: usize = 38 << 20;
const MOST_MORE: u64 = 24 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn of_50_mb_goes_in_and_out_in_flat_memory() {
    let _turn = alone();
    let folder = folder();
    let manifest = keys(folder.path(), false);
    let mut config = scene::configuration(&manifest, "province-a", &folder.path().join("province-a"), None).unwrap();
    config.link.clear();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    config.vxp = Some(Vxp { plain_http: true, ..Vxp::at(free) });
    for (id, agency) in [("one", "H37.90.05"), ("two", "H37.91")] {
        let secret_file = folder.path().join(id);
        std::fs::write(&secret_file, format!("secret {id}")).unwrap();
        let agencies = vec![agency.parse().unwrap()];
        config.system.push(System {
            id: id.to_owned(),
            secret_file,
            second_secret_file: None,
            agencies,
            networks: vec![],
        });
    }
    let mut gateway = Gateway::start(folder.path(), config, |address| probe(&manifest, address));
    gateway.ready().await;
    let (mut one, mut two) = (Sdk::new(free, "one", "secret one"), Sdk::new(free, "two", "secret two"));
    let mut round = async |number: u32, bytes: usize| {
        let mut pdf = b"%PDF-1.4\n".to_vec();
        pdf.extend((0..bytes).map(|at| u8::try_from((at * at) >> 7 & 0xff).unwrap()));
        let packet = letter("H37.90.05", &["H37.91"], number, &pdf).packet().unwrap();
        let sent = one.send("H37.90.05", "edoc", &packet, &[]).await.json();
        assert_eq!(sent["ErrorCode"], "0", "{sent}");
        let doc_id = sent["DocId"].as_str().unwrap().to_owned();
        assert!(two.get(&doc_id).await == packet);
        assert!(two.call("downloadEdoc", &[("docId", &doc_id)]).await.body == packet);
        packet.len()
    };
    // What a gateway takes for any packet that does not stay in memory.
    round(1, 1 << 20).await;
    let before = gateway.peak_memory();
    assert!(round(2, BYTES).await > 50 << 20);
    let after = gateway.peak_memory();
    println!("peak {} MB, then {} MB", before >> 20, after >> 20);
    assert!(after - before < MOST_MORE, "{} MB more", (after - before) >> 20);
}
