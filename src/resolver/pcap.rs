//! Writes every DNS packet into a file that Wireshark and tcpdump read (`--pcap`): classic pcap with raw IP packets.
//!
//! The system does not show us the headers that were on the wire, so IP, UDP and TCP headers are made up from the addresses. Each message
//! over TCP is shown alone, without the handshake around it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use core::net::{IpAddr, SocketAddr};

use super::observe::{Direction, Observer, Packet, Transport};
use crate::log;
use crate::time::Timestamp;

/// The file's magic number for microseconds, big-endian.
const MAGIC: u32 = 0xA1B2_C3D4;
/// Link type: raw IP, version by the first four bits.
const LINKTYPE_RAW: u32 = 101;
/// Longest record: an IP packet.
const SNAP_LENGTH: u32 = 65_535;
/// Octets of a message in one made-up TCP segment; the longest message and its length make five.
const SEGMENT_SIZE: usize = 16_000;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
/// Hops left, as hosts usually begin with.
const HOP_LIMIT: u8 = 64;

/// An open packet file; shared by all lookups of one resolver.
pub struct Pcap(Mutex<File>);

impl Pcap {
    /// Opens the file to add packets, and writes its header if it is new.
    ///
    /// # Errors
    /// The system's refusal, or a file that holds something else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        let header = file_header();
        if file.metadata()?.len() == 0 {
            file.write_all(&header)?;
        } else if !begins_with(path, &header)? {
            let text = "the file is there and is not a packet file of ours";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(Self(Mutex::new(file)))
    }
}

impl Observer for Pcap {
    fn packet(&self, packet: &Packet<'_>) {
        let now = Timestamp::now();
        let octets: Vec<u8> = segments(packet)
            .into_iter()
            .flat_map(|segment| record(now, &segment))
            .collect();
        // Packets are written whole, each in one call, so a thread that panicked has left the file sound.
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&octets) {
            log::warning(format_args!("cannot write to the packet file: {error}"));
        }
    }
}

fn file_header() -> Vec<u8> {
    let version: [u16; 2] = [2, 4];
    let mut header = MAGIC.to_be_bytes().to_vec();
    header.extend(version.into_iter().flat_map(u16::to_be_bytes));
    // Time zone and accuracy, always zero.
    header.extend([0; 8]);
    header.extend(SNAP_LENGTH.to_be_bytes());
    header.extend(LINKTYPE_RAW.to_be_bytes());
    header
}

fn begins_with(path: &Path, header: &[u8]) -> io::Result<bool> {
    let mut found = vec![0; header.len()];
    match File::open(path)?.read_exact(&mut found) {
        Ok(()) => Ok(found == header),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// An IP packet as a record of the file.
fn record(now: Timestamp, ip: &[u8]) -> Vec<u8> {
    let seconds = u32::try_from(now.unix()).unwrap_or(u32::MAX);
    let micros = u32::try_from(now.millis() % 1000 * 1000).unwrap_or(0);
    let length = u32::try_from(ip.len()).unwrap_or(SNAP_LENGTH);
    let mut octets = Vec::with_capacity(16 + ip.len());
    for field in [seconds, micros, length, length] {
        octets.extend(field.to_be_bytes());
    }
    octets.extend_from_slice(ip);
    octets
}

/// The IP packets that carry a message.
fn segments(packet: &Packet<'_>) -> Vec<Vec<u8>> {
    let (from, to) = match packet.direction {
        Direction::Sent => (packet.local, packet.server),
        Direction::Received => (packet.server, packet.local),
    };
    if packet.transport == Transport::Udp {
        return vec![ip(from, to, PROTOCOL_UDP, udp(from, to, packet.octets))];
    }
    let framed = [&length16(packet.octets.len()), packet.octets].concat();
    let mut sequence = 1;
    let mut made = Vec::new();
    for part in framed.chunks(SEGMENT_SIZE) {
        made.push(ip(from, to, PROTOCOL_TCP, tcp(from, to, sequence, part)));
        sequence += u32::try_from(part.len()).unwrap_or(0);
    }
    made
}

/// A UDP datagram whose checksum is not filled in yet (RFC 768).
fn udp(from: SocketAddr, to: SocketAddr, message: &[u8]) -> Segment {
    let mut octets = ports(from, to);
    octets.extend(length16(message.len() + 8));
    octets.extend([0, 0]);
    octets.extend_from_slice(message);
    Segment {
        octets,
        checksum_at: 6,
    }
}

/// A TCP segment with flags PSH and ACK, as in the middle of a connection, whose checksum is not filled in yet.
fn tcp(from: SocketAddr, to: SocketAddr, sequence: u32, part: &[u8]) -> Segment {
    let mut octets = ports(from, to);
    octets.extend(sequence.to_be_bytes());
    octets.extend(1_u32.to_be_bytes());
    // Five words of header, flags, window; checksum and urgent pointer.
    octets.extend([0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0]);
    octets.extend_from_slice(part);
    Segment {
        octets,
        checksum_at: 16,
    }
}

/// What IP carries, and where in it the checksum goes.
struct Segment {
    octets: Vec<u8>,
    checksum_at: usize,
}

fn ports(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    [from.port(), to.port()]
        .into_iter()
        .flat_map(u16::to_be_bytes)
        .collect()
}

/// An IP packet around a segment, all checksums filled in.
fn ip(from: SocketAddr, to: SocketAddr, protocol: u8, segment: Segment) -> Vec<u8> {
    let Segment {
        octets: mut body,
        checksum_at,
    } = segment;
    let addresses = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => [from.octets(), to.octets()].concat(),
        (from, to) => [as_v6(from), as_v6(to)].concat(),
    };
    let length = length16(body.len());
    let pseudo_header = [addresses.as_slice(), &[0, protocol], &length].concat();
    let sum = checksum(&[pseudo_header.as_slice(), &body].concat());
    fill_in(&mut body, checksum_at, sum);
    let mut packet = match addresses.len() {
        8 => {
            let mut header = vec![0x45, 0];
            header.extend(length16(body.len() + 20));
            // No identification, "don't fragment", header checksum to come.
            header.extend([0, 0, 0x40, 0, HOP_LIMIT, protocol, 0, 0]);
            header.extend(&addresses);
            let sum = checksum(&header);
            fill_in(&mut header, 10, sum);
            header
        }
        _ => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(length16(body.len()));
            header.extend([protocol, HOP_LIMIT]);
            header.extend(&addresses);
            header
        }
    };
    packet.extend(body);
    packet
}

