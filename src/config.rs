//! The configuration of one gateway: a TOML file, then the environment, then flags; the later one wins.
//!
//! Environment variables are named `LIENTHONG__<SECTION>__<KEY>`, e.g. `LIENTHONG__API__LISTEN`; flags are
//! `--set api.listen=…`. Paths are relative to the file's folder. Secrets are never written in the file: a key ending
//! in `_file` names a file that holds the secret. Every mistake is reported, each with its key.

mod alerts;
mod canary;
mod console;
mod doors;
mod judge;
mod listeners;
mod news;
mod outlet;
mod preview;
mod statistics;
mod statutory;
mod traces;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, Digest, HopName};

use crate::logkeeper::outside::Files;
use crate::rules::schema::Strictness;

pub use alerts::{AlertRoute, AlertWebhook, Alerts, MailSecurity, MailServer, QuietHours};
pub use canary::Canary;
pub use console::{BACK as OIDC_BACK, Console, Oidc};
pub use doors::{Facade, System, Vxp, Xroad};
pub use news::{NewsQueue, Webhook};
pub use outlet::{Arriving, Outlet, OutletSystem, SentBytes};
pub use preview::Preview;
pub use statistics::{Feed, Statistics};
pub use statutory::Statutory;
pub use traces::Traces;

/// Everything an operator sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub hop: Hop,
    pub trust: Trust,
    pub directory: DirectoryFile,
    pub api: Api,
    /// Brokers that links run over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broker: Vec<Broker>,
    /// Neighbours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<Link>,
    /// Systems outside the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlet: Vec<Outlet>,
    /// Systems that call with an id and a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<System>,
    /// The door for the national axis' SDK; closed when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vxp: Option<Vxp>,
    /// The door for systems that speak the LGSP of a province; closed when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lgsp: Option<Facade>,
    /// The door for systems that speak Bkav's EdocService; closed when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bkav: Option<Facade>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xroad: Option<Xroad>,
    /// Systems that hear of news by HTTPS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhook: Vec<Webhook>,
    /// Systems that hear of news from a queue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub news_queue: Vec<NewsQueue>,
    /// The page `/check`; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// The pages for the people who watch the gateway; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<Console>,
    /// What counts as an alarm, and who is told.
    #[serde(default)]
    pub alerts: Alerts,
    /// Test documents; none are sent when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The working calendar, and what "at once" means.
    #[serde(default)]
    pub statutory: Statutory,
    /// What of the figures goes out.
    #[serde(default)]
    pub statistics: Statistics,
    #[serde(default)]
    pub delivery: Delivery,
    #[serde(default)]
    pub retention: Retention,
    #[serde(default)]
    pub ledger: Ledger,
    #[serde(default)]
    pub schemas: Schemas,
    #[serde(default)]
    pub log: Log,
    /// The collector of traces; none are made when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traces: Option<Traces>,
}

/// Whose gateway this is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// Its name among its neighbours; part of queue names and of every receipt. Never change it.
    pub name: HopName,
    /// Folder of the store; one gateway's alone.
    pub data: PathBuf,
    /// Key that signs receipts: PKCS#8 PEM, ECDSA P-256 or Ed25519.
    pub key: PathBuf,
    /// Its certificate and the issuers below the root, PEM.
    pub certificate: PathBuf,
}

/// Whom this gateway believes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Roots of the certificates that sign packets.
    pub roots: Vec<PathBuf>,
    #[serde(default)]
    pub intermediates: Vec<PathBuf>,
    #[serde(default)]
    pub crls: Vec<PathBuf>,
    /// Refuse when revocation could not be checked; otherwise it is told and recorded.
    #[serde(default)]
    pub require_revocation: bool,
    /// Roots of the certificates that sign receipts; the same as `roots` when left out.
    #[serde(default)]
    pub hop_roots: Vec<PathBuf>,
    /// Certificates registered for hops by fingerprint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pin: Vec<Pin>,
}

/// A hop's registered certificates.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    pub hop: HopName,
    pub certificates: Vec<Digest>,
}

/// The agencies.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryFile {
    pub file: PathBuf,
    /// How often the file is looked at for changes.
    #[serde(default = "five")]
    pub reload_seconds: u64,
    /// Deliver to the successor of a closed agency when there is exactly one; otherwise refuse and name it.
    #[serde(default = "yes")]
    pub forward_to_successor: bool,
}

