//! The resolver's sockets: UDP and TCP on one loopback port.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::exchange::{Exchange, Replies, Transport};

/// How often a UDP port whose TCP twin is taken is given back for a new one.
const ATTEMPTS: usize = 100;
/// Longest datagram.
const DATAGRAM: usize = 65_535;
/// A TCP client that says nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(60);
/// How soon the UDP thread sees that it shall stop.
const TICK: Duration = Duration::from_millis(50);

/// A running resolver; it stops when dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(exchange: Arc<Exchange>) -> Self {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().expect("a bound socket has an address");
        let stopping = Arc::new(AtomicBool::new(false));
        let threads = vec![
            thread::spawn({
                let (exchange, stopping) = (Arc::clone(&exchange), Arc::clone(&stopping));
                move || serve_udp(&Arc::new(udp), &exchange, &stopping)
            }),
            thread::spawn({
                let stopping = Arc::clone(&stopping);
                move || serve_tcp(&tcp, &exchange, &stopping)
            }),
        ];
        Self {
            address,
            stopping,
            threads,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the TCP thread, which then sees that it shall stop.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn sockets() -> (UdpSocket, TcpListener) {
    let pair = || {
        let tcp = TcpListener::bind("127.0.0.1:0").ok()?;
        let udp = UdpSocket::bind(tcp.local_addr().ok()?).ok()?;
        udp.set_read_timeout(Some(TICK)).ok()?;
        Some((udp, tcp))
    };
    (0..ATTEMPTS)
        .find_map(|_| pair())
        .expect("a port that is free for UDP and TCP")
}

fn serve_udp(socket: &Arc<UdpSocket>, exchange: &Exchange, stopping: &AtomicBool) {
    let mut buffer = vec![0; DATAGRAM];
    while !stopping.load(Ordering::SeqCst) {
        let Ok((length, client)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let replies = exchange.answer(&buffer[..length], Transport::Udp);
        if replies.delay.is_zero() {
            send_all(socket, client, &replies);
        } else {
            let socket = Arc::clone(socket);
            thread::spawn(move || {
                thread::sleep(replies.delay);
                send_all(&socket, client, &replies);
            });
        }
    }
}

fn send_all(socket: &UdpSocket, client: SocketAddr, replies: &Replies) {
    for stray in &replies.strays {
        let elsewhere = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let _ = elsewhere.send_to(stray, client);
    }
    for message in &replies.messages {
        // A client that is gone does not miss it.
        let _ = socket.send_to(message, client);
    }
}

fn serve_tcp(listener: &TcpListener, exchange: &Arc<Exchange>, stopping: &AtomicBool) {
    while let Ok((socket, _)) = listener.accept() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let exchange = Arc::clone(exchange);
        // How a client goes away is nobody's concern.
        thread::spawn(move || converse(socket, &exchange));
    }
}

/// Answers query after query, each with its length before it (RFC 7766 §8).
fn converse(mut socket: TcpStream, exchange: &Exchange) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(IDLE))?;
    socket.set_write_timeout(Some(IDLE))?;
    loop {
        let mut length = [0; 2];
        socket.read_exact(&mut length)?;
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        socket.read_exact(&mut query)?;
        let replies = exchange.answer(&query, Transport::Tcp);
        thread::sleep(replies.delay);
        if replies.hangs_up {
            return Ok(());
        }
        for message in replies.messages {
            let length = u16::try_from(message.len()).expect("messages fit 16 bits");
            let framed = [&length.to_be_bytes(), message.as_slice()].concat();
            socket.write_all(&framed)?;
        }
    }
}
