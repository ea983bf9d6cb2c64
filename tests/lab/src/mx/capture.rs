//! What a client sent on one connection, octet by octet, so that a test can say what a server never got.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Octets kept of one connection, raw and decrypted each: all of any dialogue, the head of a large message.
const KEPT: usize = 1 << 14;

/// The octets that one client sent, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// As they came over the network, the first 16 KiB.
    pub raw: Vec<u8>,
    /// How many of them came before STARTTLS was answered with 220; `None` where it never was.
    pub clear: Option<usize>,
    /// What the client said inside TLS, decrypted, the first 16 KiB.
    pub inside: Vec<u8>,
}

impl Capture {
    pub(super) fn expect_tls(&mut self) {
        self.clear = Some(self.raw.len());
    }

    pub(super) fn decrypted(&mut self, octets: &[u8]) {
        keep(&mut self.inside, octets);
    }
}

fn keep(all: &mut Vec<u8>, octets: &[u8]) {
    let room = KEPT.saturating_sub(all.len());
    all.extend(octets.iter().take(room));
}

/// A capture that is still growing.
#[derive(Debug, Default)]
pub(super) struct Taping(Mutex<Capture>);

impl Taping {
    pub(super) fn change(&self, change: impl FnOnce(&mut Capture)) {
        change(&mut super::lock(&self.0));
    }

    pub(super) fn capture(&self) -> Capture {
        super::lock(&self.0).clone()
    }
}

/// A socket of which everything that is read is kept.
#[derive(Debug)]
pub(super) struct Tap {
    socket: TcpStream,
    taping: Arc<Taping>,
}

impl Tap {
    pub(super) const fn new(socket: TcpStream, taping: Arc<Taping>) -> Self {
        Self { socket, taping }
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self::new(
            self.socket.try_clone()?,
            Arc::clone(&self.taping),
        ))
    }

    /// Says nothing more, and reads until the client closes, at most that long from one octet to the next.
    pub(super) fn listen_to_the_end(&mut self, patience: Duration) {
        // A client that is gone has nothing more to say.
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(patience));
        let mut buffer = [0; 1024];
        while self.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }

    pub(super) fn shutdown(&self, how: Shutdown) {
        // A connection that has ended already is what is wanted.
        let _ = self.socket.shutdown(how);
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(buffer)?;
        self.taping
            .change(|capture| keep(&mut capture.raw, &buffer[..count]));
        Ok(count)
    }
}

impl Write for Tap {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.socket.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
