//! Alarms of a running gateway reach people: mail over a real server (aiosmtpd), once each, over restarts, and to their end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use base64_simd::STANDARD;
use lienthong::alarms::Kind;
use lienthong::alarms::letter::Letter;
use lienthong::alarms::mail::send;
use lienthong::certificates::{State, Use};
use lienthong::clock::SystemClock;
use lienthong::config::{AlertRoute, AlertWebhook, Config, MailSecurity, MailServer};
use lienthong::gateway::Gateway;
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene;
use serde_json::Value;
use support::hook::{Call, Hook, SECRET};
use support::program::{json, text};
use support::world::keys;
use support::{eventually, folder};

const USER: &str = "lienthong";
const PASSWORD: &str = "mot mat khau dai";

/// A mail server of this test's own.
struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(folder: &Path, manifest: &Manifest, mode: &str) -> Self {
        let folder = folder.join(format!("mail-{mode}"));
        std::fs::create_dir_all(&folder).unwrap();
        let files = manifest.hop("province-b").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts/smtp_server.py");
        // The package of the distribution belongs to the interpreter of the distribution.
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .args([&folder, &files.tls_chain, &files.tls_key])
            .args([USER, PASSWORD, mode])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 with python3-aiosmtpd");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the mail server listens: is python3-aiosmtpd installed?");
        Self { child, port, folder }
    }

    fn settings(&self, manifest: &Manifest, security: MailSecurity, password: &Path) -> MailServer {
        MailServer {
            host: "localhost".to_owned(),
            port: Some(self.port),
            security,
            from: "truc@example.vn".to_owned(),
            user: (security != MailSecurity::Plain).then(|| USER.to_owned()),
            password_file: (security != MailSecurity::Plain).then(|| password.to_owned()),
            roots: vec![manifest.ca().root],
        }
    }

    /// Mails in the order in which they came, each with its headers and, decoded, its text.
    fn mails(&self) -> Vec<Mail> {
        let files = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
        files.sort();
        files.iter().map(|file| Mail::read(&std::fs::read_to_string(file).unwrap())).collect()
    }
}

#[derive(Debug, Clone)]
struct Mail {
    head: String,
    body: String,
}

