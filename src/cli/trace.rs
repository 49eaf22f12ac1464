//! `lienthong trace`, `lienthong agencies`: what a gateway knows of a document's way, and of the agencies.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use lienthong_contract::door::{
    AgencyItem, ConsignmentState, Link, OutsideView, RecallState, RecallView, Relation, StatusView, Trace as Way,
};
use lienthong_contract::{AgencyCode, DocId};
use serde_json::json;

use super::connection::Connection;
use super::show::say;
use super::{Outcome, Verdict, runtime, show};

/// Rows asked for at a time.
const PAGE: usize = 200;

/// Theo dõi văn bản — follows a document over all hops, with its receipts.
#[derive(Debug, Args)]
pub struct Trace {
    /// docId do `send` in ra — the docId that `send` printed.
    #[arg(value_name = "DOCID", value_parser = doc_id)]
    doc_id: DocId,
    /// Lưu cả đường đi và biên nhận cho `verify` — save all of it for `lienthong verify`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub fn doc_id(text: &str) -> Result<DocId, String> {
    text.parse().map_err(|_| {
        "docId là mã do `send` in ra sau khi gửi, không phải DocumentId ghi trong gói tin — \
         the docId is the one that `send` printed, not the DocumentId written in the packet"
            .to_owned()
    })
}

/// Tra danh mục cơ quan — lists the agencies that the gateway knows.
#[derive(Debug, Args)]
pub struct Agencies {
    /// Tìm theo mã hoặc tên — only those whose code or name holds this.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Số dòng tối đa — at most so many rows.
    #[arg(long, default_value_t = 1000)]
    limit: usize,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Trace {
    pub fn run(self) -> Outcome {
        let client = self.connection.client()?;
        let way = match runtime()?.block_on(client.trace(self.doc_id)) {
            Ok(way) => way,
            Err(error) => return show::refused(error, self.json),
        };
        if let Some(file) = &self.output {
            std::fs::write(file, serde_json::to_vec_pretty(&way)?).with_context(|| file.display().to_string())?;
        }
        if self.json {
            show::json(&way)?;
        } else {
            tell(&way);
            if let Some(file) = &self.output {
                say!("Đã lưu — saved: {}", file.display());
            }
        }
        Ok(Verdict::Yes)
    }
}

/// A state in both languages.
fn state(state: ConsignmentState) -> &'static str {
    match state {
        ConsignmentState::Offered => "đã nhận, chờ trục trước xác nhận bàn giao — offered by the hop before",
        ConsignmentState::Queued => "đang chờ chuyển — waits to be sent on",
        ConsignmentState::Relayed => "đã chuyển cho trục kế tiếp — relayed",
        ConsignmentState::Consigned => "đã vào hộp thư bên nhận — in the recipient's mailbox",
        ConsignmentState::HandedOver => "bên nhận đã tiếp nhận — handed over",
        ConsignmentState::Refused => "bên nhận trả lại — refused by the recipient",
        ConsignmentState::Rejected => "trục sau không nhận được — rejected by a later hop",
        ConsignmentState::Failed => "không chuyển hoặc không giao được — failed",
        ConsignmentState::Outside => "hệ thống ngoài đã nhận, chờ báo kết quả — with a system outside, which reports",
        ConsignmentState::PassedOutside => {
            "đã chuyển ra hệ thống ngoài, không biết thêm — passed outside, nothing more is known"
        }
        ConsignmentState::Withdrawn => "trục trước đã dừng trước khi bàn giao — withdrawn by the hop before",
    }
}

fn tell(way: &Way) {
    let name = way.document_id.as_deref().or(way.code.as_deref()).unwrap_or("");
    say!("docId {}  {} {name}", way.doc_id, way.kind);
    say!("  {} · {} · {} · {}", way.from, way.received_at, show::size(way.size), way.digest);
    if let Some(subject) = &way.subject {
        say!("  {subject}");
    }
    if let Some(time) = way.destroyed_at {
        say!("  {time}  nội dung đã hủy tại trục này — the content was destroyed at this gateway");
    }
    way.links.iter().for_each(tell_link);
    for consignment in &way.consignments {
        say!("→ {}  {}", consignment.recipient, state(consignment.state));
        if let Some(hop) = &consignment.waiting_for {
            say!("    chờ — waits for: {hop}");
        }
        if let Some(error) = &consignment.last_error {
            say!("    lỗi gần nhất — last error: {error}");
        }
        for receipt in way.chain(consignment) {
            let reason = receipt.reason.as_ref().map(|reason| format!("  {reason}")).unwrap_or_default();
            say!("    {}  {:<22} {}{reason}", receipt.time, receipt.event, receipt.hop);
            receipt.outside.iter().for_each(tell_outside);
        }
        consignment.statuses.iter().for_each(|status| tell_status(status, consignment.current.as_ref()));
        consignment.recall.iter().for_each(tell_recall);
    }
}

