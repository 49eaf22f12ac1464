//! The tables, and how an older store becomes a newer one.
//!
//! `PRAGMA user_version` is the schema's version. Each migration is applied in one transaction; a store that is newer
//! than this gateway is refused, not guessed at.

use std::cmp::Ordering;

use rusqlite::Connection;

use super::super::Error;

/// Each step takes the store from one version to the next; the first makes a new one of version [`OLDEST`].
const MIGRATIONS: &[&str] = &[V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16];

/// The oldest version that can be upgraded. Version 1 was never released.
const OLDEST: i64 = 2;

/// The newest version this gateway knows.
pub const VERSION: i64 = 16;

const V2: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A packet. Its bytes stand here, or in the file of its digest when `content` is null. Other tables point at `id`:
-- digests are as good as random, and each index over them costs a page of its own for every document.
CREATE TABLE packets (
    id            INTEGER PRIMARY KEY,
    digest        BLOB NOT NULL UNIQUE,
    doc_id        BLOB NOT NULL,
    size          INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    document_id   TEXT,
    business_type INTEGER NOT NULL,
    sender        TEXT NOT NULL,
    subject       TEXT,
    code          TEXT,
    urgency       INTEGER NOT NULL,
    received_at   INTEGER NOT NULL,
    content       BLOB
);

-- For the same number and notation used twice (NĐ 30/2020/NĐ-CP PL VI).
CREATE INDEX packets_of_code ON packets (sender, code, received_at) WHERE code IS NOT NULL;

-- What a sender of ours called a document, so that the same name with other bytes is noticed.
CREATE TABLE identities (
    sender        TEXT NOT NULL,
    document_id   TEXT NOT NULL,
    business_type INTEGER NOT NULL,
    packet        INTEGER NOT NULL,
    PRIMARY KEY (sender, document_id, business_type)
) WITHOUT ROWID;

-- `seq` counts arrivals. `doc_id` stands here too: the same bytes, handed in at two gateways, have two names and may
-- meet at a third. `head` is the digest of the last receipt that counts.
CREATE TABLE consignments (
    seq           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    packet        INTEGER NOT NULL,
    doc_id        BLOB NOT NULL,
    recipient     TEXT NOT NULL,
    state         TEXT NOT NULL,
    previous_hop  TEXT,
    next_hop      TEXT,
    outbox_id     INTEGER,
    urgent        INTEGER NOT NULL,
    head          BLOB NOT NULL,
    arrived_at    INTEGER NOT NULL
);
CREATE INDEX consignments_of_document ON consignments (doc_id);
CREATE INDEX consignments_of_outbox ON consignments (outbox_id) WHERE outbox_id IS NOT NULL;
CREATE INDEX mailboxes ON consignments (recipient, urgent DESC, seq)
    WHERE state = 'consigned' AND next_hop IS NULL;

-- The first parts of receipts, as they stand before the first full stop: the signer's certificates, over and over.
CREATE TABLE signers (
    id            INTEGER PRIMARY KEY,
    digest        BLOB NOT NULL UNIQUE,
    header        TEXT NOT NULL
);

-- The receipts of a packet: those about one consignment bear its `seq`, a submission, which is about all, bears 0.
CREATE TABLE receipts (
    seq           INTEGER PRIMARY KEY,
    packet        INTEGER NOT NULL,
    consignment   INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    previous      BLOB,
    event         TEXT NOT NULL,
    own           INTEGER NOT NULL,
    signer        INTEGER NOT NULL,
    rest          TEXT NOT NULL,
    UNIQUE (packet, consignment, digest)
);

-- Receipts with their whole text.
CREATE VIEW sealed AS
    SELECT r.seq, r.packet, r.consignment, r.digest, r.previous, r.event, r.own, s.header || '.' || r.rest AS jws
    FROM receipts r JOIN signers s ON s.id = r.signer;

