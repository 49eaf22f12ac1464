//! Who is told what and when, with a clock of the test's own; what is judged; what stands in a letter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::{date, time};
use lienthong_contract::{Instant, Text};

use super::judge::{Destination, Facts, Limits, Room, judge};
use super::quiet::Quiet;
use super::rules::{Notice, Reason, Recipient, Route, Rules, State};
use super::*;
use crate::statutory::calendar::{Calendar, Hours};
use crate::store::queues::Waiting;
use crate::stuck::{Cause, LinkTrouble};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Wednesday, 10 o'clock in Vietnam.
fn morning() -> Instant {
    Instant::from_vietnam(date(2026, 7, 15).at(10, 0, 0, 0)).unwrap()
}

fn at(minutes: i64) -> Instant {
    morning().plus_millis(minutes * MINUTE)
}

fn alarm(kind: Kind, subject: &str, now: Instant) -> Alarm {
    Alarm::new(kind, subject, now, Told::new(Text { vi: "{} hỏng", en: "{} is broken" }, &[subject]))
}

fn mail(address: &str) -> Recipient {
    Recipient::Mail(address.to_owned())
}

fn route(name: &str, to: &str) -> Route {
    Route { name: name.to_owned(), to: vec![mail(to)], quiet: true, ..Route::default() }
}

fn rules(routes: Vec<Route>) -> Rules {
    Rules { routes, group: 2 * MINUTE, clear: 10 * MINUTE, repeat: 24 * HOUR, per_hour: 12, quiet: None }
}

fn night(rules: Rules) -> Rules {
    // Thursday is a holiday; the Saturday after it is worked.
    let own = "[[year]]\nyear = 2026\nknown = true\noff = [{ from = \"2026-07-23\", name = \"thí dụ\" }]\n\
               work = [{ from = \"2026-07-25\", name = \"làm bù\" }]\n";
    let working = Calendar::read(&[("own", own)], Hours::default()).unwrap();
    let (from, to) = (time(18, 0, 0, 0), time(7, 0, 0, 0));
    let quiet = Quiet { from, to, working: Some(Arc::new(working)), except: Severity::Critical };
    Rules { quiet: Some(quiet), ..rules }
}

fn step(rules: &Rules, state: &mut State, present: &[Alarm], now: Instant) -> Vec<Notice> {
    rules.step(state, present.to_vec(), &|_| 0, now).notices
}

fn told(notices: &[Notice]) -> Vec<(Reason, usize, usize)> {
    notices.iter().map(|notice| (notice.reason, notice.alarms.len(), notice.ended.len())).collect()
}

#[test]
fn alarms_of_a_kind_are_one_notice_and_a_critical_one_does_not_wait() {
    let (rules, mut state) = (rules(vec![route("it", "a@example.vn")]), State::default());
    let one = alarm(Kind::DestinationDown, "g09", at(0));
    assert!(step(&rules, &mut state, std::slice::from_ref(&one), at(0)).is_empty(), "it waits for others");
    let two = alarm(Kind::DestinationDown, "h49", at(1));
    assert!(step(&rules, &mut state, &[one.clone(), two.clone()], at(1)).is_empty());
    let books = alarm(Kind::BooksUnbalanced, "", at(2));
    let all = [one, two, books];
    let notices = step(&rules, &mut state, &all, at(2));
    assert_eq!(told(&notices), [(Reason::New, 1, 0), (Reason::New, 2, 0)], "by kind, the more harmful first");
    assert_eq!(notices[0].alarms[0].kind, Kind::BooksUnbalanced);
    assert!(step(&rules, &mut state, &all, at(3)).is_empty(), "nobody is told twice");
    let notices = step(&rules, &mut state, &all, at(2 + 24 * 60));
    assert_eq!(told(&notices), [(Reason::Reminder, 3, 0)], "a day later once more");
}

