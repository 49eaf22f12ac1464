//! One way in which a packet differs from its schema.

/// What rule was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ViolationKind {
    /// The outermost element is not `edXML` of QCVN 102.
    WrongRoot,
    /// An element that must stand in this one does not; `expected` names it.
    MissingElement,
    /// An element this one does not provide for; `found` names it.
    UnexpectedElement,
    /// An element stands oftener than allowed; `found` names it, `expected` says how often.
    TooMany,
    /// An element of this parent stands too late; `found` names it, `expected` gives the official order.
    WrongOrder,
    /// Text where only elements may stand.
    UnexpectedText,
    /// The text is not of the type, e.g. letters where a number is due.
    BadValue,
    TooLong,
    /// Shorter than allowed: nearly always an empty required field.
    TooShort,
    /// Not of the prescribed form, e.g. a date that is not `yyyy/MM/dd`.
    Pattern,
    /// Not one of the values listed.
    NotListed,
    /// A number above or below its bounds.
    OutOfRange,
    /// An attribute is missing, unknown, or has a wrong value.
    BadAttribute,
    /// A namespace prefix is used and never declared.
    UndeclaredPrefix,
    Other,
}

/// One violation. Positions are those of the bytes that were validated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Byte offset: of the element's `<`, or of the text where text is at fault.
    pub offset: usize,
    /// From 1.
    pub line: u32,
    /// From 1, in characters; a byte order mark is none.
    pub column: u32,
    /// Local names from the root down, joined by `/`, without prefixes: the element at fault, or the parent that
    /// lacks one.
    pub element_path: String,
    pub rule: ViolationKind,
    /// What stood there, at most 120 characters of it.
    pub found: Option<String>,
    /// What should stand there: names, a length (`≤ 500`), a range (`0..4`), a form (`yyyy/MM/dd`), a type (`xs:int`).
    pub expected: Option<String>,
    /// For an element in the wrong order: the one it must stand before.
    pub before: Option<String>,
    /// For an element that is not provided for: the one that is missing beside it and bears nearly the same name.
    pub instead: Option<String>,
    /// Characters of the whole text that `found` was cut from.
    pub found_chars: usize,
    /// In English, for logs.
    pub message: String,
}

/// Longest piece of the sender's text kept in a violation.
const MAX_FOUND_CHARS: usize = 120;

impl Violation {
    pub(crate) fn new(rule: ViolationKind, offset: usize, element_path: String, message: impl Into<String>) -> Self {
        Self {
            offset,
            line: 0,
            column: 0,
            element_path,
            rule,
            found: None,
            expected: None,
            before: None,
            instead: None,
            found_chars: 0,
            message: message.into(),
        }
    }

    pub(crate) fn found(mut self, text: &str) -> Self {
        let mut chars = text.chars();
        let mut kept: String = chars.by_ref().take(MAX_FOUND_CHARS).collect();
        if chars.next().is_some() {
            kept.push('…');
        }
        self.found_chars = text.chars().count();
        self.found = Some(kept);
        self
    }

    pub(crate) fn expected(mut self, text: Option<String>) -> Self {
        self.expected = text;
        self
    }

    pub(crate) fn before(mut self, element: Option<&str>) -> Self {
        self.before = element.map(str::to_owned);
        self
    }

    /// Name of the element at fault: the last step of the path.
    #[must_use]
    pub fn element(&self) -> &str {
        self.element_path.rsplit('/').next().unwrap_or_default()
    }
}