-- Receipts that a neighbour sent about consignments that are not here (a store restored from an older copy). Kept, so
-- that the neighbour may stop repeating them and the evidence is not lost; nothing else looks at them.
CREATE TABLE stray_receipts (
    digest        BLOB PRIMARY KEY,
    hop           TEXT NOT NULL,
    consignment   BLOB,
    jws           TEXT NOT NULL
);

-- A packet due to a next hop. AUTOINCREMENT: an id is never given twice, so workers may remember how far they came.
CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hop           TEXT NOT NULL,
    packet        INTEGER NOT NULL,
    urgent        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT
);
CREATE INDEX outbox_due ON outbox (hop, urgent, id);

-- Receipts due to a neighbour, until it says that it has stored them.
CREATE TABLE receipt_outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hop           TEXT NOT NULL,
    digest        BLOB NOT NULL,
    receipt       INTEGER NOT NULL,
    UNIQUE (hop, digest)
);
CREATE INDEX receipt_outbox_due ON receipt_outbox (hop, id);

CREATE TABLE statuses (
    seq           INTEGER PRIMARY KEY,
    packet        INTEGER NOT NULL UNIQUE,
    document_id   TEXT NOT NULL,
    about         TEXT NOT NULL,
    agency        TEXT NOT NULL,
    code          TEXT NOT NULL,
    description   TEXT,
    time          INTEGER,
    doc_id        BLOB NOT NULL
);
CREATE INDEX statuses_of_document ON statuses (document_id, about, agency);

CREATE TABLE refusals (
    id            INTEGER PRIMARY KEY,
    time          INTEGER NOT NULL,
    agency        TEXT,
    credential    TEXT NOT NULL,
    digest        BLOB,
    size          INTEGER NOT NULL,
    findings      TEXT NOT NULL,
    receipt       TEXT
);
";

/// Deadlines. What was open before there were any gets a month from now.
const V3: &str = "
-- When the one in custody ends it, if nothing else has: at a hop that is to pass it on, or in a mailbox.
ALTER TABLE consignments ADD COLUMN due_at INTEGER;
UPDATE consignments SET due_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000 + 2592000000
    WHERE state IN ('queued', 'consigned');
CREATE INDEX consignments_due ON consignments (due_at)
    WHERE state = 'queued' OR (state = 'consigned' AND next_hop IS NULL);
";

/// The ledger. What was receipted before enters it when the store is opened (see [`super::ledger`]).
const V4: &str = "
-- Entries of the log, from number 0 on: digests of our own receipts. `receipt` is the receipt's `seq`, or, for one that
-- stands in a refusal, that refusal's `id` with a minus. Both only grow, so that everything here is appended.
CREATE TABLE ledger (
    number        INTEGER PRIMARY KEY,
    digest        BLOB NOT NULL,
    receipt       INTEGER NOT NULL
);
CREATE UNIQUE INDEX ledger_of_receipt ON ledger (receipt);

-- Roots over 256 entries, 256^2, … by level of the tree (8, 16, …). All other hashes are computed from these and from
-- at most 255 neighbours.
CREATE TABLE ledger_roots (
    level         INTEGER NOT NULL,
    place         INTEGER NOT NULL,
    hash          BLOB NOT NULL,
    PRIMARY KEY (level, place)
) WITHOUT ROWID;

-- How far the log has come: the last receipt and refusal that were looked at, and the checkpoint signed last. `epoch`
-- counts the logs of this hop; each has a name of its own.
CREATE TABLE ledger_head (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    epoch         INTEGER NOT NULL,
    receipts      INTEGER NOT NULL,
    refusals      INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    note          TEXT
);
INSERT INTO ledger_head (id, epoch, receipts, refusals, size) VALUES (1, 1, 0, 0, 0);

-- Checkpoints of ours that were sent to witnesses, with their cosignatures; the last few.
CREATE TABLE ledger_shown (
    size          INTEGER PRIMARY KEY,
    note          TEXT NOT NULL,
    cosignatures  INTEGER NOT NULL
);

