//! Why documents do not move: a closed list of causes, each with whose turn it is and what to press.
//!
//! Three things are looked at: destinations that do not take what is sent ([`Cause::of_trouble`] reads their last error),
//! consignments that failed ([`Cause::of_code`] reads the code in the receipt that says so), and mailboxes that nobody
//! empties. What has no cause of its own counts as the nearest one, so that nothing that is stuck stays unlisted.
//!
//! The list is made anew every few seconds from what the store and the lanes know; nothing of it need be kept.

use lienthong_contract::door::ConsignmentState;
use lienthong_contract::{AgencyCode, HopName, Instant, Text};

use crate::delivery::DestinationState;

/// What a cause is mended with: the one button of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// Send to the destination now.
    TryNow,
    /// Open the destination.
    Open,
    /// Look at certificates and revocation lists.
    Certificates,
    /// Look at the directory of agencies.
    Agencies,
    /// Send what failed once more.
    SendAgain,
    /// See the documents, to decide about each.
    Look,
}

macro_rules! causes {
    ($($name:ident $word:literal $button:ident $title_vi:literal / $title_en:literal; $owner_vi:literal / $owner_en:literal;
       $next_vi:literal / $next_en:literal)*) => {
        /// A cause, in order of harm.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $($name),* }

        impl Cause {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it is stored, and part of paths.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            #[must_use]
            pub const fn title(self) -> Text {
                match self { $(Self::$name => Text { vi: $title_vi, en: $title_en }),* }
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

            #[must_use]
            pub const fn button(self) -> Button {
                match self { $(Self::$name => Button::$button),* }
            }
        }
    };
}

causes! {
    EndpointDown "endpoint-down" TryNow
        "Không tới được điểm nhận" / "The destination cannot be reached";
        "Quản trị bên nhận hoặc đường truyền" / "Whoever runs the destination, or the network";
        "Kiểm tra đường truyền và máy chủ bên nhận; trục tự gửi lại, hoặc bấm để thử ngay." /
        "Check the line and the far server; the gateway tries again by itself, or press to try now."
    CertificateExpired "certificate-expired" Certificates
        "Chứng thư số hết hạn hoặc không được tin cậy" / "A certificate has expired or is not trusted";
        "Quản trị trục, hoặc quản trị bên nhận nếu là chứng thư của họ" / "The gateway's administrator, or theirs for a certificate of theirs";
        "Xem chứng thư nào hết hạn, thay tệp chứng thư; trục tự đọc lại." /
        "See which one expired and replace its file; the gateway reads it again by itself."
    ClockOrRevocation "clock-or-revocation" Certificates
        "Danh sách thu hồi quá cũ hoặc đồng hồ lệch" / "A revocation list is too old, or a clock is wrong";
        "Quản trị trục" / "The gateway's administrator";
        "Đồng bộ đồng hồ (NTP), tải danh sách thu hồi mới." / "Set the clock by NTP, fetch the new revocation list."
    CredentialsRefused "credentials-refused" Look
        "Bên nhận không chấp nhận tài khoản kết nối" / "The destination refuses our credentials";
        "Quản trị trục" / "The gateway's administrator";
        "Kiểm tra mã bí mật, tài khoản hoặc quyền hàng đợi với bên nhận; thay tệp mã bí mật." /
        "Check secret, account or queue permissions with the far side; replace the file of the secret."
    Quota "quota" TryNow
        "Bên nhận đã đầy hoặc hạn chế tốc độ" / "The destination is full, or limits our pace";
        "Quản trị bên nhận" / "Whoever runs the destination";
        "Báo bên nhận giải phóng chỗ (đĩa, bộ nhớ, hàng đợi); trục tự gửi tiếp." /
        "Tell them to make room (disk, memory, queue); the gateway goes on by itself."
    ClosedByHand "closed-by-hand" Open
        "Tuyến đã bị đóng" / "The destination was closed by hand";
        "Người đã đóng tuyến" / "Whoever closed it";
        "Xem lý do đóng; mở lại khi đã xong việc." / "Read why it was closed; open it when that is done."
    Poison "poison" Look
        "Gói tin riêng lẻ gửi nhiều lần không được" / "Single packets that fail again and again";
        "Quản trị trục" / "The gateway's administrator";
        "Xem lỗi của từng gói; sửa nguyên nhân rồi thử lại, hoặc dừng và báo bên gửi." /
        "See each packet's error; mend it and try again, or stop it and tell the sender."
    RecipientUnknown "recipient-unknown" Agencies
        "Nơi nhận không có hoặc đã giải thể" / "The recipient is unknown or closed";
        "Bên gửi, hoặc quản trị danh mục" / "The sender, or whoever keeps the directory";
        "Kiểm tra mã trong danh mục; chuyển sang cơ quan kế thừa hoặc báo bên gửi." /
        "Check the code in the directory; redirect to the successor, or tell the sender."
    Schema "schema" Look
        "Trục sau hoặc hệ thống ngoài không nhận gói tin" / "A later hop or system did not take the packet";
        "Bên gửi" / "The sender";
        "Đọc lý do trong biên nhận; bên gửi sửa gói tin rồi gửi gói mới." /
        "Read the reason in the receipt; the sender mends the packet and sends a new one."
    NotCollected "not-collected" Look
        "Cơ quan nhận chưa lấy văn bản" / "An agency does not collect its documents";
        "Cơ quan nhận" / "The receiving agency";
        "Liên hệ cơ quan nhận kiểm tra phần mềm; quá hạn thì gửi lại khi họ sẵn sàng." /
        "Ask the agency to check its software; after the deadline, send again when it is ready."
}

impl Cause {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.as_str() == word)
    }

    /// The cause of a destination's trouble, by its last error.
    #[must_use]
    pub fn of_trouble(error: &str) -> Self {
        let error = error.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
        if says(&["unknownmember", "unknownservice", "http status 404"]) {
            Self::RecipientUnknown
        } else if says(&[
            "notvalidyet",
            "not valid yet",
            "revocationstatus",
            "revocation list",
            "revocationlist",
            "crl",
            "clock",
        ]) {
            Self::ClockOrRevocation
        } else if says(&["certificate", "certexpired", "unknownissuer", "tls", "badcertificate"]) {
            Self::CertificateExpired
        } else if says(&[
            "speaks for",
            "systemid",
            "access_refused",
            "access-refused",
            "not_allowed",
            "login",
            "secret",
            "401",
            "403",
            "unauthori",
            "forbidden",
        ]) {
            Self::CredentialsRefused
        } else if says(&[
            "blocked",
            "alarm",
            "nack",
            "queue is full",
            "full",
            "quota",
            "429",
            "507",
            "too many",
            "limit",
        ]) {
            Self::Quota
        } else {
            Self::EndpointDown
        }
    }

    /// The cause of a failure, by the code in the receipt that ended the consignment.
    #[must_use]
    pub fn of_code(code: &str, state: ConsignmentState) -> Self {
        use crate::delivery::findings as delivery;
        let is = |kinds: &[&lienthong_contract::Kind]| kinds.iter().any(|kind| kind.code == code);
        if is(&[&delivery::NOT_COLLECTED]) {
            Self::NotCollected
        } else if is(&[&crate::intake::findings::NO_ROUTE])
            || crate::rules::findings::ALL.iter().any(|kind| kind.code == code && kind.vxp == 18)
        {
            Self::RecipientUnknown
        } else if is(&[
            &delivery::NOT_RELAYED,
            &delivery::NOT_PASSED_OUT,
            &delivery::PERHAPS_OUTSIDE,
            &delivery::NO_NEWS,
        ]) {
            Self::EndpointDown
        } else if state == ConsignmentState::Rejected || code.starts_with("LT-") {
            Self::Schema
        } else {
            Self::Poison
        }
    }

    /// The cause of a destination that does not take what waits for it; nothing when it does.
    #[must_use]
    pub fn of_destination(state: &DestinationState, link: Option<&LinkTrouble>) -> Option<Self> {
        if state.closed {
            return Some(Self::ClosedByHand);
        }
        match link {
            Some(LinkTrouble { blocked: true, .. }) => return Some(Self::Quota),
            Some(LinkTrouble { connected: false, error, .. }) => {
                return Some(Self::of_trouble(error.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
        let failing = state.normal.failures.max(state.urgent.failures) > 0;
        failing.then(|| Self::of_trouble(state.last_error.as_deref().unwrap_or_default()))
    }
}

/// How the broker behind a destination is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTrouble {
    pub connected: bool,
    pub blocked: bool,
    pub error: Option<String>,
}

/// What is stuck for one cause.
#[derive(Debug, Clone)]
pub struct Group {
    pub cause: Cause,
    /// Consignments or packets.
    pub count: u64,
    /// How long the oldest has waited.
    pub since: Option<Instant>,
    /// Where, with how many each; empty where the cause has no place.
    pub places: Vec<Place>,
}

/// A place at which something is stuck.
#[derive(Debug, Clone)]
pub struct Place {
    pub at: At,
    pub count: u64,
    pub since: Option<Instant>,
    /// The last error, for those who run the gateway.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    Destination(HopName),
    Mailbox(AgencyCode),
}

impl Group {
    /// Puts places of the same cause together, and orders the groups by harm.
    #[must_use]
    pub fn of_places(places: Vec<(Cause, Place)>, failed: Vec<(Cause, u64, Option<Instant>)>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut put = |cause: Cause, count: u64, since: Option<Instant>, place: Option<Place>| {
            let at = groups.iter().position(|group| group.cause == cause);
            let at = at.unwrap_or_else(|| {
                groups.push(Self { cause, count: 0, since: None, places: Vec::new() });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(at) {
                group.count += count;
                group.since = [group.since, since].into_iter().flatten().min();
                group.places.extend(place);
            }
        };
        for (cause, place) in places {
            put(cause, place.count, place.since, Some(place));
        }
        for (cause, count, since) in failed.into_iter().filter(|(_, count, _)| *count > 0) {
            put(cause, count, since, None);
        }
        groups.sort_by_key(|group| group.cause);
        groups
    }
}

#[cfg(test)]
mod tests;
