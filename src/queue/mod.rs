//! Keeps every message from the moment it is answered 250 until nothing is left to do for it.
//!
//! # States of a message
//!
//! | state | what is on disk | what a crash there leaves, and what recovery does |
//! |---|---|---|
//! | under construction | nothing, or part of an accept record | the client was told nothing. Zeros or a half record: cut, with a log line. A whole record: taken as committed, the client may send it again |
//! | committed | its accept record; perhaps change records | the message, with its latest durable changes. An attempt whose change record is missing is made again: a crash may deliver twice, never lose |
//! | held | also a hold record | as committed, and still held |
//! | corrupt | damaged octets, or a message set aside | a copy in `corrupt/`, one line in the log; made again if the copy was not finished |
//! | gone | also a gone record | nothing. The gone record stays until the accept record's file is removed for good, so the message cannot come back |
//!
//! under construction → committed: [`Queue::accept`] returns. committed ↔ held: [`Queue::hold`].
//! committed → gone: [`Queue::apply`] leaves no recipient pending, or [`Queue::remove`]. Any → corrupt: recovery finds damage, or [`Queue::set_aside`].
//! A message never changes after it is committed; every change of state is a further record, durable before it counts.
//!
//! # The spool directory (mode 0700, files 0600)
//!
//! | name | what |
//! |---|---|
//! | `lock` | the owner's process id; locked as long as it runs |
//! | `segments/0000000001.segment` … | the records, in the order of their numbers; layout in `frame.rs` and `entry.rs` |
//! | `segments/prepared` | zeros, to become the next segment |
//! | `corrupt/0000000001-4096` | what was at that offset of that segment, octet for octet |
//!
//! Segments are only appended to, by one process run; the next run begins a new one. When nothing in a segment matters any more it is removed;
//! the rule is at `remove_unneeded` in `spool.rs`.
//!
//! Limitations: a message that waits for days keeps the whole segment it came in (64 MiB); compaction is to come. Start-up reads all segments
//! once to verify them. Paths are opened by name while running, so `chroot` must come before [`Queue::open`].
//!
//! next: `src/queue/spool.rs`
#![forbid(unsafe_code)]

mod aside;
mod disk;
mod entry;
mod error;
mod frame;
mod id;
mod index;
mod limits;
mod owner;
mod recover;
mod scan;
pub mod schedule;
mod segment;
mod spool;
mod store;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::smtp::{EnhancedStatus, Envelope, Mailbox};
use crate::time::Timestamp;

pub use disk::{Disk, SystemDisk};
pub use error::{Fault, SpoolError};
pub use id::{NotAnId, QueueId};
pub use limits::{MESSAGES_MAX, SEGMENT_SIZE};
pub use store::{Queue, Tuning};

/// What the queue needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Why an attempt ended as it did; kept for people (`queue show`, bounces), never read by decisions. Texts beyond 4096 octets are cut.
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
    /// Whether a person has stopped its delivery with [`Queue::hold`].
    pub held: bool,
}

/// A change of one recipient, durable before it counts. Each one counts as an attempt.
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

/// Locks a mutex of this room. No code panics with half a change made, so a poisoned lock protects sound data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
