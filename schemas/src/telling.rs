//! A violation in the words of its field: what the clerk calls it, what may stand there, what to change.
//!
//! The table of kinds speaks of any field; here the one at hand is named. Nothing of the sender's text is repeated but
//! names of elements and attributes, since a packet with a secrecy mark must not be quoted ([`Finding::found`] is
//! blanked there, titles are not).

use lienthong_contract::finding::{Finding, Kind};

use crate::values::{CONTENT_ID_FORM, DATE_FORM, EMAIL_FORM, NUMBER_FORM, STAMP_FORM};
use crate::violation::{Violation, ViolationKind};
use crate::words::{field_name, last, named};

/// What the values of a field mean, where it has a list of its own: by the end of the path.
const VALUES: &[(&str, &str)] = &[
    ("Priority", "0 thường, 1 khẩn, 2 thượng khẩn, 3 hoả tốc, 4 hoả tốc hẹn giờ"),
    ("BussinessDocType", "0 văn bản mới, 1 thu hồi, 2 cập nhật, 3 thay thế"),
    ("ReceiverType", "0 bỏ nơi nhận, 1 thêm nơi nhận"),
    ("DocumentInfo", "0 không thay đổi, 1 có thay đổi"),
    ("DocumentReceiver", "0 không thay đổi, 1 có thay đổi"),
    ("Paper", "0 không gửi bản giấy, 1 có gửi bản giấy"),
    (
        "StatusCode",
        "01 đã đến, 02 từ chối, 03 đã tiếp nhận, 04 phân công, 05 đang xử lý, 06 hoàn thành, 13 yêu cầu lấy lại, \
         15 đồng ý trả lại, 16 không đồng ý trả lại",
    ),
];

/// Names the field in the finding's title, says the expectation in words, and what to change where the table can only
/// speak in general.
pub(crate) fn specify(finding: &mut Finding, kind: &Kind, violation: &Violation, element: &str) {
    // Of the whole packet there is nothing more particular to say.
    if matches!(violation.rule, ViolationKind::WrongRoot | ViolationKind::Other) {
        return;
    }
    finding.title_vi = format!("{}: {}", kind.title.vi, subject(violation, element));
    finding.title_en = format!("{}: {}", kind.title.en, subject_en(violation, element));
    if let Some(expected) = expectation(violation, element) {
        finding.expected = Some(expected);
    }
    if let Some((vi, en)) = mending(violation, element) {
        (finding.fix_vi, finding.fix_en) = (vi, en);
    }
}

fn subject(violation: &Violation, element: &str) -> String {
    let field = named(element);
    match (violation.rule, &violation.before) {
        (ViolationKind::WrongOrder, Some(before)) => format!("{field} phải đứng trước {}", sibling(element, before)),
        (ViolationKind::UnexpectedElement, _) => format!("<{}>", last(element)),
        (ViolationKind::UnexpectedText, _) => format!("trong {field}"),
        (ViolationKind::BadAttribute, _) => format!("{} của {field}", attribute(violation)),
        (ViolationKind::UndeclaredPrefix, _) => violation.found.as_deref().unwrap_or_default().to_owned(),
        _ => field,
    }
}

fn subject_en(violation: &Violation, element: &str) -> String {
    let field = last(element);
    match (violation.rule, &violation.before) {
        (ViolationKind::WrongOrder, Some(before)) => format!("{field} must stand before {before}"),
        (ViolationKind::UnexpectedText, _) => format!("in {field}"),
        (ViolationKind::BadAttribute, _) => format!("{} of {field}", attribute(violation)),
        (ViolationKind::UndeclaredPrefix, _) => violation.found.as_deref().unwrap_or_default().to_owned(),
        _ => field.to_owned(),
    }
}

/// Another child of the same parent, as a person is told of it.
fn sibling(element: &str, name: &str) -> String {
    match element.rsplit_once('/') {
        Some((parent, _)) => named(&format!("{parent}/{name}")),
        None => named(name),
    }
}

fn parent(element: &str) -> &str {
    element.rsplit_once('/').map_or("edXML", |(parent, _)| parent)
}

/// The name of the attribute at fault.
fn attribute(violation: &Violation) -> &str {
    let found = violation.found.as_deref().and_then(|found| found.split('=').next());
    found.or(violation.expected.as_deref()).unwrap_or_default()
}

/// The number at the end of `≤ 500`.
fn bound(violation: &Violation) -> Option<usize> {
    violation.expected.as_deref()?.rsplit(' ').next()?.parse().ok()
}

