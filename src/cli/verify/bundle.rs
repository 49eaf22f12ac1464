//! The answer to a bundle as people read it, Vietnamese first.

use std::collections::BTreeMap;

use lienthong_contract::AgencyCode;

use super::super::show::{self, say};
use crate::bundle::words::{self, in_vietnam};
use crate::bundle::{Answer, Line, Told};
use crate::receipts::Outside;

/// How a bundle's file begins, and what stands further on in it. One of the two survives any single flipped byte, so
/// that a damaged bundle is still judged as one.
const BEGINNING: &[u8] = b"{\"certificates\":[";
const FORMAT: &[u8] = b"\"format\":\"lienthong-bundle\"";

/// True for the file of a bundle, whole or damaged.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGINNING) || memchr::memmem::find(bytes, FORMAT).is_some()
}

pub fn tell(answer: &Answer) {
    if answer.consignments.is_empty() {
        return verdict(answer);
    }
    tell_document(answer);
    answer.consignments.iter().for_each(tell_consignment);
    tell_ledger(answer);
    for found in &answer.contradictions {
        let (vi, en) = words::of_contradiction(found);
        say!("! {vi} — {en}");
    }
    for why in &answer.revocation_not_checked {
        say!("! chưa kiểm tra được thu hồi — revocation not checked: {why}");
    }
    verdict(answer);
}

fn tell_document(answer: &Answer) {
    let name = answer.document_id.as_deref().unwrap_or("(không có DocumentId — without DocumentId)");
    say!("Văn bản — document: {name}");
    if let Some(subject) = &answer.subject {
        say!("  {subject}");
    }
    let first = answer.consignments.first().and_then(|told| told.receipts.first());
    let from = answer.from.as_ref().map(AgencyCode::as_str).unwrap_or("?");
    if let Some(first) = first {
        let (time, hop) = (in_vietnam(first.time), &first.hop);
        say!("  {from} gửi lúc {time} (giờ Việt Nam) qua trục {hop} — sent by {from} at {}", first.time);
    }
    if let (Some(digest), Some(size), Some(doc_id)) = (answer.packet, answer.size, answer.doc_id) {
        say!("  docId {doc_id} · {} · {digest}", show::size(size));
    }
    match (answer.packet_matches, answer.packet_inside) {
        (Some(true), _) => say!("  gói tin đưa ra đúng là gói tin đã gửi — the packet given is the one that was sent"),
        (Some(false), _) => say!("  gói tin đưa ra KHÔNG phải gói tin đã gửi — the packet given is NOT the one sent"),
        (None, true) => say!("  gói tin kèm trong tệp, đúng mã băm — the packet is inside and matches"),
        (None, false) => say!("  gói tin không kèm theo (nội dung có thể đã được hủy) — the packet is not inside"),
    }
}

fn tell_consignment(told: &Told) {
    let outcome = words::of_told(told);
    let recipient = told.recipient.as_ref().map_or("?", AgencyCode::as_str);
    say!("✓ → {recipient}: {} — {}", outcome.vi, outcome.en);
    told.receipts.iter().for_each(|line| tell_line(line, "✓"));
    if !told.late.is_empty() {
        say!("    chứng cứ đến muộn, không thay đổi kết quả — late evidence that changed nothing:");
        told.late.iter().for_each(|line| tell_line(line, "·"));
    }
}

fn tell_line(line: &Line, mark: &str) {
    let event = words::of_event(line.event);
    let place = match &line.ledger {
        None => "  [chưa có trong sổ cái — not in a ledger yet]".to_owned(),
        Some(place) if place.witnesses.is_empty() => format!("  [sổ cái — ledger #{}]", place.number),
        Some(place) => {
            let hops: Vec<&str> = place.witnesses.iter().map(|witness| witness.hop.as_str()).collect();
            format!("  [sổ cái — ledger #{}, nhân chứng — witnesses: {}]", place.number, hops.join(", "))
        }
    };
    say!("    {mark} {}  {:<11} {} — {}{place}", in_vietnam(line.time), line.hop.as_str(), event.vi, event.en);
    if let Some(reason) = &line.reason {
        let english = line.reason_en.as_ref().map(|english| format!(" — {english}")).unwrap_or_default();
        say!("        lý do — reason: {reason}{english}");
    }
    if let Some(Outside { system, id, sent, answer, .. }) = &line.outside {
        show::outside(system, (id.as_deref(), answer.as_deref()), *sent);
    }
}

fn tell_ledger(answer: &Answer) {
    let mut witnesses: BTreeMap<&str, usize> = BTreeMap::new();
    let lines = answer.consignments.iter().flat_map(|told| &told.receipts);
    for witness in lines.filter_map(|line| line.ledger.as_ref()).flat_map(|place| &place.witnesses) {
        let count = witnesses.entry(witness.hop.as_str()).or_default();
        *count = count.saturating_add(1);
    }
    if witnesses.is_empty() {
        say!("Nhân chứng — witnesses: chưa có — none yet");
    } else {
        let hops: Vec<&str> = witnesses.keys().copied().collect();
        say!("Nhân chứng — witnesses: {}", hops.join(", "));
    }
    let (all, sure) = (answer.receipts, answer.receipts_witnessed);
    if sure < all {
        say!(
            "! {} biên nhận chưa nằm trong sổ cái có nhân chứng — receipts not yet in a witnessed ledger:",
            all - sure
        );
        say!("    {}", some_of(&answer.unwitnessed));
    }
    if let (Some(hop), Some(time)) = (&answer.sealed_by, answer.sealed_at) {
        say!("Niêm phong bởi trục {hop} lúc {} — sealed by {hop}; {}", in_vietnam(time), answer.bundle);
    }
}

fn some_of(parts: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<&str> = parts.iter().take(SHOWN).map(String::as_str).collect();
    let more = if parts.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn verdict(answer: &Answer) {
    if answer.is_valid() {
        let outcome = words::of_answer(answer);
        say!("HỢP LỆ — VALID: {} biên nhận — receipts; {} — {}", answer.receipts, outcome.vi, outcome.en);
        if let Some((vi, en)) = answer.left_out() {
            say!("    ! {vi} — {en}");
        }
    } else {
        let (part, reason) = (answer.part.as_deref().unwrap_or("?"), answer.reason.as_deref().unwrap_or("?"));
        say!("KHÔNG HỢP LỆ — INVALID");
        say!("    {part}: {reason}");
    }
}
