//! Violations told to the people who must mend them, in Vietnamese and English.
//!
//! Severity is that of a packet that must satisfy the schema. A caller that only advises (the strict profile on a
//! packet already accepted) lowers it.

use lienthong_contract::finding::{Blame, Finding, Kind, Severity, Text};

use crate::catalogue::{Entry, PacketKind};
use crate::error::Error;
use crate::telling::specify;
use crate::values::{DATE_FORM, NUMBER_FORM, STAMP_FORM};
use crate::violation::{Violation, ViolationKind};

macro_rules! kinds {
    ($($name:ident $code:literal $title_vi:literal / $title_en:literal ; $fix_vi:literal / $fix_en:literal)*) => {
        $(pub static $name: Kind = Kind {
            code: $code,
            severity: Severity::Refuse,
            blame: Blame::Sender,
            vxp: 22,
            title: Text { vi: $title_vi, en: $title_en },
            fix: Text { vi: $fix_vi, en: $fix_en },
            clause: REGULATION,
        };)*
        /// Every kind of this room, in the order of the codes.
        pub static ALL: &[&Kind] = &[$(&$name),*];
    };
}

/// The regulation behind every schema here.
const REGULATION: &str = "QCVN 102:2016/BTTTT";

kinds! {
    WRONG_ROOT "LT-XSD-0001"
        "Phần tử gốc không phải là edXML của quy chuẩn" / "The outermost element is not the edXML of the standard" ;
        "Kết xuất gói tin theo QCVN 102:2016/BTTTT, phần tử gốc <edXML> với không gian tên http://www.mic.gov.vn/TBT/QCVN_102_2016." /
        "Export the packet as QCVN 102:2016/BTTTT has it, beginning with <edXML> in the namespace http://www.mic.gov.vn/TBT/QCVN_102_2016."
    MISSING "LT-XSD-0002"
        "Thiếu phần tử bắt buộc" / "A required element is missing" ;
        "Bổ sung phần tử nêu ở mục \"cần\" vào phần tử đã chỉ ra." /
        "Add the element named under \"expected\" to the element shown."
    UNEXPECTED "LT-XSD-0003"
        "Phần tử không có trong quy chuẩn tại vị trí này" / "The standard provides for no such element here" ;
        "Bỏ phần tử này hoặc đổi sang một trong các tên được phép; chú ý chữ hoa, chữ thường." /
        "Remove the element or use one of the names allowed; mind capital and small letters."
    WRONG_ORDER "LT-XSD-0004"
        "Phần tử đứng sai thứ tự" / "An element stands in the wrong order" ;
        "Xếp các phần tử con theo đúng thứ tự nêu ở mục \"cần\"." /
        "Put the child elements into the order given under \"expected\"."
    TOO_MANY "LT-XSD-0005"
        "Phần tử xuất hiện nhiều lần hơn mức cho phép" / "An element stands oftener than allowed" ;
        "Chỉ giữ lại số lần được phép; nếu có nhiều giá trị, giữ giá trị đúng và bỏ các phần tử thừa." /
        "Keep as many as are allowed: keep the right value and remove the others."
    STRAY_TEXT "LT-XSD-0006"
        "Có chữ nằm giữa các phần tử, nơi không được ghi nội dung" / "Text stands where only elements may stand" ;
        "Xoá đoạn chữ này hoặc chuyển vào đúng phần tử của nó." /
        "Delete this text or move it into the element it belongs to."
    TOO_LONG "LT-XSD-0007"
        "Nội dung dài hơn mức cho phép" / "The content is longer than allowed" ;
        "Rút gọn nội dung cho không quá số ký tự nêu ở mục \"cần\"; phần chi tiết để trong tệp đính kèm." /
        "Shorten it to the number of characters given under \"expected\"; leave details to the attachment."
    EMPTY "LT-XSD-0008"
        "Phần tử bắt buộc bị để trống hoặc quá ngắn" / "A required element is empty or too short" ;
        "Nhập nội dung cho phần tử này trước khi gửi." / "Fill in this element before sending."
    BAD_DATE "LT-XSD-0009"
        "Ngày tháng không đúng dạng năm/tháng/ngày" / "A date is not of the form year/month/day" ;
        "Ghi năm trước, rồi tháng, rồi ngày: ngày 2 tháng 3 năm 2026 là 2026/03/02, không phải 02/03/2026." /
        "Write the year first, then month and day: 2 March 2026 is 2026/03/02, not 02/03/2026."
    BAD_TIME "LT-XSD-0010"
        "Thời điểm không đúng dạng năm/tháng/ngày giờ:phút:giây" / "A time is not of the form year/month/day hour:minute:second" ;
        "Ghi thời điểm theo dạng yyyy/MM/dd HH:mm:ss, giờ Việt Nam, ví dụ 2026/03/02 08:30:00." /
        "Write the time as yyyy/MM/dd HH:mm:ss in Vietnamese time, for example 2026/03/02 08:30:00."
    BAD_NUMBER "LT-XSD-0011"
        "Trường số chứa nội dung không phải là số" / "A numeric field holds something that is no number" ;
        "Chỉ ghi chữ số, không ghi kèm chữ, dấu chấm hay lời giải thích." /
        "Write digits only, without letters, points or explanations."
    OUT_OF_RANGE "LT-XSD-0012"
        "Giá trị số nằm ngoài khoảng cho phép" / "A number is outside its range" ;
        "Chọn một giá trị trong khoảng nêu ở mục \"cần\"." / "Choose a value within the range given under \"expected\"."
    NOT_LISTED "LT-XSD-0013"
        "Giá trị không có trong danh mục của quy chuẩn" / "The value is not one the standard lists" ;
        "Chọn một trong các giá trị nêu ở mục \"cần\", giữ nguyên số 0 ở đầu." /
        "Choose one of the values given under \"expected\", with its leading zero."
    BAD_FORM "LT-XSD-0014"
        "Nội dung không đúng dạng quy định" / "The content is not of the prescribed form" ;
        "Sửa nội dung theo dạng nêu ở mục \"cần\"." / "Write it in the form given under \"expected\"."
    BAD_VALUE "LT-XSD-0015"
        "Nội dung không đúng kiểu dữ liệu" / "The content is not of its data type" ;
        "Sửa nội dung theo kiểu dữ liệu nêu ở mục \"cần\"." / "Write a value of the type given under \"expected\"."
    BAD_ATTRIBUTE "LT-XSD-0016"
        "Thuộc tính thiếu, thừa hoặc sai giá trị" / "An attribute is missing, unknown or has a wrong value" ;
        "Ghi đúng các thuộc tính của quy chuẩn, ví dụ edXMLManifest phải có version=\"1.0\"." /
        "Write the attributes of the standard, for example version=\"1.0\" on edXMLManifest."
    UNDECLARED_PREFIX "LT-XSD-0017"
        "Tiền tố không gian tên chưa được khai báo" / "A namespace prefix is not declared" ;
        "Khai báo tiền tố trên phần tử dùng nó, ví dụ xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"." /
        "Declare the prefix on the element that uses it, for example xmlns:edXML=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\"."
    OTHER "LT-XSD-0018"
        "Gói tin không đúng lược đồ của quy chuẩn" / "The packet does not follow the schema of the standard" ;
        "Kết xuất lại gói tin bằng phần mềm đã công bố hợp quy; nếu vẫn lỗi, chuyển thông báo này cho đơn vị cung cấp phần mềm." /
        "Export the packet again with software declared conformant; if it fails again, hand this message to its vendor."
    NOT_WELL_FORMED "LT-XSD-0019"
        "Gói tin không đúng cú pháp XML" / "The packet is not well-formed XML" ;
        "Sửa lỗi cú pháp tại dòng và cột đã nêu; ký tự &, < trong nội dung phải được viết thành &amp;, &lt;." /
        "Mend the syntax at the place named; write &, < in text as &amp;, &lt;."
    DOCTYPE "LT-XSD-0020"
        "Gói tin chứa khai báo DOCTYPE" / "The packet holds a DOCTYPE declaration" ;
        "Bỏ khai báo DOCTYPE và mọi khai báo thực thể." / "Remove the DOCTYPE and every entity declaration."
    TOO_LARGE "LT-XSD-0021"
        "Phần mô tả của gói tin vượt quá giới hạn" / "The descriptive part of the packet breaks a limit" ;
        "Kết xuất gói tin theo đúng cấu trúc của quy chuẩn; chuyển nội dung dài vào tệp đính kèm." /
        "Export the packet in the structure of the standard; move long content into an attachment."
}

