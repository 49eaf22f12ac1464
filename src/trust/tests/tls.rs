//! Handshakes over an in-memory pipe: good clients come in, bad ones are told why, nothing is resumed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use lienthong_contract::{Clock, Instant};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{HOUR, NOW};
use crate::pki::Manifest;
use crate::pki::tests::{example, example_with_rsa};
use crate::trust::Fault;
use crate::trust::tls::{
    ClientFiles, ReloadableServerConfig, ServerFiles, client_config, handshake_finding, server_config,
};

/// A clock that stands where it was put.
#[derive(Debug)]
struct HandClock(Mutex<Instant>);

impl Clock for HandClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

fn clock() -> Arc<HandClock> {
    Arc::new(HandClock(Mutex::new(NOW)))
}

fn door(manifest: &Manifest) -> ServerFiles {
    let hop = manifest.hop("province-a").unwrap();
    let ca = manifest.ca();
    ServerFiles {
        chain: hop.tls_chain,
        key: hop.tls_key,
        client_crls: ca.crls(),
        client_roots: vec![ca.root],
        client_intermediates: vec![ca.sub],
        require_client_cert: true,
    }
}

fn visitor(manifest: &Manifest, identity: Option<(PathBuf, PathBuf)>) -> ClientFiles {
    let ca = manifest.ca();
    ClientFiles { crls: ca.crls(), roots: vec![ca.root], identity, http: true }
}

fn agency(manifest: &Manifest, code: &str) -> Option<(PathBuf, PathBuf)> {
    manifest.agency(code).map(|files| (files.client_chain, files.client_key))
}

/// What the server saw of a good handshake.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    client_certificates: usize,
    protocol: Option<Vec<u8>>,
}

/// One handshake and one octet each way; the server's view, and the client's.
async fn shake(server: Arc<ServerConfig>, client: Arc<ClientConfig>) -> (std::io::Result<Seen>, std::io::Result<()>) {
    let (here, there) = tokio::io::duplex(64 * 1024);
    let accept = async move {
        let mut stream = tokio_rustls::TlsAcceptor::from(server).accept(here).await?;
        let octet = stream.read_u8().await?;
        stream.write_u8(octet).await?;
        stream.shutdown().await?;
        let (_, session) = stream.get_ref();
        Ok(Seen {
            client_certificates: session.peer_certificates().map_or(0, <[_]>::len),
            protocol: session.alpn_protocol().map(<[u8]>::to_vec),
        })
    };
    let connect = async move {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(client).connect(name, there).await?;
        stream.write_all(&[7]).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        assert_eq!(answer, [7]);
        let (_, session) = stream.get_ref();
        match session.tls13_tickets_received() {
            0 => Ok(()),
            _ => Err(std::io::Error::other("a ticket was given out")),
        }
    };
    tokio::join!(accept, connect)
}

#[tokio::test]
async fn a_client_with_a_good_certificate_comes_in_every_time_with_a_full_handshake() {
    let manifest = &example_with_rsa().manifest;
    let server = server_config(&door(manifest), clock()).unwrap();
    for code in ["H37", "H37.90", "G09.90"] {
        let client = client_config(&visitor(manifest, agency(manifest, code)), clock()).unwrap();
        for _ in 0..2 {
            let (seen, connected) = shake(Arc::clone(&server), Arc::clone(&client)).await;
            connected.unwrap();
            let expected = Seen { client_certificates: 2, protocol: Some(b"h2".to_vec()) };
            assert_eq!(seen.unwrap(), expected, "{code}");
        }
    }
    assert!(!server.session_storage.can_cache());
    assert!(!server.ticketer.enabled());
}

