//! The table of this room: certificates and the files they are read from.
//!
//! 0001–0019 speak of a certificate that came with a document or a connection; 0020–0039 of this gateway's own
//! files. Titles say what is wrong, fixes say whom to ask for what.

use lienthong_contract::{Blame, Kind, Severity, Text};

const LAW: &str = "TT 15/2025/TT-BKHCN, appendix I";
const PATH_RULES: &str = "RFC 5280 §6.1";

const fn kind(code: &'static str, blame: Blame, vxp: u8, clause: &'static str, title: Text, fix: Text) -> Kind {
    Kind { code, severity: Severity::Refuse, blame, vxp, title, fix, clause }
}

const fn text(vi: &'static str, en: &'static str) -> Text {
    Text { vi, en }
}

pub static EXPIRED: Kind = kind(
    "LT-TRU-0001",
    Blame::Sender,
    22,
    PATH_RULES,
    text("Chứng thư số đã hết hạn tại thời điểm ký hoặc kết nối.", "The certificate had expired when it was used."),
    text(
        "Đề nghị cơ quan cấp chứng thư số gia hạn hoặc cấp mới, cài chứng thư mới rồi ký và gửi lại văn bản.",
        "Ask the certificate issuer for a renewed certificate, install it, then sign and send the document again.",
    ),
);

pub static NOT_YET_VALID: Kind = kind(
    "LT-TRU-0002",
    Blame::Sender,
    22,
    PATH_RULES,
    text(
        "Chứng thư số chưa có hiệu lực tại thời điểm ký hoặc kết nối.",
        "The certificate was not yet valid when it was used.",
    ),
    text(
        "Kiểm tra đồng hồ của máy ký; nếu đồng hồ đúng, chờ đến ngày chứng thư có hiệu lực hoặc dùng chứng thư đang hiệu lực.",
        "Check the clock of the signing machine; if it is right, wait for the certificate's first day or use a valid one.",
    ),
);

pub static UNKNOWN_ISSUER: Kind = kind(
    "LT-TRU-0003",
    Blame::Sender,
    22,
    PATH_RULES,
    text(
        "Chứng thư số không do tổ chức chứng thực mà trục liên thông này tin cậy cấp.",
        "The certificate was not issued by an authority that this gateway trusts.",
    ),
    text(
        "Dùng chứng thư số chuyên dùng công vụ do Ban Cơ yếu Chính phủ cấp và gửi kèm đủ chứng thư trung gian; nếu chứng thư \
         là đúng, đề nghị quản trị trục bổ sung chứng thư gốc vào danh sách tin cậy sau khi đối chiếu dấu vân tay.",
        "Use an official-duty certificate and send its intermediate certificates along; if the certificate is right, ask the \
         gateway's administrator to add its root after comparing the fingerprint by another channel.",
    ),
);

pub static REVOKED: Kind = kind(
    "LT-TRU-0004",
    Blame::Sender,
    22,
    PATH_RULES,
    text("Chứng thư số đã bị thu hồi.", "The certificate has been revoked."),
    text(
        "Ngừng dùng chứng thư này, đề nghị cơ quan cấp chứng thư cấp mới, rồi ký và gửi lại văn bản.",
        "Stop using this certificate, ask its issuer for a new one, then sign and send the document again.",
    ),
);

pub static WRONG_KEY_USAGE: Kind = kind(
    "LT-TRU-0005",
    Blame::Sender,
    22,
    "RFC 5280 §4.2.1.3",
    text(
        "Chứng thư số không được cấp cho mục đích này (trường keyUsage không cho phép).",
        "The certificate was not issued for this use (its keyUsage does not allow it).",
    ),
    text(
        "Chọn đúng chứng thư ký số (keyUsage có digitalSignature hoặc nonRepudiation), không dùng chứng thư mã hoá hay \
         chứng thư của tổ chức chứng thực.",
        "Choose the signing certificate (keyUsage digitalSignature or nonRepudiation), not an encryption or CA certificate.",
    ),
);

