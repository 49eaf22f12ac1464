//! Accounts, sessions, and what is done at the console with the record of it.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use lienthong_contract::outlet::News;
use lienthong_contract::{ConsignmentId, Digest, DocId, Instant};

use super::super::console::{
    Account, Again, Attempt, Change, Closed, ConsoleStore, Effect, Effected, Entry, NewAccount, NewProposal, Proposal,
    Recorded, Role, Session, Stood,
};
use super::super::outlets::Attested;
use super::super::{AckOutcome, Error, Result};
use super::accept::insert_again;
use super::rows::{self, SUBMISSION, integer};
use super::{SqliteStore, mailbox, outbox, outlets};
use crate::life::Input;
use crate::receipts::Sealed;

/// Use of a session is noted no more often than this, in milliseconds.
const NOTED_EVERY: i64 = 60_000;

const ACCOUNT: &str = "a.id, a.name, a.full_name, a.role, a.agency, a.password, a.totp, a.totp_step, a.must_change,
                       a.disabled, a.failures, a.locked_until, a.created_at, a.signed_in_at";

#[async_trait]
impl ConsoleStore for SqliteStore {
    async fn accounts(&self) -> Result<Vec<Account>> {
        self.read(|db| {
            let mut query = db.prepare_cached(&format!("SELECT {ACCOUNT} FROM accounts a ORDER BY a.name"))?;
            let mut found = query.query([])?;
            let mut accounts = Vec::new();
            while let Some(row) = found.next()? {
                accounts.push(account(row, 0)?);
            }
            Ok(accounts)
        })
        .await
    }

    async fn account(&self, name: &str) -> Result<Option<Account>> {
        let name = name.to_owned();
        self.read(move |db| {
            let mut query = db.prepare_cached(&format!("SELECT {ACCOUNT} FROM accounts a WHERE a.name = ?1"))?;
            let mut found = query.query([&name])?;
            found.next()?.map(|row| account(row, 0)).transpose()
        })
        .await
    }

    async fn attempted(&self, account: i64, attempt: Attempt, now: Instant) -> Result<bool> {
        self.writer.write(move |db| attempted(db, account, attempt, now)).await
    }

    async fn begin_session(&self, session: Session, most: usize) -> Result<()> {
        self.writer.write(move |db| begin_session(db, &session, most)).await
    }

    async fn session(&self, token: Digest, now: Instant, idle_since: Instant) -> Result<Option<(Session, Account)>> {
        let found = self.read(move |db| session(db, token, now, idle_since)).await?;
        let stale =
            found.as_ref().is_some_and(|(session, _)| now.as_millis() - session.seen_at.as_millis() > NOTED_EVERY);
        if stale {
            let note = "UPDATE sessions SET seen_at = ?2 WHERE token = ?1";
            let token = *token.as_bytes();
            let noted = move |db: &Connection| {
                Ok(db.prepare_cached(note)?.execute(params![token, now.as_millis()]).map(|_| ())?)
            };
            self.writer.write(noted).await?;
        }
        Ok(found)
    }

    async fn end_session(&self, token: Digest) -> Result<()> {
        self.writer
            .write(move |db| {
                let end = "DELETE FROM sessions WHERE token = ?1";
                Ok(db.prepare_cached(end)?.execute([token.as_bytes()]).map(|_| ())?)
            })
            .await
    }

    async fn act(&self, effects: Vec<Effect>, entry: Entry) -> Result<Effected> {
        self.writer.write(move |db| act(db, &effects, &entry)).await
    }

    async fn acts(&self, before: Option<i64>, limit: usize) -> Result<Vec<Recorded>> {
        self.read(move |db| {
            let query = format!("SELECT {RECORD} WHERE a.id < ?1 ORDER BY a.id DESC LIMIT ?2");
            let mut query = db.prepare_cached(&query)?;
            recorded(query.query(params![before.unwrap_or(i64::MAX), integer(limit)])?)
        })
        .await
    }

    async fn acts_on(&self, doc_id: DocId) -> Result<Vec<Recorded>> {
        self.read(move |db| {
            let query = format!(
                "SELECT {RECORD} WHERE a.id IN (SELECT act FROM console_acts_on WHERE doc_id = ?1) ORDER BY a.id"
            );
            let mut query = db.prepare_cached(&query)?;
            recorded(query.query(params![doc_id.as_bytes()])?)
        })
        .await
    }

