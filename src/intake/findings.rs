//! What the intake itself finds: about the upload, the sender's right to sign, and names used before.

use lienthong_contract::{Blame, Kind, Severity, Text};

pub static BROKEN_OFF: Kind = Kind {
    code: "LT-INT-0001",
    severity: Severity::Refuse,
    blame: Blame::Network,
    vxp: 10,
    title: Text { vi: "Gói tin bị ngắt giữa chừng khi gửi.", en: "The upload was broken off." },
    fix: Text {
        vi: "Gửi lại đúng gói tin này; gửi lại không tạo ra văn bản thứ hai.",
        en: "Send the same packet again; sending again does not create a second document.",
    },
    clause: "",
};

pub static UNAVAILABLE: Kind = Kind {
    code: "LT-INT-0002",
    severity: Severity::Refuse,
    blame: Blame::Us,
    vxp: 10,
    title: Text {
        vi: "Trục liên thông tạm thời không lưu được gói tin.",
        en: "The gateway cannot store packets just now.",
    },
    fix: Text {
        vi: "Chờ một phút rồi gửi lại đúng gói tin này; nếu vẫn lỗi, báo cán bộ quản trị trục liên thông.",
        en: "Wait a minute and send the same packet again; if it persists, tell the gateway's operator.",
    },
    clause: "",
};

pub static SIGNATURE_REQUIRED: Kind = Kind {
    code: "LT-INT-0003",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Cơ quan gửi phải ký số gói tin, nhưng gói tin không có chữ ký số.",
        en: "This sender must sign its packets, and the packet is not signed.",
    },
    fix: Text {
        vi: "Ký gói tin bằng chứng thư ký số của cơ quan đã đăng ký với trục rồi gửi lại.",
        en: "Sign the packet with the agency's registered signing certificate and send it again.",
    },
    clause: "QĐ 28/2018/QĐ-TTg Điều 9.1",
};

pub static SIGNER_UNKNOWN: Kind = Kind {
    code: "LT-INT-0004",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chứng thư đã ký gói tin không được đăng ký cho cơ quan nào.",
        en: "The certificate that signed the packet is registered for no agency.",
    },
    fix: Text {
        vi: "Đăng ký dấu vân tay SHA-256 của chứng thư với cán bộ quản trị trục, hoặc ký bằng chứng thư đã đăng ký.",
        en: "Have the certificate's SHA-256 fingerprint registered by the operator, or sign with a registered one.",
    },
    clause: "QĐ 28/2018/QĐ-TTg Điều 9.1",
};

pub static SIGNER_OTHER: Kind = Kind {
    code: "LT-INT-0005",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 19,
    title: Text {
        vi: "Chứng thư đã ký gói tin thuộc cơ quan khác với nơi gửi.",
        en: "The certificate that signed the packet belongs to another agency than the sender.",
    },
    fix: Text {
        vi: "Ký bằng chứng thư của chính cơ quan ghi ở From/OrganId.",
        en: "Sign with the certificate of the very agency written in From/OrganId.",
    },
    clause: "QĐ 28/2018/QĐ-TTg Điều 9.1",
};

pub static SIGNATURE_NOT_COUNTED: Kind = Kind {
    code: "LT-INT-0006",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 0,
    title: Text {
        vi: "Chữ ký của gói tin không có giá trị và không được tính.",
        en: "The packet's signature is not valid and does not count.",
    },
    fix: Text {
        vi: "Kiểm tra phần mềm ký số của cơ quan theo nguyên nhân nêu trên.",
        en: "Check the agency's signing software against the cause given.",
    },
    clause: "",
};

pub static SAME_NAME_OTHER_BYTES: Kind = Kind {
    code: "LT-INT-0007",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Mã văn bản (DocumentId) này đã được gửi trước đó với nội dung khác.",
        en: "This DocumentId was sent before with other content.",
    },
    fix: Text {
        vi: "Nếu là văn bản mới, dùng DocumentId mới; nếu sửa văn bản đã gửi, dùng nghiệp vụ cập nhật (2) hoặc thay thế (3).",
        en: "Give a new document a new DocumentId; to change a sent one use the business type update (2) or replace (3).",
    },
    clause: "NĐ 30/2020/NĐ-CP PL VI",
};

