//! A province with a console and the nation, in the test's own process, under a clock that the test sets forward; and
//! somebody at a browser of few words.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::civil::{Date, DateTime};
use lienthong::acts::{Actor, Kind};
use lienthong::clock::SystemClock;
use lienthong::config::Config;
use lienthong::console::access::{base32, hashed, new_secret, number, step_of};
use lienthong::gateway::{Adapters, Gateway};
use lienthong::link::inprocess::Hub;
use lienthong::pki::Manifest;
use lienthong::scene::{self, Agency};
use lienthong::store::console::{Change, Effect, NewAccount, Role};
use lienthong_contract::{AgencyCode, Clock, DocId, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::letters::{letter, sign};
use crate::support::world::keys;
use crate::support::{eventually, folder};

pub const PASSWORD: &str = "cầu Long Biên lúc sáng sớm";

/// The machine's clock, set forward by the test.
#[derive(Debug, Default, Clone)]
pub struct Ahead(Arc<AtomicI64>);

impl Ahead {
    pub fn by_hours(&self, hours: i64) {
        self.0.fetch_add(hours * 3_600_000, Ordering::SeqCst);
    }

    /// From now on it is this moment in Vietnam, and later.
    pub fn to(&self, moment: DateTime) {
        let moment = Instant::from_vietnam(moment).unwrap();
        self.0.store(moment.as_millis() - SystemClock.now().as_millis(), Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Instant {
        SystemClock.now().plus_millis(self.0.load(Ordering::SeqCst))
    }
}

pub struct Town {
    pub folder: TempDir,
    pub manifest: Manifest,
    pub clock: Arc<Ahead>,
    pub hub: Hub,
    pub gateways: HashMap<&'static str, Gateway>,
    pub directory: PathBuf,
}

impl Town {
    /// Both gateways; `province-a` has a console.
    pub async fn start(require_totp: bool) -> Self {
        Self::start_with(require_totp, Ahead::default(), |_, _| {}).await
    }

    /// The same at another time, with a configuration of the province that the test changes; it is given a folder for files.
    pub async fn start_with(require_totp: bool, clock: Ahead, change: impl Fn(&mut Config, &Path)) -> Self {
        Self::start_adapted(require_totp, clock, &Adapters::of_this_program(), change).await
    }

    /// The same with adapters of the test's own.
    pub async fn start_adapted(
        require_totp: bool,
        clock: Ahead,
        adapters: &Adapters,
        change: impl Fn(&mut Config, &Path),
    ) -> Self {
        let folder = folder();
        let manifest = keys(folder.path(), false);
        let (clock, hub) = (Arc::new(clock), Hub::new());
        let mut town =
            Self { directory: manifest.directory_file(), folder, manifest, clock, hub, gateways: HashMap::new() };
        for hop in ["province-a", "nation"] {
            let mut config = scene::configuration(&town.manifest, hop, &town.folder.path().join(hop), None).unwrap();
            if hop == "province-a" {
                config.console = Some(lienthong::config::Console {
                    require_totp,
                    session_hours: 1000,
                    idle_minutes: 60_000,
                    ..scene::console()
                });
                change(&mut config, town.folder.path());
            }
            let clock = Arc::clone(&town.clock) as Arc<dyn Clock>;
            town.gateways.insert(hop, Gateway::start_with(&config, &town.hub, clock, adapters).await.unwrap());
        }
        town
    }

    pub fn province(&self) -> &Gateway {
        &self.gateways["province-a"]
    }

    pub fn console(&self) -> SocketAddr {
        self.province().console_address.unwrap()
    }

    /// Somebody who may sign in, with a password of his own.
    pub async fn account(&self, name: &str, role: Role, agency: Option<&str>) {
        let desk = self.province().desk.as_ref().unwrap();
        let stored = hashed(PASSWORD).unwrap();
        let new = NewAccount {
            name: name.to_owned(),
            full_name: format!("Người Thí Dụ {name}"),
            role,
            agency: agency.map(|code| AgencyCode::parse(code).unwrap()),
            password: stored.clone(),
            created_at: self.clock.now(),
        };
        let by = Actor::alone("test");
        let on = (Kind::AddAccount, name);
        desk.record(&by, on, None, Vec::new(), vec![Effect::AddAccount(Box::new(new))]).await.unwrap();
        let id = desk.store.account(name).await.unwrap().unwrap().id;
        let own = Change { password: Some((stored, false)), ..Change::default() };
        let effects = vec![Effect::ChangeAccount(id, Box::new(own))];
        desk.record(&by, (Kind::Password, name), None, Vec::new(), effects).await.unwrap();
    }

    /// Gives the account a second factor; gives its secret.
    pub async fn factor(&self, name: &str) -> Vec<u8> {
        let desk = self.province().desk.as_ref().unwrap();
        let id = desk.store.account(name).await.unwrap().unwrap().id;
        let secret = new_secret().unwrap();
        assert_eq!(base32(&secret).len(), 32);
        let change = Change { totp: Some(Some(secret.clone())), ..Change::default() };
        let effects = vec![Effect::ChangeAccount(id, Box::new(change))];
        desk.record(&Actor::alone("test"), (Kind::SecondFactor, name), None, Vec::new(), effects).await.unwrap();
        secret
    }

    /// The number that an authenticator would show now.
    pub fn number(&self, secret: &[u8]) -> String {
        format!("{:06}", number(secret, step_of(self.clock.now())))
    }

    pub async fn signed_in(&self, name: &str) -> Visitor {
        let mut visitor = Visitor::of(self);
        visitor.sign_in(name, PASSWORD, "").await;
        visitor
    }

    pub fn agency(&self, code: &str, hop: &str) -> Agency {
        scene::agency(&self.manifest, code, self.gateways[hop].address, 2, Arc::new(SystemClock)).unwrap()
    }

    /// Sends letters from an agency of the province.
    pub async fn send(&self, from: &str, to: &[&str], numbers: std::ops::Range<u32>, subject: &str) -> Vec<DocId> {
        self.send_of(SystemClock.now().in_vietnam().date(), from, to, numbers, subject).await
    }

    /// The same of letters that were signed on this day.
    pub async fn send_of(
        &self,
        date: Date,
        from: &str,
        to: &[&str],
        numbers: std::ops::Range<u32>,
        subject: &str,
    ) -> Vec<DocId> {
        let sender = self.agency(from, "province-a");
        let mut sent = Vec::new();
        for number in numbers {
            let pdf = scene::example_pdf(2048);
            let letter = scene::Letter { subject, date, ..letter(from, to, number, &pdf) };
            let signed = sign(&letter.packet().unwrap(), &sender.files);
            sent.push(sender.client.submit(&signed.packet(), None).await.unwrap().doc_id);
        }
        sent
    }

    /// Waits until a page says something.
    pub async fn says(&self, visitor: &Visitor, path: &str, words: &str) -> String {
        eventually(&format!("{path} says {words:?}"), async || {
            let page = visitor.get(path).await;
            page.body.contains(words).then_some(page.body)
        })
        .await
    }

    pub async fn stop(self) {
        for (_, gateway) in self.gateways {
            gateway.stop().await;
        }
    }
}

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub head: String,
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.trim())
    }
}

