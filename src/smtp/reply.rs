//! Replies: codes, enhanced status codes (RFC 3463) and text.

use std::fmt;

/// A three-digit reply code, 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyCode(u16);

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
    /// 4xx.
    pub const fn is_transient(self) -> bool {
        self.0 / 100 == 4
    }
    /// 5xx.
    pub const fn is_permanent(self) -> bool {
        self.0 / 100 == 5
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
    /// Parses `4.7.5`.
    pub fn parse(_text: &str) -> Option<Self> {
        todo!()
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
