//! A packet on its way out: as base64 within JSON, or raw. Neither form is ever held in memory.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use lienthong_contract::DocId;
use lienthong_contract::door::{Content, Upload};
use lienthong_door_kit::outward::{self, encoded, encoded_length, piece};

use super::{no_such_document, refused, said, said_of};
use crate::door::{Caller, Door, Reply, Said};
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
    let length = encoded_length(content.size).saturating_add(head.len() as u64).saturating_add(tail.len() as u64);
    let body = piece(head).chain(encoded(content.bytes)).chain(piece(tail));
    streamed(doc_id, Box::pin(body), MEDIA_TYPE, length)
}

fn streamed(doc_id: DocId, bytes: Upload, media_type: &'static str, length: u64) -> Reply {
    let content = Said::Stream(outward::streamed(bytes), media_type, Some(length));
    Reply { system: None, doc_id: Some(doc_id.to_string()), code: 0, content }
}
