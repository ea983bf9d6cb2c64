//! Reads big-endian numbers and octets from the front of a bounded slice, and knows where it stands.

/// A position in a slice; every method consumes nothing when it fails.
///
/// A reader made by [`Reader::sub`] ends where its length field says, but still counts its position from the start of the whole.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `octets`.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self {
            rest: octets,
            position: 0,
        }
    }

    /// Octets read so far, counted from the start of the whole.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// How many octets are left.
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(self.rest.len());
        self.position += taken.len();
        self.rest = rest;
        taken
    }

    /// The next `count` octets.
    pub fn octets(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.position += count;
        self.rest = rest;
        Some(taken)
    }

    /// A reader of just the next `count` octets, which this reader skips.
    pub fn sub(&mut self, count: usize) -> Option<Self> {
        let position = self.position;
        let rest = self.octets(count)?;
        Some(Self { rest, position })
    }

    /// The next `N` octets.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.position += N;
        self.rest = rest;
        Some(*taken)
    }

    /// An octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(|[octet]| octet)
    }

    /// A 16-bit number.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A 32-bit number.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A 64-bit number.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_consumes_nothing() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u32(), None);
        assert_eq!(reader.octets(4), None);
        assert!(reader.sub(4).is_none());
        assert_eq!(reader.u16(), Some(0x0102));
        assert_eq!(reader.u16(), None);
        assert_eq!((reader.position(), reader.len()), (2, 1));
        assert_eq!(reader.rest(), [3]);
        assert_eq!((reader.position(), reader.is_empty()), (3, true));
    }

    #[test]
    fn a_sub_reader_ends_with_its_length_and_counts_from_the_whole() {
        let mut reader = Reader::new(&[9, 1, 2, 8]);
        assert_eq!(reader.u8(), Some(9));
        let mut sub = reader.sub(2).expect("two octets");
        assert_eq!(sub.position(), 1);
        assert_eq!(sub.u16(), Some(0x0102));
        assert_eq!(sub.u8(), None);
        assert_eq!(reader.u8(), Some(8));
    }
}
