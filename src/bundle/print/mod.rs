//! The answer on paper: one sheet of blocks, written as HTML or as PDF.
//!
//! Vietnamese first, English beside. Nothing here judges: the sheet says what [`Answer`] says, of an invalid bundle only
//! that it is invalid and why. Texts come from outside (subjects, reasons of refusal): HTML escapes all of them, and the
//! PDF shows glyphs only. Two QR codes carry the digests of packet and bundle, so that paper and file can be held
//! against each other.

mod font;
mod html;
mod pdf;

use qrcode::{Color, EcLevel, QrCode};

use super::answer::{Answer, Line, Told};
use super::words::{self, in_vietnam};
use crate::receipts::Outside;

pub use html::html;
pub use pdf::{CannotPrint, pdf};

/// One piece of the sheet, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    Title {
        vi: &'static str,
        en: &'static str,
    },
    Verdict {
        good: bool,
        vi: String,
        en: String,
    },
    Heading(String),
    /// Label, and what is said.
    Fact(&'static str, String),
    /// One receipt.
    Row {
        time: String,
        hop: String,
        vi: String,
        en: String,
        more: Vec<String>,
    },
    Note(String),
    Codes(Vec<Code>),
}

/// A QR code under its label and over its text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Code {
    label: &'static str,
    text: String,
    /// Modules in a side, without the quiet zone.
    side: usize,
    /// Row by row; true is dark.
    dark: Vec<bool>,
}

impl Code {
    fn of(label: &'static str, text: String) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Some(Self { label, text, side: code.width(), dark })
    }

    /// Runs of dark modules: column, row, length.
    fn runs(&self) -> Vec<(usize, usize, usize)> {
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (place, _) in self.dark.iter().enumerate().filter(|(_, dark)| **dark) {
            let (column, row) = (place % self.side, place / self.side);
            match runs.last_mut() {
                Some((start, in_row, length)) if *in_row == row && *start + *length == column => *length += 1,
                _ => runs.push((column, row, 1)),
            }
        }
        runs
    }
}

fn sheet(answer: &Answer) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title {
            vi: "Chứng minh đường đi của văn bản điện tử",
            en: "Proof of what became of an official document",
        },
        verdict(answer),
    ];
    facts(answer, &mut blocks);
    for told in &answer.consignments {
        consignment(told, &mut blocks);
    }
    notes(answer, &mut blocks);
    let packet = answer.packet.and_then(|digest| Code::of("Mã băm gói tin — packet digest", digest.to_string()));
    let bundle = Code::of("Mã băm tệp chứng minh — bundle digest", answer.bundle.to_string());
    blocks.push(Block::Codes(packet.into_iter().chain(bundle).collect()));
    blocks
}

fn verdict(answer: &Answer) -> Block {
    let outcome = words::of_answer(answer);
    if answer.is_valid() {
        let (mut vi, mut en) = (format!("HỢP LỆ: {}", outcome.vi), format!("VALID: {}", outcome.en));
        if let Some((part_vi, part_en)) = answer.left_out() {
            vi = format!("{vi} ({part_vi})");
            en = format!("{en} ({part_en})");
        }
        return Block::Verdict { good: true, vi, en };
    }
    let (part, reason) = (answer.part.as_deref().unwrap_or("?"), answer.reason.as_deref().unwrap_or("?"));
    Block::Verdict { good: false, vi: "KHÔNG HỢP LỆ".to_owned(), en: format!("INVALID: {part}: {reason}") }
}

