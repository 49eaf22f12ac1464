//! What reading a packet can notice. Codes are stable: a new kind gets a new number, a number is never used again.
//!
//! 0001–0019 the XML itself, 0020–0029 attachment contents, 0030–0049 refusals of the content, 0050 and up warnings.

use lienthong_contract::finding::{Blame, Kind, Severity, Text};

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
        pub static ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    NOT_XML "LT-EDX-0001" Refuse 10 ["QCVN 102:2016/BTTTT"]
        "Tệp gửi lên không phải là XML" / "The file is not XML" ;
        "Chọn đúng tệp .edxml do phần mềm quản lý văn bản kết xuất, không gửi tệp PDF, Word hoặc tệp nén thay cho gói tin." /
        "Choose the .edxml file that the document system exported; do not send a PDF, Word or archive file in its place."
    EMPTY "LT-EDX-0002" Refuse 10 ["QCVN 102:2016/BTTTT"]
        "Tệp gửi lên rỗng" / "The file is empty" ;
        "Kết xuất lại gói tin từ phần mềm quản lý văn bản rồi gửi lại." /
        "Export the packet from the document system again and send it again."
    BYTES_BEFORE_XML "LT-EDX-0003" Refuse 22 ["XML 1.0 §2.8"]
        "Có ký tự lạ đứng trước khai báo XML" / "There are stray bytes before the XML declaration" ;
        "Xoá mọi ký tự đứng trước \"<?xml\"; khai báo XML phải nằm ở đầu tệp." /
        "Delete everything before \"<?xml\"; the XML declaration must open the file."
    DOCTYPE "LT-EDX-0004" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Gói tin chứa khai báo DOCTYPE" / "The packet holds a DOCTYPE declaration" ;
        "Bỏ khai báo DOCTYPE và mọi khai báo thực thể; gói tin edXML không được dùng chúng." /
        "Remove the DOCTYPE and every entity declaration; an edXML packet must not use them."
    NOT_UTF8 "LT-EDX-0005" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Gói tin không được mã hoá bằng UTF-8" / "The packet is not encoded in UTF-8" ;
        "Lưu gói tin bằng bảng mã UTF-8 và khai báo encoding=\"UTF-8\"." /
        "Save the packet in UTF-8 and declare encoding=\"UTF-8\"."
    MISMATCHED_TAG "LT-EDX-0006" Refuse 22 ["XML 1.0 §3"]
        "Thẻ đóng không khớp với thẻ mở" / "A closing tag does not match the opening one" ;
        "Sửa để mỗi thẻ mở có đúng một thẻ đóng cùng tên, theo đúng thứ tự lồng nhau." /
        "Give each opening tag one closing tag of the same name, properly nested."
    CUT_SHORT "LT-EDX-0007" Refuse 22 ["XML 1.0 §2.1"]
        "Gói tin bị cắt cụt: tệp kết thúc khi vẫn còn thẻ chưa đóng" / "The packet is cut short: it ends inside an element" ;
        "Gửi lại toàn bộ gói tin; kiểm tra đường truyền và dung lượng đĩa của hệ thống gửi." /
        "Send the whole packet again; check the line and the disk space of the sending system."
    MALFORMED "LT-EDX-0008" Refuse 22 ["XML 1.0"]
        "Gói tin không đúng cú pháp XML" / "The packet is not well-formed XML" ;
        "Sửa lỗi cú pháp tại dòng và cột đã nêu; ký tự &, <, > trong nội dung phải được viết thành &amp;, &lt;, &gt;." /
        "Mend the syntax at the place named; write &, <, > in text as &amp;, &lt;, &gt;."
    SKELETON_TOO_LARGE "LT-EDX-0009" Refuse 22 [""]
        "Phần thông tin mô tả của gói tin (không kể nội dung tệp đính kèm) quá lớn" /
        "The descriptive part of the packet (attachment contents not counted) is too large" ;
        "Chuyển nội dung dài vào tệp đính kèm; phần mô tả chỉ chứa các trường của quy chuẩn." /
        "Move long content into an attachment; the descriptive part holds only the standard's fields."
    PACKET_TOO_LARGE "LT-EDX-0010" Refuse 22 [""]
        "Gói tin vượt quá dung lượng cho phép" / "The packet is larger than allowed" ;
        "Giảm dung lượng tệp đính kèm (nén, giảm độ phân giải bản quét) hoặc tách thành nhiều văn bản." /
        "Make the attachments smaller (compress, scan at lower resolution) or split them over several documents."
    TOO_DEEP "LT-EDX-0011" Refuse 22 [""]
        "Các phần tử XML lồng nhau quá sâu" / "Elements are nested too deep" ;
        "Kết xuất gói tin theo đúng cấu trúc của quy chuẩn; cấu trúc chuẩn không quá mười cấp." /
        "Export the packet in the structure of the standard, which has fewer than ten levels."
    TOO_MANY_ELEMENTS "LT-EDX-0012" Refuse 22 [""]
        "Gói tin có quá nhiều phần tử" / "The packet has too many elements" ;
        "Chia danh sách nơi nhận thành nhiều gói tin." / "Divide the list of recipients over several packets."
    NAME_TOO_LONG "LT-EDX-0013" Refuse 22 [""]
        "Tên phần tử hoặc tên thuộc tính quá dài" / "The name of an element or attribute is too long" ;
        "Dùng đúng tên phần tử của quy chuẩn." / "Use the element names of the standard."
    TOO_MANY_ATTRIBUTES "LT-EDX-0014" Refuse 22 [""]
        "Một phần tử có quá nhiều thuộc tính" / "An element has too many attributes" ;
        "Bỏ các thuộc tính không thuộc quy chuẩn." / "Remove the attributes that are not of the standard."
    TEXT_TOO_LONG "LT-EDX-0015" Refuse 22 [""]
        "Nội dung của một trường quá dài" / "The text of a field is too long" ;
        "Chuyển nội dung dài vào tệp đính kèm; nội dung tệp chỉ được đặt trong ContentTransferEncoded." /
        "Move long content into an attachment; file contents may stand only in ContentTransferEncoded."
    TAG_TOO_LONG "LT-EDX-0016" Refuse 22 [""]
        "Một thẻ, chú thích hoặc chỉ thị xử lý quá dài" / "A tag, comment or processing instruction is too long" ;
        "Bỏ bớt thuộc tính hoặc chú thích; không đặt nội dung tệp vào thuộc tính." /
        "Remove attributes or comments; do not put file contents into an attribute."
    TOO_MANY_BODIES "LT-EDX-0017" Refuse 22 [""]
        "Gói tin có quá nhiều tệp đính kèm" / "The packet has too many attachments" ;
        "Gộp các tệp vào một tệp nén hoặc tách thành nhiều văn bản." /
        "Put the files into one archive or split them over several documents."

    NOT_BASE64 "LT-EDX-0020" Refuse 21 ["RFC 4648 §4"]
        "Nội dung tệp đính kèm không phải là base64 hợp lệ" / "The content of an attachment is not valid base64" ;
        "Kiểm tra phần mềm gửi: nội dung tệp phải được mã hoá base64 đầy đủ, không để lại ký hiệu mẫu như ${...}." /
        "Check the sending software: the file must be fully base64-encoded, with no placeholder such as ${...} left in it."
    UTF8_DAMAGE "LT-EDX-0021" Refuse 21 [""]
        "Tệp PDF đính kèm đã hỏng do bị chuyển mã như văn bản UTF-8" /
        "An attached PDF was damaged by being converted as if it were UTF-8 text" ;
        "Không thể khôi phục tệp này; gửi lại từ tệp gốc và sửa phần mềm gửi để đọc tệp ở dạng nhị phân." /
        "The file cannot be repaired; send it again from the original and make the software read files as binary."
    ZIP_CUT_SHORT "LT-EDX-0022" Refuse 21 ["APPNOTE.TXT 4.3.16"]
        "Tệp nén ZIP đính kèm bị cắt cụt hoặc hỏng phần mục lục" / "An attached ZIP archive is cut short or its directory is damaged" ;
        "Mở thử tệp tại máy gửi, tạo lại tệp nén rồi gửi lại." /
        "Open the file at the sending side, make the archive anew and send it again."
    BODY_WITH_MARKUP "LT-EDX-0023" Refuse 21 ["QCVN 102:2016/BTTTT"]
        "Trong ContentTransferEncoded có phần tử con hoặc nhiều đoạn nội dung" /
        "ContentTransferEncoded holds child elements or several pieces of content" ;
        "Đặt toàn bộ nội dung base64 của tệp thành một đoạn văn bản duy nhất." /
        "Put the file's whole base64 content there as one run of text."

    NOT_EDXML "LT-EDX-0030" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Phần tử gốc không phải là edXML" / "The root element is not edXML" ;
        "Gửi gói tin có phần tử gốc edXML thuộc không gian tên http://www.mic.gov.vn/TBT/QCVN_102_2016." /
        "Send a packet whose root is edXML in the namespace http://www.mic.gov.vn/TBT/QCVN_102_2016."
    FOREIGN_NAMESPACE "LT-EDX-0031" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Gói tin dùng không gian tên không thuộc QCVN 102:2016" / "The packet's namespace is not that of QCVN 102:2016" ;
        "Cấu hình phần mềm để kết xuất theo http://www.mic.gov.vn/TBT/QCVN_102_2016." /
        "Configure the software to export http://www.mic.gov.vn/TBT/QCVN_102_2016."
    LEGACY_FORM "LT-EDX-0032" Refuse 22 ["Thông tư 10/2016/TT-BTTTT"]
        "Gói tin theo định dạng cũ trước năm 2016 (SOAP, MIME hoặc e-doc.vn), không còn được tiếp nhận" /
        "The packet has a form from before 2016 (SOAP, MIME or e-doc.vn) that is no longer taken" ;
        "Nâng cấp phần mềm quản lý văn bản để kết xuất gói tin theo QCVN 102:2016/BTTTT và Sửa đổi 1:2022." /
        "Upgrade the document system so that it exports packets of QCVN 102:2016/BTTTT with Amendment 1:2022."
    UNDECLARED_PREFIX "LT-EDX-0033" Refuse 22 ["Namespaces in XML §5"]
        "Tiền tố không gian tên chưa được khai báo" / "A namespace prefix is not declared" ;
        "Khai báo tiền tố bằng xmlns:... tại phần tử gốc." / "Declare the prefix with xmlns:... on the root element."
    MISSING "LT-EDX-0034" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Thiếu trường bắt buộc" / "A required field is missing" ;
        "Bổ sung giá trị cho trường đã nêu rồi gửi lại; phần tử rỗng được coi là thiếu." /
        "Fill in the field named and send again; an empty element counts as missing."
    BAD_DATE "LT-EDX-0035" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Ngày tháng không đúng định dạng hoặc không có thực" / "A date has the wrong form or does not exist" ;
        "Viết ngày theo dạng năm/tháng/ngày (ví dụ 2026/03/02), thời điểm theo dạng 2026/03/02 08:30:00." /
        "Write a date as year/month/day (for example 2026/03/02) and a time as 2026/03/02 08:30:00."
    BAD_NUMBER "LT-EDX-0036" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Trường số chứa nội dung không phải là số" / "A numeric field holds something that is no number" ;
        "Chỉ ghi chữ số; xoá phần giải thích còn sót lại của biểu mẫu." /
        "Write digits only; delete explanations left over from the template."
    REPEATED "LT-EDX-0037" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Trường chỉ được xuất hiện một lần lại xuất hiện nhiều lần" / "A field that may stand once stands several times" ;
        "Giữ lại một giá trị đúng và xoá các giá trị còn lại." / "Keep the one right value and delete the others."
    STRAY_BODY "LT-EDX-0038" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Nội dung tệp nằm ngoài phần tử Attachment" / "A file's content stands outside an Attachment element" ;
        "Đặt mỗi ContentTransferEncoded trong đúng một phần tử Attachment của AttachmentEncoded." /
        "Put each ContentTransferEncoded into one Attachment element of AttachmentEncoded."
    DECLARED_ENCODING "LT-EDX-0039" Refuse 22 ["QCVN 102:2016/BTTTT"]
        "Gói tin khai báo bảng mã khác UTF-8" / "The packet declares an encoding other than UTF-8" ;
        "Khai báo encoding=\"UTF-8\" và lưu tệp bằng UTF-8." / "Declare encoding=\"UTF-8\" and save the file in UTF-8."

    SPACE_BEFORE_XML "LT-EDX-0050" Warning 0 ["XML 1.0 §2.8"]
        "Có dấu BOM hoặc khoảng trắng đứng trước khai báo XML" / "A BOM or white space stands before the XML declaration" ;
        "Kết xuất gói tin không có BOM và không có khoảng trắng ở đầu tệp." /
        "Export the packet without a BOM and without white space at its start."
    PREFIX_ASSUMED "LT-EDX-0051" Warning 0 ["Namespaces in XML §5"]
        "Tiền tố edXML hoặc xlink được dùng ngoài phạm vi khai báo" / "The prefix edXML or xlink is used outside its declaration" ;
        "Khai báo xmlns:edXML và xmlns:xlink tại phần tử gốc." / "Declare xmlns:edXML and xmlns:xlink on the root element."
    NO_NAMESPACE "LT-EDX-0052" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Phần tử không thuộc không gian tên nào" / "An element is in no namespace" ;
        "Khai báo không gian tên QCVN 102:2016 làm mặc định tại phần tử gốc." /
        "Declare the QCVN 102:2016 namespace as default on the root element."
    UNKNOWN_ELEMENT "LT-EDX-0053" Note 0 ["QCVN 102:2016/BTTTT"]
        "Phần tử không thuộc quy chuẩn được giữ nguyên và không được xử lý" /
        "An element that the standard does not know is passed on and not acted on" ;
        "Không cần làm gì nếu hệ thống nhận hiểu phần tử này; nếu không, hãy bỏ nó đi." /
        "Nothing to do if the receiver understands it; otherwise leave it out."
    CORRECT_SPELLING "LT-EDX-0054" Note 0 ["QCVN 102:2016/BTTTT"]
        "Phần tử được viết theo chính tả tiếng Anh thay vì tên trong quy chuẩn" /
        "An element is spelt in correct English instead of as the standard spells it" ;
        "Dùng đúng tên của quy chuẩn (Bussiness..., TyperNotation) để mọi hệ thống nhận đọc được." /
        "Use the names of the standard (Bussiness..., TyperNotation) so that every receiver can read them."
    ODD_CODE "LT-EDX-0055" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Số hoặc ký hiệu văn bản không theo quy chuẩn" / "The number or notation of the document is unusual" ;
        "Ghi số văn bản bằng chữ số, không quá 11 ký tự; ghi ký hiệu vào CodeNotation, không quá 30 ký tự." /
        "Write the number in digits, at most 11; put the notation into CodeNotation, at most 30 characters."
    ONE_DIGIT_DATE "LT-EDX-0056" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Ngày hoặc tháng chỉ có một chữ số" / "A day or month has one digit only" ;
        "Viết đủ hai chữ số, ví dụ 2026/03/02." / "Write two digits, for example 2026/03/02."
    DUE_BEFORE_ISSUE "LT-EDX-0057" Warning 0 [""]
        "Hạn xử lý sớm hơn ngày ban hành" / "The due date lies before the date of issue" ;
        "Kiểm tra lại DueDate và PromulgationDate." / "Check DueDate and PromulgationDate."
    RECOMMENDED "LT-EDX-0058" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Thiếu trường mà quy chuẩn yêu cầu, gói tin vẫn được tiếp nhận" /
        "A field that the standard asks for is missing; the packet is taken all the same" ;
        "Bổ sung trường đã nêu; một số hệ thống nhận từ chối gói tin thiếu trường này." /
        "Fill in the field named; some receivers refuse a packet without it."
    UNKNOWN_HOP "LT-EDX-0059" Note 0 ["QCVN 102:2016/BTTTT"]
        "Một chặng trong vết gửi nhận không rõ nguồn gốc" / "A hop of the trace is of unknown origin" ;
        "Ghi OrganId của hệ thống trung gian vào TraceHeader." / "Write the intermediary's OrganId into TraceHeader."
    DUMMY_SIGNATURE "LT-EDX-0060" Warning 0 ["NĐ 30/2020/NĐ-CP"]
        "Chữ ký gói tin là chữ ký mẫu chép từ bộ công cụ; gói tin được coi là chưa ký" /
        "The packet signature is the example copied from a toolkit; the packet counts as not signed" ;
        "Ký gói tin bằng chứng thư số của cơ quan hoặc bỏ phần tử Signature." /
        "Sign the packet with the agency's certificate or leave the Signature element out."
    SIGNATURE_NAMESPACE "LT-EDX-0061" Warning 0 ["XML-DSig §4"]
        "Phần tử Signature không thuộc không gian tên XML-DSig; gói tin được coi là chưa ký" /
        "The Signature element is not in the XML-DSig namespace; the packet counts as not signed" ;
        "Đặt Signature trong không gian tên http://www.w3.org/2000/09/xmldsig#." /
        "Put Signature into the namespace http://www.w3.org/2000/09/xmldsig#."
    UNLISTED_CODE "LT-EDX-0062" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Giá trị không có trong danh mục, được giữ nguyên" / "A value is in no code list; it is kept as it is" ;
        "Dùng một giá trị của danh mục." / "Use a value of the list."
    STATUS_PADDED "LT-EDX-0063" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Mã trạng thái chỉ có một chữ số" / "The status code has one digit only" ;
        "Viết mã trạng thái bằng hai chữ số, ví dụ 03." / "Write the status code with two digits, for example 03."
    LYING_CONTENT_TYPE "LT-EDX-0064" Warning 0 [""]
        "ContentType không đúng với nội dung thật của tệp" / "ContentType does not say what the file really is" ;
        "Ghi kiểu đúng của tệp, ví dụ application/pdf." / "State the file's true type, for example application/pdf."
    MANIFEST_DISAGREES "LT-EDX-0065" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Danh mục edXMLManifest không khớp với các tệp đính kèm" / "The manifest and the attachments disagree" ;
        "Mỗi Attachment cần một Reference có cùng ContentId." / "Give each Attachment one Reference with the same ContentId."
    EMPTY_ATTACHMENT "LT-EDX-0066" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Tệp đính kèm không có nội dung" / "An attachment has no content" ;
        "Đính kèm lại tệp hoặc bỏ phần tử Attachment rỗng." / "Attach the file again or leave the empty Attachment out."
    ID_MADE "LT-EDX-0067" Warning 0 ["QĐ 28/2018/QĐ-TTg Điều 10.2b"]
        "Gói tin không có DocumentId; mã định danh được lập từ nơi gửi, ngày ban hành và số ký hiệu" /
        "The packet has no DocumentId; one is made from sender, date and code" ;
        "Ghi DocumentId theo dạng OrganId,yyyy/MM/dd,số/ký hiệu." / "Write a DocumentId of the form OrganId,yyyy/MM/dd,number/notation."
    RECIPIENT_TWICE "LT-EDX-0068" Note 0 [""]
        "Cùng một nơi nhận được ghi nhiều lần" / "The same recipient is named several times" ;
        "Ghi mỗi nơi nhận một lần." / "Name each recipient once."
    NOT_COMPOSED "LT-EDX-0069" Note 0 ["TCVN 6909:2001"]
        "Chữ tiếng Việt dùng dấu tổ hợp (NFD) thay vì dựng sẵn" / "Vietnamese text uses combining marks (NFD) instead of composed letters" ;
        "Dùng Unicode dựng sẵn (NFC) theo TCVN 6909:2001." / "Use composed Unicode (NFC) as in TCVN 6909:2001."
    ODD_CONTENT_ID "LT-EDX-0070" Warning 0 ["RFC 2392"]
        "ContentId lặp tiền tố cid: hoặc thiếu giá trị" / "A ContentId repeats the prefix cid: or has no value" ;
        "Viết ContentId theo dạng cid: và một mã duy nhất." / "Write a ContentId as cid: and one unique token."
    NULL_ORGAN "LT-EDX-0071" Warning 0 ["QĐ 20/2020/QĐ-TTg"]
        "OrganId mang giá trị chữ \"null\"" / "An OrganId is the literal text \"null\"" ;
        "Ghi mã định danh thật của cơ quan." / "Write the agency's real code."
    CONTENT_ID_TWICE "LT-EDX-0072" Warning 0 ["QCVN 102:2016/BTTTT"]
        "Hai tệp đính kèm mang cùng một ContentId" / "Two attachments have the same ContentId" ;
        "Đặt cho mỗi tệp đính kèm một ContentId riêng." / "Give each attachment a ContentId of its own."
}
