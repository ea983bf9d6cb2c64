//! A TCP connection whose every read and write ends by a deadline.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::time::Deadline;

/// A connection with one deadline for whatever is being done on it; set anew for each step.
///
/// Reads and writes fail with [`io::ErrorKind::TimedOut`] once the deadline is over, however many octets trickle in before.
#[derive(Debug)]
pub struct Stream {
    /// Shared with nothing but a [`super::Breaker`].
    socket: Arc<TcpStream>,
    deadline: Deadline,
    peer: SocketAddr,
    /// Whether reads and writes wait at all.
    is_waiting: bool,
}

impl Stream {
    /// Connects by the deadline.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::TimedOut`] at the deadline.
    pub fn connect(address: SocketAddr, deadline: Deadline) -> io::Result<Self> {
        let left = deadline.remaining().ok_or(io::ErrorKind::TimedOut)?;
        let socket = TcpStream::connect_timeout(&address, left)?;
        Self::new(socket, deadline)
    }

    /// Takes over a connected socket.
    ///
    /// # Errors
    /// When the peer is gone already.
    pub fn new(socket: TcpStream, deadline: Deadline) -> io::Result<Self> {
        // Commands and replies are written whole, so waiting for more to send only adds delay.
        socket.set_nodelay(true)?;
        let peer = socket.peer_addr()?;
        Ok(Self {
            socket: Arc::new(socket),
            deadline,
            peer,
            is_waiting: true,
        })
    }

    /// Sets by when the following reads and writes must be over.
    pub const fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Sets whether reads and writes wait until the deadline, as they do at first, or fail with [`io::ErrorKind::WouldBlock`] where they would.
    ///
    /// # Errors
    /// As the system says.
    pub fn set_waiting(&mut self, is_waiting: bool) -> io::Result<()> {
        self.is_waiting = is_waiting;
        self.socket.set_nonblocking(!is_waiting)
    }

    /// The other side's address.
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our side's address.
    ///
    /// # Errors
    /// As the system says.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Whether octets are waiting to be read, or the end has come; never blocks.
    ///
    /// # Errors
    /// As the system says.
    pub fn has_input(&self) -> io::Result<bool> {
        self.socket.set_nonblocking(true)?;
        let peeked = self.socket.peek(&mut [0]);
        self.socket.set_nonblocking(false)?;
        match peeked {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends both directions; a later read or write fails.
    pub fn close(&self) {
        // Already closed is as good as closed.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Tells the peer that nothing more is coming; reading goes on.
    pub fn end_output(&self) {
        // Already closed is as good as closed.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    pub(super) const fn socket(&self) -> &Arc<TcpStream> {
        &self.socket
    }

    fn left(&self) -> io::Result<Duration> {
        self.deadline
            .remaining()
            .ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

/// To wait for input without reading it.
impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What came of a wait; `None` if it is to go on: a wait with a limit ends when the process was stopped and continues (signal(7)). The system reports
/// an over-long wait as "would block".
fn waited(outcome: io::Result<usize>) -> Option<io::Result<usize>> {
    match outcome.as_ref().map_err(io::Error::kind) {
        Err(io::ErrorKind::Interrupted) => None,
        Err(io::ErrorKind::WouldBlock) => Some(Err(io::ErrorKind::TimedOut.into())),
        _ => Some(outcome),
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_waiting {
            return self.socket.as_ref().read(buffer);
        }
        loop {
            self.socket.set_read_timeout(Some(self.left()?))?;
            if let Some(outcome) = waited(self.socket.as_ref().read(buffer)) {
                return outcome;
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if !self.is_waiting {
            return self.socket.as_ref().write(octets);
        }
        loop {
            self.socket.set_write_timeout(Some(self.left()?))?;
            if let Some(outcome) = waited(self.socket.as_ref().write(octets)) {
                return outcome;
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.as_ref().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_silent_peer_ends_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let deadline = Deadline::after(Duration::from_secs(5));
        let mut stream = Stream::connect(address, deadline).expect("connects");
        let (mut peer, _) = listener.accept().expect("accepts");
        assert!(!stream.has_input().expect("open"));
        peer.write_all(b"x").expect("writes");
        assert_eq!(stream.read(&mut [0; 8]).expect("reads"), 1);
        stream.set_deadline(Deadline::after(Duration::from_millis(20)));
        let error = stream.read(&mut [0; 8]).expect_err("silence");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let error = stream.read(&mut [0; 8]).expect_err("over");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
