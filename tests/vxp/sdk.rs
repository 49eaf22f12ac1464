//! A client as the SDK is one, byte by byte on a socket: one object whose parameters pile up, a timestamp that is made
//! once, a body with a line break behind it.

use std::net::SocketAddr;

use lienthong_contract::Clock;
use lienthong_contract::system::Secret;
use lienthong_vxp::wire::hash::unpadded;
use lienthong_vxp::wire::sign::sign;
use lienthong_vxp::wire::stamp::to_timestamp;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Sdk {
    pub address: SocketAddr,
    pub base: &'static str,
    secret: String,
    /// What every later call carries again.
    pub kept: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer as one of this protocol: its form is looked at wherever a test asks for it.
    pub fn json(&self) -> Value {
        assert!(
            self.head.to_ascii_lowercase().contains("content-type: application/json;charset=utf-8"),
            "{}",
            self.head
        );
        assert!(self.body.is_ascii(), "{}", String::from_utf8_lossy(&self.body));
        let json: Value = serde_json::from_slice(&self.body).unwrap();
        let object = json.as_object().unwrap();
        for key in ["status", "ErrorCode", "ErrorDesc", "DocId", "data"] {
            assert!(!object[key].is_null(), "{json}");
        }
        assert!(
            object
                .keys()
                .all(|key| ["status", "ErrorCode", "ErrorDesc", "DocId", "data", "count"].contains(&key.as_str()))
        );
        assert!(
            !json["ErrorDesc"].as_str().unwrap().is_empty()
                && json["ErrorCode"].is_string()
                && json["DocId"].is_string()
        );
        assert_eq!(json["status"] == "OK", json["ErrorCode"] == "0", "{json}");
        json
    }

    pub fn code(&self) -> String {
        self.json()["ErrorCode"].as_str().unwrap().to_owned()
    }
}

impl Sdk {
    pub fn new(address: SocketAddr, system: &str, secret: &str) -> Self {
        let kept = vec![
            ("systemid".to_owned(), system.to_owned()),
            ("timestamp".to_owned(), to_timestamp(lienthong::clock::SystemClock.now())),
        ];
        Self { address, base: "", secret: secret.to_owned(), kept }
    }

    /// Sets a parameter, for this and all later calls.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.kept.iter_mut().find(|(known, _)| known == name) {
            Some(pair) => value.clone_into(&mut pair.1),
            None => self.kept.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The head of a request, signed.
    pub fn head(
        &mut self,
        verb: &str,
        operation: &str,
        parameters: &[(&str, &str)],
        media_type: &str,
        more: &str,
    ) -> Vec<u8> {
        parameters.iter().for_each(|(name, value)| self.set(name, value));
        self.set("Content-Type", media_type);
        let pairs: Vec<(&str, &str)> = self.kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut head =
            format!("{verb} {}/{operation} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n", self.base);
        for (name, value) in sign(&pairs, &Secret::new(self.secret.as_bytes())) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!(
            "User-Agent: JAVASDKAgent/1.0.0 XRoad/VPCP\r\nXroadVnpt-version: 3.0.201608\r\n{more}Connection: close\r\n\r\n"
        ));
        head.into_bytes()
    }

    /// One call without a body.
    pub async fn call(&mut self, operation: &str, parameters: &[(&str, &str)]) -> Answer {
        let verb = if operation == "downloadEdoc" { "GET" } else { "POST" };
        let more = if verb == "GET" { "" } else { "Content-Length: 0\r\n" };
        let head = self.head(verb, operation, parameters, "application/json", more);
        ask(self.address, &[&head]).await
    }

    /// One call with a JSON body, which the client sends once it was told to.
    pub async fn post(&mut self, operation: &str, body: &[u8]) -> Answer {
        if body.is_empty() {
            return self.call(operation, &[]).await;
        }
        let more = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len());
        let head = self.head("POST", operation, &[], "application/json", &more);
        let mut tcp = TcpStream::connect(self.address).await.unwrap();
        tcp.write_all(&head).await.unwrap();
        let mut word = vec![0; 25];
        tcp.read_exact(&mut word).await.unwrap();
        assert_eq!(word, b"HTTP/1.1 100 Continue\r\n\r\n");
        tcp.write_all(body).await.unwrap();
        answer(&mut tcp).await
    }

    /// `sendEdoc` as the SDK does it.
    pub async fn send(&mut self, from: &str, kind: &str, file: &[u8], more: &[(&str, &str)]) -> Answer {
        let hash = unpadded(digest(&SHA256, file).as_ref());
        self.send_body(from, kind, &hash, &[file, b"\r\n"].concat(), more).await
    }

    /// `sendEdoc` with any body and any hash.
    pub async fn send_body(
        &mut self,
        from: &str,
        kind: &str,
        hash: &str,
        body: &[u8],
        more: &[(&str, &str)],
    ) -> Answer {
        let parameters =
            [&[("from", from), ("servicetype", "eDoc"), ("messagetype", kind), ("hash-file", hash)], more].concat();
        let length =
            format!("Content-Length: {}\r\nAccept: text/html, image/gif, image/jpeg, */*; q=0.2\r\n", body.len());
        let head = self.head("POST", "sendEdoc", &parameters, "application/octet-stream", &length);
        ask(self.address, &[&head, body]).await
    }

    pub async fn list(&mut self, kind: &str) -> Vec<Value> {
        let answer = self.call("getReceivedEdocList", &[("servicetype", "eDoc"), ("messagetype", kind)]).await;
        let json = answer.json();
        assert_eq!(json["status"], "OK", "{json}");
        json["data"].as_array().unwrap().clone()
    }

    /// The packet as `getEdoc` gives it.
    pub async fn get(&mut self, doc_id: &str) -> Vec<u8> {
        let json = self.call("getEdoc", &[("docId", doc_id), ("filePath", "./store")]).await.json();
        assert_eq!((&json["status"], &json["DocId"]), (&"OK".into(), &doc_id.into()), "{json}");
        base64_simd::STANDARD.decode_to_vec(json["data"].as_str().unwrap()).unwrap()
    }

    pub async fn update(&mut self, status: &str, doc_id: &str) -> Answer {
        self.call("updateStatus", &[("status", status), ("docid", doc_id)]).await
    }
}

/// Sends these bytes on a connection of their own and reads the answer to its end.
pub async fn ask(address: SocketAddr, pieces: &[&[u8]]) -> Answer {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    for piece in pieces {
        tcp.write_all(piece).await.unwrap();
    }
    answer(&mut tcp).await
}

/// Reads one answer from a connection that is closed after it.
pub async fn answer(tcp: &mut TcpStream) -> Answer {
    let mut read = Vec::new();
    tcp.read_to_end(&mut read).await.unwrap();
    let end = read.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer") + 4;
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let fields = head.to_ascii_lowercase();
    let field = |name: &str| fields.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let body = match field("transfer-encoding:") {
        Some(coding) => {
            assert_eq!(coding, "chunked");
            unchunked(&read[end..])
        }
        None => {
            let body = read[end..].to_vec();
            assert_eq!(body.len(), field("content-length:").expect("a length").parse::<usize>().unwrap());
            body
        }
    };
    Answer { status, head, body }
}

/// A body that comes in pieces, to the last one.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").expect("the length of a piece");
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        let piece = &rest[line + 2..];
        body.extend_from_slice(&piece[..length]);
        assert_eq!(&piece[length..length + 2], b"\r\n");
        rest = &piece[length + 2..];
        if length == 0 {
            assert!(rest.is_empty());
            return body;
        }
    }
}
