//! The sheet that an annotation is written on: fields are taken from the front of the packet, each gets its line.

use std::fmt::Write;

use super::{DecodeError, Decoder, Fault, Name, Step};
use crate::log::one_line;

/// Octets shown on one line.
const OCTETS_A_LINE: usize = 8;
/// Lines written at most: a message of 64 KiB could make a hundred thousand, which nobody reads.
const LINES_AT_MOST: usize = 4000;

pub(super) struct Sheet<'a> {
    message: &'a [u8],
    from: Decoder<'a>,
    text: String,
    lines: usize,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self {
            message,
            from: Decoder::message(message),
            text: String::new(),
            lines: 0,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Octets left before the present bound.
    pub(super) const fn remaining(&self) -> usize {
        self.from.remaining()
    }

    pub(super) const fn error(&self, fault: Fault) -> DecodeError {
        self.from.fault(fault)
    }

    /// A line without octets.
    pub(super) fn note(&mut self, text: &str) {
        self.line(&format!("-- {text}"));
    }

    pub(super) fn u8(&mut self, meaning: impl FnOnce(u8) -> String) -> Result<u8, DecodeError> {
        let start = self.from.position();
        let number = self.from.u8()?;
        self.field(start, &meaning(number));
        Ok(number)
    }

    pub(super) fn u16(&mut self, meaning: impl FnOnce(u16) -> String) -> Result<u16, DecodeError> {
        let start = self.from.position();
        let number = self.from.u16()?;
        self.field(start, &meaning(number));
        Ok(number)
    }

    pub(super) fn u32(&mut self, meaning: impl FnOnce(u32) -> String) -> Result<u32, DecodeError> {
        let start = self.from.position();
        let number = self.from.u32()?;
        self.field(start, &meaning(number));
        Ok(number)
    }

    /// A field of exactly that many octets.
    pub(super) fn octets(&mut self, count: usize, meaning: &str) -> Step {
        let start = self.from.position();
        self.from.octets(count)?;
        self.field(start, meaning);
        Ok(())
    }

    /// The next octets, not taken.
    pub(super) fn peek(&self, count: usize) -> Option<&'a [u8]> {
        let mut ahead = self.from;
        ahead.octets(count).ok()
    }

    /// Everything up to the present bound as one field.
    pub(super) fn octets_left(&mut self, meaning: &str) -> Step {
        match self.remaining() {
            0 => Ok(()),
            count => self.octets(count, meaning),
        }
    }

    /// Everything up to the present bound as a text.
    pub(super) fn text(&mut self, what: &str) -> Step {
        let start = self.from.position();
        let octets = self.from.rest();
        if !octets.is_empty() {
            let text = one_line(&String::from_utf8_lossy(octets));
            self.field(start, &format!("{what}: {text}"));
        }
        Ok(())
    }

    /// A string with its length before it.
    pub(super) fn string(&mut self) -> Step {
        let length = self.u8(|length| format!("a string of {length} octets"))?;
        self.within(usize::from(length), |sheet| sheet.text("text"))
    }

    /// A name: each label has a line, and a pointer says where it leads and what stands there. A broken name is shown up to its fault.
    pub(super) fn name(&mut self, what: &str) -> Result<Name, DecodeError> {
        let mut ahead = self.from;
        let whole = ahead.name();
        loop {
            let start = self.from.position();
            if let Err(error) = &whole {
                if error.offset == start || error.offset == start + 1 {
                    return whole;
                }
            }
            let length = self.from.u8()?;
            match length {
                0 => {
                    let name = whole?;
                    self.field(start, &format!("end of the {what} {name}"));
                    return Ok(name);
                }
                0xC0.. => {
                    let low = self.from.u8()?;
                    self.pointer(
                        start,
                        u16::from_be_bytes([length & 0x3F, low]),
                        &whole,
                        what,
                    );
                    return whole;
                }
                length => {
                    let label = self.from.octets(usize::from(length))?;
                    let label = one_line(&String::from_utf8_lossy(label));
                    self.field(start, &format!("label of {length} octets: {label}"));
                }
            }
        }
    }

    /// The line of a pointer, and the name that it completes.
    fn pointer(
        &mut self,
        start: usize,
        target: u16,
        whole: &Result<Name, DecodeError>,
        what: &str,
    ) {
        let mut there = Decoder::message(self.message);
        let pointed = there.octets(usize::from(target)).and_then(|_| there.name());
        let meaning = match (pointed, whole) {
            (Ok(pointed), Ok(name)) if pointed == *name => {
                format!("pointer to offset {target:04x}: the {what} is {name}")
            }
            (Ok(pointed), Ok(name)) => {
                format!("pointer to offset {target:04x}: {pointed}; the {what} is {name}")
            }
            _ => format!("pointer to offset {target:04x}: no readable name"),
        };
        self.field(start, &meaning);
    }

    /// Annotates the next `length` octets, which must be used up.
    pub(super) fn within(&mut self, length: usize, body: impl FnOnce(&mut Self) -> Step) -> Step {
        let inner = self.from.sub(length)?;
        let outer = std::mem::replace(&mut self.from, inner);
        body(self)?;
        self.from.finish(Fault::RdataTooLong)?;
        self.from = outer;
        Ok(())
    }

    /// What is left of the whole packet, without meaning.
    pub(super) fn rest(&mut self) {
        let start = self.from.position();
        if start < self.message.len() {
            self.dump(start, self.message.len(), "not understood");
        }
    }

    /// A line (or several) for the octets since `start`.
    fn field(&mut self, start: usize, meaning: &str) {
        self.dump(start, self.from.position(), meaning);
    }

    fn dump(&mut self, start: usize, end: usize, meaning: &str) {
        let octets = self.message.get(start..end).unwrap_or_default();
        for (number, piece) in octets.chunks(OCTETS_A_LINE).enumerate() {
            let mut hex = String::new();
            for octet in piece {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{octet:02x} ");
            }
            let offset = start + number * OCTETS_A_LINE;
            let meaning = if number == 0 { meaning } else { "" };
            let width = OCTETS_A_LINE * 3;
            let line = format!("{offset:04x}  {hex:<width$} {meaning}");
            self.line(line.trim_end());
        }
    }

    fn line(&mut self, line: &str) {
        self.lines += 1;
        if self.lines == LINES_AT_MOST {
            self.text.push_str("-- and so on\n");
        }
        if self.lines < LINES_AT_MOST {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }
}
