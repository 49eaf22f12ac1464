//! Queues: which there are, and how both ends declare them the same, so that start order does not matter.
//!
//! `packets.<hop>`, `packets.<hop>.urgent` and `receipts.<hop>` are quorum queues: replicated, with a delivery limit,
//! and dead-lettering at-least-once to `dead.<hop>`. `frames.<hop>` and `frames.<hop>.urgent` are durable classic
//! queues: a quorum queue writes a large body twice, and a lost frame costs a resend, since the sender's custody does
//! not end before the receipt.
//!
//! A hop's *own* queues must be as declared here. A *peer's* queues are the peer's business: where this account may
//! not declare them, or the peer made them with another delivery limit, they are used as they are, and a message that
//! no queue takes is reported as unroutable.
//!
//! Failure story: a quorum queue can come back dead from a kill of its broker; `mend` tells how that is noticed, and
//! [`renew`] makes it anew. Messages reach these queues by the default exchange, so there is nothing to bind again.

use std::collections::HashSet;
use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};
use lienthong_contract::HopName;

use super::config::{Broker, Limits};
use super::connect::{ACCESS_REFUSED, PRECONDITION_FAILED, lost};
use super::publish::in_time;
use crate::link::Error;

const DEAD_EXCHANGE: &str = "lienthong.dead";

pub(super) fn packets(hop: &HopName, urgent: bool) -> ShortString {
    laned("packets", hop, urgent)
}

pub(super) fn frames(hop: &HopName, urgent: bool) -> ShortString {
    laned("frames", hop, urgent)
}

pub(super) fn receipts(hop: &HopName) -> ShortString {
    format!("receipts.{hop}").as_str().into()
}

/// The queues of this hop that may be deleted and made anew: their fault is known, and what they hold is sent again.
pub(super) fn renewable(me: &HopName) -> [ShortString; 3] {
    [packets(me, false), packets(me, true), receipts(me)]
}

pub(super) fn dead(hop: &HopName) -> ShortString {
    format!("dead.{hop}").as_str().into()
}

fn laned(what: &str, hop: &HopName, urgent: bool) -> ShortString {
    format!("{what}.{hop}{}", if urgent { ".urgent" } else { "" }).as_str().into()
}

/// Declares everything this hop needs on the broker. Gives the peers whose queues only they may declare, which is how a
/// broker with a strict account for each hop has it: those queues are there when the peer has been.
pub(super) async fn declare(broker: &Broker, connection: &Connection) -> Result<HashSet<HopName>, Error> {
    let limits = &broker.limits;
    let channel = open_channel(broker, connection).await?;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let exchange = channel.exchange_declare(DEAD_EXCHANGE.into(), ExchangeKind::Direct, durable, FieldTable::default());
    in_time(limits.rpc(), "the exchange", exchange).await?.map_err(|error| refused(broker, DEAD_EXCHANGE, &error))?;
    declare_hop(broker, &channel, &broker.me).await?;
    let mut theirs = HashSet::new();
    for peer in &broker.peers {
        if !declare_peer(broker, connection, peer).await? {
            theirs.insert(peer.clone());
        }
    }
    close(broker, &channel).await;
    Ok(theirs)
}

