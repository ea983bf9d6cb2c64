//! Record data: the types the gateway knows, and octets for all others.

mod bitmap;
mod dnssec;
mod plain;
mod text;

use core::net::{Ipv4Addr, Ipv6Addr};

use super::decode::Decoder;
use super::encode::Encoder;
use super::{Class, DecodeError, Fault, Name, RecordType};

pub use bitmap::TypeBitmap;
pub use dnssec::{Dnskey, Ds, Nsec, Nsec3, Nsec3param, Rrsig};
pub use plain::{Soa, Srv, StringTooLong, Tlsa, Txt};

/// Typed record data; every type not listed is kept as octets (RFC 3597), and so is an address outside class IN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Rdata {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ns(Name),
    Cname(Name),
    Dname(Name),
    Ptr(Name),
    Mx { preference: u16, exchange: Name },
    Soa(Soa),
    Txt(Txt),
    Srv(Srv),
    Tlsa(Tlsa),
    Ds(Ds),
    Dnskey(Dnskey),
    Rrsig(Rrsig),
    Nsec(Nsec),
    Nsec3(Nsec3),
    Nsec3param(Nsec3param),
    Unknown { rtype: RecordType, data: Vec<u8> },
}

impl Rdata {
    /// The record type of this data.
    pub const fn rtype(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::AAAA,
            Self::Ns(_) => RecordType::NS,
            Self::Cname(_) => RecordType::CNAME,
            Self::Dname(_) => RecordType::DNAME,
            Self::Ptr(_) => RecordType::PTR,
            Self::Mx { .. } => RecordType::MX,
            Self::Soa(_) => RecordType::SOA,
            Self::Txt(_) => RecordType::TXT,
            Self::Srv(_) => RecordType::SRV,
            Self::Tlsa(_) => RecordType::TLSA,
            Self::Ds(_) => RecordType::DS,
            Self::Dnskey(_) => RecordType::DNSKEY,
            Self::Rrsig(_) => RecordType::RRSIG,
            Self::Nsec(_) => RecordType::NSEC,
            Self::Nsec3(_) => RecordType::NSEC3,
            Self::Nsec3param(_) => RecordType::NSEC3PARAM,
            Self::Unknown { rtype, .. } => *rtype,
        }
    }

    /// Decodes data that stands alone, with all names in full.
    ///
    /// # Errors
    /// [`DecodeError`] when the octets are not exactly one record's data of this type.
    pub fn decode(rtype: RecordType, class: Class, octets: &[u8]) -> Result<Self, DecodeError> {
        Self::read(rtype, class, Decoder::alone(octets))
    }

    /// The canonical form (RFC 4034 §6.2): names in full, in lower case for the types listed there, as RFC 6840 §5.1 amends the list.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Encoder::canonical();
        self.write(&mut out);
        out.into_octets()
    }

    /// Reads data of a type up to the decoder's bound, which it must reach.
    pub(super) fn read(
        rtype: RecordType,
        class: Class,
        mut from: Decoder<'_>,
    ) -> Result<Self, DecodeError> {
        let data = match rtype {
            RecordType::A if class == Class::IN => Self::A(from.array()?.into()),
            RecordType::AAAA if class == Class::IN => Self::Aaaa(from.array()?.into()),
            RecordType::NS => Self::Ns(from.name()?),
            RecordType::CNAME => Self::Cname(from.name()?),
            RecordType::DNAME => Self::Dname(from.plain_name()?),
            RecordType::PTR => Self::Ptr(from.name()?),
            RecordType::MX => Self::Mx {
                preference: from.u16()?,
                exchange: from.name()?,
            },
            RecordType::SOA => Self::Soa(Soa::read(&mut from)?),
            RecordType::TXT => Self::Txt(Txt::read(&mut from)?),
            RecordType::SRV => Self::Srv(Srv::read(&mut from)?),
            RecordType::TLSA => Self::Tlsa(Tlsa::read(&mut from)?),
            RecordType::DS => Self::Ds(Ds::read(&mut from)?),
            RecordType::DNSKEY => Self::Dnskey(Dnskey::read(&mut from)?),
            RecordType::RRSIG => Self::Rrsig(Rrsig::read(&mut from)?),
            RecordType::NSEC => Self::Nsec(Nsec::read(&mut from)?),
            RecordType::NSEC3 => Self::Nsec3(Nsec3::read(&mut from)?),
            RecordType::NSEC3PARAM => Self::Nsec3param(Nsec3param::read(&mut from)?),
            _ => Self::Unknown {
                rtype,
                data: from.rest().to_vec(),
            },
        };
        from.finish(Fault::RdataTooLong)?;
        Ok(data)
    }

    /// Appends the data.
    pub(super) fn write(&self, out: &mut Encoder) {
        match self {
            Self::A(address) => out.octets(&address.octets()),
            Self::Aaaa(address) => out.octets(&address.octets()),
            Self::Ns(name) | Self::Cname(name) | Self::Ptr(name) => out.name(name),
            Self::Dname(name) => out.plain_name(name),
            Self::Mx {
                preference,
                exchange,
            } => {
                out.u16(*preference);
                out.name(exchange);
            }
            Self::Soa(soa) => soa.write(out),
            Self::Txt(txt) => txt.write(out),
            Self::Srv(srv) => srv.write(out),
            Self::Tlsa(tlsa) => tlsa.write(out),
            Self::Ds(ds) => ds.write(out),
            Self::Dnskey(key) => key.write(out),
            Self::Rrsig(signature) => signature.write(out),
            Self::Nsec(nsec) => nsec.write(out),
            Self::Nsec3(nsec3) => nsec3.write(out),
            Self::Nsec3param(parameters) => parameters.write(out),
            Self::Unknown { data, .. } => out.octets(data),
        }
    }
}

#[cfg(test)]
#[path = "rdata_tests.rs"]
mod tests;
