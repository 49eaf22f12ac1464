//! The doors beside the native one, and the systems that come through them.

use std::net::SocketAddr;
use std::path::PathBuf;

use lienthong_contract::system::Network;
use lienthong_contract::{AgencyCode, HopName};
use serde::{Deserialize, Serialize};

use super::{Config, DAY};

/// A system that calls with an id and a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// As it writes itself, letter by letter; often its agency's code.
    pub id: String,
    /// File that holds its secret, on one line. Read again when it changes.
    pub secret_file: PathBuf,
    /// A second secret that counts as well, while one is exchanged for the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_secret_file: Option<PathBuf>,
    /// Agencies that it speaks for; the first one is its own.
    pub agencies: Vec<AgencyCode>,
    /// Addresses that it may call from, such as `10.20.0.0/16`; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
}

impl System {
    /// Files of secrets.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.secret_file).chain(&self.second_secret_file)
    }
}

/// The door for systems that speak the VXP protocol.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vxp {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// With them over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// In the clear, behind a security server or a proxy that has the TLS.
    #[serde(default)]
    pub plain_http: bool,
    /// Paths below which the operations stand.
    #[serde(default = "top")]
    pub paths: Vec<String>,
    /// Largest packet, in MiB.
    #[serde(default = "packet_mib")]
    pub max_packet_mib: u64,
    /// Requests a second of one system, on average and at once.
    #[serde(default = "per_second")]
    pub requests_per_second: u32,
    #[serde(default = "burst")]
    pub request_burst: u32,
    /// Requests of one system under way at once.
    #[serde(default = "at_once")]
    pub requests_at_once: usize,
    /// Oldest timestamp of a request. Clients keep one timestamp for days: leave it out unless all of yours do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<u64>,
}

/// A door for systems that speak the REST of a province or a vendor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facade {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// With them over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// In the clear, behind a proxy that has the TLS.
    #[serde(default)]
    pub plain_http: bool,
    /// Paths below which the operations stand.
    #[serde(default = "top")]
    pub paths: Vec<String>,
    /// Largest packet, in MiB.
    #[serde(default = "packet_mib")]
    pub max_packet_mib: u64,
    /// Requests a second of one system, on average and at once.
    #[serde(default = "per_second")]
    pub requests_per_second: u32,
    #[serde(default = "burst")]
    pub request_burst: u32,
    /// Requests of one system under way at once.
    #[serde(default = "at_once")]
    pub requests_at_once: usize,
}

/// The door that our own X-Road style security server hands packets in at.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xroad {
    /// The `[[outlet]]` whose systems the packets come from.
    pub outlet: HopName,
    /// The `[[system]]` that the security server calls as.
    pub system: String,
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// With them over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// In the clear, from a security server within the own walls.
    #[serde(default)]
    pub plain_http: bool,
    /// Paths below which `api/lienthong/v1/…` stands.
    #[serde(default = "top")]
    pub paths: Vec<String>,
    /// Largest packet, in MiB.
    #[serde(default = "packet_mib")]
    pub max_packet_mib: u64,
    /// Requests a second, on average and at once.
    #[serde(default = "per_second")]
    pub requests_per_second: u32,
    #[serde(default = "burst")]
    pub request_burst: u32,
    /// Requests under way at once.
    #[serde(default = "at_once")]
    pub requests_at_once: usize,
}

/// What all doors have in common.
impl From<&Xroad> for Facade {
    fn from(xroad: &Xroad) -> Self {
        Self {
            listen: xroad.listen,
            certificate: xroad.certificate.clone(),
            key: xroad.key.clone(),
            plain_http: xroad.plain_http,
            paths: xroad.paths.clone(),
            max_packet_mib: xroad.max_packet_mib,
            requests_per_second: xroad.requests_per_second,
            request_burst: xroad.request_burst,
            requests_at_once: xroad.requests_at_once,
        }
    }
}

impl Facade {
    /// The door with its usual settings.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self::from(&Vxp::at(listen))
    }
}

/// What all doors have in common.
impl From<&Vxp> for Facade {
    fn from(vxp: &Vxp) -> Self {
        Self {
            listen: vxp.listen,
            certificate: vxp.certificate.clone(),
            key: vxp.key.clone(),
            plain_http: vxp.plain_http,
            paths: vxp.paths.clone(),
            max_packet_mib: vxp.max_packet_mib,
            requests_per_second: vxp.requests_per_second,
            request_burst: vxp.request_burst,
            requests_at_once: vxp.requests_at_once,
        }
    }
}

impl Vxp {
    /// The door with its usual settings.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            certificate: None,
            key: None,
            plain_http: false,
            paths: top(),
            max_packet_mib: packet_mib(),
            requests_per_second: per_second(),
            request_burst: burst(),
            requests_at_once: at_once(),
            max_age_seconds: None,
        }
    }
}

