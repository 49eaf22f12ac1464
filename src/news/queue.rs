//! News by AMQP: each piece is one persistent message in a queue of the subscriber's own, confirmed by the broker.
//!
//! The queue is a quorum queue, declared here; the subscriber consumes and acknowledges it, which says nothing about the
//! document: that is acknowledged at the gateway. `message_id` is the item's id, so that what comes twice is known.
//!
//! Failure story: a connection serves until something on it fails, then it is left and the next notice opens another. A
//! message whose confirm did not come may be in the queue; it is sent again with the same `message_id`.

use std::time::Duration;

use async_trait::async_trait;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel as AmqpChannel, Confirmation, Connection};
use tokio::sync::Mutex;

use super::{Channel, Item, Notice};
use crate::link::amqp::{Broker, connect_as};

/// Delivery mode of a message that outlives the broker's restart (AMQP 0-9-1, basic class).
const PERSISTENT: u8 = 2;
/// Longest wait for one step on the connection.
const WITHIN: Duration = Duration::from_secs(20);

/// A subscriber that takes news from a queue.
pub struct Queue {
    broker: Broker,
    queue: ShortString,
    open: Mutex<Option<(Connection, AmqpChannel)>>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("broker", &self.broker.name).field("queue", &self.queue).finish_non_exhaustive()
    }
}

#[async_trait]
impl Channel for Queue {
    async fn tell(&self, notice: &Notice) -> Result<(), String> {
        let mut open = self.open.lock().await;
        let told = match &mut *open {
            Some((_, channel)) if channel.status().connected() => self.publish(channel, notice).await,
            _ => match self.connect().await {
                Ok((connection, channel)) => {
                    let told = self.publish(&channel, notice).await;
                    *open = Some((connection, channel));
                    told
                }
                Err(error) => Err(error),
            },
        };
        if told.is_err()
            && let Some((connection, _)) = open.take()
        {
            // It ends by itself where it cannot be ended in order.
            let _ = tokio::time::timeout(WITHIN, connection.close(200, "".into())).await;
        }
        told
    }
}

impl Queue {
    #[must_use]
    pub fn new(broker: Broker, queue: &str) -> Self {
        Self { broker, queue: queue.into(), open: Mutex::default() }
    }

    async fn connect(&self) -> Result<(Connection, AmqpChannel), String> {
        let connection = connect_as(&self.broker, "news").await.map_err(|error| error.to_string())?;
        let channel = in_time(connection.create_channel()).await?;
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut quorum = FieldTable::default();
        quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        in_time(channel.queue_declare(self.queue.clone(), durable, quorum)).await?;
        in_time(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok((connection, channel))
    }

    async fn publish(&self, channel: &AmqpChannel, notice: &Notice) -> Result<(), String> {
        // One after the other: the order is kept, and news are few.
        for item in &notice.items {
            let body = serde_json::to_vec(item).map_err(|error| error.to_string())?;
            let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let properties = properties(item);
            let publishing = channel.basic_publish("".into(), self.queue.clone(), mandatory, &body, properties);
            let confirmed = in_time(async { publishing.await?.await }).await?;
            match confirmed {
                Confirmation::Ack(None) => {}
                Confirmation::Ack(Some(_)) => return Err("no queue took the message".to_owned()),
                Confirmation::Nack(_) | Confirmation::NotRequested => return Err("the broker refused it".to_owned()),
            }
        }
        Ok(())
    }
}

fn properties(item: &Item) -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_type(item.event.as_str().into())
        .with_message_id(item.id.to_string().as_str().into())
}

async fn in_time<T>(step: impl Future<Output = lapin::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(WITHIN, step).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
    }
}
