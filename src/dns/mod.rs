//! The DNS wire format and its zone-file form: names, messages and records, decoded totally and encoded exactly.
#![forbid(unsafe_code)]

pub mod annotate;
mod decode;
pub mod edns;
mod encode;
mod error;
pub mod iana;
pub mod message;
pub mod name;
pub mod rdata;
pub mod record;
pub mod zonefile;

pub use edns::{Edns, EdnsOption};
pub use error::{DecodeError, Fault};
pub use iana::{Algorithm, Class, DigestType, EdeCode, Opcode, OptionCode, Rcode, RecordType};
pub use message::{Header, Message, Question};
pub use name::{Name, NameError};
pub use rdata::{
    Dnskey, Ds, Nsec, Nsec3, Nsec3param, Rdata, Rrsig, Soa, Srv, Tlsa, Txt, TypeBitmap,
};
pub use record::Record;
pub use zonefile::ZoneError;
