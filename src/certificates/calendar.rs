//! Gathers the list.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64_simd::STANDARD;
use lienthong_contract::{Digest, HopName, Instant};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::{InUse, Owner, State, Successor, Use, days};
use crate::config::Config;
use crate::directory::Snapshot;
use crate::trust::certificate::{Certificate, read_chain};

/// Largest file of revocation lists that is looked at.
const MAX_LISTS: u64 = 64 << 20;

/// What the list is made from.
#[derive(Debug)]
pub struct Sources<'a> {
    pub config: &'a Config,
    pub directory: &'a Arc<Snapshot>,
    /// Headers of the signatures of receipts, one for each chain that ever signed one here.
    pub headers: &'a [String],
    /// So many days before its end a certificate ends soon.
    pub soon_days: u32,
}

/// Every certificate in use, those that end first before the others, and those whose end is not known last.
#[must_use]
pub fn calendar(sources: &Sources<'_>, now: Instant) -> Vec<InUse> {
    let mut list = List { now, soon: i64::from(sources.soon_days), all: Vec::new() };
    ours(sources.config, &mut list);
    authorities(sources.config, &mut list);
    peers(sources, &mut list);
    registered(sources, &mut list);
    let mut all = list.all;
    overlaps(&mut all);
    all.sort_by_key(|one| (one.not_after.is_none(), one.not_after, one.what, one.place.clone()));
    all
}

struct List {
    now: Instant,
    soon: i64,
    all: Vec<InUse>,
}

impl List {
    fn state(&self, from: Option<Instant>, to: Instant) -> State {
        if to <= self.now {
            State::Expired
        } else if from.is_some_and(|from| from > self.now) {
            State::NotYetValid
        } else if days(self.now, to) < self.soon {
            State::Expiring
        } else {
            State::Good
        }
    }

    fn put(&mut self, what: Use, place: &str, owner: Owner, certificate: &Certificate) {
        let known =
            |one: &InUse| one.what == what && one.owner == owner && one.fingerprint == Some(certificate.fingerprint());
        if self.all.iter().any(known) {
            return;
        }
        let (from, to) = (certificate.not_before(), certificate.not_after());
        self.all.push(InUse {
            what,
            place: place.to_owned(),
            owner,
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer().to_owned(),
            serial: certificate.serial().to_owned(),
            fingerprint: Some(certificate.fingerprint()),
            not_before: Some(from),
            not_after: Some(to),
            days_left: Some(days(self.now, to)),
            state: self.state(Some(from), to),
            overlap: None,
            error: None,
        });
    }

    /// The certificates of a PEM file: only the first, of a chain that is shown; all, of authorities.
    fn file(&mut self, what: Use, place: &str, (owner, file): (Owner, &Path), all: bool) {
        match read_chain(file) {
            Ok(chain) => {
                let most = if all { usize::MAX } else { 1 };
                for certificate in chain.iter().take(most) {
                    self.put(what, place, owner.clone(), certificate);
                }
                // The authorities that are shown along end sometime, too.
                for certificate in chain.iter().skip(most) {
                    self.put(Use::Intermediate, place, Owner::Authority, certificate);
                }
            }
            Err(error) => {
                self.all.push(blank(what, place, owner, (State::Unreadable, Some(error.to_string()))));
            }
        }
    }

    fn revocation_lists(&mut self, place: &str, file: &Path) {
        let lists = match lists_of(file) {
            Ok(lists) => lists,
            Err(error) => {
                self.all.push(blank(Use::RevocationList, place, Owner::Authority, (State::Unreadable, Some(error))));
                return;
            }
        };
        for (issuer, from, to) in lists {
            if self
                .all
                .iter()
                .any(|one| one.what == Use::RevocationList && one.issuer == issuer && one.not_before == Some(from))
            {
                continue;
            }
            let state = to.map_or(State::NotKnown, |to| self.state(None, to));
            let left = to.map(|to| days(self.now, to));
            let mut one = blank(Use::RevocationList, place, Owner::Authority, (state, None));
            one.subject.clone_from(&issuer);
            (one.issuer, one.not_before, one.not_after, one.days_left) = (issuer, Some(from), to, left);
            // A list lives for days; only one that is over is late.
            if one.state == State::Expiring {
                one.state = State::Good;
            }
            self.all.push(one);
        }
    }
}

