//! What a clerk calls the fields of a packet: Vietnamese names beside the element names of QCVN 102:2016, and how like
//! one another two element names are.
//!
//! Pure tables; nothing here is looked at while a packet passes without fault.

/// Names by the end of the path; of several that fit, the longest counts.
const NAMES: &[(&str, &str)] = &[
    ("edXML", "gói tin edXML"),
    ("edXMLEnvelope", "phần bao của gói tin"),
    ("edXMLHeader", "phần đầu của gói tin"),
    ("MessageHeader", "phần thông tin chung"),
    ("Status", "phần thông tin trạng thái"),
    ("From", "nơi gửi"),
    ("From/OrganId", "mã định danh của nơi gửi"),
    ("From/OrganName", "tên cơ quan gửi"),
    ("To", "nơi nhận"),
    ("To/OrganId", "mã định danh của nơi nhận"),
    ("To/OrganName", "tên cơ quan nhận"),
    ("OrganId", "mã định danh của cơ quan"),
    ("OrganizationInCharge", "cơ quan chủ quản"),
    ("OrganName", "tên cơ quan"),
    ("OrganAdd", "địa chỉ cơ quan"),
    ("Email", "địa chỉ thư điện tử"),
    ("Telephone", "số điện thoại"),
    ("Fax", "số fax"),
    ("Website", "trang thông tin điện tử"),
    ("DocumentId", "mã định danh văn bản"),
    ("Code", "số và ký hiệu văn bản"),
    ("Code/CodeNumber", "số văn bản"),
    ("Code/CodeNotation", "ký hiệu văn bản"),
    ("PromulgationInfo", "thông tin ban hành"),
    ("PromulgationInfo/Place", "nơi ban hành"),
    ("PromulgationDate", "ngày ban hành"),
    ("DocumentType", "loại văn bản"),
    ("DocumentType/Type", "nhóm loại văn bản"),
    ("DocumentType/TypeDetail", "số thứ tự loại văn bản trong nhóm"),
    ("DocumentType/TypeName", "tên loại văn bản"),
    ("Subject", "trích yếu"),
    ("Content", "nội dung tóm tắt"),
    ("SignerInfo", "thông tin người ký"),
    ("SignerInfo/Competence", "quyền hạn ký"),
    ("SignerInfo/Position", "chức vụ người ký"),
    ("SignerInfo/FullName", "họ và tên người ký"),
    ("DueDate", "hạn xử lý"),
    ("ToPlaces", "danh sách nơi nhận in trên văn bản"),
    ("ToPlaces/Place", "nơi nhận in trên văn bản"),
    ("OtherInfo", "thông tin khác"),
    ("OtherInfo/Priority", "mức độ khẩn"),
    ("OtherInfo/SphereOfPromulgation", "phạm vi lưu hành"),
    ("OtherInfo/TyperNotation", "ký hiệu người soạn thảo"),
    ("OtherInfo/PromulgationAmount", "số lượng bản phát hành"),
    ("OtherInfo/PageAmount", "số trang"),
    ("Appendixes", "danh sách phụ lục"),
    ("Appendix", "phụ lục"),
    ("ResponseFor", "văn bản được phản hồi"),
    ("ResponseFor/OrganId", "mã định danh cơ quan của văn bản được phản hồi"),
    ("ResponseFor/Code", "số, ký hiệu của văn bản được phản hồi"),
    ("ResponseFor/DocumentId", "mã định danh của văn bản được phản hồi"),
    ("ResponseFor/PromulgationDate", "ngày ban hành của văn bản được phản hồi"),
    ("SteeringType", "loại chỉ đạo"),
    ("ApplicationType", "loại ứng dụng"),
    ("ResponseForTask", "nhiệm vụ được phản hồi"),
    ("TaskCode", "mã nhiệm vụ"),
    ("TraceHeaderList", "vết gửi nhận"),
    ("TraceHeader", "chặng gửi nhận"),
    ("TraceHeader/OrganId", "mã định danh của chặng gửi nhận"),
    ("TraceHeader/Timestamp", "thời điểm qua chặng"),
    ("Timestamp", "thời điểm"),
    ("Bussiness", "thông tin nghiệp vụ"),
    ("Bussiness/DocumentId", "mã định danh của văn bản được cập nhật"),
    ("BussinessDocType", "loại nghiệp vụ"),
    ("BussinessDocReason", "lý do thu hồi, cập nhật hoặc thay thế"),
    ("Paper", "có gửi bản giấy hay không"),
    ("BussinessDocumentInfo", "thông tin cập nhật"),
    ("DocumentInfo", "có thay đổi nội dung hay không"),
    ("DocumentReceiver", "có thay đổi nơi nhận hay không"),
    ("ReceiverList", "danh sách nơi nhận thay đổi"),
    ("Receiver", "nơi nhận thay đổi"),
    ("Receiver/OrganId", "mã định danh của nơi nhận thay đổi"),
    ("ReceiverType", "thêm hay bỏ nơi nhận"),
    ("ReplacementInfoList", "danh sách văn bản bị thay thế"),
    ("ReplacementInfo", "văn bản bị thay thế"),
    ("ReplacementInfo/DocumentId", "mã định danh của văn bản bị thay thế"),
    ("OrganIdList", "danh sách mã định danh cơ quan"),
    ("StaffInfo", "cán bộ xử lý"),
    ("StaffInfo/Department", "phòng, ban của cán bộ xử lý"),
    ("StaffInfo/Staff", "họ và tên cán bộ xử lý"),
    ("StaffInfo/Mobile", "số điện thoại cán bộ xử lý"),
    ("Signature", "chữ ký số của gói tin"),
    ("ErrorList", "danh sách lỗi"),
    ("ErrorList/Error", "mục lỗi"),
    ("Error/Code", "mã lỗi"),
    ("edXMLBody", "phần thân của gói tin"),
    ("edXMLManifest", "danh mục tệp đính kèm"),
    ("Reference", "mục tệp trong danh mục"),
    ("AttachmentEncoded", "phần chứa tệp đính kèm"),
    ("Attachment", "tệp đính kèm"),
    ("ContentId", "mã tệp đính kèm"),
    ("AttachmentName", "tên tệp đính kèm"),
    ("ContentType", "kiểu của tệp đính kèm"),
    ("ContentTransferEncoded", "nội dung tệp đính kèm"),
    ("Attachment/Description", "mô tả tệp đính kèm"),
    ("Reference/Description", "mô tả tệp đính kèm"),
    ("StatusCode", "mã trạng thái"),
    ("MessageHeader/Description", "ý kiến hoặc lý do"),
    ("MessageHeader/Timestamp", "thời điểm báo trạng thái"),
];

