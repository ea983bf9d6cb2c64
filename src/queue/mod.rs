//! The durable queue (scaffold of its public face).
#![forbid(unsafe_code)]

pub mod schedule;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::smtp::{EnhancedStatus, Envelope, Mailbox};
use crate::time::Timestamp;

/// Identifies a message for as long as the spool exists; shown in log lines and taken by `queue show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u64);

/// Ten or more lower-case letters and digits, as shown in log lines; later messages sort after earlier ones.
impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013x}", self.0)
    }
}

impl FromStr for QueueId {
    type Err = NotAnId;
    fn from_str(_text: &str) -> Result<Self, NotAnId> {
        todo!()
    }
}

/// The text is not a queue id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a queue id")
    }
}

/// What the queue needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The spool directory.
    pub directory: PathBuf,
    /// How long a recipient is tried before the message bounces.
    pub retry_for: Duration,
    /// The first wait after a deferred attempt; each further one doubles it.
    pub retry_first: Duration,
    /// The longest wait between attempts.
    pub retry_max: Duration,
}

/// Why an attempt ended as it did; kept for people (`queue show`, bounces), never read by decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Enhanced status.
    pub status: EnhancedStatus,
    /// Reason token, as in the log.
    pub token: String,
    /// The host that said so, or empty.
    pub host: String,
    /// One line of text: the printed decision record.
    pub text: String,
}

/// One recipient's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Forward-path.
    pub mailbox: Mailbox,
    /// Where it stands.
    pub state: RecipientState,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt is due (pending only).
    pub due: Timestamp,
    /// How the last attempt ended.
    pub last: Option<Diagnosis>,
}

/// Where a recipient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientState {
    /// Still to be delivered.
    Pending,
    /// Accepted by the next hop.
    Delivered,
    /// Given up; the sender has been or will be told.
    Failed,
}

/// One message's index entry; its content stays on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Identity.
    pub id: QueueId,
    /// When the queue took it.
    pub arrived: Timestamp,
    /// Size of the content in octets.
    pub size: u64,
    /// Reverse-path, recipients as given, 8-bit flag.
    pub envelope: Envelope,
    /// Per-recipient state, parallel to `envelope.recipients`.
    pub recipients: Vec<Recipient>,
    /// Whether a person has stopped its delivery until [`Queue::release`].
    pub held: bool,
}

/// A change of one recipient, durable before it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Delivered: the host's last word goes into the diagnosis.
    Delivered(Diagnosis),
    /// Not now; try again at `due`.
    Deferred {
        /// Next attempt.
        due: Timestamp,
        /// Why.
        why: Diagnosis,
    },
    /// Never.
    Failed(Diagnosis),
}

/// The queue of one spool directory; shared by all threads.
pub struct Queue;

/// A spool operation that failed: what, where, and the system's reason.
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
    /// The queue was opened with [`Queue::read`], or the request makes no sense (no recipient, too large).
    Refused,
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

impl Queue {
    /// Opens the spool for writing, recovers its index; one process at a time.
    ///
    /// # Errors
    /// [`SpoolError`] when it is locked, unreadable or damaged beyond a torn tail.
    pub fn open(_settings: Settings) -> Result<Self, SpoolError> {
        todo!()
    }
    /// Reads the index without the lock and without changing anything; for `queue list` and `show` while `serve` runs.
    ///
    /// # Errors
    /// [`SpoolError`] when the directory cannot be read.
    pub fn read(_directory: &std::path::Path) -> Result<Self, SpoolError> {
        todo!()
    }
    /// Takes a message; when this returns it is safe on disk (group commit with concurrent callers).
    ///
    /// # Errors
    /// [`SpoolError`]: the message is not ours.
    pub fn accept(
        &self,
        _envelope: &Envelope,
        _message: &[u8],
        _now: Timestamp,
    ) -> Result<QueueId, SpoolError> {
        todo!()
    }
    /// Records changes of recipients (index in the envelope) durably; removes the message when none is pending.
    ///
    /// # Errors
    /// [`SpoolError`]: the old state stands.
    pub fn apply(&self, _id: QueueId, _changes: &[(usize, Change)]) -> Result<(), SpoolError> {
        todo!()
    }
    /// The content of a message.
    ///
    /// # Errors
    /// [`SpoolError`] when it cannot be read or its checksum is wrong.
    pub fn content(&self, _id: QueueId) -> Result<Vec<u8>, SpoolError> {
        todo!()
    }
    /// The entry of a message still in the queue.
    pub fn entry(&self, _id: QueueId) -> Option<Entry> {
        todo!()
    }
    /// All entries still in the queue, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        todo!()
    }
    /// Calls `listener` after each accepted message, on the accepting thread; the scheduler's wake-up. Only the first one set counts.
    pub fn on_accept(&self, _listener: Box<dyn Fn(QueueId) + Send + Sync>) {
        todo!()
    }
    /// Stops (`true`) or continues the delivery of a message, durably.
    ///
    /// # Errors
    /// [`SpoolError`]: the old state stands.
    pub fn hold(&self, _id: QueueId, _held: bool) -> Result<(), SpoolError> {
        todo!()
    }
    /// Removes a message without telling anybody.
    ///
    /// # Errors
    /// [`SpoolError`]: it is still there.
    pub fn remove(&self, _id: QueueId) -> Result<(), SpoolError> {
        todo!()
    }
    /// Moves a message that cannot be handled into `corrupt/`, for a person to look at, with one log line saying `why`.
    ///
    /// # Errors
    /// [`SpoolError`]: it is still in the queue.
    pub fn set_aside(&self, _id: QueueId, _why: &str) -> Result<(), SpoolError> {
        todo!()
    }
    /// What the queue was opened with.
    pub fn settings(&self) -> &Settings {
        todo!()
    }
}
