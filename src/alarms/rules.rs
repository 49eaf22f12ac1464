//! Who is told what, and when. Pure: a step takes what is remembered and what is wrong now, and gives notices.
//!
//! Each recipient of each route is a seat. For each alarm and seat is remembered whether it was told there: so somebody
//! whose mail waits is told later what was told to others at once.
//!
//! * An alarm is told after the time of grouping, with all others of its kind; a critical one at once.
//! * In quiet hours, and when a recipient had enough notices within the hour, alarms are held back; afterwards there is one
//!   summary, with what came and went meanwhile.
//! * An alarm ends when it was away for the time of clearing, doubled each time it came back within hours: one that comes and
//!   goes is one alarm. Its end is told to those who heard of it.
//! * What nobody acknowledged goes to a second route after a while, and is repeated now and then.

use std::collections::BTreeMap;

use lienthong_contract::{Digest, Instant};
use serde::{Deserialize, Serialize};

use super::quiet::Quiet;
use super::{Alarm, Kind, Severity};

/// The most alarms that a notice lists; of the others it says how many.
pub const MAX_LISTED: usize = 50;
/// The most notices that wait for one recipient; what comes then waits to be told in one.
pub const MAX_WAITING: usize = 20;
/// How long an alarm that ended is remembered, in case it comes back.
const FORGOTTEN: i64 = 6 * HOUR;
const HOUR: i64 = 3_600_000;
/// The most doublings of the time of clearing.
const MAX_DOUBLINGS: u32 = 4;

/// Where a notice goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipient {
    Mail(String),
    /// By its name in the configuration.
    Webhook(String),
}

impl Recipient {
    /// As it stands in the store and in health: `mail:…` or `webhook:…`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Mail(address) => format!("mail:{address}"),
            Self::Webhook(name) => format!("webhook:{name}"),
        }
    }
}

/// Some kinds of alarms, and who hears of them.
#[derive(Debug, Clone, Default)]
pub struct Route {
    pub name: String,
    /// All when empty.
    pub kinds: Vec<Kind>,
    /// The least severity; all when left out.
    pub least: Option<Severity>,
    pub to: Vec<Recipient>,
    /// It keeps quiet hours.
    pub quiet: bool,
    /// After so many milliseconds without acknowledgement the other route hears of it.
    pub escalates: Option<(i64, String)>,
    /// It hears of nothing but what another route escalates.
    pub only_escalated: bool,
}

impl Route {
    fn takes(&self, alarm: &Alarm) -> bool {
        !self.only_escalated && self.is_for(alarm)
    }

    fn is_for(&self, alarm: &Alarm) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&alarm.kind))
            && self.least.is_none_or(|least| alarm.severity >= least)
    }
}

/// The rules; times in milliseconds.
#[derive(Debug, Clone)]
pub struct Rules {
    pub routes: Vec<Route>,
    pub group: i64,
    pub clear: i64,
    pub repeat: i64,
    pub per_hour: usize,
    pub quiet: Option<Quiet>,
}

/// Why there is a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    New,
    /// What was held back.
    Summary,
    /// Nobody took care of it.
    Escalated,
    Reminder,
    Resolved,
    Test,
}

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same each time it is tried.
    pub id: String,
    pub to: Recipient,
    pub route: String,
    pub reason: Reason,
    pub at: Instant,
    /// In order of harm.
    pub alarms: Vec<Alarm>,
    /// What ended.
    pub ended: Vec<Alarm>,
    /// So many more than are listed.
    pub more: usize,
}

/// What was told to one seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub at: Instant,
    pub severity: Severity,
    pub state: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Held,
    Told,
    Ended,
}

/// An alarm as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub alarm: Alarm,
    pub first_seen: Instant,
    /// It was not seen since then.
    pub gone: Option<Instant>,
    pub ended: Option<Instant>,
    /// How often it came back.
    pub returns: u32,
    /// Who knows of it, and since when.
    pub acknowledged: Option<(String, Instant)>,
    pub told: BTreeMap<String, Mark>,
}

impl Kept {
    fn new(alarm: Alarm, now: Instant) -> Self {
        let told = BTreeMap::new();
        Self { alarm, first_seen: now, gone: None, ended: None, returns: 0, acknowledged: None, told }
    }

