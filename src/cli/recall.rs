//! `lienthong recall`: the conversation about taking a document back. Its sender asks (13), a recipient answers (15, 16).
//!
//! Each word is a status packet of its own; what it does is decided by the gateways.

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use lienthong_contract::door::Trace;
use lienthong_contract::{AgencyCode, DocId};
use serde_json::json;

use super::ack::{Speaker, Word};
use super::connection::{Connection, SigningKey};
use super::show::say;
use super::trace::doc_id;
use super::{Outcome, Verdict, runtime, show};

/// Yêu cầu lấy lại văn bản, hoặc trả lời yêu cầu — asks for a document back (13), or answers that (15, 16).
#[derive(Debug, Args)]
pub struct Recall {
    /// docId của văn bản — the document's docId.
    #[arg(value_name = "DOCID", value_parser = doc_id)]
    doc_id: DocId,
    /// Lý do, bắt buộc khi yêu cầu — why; needed to ask.
    #[arg(long, value_name = "TEXT", required_unless_present = "answer")]
    reason: Option<String>,
    /// Chỉ yêu cầu nơi nhận này — ask only this recipient; several times for several.
    #[arg(long, value_name = "CODE", conflicts_with = "answer")]
    to: Vec<AgencyCode>,
    /// Trả lời với tư cách nơi nhận — answer as the recipient.
    #[arg(long, value_name = "ANSWER")]
    answer: Option<Answer>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    signing: SigningKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Answer {
    /// Đồng ý trả lại — give it back (15); its content is destroyed.
    Agree,
    /// Không đồng ý — keep it (16).
    Refuse,
}

impl Recall {
    pub fn run(self) -> Outcome {
        let client = self.connection.client()?;
        runtime()?.block_on(async {
            let trace = match client.trace(self.doc_id).await {
                Ok(trace) => trace,
                Err(error) => return show::refused(error, self.json),
            };
            let name = trace.document_id.as_deref();
            let name = name.context("gói tin này không phải văn bản — this packet is no document")?;
            let code = match self.answer {
                None => "13",
                Some(Answer::Agree) => "15",
                Some(Answer::Refuse) => "16",
            };
            let speaker = Speaker::new(&client, &self.connection, &self.signing).await?;
            let mut sent = Vec::new();
            for to in self.told(&trace)? {
                let description = self.reason.as_deref();
                let word = Word { code, to: &to, document_id: name, number: trace.code.as_deref(), description };
                match speaker.say(&word).await? {
                    Ok(submission) => {
                        if !self.json {
                            say!("✓ trạng thái — status {code} → {to}  docId {}", submission.doc_id);
                        }
                        sent.push(submission);
                    }
                    Err(error) => return show::refused(error, self.json),
                }
            }
            if self.json {
                show::json(&json!({ "code": code, "document_id": name, "statuses": sent }))?;
            }
            Ok(Verdict::Yes)
        })
    }

    /// Whom the word goes to: of a request the recipients, of an answer the sender.
    fn told(&self, trace: &Trace) -> anyhow::Result<Vec<AgencyCode>> {
        if self.answer.is_some() {
            return Ok(vec![trace.from.clone()]);
        }
        let mut recipients: Vec<AgencyCode> = trace.consignments.iter().map(|one| one.recipient.clone()).collect();
        for asked in &self.to {
            ensure!(
                recipients.iter().any(|one| one.to_new_form() == asked.to_new_form()),
                "{asked} không phải nơi nhận của văn bản này — is no recipient of this document"
            );
        }
        recipients
            .retain(|one| self.to.is_empty() || self.to.iter().any(|asked| asked.to_new_form() == one.to_new_form()));
        recipients.dedup();
        Ok(recipients)
    }
}
