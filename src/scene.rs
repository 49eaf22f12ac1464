//! The example world: a province, the nation and another province, with the agencies of the example PKI.
//!
//! The demo, the benchmark and the end-to-end tests play in it. It makes real configurations, the same that an operator
//! writes; nothing in the gateway knows that it is an example.

pub mod broker;
pub mod trial;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use lienthong_contract::{Clock, HopName};

use crate::client::{Client, ClientError, Deadlines};
use crate::config;
use crate::edxml::model::{
    Business, BusinessType, Code, DocumentType, Located, Organization, OtherInfo, PacketSignature, PromulgationInfo,
    Reference, ResponseFor, SignerInfo, StaffInfo, StatusCode, TextAt, TraceHeader, Urgency,
};
use crate::edxml::write::{write_document, write_status};
use crate::edxml::{Document, StatusReport, model::AttachmentMeta};
use crate::pki::{AgencyFiles, HopFiles, Manifest};
use crate::signing::{self, load_signer};
use crate::trust::tls::{ClientFiles, client_config};

/// The three hops, in the order a document passes them.
pub const HOPS: [&str; 3] = ["province-a", "nation", "province-b"];
/// Who sends in the demo.
pub const SENDER: &str = "H37.90";
/// Who receives: in the same province, at the nation, in another province; with the hop that serves each.
pub const RECIPIENTS: [(&str, &str); 3] = [("H37.91", "province-a"), ("G09.90", "nation"), ("H49.90", "province-b")];

