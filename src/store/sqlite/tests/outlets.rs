//! What leaves the network: by the answer of the system outside alone, and once.

use lienthong_contract::door::ConsignmentState as State;
use lienthong_contract::outlet::News;
use lienthong_contract::{HopName, Instant};

use super::super::SqliteStore;
use super::support::{DUE, Made, Stamp, about, hop, letter, open, outside, relayed};
use crate::books;
use crate::life::{Input, Way};
use crate::receipts::{Event, Receipt, Sealed, seal};
use crate::store::outlets::{Attested, Leaving, OutletStore};
use crate::store::{BooksStore, Route, Store};

fn axis() -> HopName {
    hop("axis")
}

fn to_axis() -> Route {
    Route::Outlet(axis())
}

async fn due(store: &SqliteStore) -> Vec<Leaving> {
    store.due_outside(&axis(), false, 0, 10).await.unwrap()
}

fn after(made: &Made, event: Event, by: &str, before: &Sealed, reports: bool) -> Sealed {
    let receipt = about(&made.packet, made.id(), event, by, before);
    let receipt = Receipt { outside: Some(outside(reports)), ..Receipt::clone(&receipt.receipt) };
    seal(receipt, &Stamp).unwrap()
}

fn attested(made: &Made, input: Input, receipt: &Sealed) -> Vec<Attested> {
    vec![Attested { id: made.id(), input, receipt: receipt.clone(), due: None }]
}

async fn state(store: &SqliteStore, made: &Made) -> State {
    store.trace(made.packet.doc_id).await.unwrap().unwrap().consignments[0].state
}

#[tokio::test]
async fn a_circular_leaves_in_one_part_however_many_recipients_it_has_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let codes: Vec<String> = (1..=100).map(|number| format!("G09.{number:02}")).collect();
    let to: Vec<(&str, Route)> = codes.iter().map(|code| (code.as_str(), to_axis())).collect();
    letter("circular", 0, &to).accept(&store).await;
    // A system outside knows it by its name: the second part of it would be answered as the first was.
    let [leaving] = &due(&store).await[..] else { panic!("one part") };
    assert_eq!(leaving.dispatch.consignments.len(), 100);
    let relay = relayed(&letter("relayed", 0, &to), "province-a", "nation", &to_axis());
    relay.take(&store).await;
    let parts: Vec<usize> = due(&store).await.iter().map(|leaving| leaving.dispatch.consignments.len()).collect();
    assert_eq!(parts, [100, 100]);
}

/// What of it is in the outbox: the entry, how many it holds, whether more may come.
async fn entries(store: &SqliteStore) -> Vec<(i64, usize, bool)> {
    let parts = due(store).await;
    parts.iter().map(|one| (one.dispatch.outbox_id, one.dispatch.consignments.len(), one.gathers)).collect()
}

#[tokio::test]
async fn what_the_hop_before_lets_go_of_bit_by_bit_leaves_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let codes: Vec<String> = (1..=100).map(|number| format!("G09.{number:02}")).collect();
    let to: Vec<(&str, Route)> = codes.iter().map(|code| (code.as_str(), to_axis())).collect();
    let whole = relayed(&letter("in two transfers", 0, &to), "province-a", "nation", &to_axis());
    let part = |from: usize, to: usize| Made { consignments: whole.consignments[from..to].to_vec(), ..whole.clone() };
    let [mut first, second, third] = [part(0, 64), part(64, 80), part(80, 100)];
    first.packet.together = Some(100);
    first.offer(&store).await;
    first.let_go(&store).await;
    let [(entry, 64, true)] = entries(&store).await[..] else { panic!("the hop before has more of it") };
    // All have come, and the hop before may take some of them back yet.
    let rest = part(64, 100);
    rest.offer(&store).await;
    assert_eq!(entries(&store).await, [(entry, 64, true)]);
    second.let_go(&store).await;
    let [(next, 80, true)] = entries(&store).await[..] else { panic!("they join it") };
    assert!(
        next > entry && !store.begins_to_leave(entry).await.unwrap(),
        "whoever has read the entry before sends nothing"
    );
    third.let_go(&store).await;
    let [(last, 100, false)] = entries(&store).await[..] else { panic!("all of them") };
    assert!(last > next && store.begins_to_leave(last).await.unwrap());
    // Said twice, it changes nothing.
    third.let_go(&store).await;
    assert_eq!(entries(&store).await, [(last, 100, false)]);
}