pub static NOT_FOR_TRANSPORT: Kind = kind(
    "LT-TRU-0006",
    Blame::Sender,
    22,
    "RFC 5280 §4.2.1.12",
    text(
        "Chứng thư số không được cấp để kết nối hệ thống (trường extendedKeyUsage không có mục đích cần thiết).",
        "The certificate was not issued for system connections (its extendedKeyUsage lacks the purpose needed).",
    ),
    text(
        "Dùng chứng thư kết nối đã đăng ký của hệ thống: máy khách cần clientAuth, máy chủ cần serverAuth.",
        "Use the system's registered connection certificate: a client needs clientAuth, a server needs serverAuth.",
    ),
);

pub static WEAK_KEY: Kind = kind(
    "LT-TRU-0007",
    Blame::Sender,
    22,
    LAW,
    text(
        "Khoá của chứng thư số quá yếu hoặc thuộc loại không được phép.",
        "The certificate's key is too weak or of a kind that is not allowed.",
    ),
    text(
        "Đề nghị cấp chứng thư mới với khoá RSA từ 2048 bit hoặc ECDSA từ 256 bit.",
        "Ask for a new certificate with an RSA key of at least 2048 bit or an ECDSA key of at least 256 bit.",
    ),
);

pub static WEAK_SIGNATURE: Kind = kind(
    "LT-TRU-0008",
    Blame::Sender,
    22,
    LAW,
    text(
        "Chứng thư số hoặc chứng thư cấp trên được ký bằng thuật toán không được phép (ví dụ SHA-1).",
        "The certificate or one above it is signed with an algorithm that is not allowed (such as SHA-1).",
    ),
    text(
        "Đề nghị cơ quan cấp chứng thư cấp lại bằng SHA-256 trở lên.",
        "Ask the issuer for a certificate signed with SHA-256 or stronger.",
    ),
);

pub static BAD_SIGNATURE: Kind = kind(
    "LT-TRU-0009",
    Blame::Sender,
    22,
    PATH_RULES,
    text(
        "Chữ ký trên chứng thư số không đúng: chứng thư bị sửa đổi hoặc mạo danh tổ chức chứng thực.",
        "The signature on the certificate is wrong: it was altered, or it only pretends to come from the authority.",
    ),
    text(
        "Không tin chứng thư này; xuất lại chứng thư từ nguồn gốc và báo cho bộ phận an toàn thông tin.",
        "Do not trust this certificate; export it again from its source and tell your security staff.",
    ),
);

pub static MALFORMED: Kind = kind(
    "LT-TRU-0010",
    Blame::Sender,
    22,
    "RFC 5280 §4.1",
    text("Chứng thư số sai cấu trúc, không đọc được.", "The certificate is malformed and cannot be read."),
    text(
        "Xuất lại chứng thư ở dạng X.509 phiên bản 3 (DER hoặc PEM) rồi gửi lại.",
        "Export the certificate again as X.509 version 3 (DER or PEM) and send again.",
    ),
);

pub static NAME_CONSTRAINTS: Kind = kind(
    "LT-TRU-0011",
    Blame::Sender,
    22,
    "RFC 5280 §4.2.1.10",
    text(
        "Chứng thư số mang tên nằm ngoài phạm vi mà tổ chức chứng thực được phép cấp.",
        "The certificate carries a name that its authority may not issue for.",
    ),
    text(
        "Đề nghị cơ quan cấp chứng thư cấp lại với tên nằm trong phạm vi được phép.",
        "Ask the issuer for a certificate whose names lie within what the authority may issue.",
    ),
);

pub static REVOCATION_REQUIRED: Kind = kind(
    "LT-TRU-0012",
    Blame::Us,
    20,
    PATH_RULES,
    text(
        "Chưa kiểm tra được chứng thư số có bị thu hồi hay không, mà chính sách của trục bắt buộc phải kiểm tra.",
        "Whether the certificate is revoked could not be checked, and this gateway's policy demands the check.",
    ),
    text(
        "Quản trị trục nạp danh sách thu hồi (CRL) còn hiệu lực của tổ chức chứng thực; bên gửi thử lại sau.",
        "The gateway's administrator loads a current revocation list (CRL) of the authority; the sender tries again later.",
    ),
);

