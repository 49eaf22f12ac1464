//! How messages look on the wire.
//!
//! A packet's message body is the header's length (4 bytes, big-endian), the header, the content; its AMQP `type` is
//! `lt.packet`. Why not AMQP headers: they must fit one AMQP frame (128 KiB), and a header may have a megabyte.
//! Small packets may share a message of type `lt.pack`: up to [`MAX_PACKED`] such bodies, each after its length (4 bytes).
//! A large packet is `count` messages of type `lt.frame` whose AMQP headers say where the body belongs, followed by
//! one of type `lt.framed`, whose body has a header and no content. Receipts are of type `lt.receipts`, the body is
//! the batch. `app_id` is the sending hop. Everything is persistent.
//!
//! Where in its trace a packet stands says the AMQP header `traceparent` (W3C Trace Context); that of a pack is an array, with
//! an empty text for a packet that has none. A header that cannot be read is as none.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lienthong_contract::HopName;

use crate::link::{MAX_HEADER_BYTES, MAX_TRANSFER_ID};
use crate::traces::Context;

/// Bytes before the header.
pub(super) const PREFIX: usize = 4;

/// The most frames one transfer may have: bounds the table of received frames to 1 MiB.
pub(super) const MAX_FRAMES: u64 = 1 << 20;

/// The most packets in one message.
pub(super) const MAX_PACKED: usize = 64;

/// Kinds of message, as written in the AMQP property `type`.
pub(super) const PACKET: &str = "lt.packet";
pub(super) const PACK: &str = "lt.pack";
pub(super) const FRAME: &str = "lt.frame";
pub(super) const FRAMED: &str = "lt.framed";
pub(super) const RECEIPTS: &str = "lt.receipts";

/// All of them.
pub(super) const KINDS: [&str; 5] = [PACKET, PACK, FRAME, FRAMED, RECEIPTS];

const PERSISTENT: u8 = 2;

/// The header of the trace.
const TRACEPARENT: &str = "traceparent";

/// Names a transfer among all that arrive here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub from: String,
    pub transfer_id: String,
}

/// Where a frame belongs. On the final message `index` is `count` and `offset` is `total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub transfer_id: String,
    pub index: u32,
    pub count: u32,
    pub offset: u64,
    pub total: u64,
}

pub(super) fn properties(kind: &'static str, me: &HopName) -> BasicProperties {
    BasicProperties::default().with_delivery_mode(PERSISTENT).with_type(kind.into()).with_app_id(me.as_str().into())
}

pub(super) fn kind_of(properties: &BasicProperties) -> &str {
    properties.kind().as_ref().map_or("", ShortString::as_str)
}

/// The same, with the header of the trace.
pub(super) fn traced(properties: BasicProperties, trace: Option<Context>) -> BasicProperties {
    let Some(trace) = trace else { return properties };
    let mut table = properties.headers().clone().unwrap_or_default();
    table.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.to_string().into()));
    properties.with_headers(table)
}

/// Where a packet stands in its trace.
pub(super) fn trace(properties: &BasicProperties) -> Option<Context> {
    context(properties.headers().as_ref()?.inner().get(TRACEPARENT)?)
}

/// A pack's properties, from those of its packets.
pub(super) fn traced_together(properties: BasicProperties, traces: &[Option<Context>]) -> BasicProperties {
    if traces.iter().all(Option::is_none) {
        return properties;
    }
    let text = |trace: &Option<Context>| trace.map(|trace| trace.to_string()).unwrap_or_default();
    let all: Vec<AMQPValue> = traces.iter().map(|trace| AMQPValue::LongString(text(trace).into())).collect();
    let mut table = FieldTable::default();
    table.insert(TRACEPARENT.into(), AMQPValue::FieldArray(all.into()));
    properties.with_headers(table)
}

/// Where a pack's packets stand in their traces, in their order; of those beyond the end nothing is known.
pub(super) fn traces(properties: &BasicProperties) -> Vec<Option<Context>> {
    let header = properties.headers().as_ref().and_then(|table| table.inner().get(TRACEPARENT));
    let Some(AMQPValue::FieldArray(all)) = header else { return Vec::new() };
    all.as_slice().iter().take(MAX_PACKED).map(context).collect()
}

