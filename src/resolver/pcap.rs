//! Writes every DNS packet into a file that Wireshark and tcpdump read (`--pcap`): classic pcap with raw IP packets.
//!
//! The IP, UDP and TCP headers are made up from the addresses; each message over TCP is shown as one segment, without a handshake.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use core::net::{IpAddr, SocketAddr};

use super::observe::{Direction, Observer, Packet, Transport};
use crate::log;
use crate::time::Timestamp;

/// The file's magic number for microseconds, big-endian.
const MAGIC: u32 = 0xA1B2_C3D4;
/// Link type: raw IP, version by the first nibble.
const LINKTYPE_RAW: u32 = 101;
/// Longest packet: a DNS message and headers.
const SNAP_LENGTH: u32 = 0x2_0000;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
/// Hops left, as hosts usually begin with.
const HOP_LIMIT: u8 = 64;

/// An open packet file; shared by all lookups of one resolver.
pub struct Pcap(Mutex<File>);

impl Pcap {
    /// Creates or empties the file and writes its header.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        let mut header = MAGIC.to_be_bytes().to_vec();
        header.extend([0, 2, 0, 4]);
        header.extend([0; 8]);
        header.extend(SNAP_LENGTH.to_be_bytes());
        header.extend(LINKTYPE_RAW.to_be_bytes());
        file.write_all(&header)?;
        Ok(Self(Mutex::new(file)))
    }
}

impl Observer for Pcap {
    fn packet(&self, packet: &Packet<'_>) {
        let record = record(packet, Timestamp::now());
        // The file is written in whole records, so a thread that panicked has left it sound.
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&record) {
            log::warning(format_args!("cannot write to the packet file: {error}"));
        }
    }
}

/// A packet as a record of the file.
fn record(packet: &Packet<'_>, now: Timestamp) -> Vec<u8> {
    let (from, to) = match packet.direction {
        Direction::Sent => (packet.local, packet.server),
        Direction::Received => (packet.server, packet.local),
    };
    let (protocol, segment) = match packet.transport {
        Transport::Udp => (PROTOCOL_UDP, udp(from, to, packet.octets)),
        Transport::Tcp => (PROTOCOL_TCP, tcp(from, to, packet.octets)),
    };
    let ip = ip(
        from.ip().to_canonical(),
        to.ip().to_canonical(),
        protocol,
        &segment,
    );
    let length = u32::try_from(ip.len()).unwrap_or(SNAP_LENGTH).to_be_bytes();
    let seconds = u32::try_from(now.unix()).unwrap_or(u32::MAX);
    let micros = u32::try_from(now.millis() % 1000 * 1000).unwrap_or(0);
    [
        &seconds.to_be_bytes()[..],
        &micros.to_be_bytes(),
        &length,
        &length,
        &ip,
    ]
    .concat()
}

/// A UDP datagram without checksum.
fn udp(from: SocketAddr, to: SocketAddr, message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len() + 8).unwrap_or(u16::MAX);
    let mut octets = ports(from, to);
    octets.extend(length.to_be_bytes());
    octets.extend([0, 0]);
    octets.extend_from_slice(message);
    octets
}

/// A TCP segment with the message behind its length; sequence numbers 1, flags PSH and ACK, without checksum.
fn tcp(from: SocketAddr, to: SocketAddr, message: &[u8]) -> Vec<u8> {
    let mut octets = ports(from, to);
    octets.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0]);
    octets.extend(
        u16::try_from(message.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    octets.extend_from_slice(message);
    octets
}

fn ports(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    [from.port().to_be_bytes(), to.port().to_be_bytes()].concat()
}

fn ip(from: IpAddr, to: IpAddr, protocol: u8, segment: &[u8]) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = u16::try_from(segment.len() + 20).unwrap_or(u16::MAX);
            let mut header = vec![0x45, 0];
            header.extend(length.to_be_bytes());
            header.extend([0, 0, 0x40, 0, HOP_LIMIT, protocol, 0, 0]);
            header.extend(from.octets());
            header.extend(to.octets());
            let sum = checksum(&header).to_be_bytes();
            for (place, octet) in header.iter_mut().skip(10).zip(sum) {
                *place = octet;
            }
            header.extend_from_slice(segment);
            header
        }
        (from, to) => {
            let length = u16::try_from(segment.len()).unwrap_or(u16::MAX);
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(length.to_be_bytes());
            header.extend([protocol, HOP_LIMIT]);
            for address in [from, to] {
                header.extend(match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                    IpAddr::V6(address) => address.octets(),
                });
            }
            header.extend_from_slice(segment);
            header
        }
    }
}

/// The header checksum of IPv4 (RFC 1071).
fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let sum: u32 = words.sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    !u16::try_from((folded & 0xFFFF) + (folded >> 16)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_holds_a_whole_ip_packet() {
        let packet = Packet {
            direction: Direction::Sent,
            transport: Transport::Udp,
            local: "127.0.0.1:4000".parse().expect("an address"),
            server: "127.0.0.1:53".parse().expect("an address"),
            octets: b"message",
        };
        let octets = record(&packet, Timestamp::from_millis(1_002));
        assert_eq!(octets[..8], [0, 0, 0, 1, 0, 0, 7, 208]);
        let ip = &octets[16..];
        assert_eq!(ip.len(), 20 + 8 + 7);
        assert_eq!(octets[12..16], [0, 0, 0, 35]);
        assert_eq!(checksum(&ip[..20]), 0);
        assert_eq!(ip[20..24], [0x0F, 0xA0, 0, 53]);
        assert!(ip.ends_with(b"message"));
    }
}
