//! What stands behind the front: a real gateway with a VXP door, in a folder.
//!
//! Nothing here answers by itself: what the sandbox says is what a gateway says. It serves every agency of the example
//! directory itself, and takes packets without signatures, as the senders of the axis send them.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lienthong_contract::{AgencyCode, Clock, Digest};
use ring::rand::{SecureRandom, SystemRandom};
use toml::{Table, Value};

use super::{Error, MadeSystem, SecretFrom, Setup, System};
use crate::config;
use crate::directory::Directory;
use crate::gateway::Gateway;
use crate::link::inprocess::Hub;
use crate::pki::{self, Manifest};
use crate::scene;

/// Whose gateway it is among the gateways of the example PKI.
pub const HOP: &str = "nation";
/// Paths below which the operations stand, as software in the field is set up.
pub const PATHS: [&str; 2] = ["/", "/XrdAdapter/adapter"];
/// Limits of the door behind: they are not what is tried here.
const PER_SECOND: u32 = 1 << 20;
const AT_ONCE: usize = 4096;
/// Bytes of a secret that is made here.
const SECRET: usize = 24;

/// The gateway behind, and the systems that it knows.
pub struct World {
    pub gateway: Gateway,
    pub door: SocketAddr,
    pub systems: Vec<MadeSystem>,
    pub manifest: Manifest,
}

impl World {
    pub async fn start(setup: &Setup, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let folder = &setup.folder;
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { path, source }
        };
        fs::create_dir_all(folder).map_err(at(folder))?;
        let manifest = match &setup.keys {
            Some(keys) => keys.clone(),
            None => keys(&folder.join("certs"), clock.as_ref())?,
        };
        let directory = folder.join("agencies.toml");
        let text = agencies(&manifest.directory_file(), &setup.systems)?;
        fs::write(&directory, text).map_err(at(&directory))?;
        let secrets = folder.join("systems");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&secrets).map_err(at(&secrets))?;
        let systems = setup.systems.iter().map(|system| made(system, &secrets)).collect::<Result<Vec<_>, _>>()?;

        let mut config = scene::configuration(&manifest, HOP, &folder.join("axis"), None)?;
        config.link.clear();
        config.directory.file = directory;
        config.system = systems.iter().map(in_configuration).collect();
        let mut vxp = config::Vxp::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        vxp.plain_http = true;
        vxp.paths = PATHS.map(str::to_owned).to_vec();
        (vxp.requests_per_second, vxp.request_burst, vxp.requests_at_once) = (PER_SECOND, PER_SECOND, AT_ONCE);
        config.vxp = Some(vxp);
        config.check()?;
        let gateway = Gateway::start(&config, &Hub::new(), clock).await?;
        let door = gateway.vxp_address.ok_or(Error::NoDoor)?;
        Ok(Self { gateway, door, systems, manifest })
    }
}

/// The keys in this folder, made when there are none.
fn keys(folder: &Path, clock: &dyn Clock) -> Result<Manifest, Error> {
    if let Ok(manifest) = Manifest::load(folder) {
        return Ok(manifest);
    }
    let options = pki::Options { rsa: false, ..pki::Options::default() };
    Ok(pki::generate(folder, &options, clock.now(), &mut |_| {})?)
}

/// The directory with every mailbox here and no signature asked for; agencies of systems that it does not list are added.
fn agencies(file: &Path, systems: &[System]) -> Result<String, Error> {
    let unreadable = |what: &dyn std::fmt::Display| Error::File {
        path: file.to_owned(),
        source: io::Error::new(ErrorKind::InvalidData, what.to_string()),
    };
    let listed = Directory::open(file)?.snapshot();
    let text = fs::read_to_string(file).map_err(|source| Error::File { path: file.to_owned(), source })?;
    let mut directory: Table = text.parse().map_err(|error: toml::de::Error| unreadable(&error))?;
    let rows = directory.get_mut("agency").and_then(Value::as_array_mut);
    let rows = rows.ok_or_else(|| unreadable(&"no [[agency]]"))?;
    for row in rows.iter_mut().filter_map(Value::as_table_mut) {
        serve_here(row);
    }
    let mut added: Vec<AgencyCode> = Vec::new();
    for code in systems.iter().flat_map(|system| &system.agencies) {
        let code = code.to_new_form();
        if listed.lookup(&code).is_none() && !added.contains(&code) {
            let mut row = Table::new();
            row.insert("code".to_owned(), code.as_str().into());
            row.insert("name".to_owned(), format!("Cơ quan thử nghiệm {code}").into());
            row.insert("name_en".to_owned(), format!("Agency on trial {code}").into());
            serve_here(&mut row);
            rows.push(row.into());
            added.push(code);
        }
    }
    toml::to_string(&directory).map_err(|error| unreadable(&error))
}

fn serve_here(row: &mut Table) {
    row.insert("hop".to_owned(), HOP.into());
    let policy = row.entry("policy").or_insert_with(|| Table::new().into());
    if let Some(policy) = policy.as_table_mut() {
        policy.insert("packet_signature".to_owned(), "optional".into());
    }
}

/// A system with its secret in a file.
fn made(system: &System, folder: &Path) -> Result<MadeSystem, Error> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    let name =
        if system.id.chars().all(plain) { system.id.clone() } else { Digest::of(system.id.as_bytes()).to_string() };
    let own = folder.join(format!("{}.secret", name.replace(':', "-")));
    let failed = |source| Error::File { path: own.clone(), source };
    let (secret_file, made_here) = match &system.secret {
        SecretFrom::File(file) => (file.clone(), false),
        SecretFrom::Text(secret) => {
            match fs::remove_file(&own) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
            write_secret(&own, secret).map_err(failed)?;
            (own, false)
        }
        SecretFrom::Made => {
            let mut secret = [0; SECRET];
            SystemRandom::new().fill(&mut secret).map_err(|_| Error::NoSecret)?;
            let secret = base64_simd::URL_SAFE_NO_PAD.encode_to_string(secret);
            match write_secret(&own, &secret) {
                // That of an earlier run in the same folder: clients may be set up with it.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                written => written.map_err(failed)?,
            }
            (own, true)
        }
    };
    Ok(MadeSystem { id: system.id.clone(), secret_file, made_here, agencies: system.agencies.clone() })
}

fn write_secret(path: &PathBuf, secret: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(format!("{secret}\n").as_bytes())
}

fn in_configuration(system: &MadeSystem) -> config::System {
    config::System {
        id: system.id.clone(),
        secret_file: system.secret_file.clone(),
        second_secret_file: None,
        agencies: system.agencies.clone(),
        networks: Vec::new(),
    }
}