#[tokio::test]
async fn what_was_begun_to_be_sent_is_not_joined() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let to = [("G09.90", to_axis()), ("G10.90", to_axis())];
    let whole = relayed(&letter("begun", 0, &to), "province-a", "nation", &to_axis());
    let part = |place: usize| Made { consignments: vec![whole.consignments[place].clone()], ..whole.clone() };
    whole.offer(&store).await;
    part(0).let_go(&store).await;
    let [(entry, 1, true)] = entries(&store).await[..] else { panic!("one of two") };
    assert!(store.begins_to_leave(entry).await.unwrap());
    part(1).let_go(&store).await;
    let [(same, 1, false), (_, 1, false)] = entries(&store).await[..] else { panic!("two entries") };
    assert_eq!(same, entry);
}

#[tokio::test]
async fn what_is_due_to_an_outlet_is_no_neighbours_and_leaves_by_its_answer_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = letter("out", 0, &[("G09.90", to_axis())]);
    made.accept(&store).await;
    assert!(store.due(&axis(), false, 0, 10).await.unwrap().is_empty(), "a neighbour of that name is another");
    let [leaving] = &due(&store).await[..] else { panic!("one is due") };
    assert_eq!((leaving.perhaps, leaving.heads.clone()), (false, vec![made.submission.clone()]));
    // A neighbour that bears the name has nothing to say of it.
    let forged = about(&made.packet, made.id(), Event::RelayAcceptance, "axis", &made.submission);
    assert!(store.record_receipts(&axis(), vec![forged]).await.unwrap().stored.is_empty());

    store.begins_to_leave(leaving.dispatch.outbox_id).await.unwrap();
    assert!(due(&store).await[0].perhaps, "from before it is sent it may be outside");
    store.did_not_leave(leaving.dispatch.outbox_id, "no connection".to_owned(), false).await.unwrap();
    let again = &due(&store).await[0];
    assert_eq!((again.perhaps, again.dispatch.attempts), (false, 1));

    let left = after(&made, Event::RelayToNonERDS, "province-a", &made.submission, false);
    let taken = attested(&made, Input::Taken { follows: false }, &left);
    let ended = store.attest(taken.clone()).await.unwrap();
    assert_eq!((ended.len(), ended[0].settled), (1, Some(leaving.dispatch.outbox_id)));
    assert!(store.attest(taken).await.unwrap().is_empty(), "the answer came twice");
    assert!(due(&store).await.is_empty() && store.overdue(DUE, 10).await.unwrap().is_empty());
    assert_eq!(state(&store, &made).await, State::PassedOutside);
    let trace = store.trace(made.packet.doc_id).await.unwrap().unwrap();
    let told = trace.consignments[0].receipts[0].outside.clone().unwrap();
    assert_eq!((told.system, told.answer.as_deref(), told.reports), (axis(), Some("Thanh cong"), false));
}

