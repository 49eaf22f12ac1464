//! What is due to neighbours, and what their receipts change.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{ConsignmentId, Digest, DocId, HopName, Instant};

use super::super::outlets::Attested;
use super::super::{
    Consign, Delivered, Dispatch, DispatchedConsignment, Ended, Error, LetGo, MAX_PER_DISPATCH, Overdue, QueuedReceipt,
    Recorded, Result,
};
use super::accept::{insert_outbox, renew_outbox};
use super::outlets::attest_one;
use super::overtaken::{self, Comes};
use super::restored;
use super::rows::{self, SUBMISSION, insert_receipt, integer, queue_receipt};
use crate::books::findings::CONTRADICTS;
use crate::delivery::findings::NOT_PASSED_OUT;
use crate::life::{Input, Outcome, Standing, Way, step};
use crate::receipts::chain::{contradicted, follows};
use crate::receipts::{Event, Sealed};

/// See [`super::Store::due`].
pub fn due(db: &Connection, hop: &HopName, urgent: bool, after: i64, limit: usize) -> Result<Vec<Dispatch>> {
    dispatches(db, (hop, false), urgent, after, limit)
}

/// What is due to a next hop, or to an outlet.
pub(super) fn dispatches(
    db: &Connection,
    (to, outside): (&HopName, bool),
    urgent: bool,
    after: i64,
    limit: usize,
) -> Result<Vec<Dispatch>> {
    let query = "SELECT o.id, p.digest, o.attempts, p.size, p.content, p.id
                 FROM outbox o JOIN packets p ON p.id = o.packet
                 WHERE o.hop = ?1 AND o.urgent = ?2 AND o.id > ?3 AND o.outside = ?5 ORDER BY o.id LIMIT ?4";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![to.as_str(), urgent, after, integer(limit), outside])?;
    let mut due = Vec::new();
    while let Some(row) = found.next()? {
        let (outbox_id, digest) = (row.get(0)?, rows::digest(row, 1)?);
        let Some((doc_id, consignments)) = travelling(db, outbox_id, row.get(5)?)? else {
            return Err(Error::Corrupt(format!("outbox entry {outbox_id} has no consignment")));
        };
        due.push(Dispatch {
            outbox_id,
            digest,
            attempts: row.get(2)?,
            doc_id,
            size: rows::size(row, 3)?,
            urgent,
            held: rows::held(row, 4)?,
            together: if outside { None } else { together(db, row.get(5)?, to, consignments.len())? },
            consignments,
        });
    }
    Ok(due)
}

/// How many consignments of the packet go to this hop, where they are more than so many.
fn together(db: &Connection, packet: i64, to: &HopName, here: usize) -> Result<Option<u32>> {
    let count = "SELECT count(*) FROM consignments WHERE packet = ?1 AND next_hop = ?2 AND outside = 0";
    let number: u32 = db.prepare_cached(count)?.query_row(params![packet, to.as_str()], |row| row.get(0))?;
    Ok(Some(number).filter(|number| usize::try_from(*number).is_ok_and(|number| number > here)))
}

type Travelling = (DocId, Vec<DispatchedConsignment>);

fn travelling(db: &Connection, outbox_id: i64, packet: i64) -> Result<Option<Travelling>> {
    let query = "SELECT id, recipient, doc_id, head, seq, due_at FROM consignments WHERE outbox_id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![outbox_id])?;
    let submissions = rows::receipts_of(db, packet, SUBMISSION)?;
    let (mut consignments, mut doc_id) = (Vec::new(), None);
    while let Some(row) = found.next()? {
        let id = rows::consignment(row, 0)?;
        doc_id = Some(rows::doc_id(row, 2)?);
        let chain = rows::chain_of(db, packet, &submissions, row.get(4)?, rows::digest(row, 3)?)?;
        let chain = chain.into_iter().map(|stored| stored.jws).collect();
        let due = row.get::<_, Option<i64>>(5)?.map(Instant::from_millis);
        consignments.push(DispatchedConsignment { id, recipient: rows::agency(row, 1)?, chain, due });
    }
    Ok(doc_id.map(|doc_id| (doc_id, consignments)))
}

/// The most receipts of one consignment. A chain over a dozen hops has half as many.
const MAX_RECEIPTS: i64 = 64;

