//! DNS messages.

use super::{Class, EdeCode, Name, Opcode, OptionCode, Rcode, Record, RecordType};

/// The header's id and flags; counts follow from the sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct Header {
    pub id: u16,
    pub response: bool,
    pub opcode: Opcode,
    pub authoritative: bool,
    pub truncated: bool,
    pub recursion_desired: bool,
    pub recursion_available: bool,
    pub authentic_data: bool,
    pub checking_disabled: bool,
    /// The low four bits of the response code; see [`Message::rcode`].
    pub rcode: Rcode,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name, case kept.
    pub name: Name,
    /// Type asked for.
    pub rtype: RecordType,
    /// Class.
    pub class: Class,
}

/// The OPT pseudo-record (RFC 6891 §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edns {
    /// UDP payload size in octets.
    pub udp_size: u16,
    /// High eight bits of the response code.
    pub extended_rcode: u8,
    /// Version, 0 is the only one defined.
    pub version: u8,
    /// DNSSEC OK.
    pub dnssec_ok: bool,
    /// Options in the order received.
    pub options: Vec<EdnsOption>,
}

/// One EDNS option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnsOption {
    /// Option code.
    pub code: OptionCode,
    /// Option data.
    pub data: Vec<u8>,
}

/// A whole message; the OPT record is held apart in `edns`, not in `additionals`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Message {
    pub header: Header,
    pub questions: Vec<Question>,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
    pub additionals: Vec<Record>,
    pub edns: Option<Edns>,
}

/// Why octets are not a message, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset in octets of the fault.
    pub offset: usize,
}

impl Message {
    /// A query with RD set: one question, id and EDNS as given.
    pub fn query(_id: u16, _question: Question, _edns: Option<Edns>) -> Self {
        todo!()
    }
    /// Decodes a whole message; trailing octets are an error.
    pub fn decode(_octets: &[u8]) -> Result<Self, DecodeError> {
        todo!()
    }
    /// Encodes with name compression.
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
    /// The full response code, header and OPT put together.
    pub fn rcode(&self) -> Rcode {
        todo!()
    }
    /// The extended DNS errors (RFC 8914) with their texts.
    pub fn extended_errors(&self) -> Vec<(EdeCode, String)> {
        todo!()
    }
}
