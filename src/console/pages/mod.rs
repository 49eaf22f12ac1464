//! The pages, one file each.

pub mod account;
pub mod accounts;
pub mod acts;
pub mod agencies;
pub mod alarms;
pub mod assets;
pub mod audit;
pub mod canary;
pub mod certificates;
pub mod clocks;
pub mod document;
pub mod documents;
pub mod outgoing;
pub mod overview;
pub mod provider;
pub mod sign_in;
pub mod statistics;
pub mod stuck;
pub mod systems;

use crate::acts::Fault;

use super::http::{BAD_FORM, Problem, STORE};

/// What a fault of the desk is to whoever pressed the button.
fn refused(fault: &Fault) -> Problem {
    match fault {
        Fault::Cannot(text) => Problem { status: hyper::StatusCode::CONFLICT, text: *text, more: None },
        Fault::Store(crate::store::Error::Unavailable(why)) => {
            tracing::warn!(%why, "an act of the console was not taken");
            Problem { status: hyper::StatusCode::CONFLICT, text: STALE, more: None }
        }
        Fault::Proposal(_) => BAD_FORM,
        Fault::File(why) => {
            tracing::error!(%why, "a file that the console was to change is as it was");
            Problem { status: hyper::StatusCode::INTERNAL_SERVER_ERROR, text: FILE, more: None }
        }
        Fault::Broker(why) => {
            tracing::warn!(%why, "what a broker set aside could not be moved");
            Problem { status: hyper::StatusCode::BAD_GATEWAY, text: BROKER, more: None }
        }
        other => {
            tracing::error!(error = %other, "an act of the console failed");
            STORE
        }
    }
}

const FILE: lienthong_contract::Text = lienthong_contract::Text {
    vi: "Không ghi được tệp; tệp vẫn như cũ. Cho trục quyền ghi vào thư mục chứa tệp (với systemd: ReadWritePaths), xem lý do trong nhật ký của trục.",
    en: "The file could not be written and is as it was. Let the gateway write into its folder (with systemd: ReadWritePaths); the log has the reason.",
};

const BROKER: lienthong_contract::Text = lienthong_contract::Text {
    vi: "Máy chủ AMQP không trả lời như mong đợi; có thể mới làm được một phần. Xem nhật ký của trục rồi thử lại.",
    en: "The broker did not answer as expected; part of it may have been done. See the gateway's log and try again.",
};

const STALE: lienthong_contract::Text = lienthong_contract::Text {
    vi: "Việc này đã được làm, đã đổi, hoặc không do một mình bạn quyết được. Mở lại trang để xem tình trạng hiện nay.",
    en: "It was done already, has changed, or is not for you alone to decide. Open the page again to see how it stands.",
};
