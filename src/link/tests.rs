//! What holds for every kind of link, seen on the one in process; and the room's table of findings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::inprocess::{Hub, HubLink};
use super::*;

/// Header, content, urgent.
type Seen = (Vec<u8>, Vec<u8>, bool);

#[derive(Default)]
struct Shelf {
    answers: Mutex<Vec<Result<(), SinkError>>>,
    seen: Mutex<Vec<Seen>>,
    kept: Mutex<Option<PathBuf>>,
}

#[async_trait]
impl Sink for Shelf {
    async fn transfer(&self, header: Vec<u8>, content: Arrived, coming: Coming) -> Result<(), SinkError> {
        let answer = self.answers.lock().unwrap().pop().unwrap_or(Ok(()));
        let bytes = match content {
            Arrived::Bytes(bytes) => bytes.to_vec(),
            Arrived::File(file) => {
                let bytes = fs::read(file.path()).unwrap();
                if answer.is_ok() {
                    *self.kept.lock().unwrap() = Some(file.keep());
                }
                bytes
            }
        };
        self.seen.lock().unwrap().push((header, bytes, coming.urgent));
        answer
    }

    async fn receipts(&self, batch: Bytes) -> Result<(), SinkError> {
        self.seen.lock().unwrap().push((b"receipts".to_vec(), batch.to_vec(), false));
        Ok(())
    }
}

fn joined(folder: &tempfile::TempDir) -> (Arc<Shelf>, HubLink, HopName) {
    let (shelf, hub, peer) = (Arc::new(Shelf::default()), Hub::new(), "vn".parse::<HopName>().unwrap());
    hub.join(peer.clone(), shelf.clone(), &folder.path().join("spool")).unwrap();
    (shelf, hub.link(1000, Instant::from_millis(0)), peer)
}

fn small(id: &str) -> Transfer {
    let content = Content::Bytes(Bytes::from_static(b"packet"));
    Transfer { header: b"{}".to_vec(), content, urgent: true, again: false, transfer_id: id.to_owned(), trace: None }
}

#[tokio::test]
async fn in_process_a_send_is_what_the_peers_sink_says() {
    let folder = tempfile::tempdir().unwrap();
    let (shelf, link, peer) = joined(&folder);
    link.send(&peer, small("1")).await.unwrap();
    link.send_receipts(&peer, Bytes::from_static(b"batch")).await.unwrap();
    let seen = shelf.seen.lock().unwrap().clone();
    assert_eq!(seen, [(b"{}".to_vec(), b"packet".to_vec(), true), (b"receipts".to_vec(), b"batch".to_vec(), false)]);

    *shelf.answers.lock().unwrap() =
        vec![Err(SinkError::Poison { why: "p".into() }), Err(SinkError::Retry { why: "r".into() })];
    let busy = link.send(&peer, small("2")).await.unwrap_err();
    assert!(matches!(busy, Error::PeerBusy { .. }) && busy.is_retryable(), "{busy}");
    let refused = link.send(&peer, small("2")).await.unwrap_err();
    assert!(matches!(refused, Error::PeerRefused { .. }) && !refused.is_retryable(), "{refused}");
    let nowhere = link.send(&"nowhere".parse().unwrap(), small("3")).await.unwrap_err();
    assert!(matches!(nowhere, Error::Unroutable { .. }), "{nowhere}");
}

#[tokio::test]
async fn in_process_a_file_is_copied_and_gone_unless_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (shelf, link, peer) = joined(&folder);
    let path = folder.path().join("packet");
    fs::write(&path, b"large").unwrap();
    let file = Transfer { content: Content::File { path: path.clone(), len: 5 }, ..small("f") };
    let left = || fs::read_dir(folder.path().join("spool")).unwrap().count();

    *shelf.answers.lock().unwrap() = vec![Err(SinkError::Retry { why: "r".into() })];
    link.send(&peer, file.clone()).await.unwrap_err();
    assert_eq!(left(), 0, "a file that was not taken is deleted");
    link.send(&peer, file.clone()).await.unwrap();
    let kept = shelf.kept.lock().unwrap().take().unwrap();
    fs::write(&kept, b"other").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"large", "the sender's file is its own");

    let wrong = Transfer { content: Content::File { path, len: 6 }, ..file };
    assert!(matches!(link.send(&peer, wrong).await, Err(Error::Io { .. })));
    assert_eq!(left(), 1);
}

#[tokio::test]
async fn limits_are_reached_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (shelf, link, peer) = joined(&folder);
    let long = Transfer { header: vec![b' '; MAX_HEADER_BYTES + 1], ..small("1") };
    let large = Transfer { content: Content::Bytes(Bytes::from(vec![0; 1001])), ..small("1") };
    for (transfer, what) in [(long, "header"), (large, "content")] {
        let error = link.send(&peer, transfer).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { what: named, .. } if named == what) && !error.is_retryable());
    }
    let batch = Bytes::from(vec![0; MAX_HEADER_BYTES + 1]);
    assert!(matches!(link.send_receipts(&peer, batch).await, Err(Error::TooLarge { .. })));
    for id in ["", "a b", "../x", "đ", &"x".repeat(65)] {
        assert!(matches!(link.send(&peer, small(id)).await, Err(Error::TransferId(_))), "{id:?}");
    }
    assert!(shelf.seen.lock().unwrap().is_empty());
    link.send(&peer, small(&"x".repeat(64))).await.unwrap();
}

#[test]
fn a_spool_is_emptied_of_its_own_files_only() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["0000000000000000.part", "0000000000000001.arrived", "notes.txt"] {
        fs::write(folder.path().join(name), b"x").unwrap();
    }
    spool::Spool::open(folder.path()).unwrap();
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}

#[test]
fn every_finding_has_its_own_code_and_both_languages() {
    let mut codes: Vec<&str> = findings::ALL.iter().map(|kind| kind.code).collect();
    codes.dedup();
    assert_eq!(codes.len(), findings::ALL.len());
    for kind in findings::ALL {
        assert!(kind.code.starts_with("LT-LNK-") && kind.code.len() == 11, "{}", kind.code);
        for text in [kind.title, kind.fix] {
            assert!(text.vi.len() > 20 && text.en.len() > 20 && text.vi != text.en, "{}", kind.code);
        }
    }
    let error = Error::Timeout { step: "x", millis: 1 };
    assert_eq!(error.finding().code, "LT-LNK-0003");
}
