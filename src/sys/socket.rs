//! Socket options that the standard library does not set.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Acknowledges at once what has been read of a TCP connection, where the system would wait for something to send along with that (RFC 9293
/// §3.8.6.3). It lasts for a few segments, so it is to be said again.
///
/// # Errors
/// The system's refusal.
pub fn acknowledge(connection: BorrowedFd<'_>) -> io::Result<()> {
    let yes: libc::c_int = 1;
    // SAFETY: the pointer is valid for as many octets as are said, and the descriptor is open for as long as it is borrowed.
    let result = unsafe {
        libc::setsockopt(
            connection.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_QUICKACK,
            (&raw const yes).cast(),
            libc::socklen_t::try_from(size_of_val(&yes)).unwrap_or_default(),
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    #[test]
    fn only_tcp_acknowledges() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let connection = TcpStream::connect(address).expect("listens");
        acknowledge(connection.as_fd()).expect("a connection");
        let (other, _) = std::os::unix::net::UnixStream::pair().expect("sockets");
        acknowledge(other.as_fd()).expect_err("no TCP");
    }
}
