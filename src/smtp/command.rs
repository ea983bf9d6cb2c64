//! Parses one command line into a typed command, and turns each way to fail into its reply (RFC 5321 §4.1).
//!
//! Lenient where senders need it and nothing is at stake: case, blanks at the end, a blank behind `FROM:` and `TO:`, odd host names in EHLO.
//!
//! Limitations: addresses must stand in angle brackets; RCPT takes no parameters, since no extension offered here has one.

use std::fmt;

use super::address::{AddressError, ForwardPath, ReversePath};
use super::limits::CLIENT_NAME_MAX;
use super::line::LineError;
use super::reply::{EnhancedStatus, Reply, ReplyCode};

/// A command that can be obeyed if the time is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// HELO (RFC 5321 §4.1.1.1).
    Helo(ClientName),
    /// EHLO (RFC 5321 §4.1.1.1).
    Ehlo(ClientName),
    /// MAIL.
    Mail(Mail),
    /// RCPT.
    Rcpt(ForwardPath),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP, with or without words.
    Noop,
    /// QUIT.
    Quit,
    /// VRFY, whatever it asks for.
    Vrfy,
    /// HELP, with or without words.
    Help,
}

/// The arguments of MAIL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Reverse-path.
    pub sender: ReversePath,
    /// `SIZE=`: octets of the message to come (RFC 1870 §4); more than fit count as the most that fit.
    pub size: Option<u64>,
    /// Whether `BODY=8BITMIME` was said (RFC 6152 §2).
    pub eight_bit: bool,
}

/// What a client calls itself in EHLO or HELO: one word that is safe to print, not always a domain.
///
/// RFC 5321 §4.1.4 forbids to refuse mail because this name does not belong to the client, so it is not looked at any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName(String);

impl ClientName {
    fn parse(text: &str) -> Option<Self> {
        let is_legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-._:[]".contains(&octet);
        let is_name = (1..=CLIENT_NAME_MAX).contains(&text.len()) && text.bytes().all(is_legal);
        is_name.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a line is not a command that can be obeyed; [`CommandError::reply`] has the answer to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// Not a line.
    Line(LineError),
    /// The first word is no command.
    Unknown,
    /// A command that this server does not offer.
    NotOffered,
    /// A line of another protocol: someone is made to talk to us who means another server.
    OtherProtocol,
    /// Arguments other than this command takes: what it takes.
    Arguments(&'static str),
    /// The argument of MAIL.
    Sender(AddressError),
    /// The argument of RCPT.
    Recipient(AddressError),
    /// A parameter of MAIL or RCPT that no extension offered here has.
    UnknownParameter,
    /// A value that a parameter cannot have: what it takes.
    ParameterValue(&'static str),
    /// `BODY=` with a body that is not offered.
    BodyNotOffered,
}

/// What separates words; a line that holds other white space is refused by [`super::line`].
const BLANKS: [char; 2] = [' ', '\t'];

impl Command {
    /// Parses a line without its CRLF.
    ///
    /// # Errors
    /// [`CommandError`], always with a reply.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        // Octets above 127 are only of interest in addresses, where each is refused whatever it stands for.
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(BLANKS);
        let (verb, arguments) = line.split_once(BLANKS).unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "HELO" => client_name(arguments).map(Self::Helo),
            "EHLO" => client_name(arguments).map(Self::Ehlo),
            "MAIL" => parse_mail(arguments).map(Self::Mail),
            "RCPT" => parse_rcpt(arguments).map(Self::Rcpt),
            "DATA" => alone(Self::Data, arguments),
            "RSET" => alone(Self::Rset, arguments),
            "QUIT" => alone(Self::Quit, arguments),
            "NOOP" => Ok(Self::Noop),
            "HELP" => Ok(Self::Help),
            "VRFY" if arguments.is_empty() => Err(CommandError::Arguments("VRFY and a name")),
            "VRFY" => Ok(Self::Vrfy),
            "STARTTLS" | "AUTH" | "BDAT" | "EXPN" | "ETRN" | "TURN" | "SEND" | "SOML" | "SAML" => {
                Err(CommandError::NotOffered)
            }
            "GET" | "POST" | "PUT" | "HEAD" | "OPTIONS" | "CONNECT" | "DELETE" | "PATCH" => {
                Err(CommandError::OtherProtocol)
            }
            _ => Err(CommandError::Unknown),
        }
    }
}

fn client_name(arguments: &str) -> Result<ClientName, CommandError> {
    ClientName::parse(arguments.trim_start_matches(BLANKS)).ok_or(CommandError::Arguments(
        "EHLO or HELO and the client's host name",
    ))
}

fn alone(command: Command, arguments: &str) -> Result<Command, CommandError> {
    match arguments {
        "" => Ok(command),
        _ => Err(CommandError::Arguments("no arguments")),
    }
}

fn parse_mail(arguments: &str) -> Result<Mail, CommandError> {
    const FORM: CommandError = CommandError::Arguments("MAIL FROM:<address>");
    let path = strip_keyword(arguments, "FROM:").ok_or(FORM)?;
    let (sender, rest) = ReversePath::parse(path).map_err(CommandError::Sender)?;
    let mut mail = Mail {
        sender,
        size: None,
        eight_bit: false,
    };
    let (mut has_size, mut has_body) = (false, false);
    for parameter in parameters(rest).ok_or(FORM)? {
        let (keyword, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let seen = match keyword.to_ascii_uppercase().as_str() {
            "SIZE" => {
                mail.size = Some(parse_size(value)?);
                &mut has_size
            }
            "BODY" => {
                mail.eight_bit = parse_body(value)?;
                &mut has_body
            }
            _ => return Err(CommandError::UnknownParameter),
        };
        if std::mem::replace(seen, true) {
            return Err(CommandError::ParameterValue("each parameter only once"));
        }
    }
    Ok(mail)
}

fn parse_rcpt(arguments: &str) -> Result<ForwardPath, CommandError> {
    const FORM: CommandError = CommandError::Arguments("RCPT TO:<address>");
    let path = strip_keyword(arguments, "TO:").ok_or(FORM)?;
    let (recipient, rest) = ForwardPath::parse(path).map_err(CommandError::Recipient)?;
    match parameters(rest).ok_or(FORM)?.next() {
        None => Ok(recipient),
        Some(_) => Err(CommandError::UnknownParameter),
    }
}

/// What follows `FROM:` or `TO:` and perhaps blanks.
fn strip_keyword<'a>(arguments: &'a str, keyword: &str) -> Option<&'a str> {
    let (found, path) = arguments
        .trim_start_matches(BLANKS)
        .split_at_checked(keyword.len())?;
    let path = path.trim_start_matches(BLANKS);
    found.eq_ignore_ascii_case(keyword).then_some(path)
}