/// The native HTTPS interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Roots of client certificates.
    pub client_roots: Vec<PathBuf>,
    #[serde(default)]
    pub client_intermediates: Vec<PathBuf>,
    #[serde(default)]
    pub client_crls: Vec<PathBuf>,
    /// Largest packet, in MiB.
    #[serde(default = "one_thousand")]
    pub max_packet_mib: u64,
    /// Requests a second of one certificate, on average and at once.
    #[serde(default = "two_thousand")]
    pub requests_per_second: u32,
    #[serde(default = "four_thousand")]
    pub request_burst: u32,
    /// Requests of one certificate under way at once.
    #[serde(default = "sixty_four")]
    pub uploads_per_caller: usize,
}

/// A RabbitMQ broker.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    pub name: String,
    /// `amqps://host:5671/vhost?auth_mechanism=external`, or with user and password in `url_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// A queue of this hop that came back dead after a failure of the broker is deleted and declared again. False for a
    /// cluster: there a queue whose other nodes are away looks the same, and would be made anew on the rest.
    #[serde(default = "yes")]
    pub renew_dead_queues: bool,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Broker").field("name", &self.name).field("url_file", &self.url_file).finish_non_exhaustive()
    }
}

/// A neighbour and what is reached through it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub peer: HopName,
    /// The broker's name; without it the neighbour must run in the same process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// Code prefixes in the new form.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Hops behind it.
    #[serde(default)]
    pub hops: Vec<HopName>,
    /// Takes what no other link takes.
    #[serde(default)]
    pub default: bool,
    /// Hours until a consignment for this neighbour fails, instead of those of `[delivery]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_hours: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent_relay_hours: Option<u64>,
}

/// The way out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Packets to one neighbour under way at once; urgent ones have places of their own.
    pub window: usize,
    pub urgent_window: usize,
    /// Seconds until a packet is sent again when no receipt has come; doubled at each try.
    pub acceptance_seconds: u64,
    /// Longest pause after failures, in seconds.
    pub longest_pause_seconds: u64,
    /// Hours until a consignment that was not passed on fails, normal and urgent.
    pub relay_hours: u64,
    pub urgent_relay_hours: u64,
    /// Days until a consignment that nobody collects from its mailbox fails.
    pub collect_days: u64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            window: 256,
            urgent_window: 64,
            acceptance_seconds: 60,
            longest_pause_seconds: 30,
            relay_hours: 48,
            urgent_relay_hours: 4,
            collect_days: 30,
        }
    }
}

/// How long what is done with is kept. Receipts, and what is told of a packet, are kept for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days from the end of a packet's last consignment until its bytes are deleted; kept for ever when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bodies_days: Option<u64>,
    /// Delete the bytes of what has ended as soon as they lie in an archive (`lienthong admin export`).
    pub after_export: bool,
    /// Days until the record of a refused packet is deleted; kept for ever when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals_days: Option<u64>,
}

impl Retention {
    /// True when anything is ever deleted.
    #[must_use]
    pub const fn deletes(&self) -> bool {
        self.bodies_days.is_some() || self.after_export || self.refusals_days.is_some()
    }
}

/// The log of receipts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ledger {
    /// Without it receipts are signed and chained as ever, and stand in no log.
    pub enabled: bool,
    /// The log's key, Ed25519, PKCS#8 PEM; made at the first start. `ledger.key` in the data folder when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The last checkpoint outside the store, best on another disk. `ledger.checkpoint` in the data folder when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<PathBuf>,
    /// How often neighbours are shown the log, in seconds.
    pub witness_seconds: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { enabled: true, key: None, checkpoint: None, witness_seconds: 60 }
    }
}

impl Config {
    /// Where the log's key and its last checkpoint are.
    #[must_use]
    pub fn ledger_files(&self) -> Files {
        let file = |set: &Option<PathBuf>, name: &str| set.clone().unwrap_or_else(|| self.hop.data.join(name));
        Files {
            key: file(&self.ledger.key, "ledger.key"),
            checkpoint: file(&self.ledger.checkpoint, "ledger.checkpoint"),
        }
    }
}

/// XML Schemas.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schemas {
    /// A folder with a `catalogue.toml` and schemas of the operator's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    pub strictness: SchemaStrictness,
}

/// What happens to a packet that only the strict schema finds fault with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaStrictness {
    Tolerant,
    #[default]
    Advise,
    Strict,
}

impl From<SchemaStrictness> for Strictness {
    fn from(choice: SchemaStrictness) -> Self {
        match choice {
            SchemaStrictness::Tolerant => Self::Tolerant,
            SchemaStrictness::Advise => Self::Advise,
            SchemaStrictness::Strict => Self::Strict,
        }
    }
}

