//! Writes big-endian numbers and octets, and fills length fields in afterwards.

/// A growing buffer of octets.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    octets: Vec<u8>,
}

impl Writer {
    /// An empty buffer with room for `capacity` octets.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            octets: Vec::with_capacity(capacity),
        }
    }

    /// Octets written so far.
    pub fn len(&self) -> usize {
        self.octets.len()
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// What is written so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.octets
    }

    /// The octets written.
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// Forgets what was written after the first `length` octets.
    pub fn truncate(&mut self, length: usize) {
        self.octets.truncate(length);
    }

    /// Appends an octet.
    pub fn u8(&mut self, number: u8) {
        self.octets.push(number);
    }

    /// Appends a 16-bit number.
    pub fn u16(&mut self, number: u16) {
        self.octets.extend_from_slice(&number.to_be_bytes());
    }

    /// Appends a 32-bit number.
    pub fn u32(&mut self, number: u32) {
        self.octets.extend_from_slice(&number.to_be_bytes());
    }

    /// Appends a 64-bit number.
    pub fn u64(&mut self, number: u64) {
        self.octets.extend_from_slice(&number.to_be_bytes());
    }

    /// Appends octets as they are.
    pub fn octets(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// Overwrites the 16-bit number at `offset`; does nothing if nothing was written there.
    pub fn set_u16(&mut self, offset: usize, number: u16) {
        let place = self
            .octets
            .get_mut(offset..)
            .and_then(|tail| tail.first_chunk_mut());
        if let Some(place) = place {
            *place = number.to_be_bytes();
        }
    }

    /// Appends what `body` writes, with its length as a 16-bit number before it; `None` (and nothing appended) if it does not fit such a number.
    pub fn with_length(&mut self, body: impl FnOnce(&mut Self)) -> Option<()> {
        let start = self.len();
        self.u16(0);
        body(self);
        match u16::try_from(self.len() - start - 2) {
            Ok(length) => {
                self.set_u16(start, length);
                Some(())
            }
            Err(_) => {
                self.truncate(start);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_filled_in_or_nothing_is_written() {
        let mut writer = Writer::default();
        writer.u8(7);
        assert_eq!(writer.with_length(|w| w.u32(0x0102_0304)), Some(()));
        assert_eq!(writer.as_slice(), [7, 0, 4, 1, 2, 3, 4]);
        assert_eq!(writer.with_length(|w| w.octets(&[0; 65_536])), None);
        assert_eq!(writer.len(), 7);
        writer.set_u16(6, 9);
        assert_eq!(writer.into_octets(), [7, 0, 4, 1, 2, 3, 4]);
    }
}
