//! Gateways of the example world in this process, each with its own log.

use std::path::Path;
use std::sync::atomic::AtomicI64;

use lienthong_contract::door::Acknowledgement;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::super::*;
use crate::bundle::{self, Anchors};
use crate::client::Packet;
use crate::config::Config;
use crate::edxml::model::Urgency;
use crate::gateway::{Gateway, StartError};
use crate::link::inprocess::Hub;
use crate::pki::tests::{Example, NOW, example};
use crate::scene::{self, Letter};

/// Later each time it is asked.
#[derive(Debug)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        NOW.plus_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct World {
    example: &'static Example,
    hub: Hub,
    clock: Arc<dyn Clock>,
    number: u32,
}

impl World {
    fn new() -> Self {
        let example = Box::leak(Box::new(example()));
        Self { example, hub: Hub::new(), clock: Arc::new(Ticking(AtomicI64::new(0))), number: 0 }
    }

    fn config(&self, hop: &str, data: &Path) -> Config {
        let mut config = scene::configuration(&self.example.manifest, hop, data, None).unwrap();
        config.ledger.witness_seconds = 1;
        config
    }

    async fn start(&self, hop: &str, data: &Path) -> Result<Gateway, StartError> {
        Gateway::start(&self.config(hop, data), &self.hub, Arc::clone(&self.clock)).await
    }

    fn agency(&self, code: &str, at: &Gateway) -> scene::Agency {
        scene::agency(&self.example.manifest, code, at.address, 2, Arc::clone(&self.clock)).unwrap()
    }

    async fn submit(&mut self, sender: &scene::Agency, to: &[&str]) -> DocId {
        self.number += 1;
        let date = NOW.in_vietnam().date();
        let letter = Letter {
            from: sender.files.code.as_str(),
            to,
            number: self.number,
            date,
            subject: "Thí dụ",
            urgency: Urgency::Normal,
            attachment: &scene::example_pdf(2000),
        };
        let packet = sender.sign(&letter.packet().unwrap()).unwrap();
        sender.client.submit(&Packet::Bytes(packet.into()), None).await.unwrap().doc_id
    }
}

/// Waits until this gives something.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), looking).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

/// The size that a neighbour has cosigned, once it is at least this.
async fn cosigned(gateway: &Gateway, at_least: u64) -> Shown {
    let keeper = gateway.keeper.clone().unwrap();
    until("a cosignature", || async {
        keeper.shown().await.unwrap().filter(|shown| !shown.witnesses.is_empty() && shown.size >= at_least)
    })
    .await
}

