//! What was set aside in this hop's dead-letter queue: how much there is, putting it back, letting go of it.
//!
//! Invariants: a message leaves the dead-letter queue only after the broker has confirmed it in the queue that it came from,
//! or on a person's word. What was set aside stays in its sender's custody all the while: what is let go of here is sent
//! again until its deadline.
//!
//! Failure story: a crash between the confirm and the acknowledgement leaves a message in both queues; the sink knows what it
//! has taken.

use std::time::Duration;

use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use lienthong_contract::HopName;

use super::config::Broker;
use super::connect::lost;
use super::publish::in_time;
use super::{topology, wire};
use crate::link::Error;

/// Where the broker writes which queue a message was set aside from first.
const ORIGIN: &str = "x-first-death-queue";
/// Headers of the broker that begin so tell of earlier set-asides.
const DEATHS: [&str; 3] = ["x-death", "x-first-death-", "x-last-death-"];

/// What became of messages that were set aside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    pub moved: u32,
    /// They lie there still: nobody can say where they came from.
    pub left: u32,
}

/// What is done with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    PutBack,
    LetGo,
}

/// How many messages lie there.
pub(super) async fn count(broker: &Broker, connection: &Connection) -> Result<u32, Error> {
    Ok(topology::census(broker, connection, &topology::dead(&broker.me)).await?.0)
}

/// Goes through the oldest messages, at most so many, and no more than lie there at the beginning.
pub(super) async fn clear(broker: &Broker, connection: &Connection, with: With, most: u32) -> Result<Moved, Error> {
    // What is set aside again meanwhile is not taken a second time.
    let most = most.min(count(broker, connection).await?);
    let channel = topology::open_channel(broker, connection).await?;
    let cleared = each(broker, &channel, with, most).await;
    // What was taken and not settled goes back into its queue with the channel.
    let _ = in_time(broker.limits.rpc(), "closing a channel", channel.close(200, "done".into())).await;
    cleared
}

async fn each(broker: &Broker, channel: &Channel, with: With, most: u32) -> Result<Moved, Error> {
    let rpc = broker.limits.rpc();
    let fault = |error: lapin::Error| lost(broker, &error);
    if with == With::PutBack {
        in_time(rpc, "confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?.map_err(fault)?;
    }
    let queue = topology::dead(&broker.me);
    let (mut done, mut unknown) = (Moved::default(), Vec::new());
    for _ in 0..most {
        let asking = channel.basic_get(queue.clone(), BasicGetOptions { no_ack: false });
        let Some(message) = in_time(rpc, "a message", asking).await?.map_err(fault)? else { break };
        let origin = origin(&message.properties, &broker.me);
        match (with, origin) {
            (With::LetGo, origin) => tell(broker, &message, origin.as_ref()),
            (With::PutBack, Some(origin)) => put_back(broker, channel, &message, origin, rpc).await?,
            (With::PutBack, None) => {
                unknown.push(message);
                continue;
            }
        }
        in_time(rpc, "an acknowledgement", message.acker.ack(BasicAckOptions::default())).await?.map_err(fault)?;
        done.moved = done.moved.saturating_add(1);
    }
    for message in unknown {
        done.left = done.left.saturating_add(1);
        let back = message.acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() });
        in_time(rpc, "a return", back).await?.map_err(fault)?;
    }
    Ok(done)
}

/// The queue of this hop that a message came from.
fn origin(properties: &BasicProperties, me: &HopName) -> Option<ShortString> {
    let name = match properties.headers().as_ref()?.inner().get(ORIGIN)? {
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        AMQPValue::ShortString(text) => text.to_string(),
        _ => return None,
    };
    let frames = [topology::frames(me, false), topology::frames(me, true)];
    topology::renewable(me).into_iter().chain(frames).find(|queue| queue.as_str() == name)
}

/// The same message as its sender wrote it.
fn as_sent(properties: &BasicProperties) -> BasicProperties {
    let Some(headers) = properties.headers() else { return properties.clone() };
    let own = headers.inner().iter().filter(|(name, _)| !DEATHS.iter().any(|death| name.as_str().starts_with(death)));
    let mut table = FieldTable::default();
    own.for_each(|(name, value)| {
        table.insert(name.clone(), value.clone());
    });
    properties.clone().with_headers(table)
}

async fn put_back(
    broker: &Broker,
    channel: &Channel,
    message: &BasicGetMessage,
    origin: ShortString,
    rpc: Duration,
) -> Result<(), Error> {
    let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let (nobody, properties) = (ShortString::default(), as_sent(&message.properties));
    let publishing = channel.basic_publish(nobody, origin.clone(), mandatory, &message.data, properties);
    let publishing = async { publishing.await?.await };
    let confirmed = in_time(rpc, "the confirm", publishing).await?.map_err(|error| lost(broker, &error))?;
    match confirmed {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) => {
            Err(Error::Unroutable { peer: broker.me.clone(), detail: format!("no queue {origin}") })
        }
        Confirmation::Nack(_) | Confirmation::NotRequested => Err(Error::Nacked { peer: broker.me.clone() }),
    }
}

/// What is let go of is named in the log, without a word of what it says.
fn tell(broker: &Broker, message: &BasicGetMessage, origin: Option<&ShortString>) {
    let from = message.properties.app_id().as_ref().map_or("", ShortString::as_str);
    let from = if from.parse::<HopName>().is_ok() { from } else { "?" };
    let kind = Some(wire::kind_of(&message.properties)).filter(|kind| wire::KINDS.contains(kind)).unwrap_or("?");
    let origin = origin.map_or("?", ShortString::as_str);
    let bytes = message.data.len();
    tracing::info!(broker = broker.name, from, kind, origin, bytes, "a message that was set aside is let go of");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn dead(origin: &str) -> BasicProperties {
        let mut table = FieldTable::default();
        table.insert(ORIGIN.into(), AMQPValue::LongString(origin.into()));
        for (name, value) in [("x-death", "…"), ("x-last-death-reason", "rejected"), ("traceparent", "00-1-2-01")] {
            table.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        BasicProperties::default().with_headers(table)
    }

    #[test]
    fn a_message_goes_back_only_into_a_queue_of_this_hop_and_as_it_was_sent() {
        let me: HopName = "h27".parse().unwrap();
        for ours in ["packets.h27", "packets.h27.urgent", "receipts.h27", "frames.h27", "frames.h27.urgent"] {
            assert_eq!(origin(&dead(ours), &me).unwrap().as_str(), ours);
        }
        for other in ["packets.vn", "dead.h27", "news.h27.x", ""] {
            assert_eq!(origin(&dead(other), &me), None, "{other}");
        }
        assert_eq!(origin(&BasicProperties::default(), &me), None);
        let sent = as_sent(&dead("packets.h27"));
        let names: Vec<&str> = sent.headers().as_ref().unwrap().inner().keys().map(ShortString::as_str).collect();
        assert_eq!(names, ["traceparent"]);
    }
}
