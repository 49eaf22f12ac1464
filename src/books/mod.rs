//! The books: accepted = handed over + refused + failed + in flight, by the receipts, at any time.
//!
//! An account is drawn up from what this hop signed and what later hops signed to it, never from the state columns:
//! every acceptance receipt of this hop names consignments; the receipts that follow it tell what became of each
//! ([`told`]). Then it is compared with the states; whatever does not agree is a [`Difference`] that names the document.
//!
//! What is accepted: the consignments of a SubmissionAcceptance of this hop, and of a RelayAcceptance once the hop
//! before has let go ([`crate::life`]). What is merely offered, or was withdrawn, is that hop's. A consignment belongs to
//! the day, in Vietnam, on which its acceptance was signed.
//!
//! [`account`] reads every receipt; [`kept`] keeps what the receipts told so far, so that an account costs what has come
//! since, and can hold one against the other.
//!
//! Invariants: reading changes nothing; memory grows with agencies and days, not with documents; no difference is left
//! out of the count, though only the first [`MAX_DIFFERENCES`] are named. There is nothing to recover after a crash:
//! the books can be drawn up anew at any time.

mod account;
pub mod archive;
pub mod export;
pub mod findings;
mod heard;
pub mod kept;
mod line;
pub mod statement;
mod told;

use jiff::civil::Date;
use lienthong_contract::{HopName, Instant};

pub use account::{Account, AgencyFigures, DayFigures, DestinationFigures, Difference, Figures, MAX_DIFFERENCES};
pub use heard::Heard;
pub use statement::LinkBooks;
pub use told::{End, Told, told};

use crate::store::{BooksStore, Result};
use account::Ledger;

/// Acceptance receipts, or consignments, read at a time.
const PAGE: usize = 256;

/// Draws up the account of all days, or of one, from all receipts.
///
/// # Errors
/// The store cannot be read.
pub async fn account(store: &dyn BooksStore, hop: &HopName, day: Option<Date>) -> Result<Account> {
    let mut ledger = Ledger::new(hop.clone(), day);
    let within = day.and_then(bounds);
    let mut after = Some(0);
    while let Some(position) = after {
        let page = store.acceptances(position, within, PAGE).await?;
        for row in page.unreadable {
            ledger.unreadable(row);
        }
        for acceptance in &page.acceptances {
            ledger.enter(acceptance);
        }
        after = page.next;
        tokio::task::yield_now().await;
    }
    finish(store, &mut ledger, day.is_none()).await?;
    Ok(ledger.close())
}

/// Enters what no acceptance names, which is of no day, and the bodies that were deleted.
async fn finish(store: &dyn BooksStore, ledger: &mut Ledger, of_all_days: bool) -> Result<()> {
    let mut after = Some(0).filter(|_| of_all_days);
    while let Some(position) = after {
        let (missing, next) = store.unreceipted(position, PAGE).await?;
        missing.iter().for_each(|missing| ledger.unreceipted(missing));
        after = next;
        tokio::task::yield_now().await;
    }
    deleted(store, ledger).await
}

/// Enters what was deleted: bodies, and refusals that no log will ever have.
async fn deleted(store: &dyn BooksStore, ledger: &mut Ledger) -> Result<()> {
    for (number, count) in store.bodies_deleted().await? {
        ledger.bodies_deleted(number, count);
    }
    for (number, count) in store.refusals_unlogged().await? {
        ledger.refusals_unlogged(number, count);
    }
    Ok(())
}

/// The first moment of a day in Vietnam and that of the next.
#[must_use]
pub fn bounds(day: Date) -> Option<(Instant, Instant)> {
    let start = |day: Date| Instant::from_vietnam(day.at(0, 0, 0, 0));
    Some((start(day)?, start(day.tomorrow().ok()?)?))
}

#[cfg(test)]
mod tests;
