//! Internet messages (RFC 5322) and MIME (RFC 2045 to 2047, RFC 2231) as octets: found, changed and written without touching the rest.
//!
//! A message has CRLF line ends and is not dot-stuffed; a CR or LF alone is an octet like any other. Everything here is total (any octets have
//! a reading or exceed a named limit) and takes time linear in the length of its input.
//!
//! | file | job |
//! |---|---|
//! | `line.rs` | lines and what they are in a header section |
//! | `header.rs` | a header section as fields that can be found, added, replaced and removed |
//! | `parameter.rs` | structured values with parameters (`Content-Type`, `Content-Disposition`) |
//! | `encoded_word.rs`, `charset.rs` | text outside ASCII in fields |
//! | `file_name.rs` | every name under which a reader may show a part |
//! | `mime.rs` | the tree of parts as ranges of octets |
//! | `transfer.rs` | content transfer encodings |
//! | `date.rs` | the form of a date in a field |
//!
//! Limitations: addresses in fields are not parsed; a charset other than UTF-8 and ISO 8859-1 keeps only its ASCII characters.
#![forbid(unsafe_code)]

pub mod charset;
pub mod date;
pub mod encoded_word;
pub mod file_name;
pub mod header;
pub mod limits;
mod line;
pub mod mime;
pub mod parameter;
pub mod transfer;

pub use header::{Field, FieldName, Header};
pub use limits::Excess;
pub use line::with_crlf;