/// The example world cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the example PKI has no {0}")]
    Missing(String),
    #[error(transparent)]
    Trust(#[from] crate::trust::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Signing(#[from] signing::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The broker that links run over, when they do not stay in the process.
#[derive(Debug, Clone)]
pub struct BrokerAt {
    pub url: String,
    /// Use the example PKI's certificates towards it.
    pub tls: bool,
}

/// The configuration of one of the three gateways, listening on a free port of this machine.
///
/// # Errors
/// [`Error::Missing`].
pub fn configuration(
    manifest: &Manifest,
    hop: &str,
    data: &Path,
    broker: Option<&BrokerAt>,
) -> Result<config::Config, Error> {
    let files = manifest.hop(hop).ok_or_else(|| Error::Missing(format!("gateway {hop}")))?;
    let ca = manifest.ca();
    let name: HopName = hop.parse().map_err(|_| Error::Missing(format!("gateway {hop}")))?;
    Ok(config::Config {
        hop: config::Hop {
            name,
            data: data.to_owned(),
            key: files.receipts_key.clone(),
            certificate: files.receipts_chain.clone(),
        },
        trust: config::Trust {
            roots: vec![ca.root.clone()],
            intermediates: vec![ca.sub.clone()],
            crls: ca.crls(),
            require_revocation: false,
            hop_roots: Vec::new(),
            pin: Vec::new(),
        },
        directory: config::DirectoryFile {
            file: manifest.directory_file(),
            reload_seconds: 1,
            forward_to_successor: true,
        },
        api: config::Api {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            certificate: files.tls_chain.clone(),
            key: files.tls_key.clone(),
            client_roots: vec![ca.root.clone()],
            client_intermediates: vec![ca.sub.clone()],
            client_crls: ca.crls(),
            max_packet_mib: 1024,
            requests_per_second: 100_000,
            request_burst: 100_000,
            uploads_per_caller: 512,
        },
        broker: broker.map(|at| broker_config(at, &ca.root, &files)).into_iter().collect(),
        link: links(hop, broker.is_some()),
        outlet: Vec::new(),
        system: Vec::new(),
        vxp: None,
        lgsp: None,
        preview: None,
        console: None,
        alerts: config::Alerts::default(),
        canary: None,
        statutory: config::Statutory::default(),
        statistics: config::Statistics::default(),
        bkav: None,
        xroad: None,
        webhook: Vec::new(),
        news_queue: Vec::new(),
        delivery: config::Delivery::default(),
        retention: config::Retention::default(),
        // A scene is short: its gateways look at each other's logs more often.
        ledger: config::Ledger { witness_seconds: 2, ..config::Ledger::default() },
        schemas: config::Schemas::default(),
        log: config::Log::default(),
        traces: None,
    })
}

/// A console for this machine alone, on a free port: in the clear, and without a second factor.
#[must_use]
pub fn console() -> config::Console {
    config::Console {
        plain_http: true,
        require_totp: false,
        ..config::Console::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }
}

fn broker_config(at: &BrokerAt, root: &Path, files: &HopFiles) -> config::Broker {
    let tls = |path: &PathBuf| at.tls.then(|| path.clone());
    config::Broker {
        name: "example".to_owned(),
        url: Some(at.url.clone()),
        url_file: None,
        ca: tls(&root.to_owned()),
        certificate: tls(&files.tls_chain),
        key: tls(&files.tls_key),
        renew_dead_queues: true,
    }
}

fn links(hop: &str, over_broker: bool) -> Vec<config::Link> {
    let link = |peer: &str, prefixes: &[&str], default: bool| {
        let peer = peer.parse().ok()?;
        let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        let broker = over_broker.then(|| "example".to_owned());
        Some(config::Link {
            peer,
            broker,
            prefixes,
            hops: Vec::new(),
            default,
            relay_hours: None,
            urgent_relay_hours: None,
        })
    };
    let links = match hop {
        "nation" => vec![link("province-a", &["H37", "K37", "H47"], false), link("province-b", &["H49", "K49"], false)],
        _ => vec![link("nation", &[], true)],
    };
    links.into_iter().flatten().collect()
}

/// An agency of the example world: its keys, and the way to its gateway.
#[derive(Debug, Clone)]
pub struct Agency {
    pub files: AgencyFiles,
    pub client: Client,
}

/// An agency as a caller of the gateway at this address.
///
/// # Errors
/// [`Error`].
pub fn agency(
    manifest: &Manifest,
    code: &str,
    gateway: SocketAddr,
    connections: usize,
    clock: Arc<dyn Clock>,
) -> Result<Agency, Error> {
    let files = manifest.agency(code).ok_or_else(|| Error::Missing(format!("agency {code}")))?;
    let client = client(manifest, &files, gateway, connections, clock)?;
    Ok(Agency { files, client })
}

/// A client that shows these certificates.
///
/// # Errors
/// [`Error`].
pub fn client(
    manifest: &Manifest,
    files: &AgencyFiles,
    gateway: SocketAddr,
    connections: usize,
    clock: Arc<dyn Clock>,
) -> Result<Client, Error> {
    let tls = ClientFiles {
        roots: vec![manifest.ca().root],
        crls: Vec::new(),
        identity: Some((files.client_chain.clone(), files.client_key.clone())),
        http: true,
    };
    let tls = client_config(&tls, clock)?;
    let address = format!("https://localhost:{}", gateway.port());
    Ok(Client::with(&address, &tls, connections, Deadlines::default())?)
}

impl Agency {
    /// Signs a packet with the agency's signing key.
    ///
    /// # Errors
    /// [`Error::Signing`].
    pub fn sign(&self, packet: &[u8]) -> Result<Vec<u8>, Error> {
        let signer = load_signer(&self.files.sign_key, &self.files.sign_chain)?;
        Ok(signing::sign_bytes(packet, &signer)?)
    }
}

/// What an example document is to say.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    pub from: &'a str,
    pub to: &'a [&'a str],
    /// Number of the document; with the date it makes its name.
    pub number: u32,
    pub date: Date,
    pub subject: &'a str,
    pub urgency: Urgency,
    pub attachment: &'a [u8],
}

