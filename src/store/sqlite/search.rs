//! The index of words, and what is found by it.
//!
//! `search.rowid` is `packets.id`, which grows with the time of arrival: the newest first is its order backwards, and a stretch
//! of time is a stretch of it. A page looks at a bounded number of candidates, so that a question that finds little costs
//! no more than one that finds much; then it is short and says where to read on.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, Digest, DocId, Instant};

use super::super::Result;
use super::super::search::{Found, FoundPage, Query, SearchStore, Side};
use super::SqliteStore;
use super::rows::{self, integer};
use crate::directory::fold;

/// The most candidates that one page looks at.
const LOOKED_AT: usize = 20_000;
/// The most recipients that a list names.
const NAMED: usize = 3;
/// The most words of a question that count.
const MAX_WORDS: usize = 16;
/// Longest text that is indexed of one field, in characters.
const MAX_TEXT: usize = 2_000;

#[async_trait]
impl SearchStore for SqliteStore {
    async fn index(&self, limit: usize) -> Result<bool> {
        // What needs no writing is done where only is read: documents that come in wait for the writer.
        let Some(page) = self.read(move |db| page(db, limit)).await? else { return Ok(false) };
        let more = page.more;
        self.writer.write(move |db| put(db, &page)).await?;
        Ok(more)
    }

    async fn search(&self, query: Query, limit: usize) -> Result<FoundPage> {
        self.read(move |db| search(db, &query, limit)).await
    }

    async fn of_digest(&self, digest: Digest) -> Result<Vec<DocId>> {
        self.read(move |db| {
            let query =
                "SELECT DISTINCT c.doc_id FROM packets p JOIN consignments c ON c.packet = p.id WHERE p.digest = ?1";
            let mut query = db.prepare_cached(query)?;
            let mut found = query.query(params![digest.as_bytes()])?;
            let mut documents = Vec::new();
            while let Some(row) = found.next()? {
                documents.push(rows::doc_id(row, 0)?);
            }
            Ok(documents)
        })
        .await
    }
}

/// What is to be put into the index next.
struct Page {
    /// How far the index had come, and how far it comes with this.
    after: i64,
    last: i64,
    /// Packets with their words and parties.
    rows: Vec<(i64, String, String)>,
    more: bool,
}