pub static PATH_OTHER: Kind = kind(
    "LT-TRU-0013",
    Blame::Sender,
    22,
    PATH_RULES,
    text("Không lập được đường dẫn tin cậy cho chứng thư số.", "No path of trust could be built for the certificate."),
    text(
        "Gửi chi tiết kỹ thuật ở mục “tìm thấy” cho đơn vị cấp chứng thư hoặc quản trị trục để xử lý.",
        "Pass the technical detail under \"found\" to the certificate's issuer or to the gateway's administrator.",
    ),
);

pub static REVOCATION_NOT_CHECKED: Kind = Kind {
    code: "LT-TRU-0014",
    severity: Severity::Warning,
    blame: Blame::Us,
    vxp: 0,
    title: text(
        "Chưa kiểm tra được chứng thư số có bị thu hồi hay không; kết quả chưa phải là hợp lệ cũng chưa phải là không hợp lệ.",
        "Whether the certificate is revoked was not checked; that is neither a good nor a bad result.",
    ),
    fix: text(
        "Quản trị trục nạp danh sách thu hồi (CRL) còn hiệu lực của tổ chức chứng thực.",
        "The gateway's administrator loads a current revocation list (CRL) of the authority.",
    ),
    clause: "",
};

pub static FILE_UNREADABLE: Kind = kind(
    "LT-TRU-0020",
    Blame::Us,
    0,
    "",
    text("Không đọc được tệp khoá hoặc chứng thư.", "A key or certificate file cannot be read."),
    text(
        "Kiểm tra đường dẫn trong cấu hình và quyền đọc của tài khoản chạy trục (khoá riêng: 0600).",
        "Check the path in the configuration and that the gateway's account may read it (private keys: 0600).",
    ),
);

pub static FILE_TOO_LARGE: Kind = kind(
    "LT-TRU-0021",
    Blame::Us,
    0,
    "",
    text("Tệp khoá hoặc chứng thư lớn bất thường.", "A key or certificate file is far too large."),
    text(
        "Kiểm tra xem cấu hình có trỏ nhầm sang tệp khác không.",
        "Check whether the configuration points at another file by mistake.",
    ),
);

pub static FILE_HOLDS_OTHER_THINGS: Kind = kind(
    "LT-TRU-0022",
    Blame::Us,
    0,
    "RFC 7468",
    text("Tệp không chứa thứ cần có ở dạng PEM.", "The file does not hold what is needed in PEM form."),
    text(
        "Đổi sang PEM: chứng thư DER bằng `openssl x509 -inform der`, CRL DER bằng `openssl crl -inform der`, khoá bằng \
         `openssl pkcs8 -topk8 -nocrypt`.",
        "Convert to PEM: a DER certificate by `openssl x509 -inform der`, a DER CRL by `openssl crl -inform der`, a key by \
         `openssl pkcs8 -topk8 -nocrypt`.",
    ),
);

pub static FILE_BROKEN: Kind = kind(
    "LT-TRU-0023",
    Blame::Us,
    0,
    "RFC 7468",
    text("Tệp PEM bị hỏng.", "The PEM file is damaged."),
    text(
        "Chép lại tệp từ bản gốc, giữ nguyên các dòng BEGIN và END.",
        "Copy the file again, with its BEGIN and END lines.",
    ),
);

pub static FILE_BAD_CERTIFICATE: Kind = kind(
    "LT-TRU-0024",
    Blame::Us,
    0,
    "RFC 5280 §4.1",
    text("Tệp chứa chứng thư không đọc được.", "The file holds a certificate that cannot be read."),
    text("Tải hoặc xuất lại chứng thư đó.", "Download or export that certificate again."),
);