/// The words behind a path; `None` if the first is not set off by a blank.
fn parameters(rest: &str) -> Option<impl Iterator<Item = &str>> {
    let is_set_off = rest.is_empty() || rest.starts_with(BLANKS);
    is_set_off.then(|| rest.split_ascii_whitespace())
}

fn parse_size(value: &str) -> Result<u64, CommandError> {
    // RFC 1870 §4 has 1 to 20 digits; a number that does not fit is too large for any limit, which is said elsewhere.
    let is_number = (1..=20).contains(&value.len()) && value.bytes().all(|d| d.is_ascii_digit());
    match is_number {
        true => Ok(value.parse().unwrap_or(u64::MAX)),
        false => Err(CommandError::ParameterValue("SIZE= and a number of octets")),
    }
}

fn parse_body(value: &str) -> Result<bool, CommandError> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(false),
        "8BITMIME" => Ok(true),
        "" => Err(CommandError::ParameterValue("BODY=7BIT or BODY=8BITMIME")),
        _ => Err(CommandError::BodyNotOffered),
    }
}

impl CommandError {
    /// What the client is told.
    pub fn reply(self) -> Reply {
        let syntax = EnhancedStatus::new(5, 5, 2);
        let invalid = EnhancedStatus::new(5, 5, 1);
        let arguments = EnhancedStatus::new(5, 5, 4);
        let (code, status, text) = match self {
            Self::Line(error) => (ReplyCode::SYNTAX_ERROR, syntax, error.to_string()),
            Self::Unknown => (
                ReplyCode::SYNTAX_ERROR,
                invalid,
                "this is no command".to_owned(),
            ),
            Self::NotOffered => (
                ReplyCode::NOT_IMPLEMENTED,
                invalid,
                "this command is not offered here".to_owned(),
            ),
            Self::OtherProtocol => (
                ReplyCode::NOT_AVAILABLE,
                EnhancedStatus::new(4, 7, 0),
                "this is a mail server, closing the connection".to_owned(),
            ),
            Self::Arguments(expected) | Self::ParameterValue(expected) => (
                ReplyCode::ARGUMENT_ERROR,
                arguments,
                format!("expected {expected}"),
            ),
            Self::Sender(error) => return address_reply(error, EnhancedStatus::new(5, 1, 7)),
            Self::Recipient(error) => return address_reply(error, EnhancedStatus::new(5, 1, 3)),
            Self::UnknownParameter => (
                ReplyCode::UNKNOWN_PARAMETER,
                arguments,
                "a parameter is not known here".to_owned(),
            ),
            Self::BodyNotOffered => (
                ReplyCode::PARAMETER_NOT_IMPLEMENTED,
                arguments,
                "expected BODY=7BIT or BODY=8BITMIME".to_owned(),
            ),
        };
        Reply::new(code, status, text)
    }
}

/// `status` is what bad syntax of the sender or the recipient means (RFC 3463 §3.2).
fn address_reply(error: AddressError, status: EnhancedStatus) -> Reply {
    match error {
        // RFC 6531 §3.5 has these for addresses that need SMTPUTF8.
        AddressError::NotAscii => Reply::new(
            ReplyCode::MAILBOX_NAME,
            EnhancedStatus::new(5, 6, 7),
            error.text(),
        ),
        _ => Reply::new(ReplyCode::ARGUMENT_ERROR, status, error.text()),
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