/// One of which nothing is known yet.
fn blank(what: Use, place: &str, owner: Owner, (state, error): (State, Option<String>)) -> InUse {
    InUse {
        what,
        place: place.to_owned(),
        owner,
        subject: String::new(),
        issuer: String::new(),
        serial: String::new(),
        fingerprint: None,
        not_before: None,
        not_after: None,
        days_left: None,
        state,
        overlap: None,
        error,
    }
}

/// Issuer, day of issue and day of the next issue of each list of a PEM file.
fn lists_of(file: &Path) -> Result<Vec<(String, Instant, Option<Instant>)>, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > MAX_LISTS {
        return Err(format!("larger than {MAX_LISTS} bytes"));
    }
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let mut lists = Vec::new();
    for der in CertificateRevocationListDer::pem_slice_iter(&bytes) {
        let der = der.map_err(|error| error.to_string())?;
        let (_, list) = CertificateRevocationList::from_der(der.as_ref()).map_err(|error| error.to_string())?;
        let at = |seconds: i64| Instant::from_millis(seconds.saturating_mul(1000));
        let next = list.next_update().map(|time| at(time.timestamp()));
        lists.push((list.issuer().to_string().chars().take(512).collect(), at(list.last_update().timestamp()), next));
    }
    Ok(lists)
}

fn ours(config: &Config, list: &mut List) {
    let mut ours = |what: Use, place: &str, file: &Path| list.file(what, place, (Owner::Us, file), false);
    ours(Use::HopSigning, "hop.certificate", &config.hop.certificate);
    ours(Use::Server, "api.certificate", &config.api.certificate);
    let doors = [
        ("vxp.certificate", config.vxp.as_ref().and_then(|door| door.certificate.as_ref())),
        ("lgsp.certificate", config.lgsp.as_ref().and_then(|door| door.certificate.as_ref())),
        ("bkav.certificate", config.bkav.as_ref().and_then(|door| door.certificate.as_ref())),
        ("xroad.certificate", config.xroad.as_ref().and_then(|door| door.certificate.as_ref())),
        ("console.certificate", config.console.as_ref().and_then(|door| door.certificate.as_ref())),
    ];
    for (place, file) in doors.into_iter().filter_map(|(place, file)| Some((place, file?))) {
        ours(Use::Server, place, file);
    }
    for broker in &config.broker {
        if let Some(file) = &broker.certificate {
            ours(Use::BrokerClient, &format!("broker {}", broker.name), file);
        }
    }
    for outlet in &config.outlet {
        let named = outlet.settings.iter().filter(|(key, _)| key.ends_with("certificate_file"));
        for (key, file) in named {
            ours(Use::OutletClient, &format!("outlet {}: {key}", outlet.name), &PathBuf::from(file));
        }
    }
    for webhook in &config.webhook {
        if let Some(file) = &webhook.certificate {
            ours(Use::WebhookClient, &format!("webhook {}", webhook.name), file);
        }
    }
}

fn authorities(config: &Config, list: &mut List) {
    let (trust, api) = (&config.trust, &config.api);
    let files: [(Use, &str, &[PathBuf]); 5] = [
        (Use::Root, "trust.roots", &trust.roots),
        (Use::Root, "trust.hop_roots", &trust.hop_roots),
        (Use::Root, "api.client_roots", &api.client_roots),
        (Use::Intermediate, "trust.intermediates", &trust.intermediates),
        (Use::Intermediate, "api.client_intermediates", &api.client_intermediates),
    ];
    for (what, place, files) in files {
        files.iter().for_each(|file| list.file(what, place, (Owner::Authority, file), true));
    }
    for broker in &config.broker {
        if let Some(file) = &broker.ca {
            list.file(Use::Root, &format!("broker {}: ca", broker.name), (Owner::Authority, file), true);
        }
    }
    for (place, files) in [("trust.crls", &trust.crls), ("api.client_crls", &api.client_crls)] {
        files.iter().for_each(|file| list.revocation_lists(place, file));
    }
}

