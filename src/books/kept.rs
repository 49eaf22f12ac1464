//! The books as they are kept: what the receipts told so far is not read again.
//!
//! ```text
//!   receipts ──in pages, in the background──► catch_up ──► lines and sums (the store's)
//!                                                             │ + what has come since (read, not kept)
//!                                                             ▼
//!                                                          account      recount: all receipts again, line by line
//! ```
//!
//! [`catch_up`] follows the receipts by their numbers. A consignment of which a receipt has come is judged anew from all its
//! receipts (`line`), and the sums move by the difference; so do those that were let go of to a next
//! hop, which no receipt tells. The writer is asked for a short transaction a page, and left alone in between.
//!
//! Invariants: a sum is the sum of the kept lines; a kept line is what its receipts told at the position, which
//! [`recount`] checks. Failure story: a page is kept whole or not at all, and whoever computed from an older state keeps nothing.
//! What is kept can be forgotten at any time: it is made again from the receipts.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::civil::Date;
use lienthong_contract::{ConsignmentId, HopName};

use super::account::{Account, Ledger, MAX_DIFFERENCES};
use super::line::{Assessed, assess, headings};
use super::{PAGE, findings, statement};
use crate::store::books::{
    Changed, Changes, Cursor, Fault, Figure, Fold, Heading, KeptBooks, KeptLine, Line, Sheet, Subject,
};
use crate::store::{BooksStore, Result};

/// Receipts that an account reads beyond what is kept; when there are more, it is drawn up from all of them.
const MAX_TAIL: i64 = 100_000;
/// Kept lines compared with the states at a time.
const COMPARED: usize = 4096;
/// How often an account is begun anew because the books were kept on meanwhile.
const TRIES: usize = 3;
/// Rows forgotten in one transaction.
const FORGOTTEN: usize = 512;
/// Pause after each page that is kept, for the packets' sake.
const BREATH: Duration = Duration::from_millis(20);

/// What is changed by a page, from what is kept to what the receipts tell.
fn change(hop: &HopName, changes: &Changes, before: impl Fn(&Line) -> Option<KeptLine>) -> (Fold, Vec<Assessed>) {
    let mut fold = Fold { folds: changes.folds, to: changes.to.at, ..Fold::default() };
    let mut all = Vec::with_capacity(changes.lines.len());
    for Changed { row, acceptance, line } in &changes.lines {
        let assessed = assess(hop, line);
        let mut amounts = assessed.amounts();
        if let Some(kept) = before(line) {
            amounts += -kept.figure.amounts(kept.faulty);
        }
        for heading in headings(&acceptance.receipt, line.known.as_ref()) {
            *fold.sheet.entry(heading).or_default() += amounts;
        }
        fold.lines.push((line.id, *row, assessed.figure));
        fold.faults.extend(assessed.faults(&acceptance.receipt, line));
        all.push(assessed);
    }
    let of_none = |subject, doc_id, kind: &lienthong_contract::Kind| {
        let (code, found) = (kind.code.to_owned(), String::new());
        Fault { subject, doc_id, day: None, code, found }
    };
    let unreadable = changes.unreadable.iter();
    fold.faults.extend(unreadable.map(|row| of_none(Subject::Receipt(*row), None, &findings::CHAIN_BROKEN)));
    let unreceipted = changes.unreceipted.iter();
    fold.faults.extend(
        unreceipted
            .map(|missing| of_none(Subject::Unreceipted(missing.id), Some(missing.doc_id), &findings::NOT_ACCEPTED)),
    );
    (fold, all)
}

/// Keeps the books on to the newest receipt.
///
/// # Errors
/// The store's; what was kept until then is kept.
pub async fn catch_up(store: &dyn BooksStore, hop: &HopName) -> Result<()> {
    let mut at = store.kept_books(Some(0), 0).await?.at;
    if at.receipts < 0 {
        forget(store).await?;
        at = store.kept_books(Some(0), 0).await?.at;
    }
    let mut cursor = Cursor { at, offered: None };
    loop {
        let changes = store.changes(cursor, PAGE).await?;
        let (fold, _) = change(hop, &changes, |line| line.kept);
        let nothing = fold.lines.is_empty() && fold.faults.is_empty() && fold.to == cursor.at;
        // Somebody else keeps them too: theirs is as good.
        if !nothing && !store.fold(fold).await? {
            return Ok(());
        }
        if !changes.more {
            return Ok(());
        }
        cursor = changes.to;
        tokio::time::sleep(BREATH).await;
    }
}

