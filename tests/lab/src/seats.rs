//! Addresses for MX hosts: `smtp-port` is one number for all of them, so their sockets must share a port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// How often a port that some other address already uses is given back for a new one.
const ATTEMPTS: usize = 100;

/// Listening sockets on several loopback addresses, all with the same port number.
///
/// The first is 127.0.0.2, the next 127.0.0.3 and so on: 127.0.0.1 is the gateway's own.
#[derive(Debug)]
pub struct Seats {
    port: u16,
    listeners: Vec<TcpListener>,
}

impl Seats {
    /// `count` addresses on a port that the system chooses.
    pub fn reserve(count: u8) -> Self {
        Self::on_any_port(&addresses(count)).expect("a port that is free on every address")
    }

    /// `count` addresses on this port if it is free on all of them.
    pub fn reserve_port(count: u8, port: u16) -> Option<Self> {
        Self::on_port(&addresses(count), port)
    }

    /// One IPv4 and one IPv6 address; `None` where the machine has no `::1`.
    pub fn reserve_both_families() -> Option<Self> {
        let both = [
            IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        Self::on_any_port(&both)
    }

    /// `count` IPv4 addresses, and after them, where the machine has it, `::1`.
    pub fn reserve_with_ipv6(count: u8) -> Self {
        let mut all = addresses(count);
        all.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
        Self::on_any_port(&all).unwrap_or_else(|| Self::reserve(count))
    }

    /// The address `::1` of [`Seats::reserve_with_ipv6`], to listen on; `None` where the machine has none.
    pub fn take_ipv6(&mut self) -> Option<TcpListener> {
        let is_ipv6 = |listener: &TcpListener| listener.local_addr().is_ok_and(|one| one.is_ipv6());
        let place = self.listeners.iter().position(is_ipv6)?;
        Some(self.listeners.remove(place))
    }

    /// The common port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The next address, to listen on.
    ///
    /// # Panics
    /// When all are taken.
    pub fn take(&mut self) -> TcpListener {
        assert!(!self.listeners.is_empty(), "every reserved seat is taken");
        self.listeners.remove(0)
    }

    /// The next address, where nobody listens: connections to it are refused.
    pub fn refuse(&mut self) -> SocketAddr {
        self.take()
            .local_addr()
            .expect("a bound socket has an address")
    }

    fn on_any_port(addresses: &[IpAddr]) -> Option<Self> {
        (0..ATTEMPTS).find_map(|_| {
            let first = TcpListener::bind((*addresses.first()?, 0)).ok()?;
            let port = first.local_addr().ok()?.port();
            let rest = Self::on_port(&addresses[1..], port)?;
            let listeners = std::iter::once(first).chain(rest.listeners).collect();
            Some(Self { port, listeners })
        })
    }

    fn on_port(addresses: &[IpAddr], port: u16) -> Option<Self> {
        let listeners = addresses
            .iter()
            .map(|address| TcpListener::bind((*address, port)))
            .collect::<Result<_, _>>()
            .ok()?;
        Some(Self { port, listeners })
    }
}

fn addresses(count: u8) -> Vec<IpAddr> {
    (0..count)
        .map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + n)))
        .collect()
}