/// See [`super::Store::record_receipts`].
pub fn record_receipts(db: &Connection, from: &HopName, receipts: &[Sealed]) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    for sealed in receipts {
        let (digest, event) = (sealed.digest, sealed.receipt.event.as_str());
        let row = sealed.receipt.consignment.map(|id| consignment(db, id)).transpose()?.flatten();
        let Some(row) = row else {
            tracing::warn!(%from, %digest, event, "a receipt about a consignment that is not here is set aside");
            set_aside(db, from, sealed, &mut recorded)?;
            continue;
        };
        if row.link() != Some(from) && row.previous_hop.as_ref() == Some(from) {
            withdraw(db, from, row, sealed, &mut recorded)?;
            continue;
        }
        if row.link() != Some(from) {
            tracing::error!(%from, %digest, event, hop = %sealed.receipt.hop, "a receipt from a hop that has no say in it");
            continue;
        }
        // Of another document, or what the hop before is to say and not the next: evidence, and nothing that counts.
        if row.other_document(sealed) || row.previous_hop.as_ref() == Some(&sealed.receipt.hop) {
            tracing::error!(%from, %digest, event, hop = %sealed.receipt.hop, "a receipt that cannot be one of this consignment's");
            set_aside(db, from, sealed, &mut recorded)?;
            continue;
        }
        let before = row.head;
        let mut row = row;
        let (known, count) = known_of(db, &row, digest)?;
        // Of the next step, only the next hop has a say as long as we have custody.
        if !known && sealed.receipt.previous == Some(before) && !may_settle(&row, sealed) {
            accuse(from, sealed, before);
            set_aside(db, from, sealed, &mut recorded)?;
            continue;
        }
        if !known {
            if count >= MAX_RECEIPTS {
                tracing::error!(%from, %digest, event, "too many receipts of one consignment");
                continue;
            }
            insert_receipt(db, row.packet, row.seq, sealed, false)?;
            advance(db, &mut row, sealed, &mut recorded)?;
            if row.head == before
                && let Some(against) = contradicts(db, &row, sealed)?
            {
                accuse(from, sealed, against);
            }
        }
        if sealed.receipt.event == Event::RelayAcceptance && sealed.receipt.hop == *from && row.gave_up(db)? {
            // It has accepted what we no longer offer: our own end is the answer, and no confirmation.
            tell_next(db, &row, from)?;
            recorded.forward = true;
        } else if sealed.receipt.event == Event::RelayAcceptance
            && sealed.receipt.hop == *from
            && row.head == before
            && !(known && on_chain(db, &row, digest)?)
        {
            tracing::error!(%from, %digest, "an acceptance that does not follow what was offered is not confirmed");
        } else {
            recorded.stored.push(digest);
        }
    }
    Ok(recorded)
}

/// True when the receipt is one of those that count.
fn on_chain(db: &Connection, row: &Row, receipt: Digest) -> Result<bool> {
    Ok(row.chain(db)?.iter().any(|stored| stored.digest == receipt))
}

/// The receipt that counts and cannot be true together with this one.
fn contradicts(db: &Connection, row: &Row, sealed: &Sealed) -> Result<Option<Digest>> {
    let chain = row.chain(db)?.iter().map(|stored| rows::read(&stored.jws)).collect::<Result<Vec<_>>>()?;
    Ok(contradicted(&chain, sealed).map(|link| link.digest))
}

/// Raises the alarm about a receipt that is kept as evidence and changes nothing. Account, trace and bundle show it.
fn accuse(from: &HopName, sealed: &Sealed, against: Digest) {
    let (hop, event, digest, id) =
        (&sealed.receipt.hop, sealed.receipt.event, sealed.digest, sealed.receipt.consignment);
    let (code, title, event) = (CONTRADICTS.code, CONTRADICTS.title.en, event.as_str());
    tracing::error!(code, %from, %hop, event, ?id, receipt = %digest, contradicts = %against, "{title}");
}

