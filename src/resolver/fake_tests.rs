//! A name server on loopback that does what a script says: UDP and TCP on one port, both counted, gone when dropped. Unless a script is to say
//! what comes of it, the resolver's self-test is passed, and not counted.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::dns::{Class, Edns, Message, Name, Rcode, Rdata, Record, RecordType, Soa};
use crate::resolver::Transport;

/// How often the threads look whether the test is over.
const TICK: Duration = Duration::from_millis(5);

/// What is sent for a query, message by message.
pub(super) type Script = dyn Fn(Transport, &Message) -> Vec<Vec<u8>> + Send + Sync;

pub(super) struct Fake {
    pub(super) address: SocketAddr,
    counts: Arc<[AtomicUsize; 2]>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Fake {
    pub(super) fn start(
        script: impl Fn(Transport, &Message) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::start_untested(move |transport, query| match is_self_test(query) {
            true => vec![reply(query, Rcode::NOERROR, vec![soa(".")]).encode()],
            false => script(transport, query),
        })
    }

    /// A server whose script answers the self-test too.
    pub(super) fn start_untested(
        script: impl Fn(Transport, &Message) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let (udp, tcp) = sockets();
        Self::run(udp, Some(tcp), Arc::new(script))
    }

    /// A server without a TCP port.
    pub(super) fn start_udp(
        script: impl Fn(Transport, &Message) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let (udp, _) = sockets();
        Self::run(udp, None, Arc::new(script))
    }

    fn run(udp: UdpSocket, tcp: Option<TcpListener>, script: Arc<Script>) -> Self {
        let address = udp.local_addr().expect("bound");
        let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let is_over = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let (over, seen, other) = (
            Arc::clone(&is_over),
            Arc::clone(&counts),
            Arc::clone(&script),
        );
        threads.push(std::thread::spawn(move || {
            serve_udp(&udp, &over, &seen[0], &*other);
        }));
        if let Some(tcp) = tcp {
            let (over, seen) = (Arc::clone(&is_over), Arc::clone(&counts));
            threads.push(std::thread::spawn(move || {
                serve_tcp(&tcp, &over, &seen[1], &*script);
            }));
        }
        Self {
            address,
            counts,
            is_over,
            threads,
        }
    }

    /// Questions seen over UDP and over TCP.
    pub(super) fn seen(&self) -> [usize; 2] {
        [0, 1].map(|index: usize| self.counts[index].load(Ordering::SeqCst))
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the fake server failed");
            }
        }
    }
}

/// Both sockets on one free port.
fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("bound")) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

fn serve_udp(socket: &UdpSocket, is_over: &AtomicBool, count: &AtomicUsize, script: &Script) {
    socket.set_read_timeout(Some(TICK)).expect("a timeout");
    let mut buffer = [0; 2048];
    while !is_over.load(Ordering::SeqCst) {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let query = Message::decode(&buffer[..length]).expect("a query");
        count.fetch_add(usize::from(!is_self_test(&query)), Ordering::SeqCst);
        for octets in script(Transport::Udp, &query) {
            socket.send_to(&octets, peer).expect("sends");
        }
    }
}

fn serve_tcp(listener: &TcpListener, is_over: &AtomicBool, count: &AtomicUsize, script: &Script) {
    listener.set_nonblocking(true).expect("nonblocking");
    let mut open = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((mut stream, _)) => {
                count.fetch_add(1, Ordering::SeqCst);
                if answer_tcp(&mut stream, script) {
                    open.push(stream);
                }
            }
            Err(_) => std::thread::sleep(TICK),
        }
    }
}

/// Answers one query, octet by octet as a slow network may deliver it; whether the connection stays open.
fn answer_tcp(stream: &mut TcpStream, script: &Script) -> bool {
    stream.set_nonblocking(false).expect("blocking");
    stream.set_nodelay(true).expect("no delay");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    let mut query = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut query).expect("a query");
    let replies = script(Transport::Tcp, &Message::decode(&query).expect("a query"));
    // The other side may have heard enough before all is said.
    replies.is_empty() || replies.iter().all(|octets| say(stream, octets).is_ok())
}

/// Writes one message; an empty one stands for a connection that ends in the middle of a message.
fn say(stream: &mut TcpStream, octets: &[u8]) -> io::Result<()> {
    if octets.is_empty() {
        stream.write_all(&[1, 0, 9, 9])?;
        return stream.shutdown(Shutdown::Both);
    }
    let length = u16::try_from(octets.len()).expect("short").to_be_bytes();
    let (start, rest) = octets.split_at(octets.len().min(5));
    for octet in length.iter().chain(start) {
        stream.write_all(&[*octet])?;
    }
    stream.write_all(rest)
}

/// Whether it is the question of the self-test where an AD bit is believed.
pub(super) fn is_self_test(query: &Message) -> bool {
    let question = &query.questions[0];
    question.name.is_root() && question.rtype == RecordType::SOA
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).expect(text)
}

/// A record in class IN with a TTL of 300 s.
pub(super) fn record(owner: &str, data: Rdata) -> Record {
    Record {
        name: name(owner),
        class: Class::IN,
        ttl: 300,
        data,
    }
}

pub(super) fn address(owner: &str, last: u8) -> Record {
    record(owner, Rdata::A([192, 0, 2, last].into()))
}

pub(super) fn alias(owner: &str, target: &str) -> Record {
    record(owner, Rdata::Cname(name(target)))
}

/// A SOA record; denials by it last 60 s.
pub(super) fn soa(zone: &str) -> Record {
    record(
        zone,
        Rdata::Soa(Soa {
            mname: name("ns.example."),
            rname: name("root.example."),
            serial: 1,
            refresh: 2,
            retry: 3,
            expire: 4,
            minimum: 60,
        }),
    )
}

/// The reply of a validating resolver: AD, RA, EDNS with DO.
pub(super) fn reply(query: &Message, rcode: Rcode, answers: Vec<Record>) -> Message {
    let mut reply = query.clone();
    reply.header.response = true;
    reply.header.recursion_available = true;
    reply.header.authentic_data = true;
    reply.edns = Some(Edns::query(1232, true));
    reply.set_rcode(rcode);
    reply.answers = answers;
    reply
}

/// A reply from the records of a small world: aliases are followed as a resolver follows them, absence is denied with a SOA of the root.
pub(super) fn resolve(query: &Message, world: &[Record]) -> Message {
    let mut target = query.questions[0].name.clone();
    let rtype = query.questions[0].rtype;
    let mut answers = Vec::new();
    for _ in 0..20 {
        let of = |rtype: RecordType| {
            let owned = world.iter().filter(|record| record.name == target);
            owned.filter(move |record| record.rtype() == rtype).cloned()
        };
        answers.extend(of(rtype));
        let next = of(RecordType::CNAME)
            .next()
            .filter(|_| rtype != RecordType::CNAME);
        let Some(Rdata::Cname(next_target)) = next.as_ref().map(|record| &record.data) else {
            break;
        };
        target = next_target.clone();
        answers.extend(next);
    }
    let is_known = world.iter().any(|record| record.name == target);
    let is_found = answers.iter().any(|record| record.rtype() == rtype);
    let rcode = if is_known {
        Rcode::NOERROR
    } else {
        Rcode::NXDOMAIN
    };
    let mut reply = reply(query, rcode, answers);
    if !is_found {
        reply.authorities.push(soa("."));
    }
    reply
}
