//! The table of all metrics.

use super::{Family, Kind};

const fn counter(name: &'static str, labels: &'static [&'static str], vi: &'static str, en: &'static str) -> Family {
    Family { name, kind: Kind::Counter, vi, en, labels }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], vi: &'static str, en: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, vi, en, labels }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], vi: &'static str, en: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, vi, en, labels }
}

const DESTINATION: &[&str] = &["kind", "destination"];
const LANE: &[&str] = &["link", "lane"];
const LINK: &[&str] = &["link"];

pub static BUILD: Family =
    gauge("lienthong_build_info", &["version", "hop"], "Luôn là 1: phiên bản và tên trục", "Always 1: version and hop");
pub static READY: Family = gauge(
    "lienthong_ready",
    &[],
    "1 khi trục ký, lưu và tới được các broker",
    "1 when the gateway can sign, store and reach its brokers",
);
pub static PART: Family = gauge(
    "lienthong_part_ok",
    &["part"],
    "1 khi bộ phận của /health/ready hoạt động",
    "1 when this part of /health/ready works",
);

pub static INTAKE_PACKETS: Family = counter(
    "lienthong_intake_packets_total",
    &["door", "outcome"],
    "Gói tin đã đưa vào trục, theo cửa và kết quả (đếm từ lúc khởi động)",
    "Packets handed in, by door and outcome, since the start",
);
pub static INTAKE_REFUSALS: Family = counter(
    "lienthong_intake_refusals_total",
    &["code"],
    "Gói tin bị từ chối khi tiếp nhận, theo mã lỗi đầu tiên khiến nó bị từ chối (đếm từ lúc khởi động)",
    "Packets refused at the intake, by the first code that refused them, since the start",
);
pub static INTAKE_BYTES: Family = counter(
    "lienthong_intake_bytes_total",
    &["door"],
    "Dung lượng gói tin được tiếp nhận lần đầu (đếm từ lúc khởi động)",
    "Bytes of packets accepted for the first time, since the start",
);
pub static INTAKE_SECONDS: Family = histogram(
    "lienthong_intake_seconds",
    &["door"],
    "Từ lúc nhận xong byte cuối đến khi trả lời đã tiếp nhận, của gói tin được tiếp nhận lần đầu",
    "From a packet's last byte until the answer that it is accepted, for packets accepted for the first time",
);

pub static ACCEPTED: Family = counter(
    "lienthong_books_accepted_total",
    &[],
    "Lượt gửi đã tiếp nhận, theo biên nhận",
    "Consignments accepted, by the receipts",
);
pub static HANDED_OVER: Family =
    counter("lienthong_books_handed_over_total", &[], "Lượt gửi đã giao cho bên nhận", "Consignments handed over");
pub static REFUSED: Family = counter(
    "lienthong_books_refused_total",
    &[],
    "Lượt gửi bị bên nhận hoặc trục sau trả lại",
    "Consignments refused by the recipient or a later hop",
);
pub static FAILED: Family = counter(
    "lienthong_books_failed_total",
    &[],
    "Lượt gửi thất bại, có biên nhận nêu lý do",
    "Consignments that failed, with a receipt that says why",
);
pub static PASSED_OUTSIDE: Family = counter(
    "lienthong_books_passed_outside_total",
    &[],
    "Lượt gửi đã chuyển ra hệ thống ngoài, không biết thêm kết quả",
    "Consignments that a system outside took, of which nothing more will be known",
);
pub static IN_FLIGHT: Family =
    gauge("lienthong_books_in_flight", DESTINATION, "Lượt gửi đang chuyển, theo nơi đến", "Consignments in flight");
pub static BALANCED: Family = gauge(
    "lienthong_books_balanced",
    &[],
    "1 khi tiếp nhận = đã giao + trả lại + thất bại + ra ngoài + đang chuyển và không có chỗ không khớp",
    "1 when accepted = handed over + refused + failed + passed outside + in flight, and nothing differs",
);
pub static DIFFERENCES: Family = gauge(
    "lienthong_books_differences",
    &[],
    "Số chỗ không khớp mà sổ nêu ra",
    "Differences that the books name; see lienthong admin account",
);
pub static ACCOUNTED_AT: Family = gauge(
    "lienthong_books_account_timestamp_seconds",
    &[],
    "Lúc lập sổ gần nhất (giây Unix)",
    "When the books were last drawn up, Unix time",
);
pub static LINK_DIFFERENCES: Family = gauge(
    "lienthong_link_differences",
    LINK,
    "Lượt gửi mà hai đầu tuyến nối ghi khác nhau, kể cả chỗ còn có thể tự khớp",
    "Consignments on which the two ends of a link differ, those that may still settle included",
);

