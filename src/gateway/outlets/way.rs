//! What adapters that call over HTTP read of their sections in one way: the address, and the files of TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lienthong_contract::Clock;
use lienthong_door_kit::outbound::{BadAddress, Caller, Waits};

use super::Fault;
use crate::config;
use crate::trust::tls::{ClientFiles, client_config};

pub fn fault(key: &str, vi: impl Into<String>, en: impl Into<String>) -> Fault {
    Fault { key: key.to_owned(), vi: vi.into(), en: en.into() }
}

pub fn setting<'a>(outlet: &'a config::Outlet, key: &str) -> Option<&'a str> {
    outlet.settings.get(key).map(String::as_str)
}

/// # Errors
/// The first setting that the adapter does not know.
pub fn only_known(outlet: &config::Outlet, known: &[&str]) -> Result<(), Fault> {
    let Some(key) = outlet.settings.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let (name, known) = (&outlet.adapter, known.join(", "));
    let vi = format!("bộ nối {name} không có khóa này; có: {known}");
    Err(fault(&format!("settings.{key}"), vi, format!("the adapter {name} has no such key; it has: {known}")))
}

/// The way to the system: `address`, `ca_file`, `certificate_file`, `key_file`.
///
/// # Errors
/// [`Fault`].
pub fn caller(outlet: &config::Outlet, clock: &Arc<dyn Clock>) -> Result<Caller, Fault> {
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

/// The same way with another certificate in the place of ours; nothing where the system is shown none.
///
/// # Errors
/// [`Fault`].
pub fn caller_with(
    outlet: &config::Outlet,
    (chain, key): (&Path, &Path),
    clock: &Arc<dyn Clock>,
) -> Option<Result<Caller, Fault>> {
    setting(outlet, "certificate_file")?;
    let mut other = outlet.clone();
    for (name, file) in [("certificate_file", chain), ("key_file", key)] {
        other.settings.insert(name.to_owned(), file.to_string_lossy().into_owned());
    }
    Some(caller(&other, clock))
}
