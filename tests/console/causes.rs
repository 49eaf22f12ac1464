//! Ten causes injected into a running gateway: each is one line of the page of what is stuck, with its name and its button.
//!
//! What systems outside answer comes from an adapter that says, in the words of the real ones, what cannot be had from them
//! here: a certificate that ran out, a full disk. The closed destination, the damaged file and the agency that does not
//! collect are real.

use std::collections::HashMap;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use lienthong::config::{Arriving, Outlet as Listed, SentBytes};
use lienthong::gateway::Adapters;
use lienthong::scene;
use lienthong::store::console::Role;
use lienthong::stuck::Cause;
use lienthong_contract::outlet::{Inside, Outcome, OutgoingPacket, Outlet, Taken, TurnedAway};
use rustls::{CertificateError, Error as TlsError};

use crate::support::eventually;
use crate::support::letters::{letter, sign};
use crate::town::{Ahead, Town};

/// The outlets, each with the recipients beyond it.
const OUTLETS: [(&str, &str); 8] = [
    ("down", "K01"),
    ("expired", "K02"),
    ("clock", "K03"),
    ("credentials", "K04"),
    ("quota", "K05"),
    ("damaged", "K06"),
    ("unknown", "K07"),
    ("schema", "K08"),
];

/// A system outside that answers by its name.
#[derive(Debug)]
struct Outside {
    name: String,
    /// It takes what comes.
    well: Arc<AtomicBool>,
}

#[async_trait]
impl Outlet for Outside {
    async fn send(&self, packet: OutgoingPacket) -> Outcome {
        if self.well.load(Ordering::Relaxed) {
            return Outcome::Taken(Taken { id: packet.doc_id.to_string(), ..Taken::default() });
        }
        let tls = |error: CertificateError| format!("connection error: {}", TlsError::InvalidCertificate(error));
        let why = match self.name.as_str() {
            "expired" => tls(CertificateError::Expired),
            "clock" => tls(CertificateError::ExpiredRevocationList),
            "credentials" => "HTTP status 401 Unauthorized".to_owned(),
            "quota" => "HTTP status 507 Insufficient Storage".to_owned(),
            "unknown" => {
                return Outcome::NotNow { why: "K07.01: Server.ClientProxy.UnknownMember: Could not find".to_owned() };
            }
            "schema" => {
                let recipients = packet.recipients.iter().map(|one| one.recipient.clone()).collect();
                let words = "22 Goi tin khong dung luoc do".to_owned();
                return Outcome::Refused(TurnedAway { code: "22".to_owned(), words, recipients });
            }
            _ => "Connection refused (os error 111)".to_owned(),
        };
        Outcome::NotSent { why }
    }

    async fn attend(&self, _inside: Inside) {
        std::future::pending::<()>().await;
    }
}

pub fn listed((name, prefix): (&str, &str)) -> Listed {
    Listed {
        name: name.parse().unwrap(),
        adapter: "injected".to_owned(),
        settings: HashMap::from([("name".to_owned(), name.to_owned())]).into_iter().collect(),
        system: Vec::new(),
        prefixes: vec![prefix.to_owned()],
        default: false,
        report_days: Some(30),
        relay_hours: None,
        urgent_relay_hours: None,
        arriving: Arriving::Tolerant,
        bytes: if name == "damaged" { SentBytes::Sdk } else { SentBytes::Original },
    }
}

