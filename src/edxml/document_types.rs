//! The official list of document types (Amendment 1:2022 of QCVN 102:2016). Practice ignores its numbers, so a type
//! is found by its name, whatever the letter case and the marks, and the numbers are kept as the sender wrote them.

use unicode_normalization::UnicodeNormalization;

/// One type of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct OfficialType {
    /// 1 legal normative documents, 2 administrative documents.
    pub group: i32,
    pub detail: i32,
    pub name: &'static str,
}

const NORMATIVE: &[&str] = &[
    "Hiến pháp",
    "Luật",
    "Pháp lệnh",
    "Lệnh",
    "Nghị quyết",
    "Nghị quyết liên tịch",
    "Nghị định",
    "Quyết định",
    "Thông tư",
    "Thông tư liên tịch",
    "Chỉ thị (UBND)",
    "Bộ luật",
    "VBQPPL của chính quyền đơn vị hành chính – kinh tế đặc biệt",
];

const ADMINISTRATIVE: &[&str] = &[
    "Nghị quyết (cá biệt)",
    "Quyết định (cá biệt)",
    "Chỉ thị",
    "Quy chế",
    "Quy định",
    "Thông cáo",
    "Thông báo",
    "Hướng dẫn",
    "Chương trình",
    "Kế hoạch",
    "Phương án",
    "Đề án",
    "Dự án",
    "Báo cáo",
    "Biên bản",
    "Tờ trình",
    "Hợp đồng",
    "Công văn",
    "Công điện",
    "Bản ghi nhớ",
    "Bản cam kết",
    "Bản thoả thuận",
    "Giấy chứng nhận",
    "Giấy uỷ quyền",
    "Giấy mời",
    "Giấy giới thiệu",
    "Giấy nghỉ phép",
    "Giấy đi đường",
    "Giấy biên nhận hồ sơ",
    "Phiếu gửi",
    "Phiếu chuyển",
    "Thư công",
];

/// The whole list, group by group.
pub fn all() -> impl Iterator<Item = OfficialType> {
    let numbered = |group, names: &'static [&'static str]| {
        names.iter().zip(1..).map(move |(name, detail)| OfficialType { group, detail, name })
    };
    numbered(1, NORMATIVE).chain(numbered(2, ADMINISTRATIVE))
}

/// The official type of this name, without regard to letter case, marks and surplus spaces. Where both groups have
/// the name, the administrative one is meant: it is by far the more frequent in the exchange.
#[must_use]
pub fn by_name(name: &str) -> Option<OfficialType> {
    let wanted = folded(name);
    let wanted = wanted.trim_end_matches("(ca biet)").trim_end();
    if wanted.is_empty() {
        return None;
    }
    all().filter(|official| folded(official.name).trim_end_matches("(ca biet)").trim_end() == wanted).last()
}

/// Lower case, without marks, single spaces.
#[must_use]
pub fn folded(text: &str) -> String {
    let lower = text.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    let plain: String = lower.flat_map(char::to_lowercase).map(|c| if c == 'đ' { 'd' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