/// A packet whose consignments have changed is indexed anew, with all of them.
fn page(db: &Connection, limit: usize) -> Result<Option<Page>> {
    let after: i64 = db.prepare_cached("SELECT consignments FROM search_head")?.query_row([], |row| row.get(0))?;
    let page = "SELECT max(seq), count(*) FROM (SELECT seq FROM consignments WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
    let (last, looked): (Option<i64>, i64) =
        db.prepare_cached(page)?.query_row(params![after, integer(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last else { return Ok(None) };
    let mut rows = Vec::new();
    let packets = "SELECT p.id, p.sender, p.subject, p.code, p.document_id FROM packets p
                   WHERE p.kind = 'document'
                     AND p.id IN (SELECT DISTINCT packet FROM consignments WHERE seq > ?1 AND seq <= ?2)";
    let mut packets = db.prepare_cached(packets)?;
    let mut found = packets.query(params![after, last])?;
    while let Some(row) = found.next()? {
        let id: i64 = row.get(0)?;
        let sender: String = row.get(1)?;
        let mut words = String::new();
        for column in 2..=4 {
            if let Some(text) = row.get::<_, Option<String>>(column)? {
                words.push_str(&text.chars().take(MAX_TEXT).collect::<String>());
                words.push(' ');
            }
        }
        let mut parties = token('s', &sender);
        let mut recipients = db.prepare_cached("SELECT DISTINCT recipient FROM consignments WHERE packet = ?1")?;
        let mut recipients = recipients.query([id])?;
        while let Some(row) = recipients.next()? {
            parties.push(' ');
            parties.push_str(&token('r', &row.get::<_, String>(0)?));
        }
        rows.push((id, fold(&words), parties));
    }
    Ok(Some(Page { after, last, rows, more: looked >= integer(limit) }))
}

/// Nothing, when somebody else was quicker. What has come to a packet since it was read brings it up again.
fn put(db: &Connection, page: &Page) -> Result<()> {
    let head = "UPDATE search_head SET consignments = ?2 WHERE consignments = ?1";
    if db.prepare_cached(head)?.execute([page.after, page.last])? == 0 {
        return Ok(());
    }
    let mut put = db.prepare_cached("INSERT OR REPLACE INTO search (rowid, words, parties) VALUES (?1, ?2, ?3)")?;
    for (id, words, parties) in &page.rows {
        put.execute(params![id, words, parties])?;
    }
    Ok(())
}

/// A code as one word of the index.
fn token(side: char, code: &str) -> String {
    let letters =
        code.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { 'x' });
    std::iter::once(side).chain(letters).collect()
}

/// The question in the index's own language; nothing when it has no words.
fn matching(query: &Query) -> Option<String> {
    let folded = fold(&query.words);
    let words: Vec<&str> = folded
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .collect();
    let open = query.words.ends_with(char::is_alphanumeric);
    let mut parts = Vec::new();
    for (nr, word) in words.iter().enumerate() {
        let beginning = if open && nr + 1 == words.len() { "*" } else { "" };
        parts.push(format!("words : \"{word}\"{beginning}"));
    }
    if let Some(agency) = &query.agency {
        let side = |side| format!("parties : \"{}\"", token(side, agency.as_str()));
        parts.push(match query.side {
            Some(Side::Sent) => side('s'),
            Some(Side::Received) => side('r'),
            None => format!("({} OR {})", side('s'), side('r')),
        });
    }
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

fn search(db: &Connection, query: &Query, limit: usize) -> Result<FoundPage> {
    let db = &*db.unchecked_transaction()?;
    let first = match query.from {
        Some(from) => first_since(db, from)?,
        None => 0,
    };
    let last = match query.until {
        Some(until) => first_since(db, until)?.saturating_sub(1),
        None => i64::MAX,
    };
    let last = query.before.map_or(last, |before| last.min(before.saturating_sub(1)));
    let words = matching(query);
    let badly = !query.states.is_empty() && query.states.iter().all(|state| ended_badly(*state));
    let sql = match (&words, badly) {
        (Some(_), _) => {
            "SELECT rowid FROM search WHERE search MATCH ?3 AND rowid >= ?1 AND rowid <= ?2 ORDER BY rowid DESC LIMIT ?4"
        }
        (None, true) => {
            "SELECT DISTINCT packet FROM consignments WHERE state IN ('failed', 'rejected', 'refused')
               AND packet >= ?1 AND packet <= ?2 AND ?3 IS NULL ORDER BY packet DESC LIMIT ?4"
        }
        (None, false) => {
            "SELECT id FROM packets WHERE id >= ?1 AND id <= ?2 AND kind = 'document' AND ?3 IS NULL
             ORDER BY id DESC LIMIT ?4"
        }
    };
    let mut candidates = db.prepare_cached(sql)?;
    let mut candidates = candidates.query(params![first, last, words, integer(LOOKED_AT)])?;
    let mut page = FoundPage::default();
    let (mut looked, mut at) = (0, None);
    while let Some(row) = candidates.next()? {
        let id: i64 = row.get(0)?;
        if page.found.len() == limit {
            page.next = at;
            return Ok(page);
        }
        (looked, at) = (looked + 1, Some(id));
        if stands_so(db, id, &query.states)? {
            page.found.extend(found(db, id)?);
        }
    }
    page.next = at.filter(|_| looked == LOOKED_AT);
    Ok(page)
}

const fn ended_badly(state: ConsignmentState) -> bool {
    matches!(state, ConsignmentState::Failed | ConsignmentState::Rejected | ConsignmentState::Refused)
}

fn stands_so(db: &Connection, packet: i64, states: &[ConsignmentState]) -> Result<bool> {
    if states.is_empty() {
        return Ok(true);
    }
    let mut query = db.prepare_cached("SELECT DISTINCT state FROM consignments WHERE packet = ?1")?;
    let mut found = query.query([packet])?;
    while let Some(row) = found.next()? {
        if states.contains(&rows::state(row, 0)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first packet that came since then: ids grow with the times, so halving finds it.
fn first_since(db: &Connection, since: Instant) -> Result<i64> {
    let ends = "SELECT coalesce(min(id), 1), coalesce(max(id), 0) + 1 FROM packets";
    let (mut low, mut high): (i64, i64) =
        db.prepare_cached(ends)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut next = db.prepare_cached("SELECT id, received_at FROM packets WHERE id >= ?1 ORDER BY id LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((id, at)) if at < since.as_millis() => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn found(db: &Connection, packet: i64) -> Result<Option<Found>> {
    let query =
        "SELECT doc_id, document_id, code, subject, sender, urgency, received_at, size FROM packets WHERE id = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut packets = query.query([packet])?;
    let Some(row) = packets.next()? else { return Ok(None) };
    let mut consignments =
        db.prepare_cached("SELECT recipient, state, doc_id FROM consignments WHERE packet = ?1 ORDER BY seq")?;
    let mut consignments = consignments.query([packet])?;
    let (mut recipients, mut states): (Vec<AgencyCode>, Vec<(ConsignmentState, u64)>) = Default::default();
    let (mut in_all, mut named) = (0, None);
    while let Some(row) = consignments.next()? {
        in_all += 1;
        if recipients.len() < NAMED {
            recipients.push(rows::agency(row, 0)?);
        }
        let state = rows::state(row, 1)?;
        match states.iter_mut().find(|(known, _)| *known == state) {
            Some((_, count)) => *count += 1,
            None => states.push((state, 1)),
        }
        named.get_or_insert(rows::doc_id(row, 2)?);
    }
    let Some(doc_id) = named else { return Ok(None) };
    Ok(Some(Found {
        doc_id,
        document_id: row.get(1)?,
        code: row.get(2)?,
        subject: row.get(3)?,
        sender: rows::agency(row, 4)?,
        urgency: row.get(5)?,
        received_at: rows::instant(row, 6)?,
        size: rows::size(row, 7)?,
        recipients,
        recipients_in_all: in_all,
        states,
    }))
}
