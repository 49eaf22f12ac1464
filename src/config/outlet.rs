//! `[[outlet]]`: systems outside the network, and what is reached through them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, HopName};

use super::doors::{MAX_ID, is_system_id};
use super::{Config, MONTHS, is_prefix};

/// A system outside the network that packets are handed to, and that has packets for agencies here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlet {
    /// Its name here; in receipts, in the directory's `hop`, and nobody else's, hops included.
    pub name: HopName,
    /// Which adapter of this program speaks to it.
    pub adapter: String,
    /// What that adapter wants to know: addresses, user names. Secrets stand in files; a key that ends in `_file` names one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// As whom the gateway calls it, where it knows its callers by an id and a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<OutletSystem>,
    /// Code prefixes in the new form.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Takes what no link and no other outlet takes.
    #[serde(default)]
    pub default: bool,
    /// Days that the system has to report what became of a document. Without it, it reports nothing: that it took a document
    /// is the last that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_days: Option<u64>,
    /// Hours until a consignment for it fails, instead of those of `[delivery]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_hours: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent_relay_hours: Option<u64>,
    /// What is asked of packets that come from it.
    #[serde(default)]
    pub arriving: Arriving,
    /// Which bytes of a packet are handed to it.
    #[serde(default)]
    pub bytes: SentBytes,
}

/// The gateway as a system that calls another.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutletSystem {
    /// As the other side knows it, letter by letter.
    pub id: String,
    /// File that holds its secret, on one line. Read again when it changes.
    pub secret_file: PathBuf,
    /// A second secret, while the other side exchanges one for the other: whichever it takes is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_secret_file: Option<PathBuf>,
    /// Agencies whose packets are sent under this id; everybody else's when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agencies: Vec<AgencyCode>,
}

impl OutletSystem {
    /// Files of secrets.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.secret_file).chain(&self.second_secret_file)
    }
}

impl Outlet {
    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        let settings = self.settings.iter().filter(|(key, _)| key.ends_with("_file"));
        settings.map(|(_, path)| PathBuf::from(path)).chain(self.system.iter().flat_map(OutletSystem::files).cloned())
    }
}

/// What is asked of packets that come from an outlet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arriving {
    /// A packet without a signature, or with a sample's one, is taken and told as such.
    #[default]
    Tolerant,
    /// The directory's policy for the sender is asked for, as at any other door.
    Signed,
}

/// Which bytes of a packet a system outside gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SentBytes {
    /// Those that the sender signed.
    #[default]
    Original,
    /// The packet written anew in the element order and with the prefixes of the official library, without its signature.
    Sdk,
}

/// Files that must exist: those that adapters' settings name.
pub(super) fn paths(outlets: &mut [Outlet], each: &mut impl FnMut(String, &mut PathBuf)) {
    for (index, outlet) in outlets.iter_mut().enumerate() {
        for (key, value) in outlet.settings.iter_mut().filter(|(key, _)| key.ends_with("_file")) {
            let mut path = PathBuf::from(&*value);
            each(format!("outlet[{index}].settings.{key}"), &mut path);
            *value = path.to_string_lossy().into_owned();
        }
        for (place, system) in outlet.system.iter_mut().enumerate() {
            let key = |name: &str| format!("outlet[{index}].system[{place}].{name}");
            each(key("secret_file"), &mut system.secret_file);
            system.second_secret_file.iter_mut().for_each(|path| each(key("second_secret_file"), path));
        }
    }
}

/// What the types cannot say.
pub(super) fn check(config: &Config, note: &mut impl FnMut(String, &str, &str)) {
    for (index, outlet) in config.outlet.iter().enumerate() {
        let key = |name: &str| format!("outlet[{index}].{name}");
        let taken = outlet.name == config.hop.name
            || config.link.iter().any(|link| link.peer == outlet.name || link.hops.contains(&outlet.name))
            || config.outlet.iter().take(index).any(|other| other.name == outlet.name);
        if taken {
            note(
                key("name"),
                "tên này đã thuộc về gateway này, một trục khác hoặc một cửa ra khác",
                "this gateway, another hop or another outlet has this name",
            );
        }
        for (name, value, most) in [
            ("report_days", outlet.report_days, 3650),
            ("relay_hours", outlet.relay_hours, MONTHS),
            ("urgent_relay_hours", outlet.urgent_relay_hours, MONTHS),
        ] {
            if value.is_some_and(|value| !(1..=most).contains(&value)) {
                note(key(name), &format!("phải từ 1 đến {most}"), &format!("must be between 1 and {most}"));
            }
        }
        check_systems(&outlet.system, &key, note);
        for prefix in &outlet.prefixes {
            let (vi, en) = if !is_prefix(prefix) {
                (
                    format!("{prefix:?} không phải tiền tố mã dạng mới, thí dụ H49 hoặc G"),
                    format!("{prefix:?} is no code prefix of the new form, such as H49 or G"),
                )
            } else if config.link.iter().any(|link| link.prefixes.contains(prefix))
                || config.outlet.iter().take(index).any(|other| other.prefixes.contains(prefix))
            {
                (format!("{prefix:?} đã thuộc tuyến khác"), format!("{prefix:?} belongs to another route"))
            } else {
                continue;
            };
            note(key("prefixes"), &vi, &en);
        }
    }
    let defaults =
        config.outlet.iter().filter(|outlet| outlet.default).count() + config.link.iter().filter(|l| l.default).count();
    if defaults > 1 && config.outlet.iter().any(|outlet| outlet.default) {
        note(
            "outlet".to_owned(),
            "chỉ được có một đường mặc định, tính cả tuyến nối và cửa ra",
            "only one route can be the default, links and outlets together",
        );
    }
}

/// Whoever is sent for is sent for by one of them.
fn check_systems(systems: &[OutletSystem], key: &dyn Fn(&str) -> String, note: &mut impl FnMut(String, &str, &str)) {
    for (place, system) in systems.iter().enumerate() {
        let key = |name: &str| key(&format!("system[{place}].{name}"));
        let before = systems.iter().take(place);
        if system.second_secret_file.as_ref() == Some(&system.secret_file) {
            note(key("second_secret_file"), "phải khác secret_file", "must be another file than secret_file");
        }
        if !is_system_id(&system.id) {
            let (vi, en) = (
                format!("phải có từ 1 đến {MAX_ID} byte, không có khoảng trắng ở hai đầu"),
                format!("must be 1 to {MAX_ID} bytes"),
            );
            note(key("id"), &vi, &en);
        }
        if before.clone().any(|other| other.id == system.id) {
            note(key("id"), "mã hệ thống này đã khai ở trên", "another system has this id");
        }
        if system.agencies.is_empty() && before.clone().any(|other| other.agencies.is_empty()) {
            let vi = "chỉ một hệ thống được bỏ trống agencies (gửi thay cho các cơ quan còn lại)";
            note(key("agencies"), vi, "only one system can send for everybody else");
        }
        let is_above = |code: &&AgencyCode| {
            before.clone().any(|other| other.agencies.iter().any(|one| one.to_new_form() == code.to_new_form()))
        };
        if let Some(code) = system.agencies.iter().find(is_above) {
            let (vi, en) = (format!("{code} đã có hệ thống khác gửi thay"), format!("another system sends for {code}"));
            note(key("agencies"), &vi, &en);
        }
    }
}
