//! Outcomes and events as people say them.

use lienthong_contract::{Instant, Text};

use super::{Answer, Contradiction, Told};
use crate::receipts::Event;

/// A moment as it is read in Vietnam.
#[must_use]
pub fn in_vietnam(time: Instant) -> String {
    time.in_vietnam().strftime("%d/%m/%Y %H:%M:%S").to_string()
}

/// What became of a consignment, or of the submission that was refused.
#[must_use]
pub fn of_told(told: &Told) -> Text {
    if told.is_submission() { of_event(Event::SubmissionRejection) } else { of_outcome(told.outcome) }
}

/// What became of the document.
#[must_use]
pub fn of_answer(answer: &Answer) -> Text {
    match answer.consignments.as_slice() {
        [only] => of_told(only),
        _ => of_outcome(answer.outcome),
    }
}

/// An outcome ([`super::outcome`], or `mixed`) in both languages.
#[must_use]
pub fn of_outcome(outcome: &str) -> Text {
    let (vi, en) = match outcome {
        "handed-over" => ("bên nhận đã tiếp nhận", "handed over to the recipient"),
        "refused" => ("bên nhận trả lại", "given back by the recipient"),
        "rejected" => ("trục sau từ chối", "rejected by a later hop"),
        "failed" => ("không chuyển được", "could not be delivered"),
        "in-mailbox" => ("đã vào hộp thư, bên nhận chưa tiếp nhận", "in the recipient's mailbox, not taken over yet"),
        "in-flight" => ("đang trên đường", "on its way"),
        "left-the-network" => ("đã chuyển cho hệ thống không cấp biên nhận", "handed to a system without receipts"),
        "mixed" => ("mỗi nơi nhận một kết quả", "differs between recipients"),
        _ => ("không chứng minh được", "not proven"),
    };
    Text { vi, en }
}

/// An event in both languages.
#[must_use]
pub const fn of_event(event: Event) -> Text {
    let (vi, en) = match event {
        Event::SubmissionAcceptance => ("tiếp nhận từ bên gửi", "accepted from the sender"),
        Event::SubmissionRejection => ("từ chối tiếp nhận", "refused at submission"),
        Event::RelayAcceptance => ("nhận bàn giao từ trục trước", "custody taken from the hop before"),
        Event::RelayRejection => ("từ chối nhận bàn giao", "custody refused"),
        Event::RelayFailure => ("quá hạn, không chuyển tiếp được", "could not be passed on by the deadline"),
        Event::ContentConsignment => ("đưa vào hộp thư bên nhận", "laid into the recipient's mailbox"),
        Event::ContentConsignmentFailure => ("không đưa được vào hộp thư", "could not be laid into the mailbox"),
        Event::ContentHandover => ("bên nhận tiếp nhận", "taken over by the recipient"),
        Event::ContentHandoverFailure => ("không giao được cho bên nhận", "could not be handed over to the recipient"),
        Event::ConsignmentRejection => ("bên nhận trả lại", "given back by the recipient"),
        Event::RelayToNonERDS => ("chuyển cho hệ thống không cấp biên nhận", "handed to a system without receipts"),
        Event::RelayToNonERDSFailure => {
            ("không chuyển được cho hệ thống ngoài", "could not be handed to a system outside")
        }
        Event::ReceivedFromNonERDS => ("nhận từ hệ thống không cấp biên nhận", "taken from a system without receipts"),
    };
    Text { vi, en }
}

/// A warning that names the hop and both receipts, in Vietnamese and English.
#[must_use]
pub fn of_contradiction(found: &Contradiction) -> (String, String) {
    let Contradiction { hop, part, event, contradicts, contradicts_event, contradicts_hop, .. } = found;
    let (event, before) = (event.as_str(), contradicts_event.as_str());
    (
        format!(
            "Trục {hop} đã ký {event} ({part}), mâu thuẫn với {before} của {contradicts_hop} ({contradicts}); \
             không làm thay đổi kết quả"
        ),
        format!(
            "{hop} signed {event} ({part}), which contradicts {before} by {contradicts_hop} ({contradicts}); it changes \
             nothing"
        ),
    )
}
