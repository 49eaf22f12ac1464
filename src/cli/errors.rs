//! `lienthong errors`: every code that a gateway may answer with, explained.

use clap::Args;

use super::show::say;
use super::{Outcome, Verdict, show};
use crate::findings::{markdown, rooms};

/// Giải thích mã lỗi — explains the error codes.
#[derive(Debug, Args)]
pub struct Errors {
    /// Mã cần tra, ví dụ LT-RUL-0001 — only this code, or the codes that begin so.
    #[arg(value_name = "CODE", conflicts_with = "markdown")]
    code: Option<String>,
    /// In toàn bộ dạng Markdown — the whole reference, as in docs/errors.md.
    #[arg(long)]
    markdown: bool,
}

impl Errors {
    pub fn run(self) -> Outcome {
        if self.markdown {
            say!("{}", markdown().trim_end());
            return Ok(Verdict::Yes);
        }
        let wanted = self.code.unwrap_or_default().to_ascii_uppercase();
        let mut found = false;
        for kind in rooms().iter().flat_map(|room| room.kinds).filter(|kind| kind.code.starts_with(&wanted)) {
            say!("{}", show::told(&lienthong_contract::Finding::of(kind)));
            found = true;
        }
        if !found {
            say!("{wanted}: không có mã này — no such code");
        }
        Ok(if found { Verdict::Yes } else { Verdict::No })
    }
}
