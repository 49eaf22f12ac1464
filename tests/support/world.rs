//! Three gateways, their broker, their agencies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lienthong::client::{Client, ClientError};
use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::pki::{self, Manifest};
use lienthong::receipts::{Sealed, open, verify_chain};
use lienthong::scene::{self, Agency, BrokerAt, HOPS};
use lienthong::trust::TrustStore;
use lienthong::trust::hops::{HopTrust, Pins};
use lienthong::trust::tls::{ClientFiles, client_config};
use lienthong_contract::door::{ConsignmentTrace, InboxItem, Submission, Trace};
use lienthong_contract::{Clock, DocId};
use serde_json::Value;
use tempfile::TempDir;

use super::gateway::Gateway;
use super::letters::Signed;
use super::proxy::Proxy;
use super::rabbitmq::{Options, PrivateBroker, ServerTls};
use super::{DEADLINE, eventually, folder};

/// How a world differs from the usual one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup {
    /// RSA keys for half of the agencies, as in the field; else P-256 for all, which is quicker.
    pub rsa: bool,
    /// This hop reaches the broker through a line that can be cut.
    pub proxied: Option<&'static str>,
}

pub struct World {
    pub gateways: BTreeMap<&'static str, Gateway>,
    pub broker: PrivateBroker,
    pub proxy: Option<Proxy>,
    pub manifest: Manifest,
    pub keys: HopTrust,
    // Last: everything above lies in it.
    pub folder: TempDir,
}

impl World {
    /// Starts everything and waits until every gateway is ready.
    pub async fn start(setup: Setup) -> Self {
        Self::configured(setup, |_, _| {}).await
    }

    /// The same, each gateway with a configuration that `change` may alter.
    pub async fn configured(setup: Setup, mut change: impl FnMut(&Path, &mut Config)) -> Self {
        let folder = folder();
        let manifest = keys(folder.path(), setup.rsa);
        let broker = broker(&folder.path().join("broker"), &manifest);
        let url = broker.tls_url().replace("/%2f?", "/lienthong?");
        let port = url.rsplit_once(':').and_then(|(_, rest)| rest.split_once('/')).unwrap().0.to_owned();
        let proxy = match setup.proxied {
            Some(_) => Some(Proxy::to(port.parse().unwrap()).await),
            None => None,
        };
        let mut gateways = BTreeMap::new();
        for hop in HOPS {
            let url = match &proxy {
                Some(proxy) if setup.proxied == Some(hop) => url.replace(&port, &proxy.port.to_string()),
                _ => url.clone(),
            };
            let at = BrokerAt { url, tls: true };
            let mut config = scene::configuration(&manifest, hop, &folder.path().join(hop), Some(&at)).unwrap();
            // After a fault things are tried again soon: the tests wait for it.
            config.delivery.acceptance_seconds = 5;
            config.delivery.longest_pause_seconds = 2;
            config.ledger.witness_seconds = 1;
            change(folder.path(), &mut config);
            gateways.insert(hop, Gateway::start(folder.path(), config, |address| probe(&manifest, address)));
        }
        let keys = hop_keys(&manifest);
        let mut world = Self { gateways, broker, proxy, manifest, keys, folder };
        for hop in HOPS {
            world.gateway(hop).ready().await;
        }
        world
    }

    pub fn gateway(&mut self, hop: &str) -> &mut Gateway {
        self.gateways.get_mut(hop).unwrap()
    }

    /// An agency as a caller of a hop's gateway.
    pub fn agency(&self, code: &str, hop: &str, connections: usize) -> Agency {
        let address = self.gateways[hop].address;
        scene::agency(&self.manifest, code, address, connections, Arc::new(SystemClock)).unwrap()
    }

    /// The receipts of a consignment, each signature and the chain verified, as `Event@hop`.
    pub fn verified(&self, trace: &Trace, consignment: &ConsignmentTrace) -> Vec<String> {
        let sealed: Vec<Sealed> = trace.chain(consignment).map(|view| open(&view.jws, &self.keys).unwrap()).collect();
        verify_chain(&sealed, trace.digest, consignment.id).unwrap();
        assert!(sealed[0].receipt.consignments.iter().any(|to| to.recipient == consignment.recipient));
        sealed.iter().map(|link| format!("{}@{}", link.receipt.event.as_str(), link.receipt.hop)).collect()
    }

