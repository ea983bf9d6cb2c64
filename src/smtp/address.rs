//! Domains, mailboxes and paths, parsed once from the text of the envelope (RFC 5321 §4.1.2).
//!
//! Limitations: internationalised addresses (RFC 6531) are refused, domains must be A-labels; general address literals are refused; the limit of
//! 256 octets for a whole path (RFC 5321 §4.5.3.1.3) is not enforced beyond the limits of its two parts.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

use super::limits::{DOMAIN_MAX, LABEL_MAX, LOCAL_PART_MAX};

/// A host name of letters, digits, hyphens and dots in lower case without final dot (A-labels; at most 253 octets).
///
/// Underscores are refused: RFC 5321 §4.1.2 has none in mail domains. A name whose last label is a number is refused: it is an address without brackets.
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
    /// Local part, dot-string or quoted-string (with its quotes), at most 64 octets.
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

/// The argument of RCPT TO.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain, in any case (RFC 5321 §4.5.1).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
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
    ///
    /// # Errors
    /// [`AddressError`] names the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(AddressError::Empty);
        }
        if !name.is_ascii() {
            return Err(AddressError::NotAscii);
        }
        if name.len() > DOMAIN_MAX {
            return Err(AddressError::DomainTooLong);
        }
        name.split('.').try_for_each(check_label)?;
        let last = name.rsplit('.').next().unwrap_or(name);
        if last.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(AddressError::Number);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// The domain in lower case without final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `other` or lies below it.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        self.0
            .strip_suffix(other.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

fn check_label(label: &str) -> Result<(), AddressError> {
    if label.is_empty() {
        return Err(AddressError::EmptyLabel);
    }
    if label.len() > LABEL_MAX {
        return Err(AddressError::LabelTooLong);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(AddressError::Hyphen);
    }
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    match label.bytes().all(legal) {
        true => Ok(()),
        false => Err(AddressError::DomainCharacter),
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Host {
    /// Parses a domain or an address literal in its brackets.
    ///
    /// # Errors
    /// [`AddressError`] names the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').ok_or(AddressError::Literal)?;
                parse_literal(inner).map(Self::Literal)
            }
            None => Domain::parse(text).map(Self::Domain),
        }
    }
}

/// What stands between the brackets of an address literal (RFC 5321 §4.1.3).
fn parse_literal(inner: &str) -> Result<IpAddr, AddressError> {
    const TAG: &str = "IPv6:";
    let tagged = inner
        .split_at_checked(TAG.len())
        .filter(|(tag, _)| tag.eq_ignore_ascii_case(TAG));
    let address = match tagged {
        Some((_, address)) => address.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => inner.parse::<Ipv4Addr>().map(IpAddr::V4),
    };
    address.map_err(|_| AddressError::Literal)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Literal(IpAddr::V4(address)) => write!(f, "[{address}]"),
            Self::Literal(IpAddr::V6(address)) => write!(f, "[IPv6:{address}]"),
        }
    }
}

impl Mailbox {
    /// Parses `local@host` without angle brackets.
    ///
    /// # Errors
    /// [`AddressError`] names the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if !text.is_ascii() {
            return Err(AddressError::NotAscii);
        }
        let (local, host) = if text.starts_with('"') {
            let end = end_of_quoted(text).ok_or(AddressError::Quotes)?;
            let (local, rest) = text.split_at_checked(end).ok_or(AddressError::Quotes)?;
            (local, rest.strip_prefix('@').ok_or(AddressError::NoHost)?)
        } else {
            let (local, host) = text.split_once('@').ok_or(AddressError::NoHost)?;
            check_dot_string(local)?;
            (local, host)
        };
        if local.len() > LOCAL_PART_MAX {
            return Err(AddressError::LocalPartTooLong);
        }
        Ok(Self {
            local: local.to_owned(),
            host: Host::parse(host)?,
        })
    }
}

/// How many octets the quoted-string at the start of the text takes, quotes included; `None` if it has no end or an illegal character.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, octet) in text.bytes().enumerate().skip(1) {
        match octet {
            b' '..=b'~' if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            b' '..=b'~' => {}
            _ => return None,
        }
    }
    None
}

fn check_dot_string(local: &str) -> Result<(), AddressError> {
    for atom in local.split('.') {
        if atom.is_empty() {
            return Err(AddressError::EmptyAtom);
        }
        if !atom.bytes().all(is_atext) {
            return Err(AddressError::LocalPartCharacter);
        }
    }
    Ok(())
}

/// RFC 5322 §3.2.3.
const fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'/' | b'='
        )
        || matches!(octet, b'?' | b'^' | b'_' | b'`' | b'{' | b'|' | b'}' | b'~')
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.host)
    }
}

