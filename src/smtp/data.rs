//! Finds the end of a message after DATA and undoes dot-stuffing, without I/O (RFC 5321 §4.5.2).
//!
//! Only CR LF `.` CR LF ends a message. A CR or LF on its own refuses the whole message, but it is read on to its true end, so that the
//! dialogue stays in step and nothing within it is ever taken for a command (SMTP smuggling, CVE-2023-51764 and its relatives).
//!
//! Limitations: lines longer than the 1000 octets of RFC 5321 §4.5.3.1.6 are let through up to [`CONTENT_LINE_MAX`], since much real mail has
//! them; whether the next server takes them is its decision.

use std::fmt;

use super::limits::{CONTENT_LINE_MAX, DISCARD_MAX};
use super::reply::{EnhancedStatus, Reply, ReplyCode};

/// Reads one message.
#[derive(Debug)]
pub struct DataReader {
    content: Vec<u8>,
    limit: u64,
    position: Position,
    /// Octets of the present line.
    line: usize,
    fault: Option<DataFault>,
    /// Octets read since the fault.
    discarded: u64,
    /// The last line end was CR CR LF, which some servers take for two line ends and others for half a one.
    is_start_doubtful: bool,
}

/// Where the octet to come stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// At the start of a line: of the message, or behind a CRLF.
    LineStart,
    /// Behind a dot at the start of a line.
    Dot,
    /// Behind a dot at the start of a line and a CR.
    DotCr,
    /// Within a line.
    Within,
    /// Behind a CR within a line.
    Cr,
    /// Behind a CR that follows another.
    CrCr,
}

/// Why a message is refused for its form; the first reason counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFault {
    /// A CR without LF, or an LF without CR.
    BareLineEnd,
    /// A NUL, which neither a message nor its transport can hold (RFC 5321 §4.5.2, RFC 5322 §4.1).
    Nul,
    /// A line of more than [`CONTENT_LINE_MAX`] octets.
    LineTooLong,
    /// More octets than allowed.
    TooLarge,
    /// We have no memory for it now.
    NoRoom,
}

/// What has become of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// More is to come.
    Open,
    /// The end: the message with CRLF line ends, dots unstuffed, or why it is refused.
    End(Result<Vec<u8>, DataFault>),
    /// A refused message that does not end within [`DISCARD_MAX`] further octets: close the connection.
    Endless(DataFault),
    /// A refused message whose end follows CR CR LF, so that others may see its end elsewhere: close the connection.
    Doubtful(DataFault),
}

impl DataReader {
    /// Waits for the first octet of a message of at most `limit` octets (counted as RFC 1870 §5 counts: with line ends, without stuffed dots).
    pub const fn new(limit: u64) -> Self {
        Self {
            content: Vec::new(),
            limit,
            position: Position::LineStart,
            line: 0,
            fault: None,
            discarded: 0,
            is_start_doubtful: false,
        }
    }

    /// Octets held in memory.
    pub fn len(&self) -> usize {
        self.content.capacity()
    }

    /// Whether nothing is held in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Refuses the message whatever is still to come, and lets go of what has come.
    pub fn refuse(&mut self, fault: DataFault) {
        self.fault.get_or_insert(fault);
        self.content = Vec::new();
    }

    /// Takes octets off the front of the input, up to the end of the message.
    pub fn read(&mut self, input: &mut &[u8]) -> Data {
        while !input.is_empty() {
            if self.position == Position::Within {
                self.take_plain(input);
            }
            let Some((octet, rest)) = input.split_first() else {
                break;
            };
            *input = rest;
            if self.is_end(*octet) {
                return self.finish();
            }
            if self.discarded > DISCARD_MAX {
                return Data::Endless(self.fault.unwrap_or(DataFault::TooLarge));
            }
        }
        Data::Open
    }

    /// The common case, many octets at once: what lies before the next octet that may matter.
    fn take_plain(&mut self, input: &mut &[u8]) {
        let special = |octet: &u8| matches!(octet, b'\r' | b'\n' | 0);
        let count = input.iter().position(special).unwrap_or(input.len());
        if let Some((plain, rest)) = input.split_at_checked(count) {
            *input = rest;
            self.keep(plain);
        }
    }

    /// Moves on by one octet; returns whether the message ends with it.
    fn is_end(&mut self, octet: u8) -> bool {
        use Position::{Cr, CrCr, Dot, DotCr, LineStart, Within};
        self.position = match (self.position, octet) {
            (DotCr, b'\n') => return true,
            (Cr | CrCr, b'\n') => {
                self.keep(b"\r\n");
                self.line = 0;
                self.is_start_doubtful = self.position == CrCr;
                LineStart
            }
            (Cr | CrCr | DotCr, octet) => {
                self.refuse(DataFault::BareLineEnd);
                if octet == b'\r' { CrCr } else { Within }
            }
            // The line start behind a bare LF is none: LF . CR LF must not end the message.
            (LineStart | Dot | Within, b'\n') => {
                self.refuse(DataFault::BareLineEnd);
                Within
            }
            (LineStart, b'.') => Dot,
            (Dot, b'\r') => DotCr,
            (LineStart | Within, b'\r') => Cr,
            (LineStart | Dot | Within, 0) => {
                self.refuse(DataFault::Nul);
                Within
            }
            // Behind a dot at the line's start the dot is not kept: it was stuffed.
            (LineStart | Dot | Within, octet) => {
                self.keep(&[octet]);
                Within
            }
        };
        self.discarded += u64::from(self.fault.is_some());
        false
    }

    fn keep(&mut self, octets: &[u8]) {
        self.line = self.line.saturating_add(octets.len());
        if self.line > CONTENT_LINE_MAX {
            self.refuse(DataFault::LineTooLong);
        }
        let size = self.content.len().saturating_add(octets.len()) as u64;
        if size > self.limit {
            self.refuse(DataFault::TooLarge);
        }
        match self.fault {
            None => self.content.extend_from_slice(octets),
            Some(_) => self.discarded = self.discarded.saturating_add(octets.len() as u64),
        }
    }

    fn finish(&mut self) -> Data {
        let read = std::mem::replace(self, Self::new(self.limit));
        match read.fault {
            None => Data::End(Ok(read.content)),
            Some(fault) if read.is_start_doubtful => Data::Doubtful(fault),
            Some(fault) => Data::End(Err(fault)),
        }
    }
}

impl DataFault {
    /// What the client is told.
    pub fn reply(self) -> Reply {
        let (code, (class, subject, detail)) = match self {
            Self::BareLineEnd => (ReplyCode::REFUSED, (5, 6, 11)),
            Self::Nul | Self::LineTooLong => (ReplyCode::REFUSED, (5, 6, 0)),
            Self::TooLarge => (ReplyCode::TOO_LARGE, (5, 3, 4)),
            Self::NoRoom => (ReplyCode::INSUFFICIENT_STORAGE, (4, 3, 1)),
        };
        let status = EnhancedStatus::new(class, subject, detail);
        Reply::new(code, status, self.to_string())
    }
}

impl fmt::Display for DataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BareLineEnd => f.write_str("lines must end with CR LF; a CR or LF stood alone"),
            Self::Nul => f.write_str("the message holds a NUL character"),
            Self::LineTooLong => write!(
                f,
                "the message has a line of more than {CONTENT_LINE_MAX} octets"
            ),
            Self::TooLarge => f.write_str("the message is larger than allowed"),
            Self::NoRoom => f.write_str("no room for the message now, try again later"),
        }
    }
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