    /// How many messages lie in a queue of the broker.
    pub fn messages(&self, queue: &str) -> u64 {
        let listed = self.broker.ctl(&["list_queues", "-p", "lienthong", "name", "messages", "--no-table-headers"]);
        let line = listed.lines().find(|line| line.split('\t').next() == Some(queue));
        let count = line.and_then(|line| line.split('\t').nth(1)).and_then(|count| count.trim().parse().ok());
        count.unwrap_or_else(|| panic!("no queue {queue} in\n{listed}"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- broker ---\n{}", self.broker.log_tail());
            // What is to be looked at stays.
            self.folder.disable_cleanup(true);
            eprintln!("everything is kept in {}", self.folder.path().display());
        }
    }
}

pub fn keys(folder: &Path, rsa: bool) -> Manifest {
    let options = pki::Options { rsa, ..pki::Options::default() };
    pki::generate(&folder.join("certs"), &options, SystemClock.now(), &mut |_| {}).unwrap()
}

/// What an auditor needs to verify receipts of the three hops.
pub fn hop_keys(manifest: &Manifest) -> HopTrust {
    let ca = manifest.ca();
    let store = TrustStore::from_pem_files(from_ref(&ca.root), from_ref(&ca.sub), &ca.crls()).unwrap();
    HopTrust::new(Arc::new(store), Pins::default())
}

/// A caller without a certificate.
pub fn probe(manifest: &Manifest, address: SocketAddr) -> Client {
    let files = ClientFiles { roots: vec![manifest.ca().root], crls: Vec::new(), identity: None, http: true };
    let tls = client_config(&files, Arc::new(SystemClock)).unwrap();
    Client::new(&format!("https://localhost:{}", address.port()), &tls).unwrap()
}

/// RabbitMQ with the virtual host, users and permissions that `deploy/` recommends. The login is the certificate.
fn broker(folder: &Path, manifest: &Manifest) -> PrivateBroker {
    std::fs::create_dir_all(folder).unwrap();
    let server = manifest.broker();
    let definitions = definitions(folder, manifest);
    let options = Options {
        tls: Some(ServerTls { ca: manifest.ca().root, cert: server.chain, key: server.key }),
        extra_config: format!("load_definitions = {}\n", definitions.display()),
    };
    PrivateBroker::start(folder, options)
}

fn definitions(folder: &Path, manifest: &Manifest) -> PathBuf {
    let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rabbitmq/definitions.json");
    let mut definitions: Value = serde_json::from_slice(&std::fs::read(deployed).unwrap()).unwrap();
    let name = |hop: &Value| common_name(&manifest.hop(hop.as_str().unwrap()).unwrap().tls_chain);
    for user in definitions["users"].as_array_mut().unwrap() {
        user["name"] = name(&user["name"]).into();
    }
    for permission in definitions["permissions"].as_array_mut().unwrap() {
        permission["user"] = name(&permission["user"]).into();
    }
    let path = folder.join("definitions.json");
    std::fs::write(&path, definitions.to_string()).unwrap();
    path
}

fn common_name(chain: &Path) -> String {
    let pem = std::fs::read(chain).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let certificate = pem.parse_x509().unwrap();
    certificate.subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned()
}

/// Hands a packet in as a document system does: what could not be answered is sent again, the same bytes.
/// `failures` counts how often that was.
pub async fn submit_stubbornly(client: &Client, signed: &Signed, failures: &AtomicUsize) -> Submission {
    let end = Instant::now() + DEADLINE;
    loop {
        let error = match client.submit(&signed.packet(), None).await {
            Ok(submission) => return submission,
            Err(error) => error,
        };
        failures.fetch_add(1, Ordering::Relaxed);
        assert!(error.retry_after().is_some(), "{error}: {error:?}");
        assert!(Instant::now() < end, "not accepted within {DEADLINE:?}: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The whole mailbox, page by page.
pub async fn inbox(agency: &Agency) -> Result<Vec<InboxItem>, ClientError> {
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let page = agency.client.inbox(None, after.as_deref(), Some(500)).await?;
        items.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(items);
        }
    }
}

/// Waits for a document in a mailbox.
pub async fn arrived(agency: &Agency, doc_id: DocId) -> InboxItem {
    let what = format!("{doc_id} in the mailbox of {}", agency.files.code);
    eventually(&what, async || inbox(agency).await.unwrap().into_iter().find(|item| item.doc_id == doc_id)).await
}

/// Waits for a trace that satisfies the condition.
pub async fn traced(agency: &Agency, doc_id: DocId, what: &str, good: impl Fn(&Trace) -> bool) -> Trace {
    eventually(what, async || Some(agency.client.trace(doc_id).await.unwrap()).filter(&good)).await
}
