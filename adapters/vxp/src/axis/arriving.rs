//! What the axis has for the agencies here: listed, fetched, taken in, acknowledged.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use lienthong_contract::door::{RefusalCause, Upload};
use lienthong_contract::outlet::{self, Fetched as Packet, Inside};
use lienthong_door_kit::outbound::Answer;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::attend::{Bearing, Round, Troubles};
use super::{Account, Parts};
use crate::wire::answer::code;
use crate::wire::client::{Call, Retry, Said};
use crate::wire::fetched::Fetched;
use crate::wire::rows::{Letter, MAX_ROWS, Rows, Text, read};

/// What could not be taken without being anybody's fault for ever is left alone for so long.
const ASIDE: Duration = Duration::from_secs(3600);
/// How many are remembered so; beyond that they are looked at again sooner.
const MOST_ASIDE: usize = 10_000;
/// Documents dealt with in one round.
const MOST_AT_ONCE: usize = 10_000;
/// Longest time for one packet to come in at first, and at last: doubled each time it was not enough, when the others have
/// had their turn. A gibibyte over a slow line has its hour, and a line that hardly moves holds nobody up for one.
const TAKEN_WITHIN: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(3600)];
/// The longest name of a document that is used.
const MAX_NAME: usize = 128;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    Documents,
    Statuses,
}

impl Mail {
    /// As the protocol calls it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Documents => "edoc",
            Self::Statuses => "status",
        }
    }
}

/// The mail of one account. Its memory saves calls and may be lost.
pub struct Arrivals<'a> {
    axis: &'a Parts,
    inside: &'a Inside,
    /// The id of its account.
    account: String,
    mail: Mail,
    /// What was settled here, with the word that the axis was told or is owed.
    settled: HashMap<String, &'static str>,
    /// What is left alone until then.
    aside: HashMap<String, Instant>,
    /// How much of what was listed last is left alone.
    left: usize,
    /// How often nothing could be done about a document that is still listed.
    troubled: HashMap<String, u32>,
    /// Everything that was listed last.
    listed: Arc<HashSet<String>>,
}

/// Something in a list.
struct Item {
    doc_id: String,
    words: String,
}

/// What came of a packet.
enum Verdict {
    /// To be told so.
    Settled(&'static str),
    Aside(String),
}

impl<'a> Arrivals<'a> {
    pub fn new(axis: &'a Parts, inside: &'a Inside, account: String, mail: Mail) -> Self {
        let (settled, aside, troubled) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { axis, inside, account, mail, settled, aside, left: 0, troubled, listed: Arc::default() }
    }

    /// How many packets lie outside that are not taken as things stand.
    pub const fn left(&self) -> usize {
        self.left
    }

    fn account(&self) -> Result<Arc<Account>, String> {
        self.axis.account_of(&self.account).ok_or_else(|| format!("there is no account {} any more", self.account))
    }

    pub async fn round(&mut self) -> Round {
        match self.all().await {
            Ok(true) => Round::More,
            Ok(false) => Round::Finished,
            Err(why) => Round::BrokeOff(why),
        }
    }

    /// Takes what is listed; tells whether anything new was among it.
    async fn all(&mut self) -> Result<bool, String> {
        let now = Instant::now();
        self.aside.retain(|_, until| *until > now);
        let mut listed = self.list().await?;
        let names: HashSet<&str> = listed.iter().map(|item| item.doc_id.as_str()).collect();
        self.settled.retain(|doc_id, _| names.contains(doc_id.as_str()));
        self.troubled.retain(|doc_id, _| names.contains(doc_id.as_str()));
        // What failed before comes last: a few that nothing can be done about must not stand before the rest for ever.
        listed.sort_by_key(|item| self.troubled.get(&item.doc_id).copied().unwrap_or_default());
        let (mut more, mut troubles) = (false, Troubles::default());
        for item in &listed {
            let went = self.settle(item).await;
            match &went {
                Ok(_) => self.troubled.remove(&item.doc_id),
                Err(_) => {
                    let times = self.troubled.get(&item.doc_id).copied().unwrap_or_default();
                    self.troubled.insert(item.doc_id.clone(), times.saturating_add(1))
                }
            };
            more |= troubles.note(self.inside, &item.doc_id, went)?.unwrap_or_default();
        }
        Ok(more)
    }

