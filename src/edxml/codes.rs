//! The code lists of a packet, as closed lists with a way out: a number that no list knows is kept as it is.

use lienthong_contract::Text;

/// Kind of act (`BussinessDocType`, list 6.1 of the packet format).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum BusinessType {
    #[default]
    New,
    Revoke,
    Update,
    Replace,
    Other(i32),
}

impl BusinessType {
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        match code {
            0 => Self::New,
            1 => Self::Revoke,
            2 => Self::Update,
            3 => Self::Replace,
            other => Self::Other(other),
        }
    }

    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::New => 0,
            Self::Revoke => 1,
            Self::Update => 2,
            Self::Replace => 3,
            Self::Other(code) => code,
        }
    }
}

/// Urgency (`Priority`, mức độ khẩn).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Thường.
    #[default]
    Normal,
    /// Khẩn.
    Urgent,
    /// Thượng khẩn.
    VeryUrgent,
    /// Hoả tốc.
    Express,
    /// Hoả tốc hẹn giờ.
    TimedExpress,
    Other(i32),
}

impl Urgency {
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        match code {
            0 => Self::Normal,
            1 => Self::Urgent,
            2 => Self::VeryUrgent,
            3 => Self::Express,
            4 => Self::TimedExpress,
            other => Self::Other(other),
        }
    }

    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Normal => 0,
            Self::Urgent => 1,
            Self::VeryUrgent => 2,
            Self::Express => 3,
            Self::TimedExpress => 4,
            Self::Other(code) => code,
        }
    }

    /// True when it goes through the urgent lane.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        self.code() > 0
    }
}

/// Kind of steering (`SteeringType`): the readings in use conflict, so it is an opaque small number that is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SteeringType(pub i32);

/// What became of a receiver in an update (`ReceiverType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    Removed,
    Added,
    Other(i32),
}

impl Change {
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        match code {
            0 => Self::Removed,
            1 => Self::Added,
            other => Self::Other(other),
        }
    }

    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Removed => 0,
            Self::Added => 1,
            Self::Other(code) => code,
        }
    }
}

/// Business status of a document at its receiver (`StatusCode`, two digits).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StatusCode {
    /// 01, đã đến.
    Arrived,
    /// 02, từ chối tiếp nhận.
    Refused,
    /// 03, tiếp nhận, vào sổ.
    Accepted,
    /// 04, phân công xử lý.
    Assigned,
    /// 05, đang xử lý.
    InProcess,
    /// 06, hoàn thành xử lý.
    Completed,
    /// 13, yêu cầu lấy lại; sent by the original sender.
    TakeBackRequested,
    /// 15, đồng ý cập nhật hoặc lấy lại.
    TakeBackAgreed,
    /// 16, từ chối cập nhật hoặc lấy lại.
    TakeBackRefused,
    /// A code of no list (103 and 104 of one product among them), as it was written.
    Other(String),
}

impl StatusCode {
    /// Every code of the list, in its order.
    pub const LISTED: [Self; 9] = [
        Self::Arrived,
        Self::Refused,
        Self::Accepted,
        Self::Assigned,
        Self::InProcess,
        Self::Completed,
        Self::TakeBackRequested,
        Self::TakeBackAgreed,
        Self::TakeBackRefused,
    ];

    /// What a listed code means.
    #[must_use]
    pub const fn meaning(&self) -> Option<Text> {
        let (vi, en) = match self {
            Self::Arrived => ("đã đến", "arrived"),
            Self::Refused => ("từ chối tiếp nhận", "refused"),
            Self::Accepted => ("tiếp nhận, vào sổ", "accepted and registered"),
            Self::Assigned => ("phân công xử lý", "assigned"),
            Self::InProcess => ("đang xử lý", "in process"),
            Self::Completed => ("hoàn thành xử lý", "completed"),
            Self::TakeBackRequested => ("bên gửi yêu cầu lấy lại", "the sender asks for it back"),
            Self::TakeBackAgreed => ("đồng ý cập nhật hoặc lấy lại", "update or taking back agreed to"),
            Self::TakeBackRefused => ("từ chối cập nhật hoặc lấy lại", "update or taking back refused"),
            Self::Other(_) => return None,
        };
        Some(Text { vi, en })
    }

    /// Reads a code; one digit is padded to two (quirk Q23).
    #[must_use]
    pub fn from_code(text: &str) -> Self {
        match text.trim() {
            "01" | "1" => Self::Arrived,
            "02" | "2" => Self::Refused,
            "03" | "3" => Self::Accepted,
            "04" | "4" => Self::Assigned,
            "05" | "5" => Self::InProcess,
            "06" | "6" => Self::Completed,
            "13" => Self::TakeBackRequested,
            "15" => Self::TakeBackAgreed,
            "16" => Self::TakeBackRefused,
            one if one.len() == 1 && one.bytes().all(|b| b.is_ascii_digit()) => Self::Other(format!("0{one}")),
            other => Self::Other(other.to_owned()),
        }
    }

    /// The two digits (or whatever the sender wrote).
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Arrived => "01",
            Self::Refused => "02",
            Self::Accepted => "03",
            Self::Assigned => "04",
            Self::InProcess => "05",
            Self::Completed => "06",
            Self::TakeBackRequested => "13",
            Self::TakeBackAgreed => "15",
            Self::TakeBackRefused => "16",
            Self::Other(code) => code,
        }
    }
}
