//! What goes out: bodies, a packet in base64, a list of agencies. Nothing of it is ever whole in memory.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use base64_simd::STANDARD;
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use lienthong_contract::catalogue::{Catalogue, ListedAgency};
use lienthong_contract::door::{Refusal, Upload};

/// An answer's body.
pub type OutBody = UnsyncBoxBody<Bytes, io::Error>;

/// A body that stands in memory.
#[must_use]
pub fn whole(bytes: Bytes) -> OutBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body that comes in pieces.
pub fn streamed(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> OutBody {
    // An empty piece would end a body that is sent without its length.
    let pieces = pieces.filter(|piece| std::future::ready(!piece.as_ref().is_ok_and(Bytes::is_empty)));
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// One piece.
pub fn piece(bytes: impl Into<Bytes>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::once(std::future::ready(Ok(bytes.into())))
}

/// The length of that many bytes in base64.
#[must_use]
pub const fn encoded_length(size: u64) -> u64 {
    size.div_ceil(3).saturating_mul(4)
}

/// Base64 without line breaks. What does not make a whole group waits for the next piece.
pub fn encoded(bytes: Upload) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let state = Some((bytes, Vec::<u8>::new()));
    stream::unfold(state, |state| async move {
        let (mut bytes, mut rest) = state?;
        match bytes.next().await {
            None if rest.is_empty() => None,
            None => Some((Ok(STANDARD.encode_to_string(&rest).into()), None)),
            Some(Err(error)) => Some((Err(error), None)),
            Some(Ok(piece)) => {
                rest.extend_from_slice(&piece);
                let (whole, left) = rest.split_at_checked(rest.len() / 3 * 3).unwrap_or_default();
                let digits = Bytes::from(STANDARD.encode_to_string(whole));
                let left = left.to_vec();
                Some((Ok(digits), Some((bytes, left))))
            }
        }
    })
}

/// Rows of a list of agencies that are read at a time.
pub const PAGE: usize = 500;

/// Where reading stands.
struct Reading<F> {
    catalogue: Arc<dyn Catalogue>,
    form: F,
    /// Read already.
    page: Vec<ListedAgency>,
    /// Whether a row was given out, so that a comma goes before the next.
    begun: bool,
}

impl<F: Fn(&[ListedAgency]) -> Bytes> Reading<F> {
    /// The rows of the page that was read, and the next page read.
    async fn next(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let rows = (self.form)(&self.page);
        let last = self.page.last().map(|agency| agency.code.clone()).filter(|_| self.page.len() >= PAGE);
        let piece = match (rows.is_empty(), self.begun) {
            (false, true) => [b",".as_slice(), &rows].concat().into(),
            _ => rows,
        };
        self.begun |= !piece.is_empty();
        let Some(last) = last else { return Ok((piece, None)) };
        let page = self.catalogue.page(Some(&last), PAGE).await;
        self.page = page.map_err(|_| io::Error::other("the list of agencies cannot be read on"))?;
        Ok((piece, Some(self)))
    }
}

/// The agencies, a page at a time, as the elements of a JSON array without its brackets: `form` writes the rows of a page.
/// What goes wrong before the first page is an answer; what goes wrong later breaks the connection, so that nobody takes
/// half a list for the whole.
///
/// # Errors
/// The first page cannot be read.
pub async fn agencies<F: Fn(&[ListedAgency]) -> Bytes + Send + 'static>(
    catalogue: Arc<dyn Catalogue>,
    form: F,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send, Refusal> {
    let page = catalogue.page(None, PAGE).await?;
    Ok(stream::unfold(Some(Reading { catalogue, form, page, begun: false }), |reading| async move {
        match reading?.next().await {
            Ok((piece, reading)) => Some((Ok(piece), reading)),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// Waits for an answer; nothing when a defect ended it.
pub async fn guarded<T>(answering: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(answering).catch_unwind().await.ok()
}

/// A body that breaks off here, and with it the connection.
pub fn broken(why: &'static str) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::once(std::future::ready(Err(io::Error::other(why))))
}
