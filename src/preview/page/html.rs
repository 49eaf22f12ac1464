//! The words of the page, and how they are put together. Everything that a packet says is escaped.

use std::fmt::Write as _;

use hyper::header::ACCEPT_LANGUAGE;
use hyper::http::request::Parts as Head;
use lienthong_contract::{Finding, Severity, Text};
use lienthong_schemas::words::field_name;

use super::super::{Corrected, Report};

/// A sentence in both languages.
pub type Words = Text;

pub const TOO_OFTEN: Words = Text {
    vi: "Địa chỉ này đã kiểm tra quá nhiều gói trong một phút. Chờ một phút rồi gửi lại.",
    en: "This address has had too many packets checked within a minute. Wait a minute and send it again.",
};
pub const BUSY: Words = Text {
    vi: "Đang kiểm tra nhiều gói khác. Thử lại sau ít phút.",
    en: "Other packets are being checked just now. Try again in a few minutes.",
};
pub const TOO_LARGE: Words = Text {
    vi: "Gói tin lớn hơn mức trang này kiểm tra. Dùng lệnh lienthong check trên máy của mình.",
    en: "The packet is larger than this page checks. Use the command lienthong check on your own machine.",
};
pub const BROKEN_OFF: Words =
    Text { vi: "Gói tin chưa tới đủ. Gửi lại.", en: "The packet did not arrive whole. Send it again." };
pub const NO_PACKET: Words = Text {
    vi: "Không có gói tin trong yêu cầu. Chọn tệp edXML, hoặc gửi gói làm toàn bộ thân yêu cầu.",
    en: "There is no packet in the request. Choose an edXML file, or send the packet as the whole body.",
};
pub const NOTHING_TO_MEND: Words = Text {
    vi: "Gói này không có lỗi hình thức nào sửa tự động được. Các lỗi khác phải sửa tại phần mềm lập gói.",
    en: "This packet has no mechanical fault to mend. Other faults are for the software that makes packets.",
};
pub const METHOD: Words = Text { vi: "Trang này chỉ nhận GET và POST.", en: "This page takes GET and POST." };
pub const NO_PAGE: Words = Text { vi: "Không có trang này.", en: "There is no such page." };
pub const DEFECT: Words = Text {
    vi: "Trang kiểm tra đang gặp sự cố. Thử lại sau; không có gì của gói tin được giữ lại.",
    en: "The check cannot be made just now. Try again later; nothing of the packet was kept.",
};

const TITLE: Words = Text { vi: "Kiểm tra gói tin edXML", en: "Check an edXML packet" };
const CHOOSE: Words = Text { vi: "Tệp gói tin (.edxml)", en: "Packet file (.edxml)" };
const CHECK: Words = Text { vi: "Kiểm tra", en: "Check" };
const DOWNLOAD: Words = Text { vi: "Tải gói đã sửa", en: "Download it corrected" };
const ACCEPTED: Words = Text {
    vi: "TIẾP NHẬN: chưa thấy lỗi nào khiến gói bị từ chối",
    en: "ACCEPT: no fault that would have it refused",
};
const REFUSED: Words = Text {
    vi: "TỪ CHỐI: bên nhận sẽ không nhận gói này",
    en: "REFUSE: a receiver would not take this packet",
};
const FOUND: Words = Text { vi: "Nhận xét", en: "Findings" };
const NO_FINDINGS: Words = Text { vi: "Không có nhận xét nào.", en: "There are none." };
const MENDS: Words = Text { vi: "Sửa tự động được", en: "What can be mended by itself" };
const SAVE: Words = Text { vi: "Tải gói đã sửa về máy", en: "Save the corrected packet" };
const SAVE_AGAIN: Words = Text {
    vi: "Chọn lại tệp ở trên rồi bấm “Tải gói đã sửa”: trang này không giữ gói tin nào.",
    en: "Choose the file above again and press “Download it corrected”: this page keeps no packet.",
};
const SIGN_AGAIN: Words = Text {
    vi: "Gói đã ký: chữ ký không còn khớp sau khi sửa nên đã bỏ ra, PHẢI KÝ LẠI trước khi gửi.",
    en: "The packet was signed: the signature no longer fits and is left out, it MUST BE SIGNED AGAIN before it is sent.",
};
const STILL: Words = Text {
    vi: "Gói đã sửa vẫn còn lỗi khiến nó bị từ chối.",
    en: "The corrected packet would still be refused.",
};
const NOW_FINE: Words = Text {
    vi: "Gói đã sửa không còn lỗi nào khiến nó bị từ chối.",
    en: "The corrected packet would be taken.",
};

