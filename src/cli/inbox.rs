//! `lienthong inbox`, `lienthong fetch`: what waits for an agency, and its bytes.
//!
//! Neither consumes anything. A fetched file gets its name only when all of it has come and its digest is the one it
//! was sent under; until then it bears a temporary name and is removed if the command ends early.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use lienthong_contract::door::InboxItem;
use lienthong_contract::{AgencyCode, ConsignmentId, DocId};
use serde_json::json;

use super::connection::Connection;
use super::show::say;
use super::{Outcome, Verdict, runtime, show};
use crate::client::{Client, ClientError};

/// Rows asked for at a time.
const PAGE: usize = 200;

/// Xem hộp thư — lists what waits for an agency.
#[derive(Debug, Args)]
pub struct Inbox {
    /// Số dòng tối đa — at most so many rows.
    #[arg(long, default_value_t = 1000)]
    limit: usize,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Tải gói tin — fetches the bytes of a consignment; it stays in the mailbox until acknowledged.
#[derive(Debug, Args)]
pub struct Fetch {
    /// Mã lượt gửi hoặc docId trong hộp thư — id or docId, as `inbox` shows them.
    #[arg(value_name = "ID")]
    id: ConsignmentId,
    /// Tệp ghi ra, mặc định <docId>.edxml — the file to write.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Thay tệp đã có — replace the file if it exists.
    #[arg(long)]
    overwrite: bool,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Inbox {
    pub fn run(self) -> Outcome {
        let client = self.connection.client()?;
        let (mut items, mut after) = (Vec::<InboxItem>::new(), None::<String>);
        let listed = runtime()?.block_on(async {
            while items.len() < self.limit {
                let size = PAGE.min(self.limit - items.len());
                let page = client.inbox(self.connection.agency(), after.as_deref(), Some(size)).await?;
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
        items.iter().for_each(tell);
        say!("{}{}", counted(&items), if after.is_some() { ", còn nữa — there are more" } else { "" });
        Ok(Verdict::Yes)
    }
}

/// How many of the rows are documents, and how many say something of one.
fn counted(items: &[InboxItem]) -> String {
    let statuses = items.iter().filter(|item| item.kind == STATUS).count();
    let documents = items.len() - statuses;
    format!(
        "{} mục: {documents} văn bản, {statuses} trạng thái — {0} items: {documents} documents, {statuses} statuses",
        items.len()
    )
}

/// What [`InboxItem::kind`] is for a status packet.
const STATUS: &str = "status";

/// What a row is: the first words of its first line.
fn headline(item: &InboxItem) -> String {
    if item.kind != STATUS {
        let urgent = if item.urgency > 0 { "  KHẨN — urgent" } else { "" };
        let name = item.document_id.as_deref().or(item.code.as_deref()).unwrap_or_default();
        return format!("VĂN BẢN — document  {name}{urgent}");
    }
    let Some(about) = &item.about else { return "TRẠNG THÁI — status".to_owned() };
    let meaning = match &about.meaning {
        Some(meaning) => format!("{} ({})", meaning.vi, meaning.en),
        None => "mã không có trong danh mục (in no list)".to_owned(),
    };
    format!("TRẠNG THÁI — status {}: {meaning}", about.code)
}

fn tell(item: &InboxItem) {
    say!("{}", headline(item));
    if let Some(about) = &item.about {
        let doc_id = about.doc_id.map(|doc_id| format!("  docId {doc_id}")).unwrap_or_default();
        say!("    về văn bản — about: {}{doc_id}", about.document_id);
    }
    if let Some(subject) = &item.subject {
        say!("    {subject}");
    }
    say!("    {} → {}  {}", item.from, item.recipient, item.arrived_at);
    say!("    id {}  docId {}  {}", item.id, item.doc_id, show::size(item.size));
    item.links.iter().for_each(super::trace::tell_link);
    item.recall.iter().for_each(super::trace::tell_recall);
}

/// The row of the mailbox that an id or a docId names, if it still waits there.
pub async fn find(
    client: &Client,
    connection: &Connection,
    id: ConsignmentId,
) -> Result<Option<InboxItem>, ClientError> {
    let mut after = None::<String>;
    loop {
        let page = client.inbox(connection.agency(), after.as_deref(), Some(PAGE)).await?;
        let named = |item: &InboxItem| item.id == id || item.doc_id.to_string() == id.to_string();
        if let Some(item) = page.items.into_iter().find(named) {
            return Ok(Some(item));
        }
        after = page.next;
        if after.is_none() {
            return Ok(None);
        }
    }
}

/// The consignment that an id or a docId names, when the mailbox lists none of it any more: what was answered is answered
/// again by its own id, and may be fetched by it. Anything else is taken for such an id as it is.
pub async fn ended(client: &Client, connection: &Connection, id: ConsignmentId) -> ConsignmentId {
    let Ok(doc_id) = id.to_string().parse::<DocId>() else { return id };
    let Ok(trace) = client.trace(doc_id).await else { return id };
    let mine = |agency: &AgencyCode| connection.agency().is_none_or(|own| own.to_new_form() == agency.to_new_form());
    let mut mine = trace.consignments.iter().filter(|one| mine(&one.recipient));
    match (mine.next(), mine.next()) {
        (Some(only), None) => only.id,
        _ => id,
    }
}

impl Fetch {
    pub fn run(self) -> Outcome {
        let client = self.connection.client()?;
        runtime()?.block_on(async {
            let item = match find(&client, &self.connection, self.id).await {
                Ok(item) => item,
                Err(error) => return show::refused(error, self.json),
            };
            let (id, name) = match &item {
                Some(item) => (item.id, format!("{}.edxml", item.doc_id)),
                None => (ended(&client, &self.connection, self.id).await, format!("{}.edxml", self.id)),
            };
            let path = self.output.clone().unwrap_or_else(|| PathBuf::from(name));
            if path.exists() && !self.overwrite {
                bail!("{} đã có; dùng --overwrite để thay — exists; --overwrite replaces it", path.display());
            }
            let fetched = match fetch(&client, id, &path, self.overwrite).await? {
                Ok(fetched) => fetched,
                Err(error) => return show::refused(error, self.json),
            };
            if self.json {
                show::json(&json!({ "id": id, "file": path, "digest": fetched.digest, "size": fetched.size }))?;
            } else {
                say!("✓ {}  {}  {}", path.display(), show::size(fetched.size), fetched.digest);
            }
            Ok(Verdict::Yes)
        })
    }
}

async fn fetch(
    client: &Client,
    id: ConsignmentId,
    path: &Path,
    overwrite: bool,
) -> anyhow::Result<Result<crate::client::Fetched, ClientError>> {
    let shown = || path.display().to_string();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let temporary = tempfile::Builder::new().prefix(".lienthong-").tempfile_in(folder).with_context(shown)?;
    let mut file = tokio::fs::File::from_std(temporary.reopen().with_context(shown)?);
    let fetched = match client.content(id, &mut file).await {
        Ok(fetched) => fetched,
        Err(error) => return Ok(Err(error)),
    };
    file.sync_all().await.with_context(shown)?;
    if overwrite {
        temporary.persist(path).map_err(|error| error.error).with_context(shown)?;
    } else {
        temporary.persist_noclobber(path).map_err(|error| error.error).with_context(shown)?;
    }
    Ok(Ok(fetched))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use lienthong_contract::door::{Meaning, StatusAbout};
    use lienthong_contract::{Digest, DocId, Instant};

    use super::*;

    fn item(kind: &str, about: Option<StatusAbout>) -> InboxItem {
        InboxItem {
            id: ConsignmentId::fresh(),
            doc_id: DocId::fresh(),
            digest: Digest::of(b""),
            size: 1,
            kind: kind.to_owned(),
            document_id: None,
            from: "H37.90".parse().unwrap(),
            recipient: "H37.91".parse().unwrap(),
            subject: None,
            code: Some("12/VP-TH".to_owned()),
            urgency: 1,
            arrived_at: Instant::from_millis(0),
            statuses: Vec::new(),
            current: None,
            recall: None,
            links: Vec::new(),
            about,
        }
    }

    #[test]
    fn documents_and_statuses_are_told_apart_and_a_status_says_what_it_means() {
        let about = |code: &str, meaning: Option<Meaning>| {
            Some(StatusAbout {
                code: code.to_owned(),
                meaning,
                document_id: "H37.90,2026/03/02,1/A".to_owned(),
                doc_id: None,
            })
        };
        let document = item("document", None);
        assert_eq!(headline(&document), "VĂN BẢN — document  12/VP-TH  KHẨN — urgent");
        let meaning = Meaning { vi: "tiếp nhận".to_owned(), en: "accepted".to_owned() };
        let status = item("status", about("03", Some(meaning)));
        assert_eq!(headline(&status), "TRẠNG THÁI — status 03: tiếp nhận (accepted)");
        let unknown = item("status", about("77", None));
        assert!(headline(&unknown).contains("77: mã không có trong danh mục"));
        assert_eq!(
            counted(&[document, status, unknown]),
            "3 mục: 1 văn bản, 2 trạng thái — 3 items: 1 documents, 2 statuses"
        );
    }
}
