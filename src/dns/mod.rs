//! The DNS wire format and its zone-file form: names, messages and records, decoded totally and encoded exactly.
#![forbid(unsafe_code)]

pub mod iana;
pub mod message;
pub mod name;
pub mod rdata;
pub mod record;

pub use iana::{Class, EdeCode, Opcode, OptionCode, Rcode, RecordType};
pub use message::{DecodeError, Edns, EdnsOption, Header, Message, Question};
pub use name::{Name, NameError};
pub use rdata::{Rdata, Tlsa};
pub use record::Record;
