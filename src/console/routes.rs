//! All pages, each with the right that it needs.

use std::pin::Pin;

use hyper::Method;

use super::Call;
use super::access::Right;
use super::http::{Answer, METHOD, NOT_FOUND, Problem};
use super::pages::{
    account, accounts, acts, agencies, alarms, assets, audit, canary, certificates, document, documents, outgoing,
    overview, provider, sign_in, statistics, stuck, systems,
};

/// What it takes to see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Public,
    /// To be signed in, whoever it is.
    SignedIn,
    /// This right.
    May(Right),
}

type Run = for<'a> fn(&'a Call<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// What is done with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is read (also by HEAD).
    Get,
    Post,
}

/// A page.
pub struct Route {
    pub verb: Verb,
    /// Parts in braces stand for anything.
    pub path: &'static str,
    pub need: Need,
    /// It is asked for by a page, not by a person.
    pub is_part: bool,
    /// Its form carries a file.
    pub takes_file: bool,
    pub run: Run,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} {:?}", self.verb, self.path, self.need)
    }
}

macro_rules! routes {
    ($($method:ident $path:literal $need:expr, $run:path $(, $flag:ident)*;)*) => {
        /// Every page there is.
        pub static ROUTES: &[Route] = &[$(
            Route { $($flag: true,)* ..route(Verb::$method, $path, $need, |call| Box::pin($run(call))) },
        )*];
    };
}

const fn route(verb: Verb, path: &'static str, need: Need, run: Run) -> Route {
    Route { verb, path, need, is_part: false, takes_file: false, run }
}

const DOCUMENTS: Need = Need::May(Right::Documents);
const GATEWAY: Need = Need::May(Right::Gateway);
const OPERATE: Need = Need::May(Right::Operate);
const ADMINISTER: Need = Need::May(Right::Administer);
const AUDIT: Need = Need::May(Right::Audit);

routes! {
    Get "/" Need::Public, sign_in::home;
    Get "/style.css" Need::Public, assets::style;
    Get "/live.js" Need::Public, assets::live;
    Get "/icon.svg" Need::Public, assets::icon;
    Get "/language" Need::Public, sign_in::language;
    Get "/sign-in" Need::Public, sign_in::form;
    Post "/sign-in" Need::Public, sign_in::sign_in;
    Get "/sign-in/oidc" Need::Public, provider::begin;
    Get "/sign-in/oidc/back" Need::Public, provider::back;
    Post "/sign-out" Need::SignedIn, sign_in::sign_out;
    Get "/account/password" Need::SignedIn, account::password;
    Post "/account/password" Need::SignedIn, account::set_password;
    Get "/account/second-factor" Need::SignedIn, account::second_factor;
    Post "/account/second-factor" Need::SignedIn, account::set_second_factor;
    Get "/overview" GATEWAY, overview::page;
    Get "/overview/live" GATEWAY, overview::live, is_part;
    Get "/documents" DOCUMENTS, documents::page;
    Get "/documents/{doc}" DOCUMENTS, document::page;
    Get "/documents/{doc}/packet" DOCUMENTS, document::packet;
    Get "/documents/{doc}/proof" DOCUMENTS, document::proof;
    Get "/documents/{doc}/receipt" DOCUMENTS, document::receipt;
    Get "/stuck" GATEWAY, stuck::page;
    Get "/stuck/{cause}" GATEWAY, stuck::cause;
    Get "/acts/plan" OPERATE, acts::plan;
    Post "/acts/plan" OPERATE, acts::plan;
    Post "/acts" OPERATE, acts::perform;
    Get "/proposals" OPERATE, acts::proposals;
    Post "/proposals/{id}" OPERATE, acts::answer;
    Get "/statistics" DOCUMENTS, statistics::page;
    Get "/statistics/export.csv" DOCUMENTS, statistics::csv;
    Get "/statistics/export.xlsx" DOCUMENTS, statistics::xlsx;
    Get "/statistics/feed.json" Need::Public, outgoing::feed;
    Get "/public/statistics" Need::Public, outgoing::public;
    Get "/agencies" GATEWAY, agencies::page;
    Get "/agencies/export.csv" GATEWAY, agencies::csv;
    Get "/agencies/export.xlsx" GATEWAY, agencies::xlsx;
    Post "/agencies/import" ADMINISTER, agencies::import, takes_file;
    Get "/alarms" GATEWAY, alarms::page;
    Post "/alarms/acknowledge" OPERATE, alarms::acknowledge;
    Post "/alarms/test" ADMINISTER, alarms::test;
    Get "/canary" GATEWAY, canary::page;
    Get "/certificates" GATEWAY, certificates::page;
    Get "/systems" ADMINISTER, systems::page;
    Get "/accounts" ADMINISTER, accounts::page;
    Post "/accounts" ADMINISTER, accounts::add;
    Post "/accounts/{name}" ADMINISTER, accounts::change;
    Get "/audit" AUDIT, audit::page;
}

/// The page of this path, and what stands in the places of its braces.
///
/// # Errors
/// There is none, or not for this method.
pub fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Problem> {
    let wanted = match *method {
        Method::GET | Method::HEAD => Some(Verb::Get),
        Method::POST => Some(Verb::Post),
        _ => None,
    };
    let mut other_method = false;
    for route in ROUTES {
        let Some(places) = places(route.path, path) else { continue };
        if Some(route.verb) == wanted {
            return Ok((route, places));
        }
        other_method = true;
    }
    Err(if other_method { METHOD } else { NOT_FOUND })
}

/// What stands in the places, when the path is of this form.
fn places(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut parts, mut given) = (pattern.split('/'), path.split('/'));
    let mut places = Vec::new();
    loop {
        match (parts.next(), given.next()) {
            (None, None) => return Some(places),
            (Some(part), Some(given)) if part.starts_with('{') && !given.is_empty() => places.push(decoded(given)),
            (Some(part), Some(given)) if part == given => {}
            _ => return None,
        }
    }
}

fn decoded(text: &str) -> String {
    // A path has no blanks written as plus.
    let text = text.replace('+', "%2B");
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_is_found_with_its_places() {
        let (route, places) = find(&Method::GET, "/documents/01J%2F2/packet").unwrap();
        assert_eq!((route.path, places), ("/documents/{doc}/packet", vec!["01J/2".to_owned()]));
        assert_eq!(find(&Method::POST, "/overview").unwrap_err().status, 405);
        assert_eq!(find(&Method::GET, "/documents/").unwrap_err().status, 404);
        assert_eq!(find(&Method::GET, "/documents/a/b/c").unwrap_err().status, 404);
    }
}
