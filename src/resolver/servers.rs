//! In which order servers are asked: those that failed lately come last.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use core::net::SocketAddr;

/// How long a server comes last after its first failure: a lost packet must not matter for long.
const PENALTY_FIRST: Duration = Duration::from_secs(5);
/// Doublings of the penalty while it goes on failing; 5 s · 2⁶ is a good five minutes.
const DOUBLINGS_AT_MOST: u32 = 6;

/// The servers and what is remembered of them.
pub(super) struct Servers(Mutex<Vec<Server>>);

struct Server {
    address: SocketAddr,
    /// Failures since the last reply.
    failures: u32,
    /// Until when it comes last.
    last_until: Option<Instant>,
}

impl Servers {
    pub(super) fn new(addresses: impl Iterator<Item = SocketAddr>) -> Self {
        let fresh = |address| Server {
            address,
            failures: 0,
            last_until: None,
        };
        Self(Mutex::new(addresses.map(fresh).collect()))
    }

    /// All servers: those in order as configured, then those that failed lately. None is ever given up.
    pub(super) fn in_order(&self, now: Instant) -> Vec<SocketAddr> {
        let servers = self.lock();
        let (late, ready): (Vec<_>, Vec<_>) = servers
            .iter()
            .partition(|server| server.last_until.is_some_and(|until| until > now));
        ready
            .iter()
            .chain(&late)
            .map(|server| server.address)
            .collect()
    }

    /// All servers as configured.
    pub(super) fn all(&self) -> Vec<SocketAddr> {
        let servers = self.lock();
        servers.iter().map(|server| server.address).collect()
    }

    /// Remembers that a server gave no usable reply.
    pub(super) fn failed(&self, address: SocketAddr, now: Instant) {
        for server in self
            .lock()
            .iter_mut()
            .filter(|server| server.address == address)
        {
            let doublings = server.failures.min(DOUBLINGS_AT_MOST);
            server.failures = server.failures.saturating_add(1);
            server.last_until = Some(now + PENALTY_FIRST * (1 << doublings));
        }
    }

    /// Remembers that a server replied.
    pub(super) fn replied(&self, address: SocketAddr) {
        for server in self
            .lock()
            .iter_mut()
            .filter(|server| server.address == address)
        {
            server.failures = 0;
            server.last_until = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Server>> {
        // Every change is complete in one step, so a thread that panicked has left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect(text)
    }

    #[test]
    fn who_failed_comes_last_for_a_while() {
        let [a, b, c] = ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"].map(address);
        let servers = Servers::new([a, b, c].into_iter());
        let start = Instant::now();
        assert_eq!(servers.in_order(start), [a, b, c]);
        servers.failed(a, start);
        assert_eq!(servers.in_order(start), [b, c, a]);
        assert_eq!(servers.in_order(start + PENALTY_FIRST), [a, b, c]);
        servers.failed(a, start);
        assert_eq!(servers.in_order(start + PENALTY_FIRST), [b, c, a]);
        servers.failed(b, start);
        servers.failed(c, start);
        assert_eq!(servers.in_order(start), [a, b, c]);
        servers.replied(c);
        assert_eq!(servers.in_order(start), [c, a, b]);
    }

    #[test]
    fn the_penalty_has_an_end() {
        let a = address("127.0.0.1:1");
        let b = address("127.0.0.1:2");
        let servers = Servers::new([a, b].into_iter());
        let start = Instant::now();
        for _ in 0..100 {
            servers.failed(a, start);
        }
        let longest = PENALTY_FIRST * (1 << DOUBLINGS_AT_MOST);
        assert_eq!(servers.in_order(start + longest - PENALTY_FIRST), [b, a]);
        assert_eq!(servers.in_order(start + longest), [a, b]);
    }
}
