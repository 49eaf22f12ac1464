//! From what was seen in the running rooms to the alarms of now. Pure.

use lienthong_contract::{AgencyCode, HopName, Instant, Text};

use super::{Alarm, Kind, Severity, Told};
use crate::certificates::{InUse, State, Use};
use crate::delivery::DestinationState;
use crate::store::queues::Waiting;
use crate::stuck::{Cause, LinkTrouble};

/// A destination as it was seen.
#[derive(Debug, Clone)]
pub struct Destination {
    pub name: HopName,
    pub state: DestinationState,
    pub link: Option<LinkTrouble>,
    /// Since when its broker has been away.
    pub away_since: Option<Instant>,
    pub normal: Waiting,
    pub urgent: Waiting,
}

/// Room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub free: u64,
    pub total: u64,
}

/// What was seen. What could not be looked at is empty, and says nothing.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Parts of readiness: name, whether it works, what is wrong.
    pub parts: Vec<(String, bool, String)>,
    pub destinations: Vec<Destination>,
    /// Differences in the books; nothing until they were drawn up, or while they balance.
    pub differences: Option<u64>,
    pub ledger_alarms: u64,
    /// Why the directory's file is not taken.
    pub directory: Option<Text>,
    /// Mailboxes with documents older than the hours that count.
    pub not_taken: Vec<(AgencyCode, Waiting)>,
    /// Documents that failed and were not seen to, by cause.
    pub failed: Vec<(Cause, Waiting)>,
    /// Packets with secrecy marks that were refused of late: docId and number are not known of them, so only how many.
    pub secrets: Waiting,
    pub room: Option<Room>,
    pub certificates: Vec<InUse>,
    /// Milliseconds by which the clock differs, as far as that is seen here; positive: it is behind.
    pub clock_behind: Option<i64>,
    /// Whose last test document is overdue or did not arrive, and since when.
    pub canaries: Vec<(AgencyCode, Instant)>,
    /// What is looked for outside: the outlet, what, since when and why it cannot be looked at.
    pub unseen: Vec<(HopName, String, Instant, String)>,
    /// Packets that lie outside and are not taken: the outlet, what was looked for, how many, since when.
    pub aside: Vec<(HopName, String, usize, Instant)>,
    /// What brokers set aside: the broker, how many messages.
    pub set_aside: Vec<(String, u32)>,
    /// Where notices cannot be sent to, since when and why.
    pub untold: Vec<(String, Instant, String)>,
}

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Milliseconds that a destination may be in trouble.
    pub down: i64,
    /// Milliseconds that an urgent document may wait.
    pub urgent: i64,
    /// Working hours that a document may lie in a mailbox; told in the text.
    pub not_taken_hours: u32,
    /// Percent of a disk that may be free at the least, and bytes.
    pub free_percent: u64,
    pub free_bytes: u64,
    /// Milliseconds by which clocks may differ.
    pub clock: i64,
    /// Days before its end at which a certificate becomes a serious matter.
    pub serious_days: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            down: 5 * 60_000,
            urgent: 15 * 60_000,
            not_taken_hours: 8,
            free_percent: 10,
            free_bytes: 5 << 30,
            clock: 60_000,
            serious_days: 7,
        }
    }
}

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    PART "Phần {} của trục không chạy: {}." / "Part {} of the gateway does not work: {}."
    BOOKS "Sổ lệch {} văn bản." / "The books differ by {} documents."
    LEDGER "Có {} báo động về nhật ký biên nhận." / "There are {} alarms about logs of receipts."
    SECRET "Trong 24 giờ qua có {} gói tin mang dấu chỉ độ mật bị từ chối." / "In the last 24 hours {} packets with a secrecy mark were refused."
    DISK "Đĩa dữ liệu còn {} % trống ({} GiB)." / "The disk of the data folder has {} % free ({} GiB)."
    URGENT "{} văn bản khẩn đang chờ tuyến {}." / "{} urgent documents wait for {}."
    DOWN "Tuyến {}: {}; {} văn bản đang chờ." / "Destination {}: {}; {} documents wait."
    EXPIRED "{} ({}) đã hết hạn ngày {}." / "{} ({}) expired on {}."
    EXPIRING "{} ({}) còn {} ngày, hết hạn ngày {}." / "{} ({}) has {} days left, until {}."
    FOLLOWED "{} ({}) còn {} ngày, hết hạn ngày {}; đã có chứng thư kế tiếp." / "{} ({}) has {} days left, until {}; its successor is there."
    CRL "Danh sách thu hồi của {} quá hạn từ ngày {}." / "The revocation list of {} was due on {}."
    CRL_BAD "Không đọc được danh sách thu hồi {}: {}." / "The revocation list {} cannot be read: {}."
    CLOCK "Đồng hồ lệch khoảng {} giây." / "The clock is off by about {} seconds."
    FAILED "{}: {} văn bản." / "{}: {} documents."
    NOT_TAKEN "Cơ quan {} có {} văn bản chưa lấy quá {} giờ làm việc." / "Agency {} has {} documents that it did not collect within {} working hours."
    DIRECTORY "Danh mục: {}." / "The directory: {}."
    CANARY "Văn bản thử tới {} chưa có biên nhận." / "The test document to {} has no receipt yet."
    UNSEEN "Hệ thống {}, {}: {}." / "System {}, {}: {}."
    ASIDE "Hệ thống {}, {}: {} gói tin chưa nhận được." / "System {}, {}: {} packets are not taken."
    SET_ASIDE "Máy chủ AMQP {}: {} thông điệp để riêng." / "Broker {}: {} messages are set aside."
    UNTOLD "Không gửi được tới {}: {}." / "Cannot send to {}: {}."
}

