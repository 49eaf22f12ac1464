//! `[alerts]`: who is told when something is wrong.

use std::net::IpAddr;
use std::path::PathBuf;

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::{Config, DAY};
use crate::alarms::mail::is_address;
use crate::alarms::{Kind, Severity};
use crate::news::webhook::Address;

/// What counts as an alarm, and who hears of it. Alarms are shown at the console also without any route.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Seconds between two looks.
    pub every_seconds: u64,
    /// Working hours after which a document that an agency does not collect is an alarm.
    pub not_taken_hours: u32,
    /// Minutes of trouble after which a destination counts as down.
    pub down_minutes: u32,
    /// Minutes that an urgent document may wait.
    pub urgent_minutes: u32,
    /// Percent of the data folder's disk, and GiB, below which it is filling.
    pub disk_free_percent: u64,
    pub disk_free_gib: u64,
    /// Days before its end at which a certificate is told of.
    pub certificate_days: u32,
    /// Seconds that an alarm waits for others of its kind, so that they are told in one notice.
    pub group_seconds: u32,
    /// Seconds that an alarm must be away before it has ended.
    pub clear_seconds: u32,
    /// Hours after which what is still there is told again.
    pub repeat_hours: u32,
    /// The most notices in an hour for one recipient; critical ones may be twice as many.
    pub per_hour: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailServer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhook: Vec<AlertWebhook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub route: Vec<AlertRoute>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            every_seconds: 30,
            not_taken_hours: 8,
            down_minutes: 5,
            urgent_minutes: 15,
            disk_free_percent: 10,
            disk_free_gib: 5,
            certificate_days: 30,
            group_seconds: 120,
            clear_seconds: 600,
            repeat_hours: 24,
            per_hour: 12,
            quiet: None,
            mail: None,
            webhook: Vec::new(),
            route: Vec::new(),
        }
    }
}

/// When only what cannot wait is told; the rest follows in one summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// Time of day in Vietnam, `18:00`.
    pub from: Time,
    pub to: Time,
    /// Days on which agencies do not work, by the calendar of `[statutory]`, are quiet all day: weekends and holidays, but
    /// not a Saturday that is worked instead.
    #[serde(default)]
    pub weekends: bool,
    /// What is as bad as this is told all the same.
    #[serde(default = "critical")]
    pub except: Severity,
}

/// The server that takes mail from us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    pub host: String,
    /// 587 with STARTTLS, 465 with TLS, 25 in the clear when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default)]
    pub security: MailSecurity,
    /// The sender's address.
    pub from: String,
    /// Where the server asks for a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File that holds the password; read at each mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Roots that the server's certificate must lead to; the machine's own when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<PathBuf>,
}

/// How the connection to the mail server is kept from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// In the clear first, TLS before anything is said; never without.
    #[default]
    StartTls,
    Tls,
    /// In the clear: only to this machine.
    Plain,
}

/// A server that takes notices by HTTPS, a bridge to a chat for instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertWebhook {
    pub name: String,
    /// `https://name[:port]/path`.
    pub url: String,
    /// As of `[[webhook]]`.
    pub secret_file: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_secret_file: Option<PathBuf>,
    pub roots: Vec<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// Some alarms, and who hears of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRoute {
    pub name: String,
    /// All kinds when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// `warning`, `serious` or `critical`: nothing less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Severity>,
    /// Addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail: Vec<String>,
    /// Names of `[[alerts.webhook]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhook: Vec<String>,
    /// It does not keep the quiet hours.
    #[serde(default)]
    pub always: bool,
    /// Minutes after which what nobody acknowledged goes to the route `escalate_to`, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<String>,
}

const fn critical() -> Severity {
    Severity::Critical
}

impl Alerts {
    /// Files of secrets.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let webhooks = self.webhook.iter();
        let hooks = webhooks.flat_map(|hook| std::iter::once(&hook.secret_file).chain(&hook.second_secret_file));
        self.mail.iter().filter_map(|mail| mail.password_file.as_ref()).chain(hooks)
    }
}

/// Every file, with its key.
pub(super) fn paths(alerts: &mut Alerts, each: &mut impl FnMut(String, &mut PathBuf)) {
    if let Some(mail) = &mut alerts.mail {
        mail.password_file.iter_mut().for_each(|path| each("alerts.mail.password_file".to_owned(), path));
        let roots = mail.roots.iter_mut().enumerate();
        roots.for_each(|(index, path)| each(format!("alerts.mail.roots[{index}]"), path));
    }
    for (index, hook) in alerts.webhook.iter_mut().enumerate() {
        each(format!("alerts.webhook[{index}].secret_file"), &mut hook.secret_file);
        for (key, path) in [
            ("second_secret_file", &mut hook.second_secret_file),
            ("certificate", &mut hook.certificate),
            ("key", &mut hook.key),
        ] {
            path.iter_mut().for_each(|path| each(format!("alerts.webhook[{index}].{key}"), path));
        }
        for (place, root) in hook.roots.iter_mut().enumerate() {
            each(format!("alerts.webhook[{index}].roots[{place}]"), root);
        }
    }
}