/// The violation as a finding, with the clause of the regulation that rules its element.
#[must_use]
pub fn to_finding(violation: &Violation, entry: &Entry) -> Finding {
    let missing = (violation.rule == ViolationKind::MissingElement).then_some(violation.expected.as_deref()).flatten();
    let element = match missing {
        Some(name) => format!("{}/{name}", short_path(&violation.element_path)),
        None => short_path(&violation.element_path).to_owned(),
    };
    let kind = kind_of(violation);
    let mut finding = Finding::of(kind).at(violation.line, violation.column);
    finding.clause = Some(clause(&element, entry));
    if let Some(found) = &violation.found {
        finding = finding.found(found);
    }
    if let Some(expected) = &violation.expected {
        finding = finding.expected(expected.as_str());
    }
    specify(&mut finding, kind, violation, &element);
    finding.element(element)
}

/// The finding for an error that is the sender's; `None` for one that is not.
#[must_use]
pub fn error_to_finding(error: &Error) -> Option<Finding> {
    match error {
        Error::NotWellFormed { line, column, message, .. } => {
            Some(Finding::of(&NOT_WELL_FORMED).at(*line, *column).found(message))
        }
        Error::Doctype { line, column, .. } => Some(Finding::of(&DOCTYPE).at(*line, *column)),
        Error::Limit { what, max, line, column, .. } => {
            Some(Finding::of(&TOO_LARGE).at(*line, *column).expected(format!("≤ {max} {what}")))
        }
        _ => None,
    }
}

