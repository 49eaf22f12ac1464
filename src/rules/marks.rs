//! Telling a secrecy mark (MẬT, TỐI MẬT, TUYỆT MẬT) from the same syllables in ordinary text.
//!
//! Vietnamese is written syllable by syllable, so the letters of a mark also stand in *mật độ*, *bảo mật* or *mật
//! ong*. A value is cut into segments at brackets, colons, spaced dashes and the like; a mark is a segment of its own,
//! or carries the capitals, the brackets, the label (*Độ mật:*) or the noun (*văn bản mật*) that marks come with.
//!
//! Where a text can be read either way in capitals, it counts as a mark: a document held up by mistake is told to its
//! sender, a state secret let through is not undone. Marks are recognised for honest clerks; somebody who disguises
//! one on purpose is not stopped by reading.

use unicode_normalization::UnicodeNormalization;

/// Syllables that make an ordinary word when *mật* follows them.
const ORDINARY_BEFORE: &[&str] = &[
    "bảo",
    "bí",
    "cơ",
    "thân",
    "cẩn",
    "nghiêm",
    "trăng",
    "tuần",
    "túi",
    "ống",
    "sỏi",
    "gan",
    "dịch",
    "rỉ",
    "đường",
    "lấy",
    "hút",
    "lọc",
    "nếm",
    "ẩn",
    "thị",
    "mía",
    "ong",
    "nấu",
    "chảy",
    "chiết",
    "độ",
    "tắc",
];

/// Syllables that make an ordinary word when they follow *mật*.
const ORDINARY_AFTER: &[&str] = &[
    "độ",
    "khẩu",
    "mã",
    "ong",
    "thiết",
    "vụ",
    "thám",
    "báo",
    "nghị",
    "ước",
    "hoa",
    "mía",
    "gấu",
    "hiệu",
    "danh",
    "tông",
    "giáo",
    "tịch",
    "ngọt",
    "phục",
    "chú",
    "đường",
    "tập",
    "sơn",
    "cật",
    "nhân",
    "mật",
];

/// What a mark is put on. A segment that is nothing but one of these and *mật* is a mark.
const BEARERS: &[&str] = &[
    "văn bản",
    "công văn",
    "tài liệu",
    "quyết định",
    "nghị quyết",
    "chỉ thị",
    "báo cáo",
    "kế hoạch",
    "thông báo",
    "tờ trình",
    "công điện",
    "điện",
    "hồ sơ",
    "đề án",
    "phương án",
    "biên bản",
    "hướng dẫn",
    "bản",
    "loại",
    "độ",
    "mức độ",
    "mức",
    "cấp",
    "cấp độ",
    "chế độ",
    "dấu",
    "đóng dấu",
    "khẩn",
    "thượng khẩn",
    "hoả tốc",
    "hỏa tốc",
];

/// Lists of what is secret are public documents and name all degrees in one sentence.
const PUBLIC_LISTS: &[&str] = &["danh mục bí mật nhà nước", "danh mục bmnn"];

/// Fewest letters written one by one that are read as one word.
const FEWEST_SPACED_LETTERS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// All capitals, two letters or more.
    Upper,
    /// A capital first.
    Title,
    Lower,
}

/// A syllable.
#[derive(Debug, Clone)]
struct Word {
    /// NFC, lower case.
    text: String,
    case: Case,
}

/// Syllables between two separators.
#[derive(Debug, Default)]
struct Segment {
    words: Vec<Word>,
    before: Option<char>,
    after: Option<char>,
}

