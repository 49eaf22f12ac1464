//! The example PKI is what it says: complete, closed to strangers, found by role, and fitting its directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lienthong_contract::{AgencyCode, HopName, Instant};

use super::{Error, Manifest, Options, generate};
use crate::trust::certificate::{self, KeyKind};

/// The moment the tests live at: 2026-09-21T21:13:20+07:00.
pub(crate) const NOW: Instant = Instant::from_millis(1_790_000_000_000);

/// A PKI for the tests of one process; the folder goes when the last of them is done.
pub(crate) struct Example {
    pub manifest: Manifest,
    folder: tempfile::TempDir,
}

/// The PKI for most tests: P-256 keys (but for the RSA keys of the case `weak-key`), made in an instant.
pub(crate) fn example() -> Arc<Example> {
    static SHARED: Mutex<Weak<Example>> = Mutex::new(Weak::new());
    shared(&SHARED, false)
}

/// The PKI as the demo has it, with RSA-2048 keys among the others; some seconds where nothing is optimised.
pub(crate) fn example_with_rsa() -> Arc<Example> {
    static SHARED: Mutex<Weak<Example>> = Mutex::new(Weak::new());
    shared(&SHARED, true)
}

fn shared(slot: &Mutex<Weak<Example>>, rsa: bool) -> Arc<Example> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(example) = slot.upgrade() {
        return example;
    }
    let folder = tempfile::tempdir().unwrap();
    let manifest = generate(folder.path(), &Options { rsa, ..Options::default() }, NOW, &mut |_| {}).unwrap();
    let example = Arc::new(Example { manifest, folder });
    *slot = Arc::downgrade(&example);
    example
}

