//! What the administrator sets about one broker.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use lienthong_contract::HopName;

use crate::link::{Error, MAX_HEADER_BYTES};

/// One RabbitMQ broker and the peers reached through it.
#[derive(Clone)]
pub struct Broker {
    /// How operators call it; in logs, states and errors.
    pub name: String,
    /// `amqp://user:password@host:port/vhost` or `amqps://…`. With `?auth_mechanism=external` the client certificate
    /// is the login. It may hold a password, so it is never shown.
    pub url: String,
    /// The private PKI of the link; only with `amqps://`. Without it the machine's own roots are trusted.
    pub tls: Option<TlsFiles>,
    /// This hop.
    pub me: HopName,
    pub peers: Vec<HopName>,
    /// A folder of this link's own for large packets on their way in, best on the file system of the store.
    pub spool: PathBuf,
    pub limits: Limits,
}

/// PEM files, read anew at each connection, so that renewed certificates are taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The only roots trusted for this broker.
    pub ca: PathBuf,
    /// This hop's client certificate, with its intermediates, and its key (PKCS#8, PKCS#1 or SEC1).
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Bounds of one link. The most memory it takes is about `window_bytes` × 2 (lanes) outwards, and, inwards,
/// (`prefetch` + `prefetch_urgent`) × (`frame_bytes` + header) + 2 × `frames_in_flight` × `frame_bytes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Content up to this travels inside its message; longer content in frames of this size.
    pub frame_bytes: usize,
    /// The longest content this link takes or assembles.
    pub max_content_bytes: u64,
    /// Deliveries taken from the broker at once on the normal lane, and on the urgent lane and the receipts each. So many
    /// packets are in hand at once, too: a delivery of small packets holds up to 64 of them, which take turns.
    pub prefetch: u16,
    pub prefetch_urgent: u16,
    /// Bytes published and not yet confirmed, a lane; further sends wait.
    pub window_bytes: usize,
    /// Frames published and not yet confirmed, and frames delivered and not yet written, a lane.
    pub frames_in_flight: u16,
    /// Deliveries of one message before the broker sets it aside. Part of the queue's identity: the same at both ends.
    pub delivery_limit: u32,
    /// Messages a queue of packets or receipts takes before the broker refuses further ones ([`Error::Nacked`]).
    /// A hop that stays away must not fill the broker's disk: a message has at most `frame_bytes` and a header, or 64
    /// small packets of together 256 KiB. The same at both ends.
    pub queue_messages: u32,
    /// Bytes a queue of frames takes before the broker refuses further ones. The same at both ends.
    pub frames_queue_bytes: u64,
    /// Seconds between heartbeats; a silent connection is given up after about two.
    pub heartbeat_seconds: u16,
    /// Deadline of TCP, TLS and AMQP handshakes together.
    pub connect_millis: u64,
    /// Deadline of one request to the broker: open a channel, declare, acknowledge.
    pub rpc_millis: u64,
    /// Deadline of attaching a consumer to a queue. A broker that has just started reads its queues first; after 65 s
    /// it gives up by itself.
    pub attach_millis: u64,
    /// Consecutive sets of connections in which one of this hop's own queues, otherwise sound to all appearance, let no
    /// consumer attach, before it is deleted and declared anew; together with `attach_millis` the time a busy broker
    /// is given. What was in it is sent again by the neighbours. 0: never.
    pub renew_after: u32,
    /// Deadline of a publish from being handed in to its confirm; a small packet may wait for the one before it first. A lane on which nothing at all is confirmed for so long is taken as dead.
    pub confirm_millis: u64,
    /// Deadline of a graceful close.
    pub close_millis: u64,
    /// First and longest pause before connecting again; doubled each time, with jitter.
    pub backoff_min_millis: u64,
    pub backoff_max_millis: u64,
    /// First and longest pause before a sink that said `Retry` is asked again about the same delivery.
    pub retry_min_millis: u64,
    pub retry_max_millis: u64,
    /// How long one delivery is held and offered again before it goes back to the queue, where it counts against
    /// `delivery_limit`. Also the deadline of one call of the sink, and of waiting for frames. Below the broker's
    /// own acknowledgement timeout (30 minutes).
    pub hold_millis: u64,
    /// How long the frames lane must be silent before a large packet with frames missing is given up.
    pub frames_quiet_millis: u64,
    /// Age at which an incomplete large packet is removed from the spool.
    pub stale_millis: u64,
    /// Large packets being assembled at once; one more drops the one untouched longest.
    pub max_partials: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 512 << 10,
            max_content_bytes: 2 << 30,
            prefetch: 128,
            prefetch_urgent: 64,
            window_bytes: 32 << 20,
            frames_in_flight: 8,
            delivery_limit: 20,
            queue_messages: 20_000,
            frames_queue_bytes: 8 << 30,
            heartbeat_seconds: 10,
            connect_millis: 10_000,
            rpc_millis: 15_000,
            attach_millis: 20_000,
            renew_after: 3,
            confirm_millis: 30_000,
            close_millis: 5_000,
            backoff_min_millis: 200,
            backoff_max_millis: 15_000,
            retry_min_millis: 250,
            retry_max_millis: 15_000,
            hold_millis: 600_000,
            frames_quiet_millis: 10_000,
            stale_millis: 3_600_000,
            max_partials: 512,
        }
    }
}

impl Limits {
    /// The largest message these limits publish; the broker's `max_message_size` must not be below.
    #[must_use]
    pub fn max_message_bytes(&self) -> usize {
        self.frame_bytes.saturating_add(MAX_HEADER_BYTES).saturating_add(super::wire::PREFIX)
    }