/// The alarms of now; those without a time of their own are since now. Not in order yet.
#[must_use]
pub fn judge(facts: &Facts, limits: &Limits, now: Instant) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    parts(facts, now, &mut alarms);
    for destination in &facts.destinations {
        of_destination(destination, limits, now, &mut alarms);
    }
    of_certificates(facts, limits, now, &mut alarms);
    for (cause, waiting) in facts.failed.iter().filter(|(_, waiting)| waiting.count > 0) {
        let (title, count) = (cause.title(), waiting.count.to_string());
        let what =
            Told { vi: Told::new(FAILED, &[title.vi, &count]).vi, en: Told::new(FAILED, &[title.en, &count]).en };
        let since = waiting.oldest.unwrap_or(now);
        alarms.push(Alarm::new(Kind::FailedAtDeadline, cause.as_str(), since, what).counting(waiting.count));
    }
    for (agency, waiting) in facts.not_taken.iter().filter(|(_, waiting)| waiting.count > 0) {
        let values = [agency.as_str(), &waiting.count.to_string(), &limits.not_taken_hours.to_string()];
        let alarm =
            Alarm::new(Kind::NotTaken, agency.as_str(), waiting.oldest.unwrap_or(now), Told::new(NOT_TAKEN, &values));
        alarms.push(alarm.counting(waiting.count));
    }
    for (agency, since) in &facts.canaries {
        alarms.push(Alarm::new(Kind::CanaryMissing, agency.as_str(), *since, Told::new(CANARY, &[agency.as_str()])));
    }
    for (outlet, what, since, error) in &facts.unseen {
        if now.as_millis().saturating_sub(since.as_millis()) >= limits.down {
            let told = Told::new(UNSEEN, &[outlet.as_str(), what, error]);
            alarms.push(Alarm::new(Kind::ArrivalsStopped, format!("{outlet}: {what}"), *since, told));
        }
    }
    for (outlet, what, count, since) in &facts.aside {
        let told = Told::new(ASIDE, &[outlet.as_str(), what, &count.to_string()]);
        let alarm = Alarm::new(Kind::ArrivalsAside, format!("{outlet}: {what}"), *since, told);
        alarms.push(alarm.counting(*count as u64));
    }
    for (broker, count) in &facts.set_aside {
        let told = Told::new(SET_ASIDE, &[broker, &count.to_string()]);
        alarms.push(Alarm::new(Kind::SetAside, broker, now, told).counting(u64::from(*count)));
    }
    for (recipient, since, error) in &facts.untold {
        let what = Told::new(UNTOLD, &[recipient, error]);
        alarms.push(Alarm::new(Kind::NoticesNotTold, recipient, *since, what));
    }
    alarms
}

fn parts(facts: &Facts, now: Instant, alarms: &mut Vec<Alarm>) {
    for (name, _, error) in
        facts.parts.iter().filter(|(name, good, _)| !good && matches!(name.as_str(), "store" | "signing-key"))
    {
        alarms.push(Alarm::new(Kind::GatewayImpaired, name, now, Told::new(PART, &[name, error])));
    }
    if let Some(differences) = facts.differences.filter(|differences| *differences > 0) {
        let what = Told::new(BOOKS, &[&differences.to_string()]);
        alarms.push(Alarm::new(Kind::BooksUnbalanced, "", now, what).counting(differences));
    }
    if facts.ledger_alarms > 0 {
        let what = Told::new(LEDGER, &[&facts.ledger_alarms.to_string()]);
        alarms.push(Alarm::new(Kind::LedgerAlarm, "", now, what).counting(facts.ledger_alarms));
    }
    if facts.secrets.count > 0 {
        let what = Told::new(SECRET, &[&facts.secrets.count.to_string()]);
        let since = facts.secrets.oldest.unwrap_or(now);
        alarms.push(Alarm::new(Kind::StateSecret, "", since, what).counting(facts.secrets.count));
    }
    if let Some(trouble) = facts.directory {
        let what = Told { vi: Told::new(DIRECTORY, &[trouble.vi]).vi, en: Told::new(DIRECTORY, &[trouble.en]).en };
        alarms.push(Alarm::new(Kind::DirectoryNotTaken, "", now, what));
    }
}

