//! What this module has to say about a signature, in both languages.
//!
//! Severity `Refuse` stands for tampering and for what no honest signer writes; `Warning` for signatures that cannot
//! count although the sender means well. Whether a sender must sign at all is policy, and decided elsewhere.

use lienthong_contract::{Blame, Kind, Severity, Text};

pub static WRONG_DIGEST: Kind = Kind {
    code: "LT-TRU-0101",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Nội dung gói tin đã bị thay đổi sau khi ký: mã băm không khớp với chữ ký số",
        en: "The packet was changed after it was signed: its digest does not match the signature",
    },
    fix: Text {
        vi: "Gửi lại đúng tệp gốc đã ký; không sửa, không định dạng lại gói tin sau khi ký; nếu cần sửa thì ký lại.",
        en: "Send the original signed file again; do not edit or reformat a packet after signing; sign anew if it has to change.",
    },
    clause: "XML-DSig 3.2.1",
};

pub static WRONG_SIGNATURE_VALUE: Kind = Kind {
    code: "LT-TRU-0102",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Giá trị chữ ký số không đúng với chứng thư số kèm theo",
        en: "The signature value does not verify with the certificate that comes with it",
    },
    fix: Text {
        vi: "Kiểm tra phần mềm ký và thiết bị ký có dùng đúng khoá của chứng thư số này không, rồi ký lại và gửi lại.",
        en: "Check that the signing software and token use the key of this certificate, then sign and send again.",
    },
    clause: "XML-DSig 3.2.2",
};

pub static SEVERAL_SIGNATURES: Kind = Kind {
    code: "LT-TRU-0103",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Gói tin chứa nhiều hơn một chữ ký số XML",
        en: "The packet contains more than one XML signature",
    },
    fix: Text {
        vi: "Chỉ để lại một phần tử Signature trong edXMLHeader, rồi ký lại và gửi lại.",
        en: "Keep exactly one Signature element in edXMLHeader, then sign and send again.",
    },
    clause: "",
};

pub static WRONG_PLACE: Kind = Kind {
    code: "LT-TRU-0104",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số XML không nằm đúng chỗ trong gói tin",
        en: "The XML signature does not stand where it belongs",
    },
    fix: Text {
        vi: "Đặt Signature trong edXMLHeader, sau TraceHeaderList, rồi ký lại và gửi lại.",
        en: "Put Signature into edXMLHeader, after TraceHeaderList, then sign and send again.",
    },
    clause: "QCVN 102:2016/BTTTT",
};

pub static MALFORMED: Kind = Kind {
    code: "LT-TRU-0105",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Gói tin không phải là XML đúng cú pháp nên không kiểm tra được chữ ký số",
        en: "The packet is not well-formed XML, so its signature cannot be checked",
    },
    fix: Text {
        vi: "Sửa phần mềm tạo gói tin để xuất XML 1.0, UTF-8 đúng cú pháp, rồi gửi lại.",
        en: "Make the producing software write well-formed XML 1.0 in UTF-8, then send again.",
    },
    clause: "XML 1.0",
};

pub static DOCTYPE: Kind = Kind {
    code: "LT-TRU-0106",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Gói tin có khai báo DOCTYPE, là nội dung không được phép",
        en: "The packet contains a DOCTYPE declaration, which is not allowed",
    },
    fix: Text {
        vi: "Bỏ khai báo DOCTYPE khỏi gói tin, ký lại và gửi lại.",
        en: "Remove the DOCTYPE declaration, sign and send again.",
    },
    clause: "",
};

pub static COMMENT_IN_TEXT: Kind = Kind {
    code: "LT-TRU-0107",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Gói tin có chú thích XML chen giữa một giá trị; chữ ký số không bảo vệ chú thích",
        en: "A comment stands inside a text value; the signature does not protect comments",
    },
    fix: Text {
        vi: "Bỏ chú thích (<!-- … -->) nằm trong giá trị của phần tử, rồi ký lại và gửi lại.",
        en: "Remove the comment (<!-- … -->) from the value of the element, then sign and send again.",
    },
    clause: "XML-DSig 8.1",
};

