//! Takes mail in by SMTP: listeners, sessions, filters, and the queue's receipt.
//!
//! One thread per listener, one per session. Threads share the counts of sessions and of memory, and what the configuration says; each session keeps
//! to the configuration it began with.
//!
//! Limitations: cleartext only, no STARTTLS and no AUTH yet. A connection that finds all seats taken is told 421 at once, but may miss it
//! if it talks before it listens.
//!
//! next: `src/inbound/listener.rs`
#![forbid(unsafe_code)]

mod judge;
mod limits;
mod listener;
mod memory;
mod patience;
mod received;
pub mod recipient;
mod seats;
mod session;
mod stop;

use core::net::IpAddr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use self::limits::LISTENER_STACK;
use self::memory::Memory;
use self::recipient::Foresee;
use self::seats::Seats;
use self::stop::{Stop, Stopper};
use crate::filter::Chain;
use crate::net::{Breaker, Network};
use crate::queue::Queue;
use crate::smtp::Domain;
use crate::time::Deadline;

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
    /// Who knows recipients that are to be refused at once; `None` takes every recipient.
    pub foresight: Option<Arc<dyn Foresee>>,
}

impl Settings {
    fn may_relay(&self, client: IpAddr) -> bool {
        self.relay_from.iter().any(|net| net.contains(client))
    }
}

/// What a new session starts with.
struct Current {
    settings: Settings,
    services: Services,
}

/// What listeners and sessions share.
struct Shared {
    current: Mutex<Arc<Current>>,
    seats: Seats,
    memory: Memory,
    stop: Stop,
    breaker: Breaker,
}

impl Shared {
    fn current(&self) -> Arc<Current> {
        // The value is exchanged as a whole, so a poisoned lock protects a sound one.
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    fn exchange(&self, new: Current) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
    }
}

/// Bound listeners, not yet accepting.
pub struct Inbound {
    settings: Settings,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Inbound {
    /// Binds every address of the settings.
    ///
    /// # Errors
    /// The address and why it cannot be bound.
    pub fn bind(settings: Settings) -> Result<Self, (SocketAddr, io::Error)> {
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in &settings.listen {
            let refused = |error| (*address, error);
            let listener = listener::bind(*address).map_err(refused)?;
            addresses.push(listener.local_addr().map_err(refused)?);
            listeners.push(listener);
        }
        Ok(Self {
            settings,
            listeners,
            addresses,
        })
    }

    /// The addresses bound, with the ports the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    /// Accepts sessions, each on a thread of its own, until [`Running::stop`].
    ///
    /// # Errors
    /// When the system gives us no thread for a listener, or no socket to stop it with; then none accepts.
    pub fn start(self, services: Services) -> io::Result<Running> {
        let (stopper, stop) = stop::pair()?;
        let settings = self.settings;
        let shared = Arc::new(Shared {
            current: Mutex::new(Arc::new(Current { settings, services })),
            seats: Seats::default(),
            memory: Memory::default(),
            stop,
            breaker: Breaker::default(),
        });
        let mut running = Running {
            shared: Arc::clone(&shared),
            stopper,
            listeners: Vec::new(),
        };
        for listener in self.listeners {
            let shared = Arc::clone(&shared);
            let thread = Builder::new().stack_size(LISTENER_STACK);
            let thread = thread.spawn(move || listener::run(&listener, &shared))?;
            running.listeners.push(thread);
        }
        Ok(running)
    }
}

/// Accepting listeners and their sessions. Dropping it stops them as well, but waits for nobody.
pub struct Running {
    shared: Arc<Shared>,
    stopper: Stopper,
    listeners: Vec<JoinHandle<()>>,
}

impl Running {
    /// New sessions get these services and settings (`listen` is ignored) from now on.
    pub fn reload(&self, settings: Settings, services: Services) {
        self.shared.exchange(Current { settings, services });
    }

    /// Stops accepting, lets each session finish its command within `grace`, then closes it with 421, and joins every thread.
    ///
    /// Sessions that wait for a command are told at once. Those that have not come to an end after `grace` lose their connection.
    pub fn stop(self, grace: Duration) {
        drop(self.stopper);
        let deadline = Deadline::after(grace);
        if !self.shared.seats.wait_until_empty(deadline) {
            self.shared.breaker.break_all();
        }
        for listener in self.listeners {
            // Sessions catch their panics and listeners have none; a thread that failed all the same is over, too.
            let _ = listener.join();
        }
    }
}