    fn there(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether nothing differs that must not be forgotten; texts and counts come anew with each look.
    fn same(&self, other: &Self) -> bool {
        let of =
            |kept: &Self| (kept.first_seen, kept.gone, kept.ended, kept.returns, kept.alarm.severity, kept.alarm.since);
        of(self) == of(other) && self.acknowledged == other.acknowledged && self.told == other.told
    }
}

/// Name of an alarm.
pub type Name = (Kind, String);

/// All that is remembered.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub alarms: BTreeMap<Name, Kept>,
    /// When notices were made for whom, within the hour.
    pub sent: BTreeMap<Recipient, Vec<Instant>>,
}

/// What a step came to.
#[derive(Debug, Clone, Default)]
pub struct Step {
    pub notices: Vec<Notice>,
    /// What is to be remembered anew, or forgotten.
    pub changed: Vec<(Name, Option<Kept>)>,
}

impl State {
    /// Gives alarms the time since which they have been there.
    pub fn date(&self, alarms: &mut [Alarm]) {
        for alarm in alarms {
            let known = self.alarms.get(&(alarm.kind, alarm.subject.clone())).filter(|kept| kept.there());
            if let Some(known) = known {
                alarm.since = alarm.since.min(known.alarm.since);
            }
        }
    }

    /// Notes that somebody knows: no repeats, and nobody else is called. False when there is no such alarm.
    pub fn acknowledge(&mut self, name: &Name, by: &str, now: Instant) -> bool {
        let Some(kept) = self.alarms.get_mut(name).filter(|kept| kept.there()) else { return false };
        kept.acknowledged = Some((by.to_owned(), now));
        true
    }
}

impl Rules {
    /// One look. `waiting` says how many notices wait to be sent to a recipient.
    pub fn step(
        &self,
        state: &mut State,
        mut present: Vec<Alarm>,
        waiting: &dyn Fn(&Recipient) -> usize,
        now: Instant,
    ) -> Step {
        let before = state.alarms.clone();
        state.date(&mut present);
        self.note(state, present, now);
        for sent in state.sent.values_mut() {
            sent.retain(|at| since(*at, now) < HOUR);
        }
        // Who is not configured any more is owed nothing.
        let known =
            |seat: &String| self.routes.iter().any(|route| route.to.iter().any(|to| *seat == name_of(route, to)));
        state.alarms.values_mut().for_each(|kept| kept.told.retain(|seat, _| known(seat)));
        let escalated = self.escalated(state, now);
        let mut notices = Vec::new();
        for route in &self.routes {
            for to in &route.to {
                let seat = Seat { route, to, name: name_of(route, to) };
                notices.extend(self.attend(&seat, state, &escalated, waiting(to), now));
            }
        }
        state.alarms.retain(|_, kept| kept.ended.is_none_or(|ended| since(ended, now) < FORGOTTEN || kept.is_owed()));
        let mut changed = Vec::new();
        for (name, kept) in &state.alarms {
            if before.get(name).is_none_or(|before| !before.same(kept)) {
                changed.push((name.clone(), Some(kept.clone())));
            }
        }
        changed.extend(before.into_keys().filter(|name| !state.alarms.contains_key(name)).map(|name| (name, None)));
        Step { notices, changed }
    }

    /// Who is there, who is away, who came back.
    fn note(&self, state: &mut State, present: Vec<Alarm>, now: Instant) {
        let mut seen: Vec<Name> = Vec::new();
        for alarm in present {
            let name = (alarm.kind, alarm.subject.clone());
            seen.push(name.clone());
            let Some(kept) = state.alarms.get_mut(&name) else {
                state.alarms.insert(name, Kept::new(alarm, now));
                continue;
            };
            if kept.ended.is_some() {
                let returns = kept.returns.saturating_add(1);
                *kept = Kept { returns, ..Kept::new(alarm, now) };
                continue;
            }
            kept.gone = None;
            kept.alarm = alarm;
        }
        seen.sort();
        for (_, kept) in state.alarms.iter_mut().filter(|(name, _)| seen.binary_search(name).is_err()) {
            let gone = *kept.gone.get_or_insert(now);
            let clear = self.clear.saturating_mul(1 << kept.returns.min(MAX_DOUBLINGS));
            if kept.ended.is_none() && since(gone, now) >= clear {
                kept.ended = Some(now);
            }
        }
    }

