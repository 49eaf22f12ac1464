//! The gateways of the example world in this process, each with a VXP door and systems that know its secrets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::config::{System, Vxp};
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene::{self, Agency, HOPS};
use tempfile::TempDir;

use super::sdk::Sdk;
use super::support::letters::{Signed, letter, sign};
use super::support::world::keys;
use super::support::{eventually, folder};

/// Systems: id, hop, secret, agencies.
pub const SYSTEMS: [(&str, &str, &str, &[&str]); 5] = [
    ("H37.90", "province-a", "secret of department one", &["H37.90", "H37.90.05"]),
    ("H37.91", "province-a", "secret of department two", &["000.00.91.H37"]),
    ("H37", "province-a", "secret of the office", &["H37"]),
    ("H37.92", "province-a", "secret of the locked one", &["H37.92"]),
    ("vxp.bo.09", "nation", "secret of the ministry", &["G09.90", "G22.90"]),
];

pub struct Town {
    pub gateways: Vec<Gateway>,
    pub manifest: Manifest,
    pub folder: TempDir,
}

impl Town {
    pub async fn start() -> Self {
        let folder = folder();
        let manifest = keys(folder.path(), false);
        let (hub, mut gateways) = (Hub::new(), Vec::new());
        for hop in HOPS {
            let mut config = scene::configuration(&manifest, hop, &folder.path().join(hop), None).unwrap();
            let here = SYSTEMS.iter().filter(|(_, at, _, _)| *at == hop);
            config.system = here.map(|(id, _, secret, agencies)| system(folder.path(), id, secret, agencies)).collect();
            let mut vxp = Vxp::at("127.0.0.1:0".parse().unwrap());
            (vxp.plain_http, vxp.max_packet_mib) = (true, 8);
            vxp.paths = vec!["/".to_owned(), "/XrdAdapter/adapter".to_owned()];
            config.vxp = Some(vxp);
            config.check().unwrap();
            std::fs::write(folder.path().join(format!("{hop}.toml")), toml::to_string(&config).unwrap()).unwrap();
            gateways.push(Gateway::start(&config, &hub, Arc::new(SystemClock)).await.unwrap());
        }
        Self { gateways, manifest, folder }
    }

    pub fn gateway(&self, hop: &str) -> &Gateway {
        self.gateways.iter().find(|gateway| gateway.hop.as_str() == hop).unwrap()
    }

    /// The configuration file of a gateway, for commands beside it.
    pub fn file(&self, hop: &str) -> PathBuf {
        self.folder.path().join(format!("{hop}.toml"))
    }

    /// The client of a system.
    pub fn sdk(&self, system: &str) -> Sdk {
        let (id, hop, secret, _) = SYSTEMS.iter().find(|(id, ..)| *id == system).unwrap();
        Sdk::new(self.gateway(hop).vxp_address.unwrap(), id, secret)
    }

    /// An agency at the native door.
    pub fn native(&self, code: &str, hop: &str) -> Agency {
        let address = self.gateway(hop).address;
        scene::agency(&self.manifest, code, address, 1, Arc::new(SystemClock)).unwrap()
    }

    pub fn signed(&self, from: &str, packet: &[u8]) -> Signed {
        sign(packet, &self.manifest.agency(from).unwrap())
    }

    pub fn letter(&self, from: &str, to: &[&str], number: u32) -> Signed {
        let pdf = scene::example_pdf(4000);
        self.signed(from, &letter(from, to, number, &pdf).packet().unwrap())
    }

    /// Waits for a document in a system's list.
    pub async fn arrived(&self, sdk: &mut Sdk, kind: &str, doc_id: &str) -> serde_json::Value {
        eventually(&format!("{doc_id} in a list"), async || {
            sdk.list(kind).await.into_iter().find(|item| item["docId"] == doc_id)
        })
        .await
    }

    pub async fn stop(self) {
        for gateway in self.gateways {
            gateway.stop().await;
        }
    }
}

fn system(folder: &Path, id: &str, secret: &str, agencies: &[&str]) -> System {
    let secret_file = folder.join(format!("{id}.secret"));
    std::fs::write(&secret_file, format!("{secret}\n")).unwrap();
    System {
        id: id.to_owned(),
        secret_file,
        second_secret_file: None,
        agencies: agencies.iter().map(|code| code.parse().unwrap()).collect(),
        networks: vec!["127.0.0.0/8".to_owned()],
    }
}
