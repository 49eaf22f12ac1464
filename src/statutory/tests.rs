//! The clocks over weekends, Tết, made-up Saturdays and years that nobody announced yet.
#![allow(clippy::unwrap_used)]

use jiff::civil::{Date, date};
use lienthong_contract::Instant;
use proptest::prelude::*;

use super::calendar::Fault;
use super::clock::Sending;
use super::{Answer, Calendar, Hours, Signed, Terms, Why};

fn terms() -> Terms {
    let calendar = Calendar::read(&[], Hours::default()).unwrap();
    Terms { calendar, urgent_send_minutes: 30, urgent_acknowledge_minutes: 60 }
}

fn at(text: &str) -> Instant {
    let (day, time) = text.split_once(' ').unwrap();
    let day: Date = day.parse().unwrap();
    Instant::from_vietnam(day.to_datetime(time.parse().unwrap())).unwrap()
}

fn normal(signed: &str, sent: Option<&str>) -> Sending {
    let signed = Some(Signed::On(signed.parse().unwrap()));
    Sending { signed, urgent: false, changes_another: false, sent: sent.map(at) }
}

/// What a clock says, in a word.
fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Met { .. } => "met",
        Answer::Late { at: Some(_), .. } => "late",
        Answer::Late { at: None, .. } => "over",
        Answer::Running { .. } => "running",
        Answer::NotMeasurable(_) => "-",
    }
}

#[test]
fn a_document_is_sent_on_its_day_or_on_the_next_working_morning() {
    for (signed, sent, expected) in [
        ("2026-03-10", "2026-03-10 23:59", "met"),
        ("2026-03-10", "2026-03-11 12:00", "met"),
        ("2026-03-10", "2026-03-11 12:01", "late"),
        // Friday, and the Monday after.
        ("2026-03-13", "2026-03-16 11:59", "met"),
        ("2026-03-13", "2026-03-16 13:00", "late"),
        // Signed on a Sunday.
        ("2026-03-15", "2026-03-16 12:00", "met"),
        // The last working day before Tết Bính Ngọ; the first after it is Monday, 23 February.
        ("2026-02-13", "2026-02-23 12:00", "met"),
        ("2026-02-13", "2026-02-23 12:00:01", "late"),
        // Quốc khánh: 29 August to 2 September; Saturday, 22 August, is worked.
        ("2026-08-28", "2026-09-03 09:00", "met"),
        ("2026-08-28", "2026-09-03 14:00", "late"),
        ("2026-08-21", "2026-08-22 12:00", "met"),
        ("2026-08-21", "2026-08-24 09:00", "late"),
        // The made-up Saturdays of the New Year 2026 and of May 2025, and the day in lieu of 2026's Giỗ Tổ.
        ("2026-01-09", "2026-01-12 09:00", "late"),
        ("2026-01-01", "2026-01-05 12:00", "met"),
        ("2025-04-25", "2025-04-26 11:00", "met"),
        ("2025-04-29", "2025-05-05 11:00", "met"),
        ("2026-04-24", "2026-04-28 11:00", "met"),
    ] {
        let judged = terms().sending(&normal(signed, Some(sent)), at("2027-01-01 00:00"));
        assert_eq!(word(judged.answer), expected, "signed {signed}, sent {sent}");
        assert!(judged.known, "{signed}");
    }
}

#[test]
fn what_is_not_sent_yet_runs_until_its_limit() {
    let sending = normal("2026-02-13", None);
    let judged = terms().sending(&sending, at("2026-02-20 08:00"));
    assert_eq!(judged.answer, Answer::Running { limit: at("2026-02-23 12:00") });
    let now = at("2026-02-23 13:00");
    let judged = terms().sending(&sending, now);
    assert_eq!(judged.answer.late_by(now), Some(3_600_000));
}

#[test]
fn an_urgent_document_goes_at_once() {
    let urgent = |signed, sent: &str| Sending { signed, urgent: true, changes_another: false, sent: Some(at(sent)) };
    let signed = Some(Signed::At(at("2026-03-10 16:50")));
    let say = |sending: Sending| terms().sending(&sending, at("2026-03-30 08:00")).answer;
    assert_eq!(word(say(urgent(signed, "2026-03-10 17:20"))), "met");
    assert_eq!(word(say(urgent(signed, "2026-03-10 17:21"))), "late");
    let day = Some(Signed::On(date(2026, 3, 10)));
    assert_eq!(say(urgent(day, "2026-03-10 23:00")), Answer::NotMeasurable(Why::OnlyTheDay));
    assert_eq!(word(say(urgent(day, "2026-03-11 00:00"))), "late");
}