/// Whose word it is that the receipt repeats.
fn tell_outside(outside: &OutsideView) {
    show::outside(&outside.system, (outside.id.as_deref(), outside.answer.as_deref()), outside.sent);
}

fn tell_status(status: &StatusView, current: Option<&StatusView>) {
    let time = status.time.or(status.received_at).map(|time| time.to_string()).unwrap_or_default();
    let meaning = status.meaning.as_ref().map(|text| format!("{} — {}", text.vi, text.en)).unwrap_or_default();
    let now = if current == Some(status) { "  ◄ hiện tại — current" } else { "" };
    say!("    {time}  trạng thái — status {} {meaning}{now}", status.code);
    if let Some(words) = &status.description {
        say!("        {words}");
    }
}

pub(super) fn tell_recall(recall: &RecallView) {
    let (word, time) = match recall.state {
        RecallState::Asked => ("bên gửi yêu cầu lấy lại, chờ trả lời — asked back, not answered yet", None),
        RecallState::Agreed => ("bên nhận đồng ý trả lại — given back", recall.answered_at),
        RecallState::Refused => ("bên nhận không trả lại — the recipient keeps it", recall.answered_at),
    };
    say!("    {}  {word}", time.unwrap_or(recall.asked_at));
    for words in recall.reason.iter().chain(&recall.answer) {
        say!("        {words}");
    }
}

pub(super) fn tell_link(link: &Link) {
    let word = match link.relation {
        Relation::Revokes => "thu hồi — revokes",
        Relation::Updates => "cập nhật — updates",
        Relation::Replaces => "thay thế — replaces",
        Relation::Answers => "trả lời — answers",
        Relation::RevokedBy => "bị thu hồi bởi — revoked by",
        Relation::UpdatedBy => "được cập nhật bởi — updated by",
        Relation::ReplacedBy => "bị thay thế bởi — replaced by",
        Relation::AnsweredBy => "được trả lời bởi — answered by",
    };
    let name = link.document_id.as_deref().or(link.code.as_deref()).unwrap_or("");
    let doc_id = link.doc_id.map(|doc_id| format!("  docId {doc_id}")).unwrap_or_default();
    say!("  ⇄ {word} {name}{doc_id}");
    if let Some(reason) = &link.reason {
        say!("        {reason}");
    }
    let codes = |codes: &[AgencyCode]| codes.iter().map(AgencyCode::as_str).collect::<Vec<_>>().join(", ");
    if !link.added.is_empty() {
        say!("        thêm nơi nhận — recipients added: {}", codes(&link.added));
    }
    if !link.removed.is_empty() {
        say!("        bỏ nơi nhận — recipients removed: {}", codes(&link.removed));
    }
}

impl Agencies {
    pub fn run(self) -> Outcome {
        let client = self.connection.client()?;
        let (mut items, mut after) = (Vec::<AgencyItem>::new(), None::<String>);
        let listed = runtime()?.block_on(async {
            while items.len() < self.limit {
                let size = PAGE.min(self.limit - items.len());
                let page = client.agencies(self.search.as_deref(), after.as_deref(), Some(size)).await?;
                items.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            Ok(())
        });
        if let Err(error) = listed {
            return show::refused(error, self.json);
        }
        if self.json {
            show::json(&json!({ "items": items, "more": after.is_some() }))?;
            return Ok(Verdict::Yes);
        }
        for agency in &items {
            let closed = agency.valid_to.as_ref().map(|day| format!("  đến — until {day}")).unwrap_or_default();
            let successors: Vec<&str> = agency.successors.iter().map(|code| code.as_str()).collect();
            let to = if successors.is_empty() { String::new() } else { format!(" → {}", successors.join(", ")) };
            let locked = if agency.locked { "  ĐÃ KHÓA — locked" } else { "" };
            say!("{:<20} {}{closed}{to}{locked}", agency.code, agency.name);
        }
        say!("{} cơ quan — agencies{}", items.len(), if after.is_some() { ", còn nữa — there are more" } else { "" });
        Ok(Verdict::Yes)
    }
}