pub static NOT_NAMESPACE_WELL_FORMED: Kind = Kind {
    code: "LT-TRU-0108",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Gói tin dùng tiền tố hoặc không gian tên XML khai báo sai nên không kiểm tra được chữ ký số",
        en: "The packet uses an undeclared prefix or a wrong namespace declaration, so its signature cannot be checked",
    },
    fix: Text {
        vi: "Khai báo đủ các tiền tố (edXML, xlink …) trên phần tử gốc, rồi ký lại và gửi lại.",
        en: "Declare every prefix (edXML, xlink …) on the root element, then sign and send again.",
    },
    clause: "Namespaces in XML 1.0",
};

pub static WEAK_HASH: Kind = Kind {
    code: "LT-TRU-0109",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số dùng thuật toán băm yếu (SHA-1 hoặc MD5) nên không được công nhận",
        en: "The signature uses a weak hash (SHA-1 or MD5) and does not count",
    },
    fix: Text {
        vi: "Cấu hình phần mềm ký dùng SHA-256 trở lên, rồi ký lại và gửi lại.",
        en: "Set the signing software to SHA-256 or better, then sign and send again.",
    },
    clause: "TT 15/2025/TT-BKHCN, PL I",
};

pub static WEAK_KEY: Kind = Kind {
    code: "LT-TRU-0110",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Khoá RSA của chứng thư số ngắn hơn 2048 bit nên chữ ký số không được công nhận",
        en: "The RSA key of the certificate is shorter than 2048 bits, so the signature does not count",
    },
    fix: Text {
        vi: "Đề nghị tổ chức cấp chứng thư số cấp lại chứng thư với khoá RSA từ 2048 bit, rồi ký lại.",
        en: "Ask the certification authority for a certificate with an RSA key of 2048 bits or more, then sign again.",
    },
    clause: "TT 15/2025/TT-BKHCN, PL I",
};

pub static HMAC: Kind = Kind {
    code: "LT-TRU-0111",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký dùng HMAC, không phải chữ ký số bằng chứng thư",
        en: "The signature is an HMAC, not a digital signature made with a certificate",
    },
    fix: Text {
        vi: "Ký bằng khoá bí mật của chứng thư số (RSA hoặc ECDSA), rồi gửi lại.",
        en: "Sign with the private key of a certificate (RSA or ECDSA), then send again.",
    },
    clause: "NĐ 68/2024/NĐ-CP",
};

pub static UNKNOWN_ALGORITHM: Kind = Kind {
    code: "LT-TRU-0112",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số dùng thuật toán không được hỗ trợ",
        en: "The signature uses an algorithm that is not supported",
    },
    fix: Text {
        vi: "Ký bằng RSA hoặc ECDSA (P-256, P-384) với SHA-256, SHA-384 hoặc SHA-512, rồi gửi lại.",
        en: "Sign with RSA or ECDSA (P-256, P-384) and SHA-256, SHA-384 or SHA-512, then send again.",
    },
    clause: "TT 15/2025/TT-BKHCN, PL I",
};

pub static UNKNOWN_TRANSFORM: Kind = Kind {
    code: "LT-TRU-0113",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số dùng phép biến đổi (Transform) không được hỗ trợ",
        en: "The signature uses a transform that is not supported",
    },
    fix: Text {
        vi: "Chỉ dùng enveloped-signature, sau đó có thể thêm C14N 1.0 (thường hoặc exclusive), rồi ký lại.",
        en: "Use enveloped-signature, then at most C14N 1.0 (inclusive or exclusive), and sign again.",
    },
    clause: "XML-DSig 6.6",
};

