//! Shows each packet to those who want to see it: `--pcap`, `query -x`.

use core::net::SocketAddr;
use std::fmt;

/// Something that is shown every DNS packet as it was sent or received.
pub trait Observer: Send + Sync {
    /// Called once per packet, on the thread of the lookup: it must not block for long.
    fn packet(&self, packet: &Packet<'_>);
}

/// One DNS message on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Which way it went.
    pub direction: Direction,
    /// How it travelled.
    pub transport: Transport,
    /// Our address and port.
    pub local: SocketAddr,
    /// The server's address and port.
    pub server: SocketAddr,
    /// The DNS message, without the length that TCP puts before it.
    pub octets: &'a [u8],
}

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Sent,
    /// From the server.
    Received,
}

/// How a DNS message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram.
    Udp,
    /// Over a connection, behind its length (RFC 7766).
    Tcp,
    /// The same within TLS (RFC 7858).
    Tls,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sent => "sent to",
            Self::Received => "received from",
        })
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        })
    }
}
