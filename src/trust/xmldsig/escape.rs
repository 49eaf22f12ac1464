//! Character data and attribute values in canonical form (Canonical XML 1.0, 2.3), and the sinks they go to.
//!
//! Plain runs are passed on as they stand; only `&`, `<`, `>` and carriage returns stop the run. Line ends are
//! normalised here too, with one bit of state, so that a piece of text may end between `\r` and `\n`.

use ring::digest;

use super::attribute;

/// Takes canonical bytes.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Small writes are gathered before they are hashed.
const GATHER_BYTES: usize = 8 * 1024;

/// A sink that keeps only the digest.
pub(super) struct DigestSink {
    context: digest::Context,
    gathered: Vec<u8>,
}

impl DigestSink {
    pub(super) fn new(algorithm: &'static digest::Algorithm) -> Self {
        Self { context: digest::Context::new(algorithm), gathered: Vec::with_capacity(GATHER_BYTES) }
    }

    pub(super) fn finish(mut self) -> digest::Digest {
        self.context.update(&self.gathered);
        self.context.finish()
    }
}

impl Sink for DigestSink {
    fn put(&mut self, bytes: &[u8]) {
        if self.gathered.len() + bytes.len() > GATHER_BYTES {
            self.context.update(&self.gathered);
            self.gathered.clear();
        }
        if bytes.len() > GATHER_BYTES {
            self.context.update(bytes);
        } else {
            self.gathered.extend_from_slice(bytes);
        }
    }
}

const fn stops(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | b'\r')
}

/// Length of the run that needs no change. Looks at blocks first, which the compiler turns into vector code.
fn plain_run(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let whole = bytes.chunks_exact(BLOCK).take_while(|block| !block.iter().fold(false, |any, b| any | stops(*b)));
    let skipped = whole.count() * BLOCK;
    let rest = bytes.get(skipped..).unwrap_or_default();
    skipped + rest.iter().position(|b| stops(*b)).unwrap_or(rest.len())
}

/// Writes raw character data. `after_cr` says that the text just before ended with a carriage return, which was
/// already written as a line feed; the caller clears it at markup and references.
pub(super) fn text<S: Sink>(sink: &mut S, raw: &[u8], after_cr: &mut bool) {
    let mut rest = raw;
    if std::mem::take(after_cr) {
        match rest.split_first() {
            Some((b'\n', after)) => rest = after,
            Some(_) => {}
            None => *after_cr = true,
        }
    }
    while !rest.is_empty() {
        let Some((plain, tail)) = rest.split_at_checked(plain_run(rest)) else { return };
        sink.put(plain);
        let Some((stop, after)) = tail.split_first() else { return };
        rest = after;
        match stop {
            b'\r' => {
                sink.put(b"\n");
                match rest.split_first() {
                    Some((b'\n', after)) => rest = after,
                    Some(_) => {}
                    None => *after_cr = true,
                }
            }
            b'&' => sink.put(b"&amp;"),
            b'<' => sink.put(b"&lt;"),
            _ => sink.put(b"&gt;"),
        }
    }
}

/// Writes one character that came from a reference.
pub(super) fn text_char<S: Sink>(sink: &mut S, c: char) {
    match c {
        '&' => sink.put(b"&amp;"),
        '<' => sink.put(b"&lt;"),
        '>' => sink.put(b"&gt;"),
        '\r' => sink.put(b"&#xD;"),
        other => sink.put(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Writes a raw attribute value.
pub(super) fn attribute<S: Sink>(sink: &mut S, raw: &str) {
    if !raw.bytes().any(|b| matches!(b, b'&' | b'<' | b'"' | b'\t' | b'\n' | b'\r')) {
        sink.put(raw.as_bytes());
        return;
    }
    attribute::for_each_char(raw, |c| attribute_char(sink, c));
}

/// Writes an attribute value that is already normalised.
pub(super) fn attribute_value<S: Sink>(sink: &mut S, value: &str) {
    value.chars().for_each(|c| attribute_char(sink, c));
}

fn attribute_char<S: Sink>(sink: &mut S, c: char) {
    match c {
        '&' => sink.put(b"&amp;"),
        '<' => sink.put(b"&lt;"),
        '"' => sink.put(b"&quot;"),
        '\t' => sink.put(b"&#x9;"),
        '\n' => sink.put(b"&#xA;"),
        '\r' => sink.put(b"&#xD;"),
        other => sink.put(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_comes_out_the_same_however_it_is_cut() {
        let raw = "a\r\nb\rc\r\r\n\n>d]\r".repeat(20);
        let mut whole = Vec::new();
        text(&mut whole, raw.as_bytes(), &mut false);
        assert_eq!(String::from_utf8(whole.clone()).unwrap(), "a\nb\nc\n\n\n&gt;d]\n".repeat(20));
        for size in 1..70 {
            let (mut cut, mut after_cr) = (Vec::new(), false);
            raw.as_bytes().chunks(size).for_each(|piece| text(&mut cut, piece, &mut after_cr));
            assert_eq!(cut, whole, "pieces of {size}");
        }
    }
}