fn facts(answer: &Answer, blocks: &mut Vec<Block>) {
    let first = answer.consignments.first().and_then(|told| told.receipts.first());
    let sent = first.map(|line| format!("{}, qua trục {} — via {}", in_vietnam(line.time), line.hop, line.hop));
    let size = answer.size.map(|size| format!("{size} byte"));
    let sealed = answer.sealed_by.as_ref().zip(answer.sealed_at);
    let facts = [
        ("Văn bản — document", answer.document_id.clone()),
        ("Trích yếu — subject", answer.subject.clone()),
        ("Nơi gửi — from", answer.from.as_ref().map(ToString::to_string)),
        ("Thời điểm gửi — sent", sent),
        ("docId", answer.doc_id.map(|id| id.to_string())),
        ("Kích thước — size", size),
        ("Niêm phong — sealed", sealed.map(|(hop, time)| format!("{hop}, {}", in_vietnam(time)))),
    ];
    blocks.extend(facts.into_iter().filter_map(|(label, fact)| Some(Block::Fact(label, fact?))));
    let packet = match (answer.packet_matches, answer.packet_inside) {
        (Some(true), _) => "gói tin đưa ra đúng là gói đã gửi — the packet given is the one sent",
        (Some(false), _) => "gói tin đưa ra KHÔNG phải gói đã gửi — the packet given is NOT the one sent",
        (None, true) => "kèm trong tệp, đúng mã băm — inside, and matches",
        (None, false) => "không kèm theo — not inside",
    };
    if !answer.consignments.is_empty() {
        blocks.push(Block::Fact("Gói tin — packet", packet.to_owned()));
    }
}

fn consignment(told: &Told, blocks: &mut Vec<Block>) {
    let outcome = words::of_told(told);
    let to = told.recipient.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    blocks.push(Block::Heading(format!("Nơi nhận — to {to}: {} — {}", outcome.vi, outcome.en)));
    blocks.extend(told.receipts.iter().map(row));
    if !told.late.is_empty() {
        blocks.push(Block::Note(
            "Chứng cứ đến muộn, không thay đổi kết quả — late evidence that changed nothing:".into(),
        ));
        blocks.extend(told.late.iter().map(row));
    }
}

fn row(line: &Line) -> Block {
    let event = words::of_event(line.event);
    let mut more = Vec::new();
    if let Some(Outside { system, id, sent, answer, .. }) = &line.outside {
        let id = id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let answer = answer.as_ref().map(|answer| format!(": {answer}")).unwrap_or_default();
        more.push(format!("Theo lời hệ thống ngoài — on the word of the system outside: {system}{id}{answer}"));
        more.extend(sent.map(|sent| format!("Đã gửi dạng ghi lại — sent as other bytes: {sent}")));
    }
    if let Some(reason) = &line.reason {
        let english = line.reason_en.as_ref().map(|english| format!(" — {english}")).unwrap_or_default();
        more.push(format!("Lý do — reason: {reason}{english}"));
    }
    more.push(match &line.ledger {
        None => "chưa có trong sổ cái — not in a ledger yet".to_owned(),
        Some(place) => {
            let witnesses: Vec<String> =
                place.witnesses.iter().map(|by| format!("{} ({})", by.hop, in_vietnam(by.time))).collect();
            let witnesses =
                if witnesses.is_empty() { "chưa có — none yet".to_owned() } else { witnesses.join(", ") };
            format!("sổ cái — ledger {} #{}; nhân chứng — witnesses: {witnesses}", place.origin, place.number)
        }
    });
    let (time, hop) = (in_vietnam(line.time), line.hop.to_string());
    Block::Row { time, hop, vi: event.vi.to_owned(), en: event.en.to_owned(), more }
}

fn notes(answer: &Answer, blocks: &mut Vec<Block>) {
    if answer.consignments.is_empty() {
        return;
    }
    let (all, sure) = (answer.receipts, answer.receipts_witnessed);
    let told = format!(
        "{all} biên nhận, {sure} nằm trong sổ cái có nhân chứng — {all} receipts, {sure} in a witnessed ledger."
    );
    blocks.push(Block::Note(told));
    blocks.extend(answer.contradictions.iter().map(|found| {
        let (vi, en) = words::of_contradiction(found);
        Block::Note(format!("CẢNH BÁO: {vi} — WARNING: {en}."))
    }));
    blocks.extend(
        answer
            .revocation_not_checked
            .iter()
            .map(|why| Block::Note(format!("Chưa kiểm tra được thu hồi — revocation not checked: {why}"))),
    );
    let how = "Giờ Việt Nam. Kiểm tra lại từ tệp — Vietnam time. Check again from the file: \
               lienthong verify FILE --trust DIR";
    blocks.push(Block::Note(how.to_owned()));
}
