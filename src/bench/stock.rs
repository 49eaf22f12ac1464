//! A store with many documents, as a gateway leaves it after a year or two: every row and every receipt is a real one, signed by
//! the hop's key and entered in the ledger. Only the judging of packets is left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};

use lienthong_contract::{AgencyCode, Clock, ConsignmentId, Digest, DocId, HopName, Instant};

use super::Tell;
use crate::books::kept;
use crate::config::Config;
use crate::logkeeper::outside;
use crate::receipts::{ConsignedTo, Event, Receipt, Sealed, seal};
use crate::scene::SENDER;
use crate::statutory::Signed;
use crate::store::statements::StatementStore;
use crate::store::{
    Held, NewConsignment, NewPacket, PacketKind, Route, SearchStore, SqliteStore, StatisticsStore, Store, WatchStore,
};
use crate::trust::HopKey;

/// Documents that are stored at once: they share a synchronisation of the disk.
const AT_ONCE: usize = 2048;
/// Over so many days they are spread.
const DAYS: i64 = 365;
const DAY: i64 = 86_400_000;
/// One in so many waits in its mailbox; the others were handed over.
const WAITS: u64 = 200;
/// Whom they are for.
const RECIPIENTS: [&str; 3] = ["H37.91", "H37.90.05", "H37"];
/// What they are about: these words in turn, so that a search finds many, some or few.
const ABOUT: [&str; 8] = [
    "Về việc báo cáo tình hình thực hiện nhiệm vụ phát triển kinh tế - xã hội",
    "Về việc triển khai Nghị quyết của Hội đồng nhân dân tỉnh (thí dụ)",
    "Về việc góp ý dự thảo kế hoạch chuyển đổi số",
    "Giấy mời họp giao ban công tác cải cách hành chính",
    "Về việc phòng, chống thiên tai và tìm kiếm cứu nạn",
    "Về việc kiểm tra an toàn thực phẩm dịp Tết Nguyên đán",
    "Về việc cấp kinh phí sửa chữa trường học",
    "Về việc phúc đáp công văn của Sở Thí dụ",
];
/// In one document of a thousand.
pub const RARE: &str = "đê điều";

/// Fills the store of this configuration, and lets everything follow that follows documents.
///
/// # Errors
/// The store's, the key's.
pub async fn fill(config: &Config, documents: u64, clock: &Arc<dyn Clock>, tell: Tell<'_>) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.hop.data)?;
    let hop = config.hop.name.clone();
    let (store, _) = outside::open(&config.hop.data.join("store.db"), &hop, &config.ledger_files())?;
    let (store, key) = (Arc::new(store), HopKey::load(&config.hop.key, &config.hop.certificate)?);
    let first = clock.now().plus_millis(-DAYS * DAY);
    let done = AtomicU64::new(0);
    let one = async |number: u64| -> anyhow::Result<()> {
        let at = first.plus_millis(i64::try_from(number)? * DAYS * DAY / i64::try_from(documents.max(1))?);
        let made = Made::new(&hop, &key, number, at)?;
        store.accept(made.packet, made.submission, vec![made.consignment]).await?;
        if let Some((id, receipt)) = made.handed_over {
            store.acknowledge(id, receipt).await?;
        }
        tell("kho — stock", done.fetch_add(1, Ordering::Relaxed), documents);
        Ok(())
    };
    stream::iter(0..documents).map(one).buffered(AT_ONCE).try_collect::<Vec<()>>().await?;
    tell("sổ, thống kê, tìm kiếm — books, statistics, search", documents, documents);
    follow(config, &store, &hop).await
}

/// Lets everything follow what was handed in since.
///
/// # Errors
/// The store's.
pub async fn level(config: &Config) -> anyhow::Result<()> {
    let (store, _) = outside::open(&config.hop.data.join("store.db"), &config.hop.name, &config.ledger_files())?;
    follow(config, &Arc::new(store), &config.hop.name).await
}

