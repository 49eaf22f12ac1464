//! Plans acts, performs them, and writes them down.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lienthong_contract::door::ConsignmentState as State;
use lienthong_contract::{AgencyCode, Clock, ConsignmentId, DocId, Finding, HopName, Instant, Text};

use super::findings::CANCELLED;
use super::secrets::Issued;
use super::{Act, Kind, Statement, TYPE};
use crate::config;
use crate::delivery::Delivery;
use crate::directory::sheet::{self, Merged, Sheet};
use crate::directory::{Directory, Resolution};
use crate::life::{Way, in_custody, may_be_confirmed};
use crate::link::amqp::AmqpLink;
use crate::receipts::jws::sign_statement;
use crate::receipts::{ConsignedTo, Event, Outside, Reason, Receipt, Sealed, Signer, seal};
use crate::routing::Routes;
use crate::store::console::{Again, Effect, Effected, Entry, NewProposal, Proposal, Stood};
use crate::store::{ConsoleStore, NewConsignment, Route};

/// How long a proposal may be answered.
const ANSWERED_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// The most consignments of one act.
pub const MAX_OF_ONE: usize = 5_000;
/// Longest reason, in characters.
pub const MAX_REASON: usize = 1_000;

/// Who does it, and who agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    pub second: Option<String>,
}

impl Actor {
    /// Somebody alone.
    #[must_use]
    pub fn alone(name: &str) -> Self {
        Self { name: name.to_owned(), second: None }
    }

    /// As receipts name it.
    fn credential(&self) -> String {
        match &self.second {
            Some(second) => format!("console {} + {second}", self.name),
            None => format!("console {}", self.name),
        }
    }
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error("a statement cannot be signed: {0}")]
    Sign(#[from] crate::receipts::Error),
    #[error("the proposal cannot be read: {0}")]
    Proposal(String),
    #[error("the directory's file: {0}")]
    File(String),
    #[error("the broker: {0}")]
    Broker(String),
    /// Nothing of it can be done.
    #[error("{}", .0.en)]
    Cannot(Text),
}

/// What an act would do to one consignment.
#[derive(Debug, Clone)]
pub struct Planned {
    pub stood: Stood,
    /// Why it is left out; nothing: it is done.
    pub but: Option<Text>,
}

/// What an act would do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub consignments: Vec<Planned>,
    /// Of the destination: why nothing is done.
    pub but: Option<Text>,
    /// It changes whom the gateway knows.
    pub of_trust: bool,
    /// What it takes away is gone.
    pub for_good: bool,
    /// Messages of a broker that it would move.
    pub messages: Option<u32>,
}

impl Plan {
    /// How many consignments it would change.
    #[must_use]
    pub fn doable(&self) -> usize {
        self.consignments.iter().filter(|planned| planned.but.is_none()).count()
    }

    /// More than one document, trust, or what cannot be undone: a second person must agree.
    #[must_use]
    pub fn needs_second(&self) -> bool {
        self.of_trust || self.for_good || self.doable() > 1
    }
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Consignments, or the destination.
    pub changed: u64,
    /// Not changed, because they stand otherwise by now.
    pub left_out: u64,
    /// The new names of what was sent again.
    pub sent_as: Vec<DocId>,
    /// A new secret, told this once.
    pub secret: Option<Issued>,
}

/// Where acts are done.
#[derive(Clone)]
pub struct Desk {
    pub hop: HopName,
    pub store: Arc<dyn ConsoleStore>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    pub delivery: Arc<Delivery>,
    pub directory: Arc<Directory>,
    pub routes: Routes,
    pub brokers: Vec<Arc<AmqpLink>>,
    /// Systems that call with an id and a secret.
    pub systems: Arc<[config::System]>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("hop", &self.hop).finish_non_exhaustive()
    }
}

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    NOT_ENDED "chưa kết thúc" / "it has not ended"
    ENDED "đã kết thúc" / "it has ended"
    SENT_ALREADY "đã được gửi lại" / "it was sent again already"
    NO_BODY "nội dung không còn lưu tại trục" / "its bytes are not kept here any more"
    NOT_FIRST "gói tin vào mạng ở trục khác; đề nghị trục đó gửi lại" /
        "it entered the network at another gateway: ask that one to send it again"
    NOT_HERE "không do trục này giữ" / "it is not in this gateway's custody"
    NOT_IN_MAILBOX "không nằm trong hộp thư của trục này, cũng không ở hệ thống ngoài còn báo kết quả" /
        "it lies neither in a mailbox here nor with a system outside that is to report"
    RECALLED "bên nhận đã đồng ý trả lại" / "its recipient has agreed to give it back"
    UNKNOWN "không có trong kho" / "it is not in the store"
    NO_ROUTE "danh mục và cấu hình không có đường đến nơi nhận" / "there is no route to the recipient"
    NO_SUCCESSOR "cơ quan này không phải là cơ quan kế thừa của nơi nhận theo danh mục" /
        "the directory does not name that agency as successor of the recipient"
    NO_DESTINATION "không có tuyến này" / "there is no such destination"
    CLOSED_ALREADY "tuyến đã đóng" / "it is closed already"
    OPEN_ALREADY "tuyến đang mở" / "it is open"
    ALONE "việc này cần người thứ hai đồng ý" / "a second person must agree to this"
    NO_FILE "danh mục không có tệp để ghi" / "the directory has no file to write"
    NOT_MERGED "bảng không còn khớp với danh mục hiện nay; gửi lại bảng" / "the table no longer fits the present directory; send it again"
    TOO_MANY "quá nhiều văn bản trong một lần; chia nhỏ" / "too many documents at once; divide them"
}