#[test]
fn the_end_is_told_once_and_only_to_who_heard_of_it() {
    let serious = Route { least: Some(Severity::Critical), ..route("chief", "b@example.vn") };
    let (rules, mut state) = (rules(vec![route("it", "a@example.vn"), serious]), State::default());
    let one = alarm(Kind::DestinationDown, "g09", at(0));
    step(&rules, &mut state, std::slice::from_ref(&one), at(0));
    assert_eq!(told(&step(&rules, &mut state, &[one], at(2))), [(Reason::New, 1, 0)]);
    assert!(step(&rules, &mut state, &[], at(3)).is_empty(), "away for a moment is not over");
    assert!(step(&rules, &mut state, &[], at(12)).is_empty());
    let notices = step(&rules, &mut state, &[], at(13));
    assert_eq!(told(&notices), [(Reason::Resolved, 0, 1)]);
    assert_eq!(notices[0].to, mail("a@example.vn"));
    assert!(step(&rules, &mut state, &[], at(14)).is_empty());
    let changed = rules.step(&mut state, Vec::new(), &|_| 0, at(13 + 7 * 60)).changed;
    assert!(state.alarms.is_empty() && changed.len() == 1 && changed[0].1.is_none(), "forgotten in the end");
}

#[test]
fn what_is_over_before_it_was_told_is_not_told() {
    let (rules, mut state) = (rules(vec![route("it", "a@example.vn")]), State::default());
    step(&rules, &mut state, &[alarm(Kind::DestinationDown, "g09", at(0))], at(0));
    for minute in 1..30 {
        assert!(step(&rules, &mut state, &[], at(minute)).is_empty());
    }
}

#[test]
fn quiet_hours_hold_back_all_but_the_worst_and_end_with_one_summary() {
    let (rules, mut state) = (night(rules(vec![route("it", "a@example.vn")])), State::default());
    let evening = Instant::from_vietnam(date(2026, 7, 15).at(20, 0, 0, 0)).unwrap();
    let later = |minutes: i64| evening.plus_millis(minutes * MINUTE);
    let (down, gone) = (alarm(Kind::DestinationDown, "g09", evening), alarm(Kind::NotTaken, "H49.61", evening));
    assert!(step(&rules, &mut state, &[down.clone(), gone], evening).is_empty());
    assert!(step(&rules, &mut state, std::slice::from_ref(&down), later(10)).is_empty());
    let books = alarm(Kind::BooksUnbalanced, "", later(11));
    let notices = step(&rules, &mut state, &[down.clone(), books.clone()], later(11));
    assert_eq!(told(&notices), [(Reason::New, 1, 0)], "what cannot wait does not");
    assert!(step(&rules, &mut state, &[down.clone(), books.clone()], later(60)).is_empty());
    let notices = step(&rules, &mut state, &[down.clone(), books.clone()], later(11 * 60));
    assert_eq!(told(&notices), [(Reason::Summary, 1, 1)], "at seven, with what came and went");
    assert_eq!(notices[0].ended[0].kind, Kind::NotTaken);
    assert!(step(&rules, &mut state, &[down, books], later(11 * 60 + 1)).is_empty());
}

#[test]
fn quiet_hours_run_over_midnight_and_weekends() {
    let quiet = night(rules(Vec::new())).quiet.unwrap();
    let of = |day, hour| Instant::from_vietnam(date(2026, 7, day).at(hour, 0, 0, 0)).unwrap();
    assert!(quiet.at(of(15, 18)) && quiet.at(of(15, 23)) && quiet.at(of(16, 6)) && !quiet.at(of(16, 7)));
    assert!(quiet.at(of(18, 12)) && quiet.at(of(19, 12)), "Saturday and Sunday");
    assert!(!quiet.holds(Severity::Critical, of(15, 23)) && quiet.holds(Severity::Serious, of(15, 23)));
    assert_eq!(quiet.next_ends(of(17, 20), 2), [of(20, 7), of(21, 7)], "Friday evening: not before Monday");
    assert!(quiet.at(of(23, 12)) && !quiet.at(of(25, 12)), "a holiday, and a Saturday that is worked");
    assert_eq!(quiet.next_ends(of(22, 20), 3), [of(24, 7), of(25, 7), of(27, 7)]);
}

