//! A packet with its mechanical faults mended: what it says stays what it was, how it says it becomes what the
//! regulation prints.
//!
//! ```text
//!  split skeleton ─► tree ─► repair (order, names, prefixes, dates, blanks) ─► what follows from the rest ─► emit
//! ```
//!
//! Mended are: the order and the prefixes of elements, names spelt as English spells them, dates and codes written in
//! another form that can mean one thing only, empty elements, letters with combining marks, breaks inside base64, and
//! what is missing but follows from the packet itself. Never guessed at: what a field should have said. Elements that
//! nobody knows are kept. Invariants: attachments are carried byte for byte; every change is told; a signature that no
//! longer fits is left out and that is told, because whoever signed must sign again. Pure but for reading the bodies.
//!
//! [`mod@reform`] is the part of it that mends nothing: the same packet in the official order and prefixes.

mod emit;
mod order;
pub mod reform;
mod repair;
#[cfg(test)]
mod tests;
mod tree;

use std::io::{self, Read, Seek, Write};

use lienthong_contract::{Kind, Text};
use serde::Serialize;

pub use reform::{Reformed, reform};

use crate::edxml::Split;

/// One thing that was mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mend {
    /// The code of the finding that this answers.
    pub code: &'static str,
    pub line: u32,
    pub column: u32,
    /// Path of the element, as in findings.
    pub element: String,
    pub was: Option<String>,
    pub now: Option<String>,
    pub done_vi: &'static str,
    pub done_en: &'static str,
}

/// Mends of one packet that are told; the rest are made all the same.
const MAX_TOLD: usize = 200;
/// Longest text of the packet that is repeated.
const MAX_QUOTED: usize = 120;

/// A mended packet, not yet written.
#[derive(Debug)]
pub struct Mended {
    root: tree::Node,
    pub mends: Vec<Mend>,
    /// It bore an XML signature, which no longer fits: it must be signed again.
    pub sign_again: bool,
}

/// Mends what can be mended; none when there is nothing of that kind, or the packet is none that is understood.
#[must_use]
pub fn mend(split: &Split) -> Option<Mended> {
    let mut root = tree::read(&split.skeleton)?;
    let mut log = Log::default();
    repair::repair(&mut root, split, &mut log);
    // The same XML in other words is no reason to break a signature.
    let signed = root.find(&["edXMLEnvelope", "edXMLHeader"]).is_some_and(|header| header.holds_signature());
    let worth = log.mends.iter().any(|mend| !signed || mend.done_en != PREFIX.en);
    if !worth {
        return None;
    }
    if signed {
        repair::remove_signature(&mut root, &mut log);
    }
    Some(Mended { root, mends: log.mends, sign_again: signed })
}

impl Mended {
    /// Writes the packet; the contents of its attachments are read from the one that was split.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub fn write<R: Read + Seek>(&self, source: &mut R, split: &Split, out: impl Write) -> io::Result<()> {
        emit::packet(&self.root, out, |cut, out| emit::body(source, split, cut, out))
    }
}

/// Gathers what is done.
#[derive(Debug, Default)]
struct Log {
    mends: Vec<Mend>,
}

/// Where something is mended.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    path: &'a str,
    line: u32,
    column: u32,
}

impl Log {
    fn add(&mut self, kind: &'static Kind, done: &Text, place: Place<'_>, (was, now): (Option<&str>, Option<&str>)) {
        if self.mends.len() >= MAX_TOLD {
            return;
        }
        let quoted = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_QUOTED).collect();
        self.mends.push(Mend {
            code: kind.code,
            line: place.line,
            column: place.column,
            element: place.path.to_owned(),
            was: was.map(quoted),
            now: now.map(quoted),
            done_vi: done.vi,
            done_en: done.en,
        });
    }
}

const PREFIX: Text = Text {
    vi: "Viết lại tiền tố edXML: như bộ công cụ chính thức",
    en: "The prefix edXML: is written as the official library writes it",
};
const ORDER: Text = Text {
    vi: "Xếp lại các phần tử theo thứ tự của quy chuẩn",
    en: "The elements are put into the order of the standard",
};
const NAME: Text =
    Text { vi: "Đổi sang tên phần tử của quy chuẩn", en: "The element is named as the standard names it" };
const EMPTY: Text = Text { vi: "Bỏ phần tử rỗng", en: "The empty element is left out" };
const ATTRIBUTE: Text = Text {
    vi: "Bỏ thuộc tính không thuộc quy chuẩn",
    en: "An attribute that the standard does not know is left out",
};
const SPACE: Text =
    Text { vi: "Bỏ khoảng trắng thừa ở hai đầu", en: "White space at the ends is left out" };
const COMPOSED: Text = Text { vi: "Viết bằng Unicode dựng sẵn (NFC)", en: "Written in composed letters (NFC)" };
const DATE: Text =
    Text { vi: "Viết ngày theo dạng năm/tháng/ngày", en: "The date is written as year/month/day" };
const TIME: Text = Text {
    vi: "Viết thời điểm theo dạng năm/tháng/ngày giờ:phút:giây, giờ Việt Nam",
    en: "The time is written as year/month/day hour:minute:second, Vietnam's time",
};
const STATUS: Text =
    Text { vi: "Viết mã trạng thái bằng hai chữ số", en: "The status code is written with two digits" };
const CONTENT_ID: Text =
    Text { vi: "Viết ContentId với đúng một tiền tố cid:", en: "ContentId is written with one cid:" };
const BREAKS: Text = Text {
    vi: "Viết nội dung base64 trên một dòng; nội dung tệp không đổi",
    en: "The base64 is written on one line; the file itself is unchanged",
};
const MADE: Text = Text {
    vi: "Bổ sung giá trị suy ra được từ chính gói tin",
    en: "A value that follows from the packet itself is put in",
};
const MOVED: Text = Text {
    vi: "Chuyển phần tệp đính kèm ra sau phần bao của gói tin",
    en: "The attachments are put behind the envelope",
};
const START: Text = Text {
    vi: "Bỏ ký tự đứng trước khai báo XML",
    en: "What stands before the XML declaration is left out",
};
const DUMMY: Text = Text {
    vi: "Bỏ chữ ký mẫu chép từ bộ công cụ",
    en: "The example signature copied from a toolkit is left out",
};
const UNSIGNED: Text = Text {
    vi: "Chữ ký không còn khớp sau khi sửa nên đã bỏ ra: PHẢI KÝ LẠI gói tin này trước khi gửi",
    en: "The signature no longer fits and is left out: the packet MUST BE SIGNED AGAIN before it is sent",
};