    /// What routes have to hear of because another was told and nobody took care of it.
    fn escalated(&self, state: &State, now: Instant) -> Vec<(String, Name)> {
        let mut all = Vec::new();
        for route in &self.routes {
            let Some((after, to)) = &route.escalates else { continue };
            let prefix = format!("{}|", route.name);
            for (name, kept) in &state.alarms {
                let told_long_ago = |(seat, mark): (&String, &Mark)| {
                    seat.starts_with(&prefix) && mark.state == Stage::Told && since(kept.first_seen, now) >= *after
                };
                if kept.there()
                    && kept.gone.is_none()
                    && kept.acknowledged.is_none()
                    && kept.told.iter().any(told_long_ago)
                {
                    all.push((to.clone(), name.clone()));
                }
            }
        }
        all
    }

    fn attend(
        &self,
        seat: &Seat<'_>,
        state: &mut State,
        escalated: &[(String, Name)],
        waiting: usize,
        now: Instant,
    ) -> Vec<Notice> {
        let quiet = self.quiet.as_ref().filter(|_| seat.route.quiet);
        let disturbs = |severity: Severity| quiet.is_none_or(|quiet| !quiet.holds(severity, now));
        let used = state.sent.get(seat.to).map_or(0, Vec::len);
        let room = |severity: Severity| {
            let most = if severity == Severity::Critical { self.per_hour.saturating_mul(2) } else { self.per_hour };
            used < most && waiting < MAX_WAITING
        };
        let mut found = Found::default();
        for (name, kept) in &mut state.alarms {
            let by_escalation = escalated.iter().any(|(route, one)| *route == seat.route.name && one == name);
            let severity = kept.alarm.severity;
            let mark = kept.told.get(&seat.name).copied();
            let told = mark.is_some_and(|mark| mark.state == Stage::Told);
            match mark.map(|mark| mark.state) {
                Some(Stage::Ended) => {}
                Some(Stage::Told) if kept.ended.is_some() => {
                    if disturbs(severity) && room(severity) {
                        found.ended.push(name.clone());
                    }
                }
                Some(Stage::Told) if mark.is_some_and(|mark| mark.severity >= severity) => {
                    let due = mark.is_some_and(|mark| since(mark.at, now) >= self.repeat);
                    if due && kept.gone.is_none() && kept.acknowledged.is_none() && disturbs(severity) && room(severity)
                    {
                        found.repeated.push(name.clone());
                    }
                }
                // Never told here, held back, or worse than it was.
                _ if !(seat.route.takes(&kept.alarm) || by_escalation) => {}
                // Away, perhaps over: it is told when it is back.
                None if kept.gone.is_some() || kept.acknowledged.is_some() => {}
                _ if !(disturbs(severity) && room(severity)) => {
                    if mark.is_none() {
                        kept.told.insert(seat.name.clone(), Mark { at: now, severity, state: Stage::Held });
                    }
                }
                state => {
                    let waits =
                        since(kept.first_seen, now) >= self.group || severity == Severity::Critical || by_escalation;
                    found.fresh.push(Fresh {
                        name: name.clone(),
                        held: state == Some(Stage::Held),
                        due: waits || told,
                        by_escalation,
                    });
                }
            }
        }
        self.tell(seat, state, found, used, now)
    }

