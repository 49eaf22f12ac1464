//! `[[webhook]]` and `[[news_queue]]`: whose news is told to whom.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, HopName};

use super::Config;
use crate::news::webhook::Address;

/// A system that hears of its agencies' news by HTTPS.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name here, unique among webhooks and queues. Under a new name it is somebody new, who hears of what comes from then on.
    pub name: String,
    /// Whose news it hears, in any spelling.
    pub agencies: Vec<AgencyCode>,
    /// `https://name[:port]/path`.
    pub url: String,
    /// File of the secret that notices are signed with: `whsec_` and base64, or a line of at least 16 bytes.
    pub secret_file: PathBuf,
    /// A second secret, while one is changed for the other: notices bear both signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_secret_file: Option<PathBuf>,
    /// Roots that the server's certificate must lead to.
    pub roots: Vec<PathBuf>,
    /// A certificate to show, where the server asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

impl Webhook {
    /// Files of secrets.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.secret_file).chain(&self.second_secret_file)
    }
}

/// A system that hears of its agencies' news from a queue of a broker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewsQueue {
    /// As of a webhook.
    pub name: String,
    pub agencies: Vec<AgencyCode>,
    /// Name of a `[[broker]]`.
    pub broker: String,
    /// Declared as a durable quorum queue; `news.<hop>.<name>` when left out, which the recommended permissions cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
}

impl NewsQueue {
    /// The queue at the broker.
    #[must_use]
    pub fn queue(&self, hop: &HopName) -> String {
        self.queue.clone().unwrap_or_else(|| format!("news.{hop}.{}", self.name))
    }
}

/// Prefixes of the gateways' own queues.
const OURS: [&str; 4] = ["packets.", "frames.", "receipts.", "dead."];
/// Longest name of a queue (AMQP 0-9-1: a short string).
const MAX_QUEUE: usize = 255;
/// Longest name of a subscriber.
const MAX_NAME: usize = 64;

/// Every file, with its key.
pub(super) fn paths(webhooks: &mut [Webhook], mut each: impl FnMut(String, &mut PathBuf)) {
    for (index, webhook) in webhooks.iter_mut().enumerate() {
        each(format!("webhook[{index}].secret_file"), &mut webhook.secret_file);
        for (key, path) in [
            ("second_secret_file", &mut webhook.second_secret_file),
            ("certificate", &mut webhook.certificate),
            ("key", &mut webhook.key),
        ] {
            path.iter_mut().for_each(|path| each(format!("webhook[{index}].{key}"), path));
        }
        for (place, root) in webhook.roots.iter_mut().enumerate() {
            each(format!("webhook[{index}].roots[{place}]"), root);
        }
    }
}

/// What the types cannot say.
pub(super) fn check(config: &Config, note: &mut impl FnMut(String, &str, &str)) {
    let webhooks = config.webhook.iter().enumerate().map(|(at, one)| ("webhook", at, &one.name, &one.agencies));
    let queues = config.news_queue.iter().enumerate().map(|(at, one)| ("news_queue", at, &one.name, &one.agencies));
    let mut names = Vec::new();
    for (table, index, name, agencies) in webhooks.chain(queues) {
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            note(format!("{table}[{index}].name"), "phải có từ 1 đến 64 ký tự", "must have 1 to 64 characters");
        }
        if names.contains(&name) {
            note(
                format!("{table}[{index}].name"),
                "tên này đã dùng cho một nơi nhận tin khác",
                "another webhook or queue has this name",
            );
        }
        names.push(name);
        if agencies.is_empty() {
            note(format!("{table}[{index}].agencies"), "phải có ít nhất một cơ quan", "at least one agency is needed");
        }
    }
    for (index, webhook) in config.webhook.iter().enumerate() {
        let key = |name: &str| format!("webhook[{index}].{name}");
        if let Err(error) = Address::read(&webhook.url) {
            note(key("url"), "phải có dạng https://tên[:cổng]/đường-dẫn", &error.to_string());
        }
        if webhook.roots.is_empty() {
            note(key("roots"), "phải có ít nhất một tệp chứng thư gốc", "at least one root certificate file is needed");
        }
        if webhook.certificate.is_some() != webhook.key.is_some() {
            note(key("certificate"), "certificate và key phải đi cùng nhau", "certificate and key belong together");
        }
    }
    for (index, queue) in config.news_queue.iter().enumerate() {
        let key = |name: &str| format!("news_queue[{index}].{name}");
        if !config.broker.iter().any(|broker| broker.name == queue.broker) {
            note(key("broker"), "không có máy chủ AMQP nào mang tên này", "no broker has this name");
        }
        let name = queue.queue(&config.hop.name);
        if name.is_empty()
            || name.len() > MAX_QUEUE
            || name.starts_with("amq.")
            || OURS.iter().any(|own| name.starts_with(own))
        {
            note(
                key("queue"),
                "phải có từ 1 đến 255 byte và không trùng hàng đợi của trục (packets., frames., receipts., dead., amq.)",
                "must have 1 to 255 bytes and none of the prefixes packets., frames., receipts., dead. and amq.",
            );
        }
        let same = |other: &NewsQueue| other.broker == queue.broker && other.queue(&config.hop.name) == name;
        if config.news_queue.iter().take(index).any(same) {
            note(key("queue"), "hàng đợi này đã có nơi nhận tin khác dùng", "another entry has this queue");
        }
    }
}