-- Who witnesses our log: what it cosigned last, and whose key that was.
CREATE TABLE ledger_witnesses (
    hop           TEXT PRIMARY KEY,
    origin        TEXT NOT NULL,
    size          INTEGER NOT NULL,
    statement     TEXT NOT NULL
) WITHOUT ROWID;

-- The last checkpoint that we, a witness, cosigned of a neighbour's log.
CREATE TABLE ledger_seen (
    origin        TEXT PRIMARY KEY,
    hop           TEXT NOT NULL,
    vkey          TEXT NOT NULL,
    note          TEXT NOT NULL,
    time          INTEGER NOT NULL
) WITHOUT ROWID;

-- What cannot be true together, with both notes.
CREATE TABLE ledger_alarms (
    id            INTEGER PRIMARY KEY,
    time          INTEGER NOT NULL,
    hop           TEXT NOT NULL,
    origin        TEXT NOT NULL,
    code          TEXT NOT NULL,
    before        TEXT NOT NULL,
    now           TEXT NOT NULL,
    UNIQUE (origin, code, before)
);

-- Proofs that receipts of other hops stand in their logs, and the checkpoints they lead to.
CREATE TABLE ledger_proofs (
    receipt       BLOB PRIMARY KEY,
    origin        TEXT NOT NULL,
    size          INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    hashes        BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE ledger_checkpoints (
    origin        TEXT NOT NULL,
    size          INTEGER NOT NULL,
    hop           TEXT NOT NULL,
    statement     TEXT NOT NULL,
    note          TEXT NOT NULL,
    witnesses     TEXT NOT NULL,
    PRIMARY KEY (origin, size)
) WITHOUT ROWID;
";

/// Business flows: what packets do to other packets, and what was given back.
const V5: &str = "
-- A document is spoken of by its name. Names are a sender's own, so several senders may use the same.
CREATE INDEX packets_of_name ON packets (document_id) WHERE kind = 'document' AND document_id IS NOT NULL;

-- What a document does to another: revoke, update, replace, reply. The target is named, not pointed at: it may come later,
-- or never. `added` and `removed` are agency codes with commas between them.
CREATE TABLE acts (
    packet        INTEGER NOT NULL,
    nr            INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    owner         TEXT,
    document_id   TEXT,
    code          TEXT,
    reason        TEXT,
    added         TEXT NOT NULL,
    removed       TEXT NOT NULL,
    PRIMARY KEY (packet, nr)
) WITHOUT ROWID;
CREATE INDEX acts_on_document ON acts (document_id) WHERE document_id IS NOT NULL;

-- Consignments whose recipient agreed to give the document back; `status` is the packet of that word.
CREATE TABLE recalls (
    consignment   INTEGER PRIMARY KEY,
    packet        INTEGER NOT NULL,
    status        INTEGER NOT NULL,
    destroyed     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX recalls_by_status ON recalls (status);
CREATE INDEX recalls_to_do ON recalls (packet) WHERE destroyed = 0;

-- When the content was destroyed; null while it is held, also for what was refused and never held.
ALTER TABLE packets ADD COLUMN destroyed_at INTEGER;
";

/// Retention, and what crossed each link. What was kept so far has its body; the list begins with the first receipt.
const V6: &str = "
-- When and why the bytes of a packet were deleted; receipts and all that is told of it stay.
ALTER TABLE packets ADD COLUMN body_deleted_at INTEGER;
ALTER TABLE packets ADD COLUMN body_deleted_reason TEXT;
-- When its bytes were last written into an archive.
ALTER TABLE packets ADD COLUMN exported_at INTEGER;
CREATE INDEX packets_without_body ON packets (body_deleted_at) WHERE body_deleted_at IS NOT NULL;
CREATE INDEX consignments_of_packet ON consignments (packet);

-- What crossed each link, by the day of the next hop's receipt: follows `receipts` up to the number that `meta` holds.
CREATE TABLE crossings (
    peer          TEXT NOT NULL,
    direction     TEXT NOT NULL,
    day           INTEGER NOT NULL,
    consignment   BLOB NOT NULL,
    accepted      INTEGER NOT NULL,
    PRIMARY KEY (peer, direction, day, consignment)
) WITHOUT ROWID;

-- When ours was last sent, and whether the neighbour's last one agreed.
CREATE TABLE link_statements (
    peer          TEXT NOT NULL,
    direction     TEXT NOT NULL,
    day           INTEGER NOT NULL,
    stated_on     INTEGER,
    agrees        INTEGER,
    PRIMARY KEY (peer, direction, day)
) WITHOUT ROWID;

CREATE TABLE link_differences (
    peer          TEXT NOT NULL,
    direction     TEXT NOT NULL,
    day           INTEGER NOT NULL,
    consignment   BLOB NOT NULL,
    bucket        INTEGER NOT NULL,
    here          INTEGER,
    there         INTEGER,
    PRIMARY KEY (peer, direction, day, consignment)
) WITHOUT ROWID;
";

/// The books as they are kept: what the receipts up to a position tell, folded in the background. All of it can be made
/// again from the receipts, and an older store's is made so after it is opened.
const V7: &str = "
-- How far the receipts and consignments have been folded, and how often.
CREATE TABLE books_head (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    receipts      INTEGER NOT NULL,
    consignments  INTEGER NOT NULL,
    folds         INTEGER NOT NULL
);
INSERT INTO books_head (id, receipts, consignments, folds) VALUES (1, 0, 0, 0);

-- What each accepted consignment counts as; `acceptance` is the receipt (`seq`) that accepted it.
CREATE TABLE books_lines (
    consignment   BLOB PRIMARY KEY,
    acceptance    INTEGER NOT NULL,
    figure        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX books_offered ON books_lines (consignment) WHERE figure = 0;

-- The sums of the lines, by day in Vietnam of the acceptance.
CREATE TABLE books_figures (
    part          TEXT NOT NULL,
    day           INTEGER NOT NULL,
    name          TEXT NOT NULL,
    accepted      INTEGER NOT NULL,
    handed_over   INTEGER NOT NULL,
    refused       INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    in_flight     INTEGER NOT NULL,
    faults        INTEGER NOT NULL,
    PRIMARY KEY (part, day, name)
) WITHOUT ROWID;

-- What contradicts the receipts.
CREATE TABLE books_faults (
    subject       BLOB PRIMARY KEY,
    consignment   BLOB,
    doc_id        BLOB,
    day           INTEGER,
    code          TEXT NOT NULL,
    found         TEXT NOT NULL
) WITHOUT ROWID;

-- How often a day that does not agree was stated again, and since when an operator holds it for settled, and why.
ALTER TABLE link_statements ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_statements ADD COLUMN settled_at INTEGER;
ALTER TABLE link_statements ADD COLUMN settled_why TEXT;
-- Differences of the day that had no place, and whether its crossings are still listed.
ALTER TABLE link_statements ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_statements ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;

-- How many receipts of each neighbour were set aside, and how many bytes they have.
CREATE TABLE stray_counts (
    hop           TEXT PRIMARY KEY,
    number        INTEGER NOT NULL,
    bytes         INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO stray_counts (hop, number, bytes) SELECT hop, count(*), sum(length(jws)) FROM stray_receipts GROUP BY hop;

-- Evidence that was set aside is found by its consignment.
CREATE INDEX stray_receipts_of ON stray_receipts (consignment) WHERE consignment IS NOT NULL;

-- The name that a refused packet's receipt gives it.
ALTER TABLE refusals ADD COLUMN doc_id BLOB;
CREATE INDEX refusals_of_document ON refusals (doc_id) WHERE doc_id IS NOT NULL;

-- Refusals with a receipt that were deleted while this hop kept no log, by the day on which they were made (in Vietnam,
-- counted from 1970-01-01): no log will ever have them.
CREATE TABLE refusals_unlogged (
    day           INTEGER PRIMARY KEY,
    count         INTEGER NOT NULL
);

-- The last checkpoints seen of neighbours' logs, by size: another root for one of these sizes is a fork.
CREATE TABLE ledger_seen_past (
    origin        TEXT NOT NULL,
    size          INTEGER NOT NULL,
    note          TEXT NOT NULL,
    PRIMARY KEY (origin, size)
) WITHOUT ROWID;
";

/// News for those who hear of it without asking.
const V8: &str = "
-- Who is told, and the last receipt before that.
CREATE TABLE subscribers (
    name          TEXT PRIMARY KEY,
    since         INTEGER NOT NULL
) WITHOUT ROWID;

-- News that was not told yet: of this agency, of this consignment (its `seq`), by this receipt (its `seq`).
CREATE TABLE news (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber    TEXT NOT NULL,
    agency        TEXT NOT NULL,
    what          TEXT NOT NULL,
    consignment   INTEGER NOT NULL,
    receipt       INTEGER NOT NULL,
    at            INTEGER NOT NULL
);
CREATE INDEX news_of_subscriber ON news (subscriber, id);

-- The last receipt that was looked at.
CREATE TABLE news_head (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    receipts      INTEGER NOT NULL
);
INSERT INTO news_head (id, receipts) SELECT 1, coalesce(max(seq), 0) FROM receipts;
";

/// Doors of other protocols. Mailboxes by docId: what a recipient works on, and what came or was sent within a stretch of
/// time. Agencies as systems read them, and what systems ask to have changed.
const V9: &str = "
-- Since when the recipient works on it; only remembered, no receipt says it.
ALTER TABLE consignments ADD COLUMN processing_at INTEGER;
CREATE INDEX mailboxes_by_time ON consignments (recipient, arrived_at) WHERE next_hop IS NULL;
CREATE INDEX packets_of_sender ON packets (sender, received_at);

-- The agencies as they were told to systems, each with the number of the change in which it last changed.
CREATE TABLE listed_agencies (
    code TEXT PRIMARY KEY,
    old_code TEXT,
    name TEXT NOT NULL,
    parent TEXT,
    mail TEXT,
    closed INTEGER NOT NULL,
    version INTEGER NOT NULL,
    modified_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What systems ask for, and what an administrator said. `decision` counts the answers: later ones go before earlier ones.
CREATE TABLE registrations (
    id INTEGER PRIMARY KEY,
    system TEXT NOT NULL,
    door TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('register', 'withdraw')),
    code TEXT NOT NULL,
    details TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'accepted', 'rejected')),
    decision INTEGER,
    decided_at INTEGER,
    reason TEXT
);
CREATE UNIQUE INDEX registrations_waiting ON registrations (system, action, code, details) WHERE state = 'waiting';
CREATE UNIQUE INDEX registrations_decided ON registrations (decision) WHERE decision IS NOT NULL;
";

const V10: &str = "
-- Numbers that stand for documents at doors whose callers cannot hold a docId. None is ever given again.
CREATE TABLE document_numbers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    doc_id BLOB NOT NULL UNIQUE
);
";

/// Outlets: systems outside this network, which give no receipts.
const V11: &str = "
-- `next_hop` (of an outbox entry: `hop`) is the name of an outlet, not of a neighbour. Hops and outlets share their names.
ALTER TABLE consignments ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
-- An attempt was begun whose answer is not known: it may be outside.
ALTER TABLE outbox ADD COLUMN perhaps INTEGER NOT NULL DEFAULT 0;

-- What is with a system outside that reports has a deadline too.
DROP INDEX consignments_due;
CREATE INDEX consignments_due ON consignments (due_at)
    WHERE state = 'queued' OR (state = 'consigned' AND next_hop IS NULL) OR (state = 'outside' AND outside = 1);

-- What systems outside call the consignments (`seq`) that they took.
CREATE TABLE abroad (
    outlet        TEXT NOT NULL,
    name          TEXT NOT NULL,
    consignment   INTEGER NOT NULL,
    PRIMARY KEY (outlet, name, consignment)
) WITHOUT ROWID;
CREATE INDEX abroad_of ON abroad (consignment);
-- What they are asked about.
CREATE INDEX consignments_outside ON consignments (seq) WHERE state = 'outside' AND outside = 1;

-- What they call the packets that came from them: the same name is the same packet.
CREATE TABLE entered (
    outlet        TEXT NOT NULL,
    name          TEXT NOT NULL,
    packet        INTEGER NOT NULL,
    doc_id        BLOB NOT NULL,
    PRIMARY KEY (outlet, name)
) WITHOUT ROWID;

-- The agencies as systems outside list them, each with the time of its last change. What is no longer listed is closed.
CREATE TABLE outside_agencies (
    outlet        TEXT NOT NULL,
    code          TEXT NOT NULL,
    old_code      TEXT,
    name          TEXT NOT NULL,
    parent        TEXT,
    mail          TEXT,
    closed        INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    modified_at   INTEGER NOT NULL,
    PRIMARY KEY (outlet, code)
) WITHOUT ROWID;
-- When each list was last taken.
CREATE TABLE outside_lists (outlet TEXT PRIMARY KEY, taken_at INTEGER NOT NULL) WITHOUT ROWID;

ALTER TABLE books_figures ADD COLUMN passed_outside INTEGER NOT NULL DEFAULT 0;
";

/// The console: who may use it, what was done there, and where documents are found.
const V12: &str = "
-- People who use the console. `password` is an argon2id text (PHC form), `totp` the secret of RFC 6238, absent until it is
-- set up; `totp_step` is the last step whose number was taken, so that no number counts twice.
CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE,
    full_name     TEXT NOT NULL,
    role          TEXT NOT NULL,
    agency        TEXT,
    password      TEXT NOT NULL,
    totp          BLOB,
    totp_step     INTEGER NOT NULL DEFAULT 0,
    must_change   INTEGER NOT NULL DEFAULT 1,
    disabled      INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    locked_until  INTEGER,
    created_at    INTEGER NOT NULL,
    signed_in_at  INTEGER
);

