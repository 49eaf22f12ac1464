//! Sockets, TLS and the AMQP handshake, under one deadline.
//!
//! The TLS configuration is made here and not by the client library, which would trust the machine's own roots
//! beside the private ones.

use std::fs;
use std::io;
use std::time::Duration;

use lapin::tcp::{AsyncTcpStream, RustlsConnector, RustlsConnectorConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, ErrorKind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::config::{Broker, TlsFiles};
use crate::link::Error;

/// Opens one connection; `role` is what operators see beside it in RabbitMQ.
pub(super) async fn open(broker: &Broker, uri: &AMQPUri, role: &str) -> Result<Connection, Error> {
    let connector = match uri.scheme {
        AMQPScheme::AMQP => None,
        AMQPScheme::AMQPS => Some(connector(broker).await?),
    };
    let millis = broker.limits.connect_millis;
    let deadline = Duration::from_millis(millis);
    let name = format!("lienthong {} {role}", broker.me);
    let properties = ConnectionProperties::default().with_connection_name(name.as_str().into());
    let runtime = lapin::runtime::default_runtime().map_err(|error| lost(broker, &error))?;
    let connecting = Connection::connector(
        uri.clone(),
        runtime,
        async move |uri: AMQPUri, runtime| {
            // The deadline inside lets the library's thread end too; the one outside lets us go on.
            let dialling = async {
                let host = uri.authority.host.clone();
                let address = runtime.to_socket_addrs((host.clone(), uri.authority.port));
                let stream = AsyncTcpStream::connect(&runtime, address).await?;
                match &connector {
                    Some(connector) => stream.into_rustls(connector, &host).await,
                    None => Ok(stream),
                }
            };
            match tokio::time::timeout(deadline, dialling).await {
                Ok(stream) => stream.map_err(lapin::Error::from),
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        },
        properties,
    );
    match tokio::time::timeout(deadline, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(lost(broker, &error)),
        Err(_) => Err(Error::Timeout { step: "the connection", millis }),
    }
}

/// What an error of the client library means to the caller of a link.
pub(super) fn lost(broker: &Broker, error: &lapin::Error) -> Error {
    match error.kind() {
        ErrorKind::ProtocolError(said) if said.get_id() == ACCESS_REFUSED => {
            Error::AccessRefused(said.get_message().to_string())
        }
        ErrorKind::ProtocolError(_) | ErrorKind::ParsingError(_) | ErrorKind::SerialisationError(_) => {
            Error::Protocol(error.to_string())
        }
        _ => Error::NotConnected { broker: broker.name.clone(), detail: error.to_string() },
    }
}

/// AMQP reply codes that mean something particular here.
pub(super) const ACCESS_REFUSED: u16 = 403;
pub(super) const PRECONDITION_FAILED: u16 = 406;

async fn connector(broker: &Broker) -> Result<RustlsConnector, Error> {
    let tls = broker.tls.clone();
    let made = tokio::task::spawn_blocking(move || match tls {
        Some(files) => private_connector(&files),
        None => RustlsConnectorConfig::new_with_native_certs()
            .and_then(RustlsConnectorConfig::connector_with_no_client_auth)
            .map_err(Error::io("the machine's root certificates")),
    });
    made.await.map_err(|died| Error::Protocol(died.to_string()))?
}

fn private_connector(files: &TlsFiles) -> Result<RustlsConnector, Error> {
    let config = |what: String| Error::Config(what);
    let read = |path: &std::path::Path| fs::read(path).map_err(Error::io(path.display().to_string()));
    let certs = |path: &std::path::Path| {
        let pem = read(path)?;
        let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let certs = certs.map_err(|error| config(format!("{}: {error}", path.display())))?;
        if certs.is_empty() {
            return Err(config(format!("{}: no certificate in it", path.display())));
        }
        Ok(certs)
    };
    let mut roots = RootCertStore::empty();
    for root in certs(&files.ca)? {
        roots.add(root).map_err(|error| config(format!("{}: {error}", files.ca.display())))?;
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| config(format!("{}: {error}", files.key.display())))?;
    let chain = certs(&files.cert)?;
    let made = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key))
        .map_err(|error| config(format!("{}: {error}", files.cert.display())))?;
    Ok(RustlsConnector::from(made))
}