pub static WRONG_TRANSFORM_URI: Kind = Kind {
    code: "LT-TRU-0114",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số ghi sai tên phép biến đổi: http://www.w3.org/TR/xml-exc-c14n# không tồn tại",
        en: "The signature names a transform that does not exist: http://www.w3.org/TR/xml-exc-c14n#",
    },
    fix: Text {
        vi: "Sửa phần mềm ký: tên đúng là http://www.w3.org/2001/10/xml-exc-c14n#, rồi ký lại và gửi lại.",
        en: "Mend the signing software: the right name is http://www.w3.org/2001/10/xml-exc-c14n#; then sign and send again.",
    },
    clause: "Exclusive XML Canonicalization 1.0",
};

pub static ACTIVE_TRANSFORM: Kind = Kind {
    code: "LT-TRU-0115",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số dùng XPath hoặc XSLT để chọn nội dung được ký, là điều không được phép",
        en: "The signature selects what it covers by XPath or XSLT, which is not allowed",
    },
    fix: Text {
        vi: "Ký toàn bộ gói tin (Reference URI=\"\" với enveloped-signature), rồi gửi lại.",
        en: "Sign the whole packet (Reference URI=\"\" with enveloped-signature), then send again.",
    },
    clause: "XML-DSig 8.1",
};

pub static COMMENTS_KEPT: Kind = Kind {
    code: "LT-TRU-0116",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số dùng dạng chuẩn hoá giữ lại chú thích (WithComments), không được hỗ trợ",
        en: "The signature uses canonicalisation with comments, which is not supported",
    },
    fix: Text {
        vi: "Dùng dạng chuẩn hoá C14N 1.0 không kèm chú thích, rồi ký lại và gửi lại.",
        en: "Use C14N 1.0 without comments, then sign and send again.",
    },
    clause: "Canonical XML 1.0",
};

pub static NOT_ENVELOPED: Kind = Kind {
    code: "LT-TRU-0117",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Reference của chữ ký số thiếu phép biến đổi enveloped-signature",
        en: "The Reference of the signature lacks the transform enveloped-signature",
    },
    fix: Text {
        vi: "Thêm enveloped-signature làm phép biến đổi đầu tiên, rồi ký lại và gửi lại.",
        en: "Add enveloped-signature as the first transform, then sign and send again.",
    },
    clause: "XML-DSig 6.6.4",
};

pub static EXTRA_REFERENCE: Kind = Kind {
    code: "LT-TRU-0118",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số có nhiều hơn một Reference", en: "The signature has more than one Reference"
    },
    fix: Text {
        vi: "Chỉ dùng một Reference với URI=\"\" (toàn bộ gói tin, kể cả tệp đính kèm), rồi ký lại.",
        en: "Use one Reference with URI=\"\" (the whole packet, attachments included), then sign again.",
    },
    clause: "",
};

pub static REFERENCE_BY_ID: Kind = Kind {
    code: "LT-TRU-0119",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số chỉ phủ một phần tử theo Id, không phủ toàn bộ gói tin",
        en: "The signature covers one element by its Id, not the whole packet",
    },
    fix: Text {
        vi: "Dùng Reference với URI=\"\", rồi ký lại và gửi lại.",
        en: "Use a Reference with URI=\"\", then sign and send again.",
    },
    clause: "XML-DSig 4.4.3.3",
};

pub static REFERENCE_EXTERNAL: Kind = Kind {
    code: "LT-TRU-0120",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số trỏ tới dữ liệu nằm ngoài gói tin hoặc không ghi URI",
        en: "The signature points at data outside the packet, or has no URI",
    },
    fix: Text {
        vi: "Dùng Reference với URI=\"\", rồi ký lại và gửi lại.",
        en: "Use a Reference with URI=\"\", then sign and send again.",
    },
    clause: "XML-DSig 4.4.3.2",
};