/// Declares a peer's queues, or lets them be what they are; false when this hop's account may not declare them.
pub(super) async fn declare_peer(broker: &Broker, connection: &Connection, peer: &HopName) -> Result<bool, Error> {
    // A refused declaration closes its channel, so each peer has its own.
    let channel = open_channel(broker, connection).await?;
    match declare_hop(broker, &channel, peer).await {
        Ok(()) => {
            close(broker, &channel).await;
            Ok(true)
        }
        Err(Error::AccessRefused(_)) => {
            tracing::debug!(broker = broker.name, %peer, "this peer's queues are its own to declare");
            Ok(false)
        }
        Err(error @ Error::PreconditionFailed { .. }) => {
            tracing::warn!(broker = broker.name, %peer, %error, code = error.kind().code, "a peer's queues are used as they are");
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

async fn declare_hop(broker: &Broker, channel: &Channel, hop: &HopName) -> Result<(), Error> {
    let limits = &broker.limits;
    declare_queue(broker, channel, dead(hop), quorum(FieldTable::default())).await?;
    let bind = channel.queue_bind(
        dead(hop),
        DEAD_EXCHANGE.into(),
        dead(hop),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    let bound = in_time(broker.limits.rpc(), "the binding", bind).await?;
    bound.map_err(|error| refused(broker, dead(hop).as_str(), &error))?;
    for queue in renewable(hop) {
        declare_queue(broker, channel, queue, guarded(hop, limits)).await?;
    }
    for queue in [frames(hop, false), frames(hop, true)] {
        declare_queue(broker, channel, queue, bounded(hop, limits)).await?;
    }
    Ok(())
}

/// How many messages and consumers the broker says a queue has.
pub(super) async fn census(broker: &Broker, connection: &Connection, queue: &ShortString) -> Result<(u32, u32), Error> {
    let channel = open_channel(broker, connection).await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let asking = channel.queue_declare(queue.clone(), passive, FieldTable::default());
    let told = in_time(broker.limits.rpc(), "a queue", asking).await?;
    let told = told.map_err(|error| refused(broker, queue.as_str(), &error))?;
    close(broker, &channel).await;
    Ok((told.message_count(), told.consumer_count()))
}

/// Deletes a queue of this hop, with all that is in it, and declares it again.
pub(super) async fn renew(
    broker: &Broker,
    connection: &Connection,
    queue: &ShortString,
    deadline: Duration,
) -> Result<(), Error> {
    let channel = open_channel(broker, connection).await?;
    let deleting = channel.queue_delete(queue.clone(), QueueDeleteOptions::default());
    let deleted = in_time(deadline, "the deletion of a queue", deleting).await?;
    deleted.map_err(|error| refused(broker, queue.as_str(), &error))?;
    declare_queue(broker, &channel, queue.clone(), guarded(&broker.me, &broker.limits)).await?;
    close(broker, &channel).await;
    Ok(())
}

fn dead_lettering(hop: &HopName) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString(DEAD_EXCHANGE.into()));
    arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(dead(hop).as_str().into()));
    arguments
}

fn quorum(mut arguments: FieldTable) -> FieldTable {
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments
}

fn guarded(hop: &HopName, limits: &Limits) -> FieldTable {
    let mut arguments = quorum(dead_lettering(hop));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(i64::from(limits.delivery_limit)));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(i64::from(limits.queue_messages)));
    // At-least-once dead-lettering needs reject-publish: with drop-head a full queue would lose its oldest.
    arguments.insert("x-dead-letter-strategy".into(), AMQPValue::LongString("at-least-once".into()));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    arguments
}

fn bounded(hop: &HopName, limits: &Limits) -> FieldTable {
    let mut arguments = dead_lettering(hop);
    let bytes = i64::try_from(limits.frames_queue_bytes).unwrap_or(i64::MAX);
    arguments.insert("x-max-length-bytes".into(), AMQPValue::LongLongInt(bytes));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    arguments
}

async fn declare_queue(
    broker: &Broker,
    channel: &Channel,
    queue: ShortString,
    arguments: FieldTable,
) -> Result<(), Error> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = in_time(broker.limits.rpc(), "a queue", channel.queue_declare(queue.clone(), durable, arguments));
    declared.await?.map(|_| ()).map_err(|error| refused(broker, queue.as_str(), &error))
}

/// The broker's answer to a declaration, in our words.
fn refused(broker: &Broker, queue: &str, error: &lapin::Error) -> Error {
    if let ErrorKind::ProtocolError(said) = error.kind() {
        let detail = said.get_message().to_string();
        match said.get_id() {
            PRECONDITION_FAILED => return Error::PreconditionFailed { queue: queue.to_owned(), detail },
            ACCESS_REFUSED => return Error::AccessRefused(detail),
            _ => {}
        }
    }
    lost(broker, error)
}

pub(super) async fn open_channel(broker: &Broker, connection: &Connection) -> Result<Channel, Error> {
    let channel = in_time(broker.limits.rpc(), "a channel", connection.create_channel()).await?;
    channel.map_err(|error| lost(broker, &error))
}

async fn close(broker: &Broker, channel: &Channel) {
    // A channel that does not close in time goes with its connection.
    let _ = in_time(broker.limits.rpc(), "closing a channel", channel.close(200, "done".into())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_dead_letters_nor_frames_may_be_made_anew() {
        let me: HopName = "h27".parse().unwrap();
        let names = renewable(&me).map(|queue| queue.to_string());
        assert_eq!(names, ["packets.h27", "packets.h27.urgent", "receipts.h27"]);
    }
}