pub static FILE_BAD_CRL: Kind = kind(
    "LT-TRU-0025",
    Blame::Us,
    0,
    "RFC 5280 §5",
    text("Danh sách thu hồi (CRL) không dùng được.", "The revocation list (CRL) cannot be used."),
    text(
        "Tải lại CRL đầy đủ (không phải delta hay indirect) từ điểm phân phối ghi trong chứng thư.",
        "Download the full CRL (no delta, no indirect one) again from the distribution point named in the certificates.",
    ),
);

pub static FILE_FOREIGN_CRL: Kind = kind(
    "LT-TRU-0026",
    Blame::Us,
    0,
    "RFC 5280 §6.3.3",
    text(
        "Danh sách thu hồi (CRL) không do tổ chức chứng thực nào trong cấu hình ký.",
        "The revocation list (CRL) is signed by none of the configured authorities.",
    ),
    text(
        "Thêm chứng thư của tổ chức phát hành CRL vào danh sách trung gian, hoặc bỏ CRL này khỏi cấu hình.",
        "Add the certificate of the CRL's issuer to the intermediates, or take this CRL out of the configuration.",
    ),
);

pub static FILE_UNUSABLE_KEY: Kind = kind(
    "LT-TRU-0027",
    Blame::Us,
    0,
    "RFC 5958",
    text("Khoá riêng không dùng được.", "The private key cannot be used."),
    text(
        "Dùng khoá PKCS#8 không mã hoá: `openssl pkcs8 -topk8 -nocrypt`; khoá ký biên nhận là ECDSA P-256 hoặc Ed25519.",
        "Use an unencrypted PKCS#8 key: `openssl pkcs8 -topk8 -nocrypt`; a receipt key is ECDSA P-256 or Ed25519.",
    ),
);

pub static FILE_KEY_MISMATCH: Kind = kind(
    "LT-TRU-0028",
    Blame::Us,
    0,
    "",
    text("Khoá riêng và chứng thư không phải một cặp.", "The private key and the certificate are not a pair."),
    text(
        "Kiểm tra hai đường dẫn trong cấu hình; chứng thư của chính đơn vị phải đứng đầu tệp chuỗi chứng thư.",
        "Check both paths in the configuration; the own certificate must come first in the chain file.",
    ),
);

pub static NO_ROOTS: Kind = kind(
    "LT-TRU-0029",
    Blame::Us,
    0,
    "",
    text("Chưa cấu hình chứng thư gốc nào.", "No root certificate is configured."),
    text(
        "Nạp chứng thư gốc sau khi đối chiếu dấu vân tay SHA-256 qua kênh khác.",
        "Configure the root certificate after comparing its SHA-256 fingerprint by another channel.",
    ),
);

pub static TLS_UNUSABLE: Kind = kind(
    "LT-TRU-0030",
    Blame::Us,
    0,
    "",
    text("Không lập được cấu hình TLS từ các tệp đã cho.", "No TLS configuration can be made from the files given."),
    text(
        "Xem chi tiết kỹ thuật ở mục “tìm thấy” và thay khoá hoặc chứng thư tương ứng.",
        "See the technical detail under \"found\" and replace the key or certificate it speaks of.",
    ),
);

pub static ALL: &[&Kind] = &[
    &EXPIRED,
    &NOT_YET_VALID,
    &UNKNOWN_ISSUER,
    &REVOKED,
    &WRONG_KEY_USAGE,
    &NOT_FOR_TRANSPORT,
    &WEAK_KEY,
    &WEAK_SIGNATURE,
    &BAD_SIGNATURE,
    &MALFORMED,
    &NAME_CONSTRAINTS,
    &REVOCATION_REQUIRED,
    &PATH_OTHER,
    &REVOCATION_NOT_CHECKED,
    &FILE_UNREADABLE,
    &FILE_TOO_LARGE,
    &FILE_HOLDS_OTHER_THINGS,
    &FILE_BROKEN,
    &FILE_BAD_CERTIFICATE,
    &FILE_BAD_CRL,
    &FILE_FOREIGN_CRL,
    &FILE_UNUSABLE_KEY,
    &FILE_KEY_MISMATCH,
    &NO_ROOTS,
    &TLS_UNUSABLE,
];
