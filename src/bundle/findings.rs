//! Why a proof is not handed out.

use lienthong_contract::{Blame, Kind, Severity, Text};

pub static TOO_LARGE: Kind = Kind {
    code: "LT-BUN-0001",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 0,
    title: Text {
        vi: "Chứng cứ của văn bản này nhiều hơn một tệp chứng minh chứa được.",
        en: "There is more evidence of this document than one bundle holds.",
    },
    fix: Text {
        vi: "Từng nơi nhận lấy tệp chứng minh cho phần của mình; hoặc lưu toàn bộ biên nhận bằng `lienthong trace -o`.",
        en: "Let each recipient ask for the proof of its own part, or save all receipts with `lienthong trace -o`.",
    },
    clause: "",
};

pub static NO_SUBMISSION: Kind = Kind {
    code: "LT-BUN-0002",
    severity: Severity::Refuse,
    blame: Blame::Us,
    vxp: 0,
    title: Text {
        vi: "Trục này không còn biên nhận tiếp nhận ban đầu của văn bản.",
        en: "This gateway does not have the receipt of the document's submission.",
    },
    fix: Text {
        vi: "Lấy tệp chứng minh ở trục của bên gửi, hoặc báo cán bộ quản trị trục liên thông.",
        en: "Ask the sender's gateway for the proof, or tell this gateway's operator.",
    },
    clause: "",
};

pub static PACKET_TOO_LARGE: Kind = Kind {
    code: "LT-BUN-0003",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 0,
    title: Text {
        vi: "Gói tin quá lớn để kèm vào tệp chứng minh (cả tệp tối đa 64 MiB).",
        en: "The packet is too large to stand in a bundle (64 MiB in all).",
    },
    fix: Text {
        vi: "Lấy tệp chứng minh không kèm gói tin; khi kiểm chứng dùng `lienthong verify FILE --packet GÓI`.",
        en: "Take the proof without the packet, and hold the packet against it: `lienthong verify FILE --packet PACKET`.",
    },
    clause: "",
};

pub static ALL: &[&Kind] = &[&TOO_LARGE, &NO_SUBMISSION, &PACKET_TOO_LARGE];
