//! Every bound of listeners and sessions, with its reason.

use std::time::Duration;

/// Sessions of one client that may not relay (an IPv4 address, or the /64 of an IPv6 address): a busy server uses a few, and no single
/// stranger may take all there are.
pub(super) const SESSIONS_PER_STRANGER: usize = 20;

/// Stack of a session's thread in octets. Only what is touched counts; filters that take nested parts apart need the most.
pub(super) const SESSION_STACK: usize = 256 << 10;

/// Stack of a listener's thread in octets.
pub(super) const LISTENER_STACK: usize = 128 << 10;

/// Octets read at once.
pub(super) const CHUNK: usize = 16 << 10;

/// Octets of all messages on their way in together, unless the size limit asks for more: the memory this room may take, with as much again
/// while messages are handed to the queue.
pub(super) const CONTENT_MEMORY: u64 = 512 << 20;

/// Octets per second that a client must send of a message, averaged over one `command-timeout`: slower than any line that
/// is in use, faster than one who only wants to occupy us.
pub(super) const DATA_RATE_MIN: u64 = 64;

/// Wait for what is known about all recipients of one transaction together. A resolver that is asked for the first time needs about a second;
/// clients wait for minutes (RFC 5321 §4.5.3.2.3), but the mail of people at a keyboard should not.
pub(super) const FORESIGHT: Duration = Duration::from_secs(5);

/// How long a session keeps what it was told about a destination: long enough for the other recipients of a message, and for the messages
/// that follow it at once.
pub(super) const OPINION_LIFE: Duration = Duration::from_secs(60);

/// Destinations that a session keeps in mind; the largest mailing list of a session names fewer.
pub(super) const OPINIONS_MAX: usize = 1000;

/// Received fields beyond which a message is taken to go round in circles (RFC 5321 §6.3: at least 100).
pub(super) const HOPS_MAX: usize = 100;

/// How long we wait for a client to read our last reply and close: closing first with its input unread would destroy that reply.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// Octets of input thrown away meanwhile.
pub(super) const LINGER_OCTETS: usize = 1 << 20;

/// How long to wait after the system could not give us a connection, mostly for want of open files.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Refusals of one session that are logged; more would let a client fill the disk.
pub(super) const REFUSALS_LOGGED: u32 = 20;