#[test]
fn what_nobody_takes_care_of_goes_to_the_second_route() {
    let first = Route { escalates: Some((30 * MINUTE, "chief".to_owned())), ..route("it", "a@example.vn") };
    let second = Route { only_escalated: true, ..route("chief", "b@example.vn") };
    let rules = rules(vec![first, second]);
    let (one, two) = (alarm(Kind::DestinationDown, "g09", at(0)), alarm(Kind::DestinationDown, "h49", at(0)));
    let mut state = State::default();
    step(&rules, &mut state, &[one.clone(), two.clone()], at(0));
    assert_eq!(told(&step(&rules, &mut state, &[one.clone(), two.clone()], at(2))), [(Reason::New, 2, 0)]);
    assert!(state.acknowledge(&(Kind::DestinationDown, "h49".to_owned()), "an", at(5)));
    assert!(!state.acknowledge(&(Kind::DestinationDown, "x".to_owned()), "an", at(5)));
    assert!(step(&rules, &mut state, &[one.clone(), two.clone()], at(29)).is_empty());
    let notices = step(&rules, &mut state, &[one.clone(), two.clone()], at(30));
    assert_eq!(told(&notices), [(Reason::Escalated, 1, 0)], "not the one that somebody took");
    assert_eq!((&notices[0].to, notices[0].alarms[0].subject.as_str()), (&mail("b@example.vn"), "g09"));
    assert!(step(&rules, &mut state, &[one, two], at(31)).is_empty());
    step(&rules, &mut state, &[], at(40));
    let to: HashSet<Recipient> = step(&rules, &mut state, &[], at(50)).into_iter().map(|notice| notice.to).collect();
    assert_eq!(to.len(), 2, "both hear of the end");
}

#[test]
fn what_comes_and_goes_is_one_alarm() {
    let (rules, mut state) = (rules(vec![route("it", "a@example.vn")]), State::default());
    let one = alarm(Kind::DestinationDown, "g09", at(0));
    let mut notices = Vec::new();
    // There for three minutes, away for twelve, all day.
    for minute in 0..24 * 60 {
        let present = if minute % 15 < 3 { vec![one.clone()] } else { Vec::new() };
        notices.extend(step(&rules, &mut state, &present, at(minute)));
    }
    assert!(notices.len() <= 4, "{:?}", told(&notices));
}

#[test]
fn a_storm_is_a_few_notices_and_nothing_of_it_is_lost() {
    let mut rules = rules(vec![route("it", "a@example.vn")]);
    rules.per_hour = 3;
    let mut state = State::default();
    let kinds = [Kind::DestinationDown, Kind::NotTaken, Kind::CrlStale, Kind::DirectoryNotTaken, Kind::CanaryMissing];
    let mut present = Vec::new();
    let mut notices = Vec::new();
    for minute in 0..50 {
        present.push(alarm(kinds[minute % kinds.len()], &minute.to_string(), at(minute as i64)));
        notices.extend(step(&rules, &mut state, &present, at(minute as i64)));
    }
    assert_eq!(notices.len(), 3);
    for minute in 50..200 {
        notices.extend(step(&rules, &mut state, &present, at(minute)));
    }
    assert!(notices.len() <= 6, "{}", notices.len());
    let all: HashSet<&str> = notices.iter().flat_map(|n| &n.alarms).map(|alarm| alarm.subject.as_str()).collect();
    assert_eq!(all.len(), 50);
    // A server that takes nothing: nothing more is made for it.
    let mut state = State::default();
    assert!(rules.step(&mut state, present.clone(), &|_| rules::MAX_WAITING, at(300)).notices.is_empty());
    let notices = rules.step(&mut state, present, &|_| 0, at(303)).notices;
    assert_eq!(told(&notices), [(Reason::Summary, 50, 0)], "then all in one");
}

