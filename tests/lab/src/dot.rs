//! DNS over TLS: a server that does what a test says within TLS, and a proxy that records what a client sends.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gateway::dns::Message;
use openssl::ssl::{SslAcceptor, SslMethod, SslStream, SslVersion};

use crate::Certificate;

/// How often threads look whether the test is over.
const TICK: Duration = Duration::from_millis(5);
/// Longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Content type of application data in a TLS record (RFC 8446 §5.1).
pub const APPLICATION_DATA: u8 = 23;

/// A connection within TLS.
pub type TlsConnection = SslStream<TcpStream>;

/// A listener whose connections are served by a thread each; all are ended when it is dropped.
#[derive(Debug)]
struct Listener {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn start(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("bound");
        let is_over = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Vec::new()));
        let (over, accepted) = (Arc::clone(&is_over), Arc::clone(&open));
        let thread = thread::spawn(move || {
            let serve = &serve;
            thread::scope(|scope| {
                let mut count = 0;
                while !over.load(Ordering::SeqCst) {
                    let Ok((stream, _)) = listener.accept() else {
                        thread::sleep(TICK);
                        continue;
                    };
                    stream.set_nonblocking(false).expect("a socket");
                    stream.set_nodelay(true).expect("a socket");
                    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
                    let watched = stream.try_clone().expect("a socket");
                    accepted.lock().expect("sound").push(watched);
                    let end = stream.try_clone().expect("a socket");
                    scope.spawn(move || {
                        serve(stream, count);
                        // Those that watch it keep it open.
                        let _ = end.shutdown(Shutdown::Both);
                    });
                    count += 1;
                }
                for stream in accepted.lock().expect("sound").drain(..) {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            });
        });
        Self {
            address,
            is_over,
            open,
            thread: Some(thread),
        }
    }

    /// Ends the connections that there are.
    fn end_connections(&self) {
        for stream in self.open.lock().expect("sound").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.expect("the server failed");
            }
        }
    }
}

/// A TLS server on loopback.
pub struct TlsServer {
    listener: Listener,
    acceptor: Arc<Mutex<SslAcceptor>>,
    newest: SslVersion,
    handshakes: Arc<[AtomicUsize; 2]>,
}

impl TlsServer {
    /// Starts one that presents this certificate; `serve` gets each connection whose handshake succeeded, and its number.
    pub fn start(
        certificate: &Certificate,
        serve: impl Fn(&mut TlsConnection, usize) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(certificate, SslVersion::TLS1_3, serve)
    }

    /// As [`TlsServer::start`], with another newest version of TLS.
    pub fn start_with(
        certificate: &Certificate,
        newest: SslVersion,
        serve: impl Fn(&mut TlsConnection, usize) + Send + Sync + 'static,
    ) -> Self {
        let acceptor = Arc::new(Mutex::new(acceptor(certificate, newest)));
        let present = Arc::clone(&acceptor);
        let handshakes = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let counts = Arc::clone(&handshakes);
        let listener = Listener::start(move |stream, number| {
            // Clients that do not like what they see go away.
            let acceptor = present.lock().expect("sound").clone();
            let Ok(mut stream) = acceptor.accept(stream) else {
                return;
            };
            let is_resumed = usize::from(stream.ssl().session_reused());
            counts[is_resumed].fetch_add(1, Ordering::SeqCst);
            serve(&mut stream, number);
            let _ = stream.shutdown();
        });
        Self {
            listener,
            acceptor,
            newest,
            handshakes,
        }
    }

    /// Presents this certificate from now on, and knows no session of before.
    ///
    /// # Panics
    /// Never: no thread panics while it holds the certificate.
    pub fn present(&self, certificate: &Certificate) {
        *self.acceptor.lock().expect("sound") = acceptor(certificate, self.newest);
    }

