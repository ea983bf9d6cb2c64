//! Every packet on loopback, as `tcpdump` writes them down, and the streams in them: what somebody on the wire would see.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use crate::temp::TempDir;

/// Longest wait for the last packet on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the file is looked at meanwhile.
const POLL: Duration = Duration::from_millis(100);
/// AppArmor lets tcpdump write files of this ending only.
const FILE: &str = "packets.pcap";
/// KiB that packets may wait in until they are written down.
const BUFFER: &str = "65536";
/// The last packet: sent by the capture itself.
const END: &[u8] = b"the end of this capture";
/// The header of the file, and of a packet in it.
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
/// Before the IP packet: two addresses and a type, as on Ethernet.
const LINK_HEADER: usize = 14;

/// Packets are being written down; stopped and forgotten on drop.
#[derive(Debug)]
pub struct Capture {
    child: Child,
    said: BufReader<ChildStderr>,
    directory: TempDir,
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Whether it is of TCP, and not of UDP.
    pub is_tcp: bool,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// Of TCP: the sequence number of the first octet.
    pub sequence: u32,
    /// Whether it begins a stream.
    pub is_first: bool,
    /// What is in it.
    pub octets: Vec<u8>,
}

impl Capture {
    /// Starts one, and waits until nothing escapes it.
    ///
    /// # Panics
    /// When packets may not be captured here; the message says what to do.
    pub fn start() -> Self {
        let directory = TempDir::new("capture");
        let mut child = Command::new("tcpdump")
            .args(["-i", "lo", "-U", "-n", "-p", "-B", BUFFER, "-w"])
            .arg(directory.path().join(FILE))
            // Otherwise it changes to a user who may not write there.
            // No immediate mode: there each packet takes a slot for the longest one, and the buffer has room for few.
            .args(["-Z", "root", "tcp or udp"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("tcpdump is installed (scripts/setup test)");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut all = String::new();
        while !all.contains("listening on") {
            let count = said.read_line(&mut all).expect("text");
            assert!(
                count > 0,
                "tcpdump may not capture packets: run the tests as root, or once `sudo setcap cap_net_raw+ep $(command -v tcpdump)`\n{all}"
            );
        }
        Self {
            child,
            said,
            directory,
        }
    }

    /// Ends it.
    ///
    /// # Panics
    /// When packets were lost.
    pub fn finish(mut self) -> Packets {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let own = socket.local_addr().expect("bound");
        let deadline = Instant::now() + PATIENCE;
        let file = self.directory.path().join(FILE);
        let packets = loop {
            socket.send_to(END, own).expect("sent to ourselves");
            std::thread::sleep(POLL);
            let mut packets = read(&fs::read(&file).expect("a capture"));
            // Not that of another capture.
            if let Some(end) = packets
                .iter()
                .position(|packet| packet.from == own && packet.octets == END)
            {
                packets.truncate(end);
                break packets;
            }
            assert!(Instant::now() < deadline, "the capture has no end");
        };
        assert_eq!(self.dropped(), 0, "packets were lost");
        Packets(packets)
    }

    /// How many packets were not written down, as it says at its end.
    fn dropped(&mut self) -> u64 {
        let id = self.child.id().to_string();
        let stopped = Command::new("kill").args(["-INT", &id]).status();
        assert!(stopped.is_ok_and(|status| status.success()), "it runs");
        let mut all = String::new();
        self.said.read_to_string(&mut all).expect("text");
        let line = all.lines().find(|line| line.contains("dropped by kernel"));
        let count = line.and_then(|line| line.split(' ').next()?.parse().ok());
        count.unwrap_or_else(|| panic!("tcpdump does not say how much it lost: {all}"))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a capture holds, in order.
#[derive(Clone, Debug)]
pub struct Packets(Vec<Packet>);

impl Packets {
    /// All of them.
    pub fn all(&self) -> &[Packet] {
        &self.0
    }

    /// What went one way over each TCP connection that began during the capture, in the order of their beginnings.
    ///
    /// As no packet is lost, octets can be missing only where the capture ends; what follows them is left out.
    pub fn streams(&self) -> Vec<Stream> {
        let mut segments: Vec<Segments> = Vec::new();
        let mut places: BTreeMap<(SocketAddr, SocketAddr), usize> = BTreeMap::new();
        for packet in self.0.iter().filter(|packet| packet.is_tcp) {
            let way = (packet.from, packet.to);
            let start = packet.sequence.wrapping_add(1);
            let place = places.get(&way).copied();
            match place.and_then(|place| segments.get_mut(place)) {
                // It may be sent again; another one has the same ports as one before.
                Some(known) if !packet.is_first || known.start == start => known.add(packet),
                _ if packet.is_first => {
                    places.insert(way, segments.len());
                    segments.push(Segments {
                        way,
                        start,
                        octets: BTreeMap::new(),
                    });
                }
                _ => {}
            }
        }
        segments.iter().map(Segments::join).collect()
    }
}

/// What the packets of a stream bring, in whatever order.
struct Segments<'a> {
    way: (SocketAddr, SocketAddr),
    /// Sequence number of the first octet.
    start: u32,
    /// By their place in the stream.
    octets: BTreeMap<u32, &'a [u8]>,
}

impl<'a> Segments<'a> {
    fn add(&mut self, packet: &'a Packet) {
        let known = self
            .octets
            .entry(packet.sequence.wrapping_sub(self.start))
            .or_default();
        if known.len() < packet.octets.len() {
            *known = &packet.octets;
        }
    }

    fn join(&self) -> Stream {
        let mut octets = Vec::new();
        for (place, part) in &self.octets {
            let Some(known) = octets.len().checked_sub(*place as usize) else {
                break;
            };
            octets.extend_from_slice(part.get(known..).unwrap_or_default());
        }
        let (from, to) = self.way;
        Stream { from, to, octets }
    }
}

/// What went one way over a TCP connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// All of it.
    pub octets: Vec<u8>,
}

/// The packets of a capture file (pcap, in this machine's order of octets).
fn read(file: &[u8]) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut rest = file.get(FILE_HEADER..).unwrap_or_default();
    // The last one may not be whole yet.
    while let Some((header, behind)) = rest.split_at_checked(PACKET_HEADER) {
        let length = u32::from_ne_bytes(header[8..12].try_into().expect("four octets"));
        let Some((frame, behind)) = behind.split_at_checked(length as usize) else {
            break;
        };
        packets.extend(packet(frame));
        rest = behind;
    }
    packets
}

fn packet(frame: &[u8]) -> Option<Packet> {
    let (link, ip) = frame.split_at_checked(LINK_HEADER)?;
    let (from, to, protocol, inner) = match link[12..] {
        [0x08, 0x00] => {
            let length = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            let address = |at: usize| {
                let octets: [u8; 4] = ip[at..at + 4].try_into().expect("four octets");
                IpAddr::from(Ipv4Addr::from(octets))
            };
            let header = usize::from(ip[0] & 15) * 4;
            (address(12), address(16), ip[9], &ip[header..length])
        }
        [0x86, 0xdd] => {
            let address = |at: usize| {
                let octets: [u8; 16] = ip[at..at + 16].try_into().expect("sixteen octets");
                IpAddr::from(Ipv6Addr::from(octets))
            };
            (address(8), address(24), ip[6], &ip[40..])
        }
        _ => return None,
    };
    let port = |at: usize| u16::from_be_bytes([inner[at], inner[at + 1]]);
    let (from, to) = (SocketAddr::new(from, port(0)), SocketAddr::new(to, port(2)));
    let is_tcp = protocol == 6;
    let header = if is_tcp {
        usize::from(inner[12] >> 4) * 4
    } else {
        8
    };
    Some(Packet {
        is_tcp,
        from,
        to,
        sequence: u32::from_be_bytes(inner[4..8].try_into().expect("four octets")),
        is_first: is_tcp && inner[13] & 2 != 0,
        octets: inner[header..].to_vec(),
    })
}
