//! What rooms are set to, from the configuration.

use std::num::NonZeroU32;
use std::time::Duration;

use lienthong_contract::HopName;
use lienthong_schemas::Catalogue;

use crate::config::{self, Config};
use crate::routing::{LinkRoute, OutletRoute, Routes};
use crate::trust::TrustStore;
use crate::trust::path::RevocationPolicy;
use crate::trust::tls::ServerFiles;
use crate::{api, canary, delivery};

pub(super) fn signer_trust(trust: &config::Trust) -> Result<TrustStore, crate::trust::Error> {
    let store = TrustStore::from_pem_files(&trust.roots, &trust.intermediates, &trust.crls)?;
    Ok(store.with_revocation(revocation(trust)))
}

pub(super) fn hop_trust(trust: &config::Trust) -> Result<TrustStore, crate::trust::Error> {
    let roots = if trust.hop_roots.is_empty() { &trust.roots } else { &trust.hop_roots };
    let store = TrustStore::from_pem_files(roots, &trust.intermediates, &trust.crls)?;
    Ok(store.with_revocation(revocation(trust)))
}

const fn revocation(trust: &config::Trust) -> RevocationPolicy {
    if trust.require_revocation { RevocationPolicy::Require } else { RevocationPolicy::AcceptUnchecked }
}

pub(super) fn catalogue(schemas: &config::Schemas) -> Result<Catalogue, lienthong_schemas::Error> {
    schemas.folder.as_deref().map_or_else(Catalogue::builtin, Catalogue::with_folder)
}

pub(super) fn server_files(api: &config::Api) -> ServerFiles {
    ServerFiles {
        chain: api.certificate.clone(),
        key: api.key.clone(),
        client_roots: api.client_roots.clone(),
        client_intermediates: api.client_intermediates.clone(),
        client_crls: api.client_crls.clone(),
        // Health is asked without a certificate; every other path demands one.
        require_client_cert: false,
    }
}

pub(super) fn api_limits(api: &config::Api) -> api::Limits {
    let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    api::Limits {
        max_packet_bytes: api.max_packet_mib << 20,
        requests_per_second: at_least_one(api.requests_per_second),
        request_burst: at_least_one(api.request_burst),
        uploads_per_caller: api.uploads_per_caller.max(1),
        ..api::Limits::default()
    }
}

pub(super) fn delivery_settings(delivery: &config::Delivery, config: &Config) -> delivery::Settings {
    let hours = |hours: u64| Duration::from_secs(hours.max(1).saturating_mul(3600));
    let of = |(to, normal, urgent): (&HopName, Option<u64>, Option<u64>)| {
        let own = normal.or(urgent)?;
        let normal = normal.unwrap_or(delivery.relay_hours.max(own));
        let urgent = urgent.unwrap_or(delivery.urgent_relay_hours.min(normal));
        Some((to.clone(), hours(normal), hours(urgent)))
    };
    let links = config.link.iter().map(|link| (&link.peer, link.relay_hours, link.urgent_relay_hours));
    let outlets = config.outlet.iter().map(|out| (&out.name, out.relay_hours, out.urgent_relay_hours));
    let deadlines = delivery::Deadlines {
        relay: hours(delivery.relay_hours),
        relay_urgent: hours(delivery.urgent_relay_hours),
        collect: hours(delivery.collect_days.saturating_mul(24)),
        by_link: links.chain(outlets).filter_map(of).collect(),
        ..delivery::Deadlines::default()
    };
    delivery::Settings {
        deadlines,
        window: delivery.window.max(1),
        urgent_window: delivery.urgent_window.max(1),
        acceptance_timeout: Duration::from_secs(delivery.acceptance_seconds.max(1)),
        longest_pause: Duration::from_secs(delivery.longest_pause_seconds.max(1)),
        ..delivery::Settings::default()
    }
}

/// The routes of a configuration.
#[must_use]
pub fn routes(config: &Config) -> Routes {
    let links = config.link.iter().map(|link| LinkRoute {
        peer: link.peer.clone(),
        prefixes: link.prefixes.clone(),
        hops: link.hops.clone(),
        default: link.default,
    });
    let outlets = config.outlet.iter().map(|outlet| OutletRoute {
        name: outlet.name.clone(),
        prefixes: outlet.prefixes.clone(),
        default: outlet.default,
    });
    Routes { hop: config.hop.name.clone(), links: links.collect(), outlets: outlets.collect() }
}

pub(super) fn canary_settings(canary: &config::Canary) -> canary::Settings {
    canary::Settings {
        agency: canary.agency.clone(),
        key: canary.key.clone(),
        certificate: canary.certificate.clone(),
        every: Duration::from_secs(u64::from(canary.every_minutes) * 60),
    }
}
