//! What this door itself refuses, before anything behind it is asked.

use lienthong_contract::{Blame, Kind, Severity, Text};

const fn kind(code: &'static str, blame: Blame, title: Text, fix: Text) -> Kind {
    Kind { code, severity: Severity::Refuse, blame, vxp: 0, title, fix, clause: "" }
}

pub static NO_CERTIFICATE: Kind = kind(
    "LT-API-0001",
    Blame::Sender,
    Text {
        vi: "Kết nối không kèm chứng thư số của hệ thống gửi",
        en: "The connection came without a client certificate",
    },
    Text {
        vi: "Cấu hình hệ thống xuất trình chứng thư số (mTLS) đã đăng ký với quản trị trục khi kết nối.",
        en: "Set the system up to present the client certificate (mTLS) that was registered with the gateway.",
    },
);

pub static UNKNOWN_CERTIFICATE: Kind = kind(
    "LT-API-0002",
    Blame::Sender,
    Text {
        vi: "Chứng thư số hợp lệ nhưng chưa được đăng ký cho cơ quan nào",
        en: "The certificate is valid but registered for no agency",
    },
    Text {
        vi: "Gửi dấu vân tay SHA-256 được nêu cho quản trị trục để đăng ký, hoặc dùng chứng thư số đã đăng ký.",
        en: "Give the SHA-256 fingerprint shown to the gateway's administrator for registration, or use the registered certificate.",
    },
);

pub static RATE: Kind = kind(
    "LT-API-0003",
    Blame::Sender,
    Text {
        vi: "Hệ thống gọi quá nhiều lần trong thời gian ngắn", en: "Too many requests in a short time"
    },
    Text {
        vi: "Chờ số giây ghi ở Retry-After rồi gọi lại; giãn cách các lần gọi định kỳ.",
        en: "Wait the seconds given in Retry-After, then call again; space out periodic calls.",
    },
);

pub static UPLOADS: Kind = kind(
    "LT-API-0004",
    Blame::Sender,
    Text {
        vi: "Hệ thống đang gửi cùng lúc quá nhiều gói tin", en: "Too many packets are being sent at the same time"
    },
    Text {
        vi: "Chờ các gói tin đang gửi hoàn tất rồi gửi tiếp; giảm số luồng gửi song song.",
        en: "Let the uploads in progress finish, then go on; send fewer in parallel.",
    },
);

pub static TOO_LARGE: Kind = kind(
    "LT-API-0005",
    Blame::Sender,
    Text { vi: "Gói tin vượt quá dung lượng cho phép", en: "The packet is larger than allowed" },
    Text {
        vi: "Giảm dung lượng tệp đính kèm xuống dưới mức được nêu (nén, giảm độ phân giải bản quét hoặc tách văn bản).",
        en: "Bring the attachments below the size given (compress, scan at a lower resolution, or split the document).",
    },
);

pub static SLOW_BODY: Kind = kind(
    "LT-API-0006",
    Blame::Network,
    Text {
        vi: "Gói tin truyền đến quá chậm hoặc bị ngừng giữa chừng", en: "The packet arrived too slowly or stalled"
    },
    Text {
        vi: "Kiểm tra đường truyền rồi gửi lại nguyên gói tin; gửi lại không tạo văn bản thứ hai.",
        en: "Check the line, then send the whole packet again; sending again does not create a second document.",
    },
);

pub static BROKEN_BODY: Kind = kind(
    "LT-API-0007",
    Blame::Network,
    Text {
        vi: "Kết nối bị ngắt trước khi nhận đủ gói tin",
        en: "The connection broke before the whole packet arrived",
    },
    Text {
        vi: "Gửi lại nguyên gói tin; gửi lại không tạo văn bản thứ hai.",
        en: "Send the whole packet again; sending again does not create a second document.",
    },
);

pub static SLOW_HEAD: Kind = kind(
    "LT-API-0008",
    Blame::Network,
    Text {
        vi: "Phần đầu yêu cầu HTTP đến quá chậm", en: "The head of the HTTP request arrived too slowly"
    },
    Text {
        vi: "Kiểm tra đường truyền và gửi lại yêu cầu.", en: "Check the line and send the request again."
    },
);

pub static NOT_HTTP: Kind = kind(
    "LT-API-0009",
    Blame::Sender,
    Text {
        vi: "Yêu cầu HTTP sai cú pháp hoặc phần đầu quá lớn",
        en: "The HTTP request is malformed or its head is too large",
    },
    Text {
        vi: "Gửi yêu cầu đúng chuẩn HTTP/1.1 hoặc HTTP/2; bỏ bớt các trường tiêu đề không cần thiết.",
        en: "Send a well-formed HTTP/1.1 or HTTP/2 request; leave out header fields that are not needed.",
    },
);

