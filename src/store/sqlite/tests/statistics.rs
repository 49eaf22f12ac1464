//! The statistics: each document counts once, as the clocks say, in whatever portions it was followed.

use std::sync::Arc;

use jiff::civil::{Date, DateTime, date};
use lienthong_contract::{ConsignmentId, Instant};

use super::support::{Made, Stamp, about, agency, letter, open, to_nation};
use crate::books::statement::number_of;
use crate::receipts::{Event, Receipt, Sealed, seal};
use crate::statutory::{Calendar, Hours, Signed, Terms};
use crate::store::sqlite::SqliteStore;
use crate::store::statistics::{Direction, Figures, Pending, Scope, Sum, Wanted};
use crate::store::{PacketKind, Route, StatisticsStore, StatusFact, Store};

fn terms(urgent: u32) -> Arc<Terms> {
    let calendar = Calendar::read(&[], Hours::default()).unwrap();
    Arc::new(Terms { calendar, urgent_send_minutes: urgent, urgent_acknowledge_minutes: 60 })
}

fn at(text: &str) -> Instant {
    Instant::from_vietnam(text.parse::<DateTime>().unwrap()).unwrap()
}

/// A letter that was signed on this day and handed in at this moment.
fn handed_in(name: &str, signed: Option<Signed>, when: &str, urgency: u8, to: &[(&str, Route)]) -> Made {
    let mut made = letter(name, urgency, to);
    (made.packet.received_at, made.packet.signed) = (at(when), signed);
    let now = |receipt: &Sealed| Receipt { time: at(when), ..Receipt::clone(&receipt.receipt) };
    made.submission = seal(now(&made.submission), &Stamp).unwrap();
    for consignment in &mut made.consignments {
        for receipt in &mut consignment.receipts {
            *receipt = seal(Receipt { previous: Some(made.submission.digest), ..now(receipt) }, &Stamp).unwrap();
        }
    }
    made
}

/// The end of what lies in a mailbox here.
fn end(made: &Made, nr: usize, event: Event, when: &str) -> (ConsignmentId, Sealed) {
    let consignment = &made.consignments[nr];
    let mut packet = made.packet.clone();
    packet.received_at = at(when);
    let before = consignment.receipts.last().unwrap();
    let sealed = about(&packet, consignment.id, event, "province-a", before);
    (consignment.id, sealed)
}

/// The recipient says at this moment that it has the document.
fn said(made: &Made, nr: usize, when: &str) -> Made {
    let mut word = handed_in(&format!("01 of {when}"), None, when, 0, &[("H37.90", Route::Mailbox)]);
    word.packet.kind = PacketKind::Status;
    word.packet.sender = made.consignments[nr].recipient.clone();
    word.packet.document_id = None;
    word.packet.status = Some(StatusFact {
        document_id: made.packet.document_id.clone().unwrap(),
        about: made.packet.sender.clone(),
        code: "01".to_owned(),
        description: None,
        time: None,
    });
    word
}

async fn follow(store: &SqliteStore, terms: &Arc<Terms>, limit: usize) {
    while store.fold(Arc::clone(terms), limit).await.unwrap() {}
}

fn scope(code: &str, below: bool) -> Option<Scope> {
    Some(Scope { agency: agency(code), below })
}

fn wanted(from: Date, to: Date) -> Wanted {
    Wanted { from: number_of(from), to: number_of(to), by_agency: true, by_day: true, ..Wanted::default() }
}

async fn year(store: &SqliteStore) -> Vec<Sum> {
    store.sums(wanted(date(2026, 1, 1), date(2026, 12, 31))).await.unwrap()
}

fn of(sums: &[Sum], code: &str, direction: Direction, day: Date) -> Figures {
    let found =
        |sum: &&Sum| sum.agency == Some(agency(code)) && sum.direction == direction && sum.day == Some(number_of(day));
    sums.iter().find(found).map(|sum| sum.figures).unwrap_or_default()
}

const HERE: [(&str, Route); 2] = [("H37.91", Route::Mailbox), ("H37.92", Route::Mailbox)];

/// Letters before Tết, over a weekend, urgent, without a date and to elsewhere; between the steps `between` is called.
async fn a_february(store: &SqliteStore, terms: Option<&Arc<Terms>>) {
    let step = async || {
        if let Some(terms) = terms {
            follow(store, terms, 1).await;
        }
    };
    let on = |month, day| Some(Signed::On(date(2026, month, day)));
    let before_tet = handed_in("before Tết", on(2, 13), "2026-02-23T11:00", 0, &HERE);
    before_tet.accept(store).await;
    step().await;
    let too_late = handed_in("too late", on(2, 13), "2026-02-23T14:00", 0, &HERE[..1]);
    too_late.accept(store).await;
    handed_in("without a date", None, "2026-02-23T15:00", 0, &HERE[..1]).accept(store).await;
    step().await;
    let urgent = Some(Signed::At(at("2026-02-24T08:00")));
    let urgent = handed_in("urgent", urgent, "2026-02-24T08:20", 1, &HERE[..1]);
    urgent.accept(store).await;
    let far = handed_in("far", on(2, 24), "2026-02-24T09:00", 0, &[("G09.90", to_nation())]);
    far.accept(store).await;
    step().await;
    let (id, handed) = end(&before_tet, 0, Event::ContentHandover, "2026-02-23T23:00");
    store.acknowledge(id, handed).await.unwrap();
    step().await;
    // Its word comes on the next day; the receipt that comes after it changes nothing.
    said(&too_late, 0, "2026-02-24T08:00").accept(store).await;
    step().await;
    let (id, handed) = end(&too_late, 0, Event::ContentHandover, "2026-02-25T08:00");
    store.acknowledge(id, handed).await.unwrap();
    let (id, failed) = end(&urgent, 0, Event::ContentHandoverFailure, "2026-03-20T08:00");
    store.fail(id, failed).await.unwrap();
    let lost = about(&far.packet, far.id(), Event::RelayFailure, "province-a", &far.submission);
    store.fail(far.id(), lost).await.unwrap();
    step().await;
}

