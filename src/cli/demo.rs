//! `lienthong demo`: the whole scene on one machine.
//!
//! Three gateways run in this process: a province, the nation, another province. A department signs a document and
//! hands it in; it is delivered to a department of the same province, to a ministry at the nation and to a department
//! of the other province; each fetches it and takes it over; the receipts of every hop are printed and verified.

mod broker;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use lienthong_contract::door::{Acknowledgement, ConsignmentState, Submission, Trace};
use lienthong_contract::{Clock, Digest, DocId};

use super::show::say;
use super::{Outcome, Verdict, beside, log, runtime, show};
use crate::acts::{Actor, Kind};
use crate::bundle::Bundle;
use crate::clock::SystemClock;
use crate::console::access::{hashed, random_text};
use crate::edxml::model::Urgency;
use crate::gateway::Gateway;
use crate::link::inprocess::Hub;
use crate::pki::{self, Manifest};
use crate::receipts::{HopKeys, Sealed, chain, open, verify_chain};
use crate::scene::{self, Agency, BrokerAt, HOPS, Letter, RECIPIENTS, SENDER, trial};
use crate::store::console::{Change, Effect, NewAccount, Role};
use crate::trust::TrustStore;
use crate::trust::hops::{HopTrust, Pins};

/// How long a document may take from hand-in to the last receipt. A demo that hangs is a failed one.
const DEADLINE: Duration = Duration::from_secs(120);
/// For whom a document is left waiting when the gateways stay up: an agency at the second gateway.
const MINISTRY: &str = "G09.90";
/// Higher than any number of [`trial`]'s letters.
const ABOVE_THE_LETTERS: u32 = 10_000_000;
/// Whose console is open when the gateways stay up, and the account that it has.
const CONSOLE_AT: &str = "province-a";
const ACCOUNT: &str = "quantri";
/// Documents on their way at once.
const AT_ONCE: usize = 8;
/// How long the proof of a document may take: the logs of three gateways, cosigned after the last receipt.
const WITNESSED_WITHIN: Duration = Duration::from_secs(60);
/// How often it is asked for meanwhile.
const PROOF_EVERY: Duration = Duration::from_millis(500);
/// How often a mailbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Plays the whole scene: three gateways, a signed document, every receipt verified.
#[derive(Debug, Args)]
pub struct Demo {
    /// Stop when the scene is over; otherwise the gateways stay up.
    #[arg(long)]
    exit: bool,
    /// How many documents to send.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    documents: u32,
    /// Link the gateways over this RabbitMQ instead of inside the process.
    #[arg(long, value_name = "URL")]
    amqp: Option<String>,
    /// Leave the bundle of one document that crossed all hops in this file, and the root that verifies it in the
    /// folder `FILE.trust` beside it.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Keep keys and stores in this folder instead of a temporary one.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    documents: u32,
    delivered: u32,
    receipts: usize,
    receipts_verified: usize,
    hops: Vec<String>,
    /// The bundle, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<PathBuf>,
}

/// The world of one run.
struct World {
    manifest: Manifest,
    gateways: Vec<Gateway>,
    sender: Agency,
    recipients: Vec<Agency>,
    keys: HopTrust,
    clock: Arc<dyn Clock>,
}