/// What the types cannot say.
pub(super) fn check(config: &Config, note: &mut impl FnMut(String, &str, &str)) {
    let alerts = &config.alerts;
    for (key, value, most) in [
        ("every_seconds", alerts.every_seconds, 3600),
        ("not_taken_hours", u64::from(alerts.not_taken_hours), 2000),
        ("down_minutes", u64::from(alerts.down_minutes), 10_080),
        ("urgent_minutes", u64::from(alerts.urgent_minutes), 10_080),
        ("disk_free_percent", alerts.disk_free_percent, 99),
        ("disk_free_gib", alerts.disk_free_gib, 1 << 20),
        ("certificate_days", u64::from(alerts.certificate_days), 3650),
        ("group_seconds", u64::from(alerts.group_seconds), DAY),
        ("clear_seconds", u64::from(alerts.clear_seconds), DAY),
        ("repeat_hours", u64::from(alerts.repeat_hours), 8784),
        ("per_hour", u64::from(alerts.per_hour), 1000),
    ] {
        if !(1..=most).contains(&value) {
            note(format!("alerts.{key}"), &format!("phải từ 1 đến {most}"), &format!("must be between 1 and {most}"));
        }
    }
    if let Some(quiet) = &alerts.quiet
        && quiet.from == quiet.to
    {
        note("alerts.quiet.to".to_owned(), "phải khác from", "must differ from `from`");
    }
    if let Some(mail) = &alerts.mail {
        check_mail(mail, note);
    }
    for (index, hook) in alerts.webhook.iter().enumerate() {
        let key = |name: &str| format!("alerts.webhook[{index}].{name}");
        if let Err(error) = Address::read(&hook.url) {
            note(key("url"), "phải có dạng https://tên[:cổng]/đường-dẫn", &error.to_string());
        }
        if hook.roots.is_empty() {
            note(key("roots"), "phải có ít nhất một tệp chứng thư gốc", "at least one root certificate file is needed");
        }
        if hook.certificate.is_some() != hook.key.is_some() {
            note(key("certificate"), "certificate và key phải đi cùng nhau", "certificate and key belong together");
        }
        if !is_name(&hook.name) || alerts.webhook.iter().take(index).any(|other| other.name == hook.name) {
            note(key("name"), NAME.0, NAME.1);
        }
    }
    check_routes(alerts, note);
}

const NAME: (&str, &str) =
    ("phải có từ 1 đến 64 ký tự, không có dấu |, không trùng", "must have 1 to 64 characters without |, and be unique");

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count()) && !name.chars().any(|letter| letter.is_control() || letter == '|')
}

fn check_mail(mail: &MailServer, note: &mut impl FnMut(String, &str, &str)) {
    let loopback = mail.host == "localhost" || mail.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if mail.security == MailSecurity::Plain && !loopback {
        note(
            "alerts.mail.security".to_owned(),
            "plain chỉ dùng được tới chính máy này (127.0.0.1); dùng starttls hoặc tls",
            "plain is only for this machine (127.0.0.1); use starttls or tls",
        );
    }
    if mail.user.is_some() != mail.password_file.is_some() {
        note(
            "alerts.mail.user".to_owned(),
            "user và password_file phải đi cùng nhau",
            "user and password_file belong together",
        );
    }
    if !is_address(&mail.from) {
        note("alerts.mail.from".to_owned(), "không phải địa chỉ thư", "is no mail address");
    }
}

fn check_routes(alerts: &Alerts, note: &mut impl FnMut(String, &str, &str)) {
    for (index, route) in alerts.route.iter().enumerate() {
        let key = |name: &str| format!("alerts.route[{index}].{name}");
        if !is_name(&route.name) || alerts.route.iter().take(index).any(|other| other.name == route.name) {
            note(key("name"), NAME.0, NAME.1);
        }
        if route.mail.is_empty() && route.webhook.is_empty() {
            note(key("mail"), "cần ít nhất một địa chỉ thư hoặc webhook", "at least one address or webhook is needed");
        }
        if !route.mail.is_empty() && alerts.mail.is_none() {
            note(key("mail"), "chưa khai [alerts.mail]", "there is no [alerts.mail]");
        }
        if route.mail.iter().any(|address| !is_address(address)) {
            note(key("mail"), "không phải địa chỉ thư", "is no mail address");
        }
        if route.webhook.iter().any(|name| !alerts.webhook.iter().any(|hook| hook.name == *name)) {
            note(key("webhook"), "không có webhook nào mang tên này", "no [[alerts.webhook]] has this name");
        }
        if route.escalate_minutes.is_some() != route.escalate_to.is_some() {
            note(
                key("escalate_to"),
                "escalate_minutes và escalate_to phải đi cùng nhau",
                "escalate_minutes and escalate_to belong together",
            );
        }
        let others = || alerts.route.iter().filter(|other| other.name != route.name);
        if route.escalate_to.as_ref().is_some_and(|to| !others().any(|other| other.name == *to)) {
            note(key("escalate_to"), "không có route nào khác mang tên này", "no other route has this name");
        }
    }
}
