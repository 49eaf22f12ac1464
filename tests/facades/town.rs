//! The gateways of the example world in this process, the province's with doors of every kind.

use std::path::Path;
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::config::{Facade, System, Vxp};
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene::{self, Agency, HOPS};
use tempfile::TempDir;

use super::sdk::Sdk;
use super::support::folder;
use super::support::letters::{Signed, letter, sign};
use super::support::world::keys;

/// Systems of the province: id, secret, agencies.
pub const SYSTEMS: [(&str, &str, &[&str]); 2] = [
    ("H37.90", "secret of department one", &["H37.90", "H37.90.05"]),
    ("H37.91", "secret of department two", &["H37.91"]),
];

pub struct Town {
    gateways: Vec<Gateway>,
    manifest: Manifest,
    _folder: TempDir,
}

impl Town {
    pub async fn start() -> Self {
        let folder = folder();
        let manifest = keys(folder.path(), false);
        let (hub, mut gateways) = (Hub::new(), Vec::new());
        for hop in HOPS {
            let mut config = scene::configuration(&manifest, hop, &folder.path().join(hop), None).unwrap();
            if hop == "province-a" {
                config.system =
                    SYSTEMS.iter().map(|(id, secret, own)| system(folder.path(), id, secret, own)).collect();
                let door = || {
                    let mut door = Facade::at("127.0.0.1:0".parse().unwrap());
                    (door.plain_http, door.max_packet_mib) = (true, 8);
                    Some(door)
                };
                (config.lgsp, config.bkav) = (door(), door());
                let mut vxp = Vxp::at("127.0.0.1:0".parse().unwrap());
                vxp.plain_http = true;
                config.vxp = Some(vxp);
                if let Some(bkav) = &mut config.bkav {
                    bkav.paths = vec!["/EdocService".to_owned()];
                }
            }
            config.check().unwrap();
            gateways.push(Gateway::start(&config, &hub, Arc::new(SystemClock)).await.unwrap());
        }
        Self { gateways, manifest, _folder: folder }
    }

    pub fn province(&self) -> &Gateway {
        self.gateways.iter().find(|gateway| gateway.hop.as_str() == "province-a").unwrap()
    }

    /// The client of a system at the VXP door.
    pub fn sdk(&self, system: &str) -> Sdk {
        let (id, secret, _) = SYSTEMS.iter().find(|(id, ..)| *id == system).unwrap();
        Sdk::new(self.province().vxp_address.unwrap(), id, secret)
    }

    /// An agency of the province at the native door.
    pub fn native(&self, code: &str) -> Agency {
        scene::agency(&self.manifest, code, self.province().address, 1, Arc::new(SystemClock)).unwrap()
    }

    pub fn signed(&self, from: &str, packet: &[u8]) -> Signed {
        sign(packet, &self.manifest.agency(from).unwrap())
    }

    pub fn letter(&self, from: &str, to: &[&str], number: u32) -> Signed {
        self.letter_of(from, to, number, 4000)
    }

    /// One with an attachment of this size.
    pub fn letter_of(&self, from: &str, to: &[&str], number: u32, size: usize) -> Signed {
        let pdf = scene::example_pdf(size);
        self.signed(from, &letter(from, to, number, &pdf).packet().unwrap())
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
        networks: Vec::new(),
    }
}