fn every_file(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(every_file(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn the_manifest_reads_back_as_what_was_made() {
    let example = example();
    assert_eq!(Manifest::load(example.folder.path()).unwrap(), example.manifest);
    assert!(matches!(Manifest::load(Path::new("/nonexistent")), Err(Error::File { .. })));
    assert!(example.manifest.agency("H37.90").is_some() && example.manifest.agency("H99").is_none());
}

#[test]
fn every_file_named_by_the_manifest_can_be_read() {
    let manifest = &example().manifest;
    let mut chains = vec![manifest.broker().chain, manifest.ca().root, manifest.ca().sub, manifest.ca().other_root];
    let mut keys = vec![manifest.broker().key, manifest.ca().root_key, manifest.ca().sub_key];
    for name in manifest.hop_names() {
        let hop = manifest.hop(name).unwrap();
        name.parse::<HopName>().unwrap();
        chains.extend([hop.tls_chain, hop.receipts_chain]);
        keys.extend([hop.tls_key, hop.receipts_key]);
    }
    let agencies = manifest.agency_codes().map(|code| manifest.agency(code).unwrap());
    for files in agencies.chain(manifest.bad_cases().map(|case| manifest.bad(case).unwrap().files)) {
        chains.extend([files.client_chain, files.sign_chain]);
        keys.extend([files.client_key, files.sign_key]);
    }
    assert!(chains.len() > 40, "{}", chains.len());
    for chain in chains {
        assert!(!certificate::read_chain(&chain).unwrap().is_empty(), "{}", chain.display());
    }
    for key in keys {
        assert!(std::fs::read_to_string(&key).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"), "{}", key.display());
    }
    assert_eq!(manifest.hop_names().collect::<Vec<_>>(), ["province-a", "nation", "province-b"]);
    assert!(manifest.agency_codes().count() >= 8);
}

#[cfg(unix)]
#[test]
fn private_keys_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let example = example();
    let mut keys = 0;
    for path in every_file(example.folder.path()) {
        let secret = std::fs::read_to_string(&path).unwrap().contains("PRIVATE KEY");
        assert_eq!(secret, path.extension().is_some_and(|end| end == "key"), "{}", path.display());
        if secret {
            keys += 1;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
    assert!(keys > 40, "{keys}");
}

#[test]
fn the_keys_are_a_mix_and_every_serial_number_is_its_own() {
    let manifest = &example_with_rsa().manifest;
    let agencies: Vec<_> = manifest.agency_codes().map(|code| manifest.agency(code).unwrap()).collect();
    let mut serials = BTreeSet::new();
    let mut rsa = 0;
    for path in agencies.iter().flat_map(|files| [&files.client_chain, &files.sign_chain]) {
        let chain = certificate::read_chain(path).unwrap();
        assert!(serials.insert(chain[0].serial().to_owned()));
        assert!(matches!(chain[0].key(), KeyKind::Rsa { bits: 2048 } | KeyKind::P256));
        rsa += usize::from(*chain[0].key() == KeyKind::Rsa { bits: 2048 });
        assert_eq!(chain.len(), 2, "the chain holds the sub-authority too");
    }
    assert!(rsa >= 4 && rsa + 4 <= serials.len(), "{rsa} of {}", serials.len());
}

#[test]
fn the_directory_names_the_certificates_and_its_codes_map_to_each_other() {
    let manifest = &example().manifest;
    let text = std::fs::read_to_string(manifest.directory_file()).unwrap();
    let directory: toml::Table = text.parse().unwrap();
    let rows = directory["agency"].as_array().unwrap();
    let codes: Vec<&str> = rows.iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(codes, manifest.agency_codes().collect::<Vec<_>>());
    for row in rows {
        let code = row["code"].as_str().unwrap();
        let old = AgencyCode::parse(row["old_code"].as_str().unwrap()).unwrap();
        assert!(old.is_old_form());
        assert_eq!(old.to_new_form().as_str(), code);
        let files = manifest.agency(code).unwrap();
        for (field, path) in [("client_certificates", files.client_chain), ("signing_certificates", files.sign_chain)] {
            let fingerprint = certificate::read_chain(&path).unwrap()[0].fingerprint().to_string();
            assert_eq!(row[field].as_array().unwrap()[0].as_str().unwrap(), fingerprint, "{code} {field}");
        }
        assert!(manifest.hop(row["hop"].as_str().unwrap()).is_some(), "{code}");
        assert_eq!(row["policy"]["transport"].as_str(), Some("required"));
        let named = |field: &str| row.get(field).and_then(|list| list.as_array().cloned()).unwrap_or_default();
        for other in named("successors").iter().chain(&named("speaks_for")).chain(row.get("parent")) {
            assert!(codes.contains(&other.as_str().unwrap()), "{code} names {other}");
        }
    }
    let row = |code: &str| rows.iter().find(|row| row["code"].as_str() == Some(code)).unwrap();
    assert_eq!(row("H47.90")["valid_to"].as_str(), Some("2025-06-30"));
    assert_eq!(row("H47.90")["successors"].as_array().unwrap()[0].as_str(), Some("H37.91"));
    assert_eq!(row("H37.92")["locked"].as_bool(), Some(true));
}

#[test]
fn a_finished_folder_is_left_alone_and_an_unfinished_one_is_made_again() {
    let example = example();
    let again = generate(example.folder.path(), &Options::default(), NOW, &mut |_| panic!("it must not begin"));
    assert!(matches!(again, Err(Error::Exists(_))));

    let quick = Options { rsa: false, hosts: vec!["gw.example.vn".into(), "10.0.0.7".into()], ..Options::default() };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("ca/root.pem")).unwrap();
    let broken = generate(folder.path(), &quick, NOW, &mut |_| {});
    assert!(matches!(&broken, Err(Error::File { path, .. }) if path.ends_with("ca/root.pem")), "{broken:?}");
    assert!(Manifest::load(folder.path()).is_err(), "an interrupted run has no manifest");
    std::fs::remove_dir(folder.path().join("ca/root.pem")).unwrap();
    let mut steps = 0;
    let made = generate(folder.path(), &quick, NOW, &mut |_| steps += 1).unwrap();
    assert!(steps > 15, "{steps}");
    let old = certificate::read_chain(&made.ca().root).unwrap()[0].fingerprint();
    let made = generate(folder.path(), &Options { overwrite: true, ..quick }, NOW, &mut |_| {}).unwrap();
    assert_ne!(certificate::read_chain(&made.ca().root).unwrap()[0].fingerprint(), old);
}