/// All files below a folder of packets that are larger than a megabyte.
fn large_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => large_files(&path, found),
            path if entry.metadata().unwrap().len() > 1 << 20 => found.push(path),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_causes_that_are_injected_are_told_by_ten_names_with_their_buttons() {
    let well: HashMap<String, Arc<AtomicBool>> =
        OUTLETS.iter().map(|(name, _)| ((*name).to_owned(), Arc::default())).collect();
    let switches = well.clone();
    let adapters = Adapters::of_this_program().with("injected", move |outlet, _| {
        let name = outlet.settings["name"].clone();
        Ok(Arc::new(Outside { well: Arc::clone(&switches[&name]), name }) as _)
    });
    let town = Town::start_adapted(false, Ahead::default(), &adapters, |config, _| {
        config.outlet = OUTLETS.map(listed).to_vec();
        config.delivery.longest_pause_seconds = 1;
    })
    .await;
    town.account("ba", Role::Operator, None).await;
    let ba = town.signed_in("ba").await;

    // Nobody collects this one; however long a holiday, working days pass.
    town.send("H37.90", &["H37.91"], 1..2, "Về việc không ai lấy (thí dụ)").await;
    town.clock.by_hours(12 * 24);
    // A destination that was closed.
    let press = async |act: &str, destination: &str| {
        let what = format!("{{\"act\":\"{act}\",\"destination\":\"{destination}\"}}");
        assert_eq!(ba.press("/acts", &[("what", &what), ("reason", "bảo trì")]).await.status, 200);
    };
    press("close", "nation").await;
    // Nothing leaves through this one before the packet in it is damaged.
    press("close", "damaged").await;
    town.send("H37.90", &["G09.90"], 2..3, "Về việc tuyến đóng (thí dụ)").await;
    // Systems outside, each with a fault of its own.
    for (number, (name, prefix)) in (10..).zip(OUTLETS) {
        let to = format!("{prefix}.01");
        if name == "damaged" {
            let sender = town.agency("H37.90", "province-a");
            let pdf = scene::example_pdf(3 << 20);
            let signed = sign(&letter("H37.90", &[&to], number, &pdf).packet().unwrap(), &sender.files);
            sender.client.submit(&signed.packet(), None).await.unwrap();
        } else {
            town.send("H37.90", &[&to], number..number + 1, "Về việc hỏng ở ngoài (thí dụ)").await;
        }
    }
    // Its file is damaged, and then the system outside is well: it is the packet that cannot go.
    let mut files = Vec::new();
    large_files(&town.folder.path().join("province-a/packets"), &mut files);
    assert_eq!(files.len(), 1, "{files:?}");
    let mut permissions = std::fs::metadata(&files[0]).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false)] // a test's own file
    permissions.set_readonly(false);
    std::fs::set_permissions(&files[0], permissions).unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&files[0]).unwrap();
    file.seek(SeekFrom::Start(1 << 20)).unwrap();
    file.write_all(b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    drop(file);
    well["damaged"].store(true, Ordering::Relaxed);
    press("open", "damaged").await;
    town.send("H37.90", &["K06.02"], 30..31, "Về việc gói tin lành đi qua (thí dụ)").await;

    for (cause, button) in [
        (Cause::EndpointDown, "act=try-now&amp;destination=down"),
        (Cause::CertificateExpired, "href=\"/certificates\""),
        (Cause::ClockOrRevocation, "href=\"/certificates\""),
        (Cause::CredentialsRefused, "href=\"/stuck/credentials-refused\""),
        (Cause::Quota, "act=try-now&amp;destination=quota"),
        (Cause::ClosedByHand, "act=open&amp;destination=nation"),
        (Cause::Poison, "href=\"/stuck/poison\""),
        (Cause::RecipientUnknown, "href=\"/agencies\""),
        (Cause::Schema, "href=\"/stuck/schema\""),
        (Cause::NotCollected, "href=\"/stuck/not-collected\""),
    ] {
        let line = eventually(&format!("{} is told", cause.as_str()), async || {
            let page = ba.get("/stuck").await.body;
            let rest = page.split(&format!("data-cause=\"{}\"", cause.as_str())).nth(1)?.to_owned();
            Some(rest.split("</tr>").next().unwrap().to_owned())
        })
        .await;
        assert!(line.contains(cause.title().vi) && line.contains(cause.owner().vi), "{line}");
        assert!(line.contains(button), "{}: {line}", cause.as_str());
        // One of each was injected, and it is listed with what is wrong.
        assert!(line.contains(">1</td>"), "{}: {line}", cause.as_str());
        let page = ba.get(&format!("/stuck/{}", cause.as_str())).await;
        assert_eq!(page.status, 200);
    }
    let lines = ba.get("/stuck").await.body.matches("data-cause=").count();
    assert_eq!(lines, Cause::ALL.len());
    town.stop().await;
}