#[tokio::test]
async fn each_document_counts_as_the_clocks_say() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let terms = terms(30);
    a_february(&store, None).await;
    follow(&store, &terms, 1000).await;
    let sums = year(&store).await;
    let (monday, tuesday) = (date(2026, 2, 23), date(2026, 2, 24));
    assert_eq!(
        of(&sums, "H37.90", Direction::Sent, monday),
        Figures { documents: 3, on_time: 1, late: 1, not_measured: 1, recipients: 4, ..Figures::default() }
    );
    assert_eq!(
        of(&sums, "H37.90", Direction::Sent, tuesday),
        Figures { documents: 2, on_time: 2, recipients: 2, failed: 2, ..Figures::default() },
        "the urgent one within thirty minutes; neither reached anybody"
    );
    assert_eq!(
        of(&sums, "H37.91", Direction::Received, monday),
        Figures { documents: 3, on_time: 1, late: 1, ..Figures::default() },
        "the third is not acknowledged yet"
    );
    assert_eq!(
        of(&sums, "H37.91", Direction::Received, tuesday),
        Figures { documents: 1, late: 1, failed: 1, ..Figures::default() }
    );
    assert_eq!(of(&sums, "H37.92", Direction::Received, monday).waiting(), 1);
    assert!(sums.iter().all(|sum| sum.agency != Some(agency("G09.90"))), "it has no mailbox here");

    let pending = |now, until| store.pending(None, at(now), at(until));
    let today = pending("2026-02-23T16:00", "2026-02-23T23:59:59.999").await.unwrap();
    assert_eq!(today, Pending { overdue: 0, ending: 2, later: 0 });
    let tomorrow = pending("2026-02-24T00:00", "2026-02-24T23:59").await.unwrap();
    assert_eq!(tomorrow, Pending { overdue: 2, ending: 0, later: 0 });
    let one = store.pending(scope("H37.92", false), at("2026-02-24T00:00"), at("2026-02-24T23:59")).await.unwrap();
    assert_eq!(one.overdue, 1);

    // Summed up over days and agencies, and the urgent ones alone.
    let all = Wanted { by_agency: false, by_day: false, ..wanted(monday, tuesday) };
    let sums = store.sums(all.clone()).await.unwrap();
    assert_eq!(sums.iter().map(|sum| sum.figures.documents).collect::<Vec<_>>(), [5, 5]);
    assert_eq!(sums[0].figures.per_mille_on_time(), Some(750));
    let urgent = Wanted { urgencies: vec![1, 2], scope: scope("H37.91", false), ..all.clone() };
    let sums = store.sums(urgent).await.unwrap();
    assert_eq!((sums.len(), sums[0].direction, sums[0].figures.late), (1, Direction::Received, 1));
    // The province with all below it; its code alone has nothing, and is not the beginning of another one's.
    for (code, below, expected) in [("H37", true, 10), ("H37", false, 0), ("H3", true, 0), ("H37.91", true, 4)] {
        let sums = store.sums(Wanted { scope: scope(code, below), ..all.clone() }).await.unwrap();
        assert_eq!(sums.iter().map(|sum| sum.figures.documents).sum::<u64>(), expected, "{code} {below}");
    }
    let below = store.pending(scope("H37", true), at("2026-02-24T00:00"), at("2026-02-24T23:59")).await.unwrap();
    assert_eq!(below.overdue, 2);
}

#[tokio::test]
async fn figures_made_anew_are_those_that_were_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let usual = terms(30);
    a_february(&store, Some(&usual)).await;
    follow(&store, &usual, 1).await;
    let kept = year(&store).await;
    // Other terms: what was urgent and sent after twenty minutes is late now.
    follow(&store, &terms(10), 3).await;
    let strict = year(&store).await;
    assert_eq!(of(&strict, "H37.90", Direction::Sent, date(2026, 2, 24)).late, 1);
    follow(&store, &usual, 1000).await;
    assert_eq!(year(&store).await, kept);
    assert!(!store.fold(Arc::clone(&usual), 1000).await.unwrap(), "there is nothing more to follow");

    let other = tempfile::tempdir().unwrap();
    let anew = open(other.path());
    a_february(&anew, None).await;
    follow(&anew, &usual, 7).await;
    assert_eq!(year(&anew).await, kept);
}

#[tokio::test]
async fn the_facts_of_a_document_tell_signing_sending_arrival_and_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let signed = Some(Signed::On(date(2026, 3, 10)));
    let made = handed_in("facts", signed, "2026-03-10T09:00", 3, &HERE);
    made.accept(&store).await;
    let (id, handed) = end(&made, 0, Event::ContentHandover, "2026-03-10T10:00");
    store.acknowledge(id, handed).await.unwrap();
    let facts = store.clock_facts(made.packet.doc_id).await.unwrap().unwrap();
    assert_eq!((facts.signed, facts.urgency, facts.sent), (signed, 3, Some(at("2026-03-10T09:00"))));
    let arrived = Some(at("2026-03-10T09:00"));
    let second = made.consignments[1].id;
    assert_eq!(facts.recipients, [(id, arrived, Some(at("2026-03-10T10:00"))), (second, arrived, None)]);
}