fn context(value: &AMQPValue) -> Option<Context> {
    let bytes = match value {
        AMQPValue::LongString(text) => text.as_bytes(),
        AMQPValue::ShortString(text) => text.as_str().as_bytes(),
        _ => return None,
    };
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// The body of a packet's message. The caller has bounded both parts.
pub(super) fn body(header: &[u8], content: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(PREFIX + header.len() + content.len());
    body.extend_from_slice(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(header);
    body.extend_from_slice(content);
    body
}

/// Header and content of a packet's message; the content is not copied.
pub(super) fn split(mut rest: Bytes) -> Result<(Vec<u8>, Bytes), String> {
    let Some(prefix) = rest.first_chunk::<PREFIX>() else {
        return Err("the body is shorter than its length prefix".to_owned());
    };
    let len = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
    if len > MAX_HEADER_BYTES || len > rest.len() - PREFIX {
        return Err(format!("a header of {len} bytes in a body of {}", rest.len()));
    }
    let _ = rest.split_to(PREFIX);
    let header = rest.split_to(len);
    Ok((header.to_vec(), rest))
}

/// Adds a packet's body to a pack. The caller has bounded it.
pub(super) fn append(pack: &mut Vec<u8>, body: &[u8]) {
    pack.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    pack.extend_from_slice(body);
}

/// The bodies of a pack, at least one; they are not copied.
pub(super) fn unpack(pack: Vec<u8>) -> Result<Vec<Bytes>, String> {
    let (mut rest, mut bodies) = (Bytes::from(pack), Vec::new());
    loop {
        let Some(prefix) = rest.first_chunk::<PREFIX>() else {
            return Err("a packet of a pack is shorter than its length prefix".to_owned());
        };
        let len = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        if len > rest.len() - PREFIX {
            return Err(format!("a packet of {len} bytes where {} are left of its pack", rest.len() - PREFIX));
        }
        let _ = rest.split_to(PREFIX);
        bodies.push(rest.split_to(len));
        if rest.is_empty() {
            return Ok(bodies);
        }
        if bodies.len() == MAX_PACKED {
            return Err(format!("more than {MAX_PACKED} packets in a pack"));
        }
    }
}

impl FrameHead {
    pub(super) fn headers(&self) -> FieldTable {
        let mut table = FieldTable::default();
        table.insert("transfer_id".into(), AMQPValue::LongString(self.transfer_id.as_str().into()));
        let numbers = [
            ("index", u64::from(self.index)),
            ("count", u64::from(self.count)),
            ("offset", self.offset),
            ("total", self.total),
        ];
        for (name, number) in numbers {
            table.insert(name.into(), AMQPValue::LongLongInt(i64::try_from(number).unwrap_or(i64::MAX)));
        }
        table
    }

    /// Reads and checks the head of a frame with `len` bytes of body, or of a final message (`len` none).
    pub(super) fn parse(properties: &BasicProperties, len: Option<u64>, max_total: u64) -> Result<(Key, Self), String> {
        let table = properties.headers().as_ref().ok_or("no headers")?;
        let from = properties.app_id().as_ref().map_or("", ShortString::as_str);
        from.parse::<HopName>().map_err(|wrong| format!("app_id: {wrong}"))?;
        let head = Self {
            transfer_id: text(table, "transfer_id")?,
            index: number(table, "index")?,
            count: number(table, "count")?,
            offset: number(table, "offset")?,
            total: number(table, "total")?,
        };
        let end = head.offset.checked_add(len.unwrap_or(0)).ok_or("offset: too large")?;
        let in_order = match len {
            Some(len) => head.index < head.count && len > 0,
            None => true,
        };
        if !in_order || head.count == 0 || u64::from(head.count) > MAX_FRAMES || end > head.total {
            return Err(format!("frame {} of {} does not fit into {} bytes", head.index, head.count, head.total));
        }
        if head.total > max_total {
            return Err(format!("{} bytes; at most {max_total} are taken", head.total));
        }
        Ok((Key { from: from.to_owned(), transfer_id: head.transfer_id.clone() }, head))
    }
}

fn text(table: &FieldTable, name: &str) -> Result<String, String> {
    let bytes = match table.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.as_bytes(),
        Some(AMQPValue::ShortString(text)) => text.as_str().as_bytes(),
        _ => return Err(format!("{name}: not a text")),
    };
    if bytes.is_empty() || bytes.len() > MAX_TRANSFER_ID || !bytes.is_ascii() {
        return Err(format!("{name}: 1 to {MAX_TRANSFER_ID} ASCII characters"));
    }
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn number<T: TryFrom<i64>>(table: &FieldTable, name: &str) -> Result<T, String> {
    let number = match table.inner().get(name) {
        Some(AMQPValue::LongLongInt(number)) => *number,
        Some(AMQPValue::LongInt(number)) => i64::from(*number),
        Some(AMQPValue::LongUInt(number)) => i64::from(*number),
        _ => return Err(format!("{name}: not a number")),
    };
    T::try_from(number).map_err(|_| format!("{name}: out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(index: u32, count: u32, offset: u64, total: u64) -> FrameHead {
        FrameHead { transfer_id: "t-1".to_owned(), index, count, offset, total }
    }

    fn parsed(head: &FrameHead, len: Option<u64>) -> Result<(Key, FrameHead), String> {
        let me = "h27".parse().unwrap();
        FrameHead::parse(&properties(FRAME, &me).with_headers(head.headers()), len, 1000)
    }

    #[test]
    fn a_head_reads_back_and_one_that_does_not_fit_is_refused() {
        let good = head(1, 3, 400, 1000);
        let (key, back) = parsed(&good, Some(400)).unwrap();
        assert_eq!((key.from.as_str(), back), ("h27", good));
        assert!(parsed(&head(3, 3, 1000, 1000), None).is_ok());
        for (wrong, len) in [
            (head(3, 3, 0, 1000), Some(1)),
            (head(0, 0, 0, 1000), Some(1)),
            (head(0, 3, 900, 1000), Some(101)),
            (head(0, 3, u64::MAX, 1000), Some(1)),
            (head(0, 3, 0, 1001), Some(1)),
            (head(0, 3, 0, 1000), Some(0)),
            (head(0, 2_000_000, 0, 1000), Some(1)),
            (FrameHead { transfer_id: "x".repeat(65), ..head(0, 1, 0, 1) }, Some(1)),
            (FrameHead { transfer_id: String::new(), ..head(0, 1, 0, 1) }, Some(1)),
        ] {
            assert!(parsed(&wrong, len).is_err(), "{wrong:?}");
        }
        let nameless = BasicProperties::default().with_headers(head(0, 1, 0, 1).headers());
        assert!(FrameHead::parse(&nameless, Some(1), 1000).is_err());
    }

    proptest! {
        #[test]
        fn a_body_splits_into_what_it_was_made_of(header in proptest::collection::vec(any::<u8>(), 0..300),
                                                  content in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (back, rest) = split(body(&header, &content).into()).unwrap();
            prop_assert_eq!(back, header);
            prop_assert_eq!(&rest[..], &content[..]);
        }

        #[test]
        fn any_bytes_split_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let len = bytes.len();
            if let Ok((header, content)) = split(bytes.into()) {
                prop_assert_eq!(header.len() + content.len() + PREFIX, len);
            }
        }

        #[test]
        fn a_pack_comes_apart_into_what_was_put_in(bodies in proptest::collection::vec(
                                                       proptest::collection::vec(any::<u8>(), 0..40), 1..=MAX_PACKED)) {
            let mut pack = Vec::new();
            bodies.iter().for_each(|body| append(&mut pack, body));
            prop_assert_eq!(unpack(pack.clone()).unwrap(), bodies);
            pack.pop();
            prop_assert!(unpack(pack).is_err());
        }

        #[test]
        fn any_bytes_come_apart_or_are_refused(bytes in proptest::collection::vec(0..3_u8, 0..400)) {
            let len = bytes.len();
            if let Ok(bodies) = unpack(bytes) {
                prop_assert!((1..=MAX_PACKED).contains(&bodies.len()));
                prop_assert_eq!(bodies.iter().map(|body| PREFIX + body.len()).sum::<usize>(), len);
            }
        }
    }
}