#[test]
fn one_that_grows_worse_is_told_again() {
    let (rules, mut state) = (rules(vec![route("it", "a@example.vn")]), State::default());
    let one = alarm(Kind::CertificateExpiring, "hop", at(0));
    step(&rules, &mut state, std::slice::from_ref(&one), at(0));
    assert_eq!(step(&rules, &mut state, std::slice::from_ref(&one), at(2)).len(), 1);
    let worse = one.clone().at(Severity::Serious);
    assert_eq!(told(&step(&rules, &mut state, std::slice::from_ref(&worse), at(3))), [(Reason::New, 1, 0)]);
    assert!(step(&rules, &mut state, &[worse], at(4)).is_empty());
    assert!(step(&rules, &mut state, &[one], at(5)).is_empty());
}

#[test]
fn nothing_is_told_twice_after_a_restart() {
    let (rules, mut state) = (rules(vec![route("it", "a@example.vn")]), State::default());
    let one = alarm(Kind::DestinationDown, "g09", at(0));
    step(&rules, &mut state, std::slice::from_ref(&one), at(0));
    assert_eq!(step(&rules, &mut state, std::slice::from_ref(&one), at(2)).len(), 1);
    let mut again = State::default();
    for (name, kept) in &state.alarms {
        let read = serde_json::from_str(&serde_json::to_string(kept).unwrap()).unwrap();
        assert_eq!(&read, kept);
        again.alarms.insert(name.clone(), read);
    }
    let later = Alarm { since: at(5), ..one };
    assert!(step(&rules, &mut again, &[later], at(5)).is_empty());
    assert_eq!(again.alarms.values().next().unwrap().alarm.since, at(0), "since then, not since the restart");
    step(&rules, &mut again, &[], at(6));
    assert_eq!(told(&step(&rules, &mut again, &[], at(16))), [(Reason::Resolved, 0, 1)]);
}