/// Whether a text carries a secrecy mark.
#[must_use]
pub fn carries_mark(text: &str) -> bool {
    if !may_carry_mark(text) {
        return false;
    }
    let text = clean(text);
    let lower = text.to_lowercase();
    let public_list = PUBLIC_LISTS.iter().any(|list| lower.contains(list));
    let segments = segments(&text);
    let alone = segments.iter().filter(|segment| !segment.words.is_empty()).count() == 1;
    let mut labelled = false;
    for (at, segment) in segments.iter().enumerate() {
        if segment.words.is_empty() {
            continue;
        }
        let more_follows = segments.iter().skip(at + 1).any(|next| !next.words.is_empty());
        if is_label(segment) && (more_follows || segment.after.is_some()) {
            labelled = true;
            continue;
        }
        let place = Place { set_off: alone || labelled || in_brackets(segment), public_list };
        if (0..segment.words.len()).any(|at| is_mark(&segment.words, at, place)) {
            return true;
        }
        labelled = false;
    }
    false
}

/// Most texts have no m, a and t in a row at all, whatever stands between the letters and upon them: in no normal form
/// does the a of *mật* or *mat* begin with another letter than these.
fn may_carry_mark(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).filter_map(|c| c.to_lowercase().next());
    let mut seen = 0;
    for letter in letters {
        seen = match (seen, letter) {
            (_, 'm') => 1,
            (1, 'a' | 'â' | 'ạ' | 'ậ') => 2,
            (2, 't') => return true,
            _ => 0,
        };
    }
    false
}

/// The same for the name of a file: its extension is no part of what it says.
#[must_use]
pub fn name_carries_mark(name: &str) -> bool {
    let is_extension = |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let stem = name.trim().rsplit_once('.').filter(|(_, extension)| is_extension(extension));
    carries_mark(stem.map_or(name, |(stem, _)| stem))
}

