//! What the system says about this host and this process.

use std::io;
use std::mem::MaybeUninit;

/// Room for a host name; Linux allows 64 octets, POSIX 255.
const NAME_ROOM: usize = 256;

/// The name of this host as it was set, qualified or not.
///
/// # Errors
/// The system's refusal, or a name that is not UTF-8.
pub fn hostname() -> io::Result<String> {
    let mut room = [0u8; NAME_ROOM];
    // SAFETY: the pointer is valid for the length given.
    if unsafe { libc::gethostname(room.as_mut_ptr().cast(), room.len()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let name = room.split(|octet| *octet == 0).next().unwrap_or_default();
    let text = std::str::from_utf8(name);
    text.map(str::to_owned)
        .map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Raises the number of files this process may have open to what its hard limit allows; returns the number now in force.
///
/// # Errors
/// The system's refusal; the old limit stands.
pub fn raise_open_files() -> io::Result<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the pointer is valid for one rlimit.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: getrlimit succeeded, so it filled the structure.
    let mut limit = unsafe { limit.assume_init() };
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the pointer is to an initialised rlimit.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
        0 => Ok(limit.rlim_cur),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Octets from which a buffer gets pages of its own, which the system has back as soon as the buffer is dropped. This is where the GNU
/// library begins, but it moves up to 32 MiB with every buffer dropped, and what is smaller stays with the process.
#[cfg(target_env = "gnu")]
const OWN_PAGES_FROM: libc::c_int = 128 << 10;

/// Sees to it that the memory of large messages goes back to the system when they are dropped.
pub fn return_large_buffers() {
    #[cfg(target_env = "gnu")]
    // SAFETY: this only sets a number of the allocator, which locks itself.
    unsafe {
        // It refuses only numbers that are too large.
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES_FROM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_has_a_name() {
        let name = hostname().expect("everywhere");
        assert!(!name.is_empty() && !name.contains('\0'), "{name:?}");
    }

    #[test]
    fn the_limit_of_open_files_is_raised_once() {
        let raised = raise_open_files().expect("lowering is not asked for");
        assert_eq!(raise_open_files().expect("as before"), raised);
    }
}
