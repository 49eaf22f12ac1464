//! Spans in the words of OTLP 1.x, JSON encoding: ids in hexadecimal digits, kinds and states as numbers, long numbers as
//! text (opentelemetry-proto, `trace/v1`, and the OTLP specification's section on JSON).

use serde_json::{Value as Json, json};

use super::context::{Context, SpanId};

/// `SpanKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// What an attribute says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(u64),
    Flag(bool),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// One span, done.
#[derive(Debug, Clone)]
pub struct Span {
    pub name: String,
    pub kind: Kind,
    pub context: Context,
    pub parent: Option<SpanId>,
    /// Nanoseconds since 1970.
    pub begin: u64,
    pub end: u64,
    pub about: Vec<(&'static str, Value)>,
    pub fault: Option<&'static str>,
}

fn attribute(key: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Flag(flag) => json!({ "boolValue": flag }),
    };
    json!({ "key": key, "value": value })
}

fn span(span: &Span) -> Json {
    let mut about: Vec<Json> = span.about.iter().map(|(key, value)| attribute(key, value)).collect();
    about.extend(span.fault.map(|fault| attribute("error.type", &fault.into())));
    let mut written = json!({
        "traceId": span.context.trace.to_string(),
        "spanId": span.context.span.to_string(),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": span.begin.to_string(),
        "endTimeUnixNano": span.end.to_string(),
        "flags": u32::from(span.context.sampled),
        "attributes": about,
        "status": if span.fault.is_some() { json!({ "code": 2 }) } else { json!({}) },
    });
    if let (Some(parent), Some(object)) = (span.parent, written.as_object_mut()) {
        object.insert("parentSpanId".to_owned(), parent.to_string().into());
    }
    written
}

/// `ExportTraceServiceRequest` of the spans of one hop.
pub fn request(hop: &str, spans: &[Span]) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [("service.name", "lienthong"), ("service.instance.id", hop), ("service.version", version)];
    let resource: Vec<Json> = resource.map(|(key, value)| attribute(key, &value.into())).to_vec();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{
            "scope": { "name": "lienthong", "version": version },
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

/// How many spans the collector says it did not take, of `ExportTraceServiceResponse`.
pub fn rejected(answer: &[u8]) -> u64 {
    let answer: Json = serde_json::from_slice(answer).unwrap_or_default();
    let count = answer.get("partialSuccess").and_then(|partial| partial.get("rejectedSpans"));
    count.and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok())).unwrap_or(0)
}
