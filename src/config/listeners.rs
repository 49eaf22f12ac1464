//! The places that are listened on.

use std::net::SocketAddr;

use super::Config;

/// Two listeners cannot have one place.
pub(super) fn check(config: &Config, note: &mut impl FnMut(String, &str, &str)) {
    let all = [
        ("api.listen", Some(config.api.listen)),
        ("vxp.listen", config.vxp.as_ref().map(|door| door.listen)),
        ("lgsp.listen", config.lgsp.as_ref().map(|door| door.listen)),
        ("bkav.listen", config.bkav.as_ref().map(|door| door.listen)),
        ("xroad.listen", config.xroad.as_ref().map(|door| door.listen)),
        ("preview.listen", config.preview.as_ref().map(|page| page.listen)),
        ("console.listen", config.console.as_ref().map(|console| console.listen)),
    ];
    let all: Vec<(&str, SocketAddr)> = all.into_iter().filter_map(|(key, at)| Some((key, at?))).collect();
    for (at, (key, place)) in all.iter().enumerate() {
        if let Some((other, _)) = all.iter().take(at).find(|(_, other)| same(*other, *place)) {
            let vi = format!("trùng địa chỉ và cổng với {other}; mỗi cửa cần một cổng riêng");
            let en = format!("is the same address and port as {other}; each listener needs one of its own");
            note((*key).to_owned(), &vi, &en);
        }
    }
}

/// Port 0 is any free one. An unspecified address holds all others, those of the other family too.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && (one.ip() == other.ip() || everywhere)
}