    pub(super) fn rpc(&self) -> Duration {
        Duration::from_millis(self.rpc_millis)
    }

    pub(super) fn attach(&self) -> Duration {
        Duration::from_millis(self.attach_millis)
    }

    pub(super) fn confirm(&self) -> Duration {
        Duration::from_millis(self.confirm_millis)
    }

    /// One wrong setting, by its name.
    fn mistake(&self) -> Option<&'static str> {
        let rules = [
            (!(4096..=64 << 20).contains(&self.frame_bytes), "frame_bytes: from 4 KiB to 64 MiB"),
            (
                self.max_content_bytes.div_ceil(self.frame_bytes.max(1) as u64) > super::wire::MAX_FRAMES,
                "max_content_bytes: at most 1,048,576 frames",
            ),
            (self.prefetch == 0 || self.prefetch_urgent == 0 || self.frames_in_flight == 0, "prefetch: at least 1"),
            (self.window_bytes < self.max_message_bytes(), "window_bytes: at least one message (frame_bytes + 1 MiB)"),
            (self.delivery_limit == 0, "delivery_limit: at least 1"),
            (self.queue_messages == 0, "queue_messages: at least 1"),
            (self.frames_queue_bytes < self.max_content_bytes, "frames_queue_bytes: at least max_content_bytes"),
            (
                self.hold_millis > 25 * 60_000,
                "hold_millis: at most 25 minutes, the broker's acknowledgement timeout is 30",
            ),
            (
                self.backoff_min_millis == 0 || self.retry_min_millis == 0,
                "backoff_min_millis, retry_min_millis: at least 1",
            ),
            (!(1_000..=60_000).contains(&self.attach_millis), "attach_millis: from 1 to 60 seconds"),
            (self.max_partials == 0, "max_partials: at least 1"),
        ];
        rules.into_iter().find_map(|(wrong, what)| wrong.then_some(what))
    }
}

impl Broker {
    /// A broker with the usual limits.
    #[must_use]
    pub fn new(name: &str, url: &str, me: HopName, peers: Vec<HopName>, spool: PathBuf) -> Self {
        Self { name: name.to_owned(), url: url.to_owned(), tls: None, me, peers, spool, limits: Limits::default() }
    }

    /// The parsed address, once everything about this broker has been found sensible.
    pub(super) fn checked(&self) -> Result<AMQPUri, Error> {
        let wrong = |what: &str| Error::Config(format!("broker {}: {what}", self.name));
        if let Some(mistake) = self.limits.mistake() {
            return Err(wrong(mistake));
        }
        // The parser reads an IPv6 literal as no host at all and would connect to localhost.
        if self.url.contains('[') {
            return Err(wrong("url: write a host name instead of an IPv6 literal"));
        }
        let mut uri: AMQPUri = self.url.parse().map_err(|why: String| wrong(&format!("url: {why}")))?;
        if self.tls.is_some() && uri.scheme == AMQPScheme::AMQP {
            return Err(wrong("url: TLS files are given, so it must begin with amqps://"));
        }
        if self.peers.contains(&self.me) {
            return Err(wrong("peers: this hop cannot be its own peer"));
        }
        uri.query.heartbeat.get_or_insert(self.limits.heartbeat_seconds);
        Ok(uri)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("name", &self.name)
            .field("me", &self.me)
            .field("peers", &self.peers)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(url: &str) -> Broker {
        Broker::new("b", url, "h27".parse().unwrap(), vec!["vn".parse().unwrap()], PathBuf::from("spool"))
    }

    #[test]
    fn mistakes_are_named_and_passwords_are_not_shown() {
        assert!(broker("amqp://u:secret@localhost").checked().is_ok());
        assert!(!format!("{:?}", broker("amqp://u:secret@localhost")).contains("secret"));
        let refused = |broker: Broker, what: &str| {
            let error = broker.checked().unwrap_err().to_string();
            assert!(error.contains(what) && !error.contains("secret"), "{error}");
        };
        refused(broker("http://u:secret@localhost"), "url");
        refused(broker("amqps://u:secret@[::1]"), "IPv6");
        let tls = TlsFiles { ca: "a".into(), cert: "b".into(), key: "c".into() };
        refused(Broker { tls: Some(tls), ..broker("amqp://u:secret@localhost") }, "amqps://");
        refused(Broker { peers: vec!["h27".parse().unwrap()], ..broker("amqp://localhost") }, "peers");
        let limits = |change: fn(&mut Limits)| {
            let mut broker = broker("amqp://localhost");
            change(&mut broker.limits);
            broker
        };
        refused(limits(|l| l.frame_bytes = 1), "frame_bytes");
        refused(limits(|l| l.max_content_bytes = u64::MAX), "max_content_bytes");
        refused(limits(|l| l.prefetch = 0), "prefetch");
        refused(limits(|l| l.window_bytes = 1 << 20), "window_bytes");
        refused(limits(|l| l.delivery_limit = 0), "delivery_limit");
        refused(limits(|l| l.queue_messages = 0), "queue_messages");
        refused(limits(|l| l.frames_queue_bytes = 1), "frames_queue_bytes");
        refused(limits(|l| l.hold_millis = 1_800_000), "hold_millis");
        refused(limits(|l| l.retry_min_millis = 0), "retry_min_millis");
        refused(limits(|l| l.attach_millis = 500), "attach_millis");
        refused(limits(|l| l.max_partials = 0), "max_partials");
    }
}
