//! Three gateways in this process, linked without a broker, and commands that call them as their agencies do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::edxml::model::Urgency;
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene::{self, HOPS, Letter};
use lienthong_contract::Clock;
use serde_json::Value;

use super::program::{answered, items, json, text};

/// A province, the nation and another province, on the embedded default.
pub struct House {
    pub manifest: Manifest,
    /// In the order of [`HOPS`], as are the gateways.
    pub configs: Vec<Config>,
    pub gateways: Vec<Gateway>,
    pub folder: PathBuf,
    pub runtime: tokio::runtime::Runtime,
}

impl House {
    /// With keys that the binary makes.
    pub fn open(folder: &Path) -> Self {
        let (code, made) = json(&["certs", "--out", text(&folder.join("certs")), "--json"]);
        assert_eq!((code, &made["hops"]), (0, &serde_json::json!(HOPS)), "{made:#}");
        Self::of(Manifest::load(&folder.join("certs")).unwrap(), folder)
    }

    /// With these keys.
    pub fn of(manifest: Manifest, folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (hub, mut configs, mut gateways) = (Hub::new(), Vec::new(), Vec::new());
        for hop in HOPS {
            let config = scene::configuration(&manifest, hop, &folder.join(hop), None).unwrap();
            gateways.push(runtime.block_on(Gateway::start(&config, &hub, Arc::new(SystemClock))).unwrap());
            configs.push(config);
        }
        Self { manifest, configs, gateways, folder: folder.to_owned(), runtime }
    }

    /// The folder of the keys, as an argument.
    pub fn certs(&self) -> &str {
        text(self.manifest.root())
    }

    /// A command of this agency at this hop, answered in JSON.
    pub fn at(&self, hop: &str, agency: &str, args: &[&str]) -> (i32, Value) {
        let gateway = self.gateways.iter().find(|gateway| gateway.hop.as_str() == hop).unwrap();
        let address = format!("https://localhost:{}", gateway.address.port());
        let tail = ["--gateway", &address, "--as", agency, "--certs", self.certs(), "--json"];
        json(&[args, &tail].concat())
    }

    /// Asks until the answer is the one waited for.
    pub fn until(&self, hop: &str, agency: &str, args: &[&str], good: impl Fn(&Value) -> bool) -> Value {
        answered(&format!("{args:?} as {agency}"), || self.at(hop, agency, args).1, good)
    }

    /// So many rows, once they wait for an agency.
    pub fn waiting(&self, hop: &str, agency: &str, count: usize) -> Vec<Value> {
        items(&self.until(hop, agency, &["inbox"], |page| items(page).len() == count)).to_vec()
    }

    /// Stops the gateways; what needs none may still be asked.
    pub fn stop(&mut self) {
        for gateway in std::mem::take(&mut self.gateways) {
            self.runtime.block_on(gateway.stop());
        }
    }
}

/// A letter of the sender, of today, unsigned.
pub fn letter(to: &[&str], number: u32, subject: &str, size: usize) -> Vec<u8> {
    let letter = Letter {
        from: scene::SENDER,
        to,
        number,
        date: SystemClock.now().in_vietnam().date(),
        subject,
        urgency: Urgency::Normal,
        attachment: &scene::example_pdf(size),
    };
    letter.packet().unwrap()
}
