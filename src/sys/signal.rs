//! Signals as values: they are blocked in every thread and waited for in one.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// What the outside asks of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: stop.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
}

const WAITED_FOR: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// The blocked signals; proof that [`block`] was called before any wait.
pub struct Blocked(libc::sigset_t);

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and in all threads it will start; call before the first is started.
///
/// # Errors
/// The system's refusal.
pub fn block() -> io::Result<Blocked> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set it is given, and only then is it read.
    let mut set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    };
    for signal in WAITED_FOR {
        // SAFETY: the set is initialised and the signal numbers are valid.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    // SAFETY: the set is initialised; a null old set is allowed.
    let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
    match error {
        0 => Ok(Blocked(set)),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

impl Blocked {
    /// Waits for one of the signals.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn wait(&self) -> io::Result<Signal> {
        let mut signal: libc::c_int = 0;
        // SAFETY: both pointers are to initialised values that outlive the call.
        match unsafe { libc::sigwait(&raw const self.0, &raw mut signal) } {
            0 if signal == libc::SIGHUP => Ok(Signal::Reload),
            0 => Ok(Signal::Stop),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}
