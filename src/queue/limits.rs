//! Every bound of the queue, with its reason.

/// Size of a segment file: large enough that rolling over costs nothing per message, small enough that a stuck message pins little.
pub const SEGMENT_SIZE: u64 = 64 << 20;

/// Segments that a whole disk holds at least: on a small disk they are smaller, so that there is room for mail beside [`FREE_SEGMENTS`].
pub(super) const SEGMENTS_PER_DISK: u64 = 32;

/// Size of a segment file on the smallest disk: that of some hundred state changes.
pub(super) const SEGMENT_SIZE_LEAST: u64 = 256 << 10;

/// Segments that must fit into the free space, or no message is taken: room for the state changes of what is already there.
pub(super) const FREE_SEGMENTS: u64 = 4;

/// Messages in one queue: an entry of the index takes about a kilobyte, so this is a gigabyte of memory.
pub const MESSAGES_MAX: usize = 1_000_000;

/// Octets of one message's content; far above any sensible `message-size-limit`, it keeps arithmetic and allocations sane.
pub(super) const CONTENT_MAX: u64 = 1 << 30;

/// Octets of a record without the content: thousands of recipients of the longest legal form (64 + 1 + 255 octets, RFC 5321 §4.5.3.1) and their diagnoses.
pub(super) const METADATA_MAX: u32 = 8 << 20;

/// Recipients in one change record: with three texts of [`DIAGNOSIS_TEXT_MAX`] each they stay below [`METADATA_MAX`].
pub(super) const CHANGES_PER_RECORD: usize = 500;

/// Octets of one text of a diagnosis; what is longer is cut.
pub(super) const DIAGNOSIS_TEXT_MAX: usize = 4096;

/// Octets one leader writes before it syncs (at least one record): bounds the wait of those who come next.
pub(super) const BATCH_OCTETS: u64 = 16 << 20;

/// Octets read at once while scanning.
pub(super) const WINDOW: usize = 256 << 10;

/// How often [`super::Queue::read`] starts again because the owner removed a segment under it.
pub(super) const READ_TRIES: u32 = 5;