fn as_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// A length in 16 bits; messages have at most 64 KiB, and what is cut by headers at that size is only the display of a monster.
fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

fn fill_in(octets: &mut [u8], at: usize, checksum: u16) {
    // Zero would mean "no checksum" in UDP; its other form is all ones (RFC 768).
    let checksum = if checksum == 0 { u16::MAX } else { checksum };
    for (octet, value) in octets.iter_mut().skip(at).zip(checksum.to_be_bytes()) {
        *octet = value;
    }
}

/// The Internet checksum (RFC 1071 §1).
fn checksum(octets: &[u8]) -> u16 {
    let word = |pair: &[u8]| match *pair {
        [high, low] => u64::from(u16::from_be_bytes([high, low])),
        [high] => u64::from(high) << 8,
        _ => 0,
    };
    let mut sum: u64 = octets.chunks(2).map(word).sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet<'a>(transport: Transport, addresses: [&str; 2], octets: &'a [u8]) -> Packet<'a> {
        let [local, server] = addresses.map(|text| text.parse().expect(text));
        Packet {
            direction: Direction::Sent,
            transport,
            local,
            server,
            octets,
        }
    }

    #[test]
    fn a_datagram_has_the_headers_of_the_wire() {
        let addresses = ["192.0.2.1:4660", "192.0.2.2:53"];
        let made = segments(&packet(Transport::Udp, addresses, b"abc"));
        let expected = [
            // IP: length 31, don't fragment, 64 hops, UDP.
            0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0xB6, 0xCA, 192, 0, 2, 1, 192, 0, 2, 2,
            // UDP: ports 4660 and 53, length 11.
            0x12, 0x34, 0, 53, 0, 11, 0xA5, 0x08, b'a', b'b', b'c',
        ];
        assert_eq!(made, [expected]);
    }

    #[test]
    fn checksums_hold() {
        // RFC 1071 §3.
        assert_eq!(checksum(&[0, 1, 0xF2, 3, 0xF4, 0xF5, 0xF6, 0xF7]), !0xDDF2);
        let long = vec![7; 65_535];
        for (transport, protocol) in [(Transport::Udp, 17), (Transport::Tcp, 6)] {
            let addresses = ["[2001:db8::1]:4660", "[::1]:53"];
            for ip in segments(&packet(transport, addresses, &long[..900])) {
                let (header, body) = ip.split_at(40);
                let pseudo = [&header[8..], &[0, protocol], &length16(body.len())].concat();
                assert_eq!(checksum(&[&pseudo, body].concat()), 0);
            }
        }
        let made = segments(&packet(
            Transport::Tcp,
            ["127.0.0.1:1", "127.0.0.2:2"],
            &long,
        ));
        assert_eq!(made.len(), 5);
        let carried: usize = made.iter().map(|ip| ip.len() - 40).sum();
        assert_eq!(carried, 65_537);
    }

    #[test]
    fn a_foreign_file_is_left_alone() {
        let path = std::env::temp_dir().join(format!("gateway-pcap-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let one = packet(Transport::Udp, ["127.0.0.1:1", "127.0.0.1:2"], b"x");
        for _ in 0..2 {
            Pcap::open(&path).expect("opens").packet(&one);
        }
        assert_eq!(
            std::fs::read(&path).expect("reads").len(),
            24 + 2 * (16 + 29)
        );
        std::fs::write(&path, "precious").expect("writes");
        assert!(Pcap::open(&path).is_err());
        assert_eq!(std::fs::read(&path).expect("reads"), b"precious");
        std::fs::remove_file(&path).expect("removes");
    }
}
