//! Addresses for MX hosts: `smtp-port` is one number for all of them, so their sockets must share a port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often a port that some other address already uses is given back for a new one.
const ATTEMPTS: usize = 100;
/// Ports that the system gives to nobody who does not ask for them: its own choice begins at 32768.
const UNASSIGNED: Range<u16> = 12_000..32_000;

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

/// An address for a program that cannot take over sockets, free for UDP and TCP.
///
/// It is taken and given back, so it is none of those the system chooses: until the program starts, it could give such a one to any
/// connection. No other call in this process returns it.
///
/// # Panics
/// When no port is free.
pub fn address_for_a_program() -> SocketAddr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let is_free = |address: &SocketAddr| {
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    };
    let next = || {
        let number = process::id()
            .wrapping_mul(61)
            .wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        let place = number % u32::from(UNASSIGNED.end - UNASSIGNED.start);
        let place = u16::try_from(place).expect("within the range");
        SocketAddr::from((Ipv4Addr::LOCALHOST, UNASSIGNED.start + place))
    };
    let mut tried = (0..ATTEMPTS).map(|_| next());
    tried.find(is_free).expect("a port that is free")
}

fn addresses(count: u8) -> Vec<IpAddr> {
    (0..count)
        .map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + n)))
        .collect()
}
