//! The console over a large store: how long its pages take, and what it costs the intake.
//!
//! A gateway of this configuration form runs in this process over a store that [`stock`] has filled. Pages are asked for over
//! HTTP by somebody who is signed in. The intake is measured with and without the console in turn, over the same store; while
//! it is on, somebody looks at the overview as a browser does and searches. Which of the two comes first alternates.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;

use super::load::signed_letter;
use super::process::cpu_seconds;
use super::{Stage, Tell, rounded, stock};
use crate::acts::{Actor, Kind};
use crate::client::Packet;
use crate::config::Config;
use crate::console::access::{hashed, random_text};
use crate::gateway::Gateway;
use crate::link::inprocess::Hub;
use crate::scene::{self, SENDER};
use crate::signing::load_signer;
use crate::store::console::{Change, Effect, NewAccount, Role};

const HOP: &str = "province-a";
const ACCOUNT: &str = "do-luong";
/// How often each page is asked for; the median is told.
const ASKED: usize = 20;
/// How often the intake is measured with and without the console.
const TURNS: usize = 4;
/// Callers that hand in at once: enough to keep the machine busy, no more than the door takes at a time. With fewer the rate
/// is that of the pauses in which calls to the store gather, and would hide what the console costs.
const CLIENTS: usize = 32;
/// How often a browser looks at the overview, and somebody searches.
const LOOKS: Duration = Duration::from_secs(3);
/// The intake before it is measured.
const WARM_UP: Duration = Duration::from_secs(3);

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub documents: u64,
    /// How long documents are handed in, each time.
    pub seconds: u64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    pub documents: u64,
    pub stocked_in_seconds: f64,
    /// From the start of the gateway until its console answers.
    pub started_in_seconds: f64,
    pub pages: Vec<Page>,
    /// Seconds by which the overview is behind, at the most that was seen.
    pub overview_behind_seconds: f64,
    pub intake_without_per_second: f64,
    pub intake_with_per_second: f64,
    /// The part of the intake that the console takes.
    pub console_cost: f64,
    /// Processor time of this process for each document, its sender's part included.
    pub cpu_ms_without: f64,
    pub cpu_ms_with: f64,
    /// As they were measured.
    pub turns: Vec<Turn>,
}

/// The intake, once.
#[derive(Debug, Clone, Serialize)]
pub struct Turn {
    pub console: bool,
    pub per_second: f64,
    pub cpu_ms: f64,
}

/// How long a page takes.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    pub page: &'static str,
    pub median_ms: f64,
}

/// Pages, each by what is asked.
const PAGES: &[(&str, &str)] = &[
    ("overview", "/overview"),
    ("overview, live part", "/overview/live"),
    ("search: newest", "/documents"),
    ("search: one word in many", "/documents?q=nhiem+vu"),
    ("search: words in some", "/documents?q=phong+chong+thien+tai"),
    ("search: words in few", "/documents?q=de+dieu"),
    ("search: number", "/documents?q=777777%2FTD-VP"),
    ("search: agency", "/documents?agency=H37.91"),
    ("search: agency and words", "/documents?agency=H37.91&q=truong+hoc"),
    ("search: nothing found", "/documents?q=khongcotunay"),
    ("stuck", "/stuck"),
    ("statistics", "/statistics"),
];

