//! Record data.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::{Name, RecordType};

/// Typed record data; every type not listed is kept as octets (RFC 3597).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Rdata {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ns(Name),
    Cname(Name),
    Dname(Name),
    Ptr(Name),
    Mx { preference: u16, exchange: Name },
    Tlsa(Tlsa),
    Unknown { rtype: RecordType, data: Vec<u8> },
}

impl Rdata {
    /// The record type of this data.
    pub fn rtype(&self) -> RecordType {
        todo!()
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

/// `U S M HEX`, upper-case hexadecimal without spaces inside.
impl std::fmt::Display for Tlsa {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
