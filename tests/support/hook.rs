//! A subscriber's server for webhooks: HTTPS, with the signature of each call looked at.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use base64_simd::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use lienthong::clock::SystemClock;
use lienthong::pki::Manifest;
use lienthong::trust::tls::{ServerFiles, server_config};
use ring::hmac;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub const SECRET: &str = "whsec_dGhpcyBpcyBubyByZWFsIHNlY3JldCBhdCBhbGw=";
pub const NEXT_SECRET: &str = "the secret that comes after it";

/// What a call brought: `webhook-id`, whether the signature held under which secret, and the body.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    pub signed_by: Vec<bool>,
    pub body: serde_json::Value,
}

/// A subscriber's server. It may turn the first calls away.
pub struct Hook {
    pub port: u16,
    pub calls: Arc<Mutex<Vec<Call>>>,
    first: &'static [StatusCode],
}

/// Turned away twice, once by a redirection.
pub const FIRST_ANSWERS: &[StatusCode] = &[StatusCode::SERVICE_UNAVAILABLE, StatusCode::TEMPORARY_REDIRECT];

impl Hook {
    /// Takes a port now and serves on it once the keys are there.
    pub async fn listen(first: &'static [StatusCode]) -> (Self, TcpListener) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        (Self { port: listener.local_addr().unwrap().port(), calls: Arc::default(), first }, listener)
    }

    pub fn serve(&self, listener: TcpListener, manifest: &Manifest) {
        let files = manifest.hop("province-b").unwrap();
        let files = ServerFiles {
            chain: files.tls_chain,
            key: files.tls_key,
            client_roots: Vec::new(),
            client_intermediates: Vec::new(),
            client_crls: Vec::new(),
            require_client_cert: false,
        };
        let mut tls = server_config(&files, Arc::new(SystemClock)).unwrap().as_ref().clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let (calls, first) = (Arc::clone(&self.calls), self.first);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, calls) = (acceptor.clone(), Arc::clone(&calls));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| answer(request, Arc::clone(&calls), first));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    calls: Arc<Mutex<Vec<Call>>>,
    first: &[StatusCode],
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/lien-thong"));
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let (id, timestamp, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = [format!("{id}.{timestamp}.").as_bytes(), &body].concat();
    let decoded = STANDARD.decode_to_vec(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let signed_by = [&decoded[..], NEXT_SECRET.as_bytes()].map(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        signature.split(' ').any(|one| {
            let tag = STANDARD.decode_to_vec(one.strip_prefix("v1,").unwrap()).unwrap();
            hmac::verify(&key, &text, &tag).is_ok()
        })
    });
    let call = Call { id, signed_by: signed_by.to_vec(), body: serde_json::from_slice(&body).unwrap() };
    let mut calls = calls.lock().unwrap();
    calls.push(call);
    let status = first.get(calls.len() - 1).copied().unwrap_or(StatusCode::NO_CONTENT);
    let response = Response::builder().status(status).header("location", "https://localhost:1/elsewhere");
    Ok(response.body(Full::default()).unwrap())
}