/// Measures.
///
/// # Errors
/// What went wrong: the store, the gateway, a page that is none.
pub async fn measure(stage: &Stage<'_>, plan: Plan, tell: Tell<'_>) -> anyhow::Result<Figures> {
    let folder = stage.folder.join("console");
    let with = configuration(stage, &folder, true)?;
    let without = configuration(stage, &folder, false)?;
    let begun = Instant::now();
    stock::fill(&with, plan.documents, &stage.clock, tell).await.context("the stock")?;
    let stocked = begun.elapsed();

    let begun = Instant::now();
    let gateway = Gateway::start(&with, &Hub::new(), Arc::clone(&stage.clock)).await?;
    let visitor = Visitor::sign_in(&gateway, stage).await?;
    let started = begun.elapsed();
    let (pages, behind) = look(&visitor, stage, tell).await?;
    gateway.stop().await;

    let (mut turns, numbers) = (Vec::new(), AtomicU64::new(10_000_000));
    for turn in 0..TURNS {
        let mut both = [&without, &with];
        both.rotate_left(turn % 2);
        for config in both {
            tell("tiếp nhận — intake", turn as u64, TURNS as u64);
            turns.push(intake(stage, config, plan.seconds, &numbers).await?);
        }
    }
    let mean = |console: bool, figure: fn(&Turn) -> f64| {
        turns.iter().filter(|turn| turn.console == console).map(figure).sum::<f64>() / TURNS as f64
    };
    let rate = |console| mean(console, |turn| turn.per_second);
    let cpu = |console| rounded(mean(console, |turn| turn.cpu_ms), 3);
    Ok(Figures {
        documents: plan.documents,
        stocked_in_seconds: rounded(stocked.as_secs_f64(), 1),
        started_in_seconds: rounded(started.as_secs_f64(), 1),
        pages,
        overview_behind_seconds: behind,
        intake_without_per_second: rounded(rate(false), 1),
        intake_with_per_second: rounded(rate(true), 1),
        console_cost: rounded(1.0 - rate(true) / rate(false), 3),
        cpu_ms_without: cpu(false),
        cpu_ms_with: cpu(true),
        turns,
    })
}

fn configuration(stage: &Stage<'_>, data: &Path, console: bool) -> anyhow::Result<Config> {
    let mut config = scene::configuration(stage.manifest, HOP, data, None)?;
    config.link.clear();
    config.console = console.then(scene::console);
    config.log.level = "warn".to_owned();
    Ok(config)
}

