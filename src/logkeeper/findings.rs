//! The table of this room: a log that is not what it was, here or at a neighbour.

use lienthong_contract::{Blame, Kind, Severity, Text};

const fn kind(code: &'static str, blame: Blame, title: Text, fix: Text) -> Kind {
    Kind { code, severity: Severity::Refuse, blame, vxp: 0, title, fix, clause: "RFC 6962 §2.1" }
}

const ACCEPT: Text = Text {
    vi: "Dừng trục, khôi phục bản sao mới nhất của kho rồi khởi động lại. Nếu không còn bản nào mới hơn: báo các trục lân cận, rồi chạy «lienthong ledger accept-loss --config …»: sổ cũ được đóng, điểm kiểm cuối của nó được giữ làm bằng chứng, sổ mới mang tên khác.",
    en: "Stop the gateway, restore the newest copy of the store and start again. If there is no newer one: tell the neighbours, then run `lienthong ledger accept-loss --config …`: the old log is closed, its last checkpoint is kept as evidence, and the new log has another name.",
};

const LOOK: Text = Text {
    vi: "Hai điểm kiểm trái nhau nằm trong kho của trục này và trong nhật ký. Gửi cả hai cho quản trị của trục kia, hỏi nguyên nhân (thường là khôi phục từ bản sao cũ) và giữ lại làm bằng chứng.",
    en: "Both checkpoints are in this gateway's store and log. Send both to the operator of that gateway, ask for the cause (usually a restore from an older copy) and keep them as evidence.",
};

pub static SHORTENED: Kind = kind(
    "LT-LED-0001",
    Blame::Us,
    Text {
        vi: "Kho dữ liệu thiếu biên nhận đã ghi sổ: sổ trong kho ngắn hơn điểm kiểm đã ký.",
        en: "The store lacks receipts that were logged: its log is shorter than the checkpoint that was signed.",
    },
    ACCEPT,
);

pub static REWRITTEN: Kind = kind(
    "LT-LED-0002",
    Blame::Us,
    Text {
        vi: "Sổ trong kho khác với điểm kiểm đã ký: biên nhận đã bị thay hoặc kho là của một nhánh khác.",
        en: "The store's log differs from the checkpoint that was signed: receipts were replaced, or it is another branch.",
    },
    ACCEPT,
);

pub static OTHER_KEY: Kind = kind(
    "LT-LED-0003",
    Blame::Us,
    Text {
        vi: "Khóa của sổ không phải khóa đã ký các điểm kiểm trước đây, hoặc tệp khóa không dùng được.",
        en: "The log's key is not the one that signed its checkpoints so far, or its file cannot be used.",
    },
    Text {
        vi: "Đặt lại đúng tệp khóa (khóa ledger.key). Nếu khóa đã mất: chạy «lienthong ledger accept-loss --config …» để đóng sổ cũ và mở sổ mới với khóa mới.",
        en: "Put the right key file back (key ledger.key). If the key is lost, run `lienthong ledger accept-loss --config …` to close the old log and begin another with a new key.",
    },
);

pub static DAMAGED: Kind = kind(
    "LT-LED-0004",
    Blame::Us,
    Text {
        vi: "Kho dữ liệu bị hỏng hoặc bị cắt: sổ trong kho không còn khớp với chính nó.",
        en: "The store is damaged or was cut off: its log does not fit together.",
    },
    ACCEPT,
);

pub static OUTSIDE: Kind = kind(
    "LT-LED-0005",
    Blame::Us,
    Text {
        vi: "Không đọc hoặc không ghi được điểm kiểm giữ ngoài kho.",
        en: "The checkpoint kept outside the store cannot be read or written.",
    },
    Text {
        vi: "Kiểm tra tệp nêu ở khóa ledger.checkpoint và quyền đọc ghi; tệp này do trục tự viết, không sửa tay.",
        en: "Look at the file named by ledger.checkpoint and at its permissions; the gateway writes it, nobody else should.",
    },
);

pub static FORK: Kind = kind(
    "LT-LED-0010",
    Blame::Peer,
    Text {
        vi: "Sổ của một trục lân cận đã rẽ nhánh: hai điểm kiểm đã ký không thể cùng đúng.",
        en: "A neighbour's log has forked: two of its signed checkpoints cannot both be true.",
    },
    LOOK,
);

pub static SHRUNK: Kind = kind(
    "LT-LED-0011",
    Blame::Peer,
    Text {
        vi: "Sổ của một trục đã ngắn đi so với lần trước.", en: "A log is shorter than it was before."
    },
    LOOK,
);

pub static PEER_KEY: Kind = kind(
    "LT-LED-0012",
    Blame::Peer,
    Text {
        vi: "Một trục lân cận ký sổ cũ bằng khóa khác.", en: "A neighbour signs the same log with another key."
    },
    LOOK,
);

pub static NEW_LOG: Kind = kind(
    "LT-LED-0013",
    Blame::Peer,
    Text {
        vi: "Một trục lân cận đã đóng sổ cũ và mở sổ mới.",
        en: "A neighbour has closed its log and begun another.",
    },
    Text {
        vi: "Hỏi quản trị của trục đó vì sao (thường là mất dữ liệu sau sự cố) và những biên nhận nào không còn trong sổ mới.",
        en: "Ask that gateway's operator why (usually data lost in an accident) and which receipts are not in the new log.",
    },
);

/// Every row of the table.
pub static ALL: &[&Kind] =
    &[&SHORTENED, &REWRITTEN, &OTHER_KEY, &DAMAGED, &OUTSIDE, &FORK, &SHRUNK, &PEER_KEY, &NEW_LOG];
