//! A collector of traces: OTLP over HTTP/1.1, JSON encoding, read by the types of OpenTelemetry's own crate.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

/// A span, and the gateway that told it.
#[derive(Debug, Clone)]
pub struct Told {
    pub hop: String,
    pub span: Span,
}

impl Told {
    pub fn text(&self, key: &str) -> String {
        text(&self.span.attributes, key)
    }

    pub fn trace(&self) -> String {
        self.span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A text or a number of these attributes.
fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone()?.value);
    match found {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => panic!("{key}: {other:?} in {attributes:?}"),
    }
}

#[derive(Debug, Default)]
struct Heard {
    bodies: Mutex<Vec<String>>,
    authorizations: Mutex<Vec<Option<String>>>,
    /// What is answered; 0 is 200.
    status: AtomicU16,
}

/// Runs until the test ends.
#[derive(Debug)]
pub struct Collector {
    pub address: SocketAddr,
    heard: Arc<Heard>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Heard>::default();
        let all = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = Arc::clone(&all);
                std::thread::spawn(move || while serve(&stream, &heard).is_some() {});
            }
        });
        Self { address, heard }
    }

    /// From now on this is answered.
    pub fn answers(&self, status: u16) {
        self.heard.status.store(status, Ordering::Relaxed);
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything as it came.
    pub fn bodies(&self) -> Vec<String> {
        self.heard.bodies.lock().unwrap().clone()
    }

    /// What each request said to be let in.
    pub fn authorizations(&self) -> Vec<Option<String>> {
        self.heard.authorizations.lock().unwrap().clone()
    }

    /// Every span that was taken.
    pub fn spans(&self) -> Vec<Told> {
        let read = |body: &String| serde_json::from_str::<ExportTraceServiceRequest>(body).unwrap();
        let requests: Vec<_> = self.bodies().iter().map(read).collect();
        let mut spans = Vec::new();
        for of_hop in requests.into_iter().flat_map(|request| request.resource_spans) {
            let resource = of_hop.resource.unwrap();
            assert_eq!(text(&resource.attributes, "service.name"), "lienthong");
            let hop = text(&resource.attributes, "service.instance.id");
            let scoped = of_hop.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(scoped.map(|span| Told { hop: hop.clone(), span }));
        }
        spans
    }
}

/// One request; none at the end.
fn serve(stream: &TcpStream, heard: &Heard) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    assert_eq!(line.trim(), "POST /v1/traces HTTP/1.1");
    let (mut length, mut media_type, mut authorization) = (0, String::new(), None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => value.clone_into(&mut media_type),
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    assert_eq!(media_type, "application/json");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    heard.authorizations.lock().unwrap().push(authorization);
    let status = heard.status.load(Ordering::Relaxed);
    if status == 0 {
        heard.bodies.lock().unwrap().push(String::from_utf8(body).unwrap());
    }
    let status = if status == 0 { 200 } else { status };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}").ok()
}