fn top() -> Vec<String> {
    vec!["/".to_owned()]
}
const fn packet_mib() -> u64 {
    128
}
const fn per_second() -> u32 {
    200
}
const fn burst() -> u32 {
    400
}
const fn at_once() -> usize {
    32
}

/// Longest id of a system, in bytes.
pub(super) const MAX_ID: usize = 128;

/// Whether a text can be the id of a system.
pub(super) fn is_system_id(id: &str) -> bool {
    !id.is_empty() && id.trim() == id && id.len() <= MAX_ID
}

/// Days of a year, in seconds.
const YEAR: u64 = 366 * DAY;

impl Config {
    /// The doors of provinces and vendors, by the names of their sections.
    pub fn facades(&self) -> impl Iterator<Item = (&'static str, &Facade)> {
        let doors = [("lgsp", &self.lgsp), ("bkav", &self.bkav)];
        doors.into_iter().filter_map(|(name, door)| door.as_ref().map(|door| (name, door)))
    }
}

/// Checks what the types cannot say.
pub(super) fn check(config: &Config, note: &mut dyn FnMut(String, &str, &str)) {
    for (index, system) in config.system.iter().enumerate() {
        let key = |name: &str| format!("system[{index}].{name}");
        if !is_system_id(&system.id) {
            let (vi, en) = ("phải có từ 1 đến 128 byte, không có khoảng trắng ở hai đầu", "must be 1 to 128 bytes");
            note(key("id"), vi, en);
        }
        if config.system.iter().take(index).any(|other| other.id == system.id) {
            note(key("id"), "mã hệ thống này đã khai ở trên", "another system has this id");
        }
        if system.agencies.is_empty() {
            note(key("agencies"), "phải có ít nhất một cơ quan", "at least one agency is needed");
        }
        if system.second_secret_file.as_ref() == Some(&system.secret_file) {
            note(key("second_secret_file"), "phải khác secret_file", "must be another file than secret_file");
        }
        for network in system.networks.iter().filter(|text| text.parse::<Network>().is_err()) {
            let (vi, en) = (
                format!("{network:?} không phải dải địa chỉ, thí dụ 10.20.0.0/16"),
                format!("{network:?} is no range of addresses such as 10.20.0.0/16"),
            );
            note(key("networks"), &vi, &en);
        }
    }
    if let Some(vxp) = &config.vxp {
        check_door("vxp", &vxp.into(), note);
        if !(1..=YEAR).contains(&vxp.max_age_seconds.unwrap_or(1)) {
            let (vi, en) = (format!("phải từ 1 đến {YEAR}"), format!("must be between 1 and {YEAR}"));
            note("vxp.max_age_seconds".to_owned(), &vi, &en);
        }
    }
    for (name, door) in config.facades() {
        check_door(name, door, note);
    }
    if let Some(xroad) = &config.xroad {
        check_door("xroad", &xroad.into(), note);
        if config.outlet.iter().all(|outlet| outlet.name != xroad.outlet) {
            note("xroad.outlet".to_owned(), "không có [[outlet]] tên này", "there is no [[outlet]] of this name");
        }
        if config.system.iter().all(|system| system.id != xroad.system) {
            note("xroad.system".to_owned(), "không có [[system]] mã này", "there is no [[system]] of this id");
        }
    }
}

fn check_door(name: &str, door: &Facade, note: &mut dyn FnMut(String, &str, &str)) {
    let key = |field: &str| format!("{name}.{field}");
    match (&door.certificate, &door.key, door.plain_http) {
        (Some(_), Some(_), false) | (None, None, true) => {}
        (Some(_), Some(_), true) => {
            note(key("plain_http"), "không đi cùng certificate và key", "does not go with certificate and key")
        }
        (None, None, false) => note(
            key("certificate"),
            "cần certificate và key, hoặc plain_http = true khi có máy chủ bảo mật hay proxy đứng trước",
            "certificate and key are needed, or plain_http = true behind a security server or proxy",
        ),
        _ => note(key("key"), "certificate và key phải đi cùng nhau", "certificate and key belong together"),
    }
    if door.paths.is_empty() || door.paths.iter().any(|path| !path.starts_with('/') || path.contains(['?', '#'])) {
        let (vi, en) = ("mỗi đường dẫn bắt đầu bằng /, cần ít nhất một", "each begins with /, and one is needed");
        note(key("paths"), vi, en);
    }
    for (field, value, most) in [
        ("max_packet_mib", door.max_packet_mib, 1 << 20),
        ("requests_per_second", u64::from(door.requests_per_second), 1 << 20),
        ("request_burst", u64::from(door.request_burst), 1 << 20),
        ("requests_at_once", door.requests_at_once as u64, 1 << 16),
    ] {
        if !(1..=most).contains(&value) {
            let (vi, en) = (format!("phải từ 1 đến {most}"), format!("must be between 1 and {most}"));
            note(key(field), &vi, &en);
        }
    }
}