#[test]
fn what_is_seen_is_judged() {
    let now = at(0);
    let limits = Limits::default();
    assert!(judge(&Facts::default(), &limits, now).is_empty());
    let waiting = |count, minutes: i64| Waiting { count, oldest: Some(at(-minutes)) };
    let away = LinkTrouble { connected: false, blocked: false, error: Some("connection refused".to_owned()) };
    let destination = |name: &str, since: Option<i64>, urgent| Destination {
        name: name.parse().unwrap(),
        state: crate::delivery::DestinationState::default(),
        link: since.map(|_| away.clone()),
        away_since: since.map(|minutes| at(-minutes)),
        normal: Waiting::default(),
        urgent,
    };
    let facts = Facts {
        parts: vec![
            ("store".to_owned(), false, "disk I/O error".to_owned()),
            ("broker-0".to_owned(), false, String::new()),
        ],
        destinations: vec![
            destination("g09", Some(6), Waiting::default()),
            destination("h49", Some(1), Waiting::default()),
            destination("h61", None, waiting(3, 20)),
        ],
        differences: Some(2),
        ledger_alarms: 1,
        not_taken: vec![("H49.61".parse().unwrap(), waiting(4, 600))],
        failed: vec![(Cause::EndpointDown, waiting(7, 60)), (Cause::Schema, Waiting::default())],
        secrets: waiting(1, 30),
        room: Some(Room { free: 4 << 30, total: 100 << 30 }),
        clock_behind: Some(90_000),
        canaries: vec![("G09.99".parse().unwrap(), at(-9))],
        unseen: vec![
            ("axis".parse().unwrap(), "edoc of H37.02".to_owned(), at(-3_600_000), "15 Sai khoa".to_owned()),
            // Not long enough yet.
            ("axis".parse().unwrap(), "edoc of H37.03".to_owned(), at(-1), "20".to_owned()),
        ],
        aside: vec![("axis".parse().unwrap(), "edoc of H37.04".to_owned(), 3, at(-2))],
        set_aside: vec![("main".to_owned(), 5)],
        untold: vec![("mail:a@example.vn".to_owned(), at(-5), "no answer".to_owned())],
        ..Facts::default()
    };
    let mut alarms = judge(&facts, &limits, now);
    sort(&mut alarms);
    let kinds: Vec<(Kind, &str, u64)> = alarms.iter().map(|a| (a.kind, a.subject.as_str(), a.count)).collect();
    let expected = [
        (Kind::BooksUnbalanced, "", 2),
        (Kind::LedgerAlarm, "", 1),
        (Kind::StateSecret, "", 1),
        (Kind::GatewayImpaired, "store", 1),
        (Kind::DiskFilling, "", 1),
        (Kind::UrgentStuck, "h61", 3),
        (Kind::DestinationDown, "g09", 1),
        (Kind::ArrivalsStopped, "axis: edoc of H37.02", 1),
        (Kind::ClockWrong, "", 1),
        (Kind::FailedAtDeadline, "endpoint-down", 7),
        (Kind::ArrivalsAside, "axis: edoc of H37.04", 3),
        (Kind::SetAside, "main", 5),
        (Kind::NotTaken, "H49.61", 4),
        (Kind::CanaryMissing, "G09.99", 1),
        (Kind::NoticesNotTold, "mail:a@example.vn", 1),
    ];
    assert_eq!(kinds, expected);
    let down = alarms.iter().find(|alarm| alarm.kind == Kind::DestinationDown).unwrap();
    assert_eq!((down.since, down.severity), (at(-6), Severity::Serious));
    assert_eq!(
        alarms.iter().find(|alarm| alarm.kind == Kind::NotTaken).unwrap().what.vi,
        "Cơ quan H49.61 có 4 văn bản chưa lấy quá 8 giờ làm việc."
    );
}

#[test]
fn the_words_are_whole_in_both_languages() {
    let mut words = HashSet::new();
    for kind in Kind::ALL {
        assert!(words.insert(kind.as_str()));
        assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        assert_eq!(serde_json::to_string(kind).unwrap(), format!("{:?}", kind.as_str()));
        for text in [kind.title(), kind.owner(), kind.next()] {
            assert!(!text.vi.is_empty() && !text.en.is_empty());
            assert!(unicode_normalization::is_nfc(text.vi), "{}", text.vi);
        }
    }
}

#[test]
fn a_letter_says_what_since_when_whose_turn_and_what_to_do() {
    let hop: lienthong_contract::HopName = "province-a".parse().unwrap();
    let one = alarm(Kind::DestinationDown, "g09\r\nBcc: x@example.vn", at(0));
    let notice = Notice {
        id: "alarm_1".to_owned(),
        to: mail("a@example.vn"),
        route: "it".to_owned(),
        reason: Reason::New,
        at: at(3),
        alarms: vec![one],
        ended: Vec::new(),
        more: 0,
    };
    let letter = letter::letter(&notice, &hop);
    assert!(letter.subject.starts_with("[province-a] Báo động: g09"), "{}", letter.subject);
    assert!(!letter.subject.contains(['\r', '\n']), "what is told makes no header");
    for part in ["Tuyến không nhận văn bản", "Từ lúc: 15/07/2026 10:00", "Việc cần làm:", "Whose turn:", "is broken"]
    {
        assert!(letter.body.contains(part), "{part} in {}", letter.body);
    }
    let json: serde_json::Value = serde_json::from_slice(&letter::json(&notice, &hop)).unwrap();
    assert_eq!(json["data"]["alarms"][0]["kind"], "destination-down");
    assert_eq!(json["data"]["reason"], "new");
    assert_eq!(json["type"], "alerts");
}