pub static UNEXPECTED_CONTENT: Kind = Kind {
    code: "LT-TRU-0121",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Phần tử Signature thiếu thành phần hoặc chứa thành phần không được phép",
        en: "The Signature element lacks a part or contains one that is not allowed",
    },
    fix: Text {
        vi: "Signature chỉ gồm SignedInfo, SignatureValue và KeyInfo/X509Data; sửa phần mềm ký, ký lại và gửi lại.",
        en: "Signature consists of SignedInfo, SignatureValue and KeyInfo/X509Data only; mend the signing software and sign again.",
    },
    clause: "XML-DSig 4",
};

pub static NO_CERTIFICATE: Kind = Kind {
    code: "LT-TRU-0122",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số không kèm chứng thư số của người ký",
        en: "The signature comes without the signer's certificate",
    },
    fix: Text {
        vi: "Ghi chứng thư số của người ký vào KeyInfo/X509Data/X509Certificate, rồi gửi lại.",
        en: "Put the signer's certificate into KeyInfo/X509Data/X509Certificate, then send again.",
    },
    clause: "XML-DSig 4.5.4",
};

pub static KEY_VALUE_ONLY: Kind = Kind {
    code: "LT-TRU-0123",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số chỉ kèm khoá công khai (KeyValue), không kèm chứng thư số",
        en: "The signature comes with a bare public key (KeyValue), not with a certificate",
    },
    fix: Text {
        vi: "Ghi chứng thư số của người ký vào KeyInfo/X509Data/X509Certificate, rồi gửi lại.",
        en: "Put the signer's certificate into KeyInfo/X509Data/X509Certificate, then send again.",
    },
    clause: "XML-DSig 4.5.2",
};

pub static KEY_ELSEWHERE: Kind = Kind {
    code: "LT-TRU-0124",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Chữ ký số yêu cầu tải khoá từ nơi khác (RetrievalMethod), là điều không được phép",
        en: "The signature wants its key fetched from elsewhere (RetrievalMethod), which is not allowed",
    },
    fix: Text {
        vi: "Ghi chứng thư số của người ký vào KeyInfo/X509Data/X509Certificate, rồi gửi lại.",
        en: "Put the signer's certificate into KeyInfo/X509Data/X509Certificate, then send again.",
    },
    clause: "XML-DSig 4.5.3",
};

pub static BAD_CERTIFICATE: Kind = Kind {
    code: "LT-TRU-0125",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Không đọc được chứng thư số kèm theo chữ ký",
        en: "The certificate in the signature cannot be read",
    },
    fix: Text {
        vi: "Xuất lại chứng thư số dạng DER mã hoá base64 vào X509Certificate, rồi gửi lại.",
        en: "Write the certificate anew as base64 of its DER form into X509Certificate, then send again.",
    },
    clause: "RFC 5280",
};

pub static KEY_MISMATCH: Kind = Kind {
    code: "LT-TRU-0126",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Thuật toán ký không hợp với loại khoá của chứng thư số",
        en: "The signature algorithm does not fit the key of the certificate",
    },
    fix: Text {
        vi: "Chọn thuật toán ký đúng với chứng thư số (RSA hoặc ECDSA), rồi ký lại và gửi lại.",
        en: "Choose the signature algorithm that fits the certificate (RSA or ECDSA), then sign and send again.",
    },
    clause: "",
};

pub static UNSUPPORTED_KEY: Kind = Kind {
    code: "LT-TRU-0127",
    severity: Severity::Warning,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Loại khoá của chứng thư số không được hỗ trợ",
        en: "The kind of key in the certificate is not supported",
    },
    fix: Text {
        vi: "Dùng chứng thư số có khoá RSA từ 2048 bit hoặc ECDSA P-256, P-384, rồi ký lại.",
        en: "Use a certificate with an RSA key of 2048 bits or more, or ECDSA P-256 or P-384, then sign again.",
    },
    clause: "TT 15/2025/TT-BKHCN, PL I",
};