-- Signed in: by the digest of what the browser holds.
CREATE TABLE sessions (
    token         BLOB PRIMARY KEY,
    account       INTEGER NOT NULL,
    csrf          TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    seen_at       INTEGER NOT NULL,
    until         INTEGER NOT NULL,
    address       TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (account);

-- What was done at the console, each a statement that this hop signed. Never changed or deleted: it stands in the log.
CREATE TABLE console_acts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    time          INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    second        TEXT,
    kind          TEXT NOT NULL,
    subject       TEXT NOT NULL,
    reason        TEXT,
    documents     INTEGER NOT NULL,
    statement     TEXT NOT NULL
);
CREATE TABLE console_acts_on (
    doc_id        BLOB NOT NULL,
    act           INTEGER NOT NULL,
    PRIMARY KEY (doc_id, act)
) WITHOUT ROWID;
-- How far acts have entered the log.
ALTER TABLE ledger_head ADD COLUMN acts INTEGER NOT NULL DEFAULT 0;

-- Consignments that were sent again, each once, and under which name.
CREATE TABLE sent_again (
    consignment   BLOB PRIMARY KEY,
    doc_id        BLOB NOT NULL
) WITHOUT ROWID;

-- What waits for a second person: `what` is the act in JSON.
CREATE TABLE proposals (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    what          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    documents     INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    proposed_by   TEXT NOT NULL,
    proposed_at   INTEGER NOT NULL,
    until         INTEGER NOT NULL,
    state         TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'rejected')),
    decided_by    TEXT,
    decided_at    INTEGER
);
CREATE INDEX proposals_waiting ON proposals (id) WHERE state = 'waiting';

