//! `lienthong proof`: one file that proves to anyone, offline, what became of a document.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use lienthong_contract::{Digest, DocId};
use serde_json::json;

use super::connection::Connection;
use super::show::say;
use super::trace::doc_id;
use super::{Outcome, Verdict, runtime, show};
use crate::bundle::Bundle;

/// Lấy tệp chứng minh — one file that proves what became of a document, for `lienthong verify`.
#[derive(Debug, Args)]
pub struct Proof {
    /// docId do `send` in ra — the docId that `send` printed.
    #[arg(value_name = "DOCID", value_parser = doc_id)]
    doc_id: DocId,
    /// Tên tệp — where to write it; `<DOCID>.proof.json` if not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Kèm gói tin — with the packet inside, up to some 47 MiB.
    #[arg(long)]
    packet: bool,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Proof {
    pub fn run(self) -> Outcome {
        let client = self.connection.client()?;
        let asked = async {
            if self.packet { client.proof_with_packet(self.doc_id).await } else { client.proof(self.doc_id).await }
        };
        let bundle = match runtime()?.block_on(asked) {
            Ok(bundle) => bundle,
            Err(error) => return show::refused(error, self.json),
        };
        // What came is whole; whether it is true is for `verify`, with roots of the verifier's choice.
        let read = Bundle::read(&bundle).context("tệp nhận được không toàn vẹn — what came is not a whole bundle")?;
        let file = self.output.unwrap_or_else(|| PathBuf::from(format!("{}.proof.json", self.doc_id)));
        std::fs::write(&file, &bundle).with_context(|| file.display().to_string())?;
        if self.json {
            let digest = Digest::of(&bundle);
            let (hop, receipts) = (&read.hop, read.receipts.len());
            show::json(&json!({ "file": file, "bundle": digest, "sealed_by": hop, "receipts": receipts }))?;
        } else {
            say!("Đã lưu — saved: {} ({} biên nhận — receipts)", file.display(), read.receipts.len());
            let (program, shown) = (show::this_program(), show::for_shell(&file));
            say!("  {program} verify {shown} --trust DIR");
        }
        Ok(Verdict::Yes)
    }
}
