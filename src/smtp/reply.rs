//! Replies: codes, enhanced status codes (RFC 3463, RFC 2034) and text, from and to their lines (RFC 5321 §4.2).

use std::fmt;

use super::limits::{REPLY_LINE_READ_MAX, REPLY_LINE_SENT_MAX, REPLY_LINES_MAX};

/// A three-digit reply code, 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyCode(u16);

/// The codes of RFC 5321 §4.2.3 that this program sends.
impl ReplyCode {
    /// Help.
    pub const HELP: Self = Self(214);
    /// The greeting.
    pub const READY: Self = Self(220);
    /// The answer to QUIT.
    pub const CLOSING: Self = Self(221);
    /// Done.
    pub const OK: Self = Self(250);
    /// The answer to VRFY by those who do not tell.
    pub const CANNOT_VERIFY: Self = Self(252);
    /// Send the message.
    pub const START_DATA: Self = Self(354);
    /// The connection is about to be closed.
    pub const NOT_AVAILABLE: Self = Self(421);
    /// We failed; try again.
    pub const LOCAL_ERROR: Self = Self(451);
    /// No room now: disk, or recipients of this transaction.
    pub const INSUFFICIENT_STORAGE: Self = Self(452);
    /// Not a command.
    pub const SYNTAX_ERROR: Self = Self(500);
    /// A command with arguments that cannot be understood.
    pub const ARGUMENT_ERROR: Self = Self(501);
    /// A command that exists, but not here.
    pub const NOT_IMPLEMENTED: Self = Self(502);
    /// Not now.
    pub const BAD_SEQUENCE: Self = Self(503);
    /// A parameter's value that is not implemented.
    pub const PARAMETER_NOT_IMPLEMENTED: Self = Self(504);
    /// Refused by policy, or no such mailbox.
    pub const REFUSED: Self = Self(550);
    /// Larger than allowed.
    pub const TOO_LARGE: Self = Self(552);
    /// The mailbox name is not allowed.
    pub const MAILBOX_NAME: Self = Self(553);
    /// The transaction failed.
    pub const TRANSACTION_FAILED: Self = Self(554);
    /// Parameters of MAIL or RCPT that are unknown.
    pub const UNKNOWN_PARAMETER: Self = Self(555);
    /// The domain accepts no mail (RFC 7505).
    pub const NO_MAIL: Self = Self(556);
}

impl ReplyCode {
    /// The code, if it lies between 200 and 599.
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 200 && code <= 599 {
            Some(Self(code))
        } else {
            None
        }
    }
    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }
    /// 2xx.
    pub const fn is_positive(self) -> bool {
        self.0 / 100 == 2
    }
    /// 3xx: the other side waits for more.
    pub const fn is_intermediate(self) -> bool {
        self.0 / 100 == 3
    }
    /// 4xx.
    pub const fn is_transient(self) -> bool {
        self.0 / 100 == 4
    }
    /// 5xx.
    pub const fn is_permanent(self) -> bool {
        self.0 / 100 == 5
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An enhanced status code `class.subject.detail` (RFC 3463 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedStatus {
    /// 2, 4 or 5.
    pub class: u8,
    /// 0 to 999.
    pub subject: u16,
    /// 0 to 999.
    pub detail: u16,
}

impl EnhancedStatus {
    /// A status of those three parts.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }
    /// Parses `4.7.5`: class 2, 4 or 5, then twice one to three digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let class = match parts.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let mut number = || -> Option<u16> {
            let digits = parts.next()?;
            let legal =
                (1..=3).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit());
            if legal { digits.parse().ok() } else { None }
        };
        let status = Self::new(class, number()?, number()?);
        parts.next().is_none().then_some(status)
    }
    /// The same subject and detail as class 4.
    #[must_use]
    pub const fn transient(self) -> Self {
        Self { class: 4, ..self }
    }
    /// The same subject and detail as class 5.
    #[must_use]
    pub const fn permanent(self) -> Self {
        Self { class: 5, ..self }
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One reply, of one or more lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Reply code.
    pub code: ReplyCode,
    /// Enhanced status code, where one was given.
    pub enhanced: Option<EnhancedStatus>,
    /// Text lines without code, enhanced status and line ends.
    pub lines: Vec<String>,
}

impl Reply {
    /// A reply of one line with an enhanced status code.
    pub fn new(code: ReplyCode, enhanced: EnhancedStatus, text: impl Into<String>) -> Self {
        Self {
            code,
            enhanced: Some(enhanced),
            lines: vec![text.into()],
        }
    }

    /// A reply without enhanced status code, as the greeting, EHLO and 354 have it (RFC 2034 §3).
    pub fn plain(code: ReplyCode, lines: Vec<String>) -> Self {
        Self {
            code,
            enhanced: None,
            lines,
        }
    }

    /// Reads a complete reply from its lines, with or without line ends.
    ///
    /// # Errors
    /// [`ReplyError`]; [`ReplyError::Incomplete`] also if lines are left over.
    pub fn parse(lines: &[&[u8]]) -> Result<Self, ReplyError> {
        let mut assembly = ReplyAssembly::default();
        let (last, first) = lines.split_last().ok_or(ReplyError::Incomplete)?;
        for line in first {
            if assembly.add(line)?.is_some() {
                return Err(ReplyError::Incomplete);
            }
        }
        assembly.add(last)?.ok_or(ReplyError::Incomplete)
    }

