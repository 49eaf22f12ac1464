//! A packet on its way out: as base64 within JSON, or raw. Neither form is ever held in memory.

use std::io;
use std::sync::Arc;

use base64_simd::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use lienthong_contract::DocId;
use lienthong_contract::door::{Content, Upload};

use super::{no_such_document, refused, said, said_of};
use crate::door::{Caller, Door, OutBody, Reply, Said};
use crate::wire::answer::{Answer, MEDIA_TYPE};

const RAW_TYPE: &str = "application/octet-stream";

async fn content(door: &Arc<Door>, caller: &Caller) -> Result<(DocId, Content), Reply> {
    let named = caller.parameters.document_to_read().unwrap_or_default();
    let Ok(doc_id) = named.parse::<DocId>() else { return Err(said(no_such_document())) };
    match door.doors.exchange.content_of(&caller.party, doc_id).await {
        Ok(content) => Ok((doc_id, content)),
        Err(refusal) => Err(said_of(&doc_id.to_string(), refused(&refusal))),
    }
}

/// `downloadEdoc`.
pub async fn raw(door: &Arc<Door>, caller: &Caller) -> Reply {
    match content(door, caller).await {
        Ok((doc_id, content)) => streamed(doc_id, content.bytes, RAW_TYPE, content.size),
        Err(reply) => reply,
    }
}

/// `getEdoc`.
pub async fn base64(door: &Arc<Door>, caller: &Caller) -> Reply {
    let (doc_id, content) = match content(door, caller).await {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    let head = Answer { doc_id: doc_id.to_string(), ..Answer::ok() }.head() + "\"";
    let tail = Bytes::from_static(b"\"}");
    let digits = content.size.div_ceil(3).saturating_mul(4);
    let length = digits.saturating_add(head.len() as u64).saturating_add(tail.len() as u64);
    let ends = |bytes: Bytes| stream::once(std::future::ready(Ok(bytes)));
    let body = ends(head.into()).chain(encoded(content.bytes)).chain(ends(tail));
    streamed(doc_id, Box::pin(body), MEDIA_TYPE, length)
}

fn streamed(doc_id: DocId, bytes: Upload, media_type: &'static str, length: u64) -> Reply {
    let body: OutBody = StreamBody::new(bytes.map(|piece| piece.map(Frame::data))).boxed_unsync();
    let content = Said::Stream(body, media_type, Some(length));
    Reply { system: None, doc_id: Some(doc_id.to_string()), code: 0, content }
}

/// Base64 without line breaks. What does not make a whole group waits for the next piece.
fn encoded(bytes: Upload) -> impl Stream<Item = io::Result<Bytes>> + Send {
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