impl Demo {
    pub fn run(self) -> Outcome {
        log("warn", false);
        let temporary = tempfile::tempdir().context("no temporary folder")?;
        let folder = self.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
        runtime()?.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let manifest = self.keys(&folder, clock.as_ref())?;
            if let Some(url) = &self.amqp {
                broker::answers(&manifest, url).await?;
            }
            let world = self.open_world(manifest, &folder, clock).await?;
            let report = self.play(&world).await;
            let report = match report {
                Ok(report) => report,
                Err(error) => {
                    for gateway in world.gateways {
                        gateway.stop().await;
                    }
                    return Err(error);
                }
            };
            let whole = report.delivered == self.documents && report.receipts_verified == report.receipts;
            if self.json {
                say!("{}", serde_json::to_string(&report)?);
            } else {
                summary(&report, whole);
                if let Some(file) = &report.proof {
                    let (file, trust) = (show::for_shell(file), show::for_shell(&beside(file)));
                    say!("Tệp chứng minh — the proof: {} verify {file} --trust {trust}", show::this_program());
                }
                if whole && self.exit {
                    say!("Xem tiếp — look next: {} demo (không có --exit — without --exit)", show::this_program());
                    say!("  README.vi.md, README.md, docs/architecture.md");
                }
            }
            if !self.exit && whole {
                self.stay(&world, &folder).await?;
            }
            for gateway in world.gateways {
                gateway.stop().await;
            }
            Ok(if whole { Verdict::Yes } else { Verdict::No })
        })
    }

    fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            say!("{}", line.as_ref());
        }
    }

    fn keys(&self, folder: &Path, clock: &dyn Clock) -> anyhow::Result<Manifest> {
        let out = folder.join("certs");
        if let Ok(manifest) = Manifest::load(&out) {
            return Ok(manifest);
        }
        self.say("Tạo khóa và chứng thư thí dụ — making example keys and certificates …");
        Ok(pki::generate(&out, &pki::Options::default(), clock.now(), &mut |_| {})?)
    }

    async fn open_world(&self, manifest: Manifest, folder: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<World> {
        let hub = Hub::new();
        let broker = self.amqp.as_ref().map(|url| BrokerAt { url: url.clone(), tls: url.starts_with("amqps:") });
        let mut gateways = Vec::new();
        for hop in HOPS {
            let mut config = scene::configuration(&manifest, hop, &folder.join(hop), broker.as_ref())?;
            if hop == CONSOLE_AT && !self.exit {
                config.console = Some(scene::console());
            }
            gateways.push(Gateway::start(&config, &hub, Arc::clone(&clock)).await?);
        }
        for gateway in &gateways {
            gateway.connected(Duration::from_secs(30)).await.context(
                "mất kết nối với RabbitMQ khi đang khởi động các trục — the broker was lost while the gateways started",
            )?;
            self.say(format!("  {:<11} https://{}", gateway.hop.as_str(), gateway.address));
        }
        let at = |hop: &str| -> anyhow::Result<SocketAddr> {
            let gateway = gateways.iter().find(|gateway| gateway.hop.as_str() == hop);
            Ok(gateway.with_context(|| format!("no gateway {hop}"))?.address)
        };
        let sender = scene::agency(&manifest, SENDER, at("province-a")?, AT_ONCE, Arc::clone(&clock))?;
        let recipients = RECIPIENTS
            .iter()
            .map(|(code, hop)| Ok(scene::agency(&manifest, code, at(hop)?, AT_ONCE, Arc::clone(&clock))?))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let ca = manifest.ca();
        let store =
            TrustStore::from_pem_files(std::slice::from_ref(&ca.root), std::slice::from_ref(&ca.sub), &ca.crls())?;
        let keys = HopTrust::new(Arc::new(store), Pins::default());
        Ok(World { manifest, gateways, sender, recipients, keys, clock })
    }

    async fn play(&self, world: &World) -> anyhow::Result<Report> {
        let bar = if self.json || self.documents < 2 {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} văn bản ({per_sec}, còn {eta})")?;
            ProgressBar::new(u64::from(self.documents)).with_style(style)
        };
        let before = self.numbers_before(world.clock.as_ref());
        let numbers = stream::iter((1..=self.documents).map(|number| before.saturating_add(number)));
        // Every document is one attempt from hand-in to the last receipt.
        let outcomes: Vec<(Submission, Trace)> = numbers
            .map(|number| {
                let bar = &bar;
                async move {
                    let done = tokio::time::timeout(DEADLINE, deliver(world, number)).await;
                    bar.inc(1);
                    done.with_context(|| format!("document {number} was not delivered within {DEADLINE:?}"))?
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        bar.finish_and_clear();
        let mut report = Report { documents: self.documents, ..Report::default() };
        let mut hops = BTreeSet::new();
        for (index, (submission, trace)) in outcomes.iter().enumerate() {
            let shown = !self.json && index == 0;
            if shown {
                say!("\nVăn bản — document: docId {} ({} byte, {})", submission.doc_id, trace.size, trace.digest);
            }
            let mut delivered = true;
            for consignment in &trace.consignments {
                delivered &= consignment.state == ConsignmentState::HandedOver;
                if shown {
                    say!("  → {}", consignment.recipient);
                }
                let verified = verified(world, trace, consignment)?;
                for (sealed, problem) in &verified {
                    hops.insert(sealed.receipt.hop.to_string());
                    if shown {
                        let mark = problem.as_deref().map_or("✓".to_owned(), |problem| format!("✗ {problem}"));
                        let (time, event, hop) = (sealed.receipt.time, sealed.receipt.event, &sealed.receipt.hop);
                        say!("      {mark} {time}  {:<22} {hop}", event.as_str());
                    }
                }
                report.receipts += verified.len();
                report.receipts_verified += verified.iter().filter(|(_, problem)| problem.is_none()).count();
            }
            report.delivered += u32::from(delivered);
        }
        report.hops = hops.into_iter().collect();
        if let (Some(file), Some((submission, _))) = (&self.proof, outcomes.first()) {
            leave_proof(world, submission.doc_id, file).await?;
            report.proof = Some(file.clone());
        }
        Ok(report)
    }

    /// In a folder that is kept, an earlier run of the day may have sent the first numbers: a document of the same name
    /// would be that one again, and come to no mailbox. No document takes less than a millisecond.
    fn numbers_before(&self, clock: &dyn Clock) -> u32 {
        if self.folder.is_none() {
            return 0;
        }
        let time = clock.now().in_vietnam().time();
        let seconds = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second());
        let of_the_day = u32::try_from(seconds * 1000 + i32::from(time.millisecond())).unwrap_or_default();
        ABOVE_THE_LETTERS + of_the_day
    }

    async fn stay(&self, world: &World, folder: &Path) -> anyhow::Result<()> {
        let letter = folder.join(trial::LETTER);
        trial::write_letter(&letter, &[trial::NEIGHBOUR], world.clock.now())?;
        let waiting = tokio::time::timeout(DEADLINE, leave_waiting(world)).await.context("nothing came to wait")??;
        let password = account(world).await?;
        if !self.json {
            self.invite(world, folder, &letter, waiting);
            if let (Some(at), Some(password)) = (world.gateways.iter().find_map(|one| one.console_address), password) {
                say!("Trang điều hành — the console: http://{at}/ · {ACCOUNT} · {password}");
            }
        }
        tokio::signal::ctrl_c().await?;
        Ok(())
    }

    /// Commands to copy: each works while the gateways stay up.
    fn invite(&self, world: &World, folder: &Path, letter: &Path, waiting: DocId) {
        let [Some(sender), Some(ministry)] = [world.gateways.first(), world.gateways.get(1)] else { return };
        let program = show::this_program();
        let certs = show::for_shell(world.manifest.root());
        let call = |gateway: &Gateway, agency: &str| {
            format!("--gateway https://localhost:{} --as {agency} --certs {certs}", gateway.address.port())
        };
        let (as_sender, as_ministry) = (call(sender, SENDER), call(ministry, MINISTRY));
        let (letter, way) = (show::for_shell(letter), show::for_shell(&folder.join("trace.json")));
        say!("\nCác trục vẫn chạy — the gateways stay up. Dữ liệu — data: {}", folder.display());
        say!("Một văn bản đang chờ {MINISTRY} — a document waits for {MINISTRY}: docId {waiting}");
        say!("  {program} inbox {as_ministry}");
        say!("  {program} fetch {waiting} {as_ministry}");
        say!("  {program} ack {waiting} {as_ministry}");
        say!("Đường đi và biên nhận — its way and its receipts:");
        say!("  {program} trace {waiting} -o {way} {as_sender}");
        say!("  {program} verify {way} --certs {certs}");
        say!("Gửi một văn bản cho {0} cùng tỉnh — send one to {0} of the same province:", trial::NEIGHBOUR);
        say!("  {program} send {letter} {as_sender}");
        say!("  {program} inbox {}", call(sender, trial::NEIGHBOUR));
        if self.folder.is_some() {
            say!("Ctrl-C để dừng; dữ liệu được giữ lại — stops it; the data stays.");
        } else {
            say!("Ctrl-C để dừng; thư mục dữ liệu bị xoá — stops it and removes the data (--folder DIR keeps it).");
        }
    }
}

/// Makes the console's account, unless an earlier run did; gives its password.
async fn account(world: &World) -> anyhow::Result<Option<String>> {
    let Some(desk) = world.gateways.iter().find_map(|gateway| gateway.desk.as_ref()) else { return Ok(None) };
    let password = random_text::<12>().context("no random bytes")?;
    let stored = hashed(&password).context("no hash")?;
    if desk.store.account(ACCOUNT).await?.is_none() {
        let new = NewAccount {
            name: ACCOUNT.to_owned(),
            full_name: "Quản trị thí dụ".to_owned(),
            role: Role::Administrator,
            agency: None,
            password: stored.clone(),
            created_at: world.clock.now(),
        };
        let on = (Kind::AddAccount, ACCOUNT);
        desk.record(&Actor::alone("demo"), on, None, Vec::new(), vec![Effect::AddAccount(Box::new(new))]).await?;
    }
    let Some(known) = desk.store.account(ACCOUNT).await? else { return Ok(None) };
    let change = Change { password: Some((stored, false)), ..Change::default() };
    let effects = vec![Effect::ChangeAccount(known.id, Box::new(change))];
    desk.record(&Actor::alone("demo"), (Kind::Password, ACCOUNT), None, Vec::new(), effects).await?;
    Ok(Some(password))
}

/// Hands in a letter that nobody fetches, and gives its docId once it lies in the mailbox.
async fn leave_waiting(world: &World) -> anyhow::Result<DocId> {
    let packet = world.sender.sign(&trial::letter_packet(trial::Use::Waiting, &[MINISTRY], world.clock.now())?)?;
    let submission = world.sender.client.submit(&crate::client::Packet::Bytes(packet.into()), None).await?;
    loop {
        let trace = world.sender.client.trace(submission.doc_id).await?;
        if trace.consignments.iter().all(|consignment| consignment.state == ConsignmentState::Consigned) {
            return Ok(submission.doc_id);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The bundle once every receipt in it stands in the log of its gateway, and others have cosigned that. The sender's
/// gateway asks for those proofs when it is asked, and has them a moment later.
async fn witnessed(world: &World, doc_id: DocId) -> anyhow::Result<bytes::Bytes> {
    loop {
        let file = world.sender.client.proof(doc_id).await?;
        let bundle = Bundle::read(&file).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let logged = bundle.receipts.iter().all(|receipt| receipt.entry.is_some());
        let cosigned = bundle.logs.iter().flat_map(|log| &log.checkpoints).all(|note| note.matches("\n— ").count() > 1);
        if logged && cosigned {
            return Ok(file);
        }
        tokio::time::sleep(PROOF_EVERY).await;
    }
}

/// Asks the sender's gateway for the bundle, and puts the root that it rests on beside it: the example keys go when the
/// demo ends.
async fn leave_proof(world: &World, doc_id: DocId, file: &Path) -> anyhow::Result<()> {
    let bundle = tokio::time::timeout(WITNESSED_WITHIN, witnessed(world, doc_id)).await;
    let bundle = bundle.context("the proofs of the other gateways' logs did not come")??;
    let shown = || file.display().to_string();
    std::fs::write(file, &bundle).with_context(shown)?;
    let trust = beside(file);
    std::fs::create_dir_all(&trust).with_context(shown)?;
    std::fs::copy(world.manifest.ca().root, trust.join("root.pem")).with_context(shown)?;
    Ok(())
}

/// One document from hand-in to the last receipt.
async fn deliver(world: &World, number: u32) -> anyhow::Result<(Submission, Trace)> {
    let codes: Vec<&str> = RECIPIENTS.iter().map(|(code, _)| *code).collect();
    let date = world.clock.now().in_vietnam().date();
    let letter = Letter {
        from: SENDER,
        to: &codes,
        number,
        date,
        subject: "Về việc liên thông văn bản điện tử (thí dụ)",
        urgency: Urgency::Normal,
        attachment: &scene::example_pdf(6 * 1024),
    };
    let packet = world.sender.sign(&letter.packet()?)?;
    let digest = Digest::of(&packet);
    let submission = world.sender.client.submit(&crate::client::Packet::Bytes(packet.into()), None).await?;
    ensure!(submission.digest == digest, "the gateway accepted other bytes than were sent");
    for recipient in &world.recipients {
        collect(recipient, submission.doc_id, digest).await?;
    }
    loop {
        let trace = world.sender.client.trace(submission.doc_id).await?;
        if trace.consignments.iter().all(|consignment| consignment.state.is_terminal()) {
            return Ok((submission, trace));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits for the document in the recipient's mailbox, fetches it, compares its bytes, takes it over.
async fn collect(recipient: &Agency, doc_id: DocId, digest: Digest) -> anyhow::Result<()> {
    loop {
        let mut after = None;
        loop {
            let page = recipient.client.inbox(None, after.as_deref(), None).await?;
            if let Some(item) = page.items.iter().find(|item| item.doc_id == doc_id) {
                let fetched = recipient.client.content(item.id, &mut tokio::io::sink()).await?;
                ensure!(fetched.digest == digest, "{} got other bytes than were sent", item.recipient);
                recipient.client.acknowledge(item.id, &Acknowledgement::Accept).await?;
                return Ok(());
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Opens every receipt of a consignment; a fault of the chain is laid at its last one.
fn verified(
    world: &World,
    trace: &Trace,
    consignment: &lienthong_contract::door::ConsignmentTrace,
) -> anyhow::Result<Vec<(Sealed, Option<String>)>> {
    let keys: &dyn HopKeys = &world.keys;
    let mut verified = Vec::new();
    for view in trace.chain(consignment) {
        match open(&view.jws, keys) {
            Ok(sealed) => verified.push((sealed, None)),
            Err(error) => {
                let Ok(sealed) = crate::receipts::jws::read_unverified(&view.jws) else { bail!("unreadable receipt") };
                verified.push((sealed, Some(error.to_string())));
            }
        }
    }
    let links = chain::order(verified.iter().map(|(sealed, _)| sealed.clone()).collect());
    if let Err(fault) = verify_chain(&links, trace.digest, consignment.id)
        && let Some((_, problem)) = verified.last_mut()
    {
        problem.get_or_insert(fault.to_string());
    }
    Ok(verified)
}

fn summary(report: &Report, whole: bool) {
    say!(
        "\n{} văn bản, {} đã giao; {} biên nhận, {} hợp lệ; qua {}",
        report.documents,
        report.delivered,
        report.receipts,
        report.receipts_verified,
        report.hops.join(", ")
    );
    say!(
        "{} documents, {} delivered; {} receipts, {} verified; hops: {}",
        report.documents,
        report.delivered,
        report.receipts,
        report.receipts_verified,
        report.hops.join(", ")
    );
    if !whole {
        say!("KHÔNG ĐẠT — not everything was delivered and verified.");
    }
}
