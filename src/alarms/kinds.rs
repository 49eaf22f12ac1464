//! The kinds of alarms: a closed list, in order of harm.

use lienthong_contract::Text;
use serde::{Deserialize, Serialize};

use super::Severity;

macro_rules! kinds {
    ($($name:ident $word:literal $severity:ident $title_vi:literal / $title_en:literal;
       $owner_vi:literal / $owner_en:literal; $next_vi:literal / $next_en:literal)*) => {
        /// A kind of alarm, the most harmful first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind { $(#[serde(rename = $word)] $name),* }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it is written in the configuration, in webhooks and in the store.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            #[must_use]
            pub const fn title(self) -> Text {
                match self { $(Self::$name => Text { vi: $title_vi, en: $title_en }),* }
            }

            /// How bad it is unless the case at hand says otherwise.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }

            /// Whose turn it is.
            #[must_use]
            pub const fn owner(self) -> Text {
                match self { $(Self::$name => Text { vi: $owner_vi, en: $owner_en }),* }
            }

            /// What to do next.
            #[must_use]
            pub const fn next(self) -> Text {
                match self { $(Self::$name => Text { vi: $next_vi, en: $next_en }),* }
            }
        }
    };
}

kinds! {
    BooksUnbalanced "books-unbalanced" Critical
        "Sổ không cân" / "The books do not balance";
        "Quản trị trục" / "The gateway's administrator";
        "Xem chênh lệch bằng: lienthong admin account; tìm văn bản thiếu trước khi làm việc khác." /
        "See the differences with: lienthong admin account; find the missing document before anything else."
    LedgerAlarm "ledger-alarm" Critical
        "Nhật ký biên nhận mâu thuẫn" / "A log of receipts contradicts itself";
        "Quản trị trục và người phụ trách an toàn thông tin" / "The gateway's administrator and the security officer";
        "Giữ nguyên hiện trạng, xem mã LT-LED-0010 đến 0013 trong nhật ký, báo trục láng giềng." /
        "Leave everything as it is, see codes LT-LED-0010 to 0013 in the log, tell the neighbouring gateways."
    StateSecret "state-secret" Critical
        "Có gói tin mang dấu chỉ độ mật bị từ chối" / "A packet with a secrecy mark was refused";
        "Người phụ trách bảo vệ bí mật nhà nước" / "Whoever is in charge of state secrets";
        "Liên hệ cơ quan gửi ngay; không gửi lại bằng bất kỳ kênh điện tử nào." /
        "Call the sending agency now; it must not be sent again by any electronic way."
    GatewayImpaired "gateway-impaired" Critical
        "Trục không lưu hoặc không ký được" / "The gateway cannot store or sign";
        "Quản trị trục" / "The gateway's administrator";
        "Xem đĩa, tệp khóa và nhật ký của trục." / "Look at the disk, the key's file and the gateway's log."
    DiskFilling "disk-filling" Serious
        "Đĩa sắp đầy" / "The disk is filling";
        "Quản trị trục" / "The gateway's administrator";
        "Giải phóng chỗ hoặc mở rộng đĩa; xuất lưu trữ bằng: lienthong admin export." /
        "Make room or enlarge the disk; move documents to an archive with: lienthong admin export."
    UrgentStuck "urgent-stuck" Critical
        "Văn bản khẩn chưa đi được" / "An urgent document does not move";
        "Quản trị trục" / "The gateway's administrator";
        "Xem trang Ách tắc; gọi điện báo nơi nhận nếu đường truyền chưa nối lại được." /
        "See the page of what is stuck; telephone the recipient if the line cannot be mended at once."
    DestinationDown "destination-down" Serious
        "Tuyến không nhận văn bản" / "A destination does not take documents";
        "Quản trị bên nhận hoặc đường truyền" / "Whoever runs the destination, or the network";
        "Kiểm tra đường truyền và máy chủ bên nhận; trục tự gửi lại." /
        "Check the line and the far server; the gateway tries again by itself."
    ArrivalsStopped "arrivals-stopped" Serious
        "Không hỏi được hệ thống ngoài" / "A system outside cannot be asked";
        "Quản trị trục" / "The gateway's administrator";
        "Kiểm tra đường truyền, tài khoản và khóa bí mật của hệ thống đó; văn bản đến còn nằm ở đó." /
        "Check the line, the account and its secret; documents for agencies here still lie there."
    CertificateExpired "certificate-expired" Critical
        "Chứng thư số đã hết hạn" / "A certificate has expired";
        "Người quản lý chứng thư" / "Whoever keeps the certificate";
        "Thay tệp chứng thư; trục tự đọc lại." / "Replace its file; the gateway reads it again by itself."
    CrlStale "crl-stale" Serious
        "Danh sách thu hồi quá hạn" / "A revocation list is out of date";
        "Quản trị trục" / "The gateway's administrator";
        "Tải danh sách thu hồi mới từ nơi cấp chứng thư." / "Fetch the new list from the authority."
    ClockWrong "clock-wrong" Serious
        "Đồng hồ máy chủ lệch" / "The clock is wrong";
        "Quản trị trục" / "The gateway's administrator";
        "Đồng bộ đồng hồ bằng NTP." / "Set the clock by NTP."
    FailedAtDeadline "failed-at-deadline" Serious
        "Văn bản không gửi được khi hết hạn" / "Documents failed at their deadline";
        "Quản trị trục, bên gửi" / "The gateway's administrator, the sender";
        "Xem trang Ách tắc: gửi lại, chuyển nơi nhận hoặc báo bên gửi." /
        "See the page of what is stuck: send again, redirect, or tell the sender."
    ArrivalsAside "arrivals-aside" Serious
        "Có gói tin đến chưa nhận được" / "Packets from outside are not taken";
        "Quản trị trục" / "The gateway's administrator";
        "Xem mã lỗi trong nhật ký của trục, bổ sung danh mục, chứng thư hoặc cấu hình; trục tự nhận lại sau mỗi giờ." /
        "See the codes in the gateway's log; mend the directory, certificates or settings; it is tried again every hour."
    SetAside "set-aside" Serious
        "Có thông điệp của trục khác không xử lý được" / "Messages of other gateways could not be handled";
        "Quản trị trục, cùng quản trị trục gửi" / "The gateway's administrator, with the sending one's";
        "Xem lý do trong nhật ký (mã LT-LNK-0015); sửa xong thì mở trang Ách tắc để đưa lại." /
        "See why in the log (code LT-LNK-0015); once mended, put them back on the page of what is stuck."
    NotTaken "not-taken" Warning
        "Cơ quan chưa lấy văn bản" / "An agency does not collect its documents";
        "Cơ quan nhận" / "The receiving agency";
        "Liên hệ cơ quan nhận kiểm tra phần mềm quản lý văn bản." / "Ask the agency to check its software."
    CertificateExpiring "certificate-expiring" Warning
        "Chứng thư số sắp hết hạn" / "A certificate is about to expire";
        "Người quản lý chứng thư" / "Whoever keeps the certificate";
        "Xin chứng thư mới, diễn tập thay rồi thay trước ngày hết hạn." /
        "Ask for a new one, rehearse the change, and change it before that day."
    DirectoryNotTaken "directory-not-taken" Serious
        "Danh mục cơ quan mới không dùng được" / "The new directory of agencies is not taken";
        "Quản trị danh mục" / "Whoever keeps the directory";
        "Sửa tệp danh mục; danh mục cũ vẫn có hiệu lực." / "Mend the file; the old directory stays in force."
    CanaryMissing "canary-missing" Serious
        "Văn bản thử không tới nơi" / "A test document did not arrive";
        "Quản trị trục" / "The gateway's administrator";
        "Xem tuyến tới nơi đó; văn bản thật có thể cũng đang chờ." /
        "Look at that destination; real documents may be waiting, too."
    NoticesNotTold "notices-not-told" Warning
        "Không gửi được thông báo" / "Notices cannot be sent";
        "Quản trị trục" / "The gateway's administrator";
        "Kiểm tra máy chủ thư hoặc webhook; thử bằng: lienthong admin alert-test." /
        "Check the mail server or webhook; try it with: lienthong admin alert-test."
}

impl Kind {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}
