//! Tells all threads of this room to stop, also those that wait for input.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use crate::sys::poll::wait_for_input;
use crate::time::Deadline;

/// Dropped to stop everybody who waits with the [`Stop`] of the pair.
#[derive(Debug)]
pub(super) struct Stopper(#[expect(dead_code, reason = "held only to be dropped")] UnixStream);

/// Waited with; its other end is closed, and so it can be read, once everybody has to stop.
#[derive(Debug)]
pub(super) struct Stop(UnixStream);

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// There is input, or its end.
    Input,
    /// Everybody has to stop.
    Stop,
    /// The deadline is over.
    Late,
}

/// The two halves.
pub(super) fn pair() -> io::Result<(Stopper, Stop)> {
    let (write, read) = UnixStream::pair()?;
    Ok((Stopper(write), Stop(read)))
}

impl Stop {
    /// Waits for input. To stop goes before input.
    pub(super) fn wait(&self, source: &impl AsFd, deadline: Deadline) -> io::Result<Wake> {
        while let Some(left) = deadline.remaining() {
            match wait_for_input([self.0.as_fd(), source.as_fd()], left)? {
                [true, _] => return Ok(Wake::Stop),
                [false, true] => return Ok(Wake::Input),
                [false, false] => {}
            }
        }
        Ok(Wake::Late)
    }

    /// Waits without source; returns whether everybody has to stop.
    pub(super) fn pause(&self, deadline: Deadline) -> io::Result<bool> {
        match deadline.remaining() {
            Some(left) => Ok(wait_for_input([self.0.as_fd()], left)? == [true]),
            None => Ok(false),
        }
    }
}
