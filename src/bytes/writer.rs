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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian_and_can_be_filled_in_afterwards() {
        let mut writer = Writer::with_capacity(8);
        assert!(writer.is_empty());
        writer.u16(0);
        writer.u8(7);
        writer.u32(0x0102_0304);
        writer.octets(b"x");
        writer.set_u16(0, 0x0809);
        writer.set_u16(7, 9);
        assert_eq!(writer.as_slice(), [8, 9, 7, 1, 2, 3, 4, b'x']);
        assert_eq!(writer.into_octets().len(), 8);
    }
}
