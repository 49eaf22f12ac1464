//! What can be wrong with the directory file. Every one is the operator's to mend; a file with any of them is not
//! taken, and the directory that was loaded before stays in force.

use lienthong_contract::{Blame, Kind, Severity, Text};

const fn kind(code: &'static str, title: Text, fix: Text) -> Kind {
    Kind { code, severity: Severity::Refuse, blame: Blame::Us, vxp: 0, title, fix, clause: "" }
}

pub static NOT_TOML: Kind = kind(
    "LT-DIR-0001",
    Text {
        vi: "Tệp danh mục cơ quan không đúng cú pháp TOML", en: "The agency directory is not well-formed TOML"
    },
    Text {
        vi: "Sửa cú pháp tại dòng và cột được nêu.", en: "Mend the syntax at the line and column given."
    },
);

pub static UNKNOWN_KEY: Kind = kind(
    "LT-DIR-0002",
    Text { vi: "Tên trường không có trong danh mục cơ quan", en: "The agency directory has no such key" },
    Text {
        vi: "Kiểm tra chính tả tên trường; xoá trường nếu không dùng.",
        en: "Check the spelling of the key; remove it if it is not meant.",
    },
);

pub static WRONG_TYPE: Kind = kind(
    "LT-DIR-0003",
    Text {
        vi: "Giá trị của trường sai kiểu hoặc ngoài các lựa chọn",
        en: "The value has the wrong type or is none of the choices",
    },
    Text {
        vi: "Ghi giá trị theo dạng nêu ở mục \"cần\".",
        en: "Write the value in the form given under \"expected\".",
    },
);

pub static MISSING_KEY: Kind = kind(
    "LT-DIR-0004",
    Text { vi: "Cơ quan thiếu trường bắt buộc", en: "An agency lacks a key that is required" },
    Text { vi: "Bổ sung trường được nêu cho cơ quan này.", en: "Add the key named to this agency." },
);

pub static BAD_CODE: Kind = kind(
    "LT-DIR-0005",
    Text { vi: "Mã định danh cơ quan không hợp lệ", en: "This is not an agency code" },
    Text {
        vi: "Ghi mã tối đa 35 ký tự, chỉ gồm chữ cái không dấu, chữ số và các dấu . : - _",
        en: "Write a code of at most 35 characters: plain letters, digits and the marks . : - _",
    },
);

pub static CODE_TAKEN: Kind = kind(
    "LT-DIR-0006",
    Text { vi: "Một mã định danh được ghi cho hai cơ quan", en: "One code is given to two agencies" },
    Text {
        vi: "Giữ mã này ở đúng một cơ quan; xoá ở cơ quan còn lại (kể cả trong old_code và aliases).",
        en: "Keep the code with exactly one agency and remove it from the other (also from old_code and aliases).",
    },
);

pub static UNKNOWN_SUCCESSOR: Kind = kind(
    "LT-DIR-0007",
    Text { vi: "Cơ quan kế thừa không có trong danh mục", en: "The successor is not in the directory" },
    Text {
        vi: "Thêm cơ quan kế thừa vào danh mục hoặc sửa mã ở trường successors.",
        en: "Add the successor to the directory, or correct its code in successors.",
    },
);

pub static SUCCESSOR_LOOP: Kind = kind(
    "LT-DIR-0008",
    Text { vi: "Chuỗi cơ quan kế thừa quay vòng", en: "The chain of successors comes back to its start" },
    Text {
        vi: "Sửa trường successors sao cho chuỗi kết thúc ở cơ quan đang hoạt động.",
        en: "Correct successors so that the chain ends at an agency that is active.",
    },
);

pub static BAD_FINGERPRINT: Kind = kind(
    "LT-DIR-0009",
    Text { vi: "Dấu vân chứng thư không hợp lệ", en: "This is not the fingerprint of a certificate" },
    Text {
        vi: "Ghi sha256: và 64 chữ số thập lục phân (openssl x509 -noout -fingerprint -sha256 -in tệp.pem).",
        en: "Write sha256: and 64 hexadecimal digits (openssl x509 -noout -fingerprint -sha256 -in file.pem).",
    },
);

pub static FINGERPRINT_TAKEN: Kind = kind(
    "LT-DIR-0010",
    Text { vi: "Một chứng thư được ghi cho hai cơ quan", en: "One certificate is given to two agencies" },
    Text {
        vi: "Ghi chứng thư ở một cơ quan; nếu một kết nối gửi thay nhiều cơ quan thì dùng speaks_for.",
        en: "Give the certificate to one agency; where one connection hands in for several, use speaks_for.",
    },
);

