//! Cuts what a client sends into command lines, without I/O; only CRLF ends a line.
//!
//! A CR or LF on its own is refused, not repaired: two servers that disagree on where a line ends can be played off against each other.

use std::fmt;

use super::limits::COMMAND_LINE_MAX;

/// The part of a line that has come in so far.
#[derive(Debug, Default)]
pub struct LineReader {
    line: Vec<u8>,
    /// The last octet was a CR, which is not part of `line`.
    cr: bool,
    /// Why the line is refused, once its end has come.
    fault: Option<LineError>,
}

/// Why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// A CR or LF on its own. What follows cannot be cut into lines reliably: close the connection.
    BareLineEnd,
    /// A NUL or another control character.
    Control,
    /// More than [`COMMAND_LINE_MAX`] octets.
    TooLong,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BareLineEnd => f.write_str("lines must end with CR LF; a CR or LF stood alone"),
            Self::Control => f.write_str("a command may not hold control characters"),
            Self::TooLong => write!(f, "the line is longer than {COMMAND_LINE_MAX} octets"),
        }
    }
}

impl LineReader {
    /// Takes octets off the front of the input up to and with the next line end; `None` if they hold none.
    ///
    /// The line comes without its CRLF. A refused line is taken whole, so that the next one is found; only after
    /// [`LineError::BareLineEnd`], which is returned at once, there is no telling.
    pub fn read(&mut self, input: &mut &[u8]) -> Option<Result<Vec<u8>, LineError>> {
        while let Some((octet, rest)) = input.split_first() {
            *input = rest;
            match (self.cr, *octet) {
                (true, b'\n') => return Some(self.end()),
                (true, _) | (false, b'\n') => {
                    *self = Self::default();
                    return Some(Err(LineError::BareLineEnd));
                }
                (false, b'\r') => self.cr = true,
                (false, octet) => self.add(octet),
            }
        }
        None
    }

    fn add(&mut self, octet: u8) {
        if self.line.len() + "\r\n".len() >= COMMAND_LINE_MAX {
            self.fault.get_or_insert(LineError::TooLong);
        } else if octet.is_ascii_control() && octet != b'\t' {
            self.fault.get_or_insert(LineError::Control);
        } else {
            self.line.push(octet);
        }
    }

    fn end(&mut self) -> Result<Vec<u8>, LineError> {
        let Self { line, fault, .. } = std::mem::take(self);
        match fault {
            None => Ok(line),
            Some(fault) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines = Vec<Result<Vec<u8>, LineError>>;

    fn read_all(pieces: &[&[u8]]) -> Lines {
        let mut reader = LineReader::default();
        let mut lines = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(line) = reader.read(&mut input) {
                lines.push(line);
            }
            assert!(input.is_empty());
        }
        lines
    }

    #[test]
    fn lines_come_out_alike_however_they_come_in() {
        let longest = "x".repeat(COMMAND_LINE_MAX - 2);
        let longer = "x".repeat(COMMAND_LINE_MAX - 1);
        let line = |text: &str| Ok(text.as_bytes().to_vec());
        let table: [(&str, Lines); 12] = [
            ("", vec![]),
            ("NOOP", vec![]),
            ("NOOP\r", vec![]),
            ("NOOP\r\nQUIT\r\nX", vec![line("NOOP"), line("QUIT")]),
            ("\r\n", vec![line("")]),
            ("a\tb\r\n", vec![line("a\tb")]),
            ("ä\r\n", vec![line("ä")]),
            (&format!("{longest}\r\n"), vec![line(&longest)]),
            (
                &format!("{longer}\r\nQUIT\r\n"),
                vec![Err(LineError::TooLong), line("QUIT")],
            ),
            (
                "a\0b\r\nQUIT\r\n",
                vec![Err(LineError::Control), line("QUIT")],
            ),
            ("a\nb\r\n", vec![Err(LineError::BareLineEnd), line("b")]),
            ("a\rb\r\n", vec![Err(LineError::BareLineEnd), line("")]),
        ];
        for (input, expected) in table {
            let octets = input.as_bytes();
            assert_eq!(read_all(&[octets]), expected, "{input:?} at once");
            let singly: Vec<&[u8]> = octets.chunks(1).collect();
            assert_eq!(read_all(&singly), expected, "{input:?} byte by byte");
        }
    }
}
