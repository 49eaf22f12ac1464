//! What people do to documents, destinations and what brokers set aside: send again, redirect, cancel, confirm, close, open,
//! put back, let go.
//!
//! ```text
//!  Act ─► plan: what it would do, to how many, what it cannot do and why ─► perform ─► store: effect + record, one transaction
//!            └► of more than one document, or of trust: a proposal that a second person answers
//! ```
//!
//! Every act is written down as a statement that this hop signs ([`Statement`]); it stands in the log of receipts and on the
//! timelines of its documents. What changes nothing is not written down, so an act that is repeated has one record.
//!
//! A document that failed has had its end, and receipts are never taken back: to send it again is a new submission of the
//! same bytes under a new docId, which says who sent it. The store lets each consignment be sent again once.
//!
//! Failure story: a plan may be out of date when it is performed; then the store changes nothing of that document, and the
//! answer counts it as left out. A crash between the transaction and the lanes costs the lanes' next look.

pub mod aside;
pub mod desk;
pub mod findings;
pub mod secrets;

use serde::{Deserialize, Serialize};

use lienthong_contract::{AgencyCode, ConsignmentId, Digest, DocId, HopName, Instant, Text};

use crate::directory::sheet::Sheet;

pub use desk::{Actor, Desk, Done, Fault, Plan, Planned};

/// The `typ` of a [`Statement`].
pub const TYPE: &str = "lienthong-act+jwt";

/// The most documents that a statement names; of more it gives the number and a digest over all names.
const NAMED: usize = 64;

/// What is done to documents or destinations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// What waits for a destination is tried now, without waiting for its pause.
    TryNow {
        destination: HopName,
    },
    /// Documents that ended badly go out again, each under a new docId.
    SendAgain {
        consignments: Vec<ConsignmentId>,
    },
    /// The same, to the successor of the recipient.
    Redirect {
        consignment: ConsignmentId,
        to: AgencyCode,
    },
    /// Ends what has not been passed on or collected.
    Cancel {
        consignments: Vec<ConsignmentId>,
    },
    /// Attests that the recipient has it, on somebody's word.
    Confirm {
        consignment: ConsignmentId,
    },
    /// What failed has been seen to by other means: it is no longer listed as stuck.
    Dismiss {
        consignments: Vec<ConsignmentId>,
    },
    /// Nothing is sent to a destination until it is opened.
    Close {
        destination: HopName,
    },
    /// Puts a table of agencies into the directory's file.
    Agencies {
        sheet: Sheet,
    },
    Open {
        destination: HopName,
    },
    /// Messages that a broker set aside go back into the queues that they came from.
    PutBack {
        broker: String,
    },
    /// They are let go of, at most so many.
    LetGo {
        broker: String,
        most: u32,
    },
    /// A system gets a new secret; the one that it used until now counts as well.
    NewSecret {
        system: String,
    },
    /// Of a system's two secrets the older one counts no more.
    DropSecret {
        system: String,
    },
}

impl Act {
    /// Its row in the list of kinds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::TryNow { .. } => Kind::TryNow,
            Self::SendAgain { .. } => Kind::SendAgain,
            Self::Redirect { .. } => Kind::Redirect,
            Self::Cancel { .. } => Kind::Cancel,
            Self::Confirm { .. } => Kind::Confirm,
            Self::Dismiss { .. } => Kind::Dismiss,
            Self::Close { .. } => Kind::Close,
            Self::Open { .. } => Kind::Open,
            Self::Agencies { .. } => Kind::Agencies,
            Self::PutBack { .. } => Kind::PutBack,
            Self::LetGo { .. } => Kind::LetGo,
            Self::NewSecret { .. } => Kind::NewSecret,
            Self::DropSecret { .. } => Kind::DropSecret,
        }
    }

    /// The consignments that it names.
    #[must_use]
    pub fn consignments(&self) -> Vec<ConsignmentId> {
        match self {
            Self::SendAgain { consignments } | Self::Cancel { consignments } | Self::Dismiss { consignments } => {
                consignments.clone()
            }
            Self::Redirect { consignment, .. } | Self::Confirm { consignment } => vec![*consignment],
            Self::TryNow { .. }
            | Self::Close { .. }
            | Self::Open { .. }
            | Self::Agencies { .. }
            | Self::PutBack { .. }
            | Self::LetGo { .. }
            | Self::NewSecret { .. }
            | Self::DropSecret { .. } => Vec::new(),
        }
    }

    /// The destination that it names.
    #[must_use]
    pub const fn destination(&self) -> Option<&HopName> {
        match self {
            Self::TryNow { destination } | Self::Close { destination } | Self::Open { destination } => {
                Some(destination)
            }
            _ => None,
        }
    }

    /// The system that it names.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        match self {
            Self::NewSecret { system } | Self::DropSecret { system } => Some(system),
            _ => None,
        }
    }

    /// The broker that it names.
    #[must_use]
    pub fn broker(&self) -> Option<&str> {
        match self {
            Self::PutBack { broker } | Self::LetGo { broker, .. } => Some(broker),
            _ => None,
        }
    }
}

