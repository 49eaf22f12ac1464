//! The demo's broker, asked before anything is started.

use std::path::PathBuf;

use anyhow::{Context, bail};
use lienthong_contract::HopName;

use crate::link::Error;
use crate::link::amqp::{self, Broker, TlsFiles};
use crate::pki::Manifest;
use crate::scene::HOPS;

/// Sees whether the broker lets a gateway in before any is started: three gateways that cannot connect would only fill
/// the screen with their attempts.
pub(super) async fn answers(manifest: &Manifest, url: &str) -> anyhow::Result<()> {
    let hop: HopName = HOPS.first().context("no gateway")?.parse()?;
    let mut broker = Broker::new("demo", url, hop.clone(), Vec::new(), PathBuf::new());
    if url.starts_with("amqps:") {
        let files = manifest.hop(hop.as_str()).context("no gateway")?;
        broker.tls =
            Some(TlsFiles { ca: manifest.ca().root, cert: files.tls_chain.clone(), key: files.tls_key.clone() });
    }
    let Err(error) = amqp::try_once(&broker).await else { return Ok(()) };
    bail!("{}", no_broker(&error, &without_password(url)))
}

/// What is wrong with the broker, where, why, and how to mend it, in both languages.
fn no_broker(error: &Error, address: &str) -> String {
    let (vi, en) = match error {
        Error::AccessRefused(_) => (
            "RabbitMQ không cho đăng nhập; kiểm tra tên, mật khẩu và vhost trong địa chỉ sau --amqp",
            "RabbitMQ refuses the login; check the name, the password and the virtual host in the address after --amqp",
        ),
        Error::Config(_) => (
            "địa chỉ sau --amqp không đúng dạng amqp://tên:mật-khẩu@máy:cổng/vhost",
            "the address after --amqp is not of the form amqp://name:password@host:port/vhost",
        ),
        _ => (
            "không kết nối được với RabbitMQ; khởi động nó (systemctl start rabbitmq-server) hoặc sửa địa chỉ sau --amqp, \
             hoặc bỏ --amqp để chạy không cần RabbitMQ",
            "RabbitMQ cannot be reached; start it (systemctl start rabbitmq-server) or correct the address after --amqp, \
             or leave --amqp out to run without a broker",
        ),
    };
    format!("{address}: {vi}\n    {en}\n    nguyên nhân — cause: {error}")
}

/// The address as it may be shown.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_not_there_is_told_without_the_password() {
        assert_eq!(without_password("amqp://u:p@ss@broker:5672/v"), "amqp://broker:5672/v");
        assert_eq!(without_password("amqp://broker"), "amqp://broker");
        let error = Error::AccessRefused("ACCESS_REFUSED".to_owned());
        let told = no_broker(&error, "amqp://broker");
        assert!(told.starts_with("amqp://broker: RabbitMQ không cho đăng nhập") && told.contains("refuses the login"));
    }
}
