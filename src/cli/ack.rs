//! `lienthong ack`, `lienthong status`: how a recipient answers.
//!
//! The acknowledgement ends the consignment and is evidence; a business status (01, 02, 03 …) is a packet of its own
//! to the sender. They are never mixed: `ack --status` does the one and then sends the other.

use anyhow::{Context, ensure};
use clap::Args;
use lienthong_contract::door::{Acknowledgement, InboxItem, Submission};
use lienthong_contract::{AgencyCode, Clock, ConsignmentId};
use serde_json::json;

use super::connection::{Connection, SigningKey};
use super::show::say;
use super::{Outcome, Verdict, inbox, runtime, show};
use crate::client::{Client, ClientError, Packet};
use crate::clock::SystemClock;
use crate::edxml::StatusReport;
use crate::edxml::model::{Located, Organization, ResponseFor, StaffInfo, StatusCode, TextAt};
use crate::edxml::write::write_status;
use crate::signing::sign_bytes;
use crate::trust::xmldsig::KeySigner;

/// The status that says why a document was not taken.
const REFUSED: &str = "02";

/// Tiếp nhận hoặc trả lại — takes a consignment over, or gives it back with a reason.
#[derive(Debug, Args)]
pub struct Ack {
    /// Mã lượt gửi hoặc docId trong hộp thư — id or docId, as `inbox` shows them.
    #[arg(value_name = "ID")]
    id: ConsignmentId,
    /// Trả lại, kèm lý do — give it back for this reason.
    #[arg(long, value_name = "REASON")]
    refuse: Option<String>,
    /// Gửi kèm trạng thái nghiệp vụ — send these business statuses too, e.g. `01,03`; `02` with --refuse.
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = status_code)]
    status: Vec<String>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    signing: SigningKey,
}

/// Gửi trạng thái nghiệp vụ — tells the sender what became of its document (01, 02, 03 …).
#[derive(Debug, Args)]
pub struct Status {
    /// Mã trạng thái, hai chữ số — the status, two digits.
    #[arg(value_name = "CODE", value_parser = status_code, long_help = status_help())]
    code: String,
    /// Mã văn bản (DocumentId) — the document it is about, e.g. `H37.90,2026/03/02,12/TD-VP`.
    #[arg(long, value_name = "DOCUMENT_ID")]
    document: String,
    /// Cơ quan nhận trạng thái — the agency that is told: the document's sender; of 13 the recipient asked.
    #[arg(long, value_name = "CODE")]
    to: AgencyCode,
    /// Diễn giải, bắt buộc với 02 — a word on it; 02 needs one, 13 should have one.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    signing: SigningKey,
}

fn status_code(text: &str) -> Result<String, String> {
    if StatusCode::LISTED.iter().any(|listed| listed.code() == text) {
        return Ok(text.to_owned());
    }
    Err(format!("không phải mã của quy chuẩn; các mã — no code of the standard; the codes are:{}", listed_codes()))
}

fn status_help() -> String {
    format!("Mã trạng thái, hai chữ số — the status, two digits:{}", listed_codes())
}

/// The codes of the standard with what they mean, a line each.
fn listed_codes() -> String {
    let line = |code: &StatusCode| code.meaning().map(|text| format!("\n  {}  {} — {}", code.code(), text.vi, text.en));
    StatusCode::LISTED.iter().filter_map(line).collect()
}

/// What a status packet is to say.
pub(super) struct Word<'a> {
    pub code: &'a str,
    pub to: &'a AgencyCode,
    pub document_id: &'a str,
    /// Number and notation, where they are known.
    pub number: Option<&'a str>,
    pub description: Option<&'a str>,
}

/// Who speaks: the caller, its name and its key.
pub(super) struct Speaker {
    client: Client,
    signer: Option<KeySigner>,
    code: AgencyCode,
    name: Option<String>,
}

