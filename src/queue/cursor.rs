//! A bounded reader and the matching writers for the numbers and texts of spool records (big-endian).

/// Reads from the front of a slice; every method consumes nothing when it fails.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn octets(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[octet]| octet)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A text with a 16-bit length before it.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let mut ahead = *self;
        let length = ahead.u16()?;
        let octets = ahead.octets(usize::from(length))?;
        let text = std::str::from_utf8(octets).ok()?;
        *self = ahead;
        Some(text)
    }
}

/// Appends a text with a 16-bit length before it; `None`, and nothing appended, if it is too long.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let length = u16::try_from(text.len()).ok()?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Some(())
}