/// The hop before gave up what it had offered, before it let go of it.
fn withdraw(db: &Connection, from: &HopName, row: Row, sealed: &Sealed, recorded: &mut Recorded) -> Result<()> {
    let digest = sealed.digest;
    if known(db, &row, digest)? {
        silence(db, from, &row)?;
        recorded.stored.push(digest);
        return Ok(());
    }
    let own = rows::receipt(db, row.packet, row.seq, row.head)?;
    let own = own.ok_or_else(|| Error::Corrupt(format!("the last receipt of {} is gone", row.id)))?;
    let instead_of_ours = sealed.receipt.event == Event::RelayFailure
        && sealed.receipt.hop == *from
        && sealed.receipt.packet == row.digest
        && sealed.receipt.previous == rows::read(&own)?.receipt.previous;
    let outcome = step(row.standing(), Input::Withdrawn);
    let Outcome::Moves { to, .. } = outcome else {
        // It let go, and says now that it had not: what is ours cannot be withdrawn.
        if sealed.receipt.hop == *from
            && let Some(against) = contradicts(db, &row, sealed)?
        {
            accuse(from, sealed, against);
        }
        return set_aside(db, from, sealed, recorded);
    };
    if !instead_of_ours {
        tracing::error!(%from, %digest, event = sealed.receipt.event.as_str(), "not what ends an offer");
        return set_aside(db, from, sealed, recorded);
    }
    insert_receipt(db, row.packet, row.seq, sealed, false)?;
    let update = "UPDATE consignments SET state = ?2, head = ?3 WHERE seq = ?1";
    db.prepare_cached(update)?.execute(params![row.seq, to.as_str(), digest.as_bytes()])?;
    silence(db, from, &row)?;
    recorded.stored.push(digest);
    Ok(())
}

/// Our acceptance need not be repeated: it has its answer.
fn silence(db: &Connection, from: &HopName, row: &Row) -> Result<()> {
    let silence = "DELETE FROM receipt_outbox WHERE hop = ?1 AND digest IN
                   (SELECT digest FROM receipts WHERE packet = ?2 AND consignment = ?3 AND own = 1)";
    db.prepare_cached(silence)?.execute(params![from.as_str(), row.packet, row.seq])?;
    Ok(())
}

/// Queues the receipt that ended it here for the next hop.
fn tell_next(db: &Connection, row: &Row, next: &HopName) -> Result<()> {
    let end = "SELECT seq FROM receipts WHERE packet = ?1 AND consignment = ?2 AND digest = ?3";
    let mut end = db.prepare_cached(end)?;
    let end: i64 = end.query_row(params![row.packet, row.seq, row.head.as_bytes()], |row| row.get(0))?;
    queue_receipt(db, next.as_str(), row.head, end)
}

/// See [`super::Store::receipts_delivered`].
pub fn receipts_delivered(db: &Connection, hop: &HopName, digests: &[Digest], consign: &Consign) -> Result<Delivered> {
    let mut delivered = Delivered::default();
    // Consignments of one packet that go on to one hop travel together, as many as fit.
    let mut outbox: HashMap<(i64, HopName), (i64, usize)> = HashMap::new();
    for digest in digests {
        let accepted = "SELECT r.packet, r.consignment FROM receipt_outbox o JOIN receipts r ON r.seq = o.receipt
                        WHERE o.hop = ?1 AND o.digest = ?2 AND r.own = 1 AND r.event = 'RelayAcceptance'";
        let mut accepted = db.prepare_cached(accepted)?;
        let accepted =
            accepted.query_row(params![hop.as_str(), digest.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)));
        if let Some((packet, seq)) = accepted.optional()? {
            let_go(db, (hop, packet, seq), consign, &mut outbox, &mut delivered)?;
        }
        let delete = "DELETE FROM receipt_outbox WHERE hop = ?1 AND digest = ?2";
        db.prepare_cached(delete)?.execute(params![hop.as_str(), digest.as_bytes()])?;
    }
    Ok(delivered)
}