macro_rules! kinds {
    ($($name:ident $word:literal $vi:literal / $en:literal)*) => {
        /// Everything that is written down, a closed list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($name),* }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it is stored and signed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// As it is shown.
            #[must_use]
            pub const fn text(self) -> Text {
                match self { $(Self::$name => Text { vi: $vi, en: $en }),* }
            }
        }
    };
}

kinds! {
    SignIn "sign-in" "Đăng nhập" / "Signed in"
    SignInRefused "sign-in-refused" "Đăng nhập bị từ chối" / "Sign-in refused"
    SignOut "sign-out" "Đăng xuất" / "Signed out"
    Password "password" "Đổi mật khẩu" / "Changed the password"
    SecondFactor "second-factor" "Đăng ký mã xác thực" / "Set up the second factor"
    AddAccount "add-account" "Thêm tài khoản" / "Added an account"
    ChangeAccount "change-account" "Sửa tài khoản" / "Changed an account"
    Download "download" "Tải gói tin" / "Downloaded a packet"
    Export "export" "Tải số liệu" / "Downloaded figures"
    TryNow "try-now" "Thử gửi lại ngay" / "Tried at once"
    SendAgain "send-again" "Gửi lại" / "Sent again"
    Redirect "redirect" "Chuyển sang cơ quan kế thừa" / "Redirected to the successor"
    Cancel "cancel" "Dừng chuyển" / "Stopped"
    Confirm "confirm" "Xác nhận đã nhận" / "Confirmed by hand"
    Dismiss "dismiss" "Đánh dấu đã xử lý" / "Marked as seen to"
    Close "close" "Đóng tuyến" / "Closed a destination"
    Open "open" "Mở tuyến" / "Opened a destination"
    Agencies "agencies" "Cập nhật danh mục cơ quan" / "Changed the directory of agencies"
    PutBack "put-back" "Đưa lại thông điệp để riêng" / "Put back what was set aside"
    LetGo "let-go" "Bỏ thông điệp để riêng" / "Let go of what was set aside"
    NewSecret "new-secret" "Cấp mã bí mật mới" / "Issued a new secret"
    DropSecret "drop-secret" "Bỏ mã bí mật cũ" / "Took the older secret back"
    Propose "propose" "Đề nghị" / "Proposed"
    Reject "reject" "Không đồng ý" / "Rejected a proposal"
    Acknowledge "acknowledge-alarm" "Nhận xử lý cảnh báo" / "Took up an alarm"
    TestAlert "test-alert" "Gửi thử cảnh báo" / "Sent a test notice"
}

impl Kind {
    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// What this hop signs of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Version of this form: 1.
    pub v: u8,
    pub hop: HopName,
    pub time: Instant,
    pub act: String,
    /// Who did it, and who agreed.
    pub actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// On what.
    pub subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The documents, at most `NAMED`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocId>,
    /// How many there are, and SHA-256 over their names, a line each, when not all are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents_in_all: Option<(u64, Digest)>,
}

impl Statement {
    /// Puts the documents in, or what stands for them.
    #[must_use]
    pub fn about(mut self, documents: &[DocId]) -> Self {
        self.documents = documents.iter().take(NAMED).copied().collect();
        if documents.len() > NAMED {
            let names = documents.iter().map(|name| format!("{name}\n")).collect::<String>();
            self.documents_in_all = Some((documents.len() as u64, Digest::of(names.as_bytes())));
        }
        self
    }
}