    fn tell(&self, seat: &Seat<'_>, state: &mut State, found: Found, used: usize, now: Instant) -> Vec<Notice> {
        let Found { mut fresh, ended, repeated } = found;
        let due_kinds: Vec<Kind> = fresh.iter().filter(|one| one.due).map(|one| one.name.0).collect();
        fresh.retain(|one| due_kinds.contains(&one.name.0));
        let mut kinds: Vec<Kind> = due_kinds;
        kinds.sort_unstable();
        kinds.dedup();
        let mut notices = Vec::new();
        let mut make = |reason: Reason, names: &[Name], ended: &[Name], state: &State| {
            notices.push(notice(seat, reason, (names, ended), state, now));
        };
        let held = fresh.iter().any(|one| one.held);
        let left = self.per_hour.saturating_sub(used);
        let (gone, there): (Vec<Name>, Vec<Name>) = fresh
            .iter()
            .map(|one| one.name.clone())
            .partition(|name| state.alarms.get(name).is_some_and(|kept| !kept.there()));
        let mut ended = ended;
        if held || (kinds.len() > 1 && kinds.len() > left) {
            ended.extend(gone.iter().cloned());
            make(Reason::Summary, &there, &ended, state);
            self.mark(seat, state, &there, Stage::Told, now);
            self.mark(seat, state, &ended, Stage::Ended, now);
            ended.clear();
        } else {
            for kind in kinds {
                let names: Vec<Name> = there.iter().filter(|name| name.0 == kind).cloned().collect();
                if names.is_empty() {
                    continue;
                }
                let only_escalated = fresh.iter().filter(|one| one.name.0 == kind).all(|one| one.by_escalation);
                make(if only_escalated { Reason::Escalated } else { Reason::New }, &names, &[], state);
                self.mark(seat, state, &names, Stage::Told, now);
            }
        }
        if !ended.is_empty() {
            make(Reason::Resolved, &[], &ended, state);
            self.mark(seat, state, &ended, Stage::Ended, now);
        }
        if !repeated.is_empty() {
            make(Reason::Reminder, &repeated, &[], state);
            self.mark(seat, state, &repeated, Stage::Told, now);
        }
        let sent = state.sent.entry(seat.to.clone()).or_default();
        sent.extend(notices.iter().map(|notice| notice.at));
        notices
    }

    fn mark(&self, seat: &Seat<'_>, state: &mut State, names: &[Name], stage: Stage, now: Instant) {
        for name in names {
            if let Some(kept) = state.alarms.get_mut(name) {
                let mark = Mark { at: now, severity: kept.alarm.severity, state: stage };
                kept.told.insert(seat.name.clone(), mark);
            }
        }
    }
}

impl Kept {
    /// Somebody was told of it, or is to be, and does not know of its end.
    fn is_owed(&self) -> bool {
        self.told.values().any(|mark| mark.state != Stage::Ended)
    }
}

fn name_of(route: &Route, to: &Recipient) -> String {
    format!("{}|{}", route.name, to.name())
}

struct Seat<'a> {
    route: &'a Route,
    to: &'a Recipient,
    name: String,
}

struct Fresh {
    name: Name,
    held: bool,
    due: bool,
    by_escalation: bool,
}

#[derive(Default)]
struct Found {
    fresh: Vec<Fresh>,
    ended: Vec<Name>,
    repeated: Vec<Name>,
}

fn notice(seat: &Seat<'_>, reason: Reason, (names, ended): (&[Name], &[Name]), state: &State, now: Instant) -> Notice {
    let listed = |names: &[Name]| {
        let mut alarms: Vec<Alarm> =
            names.iter().filter_map(|name| state.alarms.get(name)).map(|kept| kept.alarm.clone()).collect();
        super::sort(&mut alarms);
        let more = alarms.len().saturating_sub(MAX_LISTED);
        alarms.truncate(MAX_LISTED);
        (alarms, more)
    };
    let ((alarms, more), (ended, more_ended)) = (listed(names), listed(ended));
    let mut whole = format!("{}\n{reason:?}\n{}", seat.name, now.as_millis());
    for alarm in alarms.iter().chain(&ended) {
        whole.push_str(&format!("\n{} {}", alarm.kind.as_str(), alarm.subject));
    }
    let id: String = Digest::of(whole.as_bytes()).to_string().trim_start_matches("sha256:").chars().take(32).collect();
    let (route, to) = (seat.route.name.clone(), seat.to.clone());
    Notice { id: format!("alarm_{id}"), to, route, reason, at: now, alarms, ended, more: more + more_ended }
}

fn since(then: Instant, now: Instant) -> i64 {
    now.as_millis().saturating_sub(then.as_millis())
}
