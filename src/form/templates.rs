//! Filled-in forms to start from: invented agencies, today's date. A test makes a packet of each.

use clap::ValueEnum;
use jiff::civil::Date;

/// What the form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// Văn bản mới — a new document.
    Document,
    /// Văn bản trả lời — a document that answers another.
    Reply,
    /// Thu hồi (01) — a revocation.
    Revoke,
    /// Cập nhật (02) — an update.
    Update,
    /// Thay thế (03) — a replacement.
    Replace,
    /// Trạng thái xử lý (01–06) — a business status.
    Status,
    /// Yêu cầu lấy lại (13) — asking for a document back.
    TakeBack,
}

impl Template {
    /// The form as text, dated this day.
    #[must_use]
    pub fn text(self, today: Date) -> String {
        let form = match self {
            Self::Document => include_str!("templates/document.json"),
            Self::Reply => include_str!("templates/reply.json"),
            Self::Revoke => include_str!("templates/revoke.json"),
            Self::Update => include_str!("templates/update.json"),
            Self::Replace => include_str!("templates/replace.json"),
            Self::Status => include_str!("templates/status.json"),
            Self::TakeBack => include_str!("templates/take-back.json"),
        };
        form.replace("@TODAY@", &today.to_string()).replace("@TODAY/@", &today.strftime("%Y/%m/%d").to_string())
    }
}
