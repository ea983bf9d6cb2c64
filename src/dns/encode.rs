//! Writes the fields of DNS messages, with name compression where it is allowed.

use crate::bytes::Writer;

use super::Name;

/// A compression pointer has 14 bits (RFC 1035 §4.1.4).
const POINTER_REACH: usize = 0x3FFF;
/// How many places of names are remembered for compression: enough for a full UDP answer, and it keeps the search in a long
/// message (a zone's worth of names over TCP) linear.
const REMEMBERED_NAMES: usize = 64;

/// How names are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Compressed where RFC 1035 allows it.
    Message,
    /// Canonical: in full, lower case (RFC 4034 §6.2).
    Canonical,
}

/// Writes the fields of one message, or the canonical form of one record's data.
pub(super) struct Encoder {
    writer: Writer,
    form: Form,
    /// Offsets of names and their suffixes written so far.
    names: Vec<u16>,
}

impl Encoder {
    /// For a message.
    pub(super) fn message() -> Self {
        Self {
            writer: Writer::with_capacity(512),
            form: Form::Message,
            names: Vec::new(),
        }
    }

    /// For the canonical form of record data.
    pub(super) fn canonical() -> Self {
        Self {
            writer: Writer::default(),
            form: Form::Canonical,
            names: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.writer.len()
    }

    pub(super) fn into_octets(self) -> Vec<u8> {
        self.writer.into_octets()
    }

    pub(super) fn u8(&mut self, number: u8) {
        self.writer.u8(number);
    }

    pub(super) fn u16(&mut self, number: u16) {
        self.writer.u16(number);
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.writer.u32(number);
    }

    pub(super) fn octets(&mut self, octets: &[u8]) {
        self.writer.octets(octets);
    }

    /// Appends what `body` writes, with its length as a 16-bit number before it; `None` if `body` says so or its length does not fit.
    pub(super) fn with_length(&mut self, body: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let start = self.len();
        self.u16(0);
        body(self)?;
        let length = u16::try_from(self.len() - start - 2).ok()?;
        self.writer.set_u16(start, length);
        Some(())
    }

    /// A name where compression is allowed: owners, questions, and data of the types of RFC 1035 (RFC 3597 §4).
    pub(super) fn name(&mut self, name: &Name) {
        if self.form == Form::Canonical {
            return self.plain_name(name);
        }
        let mut suffix = name.as_wire();
        while let Some((&length, _)) = suffix.split_first() {
            if length == 0 {
                return self.writer.u8(0);
            }
            if let Some(target) = self.find(suffix) {
                return self.writer.u16(0xC000 | target);
            }
            self.remember();
            let Some((label, rest)) = suffix.split_at_checked(usize::from(length) + 1) else {
                return;
            };
            self.writer.octets(label);
            suffix = rest;
        }
    }

    /// A name in full; lower case in canonical form.
    pub(super) fn plain_name(&mut self, name: &Name) {
        match self.form {
            Form::Message => self.writer.octets(name.as_wire()),
            Form::Canonical => self.writer.octets(name.to_lowercase().as_wire()),
        }
    }

    /// A name in full whose case is kept even in canonical form: NSEC's next name (RFC 6840 §5.1).
    pub(super) fn exact_name(&mut self, name: &Name) {
        self.writer.octets(name.as_wire());
    }

    fn remember(&mut self) {
        if self.names.len() < REMEMBERED_NAMES && self.len() <= POINTER_REACH {
            self.names.extend(u16::try_from(self.len()));
        }
    }

    /// Where `suffix` already stands, letter for letter: so that compression never changes the case of a name.
    fn find(&self, suffix: &[u8]) -> Option<u16> {
        self.names
            .iter()
            .copied()
            .find(|&offset| self.stands_at(usize::from(offset), suffix))
    }

    fn stands_at(&self, mut offset: usize, mut suffix: &[u8]) -> bool {
        loop {
            let Some(written) = self.writer.as_slice().get(offset..) else {
                return false;
            };
            match (written, suffix) {
                ([0, ..], [0]) => return true,
                ([high, low, ..], _) if *high >= 0xC0 => {
                    offset = usize::from(u16::from_be_bytes([high & 0x3F, *low]));
                }
                ([length, ..], [other, ..]) if length == other => {
                    let size = usize::from(*length) + 1;
                    if written.get(..size) != suffix.get(..size) {
                        return false;
                    }
                    suffix = suffix.get(size..).unwrap_or_default();
                    offset += size;
                }
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