async fn alarms(gateway: &Gateway) -> Vec<String> {
    let keeper = gateway.keeper.clone().unwrap();
    keeper.store.alarms(100).await.unwrap().0.into_iter().map(|alarm| alarm.code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_over_three_hops_is_proved_by_their_cosigned_logs() {
    let (mut world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let data = |hop: &str| folder.path().join(hop);
    let nation = world.start("nation", &data("nation")).await.unwrap();
    let b = world.start("province-b", &data("province-b")).await.unwrap();
    let a = world.start("province-a", &data("province-a")).await.unwrap();
    let sender = world.agency(scene::SENDER, &a);
    let codes = scene::RECIPIENTS.map(|(code, _)| code);
    let doc_id = world.submit(&sender, &codes).await;
    for (code, gateway) in codes.iter().zip([&a, &nation, &b]) {
        let recipient = world.agency(code, gateway);
        let item = until("the document", || async {
            recipient.client.inbox(None, None, None).await.unwrap().items.into_iter().next()
        })
        .await;
        recipient.client.acknowledge(item.id, &Acknowledgement::Accept).await.unwrap();
    }
    let root = CertificateDer::from_pem_file(world.example.manifest.ca().root).unwrap();
    let anchors = Anchors { roots: vec![root.to_vec()], ..Anchors::default() };
    // The submission; two at the first hop itself; three at the nation and one relay there; three at the other province.
    let all = 1 + 2 + 3 + 4;
    let answer = until("a proof with every receipt in a cosigned log", || async {
        let answer = bundle::verify(&sender.client.proof(doc_id).await.unwrap(), &anchors, None);
        assert_eq!(answer.verdict, "valid", "{:?} {:?}", answer.part, answer.reason);
        (answer.outcome == "handed-over" && answer.receipts_witnessed == all).then_some(answer)
    })
    .await;
    assert_eq!((answer.receipts, answer.receipts_logged), (all, all));
    let note = crate::api::PublicLog::checkpoint(a.keeper.as_deref().unwrap()).await.unwrap().unwrap();
    assert!(note.contains("\n— nation/lienthong-ledger "), "{note}");
    for gateway in [&a, &nation, &b] {
        assert!(alarms(gateway).await.is_empty());
    }
    for gateway in [a, b, nation] {
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_proved_to_its_sender_and_a_packet_travels_in_its_proof() {
    let (mut world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let a = world.start("province-a", &folder.path().join("province-a")).await.unwrap();
    let (sender, other) = (world.agency(scene::SENDER, &a), world.agency("H37.91", &a));
    let root = CertificateDer::from_pem_file(world.example.manifest.ca().root).unwrap();
    let anchors = Anchors { roots: vec![root.to_vec()], ..Anchors::default() };

    // Altered after it was signed.
    let date = NOW.in_vietnam().date();
    let letter = Letter {
        from: sender.files.code.as_str(),
        to: &["H37.91"],
        number: 77,
        date,
        subject: "Nguyên văn",
        urgency: Urgency::Normal,
        attachment: &scene::example_pdf(2000),
    };
    let signed = String::from_utf8(sender.sign(&letter.packet().unwrap()).unwrap()).unwrap();
    let packet = signed.replace("Nguyên văn", "Đã sửa").into_bytes();
    let refusal = sender.client.submit(&Packet::Bytes(packet.into()), None).await.unwrap_err();
    let receipt = refusal.problem().unwrap().receipt.clone().unwrap();
    let refused = crate::receipts::jws::read_unverified(&receipt).unwrap();
    let bundle = sender.client.proof(refused.receipt.doc_id).await.unwrap();
    let answer = bundle::verify(&bundle, &anchors, Some(refused.receipt.packet));
    assert_eq!((answer.verdict, answer.outcome), ("valid", "refused"), "{:?} {:?}", answer.part, answer.reason);
    assert_eq!((answer.receipts, answer.receipts_logged, answer.packet_matches), (1, 1, Some(true)));
    let status = |error: crate::client::ClientError| error.problem().unwrap().status;
    assert_eq!(status(other.client.proof(refused.receipt.doc_id).await.unwrap_err()), 404, "it is not theirs");
    assert_eq!(status(sender.client.proof_with_packet(refused.receipt.doc_id).await.unwrap_err()), 404, "not kept");

    // The packet inside is the one that was sent, for the sender and for the recipient.
    let doc_id = world.submit(&sender, &["H37.91"]).await;
    assert!(!bundle::verify(&sender.client.proof(doc_id).await.unwrap(), &anchors, None).packet_inside);
    for agency in [&sender, &other] {
        let answer = bundle::verify(&agency.client.proof_with_packet(doc_id).await.unwrap(), &anchors, None);
        assert_eq!((answer.verdict, answer.packet_inside), ("valid", true), "{:?} {:?}", answer.part, answer.reason);
    }
    a.stop().await;
}

/// Everything of the store is in its one file afterwards, which is copied.
fn copy_store(data: &Path, to: &Path) {
    let raw = rusqlite::Connection::open(data.join("store.db")).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::copy(data.join("store.db"), to).unwrap();
}

fn put_store(data: &Path, from: &Path) {
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    std::fs::copy(from, data.join("store.db")).unwrap();
}

fn refused(outcome: Result<Gateway, StartError>) -> Box<outside::Refused> {
    match outcome {
        Err(StartError::Ledger(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_lost_receipts_is_named_at_start_and_by_the_neighbour() {
    let (mut world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let data = folder.path().join("province-a");
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    let nation = world.start("nation", &folder.path().join("nation")).await.unwrap();

    let a = world.start("province-a", &data).await.unwrap();
    let sender = world.agency(scene::SENDER, &a);
    world.submit(&sender, &["H37.91"]).await;
    cosigned(&a, 2).await;
    a.stop().await;
    copy_store(&data, &old);
    let early = std::fs::read(data.join("ledger.checkpoint")).unwrap();
    let a = world.start("province-a", &data).await.unwrap();
    let sender = world.agency(scene::SENDER, &a);
    for _ in 0..2 {
        world.submit(&sender, &["H37.91"]).await;
    }
    cosigned(&a, 6).await;
    a.stop().await;
    copy_store(&data, &new);
    let late = std::fs::read(data.join("ledger.checkpoint")).unwrap();
    assert_ne!(early, late, "written at each stop");

    // An older copy; the database file cut by a page; no database at all; another key.
    put_store(&data, &old);
    let found = refused(world.start("province-a", &data).await);
    assert_eq!(found.kind.code, findings::SHORTENED.code);
    assert!(found.en.contains("4 entries are missing") && found.vi.contains("thiếu 4 mục"), "{found}");
    put_store(&data, &new);
    let file = std::fs::File::options().write(true).open(data.join("store.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() - 4096).unwrap();
    let found = refused(world.start("province-a", &data).await);
    assert_eq!(found.kind.code, findings::DAMAGED.code);
    assert!(found.en.contains("had 6 entries"), "{found}");
    std::fs::remove_file(data.join("store.db")).unwrap();
    assert!(refused(world.start("province-a", &data).await).en.contains("6 entries are missing"));
    put_store(&data, &new);
    let key = std::fs::read(data.join("ledger.key")).unwrap();
    std::fs::remove_file(data.join("ledger.key")).unwrap();
    assert_eq!(refused(world.start("province-a", &data).await).kind.code, findings::OTHER_KEY.code);
    std::fs::write(data.join("ledger.key"), &key).unwrap();
    world.start("province-a", &data).await.unwrap().stop().await;

    // The whole folder is of yesterday: here nothing contradicts it, but the neighbour remembers.
    put_store(&data, &old);
    std::fs::write(data.join("ledger.checkpoint"), &early).unwrap();
    let a = world.start("province-a", &data).await.unwrap();
    until("both alarms", || async {
        let both = alarms(&a).await.contains(&findings::SHRUNK.code.to_owned())
            && alarms(&nation).await.contains(&findings::SHRUNK.code.to_owned());
        both.then_some(())
    })
    .await;
    assert!(nation.keeper.as_ref().unwrap().alarms() > 0);
    a.stop().await;

    // The loss is accepted: the old log's last checkpoint stays, the new one has another name and is witnessed.
    std::fs::write(data.join("ledger.checkpoint"), &late).unwrap();
    let config = world.config("province-a", &data);
    let accepted = outside::accept_loss(&data.join("store.db"), &config.hop.name, &config.ledger_files()).unwrap();
    assert_eq!(std::fs::read(accepted.2.unwrap()).unwrap(), late);
    let a = world.start("province-a", &data).await.unwrap();
    assert_eq!(a.keeper.as_ref().unwrap().origin().as_str(), "province-a/lienthong-ledger/2");
    cosigned(&a, 2).await;
    assert!(alarms(&nation).await.contains(&findings::NEW_LOG.code.to_owned()));
    a.stop().await;
    nation.stop().await;
}
