//! Places in the user's files.

/// A file of this run, by its place in the list of inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A range of bytes in one source; line and column are worked out only when someone looks.
///
/// ```
/// use shop_report::{SourceId, Span};
/// let span = Span::new(SourceId(0), 10, 14);
/// assert_eq!(span.line_in(b"0\nSECTION\n2\nENTITIES\n"), 3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Which file.
    pub source: SourceId,
    /// First byte. Files beyond 4 GiB are refused at the door.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Returns the span of bytes `start..end` of `source`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span { source, start: clamp(start), end: clamp(end) }
    }

    /// Returns the 1-based line on which the span starts in `bytes`, the text of its source.
    #[expect(clippy::naive_bytecount, reason = "asked a few times a run; not worth a dependency")]
    pub fn line_in(&self, bytes: &[u8]) -> usize {
        let start = (self.start as usize).min(bytes.len());
        bytes[..start].iter().filter(|&&b| b == b'\n').count() + 1
    }

    /// Returns the smallest span over both; `other` must be of the same source.
    pub fn to(self, other: Span) -> Span {
        debug_assert_eq!(self.source, other.source);
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}
