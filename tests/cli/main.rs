//! The command line as people and scripts use it: the real binary, run as a process, against gateways in this one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod check;
mod configuration;
mod delivery;
mod sandbox;
mod sealing;
mod words;
mod wrap;

use std::path::{Path, PathBuf};

use lienthong::clock::SystemClock;
use lienthong::pki::{self, Manifest};
use lienthong::scene;
use lienthong_contract::Clock;
use serde_json::Value;

use support::house;
use support::program::{json, text};

/// A letter of today, unsigned.
fn letter(to: &[&str], number: u32) -> Vec<u8> {
    house::letter(to, number, "Về việc kiểm thử dòng lệnh", 2048)
}

fn document_id(number: u32) -> String {
    let date = SystemClock.now().in_vietnam().date();
    format!("{},{},{number}/TD-VP", scene::SENDER, date.strftime("%Y/%m/%d"))
}

/// A folder with keys and some files.
struct Desk {
    folder: tempfile::TempDir,
    manifest: Manifest,
}

impl Desk {
    fn with_quick_keys() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = pki::Options { rsa: false, ..pki::Options::default() };
        let manifest = pki::generate(&folder.path().join("certs"), &options, SystemClock.now(), &mut |_| {}).unwrap();
        Self { folder, manifest }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `check --json` with the example directory and roots.
    fn check(&self, file: &Path) -> (i32, Value) {
        let (ca, directory) = (self.manifest.ca(), self.manifest.directory_file());
        let files = [text(file), text(&directory), text(&ca.root), text(&ca.sub)];
        let [file, directory, root, sub] = files;
        json(&["check", file, "--directory", directory, "--roots", root, "--intermediates", sub, "--json"])
    }
}

fn with_doctype(packet: &str) -> String {
    let at = packet.find("?>").map_or(0, |at| at + 2);
    format!("{}<!DOCTYPE edXML [<!ENTITY a \"b\">]>{}", &packet[..at], &packet[at..])
}

fn codes(findings: &Value) -> Vec<String> {
    findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}