/// The log, on standard error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `info`, or a filter such as `info,lienthong::delivery=debug`.
    pub level: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), json: false }
    }
}

/// Hours of a quarter: no packet is on its way for longer.
const MONTHS: u64 = 92 * 24;

/// A hundred years.
const MOST_DAYS: u64 = 36_525;

/// Seconds of a day: no wait is longer.
const DAY: u64 = 86_400;

const fn five() -> u64 {
    5
}
const fn yes() -> bool {
    true
}
const fn one_thousand() -> u64 {
    1024
}
const fn two_thousand() -> u32 {
    2000
}
const fn four_thousand() -> u32 {
    4000
}
const fn sixty_four() -> usize {
    64
}

/// One mistake, at one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    pub key: String,
    pub vi: String,
    pub en: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.key, self.vi, self.en)
    }
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    fn one(key: impl Into<String>, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self(vec![Mistake { key: key.into(), vi: vi.into(), en: en.into() }])
    }
}

impl Config {
    /// Reads the file, the environment and `key=value` overrides, and checks the whole.
    ///
    /// # Errors
    /// [`Mistakes`], all that were found.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Self, Mistakes> {
        let source = config::File::from(file.to_path_buf()).format(config::FileFormat::Toml);
        let environment = config::Environment::with_prefix("LIENTHONG").prefix_separator("__").separator("__");
        let mut builder = config::Config::builder().add_source(source).add_source(environment);
        for pair in overrides {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(Mistakes::one(pair, "phải có dạng khóa=giá trị", "must have the form key=value"));
            };
            builder = builder.set_override(key, value).map_err(|error| read_error(&error, file))?;
        }
        let read = builder.build().map_err(|error| read_error(&error, file))?;
        let mut loaded: Self = match read.clone().try_deserialize() {
            Ok(loaded) => loaded,
            Err(error) => {
                let mistakes = judge::mistakes(&read);
                return Err(if mistakes.is_empty() { read_error(&error, file) } else { Mistakes(mistakes) });
            }
        };
        loaded.anchor(file.parent().unwrap_or_else(|| Path::new(".")));
        loaded.check()?;
        Ok(loaded)
    }

    /// Makes relative paths relative to the file's folder.
    fn anchor(&mut self, folder: &Path) {
        let fix = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        };
        self.paths(|_, path| fix(path));
        fix(&mut self.hop.data);
        [&mut self.ledger.key, &mut self.ledger.checkpoint].into_iter().flatten().for_each(fix);
    }

    /// Every file that must exist, with its key.
    fn paths(&mut self, mut each: impl FnMut(String, &mut PathBuf)) {
        let (hop, trust, api) = (&mut self.hop, &mut self.trust, &mut self.api);
        for (key, path) in [
            ("hop.key", &mut hop.key),
            ("hop.certificate", &mut hop.certificate),
            ("directory.file", &mut self.directory.file),
            ("api.certificate", &mut api.certificate),
            ("api.key", &mut api.key),
        ] {
            each(key.to_owned(), path);
        }
        for (key, list) in [
            ("trust.roots", &mut trust.roots),
            ("trust.intermediates", &mut trust.intermediates),
            ("trust.crls", &mut trust.crls),
            ("trust.hop_roots", &mut trust.hop_roots),
            ("api.client_roots", &mut api.client_roots),
            ("api.client_intermediates", &mut api.client_intermediates),
            ("api.client_crls", &mut api.client_crls),
        ] {
            list.iter_mut().enumerate().for_each(|(index, path)| each(format!("{key}[{index}]"), path));
        }
        for (index, broker) in self.broker.iter_mut().enumerate() {
            for (key, path) in [
                ("url_file", &mut broker.url_file),
                ("ca", &mut broker.ca),
                ("certificate", &mut broker.certificate),
                ("key", &mut broker.key),
            ] {
                path.iter_mut().for_each(|path| each(format!("broker[{index}].{key}"), path));
            }
        }
        for (index, system) in self.system.iter_mut().enumerate() {
            each(format!("system[{index}].secret_file"), &mut system.secret_file);
            let second = system.second_secret_file.iter_mut();
            second.for_each(|path| each(format!("system[{index}].second_secret_file"), path));
        }
        for (name, door) in [("lgsp", &mut self.lgsp), ("bkav", &mut self.bkav)] {
            for door in door.iter_mut() {
                for (key, path) in [("certificate", &mut door.certificate), ("key", &mut door.key)] {
                    path.iter_mut().for_each(|path| each(format!("{name}.{key}"), path));
                }
            }
        }
        for xroad in self.xroad.iter_mut() {
            for (key, path) in [("xroad.certificate", &mut xroad.certificate), ("xroad.key", &mut xroad.key)] {
                path.iter_mut().for_each(|path| each(key.to_owned(), path));
            }
        }
        for vxp in self.vxp.iter_mut() {
            for (key, path) in [("vxp.certificate", &mut vxp.certificate), ("vxp.key", &mut vxp.key)] {
                path.iter_mut().for_each(|path| each(key.to_owned(), path));
            }
        }
        news::paths(&mut self.webhook, &mut each);
        outlet::paths(&mut self.outlet, &mut each);
        alerts::paths(&mut self.alerts, &mut each);
        self.canary.iter_mut().for_each(|canary| canary::paths(canary, &mut each));
        self.console.iter_mut().for_each(|console| console::paths(console, &mut each));
        self.traces.iter_mut().for_each(|traces| traces::paths(traces, &mut each));
        statutory::paths(&mut self.statutory, &mut each);
        statistics::paths(&mut self.statistics, &mut each);
        self.schemas.folder.iter_mut().for_each(|path| each("schemas.folder".to_owned(), path));
    }

    /// The files that hold secrets, each once; those of keys of certificates are not among them.
    pub fn secret_files(&self) -> BTreeSet<PathBuf> {
        let brokers = self.broker.iter().filter_map(|broker| broker.url_file.as_ref());
        let webhooks = self.webhook.iter().flat_map(|webhook| webhook.files());
        let systems = self.system.iter().flat_map(System::files);
        let outlets = self.outlet.iter().flat_map(|outlet| &outlet.system).flat_map(OutletSystem::files);
        let feed = self.statistics.feed.iter().flat_map(Feed::files);
        let traces = self.traces.iter().filter_map(|traces| traces.authorization_file.as_ref());
        let provider = self.console.iter().filter_map(|console| console.oidc.as_ref()?.client_secret_file.as_ref());
        let in_and_out = brokers.chain(webhooks).chain(systems).chain(outlets);
        in_and_out.chain(self.alerts.files()).chain(feed).chain(traces).chain(provider).cloned().collect()
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`Mistakes`], all of them.
    pub fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Vec::new();
        let mut note =
            |key: String, vi: &str, en: &str| mistakes.push(Mistake { key, vi: vi.to_owned(), en: en.to_owned() });
        for (key, list) in [("trust.roots", &self.trust.roots), ("api.client_roots", &self.api.client_roots)] {
            if list.is_empty() {
                note(
                    key.to_owned(),
                    "phải có ít nhất một tệp chứng thư gốc",
                    "at least one root certificate file is needed",
                );
            }
        }
        for (index, broker) in self.broker.iter().enumerate() {
            let key = |name: &str| format!("broker[{index}].{name}");
            if self.broker.iter().take(index).any(|other| other.name == broker.name) {
                note(key("name"), "tên này đã dùng cho máy chủ trước", "another broker has this name");
            }
            if broker.url.is_some() == broker.url_file.is_some() {
                note(
                    key("url"),
                    "cần đúng một trong hai khóa url và url_file",
                    "exactly one of url and url_file is needed",
                );
            }
            let tls = [&broker.ca, &broker.certificate, &broker.key].into_iter().flatten().count();
            if tls != 0 && tls != 3 {
                note(key("ca"), "ca, certificate và key phải đi cùng nhau", "ca, certificate and key belong together");
            }
        }
        for (index, link) in self.link.iter().enumerate() {
            let key = |name: &str| format!("link[{index}].{name}");
            if link.peer == self.hop.name {
                note(key("peer"), "không thể nối với chính mình", "a gateway cannot be its own neighbour");
            }
            if self.link.iter().take(index).any(|other| other.peer == link.peer) {
                note(key("peer"), "đã có tuyến nối tới gateway này", "there is another link to this neighbour");
            }
            if let Some(name) = &link.broker
                && !self.broker.iter().any(|broker| broker.name == *name)
            {
                note(key("broker"), "không có máy chủ AMQP nào mang tên này", "no broker has this name");
            }
        }
        for (index, link) in self.link.iter().enumerate() {
            for (key, hours) in [("relay_hours", link.relay_hours), ("urgent_relay_hours", link.urgent_relay_hours)] {
                if hours.is_some_and(|hours| !(1..=MONTHS).contains(&hours)) {
                    let (vi, en) = (format!("phải từ 1 đến {MONTHS}"), format!("must be between 1 and {MONTHS}"));
                    note(format!("link[{index}].{key}"), &vi, &en);
                }
            }
        }
        if self.link.iter().filter(|link| link.default).count() > 1 {
            note("link".to_owned(), "chỉ được có một tuyến mặc định", "only one link can be the default");
        }
        for (index, link) in self.link.iter().enumerate() {
            for prefix in link.prefixes.iter().filter(|prefix| !is_prefix(prefix)) {
                let (vi, en) = (
                    format!("{prefix:?} không phải tiền tố mã dạng mới, thí dụ H49 hoặc G"),
                    format!("{prefix:?} is no code prefix of the new form, such as H49 or G"),
                );
                note(format!("link[{index}].prefixes"), &vi, &en);
            }
        }
        outlet::check(self, &mut note);
        for (index, pin) in self.trust.pin.iter().enumerate().filter(|(_, pin)| pin.certificates.is_empty()) {
            let (vi, en) = ("không có chứng thư nào cho", "there is no certificate for");
            note(
                format!("trust.pin[{index}].certificates"),
                &format!("{vi} {}", pin.hop),
                &format!("{en} {}", pin.hop),
            );
        }
        for (key, value, most) in [
            ("api.max_packet_mib", self.api.max_packet_mib, 1 << 20),
            ("directory.reload_seconds", self.directory.reload_seconds, DAY),
            ("delivery.acceptance_seconds", self.delivery.acceptance_seconds, DAY),
            ("delivery.longest_pause_seconds", self.delivery.longest_pause_seconds, DAY),
            ("delivery.relay_hours", self.delivery.relay_hours, MONTHS),
            ("delivery.urgent_relay_hours", self.delivery.urgent_relay_hours, MONTHS),
            ("delivery.collect_days", self.delivery.collect_days, 3650),
            ("ledger.witness_seconds", self.ledger.witness_seconds, DAY),
            ("delivery.window", self.delivery.window as u64, 1 << 16),
            ("delivery.urgent_window", self.delivery.urgent_window as u64, 1 << 16),
        ] {
            if !(1..=most).contains(&value) {
                note(key.to_owned(), &format!("phải từ 1 đến {most}"), &format!("must be between 1 and {most}"));
            }
        }
        for (key, days) in [
            ("retention.bodies_days", self.retention.bodies_days),
            ("retention.refusals_days", self.retention.refusals_days),
        ] {
            if days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
                note(
                    key.to_owned(),
                    &format!("phải từ 1 đến {MOST_DAYS}"),
                    &format!("must be between 1 and {MOST_DAYS}"),
                );
            }
        }
        listeners::check(self, &mut note);
        doors::check(self, &mut note);
        if let Some(console) = &self.console {
            console::check(console, &mut note);
        }
        if let Some(preview) = &self.preview {
            preview::check(preview, &mut note);
        }
        news::check(self, &mut note);
        alerts::check(self, &mut note);
        if let Some(canary) = &self.canary {
            canary::check(canary, &mut note);
        }
        statutory::check(&self.statutory, &mut note);
        statistics::check(self, &mut note);
        if let Some(traces) = &self.traces {
            traces::check(traces, &mut note);
        }
        let mut paths = self.clone();
        paths.paths(|key, path| {
            if !path.exists() {
                let (vi, en) =
                    (format!("không có tệp {}", path.display()), format!("no such file: {}", path.display()));
                note(key, &vi, &en);
            }
        });
        if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
    }
}

/// `H49`, `H49.01`, or the letter of a whole group.
fn is_prefix(prefix: &str) -> bool {
    matches!(prefix.as_bytes(), [b'A'..=b'Z'])
        || prefix.parse::<AgencyCode>().is_ok_and(|code| code.to_new_form().as_str() == prefix)
}

fn read_error(error: &config::ConfigError, file: &Path) -> Mistakes {
    let key = match error {
        config::ConfigError::At { key: Some(key), .. } | config::ConfigError::Type { key: Some(key), .. } => {
            key.clone()
        }
        config::ConfigError::NotFound(key) => key.clone(),
        _ => file.display().to_string(),
    };
    Mistakes::one(
        key,
        format!("không đọc được cấu hình: {error}"),
        format!("the configuration cannot be read: {error}"),
    )
}

#[cfg(test)]
mod tests;
