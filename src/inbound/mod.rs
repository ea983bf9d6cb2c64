//! Takes mail in by SMTP: listeners, sessions, filters, and the queue's receipt.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::filter::Chain;
use crate::net::Network;
use crate::queue::Queue;
use crate::smtp::Domain;

/// What the listeners and sessions need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name in the banner and in Received.
    pub hostname: Domain,
    /// Where to listen; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// Clients that may relay.
    pub relay_from: Vec<Network>,
    /// Octets of one message.
    pub message_size_limit: u64,
    /// Recipients of one message.
    pub recipient_limit: usize,
    /// Sessions at the same time.
    pub session_limit: usize,
    /// How long a client may be silent between commands (RFC 5321 §4.5.3.2.7: at least 5 minutes).
    pub command_timeout: Duration,
    /// How long a client may take for one whole message.
    pub data_timeout: Duration,
}

/// What a session hands a message to; exchanged as a whole when the configuration is read again.
#[derive(Clone)]
pub struct Services {
    /// The filters.
    pub filters: Arc<Chain>,
    /// The queue.
    pub queue: Arc<Queue>,
}

/// Bound listeners, not yet accepting.
pub struct Inbound;

impl Inbound {
    /// Binds every address of the settings.
    ///
    /// # Errors
    /// The address and why it cannot be bound.
    pub fn bind(_settings: Settings) -> Result<Self, (SocketAddr, io::Error)> {
        todo!()
    }

    /// The addresses bound, with the ports the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        todo!()
    }

    /// Accepts sessions, each on a thread of its own, until [`Running::stop`].
    pub fn start(self, _services: Services) -> Running {
        todo!()
    }
}

/// Accepting listeners and their sessions.
pub struct Running;

impl Running {
    /// New sessions get these services and settings (`listen` is ignored) from now on.
    pub fn reload(&self, _settings: Settings, _services: Services) {
        todo!()
    }

    /// Stops accepting, lets each session finish its command within `grace`, then closes it with 421, and joins every thread.
    pub fn stop(self, _grace: Duration) {
        todo!()
    }
}
