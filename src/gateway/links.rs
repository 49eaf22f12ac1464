//! The ways to neighbours, from the configuration: a link for each broker, one for the hub of this process.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use lienthong_contract::{Clock, HopName};

use super::{StartError, console};
use crate::config::{self, Config};
use crate::intake::Intake;
use crate::link::amqp::{AmqpLink, Broker, TlsFiles};
use crate::link::inprocess::Hub;
use crate::link::{Arrived, Coming, Link, Sink, SinkError};

/// Takes what links bring once the intake stands; until then asks them to wait.
#[derive(Default)]
pub(super) struct LateSink(pub OnceLock<Intake>);

impl LateSink {
    fn intake(&self) -> Result<&Intake, SinkError> {
        self.0.get().ok_or_else(|| SinkError::Retry { why: "the gateway is starting".to_owned() })
    }
}

#[async_trait]
impl Sink for LateSink {
    async fn transfer(&self, header: Vec<u8>, content: Arrived, coming: Coming) -> Result<(), SinkError> {
        self.intake()?.transfer(header, content, coming).await
    }

    async fn receipts(&self, batch: Bytes) -> Result<(), SinkError> {
        self.intake()?.receipts(batch).await
    }
}

pub(super) type Links = (Vec<Arc<AmqpLink>>, Vec<(HopName, Arc<dyn Link>)>);

/// A link object for each broker and one for the hub, and which neighbour is reached through which.
pub(super) fn links(
    config: &Config,
    hub: &Hub,
    sink: &Arc<LateSink>,
    clock: &Arc<dyn Clock>,
) -> Result<Links, StartError> {
    let (mut brokers, mut neighbours): Links = Default::default();
    for broker in &config.broker {
        let peers: Vec<HopName> = (config.link.iter())
            .filter(|link| link.broker.as_deref() == Some(&broker.name))
            .map(|link| link.peer.clone())
            .collect();
        let settings = broker_settings(config, broker, peers.clone())?;
        let link = Arc::new(AmqpLink::start(settings, Arc::clone(sink) as _, Arc::clone(clock))?);
        neighbours.extend(peers.into_iter().map(|peer| (peer, Arc::clone(&link) as Arc<dyn Link>)));
        brokers.push(link);
    }
    let hub_link: Arc<dyn Link> = Arc::new(hub.link(config.api.max_packet_mib << 20, clock.now()));
    let local = config.link.iter().filter(|link| link.broker.is_none());
    neighbours.extend(local.map(|link| (link.peer.clone(), Arc::clone(&hub_link))));
    Ok((brokers, neighbours))
}

pub(super) fn broker_settings(
    config: &Config,
    broker: &config::Broker,
    peers: Vec<HopName>,
) -> Result<Broker, StartError> {
    let spool = config.hop.data.join("arriving").join(&broker.name);
    let mut settings = Broker::new(&broker.name, &broker_url(broker)?, config.hop.name.clone(), peers, spool);
    settings.limits.max_content_bytes = config.api.max_packet_mib << 20;
    if !broker.renew_dead_queues {
        settings.limits.renew_after = 0;
    }
    if let (Some(ca), Some(cert), Some(key)) = (&broker.ca, &broker.certificate, &broker.key) {
        settings.tls = Some(TlsFiles { ca: ca.clone(), cert: cert.clone(), key: key.clone() });
    }
    Ok(settings)
}

pub(super) fn broker_url(broker: &config::Broker) -> Result<String, StartError> {
    let Some(file) = &broker.url_file else { return Ok(broker.url.clone().unwrap_or_default()) };
    let read = crate::secrets::read(file);
    let fault = |source| StartError::BrokerAddress { name: broker.name.clone(), file: file.clone(), source };
    Ok(read.map_err(fault)?.trim().to_owned())
}

/// The broker of each neighbour that has one; brokers stand in the order of the configuration.
pub(super) fn links_of(config: &Config, links: &[Arc<AmqpLink>]) -> HashMap<HopName, Arc<AmqpLink>> {
    let of = |link: &config::Link| {
        let at = config.broker.iter().position(|broker| Some(&broker.name) == link.broker.as_ref())?;
        Some((link.peer.clone(), Arc::clone(links.get(at)?)))
    };
    config.link.iter().filter_map(of).collect()
}

/// What brokers set aside, where there is something.
pub(super) fn set_aside(brokers: &[Arc<AmqpLink>]) -> Vec<(String, u32)> {
    let of =
        |broker: &Arc<AmqpLink>| Some((broker.name().to_owned(), broker.state().set_aside.filter(|count| *count > 0)?));
    brokers.iter().filter_map(of).collect()
}

/// When the certificate that is shown to each neighbour's broker ends.
pub(super) fn certificates_of(config: &Config) -> HashMap<HopName, lienthong_contract::Instant> {
    let of = |link: &config::Link| {
        let broker = config.broker.iter().find(|broker| Some(&broker.name) == link.broker.as_ref())?;
        Some((link.peer.clone(), console::ends(broker.certificate.as_deref()?)?))
    };
    config.link.iter().filter_map(of).collect()
}