#[test]
fn an_arrival_is_acknowledged_the_same_day() {
    for (arrived, urgent, done, expected) in [
        ("2026-03-10 09:00", false, "2026-03-10 23:59", "met"),
        ("2026-03-10 09:00", false, "2026-03-11 00:00", "late"),
        ("2026-03-10 16:59", false, "2026-03-10 20:00", "met"),
        // After hours, on the eve of Tết, on a Saturday that is worked and on one that is not.
        ("2026-03-10 17:00", false, "2026-03-11 23:00", "met"),
        ("2026-02-13 18:00", false, "2026-02-23 22:00", "met"),
        ("2026-02-13 18:00", false, "2026-02-24 00:00", "late"),
        ("2026-08-22 10:00", false, "2026-08-24 08:00", "late"),
        ("2026-08-29 10:00", false, "2026-09-03 08:00", "met"),
        ("2026-03-10 09:00", true, "2026-03-10 10:00", "met"),
        ("2026-03-10 09:00", true, "2026-03-10 10:01", "late"),
        ("2026-03-10 03:00", true, "2026-03-10 09:00", "met"),
        ("2026-03-13 22:00", true, "2026-03-16 09:00", "met"),
        ("2026-03-13 22:00", true, "2026-03-16 09:01", "late"),
    ] {
        let judged = terms().acknowledgement(Some(at(arrived)), urgent, Some(at(done)), at("2027-01-01 00:00"));
        assert_eq!(word(judged.answer), expected, "arrived {arrived}, acknowledged {done}, urgent {urgent}");
    }
}

#[test]
fn nothing_is_measured_where_nothing_is_known() {
    let now = at("2026-03-10 09:00");
    let mut sending = normal("2026-03-11", Some("2026-03-10 09:00"));
    assert_eq!(terms().sending(&sending, now).answer, Answer::NotMeasurable(Why::SignedLater));
    sending = Sending { changes_another: true, ..normal("2026-03-01", Some("2026-03-10 09:00")) };
    assert_eq!(terms().sending(&sending, now).answer, Answer::NotMeasurable(Why::ChangesAnother));
    sending.signed = None;
    assert_eq!(terms().sending(&sending, now).answer, Answer::NotMeasurable(Why::NoSigning));
    assert_eq!(terms().acknowledgement(None, false, None, now).answer, Answer::NotMeasurable(Why::NotArrived));
}

#[test]
fn a_year_that_was_not_announced_has_what_the_law_fixes_and_says_so() {
    let calendar = terms().calendar;
    // 1 January 2028 is a Saturday: the Monday after is free in its stead.
    assert!(!calendar.works_on(date(2028, 1, 3)) && calendar.works_on(date(2028, 1, 4)));
    assert_eq!(calendar.special(date(2028, 1, 3)).unwrap().source, "BLLĐ 2019 Điều 111.3");
    assert!(!calendar.works_on(date(2028, 9, 2)) && !calendar.knows(date(2026, 12, 31), date(2027, 1, 4)));
    // Mùng 1 and 2 of 2027 are a weekend.
    assert!(!calendar.works_on(date(2027, 2, 9)) && !calendar.works_on(date(2027, 2, 10)));
    let judged = terms().sending(&normal("2026-12-31", Some("2027-01-04 08:00")), at("2027-02-01 08:00"));
    assert_eq!((word(judged.answer), judged.known), ("met", false));
}

