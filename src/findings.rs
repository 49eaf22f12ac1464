//! Every kind of finding that the gateway knows, room by room: the source of `docs/errors.md`.
//!
//! Invariants: a code stands for one kind in one room; every kind is told in Vietnamese (NFC) and English.

use std::fmt::Write;

use lienthong_contract::{Blame, Kind, Severity};

/// One room's table.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub name: &'static str,
    pub name_vi: &'static str,
    pub kinds: &'static [&'static Kind],
}

/// All rooms, in the order a packet meets them.
#[must_use]
pub fn rooms() -> [Room; 17] {
    let room = |name, name_vi, kinds| Room { name, name_vi, kinds };
    [
        room("The interface", "Giao diện", crate::api::findings::ALL),
        room("Intake", "Tiếp nhận", crate::intake::findings::ALL),
        room("Reading the packet", "Đọc gói tin", crate::edxml::findings::ALL),
        room("Schemas", "Lược đồ", lienthong_schemas::findings::ALL),
        room("Rules", "Quy tắc nghiệp vụ", crate::rules::findings::ALL),
        room("Business flows", "Luồng nghiệp vụ", crate::flows::findings::ALL),
        room("Certificates", "Chứng thư số", crate::trust::findings::ALL),
        room("Packet signatures", "Chữ ký số của gói tin", crate::trust::xmldsig::findings::ALL),
        room("Acts of administrators", "Việc của quản trị", crate::acts::findings::ALL),
        room("Directory", "Danh mục cơ quan", crate::directory::findings::ALL),
        room("Links", "Kết nối giữa các trục", crate::link::findings::ALL),
        room("Deadlines", "Thời hạn", crate::delivery::findings::ALL),
        room("Ledger", "Sổ biên nhận", crate::logkeeper::findings::ALL),
        room("Proofs", "Tệp chứng minh", crate::bundle::findings::ALL),
        room("The books", "Sổ đối chiếu", crate::books::findings::ALL),
        room("Forms", "Biểu mẫu", crate::form::findings::ALL),
        room("Command line", "Dòng lệnh", crate::preview::findings::ALL),
    ]
}

/// The reference of all kinds, as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(HEAD);
    for room in rooms() {
        let _ = write!(out, "\n## {} — {}\n", room.name, room.name_vi);
        for kind in room.kinds {
            let _ = write!(out, "\n### {}\n\n", kind.code);
            let _ = writeln!(out, "*{} · {}*\n", severity(kind.severity), turn(kind.blame));
            let _ = writeln!(out, "- **{}**<br>{}", cell(kind.title.vi), cell(kind.fix.vi));
            let _ = writeln!(out, "- **{}**<br>{}", cell(kind.title.en), cell(kind.fix.en));
            if !kind.clause.is_empty() {
                let _ = writeln!(out, "- {}", cell(kind.clause));
            }
        }
    }
    out
}

const HEAD: &str = "\
<!-- Made by `lienthong errors --markdown`; do not edit. Được tạo tự động, không sửa tay. -->

# Mã lỗi — error codes

Mỗi điều trục liên thông nhận thấy có một mã cố định, một câu nói điều gì sai và một câu nói phải làm gì.
Every thing that the gateway notices has a stable code, a sentence that says what is wrong and one that says what to do.
";

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "ghi chú — note",
        Severity::Warning => "cảnh báo — warning",
        Severity::Refuse => "từ chối — refused",
    }
}

const fn turn(blame: Blame) -> &'static str {
    match blame {
        Blame::Sender => "bên gửi xử lý — the sender's turn",
        Blame::Recipient => "bên nhận xử lý — the recipient's turn",
        Blame::Us => "quản trị trục xử lý — this gateway's operator's turn",
        Blame::Peer => "quản trị trục kế cận xử lý — the neighbouring gateway's turn",
        Blame::Network => "đường truyền — the network",
    }
}

/// Text that Markdown leaves as it is.
fn cell(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use unicode_normalization::is_nfc;

    use super::*;

    #[test]
    fn every_code_is_used_once_and_told_in_both_languages() {
        let mut seen = HashSet::new();
        for kind in rooms().iter().flat_map(|room| room.kinds) {
            assert!(seen.insert(kind.code), "{} is used twice", kind.code);
            let parts: Vec<&str> = kind.code.split('-').collect();
            let well_formed = matches!(parts.as_slice(), ["LT", room, number]
                if room.len() == 3 && number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()));
            assert!(well_formed, "{}", kind.code);
            // That code speaks of the calling system's own proof: a client stops and asks for another secret.
            assert_ne!(kind.vxp, 15, "{}", kind.code);
            for text in [kind.title.vi, kind.fix.vi] {
                assert!(is_nfc(text) && !text.trim().is_empty(), "{} {text}", kind.code);
            }
            assert!(!kind.title.en.trim().is_empty() && !kind.fix.en.trim().is_empty(), "{}", kind.code);
            assert!(kind.title.en.is_ascii() || kind.title.en != kind.title.vi, "{} is not translated", kind.code);
        }
        assert!(seen.len() > 100, "the tables are not all listed");
    }

    #[test]
    fn the_page_of_error_codes_is_current() {
        let page = include_str!("../docs/errors.md");
        assert!(
            page == markdown(),
            "docs/errors.md is out of date: run `lienthong errors --markdown > docs/errors.md`"
        );
    }
}
