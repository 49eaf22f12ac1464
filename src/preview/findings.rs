//! What a preview has to say about itself: what was looked at and what was not. Facts, never refusals.

use lienthong_contract::{Blame, Kind, Severity, Text};

const fn note(code: &'static str, title: Text, fix: Text) -> Kind {
    Kind { code, severity: Severity::Note, blame: Blame::Sender, vxp: 0, title, fix, clause: "" }
}

pub static NO_DIRECTORY: Kind = note(
    "LT-CLI-0001",
    Text {
        vi: "Chưa đối chiếu nơi gửi, nơi nhận với danh mục cơ quan",
        en: "Sender and recipients were not looked up in a directory",
    },
    Text {
        vi: "Thêm --directory cùng tệp danh mục cơ quan để kiểm tra như trục liên thông.",
        en: "Add --directory with the agencies' file to check as a gateway does.",
    },
);

pub static NO_ROOTS: Kind = note(
    "LT-CLI-0002",
    Text {
        vi: "Chữ ký số khớp với gói tin, nhưng chưa kiểm tra ai cấp chứng thư",
        en: "The packet's signature fits, but who issued its certificate was not checked",
    },
    Text {
        vi: "Thêm --roots cùng chứng thư gốc tin cậy để kiểm tra chứng thư ký.",
        en: "Add --roots with the trusted root certificates to check the signing certificate.",
    },
);

pub static SIGNATURE_VALID: Kind = note(
    "LT-CLI-0003",
    Text {
        vi: "Chữ ký số của gói tin hợp lệ, chứng thư ký được tin cậy",
        en: "The packet's signature is valid and its certificate is trusted",
    },
    Text { vi: "Không cần làm gì.", en: "Nothing to do." },
);

pub static SIGNATURE_ABSENT: Kind = note(
    "LT-CLI-0004",
    Text { vi: "Gói tin chưa có chữ ký số", en: "The packet carries no signature" },
    Text {
        vi: "Nếu trục yêu cầu chữ ký, dùng `lienthong send` để ký khi gửi.",
        en: "Where the gateway requires one, `lienthong send` signs while it sends.",
    },
);

pub static PERHAPS_REQUIRED: Kind = Kind {
    severity: Severity::Warning,
    ..note(
        "LT-CLI-0005",
        Text {
            vi: "Gói tin chưa có chữ ký số; chưa biết cơ quan gửi có phải ký hay không",
            en: "The packet carries no signature; whether this sender has to sign is not known",
        },
        Text {
            vi: "Điều đó nằm trong danh mục cơ quan của trục (packet_signature, mặc định là phải ký): thêm --directory, hoặc ký bằng `lienthong send` hay `lienthong wrap`.",
            en: "The gateway's directory says so (packet_signature; by default it has to): add --directory, or sign with `lienthong send` or `lienthong wrap`.",
        },
    )
};

pub static NOT_LOOKED_AT: Kind = note(
    "LT-CLI-0006",
    Text {
        vi: "Không xem ở đây: trục có đường chuyển tới nơi nhận không, DocumentId này đã được dùng chưa, ai đang gửi",
        en: "Not looked at here: whether the gateway has a route to the recipients, whether this DocumentId was used before, who is sending",
    },
    Text {
        vi: "Chỉ khi gửi mới biết: thiếu đường chuyển là LT-INT-0008, DocumentId đã dùng với nội dung khác là LT-INT-0007.",
        en: "Sending alone tells: no route is LT-INT-0008, a DocumentId used with other content LT-INT-0007.",
    },
);

/// Every kind of this room, in the order of the codes.
pub static ALL: &[&Kind] =
    &[&NO_DIRECTORY, &NO_ROOTS, &SIGNATURE_VALID, &SIGNATURE_ABSENT, &PERHAPS_REQUIRED, &NOT_LOOKED_AT];