impl Desk {
    /// Writes down what was done elsewhere, or what has no other effect than these.
    ///
    /// # Errors
    /// [`Fault`]; then nothing was done.
    pub async fn record(
        &self,
        actor: &Actor,
        (kind, subject): (Kind, &str),
        reason: Option<&str>,
        documents: Vec<DocId>,
        effects: Vec<Effect>,
    ) -> Result<Effected, Fault> {
        let time = self.clock.now();
        let statement = Statement {
            v: 1,
            hop: self.hop.clone(),
            time,
            act: kind.as_str().to_owned(),
            actor: actor.name.clone(),
            second: actor.second.clone(),
            subject: subject.to_owned(),
            reason: reason.map(str::to_owned),
            documents: Vec::new(),
            documents_in_all: None,
        };
        let entry = Entry {
            time,
            actor: actor.name.clone(),
            second: actor.second.clone(),
            kind: kind.as_str(),
            subject: subject.to_owned(),
            reason: reason.map(str::to_owned),
            statement: sign_statement(TYPE, &statement.about(&documents), self.signer.as_ref())?,
            documents,
        };
        Ok(self.store.act(effects, entry).await?)
    }

    /// What an act would do now.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn plan(&self, act: &Act) -> Result<Plan, Fault> {
        if let Some(destination) = act.destination() {
            let closed = self.delivery.states().into_iter().find(|(name, _)| name == destination);
            let but = match (act, closed.map(|(_, state)| state.closed)) {
                (_, None) => Some(NO_DESTINATION),
                (Act::Close { .. }, Some(true)) => Some(CLOSED_ALREADY),
                (Act::Open { .. }, Some(false)) => Some(OPEN_ALREADY),
                _ => None,
            };
            return Ok(Plan { but, ..Plan::default() });
        }
        if let Some(broker) = act.broker() {
            return Ok(self.plan_aside(act, broker));
        }
        if let Some(system) = act.system() {
            return Ok(self.plan_secret(system));
        }
        if let Act::Agencies { .. } = act {
            return Ok(Plan { of_trust: true, ..Plan::default() });
        }
        let ids = act.consignments();
        if ids.len() > MAX_OF_ONE {
            return Err(Fault::Cannot(TOO_MANY));
        }
        let wanted = ids.len();
        let stood = self.store.stood(ids).await?;
        if stood.is_empty() && wanted > 0 {
            return Err(Fault::Cannot(UNKNOWN));
        }
        let consignments = stood.into_iter().map(|stood| {
            let but = self.obstacle(act, &stood);
            Planned { stood, but }
        });
        Ok(Plan { consignments: consignments.collect(), ..Plan::default() })
    }

    fn obstacle(&self, act: &Act, stood: &Stood) -> Option<Text> {
        let badly = matches!(stood.at.state, State::Failed | State::Rejected | State::Refused);
        let again = |to: &AgencyCode| match () {
            () if !stood.at.state.is_terminal() => Some(NOT_ENDED),
            () if !badly => Some(ENDED),
            () if stood.sent_again.is_some() => Some(SENT_ALREADY),
            () if stood.submission.is_none() => Some(NOT_FIRST),
            () if stood.given_back => Some(RECALLED),
            () if !stood.body => Some(NO_BODY),
            () if self.route(to) == Route::Refused => Some(NO_ROUTE),
            () => None,
        };
        match act {
            Act::SendAgain { .. } => again(&stood.recipient),
            Act::Redirect { to, .. } if !self.succeeds(to, &stood.recipient) => Some(NO_SUCCESSOR),
            Act::Redirect { to, .. } => again(to),
            Act::Dismiss { .. } if !badly => Some(NOT_ENDED),
            Act::Cancel { .. } if stood.at.state.is_terminal() => Some(ENDED),
            Act::Cancel { .. } if !in_custody(stood.at) => Some(NOT_HERE),
            Act::Confirm { .. } if stood.at.state.is_terminal() => Some(ENDED),
            Act::Confirm { .. } if !may_be_confirmed(stood.at) => Some(NOT_IN_MAILBOX),
            Act::Confirm { .. } if stood.given_back => Some(RECALLED),
            _ => None,
        }
    }

    fn route(&self, to: &AgencyCode) -> Route {
        let directory = self.directory.snapshot();
        let served_by = directory.lookup(to).and_then(|agency| agency.hop.clone());
        self.routes.route(to, served_by.as_ref(), None)
    }

    /// Whether the directory says that this agency took over from the recipient.
    fn succeeds(&self, to: &AgencyCode, recipient: &AgencyCode) -> bool {
        self.successors(recipient).iter().any(|successor| successor == to)
    }

    /// Who took over from this agency, by their codes.
    #[must_use]
    pub fn successors(&self, code: &AgencyCode) -> Vec<AgencyCode> {
        let directory = self.directory.snapshot();
        let today = self.clock.now().in_vietnam().date();
        match directory.resolve(code, today) {
            Resolution::Successor { to, .. } => vec![to.key.code().clone()],
            Resolution::Split { candidates, .. } => candidates.iter().map(|one| one.key.code().clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// Does it. Of more than one document, `actor` must name two people; who asks for it alone proposes it.
    ///
    /// # Errors
    /// [`Fault`]; then nothing was done, or of several documents only the first.
    pub async fn perform(&self, actor: &Actor, act: &Act, reason: &str) -> Result<Done, Fault> {
        let plan = self.plan(act).await?;
        if let Some(but) = plan.but {
            return Err(Fault::Cannot(but));
        }
        if let Some(destination) = act.destination() {
            return self.on_destination(actor, act, destination, reason).await;
        }
        if plan.needs_second() && actor.second.is_none() {
            return Err(Fault::Cannot(ALONE));
        }
        if let Some(on) = act.broker().zip(plan.messages) {
            return self.on_broker(actor, act, on, reason).await;
        }
        if let Some(system) = act.system() {
            return self.on_secret(actor, act, system, reason).await;
        }
        if let Act::Agencies { sheet } = act {
            return self.put_agencies(actor, sheet, reason).await;
        }
        let mut done = Done::default();
        for planned in plan.consignments {
            if planned.but.is_some() {
                done.left_out += 1;
                continue;
            }
            let (effect, sent_as) = self.effect(actor, act, &planned.stood, reason)?;
            let mut documents = vec![planned.stood.doc_id];
            documents.extend(sent_as);
            let subject = format!("{} → {}", planned.stood.id, planned.stood.recipient);
            let on = (act.kind(), subject.as_str());
            match self.record(actor, on, Some(reason), documents, vec![effect]).await {
                Ok(effected) if effected.changed > 0 => {
                    done.changed += 1;
                    done.sent_as.extend(sent_as);
                    self.wake(&planned.stood, &effected);
                }
                // It moved on since it was looked at.
                Ok(_) | Err(Fault::Store(crate::store::Error::Unavailable(_))) => done.left_out += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    async fn on_destination(&self, actor: &Actor, act: &Act, name: &HopName, reason: &str) -> Result<Done, Fault> {
        let effect = match act {
            Act::Close { .. } => Effect::CloseDestination { name: name.clone(), reason: reason.to_owned() },
            Act::Open { .. } => Effect::OpenDestination(name.clone()),
            _ => Effect::Nothing,
        };
        let on = (act.kind(), name.as_str());
        let effected = self.record(actor, on, Some(reason), Vec::new(), vec![effect]).await?;
        match act {
            Act::Close { .. } => self.delivery.set_closed(name, true),
            Act::Open { .. } => self.delivery.set_closed(name, false),
            _ => self.delivery.hurry(name),
        }
        Ok(Done { changed: effected.changed, ..Done::default() })
    }

    fn wake(&self, stood: &Stood, effected: &Effected) {
        for ended in &effected.ended {
            self.delivery.settled(ended.settled.as_slice());
        }
        if let Some(previous) = &stood.previous_hop {
            self.delivery.receipts_wait(previous);
        }
        self.delivery.packet_waits_anywhere(stood.urgent);
    }

    fn effect(&self, actor: &Actor, act: &Act, stood: &Stood, reason: &str) -> Result<(Effect, Option<DocId>), Fault> {
        let now = self.clock.now();
        match act {
            Act::SendAgain { .. } => self.again(actor, stood, &stood.recipient, now),
            Act::Redirect { to, .. } => self.again(actor, stood, to, now),
            Act::Dismiss { .. } => Ok((Effect::Dismiss(stood.id), None)),
            Act::Confirm { .. } => {
                let receipt = self.end(actor, stood, Event::ContentHandover, None, now);
                Ok((Effect::HandOver(stood.id, Box::new(seal(receipt, self.signer.as_ref())?)), None))
            }
            _ => {
                let event = match stood.at.way {
                    Way::Mailbox => Event::ContentHandoverFailure,
                    Way::Link => Event::RelayFailure,
                    Way::Outlet if stood.at.state == State::Outside => Event::ContentHandoverFailure,
                    Way::Outlet => Event::RelayToNonERDSFailure,
                };
                let receipt = self.end(actor, stood, event, Some(cancelled(reason)), now);
                Ok((Effect::End(stood.id, Box::new(seal(receipt, self.signer.as_ref())?)), None))
            }
        }
    }

    /// The receipt that ends a consignment here.
    fn end(&self, actor: &Actor, stood: &Stood, event: Event, reason: Option<Reason>, now: Instant) -> Receipt {
        let before = stood.head.receipt.outside.as_ref().and_then(|outside| outside.id.clone());
        let outside = stood.next_hop.clone().filter(|_| stood.at.way == Way::Outlet).map(|system| Outside {
            system,
            id: before,
            sent: None,
            answer: None,
            reports: false,
        });
        Receipt {
            event,
            hop: self.hop.clone(),
            time: now,
            consignment: Some(stood.id),
            recipient: Some(stood.recipient.clone()),
            consignments: Vec::new(),
            previous: Some(stood.head.digest),
            credential: Some(actor.credential()),
            checks: None,
            reason,
            outside,
            ..Receipt::clone(&stood.head.receipt)
        }
    }

    /// A new submission of the same bytes to one recipient.
    fn again(
        &self,
        actor: &Actor,
        stood: &Stood,
        to: &AgencyCode,
        now: Instant,
    ) -> Result<(Effect, Option<DocId>), Fault> {
        let Some(first) = &stood.submission else { return Err(Fault::Cannot(NOT_FIRST)) };
        let (doc_id, id) = (DocId::fresh(), ConsignmentId::fresh());
        let submission = Receipt {
            time: now,
            doc_id,
            consignments: vec![ConsignedTo { consignment: id, recipient: to.clone() }],
            credential: Some(actor.credential()),
            ..Receipt::clone(&first.receipt)
        };
        let submission = seal(submission, self.signer.as_ref())?;
        let route = self.route(to);
        let deadlines = self.delivery.deadlines();
        let (receipts, due) = match &route {
            Route::Mailbox => (vec![self.consigned(&submission, id, to, now)?], deadlines.to_collect(now)),
            Route::Link(next) | Route::Outlet(next) => (Vec::new(), deadlines.to_relay(now, next, stood.urgent)),
            Route::Refused => return Err(Fault::Cannot(NO_ROUTE)),
        };
        let consignment = NewConsignment { id, recipient: to.clone(), route, receipts, due: Some(due) };
        let again = Again {
            doc_id,
            packet: stood.packet,
            submission,
            consignments: vec![consignment],
            instead_of: vec![stood.id],
        };
        Ok((Effect::SendAgain(Box::new(again)), Some(doc_id)))
    }

    fn consigned(&self, first: &Sealed, id: ConsignmentId, to: &AgencyCode, now: Instant) -> Result<Sealed, Fault> {
        let receipt = Receipt {
            event: Event::ContentConsignment,
            time: now,
            consignment: Some(id),
            recipient: Some(to.clone()),
            consignments: Vec::new(),
            previous: Some(first.digest),
            credential: None,
            checks: None,
            outside: None,
            ..Receipt::clone(&first.receipt)
        };
        Ok(seal(receipt, self.signer.as_ref())?)
    }

    /// What putting a table into the directory's file would do, or what is wrong with the table.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn merged(&self, sheet: &Sheet) -> Result<Result<Merged, Vec<sheet::Fault>>, Fault> {
        let path = self.directory.path().ok_or(Fault::Cannot(NO_FILE))?;
        let text = std::fs::read_to_string(path).map_err(|error| Fault::File(error.to_string()))?;
        Ok(sheet.merge_into(&text))
    }

    /// Writes the directory's file: beside it first, and in its place at once, so that it is the old one or the new one.
    async fn put_agencies(&self, actor: &Actor, sheet: &Sheet, reason: &str) -> Result<Done, Fault> {
        let Ok(merged) = self.merged(sheet)? else { return Err(Fault::Cannot(NOT_MERGED)) };
        let path = self.directory.path().ok_or(Fault::Cannot(NO_FILE))?.to_owned();
        let changed = (merged.added.len() + merged.changed.len()) as u64;
        // Written down before it is done: a change that nobody answers for must not be.
        let digest = lienthong_contract::Digest::of(merged.text.as_bytes());
        let subject = format!("{digest} + {} ~ {}", merged.added.join(" "), merged.changed.join(" "));
        let subject: String = subject.chars().take(2_000).collect();
        let effects = vec![Effect::Nothing];
        self.record(actor, (Kind::Agencies, &subject), Some(reason), Vec::new(), effects).await?;
        let write = move || replace(&path, merged.text.as_bytes());
        let written = tokio::task::spawn_blocking(write).await.map_err(|error| Fault::File(error.to_string()))?;
        written.map_err(|error| Fault::File(error.to_string()))?;
        Ok(Done { changed, ..Done::default() })
    }

    /// Asks for an act that a second person must agree to; gives the proposal's number.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn propose(&self, actor: &Actor, act: &Act, reason: &str) -> Result<i64, Fault> {
        let plan = self.plan(act).await?;
        if let Some(but) = plan.but {
            return Err(Fault::Cannot(but));
        }
        let documents: Vec<DocId> = plan.consignments.iter().map(|planned| planned.stood.doc_id).collect();
        let what = serde_json::to_string(act).map_err(|error| Fault::Proposal(error.to_string()))?;
        let number = plan.messages.map_or(documents.len() as u64, u64::from);
        let made = self.propose_text(actor, (act.kind(), what), number, reason, documents).await?;
        Ok(made)
    }

    /// The same for what is no [`Act`]: `what` is for whoever performs it.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn propose_text(
        &self,
        actor: &Actor,
        (kind, what): (Kind, String),
        number: u64,
        reason: &str,
        documents: Vec<DocId>,
    ) -> Result<i64, Fault> {
        let now = self.clock.now();
        let within = i64::try_from(ANSWERED_WITHIN.as_millis()).unwrap_or(i64::MAX);
        let new = NewProposal {
            kind: kind.as_str(),
            what,
            documents: number,
            reason: reason.to_owned(),
            proposed_at: now,
            until: now.plus_millis(within),
        };
        let on = (Kind::Propose, kind.as_str());
        let effected = self.record(actor, on, Some(reason), documents, vec![Effect::Propose(Box::new(new))]).await?;
        Ok(effected.made.unwrap_or_default())
    }

    /// Agrees to a proposal of somebody else, and does it.
    ///
    /// # Errors
    /// [`Fault`]; the proposal still waits then, unless part of it was done.
    pub async fn agree(&self, name: &str, proposal: &Proposal) -> Result<Done, Fault> {
        let act: Act = serde_json::from_str(&proposal.what).map_err(|error| Fault::Proposal(error.to_string()))?;
        let actor = Actor { name: proposal.proposed_by.clone(), second: Some(name.to_owned()) };
        let decide = vec![Effect::Decide { id: proposal.id, accept: true }];
        let on = (act.kind(), proposal.kind.as_str());
        // From here on it cannot be agreed to a second time.
        self.record(&actor, on, Some(&proposal.reason), Vec::new(), decide).await?;
        self.perform(&actor, &act, &proposal.reason).await
    }

    /// Rejects a proposal.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn reject(&self, name: &str, proposal: &Proposal, reason: &str) -> Result<(), Fault> {
        let decide = vec![Effect::Decide { id: proposal.id, accept: false }];
        let on = (Kind::Reject, proposal.kind.as_str());
        self.record(&Actor::alone(name), on, Some(reason), Vec::new(), decide).await?;
        Ok(())
    }
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(bytes)?;
    beside.as_file().set_permissions(std::fs::metadata(path)?.permissions())?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

fn cancelled(reason: &str) -> Reason {
    let finding = Finding::of(&CANCELLED);
    Reason {
        code: finding.code,
        text: format!("{}: {reason}", finding.title_vi),
        text_en: Some(format!("{}: {reason}", finding.title_en)),
        whose_turn: finding.blame,
    }
}
