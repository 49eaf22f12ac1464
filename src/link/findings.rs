//! What a link can have to tell, code by code.

use lienthong_contract::{Blame, Kind, Severity, Text};

const fn kind(code: &'static str, blame: Blame, title: Text, fix: Text) -> Kind {
    Kind { code, severity: Severity::Warning, blame, vxp: 0, title, fix, clause: "" }
}

pub static UNROUTABLE: Kind = kind(
    "LT-LNK-0001",
    Blame::Us,
    Text {
        vi: "Máy chủ trung chuyển không có hàng đợi cho trục đích, nên văn bản chưa được gửi đi.",
        en: "The broker has no queue for the peer gateway, so the document has not left.",
    },
    Text {
        vi: "Kiểm tra tên trục đích trong cấu hình và quyền tạo hàng đợi trên RabbitMQ; hệ thống tự gửi lại, không cần nộp lại văn bản.",
        en: "Check the peer's name in the configuration and the right to declare queues in RabbitMQ; sending is retried by itself, nothing need be submitted again.",
    },
);

pub static NOT_CONNECTED: Kind = kind(
    "LT-LNK-0002",
    Blame::Network,
    Text {
        vi: "Mất kết nối tới máy chủ trung chuyển RabbitMQ.", en: "The connection to the RabbitMQ broker is down."
    },
    Text {
        vi: "Kiểm tra máy chủ RabbitMQ, đường truyền, chứng thư TLS và tài khoản; trục tự kết nối lại và gửi tiếp.",
        en: "Check the RabbitMQ server, the network, the TLS certificates and the account; the gateway reconnects and goes on by itself.",
    },
);

pub static TIMEOUT: Kind = kind(
    "LT-LNK-0003",
    Blame::Network,
    Text {
        vi: "Máy chủ trung chuyển không trả lời trong thời hạn.", en: "The broker did not answer in time."
    },
    Text {
        vi: "Xem tải, dung lượng đĩa và cảnh báo bộ nhớ của RabbitMQ; cụm phải còn quá nửa số nút hoạt động. Hệ thống tự gửi lại.",
        en: "Look at RabbitMQ's load, disk space and memory alarm; more than half of the cluster's nodes must be up. Sending is retried by itself.",
    },
);

pub static NACKED: Kind = kind(
    "LT-LNK-0004",
    Blame::Network,
    Text {
        vi: "Máy chủ trung chuyển từ chối lưu thông điệp (hàng đợi đầy hoặc lỗi lưu trữ).",
        en: "The broker refused to store the message (queue full or storage fault).",
    },
    Text {
        vi: "Kiểm tra độ dài hàng đợi của trục đích và dung lượng đĩa của RabbitMQ; báo đơn vị vận hành trục đích nếu họ ngừng nhận.",
        en: "Check the length of the peer's queue and RabbitMQ's disk; tell the peer's operator if their gateway has stopped taking messages.",
    },
);

pub static TOO_LARGE: Kind = kind(
    "LT-LNK-0005",
    Blame::Sender,
    Text {
        vi: "Gói tin lớn hơn mức liên kết giữa hai trục cho phép.",
        en: "The packet is larger than the link between the two gateways takes.",
    },
    Text {
        vi: "Giảm dung lượng tệp đính kèm, hoặc đề nghị quản trị tăng giới hạn max_content_bytes của cả hai trục.",
        en: "Make the attachments smaller, or have the administrators raise max_content_bytes on both gateways.",
    },
);

pub static PRECONDITION_FAILED: Kind = kind(
    "LT-LNK-0006",
    Blame::Us,
    Text {
        vi: "Hàng đợi đã tồn tại trên RabbitMQ với thuộc tính khác cấu hình của trục.",
        en: "A queue exists in RabbitMQ with other properties than this gateway is configured for.",
    },
    Text {
        vi: "Trả delivery_limit về giá trị cũ, hoặc chờ hàng đợi rỗng rồi xóa nó để trục tạo lại; không xóa khi còn thông điệp.",
        en: "Restore the former delivery_limit, or wait until the queue is empty and delete it so that the gateway makes it anew; never delete it with messages in it.",
    },
);

pub static ACCESS_REFUSED: Kind = kind(
    "LT-LNK-0007",
    Blame::Us,
    Text {
        vi: "RabbitMQ từ chối quyền của tài khoản trục.",
        en: "RabbitMQ denied the gateway's account what it asked for.",
    },
    Text {
        vi: "Cấp cho tài khoản quyền configure, write, read trên các hàng đợi packets, receipts, frames, dead và exchange lienthong.dead.",
        en: "Give the account configure, write and read on the queues packets, receipts, frames, dead and on the exchange lienthong.dead.",
    },
);

pub static TRANSFER_ID: Kind = kind(
    "LT-LNK-0008",
    Blame::Us,
    Text {
        vi: "Mã lần chuyển không hợp lệ (lỗi nội bộ của trục).",
        en: "A transfer id is malformed (a fault inside this gateway).",
    },
    Text {
        vi: "Gửi nhật ký của trục cho đơn vị phát triển.", en: "Send the gateway's log to its developers."
    },
);

