//! Destroying what was given back: the content of a document whose recipient agreed to the sender's request.
//!
//! The store forgets the content first, then the file goes. After a crash in between the file belongs to nobody and is
//! swept at the next start. The place of the file is held meanwhile: if the same bytes come again for somebody else, they stay.

use std::io;

use lienthong_contract::{Blame, Digest};

use super::Delivery;
use crate::flows::findings::GAVE_BACK_REASON;
use crate::receipts::Reason;

/// The most packets in one look, and the most pages of so many that the watch reads before it waits again. What is given
/// back and still needed by somebody here may lie for years: it must not be read through each time.
const AT_ONCE: usize = 64;
const PAGES: usize = 16;

/// Why a consignment ends that its recipient gave back before it took it over, or before it came.
pub(crate) fn reason() -> Reason {
    Reason {
        code: "given-back".to_owned(),
        text: GAVE_BACK_REASON.to_owned(),
        text_en: Some("The recipient gives it back, as the sender asked (15)".to_owned()),
        whose_turn: Blame::Recipient,
    }
}

impl Delivery {
    /// Destroys what was given back just now and is needed by nobody here any more. What fails is tried again by the watch.
    pub(crate) async fn destroy_given_back(&self) {
        match self.shared.store.given_back(AT_ONCE).await {
            Ok(digests) => self.destroy_all(digests).await,
            Err(error) => tracing::error!(%error, "what was given back cannot be read; it will be tried again"),
        }
    }

    /// The same for everything that was ever given back, a few pages at a time from the position given: what was still needed
    /// then, and what a crash left. Gives where to go on, 0 being the beginning.
    pub(super) async fn destroy_given_back_after(&self, mut after: i64) -> i64 {
        for _ in 0..PAGES {
            match self.shared.store.given_back_after(after, AT_ONCE).await {
                Ok((digests, next)) => {
                    self.destroy_all(digests).await;
                    match next {
                        Some(next) => after = next,
                        None => return 0,
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "what was given back cannot be read; it will be tried again");
                    return after;
                }
            }
        }
        after
    }

    async fn destroy_all(&self, digests: Vec<Digest>) {
        for digest in digests {
            match self.destroy(digest).await {
                Ok(true) => tracing::info!(%digest, "the content of a document that was given back is destroyed"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, %digest, "what was given back is not destroyed yet; it will be tried again");
                }
            }
        }
    }

    async fn destroy(&self, digest: Digest) -> Result<bool, String> {
        let (blobs, now) = (&self.shared.blobs, self.shared.clock.now());
        let place = blobs.hold(digest);
        let gone = self.shared.store.destroy(digest, now).await.map_err(|error| error.to_string())?;
        if gone {
            let removed = tokio::task::spawn_blocking(move || place.discard()).await;
            match removed.map_err(|error| error.to_string())? {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    // The store knows it no more: the next start sweeps it.
                    tracing::error!(%error, %digest, "the file of a destroyed document could not be removed");
                }
                _ => {}
            }
        }
        Ok(gone)
    }
}