pub static NO_ROUTE: Kind = Kind {
    code: "LT-INT-0008",
    severity: Severity::Refuse,
    blame: Blame::Us,
    vxp: 18,
    title: Text {
        vi: "Trục liên thông không có đường chuyển tới cơ quan nhận này.",
        en: "This gateway has no route to the recipient.",
    },
    fix: Text {
        vi: "Kiểm tra mã cơ quan nhận; nếu mã đúng, báo cán bộ quản trị trục bổ sung tuyến.",
        en: "Check the recipient's code; if it is right, ask the gateway's operator to add the route.",
    },
    clause: "",
};

pub static NOT_FOUND: Kind = Kind {
    code: "LT-INT-0009",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 20,
    title: Text {
        vi: "Không có văn bản này trong phạm vi của cơ quan gọi.",
        en: "There is no such document within the caller's reach.",
    },
    fix: Text {
        vi: "Kiểm tra mã văn bản và chứng thư dùng để gọi.",
        en: "Check the id and the certificate that you call with.",
    },
    clause: "",
};

pub static NOT_YOUR_MAILBOX: Kind = Kind {
    code: "LT-INT-0010",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 19,
    title: Text {
        vi: "Chứng thư của bên gọi không được đọc hộp thư của cơ quan này.",
        en: "The caller's certificate may not read this agency's mailbox.",
    },
    fix: Text {
        vi: "Dùng chứng thư của chính cơ quan đó, hoặc đề nghị quản trị trục cấp quyền đại diện.",
        en: "Use that agency's own certificate, or ask the operator for the right to act for it.",
    },
    clause: "",
};

pub static ANSWERED_OTHERWISE: Kind = Kind {
    code: "LT-INT-0011",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 22,
    title: Text {
        vi: "Văn bản này đã được trả lời theo cách khác trước đó.",
        en: "This consignment was already answered the other way.",
    },
    fix: Text {
        vi: "Xem biên nhận đã có; muốn đổi ý, trao đổi với cơ quan gửi bằng trạng thái nghiệp vụ.",
        en: "See the receipt that exists; to change your mind, tell the sender by a business status.",
    },
    clause: "",
};

pub static REASON_NEEDED: Kind = Kind {
    code: "LT-INT-0012",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 22,
    title: Text {
        vi: "Từ chối nhận văn bản phải nêu lý do, không quá 1000 ký tự.",
        en: "A refusal needs a reason of at most 1000 characters.",
    },
    fix: Text { vi: "Ghi rõ lý do từ chối.", en: "State the reason." },
    clause: "QĐ 28/2018/QĐ-TTg Điều 5.4",
};

pub static SAME_CODE: Kind = Kind {
    code: "LT-INT-0013",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 0,
    title: Text {
        vi: "Cơ quan đã gửi một văn bản khác cùng số và ký hiệu trong năm nay.",
        en: "Another document of this agency bears the same number and notation this year.",
    },
    fix: Text {
        vi: "Kiểm tra có gửi trùng văn bản hay không; nếu trùng, thu hồi bản gửi nhầm.",
        en: "Check whether the document was sent twice; if so, recall the one sent by mistake.",
    },
    clause: "NĐ 30/2020/NĐ-CP PL VI",
};

pub static MAILBOX_LOCKED: Kind = Kind {
    code: "LT-INT-0014",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 19,
    title: Text {
        vi: "Cơ quan đang bị khoá nên không được đọc, trả lời hộp thư hay tra cứu văn bản.",
        en: "The agency is locked and can neither read and answer its mailbox nor trace documents.",
    },
    fix: Text {
        vi: "Liên hệ cán bộ quản trị trục để mở khoá cơ quan; văn bản chưa trả lời vẫn nằm trong hộp thư.",
        en: "Ask the gateway's operator to unlock the agency; what was not answered stays in the mailbox.",
    },
    clause: "",
};

pub static BAD_CURSOR: Kind = Kind {
    code: "LT-INT-0015",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Giá trị after không phải là vị trí trang mà trục đã trả về.",
        en: "The value of after is no page position that the gateway gave.",
    },
    fix: Text {
        vi: "Dùng nguyên văn giá trị next của trang trước, mã hoá phần trăm khi đặt vào URL; muốn đọc từ đầu thì bỏ after.",
        en: "Give the next of the page before as it is, percent-encoded in the URL; leave after out to start anew.",
    },
    clause: "",
};

