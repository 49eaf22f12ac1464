//! One `sendEdoc`, and what its answer says.

use std::sync::PoisonError;

use bytes::{Bytes, BytesMut};
use lienthong_contract::outlet::{Body, Outcome, OutgoingPacket, Taken, TurnedAway};
use lienthong_contract::{AgencyCode, Digest};
use lienthong_door_kit::outbound::{Failed, Load};

use super::{Parts, same};
use crate::wire::answer::code;
use crate::wire::client::{AFTER_FILE, Call, Said};

/// A packet that the axis could not process so often is refused.
const MOST_TRIES: u32 = 5;
/// Packets whose tries are remembered. Forgotten, they are tried some times more.
const REMEMBERED: usize = 4096;

pub async fn send(axis: &Parts, packet: OutgoingPacket) -> Outcome {
    let Some(account) = axis.account(&packet.from) else {
        return Outcome::NotNow { why: format!("no [[outlet.system]] speaks for {}", packet.from) };
    };
    let to: Vec<&str> = packet.recipients.iter().map(|one| one.recipient.as_str()).collect();
    let hash_file = axis.settings.hash.write(packet.sent_digest().as_bytes());
    let kind = if packet.is_status { "status" } else { "edoc" };
    let call = Call::Send { from: packet.from.as_str(), kind, to: &to, hash_file: &hash_file };
    match axis.ask(&account, call, Some(load(packet.body, packet.size))).await {
        Ok(said) => {
            let recipients = packet.recipients.into_iter().map(|one| one.recipient).collect();
            match outcome(axis, packet.digest, recipients, said) {
                // It has it, or something else by its name: an earlier call whose answer was lost may have brought it, in
                // the other form. That is no word that it was not taken.
                Outcome::Refused(turned) if packet.again && is_there(&turned.words) => {
                    Outcome::Unknown { why: format!("{} {}", turned.code, turned.words) }
                }
                outcome => outcome,
            }
        }
        Err(Failed::NotSent(why)) => Outcome::NotSent { why },
        Err(Failed::Unknown(why)) => Outcome::Unknown { why },
    }
}

fn load(body: Body, size: u64) -> Load {
    match body {
        Body::File(path) => Load::File { before: Bytes::new(), path, size, behind: Bytes::from_static(AFTER_FILE) },
        Body::Bytes(bytes) => {
            let mut with = BytesMut::with_capacity(bytes.len().saturating_add(AFTER_FILE.len()));
            with.extend_from_slice(&bytes);
            with.extend_from_slice(AFTER_FILE);
            Load::Bytes(Bytes::from(with))
        }
    }
}

fn outcome(axis: &Parts, digest: Digest, recipients: Vec<AgencyCode>, said: Said) -> Outcome {
    let told = format!("{} {}", said.code, said.description);
    let refused = |recipients| {
        Outcome::Refused(TurnedAway { code: said.code.to_string(), words: said.description.clone(), recipients })
    };
    let code = u8::try_from(said.code).unwrap_or(code::SYSTEM_ERROR);
    if code != code::FILE_ERROR {
        forget(axis, digest);
    }
    match code {
        code::OK => Outcome::Taken(Taken { id: said.doc_id, sent: None, answer: Some(told) }),
        // Our id or secret: it says nothing of the packet, and an administrator has to mend it. Other accounts go on.
        code::WRONG_SYSTEM if axis.accounts().len() > 1 => Outcome::NotNow { why: told },
        code::WRONG_SYSTEM => Outcome::NotSent { why: told },
        // A wrong base path: it says nothing of the packet either.
        code::INVALID if is_no_function(&said.description) => Outcome::NotSent { why: told },
        code::NO_SUCH_RECIPIENT | code::RECIPIENT_LOCKED => refused(named(&said.description, recipients)),
        code::INVALID | code::SENDER_NOT_REGISTERED | code::BAD_FORMAT => refused(Vec::new()),
        code::FILE_ERROR if failed_again(axis, digest) >= MOST_TRIES => {
            forget(axis, digest);
            refused(Vec::new())
        }
        _ => Outcome::Unknown { why: told },
    }
}

/// Whether the words say that there is no such call, and not that something is wrong with what it brought.
fn is_no_function(words: &str) -> bool {
    let words = words.to_lowercase();
    ["chuc nang", "chức năng", "no such function", "unknown function", "no such operation"]
        .iter()
        .any(|known| words.contains(known))
}

/// Whether the words say that there is a document of this name already.
fn is_there(words: &str) -> bool {
    let words = words.to_lowercase();
    ["lt-int-0007", "da ton tai", "đã tồn tại", "trung lap", "trùng lặp", "already", "duplicate"]
        .iter()
        .any(|known| words.contains(known))
}

/// The words without what stands in parentheses: there an axis says what would be right, such as successors.
fn outside_parentheses(words: &str) -> String {
    let (mut depth, mut rest) = (0_usize, String::with_capacity(words.len()));
    for c in words.chars() {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => {
                rest.push(c);
                continue;
            }
            _ => {}
        }
        rest.push(' ');
    }
    rest
}

/// Those of the recipients that the axis speaks of; those in parentheses only when there are no others.
fn named(words: &str, recipients: Vec<AgencyCode>) -> Vec<AgencyCode> {
    let of_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_');
    let spoken = |words: &str| {
        let codes = words.split(|c| !of_code(c)).filter_map(|word| word.trim_matches(['.', ':', '-']).parse().ok());
        let codes: Vec<AgencyCode> = codes.collect();
        let of = |recipient: &&AgencyCode| codes.iter().any(|word| same(word, recipient));
        recipients.iter().filter(of).cloned().collect::<Vec<_>>()
    };
    Some(spoken(&outside_parentheses(words))).filter(|found| !found.is_empty()).unwrap_or_else(|| spoken(words))
}

/// Counts one more time that it could not be processed.
fn failed_again(axis: &Parts, digest: Digest) -> u32 {
    let mut tries = axis.not_processed.lock().unwrap_or_else(PoisonError::into_inner);
    if tries.len() >= REMEMBERED {
        tries.clear();
    }
    let count = tries.entry(digest).or_default();
    *count = count.saturating_add(1);
    *count
}

fn forget(axis: &Parts, digest: Digest) {
    axis.not_processed.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn who_is_meant_is_told_from_who_would_be_right() {
        let code = |text: &str| text.parse::<AgencyCode>().unwrap();
        let all = || vec![code("K99"), code("K05"), code("K06")];
        for (words, meant) in [
            ("Ma cua noi nhan da dong: K99 (can: K05 (So A); K06 (So B)) [LT-RUL-0004]", &["K99"][..]),
            ("Don vi nhan chua dang ky (K06)", &["K06"]),
            ("K05, K06 khong ton tai", &["K05", "K06"]),
            ("Don vi nhan chua dang ky", &[]),
            ("K05 ) ( K06", &["K05"]),
        ] {
            let meant: Vec<AgencyCode> = meant.iter().map(|text| code(text)).collect();
            assert_eq!(named(words, all()), meant, "{words}");
        }
    }
}
