//! Cuts what the server sends into replies, however it arrives.

use crate::smtp::limits::REPLY_LINE_READ_MAX;
use crate::smtp::{Reply, ReplyAssembly, ReplyError};

/// Collects octets and gives out complete replies.
///
/// A line ends with LF, with or without CR before it: a server that forgets the CR can still be understood, and nothing in a reply is
/// quoted to another server. One line and at most what was pushed last is held.
#[derive(Debug, Default)]
pub struct ReplyReader {
    octets: Vec<u8>,
    assembly: ReplyAssembly,
}

impl ReplyReader {
    /// Takes octets as they were read. To be called only after [`ReplyReader::reply`] has given `None`.
    pub fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// The next complete reply; `None` when more octets are needed.
    ///
    /// # Errors
    /// [`ReplyError`]: what came is not SMTP, and the connection is of no further use.
    pub fn reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(end) = self.octets.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.octets.drain(..=end).collect();
            if let Some(reply) = self.assembly.add(&line)? {
                return Ok(Some(reply));
            }
        }
        if self.octets.len() > REPLY_LINE_READ_MAX {
            return Err(ReplyError::LineTooLong);
        }
        Ok(None)
    }

    /// The octets that belong to no reply given out yet, apart from whole lines of an unfinished one.
    pub fn unread(&self) -> &[u8] {
        &self.octets
    }
}