#[test]
fn an_own_file_adds_days_takes_them_back_and_replaces_years() {
    let text = r#"
        [[year]]
        year = 2026
        off = [{ from = "2026-11-24", name = "Ngày Văn hóa Việt Nam" }]
        work = [{ from = "2026-08-31", name = "Tỉnh không hoán đổi" }]
        [[year]]
        year = 2027
        known = true
        replace = true
        off = [{ from = "2027-02-04", to = "2027-02-10", name = "Tết" }]
    "#;
    let calendar = Calendar::read(&[("own", text)], Hours::default()).unwrap();
    assert!(!calendar.works_on(date(2026, 11, 24)) && calendar.works_on(date(2026, 8, 31)));
    assert!(!calendar.works_on(date(2026, 2, 17)), "what the gateway knows of 2026 stays");
    assert!(calendar.works_on(date(2027, 4, 16)) && calendar.works_on(date(2027, 1, 1)), "2027 is as the file says");
    assert!(calendar.knows(date(2027, 2, 1), date(2027, 2, 2)));
    let fault = |text: &str| Calendar::read(&[("own", text)], Hours::default()).unwrap_err();
    let year = |inside: &str| format!("[[year]]\nyear = 2027\n{inside}");
    let off = |from: &str, to: &str| year(&format!(r#"off = [{{ from = "{from}", to = "{to}", name = "x" }}]"#));
    assert!(matches!(fault(&off("2027-02-04", "2027-02-03")), Fault::Stretch { .. }));
    assert!(matches!(fault(&off("2027-12-31", "2028-01-01")), Fault::OtherYear { year: 2027, .. }));
    assert!(matches!(fault(&format!("{}\n{}", year(""), year(""))), Fault::Twice { .. }));
    assert!(matches!(fault("day = 1"), Fault::Form { .. }));
    let both = r#"off = [{ from = "2027-03-01", name = "x" }]
                  work = [{ from = "2027-03-01", name = "y" }]"#;
    assert!(matches!(fault(&year(both)), Fault::Both { .. }));
    let hours = Hours { morning_to: jiff::civil::time(7, 0, 0, 0), ..Hours::default() };
    assert!(matches!(Calendar::read(&[], hours), Err(Fault::Hours)));
}

#[test]
fn working_hours_leave_out_nights_weekends_and_holidays() {
    let calendar = terms().calendar;
    for (now, hours, before) in [
        ("2026-07-15 10:00", 1, "2026-07-15 09:00"),
        ("2026-07-15 10:00", 4, "2026-07-14 15:00"),
        ("2026-07-20 09:00", 8, "2026-07-17 09:00"),
        ("2026-07-19 12:00", 1, "2026-07-17 16:00"),
        ("2026-02-23 09:00", 2, "2026-02-13 16:00"),
        ("2026-08-24 09:00", 2, "2026-08-22 16:00"),
    ] {
        assert_eq!(calendar.hours_before(at(now), hours), at(before), "{hours} h before {now}");
    }
}

prop_compose! {
    fn a_day()(offset in 0..1460_i32) -> Date {
        date(2025, 1, 1).checked_add(jiff::Span::new().days(offset)).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_limit_is_a_working_morning_and_never_moves_back(day in a_day()) {
        let terms = terms();
        let limit = terms.sending_limit(day).unwrap();
        let local = limit.in_vietnam();
        prop_assert!(local.date() > day && terms.calendar.works_on(local.date()));
        prop_assert_eq!(local.hour(), 12);
        // Nobody works between the two.
        let between = day.tomorrow().unwrap().series(jiff::Span::new().days(1)).take_while(|one| *one < local.date());
        prop_assert!(between.map(|one| terms.calendar.works_on(one)).all(|works| !works));
        prop_assert!(terms.sending_limit(day.tomorrow().unwrap()).unwrap() >= limit);
    }

    #[test]
    fn later_is_never_better(day in a_day(), arrived in 0..86_400_000_i64, a in 0..2_000_000_000_i64, b in 0..2_000_000_000_i64, urgent: bool) {
        let terms = terms();
        let arrived = Instant::from_vietnam(day.at(0, 0, 0, 0)).unwrap().plus_millis(arrived);
        let (first, second) = (arrived.plus_millis(a.min(b)), arrived.plus_millis(a.max(b)));
        let met = |done| matches!(terms.acknowledgement(Some(arrived), urgent, Some(done), done).answer, Answer::Met { .. });
        prop_assert!(met(first) || !met(second));
        prop_assert!(met(arrived), "at once is always in time");
        let running = matches!(terms.acknowledgement(Some(arrived), urgent, None, first).answer, Answer::Running { .. });
        prop_assert_eq!(running, met(first), "what runs could still be met");
    }
}