pub static BAD_DATE: Kind = kind(
    "LT-DIR-0011",
    Text { vi: "Ngày hiệu lực không hợp lệ", en: "A date of validity is not a date" },
    Text {
        vi: "Ghi ngày theo dạng năm-tháng-ngày, ví dụ 2025-06-30.",
        en: "Write the date as year-month-day, e.g. 2025-06-30.",
    },
);

pub static PERIOD_REVERSED: Kind = kind(
    "LT-DIR-0012",
    Text {
        vi: "Ngày hết hiệu lực đứng trước ngày bắt đầu", en: "The validity ends before it begins"
    },
    Text { vi: "Sửa valid_from hoặc valid_to.", en: "Correct valid_from or valid_to." },
);

pub static BAD_HOP: Kind = kind(
    "LT-DIR-0013",
    Text { vi: "Tên cổng liên thông không hợp lệ", en: "This is not the name of a gateway" },
    Text {
        vi: "Ghi 1 đến 40 ký tự gồm chữ thường, chữ số và dấu gạch nối.",
        en: "Write 1 to 40 lower-case letters, digits and dashes.",
    },
);

pub static UNKNOWN_MANDATOR: Kind = kind(
    "LT-DIR-0014",
    Text {
        vi: "Cơ quan được gửi thay không có trong danh mục", en: "An agency to speak for is not in the directory"
    },
    Text {
        vi: "Thêm cơ quan đó vào danh mục, sửa mã, hoặc ghi cả nhánh dưới dạng H37.*",
        en: "Add that agency to the directory, correct the code, or write a whole branch as H37.*",
    },
);

pub static PARENT_IS_SELF: Kind = kind(
    "LT-DIR-0015",
    Text { vi: "Cơ quan được ghi là cấp trên của chính nó", en: "An agency is given as its own parent" },
    Text { vi: "Sửa hoặc xoá trường parent.", en: "Correct parent or remove it." },
);

pub static TOO_LARGE: Kind = kind(
    "LT-DIR-0016",
    Text { vi: "Tệp danh mục cơ quan vượt giới hạn", en: "The agency directory exceeds a limit" },
    Text {
        vi: "Chia hoặc rút gọn danh mục theo giới hạn được nêu.",
        en: "Split or shorten the directory to the limit given.",
    },
);

pub static UNREADABLE: Kind = kind(
    "LT-DIR-0101",
    Text { vi: "Không đọc được tệp danh mục cơ quan", en: "The agency directory cannot be read" },
    Text {
        vi: "Kiểm tra đường dẫn và quyền đọc của tệp; danh mục cũ vẫn được dùng đến khi đọc được.",
        en: "Check the path and the permissions of the file; the old directory stays in force until it can be read.",
    },
);

pub static NOT_TAKEN: Kind = kind(
    "LT-DIR-0102",
    Text {
        vi: "Danh mục cơ quan mới có lỗi nên chưa được áp dụng",
        en: "The new agency directory has faults and is not in force",
    },
    Text {
        vi: "Sửa các lỗi được liệt kê; danh mục cũ vẫn được dùng đến khi tệp hợp lệ.",
        en: "Mend the faults listed; the old directory stays in force until the file is good.",
    },
);

pub static NOT_ENFORCED: Kind = Kind {
    severity: Severity::Warning,
    ..kind(
        "LT-DIR-0103",
        Text {
            vi: "Danh mục đặt chính sách mà phiên bản này chưa thi hành",
            en: "The directory sets a policy that this version does not enforce",
        },
        Text {
            vi: "Chữ ký trong tệp đính kèm được ghi là chưa kiểm tra, dù chính sách ghi required; định danh kết nối luôn bắt buộc, dù ghi optional. Đừng dựa vào hai mục này.",
            en: "Signatures inside attachments are recorded as not checked even where the policy says required; the identity of the connection is demanded always, even where it says optional. Do not rely on these two.",
        },
    )
};

/// The table, for the reference of error codes.
pub static ALL: &[&Kind] = &[
    &NOT_TOML,
    &UNKNOWN_KEY,
    &WRONG_TYPE,
    &MISSING_KEY,
    &BAD_CODE,
    &CODE_TAKEN,
    &UNKNOWN_SUCCESSOR,
    &SUCCESSOR_LOOP,
    &BAD_FINGERPRINT,
    &FINGERPRINT_TAKEN,
    &BAD_DATE,
    &PERIOD_REVERSED,
    &BAD_HOP,
    &UNKNOWN_MANDATOR,
    &PARENT_IS_SELF,
    &TOO_LARGE,
    &UNREADABLE,
    &NOT_TAKEN,
    &NOT_ENFORCED,
];