/// Which of the two the reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Vi,
    En,
}

impl Language {
    /// `?lang=` before the browser's wish; Vietnamese unless English is asked for.
    pub fn of(head: &Head) -> Self {
        let asked = head.uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("lang="));
        let wish = head.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let english = match asked {
            Some(asked) => asked == "en",
            None => {
                let place = |language: &str| wish.to_ascii_lowercase().find(language).unwrap_or(usize::MAX);
                place("en") < place("vi")
            }
        };
        if english { Self::En } else { Self::Vi }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }

    const fn of_words<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    const fn say(self, words: &Words) -> &'static str {
        self.of_words(words.vi, words.en)
    }
}

/// Text as HTML carries it, in content and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// The page before anything was checked.
pub fn form(language: Language, megabytes: u64) -> String {
    framed(language, language.say(&TITLE), &upload(language, megabytes))
}

/// Why there is no judgement.
pub fn refusal(language: Language, words: &Words) -> String {
    let back = language.of_words("Quay lại", "Back");
    let code = language.code();
    let main = format!(
        "<p class=\"verdict refuse\" role=\"alert\">{}</p><p><a href=\"/check?lang={code}\">{back}</a></p>",
        escaped(language.say(words))
    );
    framed(language, language.say(&TITLE), &main)
}

/// The judgement.
pub fn answer(
    language: Language,
    report: &Report,
    better: Option<&Corrected>,
    carried: Option<&str>,
    megabytes: u64,
) -> String {
    let (class, verdict) = if report.accepted() { ("accept", &ACCEPTED) } else { ("refuse", &REFUSED) };
    let mut main = format!("<p class=\"verdict {class}\" role=\"status\">{}</p>", language.say(verdict));
    let _ = write!(main, "<h2>{} ({})</h2>", language.say(&FOUND), report.findings.len());
    findings(&mut main, language, &report.findings);
    if let Some(better) = better {
        mends(&mut main, language, better, carried);
    }
    main.push_str(&upload(language, megabytes));
    let title = format!("{}: {}", language.of_words("Kết quả", "Result"), language.say(verdict));
    framed(language, &title, &main)
}

fn findings(main: &mut String, language: Language, all: &[Finding]) {
    if all.is_empty() {
        let _ = write!(main, "<p>{}</p>", language.say(&NO_FINDINGS));
        return;
    }
    let mut ordered: Vec<&Finding> = all.iter().collect();
    ordered.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    main.push_str("<ol>");
    for finding in ordered {
        let (class, word) = match finding.severity {
            Severity::Refuse => ("refusal", language.of_words("Từ chối", "Refused")),
            Severity::Warning => ("warning", language.of_words("Cảnh báo", "Warning")),
            Severity::Note => ("note-item", language.of_words("Ghi chú", "Note")),
        };
        let title = language.of_words(&finding.title_vi, &finding.title_en);
        let _ = write!(main, "<li class=\"{class}\"><p>{word}: {}</p>", escaped(title));
        let element = finding.element.as_deref();
        let place = (finding.line.map(|line| (line, finding.column.unwrap_or(1))), element);
        let _ = write!(
            main,
            "<p class=\"where\"><span class=\"code\">{}</span>{}</p>",
            escaped(&finding.code),
            self::place(language, place)
        );
        said(main, language.of_words("nhận được", "found"), finding.found.as_deref());
        said(main, language.of_words("cần", "expected"), finding.expected.as_deref());
        let fix = language.of_words(&finding.fix_vi, &finding.fix_en);
        let _ = write!(main, "<p>→ {}</p>", escaped(fix));
        if let Some(clause) = &finding.clause {
            let _ =
                write!(main, "<p class=\"note\">{}: {}</p>", language.of_words("căn cứ", "clause"), escaped(clause));
        }
        main.push_str("</li>");
    }
    main.push_str("</ol>");
}