/// Forgets what is kept.
///
/// # Errors
/// The store's; what is left tells nothing, and goes with the next call.
pub async fn forget(store: &dyn BooksStore) -> Result<()> {
    while store.forget_books(FORGOTTEN).await? {
        tokio::time::sleep(BREATH).await;
    }
    Ok(())
}

/// The account of all days or of one, from what is kept and what has come since; from all receipts when that is less
/// work or the books are kept on too fast. With `compare` every kept line is also held against the state of its consignment.
///
/// # Errors
/// The store's.
pub async fn account(store: &dyn BooksStore, hop: &HopName, day: Option<Date>, compare: bool) -> Result<Account> {
    for _ in 0..TRIES {
        let kept = store.kept_books(day.map(statement::number_of), MAX_DIFFERENCES).await?;
        if kept.at.receipts < 0 || kept.newest - kept.at.receipts > MAX_TAIL {
            break;
        }
        if let Some(account) = from_kept(store, hop, day, kept, compare).await? {
            return Ok(account);
        }
    }
    super::account(store, hop, day).await
}

async fn from_kept(
    store: &dyn BooksStore,
    hop: &HopName,
    day: Option<Date>,
    kept: KeptBooks,
    compare: bool,
) -> Result<Option<Account>> {
    let number = day.map(statement::number_of);
    let meant = |of: Option<i64>| number.is_none() || of == number;
    let mut ledger = Ledger::new(hop.clone(), day);
    let (unnamed, unnamed_words) = kept.unnamed();
    for (heading, amounts) in kept.sheet {
        ledger.add(heading, amounts);
    }
    let mut faults: BTreeMap<Subject, Fault> =
        kept.faults.into_iter().map(|fault| (fault.subject.clone(), fault)).collect();
    let mut tail: HashMap<ConsignmentId, KeptLine> = HashMap::new();
    let (mut cursor, mut more) = (Cursor { at: kept.at, offered: None }, true);
    while more {
        let changes = store.changes(cursor, PAGE).await?;
        if changes.folds != kept.folds {
            return Ok(None);
        }
        let (fold, all) = change(hop, &changes, |line| tail.get(&line.id).copied().or(line.kept));
        for (heading, amounts) in fold.sheet.into_iter().filter(|(heading, _)| meant(Some(heading.day))) {
            ledger.add(heading, amounts);
        }
        for ((id, _, figure), assessed) in fold.lines.into_iter().zip(&all) {
            faults.remove(&Subject::Line(id));
            faults.remove(&Subject::Contradicted(id));
            tail.insert(id, KeptLine { figure, faulty: assessed.fault.is_some() });
        }
        let found = fold.faults.into_iter().filter(|fault| meant(fault.day));
        faults.extend(found.map(|fault| (fault.subject.clone(), fault)));
        (cursor, more) = (changes.to, changes.more);
        tokio::task::yield_now().await;
    }
    if compare {
        for fault in suspects(store, hop, &tail).await?.into_iter().filter(|fault| meant(fault.day)) {
            faults.entry(fault.subject.clone()).or_insert(fault);
        }
    }
    faults.values().for_each(|fault| ledger.fault(fault));
    ledger.unnamed(unnamed, unnamed_words);
    super::deleted(store, &mut ledger).await?;
    Ok(Some(ledger.close()))
}

/// Lines that the states contradict, judged by their receipts.
async fn suspects(
    store: &dyn BooksStore,
    hop: &HopName,
    tail: &HashMap<ConsignmentId, KeptLine>,
) -> Result<Vec<Fault>> {
    let (mut faults, mut after) = (Vec::new(), None);
    loop {
        let (suspects, next) = store.suspects(after, COMPARED).await?;
        for suspect in &suspects {
            let assessed = assess(hop, &suspect.line);
            let kept = tail.get(&suspect.line.id).copied().or(suspect.line.kept);
            faults.extend(assessed.faults(&suspect.acceptance.receipt, &suspect.line));
            // What has moved on since it was kept is kept next time.
            if assessed.fault.is_none()
                && !moves(&suspect.line)
                && kept.is_none_or(|kept| kept.figure != assessed.figure)
            {
                faults.push(differs(suspect, &assessed));
            }
        }
        let Some(next) = next else { return Ok(faults) };
        after = Some(next);
        tokio::task::yield_now().await;
    }
}

