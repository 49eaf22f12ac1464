//! What is told of a packet besides itself: the words about each of its consignments, and the packets that it is tied to.

use rusqlite::{Connection, params};

use lienthong_contract::door::{
    InboxItem, Link, LinkedRecipient, Meaning, RecallView, Relation, StatusAbout, StatusView,
};
use lienthong_contract::{AgencyCode, DocId, Instant};

use super::super::{Error, Result};
use super::flows::MOST;
use super::rows::{self, integer};
use crate::edxml::model::StatusCode;
use crate::flows::{ActKind, Event, Said, Story};

fn codes(text: &str) -> Result<Vec<AgencyCode>> {
    let read = |code: &str| code.parse().map_err(|_| Error::Corrupt(format!("{code:?} is no agency code")));
    text.split(',').filter(|code| !code.is_empty()).map(read).collect()
}

/// A packet whose story is told.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub packet: i64,
    pub sender: &'a AgencyCode,
    pub document_id: Option<&'a str>,
    pub business_type: u8,
}

/// What is told of a consignment.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub statuses: Vec<StatusView>,
    pub current: Option<StatusView>,
    pub recall: Option<RecallView>,
}

/// The story of one consignment: of the document's name, and, where the packet is an update, of its target's.
pub fn story(db: &Connection, of: &Subject<'_>, recipient: &AgencyCode) -> Result<Told> {
    let mut names: Vec<String> = of.document_id.map(str::to_owned).into_iter().collect();
    if of.business_type == 2 {
        let query = "SELECT document_id FROM acts WHERE packet = ?1 AND kind = 'update' AND document_id IS NOT NULL";
        let mut query = db.prepare_cached(query)?;
        let targets =
            query.query_map(params![of.packet], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        names.extend(targets.into_iter().filter(|target| of.document_id != Some(target)));
    }
    // What is said after a revocation is said of the document, not of the notice.
    if of.business_type == 1 {
        return Ok(Told::default());
    }
    let mut all = Vec::new();
    for name in &names {
        all.extend(events(db, (of.sender, recipient, name), None)?);
    }
    let story = Story::of(&ordered(all));
    let statuses: Vec<StatusView> = (story.words.iter())
        .map(|(said, by_sender)| view(said, if *by_sender { of.sender } else { recipient }))
        .collect();
    let current = story.current.and_then(|at| statuses.get(at).cloned());
    let recall = story.recall.map(|recall| RecallView {
        state: recall.state,
        asked_at: recall.asked.received_at,
        reason: recall.asked.description,
        answered_at: recall.answer.as_ref().map(|answer| answer.received_at),
        answer: recall.answer.and_then(|answer| answer.description),
        destroyed_at: None,
    });
    Ok(Told { statuses, current, recall })
}

fn view(said: &Said, from: &AgencyCode) -> StatusView {
    StatusView {
        code: said.code.clone(),
        description: said.description.clone(),
        time: said.time,
        doc_id: said.doc_id,
        from: Some(from.clone()),
        meaning: meaning(&said.code),
        received_at: Some(said.received_at),
    }
}

fn meaning(code: &str) -> Option<Meaning> {
    let text = StatusCode::from_code(code).meaning()?;
    Some(Meaning { vi: text.vi.to_owned(), en: text.en.to_owned() })
}

/// In the order in which their packets came.
pub(super) fn ordered(mut events: Vec<(i64, Event)>) -> Vec<Event> {
    events.sort_by_key(|(packet, _)| *packet);
    events.into_iter().map(|(_, event)| event).collect()
}

/// What came here about a document of this name between these two, with the packet it came in. What is only offered, or
/// was withdrawn, does not count, except in the packet `now`, which is about to, and in one that has had its effect.
///
/// Of each side's words about giving back, the first [`MOST`] count, so that an agreement stays one whatever comes after
/// it; of its other words, the last [`MOST`].
pub(super) fn events(
    db: &Connection,
    (sender, recipient, name): (&AgencyCode, &AgencyCode, &str),
    now: Option<i64>,
) -> Result<Vec<(i64, Event)>> {
    let query = "SELECT s.packet, s.code, s.description, s.time, p.received_at, s.doc_id,
                        EXISTS (SELECT 1 FROM consignments c
                                WHERE c.doc_id = s.doc_id AND c.state <> 'rejected' AND (c.state <> 'failed' OR EXISTS
                                    (SELECT 1 FROM receipts r WHERE r.packet = c.packet AND r.consignment = c.seq
                                     AND r.event = 'ContentConsignment'))) AS heard
                 FROM (SELECT * FROM (SELECT * FROM statuses WHERE document_id = ?1 AND about = ?2 AND agency = ?3
                                      AND code IN ('13', '15', '16') ORDER BY seq LIMIT ?5)
                       UNION ALL
                       SELECT * FROM (SELECT * FROM statuses WHERE document_id = ?1 AND about = ?2 AND agency = ?3
                                      AND code NOT IN ('13', '15', '16') ORDER BY seq DESC LIMIT ?5)) s
                 JOIN packets p ON p.id = s.packet
                 WHERE s.packet = ?4
                   OR EXISTS (SELECT 1 FROM recalls r WHERE r.status = s.packet) OR EXISTS
                   (SELECT 1 FROM consignments c WHERE c.doc_id = s.doc_id
                    AND c.state NOT IN ('offered', 'withdrawn'))
                 ORDER BY s.packet";
    let mut events = Vec::new();
    let asks = StatusCode::TakeBackRequested;
    for (about, agency, by_sender) in [(sender, recipient, false), (recipient, sender, true)] {
        let mut query = db.prepare_cached(query)?;
        let mut found = query.query(params![name, about.as_str(), agency.as_str(), now, integer(MOST)])?;
        while let Some(row) = found.next()? {
            let said = Said {
                code: row.get(1)?,
                description: row.get(2)?,
                time: row.get::<_, Option<i64>>(3)?.map(Instant::from_millis),
                received_at: rows::instant(row, 4)?,
                doc_id: rows::doc_id(row, 5)?,
            };
            // Each says only what is its to say: 13 is the sender's word alone.
            if (said.code == asks.code()) != by_sender {
                continue;
            }
            let heard: bool = row.get(6)?;
            events.push((
                row.get(0)?,
                match (by_sender, heard) {
                    (true, true) => Event::Sender(said),
                    (true, false) => Event::Unheard(said),
                    (false, _) => Event::Recipient(said),
                },
            ));
        }
    }
    let query = "SELECT a.packet FROM acts a JOIN consignments c ON c.packet = a.packet
                 WHERE a.document_id = ?1 AND a.owner = ?2 AND a.kind IN ('update', 'revoke') AND c.recipient = ?3
                   AND c.state NOT IN ('offered', 'withdrawn', 'rejected') ORDER BY a.packet DESC LIMIT ?4";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![name, sender.as_str(), recipient.as_str(), integer(MOST)])?;
    while let Some(row) = found.next()? {
        events.push((row.get(0)?, Event::Changed));
    }
    Ok(events)
}

/// Fills in what a mailbox's list tells of an entry besides the packet itself.
pub fn tell(db: &Connection, item: &mut InboxItem, packet: i64) -> Result<()> {
    let business_type = "SELECT business_type FROM packets WHERE id = ?1";
    let business_type = db.prepare_cached(business_type)?.query_row(params![packet], |row| row.get(0))?;
    if item.kind == "status" {
        item.about = about(db, packet)?;
        return Ok(());
    }
    let subject = Subject { packet, sender: &item.from, document_id: item.document_id.as_deref(), business_type };
    let told = story(db, &subject, &item.recipient)?;
    item.links = links(db, &subject, Some(&item.recipient))?;
    (item.statuses, item.current, item.recall) = (told.statuses, told.current, told.recall);
    Ok(())
}

fn about(db: &Connection, packet: i64) -> Result<Option<StatusAbout>> {
    let query = "SELECT document_id, code, about, agency FROM statuses WHERE packet = ?1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![packet])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let (document_id, code): (String, String) = (row.get(0)?, row.get(1)?);
    let (about, agency) = (rows::agency(row, 2)?, rows::agency(row, 3)?);
    let asks = code == StatusCode::TakeBackRequested.code();
    let (sender, recipient) = if asks { (agency, about) } else { (about, agency) };
    let target = "SELECT c.doc_id FROM packets p JOIN consignments c ON c.packet = p.id
                  WHERE p.document_id = ?1 AND p.kind = 'document' AND p.sender = ?2 AND p.business_type <> 1
                    AND c.recipient = ?3 ORDER BY c.seq LIMIT 1";
    let mut target = db.prepare_cached(target)?;
    let mut target = target.query(params![document_id, sender.as_str(), recipient.as_str()])?;
    let doc_id: Option<DocId> = target.next()?.map(|row| rows::doc_id(row, 0)).transpose()?;
    Ok(Some(StatusAbout { meaning: meaning(&code), code, document_id, doc_id }))
}

/// The packets that this one is tied to, in both directions; with the recipients of each, or with `only` one of them. All
/// together name at most [`MAX_LINKED`] recipients: the last ones name none.
pub fn links(db: &Connection, of: &Subject<'_>, only: Option<&AgencyCode>) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    let mut linked = Linked { only, left: MAX_LINKED };
    let query = "SELECT kind, owner, document_id, code, reason, added, removed FROM acts WHERE packet = ?1 ORDER BY nr";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![of.packet])?;
    while let Some(row) = found.next()? {
        let kind = kind(row.get_ref(0)?.as_str().unwrap_or_default())?;
        let owner: Option<String> = row.get(1)?;
        let owner = owner.map(|owner| codes(&owner)).transpose()?.and_then(|mut owner| owner.pop());
        let document_id: Option<String> = row.get(2)?;
        let target = match (&owner, &document_id) {
            (owner, Some(name)) => target(db, of, owner.as_ref(), name)?,
            _ => None,
        };
        let (packet, doc_id, from, time) = match target {
            Some((packet, doc_id, from, time)) => (Some(packet), Some(doc_id), Some(from), Some(time)),
            None => (None, None, owner, None),
        };
        links.push(Link {
            relation: relation(kind, false),
            doc_id,
            document_id,
            code: row.get(3)?,
            from,
            time,
            reason: row.get(4)?,
            recipients: packet.map(|packet| linked.of(db, packet)).transpose()?.unwrap_or_default(),
            added: codes(row.get_ref(5)?.as_str().unwrap_or_default())?,
            removed: codes(row.get_ref(6)?.as_str().unwrap_or_default())?,
        });
    }
    links.extend(links_to(db, of, &mut linked)?);
    Ok(links)
}