fn let_go(
    db: &Connection,
    (hop, packet, seq): (&HopName, i64, i64),
    consign: &Consign,
    outbox: &mut HashMap<(i64, HopName), (i64, usize)>,
    delivered: &mut Delivered,
) -> Result<()> {
    let query = "SELECT id, state, next_hop, urgent, head, recipient, outside FROM consignments
                 WHERE seq = ?1 AND previous_hop = ?2";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![seq, hop.as_str()])?;
    let Some(row) = found.next()? else { return Ok(()) };
    let (id, state, next_hop) = (rows::consignment(row, 0)?, rows::state(row, 1)?, rows::hop(row, 2)?);
    let (urgent, head, recipient): (bool, Digest, _) = (row.get(3)?, rows::digest(row, 4)?, rows::agency(row, 5)?);
    let outside: bool = row.get(6)?;
    let at = Standing { state, way: way(next_hop.as_ref(), outside) };
    let Outcome::Moves { to, attested } = step(at, Input::LetGo) else { return Ok(()) };
    let given_back = overtaken::given_back(db, &Comes { seq, packet, recipient: &recipient, next: next_hop.as_ref() })?;
    let Some(next) = next_hop else {
        let Some(event) = attested else { return Ok(()) };
        let relay = rows::receipt(db, packet, seq, head)?;
        let relay = relay.ok_or_else(|| Error::Corrupt(format!("the last receipt of {id} is gone")))?;
        let before = attest(db, (hop, packet, seq, to), &LetGo { id, event, before: rows::read(&relay)? }, consign)?;
        if given_back {
            // Nobody sees it in the mailbox: it lies there and ends in one transaction.
            let answer = step(Standing { state: to, way: Way::Mailbox }, Input::Answered { taken: false });
            let Outcome::Moves { to, attested: Some(event) } = answer else { return Ok(()) };
            attest(db, (hop, packet, seq, to), &LetGo { id, event, before }, consign)?;
        }
        delivered.answers = true;
        return Ok(());
    };
    let entry = match outbox.get_mut(&(packet, next.clone())).filter(|entry| outside || entry.1 < MAX_PER_DISPATCH) {
        Some(entry) => {
            entry.1 += 1;
            entry.0
        }
        None => {
            let to = (next.as_str(), outside);
            // A system outside has a packet once: what was let go of earlier leaves together with this.
            let renewed = if outside { renew_outbox(db, to, packet)? } else { None };
            let entry = renewed.map_or_else(|| insert_outbox(db, to, packet, urgent), Ok)?;
            outbox.insert((packet, next.clone()), (entry, 1));
            entry
        }
    };
    let update = "UPDATE consignments SET state = ?2, outbox_id = ?3 WHERE seq = ?1";
    db.prepare_cached(update)?.execute(params![seq, to.as_str(), entry])?;
    if !delivered.queued.contains(&(next.clone(), urgent)) {
        delivered.queued.push((next, urgent));
    }
    Ok(())
}

/// Makes the receipt of what was let go of, for a mailbox here, and moves the consignment by it. Gives the receipt.
fn attest(
    db: &Connection,
    (hop, packet, seq, to): (&HopName, i64, i64, ConsignmentState),
    offered: &LetGo,
    consign: &Consign,
) -> Result<Sealed> {
    let (sealed, due) = consign(offered).map_err(Error::Unavailable)?;
    let receipt = insert_receipt(db, packet, seq, &sealed, true)?;
    let update = "UPDATE consignments SET state = ?2, head = ?3, due_at = ?4 WHERE seq = ?1";
    let due = due.map(Instant::as_millis);
    db.prepare_cached(update)?.execute(params![seq, to.as_str(), sealed.digest.as_bytes(), due])?;
    if let Some(receipt) = receipt {
        queue_receipt(db, hop.as_str(), sealed.digest, receipt)?;
    }
    Ok(sealed)
}

