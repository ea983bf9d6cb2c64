//! Domains, mailboxes and paths (RFC 5321 §4.1.2).

use core::net::IpAddr;
use std::fmt;

/// A host name of letters, digits, hyphens and dots in lower case without final dot (A-labels; at most 253 octets).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// The part right of the `@`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A domain name.
    Domain(Domain),
    /// An address literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
}

/// A mailbox; the local part is kept as written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    /// Local part, dot-string or quoted-string, at most 64 octets.
    pub local: String,
    /// Host part.
    pub host: Host,
}

/// The argument of MAIL FROM.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`, as bounces carry it.
    Null,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// Why text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing where something was needed.
    Empty,
}

/// What MAIL and RCPT said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where failures are reported.
    pub sender: ReversePath,
    /// The recipients, in the order given.
    pub recipients: Vec<Mailbox>,
    /// Whether the client declared `BODY=8BITMIME` (RFC 6152).
    pub eight_bit: bool,
}

impl Domain {
    /// Parses a domain, lower-casing it and dropping a final dot.
    pub fn parse(_text: &str) -> Result<Self, AddressError> {
        todo!()
    }
    /// The domain in lower case without final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether this is `other` or lies below it.
    pub fn is_at_or_below(&self, _other: &Self) -> bool {
        todo!()
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Mailbox {
    /// Parses `local@host` without angle brackets.
    pub fn parse(_text: &str) -> Result<Self, AddressError> {
        todo!()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// With angle brackets: `<>` or `<a@example.org>`.
impl fmt::Display for ReversePath {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
