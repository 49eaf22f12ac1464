//! Notices by mail: one connection for each, over TLS unless the server is this machine.
//!
//! Invariants: what is said to a server elsewhere is said over TLS to a server whose certificate leads to a known root; the
//! password is read from its file at each mail and kept nowhere.

use std::path::Path;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use lienthong_contract::HopName;

use super::letter::Letter;
use crate::config::{MailSecurity, MailServer};

/// Longest wait for a step of the conversation.
const WITHIN: Duration = Duration::from_secs(20);
/// Longest wait for all of it.
const WHOLE: Duration = Duration::from_secs(90);

/// Whether this can be written on a mail.
#[must_use]
pub fn is_address(text: &str) -> bool {
    text.len() <= 254 && text.parse::<lettre::Address>().is_ok()
}

/// Sends one mail. `id` is the same each time the same is tried.
///
/// # Errors
/// Why it was not taken, for those who run the gateway.
pub async fn send(server: &MailServer, hop: &HopName, (id, to): (&str, &str), letter: &Letter) -> Result<(), String> {
    let message = message(server, (id, to), letter)?;
    let transport = transport(server, hop)?;
    match tokio::time::timeout(WHOLE, transport.send(message)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(causes(&error)),
        Err(_) => Err(format!("no answer within {} s", WHOLE.as_secs())),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut whole = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !whole.contains(&text) {
            whole = format!("{whole}: {text}");
        }
        next = cause.source();
    }
    super::one_line(&whole)
}

fn message(server: &MailServer, (id, to): (&str, &str), letter: &Letter) -> Result<Message, String> {
    let address = |text: &str| -> Result<Mailbox, String> {
        Ok(Mailbox::new(None, text.parse::<lettre::Address>().map_err(|error| format!("{text}: {error}"))?))
    };
    let domain = server.from.split_once('@').map_or("localhost", |(_, domain)| domain);
    Message::builder()
        .from(address(&server.from)?)
        .to(address(to)?)
        .message_id(Some(format!("<{id}@{domain}>")))
        .subject(letter.subject.clone())
        .header(ContentType::TEXT_PLAIN)
        .body(letter.body.clone())
        .map_err(|error| error.to_string())
}

fn transport(server: &MailServer, hop: &HopName) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let parameters = || -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(server.host.clone());
        if !server.roots.is_empty() {
            builder = builder.certificate_store(CertificateStore::None);
        }
        for root in &server.roots {
            for certificate in roots(root)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        builder.build().map_err(|error| error.to_string())
    };
    let (tls, port) = match server.security {
        MailSecurity::StartTls => (Tls::Required(parameters()?), 587),
        MailSecurity::Tls => (Tls::Wrapper(parameters()?), 465),
        MailSecurity::Plain => (Tls::None, 25),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.as_str())
        .port(server.port.unwrap_or(port))
        .tls(tls)
        .hello_name(ClientId::Domain(hop.as_str().to_owned()))
        .timeout(Some(WITHIN));
    if let (Some(user), Some(file)) = (&server.user, &server.password_file) {
        let password = crate::secrets::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        builder =
            builder.credentials(Credentials::new(user.clone(), password.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(builder.build())
}

fn roots(file: &Path) -> Result<Vec<Certificate>, String> {
    let chain = crate::trust::certificate::read_chain(file).map_err(|error| error.to_string())?;
    let read = |one: &crate::trust::certificate::Certificate| Certificate::from_der(one.der().to_vec());
    chain.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())
}

/// Whether everything that sending needs can be read.
///
/// # Errors
/// What cannot.
pub fn rehearse(server: &MailServer, hop: &HopName) -> Result<(), String> {
    transport(server, hop).map(|_| ())
}
