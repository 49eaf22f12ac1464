//! The chain of one consignment: from its submission to the event that ended it.

use lienthong_contract::{ConsignmentId, Digest, HopName};

use super::{Event, Named, Receipt, Sealed};

/// Why receipts do not form a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFault {
    #[error("the chain is empty")]
    Empty,
    #[error("the chain begins with {0} instead of a submission")]
    Beginning(&'static str),
    #[error("receipt {position} ({event}) is about another packet")]
    OtherPacket { position: usize, event: &'static str },
    #[error("receipt {position} ({event}) is about another consignment")]
    OtherConsignment { position: usize, event: &'static str },
    #[error("receipt {position} ({event}) does not name the one before it")]
    Broken { position: usize, event: &'static str },
    #[error("receipt {position}: {event} cannot follow {before}")]
    Order { position: usize, event: &'static str, before: &'static str },
    #[error("receipt {position}: {event} by {hop} is not that hop's to say; the one before is by {before}")]
    Hop { position: usize, event: &'static str, hop: HopName, before: HopName },
}

/// One step of a chain as [`order`] finds it.
pub type Link = Sealed;

/// A receipt as far as its place in a chain goes: what it says, and by what the next one names it.
pub trait Linked {
    fn receipt(&self) -> &Receipt;
    fn digest(&self) -> Digest;
}

impl Linked for Sealed {
    fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    fn digest(&self) -> Digest {
        self.digest
    }
}

impl Linked for Named {
    fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    fn digest(&self) -> Digest {
        self.digest
    }
}

/// Verifies that receipts, in this order, are the chain of one consignment of one packet. Signatures are verified when
/// a receipt is opened, not here.
///
/// # Errors
/// [`ChainFault`], by the first fault; positions count from 1.
pub fn verify_chain<L: Linked>(receipts: &[L], packet: Digest, consignment: ConsignmentId) -> Result<(), ChainFault> {
    let first = receipts.first().ok_or(ChainFault::Empty)?.receipt();
    if !matches!(first.event, Event::SubmissionAcceptance | Event::ReceivedFromNonERDS) {
        return Err(ChainFault::Beginning(first.event.as_str()));
    }
    let mut before: Option<&L> = None;
    for (index, link) in receipts.iter().enumerate() {
        let said = link.receipt();
        let (position, event) = (index + 1, said.event.as_str());
        if said.packet != packet || said.doc_id != first.doc_id {
            return Err(ChainFault::OtherPacket { position, event });
        }
        if !said.is_about(consignment) {
            return Err(ChainFault::OtherConsignment { position, event });
        }
        if said.previous != before.map(Linked::digest) {
            return Err(ChainFault::Broken { position, event });
        }
        let earlier = before.map(Linked::receipt);
        if let Some(earlier) = earlier.filter(|earlier| !said.may_follow(earlier)) {
            return Err(ChainFault::Order { position, event, before: earlier.event.as_str() });
        }
        if let Some(earlier) = earlier.filter(|earlier| !may_say(said, earlier)) {
            let (hop, before) = (said.hop.clone(), earlier.hop.clone());
            return Err(ChainFault::Hop { position, event, hop, before });
        }
        before = Some(link);
    }
    Ok(())
}

/// True when the hop of `next` is the one to say it: custody is taken or refused by another hop than the one that has
/// it; everything else is said by the hop that has it.
fn may_say(next: &Receipt, before: &Receipt) -> bool {
    let takes = matches!(next.event, Event::RelayAcceptance | Event::RelayRejection);
    takes == (next.hop != before.hop)
}

/// True when `next` may stand right after `before` in the chain of this consignment: it names it, is about the same
/// packet, and comes in an order and from a hop from which it can come.
#[must_use]
pub fn follows<L: Linked>(next: &L, before: &L, consignment: ConsignmentId) -> bool {
    let (after, earlier) = (next.receipt(), before.receipt());
    after.previous == Some(before.digest())
        && after.consignment == Some(consignment)
        && after.packet == earlier.packet
        && after.doc_id == earlier.doc_id
        && after.may_follow(earlier)
        && may_say(after, earlier)
}

/// The receipt of a chain that one beside it cannot be true together with: it tells otherwise what came after a receipt of
/// the chain, tells of a second end, or goes on where nothing can follow.
///
/// Not a contradiction is what a hop says of an offer that its holder had given up: the two did not know of each other.
/// Nor is what names a receipt that is not there: it may have come too early.
#[must_use]
pub fn contradicted<'a, L: Linked>(chain: &'a [L], one: &L) -> Option<&'a L> {
    let (last, said) = (chain.last()?, one.receipt());
    let named = chain.iter().position(|link| said.previous == Some(link.digest()));
    if let Some((holder, next)) = named.and_then(|place| chain.get(place).zip(chain.get(place + 1))) {
        let (holder, after) = (holder.receipt(), next.receipt());
        let given_up = after.event == Event::RelayFailure && after.hop == holder.hop;
        let answers = matches!(said.event, Event::RelayAcceptance | Event::RelayRejection);
        let too_late = given_up && answers && said.hop != holder.hop;
        return (!too_late).then_some(next);
    }
    let second_end = last.receipt().is_terminal() && said.is_terminal();
    let goes_on = named.is_some() && !may_continue(said, last.receipt());
    (second_end || goes_on).then_some(last)
}

/// True when `next`, which names `before`, may be the next of a chain.
fn may_continue(next: &Receipt, before: &Receipt) -> bool {
    next.may_follow(before) && may_say(next, before)
}

/// Puts receipts of one consignment in chain order, whatever order they arrived in. Those whose predecessor is not
/// there stand at the end, in time order.
#[must_use]
pub fn order(mut receipts: Vec<Link>) -> Vec<Link> {
    receipts.sort_by_key(|link| link.receipt.time);
    let mut ordered: Vec<Link> = Vec::with_capacity(receipts.len());
    let mut head = None;
    while let Some(index) = receipts.iter().position(|link| link.receipt.previous == head) {
        let link = receipts.remove(index);
        head = Some(link.digest);
        ordered.push(link);
    }
    ordered.extend(receipts);
    ordered
}