#[tokio::test]
async fn a_client_with_a_bad_certificate_is_turned_away_and_the_log_knows_why() {
    let manifest = &example().manifest;
    let server = server_config(&door(manifest), clock()).unwrap();
    for case in manifest.bad_cases().filter(|case| !matches!(*case, "weak-key" | "other-agency")) {
        let bad = manifest.bad(case).unwrap();
        let identity = Some((bad.files.client_chain, bad.files.client_key));
        let client = client_config(&visitor(manifest, identity), clock()).unwrap();
        let (seen, connected) = shake(Arc::clone(&server), client).await;
        let finding = handshake_finding(&seen.unwrap_err());
        assert_eq!(finding.as_ref().map(|finding| finding.code.clone()), bad.client_finding, "{case}: {finding:?}");
        connected.unwrap_err();
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_comes_in_only_where_none_is_required() {
    let manifest = &example().manifest;
    let nobody = client_config(&visitor(manifest, None), clock()).unwrap();
    let strict = server_config(&door(manifest), clock()).unwrap();
    let (seen, _) = shake(strict, Arc::clone(&nobody)).await;
    assert!(handshake_finding(&seen.unwrap_err()).is_none());

    let open = ServerFiles { require_client_cert: false, ..door(manifest) };
    let open = server_config(&open, clock()).unwrap();
    let (seen, connected) = shake(Arc::clone(&open), nobody).await;
    connected.unwrap();
    assert_eq!(seen.unwrap().client_certificates, 0);
    let revoked = manifest.bad("revoked").unwrap().files;
    let revoked = visitor(manifest, Some((revoked.client_chain, revoked.client_key)));
    let (seen, _) = shake(open, client_config(&revoked, clock()).unwrap()).await;
    assert_eq!(handshake_finding(&seen.unwrap_err()).unwrap().code, "LT-TRU-0004");
}

#[tokio::test]
async fn a_server_that_a_client_does_not_trust_gets_nothing() {
    let manifest = &example().manifest;
    let server = server_config(&door(manifest), clock()).unwrap();
    let wrong_root = ClientFiles {
        roots: vec![manifest.ca().other_root],
        crls: Vec::new(),
        ..visitor(manifest, agency(manifest, "H37.90"))
    };
    let (_, connected) = shake(Arc::clone(&server), client_config(&wrong_root, clock()).unwrap()).await;
    assert!(connected.unwrap_err().to_string().contains("UnknownIssuer"));

    // An agency's client certificate cannot play the server.
    let files = manifest.agency("H37.90").unwrap();
    let agency_door = ServerFiles { chain: files.client_chain, key: files.client_key, ..door(manifest) };
    let agency_door = server_config(&agency_door, clock()).unwrap();
    let client = client_config(&visitor(manifest, agency(manifest, "H37.90")), clock()).unwrap();
    let (_, connected) = shake(agency_door, client).await;
    connected.unwrap_err();
}

#[tokio::test]
async fn time_comes_from_the_gateways_own_clock() {
    let manifest = &example().manifest;
    let hands = clock();
    let server = server_config(&door(manifest), Arc::<HandClock>::clone(&hands)).unwrap();
    let client = client_config(&visitor(manifest, agency(manifest, "H37.90")), clock()).unwrap();
    shake(Arc::clone(&server), Arc::clone(&client)).await.0.unwrap();
    *hands.0.lock().unwrap() = NOW.plus_millis(731 * 24 * HOUR);
    let (seen, _) = shake(server, client).await;
    assert_eq!(handshake_finding(&seen.unwrap_err()).unwrap().code, "LT-TRU-0001");
}

#[tokio::test]
async fn a_reload_takes_the_new_files_and_a_failed_one_keeps_the_old() {
    let manifest = &example().manifest;
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("crl.pem");
    std::fs::copy(manifest.ca().root_crl, &list).unwrap();
    let files = ServerFiles { client_crls: vec![list.clone()], ..door(manifest) };
    let door = ReloadableServerConfig::load(files, clock()).unwrap();
    let revoked = manifest.bad("revoked").unwrap().files;
    let client = visitor(manifest, Some((revoked.client_chain, revoked.client_key)));
    let client = client_config(&client, clock()).unwrap();
    shake(door.current(), Arc::clone(&client)).await.0.unwrap();

    std::fs::copy(manifest.ca().crl, &list).unwrap();
    door.reload().unwrap();
    let (seen, _) = shake(door.current(), Arc::clone(&client)).await;
    assert_eq!(handshake_finding(&seen.unwrap_err()).unwrap().code, "LT-TRU-0004");

    std::fs::write(&list, "half written").unwrap();
    let error = door.reload().unwrap_err();
    assert_eq!(error.file, list.display().to_string());
    let (seen, _) = shake(door.current(), client).await;
    assert_eq!(handshake_finding(&seen.unwrap_err()).unwrap().code, "LT-TRU-0004", "the old list is still in force");
}

#[test]
fn load_errors_name_the_file() {
    let manifest = &example().manifest;
    let good = door(manifest);
    let other_key = manifest.hop("nation").unwrap().tls_key;
    let mismatch = ServerFiles { key: other_key.clone(), ..good.clone() };
    let error = server_config(&mismatch, clock()).unwrap_err();
    assert!(matches!(error.fault, Fault::KeyMismatch { .. }), "{error}");
    assert_eq!(error.file, other_key.display().to_string());
    let missing = PathBuf::from("/nonexistent/list.pem");
    let error = server_config(&ServerFiles { client_crls: vec![missing], ..good.clone() }, clock()).unwrap_err();
    assert!(error.file.contains("list.pem"), "{error}");
    let error = server_config(&ServerFiles { client_roots: Vec::new(), ..good }, clock()).unwrap_err();
    assert!(matches!(error.fault, Fault::NoRoots), "{error}");
    let none = ClientFiles { roots: Vec::new(), ..visitor(manifest, None) };
    assert!(matches!(client_config(&none, clock()).unwrap_err().fault, Fault::NoRoots));
}
