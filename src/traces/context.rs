//! The context of a trace as it travels: `traceparent` of W3C Trace Context, level 1.

use std::fmt;
use std::str::FromStr;

use lienthong_contract::{Digest, DocId};

/// Names a trace: the bytes of the document's docId.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceId([u8; 16]);

/// Names a span of a trace; never zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SpanId([u8; 8]);

/// Where in a trace something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub trace: TraceId,
    pub span: SpanId,
    /// The hop that wrote it tells its collector of this document.
    pub sampled: bool,
}

/// The text is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no traceparent of W3C Trace Context")]
pub struct NotAContext;

impl TraceId {
    #[must_use]
    pub const fn of(doc_id: DocId) -> Self {
        Self(*doc_id.as_bytes())
    }

    /// Its last four bytes.
    pub(super) const fn chance(self) -> u32 {
        let [.., a, b, c, d] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl SpanId {
    /// The one that follows from a digest.
    pub(super) const fn of(digest: Digest) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
        // Zero is no id.
        Self([a, b, c, d, e, f, g, h | 1])
    }

    /// One that nobody has.
    pub(super) fn fresh() -> Self {
        // The second half of a UUID: two fixed bits, so never zero.
        let [.., a, b, c, d, e, f, g, h] = *DocId::fresh().as_bytes();
        Self([a, b, c, d, e, f, g, h])
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

/// `N` bytes in lower-case hexadecimal digits, not all of them zero.
fn id<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = bytes(text)?;
    (bytes != [0; N]).then_some(bytes)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let good = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
    if text.len() != N.saturating_mul(2) || !text.bytes().all(good) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl FromStr for Context {
    type Err = NotAContext;

    /// Section 3.2 of W3C Trace Context; of a later version what version 00 says is read.
    fn from_str(text: &str) -> Result<Self, NotAContext> {
        let mut fields = text.splitn(5, '-');
        let mut field = || fields.next().ok_or(NotAContext);
        let (version, trace, span, flags) = (field()?, field()?, field()?, field()?);
        let [version] = bytes(version).ok_or(NotAContext)?;
        if version == 0xff || (version == 0 && fields.next().is_some()) {
            return Err(NotAContext);
        }
        let [flags] = bytes(flags).ok_or(NotAContext)?;
        Ok(Self {
            trace: TraceId(id(trace).ok_or(NotAContext)?),
            span: SpanId(id(span).ok_or(NotAContext)?),
            sampled: flags & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_trace_of_a_document_bears_its_name() {
        let doc_id: DocId = "0193560a-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap();
        let context = Context { trace: TraceId::of(doc_id), span: SpanId([0, 0, 0, 0, 0, 0, 0, 1]), sampled: true };
        let text = "00-0193560a1c2d7e3f8a4b5c6d7e8f9a0b-0000000000000001-01";
        assert_eq!((context.to_string().as_str(), text.parse()), (text, Ok(context)));
        assert_eq!(TraceId::of(doc_id).chance(), 0x7e8f_9a0b);
        assert_ne!(SpanId::fresh(), SpanId::fresh());
    }

    #[test]
    fn what_is_no_traceparent_is_not_read() {
        let (trace, span) = ("0193560a1c2d7e3f8a4b5c6d7e8f9a0b", "00f067aa0ba902b7");
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-1"),
            format!("00-{trace}-{span}-01-"),
            format!("ff-{trace}-{span}-01"),
            format!("0-{trace}-{span}-01"),
            format!("00-{zeros}-{span}-01"),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}-+1"),
            format!("00_{trace}_{span}_01"),
            format!("00-{trace}-{span}-01 "),
            format!("00-{}-{span}-01", "é".repeat(16)),
        ] {
            assert_eq!(bad.parse::<Context>(), Err(NotAContext), "{bad}");
        }
        let later: Context = format!("01-{trace}-{span}-03-what-comes").parse().unwrap();
        assert!(later.sampled && later.to_string().starts_with("00-"));
        assert!(!format!("00-{trace}-{span}-fe").parse::<Context>().unwrap().sampled);
    }

    proptest! {
        #[test]
        fn any_text_is_a_context_that_writes_itself_or_none(text in "\\PC{0,80}") {
            if let Ok(context) = text.parse::<Context>() {
                prop_assert_eq!(context.to_string().parse(), Ok(context));
            }
        }

        #[test]
        fn what_is_written_is_read(trace: [u8; 16], span: [u8; 8], sampled: bool) {
            prop_assume!(trace != [0; 16] && span != [0; 8]);
            let context = Context { trace: TraceId(trace), span: SpanId(span), sampled };
            prop_assert_eq!(context.to_string().parse(), Ok(context));
        }
    }
}
