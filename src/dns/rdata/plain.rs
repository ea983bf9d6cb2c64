//! The data of SOA, TXT, SRV and TLSA records.

use std::fmt;

use crate::bytes::hex;
use crate::dns::decode::Decoder;
use crate::dns::encode::Encoder;
use crate::dns::{DecodeError, Fault, Name};

/// A SOA record's data (RFC 1035 §3.3.13); all times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Soa {
    /// Primary name server.
    pub mname: Name,
    /// Mailbox of the person responsible.
    pub rname: Name,
    /// Serial number of the zone.
    pub serial: u32,
    /// Time between refreshes by secondaries.
    pub refresh: u32,
    /// Time before a failed refresh is tried again.
    pub retry: u32,
    /// Time after which secondaries stop answering.
    pub expire: u32,
    /// Time to live of negative answers (RFC 2308 §4).
    pub minimum: u32,
}

impl Soa {
    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            mname: from.name()?,
            rname: from.name()?,
            serial: from.u32()?,
            refresh: from.u32()?,
            retry: from.u32()?,
            expire: from.u32()?,
            minimum: from.u32()?,
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.name(&self.mname);
        out.name(&self.rname);
        out.u32(self.serial);
        out.u32(self.refresh);
        out.u32(self.retry);
        out.u32(self.expire);
        out.u32(self.minimum);
    }
}

/// A TXT record's data (RFC 1035 §3.3.14): one or more strings of at most 255 octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Txt(Vec<u8>);

/// A string of a TXT record is longer than 255 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StringTooLong;

impl Txt {
    /// From strings; none at all is the same as one empty string.
    ///
    /// # Errors
    /// [`StringTooLong`] if a string is longer than 255 octets.
    pub fn from_strings<'a>(
        strings: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, StringTooLong> {
        let mut wire = Vec::new();
        for string in strings {
            wire.push(u8::try_from(string.len()).map_err(|_| StringTooLong)?);
            wire.extend_from_slice(string);
        }
        if wire.is_empty() {
            wire.push(0);
        }
        Ok(Self(wire))
    }

    /// The strings in order.
    pub fn strings(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (&length, after) = rest.split_first()?;
            let (string, after) = after.split_at_checked(usize::from(length))?;
            rest = after;
            Some(string)
        })
    }

    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        if from.remaining() == 0 {
            return Err(from.fault(Fault::EmptyText));
        }
        let wire = {
            let mut whole = *from;
            whole.rest()
        };
        while from.remaining() > 0 {
            let length = from.u8()?;
            from.octets(usize::from(length))?;
        }
        Ok(Self(wire.to_vec()))
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.octets(&self.0);
    }
}

/// A SRV record's data (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Srv {
    /// Lower is tried first.
    pub priority: u16,
    /// Share among equals in priority.
    pub weight: u16,
    /// Port of the service.
    pub port: u16,
    /// Host; the root means that the service is not offered.
    pub target: Name,
}

impl Srv {
    /// The target is written in full, but some servers compress it (RFC 3597 §4).
    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            priority: from.u16()?,
            weight: from.u16()?,
            port: from.u16()?,
            target: from.name()?,
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.u16(self.priority);
        out.u16(self.weight);
        out.u16(self.port);
        out.plain_name(&self.target);
    }
}

/// A TLSA record's data (RFC 6698 §2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// Certificate usage.
    pub usage: u8,
    /// Selector.
    pub selector: u8,
    /// Matching type.
    pub matching: u8,
    /// Certificate association data.
    pub data: Vec<u8>,
}

impl Tlsa {
    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            usage: from.u8()?,
            selector: from.u8()?,
            matching: from.u8()?,
            data: from.rest().to_vec(),
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.octets(&[self.usage, self.selector, self.matching]);
        out.octets(&self.data);
    }
}

/// `U S M HEX`, upper-case hexadecimal without spaces inside.
impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        f.write_str(&hex::encode(&self.data))
    }
}
