//! `lienthong admin seal`: secrets in files that nobody reads who has no key.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::Place;
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, show};
use crate::secrets;

/// Niêm phong các tệp khóa mà cấu hình nêu tên — seals the files of secrets that the configuration names.
#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    place: Place,
    /// Tệp khóa niêm phong; chưa có thì được tạo. Mặc định: sealing.key trong thư mục hop.data — the key, made if there is none.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Seal {
    pub fn run(self) -> Outcome {
        let config = self.place.config()?;
        let key = self.key.unwrap_or_else(|| config.hop.data.join("sealing.key"));
        let mut clear = Vec::new();
        let mut before = 0_usize;
        // What was sealed before must open: otherwise a key was lost, and a new one would hide that.
        for file in config.secret_files() {
            if !secrets::is_sealed(&file).with_context(|| file.display().to_string())? {
                clear.push(file);
                continue;
            }
            secrets::read(&file).with_context(|| {
                format!(
                    "{}: không mở được tệp đã niêm phong; khôi phục khóa niêm phong, hoặc ghi lại khóa vào tệp này rồi chạy lại \
                     — a sealed file cannot be opened; restore its key, or write the secret into the file anew",
                    file.display()
                )
            })?;
            before = before.saturating_add(1);
        }
        let made = if clear.is_empty() {
            false
        } else {
            // Before the first start there is no folder of data yet.
            if let Some(folder) = key.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            }
            secrets::make_key(&key).with_context(|| key.display().to_string())?
        };
        let mut sealed = Vec::new();
        for file in clear {
            if secrets::seal(&file, &key).with_context(|| file.display().to_string())? {
                sealed.push(file);
            } else {
                before = before.saturating_add(1);
            }
        }
        if self.json {
            show::json(&json!({ "key": key, "key_made": made, "sealed": sealed, "sealed_before": before }))?;
            return Ok(Verdict::Yes);
        }
        if made {
            say!("Đã tạo khóa niêm phong — made the key: {}", key.display());
        }
        sealed.iter().for_each(|file| say!("Đã niêm phong — sealed: {}", file.display()));
        say!("{} tệp mới niêm phong, {before} tệp đã niêm phong từ trước — files sealed now, and before", sealed.len());
        say!(
            "Giữ một bản của khóa ở nơi an toàn, không cùng chỗ với cấu hình — keep a copy of the key in a safe place, apart from the configuration"
        );
        Ok(Verdict::Yes)
    }
}
