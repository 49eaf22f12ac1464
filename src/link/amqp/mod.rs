//! The link over RabbitMQ.
//!
//! An [`AmqpLink`] is one broker as seen by one hop; it serves every peer that is reached through that broker. Its
//! parts: `config` what the administrator sets, `supervise` the loop that keeps it connected, `connect` sockets
//! and TLS, `topology` queues, `publish` confirms, `send` one transfer out, `pack` small ones together, `consume`
//! deliveries in, `assemble` large packets in, `mend` queues that came back dead, `dead` what was set aside, `wire` how a
//! message looks.
//!
//! Four connections a broker: publishing and consuming are apart, because a broker in alarm stops *reading* from
//! publishers and would no longer see their acknowledgements; urgent traffic and receipts are apart from the rest,
//! because a flood fills socket buffers and the broker's credit, which are per connection. A set of connections with
//! its channels is a *generation*; when any part of it breaks the whole generation ends, everything pending on it
//! fails at once with a retryable error, and the supervisor builds the next. The client library's own recovery is
//! off: it was seen to leave a confirm hanging for ever.
//!
//! Failure story: what was confirmed is on the broker's disk; what was pending is reported as failed though the
//! broker may have it (the receiver deduplicates); what was delivered and not yet acknowledged is delivered again.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lienthong_contract::{Clock, HopName};

use super::{Error, Link, LinkState, MAX_HEADER_BYTES, Sink, Transfer, check, check_size};

mod assemble;
mod config;
mod connect;
mod consume;
mod dead;
mod mend;
mod pack;
mod publish;
mod send;
mod supervise;
mod topology;
mod wire;

pub use config::{Broker, Limits, TlsFiles};
pub use dead::Moved;

use supervise::Shared;

/// One broker, connected as long as this value lives. Dropping it ends the link at once; [`AmqpLink::stop`] ends it
/// gracefully.
pub struct AmqpLink {
    shared: Arc<Shared>,
}

impl fmt::Debug for AmqpLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpLink").field("broker", &self.shared.broker).field("state", &self.shared.state()).finish()
    }
}

impl AmqpLink {
    /// Starts connecting in the background and returns at once; [`Link::state`] tells how far it is. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] names the wrong setting; [`Error::Io`] when the spool folder cannot be used.
    pub fn start(broker: Broker, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(broker, sink, clock)?);
        supervise::spawn(&shared);
        Ok(Self { shared })
    }

    /// Waits until the link is connected and consuming.
    ///
    /// # Errors
    /// [`Error::NotConnected`] with the last error when it is not within `millis`.
    pub async fn wait_connected(&self, millis: u64) -> Result<(), Error> {
        self.shared.wait_connected(millis).await
    }

    /// The broker's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.broker.name
    }

    /// Puts what was set aside back into the queues that it came from, the oldest first and at most so many messages.
    ///
    /// # Errors
    /// As [`Link::send`]; part of it may have been done.
    pub async fn put_back(&self, most: u32) -> Result<Moved, Error> {
        self.clear(dead::With::PutBack, most).await
    }

    /// Lets go of what was set aside, for good: the oldest first and at most so many messages.
    ///
    /// # Errors
    /// As [`AmqpLink::put_back`].
    pub async fn let_go(&self, most: u32) -> Result<Moved, Error> {
        self.clear(dead::With::LetGo, most).await
    }

    async fn clear(&self, with: dead::With, most: u32) -> Result<Moved, Error> {
        let generation = self.shared.generation()?;
        let cleared = dead::clear(&self.shared.broker, generation.connection()?, with, most).await;
        self.shared.look_aside(&generation).await;
        cleared
    }

    /// Stops taking deliveries, lets those in hand finish (at most `Limits::close_millis`), and closes.
    pub async fn stop(&self) {
        self.shared.stop().await;
    }
}

/// Connects once and leaves again: whether the broker can be reached and lets this hop in. For whoever wants to know that
/// before anything is started; a link itself keeps trying.
///
/// # Errors
/// As [`AmqpLink::start`], or why there was no connection.
pub async fn try_once(broker: &Broker) -> Result<(), Error> {
    let uri = broker.checked()?;
    let connection = connect::open(broker, &uri, "trial").await?;
    // It was let in; how it leaves changes nothing.
    let _ = tokio::time::timeout(broker.limits.rpc(), connection.close(REPLY_SUCCESS, "".into())).await;
    Ok(())
}

/// A connection to the broker as this hop, for something else than the link; `role` is what operators see beside it.
///
/// # Errors
/// As [`AmqpLink::start`], or why there was no connection.
pub(crate) async fn connect_as(broker: &Broker, role: &str) -> Result<lapin::Connection, Error> {
    connect::open(broker, &broker.checked()?, role).await
}

/// AMQP's reply code of an orderly end.
const REPLY_SUCCESS: u16 = 200;

impl Drop for AmqpLink {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

#[async_trait]
impl Link for AmqpLink {
    async fn send(&self, peer: &HopName, transfer: Transfer) -> Result<(), Error> {
        check(&transfer, self.shared.broker.limits.max_content_bytes)?;
        let generation = self.shared.generation()?;
        send::transfer(&self.shared, &generation, peer, transfer).await
    }

    async fn send_receipts(&self, peer: &HopName, batch: Bytes) -> Result<(), Error> {
        check_size("batch of receipts", batch.len() as u64, MAX_HEADER_BYTES as u64)?;
        let generation = self.shared.generation()?;
        send::receipts(&self.shared, &generation, peer, batch).await
    }

    fn state(&self) -> LinkState {
        self.shared.state()
    }
}