type Target = (i64, DocId, AgencyCode, Instant);

/// The document of this name: its sender's, or, where nobody is named, one that came from who is answered.
fn target(db: &Connection, of: &Subject<'_>, owner: Option<&AgencyCode>, name: &str) -> Result<Option<Target>> {
    let query = "SELECT id, doc_id, sender, received_at FROM packets p
                 WHERE document_id = ?1 AND kind = 'document' AND business_type <> 1 AND id <> ?2
                   AND (sender = ?3 OR ?3 IS NULL AND sender IN (SELECT recipient FROM consignments WHERE packet = ?2))
                 ORDER BY id LIMIT 1";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![name, of.packet, owner.map(AgencyCode::as_str)])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(Some((row.get(0)?, rows::doc_id(row, 1)?, rows::agency(row, 2)?, rows::instant(row, 3)?)))
}

/// What names this packet as its target.
fn links_to(db: &Connection, of: &Subject<'_>, linked: &mut Linked<'_>) -> Result<Vec<Link>> {
    let Some(name) = of.document_id.filter(|_| of.business_type != 1) else { return Ok(Vec::new()) };
    let query = "SELECT a.kind, a.packet, p.doc_id, p.document_id, p.code, p.sender, p.received_at, a.reason, a.added,
                        a.removed
                 FROM acts a JOIN packets p ON p.id = a.packet
                 WHERE a.document_id = ?1 AND a.packet <> ?3
                   AND (a.owner = ?2 OR a.owner IS NULL AND EXISTS
                        (SELECT 1 FROM consignments c WHERE c.packet = a.packet AND c.recipient = ?2))
                   AND EXISTS (SELECT 1 FROM consignments c WHERE c.packet = a.packet
                               AND c.state NOT IN ('offered', 'withdrawn'))
                 ORDER BY a.packet LIMIT ?4";
    let mut query = db.prepare_cached(query)?;
    let mut found = query.query(params![name, of.sender.as_str(), of.packet, integer(MOST)])?;
    let mut links = Vec::new();
    while let Some(row) = found.next()? {
        links.push(Link {
            relation: relation(kind(row.get_ref(0)?.as_str().unwrap_or_default())?, true),
            doc_id: Some(rows::doc_id(row, 2)?),
            document_id: row.get(3)?,
            code: row.get(4)?,
            from: Some(rows::agency(row, 5)?),
            time: Some(rows::instant(row, 6)?),
            reason: row.get(7)?,
            recipients: linked.of(db, row.get(1)?)?,
            added: codes(row.get_ref(8)?.as_str().unwrap_or_default())?,
            removed: codes(row.get_ref(9)?.as_str().unwrap_or_default())?,
        });
    }
    Ok(links)
}