    /// One that answers every question as this resolver does, which is asked over TCP.
    pub fn before(certificate: &Certificate, resolver: SocketAddr) -> Self {
        Self::start(certificate, move |stream, _| carry(stream, resolver))
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// Handshakes so far: full ones, and those that took up an earlier session.
    pub fn handshakes(&self) -> [usize; 2] {
        [0, 1].map(|kind: usize| self.handshakes[kind].load(Ordering::SeqCst))
    }

    /// Ends the connections that there are.
    pub fn end_connections(&self) {
        self.listener.end_connections();
    }
}

fn acceptor(certificate: &Certificate, newest: SslVersion) -> SslAcceptor {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())
        .expect("OpenSSL makes acceptors");
    builder
        .set_max_proto_version(Some(newest))
        .expect("a version");
    builder.set_private_key(&certificate.key).expect("a key");
    builder
        .set_certificate(&certificate.leaf)
        .expect("a certificate");
    for above in &certificate.above {
        builder
            .add_extra_chain_cert(above.clone())
            .expect("a certificate");
    }
    builder.set_session_id_context(b"lab").expect("a context");
    builder.build()
}

/// Answers what comes as a resolver does, until the end.
pub fn carry(stream: &mut TlsConnection, resolver: SocketAddr) {
    while let Ok(query) = read_message(stream) {
        let mut clear = TcpStream::connect(resolver).expect("a resolver");
        write_message(&mut clear, &query).expect("it listens");
        let reply = read_message(&mut clear).expect("it answers");
        if write_message(stream, &reply).is_err() {
            return;
        }
    }
}

/// Reads one DNS message behind its length.
///
/// # Errors
/// As the stream says.
pub fn read_message(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut octets)?;
    Ok(octets)
}

/// Reads one query.
///
/// # Errors
/// As the stream says.
///
/// # Panics
/// When it is not a DNS message.
pub fn read_query(stream: &mut impl Read) -> io::Result<Message> {
    let octets = read_message(stream)?;
    Ok(Message::decode(&octets).expect("a DNS message"))
}

/// Writes one DNS message behind its length.
///
/// # Errors
/// As the stream says.
///
/// # Panics
/// When it is too long.
pub fn write_message(stream: &mut impl Write, octets: &[u8]) -> io::Result<()> {
    let length = u16::try_from(octets.len()).expect("a DNS message");
    stream.write_all(&[&length.to_be_bytes(), octets].concat())
}

/// A proxy on loopback that records which TLS records clients send.
#[derive(Debug)]
pub struct Recorder {
    listener: Listener,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    /// Starts one in front of a server.
    pub fn before(server: SocketAddr) -> Self {
        let sent: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let record = Arc::clone(&sent);
        let listener = Listener::start(move |client, _| {
            let server = TcpStream::connect(server).expect("a server");
            let place = {
                let mut sent = record.lock().expect("sound");
                sent.push(Vec::new());
                sent.len() - 1
            };
            thread::scope(|scope| {
                scope.spawn(|| pump(&server, &client, |_| {}));
                pump(&client, &server, |octets| {
                    record.lock().expect("sound")[place].extend_from_slice(octets);
                });
            });
        });
        Self { listener, sent }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// The TLS records of each connection's client, as type and length of what is in them.
    ///
    /// # Panics
    /// When something else than TLS was sent.
    pub fn records(&self) -> Vec<Vec<(u8, usize)>> {
        let sent = self.sent.lock().expect("sound");
        sent.iter().map(|octets| records_of(octets)).collect()
    }

    /// Whether any client sent these octets.
    pub fn has_seen(&self, octets: &[u8]) -> bool {
        let sent = self.sent.lock().expect("sound");
        let mut sent = sent.iter();
        sent.any(|all| all.windows(octets.len()).any(|part| part == octets))
    }
}

/// The TLS records that these octets are (RFC 8446 §5.1).
fn records_of(mut octets: &[u8]) -> Vec<(u8, usize)> {
    let mut records = Vec::new();
    while let [kind, 3, _, high, low, rest @ ..] = octets {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        records.push((*kind, length));
        octets = rest.get(length..).expect("whole records");
    }
    assert!(octets.is_empty(), "not TLS: {octets:?}");
    records
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, note: impl Fn(&[u8])) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        note(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