    /// Takes one document and acknowledges it, or acknowledges it once more; tells whether it was new.
    async fn settle(&mut self, item: &Item) -> Result<bool, String> {
        let (status, new) = match self.settled.get(&item.doc_id) {
            Some(status) => (*status, false),
            None => match self.take(item).await? {
                Verdict::Settled(status) => (status, true),
                Verdict::Aside(why) => {
                    let (outlet, doc_id) = (&self.inside.outlet, &item.doc_id);
                    tracing::error!(%outlet, doc_id, why, "a packet of the system outside is not taken; it stays there unacknowledged");
                    if self.aside.len() >= MOST_ASIDE {
                        self.aside.clear();
                    }
                    self.aside.insert(item.doc_id.clone(), Instant::now() + ASIDE);
                    self.left = self.left.saturating_add(1);
                    return Ok(false);
                }
            },
        };
        self.settled.insert(item.doc_id.clone(), status);
        self.acknowledge(&item.doc_id, status).await?;
        Ok(new)
    }

    async fn list(&mut self) -> Result<Vec<Item>, String> {
        let call = Call::Received { kind: self.mail.kind() };
        let said = self.axis.ask_again_for(&*self.account()?, call, read::<Letter>).await?;
        if !said.is_ok() {
            return Err(format!("getReceivedEdocList: {} {}", said.code, said.description));
        }
        let rows = match said.data {
            Rows::Some(rows) => rows,
            // Something else in the place of the list is not an empty list.
            Rows::None => return Err("data is missing or of another kind".to_owned()),
            Rows::TooMany => return Err(format!("the list of documents has more than {MAX_ROWS} rows")),
        };
        let mut items: Vec<Item> = Vec::new();
        let (mut seen, mut left) = (HashSet::new(), 0_usize);
        for row in &rows {
            if ["done", "fail"].iter().any(|ended| row.status.as_str().eq_ignore_ascii_case(ended)) {
                continue;
            }
            let Some(doc_id) = name(row) else {
                tracing::warn!(outlet = %self.inside.outlet, "a row of the system's list names no document");
                continue;
            };
            if items.len() >= MOST_AT_ONCE {
                // They are listed again when these are acknowledged.
                break;
            }
            if !seen.insert(doc_id.clone()) {
                continue;
            }
            if self.aside.contains_key(&doc_id) {
                left = left.saturating_add(1);
            } else {
                let words = [&row.from, &row.to, &row.created_time].map(Text::as_str);
                let words = format!("{} -> {} {}", words[0], words[1], words[2]);
                items.push(Item { doc_id, words });
            }
        }
        (self.left, self.listed) = (left, Arc::new(seen));
        Ok(items)
    }

    async fn take(&self, item: &Item) -> Result<Verdict, String> {
        let mut bearing = Bearing::default();
        let [first, longest] = TAKEN_WITHIN;
        let times = self.troubled.get(&item.doc_id).copied().unwrap_or_default();
        let within = first.saturating_mul(1 << times.min(8)).min(longest);
        let tried = async {
            loop {
                match self.take_once(item).await {
                    Ok(verdict) => return Ok(verdict),
                    Err(why) => bearing.after(why).await?,
                }
            }
        };
        let taken = tokio::time::timeout(within, tried).await;
        taken.unwrap_or_else(|_| Err("the packet did not come to its end in time".to_owned()))
    }

    async fn take_once(&self, item: &Item) -> Result<Verdict, String> {
        let (account, call) = (self.account()?, Call::Get { doc_id: &item.doc_id });
        let answer = self.axis.call(&account, call, None).await.map_err(|failed| failed.to_string())?;
        let others = Others { asked: item.doc_id.clone(), listed: Arc::clone(&self.listed) };
        let incoming = Arc::new(Incoming::new(answer, others));
        let packet = Packet {
            id: item.doc_id.clone(),
            credential: format!("system {}", self.account),
            words: Some(outlet::words(&item.words)),
        };
        let refusal = match self.inside.entrance.enter(&self.inside.outlet, packet, upload(&incoming)).await {
            Ok(_) => return Ok(Verdict::Settled("done")),
            Err(refusal) => refusal,
        };
        let codes: Vec<&str> = refusal.findings.iter().map(|finding| finding.code.as_str()).collect();
        // Only of a whole answer with a packet in it anything is told for good: half of one is no bad packet.
        let heard = match refusal.cause {
            RefusalCause::BadPacket => Some(incoming.end().await),
            _ => incoming.heard().await,
        };
        match heard {
            // It did not come as a packet, so what was found in it counts for nothing.
            Some(Err(why)) => return Err(why),
            Some(Ok(said)) if !said.is_ok() => {
                let why = format!("getEdoc: {} {}", said.code, said.description);
                if said.code == u32::from(code::WRONG_SYSTEM) {
                    account.other_secret();
                    return Err(why);
                }
                return if said.retry() == Retry::Never { Ok(Verdict::Aside(why)) } else { Err(why) };
            }
            Some(Ok(_)) | None => {}
        }
        match refusal.cause {
            // It is the packet's own fault whoever looks at it, and on record here.
            RefusalCause::BadPacket => Ok(Verdict::Settled("fail")),
            RefusalCause::Incomplete | RefusalCause::Unavailable => Err(format!("{:?}", refusal.cause)),
            // Something here may be at fault, and be mended.
            cause => Ok(Verdict::Aside(format!("{cause:?} {}", codes.join(" ")))),
        }
    }

