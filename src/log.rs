//! The console log: one line per event on standard error, never more than one line, never control characters, and of mail addresses no more
//! than [`set_addresses`] says.

mod addresses;

use std::fmt::Display;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::bytes::visible;
use crate::time::Timestamp;

pub use addresses::{Addresses, named, set_addresses, shows_domains};

/// How much a line matters; a line is written when its level is at most the one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something the operator must act on.
    Error = 1,
    /// Something that needs a look: a refused host, a deferred message.
    Warning = 2,
    /// One line per message and host attempt.
    Info = 3,
    /// Why decisions were taken.
    Debug = 4,
    /// Each step of each lookup and dialogue (`--trace`).
    Trace = 5,
}

impl Level {
    /// Every level, from the least to the most talkative.
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Warning,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The word used in the configuration and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

static THRESHOLD: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Sets the most talkative level that is still written.
pub fn set_level(level: Level) {
    THRESHOLD.store(level as u8, Ordering::Relaxed);
}

/// Writes nothing from now on, not even errors: for tests that provoke thousands of them.
pub fn silence() {
    THRESHOLD.store(0, Ordering::Relaxed);
}

/// Whether lines of this level are written; ask before building a costly line.
pub fn is_enabled(level: Level) -> bool {
    // Lookups and dialogues name domains all over.
    let is_shown = level <= Level::Info || shows_domains();
    is_shown && level as u8 <= THRESHOLD.load(Ordering::Relaxed)
}

/// Writes an error line.
pub fn error(text: impl Display) {
    write(Level::Error, &text);
}

/// Writes a warning line.
pub fn warning(text: impl Display) {
    write(Level::Warning, &text);
}

/// Writes an information line.
pub fn info(text: impl Display) {
    write(Level::Info, &text);
}

/// Writes a debug line.
pub fn debug(text: impl Display) {
    write(Level::Debug, &text);
}

/// Writes a trace line.
pub fn trace(text: impl Display) {
    write(Level::Trace, &text);
}

fn write(level: Level, text: &dyn Display) {
    if !is_enabled(level) {
        return;
    }
    let text = one_line(&text.to_string());
    let text = match addresses::shows_all() {
        true => text,
        false => addresses::hide(&text, shows_domains()),
    };
    let line = format!("{} {:<7} {text}\n", Timestamp::now(), level.name());
    // A log that cannot be written has nobody left to be told.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// The text as one line in which everything can be seen, so that no peer can forge, break or disguise a log line.
pub fn one_line(text: &str) -> String {
    visible(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cannot_be_forged() {
        assert_eq!(one_line("a\r\nb\u{1b}[0m ü"), "a\\r\\nb\\u{1b}[0m ü");
        assert_eq!(one_line("a\u{2028}\u{202e}b"), "a\\u{2028}\\u{202e}b");
    }

    #[test]
    fn level_names_round_trip() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("loud"), None);
    }
}
