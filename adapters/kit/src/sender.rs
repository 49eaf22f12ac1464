//! Who a packet says it is from, seen in its first bytes: for protocols that name the sender nowhere else.
//!
//! This is a hint, to choose among the agencies that a system speaks for. What the packet really says is judged behind the
//! door, and a packet that says something else than the agency it came in for is refused there.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use lienthong_contract::AgencyCode;
use lienthong_contract::door::Upload;

/// How far is looked.
const LOOKED_AT: usize = 64 << 10;

/// The first `OrganId` within the first `From`, as it is written.
#[must_use]
pub fn named(head: &[u8]) -> Option<AgencyCode> {
    let text = String::from_utf8_lossy(head);
    let (_, from) = text.split_once("From>")?;
    let (from, _) = from.split_once("From>").unwrap_or((from, ""));
    let (_, organ) = from.split_once("OrganId>")?;
    let (code, _) = organ.split_once('<')?;
    code.parse().ok()
}

/// Looks at the beginning of an upload and gives it back whole.
pub async fn peeked(upload: Upload) -> (Option<AgencyCode>, Upload) {
    let mut upload = upload.fuse();
    let (mut head, mut pieces): (Vec<u8>, Vec<io::Result<Bytes>>) = (Vec::new(), Vec::new());
    let mut found = None;
    while found.is_none() && head.len() < LOOKED_AT {
        let Some(piece) = upload.next().await else { break };
        let went_wrong = piece.is_err();
        if let Ok(piece) = &piece {
            head.extend_from_slice(piece);
            found = named(&head);
        }
        pieces.push(piece);
        if went_wrong {
            break;
        }
    }
    (found, Box::pin(stream::iter(pieces).chain(upload)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_is_seen_in_any_namespace_and_only_where_it_stands() {
        let of = |text: &str| named(text.as_bytes()).map(|code| code.to_string());
        assert_eq!(of("<edXML:From><edXML:OrganId>h37.02</edXML:OrganId>").as_deref(), Some("H37.02"));
        assert_eq!(of("<From>\n<OrganizationInCharge/><OrganId> H37 </OrganId></From>").as_deref(), Some("H37"));
        assert_eq!(of("<x:To><x:OrganId>H1</x:OrganId></x:To>"), None);
        assert_eq!(of("<x:From></x:From><x:To><x:OrganId>H1</x:OrganId></x:To>"), None);
        assert_eq!(of("<x:From><x:OrganId>H37"), None, "not whole yet");
    }
}