-- Destinations that somebody closed: nothing is sent there until they are opened.
CREATE TABLE closed_destinations (
    name          TEXT PRIMARY KEY,
    since         INTEGER NOT NULL,
    by            TEXT NOT NULL,
    reason        TEXT NOT NULL
) WITHOUT ROWID;

-- Where documents are found by their words: `rowid` is `packets.id`. Folded: small letters, no diacritics. `parties` are the
-- codes of sender and recipients, each one word. Made in the background from consignments up to `search_head`.
CREATE VIRTUAL TABLE search USING fts5 (
    words, parties, content = '', contentless_delete = 1, tokenize = 'unicode61'
);
CREATE TABLE search_head (id INTEGER PRIMARY KEY CHECK (id = 1), consignments INTEGER NOT NULL);
INSERT INTO search_head (id, consignments) VALUES (1, 0);

-- Consignments that did not come well to their end: few, and looked for.
CREATE INDEX consignments_ended_badly ON consignments (packet)
    WHERE state IN ('failed', 'rejected', 'refused');

-- What failed and waits for somebody to do something, by its cause; found among the receipts up to `stuck_head`.
CREATE TABLE stuck (
    consignment   INTEGER PRIMARY KEY,
    cause         TEXT NOT NULL,
    code          TEXT NOT NULL,
    at            INTEGER NOT NULL
);
CREATE INDEX stuck_of_cause ON stuck (cause, consignment);
CREATE TABLE stuck_head (id INTEGER PRIMARY KEY CHECK (id = 1), receipts INTEGER NOT NULL);
INSERT INTO stuck_head (id, receipts) VALUES (1, 0);
";