    async fn proposals(&self, answered: usize) -> Result<Vec<Proposal>> {
        self.read(move |db| {
            let query = format!(
                "SELECT * FROM (SELECT {PROPOSAL} WHERE state = 'waiting' ORDER BY id)
                 UNION ALL
                 SELECT * FROM (SELECT {PROPOSAL} WHERE state <> 'waiting' ORDER BY id DESC LIMIT ?1)"
            );
            let mut query = db.prepare_cached(&query)?;
            let mut found = query.query([integer(answered)])?;
            let mut proposals = Vec::new();
            while let Some(row) = found.next()? {
                proposals.push(proposal(row)?);
            }
            Ok(proposals)
        })
        .await
    }

    async fn proposal(&self, id: i64) -> Result<Option<Proposal>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(&format!("SELECT {PROPOSAL} WHERE id = ?1"))?;
            let mut found = query.query([id])?;
            found.next()?.map(proposal).transpose()
        })
        .await
    }

    async fn stood(&self, ids: Vec<ConsignmentId>) -> Result<Vec<Stood>> {
        self.read(move |db| {
            let db = db.unchecked_transaction()?;
            let found = ids.iter().map(|id| stood(&db, *id)).collect::<Result<Vec<_>>>()?;
            Ok(found.into_iter().flatten().collect())
        })
        .await
    }

    async fn closed_destinations(&self) -> Result<Vec<Closed>> {
        self.read(|db| {
            let mut query =
                db.prepare_cached("SELECT name, since, by, reason FROM closed_destinations ORDER BY name")?;
            let mut found = query.query([])?;
            let mut closed = Vec::new();
            while let Some(row) = found.next()? {
                let name = rows::hop(row, 0)?.ok_or_else(|| Error::Corrupt("a destination of no name".to_owned()))?;
                let since = rows::instant(row, 1)?;
                closed.push(Closed { name, since, by: row.get(2)?, reason: row.get(3)? });
            }
            Ok(closed)
        })
        .await
    }
}

fn account(row: &Row<'_>, from: usize) -> Result<Account> {
    let role: String = row.get(from + 3)?;
    let agency: Option<String> = row.get(from + 4)?;
    let agency =
        agency.map(|code| code.parse().map_err(|_| Error::Corrupt(format!("{code:?} is no code")))).transpose()?;
    Ok(Account {
        id: row.get(from)?,
        name: row.get(from + 1)?,
        full_name: row.get(from + 2)?,
        role: Role::parse(&role).ok_or_else(|| Error::Corrupt(format!("{role:?} is no role")))?,
        agency,
        password: row.get(from + 5)?,
        totp: row.get(from + 6)?,
        totp_step: row.get(from + 7)?,
        must_change: row.get(from + 8)?,
        disabled: row.get(from + 9)?,
        failures: row.get(from + 10)?,
        locked_until: row.get::<_, Option<i64>>(from + 11)?.map(Instant::from_millis),
        created_at: rows::instant(row, from + 12)?,
        signed_in_at: row.get::<_, Option<i64>>(from + 13)?.map(Instant::from_millis),
    })
}

fn attempted(db: &Connection, account: i64, attempt: Attempt, now: Instant) -> Result<bool> {
    let changed = match attempt {
        Attempt::Good { step } => {
            let good = "UPDATE accounts SET failures = 0, locked_until = NULL, signed_in_at = ?2,
                        totp_step = coalesce(?3, totp_step) WHERE id = ?1 AND (?3 IS NULL OR totp_step < ?3)";
            db.prepare_cached(good)?.execute(params![account, now.as_millis(), step])?
        }
        Attempt::Bad { most, locked_until } => {
            let bad = "UPDATE accounts SET failures = failures + 1,
                       locked_until = CASE WHEN failures + 1 >= ?2 THEN ?3 ELSE locked_until END WHERE id = ?1";
            db.prepare_cached(bad)?.execute(params![account, most, locked_until.as_millis()])?
        }
    };
    Ok(changed == 1)
}

fn begin_session(db: &Connection, session: &Session, most: usize) -> Result<()> {
    let over = "DELETE FROM sessions WHERE until < ?1";
    db.prepare_cached(over)?.execute([session.created_at.as_millis()])?;
    let oldest = "DELETE FROM sessions WHERE token IN
                  (SELECT token FROM sessions WHERE account = ?1 ORDER BY seen_at DESC LIMIT -1 OFFSET ?2)";
    db.prepare_cached(oldest)?.execute(params![session.account, integer(most.saturating_sub(1))])?;
    let insert = "INSERT INTO sessions (token, account, csrf, created_at, seen_at, until, address)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    db.prepare_cached(insert)?.execute(params![
        session.token.as_bytes(),
        session.account,
        session.csrf,
        session.created_at.as_millis(),
        session.seen_at.as_millis(),
        session.until.as_millis(),
        session.address,
    ])?;
    Ok(())
}

