//! What can be noticed when a packet speaks of another one. 0001–0019 revoke, update and replace, 0020–0039 status packets
//! and taking back.

use lienthong_contract::{Blame, Kind, Severity, Text};

macro_rules! kinds {
    ($($name:ident $code:literal $severity:ident $blame:ident $vxp:literal [$clause:literal]
        $title_vi:literal / $title_en:literal ; $fix_vi:literal / $fix_en:literal)*) => {
        $(pub static $name: Kind = Kind {
            code: $code,
            severity: Severity::$severity,
            blame: Blame::$blame,
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
    TARGET_NOT_YOURS "LT-FLW-0001" Refuse Sender 19 ["QĐ 28/2018/QĐ-TTg Điều 8.2"]
        "Văn bản bị thu hồi, cập nhật hoặc thay thế không phải do cơ quan gửi này phát hành" /
        "The document to be revoked, updated or replaced was not sent by this sender" ;
        "Chỉ cơ quan đã gửi văn bản mới được thu hồi, cập nhật, thay thế; kiểm tra lại DocumentId của văn bản bị tác động." /
        "Only the agency that sent a document may revoke, update or replace it; check the DocumentId of the target."
    TARGET_NOT_RECEIVED "LT-FLW-0002" Refuse Sender 22 ["QĐ 28/2018/QĐ-TTg Điều 8.2"]
        "Nơi nhận này chưa từng nhận văn bản bị thu hồi, cập nhật hoặc thay thế" /
        "This recipient never got the document that is revoked, updated or replaced" ;
        "Bỏ nơi nhận này khỏi gói tin, hoặc gửi cho nơi nhận này như văn bản mới (loại 0; với cập nhật: ReceiverType 1). Trục của nơi nhận đã chờ văn bản gốc một thời gian; nếu nó còn trên đường, gửi lại sau khi nó đến." /
        "Leave this recipient out, or send it to them as a new document (type 0; in an update: ReceiverType 1). The recipient's gateway has waited for the original for a while; if it is still on its way, send again once it has arrived."
    TARGET_UNKNOWN "LT-FLW-0003" Warning Sender 0 [""]
        "Văn bản bị thu hồi, cập nhật hoặc thay thế không được gửi qua trục này" /
        "The document to be revoked, updated or replaced was not sent through this gateway" ;
        "Kiểm tra DocumentId; nếu đúng, trục của nơi nhận sẽ quyết định theo văn bản mà nơi nhận đã có." /
        "Check the DocumentId; if it is right, the recipient's gateway decides by what the recipient got."
    REMOVED_NOT_TOLD "LT-FLW-0004" Warning Sender 0 ["QĐ 28/2018/QĐ-TTg Điều 8.2"]
        "Nơi nhận bị bỏ khỏi danh sách không có trong To nên không được báo" /
        "Recipients taken off the list do not stand in To and are not told" ;
        "Gửi văn bản thu hồi (loại 1) cho các nơi nhận bị bỏ, hoặc ghi họ vào To của gói cập nhật." /
        "Send those taken off a revocation (type 1), or name them in the update's To."
    REVOCATION_INCOMPLETE "LT-FLW-0005" Warning Sender 0 ["QĐ 28/2018/QĐ-TTg Điều 8.2"]
        "Thông báo thu hồi không gửi đến tất cả nơi đã nhận văn bản" /
        "The revocation does not go to everybody who got the document" ;
        "Nếu thu hồi toàn bộ, gửi thông báo đến cả các nơi nhận còn lại đã nêu." /
        "If the document is revoked as a whole, send the notice to the recipients named as well."
    TOO_MANY_TARGETS "LT-FLW-0006" Refuse Sender 22 [""]
        "Gói tin tác động đến quá nhiều văn bản" / "The packet acts on too many documents" ;
        "Chia thành nhiều gói tin, mỗi gói không quá 64 văn bản bị tác động." /
        "Divide it into several packets of at most 64 targets each."

    STATUS_NOT_RECIPIENT "LT-FLW-0020" Refuse Sender 19 ["QĐ 28/2018/QĐ-TTg Điều 9.2"]
        "Cơ quan báo trạng thái không phải là nơi nhận của văn bản" /
        "The agency that reports a status is no recipient of the document" ;
        "Kiểm tra ResponseFor/DocumentId; chỉ nơi nhận của văn bản mới được báo trạng thái." /
        "Check ResponseFor/DocumentId; only a recipient of the document may report on it."
    STATUS_UNKNOWN_DOCUMENT "LT-FLW-0021" Warning Sender 0 [""]
        "Trạng thái nói về một văn bản không đi qua trục này" /
        "The status is about a document that did not pass this gateway" ;
        "Kiểm tra ResponseFor/DocumentId; trạng thái vẫn được chuyển và lưu, nhưng không gắn với văn bản nào ở đây." /
        "Check ResponseFor/DocumentId; the status is passed on and kept, and is tied to no document here."
    TAKE_BACK_BY_STRANGER "LT-FLW-0022" Refuse Sender 19 ["QĐ 28/2018/QĐ-TTg Điều 8.2"]
        "Chỉ cơ quan đã gửi văn bản mới được yêu cầu lấy lại (13)" /
        "Only the agency that sent the document may ask for it back (13)" ;
        "Kiểm tra ResponseFor/DocumentId; muốn trả văn bản đã nhận, dùng trạng thái 02." /
        "Check ResponseFor/DocumentId; to give back what you received use status 02."
    TAKE_BACK_NOT_SENT_TO "LT-FLW-0023" Refuse Sender 22 ["QĐ 28/2018/QĐ-TTg Điều 8.2"]
        "Văn bản không được gửi đến cơ quan được yêu cầu trả lại" /
        "The document was not sent to the agency that is asked to give it back" ;
        "Ghi vào ResponseFor/OrganId một nơi nhận của văn bản." / "Write a recipient of the document into ResponseFor/OrganId."
    ANSWER_NOT_ASKED "LT-FLW-0024" Refuse Sender 22 [""]
        "Trạng thái 15 hoặc 16 trả lời một yêu cầu chưa hề có" / "Status 15 or 16 answers a request that was never made" ;
        "Chỉ dùng 15, 16 khi bên gửi đã yêu cầu lấy lại (13), thu hồi hoặc cập nhật; muốn trả văn bản, dùng 02." /
        "Use 15 and 16 only after the sender asked for it back (13), revoked or updated it; to give it back, use 02."
    GIVEN_BACK "LT-FLW-0025" Refuse Recipient 22 ["NĐ 30/2020/NĐ-CP PL VI"]
        "Nơi nhận đã đồng ý trả lại văn bản; nội dung không còn được giao" /
        "The recipient has agreed to give this document back; its content is no longer handed out" ;
        "Hủy bản đã lấy trong hệ thống của đơn vị; cần lại văn bản thì đề nghị bên gửi gửi mới." /
        "Cancel the copy in your own system; if you need the document, ask the sender to send it anew."
}

/// The reason of the receipt that ends a consignment whose recipient gives it back before it took it over.
pub const GAVE_BACK_REASON: &str = "Nơi nhận đồng ý trả lại theo yêu cầu của bên gửi (15)";