/// Alarms, and who was told of them.
const V13: &str = "
-- Alarms that are there, or ended not long ago, each with what was told to whom (JSON).
CREATE TABLE alarms (
    kind          TEXT NOT NULL,
    subject       TEXT NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (kind, subject)
) WITHOUT ROWID;

-- Notices. `due_at` is null when it waits no longer: it was sent at `sent_at`, or given up.
CREATE TABLE notices (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient     TEXT NOT NULL,
    body          TEXT NOT NULL,
    made_at       INTEGER NOT NULL,
    due_at        INTEGER,
    attempts      INTEGER NOT NULL DEFAULT 0,
    error         TEXT,
    sent_at       INTEGER
);
CREATE INDEX notices_due ON notices (recipient, id) WHERE due_at IS NOT NULL;
CREATE INDEX notices_made ON notices (made_at);
";

/// When documents were signed, and the statutory clocks with their sums. What was accepted before bears no date: its sending is not
/// measured.
const V14: &str = "
-- The day in Vietnam on which it was signed, counted from 1970-01-01, and the moment where the signature tells it.
ALTER TABLE packets ADD COLUMN signed_on INTEGER;
ALTER TABLE packets ADD COLUMN signed_at INTEGER;

-- How far receipts and statuses have been folded into the lines, and by which terms. All of it can be made again.
CREATE TABLE statistics_head (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    receipts      INTEGER NOT NULL,
    statuses      INTEGER NOT NULL,
    terms         BLOB
);
INSERT INTO statistics_head (id, receipts, statuses) VALUES (1, 0, 0);