fn session(db: &Connection, token: Digest, now: Instant, idle_since: Instant) -> Result<Option<(Session, Account)>> {
    let query = format!(
        "SELECT s.account, s.csrf, s.created_at, s.seen_at, s.until, s.address, {ACCOUNT}
         FROM sessions s JOIN accounts a ON a.id = s.account
         WHERE s.token = ?1 AND s.until > ?2 AND s.seen_at > ?3 AND a.disabled = 0"
    );
    let mut query = db.prepare_cached(&query)?;
    let mut found = query.query(params![token.as_bytes(), now.as_millis(), idle_since.as_millis()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let session = Session {
        token,
        account: row.get(0)?,
        csrf: row.get(1)?,
        created_at: rows::instant(row, 2)?,
        seen_at: rows::instant(row, 3)?,
        until: rows::instant(row, 4)?,
        address: row.get(5)?,
    };
    Ok(Some((session, account(row, 6)?)))
}

fn stood(db: &Connection, id: ConsignmentId) -> Result<Option<Stood>> {
    let Some(row) = outbox::consignment(db, id)? else { return Ok(None) };
    let head = rows::receipt(db, row.packet, row.seq, row.head)?;
    let head = match head {
        Some(head) => Some(head),
        None => rows::receipt(db, row.packet, SUBMISSION, row.head)?,
    };
    let head = head.ok_or_else(|| Error::Corrupt(format!("the last receipt of {id} is gone")))?;
    let mut submission = None;
    for stored in rows::receipts_of(db, row.packet, SUBMISSION)? {
        let sealed = rows::read(&stored.jws)?;
        if row.previous_hop.is_none() && sealed.receipt.doc_id == row.doc_id {
            submission = Some(sealed);
        }
    }
    let more = "SELECT p.destroyed_at IS NULL AND p.body_deleted_at IS NULL, c.urgent,
                       (SELECT doc_id FROM sent_again WHERE consignment = c.id),
                       EXISTS (SELECT 1 FROM recalls WHERE consignment = c.seq)
                FROM consignments c JOIN packets p ON p.id = c.packet WHERE c.seq = ?1";
    let mut more = db.prepare_cached(more)?;
    let mut more = more.query([row.seq])?;
    let Some(found) = more.next()? else { return Ok(None) };
    let sent_again = match found.get_ref(2)?.as_blob_or_null().map_err(|error| Error::Corrupt(error.to_string()))? {
        Some(_) => Some(rows::doc_id(found, 2)?),
        None => None,
    };
    let code = |text: &str| text.parse().map_err(|_| Error::Corrupt(format!("{text:?} is no code")));
    Ok(Some(Stood {
        id,
        doc_id: row.doc_id,
        packet: row.digest,
        recipient: code(&row.recipient)?,
        at: row.standing(),
        previous_hop: row.previous_hop.clone(),
        next_hop: row.next_hop.clone(),
        urgent: found.get(1)?,
        head: rows::read(&head)?,
        submission,
        body: found.get(0)?,
        sent_again,
        given_back: found.get(3)?,
    }))
}

const RECORD: &str = "a.id, a.time, a.actor, a.second, a.kind, a.subject, a.reason, a.documents, a.statement, l.number
                      FROM console_acts a LEFT JOIN ledger l ON l.receipt = -(1 << 62) - a.id";

fn recorded(mut found: rusqlite::Rows<'_>) -> Result<Vec<Recorded>> {
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        records.push(Recorded {
            id: row.get(0)?,
            time: rows::instant(row, 1)?,
            actor: row.get(2)?,
            second: row.get(3)?,
            kind: row.get(4)?,
            subject: row.get(5)?,
            reason: row.get(6)?,
            documents: rows::size(row, 7)?,
            statement: row.get(8)?,
            place: row.get::<_, Option<i64>>(9)?.and_then(|place| u64::try_from(place).ok()),
        });
    }
    Ok(records)
}

const PROPOSAL: &str =
    "id, kind, what, documents, reason, proposed_by, proposed_at, until, state, decided_by, decided_at
                        FROM proposals";

fn proposal(row: &Row<'_>) -> Result<Proposal> {
    Ok(Proposal {
        id: row.get(0)?,
        kind: row.get(1)?,
        what: row.get(2)?,
        documents: rows::size(row, 3)?,
        reason: row.get(4)?,
        proposed_by: row.get(5)?,
        proposed_at: rows::instant(row, 6)?,
        until: rows::instant(row, 7)?,
        state: row.get(8)?,
        decided_by: row.get(9)?,
        decided_at: row.get::<_, Option<i64>>(10)?.map(Instant::from_millis),
    })
}

fn act(db: &Connection, effects: &[Effect], entry: &Entry) -> Result<Effected> {
    let mut effected = Effected::default();
    for effect in effects {
        take_effect(db, effect, entry, &mut effected)?;
    }
    if effected.changed > 0 {
        effected.act = Some(record(db, entry)?);
    }
    Ok(effected)
}

fn record(db: &Connection, entry: &Entry) -> Result<i64> {
    let insert = "INSERT INTO console_acts (time, actor, second, kind, subject, reason, documents, statement)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    db.prepare_cached(insert)?.execute(params![
        entry.time.as_millis(),
        entry.actor,
        entry.second,
        entry.kind,
        entry.subject,
        entry.reason,
        integer(entry.documents.len()),
        entry.statement,
    ])?;
    let act = db.last_insert_rowid();
    let mut on = db.prepare_cached("INSERT OR IGNORE INTO console_acts_on (doc_id, act) VALUES (?1, ?2)")?;
    for document in &entry.documents {
        on.execute(params![document.as_bytes(), act])?;
    }
    Ok(act)
}

