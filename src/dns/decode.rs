//! Reads the fields of DNS messages: names with compression, and numbers that know their offset when they fail.

use crate::bytes::Reader;

use super::name::NAME_LIMIT;
use super::{DecodeError, Fault, Name};

/// Most compression pointers in one name: a name of 255 octets has at most 127 labels, and no sane encoder writes two pointers in a row.
/// Without it a chain of pointers could make each of a message's names cost thousands of steps.
const POINTER_LIMIT: usize = 127;

/// Reads the fields of one message, or of the part of it that a length field bounds.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    /// What compression pointers point into; `None` where they are forbidden altogether.
    message: Option<&'a [u8]>,
    reader: Reader<'a>,
}

impl<'a> Decoder<'a> {
    /// For a message.
    pub(super) const fn message(message: &'a [u8]) -> Self {
        Self {
            message: Some(message),
            reader: Reader::new(message),
        }
    }

    /// For record data that stands alone: without a message, no name can be compressed.
    pub(super) const fn alone(octets: &'a [u8]) -> Self {
        Self {
            message: None,
            reader: Reader::new(octets),
        }
    }

    pub(super) const fn position(&self) -> usize {
        self.reader.position()
    }

    pub(super) const fn remaining(&self) -> usize {
        self.reader.len()
    }

    /// An error at the present position.
    pub(super) const fn fault(&self, fault: Fault) -> DecodeError {
        DecodeError {
            offset: self.reader.position(),
            fault,
        }
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.reader.u8().ok_or(self.fault(Fault::Truncated))
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.reader.u16().ok_or(self.fault(Fault::Truncated))
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.reader.u32().ok_or(self.fault(Fault::Truncated))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.reader.array().ok_or(self.fault(Fault::Truncated))
    }

    pub(super) fn octets(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        self.reader
            .octets(count)
            .ok_or(self.fault(Fault::Truncated))
    }

    /// All octets up to the bound.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.reader.rest()
    }

    /// A decoder of just the next `length` octets; names in it may still point to all of the message before them.
    pub(super) fn sub(&mut self, length: usize) -> Result<Self, DecodeError> {
        let error = self.fault(Fault::Truncated);
        let reader = self.reader.sub(length).ok_or(error)?;
        Ok(Self {
            message: self.message,
            reader,
        })
    }

    /// Nothing may be left before the bound.
    pub(super) const fn finish(&self, fault: Fault) -> Result<(), DecodeError> {
        if self.reader.is_empty() {
            Ok(())
        } else {
            Err(self.fault(fault))
        }
    }

    /// A name that may be compressed (RFC 1035 §4.1.4).
    pub(super) fn name(&mut self) -> Result<Name, DecodeError> {
        let Some(message) = self.message else {
            return self.plain_name();
        };
        let mut wire = NameBuffer::default();
        let Some(mut target) = self.labels(&mut wire)? else {
            return Ok(wire.into_name());
        };
        // Every pointer must lead to before the run of labels it ends: so the walk only moves to the front, and ends.
        let mut pointers = 1;
        loop {
            let mut ahead = Self::message(message);
            ahead.octets(target)?;
            match ahead.labels(&mut wire)? {
                None => return Ok(wire.into_name()),
                Some(_) if pointers == POINTER_LIMIT => {
                    return Err(ahead.fault(Fault::PointerLimit));
                }
                Some(next) => target = next,
            }
            pointers += 1;
        }
    }

    /// A name that may not be compressed (RFC 3597 §4).
    pub(super) fn plain_name(&mut self) -> Result<Name, DecodeError> {
        let mut wire = NameBuffer::default();
        match self.labels(&mut wire)? {
            None => Ok(wire.into_name()),
            Some(_) => Err(DecodeError {
                offset: self.position() - 2,
                fault: Fault::PointerForbidden,
            }),
        }
    }

    /// Reads labels up to and with the root label or a pointer; returns where the pointer leads.
    fn labels(&mut self, wire: &mut NameBuffer) -> Result<Option<usize>, DecodeError> {
        let start = self.position();
        loop {
            let offset = self.position();
            let length = self.u8()?;
            match length {
                0 => return Ok(None),
                1..=0x3F => {
                    let label = self.octets(usize::from(length))?;
                    wire.push(length, label).ok_or(DecodeError {
                        offset,
                        fault: Fault::NameTooLong,
                    })?;
                }
                0xC0.. => {
                    let low = self.u8()?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3F, low]));
                    if target >= start {
                        let fault = Fault::PointerForward;
                        return Err(DecodeError { offset, fault });
                    }
                    return Ok(Some(target));
                }
                0x40..=0xBF => {
                    let fault = Fault::LabelType;
                    return Err(DecodeError { offset, fault });
                }
            }
        }
    }
}

/// Collects the labels of one name without allocating; the root label is added at the end.
struct NameBuffer {
    octets: [u8; NAME_LIMIT],
    length: usize,
}

impl Default for NameBuffer {
    fn default() -> Self {
        Self {
            octets: [0; NAME_LIMIT],
            length: 0,
        }
    }
}

impl NameBuffer {
    /// Appends a label; `None` if the name gets too long with the root label still to come.
    fn push(&mut self, length: u8, label: &[u8]) -> Option<()> {
        let end = self.length + 1 + label.len();
        if end >= NAME_LIMIT {
            return None;
        }
        let (first, rest) = self.octets.get_mut(self.length..end)?.split_first_mut()?;
        *first = length;
        rest.copy_from_slice(label);
        self.length = end;
        Some(())
    }

    fn into_name(self) -> Name {
        // The octet after the last label is still zero: the root label.
        Name::from_checked_wire(self.octets.get(..=self.length).unwrap_or(&[0]))
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