-- What each document counts as: one that an agency of ours sent (direction 0; subject is `packets.id`), or one that lay in a
-- mailbox here (direction 1; subject is `consignments.seq`). Verdict: 0 waiting until `limit_at`, 1 on time, 2 late, 3 not measured.
CREATE TABLE statistics_lines (
    direction     INTEGER NOT NULL,
    subject       INTEGER NOT NULL,
    day           INTEGER NOT NULL,
    agency        TEXT NOT NULL,
    urgency       INTEGER NOT NULL,
    verdict       INTEGER NOT NULL,
    limit_at      INTEGER,
    recipients    INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    given_back    INTEGER NOT NULL,
    PRIMARY KEY (direction, subject)
) WITHOUT ROWID;
CREATE INDEX statistics_waiting ON statistics_lines (limit_at, agency) WHERE verdict = 0;

-- The sums of the lines, by day in Vietnam of sending or arrival.
CREATE TABLE statistics_figures (
    day           INTEGER NOT NULL,
    agency        TEXT NOT NULL,
    direction     INTEGER NOT NULL,
    urgency       INTEGER NOT NULL,
    documents     INTEGER NOT NULL,
    on_time       INTEGER NOT NULL,
    late          INTEGER NOT NULL,
    not_measured  INTEGER NOT NULL,
    recipients    INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    given_back    INTEGER NOT NULL,
    PRIMARY KEY (day, agency, direction, urgency)
) WITHOUT ROWID;
CREATE INDEX statistics_of_agency ON statistics_figures (agency, day);
";

