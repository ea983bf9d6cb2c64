//! Resource records.

use std::fmt;

use super::decode::Decoder;
use super::encode::Encoder;
use super::{Class, DecodeError, Name, Rdata, RecordType};

/// One resource record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Owner name.
    pub name: Name,
    /// Class.
    pub class: Class,
    /// Time to live in seconds.
    pub ttl: u32,
    /// The data, which knows its type.
    pub data: Rdata,
}

/// Longest time to live; what is greater counts as zero (RFC 2181 §8).
const TTL_LIMIT: u32 = i32::MAX as u32;

impl Record {
    /// The record type.
    pub const fn rtype(&self) -> RecordType {
        self.data.rtype()
    }

    pub(super) fn read(
        (name, rtype): (Name, RecordType),
        class: Class,
        ttl: u32,
        data: Decoder<'_>,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            name,
            class,
            ttl: if ttl > TTL_LIMIT { 0 } else { ttl },
            data: Rdata::read(rtype, class, data)?,
        })
    }

    /// Appends the record; `None` if its data are too long.
    pub(super) fn write(&self, out: &mut Encoder) -> Option<()> {
        out.name(&self.name);
        out.u16(self.rtype().0);
        out.u16(self.class.0);
        out.u32(self.ttl);
        out.with_length(|out| {
            self.data.write(out);
            Some(())
        })
    }
}

/// Zone-file form on one line. Types and classes that no record has, only questions, are written by number: as words they mean something else there.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.name, self.ttl)?;
        match self.class {
            Class::ANY | Class::NONE => write!(f, "CLASS{} ", self.class.0)?,
            class => write!(f, "{class} ")?,
        }
        match self.rtype() {
            RecordType::ANY | RecordType::OPT => write!(f, "TYPE{} ", self.rtype().0)?,
            rtype => write!(f, "{rtype} ")?,
        }
        self.data.fmt(f)
    }
}
