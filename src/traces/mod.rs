//! A document's way over all gateways, as OpenTelemetry shows it.
//!
//! ```text
//!   first hop                      next hop                       last hop
//!   accept ──► publish ══════════► receive ──► publish ═════════► receive ──► hand over
//!      └─ receipt, receipt, …         └─ receipt, …
//!                        ═══ traceparent in the message's AMQP headers ([`Context`])
//! ```
//!
//! The trace of a document has the docId for its id, without the dashes: whoever knows the one finds the other, at every hop
//! and on any day, and nothing has to be stored for it. What comes into a hop is one span whose id follows from the docId and
//! the hop's name; whatever the hop does later with the document lies below it. Every hop draws the same lot for a document,
//! from the docId's last bytes, which are chance.
//!
//! Invariants: no document waits for a trace, or fails by one; what cannot be told is dropped and counted. A span holds
//! names of gateways, docIds, numbers and codes, never a subject, a person, an agency, words of a system outside, or
//! anything secret. Where no collector is set, nothing is measured.
//!
//! Failure story: spans that wait are memory and may be lost; a collector that is away costs what it would have been told.
//!
//! Why the room speaks OTLP itself: the ids above are not those that the usual library draws, and its exporters bring HTTP
//! clients and TLS of their own; what is needed of OTLP is one JSON document, posted by the same caller as all else.

pub mod collector;
mod context;
mod otlp;
mod steps;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lienthong_contract::{Clock, Digest, DocId, HopName};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use collector::Collector;
pub use context::{Context, SpanId, TraceId};
use otlp::{Kind, Span, Value};
pub use steps::{Outside, Seen};

/// The most spans that wait to be told: some megabytes.
const WAITING: usize = 8192;

/// Where spans are put. Clones are the same; the default one keeps nothing.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Inner>>);

struct Inner {
    hop: HopName,
    clock: Arc<dyn Clock>,
    share: Share,
    waiting: mpsc::Sender<Span>,
    counts: Arc<Counts>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.0.as_ref().map(|inner| &inner.hop)).finish()
    }
}

/// What became of spans since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// The collector has them.
    pub told: AtomicU64,
    /// They did not fit, or the collector did not take them.
    pub dropped: AtomicU64,
}

impl Counts {
    fn drop_all(&self, spans: u64) {
        self.dropped.fetch_add(spans, Ordering::Relaxed);
    }
}

/// Which documents are traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share(u64);

impl Share {
    /// Of all documents, from 0 to 1.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // From 0 to 2^32.
    fn of(ratio: f64) -> Self {
        Self((ratio.clamp(0.0, 1.0) * 4_294_967_296.0) as u64)
    }

    /// By the last four bytes of the docId, which are chance at every hop alike.
    fn takes(self, trace: TraceId) -> bool {
        u64::from(trace.chance()) < self.0
    }
}

/// When something began.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    at: lienthong_contract::Instant,
    since: Instant,
}

impl Watch {
    /// Nanoseconds since 1970 at the beginning and now.
    fn times(&self) -> (u64, u64) {
        let begin = u64::try_from(self.at.as_millis()).unwrap_or(0).saturating_mul(1_000_000);
        let took = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        (begin, begin.saturating_add(took))
    }
}

/// One span as a step describes it.
struct Note {
    name: String,
    kind: Kind,
    doc_id: DocId,
    /// Its own id; by chance when nobody needs to know it.
    id: Option<SpanId>,
    parent: Option<SpanId>,
    about: Vec<(&'static str, Value)>,
    /// What kind of thing went wrong. Such a span is kept whatever the share.
    fault: Option<&'static str>,
}

impl Note {
    fn new(name: impl Into<String>, kind: Kind, doc_id: DocId) -> Self {
        Self { name: name.into(), kind, doc_id, id: None, parent: None, about: Vec::new(), fault: None }
    }

    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.about.push((name, value.into()));
        self
    }
}

impl Traces {
    /// Tells the collector from now on, until stopped.
    #[must_use]
    pub fn start(
        (hop, clock): (HopName, Arc<dyn Clock>),
        collector: Collector,
        ratio: f64,
        (tasks, stop): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let (waiting, taking) = mpsc::channel(WAITING);
        let counts = Arc::new(Counts::default());
        tasks.spawn(collector.tell(taking, Arc::clone(&counts), stop.clone()));
        Self(Some(Arc::new(Inner { hop, clock, share: Share::of(ratio), waiting, counts })))
    }

    /// What became of spans; nothing where none are made.
    #[must_use]
    pub fn counts(&self) -> Option<&Counts> {
        self.0.as_ref().map(|inner| inner.counts.as_ref())
    }

    /// Something begins. Nothing where nothing is traced: then all that follows costs nothing.
    #[must_use]
    pub fn watch(&self) -> Option<Watch> {
        self.0.as_ref().map(|inner| Watch { at: inner.clock.now(), since: Instant::now() })
    }

    /// What a packet takes along when it leaves this hop: its trace and the span of the sending.
    #[must_use]
    pub fn departs(&self, doc_id: DocId) -> Option<Context> {
        let inner = self.0.as_ref()?;
        let trace = TraceId::of(doc_id);
        Some(Context { trace, span: SpanId::fresh(), sampled: inner.share.takes(trace) })
    }

    /// Puts a span down that began at the watch and ends now.
    fn note(&self, watch: Option<Watch>, note: impl FnOnce(&Inner) -> Note) {
        let (Some(inner), Some(watch)) = (&self.0, watch) else { return };
        let Note { name, kind, doc_id, id, parent, mut about, fault } = note(inner);
        let trace = TraceId::of(doc_id);
        let sampled = inner.share.takes(trace);
        if !sampled && fault.is_none() {
            return;
        }
        about.push(("lienthong.doc_id", doc_id.to_string().into()));
        let context = Context { trace, span: id.unwrap_or_else(SpanId::fresh), sampled };
        let (begin, end) = watch.times();
        let span = Span { name, kind, context, parent, begin, end, about, fault };
        if inner.waiting.try_send(span).is_err() {
            inner.counts.drop_all(1);
        }
    }
}

impl Inner {
    /// The span by which a document came into this hop. When it comes in several transfers they share it.
    fn entry(&self, doc_id: DocId) -> SpanId {
        SpanId::of(Digest::of(&[doc_id.as_bytes(), self.hop.as_str().as_bytes()].concat()))
    }
}

#[cfg(test)]
mod tests;
