//! What a running gateway says of itself, and how it takes up changed files without a restart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::pki::Manifest;
use lienthong::scene::{self, Agency, SENDER};
use lienthong_contract::Clock;
use lienthong_contract::door::ConsignmentState;
use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber};
use support::gateway::Gateway;
use support::letters::{letter, sign};
use support::world::{Setup, World, arrived, keys, probe, traced};
use support::{eventually, folder};

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// A gateway without neighbours, and the agency that calls it.
async fn lone_gateway(folder: &Path) -> (Gateway, Manifest, Agency) {
    let manifest = keys(folder, false);
    let config = scene::configuration(&manifest, "province-a", &folder.join("data"), None).unwrap();
    let mut gateway = Gateway::start(folder, config, |address| probe(&manifest, address));
    gateway.ready().await;
    let agency = scene::agency(&manifest, SENDER, gateway.address, 1, Arc::new(SystemClock)).unwrap();
    (gateway, manifest, agency)
}

async fn part(gateway: &Gateway, name: &str, ok: bool) {
    let what = format!("{} tells {name} as {}", gateway.name, if ok { "working" } else { "not working" });
    let text = eventually(&what, async || {
        let parts = gateway.readiness().await?.parts;
        parts.into_iter().find(|(part, state, _)| part.as_str() == name && *state == ok)
    })
    .await
    .2;
    assert_eq!(text.is_empty(), ok, "what does not work says why: {text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn is_not_ready_while_the_broker_is_away_and_accepts_all_the_same() {
    let mut world = World::start(Setup::default()).await;
    let sender = world.agency(SENDER, "province-a", 1);
    let ministry = world.agency("G09.90", "nation", 1);

    // A queue that came back dead would be made anew, but only after a while: looked at elsewhere.
    world.broker.keep_new_queues();
    world.broker.kill_dash_nine();
    for gateway in world.gateways.values() {
        part(gateway, "broker-0", false).await;
        let readiness = gateway.readiness().await.unwrap();
        assert!(!readiness.ready);
        for name in ["store", "signing-key"] {
            assert!(readiness.parts.iter().any(|(part, ok, _)| part == name && *ok), "{readiness:?}");
        }
    }
    let signed = sign(&letter(SENDER, &["G09.90"], 1, b"%PDF-1.4\n%%EOF\n").packet().unwrap(), &sender.files);
    let submission = sender.client.submit(&signed.packet(), None).await.unwrap();
    let trace = sender.client.trace(submission.doc_id).await.unwrap();
    assert_eq!(trace.consignments[0].state, ConsignmentState::Queued);

    world.broker.restart();
    for gateway in world.gateways.values_mut() {
        gateway.ready().await;
        part(gateway, "broker-0", true).await;
    }
    arrived(&ministry, submission.doc_id).await;
    traced(&sender, submission.doc_id, "the receipt is back", |trace| {
        trace.consignments[0].state == ConsignmentState::Consigned
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_up_a_changed_directory_and_keeps_the_old_one_when_the_new_one_is_faulty() {
    let folder = folder();
    let (mut gateway, manifest, sender) = lone_gateway(folder.path()).await;
    let known = async |code: &str| {
        let page = sender.client.agencies(Some(code), None, None).await.unwrap();
        page.items.iter().any(|agency| agency.code.as_str() == code)
    };
    assert!(known("H37.91").await && !known("H37.93").await);

    let file = manifest.directory_file();
    let old = fs::read_to_string(&file).unwrap();
    let new = "\n[[agency]]\ncode = \"H37.93\"\nname = \"Sở Thí dụ mới lập\"\nhop = \"province-a\"\n";
    replace(&file, &format!("{old}{new}"));
    eventually("the new agency is known", async || known("H37.93").await.then_some(())).await;
    // It has a mailbox at once.
    let signed = sign(&letter(SENDER, &["H37.93"], 1, b"%PDF-1.4\n%%EOF\n").packet().unwrap(), &sender.files);
    let submission = sender.client.submit(&signed.packet(), None).await.unwrap();
    let trace = sender.client.trace(submission.doc_id).await.unwrap();
    assert_eq!(trace.consignments[0].state, ConsignmentState::Consigned);

    replace(&file, &format!("{old}{new}[[agency]]\ncode = \"H37.93\"\nname = \"Trùng mã\"\n"));
    part(&gateway, "directory-file", false).await;
    assert!(gateway.readiness().await.unwrap().ready, "the directory in force is good");
    assert!(known("H37.93").await && known("H37.91").await);

    // Also after something that is no TOML at all; mended, it is taken up again, and the agency is gone.
    replace(&file, "[[agency\n");
    part(&gateway, "directory-file", false).await;
    assert!(known("H37.93").await);
    replace(&file, &old);
    eventually("the mended file is in force", async || (!known("H37.93").await).then_some(())).await;
    let readiness = gateway.readiness().await.unwrap();
    assert!(readiness.parts.iter().all(|(_, ok, _)| *ok), "{readiness:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_up_a_changed_revocation_list() {
    let folder = folder();
    let (gateway, manifest, other) = lone_gateway(folder.path()).await;
    let victim = scene::agency(&manifest, "H37.91", gateway.address, 1, Arc::new(SystemClock)).unwrap();
    victim.client.inbox(None, None, None).await.unwrap();

    revoke(&manifest, &victim.files.client_chain);
    // Every connection is a new one.
    eventually("its connection is refused", async || {
        let again = scene::agency(&manifest, "H37.91", gateway.address, 1, Arc::new(SystemClock)).unwrap();
        let refused = again.client.inbox(None, None, None).await.err()?;
        assert!(format!("{refused:?}").contains("CertificateRevoked"), "{refused:?}");
        Some(())
    })
    .await;
    let again = scene::agency(&manifest, SENDER, gateway.address, 1, Arc::new(SystemClock)).unwrap();
    again.client.inbox(None, None, None).await.unwrap();
    other.client.inbox(None, None, None).await.unwrap();

    // A broken list leaves the old ones in force.
    replace(&manifest.ca().crl, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    eventually("the log tells it", async || gateway.log_text().contains("are not taken").then_some(())).await;
    let still = scene::agency(&manifest, "H37.91", gateway.address, 1, Arc::new(SystemClock)).unwrap();
    assert!(still.client.inbox(None, None, None).await.is_err());
    let again = scene::agency(&manifest, SENDER, gateway.address, 1, Arc::new(SystemClock)).unwrap();
    again.client.inbox(None, None, None).await.unwrap();
}

/// Replaces a file in one step, as an administrator's tool does.
fn replace(file: &Path, content: &str) {
    let new = file.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(&new, file).unwrap();
}

/// Puts a certificate on the sub-authority's list.
fn revoke(manifest: &Manifest, chain: &Path) {
    let ca = manifest.ca();
    let key = KeyPair::from_pem(&fs::read_to_string(&ca.sub_key).unwrap()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&fs::read_to_string(&ca.sub).unwrap(), key).unwrap();
    let pem = fs::read(chain).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let serial = SerialNumber::from_slice(pem.parse_x509().unwrap().raw_serial());
    let now = SystemClock.now();
    let at = |millis: i64| {
        let seconds = u64::try_from(now.plus_millis(millis).as_seconds()).unwrap();
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
    };
    let list = CertificateRevocationListParams {
        this_update: at(-60_000),
        next_update: at(DAY_MILLIS),
        crl_number: SerialNumber::from(u64::try_from(now.as_seconds()).unwrap()),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: serial,
            revocation_time: at(-60_000),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    replace(&ca.crl, &list.signed_by(&issuer).unwrap().pem().unwrap());
}
