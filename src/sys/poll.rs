//! Waiting for input from several sources at once.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Waits until a source can be read or has ended, at most `timeout`; tells for each whether it can. None can when the time is over or a
/// signal came.
///
/// # Errors
/// The system's refusal.
pub fn wait_for_input<const N: usize>(
    sources: [BorrowedFd<'_>; N],
    timeout: Duration,
) -> io::Result<[bool; N]> {
    let mut entries = sources.map(|source| libc::pollfd {
        fd: source.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    });
    // Rounded up, so that a wait of less than a millisecond does not become a loop without any.
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    let millis = libc::c_int::try_from(millis).unwrap_or(libc::c_int::MAX);
    // SAFETY: the pointer is valid for N entries, and the descriptors are open for as long as they are borrowed.
    let count = unsafe { libc::poll(entries.as_mut_ptr(), N as libc::nfds_t, millis) };
    if count >= 0 {
        return Ok(entries.map(|entry| entry.revents != 0));
    }
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::Interrupted => Ok([false; N]),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn input_and_ends_are_told_apart_from_silence() {
        let (silent, _open) = UnixStream::pair().expect("sockets");
        let (ready, mut writer) = UnixStream::pair().expect("sockets");
        let wait = || wait_for_input([silent.as_fd(), ready.as_fd()], Duration::from_millis(1));
        assert_eq!(wait().expect("open"), [false, false]);
        writer.write_all(b"x").expect("writes");
        assert_eq!(wait().expect("open"), [false, true]);
        let (ended, writer) = UnixStream::pair().expect("sockets");
        drop(writer);
        let found = wait_for_input([ended.as_fd()], Duration::from_secs(20));
        assert_eq!(found.expect("open"), [true]);
    }
}
