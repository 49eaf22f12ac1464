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

/// Every kind of this room, in the order of the codes.
pub static ALL: &[&Kind] = &[&NO_DIRECTORY, &NO_ROOTS, &SIGNATURE_VALID, &SIGNATURE_ABSENT];
