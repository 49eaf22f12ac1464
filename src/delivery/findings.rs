//! Why a consignment ended at its deadline, or by the word of a system outside.

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

pub static NOT_PASSED_OUT: Kind = Kind {
    code: "LT-DLV-0003",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 0,
    title: Text {
        vi: "Đã hết hạn mà không chuyển được văn bản cho hệ thống ngoài; văn bản chưa ra khỏi trục này.",
        en: "The document could not be handed to the system outside by its deadline; it has not left this gateway.",
    },
    fix: Text {
        vi: "Đơn vị vận hành trục kiểm tra kết nối tới hệ thống ngoài; sau đó bên gửi lập gói tin mới (DocumentId mới) để gửi lại.",
        en: "The gateway's operator looks at the connection to the system outside; then the sender makes a new packet with a new DocumentId and sends again.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static PERHAPS_OUTSIDE: Kind = Kind {
    code: "LT-DLV-0004",
    severity: Severity::Refuse,
    blame: Blame::Us,
    vxp: 0,
    title: Text {
        vi: "Đã hết hạn mà hệ thống ngoài chưa trả lời rõ; không biết văn bản đã tới đó hay chưa.",
        en: "The system outside had given no clear answer by the deadline; whether the document has arrived there is not known.",
    },
    fix: Text {
        vi: "Trước khi gửi lại, bên gửi hỏi bên nhận xem văn bản đã tới chưa; đơn vị vận hành trục tra cứu văn bản trên hệ thống ngoài.",
        en: "Before sending again, the sender asks the recipient whether the document has come; the gateway's operator looks for it in the system outside.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static TURNED_AWAY: Kind = Kind {
    code: "LT-DLV-0005",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 0,
    title: Text {
        vi: "Hệ thống ngoài từ chối nhận văn bản.", en: "The system outside refused the document."
    },
    fix: Text {
        vi: "Sửa theo lời của hệ thống ngoài rồi lập gói tin mới (DocumentId mới) để gửi lại.",
        en: "Mend what the system outside names, make a new packet with a new DocumentId and send it.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static NO_NEWS: Kind = Kind {
    code: "LT-DLV-0006",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 0,
    title: Text {
        vi: "Hệ thống ngoài đã nhận văn bản, nhưng đến hạn vẫn chưa báo bên nhận đã lấy.",
        en: "The system outside took the document, and had not reported by the deadline that the recipient has it.",
    },
    fix: Text {
        vi: "Bên gửi hỏi bên nhận trước khi gửi lại; bên nhận kiểm tra phần mềm quản lý văn bản của mình.",
        en: "The sender asks the recipient before sending again; the recipient looks at its document system.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static REFUSED_OUTSIDE: Kind = Kind {
    code: "LT-DLV-0007",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 0,
    title: Text {
        vi: "Theo lời hệ thống ngoài, bên nhận không nhận văn bản.",
        en: "By the word of the system outside, the recipient will not have the document.",
    },
    fix: Text {
        vi: "Bên gửi xem lý do, trao đổi với bên nhận rồi gửi lại nếu cần.",
        en: "The sender reads the reason, talks to the recipient and sends again if need be.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static UNDELIVERABLE_OUTSIDE: Kind = Kind {
    code: "LT-DLV-0008",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 0,
    title: Text {
        vi: "Hệ thống ngoài báo không giao được văn bản cho bên nhận.",
        en: "The system outside reports that the document cannot be given to the recipient.",
    },
    fix: Text {
        vi: "Đơn vị vận hành trục làm việc với bên vận hành hệ thống ngoài; sau đó bên gửi lập gói tin mới (DocumentId mới) để gửi lại.",
        en: "The gateway's operator talks to the operator of the system outside; then the sender makes a new packet with a new DocumentId and sends again.",
    },
    clause: "QĐ 28/2018/QĐ-TTg, Điều 8",
};

pub static ALL: &[&Kind] = &[
    &NOT_RELAYED,
    &NOT_COLLECTED,
    &NOT_PASSED_OUT,
    &PERHAPS_OUTSIDE,
    &TURNED_AWAY,
    &NO_NEWS,
    &REFUSED_OUTSIDE,
    &UNDELIVERABLE_OUTSIDE,
];
