//! What can go wrong with the spool, as one line for the operator.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A spool operation that failed: what, where, and the reason.
#[derive(Clone, Debug)]
pub struct SpoolError {
    /// What kind of fault it is, for the caller's decision.
    pub fault: Fault,
    /// What was being done.
    pub operation: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// The reason.
    pub reason: String,
}

/// The kind of a [`SpoolError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The system refused an operation.
    System,
    /// No room: disk space or message count; the client is told 452 4.3.1.
    Full,
    /// Another process owns the spool.
    Locked,
    /// What was read is not what was written.
    Damaged,
    /// There is no such message (any more).
    NoSuchMessage,
    /// The queue was opened with [`super::Queue::read`], or the request makes no sense (no recipient, too large).
    Refused,
}

impl SpoolError {
    pub(super) fn new(
        fault: Fault,
        operation: &'static str,
        path: &Path,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            fault,
            operation,
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// Turns the system's refusal of an operation on a file into an error; for `map_err`.
    pub(super) fn system(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            let full = matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            );
            let fault = if full { Fault::Full } else { Fault::System };
            Self::new(fault, operation, path, error.to_string())
        }
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot {} {}: {}",
            self.operation,
            self.path.display(),
            self.reason
        )
    }
}

impl std::error::Error for SpoolError {}