fn kind(word: &str) -> Result<ActKind> {
    let kind = ActKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    kind.ok_or_else(|| Error::Corrupt(format!("{word:?} is nothing that a packet does to another")))
}

const fn relation(kind: ActKind, of_target: bool) -> Relation {
    match (kind, of_target) {
        (ActKind::Revoke, false) => Relation::Revokes,
        (ActKind::Update, false) => Relation::Updates,
        (ActKind::Replace, false) => Relation::Replaces,
        (ActKind::Reply, false) => Relation::Answers,
        (ActKind::Revoke, true) => Relation::RevokedBy,
        (ActKind::Update, true) => Relation::UpdatedBy,
        (ActKind::Replace, true) => Relation::ReplacedBy,
        (ActKind::Reply, true) => Relation::AnsweredBy,
    }
}

/// The most recipients that the ties of one packet name together; a single packet has some hundreds.
const MAX_LINKED: usize = 8192;

/// Who is named as a recipient of tied packets, and how many more may be.
struct Linked<'a> {
    only: Option<&'a AgencyCode>,
    left: usize,
}

impl Linked<'_> {
    fn of(&mut self, db: &Connection, packet: i64) -> Result<Vec<LinkedRecipient>> {
        let query = "SELECT recipient, state FROM consignments
                     WHERE packet = ?1 AND state NOT IN ('offered', 'withdrawn') AND (?2 IS NULL OR recipient = ?2)
                     ORDER BY seq LIMIT ?3";
        let mut query = db.prepare_cached(query)?;
        let mut found = query.query(params![packet, self.only.map(AgencyCode::as_str), integer(self.left)])?;
        let mut recipients = Vec::new();
        while let Some(row) = found.next()? {
            recipients.push(LinkedRecipient { recipient: rows::agency(row, 0)?, state: rows::state(row, 1)? });
        }
        self.left = self.left.saturating_sub(recipients.len());
        Ok(recipients)
    }
}
