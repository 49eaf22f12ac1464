//! From a recipient to a destination: the mailbox here, a link, an outlet, or nowhere.
//!
//! The directory's word comes first: an agency listed with our hop's name has its mailbox here, one listed with
//! another hop's name goes towards that hop, one listed with an outlet's name leaves by that outlet. For the rest the longest
//! matching code prefix among links and outlets decides, then the default route, which at a province leads to the nation.
//! Hops and outlets share their names, so that a name means one of them.

use lienthong_contract::{AgencyCode, HopName};

use crate::store::Route;

/// A neighbour and what is reached through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRoute {
    pub peer: HopName,
    /// Code prefixes in the new form: `H49`, `G`. A single letter covers its whole group.
    pub prefixes: Vec<String>,
    /// Hops that are reached through this neighbour, besides itself.
    pub hops: Vec<HopName>,
    /// Takes what no other route takes.
    pub default: bool,
}

/// A system outside the network and what is reached through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutletRoute {
    pub name: HopName,
    pub prefixes: Vec<String>,
    /// Takes what no other route takes.
    pub default: bool,
}

/// The routes of one hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    pub hop: HopName,
    pub links: Vec<LinkRoute>,
    pub outlets: Vec<OutletRoute>,
}

impl Routes {
    /// Where a recipient's consignments go. `served_by` is the hop that the directory names for the agency, if any;
    /// `came_from` is the neighbour that handed the packet over, or the outlet: nothing is ever routed back to it.
    #[must_use]
    pub fn route(&self, code: &AgencyCode, served_by: Option<&HopName>, came_from: Option<&HopName>) -> Route {
        if served_by == Some(&self.hop) {
            return Route::Mailbox;
        }
        let route = served_by
            .and_then(|hop| self.by_name(hop))
            .or_else(|| self.by_prefix(code))
            .or_else(|| self.all().find(|(.., default)| *default).map(|(route, ..)| route));
        match route {
            Some(Route::Link(to) | Route::Outlet(to)) if came_from == Some(&to) => Route::Refused,
            Some(route) => route,
            None => Route::Refused,
        }
    }

    /// Every route with its prefixes, and whether it is the default.
    fn all(&self) -> impl Iterator<Item = (Route, &[String], bool)> {
        let links = self.links.iter().map(|link| (Route::Link(link.peer.clone()), &*link.prefixes, link.default));
        let outlets = self.outlets.iter();
        links.chain(outlets.map(|out| (Route::Outlet(out.name.clone()), &*out.prefixes, out.default)))
    }

    fn by_name(&self, hop: &HopName) -> Option<Route> {
        let link = self.links.iter().find(|link| link.peer == *hop || link.hops.contains(hop));
        let outlet = self.outlets.iter().find(|outlet| outlet.name == *hop);
        link.map(|link| Route::Link(link.peer.clone())).or(outlet.map(|outlet| Route::Outlet(outlet.name.clone())))
    }

    fn by_prefix(&self, code: &AgencyCode) -> Option<Route> {
        let code = code.to_new_form();
        let longest =
            |prefixes: &[String]| prefixes.iter().filter(|prefix| covers(prefix, &code)).map(String::len).max();
        self.all()
            .filter_map(|(route, prefixes, _)| longest(prefixes).map(|length| (length, route)))
            .max_by_key(|found| found.0)
            .map(|found| found.1)
    }
}

/// `H49` covers `H49` and `H49.01`; `H` covers every code of group H.
fn covers(prefix: &str, code: &AgencyCode) -> bool {
    let rest = code.as_str().strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || prefix.len() == 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn hop(name: &str) -> HopName {
        name.parse().unwrap()
    }

    fn link(peer: &str, prefixes: &[&str], default: bool) -> LinkRoute {
        let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        LinkRoute { peer: hop(peer), prefixes, hops: Vec::new(), default }
    }

    fn nation() -> Routes {
        let links = vec![
            link("province-a", &["H37"], false),
            link("province-b", &["H49", "K49"], false),
            link("district", &["H37.90"], false),
        ];
        Routes { hop: hop("nation"), links, outlets: Vec::new() }
    }

    fn route(routes: &Routes, code: &str, served_by: Option<&str>, from: Option<&str>) -> Route {
        let (served_by, from) = (served_by.map(hop), from.map(hop));
        routes.route(&code.parse().unwrap(), served_by.as_ref(), from.as_ref())
    }

    #[test]
    fn the_longest_prefix_wins_and_covers_whole_groups_only() {
        assert_eq!(route(&nation(), "H37.01", None, None), Route::Link(hop("province-a")));
        assert_eq!(route(&nation(), "H37.90.05", None, None), Route::Link(hop("district")));
        assert_eq!(route(&nation(), "000.00.01.H49", None, None), Route::Link(hop("province-b")));
        assert_eq!(route(&nation(), "H371", None, None), Route::Refused);
    }

    #[test]
    fn the_directory_comes_before_prefixes() {
        assert_eq!(route(&nation(), "H37.01", Some("nation"), None), Route::Mailbox);
        assert_eq!(route(&nation(), "H37.01", Some("province-b"), None), Route::Link(hop("province-b")));
    }

    #[test]
    fn the_default_route_takes_the_rest_but_nothing_goes_back_where_it_came_from() {
        let province = Routes { hop: hop("province-a"), links: vec![link("nation", &[], true)], outlets: Vec::new() };
        assert_eq!(route(&province, "G09.90", None, None), Route::Link(hop("nation")));
        assert_eq!(route(&province, "G09.90", None, Some("nation")), Route::Refused);
        assert_eq!(route(&nation(), "H37.01", None, Some("province-a")), Route::Refused);
    }

    #[test]
    fn an_outlet_is_a_route_like_a_link_and_gets_nothing_back_that_came_from_it() {
        let out = |name: &str, prefixes: &[&str], default| OutletRoute {
            name: hop(name),
            prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
            default,
        };
        let axis = Route::Outlet(hop("axis"));
        let routes =
            Routes { outlets: vec![out("axis", &["G", "H49.05"], true), out("other", &["A"], false)], ..nation() };
        assert_eq!(route(&routes, "G09.90", None, None), axis);
        assert_eq!(route(&routes, "H49.05.01", None, None), axis, "the longer prefix");
        assert_eq!(route(&routes, "H49.06", None, None), Route::Link(hop("province-b")));
        assert_eq!(route(&routes, "A01", None, None), Route::Outlet(hop("other")));
        assert_eq!(route(&routes, "K01.90", None, None), axis, "the default");
        assert_eq!(route(&routes, "H37.01", Some("axis"), None), axis, "the directory's word");
        assert_eq!(route(&routes, "G09.90", None, Some("axis")), Route::Refused);
        assert_eq!(route(&routes, "G09.90", Some("nation"), Some("axis")), Route::Mailbox);
    }
}