/// NFC, without characters that show nothing, every white space and underscore a blank, no blank twice.
fn clean(text: &str) -> String {
    let shown = text.nfc().filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'));
    let mut out = String::with_capacity(text.len());
    for c in shown {
        match c {
            '\n' | '\r' => out.push('\n'),
            c if c.is_whitespace() || c == '_' => {
                if !out.ends_with([' ', '\n']) {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// Cuts at separators. A hyphen or full stop between letters is none: `TỐI-MẬT`, `M.Ậ.T`.
fn segments(text: &str) -> Vec<Segment> {
    let chars: Vec<char> = text.chars().collect();
    let mut segments = vec![Segment::default()];
    let mut word = String::new();
    for (at, c) in chars.iter().copied().enumerate() {
        let previous = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let next = chars.get(at + 1).copied();
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        let joins = |side: Option<char>| side.is_some_and(char::is_alphanumeric);
        let separates = match c {
            ' ' => false,
            '-' => !(joins(previous) && joins(next)),
            '.' => !joins(next),
            _ => true,
        };
        if let Some(segment) = segments.last_mut() {
            end_word(&mut word, segment);
            if separates {
                segment.after = Some(c);
                segments.push(Segment { before: Some(c), ..Segment::default() });
            }
        }
    }
    if let Some(segment) = segments.last_mut() {
        end_word(&mut word, segment);
    }
    for segment in &mut segments {
        segment.words = join_spaced(std::mem::take(&mut segment.words));
    }
    segments
}

fn end_word(word: &mut String, segment: &mut Segment) {
    if !word.is_empty() {
        push(&std::mem::take(word), &mut segment.words);
    }
}

/// Adds a written word; a mark written without its blank becomes two syllables.
fn push(written: &str, words: &mut Vec<Word>) {
    let text = written.to_lowercase();
    let case = case_of(written);
    let halves = match text.as_str() {
        "tốimật" => Some(("tối", "mật")),
        "tuyệtmật" => Some(("tuyệt", "mật")),
        "toimat" => Some(("toi", "mat")),
        "tuyetmat" => Some(("tuyet", "mat")),
        _ => None,
    };
    match halves {
        Some((first, second)) => {
            words.extend([first, second].map(|half| Word { text: half.to_owned(), case }));
        }
        None => words.push(Word { text, case }),
    }
}

fn case_of(written: &str) -> Case {
    let mut cased = written.chars().filter(|c| c.is_alphabetic()).peekable();
    let first_is_capital = cased.peek().is_some_and(|c| c.is_uppercase());
    let (letters, capitals) =
        cased.fold((0, 0), |(all, capitals), c| (all + 1, capitals + usize::from(c.is_uppercase())));
    match (first_is_capital, letters > 1 && letters == capitals) {
        (_, true) => Case::Upper,
        (true, false) => Case::Title,
        (false, false) => Case::Lower,
    }
}

/// Reads letters written one by one, `T Ố I  M Ậ T`, as the words they spell.
fn join_spaced(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let mut run: Vec<Word> = Vec::new();
    let flush = |run: &mut Vec<Word>, out: &mut Vec<Word>| {
        if run.len() < FEWEST_SPACED_LETTERS {
            out.append(run);
            return;
        }
        let capital = run.iter().all(|letter| letter.case != Case::Lower);
        let spelt: String = run.drain(..).map(|letter| letter.text).collect();
        // The last syllable decides; whatever is spelt before it stands as one word.
        for (ending, head) in [("tuyệtmật", "tuyệt"), ("tốimật", "tối"), ("mật", "")] {
            if let Some(rest) = spelt.strip_suffix(ending) {
                let rest = bearer_or_ordinary(rest);
                let syllables = [rest.as_str(), head, "mật"].map(str::to_owned);
                let case = if capital { Case::Upper } else { Case::Lower };
                out.extend(syllables.into_iter().filter(|text| !text.is_empty()).map(|text| Word { text, case }));
                return;
            }
        }
        out.push(Word { text: spelt, case: if capital { Case::Upper } else { Case::Lower } });
    };
    for word in words {
        if word.text.chars().count() == 1 && word.text.chars().all(char::is_alphabetic) {
            run.push(word);
        } else {
            flush(&mut run, &mut out);
            out.push(word);
        }
    }
    flush(&mut run, &mut out);
    out
}

/// The last syllable of letters spelt before *mật*, where it makes an ordinary word of it; else all of them.
fn bearer_or_ordinary(spelt: &str) -> String {
    let ordinary = ORDINARY_BEFORE.iter().find(|syllable| spelt.ends_with(**syllable));
    ordinary.map_or(spelt, |syllable| syllable).to_owned()
}

/// What is known of a segment's place in its value.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The whole value, in brackets, or after a label.
    set_off: bool,
    public_list: bool,
}

/// Whether the syllable at this place is the *mật* of a mark.
fn is_mark(words: &[Word], at: usize, place: Place) -> bool {
    let Some(word) = words.get(at) else { return false };
    // Without diacritics only capitals are told apart from mặt, mắt, mất.
    let plain = word.text == "mat" && word.case == Case::Upper;
    if word.text != "mật" && !plain {
        return false;
    }
    let back = |steps: usize| at.checked_sub(steps).and_then(|at| words.get(at));
    let previous = back(1).map_or("", |word| word.text.as_str());
    let next = words.get(at + 1).map_or("", |word| word.text.as_str());
    let degree = match previous {
        "tối" | "tuyệt" => !plain,
        "toi" | "tuyet" => plain && back(1).is_some_and(|word| word.case == Case::Upper),
        _ => false,
    };
    let from = if degree { at - 1 } else { at };
    let exact = words.len() == at - from + 1;
    if exact && place.set_off {
        return true;
    }
    if place.public_list || ORDINARY_AFTER.contains(&next) {
        return false;
    }
    if degree {
        // CHUNG TOI MAT…: chúng tôi mất.
        return !(plain && back(2).is_some_and(|word| word.text == "chung"));
    }
    if exact && word.case != Case::Lower || is_borne(words, at) {
        return true;
    }
    let personal = previous == "văn" && back(2).is_none_or(|word| word.text != "công");
    !plain && word.case == Case::Upper && !personal && !ORDINARY_BEFORE.contains(&previous)
}

/// The segment is a bearer and *mật*, nothing else.
fn is_borne(words: &[Word], at: usize) -> bool {
    let Some((_, before)) = words.split_last().filter(|_| at + 1 == words.len()) else { return false };
    let before = before.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let plain = words.get(at).is_some_and(|word| word.text == "mat");
    BEARERS.iter().any(|bearer| if plain { crate::directory::fold(bearer) == before } else { *bearer == before })
}

/// *Độ mật*, *mức độ bảo mật*, as the name of a field whose content follows.
fn is_label(segment: &Segment) -> bool {
    let texts: Vec<&str> = segment.words.iter().map(|word| word.text.as_str()).collect();
    matches!(segment.after, Some(':' | '=' | '-' | '–'))
        && matches!(
            texts.as_slice(),
            [.., "độ", "mật"] | [.., "độ", "bảo", "mật"] | [.., "do", "mat"] | [.., "do", "bao", "mat"]
        )
}

fn in_brackets(segment: &Segment) -> bool {
    matches!(
        (segment.before, segment.after),
        (Some('('), Some(')'))
            | (Some('['), Some(']'))
            | (Some('{'), Some('}'))
            | (Some('<'), Some('>'))
            | (Some('«'), Some('»'))
            | (Some('“'), Some('”'))
            | (Some('"'), Some('"'))
            | (Some('*'), Some('*'))
            | (Some('#'), Some('#'))
            | (Some('/'), Some('/'))
            | (Some('|'), Some('|'))
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mark_set_off_by_brackets_is_found_whatever_stands_around_it(
            before in "[a-zA-ZăâđêôơưẬỆ ,.:/()0-9-]{0,40}",
            after in "[a-zA-ZăâđêôơưẬỆ ,.:/()0-9-]{0,40}",
            mark in prop::sample::select(vec!["MẬT", "mật", "Tối mật", "TUYỆT  MẬT", "M Ậ T", "TUYET MAT"]),
            decomposed in prop::bool::ANY,
        ) {
            let text = format!("{before} ({mark}) {after}");
            let text = if decomposed { text.nfd().collect() } else { text };
            prop_assert!(carries_mark(&text), "{text}");
        }

        #[test]
        fn a_text_that_is_passed_over_has_no_such_letters(text in "([mMaAtT ._-]|[âậạẬÂẠ]|\\PC){0,30}", decomposed: bool) {
            let text: String = if decomposed { text.nfd().collect() } else { text };
            let lower = clean(&text).to_lowercase();
            let letters: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
            prop_assert!(may_carry_mark(&text) || !(letters.contains("mật") || letters.contains("mat")), "{:?}", text);
        }

        #[test]
        fn no_text_stops_the_recogniser(text in ".{0,60}", tail in "([mMtT .]|ậ|Ậ|tối|mật|MAT|_|-){0,30}") {
            let _ = (carries_mark(&format!("{text}{tail}")), name_carries_mark(&tail));
        }
    }

    #[test]
    fn a_mark_is_recognised_however_it_is_written() {
        for text in [
            "MẬT",
            "Mật",
            "mật",
            " mật. ",
            "TỐI MẬT",
            "Tối mật",
            "tối mật",
            "TUYỆT MẬT",
            "tuyệt  mật",
            "TỐI\u{a0}MẬT",
            "TUYỆT\u{200b} MẬT",
            "Tối_Mật",
            "TỐI-MẬT",
            "TỐIMẬT",
            "M Ậ T",
            "M.Ậ.T",
            "T Ố I  M Ậ T",
            "T U Y Ệ T M Ậ T",
            "V Ă N B Ả N M Ậ T",
            "MA\u{302}\u{323}T",
            "TO\u{302}\u{301}I MA\u{323}\u{302}T",
            "TUYET MAT",
            "TOI MAT",
            "(MAT)",
            "Độ mật: Mật",
            "Độ mật: mật",
            "ĐỘ MẬT: TỐI MẬT",
            "Mức độ bảo mật: Tuyệt mật",
            "Độ mật - mật",
            "(Mật) Báo cáo tình hình quý III",
            "[mật] Báo cáo tình hình quý III",
            "Báo cáo tình hình quý III (MẬT)",
            "Báo cáo tình hình quý III - Mật",
            "MẬT - Báo cáo tình hình quý III",
            "Mật: Báo cáo tình hình quý III",
            "Báo cáo tình hình quý III (tối mật)",
            "VĂN BẢN MẬT",
            "Văn bản mật",
            "Công văn mật",
            "Quyết định mật",
            "Hoả tốc mật",
            "Công văn MẬT về bố trí lực lượng",
            "BÁO CÁO MẬT VỀ TÌNH HÌNH BIÊN GIỚI",
            "Hồ sơ tuyệt mật về bố trí lực lượng",
            "Khẩn, Mật",
            "Danh mục bí mật nhà nước (TUYỆT MẬT)",
        ] {
            assert!(carries_mark(text), "{text}");
        }
    }

    #[test]
    fn a_mark_is_recognised_in_the_name_of_a_file() {
        for name in ["QĐ 12_MẬT.pdf", "12-QĐ-TUYỆT MẬT.pdf", "TUYET_MAT.pdf", "Mật.docx", "mật", "bao cao (MAT).PDF"]
        {
            assert!(name_carries_mark(name), "{name}");
        }
        for name in ["GIAI_PHONG_MAT_BANG.pdf", "mat bang.pdf", "Quy che bao mat.docx", "Quy chế bảo mật.docx", ""]
        {
            assert!(!name_carries_mark(name), "{name}");
        }
    }

    #[test]
    fn the_same_letters_in_ordinary_words_are_no_mark() {
        for text in [
            "",
            "Công văn",
            "Quy hoạch mật độ xây dựng",
            "MẬT ĐỘ DÂN SỐ",
            "Mật độ giao thông năm 2026",
            "Quy chế bảo mật thông tin",
            "QUY CHẾ BẢO MẬT",
            "BẢO MẬT",
            "B Ả O M Ậ T",
            "V/v tăng cường bảo mật",
            "Mật ong rừng U Minh",
            "Sản xuất đường, mật, rượu",
            "Đổi mật khẩu thư công vụ",
            "MẬT KHẨU",
            "Đặt lại mật khẩu (Mật khẩu mới)",
            "Bảo vệ bí mật kinh doanh trong hợp đồng",
            "BẢO VỆ BÍ MẬT NHÀ NƯỚC",
            "Bí mật",
            "Luật Bảo vệ bí mật nhà nước số 117/2025/QH15",
            "Kinh doanh sản phẩm mật mã dân sự",
            "SẢN PHẨM MẬT MÃ DÂN SỰ",
            "Quan hệ mật thiết giữa hai đơn vị",
            "Không khí thân mật",
            "Phẫu thuật sỏi mật",
            "Viêm túi mật cấp",
            "Tuần trăng mật",
            "Thủ tục cẩn mật",
            "Cảnh sát mật vụ",
            "Quản lý tài liệu mật trong cơ quan",
            "Độ mật: Không",
            "Độ mật: Thường",
            "Mức độ bảo mật: bình thường",
            "GIAI PHONG MAT BANG",
            "GIAI_PHONG_MAT_BANG.pdf",
            "mat bang.pdf",
            "toi mat the.pdf",
            "CHUNG TOI MAT GIAY TO",
            "Bổ nhiệm ông Nguyễn Văn Mật",
            "BỔ NHIỆM ÔNG NGUYỄN VĂN MẬT",
            "bà Trần Thị Mật",
            "Xã Mật Sơn",
            "Danh mục bí mật nhà nước độ Tuyệt mật, Tối mật lĩnh vực y tế",
            "Ban Cơ yếu: mật mã và chứng thư số",
            "Tomato, format, mathematics",
            "Mặt bằng, mắt, mất điện",
            "phương án A, B, C",
        ] {
            assert!(!carries_mark(text), "{text}");
        }
    }
}
