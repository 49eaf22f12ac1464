//! The answer of `lienthong verify` as people read it.

use std::path::Path;

use super::super::kept;
use super::super::show::{self, say};
use super::{Report, Told, digest_of};
use crate::bundle::words;
use crate::receipts::{Event, Outside};
use lienthong_contract::HopName;

/// An outcome in both languages.
fn in_words(outcome: &str) -> String {
    let words = words::of_outcome(outcome);
    format!("{} — {}", words.vi, words.en)
}

/// Tells the answer; `given` is the packet that was held against the receipts.
pub fn tell(report: &Report, given: Option<&Path>) {
    report.consignments.iter().for_each(tell_consignment);
    let (count, good) = (report.receipts, report.receipts_verified);
    match report.packet_matches {
        Some(true) => say!("Gói tin đúng là gói tin trong biên nhận — the packet is the one of the receipts."),
        Some(false) if report.receipts_hold() => {
            say!("Biên nhận HỢP LỆ — the receipts are VALID: {good}/{count}; {}", in_words(report.outcome));
            return given.into_iter().for_each(|given| tell_other_packet(report, given));
        }
        Some(false) => {
            say!("Gói tin KHÔNG phải gói tin trong biên nhận — the packet is NOT the one of the receipts.")
        }
        None => {}
    }
    if report.verdict == "valid" {
        say!("HỢP LỆ — VALID: {good}/{count} biên nhận — receipts; {}", in_words(report.outcome));
    } else {
        say!("KHÔNG HỢP LỆ — INVALID: {good}/{count} biên nhận — receipts");
        say!(
            "    {}: {}",
            report.part.as_deref().unwrap_or("?"),
            report.reason.as_deref().unwrap_or("không rõ — unknown")
        );
    }
}

impl Report {
    /// Every receipt and every chain holds, whatever packet was given.
    fn receipts_hold(&self) -> bool {
        let chains = self.consignments.iter().all(|told| told.verdict == "valid");
        chains && self.receipts > 0 && self.receipts == self.receipts_verified
    }
}

/// Said of a file that is not the packet of receipts that hold: mostly it is the one that `send` signed a copy of.
fn tell_other_packet(report: &Report, given: &Path) {
    say!(
        "Tệp này KHÔNG phải gói tin mà các biên nhận nói tới — this file is NOT the packet that they are about: {}",
        given.display()
    );
    let signed = kept::place(given, report.from.as_ref());
    // A signed packet that is not there or cannot be read is no answer to offer.
    if report.packet.is_some() && digest_of(&signed).ok() == report.packet {
        say!(
            "    gói được gửi là bản đã ký mà `send` để cạnh tệp gốc — what was sent is the signed copy beside it: {}",
            signed.display()
        );
    } else {
        say!(
            "    gói được gửi thường là bản đã ký mà `send` để cạnh tệp gốc, tên <TỆP>.<MÃ>.signed.edxml — \
             what was sent is mostly the signed copy that `send` leaves beside the file, <FILE>.<CODE>.signed.edxml"
        );
    }
}

fn tell_consignment(told: &Told) {
    let mark = if told.verdict == "valid" { "✓" } else { "✗" };
    let recipient = told.recipient.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    say!("{mark} → {recipient}  {}", in_words(told.outcome));
    for line in &told.receipts {
        let mark = if line.verified { "✓" } else { "✗" };
        let event = line.event.map_or("?", Event::as_str);
        let hop = line.hop.as_ref().map_or("?", HopName::as_str);
        let time = line.time.map_or_else(|| "?".to_owned(), |time| time.to_string());
        let more = line.problem.as_ref().or(line.reason.as_ref()).map(|more| format!("  {more}")).unwrap_or_default();
        say!("    {mark} {time}  {event:<22} {hop}{more}");
        if let Some(Outside { system, id, sent, answer, .. }) = &line.outside {
            show::outside(system, (id.as_deref(), answer.as_deref()), *sent);
        }
    }
    if let Some(reason) = &told.reason {
        say!("    {reason}");
    }
}