pub static BAD_BASE64: Kind = Kind {
    code: "LT-TRU-0128",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Giá trị trong chữ ký số không phải là base64 hợp lệ",
        en: "A value in the signature is not valid base64",
    },
    fix: Text {
        vi: "Ghi DigestValue, SignatureValue và X509Certificate bằng base64 chuẩn, rồi gửi lại.",
        en: "Write DigestValue, SignatureValue and X509Certificate in standard base64, then send again.",
    },
    clause: "RFC 4648, 4",
};

pub static TOO_LARGE: Kind = Kind {
    code: "LT-TRU-0129",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Gói tin vượt giới hạn cấu trúc XML nên không kiểm tra chữ ký số",
        en: "The packet exceeds a limit on XML structure, so its signature is not checked",
    },
    fix: Text {
        vi: "Giảm số phần tử, độ lồng nhau, thuộc tính hoặc khai báo không gian tên; chia gói tin nếu có quá nhiều nơi nhận.",
        en: "Use fewer elements, less nesting, fewer attributes or namespace declarations; split a packet with too many recipients.",
    },
    clause: "",
};

pub static BAD_BODY: Kind = Kind {
    code: "LT-TRU-0130",
    severity: Severity::Refuse,
    blame: Blame::Sender,
    vxp: 22,
    title: Text {
        vi: "Nội dung tệp đính kèm không phải là văn bản base64 nên không kiểm tra được chữ ký số",
        en: "The content of an attachment is not base64 text, so the signature cannot be checked",
    },
    fix: Text {
        vi: "Mã hoá base64 tệp đính kèm rồi ký lại và gửi lại.",
        en: "Encode the attachment in base64, then sign and send again.",
    },
    clause: "RFC 4648, 4",
};

pub static ABSENT: Kind = Kind {
    code: "LT-TRU-0131",
    severity: Severity::Note,
    blame: Blame::Sender,
    vxp: 0,
    title: Text { vi: "Gói tin không có chữ ký số XML", en: "The packet has no XML signature" },
    fix: Text {
        vi: "Không phải làm gì, trừ khi bên nhận yêu cầu gói tin phải được ký.",
        en: "Nothing to do, unless the receiver demands signed packets.",
    },
    clause: "",
};

pub static DUMMY: Kind = Kind {
    code: "LT-TRU-0132",
    severity: Severity::Note,
    blame: Blame::Sender,
    vxp: 0,
    title: Text {
        vi: "Gói tin chưa được ký ở mức gói: phần tử Signature chỉ là mẫu điền sẵn",
        en: "The packet is not signed at packet level: its Signature element is only a placeholder",
    },
    fix: Text {
        vi: "Nên bỏ phần tử Signature mẫu, hoặc ký thật bằng chứng thư số của cơ quan.",
        en: "Leave out the placeholder, or sign with the certificate of the agency.",
    },
    clause: "",
};

/// Every kind of this table, in the order of the codes.
pub static ALL: &[&Kind] = &[
    &WRONG_DIGEST,
    &WRONG_SIGNATURE_VALUE,
    &SEVERAL_SIGNATURES,
    &WRONG_PLACE,
    &MALFORMED,
    &DOCTYPE,
    &COMMENT_IN_TEXT,
    &NOT_NAMESPACE_WELL_FORMED,
    &WEAK_HASH,
    &WEAK_KEY,
    &HMAC,
    &UNKNOWN_ALGORITHM,
    &UNKNOWN_TRANSFORM,
    &WRONG_TRANSFORM_URI,
    &ACTIVE_TRANSFORM,
    &COMMENTS_KEPT,
    &NOT_ENVELOPED,
    &EXTRA_REFERENCE,
    &REFERENCE_BY_ID,
    &REFERENCE_EXTERNAL,
    &UNEXPECTED_CONTENT,
    &NO_CERTIFICATE,
    &KEY_VALUE_ONLY,
    &KEY_ELSEWHERE,
    &BAD_CERTIFICATE,
    &KEY_MISMATCH,
    &UNSUPPORTED_KEY,
    &BAD_BASE64,
    &TOO_LARGE,
    &BAD_BODY,
    &ABSENT,
    &DUMMY,
];