/// The Vietnamese name of the field at the end of a path such as `MessageHeader/PromulgationInfo/Place`.
#[must_use]
pub fn field_name(path: &str) -> Option<&'static str> {
    let fits = |end: &str| path.strip_suffix(end).is_some_and(|front| front.is_empty() || front.ends_with('/'));
    NAMES.iter().filter(|(end, _)| fits(end)).max_by_key(|(end, _)| end.len()).map(|(_, name)| *name)
}

/// How a person is told of a field: `nơi ban hành (Place)`, or the element alone where it has no name of its own.
#[must_use]
pub fn named(path: &str) -> String {
    let element = last(path);
    match field_name(path) {
        Some(name) => format!("{name} ({element})"),
        None => format!("<{element}>"),
    }
}

/// The last step of a path.
#[must_use]
pub fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Longest names that are compared; the longest of the standard has 22 letters.
const MAX_COMPARED: usize = 40;

/// Whether one name is likely a slip for the other: the same but for capitals, or two letters apart.
#[must_use]
pub fn resembles(one: &str, other: &str) -> bool {
    if one.eq_ignore_ascii_case(other) {
        return true;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let shorter = one.len().min(other.len());
    // In a short name two letters are half of it.
    let most = if shorter < 6 { 1 } else { 2 };
    shorter > 2 && one.len().max(other.len()) <= MAX_COMPARED && distance(&one, &other) <= most
}

/// Letters to put in, leave out or exchange until both are the same.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, a) in one.iter().enumerate() {
        let mut next = vec![above + 1];
        for ((b, corner), up) in other.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((corner + usize::from(a != b)).min(left + 1).min(up + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_end_of_a_path_names_the_field() {
        assert_eq!(named("MessageHeader/PromulgationInfo/Place"), "nơi ban hành (Place)");
        assert_eq!(named("MessageHeader/ToPlaces/Place"), "nơi nhận in trên văn bản (Place)");
        assert_eq!(named("MessageHeader/Mode"), "<Mode>", "no name ends in the middle of an element's");
        assert_eq!(field_name("Subject"), Some("trích yếu"));
        let mut ends: Vec<&str> = NAMES.iter().map(|(end, _)| *end).collect();
        ends.sort_unstable();
        ends.dedup();
        assert_eq!(ends.len(), NAMES.len(), "an end stands twice");
    }

    #[test]
    fn a_slip_of_the_pen_is_told_from_another_name() {
        for (one, other) in
            [("Subjct", "Subject"), ("subject", "Subject"), ("PromulgationDte", "PromulgationDate"), ("Form", "From")]
        {
            assert_eq!(resembles(one, other), one != "Form", "{one} {other}");
        }
        for (one, other) in [("Secrecy", "Subject"), ("To", "Fax"), ("Type", "Place"), ("Staff", "Status")] {
            assert!(!resembles(one, other), "{one} {other}");
        }
        assert!(!resembles(&"a".repeat(100), &"a".repeat(101)));
    }
}