fn place(language: Language, (at, element): (Option<(u32, u32)>, Option<&str>)) -> String {
    let mut text = String::new();
    if let Some((line, column)) = at {
        let _ = match language {
            Language::Vi => write!(text, " · dòng {line}, cột {column}"),
            Language::En => write!(text, " · line {line}, column {column}"),
        };
    }
    if let Some(element) = element {
        let _ = write!(text, " · <span class=\"code\">{}</span>", escaped(element));
        if let (Language::Vi, Some(name)) = (language, field_name(element)) {
            let _ = write!(text, " ({})", escaped(name));
        }
    }
    text
}

fn said(main: &mut String, word: &str, text: Option<&str>) {
    if let Some(text) = text {
        let shown = if text.is_empty() { "∅" } else { text };
        let _ = write!(main, "<p>{word}: <span class=\"said\">{}</span></p>", escaped(shown));
    }
}

fn mends(main: &mut String, language: Language, better: &Corrected, carried: Option<&str>) {
    let _ = write!(main, "<h2>{} ({})</h2><ol>", language.say(&MENDS), better.mends.len());
    for mend in &better.mends {
        let done = language.of_words(mend.done_vi, mend.done_en);
        let place = place(language, (Some((mend.line, mend.column)), Some(&mend.element)));
        let _ = write!(
            main,
            "<li><p>{}</p><p class=\"where\"><span class=\"code\">{}</span>{place}</p>",
            escaped(done),
            mend.code
        );
        if mend.was.is_some() || mend.now.is_some() {
            let shown = |text: &Option<String>| escaped(text.as_deref().unwrap_or("∅"));
            let (was, now) = (shown(&mend.was), shown(&mend.now));
            let _ = write!(main, "<p><span class=\"said\">{was}</span> → <span class=\"said\">{now}</span></p>");
        }
        main.push_str("</li>");
    }
    main.push_str("</ol>");
    if better.sign_again {
        let _ = write!(main, "<p><strong>{}</strong></p>", language.say(&SIGN_AGAIN));
    }
    let _ = write!(main, "<p>{}</p>", language.say(if better.verdict == "accept" { &NOW_FINE } else { &STILL }));
    let _ = match carried {
        Some(base64) => write!(
            main,
            "<p><a download=\"corrected.edxml\" href=\"data:application/xml;base64,{base64}\">{}</a></p>",
            language.say(&SAVE)
        ),
        None => write!(main, "<p class=\"note\">{}</p>", language.say(&SAVE_AGAIN)),
    };
}

fn upload(language: Language, megabytes: u64) -> String {
    let code = language.code();
    let (choose, check, download) = (language.say(&CHOOSE), language.say(&CHECK), language.say(&DOWNLOAD));
    let promise = match language {
        Language::Vi => format!(
            "Trang này nói gói tin sẽ được trả lời thế nào nếu gửi đi: lỗi ở dòng nào, vì sao, sửa ra sao. Không gửi gì tới cơ quan nào, \
             không giữ lại gì của gói. Lớn nhất {megabytes} MB. Không đưa lên văn bản thuộc bí mật nhà nước."
        ),
        Language::En => format!(
            "This page says what would be answered if the packet were sent: which line is at fault, why, how to mend it. Nothing is sent to any \
             agency, and nothing of the packet is kept. {megabytes} MB at most. Never upload state secrets."
        ),
    };
    format!(
        "<form method=\"post\" action=\"/check?lang={code}\" enctype=\"multipart/form-data\">\
         <label for=\"packet\">{choose}</label>\
         <input id=\"packet\" name=\"packet\" type=\"file\" accept=\".edxml,.xml,application/xml\" required>\
         <button type=\"submit\">{check}</button>\
         <button class=\"second\" type=\"submit\" formaction=\"/check/corrected?lang={code}\">{download}</button>\
         </form><p class=\"note\">{promise}</p>"
    )
}

fn framed(language: Language, title: &str, main: &str) -> String {
    let (code, heading) = (language.code(), language.say(&TITLE));
    let (other, name) = match language {
        Language::Vi => ("en", "English"),
        Language::En => ("vi", "Tiếng Việt"),
    };
    format!(
        "<!DOCTYPE html><html lang=\"{code}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/check/style.css\"></head><body>\
         <header><h1>{heading}</h1><a href=\"/check?lang={other}\" lang=\"{other}\">{name}</a></header>\
         <main>{main}</main></body></html>\n"
    )
}
