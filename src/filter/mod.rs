//! The content filters: each looks at one message and passes, changes or refuses it; none does I/O.
#![forbid(unsafe_code)]

use crate::smtp::{EnhancedStatus, Envelope};

/// A chain of filters in the order of the configuration.
pub struct Chain;

/// A refusal by a filter; becomes the reply to DATA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The filter that refused.
    pub filter: String,
    /// Class 4 or 5.
    pub status: EnhancedStatus,
    /// One line for the sender.
    pub text: String,
}

/// Why a filter directive cannot be used: one line that names the filter, the word and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(pub String);

impl Chain {
    /// Builds the chain from the words of each `filter` directive (without the word `filter`).
    ///
    /// # Errors
    /// [`FilterError`] for an unknown filter or bad arguments.
    pub fn new(_directives: &[Vec<String>]) -> Result<Self, FilterError> {
        todo!()
    }
    /// Runs the chain over a message with CRLF line ends, not dot-stuffed.
    ///
    /// # Errors
    /// [`Refusal`] by the first filter that refuses.
    pub fn run(&self, _envelope: &Envelope, _message: Vec<u8>) -> Result<Filtered, Refusal> {
        todo!()
    }
}

/// The message after the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filtered {
    /// The message.
    pub message: Vec<u8>,
    /// One line per filter that changed something, for the log.
    pub changes: Vec<String>,
}