/// See [`super::Store::overdue`].
pub fn overdue(db: &Connection, now: Instant, limit: usize) -> Result<Vec<Overdue>> {
    let query = "SELECT c.id, c.recipient, c.due_at, c.next_hop, c.head, c.packet, c.seq, o.attempts, c.outside,
                        c.state = 'outside', coalesce(o.perhaps, 0)
                 FROM consignments c LEFT JOIN outbox o ON o.id = c.outbox_id
                 WHERE (c.state = 'queued' OR (c.state = 'consigned' AND c.next_hop IS NULL)
                        OR (c.state = 'outside' AND c.outside = 1)) AND c.due_at <= ?1
                   AND (c.seq > ?3 OR c.due_at <= ?4)
                 ORDER BY c.due_at LIMIT ?2";
    let mut query = db.prepare_cached(query)?;
    let (held_back, long_overdue) = (restored::held_back(db)?, now.plus_millis(-restored::WAIT_MILLIS).as_millis());
    let mut found = query.query(params![now.as_millis(), integer(limit), held_back, long_overdue])?;
    let mut overdue = Vec::new();
    while let Some(row) = found.next()? {
        let (id, head) = (rows::consignment(row, 0)?, rows::digest(row, 4)?);
        // One that cannot be read must not hold up the others.
        let head = rows::receipt(db, row.get(5)?, row.get(6)?, head)?.map(|head| rows::read(&head));
        let Some(Ok(head)) = head else {
            tracing::error!(%id, "an overdue consignment's last receipt is gone or cannot be read");
            continue;
        };
        let next_hop = rows::hop(row, 3)?;
        overdue.push(Overdue {
            id,
            way: way(next_hop.as_ref(), row.get(8)?),
            abroad: row.get(9)?,
            perhaps: row.get(10)?,
            recipient: rows::agency(row, 1)?,
            due: rows::instant(row, 2)?,
            next_hop,
            head,
            attempts: row.get::<_, Option<u32>>(7)?.unwrap_or(0),
        });
    }
    Ok(overdue)
}

/// See [`super::Store::fail`].
pub fn fail(db: &Connection, id: ConsignmentId, terminal: &Sealed) -> Result<Option<Ended>> {
    // What was begun to be sent since the receipt was made is not attested as never sent: the next look says it rightly.
    let says_never = terminal.receipt.reason.as_ref().is_some_and(|reason| reason.code == NOT_PASSED_OUT.code);
    let perhaps = "SELECT 1 FROM consignments c JOIN outbox o ON o.id = c.outbox_id WHERE c.id = ?1 AND o.perhaps = 1";
    if says_never && db.prepare_cached(perhaps)?.exists([id.as_bytes()])? {
        return Ok(None);
    }
    attest_one(db, &Attested { id, input: Input::Overdue, receipt: terminal.clone(), due: None })
}

fn known(db: &Connection, row: &Row, receipt: Digest) -> Result<bool> {
    known_of(db, row, receipt).map(|(known, _)| known)
}