/// The header of a receipt's signature, as far as it is needed here.
#[derive(Deserialize)]
struct Header {
    x5c: Vec<String>,
}

/// The certificates that signed neighbours' receipts, each neighbour's last one: those before it are not in use any more.
fn peers(sources: &Sources<'_>, list: &mut List) {
    let config = sources.config;
    let chains = sources.headers.iter().filter_map(|header| {
        let leaf = serde_json::from_slice::<Header>(&decoded(header)?).ok()?.x5c.into_iter().next()?;
        Certificate::from_der(&STANDARD.decode_to_vec(leaf).ok()?).ok()
    });
    let mut newest: Vec<(HopName, Certificate)> = Vec::new();
    let hops = config.link.iter().flat_map(|link| std::iter::once(&link.peer).chain(&link.hops));
    let hops: Vec<&HopName> = hops.collect();
    for certificate in chains {
        let pinned = config.trust.pin.iter().find(|pin| pin.certificates.contains(&certificate.fingerprint()));
        let hop = pinned
            .map(|pin| &pin.hop)
            .or_else(|| hops.iter().copied().find(|hop| crate::trust::hops::names(certificate.der(), hop)));
        let Some(hop) = hop.filter(|hop| **hop != config.hop.name) else { continue };
        match newest.iter_mut().find(|(known, _)| known == hop) {
            Some((_, before)) if before.not_before() < certificate.not_before() => *before = certificate,
            Some(_) => {}
            None => newest.push((hop.clone(), certificate)),
        }
    }
    for (hop, certificate) in newest {
        list.put(Use::PeerSigning, "receipts", Owner::Peer(hop), &certificate);
    }
}

/// A header as it stands in a JWS: base64url without padding.
fn decoded(header: &str) -> Option<Vec<u8>> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(header).ok()
}

/// What is registered by fingerprint, unless the certificate itself was seen.
fn registered(sources: &Sources<'_>, list: &mut List) {
    let mut register = |what: Use, place: &str, owner: Owner, fingerprint: Digest| {
        if list.all.iter().any(|one| one.owner == owner && one.fingerprint == Some(fingerprint)) {
            return;
        }
        let one = blank(what, place, owner, (State::NotKnown, None));
        list.all.push(InUse { fingerprint: Some(fingerprint), ..one });
    };
    for pin in &sources.config.trust.pin {
        for fingerprint in &pin.certificates {
            register(Use::PeerPin, "trust.pin", Owner::Peer(pin.hop.clone()), *fingerprint);
        }
    }
    for agency in sources.directory.iter() {
        for (what, fingerprints) in
            [(Use::AgencyClient, &agency.client_certificates), (Use::AgencySigning, &agency.signing_certificates)]
        {
            for fingerprint in fingerprints {
                register(what, "directory", Owner::Agency(agency.key.code().clone()), *fingerprint);
            }
        }
    }
}

/// Finds for each certificate the next one of the same use, owner and place (for authorities: of the same subject).
fn overlaps(all: &mut [InUse]) {
    let whole = all.to_vec();
    for one in all.iter_mut().filter(|one| one.what != Use::RevocationList) {
        let Some(ends) = one.not_after else { continue };
        let follows = |other: &&InUse| {
            let same_place = match one.owner {
                Owner::Authority => other.subject == one.subject,
                _ => other.place == one.place,
            };
            other.what == one.what
                && other.owner == one.owner
                && same_place
                && other.not_after.is_some_and(|to| to > ends)
        };
        let next = whole.iter().filter(follows).min_by_key(|other| other.not_after);
        one.overlap = next.and_then(|next| {
            let (fingerprint, from, to) = (next.fingerprint?, next.not_before?, next.not_after?);
            Some(Successor { fingerprint, not_before: from, not_after: to, overlap_days: days(from, ends) })
        });
    }
}