fn expectation(violation: &Violation, element: &str) -> Option<String> {
    let expected = violation.expected.as_deref()?;
    let meaning = VALUES.iter().find(|(field, _)| *field == last(element)).map(|(_, meaning)| *meaning);
    Some(match violation.rule {
        ViolationKind::TooLong => format!("tối đa {0} ký tự — at most {0} characters", bound(violation)?),
        ViolationKind::TooShort => match bound(violation)? {
            1 => "không để trống — not empty".to_owned(),
            least => format!("ít nhất {least} ký tự — at least {least} characters"),
        },
        ViolationKind::TooMany => format!("tối đa {0} lần — at most {0}×", bound(violation)?),
        ViolationKind::OutOfRange | ViolationKind::NotListed => match (meaning, expected.split_once("..")) {
            (Some(meaning), _) => meaning.to_owned(),
            (None, Some((low, high))) => format!("từ {low} đến {high} — from {low} to {high}"),
            (None, None) => expected.to_owned(),
        },
        ViolationKind::Pattern | ViolationKind::BadValue => match expected {
            DATE_FORM => "yyyy/MM/dd — năm/tháng/ngày".to_owned(),
            STAMP_FORM => "yyyy/MM/dd HH:mm:ss — năm/tháng/ngày giờ:phút:giây".to_owned(),
            "0..999" => "số từ 0 đến 999 — a number from 0 to 999".to_owned(),
            NUMBER_FORM => {
                meaning.unwrap_or("số nguyên, tối đa 9 chữ số — a whole number, at most 9 digits").to_owned()
            }
            "xs:unsignedShort" => "số nguyên từ 0 đến 65535 — a whole number from 0 to 65535".to_owned(),
            "xs:int" | "xs:integer" => meaning.unwrap_or("số nguyên — a whole number").to_owned(),
            "xs:boolean" => "true hoặc false — true or false".to_owned(),
            EMAIL_FORM => format!("một địa chỉ như {EMAIL_FORM} — an address such as {EMAIL_FORM}"),
            CONTENT_ID_FORM => "cid: và một mã riêng — cid: and a token of its own".to_owned(),
            other => other.to_owned(),
        },
        ViolationKind::UnexpectedElement => match &violation.instead {
            Some(instead) => format!("<{instead}>"),
            None => expected.to_owned(),
        },
        _ => return None,
    })
}

fn mending(violation: &Violation, element: &str) -> Option<(String, String)> {
    let (field, name) = (named(element), last(element));
    let (inside, around) = (named(parent(element)), last(parent(element)));
    Some(match violation.rule {
        ViolationKind::MissingElement => (
            format!(
                "Bổ sung <{name}> vào {inside}{}.",
                if field_name(element).is_some() { " và ghi nội dung" } else { "" }
            ),
            format!("Add <{name}> to {around} and fill it in."),
        ),
        ViolationKind::UnexpectedElement => match &violation.instead {
            Some(instead) => (
                format!(
                    "Đổi tên phần tử <{name}> thành <{instead}> ({}); phân biệt chữ hoa, chữ thường.",
                    field_name(&format!("{}/{instead}", parent(element))).unwrap_or("tên trong quy chuẩn")
                ),
                format!("Rename <{name}> to <{instead}>; mind capital and small letters."),
            ),
            // A signature that the schema has no place for is still what proves who sent it: nobody is told to remove it.
            None if name == "Signature" => (
                format!(
                    "Giữ nguyên chữ ký số. Quy chuẩn không nêu <Signature> trong {inside}; hệ thống nào từ chối vì lý do này thì \
                     hỏi đơn vị quản lý hệ thống đó."
                ),
                format!(
                    "Keep the signature. The specification has no <Signature> in {around}; ask whoever runs a system that \
                     refuses it for that."
                ),
            ),
            None => (
                format!(
                    "Bỏ <{name}> khỏi {inside}, hoặc dùng một trong các tên nêu ở mục \"cần\"; phân biệt chữ hoa, chữ thường."
                ),
                format!(
                    "Remove <{name}> from {around}, or use one of the names under \"expected\"; mind capital and small letters."
                ),
            ),
        },
        ViolationKind::WrongOrder => {
            let before = violation.before.as_deref()?;
            (
                format!(
                    "Chuyển <{name}> lên trước <{before}>; thứ tự đúng nêu ở mục \"cần\". Lỗi này do phần mềm kết xuất \
                     gói tin: gửi thông báo này cho đơn vị cung cấp phần mềm."
                ),
                format!(
                    "Move <{name}> in front of <{before}>; \"expected\" gives the whole order. The exporting software \
                     does this: hand this message to its vendor."
                ),
            )
        }
        ViolationKind::TooMany => {
            let most = bound(violation)?;
            (
                format!("Trong {inside} chỉ giữ lại {most} <{name}> có giá trị đúng, bỏ các phần tử thừa."),
                format!("Keep {most} <{name}> in {around}, the right one, and remove the others."),
            )
        }
        ViolationKind::TooLong => {
            let most = bound(violation)?;
            let have = violation.found_chars;
            let (now_vi, now_en) = match have > most {
                true => (format!(" (hiện có {have})"), format!(" ({have} now)")),
                false => (String::new(), String::new()),
            };
            (
                format!("Rút gọn {field} còn tối đa {most} ký tự{now_vi}."),
                format!("Shorten {name} to at most {most} characters{now_en}."),
            )
        }
        ViolationKind::TooShort => {
            (format!("Ghi nội dung cho {field} trước khi gửi."), format!("Fill in {name} before sending."))
        }
        ViolationKind::BadAttribute if violation.found.is_none() => {
            let attribute = attribute(violation);
            (
                format!("Bổ sung thuộc tính {attribute} cho <{name}>."),
                format!("Add the attribute {attribute} to <{name}>."),
            )
        }
        ViolationKind::BadAttribute => {
            let attribute = attribute(violation);
            (
                format!("Bỏ thuộc tính {attribute} khỏi <{name}> hoặc ghi đúng giá trị của quy chuẩn."),
                format!("Remove the attribute {attribute} from <{name}>, or give it the value of the standard."),
            )
        }
        _ => return None,
    })
}
