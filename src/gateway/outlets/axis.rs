//! The adapter `vxp`: the national axis, or whatever speaks its protocol.

use std::sync::Arc;
use std::time::Duration;

use lienthong_contract::Clock;
use lienthong_contract::outlet::Outlet;
use lienthong_vxp::axis::{Account, Axis, Settings, Way};
use lienthong_vxp::wire::client::HashForm;

use super::Fault;
use super::way::{caller, fault, only_known, setting};
use crate::config;
use crate::gateway::systems::secret;

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

/// Makes the adapter of its section.
///
/// # Errors
/// [`Fault`], the first one.
pub fn make(outlet: &config::Outlet, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Outlet>, Fault> {
    only_known(outlet, &KNOWN)?;
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
        let files: Vec<String> = system.files().map(|file| file.display().to_string()).collect();
        let account = Account::new(system.id.clone(), secrets, system.agencies.clone());
        Ok(Arc::new(account.kept_in(format!("secret_file {}", files.join(", ")))))
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
