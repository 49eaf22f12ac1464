//! The byte machine behind the splitter: it knows where markup begins and ends and where a body is, nothing of what
//! a packet means. It looks at a tag only once the whole of it stands in the skeleton, so that the result does not
//! depend on where the pieces of the source were cut.

use lienthong_contract::Finding;
use lienthong_contract::digest::Hasher;
use lienthong_contract::finding::Kind;

use super::base64::{Decoder, is_space};
use super::body::Examiner;
use super::findings;
use super::limits::Limits;
use super::skeleton::{BOM, Cut, Skeleton, advance, advance_ascii};
use super::split::{Body, Split};
use super::tags::{self, Wrong};

/// Element whose text is a body.
const BODY_ELEMENT: &[u8] = b"ContentTransferEncoded";
/// Broken bodies that are told of before the pass ends.
const MAX_BODY_FAULTS: usize = 20;

type Step = Result<usize, Box<Finding>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between markup.
    Text,
    /// After `<`, before it is clear what begins.
    Opening,
    StartTag {
        quote: Option<u8>,
    },
    EndTag,
    Comment,
    Instruction,
    CData,
    /// Inside the base64 of a body.
    Body {
        cdata: bool,
    },
}

/// Where the machine is inside a [`BODY_ELEMENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Outside,
    Awaiting,
    Done,
}

/// A body that is passing.
#[derive(Debug)]
struct Passing {
    decoder: Decoder,
    examiner: Examiner,
    source_offset: u64,
    start: (u32, u32),
    place: (u32, u32),
    broken: bool,
}

