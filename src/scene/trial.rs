//! What a newcomer needs beside the keys to go on alone: for each gateway a configuration that `serve` starts with at
//! once, and a letter to hand in.
//!
//! Paths in the configurations are relative to their own folders, so that the whole folder may be moved. They have no
//! broker and no neighbour: one gateway is enough for two agencies that it serves itself. What links it to the others
//! stands below, commented out.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lienthong_contract::Instant;
use serde::Serialize;

use super::{BrokerAt, Error, HOPS, Letter, SENDER, configuration, example_pdf};
use crate::config::{Broker, Config, Link};
use crate::edxml::model::Urgency;
use crate::pki::Manifest;

/// An agency that the sender's own gateway serves: no link is needed between them.
pub const NEIGHBOUR: &str = "H37.91";
/// The letter's own name.
pub const LETTER: &str = "example.edxml";

/// Where the first gateway listens; each of the next takes the next port.
const FIRST_PORT: u16 = 8443;
/// What a letter is for. Each use has its own numbers, all above those that the demo counts up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To be handed in by whoever tries the gateway.
    ToSend = 1_000_000,
    /// To lie in a mailbox.
    Waiting = 2_000_000,
}

const HEAD: &str = "\
# A gateway of the example world, written by `lienthong certs`: for trials only, see ../../README.txt.\n\
# Cấu hình chạy thử, không dùng trong vận hành thật. Paths are relative to this file's folder.\n\n";

const LINKED: &str = "\n\
# A gateway works without [[broker]] and [[link]] and then serves its own agencies alone. With a RabbitMQ that uses\n\
# ../../broker/tls.pem this links it to the others. — Bỏ dấu # để nối với các trục khác qua RabbitMQ.\n";

/// A gateway's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gateway {
    pub hop: String,
    pub configuration: PathBuf,
    /// As a caller on this machine names it.
    pub address: String,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trial {
    pub gateways: Vec<Gateway>,
    /// A letter from [`SENDER`] to [`NEIGHBOUR`], unsigned: `send` signs it.
    pub letter: PathBuf,
}

/// Writes configurations and the letter into the folder of the example PKI.
///
/// # Errors
/// [`Error::Missing`], [`Error::Io`].
pub fn write(manifest: &Manifest, now: Instant) -> Result<Trial, Error> {
    let mut gateways = Vec::new();
    for (hop, port) in HOPS.into_iter().zip(FIRST_PORT..) {
        let file = manifest.root().join("hops").join(hop).join("lienthong.toml");
        fs::write(&file, text(manifest, hop, port)?)?;
        gateways.push(Gateway {
            hop: hop.to_owned(),
            configuration: file,
            address: format!("https://localhost:{port}"),
        });
    }
    let letter = manifest.root().join(LETTER);
    write_letter(&letter, &[NEIGHBOUR], now)?;
    Ok(Trial { gateways, letter })
}

/// Writes an unsigned letter from [`SENDER`] that the gateway takes once it is signed.
///
/// # Errors
/// [`Error::Io`].
pub fn write_letter(file: &Path, to: &[&str], now: Instant) -> Result<(), Error> {
    Ok(fs::write(file, letter_packet(Use::ToSend, to, now)?)?)
}

/// A letter itself. Its number follows the time of day: those made later on the same day are other documents.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn letter_packet(purpose: Use, to: &[&str], now: Instant) -> io::Result<Vec<u8>> {
    let local = now.in_vietnam();
    let time = local.strftime("%H%M%S").to_string().parse::<u32>().unwrap_or_default();
    let letter = Letter {
        from: SENDER,
        to,
        number: purpose as u32 + time,
        date: local.date(),
        subject: "Về việc chạy thử trục liên thông (thí dụ)",
        urgency: Urgency::Normal,
        attachment: &example_pdf(6 * 1024),
    };
    letter.packet()
}

/// What joins a gateway to others.
#[derive(Serialize)]
struct Joints {
    broker: Vec<Broker>,
    link: Vec<Link>,
}

fn text(manifest: &Manifest, hop: &str, port: u16) -> Result<String, Error> {
    let broker = BrokerAt { url: "amqps://localhost:5671/lienthong?auth_mechanism=external".to_owned(), tls: true };
    let here = manifest.seen_from(Path::new("../.."));
    let mut config: Config = configuration(&here, hop, Path::new("data"), Some(&broker))?;
    config.api.listen.set_port(port);
    // Rates of an example in deploy/, not those of the benchmark.
    (config.api.requests_per_second, config.api.request_burst, config.api.uploads_per_caller) = (200, 400, 64);
    let joints = Joints { broker: std::mem::take(&mut config.broker), link: std::mem::take(&mut config.link) };
    let mut text = format!("{HEAD}{}{LINKED}", toml::to_string(&config).map_err(io::Error::other)?);
    for line in toml::to_string(&joints).map_err(io::Error::other)?.lines() {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", format!("# {line}").trim_end());
    }
    Ok(text)
}