    /// The text lines joined by a blank.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The lines as they are sent: at most 512 octets each, whatever is not printable ASCII replaced by `?`.
    pub fn to_wire(&self) -> Vec<u8> {
        let status = self.enhanced.map(|status| format!("{status} "));
        let status = status.unwrap_or_default();
        let room = REPLY_LINE_SENT_MAX.saturating_sub("250 \r\n".len() + status.len());
        let pieces = self.pieces(room.max(1));
        let last = pieces.len().saturating_sub(1);
        let mut wire = Vec::new();
        for (at, piece) in pieces.into_iter().enumerate() {
            let sign = if at < last { '-' } else { ' ' };
            wire.extend_from_slice(format!("{}{sign}{status}", self.code).as_bytes());
            wire.extend_from_slice(&piece);
            wire.extend_from_slice(b"\r\n");
        }
        wire
    }

    /// The text cut into lines of at most `room` octets, at least one.
    fn pieces(&self, room: usize) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        for line in &self.lines {
            match line.as_str() {
                "" => pieces.push(Vec::new()),
                line => pieces.extend(printable(line).chunks(room).map(<[u8]>::to_vec)),
            }
        }
        if pieces.is_empty() {
            pieces.push(Vec::new());
        }
        pieces
    }
}

/// One line for logs and bounces: `550 5.7.1 first line second line`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in &self.lines {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

/// Octets that a reply's text may hold (RFC 5321 §4.2), everything else as `?`.
fn printable(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| {
            let octet = u8::try_from(c).unwrap_or(b'?');
            let legal = matches!(octet, b'\t' | b' '..=b'~');
            if legal { octet } else { b'?' }
        })
        .collect()
}

/// The lines of one reply as they come in.
///
/// After a complete reply or an error the next line starts a new reply.
#[derive(Debug, Default)]
pub struct ReplyAssembly {
    begun: Option<Reply>,
}

impl ReplyAssembly {
    /// Takes the next line, with or without its line end; returns the reply when this was its last line.
    ///
    /// # Errors
    /// [`ReplyError`]: the peer does not speak SMTP, or wants to keep us busy; the connection is of no further use.
    pub fn add(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let begun = self.begun.take();
        let line = ReplyLine::parse(line)?;
        let reply = match begun {
            None => line.begin(),
            Some(mut reply) => {
                line.extend(&mut reply)?;
                reply
            }
        };
        if line.is_last {
            return Ok(Some(reply));
        }
        self.begun = Some(reply);
        Ok(None)
    }

    /// Whether lines of an unfinished reply have been read.
    pub const fn is_begun(&self) -> bool {
        self.begun.is_some()
    }
}

/// One line of a reply.
struct ReplyLine {
    code: ReplyCode,
    is_last: bool,
    enhanced: Option<EnhancedStatus>,
    /// The text behind the enhanced status code.
    text: String,
    /// The text with it.
    whole: String,
}

impl ReplyLine {
    /// Leniently: the blank after the code of a last line may be missing, the text may be anything.
    fn parse(line: &[u8]) -> Result<Self, ReplyError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > REPLY_LINE_READ_MAX {
            return Err(ReplyError::LineTooLong);
        }
        let (digits, rest) = line.split_first_chunk::<3>().ok_or(ReplyError::NoCode)?;
        let code = parse_code(*digits).ok_or(ReplyError::NoCode)?;
        let (is_last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(ReplyError::NoCode),
        };
        let whole = readable(text);
        let (enhanced, text) = split_enhanced(code, &whole);
        Ok(Self {
            code,
            is_last,
            enhanced,
            text: text.to_owned(),
            whole,
        })
    }

    fn begin(&self) -> Reply {
        Reply {
            code: self.code,
            enhanced: self.enhanced,
            lines: vec![self.text.clone()],
        }
    }

    fn extend(&self, reply: &mut Reply) -> Result<(), ReplyError> {
        if self.code != reply.code {
            return Err(ReplyError::CodesDiffer);
        }
        if reply.lines.len() >= REPLY_LINES_MAX {
            return Err(ReplyError::TooManyLines);
        }
        // A further line that repeats the status says nothing new; any other status is text.
        let repeats = self.enhanced.is_some() && self.enhanced == reply.enhanced;
        let text = if repeats { &self.text } else { &self.whole };
        reply.lines.push(text.clone());
        Ok(())
    }
}

fn parse_code(digits: [u8; 3]) -> Option<ReplyCode> {
    let number = digits.iter().try_fold(0, |number, digit| {
        let value = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
        Some(number * 10 + value)
    });
    number.and_then(ReplyCode::new)
}

/// Splits off an enhanced status code whose class agrees with the reply code (RFC 2034 §4); one that does not agree is text.
fn split_enhanced(code: ReplyCode, text: &str) -> (Option<EnhancedStatus>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match EnhancedStatus::parse(word) {
        Some(status) if u16::from(status.class) == code.number() / 100 => (Some(status), rest),
        _ => (None, text),
    }
}

/// Text for people: UTF-8 where it is, control characters replaced.
fn readable(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|c| match c.is_control() {
            true => char::REPLACEMENT_CHARACTER,
            false => c,
        })
        .collect()
}

/// Why lines are not a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// A line that does not start with a reply code and a blank or hyphen.
    NoCode,
    /// Lines of one reply with different codes.
    CodesDiffer,
    /// A line of more than [`REPLY_LINE_READ_MAX`] octets.
    LineTooLong,
    /// More than [`REPLY_LINES_MAX`] lines.
    TooManyLines,
    /// No last line, or lines after it.
    Incomplete,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCode => f.write_str("the reply does not start with a code from 200 to 599"),
            Self::CodesDiffer => f.write_str("the lines of the reply have different codes"),
            Self::LineTooLong => write!(
                f,
                "a line of the reply is longer than {REPLY_LINE_READ_MAX} octets"
            ),
            Self::TooManyLines => write!(f, "the reply has more than {REPLY_LINES_MAX} lines"),
            Self::Incomplete => f.write_str("the reply is not complete"),
        }
    }
}

impl std::error::Error for ReplyError {}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
