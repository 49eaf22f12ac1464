//! Every limit of the native interface, each with its reason. The tests reach each of them.

use std::num::NonZeroU32;
use std::time::Duration;

/// What one caller, one connection and one request may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest packet in bytes. A Content-Length above it is refused before a byte is read.
    pub max_packet_bytes: u64,
    /// Largest head of a request (request line and header fields) in bytes: a few hundred are usual.
    pub max_head_bytes: usize,
    /// Most header fields in one request.
    pub max_header_fields: usize,
    /// Open connections. Further ones wait in the kernel's backlog, so that memory stays bounded under a flood.
    pub max_connections: usize,
    /// Concurrent requests on one HTTP/2 connection: one connection must not stand for thousands.
    pub max_streams: u32,
    /// For the TLS handshake: a peer that opens a connection and says nothing holds it no longer.
    pub handshake: Duration,
    /// For the head of a request, counted from the answer before it: also how long an unused connection is kept.
    pub head: Duration,
    /// Longest silence inside an upload.
    pub body_idle: Duration,
    /// Time waited for the sender before `min_bytes_per_second` is demanded, so that a short stall is forgiven.
    pub body_grace: Duration,
    /// Slowest upload. Only time spent waiting for the sender counts, never the time the gateway takes itself.
    pub min_bytes_per_second: u32,
    /// Longest wait for a client that does not take the answer's bytes.
    pub write_stall: Duration,
    /// How long the rest of a refused request is read and thrown away, so that the refusal reaches a sender that is
    /// still writing (closing at once would destroy it on the way).
    pub linger: Duration,
    /// Age at which a connection is asked to end after the requests in progress. Revocation lists are consulted at
    /// the handshake only, so this bounds how long a revoked certificate lives on.
    pub max_connection_age: Duration,
    /// Longest time that requests in progress may take after their connection was asked to end by age.
    pub longest_request: Duration,
    /// Longest time that requests in progress may take when the gateway stops.
    pub drain: Duration,
    /// Requests a second that one certificate may make on average: one caller must not take the whole gateway.
    pub requests_per_second: NonZeroU32,
    /// Requests that one certificate may make at once after a quiet time.
    pub request_burst: NonZeroU32,
    /// Certificates whose use is remembered. Those without an open connection are forgotten first.
    pub max_callers: usize,
    /// Concurrent uploads of one certificate: each costs a file, a hash and a parser.
    pub uploads_per_caller: usize,
    /// Largest JSON body, the acknowledgement: a reason of 1000 characters, every one escaped, fits.
    pub max_json_bytes: usize,
    /// Rows of one page at most, and when the caller does not say.
    pub max_page: usize,
    pub default_page: usize,
    /// Longest query value in characters.
    pub max_query_chars: usize,
    /// What `Retry-After` says while the gateway cannot store or sign.
    pub retry_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_packet_bytes: 1 << 30,
            max_head_bytes: 16 * 1024,
            max_header_fields: 64,
            max_connections: 4096,
            max_streams: 128,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(30),
            body_grace: Duration::from_secs(10),
            min_bytes_per_second: 8 * 1024,
            write_stall: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            max_connection_age: Duration::from_secs(15 * 60),
            longest_request: Duration::from_secs(2 * 60 * 60),
            drain: Duration::from_secs(30),
            requests_per_second: NonZeroU32::MIN.saturating_add(1999),
            request_burst: NonZeroU32::MIN.saturating_add(3999),
            max_callers: 10_000,
            uploads_per_caller: 64,
            max_json_bytes: 16 * 1024,
            max_page: 500,
            default_page: 100,
            max_query_chars: 256,
            retry_after: Duration::from_secs(10),
        }
    }
}