/// Somebody at a browser.
#[derive(Debug, Clone)]
pub struct Visitor {
    at: SocketAddr,
    pub cookie: String,
}

impl Visitor {
    pub fn of(town: &Town) -> Self {
        Self { at: town.console(), cookie: String::new() }
    }

    pub async fn raw(&self, request: &[u8]) -> Page {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let bytes = bytes[end + 4..].to_vec();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Page { status, body: String::from_utf8_lossy(&bytes).into_owned(), head, bytes }
    }

    pub async fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Page {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.at,
            self.cookie,
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    pub async fn get(&self, path: &str) -> Page {
        self.ask("GET", path, "text/plain", b"").await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask("POST", path, "application/x-www-form-urlencoded", body.as_bytes()).await
    }

    /// Posts with the token of this session.
    pub async fn press(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.token().await;
        let fields: Vec<(&str, &str)> =
            std::iter::once(("csrf", token.as_str())).chain(fields.iter().copied()).collect();
        self.post(path, &fields).await
    }

    pub async fn token(&self) -> String {
        let page = self.get("/account/password").await.body;
        let from = page.find("name=\"csrf\" value=\"").expect("a form has a token") + 19;
        page[from..].split('"').next().unwrap().trim_start_matches('"').to_owned()
    }

    pub async fn sign_in(&mut self, name: &str, password: &str, number: &str) -> Page {
        let page = self.post("/sign-in", &[("name", name), ("password", password), ("number", number)]).await;
        if let Some(cookie) = page.header("set-cookie") {
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        page
    }
}