#[derive(Debug)]
pub(super) struct Machine<'a> {
    limits: &'a Limits,
    skeleton: Skeleton,
    bodies: Vec<Body>,
    faults: Vec<Finding>,
    warnings: Vec<Finding>,
    hasher: Hasher,
    /// Bytes fed before the piece in hand, and how far into it the machine is.
    fed: u64,
    used: usize,
    state: State,
    /// Where the token or text run in hand begins in the skeleton.
    token: usize,
    /// Names of the open elements, as ranges of the skeleton.
    open: Vec<(usize, usize)>,
    elements: usize,
    phase: Phase,
    passing: Option<Passing>,
    scratch: Vec<u8>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            skeleton: Skeleton::default(),
            bodies: Vec::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
            hasher: Hasher::default(),
            fed: 0,
            used: 0,
            state: State::Text,
            token: 0,
            open: Vec::new(),
            elements: 0,
            phase: Phase::Outside,
            passing: None,
            scratch: Vec::new(),
        }
    }

    /// Takes the next piece of the packet.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<(), Vec<Finding>> {
        self.hasher.update(piece);
        self.used = 0;
        if self.fed.saturating_add(piece.len() as u64) > self.limits.max_total {
            let limit = format!("≤ {} bytes", self.limits.max_total);
            return Err(self.refused(Box::new(Finding::of(&findings::PACKET_TOO_LARGE).expected(limit))));
        }
        while let Some(rest) = piece.get(self.used..).filter(|rest| !rest.is_empty()) {
            match self.step(rest) {
                Ok(used) => self.used += used,
                Err(finding) => return Err(self.refused(finding)),
            }
        }
        self.fed += piece.len() as u64;
        self.used = 0;
        Ok(())
    }

    /// Ends the packet.
    pub(super) fn finish(mut self) -> Result<Split, Vec<Finding>> {
        if let Err(finding) = self.check_end() {
            return Err(self.refused(finding));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let (digest, size) = (self.hasher.finish(), self.fed);
        Ok(Split { skeleton: self.skeleton, bodies: self.bodies, digest, size, warnings: self.warnings })
    }

    fn refused(&mut self, finding: Box<Finding>) -> Vec<Finding> {
        let mut all = std::mem::take(&mut self.faults);
        all.push(*finding);
        all
    }

    /// Goes on by at least one byte, or changes its state.
    fn step(&mut self, rest: &[u8]) -> Step {
        match self.state {
            State::Text => self.text(rest),
            State::Opening => self.opening(rest),
            State::StartTag { quote } => self.start_tag(rest, quote),
            State::EndTag => self.until_close(rest, b""),
            State::Comment => self.until_close(rest, b"--"),
            State::Instruction => self.until_close(rest, b"?"),
            State::CData => self.cdata(rest),
            State::Body { cdata } => self.body(rest, cdata),
        }
    }

    fn text(&mut self, rest: &[u8]) -> Step {
        let stop = memchr::memchr(b'<', rest);
        let run = rest.get(..stop.unwrap_or(rest.len())).unwrap_or_default();
        if self.phase != Phase::Outside
            && let Some(first) = run.iter().position(|byte| !is_space(*byte))
        {
            self.keep_text(run.get(..first).unwrap_or_default())?;
            self.begin_body(first, false)?;
            return Ok(first);
        }
        if self.open.is_empty() {
            self.check_outside(rest, run)?;
        }
        self.keep_text(run)?;
        if stop.is_some() {
            self.token = self.skeleton.bytes.len();
            self.keep(b"<")?;
            self.state = State::Opening;
            return Ok(run.len() + 1);
        }
        Ok(run.len())
    }

    /// Outside the root only white space may stand (and a byte order mark in front).
    fn check_outside(&mut self, rest: &[u8], run: &[u8]) -> Result<(), Box<Finding>> {
        let at_start = self.skeleton.bytes.is_empty();
        let text = if at_start { run.strip_prefix(BOM).unwrap_or(run) } else { run };
        let Some(stray) = text.iter().position(|byte| !is_space(*byte)) else { return Ok(()) };
        if self.elements > 0 {
            let before = run.len() - text.len() + stray;
            let place = advance(self.here(), run.get(..before).unwrap_or_default());
            return Err(boxed(&findings::MALFORMED, place, "nothing after the root element"));
        }
        let found = String::from_utf8_lossy(text.get(stray..).unwrap_or_default()).into_owned();
        let place = advance(self.here(), text.get(..stray).unwrap_or_default());
        let kind = what_is_it(text.get(stray..).unwrap_or_default(), rest);
        Err(Box::new(Finding::of(kind).at(place.0, place.1).found(found).expected("<?xml … ?> <edXML>")))
    }

    fn opening(&mut self, rest: &[u8]) -> Step {
        let Some(byte) = rest.first().copied() else { return Ok(0) };
        self.keep(&[byte])?;
        let token = self.skeleton.bytes.get(self.token + 1..).unwrap_or_default();
        let state = match token {
            b"/" => State::EndTag,
            b"?" => State::Instruction,
            b"!--" => State::Comment,
            b"![CDATA[" if !self.open.is_empty() => State::CData,
            b"!" | b"!-" => State::Opening,
            bang if b"![CDATA[".starts_with(bang) && !self.open.is_empty() => State::Opening,
            [first] if tags::starts_name(*first) => State::StartTag { quote: None },
            [0] => return Err(self.at_token(&findings::NOT_UTF8, 0, "UTF-8")),
            [b'!', other] if *other != b'[' => return Err(self.at_token(&findings::DOCTYPE, 0, "<edXML>")),
            _ => return Err(self.at_token(&findings::MALFORMED, 0, "a tag, or &lt;")),
        };
        self.state = state;
        Ok(1)
    }

    fn start_tag(&mut self, rest: &[u8], quote: Option<u8>) -> Step {
        let stop = match quote {
            Some(quote) => memchr::memchr(quote, rest),
            None => memchr::memchr3(b'>', b'"', b'\'', rest),
        };
        let used = stop.map_or(rest.len(), |stop| stop + 1);
        self.keep(rest.get(..used).unwrap_or_default())?;
        match (stop.and_then(|stop| rest.get(stop)), quote) {
            (Some(_), Some(_)) => self.state = State::StartTag { quote: None },
            (Some(b'>'), None) => self.element_begins()?,
            (Some(mark), None) => self.state = State::StartTag { quote: Some(*mark) },
            (None, _) => {}
        }
        Ok(used)
    }

    /// Keeps everything up to the `>` that has `mark` before it.
    fn until_close(&mut self, rest: &[u8], mark: &[u8]) -> Step {
        let used = memchr::memchr(b'>', rest).map_or(rest.len(), |stop| stop + 1);
        self.keep(rest.get(..used).unwrap_or_default())?;
        let token = self.skeleton.bytes.get(self.token..).unwrap_or_default();
        let opening = if self.state == State::Comment { 4 } else { 2 };
        let ends = token.get(opening..).and_then(|inner| inner.strip_suffix(b">"));
        if ends.is_some_and(|inner| inner.ends_with(mark)) {
            match self.state {
                State::EndTag => self.element_ends()?,
                State::Instruction => self.instruction_ends()?,
                State::Comment => self.comment_ends()?,
                _ => {}
            }
            self.enter_text();
        }
        Ok(used)
    }

    fn cdata(&mut self, rest: &[u8]) -> Step {
        if self.phase != Phase::Outside {
            let first = rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len());
            self.keep_text(rest.get(..first).unwrap_or_default())?;
            match rest.get(first) {
                None => return Ok(first),
                Some(b']' | b'>') => self.keep(rest.get(first..=first).unwrap_or_default())?,
                Some(_) => {
                    self.begin_body(first, true)?;
                    return Ok(first);
                }
            }
            self.leave_cdata();
            return Ok(first + 1);
        }
        let used = memchr::memchr(b'>', rest).map_or(rest.len(), |stop| stop + 1);
        self.keep_text(rest.get(..used).unwrap_or_default())?;
        self.leave_cdata();
        Ok(used)
    }

    fn leave_cdata(&mut self) {
        let inner = self.skeleton.bytes.get(self.token + b"<![CDATA[".len()..).unwrap_or_default();
        if inner.ends_with(b"]]>") {
            self.enter_text();
        }
    }

    fn enter_text(&mut self) {
        self.state = State::Text;
        self.token = self.skeleton.bytes.len();
    }

    fn begin_body(&mut self, offset_in_rest: usize, cdata: bool) -> Result<(), Box<Finding>> {
        let start = self.here();
        if self.phase == Phase::Done {
            return Err(boxed(&findings::BODY_WITH_MARKUP, start, "</ContentTransferEncoded>"));
        }
        if self.skeleton.cuts.len() >= self.limits.max_bodies {
            return Err(boxed(&findings::TOO_MANY_BODIES, start, &format!("≤ {}", self.limits.max_bodies)));
        }
        let source_offset = self.fed + (self.used + offset_in_rest) as u64;
        let (decoder, examiner) = (Decoder::default(), Examiner::default());
        self.passing = Some(Passing { decoder, examiner, source_offset, start, place: start, broken: false });
        self.state = State::Body { cdata };
        Ok(())
    }

    fn body(&mut self, rest: &[u8], cdata: bool) -> Step {
        let stop = memchr::memchr(if cdata { b']' } else { b'<' }, rest);
        let run = rest.get(..stop.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(passing) = &mut self.passing {
            if !passing.broken {
                self.scratch.clear();
                let fed = passing.decoder.feed(run, &mut self.scratch);
                passing.examiner.take(&self.scratch);
                if let Err(bad) = fed {
                    passing.broken = true;
                    let (before, after) = run.split_at_checked(bad.at).unwrap_or((run, b""));
                    let place = advance(passing.place, before);
                    let piece = after.get(..after.len().min(160)).unwrap_or_default();
                    let found = String::from_utf8_lossy(piece);
                    let finding = Finding::of(&findings::NOT_BASE64).at(place.0, place.1).found(found);
                    self.faults.push(body_fault(finding).expected("A–Z a–z 0–9 + / ="));
                }
            }
            let walk = if passing.broken { advance } else { advance_ascii };
            passing.place = walk(passing.place, run);
        }
        if stop.is_some() {
            self.body_ends(run.len())?;
            self.phase = Phase::Done;
            if cdata {
                self.state = State::CData;
            } else {
                self.enter_text();
            }
        }
        Ok(run.len())
    }

    fn body_ends(&mut self, offset_in_rest: usize) -> Result<(), Box<Finding>> {
        let Some(mut passing) = self.passing.take() else { return Ok(()) };
        let end = self.fed + (self.used + offset_in_rest) as u64;
        let (start, place) = (passing.start, passing.place);
        let line_feeds = place.0.saturating_sub(start.0);
        self.skeleton.cuts.push(Cut {
            skeleton_offset: self.skeleton.bytes.len(),
            source_offset: passing.source_offset,
            source_len: end.saturating_sub(passing.source_offset),
            line_feeds,
            last_line: place.1.saturating_sub(if line_feeds == 0 { start.1 } else { 1 }),
        });
        if !passing.broken && passing.decoder.finish().is_err() {
            let finding = Finding::of(&findings::NOT_BASE64).at(place.0, place.1);
            self.faults.push(body_fault(finding).expected("a last group of four characters, filled up with ="));
            passing.broken = true;
        }
        let seen = passing.examiner.finish();
        if !passing.broken
            && let Some(kind) = seen.fault
        {
            let found = format!("{} bytes, {}", seen.len, seen.digest);
            self.faults.push(body_fault(Finding::of(kind).at(start.0, start.1).found(found)));
        }
        let cut = self.skeleton.cuts.len() - 1;
        let (digest, decoded_len, kind) = (seen.digest, seen.len, seen.kind);
        self.bodies.push(Body { cut, digest, decoded_len, kind, line: start.0, column: start.1 });
        if self.faults.len() >= MAX_BODY_FAULTS {
            return self.faults.pop().map_or(Ok(()), |last| Err(Box::new(last)));
        }
        Ok(())
    }

    fn element_begins(&mut self) -> Result<(), Box<Finding>> {
        let tag = self.skeleton.bytes.get(self.token..).unwrap_or_default();
        let parsed = tags::start_tag(tag, self.limits).map_err(|wrong| self.wrong(wrong))?;
        let name = tag.get(1..=parsed.name_len).unwrap_or_default();
        let is_body = tags::local_name(name) == BODY_ELEMENT;
        if self.phase != Phase::Outside {
            return Err(self.at_token(&findings::BODY_WITH_MARKUP, 0, "</ContentTransferEncoded>"));
        }
        if self.open.is_empty() && self.elements > 0 {
            return Err(self.at_token(&findings::MALFORMED, 0, "one root element"));
        }
        self.elements += 1;
        if self.elements > self.limits.max_elements {
            let limit = format!("≤ {}", self.limits.max_elements);
            return Err(self.at_token(&findings::TOO_MANY_ELEMENTS, 0, &limit));
        }
        if self.open.len() >= self.limits.max_depth {
            let limit = format!("≤ {}", self.limits.max_depth);
            return Err(self.at_token(&findings::TOO_DEEP, 0, &limit));
        }
        if !parsed.self_closing {
            self.open.push((self.token + 1, parsed.name_len));
            if is_body {
                self.phase = Phase::Awaiting;
            }
        }
        self.enter_text();
        Ok(())
    }

    fn element_ends(&mut self) -> Result<(), Box<Finding>> {
        let tag = self.skeleton.bytes.get(self.token..).unwrap_or_default();
        let name = tags::end_tag(tag, self.limits).map_err(|wrong| self.wrong(wrong))?;
        let open =
            self.open.last().map(|(start, len)| self.skeleton.bytes.get(*start..start + len).unwrap_or_default());
        if open != Some(name) {
            let expected = open.map_or_else(|| "no closing tag".to_owned(), closing);
            let found = String::from_utf8_lossy(tag).into_owned();
            return Err(Box::new(self.at_token(&findings::MISMATCHED_TAG, 0, &expected).found(found)));
        }
        self.open.pop();
        self.phase = Phase::Outside;
        Ok(())
    }

    /// XML allows no `--` inside a comment, and receivers that keep to it would refuse what we passed on.
    fn comment_ends(&self) -> Result<(), Box<Finding>> {
        let inner = self.skeleton.bytes.get(self.token + b"<!--".len()..).unwrap_or_default();
        let inner = inner.strip_suffix(b"->").unwrap_or(inner);
        match memchr::memmem::find(inner, b"--") {
            Some(at) => Err(self.at_token(&findings::MALFORMED, b"<!--".len() + at, "-->")),
            None => Ok(()),
        }
    }

    /// The XML declaration may stand only in front; white space or a mark before it is let pass (quirk Q2).
    fn instruction_ends(&mut self) -> Result<(), Box<Finding>> {
        let token = self.skeleton.bytes.get(self.token..).unwrap_or_default();
        let name = tags::instruction(token, self.limits).map_err(|wrong| self.wrong(wrong))?;
        if !name.eq_ignore_ascii_case(b"xml") {
            return Ok(());
        }
        let before = self.skeleton.bytes.get(..self.token).unwrap_or_default();
        let spaces = before.strip_prefix(BOM).unwrap_or(before);
        if name != b"xml" || !spaces.iter().all(|byte| is_space(*byte)) {
            return Err(self.at_token(&findings::BYTES_BEFORE_XML, 0, "<?xml … ?> once, at the start"));
        }
        tags::declaration(token, self.limits).map_err(|wrong| self.wrong(wrong))
    }

    fn check_end(&mut self) -> Result<(), Box<Finding>> {
        let bytes = &self.skeleton.bytes;
        let text = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let blank = text.iter().all(|byte| is_space(*byte));
        if blank && self.elements == 0 {
            return Err(boxed(&findings::EMPTY, (1, 1), "<edXML>"));
        }
        if self.state != State::Text || !self.open.is_empty() || self.elements == 0 {
            let place = self.passing.as_ref().map_or_else(|| self.here(), |passing| passing.place);
            let open = self.open.last().and_then(|(start, len)| bytes.get(*start..start + len));
            return Err(boxed(&findings::CUT_SHORT, place, &open.map_or_else(|| "<edXML>".to_owned(), closing)));
        }
        if let Err(error) = simdutf8::compat::from_utf8(bytes) {
            return Err(self.at(&findings::NOT_UTF8, error.valid_up_to(), "UTF-8"));
        }
        if has_suspects(bytes)
            && let Some((at, bad)) = self.skeleton.text().char_indices().find(|(_, c)| !tags::is_xml_char(*c))
        {
            let found = format!("U+{:04X}", u32::from(bad));
            return Err(Box::new(self.at(&findings::MALFORMED, at, "a character that XML allows").found(found)));
        }
        let lead = bytes.iter().position(|byte| *byte == b'<').unwrap_or_default();
        let declared = text.trim_ascii_start().starts_with(b"<?xml");
        if lead > 0 && (declared || text.len() < bytes.len()) {
            self.warnings.push(Finding::of(&findings::SPACE_BEFORE_XML).at(1, 1));
        }
        Ok(())
    }

    /// Keeps text that belongs to the skeleton.
    fn keep_text(&mut self, text: &[u8]) -> Result<(), Box<Finding>> {
        if self.skeleton.bytes.len() + text.len() - self.token > self.limits.max_text {
            let limit = format!("≤ {} bytes", self.limits.max_text);
            return Err(self.at_token(&findings::TEXT_TOO_LONG, 0, &limit));
        }
        self.keep_within(text)
    }

    /// Keeps a part of a tag, comment or instruction.
    fn keep(&mut self, markup: &[u8]) -> Result<(), Box<Finding>> {
        let limit = if self.state == State::CData { self.limits.max_text } else { self.limits.max_tag };
        if self.skeleton.bytes.len() + markup.len() - self.token > limit {
            return Err(self.at_token(&findings::TAG_TOO_LONG, 0, &format!("≤ {limit} bytes")));
        }
        self.keep_within(markup)
    }

    fn keep_within(&mut self, bytes: &[u8]) -> Result<(), Box<Finding>> {
        if self.skeleton.bytes.len() + bytes.len() > self.limits.max_skeleton {
            let limit = format!("≤ {} bytes", self.limits.max_skeleton);
            return Err(boxed(&findings::SKELETON_TOO_LARGE, self.here(), &limit));
        }
        self.skeleton.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn here(&self) -> (u32, u32) {
        self.skeleton.position(self.skeleton.bytes.len())
    }

    fn at(&self, kind: &'static Kind, skeleton_offset: usize, expected: &str) -> Box<Finding> {
        boxed(kind, self.skeleton.position(skeleton_offset), expected)
    }

    fn at_token(&self, kind: &'static Kind, offset: usize, expected: &str) -> Box<Finding> {
        self.at(kind, self.token + offset, expected)
    }

    fn wrong(&self, wrong: Wrong) -> Box<Finding> {
        let at = self.token + wrong.at;
        let end = self.skeleton.bytes.len().min(at + 60);
        let found = String::from_utf8_lossy(self.skeleton.bytes.get(at..end).unwrap_or_default()).into_owned();
        Box::new(self.at(wrong.kind, at, wrong.expected).found(found))
    }
}

fn boxed(kind: &'static Kind, (line, column): (u32, u32), expected: &str) -> Box<Finding> {
    let finding = Finding::of(kind).at(line, column);
    Box::new(if expected.is_empty() { finding } else { finding.expected(expected) })
}

/// True when some byte may belong to a character that XML forbids; nearly always it is false, and it is quick.
fn has_suspects(text: &[u8]) -> bool {
    // Without an early end the loop looks at many bytes at once.
    let control = text.iter().fold(false, |seen, byte| seen | (*byte < b' ' && !is_space(*byte)));
    let nonchar = |at: usize| matches!(text.get(at + 1..at + 3), Some(b"\xBF\xBE" | b"\xBF\xBF"));
    control || memchr::memchr_iter(0xEF, text).any(nonchar)
}

fn body_fault(finding: Finding) -> Finding {
    finding.element("AttachmentEncoded/Attachment/ContentTransferEncoded")
}

fn closing(name: &[u8]) -> String {
    format!("</{}>", String::from_utf8_lossy(name))
}

/// Names the kind of fault of a packet that does not begin with `<`.
fn what_is_it(stray: &[u8], rest: &[u8]) -> &'static Kind {
    let begins = |text: &[u8]| stray.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
    if begins(b"content-type:") || begins(b"mime-version:") || begins(b"--") {
        &findings::LEGACY_FORM
    } else if begins(b"\xFF\xFE") || begins(b"\xFE\xFF") || begins(b"\0") {
        &findings::NOT_UTF8
    } else if memchr::memmem::find(rest, b"<?xml").is_some() || memchr::memmem::find(rest, b"edXML").is_some() {
        &findings::BYTES_BEFORE_XML
    } else {
        &findings::NOT_XML
    }
}
