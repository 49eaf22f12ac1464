//! Why a consignment ended at its deadline.

use lienthong_contract::{Blame, Kind, Severity, Text};

pub static NOT_RELAYED: Kind = Kind {
    code: "LT-DLV-0001",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 0,
    title: Text {
        vi: "Đã hết hạn mà trục kế tiếp chưa nhận bàn giao văn bản.",
        en: "The next gateway had not taken the document over by its deadline.",
    },
    fix: Text {
        vi: "Đơn vị vận hành trục kế tiếp khôi phục kết nối; sau đó bên gửi lập gói tin mới (DocumentId mới) để gửi lại. Văn bản chưa vào hộp thư bên nhận.",
        en: "The next gateway's operator restores the connection; then the sender makes a new packet with a new DocumentId and sends again. The document is not in the recipient's mailbox.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static NOT_COLLECTED: Kind = Kind {
    code: "LT-DLV-0002",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 0,
    title: Text {
        vi: "Đã hết hạn mà bên nhận chưa xác nhận đã nhận văn bản trong hộp thư.",
        en: "The recipient had not acknowledged the document in its mailbox by the deadline.",
    },
    fix: Text {
        vi: "Bên nhận kiểm tra phần mềm quản lý văn bản của mình; bên gửi lập gói tin mới (DocumentId mới) để gửi lại.",
        en: "The recipient looks at its document system; the sender makes a new packet with a new DocumentId and sends again.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static ALL: &[&Kind] = &[&NOT_RELAYED, &NOT_COLLECTED];