pub static LINK_DAYS_OPEN: Family = gauge(
    "lienthong_link_days_open",
    LINK,
    "Số ngày, tính riêng từng chiều, đã qua ít nhất hai ngày mà hai đầu tuyến nối chưa xác nhận khớp",
    "Days, each direction by itself, at least two days back on which the two ends have not agreed",
);
pub static LINK_DROPPED: Family = counter(
    "lienthong_link_statements_dropped_total",
    LINK,
    "Bảng kê của trục kế cận bị bỏ vì quá nhiều trong ngày (đếm từ lúc khởi động)",
    "Statements of the neighbour dropped because there were too many in a day, since the start",
);
pub static STRAYS: Family = gauge(
    "lienthong_stray_receipts",
    LINK,
    "Biên nhận của trục kế cận về lượt gửi không có trong kho, được giữ riêng",
    "Receipts of the neighbour about consignments that are not in the store, kept aside",
);

pub static WAITING: Family = gauge(
    "lienthong_waiting",
    DESTINATION,
    "Đang chờ tại trục này: gói tin chờ gửi sang trục sau, lượt gửi nằm trong hộp thư, tin chưa báo",
    "Waiting here: packets due to a next hop, consignments in mailboxes, news not told yet",
);
pub static OLDEST: Family = gauge(
    "lienthong_oldest_waiting_seconds",
    DESTINATION,
    "Thứ chờ lâu nhất đã chờ bao nhiêu giây",
    "How long the oldest of those has waited",
);
pub static OUTBOX: Family =
    gauge("lienthong_outbox_packets", LANE, "Gói tin trong hàng gửi đi", "Packets in the outbox");
pub static RECEIPTS_WAITING: Family = gauge(
    "lienthong_receipts_waiting",
    LINK,
    "Biên nhận chờ trục kế cận xác nhận đã lưu",
    "Receipts that the neighbour has not yet confirmed as stored",
);
pub static UNDER_WAY: Family = gauge(
    "lienthong_link_under_way_packets",
    LANE,
    "Gói tin đã gửi, chưa có biên nhận",
    "Packets sent whose receipt is not here yet",
);
pub static BREAKER: Family = gauge(
    "lienthong_link_breaker_open",
    LANE,
    "1 khi tuyến tạm ngừng sau lỗi, đang thử lại thưa dần",
    "1 while the lane pauses after failures and tries again at intervals",
);
pub static FAILURES: Family = gauge(
    "lienthong_link_failures",
    LANE,
    "Số lần lỗi liên tiếp từ lần gửi được gần nhất",
    "Failures in a row since the last success",
);

pub static OUTLET_UNSEEN: Family = gauge(
    "lienthong_outlet_unseen",
    &["outlet"],
    "Số việc (hộp thư của một tài khoản, kết quả đã gửi, danh mục) đang không hỏi được ở hệ thống ngoài",
    "Things (an account's mail, reports, the list of agencies) that cannot be asked for at a system outside just now",
);
pub static OUTLET_ASIDE: Family = gauge(
    "lienthong_outlet_aside_packets",
    &["outlet"],
    "Gói tin còn nằm ở hệ thống ngoài vì trục chưa nhận được theo danh mục, chứng thư hoặc cấu hình hiện tại",
    "Packets that lie at a system outside because they are not taken as the directory, certificates or settings stand",
);

pub static OUTLET_FAILURES: Family = gauge(
    "lienthong_outlet_failures",
    &["outlet"],
    "Số lần hỏi hệ thống ngoài không được liên tiếp, của việc tệ nhất",
    "Looks at a system outside that failed in a row, of the thing that goes worst",
);
pub static OUTLET_SUCCEEDED: Family = gauge(
    "lienthong_outlet_success_timestamp_seconds",
    &["outlet"],
    "Lần hỏi được gần nhất của việc lâu nhất chưa hỏi được (giây Unix); việc chưa từng hỏi được thì không tính",
    "When the thing that was not asked for longest was last asked for with success, Unix time; what never was is left out",
);

pub static CANARY_MISSING: Family = gauge(
    "lienthong_canary_missing",
    &[],
    "Số nơi mà văn bản thử gần nhất quá hạn hoặc không tới",
    "Recipients whose last test document is overdue or did not arrive",
);
pub static CANARY_ROUND_TRIP: Family = gauge(
    "lienthong_canary_round_trip_seconds",
    &["statistic"],
    "Từ lúc gửi văn bản thử đến khi có biên nhận giao, theo lần gần nhất của mỗi nơi: trung vị (median), lâu nhất (worst)",
    "From sending a test document until the receipt of its hand-over was here, over the last one to each recipient: median and worst",
);