impl Letter<'_> {
    /// The unsigned packet.
    ///
    /// # Errors
    /// None in practice: it is written to memory.
    pub fn packet(&self) -> std::io::Result<Vec<u8>> {
        self.packet_of(&self.document())
    }

    /// The same with another text: [`Letter::document`], changed.
    ///
    /// # Errors
    /// As [`Letter::packet`].
    pub fn packet_of(&self, document: &Document) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let meta = AttachmentMeta {
            content_id: format!("{:08}", self.number),
            name: "cong-van.pdf".to_owned(),
            description: Some("Văn bản thí dụ".to_owned()),
            content_type: "application/pdf".to_owned(),
        };
        write_document(&mut out, document, [(meta, self.attachment)])?;
        Ok(out)
    }

    /// `H37.90,2026/03/02,12/TD-VP`: the QCVN form of a document's name.
    #[must_use]
    pub fn document_id(&self) -> String {
        format!("{},{},{}/TD-VP", self.from, self.date.strftime("%Y/%m/%d"), self.number)
    }

    /// What the letter says.
    #[must_use]
    pub fn document(&self) -> Document {
        let noon = lienthong_contract::Instant::from_vietnam(self.date.at(8, 0, 0, 0));
        Document {
            from: organization(self.from),
            to: self.to.iter().map(|code| organization(code)).collect(),
            document_id: Some(text(&self.document_id())),
            code: Code { number: Some(text(&self.number.to_string())), notation: Some(text("TD-VP")) },
            promulgation: PromulgationInfo { place: Some(text("Tỉnh Thí dụ")), date: Located::made(self.date) },
            document_type: DocumentType {
                group: Some(Located::made(2)),
                detail: Some(Located::made(18)),
                name: Some(text("Công văn")),
            },
            subject: text(self.subject),
            content: Some(text(self.subject)),
            signer: SignerInfo {
                competence: Some(text("TM.")),
                position: Some(text("Giám đốc")),
                full_name: Some(text("Nguyễn Văn Thí Dụ")),
            },
            due_date: None,
            to_places: vec![text("Như trên")],
            other: OtherInfo { priority: Some(Located::made(self.urgency)), ..OtherInfo::default() },
            response_for: Vec::new(),
            steering_type: None,
            application_type: None,
            tasks: Vec::new(),
            business: Some(Business { kind: Located::made(BusinessType::New), ..Business::default() }),
            trace: vec![TraceHeader { organ_id: Some(text(self.from)), timestamp: noon.map(Located::made) }],
            references: vec![Reference {
                content_id: Some(text(&format!("{:08}", self.number))),
                content_type: Some(text("application/pdf")),
                description: Some(text("Văn bản thí dụ")),
                name: Some(text("cong-van.pdf")),
            }],
            attachments: Vec::new(),
            errors: Vec::new(),
            signature: PacketSignature::default(),
        }
    }
}

/// A status packet: `from` tells `to` what became of its document.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn status_packet(
    from: &str,
    to: &str,
    document_id: &str,
    code: &str,
    description: Option<&str>,
    time: lienthong_contract::Instant,
) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    // The document's number and notation stand last in its name.
    let number = document_id.splitn(3, ',').nth(2).unwrap_or(document_id);
    let report = StatusReport {
        from: organization(from),
        response_for: ResponseFor {
            organ_id: Some(text(to)),
            code: Some(text(number)),
            document_id: Some(text(document_id)),
            promulgation_date: None,
        },
        status: Located::made(StatusCode::from_code(code)),
        description: description.map(text),
        timestamp: Some(Located::made(time)),
        staff: StaffInfo::default(),
    };
    write_status(&mut out, &report)?;
    Ok(out)
}

/// A small file that every reader takes for a PDF.
#[must_use]
pub fn example_pdf(size: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n% Van ban thi du cua Lien Thong\n".to_vec();
    let mut line = 0_u32;
    while pdf.len() < size {
        line = line.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        pdf.extend_from_slice(format!("% {line:010} trang thi du\n").as_bytes());
    }
    pdf.extend_from_slice(b"%%EOF\n");
    pdf
}

fn organization(code: &str) -> Organization {
    Organization {
        organ_id: text(code),
        name: Some(text(&format!("Cơ quan thí dụ {code}"))),
        address: Some(text("Địa chỉ thí dụ")),
        ..Organization::default()
    }
}

fn text(value: &str) -> TextAt {
    Located::made(value.to_owned())
}