fn take_effect(db: &Connection, effect: &Effect, entry: &Entry, effected: &mut Effected) -> Result<()> {
    let changed = match effect {
        Effect::Nothing => 1,
        Effect::AddAccount(new) => {
            effected.made = Some(add_account(db, new)?);
            1
        }
        Effect::ChangeAccount(id, change) => change_account(db, *id, change)?,
        Effect::CloseDestination { name, reason } => {
            let close = "INSERT OR IGNORE INTO closed_destinations (name, since, by, reason) VALUES (?1, ?2, ?3, ?4)";
            db.prepare_cached(close)?.execute(params![name.as_str(), entry.time.as_millis(), entry.actor, reason])?
        }
        Effect::OpenDestination(name) => {
            db.prepare_cached("DELETE FROM closed_destinations WHERE name = ?1")?.execute([name.as_str()])?
        }
        Effect::TryAgain(consignments) => {
            let mut reset = db.prepare_cached(
                "UPDATE outbox SET attempts = 0
                 WHERE id = (SELECT outbox_id FROM consignments WHERE id = ?1 AND state = 'queued')",
            )?;
            let mut changed = 0;
            for id in consignments {
                changed += reset.execute([id.as_bytes()])?;
            }
            changed
        }
        Effect::End(id, terminal) => {
            let ended = outbox::fail(db, *id, terminal)?;
            let changed = usize::from(ended.is_some());
            effected.ended.extend(ended);
            changed
        }
        Effect::HandOver(id, terminal) => hand_over(db, *id, terminal, effected)?,
        Effect::SendAgain(again) => send_again(db, again)?,
        Effect::Dismiss(id) => dismiss(db, *id)?,
        Effect::Propose(new) => {
            effected.made = Some(propose(db, new, entry)?);
            1
        }
        Effect::Decide { id, accept } => {
            let decide = "UPDATE proposals SET state = ?2, decided_by = ?3, decided_at = ?4
                          WHERE id = ?1 AND state = 'waiting' AND proposed_by <> ?3 AND until > ?4";
            let (state, by) =
                (if *accept { "done" } else { "rejected" }, entry.second.as_ref().unwrap_or(&entry.actor));
            let decided = db.prepare_cached(decide)?.execute(params![id, state, by, entry.time.as_millis()])?;
            if decided == 0 {
                return Err(Error::Unavailable(
                    "the proposal was answered already, is too old, or is one's own".to_owned(),
                ));
            }
            decided
        }
    };
    effected.changed = effected.changed.saturating_add(changed as u64);
    Ok(())
}