pub static BAD_ID: Kind = kind(
    "LT-API-0010",
    Blame::Sender,
    Text {
        vi: "Mã trong đường dẫn không đúng định dạng", en: "The identifier in the address is malformed"
    },
    Text {
        vi: "Dùng nguyên mã UUID do hệ thống trả về khi gửi hoặc khi liệt kê hộp thư.",
        en: "Use the UUID exactly as it was returned on submission or in the mailbox list.",
    },
);

pub static BAD_QUERY: Kind = kind(
    "LT-API-0011",
    Blame::Sender,
    Text { vi: "Tham số truy vấn không hợp lệ", en: "A query parameter is not valid" },
    Text {
        vi: "Sửa tham số theo tài liệu tại /v1/openapi.json.",
        en: "Correct the parameter as described in /v1/openapi.json.",
    },
);

pub static BAD_JSON: Kind = kind(
    "LT-API-0012",
    Blame::Sender,
    Text {
        vi: "Nội dung xác nhận không phải JSON đúng cấu trúc",
        en: "The acknowledgement is not JSON of the right shape",
    },
    Text {
        vi: "Gửi {\"verdict\":\"accept\"} hoặc {\"verdict\":\"refuse\",\"reason\":\"lý do\"}.",
        en: "Send {\"verdict\":\"accept\"} or {\"verdict\":\"refuse\",\"reason\":\"why\"}.",
    },
);

pub static NO_ROUTE: Kind = kind(
    "LT-API-0013",
    Blame::Sender,
    Text { vi: "Không có địa chỉ này trên giao diện", en: "The interface has no such address" },
    Text {
        vi: "Kiểm tra đường dẫn theo tài liệu tại /v1/openapi.json.",
        en: "Check the path against /v1/openapi.json.",
    },
);

pub static WRONG_METHOD: Kind = kind(
    "LT-API-0014",
    Blame::Sender,
    Text {
        vi: "Địa chỉ này không nhận phương thức HTTP đã dùng",
        en: "This address does not take the HTTP method used",
    },
    Text { vi: "Dùng phương thức ghi ở tiêu đề Allow.", en: "Use a method named in the Allow header." },
);

pub static NOT_RAW: Kind = kind(
    "LT-API-0015",
    Blame::Sender,
    Text {
        vi: "Gói tin phải được gửi nguyên byte, không bọc trong biểu mẫu và không nén",
        en: "A packet is sent as its bare bytes, not inside a form and not compressed",
    },
    Text {
        vi: "Đặt tệp edXML làm toàn bộ nội dung yêu cầu, Content-Type: application/xml, bỏ Content-Encoding.",
        en: "Make the edXML file the whole body of the request, with Content-Type: application/xml and no Content-Encoding.",
    },
);

pub static CRASHED: Kind = kind(
    "LT-API-0016",
    Blame::Us,
    Text { vi: "Lỗi nội bộ của trục khi xử lý yêu cầu", en: "An internal error of the gateway" },
    Text {
        vi: "Gửi lại sau ít phút; nếu vẫn lỗi, báo quản trị trục kèm thời điểm và đường dẫn.",
        en: "Try again in a few minutes; if it persists, tell the gateway's administrator the time and the address.",
    },
);

pub static FULL: Kind = kind(
    "LT-API-0017",
    Blame::Us,
    Text {
        vi: "Trục chưa thể phục vụ thêm hệ thống gọi", en: "The gateway cannot serve one more caller just now"
    },
    Text {
        vi: "Chờ số giây ghi ở Retry-After rồi gọi lại.",
        en: "Wait the seconds given in Retry-After, then call again.",
    },
);

/// The door's table, for the reference of error codes.
pub static ALL: &[&Kind] = &[
    &NO_CERTIFICATE,
    &UNKNOWN_CERTIFICATE,
    &RATE,
    &UPLOADS,
    &TOO_LARGE,
    &SLOW_BODY,
    &BROKEN_BODY,
    &SLOW_HEAD,
    &NOT_HTTP,
    &BAD_ID,
    &BAD_QUERY,
    &BAD_JSON,
    &NO_ROUTE,
    &WRONG_METHOD,
    &NOT_RAW,
    &CRASHED,
    &FULL,
];
