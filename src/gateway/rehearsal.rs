//! A start without starting: everything a gateway reads before its first request, read and judged.
//!
//! Nothing is opened for writing, nothing is listened on, no broker is called. Answers name keys of the configuration
//! and files; a key or an address with a password is never repeated.

use std::fmt::Display;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use lienthong_contract::Clock;

use super::outlets::Adapters;
use super::{
    StartError, alarms, broker_settings, broker_url, catalogue, console, doors, hop_trust, news, server_files,
    signer_trust,
};
use crate::certificates::rollover::{self, Candidate, Tried};
use crate::config::{self, Broker, Config, Mistake};
use crate::directory::findings::NOT_ENFORCED;
use crate::directory::{Directory, Snapshot};
use crate::secrets;
use crate::trust::HopKey;
use crate::trust::tls::{ClientFiles, client_config, server_config};

/// What would keep this configuration from starting, all of it.
#[must_use]
pub fn mistakes(config: &Config, clock: Arc<dyn Clock>) -> Vec<Mistake> {
    let mut found = Vec::new();
    let (hop, api) = (&config.hop, &config.api);
    note(&mut found, "hop.key", HopKey::load(&hop.key, &hop.certificate));
    note(&mut found, "trust.roots", signer_trust(&config.trust));
    if !config.trust.hop_roots.is_empty() {
        note(&mut found, "trust.hop_roots", hop_trust(&config.trust));
    }
    note(&mut found, "directory.file", Directory::open(&config.directory.file));
    note(&mut found, "schemas.folder", catalogue(&config.schemas));
    note(&mut found, "api", server_config(&server_files(api), Arc::clone(&clock)));
    for (key, fault) in doors::rehearse(config, &clock) {
        note::<(), _>(&mut found, &key, Err(fault));
    }
    for (index, broker) in config.broker.iter().enumerate() {
        look_at_broker(&mut found, index, broker, &clock);
    }
    for (index, webhook) in config.webhook.iter().enumerate() {
        note(&mut found, &format!("webhook[{index}]"), news::webhook(webhook, &clock));
    }
    note(&mut found, "alerts.webhook", alarms::Ways::new(config, &clock));
    note(&mut found, "statutory.calendar", config.statutory.terms());
    note(&mut found, "statistics.feed", console::outgoing(config));
    if let Some(oidc) = config.console.as_ref().and_then(|console| console.oidc.as_ref()) {
        note(&mut found, "console.oidc", console::provider(oidc, &clock));
    }
    if let Some(mail) = &config.alerts.mail {
        note(&mut found, "alerts.mail", crate::alarms::mail::rehearse(mail, &config.hop.name));
    }
    let adapters = Adapters::of_this_program();
    for (index, outlet) in config.outlet.iter().enumerate() {
        if let Err(fault) = adapters.make(outlet, &clock) {
            let (vi, en) = (fault.vi, fault.en);
            found.push(Mistake { key: format!("outlet[{index}].{}", fault.key), vi, en });
        }
    }
    found
}

/// What starts and is not what its writer may expect.
#[must_use]
pub fn remarks(config: &Config) -> Vec<Mistake> {
    let mut remarks = Vec::new();
    let clear = config.secret_files().into_iter().filter(|file| secrets::is_sealed(file).is_ok_and(|sealed| !sealed));
    let clear: Vec<String> = clear.map(|file| file.display().to_string()).collect();
    if let Some(first) = clear.first() {
        let count = clear.len();
        remarks.push(Mistake {
            key: "secret_file".to_owned(),
            vi: format!("khóa để rõ trong tệp ({first}, Σ {count}); niêm phong bằng: lienthong admin seal"),
            en: format!("secrets stand in the clear ({first}, Σ {count}); to seal them: lienthong admin seal"),
        });
    }
    remarks.extend(config.secret_files().into_iter().filter_map(readable_by_others));
    remarks.extend(config.outlet.iter().enumerate().filter_map(one_service));
    let Ok(directory) = Directory::open(&config.directory.file) else { return remarks };
    let snapshot = directory.snapshot();
    remarks.extend(served_nowhere(config, &snapshot));
    let agencies: Vec<&str> = snapshot.not_enforced().map(|agency| agency.code.as_str()).collect();
    let Some(first) = agencies.first() else { return remarks };
    let (kind, count) = (&NOT_ENFORCED, agencies.len());
    let tell = |text: &str, fix: &str| format!("{}: {text} ({first}, Σ {count}). {fix}", kind.code);
    let (vi, en) = (tell(kind.title.vi, kind.fix.vi), tell(kind.title.en, kind.fix.en));
    remarks.push(Mistake { key: "directory.file: agency.policy".to_owned(), vi, en });
    remarks
}

