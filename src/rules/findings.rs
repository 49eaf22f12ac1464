//! What the rules can notice. Codes are stable: a new kind gets a new number, a number is never used again.
//!
//! 0001–0019 recipients, 0020–0029 sender, 0030–0049 document, 0050–0059 status packets, 0060–0069 state secrets,
//! 0070–0079 the schemas, and what was not judged.
//! What reading alone can tell (dates that are none, odd numbers, missing DocumentId, empty attachments) is told by
//! the reader's own table, not again here.

use lienthong_contract::{Blame, Kind, Severity, Text};

macro_rules! kinds {
    ($($name:ident $code:literal $severity:ident $vxp:literal [$clause:literal]
        $title_vi:literal / $title_en:literal ; $fix_vi:literal / $fix_en:literal)*) => {
        $(pub static $name: Kind = Kind {
            code: $code,
            severity: Severity::$severity,
            blame: Blame::Sender,
            vxp: $vxp,
            title: Text { vi: $title_vi, en: $title_en },
            fix: Text { vi: $fix_vi, en: $fix_en },
            clause: $clause,
        };)*
        /// Every kind of this room, in the order of the codes.
        pub static ALL: &[&Kind] = &[$(&$name,)* &SCHEMA_UNAVAILABLE];
    };
}

kinds! {
    RECIPIENT_UNKNOWN "LT-RUL-0001" Refuse 18 ["QĐ 20/2020/QĐ-TTg"]
        "Cơ quan nhận không có trong danh mục" / "The recipient is in no directory" ;
        "Tra lại mã định danh của nơi nhận trong danh mục cơ quan và gửi lại; nếu mã đúng, đề nghị quản trị trục liên thông cập nhật danh mục." /
        "Look the recipient's code up in the directory and send again; if the code is right, ask the gateway's administrator to update the directory."
    RECIPIENT_NOT_A_CODE "LT-RUL-0002" Refuse 18 ["QCVN 102:2016/BTTTT"]
        "Mã định danh của nơi nhận không hợp lệ" / "The recipient's code is not an agency code" ;
        "Ghi mã định danh thật của nơi nhận vào To/OrganId, ví dụ H37.02 hoặc 000.00.02.H37." /
        "Write the recipient's real code into To/OrganId, for example H37.02 or 000.00.02.H37."
    RECIPIENT_SUCCEEDED "LT-RUL-0003" Warning 0 ["QĐ 09/2025/QĐ-TTg"]
        "Mã của nơi nhận đã đóng; văn bản được chuyển đến cơ quan kế thừa" /
        "The recipient's code is closed; the document goes to its successor" ;
        "Cập nhật danh bạ: dùng mã của cơ quan kế thừa cho các lần gửi sau." /
        "Update the address book: use the successor's code from now on."
    RECIPIENT_CLOSED "LT-RUL-0004" Refuse 18 ["QĐ 09/2025/QĐ-TTg"]
        "Mã của nơi nhận đã đóng và văn bản không được tự động chuyển tiếp" /
        "The recipient's code is closed and the document is not forwarded by itself" ;
        "Gửi lại đến cơ quan kế thừa phù hợp đã nêu; nếu không nêu cơ quan nào, hỏi cơ quan cấp trên của nơi nhận." /
        "Send again to the right one of the successors named; where none is named, ask the recipient's superior agency."
    RECIPIENT_NOT_YET "LT-RUL-0005" Refuse 18 ["QĐ 20/2020/QĐ-TTg"]
        "Mã của nơi nhận chưa có hiệu lực" / "The recipient's code is not in force yet" ;
        "Gửi đến cơ quan hiện hành hoặc gửi lại từ ngày mã có hiệu lực." /
        "Send to the agency in charge today, or again from the day the code comes into force."
    RECIPIENT_LOCKED "LT-RUL-0006" Refuse 23 [""]
        "Cơ quan nhận đang bị khoá" / "The recipient is locked" ;
        "Liên hệ cơ quan nhận hoặc quản trị trục liên thông; gửi lại sau khi mở khoá, hoặc bỏ nơi nhận này." /
        "Contact the recipient or the gateway's administrator; send again once it is unlocked, or leave this recipient out."
    RECIPIENTS_MERGED "LT-RUL-0007" Note 0 ["QĐ 20/2020/QĐ-TTg"]
        "Một cơ quan được ghi bằng nhiều mã; văn bản chỉ được giao một lần" /
        "One agency is named by several codes; the document is delivered once" ;
        "Không cần làm gì; lần sau chỉ ghi một mã cho mỗi nơi nhận." /
        "Nothing to do; write one code for each recipient next time."
    TOO_MANY_RECIPIENTS "LT-RUL-0008" Refuse 22 [""]
        "Gói tin có quá nhiều nơi nhận" / "The packet has too many recipients" ;
        "Chia danh sách nơi nhận thành nhiều lần gửi." / "Divide the list of recipients over several packets."

    SENDER_UNKNOWN "LT-RUL-0020" Refuse 19 ["QĐ 20/2020/QĐ-TTg"]
        "Cơ quan gửi chưa được đăng ký" / "The sender is not registered" ;
        "Kiểm tra From/OrganId; nếu mã đúng, đề nghị quản trị trục liên thông đăng ký cơ quan." /
        "Check From/OrganId; if the code is right, ask the gateway's administrator to register the agency."
    SENDER_NOT_A_CODE "LT-RUL-0021" Refuse 19 ["QCVN 102:2016/BTTTT"]
        "Mã định danh của cơ quan gửi không hợp lệ" / "The sender's code is not an agency code" ;
        "Ghi mã định danh thật của cơ quan gửi vào From/OrganId." / "Write the sender's real code into From/OrganId."
    NOT_YOUR_AGENCY "LT-RUL-0022" Refuse 19 ["QĐ 28/2018/QĐ-TTg Điều 13"]
        "Kết nối này không được gửi thay cho cơ quan ghi trong From" /
        "This connection may not hand in for the agency named in From" ;
        "Dùng chứng thư của chính cơ quan gửi, hoặc đề nghị quản trị cấp quyền gửi thay (speaks_for)." /
        "Use the sender's own certificate, or ask the administrator for the right to speak for it (speaks_for)."
    IDENTITY_UNKNOWN "LT-RUL-0023" Refuse 19 ["QĐ 28/2018/QĐ-TTg Điều 13"]
        "Kết nối không gắn với cơ quan nào trong danh mục" / "The connection belongs to no agency of the directory" ;
        "Đề nghị quản trị trục liên thông gắn chứng thư của hệ thống với mã định danh cơ quan." /
        "Ask the gateway's administrator to bind the system's certificate to its agency code."
    SENDER_LOCKED "LT-RUL-0024" Refuse 19 [""]
        "Cơ quan gửi đang bị khoá" / "The sender is locked" ;
        "Liên hệ quản trị trục liên thông để biết lý do và mở khoá." /
        "Ask the gateway's administrator for the reason and to unlock it."
    SENDER_CLOSED "LT-RUL-0025" Refuse 19 ["QĐ 09/2025/QĐ-TTg"]
        "Mã của cơ quan gửi không có hiệu lực vào ngày này" / "The sender's code is not in force on this day" ;
        "Ghi mã đang có hiệu lực của cơ quan gửi vào From/OrganId." /
        "Write the code of the sender that is in force into From/OrganId."
    SENDER_SUCCEEDED "LT-RUL-0026" Warning 0 ["QĐ 09/2025/QĐ-TTg"]
        "Cơ quan gửi còn dùng mã đã đóng; gói tin vẫn được tiếp nhận" /
        "The sender still uses a closed code; the packet is taken all the same" ;
        "Đổi From/OrganId sang mã mới; gói tin ban hành sau khi mã đóng có thể bị hệ thống khác từ chối." /
        "Change From/OrganId to the new code; other systems may refuse packets issued after the code was closed."

    TEST_AGENCY "LT-RUL-0027" Refuse 19 [""]
        "Cơ quan dùng để thử đường truyền chỉ trao đổi với cơ quan thử khác" /
        "An agency that is there for tests exchanges documents with others of its kind alone" ;
        "Gửi từ và đến cơ quan thật; nếu mã này là cơ quan thật, quản trị danh mục bỏ canary = true của mã đó." /
        "Send from and to real agencies; if this one is real, the keeper of the directory takes its canary = true away."
    DATE_IN_FUTURE "LT-RUL-0030" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Ngày ban hành sau ngày hôm nay" / "The date of promulgation lies after today" ;
        "Sửa PromulgationDate, hoặc gửi lại vào đúng ngày ban hành; kiểm tra đồng hồ máy gửi." /
        "Correct PromulgationDate, or send again on that day; check the sending machine's clock."
    DATE_VERY_OLD "LT-RUL-0031" Note 0 ["QĐ 28/2018/QĐ-TTg Điều 6.2"]
        "Văn bản được ban hành từ rất lâu" / "The document was issued very long ago" ;
        "Kiểm tra năm trong PromulgationDate; không cần làm gì nếu văn bản cũ được gửi có chủ ý." /
        "Check the year in PromulgationDate; nothing to do if an old document is sent on purpose."
    PLACEHOLDER "LT-RUL-0032" Warning 0 ["QĐ 28/2018/QĐ-TTg Điều 9.1"]
        "Trường chứa giá trị mẫu chưa được thay bằng nội dung thật" /
        "A field holds a template's filler in place of its content" ;
        "Ghi nội dung thật, hoặc bỏ trường nếu không có; kiểm tra biểu mẫu của phần mềm gửi." /
        "Write the real content, or leave the field out; check the sending software's template."
    NO_PDF "LT-RUL-0033" Note 0 ["NĐ 30/2020/NĐ-CP Phụ lục I"]
        "Không có tệp đính kèm nào là PDF" / "No attachment is a PDF" ;
        "Gửi văn bản chính dưới dạng PDF đã ký số." / "Send the main document as a signed PDF."
    TARGET_MISSING "LT-RUL-0034" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Gói tin thu hồi, cập nhật hoặc thay thế không nêu văn bản bị tác động" /
        "A packet that revokes, updates or replaces names no document to act on" ;
        "Thu hồi: ghi ResponseFor; cập nhật: ghi Bussiness/DocumentId; thay thế: ghi ReplacementInfo/DocumentId." /
        "To revoke, fill in ResponseFor; to update, Bussiness/DocumentId; to replace, ReplacementInfo/DocumentId."
    REASON_MISSING "LT-RUL-0035" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Gói tin thu hồi, cập nhật hoặc thay thế không nêu lý do" /
        "A packet that revokes, updates or replaces gives no reason" ;
        "Ghi lý do vào Bussiness/BussinessDocReason." / "Give the reason in Bussiness/BussinessDocReason."
    FOREIGN_LETTER "LT-RUL-0036" Warning 0 ["TCVN 6909:2001"]
        "Chữ Ð (U+00D0) được dùng thay cho chữ Đ (U+0110) của tiếng Việt" /
        "The letter Ð (U+00D0) stands in place of the Vietnamese Đ (U+0110)" ;
        "Gõ lại bằng bộ gõ Unicode tiếng Việt; hai chữ trông giống nhau nhưng tìm kiếm và đối chiếu sẽ sai." /
        "Type it again with a Vietnamese Unicode keyboard; the two look alike, but search and comparison fail."

    RESPONSE_FOR_MISSING "LT-RUL-0050" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Gói tin trạng thái không nêu cơ quan nhận (ResponseFor/OrganId)" /
        "The status packet does not say whom it is for (ResponseFor/OrganId)" ;
        "Ghi vào ResponseFor/OrganId mã của cơ quan đã gửi văn bản (với mã 13: cơ quan nhận)." /
        "Write into ResponseFor/OrganId the code of the agency that sent the document (for 13: of the recipient)."
    REFUSAL_WITHOUT_REASON "LT-RUL-0051" Refuse 22 ["QĐ 28/2018/QĐ-TTg Điều 5.4"]
        "Từ chối tiếp nhận (02) không nêu lý do" / "A refusal (02) gives no reason" ;
        "Ghi lý do từ chối vào Description." / "Give the reason of the refusal in Description."
    REASON_TOO_LONG "LT-RUL-0052" Refuse 22 [""]
        "Lý do trong Description quá dài" / "The reason in Description is too long" ;
        "Rút gọn còn không quá 1000 ký tự." / "Shorten it to at most 1000 characters."
    TAKE_BACK_WITHOUT_REASON "LT-RUL-0053" Warning 0 ["QĐ 28/2018/QĐ-TTg Điều 8.2"]
        "Yêu cầu lấy lại (13) không nêu lý do" / "A request to take back (13) gives no reason" ;
        "Ghi lý do vào Description để nơi nhận quyết định." / "Give the reason in Description so that the recipient can decide."
    STATUS_IN_FUTURE "LT-RUL-0054" Refuse 22 ["QĐ 28/2018/QĐ-TTg Điều 14"]
        "Thời điểm của trạng thái sau ngày hôm nay" / "The time of the status lies after today" ;
        "Sửa Timestamp; đồng bộ đồng hồ máy gửi với trục liên thông." /
        "Correct Timestamp; synchronise the sending machine's clock with the axis."
    STATUS_CLOCK_AHEAD "LT-RUL-0055" Warning 0 ["QĐ 28/2018/QĐ-TTg Điều 14"]
        "Đồng hồ máy gửi trạng thái chạy nhanh" / "The clock of the machine that reports runs ahead" ;
        "Đồng bộ đồng hồ máy gửi với trục liên thông." / "Synchronise the sending machine's clock with the axis."
    SECRECY_MARK "LT-RUL-0060" Refuse 22 ["Luật 117/2025/QH15; QĐ 28/2018/QĐ-TTg Điều 1.2, 5.1"]
        "Trường này mang dấu chỉ độ mật; văn bản bí mật nhà nước không được gửi qua trục liên thông" /
        "This field carries a secrecy mark; state secrets must not be sent through the axis" ;
        "Không gửi lại bằng bất kỳ kênh điện tử nào; báo người phụ trách bảo vệ bí mật nhà nước và gửi theo quy định. Nếu văn bản không mật, bỏ dấu chỉ độ mật khỏi trường đã nêu." /
        "Do not send it again by any electronic way; tell whoever is in charge of state secrets and send it as the law says. If it is no secret, remove the mark from the field named."
    NOT_JUDGED "LT-RUL-0071" Note 0 [""]
        "Một số nội dung chưa kiểm tra được vì các lỗi khác của gói tin" /
        "Some sides of the packet could not be judged because of its other faults" ;
        "Sửa các lỗi đã nêu rồi kiểm tra lại; khi đó những nội dung này mới được xem xét." /
        "Mend the faults named and check again; only then can these be looked at."
}

/// The only one that is not the sender's to mend.
pub static SCHEMA_UNAVAILABLE: Kind = Kind {
    code: "LT-RUL-0070",
    severity: Severity::Refuse,
    blame: Blame::Us,
    vxp: 20,
    title: Text {
        vi: "Trục liên thông tạm thời không kiểm tra được gói tin theo lược đồ của quy chuẩn",
        en: "The gateway cannot check the packet against the schema of the standard at the moment",
    },
    fix: Text {
        vi: "Gửi lại sau; quản trị trục liên thông kiểm tra danh mục lược đồ và nhật ký.",
        en: "Send it again later; the gateway's administrator looks at the schema catalogue and the log.",
    },
    clause: "QCVN 102:2016/BTTTT",
};