/// What a gateway does in the background.
async fn follow(config: &Config, store: &Arc<SqliteStore>, hop: &HopName) -> anyhow::Result<()> {
    kept::catch_up(store.as_ref(), hop).await?;
    while store.index(4096).await? {}
    while store.find_failures(4096).await? {}
    while store.list_crossings(4096).await? {}
    let (terms, figures) = (Arc::new(config.statutory.terms()?), store.as_ref() as &dyn StatisticsStore);
    // Nobody hands in anything meanwhile: no pauses.
    while figures.fold(Arc::clone(&terms), 4096).await? {}
    Ok(())
}

/// One document with its receipts.
struct Made {
    packet: NewPacket,
    submission: Sealed,
    consignment: NewConsignment,
    handed_over: Option<(ConsignmentId, Sealed)>,
}

impl Made {
    fn new(hop: &HopName, key: &HopKey, number: u64, at: Instant) -> anyhow::Result<Self> {
        let turn = |of: usize| usize::try_from(number).unwrap_or(0) % of;
        let code = |text: &str| text.parse::<AgencyCode>().map_err(|error| anyhow::anyhow!("{error}"));
        let recipient = code(RECIPIENTS.get(turn(RECIPIENTS.len())).context("a recipient")?)?;
        let about = ABOUT.get(turn(ABOUT.len())).context("a subject")?;
        let rare = if number.is_multiple_of(1000) { format!(", {RARE}") } else { String::new() };
        let (sender, bytes) = (code(SENDER)?, format!("{number} {about}").into_bytes());
        let day = at.in_vietnam().date();
        let packet = NewPacket {
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
            doc_id: DocId::fresh(),
            kind: PacketKind::Document,
            document_id: Some(format!("{SENDER},{},{number}/TD-VP", day.strftime("%Y/%m/%d"))),
            business_type: 0,
            sender: sender.clone(),
            subject: Some(format!("{about}{rare} (số {number})")),
            code: Some(format!("{number}/TD-VP")),
            urgency: u8::from(turn(50) == 0),
            signed: Some(Signed::On(day)),
            received_at: at,
            previous_hop: None,
            status: None,
            acts: Vec::new(),
            gives_back: Vec::new(),
            entered: None,
            together: None,
            held: Held::Inline(bytes.into()),
        };
        let entry = ConsignedTo { consignment: ConsignmentId::fresh(), recipient: recipient.clone() };
        let submission = Receipt {
            v: 1,
            event: Event::SubmissionAcceptance,
            hop: hop.clone(),
            time: at,
            doc_id: packet.doc_id,
            packet: packet.digest,
            size: packet.size,
            from: sender,
            document_id: packet.document_id.clone(),
            consignment: None,
            recipient: None,
            consignments: vec![entry.clone()],
            previous: None,
            credential: None,
            checks: None,
            reason: None,
            outside: None,
        };
        let submission = seal(submission, key)?;
        let after = |before: &Sealed, event: Event, time: Instant| {
            let receipt = Receipt {
                event,
                time,
                consignment: Some(entry.consignment),
                recipient: Some(recipient.clone()),
                consignments: Vec::new(),
                previous: Some(before.digest),
                ..Receipt::clone(&submission.receipt)
            };
            seal(receipt, key)
        };
        let consigned = after(&submission, Event::ContentConsignment, at)?;
        // Most within the day, some too late.
        let taken = at.plus_millis(i64::try_from(number % 40).unwrap_or(0) * 3_600_000);
        let handed_over = match number.is_multiple_of(WAITS) {
            true => None,
            false => Some((entry.consignment, after(&consigned, Event::ContentHandover, taken)?)),
        };
        let consignment = NewConsignment {
            id: entry.consignment,
            recipient: entry.recipient.clone(),
            route: Route::Mailbox,
            receipts: vec![consigned],
            due: Some(at.plus_millis(2 * DAYS * DAY)),
        };
        Ok(Self { packet, submission, consignment, handed_over })
    }
}
