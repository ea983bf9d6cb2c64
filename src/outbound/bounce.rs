//! Builds the report that tells a sender which recipients did not get his message, and why (RFC 3464, RFC 6522).

use crate::queue::{Diagnosis, Entry};
use crate::smtp::{Domain, Envelope};
use crate::time::Timestamp;

/// What a report is made of.
pub struct Report<'a> {
    /// Our name.
    pub reporting_mta: &'a Domain,
    /// The message that failed, as the queue knows it.
    pub entry: &'a Entry,
    /// Which recipients failed (their places in `entry.recipients`), and why.
    pub failed: &'a [(usize, Diagnosis)],
    /// The message that failed; only its header section is read.
    pub content: &'a [u8],
    /// Now.
    pub now: Timestamp,
    /// A number used for no other report of this moment; makes the Message-ID and the boundary unique.
    pub unique: u64,
}

/// The report as a message for the queue: null reverse-path, the original sender as its one recipient, content with CRLF line ends.
///
/// `None` where the failed message has the null reverse-path itself: nobody is to be told (RFC 5321 §4.5.5).
pub fn build(_report: &Report) -> Option<(Envelope, Vec<u8>)> {
    todo!()
}
