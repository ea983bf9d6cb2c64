//! Every bound of messages, with its reason.

use std::fmt;

/// Octets of one header section. Lists of recipients and chains of signatures take tens of thousands; this is far above.
pub const HEADER_MAX: usize = 1 << 20;

/// Fields of one header section; long ways with many signatures have about 200.
pub const FIELDS_MAX: usize = 5_000;

/// How deep parts may be nested. People forward what was forwarded, but not this often.
pub const DEPTH_MAX: usize = 40;

/// Parts of one message; a mailing with one picture per line has some hundreds.
pub const PARTS_MAX: usize = 4_000;

/// Parameters of one field, counting each piece of a split one (RFC 2231 §3); mailers write at most a dozen.
pub const PARAMETERS_MAX: usize = 200;

/// Octets of a boundary: RFC 2046 §5.1.1 has 70, some mailers more.
pub const BOUNDARY_MAX: usize = 200;

/// Characters of a file name; file systems have 255.
pub const FILE_NAME_MAX: usize = 1024;

/// Readings of the file name of one part; an honest part has up to four.
pub const FILE_NAMES_MAX: usize = 50;

/// Octets of a field name we write: what a line is preferred to hold (RFC 5322 §2.1.1), less the colon.
pub const FIELD_NAME_MAX: usize = 77;

/// Octets of a line without CRLF that we write where we can choose (RFC 5322 §2.1.1).
pub const LINE_PREFERRED: usize = 78;

/// Octets of a line without CRLF that others must accept (RFC 5322 §2.1.1).
pub const LINE_MAX: usize = 998;

/// Octets of an encoded-word (RFC 2047 §2).
pub const ENCODED_WORD_MAX: usize = 75;

/// Which bound a message exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// [`HEADER_MAX`].
    HeaderOctets,
    /// [`FIELDS_MAX`].
    Fields,
    /// [`DEPTH_MAX`].
    Depth,
    /// [`PARTS_MAX`].
    Parts,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderOctets => write!(f, "a header section of more than {HEADER_MAX} octets"),
            Self::Fields => write!(f, "a header section of more than {FIELDS_MAX} fields"),
            Self::Depth => write!(f, "parts nested more than {DEPTH_MAX} deep"),
            Self::Parts => write!(f, "more than {PARTS_MAX} parts"),
        }
    }
}

impl std::error::Error for Excess {}