pub static MORE_FINDINGS: Kind = Kind {
    code: "LT-INT-0016",
    severity: Severity::Note,
    blame: Blame::Sender,
    vxp: 0,
    title: Text {
        vi: "Gói tin còn nhiều lỗi, cảnh báo khác không được liệt kê.",
        en: "The packet has more findings than are listed.",
    },
    fix: Text {
        vi: "Sửa các lỗi đã liệt kê rồi kiểm tra lại gói tin.",
        en: "Mend what is listed, then check the packet again.",
    },
    clause: "",
};

pub static COLLECTED_TOO_LATE: Kind = Kind {
    code: "LT-INT-0019",
    severity: Severity::Refuse,
    blame: Blame::Recipient,
    vxp: 0,
    title: Text {
        vi: "Văn bản đã quá hạn xác nhận; bên gửi đã được báo là không chuyển được.",
        en: "The time to acknowledge this document is over; its sender was told that it failed.",
    },
    fix: Text {
        vi: "Đề nghị bên gửi gửi lại bằng gói tin mới (DocumentId mới); kiểm tra để phần mềm lấy văn bản hằng ngày.",
        en: "Ask the sender to send it again in a new packet with a new DocumentId; see to it that the software collects every day.",
    },
    clause: "",
};

pub static EXPIRED: Kind = Kind {
    code: "LT-INT-0018",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 0,
    title: Text {
        vi: "Gói tin đến sau thời hạn mà trục gửi đặt ra.",
        en: "The packet came after the time until which the sending gateway offered it.",
    },
    fix: Text {
        vi: "Trục gửi sẽ báo cho bên gửi là không chuyển được; bên gửi lập gói tin mới (DocumentId mới) để gửi lại. Nếu lặp lại, so đồng hồ của hai trục.",
        en: "The sending gateway tells the sender that it failed; the sender makes a new packet with a new DocumentId and sends again. If it recurs, compare the clocks of both gateways.",
    },
    clause: "",
};

pub static SENDER_NOT_OF_RECEIPT: Kind = Kind {
    code: "LT-INT-0017",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 19,
    title: Text {
        vi: "Gói tin ghi cơ quan gửi khác với cơ quan mà trục tiếp nhận đầu tiên đã xác nhận.",
        en: "The packet names another sender than the receipt of the gateway that first took it.",
    },
    fix: Text {
        vi: "Đơn vị vận hành trục gửi đối chiếu MessageHeader/From với biên nhận tiếp nhận; bên gửi gửi lại khi đã thống nhất.",
        en: "The sending gateway's operator compares MessageHeader/From with the submission receipt; once they agree, the sender sends again.",
    },
    clause: "",
};

pub static OTHER_SENDER_CLAIMED: Kind = Kind {
    code: "LT-INT-0020",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 19,
    title: Text {
        vi: "Đơn vị gửi khai trong yêu cầu khác với From/OrganId của gói tin.",
        en: "The sender named in the request is not the one in the packet's From/OrganId.",
    },
    fix: Text {
        vi: "Khai đúng mã của cơ quan ghi ở From/OrganId khi gọi gửi văn bản.",
        en: "Name the very agency of From/OrganId when handing the packet in.",
    },
    clause: "",
};

pub static NOT_A_RECIPIENT: Kind = Kind {
    code: "LT-INT-0021",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 18,
    title: Text {
        vi: "Đơn vị nhận khai trong yêu cầu không có trong phần nơi nhận (To) của gói tin.",
        en: "A recipient named in the request is not among the packet's own recipients (To).",
    },
    fix: Text {
        vi: "Chỉ khai những nơi nhận có trong MessageHeader/To của gói tin, hoặc bỏ danh sách để gửi đến tất cả.",
        en: "Name only agencies of the packet's MessageHeader/To, or leave the list out to send to all of them.",
    },
    clause: "",
};

