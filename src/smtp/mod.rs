//! The SMTP protocol without I/O: grammar, replies, and the state machines of server and client.
#![forbid(unsafe_code)]

pub mod address;
pub mod reply;

pub use address::{AddressError, Domain, Envelope, Host, Mailbox, ReversePath};
pub use reply::{EnhancedStatus, Reply, ReplyCode};
