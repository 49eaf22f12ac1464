//! The adapter `vxp`: the national axis, or whatever speaks its protocol.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lienthong_contract::Clock;
use lienthong_contract::outlet::Outlet;
use lienthong_door_kit::outbound::{BadAddress, Caller, Waits};
use lienthong_vxp::axis::{Account, Axis, Settings, Way};
use lienthong_vxp::wire::client::HashForm;

use super::Fault;
use crate::config;
use crate::gateway::systems::secret;
use crate::trust::tls::{ClientFiles, client_config};

/// As `[[outlet]] adapter` names it.
pub const NAME: &str = "vxp";

/// What `[outlet.settings]` may hold.
const KNOWN: [&str; 9] = [
    "address",
    "ca_file",
    "certificate_file",
    "key_file",
    "hash",
    "documents_seconds",
    "statuses_seconds",
    "reports_seconds",
    "agencies_seconds",
];
/// A day: pauses are not longer.
const MOST_SECONDS: u64 = 86_400;

fn fault(key: &str, vi: impl Into<String>, en: impl Into<String>) -> Fault {
    Fault { key: key.to_owned(), vi: vi.into(), en: en.into() }
}

/// Makes the adapter of its section.
///
/// # Errors
/// [`Fault`], the first one.
pub fn make(outlet: &config::Outlet, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Outlet>, Fault> {
    if let Some(key) = outlet.settings.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        let known = KNOWN.join(", ");
        let vi = format!("bộ nối vxp không có khóa này; có: {known}");
        return Err(fault(&format!("settings.{key}"), vi, format!("the adapter vxp has no such key; it has: {known}")));
    }
    let settings = Settings {
        hash: hash(outlet)?,
        documents_every: seconds(outlet, "documents_seconds", 60, 1)?,
        statuses_every: seconds(outlet, "statuses_seconds", 120, 1)?,
        reports_every: seconds(outlet, "reports_seconds", 300, 1)?,
        agencies_every: Some(seconds(outlet, "agencies_seconds", MOST_SECONDS, 0)?).filter(|every| !every.is_zero()),
    };
    let first = way(outlet, clock)?;
    let (outlet, of_way) = (outlet.clone(), Arc::clone(clock));
    let make = move || way(&outlet, &of_way).map_err(|fault| fault.to_string());
    Ok(Arc::new(Axis::new(first, Arc::new(make), settings, Arc::clone(clock))))
}

fn way(outlet: &config::Outlet, clock: &Arc<dyn Clock>) -> Result<Way, Fault> {
    Ok(Way { accounts: accounts(outlet)?, caller: caller(outlet, clock)? })
}

fn setting<'a>(outlet: &'a config::Outlet, key: &str) -> Option<&'a str> {
    outlet.settings.get(key).map(String::as_str)
}

fn accounts(outlet: &config::Outlet) -> Result<Vec<Arc<Account>>, Fault> {
    if outlet.system.is_empty() {
        let vi = "cần ít nhất một [[outlet.system]]: mã hệ thống và khóa mà trục bên kia đã cấp";
        return Err(fault(
            "system",
            vi,
            "at least one [[outlet.system]] is needed: an id and a secret of the other side",
        ));
    }
    let account = |(place, system): (usize, &config::OutletSystem)| {
        let mut secrets = Vec::new();
        for (name, file) in ["secret_file", "second_secret_file"].into_iter().zip(system.files()) {
            let key = format!("system[{place}].{name}");
            let read = secret(file).map_err(|error| {
                fault(&key, format!("không dùng được: {error}"), format!("cannot be used: {error}"))
            })?;
            secrets.push(read);
        }
        Ok(Arc::new(Account::new(system.id.clone(), secrets, system.agencies.clone())))
    };
    outlet.system.iter().enumerate().map(account).collect()
}

fn hash(outlet: &config::Outlet) -> Result<HashForm, Fault> {
    match setting(outlet, "hash") {
        None | Some("unpadded") => Ok(HashForm::Unpadded),
        Some("padded") => Ok(HashForm::Padded),
        Some(_) => {
            Err(fault("settings.hash", "phải là \"unpadded\" hoặc \"padded\"", "must be \"unpadded\" or \"padded\""))
        }
    }
}

fn seconds(outlet: &config::Outlet, key: &str, usual: u64, least: u64) -> Result<Duration, Fault> {
    let seconds = setting(outlet, key).map_or(Some(usual), |text| text.trim().parse().ok());
    match seconds {
        Some(seconds) if (least..=MOST_SECONDS).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => {
            let vi = format!("phải là số giây từ {least} đến {MOST_SECONDS}");
            let en = format!("must be a number of seconds, {least} to {MOST_SECONDS}");
            Err(fault(&format!("settings.{key}"), vi, en))
        }
    }
}

fn caller(outlet: &config::Outlet, clock: &Arc<dyn Clock>) -> Result<Caller, Fault> {
    let Some(address) = setting(outlet, "address") else {
        let vi = "cần địa chỉ của trục bên kia, thí dụ https://truc.example.vn/XrdAdapter/adapter";
        return Err(fault("settings.address", vi, "the other side's address is needed"));
    };
    let file = |key: &str| setting(outlet, key).map(PathBuf::from);
    let identity = match (file("certificate_file"), file("key_file")) {
        (Some(chain), Some(key)) => Some((chain, key)),
        (None, None) => None,
        _ => {
            let vi = "certificate_file và key_file phải đi cùng nhau";
            return Err(fault("settings.key_file", vi, "certificate_file and key_file belong together"));
        }
    };
    let tls = match file("ca_file") {
        Some(root) => {
            let files = ClientFiles { roots: vec![root], crls: Vec::new(), identity, http: false };
            let config = client_config(&files, Arc::clone(clock)).map_err(|error| {
                fault("settings.ca_file", format!("không dùng được: {error}"), format!("cannot be used: {error}"))
            })?;
            Some(config)
        }
        None => None,
    };
    Caller::new(address, tls.as_deref(), Waits::default()).map_err(|bad| match bad {
        BadAddress::Form => fault(
            "settings.address",
            "địa chỉ có dạng https://tên[:cổng][/đường dẫn], không có tên người dùng, ? và #",
            bad.to_string(),
        ),
        BadAddress::WithoutRoots => {
            fault("settings.ca_file", "https cần tệp chứng thư gốc mà chứng thư của bên kia dẫn tới", bad.to_string())
        }
    })
}
