//! What of the statistics goes out to whoever has no account: the public's page and the monitoring centre's feed.

use std::fmt;

use bytes::Bytes;
use lienthong_contract::{Digest, Instant};
use maud::Markup;
use tokio::sync::Mutex;

use super::words::Lang;

/// How long the public's page stays as it is, so that a crowd costs what one reader does. Milliseconds, and the same in seconds.
const KEPT: i64 = 300_000;
pub const KEPT_SECONDS: u32 = 300;
/// The feed is made once in so many milliseconds.
const FEED_KEPT: i64 = 60_000;

/// What goes out, and to whom.
#[derive(Clone, Default)]
pub struct Rules {
    /// Documents below which an agency is not shown alone; no page when none.
    pub public_least: Option<u64>,
    pub feed: Option<FeedDoor>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("public_least", &self.public_least).field("feed", &self.feed).finish()
    }
}

/// How a caller of the feed is known.
#[derive(Clone)]
pub struct FeedDoor {
    pub header: String,
    /// Digests of the tokens that count.
    pub tokens: Vec<Digest>,
}

impl fmt::Debug for FeedDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedDoor").field("header", &self.header).finish_non_exhaustive()
    }
}

impl FeedDoor {
    /// Whether one of the tokens was sent. Digests are compared, so the time tells nothing of how much of it was right.
    #[must_use]
    pub fn opens(&self, sent: &[u8]) -> bool {
        let sent = Digest::of(sent);
        self.tokens.iter().fold(false, |known, token| known | (*token == sent))
    }
}

/// A page in one language, or a feed of so many days with its tag; and when it was made.
type Page = Option<(Instant, Markup)>;
type Feed = Option<(i64, Instant, Tagged)>;
/// The tag of a body, and the body.
pub type Tagged = (String, Bytes);

/// What was made last. Whoever comes while it is being made waits for it, so that a crowd reads the store once.
#[derive(Debug, Default)]
pub struct Kept {
    pages: Mutex<[Page; 2]>,
    feed: Mutex<Feed>,
}

impl Kept {
    /// The public's page, made by `make` when there is none or it is too old.
    ///
    /// # Errors
    /// As `make`.
    pub async fn page<E>(
        &self,
        lang: Lang,
        now: Instant,
        make: impl Future<Output = Result<Markup, E>>,
    ) -> Result<Markup, E> {
        let mut pages = self.pages.lock().await;
        let [vi, en] = &mut *pages;
        let place = if lang == Lang::Vi { vi } else { en };
        if let Some((made, page)) = place.as_ref()
            && is_fresh(*made, now, KEPT)
        {
            return Ok(page.clone());
        }
        let page = make.await?;
        *place = Some((now, page.clone()));
        Ok(page)
    }

    /// The feed of so many days, made by `make` when there is none or it is too old.
    ///
    /// # Errors
    /// As `make`.
    pub async fn feed<E>(
        &self,
        days: i64,
        now: Instant,
        make: impl Future<Output = Result<Tagged, E>>,
    ) -> Result<Tagged, E> {
        let mut place = self.feed.lock().await;
        if let Some((of, made, tagged)) = place.as_ref()
            && *of == days
            && is_fresh(*made, now, FEED_KEPT)
        {
            return Ok(tagged.clone());
        }
        let tagged = make.await?;
        *place = Some((days, now, tagged.clone()));
        Ok(tagged)
    }
}

const fn is_fresh(made: Instant, now: Instant, most: i64) -> bool {
    let age = now.as_millis().saturating_sub(made.as_millis());
    age >= 0 && age < most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_token_opens_the_feed() {
        let door = FeedDoor { header: "x".to_owned(), tokens: vec![Digest::of(b"one"), Digest::of(b"two")] };
        assert!(door.opens(b"one") && door.opens(b"two"));
        for wrong in [&b""[..], b"on", b"one ", b"three"] {
            assert!(!door.opens(wrong), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn what_was_made_is_made_anew_when_it_is_old() {
        let (kept, at) = (Kept::default(), Instant::from_millis(1_000_000));
        let page = async |lang, now, word: &str| {
            let made = kept.page(lang, now, async { Ok::<_, ()>(maud::html! { (word) }) }).await;
            made.map(maud::Markup::into_string)
        };
        assert_eq!(page(Lang::Vi, at, "một").await, Ok("một".to_owned()));
        assert_eq!(page(Lang::En, at, "one").await, Ok("one".to_owned()));
        assert_eq!(page(Lang::Vi, at.plus_millis(KEPT - 1), "hai").await, Ok("một".to_owned()));
        assert_eq!(page(Lang::Vi, at.plus_millis(KEPT), "hai").await, Ok("hai".to_owned()));
        assert_eq!(page(Lang::Vi, at, "ba").await, Ok("ba".to_owned()), "a clock that was set back");
        let feed = async |days, now, tag: &str| {
            let made = kept.feed(days, now, async { Ok::<_, ()>((tag.to_owned(), Bytes::new())) }).await;
            made.map(|(tag, _)| tag)
        };
        assert_eq!(feed(7, at, "a").await, Ok("a".to_owned()));
        assert_eq!(feed(7, at, "b").await, Ok("a".to_owned()));
        assert_eq!(feed(8, at, "b").await, Ok("b".to_owned()), "of other days");
        let failed = kept.feed(9, at, async { Err::<Tagged, _>("the store") }).await;
        assert_eq!(failed, Err("the store"));
        assert_eq!(feed(8, at, "c").await, Ok("b".to_owned()), "a failure takes nothing away");
    }
}