pub static ACCEPTED_FOR_OTHERS: Kind = Kind {
    code: "LT-INT-0022",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 18,
    title: Text {
        vi: "Gói tin này đã được tiếp nhận trước đó cho các nơi nhận khác; lần gửi này không chuyển thêm đến nơi nào.",
        en: "This packet was accepted before for other recipients; sending it again adds none.",
    },
    fix: Text {
        vi: "Để gửi thêm nơi nhận, lập gói tin mới (DocumentId mới) hoặc dùng nghiệp vụ cập nhật (2).",
        en: "To reach further recipients make a new packet (new DocumentId), or use the business type update (2).",
    },
    clause: "",
};

pub static OUTSIDE_WITHOUT_NAME: Kind = Kind {
    code: "LT-INT-0023",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 0,
    title: Text {
        vi: "Hệ thống ngoài mạng đưa gói tin đến mà không kèm mã của nó.",
        en: "The system outside the network brought a packet without a name for it.",
    },
    fix: Text {
        vi: "Báo đơn vị vận hành hệ thống đó; không có mã thì không thể nhận đúng một lần. Gói tin vẫn nằm ở hệ thống đó.",
        en: "Tell that system's operator; without a name it cannot be taken exactly once. The packet is still there.",
    },
    clause: "",
};

pub static OUTSIDE_SAME_NAME: Kind = Kind {
    code: "LT-INT-0024",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 22,
    title: Text {
        vi: "Hệ thống ngoài mạng dùng lại một mã cho gói tin có nội dung khác.",
        en: "The system outside the network used a name again for a packet with other content.",
    },
    fix: Text {
        vi: "Đối chiếu hai nội dung với đơn vị vận hành hệ thống đó; gói tin đến trước vẫn giữ nguyên.",
        en: "Compare the two with that system's operator; the packet that came first stays as it is.",
    },
    clause: "",
};

pub static OUTSIDE_SENDER: Kind = Kind {
    code: "LT-INT-0025",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 19,
    title: Text {
        vi: "Gói tin từ ngoài mạng không ghi mã nơi gửi dùng được, hoặc đứng tên cơ quan do một trục của mạng này phục vụ.",
        en: "A packet from outside the network names no sender, or one that a gateway of this network serves.",
    },
    fix: Text {
        vi: "Đơn vị vận hành hệ thống đó kiểm tra MessageHeader/From; nếu cơ quan gửi thật ở ngoài mạng, sửa danh bạ (hop) cho đúng.",
        en: "That system's operator looks at MessageHeader/From; if the sender really is outside, correct the directory (hop).",
    },
    clause: "",
};

pub static OUTSIDE_FOR_NOBODY: Kind = Kind {
    code: "LT-INT-0026",
    severity: Severity::Refuse,
    blame: Blame::Peer,
    vxp: 18,
    title: Text {
        vi: "Gói tin từ ngoài mạng không có nơi nhận nào mà trục này chuyển đến được.",
        en: "A packet from outside the network has no recipient that this gateway reaches.",
    },
    fix: Text {
        vi: "Kiểm tra mã nơi nhận với danh bạ; đơn vị vận hành hệ thống đó chuyển gói tin đến đúng trục.",
        en: "Compare the recipients with the directory; that system's operator brings the packet to the right gateway.",
    },
    clause: "",
};

/// Every kind of this room.
pub static ALL: &[&Kind] = &[
    &BROKEN_OFF,
    &UNAVAILABLE,
    &SIGNATURE_REQUIRED,
    &SIGNER_UNKNOWN,
    &SIGNER_OTHER,
    &SIGNATURE_NOT_COUNTED,
    &SAME_NAME_OTHER_BYTES,
    &NO_ROUTE,
    &NOT_FOUND,
    &NOT_YOUR_MAILBOX,
    &ANSWERED_OTHERWISE,
    &REASON_NEEDED,
    &SAME_CODE,
    &MAILBOX_LOCKED,
    &BAD_CURSOR,
    &MORE_FINDINGS,
    &SENDER_NOT_OF_RECEIPT,
    &EXPIRED,
    &COLLECTED_TOO_LATE,
    &OTHER_SENDER_CLAIMED,
    &NOT_A_RECIPIENT,
    &ACCEPTED_FOR_OTHERS,
    &OUTSIDE_WITHOUT_NAME,
    &OUTSIDE_SAME_NAME,
    &OUTSIDE_SENDER,
    &OUTSIDE_FOR_NOBODY,
];