    async fn acknowledge(&self, doc_id: &str, status: &str) -> Result<(), String> {
        let said = self.axis.ask_again(&*self.account()?, Call::Update { doc_id, status }).await?;
        if !said.is_ok() {
            let (outlet, code, why) = (&self.inside.outlet, said.code, said.description);
            tracing::warn!(%outlet, doc_id, status, code, why, "the system outside does not take an acknowledgement; it is told again when it lists the packet again");
        }
        Ok(())
    }
}

/// The document's name in a row, where it can stand in a header.
fn name(row: &Letter) -> Option<String> {
    let name = row.doc_id.as_str();
    let fits = !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| name.to_owned())
}

/// An answer with a packet in it, while it comes in.
struct Incoming(Mutex<State>, Others);

/// Documents that an answer must not be about.
struct Others {
    asked: String,
    listed: Arc<HashSet<String>>,
}

enum State {
    Coming(Box<(Answer, Fetched)>),
    /// All of it has come, or as much as will.
    Ended(Result<Said, String>),
}

impl Incoming {
    fn new(answer: Answer, others: Others) -> Self {
        Self(Mutex::new(State::Coming(Box::new((answer, Fetched::default())))), others)
    }

    /// An answer that names another document of the list was meant for somebody else, or mixed up on the way.
    fn of_this(&self, said: Said) -> Result<Said, String> {
        let named = said.doc_id.as_str();
        if said.is_ok() && named != self.1.asked && self.1.listed.contains(named) {
            return Err(format!("the answer is about document {named}"));
        }
        Ok(said)
    }

    /// The next bytes of the packet; nothing behind the last. Where the answer proves to be none, an error.
    async fn next(&self) -> Option<io::Result<Bytes>> {
        let mut state = self.0.lock().await;
        let State::Coming(coming) = &mut *state else { return None };
        let (answer, fetched) = coming.as_mut();
        let ended = loop {
            match answer.next().await {
                Ok(Some(_)) if !matches!(answer.status, 200 | 201) => {
                    break Err(format!("no answer of the axis: HTTP status {}", answer.status));
                }
                Ok(Some(piece)) => match fetched.feed(&piece) {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => return Some(Ok(bytes)),
                    Err(fault) => break Err(fault.to_string()),
                },
                Ok(None) => {
                    let said = std::mem::take(fetched).finish(answer.status).map_err(|fault| fault.to_string());
                    break said.and_then(|said| self.of_this(said));
                }
                Err(error) => break Err(error.to_string()),
            }
        };
        let fault = match &ended {
            Ok(said) if said.is_ok() => None,
            Ok(_) => Some("refused".to_owned()),
            Err(why) => Some(why.clone()),
        };
        *state = State::Ended(ended);
        fault.map(|fault| Err(io::Error::new(io::ErrorKind::InvalidData, fault)))
    }

    /// What the answer said, when all of it has come.
    async fn heard(&self) -> Option<Result<Said, String>> {
        match &*self.0.lock().await {
            State::Ended(ended) => Some(ended.clone()),
            State::Coming(_) => None,
        }
    }

    /// Reads what nobody wanted to the end, and tells what the answer said.
    async fn end(&self) -> Result<Said, String> {
        while let Some(Ok(_)) = self.next().await {}
        self.heard().await.unwrap_or_else(|| Err("the answer was not read to its end".to_owned()))
    }
}

/// The packet as a stream.
fn upload(incoming: &Arc<Incoming>) -> Upload {
    Box::pin(stream::unfold(Arc::clone(incoming), |incoming| async move {
        let next = incoming.next().await?;
        Some((next, incoming))
    }))
}
