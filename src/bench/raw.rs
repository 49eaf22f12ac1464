//! The raw rate: the same bytes through the broker and nothing else.
//!
//! A durable quorum queue, persistent messages, mandatory with publisher confirms, manual acknowledgements: the same
//! guarantees that the links ask for, with the client library used as well as we know how. Publishing and consuming
//! have a connection each. A message counts when it was published, confirmed, consumed and acknowledged.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

use super::Tell;

/// Messages between publish and confirm, and between delivery and acknowledgement.
const IN_FLIGHT: usize = 256;
/// The beginning that does not count.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long the broker may be silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// `delivery_mode` of a message that survives the broker.
const PERSISTENT: u8 = 2;

/// Messages a second of this body.
///
/// # Errors
/// The broker cannot be reached or loses something.
pub async fn rate(url: &str, body: &[u8], seconds: u64, tell: Tell<'_>) -> anyhow::Result<f64> {
    let publishing = connect(url).await?;
    let consuming = connect(url).await?;
    let queue: ShortString = format!("bench.raw.{}", std::process::id()).as_str().into();
    let (out, back) = (publishing.create_channel().await?, consuming.create_channel().await?);
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    out.queue_declare(queue.clone(), durable, arguments).await?;

    let start = Instant::now();
    let (from, until) = (start + WARM_UP, start + WARM_UP + Duration::from_secs(seconds));
    let (published, last) = tokio::sync::watch::channel(None);
    let publish = async {
        let number = publish(&out, &queue, body, until).await?;
        published.send_replace(Some(number));
        Ok(())
    };
    let all = async { tokio::try_join!(publish, consume(&back, &queue, last, (from, until), tell)) };
    let limit = WARM_UP + Duration::from_secs(seconds) + PATIENCE;
    let counted = tokio::time::timeout(limit, all).await.context("the broker has gone silent")?;
    out.queue_delete(queue, QueueDeleteOptions::default()).await?;
    publishing.close(200, "done".into()).await?;
    consuming.close(200, "done".into()).await?;
    let ((), counted) = counted?;
    #[allow(clippy::cast_precision_loss)] // far below 2^52 messages
    Ok(counted as f64 / (until - from).as_secs_f64())
}

async fn connect(url: &str) -> anyhow::Result<Connection> {
    let connecting = Connection::connect(url, ConnectionProperties::default());
    let connection = tokio::time::timeout(PATIENCE, connecting).await.context("the broker does not answer")?;
    connection.context("the broker cannot be reached")
}

/// Publishes until the time is over and everything is confirmed; tells how many there were.
async fn publish(channel: &Channel, queue: &ShortString, body: &[u8], until: Instant) -> anyhow::Result<u64> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mandatory = BasicPublishOptions { mandatory: true, immediate: false };
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    let mut flying = FuturesUnordered::new();
    let mut number = 0;
    loop {
        while flying.len() < IN_FLIGHT && Instant::now() < until {
            let (to, properties) = (queue.clone(), properties.clone());
            flying.push(channel.basic_publish(ShortString::default(), to, mandatory, body, properties).await?);
            number += 1;
        }
        match flying.next().await {
            Some(confirmation) => match confirmation? {
                Confirmation::Ack(None) => {}
                other => bail!("the broker did not take a message: {other:?}"),
            },
            None => return Ok(number),
        }
    }
}

/// Consumes everything that was published; tells how many acknowledgements fell between the two moments.
async fn consume(
    channel: &Channel,
    queue: &ShortString,
    mut last: tokio::sync::watch::Receiver<Option<u64>>,
    (from, until): (Instant, Instant),
    tell: Tell<'_>,
) -> anyhow::Result<u64> {
    channel.basic_qos(u16::try_from(IN_FLIGHT).unwrap_or(u16::MAX), BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = channel.basic_consume(queue.clone(), ShortString::default(), options, arguments).await?;
    let (mut seen, mut counted) = (0_u64, 0_u64);
    let whole = until.saturating_duration_since(from).as_secs();
    loop {
        if last.borrow().is_some_and(|number| seen >= number) {
            // Told to the broker before the queue goes away: both would speak of the same consumer at once.
            channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
            return Ok(counted);
        }
        let delivery = tokio::select! {
            delivery = consumer.next() => delivery,
            changed = last.changed() => {
                changed.context("publishing failed")?;
                continue;
            }
        };
        let mut tag = delivery.context("the consumer was closed")??.delivery_tag;
        let mut number = 1;
        // One word to the broker for all that are here, as the links do it.
        while let Some(Some(next)) = consumer.next().now_or_never() {
            tag = next?.delivery_tag;
            number += 1;
        }
        channel.basic_ack(tag, BasicAckOptions { multiple: number > 1 }).await?;
        seen += number;
        let now = Instant::now();
        if now >= from && now < until {
            counted += number;
        }
        tell("AMQP", now.saturating_duration_since(from).as_secs().min(whole), whole);
    }
}