pub static LEDGER_SIZE: Family = gauge(
    "lienthong_ledger_size",
    &[],
    "Số biên nhận trong nhật ký Merkle của trục",
    "Receipts in this gateway's Merkle log",
);
pub static LEDGER_COSIGNED: Family = gauge(
    "lienthong_ledger_cosigned_size",
    &[],
    "Độ dài nhật ký ở lần có trục kế cận cùng ký gần nhất",
    "Size of the log when a neighbour last cosigned it",
);
pub static LEDGER_ALARMS: Family = gauge(
    "lienthong_ledger_alarms",
    &[],
    "Cảnh báo về nhật ký Merkle (LT-LED-0010 đến 0013)",
    "Alarms about logs (LT-LED-0010 to 0013)",
);

pub static NEWS_FAILURES: Family = gauge(
    "lienthong_news_failures",
    &["subscriber"],
    "Số lần báo tin không thành từ lần thành công gần nhất",
    "Failed attempts to tell news since the last success",
);

pub static ALARMS: Family = gauge(
    "lienthong_alarms",
    &["kind"],
    "Số cảnh báo đang có của trục, theo loại (docs/alerts.md)",
    "Alarms of the gateway that stand now, by kind (docs/alerts.md)",
);
pub static CERTIFICATE_DAYS: Family = gauge(
    "lienthong_certificate_days_left",
    &["use"],
    "Số ngày còn hạn ít nhất trong các chứng thư cùng công dụng; số âm là đã hết hạn",
    "Days left of the certificate of this use that ends first; less than none when it has ended",
);
pub static DISK_FREE: Family =
    gauge("lienthong_disk_free_bytes", &[], "Chỗ trống trên đĩa dữ liệu", "Bytes free on the disk of the data folder");
pub static DISK_SIZE: Family =
    gauge("lienthong_disk_size_bytes", &[], "Dung lượng đĩa dữ liệu", "Size of the disk of the data folder in bytes");
pub static STORE_SIZE: Family = gauge(
    "lienthong_store_bytes",
    &["file"],
    "Dung lượng cơ sở dữ liệu (database) và nhật ký ghi của nó (log); không kể các gói tin",
    "Size of the database and of its write-ahead log in bytes, packets not included",
);
pub static STORE_CALLS: Family = gauge(
    "lienthong_store_calls_waiting",
    &[],
    "Số việc ghi đang chờ đến lượt vào kho; đầy hàng là 4096",
    "Writes that wait for their turn at the store; the queue is full at 4096",
);

pub static DEAD_LETTERS: Family = gauge(
    "lienthong_dead_letters",
    &["broker"],
    "Thông điệp không xử lý được đang để riêng ở máy chủ AMQP",
    "Messages that could not be handled and are set aside at the broker",
);
pub static SPANS: Family = counter(
    "lienthong_spans_total",
    &["outcome"],
    "Đoạn dấu vết OpenTelemetry đã gửi (told) và đã bỏ (dropped) từ lúc khởi động; luôn là 0 khi không khai [traces]",
    "Spans of OpenTelemetry told and dropped since the start; none without [traces]",
);

/// Every metric, in the order in which they are written.
pub static ALL: &[&Family] = &[
    &BUILD,
    &READY,
    &PART,
    &ALARMS,
    &INTAKE_PACKETS,
    &INTAKE_REFUSALS,
    &INTAKE_BYTES,
    &INTAKE_SECONDS,
    &ACCEPTED,
    &HANDED_OVER,
    &REFUSED,
    &FAILED,
    &PASSED_OUTSIDE,
    &IN_FLIGHT,
    &BALANCED,
    &DIFFERENCES,
    &ACCOUNTED_AT,
    &LINK_DIFFERENCES,
    &LINK_DAYS_OPEN,
    &LINK_DROPPED,
    &STRAYS,
    &NEWS_FAILURES,
    &WAITING,
    &OLDEST,
    &OUTBOX,
    &RECEIPTS_WAITING,
    &UNDER_WAY,
    &BREAKER,
    &DEAD_LETTERS,
    &FAILURES,
    &OUTLET_UNSEEN,
    &OUTLET_ASIDE,
    &OUTLET_FAILURES,
    &OUTLET_SUCCEEDED,
    &CANARY_MISSING,
    &CANARY_ROUND_TRIP,
    &LEDGER_SIZE,
    &LEDGER_COSIGNED,
    &LEDGER_ALARMS,
    &CERTIFICATE_DAYS,
    &DISK_FREE,
    &DISK_SIZE,
    &STORE_SIZE,
    &STORE_CALLS,
    &SPANS,
];
