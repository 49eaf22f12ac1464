//! What the books find: a document that is not where the receipts say.

use lienthong_contract::{Blame, Kind, Severity, Text};

const fn ours(code: &'static str, title: Text, fix: Text) -> Kind {
    Kind { code, severity: Severity::Warning, blame: Blame::Us, vxp: 0, title, fix, clause: "" }
}

pub static LOST: Kind = ours(
    "LT-BOK-0001",
    Text {
        vi: "Trục đã ký biên nhận tiếp nhận nhưng trong kho không có lượt gửi này",
        en: "This gateway signed an acceptance, and the consignment is not in its store",
    },
    Text {
        vi: "Phục hồi kho dữ liệu từ bản sao lưu mới nhất; đối chiếu với trục kế cận trước khi chạy tiếp.",
        en: "Restore the store from its latest copy, and compare with the neighbouring gateways before going on.",
    },
);

pub static STATE_DIFFERS: Kind = ours(
    "LT-BOK-0002",
    Text {
        vi: "Trạng thái ghi trong kho khác với kết quả mà biên nhận chứng minh",
        en: "The state in the store is not the one that the receipts prove",
    },
    Text {
        vi: "Biên nhận là căn cứ: xem đường đi của văn bản (lienthong trace) và báo đơn vị phát triển kèm mã văn bản.",
        en: "The receipts count: follow the document (lienthong trace) and report its docId to the developers.",
    },
);

pub static ENDED_TWICE: Kind = ours(
    "LT-BOK-0003",
    Text {
        vi: "Trục đã ký hơn một biên nhận kết thúc cho cùng một lượt gửi",
        en: "This gateway signed more than one terminal receipt for one consignment",
    },
    Text {
        vi: "Kiểm tra có hai trục dùng chung một khóa hoặc một kho phục hồi từ bản cũ hay không.",
        en: "Look whether two gateways share a key, or a store was restored from an older copy.",
    },
);

pub static CHAIN_BROKEN: Kind = ours(
    "LT-BOK-0004",
    Text {
        vi: "Biên nhận trong kho bị hỏng hoặc không nối thành chuỗi từ lúc tiếp nhận",
        en: "Receipts in the store are damaged, or do not form a chain from the acceptance on",
    },
    Text {
        vi: "Kho dữ liệu đã bị sửa hoặc đĩa hỏng: kiểm tra đĩa, phục hồi từ bản sao lưu.",
        en: "The store was changed or the disk is failing: check the disk and restore from a copy.",
    },
);

pub static NOT_ACCEPTED: Kind = ours(
    "LT-BOK-0005",
    Text {
        vi: "Trong kho có lượt gửi mà trục chưa từng ký biên nhận",
        en: "The store holds a consignment for which this gateway signed no receipt",
    },
    Text {
        vi: "Kho dữ liệu đã bị sửa: phục hồi từ bản sao lưu và đối chiếu với trục kế cận.",
        en: "The store was changed: restore it from a copy and compare with the neighbouring gateways.",
    },
);

pub static LINK_DIFFERS: Kind = Kind {
    code: "LT-BOK-0006",
    severity: Severity::Warning,
    blame: Blame::Peer,
    vxp: 0,
    title: Text {
        vi: "Hai đầu tuyến nối ghi khác nhau về lượt gửi đã bàn giao trong ngày",
        en: "The two ends of a link do not agree on what crossed it on that day",
    },
    fix: Text {
        vi: "Cùng quản trị trục kế cận đối chiếu biên nhận của văn bản này; kiểm tra kho nào vừa phục hồi từ bản cũ. Hai đầu tự hỏi lại cho đến khi khớp; nếu không thể khớp, ghi lý do bằng lienthong admin settle.",
        en: "Compare this document's receipts with the neighbour's operator; see whose store was restored from an older copy. Both ends ask again until they agree; when they cannot, say why with lienthong admin settle.",
    },
    clause: "",
};

pub static KEPT_DIFFERS: Kind = ours(
    "LT-BOK-0007",
    Text {
        vi: "Số liệu sổ đang giữ khác với kết quả tính lại từ toàn bộ biên nhận",
        en: "The books as they are kept are not what a recount of all receipts gives",
    },
    Text {
        vi: "Biên nhận là căn cứ; trục đang chạy tự lập lại sổ từ biên nhận trong vòng một ngày. Nếu còn lặp lại, báo đơn vị phát triển.",
        en: "The receipts count; a running gateway makes its books anew from them within a day. If it comes again, report it to the developers.",
    },
);

pub static CONTRADICTS: Kind = Kind {
    code: "LT-BOK-0008",
    severity: Severity::Warning,
    blame: Blame::Peer,
    vxp: 0,
    title: Text {
        vi: "Một trục đã ký biên nhận mâu thuẫn với biên nhận đã có; kết quả không đổi, cả hai được giữ làm chứng cứ",
        en: "A gateway signed a receipt that contradicts one that counts; nothing changes, and both are kept as evidence",
    },
    fix: Text {
        vi: "Xem đường đi của văn bản (lienthong trace), gửi cả hai biên nhận cho quản trị trục đã ký và hỏi nguyên nhân.",
        en: "Follow the document (lienthong trace) and put both receipts before the operator of the gateway that signed.",
    },
    clause: "",
};

pub static BODY_DELETED: Kind = Kind {
    code: "LT-BOK-0010",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 0,
    title: Text {
        vi: "Nội dung văn bản đã được xóa khỏi trục sau thời hạn lưu giữ; biên nhận vẫn còn",
        en: "The document's content was deleted from this gateway after its time; its receipts are kept",
    },
    fix: Text {
        vi: "Lấy văn bản từ hồ sơ của cơ quan hoặc từ gói lưu trữ do quản trị trục xuất ra.",
        en: "Take the document from the agency's own files, or from the archive that the gateway's operator exported.",
    },
    clause: "",
};

/// Every kind of this room, in the order of the codes.
pub static ALL: &[&Kind] = &[
    &LOST,
    &STATE_DIFFERS,
    &ENDED_TWICE,
    &CHAIN_BROKEN,
    &NOT_ACCEPTED,
    &LINK_DIFFERS,
    &KEPT_DIFFERS,
    &CONTRADICTS,
    &BODY_DELETED,
];
