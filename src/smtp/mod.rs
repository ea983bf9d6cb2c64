//! The SMTP protocol without I/O: grammar, replies, and the state machines of server and client.
#![forbid(unsafe_code)]

pub mod address;
pub mod client;
pub mod command;
pub mod data;
pub mod limits;
pub mod line;
pub mod reply;
pub mod server;

pub use address::{AddressError, Domain, Envelope, ForwardPath, Host, Mailbox, ReversePath};
pub use reply::{EnhancedStatus, Reply, ReplyAssembly, ReplyCode, ReplyError};