fn kind_of(violation: &Violation) -> &'static Kind {
    let expected = violation.expected.as_deref().unwrap_or_default();
    match violation.rule {
        ViolationKind::WrongRoot => &WRONG_ROOT,
        ViolationKind::MissingElement => &MISSING,
        ViolationKind::UnexpectedElement => &UNEXPECTED,
        ViolationKind::TooMany => &TOO_MANY,
        ViolationKind::WrongOrder => &WRONG_ORDER,
        ViolationKind::UnexpectedText => &STRAY_TEXT,
        ViolationKind::TooLong => &TOO_LONG,
        ViolationKind::TooShort => &EMPTY,
        ViolationKind::Pattern | ViolationKind::BadValue => match expected {
            DATE_FORM => &BAD_DATE,
            STAMP_FORM => &BAD_TIME,
            NUMBER_FORM | "0..999" | "xs:int" | "xs:unsignedShort" | "xs:integer" => &BAD_NUMBER,
            _ if violation.rule == ViolationKind::Pattern => &BAD_FORM,
            _ => &BAD_VALUE,
        },
        ViolationKind::NotListed => &NOT_LISTED,
        ViolationKind::OutOfRange => &OUT_OF_RANGE,
        ViolationKind::BadAttribute => &BAD_ATTRIBUTE,
        ViolationKind::UndeclaredPrefix => &UNDECLARED_PREFIX,
        ViolationKind::Other => &OTHER,
    }
}

/// Leaves out the wrappers every packet has: `MessageHeader/Subject` is what people call it.
fn short_path(path: &str) -> &str {
    let mut rest = path;
    for wrapper in ["edXML/", "edXMLEnvelope/", "edXMLHeader/", "edXMLBody/"] {
        rest = rest.strip_prefix(wrapper).unwrap_or(rest);
    }
    rest
}

/// Field numbers of QCVN 102:2016/BTTTT by the path of the element; the longest prefix counts.
const FIELDS: &[(&str, &str)] = &[
    ("MessageHeader/From", "1.1"),
    ("MessageHeader/To", "1.2"),
    ("MessageHeader/Code", "1.3"),
    ("MessageHeader/PromulgationInfo", "1.4"),
    ("MessageHeader/DocumentType", "1.5"),
    ("MessageHeader/Subject", "1.6"),
    ("MessageHeader/Content", "1.7"),
    ("MessageHeader/SignerInfo", "1.8"),
    ("MessageHeader/DueDate", "1.9"),
    ("MessageHeader/ToPlaces", "1.10"),
    ("MessageHeader/OtherInfo", "1.11"),
    ("MessageHeader/OtherInfo/Priority", "1.11.1"),
    ("MessageHeader/OtherInfo/SphereOfPromulgation", "1.11.2"),
    ("MessageHeader/OtherInfo/TyperNotation", "1.11.3"),
    ("MessageHeader/OtherInfo/PromulgationAmount", "1.11.4"),
    ("MessageHeader/OtherInfo/PageAmount", "1.11.5"),
    ("MessageHeader/OtherInfo/Appendixes", "1.11.6"),
    ("MessageHeader/ResponseFor", "1.12"),
    ("MessageHeader/SteeringType", "1.13"),
    ("MessageHeader/DocumentId", "1.14"),
    ("TraceHeaderList/TraceHeader", "2.1"),
    ("TraceHeaderList/Bussiness", "2.2"),
    ("TraceHeaderList/Bussiness/DocumentId", "2.2.1"),
    ("TraceHeaderList/Bussiness/BussinessDocType", "2.2.2"),
    ("TraceHeaderList/Bussiness/BussinessDocReason", "2.2.3"),
    ("TraceHeaderList/Bussiness/BussinessDocumentInfo", "2.2.4"),
    ("TraceHeaderList/Bussiness/StaffInfo", "2.2.5"),
    ("TraceHeaderList/Bussiness/Paper", "2.2.6"),
    ("TraceHeaderList/Bussiness/ReplacementInfoList", "2.2.7"),
];

/// The clause for an element, and the amendment that changed it where it did. The header of a status packet has fields
/// of the same names and no numbers that are known.
fn clause(element: &str, entry: &Entry) -> String {
    let covers = |field: &&(&str, &str)| {
        element.strip_prefix(field.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let number = FIELDS.iter().filter(covers).max_by_key(|field| field.0.len()).map(|field| field.1);
    let mut clause = match number.filter(|_| entry.kind == PacketKind::Document) {
        Some(number) => format!("{REGULATION}, {number}"),
        None => REGULATION.to_owned(),
    };
    if entry.version == "2022" && element.ends_with("OrganId") {
        clause.push_str("; Sửa đổi 1:2022 QCVN 102:2016/BTTTT");
    }
    clause
}