fn of_destination(destination: &Destination, limits: &Limits, now: Instant, alarms: &mut Vec<Alarm>) {
    let name = destination.name.as_str();
    let long =
        |since: Option<Instant>, most: i64| since.is_some_and(|since| now.as_millis() - since.as_millis() >= most);
    if destination.urgent.count > 0 && long(destination.urgent.oldest, limits.urgent) {
        let count = destination.urgent.count;
        let what = Told::new(URGENT, &[&count.to_string(), name]);
        let since = destination.urgent.oldest.unwrap_or(now);
        alarms.push(Alarm::new(Kind::UrgentStuck, name, since, what).counting(count));
    }
    // Somebody closed it, and knows.
    let cause = Cause::of_destination(&destination.state, destination.link.as_ref());
    let Some(cause) = cause.filter(|cause| *cause != Cause::ClosedByHand) else { return };
    let waits = [destination.normal.oldest, destination.urgent.oldest].into_iter().flatten().min();
    let failing_since = waits.max(destination.state.succeeded_at).or(destination.state.failed_at);
    let since = destination.away_since.or(failing_since);
    if !long(since, limits.down) {
        return;
    }
    let count = destination.normal.count.saturating_add(destination.urgent.count);
    let (title, waiting) = (cause.title(), count.to_string());
    let what = Told {
        vi: Told::new(DOWN, &[name, title.vi, &waiting]).vi,
        en: Told::new(DOWN, &[name, title.en, &waiting]).en,
    };
    alarms.push(Alarm::new(Kind::DestinationDown, name, since.unwrap_or(now), what).counting(count));
}

fn of_certificates(facts: &Facts, limits: &Limits, now: Instant, alarms: &mut Vec<Alarm>) {
    for one in &facts.certificates {
        let day = |at: Instant| at.in_vietnam().strftime("%d/%m/%Y").to_string();
        let label = one.label();
        let both = |text: Text, rest: &[&str]| {
            let (title, mut vi, mut en) = (one.what.title(), vec![label.as_str()], vec![label.as_str()]);
            vi.push(title.vi);
            en.push(title.en);
            vi.extend(rest);
            en.extend(rest);
            Told { vi: Told::new(text, &vi).vi, en: Told::new(text, &en).en }
        };
        if one.what == Use::RevocationList {
            match (one.state, one.not_after) {
                (State::Expired, Some(due)) => {
                    let what = Told::new(CRL, &[&label, &day(due)]);
                    alarms.push(Alarm::new(Kind::CrlStale, one.name(), due, what));
                }
                (State::Unreadable, _) => {
                    let what = Told::new(CRL_BAD, &[&label, one.error.as_deref().unwrap_or_default()]);
                    alarms.push(Alarm::new(Kind::CrlStale, one.name(), now, what));
                }
                _ => {}
            }
            continue;
        }
        let Some((to, left)) = one.not_after.zip(one.days_left) else { continue };
        // What has ended and has a successor beside it, is nobody's trouble.
        match one.state {
            State::Expired if one.overlap.is_none() => {
                let severity = if one.what == Use::PeerSigning { Severity::Serious } else { Severity::Critical };
                let alarm = Alarm::new(Kind::CertificateExpired, one.name(), to, both(EXPIRED, &[&day(to)]));
                alarms.push(alarm.at(severity));
            }
            State::Expiring => {
                let text = if one.overlap.is_some() { FOLLOWED } else { EXPIRING };
                let alarm =
                    Alarm::new(Kind::CertificateExpiring, one.name(), now, both(text, &[&left.to_string(), &day(to)]));
                let near = left < limits.serious_days && one.overlap.is_none();
                alarms.push(alarm.at(if near { Severity::Serious } else { Severity::Warning }));
            }
            _ => {}
        }
    }
    if let Some(behind) = facts.clock_behind.filter(|behind| behind.saturating_abs() > limits.clock) {
        let what = Told::new(CLOCK, &[&(behind.saturating_abs() / 1000).to_string()]);
        alarms.push(Alarm::new(Kind::ClockWrong, "", now, what));
    }
    if let Some(room) = facts.room {
        let percent = room.free.saturating_mul(100) / room.total.max(1);
        if percent < limits.free_percent || room.free < limits.free_bytes {
            let what = Told::new(DISK, &[&percent.to_string(), &(room.free >> 30).to_string()]);
            let worst = percent * 3 < limits.free_percent || room.free * 3 < limits.free_bytes;
            let alarm = Alarm::new(Kind::DiskFilling, "", now, what);
            alarms.push(alarm.at(if worst { Severity::Critical } else { Severity::Serious }));
        }
    }
}