impl ReversePath {
    /// Parses `<>` or `<local@host>` at the start of the text; returns it with what follows the closing bracket.
    ///
    /// # Errors
    /// [`AddressError`] names the rule that is broken.
    pub fn parse(text: &str) -> Result<(Self, &str), AddressError> {
        let (inner, rest) = split_path(text)?;
        let path = match inner {
            "" => Self::Null,
            inner => Self::Mailbox(Mailbox::parse(strip_route(inner)?)?),
        };
        Ok((path, rest))
    }

    /// The mailbox, if there is one.
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }
}

/// With angle brackets: `<>` or `<a@example.org>`.
impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

impl ForwardPath {
    /// Parses `<local@host>` or `<Postmaster>` at the start of the text; returns it with what follows the closing bracket.
    ///
    /// # Errors
    /// [`AddressError`] names the rule that is broken.
    pub fn parse(text: &str) -> Result<(Self, &str), AddressError> {
        let (inner, rest) = split_path(text)?;
        let path = if inner.eq_ignore_ascii_case("postmaster") {
            Self::Postmaster
        } else {
            Self::Mailbox(Mailbox::parse(strip_route(inner)?)?)
        };
        Ok((path, rest))
    }
}

/// Splits `<inner>rest`; a quoted local part may hold brackets.
fn split_path(text: &str) -> Result<(&str, &str), AddressError> {
    let text = text.strip_prefix('<').ok_or(AddressError::Brackets)?;
    let (mut quoted, mut escaped) = (false, false);
    let end = text.find(|c| {
        if escaped {
            escaped = false;
        } else {
            escaped = quoted && c == '\\';
            quoted ^= c == '"';
        }
        c == '>' && !quoted
    });
    let (inner, rest) = end
        .and_then(|end| text.split_at_checked(end))
        .ok_or(AddressError::Brackets)?;
    Ok((inner, rest.strip_prefix('>').unwrap_or(rest)))
}

/// Drops a source route `@one,@two:`, which has to be understood and ignored (RFC 5321 §4.1.1.3, appendix C).
fn strip_route(inner: &str) -> Result<&str, AddressError> {
    if !inner.starts_with('@') {
        return Ok(inner);
    }
    let (route, mailbox) = inner.split_once(':').ok_or(AddressError::Route)?;
    for hop in route.split(',') {
        let host = hop.strip_prefix('@').ok_or(AddressError::Route)?;
        Domain::parse(host).map_err(|_| AddressError::Route)?;
    }
    Ok(mailbox)
}

/// Why text is not an address: the rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing where something was needed.
    Empty,
    /// An octet outside ASCII.
    NotAscii,
    /// No `<` at the start, or no `>` that closes it.
    Brackets,
    /// No `@` after the local part.
    NoHost,
    /// A source route that is none.
    Route,
    /// A character that a local part without quotes cannot hold.
    LocalPartCharacter,
    /// Two dots in a row, or a dot at an end of the local part.
    EmptyAtom,
    /// A quoted local part that is not closed or holds a control character.
    Quotes,
    /// More than 64 octets before the `@`.
    LocalPartTooLong,
    /// A character other than a letter, a digit, a hyphen or a dot in a domain.
    DomainCharacter,
    /// Two dots in a row, or a dot at the start of a domain.
    EmptyLabel,
    /// A label that starts or ends with a hyphen.
    Hyphen,
    /// A label of more than 63 octets.
    LabelTooLong,
    /// A domain of more than 253 octets.
    DomainTooLong,
    /// A domain that ends in a number, as an address does.
    Number,
    /// Brackets without an IPv4 address, or `IPv6:` and an IPv6 address, in them.
    Literal,
}

impl AddressError {
    /// The broken rule in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Empty => "an address is missing",
            Self::NotAscii => "addresses outside ASCII (SMTPUTF8) are not supported",
            Self::Brackets => "an address must stand in angle brackets",
            Self::NoHost => "an address needs an @ and a domain",
            Self::Route => "the source route is malformed",
            Self::LocalPartCharacter => {
                "this character before the @ is only allowed within double quotes"
            }
            Self::EmptyAtom => "a dot before the @ must stand between other characters",
            Self::Quotes => "the quoted part before the @ is malformed",
            Self::LocalPartTooLong => "the part before the @ is longer than 64 octets",
            Self::DomainCharacter => "a domain is made of letters, digits, hyphens and dots",
            Self::EmptyLabel => "a dot in a domain must stand between other characters",
            Self::Hyphen => "a label of a domain may not start or end with a hyphen",
            Self::LabelTooLong => "a label of the domain is longer than 63 octets",
            Self::DomainTooLong => "the domain is longer than 253 octets",
            Self::Number => {
                "a domain may not end in a number; an IP address must stand in square brackets"
            }
            Self::Literal => "an address literal is [192.0.2.1] or [IPv6:2001:db8::1]",
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
