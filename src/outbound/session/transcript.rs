//! What was said on one connection, word for word, and what its handshake showed: for `gateway check` to print.

use std::sync::{Arc, Mutex};

use super::TlsFacts;
use crate::outbound::lock;
use crate::smtp::Reply;

/// Events kept of one connection; up to the verdict and QUIT there are a dozen.
const EVENTS_MAX: usize = 64;

/// A transcript being written; its copies are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Arc<Mutex<Vec<Event>>>);

/// One thing that happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection stands.
    Connected,
    /// A command line of ours, without its end.
    Sent(String),
    /// A reply, as it came: nothing in it is to be believed, and it may hold control characters.
    Received(Reply),
    /// The end of the handshake.
    Encrypted {
        /// What it settled.
        facts: TlsFacts,
        /// The certificates presented, as DER, the server's own first.
        chain: Vec<Vec<u8>>,
    },
}

impl Transcript {
    /// Writes an event down; past the limit it is left out.
    pub(super) fn note(&self, event: Event) {
        let mut events = lock(&self.0);
        if events.len() < EVENTS_MAX {
            events.push(event);
        }
    }

    /// What has happened so far.
    pub fn events(&self) -> Vec<Event> {
        lock(&self.0).clone()
    }
}
