//! A real listener with a temporary spool, and clients that talk to it octet by octet.
#![allow(dead_code, reason = "each file of tests uses another part of it")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use gateway::filter::Chain;
use gateway::inbound::{Inbound, Running, Services, Settings};
use gateway::net::Network;
use gateway::queue::{self, Entry, Queue, Tuning};
use gateway::smtp::Domain;
use gateway_lab::temp::TempDir;

/// Longer than any step takes; whoever waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The listener, its sessions and its queue; all gone when dropped.
pub(crate) struct Gate {
    running: Option<Running>,
    pub(crate) address: SocketAddr,
    pub(crate) queue: Arc<Queue>,
    _spool: TempDir,
}

/// Loopback may relay; limits small enough to be met.
pub(crate) fn settings() -> Settings {
    Settings {
        hostname: Domain::parse("gateway.test").expect("a domain"),
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        relay_from: Network::LOOPBACK.to_vec(),
        message_size_limit: 100_000,
        recipient_limit: 100,
        session_limit: 50,
        command_timeout: PATIENCE,
        data_timeout: PATIENCE,
    }
}

impl Gate {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::start_with(settings, &[], Tuning::default())
    }

    /// With these filter directives, and other limits of the queue.
    pub(crate) fn start_with(settings: Settings, filters: &[&str], tuning: Tuning) -> Self {
        let spool = TempDir::new("inbound");
        let queue_settings = queue::Settings {
            directory: spool.path().to_owned(),
            retry_for: PATIENCE,
            retry_first: PATIENCE,
            retry_max: PATIENCE,
        };
        // Small, since many tests run beside each other.
        let tuning = Tuning {
            segment_size: 1 << 20,
            ..tuning
        };
        let queue = Arc::new(Queue::open_with(queue_settings, tuning).expect("a spool"));
        let inbound = Inbound::bind(settings).expect("loopback");
        let address = inbound.addresses()[0];
        let running = inbound.start(services(&queue, filters)).expect("threads");
        Self {
            running: Some(running),
            address,
            queue,
            _spool: spool,
        }
    }

    pub(crate) fn reload(&self, settings: Settings, filters: &[&str]) {
        let running = self.running.as_ref().expect("running");
        running.reload(settings, services(&self.queue, filters));
    }

    pub(crate) fn stop(&mut self, grace: Duration) {
        if let Some(running) = self.running.take() {
            running.stop(grace);
        }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address).expect("connects")
    }

    /// After the greeting and EHLO.
    pub(crate) fn greeted(&self) -> Client {
        let mut client = self.connect();
        client.expect("220 ");
        client.ask("EHLO client.test", "250");
        client
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.queue.entries()
    }

    /// The contents of all messages in the queue.
    pub(crate) fn contents(&self) -> Vec<String> {
        let content = |entry: &Entry| self.queue.content(entry.id).expect("readable");
        let entries = self.entries();
        let contents = entries.iter().map(content);
        contents
            .map(|octets| String::from_utf8(octets).expect("UTF-8"))
            .collect()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

fn services(queue: &Arc<Queue>, filters: &[&str]) -> Services {
    let words = |line: &&str| line.split_whitespace().map(str::to_owned).collect();
    let directives: Vec<Vec<String>> = filters.iter().map(words).collect();
    Services {
        filters: Arc::new(Chain::new(&directives).expect("filters")),
        queue: Arc::clone(queue),
        foresight: None,
    }
}

/// A client that sends what it is told and reads whole replies.
pub(crate) struct Client {
    socket: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket: BufReader::new(socket),
        })
    }

    /// The socket beneath, for what this client has no words for.
    pub(crate) fn socket(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// Sends octets as they are.
    pub(crate) fn send(&mut self, octets: &[u8]) {
        self.try_send(octets).expect("sends");
    }

    pub(crate) fn try_send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.socket.get_mut().write_all(octets)
    }

    /// The next line with its end; empty when the server has closed the connection.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        match self.socket.read_line(&mut line) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            result => drop(result.expect("a line or the end")),
        }
        line
    }

    /// All lines of the next reply.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line();
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            reply += &line;
            if is_last {
                return reply;
            }
        }
    }

    /// The next reply, which starts like this.
    #[track_caller]
    pub(crate) fn expect(&mut self, start: &str) -> String {
        let reply = self.reply();
        assert!(reply.starts_with(start), "expected {start:?}: {reply:?}");
        reply
    }

    /// Sends a line, expects a reply that starts like this.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str, start: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes());
        self.expect(start)
    }

    /// Up to 354.
    #[track_caller]
    pub(crate) fn begin_data(&mut self) {
        self.ask("MAIL FROM:<sender@example.org>", "250 2.1.0");
        self.ask("RCPT TO:<recipient@example.org>", "250 2.1.5");
        self.ask("DATA", "354");
    }

    /// A whole transaction; the reply to its message.
    #[track_caller]
    pub(crate) fn submit(&mut self, message: &str, start: &str) -> String {
        self.begin_data();
        self.send(message.as_bytes());
        self.ask(".", start)
    }

    /// What else the server has to say until it closes the connection.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.socket.read_to_end(&mut rest) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            result => drop(result.expect("the end")),
        }
        String::from_utf8(rest).expect("ASCII")
    }
}
