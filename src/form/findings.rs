//! What filling in a form can get wrong. The element of such a finding is the key in the form: `to[1].name`.

use lienthong_contract::finding::{Blame, Kind, Severity, Text};

macro_rules! kinds {
    ($($name:ident $code:literal $title_vi:literal / $title_en:literal ; $fix_vi:literal / $fix_en:literal)*) => {
        $(pub static $name: Kind = Kind {
            code: $code,
            severity: Severity::Refuse,
            blame: Blame::Sender,
            vxp: 0,
            title: Text { vi: $title_vi, en: $title_en },
            fix: Text { vi: $fix_vi, en: $fix_en },
            clause: "",
        };)*
        /// Every kind of this room, in the order of the codes.
        pub static ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    NOT_JSON "LT-FRM-0001"
        "Biểu mẫu không phải là JSON hợp lệ" / "The form is not valid JSON" ;
        "Sửa cú pháp tại dòng và cột đã nêu: thường là thiếu dấu phẩy, dấu ngoặc kép, hoặc thừa dấu phẩy cuối danh sách." /
        "Mend the syntax at the place named: usually a missing comma or quotation mark, or a comma too many at the end of a list."
    TOO_LARGE "LT-FRM-0002"
        "Biểu mẫu quá lớn" / "The form is too large" ;
        "Để nội dung dài trong tệp đính kèm; biểu mẫu chỉ chứa các trường mô tả văn bản." /
        "Leave long content to the attachments; the form holds only the fields that describe the document."
    KIND_UNKNOWN "LT-FRM-0003"
        "Chưa nói đây là văn bản hay trạng thái" / "It is not said whether this is a document or a status" ;
        "Ghi \"kind\": \"document\" cho văn bản, \"kind\": \"status\" cho gói trạng thái." /
        "Write \"kind\": \"document\" for a document, \"kind\": \"status\" for a status packet."
    UNKNOWN_KEY "LT-FRM-0004"
        "Biểu mẫu không có trường này" / "The form has no such field" ;
        "Dùng một trong các tên nêu ở mục \"cần\"; ghi chú riêng đặt tên bắt đầu bằng dấu gạch dưới." /
        "Use one of the names under \"expected\"; a note of your own has a key that begins with an underscore."
    KEY_TWICE "LT-FRM-0005"
        "Một trường được ghi hai lần" / "A field stands twice" ;
        "Giữ lại một giá trị đúng và xoá giá trị còn lại." / "Keep the one right value and delete the other."
    WRONG_KIND "LT-FRM-0006"
        "Giá trị không đúng kiểu của trường" / "The value is not of the field's kind" ;
        "Ghi giá trị theo kiểu nêu ở mục \"cần\"." / "Write a value of the kind given under \"expected\"."
    BAD_DATE "LT-FRM-0007"
        "Ngày không đúng dạng ISO hoặc không có thực" / "A date is not in ISO form or does not exist" ;
        "Ghi năm-tháng-ngày, ví dụ 2026-03-02." / "Write year-month-day, for example 2026-03-02."
    BAD_TIME "LT-FRM-0008"
        "Thời điểm không đúng dạng ISO hoặc không có thực" / "A time is not in ISO form or does not exist" ;
        "Ghi theo dạng 2026-03-02T08:30:00+07:00; không ghi múi giờ thì hiểu là giờ Việt Nam." /
        "Write it as 2026-03-02T08:30:00+07:00; without a zone it is Vietnam's time."
    OUT_OF_RANGE "LT-FRM-0009"
        "Giá trị nằm ngoài khoảng cho phép" / "A value is outside its range" ;
        "Chọn một giá trị trong khoảng nêu ở mục \"cần\"." / "Choose a value within the range given under \"expected\"."
    NOT_A_CHARACTER "LT-FRM-0010"
        "Có ký tự điều khiển mà XML không chứa được" / "There is a control character that XML cannot carry" ;
        "Xoá ký tự này; thường nó lẫn vào khi sao chép từ tệp PDF hoặc Word." /
        "Delete it; it usually slips in when text is copied from a PDF or Word file."
    MISSING "LT-FRM-0011"
        "Thiếu trường bắt buộc" / "A required field is missing" ;
        "Bổ sung trường đã nêu." / "Fill in the field named."
    FILE_UNREADABLE "LT-FRM-0012"
        "Không đọc được tệp đính kèm" / "A file to attach cannot be read" ;
        "Kiểm tra tên tệp (tính từ thư mục của biểu mẫu) và quyền đọc." /
        "Check the name (it counts from the folder of the form) and the right to read it."
    FILE_OUTSIDE "LT-FRM-0013"
        "Tệp đính kèm nằm ngoài thư mục của biểu mẫu" / "A file to attach lies outside the folder of the form" ;
        "Ghi đường dẫn tương đối, không có \"..\"; tệp ở nơi khác thì ghi trên dòng lệnh." /
        "Write a relative path without \"..\"; name files that lie elsewhere on the command line."
    FILE_EMPTY "LT-FRM-0014"
        "Tệp đính kèm rỗng" / "A file to attach is empty" ;
        "Chọn đúng tệp có nội dung." / "Choose the file that has the content."
    FILE_CHANGED "LT-FRM-0015"
        "Tệp đính kèm không phải là tệp mà biểu mẫu nói tới" / "A file to attach is not the one that the form speaks of" ;
        "Lấy lại tệp gốc, hoặc xoá \"sha256\" nếu thay tệp có chủ ý." /
        "Take the original file, or delete \"sha256\" when it was replaced on purpose."
}