impl Ack {
    pub fn run(self) -> Outcome {
        ensure!(
            self.refuse.is_some() || !self.status.iter().any(|code| code == REFUSED),
            "trạng thái 02 cần --refuse kèm lý do — status 02 needs --refuse with the reason"
        );
        let client = self.connection.client()?;
        runtime()?.block_on(async {
            let item = match inbox::find(&client, &self.connection, self.id).await {
                Ok(item) => item,
                Err(error) => return show::refused(error, self.json),
            };
            let speaker = match (&item, self.status.is_empty()) {
                (_, true) => None,
                (Some(_), false) => Some(Speaker::new(&client, &self.connection, &self.signing).await?),
                (None, false) => anyhow::bail!(
                    "không có trong hộp thư nên không rõ gửi trạng thái cho ai; dùng `lienthong status` — \
                     not in the mailbox, so whom to tell is not known; use `lienthong status`"
                ),
            };
            ensure!(
                self.status.is_empty() || item.as_ref().is_none_or(|item| item.document_id.is_some()),
                "gói tin này không phải văn bản, không có trạng thái — this packet is no document and gets no status"
            );
            let answer = match &self.refuse {
                Some(reason) => Acknowledgement::Refuse { reason: reason.clone() },
                None => Acknowledgement::Accept,
            };
            let id = match &item {
                Some(item) => item.id,
                None => inbox::ended(&client, &self.connection, self.id).await,
            };
            let done = match client.acknowledge(id, &answer).await {
                Ok(done) => done,
                Err(error) => return show::refused(error, self.json),
            };
            if !self.json {
                let word = if self.refuse.is_some() {
                    "đã trả lại — given back"
                } else {
                    "đã tiếp nhận — taken over"
                };
                say!("✓ {id}  {word}");
            }
            let mut sent = Vec::new();
            if let (Some(speaker), Some(item)) = (&speaker, &item) {
                for code in &self.status {
                    match self.tell(speaker, item, code).await? {
                        Ok(submission) => sent.push(submission),
                        Err(error) => return show::refused(error, self.json),
                    }
                }
            }
            if self.json {
                show::json(&json!({ "id": done.id, "receipt": done.receipt, "statuses": sent }))?;
            } else {
                for (code, submission) in self.status.iter().zip(&sent) {
                    say!("✓ trạng thái — status {code}  docId {}", submission.doc_id);
                }
            }
            Ok(Verdict::Yes)
        })
    }

    async fn tell(
        &self,
        speaker: &Speaker,
        item: &InboxItem,
        code: &str,
    ) -> anyhow::Result<Result<Submission, ClientError>> {
        let document_id = item.document_id.as_deref();
        let document_id = document_id.context("gói tin này không phải văn bản — this packet is no document")?;
        let description = self.refuse.as_deref().filter(|_| code == REFUSED);
        let word = Word { code, to: &item.from, document_id, number: item.code.as_deref(), description };
        speaker.say(&word).await
    }
}

impl Status {
    pub fn run(self) -> Outcome {
        let client = self.connection.client()?;
        runtime()?.block_on(async {
            let speaker = Speaker::new(&client, &self.connection, &self.signing).await?;
            let word = Word {
                code: &self.code,
                to: &self.to,
                document_id: &self.document,
                number: None,
                description: self.description.as_deref(),
            };
            match speaker.say(&word).await? {
                Ok(submission) if self.json => show::json(&submission)?,
                Ok(submission) => say!("✓ trạng thái — status {}  docId {}", self.code, submission.doc_id),
                Err(error) => return show::refused(error, self.json),
            }
            Ok(Verdict::Yes)
        })
    }
}

impl Speaker {
    pub(super) async fn new(client: &Client, connection: &Connection, signing: &SigningKey) -> anyhow::Result<Self> {
        let code = connection.named_agency()?.clone();
        let page = client.agencies(Some(code.as_str()), None, None).await?;
        let name = page.items.into_iter().find(|row| row.code.to_new_form() == code.to_new_form()).map(|row| row.name);
        Ok(Self { client: client.clone(), signer: signing.signer(connection)?, code, name })
    }

    /// Writes, signs and sends one status packet.
    pub(super) async fn say(&self, word: &Word<'_>) -> anyhow::Result<Result<Submission, ClientError>> {
        let mut packet = Vec::new();
        write_status(&mut packet, &self.report(word))?;
        if let Some(signer) = &self.signer {
            packet = sign_bytes(&packet, signer)?;
        }
        Ok(self.client.submit(&Packet::Bytes(packet.into()), None).await)
    }

    fn report(&self, word: &Word<'_>) -> StatusReport {
        // A document's number and notation stand last in its name.
        let last = word.document_id.splitn(3, ',').nth(2).unwrap_or(word.document_id);
        StatusReport {
            from: Organization {
                organ_id: text(self.code.as_str()),
                name: self.name.as_deref().map(text),
                ..Organization::default()
            },
            response_for: ResponseFor {
                organ_id: Some(text(word.to.as_str())),
                code: Some(text(word.number.unwrap_or(last))),
                document_id: Some(text(word.document_id)),
                promulgation_date: None,
            },
            status: Located::made(StatusCode::from_code(word.code)),
            description: word.description.map(text),
            timestamp: Some(Located::made(SystemClock.now())),
            staff: StaffInfo::default(),
        }
    }
}

fn text(value: &str) -> TextAt {
    Located::made(value.to_owned())
}