impl Mail {
    fn read(whole: &str) -> Self {
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        let body = if head.to_lowercase().contains("content-transfer-encoding: base64") {
            let letters: String = body.split_whitespace().collect();
            String::from_utf8(STANDARD.decode_to_vec(letters).unwrap()).unwrap()
        } else {
            quoted_printable(body)
        };
        Self { head: head.to_owned(), body }
    }
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let Some((first, more)) = rest.split_first() {
        let code = more.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if *first == b'=' => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn password_file(folder: &Path) -> PathBuf {
    let file = folder.join("mail-password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_over_tls_with_a_login_and_not_to_strangers() {
    let folder = folder();
    let manifest = keys(folder.path(), false);
    let password = password_file(folder.path());
    let hop = "province-a".parse().unwrap();
    let letter = Letter {
        subject: "Thử: đĩa sắp đầy".to_owned(),
        body: "Dòng một, tiếng Việt.\nDòng hai.\n".to_owned(),
    };
    let to = ("alarm_1", "truc-ban@example.vn");
    for (mode, security) in
        [("starttls", MailSecurity::StartTls), ("tls", MailSecurity::Tls), ("plain", MailSecurity::Plain)]
    {
        let server = Server::start(folder.path(), &manifest, mode);
        let settings = server.settings(&manifest, security, &password);
        send(&settings, &hop, to, &letter).await.unwrap();
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{mode}");
        assert!(mails[0].head.contains("X-Recipients: truc-ban@example.vn"), "{}", mails[0].head);
        assert!(mails[0].head.contains("<alarm_1@example.vn>"), "{}", mails[0].head);
        assert_eq!(mails[0].body.replace("\r\n", "\n").trim_end(), letter.body.trim_end());
        if security == MailSecurity::Plain {
            // It offers no TLS: nothing is said to it in the clear that was to be said over TLS.
            let wants = MailServer { security: MailSecurity::StartTls, ..settings };
            assert!(send(&wants, &hop, to, &letter).await.is_err());
            continue;
        }
        let stranger = MailServer { roots: vec![manifest.ca().other_root], ..settings.clone() };
        assert!(send(&stranger, &hop, to, &letter).await.is_err(), "{mode}: another root");
        let wrong = folder.path().join("wrong-password");
        std::fs::write(&wrong, "khac").unwrap();
        let wrong = MailServer { password_file: Some(wrong), ..settings };
        assert!(send(&wrong, &hop, to, &letter).await.is_err(), "{mode}: another password");
        assert_eq!(server.mails().len(), 1);
    }
}

/// A gateway whose disk is always too full for it, and which tells of it at once.
fn alarmed(manifest: &Manifest, folder: &Path, server: &Server) -> Config {
    let mut config = scene::configuration(manifest, "province-a", &folder.join("data"), None).unwrap();
    let alerts = &mut config.alerts;
    (alerts.every_seconds, alerts.group_seconds, alerts.clear_seconds) = (1, 1, 2);
    alerts.disk_free_gib = 1 << 20;
    alerts.mail = Some(server.settings(manifest, MailSecurity::StartTls, &password_file(folder)));
    alerts.route = vec![AlertRoute {
        name: "truc-ban".to_owned(),
        kinds: vec![Kind::DiskFilling, Kind::CrlStale],
        mail: vec!["truc-ban@example.vn".to_owned()],
        ..AlertRoute::default()
    }];
    config.trust.crls.push(manifest.ca().stale_crl);
    config.check().unwrap();
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_told_once_over_a_restart_and_so_is_its_end() {
    let folder = folder();
    let manifest = keys(folder.path(), false);
    let server = Server::start(folder.path(), &manifest, "starttls");
    let (hook, listener) = Hook::listen(&[]).await;
    hook.serve(listener, &manifest);
    let mut config = alarmed(&manifest, folder.path(), &server);
    let secret = folder.path().join("hook-secret");
    std::fs::write(&secret, SECRET).unwrap();
    config.alerts.webhook = vec![AlertWebhook {
        name: "cau-noi".to_owned(),
        url: format!("https://localhost:{}/lien-thong", hook.port),
        secret_file: secret,
        second_secret_file: None,
        roots: config.api.client_roots.clone(),
        certificate: None,
        key: None,
    }];
    config.alerts.route[0].webhook = vec!["cau-noi".to_owned()];
    config.check().unwrap();
    let told = || hook.calls.lock().unwrap().clone();
    let start = async |config: &Config| Gateway::start(config, &Hub::new(), Arc::new(SystemClock)).await.unwrap();
    let gateway = start(&config).await;
    let about = |words: &str| server.mails().iter().filter(|mail| mail.body.contains(words)).count();
    eventually("both alarms are told", async || {
        (about("Đĩa dữ liệu còn") == 1 && about("Danh sách thu hồi của") == 1).then_some(())
    })
    .await;
    // A bridge to a chat hears the same, signed, with the whole as one text.
    let call = eventually("the bridge is told", async || told().into_iter().next()).await;
    assert_eq!(call.signed_by, [true, false], "{call:?}");
    assert_eq!((call.body["type"].as_str(), call.body["data"]["route"].as_str()), (Some("alerts"), Some("truc-ban")));
    let first = &call.body["data"]["alarms"][0];
    assert!(first["what"]["vi"].as_str().is_some_and(|what| call.body["text"].as_str().unwrap().contains(what)));
    let board = gateway.alarms.board();
    let kinds: Vec<Kind> = board.present().iter().map(|alarm| alarm.kind).collect();
    assert!(kinds.starts_with(&[Kind::DiskFilling, Kind::CrlStale]), "in order of harm: {kinds:?}");
    let since = board.present()[0].since;

    // Every certificate of ours is known, with its end.
    let all = gateway.certificates.all();
    for what in [Use::HopSigning, Use::Server, Use::Root, Use::Intermediate] {
        assert!(all.iter().any(|one| one.what == what && one.state == State::Good), "{what:?}");
    }
    assert!(all.iter().any(|one| one.what == Use::RevocationList && one.state == State::Expired));
    assert!(
        all.iter().any(|one| one.what == Use::AgencyClient && one.state == State::NotKnown && one.days_left.is_none())
    );
    let days: Vec<i64> = all.iter().filter_map(|one| one.days_left).collect();
    assert!(days.is_sorted(), "{days:?}");
    gateway.stop().await;

    // After a restart nothing is told again, though it is still there; then it ends.
    let gateway = start(&config).await;
    let board = gateway.alarms.board();
    let again = eventually("the alarms are seen again", async || board.present().first().cloned()).await;
    assert_eq!((again.kind, again.since), (Kind::DiskFilling, since));
    let tried = gateway.alarms.test(None).await;
    assert!(tried.len() == 2 && tried.iter().all(|(_, outcome)| outcome.is_ok()), "{tried:?}");
    gateway.stop().await;
    assert_eq!((about("Đĩa dữ liệu còn"), about("Đây là thư thử")), (1, 1));
    let ids: HashSet<String> = told().into_iter().map(|call| call.id).collect();
    assert_eq!(told().len(), ids.len(), "each notice once");
    let of_disk = |call: &Call| call.body["data"]["alarms"].to_string().contains(Kind::DiskFilling.as_str());
    assert_eq!(told().iter().filter(|call| of_disk(call)).count(), 1, "{:?}", told());
    (config.alerts.disk_free_gib, config.alerts.disk_free_percent) = (1, 1);
    // A disk that is really full would spoil the test.
    config.trust.crls.pop();
    let gateway = start(&config).await;
    eventually("the end is told", async || (about("Đã hết báo động") >= 1).then_some(())).await;
    eventually("the bridge is told of it", async || {
        told().iter().any(|call| call.body["data"]["ended"][0]["kind"] == Kind::DiskFilling.as_str()).then_some(())
    })
    .await;
    gateway.stop().await;

    // An operator tries the way by hand, and one that nobody listens on.
    let file = folder.path().join("province-a.toml");
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    let admin = |more: &[&str]| json(&[&["admin", "alert-test", "--config", text(&file), "--json"], more].concat());
    let (code, tried) = admin(&["--route", "truc-ban"]);
    assert_eq!((code, tried["recipients"][0]["taken"].as_bool()), (0, Some(true)), "{tried}");
    let (code, tried) = admin(&["--set", "alerts.mail.port=1"]);
    assert_eq!((code, tried["recipients"][0]["taken"].as_bool()), (1, Some(false)), "{tried}");
    let (code, listed) = json(&["admin", "certificates", "--config", text(&file), "--json"]);
    assert_eq!(code, 0, "{listed}");
    assert!(listed["certificates"].as_array().unwrap().len() > 5);

    // A rollover is rehearsed: to another certificate of ours, and to one that nobody would believe.
    let rehearse = |chain: &Path, key: &Path| {
        json(&[
            "admin",
            "certificates",
            "--config",
            text(&file),
            "--json",
            "--rollover",
            text(chain),
            "--key",
            text(key),
        ])
    };
    let own = manifest.hop("province-a").unwrap();
    let (code, tried) = rehearse(&own.receipts_chain, &own.receipts_key);
    assert_eq!((code, tried["tried"][0]["outcome"].as_str()), (0, Some("ask")), "{tried}");
    let other = manifest.hop("province-b").unwrap();
    let (code, tried) = rehearse(&other.receipts_chain, &own.receipts_key);
    assert_eq!((code, tried["tried"][0]["outcome"].as_str()), (1, Some("bad")), "{tried}");

    // A system outside is called with the new certificate: here it is one that knows the certificates of our agencies.
    let gateway = start(&config).await;
    let ours = manifest.agency("H37.90").unwrap();
    let outlet = format!(
        "\n[[outlet]]\nname = \"ngoai\"\nadapter = \"xroad\"\nprefixes = [\"K01\"]\n[outlet.settings]\n\
         address = \"https://localhost:{}\"\nca_file = \"{}\"\ncertificate_file = \"{}\"\nkey_file = \"{}\"\n",
        gateway.address.port(),
        manifest.ca().root.display(),
        ours.client_chain.display(),
        ours.client_key.display(),
    );
    std::fs::write(&file, toml::to_string(&config).unwrap() + &outlet).unwrap();
    let (_, tried) = rehearse(&ours.client_chain, &ours.client_key);
    let of_outlet = |tried: &Value| tried["tried"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (of_outlet(&tried)["with"].as_str(), of_outlet(&tried)["outcome"].as_str()),
        (Some("ngoai"), Some("good")),
        "{tried}"
    );
    // One that is no client's is not let in.
    let (code, tried) = rehearse(&ours.sign_chain, &ours.sign_key);
    assert_eq!((code, of_outlet(&tried)["outcome"].as_str()), (1, Some("bad")), "{tried}");
    gateway.stop().await;
}