/// Whether the receipt is here, and how many receipts the consignment has.
fn known_of(db: &Connection, row: &Row, receipt: Digest) -> Result<(bool, i64)> {
    let query = "SELECT coalesce(max(digest = ?3), 0), count(*) FROM receipts WHERE packet = ?1 AND consignment = ?2";
    let mut query = db.prepare_cached(query)?;
    let asked = params![row.packet, row.seq, receipt.as_bytes()];
    Ok(query.query_row(asked, |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The most bytes of receipts of one neighbour that are set aside: of about a million.
const MAX_STRAY_BYTES: i64 = 2 << 30;

/// Keeps a receipt that moves nothing here, so that it need not come again; no more of one consignment than of its own,
/// and no more of one neighbour than there is place for. What has no place is not confirmed, so that the neighbour
/// keeps it: nothing is lost.
fn set_aside(db: &Connection, from: &HopName, sealed: &Sealed, recorded: &mut Recorded) -> Result<()> {
    let known = "SELECT 1 FROM stray_receipts WHERE digest = ?1";
    if db.prepare_cached(known)?.exists([sealed.digest.as_bytes()])? {
        recorded.stored.push(sealed.digest);
        return Ok(());
    }
    let about = sealed.receipt.consignment.map(|id| *id.as_bytes());
    // One neighbour must not take the place of another's evidence.
    let count = "SELECT count(*) FROM stray_receipts WHERE consignment = ?1 AND hop = ?2";
    let others: i64 = db.prepare_cached(count)?.query_row(params![about, from.as_str()], |row| row.get(0))?;
    let count = "INSERT INTO stray_counts (hop, number, bytes) VALUES (?1, 1, ?2)
                 ON CONFLICT (hop) DO UPDATE SET number = number + 1, bytes = bytes + ?2 WHERE bytes + ?2 <= ?3";
    let size = integer(sealed.jws.len());
    let room =
        others < MAX_RECEIPTS && db.prepare_cached(count)?.execute(params![from.as_str(), size, MAX_STRAY_BYTES])? > 0;
    if !room {
        tracing::error!(%from, digest = %sealed.digest, "no place for one more receipt that moves nothing here");
        return Ok(());
    }
    let insert = "INSERT OR IGNORE INTO stray_receipts (digest, hop, consignment, jws) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(insert)?.execute(params![sealed.digest.as_bytes(), from.as_str(), about, sealed.jws])?;
    recorded.stored.push(sealed.digest);
    Ok(())
}

/// Where it goes, by its columns.
pub(super) const fn way(next_hop: Option<&HopName>, outside: bool) -> Way {
    match (next_hop, outside) {
        (None, _) => Way::Mailbox,
        (Some(_), false) => Way::Link,
        (Some(_), true) => Way::Outlet,
    }
}

pub(super) struct Row {
    pub seq: i64,
    pub packet: i64,
    pub id: ConsignmentId,
    pub digest: Digest,
    state: ConsignmentState,
    pub previous_hop: Option<HopName>,
    pub next_hop: Option<HopName>,
    /// `next_hop` is an outlet.
    outside: bool,
    pub outbox_id: Option<i64>,
    pub doc_id: DocId,
    size: u64,
    sender: String,
    document_id: Option<String>,
    pub recipient: String,
    /// The last receipt of the chain as far as it holds.
    pub head: Digest,
}

impl Row {
    /// It speaks of another packet than this consignment's, calls it otherwise, or names another sender or recipient.
    fn other_document(&self, sealed: &Sealed) -> bool {
        let said = &sealed.receipt;
        (said.packet, said.doc_id, said.size) != (self.digest, self.doc_id, self.size)
            || said.from.as_str() != self.sender
            || said.recipient.as_ref().is_some_and(|recipient| recipient.as_str() != self.recipient)
            || said.document_id.is_some() && said.document_id != self.document_id
    }

    /// The receipts that count.
    fn chain(&self, db: &Connection) -> Result<Vec<rows::Stored>> {
        let submissions = rows::receipts_of(db, self.packet, SUBMISSION)?;
        rows::chain_of(db, self.packet, &submissions, self.seq, self.head)
    }

    pub fn standing(&self) -> Standing {
        Standing { state: self.state, way: way(self.next_hop.as_ref(), self.outside) }
    }

    /// The next hop; none for a mailbox here and for an outlet, of which no neighbour has anything to say.
    const fn link(&self) -> Option<&HopName> {
        if self.outside { None } else { self.next_hop.as_ref() }
    }

    /// It ended here by our own word, and the next hop does not know.
    fn gave_up(&self, db: &Connection) -> Result<bool> {
        if self.state != ConsignmentState::Failed {
            return Ok(false);
        }
        let own = "SELECT 1 FROM receipts WHERE packet = ?1 AND consignment = ?2 AND digest = ?3 AND own = 1";
        Ok(db.prepare_cached(own)?.exists(params![self.packet, self.seq, self.head.as_bytes()])?)
    }
}

pub(super) fn consignment(db: &Connection, id: ConsignmentId) -> Result<Option<Row>> {
    let query =
        "SELECT p.digest, c.state, c.previous_hop, c.next_hop, c.outbox_id, c.head, c.seq, c.packet, c.doc_id, p.size,
                        p.sender, p.document_id, c.recipient, c.outside
                 FROM consignments c JOIN packets p ON p.id = c.packet WHERE c.id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![id.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(Some(Row {
        seq: row.get(6)?,
        packet: row.get(7)?,
        id,
        digest: rows::digest(row, 0)?,
        state: rows::state(row, 1)?,
        previous_hop: rows::hop(row, 2)?,
        next_hop: rows::hop(row, 3)?,
        outbox_id: row.get(4)?,
        head: rows::digest(row, 5)?,
        doc_id: rows::doc_id(row, 8)?,
        size: rows::size(row, 9)?,
        sender: row.get(10)?,
        document_id: row.get(11)?,
        recipient: row.get(12)?,
        outside: row.get(13)?,
    }))
}

/// Moves the consignment along its chain: by this receipt when it follows the last one, and by those that had come too
/// early. Whatever the order in which receipts come, the chain grows in its own, and so do the receipts sent upstream.
fn advance(db: &Connection, row: &mut Row, sealed: &Sealed, recorded: &mut Recorded) -> Result<()> {
    // It has come too early, or it will never count: nothing else can have begun to count by it.
    if sealed.receipt.previous != Some(row.head) {
        return Ok(());
    }
    let head = rows::receipt(db, row.packet, row.seq, row.head)?;
    let head = head.ok_or_else(|| Error::Corrupt(format!("the last receipt of {} is gone", row.id)))?;
    let (mut head, mut candidates) = (rows::read(&head)?, vec![sealed.clone()]);
    while let Some((next, state)) = candidates.into_iter().find_map(|next| counts(row, &head, next)) {
        move_to(db, row, &next, state, recorded)?;
        candidates = after(db, row)?;
        head = next;
    }
    Ok(())
}

/// The receipt and the state it leads to, when it is the next of the chain.
fn counts(row: &Row, head: &Sealed, next: Sealed) -> Option<(Sealed, ConsignmentState)> {
    let Outcome::Moves { to, .. } = step(row.standing(), Input::said(&next.receipt)) else { return None };
    (follows(&next, head, row.id) && may_settle(row, &next)).then_some((next, to))
}

/// The receipts that name the head as the one before them.
fn after(db: &Connection, row: &Row) -> Result<Vec<Sealed>> {
    let query = "SELECT jws FROM sealed WHERE packet = ?1 AND consignment = ?2 AND previous = ?3 ORDER BY seq";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![row.packet, row.seq, row.head.as_bytes()])?;
    let mut receipts = Vec::new();
    while let Some(row) = found.next()? {
        let text: String = row.get(0)?;
        receipts.push(rows::read(&text)?);
    }
    Ok(receipts)
}

fn move_to(
    db: &Connection,
    row: &mut Row,
    next: &Sealed,
    state: ConsignmentState,
    recorded: &mut Recorded,
) -> Result<()> {
    row.state = state;
    row.head = next.digest;
    let update = "UPDATE consignments SET state = ?2, head = ?3 WHERE seq = ?1";
    db.prepare_cached(update)?.execute(params![row.seq, row.state.as_str(), row.head.as_bytes()])?;
    if let Some(previous) = &row.previous_hop {
        let receipt = "SELECT seq FROM receipts WHERE packet = ?1 AND consignment = ?2 AND digest = ?3";
        let mut receipt = db.prepare_cached(receipt)?;
        let receipt = receipt.query_row(params![row.packet, row.seq, row.head.as_bytes()], |row| row.get(0))?;
        queue_receipt(db, previous.as_str(), next.digest, receipt)?;
        recorded.forward = true;
    }
    // The first receipt after ours is the next hop's own word, and that ends our custody.
    if let Some(outbox_id) = row.outbox_id.take()
        && release(db, row.seq, outbox_id)?
    {
        recorded.settled.push(outbox_id);
    }
    Ok(())
}

/// While we have custody, only the next hop's own word can end it.
fn may_settle(row: &Row, next: &Sealed) -> bool {
    row.outbox_id.is_none() || row.link() == Some(&next.receipt.hop)
}

/// Takes a consignment out of its outbox entry; true when the entry is thereby done and gone.
pub(super) fn release(db: &Connection, consignment: i64, outbox_id: i64) -> Result<bool> {
    db.prepare_cached("UPDATE consignments SET outbox_id = NULL WHERE seq = ?1")?.execute(params![consignment])?;
    let others = "SELECT 1 FROM consignments WHERE outbox_id = ?1 LIMIT 1";
    let others: Option<i64> = db.prepare_cached(others)?.query_row(params![outbox_id], |row| row.get(0)).optional()?;
    if others.is_some() {
        return Ok(false);
    }
    db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute(params![outbox_id])?;
    Ok(true)
}

/// See [`super::Store::queued_receipts`].
pub fn queued_receipts(db: &Connection, hop: &HopName, after: i64, limit: usize) -> Result<(Vec<QueuedReceipt>, i64)> {
    let query = "SELECT o.id, r.digest, r.jws FROM receipt_outbox o JOIN sealed r ON r.seq = o.receipt
                 WHERE o.hop = ?1 AND o.id > ?2 ORDER BY o.id LIMIT ?3";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![hop.as_str(), after, integer(limit)])?;
    let (mut receipts, mut last) = (Vec::new(), after);
    while let Some(row) = found.next()? {
        last = row.get(0)?;
        receipts.push(QueuedReceipt { digest: rows::digest(row, 1)?, jws: row.get(2)? });
    }
    Ok((receipts, last))
}
