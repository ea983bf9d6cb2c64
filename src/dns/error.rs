//! Why octets are not a DNS message.

use std::fmt;

/// Why octets are not a message, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset in octets of the fault, counted from the start of the message.
    pub offset: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The message, or the length field around it, ends inside a field.
    Truncated,
    /// Octets follow the last record that the header counts.
    TrailingOctets,
    /// More than 65,535 octets (RFC 1035 §4.2.2).
    MessageTooLong,
    /// The record's data is longer than its fields.
    RdataTooLong,
    /// A label type other than plain and pointer (RFC 6891 §5).
    LabelType,
    /// A compression pointer that does not point to an earlier place (RFC 1035 §4.1.4).
    PointerForward,
    /// A compression pointer where none may stand (RFC 3597 §4).
    PointerForbidden,
    /// A name made of more pointers than a name can have labels.
    PointerLimit,
    /// A name of more than 255 octets (RFC 1035 §2.3.4).
    NameTooLong,
    /// An OPT record outside the additional section (RFC 6891 §6.1.1).
    OptMisplaced,
    /// A second OPT record (RFC 6891 §6.1.1).
    OptRepeated,
    /// An OPT record whose owner is not the root (RFC 6891 §6.1.2).
    OptOwner,
    /// A type bitmap out of order, empty, over-long, or with a final zero octet (RFC 4034 §4.1.2).
    TypeBitmap,
    /// An NSEC3 hash of no octets (RFC 5155 §3.2).
    EmptyHash,
    /// A TXT record without any string (RFC 1035 §3.3.14).
    EmptyText,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the octets end inside a field",
            Self::TrailingOctets => "octets follow the last record",
            Self::MessageTooLong => "the message is longer than 65535 octets",
            Self::RdataTooLong => "the record's data is longer than its fields",
            Self::LabelType => "the label type is reserved",
            Self::PointerForward => "the compression pointer does not point backwards",
            Self::PointerForbidden => "a compression pointer may not stand here",
            Self::PointerLimit => "the name has too many compression pointers",
            Self::NameTooLong => "the name is longer than 255 octets",
            Self::OptMisplaced => "an OPT record stands outside the additional section",
            Self::OptRepeated => "there is more than one OPT record",
            Self::OptOwner => "the OPT record's owner is not the root",
            Self::TypeBitmap => "the type bitmap is malformed",
            Self::EmptyHash => "the NSEC3 hash is empty",
            Self::EmptyText => "the TXT record holds no string",
        })
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "malformed DNS message at octet {}: {}",
            self.offset, self.fault
        )
    }
}

impl std::error::Error for DecodeError {}