/// Asks for each page; gives the medians, and how far the overview was behind.
async fn look(visitor: &Visitor, stage: &Stage<'_>, tell: Tell<'_>) -> anyhow::Result<(Vec<Page>, f64)> {
    let (mut medians, mut behind) = (Vec::new(), 0_f64);
    // The board is made for the first time.
    while !visitor.get("/overview/live").await?.contains("<time ") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (nr, (name, path)) in PAGES.iter().enumerate() {
        tell("trang — pages", nr as u64, PAGES.len() as u64);
        let mut took = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            let begun = Instant::now();
            let page = visitor.get(path).await?;
            took.push(begun.elapsed());
            if *path == "/overview/live" {
                let at = page.rsplit("datetime=\"").next().and_then(|rest| rest.split('"').next());
                let at: jiff::Timestamp = at.context("the overview has a time")?.parse()?;
                let age = stage.clock.now().as_millis().saturating_sub(at.as_millisecond());
                behind = behind.max(age as f64 / 1000.0);
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        took.sort_unstable();
        let median = took.get(ASKED / 2).map_or(0.0, Duration::as_secs_f64);
        medians.push(Page { page: name, median_ms: rounded(median * 1000.0, 1) });
    }
    Ok((medians, rounded(behind, 2)))
}

/// Documents a second that a gateway accepts, and what each costs.
async fn intake(stage: &Stage<'_>, config: &Config, seconds: u64, numbers: &AtomicU64) -> anyhow::Result<Turn> {
    // No turn is charged with what the one before it left to do.
    stock::level(config).await?;
    let gateway = Gateway::start(config, &Hub::new(), Arc::clone(&stage.clock)).await?;
    let me = std::process::id();
    let (begun, first) = (cpu_seconds(me)?, numbers.load(Ordering::Relaxed));
    let over = AtomicBool::new(false);
    let looking = async {
        if gateway.console_address.is_none() {
            return anyhow::Ok(());
        }
        let visitor = Visitor::sign_in(&gateway, stage).await?;
        while !over.load(Ordering::Acquire) {
            visitor.get("/overview/live").await?;
            visitor.get("/documents?q=thien+tai").await?;
            tokio::time::sleep(LOOKS).await;
        }
        Ok(())
    };
    let handing = async {
        let rate = handed_in(stage, &gateway, seconds, numbers).await;
        over.store(true, Ordering::Release);
        rate
    };
    let (rate, ()) = tokio::try_join!(handing, looking)?;
    let (spent, handed_in) = (cpu_seconds(me)? - begun, numbers.load(Ordering::Relaxed) - first);
    gateway.stop().await;
    let cpu_ms = rounded(spent * 1000.0 / handed_in as f64, 3);
    Ok(Turn { console: config.console.is_some(), per_second: rounded(rate, 1), cpu_ms })
}

async fn handed_in(stage: &Stage<'_>, gateway: &Gateway, seconds: u64, numbers: &AtomicU64) -> anyhow::Result<f64> {
    let clock = Arc::clone(&stage.clock);
    let sender = scene::agency(stage.manifest, SENDER, gateway.address, CLIENTS, clock)?;
    let files = stage.manifest.agency(SENDER).context("the example PKI has no sender")?;
    let signer = load_signer(&files.sign_key, &files.sign_chain)?;
    let date = stage.clock.now().in_vietnam().date();
    let begun = Instant::now();
    let (from, until) = (begun + WARM_UP, begun + WARM_UP + Duration::from_secs(seconds));
    let counted = AtomicU64::new(0);
    let caller = async || -> anyhow::Result<()> {
        loop {
            let number = u32::try_from(numbers.fetch_add(1, Ordering::Relaxed))?;
            let packet = signed_letter(&signer, number, date, 3_000, "H37.91")?;
            sender.client.submit(&Packet::Bytes(packet.into()), None).await?;
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            if now >= from {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    try_join_all((0..CLIENTS).map(|_| caller())).await?;
    let counted = counted.load(Ordering::Relaxed);
    ensure!(counted > 0, "no document came through: measure longer");
    Ok(counted as f64 / seconds as f64)
}

/// Somebody who is signed in.
struct Visitor {
    at: SocketAddr,
    cookie: String,
}

impl Visitor {
    async fn sign_in(gateway: &Gateway, stage: &Stage<'_>) -> anyhow::Result<Self> {
        let desk = gateway.desk.as_ref().context("the gateway has no console")?;
        let at = gateway.console_address.context("the gateway has no console")?;
        let password = random_text::<12>().context("no random bytes")?;
        let stored = hashed(&password).context("no hash")?;
        let by = Actor::alone("bench");
        if desk.store.account(ACCOUNT).await?.is_none() {
            let new = NewAccount {
                name: ACCOUNT.to_owned(),
                full_name: "Đo lường (thí dụ)".to_owned(),
                role: Role::Operator,
                agency: None,
                password: stored.clone(),
                created_at: stage.clock.now(),
            };
            let effects = vec![Effect::AddAccount(Box::new(new))];
            desk.record(&by, (Kind::AddAccount, ACCOUNT), None, Vec::new(), effects).await?;
        }
        let known = desk.store.account(ACCOUNT).await?.context("the account")?;
        let change = Change { password: Some((stored, false)), ..Change::default() };
        let effects = vec![Effect::ChangeAccount(known.id, Box::new(change))];
        desk.record(&by, (Kind::Password, ACCOUNT), None, Vec::new(), effects).await?;
        let mut visitor = Self { at, cookie: String::new() };
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("name", ACCOUNT), ("password", &password), ("number", "")])
            .finish();
        let answer = visitor.ask(Method::POST, "/sign-in", form).await?;
        let cookie = answer.headers().get(SET_COOKIE).context("nobody was signed in")?;
        visitor.cookie = cookie.to_str()?.split(';').next().unwrap_or_default().to_owned();
        Ok(visitor)
    }

    async fn ask(&self, method: Method, path: &str, form: String) -> anyhow::Result<Response<Bytes>> {
        let stream = TcpStream::connect(self.at).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let task = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.at.to_string())
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        drop(sender);
        task.abort();
        Ok(Response::from_parts(head, body))
    }

    /// A page, which must be one.
    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.ask(Method::GET, path, String::new()).await?;
        let to = answer.headers().get(LOCATION);
        ensure!(answer.status().is_success(), "{path} answers {} {to:?}", answer.status());
        Ok(String::from_utf8(answer.into_body().into())?)
    }
}
