//! One question over a connection of its own (RFC 7766).
//!
//! Limitation: the connection is closed after one reply; keeping it for the next question is not built.

use std::io::{self, Read, Write};

use super::fault::Fault;
use super::observe::{Direction, Transport};
use super::query::{Query, Reply};
use super::wire::Wire;
use crate::net::Stream;
use crate::time::Deadline;

/// Messages read before the reply: a server may send what we did not ask for, but not without end.
pub(super) const MESSAGES_AT_MOST: usize = 4;

/// Sends the query and waits for its reply until the deadline.
///
/// # Errors
/// [`Fault`]; a message over a connection that is not the reply is [`Fault::Malformed`].
pub(super) fn ask(wire: &Wire<'_>, query: &Query, deadline: Deadline) -> Result<Box<Reply>, Fault> {
    let mut stream = Stream::connect(wire.server, deadline)?;
    let local = stream.local()?;
    let show = |direction, octets: &[u8]| wire.show(Transport::Tcp, direction, local, octets);
    show(Direction::Sent, query.octets());
    stream.write_all(&framed(query.octets()))?;
    for _ in 0..MESSAGES_AT_MOST {
        let octets = read_message(&mut stream)?;
        show(Direction::Received, &octets);
        if let Some(settled) = wire.settle(query, &octets) {
            return settled;
        }
    }
    Err(Fault::malformed("the server sends what was not asked"))
}

/// The message behind its length (RFC 1035 §4.2.2), as one write so that it travels in one segment (RFC 7766 §8).
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    // A query has one name and one OPT record: far below 64 KiB.
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), message].concat()
}

/// Reads one message; its length is bounded by the two octets that say it.
fn read_message(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let length = u16::from_be_bytes(length);
    let mut octets = Vec::new();
    let read = stream.take(length.into()).read_to_end(&mut octets)?;
    if read < length.into() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(octets)
}