/// Test documents: packets of the kind `canary`.
const V15: &str = "
-- Those that were sent from here: when, and when their end was seen. What became of them their receipts tell.
CREATE TABLE canaries (
    doc_id        BLOB PRIMARY KEY,
    consignment   BLOB NOT NULL,
    recipient     TEXT NOT NULL,
    sent_at       INTEGER NOT NULL,
    ended_at      INTEGER,
    handed_over   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX canaries_by_time ON canaries (sent_at);
CREATE INDEX canaries_under_way ON canaries (sent_at) WHERE ended_at IS NULL;
-- What the books count of them.
CREATE INDEX packets_canary ON packets (received_at) WHERE kind = 'canary';
";

/// Packets that come in several transfers.
const V16: &str = "
-- How many consignments of a packet the hop before has for this hop, where one transfer does not hold them all.
CREATE TABLE split (
    packet        INTEGER NOT NULL,
    hop           TEXT NOT NULL,
    number        INTEGER NOT NULL,
    PRIMARY KEY (packet, hop)
) WITHOUT ROWID;
";

/// Brings the store to [`VERSION`] and binds it to this hop.
pub fn prepare(connection: &mut Connection, hop: &str) -> Result<(), Error> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(Error::TooNew { found, known: VERSION });
    }
    if found > 0 && found < OLDEST {
        return Err(Error::TooOld { found, oldest: OLDEST });
    }
    for (version, step) in (OLDEST..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        if version == 7 {
            name_refusals(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('hop', ?1)", [hop])?;
    owned_by(connection, hop)
}

/// Gives each refusal the name that stands in its receipt; one that cannot be read has none.
fn name_refusals(db: &Connection) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let query = "SELECT id, receipt FROM refusals WHERE id > ?1 AND receipt IS NOT NULL ORDER BY id LIMIT 256";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
        let page = db.prepare_cached(query)?.query_map([after], read)?.collect::<Result<Vec<_>, _>>()?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (id, receipt) in &page {
            let Ok(sealed) = super::rows::read(receipt) else { continue };
            let name = "UPDATE refusals SET doc_id = ?2 WHERE id = ?1";
            db.prepare_cached(name)?.execute(rusqlite::params![id, sealed.receipt.doc_id.as_bytes()])?;
        }
    }
}

/// Makes sure that this is a store of [`VERSION`] and of this hop, and changes nothing.
pub fn recognise(connection: &Connection, hop: &str) -> Result<(), Error> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match found.cmp(&VERSION) {
        Ordering::Greater => Err(Error::TooNew { found, known: VERSION }),
        Ordering::Less => Err(Error::NotUpgraded { found, known: VERSION }),
        Ordering::Equal => owned_by(connection, hop),
    }
}

fn owned_by(connection: &Connection, hop: &str) -> Result<(), Error> {
    let owner: String = connection.query_row("SELECT value FROM meta WHERE key = 'hop'", [], |row| row.get(0))?;
    if owner != hop {
        return Err(Error::OtherHop { found: owner, expected: hop.to_owned() });
    }
    Ok(())
}