/// There is something new of this line, or may be without a receipt.
fn moves(line: &Line) -> bool {
    line.pending || line.kept.is_some_and(|kept| kept.figure == Figure::Offered)
}

fn differs(changed: &Changed, assessed: &Assessed) -> Fault {
    let word = |figure: Option<Figure>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:?}"));
    let line = &changed.line;
    Fault {
        subject: Subject::Line(line.id),
        doc_id: Some(changed.acceptance.receipt.doc_id),
        day: Some(super::line::day(&changed.acceptance.receipt)),
        code: findings::KEPT_DIFFERS.code.to_owned(),
        found: format!("{} ≠ {}", word(line.kept.map(|kept| kept.figure)), word(Some(assessed.figure))),
    }
}

/// An account from all receipts, with what the kept books have otherwise.
#[derive(Debug)]
pub struct Recount {
    pub account: Account,
    /// Kept lines and sums that are not what the receipts tell; they are among the account's differences.
    pub wrong: u64,
    /// False when the books were kept on meanwhile: then the lines were compared and the sums were not.
    pub sums_compared: bool,
}

/// Draws the books up from all receipts of all days, and holds against them what is kept.
///
/// # Errors
/// The store's.
pub async fn recount(store: &dyn BooksStore, hop: &HopName) -> Result<Recount> {
    let before = store.kept_books(None, 0).await?;
    let mut ledger = Ledger::new(hop.clone(), None);
    // What the kept lines add up to.
    let mut kept = Ledger::new(hop.clone(), None);
    let mut wrong: Vec<Fault> = Vec::new();
    let (mut lines, mut sums): (u64, u64) = (0, 0);
    let mut after = Some(0);
    while let Some(position) = after {
        let page = store.acceptances(position, None, PAGE).await?;
        page.unreadable.iter().for_each(|row| ledger.unreadable(*row));
        for acceptance in &page.acceptances {
            ledger.enter(acceptance);
            for line in &acceptance.lines {
                let receipt = &acceptance.receipt.receipt;
                if let Some(line_kept) = line.kept {
                    for heading in headings(receipt, line.known.as_ref()) {
                        kept.add(heading, line_kept.figure.amounts(line_kept.faulty));
                    }
                }
                let assessed = assess(hop, line);
                let same = KeptLine { figure: assessed.figure, faulty: assessed.fault.is_some() };
                if !moves(line) && line.kept != Some(same) {
                    lines += 1;
                    let changed = Changed { row: 0, acceptance: acceptance.receipt.clone(), line: line.clone() };
                    wrong.extend((wrong.len() < MAX_DIFFERENCES).then(|| differs(&changed, &assessed)));
                }
            }
        }
        after = page.next;
        tokio::task::yield_now().await;
    }
    super::finish(store, &mut ledger, true).await?;
    let now = store.kept_books(None, 0).await?;
    let sums_compared = now.folds == before.folds && now.at.receipts >= 0;
    if sums_compared {
        for heading in different(kept.sheet(), &now.sheet) {
            sums += 1;
            let found = format!("{} {} {}", heading.part.as_str(), heading.name, heading.day);
            ledger.note(&findings::KEPT_DIFFERS, None, None, found.trim_end());
        }
    }
    wrong.iter().for_each(|fault| ledger.fault(fault));
    ledger.unnamed(lines.saturating_sub(wrong.len() as u64), 0);
    Ok(Recount { account: ledger.close(), wrong: lines + sums, sums_compared })
}

/// Headings under which two sheets do not have the same.
fn different(one: &Sheet, other: &Sheet) -> Vec<Heading> {
    let of = |sheet: &Sheet, heading: &Heading| sheet.get(heading).copied().unwrap_or_default();
    let all: std::collections::BTreeSet<&Heading> = one.keys().chain(other.keys()).collect();
    all.into_iter().filter(|heading| of(one, heading) != of(other, heading)).cloned().collect()
}