/// A secret that not the gateway's account alone can read.
fn readable_by_others(file: PathBuf) -> Option<Mistake> {
    let mode = std::fs::metadata(&file).ok()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return None;
    }
    let file = file.display();
    Some(Mistake {
        key: "secret_file".to_owned(),
        vi: format!("tài khoản khác trên máy đọc được {file} (quyền {mode:o}); sửa bằng: chmod 600 {file}"),
        en: format!("other accounts of the machine can read {file} (mode {mode:o}); mend it with: chmod 600 {file}"),
    })
}

/// An outlet whose every recipient is called by the same service.
fn one_service((index, outlet): (usize, &config::Outlet)) -> Option<Mistake> {
    let service = outlet.settings.get("service").filter(|_| outlet.adapter == "xroad")?;
    if service.contains("{code}") {
        return None;
    }
    Some(Mistake {
        key: format!("outlet[{index}].service"),
        vi: "không có {code}: mọi nơi nhận của tuyến này đi vào cùng một dịch vụ".to_owned(),
        en: "holds no {code}: all recipients of this outlet are called by the same service".to_owned(),
    })
}

/// Agencies whose gateway is named, and is neither this one nor behind any link or outlet.
fn served_nowhere(config: &Config, directory: &Snapshot) -> Option<Mistake> {
    let default = config.link.iter().any(|link| link.default) || config.outlet.iter().any(|outlet| outlet.default);
    let links = config.link.iter().flat_map(|link| std::iter::once(&link.peer).chain(&link.hops));
    let known: Vec<_> =
        std::iter::once(&config.hop.name).chain(links).chain(config.outlet.iter().map(|outlet| &outlet.name)).collect();
    let lost: Vec<_> = (directory.iter())
        .filter_map(|agency| Some((&agency.code, agency.hop.as_ref().filter(|hop| !known.contains(hop))?)))
        .filter(|_| !default)
        .collect();
    let (code, hop) = lost.first()?;
    let count = lost.len();
    Some(Mistake {
        key: "directory.file: agency.hop".to_owned(),
        vi: format!(
            "không có [[link]] hay [[outlet]] nào dẫn đến trục {hop} của {code} (tất cả {count} cơ quan); văn bản gửi họ sẽ bị từ chối"
        ),
        en: format!(
            "no [[link]] or [[outlet]] leads to {hop} of {code} ({count} agencies in all); documents for them will be refused"
        ),
    })
}

fn look_at_broker(found: &mut Vec<Mistake>, index: usize, broker: &Broker, clock: &Arc<dyn Clock>) {
    let key = |name: &str| format!("broker[{index}].{name}");
    match broker_url(broker) {
        Ok(url) if url.starts_with("amqps://") || url.starts_with("amqp://") => {}
        Ok(_) => found.push(Mistake {
            key: key(if broker.url_file.is_some() { "url_file" } else { "url" }),
            vi: "địa chỉ phải bắt đầu bằng amqps:// hoặc amqp://".to_owned(),
            en: "the address must begin with amqps:// or amqp://".to_owned(),
        }),
        Err(error) => note::<(), _>(found, &key("url_file"), Err(error)),
    }
    if let (Some(ca), Some(chain), Some(secret)) = (&broker.ca, &broker.certificate, &broker.key) {
        let identity: Option<(PathBuf, PathBuf)> = Some((chain.clone(), secret.clone()));
        let files = ClientFiles { roots: vec![ca.clone()], crls: Vec::new(), identity, http: false };
        note(found, &key("certificate"), client_config(&files, Arc::clone(clock)));
    }
}

fn note<T, E: Display>(found: &mut Vec<Mistake>, key: &str, outcome: Result<T, E>) {
    if let Err(error) = outcome {
        let (vi, en) = (format!("không dùng được: {error}"), format!("cannot be used: {error}"));
        found.push(Mistake { key: key.to_owned(), vi, en });
    }
}

/// What would become of each neighbour, broker and system outside if this certificate took the place of ours. Nothing is
/// changed; each broker and system that is shown a certificate is called once.
///
/// # Errors
/// The present configuration's own files cannot be read.
pub async fn rollover(
    config: &Config,
    candidate: &Candidate,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Tried>, StartError> {
    let trust = hop_trust(&config.trust)?;
    let peers: Vec<_> = config.link.iter().map(|link| link.peer.clone()).collect();
    let mine = (&config.hop.name, config.hop.certificate.as_path(), candidate);
    let mut tried = rollover::signing(mine, &peers, &trust, clock.now());
    let brokers = config.broker.iter().map(|broker| broker_settings(config, broker, Vec::new()));
    tried.extend(rollover::brokers(brokers.collect::<Result<_, _>>()?, candidate).await);
    for outlet in &config.outlet {
        let caller = super::outlets::way::caller_with(outlet, (&candidate.chain, &candidate.key), clock);
        let caller = caller.map(|made| made.map_err(|fault| fault.en));
        tried.push(rollover::system(outlet.name.as_str(), caller).await);
    }
    Ok(tried)
}