pub static PEER_BUSY: Kind = kind(
    "LT-LNK-0009",
    Blame::Peer,
    Text { vi: "Trục đích tạm thời chưa nhận được.", en: "The peer gateway cannot take it just now." },
    Text {
        vi: "Không cần làm gì, hệ thống tự gửi lại; nếu kéo dài, báo đơn vị vận hành trục đích.",
        en: "Nothing to do, sending is retried by itself; if it lasts, tell the peer's operator.",
    },
);

pub static PEER_REFUSED: Kind = kind(
    "LT-LNK-0010",
    Blame::Peer,
    Text {
        vi: "Trục đích không đọc được lần chuyển này.", en: "The peer gateway cannot make sense of this transfer."
    },
    Text {
        vi: "Đối chiếu phiên bản phần mềm hai trục và liên hệ đơn vị vận hành trục đích, kèm mã lần chuyển.",
        en: "Compare the versions of both gateways and contact the peer's operator with the transfer id.",
    },
);

pub static CONFIG: Kind = kind(
    "LT-LNK-0011",
    Blame::Us,
    Text { vi: "Cấu hình liên kết sai.", en: "The link's configuration is wrong." },
    Text {
        vi: "Sửa mục được nêu trong cấu hình rồi khởi động lại trục.",
        en: "Correct the named setting and restart the gateway.",
    },
);

pub static SPOOL: Kind = kind(
    "LT-LNK-0012",
    Blame::Us,
    Text {
        vi: "Không đọc hoặc ghi được tệp của gói tin lớn.", en: "A large packet's file cannot be read or written."
    },
    Text {
        vi: "Kiểm tra dung lượng trống, quyền truy cập và tình trạng đĩa của thư mục spool.",
        en: "Check free space, access rights and health of the disk that holds the spool folder.",
    },
);

pub static PROTOCOL: Kind = kind(
    "LT-LNK-0013",
    Blame::Network,
    Text {
        vi: "Máy chủ trung chuyển báo lỗi giao thức AMQP.", en: "The broker reported an AMQP protocol error."
    },
    Text {
        vi: "Xem nhật ký RabbitMQ cùng thời điểm; kiểm tra phiên bản máy chủ (từ 3.10) và giới hạn max_message_size.",
        en: "Read RabbitMQ's log of the same moment; check the server's version (3.10 or later) and its max_message_size.",
    },
);

pub static FRAMES_MISSING: Kind = kind(
    "LT-LNK-0014",
    Blame::Peer,
    Text {
        vi: "Gói tin lớn đến thiếu phần, trục bỏ lần chuyển này và chờ bên gửi gửi lại.",
        en: "A large packet arrived with parts missing; this attempt is dropped and the sender will resend.",
    },
    Text {
        vi: "Không cần làm gì nếu chỉ xảy ra một lần (thường sau khi khởi động lại); nếu lặp lại, kiểm tra hàng đợi frames trên RabbitMQ.",
        en: "Nothing to do if it happens once (usual after a restart); if it recurs, look at the frames queues in RabbitMQ.",
    },
);

pub static POISON: Kind = kind(
    "LT-LNK-0015",
    Blame::Peer,
    Text {
        vi: "Một thông điệp không thể xử lý đã được chuyển vào hàng đợi dead.",
        en: "A message that cannot be handled was set aside in the dead-letter queue.",
    },
    Text {
        vi: "Xem nguyên nhân trong nhật ký (nếu thông điệp chứa nhiều gói tin, nhật ký nêu gói nào; các gói còn lại đã được nhận), đối chiếu với trục gửi; sửa xong thì mở trang Ách tắc của bàn điều khiển để đưa lại, hoặc đề nghị bên gửi gửi lại.",
        en: "Read the cause in the log (of a message that holds several packets it names the one at fault; the others were taken) and compare with the sending gateway; once mended, put it back on the console's page of what is stuck, or have it resent.",
    },
);

pub static QUEUE_RENEWED: Kind = kind(
    "LT-LNK-0016",
    Blame::Network,
    Text {
        vi: "Một hàng đợi của trục không hoạt động lại sau sự cố của RabbitMQ, nên đã được xóa và tạo lại.",
        en: "A queue of this gateway did not come back to life after a failure of RabbitMQ; it was deleted and made anew.",
    },
    Text {
        vi: "Không mất văn bản nào, không cần gửi lại: các trục lân cận tự gửi lại những gì chưa có biên nhận. Nếu lặp lại, xem nhật ký RabbitMQ và nâng cấp máy chủ.",
        en: "No document is lost and nothing need be submitted again: the neighbours send again what has no receipt. If it recurs, read RabbitMQ's log and upgrade the server.",
    },
);

/// Every row of the table.
pub static ALL: &[&Kind] = &[
    &UNROUTABLE,
    &NOT_CONNECTED,
    &TIMEOUT,
    &NACKED,
    &TOO_LARGE,
    &PRECONDITION_FAILED,
    &ACCESS_REFUSED,
    &TRANSFER_ID,
    &PEER_BUSY,
    &PEER_REFUSED,
    &CONFIG,
    &SPOOL,
    &PROTOCOL,
    &FRAMES_MISSING,
    &POISON,
    &QUEUE_RENEWED,
];
