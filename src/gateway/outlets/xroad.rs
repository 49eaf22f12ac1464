//! The adapter `xroad`: organisations behind X-Road style security servers.

use std::sync::Arc;

use lienthong_contract::Clock;
use lienthong_contract::outlet::Outlet;
use lienthong_xroad::{Consumer, DOOR, Settings};

use super::Fault;
use super::way::{caller, fault, only_known, setting};
use crate::config;

/// As `[[outlet]] adapter` names it.
pub const NAME: &str = DOOR;

/// What `[outlet.settings]` may hold.
const KNOWN: [&str; 7] = ["address", "ca_file", "certificate_file", "key_file", "service", "client", "organ"];

/// Makes the adapter of its section.
///
/// # Errors
/// [`Fault`], the first one.
pub fn make(outlet: &config::Outlet, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Outlet>, Fault> {
    only_known(outlet, &KNOWN)?;
    if outlet.report_days.is_some() {
        let vi = "máy chủ bảo mật không báo kết quả về sau; bỏ report_days";
        return Err(fault("report_days", vi, "security servers report nothing later; leave report_days out"));
    }
    let settings = Settings {
        service: template(outlet, "service", "/r1/CS/GOV/{code}/lienthong/lienthongvanban", '/')?,
        client: template(outlet, "client", "CS/GOV/H37/lienthong", '\0')?,
        organ: template(outlet, "organ", "CS:GOV:{code}:lienthong", '\0')?,
    };
    let first = caller(outlet, clock)?;
    let (outlet, of_caller) = (outlet.clone(), Arc::clone(clock));
    let make = move || caller(&outlet, &of_caller).map_err(|fault| fault.to_string());
    Ok(Arc::new(Consumer::new(first, Arc::new(make), settings)))
}

/// A setting that stands in a path or a header; `begins` is its first letter, where that is certain.
fn template(outlet: &config::Outlet, key: &str, example: &str, begins: char) -> Result<String, Fault> {
    let fits = |text: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-{}%".contains(c);
        !text.is_empty() && text.chars().all(plain) && (begins == '\0' || text.starts_with(begins))
    };
    let Some(text) = setting(outlet, key).map(str::trim).filter(fits) else {
        let vi = format!("cần có, gồm chữ, số và / : . _ - %, thí dụ {example}");
        return Err(fault(&format!("settings.{key}"), vi, format!("is needed, such as {example}")));
    };
    Ok(text.trim_end_matches('/').to_owned())
}
