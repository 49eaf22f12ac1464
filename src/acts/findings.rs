//! What a document is told of an administrator's act.

use lienthong_contract::{Blame, Kind, Severity, Text};

/// An administrator of this gateway ended it.
pub static CANCELLED: Kind = Kind {
    code: "LT-ACT-0001",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 0,
    title: Text {
        vi: "Quản trị trục đã dừng việc chuyển văn bản này",
        en: "An administrator of the gateway stopped the delivery of this document",
    },
    fix: Text {
        vi: "Đọc lý do; gửi lại nếu vẫn cần chuyển.",
        en: "Read the reason; send it again if it is still to be delivered.",
    },
    clause: "",
};

/// Every kind of this room.
pub static ALL: &[&Kind] = &[&CANCELLED];