/// In place of the recipient here, or of the report of a system outside.
fn hand_over(db: &Connection, id: ConsignmentId, terminal: &Sealed, effected: &mut Effected) -> Result<usize> {
    let input = Input::Reported(News::Received);
    if let Some(ended) = outlets::attest_one(db, &Attested { id, input, receipt: terminal.clone(), due: None })? {
        effected.ended.push(ended);
        return Ok(1);
    }
    Ok(match mailbox::acknowledge(db, id, terminal)? {
        AckOutcome::Done { .. } => 1,
        AckOutcome::Ended { .. } | AckOutcome::GivenBack | AckOutcome::NotFound => 0,
    })
}

fn add_account(db: &Connection, new: &NewAccount) -> Result<i64> {
    let insert =
        "INSERT INTO accounts (name, full_name, role, agency, password, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    db.prepare_cached(insert)?.execute(params![
        new.name,
        new.full_name,
        new.role.as_str(),
        new.agency.as_ref().map(lienthong_contract::AgencyCode::as_str),
        new.password,
        new.created_at.as_millis(),
    ])?;
    Ok(db.last_insert_rowid())
}

fn change_account(db: &Connection, id: i64, change: &Change) -> Result<usize> {
    let mut changed = 0;
    if let Some((password, must_change)) = &change.password {
        let set = "UPDATE accounts SET password = ?2, must_change = ?3 WHERE id = ?1";
        changed += db.prepare_cached(set)?.execute(params![id, password, must_change])?;
    }
    if let Some(secret) = &change.totp {
        let set = "UPDATE accounts SET totp = ?2, totp_step = 0 WHERE id = ?1";
        changed += db.prepare_cached(set)?.execute(params![id, secret])?;
    }
    if let Some((role, agency)) = &change.role {
        let set = "UPDATE accounts SET role = ?2, agency = ?3 WHERE id = ?1 AND (role, agency) IS NOT (?2, ?3)";
        let agency = agency.as_ref().map(lienthong_contract::AgencyCode::as_str);
        changed += db.prepare_cached(set)?.execute(params![id, role.as_str(), agency])?;
    }
    if let Some(disabled) = change.disabled {
        let set = "UPDATE accounts SET disabled = ?2 WHERE id = ?1 AND disabled <> ?2";
        changed += db.prepare_cached(set)?.execute(params![id, disabled])?;
    }
    if let Some(name) = &change.full_name {
        let set = "UPDATE accounts SET full_name = ?2 WHERE id = ?1 AND full_name <> ?2";
        changed += db.prepare_cached(set)?.execute(params![id, name])?;
    }
    if change.unlock {
        let set = "UPDATE accounts SET failures = 0, locked_until = NULL WHERE id = ?1";
        changed += db.prepare_cached(set)?.execute([id])?;
    }
    if change.end_sessions {
        changed += db.prepare_cached("DELETE FROM sessions WHERE account = ?1")?.execute([id])?;
    }
    Ok(changed)
}

/// All of it or nothing: whoever of those that it is instead of was sent again before, or has not ended, stops it.
fn send_again(db: &Connection, again: &Again) -> Result<usize> {
    for id in &again.instead_of {
        let ended = "SELECT state IN ('failed', 'rejected', 'refused') FROM consignments WHERE id = ?1";
        let ended: Option<bool> = db.prepare_cached(ended)?.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
        let note = "INSERT OR IGNORE INTO sent_again (consignment, doc_id) VALUES (?1, ?2)";
        let noted = db.prepare_cached(note)?.execute(params![id.as_bytes(), again.doc_id.as_bytes()])?;
        if ended != Some(true) || noted == 0 {
            return Err(Error::Unavailable("it was sent again already, or has not ended".to_owned()));
        }
    }
    insert_again(db, again)?;
    for id in &again.instead_of {
        dismiss(db, *id)?;
    }
    Ok(1)
}

fn dismiss(db: &Connection, id: ConsignmentId) -> Result<usize> {
    let seen_to = "DELETE FROM stuck WHERE consignment = (SELECT seq FROM consignments WHERE id = ?1)";
    Ok(db.prepare_cached(seen_to)?.execute([id.as_bytes()])?)
}

fn propose(db: &Connection, new: &NewProposal, entry: &Entry) -> Result<i64> {
    let insert = "INSERT INTO proposals (what, kind, documents, reason, proposed_by, proposed_at, until)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    db.prepare_cached(insert)?.execute(params![
        new.what,
        new.kind,
        integer(new.documents),
        new.reason,
        entry.actor,
        new.proposed_at.as_millis(),
        new.until.as_millis(),
    ])?;
    Ok(db.last_insert_rowid())
}
