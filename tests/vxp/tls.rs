//! The door over TLS, with a certificate that is exchanged while it is open.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::config::{System, Vxp};
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene;
use lienthong::trust::tls::{ClientFiles, client_config};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::sdk::Sdk;
use super::support::world::keys;
use super::support::{eventually, folder};

/// The answer to a request, and the certificate that the door showed.
async fn ask(manifest: &Manifest, address: SocketAddr, request: &[u8]) -> (String, Vec<u8>) {
    let files = ClientFiles { roots: vec![manifest.ca().root], crls: Vec::new(), identity: None, http: true };
    let tls = client_config(&files, Arc::new(SystemClock)).unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let mut tls = TlsConnector::from(tls).connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
    let shown = tls.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    // The door speaks HTTP/1.1 alone, whatever else it is offered.
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
    tls.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    tls.read_to_end(&mut answer).await.unwrap();
    (String::from_utf8(answer).unwrap(), shown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_door_stands_behind_tls_and_its_certificate_may_change() {
    let folder = folder();
    let manifest = keys(folder.path(), false);
    let mut config = scene::configuration(&manifest, "province-a", &folder.path().join("data"), None).unwrap();
    config.link.clear();
    config.directory.reload_seconds = 1;
    let (chain, key) = (folder.path().join("door.pem"), folder.path().join("door.key"));
    let put = |hop: &str| {
        let files = manifest.hop(hop).unwrap();
        fs::copy(&files.tls_key, &key).unwrap();
        fs::copy(&files.tls_chain, &chain).unwrap();
    };
    put("province-a");
    let secret_file = folder.path().join("secret");
    fs::write(&secret_file, "a secret of some length").unwrap();
    config.system = vec![System {
        id: "H37.90".to_owned(),
        secret_file,
        second_secret_file: None,
        agencies: vec!["H37.90".parse().unwrap()],
        networks: Vec::new(),
    }];
    let (certificate, key) = (Some(chain.clone()), Some(key.clone()));
    config.vxp = Some(Vxp { certificate, key, ..Vxp::at("127.0.0.1:0".parse().unwrap()) });
    config.check().unwrap();
    let gateway = Gateway::start(&config, &Hub::new(), Arc::new(SystemClock)).await.unwrap();
    let address = gateway.vxp_address.unwrap();
    let mut sdk = Sdk::new(address, "H37.90", "a secret of some length");
    let request = sdk.head("POST", "countReceiveEdoc", &[], "application/json", "Content-Length: 0\r\n");
    let (answer, first) = ask(&manifest, address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(r#""count":0"#), "{answer}");
    // Who does not speak TLS is not answered, and disturbs nobody.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    put("nation");
    eventually("another certificate", async || {
        let (answer, shown) = ask(&manifest, address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        (shown != first).then_some(())
    })
    .await;
    gateway.stop().await;
}
