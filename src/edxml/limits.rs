//! How much of anything a packet may hold. Each limit has its reason; each has a test that reaches it.

/// Limits of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole packet; what the disk and the next hop are prepared to take.
    pub max_total: u64,
    /// Bytes of the packet without its bodies; all of them stand in memory.
    pub max_skeleton: usize,
    /// Nesting; the standard has 9 levels, and recursive readers further on must not run out of stack.
    pub max_depth: usize,
    /// Elements; some 2,000 recipients with all their fields.
    pub max_elements: usize,
    /// Bytes of an element's or attribute's name; the longest of the standard has 22.
    pub max_name: usize,
    /// Attributes of one element; the standard has 4.
    pub max_attributes: usize,
    /// Bytes of one tag, comment or processing instruction; nothing is smuggled in an attribute.
    pub max_tag: usize,
    /// Bytes of one text run outside the bodies; a certificate is the longest that is legitimate.
    pub max_text: usize,
    /// Attachments.
    pub max_bodies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_total: 2 << 30,
            max_skeleton: 1 << 20,
            max_depth: 256,
            max_elements: 20_000,
            max_name: 128,
            max_attributes: 32,
            max_tag: 16 << 10,
            max_text: 128 << 10,
            max_bodies: 1_000,
        }
    }
}