#[tokio::test]
async fn what_a_system_reports_ends_what_it_has_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = letter("reported", 0, &[("G09.90", to_axis())]);
    made.accept(&store).await;
    let name = outside(true).id.unwrap();
    assert!(store.abroad(&axis(), &name, None).await.unwrap().is_empty(), "it has not left yet");
    let left = after(&made, Event::RelayToNonERDS, "province-a", &made.submission, true);
    let taken = Attested { due: Some(DUE), ..attested(&made, Input::Taken { follows: true }, &left).remove(0) };
    store.attest(vec![taken]).await.unwrap();
    assert_eq!(state(&store, &made).await, State::Outside);
    let [overdue] = &store.overdue(DUE, 10).await.unwrap()[..] else { panic!("it has a deadline") };
    assert_eq!((overdue.way, overdue.abroad, overdue.head.digest), (Way::Outlet, true, left.digest));
    assert!(store.overdue(Instant::from_millis(DUE.as_millis() - 1), 10).await.unwrap().is_empty());

    assert!(store.abroad(&axis(), &name, Some(&"H49.90".parse().unwrap())).await.unwrap().is_empty());
    assert!(store.abroad(&hop("other"), &name, None).await.unwrap().is_empty());
    let [awaited] = &store.awaited(&axis(), 0, 10).await.unwrap()[..] else { panic!("it is awaited") };
    assert_eq!((&awaited.id, awaited.recipient.as_str(), awaited.is_status), (&name, "G09.90", false));
    assert!(store.awaited(&axis(), awaited.place, 10).await.unwrap().is_empty());
    assert!(store.awaited(&hop("other"), 0, 10).await.unwrap().is_empty());
    let [abroad] = &store.abroad(&axis(), &name, Some(&"G09.90".parse().unwrap())).await.unwrap()[..] else {
        panic!("it is there")
    };
    assert_eq!((abroad.id, abroad.head.digest), (made.id(), left.digest));
    let received = after(&made, Event::ContentHandover, "province-a", &left, false);
    let news = attested(&made, Input::Reported(News::Received), &received);
    assert_eq!(store.attest(news.clone()).await.unwrap().len(), 1);
    assert!(store.attest(news).await.unwrap().is_empty());
    assert_eq!(state(&store, &made).await, State::HandedOver);
    assert!(store.abroad(&axis(), &name, None).await.unwrap().is_empty() && due(&store).await.is_empty());
    assert!(store.awaited(&axis(), 0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_hop_before_hears_that_it_left_and_the_books_of_both_tell_it() {
    let folder = tempfile::tempdir().unwrap();
    let province = open(folder.path());
    let nation = SqliteStore::open(&folder.path().join("nation.db"), &hop("nation")).unwrap();
    let figures = async |store: &SqliteStore, name: &str| {
        let books: &dyn BooksStore = store;
        books::kept::catch_up(books, &hop(name)).await.unwrap();
        let kept = books::kept::account(books, &hop(name), None, true).await.unwrap();
        let recount = books::kept::recount(books, &hop(name)).await.unwrap();
        assert_eq!((recount.wrong, recount.account.total), (0, kept.total));
        assert!(kept.total.balanced && kept.contradictions.is_empty(), "{kept:#?}");
        (kept.total.accepted, kept.total.passed_outside, kept.total.in_flight)
    };
    let made = letter("through", 0, &[("G09.90", Route::Link(hop("nation")))]);
    made.accept(&province).await;
    let there = relayed(&made, "nation", "province-a", &to_axis());
    there.offer(&nation).await;
    assert!(due(&nation).await.is_empty(), "what is only offered does not leave");
    let acceptance = there.consignments[0].receipts[0].clone();
    province.record_receipts(&hop("nation"), vec![acceptance.clone()]).await.unwrap();
    assert_eq!(there.let_go(&nation).await.queued, [(axis(), false)]);
    assert_eq!(figures(&nation, "nation").await, (1, 0, 1));

    let left = after(&made, Event::RelayToNonERDS, "nation", &acceptance, false);
    let ended = nation.attest(attested(&made, Input::Taken { follows: false }, &left)).await.unwrap();
    assert_eq!(ended[0].previous_hop, Some(hop("province-a")));
    let (queued, _) = nation.queued_receipts(&hop("province-a"), 0, 10).await.unwrap();
    assert_eq!(queued.last().map(|receipt| receipt.digest), Some(left.digest));
    let recorded = province.record_receipts(&hop("nation"), vec![left.clone()]).await.unwrap();
    assert_eq!(recorded.stored, [left.digest]);
    for (store, name) in [(&province, "province-a"), (&nation, "nation")] {
        assert_eq!(state(store, &made).await, State::PassedOutside);
        assert_eq!(figures(store, name).await, (1, 1, 0));
        assert_eq!(store.counts().await.unwrap().passed_outside, 1);
    }
    // A second word about what nothing more is known of contradicts it, and moves nothing.
    let more = after(&made, Event::ContentHandover, "nation", &left, false);
    province.record_receipts(&hop("nation"), vec![more.clone()]).await.unwrap();
    let trace = province.trace(made.packet.doc_id).await.unwrap().unwrap();
    assert_eq!(trace.consignments[0].state, State::PassedOutside);
    assert_eq!(trace.consignments[0].late[0].contradicts, Some(left.digest));
}

#[tokio::test]
async fn what_was_attested_as_never_sent_is_not_sent_and_what_is_being_sent_is_not_attested_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let made = letter("late", 0, &[("G09.90", to_axis())]);
    made.accept(&store).await;
    let entry = due(&store).await[0].dispatch.outbox_id;
    let failure = after(&made, Event::RelayToNonERDSFailure, "province-a", &made.submission, false);
    let because = |kind: &'static lienthong_contract::Kind| {
        let mut receipt = Receipt::clone(&failure.receipt);
        receipt.reason.as_mut().unwrap().code = kind.code.to_owned();
        seal(receipt, &Stamp).unwrap()
    };
    let never = because(&crate::delivery::findings::NOT_PASSED_OUT);
    assert!(store.begins_to_leave(entry).await.unwrap(), "the deadline is being attested at this moment");
    assert!(store.fail(made.id(), never.clone()).await.unwrap().is_none(), "it may be outside by now");
    assert_eq!(state(&store, &made).await, State::Queued);
    store.did_not_leave(entry, "no connection".to_owned(), false).await.unwrap();
    assert!(store.fail(made.id(), never).await.unwrap().is_some());
    assert!(!store.begins_to_leave(entry).await.unwrap(), "it has ended, and is not sent any more");
}
