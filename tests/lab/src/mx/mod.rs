//! MX hosts: SMTP servers with STARTTLS on loopback that record what they get, and misbehave on request.

mod behaviour;
mod capture;
mod record;
mod session;
mod tls;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gateway::dns::Tlsa;
use gateway::time::Timestamp;
use openssl::ssl::SslContext;

use crate::certificate::Certificate;
use crate::journal::Journal;
use crate::seats::Seats;

pub use behaviour::{Behaviour, Phase, TlsMode};
pub use capture::Capture;
pub use record::{Event, StoredMessage, What};

/// Connections whose octets are kept: more than any test makes, fewer than a benchmark does.
const TAPES_KEPT: usize = 1000;

/// A running MX host; it stops, and breaks its connections, when dropped.
#[derive(Debug)]
pub struct MxHost {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the acceptor, the sessions and the tests see together.
#[derive(Debug)]
struct Shared {
    name: String,
    certificate: Certificate,
    conduct: Mutex<Conduct>,
    messages: Journal<StoredMessage>,
    events: Journal<Event>,
    tapes: Mutex<Vec<Arc<capture::Taping>>>,
    connections: Mutex<HashMap<u64, TcpStream>>,
    count: AtomicU64,
    stopping: AtomicBool,
}

impl MxHost {
    /// A good host of that name with a new certificate, alone on a port the system chooses.
    pub fn start(name: &str) -> Self {
        Self::start_on(Seats::reserve(1).take(), Certificate::new(name), name)
    }

    /// A good host at this address, with this certificate.
    pub fn start_on(listener: TcpListener, certificate: Certificate, name: &str) -> Self {
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let conduct = Mutex::new(Conduct::new(Behaviour::default(), &certificate));
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            certificate,
            conduct,
            messages: Journal::default(),
            events: Journal::default(),
            tapes: Mutex::default(),
            connections: Mutex::default(),
            count: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Behaves like this from the next connection on.
    pub fn behave(&self, behaviour: Behaviour) {
        *lock(&self.shared.conduct) = Conduct::new(behaviour, &self.shared.certificate);
    }

    /// Its host name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address, for the zone.
    pub const fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Its port, for `smtp-port` and the TLSA owner.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.shared.certificate
    }

    /// The right DANE-EE record for its own certificate.
    pub fn tlsa(&self, selector: u8, matching: u8) -> Tlsa {
        self.shared.certificate.tlsa(selector, matching)
    }

    /// The messages it answered 250 to, oldest first.
    pub fn messages(&self) -> Vec<StoredMessage> {
        self.shared.messages.entries()
    }

    /// Waits until it has stored that many, at most `timeout`; returns what it has stored by then, so the caller looks at the count.
    pub fn wait_for_messages(&self, count: usize, timeout: Duration) -> Vec<StoredMessage> {
        self.shared
            .messages
            .wait_for(timeout, |all| (all.len() >= count).then(|| all.to_vec()))
            .unwrap_or_else(|| self.messages())
    }

    /// Everything that happened, oldest first.
    pub fn transcript(&self) -> Vec<Event> {
        self.shared.events.entries()
    }

    /// Waits until something happened; whether it did.
    pub fn wait_for_event(&self, timeout: Duration, is_it: impl Fn(&Event) -> bool) -> bool {
        self.shared
            .events
            .wait_for(timeout, |all| all.iter().any(&is_it).then_some(()))
            .is_some()
    }

    /// Waits until every connection so far has ended, on both sides; whether they have.
    pub fn wait_for_silence(&self, timeout: Duration) -> bool {
        let are_over = |all: &[Event]| {
            let ended = all.iter().filter(|event| event.what == What::Closed);
            (ended.count() as u64 >= self.connection_count()).then_some(())
        };
        self.shared.events.wait_for(timeout, are_over).is_some()
    }

    /// The lines clients sent in this phase.
    pub fn commands(&self, phase: Phase) -> Vec<String> {
        let of_phase = |event: Event| match event.what {
            What::Command(line) if event.phase == phase => Some(line),
            _ => None,
        };
        self.transcript().into_iter().filter_map(of_phase).collect()
    }

    /// Whether any client ever sent MAIL, in clear or inside TLS.
    pub fn saw_mail_command(&self) -> bool {
        [Phase::Clear, Phase::Tls]
            .into_iter()
            .flat_map(|phase| self.commands(phase))
            .any(|line| line.to_ascii_uppercase().starts_with("MAIL"))
    }

    /// The server names that clients asked for, one per completed handshake.
    pub fn server_names(&self) -> Vec<Option<String>> {
        let of_handshake = |event: Event| match event.what {
            What::Handshake { sni, .. } => Some(sni),
            _ => None,
        };
        self.transcript()
            .into_iter()
            .filter_map(of_handshake)
            .collect()
    }

    /// What clients sent, octet by octet: one entry for each of the first thousand connections, oldest first.
    pub fn captures(&self) -> Vec<Capture> {
        let tapes = lock(&self.shared.tapes);
        tapes.iter().map(|tape| tape.capture()).collect()
    }

    /// How many connections were made to it.
    pub fn connection_count(&self) -> u64 {
        self.shared.count.load(Ordering::SeqCst)
    }
}

impl Drop for MxHost {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees that it shall stop.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        for connection in lock(&self.shared.connections).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn conduct(&self) -> Conduct {
        lock(&self.conduct).clone()
    }
}

/// How the host behaves, and its TLS context for that: one for all connections, so that clients may resume their sessions.
#[derive(Clone)]
struct Conduct {
    behaviour: Behaviour,
    context: SslContext,
}

impl Conduct {
    fn new(behaviour: Behaviour, own: &Certificate) -> Self {
        let context = tls::context(&behaviour, own);
        Self { behaviour, context }
    }
}

impl fmt::Debug for Conduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.behaviour.fmt(f)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((socket, peer)) = listener.accept() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let number = shared.count.fetch_add(1, Ordering::SeqCst) + 1;
        shared.events.push(Event {
            at: Timestamp::now(),
            connection: number,
            phase: Phase::Clear,
            what: What::Connected(peer),
        });
        serve(socket, number, Arc::clone(shared));
    }
}

fn serve(socket: TcpStream, number: u64, shared: Arc<Shared>) {
    let Ok(twin) = socket.try_clone() else {
        return;
    };
    lock(&shared.connections).insert(number, twin);
    let taping = Arc::new(capture::Taping::default());
    let mut tapes = lock(&shared.tapes);
    if tapes.len() < TAPES_KEPT {
        tapes.push(Arc::clone(&taping));
    }
    drop(tapes);
    thread::spawn(move || {
        if let Ok(wire) = wire::Wire::new(socket, taping) {
            session::Session::new(Arc::clone(&shared), wire, number).run();
        }
        lock(&shared.connections).remove(&number);
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no thread panics while it holds a lock")
}
